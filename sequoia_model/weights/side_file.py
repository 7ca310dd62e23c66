"""The side file (``sequoia.json``) says what weights belong to: encoder, genes, unit, and whom they have seen."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from sequoia_base.atomic import write_text
from sequoia_model.errors import InputError, listing
from sequoia_model.patients import read_patient_table, read_patients
from sequoia_model.splits import Splits, published_cancers, read_splits
from sequoia_model.types.bag import canonical_encoder
from sequoia_model.weights._layouts import digest, read_json
from sequoia_model.weights.gene_lists import read_genes

SIDE_FILE = "sequoia.json"
_SCHEMA = "sequoia-weights-1"
_WORDS = ("schema", "encoder", "cancer", "genes", "units", "note", "splits", "slides", "seen", "tile_um")
#: The tables that `write_side_file` writes beside it.
GENES, SPLITS, SLIDES, SEEN = "genes.csv", "splits.csv", "slides.csv", "seen.csv"


@dataclass(frozen=True)
class SideFile:
    """What ``sequoia.json`` says about weights whose folder name does not say it.

    Parameters
    ----------
    encoder : str or None
        Canonical name.
    cancer : str or None
        The cancer whose published splits apply.
    says_cancer : bool
        Whether the file mentions the cancer: null says that no published splits apply, whatever the folders are
        called.
    genes : tuple of str or None
        Names of the outputs.
    units : str
        The unit in which the networks predict; empty if the file does not say.
    note : str
        A caveat that goes into every result.
    splits : Splits or None
        Which patients each fold was trained on, and which it has not seen.
    slides : mapping of str to str
        The patient of each slide in training, by which slides are recognised whose names are not barcodes.
    seen : frozenset of str
        Patients outside these splits on whom the networks, or those from which they started, were trained.
    digests : tuple of str
        SHA-256 of the files of splits, slides and patients seen, by which two side files are compared.
    tile_um : float or None
        Side in µm of the tiles whose features the networks learnt from; None if the file does not say.
    """

    encoder: str | None = None
    cancer: str | None = None
    says_cancer: bool = False
    genes: tuple[str, ...] | None = None
    units: str = ""
    note: str = ""
    splits: Splits | None = field(default=None, compare=False)
    slides: Mapping[str, str] = field(default_factory=dict, compare=False)
    seen: frozenset[str] = field(default=frozenset(), compare=False)
    digests: tuple[str, ...] = ()
    tile_um: float | None = None


def read_side_file(folder: Path) -> SideFile | None:
    """The side file of a folder, or None.

    Raises
    ------
    InputError
        If it is not valid JSON, has another schema, an unknown entry, or a value that cannot be used; if a table that
        it names cannot be read.
    """
    path = folder / SIDE_FILE
    if not path.is_file():
        return None
    content = read_json(path)
    _check(content, path)
    encoder, cancer = content.get("encoder"), content.get("cancer")
    genes, splits, slides, seen = (
        folder / content[word] if content.get(word) else None
        for word in ("genes", "splits", "slides", "seen")
    )
    return SideFile(
        encoder=canonical_encoder(encoder) if encoder else None,
        cancer=cancer.upper() if cancer else None,
        says_cancer="cancer" in content or splits is not None,
        genes=read_genes(genes) if genes else None,
        units=content.get("units") or "",
        note=content.get("note") or "",
        splits=_read_splits(splits) if splits else None,
        slides=read_patients(slides) if slides else {},
        seen=frozenset(read_patient_table(seen)["patient_id"]) if seen else frozenset(),
        digests=tuple(digest(file) for file in (splits, slides, seen) if file),
        tile_um=None if content.get("tile_um") is None else float(content["tile_um"]),
    )


def write_side_file(
    folder: str | Path,
    *,
    encoder: str | None,
    genes: Sequence[str],
    units: str,
    note: str = "",
    splits: Splits | None = None,
    slides: Mapping[str, str] | None = None,
    seen: Collection[str] = (),
    tile_um: float | None = None,
) -> None:
    """Write ``sequoia.json`` beside weights, and the tables that it names; existing ones are replaced.

    Parameters
    ----------
    folder : path
        The folder that holds the networks, or the folders of the folds.
    encoder : str, optional
        The encoder whose features the networks take.
    genes : sequence of str
        Names of the outputs, written as ``genes.csv``.
    units : str
        The unit in which the networks predict.
    note : str
        A caveat that goes into every result.
    splits : Splits, optional
        Which patients each fold was trained on, written as ``splits.csv``. A patient in them is then predicted by the
        fold that held the patient out.
    slides : mapping of str to str, optional
        The patient of each slide in training, written as ``slides.csv``; needed where names of slides do not tell it.
    seen : collection of str
        Patients outside the splits on whom the networks started to learn, written as ``seen.csv``.
    tile_um : float, optional
        Side in µm of the tiles whose features the networks learn from.

    Raises
    ------
    InputError
        If a file cannot be written. The side file is written last, so it never names a table that is not there.
    """
    folder = Path(folder)
    content: dict[str, Any] = {
        "schema": _SCHEMA,
        "encoder": encoder,
        "cancer": None,
        "genes": GENES,
        "units": units,
    }
    write_text(folder / GENES, "".join(f"{name}\n" for name in ("gene", *genes)))
    if splits is not None:
        splits.save(folder / SPLITS)
        content["splits"] = SPLITS
    if slides:
        table = pd.DataFrame({"slide": list(slides), "patient_id": list(slides.values())}).sort_values(
            "slide"
        )
        write_text(folder / SLIDES, table.to_csv(index=False, lineterminator="\n"))
        content["slides"] = SLIDES
    if seen:
        write_text(folder / SEEN, "".join(f"{name}\n" for name in ("patient_id", *sorted(seen))))
        content["seen"] = SEEN
    content |= {"note": note} if note else {}
    content |= {} if tile_um is None else {"tile_um": tile_um}
    write_text(folder / SIDE_FILE, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _check(content: Mapping[str, Any], path: Path) -> None:
    """Refuse a schema, an entry or a value that is not known."""
    if content.get("schema") != _SCHEMA:
        raise InputError(
            f"the schema is {content.get('schema')!r}", where=str(path), fix=f'"schema" must be "{_SCHEMA}"'
        )
    unknown = [word for word in content if word not in _WORDS]
    if unknown:
        raise InputError(
            f"unknown entries: {listing(map(repr, unknown))}",
            where=str(path),
            fix=f"valid are {listing(_WORDS)}",
        )
    side = content.get("tile_um")
    if side is not None and not (type(side) in (int, float) and 0 < side < math.inf):
        raise InputError(f"tile_um is {side!r} but must be a number of µm above 0", where=str(path))
    for word in set(_WORDS) - {"tile_um"}:
        value = content.get(word)
        if value is not None and not (isinstance(value, str) and value.strip()):
            raise InputError(f"{word} is {value!r} but must be text", where=str(path))
    cancer = content.get("cancer")
    if cancer is not None and cancer.upper() not in published_cancers():
        raise InputError(
            f"there are no published splits of the cancer {cancer!r}",
            where=str(path),
            fix=f"use null, or one of {listing(published_cancers(), 16)}",
        )
    if cancer is not None and content.get("splits") is not None:
        raise InputError(
            "there are splits, and a cancer whose published splits would apply",
            where=str(path),
            fix='keep "splits", and make "cancer" null; or leave out "splits"',
        )


def name_of_folder(folder: Path) -> str:
    """Name of a folder of weights; that of the repository for a snapshot in the hub's cache."""
    folder = folder.resolve()
    if folder.parent.name == "snapshots":
        return folder.parent.parent.name.rpartition("--")[2]
    return folder.name


def _read_splits(path: Path) -> Splits:
    """Splits that are named after the folder of the weights, as messages and provenance call them."""
    splits = read_splits(path)
    return Splits(splits.roles, splits.cohort, f"the splits of {name_of_folder(path.parent)}", splits.note)
