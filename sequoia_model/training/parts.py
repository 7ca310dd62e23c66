"""The slides that train, validate or are tested in a fold, as a network takes them batch by batch."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Targets:
    """How the genes are scaled for training: value = shift + scale · output.

    Parameters
    ----------
    shift, scale : array of shape (genes,), float32
        In the unit of the measured expression.
    """

    shift: NDArray[np.float32]
    scale: NDArray[np.float32]

    @classmethod
    def plain(cls, n_genes: int) -> Targets:
        """The genes as they are."""
        return cls(np.zeros(n_genes, dtype=np.float32), np.ones(n_genes, dtype=np.float32))

    @classmethod
    def standardised(cls, expression: NDArray[np.float32], rows: NDArray[np.int64]) -> Targets:
        """Mean 0 and standard deviation 1 over these rows; a constant gene keeps the scale 1."""
        count, total, squares = len(rows), 0.0, 0.0
        for some in np.array_split(
            rows, 1 + count // 64
        ):  # in blocks: all rows in float64 would need much memory
            total = total + expression[some].sum(axis=0, dtype=np.float64)
        mean = np.asarray(total / count)
        for some in np.array_split(rows, 1 + count // 64):
            squares = squares + np.square(expression[some] - mean).sum(axis=0)
        deviation = np.sqrt(np.asarray(squares) / count)
        scale = np.where(deviation > 1e-6, deviation, 1.0)
        return cls(mean.astype(np.float32), scale.astype(np.float32))


@dataclass(frozen=True, eq=False)
class FoldPart:
    """Some slides of the training data.

    Parameters
    ----------
    inputs : array of shape (slides, clusters, d), float32
        Cluster means of all slides; often a memory map.
    expression : array of shape (slides, genes), float32
        Measured expression of all slides.
    rows : array of shape (n,), int64
        Which slides belong to the part.
    """

    inputs: NDArray[np.float32]
    expression: NDArray[np.float32]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def batches(
        self, size: int, targets: Targets, device: torch.device, order: NDArray[np.int64] | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs (b, clusters, d) and scaled genes (b, genes) of up to `size` slides at a time, in this order."""
        rows = self.rows if order is None else self.rows[order]
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            genes = (self.expression[some] - targets.shift) / targets.scale
            x, y = torch.from_numpy(self.inputs[some]), torch.from_numpy(genes)
            give_back(self.inputs)
            yield x.to(device, non_blocking=True), y.to(device, non_blocking=True)


def give_back(values: NDArray[np.float32]) -> None:
    """Let the system count the pages of a read-only memory map no longer as memory of this process.

    They stay in the system's cache, from which the next reading takes them. Other arrays are left alone.
    """
    holder: object = values
    while isinstance(holder, np.ndarray):
        holder = None if holder.flags.writeable else holder.base
    if isinstance(holder, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        holder.madvise(mmap.MADV_DONTNEED)
