"""From the published code's ``test_results.pkl`` to a predictions file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.atomic import new_file
from sequoia_base.names import bare_slide, patient_of
from sequoia_model.errors import InputError, listing
from sequoia_model.legacy.unpickler import load
from sequoia_model.patients import read_patients
from sequoia_model.types.units import EXPRESSION

if TYPE_CHECKING:
    from anndata import AnnData

_SPLIT = re.compile(r"split_(0|[1-9]\d*)")
_READ = ("preds", "real", "random", "wsi_file_name", "tcga_project", "genes")
_NOTE = "converted from cross-validation results of the published code: each slide by the network of its fold"


@dataclass(frozen=True, eq=False)
class _Split:
    """What one fold left: matrices of slides × genes; `untrained` and `cohorts` only where they are there."""

    key: str
    fold: int | None
    slides: list[str]
    predicted: NDArray[np.float32]
    measured: NDArray[np.float32]
    untrained: NDArray[np.float32] | None
    cohorts: list[str] | None


def read_results(path: str | Path, patients: str | Path | Mapping[str, str] | None = None) -> AnnData:
    """Read the cross-validation results that the published code wrote as ``test_results.pkl``.

    Parameters
    ----------
    path : path
        A pickle of ``split_0``, ``split_1``, …, each with ``real``, ``preds``, ``wsi_file_name`` and perhaps ``random``
        and ``tcga_project``, and ``genes``; or of one such split. It is read by an unpickler that admits arrays,
        strings, numbers, lists and dictionaries alone, so that no code in it can run.
    patients : path or mapping of str to str, optional
        Slide to patient, or a CSV of them (`read_patients`); before TCGA barcodes.

    Returns
    -------
    AnnData
        The layout of predictions: a row per slide (``patient_id``, ``fold``, ``n_folds``, ``cohort``), X predicted,
        layers ``measured``, ``std`` (0: one network a slide) and ``untrained`` (where all splits have ``random``), all
        float32, log2(FPKM-UQ+1). A slide without a patient is its own; ``uns["warnings"]`` says so.

    Raises
    ------
    InputError
        If the file is damaged or wants to load anything else, a key is missing or does not fit the others, genes
        differ between splits, a slide stands twice, or a prediction is NaN or infinite.
    """
    import anndata

    path = Path(path)
    given = patients if patients is None or isinstance(patients, Mapping) else read_patients(patients)
    content = load(path)
    parts = _splits(content, path)
    genes = _genes(content, parts, path)
    splits = [_check(key, part, genes, path) for key, part in parts.items()]
    _refuse_repeated(splits, path)
    obs, unknown = _slides(splits, given, path)
    predicted = np.concatenate([split.predicted for split in splits])
    layers = {
        "measured": np.concatenate([split.measured for split in splits]),
        "std": np.zeros_like(predicted),
    }
    random = [split.untrained for split in splits if split.untrained is not None]
    if len(random) == len(splits):
        layers["untrained"] = np.concatenate(random)
    warnings = [*_left_out(content, parts, splits), *unknown, *_in_several_folds(obs)]
    uns = {
        "name": path.name.partition(".")[0],
        "note": _NOTE,
        "flow": {
            "step": np.array(["slides in the file"], dtype=object),
            "n_before": np.array([len(obs)]),
            "n_after": np.array([len(obs)]),
            "reason": np.array([f"of {len(splits)} splits"], dtype=object),
        },
        "units": EXPRESSION,
        "warnings": np.array(warnings, dtype=object),
        "n_negative": int((predicted < 0).sum()),
        "versions": {"sequoia-histology": version("sequoia-histology")},
    }
    return anndata.AnnData(
        predicted, obs, pd.DataFrame(index=pd.Index(genes, name="gene")), uns, layers=layers
    )


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
        except (
            RuntimeError,
            UnicodeEncodeError,
        ) as error:  # h5py's words for a full disk, and for a strange name
            raise InputError(f"the output cannot be written: {error}", where=str(path)) from None


def _splits(content: Any, path: Path) -> dict[str, dict[str, Any]]:
    """The splits in the order of their numbers; the file of one split alone has no number."""
    found: dict[str, Any] = {}
    if isinstance(content, dict):
        found = {key: content[key] for key in content if isinstance(key, str) and _SPLIT.fullmatch(key)}
        if not found and "preds" in content:
            return {"the one split": content}
    if not found or not all(isinstance(part, dict) for part in found.values()):
        held = (
            f"a dictionary of {listing(content) or 'nothing'}"
            if isinstance(content, dict)
            else type(content).__name__
        )
        raise InputError(
            "these are no cross-validation results",
            where=f"{path}, which holds {held[:200]}",
            fix="split_0, split_1, … are needed, each with preds, real and wsi_file_name; and genes",
        )
    return dict(sorted(found.items(), key=lambda item: _number(item[0]) or 0))


def _number(key: str) -> int | None:
    match = _SPLIT.fullmatch(key)
    return int(match[1]) if match else None


def _genes(content: dict[str, Any], parts: Mapping[str, dict[str, Any]], path: Path) -> list[str]:
    """The genes, without the prefix that they have in some places; all places have to agree."""
    places = {f"{path}, genes": content} | {f"{path}, {key}, genes": part for key, part in parts.items()}
    lists = {place: _texts(holder["genes"], place) for place, holder in places.items() if "genes" in holder}
    if not lists:
        raise InputError("the key 'genes' is missing", where=str(path))
    bare = {
        place: [name.removeprefix("rna_") for name in names]
        if all(n.startswith("rna_") for n in names)
        else names
        for place, names in lists.items()
    }
    first, *others = bare
    for place in others:
        if bare[place] != bare[first]:
            raise InputError(
                f"two lists of genes differ: {len(bare[first])} genes, and {len(bare[place])}",
                where=f"{first}; {place}",
            )
    genes = bare[first]
    if twice := sorted({gene for gene, n in Counter(genes).items() if n > 1}):
        raise InputError(f"{len(twice)} genes stand more than once: {listing(twice)}", where=first)
    return genes


def _check(key: str, part: dict[str, Any], genes: list[str], path: Path) -> _Split:
    """A split whose parts are there and fit each other."""
    where = f"{path}, {key}"
    if absent := [name for name in ("preds", "real", "wsi_file_name") if part.get(name) is None]:
        raise InputError(
            f"{key} lacks {listing(absent)}", where=f"{where}, which has {listing(part) or 'nothing'}"
        )
    slides = [bare_slide(name) for name in _texts(part["wsi_file_name"], f"{where}, wsi_file_name")]
    if not slides:
        raise InputError(f"{key} has no slides", where=where)
    matrices = {
        name: _matrix(part[name], slides, genes, f"{where}, {name}", missing=name == "real")
        for name in ("preds", "real", "random")
        if part.get(name) is not None
    }
    cohorts = part.get("tcga_project")
    if cohorts is not None:
        cohorts = _texts(cohorts, f"{where}, tcga_project")
        if len(cohorts) != len(slides):
            raise InputError(
                f"there are {len(cohorts)} projects and {len(slides)} slides", where=f"{where}, tcga_project"
            )
    untrained = matrices.get("random")
    return _Split(key, _number(key), slides, matrices["preds"], matrices["real"], untrained, cohorts)


def _texts(value: Any, where: str) -> list[str]:
    items = value.tolist() if isinstance(value, np.ndarray) and value.ndim == 1 else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str | bytes) for item in items):
        raise InputError("this is no list of names", where=where)
    try:
        names = [item.decode() if isinstance(item, bytes) else item.encode().decode() for item in items]
    except UnicodeError as error:
        raise InputError(f"a name is no text: {error}", where=where) from None
    if empty := [i for i, name in enumerate(names, start=1) if not name.strip() or "\0" in name]:
        raise InputError(
            f"{len(empty)} names are empty or no texts", where=f"{where}, number {listing(empty)}"
        )
    return names


def _matrix(
    value: Any, slides: list[str], genes: list[str], where: str, *, missing: bool
) -> NDArray[np.float32]:
    """A matrix of slides × genes without infinite values, and without NaN unless values may be missing."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        kind = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
        raise InputError(f"numbers are needed, and this is {kind}", where=where)
    if value.shape != (len(slides), len(genes)):
        shape = " × ".join(map(str, value.shape))
        raise InputError(
            f"the shape is {shape}, and there are {len(slides)} slides × {len(genes)} genes", where=where
        )
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused
        matrix = value.astype(np.float32)
    bad = np.isinf(matrix) if missing else ~np.isfinite(matrix)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InputError(
            f"{bad.sum()} values are {'' if missing else 'NaN or '}infinite",
            where=f"{where}, first at slide {slides[row]}, gene {genes[column]}",
        )
    return matrix


