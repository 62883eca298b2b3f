"""Scores held against known sites: counted pair by pair, and with known answers."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from shapely import box

import siteselect as ss
from siteselect.suitability.placement import placement, wilson


def grid(score, **columns):
    """Candidates 10 km wide in a row, with a score each."""
    n = len(score)
    return gpd.GeoDataFrame(
        {"score": score, "cell_km": 10.0, "cell_shape": "square", **columns},
        geometry=gpd.points_from_xy(-100 + 0.12 * np.arange(n), np.full(n, 32.0)),
        crs=4326,
        index=[f"s{k:04d}" for k in range(n)],
    )


def pair_by_pair(value, weight, group, cases):
    """Count won pairs, ties at half, one case and one piece of land at a time."""
    found = []
    for i in cases:
        won = total = 0.0
        for j in range(len(value)):
            if group[j] == group[i]:
                total += weight[j]
                won += weight[j] * (
                    (value[i] > value[j]) + 0.5 * (value[i] == value[j])
                )
        found.append(won / total if total else np.nan)
    return np.array(found)


@st.composite
def trials(draw):
    """Draw few values so that ties are many, some excluded, some unknown."""
    n = draw(st.integers(4, 12))
    score = draw(
        st.lists(st.sampled_from([0.1, 0.3, 0.5, 0.9, np.nan]), min_size=n, max_size=n)
    )
    out = draw(st.lists(st.sampled_from(["", "", "lake"]), min_size=n, max_size=n))
    state = draw(st.lists(st.sampled_from(["TX", "OK", None]), min_size=n, max_size=n))
    people = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    known = draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=5))
    return score, out, state, people, known


@given(trials())
@settings(max_examples=25, deadline=None)
def test_every_auc_is_the_count_of_won_pairs(trial):
    score, out, state, people, known = trial
    frame = grid(score, state=state, people=np.array(people, float))
    # Unequal ground, so that land is weighted.
    frame["cell_km"] = 10.0 + 5.0 * (np.arange(len(frame)) % 3)
    frame["excluded_by"] = out
    is_out = np.array(out) != ""
    value = np.where(is_out, -np.inf, np.array(score))
    use = ~np.isnan(value)
    held = np.unique([k for k in known if use[k]]).astype(int)
    if not len(held) or use.sum() == len(held):
        with pytest.raises(ss.LayerError, match="known sites|Known sites"):
            ss.evaluate(frame, frame.index[known])
        return
    found = ss.evaluate(
        frame,
        frame.index[known],
        baselines={"people": "people"},
        population="people",
        population_bins=3,
        draws=20,
    )
    weight = np.square(frame["cell_km"].to_numpy())
    weight[held] = 0
    weight[~use] = 0
    times = np.array([known.count(k) for k in held], float)
    lone = [f"none {k}" if s is None else s for k, s in enumerate(state)]
    groups = {"land": np.zeros(len(frame)), "state": np.array(lone)}
    for name, own in (("score", value), ("people", np.array(people, float))):
        for against, group in groups.items():
            wins = pair_by_pair(own, weight, group, held)
            row = found.table.loc[(name, against)]
            seen = ~np.isnan(wins)
            assert row["known_sites"] == times[seen].sum()
            if seen.any():
                wanted = np.average(wins[seen], weights=times[seen])
                assert row["auc"] == pytest.approx(wanted, abs=1e-12)
                assert not row["auc_low"] > row["auc"] + 1e-12
                assert not row["auc_high"] < row["auc"] - 1e-12


@given(trials(), st.floats(0.01, 1))
@settings(max_examples=25, deadline=None)
def test_the_area_under_the_curve_is_the_auc(trial, share):
    score, _, _, people, known = trial
    value = np.nan_to_num(np.array(score)) + np.array(people)
    weight = 1.0 + np.arange(len(value))
    held = np.unique(known)
    weight[held] = 0
    if not weight.any():
        return
    found = placement(value, weight, np.zeros(len(value), dtype=int), held)
    ends = np.unique(np.concatenate([[0, 1], found.better, found.better + found.tied]))
    ends = ends[ends <= 1]
    # Straight between the ends, but for jumps at those who tie with nobody.
    eps = 1e-9
    points = np.unique(np.clip(np.concatenate([ends - eps, ends, ends + eps]), 0, 1))
    curve = [np.mean(found.within(p)) for p in points]
    assert np.trapezoid(curve, points) == pytest.approx(found.wins.mean(), abs=1e-6)
    # What is in the best share is in a larger one, and all is in all of it.
    assert (found.within(share) <= found.within(1.0)).all()
    assert (found.within(1.0) == 1).sum() >= (found.better < 1).sum()


def test_sites_drawn_by_their_score_give_two_thirds():
    # So many candidates that taking out those with a known site tells little.
    rng = np.random.default_rng(3)
    n = 20_000
    score = (np.arange(n) + 0.5) / n
    known = rng.choice(n, 300, p=score / score.sum())
    frame = grid(score).drop(columns=["cell_km", "cell_shape"])
    found = ss.evaluate(frame, frame.index[known], level=0.999)
    row = found.table.loc[("score", "land")]
    assert row["auc"] == pytest.approx(2 / 3, abs=0.05)
    assert row["auc_low"] < 2 / 3 < row["auc_high"]
    # The best share x of the land holds 1 - (1 - x)² of such sites.
    best = found.shares.loc[("score", "land")]
    for percent, own in best.iterrows():
        x = percent / 100
        assert own["share_low"] <= 1 - (1 - x) ** 2 <= own["share_high"]
        assert own["lift"] == pytest.approx(own["share"] / x)


def covered(seed, n_known):
    rng = np.random.default_rng(seed)
    frame = grid(rng.uniform(size=400))
    known = rng.choice(400, n_known, replace=False)
    found = ss.evaluate(frame, frame.index[known], draws=500, rng=seed)
    row = found.table.loc[("score", "land")]
    five = found.shares.loc[("score", "land", 5)]
    return (
        row["auc_low"] <= 0.5 <= row["auc_high"],
        five["share_low"] <= 0.05 <= five["share_high"],
    )


@pytest.mark.soak
@pytest.mark.parametrize("n_known", [12, 40])
def test_intervals_of_sites_drawn_at_random_cover_chance(n_known):
    share = np.mean([covered(seed, n_known) for seed in range(250)], axis=0)
    assert (share >= 0.90).all(), share


def test_an_excluded_known_site_is_a_miss_and_an_unknown_one_is_named():
    frame = grid([0.9, 0.8, 0.7, np.nan, np.nan, 0.1])
    frame["excluded_by"] = ["", "", "", "lake", "", ""]
    found = ss.evaluate(frame, ["s0000", "s0003", "s0004"])
    assert found.sites["status"].tolist() == [
        "counted",
        "excluded: a miss",
        "unknown there",
    ]
    assert found.sites["beats"].fillna(-1).tolist() == [1.0, 0.0, -1.0]
    assert found.table.loc[("score", "land"), "auc"] == 0.5
    assert found.shares.loc[("score", "land", 20), "share"] == 0.5
    said = found.summary()
    assert "1 known sites (s0004): a figure is unknown there" in said
    assert "1 known sites (s0003): excluded land, counted as misses" in said
    assert "16.7 % of the land is kept out: the score unknown there" in said


def test_a_known_site_belongs_to_the_cell_that_holds_it_or_to_the_nearest_in_reach():
    frame = grid([0.9, 0.5, 0.1])
    lat = 32 + 8 / 110.9  # 3 km north of the edge of a cell of 10 km
    known = gpd.GeoDataFrame(
        {"name": ["inside", "beside", "far"]},
        geometry=gpd.points_from_xy([-99.99, -99.88, -99.76], [32.01, lat, 34]),
        crs=4326,
        index=["inside", "beside", "far"],
    ).to_crs(5070)
    found = ss.evaluate(frame, known, within_km=5)
    assert found.sites["candidate"].tolist()[:2] == ["s0000", "s0001"]
    assert found.sites["candidate"].isna().tolist() == [False, False, True]
    assert found.sites["distance_km"].iloc[0] == 0
    assert found.sites["distance_km"].iloc[1] == pytest.approx(3, abs=0.05)
    assert "1 known sites (far): no candidate within reach" in found.summary()
    less = ss.evaluate(frame, known, within_km=2)
    assert (less.sites["status"] == "no candidate").sum() == 2
    # Polygons hold what lies in them; places without ground take the nearest.
    squares = frame.set_geometry(
        [box(-100.05 + 0.12 * k, 31.9, -99.94 + 0.12 * k, 32.05) for k in range(3)],
        crs=4326,
    ).drop(columns=["cell_km", "cell_shape"])
    assert ss.evaluate(squares, known).sites["candidate"].iloc[0] == "s0000"
    bare = frame.drop(columns=["cell_km", "cell_shape"])
    there = ss.evaluate(bare, known, within_km=5)
    assert there.sites["candidate"].isna().tolist() == [False, True, True]
    assert "each counts as much" in there.summary()


def test_a_candidate_of_twice_the_ground_is_two():
    one = grid([0.9, 0.6, 0.4, 0.2])
    one["cell_km"] = [10.0, 10.0, 10.0 * np.sqrt(2), 10.0]
    two = grid([0.9, 0.6, 0.4, 0.4, 0.2])
    a = ss.evaluate(one, ["s0001"], best_percent=[10, 50])
    b = ss.evaluate(two, ["s0001"], best_percent=[10, 50])
    pd.testing.assert_frame_equal(a.table, b.table)
    pd.testing.assert_frame_equal(a.shares, b.shares)


def test_matching_by_population_takes_population_out():
    people = np.repeat([1.0, 10, 100, 1000], 50)
    rng = np.random.default_rng(1)
    frame = grid(people + 0.0, people=people)
    known = rng.choice(200, 30, p=people / people.sum(), replace=False)
    table = ss.evaluate(
        frame, frame.index[known], population="people", population_bins=4
    ).table["auc"]
    assert table["score", "land"] > 0.8
    assert table["score", "population"] == 0.5


def test_the_order_of_rows_and_of_known_sites_changes_nothing():
    rng = np.random.default_rng(5)
    frame = grid(rng.uniform(size=60).round(1), state=rng.choice(["TX", "OK"], 60))
    known = frame.index[rng.choice(60, 15)]
    here = ss.evaluate(frame, known, baselines={"west": -frame.geometry.x})
    moved = frame.sample(frac=1, random_state=1)
    there = ss.evaluate(moved, known[::-1], baselines={"west": -moved.geometry.x})
    pd.testing.assert_frame_equal(here.table, there.table)
    pd.testing.assert_frame_equal(here.shares, there.shares)
    pd.testing.assert_frame_equal(here.curves, there.curves)


def test_the_better_of_two_is_ahead_by_an_interval_of_the_same_draws():
    rng = np.random.default_rng(2)
    truth = rng.uniform(size=500)
    known = np.argsort(-truth)[:40]
    frame = grid(truth, noise=rng.uniform(size=500))
    found = ss.evaluate(
        frame,
        frame.index[known],
        baselines={"noise": "noise", "itself": ss.Column("score")},
    )
    noise = found.table.loc[("noise", "land")]
    assert noise["score_ahead_low"] > 0
    itself = found.table.loc[("itself", "land")]
    assert itself[["score_ahead", "score_ahead_low", "score_ahead_high"]].eq(0).all()
    assert found.shares.loc[("score", "land", 5), "lift"] == pytest.approx(20)
    said = found.summary()
    assert "Beside noise, random land" in said
    assert "a win" in said
    assert "no difference can be told" in said
    assert "no land in the same state" in said
    assert "AUC" in found._repr_html_()


def test_all_equally_well_does_not_mean_certain():
    frame = grid(np.linspace(1, 0, 100))
    row = ss.evaluate(frame, frame.index[:4]).table.loc[("score", "land")]
    assert row["auc"] == row["auc_high"] == 1
    assert row["auc_low"] == pytest.approx(wilson(1.0, 4, 0.95)[0])
    one = ss.evaluate(frame, frame.index[:1]).table.loc[("score", "land")]
    assert np.isnan(one["auc_low"])


@given(st.integers(1, 80), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_that_of_scipy(n, part, level):
    k = round(part * n)
    wanted = binomtest(k, n).proportion_ci(level, method="wilson")
    assert wilson(k / n, n, level) == pytest.approx(tuple(wanted), abs=1e-12)


def test_layers_bring_the_two_plain_factors():
    layers = ss.datasets.load_all("Rhode Island")
    area = ss.datasets.region("Rhode Island")
    sites = ss.grid_candidates(area, spacing_km=8)
    sites["score"] = np.linspace(0, 1, len(sites))
    cities = layers["cities"]
    known = cities[cities["state"] == "RI"].geometry.iloc[:6]
    found = ss.evaluate(sites, known, layers=layers, population_bins=3, within_km=1)
    assert found.table.index.get_level_values("factor").unique().tolist() == [
        "score",
        "population within 50 km",
        "nearness to a substation",
    ]
    near = ss.Nearest(layers["substations"])(sites)
    again = ss.evaluate(
        sites, known, layers=layers, baselines={"near": -near}, population_bins=3
    )
    own = again.table.loc["near"]
    theirs = again.table.loc["nearness to a substation"]
    pd.testing.assert_frame_equal(own, theirs)


@pytest.mark.parametrize(
    ("change", "noun"),
    [
        ({"known_sites": []}, "empty list"),
        ({"known_sites": ["x9"]}, "'x9'"),
        ({"known_sites": 7}, "Found 7"),
        ({"background": "planet"}, "planet"),
        ({"background": "state"}, "column 'state'"),
        ({"background": ["population"]}, "population of each"),
        ({"score": "scor"}, "Did you mean 'score'"),
        ({"best_percent": (0, 5)}, "best_percent"),
        ({"within_km": -1}, "within_km"),
        ({"level": 95}, "level=95"),
        ({"draws": 0}, "draws=0"),
        ({"rng": "x"}, "rng='x'"),
        ({"baselines": {"score": "score"}}, "named 'score'"),
        ({"baselines": {"odd": 3}}, "'odd'"),
        ({"baselines": {"odd": pd.Series([1.0])}}, "another index"),
        ({"population": "score", "population_bins": 0}, "population_bins=0"),
    ],
)
def test_what_cannot_be_used_is_named(change, noun):
    arguments = {"known_sites": ["s0000"]} | change
    with pytest.raises(ss.SiteSelectError, match=noun):
        ss.evaluate(grid([0.5, 0.4, 0.3]), **arguments)


def test_known_sites_without_a_crs_are_refused():
    scored = grid([0.5, 0.4, 0.3, 0.2])
    places = scored.geometry.iloc[[0, 1]]
    bare = gpd.GeoSeries(list(places))
    asked = [
        lambda known: ss.evaluate(scored, known),
        lambda known: ss.audit_criteria(world()[0], known),
    ]
    for known in (bare, gpd.GeoDataFrame(geometry=bare)):
        for ask in asked:
            with pytest.raises(ss.CRSError, match="the known sites"):
                ask(known)
    with pytest.raises(ss.CRSError):
        ss.evaluate(scored.set_crs(None, allow_override=True), places)


# ------------------------------------------------------------------------ audit


def world(n=600, seed=4, **more):
    """Signal, its twin, noise and a constant; known where the signal is strong."""
    rng = np.random.default_rng(seed)
    signal = rng.uniform(size=n)
    frame = grid(np.zeros(n), signal=signal, noise=rng.uniform(size=n), same=0.5)
    frame = frame.drop(columns="score")
    known = rng.choice(n, 60, p=signal**4 / (signal**4).sum(), replace=False)
    criteria = [
        ss.Criterion("signal", ss.Column("signal"), ss.Rising(0, 1), weight=2),
        ss.Criterion("noise", ss.Column("noise"), ss.Rising(0, 1), weight=1),
        ss.Criterion("same", ss.Column("same"), ss.Rising(0, 1), weight=1),
    ]
    return ss.score_sites(frame, criteria, **more), frame.index[known], criteria


def test_signal_earns_its_place_and_noise_and_a_constant_do_not():
    scored, known, criteria = world()
    found = ss.audit_criteria(scored, known)
    table = found.table
    assert table["verdict"].to_dict() == {
        "signal": "earns its place",
        "noise": "cannot be told from none",
        "same": "cannot be told from none",
    }
    assert table["includes_zero"].tolist() == [False, True, True]
    assert table.loc["same", ["loss", "loss_low", "loss_high"]].eq(0).all()
    evaluated = ss.evaluate(scored, known).table.loc[("score", "land"), "auc"]
    assert found.auc == evaluated
    alone = ss.evaluate(scored, known, score="signal_value")
    assert table.loc["signal", "auc_alone"] == pytest.approx(alone.table["auc"].iloc[0])
    # Without the noise the score ranks as the signal does.
    assert table.loc["noise", "auc_without"] == pytest.approx(
        alone.table["auc"].iloc[0]
    )
    # Rising from 0 to 1 by data in [0, 1]: a quarter down cuts off the best.
    assert table.loc["signal", "bounds_down"] < 0
    assert table.loc["same", ["bounds_down", "bounds_up"]].eq(0).all()
    again = ss.audit_criteria(scored, known, criteria)
    pd.testing.assert_frame_equal(table, again.table)
    assert "noise (weight 0.25): loss" in found.summary()
    assert "<table>" in found._repr_html_()


def judged(seed, **weights):
    """Return the audit of criteria of which it is known what they say."""
    rng = np.random.default_rng(seed)
    n = 900
    good, other = rng.uniform(size=n), rng.uniform(size=n)
    frame = grid(
        np.zeros(n),
        good=good,
        twin=good,
        other=other,
        noise=rng.uniform(size=n),
        anti=1 - 0.9 * good,
    ).drop(columns="score")
    chance = (good + 0.7 * other) ** 5
    known = frame.index[rng.choice(n, 80, p=chance / chance.sum(), replace=False)]
    criteria = [
        ss.Criterion(name, ss.Column(name), ss.Rising(0, 1), weight=weight)
        for name, weight in weights.items()
    ]
    return ss.audit_criteria(ss.score_sites(frame, criteria), known).table


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("weights", "verdicts"),
    [
        (
            {"good": 1, "other": 1, "noise": 0.5},
            ["earns its place", "earns its place", "cannot be told from none"],
        ),
        # Shuffled, what speaks against the sites is noise in the score: no merit.
        (
            {"good": 1, "anti": 1},
            ["earns its place", "speaks against the known sites"],
        ),
        (
            {"good": 1, "twin": 1},
            ["may repeat the others"] * 2,
        ),
        # Alone, it is compared with chance.
        ({"good": 1}, ["earns its place"]),
        ({"anti": 1}, ["speaks against the known sites"]),
        ({"noise": 1}, ["cannot be told from none"]),
        ({"good": 1, "other": 0}, ["earns its place", "cannot be told from none"]),
    ],
)
def test_a_verdict_needs_that_the_score_is_worse_without(seed, weights, verdicts):
    table = judged(seed, **weights)
    assert table["verdict"].tolist() == verdicts
    without = table["auc_without"].fillna(0.5)
    gain = table["gain"] + without
    np.testing.assert_allclose(gain, gain.iloc[0], atol=1e-12)
    earns = table["verdict"] == "earns its place"
    assert (table.loc[earns, ["loss_low", "gain_low"]] > 0).all(axis=None)
    if list(weights) == ["good", "anti"]:
        assert table.loc["anti", "loss_low"] > 0
        np.testing.assert_allclose(table.loc["anti", "gain"], 0, atol=1e-9)


def test_a_weak_criterion_of_too_much_weight_is_better_left_out():
    rng = np.random.default_rng(0)
    n = 1500
    good, weak = rng.uniform(size=n), rng.uniform(size=n)
    frame = grid(np.zeros(n), good=good, weak=weak).drop(columns="score")
    chance = good**6 * (1 + 0.8 * weak)
    known = frame.index[rng.choice(n, 150, p=chance / chance.sum(), replace=False)]
    criteria = [
        ss.Criterion("good", ss.Column("good"), ss.Rising(0, 1), weight=1),
        ss.Criterion("weak", ss.Column("weak"), ss.Rising(0, 1), weight=2),
    ]
    row = ss.audit_criteria(ss.score_sites(frame, criteria), known).table.loc["weak"]
    assert row["loss_low"] > 0
    assert row["gain_high"] < 0
    assert row["verdict"] == "the score is better without it"


def test_shuffling_the_only_criterion_leaves_chance():
    scored, known, criteria = world()
    only = ss.score_sites(scored, criteria[:1])
    found = ss.audit_criteria(only, known, permutations=200)
    assert found.auc - found.table.loc["signal", "loss"] == pytest.approx(0.5, abs=0.02)
    assert np.isnan(found.table.loc["signal", "auc_without"])


@pytest.mark.parametrize("aggregate", [ss.Minimum(), ss.GeometricMean()])
def test_any_aggregate_is_audited_as_it_was_scored(aggregate):
    scored, known, _ = world(aggregate=aggregate)
    found = ss.audit_criteria(scored, known, permutations=10, draws=200)
    evaluated = ss.evaluate(scored, known).table.loc[("score", "land"), "auc"]
    assert found.auc == pytest.approx(evaluated, abs=1e-12)


def test_values_are_shuffled_within_the_background():
    scored, known, _ = world()
    scored["state"] = np.where(scored["signal"] > 0.5, "TX", "OK")
    inside = ss.audit_criteria(scored, known, background="state", permutations=10)
    across = ss.audit_criteria(scored, known, permutations=10)
    assert inside.table.loc["signal", "loss"] < across.table.loc["signal", "loss"]


def test_an_audit_says_what_it_needs():
    scored, known, _ = world()
    with pytest.raises(ss.StudyError, match="one kind of land"):
        ss.audit_criteria(scored, known, background=["land", "state"])
    with pytest.raises(ss.StudyError, match="population of each"):
        ss.audit_criteria(scored, known, background="population")
    scored.attrs = {}
    with pytest.raises(ss.LayerError, match="no criteria"):
        ss.audit_criteria(scored, known)


@pytest.mark.soak
def test_a_criterion_of_noise_is_seldom_said_to_earn_its_place():
    said = [
        ss.audit_criteria(
            *world(400, seed)[:2], permutations=20, draws=400, rng=seed
        ).table.loc["noise", "includes_zero"]
        for seed in range(150)
    ]
    assert np.mean(said) >= 0.88, np.mean(said)
