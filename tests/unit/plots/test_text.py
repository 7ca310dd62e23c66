import pytest

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


def test_an_estimate_without_an_interval_stands_alone():
    assert text.estimate(1.0, None, 2.0) == "1.00"


def test_a_negative_number_has_a_true_minus_sign():
    assert text.number(-0.5) == "−0.50"


@pytest.mark.parametrize(("name", "expected"), [("OS", "Overall survival (OS)"), ("mine", "mine")])
def test_endpoints_are_spelled_out_where_known(name, expected):
    assert text.endpoint_name(name) == expected
