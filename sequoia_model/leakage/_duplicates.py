"""Slides that are nearly the same and lie on different sides of a fold."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

PAIR_COLUMNS = ("slide_a", "slide_b", "patient_a", "patient_b", "same_patient", "cosine", "folds")
#: Rows of the matrix of cosines that are made at once: 2,048 × 10,000 slides take 80 MB.
_BLOCK = 2048
#: At most this many pairs are listed.
MOST = 10_000


def near_duplicates(
    slides: tuple[str, ...],
    means: NDArray[np.float32],
    patient: Mapping[str, str],
    roles: pd.DataFrame,
    threshold: float,
) -> tuple[pd.DataFrame, float]:
    """Pairs of slides on different sides of a fold whose mean features have a cosine of `threshold` or more.

    Parameters
    ----------
    slides : tuple of str
        Names.
    means : array of shape (slides, d)
        Their mean features.
    patient : mapping of str to str
        The patient of each slide.
    roles : DataFrame
        Index = patient, a column per fold.
    threshold : float
        The least cosine.

    Returns
    -------
    pairs : DataFrame
        The most alike first, of at most 10,000 in all; ``folds`` are the numbers of the folds on different sides of
        which they lie.
    share : float
        Share of all pairs of slides that reach the cosine: if it is large, the features hardly vary, and the pairs say
        nothing.
    """
    unit = means.astype(np.float64)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), np.finfo(float).tiny)
    first, second, cosine, n_alike = _alike(unit, threshold)
    words = roles.to_numpy(dtype=object)
    place = {name: i for i, name in enumerate(roles.index)}
    found = []
    for a, b, value in zip(first.tolist(), second.tolist(), cosine.tolist(), strict=True):
        owners = patient[slides[a]], patient[slides[b]]
        if not all(owner in place for owner in owners):
            continue
        one, other = (words[place[owner]] for owner in owners)
        folds = [k for k in range(words.shape[1]) if one[k] and other[k] and one[k] != other[k]]
        if folds:
            found.append((slides[a], slides[b], *owners, owners[0] == owners[1], min(1.0, value), folds))
    n = len(slides)
    return pd.DataFrame(found, columns=list(PAIR_COLUMNS)), n_alike / max(1, n * (n - 1) // 2)


def _alike(
    unit: NDArray[np.float64], threshold: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64], int]:
    """Pairs of rows that reach the cosine, the most alike first and at most `MOST`, and how many there are."""
    pairs, n_alike = [], 0
    for start in range(0, len(unit), _BLOCK):
        cosine = np.triu(unit[start : start + _BLOCK] @ unit.T, start + 1)
        a, b = np.nonzero(cosine >= threshold)
        n_alike += len(a)
        order = np.argsort(-cosine[a, b], kind="stable")[:MOST]
        pairs.append((a[order] + start, b[order], cosine[a, b][order]))
    first, second, cosine = (np.concatenate(column) for column in zip(*pairs, strict=True))
    order = np.argsort(-cosine, kind="stable")[:MOST]
    return first[order], second[order], cosine[order], n_alike
