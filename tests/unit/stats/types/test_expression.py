"""The genes that several sources share."""

from __future__ import annotations

import pandas as pd
import pytest

from sequoia_stats import shared_genes
from sequoia_stats.errors import InputError
from sequoia_stats.io import read_expression
from sequoia_stats.types.expression import Expression
from tests.build.cohorts import make_cohort

COHORT = make_cohort(genes=6)


def expression(*genes):
    return Expression(
        pd.DataFrame([[0.0] * len(genes)], ["P1"], list(genes)), pd.Series(), "made", pd.DataFrame()
    )


def test_names_and_order_are_those_of_the_first_source():
    assert shared_genes(expression("C", "KNTC2", "A"), ["A", "B", "NDC80", "C"]) == ["C", "KNTC2", "A"]


def test_a_gene_that_one_source_lacks_is_not_shared():
    assert shared_genes(["A", "B", "C"], ["C", "B"], ["B", "A"]) == ["B"]


def test_cohorts_expression_and_annotated_data_are_sources():
    assert shared_genes(COHORT, read_expression(COHORT), COHORT.adata) == list(COHORT.genes)


def test_nothing_may_be_shared():
    assert shared_genes(["A"], ["B"]) == []


def test_at_least_one_source_is_needed():
    with pytest.raises(InputError, match="no source"):
        shared_genes()


@pytest.mark.parametrize("source", [[COHORT, COHORT], ["A", None], ["A", 7]])
def test_names_that_are_not_text_are_refused_with_what_to_write(source):
    with pytest.raises(InputError, match=r"not text.*\n.*shared_genes\(\*cohorts\)"):
        shared_genes(source)


@pytest.mark.parametrize("source", ["ESR1", 7, None])
def test_what_holds_no_genes_is_refused(source):
    with pytest.raises(InputError, match="is not a source of genes"):
        shared_genes(["ESR1"], source)
