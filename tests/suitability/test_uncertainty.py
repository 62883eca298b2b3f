"""Ranks under shaken weights and figures, against plain counting."""

from __future__ import annotations

import subprocess
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import SOAK, examples

from siteselect.errors import LayerError, MissingDependencyError, StudyError
from siteselect.suitability import (
    Categories,
    Column,
    Criterion,
    NormalError,
    Rising,
    TriangularError,
    UniformError,
    Where,
    rank_intervals,
    rank_sensitivity,
    score_sites,
    uncertainty,
    weight_stability,
)


def world(n, weights=(3, 2, 1, 0), seed=0, levels=None):
    """Candidates with a column per criterion; every tenth lacks a figure."""
    rng = np.random.default_rng(seed)
    figures = {f"c{j}": rng.random(n) for j in range(len(weights))}
    if levels:
        figures = {name: (x * levels).round() / levels for name, x in figures.items()}
    points = gpd.points_from_xy(rng.random(n), rng.random(n))
    sites = gpd.GeoDataFrame(figures, geometry=points, crs=4326)
    sites.index = pd.Index([f"s{i}" for i in rng.permutation(n)], name="site")
    if n > 9:
        sites.loc[sites.index[::10], "c0"] = np.nan
        sites.loc[sites.index[5::10], f"c{len(weights) - 1}"] = np.nan
    criteria = [
        Criterion(f"c{j}", Column(f"c{j}"), Rising(0, 1), weight=w)
        for j, w in enumerate(weights)
    ]
    rules = [Where("c1", above=0.99)]
    return sites, criteria, score_sites(sites, criteria, exclude=rules)


def ranks_by_hand(score):
    """Rank from 1, equal scores sharing the better one."""
    return (-score).rank(method="min")


def test_counts_equal_those_of_all_ranks_held(monkeypatch):
    _, criteria, scored = world(60, levels=4)
    draws = 120
    # Several passes, blocks that do not divide the draws.
    for name, size in (("_SCORES", 300), ("_RANKS", 60 * 7), ("_COUNTS", 60 * 3 * 16)):
        monkeypatch.setattr(uncertainty, name, size)
    table = rank_intervals(
        scored, criteria, best=5, draws=draws, level=0.8, concentration=9, rng=4
    )
    # The same weights, drawn by the same recipe; everything else by hand.
    w = np.array([3, 2, 1]) / 6
    drawn = np.random.default_rng(4).dirichlet(9 * w, draws)
    values = scored[[f"c{j}_value" for j in range(3)]]
    known = scored["score"].notna()
    held = []
    for row in drawn:
        score = sum(row[j] * values[f"c{j}_value"] for j in range(3))
        held.append(ranks_by_hand(score[known]))
    held = pd.concat(held, axis=1)
    assert table["rank"].dropna().equals(ranks_by_hand(scored["score"]).dropna())
    for column, share in (("low", 0.1), ("median", 0.5), ("high", 0.9)):
        wanted = np.quantile(held, share, axis=1, method="inverted_cdf")
        assert table.loc[known, f"rank_{column}"].tolist() == wanted.tolist()
    assert table.loc[known, "rank_mean"].to_numpy() == pytest.approx(held.mean(axis=1))
    assert table.loc[known, "p_best"].tolist() == (held <= 5).mean(axis=1).tolist()
    assert table[~known].isna().all().all()
    assert known.sum() < len(scored)
    # Ties at the fifth place would leave the set open; here there is none.
    best = scored["score"].nlargest(5).index
    stay = (held.loc[best] <= 5).sum()
    assert table.attrs["kept"] == pytest.approx(stay.mean() / 5)
    assert table.attrs["set_kept"] == pytest.approx((stay == 5).mean())


