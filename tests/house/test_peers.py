"""The contestants of the benchmarks answer the same on tiny cases."""

from __future__ import annotations

import configparser
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import geopandas as gpd
import numpy as np
import pulp
import pytest
import shapely

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"
#: The module behind a contestant; the rest is siteselect's own or installed with it.
MODULE = {
    "PuLP, CBC": "pulp",
    "PuLP, HiGHS": "pulp",
    "atlite": "atlite",
    "pandapower": "pandapower",
    "pymcdm": "pymcdm",
    "pypsa": "pypsa",
    "rasterstats": "rasterstats",
    "rasterstats, all touched": "rasterstats",
    "scikit-criteria": "skcriteria",
    "xarray-spatial": "xrspatial.mcda",
}
PULP_3 = hasattr(pulp, "PULP_CBC_CMD")


@pytest.fixture
def bench() -> Iterator[Any]:
    """Import modules of the benchmarks, and leave none behind."""
    before = set(sys.modules)
    sys.path.insert(0, str(BENCHMARKS))
    yield importlib.import_module
    sys.path.remove(str(BENCHMARKS))
    for name in set(sys.modules) - before:
        path = getattr(sys.modules[name], "__file__", None)
        if path and Path(path).parent == BENCHMARKS:
            del sys.modules[name]


def needs(who: str) -> None:
    """Skip where a peer is not installed: it is no dependency."""
    if who in MODULE:
        reason = f"{MODULE[who]} is not installed: python benchmarks/peers.py"
        pytest.importorskip(MODULE[who], reason=reason, exc_type=ImportError)
    if who.startswith("PuLP") and not PULP_3:
        pytest.skip("the contestant is written for PuLP 3")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("who", ["PuLP, CBC", "PuLP, HiGHS", "HiGHS, fed arrays"])
def test_the_exact_ones_reach_the_same_objective(bench: Any, who: str) -> None:
    needs(who)
    headline = bench("headline")
    frame = headline.synthetic_sites(80, 0)
    own = headline.judged(frame, headline.CONTESTANTS["siteselect"](frame))
    other = headline.judged(frame, headline.CONTESTANTS[who](frame))
    assert own["is_feasible"]
    assert other["is_feasible"]
    assert other["objective"] == pytest.approx(own["objective"], rel=2e-4)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("order", ["score", "score per dollar", "score x MW"])
def test_ranking_and_filling_is_never_better(bench: Any, order: str, seed: int) -> None:
    headline = bench("headline")
    frame = headline.synthetic_sites(80, seed)
    own = headline.judged(frame, headline.CONTESTANTS["siteselect"](frame))
    greedy = headline.judged(frame, headline.by_rank(frame, order))
    if greedy["is_feasible"]:
        assert greedy["objective"] <= own["objective"] * (1 + 1e-4)
    else:
        # Being short of the power is all that may be wrong with it.
        assert greedy["mw"] < 600
        assert "power (" in greedy["broken"]
        assert "limit " not in greedy["broken"]


def test_the_judge_finds_what_is_wrong(bench: Any) -> None:
    headline = bench("headline")
    frame = headline.synthetic_sites(80, 0)
    answer = headline.CONTESTANTS["siteselect"](frame)
    assert headline.judged(frame, answer)["is_feasible"]
    one = next(iter(answer))
    short = {i: mw for i, mw in answer.items() if i != one}
    assert "power" in headline.judged(frame, short)["broken"]
    odd = {**answer, one: 123.0}
    assert "not offered" in headline.judged(frame, odd)["broken"]
    most = frame["score"].nlargest(6).index
    dear = headline.judged(
        frame.assign(cost_usd_per_mw=1e9), dict.fromkeys(most, 100.0)
    )
    assert "budget" in dear["broken"]


def test_close_pairs_are_those_of_the_spacing(bench: Any) -> None:
    headline = bench("headline")
    frame = headline.synthetic_sites(2_000, 0)
    pairs = set(headline.close_pairs(frame))
    assert pairs
    limits = importlib.import_module("siteselect.optimization.limits")
    compiled = headline.compile_problem(
        headline.request_of(frame, **headline.arguments(frame))
    )
    i, j = limits.Spacing(headline.KM).nearby(compiled.problem).all_pairs()
    labels = compiled.problem.frame.index
    own = {tuple(sorted((labels[a], labels[b]))) for a, b in zip(i, j, strict=True)}
    assert {tuple(sorted(pair)) for pair in pairs} == own


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "who", ["siteselect", "exactextract", "rasterstats", "rasterstats, all touched"]
)
def test_means_under_polygons(bench: Any, who: str, tmp_path: Path) -> None:
    needs(who)
    zonal = bench("zonal")
    path = zonal.raster(tmp_path, 60)
    turned = zonal.parcels(20, 60)
    left = zonal.WEST + 1000 + 700 * np.arange(5)
    top = zonal.NORTH - 1500.0
    # Along the edges of cells, a little inside: whole cells are right there too.
    aligned = gpd.GeoDataFrame(
        geometry=shapely.box(left + 1e-6, top - 300 + 1e-6, left + 400 - 1e-6, top),
        crs=turned.crs,
    )
    for zones, is_exact in ((aligned, True), (turned, who[0] != "r")):
        found = zonal.CONTESTANTS[who](path, zones)
        off = np.abs(found - zonal.exact_means(path, zones)).max()
        assert (off < 1e-3) == is_exact


