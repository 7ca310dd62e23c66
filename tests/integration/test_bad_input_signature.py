"""Bad input of ``signature`` is one table: what is wrong, the command that reads it, and the words of its error."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sequoia_stats.io import write_cohort
from tests.build.cohorts import make_cohort
from tests.build.commands import SAID, left_in, sequoia, write_adata, write_made_cohort, write_signature
from tests.build.studies import clinical_table, expression_table

MADE = make_cohort(n=30, genes=6, seed=8).expression
PROBES = ("1007_s_at", "1053_at", "117_at")


def score(frame, *options, other=None, change=None, signature=None):
    """`signature score` of a table; OTHER is a further file, which a function writes."""

    def build(folder):
        write_signature(folder / "s.json")
        if signature is not None:
            signature(folder / "s.json")
        frame.rename_axis("id").to_csv(folder / "x.csv")
        if other is not None:
            other(folder / "other.json")
        named = {"OTHER": folder / "other.json"}
        chosen = [named.get(option, str(option).replace("HERE", str(folder))) for option in options]
        return ["signature", "score", folder / "s.json", folder / "x.csv", *chosen, "-o", folder / "out.csv"]

    return build


def score_cohort(*options, **covariates):
    """`signature score` of a cohort with further covariates."""

    def build(folder):
        write_signature(folder / "s.json")
        cohort = make_cohort(n=60, events=30, genes=6)
        table = cohort.covariates.assign(**{name: list(values) for name, values in covariates.items()})
        write_cohort(replace(cohort, covariates=table), folder / "c.h5ad")
        return [
            "signature",
            "score",
            folder / "s.json",
            folder / "c.h5ad",
            *options,
            "-o",
            folder / "out.csv",
        ]

    return build


def convert(genes, *options):
    """`cohort convert` of a table with the given names of genes."""

    def build(folder):
        expression_table(genes=genes).to_csv(folder / "e.csv")
        clinical_table().to_csv(folder / "clinical.csv")
        files = [folder / "e.csv", "--clinical", folder / "clinical.csv", "-o", folder / "out.h5ad"]
        return ["cohort", "convert", *files, *SAID, *options]

    return build


def fit_adata(genes, **obs):
    """`signature fit` of AnnData that no `cohort convert` has read."""

    def build(folder):
        frame = make_cohort(n=60, genes=len(genes)).expression.set_axis(genes, axis=1)
        outcome = {"time": range(1, 61), "event": [0, 1] * 30}
        path = write_adata(folder / "a.h5ad", frame, **outcome, **obs)
        import anndata

        adata = anndata.read_h5ad(path)
        adata.uns["endpoint"] = "OS"
        adata.write_h5ad(path)
        return ["signature", "fit", path, "-o", folder / "out.json"]

    return build


def fit_genes(text):
    """`signature fit` with a list of candidate genes."""

    def build(folder):
        write_made_cohort(folder / "c.h5ad")
        (folder / "genes.txt").write_text(text)
        return [
            "signature",
            "fit",
            folder / "c.h5ad",
            "--genes",
            folder / "genes.txt",
            "-o",
            folder / "out.json",
        ]

    return build


def fit_folds(n=60, ids="P{}".format):
    """`signature fit` with given folds."""

    def build(folder):
        write_made_cohort(folder / "c.h5ad")
        rows = "".join(f"{ids(i + 1)},{i % 5 + 1}\n" for i in range(n))
        (folder / "folds.csv").write_text("patient_id,fold\n" + rows)
        return [
            "signature",
            "fit",
            folder / "c.h5ad",
            "--foldid",
            folder / "folds.csv",
            "-o",
            folder / "out.json",
        ]

    return build


def edited(drop=(), **changes):
    """Change the JSON of the signature."""

    def change(path):
        content = json.loads(path.read_text()) | changes
        path.write_text(json.dumps({key: value for key, value in content.items() if key not in drop}))

    return change


def only(**content):
    return lambda path: path.write_text(json.dumps(content))


PARTS = [
    "schema_version",
    "transform",
    "cutoff",
    "endpoint",
    "training",
    "selection",
    "engine",
    "versions",
    "seed",
]
MEAN_AND_SD, VALUES = {"mean": 0, "sd": 1}, {"values": [1], "scores": [1]}

TABLE = {
    # --- identifiers
    "probes": (convert(PROBES), ["3 of 3 names are Affymetrix probe ids, such as 1007_s_at", "e.csv", "as-they-are"]),
    "Ensembl ids": (convert(("ENSG00000141510.3", "ENSG00000091831")), ["Ensembl gene ids", "e.csv"]),
    "Entrez ids": (convert(("7157", "2099")), ["Entrez"]),
    "Illumina and Agilent": (convert(("ILMN_1", "A_23_P100001", "A_33_P1")), ["Agilent probe ids (2", "Illumina"]),
    "another word": (convert(PROBES, "--identifiers", "probes"), ["'probes'", "as-they-are"]),
    "AnnData of probes": (fit_adata(PROBES), ["Affymetrix", "a.h5ad", "cohort convert --identifiers as-they-are"]),
    "a table of probes": (
        score(MADE.iloc[:, :3].set_axis(PROBES, axis=1)),
        ["none of the 2 genes", "of the table, 3 of 3 names are Affymetrix", "x.csv"],
    ),
    "candidates that are ids": (
        fit_genes("ENSG00000141510\nENSG00000091831\n"),
        ["of the list of candidates", "Ensembl"],
    ),
    "one candidate": (fit_genes("G1\n"), ["1 usable candidate gene", "fix: name 2 candidate genes or more"]),
    "one candidate of two": (fit_genes("G1\nXYZ\n"), ["1 usable candidate gene", "fix: check the gene names"]),
    "folds of ids without leading zeros": (
        fit_folds(ids="P0{}".format),
        ["no fold for 60 of 60 patients", "write the ids as in the cohort", "'P1' and 'P01'"],
    ),
    "folds of some": (fit_folds(n=50), ["no fold for 10 of 60 patients", "P51", "give every patient a fold"]),
    # --- scales
    "one patient": (score(MADE.iloc[:1]), ["at least 20 patients, but there is 1", "--reference COHORT"]),
    "one patient of another platform": (
        score(MADE.iloc[:1] * 5 + 90, "--scale", "training"),
        ["one patient cannot be scored", "outside the range of the training cohort", "--reference COHORT"],
    ),
    "few patients of another platform": (
        score(MADE.iloc[:6] * 5 + 90),
        ["at least 20 patients, but there are 6", "--scale training cannot help"],
    ),
    "a reference that is a signature": (
        score(MADE, "--reference", "HERE/s.json"),
        ["this is a signature, not a reference", "s.json", "--save-reference"],
    ),
    "a reference that is not there": (score(MADE, "--reference", "HERE/no.h5ad"), ["does not exist", "no.h5ad"]),
    "a reference that is no JSON": (
        score(MADE, "--reference", "OTHER", other=lambda path: path.write_text("{")),
        ["not valid JSON", "other.json"],
    ),
    "a reference that is nested too deeply": (
        score(MADE, "--reference", "OTHER", other=lambda path: path.write_text("[" * 200_000)),
        ["nested too deeply", "other.json", "new copy"],
    ),
    "a reference with faults": (
        score(MADE, "--reference", "OTHER", other=only(schema_version=1, kind="scale reference", n=3, genes=["G1"])),
        ["cohort, sha256, transform are missing", "/n", "other.json"],
    ),
    "a reference of few": (
        score(MADE.iloc[:19], "--reference", "HERE/x.csv"),
        ["a reference needs at least 20 patients", "has 19", "x.csv"],
    ),
    "a reference without the genes": (
        score(
            MADE,
            "--reference", "HERE/reference.csv", "--max-weight-lost", "0.2",
            other=lambda path: MADE.drop(columns="G2").rename_axis("id").to_csv(path.parent / "reference.csv"),
        ),
        ["the reference reference lacks 1 of 2 genes", "G2", "x.csv"],
    ),
    "patients and a reference that lack different genes": (
        score(
            MADE.drop(columns="G1"),
            "--reference", "HERE/reference.csv",
            other=lambda path: MADE.drop(columns="G2").rename_axis("id").to_csv(path.parent / "reference.csv"),
        ),
        ["x and the reference reference lack 2 of 2 genes", "x: G1; the reference reference: G2"],
    ),
    "one patient outside a reference": (
        score(
            MADE.iloc[:1] * 5 + 90,
            "--reference", "HERE/reference.csv",
            other=lambda path: MADE.rename_axis("id").to_csv(path.parent / "reference.csv"),
        ),
        ["one patient cannot be scored", "score against another reference", "without --reference"],
    ),
    "two scales": (score(MADE, "--reference", "metabric", "--scale", "training"), ["cannot be combined", "scale"]),
    "saving a reference against another": (
        score(MADE, "--reference", "metabric", "--save-reference", "HERE/out.json"),
        ["--save-reference and --reference cannot be combined"],
    ),
    "saving a reference as a table": (score(MADE, "--save-reference", "HERE/out.txt"), [".json", "out.txt"]),
    "studies of a table": (score(MADE, "--scale-within", "study"), ["no column 'study'", "cohort convert", "x.csv"]),
    "studies that are too small": (
        score_cohort("--scale-within", "study", study=["A"] * 45 + ["B"] * 10 + ["C"] * 5),
        ["2 of 3 groups have fewer than 20 patients", "B (10), C (5)", "c.h5ad"],
    ),
    "a patient without a study": (
        score_cohort("--scale-within", "study", study=["A"] * 30 + ["B"] * 29 + [None]),
        ["1 of 60 patients has no group", "P60"],
    ),
    # --- the file of a signature
    "genes and coefficients only": (
        score(MADE, signature=only(genes=["G1", "G2"], coefficients=[0.5, 1])),
        [*PARTS, "are missing", "in 1 place", "s.json", "signature-2.json"],
    ),
    "a value that is wrong": (
        score(MADE, signature=edited(cutoff="high")),
        ["in 1 place", "'high' is not of type 'number'", "fix: mend these places"],
    ),
    "several faults": (
        score(MADE, signature=edited(["seed"], cutoff="high", coefficients=["a"], genes=["G1", "G1"], colour="red")),
        ["seed is missing", "/cutoff", "/coefficients/0", "/genes", "'colour' was unexpected", "2 genes with 1 coeff"],
    ),
    "parameters of another transform": (
        score(MADE, signature=edited(transform={"name": "zscore", "parameters": [MEAN_AND_SD, VALUES]})),
        ["/transform/parameters/1", "it needs mean, sd, but there are scores, values"],
    ),
    "a text for the transform": (score(MADE, signature=edited(transform="rank")), ["/transform", "'rank'"]),
    "a cohort in its place": (
        lambda folder: ["signature", "show", write_adata(folder / "a.h5ad", MADE)],
        ["a signature is a .json file", "before the cohort"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("build", "words"), TABLE.values(), ids=TABLE)
def test_bad_input_is_refused_with_its_place_and_a_way_out(capsys, tmp_path, build, words):
    command = build(tmp_path)
    before = left_in(tmp_path)
    answer = sequoia(capsys, *command)
    said = " ".join(answer.err.split())
    assert answer.code == 2, answer
    assert [word for word in words if word not in said] == []
    assert "Traceback" not in said and left_in(tmp_path) == before


# --- the ways out that messages name ---------------------------------------------------------------------------------


def test_probes_are_kept_and_scored_within_their_platform(capsys, tmp_path):
    assert sequoia(capsys, *convert(PROBES, "--identifiers", "as-they-are")(tmp_path)).code == 0
    answer = sequoia(capsys, "cohort", "describe", tmp_path / "out.h5ad")
    assert "3 of 3 names are Affymetrix probe ids" in answer.out


def test_one_patient_is_scored_against_a_saved_reference_as_in_his_cohort(capsys, tmp_path):
    command = score(MADE, "--save-reference", "HERE/kept.json")(tmp_path)
    assert sequoia(capsys, *command).code == 0
    whole = (tmp_path / "out.csv").read_text().splitlines()
    command = score(MADE.iloc[[4]], "--reference", "HERE/kept.json", "--force")(tmp_path)
    assert sequoia(capsys, *command).code == 0
    assert (tmp_path / "out.csv").read_text().splitlines()[1] == whole[5]


def test_one_patient_is_scored_against_a_cohort(capsys, tmp_path):
    MADE.rename_axis("id").to_csv(tmp_path / "cohort.csv")
    answer = sequoia(capsys, *score(MADE.iloc[[4]], "--reference", "HERE/cohort.csv", "--json")(tmp_path))
    assert answer.json["reference"]["n"] == 30 and answer.json["scale"] == "reference"


def test_a_reference_with_genes_in_the_other_direction_is_the_same_reference(capsys, tmp_path):
    said = []
    MADE.rename_axis("id").to_csv(tmp_path / "columns.csv")
    MADE.T.rename_axis("gene").to_csv(tmp_path / "rows.csv")
    for patients, side in (
        ("columns", "columns"),
        ("rows", "rows"),
        ("columns", "rows"),
        ("rows", "columns"),
    ):
        files = [write_signature(tmp_path / "s.json"), tmp_path / f"{patients}.csv"]
        options = ["--genes-in", patients, "--reference", tmp_path / f"{side}.csv", "--force", "--json"]
        answer = sequoia(capsys, "signature", "score", *files, *options, "-o", tmp_path / "out.csv")
        said.append((answer.json["reference"]["sha256"], (tmp_path / "out.csv").read_text()))
    assert said == said[:1] * 4


def test_notes_are_told_apart_and_numbers_have_no_exponent(capsys, tmp_path):
    nearly = (
        MADE.iloc[[0] * 25].set_axis([f"N{i}" for i in range(25)]) + 1e6 + 1e-7 * MADE.iloc[:25].to_numpy()
    )
    answer = sequoia(capsys, *score(nearly, "--scale", "training")(tmp_path))
    [notes] = [line for line in answer.out.splitlines() if "outside the range" in line]
    assert "; all 25 patients are in one group" in notes and "e-" not in notes and "e+" not in notes


def test_another_platform_is_said_in_print_and_json(capsys, tmp_path):
    build = score(MADE * 5 + 90, "--scale", "training", "--force")
    assert "outside the range of the training cohort" in sequoia(capsys, *build(tmp_path)).out
    [range_, groups] = sequoia(capsys, *build(tmp_path), "--json").json["notes"]
    assert "--scale cohort" in range_ and "all 30 patients are in one group" in groups


def test_studies_of_a_cohort_are_scored_within(capsys, tmp_path):
    build = score_cohort("--scale-within", "study", "--json", study=["A"] * 35 + ["B"] * 25)
    assert sequoia(capsys, *build(tmp_path)).json["scale_within"] == {"A": 35, "B": 25}


def test_validation_says_that_a_cohort_is_of_another_platform(capsys, tmp_path):
    write_signature(tmp_path / "s.json")
    cohort = make_cohort(n=60, events=40, genes=6)
    write_cohort(replace(cohort, expression=cohort.expression + 50), tmp_path / "c.h5ad")
    command = ["signature", "validate", tmp_path / "s.json", tmp_path / "c.h5ad", "--scale", "training"]
    answer = sequoia(capsys, *command, "--bootstrap", "0", "-o", tmp_path / "v")
    assert "outside the range of the training cohort" in answer.out
    assert json.loads((tmp_path / "v" / "validation.json").read_text())["notes"]
