"""Cohorts whose genes are named by probes or by other identifiers."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_stats import Cohort, Signature, read_cohort, read_expression
from sequoia_stats.errors import InputError
from sequoia_stats.io import write_cohort
from tests.build.cohorts import make_signature
from tests.build.studies import (
    clinical_table,
    expression_table,
    write_cbioportal_study,
    write_single,
    write_tidy,
)

PROBES = ("1007_s_at", "1053_at", "117_at")


def tidy(folder, genes):
    return write_tidy(folder, expression_table(genes=genes))


def turned(folder, genes):
    return write_tidy(folder, expression_table(genes=genes).T, genes_in="rows")


def single(folder, genes):
    return write_single(folder, clinical_table().join(expression_table(genes=genes)))


def study(folder, genes):
    samples = [f"P{i}-T" for i in range(1, 7)]
    table = expression_table(samples, genes).T.rename_axis("Hugo_Symbol")
    return {"source": write_cbioportal_study(folder / "study", expression=table), "endpoint": "OS"}


def adata_of(genes):
    obs = clinical_table().rename(columns={"months": "time", "status": "event"})
    var = pd.DataFrame(index=pd.Index(genes))
    return anndata.AnnData(
        expression_table(genes=genes).to_numpy(), obs.rename_axis(None), var, uns={"endpoint": "OS"}
    )


def h5ad(folder, genes):
    adata_of(genes).write_h5ad(folder / "a.h5ad")
    return {"source": folder / "a.h5ad"}


def in_memory(folder, genes):
    return {"source": adata_of(genes)}


FORMATS = (tidy, turned, single, study, h5ad, in_memory)


@pytest.mark.parametrize("write", FORMATS)
def test_probes_are_refused_and_the_kind_is_named(tmp_path, write):
    with pytest.raises(InputError) as caught:
        read_cohort(**write(tmp_path, PROBES))
    assert "3 of 3 names are Affymetrix probe ids, such as 1007_s_at" in caught.value.what
    assert "cohort convert --identifiers as-they-are" in caught.value.fix


@pytest.mark.parametrize("write", FORMATS)
def test_probes_are_kept_if_they_are_wanted_as_they_are(tmp_path, write):
    cohort = read_cohort(**write(tmp_path, PROBES), identifiers="as-they-are")
    assert tuple(cohort.genes) == PROBES
    assert "3 of 3 names are Affymetrix probe ids" in cohort.flow["reason"].str.cat(sep="; ")


@pytest.mark.parametrize("write", FORMATS)
def test_symbols_as_they_are_are_not_renamed(tmp_path, write):
    genes = ("KNTC2", "ESR1", "PGR")
    assert tuple(read_cohort(**write(tmp_path, genes)).genes) == ("NDC80", "ESR1", "PGR")
    assert tuple(read_cohort(**write(tmp_path, genes), identifiers="as-they-are").genes) == genes


@pytest.mark.parametrize(
    "genes",
    [("ENSG00000141510", "ENSG00000091831.4"), ("7157", "2099.0"), ("A_23_P100001", "ILMN_1651199")],
)
def test_other_identifiers_are_refused_too(tmp_path, genes):
    with pytest.raises(InputError, match="symbols are needed, but 2 of 2 names are"):
        read_cohort(**tidy(tmp_path, genes))


def test_a_few_identifiers_among_symbols_are_counted_in_the_ledger(tmp_path):
    cohort = read_cohort(**tidy(tmp_path, ("ESR1", "PGR", "1007_s_at")))
    step = cohort.flow.set_index("step").loc["genes: other identifiers"]
    assert step["reason"].startswith("1 of 3 names, 1007_s_at, is of the kind: Affymetrix probe ids")
    assert (step["n_before"], step["n_after"]) == (3, 3)


def test_a_cohort_that_kept_its_probes_is_written_read_and_scored_within_its_platform(tmp_path):
    cohort = read_cohort(**tidy(tmp_path, PROBES), identifiers="as-they-are")
    write_cohort(cohort, tmp_path / "c.h5ad")
    again = read_cohort(tmp_path / "c.h5ad")
    assert tuple(again.genes) == PROBES
    signature = make_signature(again, {"1053_at": 1.0}, "none")
    assert signature.risk_score(read_expression(tmp_path / "c.h5ad")).scores.tolist() == list(
        again.expression["1053_at"]
    )


def test_another_word_is_refused_with_the_choices(tmp_path):
    with pytest.raises(InputError, match="'probes' is not a valid identifiers") as caught:
        read_cohort(**tidy(tmp_path, PROBES), identifiers="probes")
    assert "symbols, as-they-are" in caught.value.fix


def test_a_signature_of_symbols_says_that_a_table_has_probes(tmp_path):
    cohort = read_cohort(**tidy(tmp_path, ("ESR1", "PGR", "G3")))
    signature: Signature = make_signature(cohort, {"ESR1": 1.0, "PGR": 0.5})
    probes: Cohort = read_cohort(**tidy(tmp_path, PROBES), identifiers="as-they-are")
    with pytest.raises(InputError) as caught:
        signature.risk_score(read_expression(probes))
    assert "3 of 3 names are Affymetrix probe ids, such as 1007_s_at" in caught.value.what
    assert "name the genes by symbols" in caught.value.fix


def test_a_signature_of_probes_says_so_where_a_table_has_symbols(tmp_path):
    probes = read_cohort(**tidy(tmp_path, PROBES), identifiers="as-they-are")
    signature = make_signature(probes, {"1007_s_at": 1.0, "117_at": 0.5})
    symbols = read_cohort(**tidy(tmp_path, ("ESR1", "PGR", "G3")))
    with pytest.raises(InputError, match="of the signature, 2 of 2 names are Affymetrix probe ids"):
        signature.risk_score(read_expression(symbols))
    assert np.isfinite(signature.risk_score(read_expression(probes), scale="training").scores).all()
