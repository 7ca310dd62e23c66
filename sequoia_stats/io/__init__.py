"""Doors: a foreign file in, a type of ours out.

`read_cohort` recognises a source by the table `READERS`; `read_expression` reads what a score needs, without
outcomes; `read_predictions` reads predicted beside measured genes; `write_cohort` writes a cohort. Embedded cohorts
have names, which `sequoia_stats.datasets` knows.

How to add a reader
-------------------
A reader is a module of this package with two functions, and a line in `READERS`:

1. ``recognises(path) -> bool`` looks at the name, or at the names in a folder, and never at numbers. It is asked
   in the order of the table, so that the particular come before the general.
2. ``read_<format>(path, *, endpoint=None, drop_invalid=False, ...) -> Cohort`` takes everything that the format
   does not say as keyword options, named as those of the command line. An option that is needed and not given is
   an `InputError` that names the option: ``fix="give the unit of the times: --time-unit"``.

Inside, it uses what the other readers use:

- ``_tables.read_table`` for clinical texts and ``_tables.read_numbers`` or ``read_matrix`` for expression: errors
  name file, row and column;
- ``genes.standardise`` for the columns of the expression: approved symbols, duplicates averaged, ledger lines;
- ``_assemble.assemble`` for the rest: join on the patient, units and codes of the outcome, canonical covariates,
  and a line in the ledger for every loss.

A reader of a folder with ``expression.csv`` and ``clinical.csv``, complete::

    def recognises(path):
        return (path / "expression.csv").is_file() and (path / "clinical.csv").is_file()

    def read_pair(path, *, endpoint="OS", drop_invalid=False):
        frame, flow = standardise(read_matrix(path / "expression.csv"))
        table = read_table(path / "clinical.csv")
        return assemble(
            frame, table, table["patient"], Endpoint(endpoint, "days", "status", "days"),
            where=str(path / "clinical.csv"), flow=flow, drop_invalid=drop_invalid, name=path.name,
        )

Its tests build a folder with a function of ``tests/build/studies.py`` and add rows to the tables of bad input in
``tests/unit/io``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sequoia_base.tables import read_table
from sequoia_stats.errors import InputError, listing
from sequoia_stats.io import cbioportal, h5ad, tidy
from sequoia_stats.io._covariates import canonical_names
from sequoia_stats.io.evaluation import read_evaluation
from sequoia_stats.io.expression import read_expression
from sequoia_stats.io.gene_lists import read_gene_list
from sequoia_stats.io.h5ad import cohort_from_adata, same_endpoint, write_cohort
from sequoia_stats.io.predictions import read_predictions
from sequoia_stats.types.cohort import Cohort

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = [
    "READERS",
    "Reader",
    "canonical_names",
    "read_cohort",
    "read_evaluation",
    "read_expression",
    "read_gene_list",
    "read_predictions",
    "read_table",
    "write_cohort",
]


@dataclass(frozen=True)
class Reader:
    """A format: how it is recognised, how it is read, and what it is in words."""

    recognises: Callable[[Path], bool]
    read: Callable[..., Cohort]
    words: str


#: The formats of a cohort, the particular before the general.
READERS = {
    "h5ad": Reader(h5ad.recognises, h5ad.read_cohort_h5ad, "a cohort file (.h5ad)"),
    "cbioportal": Reader(cbioportal.recognises, cbioportal.read_study, "a cBioPortal study folder"),
    "tidy": Reader(tidy.recognises, tidy.read_tidy, "a table (.csv, .tsv or .txt, also .gz or .zip)"),
}


def read_cohort(
    source: str | Path | Cohort | AnnData,
    *,
    format: str = "auto",
    endpoint: str | None = None,
    drop_invalid: bool = False,
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
    **options
        Those of the reader: `cbioportal.read_study`, `tidy.read_tidy`. Options that are None count as not given.

    Returns
    -------
    Cohort

    Raises
    ------
    InputError
        If the source is not recognised, an option is not one of its format, or the reader finds fault.
    """
    if isinstance(source, Cohort):
        same_endpoint(source.outcome.endpoint, endpoint, source.name)
        return source
    if not isinstance(source, str | Path):
        return cohort_from_adata(source, endpoint=endpoint, drop_invalid=drop_invalid)
    reader = _reader(Path(source), format)
    given = {name: value for name, value in options.items() if value is not None}
    known = inspect.signature(reader.read).parameters
    unknown = [f"--{name.replace('_', '-')}" for name in given if name not in known]
    if unknown:
        raise InputError(f"{reader.words} takes no {listing(unknown)}", where=str(source))
    return reader.read(source, endpoint=endpoint, drop_invalid=drop_invalid, **given)


def _reader(path: Path, format: str) -> Reader:
    if format != "auto" and format not in READERS:
        raise InputError(f"there is no format {format!r}", fix=f"--format auto|{'|'.join(READERS)}")
    if not path.exists():
        raise InputError("the file does not exist", where=str(path))
    if format != "auto":
        return READERS[format]
    for reader in READERS.values():
        if reader.recognises(path):
            return reader
    words = listing(reader.words for reader in READERS.values())
    raise InputError("the format is not recognised", where=str(path), fix=f"give {words}, or say --format")
