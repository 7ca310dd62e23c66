"""Study folders of cBioPortal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from sequoia_base.flow import Flow
from sequoia_base.missing import without_missing
from sequoia_base.names import is_primary, tcga_sample
from sequoia_base.tables import Numbers, find_column, read_numbers, read_table, read_text
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io._assemble import Endpoint, assemble
from sequoia_stats.io._event_words import study_code
from sequoia_stats.io._gene_annotation import CBIOPORTAL
from sequoia_stats.io._options import CATEGORICAL, COVARIATES, EVENT_VALUE, IDENTIFIERS, MISSING_WORDS, Option
from sequoia_stats.io._tables import check_ids
from sequoia_stats.types.cohort import UNIT_UNKNOWN, Cohort
from sequoia_stats.types.genes import name_genes

STUDY_OPTIONS = (
    Option("expression", "Which data_mrna_* file to read."),
    EVENT_VALUE,
    COVARIATES,
    CATEGORICAL,
    IDENTIFIERS,
    MISSING_WORDS,
)
#: Words of file names and meta files, and the unit they mean; the first match counts.
_UNITS = {"zscore": "z-score", "z-score": "z-score", "log2": "log2"} | {
    u.lower(): u for u in ("RSEM", "FPKM", "TPM")
}


def recognises(path: Path) -> bool:
    """Whether `path` is a folder with clinical or expression files of cBioPortal."""
    return path.is_dir() and bool(_find(path, "data_clinical_*") or _find(path, "data_mrna_*"))


def read_study(
    path: str | Path,
    *,
    endpoint: str | None = None,
    expression: str | Path | None = None,
    event_value: str | Sequence[str] | None = None,
    covariates: list[str] | None = None,
    identifiers: str = "symbols",
    missing: Sequence[str] = (),
    categorical: Sequence[str] = (),
    drop_invalid: bool = False,
) -> Cohort:
    """Read a cBioPortal study folder.

    Parameters
    ----------
    path : path
        Folder with ``data_mrna_*.txt``, ``data_clinical_patient.txt`` and ``data_clinical_sample.txt``, plain or
        ``.gz``.
    endpoint : str
        An endpoint with two columns, such as OS_MONTHS and OS_STATUS for ``OS``; times are in months.
    expression : path, optional
        Which ``data_mrna_*`` file to read if there are several: a name in the folder, or a path.
    event_value : str or sequence of str, optional
        The values that mean the event. By default "1:...", and the words that cBioPortal knows: DECEASED for OS,
        Recurred/Progressed for DFS and the like.
    covariates : list of str, optional
        Clinical columns to keep; by default all but outcomes.
    identifiers : {"symbols", "as-they-are"}
        Names of genes; see `genes.name_genes`.
    missing : sequence of str, optional
        Texts that mean a missing value, besides those of `sequoia_base.missing.is_missing`.
    categorical : sequence of str, optional
        Covariates whose numbers are codes of levels, by their own or their canonical names.
    drop_invalid : bool, default False
        Drop patients without a usable outcome, counted in ``flow``, rather than stop.

    Returns
    -------
    Cohort
        One primary sample per patient, the first by name if there are several.

    Raises
    ------
    InputError
        If a file is missing or damaged, the endpoint is not found, or several expression files are found.
    """
    folder = Path(path)
    patient_file, sample_file = (_clinical_file(folder, kind) for kind in ("patient", "sample"))
    patients = _clinical_table(patient_file, "PATIENT_ID")
    samples = _clinical_table(sample_file, "SAMPLE_ID", "PATIENT_ID")
    chosen_endpoint = _endpoint(endpoint, [*patients, *samples], folder, event_value)
    expression_file = _expression_file(folder, expression)
    numbers = read_numbers(
        expression_file,
        lambda header: _gene_columns(header, expression_file),
        missing=missing,
        quoted=_is_quoted(expression_file),
    )
    flow = Flow()
    kept = _primary_samples(numbers, samples, expression_file, flow)
    genes = pd.Index(numbers.texts.iloc[:, 0].replace("NA", ""), dtype=object)
    values = pd.DataFrame(numbers.values.T[kept.index], pd.Index(kept["PATIENT_ID"], dtype=object), genes)
    frame, changes = name_genes(values, str(expression_file), identifiers)
    flow.extend(changes)
    both = [str(column) for column in patients if column in kept and column != "PATIENT_ID"]
    _note_differences(patients, kept, both, flow)
    own = kept.drop(columns=both)
    clinical = patients.merge(own, on="PATIENT_ID", how="left").set_index(patients.index)
    outcomes = {f"{name}_{part}" for name in _endpoints([*clinical]) for part in ("MONTHS", "STATUS")}
    other = outcomes - {chosen_endpoint.time, chosen_endpoint.event}
    return assemble(
        frame, clinical.drop(columns=["PATIENT_ID", *other]), patients["PATIENT_ID"], chosen_endpoint,
        where=str(patient_file), flow=flow,
        covariates=covariates, drop_invalid=drop_invalid, missing=missing, categorical=categorical,
        units=pd.Series(_unit(expression_file), frame.columns), name=folder.resolve().name,
        source=f"cBioPortal study folder {folder.resolve().name}, {expression_file.name}",
    )  # fmt: skip


def read_study_endpoint(
    path: Path, endpoint: str | None, event_value: str | Sequence[str] | None
) -> tuple[pd.DataFrame, Path, Endpoint]:
    """The patients of a study, from its folder or from its file of them, and where their endpoint is.

    Parameters
    ----------
    path : path
        The folder, or ``data_clinical_patient.txt``.
    endpoint, event_value
        As in `read_study`.

    Returns
    -------
    table : DataFrame
        Texts with a column ``PATIENT_ID``, unique; index = row of the file.
    file : Path
        What was read.
    endpoint : Endpoint
        Its columns.

    Raises
    ------
    InputError
        If the file is missing or damaged, or the endpoint is not found.
    """
    file = _clinical_file(path, "patient") if path.is_dir() else path
    table = _clinical_table(file, "PATIENT_ID")
    return table, file, _endpoint(endpoint, [*table], path, event_value)


def is_patient_file(path: Path) -> bool:
    """Whether `path` has the name of the file of patients in a study."""
    return not path.is_dir() and path.name.removesuffix(".gz") == "data_clinical_patient.txt"


def _note_differences(patients: pd.DataFrame, samples: pd.DataFrame, both: list[str], flow: Flow) -> None:
    """A line in the ledger for columns of both clinical files that differ; those of the patients are used."""
    table = patients.set_index("PATIENT_ID").reindex(samples["PATIENT_ID"])
    differ = [column for column in both if (table[column].to_numpy() != samples[column].to_numpy()).any()]
    if differ:
        reason = f"in both files, with different values; those of the patients are kept: {listing(differ)}"
        flow.add("clinical columns: of samples", len(differ), 0, reason)


def _find(folder: Path, pattern: str) -> list[Path]:
    return sorted({*folder.glob(f"{pattern}.txt"), *folder.glob(f"{pattern}.txt.gz")})


def _clinical_table(file: Path, id_column: str, *others: str) -> pd.DataFrame:
    """A clinical file as texts, a row for each id; `others` are further columns that it needs."""
    table = read_table(file, comment="#", missing=(), quoted=_is_quoted(file))
    for column in (*others, id_column):
        find_column(list(table.columns), column, file)
    check_ids(table[id_column], f"{file}, column {id_column!r}")
    for column in (*others, id_column):
        _refuse_quoted(table[column], file)
    return table


def _clinical_file(folder: Path, kind: str) -> Path:
    found = _find(folder, f"data_clinical_{kind}")
    if not found:
        raise InputError(f"the study has no data_clinical_{kind}.txt", where=str(folder))
    return found[0]


def _is_quoted(file: Path) -> bool:
    """Whether R or a spreadsheet saved the file again, with titles in quotes; cBioPortal's quotes are characters."""
    titles = next((line for line in read_text(file).split("\n") if not line.startswith("#")), "")
    return all(title[:1] == title[-1:] == '"' for title in titles.strip().split("\t"))


