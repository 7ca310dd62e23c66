"""Learning is real: a network trained on two sections predicts a third better than chance and than shuffled labels."""

from dataclasses import replace

import anndata
import pytest

from sequoia_model.training.crossval import train
from sequoia_model.training.options import TrainOptions
from tests.build.results import scripts_of_analyses

with scripts_of_analyses():
    import her2st
    import her2st_bags
    import her2st_judging as judging

pytestmark = pytest.mark.slow

SETTINGS = {"stride": 3, "controls": 1, "seed": 7}
OPTIONS = TrainOptions(size="small", recipe="strict", epochs=8, untrained=2, seed=7)


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    """The table of methods on the test section, of networks with eight epochs."""
    folder = tmp_path_factory.mktemp("her2st")
    her2st_bags.save(
        [third_of_genes(her2st.read_section(name)) for name in her2st.SECTIONS], SETTINGS, folder
    )
    runs = [learn(folder, name) for name in ("measured", "shuffled_0")]
    measured = anndata.read_h5ad(folder / "measured.h5ad").to_df().loc[runs[0].slides, runs[0].genes]
    methods = judging.methods_of({"Network": runs[0]}, runs[1:])
    return judging.scores(methods, measured.to_numpy(), top=300).set_index("method")


def third_of_genes(section):
    """A section with every third gene."""
    genes = slice(None, None, 3)
    return replace(section, counts=section.counts[:, genes], genes=section.genes[genes])


def learn(folder, name):
    """Train on the expression of this name, and read the run."""
    train(
        folder / "bags", folder / f"{name}.h5ad", folder / name, OPTIONS,
        splits=folder / "splits.csv", patients=folder / "patients.csv", cache=folder / "cache", device="cpu",
    )  # fmt: skip
    return judging.read_run(folder / name)


def test_the_network_predicts_a_section_that_it_did_not_see(scores):
    assert scores.loc["Network", "r_validation"] > 0.3


@pytest.mark.parametrize("null", [judging.UNTRAINED, judging.SHUFFLED])
def test_the_network_is_far_above_the_null(scores, null):
    assert scores.loc["Network", "r_validation"] > scores.loc[null, "r_validation_high"] + 0.15


def test_genes_that_are_ranked_where_they_are_judged_flatter_every_method(scores):
    assert (scores.drop("Training mean")["optimism"] > 0).all()
