"""Expression without outcomes, and the genes that several sources share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sequoia_stats.errors import InputError
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
    """

    values: pd.DataFrame
    units: pd.Series
    name: str
    flow: pd.DataFrame

    @property
    def genes(self) -> pd.Index:
        """Gene symbols."""
        return self.values.columns


def shared_genes(*sources: Cohort | Expression | AnnData | Iterable[str]) -> list[str]:
    """The genes that all sources have, such as the candidate genes of a signature.

    Parameters
    ----------
    *sources : Cohort, Expression, AnnData or iterable of str
        Cohorts, expression, or names of genes. An alias of a gene counts as the same gene.

    Returns
    -------
    list of str
        Names and order as in the first source.

    Raises
    ------
    InputError
        If no source is given.

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
    return [str(name) for name in getattr(source, "var_names", source)]
