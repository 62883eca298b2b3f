"""Points of presence, logical links between them, cable landings."""

from __future__ import annotations

import json
from functools import cache

import geopandas as gpd
import pandas as pd
from recipes.boundaries import in_states
from recipes.common import Layer, member, narrow, points

WHEEL = "topohub-1.5.1"
CARRIERS = {
    "701": "Verizon",
    "3356": "Lumen",
    "5650": "Frontier",
    "7018": "AT&T",
    "7922": "Comcast",
    "20115": "Charter",
}


@cache
def _raw() -> tuple[pd.DataFrame, pd.DataFrame]:
    nodes, links = [], []
    for number, carrier in CARRIERS.items():
        graph = json.loads(member(WHEEL, f"caida/2024-08/{number}.json"))
        where = {}
        for node in graph["nodes"]:
            lon, lat = (round(float(v), 2) for v in node["pos"])
            where[node["id"]] = (lon, lat)
            name = node.get("name") or f"unnamed {lat:.2f} {lon:.2f}"
            nodes.append((carrier, name, lon, lat))
        for link in graph["edges"]:
            ends = sorted({where[link["source"]], where[link["target"]]})
            if len(ends) == 2:
                links.append((carrier, *ends))
    frame = pd.DataFrame(nodes, columns=["carrier", "name", "lon", "lat"])
    return frame, pd.DataFrame(links, columns=["carrier", "a", "b"])


@cache
def places() -> gpd.GeoDataFrame:
    """Return one row per city with a point of presence."""
    nodes, _ = _raw()
    grouped = nodes.groupby(["lon", "lat"])
    frame = grouped.agg(
        place_name=("name", "min"),
        n_carriers=("carrier", "nunique"),
        carriers=("carrier", lambda c: ";".join(sorted(set(c)))),
    ).reset_index()
    out = points(frame.assign(x=frame["lon"], y=frame["lat"]), "x", "y")
    out["state"] = in_states(out)
    out = out[out["state"].notna()]
    # One city name may stand for several places of a state: number the repeats.
    out = out.sort_values(["state", "place_name", "lon", "lat"])
    label = out["place_name"] + ", " + out["state"]
    repeat = label.groupby(label).cumcount()
    out["place"] = label.where(repeat == 0, label + " " + (repeat + 1).astype(str))
    return out.reset_index(drop=True)


def _fiber() -> pd.DataFrame:
    return narrow(places()[["place", "n_carriers", "carriers", "geometry"]])


def _backbone() -> pd.DataFrame:
    _, links = _raw()
    known = places()
    name = dict(
        zip(zip(known["lon"], known["lat"], strict=True), known["place"], strict=True)
    )
    links = links[links["a"].isin(name) & links["b"].isin(name)]
    counted = (
        links.groupby(["a", "b"])["carrier"]
        .nunique()
        .rename("n_carriers")
        .reset_index()
    )
    frame = gpd.GeoDataFrame(
        {
            "from_place": counted["a"].map(name),
            "to_place": counted["b"].map(name),
            "n_carriers": counted["n_carriers"],
            "kind": "logical",
        },
        geometry=gpd.GeoSeries.from_wkt(
            [
                f"LINESTRING ({a[0]} {a[1]}, {b[0]} {b[1]})"
                for a, b in zip(counted["a"], counted["b"], strict=True)
            ]
        ),
        crs=4326,
    )
    return narrow(frame.sort_values(["from_place", "to_place"]))


def _landings() -> pd.DataFrame:
    graph = json.loads(member(WHEEL, "backbone/north_america.json"))
    rows = [
        (node["name"], *(float(v) for v in node["pos"]))
        for node in graph["nodes"]
        if node["type"] == "Seacable Landing Point"
    ]
    frame = pd.DataFrame(rows, columns=["landing", "lon", "lat"])
    out = points(frame, "lon", "lat")
    out["state"] = in_states(out, 0.3)
    out = out[out["state"].notna()].sort_values("landing")
    out["landing"] = out["landing"] + ", " + out["state"]
    return out[["landing", "geometry"]]


CAIDA = {
    "evidence": "proxy",
    "source": "CAIDA Macroscopic Internet Topology Data Kit (ITDK) 2024-08, summed up "
    "by city in TopoHub",
    "packages": ("topohub 1.5.1 (PyPI)",),
    "licence": "MIT (topohub); CAIDA asks to be cited",
    "attribution": "CAIDA ITDK 2024-08; P. Jurkiewicz, TopoHub",
    "vintage": "2024-08",
    "resolution_km": 10.0,
}

LAYERS = [
    Layer(
        name="fiber",
        kind="points",
        title="Cities with points of presence of six US carriers",
        what_was_done="Router cities of AT&T, Charter, Comcast, Frontier, Lumen and "
        "Verizon merged where their coordinates agree to 0.01 degree; carriers "
        "counted.",
        not_this="Not fiber routes, buildings or carrier hotels: city centres where "
        "routers of six carriers were inferred from traces. No exchange points, no "
        "regional or wholesale carriers, no capacity.",
        units={
            "place": "label",
            "n_carriers": "count, of 6",
            "carriers": "names joined by ;",
        },
        make=_fiber,
        id_column="place",
        **CAIDA,
    ),
    Layer(
        name="backbone",
        kind="lines",
        title="Logical links between points of presence",
        what_was_done="Links between router cities of the six carriers, counted by "
        "carrier, drawn as straight segments.",
        not_this="Not cable routes: an inferred logical link may run over any path, "
        "and nothing is known of its capacity.",
        units={
            "from_place": "label of the fiber layer",
            "to_place": "label of the fiber layer",
            "n_carriers": "count, of 6",
            "kind": "logical",
        },
        make=_backbone,
        **CAIDA,
    ),
    Layer(
        name="cable_landings",
        kind="points",
        title="Landing points of submarine cables",
        evidence="proxy",
        source="Landing points in TopoHub's North American backbone",
        packages=("topohub 1.5.1 (PyPI)",),
        licence="MIT (topohub); where its landing points come from is not stated",
        attribution="P. Jurkiewicz, TopoHub",
        vintage="not stated by the package",
        resolution_km=5.0,
        what_was_done="Nodes typed as landing points in the contiguous US; the "
        "synthetic cables and city links of the same file were dropped.",
        not_this="Not a complete or current register of landing stations.",
        units={"landing": "label"},
        make=_landings,
        id_column="landing",
    ),
]