def _refuse_repeated(splits: list[_Split], path: Path) -> None:
    places: dict[str, list[str]] = {}
    for split in splits:
        for slide in split.slides:
            places.setdefault(slide, []).append(split.key)
    repeated = [f"{slide} ({', '.join(keys)})" for slide, keys in places.items() if len(keys) > 1]
    if repeated:
        raise InputError(f"{len(repeated)} slides stand more than once", where=f"{path}: {listing(repeated)}")


def _slides(
    splits: list[_Split], given: Mapping[str, str] | None, path: Path
) -> tuple[pd.DataFrame, list[str]]:
    """A row for each slide, and what has to be said about slides that name no patient."""
    slides = [slide for split in splits for slide in split.slides]
    table = {bare_slide(slide): patient for slide, patient in (given or {}).items()}
    if given is not None and not any(slide in table for slide in slides):
        raise InputError(
            f"none of the {len(slides)} slides is among the patients that were given",
            where=f"{path}: {listing(slides, 3)}; given: {listing(table, 3)}",
        )
    patients = [table.get(slide) or patient_of(slide) for slide in slides]
    owners = [patient or slide for slide, patient in zip(slides, patients, strict=True)]
    obs = pd.DataFrame({"patient_id": owners}, pd.Index(slides, name="slide", dtype=object), dtype=object)
    obs["fold"] = pd.array([split.fold for split in splits for _ in split.slides], dtype="Int64")
    obs["n_folds"] = 1
    if all(split.cohorts is not None for split in splits):
        obs["cohort"] = [cohort for split in splits for cohort in split.cohorts or []]
    unknown = [slide for slide, patient in zip(slides, patients, strict=True) if not patient]
    n = f"{len(unknown)} of {len(slides)} slides"
    said = f"{n} name no patient, and each counts as one of its own: {listing(unknown, 3)}"
    return obs, [said] if unknown else []


