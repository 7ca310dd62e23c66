"""C within folds by method, repeat and epoch."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from sequoia_model.risk.concordance import concordance
from sequoia_model.risk.summary import HeldOutRisks, summarise_risks

FOLDS = np.repeat([0, 1], [12, 8])


def make_tested(n_epochs=((4, 3), (3, 4))):
    """Two folds and two repeats; the epochs of each (repeat, fold), of which the second is saved."""
    drawn = np.random.default_rng(3)
    n = len(FOLDS)
    time, event = drawn.permutation(n) + 1.0, drawn.random(n) < 0.6
    risks = {name: drawn.normal(size=n) for name in ("network", "untrained", "ridge_cox")}
    rows = [
        {
            "fold": fold,
            "repeat": repeat,
            "epoch": epoch,
            "saved": epoch == 1,
            "val_c": 0.5,
            "test_c": drawn.random(),
        }
        for repeat in (0, 1)
        for fold in (0, 1)
        for epoch in range(n_epochs[repeat][fold])
    ]
    return HeldOutRisks(FOLDS, time, event, risks, pd.DataFrame(rows))


def pairs(tested, fold):
    """Comparable pairs of a fold, one by one."""
    some = np.flatnonzero(tested.folds == fold)
    return sum(tested.event[i] and tested.time[i] < tested.time[j] for i in some for j in some)


def test_c_of_all_folds_counts_pairs_within_folds():
    tested = make_tested()
    summary = summarise_risks(tested)
    c = summary.methods.set_index("method")["c_index"]
    risk, within = tested.risks["network"], FOLDS
    assert c["network"] == concordance(tested.time, tested.event, risk, within)
    by_fold = np.average(summary.folds["network"], weights=summary.folds["n_pairs"])
    assert c["network"] == pytest.approx(by_fold)
    assert summary.folds["n_pairs"].tolist() == [pairs(tested, 0), pairs(tested, 1)]


def test_the_chosen_epoch_is_the_one_saved_last_and_else_the_last():
    tested = make_tested()
    log = tested.log.copy()
    chosen = summarise_risks(tested).epochs
    assert chosen["n_chosen"].tolist() == [0, 4, 0, 0]
    none = HeldOutRisks(tested.folds, tested.time, tested.event, tested.risks, log.assign(saved=False))
    assert summarise_risks(none).epochs["n_chosen"].tolist() == [0, 0, 2, 2]


def test_best_chosen_and_last_of_a_repeat_are_means_weighted_by_pairs():
    tested = make_tested()
    row = summarise_risks(tested).repeats.iloc[1]
    log = tested.log[tested.log["repeat"] == 1].set_index(["fold", "epoch"])["test_c"]
    weights = [pairs(tested, 0), pairs(tested, 1)]
    assert row["chosen"] == pytest.approx(np.average([log[0, 1], log[1, 1]], weights=weights))
    assert row["last"] == pytest.approx(np.average([log[0, 2], log[1, 3]], weights=weights))
    assert row["best"] == pytest.approx(np.average([log[0].max(), log[1].max()], weights=weights))


def test_an_epoch_counts_the_networks_that_got_there():
    epochs = summarise_risks(make_tested()).epochs
    assert epochs["n"].tolist() == [4, 4, 4, 2]
    assert (epochs["test_low"] <= epochs["test_c"]).all() and (epochs["test_c"] <= epochs["test_high"]).all()


def test_a_fold_without_a_comparable_pair_does_not_count():
    tested = make_tested()
    event = np.where(FOLDS == 1, False, tested.event)
    log = tested.log.assign(test_c=tested.log["test_c"].where(tested.log["fold"] == 0))
    summary = summarise_risks(HeldOutRisks(FOLDS, tested.time, event, tested.risks, log))
    assert np.isnan(summary.folds["network"][1]) and summary.methods["c_index"].notna().all()
    assert summary.repeats.notna().all(axis=None)


def test_the_page_of_one_repeat_tells_no_range_and_asks_for_more():
    tested = make_tested()
    one = HeldOutRisks(FOLDS, tested.time, tested.event, tested.risks, tested.log[tested.log["repeat"] == 0])
    page = summarise_risks(one).to_markdown()
    assert "In the one repeat, C is" in page and "--repeats 5" in page and "1 repeat " not in page
    assert not re.search(r"\.\d+ to 0?\.\d+", page.replace(".05 to .1", ""))
    assert "Over 2 repeats" in summarise_risks(tested).to_markdown()


def test_the_page_marks_the_chosen_epoch_and_says_what_must_not_choose():
    page = summarise_risks(make_tested()).to_markdown()
    marked = [line for line in page.splitlines() if "**" in line]
    assert len(marked) == 1 and marked[0].startswith("| 1 | 4 |") and "**4 networks**" in marked[0]
    assert "The test part must not choose" in page and "| network | untrained | ridge Cox |" in page
