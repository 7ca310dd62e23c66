"""Which encoders this machine can get: packaged, in the cache, on the hub, gated or out of reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sequoia_model.encoders.hub import ask, cached, failures
from sequoia_model.encoders.packaged import packaged_file
from sequoia_model.encoders.table import ENCODERS, EncoderCard
from sequoia_model.errors import InputError
from sequoia_model.weights.tensors import WEIGHT_FILES, first_line

State = Literal["packaged", "in the cache", "reachable", "gated", "offline", "missing"]
_SECONDS = 3  # for the answer on each encoder; once the hub cannot be reached, the others are not asked for


@dataclass(frozen=True)
class Availability:
    """Whether the weights of an encoder can be had.

    Parameters
    ----------
    card : EncoderCard
    state : {"packaged", "in the cache", "reachable", "gated", "offline", "missing"}
        "gated": the hub answers, and does not let this user in.
    detail : str
        Where they are, or why they cannot be had.
    fix : str
        What can be done; empty where nothing has to be.
    """

    card: EncoderCard
    state: State
    detail: str
    fix: str = ""


def check_encoders() -> Iterator[Availability]:
    """Look for the weights of each encoder of the table; nothing is downloaded."""
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
    page = f"https://huggingface.co/{repository}"
    try:
        ask(repository, WEIGHT_FILES[-1], seconds=_SECONDS)
    except errors.GatedRepoError:
        return Availability(card, "gated", "no access yet", f"ask for access at {page}, then hf auth login")
    except errors.RepositoryNotFoundError:  # so it answers to those whom it does not know at all
        return Availability(card, "gated", "the hub does not show it to you", f"hf auth login; {page}")
    except failures() as error:
        return _offline(card, first_line(error))
    return Availability(card, "reachable", page)


def _offline(card: EncoderCard, why: str) -> Availability:
    where = f"{' or '.join(WEIGHT_FILES)} of https://huggingface.co/{card.repository}"
    return Availability(card, "offline", why, f"download {where} elsewhere: --encoder {card.name}@FILE")
