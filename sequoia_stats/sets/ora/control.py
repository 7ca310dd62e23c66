"""The negative control: what the test finds on the worst predicted genes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sequoia_stats.errors import InputError, listing
from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.sets.ora.table import hypergeometric

if TYPE_CHECKING:
    from sequoia_stats.selection import Selection

#: Names of the lists of `negative_control`.
WELL, WORST = "well predicted", "worst predicted"


def negative_control(
    selection: Selection | pd.DataFrame,
    sets: GeneSets | Sequence[GeneSets],
    *,
    n: int | None = None,
    min_size: int = 5,
    max_size: int | None = 5000,
    aliases: bool = False,
) -> pd.DataFrame:
    """The same test on the worst predicted genes: what it finds there, prediction does not explain.

    Parameters
    ----------
    selection : Selection or DataFrame
        Genes with ``gene``, ``r`` and ``well_predicted``; the universe are all of them. Of one level: a gene stands
        once.
    sets : GeneSets or sequence of GeneSets
        As in `hypergeometric`.
    n : int, optional
        How many genes with the lowest r; by default as many as are well predicted. Of equal r the first by name.
        Well-predicted genes are never among them.
    min_size, max_size, aliases
        As in `hypergeometric`.

    Returns
    -------
    DataFrame
        As of `hypergeometric`, with the lists "well predicted" and "worst predicted".

    Raises
    ------
    InputError
        If a column is missing, a gene repeats, an r is missing, or none or all of the genes are well predicted.
    """
    table = selection if isinstance(selection, pd.DataFrame) else selection.table
    absent = [name for name in ("gene", "r", "well_predicted") if name not in table]
    if absent:
        raise InputError(f"the table of genes has no column {listing(absent)}")
    if table["gene"].duplicated().any():
        raise InputError("genes stand more than once", fix="give the rows of one level")
    if table["r"].isna().any():
        raise InputError(f"{table['r'].isna().sum()} genes have no r")
    well = table["well_predicted"].astype(bool)
    if well.all() or not well.any():
        raise InputError(f"{well.sum()} of {len(well)} genes are well predicted: there is nothing to compare")
    rest = table.loc[~well].sort_values(["r", "gene"])
    lists = {WELL: table["gene"][well], WORST: rest["gene"].head(int(well.sum()) if n is None else n)}
    return hypergeometric(
        lists, sets, universe=table["gene"], min_size=min_size, max_size=max_size, aliases=aliases
    )
