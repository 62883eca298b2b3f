"""`Deliverable` against brute force over dense flows, which share no code with it."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optimization.grid_worlds import (
    CUTOFF,
    World,
    brute_force,
    candidates,
    dense_flows,
    injections,
    line_of_three,
    random_world,
    splits,
)
from strategies import SOAK, examples

import siteselect as ss
from siteselect.infrastructure.grid import applied
from siteselect.optimization import deliverable as module
from siteselect.optimization import incumbents
from siteselect.optimization._compile import Request, compile_problem
from siteselect.optimization.priceout import PriceOut


@pytest.mark.parametrize("with_outages", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_plan_is_the_best_of_all_choices(
    seed: int, with_outages: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare_with_brute_force(seed, with_outages, monkeypatch)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(6, 6 + 60 * SOAK))
def test_plan_is_the_best_of_all_choices_many_times(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare_with_brute_force(seed, True, monkeypatch)


def compare_with_brute_force(
    seed: int, with_outages: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = random_world(seed)
    if not with_outages:
        world.outages = []
    sizes = (15.0, 50.0)
    limit = ss.Deliverable(world.network, outages=world.outages)
    best = brute_force(world, sizes, CUTOFF)
    # All rows written out, then each only once it is broken, solved either way.
    for most, method in ((4000, "full"), (0, "full"), (0, "priceout")):
        monkeypatch.setattr(module, "MOST_ROWS", most)
        plan = ss.optimize_sites(
            world.sites, site_mw=list(sizes), limits=[limit], method=method, gap=0.0
        )
        assert plan.objective == pytest.approx(best, abs=1e-6)
        assert plan.status == "optimal"
        assert plan.verify()["passed"].all()
        assert best == 0 or set(plan.limits["limit"]) == {"deliverable"}


@pytest.mark.parametrize("seed", range(4))
def test_without_relief_the_plan_holds_whoever_draws(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare_without_relief(seed, monkeypatch)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4, 4 + 40 * SOAK))
def test_without_relief_the_plan_holds_whoever_draws_many_times(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare_without_relief(seed, monkeypatch)


def compare_without_relief(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world = random_world(seed)
    if seed % 2:
        world.outages = []
    sizes = (15.0, 50.0)
    limit = ss.Deliverable(world.network, outages=world.outages, relief=False)
    best = brute_force(world, sizes, CUTOFF, relief=False)
    assert best <= brute_force(world, sizes, CUTOFF)
    for most, method in ((4000, "full"), (0, "priceout")):
        monkeypatch.setattr(module, "MOST_ROWS", most)
        plan = ss.optimize_sites(
            world.sites, site_mw=list(sizes), limits=[limit], method=method, gap=0.0
        )
        assert plan.objective == pytest.approx(best, abs=1e-6)
        assert plan.verify()["passed"].all()


def across_a_line() -> tuple[ss.grid.Network, gpd.GeoDataFrame]:
    """Return two buses, a line of 100 MW, generation at both, and a site at each."""
    network = ss.grid.Network.from_tables(
        pd.DataFrame({"bus": ["W", "E"], "base_kv": 230.0, "load_mw": 0.0}),
        pd.DataFrame(
            {
                "branch": ["m"],
                "from_bus": ["W"],
                "to_bus": ["E"],
                "x_pu": [0.1],
                "rating_mva": [100.0],
            }
        ),
        pd.DataFrame({"bus": ["W", "E"], "p_mw": 0.0, "p_max_mw": 1000.0}),
    )
    sites = gpd.GeoDataFrame(
        {
            "score": [0.9, 0.8],
            "bus": ["W", "E"],
            "solar_cf": 0.25,
            "price_usd_per_mwh": 66.0,
            "carbon_kg_per_mwh": 400.0,
        },
        geometry=gpd.points_from_xy([-100, -99], [32, 32]),
        crs=4326,
    )
    return network, sites


def test_plants_beside_sites_end_relief() -> None:
    network, sites = across_a_line()
    grid = ss.Deliverable(network)
    # Each would push 150 MW over the line; both push nothing while both draw all.
    both = ss.optimize_sites(sites, site_mw=[300], limits=[grid])
    assert len(both.sites) == 2
    days = ss.Profiles.typical_days(sites, "solar_cf")
    options = ss.supply_options(sites, days, cfe=[0, 0.8], energy=8760)
    supply = ss.Supply("supply", options, profiles=days, cfe=0.5)
    sizes = [200, 300]
    plan = ss.optimize_sites(sites, site_mw=sizes, limits=[grid, supply])
    assert plan.sites["mw"].to_dict() == {0: 200.0, 1: 200.0}
    assert plan.verify()["passed"].all()
    # Hour by hour: what the sites draw from the grid, whichever plants they have.
    run = supply.dispatch(plan.sites, plan.draws)
    drawn = run.bought + run.unserved
    flow = (drawn[1] - drawn[0]) / 2
    assert np.abs(flow).max() <= 100.0 + 1e-6
    line = plan.powerflow().loc["m"]
    assert (line["flow_after_mw"], line["used_mw"]) == pytest.approx((0.0, 100.0))
    # Options without plants always draw: relief stays.
    cheap = sites.assign(price_usd_per_mwh=1.0)
    bought = ss.supply_options(cheap, days, cfe=[0], energy=8760)
    plain = ss.Supply("supply", bought, profiles=days)
    assert not plain.has_plants
    assert len(ss.optimize_sites(sites, site_mw=[300], limits=[grid, plain]).sites) == 2
    asked = ss.Deliverable(network, relief=True)
    assert asked.counts_relief
    assert not ss.Deliverable(network, relief=np.False_).counts_relief
    free = ss.optimize_sites(sites, site_mw=[300], limits=[asked, supply])
    assert len(free.sites) == 2


def test_relief_is_yes_no_or_left_open() -> None:
    network, _ = across_a_line()
    with pytest.raises(ss.SiteSelectError, match="relief='no'"):
        ss.Deliverable(network, relief="no")
    assert "without relief" in repr(ss.Deliverable(network, relief=False))


@given(seed=st.integers(0, 2**32 - 1), cutoff=st.sampled_from([0.0, 0.05, 0.3]))
@examples(8)
def test_continuous_sizes_fill_a_line_and_no_more(seed: int, cutoff: float) -> None:
    world = random_world(seed)
    limit = ss.Deliverable(world.network, outages=world.outages, cutoff=cutoff)
    plans = []
    for most in (4000, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "MOST_ROWS", most)
            plan = ss.optimize_sites(
                world.sites, site_mw=[(0, 90)], limits=[limit], gap=1e-7
            )
            plan.verify()
        plans.append(plan.objective)
    assert plans[0] == pytest.approx(plans[1], rel=1e-6, abs=1e-6)


@given(seed=st.integers(0, 2**32 - 1))
@examples(8)
def test_one_site_alone_may_take_the_hosting_capacity_of_its_bus(seed: int) -> None:
    world = random_world(seed, n_sites=1)
    most = ss.grid.hosting_capacity(world.network, world.sites["bus"].to_numpy())[0]
    plan = ss.optimize_sites(
        world.sites, site_mw=[(0, 1000)], limits=[ss.Deliverable(world.network)]
    )
    assert plan.total_mw == pytest.approx(most if most > 0.1 else 0.0, abs=1e-4)


def test_each_of_two_sites_is_fine_and_both_are_not() -> None:
    world = line_of_three()
    limit = ss.Deliverable(world.network)
    for site in ("s0", "s1"):
        alone = ss.optimize_sites(world.sites.loc[[site]], site_mw=[80], limits=[limit])
        assert list(alone.sites.index) == [site]
    # The capacities of the two buses, each by itself, let both through.
    headroom = ss.grid.hosting_capacity(world.network, [2, 3])
    assert headroom.tolist() == [100.0, 100.0]
    plain = ss.optimize_sites(
        world.sites.assign(headroom_mw=headroom),
        site_mw=[80],
        limits=[ss.Limit("h", per_mw=1, by="bus", at_most="headroom_mw")],
    )
    assert len(plain.sites) == 2
    both = ss.optimize_sites(world.sites, site_mw=[80], limits=[limit])
    assert list(both.sites.index) == ["s1"]
    with pytest.raises(ss.InfeasiblePlanError, match="deliverable"):
        ss.optimize_sites(
            world.sites, site_mw=[80], power_mw=(160, 160), limits=[limit]
        )


def test_full_line_is_listed_as_binding_and_has_a_price() -> None:
    world = line_of_three()
    plan = ss.optimize_sites(
        world.sites, site_mw=[(0, 200)], limits=[ss.Deliverable(world.network)]
    )
    line = plan.limits.set_index("group").loc["a"]
    assert line["used"] == pytest.approx(100.0)
    assert line["allowed_max"] == 100.0
    assert line["binding"]
    # One more MW of rating on both lines serves one more MW of the better site.
    assert plan.limits["price"].fillna(0).sum() == pytest.approx(0.9)


def test_small_shares_pass_and_count_with_cutoff_zero() -> None:
    """Bus 3 leans on line c of a triangle by a third, on a stiff one by little."""
    world = World(
        pd.DataFrame({"bus": [1, 2, 3], "base_kv": 230.0, "load_mw": 0.0}),
        pd.DataFrame(
            {
                "branch": ["a", "b", "c"],
                "from_bus": [1, 2, 1],
                "to_bus": [2, 3, 3],
                "x_pu": [1.0, 1.0, 0.05],
                "rating_mva": [1.0, 900.0, 900.0],
            }
        ),
        pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [900.0]}),
        candidates([3], [0.9]),
        [],
    )
    share = 0.05 / 2.05
    loose = ss.optimize_sites(
        world.sites, site_mw=[(0, 800)], limits=[ss.Deliverable(world.network)]
    )
    assert loose.total_mw == pytest.approx(800.0)
    strict = ss.optimize_sites(
        world.sites,
        site_mw=[(0, 800)],
        limits=[ss.Deliverable(world.network, cutoff=0.0)],
    )
    assert strict.total_mw == pytest.approx(1.0 / share)
    strict.verify()


def test_overloaded_line_is_held_at_its_flow() -> None:
    """A line over its rating may not carry more; a site on its near end may come."""
    world = line_of_three(rating=50.0)
    world.buses.loc[2, "load_mw"] = 70.0
    world.generators["p_mw"] = 70.0
    world.sites = candidates([1, 3], [0.1, 0.9])
    plan = ss.optimize_sites(
        world.sites, site_mw=[40], limits=[ss.Deliverable(world.network)]
    )
    assert list(plan.sites.index) == ["s0"]
    plan.verify()
    free = ss.optimize_sites(world.sites, site_mw=[40])
    # What may be carried is the base flow of 70 MW, not the rating of 50.
    fill = free.powerflow(world.network)["fill"]
    assert fill.to_dict() == pytest.approx({"a": 110 / 70, "b": 110 / 70})


def test_existing_megawatts_and_years() -> None:
    world = line_of_three()
    plan = ss.optimize_sites(
        world.sites,
        site_mw=[40, 80],
        power_mw={2027: 40, 2030: 120},
        limits=[ss.Deliverable(world.network)],
        existing={"s0": 40},
    )
    assert plan.total_mw == 80
    assert plan.verify()["passed"].all()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_ROWS", 0)
        lazy = ss.optimize_sites(
            world.sites,
            site_mw=[40, 80],
            power_mw={2027: 40, 2030: 120},
            limits=[ss.Deliverable(world.network)],
            existing={"s0": 40},
            method="priceout",
        )
    assert lazy.objective == pytest.approx(plan.objective)


@pytest.mark.parametrize("outages", [[], "all"])
def test_verify_refuses_a_plan_whose_sites_overload(outages: object) -> None:
    world = random_world(3)
    limit = ss.Deliverable(world.network, outages=outages)
    plan = ss.optimize_sites(world.sites, site_mw=[15, 50], limits=[limit])
    free = ss.optimize_sites(world.sites, site_mw=[15, 50])
    assert free.objective > plan.objective
    forged = replace(
        free,
        compiled=replace(
            free.compiled, request=replace(free.compiled.request, limits=(limit,))
        ),
    )
    with pytest.raises(ss.SolverError, match="'deliverable' holds"):
        forged.verify()
    # The accounts may not be touched up either.
    touched = plan.limits.assign(used=plan.limits["used"] * 0.5)
    with pytest.raises(ss.SolverError, match="accounts"):
        replace(plan, limits=touched).verify()


def test_all_outages_are_those_that_split_nothing() -> None:
    world = random_world(5)
    kept = [
        label
        for k, label in enumerate(world.branches["branch"])
        if not splits(world, k)
    ]
    assert module.unsplitting(world.network) == kept
    listed = ss.Deliverable(world.network, outages=kept)
    every = ss.Deliverable(world.network, outages="all")
    plans = [
        ss.optimize_sites(world.sites, site_mw=[15, 50], limits=[limit])
        for limit in (listed, every)
    ]
    pd.testing.assert_frame_equal(plans[0].limits, plans[1].limits)


def test_order_and_labels_do_not_matter() -> None:
    world = random_world(7)
    limit = ss.Deliverable(world.network, outages=world.outages)
    plan = ss.optimize_sites(world.sites, site_mw=[15, 50], limits=[limit])
    rng = np.random.default_rng(0)
    mixed = World(
        world.buses.sample(frac=1, random_state=1),
        world.branches.sample(frac=1, random_state=2),
        world.generators.sample(frac=1, random_state=3),
        world.sites.iloc[rng.permutation(len(world.sites))],
        world.outages[::-1],
    )
    other = ss.optimize_sites(
        mixed.sites,
        site_mw=[15, 50],
        limits=[ss.Deliverable(mixed.network, outages=mixed.outages)],
    )
    assert plan.sites["mw"].to_dict() == other.sites["mw"].to_dict()


def test_islands_are_balanced_apart() -> None:
    """Two islands: each has its own spare output, and neither helps the other."""
    world = line_of_three(rating=1000.0)
    more = line_of_three(rating=1000.0)
    more.buses["bus"] += 10
    more.branches["branch"] = ["c", "d"]
    more.branches[["from_bus", "to_bus"]] += 10
    more.generators["bus"] += 10
    more.generators["p_max_mw"] = 50.0
    both = World(
        pd.concat([world.buses, more.buses]),
        pd.concat([world.branches, more.branches]),
        pd.concat([world.generators, more.generators]),
        candidates([3, 13], [0.5, 0.9]),
        [],
    )
    plan = ss.optimize_sites(
        both.sites, site_mw=[(0, 2000)], limits=[ss.Deliverable(both.network)]
    )
    assert plan.sites["mw"].to_dict() == pytest.approx({"s0": 900.0, "s1": 50.0})
    spare = plan.limits[plan.limits["kind"] == "spare generation"]
    assert spare["group"].tolist() == ["island of bus 1", "island of bus 11"]
    assert spare["binding"].all()


def test_bad_input_is_named() -> None:
    world = line_of_three()
    network = world.network

    def solve(at: object, **kwargs: object) -> None:
        sites = world.sites.assign(bus=at)
        limit = ss.Deliverable(network, **kwargs)
        ss.optimize_sites(sites, site_mw=[50], limits=[limit])

    with pytest.raises(ss.StudyError, match="name a bus that is not in the network"):
        solve([2, 99])
    with pytest.raises(ss.LayerError, match="missing"):
        solve([2, None])
    with pytest.raises(ss.StudyError, match="column 'node'"):
        solve(2, bus="node")
    with pytest.raises(ss.StudyError, match="branches of the network: 'z'"):
        solve(2, outages=["a", "z"])
    with pytest.raises(ss.StudyError, match="text 'a'"):
        solve(2, outages="a")
    with pytest.raises(ss.StudyError, match=r"'a'.* splits its island"):
        solve(2, outages=["a"])
    with pytest.raises(ss.StudyError, match="cutoff"):
        solve(2, cutoff=5)
    with pytest.raises(ss.StudyError, match="Network"):
        ss.Deliverable(world.buses)
    with pytest.raises(ss.StudyError, match="bus"):
        ss.Deliverable(network, bus=3)


def test_island_without_generation_is_refused_and_one_without_spare_holds_none() -> (
    None
):
    world = line_of_three()
    alone = pd.DataFrame({"bus": [9], "base_kv": 230.0, "load_mw": 5.0})
    dark = replace(world, buses=pd.concat([world.buses, alone]))
    sites = candidates([2, 9], [0.5, 0.9])
    with pytest.raises(ss.StudyError, match="'s1'"):
        ss.optimize_sites(sites, site_mw=[50], limits=[ss.Deliverable(dark.network)])
    full = replace(
        dark,
        generators=pd.concat(
            [
                world.generators,
                pd.DataFrame({"bus": [9], "p_mw": [5.0], "p_max_mw": [5.0]}),
            ]
        ),
    )
    plan = ss.optimize_sites(sites, site_mw=[50], limits=[ss.Deliverable(full.network)])
    assert list(plan.sites.index) == ["s0"]
    plan.verify()


@pytest.mark.parametrize("seed", range(4))
def test_powerflow_shows_dense_flows(seed: int) -> None:
    world = random_world(seed)
    limit = ss.Deliverable(world.network, outages=world.outages)
    plan = ss.optimize_sites(world.sites, site_mw=[15, 50], limits=[limit])
    table = plan.powerflow()
    mw = plan.sites["mw"].reindex(world.sites.index, fill_value=0.0).to_numpy()
    right = injections(world, list(world.sites["bus"]))
    flow = dense_flows(world, right)
    rating = world.branches["rating_mva"].replace(0, np.nan).fillna(np.inf).to_numpy()
    after = flow[:, 0] + flow[:, 1:] @ mw
    assert list(table.index) == list(world.branches["branch"])
    np.testing.assert_allclose(table["flow_before_mw"], flow[:, 0], atol=1e-6)
    np.testing.assert_allclose(table["flow_after_mw"], after, atol=1e-6)
    np.testing.assert_allclose(table["loading"], np.abs(after) / rating, atol=1e-6)
    # The fullest case of each line, by going through all of them.
    labels = list(world.branches["branch"])
    fill = np.full(len(labels), -np.inf)
    for lost in [-1, *(labels.index(k) for k in world.outages)]:
        flow = dense_flows(world, right, lost)
        add = np.where(np.abs(flow[:, 1:]) >= CUTOFF, flow[:, 1:], 0.0) @ mw
        here = np.sign(add) * flow[:, 0] + np.abs(add)
        here /= np.maximum(rating, np.sign(add) * flow[:, 0])
        fill = np.where((add != 0) & np.isfinite(rating), np.maximum(fill, here), fill)
    np.testing.assert_allclose(
        table["fill"].fillna(-np.inf), fill, rtol=1e-9, atol=1e-9
    )
    assert (table["fill"].dropna() <= 1 + 1e-6).all()


def test_both_ways_to_take_outages_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    world = random_world(11, n_buses=12)
    loads = {b: 10.0 + k for k, b in enumerate(sorted(set(world.sites["bus"])))}
    tables = []
    # The last solves only one outage anew, the others by the change of a branch.
    for anew, some in ((100_000, 40), (0, 40), (0, 1)):
        monkeypatch.setattr(applied, "_ALL_ANEW", anew)
        monkeypatch.setattr(applied, "_SOME_ANEW", some)
        tables.append(
            ss.grid.applied_flows(world.network, loads, outages=world.outages)
        )
    assert tables[0]["worst_outage"].notna().any()
    for other in tables[1:]:
        pd.testing.assert_frame_equal(tables[0], other, rtol=1e-9)


def test_powerflow_of_a_network_of_ones_own_and_of_a_year() -> None:
    world = line_of_three()
    plan = ss.optimize_sites(
        world.sites, site_mw=[40, 80], power_mw={2027: 40, 2030: 160}
    )
    after = plan.powerflow(world.network)["flow_after_mw"]
    assert after["a"] == pytest.approx(160.0)
    first = plan.powerflow(world.network, year=2027)
    assert first["flow_after_mw"]["a"] == pytest.approx(40.0)
    assert plan.powerflow(world.network)["over_mw"]["a"] == pytest.approx(60.0)
    assert plan.powerflow(world.network)["binding"]["a"]
    with pytest.raises(ss.StudyError, match="2029"):
        plan.powerflow(world.network, year=2029)
    with pytest.raises(ss.StudyError, match="0 limits that bring a network"):
        plan.powerflow()
    with pytest.raises(ss.LayerError, match="splits|only link"):
        plan.powerflow(world.network, outages=["a"])


@pytest.mark.parametrize("method", ["full", "priceout"])
def test_what_follows_a_plan_keeps_the_lines_too(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are found on demand: alternatives and re-solves must find them as well."""
    monkeypatch.setattr(module, "MOST_ROWS", 0)
    world = random_world(4)
    limit = ss.Deliverable(world.network, outages=world.outages)
    plan = ss.optimize_sites(
        world.sites, site_mw=[15, 50], limits=[limit], method=method
    )
    others = plan.alternatives(3)
    assert len(others) == 3
    for other in others:
        other.verify()
        assert other.objective <= plan.objective + 1e-6
    assert (plan.importance()["loss"] >= -1e-6).all()
    left = world.sites.index.difference(plan.sites.index)
    reasons = [plan.explain(site) for site in left]
    assert any("deliverable" in str(reason) for reason in reasons)
    if method == "full":
        cbc = ss.optimize_sites(
            world.sites, site_mw=[15, 50], limits=[limit], solver="cbc", method=method
        )
        assert cbc.objective == pytest.approx(plan.objective)


