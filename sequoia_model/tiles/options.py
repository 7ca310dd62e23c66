"""TileOptions: how the tiles of slides are chosen, checked once."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from sequoia_base.names import bare_slide
from sequoia_model.errors import InputError, listing
from sequoia_model.slide import read_mpp_table
from sequoia_model.slide.resolution import check_mpp

TileRule = Literal["paper", "published-code"]
#: Names of the rules: as the paper says, and as the published code does.
TILE_RULES: tuple[TileRule, ...] = get_args(TileRule)
DEFAULT_RULE: TileRule = "paper"
#: Largest number of tiles of a slide by default.
MAX_TILES = 4000
#: Why candidates beyond that number became no tiles.
NOT_DRAWN = "not drawn"

_ENDINGS = (".geojson", ".png")


@dataclass(frozen=True)
class TileOptions:
    """How the tiles of slides are chosen.

    Parameters
    ----------
    rule : {"paper", "published-code"}, optional
        Which tiles hold tissue. By default "paper"; `predict_slides` takes the rule that the weights were trained with.
    max_tiles : int, optional
        Largest number of tiles per slide, drawn at random; None for all.
    seed : int, default 0
        Random seed, 0 or more.
    slide_mpp : float, optional
        µm per pixel of all slides, whatever their files say.
    mpp_table : path or mapping, optional
        µm per pixel of each slide: a CSV with the columns slide and mpp, or a mapping from the name of a slide.
    annotation : path, optional
        GeoJSON or PNG that replaces the tissue mask, or a folder with ``NAME.geojson`` or ``NAME.png`` for each slide.
    jobs : int, optional
        Number of threads that read tiles; does not change the result. By default one per core.
    annotation_class : str or sequence of str
        Classes of drawn areas to use, in a text separated by commas: "Tumor,Stroma". By default all.
    exclude_class : str or sequence of str
        Classes of drawn areas to take away. Without `annotation_class`, they are taken away from the tissue.
    keep_ink : bool, default False
        Keep tiles on pen marks, which the rule "paper" leaves out.

    Raises
    ------
    InputError
        If a value cannot be used, or a file cannot be read.

    Examples
    --------
    >>> TileOptions(max_tiles=100, seed=7).seed
    7
    """

    rule: str | None = None
    max_tiles: int | None = MAX_TILES
    seed: int = 0
    slide_mpp: float | None = None
    mpp_table: str | Path | Mapping[str, float] | None = None
    annotation: str | Path | None = None
    jobs: int | None = None
    annotation_class: str | Sequence[str] = ()
    exclude_class: str | Sequence[str] = ()
    keep_ink: bool = False

    def __post_init__(self) -> None:
        for name in ("annotation_class", "exclude_class"):
            object.__setattr__(self, name, _classes(getattr(self, name), name))
            if getattr(self, name) and self.annotation is None:
                option = f"--{name.replace('_', '-')}"
                raise InputError(
                    f"{option} was given without an annotation", fix="give the GeoJSON with --annotation"
                )
        if self.rule is not None and self.rule not in TILE_RULES:
            raise InputError(f"{self.rule!r} is not a valid rule", fix=f"give {' or '.join(TILE_RULES)}")
        for name, least in (("max_tiles", 1), ("seed", 0), ("jobs", 1)):
            check_least(name, getattr(self, name), least)
        if self.slide_mpp is not None:
            if self.mpp_table is not None:
                raise InputError("--slide-mpp and --mpp-table were both given", fix="give one of them")
            check_mpp(self.slide_mpp, "--slide-mpp")
        if self.annotation is not None and not Path(self.annotation).exists():
            raise InputError("the annotation does not exist", where=str(self.annotation))
        _ = self._scales  # read now, so that a fault is found before any slide is opened

    @cached_property
    def _scales(self) -> Mapping[str, float]:
        """µm per pixel by the name of the slide."""
        table = self.mpp_table
        return read_mpp_table(table) if isinstance(table, str | Path) else table or {}

    @property
    def effective_rule(self) -> TileRule:
        """The rule, or the default one."""
        return DEFAULT_RULE if self.rule is None else TILE_RULES[TILE_RULES.index(self.rule)]

    @property
    def has_annotation_folder(self) -> bool:
        """Whether the annotation is a folder with one for each slide."""
        return self.annotation is not None and Path(self.annotation).is_dir()

    @property
    def only_excludes(self) -> bool:
        """Whether areas are taken away from the tissue, and none replaces it."""
        return bool(self.exclude_class) and not self.annotation_class

    def check_slides(self, slides: Sequence[Path]) -> None:
        """Refuse options that do not fit these slides.

        Raises
        ------
        InputError
            If one annotation is given for several slides, none of several has a class that is named, or the table of
            resolutions names none of them.
        """
        if self.has_annotation_folder:
            self._check_classes(slides)
        elif self.annotation is not None and len(slides) > 1:
            raise InputError(
                f"one annotation was given for {len(slides)} slides",
                where=str(self.annotation),
                fix="give a folder that holds NAME.geojson or NAME.png for each slide",
            )
        if self._scales and not any(bare_slide(slide.name) in self._scales for slide in slides):
            raise InputError(
                f"the table names none of the slides: it has {listing(self._scales, 3)}",
                where=str(self.mpp_table) if isinstance(self.mpp_table, str | Path) else "mpp_table",
                fix=f"the column slide holds names such as {bare_slide(slides[0].name)}",
            )

    def mpp_of(self, slide: Path) -> float | None:
        """µm per pixel of a slide, if the user gives it."""
        return self._scales.get(bare_slide(slide.name), self.slide_mpp)

    def annotation_of(self, slide: Path) -> Path | None:
        """The annotation of a slide, if there are annotations.

        Raises
        ------
        InputError
            If their folder holds none for this slide, or two.
        """
        if self.annotation is None or not self.has_annotation_folder:
            return None if self.annotation is None else Path(self.annotation)
        names = [bare_slide(slide.name) + ending for ending in _ENDINGS]
        found = [path for name in names if (path := Path(self.annotation) / name).is_file()]
        if len(found) == 1:
            return found[0]
        what = "are two annotations" if found else "is no annotation"
        raise InputError(
            f"there {what} for the slide {slide.name}",
            where=f"{self.annotation}: {' or '.join(names)}",
        )

    def settings(self, slide: Path) -> dict[str, Any]:
        """All that the tiles of a slide depend on, as plain values."""
        annotation = self.annotation_of(slide)
        return {
            "rule": self.effective_rule,
            "seed": self.seed,
            "max_tiles": self.max_tiles,
            "slide_mpp": self.mpp_of(slide),
            "annotation": None if annotation is None else _digest(annotation),
            "annotation_class": list(self.annotation_class) or None,
            "exclude_class": list(self.exclude_class) or None,
            "keep_ink": self.keep_ink or None,
            "slide_bytes": slide.stat().st_size if slide.is_file() else None,
        }

    def _check_classes(self, slides: Sequence[Path]) -> None:
        """Refuse a class that none of the annotations of these slides has, as after a misspelling."""
        wanted = (*self.annotation_class, *self.exclude_class)
        if not wanted:
            return
        # brings scipy and the compiler, which a finished folder does without
        from sequoia_model.tissue import classes_of, is_class, listed

        found: Counter[str] = Counter()
        for slide in slides:
            with suppress(InputError):  # reported when it is the slide's turn
                path = self.annotation_of(slide)
                found += classes_of(path) if path is not None else Counter()
        absent = [name for name in wanted if not any(is_class(each, name) for each in found)]
        if absent and found:
            raise InputError(
                f"the annotations have no area of class {listing(absent)}",
                where=str(self.annotation),
                fix=f"their classes, with the number of areas, are: {listed(found)}",
            )


def _classes(given: str | Sequence[str], name: str) -> tuple[str, ...]:
    """The names of classes; in a text they are separated by commas, and quotes keep a comma in a name."""
    names = next(csv.reader([given], skipinitialspace=True), []) if isinstance(given, str) else given
    names = [each.strip() for each in names]
    if isinstance(given, str) and names[1:] and not names[-1]:  # a comma at the end is no further name
        names.pop()
    if not all(names) or (isinstance(given, str) and not names):
        raise InputError(
            f"--{name.replace('_', '-')} holds an empty name",
            fix="give names of classes, separated by commas",
        )
    return tuple(names)


def check_least(name: str, number: int | None, least: int = 1) -> None:
    """Refuse a number that is too small; None is not given.

    Raises
    ------
    InputError
        If it is below `least`.
    """
    if number is not None and number < least:
        raise InputError(f"{name} must be {least} or more, but is {number}")


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise InputError(f"the annotation cannot be read: {error.strerror}", where=str(path)) from None
