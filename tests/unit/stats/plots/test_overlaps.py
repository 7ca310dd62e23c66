import pytest

from sequoia_stats.compare import overlap
from sequoia_stats.errors import InputError
from sequoia_stats.plots import gene_overlaps
from tests.build.drawn import beyond_the_edge, lines, overlapping, texts

LISTS = {"TCGA": range(40), "CPTAC": range(20, 50), "Tempus": range(30, 45)}


def make_overlaps(**changes):
    return overlap(LISTS, range(1200)).assign(**changes)


def test_bars_are_the_shared_genes_and_marks_those_expected():
    table = make_overlaps()
    figure = gene_overlaps(table)
    bars = [patch.get_width() for patch in figure.axes[0].patches if patch.get_gid() == "shared"]
    assert bars == table["overlap"].tolist()
    marks = lines(figure)["expected"]
    assert marks.get_xdata().tolist() == table["expected"].tolist()


def test_every_group_is_named_with_its_numbers():
    figure = gene_overlaps(make_overlaps())
    assert [text.get_text() for text in texts(figure, "group")][-1] == "TCGA & CPTAC & Tempus"
    assert texts(figure, "number")[0].get_text().startswith("20 of 40 and 30; 1.0 by chance, p = ")


def test_levels_are_named_if_there_are_several():
    figure = gene_overlaps(make_overlaps(level=["BRCA", "BRCA", "COAD", "COAD"]))
    assert texts(figure, "group")[2].get_text() == "COAD: CPTAC & Tempus"


@pytest.mark.parametrize("times", [1, 4])
def test_nothing_overlaps_or_leaves_the_figure(times):
    names = {f"{name} with a rather long name": genes for name, genes in LISTS.items()}
    table = overlap(names, range(1200))
    figure = gene_overlaps(table.loc[table.index.repeat(times)], title="Genes that validate")
    assert not overlapping(figure)
    assert not beyond_the_edge(figure)


def test_what_does_not_fit_a_page_is_said():
    table = make_overlaps()
    figure = gene_overlaps(table.loc[table.index.repeat(10)])
    assert len(texts(figure, "group")) == 24
    assert any("the first 24 of 40 groups" in text.get_text() for text in figure.texts)


def test_no_group_is_a_sentence_and_a_missing_column_an_error():
    assert "no lists to compare" in gene_overlaps(make_overlaps()[:0]).texts[1].get_text()
    with pytest.raises(InputError, match="has no column p"):
        gene_overlaps(make_overlaps().drop(columns="p"))
