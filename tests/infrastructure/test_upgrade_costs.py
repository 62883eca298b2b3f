"""What strengthening a line costs, by hand and from the bundle."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from pyproj import Geod

import siteselect as ss
from siteselect.infrastructure import parameters

MID = parameters()["mid"]
MORE = MID["line_escalation"] * (1 + MID["line_contingency"]) * (1 + MID["line_afudc"])


def network(base_kv: list[float]) -> ss.grid.Network:
    """Three buses in a row; the last two stand at one place."""
    return ss.grid.Network.from_tables(
        pd.DataFrame({"bus": [1, 2, 3], "base_kv": base_kv, "load_mw": 0.0}),
        pd.DataFrame(
            {
                "branch": ["a", "b"],
                "from_bus": [1, 2],
                "to_bus": [2, 3],
                "x_pu": 0.1,
                "rating_mva": [100.0, 0.0],
            }
        ),
        pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [900.0]}),
    )


PLACES = gpd.GeoSeries.from_xy(
    [-100, -99, -99], [32, 32, 32], index=[1, 2, 3], crs=4326
)


@pytest.mark.parametrize(
    ("kv", "voltage"), [(69, 69), (115, 138), (230, 230), (345, 345), (500, 500)]
)
def test_line_costs_price_times_route(kv: float, voltage: int) -> None:
    table = ss.grid.upgrade_costs(network([kv, kv, 69.0]).with_places(PLACES), ["a"])
    miles = Geod(ellps="WGS84").inv(-100, 32, -99, 32)[2] / 1609.344 * 1.3
    usd = MID[f"upgrade_usd_per_mw_mile_{voltage}kv"] * miles * MORE
    [row] = table.to_dict("records")
    assert row["kind"] == "line"
    assert row["length_mi"] == pytest.approx(miles, rel=1e-4)
    assert row["usd_per_mw"] == pytest.approx(usd, rel=1e-4)
    assert row["lead_months"] == MID["upgrade_line_lead_months"]


def test_transformer_and_short_line_cost_the_price_per_mva() -> None:
    at = network([230.0, 230.0, 138.0]).with_places(PLACES)
    short = network([230.0, 230.0, 230.0]).with_places(PLACES)
    usd = MID["upgrade_transformer_usd_per_mva"] * MORE
    for grid, kind in ((at, "transformer"), (short, "line")):
        [row] = ss.grid.upgrade_costs(grid, ["b"]).to_dict("records")
        assert row["kind"] == kind
        assert row["usd_per_mw"] == pytest.approx(usd)
    # A branch without a rating has nothing to be strengthened.
    assert ss.grid.upgrade_costs(at)["branch"].tolist() == ["a"]


def test_unknown_places_stay_unknown() -> None:
    grid = network([230.0] * 3).with_places(PLACES.drop(1))
    table = ss.grid.upgrade_costs(grid, ["a", "b"])
    assert table["usd_per_mw"].isna().tolist() == [True, False]
    with pytest.raises(ss.LayerError, match=r"'usd_per_mw'.*'a'"):
        ss.Deliverable(grid, upgrades=table)
    part = network([230.0] * 3).with_places(PLACES).around([1])
    np.testing.assert_allclose(part.lon_lat[0], [-100, 32])


def test_bad_places_and_branches_are_named() -> None:
    plain = network([230.0] * 3)
    with pytest.raises(ss.LayerError, match="places"):
        ss.grid.upgrade_costs(plain)
    for places, match in (
        (pd.Series([1, 2]), "Series"),
        (PLACES.set_axis([1, 1, 2]), "twice"),
        (PLACES.set_axis(["x", "y", "z"]), "[Nn]one of its labels"),
        (PLACES.to_crs(5070).buffer(9), "Polygon"),
    ):
        with pytest.raises(ss.LayerError, match=match):
            plain.with_places(places)
    with pytest.raises(ss.CRSError):
        plain.with_places(PLACES.set_crs(None, allow_override=True))
    with pytest.raises(ss.LayerError, match="'z'"):
        ss.grid.upgrade_costs(plain.with_places(PLACES), ["z"])


def test_on_the_bundle_every_rated_branch_has_a_price() -> None:
    buses = ss.datasets.load("grid_buses")
    at = ss.datasets.load("substations").set_index("substation").geometry
    texas = ss.grid.Network.from_tables(
        buses, ss.datasets.load("grid_branches"), ss.datasets.load("grid_generators")
    ).around(buses.loc[buses["interconnection"] == "Texas", "bus"][:1])
    grid = texas.with_places(at, buses.set_index("bus")["substation"])
    table = ss.grid.upgrade_costs(grid)
    assert table["usd_per_mw"].between(5e3, 1e7).all()
    lines = table[table["kind"] == "line"]
    assert 0.7 < len(lines) / len(table) < 1
    assert lines["length_mi"].median() < 60


def test_unknown_voltages_stay_unknown() -> None:
    grid = network([230.0, 230.0, np.nan]).with_places(PLACES)
    known, unknown = ss.grid.upgrade_costs(grid, ["a", "b"]).to_dict("records")
    assert known["kind"] == "line"
    assert known["usd_per_mw"] > 0
    assert pd.isna(unknown["kind"])
    for figure in ("voltage_kv", "length_mi", "usd_per_mw", "lead_months"):
        assert np.isnan(unknown[figure])
