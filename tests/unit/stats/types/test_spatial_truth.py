"""What was measured on a section: its shapes, its genes, parts of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sequoia_stats.errors import InputError
from tests.build.truth import make_counts, make_truth


@pytest.mark.parametrize("kind", [np.asarray, sparse.csc_array, sparse.csr_matrix])
def test_genes_are_dense_whatever_holds_the_counts(kind):
    truth = make_truth(counts=make_counts(30))
    same = make_truth()
    object.__setattr__(same, "counts", kind(truth.counts))
    np.testing.assert_array_equal(same.counts_of(["G2", "G0"]), truth.counts[:, [2, 0]])
    np.testing.assert_array_equal(same.gene("G3"), truth.counts[:, 3])


def test_centres_are_scaled_to_micrometres():
    truth = make_truth(mpp=0.25)
    np.testing.assert_allclose(truth.centres_um, truth.centres_px / 4)
    assert truth.centres_um[1, 0] - truth.centres_um[0, 0] == truth.pitch_um


def test_a_part_keeps_rows_together_and_says_why():
    truth = make_truth(programmes=pd.DataFrame({"OPC": range(30)}, [f"s{i}" for i in range(30)]))
    part = truth.subset(np.arange(30) % 2 == 1, "every second")
    assert part.spots[:2] == ("s1", "s3") and list(part.programmes["OPC"][:2]) == [1, 3]
    np.testing.assert_array_equal(part.counts, truth.counts[1::2])
    np.testing.assert_array_equal(part.totals, truth.totals[1::2])
    np.testing.assert_array_equal(part.centres_px, truth.centres_px[1::2])
    assert list(part.flow)[-1] == ("spots: subset", 30, 15, "every second") and len(truth.flow) == 0


def test_a_section_prints_what_it_holds():
    assert repr(make_truth()) == (
        "SpatialTruth(S1: 30 spots, 4 genes; 0.5 µm per pixel, spots of 100 µm, pitch 200 µm; spatial-transcriptomics)"
    )


def test_a_gene_that_was_not_measured_is_named():
    with pytest.raises(InputError, match="1 gene was not measured on the section: ESR1"):
        make_truth().counts_of(["G0", "ESR1"])


def test_a_section_of_scores_alone_has_no_genes():
    scores = pd.DataFrame({"OPC": np.zeros(30)}, [f"s{i}" for i in range(30)])
    whole = make_truth(programmes=scores)
    truth = type(whole)("S", whole.spots, whole.centres_px, 0.5, programmes=scores)
    np.testing.assert_array_equal(truth.totals, np.zeros(30))
    with pytest.raises(InputError, match="no counts, only programmes"):
        truth.gene("G0")


BAD = [
    ({"mpp": 0.0}, "scale must be more than 0"),
    ({"spot_um": -1.0}, "spot_um must be 0 or more"),
    ({"pitch_um": np.nan}, "pitch_um must be 0 or more"),
    ({"centres_px": np.zeros((3, 2))}, r"centres_px has the shape \(3, 2\)"),
    ({"centres_px": np.full((30, 2), np.nan)}, "centre of 30 spots is not a number"),
    ({"totals": np.full(30, -1.0)}, "total count of a spot is negative"),
    ({"totals": np.zeros(3)}, r"totals has the shape \(3,\)"),
    ({"counts": np.zeros((30, 3))}, r"counts has the shape \(30, 3\)"),
    ({"counts": None}, "neither counts nor programmes"),
    ({"genes": ("A", "A", "B", "C")}, "1 gene is duplicated: A"),
    ({"genes": ("1-Mar", "A", "B", "C")}, "1 gene name is a date"),
    ({"spots": ()}, "has no spots"),
    ({"spots": ("a",) * 30}, "1 spot is duplicated: a"),
    ({"programmes": pd.DataFrame({"OPC": [1.0]}, ["x"])}, "rows of the programmes are not the spots"),
]


@pytest.mark.parametrize(("change", "words"), BAD, ids=[words for _, words in BAD])
def test_a_section_that_cannot_be_right_is_refused(change, words):
    truth = make_truth()
    fields = {name: getattr(truth, name) for name in type(truth).__dataclass_fields__}
    with pytest.raises(InputError, match=words):
        type(truth)(**{**fields, **change})
