"""Lines that a plan may strengthen, against every choice and by hand."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from optimization.grid_worlds import (
    CUTOFF,
    World,
    candidates,
    dense_flows,
    injections,
    line_of_three,
    random_world,
    spare_total,
)
from strategies import SOAK

import siteselect as ss
from siteselect.optimization import deliverable as module


def offered(world: World, usd: float = 5e4, lead: float = 36.0) -> pd.DataFrame:
    """Every rated branch of a world at one price."""
    rated = world.branches["rating_mva"].fillna(0) > 0
    return pd.DataFrame(
        {
            "branch": world.branches["branch"][rated].to_numpy(),
            "usd_per_mw": usd,
            "lead_months": lead,
        }
    )


def priced(world: World, usd: float = 1e6) -> World:
    return replace(world, sites=world.sites.assign(cost_usd_per_mw=usd))


def both(world: World, upgrades: pd.DataFrame, **kwargs: object) -> ss.SitePlan:
    """Two sites of 80 MW behind a line of 100 MW."""
    limit = ss.Deliverable(world.network, upgrades=upgrades)
    return ss.optimize_sites(
        world.sites, site_mw=[80], power_mw=(160, 160), limits=[limit], **kwargs
    )


def test_what_no_line_can_carry_is_bought_at_the_price_of_the_missing_megawatts() -> (
    None
):
    world = priced(line_of_three())
    with pytest.raises(ss.InfeasiblePlanError, match="deliverable"):
        ss.optimize_sites(
            world.sites,
            site_mw=[80],
            power_mw=(160, 160),
            limits=[ss.Deliverable(world.network)],
        )
    plan = both(world, offered(world), budget_usd=163e6)
    # 160 MW over a line of 100 MW; the second line carries 80.
    [bought] = plan.upgrades.to_dict("records")
    assert bought["branch"] == "a"
    assert (bought["from_bus"], bought["to_bus"]) == (1, 2)
    assert bought["mw"] == pytest.approx(60.0)
    assert bought["cost_usd"] == pytest.approx(3e6)
    assert plan.total_cost_usd == pytest.approx(163e6)
    assert plan.sites["cost_usd"].tolist() == pytest.approx([81.5e6, 81.5e6])
    money = plan.limits.set_index("limit").loc["budget"]
    assert money["used"] == pytest.approx(163e6)
    assert money["binding"]
    plan.verify()
    flow = plan.powerflow()
    assert flow.loc["a", ["upgrade_mw", "over_mw"]].tolist() == pytest.approx([60, 0])
    assert flow.loc["a", "loading"] == pytest.approx(1.0)
    assert flow.loc["a", "binding"]
    assert "$3.00 M of it for 1 stronger line" in repr(plan)
    with pytest.raises(ss.InfeasiblePlanError):
        both(world, offered(world), budget_usd=162.9e6)
    capped = offered(world).assign(most_mw=59.0)
    with pytest.raises(ss.InfeasiblePlanError):
        both(world, capped)


def test_nothing_is_bought_that_the_sites_do_not_need() -> None:
    """Money is left and the objective does not count it."""
    world = priced(line_of_three())
    limit = ss.Deliverable(world.network, upgrades=offered(world))
    plan = ss.optimize_sites(
        world.sites, site_mw=[80], max_sites=1, budget_usd=1e9, limits=[limit]
    )
    assert len(plan.upgrades) == 0
    assert plan.total_cost_usd == pytest.approx(80e6)
    plan.verify()


def test_an_overload_that_is_there_is_not_paid_for() -> None:
    world = line_of_three(rating=50.0)
    world.buses.loc[2, "load_mw"] = 70.0
    world.generators["p_mw"] = 70.0
    world.sites = candidates([3], [0.9])
    limit = ss.Deliverable(world.network, upgrades=offered(world))
    plan = ss.optimize_sites(
        world.sites, site_mw=[40], power_mw=(40, 40), limits=[limit]
    )
    assert plan.upgrades["mw"].tolist() == pytest.approx([40.0, 40.0])
    plan.verify()


def cheapest(world: World, sizes: tuple[float, ...], usd: pd.Series) -> float:
    """Return the least cost of enough megawatts, over every choice of sites."""
    sites, least = world.sites, np.inf
    right = injections(world, list(sites["bus"]))
    rating = world.branches["rating_mva"].fillna(0.0).to_numpy()
    rating = np.where(rating == 0, np.inf, rating)
    labels = list(world.branches["branch"])
    cases = []
    for lost in [-1, *(labels.index(k) for k in world.outages)]:
        flow = dense_flows(world, right, lost)
        share = np.where(np.abs(flow[:, 1:]) >= CUTOFF, flow[:, 1:], 0.0)
        cases.append((flow[:, 0], share))
    for mw in itertools.product((0.0, *sizes), repeat=len(sites)):
        if not needed(world, sizes) <= sum(mw) <= spare_total(world) + 1e-9:
            continue
        need = np.zeros(len(labels))
        for base, share in cases:
            flow = base + share @ np.array(mw)
            need = np.maximum(need, flow - np.maximum(rating, base))
            need = np.maximum(need, np.minimum(-rating, base) - flow)
        bought = float((need * usd.reindex(labels).fillna(0.0).to_numpy()).sum())
        least = min(least, float(sites["cost_usd_per_mw"] @ np.array(mw)) + bought)
    return least


def needed(world: World, sizes: tuple[float, ...]) -> float:
    """Return megawatts that the spare output allows and one site does not reach."""
    return min(2.5 * sizes[-1], 0.8 * spare_total(world))


@pytest.mark.parametrize("seed", range(3))
def test_plan_buys_what_is_cheapest_of_all_choices(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare_with_every_choice(seed, monkeypatch)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3, 3 + 30 * SOAK))
def test_plan_buys_what_is_cheapest_of_all_choices_many_times(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare_with_every_choice(seed, monkeypatch)


def compare_with_every_choice(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world = random_world(seed)
    rng = np.random.default_rng(seed)
    world.sites["cost_usd_per_mw"] = rng.uniform(1e6, 2e6, len(world.sites))
    table = offered(world)
    table["usd_per_mw"] = rng.uniform(1e4, 2e6, len(table))
    sizes = (15.0, 50.0)
    best = cheapest(world, sizes, table.set_index("branch")["usd_per_mw"])
    limit = ss.Deliverable(world.network, outages=world.outages, upgrades=table)
    for most, method in ((4000, "full"), (0, "full"), (0, "priceout")):
        monkeypatch.setattr(module, "MOST_ROWS", most)
        asked = {
            "site_mw": list(sizes),
            "power_mw": (needed(world, sizes), None),
            "objective": "cost",
            "limits": [limit],
            "method": method,
            "gap": 0.0,
        }
        if not np.isfinite(best):
            with pytest.raises(ss.InfeasiblePlanError):
                ss.optimize_sites(world.sites, **asked)
            continue
        plan = ss.optimize_sites(world.sites, **asked)
        assert plan.objective == pytest.approx(best, rel=1e-6)
        assert plan.total_cost_usd == pytest.approx(best, rel=1e-6)
        assert plan.verify()["passed"].all()


@pytest.mark.parametrize("lazy", [False, True])
def test_an_upgrade_serves_only_after_its_lead_time(
    lazy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 0 if lazy else 4000)
    world = priced(line_of_three())

    def grow(lead: float, **kwargs: object) -> ss.SitePlan:
        limit = ss.Deliverable(
            world.network, upgrades=offered(world, lead=lead), **kwargs
        )
        return ss.optimize_sites(
            world.sites,
            site_mw=[80],
            power_mw={2027: (80, None), 2030: (160, 160)},
            limits=[limit],
        )

    plan = grow(36.0)
    assert plan.by_year["mw"].tolist() == [80.0, 160.0]
    assert plan.upgrades[["mw", "year"]].to_numpy().tolist() == [[60.0, 2030]]
    assert plan.by_year["spent_usd"].tolist() == pytest.approx([80e6, 83e6])
    assert plan.verify()["passed"].all()
    assert plan.powerflow(year=2027)["upgrade_mw"].sum() == 0
    assert plan.powerflow()["upgrade_mw"].sum() == pytest.approx(60.0)
    with pytest.raises(ss.InfeasiblePlanError):
        grow(37.0)
    assert grow(37.0, ordered=2026).upgrades["year"].tolist() == [2030]
    # Both at once where it is quick.
    early = grow(0.0)
    assert early.total_mw == 160.0
    early.verify()


@pytest.mark.parametrize("lazy", [False, True])
def test_what_is_possible_counts_over_all_years(
    lazy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line of 100 MW, to be strengthened by at most 60: 160 MW in the end."""
    monkeypatch.setattr(module, "MOST_ROWS", 0 if lazy else 4000)
    world = line_of_three()
    world.sites = candidates([2, 2, 2], [0.9, 0.8, 0.7]).assign(cost_usd_per_mw=1e6)
    table = offered(world, lead=0.0).assign(most_mw=60.0)
    plans = [
        ss.optimize_sites(
            world.sites,
            site_mw=[80],
            years=[2027, 2030],
            power_mw={2027: (160, None)},
            limits=[ss.Deliverable(world.network, upgrades=table)],
            method=method,
        )
        for method in ("full", "priceout")
    ]
    for plan in plans:
        assert plan.by_year["mw"].tolist() == [160.0, 160.0]
        assert plan.upgrades["mw"].tolist() == pytest.approx([60.0])
        assert plan.verify()["passed"].all()


