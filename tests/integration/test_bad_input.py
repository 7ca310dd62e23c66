"""Bad input is one table: a file that is wrong, the command that reads it, and the words of its error.

A builder gets an empty folder, writes its files there and returns the arguments of the command; outputs are called
``out.*``. A user's bug becomes a row.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.io import read_cohort, write_cohort
from tests.build.cohorts import make_cohort
from tests.build.commands import (
    SAID,
    left_in,
    sequoia,
    write_adata,
    write_made_cohort,
    write_signature,
)
from tests.build.damaged import write_damaged
from tests.build.studies import PATIENTS, clinical_table, expression_table, write_cbioportal_study

EXPRESSION = expression_table().to_csv()
CLINICAL = clinical_table().to_csv()
PLACE = "expression.csv, row 3 (P2), column 'ERBB2'"


# --- builders: each returns the arguments of a command -------------------------------------------------------------


def tidy(expression=EXPRESSION, clinical=CLINICAL, *options, said=SAID):
    """`cohort convert` of two tables, given as text or bytes; None leaves out the file."""

    def build(folder):
        for name, content in (("expression.csv", expression), ("clinical.csv", clinical)):
            put(folder, name, content)
        files = [folder / "expression.csv", "--clinical", folder / "clinical.csv", "-o", folder / "out.h5ad"]
        return ["cohort", "convert", *files, *said, *options]

    return build


def cells(quoted=True, **columns):
    """`cohort convert` with other clinical columns; if not `quoted`, the only quotes are those written as '."""
    text = clinical_table(**columns).to_csv()
    return tidy(EXPRESSION, text if quoted else text.replace('"', "").replace("'", '"'))


def numbered(text):
    """A table with the numbers of its rows, under no title, for its ids."""
    return pd.read_csv(io.StringIO(text)).iloc[:, 1:].to_csv()


def expression_as(name, content, *options):
    """`cohort convert` of an expression table of any name."""

    def build(folder):
        put(folder, name, content)
        put(folder, "clinical.csv", CLINICAL)
        files = [folder / name, "--clinical", folder / "clinical.csv", "-o", folder / "out.h5ad"]
        return ["cohort", "convert", *files, *SAID, *options]

    return build


def study(*options, drop=(), also=(), **made):
    """`cohort convert` of a study folder without some files, or with more."""

    def build(folder):
        path = write_cbioportal_study(folder / "study", **made)
        for name in drop:
            (path / name).unlink()
        for name, content in also:
            put(path, name, content)
        return ["cohort", "convert", path, *options, "-o", folder / "out.h5ad"]

    return build


def fit(*options, genes=None, foldid=None, **made):
    """`signature fit` on a simulated cohort."""

    def build(folder):
        write_made_cohort(folder / "c.h5ad", **made)
        put(folder, "genes.txt", genes)
        put(folder, "folds.csv", foldid)
        files = {"GENES": folder / "genes.txt", "FOLDS": folder / "folds.csv", "FOLDER": folder}
        chosen = [files.get(option, option) for option in options]
        return ["signature", "fit", folder / "c.h5ad", *chosen, "-o", folder / "out.json"]

    return build


def fit_changed(change, *options):
    """`signature fit` on a cohort whose AnnData was changed."""

    def build(folder):
        adata = make_cohort(genes=6).adata
        change(adata)
        adata.write_h5ad(folder / "c.h5ad")
        return ["signature", "fit", folder / "c.h5ad", *options, "-o", folder / "out.json"]

    return build


def validate(*options, signature=None, coefficients=None, cohort=None, **made):
    """`signature validate` on a simulated cohort, or on other files that a function writes."""

    def build(folder):
        write_made_cohort(folder / "c.h5ad", **made)
        write_signature(folder / "s.json", **({"coefficients": coefficients} if coefficients else {}))
        put(folder, "s.json", signature)
        put(folder, "c.h5ad", cohort)
        return ["signature", "validate", folder / "s.json", folder / "c.h5ad", *options, "-o", folder / "out"]

    return build


def adjusted(name, values, *options):
    """`signature validate --adjust` with a covariate whose first values are `values`, the others numbers 10 to 39."""

    def build(folder):
        made = make_cohort(n=60, events=40, genes=12)
        column = [*values, *(str(10 + i % 30) for i in range(60 - len(values)))]
        write_cohort(replace(made, covariates=pd.DataFrame({name: column}, made.patients)), folder / "c.h5ad")
        write_signature(folder / "s.json")
        files = [folder / "s.json", folder / "c.h5ad"]
        return ["signature", "validate", *files, "--adjust", name, *options, "-o", folder / "out"]

    return build


def score(name, content, *options, signature=None):
    """`signature score` on any file."""

    def build(folder):
        write_signature(folder / "s.json")
        put(folder, "s.json", signature)
        put(folder, name, content)
        return ["signature", "score", folder / "s.json", folder / name, *options, "-o", folder / "out.csv"]

    return build


def score_adata(**obs):
    """`signature score` on AnnData of a study of slides."""

    def build(folder):
        write_signature(folder / "s.json")
        write_adata(folder / "slides.h5ad", make_cohort(n=30).expression, **obs)
        return ["signature", "score", folder / "s.json", folder / "slides.h5ad", "-o", folder / "out.csv"]

    return build


def arguments(*words):
    """Words as they are; HERE is the folder."""
    return lambda folder: [str(word).replace("HERE", str(folder)) for word in words]


def put(folder, name, content):
    if callable(content):
        content = content(folder)
    if content is not None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def cut(content, share=0.6):
    return content[: int(len(content) * share)]


