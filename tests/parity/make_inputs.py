"""Write the inputs of the parity tests from the bundled cohorts: ``python -m tests.parity.make_inputs``.

R never reads the cohorts themselves: `r/make_references.R` starts from the files that this writes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from sequoia_stats import datasets, shared_genes
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_cohort

HERE = Path(__file__).parent
SCORE_GENES = ["AURKA", "CCNB1", "UBE2C"]  # proliferation; in all three cohorts

BETAS = [
    [0.0, 0.0, 0.0],
    [0.1, -0.5, -0.3],
    [-2.0, 4.0, 3.0],
    [90.0, 10.0, -40.0],
]  # the last spreads eta by 900
# Survival of exactly one half: on a step that ends (A), and on one that does not (B).
HALF = pd.DataFrame(
    {"time": [1.0, 2, 3, 4, 1, 2, 3, 4], "event": [1, 1, 1, 1, 1, 1, 0, 0], "pam50": list("AAAABBBB")}
)


def near_ties(months: np.ndarray) -> dict[str, np.ndarray]:
    """Times that are equal but for rounding, as sums, products and differences of dates leave them."""
    rows = np.arange(months.size)
    days = 30 * months
    computed = [days / 30.4375, days * 12 / 365.25, days / 365.25 * 12]
    sums = [np.cumsum(np.full(int(k), 0.1))[-1] for k in months]
    link = rows % 5  # neighbours in a chain are nearer than the tolerance, its ends are not
    return {
        "near_dates": np.choose(rows % 3, computed),
        "near_sums": np.where(rows % 2, sums, 0.1 * months),
        "near_chain": months + 2e-7 * link + 3e-7 * (link == 4),  # 2.7e-7 is a tie at this mean, 5e-7 is not
        "near_large": 1e9 * months + 200.0 * link,
        "near_tiny": 1e-7 * months + 1.2e-8 * link,
    }


def main() -> None:
    """Write all inputs."""
    tcga, scanb, metabric = datasets.load_tcga_brca(), datasets.load_scanb(), datasets.load_metabric()
    ties = make_cohort(n=80, events=40, genes=30, seed=3, planted={"G1": 1.0, "G2": -0.7}, ties=True)
    near = {name: _at(ties, times) for name, times in near_ties(ties.outcome.time).items()}
    _write_cohorts(tcga, scanb, metabric, ties, near)
    for name, cohort in {"tcga_pfi": tcga, "scanb_os": scanb, "metabric_rfs": metabric, "ties": ties}.items():
        _write("strata", name, _drawn_strata(cohort))
    shared = sorted(shared_genes(tcga, scanb, metabric))
    widest = scanb.expression[shared].var().nlargest(60).index.sort_values()
    _write_glmnet("tcga_292", tcga, shared)
    _write_glmnet("scanb_60", scanb, widest)
    _write_glmnet("ties_30", ties, ties.genes)
    _write_glmnet("near_30", near["near_sums"], ties.genes)
    betas = pd.DataFrame(BETAS, index=[f"b{i + 1}" for i in range(len(BETAS))], columns=["score", "er", "pr"])
    _write("partial_likelihood", "betas", betas)
    _write_log_hazards("ties", ties)
    _write_log_hazards("tcga_pfi", tcga)
    genes = ["ESR1", "ERBB2", "MKI67", "GRB7"]
    for name, cohort in (("tcga", tcga), ("scanb", scanb)):
        _write(
            "rank_transform",
            name,
            cohort.expression.reindex(columns=genes).dropna(axis=1).iloc[:400].round(4),
        )


def _write_cohorts(
    tcga: Cohort, scanb: Cohort, metabric: Cohort, ties: Cohort, near: dict[str, Cohort]
) -> None:
    half_year = _censored_at(tcga, 6.0)
    tables = {
        "tcga_pfi": _table(tcga, SCORE_GENES),
        "scanb_os": _table(scanb, SCORE_GENES),
        "metabric_rfs": _table(metabric, SCORE_GENES),
        "tcga_6_months": _table(half_year, SCORE_GENES),
        "ties": _table(ties, ["G1", "G2"]),
        **{name: _table(cohort, ["G1", "G2"]) for name, cohort in near.items()},
    }
    for name, table in {**tables, **_diverging(tables["ties"])}.items():
        _write("cohorts", name, table)
    _write("cohorts", "half", HALF)


def _drawn_strata(cohort: Cohort) -> pd.DataFrame:
    """Six strata; then three patients without an event in one, a patient who is alone, and two without a stratum."""
    stratum = np.random.default_rng(47).choice(list("abcdef"), cohort.n).astype(object)
    stratum[np.flatnonzero(~cohort.outcome.event)[:3]] = "silent"
    stratum[np.flatnonzero(cohort.outcome.event)[0]] = "alone"
    stratum[-2:] = None
    return pd.DataFrame({"stratum": stratum}, cohort.patients)


def _diverging(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Scores that put the events in order, and a level that is gone before the first event."""
    order = table["score"].rank(ascending=False, method="first")
    silent = table["event"].eq(0) & (table["event"].eq(0).cumsum() <= 6)
    return {
        "in_order": table.assign(time=order, event=1),
        "three_first": table.assign(time=order, event=(order <= 3).astype(int)),
        "early_level": table.assign(
            time=table["time"].mask(silent, 0.1), pam50=table["pam50"].astype(object).mask(silent, "Normal")
        ),
    }


