"""Matrices of UCSC Xena: genes in rows, samples in columns, logarithms taken already."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.atomic import existing_file
from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io._layout import are_summaries, note_summaries
from sequoia_stats.io._sides import refuse_other_side
from sequoia_stats.io._tables import check_ids
from sequoia_stats.io.measured._finish import finish
from sequoia_stats.io.measured._gene_ids import are_symbols, name_columns, read_probe_map
from sequoia_stats.io.measured._primary_samples import one_per_patient, samples_of_names, take_listed
from sequoia_stats.io.measured._units import Unit, parse_unit
from sequoia_stats.types.expression import Expression
from sequoia_stats.types.genes import refuse_dates

#: Words in the names of Xena's files, the particular before the general, and the unit that they mean.
_UNITS = {
    r"(htseq|star)_fpkm[-_]uq": "log2(FPKM-UQ+1)",
    r"(htseq|star)_fpkm": "log2(FPKM+1)",
    r"star_tpm": "log2(TPM+1)",
    r"(htseq|star)_counts": "log2(counts+1)",
    r"rsem_gene_tpm": "log2(TPM+0.001)",
    r"rsem_gene_fpkm": "log2(FPKM+0.001)",
    r"gene_expected_count": "log2(counts+1)",
    r"rsem[._].*norm_count|hiseqv2(?![a-z_])|illuminahiseq_rnaseqv2": "log2(RSEM+1)",
}
_TITLES = ("Ensembl_ID", "sample", "gene", "id", "xena_sample")
_BLOCK = 2**24


def recognises(path: Path) -> bool:
    """Whether a file is called as Xena calls its matrices, or begins with a column ``Ensembl_ID``."""
    if path.is_dir() or path.suffix.lower() in (".h5ad", ".parquet"):
        return False
    if unit_of_name(path) is not None:
        return True
    try:
        return _header(path)[0][0] == _TITLES[0]
    except InputError:
        return False


def unit_of_name(path: Path) -> Unit | None:
    """The unit that the name of a file of Xena states.

    Examples
    --------
    >>> unit_of_name(Path("TCGA-BRCA.htseq_fpkm-uq.tsv.gz")).name
    'log2(FPKM-UQ+1)'
    """
    name = path.name.lower()
    return next((parse_unit(unit) for word, unit in _UNITS.items() if re.search(word, name)), None)


def read_xena(
    path: str | Path,
    *,
    unit: str | None = None,
    probe_map: str | Path | None = None,
    identifiers: str = "symbols",
    samples: str | Path | None = None,
) -> Expression:
    """Read a matrix of UCSC Xena.

    Parameters
    ----------
    path : path
        Text with genes in rows, plain or ``.gz``; the header holds samples.
    unit : str, optional
        The unit; needed if the name of the file does not state it. No logarithm is taken of a logarithm.
    probe_map : path, optional
        Table with the columns ``id`` and ``gene``; by default ``*.probeMap`` beside the matrix, unless genes have
        symbols already.
    identifiers : {"symbols", "as-they-are"}
        Whether ids of genes must become symbols.
    samples : path, optional
        A table whose first column names the samples to take; by default all are.

    Returns
    -------
    Expression
        One primary sample per patient.

    Raises
    ------
    InputError
        If the unit is not stated, or contradicts the name or the values; if ids have no symbols, or a value is not a
        number; if a donor of GTEx has several samples.
    """
    path = existing_file(path)
    stated, said = unit_of_name(path), None if unit is None else parse_unit(unit)
    if stated is not None and said is not None and stated != said:
        raise InputError(
            f"the name of the file says {stated.name}, but --unit {said.name}",
            where=str(path),
            fix="leave --unit out, or give the file another name",
        )
    chosen = said or stated
    if chosen is None:
        raise InputError(
            "the unit is not stated",
            where=f"{path}: the name of the file does not say it",
            fix="--unit 'log2(FPKM-UQ+1)', or another; Xena's page of the data set states it",
        )
    flow = Flow()
    header, delimiter = _header(path)
    names = pd.Series(header[1:], range(2, len(header) + 1), dtype=object)
    check_ids(names, f"{path}, row 1", "columns", "sample")
    named = samples_of_names(pd.Index(names, dtype=object))
    kept = one_per_patient(take_listed(named, samples, str(path), flow), str(path), flow)
    columns = [0, *(i for i, name in enumerate(header) if i and name in kept.index)]
    ids, values = _read(path, delimiter, len(header), columns, flow)
    refuse_other_side(
        header[1:], ids, path, "a matrix of Xena has genes in rows: --format matrix --genes-in columns"
    )
    refuse_dates(ids, str(path))
    symbol_of = _probe_map(path, probe_map, ids, flow) if identifiers == "symbols" or probe_map else None
    naming = name_columns(ids, str(path), flow, symbol_of=symbol_of, identifiers=identifiers)
    patients = pd.Index(kept["patient_id"], name="patient_id")
    return finish(
        pd.DataFrame(values, patients, pd.Index(ids, dtype=object)),
        naming,
        chosen,
        str(path),
        path.name.removesuffix(".gz").removesuffix(".tsv"),
        flow,
        chosen.totals(values),
        kept[["sample"]].set_axis(patients, axis=0),
    )


def _probe_map(path: Path, given: str | Path | None, ids: list[str], flow: Flow) -> dict[str, str] | None:
    """The symbols of ids: from the file given, or from the one beside the matrix that knows most of them.

    Symbols need none, so a file that nobody named is not read then.
    """
    if given is not None:
        return read_probe_map(given)
    beside = sorted(
        file for file in path.parent.iterdir() if "probemap" in file.name.lower() and file.is_file()
    )
    if beside and are_symbols(ids):
        names = listing((file.name for file in beside), 3)
        flow.add("genes: probe map", len(ids), len(ids), f"they are symbols already: {names} is not used")
        return None
    maps = [read_probe_map(file) for file in beside]
    return max(maps, key=lambda symbols: sum(name in symbols for name in ids), default=None)


# --- text -----------------------------------------------------------------------------------------------------------


def _open(path: Path) -> Any:
    import pyarrow as pa

    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return pa.input_stream(str(path), compression="gzip" if packed else None)


def _header(path: Path) -> tuple[list[str], str]:
    import pyarrow as pa

    try:
        with _open(path) as stream:
            data = b""
            while b"\n" not in data and (more := stream.read(2**16)):
                data += more
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(
            "the file cannot be read", where=f"{path} ({error})", fix="download it again"
        ) from None
    line = data.partition(b"\n")[0].decode("utf-8-sig", "replace").rstrip("\r")
    delimiter = "\t" if "\t" in line else ","
    header = [title.strip() for title in next(csv.reader([line], delimiter=delimiter), [])]
    if len(header) < 2:
        raise InputError(
            "the matrix has no columns of samples",
            where=str(path),
            fix="genes are in rows, separated by tabs",
        )
    return header, delimiter


def _read(
    path: Path, delimiter: str, width: int, columns: list[int], flow: Flow
) -> tuple[list[str], NDArray[np.float64]]:
    """Ids of genes, and values of samples × genes. Blocks are held as float32, half as large as the result."""
    ids, lost = list[str](), list[str]()
    blocks: list[NDArray[np.float32]] = []
    for names, block in _blocks(path, delimiter, width, columns):
        summaries = are_summaries(names)
        lost += compress(names, summaries)
        ids += compress(names, ~summaries)
        blocks.append(block[~summaries] if summaries.any() else block)
    note_summaries(len(ids) + len(lost), lost, flow)
    if not ids:
        raise InputError("the matrix has no genes", where=str(path))
    values = np.empty((len(columns) - 1, len(ids)))
    start = 0
    for block in blocks:
        values[:, start : start + len(block)] = block.T
        start += len(block)
    infinite = np.isinf(values)
    if infinite.any():
        gene = ids[int(np.argwhere(infinite)[0][1])]
        raise InputError(
            f"{counted(int(infinite.sum()), 'value is', 'values are')} infinite", where=f"{path}, {gene}"
        )
    return ids, values


def _blocks(
    path: Path, delimiter: str, width: int, columns: list[int]
) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
    import pyarrow as pa
    from pyarrow import csv as arrow

    names = [str(i) for i in range(width)]
    wanted = [names[i] for i in columns]
    types = dict.fromkeys(wanted, pa.float64()) | {names[0]: pa.string()}
    try:
        with (
            _open(path) as stream,
            arrow.open_csv(
                stream,
                arrow.ReadOptions(
                    use_threads=False, block_size=max(_BLOCK, 64 * width), skip_rows=1, column_names=names
                ),
                arrow.ParseOptions(delimiter=delimiter),
                arrow.ConvertOptions(
                    include_columns=wanted, column_types=types, null_values=["", "NA", "NaN", "nan", "null"]
                ),
            ) as reader,
        ):
            for batch in reader:
                numbers = [
                    np.asarray(batch.column(i).to_numpy(zero_copy_only=False)) for i in range(1, len(wanted))
                ]
                yield batch.column(0).to_pylist(), np.stack(numbers, axis=1).astype(np.float32)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(
            "the matrix cannot be read as numbers",
            where=f"{path} ({error})",
            fix="download it again; every row needs an id and a number, or NA, for each sample",
        ) from None
