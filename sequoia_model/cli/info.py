"""``sequoia-model info``: what a run would use from a slide."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sequoia_base.cli.output import Force, Json, say, show
from sequoia_model.cli import slide_options as options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sequoia_model.slide import Slide
    from sequoia_model.tiles import Candidates, TileOptions

#: µm per pixel of the thumbnail, unless the slide is coarser.
_MPP = 10.0
#: Characters of the picture, from white to black.
_SHADES = " .:-=+*#%@"


def info(
    slide: Annotated[Path, typer.Argument(metavar="SLIDE", help="A slide file or a plain image.")],
    slide_mpp: Annotated[
        float | None, typer.Option(metavar="X", help="µm per pixel of the slide, whatever its file says.")
    ] = None,
    mpp_table: options.MppTable = None,
    rule: options.TileRuleOption = "paper",
    annotation: Annotated[
        Path | None, typer.Option(help="GeoJSON or PNG that replaces the tissue mask.")
    ] = None,
    annotation_class: options.AnnotationClass = None,
    exclude_class: options.ExcludeClass = None,
    keep_ink: options.KeepInk = False,
    thumbnail: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Also write a picture of the slide at about 10 µm/px.")
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Show a slide's format, levels and resolution, its tissue area, and about how many tiles it has."""
    from sequoia_base.atomic import refuse_existing
    from sequoia_base.errors import SequoiaError
    from sequoia_base.runs import attempt
    from sequoia_model.tiles import TileOptions

    if thumbnail is not None:
        refuse_existing(thumbnail, force=force, inputs=[slide, mpp_table, annotation])
    tiling = TileOptions(
        rule, None, 0, slide_mpp, mpp_table, annotation, None,
        options.classes(annotation_class), options.classes(exclude_class), keep_ink,
    )  # fmt: skip
    tiling.check_slides([slide])
    found = attempt(lambda: _looked_at(slide, tiling), str(slide))
    if isinstance(found, SequoiaError):
        found.where = found.where or str(slide)
        raise found
    content, pixels = found
    if thumbnail is not None:
        _write(thumbnail, pixels)
    picture = "" if as_json else text_picture(pixels, colour=sys.stdout.isatty())
    show(f"{_text(content)}\n\n{picture}", content, as_json)
    if thumbnail is not None:
        say(f"thumbnail written to {thumbnail}")


def _looked_at(slide: Path, tiling: TileOptions) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """What is known about a slide, and a small picture of it."""
    from sequoia_model.slide import open_slide
    from sequoia_model.tiles import find_candidates

    with open_slide(slide, mpp=tiling.mpp_of(slide)) as opened:
        candidates = find_candidates(opened, tiling)
        pixels, _ = opened.thumbnail(max(_MPP, opened.mpp))
        return _content(opened, candidates), pixels


def _write(path: Path, pixels: Any) -> None:
    from PIL import Image

    from sequoia_base.atomic import new_file

    with new_file(path) as temporary:
        Image.fromarray(pixels).save(temporary, format="png")


def _content(slide: Slide, candidates: Candidates) -> dict[str, Any]:
    from sequoia_model.types.units import TILE_MPP, TILE_SIZE

    return {
        "path": str(slide.path),
        "slide": slide.name,
        "format": slide.format,
        "size": list(slide.size),
        "levels": [
            {"size": list(level.size), "downsample": level.downsample, "reader": slide.reader_of(i)}
            for i, level in enumerate(slide.levels)
        ],
        "mpp": slide.mpp,
        "mpp_source": slide.resolution.source,
        "found": dict(slide.resolution.found),
        "objective_power": slide.power,
        "notes": [*slide.resolution.notes, *candidates.mask.notes],
        "tile_size": TILE_SIZE,
        "tile_mpp": TILE_MPP,
        "tile_side": candidates.side,
        "tile_level": slide.tile_level,
        "reader": slide.reader,
        "rule": candidates.options.effective_rule,
        "mask": candidates.mask.source,
        "tissue_mm2": candidates.mask.area_mm2,
        "n_places": candidates.n_places,
        "n_tiles_estimated": len(candidates),
    }


def _text(content: dict[str, Any]) -> str:
    """The content in lines for the terminal."""
    sizes = ", ".join(_by(level["size"]) + f" (1:{level['downsample']:.4g})" for level in content["levels"])
    from sequoia_model.errors import counted

    power = content["objective_power"]
    wide = content["tile_size"] * content["tile_mpp"]
    lines = [
        ("format", f"{content['format']}, {_by(content['size'])} px"),
        ("levels", sizes),
        ("resolution", f"{content['mpp']:.4g} µm/px, {_SOURCES[content['mpp_source']]}"),
        ("objective", "not stated" if power is None else f"{power:g}x"),
        (
            "tiles",
            f"{wide:g} µm wide: {content['tile_side']} px at level 0, read as {content['tile_size']} px",
        ),
        ("read from", f"level {content['tile_level']}, {_READERS[content['reader']]}"),
        ("tissue", f"{content['tissue_mm2']:.4g} mm² (mask: {content['mask']})"),
        (
            "estimate",
            f"up to {counted(content['n_tiles_estimated'], 'tile')} in {counted(content['n_places'], 'place')} by rule "
            f"{content['rule']}, before their pixels are checked",
        ),
        *(("note", note) for note in content["notes"]),
    ]
    return "\n".join([content["path"], *(f"  {word:<11} {text}" for word, text in lines)])


def _by(size: list[int]) -> str:
    return f"{size[0]:,} × {size[1]:,}"


def text_picture(pixels: NDArray[np.uint8], columns: int = 40, *, colour: bool = False) -> str:
    """Draw a picture in characters.

    Parameters
    ----------
    pixels : array of shape (h, w, 3), uint8
        The picture.
    columns : int
        Number of characters per line. A character is about twice as high as wide.
    colour : bool
        Whether to use coloured half blocks; otherwise darker pixels become darker characters.

    Returns
    -------
    str

    Examples
    --------
    >>> import numpy as np
    >>> print(text_picture(np.array([[[255] * 3, [0] * 3]] * 2, dtype=np.uint8), columns=2))
     @
    """
    import numpy as np
    from PIL import Image

    height, width = pixels.shape[:2]
    lines = max(round(columns * height / width / 2), 1)
    size = (columns, 2 * lines if colour else lines)
    small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
    if colour:
        pairs = zip(small[::2], small[1::2], strict=True)
        return "\n".join("".join(map(_half_block, *pair)) + "\x1b[0m" for pair in pairs)
    dark = 1 - small.mean(axis=2) / 255
    chosen = np.minimum((dark * len(_SHADES)).astype(int), len(_SHADES) - 1)
    return "\n".join("".join(_SHADES[shade] for shade in line).rstrip() for line in chosen)


def _half_block(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> str:
    """One character for two pixels, one above the other."""
    fore, back = (";".join(map(str, pixel)) for pixel in (upper, lower))
    return f"\x1b[38;2;{fore}m\x1b[48;2;{back}m▀"


_SOURCES = {
    "given": "as given",
    "mpp": "from the file's mpp",
    "OME pixel size": "from the file's OME pixel size",
    "ImageJ scale": "from the file's ImageJ scale",
    "TIFF resolution": "from the file's TIFF resolution",
    "objective power": "only from the file's objective power",
}
_READERS = {
    "direct": "decoded directly, to the same pixels as by OpenSlide",
    "openslide": "read by OpenSlide",
    "tiff": "decoded tile by tile",
    "image": "decoded as a whole",
}
