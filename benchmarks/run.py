"""Side-by-side timings in one run: ``make bench``.

Each contestant runs in a process of its own, so that peak memory is its own. The
figures to read are ratios, because machines differ and drift; every ratio is given
by the wall clock and by processor seconds, and aims are judged by the worse.
``--write`` puts what was run into benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import aims
import side
from contest import against, contest
from page import Page, load, machine, put

SCORING = ("siteselect", "geopandas idiom", "read and write the GeoParquet")
BUNDLED = (
    "siteselect",
    "siteselect, full model",
    "plain PuLP, HiGHS",
    "plain PuLP, CBC",
    "HiGHS fed arrays",
)


@dataclass(frozen=True)
class Race:
    """One program of the synthetic benchmark and who is asked to solve it."""

    size: int
    regime: str
    spacing_km: float
    seeds: tuple[int, ...]
    peers: tuple[str, ...] = ()
    #: Peers that rarely answer in time run on the first seed only.
    slow_peers: tuple[str, ...] = ()
    time_limit_s: float | None = None


FULL = ("full matrix, CBC", "full matrix, HiGHS", "plain PuLP, HiGHS")
PAIRS = ("pairs, HiGHS", "pairs, CBC")
RACES = (
    Race(10_000, "default", 0, (0, 1, 2), FULL),
    Race(100_000, "default", 0, (0, 1), FULL[:1], FULL[1:]),
    Race(100_000, "default", 25, (0, 1), (), PAIRS),
    Race(100_000, "hard", 0, (0, 1), (), FULL[:1]),
    Race(1_000_000, "default", 0, (0, 1)),
    Race(1_000_000, "hard", 0, (0, 1)),
    Race(1_000_000, "default", 25, (0,)),
)
#: Asked for less time than the proof takes, or not much more.
DEADLINES = (
    Race(100_000, "hard", 0, (0, 1), time_limit_s=5.0),
    Race(1_000_000, "hard", 0, (0, 1), time_limit_s=60.0),
)
QUICK_RACES = (
    Race(1_000, "default", 0, (0, 1), FULL),
    Race(10_000, "default", 0, (0,), FULL[:1]),
    Race(10_000, "default", 25, (0,), PAIRS[:1]),
    Race(100_000, "default", 0, (0,)),
    Race(100_000, "hard", 0, (0,)),
)
#: Problem, places, chosen sites, and whether spopt is asked too.
LOCATION = (
    ("dispersion", 100, 10, True),
    ("median", 300, 15, True),
    ("covering", 300, 15, True),
    ("dispersion", 300, 10, False),
    ("dispersion", 300, 20, False),
    ("median", 900, 90, False),
)
HOSTING = (
    "siteselect, Texas",
    "siteselect, Texas, 20 outages",
    "pypsa, one lpf per bus, Texas",
    "siteselect, three interconnections",
)
NETWORK = (
    "without lines",
    "lines hold",
    "and after each outage",
    "and after each outage, a later plan",
)
Found = list[aims.Aim]
SECTIONS = (
    "scoring",
    "bundled",
    "synthetic",
    "deadline",
    "location",
    "after",
    "network",
    "hosting",
    *side.SECTIONS,
)


def ratios_of(row: dict) -> tuple[str, ...]:
    """Return both ratios in words."""
    sign = "> " if "at_least_s" in row else ""
    wall, cpu = (row.get(k) for k in ("ratio", "cpu_ratio"))
    return tuple("–" if r is None else f"{sign}{r:.1f}" for r in (wall, cpu))


def measured(row: dict) -> tuple[str, ...]:
    """Return the cells that all tables share, ratios first."""
    form = {
        "seconds": "{:.2f}",
        "cpu_s": "{:.2f}",
        "peak_mb": "{:,.0f}",
        "objective": "{:,.8g}",
        "gap": "{:.1e}",
        "status": "{}",
    }
    cells = [
        f.format(row[k]) if row.get(k) is not None else "" for k, f in form.items()
    ]
    return (*ratios_of(row), *cells)


MEASURED = (
    "ratio",
    "by processor",
    "seconds",
    "processor s",
    "peak MB",
    "objective",
    "gap",
    "status",
)


def remark_of(row: dict, own: dict) -> str:
    """Return what else is to be said: losses, ties, how far objectives are apart."""
    said = [row["note"]] if "note" in row else []
    if row is not own and "objective" in row and "objective" in own:
        apart = abs(row["objective"] - own["objective"])
        apart /= max(1e-9, abs(own["objective"]))
        said.append(f"objectives {apart:.1e} apart")
    if "least_ratio" in row and "at_least_s" not in row:
        if row["least_ratio"] < 1:
            said.append("siteselect loses")
        elif row["least_ratio"] < 1.1:
            said.append("a tie")
    return "; ".join(said)


def contests(calls: list[tuple], jobs: int) -> Iterator[dict]:
    """Run contestants, ``jobs`` at a time, and return their rows in order."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda call: contest(*call), calls)


