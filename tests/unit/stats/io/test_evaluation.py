"""The tables that the published evaluation writes."""

from __future__ import annotations

import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_evaluation

HEADER = (
    ",pred_real_r,random_real_r,pearson_p,Steiger_p,rmse_pred,rmse_random,"
    "rmse_quantile_norm,rmse_mean_norm,fdr_pearson_p,fdr_Steiger_p,cancer\n"
)
GOOD = "ESR1,0.8,0.1,1e-40,1e-9,0.5,3.0,0.4,0.1,1e-39,1e-8,brca\n"
BAD = "CD68,0.2,0.1,0.04,0.3,0.9,0.8,0.7,0.2,0.05,0.4,brca\n"


def write(folder, *rows):
    path = folder / "all_genes.csv"
    path.write_text(HEADER + "".join(rows))
    return path


def test_columns_get_our_names(tmp_path):
    table = read_evaluation(write(tmp_path, GOOD, BAD, GOOD.replace("brca", "gbm")))
    assert list(table.columns) == [
        *("cancer", "gene", "r", "p", "p_bh", "r_untrained", "p_dependent", "p_dependent_bh"),
        *("rmse", "rmse_untrained", "nrmse", "rmse_over_mean", "well_predicted"),
    ]
    assert table["cancer"].tolist() == ["brca", "brca", "gbm"]
    row = table.iloc[0]
    assert (row["gene"], row["r"], row["p"], row["p_bh"]) == ("ESR1", 0.8, 1e-40, 1e-39)
    assert (row["r_untrained"], row["p_dependent"], row["p_dependent_bh"]) == (0.1, 1e-9, 1e-8)
    assert (row["rmse"], row["rmse_untrained"], row["nrmse"]) == (0.5, 3.0, 0.4)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (",0.8,", ",-0.8,"),
        (",1e-40,", ",0.06,"),
        (",0.1,1e-40", ",0.9,1e-40"),
        (",1e-9,", ",0.05,"),
        (",1e-8,", ",0.2,"),
        (",3.0,", ",0.5,"),
        (",0.8,", ",,"),
    ],
)
def test_each_criterion_of_the_published_code_counts(tmp_path, old, new):
    table = read_evaluation(write(tmp_path, GOOD, GOOD.replace(old, new).replace("ESR1", "X")))
    assert table["well_predicted"].tolist() == [True, False]


REFUSED = {
    "another table": ("gene,r\nA,1\n", ["lacks the column pred_real_r", "gene, r"]),
    "a text": (HEADER + GOOD.replace("0.8", "high"), ["'high' is not a number", "row 2", "'pred_real_r'"]),
    "a gene twice": (HEADER + GOOD + BAD + GOOD, ["1 row repeats a gene of the same cancer", "rows 4"]),
    "a row without a cancer": (HEADER + GOOD.replace("brca", ""), ["1 row has no gene or no cancer"]),
}


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_an_evaluation_is_refused(tmp_path, text, words):
    path = tmp_path / "all_genes.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_evaluation(path)
    assert [word for word in (*words, "all_genes.csv") if word not in str(caught.value)] == []


def test_numbers_stay_those_of_the_file(tmp_path):
    r = 0.12345678901234567
    path = write(tmp_path, GOOD.replace("0.8", repr(r)))
    assert read_evaluation(path)["r"].iloc[0] == r
    assert pd.read_csv(path)["pred_real_r"].iloc[0] == pytest.approx(r, rel=1e-15)
