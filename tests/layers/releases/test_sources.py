"""The list of releases, what their cards say, and releases that choose sites."""

from __future__ import annotations

import inspect
import itertools
import socket

import geopandas as gpd
import numpy as np
import pytest
import shapely
from published import basins, risk_counties, substations, transmission_lines

import siteselect as ss
from siteselect.layers.info import EVIDENCE
from siteselect.layers.releases import (
    aqueduct,
    eia,
    fema,
    hifld,
    internet,
    labor,
    nrel,
    protected,
    queues,
    usgs,
)

READERS = {
    name: thing
    for name in ss.releases.__all__
    if inspect.isfunction(thing := getattr(ss.releases, name))
}
#: These work on what a reader read.
HELPERS = {"nlcd_classes", "on_places", "queue_by_county"}
FIELDS = {
    "hifld_substations": hifld.SUBSTATIONS,
    "hifld_transmission_lines": hifld.LINES,
    "eia860_plants": eia.PLANTS,
    "eia860_generators": eia.GENERATORS,
    "lbnl_queue": queues.QUEUE,
    "aqueduct_baseline": aqueduct.BASELINE,
    "national_risk_index": fema.RISKS,
    "fema_flood_zones": fema.ZONES,
    "padus": protected.AREAS,
    "rev_supply_curve": nrel.SUPPLY,
    "peeringdb_facilities": internet.FACILITIES,
    "submarine_cables": internet.CABLES,
    "cable_landings": internet.LANDINGS,
    "qcew": labor.JOBS[7:],
    "oews": labor.OCCUPATIONS,
    "usgs_water_use": usgs.WATER[1:],
    "usgs_seismic": usgs.SEISMIC,
}


def test_every_reader_is_listed_with_where_to_get_its_file():
    listed = ss.sources()
    assert set(listed.index) == set(READERS) - HELPERS
    assert listed["evidence"].isin(EVIDENCE).all()
    assert (listed.map(len) > 2).all().all()
    assert listed.index.is_unique
    # A user's change to the table is no change to the list.
    listed.loc["padus", "title"] = "mine"
    assert ss.sources().loc["padus", "title"] == "Protected areas"


@pytest.mark.parametrize("name", FIELDS)
def test_every_column_is_explained_with_its_unit(name):
    text = inspect.getdoc(READERS[name])
    for field in FIELDS[name]:
        if field.name.startswith("_") or field.name in ("latitude", "longitude"):
            continue
        assert f"``{field.name}``" in text, field.name
        if field.kind == "number" and "/" in field.unit and field.unit[0].isupper():
            assert f"[{field.unit}" in text, (field.name, field.unit)


@pytest.mark.parametrize("name", sorted(set(READERS) - HELPERS))
def test_a_card_says_where_a_layer_is_from_and_what_it_is_not(name):
    row = ss.sources().loc[name]
    info = ss.releases.catalog.card(name, "folder/file.csv", "2024")
    assert row["where"] in info.source
    assert info.source.endswith("file file.csv")
    assert (info.licence, info.not_this) == (row["licence"], row["not_this"])
    assert info.vintage == "2024"
    assert row["layout"] in ss.releases.catalog.card(name, None).vintage