def _refuse_quoted(ids: pd.Series, file: Path) -> None:
    """Refuse ids in quotes, which would be those of other patients."""
    odd = ids[ids.str.fullmatch('".*"')]
    if len(odd):
        raise InputError(
            f"{counted(len(odd), 'id is', 'ids are')} in quotes, but the titles are not: {listing(odd)}",
            where=f"{file}, rows {listing(odd.index)}",
            fix="take the quotes away",
        )


def _expression_file(folder: Path, wanted: str | Path | None) -> Path:
    found = _find(folder, "data_mrna_*")
    names = listing([file.name for file in found])
    if wanted is not None:
        candidates = [folder / wanted, folder / f"{wanted}.txt", Path(wanted)]
        if existing := [candidate for candidate in candidates if candidate.is_file()]:
            return existing[0]
        raise InputError(f"the study has no {wanted}", where=f"{folder}: {names or 'no data_mrna_*'}")
    if not found:
        raise InputError("the study has no expression file data_mrna_*.txt", where=str(folder))
    if len(found) > 1:
        what = f"the study has {len(found)} expression files: {names}"
        raise InputError(what, where=str(folder), fix="choose one with --expression")
    return found[0]


def _gene_columns(header: list[str], file: Path) -> list[int]:
    """Positions of the columns that are not samples; that of the symbols first."""
    names = [name.lower() for name in header]
    if CBIOPORTAL[0] not in names:
        raise InputError("the expression file has no column Hugo_Symbol", where=f"{file}: {listing(header)}")
    return [names.index(name) for name in CBIOPORTAL if name in names]


