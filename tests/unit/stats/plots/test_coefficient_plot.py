from sequoia_stats.plots import coefficients
from tests.build.drawn import lines, words
from tests.build.plotted import make_signature


def test_coefficients_are_sorted_beside_their_genes():
    signature = make_signature(genes=5)
    axes = coefficients(signature).axes[0]
    line = lines(axes.figure)["coefficients"]
    names = [label.get_text() for label in axes.get_yticklabels()]
    by_gene = dict(zip(signature.genes, signature.coefficients, strict=True))
    assert line.get_xdata().tolist() == [by_gene[name] for name in names]
    assert line.get_xdata().tolist() == sorted(by_gene.values(), reverse=True)
    assert line.get_ydata().tolist() == axes.get_yticks().tolist()


def test_only_the_largest_of_many_genes_are_drawn_and_the_title_says_so():
    figure = coefficients(make_signature(genes=70))
    drawn = lines(figure)["coefficients"].get_xdata()
    assert len(drawn) == 60 and min(abs(drawn)) > 1.0
    assert "60 largest of 70 genes" in words(figure)


def test_a_signature_without_genes_is_a_sentence():
    figure = coefficients(make_signature(genes=0))
    assert not figure.axes
    assert "no gene" in figure.texts[1].get_text()
