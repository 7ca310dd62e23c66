"""Builders of slides with known tissue: pyramid TIFFs that OpenSlide reads, and plain images."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

#: Side of a tile, µm: 256 px at 0.5 µm/px.
TILE = 128.0
Box = tuple[float, float, float, float]  # left, top, right, bottom in µm

_BACKGROUND = (243, 242, 244)
_STAINS = np.array([[176, 96, 160], [214, 130, 180], [120, 60, 140], [232, 180, 208]])  # H&E, about


def make_picture(
    size: tuple[float, float] = (1024, 768),
    tissue: Sequence[Box] = ((256, 128, 768, 512),),
    mpp: float = 0.5,
    seed: int = 0,
    *,
    background: tuple[int, int, int] = _BACKGROUND,
) -> NDArray[np.uint8]:
    """A white slide of `size` µm (width, height) with stained boxes, which are the same at any mpp.

    Stains vary in patches of 4 µm, so that every tile of tissue has contrast at every level of a pyramid.
    """
    width, height = (round(side / mpp) for side in size)
    picture = np.empty((height, width, 3), dtype=np.uint8)
    picture[:] = background
    rng = np.random.default_rng(seed)
    patches = rng.integers(len(_STAINS), size=(int(size[1] // 4) + 2, int(size[0] // 4) + 2))
    rows, columns = (((np.arange(n) + 0.5) * mpp / 4).astype(int) for n in (height, width))
    for left, top, right, bottom in tissue:
        x0, y0, x1, y1 = (max(round(edge / mpp), 0) for edge in (left, top, right, bottom))
        stained = patches[np.ix_(rows[y0:y1], columns[x0:x1])]
        picture[y0:y1, x0:x1] = _STAINS[stained]
    return picture


def draw_pen(
    picture: NDArray[np.uint8],
    box: Box,
    colour: tuple[int, int, int],
    *,
    opacity: float = 1.0,
    mpp: float = 0.5,
) -> NDArray[np.uint8]:
    """A picture with a stroke of a pen: a box in µm, of a colour that lets some of what is below it shine through."""
    left, top, right, bottom = (max(round(edge / mpp), 0) for edge in box)
    drawn = picture.astype(np.float64)
    below = drawn[top:bottom, left:right]
    drawn[top:bottom, left:right] = (1 - opacity) * below + opacity * np.array(colour)
    return drawn.round().astype(np.uint8)


def write_scn(
    path: Path,
    picture: NDArray[np.uint8],
    corner: tuple[int, int],
    size: tuple[int, int],
    *,
    mpp: float = 0.5,
) -> Path:
    """A Leica SCN: a scanned area with its `corner` in a slide of `size` pixels, the rest of which is empty."""
    high, wide = picture.shape[:2]
    unit = round(1000 * mpp)  # nm per pixel

    def image(n: int, pixels: list[tuple[int, int]], view: tuple[int, int, int, int], power: float) -> str:
        x, y, width, height = (unit * length for length in view)
        levels = "".join(
            f'<dimension sizeX="{w}" sizeY="{h}" r="{r}" ifd="{n + r}"/>' for r, (w, h) in enumerate(pixels)
        )
        return (
            f'<image name="image_{n}" uuid="{n}"><creationDate>2020-01-01T00:00:00Z</creationDate>'
            f'<device model="SCN400" version="1"/><pixels sizeX="{pixels[0][0]}" sizeY="{pixels[0][1]}">{levels}'
            f'</pixels><view sizeX="{width}" sizeY="{height}" offsetX="{x}" offsetY="{y}" spacingZ="0"/>'
            f"<scanSettings><objectiveSettings><objective>{power}</objective></objectiveSettings>"
            "<illuminationSettings><numericalAperture>0.4</numericalAperture>"
            "<illuminationSource>brightfield</illuminationSource></illuminationSettings></scanSettings></image>"
        )

    overview = (size[0] // 8, size[1] // 8)
    text = (
        '<?xml version="1.0"?><scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01">'
        f'<collection name="c" uuid="c" sizeX="{unit * size[0]}" sizeY="{unit * size[1]}"><barcode>b</barcode>'
        + image(0, [overview], (0, 0, *size), 1)
        + image(1, [(wide, high), (wide // 4, high // 4)], (*corner, wide, high), 20)
        + "</collection></scn>"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    common: dict[str, Any] = {
        "tile": (256, 256), "photometric": "rgb", "compression": "jpeg", "metadata": None,
        "compressionargs": {"level": 95}, "resolutionunit": "CENTIMETER",
    }  # fmt: skip
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        blank = np.full((overview[1], overview[0], 3), 245, dtype=np.uint8)
        for pixels, downsample, about in (
            (blank, 8, text),
            (picture, 1, None),
            (
                np.asarray(Image.fromarray(picture).resize((wide // 4, high // 4), Image.Resampling.BOX)),
                4,
                None,
            ),
        ):
            dots = 1e4 / (mpp * downsample)
            file.write(pixels, description=about, resolution=(dots, dots), **common)
    return path


def write_slide(
    path: Path,
    picture: NDArray[np.uint8] | None = None,
    *,
    mpp: float | None = 0.5,
    levels: Sequence[int] = (1, 4),
    power: float | None = None,
    aperio: bool = False,
    compression: str = "deflate",
    tile: int = 256,
    **made: Any,
) -> Path:
    """A tiled pyramid TIFF (``.tif``, or ``.svs`` with `aperio`), by default of `make_picture(mpp=mpp, **made)`.

    `mpp` is written to the resolution tags, or with `aperio` to the description, like `power`; None leaves it out.
    `levels` are the downsamples; the first is 1.
    """
    if picture is None:
        picture = make_picture(mpp=mpp or 0.5, **made)
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = picture.shape[:2]
    common: dict[str, Any] = {"photometric": "rgb", "compression": compression, "tile": (tile, tile)}
    if mpp is not None and not aperio:
        common |= {"resolution": (1e4 / mpp, 1e4 / mpp), "resolutionunit": "CENTIMETER"}
    with tifffile.TiffWriter(path) as file:
        for downsample in levels:
            image = Image.fromarray(picture)
            smaller = image.resize((-(-width // downsample), -(-height // downsample)), Image.Resampling.BOX)
            description = None
            if aperio:
                said = {"AppMag": power, "MPP": mpp}
                words = [f"{name} = {value:g}" for name, value in said.items() if value is not None]
                first = f"Aperio Image Library v11\r\n{smaller.width}x{smaller.height} ({tile}x{tile}) JPEG/RGB Q=70"
                description = "|".join([first, *words])
            file.write(
                np.asarray(smaller), **common, description=description, metadata=None,
                subfiletype=int(downsample > 1),
            )  # fmt: skip
    return path


def write_tiff(
    path: Path,
    pixels: NDArray,
    *pages: NDArray,
    mpp: float | None = None,
    tile: int = 256,
    big: bool = False,
    **options: Any,
) -> Path:
    """A TIFF of any kind of samples, with further pages; `tile` 0 makes strips, `mpp` goes to the resolution tags."""
    path.parent.mkdir(parents=True, exist_ok=True)
    common = {"photometric": "rgb", "metadata": None} | options
    if tile:
        common["tile"] = (tile, tile)
    if mpp is not None:
        common |= {"resolution": (1e4 / mpp, 1e4 / mpp), "resolutionunit": "CENTIMETER"}
    with tifffile.TiffWriter(path, bigtiff=big, ome=path.name.endswith(".ome.tif")) as file:
        for image in (pixels, *pages):
            file.write(image, **common)
    return path


def cut_off(path: Path, share: float) -> Path:
    """Keep only the first share of the bytes of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def make_ring(path: Path, to: int = 0) -> Path:
    """Let the last directory of a TIFF lead back to one of its directories instead of to an end."""
    with tifffile.TiffFile(path) as file:
        offsets = [page.offset for page in file.pages]
        link, tiff = file.pages.next_page_offset, file.tiff
    content = bytearray(path.read_bytes())
    content[link : link + tiff.offsetsize] = struct.pack(tiff.offsetformat, offsets[to])
    path.write_bytes(content)
    return path


def write_image(path: Path, picture: NDArray[np.uint8] | None = None, **made: Any) -> Path:
    """A plain image without a resolution; its suffix makes it a PNG, JPEG or TIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(make_picture(**made) if picture is None else picture).save(path)
    return path


def damage_tile(path: Path, index: int, how: str = "zeros") -> Path:
    """Damage a tile of level 0: all "zeros", zeros in its second "half", or "ended" early and then zeros."""
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        start, count = page.dataoffsets[index], page.databytecounts[index]
    content = bytearray(path.read_bytes())
    begin = start if how == "zeros" else start + count // 2
    content[begin : start + count] = bytes(start + count - begin)
    if how == "ended":
        content[begin : begin + 2] = b"\xff\xd9"
    path.write_bytes(content)
    return path


def empty_tile(path: Path, index: int, level: int = 0) -> Path:
    """Make a tile of a TIFF missing, with 0 bytes, as scanners do for empty areas."""
    with tifffile.TiffFile(path, mode="r+b") as file:
        tag = file.pages[level].tags["TileByteCounts"]
        counts = list(tag.value)
        counts[index] = 0
        tag.overwrite(counts)
    return path
