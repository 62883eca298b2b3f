from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import Point

import siteselect as ss
from siteselect.errors import LayerError, StudyError
from siteselect.infrastructure import labor_market
from siteselect.layers import datasets


def toy(electricians: list[float | None]) -> gpd.GeoDataFrame:
    n = len(electricians)
    return gpd.GeoDataFrame(
        {"county": [f"4800{i}" for i in range(n)], "electricians": electricians},
        geometry=[Point(-100 + i, 32) for i in range(n)],
        crs=4326,
    )


def two_sites() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"score": [0.9, 0.8], "capacity_mw": 1000.0},
        index=["a", "b"],
        geometry=[Point(-100.5, 32), Point(-99.6, 32)],
        crs=4326,
    )


def limit(market: ss.infrastructure.LaborMarket) -> ss.Draw:
    return ss.Draw(
        market.trade,
        market.links,
        market.at_most,
        per_mw=market.per_mw,
        split=True,
        unit=market.trade,
    )


def test_two_sites_each_fine_alone_clash_on_one_labor_market():
    sites, town = two_sites(), toy([2000.0])
    shared = limit(labor_market(sites, town))
    # 200 of 2,000 may be drawn; 500 MW need 500 x 2.5 x 0.30 x 0.45 = 169.
    for label in ("a", "b"):
        alone = ss.optimize_sites(sites.loc[[label]], site_mw=[500], limits=[shared])
        assert alone.sites["mw"].to_dict() == {label: 500.0}
    both = ss.optimize_sites(sites, site_mw=[500], limits=[shared])
    assert both.sites.index.tolist() == ["a"]
    both.verify()
    with pytest.raises(ss.InfeasiblePlanError, match="electricians"):
        ss.optimize_sites(sites, power_mw=(1000, None), site_mw=[500], limits=[shared])
    # A second town within reach of one of them lets both be built.
    more = limit(labor_market(sites, toy([2000.0, 2000.0])))
    assert ss.optimize_sites(sites, site_mw=[500], limits=[more]).total_mw == 1000


def test_workers_in_reach_by_brute_force():
    rng = np.random.default_rng(5)
    workers = toy(list(rng.integers(10, 1000, 12).astype(float)))
    workers.loc[3, "electricians"] = np.nan
    at = [Point(*xy) for xy in rng.uniform((-101, 31), (-88, 33), (15, 2))]
    sites = gpd.GeoDataFrame(index=range(100, 115), geometry=at, crs=4326)
    market = labor_market(sites, workers, parameters={"commute_km": 90})
    wgs84 = sites.crs.get_geod()
    links = set(zip(market.links["site"], market.links["source"], strict=True))
    expected, unknown = set(), set()
    for label, point in zip(sites.index, at, strict=True):
        for county, n, town in workers.itertuples(index=False):
            if wgs84.inv(point.x, point.y, town.x, town.y)[2] <= 90e3:
                (unknown if np.isnan(n) else expected).add((label, county))
    assert links == expected
    assert set(market.unknown) == {county for _, county in unknown}
    assert set(market.without) == set(sites.index) - {label for label, _ in expected}
    given = workers.set_index("county")["electricians"].reindex(market.at_most.index)
    np.testing.assert_allclose(market.at_most, 0.10 * given)


def test_areas_add_up_their_places():
    workers = toy([100.0, 200.0, np.nan, 50.0]).assign(
        metro=["1", "1", None, None], state=["TX", "TX", "TX", "TX"]
    )
    at = [Point(-100, 32), Point(-99.4, 32), Point(-97, 32.1), Point(-90, 32)]
    sites = gpd.GeoDataFrame(index=list("abcd"), geometry=at, crs=4326)
    market = labor_market(sites, workers)
    assert market.area.tolist() == ["1", "1", "TX outside metros", None]
    assert market.area_at_most.to_dict() == {
        "1": pytest.approx(30.0),
        "TX outside metros": pytest.approx(5.0),
    }
    assert market.without == ("d",)
    bundled = datasets.load("workforce")
    grid = ss.grid_candidates(datasets.region("Nevada"), spacing_km=80)
    whole = labor_market(grid, bundled)
    assert whole.area.dropna().isin(whole.area_at_most.index).all()
    totals = bundled.groupby("metro")["electricians"].sum() * 0.10
    for name in whole.area_at_most.index.intersection(totals.index):
        assert whole.area_at_most[name] == pytest.approx(totals[name])


def test_the_bundled_workers():
    sites = ss.grid_candidates(datasets.region("Nevada"), spacing_km=60)
    market = labor_market(sites, datasets.load("workforce"))
    assert market.per_mw == pytest.approx(2.5 * 0.30 * 0.45)
    assert set(market.links["site"]) | set(market.without) == set(sites.index)
    assert market.at_most.max() > 500  # Las Vegas
    assert "electricians" in repr(market)


def test_refusals():
    sites = two_sites()
    with pytest.raises(LayerError, match="electrician"):
        labor_market(sites, toy([1.0]).rename(columns={"electricians": "trade"}))
    with pytest.raises(LayerError, match="jobs"):
        labor_market(sites, toy([-1.0]))
    twice = pd.concat([toy([1.0]), toy([2.0])], ignore_index=True)
    with pytest.raises(LayerError, match="repeats"):
        labor_market(sites, twice)
    with pytest.raises(LayerError, match="DataFrame"):
        labor_market(sites, pd.DataFrame(toy([1.0])))
    with pytest.raises(LayerError, match="reset_index"):
        labor_market(sites.set_axis(["a", "a"]), toy([1.0]))
    plumbers = toy([1.0]).rename(columns={"electricians": "plumbers"})
    with pytest.raises(StudyError, match="trade_share"):
        labor_market(sites, plumbers, trade="plumbers")
    market = labor_market(sites, plumbers, trade="plumbers", trade_share=0.1)
    assert market.per_mw == pytest.approx(2.5 * 0.1 * 0.45)
    for share in (1.5, "plumber_share", None):
        with pytest.raises(StudyError, match="share"):
            labor_market(sites, plumbers, trade="plumbers", trade_share=share)
