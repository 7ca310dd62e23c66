"""Sizes of images, and the scale that their tags state; no pixel is read."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sequoia_base.atomic import existing_file
from sequoia_stats.errors import InputError

#: Least and most µm per pixel that a microscope can have; the 72 dpi of a JPEG (353 µm) mean nothing.
LEAST_MPP, MOST_MPP = 0.05, 20.0
_UNITS = {2: 25_400.0, 3: 10_000.0}  # µm in the unit of a TIFF's resolution
_APERIO = re.compile(r"\bMPP\s*=\s*([0-9.]+)")


@dataclass(frozen=True)
class ImageFacts:
    """What the header of an image says.

    Parameters
    ----------
    size : tuple of two int
        Width and height in pixels.
    mpp : float
        µm per pixel; 0 if it does not say, or says what no microscope has.
    """

    size: tuple[int, int]
    mpp: float


def image_facts(path: str | Path) -> ImageFacts:
    """Size and scale of an image (PNG, JPEG, TIFF, SVS), from its header.

    Raises
    ------
    InputError
        If the file is missing, or is not an image that can be read.
    """
    from PIL import Image  # matplotlib brings it

    existing_file(path)
    try:
        with (
            warnings.catch_warnings()
        ):  # a slide is larger than what Pillow takes for an attack; nothing is decoded
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return ImageFacts((image.width, image.height), _mpp(image))
    except Image.DecompressionBombError as error:
        raise InputError(
            "the image is too large for its size to be read", where=f"{path} ({error})"
        ) from None
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError("the file is not an image that can be read", where=f"{path} ({error})") from None


def full_size(reductions: Mapping[str, tuple[tuple[int, int], float]], where: str) -> tuple[int, int] | None:
    """Size of an image of which reductions are known.

    Parameters
    ----------
    reductions : mapping of str to tuple
        Name of a reduction: its width and height, and the factor by which it was reduced (less than 1).
    where : str
        Where the factors are from, for the error.

    Returns
    -------
    tuple of two int, or None
        Rounded up; None if there are no reductions.

    Raises
    ------
    InputError
        If two of them tell sizes that differ by more than 1%.
    """
    sizes = {name: np.asarray(size) / factor for name, (size, factor) in reductions.items()}
    if not sizes:
        return None
    first, size = next(iter(sizes.items()))
    for other, full in sizes.items():
        if (np.abs(full / size - 1) > 0.01).any():
            raise InputError(
                f"the scale factors are those of another image: by {first} it has {size[0]:.0f} × {size[1]:.0f} "
                f"pixels, by {other} {full[0]:.0f} × {full[1]:.0f}",
                where=where,
                fix="give the scale factors that were written with these images",
            )
    return int(np.ceil(size[0])), int(np.ceil(size[1]))


def _mpp(image: object) -> float:
    tags = getattr(image, "tag_v2", None) or {}
    value = 0.0
    if found := _APERIO.search(str(tags.get(270, ""))):
        value = float(found[1])
    elif 282 in tags and tags.get(296, 2) in _UNITS and float(tags[282]) > 0:
        value = _UNITS[tags.get(296, 2)] / float(tags[282])
    return value if LEAST_MPP <= value <= MOST_MPP else 0.0
