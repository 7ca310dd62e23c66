"""Small cohorts as files, in the layouts that users download; every builder returns the arguments of the reader."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

#: Options that `write_tidy` writes for.
TIDY = {
    "id_column": "patient",
    "time_column": "months",
    "event_column": "status",
    "time_unit": "months",
    "endpoint": "RFS",
}
PATIENTS = ["P1", "P2", "P3", "P4", "P5", "P6"]


def expression_table(
    patients: Sequence[str] = PATIENTS, genes: Sequence[str] = ("ESR1", "ERBB2", "G3")
) -> pd.DataFrame:
    """Numbers patients × genes: 0.5, 1.5, 2.5, ... along the rows."""
    values = [[i * len(genes) + j + 0.5 for j in range(len(genes))] for i in range(len(patients))]
    return pd.DataFrame(values, pd.Index(patients, name="patient"), list(genes))


def clinical_table(patients: Sequence[str] = PATIENTS, **columns: Sequence[object]) -> pd.DataFrame:
    """Months 10, 20, ..., every second patient with an event, and further columns."""
    n = len(patients)
    table = {"months": [10.0 * (i + 1) for i in range(n)], "status": [i % 2 for i in range(n)]}
    return pd.DataFrame(table | columns, pd.Index(patients, name="patient"))


def write_tidy(
    folder: Path,
    expression: pd.DataFrame | None = None,
    clinical: pd.DataFrame | None = None,
    **options: object,
) -> dict[str, object]:
    """Write both tables; returns the arguments of `read_tidy`."""
    paths = {"source": folder / "expression.csv", "clinical": folder / "clinical.csv"}
    (expression_table() if expression is None else expression).to_csv(paths["source"])
    (clinical_table() if clinical is None else clinical).to_csv(paths["clinical"])
    return paths | TIDY | options


def write_single(folder: Path, table: pd.DataFrame | None = None, **options: object) -> dict[str, object]:
    """Write one table that holds everything; returns the arguments of `read_tidy`."""
    path = folder / "all.csv"
    (clinical_table().join(expression_table()) if table is None else table).to_csv(path)
    return {"source": path} | TIDY | options


def write_cbioportal_study(
    folder: Path,
    samples: Mapping[str, tuple[str, str]] | None = None,
    *,
    expression: pd.DataFrame | None = None,
    patients: pd.DataFrame | None = None,
    columns: Sequence[str] | None = None,
    compress: bool = False,
) -> Path:
    """Write a study folder.

    `samples` gives patient and SAMPLE_TYPE of each sample ("" leaves the column out), by default one primary sample
    for each of P1 ... P6; `columns` are the headers of the expression file, by default the samples;
    `expression` is genes × samples, `patients` the patient table.
    """
    folder.mkdir(exist_ok=True)
    samples = samples or {f"{patient}-T": (patient, "Primary") for patient in PATIENTS}
    columns = list(columns or samples)
    kinds = {sample: kind for sample, (_, kind) in samples.items() if kind}
    table = pd.DataFrame(
        {"PATIENT_ID": [patient for patient, _ in samples.values()], "SAMPLE_ID": list(samples)}
    )
    if kinds:
        table["SAMPLE_TYPE"] = table["SAMPLE_ID"].map(kinds)
    if patients is None:
        names = sorted({patient for patient, _ in samples.values()})
        patients = pd.DataFrame(
            {
                "OS_MONTHS": [10.0 * (i + 1) for i in range(len(names))],
                "OS_STATUS": ["1:DECEASED" if i % 2 else "0:LIVING" for i in range(len(names))],
                "RFS_MONTHS": [5.0 * (i + 1) for i in range(len(names))],
                "RFS_STATUS": ["1:Recurred" if i % 3 else "0:Not Recurred" for i in range(len(names))],
                "CLAUDIN_SUBTYPE": "LumA",
            },
            pd.Index(names, name="PATIENT_ID"),
        )
    if expression is None:
        expression = expression_table(columns).T.rename_axis("Hugo_Symbol")
        expression.insert(0, "Entrez_Gene_Id", range(1, len(expression) + 1))
    comment = "#Patient Identifier\tand so on\n#Text\n#STRING\n#1\n"
    texts = {
        "data_clinical_patient.txt": comment + patients.to_csv(sep="\t", na_rep=""),
        "data_clinical_sample.txt": comment + table.to_csv(sep="\t", index=False),
        "data_mrna_seq_v2_rsem.txt": expression.to_csv(sep="\t"),
    }
    for name, text in texts.items():
        path = folder / (f"{name}.gz" if compress else name)
        path.write_bytes(gzip.compress(text.encode()) if compress else text.encode())
    return folder