def test_rows_in_any_order_and_blocks_of_any_size_give_the_same(monkeypatch):
    sites, criteria, _ = world(50, seed=2)
    errors = {"c0": NormalError(0.1), "c2": lambda raw, rng: raw + rng.random(len(raw))}
    ask = {"draws": 60, "best": 4, "errors": errors, "rng": 7}
    one = rank_intervals(score_sites(sites, criteria), criteria, **ask)
    monkeypatch.setattr(uncertainty, "_SCORES", 170)
    mixed = sites.sample(frac=1, random_state=3)
    two = rank_intervals(score_sites(mixed, criteria), criteria, **ask)
    pd.testing.assert_frame_equal(one, two.loc[one.index], check_exact=True)
    assert one.attrs == two.attrs
    other = rank_intervals(score_sites(sites, criteria), criteria, **ask | {"rng": 8})
    assert not one.equals(other)
    # Candidates without a score do not take part: leaving them out changes nothing.
    known = sites[one["rank"].notna()]
    few = rank_intervals(score_sites(known, criteria), criteria, **ask)
    pd.testing.assert_frame_equal(few, one.loc[few.index])


def test_what_nothing_shakes_stays():
    _, criteria, scored = world(40)
    table = rank_intervals(
        scored, criteria, draws=5, concentration=None, errors={"c0": NormalError(0)}
    )
    for column in ("rank_low", "rank_median", "rank_high", "rank_mean"):
        assert table[column].equals(table["rank"].rename(column))
    assert table.attrs["kept"] == table.attrs["set_kept"] == 1


@pytest.mark.parametrize(
    ("model", "mean", "sd"),
    [
        (NormalError(2.0), 0, 2),
        (NormalError(0.2, relative=True), 0, 20),
        (UniformError(3.0), 0, 3 / np.sqrt(3)),
        (UniformError(0.1, relative=True), 0, 10 / np.sqrt(3)),
        (TriangularError(-1, 0, 4), 1, np.sqrt((1 + 16 + 4) / 18)),
        (TriangularError(0, 0, 0.3, relative=True), 10, np.sqrt(900 / 18)),
    ],
)
def test_errors_have_the_moments_of_their_distributions(model, mean, sd):
    raw = np.full(200_000, 100.0)
    off = model(raw, np.random.default_rng(0)) - raw
    assert off.mean() == pytest.approx(mean, abs=5 * sd / np.sqrt(len(raw)))
    assert off.std() == pytest.approx(sd, rel=0.01)
    shares = np.linspace(0.01, 0.99, 9)
    offsets = model.shifted(raw[:9], model.ppf(shares)) - raw[:9]
    assert offsets == pytest.approx(np.quantile(off, shares), abs=sd / 40)


def test_weights_spread_as_told():
    names = ("a", "b")
    sites = gpd.GeoDataFrame(
        {"a": [1.0, 0.0], "b": [0.0, 1.0]},
        geometry=gpd.points_from_xy([0, 1], [0, 0]),
        crs=4326,
    )
    criteria = [
        Criterion(n, Column(n), Rising(0, 1), weight=w)
        for n, w in zip(names, (6, 4), strict=True)
    ]
    table = rank_intervals(score_sites(sites, criteria), best=1, concentration=20)
    # P(weight of a > 1/2) under Beta(12, 8).
    assert table["p_best"].iloc[0] == pytest.approx(0.8204, abs=0.015)


# ------------------------------------------------------------------ stability


def scanned(scored, names, weights, c, k, chosen, steps):
    """Return the range of a weight around its own in which the set is the best."""
    values = scored[[f"{n}_value" for n in names]].to_numpy()
    rest = weights.copy()
    rest[c] = 0
    rest = values @ (rest / rest.sum())
    t = np.linspace(0, 1, steps + 1)
    score = t * values[:, [c]] + (1 - t) * rest[:, None]
    least = score[chosen].min(axis=0)
    others = np.delete(score, chosen, axis=0)
    good = (
        least >= others.max(axis=0) - 1e-12
        if len(others)
        else np.ones_like(t, dtype=bool)
    )
    at = int(np.argmin(np.abs(t - weights[c])))
    low = high = at
    while low > 0 and good[low - 1]:
        low -= 1
    while high < steps and good[high + 1]:
        high += 1
    return t[low], t[high]