def _endpoints(columns: list[str]) -> list[str]:
    names = [column.removesuffix("_MONTHS") for column in columns if column.endswith("_MONTHS")]
    return [name for name in names if f"{name}_STATUS" in columns]


def _endpoint(
    wanted: str | None, columns: list[str], folder: Path, event_value: str | Sequence[str] | None
) -> Endpoint:
    there = _endpoints(columns)
    if wanted is None or wanted.upper() not in there:
        what = "no endpoint is given" if wanted is None else f"the study has no endpoint {wanted!r}"
        fix = f"--endpoint {'|'.join(there)}" if there else "outcomes are pairs such as OS_MONTHS, OS_STATUS"
        raise InputError(f"{what}; the study has {listing(there) or 'none'}", where=str(folder), fix=fix)
    name = wanted.upper()
    words = partial(study_code, endpoint=name)
    return Endpoint(name, f"{name}_MONTHS", f"{name}_STATUS", "months", event_value, words)


def _primary_samples(numbers: Numbers, samples: pd.DataFrame, file: Path, flow: Flow) -> pd.DataFrame:
    """The rows of the sample table that are used; index = position in the expression file."""
    columns = pd.Series(numbers.columns, dtype=object)
    check_ids(columns, f"{file}, header", "columns")
    table = samples.assign(primary=_is_primary(samples)).set_index("SAMPLE_ID", drop=False).sort_index()
    by_patient = table[table["primary"]].drop_duplicates("PATIENT_ID").set_index("PATIENT_ID")["SAMPLE_ID"]
    names = columns.map(lambda column: _sample(column, table.index, by_patient)).dropna()
    if names.empty:
        where = f"{file}: {listing(columns, 3)}; clinical: {listing(table.index, 3)}"
        raise InputError("no sample of the expression file is in data_clinical_sample", where=where)
    found = table.loc[names].set_index(names.index).assign(column=columns)
    n = len(columns) - len(found)
    flow.add("samples: known", len(columns), len(found), f"{n} have no clinical data")
    primary = found[found["primary"]]
    types = _types(found[~found["primary"]]).fillna("by barcode").value_counts()
    lost = listing(f"{n} {kind}" for kind, n in types.items())
    if primary.empty:
        raise InputError("the study has no primary sample with expression", where=f"{file}: {lost}")
    n = found["PATIENT_ID"].nunique() - primary["PATIENT_ID"].nunique()
    reason = f"not primary ({lost or 'none'}); {counted(n, 'patient has', 'patients have')} no primary sample"
    flow.add("samples: primary", len(found), len(primary), reason)
    kept = primary.sort_values(["SAMPLE_ID", "column"]).drop_duplicates("PATIENT_ID").sort_index()
    n = len(primary) - len(kept)
    flow.add(
        "samples: one per patient", len(primary), len(kept), f"{counted(n, 'further sample')} of a patient"
    )
    return kept.drop(columns=["SAMPLE_ID", "primary", "column"])


def _is_primary(samples: pd.DataFrame) -> pd.Series:
    """By SAMPLE_TYPE, or by the barcode; a sample without either counts as primary."""
    by_code = samples["SAMPLE_ID"].map(is_primary)
    by_type = _types(samples).str.lower().str.startswith("primary")
    return by_type.fillna(by_code).fillna(True).astype(bool)


def _types(samples: pd.DataFrame) -> pd.Series:
    """SAMPLE_TYPE; missing if the table does not have it."""
    if "SAMPLE_TYPE" in samples:
        return without_missing(samples["SAMPLE_TYPE"])[0].astype("string")
    return pd.Series(pd.NA, samples.index, dtype="string")


def _sample(column: str, known: pd.Index, by_patient: pd.Series) -> str | None:
    """The sample id that a column of the expression file is named after, or None."""
    if column in known:
        return column
    sample = tcga_sample(column)
    return sample if sample in known else by_patient.get(sample)


def _unit(file: Path) -> str:
    """The unit, as the meta file or the name of the file states it."""
    said = file.name.lower()
    meta = file.with_name(file.name.replace("data_", "meta_", 1).removesuffix(".gz"))
    if meta.is_file():
        lines = read_text(meta).lower().splitlines()
        said += " ".join(line for line in lines if line.startswith(("datatype:", "profile_name:")))
    return next((unit for word, unit in _UNITS.items() if word in said), UNIT_UNKNOWN)