def signature_with(**changes):
    """The JSON of a signature with other values at the top."""

    def build(folder):
        content = json.loads(write_signature(folder / "s.json").read_text())
        return json.dumps(content | changes)

    return build


def cohort_bytes(folder):
    write_made_cohort(folder / "c.h5ad")
    return (folder / "c.h5ad").read_bytes()


def zip_of(**members):
    def build(folder):
        with zipfile.ZipFile(folder / "made.zip", "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return (folder / "made.zip").read_bytes()

    return build


def set_obs(column, value, rows=slice(None)):
    def change(adata):
        values = adata.obs[column].astype(object).to_numpy(copy=True)
        values[rows] = value
        adata.obs[column] = pd.Series(values, adata.obs_names).infer_objects()

    return change


def without_uns(*keys):
    def change(adata):
        for key in keys:
            del adata.uns[key]

    return change


def fill(value, genes=slice(None)):
    def change(adata):
        adata.X[:, genes] = value

    return change


NO_TIME = clinical_table(months=["10", "", "-3", "0", "50", "60"]).to_csv()
FOLDS = pd.DataFrame({"patient_id": [f"P{i + 1}" for i in range(60)], "fold": [i % 3 + 1 for i in range(60)]})
SCORED = make_cohort(n=30, genes=4).expression.rename_axis("id").to_csv()


# --- the table -----------------------------------------------------------------------------------------------------

EXPRESSION_FILES = {
    "text in a cell": (tidy(EXPRESSION.replace(",4.5,", ",high,")), ["'high' is not a number", PLACE]),
    "a number with a thousands separator": (
        tidy(EXPRESSION.replace(",4.5,", ',"4,500",')),
        ["'4,500'", PLACE],
    ),
    "a decimal comma": (
        expression_as("e.csv", EXPRESSION.replace(",", ";").replace(";4.5;", ";4,5;")),
        ["'4,5'", "row 3"],
    ),
    "inf in a cell": (
        tidy(EXPRESSION.replace(",4.5,", ",inf,")),
        ["1 value is infinite", "row 3 (P2), column 'ERBB2'"],
    ),
    "a number too large": (
        tidy(EXPRESSION.replace(",4.5,", ",1e999,")),
        ["infinite", "row 3 (P2), column 'ERBB2'"],
    ),
    "an open quote": (
        tidy(EXPRESSION.replace(",4.5,", ',"4.5,')),
        ["a quote is opened and not closed", "expression.csv, row 3"],
    ),
    "an id whose quote is only closed": (
        tidy(EXPRESSION.replace("P2,", 'P2",')),
        ["1 id has a quote that is opened or closed alone: P2", "expression.csv"],
    ),
    "an Excel error": (tidy(EXPRESSION.replace(",4.5,", ",#REF!,")), ["'#REF!' is not a number", PLACE]),
    "a patient twice": (
        tidy(EXPRESSION.replace("P2", "P1")),
        ["is duplicated: P1", "expression.csv", "rows 2, 3"],
    ),
    "a patient twice by two barcodes": (
        tidy(expression_table(["TCGA-A1-A0SB-01", "TCGA-A1-A0SB-11"]).to_csv()),
        ["duplicated: TCGA-A1-A0SB", "rows 2, 3"],
    ),
    "a patient without an id": (tidy(EXPRESSION.replace("P2", "")), ["1 row has no patient id", "row"]),
    "a patient called NaN": (tidy(EXPRESSION.replace("P2", "NaN")), ["no patient id", "rows 3"]),
    "a long row": (
        tidy(EXPRESSION.replace(",4.5,", ",4.5,9,")),
        ["a row has 5 fields, the header has 4", "expression.csv, row 3"],
    ),
    "a short row": (
        tidy(EXPRESSION.replace(",4.5,", ",")),
        ["a row has 3 fields, the header has 4", "row 3"],
    ),
    "one delimiter too many": (tidy(EXPRESSION.replace(",5.5", ",5.5,")), ["a row has 5 fields", "row 3"]),
    "no bytes": (tidy(""), ["the file is empty", "expression.csv"]),
    "blanks only": (tidy(" \n\n"), ["the file is empty", "expression.csv"]),
    "a header only": (tidy(EXPRESSION.split("\n")[0]), ["a header and no rows", "expression.csv"]),
    "UTF-16": (tidy(EXPRESSION.encode("utf-16")), ["UTF-16", "expression.csv", "save it as UTF-8"]),
    "UTF-16 without a mark": (tidy(EXPRESSION.encode("utf-16-le")), ["UTF-16", "expression.csv"]),
    "Latin-1": (
        tidy(EXPRESSION.replace("G3", "é").encode("latin-1")),
        ["not UTF-8", "expression.csv, row 1"],
    ),
    "junk": (tidy(bytes(range(256)) * 9), ["binary", "expression.csv"]),
    "junk without zeros": (tidy(bytes(range(128, 256)) * 9), ["binary", "expression.csv"]),
    "a truncated gz": (
        expression_as("e.csv.gz", cut(gzip.compress(EXPRESSION.encode()))),
        ["truncated or damaged", "e.csv.gz"],
    ),
    "a damaged gz": (
        expression_as("e.csv.gz", b"\x1f\x8b" + b"junk" * 9),
        ["truncated or damaged", "e.csv.gz"],
    ),
    "a gz that is not compressed": (expression_as("e.csv.gz", EXPRESSION), ["not compressed", "e.csv.gz"]),
    "a zip of two": (
        expression_as("e.zip", zip_of(a="1", b="2")),
        ["holds 2 files where one is needed", "e.zip"],
    ),
    "a spreadsheet": (
        expression_as("e.csv", zip_of(**{"[Content_Types].xml": "<x/>", "xl/workbook.xml": "<x/>"})),
        ["save a spreadsheet", "e.csv"],
    ),
    "a folder": (
        arguments("cohort", "convert", "HERE", "--format", "tidy", *SAID, "-o", "HERE/out.h5ad"),
        ["a folder was given"],
    ),
    "nothing there": (tidy(None), ["does not exist", "expression.csv"]),
    "another format": (expression_as("e.xlsx", EXPRESSION), ["not recognised", "e.xlsx"]),
    "genes in rows, columns said": (
        tidy(expression_table().T.to_csv()),
        ["its genes are in rows", "--genes-in rows"],
    ),
    "genes in columns, rows said": (
        tidy(EXPRESSION, CLINICAL, "--genes-in", "rows"),
        ["its genes are in columns", "--genes-in columns"],
    ),
    "another id column": (
        tidy(EXPRESSION.replace("patient", "case")),
        ["'patient' is not in the table", "--id-column"],
    ),
}

CLINICAL_FILES = {
    "no such table": (tidy(EXPRESSION, None), ["does not exist", "clinical.csv"]),
    "an empty table": (tidy(EXPRESSION, ""), ["the file is empty", "clinical.csv"]),
    "a header without rows": (tidy(EXPRESSION, CLINICAL.split("\n")[0]), ["clinical.csv", "no rows"]),
    "a patient twice": (
        tidy(EXPRESSION, CLINICAL.replace("P4", "P2")),
        ["duplicated: P2", "clinical.csv", "rows 3, 5"],
    ),
    "a patient without an id": (
        tidy(EXPRESSION, CLINICAL.replace("P4", "")),
        ["1 row has no patient id", "clinical.csv", "5"],
    ),
    "negative, zero and missing times": (
        tidy(EXPRESSION, NO_TIME),
        ["3 of 6 patients", "missing: P2", "not positive: P3, P4", "clinical.csv", "--drop-invalid"],
    ),
    "an infinite time": (
        cells(months=["Inf", 1, 2, 3, 4, 5]),
        ["1 time is not numeric: Inf", "'months'", "rows 2"],
    ),
    "a time in words": (
        cells(months=["5", "soon", "1", "2", "3", "4"]),
        ["not numeric: soon", "clinical.csv", "rows 3"],
    ),
    "a time with a unit": (
        cells(months=["5 d", 1, 2, 3, 4, 5]),
        ["not numeric: 5 d", "clinical.csv", "rows 2"],
    ),
    "a date as a time": (
        cells(months=["2020-01-01", 1, 2, 3, 4, 5]),
        ["2020-01-01", "clinical.csv", "rows 2"],
    ),
    "event codes 1 and 2": (
        cells(status=[1, 2, 1, 2, 1, 1]),
        ["2 events are neither 0 nor 1: 2", "rows 3, 5", "--event-value"],
    ),
    "event codes in words": (
        cells(status=["dead"] + ["alive"] * 5),
        ["neither 0 nor 1: dead, alive", "--event-value"],
    ),
    "an event value that nobody has": (
        tidy(EXPRESSION, CLINICAL, "--event-value", "dead"),
        ["no patient has the event value 'dead'", "'0' (3), '1' (3)"],
    ),
    "events that are missing": (cells(status=[0, 1, "", 1, 0, 1]), ["1 of 6 patients", "event missing: P3"]),
    "no usable patient": (
        tidy(EXPRESSION, clinical_table(months=[0] * 6).to_csv(), "--drop-invalid"),
        ["no patient has a usable RFS"],
    ),
    "a ragged row": (
        tidy(EXPRESSION, CLINICAL.replace("20.0", "20.0,1")),
        ["clinical.csv, row 3", "4 fields, the header has 3"],
    ),
    "ids of another kind": (
        tidy(expression_table(["007", "008"]).to_csv(), clinical_table(["7", "8"]).to_csv()),
        ["2 patients have ids that the two tables write differently", "'007' and '7'", "leading zeros"],
    ),
    "ids of other patients": (
        tidy(expression_table(["A", "B"]).to_csv(), clinical_table(["C", "D"]).to_csv()),
        ["no patient is in both tables", "A, B", "C, D"],
    ),
    "an open quote": (
        tidy(EXPRESSION, CLINICAL.replace("P2,20.0", 'P2,"20.0')),
        ["a quote is opened and not closed", "clinical.csv, row 3", "close the quote"],
    ),
    "an open quote that another closes": (
        tidy(EXPRESSION, CLINICAL.replace("P2,20.0", 'P2,"20.0').replace("P5,50.0", 'P5,50.0"')),
        ["a quote is opened and not closed", "clinical.csv, row 3"],
    ),
    "an id whose quote is only closed": (
        tidy(EXPRESSION, CLINICAL.replace("P2,20.0", 'P2",20.0')),
        [
            "1 id has a quote that is opened or closed alone: P2",
            "clinical.csv",
            "at both ends, or take it away",
        ],
    ),
    "text after a quote": (
        tidy(EXPRESSION, CLINICAL.replace("P2,20.0", 'P2,"20".0')),
        ["text follows the closing quote of a cell", "clinical.csv, row 3"],
    ),
    "row numbers for ids": (
        tidy(EXPRESSION, clinical_table().reset_index(names="case").to_csv()),
        ["the first column, which has no title, only counts the rows", "clinical.csv", "--id-column"],
    ),
    "an open quote in a cell with a comma": (
        cells(note=["", "'lost, moved", "", "", "size 5'", ""], quoted=False),
        ["a quote is opened and not closed", "clinical.csv, row 3"],
    ),
    "row numbers for ids in both tables": (
        tidy(numbered(EXPRESSION), numbered(CLINICAL), said=SAID[2:]),
        ["the first column, which has no title, only counts the rows", "clinical.csv", "--id-column"],
    ),
    "row numbers for ids of expression": (
        tidy(numbered(EXPRESSION), CLINICAL[7:], said=SAID[2:]),
        ["the first column, which has no title, only counts the rows", "expression.csv", "--id-column"],
    ),
    "a header one short under a title of ids": (
        tidy(EXPRESSION, CLINICAL.replace("patient,months,status", "patient,months")),
        ["a row has 3 fields, the header has 2", "clinical.csv, row 2", "col.names=NA"],
    ),
    "a covariate twice": (
        tidy(
            EXPRESSION,
            clinical_table(**{"grade": [1] * 6, "grade.1": [2] * 6}).to_csv(),
            "--covariates",
            "grade",
        ),
        ["the column 'grade' is duplicated in the table: 'grade.1'", "rename or remove"],
    ),
    "no such column": (
        tidy(EXPRESSION, CLINICAL.replace("months", "weeks")),
        ["'months' is not in the table", "weeks"],
    ),
    "a column twice": (
        tidy(EXPRESSION, CLINICAL.replace("status", "months")),
        ["'months' is duplicated"],
    ),
    "a covariate that is not there": (
        tidy(EXPRESSION, CLINICAL, "--covariates", "grade"),
        ["no column for grade", "clinical.csv"],
    ),
    "a categorical covariate that is not there": (
        tidy(EXPRESSION, CLINICAL, "--categorical", "grade"),
        ["no covariate grade", "leave --categorical out"],
    ),
}

UNSAID = {
    option: (tidy(said=[*SAID[:at], *SAID[at + 2 :]]), [option])
    for at, option in enumerate(SAID)
    if option.startswith("--")
}

STUDIES = {
    "an endpoint that the study does not have": (
        study("--endpoint", "PFS"),
        ["no endpoint 'PFS'", "OS, RFS"],
    ),
    "no endpoint": (study(), ["no endpoint is given", "OS, RFS"]),
    "no patient table": (
        study("--endpoint", "OS", drop=["data_clinical_patient.txt"]),
        ["no data_clinical_patient.txt", "study"],
    ),
    "no sample table": (
        study("--endpoint", "OS", drop=["data_clinical_sample.txt"]),
        ["no data_clinical_sample.txt"],
    ),
    "no expression": (
        study("--endpoint", "OS", drop=["data_mrna_seq_v2_rsem.txt"]),
        ["no expression file data_mrna_*"],
    ),
    "two expression files": (
        study("--endpoint", "OS", also=[("data_mrna_agilent.txt", "Hugo_Symbol\n")]),
        ["2 expression files: data_mrna_agilent.txt, data_mrna_seq_v2_rsem.txt", "--expression"],
    ),
    "an expression file that is not there": (
        study("--endpoint", "OS", "--expression", "rna"),
        ["has no rna", "data_mrna_seq_v2_rsem"],
    ),
    "options of a table": (
        study("--endpoint", "OS", "--time-unit", "days"),
        ["--time-unit is not an option of a cBio", "of a table"],
    ),
    "a truncated table": (
        study("--endpoint", "OS", also=[("data_mrna_seq_v2_rsem.txt", "Hugo_Symbol\tP1-T\nESR1\t1\t2\n")]),
        ["data_mrna_seq_v2_rsem.txt, row 2"],
    ),
    "samples of nobody": (study("--endpoint", "OS", columns=list("abcdef")), ["data_mrna_seq_v2_rsem.txt"]),
    "an empty folder": (
        arguments("cohort", "convert", "HERE", "--endpoint", "OS", "-o", "HERE/out.h5ad"),
        ["not recognised"],
    ),
}

FITS = {
    "no event": (fit(events=0), ["0 events", "made"]),
    "one event": (fit(events=1), ["1 event among 60 patients", "2 are needed"]),
    "genes that are all constant": (
        fit_changed(fill(1.0)),
        ["0 usable candidate genes", "6 constant", "G1"],
    ),
    "genes that all have a NaN": (
        fit_changed(fill(np.nan)),
        ["0 usable candidate genes", "6 with missing", "G1"],
    ),
    "one gene left": (fit_changed(fill(1.0, slice(1, None))), ["1 usable candidate gene,", "5 constant"]),
    "fewer patients than folds": (fit("--folds", "61"), ["60 patients", "61 folds"]),
    "fewer events than folds": (fit("--folds", "41"), ["40 events", "41 folds"]),
    "one fold": (fit("--folds", "1"), ["folds must be", "3 or more", "is 1"]),
    "no draw": (fit("--repeats", "0"), ["repeats must be", "is 0"]),
    "folds that lack patients": (
        fit("--foldid", "FOLDS", foldid=FOLDS[:58].to_csv()),
        ["no fold for 2 of 60", "P59, P60"],
    ),
    "folds that name a patient twice": (
        fit("--foldid", "FOLDS", foldid=pd.concat([FOLDS, FOLDS[:1]]).to_csv()),
        ["more than one fold for 1 patient", "P1"],
    ),
    "folds that are not integers": (
        fit("--foldid", "FOLDS", foldid=FOLDS.assign(fold=1.5).to_csv()),
        ["60 of 60 folds", "folds.csv: P1"],
    ),
    "folds beyond all numbers": (
        fit("--foldid", "FOLDS", foldid=FOLDS.assign(fold="9" * 40).to_csv()),
        ["not whole numbers"],
    ),
    "folds with a gap": (
        fit("--foldid", "FOLDS", foldid=FOLDS.replace({"fold": {2: 5}}).to_csv()),
        ["without a gap", "1, 3, 5"],
    ),
    "folds without their column": (
        fit("--foldid", "FOLDS", foldid=FOLDS[["patient_id"]].to_csv()),
        ["1 column is missing: fold", "the columns patient_id and fold"],
    ),
    "folds and a number of folds": (
        fit("--foldid", "FOLDS", "--folds", "5", foldid=FOLDS.to_csv()),
        ["--foldid", "--folds"],
    ),
    "folds and repeats": (
        fit("--foldid", "FOLDS", "--repeats", "2", foldid=FOLDS.to_csv()),
        ["--foldid", "--repeats"],
    ),
    "no folds there": (fit("--foldid", "FOLDS"), ["does not exist", "folds.csv"]),
    "an empty list of genes": (fit("--genes", "GENES", genes="\n"), ["empty", "genes.txt"]),
    "a list of unknown genes": (fit("--genes", "GENES", genes="NOT1\nNOT2\n"), ["no candidate gene is in"]),
    "a list that is junk": (fit("--genes", "GENES", genes=bytes(range(256))), ["binary", "genes.txt"]),
    "a list that is a folder": (fit("--genes", "FOLDER"), ["a folder was given"]),
    "nothing shared": (fit("--shared-with", "metabric"), ["no candidate gene is in"]),
    "shared with nobody": (fit("--shared-with", "no.h5ad"), ["does not exist", "no.h5ad"]),
    "a ratio of 2": (fit("--lambda-min-ratio", "2"), ["lambda_min_ratio must be", "is 2"]),
    "alpha 0": (fit("--alpha", "0"), ["alpha must be", "is 0"]),
    "alpha that is not a number": (fit("--alpha", "nan"), ["alpha must be", "is nan"]),
    "a rule that does not exist": (
        fit("--lambda", "best"),
        ["'best' is not a valid lambda", "min, 1se or a number"],
    ),
    "a negative penalty": (fit("--lambda", "-1"), ["lambda must be", "is -1"]),
    "a penalty that is not a number": (fit("--lambda", "nan"), ["lambda must be", "is nan"]),
    "an engine that does not exist": (fit("--engine", "lars"), ["'lars' is not a valid engine", "glmnet"]),
    "a transform that does not exist": (fit("--transform", "sqrt"), ["'sqrt'", "rank"]),
    "a negative seed": (fit("--seed", "-1"), ["--seed"]),
    "log2 of negative values": (fit("--transform", "log2"), ["log2", "negative", "G1"]),
    "log2 of z-scores": (
        lambda folder: ["signature", "fit", "tcga-brca", "--transform", "log2", "-o", folder / "out.json"],
        ["1454 z-scores"],
    ),
}

COHORT_FILES = {
    "no outcome": (
        fit_changed(lambda adata: adata.obs.drop(columns="time", inplace=True)),
        ["the outcome is missing", "time", "c.h5ad"],
    ),
    "no endpoint": (
        fit_changed(without_uns("endpoint", "sequoia_cohort")),
        ["endpoint is not named", "c.h5ad"],
    ),
    "a cohort at which HDF5 crashes": (
        validate(cohort=lambda folder: write_damaged("crash_cohort", folder / "c.h5ad").read_bytes()),
        ["c.h5ad"],
    ),
    "a missing time": (fit_changed(set_obs("time", np.nan, [3])), ["1 of 60 patients", "P4", "c.h5ad"]),
    "a negative time": (fit_changed(set_obs("time", -1.0, [3])), ["1 of 60 patients", "P4", "c.h5ad"]),
    "times in words": (fit_changed(set_obs("time", "long")), ["not numeric: long", "c.h5ad"]),
    "events 1 and 2": (fit_changed(set_obs("event", 2, [3])), ["neither 0 nor 1", "c.h5ad"]),
    "an event that is missing": (fit_changed(set_obs("event", np.nan, [3])), ["1 of 60 patients", "P4"]),
    "a value that is infinite": (fit_changed(fill(np.inf, 1)), ["infinite", "c.h5ad"]),
    "a truncated file": (
        validate(cohort=lambda folder: cut(cohort_bytes(folder))),
        ["not a readable h5ad", "c.h5ad"],
    ),
    "junk": (validate(cohort=bytes(range(256)) * 20), ["not a readable h5ad", "c.h5ad"]),
    "no bytes": (validate(cohort=b""), ["not a readable h5ad", "c.h5ad"]),
    "a table": (arguments("cohort", "describe", "HERE/no.csv"), ["does not exist", "no.csv"]),
    "a folder": (arguments("cohort", "describe", "HERE"), ["not recognised"]),
    "an endpoint that it does not have": (
        arguments("cohort", "describe", "tcga-brca:XYZ"),
        ["tcga-brca:XYZ", "tcga-brca:PFI"],
    ),
    "an endpoint where there is one": (arguments("cohort", "describe", "metabric:OS"), ["metabric:OS"]),
    "an endpoint for a bundled cohort": (
        lambda folder: [
            "signature",
            "validate",
            write_signature(folder / "s.json"),
            "tcga-brca:xyz",
            "-o",
            folder / "out",
        ],
        ["tcga-brca:xyz", "tcga-brca:PFI"],
    ),
}

SIGNATURE_FILES = {
    "another schema version": (
        validate(signature=signature_with(schema_version=3)),
        ["schema version 3", "reads 1, 2", "s.json"],
    ),
    "no schema version": (validate(signature="{}"), ["no schema_version", "s.json"]),
    "a list": (validate(signature="[1]"), ["no schema_version", "s.json"]),
    "no JSON": (validate(signature="genes: A"), ["not valid JSON", "s.json"]),
    "half a JSON": (
        validate(signature=lambda folder: cut(write_signature(folder / "s.json").read_bytes())),
        ["not valid JSON"],
    ),
    "no bytes": (validate(signature=""), ["not valid JSON", "s.json"]),
    "UTF-16": (validate(signature="{}".encode("utf-16")), ["not valid JSON", "utf-8", "s.json"]),
    "junk": (validate(signature=bytes(range(256))), ["s.json"]),
    "a NaN": (validate(signature=signature_with(cutoff=float("nan"))), ["NaN", "s.json"]),
    "a number too large": (
        validate(signature=signature_with(seed=10**400)),
        ["not a finite number", "s.json"],
    ),
    "a cohort": (validate(signature=cohort_bytes), ["s.json"]),
    "a text as coefficient": (
        validate(signature=signature_with(coefficients=["a", 1])),
        ["s.json, at /coefficients/0"],
    ),
    "a coefficient too few": (
        validate(signature=signature_with(coefficients=[1])),
        ["2 genes with 1 coefficient", "s.json"],
    ),
    "a gene twice": (validate(signature=signature_with(genes=["G1", "G1"])), ["s.json, at /genes"]),
    "parameters of another transform": (
        validate(
            "--scale",
            "training",
            signature=signature_with(transform={"name": "rank", "parameters": [{"mean": 0, "sd": 1}] * 2}),
        ),
        ["s.json"],
    ),
    "values and scores of unequal length": (
        validate(
            "--scale",
            "training",
            signature=signature_with(
                transform={"name": "rank", "parameters": [{"values": [1, 2], "scores": [1]}] * 2}
            ),
        ),
        ["s.json"],
    ),
    "a folder": (arguments("signature", "show", "HERE"), ["a signature is a JSON file"]),
    "nothing there": (arguments("signature", "show", "HERE/s.json"), ["does not exist", "s.json"]),
}

VALIDATIONS = {
    "no event": (validate(events=0), ["0 events"]),
    "one event": (validate(events=1), ["1 event "]),
    "no gene of the signature": (
        validate(coefficients={"G11": 1.0, "G12": 1.0}, genes=5),
        ["none of the 2 genes", "G11, G12"],
    ),
    "too much weight lost": (
        validate(coefficients={"G1": 0.1, "G12": 1.0}, genes=5),
        ["91% of the weight", "G12", "--max-weight-lost"],
    ),
    "a share of 2": (validate("--max-weight-lost", "2"), ["--max-weight-lost"]),
    "a share that is not a number": (validate("--max-weight-lost", "nan"), ["--max-weight-lost"]),
    "a negative bootstrap": (validate("--bootstrap", "-1"), ["--bootstrap"]),
    "a cut that does not exist": (validate("--cut", "best"), ["'best'", "frozen"]),
    "a scale that does not exist": (validate("--scale", "z"), ["'z'", "cohort"]),
    "a covariate that is not there": (
        validate("--adjust", "er,grade"),
        ["no covariate grade", "pam50, er, pr"],
    ),
    "an age above a limit": (
        adjusted("age", [">89", ">89"]),
        ["2 values of the covariate age cannot be read", "'>89'", "c.h5ad", "P1, P2", "--missing '>89'"],
    ),
    "sizes below a limit, one said to be missing": (
        adjusted("size", ["<0.5", "12 mm"], "--missing", "<0.5"),
        ["1 value of the covariate size", "'12 mm'", "P2", "--missing '12 mm'"],
    ),
    "sizes with their unit": (
        adjusted("size", [f"{i} mm" for i in range(60)]),
        ["60 values of the covariate size", "'0 mm'", "write them as plain numbers"],
    ),
    "decimal commas beside points": (adjusted("size", ["3,5", "4.5"]), ["covariate size", "'3,5'", "P1"]),
    "a level for each patient": (
        adjusted("id", [f"X{i}" for i in range(60)]),
        ["id is categorical", "60 levels are too many for 60 patients with 40 events"],
    ),
    "a covariate without a value": (adjusted("gap", ["NA"] * 60), ["gap is missing for all 60 patients"]),
    "a categorical covariate that is not there": (
        validate("--adjust", "er", "--categorical", "grade"),
        ["no covariate grade", "pam50, er, pr"],
    ),
    "too few patients": (validate(n=12, events=6), ["at least 20 patients", "12", "--scale training"]),
}

SCORES = {
    "genes in rows": (
        score("e.csv", make_cohort(n=30, genes=4).expression.T.rename_axis(None).to_csv()),
        ["none of the 2 genes"],
    ),
    "genes in rows, as their title says": (
        score("e.csv", make_cohort(n=30, genes=4).expression.T.to_csv()),
        ["called 'gene'", "e.csv", "--genes-in rows"],
    ),
    "text in a cell": (
        score("e.csv", SCORED.replace("P3,", "P3,x")),
        ["not a number", "e.csv, row 4 (P3), column 'G1'"],
    ),
    "a patient twice": (score("e.csv", SCORED.replace("P3,", "P2,")), ["duplicated: P2", "e.csv"]),
    "an unknown side": (score("e.csv", SCORED, "--genes-in", "diagonals"), ["'diagonals'", "columns|rows"]),
    "slides of nobody": (
        score_adata(patient_id=[None, *["P1"] * 29]),
        ["1 slide has no patient_id", "slides.h5ad"],
    ),
    "log2 of negative values": (
        score("e.csv", SCORED, signature=signature_with(transform={"name": "log2", "parameters": [{}, {}]})),
        ["log2", "negative", "G1"],
    ),
    "nothing there": (score("e.csv", None), ["does not exist", "e.csv"]),
}

OUTPUTS = {
    "in no folder": (
        arguments("cohort", "convert", "metabric", "-o", "HERE/no/out.h5ad"),
        ["folder of the output does not exist", "no"],
    ),
    "with a name too long": (
        arguments("cohort", "convert", "metabric", "-o", "HERE/" + "o" * 300),
        ["File name too long"],
    ),
    "in place of a folder": (
        lambda folder: [
            "signature",
            "score",
            write_signature(folder / "s.json"),
            "metabric",
            "--force",
            "-o",
            folder,
        ],
        ["must be a file"],
    ),
    "in place of a file": (
        lambda folder: [
            "signature",
            "validate",
            write_signature(folder / "s.json"),
            "metabric",
            "--force",
            "-o",
            folder / "s.json",
        ],
        ["must be a folder"],
    ),
    "over the working folder": (
        lambda folder: [
            "signature",
            "validate",
            write_signature(folder / "s.json"),
            "metabric",
            "--force",
            "-o",
            ".",
        ],
        ["cannot be replaced"],
    ),
    "nowhere": (arguments("cohort", "convert", "HERE/e.csv"), ["--output"]),
}

WORDS = {
    "a format": (tidy(EXPRESSION, CLINICAL, "--format", "excel"), ["'excel'", "cbioportal"]),
    "a unit": (tidy(EXPRESSION, CLINICAL, "--time-unit", "weeks"), ["'weeks'", "days"]),
    "a side": (tidy(EXPRESSION, CLINICAL, "--genes-in", "diagonals"), ["'diagonals'", "rows"]),
    "an option": (tidy(EXPRESSION, CLINICAL, "--colour", "red"), ["--colour"]),
    "a command": (arguments("cohort", "eat"), ["eat"]),
}

TABLE = [
    pytest.param(build, words, id=f"{title}: {name}")
    for title, rows in {
        "expression": EXPRESSION_FILES,
        "clinical": CLINICAL_FILES,
        "unsaid": UNSAID,
        "study": STUDIES,
        "fit": FITS,
        "cohort": COHORT_FILES,
        "signature": SIGNATURE_FILES,
        "validate": VALIDATIONS,
        "score": SCORES,
        "output": OUTPUTS,
        "unknown": WORDS,
    }.items()
    for name, (build, words) in rows.items()
]


@pytest.mark.parametrize(("build", "words"), TABLE)
def test_bad_input_ends_with_2_and_says_what_and_where(capsys, tmp_path, build, words):
    command = build(tmp_path)
    before = left_in(tmp_path)
    answer = sequoia(capsys, *command)
    assert answer.code == 2, answer.err
    assert [word for word in words if word not in answer.err] == [], answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert left_in(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(capsys, tmp_path):
    command = tidy()(tmp_path)
    (tmp_path / "clinical.csv").chmod(0)
    answer = sequoia(capsys, *command)
    assert answer.code == 2
    assert "cannot be read" in answer.err and "clinical.csv" in answer.err


def test_an_error_under_json_is_one_object(capsys, tmp_path):
    answer = sequoia(capsys, *tidy(EXPRESSION, NO_TIME, "--json")(tmp_path))
    assert answer.code == 2
    assert set(answer.json["error"]) == {"what", "where", "fix"}
    assert "Traceback" not in answer.err


# --- odd but good --------------------------------------------------------------------------------------------------

LEADING = ["007", "008", "009", "010"]
GOOD = {
    "a byte-order mark": (tidy("\ufeff" + EXPRESSION, "\ufeff" + CLINICAL), PATIENTS),
    "Windows line ends": (tidy(EXPRESSION.replace("\n", "\r\n"), CLINICAL.replace("\n", "\r\n")), PATIENTS),
    "old Mac line ends": (tidy(EXPRESSION.replace("\n", "\r"), CLINICAL.replace("\n", "\r")), PATIENTS),
    "semicolons": (tidy(EXPRESSION.replace(",", ";"), CLINICAL.replace(",", ";")), PATIENTS),
    "no last line end": (tidy(EXPRESSION.rstrip(), CLINICAL.rstrip()), PATIENTS),
    "blanks around ids": (tidy(EXPRESSION.replace("P2", " P2 "), CLINICAL.replace("P4", "P4 ")), PATIENTS),
    "blank lines": (tidy(EXPRESSION.replace("P4", "\nP4"), CLINICAL.replace("P3", "\nP3")), PATIENTS),
    "leading zeros": (tidy(expression_table(LEADING).to_csv(), clinical_table(LEADING).to_csv()), LEADING),
    "quoted ids with commas": (
        tidy(expression_table(["A, 1", "B, 2"]).to_csv(), clinical_table(["A, 1", "B, 2"]).to_csv()),
        ["A, 1", "B, 2"],
    ),
    "genes called time and event": (
        tidy(expression_table(genes=["time", "event", "weeks"]).to_csv()),
        PATIENTS,
    ),
    "covariates with names of our own": (
        tidy(EXPRESSION, clinical_table(time="1", event="x", patient_id="y", _index="z").to_csv()),
        PATIENTS,
    ),
    "a covariate without a name": (tidy(EXPRESSION, clinical_table().reset_index().to_csv()), PATIENTS),
    "a covariate called a dot": (
        tidy(EXPRESSION, clinical_table(**{".": "x", "..": "y", "a/b": "z"}).to_csv()),
        PATIENTS,
    ),
    "a covariate in two spellings": (
        tidy(EXPRESSION, clinical_table(ER="1", er="0", Er="1").to_csv()),
        PATIENTS,
    ),
    "integers beyond 64 bits": (
        tidy(EXPRESSION.replace(",4.5,", f",{'9' * 30},"), clinical_table(size="9" * 30).to_csv()),
        PATIENTS,
    ),
    "blanks between columns": (tidy(EXPRESSION.replace(",", " "), CLINICAL.replace(",", "  ")), PATIENTS),
    "a header one short": (tidy(EXPRESSION[8:], CLINICAL[8:]), PATIENTS),
    "no title over the ids": (tidy(EXPRESSION[7:], CLINICAL[7:]), PATIENTS),
    "decimal commas": (
        tidy(EXPRESSION.replace(",", ";").replace(".", ","), CLINICAL.replace(",", ";").replace(".", ",")),
        PATIENTS,
    ),
    "decimal commas between tabs": (
        tidy(EXPRESSION.replace(",", "\t").replace(".", ","), CLINICAL.replace(",", "\t").replace(".", ",")),
        PATIENTS,
    ),
    "events with a decimal comma": (
        tidy(EXPRESSION, clinical_table(status=["1,0", "0,0"] * 3).to_csv(sep=";")),
        PATIENTS,
    ),
    "a cell of two lines": (tidy(EXPRESSION, clinical_table(note="a\nb").to_csv()), PATIENTS),
    "rows of nothing": (tidy(EXPRESSION + ",,,\n", CLINICAL + ",,\n,,\n"), PATIENTS),
    "times that are to be dropped": (tidy(EXPRESSION, NO_TIME, "--drop-invalid"), ["P1", "P5", "P6"]),
}


@pytest.mark.parametrize(("build", "patients"), GOOD.values(), ids=GOOD)
def test_odd_but_good_input_is_read(capsys, tmp_path, build, patients):
    answer = sequoia(capsys, *build(tmp_path))
    assert answer.code == 0, answer.err
    assert list(read_cohort(tmp_path / "out.h5ad").patients) == patients


def test_commas_in_a_table_with_semicolons_are_read_by_column_and_said(capsys, tmp_path):
    months = [f"{10 + i},25" for i in range(6)]
    table = clinical_table(months=months, er=["1,0", "0,0"] * 3, size=[f"{i},5" for i in range(6)])
    table["volume"] = [f"1,20{i}" for i in range(6)]
    answer = sequoia(capsys, *tidy(EXPRESSION, table.to_csv(sep=";"), "--json")(tmp_path))
    cohort = read_cohort(tmp_path / "out.h5ad")
    assert cohort.outcome.time.tolist() == [10.25, 11.25, 12.25, 13.25, 14.25, 15.25]
    assert cohort.covariates["er"].tolist() == [1, 0] * 3
    assert cohort.covariates["size"].tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    reasons = {line["step"]: line["reason"] for line in answer.json["flow"]}
    assert "decimal commas read" in reasons["covariate: size"]
    assert cohort.covariates["volume"].astype(str).tolist() == [f"1,20{i}" for i in range(6)]


def test_codes_filled_up_with_zeros_are_levels(capsys, tmp_path):
    table = clinical_table(site=["05", "05", "44", "4B", "MP", "MP"])
    answer = sequoia(capsys, *tidy(EXPRESSION, table.to_csv(), "--json")(tmp_path))
    assert answer.json["covariate_types"]["site"]["levels"] == {"05": 2, "44": 1, "4B": 1, "MP": 2}


def test_dropped_times_are_counted_in_the_ledger(capsys, tmp_path):
    answer = sequoia(capsys, *tidy(EXPRESSION, NO_TIME, "--drop-invalid", "--json")(tmp_path))
    steps = [line for line in answer.json["flow"] if line["step"] == "patients: usable RFS"]
    assert [(s["n_before"], s["n_after"], s["reason"]) for s in steps] == [
        (6, 5, "time missing"),
        (5, 3, "time not positive"),
    ]


def test_a_gene_that_occurs_twice_is_averaged_and_counted(capsys, tmp_path):
    answer = sequoia(capsys, *tidy(EXPRESSION.replace("ERBB2", "ESR1"), CLINICAL, "--json")(tmp_path))
    assert answer.json["genes"] == 2
    assert "1 symbol was duplicated: replaced by their mean" in answer.json["flow"][0]["reason"]
    assert read_cohort(tmp_path / "out.h5ad").expression.loc["P2", "ESR1"] == (3.5 + 4.5) / 2


@pytest.mark.parametrize("blank", ["", " ", "NA", "nan", "\t"])
def test_a_missing_last_value_stays_missing(capsys, tmp_path, blank):
    assert sequoia(capsys, *tidy(EXPRESSION.replace(",5.5\n", f",{blank}\n"))(tmp_path)).code == 0
    assert np.isnan(read_cohort(tmp_path / "out.h5ad").expression.loc["P2", "G3"])


@pytest.mark.parametrize(
    ("name", "values", "options", "n"),
    [
        ("size", ["Not Stated", "'--"], [], 58),
        ("age", [">89", "90+"], ["--missing", ">89", "--missing", "90+"], 58),
        ("size", ["-99"], ["--missing", "-99"], 59),
        ("grade", ["1", "2", "3", "X"] * 15, ["--categorical", "grade"], 60),
    ],
)
def test_a_way_out_of_the_error_works(capsys, tmp_path, name, values, options, n):
    answer = sequoia(capsys, *adjusted(name, values, *options, "--bootstrap", "0", "--json")(tmp_path))
    assert answer.code == 0, answer.err
    assert answer.json["adjusted"]["n"] == n
    about = answer.json["covariate_types"][name]
    assert (about["known"], about["type"]) == (n, "categorical" if "--categorical" in options else "numeric")
