"""Captions of the figures. Each function returns sentences; every number in them comes from a result."""

from __future__ import annotations

import pandas as pd

from sequoia_stats.errors import counted
from sequoia_stats.plots import text
from sequoia_stats.signature import Signature, Validation


def kaplan_meier(validation: Validation, signature: Signature) -> list[str]:
    """Caption of the curves of one cohort."""
    frozen, median = (validation.cuts[rule] for rule in ("frozen", "median"))
    ratio = validation.unadjusted
    return [
        f"{validation.cohort}, {text.endpoint_name(validation.endpoint)}: Kaplan-Meier curves of the groups that "
        f"the {_size(signature)} signature calls low and high risk.",
        f"{_patients(validation.n, validation.n_events, validation.note)}.",
        *_cohort_role(validation),
        f"Cut at the {_CUTS[validation.cut]}. Bands: 95% log-log intervals; ticks: censored patients.",
        f"Log-rank at the frozen cut-off {text.p_statement(frozen.logrank_p)} "
        f"({frozen.n_high} high, {frozen.n_low} low), "
        f"at the cohort's median {text.p_statement(median.logrank_p)} "
        f"({median.n_high} high, {median.n_low} low).",
        f"Hazard ratio per SD of the score {text.estimate(ratio.hr, ratio.low, ratio.high)}, Wald "
        f"{text.p_statement(ratio.p)}; Harrell's C "
        f"{text.estimate(validation.c_index, validation.c_low, validation.c_high)}.",
        f"Unadjusted model: {ratio.note}." if ratio.note else "",
        _genes_lost(validation),
        *training(signature),
    ]


def forest(validations: list[dict], signature: Signature) -> list[str]:
    """Caption of the forest plot, from the contents of the validation files."""
    parts = [
        f"{v['cohort']}, {text.endpoint_name(v['endpoint'])}: {_patients(v['n'], v['events'], v['note'])}"
        for v in validations
    ]
    missing = [
        f"{counted(v['adjusted']['n_missing'], 'patient')} of {v['cohort']}"
        for v in validations
        if v["adjusted"] and v["adjusted"]["n_missing"]
    ]
    notes = [
        f"{v['cohort']}, {name}: {v[name]['note']}."
        for v in validations
        for name in ("unadjusted", "adjusted")
        if v.get(name) and v[name]["note"]
    ]
    apparent = [v["cohort"] for v in validations if v["is_training_cohort"]]
    return [
        f"Hazard ratios per standard deviation of the risk score of the {_size(signature)} signature, with "
        "95% Wald intervals, from Cox models with Efron's ties.",
        *(f"{part}." for part in parts),
        "The endpoints differ between the cohorts.",
        f"The adjusted models leave out patients with a missing covariate: {', '.join(missing)}."
        if missing else "",
        *notes,
        f"{', '.join(apparent)} is the training cohort: its performance is apparent." if apparent else "",
        "The signature is a null model: hazard ratio 1 by definition, without an interval."
        if signature.is_null else "",
        *training(signature),
    ]  # fmt: skip


def cv_curve(curve: pd.DataFrame, signature: Signature) -> list[str]:
    """Caption of the cross-validation curve."""
    cv = signature.selection["cross_validation"]
    return [
        f"Cross-validated partial-likelihood deviance per event along the path of {len(curve)} penalties "
        f"(lambda_min_ratio {signature.selection['lambda_min_ratio']}), mean of "
        f"{counted(cv['repeats'], 'draw')} of {cv['n_folds']} folds; bars: one standard error, averaged "
        "over the draws. Above: genes of the model on all patients. Only the part in which the mean lies "
        "within two standard errors of the minimum is drawn.",
        f"lambda.min {cv['lambda_min']:.3g}, lambda.1se {cv['lambda_1se']:.3g}.",
        "The minimum lies at the end of the path." if cv["at_path_end"] else "",
        *training(signature),
    ]


def coefficients(signature: Signature) -> list[str]:
    """Caption of the coefficients."""
    scale = {"rank": "rank-normalised", "zscore": "standardised", "log2": "log2", "none": "untransformed"}
    return [
        f"Coefficients of the {_size(signature)} signature: log hazard ratios per unit of "
        f"{scale[signature.transform.name]} expression. Orange: higher expression, higher risk; blue: lower.",
        "No gene was chosen." if signature.is_null else "",
        *training(signature),
    ]


def training(signature: Signature) -> list[str]:
    """How and on which cohort the signature was trained, how often no gene was chosen, and what cannot be claimed."""
    cohort, selection = signature.training, signature.selection
    cv = selection["cross_validation"]
    return [
        f"Signature: {'LASSO' if selection['alpha'] == 1 else 'elastic net'} Cox regression on "
        f"{cohort['cohort']}, {text.endpoint_name(signature.endpoint)} "
        f"({_patients(cohort['n'], cohort['n_events'], cohort['note'])}); "
        f"{cohort['n_candidates']} candidate genes, lambda.{selection['rule']} of {cv['repeats']} × "
        f"{cv['n_folds']}-fold cross-validation, lambda_min_ratio {selection['lambda_min_ratio']}.",
        f"In {cv['null_draws']} of the {counted(cv['repeats'], 'fold draw')} lambda.min chose no gene.",
        "The cohorts are subsets of those in the paper, so its genes and hazard ratios are not reproduced.",
    ]


def _patients(n: int, n_events: int, note: str) -> str:
    counts = f"{counted(n, 'patient')}, {counted(n_events, 'event')}"
    return f"{counts}; {note}" if note else counts


_CUTS = {"frozen": "frozen cut-off, the training median", "median": "median of the cohort"}


def _size(signature: Signature) -> str:
    return f"{len(signature.genes)}-gene"


def _cohort_role(validation: Validation) -> list[str]:
    if validation.is_training_cohort:
        return ["This is the cohort that the signature was trained on: performance is apparent."]
    if validation.endpoint != validation.signature_endpoint:
        return [f"The signature was trained for a different endpoint, {validation.signature_endpoint}."]
    return []


def _genes_lost(validation: Validation) -> str:
    if not validation.genes_missing:
        return ""
    return (
        f"{counted(len(validation.genes_missing), 'gene')} of the signature missing, with "
        f"{100 * validation.weight_lost:.1f}% of its weight."
    )
