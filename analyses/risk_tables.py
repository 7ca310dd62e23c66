"""Tables over draws of semi-synthetic patients: C by truth and route, and C by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

#: The routes, by the name of their file of scores.
ROUTES = {
    "oracle": "Planted risk",
    "measured": "Signature, measured genes",
    "predicted": "Signature, predicted genes",
    "image": "Image network",
    "ridge": "Ridge Cox on mean features",
}
#: What the risk of a patient is planted in.
TRUTH_NAMES = {"expression": "Expression score", "morphology": "Share of a cluster", "none": "No effect"}
RECIPES = ("strict", "paper")
#: The truth whose networks also learn by the recipe of the paper: its epochs are seen where nothing can be learnt.
EPOCHS_OF = "none"


def read_draws(folders: Iterable[Path]) -> pd.DataFrame:
    """What each route reached in each draw: ``draw, truth, route, n, events, c_index, hr_per_sd, p, logrank_p``."""
    table = pd.concat([pd.read_csv(folder / "comparison.csv") for folder in folders], ignore_index=True)
    return table[["draw", "truth", "route", "n", "events", "c_index", "hr_per_sd", "p", "logrank_p"]]


def by_route(draws: pd.DataFrame) -> pd.DataFrame:
    """The mean over draws of each truth and route.

    Returns
    -------
    DataFrame
        ``truth, truth_name, route, name, draws``; ``c_mean``, its standard error ``c_se`` over draws, the range
        ``c_least, c_most``; ``from_half``, the distance of the mean from 0.5 in standard errors, NaN if draws do not
        differ; ``hr_mean``, the geometric mean of the hazard ratio per SD; and ``significant``, the share of draws with
        a log-rank p below 0.05.
    """
    rows = []
    for (truth, route), part in draws.groupby(["truth", "route"], sort=False):
        c = part["c_index"]
        se = c.std() / np.sqrt(len(c))
        rows.append(
            {
                "truth": truth, "truth_name": TRUTH_NAMES[truth], "route": route, "name": ROUTES[route],
                "draws": len(c), "c_mean": c.mean(), "c_se": se, "c_least": c.min(), "c_most": c.max(),
                "from_half": (c.mean() - 0.5) / se if se > 0 else np.nan,
                "hr_mean": np.exp(np.log(part["hr_per_sd"]).mean()),
                "significant": (part["logrank_p"] < 0.05).mean(),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def read_logs(folders: Sequence[Path]) -> pd.DataFrame:
    """The logs of the networks of risk without an effect: ``recipe, draw, fold, epoch, val_c, test_c, kept``.

    An epoch is kept if it is the one that the recipe chose.
    """
    logs = []
    for draw, folder in enumerate(folders):
        for recipe in RECIPES:
            path = folder / EPOCHS_OF / f"log_{recipe}.csv"
            if path.is_file():
                log = pd.read_csv(path)
                chosen = log[log["saved"]].groupby("fold")["epoch"].max()
                log["kept"] = log["epoch"] == log["fold"].map(chosen)
                logs.append(log.assign(recipe=recipe, draw=draw))
    return pd.concat(logs, ignore_index=True)[["recipe", "draw", "fold", "epoch", "val_c", "test_c", "kept"]]


def by_epoch(logs: pd.DataFrame) -> pd.DataFrame:
    """The mean C on the test parts after each epoch, over folds and draws.

    Returns
    -------
    DataFrame
        ``recipe, epoch`` (from 1), ``networks``; ``c_mean`` and its standard error ``c_se`` over draws, whose folds are
        averaged; ``kept``, the number of networks whose recipe chose the epoch.
    """
    per_draw = logs.groupby(["recipe", "epoch", "draw"], sort=False)["test_c"].mean()
    found = per_draw.groupby(level=["recipe", "epoch"], sort=False).agg(["mean", "sem"])
    counts = logs.groupby(["recipe", "epoch"], sort=False).agg(
        networks=("fold", "size"), kept=("kept", "sum")
    )
    table = counts.join(found).rename(columns={"mean": "c_mean", "sem": "c_se"}).reset_index()
    return table.assign(epoch=table["epoch"] + 1)[["recipe", "epoch", "networks", "c_mean", "c_se", "kept"]]
