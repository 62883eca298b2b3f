from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteselect.errors import StudyError
from siteselect.infrastructure import (
    accelerator_table,
    accelerators_hosted,
    accelerators_it_mw,
    facility_mw,
    it_mw,
)


def test_three_thousand_facility_mw_are_2308_it_mw():
    assert round(it_mw(3000.0, peak_ratio=1.30)) == 2308


def test_100k_h100():
    it = accelerators_it_mw("H100", 100_000)
    assert it == pytest.approx(139.0)
    assert facility_mw(it, 1.30) == pytest.approx(180.7)
    assert facility_mw(it, 1.40) == pytest.approx(194.6)


def test_100k_gb200():
    it = accelerators_it_mw("GB200", 100_000)
    assert it == pytest.approx(209.0)
    assert facility_mw(it, 1.30) == pytest.approx(272, abs=1)
    assert facility_mw(it, 1.40) == pytest.approx(293, abs=1)


def test_abilene_400k_gb200_at_oracle_ratio():
    # 843 MW IT and 1,180 MW facility for a mix of GB200 and GB300.
    it = accelerators_it_mw("GB200", 400_000)
    assert it == pytest.approx(843, rel=0.01)
    assert facility_mw(it, 1.40) == pytest.approx(1180, rel=0.01)


def test_nameplate_chain_stays_inside_the_table():
    # TDP x 1.53 x 1.14 is the estimate the table's figures refine.
    table = accelerator_table()
    assert (table["low_kw"] <= table["mid_kw"]).all()
    assert (table["mid_kw"] <= table["high_kw"]).all()
    assert (table["mid_kw"] * 1000 >= table["tdp_w"]).all()
    assert pytest.approx(table.loc["H100", "low_kw"], abs=0.01) == 0.7 * 1.53 * 1.14


@given(
    st.floats(0.0, 1e5),
    st.floats(1.0, 2.0),
)
def test_there_and_back(mw, ratio):
    assert facility_mw(it_mw(mw, ratio), ratio) == pytest.approx(mw)


@given(st.integers(0, 2_000_000), st.sampled_from(list(accelerator_table().index)))
def test_hosted_inverts_the_power_of_a_fleet(count, accelerator):
    mw = facility_mw(accelerators_it_mw(accelerator, count))
    assert accelerators_hosted(accelerator, mw) == count


def test_arrays_and_series_keep_their_kind():
    array = it_mw(np.array([130.0, 260.0]))
    np.testing.assert_allclose(array, [100.0, 200.0])
    series = it_mw(pd.Series([130.0], index=["a"]))
    assert series.index.tolist() == ["a"]


def test_refusals():
    with pytest.raises(StudyError, match=r"H1000.*Did you mean 'H100'"):
        accelerators_it_mw("H1000", 5)
    with pytest.raises(StudyError, match="negative"):
        it_mw(-1.0)
    with pytest.raises(StudyError, match="peak_ratio"):
        it_mw(1.0, peak_ratio=0.5)
    with pytest.raises(StudyError, match="level"):
        accelerators_it_mw("H100", 5, level="best")
