"""Tables of the published evaluation: ``all_genes.csv`` and ``sig_genes.csv``."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sequoia_base.decimals import with_points
from sequoia_base.tables import read_table
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.types.criteria import PAPER, meets_all

#: Column of the published table -> ours.
_COLUMNS = {
    "pred_real_r": "r",
    "pearson_p": "p",
    "fdr_pearson_p": "p_bh",
    "random_real_r": "r_untrained",
    "Steiger_p": "p_dependent",
    "fdr_Steiger_p": "p_dependent_bh",
    "rmse_pred": "rmse",
    "rmse_random": "rmse_untrained",
    "rmse_quantile_norm": "nrmse",
    "rmse_mean_norm": "rmse_over_mean",
}


def read_evaluation(path: str | Path) -> pd.DataFrame:
    """Read a table of genes that the published evaluation wrote.

    Parameters
    ----------
    path : path
        ``all_genes.csv`` or ``sig_genes.csv``, plain or compressed.

    Returns
    -------
    DataFrame
        ``cancer, gene, r, p, p_bh, r_untrained, p_dependent, p_dependent_bh, rmse, rmse_untrained, nrmse,
        rmse_over_mean, well_predicted``, a row per gene and cancer in the order of the file. Names are those of
        `sequoia_stats.selection.well_predicted`; missing numbers are NaN.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column, a cell is not a number, or a gene is duplicated in a cancer.

    Notes
    -----
    ``p_dependent`` is what the published code calls Steiger's test: Williams' t, one-tailed on |t|.
    Its ``nrmse`` divides by the interquartile range + 1e-5. ``well_predicted`` applies its six criteria.
    """
    table = read_table(path)
    absent = [column for column in (*_COLUMNS, "cancer") if column not in table]
    if absent:
        raise InputError(
            f"the table lacks the column {listing(absent)}",
            where=f"{path}; its columns are {listing(table.columns)}",
            fix="give all_genes.csv or sig_genes.csv of the published evaluation",
        )
    result = pd.DataFrame({"cancer": table["cancer"], "gene": table.iloc[:, 0]})
    for one, several, rows in (
        ("row has no gene or no cancer", "rows have no gene or no cancer", result.isna().any(axis=1)),
        (
            "row repeats a gene of the same cancer",
            "rows repeat a gene of the same cancer",
            result.duplicated(),
        ),
    ):
        if rows.any():
            raise InputError(
                counted(int(rows.sum()), one, several), where=f"{path}, rows {listing(result.index[rows])}"
            )
    for column, name in _COLUMNS.items():
        result[name] = _numbers(table[column], path)
    result["well_predicted"] = meets_all(result, PAPER)
    return result.reset_index(drop=True)


def _numbers(column: pd.Series, path: str | Path) -> pd.Series:
    column = with_points(column)
    odd = pd.to_numeric(column, errors="coerce").isna() & column.notna()
    if odd.any():
        row = column.index[odd][0]
        raise InputError(
            f"{column[row]!r} is not a number", where=f"{path}, row {row}, column {column.name!r}"
        )
    return column.astype(float)  # correctly rounded, unlike to_numeric