def test_verify_refuses_upgrades_that_are_not_what_they_claim() -> None:
    world = priced(line_of_three())
    limit = ss.Deliverable(world.network, upgrades=offered(world))
    plan = ss.optimize_sites(
        world.sites,
        site_mw=[80],
        power_mw={2027: (80, None), 2030: (160, 160)},
        limits=[limit],
    )
    plan.verify()
    table = plan.upgrades
    for changes, match in (
        ({"mw": 50.0}, "'deliverable' holds"),
        ({"mw": 50.0, "cost_usd": 2.5e6}, "costs add up"),
        ({"cost_usd": 0.0}, "cost what they do"),
        ({"year": 2027}, "in time"),
        ({"branch": "z"}, "exist"),
        ({"branch": "b"}, "'deliverable' holds"),
        ({"mw": np.nan}, "exist"),
    ):
        forged = replace(plan, upgrades=table.assign(**changes))
        with pytest.raises(ss.SolverError, match=match):
            forged.verify()
    with pytest.raises(ss.SolverError, match="'deliverable' holds"):
        replace(plan, upgrades=table.iloc[:0]).verify()


def test_what_follows_a_plan_may_buy_too() -> None:
    world = priced(line_of_three())
    world.sites = candidates([2, 3, 3], [0.8, 0.9, 0.7]).assign(cost_usd_per_mw=1e6)
    limit = ss.Deliverable(world.network, upgrades=offered(world))
    plan = ss.optimize_sites(
        world.sites, site_mw=[80], power_mw=(160, 160), limits=[limit]
    )
    for other in plan.alternatives(2):
        other.verify()
        assert other.upgrades["cost_usd"].sum() > 0
    assert set(plan.importance().index) == set(plan.sites.index)
    assert "s2" in str(plan.explain("s2").site)


