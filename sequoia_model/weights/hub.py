"""Weights of the Hugging Face hub, by way of its cache: what is there is never asked for again."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from sequoia_model.errors import InputError
from sequoia_model.weights.folds import N_PUBLISHED, FoldFiles, PublishedName
from sequoia_model.weights.layouts import CONFIG, SAFETENSORS

PREFIX = "hub:"
_PUBLISHER = "gevaertlab"
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+?(?:-(\d))?")
_OPTIONAL = ("sequoia.json", "genes.csv")
_SECONDS = 10  # for the hub's first answer; huggingface_hub itself would try for minutes


def hub_folds(source: str) -> tuple[list[FoldFiles], PublishedName | None]:
    """The networks of ``hub:ORG/NAME``, downloaded where they are not in the cache.

    Parameters
    ----------
    source : str
        ``hub:ORG/NAME`` means the five repositories NAME-0 to NAME-4, ``hub:ORG/NAME-3`` that one.

    Raises
    ------
    InputError
        If it is no such name, a repository is not there or not open, or the hub cannot be reached.
    """
    repository = source.removeprefix(PREFIX)
    match = _REPOSITORY.fullmatch(repository)
    if match is None:
        example = f"{PREFIX}{_PUBLISHER}/sequoia-brca"
        raise InputError(f"{source!r} names no repository", fix=f"{PREFIX}ORG/NAME, as in {example}")
    organisation, _, name = repository.partition("/")
    published = PublishedName.of(name) if organisation == _PUBLISHER else None
    if match[1]:
        return [_fetch(int(match[1]), repository)], published
    return [_fetch(fold, f"{repository}-{fold}") for fold in range(N_PUBLISHED)], published


def _fetch(fold: int, repository: str) -> FoldFiles:
    """The files of a repository, all of one revision."""
    try:
        config = _file(repository, CONFIG, local=True)
        weights = _file(repository, SAFETENSORS, config.parent.name, local=True)
    except OSError:
        config, weights = _download(repository)
    return FoldFiles(fold, weights, config)


def _download(repository: str) -> tuple[Path, Path]:
    from huggingface_hub import errors

    _refuse_unreachable(repository)
    try:
        config = _file(repository, CONFIG)
        weights = _file(repository, SAFETENSORS, config.parent.name)
        for name in _OPTIONAL:
            with contextlib.suppress(errors.EntryNotFoundError):
                _file(repository, name, config.parent.name)
    except errors.GatedRepoError:
        page = f"https://huggingface.co/{repository}"
        raise InputError(
            "the repository is open to those only whom its owner lets in",
            where=repository,
            fix=f"ask for access at {page}, then hf auth login; or {_way_out(repository)}",
        ) from None
    except errors.RepositoryNotFoundError:
        raise InputError(
            "there is no such repository on the hub, or it is private",
            where=repository,
            fix=f"look at the spelling; {PREFIX}ORG/NAME means NAME-0 to NAME-{N_PUBLISHED - 1}; a private one "
            "needs hf auth login",
        ) from None
    except errors.RemoteEntryNotFoundError:
        raise InputError(
            f"the repository holds no {CONFIG} or no {SAFETENSORS}",
            where=repository,
            fix="other layouts have to be converted",
        ) from None
    except _failures() as error:
        raise _unreachable(repository, error) from None
    return config, weights


def _file(repository: str, name: str, revision: str | None = None, *, local: bool = False) -> Path:
    """A file in the cache, put there first unless `local`; OSError where it cannot be."""
    from huggingface_hub import hf_hub_download

    path = hf_hub_download(repository, name, revision=revision, local_files_only=local, etag_timeout=_SECONDS)
    return Path(path)


def _refuse_unreachable(repository: str) -> None:
    """Ask once, for a few seconds, before the many attempts of a download."""
    from huggingface_hub import constants, get_session, hf_hub_url

    if constants.HF_HUB_OFFLINE:
        raise _unreachable(repository, "HF_HUB_OFFLINE is set")
    try:
        get_session().head(hf_hub_url(repository, CONFIG), timeout=_SECONDS)
    except _failures() as error:
        raise _unreachable(repository, error) from None


def _failures() -> tuple[type[Exception], ...]:
    """What goes wrong with connections and disks; the second is of whatever huggingface_hub speaks HTTP with."""
    from huggingface_hub.errors import HfHubHTTPError

    return OSError, HfHubHTTPError.__bases__[0]


def _unreachable(repository: str, why: object) -> InputError:
    from huggingface_hub import constants

    reason = str(why).partition("\n")[0] or type(why).__name__
    return InputError(
        f"{repository} is not in the cache of the hub, and cannot be downloaded: {reason}",
        where=str(constants.HF_HUB_CACHE),
        fix=f"{_way_out(repository)}; or set HF_HOME to where a cache holds it",
    )


def _way_out(repository: str) -> str:
    name = repository.partition("/")[2]
    return (
        f"download {CONFIG} and {SAFETENSORS} of https://huggingface.co/{repository} elsewhere, put them into "
        f"DIR/{name}/, likewise for the other folds, and give DIR"
    )