def check_stability(n, c, k, seed, levels, steps=4000):
    rng = np.random.default_rng(seed)
    weights = rng.integers(1, 6, c).astype(float)
    _, criteria, scored = world(n, tuple(weights), seed, levels)
    scored = scored[scored["score"].notna()]
    k = min(k, len(scored))
    if not k:
        return
    table = weight_stability(scored, criteria, best=k)
    names, w = [x.name for x in criteria], weights / weights.sum()
    chosen = scored.index.get_indexer(table.attrs["set"])
    assert len(set(chosen)) == k
    worst = scored["score"].iloc[chosen].min()
    assert (scored["score"] > worst + 1e-12).sum() < k
    assert table["weight"].to_numpy() == pytest.approx(w)
    for j, name in enumerate(names):
        low, high = scanned(scored, names, w, j, k, chosen, steps)
        row = table.loc[name]
        assert row["lowest"] == pytest.approx(low, abs=2 / steps)
        assert row["highest"] == pytest.approx(high, abs=2 / steps)
        for end, side in ((row["lowest"], "below"), (row["highest"], "above")):
            leaves, enters = row[f"leaves_{side}"], row[f"enters_{side}"]
            if leaves is None:
                assert enters is None
                assert end in (0, 1)
                continue
            # At the end itself the two are level, and that is the first change.
            x = w * (1 - end) / (1 - w[j])
            x[j] = end
            value = scored.loc[[leaves, enters], [f"{m}_value" for m in names]]
            one, two = value.to_numpy() @ x
            assert one == pytest.approx(two, abs=1e-9)
            assert leaves in table.attrs["set"]
            assert enters not in table.attrs["set"]


cases = {
    "n": st.integers(2, 25),
    "c": st.integers(2, 4),
    "k": st.integers(1, 6),
    "seed": st.integers(0, 2**31),
    "levels": st.sampled_from([None, None, 8]),
}


@given(**cases)
@examples(60)
def test_ranges_of_weights_equal_those_of_a_scan(n, c, k, seed, levels):
    check_stability(n, c, k, seed, levels)


def test_scores_that_differ_by_rounding_are_equal():
    check_stability(21, 4, 2, 1074, 8)


@pytest.mark.soak
@given(**cases)
@examples(1000 * SOAK)
def test_ranges_of_weights_equal_those_of_a_scan_soak(n, c, k, seed, levels):
    check_stability(n, c, k, seed, levels)


MANY = """
import resource
import numpy as np, geopandas as gpd, siteselect as ss
rng = np.random.default_rng(0)
n = 20_000
at = gpd.points_from_xy(rng.uniform(-120, -80, n), rng.uniform(30, 45, n))
figures = {f"x{j}": rng.random(n) for j in range(8)}
sites = gpd.GeoDataFrame(figures, geometry=at, crs=4326)
criteria = [ss.Criterion(x, ss.Column(x), ss.Rising(0, 1)) for x in figures]
scored = ss.score_sites(sites, criteria)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = ss.rank_intervals(
    scored, criteria, best=50, draws=10_000, errors={"x0": ss.NormalError(0.1)}
)
more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
assert abs(found["p_best"].sum() - 50) < 1e-6
print(more / 1024)
"""


@pytest.mark.soak
def test_ten_thousand_draws_on_twenty_thousand_candidates_are_never_all_held():
    done = subprocess.run(
        [sys.executable, "-c", MANY], capture_output=True, text=True, check=True
    )
    # All ranks at once would be 1,600 MB.
    assert float(done.stdout) < 400


def test_a_weight_cannot_rise_where_the_set_is_unknown():
    sites, criteria, _ = world(40, weights=(1, 1, 1, 0))
    first = score_sites(sites, criteria)["score"].idxmax()
    lacks = sites.assign(c3=sites["c3"].where(sites.index != first))
    table = weight_stability(score_sites(lacks, criteria), best=1)
    assert table.loc["c3", ["lowest", "highest"]].tolist() == [0, 0]
    alone = [criteria[0], Criterion("c1", Column("c1"), Rising(0, 1), weight=0)]
    table = weight_stability(score_sites(sites, alone), best=3)
    assert table.loc["c0", ["lowest", "highest"]].tolist() == [1, 1]


# ---------------------------------------------------------------- sensitivity


