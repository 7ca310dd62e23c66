import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.plots import gene_coverage
from tests.build.drawn import beyond_the_edge, collection, lines, overlapping, texts


def make_genes(sizes=(60, 100, 500), genes=200):
    generator = np.random.default_rng(0)
    return pd.concat(
        pd.DataFrame({"n": n, "coverage": generator.beta(0.9 * n, 0.1 * n, size=genes)}) for n in sizes
    )


def summary_of(genes):
    by_size = genes.groupby("n")["coverage"]
    near = by_size.agg(lambda values: (abs(values - 0.9) <= 0.02).mean())
    return pd.DataFrame({"mean": by_size.mean(), "near": near}).reset_index()


def draw(genes, **options):
    return gene_coverage(genes, summary_of(genes), level=0.9, **options)


def test_each_number_of_patients_has_a_violin_over_its_genes():
    genes = make_genes()
    axes = draw(genes).axes[0]
    violin = collection(axes, "violin-100").get_paths()[0].vertices[:, 1]
    coverage = 100 * genes.loc[genes["n"] == 100, "coverage"]
    assert (violin.min(), violin.max()) == pytest.approx((coverage.min(), coverage.max()))


def test_the_median_of_the_box_is_that_of_the_genes():
    genes = make_genes()
    median = 100 * genes.loc[genes["n"] == 500, "coverage"].median()
    assert lines(draw(genes))["median-500"].get_ydata()[0] == pytest.approx(median)


def test_means_are_marked_and_written_with_the_share_near_the_level():
    genes = make_genes(sizes=[100])
    row = summary_of(genes).iloc[0]
    figure = draw(genes)
    assert lines(figure)["means"].get_ydata().tolist() == [100 * row["mean"]]
    assert (
        texts(figure, "summary")[0].get_text()
        == f"mean {100 * row['mean']:.1f}%\n{100 * row['near']:.0f}% within ± 2"
    )


def test_the_promised_level_is_a_line():
    assert set(lines(draw(make_genes()))["promised"].get_ydata()) == {90.0}


def test_nothing_overlaps():
    figure = draw(make_genes(), title="Coverage on new patients")
    assert not overlapping(figure) and not beyond_the_edge(figure)


def test_without_genes_the_figure_says_so():
    genes = make_genes()
    figure = gene_coverage(genes[:0], summary_of(genes), level=0.9)
    assert "no genes" in figure.texts[-1].get_text()


def test_a_table_without_coverage_is_refused():
    with pytest.raises(InputError, match="no column coverage"):
        gene_coverage(
            make_genes().drop(columns="coverage"), pd.DataFrame(columns=["n", "mean", "near"]), level=0.9
        )
