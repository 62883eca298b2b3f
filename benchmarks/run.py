"""Side-by-side timings in one run: ``make bench``.

Each contestant runs in a process of its own, so that peak memory is its own;
the figures to read are ratios, because machines differ and drift.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

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
QUICK_RACES = (
    Race(1_000, "default", 0, (0, 1), FULL),
    Race(10_000, "default", 0, (0,), FULL[:1]),
    Race(10_000, "default", 25, (0,), PAIRS[:1]),
    Race(100_000, "default", 0, (0,)),
    Race(100_000, "hard", 0, (0,)),
)


def peak_mb(pid: int) -> float:
    """Return the largest memory that a running process has held so far [MB]."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return float("nan")
    for line in text.splitlines():
        if line.startswith("VmHWM"):
            return float(line.split()[1]) / 1024
    return float("nan")


def contest(
    task: str, who: str, size: int, folder: Path, limit_s: float, *more: str
) -> dict:
    """Run one contestant in a fresh process and return what it measured."""
    command = [sys.executable, str(HERE / f"{task}.py"), who, str(size), str(folder)]
    row = {"who": who, "size": size}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        # A session of its own, so that a solver it started ends with it.
        process = subprocess.Popen(
            [*command, *more], stdout=out, stderr=err, start_new_session=True
        )
        try:
            process.wait(limit_s)
        except subprocess.TimeoutExpired:
            held = peak_mb(process.pid)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            note = f"no result within {limit_s:.0f} s"
            return {**row, "note": note, "peak_mb": held, "at_least_s": limit_s}
        out.seek(0)
        err.seek(0)
        said, failed = out.read(), err.read()
    if process.returncode:
        return {**row, "note": failed.strip()[-200:]}
    return {**row, **json.loads(said.splitlines()[-1])}


def race(entry: Race, folder: Path, limit_s: float) -> list[dict]:
    """Run everyone on one program, seed by seed, and print a row for each."""
    rows = []
    for seed in entry.seeds:
        slow = entry.slow_peers if seed == entry.seeds[0] else ()
        own: dict = {}
        for who in ("siteselect", *entry.peers, *slow):
            more = (entry.regime, str(entry.spacing_km), str(seed))
            found = contest("optimizing", who, entry.size, folder, limit_s, *more)
            found |= {"race": entry, "seed": seed}
            if who == "siteselect":
                own = found
            elif "seconds" in own:
                least = found.get("seconds", found.get("at_least_s"))
                if least is not None:
                    found["ratio"] = least / own["seconds"]
            rows.append(found)
            print_row(found, own)
    return rows


def print_row(row: dict, own: dict) -> None:
    """Print one row of the synthetic benchmark."""
    entry: Race = row["race"]
    sign = "≥ " if "at_least_s" in row else ""
    ratio = f"{sign}{row['ratio']:.1f}" if "ratio" in row else "–"
    remark = row.get("note", "")
    both = "objective" in row and "objective" in own
    if both and "ratio" in row:
        apart = abs(row["objective"] - own["objective"]) / abs(own["objective"])
        remark += f"objectives {apart:.1e} apart"
        if row["ratio"] < 1:
            remark += "; siteselect loses"
        elif row["ratio"] < 1.1:
            remark += "; a tie"
    cells = [
        f"{entry.size:,}",
        entry.regime,
        f"{entry.spacing_km:g}",
        str(row["seed"]),
        row["who"],
        ratio,
        f"{row['seconds']:.2f}" if "seconds" in row else "",
        f"{row['peak_mb']:,.0f}" if "peak_mb" in row else "",
        f"{row['objective']:.3f}" if "objective" in row else "",
        f"{row['gap']:.1e}" if "gap" in row else "",
        row.get("status", ""),
        remark,
    ]
    print("| " + " | ".join(cells) + " |", flush=True)