def _left_out(
    content: dict[str, Any], parts: Mapping[str, dict[str, Any]], splits: list[_Split]
) -> list[str]:
    """What was not taken, or is not there."""
    found = []
    numbers = {split.fold for split in splits if split.fold is not None}
    if absent := sorted(set(range(max(numbers, default=-1) + 1)) - numbers):
        found.append(f"{len(absent)} splits are missing: {listing(f'split_{i}' for i in absent)}")
    if not numbers:
        found.append("the file does not say which fold it is")
    others = {str(key): None for part in parts.values() for key in part if key not in _READ}
    others |= {str(key): None for key in content if key not in parts and key not in _READ}
    if others:
        found.append(f"keys that were not read: {listing(others)}")
    for what, here in {
        "random": [split.untrained is not None for split in splits],
        "tcga_project": [split.cohorts is not None for split in splits],
    }.items():
        if any(here) and not all(here):
            found.append(f"{what} is in {sum(here)} of {len(here)} splits, and was left out")
    return found


def _in_several_folds(obs: pd.DataFrame) -> list[str]:
    folds = obs.groupby("patient_id", sort=False)["fold"].nunique()
    several = folds.index[folds > 1]
    if not len(several):
        return []
    n = f"{len(several)} patients have slides in several folds"
    return [f"{n}, so that a network may have been trained on the patient: {listing(several, 3)}"]
