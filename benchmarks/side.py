"""The sections whose peers live in an environment of their own, table by table.

Every contestant of a section, siteselect too, runs on the interpreter that `peers`
makes, so that all of them have the same numpy and the same solver.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import peers
from contest import against, contest
from page import Page

OWN = "siteselect"
GREEDY = ("greedy, by score", "greedy, by score per dollar", "greedy, by score × MW")
EXACT = ("PuLP, CBC", "PuLP, HiGHS", "HiGHS, fed arrays")


@dataclass(frozen=True)
class Sized:
    """One size of the headline task: how many seeds who is asked for."""

    size: int
    seeds: int
    #: Exact peers that may take minutes.
    peer_seeds: int


HEADLINE = (
    Sized(200, 10, 10),
    Sized(2_000, 10, 10),
    Sized(10_000, 10, 3),
    Sized(100_000, 10, 1),
)
QUICK_HEADLINE = (Sized(200, 3, 3), Sized(2_000, 2, 2), Sized(10_000, 1, 1))


def middle(values: Iterable[float | None], form: str = "{:.2f}") -> str:
    """Return the median of what is known, in words; a dash where nothing is."""
    known = [v for v in values if v is not None]
    return form.format(statistics.median(known)) if known else "–"


def verdict(rows: list[dict]) -> str:
    """Say who is faster by the worse of both clocks, over all seeds."""
    timed = [r["least_ratio"] for r in rows if "least_ratio" in r]
    if not timed or any("at_least_s" in r for r in rows):
        return ""
    if statistics.median(timed) < 1 / 1.1:
        return "siteselect is slower"
    return "a tie" if statistics.median(timed) < 1.1 else ""


def loss_of(row: dict, own: dict) -> float | None:
    """Return what an answer lacks of siteselect's objective [%]."""
    if "objective" not in row or not own.get("objective"):
        return None
    return 100 * (1 - row["objective"] / own["objective"])


def headline(page: Page, is_quick: bool, folder: Path, limit_s: float) -> None:
    """Run the headline task; one row per size and contestant, over its seeds."""
    page.say("\n### The headline task on drawn candidates (no real data)")
    page.head(
        "candidates",
        "who",
        "seeds",
        "verified",
        "loss %, median (worst)",
        "MW, least",
        "ratio",
        "by processor",
        "seconds",
        "processor s",
        "peak MB",
        "lines",
        "remark",
    )
    python = peers.environment()
    for entry in QUICK_HEADLINE if is_quick else HEADLINE:
        own: dict[int, dict] = {}
        for who in (OWN, *GREEDY, *EXACT):
            asked = entry.peer_seeds if who in EXACT else entry.seeds
            rows = []
            for seed in range(asked):
                call = ("headline", who, entry.size, folder, limit_s, str(seed))
                row = contest(*call, python=python)
                if who == OWN:
                    own[seed] = row
                else:
                    row |= against(row, own[seed])
                    row["loss"] = loss_of(row, own[seed])
                rows.append(row)
            page.row(f"{entry.size:,}", who, str(asked), *headline_cells(who, rows))


def headline_cells(who: str, rows: list[dict]) -> list[str]:
    """Return what is said of one contestant over its seeds."""
    answers = [r for r in rows if "objective" in r]
    losses = [r["loss"] for r in answers if r.get("loss") is not None]
    lost = f"{middle(losses, '{:.3f}')} ({max(losses):.3f})" if losses else "–"
    said = sorted({r["note"] for r in rows if "note" in r})
    broken = [r for r in answers if not r["is_feasible"]]
    if broken:
        # Who is short of the power breaks that limit; is it all that is broken?
        parts = {"power" if "power (" in r["broken"] else r["broken"] for r in broken}
        said.append(f"{len(broken)} of {len(answers)} break: " + "; ".join(parts))
    said += filter(None, [verdict(rows) if who != OWN else ""])
    if losses and min(losses) < -0.01:
        said.append("siteselect's plan is bettered")
    return [
        f"{sum(r['is_feasible'] for r in answers)} of {len(rows)}",
        lost,
        f"{min(r['mw'] for r in answers):,.0f}" if answers else "–",
        *(
            ("> " if any("at_least_s" in r for r in rows) else "")
            + middle((r.get(key) for r in rows), "{:.2f}")
            if who != OWN
            else "–"
            for key in ("ratio", "cpu_ratio")
        ),
        middle((r.get("seconds") for r in rows), "{:.2f}"),
        middle((r.get("cpu_s") for r in rows), "{:.2f}"),
        f"{max((r.get('peak_mb', 0.0) for r in rows), default=0.0):,.0f}",
        middle((r.get("lines") for r in rows), "{:.0f}"),
        "; ".join(said),
    ]


TIMES = ("ratio", "by processor", "seconds", "processor s", "peak MB", "lines")


def times(row: dict, own: dict) -> list[str]:
    """Return the cells that all tables share; no ratio for siteselect itself."""
    sign = "> " if "at_least_s" in row else ""
    shared = [
        f"{sign}{row[key]:.2f}" if row is not own and key in row else "–"
        for key in ("ratio", "cpu_ratio")
    ]
    for key, form in (("seconds", "{:.3f}"), ("cpu_s", "{:.3f}")):
        shared.append(form.format(row[key]) if key in row else "")
    held = row.get("peak_mb")
    shared.append(f"{held:,.0f}" if held else "")
    return [*shared, str(row.get("lines", ""))]


def remark(row: dict, own: dict) -> str:
    """Return what else is to be said: a loss, a tie, why there is no result."""
    said = [row["note"].replace("\n", " ")] if "note" in row else []
    if row is not own:
        said.append(verdict([row]))
    return "; ".join(filter(None, said)).replace("|", "/")


