"""The type of expression without outcomes: what a score needs."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, eq=False)
class Expression:
    """Expression of patients or samples, without outcomes.

    Parameters
    ----------
    values : DataFrame of shape (patients, genes)
        float64; index = patient id (or that of the sample), columns = gene symbol, both unique.
    units : Series
        Unit of every gene, "not stated" where the file does not say.
    name : str
        Name of the cohort or of the file.
    flow : DataFrame
        Ledger: ``step, n_before, n_after, reason``.
    """

    values: pd.DataFrame
    units: pd.Series
    name: str
    flow: pd.DataFrame
