"""The Hugging Face hub, through its cache: what the cache holds is used without asking the hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sequoia_model.errors import InputError

_SECONDS = 10  # for the hub's first answer; huggingface_hub itself would try for minutes


def cached(repository: str, names: Sequence[str], revision: str | None = None) -> Path | None:
    """The first of these files that is in the cache, or None."""
    from huggingface_hub import hf_hub_download

    for name in names:
        try:
            return Path(hf_hub_download(repository, name, revision=revision, local_files_only=True))
        except (OSError, ValueError):  # not there; ValueError: not a valid name of a repository
            continue
    return None


def fetch(repository: str, names: Sequence[str], revision: str | None = None, *, way_out: str) -> Path:
    """The first of these files that exists, downloaded if it is not in the cache.

    Parameters
    ----------
    repository : str
        ORG/NAME.
    names : sequence of str
        File names, the preferred one first.
    revision : str, optional
        Branch, tag or commit.
    way_out : str
        What the user can do if the hub cannot be reached; part of the error.

    Raises
    ------
    InputError
        If the repository does not exist, is not open to this user or cannot be reached, or has none of the files.
    """
    found = fetch_if_there(repository, names, revision, way_out=way_out)
    if found is None:
        raise InputError(f"{repository} has no {' and no '.join(names)}", where=page(repository), fix=way_out)
    return found


def fetch_if_there(
    repository: str, names: Sequence[str], revision: str | None = None, *, way_out: str
) -> Path | None:
    """As `fetch`, but None if the repository has none of the files."""
    found = cached(repository, names, revision)
    if found is not None:
        return found
    from huggingface_hub import errors, hf_hub_download

    try:
        ask(repository, names[-1], revision)
        for name in names:
            try:
                return Path(hf_hub_download(repository, name, revision=revision, etag_timeout=_SECONDS))
            except errors.RemoteEntryNotFoundError:  # its parent class also means a broken connection
                continue
    except errors.GatedRepoError:
        raise InputError(
            f"{repository} is gated: its owner has not given you access",
            where=page(repository),
            fix=f"ask for access on that page, then hf auth login; or {way_out}",
        ) from None
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.HFValidationError):
        raise InputError(
            f"the hub has no such repository or revision, or it is private: {repository}",
            where=page(repository),
            fix="check the spelling; a private repository needs hf auth login",
        ) from None
    except failures() as error:
        raise _unreachable(repository, error, way_out) from None
    return None


def ask(repository: str, name: str, revision: str | None = None, *, seconds: float | None = None) -> None:
    """Ask the hub once, and briefly, whether a file is available; raises what `huggingface_hub` raises."""
    from huggingface_hub import constants, errors, get_session, get_token, hf_hub_url, utils

    if constants.HF_HUB_OFFLINE:
        raise errors.OfflineModeIsEnabled("HF_HUB_OFFLINE is set")
    tools: Any = utils
    url = hf_hub_url(repository, name, revision=revision)
    headers = tools.build_hf_headers(token=get_token())
    answer = get_session().head(url, headers=headers, timeout=seconds or _SECONDS)
    try:
        tools.hf_raise_for_status(answer)
    except errors.EntryNotFoundError:
        return  # the repository exists, and the file has another name


def failures() -> tuple[type[Exception], ...]:
    """What broken connections and full disks raise; the second is from the HTTP library that huggingface_hub uses."""
    from huggingface_hub.errors import HfHubHTTPError

    return OSError, HfHubHTTPError.__bases__[0]


def page(repository: str) -> str:
    """The web page of a repository."""
    return f"https://huggingface.co/{repository}"


def first_line(error: object) -> str:
    """The first line of an error; the rest is often advice from a library."""
    return str(error).partition("\n")[0] or type(error).__name__


def _unreachable(repository: str, why: object, way_out: str) -> InputError:
    from huggingface_hub import constants

    return InputError(
        f"{repository} is not in the hub's cache and cannot be downloaded: {first_line(why)}",
        where=str(constants.HF_HUB_CACHE),
        fix=f"{way_out}; or set HF_HOME to a folder whose cache has it",
    )
