"""Gene sets: files in and out, what a universe leaves, what is bundled."""

from __future__ import annotations

import gzip
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_stats import genesets
from sequoia_stats.errors import InputError
from sequoia_stats.sets.collections import BUNDLED_SETS, GeneSets, load, open_sets, read_gmt, write_gmt
from sequoia_stats.types.genes import refuse_dates
from tests.build.strategies import gene_sets

TWO_SETS = "S1\tabout one\tA\tB\tC\nS2\t\tB\tD\n"


def written(folder, content, name="sets.gmt"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# --- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        TWO_SETS,
        TWO_SETS.replace("\n", "\r\n"),
        "\ufeff" + TWO_SETS,
        f"\n{TWO_SETS}\n\n",
        gzip.compress(TWO_SETS.encode()),
        "\n".join("\t".join(f'"{field}"' for field in line.split("\t")) for line in TWO_SETS.split("\n")[:2]),
    ],
    ids=["plain", "windows", "mark", "empty lines", "gzip", "quoted by R"],
)
def test_a_gmt_file_is_read_however_it_was_saved(tmp_path, content):
    sets = read_gmt(written(tmp_path, content))
    assert sets.sets == {"S1": ("A", "B", "C"), "S2": ("B", "D")}
    assert sets.descriptions == {"S1": "about one"}
    assert sets.name == "sets"


def test_tabs_and_spaces_around_genes_do_not_count(tmp_path):
    sets = read_gmt(written(tmp_path, "S1\tx\tA \t\tB\t\t\nS2\tx\t\tA\n"))
    assert sets.sets == {"S1": ("A", "B"), "S2": ("A",)}


def test_descriptions_that_are_genes_of_the_file_are_questioned(tmp_path):
    sets = read_gmt(written(tmp_path, "S1\tB\tA\tC\nS2\tother\tB\tD\n"))
    assert sets.sets == {"S1": ("A", "C"), "S2": ("B", "D")}
    assert sets.notice.startswith("sets.gmt: the second column, reserved for the description,")
    assert sets.notice.endswith("contains gene names (B): is the description missing?")


def test_descriptions_that_are_no_genes_are_not_questioned(tmp_path):
    assert read_gmt(written(tmp_path, "S1\tna\tA\tB\nS2\tna\tB\tD\nS3\t\tA\n")).notice == ""


def test_a_gene_that_repeats_in_a_set_is_taken_once_and_counted(tmp_path):
    sets = read_gmt(written(tmp_path, "S1\tx\tA\tB\tA\tA\nS2\tx\tB\tA\n"))
    assert sets["S1"] == ("A", "B")
    assert sets.flow.to_numpy().tolist() == [["genes: once in a set", 6, 4, "2 duplicated within a set"]]
    assert sets.sizes.to_dict() == {"S1": 2, "S2": 2}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["the file is empty"]),
        ("\n \n", ["the file is empty"]),
        ("S1 x A B\n", ["the line has spaces instead of tabs", "row 1"]),
        (TWO_SETS + "S3,x,A,B\n", ["the line has commas instead of tabs", "row 3"]),
        ("S1\tx\tA B\tC\n", ["'A B' is not a gene name", "set S1", "tabs"]),
        ("S1\tx\tA,1.0\tC,1.0\n", ["'A,1.0' is not a gene name", "without weights"]),
        (TWO_SETS + "S3\tx\n", ["the set S3 has no genes", "row 3"]),
        (TWO_SETS + "S3\tx\t\t \n", ["the set S3 has no genes", "row 3"]),
        (TWO_SETS + "S3\n", ["the set S3 has no genes"]),
        ("\tx\tA\n", ["a set has no name", "row 1"]),
        (TWO_SETS + 'S3\tx\t"E\tF\n', ['a gene has a quote in its name: "E', "row 3", "take the quotes away"]),
        (TWO_SETS + "S1\tx\tE\n", ["the set S1 is duplicated", "row 3"]),
        ("S1\tx\tA\t1-Mar\n", ["1-Mar", "set S1", "MARCHF1"]),
        (b"\x00\x01\x02\x00PNG", ["binary"]),
        (b"\xff\xfeS\x001\x00", ["UTF-16"]),
    ],
)  # fmt: skip
def test_a_file_that_is_not_a_gmt_is_refused_with_the_reason(tmp_path, content, words):
    path = written(tmp_path, content)
    with pytest.raises(InputError) as error:
        read_gmt(path)
    assert all(word in str(error.value) for word in [*words, str(path)])


