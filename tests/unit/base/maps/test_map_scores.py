"""Scores of signatures on a map: one product for linear transforms, gene by gene for others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_base.errors import InputError
from sequoia_stats.signature import Signature
from sequoia_stats.signature.transforms import Transform, fit_transform
from tests.build.maps import GENES, make_gene_map, make_heads, make_map


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    return make_heads(tmp_path_factory.mktemp("heads") / "heads.h5")


def make_signature(name: str, genes=GENES, coefficients=(0.5, -1.0, 2.0, 0.25)) -> Signature:
    """A signature whose transform was fitted on 30 patients with expression of 5 to 9."""
    x = np.random.default_rng(3).uniform(5, 9, size=(30, len(genes)))
    transform = fit_transform(name, x)
    return Signature(
        tuple(genes),
        tuple(coefficients),
        transform,
        0.0,
        "OS",
        {"cohort": "made", "note": ""},
        {},
        "glmnet",
        {},
        0,
    )


def score_of(signature: Signature, genes: np.ndarray) -> np.ndarray:
    return signature.transform.apply(genes.astype(np.float64)) @ np.array(signature.coefficients)


@pytest.mark.parametrize("name", ["none", "zscore", "rank"])
def test_a_score_is_that_of_the_genes(heads, name):
    made, signature = make_map(heads, dtype=np.float64), make_signature(name)
    expected = score_of(signature, made.genes(GENES)[made.covered])
    np.testing.assert_allclose(made.score(signature)[made.covered], expected, atol=1e-9)
    assert np.isnan(made.score(signature)[~made.covered]).all()


@pytest.mark.parametrize("name", ["zscore", "rank"])
def test_a_score_of_each_fold_is_that_of_its_genes(heads, name):
    made, signature = make_map(heads, dtype=np.float64), make_signature(name)
    folds = np.stack([made.by_fold(gene) for gene in GENES], axis=-1)[:, made.covered]
    expected = np.stack([score_of(signature, fold) for fold in folds])
    np.testing.assert_allclose(made.score_by_fold(signature)[:, made.covered], expected, atol=1e-9)
    spread = made.score_details(signature).std[made.covered]
    np.testing.assert_allclose(spread, expected.std(axis=0), atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(factor=st.floats(-5, 5))
def test_a_multiple_of_a_signature_has_the_multiple_of_its_score(heads, factor):
    made, one = make_map(heads), make_signature("zscore")
    other = make_signature("zscore", coefficients=tuple(factor * np.array(one.coefficients)))
    np.testing.assert_allclose(made.score(other), factor * made.score(one), atol=1e-3)


def test_a_logarithm_suits_counts_only(heads):
    values = np.random.default_rng(0).uniform(0, 100, size=(19, 4))
    made = make_gene_map(values, units="counts")
    np.testing.assert_allclose(made.score(make_signature("log2")), np.log2(values + 1) @ [0.5, -1, 2, 0.25])
    with pytest.raises(InputError, match=r"does not suit the map, whose unit is log2\(TPM\+1\)"):
        make_map(heads).score(make_signature("log2"))


def test_lost_genes_and_their_weight_are_told(heads):
    signature = make_signature("none", genes=("ESR1", "TP53", "MKI67", "KRT5"))
    details = make_map(heads).score_details(signature)
    assert details.genes_missing == ("TP53",)
    assert details.weight_lost == pytest.approx(1 / 3.75)


def test_too_much_lost_weight_is_refused(heads):
    signature = make_signature("none", genes=("ESR1", "TP53", "CDX2", "KRT5"))
    with pytest.raises(InputError, match="lacks 2 of 4 genes of the signature, with 80% of the weight"):
        make_map(heads).score(signature)
    assert np.isfinite(make_map(heads, uncovered=()).score(signature, max_weight_lost=0.9)).all()


def test_genes_are_found_under_former_names(tmp_path):
    made = make_map(make_heads(tmp_path / "heads.h5", genes=("NDC80", "ESR1")))
    signature = make_signature("none", genes=("KNTC2",), coefficients=(2.0,))
    np.testing.assert_allclose(made.score(signature), 2 * made.gene("NDC80"), rtol=1e-5)


def test_a_constant_gene_of_the_training_cohort_scores_nothing(heads):
    signature = make_signature("zscore")
    signature.transform.parameters[0]["sd"] = 0.0
    others = Transform("zscore", signature.transform.parameters[1:])
    rest = others.apply(make_map(heads, uncovered=()).genes(GENES[1:]).astype(float)) @ [-1, 2, 0.25]
    np.testing.assert_allclose(make_map(heads, uncovered=()).score(signature), rest, atol=1e-4)
