"""Scoring ten criteria against others, and against reading and writing alone.

``python benchmarks/scoring.py`` runs every race; ``python benchmarks/scoring.py WHO
SIZE FOLDER`` is one contestant, which prints what it measured. Peers live in an
environment of their own (`peers`), made on the first run. Ratios are of
processor seconds, which other work on the machine disturbs less than wall clocks;
where processes share the work, of wall clocks, and to be read on an idle machine.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aims
import geopandas as gpd
import numpy as np
import pandas as pd
import peers
import pyarrow as pa
import rasterio
from page import Page, load, machine, put

import siteselect as ss

IDIOM = "geopandas idiom"
FLOOR = "read and write the GeoParquet"
WORKERS = (1, 2)
#: The releases of xarray-spatial with weighting need this interpreter.
HAS_MCDA = sys.version_info >= (3, 12)
#: Fewer candidates are timed, but the aims are about as many as this.
AIMED = 1_000_000
#: Runs of one and two workers in turn; other work on the machine disturbs some.
REPEATS = 3
#: Candidates scored by one and two workers alone, and judged: what they do not share is
#: short beside the rest.
SCALED = 4_000_000
#: Rows that each worker scores before it is timed: what is imported or opened once is
#: no part of the work.
WARM_ROWS = 2_000
#: criterion: (kind, layer, argument, column or filter, worst, best, weight)
CRITERIA: dict[str, tuple[str, str, Any, str | None, float, float, float]] = {
    "grid": ("max", "substations", 25, "hosting_capacity_mw", 100, 1000, 0.20),
    "line": ("near", "lines", None, "voltage_kv >= 230", 50, 1, 0.10),
    "fiber": ("near", "fiber", None, None, 80, 1, 0.15),
    "river": ("near", "rivers", None, None, 60, 1, 0.05),
    "airport": ("near", "airports", None, None, 100, 10, 0.05),
    "labor": ("sum", "workforce", 80, "electricians", 500, 20000, 0.15),
    "cities": ("count", "cities", 30, None, 0, 40, 0.05),
    "water": ("at", "water_stress", None, "stress", 0.8, 0.1, 0.10),
    "carbon": ("at", "state_energy", None, "carbon_kg_per_mwh", 700, 100, 0.10),
    "solar": ("sample", "solar_cf", None, None, 0.14, 0.30, 0.05),
}


def candidates(size: int) -> gpd.GeoDataFrame:
    """Return about ``size`` grid candidates over the contiguous US."""
    area = ss.datasets.region("CONUS")
    km2 = float(area.to_crs(5070).area.sum()) / 1e6
    return ss.grid_candidates(area, spacing_km=(km2 / size) ** 0.5)


def layers_read() -> dict[str, Any]:
    """Return the layers that the criteria read."""
    names = {entry[1] for entry in CRITERIA.values()}
    area = ss.datasets.region("CONUS")
    return {name: ss.datasets.load(name, area) for name in sorted(names)}


def criteria(layers: dict[str, Any]) -> list[ss.Criterion]:
    """Return the ten criteria."""
    made = []
    for name, (kind, layer, km, what, worst, best, weight) in CRITERIA.items():
        source = layers[layer]
        if kind == "near":
            measure: Any = ss.Nearest(source, where=what)
        elif kind == "at":
            measure = ss.At(source, what)
        elif kind == "sample":
            measure = ss.Sample(source)
        elif kind == "count":
            measure = ss.Within(source, radius_km=km, count=True)
        else:
            measure = ss.Within(source, radius_km=km, **{kind: what})
        value = ss.Rising(worst, best) if best > worst else ss.Falling(best, worst)
        made.append(ss.Criterion(name, measure, value, weight=weight))
    return made


def with_geopandas(sites: gpd.GeoDataFrame, layers: dict[str, Any]) -> pd.Series:
    """Score as a geopandas user would write it: one join per criterion."""
    planar = sites.to_crs(5070)
    points = planar[["geometry"]]
    raw = pd.DataFrame(index=sites.index)
    for name, (kind, layer, km, what, *_) in CRITERIA.items():
        if kind == "sample":
            lonlat = sites.to_crs(4326).geometry
            with rasterio.open(layers[layer].path) as source:
                pairs = list(zip(lonlat.x, lonlat.y, strict=True))
                found = np.array([v[0] for v in source.sample(pairs)], dtype=float)
                found[found == source.nodata] = np.nan
            raw[name] = found
            continue
        features = layers[layer].to_crs(5070)
        if kind == "near":
            kept = features if what is None else features.query(what)
            near = points.sjoin_nearest(kept[["geometry"]], distance_col="m")
            raw[name] = near.groupby(level=0)["m"].min() / 1000
        elif kind == "at":
            inside = points.sjoin(features[[what, "geometry"]], predicate="within")
            raw[name] = inside.groupby(level=0)[what].first()
        else:
            column = what or "one"
            rings = points.set_geometry(points.buffer(km * 1000))
            joined = rings.sjoin(features.assign(one=1.0)[[column, "geometry"]])
            found = joined.groupby(level=0)[column].agg("sum" if what is None else kind)
            # Nothing in reach is a known zero; something unknown in reach is not.
            raw[name] = found.reindex(sites.index, fill_value=0)
    score = pd.Series(0.0, index=sites.index)
    for name, (*_, worst, best, weight) in CRITERIA.items():
        score += weight * ((raw[name] - worst) / (best - worst)).clip(0, 1)
    return score


def zonal(who: str, sites: gpd.GeoDataFrame) -> pd.Series:
    """Return the July temperature over the cell of each candidate."""
    layer = ss.datasets.load("temperature").band("jul")
    if who.endswith("siteselect"):
        return ss.Zonal(layer)(sites)
    import rasterstats

    from siteselect.layers import spatial

    cells = spatial.footprints(sites)
    found = rasterstats.zonal_stats(
        cells, str(layer.path), band=layer.bands[0], stats=["mean"], all_touched=True
    )
    return pd.Series([row["mean"] for row in found], sites.index, dtype=float)


def weighing(who: str, table: gpd.GeoDataFrame) -> pd.Series:
    """Return the weighted sum of ten columns of values."""
    names = list(CRITERIA)
    weights = np.array([CRITERIA[name][-1] for name in names])
    if who.endswith("siteselect"):
        own = [
            ss.Criterion(name, ss.Column(name), ss.Rising(0, 1), weight=weight)
            for name, weight in zip(names, weights, strict=True)
        ]
        return ss.score_sites(table, own)["score"]
    if who.endswith("xarray-spatial"):
        import xarray as xr
        from xrspatial.mcda import wlc

        grid = {name: (("y", "x"), table[name].to_numpy()[None, :]) for name in names}
        parts = dict(zip(names, weights / weights.sum(), strict=True))
        return pd.Series(wlc(xr.Dataset(grid), parts).to_numpy()[0], table.index)
    from pymcdm.methods import WSM

    matrix = table[names].to_numpy()
    weights = weights / weights.sum()
    types = np.ones(len(names))
    # The values are in [0, 1] already: no normalization of its own.
    wsm = WSM(normalization_function=lambda column, cost=False: column)
    found = wsm(matrix, weights, types)
    return pd.Series(found, table.index)


def resident_mb() -> float:
    """Return the memory that this process holds now [MB], without what it may free."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak_mb() -> float:
    """Return the most memory that this process has held [MB]."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    held = next(line for line in lines if line.startswith("VmHWM"))
    return float(held.split()[1]) / 1024


def stored_sites(size: int, folder: Path) -> Path:
    """Return the file of the candidates, written on the first call."""
    path = folder / f"sites{size}.parquet"
    if not path.exists():
        sites = candidates(size)
        sites.to_parquet(path)
        ss.write_partitions(
            sites, folder / f"parts{size}", rows=max(2000, size // 16), overwrite=True
        )
        some = sites.iloc[:: max(1, size // (8 * WARM_ROWS))]
        ss.write_partitions(some, folder / "warm", rows=WARM_ROWS, overwrite=True)
    return path


def on_workers(count: int, size: int, folder: Path, own: list[Any]) -> dict[str, Any]:
    """Score the partitions on processes of one thread each."""
    import dask
    import distributed

    # Dask looks at what each thread does a hundred times a second, for its dashboard.
    dask.config.set({"distributed.worker.profile.enabled": False})
    with (
        distributed.LocalCluster(
            n_workers=count, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        # What an earlier run finished would be kept.
        shutil.rmtree(folder / f"out{size}-{count}", ignore_errors=True)
        warm = Path(tempfile.mkdtemp(dir=folder))
        ss.score_partitions(folder / "warm", own, out=warm, client=client)
        before = client.run(time.process_time)
        start, used = time.perf_counter(), time.process_time()
        run = ss.score_partitions(
            folder / f"parts{size}",
            own,
            out=folder / f"out{size}-{count}",
            client=client,
        )
        seconds = time.perf_counter() - start
        after = client.run(time.process_time)
        busiest = max(after[worker] - before[worker] for worker in after)
        path_s = time.process_time() - used + busiest
    score = ss.read_partitions(folder / f"out{size}-{count}", columns=["score"])
    return {
        "seconds": seconds,
        "path_s": path_s,
        "worker_mb": float(run["peak_mb"].max()),
        "mean_score": float(score["score"].mean()),
        "n": len(score),
    }


def main(who: str, size: int, folder: Path) -> dict[str, Any]:
    """Time one contestant after layers and candidates are in memory."""
    path = stored_sites(size, folder)
    table = folder / f"scored{size}.parquet"
    if who == "prepare":
        return {}
    layers = layers_read()
    if who.startswith("workers"):
        return on_workers(int(who.split()[1]), size, folder, criteria(layers))
    before = resident_mb()
    sites = gpd.read_parquet(path)
    if who.startswith("weighing"):
        values = np.random.default_rng(0).random((len(sites), len(CRITERIA)))
        sites = sites.assign(**dict(zip(CRITERIA, values.T, strict=True)))
    own = criteria(layers)
    start, used = time.perf_counter(), time.process_time()
    frame_mb = float("nan")
    if who == "siteselect":
        scored = ss.score_sites(sites, own)
        score = scored["score"]
    elif who == IDIOM:
        score = with_geopandas(sites, layers)
    elif who.startswith("zonal"):
        score = zonal(who, sites)
    elif who.startswith("weighing"):
        score = weighing(who, sites)
    else:
        gpd.read_parquet(path)
        held = resident_mb()
        scored = gpd.read_parquet(table)
        frame_mb = resident_mb() - held
        start, used = time.perf_counter(), time.process_time()
        gpd.read_parquet(path)
        scored.to_parquet(folder / "copy.parquet")
        score = scored["score"]
    found = {
        "seconds": time.perf_counter() - start,
        "cpu_s": time.process_time() - used,
        "peak_mb": peak_mb() - before,
        "frame_mb": frame_mb,
        "mean_score": float(score.mean()),
        "n": len(sites),
    }
    if who == "siteselect":
        scored.to_parquet(table)
    return found


# ------------------------------------------------------------------- the races


def contestant(
    who: str, size: int, folder: Path, limit_s: float, python: Path | None = None
) -> dict[str, Any]:
    """Run one contestant in a process of its own, so that its memory is its own."""
    command = [str(python or sys.executable), __file__, who, str(size), str(folder)]
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    root = str(Path(__file__).parents[1])
    env = {**os.environ, **dict.fromkeys(threads, "1"), "PYTHONPATH": root}
    row: dict[str, Any] = {"who": who, "size": size}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=env, timeout=limit_s
        )
    except subprocess.TimeoutExpired:
        return {**row, "at_least_s": limit_s, "note": f"no result in {limit_s:.0f} s"}
    if done.returncode:
        return {**row, "note": done.stderr.strip()[-200:]}
    return {**row, **json.loads(done.stdout.splitlines()[-1])}


def cells(row: dict[str, Any], own: dict[str, Any]) -> list[str]:
    """Return a row of the table; the ratio is to siteselect in the same race."""
    ratio = ""
    for key in ("cpu_s", "seconds"):
        if own.get(key) and row.get(key):
            ratio = f"{row[key] / own[key]:.2f}"
            break
    else:
        if own.get("seconds") and "at_least_s" in row:
            ratio = f"≥ {row['at_least_s'] / own['seconds']:.1f}"
    held = row.get("worker_mb", row.get("peak_mb"))
    return [
        f"{row['size']:,}",
        row["who"],
        ratio,
        next((f"{row[key]:.2f}" for key in ("cpu_s", "path_s") if key in row), ""),
        f"{row['seconds']:.2f}" if "seconds" in row else "",
        f"{held:,.0f}" if held else "",
        f"{row['mean_score']:.5f}" if "mean_score" in row else "",
        row.get("note", ""),
    ]


HEAD = ("candidates", "who", "ratio", "cpu s", "seconds", "MB", "mean", "remark")


def race(
    page: Page,
    names: list[str],
    size: int,
    folder: Path,
    limit_s: float,
    python: Path | None,
) -> list[dict[str, Any]]:
    """Run contestants on the same candidates; the first is who ratios are to."""
    rows: list[dict[str, Any]] = []
    for who in names:
        rows.append(contestant(who, size, folder, limit_s, python))
        page.row(*cells(rows[-1], rows[0]))
    return rows


def least(rows: list[dict[str, Any]], who: str, key: str) -> float:
    """Return the shortest of the runs of one contestant; NaN without one."""
    return min(r.get(key, math.nan) for r in rows if r["who"] == who)


def judged(
    rows: list[dict[str, Any]], size: int, before: dict[str, Any]
) -> list[aims.Aim]:
    """Return what a race says about the aims."""
    own, idiom, floor, *_ = rows
    if "cpu_s" not in own:
        return [aims.Aim(f"{size:,}", "a result", own.get("note", ""), False)]
    found = []
    is_judged = size >= AIMED
    took = idiom.get("cpu_s", idiom.get("at_least_s"))
    if took and is_judged:
        times = took / own["cpu_s"]
        sign = "" if "cpu_s" in idiom else "> "
        what = f"{size:,}: the geopandas idiom"
        found.append(aims.Aim(what, "≥ 10 ×", f"{sign}{times:.1f} ×", times >= 10))
    if "cpu_s" in floor and is_judged:
        times = own["cpu_s"] / floor["cpu_s"]
        what = f"{size:,}: time beside reading and writing"
        found.append(aims.Aim(what, "≤ 3 ×", f"{times:.2f} ×", times <= 3))
        held = own["peak_mb"] / floor["frame_mb"]
        what = f"{size:,}: memory beside the scored frame"
        found.append(aims.Aim(what, "≤ 2.5 ×", f"{held:.2f} ×", held <= 2.5))
    if before:
        n, m = own["n"], before["n"]
        grown = own["cpu_s"] / before["cpu_s"]
        allowed = n * math.log(n) / (m * math.log(m))
        what = f"{size:,}: time beside that of {m:,} (N log N)"
        said = f"{grown:.1f} ×"
        found.append(aims.Aim(what, f"≤ {allowed:.1f} ×", said, grown <= allowed))
    return found


def shared(workers: list[dict[str, Any]], size: int) -> list[aims.Aim]:
    """Return what runs of one and two workers say."""
    found = []
    for key, how in (
        ("seconds", f"best of {REPEATS} by the clock"),
        ("path_s", "processor seconds of the client and the busiest worker"),
    ):
        one, two = (least(workers, f"workers {k}", key) for k in WORKERS)
        if one / two > 0:
            what = f"{size:,}: two workers beside one, {how}"
            said = f"{one / two:.2f} ×"
            found.append(aims.Aim(what, "≥ 1.7 ×", said, one / two >= 1.7))
    return found


def scaled(page: Page, folder: Path, limit_s: float) -> list[aims.Aim]:
    """Run one and two workers on more candidates than the others are asked for."""
    contestant("prepare", SCALED, folder, limit_s)
    names = [f"workers {k}" for k in WORKERS] * REPEATS
    return shared(race(page, names, SCALED, folder, limit_s, None), SCALED)


def races() -> None:
    """Run every race and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    sizes = [20_000, 200_000, 1_000_000]
    parser.add_argument("--sizes", type=int, nargs="*", default=sizes)
    parser.add_argument("--limit-s", type=float, default=600.0)
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--write", action="store_true", help="into the README")
    args = parser.parse_args()
    page, start, wanted_a_core = Page(), time.perf_counter(), load()
    before: dict[str, Any] = {}
    found: list[aims.Aim] = []
    workers = [f"workers {k}" for k in WORKERS] * REPEATS
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        page.say("\n### Ten criteria on the bundled layers")
        page.head(*HEAD)
        for size in args.sizes:
            contestant("prepare", size, folder, args.limit_s)
            names = ["siteselect", IDIOM, FLOOR, *workers]
            rows = race(page, names, size, folder, args.limit_s, None)
            found += judged(rows, size, before)
            before = rows[0] if "cpu_s" in rows[0] else {}
        if not args.without_peers:
            page.say("\n### One zonal criterion, and the weighting of ten columns")
            page.head(*HEAD)
            for size in args.sizes:
                weighers = ["pymcdm WSM"] + ["xarray-spatial"] * HAS_MCDA
                for step, others in (
                    ("zonal", ["rasterstats"]),
                    ("weighing", weighers),
                ):
                    who = [f"{step}: {one}" for one in ("siteselect", *others)]
                    race(page, who, size, folder, args.limit_s, peers.environment())
        if max(args.sizes, default=0) >= AIMED:
            page.say("\n### One and two workers, more candidates")
            page.head(*HEAD)
            found += scaled(page, folder, args.limit_s)
    page.say(
        f"\n{time.perf_counter() - start:,.0f} s; processes that wanted a core: "
        f"{wanted_a_core:.1f} before, {load():.1f} after."
    )
    page.say("\n" + "\n".join(aims.table(found, "measured")))
    if args.write:
        put("scoring.py", [*page.lines, "", machine() + "."])


if __name__ == "__main__":
    if len(sys.argv) == 4 and not sys.argv[1].startswith("-"):
        print(json.dumps(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))))
    else:
        races()