@pytest.mark.parametrize("method", ["full", "priceout"])
@pytest.mark.parametrize("limit_s", [0.001, 0.05])
def test_a_plan_stopped_early_keeps_the_lines(
    method: str, limit_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 0)
    for seed in range(3):
        world = random_world(seed)
        limit = ss.Deliverable(world.network, outages=world.outages)
        plan = ss.optimize_sites(
            world.sites,
            site_mw=[15, 50],
            limits=[limit],
            method=method,
            time_limit_s=limit_s,
        )
        plan.verify()
        best = brute_force(world, (15.0, 50.0), CUTOFF)
        assert plan.objective <= best + 1e-6
        assert plan.bound >= best - 1e-6


def test_clash_of_rows_found_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 0)
    world = line_of_three()
    for method in ("full", "priceout"):
        with pytest.raises(ss.InfeasiblePlanError) as caught:
            ss.optimize_sites(
                world.sites,
                site_mw=[80],
                power_mw=(160, 160),
                limits=[ss.Deliverable(world.network), ss.Spacing(1)],
                method=method,
            )
        assert set(caught.value.conflicts) == {"power", "deliverable"}


def test_on_the_bundled_texas_network() -> None:
    """Synthetic, 2,000 buses: candidates at substations, some outages, priced out."""
    buses = ss.datasets.load("grid_buses")
    texas = ss.grid.Network.from_tables(
        buses, ss.datasets.load("grid_branches"), ss.datasets.load("grid_generators")
    ).around(buses.loc[buses["interconnection"] == "Texas", "bus"][:1])
    stations = ss.datasets.load("substations")
    stations = stations[stations["interconnection"] == "Texas"].iloc[::12]
    sites = stations.set_index("substation", drop=False)[["substation", "geometry"]]
    rng = np.random.default_rng(0)
    sites["score"] = rng.uniform(0.3, 1.0, len(sites))
    sites["bus"] = ss.grid.connection_buses(sites["substation"], buses, texas)
    sites = sites[sites["bus"].notna()]
    fullest = np.argsort(-np.abs(ss.grid.dc_flow(texas).flow_mw) / texas.rating_mw)
    kept = set(module.unsplitting(texas))
    outages = [b for b in texas.branch[fullest].tolist() if b in kept][:20]
    asked = {"power_mw": 4000, "site_mw": [100, 300], "method": "priceout"}
    free = ss.optimize_sites(sites, **asked)
    limit = ss.Deliverable(texas, outages=outages)
    plan = ss.optimize_sites(sites, limits=[limit], **asked)
    assert plan.status == "optimal"
    assert plan.objective < free.objective
    plan.verify()
    # Without the limit lines are filled beyond what they may carry.
    before = free.powerflow(texas, outages=outages)
    assert (before["fill"] > 1.01).any()
    assert not (plan.powerflow()["fill"] > 1 + 1e-6).any()


