"""The summary of a cross-validation, in numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd

from sequoia_base.results import Result
from sequoia_model.errors import counted, listing
from sequoia_model.training.pages import markdown_table

#: How texts call the methods.
_NAMES = {
    "network": "the network",
    "ridge": "ridge regression",
    "knn": "nearest neighbours",
    "mean": "the training mean",
}
#: Patients in every fold by whom genes are ranked well enough that what is lost is due to the choice.
_ENOUGH_TO_RANK = 30
_TITLES = {"network": "network", "ridge": "ridge", "knn": "kNN", "mean": "training mean"}


@dataclass(frozen=True, eq=False)
class Summary(Result):
    """Scores of all methods side by side.

    Parameters
    ----------
    n_slides, n_patients, n_genes : int
        Number of tested slides and their patients, and of genes.
    n_constant : int
        Genes with the same value in all slides, which are left out.
    top : int
        Number of best genes.
    ranked_on : {"validation", "training", "both"}
        Patients outside the test part on whom genes were ranked; both: one in some folds, the other in others.
    n_ranked_by : int, optional
        Number of these patients in the fold that has the fewest.
    methods : DataFrame
        A row per method. ``method``; ``r_pooled_median, _q1, _q3, _positive`` (r over all slides; share of genes
        above 0); ``r_folds_…`` (r within folds) and ``r_patients_…`` (means of the slides of a patient) in the same
        way; ``r_slides_median`` (r over genes within a slide), ``r_slides_centred_median`` (the same after the
        training mean is taken from both); ``mse`` (mean over genes), ``rmse_median``, ``r2_median, r2_positive``
        (R² against the training mean); ``top_pooled``, ``top_usual``, ``top_honest``: mean r of the best genes by
        pooled r, ranked on the test parts, and ranked outside them; ``optimism``: how
        far the second is above the third, in the folds that have a ranking.
    folds : DataFrame
        A row per method and fold: ``method, fold, n_slides, n_patients, ranked_on`` ("" if the method has no ranking
        there), ``r_median, r_positive, top_usual, top_honest, shared`` (genes in both selections), ``mse, r2_median``.
    comparisons : DataFrame
        A row per method other than the network: ``method, score`` ("r", or "squared error" for the training mean),
        ``genes`` ("best": the best of either method, ranked outside the test part; "all"; or "both", if folds differ),
        ``n_genes, network, other`` (their mean r), ``difference`` (above 0 if the network is better: of r, or the
        median share of squared error that the network saves), ``low, high`` (95% interval over patients), ``behind``
        (share of genes for which the other method is better). Empty if no fold has enough slides.
    genes : DataFrame
        A row per gene: ``gene, constant``, and for each method ``r_pooled_…, r_folds_…, r_patients_…, mse_…, r2_…``.
    chosen : str
        What the baselines have chosen, in words.
    notes : tuple of str
        What could not be computed, and what limits the numbers.
    """

    COMPARISONS: ClassVar[tuple[str, ...]] = (
        *("method", "score", "genes", "n_genes", "network", "other", "difference", "low", "high", "behind"),
    )

    n_slides: int
    n_patients: int
    n_genes: int
    n_constant: int
    top: int
    ranked_on: str
    n_ranked_by: int | None
    methods: pd.DataFrame
    folds: pd.DataFrame
    comparisons: pd.DataFrame
    genes: pd.DataFrame = field(metadata={"show": False})
    chosen: str
    notes: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """Whether the network is the best of the methods, in words that name every method ahead of it."""
        alone = bool((self.folds["n_patients"] == 1).all())
        words = "Every fold tested a single patient, so this says nothing about other patients."
        return " ".join([*_verdict(self.comparisons, self.ranked_by), *[words] * alone])

    @property
    def ranked_by(self) -> str:
        """The patients on whom genes were ranked, as an adjective."""
        return "validation or training" if self.ranked_on == "both" else self.ranked_on

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values, ready for JSON, with the verdict in words."""
        return {"verdict": self.verdict, **super().to_dict()}

    def to_frame(self) -> pd.DataFrame:
        """The row of each method."""
        return self.methods

    def to_markdown(self) -> str:
        """The page ``summary.md``."""
        return "\n".join(_page(self)) + "\n"

    def __str__(self) -> str:
        return self.verdict