def synthetic(
    page: Page, races: tuple[Race, ...], folder: Path, limit_s: float, jobs: int
) -> Found:
    """Run the races over drawn candidates, seed by seed."""
    timed = ", with a time limit" if races is DEADLINES else ""
    page.say(f"\n### Drawn candidates × 3 sizes, all limits (no real data){timed}")
    page.head("candidates", "regime", "km", "seed", "who", *MEASURED, "remark")
    asked = [
        (entry, seed, who)
        for entry in races
        for seed in entry.seeds
        for who in (
            "siteselect",
            *entry.peers,
            *(entry.slow_peers if seed == entry.seeds[0] else ()),
        )
    ]
    calls = []
    for entry, seed, who in asked:
        more = (entry.regime, entry.spacing_km, seed, entry.time_limit_s or 0)
        args = ("optimizing", who, entry.size, folder, limit_s)
        calls.append((*args, *map(str, more)))
    rows: list[dict] = []
    own: dict = {}
    for (entry, seed, who), row in zip(asked, contests(calls, jobs), strict=True):
        found = row | {"race": entry, "seed": seed}
        own = found if who == "siteselect" else own
        found |= {} if found is own else against(found, own)
        rows.append(found)
        limit = entry.time_limit_s
        page.row(
            f"{entry.size:,}",
            entry.regime + (f", limit {limit:g} s" if limit else ""),
            f"{entry.spacing_km:g}",
            str(seed),
            who,
            *measured(found),
            remark_of(found, own),
        )
    return aims.deadline(rows) if races is DEADLINES else aims.synthetic(rows)


def location(
    page: Page, seeds: range, folder: Path, limit_s: float, jobs: int
) -> Found:
    """Run dispersion, median and covering beside spopt."""
    page.say("\n### Where sites lie: dispersion, median, covering")
    page.head("problem", "places", "p", "seed", "who", *MEASURED, "remark")
    asked = [
        (kind, n, p, seed, who)
        for kind, n, p, is_race in LOCATION
        for seed in seeds
        for who in (("siteselect", "spopt") if is_race else ("siteselect",))
    ]
    calls = [
        ("location", who, n, folder, limit_s, kind, str(p), str(seed))
        for kind, n, p, seed, who in asked
    ]
    rows: list[dict] = []
    own: dict = {}
    for (kind, n, p, seed, who), row in zip(asked, contests(calls, jobs), strict=True):
        found = row | {"kind": kind, "seed": seed}
        own = found if who == "siteselect" else own
        found |= {} if found is own else against(found, own)
        rows.append(found)
        cells = (*measured(found), remark_of(found, own))
        page.row(kind, str(n), str(p), str(seed), who, *cells)
    return aims.location(rows)