@pytest.mark.parametrize("name", ["out.gmt", "out.gmt.gz"])
@given(sets=gene_sets())
def test_what_is_written_is_read_back(tmp_path_factory, name, sets):
    path = tmp_path_factory.mktemp("gmt") / name
    sets = GeneSets("out", sets.sets, {"S0": "two words"} if "S0" in sets.sets else {})
    write_gmt(sets, path)
    back = read_gmt(path)
    assert (back.sets, back.descriptions, back.name) == (sets.sets, sets.descriptions, "out")
    assert list(back) == list(sets)


def test_the_same_sets_give_the_same_bytes(tmp_path):
    sets = load("hallmark")
    write_gmt(sets, tmp_path / "a.gmt.gz")
    write_gmt(sets, tmp_path / "b.gmt.gz")
    assert (tmp_path / "a.gmt.gz").read_bytes() == (tmp_path / "b.gmt.gz").read_bytes()
    assert not any(word in (tmp_path / "a.gmt.gz").read_bytes()[:20] for word in (b"a.gmt", b"gmt"))


def test_a_description_with_a_tab_leaves_no_file_behind(tmp_path):
    with pytest.raises(InputError, match="contains a tab"):
        write_gmt(GeneSets("x", {"S": ("A",)}, {"S": "one\ttwo"}), tmp_path / "out.gmt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("sets", "words"),
    [({"": ("A",)}, "no name"), ({"S": ()}, "has no genes"), ({"S": ("A", "")}, "a gene without a name")],
)
def test_a_collection_refuses_what_cannot_be_a_set(sets, words):
    with pytest.raises(InputError, match=words):
        GeneSets("x", sets)


# --- a universe ----------------------------------------------------------------------------------------------------


def test_every_loss_to_a_universe_is_counted():
    sets = GeneSets("x", {"big": tuple("ABCDE"), "small": ("A", "X"), "gone": ("Y", "Z")})
    left = sets.intersect("ABCDQ".replace("", " ").split(), min_size=2, max_size=4)
    assert left.sets == {"big": ("A", "B", "C", "D")}
    assert left.flow.to_numpy().tolist() == [
        ["genes: in the universe", 8, 4, "4 not in the universe of 5 genes"],
        ["sets: with a gene in the universe", 3, 2, "1 without one"],
        ["sets: of allowed size", 2, 1, "1 with fewer than 2 genes in the universe, 0 with more than 4"],
    ]


def test_sizes_count_within_the_universe():
    sets = GeneSets("x", {"S": tuple("ABCDEFGH")})
    assert len(sets.intersect(list("ABC"), max_size=3)) == 1
    assert len(sets.intersect(list("ABCD"), max_size=3)) == 0


def test_former_names_are_counted_and_not_used():
    left = GeneSets("x", {"S": ("KNTC2", "ESR1", "NUF2")}).intersect(["NDC80", "ESR1", "CDCA1"])
    assert left["S"] == ("ESR1",)
    assert "2 more would be found under a former name (KNTC2 → NDC80, NUF2 → CDCA1)" in left.flow.reason[0]


def test_aliases_find_former_names_on_either_side():
    left = GeneSets("x", {"S": ("KNTC2", "ESR1", "NUF2")}).intersect(["NDC80", "ESR1", "CDCA1"], aliases=True)
    assert left["S"] == ("NDC80", "ESR1", "CDCA1")
    assert "2 found under a former name" in left.flow.reason[0]


def test_two_names_of_one_gene_in_a_set_count_once():
    sets = GeneSets("x", {"S": ("KNTC2", "NDC80", "ESR1"), "T": ("KNTC2",)})
    left = sets.intersect(["NDC80", "ESR1"], aliases=True)
    assert left.sets == {"S": ("NDC80", "ESR1"), "T": ("NDC80",)}


def test_a_name_that_two_genes_of_the_universe_may_bear_is_not_matched():
    left = GeneSets("x", {"S": ("NDC80",)}).intersect(["KNTC2", "HEC1"], aliases=True)
    assert len(left) == 0


@pytest.mark.parametrize(
    ("universe", "options", "words"),
    [
        (["A", "B", "A"], {}, "1 gene is duplicated: A"),
        (["A"], {"min_size": 0}, "min_size must be a whole number, 1 or more"),
        (["A"], {"min_size": 5, "max_size": 4}, "no set can have 5 to 4 genes"),
        ("ABC", {}, "not the single text"),
    ],
)
def test_a_universe_or_limits_that_cannot_be_are_refused(universe, options, words):
    with pytest.raises(InputError, match=words):
        GeneSets("x", {"S": ("A",)}).intersect(universe, **options)


