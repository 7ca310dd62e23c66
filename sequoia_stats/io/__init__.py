"""Readers and writers: files of other tools in, our own types out.

`read_cohort` recognises a source by the table `READERS`; `read_expression` reads what a score needs, without
outcomes; `read_outcomes` reads outcomes alone; `read_predictions` reads predicted and measured genes; `write_cohort`
writes a cohort; `read_measured` and `write_measured` convert measured expression; `read_truth` reads measured sections.
Bundled cohorts have names, which `sequoia_stats.datasets` knows.

How to add a format
-------------------
A format is a module of this package with two functions and its options, and a line in `READERS`:

1. ``recognises(path) -> bool`` looks at the name, or at the names in a folder, and never at numbers. Formats are asked
   in the order of the table, so a particular one comes before a general one.
2. ``read_<format>(path, *, endpoint=None, drop_invalid=False, ...) -> Cohort`` takes everything that the file does not
   say as keyword arguments. A missing argument is an `InputError` that names the option:
   ``fix="give the unit of the times: --time-unit"``.
3. ``<FORMAT>_OPTIONS`` lists these arguments, each as an `Option` with its help. ``cohort convert`` builds its options
   from the table, so nothing needs to be added there. An option that another format also has must have the same type
   and choices.

Readers share these parts:

- ``sequoia_base.tables.read_table`` for clinical texts, and ``read_numbers`` there or ``_tables.read_matrix`` for
  expression: errors name the file, the row and the column;
- ``genes.name_genes`` for the columns of the expression: approved symbols, duplicates averaged, changes counted;
- ``_assemble.assemble`` for the rest: join on the patient, units and codes of the outcome, canonical covariates, and a
  line in the ledger for every loss.

A format that is a folder with ``expression.csv`` and ``clinical.csv``, complete::

    PAIR_OPTIONS = (Option("time_column", "The column of times, in days."),)

    def recognises(path):
        return (path / "expression.csv").is_file() and (path / "clinical.csv").is_file()

    def read_pair(path, *, endpoint="OS", drop_invalid=False, time_column="days"):
        frame, flow = name_genes(read_matrix(path / "expression.csv"), str(path))
        table = read_table(path / "clinical.csv")
        return assemble(
            frame, table, table["patient"], Endpoint(endpoint, time_column, "status", "days"),
            where=str(path / "clinical.csv"), flow=flow, drop_invalid=drop_invalid, name=path.name,
        )

    READERS["pair"] = Reader(recognises, read_pair, "a folder of two tables", PAIR_OPTIONS)

Its tests build a folder with a function of ``tests/build/studies.py`` and add rows to the tables of bad input in
``tests/unit/stats/io``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sequoia_base.tables import read_table
from sequoia_stats.errors import InputError
from sequoia_stats.io import cbioportal, h5ad, tidy
from sequoia_stats.io._covariates import canonical_names, known_values, wanted_covariates
from sequoia_stats.io._options import CATEGORICAL, MISSING_WORDS, Option
from sequoia_stats.io._readers import Reader, reader_of, refuse_foreign
from sequoia_stats.io.clinical_table import ClinicalTable, read_clinical
from sequoia_stats.io.evaluation import read_evaluation
from sequoia_stats.io.expression import read_expression
from sequoia_stats.io.gene_lists import read_gene_list
from sequoia_stats.io.gene_scores import read_gene_scores
from sequoia_stats.io.h5ad import cohort_from_adata, same_endpoint, write_cohort
from sequoia_stats.io.measured import read_measured, write_measured
from sequoia_stats.io.outcomes import OUTCOME_READERS, read_outcomes
from sequoia_stats.io.predictions import read_predictions
from sequoia_stats.io.truth import TRUTH_OPTIONS, TRUTH_READERS, read_truth
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.covariate_statements import texts_of

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = [
    "OUTCOME_READERS",
    "READERS",
    "TRUTH_OPTIONS",
    "TRUTH_READERS",
    "ClinicalTable",
    "Option",
    "Reader",
    "canonical_names",
    "known_values",
    "read_clinical",
    "read_cohort",
    "read_evaluation",
    "read_expression",
    "read_gene_list",
    "read_gene_scores",
    "read_measured",
    "read_outcomes",
    "read_predictions",
    "read_table",
    "read_truth",
    "wanted_covariates",
    "write_cohort",
    "write_measured",
]


#: The formats of a cohort, the particular before the general.
READERS = {
    "h5ad": Reader(h5ad.recognises, h5ad.read_cohort_h5ad, "a cohort file (.h5ad)", h5ad.H5AD_OPTIONS),
    "cbioportal": Reader(
        cbioportal.recognises, cbioportal.read_study, "a cBioPortal study folder", cbioportal.STUDY_OPTIONS
    ),
    "tidy": Reader(
        tidy.recognises, tidy.read_tidy, "a table (.csv, .tsv or .txt, also .gz or .zip)", tidy.TIDY_OPTIONS
    ),
}


def _read_again(
    cohort: Cohort,
    *,
    endpoint: str | None = None,
    drop_invalid: bool = False,
    missing: Sequence[str] = (),
    categorical: Sequence[str] = (),
) -> Cohort:
    """A cohort itself; every patient of it has a usable outcome."""
    same_endpoint(cohort.outcome.endpoint, endpoint, cohort.name)
    return cohort.declare(categorical=categorical, missing=missing)


_COHORT = Reader(lambda _: True, _read_again, "a Cohort", (CATEGORICAL, MISSING_WORDS))
_ADATA = Reader(lambda _: True, cohort_from_adata, "an AnnData", h5ad.H5AD_OPTIONS)


def read_cohort(
    source: str | Path | Cohort | AnnData,
    *,
    format: str = "auto",
    endpoint: str | None = None,
    drop_invalid: bool = False,
    missing: Sequence[str] = (),
    **options: Any,
) -> Cohort:
    """Read a cohort from a file or folder of any known format.

    Parameters
    ----------
    source : path, Cohort or AnnData
        For tidy tables the expression table.
    format : {"auto", "h5ad", "cbioportal", "tidy"}
        How to read it; "auto" recognises it by its name.
    endpoint : str, optional
        Which outcome; needed by study folders and tables.
    drop_invalid : bool, default False
        Drop patients without a usable outcome, counted in ``flow``, rather than stop.
    missing : sequence of str, optional
        Texts that mean a missing value, besides those that `sequoia_base.missing.is_missing` knows: NA, Unknown,
        Not Reported, [Not Available], '-- and the like. The ledger says what was taken as missing.
    **options
        Options of the format, as `cbioportal.read_study` and `tidy.read_tidy` take them. None counts as not given.

    Returns
    -------
    Cohort

    Raises
    ------
    InputError
        If the source is not recognised, an option is not one of its format, or the file cannot be read.
    """
    place = Path(source) if isinstance(source, str | Path) else None
    if place is None and format not in ("auto", "h5ad"):
        raise InputError(
            f"--format {format} is for files, not for objects in memory", fix="leave it out, or give the file"
        )
    in_memory = _COHORT if isinstance(source, Cohort) else _ADATA
    reader = in_memory if place is None else reader_of(place, format, READERS)
    given = {name: value for name, value in options.items() if value is not None}
    if words := texts_of(missing, "missing"):
        given["missing"] = words
    for name in given:
        where = str(place) if place else str(getattr(source, "name", "AnnData"))
        refuse_foreign(name, reader, READERS, where)
    if endpoint is not None:
        given["endpoint"] = endpoint
    if drop_invalid:
        given["drop_invalid"] = True
    return reader.read(source if place is None else place, **given)
