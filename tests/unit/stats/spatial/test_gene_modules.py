"""`gene_modules`: scores, coherence, correlations and subtypes of maps, what is missing, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sequoia_stats as sq
from sequoia_stats.errors import InputError
from sequoia_stats.spatial.modules import PAPER_STATES, draw_sets, module_coherence
from tests.build.maps import make_gene_map, make_heads, make_map, make_places

MODULES = {"A": ("A0", "A1", "A2", "X0"), "B": ("B0", "B1", "B2")}
GENES = [*MODULES["A"], *MODULES["B"], *(f"OTHER{i}" for i in range(20))]


def values(n=30, seed=0, genes=GENES):
    """Genes A follow one field, genes B another, X0 both, the others none."""
    random = np.random.default_rng(seed)
    fields = random.normal(size=(n, 2))
    member = np.array([[gene[0] in "AX", gene[0] in "BX"] for gene in genes], dtype=float)
    return (fields @ member.T + 0.5 * random.normal(size=(n, len(genes)))) * np.arange(1, len(genes) + 1) + 5


def a_map(seed=0, slide="S1", x=None, genes=GENES):
    x = values(seed=seed, genes=genes) if x is None else x
    return make_gene_map(x, genes, places=make_places(6, len(x) // 6, ()), slide=slide)


def judged(maps, modules=None, **options):
    options = {"min_size": 2, "n_random": 50} | options
    return sq.gene_modules(maps, MODULES if modules is None else modules, **options)


def z(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def test_the_score_of_a_module_is_the_mean_of_its_standardised_genes():
    x = values()
    (slide,) = judged([a_map()]).slides
    np.testing.assert_allclose(slide.scores, np.c_[z(x)[:, :4].mean(axis=1), z(x)[:, 4:7].mean(axis=1)])


def test_by_the_rule_of_the_paper_genes_are_averaged_as_predicted():
    x = values()
    (slide,) = judged([a_map()], rule="paper").slides
    np.testing.assert_allclose(slide.scores, np.c_[x[:, :4].mean(axis=1), x[:, 4:7].mean(axis=1)])


def test_by_the_rule_of_the_paper_the_modules_of_neftel_are_four_states():
    neftel = sq.genesets.load("neftel")
    genes = [gene for name in neftel for gene in neftel[name][:6]]
    genes = list(dict.fromkeys(genes))
    found = judged([a_map(genes=genes)], "neftel", rule="paper", min_size=5)
    assert tuple(found.modules) == tuple(PAPER_STATES)
    assert set(found.modules["MES"]) == set(genes) & {*neftel["MES1"], *neftel["MES2"]}


def test_correlations_are_averaged_over_slides():
    a, b = values(seed=1), values(seed=2)
    found = judged([a_map(x=a, slide="S1"), a_map(x=b, slide="S2")])
    want = (pd.DataFrame(a[:, :7]).corr() + pd.DataFrame(b[:, :7]).corr()) / 2
    np.testing.assert_allclose(found.correlations.loc[GENES[:7], GENES[:7]], want, atol=1e-12)


def test_genes_of_a_module_are_neighbours_in_the_clustermap():
    order = judged([a_map()]).genes
    assert sorted(order.gene) == sorted(GENES[:7])
    places = np.flatnonzero(order.gene.isin(["B0", "B1", "B2"]))
    assert np.ptp(places) == 2
    assert order.set_index("gene").modules["A1"] == "A"


def test_a_gene_of_two_modules_names_both():
    found = judged([a_map()], {"A": MODULES["A"], "C": ("X0", "B0")})
    assert found.genes.set_index("gene").modules["X0"] == "A;C"


def test_coherence_and_its_p_are_those_of_the_drawn_sets():
    x = values()
    found = judged([a_map()], n_random=50, seed=3)
    draws = draw_sets(len(GENES), 4, 50, seed=3)
    random = np.array([module_coherence(x, [draw])[0] for draw in draws])
    row = found.overall.set_index("module").loc["A"]
    assert row.coherence == pytest.approx(module_coherence(x, [np.arange(4)])[0])
    assert row.coherence_random_mean == pytest.approx(random.mean(), abs=1e-6)
    assert row.coherence_random_high == pytest.approx(np.quantile(random, 0.95), abs=1e-6)
    assert row.p_coherence == (1 + (random >= row.coherence).sum()) / 51


def test_over_several_slides_coherence_is_the_mean_and_is_ranked_among_means():
    a, b = values(seed=1), values(seed=2)
    found = judged([a_map(x=a, slide="S1"), a_map(x=b, slide="S2")], n_random=40)
    draws = draw_sets(len(GENES), 4, 40, seed=0)[:, :3]
    random = np.mean([[module_coherence(x, [draw])[0] for draw in draws] for x in (a, b)], axis=0)
    own = np.mean([module_coherence(x, [np.array([4, 5, 6])])[0] for x in (a, b)])
    row = found.overall.set_index("module").loc["B"]
    assert (row.coherence, row.n_random) == (pytest.approx(own), 40)
    assert row.p_coherence == (1 + (random >= own).sum()) / 41
    assert found.table.slide.tolist() == ["S1", "S1", "S2", "S2", "", ""]


def test_a_module_that_is_constant_on_a_slide_stands_beside_random_sets_of_the_others():
    a, b = values(seed=1), values(seed=2)
    b[:, [4, 5]] = 2.0
    found = judged([a_map(x=a, slide="S1"), a_map(x=b, slide="S2")], n_random=40)
    alone = judged([a_map(x=a, slide="S1")], n_random=40).overall.set_index("module").loc["B"]
    row = found.overall.set_index("module").loc["B"]
    columns = ["coherence", "coherence_random_mean", "coherence_random_high", "p_coherence", "n_random"]
    assert row[columns].tolist() == pytest.approx(alone[columns].tolist())


def test_a_module_of_random_genes_does_not_cohere():
    others = {"R": tuple(f"OTHER{i}" for i in range(8)), "A": MODULES["A"]}
    p = judged([a_map()], others, n_random=300).overall.set_index("module").p_coherence
    assert p["R"] > 0.1
    assert p["A"] < 0.02


def test_without_random_sets_there_is_no_p():
    row = judged([a_map()], n_random=0).overall.iloc[0]
    assert np.isnan(row.p_coherence)
    assert (row.n_random, row.n_found) == (0, 4)


def test_a_module_of_all_genes_cannot_be_compared():
    p = judged([a_map()], {"all": tuple(GENES), "A": MODULES["A"]}).overall.set_index("module").p_coherence
    assert np.isnan(p["all"])
    assert np.isfinite(p["A"])


def test_missing_genes_are_counted_and_named():
    found = judged([a_map()], {"A": (*MODULES["A"], "GONE1", "GONE2"), "B": MODULES["B"]})
    row = found.overall.iloc[0]
    assert (row.n_genes, row.n_found, row.missing) == (6, 4, "GONE1;GONE2")
    assert "2 of 6 genes of A are not in the maps: GONE1, GONE2" in found.notes


def test_a_gene_counts_only_if_all_maps_have_it():
    fewer = [gene for gene in GENES if gene != "A1"]
    found = judged([a_map(), a_map(slide="S2", genes=fewer)])
    assert found.modules["A"] == ("A0", "A2", "X0")
    assert found.n_pool == len(fewer)


def test_a_module_with_few_genes_is_left_out_and_counted():
    found = judged([a_map()], {**MODULES, "C": ("OTHER1", "GONE")}, min_size=3)
    assert list(found.modules) == ["A", "B"]
    assert found.flow.reason.iloc[-1].startswith("1 with fewer than 3 genes in the maps")


def test_a_constant_gene_is_no_part_of_the_score_and_is_counted():
    x = values()
    x[:, 1] = 2.0
    found = judged([a_map(x=x)])
    np.testing.assert_allclose(found.slides[0].scores[:, 0], z(x[:, [0, 2, 3]]).mean(axis=1))
    assert "A1" not in found.correlations
    assert found.flow.iloc[-1].tolist() == ["genes: vary over tiles", 7, 6, "1 constant"]


@pytest.mark.parametrize("rule", ["strict", "paper"])
def test_a_module_that_does_not_vary_is_no_subtype(rule):
    x = values()
    x[:, 4:7] = [1.0, 2.0, 3.0]
    (slide,) = judged([a_map(x=x)], {**MODULES, "C": tuple(f"OTHER{i}" for i in range(4))}, rule=rule).slides
    assert (slide.counts["B"], slide.counts["A"] + slide.counts["C"]) == (0, 30)
    assert np.isnan(slide.scores[:, 1]).all()


def test_the_ledger_speaks_of_maps_and_of_losses_alone():
    assert judged([a_map()]).flow.empty
    flow = judged([a_map()], {**MODULES, "C": ("GONE",)}).flow
    assert flow.step.tolist() == ["genes: in the maps", "sets: with a gene in the maps"]
    assert flow.reason.iloc[0] == "1 not in the maps of 27 genes"


def test_a_tile_in_no_window_has_no_subtype_and_does_not_matter():
    x = values()
    with_hole = np.insert(x, 6, np.nan, axis=0)
    places = np.delete(make_places(7, 5, ()), np.arange(31, 35), axis=0)
    slide = judged([make_gene_map(with_hole, GENES, places=places)]).slides[0]
    assert slide.labels[6] == ""
    np.testing.assert_allclose(np.delete(slide.scores, 6, axis=0), judged([a_map(x=x)]).slides[0].scores)


def test_a_map_of_latent_vectors_gives_what_its_genes_give(tmp_path):
    heads = make_heads(tmp_path / "heads.h5", genes=GENES)
    latent = make_map(heads, places=make_places(6, 5, ()), uncovered=())
    stored = make_gene_map(latent.genes(GENES), GENES, places=latent.places)
    got, want = judged([latent]), judged([stored])
    pd.testing.assert_frame_equal(got.subtypes(), want.subtypes())
    pd.testing.assert_frame_equal(got.table, want.table, rtol=1e-5)


@settings(max_examples=15, deadline=None)
@given(
    scale=st.lists(st.floats(0.01, 100), min_size=27, max_size=27),
    shift=st.lists(st.floats(-9, 9), min_size=27, max_size=27),
)
def test_the_unit_of_a_gene_changes_no_subtype(scale, shift):
    x = values()
    got = judged([a_map(x=x * scale + shift)], n_random=0)
    assert got.slides[0].labels.tolist() == judged([a_map(x=x)], n_random=0).slides[0].labels.tolist()


def test_the_order_of_genes_in_a_map_changes_nothing():
    order = np.random.default_rng(0).permutation(len(GENES))
    x = values()
    got = judged([a_map(x=x[:, order], genes=[GENES[i] for i in order])])
    pd.testing.assert_frame_equal(got.subtypes(), judged([a_map(x=x)]).subtypes())


def test_the_seed_decides_the_random_sets_alone():
    one, other = judged([a_map()], seed=1), judged([a_map()], seed=2)
    pd.testing.assert_frame_equal(one.table, judged([a_map()], seed=1).table)
    assert one.table.coherence_random_mean[0] != other.table.coherence_random_mean[0]
    assert one.table.coherence[0] == other.table.coherence[0]


def test_the_printed_form_names_modules_and_slides():
    text = str(judged([a_map()]))
    assert "sets (strict) on 1 map" in text
    assert "4 of 4 genes" in text
    assert "S1: 30 tiles: A " in text


# --- what is refused -----------------------------------------------------------------------------------------------


def test_maps_without_genes_of_the_modules_say_how_many_of_which_list():
    with pytest.raises(InputError, match="none of 8 modules has 5 genes in the maps") as error:
        judged([a_map()], "neftel", min_size=5)
    assert "AC 0 of 39" in error.value.where


def test_one_module_is_not_enough():
    with pytest.raises(InputError, match="only 1 of 2 modules has 4 genes in the maps"):
        judged([a_map()], min_size=4)


def test_two_maps_of_a_slide_are_refused():
    with pytest.raises(InputError, match="several maps are of the slide S1"):
        judged([a_map(), a_map(seed=1)])


def test_a_map_without_genes_asks_for_heads():
    with pytest.raises(InputError, match="the map has no genes") as error:
        judged([make_map()])
    assert "--heads FILE" in error.value.fix


def test_an_empty_map_is_refused():
    empty = make_gene_map(np.full((30, len(GENES)), np.nan), GENES, places=make_places(6, 5, ()))
    with pytest.raises(InputError, match="the map has 0 tiles with values, but modules need 3"):
        judged([empty])


def test_no_map_is_refused():
    with pytest.raises(InputError, match="there is no map"):
        judged([])


def test_constant_genes_make_no_modules():
    with pytest.raises(InputError, match="only 0 of 2 modules has scores: no gene of the others varies"):
        judged([a_map(x=np.ones((30, len(GENES))))])


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("gene", ["B0", "OTHER3"])
def test_a_missing_value_in_a_window_is_refused_with_its_gene_and_tile(gene, value):
    x = values()
    x[8, GENES.index(gene)] = value
    with pytest.raises(InputError, match=f"a value is {value} in a tile that windows hold") as error:
        judged([a_map(x=x)])
    assert error.value.where == f"slide S1, gene {gene}, tile 1x3"


@pytest.mark.parametrize(
    ("sets", "options", "what", "fix"),
    [
        (
            {"A": ("A0", "A1")},
            {"min_size": 5},
            "the module lacks 5 genes",
            "two or more modules; --min-size below 5",
        ),
        (MODULES, {"min_size": 5}, "none of 2 modules has 5 genes", "--min-size below 5 for small modules"),
        ({"A": MODULES["A"]}, {}, "only 1 of 1 module has 2 genes", "a collection of two or more modules"),
        (
            {"A": ("G1", "G2"), "B": ("G3", "G4")},
            {},
            "none of 2 modules has 2",
            "--aliases for former names, or maps",
        ),
    ],
)
def test_too_few_modules_have_the_fix_that_helps(sets, options, what, fix):
    with pytest.raises(InputError, match=what) as error:
        judged([a_map()], sets, **options)
    assert fix in error.value.fix
    assert ("--aliases" in error.value.fix) == ("G1" in sets["A"])


def test_a_semicolon_in_the_name_of_a_module_is_refused():
    with pytest.raises(
        InputError, match="the name of a module has ';', which separates modules in tables: A;B"
    ):
        judged([a_map()], {"A;B": MODULES["A"], "C": MODULES["B"]})


def test_a_rule_that_is_none_is_refused():
    with pytest.raises(InputError, match="'papier' is not a valid rule"):
        judged([a_map()], rule="papier")


def test_modules_of_too_many_genes_are_refused(monkeypatch):
    monkeypatch.setattr("sequoia_stats.spatial.modules.module_maps._MOST_GENES", 6)
    with pytest.raises(InputError, match="the modules have 7 genes, but at most 6 can be correlated"):
        judged([a_map()])
