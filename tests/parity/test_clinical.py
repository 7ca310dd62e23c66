"""Correlations within strata and given covariates equal those of lm, cor and psych."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sequoia_stats.selection import well_predicted
from sequoia_stats.types.predictions import Predictions
from tests.parity.reference import assert_matches, inputs, reference

CASES = inputs("clinical/cases")


def case_of(name: str) -> tuple[Predictions, list[str]]:
    """A case as predictions of one gene that is measured in some patients, and its covariates."""
    case = CASES.loc[name]
    table, covariates = inputs(f"clinical/{case['table']}"), case["covariates"].split()
    x, y = (table[[case[axis]]].to_numpy(np.float64) for axis in "xy")
    return Predictions(y, x, table[covariates], pd.Index(["gene"])), covariates


def test_partial_correlations_equal_lm_and_psych():
    want = reference("clinical/partial")
    rows = []
    for name in want.index:
        data, covariates = case_of(name)
        gene = well_predicted(data, rule="strict", beyond=covariates).table.iloc[0]
        end = f"beyond_{'_'.join(covariates)}"
        rows.append((gene[f"n_{end}"], gene[f"r_{end}"], gene[f"p_{end}"]))
    got = pd.DataFrame(rows, want.index, ["n", "r", "p"])
    assert_matches(got, want[["n", "r", "p"]], rtol=1e-8)
    # psych inverts a correlation matrix, which loses digits of nearly explained genes
    assert_matches(got[["r"]], want[["r_psych"]].set_axis(["r"], axis=1), rtol=1e-6)


def test_correlations_within_levels_equal_cor_and_fishers_mean_of_psych():
    want = reference("clinical/within")
    rows = {}
    for name in dict.fromkeys(key.split()[0] for key in want.index):
        data, (column,) = case_of(name)
        gene = well_predicted(data, rule="strict", within=column).table.iloc[0]
        rows[f"{name} all"] = [gene[f"{letter}_within_{column}"] for letter in "nrp"]
        levels = [key.removeprefix("r_") for key in gene.index if key.startswith(f"r_{column}=")]
        for level in levels:
            rows[f"{name} {level.partition('=')[2]}"] = [gene[f"n_{level}"], gene[f"r_{level}"], np.nan]
    got = pd.DataFrame.from_dict(rows, orient="index", columns=["n", "r", "p"])
    assert_matches(got, want, rtol=1e-10)
