"""What GSVA takes from its input: samples × genes, finite, with what was lost on the way."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_stats.datasets import open_expression
from sequoia_stats.errors import InputError, listing
from sequoia_stats.sets.collections.collection import extended
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.expression import Expression
from sequoia_stats.types.genes import as_given
from sequoia_stats.types.predictions import refuse_repeated

if TYPE_CHECKING:
    from anndata import AnnData

#: What can be scored.
Source = pd.DataFrame | Cohort | Expression | str | Path
Floats = NDArray[np.float64]
#: Below this standard deviation a gene counts as constant, as in R.
_CONSTANT = 1e-10
_BLOCK = 1024  # genes at a time, so that copies stay small


class Samples(NamedTuple):
    """Samples × genes.

    Parameters
    ----------
    table : DataFrame of shape (samples, genes)
        float64; both sides unique; index = sample id.
    name : str
    flow : DataFrame
        Ledger: ``step, n_before, n_after, reason``.
    """

    table: pd.DataFrame
    name: str
    flow: pd.DataFrame


def read_samples(source: Source | AnnData) -> Samples:
    """Samples × genes from whatever holds them; names of genes stay as they are.

    Raises
    ------
    InputError
        If it cannot be read, a sample stands more than once, a value is no number, or a gene is a date.
    """
    if isinstance(source, pd.DataFrame):
        table, name = source, "table"
        try:
            table = table if (table.dtypes == np.float64).all() else table.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError("the table holds values that are not numbers", where=str(error)) from None
        table, steps = as_given(table, name)
        flow = extended(pd.DataFrame(), list(steps))
    else:
        found = (
            source
            if isinstance(source, Expression)
            else open_expression(source, symbols="as-given", rows="samples")
        )
        table, name, flow = found.values, found.name, found.flow
    index = table.index.astype(str).rename("sample_id")
    refuse_repeated(index, "sample", name)
    return Samples(table.set_axis(index, axis=0), name, flow)


def by_gene(samples: Samples, chosen: NDArray[np.intp] | None = None) -> Floats:
    """A copy of the values as genes × samples, contiguous, of some of the genes.

    Raises
    ------
    InputError
        If one is missing or infinite; it names the sample and the gene.
    """
    values = samples.table.to_numpy()
    values = np.array((values if chosen is None else values[:, chosen]).T, order="C")  # a copy in any case
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum()):
            return values
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        genes = samples.table.columns if chosen is None else samples.table.columns[chosen]
        gene, sample = bad[0]
        raise InputError(
            f"{len(bad)} values are missing or infinite (NaN, Inf)",
            where=f"{samples.name}: first in sample {samples.table.index[sample]}, gene {genes[gene]}",
            fix="leave these genes or samples out, or fill the values",
        )
    return values


def varying(values: Floats) -> NDArray[np.bool_]:
    """Which genes are not constant."""
    blocks = (values[start : start + _BLOCK] for start in range(0, len(values), _BLOCK))
    with np.errstate(over="ignore", invalid="ignore"):
        return np.concatenate([~(block.std(axis=1, ddof=1) < _CONSTANT) for block in blocks])


def refuse_transposed(samples: Samples, genes: Iterable[str]) -> None:
    """Refuse a table whose samples are called like the genes of the sets, and whose genes are not."""
    wanted = pd.Index(list(genes), dtype=object)
    if wanted.isin(samples.table.index).any() and not wanted.isin(samples.table.columns).any():
        raise InputError(
            f"the samples are called like genes: {listing(samples.table.index, 3)}",
            where=samples.name,
            fix="turn the table: --genes-in rows, or columns where rows were said",
        )


def check_counts(values: Floats, samples: Samples, genes: pd.Index) -> list[tuple[str, int, int, str]]:
    """Refuse negative counts; a ledger line where there are some that are not whole."""
    if (values < 0).any():
        gene, sample = np.argwhere(values < 0)[0]
        raise InputError(
            f"{int((values < 0).sum())} values are negative, and kcdf poisson is for counts",
            where=f"{samples.name}: first in sample {samples.table.index[sample]}, gene {genes[gene]}",
            fix="--kcdf gaussian for log values, or give counts",
        )
    broken = int((values % 1 != 0).sum())
    reason = f"{broken} counts are not whole: the distribution is taken at the whole number below, as in R"
    return [("values: counts", values.size, values.size, reason)] if broken else []