def test_a_core_and_a_search_learn_the_rows_that_they_break(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing was found by the relaxation: every row has to be learned there."""
    monkeypatch.setattr(module, "MOST_ROWS", 0)
    world = random_world(4)
    limit = ss.Deliverable(world.network, outages=world.outages)
    request = Request(sites=world.sites, site_mw=[15, 50], limits=[limit])
    best = brute_force(world, (15.0, 50.0), CUTOFF)
    compiled = compile_problem(request)
    goal = compiled.problem.objective
    every = np.arange(compiled.problem.n_columns)

    engine = PriceOut(compiled)
    assert len(engine.separate(np.ones(engine.n) / 2))
    found, _ = engine.solve_core(every, goal, 0.0, None, "highs")
    assert found.x is not None
    assert goal @ found.x == pytest.approx(best)
    assert len(engine.found) > 0

    engine = PriceOut(compiled)
    x = incumbents.fill(engine, goal, np.argsort(-goal))
    assert x is not None
    assert len(engine.found) > 0
    assert engine.is_feasible(x)

    engine = PriceOut(compiled)
    plan = incumbents.Incumbent(goal)
    better, bound = incumbents.neighbourhood(
        engine,
        goal,
        plan,
        every,
        np.zeros(0, dtype=np.int64),
        target=np.inf,
        nodes=1000,
        deadline=None,
    )
    assert better
    assert plan.value == pytest.approx(best, rel=1e-4)
    assert bound >= best - 1e-6
