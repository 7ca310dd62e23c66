"""Captions of the figures of risk. Each function returns sentences; every number is from a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from risk_tables import EPOCHS_OF, ROUTES, TRUTH_NAMES

from sequoia_stats import RiskComparison
from sequoia_stats.conformal import RiskDecisions
from sequoia_stats.errors import counted
from sequoia_stats.plots import text

#: What a planted risk is, in a sentence.
_PLANTED = {
    "expression": "a score of {score_genes} measured genes with random weights",
    "morphology": "the share of one morphological cluster among the patient's tiles",
    "none": "nothing",
}


@dataclass(frozen=True)
class About:
    """How the patients were made.

    Parameters
    ----------
    patients, draws : int
        Patients of a draw, and draws.
    settings : mapping
        The section ``risk`` of the configuration.
    """

    patients: int
    draws: int
    settings: Mapping[str, Any]

    @classmethod
    def of(cls, compared: Mapping[str, RiskComparison], settings: Mapping[str, Any]) -> About:
        """From the comparisons of the draw that is shown."""
        return cls(next(iter(compared.values())).n, settings["draws"], settings)

    def planted(self, truth: str) -> str:
        """What the risk is planted in."""
        return _PLANTED[truth].format(**self.settings)


def setting(about: About) -> list[str]:
    """What the patients are, and what they cannot show."""
    chosen = about.settings
    return [
        f"Each of {about.patients} patients is 100 real tiles drawn from one of four HER2ST sections, mixed over "
        f"{chosen['clusters']} morphological clusters; measured expression is the sum of the spots nearest to them, "
        f"times to the event are exponential with a hazard ratio of {chosen['hazard_ratio']:g} per SD of the planted "
        "risk (1 without an effect), and a section is a fold.",
        "Patients of a section share tiles, so intervals from patients are too narrow, and the sections are from one "
        "tumour. Nothing follows from this for real patients yet.",
    ]


def survival(
    route: str, truth: str, compared: RiskComparison, table: pd.DataFrame, about: About
) -> list[str]:
    """Caption of the curves of one route and truth."""
    row = table[(table["route"] == route) & (table["truth"] == truth)].iloc[0]
    oracle = table[(table["route"] == "oracle") & (table["truth"] == truth)].iloc[0]
    shown = compared.comparison.set_index("score").loc[ROUTES[route]]
    how = {
        "predicted": "Patients are scored by a signature that was trained on measured genes and reads the genes that a "
        "network predicted; neither saw the section of the patients it scores",
        "image": "Patients are scored by a network that was trained on outcomes and sees tiles alone; it never saw the "
        "section of the patients it scores",
    }[route]
    return [
        f"Semi-synthetic patients whose planted risk is {about.planted(truth)}.",
        f"{how}.",
        "Groups are cut at the median risk of each fold's training patients.",
        "Bands: 95% log-log intervals; ticks: censored patients.",
        f"The curves are of one draw (log-rank {text.p_statement(shown['logrank_p'])}).",
        f"Over {row['draws']} draws, C is {text.number(row['c_mean'], 3)} (standard error "
        f"{text.number(row['c_se'], 3)}), that of the planted risk {text.number(oracle['c_mean'], 3)}; the log-rank "
        f"test has p < .05 in {round(row['significant'] * row['draws'])} of {row['draws']}.",
        *setting(about),
    ]


def routes(table: pd.DataFrame, about: About) -> list[str]:
    """Caption of C by truth and route."""
    truths = list(dict.fromkeys(table["truth"]))
    best = [
        f"{TRUTH_NAMES[truth].lower()}: {_best(table[table['truth'] == truth])}"
        for truth in truths
        if truth != EPOCHS_OF
    ]
    return [
        "Semi-synthetic patients: Harrell's C of each route by what the risk is planted in, counting pairs of patients "
        "of one section.",
        f"Mean over {table['draws'].min()} draws of patients and outcomes; bars: one standard error to each side; "
        "dashed: the planted risk; grey: 0.5.",
        f"Which route is best follows what was planted ({'; '.join(best)}), so nothing follows for other patients.",
        "Each draw has other genes, weights and cluster.",
        *setting(about),
    ]


def epochs(table: pd.DataFrame, about: About) -> list[str]:
    """Caption of C by epoch."""
    strict, paper = (table[table["recipe"] == recipe] for recipe in ("strict", "paper"))
    chosen = strict[strict["kept"] > 0]["epoch"]
    last = paper.iloc[-1]
    return [
        "Semi-synthetic patients without an effect: C on the test parts after each epoch of image networks that learn "
        f"for at most {len(strict)} epochs, of which the one with the best validation loss is kept (strict), and for "
        f"{len(paper)} epochs, of which the last is kept (paper).",
        f"Mean over {counted(int(strict['networks'].iloc[0]), 'network')}, one for each section and draw; bands: one "
        "standard error over draws; points: epochs that are kept, larger where more networks keep them; grey: 0.5.",
        f"The strict recipe kept one of the epochs {chosen.min()} to {chosen.max()}; after the last epoch of the "
        f"paper's recipe C is {text.number(last['c_mean'], 3)} (standard error {text.number(last['c_se'], 3)}).",
        *setting(about),
    ]


def coverage(table: pd.DataFrame, level: float) -> list[str]:
    """Caption of the coverage of intervals of genes."""
    parts = [
        f"{row.n} patients: {100 * row.mean:.1f}% (SD over genes {100 * row.sd:.1f} points)"
        for row in table.itertuples()
    ]
    return [
        f"Simulated cohorts, no images: how often {100 * level:g}% intervals of genes hold the values of new patients, "
        "by the number of patients whose out-of-fold residuals gave the intervals.",
        f"Mean over genes: {'; '.join(parts)}.",
        "The promise holds on average over genes and for patients of the same population; single genes lie above or "
        "below, the more so the fewer the patients.",
        "Diamonds: means; boxes: quartiles and median; whiskers: 5th to 95th percentile; grey: within 2 "
        "points of the promise.",
        "Nothing follows from this for another population of patients.",
    ]


def abstention(decided: Mapping[str, RiskDecisions | None], about: About) -> list[str]:
    """Caption of the share of patients decided."""
    shares = [
        f"{TRUTH_NAMES[truth].lower()} (r {text.number(one.intervals.r)}): "
        f"{_decided(one, 0.9)} at 90% and {_decided(one, 0.8)} at 80%"
        if one is not None
        else f"{TRUTH_NAMES[truth].lower()}: nobody, since no signature chose a gene"
        for truth, one in decided.items()
    ]
    return [
        "Semi-synthetic patients: the share that is decided at several levels (left), and the share of these whose "
        "measured score lies on the other side of the cut-off (right).",
        "The score on predicted genes gives an interval for the score on measured genes; a patient is decided if the "
        "whole interval lies on one side of the cut-off, the median of the measured scores "
        "of the fold's training patients. Patients are cross-validated, so the level is no guarantee.",
        f"Decided in one draw: {'; '.join(shares)}.",
        *setting(about),
    ]


def _decided(one: RiskDecisions, level: float) -> str:
    row = one.decided[one.decided["level"] == level].iloc[0]
    return f"{100 * row['share']:.1f}%"


def _best(part: pd.DataFrame) -> str:
    """The best of the routes that do not know the planted risk."""
    rivals = part[part["route"] != "oracle"]
    row = rivals.loc[rivals["c_mean"].idxmax()]
    name = row["name"]
    return f"{name[0].lower()}{name[1:]}, {text.number(row['c_mean'], 3)}"
