"""Expression without outcomes, and the genes that several sources share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sequoia_stats.errors import InputError, listing, part
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.genes import match

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True, eq=False)
class Expression:
    """Expression of patients or samples, without outcomes.

    Parameters
    ----------
    values : DataFrame of shape (patients, genes)
        float64; index = patient or sample id, columns = gene symbol, both unique.
    units : Series
        Unit of every gene, "not stated" if the file does not say.
    name : str
        Name of the cohort or of the file.
    flow : DataFrame
        Ledger: ``step, n_before, n_after, reason``.
    covariates : DataFrame
        What else the source says of each patient or sample, in the same order; without columns if nothing.
    """

    values: pd.DataFrame
    units: pd.Series
    name: str
    flow: pd.DataFrame
    covariates: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def genes(self) -> pd.Index:
        """Gene symbols."""
        return self.values.columns


def shared_genes(*sources: Cohort | Expression | AnnData | Iterable[str]) -> list[str]:
    """The genes that all sources have, such as the candidate genes of a signature.

    Parameters
    ----------
    *sources : Cohort, Expression, AnnData or iterable of str
        Cohorts, expression, or names of genes; each is an argument of its own, so a list of cohorts is given as
        ``shared_genes(*cohorts)``. An alias of a gene counts as the same gene.

    Returns
    -------
    list of str
        Names and order as in the first source.

    Raises
    ------
    InputError
        If no source is given, or the genes of one are not names.

    Examples
    --------
    >>> shared_genes(["ESR1", "NDC80", "PGR"], ["KNTC2", "ESR1"])
    ['ESR1', 'NDC80']
    """
    if not sources:
        raise InputError("no source of genes is given", fix="give one cohort or more")
    first, *others = (_names(source) for source in sources)
    shared = np.array(first, dtype=object)
    for names in others:
        shared = shared[match(shared, names) >= 0]
    return shared.tolist()


def _names(source: Cohort | Expression | AnnData | Iterable[str]) -> list[str]:
    if isinstance(source, Cohort | Expression):
        return list(source.genes)
    names = getattr(source, "var_names", source)
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise InputError(
            f"{names!r} is not a source of genes", fix="give a cohort, or a list of names of genes"
        )
    names = list(names)
    if odd := [name for name in names if not isinstance(name, str)]:
        kinds = listing(sorted({type(name).__name__ for name in odd}))
        raise InputError(
            f"{part(len(odd), len(names), 'name of a gene', 'are')} not text, but {kinds}",
            fix="give names of genes; cohorts are given one by one: shared_genes(a, b), or shared_genes(*cohorts)",
        )
    return names
