"""One feature vector per slide, its columns on one scale, and the baseline that needs none: the training mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sequoia_model.errors import InputError, counted
from sequoia_model.training.scores import Doubles

#: Slides that are in memory at a time while features are pooled, and genes while they are fitted.
_SLIDES, GENES_AT_A_TIME = 64, 512


@dataclass(frozen=True, eq=False)
class TrainingMean:
    """Predicts the training mean of every gene for every slide.

    Parameters
    ----------
    mean : array of shape (g,)
        Mean over the training slides.
    """

    mean: Doubles

    def predict(self, x: ArrayLike) -> Doubles:
        """The mean for each row of `x`; a read-only view of shape (n, g) that takes no memory."""
        return np.broadcast_to(self.mean, (len(np.asarray(x)), len(self.mean)))


def training_mean(y: ArrayLike) -> TrainingMean:
    """The mean of each gene over the training slides.

    Parameters
    ----------
    y : array of shape (n, g)
        Measured expression of the training slides.

    Returns
    -------
    TrainingMean

    Examples
    --------
    >>> training_mean([[1.0, 2.0], [3.0, 2.0]]).predict([[0.0]])
    array([[2., 2.]])
    """
    return TrainingMean(np.asarray(y).mean(axis=0, dtype=np.float64))


def pooled_features(means: NDArray[np.floating]) -> Doubles:
    """The mean of the cluster means of each slide.

    Parameters
    ----------
    means : array of shape (n, k, d)
        Cluster means, which may be a memory map: few slides are in memory at a time.

    Returns
    -------
    array of shape (n, d), float64
        Each cluster counts alike, whatever its number of tiles, as it does for a network.
    """
    pooled = np.empty((means.shape[0], means.shape[2]))
    for start in range(0, len(means), _SLIDES):
        pooled[start : start + _SLIDES] = means[start : start + _SLIDES].mean(axis=1, dtype=np.float64)
    return pooled


@dataclass(frozen=True, eq=False)
class ColumnScale:
    """The columns of training features: their mean, and their standard deviation divided by n.

    Parameters
    ----------
    centre, spread : array of shape (d,)
        A constant column has the spread 1, so that it is 0 for the training slides.
    """

    centre: Doubles
    spread: Doubles

    @classmethod
    def of(cls, x: Doubles) -> ColumnScale:
        """The scale of training features."""
        centre = x.mean(axis=0)
        spread = np.sqrt(np.mean((x - centre) ** 2, axis=0))
        constant = x.min(axis=0) == x.max(axis=0)  # rounding may leave a tiny spread
        return cls(centre, np.where(constant | (spread == 0), 1.0, spread))

    def apply(self, x: ArrayLike) -> Doubles:
        """Features of any slides on this scale.

        Raises
        ------
        InputError
            If they have another number of columns than the training features.
        """
        features = np.asarray(x, dtype=np.float64)
        if features.ndim != 2 or features.shape[1] != len(self.centre):
            raise InputError(
                f"features have the shape {features.shape}, but those of the training slides have "
                f"{counted(len(self.centre), 'column')}"
            )
        return (features - self.centre) / self.spread


def training_part(
    x: ArrayLike, y: ArrayLike, patients: Sequence[object] | NDArray[np.object_] | None
) -> tuple[Doubles, NDArray[np.floating], NDArray[np.intp]]:
    """Checked features, expression, and a number for the patient of each slide.

    Parameters
    ----------
    x : array of shape (n, d)
        Features.
    y : array of shape (n, g)
        Measured expression; not copied.
    patients : sequence of length n, optional
        Patient of each slide; each slide is a patient of its own by default.

    Raises
    ------
    InputError
        If shapes do not fit, there are fewer than 2 slides, or a value is missing or infinite.
    """
    features, expression = np.asarray(x, dtype=np.float64), np.asarray(y)
    n = len(features)
    owners = np.arange(n) if patients is None else np.asarray(patients, dtype=object)
    if features.ndim != 2 or expression.ndim != 2 or not n == len(expression) == len(owners):
        raise InputError(
            f"features of the shape {features.shape}, expression of {expression.shape} and "
            f"{counted(len(owners), 'patient')} do not fit together",
            fix="give a row per slide to all three",
        )
    if n < 2:
        raise InputError(f"a baseline needs 2 training slides or more, and there is {n}")
    for what, values in (("features", features), ("measured values", expression)):
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if len(bad):
            raise InputError(
                f"{what} of {counted(len(bad), 'training slide')} are missing or infinite",
                where=f"row {bad[0]}, patient {owners[bad[0]]}",
                fix="leave these slides out",
            )
    codes = np.unique(owners.astype(str), return_inverse=True)[1].ravel()
    return features, expression, codes


def gene_blocks(n_genes: int) -> Iterator[slice]:
    """Consecutive columns, few enough that float64 copies of them are small."""
    return (slice(at, min(at + GENES_AT_A_TIME, n_genes)) for at in range(0, n_genes, GENES_AT_A_TIME))