def _verdict(comparisons: pd.DataFrame, ranked_by: str) -> Iterator[str]:
    """The first sentence names what is ahead of the network; if nothing is, it says so."""
    rows = _records(comparisons)
    if not rows:
        yield "No method can be called better than another: no fold has enough slides for a correlation within it."
        return
    ahead = sorted((row for row in rows if row["difference"] < 0), key=lambda row: row["difference"])
    by_r = [row for row in ahead if row["score"] == "r"]
    sentences: list[str] = []
    for sure in (True, False):
        some = [row for row in by_r if (row["high"] < 0) == sure]
        if some:
            several = len(some) > 1 or some[0]["method"] == "knn"
            verb = ("predict" if sure else "are") if several else ("predicts" if sure else "is")
            how = "better than" if sure else "ahead of"
            of = f" of {_methods(some[:1])}" * (len(some) > 1)
            sentences.append(f"{_methods(some)} {verb} {how} the network: {_r_in_words(some[0], of)}")
    for row in ahead:
        if row["score"] != "r":  # the median over genes is below 0, so it is ahead for most of them
            also = "also " * bool(by_r)
            share = f"{row['behind']:.0%} of the genes{_chance(row)}"
            sentences.append(
                f"the training mean {also}has a smaller squared error than the network for {share}"
            )
    if sentences:
        yield _sentence("; ".join(sentences))
    behind = [row for row in rows if row not in ahead]
    verbs: dict[str, list[dict[str, Any]]] = {"predicts better than": [], "is ahead of": []}
    for row in behind:
        verbs["predicts better than" if row["low"] > 0 else "is ahead of"].append(row)
    if behind:
        leads = [f"{verb} {_methods(some)}" for verb, some in verbs.items() if some]
        yield _sentence(f"the network {', and '.join(leads)}")
    doubtful = [row for row in behind if row["low"] <= 0 <= row["high"]]
    if doubtful:
        yield _sentence(
            f"other patients could turn this round for {_methods(doubtful)}: the 95% interval includes 0"
        )
    kinds = {row["genes"] for row in rows}
    best = f"the same genes, those that are among the best of either on {ranked_by} patients"
    which = {"all": "all genes", "best": best}.get("".join(kinds), f"{best}, or all without a ranking")
    mean = "; the training mean, by squared error" * any(row["score"] != "r" for row in rows)
    yield f"Methods are compared on {which}, by r within folds{mean}."


def _r_in_words(row: Mapping[str, Any], of: str) -> str:
    return f"mean r{of} {row['other']:.2f} against {row['network']:.2f}{_chance(row)}"


def _chance(row: Mapping[str, Any]) -> str:
    """The interval of the difference, as seen from the method that is ahead."""
    if math.isnan(row["low"]):
        return " (without an interval)"
    if row["score"] != "r":
        return " (other patients could turn this round)" if row["high"] >= 0 else ""
    interval = f"difference {-row['difference']:.3f}, 95% interval {-row['high']:.3f} to {-row['low']:.3f}"
    return f" ({interval}{', so that other patients could turn this round' if row['high'] >= 0 else ''})"


def _page(summary: Summary) -> Iterator[str]:
    methods = _one_null(summary.methods.set_index("method"))
    patients = f"{counted(summary.n_slides, 'slide')} of {counted(summary.n_patients, 'patient')}"
    n_folds = summary.folds["fold"].nunique()
    yield "# Summary"
    yield ""
    yield summary.verdict
    yield ""
    yield (
        f"Every number is about {patients} in the test parts of {counted(n_folds, 'fold')}, predicted by methods that "
        f"did not see them, and {counted(summary.n_genes - summary.n_constant, 'gene')}."
    )
    yield ""
    yield "## All methods on the same folds"
    yield ""
    yield from markdown_table(["", *map(_title, methods.index)], _score_rows(summary, methods))
    yield ""
    yield (
        "Within folds: r in each fold, averaged. Pooled r also measures differences between folds, which the training "
        "mean of each fold shows alone. Within slides, r is over genes: it is high because some genes are high in "
        "every slide, so the training mean is also taken away. R² is 1 - MSE / MSE of the training mean: below 0 is "
        "worse than knowing nothing of the slide. The training mean is the null for errors; an untrained network is "
        "the null for r, and its errors mean nothing."
    )
    if summary.chosen:
        yield ""
        yield summary.chosen
    yield ""
    yield "## Optimism"
    yield ""
    yield _optimism(summary, methods)
    yield ""
    if len(summary.comparisons):
        yield "## The network against each of the others"
        yield ""
        head = ["", "score", "genes", "network", "other", "difference", "95% interval", "other better"]
        yield from markdown_table(head, [_comparison_row(row) for row in _records(summary.comparisons)])
        yield ""
        yield (
            "A difference above 0 is in favour of the network: of mean r within folds, or, against the training mean, "
            "the median share of its squared error that the network saves. Genes count once in each fold. Intervals "
            "come from drawing patients with replacement within folds, since genes are no independent witnesses."
        )
        yield ""
    yield "## Folds of the network"
    yield ""
    yield from markdown_table(
        ["fold", "slides", "patients", "median r", "ranked on test", f"ranked on {summary.ranked_by}", "R²"],
        [_fold_row(row) for row in _records(summary.folds[summary.folds["method"] == "network"])],
    )
    if summary.notes:
        yield ""
        yield "## What limits these numbers"
        yield ""
        for note in summary.notes:
            yield f"- {_sentence(note)}"


def _one_null(methods: pd.DataFrame) -> pd.DataFrame:
    """The untrained networks as one row, the mean of all."""
    null = [name for name in methods.index if name.startswith("untrained")]
    if len(null) < 2:
        return methods
    mean = methods.loc[null].mean().to_frame(f"untrained, mean of {len(null)}").T
    return pd.concat([methods.drop(index=null), mean])