def _table(cohort: Cohort, genes: list[str]) -> pd.DataFrame:
    """Outcome, covariates, and the mean of a few genes to one decimal, so that scores tie."""
    ranks = cohort.expression[genes].rank(pct=True).mean(axis=1)
    return pd.DataFrame(
        {
            "time": cohort.outcome.time,
            "event": cohort.outcome.event.astype(int),
            **{name: cohort.covariates[name] for name in ("pam50", "er", "pr")},
            "score": (10 * ranks).round(1),
        },
        cohort.patients,
    )


def _write_log_hazards(name: str, cohort: Cohort) -> None:
    """What a network may say: small values, some of them tied, values of up to 100 in size, and those alone."""
    drawn = np.random.default_rng(5).normal(size=cohort.n)
    columns = {
        "small": drawn,
        "tied": drawn.round(),
        "large": np.clip(60 * drawn, -100, 100),
        "extreme": np.where(drawn < 0, -100.0, 100.0),
    }
    _write("cox_loss", name, pd.DataFrame(columns, cohort.patients))


def _at(cohort: Cohort, time: np.ndarray) -> Cohort:
    """The cohort with other times."""
    return Cohort(
        cohort.expression, Outcome(time, cohort.outcome.event, "RFS"), cohort.covariates, name=cohort.name
    )


def _censored_at(cohort: Cohort, months: float) -> Cohort:
    """Follow-up cut short, so that a subtype has no event (Normal, in TCGA before 6 months)."""
    outcome = cohort.outcome
    early = Outcome(
        np.minimum(outcome.time, months), outcome.event & (outcome.time <= months), outcome.endpoint
    )
    return Cohort(cohort.expression, early, cohort.covariates, name=cohort.name)


def _write_glmnet(name: str, cohort: Cohort, genes: list[str] | pd.Index) -> None:
    expression = cohort.expression[list(genes)].dropna(axis=1)
    ranks = pd.DataFrame(rankdata(expression, axis=0), expression.index, expression.columns)
    _write("glmnet_path", f"{name}_ranks", ranks)
    outcome = pd.DataFrame(
        {"time": cohort.outcome.time, "event": cohort.outcome.event.astype(int)}, cohort.patients
    )
    _write("glmnet_path", f"{name}_outcome", outcome)
    order = np.lexsort(
        (np.random.default_rng(11).random(cohort.n), cohort.outcome.event)
    )  # events spread evenly
    folds = pd.Series(np.arange(cohort.n) % 5 + 1, index=cohort.patients[order]).reindex(cohort.patients)
    _write("glmnet_cv", f"{name}_foldid", folds.to_frame("foldid"))


def _write(method: str, name: str, table: pd.DataFrame) -> None:
    folder = HERE / method / "inputs"
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(
        folder / f"{name}.tsv",
        sep="\t",
        na_rep="NA",
        float_format="%.17g",
        index_label="id",
        lineterminator="\n",
    )


if __name__ == "__main__":
    main()
