"""What the samples of an image really use: how many bits, and whether its transparency means something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError
from sequoia_model.slide.sources._samples import PixelFormat

#: Depths of cameras. Samples of 16 bits have the smallest of these that holds nearly all of their values.
_DEPTHS = (8, 10, 12, 14)
#: At most this share of the samples is larger: hot pixels and dust.
_STRAY = 0.001
#: Glass is at least about this bright, of 255; a darker slide may be one whose white is not the largest value.
_GLASS = 200
#: Blocks are looked at in parts of about this many pixels.
_PART = 2**20
_FULL = 255
#: The largest sample.
_MOST = 2**16 - 1
#: A transparency of at least this is none: compression with loss moves it.
_OPAQUE = 250
#: Transparencies that differ by less are the same.
_SAME = 3
#: Of the pixels that can be seen at all, at least this share is opaque on a slide with an area cut out.
_SEEN = 0.01
#: A smaller share of visible pixels is no slide.
_VISIBLE = 1e-4


def measured(
    samples: PixelFormat, blocks: Iterable[NDArray], path: Path
) -> tuple[PixelFormat, tuple[str, ...]]:
    """Find the bits that are really used and whether the transparency means something, and say it.

    Parameters
    ----------
    samples : PixelFormat
        What the tags say.
    blocks : iterable of array
        Samples of parts of the image, or of all of it.
    path : Path
        The file, for messages.

    Raises
    ------
    InputError
        If the transparency would hide or fade the slide.
    """
    seen = _Seen(samples)
    for block in blocks:
        if samples.bits == 8 and samples.alpha is None:
            break  # nothing to find, but the first block could be decoded
        for part in _parts(block):
            seen.add(part)
    found, notes = seen.depth()
    if found.alpha is None:
        return found, notes
    means_something, told = seen.transparency(found.bits, path)
    return (found if means_something else replace(found, alpha=None)), (*notes, *told)


def _parts(block: NDArray) -> Iterator[NDArray]:
    step = max(_PART // block.shape[1], 1)
    return (block[top : top + step] for top in range(0, len(block), step))


class _Seen:
    """Counts of samples."""

    def __init__(self, samples: PixelFormat) -> None:
        self._samples = samples
        #: How often each value occurs, of samples of more than 8 bits.
        self._values = np.zeros(_MOST + 1, dtype=np.int64)
        self._largest = 0
        self._alphas: NDArray[np.int64] = np.zeros(1, dtype=np.int64)

    def add(self, block: NDArray) -> None:
        colours = block[..., : self._samples.colours]
        self._largest = max(self._largest, int(colours.max(initial=0)))
        if self._samples.bits > 8:
            self._values += np.bincount(colours.ravel(), minlength=_MOST + 1)
        if self._samples.alpha is not None:
            alpha = block[..., self._samples.colours]
            counts = np.bincount(alpha.ravel(), minlength=int(np.iinfo(block.dtype).max) + 1)
            self._alphas = self._alphas + counts

    def depth(self) -> tuple[PixelFormat, tuple[str, ...]]:
        """The samples with the bits that they use, and notes."""
        samples, bits = self._samples, self._samples.bits
        telling = self._values.copy()
        telling[[0, _MOST]] = 0  # those fill empty areas
        if bits == 8 or not telling.any():
            return samples, ()
        above = (
            telling[::-1].cumsum()[::-1] / telling.sum()
        )  # the share of samples that are as large or larger
        fitting = [depth for depth in _DEPTHS if depth < bits and above[2**depth] <= _STRAY]
        notes = []
        if fitting:
            used = fitting[0]
            n_cut = self._values[2**used :].sum()
            cut = (
                f"; larger values, {_share(n_cut / self._values.sum())} of all, were cut off" if n_cut else ""
            )
            notes = [f"the samples of {bits} bits hold values of {used} bits, which were scaled to 8{cut}"]
            samples = replace(samples, bits=used)
        elif bits > 12 and above[2**12] < 0.5:
            return samples, (
                f"{_share(1 - above[2**12])} of the samples of {bits} bits are below 4,096, as those of 12 bits are: "
                "if they have 12 bits, the slide is read too dark, and needs them scaled to 16 bits",
            )
        brightest = int(np.flatnonzero(above > _STRAY)[-1])
        read_as = brightest >> samples.bits - 8
        if read_as < _GLASS and not samples.inverted:
            notes.append(
                f"the brightest samples outside empty areas are {brightest:,} of {2**samples.bits - 1:,}, which is "
                f"read as {read_as} of {_FULL}, but glass mostly has {_GLASS} or more: if the slide is too dark, save "
                "it as RGB of 8 bits whose glass is white"
            )
        return samples, tuple(notes)

    def transparency(self, bits: int, path: Path) -> tuple[bool, tuple[str, ...]]:
        """Whether the transparency means something, and notes."""
        values = np.flatnonzero(self._alphas)
        if not len(values):
            return True, ()
        weights, shift = self._alphas[values], bits - 8
        n, stored = int(weights.sum()), f"{values[-1]:,} of {len(self._alphas) - 1:,}"
        values = np.minimum(values >> shift, _FULL)
        lowest, highest = int(values.min()), int(values.max())
        if lowest == _FULL:
            return False, ()
        hidden = self._samples.alpha == "premultiplied" and self._largest >> shift <= highest
        if highest - lowest < _SAME and highest < _FULL and not hidden:
            return False, (
                f"every pixel has about the same transparency (at most {stored}): the transparency was ignored",
            )
        n_visible = int(weights[values > 0].sum())
        n_opaque = int(weights[values >= _OPAQUE].sum())
        if n_visible < _VISIBLE * n or n_opaque < _SEEN * n_visible:
            raise InputError(
                "the transparency would hide or fade nearly all of the slide: "
                f"{_share(n_opaque / n)} of the pixels are opaque",
                where=str(path),
                fix="save the slide as RGB of 8 bits, without a channel of transparency",
            )
        clear = int(weights[values < _FULL].sum()) / n
        return True, (
            f"{_share(clear)} of the pixels are transparent, in part or in full, and were laid over white",
        )


def _share(share: float) -> str:
    if 0 < share < 0.001:
        return "less than 0.1%"
    return "more than 99.9%" if 0.999 < share < 1 else f"{100 * share:.3g}%"