def after(
    page: Page, sizes: list[int], seeds: range, folder: Path, limit_s: float, jobs: int
) -> Found:
    """Run the ten next-best plans beside PuLP, rebuilt for each."""
    page.say("\n### Ten alternatives (time of the ten; the first plan is not in it)")
    page.head("candidates", "seed", "who", *MEASURED, "remark")
    pulp = "PuLP, rebuilt for each"
    asked = [
        (size, seed, who)
        for size in sizes
        for seed in seeds
        for who in (("siteselect", pulp) if size == min(sizes) else ("siteselect",))
    ]
    calls = [("after", who, n, folder, limit_s, str(seed)) for n, seed, who in asked]
    rows: list[dict] = []
    own: dict = {}
    for (size, seed, who), row in zip(asked, contests(calls, jobs), strict=True):
        found = row | {"seed": seed}
        own = found if who == "siteselect" else own
        found |= {} if found is own else against(found, own)
        rows.append(found)
        said = remark_of(found, own)
        if "each_over_first" in found:
            said = (
                f"each {found['each_over_first']:.2f} of the first; each step "
                f"of importance {found['importance_over_first']:.2f}"
            )
        page.row(f"{size:,}", str(seed), who, *measured(found), said)
    return aims.after(rows)


def network(page: Page, size: int, seeds: range, folder: Path, limit_s: float) -> Found:
    """Choose sites whose lines hold, beside the same program without lines."""
    page.say("\n### Texas, synthetic network: plans whose lines hold")
    page.head("candidates", "seed", "who", *MEASURED)
    rows: list[dict] = []
    own: dict = {}
    for seed in seeds:
        for who in NETWORK:
            row = contest("network", who, size, folder, limit_s, str(seed))
            own = row if who == NETWORK[0] else own
            row |= {} if row is own else against(row, own)
            rows.append(row)
            page.row(f"{size:,}", str(seed), who, *measured(row))
    return aims.network(rows, NETWORK[1:])


def hosting(page: Page, size: int, folder: Path, limit_s: float) -> Found:
    """Say how much load buses can take, beside one power flow for each of them."""
    page.say("\n### Synthetic network: how much load a bus can take, per bus")
    page.head("buses", "who", "ratio", "by processor", "ms", "processor ms", "peak MB")
    rows: list[dict] = []
    for who in HOSTING:
        row = contest("hosting", who, size, folder, limit_s)
        row |= against(row, rows[0]) if rows else {}
        rows.append(row)
        times = (
            f"{1e3 * row[k]:.3f}" if k in row else "" for k in ("seconds", "cpu_s")
        )
        held = f"{row['peak_mb']:,.0f}" if "peak_mb" in row else row.get("note", "")
        page.row(f"{row.get('buses', size):,}", who, *ratios_of(row), *times, held)
    return aims.hosting(rows)


ALL_ROOMS = "siteselect as ss; ss.prepare, ss.score_sites, ss.optimize_sites"


