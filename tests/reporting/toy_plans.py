"""Made-up plans for the tests of reporting: no figure here means anything."""

from __future__ import annotations

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

# A rough outline, drawn by hand for these tests only.
OUTLINE = [
    (-124.6, 48.3), (-123.0, 48.9), (-95.2, 49.0), (-89.6, 48.0), (-84.8, 46.6),
    (-83.0, 45.6), (-82.5, 43.0), (-83.2, 42.0), (-79.0, 42.9), (-76.3, 44.1),
    (-74.8, 45.0), (-71.4, 45.1), (-69.2, 47.4), (-67.9, 47.1), (-67.0, 44.8),
    (-70.6, 43.1), (-70.0, 41.7), (-74.0, 40.5), (-75.6, 37.5), (-75.6, 35.3),
    (-78.5, 33.8), (-81.2, 31.5), (-80.1, 26.9), (-80.6, 25.2), (-81.8, 26.2),
    (-82.8, 28.5), (-84.2, 30.0), (-89.5, 30.2), (-90.5, 29.2), (-94.0, 29.6),
    (-97.2, 27.8), (-97.4, 25.9), (-99.2, 26.6), (-101.4, 29.8), (-103.2, 29.0),
    (-106.5, 31.8), (-111.0, 31.3), (-114.8, 32.5), (-117.1, 32.5), (-118.5, 34.0),
    (-120.6, 34.6), (-122.4, 37.2), (-124.3, 40.4), (-124.1, 44.0),
]  # fmt: skip

HOSTILE = (
    '</script><script>alert("x")</script><img src=//evil.example/x onerror=a>&$x^2$'
)


@dataclass(frozen=True)
class ToyPlan:
    """The attributes of a plan that reporting reads, and nothing more."""

    sites: gpd.GeoDataFrame
    candidates: gpd.GeoDataFrame
    status: str = "optimal"
    objective: float = 2431.72
    bound: float = 2431.81
    gap: float = 3.7e-5
    objective_name: str = "score"
    solver: str = "highs"
    seconds: dict[str, float] = field(default_factory=lambda: {"solve": 1.25})
    notes: tuple[str, ...] = ("A note.",)
    limits: pd.DataFrame = field(default_factory=pd.DataFrame)
    evidence: pd.DataFrame = field(default_factory=pd.DataFrame)


def outline() -> shapely.Polygon:
    return shapely.Polygon(OUTLINE)


def toy_states() -> gpd.GeoDataFrame:
    """Cut the outline into tiles of some degrees, standing in for states."""
    tiles = [
        shapely.box(x, y, x + 5.9, y + 4.3)
        for x in np.arange(-126, -64, 5.9)
        for y in np.arange(24, 50, 4.3)
    ]
    cut = shapely.intersection(np.array(tiles), outline())
    cut = cut[~shapely.is_empty(cut)]
    return gpd.GeoDataFrame(
        {"state": [f"T{i:02d}" for i in range(len(cut))]}, geometry=cut, crs=4326
    )


def toy_candidates(
    area: shapely.Geometry | None = None,
    spacing_km: float = 40,
    *,
    crs: int | str = 5070,
    names: str = "plain",
) -> gpd.GeoDataFrame:
    """Lay cells over an area with a smooth made-up score."""
    area = outline() if area is None else area
    flat = gpd.GeoSeries([area], crs=4326).to_crs(crs)
    x0, y0, x1, y1 = flat.total_bounds
    step = spacing_km * 1000
    xs, ys = np.meshgrid(np.arange(x0, x1, step), np.arange(y1, y0, -step))
    points = shapely.points(xs.ravel() + step / 2, ys.ravel() - step / 2)
    points = points[shapely.contains(flat.iloc[0], points)]
    where = gpd.GeoSeries(points, crs=crs).to_crs(4326)
    lon, lat = where.x.to_numpy(), where.y.to_numpy()
    u, v = (lon - lon.mean()) / 10, (lat - lat.mean()) / 6
    score = 0.55 + 0.2 * np.sin(u * 1.7) * np.cos(v * 1.3) + 0.12 * np.cos(u + 2 * v)
    excluded = np.where(np.sin(lon * 2.1) + np.cos(lat * 1.7) > 1.7, "lakes", "")
    score[(excluded != "") | (np.sin(lon * 1.3 + lat) > 0.985)] = np.nan
    frame = gpd.GeoDataFrame(
        {
            "cell_km": float(spacing_km),
            "cell_shape": "square",
            "score": score,
            "excluded_by": excluded,
            "coverage": np.where(np.isnan(score), 0.7, 1.0),
            "state": "TX",
            "substation": "model bus 7",
            "capacity_mw": 1000.0,
        },
        geometry=where.to_numpy(),
        crs=4326,
        index=pd.Index([f"s{i:05d}" for i in range(len(where))], name="site"),
    )
    layer = HOSTILE if names == "hostile" else "Made-up substations"
    frame.attrs["siteselect"] = {
        "criteria": [
            {
                "name": "grid",
                "weight": 0.6,
                "evidence": "synthetic",
                "unit": "MW",
                "layer": {
                    "name": layer,
                    "title": layer,
                    "evidence": "synthetic",
                    "source": "Toy grid, tests only",
                    "licence": "CC0-1.0",
                    "attribution": "nobody",
                    "vintage": "2020",
                    "not_this": "not a real grid",
                },
                "measure": "Nearest",
                "value": "Rising(100, 1000)",
            },
            {
                "name": "solar",
                "weight": 0.4,
                "evidence": "modelled",
                "unit": "-",
                "layer": "solar_cf",
                "measure": "Sample",
                "value": "Rising(0.1, 0.3)",
            },
        ]
    }
    return frame


def toy_plan(
    n: int = 8,
    candidates: gpd.GeoDataFrame | None = None,
    *,
    seed: int = 0,
    clustered: bool = False,
    **changes: object,
) -> ToyPlan:
    """Choose ``n`` places at random from the candidates with a known score."""
    frame = toy_candidates() if candidates is None else candidates
    rng = np.random.default_rng(seed)
    eligible = np.flatnonzero(frame["score"].notna().to_numpy())
    if clustered and n:
        near = frame.geometry.iloc[[int(eligible[len(eligible) // 2])]].iloc[0]
        eligible = eligible[
            np.argsort(
                shapely.distance(frame.geometry.to_numpy()[eligible], near),
                kind="stable",
            )[: 3 * n]
        ]
    chosen = np.sort(rng.choice(eligible, size=n, replace=False)) if n else []
    sites = frame.iloc[chosen].copy()
    sites["mw"] = rng.choice([100.0, 300.0, 1000.0], size=n)
    sites["cost_usd"] = sites["mw"] * 11.5e6
    sites["why"] = "made-up reason: high grid value"
    limits = pd.DataFrame(
        {
            "limit": ["power", "budget"],
            "group": ["", ""],
            "kind": ["between", "at most"],
            "allowed_min": [3000.0, np.nan],
            "allowed_max": [3000.0, 45e9],
            "used": [float(sites["mw"].sum()), float(sites["cost_usd"].sum())],
            "slack": [0.0, 1e9],
            "unit": ["MW", "USD"],
            "binding": [True, False],
            "price": [0.8, np.nan],
        }
    )
    evidence = pd.DataFrame(
        {"evidence": ["synthetic", "modelled"], "weight": [0.6, 0.4]}
    )
    given: dict[str, object] = {
        "sites": sites,
        "candidates": frame,
        "limits": limits,
        "evidence": evidence,
    }
    return ToyPlan(**{**given, **changes})  # type: ignore[arg-type]
