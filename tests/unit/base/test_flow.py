"""The ledger of losses: it grows by lines, and is the same as a frame, as arrays and in words."""

from __future__ import annotations

from sequoia_base.cli.output import ledger
from sequoia_base.flow import Flow

LINES = [("patients: outcome", 1909, 906, "3 have no time"), ("genes: named", 5, 4, "1 has no name")]


def made():
    flow = Flow(LINES[:1])
    flow.add(*LINES[1])
    return flow


def test_lines_are_kept_in_order_with_their_names():
    assert list(made()) == LINES
    assert [step.n_after for step in made()] == [906, 4]


def test_a_frame_and_columns_give_the_ledger_back():
    assert Flow.of(made().to_frame()) == made()
    assert Flow.of(made().to_columns()) == made()
    assert Flow.of(None) == Flow()


def test_an_empty_ledger_has_the_columns_and_types_of_a_full_one():
    empty, full = Flow().to_frame(), made().to_frame()
    assert list(empty) == ["step", "n_before", "n_after", "reason"]
    assert empty.dtypes.equals(full.dtypes)


def test_a_copy_grows_alone():
    flow, copy = made(), made().copy()
    copy.extend(LINES)
    assert (len(flow), len(copy)) == (2, 4)


def test_in_words_numbers_are_below_each_other():
    assert ledger(made().to_frame()) == [
        "  patients: outcome   1,909 → 906   3 have no time",
        "  genes: named            5 →   4   1 has no name",
    ]
