"""The plan: names of the outputs, warnings, and the slides that are left after embedding."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from sequoia_model.errors import InputError
from sequoia_model.prediction.plan import make_plan, output_genes
from sequoia_model.weights.gene_lists import published_genes


def make_weights(n_genes=3, genes=None):
    return SimpleNamespace(n_genes=n_genes, genes=genes, source="toy")


def plan_of(*slides, **given):
    """The plan for slides with networks of unknown origin."""
    weights = SimpleNamespace(
        n_genes=3, genes=("A", "B", "C"), source="toy", encoder="uni", input_dim=8, n_clusters=10, folds=(0,),
        cancer=None, notes=("a note",), units="not stated", splits=None, slides={}, seen=frozenset(),
    )  # fmt: skip
    return make_plan([Path(f"{slide}.svs") for slide in slides], weights, **given)


def test_names_of_the_weights_need_no_list():
    assert output_genes(make_weights(genes=("A", "B", "C"))) == ("A", "B", "C")


def test_a_list_that_agrees_with_the_weights_is_fine_and_another_is_not():
    weights = make_weights(genes=("A", "B", "C"))
    assert output_genes(weights, ["A", "B", "C"]) == ("A", "B", "C")
    with pytest.raises(InputError, match="differs"):
        output_genes(weights, ["C", "B", "A"])


def test_as_many_outputs_as_the_published_have_their_names():
    assert output_genes(make_weights(20820)) == published_genes()


def test_outputs_without_names_are_refused():
    with pytest.raises(InputError, match="the 3 genes that the networks predict have no names") as error:
        output_genes(make_weights())
    assert "--genes" in error.value.fix


def test_another_number_of_names_is_refused_with_both(tmp_path):
    (tmp_path / "genes.txt").write_text("A\nB\n")
    with pytest.raises(InputError, match="2 gene names, but the networks predict 3"):
        output_genes(make_weights(), tmp_path / "genes.txt")


def test_a_name_that_repeats_is_refused():
    with pytest.raises(InputError, match="1 gene name is duplicated: A"):
        output_genes(make_weights(), ["A", "B", "A"])


def test_slides_without_a_patient_are_counted():
    warnings = plan_of("a", "b", patients={"b.svs": "P1"}).warnings()
    assert warnings == [
        "a note",
        "1 of 2 slides is not in the given list of patients: a",
        "1 of 2 slides has no patient, so each counts as its own patient: a",
    ]


def test_warnings_count_the_slides_that_have_features():
    plan = plan_of("a", "b", patients={"b.svs": "P1"}).with_files({"b": Path("b.h5")})
    assert plan.warnings() == ["a note"]
    assert [(slide.name, slide.file, slide.patient.name) for slide in plan.slides] == [
        ("b", Path("b.h5"), "P1")
    ]
