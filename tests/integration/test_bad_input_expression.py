"""Bad input of `expression convert`: a source that is wrong, and the words of its error.

A builder gets an empty folder, writes its files there and returns the arguments of the command. A user's bug becomes a
row.
"""

from __future__ import annotations

import pandas as pd
import pytest

from tests.build.commands import left_in, sequoia
from tests.build.measured import (
    ALIQUOTS,
    file_id,
    file_name,
    write_gdc,
    write_metadata,
    write_sheet,
    write_xena,
)
from tests.build.studies import expression_table


def convert(source, *options):
    return ["expression", "convert", source, *options, "-o", source.parent / "out.h5ad"]


def gdc(*options, change=lambda folder: None, **made):
    """A download, whose folder is changed by a function."""

    def build(folder):
        source = write_gdc(folder / "gdc", **made)
        change(source)
        return convert(source, *options)

    return build


def text(change, i=1):
    """Another text of the i-th file."""

    def apply(folder):
        path = folder / file_id(i) / file_name(i)
        path.write_text(change(path.read_text()))

    return apply


def sheet(**columns):
    return lambda folder: write_sheet(folder, ALIQUOTS, **columns)


def metadata(content):
    return lambda folder: (folder / "metadata.cart.json").write_text(content)


def entries(**entry):
    return lambda folder: write_metadata(folder, ALIQUOTS, **entry)


def copied(folder):
    (folder / file_name(0)).write_text("x")


def htseq(folder):
    folder.mkdir()
    (folder / "a.htseq.counts.gz").write_text("x")


def archive(folder):
    folder.mkdir()
    (folder / "gdc_download.tar.gz").write_text("x")


def only(change):
    """A folder that a function fills."""

    def build(folder):
        change(folder / "gdc")
        return convert(folder / "gdc")

    return build


def xena(*options, change=lambda text: text, **made):
    """A matrix of Xena, whose text is changed by a function."""

    def build(folder):
        path = write_xena(folder, **made)
        path.write_text(change(path.read_text()))
        return convert(path, *options)

    return build


def matrix(*options, change=lambda f: f, name="mine.csv", **kinds):
    """A table, changed by a function."""

    def build(folder):
        change(expression_table(**kinds)).to_csv(folder / name)
        return convert(folder / name, *options)

    return build


SHEETS = {
    "none": (gdc(names=""), ["nothing says which samples", "--samples"]),
    "a manifest alone": (gdc(names="manifest"), ["a manifest", "does not name samples", "Sample Sheet"]),
    "a manifest as sheet": (
        lambda f: [*gdc(names="manifest")(f), "--samples", f / "gdc" / "gdc_manifest.2024-01-01.txt"],
        ["a manifest does not name samples", "gdc_manifest"],
    ),
    "a file that is not there": (gdc("--samples", "no.tsv"), ["does not exist", "no.tsv"]),
    "a sheet without Sample ID": (
        lambda f: [*gdc(names="")(f), "--samples", _other_table(f)],
        ["'Case ID' is not in the table", "mine.tsv", "File Name, Case ID and Sample ID"],
    ),
    "a sheet of other files": (
        gdc(
            names="",
            change=sheet(File_Name=[f"{x}.star_gene_counts.tsv" for x in "abc"], File_ID=list("xyz")),
        ),
        ["none of the 3 files is named", "a.star_gene_counts.tsv"],
    ),
    "a sheet of slides": (
        gdc(names="", change=sheet(File_Name=["a.svs"] * 3)),
        ["no entry is a file of STAR counts"],
    ),
    "pooled samples alone": (
        gdc(names="", change=sheet(Sample_ID=["A, B", "C, D", "E, F"])),
        ["every file is of several samples", file_name(0), "(A, B)"],
    ),
    "a file without a sample": (
        gdc(names="", change=sheet(Sample_ID=["", "C", "D"])),
        ["the Sample ID of a file has no name", "row 2"],
    ),
    "sheet and metadata that differ": (
        gdc(names="metadata", change=sheet(Case_ID=["X", "Y", "Z"])),
        ["two entries name different samples", file_name(0)],
    ),
    "metadata that are not JSON": (gdc(names="", change=metadata("[{")), ["not JSON", "metadata.cart.json"]),
    "metadata of something else": (gdc(names="", change=metadata('{"a": 1}')), ["not a list of files"]),
    "metadata without names": (
        gdc(names="", change=entries(associated_entities=None)),
        ["do not name the patient", file_name(0), "Sample Sheet"],
    ),
    "metadata of two samples": (
        gdc(names="", change=entries(associated_entities=[{"entity_submitter_id": x} for x in "AB"])),
        ["every file is of several samples", "(A, B)"],
    ),
    "normals alone": (
        gdc(aliquots=["TCGA-A1-A0SB-11A-11R-A144-07"]),
        ["no sample is of a primary tumour", "1 normal tissue (11)"],
    ),
}