def table() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "raw": rng.uniform(0, 100, (50, 4)),
        "names": np.array(list("abcd")),
        "worst": np.array([0.0, 90.0, 10.0, 100.0]),
        "best": np.array([100.0, 10.0, 80.0, 0.0]),
        "weight": np.array([0.4, 0.3, 0.2, 0.1]),
        "x": rng.uniform(-100, -90, 50),
        "y": rng.uniform(30, 40, 50),
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("who", "method"),
    [
        (who, method)
        for who in ("scikit-criteria", "pymcdm", "xarray-spatial")
        for method in ("sum", "topsis", "product")
        # It has no TOPSIS.
        if (who, method) != ("xarray-spatial", "topsis")
    ],
)
def test_scores_of_many_criteria(bench: Any, who: str, method: str) -> None:
    needs(who)
    needs("pymcdm" if method == "topsis" else who)
    mcda = bench("mcda")
    t = mcda.raised(table())
    own, other = (mcda.ask(name, method, t) for name in ("siteselect", who))
    assert np.ptp(own) > 0.1
    np.testing.assert_allclose(other, own, rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("who", ["siteselect", "atlite", "geopandas, vectors"])
def test_eligible_area(bench: Any, who: str) -> None:
    needs(who)
    exclusions = bench("exclusions")
    layers = exclusions.drawn(8000.0)
    exact = exclusions.exact_km2(layers)
    area = layers["area"].area.sum() / 1e6
    assert 0.05 * area < exact < 0.95 * area
    found = exclusions.CONTESTANTS[who](layers, 50.0)
    assert found == pytest.approx(exact, rel=0.01)


@pytest.mark.skipif(not PULP_3, reason="the contestants are written for PuLP 3")
@pytest.mark.filterwarnings("ignore")
def test_what_tools_say_of_planted_conflicts(bench: Any) -> None:
    conflicts = bench("conflicts")
    for case in conflicts.CASES:
        said = conflicts.answers(case)
        for solver in ("PuLP, CBC", "PuLP, HiGHS"):
            can_be = said[solver].startswith("optimal")
            assert can_be == (said["truth"] == "can be"), (case, said)
        if said["truth"] == "can be":
            own, other = (said[k].split()[-1] for k in ("siteselect", "PuLP, HiGHS"))
            assert own == other
        else:
            assert "clash (smallest)" in said["siteselect"], (case, said)
    for case in conflicts.TRUST:
        said = conflicts.answers(case)
        assert "optimal" in said["siteselect"]
        assert "optimal" in said["PuLP, HiGHS"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("who", ["siteselect", "pypsa", "pandapower"])
def test_flows_in_a_ring(bench: Any, who: str) -> None:
    needs(who)
    powerflow = bench("powerflow")
    solve = powerflow.CONTESTANTS[who](powerflow.RING)
    # Two thirds take the short way; each answer keeps when the next one comes.
    first = solve(np.array([90.0, 0.0, -90.0]))
    second = solve(np.array([0.0, 30.0, -30.0]))
    np.testing.assert_allclose(first, [30, 30, 60], atol=1e-6)
    np.testing.assert_allclose(second, [-10, 20, 10], atol=1e-6)


def test_lines_are_those_of_the_code(bench: Any) -> None:
    contest = bench("contest")

    def asked(x: int) -> int:
        """Return more.

        Not counted.
        """
        # Not counted either.
        x += 1

        return x

    assert contest.lines_of(asked) == 2


def listed(path: Path) -> list[str]:
    lines = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
    return [line for line in lines if line]


def test_peers_are_pinned_and_no_dependencies() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    needed = re.findall(r"^[\w-]+", setup["options"]["install_requires"], re.MULTILINE)
    lists = sorted(BENCHMARKS.glob("peers*.txt"))
    assert len(lists) == 3
    pinned = [line.split("==") for path in lists for line in listed(path)]
    assert all(len(parts) >= 2 for parts in pinned)
    shared = {parts[0].lower() for parts in pinned} & {n.lower() for n in needed}
    # These two siteselect itself is built on, and they are asked alone as well.
    assert shared == {"exactextract", "pulp"}


def test_every_section_has_its_place_on_the_page(bench: Any) -> None:
    side: ModuleType = bench("side")
    page = (BENCHMARKS / "README.md").read_text()
    for name in side.SECTIONS:
        assert f"| `{name}` |" in page
        assert f"<!-- {name} -->" in page
