"""Reads the published code's ``test_results.pkl`` and writes a predictions file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.atomic import new_file
from sequoia_base.flow import Flow
from sequoia_base.names import patient_of
from sequoia_model.errors import InputError, counted, listing, part
from sequoia_model.legacy._contents import FoldResults, read_contents
from sequoia_model.patients import known_patients
from sequoia_model.types.units import EXPRESSION, NOT_STATED, contradiction

if TYPE_CHECKING:
    from anndata import AnnData

_OF_FOLDS = (
    "converted from cross-validation results of the published code: each slide by the network of its fold"
)
_OF_ALL = (
    "converted from predictions of the published code: means of the networks of all folds, also for slides that some "
    "of them were trained on"
)


def read_results(path: str | Path, patients: str | Path | Mapping[str, str] | None = None) -> AnnData:
    """Read the results that the published code wrote as ``test_results.pkl``.

    Parameters
    ----------
    path : path
        A pickle of ``genes`` and ``split_0``, ``split_1``, …, each with ``real``, ``preds``, ``wsi_file_name`` and
        perhaps ``random`` and ``tcga_project``; or of one such split; or of the data frames ``pred`` and ``random``,
        slides × genes, as written for the slides of another cohort. No code in it can run, since only arrays, tables
        of numbers, strings, numbers, lists and dictionaries are loaded.
    patients : path or mapping of str to str, optional
        Slide to patient, or a table of them; takes precedence over TCGA barcodes.

    Returns
    -------
    AnnData
        Laid out as predictions: a row per slide (``patient_id``, ``fold``, ``n_folds``, ``cohort``); X is predicted;
        layers ``measured``, ``std`` (0, since one network predicted each slide) and ``untrained`` (if all splits have
        ``random``); all float32, log2(FPKM-UQ+1), or in a unit that is not stated if the values cannot be in that one.
        Predictions of another cohort have no ``measured`` and no ``std``,
        and ``fold`` and ``n_folds`` are missing, since the file does not say how many networks there were. A slide
        without a patient counts as its own patient, and
        ``uns["warnings"]`` says so.

    Raises
    ------
    InputError
        If the file is damaged or holds anything else, a key is missing or does not fit the others, the splits have
        different genes, a slide is duplicated, or a prediction is NaN or infinite.
    """
    import anndata

    path = Path(path)
    given = known_patients(patients)
    content = read_contents(path)
    folds = content.folds
    obs, unknown = _slides(folds, given, path)
    predicted = np.concatenate([fold.predicted for fold in folds])
    layers: dict[str, NDArray[np.float32]] = {}
    measured = [fold.measured for fold in folds if fold.measured is not None]
    if len(measured) == len(folds):
        layers["measured"] = np.concatenate(measured)
    if not content.averaged:
        layers["std"] = np.zeros_like(predicted)
    untrained = [fold.untrained for fold in folds if fold.untrained is not None]
    if len(untrained) == len(folds):
        layers["untrained"] = np.concatenate(untrained)
    warnings = [*content.warnings, *unknown, *_in_several_folds(obs)]
    if content.averaged:
        obs["n_folds"] = pd.array([None] * len(obs), dtype="Int64")
    units, n_negative = EXPRESSION, int((predicted < 0).sum())
    doubt = contradiction(units, float(predicted.min()), float(predicted.max()), n_negative / predicted.size)
    if doubt:
        warnings.append(f"{doubt}: the unit is not stated")
        units = NOT_STATED
    of = "means over folds" if content.averaged else f"of {counted(len(folds), 'split')}"
    flow = Flow([("slides in the file", len(obs), len(obs), of)])
    uns = {
        "name": path.name.partition(".")[0],
        "note": _OF_ALL if content.averaged else _OF_FOLDS,
        "flow": flow.to_columns(),
        "units": units,
        "warnings": np.array(warnings, dtype=object),
        "n_negative": n_negative,
        "versions": {"sequoia-histology": version("sequoia-histology")},
    }
    var = pd.DataFrame(index=pd.Index(content.genes, name="gene"))
    return anndata.AnnData(predicted, obs, var, uns, layers=layers)


def tested_slides(path: str | Path) -> list[tuple[str, int | None]]:
    """The slides that each split of results tested, with its number; a slide may be in several.

    Parameters
    ----------
    path : path
        A file that `read_results` reads.

    Returns
    -------
    list of (str, int or None)
        None if the file does not state the number.

    Raises
    ------
    InputError
        As `read_results`.
    """
    folds = read_contents(Path(path), repeated=True).folds
    return [(slide, fold.fold) for fold in folds for slide in fold.slides]


def write_results(adata: AnnData, path: str | Path) -> None:
    """Write predictions as .h5ad, whole or not at all; the same results give the same bytes.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with new_file(path) as temporary:
        try:
            adata.write_h5ad(temporary)
        except (RuntimeError, UnicodeEncodeError) as error:  # from h5py: a full disk, a name that is not text
            raise InputError(f"the output cannot be written: {error}", where=str(path)) from None


def _slides(
    folds: Sequence[FoldResults], given: Mapping[str, str] | None, path: Path
) -> tuple[pd.DataFrame, list[str]]:
    """A row for each slide, and a warning about slides without a patient."""
    slides = [slide for fold in folds for slide in fold.slides]
    table = given or {}
    if given is not None and not any(slide in table for slide in slides):
        raise InputError(
            f"none of the {counted(len(slides), 'slide')} is in the given list of patients",
            where=f"{path}: {listing(slides, 3)}; given: {listing(table, 3)}",
        )
    patients = [table.get(slide) or patient_of(slide) for slide in slides]
    owners = [patient or slide for slide, patient in zip(slides, patients, strict=True)]
    obs = pd.DataFrame({"patient_id": owners}, pd.Index(slides, name="slide", dtype=object), dtype=object)
    obs["fold"] = pd.array([fold.fold for fold in folds for _ in fold.slides], dtype="Int64")
    obs["n_folds"] = 1
    if all(fold.cohorts is not None for fold in folds):
        obs["cohort"] = [cohort for fold in folds for cohort in fold.cohorts or []]
    unknown = [slide for slide, patient in zip(slides, patients, strict=True) if not patient]
    n = part(len(unknown), len(slides), "slide", "have")
    warning = f"{n} no patient, so each counts as its own patient: {listing(unknown, 3)}"
    return obs, [warning] if unknown else []


def _in_several_folds(obs: pd.DataFrame) -> list[str]:
    folds = obs.groupby("patient_id", sort=False)["fold"].nunique()
    several = folds.index[folds > 1]
    if not len(several):
        return []
    n = counted(len(several), "patient has", "patients have")
    return [
        f"{n} slides in several folds, so a network may have trained on the patient: {listing(several, 3)}"
    ]
