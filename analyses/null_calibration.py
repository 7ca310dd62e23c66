"""What the rules find when there is nothing to find: the predictions are unrelated to the patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from sequoia_stats.selection import well_predicted
from sequoia_stats.types.predictions import Predictions


def unrelated_predictions(
    measured: pd.DataFrame, rng: np.random.Generator, *, untrained: int = 1, slides: int = 1, folds: int = 5
) -> Predictions:
    """Predictions that are the expression of other patients, drawn separately for the network and each untrained one.

    Genes stay correlated with each other as they are, and errors are on one scale, so that no criterion is met or
    missed for a reason of its own.

    Parameters
    ----------
    measured : DataFrame of shape (patients, genes)
        Finite.
    rng : Generator
    untrained : int, default 1
        Number of untrained networks.
    slides : int, default 1
        Slides of each patient, all with the same measured and predicted values: shows what happens if slides count
        as independent.
    folds : int, default 5

    Returns
    -------
    Predictions
    """
    n = len(measured)
    patient = np.repeat(np.arange(n), slides)
    values = measured.to_numpy()
    predicted, *null = (values[rng.permutation(n)][patient] for _ in range(1 + untrained))
    obs = pd.DataFrame(
        {"patient_id": measured.index.astype(str).to_numpy()[patient], "fold": patient % folds},
        index=[f"slide {i + 1}" for i in range(len(patient))],
    )
    return Predictions(predicted, values[patient], obs, pd.Index(measured.columns), tuple(null), name="null")


def null_simulation(
    draw: Callable[[np.random.Generator], Predictions],
    *,
    simulations: int = 200,
    seed: int = 0,
    rules: Sequence[str] = ("paper", "published-code", "strict"),
) -> pd.DataFrame:
    """Apply the rules to predictions without a truth.

    Parameters
    ----------
    draw : callable
        Makes predictions from a random generator: `unrelated_predictions`, or a noise model with factor 0.
    simulations : int, default 200
    seed : int, default 0
        Every simulation has a stream of its own.
    rules : sequence of str
        The rules to apply to each.

    Returns
    -------
    DataFrame
        ``rule, simulation, tested, found, p, p_dependent``: genes tested and found, and the shares of genes with
        p < 0.05 in either test alone; for a calibrated test this is 5%.
    """
    lines = []
    for i, stream in enumerate(np.random.SeedSequence(seed).spawn(simulations)):
        predictions = draw(np.random.default_rng(stream))
        for rule in rules:
            table = well_predicted(predictions, rule=rule).table
            shares = [float((table[p] < 0.05).mean()) for p in ("p", "p_dependent")]
            lines.append((rule, i, len(table), int(table["well_predicted"].sum()), *shares))
    return pd.DataFrame(lines, columns=["rule", "simulation", "tested", "found", "p", "p_dependent"])


def summary(simulated: pd.DataFrame) -> pd.DataFrame:
    """A row per rule.

    Parameters
    ----------
    simulated : DataFrame
        The result of `null_simulation`.

    Returns
    -------
    DataFrame
        ``rule, simulations, tested, mean_found, any_found, p, p_dependent``: any_found is the share of simulations
        that find a gene at all (with nothing to be found, the false discovery rate); the rest are means.
    """
    grouped = simulated.assign(any_found=simulated["found"] > 0).groupby("rule", sort=False)
    return grouped.agg(
        simulations=("simulation", "size"),
        tested=("tested", "mean"),
        mean_found=("found", "mean"),
        any_found=("any_found", "mean"),
        p=("p", "mean"),
        p_dependent=("p_dependent", "mean"),
    ).reset_index()