@pytest.mark.parametrize("most", [4000, 0])
def test_importance_is_what_forbidding_each_site_costs(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plans from a list must take upgrades for rows that are found only then."""
    monkeypatch.setattr(module, "MOST_ROWS", most)
    world = random_world(4)
    world.sites["cost_usd_per_mw"] = np.linspace(1e6, 2e6, len(world.sites))
    asked = {
        "site_mw": [15, 50],
        "budget_usd": 1e8,
        "limits": [
            ss.Deliverable(
                world.network, outages=world.outages, upgrades=offered(world, 2e5)
            )
        ],
    }
    plan = ss.optimize_sites(world.sites, **asked)
    assert len(plan.upgrades) > 0
    loss = plan.importance()["loss"]
    for site in plan.sites.index:
        other = ss.optimize_sites(world.sites, forbidden=[site], **asked)
        assert loss[site] == pytest.approx(plan.objective - other.objective, abs=1e-3)


def test_order_of_the_table_does_not_matter() -> None:
    world = random_world(2)
    world = priced(world)
    table = offered(world)
    plans = [
        ss.optimize_sites(
            world.sites,
            site_mw=[15, 50],
            power_mw=(needed(world, (15.0, 50.0)), None),
            objective="cost",
            limits=[ss.Deliverable(world.network, upgrades=rows)],
        )
        for rows in (table, table.iloc[::-1])
    ]
    pd.testing.assert_frame_equal(plans[0].upgrades, plans[1].upgrades)


def test_bad_tables_of_upgrades_are_named() -> None:
    network = line_of_three().network
    good = offered(line_of_three())
    for table, error, match in (
        (["a"], ss.StudyError, "list"),
        (good.drop(columns="usd_per_mw"), ss.StudyError, "no column usd_per_mw"),
        (good.assign(branch="z"), ss.LayerError, "'z'"),
        (good.assign(branch=[["a"], ["b"]]), ss.LayerError, "Not in the network"),
        (pd.concat([good, good], axis=1), ss.LayerError, "more than once"),
        (pd.concat([good, good]), ss.LayerError, "twice"),
        (good.assign(usd_per_mw=np.nan), ss.LayerError, "'usd_per_mw'.*'a'"),
        (good.assign(usd_per_mw="dear"), ss.LayerError, "'usd_per_mw'"),
        (good.assign(lead_months=-1.0), ss.LayerError, "'lead_months'"),
        (good.assign(most_mw=np.nan), ss.LayerError, "'most_mw'"),
    ):
        with pytest.raises(error, match=match):
            ss.Deliverable(network, upgrades=table)
    with pytest.raises(ss.StudyError, match="Ordered"):
        ss.Deliverable(network, upgrades=good, ordered="soon")
