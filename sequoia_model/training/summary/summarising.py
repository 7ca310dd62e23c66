"""What a cross-validation has shown: networks beside baselines and untrained networks, with and without optimism."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import check_limits, whole
from sequoia_model.errors import InputError, counted, listing, part
from sequoia_model.training.scores import (
    FEWEST,
    Doubles,
    constant_genes,
    explained,
    fisher_means,
    gene_correlations,
    patient_means,
    slide_correlations,
    squared_errors,
)
from sequoia_model.training.summary._comparison import (
    FEWEST_PATIENTS,
    TestPart,
    difference_in_error,
    difference_in_r,
)
from sequoia_model.training.summary._result import Summary

#: What genes may be ranked on, apart from the test part.
RANKED_ON = ("validation", "training")
#: Fewest genes that are called the best, if these are a tenth.
_FEWEST_BEST = 10


@dataclass(eq=False)
class CrossValidated:
    """Predictions of the test parts of all folds, by several methods.

    Parameters
    ----------
    slides : sequence of length n
        Name of each slide.
    patients : array of shape (n,)
        Patient of each slide.
    folds : array of shape (n,), int
        The fold that tested the slide.
    genes : sequence of length g
        Names of the genes.
    measured : array of shape (n, g)
        Measured expression, without missing values.
    predicted : mapping of str to array of shape (n, g)
        By method: "network" and "mean" (the training mean of the fold), and any of "ridge", "knn", "untrained",
        "untrained_1", …
    ranking : mapping of str to array of shape (folds, g)
        By method: r of every gene on patients outside the test part of the fold; a row for each fold in
        ascending order. A method without it, or for which it is 0 for all genes of a fold, has no ranking there.
    ranked_on : {"validation", "training"}, or one for each fold
        Where these patients come from.
    n_ranked_by : sequence of int, optional
        Number of these patients in each fold.
    chosen : str
        What the baselines have chosen, in words.
    notes : tuple of str
        What the fits had to say, such as `Ridge.note` with its fold.

    Raises
    ------
    InputError
        If shapes do not fit together, a method is missing, or a value is missing or infinite.
    """

    slides: tuple[str, ...]
    patients: NDArray[np.object_]
    folds: NDArray[np.integer]
    genes: tuple[str, ...]
    measured: NDArray[np.floating]
    predicted: Mapping[str, NDArray[np.floating]]
    ranking: Mapping[str, NDArray[np.floating]]
    ranked_on: str | tuple[str, ...]
    n_ranked_by: tuple[int, ...] | None = None
    chosen: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.patients, self.folds = np.asarray(self.patients), np.asarray(self.folds)
        shape = (len(self.slides), len(self.genes))
        if 0 in shape:
            raise InputError(f"there is nothing to summarise: {shape[0]} slides and {shape[1]} genes")
        if lost := [name for name in ("network", "mean") if name not in self.predicted]:
            raise InputError(
                f"there are no predictions of {' and '.join(lost)}", where=listing(self.predicted)
            )
        _check("patients", self.patients, shape[:1])
        _check("folds", self.folds, shape[:1])
        folds = [f"fold {fold}" for fold in self.fold_numbers]
        if isinstance(self.ranked_on, str):
            self.ranked_on = (self.ranked_on,) * len(folds)
        for one in self.ranked_on:
            if one not in RANKED_ON:
                raise InputError(f"{one!r} is not a valid ranked_on", fix=f"use {', '.join(RANKED_ON)}")
        _check("ranked_on", np.asarray(self.ranked_on), (len(folds),))
        if self.n_ranked_by is not None:
            _check("n_ranked_by", np.asarray(self.n_ranked_by), (len(folds),))
        for what, values in (("measured", self.measured), *self.predicted.items()):
            _check(what, values, shape)
            _refuse_gaps(what, values, self.slides, self.genes)
        for what, values in self.ranking.items():
            _check(f"ranking of {what}", values, (len(folds), shape[1]))
            _refuse_gaps(f"ranking of {what}", values, folds, self.genes)

    @property
    def fold_numbers(self) -> tuple[int, ...]:
        """The folds that tested a slide, ascending."""
        return tuple(np.unique(self.folds).tolist())

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods: the network, other baselines, the training mean, untrained networks."""
        order = ("network", "ridge", "knn", "mean")
        rest = [name for name in self.predicted if name not in order]
        return (*(name for name in order if name in self.predicted), *rest)


