"""STAR counts of the GDC: a folder with one file per sample, as gdc-client or the portal downloads it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import count_jobs
from sequoia_base.flow import Flow
from sequoia_base.search import walk
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.io._layout import are_summaries, note_summaries
from sequoia_stats.io.measured._gene_ids import SymbolColumns, are_y_copies, count_types
from sequoia_stats.io.measured._primary_samples import one_per_patient
from sequoia_stats.io.measured._sample_sheets import is_star_counts, samples_of_files
from sequoia_stats.io.measured._units import Unit, parse_unit
from sequoia_stats.types.expression import Expression

#: Columns of values, and their units.
COLUMN_UNITS = {
    "fpkm_uq_unstranded": "FPKM-UQ", "fpkm_unstranded": "FPKM", "tpm_unstranded": "TPM",
    "unstranded": "counts", "stranded_first": "counts", "stranded_second": "counts",
}  # fmt: skip
#: The types of genes of the paper.
CATEGORIES = ("protein_coding", "miRNA", "lncRNA")
_NAMES = ("gene_id", "gene_name", "gene_type")
_FIX = "download it again"

#: Shows the progress of an iterator, given its length.
ShowProgress = Callable[[Iterable[Any], int], Iterator[Any]]


@dataclass(frozen=True, eq=False)
class GeneModel:
    """The genes of the files, which must be the same in all.

    Parameters
    ----------
    line : str
        What the first line says: "# gene-model: GENCODE v36".
    column : ChunkedArray
        The ids as pyarrow holds them, to be compared with those of other files.
    ids, names, types : array of shape (rows,), object
        Of all rows, among them those of summaries (``N_unmapped``).
    """

    line: str
    column: Any
    ids: NDArray[np.object_]
    names: NDArray[np.object_]
    types: NDArray[np.object_]

    @property
    def is_gene(self) -> NDArray[np.bool_]:
        """Which rows are genes."""
        return ~are_summaries(self.ids)


def recognises(path: Path) -> bool:
    """Whether `path` is a file of STAR counts, or a folder that holds one."""
    return is_star_counts(path.name) if not path.is_dir() else next(_star_counts_in(path), None) is not None


def read_star_counts(
    path: str | Path,
    *,
    samples: str | Path | None = None,
    column: str = "fpkm_uq_unstranded",
    categories: Sequence[str] = CATEGORIES,
    progress: ShowProgress | None = None,
) -> Expression:
    """Read a folder of STAR counts.

    Parameters
    ----------
    path : path
        Folder with ``*.augmented_star_gene_counts.tsv``, plain or ``.gz``, in folders of their own or not; or one file.
    samples : path, optional
        The sample sheet, or the metadata of the cart as JSON; by default those in the folder, or else beside it.
    column : str, default "fpkm_uq_unstranded"
        Which values; counts become CPM.
    categories : sequence of str
        Types of genes to keep, as GENCODE names them.
    progress : callable, optional
        Takes an iterator and its length, and shows how far it is.

    Returns
    -------
    Expression
        log2(x + 1), one primary sample per patient, patients in alphabetical order, genes as in the files. The values
        of several Ensembl ids of a symbol are added before the logarithm.

    Raises
    ------
    InputError
        If files are damaged or of different gene models, nothing names their samples, or no gene is of the categories.
    """
    path, flow = Path(path), Flow()
    if column not in COLUMN_UNITS:
        raise InputError(f"{column!r} is not a column of values", fix=f"--column {'|'.join(COLUMN_UNITS)}")
    if not categories:
        raise InputError("no type of genes is named", fix=f"--categories {','.join(CATEGORIES)}")
    if path.is_file() and not is_star_counts(path.name):
        raise InputError(
            "the source is a table, not a download of the GDC",
            where=str(path),
            fix="--format matrix; a download is a folder of files that end in star_gene_counts.tsv",
        )
    unit = parse_unit(COLUMN_UNITS[column])
    folder = path if path.is_dir() else path.parent
    files = sorted(_star_counts_in(folder)) if path.is_dir() else [path]
    if not files:
        raise _nothing(folder)
    _refuse_copies(files)
    known = samples_of_files(files, folder, None if samples is None else Path(samples), flow)
    chosen = one_per_patient(known, str(path), flow).sort_values("patient_id")
    model, kept = _genes(chosen.index[0], column, categories, flow)
    symbols = SymbolColumns.of(list(model.names[kept]))
    symbols.note(unit, flow)
    n = len(symbols.symbols)
    flow.add("genes: unit", n, n, _about(unit, column, model))
    values = _read_all(list(chosen.index), model, column, kept, symbols, unit, progress)
    frame = pd.DataFrame(values, pd.Index(chosen["patient_id"], name="patient_id"), symbols.symbols)
    covariates = chosen[["sample", "cohort"]].assign(file=[file.name for file in chosen.index])
    covariates = covariates.loc[:, (covariates != "").any()].set_axis(frame.index, axis=0)
    return Expression(
        frame, pd.Series(unit.of_output, frame.columns), folder.resolve().name, flow.to_frame(), covariates
    )


def _files_in(folder: Path) -> Iterator[Path]:
    """Files below a folder; hidden ones are what macOS and gdc-client leave."""
    return (place / name for place, _, names in walk(folder) for name in names if not name.startswith("."))


def _star_counts_in(folder: Path) -> Iterator[Path]:
    return (file for file in _files_in(folder) if is_star_counts(file.name))


def _nothing(folder: Path) -> InputError:
    names = [file.name for file in _files_in(folder)]
    older = [name for name in names if ".htseq." in name or ".FPKM" in name]
    packed = [name for name in names if name.endswith((".tar.gz", ".tgz", ".tar"))]
    also = (
        f"; it holds {counted(len(older), 'file')} of the older HTSeq workflow ({older[0]})" if older else ""
    )
    return InputError(
        f"the folder holds no file of STAR counts{also}",
        where=str(folder),
        fix=f"unpack {packed[0]}"
        if packed
        else "they are called *.augmented_star_gene_counts.tsv: download them with gdc-client",
    )


def _refuse_copies(files: Sequence[Path]) -> None:
    names = pd.Series([file.name.lower().removesuffix(".gz") for file in files], dtype=object)
    twice = names[names.duplicated()].unique()
    if len(twice):
        copies = [str(file) for file, name in zip(files, names, strict=True) if name == twice[0]]
        raise InputError(
            f"{counted(len(twice), 'file is', 'files are')} there more than once: {listing(twice, 3)}",
            where=listing(copies, 3),
            fix="keep one of each",
        )


def _about(unit: Unit, column: str, model: GeneModel) -> str:
    total = "; a million is the sum of all genes of a file" if unit.measure == "counts" else ""
    return f"column {column}, {unit.name} → {unit.of_output}{total}; {model.line.lstrip('# ')}"


# --- genes ----------------------------------------------------------------------------------------------------------


def _genes(
    file: Path, column: str, categories: Sequence[str], flow: Flow
) -> tuple[GeneModel, NDArray[np.int64]]:
    """The gene model of a file, and the rows of the genes that are kept."""
    line, table = _read_columns(file, [*_NAMES, column])
    ids, names, types = (np.array(table[name].to_pylist(), dtype=object) for name in _NAMES)
    model = GeneModel(line, table["gene_id"], ids, names, types)
    kept = np.flatnonzero(model.is_gene)
    if not len(kept):
        raise InputError("the file holds no genes", where=str(file), fix=_FIX)
    n = len(kept)
    note_summaries(len(ids), list(ids[~model.is_gene]), flow)
    kept = kept[~are_y_copies(list(ids[kept]))]
    if len(kept) < n:
        flow.add("genes: copies on Y", n, len(kept), "_PAR_Y or ENSGR: they are counted on X")
        n = len(kept)
    known = set(types[kept])
    if foreign := [name for name in categories if name not in known]:
        raise InputError(
            f"{listing(foreign)}: no gene is of this type",
            where=f"{file}; there: {count_types(types[kept], 8)}",
            fix="--categories takes types of genes as the file names them, separated by commas",
        )
    chosen = np.isin(types[kept].astype(str), list(categories))
    if lost := count_types(types[kept][~chosen]):
        flow.add("genes: categories", n, int(chosen.sum()), f"not {', '.join(categories)}: {lost}")
    return model, kept[chosen]


# --- values ---------------------------------------------------------------------------------------------------------


def _read_all(
    files: Sequence[Path],
    model: GeneModel,
    column: str,
    kept: NDArray[np.int64],
    symbols: SymbolColumns,
    unit: Unit,
    progress: ShowProgress | None,
) -> NDArray[np.float64]:
    """Values of files × symbols; what cannot be read is collected, and refused at the end."""
    values = np.empty((len(files), len(symbols.symbols)))
    genes, failed, others = model.is_gene, list[tuple[Path, InputError]](), list[Path]()

    def read(i: int) -> None:
        try:
            line, table = _read_columns(files[i], ["gene_id", column])
            if line != model.line or not table["gene_id"].equals(model.column):
                others.append(files[i])
                return
            row = _numbers(files[i], table, column, genes, model)
        except InputError as error:
            failed.append((files[i], error))
            return
        total = np.array([row[genes].sum()])
        if unit.measure == "counts" and not total[0]:
            failed.append((files[i], InputError("all counts are 0", where=str(files[i]), fix=_FIX)))
            return
        values[i] = unit.to_log(symbols.merge(row[None, kept], unit), total)[0]

    pool = ThreadPoolExecutor(count_jobs(None))
    try:
        done: Iterable[None] = pool.map(read, range(len(files)))
        for _ in done if progress is None else progress(done, len(files)):
            pass
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C the files that wait are not read
    if failed:
        failed.sort(key=lambda one: one[0])
        file, error = failed[0]
        if len(failed) > 1:
            names = listing((f"{one.name} ({reason.what})" for one, reason in failed), 5)
            raise InputError(
                f"{part(len(failed), len(files), 'file', 'are')} damaged",
                where=f"{file.parent}: {names}",
                fix=error.fix,
            )
        raise error
    if others:
        _refuse_other_models(files, others, model)
    return values


def _refuse_other_models(files: Sequence[Path], others: list[Path], model: GeneModel) -> None:
    """The smaller group is named, since the file that gave the model may be the one that was cut."""
    few = sorted(others) if len(others) <= len(files) / 2 else sorted(set(files) - set(others))
    line, table = _read_columns(few[0], ["gene_id"])
    other = sorted(set(files) - set(few))
    most, more = _read_columns(other[0], ["gene_id"])
    what = f"{line.lstrip('# ')}, {table.num_rows:,} rows; of the others: {most.lstrip('# ')}, {more.num_rows:,} rows"
    raise InputError(
        f"{part(len(few), len(files), 'file', 'have')} other genes than the rest: cut, or of another gene model",
        where=f"{listing(few, 3)}: {what}",
        fix="download them again, all from one release of the GDC",
    )


def _read_columns(file: Path, columns: Sequence[str]) -> tuple[str, Any]:
    """The line of the gene model, and some columns as a table of pyarrow."""
    import pyarrow as pa
    from pyarrow import csv

    data = _bytes(file)
    if not data.endswith(b"\n"):
        raise InputError("the file is cut: its last line has no end", where=str(file), fix=_FIX)
    first, _, rest = data.partition(b"\n")
    line, header = (first, rest.partition(b"\n")[0]) if first.startswith(b"#") else (b"", first)
    titles = header.decode("utf-8", "replace").rstrip("\r").split("\t")
    if absent := [name for name in columns if name not in titles]:
        raise InputError(
            f"the file has no column {listing(absent)}",
            where=f"{file}; its columns are {listing(title[:30] for title in titles)}",
            fix="a file of STAR counts with names of genes is needed (augmented_star_gene_counts)",
        )
    numbers = {name: pa.float64() for name in columns if name in COLUMN_UNITS}
    try:
        table = csv.read_csv(
            pa.BufferReader(data),
            csv.ReadOptions(use_threads=False, skip_rows=1 if line else 0),
            csv.ParseOptions(delimiter="\t", quote_char=False),
            csv.ConvertOptions(
                include_columns=list(columns),
                column_types=dict.fromkeys(_NAMES, pa.string()) | numbers,
                null_values=[""],
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise InputError("the file is damaged", where=f"{file} ({error})", fix=_FIX) from None
    return line.decode("utf-8", "replace").strip(), table


def _bytes(file: Path) -> bytes:
    try:
        data = file.read_bytes()
        return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            "the compressed file is truncated or damaged", where=f"{file} ({error})", fix=_FIX
        ) from None
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(file)) from None


def _numbers(
    file: Path, table: Any, column: str, genes: NDArray[np.bool_], model: GeneModel
) -> NDArray[np.float64]:
    """The values of a column; every gene has one, finite and not negative."""
    row = table[column].combine_chunks().to_numpy(zero_copy_only=False)
    bad = genes & ~(np.isfinite(row) & (row >= 0))
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        what = "missing" if np.isnan(row[at]) else f"{row[at]:g}"
        raise InputError(
            f"{counted(int(bad.sum()), 'value is', 'values are')} missing, negative or infinite",
            where=f"{file}, column {column}, first {model.ids[at]} ({model.names[at]}): {what}",
            fix=_FIX,
        )
    return row
