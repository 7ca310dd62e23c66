"""The input of GSVA: a table of samples × genes with finite values, and the ledger of losses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.flow import Flow
from sequoia_stats.datasets import open_expression
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.types.arrays import Floats
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.expression import Expression
from sequoia_stats.types.genes import as_given
from sequoia_stats.types.predictions import refuse_repeated

if TYPE_CHECKING:
    from anndata import AnnData

#: Sources of samples that can be scored.
SampleSource = pd.DataFrame | Cohort | Expression | str | Path
#: A gene with a standard deviation below this counts as constant, as in R.
_CONSTANT = 1e-10
_BLOCK = 1024  # genes at a time, so that copies stay small


class Samples(NamedTuple):
    """Samples × genes.

    Parameters
    ----------
    table : DataFrame of shape (samples, genes)
        float64; names of samples and genes are unique.
    name : str
        Name of the cohort or file.
    flow : Flow
        Losses on reading.
    """

    table: pd.DataFrame
    name: str
    flow: Flow


def read_samples(source: SampleSource | AnnData) -> Samples:
    """Read samples × genes from any source; gene names stay as they are.

    Raises
    ------
    InputError
        If it cannot be read, a sample is duplicated, a value is not a number, or a gene is a date.
    """
    if isinstance(source, pd.DataFrame):
        table, name = source, "table"
        try:
            table = table if (table.dtypes == np.float64).all() else table.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError("the table contains values that are not numbers", where=str(error)) from None
        table, steps = as_given(table, name)
        flow = Flow(steps)
    else:
        found = (
            source
            if isinstance(source, Expression)
            else open_expression(source, symbols="as-given", rows="samples")
        )
        table, name, flow = found.values, found.name, Flow.of(found.flow)
    index = table.index.astype(str).rename("sample_id")
    refuse_repeated(index, "sample", name)
    return Samples(table.set_axis(index, axis=0), name, flow)


def by_gene(samples: Samples, chosen: NDArray[np.intp] | None = None) -> Floats:
    """A contiguous copy of the values as genes × samples, of all genes or some.

    Raises
    ------
    InputError
        If a value is missing or infinite; the error names its sample and gene.
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
            f"{counted(len(bad), 'value')} missing or infinite (NaN, Inf)",
            where=f"{samples.name}: first in sample {samples.table.index[sample]}, gene {genes[gene]}",
            fix="leave out these genes or samples, or fill in the values",
        )
    return values


def varying(values: Floats) -> NDArray[np.bool_]:
    """Whether each gene varies between samples."""
    blocks = (values[start : start + _BLOCK] for start in range(0, len(values), _BLOCK))
    with np.errstate(over="ignore", invalid="ignore"):
        return np.concatenate([~(block.std(axis=1, ddof=1) < _CONSTANT) for block in blocks])


def refuse_transposed(samples: Samples, genes: Iterable[str]) -> None:
    """Refuse a table whose sample names are genes of the sets, and whose gene names are not."""
    wanted = pd.Index(list(genes), dtype=object)
    if wanted.isin(samples.table.index).any() and not wanted.isin(samples.table.columns).any():
        raise InputError(
            f"the samples have names of genes: {listing(samples.table.index, 3)}",
            where=samples.name,
            fix="if the table is transposed, use --genes-in rows (or columns)",
        )


def check_counts(values: Floats, samples: Samples, genes: pd.Index, flow: Flow) -> None:
    """Refuse negative counts; add a line to the ledger if some are not whole."""
    if (values < 0).any():
        gene, sample = np.argwhere(values < 0)[0]
        raise InputError(
            f"{counted(int((values < 0).sum()), 'negative value')} found, but kcdf poisson is for counts",
            where=f"{samples.name}: first in sample {samples.table.index[sample]}, gene {genes[gene]}",
            fix="--kcdf gaussian for log values, or give counts",
        )
    if broken := int((values % 1 != 0).sum()):
        reason = f"{counted(broken, 'count')} not whole: the distribution is taken at the next lower integer, as in R"
        flow.add("values: counts", values.size, values.size, reason)