def _other_table(folder):
    path = folder / "mine.tsv"
    pd.DataFrame({"File Name": ["a"], "Sample": ["b"]}).to_csv(path, sep="\t", index=False)
    return path


FILES = {
    "an empty folder": (only(lambda folder: folder.mkdir()), ["no file of STAR counts", "gdc-client"]),
    "the older workflow": (
        only(htseq),
        ["no file of STAR counts", "older HTSeq workflow", "a.htseq.counts.gz"],
    ),
    "an archive in a folder": (only(archive), ["no file of STAR counts", "unpack gdc_download.tar.gz"]),
    "an archive": (
        lambda f: only(archive)(f) and convert(f / "gdc" / "gdc_download.tar.gz"),
        ["the archive is not unpacked", "gdc_download.tar.gz"],
    ),
    "a copy": (gdc(change=copied), ["1 file is there more than once", file_name(0)]),
    "a file that was cut": (
        gdc(change=text(lambda t: t[:-9])),
        ["is cut", file_name(1), "download it again"],
    ),
    "a file that lacks genes": (
        gdc(change=text(lambda t: t[: t.rindex("ENSG")])),
        ["1 of 3 files has other genes", file_name(1), "11 rows; of the others"],
    ),
    "a file of another gene model": (
        gdc(change=text(lambda t: t.replace("v36", "v22"))),
        ["1 of 3 files has other genes", file_name(1), "GENCODE v22"],
    ),
    "a file without names of genes": (
        gdc(change=text(lambda t: t.replace("gene_type", "kind"), 0)),
        ["no column gene_type", file_name(0), "augmented_star_gene_counts"],
    ),
    "a value that is text": (
        gdc(change=text(lambda t: t.replace("11.2500", "x"))),
        ["damaged", file_name(1), "Row #7"],
    ),
    "a negative value": (
        gdc(change=text(lambda t: t.replace("11.2500", "-1"))),
        ["negative", "ESR1", file_name(1)],
    ),
    "no counts at all": (
        gdc("--column", "unstranded", values=dict.fromkeys(ALIQUOTS, [0.0] * 8)),
        ["all counts are 0"],
    ),
    "a column": (gdc("--column", "fpkm"), ["'fpkm' is not a column", "fpkm_uq_unstranded|fpkm_unstranded"]),
    "a category": (gdc("--categories", "miRNA,mRNA"), ["mRNA: no gene is of this type", "protein_coding"]),
    "no category": (gdc("--categories", ","), ["no type of genes is named"]),
    "a table that is said to be a download": (
        matrix("--format", "gdc"),
        ["the source is a table, not a download of the GDC", "mine.csv", "--format matrix"],
    ),
    "a unit for the GDC": (gdc("--unit", "TPM"), ["--unit is not an option of a folder of STAR counts"]),
}
XENA = {
    "no unit": (xena(name="mine.tsv"), ["the unit is not stated", "mine.tsv", "--unit"]),
    "two tissues of a donor of GTEx": (
        xena(samples=["GTEX-1117F-0226-SM-5GZZ7", "GTEX-1117F-0426-SM-5EGHI"]),
        ["1 donor of GTEx has several samples", "GTEX-1117F-0226-SM-5GZZ7", "--samples FILE"],
    ),
    "two units": (xena("--unit", "TPM"), ["the name of the file says log2(FPKM-UQ+1), but --unit TPM"]),
    "no probe map": (xena(probe_map=False), ["symbols are needed", "Ensembl gene ids", "--probe-map"]),
    "a probe map of other ids": (
        xena(change=lambda t: t.replace("ENSG", "ENSX")),
        ["the probe map holds none of the ids", "ENSX"],
    ),
    "a value that is text": (xena(change=lambda t: t.replace("1.1699", "x")), ["cannot be read as numbers"]),
    "a row that was cut": (
        xena(change=lambda t: t.rstrip().rpartition("\t")[0]),
        ["cannot be read as numbers"],
    ),
    "a sample twice": (
        xena(change=lambda t: t.replace("A0SD", "A0SB")),
        ["1 sample is duplicated", "A0SB-01A"],
    ),
    "abundances under the name of logarithms": (
        xena(change=lambda t: t.replace("1.1699", "51.1699")),
        [
            "the unit is said to be log2(FPKM-UQ+1)",
            "above 39.86",
            "TCGA-A1-A0SB, ENSG00000091831.24: 51.1699",
        ],
    ),
}
MATRICES = {
    "nothing there": (lambda f: convert(f / "no.csv"), ["the file does not exist", "no.csv"]),
    "no unit": (matrix(), ["the unit is not stated", "mine.csv", "--unit"]),
    "a unit that is not known": (matrix("--unit", "FPMK"), ["'FPMK'", "FPKM-UQ, FPKM"]),
    "negative FPKM": (
        matrix("--unit", "FPKM", change=lambda f: f - 1),
        ["FPKM, but 1 value is below 0", "P1, ESR1: -0.5"],
    ),
    "a logarithm of 100,000": (
        matrix("--unit", "log2(TPM+1)", change=lambda f: f * 1e5),
        ["are above 19.93", "mine.csv"],
    ),
    "TPM beyond a million": (
        matrix("--unit", "TPM", change=lambda f: f * 5e4),
        ["add up to more than a million", "P3"],
    ),
    "a patient twice": (
        matrix("--unit", "TPM", patients=["P1", "P1"]),
        ["duplicated: P1", "mine.csv"],
    ),
    "genes in rows": (
        matrix("--unit", "TPM", change=lambda f: f.T.rename_axis("gene")),
        ["so genes are in rows, not in columns", "--genes-in rows"],
    ),
    "genes in rows, as R writes them": (
        matrix("--unit", "TPM", genes=["ESR1", "PGR", "G3"], change=lambda f: f.T.rename_axis("")),
        ["the samples have the names of genes: ESR1", "mine.csv", "--genes-in rows"],
    ),
    "barcodes as columns": (
        matrix("--unit", "TPM", patients=ALIQUOTS, genes=["a", "b"], change=lambda f: f.T.rename_axis("")),
        ["the genes have the names of samples: TCGA-A1-A0SB-01A", "mine.csv", "--genes-in rows"],
    ),
    "a side": (matrix("--unit", "TPM", "--genes-in", "diagonals"), ["'diagonals'", "columns|rows"]),
    "probe ids": (
        matrix("--unit", "log2 intensity", genes=["1007_s_at", "1053_at"]),
        ["symbols are needed", "--probe-map", "--identifiers as-they-are"],
    ),
    "dates": (matrix("--unit", "TPM", genes=["1-Mar", "ESR1"]), ["1 gene name is a date", "MARCHF1"]),
    "a text": (
        matrix("--unit", "TPM", change=lambda f: f.astype(object).mask(f == 0.5, "x")),
        ["'x'", "mine.csv"],
    ),
    "a format": (
        matrix("--unit", "TPM", "--format", "csv"),
        ["'csv' is not a valid format", "auto|gdc|xena|matrix"],
    ),
    "an ending": (lambda f: [*matrix("--unit", "TPM")(f)[:-1], f / "out.txt"], ["written as .h5ad", ".txt"]),
    "an output in no folder": (
        lambda f: [*matrix("--unit", "TPM")(f)[:-1], f / "no" / "out.csv"],
        ["folder of the output does not exist"],
    ),
    "the output as input": (
        lambda f: [*matrix("--unit", "TPM")(f)[:-1], f / "mine.csv", "--force"],
        ["the output would replace an input"],
    ),
}

TABLE = [
    pytest.param(build, words, id=f"{title}: {name}")
    for title, rows in {"sheet": SHEETS, "file": FILES, "xena": XENA, "matrix": MATRICES}.items()
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


def test_an_error_under_json_is_one_object(capsys, tmp_path):
    answer = sequoia(capsys, *matrix("--json")(tmp_path))
    assert answer.code == 2
    assert set(answer.json["error"]) == {"what", "where", "fix"}
