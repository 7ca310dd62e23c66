"""The criteria of well-predicted genes, written once: what the rules, the published tables and the plots read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: Every criterion, and how figures write it. A criterion compares a column with a number or another column.
CRITERIA = {
    "r>0": "r > 0",
    "p<0.05": "p < 0.05",
    "p_bh<0.05": "p (BH) < 0.05",
    "r>r_untrained": "r > r untrained",
    "p_dependent<0.05": "p of difference < 0.05",
    "p_dependent_bh<0.2": "p of difference (BH) < 0.2",
    "p_dependent_bh<0.05": "p of difference (BH) < 0.05",
    "rmse<rmse_untrained": "RMSE < RMSE untrained",
}
#: The six criteria of the paper, in the order in which they are applied.
PAPER = ("r>0", "p<0.05", "r>r_untrained", "p_dependent<0.05", "p_dependent_bh<0.2", "rmse<rmse_untrained")
#: The criteria of the rule "strict".
STRICT = ("r>0", "p_bh<0.05", "r>r_untrained", "p_dependent_bh<0.05", "rmse<rmse_untrained")
#: Columns that only exist with an untrained network.
_OF_UNTRAINED = ("r_untrained", "p_dependent", "rmse_untrained")


def needs_untrained(criterion: str) -> bool:
    """Whether a criterion compares with an untrained network.

    Examples
    --------
    >>> needs_untrained("p<0.05"), needs_untrained("p_dependent_bh<0.2")
    (False, True)
    """
    return any(column in criterion for column in _OF_UNTRAINED)


def meets(table: pd.DataFrame, criterion: str) -> NDArray[np.bool_]:
    """Which genes meet a criterion; a missing value (NaN) does not.

    Examples
    --------
    >>> meets(pd.DataFrame({"r": [0.3, -0.1], "r_untrained": [0.4, -0.2]}), "r>r_untrained")
    array([False,  True])
    """
    less = "<" in criterion
    name, _, limit = criterion.partition("<" if less else ">")
    value = table[limit] if limit in table else float(limit)
    return (table[name] < value if less else table[name] > value).to_numpy()


def meets_all(table: pd.DataFrame, criteria: Sequence[str]) -> NDArray[np.bool_]:
    """Which genes meet every criterion."""
    return np.logical_and.reduce([meets(table, criterion) for criterion in criteria])
