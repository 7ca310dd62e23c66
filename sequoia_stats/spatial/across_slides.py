"""Several slides judged together: genes ranked on other slides, and intervals by a bootstrap over slides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sequoia_base.arguments import ProgressBar
from sequoia_base.errors import Failure, none_left
from sequoia_base.results import Result
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.spatial.evaluation import Evaluation, evaluate_map, refuse_own
from sequoia_stats.spatial.judgement_options import JudgementOptions
from sequoia_stats.spatial.rankings import P_BELOW, named
from sequoia_stats.types.arrays import Floats

if TYPE_CHECKING:
    from sequoia_base.maps import Map
    from sequoia_stats.types.spatial_truth import SpatialTruth

#: A slide counts for a gene if r is above this.
R_ABOVE = 0.1
#: Random draws of slides, and the quantiles of their means.
_DRAWS, _INTERVAL = 2000, (0.025, 0.975)
#: An interval over fewer slides is said to be coarse.
_COARSE = 5


@dataclass(frozen=True, eq=False)
class SlideEvaluations(Result):
    """Several maps, each judged against its truth.

    Attributes
    ----------
    slides : DataFrame
        `Evaluation.medians` of every slide, with ``slide, n_tiles, overlap`` before them.
    medians : DataFrame
        For each kind of genes, over slides: ``n_slides``, the mean of the slides' medians ``r`` with the interval
        ``r_low, r_high`` of a bootstrap over slides, the means ``r_null_mean, r_null_high, emd, emd_flat``, and
        ``n_beating``, the slides whose median exceeds its null.
    notes : tuple of str
        What is odd, in sentences.
    failed : tuple of Failure
        Slides that could not be judged, and why.
    genes : DataFrame
        For each gene: ``n_slides``, ``n_above`` (slides with r above .1), ``n_beating`` (slides with p_shift below
        .05), means over slides of r, r_shift_mean, emd and emd_flat, and the interval ``r_low, r_high``.
    evaluations : dict of str to Evaluation
        The slides by name.
    """

    slides: pd.DataFrame
    medians: pd.DataFrame
    notes: tuple[str, ...]
    failed: tuple[Failure, ...]
    genes: pd.DataFrame = field(metadata={"show": False})
    evaluations: Mapping[str, Evaluation] = field(metadata={"show": False})

    def to_frame(self) -> pd.DataFrame:
        """The slides."""
        return self.slides

    def __str__(self) -> str:
        return "\n".join([*self.lines(), *self.notes])

    def lines(self) -> list[str]:
        """The result in words."""
        each = [line for one in self.evaluations.values() for line in one.lines()]
        over = [
            f"  {named(row)}: mean of the medians r {row['r']:.3f} (95% interval over slides {row['r_low']:.3f} to "
            f"{row['r_high']:.3f}), null {row['r_null_mean']:.3f} (95% quantile {row['r_null_high']:.3f}); "
            f"{row['n_beating']} of {row['n_slides']} slides beat their null"
            for row in self.medians.to_dict("records")
        ]
        failed = [f"  {counted(len(self.failed), 'slide')} failed"] if self.failed else []
        return [*each, f"{counted(len(self.evaluations), 'slide')}:", *over, *failed]


def evaluate_maps(
    maps: Sequence[Map],
    truths: Sequence[SpatialTruth],
    *,
    genes: Sequence[str] | None = None,
    others: Mapping[str, pd.DataFrame] | None = None,
    options: JudgementOptions | None = None,
    progress: ProgressBar | None = None,
    failed: Sequence[Failure] = (),
    **changes: Any,
) -> SlideEvaluations:
    """Judge maps of several slides, each against its own truth; what fails of several is listed, the rest go on.

    Parameters
    ----------
    maps : sequence of Map
        A map per slide.
    truths : sequence of SpatialTruth
        Their truths, in the same order.
    genes : sequence of str, optional
        Genes to judge; by default all that a slide's map and truth have.
    others : dict of str to DataFrame, optional
        Genes of more slides by their names, on which genes are ranked as well.
    options : JudgementOptions, optional
        How maps are judged.
    progress : callable, optional
        ``progress(items, total)``, for each slide.
    failed : sequence of Failure, optional
        Slides that failed before, such as those that could not be read.
    **changes
        Single options: ``rule="paper"``.

    Returns
    -------
    SlideEvaluations

    Raises
    ------
    InputError
        As `evaluate_map` if all slides fail; if there are not as many truths as maps, two maps are of one slide, or
        a slide of `others` is one of those judged.
    """
    refuse_unequal(len(maps), len(truths))
    names = [str(one.slide) for one in maps]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            f"several maps are of the slide {listing(repeated)}", fix="`spatial compare` compares two maps"
        )
    refuse_own(names, others or {})
    chosen = (options or JudgementOptions()).but(changes)
    found, lost = {}, list(failed)
    for name, predicted, truth in zip(names, maps, truths, strict=True):
        try:
            found[name] = evaluate_map(predicted, truth, genes=genes, options=chosen, progress=progress)
        except InputError as error:
            if len(maps) + len(failed) == 1:
                raise
            lost.append(Failure.of(name, "", error))
    if not found:
        raise none_left(lost, "judged")
    elsewhere = {
        name: {**(others or {}), **{other: one.genes for other, one in found.items() if other != name}}
        for name in found
    }
    ranked = {name: one.ranked_on(elsewhere[name]) for name, one in found.items()}
    slides = pd.concat([_medians_of(name, one) for name, one in ranked.items()], ignore_index=True)
    random = np.random.default_rng(np.random.SeedSequence(chosen.seed))
    notes = [f"{name}: {note}" for name, one in ranked.items() for note in one.notes]
    if 1 < len(found) < _COARSE:
        notes.append(f"an interval over {len(found)} slides is coarse: it hardly says more than their range")
    notes += _patients([one.map for one in found.values()])
    return SlideEvaluations(
        slides, _over_slides(slides, random), tuple(notes), tuple(lost), _over_genes(found, random), ranked
    )


def refuse_unequal(maps: int, truths: int) -> None:
    """Refuse numbers of maps and truths that do not make pairs.

    Parameters
    ----------
    maps, truths : int
        How many there are.

    Raises
    ------
    InputError
        If they differ.
    """
    if maps != truths:
        raise InputError(
            f"{counted(maps, 'map')} and {counted(truths, 'truth')} do not make pairs",
            fix="give --truth once for each map, in the order of the maps",
        )


def bootstrap_means(values: Floats, random: np.random.Generator, draws: int = _DRAWS) -> Floats:
    """95% intervals of means over slides, by drawing slides with replacement.

    Parameters
    ----------
    values : array of shape (slides, columns)
        A value per slide; NaN where a slide has none, and a mean is that of the others.
    random : numpy Generator
        Draws the slides, the same for all columns.
    draws : int
        Number of draws.

    Returns
    -------
    array of shape (2, columns)
        2.5% and 97.5% quantiles; NaN where fewer than two slides have a value.
    """
    n = len(values)
    times = random.multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float64)
    known = np.isfinite(values)
    weights = times @ known
    sums = times @ np.where(known, values, 0.0)
    means = np.divide(sums, weights, out=np.full(sums.shape, np.nan), where=weights > 0)
    enough = known.sum(axis=0) > 1
    result = np.full((2, values.shape[1]), np.nan)
    if enough.any():
        result[:, enough] = np.nanquantile(means[:, enough], _INTERVAL, axis=0)
    return result


def _medians_of(name: str, one: Evaluation) -> pd.DataFrame:
    table = one.medians.copy()
    for column, value in (("overlap", one.overlap), ("n_tiles", one.n_tiles), ("slide", name)):
        table.insert(0, column, value)
    return table


def _over_slides(slides: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Means of the slides' medians for each kind of genes; slides with fewer genes have kinds of their own size."""
    kind = slides["genes"].str.partition("-")[0]
    rows = []
    for (_, ranked_on), part in slides.groupby([kind, "ranked_on"], sort=False):
        low, high = bootstrap_means(part[["r"]].to_numpy(), random)[:, 0]
        means = part[["r", "r_null_mean", "r_null_high", "emd", "emd_flat"]].mean()
        rows.append(
            {
                "genes": part["genes"].iloc[0], "ranked_on": ranked_on, "n_genes": int(part["n_genes"].max()),
                "n_slides": len(part), "r": means["r"], "r_low": low, "r_high": high, **means.iloc[1:].to_dict(),
                "n_beating": int((part["r"] > part["r_null_high"]).sum()),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _over_genes(found: Mapping[str, Evaluation], random: np.random.Generator) -> pd.DataFrame:
    stacked = pd.concat([one.genes.assign(slide=name) for name, one in found.items()])
    known = stacked["p_shift"].notna()
    stacked = stacked.assign(above=stacked["r"] > R_ABOVE, beating=known & (stacked["p_shift"] < P_BELOW))
    groups = stacked.groupby("gene", sort=True)
    table = groups[["r", "r_shift_mean", "emd", "emd_flat"]].mean()
    counts = groups[["above", "beating"]].sum().astype("int64").add_prefix("n_")
    by_slide = stacked.pivot(index="slide", columns="gene", values="r")[table.index]
    low, high = bootstrap_means(by_slide.to_numpy(np.float64), random)
    table = pd.concat([groups.size().rename("n_slides"), counts, table], axis=1)
    return table.assign(r_low=low, r_high=high).reset_index()


def _patients(maps: Sequence[Map]) -> list[str]:
    """A note if slides are of one patient."""
    patients = [str(one.about.get("patient_id", "")) for one in maps]
    known = {patient for patient in patients if patient}
    if len(maps) < 2 or not known or len(known) == len(patients):
        return []
    return [
        f"the {len(maps)} slides are of {counted(len(known), 'patient')}: intervals over slides do not tell of other "
        "patients"
    ]
