"""The aims of the project, and what a run says about each: worst seed first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Proven to the default gap; bounds come out of floating-point sums.
PROVEN = 1e-4 + 1e-9


@dataclass(frozen=True)
class Aim:
    """An aim with its verdict; ``is_met`` is None where nothing was measured."""

    what: str
    wanted: str
    measured: str
    is_met: bool | None

    def __str__(self) -> str:
        verdict = {True: "met", False: "**missed**", None: "not measured"}[self.is_met]
        return f"| {self.what} | {self.wanted} | {self.measured} | {verdict} |"


def table(found: list[Aim], measured: str = "measured, worst seed") -> list[str]:
    """Return the lines of the table of aims."""
    head = [f"| aim | wanted | {measured} | |", "|---|---|---|---|"]
    return head + [str(aim) for aim in found]


def faster(what: str, rows: list[dict], own: list[dict], times: float) -> Aim:
    """Judge "at least so many times faster, or no result from the other"."""
    wanted = f"≥ {times:g} ×, or no result"
    if not own or any("seconds" not in r for r in own):
        return Aim(what, wanted, "siteselect has no result", False if own else None)
    if not rows:
        return Aim(what, wanted, "", None)
    gave_up = [r for r in rows if "at_least_s" in r]
    timed = [r for r in rows if "least_ratio" in r and "at_least_s" not in r]
    failed = len(rows) - len(gave_up) - len(timed)
    said = []
    if timed:
        said.append(f"{min(r['least_ratio'] for r in timed):.1f} ×")
    if gave_up:
        least = min(r["least_ratio"] for r in gave_up)
        said.append(f"no result ({gave_up[0]['note'][10:]}, > {least:.0f} ×)")
    if failed:
        said.append(f"{failed} failed")
    is_met = all(r["least_ratio"] >= times for r in timed) and not failed
    return Aim(what, wanted, "; ".join(said), is_met)


def same_optimum(what: str, pairs: list[tuple[dict, dict]]) -> Aim:
    """Judge whether both proved the same optimum, within the gap of each."""
    both = [(a, b) for a, b in pairs if "objective" in a and "objective" in b]
    wanted = "within the proven gap"
    if not both:
        return Aim(what, wanted, "", None)
    apart = max(
        abs(a["objective"] - b["objective"]) / max(1e-9, abs(b["objective"]))
        for a, b in both
    )
    return Aim(what, wanted, f"{apart:.1e} apart", apart <= PROVEN)


def proven(what: str, own: list[dict], gap: float, tried: float | None = None) -> Aim:
    """Judge a gap that has to be proven."""
    wanted = f"gap ≤ {gap * 100:g} %" + (f" (try {tried * 100:g} %)" if tried else "")
    if not own:
        return Aim(what, wanted, "", None)
    worst = max(r.get("gap", float("inf")) for r in own)
    return Aim(what, wanted, f"{worst * 100:.2g} %", worst <= gap + 1e-9)


def synthetic(rows: list[dict]) -> list[Aim]:
    """Judge the races over drawn candidates."""

    def of(who: str, size: int, regime: str, km: float = 0) -> list[dict]:
        key = (who, size, regime, km)
        return [
            r
            for r in rows
            if (r["who"], r["race"].size, r["race"].regime, r["race"].spacing_km) == key
        ]

    out = []
    big = 1_000_000
    for regime, gap, tried in (("default", 1e-4, None), ("hard", 3e-3, 1e-3)):
        own = of("siteselect", big, regime)
        out.append(proven(f"1,000,000 × 3 sizes, {regime}", own, gap, tried))
    everything = [r for r in rows if r["race"].size == big]
    held = max((r["peak_mb"] / 1024 for r in everything if "peak_mb" in r), default=0.0)
    out.append(
        Aim("1,000,000: memory", "≤ 4 GB", f"{held:.2f} GB", held <= 4)
        if held
        else Aim("1,000,000: memory", "≤ 4 GB", "", None)
    )
    for regime in ("default", "hard"):
        before = {r["seed"]: r for r in of("siteselect", big // 10, regime)}
        growth = [
            max(r[k] / before[r["seed"]][k] for k in ("seconds", "cpu_s"))
            for r in of("siteselect", big, regime)
            if r["seed"] in before and "seconds" in r and "seconds" in before[r["seed"]]
        ]
        what = f"1,000,000 against 100,000, {regime}"
        said = f"{max(growth):.1f} ×" if growth else ""
        met = max(growth) <= 15 if growth else None
        out.append(Aim(what, "≤ 15 × the time", said, met))
    size = big // 10
    own = of("siteselect", size, "default")
    cbc = of("full matrix, CBC", size, "default")
    out.append(faster("100,000: CBC on the full model", cbc, own, 20))
    pairs = [(a, b) for a in own for b in cbc if a["seed"] == b["seed"]]
    out.append(same_optimum("100,000: the same optimum as CBC", pairs))
    plain = of("plain PuLP, HiGHS", size, "default")
    out.append(faster("100,000: plain PuLP with HiGHS", plain, own, 100))
    near = of("siteselect", size, "default", 25)
    for who in ("pairs, HiGHS", "pairs, CBC"):
        named = f"100,000 with 25 km spacing: {who}"
        out.append(faster(named, of(who, size, "default", 25), near, 20))
    small = [r for r in rows if r["race"].size in (1000, 10_000)]
    own = [r for r in small if r["who"] == "siteselect"]
    pairs = [
        (a, b)
        for a in own
        for b in small
        if b["who"] != "siteselect" and (a["race"], a["seed"]) == (b["race"], b["seed"])
    ]
    out.append(same_optimum("1,000 and 10,000: the same optimum as full models", pairs))
    return out


def deadline(rows: list[dict]) -> list[Aim]:
    """Judge whether a plan and its certificate come within the time limit."""
    late = max(r.get("seconds", float("inf")) / r["race"].time_limit_s for r in rows)
    gap = max(r.get("gap", float("inf")) for r in rows)
    said = f"gap {gap * 100:.2g} %, after {late:.0%} of the limit"
    if not np.isfinite(late):
        said = "no plan"
    wanted = "plan and gap, in the time limit"
    # A started step of the simplex method may end a moment later.
    is_met = late <= 1.1 and gap < 1
    return [Aim("hard regime with a time limit", wanted, said, is_met)]


def location(rows: list[dict]) -> list[Aim]:
    """Judge dispersion, median and covering."""

    def of(who: str, kind: str, n: int) -> list[dict]:
        key = (who, kind, n)
        return [r for r in rows if (r["who"], r["kind"], r["size"]) == key]

    out = []
    for kind, n, times in (("dispersion", 100, 30), ("median", 300, 15)):
        own, other = of("siteselect", kind, n), of("spopt", kind, n)
        out.append(faster(f"p-{kind}, {n} places: spopt", other, own, times))
        pairs = [(a, b) for a in own for b in other if a["seed"] == b["seed"]]
        out.append(same_optimum(f"p-{kind}, {n} places: the same optimum", pairs))
    for kind, n in (("dispersion", 300), ("median", 900)):
        out.append(proven(f"p-{kind}, {n} places", of("siteselect", kind, n), 1e-6))
    return out


def after(rows: list[dict]) -> list[Aim]:
    """Judge the ten alternatives."""
    own = [r for r in rows if r["who"] == "siteselect"]
    other = [r for r in rows if r["who"] != "siteselect"]
    shares = [r["each_over_first"] for r in own if "each_over_first" in r]
    said = f"{max(shares):.2f} of the first" if shares else ""
    met = max(shares) < 1 if shares else None
    pairs = [
        ({"objective": a["tenth"]}, {"objective": b["tenth"]})
        for a in own
        for b in other
        if (a["size"], a["seed"]) == (b["size"], b["seed"])
        and "tenth" in a
        and "tenth" in b
    ]
    return [
        faster("ten alternatives: rebuilding in PuLP", other, own, 4),
        same_optimum("ten alternatives: the same tenth value", pairs),
        Aim("each alternative", "a fraction of the first solve", said, met),
    ]


def hosting(rows: list[dict]) -> list[Aim]:
    """Judge capacities beside one power flow per bus, and memory."""
    by_who = {row["who"]: row for row in rows}
    found = []
    theirs = [r for who, r in by_who.items() if who.startswith("pypsa")]
    ratio = min((r.get("least_ratio", 0.0) for r in theirs), default=0.0)
    known = all("seconds" in r for r in theirs)
    found.append(
        Aim(
            "hosting capacity per bus: one pypsa lpf() per bus",
            "≥ 500 ×",
            f"{ratio:.0f} ×" if known else "pypsa has no result",
            ratio >= 500 if known else None,
        )
    )
    largest = max(r.get("peak_mb", float("inf")) for r in rows)
    most = f"{largest / 1024:.2f} GB"
    found.append(Aim("three interconnections: memory", "≤ 4 GB", most, largest <= 4096))
    return found


def network(rows: list[dict], contestants: Sequence[str]) -> list[Aim]:
    """Judge what holding the lines costs over the program without them."""
    found = []
    for who in contestants:
        mine = [row for row in rows if row["who"] == who]
        ratios = [
            row[k]
            for row in mine
            for k in ("ratio", "cpu_ratio")
            if row.get(k) is not None
        ]
        timed = bool(ratios) and not any("at_least_s" in row for row in mine)
        said = f"{max(ratios):.1f} ×" if ratios else "no result"
        is_met = max(ratios) <= 10 if timed else False
        what = f"{who}, {mine[0]['size']:,} candidates, over the plan without"
        found.append(Aim(what, "≤ 10 ×", said, is_met))
    return found
