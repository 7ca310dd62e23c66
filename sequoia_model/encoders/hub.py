"""Weights of encoders from the Hugging Face hub, by way of its cache: what is there is never asked for again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sequoia_model.errors import InputError
from sequoia_model.weights.tensors import first_line

_SECONDS = 10  # for the hub's first answer; huggingface_hub itself would try for minutes
#: What timm says of a model, beside its weights.
CONFIG = "config.json"


def cached(repository: str, names: Sequence[str], revision: str | None = None) -> Path | None:
    """The first of these files that the cache of the hub holds; None where it holds none."""
    from huggingface_hub import hf_hub_download

    for name in names:
        try:
            return Path(hf_hub_download(repository, name, revision=revision, local_files_only=True))
        except (OSError, ValueError):  # not there; ValueError: a name that cannot be one
            continue
    return None


def fetch(repository: str, names: Sequence[str], revision: str | None = None, *, way_out: str) -> Path:
    """The first of these files that there is, downloaded where it is not in the cache.

    Parameters
    ----------
    repository : str
        ORG/NAME.
    names : sequence of str
        The better one first.
    revision : str, optional
        Branch, tag or commit.
    way_out : str
        What can be done where the hub cannot be reached, for the error.

    Raises
    ------
    InputError
        If the repository is not there, not open to this user or cannot be reached, or holds none of the files.
    """
    found = cached(repository, names, revision)
    if found is not None:
        return found
    from huggingface_hub import errors, hf_hub_download

    page = f"https://huggingface.co/{repository}"
    try:
        ask(repository, names[-1], revision)
        for name in names:
            try:
                return Path(hf_hub_download(repository, name, revision=revision, etag_timeout=_SECONDS))
            except errors.RemoteEntryNotFoundError:  # its parent also means a connection that broke
                continue
    except errors.GatedRepoError:
        raise InputError(
            f"{repository} is open to those only whom its owner lets in",
            where=page,
            fix=f"ask for access on that page, then hf auth login; or {way_out}",
        ) from None
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.HFValidationError):
        raise InputError(
            "there is no such repository or revision on the hub, or it is private",
            where=page,
            fix="look at the spelling; a private one needs hf auth login",
        ) from None
    except failures() as error:
        raise _unreachable(repository, error, way_out) from None
    raise InputError(f"{repository} holds no {' and no '.join(names)}", where=page, fix=way_out)


def ask(repository: str, name: str, revision: str | None = None, *, seconds: float = _SECONDS) -> None:
    """Ask the hub once, and briefly, whether a file can be had; raises what `huggingface_hub` raises."""
    from huggingface_hub import constants, errors, get_session, get_token, hf_hub_url, utils

    if constants.HF_HUB_OFFLINE:
        raise errors.OfflineModeIsEnabled("HF_HUB_OFFLINE is set")
    tools: Any = utils
    url = hf_hub_url(repository, name, revision=revision)
    answer = get_session().head(url, headers=tools.build_hf_headers(token=get_token()), timeout=seconds)
    try:
        tools.hf_raise_for_status(answer)
    except errors.EntryNotFoundError:
        return  # the repository is there, and the file has another name


def failures() -> tuple[type[Exception], ...]:
    """What goes wrong with connections and disks; the second is of whatever huggingface_hub speaks HTTP with."""
    from huggingface_hub.errors import HfHubHTTPError

    return OSError, HfHubHTTPError.__bases__[0]


def _unreachable(repository: str, why: object, way_out: str) -> InputError:
    from huggingface_hub import constants

    return InputError(
        f"{repository} is not in the cache of the hub, and cannot be downloaded: {first_line(why)}",
        where=str(constants.HF_HUB_CACHE),
        fix=f"{way_out}; or set HF_HOME to where a cache holds it",
    )
