"""What is done with each slide of a folder: its tiles are chosen and written, or embedded as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from sequoia_base.errors import counted
from sequoia_model import encoders
from sequoia_model.embedding._settings import encoder_settings, only_more_tiles
from sequoia_model.errors import InputError
from sequoia_model.slide import open_slide
from sequoia_model.tiles import TileOptions
from sequoia_model.types.bag import EncoderId, FeatureBag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sequoia_base.runs import Claim
    from sequoia_model.embedding.progress import Meter
    from sequoia_model.encoders import Encoder
    from sequoia_model.tiles import Candidates, TileChoice

#: The steps of a slide, before its files are renamed.
TILE, EMBED, CLUSTER = "tile", "embed", "cluster"


class SlideWork(Protocol):
    """What is done with each slide."""

    @property
    def options(self) -> TileOptions:
        """How tiles are chosen and read."""

    @property
    def waits(self) -> bool:
        """Whether an encoder waits for pixels."""

    def settings(self, path: Path) -> dict[str, Any]:
        """All that the outputs of a slide depend on."""

    def outputs(self, name: str) -> list[str]:
        """Names of the files of a slide, in the order in which they are renamed."""

    def continues(self, made: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
        """Whether outputs made with other settings can be completed."""

    def write(self, candidates: Candidates, claim: Claim, meter: Meter, earlier: Path | None) -> str:
        """Write the files into the claim's own folder, using what an earlier output holds; returns a note."""


