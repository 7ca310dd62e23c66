"""What the name of an encoder means: a row of the table, a network of timm or of the hub, or a folder."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sequoia_model.encoders.table import ENCODERS
from sequoia_model.errors import InputError
from sequoia_model.types.bag import canonical_encoder, is_known_encoder

_HUB, _TIMM = "hf-hub:", "timm:"
_FORMS = f"{', '.join(ENCODERS)}, timm:NAME, hf-hub:ORG/NAME, ENCODER@FILE, or a folder with config.json"


@dataclass(frozen=True)
class EncoderSource:
    """Where an encoder comes from.

    Parameters
    ----------
    kind : {"card", "timm", "hub", "folder"}
        A row of the table, timm's own weights, a repository of the hub, or a folder as the hub stores one.
    word : str
        Name in the table or in timm, ORG/NAME, or the folder.
    weights : str
        File or folder of weights on disk, where one was given behind ``@``.
    revision : str, optional
        Of the repository.
    """

    kind: Literal["card", "timm", "hub", "folder"]
    word: str
    weights: str = ""
    revision: str | None = None


def parse_name(name: str) -> EncoderSource:
    """Read the name of an encoder.

    Parameters
    ----------
    name : str
        Of the table, in any spelling; ``timm:NAME``, ``hf-hub:ORG/NAME`` (``@REVISION`` behind it), a folder; the
        first two with ``@FILE`` or ``@FOLDER`` behind them for weights on disk.

    Raises
    ------
    InputError
        If it is empty or means none of these; near names are offered.

    Examples
    --------
    >>> parse_name("UNI_v1").word
    'uni'
    >>> parse_name("hf-hub:MahmoodLab/UNI").kind
    'card'
    """
    name = name.strip()
    word, at, behind = name.partition("@")
    if at and not behind:
        raise InputError(f"nothing stands behind the @ of {name!r}", fix=f"{word}@FILE, or {word}@FOLDER")
    if not word:
        raise InputError("the name of the encoder is empty", fix=_FORMS)
    if name.startswith(_TIMM):
        return EncoderSource("timm", word.removeprefix(_TIMM), weights=behind)
    if name.startswith(_HUB):
        return _of_hub(word.removeprefix(_HUB), behind or None)
    if canonical_encoder(word) in ENCODERS:
        return EncoderSource("card", canonical_encoder(word), weights=behind)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return EncoderSource("folder", str(folder))
    raise _unknown(name, word)


def _of_hub(repository: str, revision: str | None) -> EncoderSource:
    organisation, slash, name = repository.partition("/")
    if not (organisation and slash and name) or "/" in name:
        raise InputError(f"{_HUB}{repository} names no repository", fix=f"{_HUB}ORG/NAME")
    if canonical_encoder(repository) in ENCODERS and revision is None:
        return EncoderSource("card", canonical_encoder(repository))
    return EncoderSource("hub", repository, revision=revision)


def _unknown(name: str, word: str) -> InputError:
    if Path(name).is_file():
        what = f"{name} is a file, and does not say which encoder its weights are of"
        return InputError(what, fix=f"ENCODER@{name}, with ENCODER one of {', '.join(ENCODERS)}")
    if is_known_encoder(word):
        what = f"features of {canonical_encoder(word)} can be read, and tiles cannot be embedded with it here"
        return InputError(what, fix=f"one of {_FORMS}")
    near = difflib.get_close_matches(canonical_encoder(word), ENCODERS, n=3, cutoff=0.5)
    offered = f"did you mean {' or '.join(near)}? " if near else ""
    return InputError(f"there is no encoder {name!r}", fix=f"{offered}known are {_FORMS}")
