"""Which patient and sample a file of the GDC is of: its sample sheet, or the metadata of its cart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from sequoia_base.flow import Flow
from sequoia_base.tables import find_column, read_header, read_table, read_text
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io._barcodes import read_barcode
from sequoia_stats.io.measured._primary_samples import code_of_words

#: How the GDC's portal names these files.
_SHEETS = ("gdc_sample_sheet*.tsv", "gdc_sample_sheet*.tsv.gz", "sample_sheet*.tsv")
_METADATA = ("metadata*.json", "metadata*.json.gz")
_MANIFESTS = ("gdc_manifest*", "MANIFEST.txt")
_HOW = (
    "download the Sample Sheet or the Metadata of the same cart (or JSON of the API) into the folder, or name it "
    "with --samples FILE"
)


class Entry(NamedTuple):
    """What a sheet or metadata say of a file; "" where they do not.

    Parameters
    ----------
    file_name, file_id : str
        Its name, and the id that its folder is called by.
    patient_id, sample : str
        Whose it is: the sample is a barcode as long as it is known. Several names, with commas, if samples were pooled.
    code : str
        Two digits of the sample type, or words.
    cohort : str
        The project: "TCGA-BRCA".
    """

    file_name: str
    file_id: str
    patient_id: str
    sample: str
    code: str
    cohort: str

    @property
    def is_pooled(self) -> bool:
        """Whether the file is of several samples or patients, and so of none."""
        return "," in self.sample or "," in self.patient_id


def samples_of_files(files: Sequence[Path], folder: Path, given: Path | None, flow: Flow) -> pd.DataFrame:
    """The sample of each file.

    Parameters
    ----------
    files : sequence of path
        Files of the GDC; each is found by its name, or by that of its folder, which is the id of the file.
    folder : path
        Sheets and metadata are looked for here and beside it, unless one is given.
    given : path, optional
        A sample sheet, or metadata as JSON.
    flow : Flow
        Takes a line for files that no sheet names, for those of pooled samples, and for entries without a file.

    Returns
    -------
    DataFrame
        Columns ``sample, patient_id, code, cohort``; index = file.

    Raises
    ------
    InputError
        If there is neither sheet nor metadata, they cannot be read or contradict each other, or name none of the files.
    """
    sources = [given] if given is not None else _found(folder)
    if not sources:
        manifests = [file.name for pattern in _MANIFESTS for file in sorted(folder.glob(pattern))]
        also = f"; a manifest ({manifests[0]}) does not name samples" if manifests else ""
        raise InputError(f"nothing says which samples the files are of{also}", where=str(folder), fix=_HOW)
    entries = _merged(sources)
    by_id = {entry.file_id: name for name, entry in entries.items() if entry.file_id}
    keys = {file: _key(file, entries, by_id) for file in files}
    named = {file: key for file, key in keys.items() if key is not None}
    unnamed = [file.name for file in files if file not in named]
    if not named:
        there = listing((entry.file_name for entry in entries.values()), 2)
        raise InputError(
            f"none of the {len(files)} files is named there",
            where=f"{', '.join(map(str, sources))}; there: {there}; files: {listing(unnamed, 2)}",
            fix=_HOW,
        )
    if unnamed:
        reason = f"not in {listing(source.name for source in sources)}: {listing(unnamed, 2)}"
        flow.add("files: with a sample", len(files), len(named), reason)
    lost = [entry.sample for key, entry in entries.items() if key not in set(named.values())]
    if lost:
        reason = f"{counted(len(lost), 'sample')} of the sample sheet without a file: {listing(lost, 3)}"
        flow.add("samples: with a file", len(entries), len(entries) - len(lost), reason)
    named = _of_one_sample(named, entries, flow)
    rows = [entries[key][2:] for key in named.values()]
    return pd.DataFrame(
        rows, pd.Index(list(named), dtype=object), columns=list(Entry._fields[2:]), dtype=object
    )


def _of_one_sample(named: dict[Path, str], entries: Mapping[str, Entry], flow: Flow) -> dict[Path, str]:
    """The files that are not of pooled samples; the others are counted."""
    pooled = {file: entries[key] for file, key in named.items() if entries[key].is_pooled}
    if not pooled:
        return named
    words = listing((f"{file.name} ({entry.sample})" for file, entry in pooled.items()), 3)
    if len(pooled) == len(named):
        raise InputError(
            "every file is of several samples", where=words, fix="download files of one sample each"
        )
    flow.add("files: of one sample", len(named), len(named) - len(pooled), f"of pooled samples: {words}")
    return {file: key for file, key in named.items() if file not in pooled}


def _key(file: Path, entries: Mapping[str, Entry], by_id: Mapping[str, str]) -> str | None:
    name = _bare(file.name)
    return name if name in entries else by_id.get(file.parent.name)


def _found(folder: Path) -> list[Path]:
    """Sheets and metadata in the folder, or else beside it."""
    for place in (folder, folder.resolve().parent):
        found = sorted({file for pattern in (*_SHEETS, *_METADATA) for file in place.glob(pattern)})
        if found:
            return found
    return []


def _merged(sources: Sequence[Path]) -> dict[str, Entry]:
    """Entries by the name of their file; metadata know the aliquot of a sample, sheets the project."""
    entries: dict[str, Entry] = {}
    for source in sources:
        for new in _read(source):
            old = entries.setdefault(_bare(new.file_name), new)
            if old.is_pooled or new.is_pooled:
                entries[_bare(new.file_name)] = old if old.is_pooled else new
                continue
            shorter, longer = sorted((old, new), key=lambda entry: len(entry.sample))
            if old.patient_id != new.patient_id or not longer.sample.startswith(shorter.sample):
                raise InputError(
                    f"two entries name different samples for one file: {old.sample} and {new.sample}",
                    where=f"{source}, {new.file_name}",
                    fix="keep the sheet of this download, or name it with --samples",
                )
            both = zip(longer, shorter, strict=True)
            entries[_bare(new.file_name)] = Entry(*(one or other for one, other in both))
    return entries


def _read(source: Path) -> list[Entry]:
    is_json = source.name.lower().removesuffix(".gz").endswith(".json")
    entries = _read_json(source) if is_json else _read_sheet(source)
    if not entries:
        raise InputError(
            "no entry is a file of STAR counts", where=str(source), fix="they end in star_gene_counts.tsv"
        )
    return entries


def is_star_counts(name: str) -> bool:
    """Whether a file of this name holds STAR counts with the names of genes, as the GDC has made them since 2022."""
    return name.lower().removesuffix(".gz").endswith("star_gene_counts.tsv")


# --- sample sheets --------------------------------------------------------------------------------------------------


def _read_sheet(source: Path) -> list[Entry]:
    if {"md5", "filename"} <= {title.lower() for title in read_header(source)}:
        raise InputError("a manifest does not name samples", where=str(source), fix=_HOW)
    table = read_table(source, missing=())
    fix = "a sample sheet has the columns File Name, Case ID and Sample ID"
    for title in ("File Name", "Case ID", "Sample ID"):
        find_column(list(table.columns), title, source, fix)
    none = pd.Series("", table.index)
    rows = zip(
        table.index, table["File Name"], table.get("File ID", none), table["Case ID"], table["Sample ID"],
        _codes(table), table.get("Project ID", none), strict=True,
    )  # fmt: skip
    return [
        Entry(
            name,
            file_id,
            _names(case, source, row, "Case ID"),
            _names(sample, source, row, "Sample ID"),
            code,
            project,
        )
        for row, name, file_id, case, sample, code, project in rows
        if is_star_counts(name)
    ]


def _codes(table: pd.DataFrame) -> list[str]:
    """The sample type: by the barcode, or by the words of one column or, since 2024, of two."""
    if "Sample Type" in table:
        words = table["Sample Type"]
    elif {"Tissue Type", "Tumor Descriptor"} <= set(table.columns):
        words = table["Tumor Descriptor"] + " " + table["Tissue Type"]
    else:
        words = pd.Series("", table.index)
    barcodes = table["Sample ID"].map(lambda name: read_barcode(name.split(",")[0]))
    return [
        barcode.code if barcode and barcode.code else code_of_words(text.split(",")[0])
        for barcode, text in zip(barcodes, words, strict=True)
    ]


def _names(cell: str, source: Path, row: int, title: str) -> str:
    """The names in a cell, each once; the GDC repeats them with commas."""
    names = dict.fromkeys(part.strip() for part in cell.split(",") if part.strip())
    if not names:
        raise InputError(
            f"the {title} of a file has no name",
            where=f"{source}, row {row}, column {title!r}",
            fix="leave this file out of the folder and of the sheet",
        )
    return ", ".join(names)


# --- metadata -------------------------------------------------------------------------------------------------------


def _read_json(source: Path) -> list[Entry]:
    try:
        content = json.loads(read_text(source))
    except ValueError as error:
        raise InputError("the metadata are not JSON", where=f"{source} ({error})", fix=_HOW) from None
    if isinstance(content, dict):  # as the API answers
        content = content.get("data", content)
        content = content.get("hits", content) if isinstance(content, dict) else content
    if not isinstance(content, list) or not all(isinstance(entry, dict) for entry in content):
        raise InputError("the metadata are not a list of files", where=str(source), fix=_HOW)
    named = [entry for entry in content if is_star_counts(str(entry.get("file_name", "")))]
    return [_entry(entry, source) for entry in named]


def _entry(entry: dict[str, Any], source: Path) -> Entry:
    case = _first(entry.get("cases"))
    sample = _first(case.get("samples"))
    entities = entry.get("associated_entities")
    names = (
        {_text(one, "entity_submitter_id") for one in entities} - {""}
        if isinstance(entities, list)
        else set()
    )
    name = ", ".join(sorted(names)) or _text(sample, "submitter_id")  # several if samples were pooled
    barcode = read_barcode(name)
    patient = barcode.patient if barcode else _text(case, "submitter_id")
    if not name or not (patient or len(names) > 1):
        raise InputError(
            "the metadata do not name the patient or the sample of a file",
            where=f"{source}, {entry['file_name']}: {name or 'no associated_entities'}",
            fix="take the Sample Sheet of the cart, or ask the API for cases.submitter_id and "
            "cases.samples.sample_type as well",
        )
    code = barcode.code if barcode and barcode.code else code_of_words(_text(sample, "sample_type"))
    cohort = _text(_first([case.get("project")]), "project_id")
    file_id = _text(entry, "file_id") or _text(entry, "id")
    return Entry(str(entry["file_name"]), file_id, patient, name, code, cohort)


def _first(value: Any) -> dict[str, Any]:
    """The first of a list of objects, or an empty one."""
    one = value[0] if isinstance(value, list) and value else {}
    return one if isinstance(one, dict) else {}


def _text(one: Any, key: str) -> str:
    value = one.get(key) if isinstance(one, dict) else None
    return str(value or "").strip()


def _bare(name: str) -> str:
    return name.lower().removesuffix(".gz")
