"""Units: which are logarithms, what becomes of the others, and which values they exclude."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError
from sequoia_stats.io.measured._units import note_unit, parse_unit, refuse_contradiction


def table(*rows):
    values = np.array(rows, dtype=float)
    return pd.DataFrame(
        values, [f"P{i}" for i in range(len(values))], [f"G{j}" for j in range(values.shape[1])]
    )


@pytest.mark.parametrize(
    ("text", "name", "of_output"),
    [
        ("FPKM-UQ", "FPKM-UQ", "log2(FPKM-UQ+1)"),
        ("fpkm_uq", "FPKM-UQ", "log2(FPKM-UQ+1)"),
        ("tpm", "TPM", "log2(TPM+1)"),
        ("counts", "counts", "log2(CPM+1)"),
        ("log2(FPKM-UQ + 1)", "log2(FPKM-UQ+1)", "log2(FPKM-UQ+1)"),
        ("Log2 (fpkm uq+1)", "log2(FPKM-UQ+1)", "log2(FPKM-UQ+1)"),
        ("log2(TPM+0.001)", "log2(TPM+0.001)", "log2(TPM+0.001)"),
        ("log2(counts+1)", "log2(counts+1)", "log2(CPM+1)"),
        ("log2 intensity", "log2 intensity", "log2 intensity"),
        ("z-score", "z-score", "z-score"),
    ],
)
def test_a_unit_is_known_however_it_is_written(text, name, of_output):
    unit = parse_unit(text)
    assert (unit.name, unit.of_output) == (name, of_output)


@pytest.mark.parametrize("text", ["", "FPMK", "log2(FPMK+1)", "intensity", "log2(TPM+one)"])
def test_an_unknown_unit_is_refused(text):
    with pytest.raises(InputError, match="is not a unit that is known"):
        parse_unit(text)


def test_abundances_become_logarithms_and_logarithms_stay():
    values = np.array([[0.0, 1.0, 7.0]])
    assert parse_unit("TPM").to_log(values, np.ones(1)).tolist() == [[0.0, 1.0, 3.0]]
    assert parse_unit("log2(TPM+1)").to_log(values, np.ones(1)).tolist() == values.tolist()


@pytest.mark.parametrize("text", ["counts", "log2(counts+1)"])
def test_counts_become_cpm_also_when_their_logarithm_was_taken(text):
    unit, counts = parse_unit(text), np.array([[3.0, 1.0, 12.0], [0.0, 5.0, 5.0]])
    given_values = counts if unit.offset is None else np.log2(counts + 1)
    expected = np.log2(counts / np.array([[16.0], [10.0]]) * 1e6 + 1)
    np.testing.assert_allclose(unit.to_log(given_values, counts.sum(1)), expected, rtol=1e-12)


@given(st.lists(st.floats(0, 1e5), min_size=2, max_size=5), st.sampled_from(["1", "0.001"]))
def test_ids_of_a_symbol_are_added_without_the_logarithm(values, offset):
    unit = parse_unit(f"log2(FPKM+{offset})")
    total = unit.total(np.log2(np.array([values]) + unit.offset))
    np.testing.assert_allclose(2 ** total[0] - unit.offset, sum(values), rtol=1e-9, atol=1e-9)


def test_on_a_scale_of_its_own_ids_of_a_symbol_are_averaged():
    assert parse_unit("z-score").total(np.array([[-1.0, 2.0]])).tolist() == [0.5]


@pytest.mark.parametrize(
    ("text", "value", "words"),
    [
        ("FPKM", -0.5, "1 value is below 0"),
        ("log2(FPKM-UQ+1)", -0.4, "1 value is below 0"),
        ("log2(FPKM-UQ+1)", -1e-5, "1 value is below 0"),
        ("log2(TPM+0.001)", -12, "below -9.966"),
        ("log2(FPKM-UQ+1)", 1e5, "above 39.86"),
        ("log2(TPM+1)", 21, "above 19.93"),
        ("TPM", 2e6, "above 1e\\+06"),
    ],
)
def test_values_that_a_unit_excludes_are_refused_with_gene_and_sample(text, value, words):
    with pytest.raises(InputError, match=words) as caught:
        refuse_contradiction(table([1, 2, 3], [1, value, 3]), parse_unit(text), "mine.csv")
    assert "mine.csv, first P1, G1" in caught.value.where


def test_tpm_of_a_sample_are_shares_of_a_million():
    with pytest.raises(InputError, match="the values of 1 sample add up to more than a million") as caught:
        refuse_contradiction(table([1, 2], [6e5, 6e5]), parse_unit("TPM"), "mine.csv")
    assert "P1: 1,200,000" in caught.value.where


@pytest.mark.parametrize("text", ["log2 intensity", "z-score"])
def test_a_scale_of_its_own_excludes_nothing(text):
    assert refuse_contradiction(table([-1e6, 1e6]), parse_unit(text), "mine.csv") is None


def test_rounded_zeros_and_missing_values_contradict_nothing():
    assert refuse_contradiction(table([-1e-7, np.nan]), parse_unit("log2(FPKM+1)"), "mine.csv") is None
    assert refuse_contradiction(table([-9.9660, np.nan]), parse_unit("log2(TPM+0.001)"), "toil.tsv") is None


def test_abundances_that_look_like_logarithms_are_noted():
    flow = Flow()
    note_unit(np.array([[13.4, *[1.0] * 999]]), parse_unit("FPKM"), flow)
    note_unit(np.array([[300, *[1.0] * 999]]), parse_unit("FPKM"), flow)
    note_unit(np.array([[13.4, *[1.0] * 99]]), parse_unit("FPKM"), flow)
    suspect, fine, few = (step.reason for step in flow)
    assert "no value exceeds 13.4" in suspect and "--unit 'log2(FPKM+1)'" in suspect
    assert fine == few == "FPKM → log2(FPKM+1)"
