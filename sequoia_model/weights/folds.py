"""Which files of a folder are the networks of an ensemble, and which fold each is of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from sequoia_model.errors import InputError, listing
from sequoia_model.splits import published_cancers
from sequoia_model.weights.layouts import CONFIG, SAFETENSORS

N_PUBLISHED = 5
_CHECKPOINT = re.compile(r"model_best(?:_(\d+))?\.pt")
_FOLD_FOLDER = re.compile(r"(?:(.*)[-_.])?(?:fold)?(\d+)")
_PUBLISHED = re.compile(r"sequoia-([a-z]+)(?:-(\d+))?")
_LAYOUT = (
    f"give a folder with {CONFIG} and {SAFETENSORS}, one with such folders whose names end in 0, 1, ..., "
    "or one with model_best.pt, model_best_1.pt, ..."
)


@dataclass(frozen=True)
class FoldFiles:
    """The files of one network.

    Parameters
    ----------
    fold : int
    weights : Path
        ``model.safetensors`` or a checkpoint.
    config : Path or None
        ``config.json``, where there is one.
    """

    fold: int
    weights: Path
    config: Path | None


@dataclass(frozen=True)
class PublishedName:
    """What the name of published weights says.

    Parameters
    ----------
    cancer : str
        TCGA abbreviation in capitals.
    fold : int or None
        None for all five.
    """

    cancer: str
    fold: int | None

    @staticmethod
    def of(name: str) -> PublishedName | None:
        """What "sequoia-brca" or "sequoia-brca-3" says; None for any other name."""
        match = _PUBLISHED.fullmatch(name)
        if match is None or match[1].upper() not in published_cancers():
            return None
        fold = None if match[2] is None else int(match[2])
        return PublishedName(match[1].upper(), fold) if fold is None or fold < N_PUBLISHED else None


def find_folds(folder: Path) -> tuple[list[FoldFiles], PublishedName | None]:
    """The networks of a folder by fold, and whose published weights they are by their names.

    Parameters
    ----------
    folder : Path
        Weights themselves; folders of weights whose names end in the fold; or checkpoints.

    Raises
    ------
    InputError
        If there are no weights, a fold is missing or there twice, or it is not clear which weights are meant.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise InputError(f"the folder of weights {what}", where=str(folder), fix=_LAYOUT)
    name = PublishedName.of(_name(folder.resolve()))
    own = _own_files(folder)
    if not own:
        own, name = _folder_of_folders(folder, name)
    elif [files.fold for files in own] == [0] and (name is None or name.fold is not None):
        return [replace(own[0], fold=name.fold or 0 if name else 0)], name
    _refuse_missing([files.fold for files in own], folder, published=name is not None)
    return own, name


def _name(folder: Path) -> str:
    """What a folder is called; a snapshot in the hub's cache is called as its repository."""
    if folder.parent.name == "snapshots":
        return folder.parent.parent.name.rpartition("--")[2]
    return folder.name


def _folder_of_folders(
    folder: Path, name: PublishedName | None
) -> tuple[list[FoldFiles], PublishedName | None]:
    """Sub-folders with numbers at the ends of their names; those of an ensemble are called alike otherwise."""
    numbered = [f for f in folder.iterdir() if f.is_dir() and _FOLD_FOLDER.fullmatch(f.name)]
    stems = sorted({_stem(f) for f in numbered if _has_files(f)})
    if not stems:
        raise InputError(_what_is_missing(folder), where=str(folder), fix=_LAYOUT)
    if len(stems) > 1:
        raise InputError(
            f"the folder holds several ensembles: {listing(stems)}",
            where=str(folder),
            fix="give each a folder of its own",
        )
    found = []
    for each in sorted((f for f in numbered if _stem(f) == stems[0]), key=_fold):
        own = _own_files(each)
        if len(own) != 1:
            what = "there are several checkpoints in the folder" if own else _what_is_missing(each)
            raise InputError(
                what, where=str(each), fix=f"fold {_fold(each)} needs the weights of one network"
            )
        found.append(replace(own[0], fold=_fold(each)))
    return found, name or PublishedName.of(stems[0])


def _stem(folder: Path) -> str:
    match = _FOLD_FOLDER.fullmatch(folder.name)
    return match[1] or "" if match else ""


def _fold(folder: Path) -> int:
    match = _FOLD_FOLDER.fullmatch(folder.name)
    assert match is not None
    return int(match[2])


def _own_files(folder: Path) -> list[FoldFiles]:
    """The weights that lie in the folder itself, by fold."""
    safetensors, config = folder / SAFETENSORS, folder / CONFIG
    checkpoints = {
        int(match[1] or 0): file
        for file in sorted(
            folder.glob("model_best*.pt"), reverse=True
        )  # model_best.pt counts, not model_best_0.pt
        if (match := _CHECKPOINT.fullmatch(file.name))
    }
    if safetensors.is_file() and checkpoints:
        raise InputError(
            f"the folder holds {SAFETENSORS} and {listing(f.name for f in checkpoints.values())}",
            where=str(folder),
            fix="leave one kind of weights in it",
        )
    if safetensors.is_file() and not config.is_file():
        raise InputError(
            f"the weights have no {CONFIG} beside them",
            where=str(safetensors),
            fix="download or copy it as well",
        )
    if safetensors.is_file():
        return [FoldFiles(0, safetensors, config)]
    beside = config if config.is_file() else None
    return [FoldFiles(fold, checkpoints[fold], beside) for fold in sorted(checkpoints)]


def _has_files(folder: Path) -> bool:
    return any(_CHECKPOINT.fullmatch(f.name) or f.name in (CONFIG, SAFETENSORS) for f in folder.iterdir())


def _what_is_missing(folder: Path) -> str:
    there = (folder / CONFIG).is_file()
    return (
        f"there is a {CONFIG}, and no {SAFETENSORS} beside it"
        if there
        else "there are no weights in the folder"
    )


def _refuse_missing(folds: Iterable[int], folder: Path, *, published: bool) -> None:
    """Folds are 0, 1, ... without a gap; five of published weights, which held out a patient in one fold each."""
    folds = list(folds)
    twice = sorted({fold for fold in folds if folds.count(fold) > 1})
    if twice:
        raise InputError(f"fold {listing(twice)} is there more than once", where=str(folder))
    n = max(*folds, N_PUBLISHED - 1) + 1 if published else max(folds) + 1
    missing = [fold for fold in range(n) if fold not in folds]
    if missing:
        raise InputError(
            f"fold {listing(missing)} of {n} is missing",
            where=str(folder),
            fix="add it; one network alone is given by its own folder, named as it was published (sequoia-brca-3)",
        )
