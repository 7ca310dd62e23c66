"""Ridge regression, and its penalty chosen by leaving out patients, equal base R's least squares."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sequoia_model.training.baselines import fit_ridge
from tests.parity.reference import assert_matches, inputs, reference

ALPHAS = (0.5, 20.0, 300.0)
#: Rows, features and genes of each case, and patients of one, two and three rows, as in r/references/ridge.R.
CASES = {
    "tall": (range(60), "ERBB2 GRB7 STARD3 ESR1 FOXC1", "CD8A KRT5 PGR"),
    "wide": (range(60, 66), "ERBB2 GRB7 STARD3 ESR1 FOXC1 CD8A KRT5", "MKI67 PGR"),
}


def fit(name, alphas):
    """The fit of one case, with its genes and features."""
    rows, features, genes = CASES[name]
    table = inputs("correlation/metabric").iloc[list(rows)]
    patients = np.repeat(np.arange(len(rows)), np.resize([1, 2, 3], len(rows)))[: len(rows)]
    x = table[features.split()].to_numpy()
    return (
        fit_ridge(x, table[genes.split()].to_numpy(), patients=patients, alphas=alphas, shared=False),
        genes.split(),
        x,
    )


def fits_of(name, alpha):
    found, genes, x = fit(name, [alpha])
    predicted = found.predict(x)
    return pd.DataFrame(
        {
            "intercept": found.intercept,
            "left_out_mse": found.left_out_mse,
            "left_out_r": found.left_out_r,
            "first": predicted[0],
            "last": predicted[-1],
            "slope_1": found.coefficients[0],
            "slope_5": found.coefficients[4],
        },
        [f"{name}/{gene}/{alpha:g}" for gene in genes],
    )


def test_fits_and_left_out_predictions_equal_rs():
    want = reference("ridge/fits")
    got = pd.concat([fits_of(name, alpha) for name in CASES for alpha in ALPHAS])
    assert_matches(got.loc[want.index], want, rtol=1e-8)


def test_the_chosen_penalties_equal_rs():
    want, parts = reference("ridge/chosen"), []
    for name in CASES:
        found, genes, _ = fit(name, ALPHAS)
        index = [f"{name}/{gene}" for gene in genes]
        parts.append(pd.DataFrame({"alpha": found.alpha, "left_out_mse": found.left_out_mse}, index))
    assert_matches(pd.concat(parts), want, rtol=1e-8)
    assert want["alpha"].nunique() > 1
