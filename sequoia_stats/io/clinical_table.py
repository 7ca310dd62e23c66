"""A clinical table alone: covariates of patients, without expression and outcome."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sequoia_base.flow import Flow
from sequoia_base.names import refuse_open_quotes, tcga_patient
from sequoia_base.tables import read_table
from sequoia_stats.errors import InputError
from sequoia_stats.io._covariates import parse_covariates, wanted_covariates
from sequoia_stats.io._layout import id_position, refuse_undivided
from sequoia_stats.io._tables import check_ids
from sequoia_stats.types.covariates import Reading

_PATIENT = re.compile(r"patient([ ._-]?id)?", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class ClinicalTable:
    """What is known of patients besides their outcome.

    Parameters
    ----------
    covariates : DataFrame
        Index = patient_id; columns of float64 or Categorical, as in `Cohort`.
    readings : mapping of str to Reading
        What was taken as missing, by covariate.
    flow : Flow
        What was lost when it was read.
    name : str
        The file, for errors.
    """

    covariates: pd.DataFrame
    readings: Mapping[str, Reading] = field(default_factory=dict)
    flow: Flow = field(default_factory=Flow)
    name: str = "the clinical table"

    def named(self, names: Sequence[str], option: str) -> tuple[str, ...]:
        """The covariates that somebody asks for: as given, or the canonical one of that spelling.

        Parameters
        ----------
        names : sequence of str
            Names, or several of them separated by commas.
        option : str
            Where they were asked for, for the error.

        Raises
        ------
        InputError
            If one is absent, or has values that cannot be read.
        """
        return wanted_covariates(names, self.covariates, self.readings, self.name, option)


def read_clinical(
    path: str | Path,
    *,
    id_column: str | None = None,
    categorical: Collection[str] = (),
    missing: Collection[str] = (),
) -> ClinicalTable:
    """Read a clinical table.

    Parameters
    ----------
    path : path
        A CSV or TSV with one row per patient.
    id_column : str, optional
        The column of patient ids; by default the one called ``patient_id``, ``Patient ID`` or ``patient``, else the
        first behind row names. TCGA barcodes of samples are cut to the patient.
    categorical : collection of str, optional
        Columns whose numbers are codes of levels.
    missing : collection of str, optional
        Texts that mean a missing value, besides NA, Unknown and the like.

    Returns
    -------
    ClinicalTable
        With ``pam50, er, pr, her2, age`` under these names if they are recognised.

    Raises
    ------
    InputError
        If the file cannot be read, or a patient has no id or two rows.
    """
    table = read_table(path, missing=())
    header = list(table.columns)
    refuse_undivided(header, path)
    named = next((title for title in header if _PATIENT.fullmatch(title)), None)
    ids = table.iloc[:, id_position(header, id_column or named, path)]
    refuse_open_quotes(ids, path)
    patients = ids.map(tcga_patient)
    try:
        check_ids(patients, f"{path}, column {ids.name!r}")
    except InputError as error:
        if not (id_column or named):
            error.fix = "if another column holds the ids of patients, name it: --id-column"
        raise
    rows = table.drop(columns=ids.name).set_axis(pd.Index(patients, name="patient_id"), axis=0)
    flow = Flow()
    covariates, readings = parse_covariates(rows, flow, categorical=categorical, missing=missing)
    return ClinicalTable(covariates, readings, flow, str(path))
