"""Finds the networks of an ensemble, fold by fold: in a folder, or on the hub."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from sequoia_base.runs import HIDDEN, stored_state
from sequoia_model.errors import InputError, listing
from sequoia_model.splits import published_cancers, read_splits
from sequoia_model.weights._layouts import read_json
from sequoia_model.weights.hub import cached, fetch, fetch_if_there, page
from sequoia_model.weights.side_file import GENES, SEEN, SIDE_FILE, SLIDES, SPLITS, name_of_folder
from sequoia_model.weights.tensors import CONFIG, SAFETENSORS

HUB = "hub:"
#: The record of a training run.
_RUN = "run.json"
_PUBLISHER, _N_PUBLISHED = "gevaertlab", 5
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+?(?:-(\d))?")
_CHECKPOINT = re.compile(r"model_best(?:_(\d+))?\.pt")
_FOLD_FOLDER = re.compile(r"(?:(.*)[-_.])?(?:fold)?(\d+)")
_PUBLISHED = re.compile(r"sequoia-([a-z]+)(?:-(\d+))?")
_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")
_LAYOUT = (
    f"give a folder with {CONFIG} and {SAFETENSORS}, a folder of such folders whose names end in 0, 1, ..., "
    f"a folder with model_best.pt, model_best_1.pt, ..., or one file that ends in {listing(_SUFFIXES)}"
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
        ``config.json``, if there is one.
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
        """What a name such as "sequoia-brca" or "sequoia-brca-3" says; None for any other name."""
        match = _PUBLISHED.fullmatch(name)
        if match is None or match[1].upper() not in published_cancers():
            return None
        fold = None if match[2] is None else int(match[2])
        return PublishedName(match[1].upper(), fold) if fold is None or fold < _N_PUBLISHED else None


def find_folds(source: Path) -> tuple[list[FoldFiles], PublishedName | None]:
    """The networks of a folder by fold, and what their names say if they are published weights.

    Parameters
    ----------
    source : Path
        A folder of weights; of folders of weights whose names end in the fold; or of checkpoints. Or one file of
        weights, ``model.safetensors``, ``*.pt`` or ``*.ckpt``, alone.

    Raises
    ------
    InputError
        If there are no weights, a fold is missing or duplicated, or it is not clear which weights are meant.
    """
    folder = source
    if source.is_file():
        return _one_file(source)
    if not folder.is_dir() and folder.suffix.lower() in _SUFFIXES:
        beside = sorted(file.name for file in folder.parent.glob("*") if file.suffix.lower() in _SUFFIXES)
        raise InputError(
            "the file of weights does not exist",
            where=str(folder),
            fix=f"check the name; its folder has {listing(beside)}" if beside else _LAYOUT,
        )
    if not folder.is_dir():
        on_hub = _REPOSITORY.fullmatch(str(folder))
        fix = f"give {HUB}{folder} for weights on the hub; otherwise {_LAYOUT}" if on_hub else _LAYOUT
        raise InputError("the folder of weights does not exist", where=str(folder), fix=fix)
    name = PublishedName.of(name_of_folder(folder))
    own = _own_files(folder)
    if not own:
        _refuse_unfinished(folder)
        own, name = _folder_of_folders(folder, name)
    elif [files.fold for files in own] == [0] and (name is None or name.fold is not None):
        return [replace(own[0], fold=_fold_alone(folder, name))], name
    _refuse_missing([files.fold for files in own], folder, published=name is not None)
    return own, name


def _one_file(path: Path) -> tuple[list[FoldFiles], PublishedName | None]:
    """One network: its fold is that of the file's name, or of its folder's if that is a published one."""
    if path.suffix.lower() not in _SUFFIXES:
        raise InputError(
            f"weights are files that end in {listing(_SUFFIXES)}, or folders of them",
            where=str(path),
            fix=_LAYOUT,
        )
    config, name = path.with_name(CONFIG), PublishedName.of(name_of_folder(path.resolve().parent))
    if path.suffix.lower() == ".safetensors" and not config.is_file():
        raise _no_config(path)
    checkpoint = _CHECKPOINT.fullmatch(path.name)
    fold = int(checkpoint[1] or 0) if checkpoint else _fold_alone(path.parent, None)
    if name is not None and name.fold is not None:
        fold = name.fold
    return [FoldFiles(fold, path, config if config.is_file() else None)], name


def run_folder_of(folder: Path) -> Path | None:
    """The folder of all folds whose side file also holds for this one: it says so, and this one has no side file."""
    folder = folder.resolve()
    is_fold = _FOLD_FOLDER.fullmatch(folder.name) and not (folder / SIDE_FILE).is_file()
    return folder.parent if is_fold and (folder.parent / SIDE_FILE).is_file() else None


def _fold_alone(folder: Path, name: PublishedName | None) -> int:
    """The fold of a network that is given without the others: only it may predict the patients that it held out."""
    if name is not None:
        return name.fold or 0
    run = run_folder_of(folder)
    if run is None:
        return 0
    if not _is_current(folder.resolve(), _settings(run)):
        raise InputError(
            "the network is of an earlier training, with other settings than the run has now",
            where=str(folder),
            fix="train into the run folder again: it continues",
        )
    return _fold(folder.resolve())


def _refuse_unfinished(folder: Path) -> None:
    """Refuse the folder of a training run of which folds are missing, or left from an earlier training."""
    if not ((folder / HIDDEN).is_dir() and (folder / SPLITS).is_file()):
        return
    n, settings = read_splits(folder / SPLITS).n_folds, _settings(folder)
    trained = [each for each in _numbered(folder) if (each / SAFETENSORS).is_file()]
    done = {_fold(each) for each in trained if _is_current(each, settings)}
    missing = [fold for fold in range(n) if fold not in done]
    if missing:
        one = folder / f"fold_{min(done, default=0)}"
        raise InputError(
            f"the training is not finished: fold {listing(missing)} of {n} is missing",
            where=str(folder),
            fix="train into this folder again: it continues" + (f"; or give one fold, {one}" if done else ""),
        )


def _settings(run: Path) -> object:
    """The settings of a training run, as its record says; None without one."""
    path = run / _RUN
    return read_json(path).get("settings") if path.is_file() else None


def _is_current(fold: Path, settings: object) -> bool:
    """Whether a fold was trained with the settings of the run, whose splits say whom it has not seen.

    A run that is trained anew keeps its old folds until their turn.
    """
    state = stored_state(fold.parent, fold.name)
    return settings is None or not state.state or state.made == settings


def _no_config(path: Path) -> InputError:
    return InputError(
        f"there is no {CONFIG} beside the weights", where=str(path), fix="download or copy it as well"
    )


def hub_folds(source: str) -> tuple[list[FoldFiles], PublishedName | None]:
    """The networks of ``hub:ORG/NAME``, downloaded if they are not in the cache.

    Parameters
    ----------
    source : str
        ``hub:ORG/NAME`` means the five repositories NAME-0 to NAME-4, ``hub:ORG/NAME-3`` only that one.

    Raises
    ------
    InputError
        If it is not such a name, a repository does not exist or is not open, or the hub cannot be reached.
    """
    repository = source.removeprefix(HUB)
    match = _REPOSITORY.fullmatch(repository)
    if match is None:
        example = f"{HUB}{_PUBLISHER}/sequoia-brca"
        raise InputError(
            f"{source!r} is not the name of a repository", fix=f"{HUB}ORG/NAME, such as {example}"
        )
    organisation, _, name = repository.partition("/")
    published = PublishedName.of(name) if organisation == _PUBLISHER else None
    if match[1]:
        return [_hub_files(int(match[1]), repository)], published
    return [_hub_files(fold, f"{repository}-{fold}") for fold in range(_N_PUBLISHED)], published


def _hub_files(fold: int, repository: str) -> FoldFiles:
    """The files of a repository, all of one revision; the side file and its genes come before the weights."""
    way_out = (
        f"download {CONFIG} and {SAFETENSORS} of {page(repository)} on another machine, put them into "
        f"DIR/{repository.partition('/')[2]}/, do the same for the other folds, and give DIR"
    )
    config = fetch(repository, (CONFIG,), way_out=way_out)
    revision = config.parent.name  # the folder of a snapshot is named after its commit
    weights = cached(repository, (SAFETENSORS,), revision)
    if weights is None:
        if fetch_if_there(repository, (SIDE_FILE,), revision, way_out=way_out) is not None:
            for name in (GENES, SPLITS, SLIDES, SEEN):
                fetch_if_there(repository, (name,), revision, way_out=way_out)
        weights = fetch(repository, (SAFETENSORS,), revision, way_out=way_out)
    return FoldFiles(fold, weights, config)


def _folder_of_folders(
    folder: Path, name: PublishedName | None
) -> tuple[list[FoldFiles], PublishedName | None]:
    """Subfolders whose names end in numbers; within an ensemble the names are otherwise the same."""
    numbered = _numbered(folder)
    stems = sorted({_stem(f) for f in numbered if _has_files(f)})
    if not stems:
        raise InputError(_what_is_missing(folder), where=str(folder), fix=_LAYOUT)
    if len(stems) > 1:
        raise InputError(
            f"the folder has several ensembles: {listing(stems)}",
            where=str(folder),
            fix="put each into its own folder",
        )
    found = []
    for each in sorted((f for f in numbered if _stem(f) == stems[0]), key=_fold):
        own = _own_files(each)
        if len(own) != 1:
            what = "the folder has several checkpoints" if own else _what_is_missing(each)
            raise InputError(
                what, where=str(each), fix=f"fold {_fold(each)} needs the weights of one network"
            )
        found.append(replace(own[0], fold=_fold(each)))
    return found, name or PublishedName.of(stems[0])


def _numbered(folder: Path) -> list[Path]:
    """Subfolders whose names end in a number; hidden ones are unfinished outputs."""
    names = (f for f in folder.iterdir() if not f.name.startswith(".") and _FOLD_FOLDER.fullmatch(f.name))
    return [f for f in names if f.is_dir()]


def _stem(folder: Path) -> str:
    match = _FOLD_FOLDER.fullmatch(folder.name)
    return match[1] or "" if match else ""


def _fold(folder: Path) -> int:
    match = _FOLD_FOLDER.fullmatch(folder.name)
    assert match is not None
    return int(match[2])


def _own_files(folder: Path) -> list[FoldFiles]:
    """The weights in the folder itself, by fold."""
    safetensors, config = folder / SAFETENSORS, folder / CONFIG
    # in reverse, so that model_best.pt wins over model_best_0.pt
    files = sorted(folder.glob("model_best*.pt"), reverse=True)
    checkpoints = {int(match[1] or 0): file for file in files if (match := _CHECKPOINT.fullmatch(file.name))}
    if safetensors.is_file() and checkpoints:
        raise InputError(
            f"the folder has {SAFETENSORS} and {listing(f.name for f in checkpoints.values())}",
            where=str(folder),
            fix="keep only one kind of weights in it",
        )
    if safetensors.is_file() and not config.is_file():
        raise _no_config(safetensors)
    if safetensors.is_file():
        return [FoldFiles(0, safetensors, config)]
    beside = config if config.is_file() else None
    return [FoldFiles(fold, checkpoints[fold], beside) for fold in sorted(checkpoints)]


def _has_files(folder: Path) -> bool:
    return any(_CHECKPOINT.fullmatch(f.name) or f.name in (CONFIG, SAFETENSORS) for f in folder.iterdir())


def _what_is_missing(folder: Path) -> str:
    there = (folder / CONFIG).is_file()
    return (
        f"there is a {CONFIG} but no {SAFETENSORS} beside it"
        if there
        else "there are no weights in the folder"
    )


def _refuse_missing(folds: Iterable[int], folder: Path, *, published: bool) -> None:
    """Folds are 0, 1, ... without a gap; published weights have five, each with its own test patients."""
    folds = list(folds)
    twice = sorted({fold for fold in folds if folds.count(fold) > 1})
    if twice:
        raise InputError(f"fold {listing(twice)} is duplicated", where=str(folder))
    n = max(*folds, _N_PUBLISHED - 1) + 1 if published else max(folds) + 1
    missing = [fold for fold in range(n) if fold not in folds]
    if missing:
        raise InputError(
            f"fold {listing(missing)} of {n} is missing",
            where=str(folder),
            fix="add it; for a single network, give its own folder under its published name (sequoia-brca-3)",
        )
