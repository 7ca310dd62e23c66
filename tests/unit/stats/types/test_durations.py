"""Times with a unit of their own: months, whatever holds them; dates are no times."""

from __future__ import annotations

import datetime

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_cohort
from sequoia_stats.types.cohort import as_cohort
from sequoia_stats.types.durations import without_own_unit
from sequoia_stats.types.outcome import Outcome, as_outcome
from tests.build.studies import PATIENTS, expression_table

YEAR = datetime.timedelta(days=365.25)


@pytest.mark.parametrize(
    "durations",
    [
        np.array([31_557_600, 63_115_200]).astype("timedelta64[s]"),
        np.array([1, 2]).astype("timedelta64[Y]"),
        np.array([12, 24]).astype("timedelta64[M]"),
        pd.to_timedelta([365.25, 730.5], unit="D"),
        pd.Series(pd.to_timedelta([365.25, 730.5], unit="D")).astype("timedelta64[ms]"),
        [YEAR, 2 * YEAR],
        [pd.Timedelta(YEAR), pd.Timedelta(2 * YEAR)],
        pd.Series([YEAR, 2 * YEAR], dtype=object),
    ],
)
def test_durations_of_any_unit_and_library_become_months(durations):
    np.testing.assert_allclose(without_own_unit(durations), [12, 24], rtol=1e-12)
    np.testing.assert_allclose(Outcome(durations, [0, 1], "OS").time, [12, 24], rtol=1e-12)
    np.testing.assert_allclose(as_outcome(durations, [0, 1]).time, [12, 24], rtol=1e-12)


@pytest.mark.parametrize("missing", [None, pd.NaT, np.timedelta64("NaT", "D"), np.nan])
def test_a_missing_duration_is_missing(missing):
    np.testing.assert_allclose(without_own_unit(np.array([YEAR, missing], dtype=object)), [12, np.nan])


@pytest.mark.parametrize("numbers", [[1.5, 2], ["1", "2"], np.array([1.5, None], dtype=object)])
def test_everything_else_stays_as_it_is(numbers):
    assert without_own_unit(numbers).tolist() == list(numbers)


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (pd.to_datetime(["2020-01-01", "2021-01-01"]), "the times are dates"),
        (pd.Series(pd.to_datetime(["2020-01-01", None])).dt.tz_localize("UTC"), "the times are dates"),
        ([datetime.date(2020, 1, 1), None], "the times are dates"),
        (pd.period_range("2020", periods=2, freq="M"), "the times are dates"),
        ([YEAR, 12.0], "1 of 2 times is durations; others are not"),
        (np.array([1, 2], "timedelta64"), "without a unit"),
    ],
)
def test_dates_and_mixtures_are_refused(times, words):
    with pytest.raises(InputError, match=words):
        Outcome(times, [0, 1], "OS")


def adata_with(times):
    obs = pd.DataFrame({"time": times, "event": [0, 1] * 3}, PATIENTS)
    genes = pd.DataFrame(index=list(expression_table()))
    return anndata.AnnData(expression_table().to_numpy(), obs, genes, {"endpoint": "OS"})


@pytest.mark.parametrize("read", [read_cohort, as_cohort])
def test_durations_in_an_adata_become_months(read):
    times = pd.to_timedelta(np.arange(1, 7) * 365.25, unit="D")
    np.testing.assert_allclose(read(adata_with(times)).outcome.time, np.arange(1, 7) * 12.0, rtol=1e-12)


@pytest.mark.parametrize("read", [read_cohort, as_cohort])
def test_dates_in_an_adata_are_refused(read):
    with pytest.raises(InputError, match="the times are dates"):
        read(adata_with(pd.date_range("2020-01-01", periods=6)))
