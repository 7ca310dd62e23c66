"""Ridge regression of all genes on mean-pooled features, with a penalty per gene chosen by leaving out patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, sparse

from sequoia_model.errors import InputError, counted
from sequoia_model.training.baselines.pooled import ColumnScale, gene_blocks, training_part
from sequoia_model.training.scores import Doubles, gene_correlations

#: Penalties that are tried: evenly spaced on a logarithmic scale. Standardised features of n slides in d columns have
#: singular values whose squares sum to n d, so that the largest leaves nearly nothing but the training mean.
ALPHAS = tuple(float(alpha) for alpha in np.logspace(-1, 7, 20))
#: With fewer patients, all genes share a penalty.
PATIENTS_FOR_EACH_GENE = 20


@dataclass(frozen=True, eq=False)
class Ridge:
    """Ridge regressions of all genes.

    Parameters
    ----------
    coefficients : array of shape (d, g)
        For features as they were given.
    intercept : array of shape (g,)
        The value where all features are 0.
    alpha : array of shape (g,)
        The chosen penalty of each gene, on the sum of squares of coefficients of standardised columns.
    left_out_mse : array of shape (g,)
        Mean squared error of predictions of training slides whose patient was left out, with the chosen penalty. It
        is a little too small, since the penalty was chosen by it.
    left_out_r : array of shape (g,)
        Correlation of these predictions with the measured values.
    alphas : array of shape (m,)
        The penalties that were tried, ascending.
    note : str
        What a user must know, "" if nothing.
    """

    coefficients: Doubles
    intercept: Doubles
    alpha: Doubles
    left_out_mse: Doubles
    left_out_r: Doubles
    alphas: Doubles
    note: str = ""

    @property
    def at_edge(self) -> tuple[int, int]:
        """Number of genes with the smallest, and with the largest of the penalties that were tried."""
        return int((self.alpha == self.alphas[0]).sum()), int((self.alpha == self.alphas[-1]).sum())

    def predict(self, x: ArrayLike) -> Doubles:
        """Predict expression from features.

        Parameters
        ----------
        x : array of shape (n, d)
            Features.

        Returns
        -------
        array of shape (n, g)
            In the units of the training values.

        Raises
        ------
        InputError
            If the number of columns is not that of the training features.
        """
        features = np.asarray(x, dtype=np.float64)
        if features.ndim != 2 or features.shape[1] != len(self.coefficients):
            raise InputError(
                f"features have the shape {features.shape}, but ridge was fitted to "
                f"{len(self.coefficients)} columns"
            )
        predicted = features @ self.coefficients
        predicted += self.intercept
        return predicted


def fit_ridge(
    x: ArrayLike,
    y: ArrayLike,
    *,
    patients: Sequence[object] | NDArray[np.object_] | None = None,
    alphas: Sequence[float] = ALPHAS,
    shared: bool | None = None,
) -> Ridge:
    """Fit a ridge regression to every gene.

    Columns of `x` are centred and divided by their standard deviation first, since the penalty treats all alike. The
    intercept is not penalised. The penalty of a gene is the one with the smallest squared error of slides that are
    predicted without their patient (of few patients: the penalty of all genes).

    Reference: scikit-learn's ``Ridge`` behind ``StandardScaler``; if each patient has one slide, the penalties are
    those of ``RidgeCV(alpha_per_target=True)``.

    Parameters
    ----------
    x : array of shape (n, d)
        Features of the training slides, such as `pooled_features`.
    y : array of shape (n, g)
        Measured expression. Genes are processed in blocks, without a copy of all of them.
    patients : sequence of length n, optional
        Patient of each slide. All slides of a patient are left out together.
    alphas : sequence of float
        Penalties to try, above 0. One: nothing is chosen.
    shared : bool, optional
        Whether all genes get the same penalty: the one with the smallest sum over genes of the squared error, each
        divided by the variance of the gene. By default with fewer than 20 patients, where the choice for a single
        gene is mostly noise; `note` then says so.

    Returns
    -------
    Ridge

    Raises
    ------
    InputError
        If shapes do not fit, values are missing, or a penalty is not above 0.

    Notes
    -----
    One decomposition, Z = U S V', serves all genes and penalties. The residuals of a linear smoother with hat matrix H
    are e = (I - H) y, and those of the slides B of a patient who is left out are (I - H_BB)^-1 e_B, exactly, with
    the scale of the columns kept. Here I - H = N + U diag(alpha / (s² + alpha)) U', where N = I - 11'/n - U U' is what
    the features cannot explain.

    With slides of a single patient, single slides are left out instead, and `note` says so: neighbouring pieces of
    tissue then predict each other, and the penalty comes out too small.

    Examples
    --------
    >>> x = [[0.0], [1.0], [2.0], [3.0]]
    >>> fit = fit_ridge(x, [[1.0], [3.0], [5.0], [7.0]], alphas=[1e-9, 1.0], shared=False)
    >>> fit.alpha, fit.predict([[10.0]]).round(6)
    (array([1.e-09]), array([[21.]]))
    """
    features, expression, codes = training_part(x, y, patients)
    tried = np.unique(np.asarray(alphas, dtype=np.float64))
    if not len(tried) or not (np.isfinite(tried) & (tried > 0)).all():
        raise InputError(f"penalties must be numbers above 0, but are {list(alphas)}", fix="leave alphas out")
    n_patients, notes = int(codes.max()) + 1, []
    if n_patients == 1:
        codes = np.arange(len(codes))
        notes.append(
            "all training slides are of one patient, so single slides were left out to choose the penalty, which is "
            "then too small"
        )
    if shared is None and n_patients < PATIENTS_FOR_EACH_GENE and len(tried) > 1:
        shared = True
        notes.append(f"all genes share one penalty, since only {counted(n_patients, 'patient')} chose it")
    scale = ColumnScale.of(features)
    u, s, vt = linalg.svd(scale.apply(features), full_matrices=False, check_finite=False)
    kept = s > s[0] * max(features.shape) * np.finfo(float).eps if s[0] > 0 else np.zeros(len(s), dtype=bool)
    u, s, vt = np.ascontiguousarray(u[:, kept]), s[kept], vt[kept]
    # from the strongest penalty on: a gene without a difference, such as a constant one, keeps it
    descending = tried[::-1]
    unexplained = [alpha / (s**2 + alpha) for alpha in descending]
    leave_out = [_leave_out(u, share, codes) for share in unexplained]
    n_genes = expression.shape[1]
    coefficients = np.empty((len(scale.centre), n_genes))
    intercept, alpha, mse, r = (np.empty(n_genes) for _ in range(4))
    relative = np.zeros(len(tried))  # errors over the variance, summed over genes
    for block in gene_blocks(n_genes):
        values = expression[:, block].astype(np.float64)
        mean = values.mean(axis=0)
        centred = values - mean
        variance = np.einsum("ij,ij->j", centred, centred)
        projected = u.T @ centred
        rest = centred - u @ projected
        best = np.full(values.shape[1], np.inf)
        chosen = np.zeros(values.shape[1], dtype=np.intp)
        left_out = np.empty_like(values)
        for i, (share, leave) in enumerate(zip(unexplained, leave_out, strict=True)):
            residuals = leave @ (rest + u @ (share[:, None] * projected))
            error = np.einsum("ij,ij->j", residuals, residuals)
            relative[i] += np.divide(error, variance, out=np.zeros_like(error), where=variance > 0).sum()
            better = error < best
            best[better], chosen[better] = error[better], i
            left_out[:, better] = residuals[:, better]
        penalty = descending[chosen]
        weights = s[:, None] / (s[:, None] ** 2 + penalty) * projected
        coefficients[:, block] = (vt.T @ weights) / scale.spread[:, None]
        intercept[block] = mean - scale.centre @ coefficients[:, block]
        alpha[block], mse[block] = penalty, best / len(values)
        r[block] = gene_correlations(values, values - left_out)
    if shared and len(tried) > 1:
        one = fit_ridge(x, y, patients=patients, alphas=[float(descending[relative.argmin()])])
        return replace(one, alphas=tried, note="; ".join(notes))
    return Ridge(coefficients, intercept, alpha, mse, r, tried, "; ".join(notes))


def _leave_out(u: Doubles, unexplained: Doubles, codes: NDArray[np.intp]) -> sparse.csr_array:
    """The matrix that turns residuals into those of left-out patients: (I - H_BB)^-1 on the slides B of each."""
    n = len(u)
    norms = np.einsum("ij,ij->i", u, u)
    diagonal = 1 - 1 / n - norms + np.einsum("ij,j,ij->i", u, unexplained, u)
    rows, columns, values = [np.arange(n)], [np.arange(n)], [1 / diagonal]
    sizes = np.bincount(codes)
    for patient in np.flatnonzero(sizes > 1):
        slides = np.flatnonzero(codes == patient)
        part = u[slides]
        kept = np.eye(len(slides)) - 1 / n - part @ ((1 - unexplained)[:, None] * part.T)
        across, down = np.meshgrid(slides, slides)
        rows.append(down.ravel())
        columns.append(across.ravel())
        values.append(linalg.inv(kept, check_finite=False).ravel())
        values[0][slides] = 0
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_array(entries, shape=(n, n))
