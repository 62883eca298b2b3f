from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteselect.errors import StudyError
from siteselect.infrastructure import site_jobs

MEASURES = (
    "construction_peak",
    "construction_job_years",
    "construction_all_job_years",
    "permanent",
    "permanent_all",
)


def test_one_gigawatt_by_hand():
    row = site_jobs(1000.0).iloc[0]
    assert row["permanent"] == 30 + 0.22 * 1000
    assert (row["permanent_low"], row["permanent_high"]) == (100, 850)
    assert row["construction_peak"] == 2500
    assert row["construction_job_years"] == pytest.approx(2500 * 0.6 * 2.5)
    assert row["construction_all_job_years"] == pytest.approx(2500 * 0.6 * 2.5 * 1.65)
    assert row["permanent_all"] == pytest.approx(250 * 3.0)


@pytest.mark.parametrize(
    ("mw", "measure", "announced"),
    [
        (1050, "construction_peak", 6000),  # Abilene
        (2150, "construction_peak", 5000),  # Hyperion
        (2150, "permanent", 500),  # Hyperion
        (5000, "permanent", 4000),  # OpenAI's 5 GW campus
        (5000, "construction_peak", 14000),
    ],
)
def test_announced_campuses_lie_in_the_range(mw, measure, announced):
    row = site_jobs(mw).iloc[0]
    assert row[f"{measure}_low"] <= announced <= row[f"{measure}_high"]


@given(st.lists(st.floats(0, 1e5), max_size=20))
def test_ranges_are_ordered_and_grow_with_size(sizes):
    mw = pd.Series(sorted(sizes), dtype=float)
    table = site_jobs(mw)
    for measure in MEASURES:
        low, mid, high = (table[f"{measure}{end}"] for end in ("_low", "", "_high"))
        assert (low <= mid).all()
        assert (mid <= high).all()
        assert mid.is_monotonic_increasing
    assert (table["construction_peak"] <= 10_000).all()
    assert (table[mw == 0] == 0).all().all()


def test_unknown_size_is_unknown_and_the_index_stays():
    table = site_jobs(pd.Series([np.nan, 100.0], index=["x", "y"]))
    assert table.loc["x"].isna().all()
    assert table.loc["y"].notna().all()
    given = site_jobs([100.0], parameters={"permanent_jobs_per_mw": 0.5})
    assert given["permanent_low"].iloc[0] == 50  # a given value has no range
    assert given["permanent"].iloc[0] == 80


@pytest.mark.parametrize("mw", [-1.0, np.inf, "many"])
def test_sizes_that_cannot_be(mw):
    with pytest.raises(StudyError, match="facility MW"):
        site_jobs([mw])


def test_a_table_is_no_list_of_sizes():
    with pytest.raises(StudyError, match="one number per site"):
        site_jobs(pd.DataFrame({"mw": [1.0]}))