def aims(rows: list[dict]) -> None:
    """Print what the races say about the aims, worst seed first."""

    def own(size: int, regime: str, km: float = 0) -> list[dict]:
        return [
            r
            for r in rows
            if r["who"] == "siteselect"
            and "seconds" in r
            and (r["race"].size, r["race"].regime, r["race"].spacing_km)
            == (size, regime, km)
        ]

    print("\nWorst over the seeds:")
    for size in (1_000_000,):
        for regime in ("default", "hard"):
            found = own(size, regime)
            before = own(size // 10, regime)
            if not found or not before:
                continue
            growth = max(r["seconds"] for r in found) / (
                sum(r["seconds"] for r in before) / len(before)
            )
            print(
                f"- {size:,} × 3 sizes, {regime}: "
                f"gap {max(r['gap'] for r in found):.4%}, "
                f"{max(r['peak_mb'] for r in found) / 1024:.2f} GB, "
                f"{growth:.1f} × the time of {size // 10:,}"
            )
    for who in dict.fromkeys(r["who"] for r in rows if r["who"] != "siteselect"):
        for entry in dict.fromkeys(r["race"] for r in rows):
            same = [
                r
                for r in rows
                if r["who"] == who and r["race"] == entry and "ratio" in r
            ]
            if same:
                worst = min(same, key=lambda r: r["ratio"])
                sign = "≥ " if "at_least_s" in worst else ""
                km = f", {entry.spacing_km:g} km" if entry.spacing_km else ""
                print(
                    f"- {entry.size:,}, {entry.regime}{km}: {who} takes "
                    f"{sign}{worst['ratio']:.1f} × siteselect's time"
                )


def synthetic(races: tuple[Race, ...], folder: Path, limit_s: float) -> None:
    """Run the synthetic races and print their table."""
    print("\n### Synthetic candidates × 3 sizes, all limits (drawn, no real data)\n")
    head = (
        "candidates | regime | spacing km | seed | who | ratio | seconds | peak MB | "
        "objective | gap | status | remark"
    )
    print(f"| {head} |\n|" + "---|" * 12)
    start = time.perf_counter()
    rows = [row for entry in races for row in race(entry, folder, limit_s)]
    aims(rows)
    print(f"\n{time.perf_counter() - start:.0f} s in all")


def table(title: str, results: list[dict], columns: list[tuple[str, str, str]]) -> None:
    """Print one Markdown table; ratios are against siteselect at the same size."""
    print(f"\n### {title}\n")
    print("| candidates | who | ratio | " + " | ".join(c[1] for c in columns) + " |")
    print("|---|---|---|" + "---|" * len(columns))
    for row in results:
        base = next(
            (
                r["seconds"]
                for r in results
                if r["size"] == row["size"]
                and r["who"] == "siteselect"
                and "seconds" in r
            ),
            None,
        )
        ratio = f"{row['seconds'] / base:.2f}" if base and "seconds" in row else "–"
        cells = [format(row[k], spec) if k in row else "" for k, _, spec in columns]
        note = f" {row['note']}" if "note" in row else ""
        print(
            f"| {row['size']:,} | {row['who']}{note} | {ratio} | "
            + " | ".join(cells)
            + " |",
            flush=True,
        )


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


def main() -> None:
    """Run every contest and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scoring", type=int, nargs="*", default=[20_000, 200_000])
    parser.add_argument("--bundled", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--only", choices=("scoring", "bundled", "synthetic"))
    parser.add_argument("--quick", action="store_true", help="small and short")
    parser.add_argument("--limit-s", type=float, default=200.0)
    args = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}")

    limit_s = min(args.limit_s, 60.0) if args.quick else args.limit_s
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if args.only in (None, "scoring"):
            scoring_races(args.scoring[:1] if args.quick else args.scoring, folder)
        if args.only in (None, "bundled"):
            sizes = args.bundled[:1] if args.quick else args.bundled
            bundled_races(sizes, folder, limit_s)
        if args.only in (None, "synthetic"):
            synthetic(QUICK_RACES if args.quick else RACES, folder, limit_s)


def scoring_races(sizes: list[int], folder: Path) -> None:
    """Time the imports, then scoring against the geopandas idiom."""
    geopandas_s, siteselect_s, rooms_s = import_seconds()
    print(
        f"\nimport siteselect: {siteselect_s / geopandas_s:.2f} × import geopandas; "
        f"with every room in use {rooms_s / geopandas_s:.2f} ×"
    )
    scoring = [
        contest("scoring", who, size, folder, 300.0)
        for size in sizes
        for who in SCORING
    ]
    table(
        "Scoring ten criteria",
        scoring,
        [
            ("seconds", "seconds", ".2f"),
            ("peak_mb", "peak MB", ".0f"),
            ("mean_score", "mean score", ".5f"),
        ],
    )


def bundled_races(sizes: list[int], folder: Path, limit_s: float) -> None:
    """Choose sites on the bundled data."""
    for size in sizes:
        contest("bundled", "prepare", size, folder, 300.0)
    rows = [
        contest("bundled", who, size, folder, limit_s)
        for size in sizes
        for who in BUNDLED
    ]
    table(
        "Bundled data: 3 GW under budget, headroom, state and site limits",
        rows,
        [
            ("seconds", "seconds", ".2f"),
            ("peak_mb", "peak MB", ".0f"),
            ("objective", "objective", ".3f"),
            ("gap", "gap", ".1e"),
            ("status", "status", "s"),
        ],
    )


if __name__ == "__main__":
    main()
