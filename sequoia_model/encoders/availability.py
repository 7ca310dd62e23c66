"""Which encoders this machine can get: packaged, in the cache, on the hub, gated, or not available."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sequoia_model.encoders.packaged import packaged_file
from sequoia_model.encoders.table import ENCODERS, EncoderCard
from sequoia_model.errors import InputError
from sequoia_model.weights.hub import ask, cached, failures, first_line, page
from sequoia_model.weights.tensors import WEIGHT_FILES

State = Literal["packaged", "in the cache", "reachable", "gated", "offline", "missing"]
_SECONDS = 3  # per answer; if the hub cannot be reached once, it is not asked again


@dataclass(frozen=True)
class Availability:
    """Whether the weights of an encoder are available.

    Parameters
    ----------
    card : EncoderCard
    state : {"packaged", "in the cache", "reachable", "gated", "offline", "missing"}
        "gated": the hub answers, but this user has no access.
    detail : str
        Where the weights are, or why they are not available.
    fix : str
        What the user can do; empty if nothing is needed.
    """

    card: EncoderCard
    state: State
    detail: str
    fix: str = ""


def check_encoders() -> Iterator[Availability]:
    """Look for the weights of each encoder of the table without downloading anything."""
    unreachable = ""
    for card in ENCODERS.values():
        found = _on_disk(card)
        if found is None:
            found = _offline(card, unreachable) if unreachable else _on_hub(card)
            unreachable = found.detail if found.state == "offline" else ""
        yield found


def _on_disk(card: EncoderCard) -> Availability | None:
    if card.repository is None:
        try:
            return Availability(card, "packaged", str(packaged_file()))
        except InputError as error:
            return Availability(card, "missing", error.what, error.fix)
    path = cached(card.repository, WEIGHT_FILES)
    return None if path is None else Availability(card, "in the cache", str(path))


def _on_hub(card: EncoderCard) -> Availability:
    from huggingface_hub import errors

    repository = str(card.repository)
    try:
        ask(repository, WEIGHT_FILES[-1], seconds=_SECONDS)
    except errors.GatedRepoError:
        return Availability(
            card, "gated", "no access yet", f"ask for access at {page(repository)}, then hf auth login"
        )
    except errors.RepositoryNotFoundError:  # the hub's answer to users who are not logged in
        return Availability(
            card, "gated", "the hub does not show it to this user", f"hf auth login; {page(repository)}"
        )
    except failures() as error:
        return _offline(card, first_line(error))
    return Availability(card, "reachable", page(repository))


def _offline(card: EncoderCard, why: str) -> Availability:
    files = f"{' or '.join(WEIGHT_FILES)} of {page(str(card.repository))}"
    fix = f"download {files} on another machine, and give --encoder {card.name}@FILE"
    return Availability(card, "offline", why, fix)