def _score_rows(summary: Summary, methods: pd.DataFrame) -> Iterator[list[str]]:
    best = f"best {summary.top:,} genes"
    for title, name in (
        ("pooled r", "r_pooled"),
        ("r within folds", "r_folds"),
        ("r of patients", "r_patients"),
    ):
        cells = [
            f"{_number(row[f'{name}_median'])} ({_number(row[f'{name}_q1'])} to {_number(row[f'{name}_q3'])})"
            if not math.isnan(row[f"{name}_median"])
            else "–"
            for _, row in methods.iterrows()
        ]
        yield [f"{title}, median (quartiles)", *cells]
        if name != "r_patients":
            yield [f"{title}, genes above 0", *(_share(value) for value in methods[f"{name}_positive"])]
    for title, name, show in (
        ("r within slides, median", "r_slides_median", _number),
        ("r within slides, training mean taken away", "r_slides_centred_median", _number),
        ("MSE, mean over genes", "mse", _error),
        ("R², median", "r2_median", _error),
        ("genes with R² above 0", "r2_positive", _share),
        (f"{best}: pooled r, as usually reported", "top_pooled", _number),
        (f"{best}: r within folds, ranked on the test parts", "top_usual", _number),
        (f"{best}: r within folds, ranked on {summary.ranked_by} patients", "top_honest", _number),
        ("optimism: the difference of the two", "optimism", _number),
    ):
        yield [title, *(show(value) for value in methods[name])]


def _optimism(summary: Summary, methods: pd.DataFrame) -> str:
    row, words = methods.loc["network"], []
    if math.isnan(row["optimism"]):
        return "It could not be computed; the reason is below."
    if summary.top >= summary.n_genes - summary.n_constant:
        return "All genes are among the best, so none were chosen, and there is no optimism to measure."
    words.append(
        f"The best {summary.top:,} genes of the network have a mean r of {row['top_usual']:.2f} if they are chosen on "
        f"the same test patients on whom they are judged, and of {row['top_honest']:.2f} if they are chosen on "
        f"{summary.ranked_by} patients. {_why(summary, float(row['optimism']))}"
    )
    for _, null in methods[[name.startswith("untrained") for name in methods.index]].iterrows():
        words.append(
            f"An untrained network, which has learnt nothing, reaches {_number(null['top_usual'])} in the first way "
            f"and {_number(null['top_honest'])} in the second."
        )
    words += _on_training(summary)
    return " ".join(words)


def _why(summary: Summary, optimism: float) -> str:
    """What the difference of the two rankings comes from: few patients rank poorly, which looks like optimism."""
    difference, n = f"The difference, {_number(optimism)},", summary.n_ranked_by
    if summary.ranked_on == "validation" and n is not None and n >= _ENOUGH_TO_RANK:
        return f"{difference} is due to the choice and not to the network."
    few = "" if n is None or n >= _ENOUGH_TO_RANK else f": {n} in the smallest fold"
    return f"{difference} is due to the choice, or to a poorer ranking by the other patients{few}."


def _on_training(summary: Summary) -> Iterator[str]:
    """How genes were ranked in folds without enough validation slides."""
    rows = summary.folds[(summary.folds["method"] == "network") & (summary.folds["ranked_on"] != "")]
    folds = rows.loc[rows["ranked_on"] == "training", "fold"].tolist()
    if not folds:
        return
    which = (
        "" if len(folds) == len(rows) else f" in {'fold' if len(folds) == 1 else 'folds'} {listing(folds)}"
    )
    yield (
        f"There are not enough validation slides{which}, so genes were ranked on training slides: those of ridge "
        "regression and nearest neighbours by predictions without the patient, those of the network by slides that "
        "it learnt from, where r is too high for all genes, and the ranking a poorer one."
    )


def _comparison_row(row: Mapping[str, Any]) -> list[str]:
    interval = "–" if math.isnan(row["low"]) else f"{_difference(row['low'])} to {_difference(row['high'])}"
    cells = [_title(row["method"]), row["score"], f"{row['n_genes']:,}"]
    return [
        *(*cells, _number(row["network"]), _number(row["other"])),
        *(_difference(row["difference"]), interval, _share(row["behind"])),
    ]


def _fold_row(row: Mapping[str, Any]) -> list[str]:
    counts = [str(row["fold"]), f"{row['n_slides']:,}", f"{row['n_patients']:,}"]
    scores = [_number(row[name]) for name in ("r_median", "top_usual", "top_honest")]
    return [*counts, *scores, _error(row["r2_median"])]


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict(orient="records")]


def _title(method: str) -> str:
    return _TITLES.get(method, method.replace("_", " "))


def _methods(rows: Sequence[Mapping[str, Any]]) -> str:
    """The names of methods in a sentence; untrained networks are counted."""
    words = [_NAMES[row["method"]] for row in rows if row["method"] in _NAMES]
    null = [row for row in rows if row["method"] not in _NAMES]
    if null:
        words.append("an untrained network" if len(null) == 1 else f"{len(null)} untrained networks")
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{round(value, 2) + 0.0:.2f}"  # no "-0.00"


def _difference(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:+.3f}"


def _error(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3g}"


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.0%}"
