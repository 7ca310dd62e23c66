"""Predicted and measured genes of slides and their patients, with untrained networks for comparison."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.types._matrices import as_floats, group_means, in_memory, refuse_not_finite, varying
from sequoia_stats.types.cohort import plain, storable
from sequoia_stats.types.covariates import MISSING_VALUES
from sequoia_stats.types.genes import refuse_dates

if TYPE_CHECKING:
    from anndata import AnnData

#: With fewer samples the tests of dependent correlations have no degrees of freedom.
FEWEST_SAMPLES = 4
_UNTRAINED = re.compile(r"untrained(?:_(\d+))?")
_BLOCK = 1024  # columns at a time, so that copies stay small


class IntervalLayers(NamedTuple):
    """The intervals of predictions.

    Parameters
    ----------
    lower, upper : array of shape (slides, genes)
        The bounds; infinite where an interval is the whole line.
    level : float
        The coverage that they promise, between 0 and 1.
    """

    lower: NDArray[np.floating[Any]]
    upper: NDArray[np.floating[Any]]
    level: float


@dataclass(frozen=True, eq=False, repr=False)
class Predictions:
    """Predicted and measured expression of the same slides and genes.

    Parameters
    ----------
    predicted : array of shape (slides, genes)
        float32 or float64, kept as given; finite.
    measured : array of shape (slides, genes)
        On the scale of `predicted`; NaN if a gene was not measured.
    obs : DataFrame
        One row per slide: index = slide id, unique; ``patient_id`` and, if known, ``fold``, ``cohort`` and anything
        else. Without ``patient_id`` every slide counts as its own patient, and `flow` says so.
    genes : Index of shape (genes,)
        Unique, as in the file; former names are not replaced.
    untrained : tuple of array of shape (slides, genes), optional
        Predictions of the same network before training, one matrix per seed; finite.
    name, note : str
        Name of the predictions, and a sentence for captions.
    flow : DataFrame
        Ledger of losses: ``step, n_before, n_after, reason``.
    ensemble : str
        How networks were chosen, as the file states it: "held-out" (patients of the training by the fold that held them
        out, others by the mean of all folds) or "all" (everybody by all); empty if it does not.
    intervals : IntervalLayers, optional
        Intervals around the predictions.

    Raises
    ------
    InputError
        If shapes differ, slides or genes are duplicated, a gene is a date, a prediction is NaN or infinite, a measured
        value is infinite, there are fewer than 4 slides, or no gene varies in both matrices.
    """

    predicted: NDArray[np.floating[Any]]
    measured: NDArray[np.floating[Any]]
    obs: pd.DataFrame
    genes: pd.Index
    untrained: tuple[NDArray[np.floating[Any]], ...] = ()
    name: str = "predictions"
    note: str = ""
    flow: pd.DataFrame = field(default_factory=lambda: Flow().to_frame())
    ensemble: str = ""
    intervals: IntervalLayers | None = None

    def __post_init__(self) -> None:
        flow = Flow.of(self.flow)
        obs = _with_patients(self.obs, self.name, flow)
        genes = pd.Index(self.genes).astype(str).astype(object).rename("gene")
        _set(self, predicted=as_floats(self.predicted, f"{self.name}, predicted"))
        _set(self, measured=as_floats(self.measured, f"{self.name}, measured"))
        _set(self, untrained=tuple(as_floats(m, f"{self.name}, untrained") for m in self.untrained))
        _set(self, obs=obs, genes=genes, flow=flow.to_frame())
        matrices = [("predicted", self.predicted), ("measured", self.measured)]
        matrices += [(f"untrained {i}", matrix) for i, matrix in enumerate(self.untrained)]
        bounds = () if self.intervals is None else (self.intervals.lower, self.intervals.upper)
        for what, matrix in [*matrices, *zip(("lower", "upper"), bounds, strict=False)]:
            if matrix.shape != (len(obs), len(genes)):
                raise InputError(
                    f"{what} has the shape {matrix.shape[0]} × {matrix.shape[1]}, "
                    f"but there are {len(obs)} slides × {len(genes)} genes",
                    where=self.name,
                )
        refuse_repeated(genes, "gene", self.name)
        refuse_dates(genes, self.name)
        refuse_few(len(obs), "slides", self.name)
        for what, matrix in matrices:
            refuse_not_finite(matrix, obs.index, genes, f"{self.name}, {what}", missing=what == "measured")
        cuts = (slice(start, start + _BLOCK) for start in range(0, len(genes), _BLOCK))
        blocks = ((self.predicted[:, cut], self.measured[:, cut]) for cut in cuts)
        refuse_all_constant(blocks, len(genes), self.name)

    @property
    def n(self) -> int:
        """Number of slides."""
        return len(self.obs)

    @property
    def patients(self) -> pd.Index:
        """Patient of every slide."""
        return pd.Index(self.obs["patient_id"])

    @property
    def predicted_by(self) -> str:
        """Whose predictions these are: "held-out" (each slide by the network of its fold), "ensemble", or "both".

        "one network" if the file was made by a single one; empty if it tells neither folds nor networks.
        """
        in_fold = self.obs["fold"].notna() if "fold" in self.obs else pd.Series(False, self.obs.index)
        if not in_fold.any():
            single = "n_folds" in self.obs and bool((self.obs["n_folds"] == 1).all())
            return ("one network" if single else "ensemble") if self.ensemble else ""
        return "held-out" if in_fold.all() else "both"

    def __repr__(self) -> str:
        seeds = len(self.untrained)
        null = counted(seeds, "untrained network") if seeds else "no untrained network"
        note = f"; {self.note}" if self.note else ""
        patients, genes = counted(self.patients.nunique(), "patient"), counted(len(self.genes), "gene")
        size = f"{counted(self.n, 'slide')} of {patients} × {genes}"
        return f"<Predictions {self.name}: {size}, {null}{note}>"

    def per_patient(self) -> Predictions:
        """One row per patient, in the order of first appearance: the mean of the slides.

        Missing measurements do not count. A value of `obs` is kept if all slides of a patient agree, and is missing
        otherwise. The index is the patient id.
        """
        flow = Flow.of(self.flow)
        codes, patients = pd.factorize(self.obs["patient_id"])
        refuse_few(len(patients), "patients", self.name)
        index = pd.Index(patients, name="slide")
        if len(patients) == self.n:
            return replace(self, obs=self.obs.set_axis(index, axis=0))
        reason = f"slides of a patient averaged ({int((np.bincount(codes) > 1).sum())} patients have several)"
        flow.add("slides: one row per patient", self.n, len(patients), reason)
        return replace(
            self,
            predicted=group_means(self.predicted, codes),
            measured=group_means(self.measured, codes),
            untrained=tuple(group_means(matrix, codes) for matrix in self.untrained),
            obs=common_rows(self.obs, codes).set_axis(index, axis=0),
            flow=flow.to_frame(),
            intervals=self._changed(lambda bound: group_means(bound, codes)),
        )

    def rows(self, mask: NDArray[Any] | pd.Series, *, name: str = "") -> Predictions:
        """The slides that `mask` chooses, by booleans or positions, under a new `name`."""
        chosen = np.asarray(mask)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return replace(
            self,
            predicted=self.predicted[chosen],
            measured=self.measured[chosen],
            untrained=tuple(matrix[chosen] for matrix in self.untrained),
            obs=self.obs.iloc[chosen],
            name=name or self.name,
            intervals=self._changed(lambda bound: bound[chosen]),
        )

    def _changed(
        self, change: Callable[[NDArray[np.floating[Any]]], NDArray[np.floating[Any]]]
    ) -> IntervalLayers | None:
        """The intervals, if there are any, with a change of both bounds."""
        if self.intervals is None:
            return None
        lower, upper, level = self.intervals
        return IntervalLayers(change(lower), change(upper), level)

    def groups(self, by: str | None) -> Iterator[tuple[str, Predictions]]:
        """The levels of a column of `obs` in the order of their names, each with its slides.

        Parameters
        ----------
        by : str or None
            The column: cancer type, cohort, subgroup. With None there is one level, named `name`.

        Yields
        ------
        tuple of str and Predictions
            The level and its slides.

        Raises
        ------
        InputError
            If the column is missing or incomplete, or a level has too few slides or no gene that varies.
        """
        if by is None:
            yield self.name, self
            return
        levels = self.levels(by)
        for level in sorted(levels.unique()):
            yield level, self.rows(levels.to_numpy() == level, name=f"{self.name}, {by} {level}")

    def levels(self, by: str) -> pd.Series:
        """A column of `obs` as texts; an error if it is missing or incomplete."""
        if by not in self.obs:
            raise InputError(
                f"the slides have no column {by!r}",
                where=f"{self.name}, obs; its columns are {listing(self.obs.columns)}",
                fix="name one of its columns with --by",
            )
        column = self.obs[by].astype(object)
        absent = column.isna() | column.astype(str).str.strip().isin(MISSING_VALUES)
        if absent.any():
            raise InputError(
                f"{part(int(absent.sum()), self.n, 'slide', 'have')} no {by}",
                where=f"{self.name}, obs column {by!r}: {listing(self.obs.index[absent])}",
                fix="fill the column, or leave these slides out",
            )
        return column.astype(str)

    @property
    def adata(self) -> AnnData:
        """As AnnData: obs = slides, X = predicted, layers = measured, untrained, …, lower, upper; uns = provenance."""
        import anndata

        layers = {"measured": self.measured}
        layers |= {f"untrained_{i}" if i else "untrained": m for i, m in enumerate(self.untrained)}
        uns: dict[str, Any] = {"name": self.name, "note": self.note, "flow": Flow.of(self.flow).to_columns()}
        uns |= {"ensemble": self.ensemble} if self.ensemble else {}
        if self.intervals is not None:
            layers |= {"lower": self.intervals.lower, "upper": self.intervals.upper}
            uns["intervals"] = {"level": self.intervals.level}
        return anndata.AnnData(
            X=self.predicted,
            obs=self.obs.rename_axis(None).apply(storable),
            var=pd.DataFrame(index=self.genes),
            layers=layers,
            uns=uns,
        )

    @classmethod
    def from_adata(cls, adata: AnnData, name: str = "") -> Predictions:
        """Read AnnData in the layout of a predictions file.

        Genes without a measured value in any slide are left out, and counted in the flow.

        Parameters
        ----------
        adata : AnnData
            Slides × genes: X = predicted, ``layers["measured"]``, optional ``layers["untrained"]``, ``untrained_1``,
            ...; ``obs["patient_id"]``; optional layers ``lower`` and ``upper``, whose level is in ``uns["intervals"]``.
        name : str, optional
            The name for errors; by default ``uns["name"]``.

        Raises
        ------
        InputError
            If X or the measured layer is missing; as `Predictions`.
        """
        adata = in_memory(adata, "Predictions")
        name = name or str(adata.uns.get("name", "")) or "AnnData"
        if adata.X is None:
            raise InputError("the AnnData has no X, which should hold the predictions", where=name)
        if "measured" not in adata.layers:
            raise InputError(
                "there is no measured expression: the layer 'measured' is missing",
                where=f"{name}; its layers are {listing(adata.layers) or 'none'}",
                fix="put it into layers['measured'], or give it as a table with --measured",
            )
        flow = Flow.of(adata.uns.get("flow"))
        chosen, lines = untrained_layers(list(adata.layers))
        flow.extend(lines)
        predicted, measured = _dense(adata.X), _dense(adata.layers["measured"])
        kept = _measured_genes(measured, adata.var_names, flow)
        return cls(
            predicted=predicted[:, kept],
            measured=measured[:, kept],
            untrained=tuple(_dense(adata.layers[layer])[:, kept] for layer in chosen),
            obs=adata.obs.apply(plain),
            genes=adata.var_names[kept],
            name=name,
            note=str(adata.uns.get("note", "")),
            flow=flow.to_frame(),
            ensemble=str(adata.uns.get("ensemble", "")),
            intervals=_intervals(adata, kept, name),
        )


def _intervals(adata: AnnData, kept: slice | NDArray[np.bool_], name: str) -> IntervalLayers | None:
    """The intervals in an AnnData; None if it has none."""
    if not {"lower", "upper"} <= set(adata.layers):
        return None
    level = adata.uns.get("intervals", {}).get("level")
    if level is None:
        raise InputError(
            "there are layers 'lower' and 'upper', but nothing states the level of these intervals",
            where=name,
            fix='put it into uns["intervals"]["level"]',
        )
    lower, upper = (
        as_floats(_dense(adata.layers[layer]), f"{name}, {layer}") for layer in ("lower", "upper")
    )
    return IntervalLayers(lower[:, kept], upper[:, kept], float(level))


def _measured_genes(measured: NDArray[Any], genes: pd.Index, flow: Flow) -> slice | NDArray[np.bool_]:
    """The genes with a measured value in any slide; the others, as of another platform, cannot be judged."""
    if measured.dtype.kind != "f" or not len(measured):
        return slice(None)
    absent = np.isnan(measured[0])  # of all slides, only these columns need be looked at
    absent[absent] = np.isnan(measured[:, absent]).all(axis=0)
    kept = ~absent
    if kept.all() or not kept.any():  # none at all is refused later, by what it is
        return slice(None)
    reason = f"the others have no measured value in any slide: {listing(genes[~kept], 3)}"
    flow.add("genes: measured", len(kept), int(kept.sum()), reason)
    return kept


def as_predictions(data: Predictions | AnnData) -> Predictions:
    """Accept `Predictions` or an AnnData that holds them."""
    return data if isinstance(data, Predictions) else Predictions.from_adata(data)


def _set(predictions: Predictions, **values: object) -> None:
    for name, value in values.items():
        object.__setattr__(predictions, name, value)


def _with_patients(obs: pd.DataFrame, name: str, flow: Flow) -> pd.DataFrame:
    """The table of slides with texts as ids; `flow` gets a line if it does not name patients."""
    index = pd.Index(obs.index).astype(str).astype(object).rename("slide")
    obs = obs.set_axis(index, axis=0)
    refuse_repeated(index, "slide", name)
    if "patient_id" not in obs:
        reason = "no patient_id: every slide counts as its own patient"
        flow.add("slides: patients", len(obs), len(obs), reason)
        return obs.assign(patient_id=index)
    patients = obs["patient_id"].astype(object)
    absent = patients.isna() | patients.astype(str).str.strip().isin(MISSING_VALUES)
    if absent.any():
        raise InputError(
            f"{counted(int(absent.sum()), 'slide has', 'slides have')} no patient_id",
            where=f"{name}: {listing(index[absent])}",
        )
    return obs.assign(patient_id=patients.astype(str).str.strip())


def refuse_repeated(labels: pd.Index, what: str, where: str) -> None:
    """Refuse duplicated names of a `what`, such as "gene"."""
    repeated = labels[labels.duplicated()].unique()
    if len(repeated):
        raise InputError(
            f"{counted(len(repeated), f'{what} name is', f'{what} names are')} duplicated: {listing(repeated)}",
            where=where,
            fix=f"keep one of each {what}",
        )


def refuse_few(n: int, what: str, where: str) -> None:
    """Refuse too few slides or patients (`what`) to compare correlations."""
    if n < FEWEST_SAMPLES:
        raise InputError(
            f"{counted(n, f'{what[:-1]} is', f'{what} are')} too few: "
            f"correlations can only be compared with {FEWEST_SAMPLES} or more",
            where=where,
            fix="leave this level out, or give more slides",
        )


def refuse_all_constant(
    blocks: Iterable[tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]], n_genes: int, where: str
) -> None:
    """Refuse genes if none varies in both matrices; predicted and measured come in blocks of columns."""
    if not n_genes:
        raise InputError("there are no genes", where=where)
    some = {"predicted": False, "measured": False}
    for predicted, measured in blocks:
        varied = {"predicted": varying(predicted), "measured": varying(measured)}
        if (varied["predicted"] & varied["measured"]).any():
            return
        some = {what: some[what] or bool(varied[what].any()) for what in some}
    what = " and ".join(what for what, varies in some.items() if not varies) or "predicted or measured"
    raise InputError(
        f"all {n_genes} genes are constant ({what}): nothing can be correlated",
        where=where,
        fix="check the file, and the network that made it",
    )


def common_rows(obs: pd.DataFrame, codes: NDArray[np.intp]) -> pd.DataFrame:
    """The first row of every group; values that differ within the group become missing."""
    first = obs[~pd.Index(codes).duplicated()]
    same = obs.groupby(codes).nunique(dropna=False).set_axis(first.index, axis=0) == 1
    return first.where(same)


def untrained_layers(layers: list[str]) -> tuple[list[str], Flow]:
    """Layers of untrained networks in the order of their numbers, and a ledger of layers with other names."""
    like = [layer for layer in layers if layer.lower().startswith("untrained")]
    numbered = {layer: int(m[1] or -1) for layer in like if (m := _UNTRAINED.fullmatch(layer))}
    others = [layer for layer in like if layer not in numbered]
    flow = Flow()
    if others:
        reason = f"left out, since the name does not end in a number: {listing(others)}"
        flow.add("untrained layers", len(like), len(numbered), reason)
    return sorted(numbered, key=numbered.__getitem__), flow


def _dense(matrix: Any) -> Any:
    return matrix.toarray() if hasattr(matrix, "toarray") else matrix
