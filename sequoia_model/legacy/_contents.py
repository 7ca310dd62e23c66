"""The content of ``test_results.pkl``, checked: its folds, and the genes that they share; or means over all folds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sequoia_base.names import bare_slide, patient_of
from sequoia_model.errors import InputError, counted, listing, with_article
from sequoia_model.legacy._frames import Table
from sequoia_model.legacy._unpickler import load

_SPLIT = re.compile(r"split_(0|[1-9]\d*)")
_READ = ("preds", "real", "random", "wsi_file_name", "tcga_project", "genes")


@dataclass(frozen=True, eq=False)
class FoldResults:
    """The results of one fold.

    Parameters
    ----------
    key : str
        Its key in the file.
    fold : int, optional
        Its number; None if the file does not state it.
    slides : list of str
        Names of the slides, without endings.
    predicted : array of shape (slides, genes), float32
        Expression.
    measured : array of shape (slides, genes), float32, optional
        Measured expression; values may be NaN.
    untrained : array of shape (slides, genes), float32, optional
        Predictions of an untrained network.
    cohorts : list of str, optional
        Project of each slide.
    """

    key: str
    fold: int | None
    slides: list[str]
    predicted: NDArray[np.float32]
    measured: NDArray[np.float32] | None
    untrained: NDArray[np.float32] | None
    cohorts: list[str] | None


@dataclass(frozen=True, eq=False)
class Contents:
    """What the file holds.

    Parameters
    ----------
    folds : list of FoldResults
        In the order of their numbers. One without a number if the file holds the means of all networks.
    genes : list of str
        Names of the columns of all matrices.
    warnings : list of str
        What is missing, or was not read.
    averaged : bool
        Whether the predictions are means of the networks of all folds, as the published code writes them for slides
        of other cohorts.
    """

    folds: list[FoldResults]
    genes: list[str]
    warnings: list[str]
    averaged: bool = False


def read_contents(path: Path, *, repeated: bool = False) -> Contents:
    """Read and check a file of results.

    Parameters
    ----------
    path : path
        The file.
    repeated : bool, default False
        Whether a slide may be in several splits.

    Raises
    ------
    InputError
        As `sequoia_model.legacy.read_results`.
    """
    content = load(path)
    if isinstance(content, dict) and isinstance(content.get("pred"), Table):
        return _averaged(content, path)
    parts = _splits(content, path)
    genes = _genes(content, parts, path)
    folds = [_check(key, part, genes, path) for key, part in parts.items()]
    if not repeated:
        _refuse_repeated(folds, path)
    return Contents(folds, genes, _left_out(content, parts, folds))


def _averaged(content: dict[Any, Any], path: Path) -> Contents:
    """Predictions of slides of another cohort: a table of means, and perhaps one of untrained networks."""
    table, other = content["pred"], content.get("random")
    where = f"{path}, pred"
    genes = _bare(_texts(table.columns, f"{where}, columns"))
    _refuse_duplicated(genes, where)
    slides = [bare_slide(name) for name in _texts(table.index, f"{where}, rows")]
    if not slides or not genes:
        raise InputError("the table of predictions is empty", where=where)
    if not any(map(patient_of, slides)) and all(map(patient_of, genes)):
        raise InputError(
            f"the columns are slides and the rows are genes: {listing(genes, 3)}",
            where=where,
            fix="in the program that wrote it, turn both tables (pred.T, random.T) and save again",
        )
    untrained = None
    if other is not None:
        place = f"{path}, random"
        if not isinstance(other, Table):
            raise InputError(f"this must be a table, but is {_kind(other)}", where=place)
        values = _aligned(other, list(table.index), list(table.columns), place, "pred")
        untrained = _matrix(values, slides, genes, place, missing=False)
    predicted = _matrix(table.values, slides, genes, where, missing=False)
    fold = FoldResults("pred", None, slides, predicted, None, untrained, None)
    _refuse_repeated([fold], path)
    unread = [str(key) for key in content if key not in ("pred", "random")]
    warnings = [f"keys that were not read: {listing(unread)}"] if unread else []
    return Contents([fold], genes, warnings, averaged=True)


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
            else _kind(content)
        )
        if isinstance(content, dict) and isinstance(content.get("pred"), list | tuple | np.ndarray):
            held += f"; pred is {_kind(content['pred'])}"
        raise InputError(
            "the file does not hold cross-validation results",
            where=f"{path}, which holds {held[:200]}",
            fix="it needs split_0, split_1, …, each with preds, real and wsi_file_name, and genes; or pred and "
            "random, each one table of slides × genes (of several, the mean)",
        )
    return dict(sorted(found.items(), key=lambda item: _number(item[0]) or 0))


def _number(key: str) -> int | None:
    match = _SPLIT.fullmatch(key)
    return int(match[1]) if match else None


def _genes(content: dict[str, Any], parts: Mapping[str, dict[str, Any]], path: Path) -> list[str]:
    """The genes, without the prefix that they have in some places; all places must agree."""
    places = {f"{path}, genes": content} | {f"{path}, {key}, genes": part for key, part in parts.items()}
    lists = {place: _texts(holder["genes"], place) for place, holder in places.items() if "genes" in holder}
    if not lists:
        raise InputError("the key 'genes' is missing", where=str(path))
    bare = {place: _bare(names) for place, names in lists.items()}
    first, *others = bare
    for place in others:
        if bare[place] != bare[first]:
            raise InputError(
                f"two lists of genes differ: one has {len(bare[first]):,} genes, the other {len(bare[place]):,}",
                where=f"{first}; {place}",
            )
    _refuse_duplicated(bare[first], first)
    return bare[first]


def _bare(genes: list[str]) -> list[str]:
    """Names without the prefix that all of them have in some places."""
    return (
        [name.removeprefix("rna_") for name in genes] if all(n.startswith("rna_") for n in genes) else genes
    )


def _refuse_duplicated(genes: list[str], where: str) -> None:
    if twice := sorted({gene for gene, n in Counter(genes).items() if n > 1}):
        noun = counted(len(twice), "gene is", "genes are")
        raise InputError(f"{noun} duplicated: {listing(twice)}", where=where)


def _check(key: str, part: dict[str, Any], genes: list[str], path: Path) -> FoldResults:
    """A split, checked: it has all its parts, and they fit each other."""
    where = f"{path}, {key}"
    if absent := [name for name in ("preds", "real", "wsi_file_name") if part.get(name) is None]:
        raise InputError(
            f"{key} lacks {listing(absent)}", where=f"{where}, which has {listing(part) or 'nothing'}"
        )
    slides = [bare_slide(name) for name in _texts(part["wsi_file_name"], f"{where}, wsi_file_name")]
    if not slides:
        raise InputError(f"{key} has no slides", where=where)
    matrices = {
        name: _matrix(
            _plain(part[name], slides, genes, f"{where}, {name}"),
            slides,
            genes,
            f"{where}, {name}",
            missing=name == "real",
        )
        for name in ("preds", "real", "random")
        if part.get(name) is not None
    }
    cohorts = part.get("tcga_project")
    if cohorts is not None:
        cohorts = _texts(cohorts, f"{where}, tcga_project")
        if len(cohorts) != len(slides):
            raise InputError(
                f"there are {counted(len(cohorts), 'project')} for {counted(len(slides), 'slide')}",
                where=f"{where}, tcga_project",
            )
    untrained = matrices.get("random")
    return FoldResults(key, _number(key), slides, matrices["preds"], matrices["real"], untrained, cohorts)


def _plain(value: Any, slides: list[str], genes: list[str], where: str) -> Any:
    """The values of a table in the order of the slides and genes; rows or columns that only count are in it already."""
    if not isinstance(value, Table) or value.values.shape != (len(slides), len(genes)):
        return value.values if isinstance(value, Table) else value
    rows, columns = value.index, value.columns
    index = (
        slides if isinstance(rows, range) else [bare_slide(name) for name in _texts(rows, f"{where}, rows")]
    )
    titles = genes if isinstance(columns, range) else _bare(_texts(columns, f"{where}, columns"))
    return _aligned(Table(value.values, index, titles), slides, genes, where, "wsi_file_name and genes")


def _aligned(table: Table, rows: list[Any], columns: list[Any], where: str, others: str) -> NDArray[Any]:
    """The values of a table in the order of these rows and columns, which it must have."""
    places = []
    for what, own, wanted in (("slides", table.index, rows), ("genes", table.columns, columns)):
        if list(own) == wanted:
            places.append(np.arange(len(wanted)))
            continue
        found, asked = {name: i for i, name in enumerate(own)}, set(wanted)
        if len(own) != len(wanted) or found.keys() != asked:
            odd = [str(name) for name in (*own, *wanted) if name not in found or name not in asked]
            raise InputError(
                f"the {what} are not those of {others}: {len(own):,} here, {len(wanted):,} there",
                where=f"{where}: {listing(odd, 3)}" if odd else where,
                fix=f"save it with the same {what}, in any order",
            )
        places.append(np.array([found[name] for name in wanted], dtype=np.intp))
    return table.values[np.ix_(*places)]


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    if isinstance(value, list | tuple) and value and all(isinstance(item, Table) for item in value):
        return f"a list of {counted(len(value), 'table')}"
    return with_article(type(value).__name__.lower())


def _texts(value: Any, where: str) -> list[str]:
    items = value.tolist() if isinstance(value, np.ndarray) and value.ndim == 1 else value
    if not _is_list(items) or not all(isinstance(item, str | bytes) for item in items):
        some = (
            next((item for item in items if not isinstance(item, str | bytes)), None)
            if _is_list(items)
            else None
        )
        raise InputError(
            "this is not a list of names" + (f": it holds {str(some)[:40]}" if some is not None else ""),
            where=where,
            fix="in the program that wrote it, give names: texts in a list, and for a table as its index (slides) and "
            "columns (genes)",
        )
    try:
        names = [item.decode() if isinstance(item, bytes) else item.encode().decode() for item in items]
    except UnicodeError as error:
        raise InputError(f"a name is not text: {error}", where=where) from None
    if empty := [i for i, name in enumerate(names, start=1) if not name.strip() or "\0" in name]:
        raise InputError(
            f"{counted(len(empty), 'name is', 'names are')} empty or not text",
            where=f"{where}, number {listing(empty)}",
        )
    return names


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | range)


def _matrix(
    value: Any, slides: list[str], genes: list[str], where: str, *, missing: bool
) -> NDArray[np.float32]:
    """A matrix of slides × genes without infinite values, and without NaN unless values may be missing."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        raise InputError(
            f"this must be numbers, but is {_kind(value)}",
            where=where,
            fix="in the program that wrote it, make it an array of slides × genes (numpy.asarray) and save again",
        )
    if value.shape != (len(slides), len(genes)):
        shape = " × ".join(map(str, value.shape))
        raise InputError(
            f"the shape is {shape}, but there are {counted(len(slides), 'slide')} × {counted(len(genes), 'gene')}",
            where=where,
        )
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite, and is refused
        matrix = value.astype(np.float32)
    bad = np.isinf(matrix) if missing else ~np.isfinite(matrix)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InputError(
            f"{counted(int(bad.sum()), 'value is', 'values are')} {'' if missing else 'NaN or '}infinite",
            where=f"{where}, first at slide {slides[row]}, gene {genes[column]}",
        )
    return matrix


