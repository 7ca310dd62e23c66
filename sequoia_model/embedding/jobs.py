"""What is done with each slide of a folder: its tiles are chosen, or embedded as well."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from sequoia_model.clusters import cluster_means
from sequoia_model.embedding.batching import embed_choice
from sequoia_model.embedding.one_slide import make_bag, tile_attributes
from sequoia_model.embedding.options import encoder_settings
from sequoia_model.feature_files import write
from sequoia_model.slide import Slide, open_slide
from sequoia_model.tiles import TileChoice, TileOptions, choose

if TYPE_CHECKING:
    from sequoia_base.runs import Claim
    from sequoia_model.embedding.meter import Meter
    from sequoia_model.encoders import Encoder

#: What a slide goes through, before its files are renamed.
TILE, EMBED, CLUSTER = "tile", "embed", "cluster"


class Job(Protocol):
    """What is done with each slide."""

    @property
    def options(self) -> TileOptions:
        """How its tiles are chosen."""

    @property
    def waits(self) -> bool:
        """Whether an encoder waits for pixels."""

    def settings(self, path: Path) -> dict[str, Any]:
        """All that the outputs for a slide depend on."""

    def outputs(self, name: str) -> list[str]:
        """Names of the files for a slide, in the order in which they are renamed."""

    def work(self, slide: Slide, choice: TileChoice, claim: Claim, meter: Meter) -> str:
        """Write the files into the claim's own folder; returns a note."""


@dataclass(frozen=True)
class TileJob:
    """Choose tiles, and write them for other tools and for the eye.

    Parameters
    ----------
    options : TileOptions
    """

    options: TileOptions
    waits: ClassVar[bool] = False

    def settings(self, path: Path) -> dict[str, Any]:
        """All that the outputs for a slide depend on."""
        return {"made_by": "tile", **self.options.settings(path)}

    def outputs(self, name: str) -> list[str]:
        """The coords come last: where they are, all are."""
        return [f"{name}_mask.png", f"{name}_overlay.png", f"{name}.geojson", f"{name}.h5"]

    def work(self, slide: Slide, choice: TileChoice, claim: Claim, meter: Meter) -> str:
        """Test the pixels of the tiles and write the four files."""
        from sequoia_model.tiles import write_coords, write_geojson, write_mask, write_overlay

        grid = choice.examine(jobs=self.options.jobs)
        meter.count(len(grid.coords))
        claim.advance(TILE, tiles=len(grid.coords), left_out=dict(grid.left_out))
        mask, overlay, geojson, coords = (claim.part / name for name in self.outputs(claim.name))
        write_mask(choice.mask, mask)
        write_overlay(slide, grid, choice.mask, overlay)
        write_geojson(grid, choice.mask, geojson)
        write_coords(grid, coords)
        return ""


@dataclass(frozen=True)
class EmbedJob:
    """Choose tiles, embed them and average their clusters.

    Parameters
    ----------
    options : TileOptions
    encoder : Encoder
    batch_size : int
    """

    options: TileOptions
    encoder: Encoder
    batch_size: int
    waits: ClassVar[bool] = True

    def settings(self, path: Path) -> dict[str, Any]:
        """All that the outputs for a slide depend on, but for last digits."""
        return {"made_by": "embed", **encoder_settings(self.encoder.id), **self.options.settings(path)}

    def outputs(self, name: str) -> list[str]:
        """One file."""
        return [f"{name}.h5"]

    def work(self, slide: Slide, choice: TileChoice, claim: Claim, meter: Meter) -> str:
        """Embed the tiles and write the features; the note is that of the clusters."""
        _step(claim, meter, EMBED)
        waited = 0.0

        def counted(n: int) -> None:
            nonlocal waited
            meter.count(n, choice.waited - waited)
            waited = choice.waited

        made = embed_choice(choice, self.encoder, self.batch_size, self.options.jobs, counted)
        grid = choice.grid()
        _step(claim, meter, CLUSTER, tiles=len(grid.coords), left_out=dict(grid.left_out))
        clusters = cluster_means(made.features, seed=self.options.seed)
        bag = make_bag(made, grid, self.encoder, clusters.means, self.options.seed)
        more = tile_attributes(slide, choice, grid, clusters.note)
        write(bag, claim.part / self.outputs(claim.name)[0], more=more)
        return clusters.note


def do(job: Job, path: Path, claim: Claim, meter: Meter) -> None:
    """Do a job on a slide, from its opening to the renaming of its files.

    Parameters
    ----------
    job : Job
    path : path
        Of the slide.
    claim : Claim
        On it; its state is "tile" by now.
    meter : Meter

    Raises
    ------
    InputError
        If the slide cannot be opened or read, or no tile is left, or the files cannot be written.
    """
    options = job.options
    meter.step(TILE)
    with open_slide(path, mpp=options.mpp_of(path)) as slide:
        choice = choose(slide, options)
        try:
            note = job.work(slide, choice, claim, meter)
        finally:
            claim.remember(left_out=dict(choice.left_out))
    notes = [*slide.resolution.notes, *([note] if note else [])]
    claim.finish(job.outputs(claim.name), note="; ".join(notes))


def _step(claim: Claim, meter: Meter, state: str, *, tiles: int | None = None, **details: Any) -> None:
    claim.advance(state, tiles=tiles, **details)
    meter.step(state)
