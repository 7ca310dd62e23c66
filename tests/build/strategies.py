"""Hypothesis strategies: survival outcomes with ties, risk scores, groups, correlations and sets."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.types.outcome import Outcome


@st.composite
def outcomes(draw: st.DrawFn, min_size: int = 2, max_size: int = 30, months: int = 8) -> Outcome:
    """Few distinct times, so that events tie with events and with censorings; at least one event."""
    n = draw(st.integers(min_size, max_size))
    time = draw(arrays(np.int64, n, elements=st.integers(1, months)))
    event = draw(arrays(np.bool_, n))
    event[draw(st.integers(0, n - 1))] = True
    return Outcome(time.astype(np.float64), event, "RFS")


@st.composite
def outcomes_with_risk(draw: st.DrawFn, min_size: int = 2, max_size: int = 30) -> tuple[Outcome, np.ndarray]:
    """An outcome and a risk score with ties (quarters between -3 and 3)."""
    outcome = draw(outcomes(min_size, max_size))
    risk = draw(arrays(np.int64, outcome.n, elements=st.integers(-12, 12)))
    return outcome, risk / 4


@st.composite
def outcomes_with_groups(
    draw: st.DrawFn, min_size: int = 8, max_size: int = 40
) -> tuple[Outcome, np.ndarray]:
    """An outcome and groups 0, 1, 2, at least two of which are at risk at the first event."""
    outcome = draw(outcomes(min_size, max_size))
    groups = draw(arrays(np.int64, outcome.n, elements=st.integers(0, 2)))
    late = np.argsort(outcome.time)[-2:]
    groups[late] = [0, 1]
    time, event = outcome.time.copy(), outcome.event.copy()
    time[late] = time.max()
    event[late] = True
    return Outcome(time, event, outcome.endpoint), groups


@st.composite
def correlations_of_three(draw: st.DrawFn, largest: float = 0.99) -> tuple[float, float, float]:
    """r12, r13 and r23 that can occur together, none of them nearer to ±1 than `largest`."""
    inside = st.floats(-largest, largest)
    r12, r13, partial = draw(inside), draw(inside), draw(inside)
    return r12, r13, r12 * r13 + partial * math.sqrt((1 - r12**2) * (1 - r13**2))


@st.composite
def gene_sets(draw: st.DrawFn, max_size: int = 6) -> GeneSets:
    """Overlapping sets S0, S1, ... of ten genes A to J."""
    genes = st.lists(st.sampled_from("ABCDEFGHIJ"), unique=True, min_size=1)
    drawn = draw(st.lists(genes, min_size=1, max_size=max_size))
    return GeneSets("drawn", {f"S{i}": tuple(members) for i, members in enumerate(drawn)})
