"""Samples of any kind of page, turned into RGB of 8 bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

Alpha = Literal["straight", "premultiplied"]

#: By the tag ExtraSamples.
_ALPHAS: dict[int, Alpha] = {1: "premultiplied", 2: "straight"}
_PHOTOMETRIC = tifffile.PHOTOMETRIC
_COLOUR = (_PHOTOMETRIC.RGB, _PHOTOMETRIC.YCBCR)
_INKS = 4
#: Photometric interpretations without colours.
GREYSCALE = (_PHOTOMETRIC.MINISBLACK, _PHOTOMETRIC.MINISWHITE)
#: Compressions whose decoders turn YCbCr into RGB.
_TO_RGB = (tifffile.COMPRESSION.JPEG, tifffile.COMPRESSION.JPEG2000, tifffile.COMPRESSION.APERIO_JP2000_RGB)
_NEEDED = "8-bit or 16-bit integers are needed"


@dataclass(frozen=True, eq=False)
class PixelFormat:
    """How the samples of an image are stored.

    Parameters
    ----------
    colours : {1, 3, 4}
        Number of samples of grey or an index, of colour, or of inks.
    bits : int
        Number of bits that hold values.
    alpha : {"straight", "premultiplied"}, optional
        What the sample after the colours is, if it is transparency.
    inverted : bool
        Whether 0 is white.
    palette : array of shape (256, 3), optional
        The colours that samples point to.
    """

    colours: int
    bits: int = 8
    alpha: Alpha | None = None
    inverted: bool = False
    palette: NDArray[np.uint8] | None = None

    @property
    def is_grey(self) -> bool:
        """Whether there are no colours."""
        return self.colours == 1 and self.palette is None

    def rgb(self, block: NDArray) -> NDArray[np.uint8]:
        """Turn samples into RGB; transparent pixels are laid over white, further samples are left out.

        Parameters
        ----------
        block : array of shape (h, w, n), uint8 or uint16

        Returns
        -------
        array of shape (h, w, 3), uint8
        """
        if self.palette is not None:
            return self.palette[block[..., 0]]
        colour = self._eight_bits(block[..., : self.colours])
        if self.colours == _INKS:
            return np.asarray(Image.fromarray(colour, "CMYK").convert("RGB"))
        if self.inverted:
            colour = 255 - colour
        if self.alpha is not None:
            colour = self._over_white(colour, self._eight_bits(block[..., self.colours : self.colours + 1]))
        return np.repeat(colour, 3, axis=2) if self.colours == 1 else np.ascontiguousarray(colour)

    def _eight_bits(self, values: NDArray) -> NDArray[np.uint8]:
        if values.dtype == np.uint8:
            return values
        upper = values >> (self.bits - 8)
        if self.bits < 16:
            np.minimum(upper, 255, out=upper)
        return upper.astype(np.uint8)

    def _over_white(self, colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
        white = 255 - alpha.astype(np.uint16)
        if self.alpha == "premultiplied":
            return np.minimum(colour + white, 255).astype(np.uint8)
        mixed = colour.astype(np.uint32) * alpha + 255 * white.astype(np.uint32)
        return ((mixed + 127) // 255).astype(np.uint8)


def unsuitable(page: Any) -> str:
    """Why the pixels of a page cannot be those of a slide; empty if they can.

    Parameters
    ----------
    page : tifffile.TiffPage
        The page.
    """
    kind = np.dtype(page.dtype).kind if page.dtype is not None else "?"
    if kind == "f":
        return f"the pixels are floating-point numbers, but {_NEEDED}"
    if kind == "c":
        return f"the pixels are complex numbers, but {_NEEDED}"
    if kind == "i":
        return f"the pixels are signed integers of {page.bitspersample} bits, but unsigned {_NEEDED}"
    if kind not in "ub" or np.dtype(page.dtype).itemsize > 2:
        return f"the pixels have {page.bitspersample} bits per sample, but {_NEEDED}"
    if page.imagedepth > 1 or page.tiledepth > 1:
        return f"the image is a volume of {page.imagedepth} planes, but a slide is one plane"
    n_samples = page.samplesperpixel
    if n_samples > 4 or (n_samples > 2 and page.photometric in GREYSCALE):
        return (
            f"the image has {n_samples} channels that are not red, green and blue, as in fluorescence, but the "
            "colours of a stained slide are needed"
        )
    return ""


def samples_of(page: Any, n_samples: int, n_pages: int, stated_bits: int | None) -> PixelFormat | None:
    """How the samples of a suitable page are stored, as far as its tags say it; None if Pillow must decode it.

    Parameters
    ----------
    page : tifffile.TiffPage
        The page.
    n_samples : int
        Number of samples of a pixel, of all its pages.
    n_pages : int
        Number of pages that hold its colours.
    stated_bits : int, optional
        Number of bits that are used, if the file states it.
    """
    depth = page.bitspersample
    bits = stated_bits if stated_bits and 8 <= stated_bits <= depth else depth
    if not isinstance(depth, int) or depth < 8:
        return None
    if n_pages == 3:
        return PixelFormat(3, bits)
    if page.photometric == _PHOTOMETRIC.YCBCR and page.compression not in _TO_RGB:
        return None
    if page.photometric in _COLOUR and n_samples >= 3:
        return PixelFormat(3, bits, _alpha(page, 3))
    if page.photometric == _PHOTOMETRIC.PALETTE and depth == 8 and page.colormap is not None:
        deep = page.colormap.max(initial=0) > 255  # some programs write colours of 8 bits
        return PixelFormat(1, palette=(page.colormap.T >> (8 if deep else 0)).astype(np.uint8))
    if page.photometric == _PHOTOMETRIC.SEPARATED and (depth, n_samples) == (8, _INKS):
        return PixelFormat(_INKS)
    if page.photometric in GREYSCALE:
        inverted = page.photometric == _PHOTOMETRIC.MINISWHITE
        return PixelFormat(1, bits, _alpha(page, 1), inverted)
    return None


def _alpha(page: Any, n_colours: int) -> Alpha | None:
    extra: Sequence[int] = page.extrasamples or ()
    if page.samplesperpixel <= n_colours or not extra:
        return None
    return _ALPHAS.get(int(extra[0]))