def _check(what: str, values: NDArray, shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise InputError(f"the shape must be {shape}, but is {values.shape}", where=what)


def _refuse_gaps(what: str, values: NDArray, rows: Sequence[str], genes: Sequence[str]) -> None:
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        gene = int(np.flatnonzero(~np.isfinite(values[bad[0]]))[0])
        where = f"{what}: {rows[bad[0]]}, gene {genes[gene]}"
        raise InputError("a value is missing or infinite", where=where)


def summarise(results: CrossValidated, *, top: int = 1000, seed: int = 0) -> Summary:
    """Score all methods side by side, and compare each with the network.

    Parameters
    ----------
    results : CrossValidated
        Predictions of the test parts.
    top : int
        Number of best genes that are reported by themselves. If no more genes vary, it becomes a tenth of them, and
        at least 10: of all genes none is chosen, so that no optimism could be measured.
    seed : int
        Random seed of the intervals, 0 or more.

    Returns
    -------
    Summary

    Raises
    ------
    InputError
        If an argument is not valid.

    Notes
    -----
    Genes that are constant over all slides have no correlation; they are counted and left out of every number.

    "Within folds": r in each fold of at least 4 slides, averaged on Fisher's scale with weights n - 3. The best
    genes of each fold are ranked by r on its test part (the usual way), or on patients outside it; in both cases they
    are judged by the r of the test part, averaged over folds by their number of slides. The difference, over the
    folds that have a ranking, is the optimism. "Pooled" ranks and judges by r over the slides of all folds, as is
    usually reported.

    The comparison with the network is paired over genes: in each fold those that are among the best of either method,
    ranked outside the test part; all genes if neither has a ranking. r is compared within folds. The training mean has
    no r within a fold, and is compared by squared error. The interval is the bootstrap percentile interval of the
    difference: patients are drawn within folds, since genes are no independent witnesses. Folds that tested fewer than
    5 patients are left out of difference and interval; if all did, there is no interval.
    """
    check_limits({"top": top, "seed": seed}, {"top": whole(1), "seed": whole(0)})
    varying = ~constant_genes(results.measured)
    if not varying.any():
        raise InputError("every gene has the same value in all slides, so nothing can be compared")
    setting = _Setting(results, np.flatnonzero(varying), _number_of_best(top, int(varying.sum())))
    genes = pd.DataFrame({"gene": results.genes, "constant": ~varying})
    methods, folds = [], []
    for method in results.methods:
        found = _scores(setting, method)
        for name, values in found.by_gene.items():
            genes[f"{name}_{method}"] = values
        methods.append({"method": method, **found.overall})
        folds += [{"method": method, **row} for row in found.by_fold]
    comparisons = [_compare(setting, method, seed) for method in results.methods[1:] if setting.usable]
    return Summary(
        n_slides=len(results.slides),
        n_patients=len(set(results.patients.tolist())),
        n_genes=len(results.genes),
        n_constant=int((~varying).sum()),
        top=setting.top,
        ranked_on=results.ranked_on[0] if len(set(results.ranked_on)) == 1 else "both",
        n_ranked_by=None if results.n_ranked_by is None else min(results.n_ranked_by),
        methods=pd.DataFrame(methods),
        folds=pd.DataFrame(folds),
        comparisons=pd.DataFrame(comparisons, columns=Summary.COMPARISONS),
        genes=genes,
        chosen=results.chosen,
        notes=(*_notes(setting, top), *results.notes),
    )


def _number_of_best(top: int, varying: int) -> int:
    """How many genes are the best: as many as asked for, if that leaves others, or else a tenth."""
    return top if top < varying else min(varying, max(_FEWEST_BEST, varying // 10))


class _Setting:
    """What the scores of all methods share."""

    def __init__(self, results: CrossValidated, varying: NDArray[np.intp], top: int) -> None:
        self.results, self.varying, self.top = results, varying, top
        self.codes = np.unique(results.patients.astype(str), return_inverse=True)[1].ravel()
        self.rows = {fold: np.flatnonzero(results.folds == fold) for fold in results.fold_numbers}
        self.usable = [fold for fold, rows in self.rows.items() if len(rows) >= FEWEST]
        self.n_patients = {fold: len(set(self.codes[rows])) for fold, rows in self.rows.items()}
        enough = [fold for fold in self.usable if self.n_patients[fold] >= FEWEST_PATIENTS]
        self.compared = enough or self.usable
        self.sizes = np.array([len(self.rows[fold]) for fold in self.usable])
        null = results.predicted["mean"]
        self.mse_of_mean = squared_errors(results.measured, null)
        self.mse_of_mean_in = {
            fold: squared_errors(results.measured, null, rows) for fold, rows in self.rows.items()
        }
        n = self.codes.max() + 1
        self.several = n < len(self.codes)
        self.by_patient = (
            patient_means(results.measured, self.codes) if self.several and n >= FEWEST else None
        )

    def ranking(self, method: str, fold: int) -> Doubles | None:
        """R on patients outside the test part, of the genes that vary; None if there is none in this fold."""
        ranking = self.results.ranking.get(method)
        if ranking is None:
            return None
        r = ranking[self.results.fold_numbers.index(fold), self.varying]
        return r if r.any() else None

    def best(self, r: Doubles) -> NDArray[np.intp]:
        """Positions of the best genes, of those that vary; ties keep the order of the genes."""
        return np.argsort(-r, kind="stable")[: self.top]


@dataclass(frozen=True, eq=False)
class _Scores:
    by_gene: dict[str, Doubles]
    overall: dict[str, float]
    by_fold: list[dict[str, Any]]


def _scores(setting: _Setting, method: str) -> _Scores:
    """All scores of one method."""
    results, some = setting.results, setting.varying
    measured, predicted = results.measured, results.predicted[method]
    pooled = gene_correlations(measured, predicted)
    in_fold = {fold: gene_correlations(measured, predicted, setting.rows[fold]) for fold in setting.usable}
    absent = np.full(len(results.genes), np.nan)
    within = fisher_means([*in_fold.values()], setting.sizes - 3) if in_fold else absent
    if setting.by_patient is not None:
        patients = gene_correlations(setting.by_patient, patient_means(predicted, setting.codes))
    else:
        patients = absent if setting.several or len(results.slides) < FEWEST else pooled
    mse = squared_errors(measured, predicted)
    r2 = explained(mse, setting.mse_of_mean)
    rows, by_fold = [], []
    for fold, slides in setting.rows.items():
        error = squared_errors(measured, predicted, slides)[some]
        row = {
            "fold": fold,
            "n_slides": len(slides),
            "n_patients": setting.n_patients[fold],
            "ranked_on": "",
            "r_median": np.nan,
            "r_positive": np.nan,
            "top_usual": np.nan,
            "top_honest": np.nan,
            "shared": np.nan,
            "mse": float(error.mean()),
            "r2_median": _median(explained(error, setting.mse_of_mean_in[fold][some])),
        }
        if fold in in_fold:
            r, ranking = in_fold[fold][some], setting.ranking(method, fold)
            row |= {"r_median": _median(r), "r_positive": float((r > 0).mean())}
            usual = setting.best(r)
            row["top_usual"] = float(r[usual].mean())
            if ranking is not None:
                chosen = setting.best(ranking)
                row["ranked_on"] = results.ranked_on[results.fold_numbers.index(fold)]
                row["top_honest"] = float(r[chosen].mean())
                row["shared"] = len(np.intersect1d(usual, chosen))
            rows.append(row)
        by_fold.append(row)
    ranked = [row for row in rows if row["ranked_on"]]
    honest = _over_folds(ranked, "top_honest")
    centred = slide_correlations(measured, predicted, centre=results.predicted["mean"], genes=some)
    overall = {
        **_distribution("r_pooled", pooled[some]),
        **_distribution("r_folds", within[some]),
        **_distribution("r_patients", patients[some]),
        "r_slides_median": _median(slide_correlations(measured, predicted, genes=some)),
        "r_slides_centred_median": _median(centred),
        "mse": float(mse[some].mean()),
        "rmse_median": _median(np.sqrt(mse[some])),
        "r2_median": _median(r2[some]),
        "r2_positive": float((r2[some] > 0).mean()),
        "top_pooled": float(np.sort(pooled[some])[::-1][: setting.top].mean()),
        "top_usual": _over_folds(rows, "top_usual"),
        "top_honest": honest,
        "optimism": _over_folds(ranked, "top_usual") - honest,
    }
    by_gene = {"r_pooled": pooled, "r_folds": within, "r_patients": patients, "mse": mse, "r2": r2}
    return _Scores(by_gene, overall, by_fold)


def _over_folds(rows: Sequence[Mapping[str, Any]], name: str) -> float:
    """The mean of a score over folds, by their number of slides."""
    sizes = [row["n_slides"] for row in rows]
    return float(np.average([row[name] for row in rows], weights=sizes)) if rows else np.nan


def _compare(setting: _Setting, method: str, seed: int) -> dict[str, object]:
    """The network against one other method."""
    results, parts, chosen = setting.results, [], set()
    for fold in setting.compared:
        rankings = [setting.ranking(name, fold) for name in ("network", method)]
        best = [setting.best(ranking) for ranking in rankings if ranking is not None]
        genes = setting.varying[np.unique(np.concatenate(best))] if best else setting.varying
        chosen.add("best" if len(genes) < len(setting.varying) else "all")
        rows = setting.rows[fold]
        cut = np.ix_(rows, genes)
        codes = np.unique(setting.codes[rows], return_inverse=True)[1].ravel()
        parts.append(
            TestPart(
                results.measured[cut],
                results.predicted["network"][cut],
                results.predicted[method][cut],
                codes,
            )
        )
    score = "squared error" if method == "mean" else "r"
    found = (difference_in_error if method == "mean" else difference_in_r)(parts, seed)
    return {
        "method": method,
        "score": score,
        "genes": chosen.pop() if len(chosen) == 1 else "both",
        "n_genes": found.n,
        "network": found.first,
        "other": found.second,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "behind": found.behind,
    }


def _notes(setting: _Setting, top: int) -> Iterable[str]:
    """What could not be computed, and what limits the numbers."""
    results = setting.results
    n, n_genes, varying = len(results.slides), len(results.genes), len(setting.varying)
    if varying < n_genes:
        yield (
            f"{part(n_genes - varying, n_genes, 'gene', 'have')} the same value in all slides, thus no correlation, "
            "and are left out"
        )
    for fold in setting.usable:
        still = int(constant_genes(results.measured[setting.rows[fold]])[setting.varying].sum())
        if still:
            yield f"{counted(still, 'gene is', 'genes are')} constant in fold {fold}, where their r counts as 0"
    if setting.top >= varying:
        yield (
            f"there are only {counted(varying, 'gene')} that vary, so all of them are among the best {setting.top:,}, "
            "and there is no optimism to measure"
        )
    elif setting.top < top:
        yield (
            f"there are only {counted(varying, 'gene')} that vary, so the best ones are {setting.top:,} of them, "
            f"instead of {top:,}"
        )
    small = [fold for fold in setting.rows if fold not in setting.usable]
    if small:
        yield (
            f"{part(len(small), len(setting.rows), 'fold', 'have')} fewer than {FEWEST} test slides and no r "
            f"within folds: {listing(small)}"
        )
    if not setting.usable:
        yield "without r within folds, no method can be called better than another"
    alone = [fold for fold in setting.usable if setting.n_patients[fold] == 1]
    if alone:
        which = "fold" if len(alone) == 1 else "folds"
        yield (
            f"{which} {listing(alone)} tested a single patient: r compares pieces of the same patient, and says "
            "nothing about other patients"
        )
    few = [fold for fold in setting.usable if setting.n_patients[fold] < FEWEST_PATIENTS]
    if few:
        which = "fold" if len(few) == 1 else "folds"
        what = f"tested fewer than {FEWEST_PATIENTS} patients"
        if len(few) == len(setting.usable):
            yield f"there is no interval of the differences: {which} {listing(few)} {what}"
        else:
            yield f"methods are compared without {which} {listing(few)}, which {what}: too few for an interval"
    total = int(setting.codes.max()) + 1
    if setting.several and total < FEWEST:
        yield f"there is no r of patients: there {'is' if total == 1 else 'are'} {counted(total, 'patient')}"
    elif total == n:
        yield "every patient has one slide, so r of patients is r of slides"
    unranked = [fold for fold in setting.usable if setting.ranking("network", fold) is None]
    if unranked and len(unranked) == len(setting.usable):
        yield "the network has no ranking of genes outside the test parts, so its optimism is not known"
    elif unranked:
        which = "fold" if len(unranked) == 1 else "folds"
        yield (
            f"the network has no ranking of genes outside the test part of {which} {listing(unranked)}, so its "
            "optimism is that of the other folds"
        )


def _distribution(name: str, values: Doubles) -> dict[str, float]:
    """Median, quartiles, and the share above 0."""
    if np.isnan(values).all():
        return {f"{name}_{what}": np.nan for what in ("median", "q1", "q3", "positive")}
    low, middle, high = (float(value) for value in np.quantile(values, [0.25, 0.5, 0.75]))
    return {
        f"{name}_median": middle,
        f"{name}_q1": low,
        f"{name}_q3": high,
        f"{name}_positive": float((values > 0).mean()),
    }


def _median(values: Doubles) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else np.nan
