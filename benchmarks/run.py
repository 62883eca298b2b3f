"""Side-by-side timings in one run: ``make bench``.

Each contestant runs in a process of its own, so that peak memory is its own;
the figures to read are ratios, because machines differ and drift.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

SCORING = ("siteselect", "geopandas idiom", "read and write the GeoParquet")
OPTIMIZING = (
    "siteselect",
    "siteselect, full model",
    "plain PuLP, HiGHS",
    "plain PuLP, CBC",
    "HiGHS fed arrays",
)


def contest(task: str, who: str, size: int, folder: Path, limit_s: float) -> dict:
    """Run one contestant in a fresh process and return what it measured."""
    command = [sys.executable, str(HERE / f"{task}.py"), who, str(size), str(folder)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        return {"who": who, "size": size, "note": f"no result within {limit_s:.0f} s"}
    if done.returncode:
        return {"who": who, "size": size, "note": done.stderr.strip()[-200:]}
    return {"who": who, "size": size, **json.loads(done.stdout.splitlines()[-1])}


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
    parser.add_argument("--optimizing", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--limit-s", type=float, default=300.0)
    args = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}")

    geopandas_s, siteselect_s, rooms_s = import_seconds()
    print(
        f"\nimport siteselect: {siteselect_s / geopandas_s:.2f} × import geopandas; "
        f"with every room in use {rooms_s / geopandas_s:.2f} ×"
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        scoring = [
            contest("scoring", who, size, folder, args.limit_s)
            for size in args.scoring
            for who in SCORING
        ]
        table(
            "Scoring five criteria",
            scoring,
            [
                ("seconds", "seconds", ".2f"),
                ("peak_mb", "peak MB", ".0f"),
                ("mean_score", "mean score", ".5f"),
            ],
        )
        for size in args.optimizing:
            contest("optimizing", "prepare", size, folder, args.limit_s)
        optimizing = [
            contest("optimizing", who, size, folder, args.limit_s)
            for size in args.optimizing
            for who in OPTIMIZING
        ]
        table(
            "Choosing 3 GW under budget, headroom, state and site limits",
            optimizing,
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