def field(row: dict, key: str, form: str) -> str:
    """Return one cell; empty where the contestant has no result."""
    return form.format(row[key]) if key in row else ""


def race(
    task: str,
    who: Iterable[str],
    size: int,
    folder: Path,
    limit_s: float,
    *more: str,
    others: dict[str, Path | None] | None = None,
) -> Iterator[tuple[dict, dict]]:
    """Run contestants, siteselect first, and return each row beside its.

    ``others`` are interpreters of those who do not live with the rest; who has none
    does not run, and that is said.
    """
    own: dict = {}
    for name in who:
        python = (others or {}).get(name, peers.environment())
        if python is None:
            row = {
                "who": name,
                "size": size,
                "note": "no Python 3.12 or newer was found",
            }
        else:
            row = contest(task, name, size, folder, limit_s, *more, python=python)
        if name == OWN:
            own = row
        else:
            row |= against(row, own)
        yield row, own


def mcda(page: Page, is_quick: bool, folder: Path, limit_s: float) -> None:
    """Weigh ten criteria of bundled candidates."""
    page.say("\n### Ten criteria weighed, on the bundled layers")
    page.head(
        "candidates",
        "method",
        "who",
        "largest difference",
        "of the best 100",
        *TIMES,
        "remark",
    )
    newer = {"xarray-spatial": peers.newer_environment()}
    for size in (20_000,) if is_quick else (20_000, 200_000, 1_000_000):
        call = ("mcda", "prepare", size, folder, 600.0, "sum")
        contest(*call, python=peers.environment())
        for method in ("sum", "topsis", "product"):
            who = [OWN, "scikit-criteria", "pymcdm"]
            if method != "topsis":
                who.append("xarray-spatial")
            runs = race("mcda", who, size, folder, limit_s, method, others=newer)
            for row, own in runs:
                is_own = row is own
                page.row(
                    field(row, "n", "{:,}") or f"{size:,}",
                    method,
                    row["who"],
                    "–" if is_own else field(row, "apart", "{:.1e}"),
                    "–" if is_own else field(row, "same_hundred", "{}"),
                    *times(row, own),
                    remark(row, own),
                )


def exclusions(page: Page, is_quick: bool, folder: Path, limit_s: float) -> None:
    """Count eligible land on cells of several sizes."""
    page.say("\n### Eligible area after exclusions (drawn layers)")
    page.head("cells", "who", "eligible km²", "exact km²", "error %", *TIMES, "remark")
    for cell_m in (1000, 250) if is_quick else (1000, 500, 250, 100, 50):
        who = (OWN, "atlite", "geopandas, vectors")
        for row, own in race("exclusions", who, cell_m, folder, limit_s):
            page.row(
                f"{cell_m} m" if row["who"] != who[-1] else "none",
                row["who"],
                field(row, "km2", "{:,.2f}"),
                field(row, "exact_km2", "{:,.2f}"),
                f"{100 * row['error']:+.3f}" if "error" in row else "",
                *times(row, own),
                remark(row, own),
            )


def zonal(page: Page, is_quick: bool, folder: Path, limit_s: float) -> None:
    """Take means of a raster under polygons."""
    page.say("\n### Means of a drawn raster (values 0 to 100) under drawn parcels")
    page.head("parcels", "who", "worst error", "mean error", *TIMES, "remark")
    for size in (2_000,) if is_quick else (2_000, 20_000, 200_000):
        who = (OWN, "exactextract", "rasterstats", "rasterstats, all touched")
        for row, own in race("zonal", who, size, folder, limit_s):
            page.row(
                f"{size:,}",
                row["who"],
                field(row, "worst_error", "{:.2g}"),
                field(row, "mean_error", "{:.2g}"),
                *times(row, own),
                remark(row, own),
            )


def conflicts(page: Page, is_quick: bool, folder: Path, limit_s: float) -> None:
    """Print what each tool says of planted conflicts; there is nothing to time."""
    page.say("\n### Planted conflicts, and answers of solvers that are wrong")
    found = contest("conflicts", "all", 0, folder, limit_s, python=peers.environment())
    if "cases" not in found:
        page.say("\n" + found.get("note", "no result"))
        return
    columns = list(next(iter(found["cases"].values())))
    page.head("case", *columns)
    for case, said in found["cases"].items():
        page.row(case, *(said[column] for column in columns))


def powerflow(page: Page, is_quick: bool, folder: Path, limit_s: float) -> None:
    """Solve DC power flows of the Texas network."""
    page.say("\n### DC power flow of the bundled synthetic Texas network")
    page.head(
        "branches",
        "who",
        "largest difference MW",
        "build s",
        *TIMES,
        "a later flow ms",
        "remark",
    )
    contest("powerflow", "prepare", 0, folder, 600.0, python=peers.environment())
    others = {"pandapower": peers.pandapower_environment()}
    for row, own in race(
        "powerflow", (OWN, "pypsa", "pandapower"), 0, folder, limit_s, others=others
    ):
        page.row(
            field(row, "branches", "{:,}"),
            row["who"],
            "–" if row is own else field(row, "apart_mw", "{:.1e}"),
            field(row, "build_s", "{:.3f}"),
            *times(row, own),
            f"{1e3 * row['later_s']:.2f}" if "later_s" in row else "",
            remark(row, own),
        )


def versions() -> str:
    """Return what is installed of the peers, in words."""
    return peers.versions(
        peers.environment(), peers.pandapower_environment(), peers.newer_environment()
    )


SECTIONS: dict[str, Callable[[Page, bool, Path, float], None]] = {
    "headline": headline,
    "zonal": zonal,
    "mcda": mcda,
    "exclusions": exclusions,
    "conflicts": conflicts,
    "powerflow": powerflow,
}