def _refuse_repeated(folds: list[FoldResults], path: Path) -> None:
    places: dict[str, list[str]] = {}
    for fold in folds:
        for slide in fold.slides:
            places.setdefault(slide, []).append(fold.key)
    repeated = [f"{slide} ({', '.join(keys)})" for slide, keys in places.items() if len(keys) > 1]
    if repeated:
        noun = counted(len(repeated), "slide is", "slides are")
        raise InputError(f"{noun} duplicated", where=f"{path}: {listing(repeated)}")


def _left_out(
    content: dict[str, Any], parts: Mapping[str, dict[str, Any]], folds: list[FoldResults]
) -> list[str]:
    """What was not read, or is missing."""
    found = []
    numbers = {fold.fold for fold in folds if fold.fold is not None}
    if absent := sorted(set(range(max(numbers, default=-1) + 1)) - numbers):
        found.append(
            f"{counted(len(absent), 'split is', 'splits are')} missing: {listing(f'split_{i}' for i in absent)}"
        )
    if not numbers:
        found.append("the file does not say which fold it is")
    others = {str(key): None for part in parts.values() for key in part if key not in _READ}
    others |= {str(key): None for key in content if key not in parts and key not in _READ}
    if others:
        found.append(f"keys that were not read: {listing(others)}")
    for what, here in {
        "random": [fold.untrained is not None for fold in folds],
        "tcga_project": [fold.cohorts is not None for fold in folds],
    }.items():
        if any(here) and not all(here):
            found.append(f"{what} is in {sum(here)} of {counted(len(here), 'split')} only, and was left out")
    return found
