from __future__ import annotations

import math

import pytest

from siteselect.errors import ApproximationWarning, StudyError
from siteselect.infrastructure import parameter_values, parameters
from siteselect.infrastructure._tables import fact_table
from siteselect.infrastructure.parameter_table import COST_PARAMETERS

TABLE = parameters()


@pytest.mark.parametrize("name", TABLE.index)
def test_every_figure_has_unit_year_source_and_ordered_range(name):
    row = TABLE.loc[name]
    assert row["low"] <= row["mid"] <= row["high"]
    assert 2000 < row["year"] <= 2026
    for column in ("unit", "source"):
        assert isinstance(row[column], str)
        assert row[column].strip()


def test_names_are_unique_and_copies_are_fresh():
    assert TABLE.index.is_unique
    again = parameters()
    again.loc[:, "mid"] = 0.0
    assert parameters().loc["peak_ratio", "mid"] == 1.3


@pytest.mark.parametrize(
    "table",
    ["accelerators", "cities", "columns", "cooling", "lines", "parameters", "states"],
)
def test_fact_tables_have_no_stray_cells(table):
    frame = fact_table(table)
    assert not any(str(column).startswith("Unnamed") for column in frame.columns)
    if {"year", "source"} <= set(frame.columns) and table != "states":
        assert frame[["year", "source"]].notna().all().all()


def test_every_construction_index_names_its_source():
    states = fact_table("states")
    given = states["construction_index"].notna()
    assert states.loc[given, "source"].notna().all()
    assert len(states) == 49
    assert states["line_region"].isin(fact_table("lines")["region"]).all()


def test_overrides_replace_mid_and_are_remembered():
    values = parameter_values({"peak_ratio": 1.25, "discount_rate": "high"})
    assert values["peak_ratio"] == 1.25
    assert values["discount_rate"] == 0.10
    assert values["utilisation"] == 0.80
    assert dict(values.changed) == {"peak_ratio": 1.25, "discount_rate": 0.10}
    assert parameter_values(values) is values


def test_a_level_moves_the_costs_and_nothing_else():
    low = parameter_values({"level": "low", "acres_per_mw": 0.9})
    assert (low.level, low.named) == ("low", {"acres_per_mw"})
    moved = {name for name in low if low[name] != TABLE.loc[name, "mid"]}
    assert moved <= set(COST_PARAMETERS)
    assert moved <= set(low.changed) == set(COST_PARAMETERS)
    assert all(low[name] == value for name, value in low.changed.items())
    assert low["shell_usd_per_mw_it"] == TABLE.loc["shell_usd_per_mw_it", "low"]
    assert low["discount_rate"] == TABLE.loc["discount_rate", "mid"]
    assert dict(low.at_level("mid")) == dict(parameter_values(None))
    assert dict(low.at_level("high")) == dict(
        parameter_values({"level": "high", "acres_per_mw": 0.9})
    )
    for level in ("median", None, 1, "Low"):
        with pytest.raises(StudyError, match='"low", "mid" or "high"'):
            parameter_values({"level": level})


def test_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(StudyError, match=r"'peak_ration'.*Did you mean 'peak_ratio'"):
        parameter_values({"peak_ration": 1.2})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("peak_ratio", 0.9),
        ("utilisation", 1.2),
        ("shell_usd_per_mw_it", -1.0),
        ("peak_ratio", math.nan),
        ("peak_ratio", math.inf),
        ("peak_ratio", "median"),
        ("peak_ratio", True),
        ("horizon_years", 12.5),
        ("horizon_years", 0),
        ("discount_rate", None),
    ],
)
def test_impossible_values_are_refused(name, value):
    with pytest.raises(StudyError, match=name):
        parameter_values({name: value})


def test_values_outside_the_range_are_used_with_a_warning():
    with pytest.warns(ApproximationWarning, match=r"acres_per_mw.*0.4 to 2.5"):
        values = parameter_values({"acres_per_mw": 4.0})
    assert values["acres_per_mw"] == 4.0


def test_a_list_is_no_mapping():
    with pytest.raises(StudyError, match="mapping"):
        parameter_values([("peak_ratio", 1.2)])
