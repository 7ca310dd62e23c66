"""Maps judged against spatial transcriptomics: similarity, optimal transport, nulls, and gene modules."""

from __future__ import annotations

from sequoia_stats.spatial.moran import morans_i, neighbours
from sequoia_stats.spatial.shifts import ShiftNull, shift_null
from sequoia_stats.spatial.similarity import jensen_shannon, local_ssim, ssim
from sequoia_stats.spatial.spectral import SpectralNull, spectral_null
from sequoia_stats.spatial.transport import emd, emds

__all__ = [
    "ShiftNull",
    "SpectralNull",
    "emd",
    "emds",
    "jensen_shannon",
    "local_ssim",
    "morans_i",
    "neighbours",
    "shift_null",
    "spectral_null",
    "ssim",
]
