"""The bundled cohorts: every number stated about them, and the same result from the usual readers."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sequoia_stats import datasets, shared_genes
from sequoia_stats.errors import InputError
from sequoia_stats.io import read_cohort
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.expression import Expression
from tests.build.cohorts import make_cohort
from tests.build.studies import write_cbioportal_study

HERE = Path(datasets.__file__).parent
load = cache(datasets.load)


@pytest.mark.parametrize(
    ("name", "n", "genes", "events", "endpoint", "note"),
    [
        ("tcga-brca", 956, 2413, 125, "PFI", "sub-cohort of 956 of 1097 patients, 2413 genes"),
        ("tcga-brca:PFI", 956, 2413, 125, "PFI", "sub-cohort of 956 of 1097 patients, 2413 genes"),
        ("tcga-brca:DFI", 831, 2413, 72, "DFI", "sub-cohort of 831 of 1097 patients, 2413 genes"),
        ("tcga-brca:OS", 956, 2413, 130, "OS", "sub-cohort of 956 of 1097 patients, 2413 genes"),
        (
            "tcga-brca:disease_free",
            874,
            2413,
            97,
            "disease_free",
            "sub-cohort of 874 of 1097 patients, 2413 genes",
        ),
        ("scan-b", 400, 10_000, 48, "OS", "sub-cohort of 400 of 3273 patients, 10000 genes"),
        ("metabric", 200, 2500, 101, "RFS", "sub-cohort of 200 of 2509 patients, 2500 genes"),
    ],
)
def test_a_cohort_is_as_large_as_stated(name, n, genes, events, endpoint, note):
    cohort = load(name)
    assert (cohort.n, len(cohort.genes), cohort.n_events) == (n, genes, events)
    assert (cohort.outcome.endpoint, cohort.note) == (endpoint, note)


@pytest.mark.parametrize(
    ("name", "n", "events"), [("tcga-brca", 907, 119), ("scan-b", 384, 45), ("metabric", 200, 101)]
)
def test_receptors_and_subtype_are_as_complete_as_said(name, n, events):
    cohort = load(name)
    complete = cohort.covariates[["pam50", "er", "pr"]].notna().all(axis=1).to_numpy()
    assert (complete.sum(), cohort.outcome.event[complete].sum()) == (n, events)


@pytest.mark.parametrize(
    ("names", "shared"),
    [
        (["tcga-brca", "scan-b"], 1422),
        (["tcga-brca", "metabric"], 407),
        (["tcga-brca", "scan-b", "metabric"], 292),
    ],
)
def test_the_cohorts_share_as_many_genes_as_said(names, shared):
    assert len(shared_genes(*map(load, names))) == shared


@pytest.mark.parametrize(
    ("name", "low", "high"), [("scan-b", 59 / 30.4375, 2453 / 30.4375), ("metabric", 6.9, 298.9)]
)
def test_times_are_in_months(name, low, high):
    time = load(name).outcome.time
    assert (time.min(), time.max()) == (pytest.approx(low, abs=0.05), pytest.approx(high, abs=0.05))


@pytest.mark.parametrize("name", ["tcga-brca", "scan-b", "metabric"])
def test_provenance_and_canonical_covariates_are_there(name):
    cohort = load(name)
    assert list(cohort.covariates)[:5] == ["pam50", "er", "pr", "her2", "age"]
    assert cohort.source and cohort.licence and not (cohort.units == "not stated").any()
    assert set(cohort.covariates["er"].dropna()) == {0.0, 1.0}
    assert not cohort.expression.isna().to_numpy().any()


def test_metabric_has_nine_claudin_low_tumours():
    assert (load("metabric").covariates["pam50"] == "claudin-low").sum() == 9


def test_sixteen_patients_of_scanb_have_no_progesterone_receptor():
    assert load("scan-b").covariates["pr"].isna().sum() == 16


def test_indeterminate_receptors_are_counted_in_the_ledger():
    flow = load("tcga-brca").flow
    line = flow[flow["step"] == "covariate: ER Status By IHC"]
    assert line[["n_before", "n_after", "reason"]].to_numpy().tolist() == [
        [914, 912, "Indeterminate taken as missing"]
    ]


def test_patients_without_the_outcome_are_counted_in_the_ledger():
    flow = load("tcga-brca:DFI").flow
    assert [956, 831, "time missing"] in flow[["n_before", "n_after", "reason"]].to_numpy().tolist()


def test_rsem_wins_where_a_gene_is_in_two_files():
    raw = pd.read_csv(HERE / "tcga_brca_expr_pam50_rsem_hist2rna.csv.gz", index_col=0)
    cohort = load("tcga-brca")
    np.testing.assert_array_equal(cohort.expression["ESR1"], raw.loc[cohort.patients, "ESR1"])
    assert cohort.units.value_counts().to_dict() == {"z-score": 1454, "RSEM": 959}


def test_the_tidy_reader_gives_the_same_cohort():
    cohort = read_cohort(
        HERE / "metabric200_expr_log2.csv.gz",
        clinical=HERE / "metabric2509_clinical.csv.gz",
        id_column="Patient ID",
        time_column="Relapse Free Status (Months)",
        event_column="Relapse Free Status",
        time_unit="months",
        endpoint="RFS",
    )
    assert cohort.sha256() == load("metabric").sha256()


def test_an_unknown_name_or_endpoint_is_an_error_with_the_choices():
    with pytest.raises(InputError, match="tcga-brca:disease_free, scan-b, metabric"):
        datasets.load("tcga-brca:RFS")
    with pytest.raises(InputError, match="PFI, DFI, OS, disease_free"):
        datasets.load_tcga_brca(endpoint="RFS")


def test_a_name_can_replace_a_file():
    assert datasets.open_cohort("metabric").name == "METABRIC"
    expression = datasets.open_expression("metabric")
    assert isinstance(expression, Expression)
    assert expression.values.shape == (200, 2500)


def test_what_is_not_a_name_goes_to_the_readers(tmp_path):
    cohort = make_cohort(n=6, events=2, genes=2)
    assert datasets.open_cohort(cohort) is cohort
    assert isinstance(
        datasets.open_cohort(write_cbioportal_study(tmp_path / "metabric"), endpoint="OS"), Cohort
    )


@pytest.mark.parametrize("option", [{"endpoint": "OS"}, {"time_unit": "days"}])
def test_an_option_that_a_bundled_cohort_cannot_take_is_refused(option):
    with pytest.raises(InputError, match="metabric"):
        datasets.open_cohort("metabric", **option)


@pytest.mark.parametrize("file", sorted(path.name for path in HERE.glob("*.csv*")))
def test_every_file_has_its_source_and_licence(file):
    lines = [line for line in (HERE / "DATASETS.md").read_text().splitlines() if f"`{file}`" in line]
    assert len(lines) == 1
    assert all(cell.strip() for cell in lines[0].strip("|").split("|"))


def test_all_files_are_there_and_a_missing_one_is_named(monkeypatch, tmp_path):
    assert datasets.missing_files() == []
    monkeypatch.setattr(datasets, "_HERE", tmp_path)
    assert set(datasets.missing_files()) == {path.name for path in HERE.glob("*.csv*")}