@pytest.mark.parametrize("method", ["sobol", "morris"])
def test_what_moves_the_ranking_is_told_from_what_cannot(method):
    pytest.importorskip("SALib")
    _, criteria, scored = world(80, weights=(5, 5, 1, 0), seed=3)
    # A constant criterion moves no rank, nor does the error of one.
    scored = scored.assign(c2_raw=0.5, c2_value=0.5)
    errors = {"c0": UniformError(0.6), "c2": UniformError(0.3)}
    ask = {"method": method, "n": 64, "errors": errors, "rng": 1}
    table = rank_sensitivity(scored, criteria, **ask)
    column = "total" if method == "sobol" else "mu_star"
    inputs = [f"weight: c{j}" for j in range(3)] + ["data: c0", "data: c2"]
    assert table.index.tolist() == inputs
    assert table.loc["data: c2", column] == 0
    assert table.loc["weight: c0", column] > 0.01
    assert table.loc["data: c0", column] > 0.01
    assert table.attrs["sd"] > 0
    pd.testing.assert_frame_equal(table, rank_sensitivity(scored, criteria, **ask))
    kept = rank_sensitivity(scored, criteria, **ask | {"output": "kept"})
    assert 0 < kept.attrs["mean"] <= 1


def test_nothing_to_share_out_is_zero():
    pytest.importorskip("SALib")
    _, criteria, scored = world(30)
    scored = scored.assign(c2_raw=0.5, c2_value=0.5)
    ask = {"weight_spread": 0.0, "errors": {"c2": UniformError(0.3)}, "n": 8}
    table = rank_sensitivity(scored, criteria, **ask)
    assert table.index.tolist() == ["data: c2"]
    assert (table == 0).all().all()
    with pytest.raises(StudyError, match="no errors"):
        rank_sensitivity(scored, criteria, weight_spread=0.0)


def test_what_is_asked_wrongly_is_told(monkeypatch):
    sites, criteria, scored = world(30)
    labels = sites.assign(zone="a")
    zone = [Criterion("zone", Column("zone"), Categories({"a": 1.0}))]
    zoned = score_sites(labels, zone)
    none = score_sites(sites.iloc[:1], criteria)
    bare = scored.copy()
    bare.attrs = {}
    cases = [
        (lambda: rank_intervals(scored, best=0), StudyError, "best=0"),
        (lambda: rank_intervals(scored, best=99), StudyError, "best=99"),
        (lambda: rank_intervals(scored, draws=1.5), StudyError, "draws=1.5"),
        (lambda: rank_intervals(scored, level=1), StudyError, "level=1"),
        (lambda: rank_intervals(scored, concentration=0), StudyError, "concentration"),
        (lambda: rank_intervals(scored, rng="x"), StudyError, "rng='x'"),
        (lambda: rank_intervals(sites), LayerError, "criteria"),
        (lambda: rank_intervals(bare), LayerError, "criteria"),
        (lambda: rank_intervals(none), LayerError, "has a score"),
        (
            lambda: rank_intervals(scored, errors={"c0": NormalError(1)}),
            StudyError,
            "ound no criteria",
        ),
        (
            lambda: rank_intervals(scored, criteria, errors={"c9": NormalError(1)}),
            StudyError,
            "ound 'c9'",
        ),
        (
            lambda: rank_intervals(
                scored, criteria, errors={"c0": lambda raw, rng: raw[:-1]}
            ),
            StudyError,
            "ound shape",
        ),
        (
            lambda: rank_intervals(zoned, zone, errors={"zone": NormalError(1)}),
            StudyError,
            "labels",
        ),
        (lambda: NormalError(-1), StudyError, "sd=-1"),
        (lambda: UniformError(np.inf), StudyError, "half_width=inf"),
        (lambda: TriangularError(1, 0, 2), StudyError, "likeliest"),
        (lambda: weight_stability(scored, best=True), StudyError, "best=True"),
        (lambda: rank_sensitivity(scored, method="so"), StudyError, "method='so'"),
        (lambda: rank_sensitivity(scored, n=100), StudyError, "n=100"),
        (lambda: rank_sensitivity(scored, weight_spread=1), StudyError, "spread=1"),
    ]
    for ask, error, noun in cases:
        with pytest.raises(error, match=noun):
            ask()
    monkeypatch.setitem(sys.modules, "SALib", None)
    monkeypatch.setitem(sys.modules, "SALib.sample.sobol", None)
    with pytest.raises(MissingDependencyError, match="sensitivity"):
        rank_sensitivity(scored)
