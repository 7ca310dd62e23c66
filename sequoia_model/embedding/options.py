"""With what a slide is tiled and embedded, and whether a file was made with the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sequoia_base.names import bare_slide
from sequoia_model.errors import InputError, listing
from sequoia_model.slide import read_mpp_table
from sequoia_model.slide.resolution import check_mpp
from sequoia_model.tiles import MAX_TILES, RULES
from sequoia_model.types.bag import EncoderId

_ENDINGS = (".geojson", ".png")
#: What the settings of a slide are called in messages.
_WORDS = {
    "made_by": "command",
    "max_tiles": "number of tiles at most",
    "slide_mpp": "given µm/px",
    "annotation": "content of the annotation",
    "slide_bytes": "size of the slide file",
}


@dataclass(frozen=True)
class TileOptions:
    """How the tiles of many slides are chosen.

    Parameters
    ----------
    rule : str
    max_tiles : int, optional
    seed : int
    slide_mpp : float, optional
        Of all slides.
    mpp_table : mapping of str to float, optional
        Of some of them, by name.
    annotation : path, optional
        A file, or a folder with one for each slide.
    workers : int, optional
        Threads that read.
    """

    rule: str = "paper"
    max_tiles: int | None = MAX_TILES
    seed: int = 0
    slide_mpp: float | None = None
    mpp_table: Mapping[str, float] = field(default_factory=dict)
    annotation: Path | None = None
    workers: int | None = None

    def mpp_of(self, slide: Path) -> float | None:
        """What the user says of the scale of a slide."""
        return self.mpp_table.get(bare_slide(slide.name), self.slide_mpp)

    def annotation_of(self, slide: Path) -> Path | None:
        """The annotation of a slide, if there are annotations.

        Raises
        ------
        InputError
            If their folder holds none for this slide, or two.
        """
        if self.annotation is None or not self.annotation.is_dir():
            return self.annotation
        names = [bare_slide(slide.name) + ending for ending in _ENDINGS]
        found = [path for name in names if (path := self.annotation / name).is_file()]
        if len(found) == 1:
            return found[0]
        what = "two annotations" if found else "no annotation"
        raise InputError(
            f"there is {what} for the slide {slide}", where=f"{self.annotation}: {' or '.join(names)}"
        )

    def settings(self, slide: Path) -> dict[str, Any]:
        """All that the tiles of a slide depend on, as plain values."""
        annotation = self.annotation_of(slide)
        return {
            "rule": self.rule,
            "seed": self.seed,
            "max_tiles": self.max_tiles,
            "slide_mpp": self.mpp_of(slide),
            "annotation": None if annotation is None else _digest(annotation),
            "slide_bytes": slide.stat().st_size if slide.is_file() else None,
        }


def checked_options(
    rule: str,
    max_tiles: int | None,
    seed: int,
    slide_mpp: float | None,
    mpp_table: str | Path | None,
    annotation: str | Path | None,
    workers: int | None,
    slides: Sequence[Path],
) -> TileOptions:
    """Options as the user gives them, refused before any slide is opened where none could be done with them.

    Parameters
    ----------
    rule : str
    max_tiles : int, optional
    seed : int
    slide_mpp : float, optional
    mpp_table : path, optional
        A CSV.
    annotation : path, optional
    workers : int, optional
    slides : sequence of Path
        A single annotation is for one of them; a table of scales names some.

    Raises
    ------
    InputError
        If one cannot be used, or two contradict each other.
    """
    if rule not in RULES:
        raise InputError(f"there is no rule {rule!r}", fix=f"give one of {', '.join(RULES)}")
    for name, number, least in (("max_tiles", max_tiles, 1), ("seed", seed, 0), ("workers", workers, 1)):
        if number is not None and number < least:
            raise InputError(f"{name} is {number}", fix=f"give a whole number from {least}")
    if slide_mpp is not None and mpp_table is not None:
        raise InputError("--slide-mpp and --mpp-table were both given", fix="give one of them")
    if slide_mpp is not None:
        check_mpp(slide_mpp, "--slide-mpp")
    path = None if annotation is None else Path(annotation)
    if path is not None and not path.exists():
        raise InputError("the annotation does not exist", where=str(path))
    if path is not None and not path.is_dir() and len(slides) > 1:
        raise InputError(
            f"one annotation was given for {len(slides)} slides",
            where=str(path),
            fix="give a folder that holds NAME.geojson or NAME.png for each slide",
        )
    table = {} if mpp_table is None else scales_of(mpp_table, slides)
    return TileOptions(rule, max_tiles, seed, slide_mpp, table, path, workers)


def scales_of(table: str | Path, slides: Sequence[Path]) -> dict[str, float]:
    """The scales of slides by their names, from a table that may name others too.

    Raises
    ------
    InputError
        If it cannot be used, or names none of them.
    """
    scales = read_mpp_table(table)
    if not any(bare_slide(slide.name) in scales for slide in slides):
        raise InputError(
            f"the table names none of the slides: it has {listing(scales, 3)}",
            where=str(table),
            fix=f"the column slide holds names such as {bare_slide(slides[0].name)}",
        )
    return scales


def encoder_settings(encoder: EncoderId) -> dict[str, Any]:
    """An encoder as plain values; of its fingerprint four digits, which is more than a comparison needs."""
    if encoder.fingerprint is None:
        return {"encoder": encoder.name}
    return {"encoder": encoder.name, "fingerprint": [float(f"{x:.4g}") for x in encoder.fingerprint]}


def differences(made: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """What two settings differ in, in words: "seed 0, and 1 is asked for"."""
    if made.get("made_by") != wanted.get("made_by"):
        return [f"command {made.get('made_by')}, and {wanted.get('made_by')} is asked for"]
    found = [
        f"{_WORDS.get(name, name)} {_word(made.get(name))}, and {_word(value)} is asked for"
        for name, value in wanted.items()
        if name != "fingerprint" and made.get(name) != value
    ]
    if not found and not _encoder(made).is_same(_encoder(wanted)):
        found = ["weights of the encoder"]
    return found


def _encoder(settings: Mapping[str, Any]) -> EncoderId:
    fingerprint = settings.get("fingerprint")
    numbers = None if fingerprint is None else np.array(fingerprint, dtype=np.float32)
    return EncoderId(settings.get("encoder", "none"), fingerprint=numbers)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise InputError(f"the annotation cannot be read: {error.strerror}", where=str(path)) from None


def _word(value: object) -> str:
    return "none" if value is None else str(value)
