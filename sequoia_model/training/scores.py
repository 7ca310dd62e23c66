"""How good predictions are: correlations over slides, within folds, over patients and within slides, and errors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from sequoia_model.errors import InputError

Doubles = NDArray[np.float64]

#: Fewest slides of a fold, or patients, over which a correlation says anything: Fisher's z has the weight n - 3.
FEWEST = 4
#: Genes, and slides, that are in memory as float64 at a time.
_GENES, _SLIDES = 2048, 64


def gene_correlations(measured: ArrayLike, predicted: ArrayLike, rows: ArrayLike | None = None) -> Doubles:
    """Pearson's r of every gene over slides.

    Reference: R's ``cor``. Sums are float64 for any type of input.

    Parameters
    ----------
    measured, predicted : arrays of shape (n, g)
        Numbers without missing ones.
    rows : array, optional
        Indices of the rows to use, or a boolean per row; all by default.

    Returns
    -------
    array of shape (g,), float64
        0 if either column is constant, or there are fewer than 3 rows.

    Raises
    ------
    InputError
        If the shapes differ.

    Examples
    --------
    >>> gene_correlations([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]], [[2.0, 1.0], [3.0, 2.0], [1.0, 3.0]]).round(4)
    array([-0.6547,  0.    ])
    """
    x, y = _same_shape(measured, predicted)
    r = np.zeros(x.shape[1])
    for block in _blocks(x.shape[1], _GENES):
        a, b = (_rows(values[:, block], rows).astype(np.float64) for values in (x, y))
        if len(a) >= 3:
            r[block] = column_correlations(a, b)
    return r


def slide_correlations(
    measured: ArrayLike,
    predicted: ArrayLike,
    *,
    centre: ArrayLike | None = None,
    genes: ArrayLike | None = None,
) -> Doubles:
    """Pearson's r of every slide over genes.

    Some genes are high in all slides and others low, so that r is near 1 even for the training mean. What a prediction
    says about this slide shows in what is left after the training mean is taken from both: give it as `centre`.

    Parameters
    ----------
    measured, predicted : arrays of shape (n, g)
        Numbers without missing ones.
    centre : array of shape (g,) or (n, g), optional
        Values to subtract from both, such as the training mean of the fold of each slide.
    genes : array, optional
        Indices of the genes to use; all by default.

    Returns
    -------
    array of shape (n,), float64
        0 if either row is constant, or there are fewer than 3 genes.

    Raises
    ------
    InputError
        If the shapes differ.
    """
    x, y = _same_shape(measured, predicted)
    middle = None if centre is None else np.broadcast_to(np.asarray(centre), x.shape)
    some = slice(None) if genes is None else np.asarray(genes)
    r = np.zeros(len(x))
    for block in _blocks(len(x), _SLIDES):
        a, b = (values[block][:, some].astype(np.float64) for values in (x, y))
        if middle is not None:
            a, b = a - middle[block][:, some], b - middle[block][:, some]
        if a.shape[1] >= 3:
            r[block] = column_correlations(a.T, b.T)
    return r


def fisher_means(r: ArrayLike, weights: ArrayLike) -> Doubles:
    """Average correlations of folds on Fisher's scale: tanh of the weighted mean of atanh r.

    Parameters
    ----------
    r : array of shape (folds, g)
        Correlations; ±1, whose Fisher's z is infinite, counts as the nearest number inside.
    weights : array of shape (folds,)
        Weights, such as n - 3; not all 0.

    Returns
    -------
    array of shape (g,)

    Examples
    --------
    >>> fisher_means([[0.9], [0.1]], [1, 1]).round(4)
    array([0.6563])
    """
    inside = np.nextafter(1.0, 0.0)
    z = np.arctanh(np.clip(np.asarray(r, dtype=np.float64), -inside, inside))
    return np.tanh(np.average(z, axis=0, weights=np.asarray(weights, dtype=np.float64)))


def squared_errors(measured: ArrayLike, predicted: ArrayLike, rows: ArrayLike | None = None) -> Doubles:
    """Mean squared error of every gene.

    Parameters
    ----------
    measured, predicted : arrays of shape (n, g)
        Numbers without missing ones.
    rows : array, optional
        Indices of the rows to use, or a boolean per row; all by default.

    Returns
    -------
    array of shape (g,), float64
        In squared units of the input; NaN if there are no rows.

    Raises
    ------
    InputError
        If the shapes differ.
    """
    x, y = _same_shape(measured, predicted)
    errors = np.full(x.shape[1], np.nan)
    for block in _blocks(x.shape[1], _GENES):
        a, b = (_rows(values[:, block], rows).astype(np.float64) for values in (x, y))
        if len(a):
            errors[block] = np.mean((a - b) ** 2, axis=0)
    return errors


def explained(mse: ArrayLike, mse_of_mean: ArrayLike) -> Doubles:
    """R² of every gene against the training mean: 1 - MSE / MSE of the training mean.

    0 is no better than the training mean, which knows nothing of the slide, and below 0 is worse. The mean of the test
    slides, which the usual R² takes, is not known to any prediction.

    Parameters
    ----------
    mse, mse_of_mean : arrays of shape (g,)
        Mean squared errors on the same slides.

    Returns
    -------
    array of shape (g,)
        NaN if the training mean is without error.
    """
    error, null = np.asarray(mse, dtype=np.float64), np.asarray(mse_of_mean, dtype=np.float64)
    return 1 - np.divide(error, null, out=np.full(null.shape, np.nan), where=null > 0)


def patient_means(values: ArrayLike, codes: NDArray[np.intp]) -> Doubles:
    """The mean over the slides of each patient.

    Parameters
    ----------
    values : array of shape (n, g)
        A row per slide.
    codes : array of shape (n,)
        Number of the patient of each slide, from 0 on without gaps.

    Returns
    -------
    array of shape (patients, g), float64
    """
    x = np.asarray(values)
    sizes = np.bincount(codes)
    means = np.empty((len(sizes), x.shape[1]))
    shares = sparse.csr_array(
        (1 / sizes[codes], (codes, np.arange(len(codes)))), shape=(len(sizes), len(codes))
    )
    for block in _blocks(x.shape[1], _GENES):
        means[:, block] = shares @ x[:, block].astype(np.float64)
    return means


def constant_genes(measured: ArrayLike) -> NDArray[np.bool_]:
    """Which genes have one value in all slides, so that no correlation exists."""
    x = np.asarray(measured)
    return x.min(axis=0) == x.max(axis=0)


def column_correlations(x: Doubles, y: Doubles) -> Doubles:
    """Pearson's r of each column (float64); 0 if either is constant. With two rows it is 1 or -1."""
    varies = (x.min(axis=0) < x.max(axis=0)) & (y.min(axis=0) < y.max(axis=0))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    product = np.einsum("ij,ij->j", x, y)
    # the root of each, since the product of two small sums may be 0
    size = np.sqrt(np.einsum("ij,ij->j", x, x)) * np.sqrt(np.einsum("ij,ij->j", y, y))
    return np.clip(np.divide(product, size, out=np.zeros(len(size)), where=varies & (size > 0)), -1, 1)


def _same_shape(measured: ArrayLike, predicted: ArrayLike) -> tuple[NDArray, NDArray]:
    x, y = np.asarray(measured), np.asarray(predicted)
    if x.ndim != 2 or x.shape != y.shape:
        raise InputError(f"measured values have the shape {x.shape}, predicted ones {y.shape}")
    return x, y


def _rows(values: NDArray, rows: ArrayLike | None) -> NDArray:
    return values if rows is None else values[np.asarray(rows)]


def _blocks(size: int, length: int) -> Iterator[slice]:
    return (slice(at, min(at + length, size)) for at in range(0, size, length))
