"""Sets as rows of a sparse matrix."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Membership(NamedTuple):
    """Sets as rows of a sparse matrix over a list of genes.

    Parameters
    ----------
    indptr : array of shape (sets + 1,)
        int64; set i holds ``indices[indptr[i]:indptr[i + 1]]``.
    indices : array
        int64; positions in the list of genes, in the order of each set, none twice within a set.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int64]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of genes of every set."""
        return np.diff(self.indptr)

    def entries(self, kept: NDArray[np.bool_]) -> Membership:
        """Some of the genes of each set, by a mask over `indices`."""
        return Membership(starts(kept)[self.indptr], self.indices[kept])

    def rows(self, kept: NDArray[np.bool_]) -> Membership:
        """Some of the sets."""
        sizes = self.sizes
        return Membership(starts(sizes[kept]), self.indices[np.repeat(kept, sizes)])


def repeated_entries(sets: Membership) -> NDArray[np.bool_]:
    """Which entries stood before in the same set."""
    n = int(sets.indices.max(initial=0))
    order = np.argsort(
        sets.indices.astype(np.min_scalar_type(n)), kind="stable"
    )  # short integers sort by digits
    gene, row = sets.indices[order], np.repeat(np.arange(len(sets.indptr) - 1), sets.sizes)[order]
    result = np.zeros(len(order), dtype=bool)
    result[order[1:]] = (gene[1:] == gene[:-1]) & (row[1:] == row[:-1])
    return result


def starts(sizes: NDArray) -> NDArray[np.int64]:
    """Where rows of these sizes begin, and the end of the last."""
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