def import_seconds() -> tuple[float, float, float]:
    """Return median seconds to import geopandas, siteselect, and all its rooms."""

    def median(what: str) -> float:
        code = (
            "import time; t = time.perf_counter();"
            f"import {what}; print(time.perf_counter() - t)"
        )
        runs = [
            float(
                subprocess.run(
                    [sys.executable, "-c", code],
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
            )
            for _ in range(7)
        ]
        return sorted(runs)[3]

    return median("geopandas"), median("siteselect"), median(ALL_ROOMS)


def scoring(page: Page, sizes: list[int], folder: Path) -> Found:
    """Time the imports, then scoring against the geopandas idiom."""
    geopandas_s, siteselect_s, rooms_s = import_seconds()
    page.say("\n### Scoring ten criteria on the bundled layers")
    page.say(
        f"\nimport siteselect: {siteselect_s / geopandas_s:.2f} × import geopandas; "
        f"with every room in use {rooms_s / geopandas_s:.2f} ×"
    )
    return side_by_side(page, "scoring", SCORING, sizes, folder, 300.0)


def bundled(page: Page, sizes: list[int], folder: Path, limit_s: float) -> Found:
    """Choose sites on the bundled data."""
    page.say("\n### Bundled data: 3 GW under budget, headroom, state and site limits")
    for size in sizes:
        contest("bundled", "prepare", size, folder, 300.0)
    return side_by_side(page, "bundled", BUNDLED, sizes, folder, limit_s)


def side_by_side(
    page: Page,
    task: str,
    who: tuple[str, ...],
    sizes: list[int],
    folder: Path,
    limit_s: float,
) -> Found:
    """Run contestants at several sizes; no aim of the optimizer hangs on them."""
    page.head("candidates", "who", *MEASURED, "remark")
    for size in sizes:
        own: dict = {}
        for name in who:
            found = contest(task, name, size, folder, limit_s)
            if "mean_score" in found:
                found["objective"] = found["mean_score"]
            if name == "siteselect":
                own = found
            else:
                found |= against(found, own)
            page.row(f"{size:,}", name, *measured(found), remark_of(found, own))
    return []


def main() -> None:
    """Run every contest, print its table and what it says about the aims."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scoring", type=int, nargs="*", default=[20_000, 200_000])
    parser.add_argument("--bundled", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--after", type=int, nargs="*", default=[1_500, 20_000])
    parser.add_argument("--network", type=int, default=500)
    parser.add_argument("--hosting", type=int, default=1000, help="buses, each part")
    parser.add_argument("--only", choices=SECTIONS, nargs="+", default=SECTIONS)
    parser.add_argument(
        "--seeds", type=int, default=3, help="of location, after and network"
    )
    parser.add_argument("--jobs", type=int, default=1, help="contestants at a time")
    parser.add_argument("--quick", action="store_true", help="small and short")
    parser.add_argument("--limit-s", type=float, default=200.0)
    parser.add_argument("--write", action="store_true", help="into the README")
    args = parser.parse_args()
    print(machine())

    quick = args.quick
    limit_s = min(args.limit_s, 60.0) if quick else args.limit_s
    seeds = range(1 if quick else args.seeds)
    few = slice(1 if quick else None)
    found: list[aims.Aim] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in args.only:
            page, start, before = Page(), time.perf_counter(), load()
            if name == "scoring":
                reached = scoring(page, args.scoring[few], folder)
            elif name == "bundled":
                reached = bundled(page, args.bundled[few], folder, limit_s)
            elif name == "synthetic":
                races = QUICK_RACES if quick else RACES
                reached = synthetic(page, races, folder, limit_s, args.jobs)
            elif name == "deadline":
                reached = synthetic(page, DEADLINES[few], folder, limit_s, args.jobs)
            elif name == "location":
                reached = location(page, seeds, folder, limit_s, args.jobs)
            elif name == "network":
                reached = network(page, args.network, seeds, folder, limit_s)
            elif name == "hosting":
                reached = hosting(page, args.hosting, folder, limit_s)
            elif name in side.SECTIONS:
                reached = []
                side.SECTIONS[name](page, quick, folder, limit_s)
                if quick:
                    page.say("\n**From the quick run: small sizes, few seeds.**")
            else:
                sizes = args.after[few]
                reached = after(page, sizes, seeds, folder, limit_s, args.jobs)
            page.say(
                f"\n{time.perf_counter() - start:,.0f} s; processes that wanted a "
                f"core: {before:.1f} before, {load():.1f} after."
            )
            if reached:
                page.say("\n" + "\n".join(aims.table(reached)))
            found += reached
            if args.write:
                beside = f"; beside: {side.versions()}" if name in side.SECTIONS else ""
                put(name, [*page.lines, "", machine() + beside + "."])
    if found:
        print("\n### Aims\n\n" + "\n".join(aims.table(found)))


if __name__ == "__main__":
    sys.exit(main())