@given(sets=gene_sets(), universe=st.lists(st.sampled_from("ABCDEFGHIJ"), unique=True, min_size=1))
def test_membership_holds_the_genes_of_each_set_that_the_list_has(sets, universe):
    indptr, indices = sets.membership(universe)
    rows = [[universe[i] for i in indices[a:b]] for a, b in pairwise(indptr)]
    assert rows == [[gene for gene in genes if gene in universe] for genes in sets.sets.values()]


@given(sets=gene_sets(), universe=st.permutations("ABCDEFGHIJ"))
def test_neither_the_order_of_sets_nor_of_the_universe_matters(sets, universe):
    turned = GeneSets(sets.name, dict(reversed(sets.sets.items())))
    some = sorted(universe[:6])
    assert turned.intersect(universe[:6], min_size=2).sets == sets.intersect(some, min_size=2).sets


@given(sets=gene_sets(), universe=st.permutations("ABCDEFGHIJ"))
def test_cutting_to_a_universe_twice_changes_nothing(sets, universe):
    once = sets.intersect(universe[:5])
    assert once.intersect(universe[:5]).sets == once.sets


# --- what is bundled -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n_sets", "n_genes", "smallest", "largest"),
    [
        ("hallmark", 50, 4384, 32, 200),
        ("gobp", 7530, 16863, 5, 1994),
        ("kegg", 186, 5245, 10, 389),
        ("c8", 840, 20436, 5, 1770),
        ("neftel", 8, 329, 29, 50),
    ],
)
def test_the_bundled_collections_are_whole(name, n_sets, n_genes, smallest, largest):
    sets = load(name)
    assert (len(sets), len(sets.genes)) == (n_sets, n_genes)
    assert (sets.sizes.min(), sets.sizes.max()) == (smallest, largest)
    assert sets.flow.empty
    refuse_dates(sets.genes, name)


def test_bundled_collections_say_where_they_are_from():
    kegg, gobp = load("kegg"), load("gobp")
    assert "Kanehisa Laboratories" in kegg.notice
    assert kegg.licence == "CC-BY 4.0; KEGG gene sets © Kanehisa Laboratories, see the notice"
    assert (gobp.source, gobp.licence, gobp.notice) == ("MSigDB C5 GO:BP v7.1", "CC-BY 4.0", "")
    assert gobp.descriptions["GO_ABSCISSION"].endswith("/msigdb/cards/GO_ABSCISSION")


@pytest.mark.parametrize("name", BUNDLED_SETS)
def test_a_bundled_file_is_what_our_writer_would_write(name, tmp_path):
    sets = load(name)
    write_gmt(GeneSets(name, sets.sets), tmp_path / "sets.gmt.gz")
    assert gzip.decompress(genesets.bundled.read_data(BUNDLED_SETS[name].file)) == gzip.decompress(
        (tmp_path / "sets.gmt.gz").read_bytes()
    )


def test_a_file_may_have_the_name_of_a_collection(tmp_path, monkeypatch):
    written(tmp_path, TWO_SETS, "hallmark")
    monkeypatch.chdir(tmp_path)
    assert (len(open_sets("./hallmark")), len(open_sets("hallmark"))) == (2, 50)


def test_a_word_that_is_not_a_collection_lists_those_there_are():
    with pytest.raises(InputError, match="'halmark' is neither a bundled collection nor a file") as error:
        open_sets("halmark")
    assert "hallmark|gobp|kegg|c8|neftel" in error.value.fix
    with pytest.raises(InputError, match="'go' is not a bundled collection"):
        load("go")


def test_a_file_that_the_installation_lacks_is_named(monkeypatch):
    assert genesets.missing_files() == []
    monkeypatch.setitem(BUNDLED_SETS, "more", BUNDLED_SETS["kegg"]._replace(file="more.gmt.gz"))
    assert genesets.missing_files() == ["more.gmt.gz"]


# --- published signatures ------------------------------------------------------------------------------------------


def test_published_signatures_have_the_genes_that_have_a_symbol():
    sets = genesets.published_signatures()
    assert sets.sizes.to_dict() == {
        "MammaPrint": 52, "Oncotype DX": 21, "EndoPredict": 11, "Rotterdam 76": 60, "GGI": 104, "PAM50": 50
    }  # fmt: skip
    assert "56 of 70 probes have a symbol" in sets.descriptions["MammaPrint"]
    assert "ESR1" in sets["PAM50"]