def test_nothing_is_downloaded(monkeypatch):
    def refuse(*_):
        raise AssertionError("a reader went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for name in sorted({"eia860_plants", "lbnl_queue", "qcew", "usgs_water_use"}):
        with pytest.raises(ss.LayerError, match="nothing is downloaded"):
            READERS[name]("https://example.org/file.csv")


# ----------------------------------------------------------- from files to a plan


def test_releases_choose_the_sites_that_a_count_by_hand_chooses(tmp_path):
    """Four releases as files, scored and optimized; the oracle knows no reader."""
    published = {
        "substations.geojson": substations(),
        "lines.gpkg": transmission_lines(),
        "nri.shp": risk_counties(),
        "aqueduct.gpkg": basins(),
    }
    for name, frame in published.items():
        frame.to_file(tmp_path / name)
    grid = ss.releases.hifld_substations(tmp_path / "substations.geojson")
    lines = ss.releases.hifld_transmission_lines(tmp_path / "lines.gpkg")
    risks = ss.releases.national_risk_index(tmp_path / "nri.shp")
    water = ss.releases.aqueduct_baseline(tmp_path / "aqueduct.gpkg")

    places = [
        (-97.5, 31.5),  # at the 138 kV substation and a line, known water, low risk
        (-97.9, 31.1),  # far from both, known water, low risk
        (-97.1, 31.7),  # nearer to the 345 kV line
        (-97.52, 31.45),
        (-96.5, 31.5),  # arid: its ratio is unknown
        (-95.5, 31.5),  # no water data, no risk score
    ]
    sites = gpd.GeoDataFrame(
        {"capacity_mw": 300.0},
        index=list("abcdef"),
        geometry=gpd.points_from_xy(*zip(*places, strict=True)),
        crs=4326,
    )
    criteria = [
        ss.Criterion("volts", ss.Within(grid, radius_km=30, max="max_kv"),
                     ss.Rising(0, 345), weight=0.4),
        ss.Criterion("line", ss.Nearest(lines), ss.Falling(0, 100), weight=0.2),
        ss.Criterion("risk", ss.At(risks, "risk_score"), ss.Falling(0, 100),
                     weight=0.2),
        ss.Criterion("water", ss.At(water, "water_stress"), ss.Falling(0, 1),
                     weight=0.2),
    ]  # fmt: skip
    scored = ss.score_sites(sites, criteria)

    # Measured again from what the publishers wrote, with shapely and pyproj alone.
    geod = sites.crs.get_geod()
    known = {"101": 345.0, "103": 138.0}

    def volts(x, y):
        reached = [
            known.get(row.ID, np.nan)
            for row in published["substations.geojson"].itertuples()
            if geod.inv(x, y, row.geometry.x, row.geometry.y)[2] <= 30_000
        ]
        return max((v for v in reached if v == v), default=np.nan)

    def line_km(x, y):
        drawn = published["lines.gpkg"].geometry
        dense = shapely.segmentize(drawn.to_numpy(), 0.0005)
        xy = shapely.get_coordinates(dense)
        n = len(xy)
        return geod.inv([x] * n, [y] * n, xy[:, 0], xy[:, 1])[2]

    for label, (x, y) in zip(sites.index, places, strict=True):
        np.testing.assert_allclose(
            scored.loc[label, "line_raw"], min(line_km(x, y)) / 1000, rtol=1e-3,
            atol=0.05,
        )  # fmt: skip
    stress = dict(zip("abcdef", [0.15] * 4 + [np.nan] * 2, strict=True))
    risk = dict(zip("abcdef", [12.5] * 4 + [88.0, np.nan], strict=True))
    np.testing.assert_array_equal(scored["water_raw"], list(stress.values()))
    np.testing.assert_array_equal(scored["risk_raw"], list(risk.values()))
    for label, (x, y) in zip(sites.index, places, strict=True):
        wanted = volts(x, y)
        found = scored.loc[label, "volts_raw"]
        assert found == wanted or (np.isnan(wanted) and not found > 0)

    for label, (x, y) in zip("ad", (places[0], places[3]), strict=True):
        by_hand = (
            0.4 * volts(x, y) / 345
            + 0.2 * (1 - scored.loc[label, "line_raw"] / 100)
            + 0.2 * (1 - 0.125)
            + 0.2 * (1 - 0.15)
        )
        np.testing.assert_allclose(scored.loc[label, "score"], by_hand)

    plan = ss.optimize_sites(scored, power_mw=(600, 600), site_mw=[300])
    assert plan.status == "optimal"
    worth = scored["score"].dropna()
    best = max(
        itertools.combinations(worth.index, 2), key=lambda pair: worth[list(pair)].sum()
    )
    assert set(plan.sites.index) == set(best)
    # Unknown water is not average water: the plan rests on what is known.
    assert not {"e", "f"} & set(plan.sites.index)
    assert len(plan.verify()) > 0
    # Substations and lines are measured, risk and water are models.
    shares = ss.evidence(scored).set_index("evidence")["weight"]
    np.testing.assert_allclose(shares[["measured", "modelled"]], [0.6, 0.4])