@dataclass(frozen=True)
class WriteTiles:
    """Choose tiles, and write them for other tools and as a picture.

    Parameters
    ----------
    options : TileOptions
        How tiles are chosen and read.
    """

    options: TileOptions
    waits: ClassVar[bool] = False

    def settings(self, path: Path) -> dict[str, Any]:
        """All that the outputs of a slide depend on."""
        return {"made_by": "tile", **self.options.settings(path)}

    def outputs(self, name: str) -> list[str]:
        """Names of the four files. The coords come last: if they are there, all are."""
        return [f"{name}_mask.png", f"{name}_overlay.png", f"{name}.geojson", f"{name}.h5"]

    def continues(self, made: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
        """Never: the files are quickly made again."""
        return False

    def write(self, candidates: Candidates, claim: Claim, meter: Meter, earlier: Path | None) -> str:
        """Test the pixels of the tiles and write the four files."""
        from sequoia_model.tiles import write_coords, write_geojson, write_mask, write_overlay

        choice = candidates.examine()
        grid, slide = choice.grid, candidates.slide
        _keep(claim, choice)
        meter.count(len(grid))
        claim.advance(TILE, tiles=len(grid))
        mask, overlay, geojson, coords = (claim.part / name for name in self.outputs(claim.name))
        write_mask(candidates.mask, mask)
        write_overlay(slide, grid, candidates.mask, overlay)
        write_geojson(grid, candidates.mask, geojson)
        write_coords(grid, coords)
        return ""


@dataclass(frozen=True)
class WriteFeatures:
    """Choose tiles, embed them and average their clusters.

    Parameters
    ----------
    options : TileOptions
        How tiles are chosen and read; its seed is also that of the clusters.
    encoder : EncoderOnDemand
        Turns tiles into vectors.
    batch_size : int, optional
        Number of tiles that pass through the encoder at once.
    """

    options: TileOptions
    encoder: EncoderOnDemand
    batch_size: int | None
    waits: ClassVar[bool] = True

    def settings(self, path: Path) -> dict[str, Any]:
        """All that the outputs of a slide depend on, apart from the last digits."""
        return {"made_by": "embed", **encoder_settings(self.encoder.id), **self.options.settings(path)}

    def outputs(self, name: str) -> list[str]:
        """The name of the feature file."""
        return [f"{name}.h5"]

    def continues(self, made: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
        """If more tiles are wanted, and everything else is the same."""
        return only_more_tiles(made, wanted)

    def write(self, candidates: Candidates, claim: Claim, meter: Meter, earlier: Path | None) -> str:
        """Embed the tiles, except those of an earlier file, and write the features."""
        from sequoia_model.clusters import cluster_means
        from sequoia_model.embedding._beside import one_core
        from sequoia_model.embedding.one_slide import TileVectors, fields_of_choice
        from sequoia_model.feature_files import write

        encoder = self.encoder.loaded
        meter.step(EMBED)
        claim.advance(EMBED)
        before, vectors_before, note = _earlier(earlier, candidates, encoder.id)
        size = encoder.batch_size if self.batch_size is None else self.batch_size
        with TileVectors(encoder, candidates.most, meter.count, vectors_before) as vectors:
            choice = candidates.read(vectors.add, transform=encoder.prepare, batch=size, earlier=before)
            _keep(claim, choice)
            coords, features = vectors.in_order()
        meter.step(CLUSTER)
        claim.advance(CLUSTER, tiles=len(choice.grid))
        with one_core():
            clusters = cluster_means(features, seed=self.options.seed)
        bag = FeatureBag(
            features=features, coords=coords, cluster_features=clusters.means, encoder=encoder.id,
            seed=self.options.seed, **fields_of_choice(choice),
        )  # fmt: skip
        write(bag, claim.part / self.outputs(claim.name)[0], more={"cluster_note": clusters.note or None})
        return "; ".join(filter(None, (note, clusters.note)))


def find_places(work: SlideWork, path: Path) -> Candidates:
    """Open a slide and find where its tiles may lie; nothing is written, so that this can be done ahead, in a thread.

    Parameters
    ----------
    work : SlideWork
        Says how tiles are chosen.
    path : path
        The slide.

    Returns
    -------
    Candidates
        Their slide is open.

    Raises
    ------
    InputError
        If the slide cannot be opened or read, or its annotation cannot be used.
    """
    from sequoia_model.tiles import find_candidates

    slide = open_slide(path, mpp=work.options.mpp_of(path))
    try:
        return find_candidates(slide, work.options)
    except BaseException:
        slide.close()
        raise


def process_slide(
    work: SlideWork, candidates: Candidates, claim: Claim, meter: Meter, earlier: Path | None
) -> None:
    """Write the files of a slide and rename them; the slide is closed.

    Parameters
    ----------
    work : SlideWork
        What is written.
    candidates : Candidates
        What `find_places` found.
    claim : Claim
        The right to work on it; the step is "tile" by now.
    meter : Meter
        Counts tiles.
    earlier : path, optional
        A file of fewer tiles, which is completed.

    Raises
    ------
    InputError
        If the slide cannot be read, no tile is left, or the files cannot be written.
    """
    with candidates.slide as slide:
        notes = [*slide.resolution.notes, *candidates.mask.notes]
        claim.remember(left_out=dict(candidates.left_out), notes=notes)
        note = work.write(candidates, claim, meter, earlier)
    claim.finish(work.outputs(claim.name), note="; ".join([*notes, *([note] if note else [])]))


class EncoderOnDemand:
    """An encoder that is loaded when it is needed; its identity may be known before.

    Parameters
    ----------
    encoder : str or Encoder
        A name as `get_encoder` takes it, or a loaded encoder.
    device : str
        Where an encoder given by name runs.
    """

    def __init__(self, encoder: str | Encoder, device: str) -> None:
        self._encoder, self._device = encoder, device

    @cached_property
    def loaded(self) -> Encoder:
        """The encoder, loaded."""
        from sequoia_model.embedding.one_slide import loaded_encoder

        return loaded_encoder(self._encoder, self._device)

    @cached_property
    def id(self) -> EncoderId:
        """Its identity; the encoder is loaded if this is not known otherwise."""
        known = encoders.known_id(self._encoder) if isinstance(self._encoder, str) else None
        return self.loaded.id if known is None else known


def _keep(claim: Claim, choice: TileChoice) -> None:
    """Record why places were left out, even if no tile is left."""
    claim.remember(left_out=dict(choice.grid.left_out))
    choice.refuse_empty()


def _earlier(
    path: Path | None, candidates: Candidates, encoder: EncoderId
) -> tuple[TileChoice | None, tuple[NDArray[np.int64], NDArray[np.float32]] | None, str]:
    """The choice of tiles of an earlier file, their corners and vectors, and a note about them."""
    from sequoia_model.feature_files import read

    if path is None:
        return None, None, ""
    try:
        bag = read(path)
    except InputError as error:
        return None, None, f"embedded again, because the earlier file cannot be read ({error.what})"
    options = candidates.options
    if bag.encoder is None or not bag.encoder.is_same(encoder):
        return None, None, "embedded again, because the earlier file holds features of another encoder"
    if (bag.rule, bag.seed) != (options.effective_rule, options.seed):
        return None, None, "embedded again, because the tiles of the earlier file were chosen otherwise"
    if bag.coords is not None and bag.features is not None:
        choice = candidates.recall(bag.coords, bag.tried, bag.geometry.left_out)
        if choice is not None:
            note = f"completed: {counted(len(choice.grid), 'tile')} of an earlier run kept"
            return choice, (choice.grid.coords, bag.features), note
    unknown = "the earlier file does not say which places were tried"
    why = unknown if bag.tried is None else "it does not agree with the places that hold tissue now"
    return None, None, f"embedded again, because {why}"