def test_overlap_with_signatures_finds_genes_under_their_names_of_today():
    universe = ["NDC80", "NUF2", "ORC6", "ESR1", *(f"G{i}" for i in range(96))]
    table = genesets.published_overlap(["NDC80", "NUF2", "G1", "ELSEWHERE"], universe).set_index("signature")
    assert table.loc["PAM50", ["n_signature", "n_measured", "overlap"]].tolist() == [50, 4, 2]
    assert table.genes["PAM50"] == "NDC80;NUF2"
    exactly = genesets.published_overlap(["NDC80", "NUF2"], universe, aliases=False).set_index("signature")
    assert exactly.overlap["PAM50"] == 0


def test_overlap_with_signatures_is_tested_in_the_universe():
    sets = GeneSets("s", {"one": ("A", "B"), "none": ("X",)})
    table = genesets.published_overlap(["A", "B"], ["gene", *"ABCD"], signatures=sets)
    assert table["p"].tolist() == pytest.approx([1 / 6, 1.0])
    assert table["p_bh"].tolist() == pytest.approx([1 / 3, 1.0])


def test_a_list_outside_the_universe_overlaps_nothing_and_is_refused():
    with pytest.raises(InputError, match="none of the genes is in the universe"):
        genesets.published_overlap(["X"], ["A", "B"])


def test_sets_print_their_name_and_size():
    assert repr(GeneSets("mine", {"S": ("A", "B"), "T": ("B",)})) == "<GeneSets mine: 2 sets of 2 genes>"
    assert pd.Index(GeneSets("mine", {"S": ("A", "B")}).genes).tolist() == ["A", "B"]


@pytest.mark.parametrize("sets", [{"a": "TP53"}, {"a": ("TP53",), "b": "KRT5"}, {"a": b"TP53"}])
def test_the_letters_of_a_text_are_not_genes(sets):
    with pytest.raises(InputError, match="must be several names, not the single text"):
        GeneSets("mine", sets)


@pytest.mark.parametrize("sets", [["TP53"], "TP53", None])
def test_sets_are_a_dictionary(sets):
    with pytest.raises(InputError, match="sets must be a dictionary of names and genes"):
        GeneSets("mine", sets)


def test_genes_in_the_column_of_descriptions_are_questioned_by_the_universe(tmp_path):
    """A file without descriptions loses the first gene of every set; names that are no symbols need the universe."""
    (tmp_path / "s.gmt").write_text("S\tG1\tG2\tG3\nT\tG4\tG5\n")
    sets = read_gmt(tmp_path / "s.gmt")
    assert not sets.notice
    left = sets.restrict(["G1", "G2", "G3", "G5"])
    assert list(left.flow)[-1].reason.startswith("1 gene of the universe in the column of descriptions (G1)")
    assert all(step.step != "sets: descriptions" for step in sets.restrict(["G2", "G3", "G5"]).flow)


def test_symbols_in_the_column_of_descriptions_are_questioned(tmp_path):
    (tmp_path / "s.gmt").write_text("S\tTP53\tESR1\tGATA3\nT\tKRT5\tKRT14\n")
    assert "contains gene names (TP53, KRT5)" in read_gmt(tmp_path / "s.gmt").notice
    (tmp_path / "s.gmt").write_text("S\tna\tESR1\tGATA3\nT\thttps://example.org\tKRT14\n")
    assert not read_gmt(tmp_path / "s.gmt").notice


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA])
def test_a_missing_gene_of_a_set_is_left_out_and_counted(nothing):
    """Its code among the genes is -1, which would be the last gene of the collection."""
    sets = GeneSets("mine", {"a": ["TP53", nothing], "b": ["ESR1", "MKI67"]})
    assert sets.sets == {"a": ("TP53",), "b": ("ESR1", "MKI67")}
    assert sets.restrict(["TP53", "ESR1", "MKI67", "X"]).sets() == sets.sets
    assert sets.flow.to_numpy().tolist() == [["genes: with a name", 4, 3, "1 missing"]]
    with pytest.raises(InputError, match="a set has no genes"):
        GeneSets("mine", {"a": [nothing]})


@pytest.mark.parametrize(
    "genes", [np.array(["A", "B"]), pd.Series(["A", "B"]), pd.Index(["A", "B"]), {"A": 1, "B": 2}]
)
def test_genes_come_in_any_container(genes):
    assert GeneSets("mine", {"a": genes}).sets == {"a": ("A", "B")}


@pytest.mark.parametrize("genes", [7, [["A"]], ["A", 7], np.array([["A", "B"]]), pd.DataFrame({"x": ["A"]})])
def test_what_is_no_name_of_a_gene_is_refused(genes):
    with pytest.raises(InputError):
        GeneSets("mine", {"a": genes})
