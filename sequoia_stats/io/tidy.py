"""Plain tables: expression and clinical data in two tables, or in one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sequoia_base.decimals import with_points
from sequoia_base.flow import Flow
from sequoia_base.names import tcga_patient
from sequoia_base.tables import Numbers, find_column, read_header, read_numbers, read_table
from sequoia_stats.errors import InputError, listing, part
from sequoia_stats.io._assemble import Endpoint, assemble, clinical_columns
from sequoia_stats.io._layout import (
    UNNAMED,
    clinical_among,
    codes_among,
    expression_only,
    genes_only,
    id_position,
    no_expression,
    note_unknown,
    refuse_no_header,
    refuse_row_numbers,
    refuse_undivided,
    without_row_names,
)
from sequoia_stats.io._options import (
    CATEGORICAL,
    COVARIATES,
    EVENT_VALUE,
    IDENTIFIERS,
    MISSING_WORDS,
    Option,
    said,
)
from sequoia_stats.io._tables import are_in_rows, patient_ids
from sequoia_stats.io._time_and_event import TIME_UNITS
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.genes import name_genes

#: Endings of files that may hold a table.
SUFFIXES = (".csv", ".tsv", ".txt", ".gz", ".zip")
TIDY_OPTIONS = (
    Option("expression", "Not needed; if given, it must be the same file as SRC."),
    Option("clinical", "The clinical table.", kind=Path),
    Option(
        "id_column",
        "The column of patient ids, in both tables; not needed where it is the first and has no title, as R writes it.",
    ),
    Option("time_column", "The column of times to the event or to censoring."),
    Option("event_column", "The column of events."),
    Option("time_unit", "The unit of the times.", choices=tuple(TIME_UNITS)),
    EVENT_VALUE,
    Option(
        "genes_in",
        "Whether genes are in the columns or the rows of the expression table.  [default: columns]",
        choices=("rows", "columns"),
    ),
    COVARIATES,
    CATEGORICAL,
    IDENTIFIERS,
    MISSING_WORDS,
)


def recognises(path: Path) -> bool:
    """Whether the name of `path` is that of a table."""
    return not path.is_dir() and path.suffix.lower() in SUFFIXES


def read_tidy(
    source: str | Path,
    *,
    expression: str | Path | None = None,
    clinical: str | Path | None = None,
    id_column: str | None = None,
    time_column: str | None = None,
    event_column: str | None = None,
    time_unit: str | None = None,
    endpoint: str | None = None,
    event_value: str | Sequence[str] | None = None,
    genes_in: str = "columns",
    covariates: Sequence[str] | None = None,
    identifiers: str = "symbols",
    missing: Sequence[str] = (),
    categorical: Sequence[str] = (),
    drop_invalid: bool = False,
) -> Cohort:
    """Read a cohort from tables of any origin; options say what the tables do not.

    Parameters
    ----------
    source : path
        The expression table: numbers, patients × genes or genes × patients. Without `clinical` it also holds id, time,
        event and `covariates`, and every other column is a gene; one that cannot be a gene is refused.
    expression : path, optional
        The same table as `source`.
    clinical : path, optional
        The clinical table, one row per patient.
    id_column : str, optional
        The column of patient ids in both tables. In each it may be a first column without a title, as R writes row
        names. TCGA barcodes of samples are cut to the patient.
    time_column, event_column : str
        Columns of the outcome.
    time_unit : {"days", "months", "years"}
        Unit of the times.
    endpoint : str
        What the event is; any word.
    event_value : str or sequence of str, optional
        The values that mean the event, if codes are not 0/1.
    genes_in : {"columns", "rows"}
        Where the genes are in the expression table; in "rows" its first column holds their names.
    covariates : sequence of str, optional
        Clinical columns to keep; by default all of `clinical`, and none of a single table.
    identifiers : {"symbols", "as-they-are"}
        Names of genes; see `genes.name_genes`.
    missing : sequence of str, optional
        Texts that mean a missing value, besides those of `sequoia_base.missing.is_missing`. In expression a number
        stays a number.
    categorical : sequence of str, optional
        Covariates whose numbers are codes of levels, by their own or their canonical names.
    drop_invalid : bool, default False
        Drop patients without a usable outcome, counted in ``flow``, rather than stop.

    Returns
    -------
    Cohort

    Raises
    ------
    InputError
        If an option is missing, a file or column cannot be read, or a patient is duplicated.
    """
    if expression is not None and Path(expression).resolve() != Path(source).resolve():
        raise InputError(
            "--expression names a different table than the source", where=f"{source} and {expression}"
        )
    if clinical is not None and Path(clinical).resolve() == Path(source).resolve():
        clinical = None
    where = str(source if clinical is None else clinical)
    table = None if clinical is None else read_table(clinical, missing=())
    named = id_column
    if table is not None:
        refuse_undivided(list(table.columns), where)
    if not id_column:
        header = read_header(source) if table is None else list(table.columns)
        refuse_undivided(header, where)
        id_column = header[id_position(header, None, where)] if header[0] in UNNAMED else None
    files = [path for path in (source, clinical) if path]
    also = "; and, if it is another table that has times and events: --clinical" * (table is None)
    given, time, event, unit, name = said(
        files, f"{also}; and, if the genes are in rows: --genes-in rows", id_column=id_column, time_column=time_column,
        event_column=event_column, time_unit=time_unit, endpoint=endpoint,
    )  # fmt: skip
    outcome, left_out = {"--time-column": time, "--event-column": event}, Flow()
    if table is None:
        numbers = _read_single(source, given, outcome, covariates or (), genes_in, missing, left_out)
        table = numbers.texts
        identifier = table.columns[0]
        _refuse_copies(numbers, table[[time, event]], source)
        refuse_row_numbers(table[identifier], named, source)
    else:
        header = list(table.columns)
        identifier = header[id_position(header, given, where)]
        for option, column in outcome.items():
            find_column(header, column, where, f"name one of its columns with {option}")
        refuse_row_numbers(table[identifier], named, where)
        table = without_row_names(table, identifier, left_out)
        numbers = _read_expression(source, given, genes_in, table[identifier], missing)
        if not are_in_rows(genes_in):
            refuse_row_numbers(numbers.texts.iloc[:, 0], named, source)
        _refuse_outcome_among_genes(numbers, (time, event), source)
        numbers = expression_only(numbers, left_out)
    ids = patient_ids(table[identifier], f"{where}, column {identifier!r}")
    values = _patients_by_genes(numbers, genes_in, source)
    genes = values if table is numbers.texts else genes_only(values, left_out, genes_in)
    frame, flow = name_genes(genes, str(source), identifiers)
    flow = Flow([*left_out, *flow])
    return assemble(
        frame, table.drop(columns=identifier), ids, Endpoint(name, time, event, unit, event_value),
        where=where, flow=flow, covariates=covariates, drop_invalid=drop_invalid, missing=missing,
        id_fix="check --id-column, and --genes-in (are the genes in rows or in columns?)",
        categorical=categorical, name=Path(source).name.partition(".")[0],
        source=", ".join(Path(path).name for path in (source, clinical) if path),
    )  # fmt: skip


def _refuse_outcome_among_genes(numbers: Numbers, outcome: Sequence[str], source: str | Path) -> None:
    if leaked := sorted(set(outcome).intersection([*numbers.columns, *numbers.texts])):
        raise InputError(
            f"the expression table contains the outcome, which would count as a gene: {listing(leaked)}",
            where=str(source),
            fix="leave these columns out of the expression table",
        )


def _read_single(
    path: str | Path,
    id_column: str,
    columns: dict[str, str],
    covariates: Sequence[str],
    genes_in: str,
    missing: Sequence[str],
    flow: Flow,
) -> Numbers:
    """A single table: the named columns are texts, the first of them the ids."""
    if are_in_rows(genes_in):
        what = "a single table with genes in rows cannot hold times and events"
        raise InputError(what, where=str(path), fix="give the clinical table too: --clinical")

    def texts(header: list[str]) -> list[int]:
        outcome = [
            find_column(header, name, path, f"name one of its columns with {option}")
            for option, name in columns.items()
        ]
        chosen = [header.index(name) for name in clinical_columns(header, covariates, str(path))]
        named = list(dict.fromkeys([id_position(header, id_column, path), *outcome, *chosen]))
        named += [0] if header[0] in UNNAMED and 0 not in named else []
        rest = [name for i, name in enumerate(header) if i not in named]
        _refuse_others(clinical_among(rest), len(rest), path)
        return named

    or_else = "if the column is not a gene, name it with --covariates, or leave it out of the table"
    numbers = read_numbers(path, texts, missing=missing, or_else=or_else)
    used = [str(name) for name in numbers.texts if name not in UNNAMED]
    numbers = expression_only(numbers, flow, keep=used)
    codes = codes_among(numbers.columns, numbers.values)
    _refuse_others([numbers.columns[i] for i in codes], len(numbers.columns), path)
    note_unknown(numbers.columns, len(numbers.columns), flow)
    return numbers


def _refuse_others(names: Sequence[str], total: int, path: str | Path) -> None:
    """Refuse columns of a single table that cannot be genes, by their names or values."""
    if names:
        cannot = "it cannot be a gene" if len(names) == 1 else "they cannot be genes"
        raise InputError(
            f"{part(len(names), total, 'column', 'are')} not named as clinical, but {cannot}: {listing(names)}",
            where=str(path),
            fix="name clinical columns with --covariates (separated by commas), leave them out of the table, or put "
            "them into a table of their own (--clinical)",
        )


def _refuse_copies(numbers: Numbers, outcome: pd.DataFrame, path: str | Path) -> None:
    """Refuse a column of a single table that repeats the outcome, whatever its name."""
    for column in outcome:
        known = pd.to_numeric(with_points(outcome[column]), errors="coerce").to_numpy(np.float64)
        copies = np.flatnonzero((numbers.values == known[:, None]).all(axis=0))
        if copies.size and np.ptp(known) > 0:
            what = f"the column {numbers.columns[copies[0]]!r} repeats {column!r}, and would count as a gene"
            raise InputError(what, where=str(path), fix="leave it out of the table")


def _read_expression(
    path: str | Path, id_column: str, genes_in: str, patients: pd.Series, missing: Sequence[str]
) -> Numbers:
    """Expression, when there is a clinical table; its ids show whether genes and patients are swapped."""
    in_rows = are_in_rows(genes_in)
    known = set(patients.map(tcga_patient, na_action="ignore"))

    def texts(header: list[str]) -> list[int]:
        refuse_no_header(header, path, known)
        if id_column not in header and known.intersection(map(tcga_patient, header)):
            raise _turned(path, "the header", "rows")
        ids = id_position(header, id_column, path)
        return [ids, *no_expression(header, ids)]

    def names(header: list[str]) -> list[int]:
        refuse_no_header(header, path, known)
        ids = id_position(header, None, path)
        return [ids, *no_expression(header[:ids], ids)]

    or_else = "" if in_rows else "if the column is not a gene, leave it out of the expression table"
    numbers = read_numbers(path, names if in_rows else texts, missing=missing, or_else=or_else)
    beside, above = map(tcga_patient, numbers.texts.iloc[:, 0]), map(tcga_patient, numbers.columns)
    if not in_rows and known.isdisjoint(beside) and not known.isdisjoint(above):
        raise _turned(path, "the header", "rows")
    if in_rows and known.isdisjoint(above) and not known.isdisjoint(beside):
        raise _turned(path, "the first column", "columns")
    return numbers


def _turned(path: str | Path, place: str, truth: str) -> InputError:
    what = f"the patients are in {place} of the expression table, so its genes are in {truth}"
    return InputError(what, where=str(path), fix=f"--genes-in {truth}")


def _patients_by_genes(numbers: Numbers, genes_in: str, path: str | Path) -> pd.DataFrame:
    labels, columns = numbers.texts.iloc[:, 0], pd.Series(numbers.columns, dtype=object)
    if not are_in_rows(genes_in):
        return pd.DataFrame(numbers.values, patient_ids(labels, f"{path}, column {labels.name!r}"), columns)
    return pd.DataFrame(numbers.values.T.copy(), patient_ids(columns, f"{path}, header", "columns"), labels)
