"""What a cross-validation of risk has shown: C of the network beside baselines, and how far it depends on chance."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.results import Result
from sequoia_model.errors import counted
from sequoia_model.risk.concordance import concordance, counted_pairs
from sequoia_model.training.pages import markdown_table

#: Epochs that the page shows besides those that were chosen: the first ones, then every fifth.
_FIRST, _EVERY = 10, 5
#: At which epoch C of a repeat is told: the best one for the test part, the one that counts, the last one.
_AT = ("best", "chosen", "last")
_TITLES = {"network": "network", "ridge_cox": "ridge Cox"}


@dataclass(frozen=True, eq=False)
class HeldOutRisks:
    """The tested patients of all folds, and the logs of the networks.

    Parameters
    ----------
    folds : array of shape (n,), int
        The fold that tested each patient.
    time : array of shape (n,), float64
        Months, tied where they are equal.
    event : array of shape (n,), bool
        Whether the event was seen.
    risks : mapping of str to array of shape (n,)
        By method: "network" (that of repeat 0), "untrained", "untrained_1", …, "ridge_cox".
    log : DataFrame
        A row per fold, repeat and epoch, with ``val_c``, ``test_c`` and ``saved``.
    """

    folds: NDArray[np.integer]
    time: NDArray[np.float64]
    event: NDArray[np.bool_]
    risks: Mapping[str, NDArray[np.floating]]
    log: pd.DataFrame


@dataclass(frozen=True, eq=False)
class RiskSummary(Result):
    """Harrell's C on the test parts; pairs of patients count within a fold.

    Parameters
    ----------
    n_patients, n_events : int
        Tested patients, and those with the event.
    methods : DataFrame
        A row per method: ``method, c_index``, pooled within folds.
    folds : DataFrame
        A row per fold: ``fold, n_patients, n_events, n_pairs``, and the C of each method.
    repeats : DataFrame
        A row per repeat: ``repeat, best, chosen, last``: C at the epoch that is best for the test part of each fold, at
        the epoch that was chosen without it, and at the last one.
    epochs : DataFrame
        A row per epoch: ``epoch, n`` (networks that got there, of folds × repeats), ``val_c`` (their mean), ``test_c,
        test_low, test_high`` (mean and range over repeats, pooled within folds), ``n_chosen`` (networks whose epoch it
        is).
    """

    n_patients: int
    n_events: int
    methods: pd.DataFrame
    folds: pd.DataFrame
    repeats: pd.DataFrame
    epochs: pd.DataFrame

    @property
    def verdict(self) -> str:
        """C of the network beside the other methods, in words."""
        rows = zip(self.methods["method"], self.methods["c_index"], strict=True)
        return f"C within folds: {', '.join(f'{_title(method)} {_c(value)}' for method, value in rows)}."

    def to_frame(self) -> pd.DataFrame:
        """The row of each method."""
        return self.methods

    def to_markdown(self) -> str:
        """The page ``summary.md``."""
        return "\n".join(_page(self)) + "\n"

    def __str__(self) -> str:
        return self.verdict


def summarise_risks(tested: HeldOutRisks) -> RiskSummary:
    """Count pairs within folds, for each method, repeat and epoch.

    C of all folds together is Σ (concordant pairs) / Σ (comparable pairs), which is the mean of the folds' C weighted
    by comparable pairs (``survival::concordance`` with ``strata``).

    Parameters
    ----------
    tested : HeldOutRisks
        The tested patients of all folds.
    """
    time, event, folds = tested.time, tested.event, tested.folds
    numbers = np.unique(folds).tolist()
    rows, pairs = [], {}
    for number in numbers:
        some = folds == number
        pairs[number] = counted_pairs(time[some], event[some], np.zeros(int(some.sum())))[0]
        c = {name: concordance(time[some], event[some], risk[some]) for name, risk in tested.risks.items()}
        sizes = {"n_patients": int(some.sum()), "n_events": int(event[some].sum()), "n_pairs": pairs[number]}
        rows.append({"fold": number, **sizes, **c})
    pooled = [(name, concordance(time, event, risk, folds)) for name, risk in tested.risks.items()]
    log = tested.log.assign(pairs=tested.log["fold"].map(pairs), chosen=_chosen(tested.log))
    return RiskSummary(
        n_patients=len(time),
        n_events=int(event.sum()),
        methods=pd.DataFrame(pooled, columns=["method", "c_index"]),
        folds=pd.DataFrame(rows),
        repeats=_repeats(log),
        epochs=_epochs(log),
    )


def _chosen(log: pd.DataFrame) -> pd.Series:
    """Whether each row is the epoch whose network counts: the one saved last, or else the last one."""
    number = log["epoch"].where(log["saved"].astype(bool), -1)
    saved = number.groupby([log["fold"], log["repeat"]]).transform("max")
    last = log.groupby(["fold", "repeat"])["epoch"].transform("max")
    return log["epoch"] == saved.where(saved >= 0, last)


def _repeats(log: pd.DataFrame) -> pd.DataFrame:
    by_training = log.groupby(["repeat", "fold"])
    at = {
        "best": log.loc[log["test_c"].fillna(-1).groupby([log["repeat"], log["fold"]]).idxmax()],
        "chosen": log[log["chosen"]],
        "last": log.loc[by_training["epoch"].idxmax()],
    }
    table = {name: _pooled(rows) for name, rows in at.items()}
    return pd.DataFrame(table).rename_axis("repeat").reset_index()


def _epochs(log: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for epoch, there in log.groupby("epoch"):
        c = _pooled(there)
        rows.append(
            {
                "epoch": epoch,
                "n": len(there),
                "val_c": there["val_c"].mean(),
                "test_c": c.mean(),
                "test_low": c.min(),
                "test_high": c.max(),
                "n_chosen": int(there["chosen"].sum()),
            }
        )
    return pd.DataFrame(rows)


def _pooled(rows: pd.DataFrame) -> pd.Series:
    """C of each repeat over folds, which are weighted by their comparable pairs."""
    known = rows[rows["pairs"] > 0]  # without any, a fold has no C
    concordant = known["test_c"] * known["pairs"]
    return concordant.groupby(known["repeat"]).sum() / known.groupby("repeat")["pairs"].sum()


def _page(summary: RiskSummary) -> Iterator[str]:
    yield "# Risk by cross-validation"
    yield ""
    who = f"{counted(summary.n_patients, 'patient')}, {counted(summary.n_events, 'event')}"
    yield f"{who}. {summary.verdict} Pairs of patients from different folds do not count."
    methods = summary.methods["method"].tolist()
    pooled = dict(zip(methods, summary.methods["c_index"], strict=True))
    titles = ["fold", "patients", "events", "pairs", *map(_title, methods)]
    rows = [
        [
            row["fold"],
            row["n_patients"],
            row["n_events"],
            row["n_pairs"],
            *(_c(row[name]) for name in methods),
        ]
        for row in summary.folds.to_dict("records")
    ]
    total = [f"{n:,}" for n in (summary.n_patients, summary.n_events, int(summary.folds["n_pairs"].sum()))]
    rows.append(["all", *total, *(_c(pooled[name]) for name in methods)])
    yield from ("", "## C of the test parts", "", *markdown_table(titles, rows))
    yield from ("", "## How far this depends on the epoch and on chance", "", _sensitivity(summary), "")
    repeats = [
        [row["repeat"], *(_c(row[name]) for name in _AT)] for row in summary.repeats.to_dict("records")
    ]
    yield from markdown_table(["repeat", *(f"{name} epoch" for name in _AT)], repeats)
    yield from ("", "C at each epoch, over the networks of all folds and repeats that got there:", "")
    head = ["epoch", "networks", "validation", "test", "test, over repeats", "chosen by"]
    yield from markdown_table(head, _epoch_rows(summary.epochs.to_dict("records")))


def _epoch_rows(epochs: Sequence[Mapping[Hashable, Any]]) -> Iterator[list[object]]:
    """The first epochs, every fifth, the last one, and all that were chosen, in bold."""
    for row in epochs:
        epoch, chosen = row["epoch"], row["n_chosen"]
        if chosen or epoch < _FIRST or epoch % _EVERY == 0 or epoch == epochs[-1]["epoch"]:
            span = _span(row["test_low"], row["test_high"])
            mark = f"**{counted(chosen, 'network')}**" if chosen else ""
            yield [epoch, row["n"], _c(row["val_c"]), _c(row["test_c"]), span, mark]


def _sensitivity(summary: RiskSummary) -> str:
    table = summary.repeats
    best, chosen, last = (_span(table[name].min(), table[name].max()) for name in _AT)
    several = len(table) > 1
    what = f"Over {len(table)} repeats with other random numbers" if several else "In the one repeat"
    advice = (
        "" if several else " Several repeats (--repeats 5) show how far it depends on the random numbers."
    )
    return (
        f"{what}, C is {chosen} at the epoch that was chosen without the test part, {last} at the last epoch, and "
        f"{best} at the epoch that is best for the test part of each fold. Published results of networks that learn "
        "risk from images move by .05 to .1 with the epoch and the random numbers. The test part must not choose "
        f"either: the result is C at the chosen epoch of repeat 0, whose risks are in risk.csv.{advice}"
    )


def _span(lowest: float, highest: float) -> str:
    """The range of C over repeats; one number where both ends are alike."""
    low, high = _c(lowest), _c(highest)
    return low if low == high else f"{low} to {high}"


def _title(method: str) -> str:
    return _TITLES.get(method, method.replace("_", " "))


def _c(value: float) -> str:
    return "–" if value != value else f"{value:.3f}"
