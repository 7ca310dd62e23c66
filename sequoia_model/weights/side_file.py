"""``sequoia.json`` beside weights: which encoder, cancer and genes they are of, where their names do not say it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sequoia_model.errors import InputError, listing
from sequoia_model.splits import published_cancers
from sequoia_model.types.bag import canonical_encoder
from sequoia_model.weights.gene_names import read_genes
from sequoia_model.weights.layouts import read_json

NAME, SCHEMA = "sequoia.json", "sequoia-weights-1"
_WORDS = ("schema", "encoder", "cancer", "genes", "note")


@dataclass(frozen=True)
class SideFile:
    """What a side file says of the weights.

    Parameters
    ----------
    encoder : str or None
        Canonical name.
    cancer : str or None
        The published splits that apply.
    says_cancer : bool
        Whether `cancer` is said at all: null says that no splits apply, whatever the names of folders.
    genes : tuple of str or None
        Names of the outputs.
    note : str
        A caveat that goes into every result.
    """

    encoder: str | None = None
    cancer: str | None = None
    says_cancer: bool = False
    genes: tuple[str, ...] | None = None
    note: str = ""


def read_side_file(folder: Path) -> SideFile | None:
    """The side file of a folder, or None.

    Raises
    ------
    InputError
        If it is no JSON, of another schema, holds unknown words, or a value that cannot be used.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    content = read_json(path)
    if content.get("schema") != SCHEMA:
        raise InputError(
            f"the schema is {content.get('schema')!r}",
            where=str(path),
            fix=f'it has to be "schema": "{SCHEMA}"',
        )
    unknown = [word for word in content if word not in _WORDS]
    if unknown:
        raise InputError(
            f"{listing(map(repr, unknown))} is unknown", where=str(path), fix=f"there are {listing(_WORDS)}"
        )
    for word in _WORDS:
        value = content.get(word)
        if value is not None and not (isinstance(value, str) and value.strip()):
            raise InputError(f"{word} is {value!r}, and a text is needed", where=str(path))
    encoder, cancer, genes = (content.get(word) for word in ("encoder", "cancer", "genes"))
    if cancer is not None and cancer.upper() not in published_cancers():
        raise InputError(
            f"there are no published splits of the cancer {cancer!r}",
            where=str(path),
            fix=f"it is null, or one of {listing(published_cancers(), 16)}",
        )
    return SideFile(
        encoder=canonical_encoder(encoder) if encoder else None,
        cancer=cancer.upper() if cancer else None,
        says_cancer="cancer" in content,
        genes=read_genes(folder / genes) if genes else None,
        note=content.get("note") or "",
    )
