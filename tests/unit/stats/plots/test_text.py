import pytest

from sequoia_stats import genesets
from sequoia_stats.plots import text


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (1.0, "1.0"),
        (0.0314, "0.031"),
        (0.09, "0.090"),
        (0.0001, "0.00010"),
        (9.99e-5, "1.0 × 10⁻⁴"),
        (4.56e-7, "4.6 × 10⁻⁷"),
        (0.0, "< 10⁻³⁰⁷"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_p_value_has_two_significant_digits(p, expected):
    assert text.p_value(p) == expected


@pytest.mark.parametrize(
    ("p", "expected"), [(0.02, "p = 0.020"), (0.0, "p < 10⁻³⁰⁷"), (None, "p not defined")]
)
def test_p_statement_reads_as_words(p, expected):
    assert text.p_statement(p) == expected


def test_an_estimate_without_an_interval_is_written_alone():
    assert text.estimate(1.0, None, 2.0) == "1.00"


def test_an_interval_without_an_end_is_written_in_words():
    assert text.estimate(8.6e7, 0.0, float("inf")) == "without a finite estimate"


def test_a_very_large_number_is_a_power_of_ten():
    assert text.estimate(9.57e163, 4.06e51, 2.26e276) == "9.6 × 10¹⁶³ (4.1 × 10⁵¹–2.3 × 10²⁷⁶)"


def test_a_negative_number_has_a_true_minus_sign():
    assert text.number(-0.5) == "−0.50"


@pytest.mark.parametrize(("name", "expected"), [("OS", "Overall survival (OS)"), ("mine", "mine")])
def test_endpoints_are_spelled_out_where_known(name, expected):
    assert text.endpoint_name(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("HALLMARK_HYPOXIA", "Hypoxia"),
        ("HALLMARK_TNFA_SIGNALING_VIA_NFKB", "TNFα signaling via NF-κB"),
        ("HALLMARK_P53_PATHWAY", "p53 pathway"),
        ("HALLMARK_KRAS_SIGNALING_DN", "KRAS signaling down"),
        ("GO_MRNA_PROCESSING", "mRNA processing"),
        ("GOBP_T_CELL_ACTIVATION", "T cell activation"),
        ("KEGG_MEDICUS_REFERENCE_WNT_SIGNALING_PATHWAY", "Reference WNT signaling pathway"),
        ("MANNO_MIDBRAIN_NEUROTYPES_HDA1", "Manno midbrain neurotypes HDA1"),
        ("MES1", "MES1"),
        ("My own_set", "My own_set"),
        ("luminal", "luminal"),
    ],
)
def test_a_set_is_named_in_words(name, expected):
    assert text.set_name(name) == expected


@pytest.mark.parametrize("collection", ["hallmark", "gobp", "kegg", "c8"])
@pytest.mark.parametrize("longest", [24, 48])
def test_no_two_sets_of_a_collection_have_the_same_label(collection, longest):
    names = list(genesets.load(collection))
    labels = text.set_names(names, longest=longest)
    assert list(labels) == names
    assert len(set(labels.values())) == len(names)


def test_only_labels_that_would_be_the_same_are_longer_than_allowed():
    labels = text.set_names(genesets.load("gobp"), longest=40)
    long = [label for label in labels.values() if len(label) > 40]
    assert len({text.shortened(label, 40) for label in long}) < len(long)


@pytest.mark.parametrize("longest", [12, 20, 30])
def test_a_label_is_cut_between_words_to_what_is_allowed(longest):
    label = "Establishment of the endothelial blood brain barrier in mice"
    short = text.shortened(label, longest)
    assert len(short) <= longest
    assert short.startswith("E") and short.endswith("e")


def test_a_short_label_stays():
    assert text.shortened("DNA repair", 10) == "DNA repair"
