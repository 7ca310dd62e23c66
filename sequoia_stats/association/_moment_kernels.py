"""Centred sums of squares and products of all columns of two or three matrices, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from sequoia_base.kernels import kernel, map_blocks, typed_kernel
from sequoia_stats.types.arrays import Floats

# Columns in the innermost loop, which the compiler turns into vector instructions without changing the order of
# any sum. Their running sums stay in the first-level cache.
_WIDTH = 128
# Rows of a copied tile, if a matrix cannot be read in place; even, since rows are taken in pairs.
_HEIGHT = 256
_COLUMNS_PER_TASK = 4 * _WIDTH

# The running sums of a block are rows of one array: with constant distances the compiler can prove that they do not
# overlap. A distance that is not a power of two keeps them out of each other's cache lines.
_STRIDE = _WIDTH + 8
_ROWS = 16
_N, _ABS, _U, _V, _UU, _VV, _UV, _UMV2, _W, _WW, _UW, _VW, _UMW2, _X0, _Y0, _Z0 = (
    row * _STRIDE for row in range(_ROWS)
)


@dataclass(frozen=True, eq=False)
class ColumnSums:
    """Sums over the complete rows of every column; 1, 2 and 3 are the matrices in the order given.

    ``s11`` is Σ(x₁ − mean x₁)², ``s12`` Σ(x₁ − mean x₁)(x₂ − mean x₂), ``e12`` Σ(x₁ − x₂ − their mean)², ``b12``
    the mean of x₁ − x₂ and ``a12`` Σ|x₁ − x₂|. Without a third matrix, the second takes its place.
    """

    n: Floats
    s11: Floats
    s22: Floats
    s12: Floats
    e12: Floats
    b12: Floats
    a12: Floats
    s33: Floats
    s13: Floats
    s23: Floats
    e13: Floats
    b13: Floats


def column_sums(
    matrices: Sequence[NDArray[Any]], rows: NDArray[np.intp] | None, jobs: int | None
) -> ColumnSums:
    """Sums over rows (all by default) of two or three matrices of the same shape.

    Matrices that are all float32 or all float64, in C order, are read in place; others are copied in tiles.
    """
    columns = matrices[0].shape[1]
    x, y, z = matrices if len(matrices) == 3 else (*matrices, matrices[1])
    dtype = np.float32 if all(m.dtype == np.float32 for m in matrices) else np.float64
    in_place = all(m.dtype == dtype and m.flags.c_contiguous and m.flags.aligned for m in matrices)
    chosen = np.arange(len(x)) if rows is None else rows
    raw = np.zeros((_ROWS, columns))

    def task(start: int, stop: int) -> None:
        for first in range(start, stop, _WIDTH):
            width = min(_WIDTH, stop - first)
            running = np.zeros(_ROWS * _STRIDE)
            if in_place:
                _add_rows(x, y, z, chosen, first, width, running)
            else:
                for top in range(0, len(chosen), _HEIGHT):
                    here = slice(top, top + _HEIGHT) if rows is None else rows[top : top + _HEIGHT]
                    a, b, c = (np.ascontiguousarray(m[here, first : first + width], dtype) for m in (x, y, z))
                    _add_rows(a, b, c, np.arange(len(a)), 0, width, running)
            raw[:, first : first + width] = running.reshape(_ROWS, _STRIDE)[:, :width]

    map_blocks(task, columns, _COLUMNS_PER_TASK, jobs)
    return _centred(raw)


def _centred(raw: Floats) -> ColumnSums:
    """Sums about the means, from sums about the first complete row."""
    count, absolute, u, v, uu, vv, uv, umv2, w, ww, uw, vw, umw2, x0, y0, z0 = raw
    n = np.maximum(count, 1)
    with np.errstate(over="ignore", invalid="ignore"):  # infinite values are detected from these sums
        return ColumnSums(
            n=count,
            s11=np.maximum(uu - u * u / n, 0),
            s22=np.maximum(vv - v * v / n, 0),
            s12=uv - u * v / n,
            e12=np.maximum(umv2 - (u - v) ** 2 / n, 0),
            b12=(x0 - y0) + (u - v) / n,
            a12=absolute,
            s33=np.maximum(ww - w * w / n, 0),
            s13=uw - u * w / n,
            s23=vw - v * w / n,
            e13=np.maximum(umw2 - (u - w) ** 2 / n, 0),
            b13=(x0 - z0) + (u - w) / n,
        )


@kernel
def _terms(a, b, c, first_a, first_b, first_c, here):
    """The terms that a row adds to the sums of a column, in their order; zeros if a value is missing."""
    a, b, c = np.float64(a), np.float64(b), np.float64(c)
    complete = (a == a) & (b == b) & (c == c) & here
    u, v, w, distance = a - first_a, b - first_b, c - first_c, abs(a - b)
    u = u if complete else 0.0
    v = v if complete else 0.0
    w = w if complete else 0.0
    distance = distance if complete else 0.0
    one = 1.0 if complete else 0.0
    return (
        one,
        distance,
        u,
        v,
        u * u,
        v * v,
        u * v,
        (u - v) * (u - v),
        w,
        w * w,
        u * w,
        v * w,
        (u - w) * (u - w),
    )


def _signature(real: Any) -> Any:
    matrix = types.Array(real, 2, "C", readonly=True)  # also accepts writable arrays
    rows = types.Array(types.intp, 1, "C", readonly=True)
    return types.void(matrix, matrix, matrix, rows, types.intp, types.intp, types.float64[::1])


@typed_kernel(_signature(types.float32), _signature(types.float64))
def _add_rows(x, y, z, rows, start, width, sums):
    """Add rows of the columns from `start` on to their running sums.

    Values are taken relative to the first complete row: a constant column is then exactly 0, and an offset common to
    all rows costs no digits. The error of the variance is at most about n times that of a sum about the mean (Chan,
    Golub and LeVeque 1983), if the first row is so extreme that it dominates the variance.
    """
    for j in range(width):
        if sums[_N + j] == 0.0:
            for i in rows:
                a, b, c = x[i, start + j], y[i, start + j], z[i, start + j]
                if a == a and b == b and c == c:
                    sums[_X0 + j], sums[_Y0 + j], sums[_Z0 + j] = a, b, c
                    break
    # two rows at a time, since most time is spent reading and writing the sums
    for k in range(0, rows.size, 2):
        both = k + 1 < rows.size
        i, after = rows[k], rows[k + 1 if both else k]
        x_1, y_1, z_1 = x[i, start : start + width], y[i, start : start + width], z[i, start : start + width]
        x_2, y_2, z_2 = (
            x[after, start : start + width],
            y[after, start : start + width],
            z[after, start : start + width],
        )
        for j in range(width):
            first = sums[_X0 + j], sums[_Y0 + j], sums[_Z0 + j]
            p = _terms(x_1[j], y_1[j], z_1[j], *first, True)
            q = _terms(x_2[j], y_2[j], z_2[j], *first, both)
            sums[_N + j] += p[0] + q[0]
            sums[_ABS + j] += p[1] + q[1]
            sums[_U + j] += p[2] + q[2]
            sums[_V + j] += p[3] + q[3]
            sums[_UU + j] += p[4] + q[4]
            sums[_VV + j] += p[5] + q[5]
            sums[_UV + j] += p[6] + q[6]
            sums[_UMV2 + j] += p[7] + q[7]
            sums[_W + j] += p[8] + q[8]
            sums[_WW + j] += p[9] + q[9]
            sums[_UW + j] += p[10] + q[10]
            sums[_VW + j] += p[11] + q[11]
            sums[_UMW2 + j] += p[12] + q[12]
