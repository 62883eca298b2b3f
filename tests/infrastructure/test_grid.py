"""The DC flow and hosting capacity against hand, dense algebra and pypsa."""

from __future__ import annotations

import dataclasses
import pickle
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from siteselect.errors import LayerError, SolverError, StudyError
from siteselect.infrastructure.grid import (
    Network,
    applied_flows,
    dc_flow,
    dispatch,
    hosting_capacity,
    hosting_table,
    lodf_columns,
    ptdf_columns,
    spare_mw,
)
from siteselect.infrastructure.grid.flow import base_injection, islands_of
from siteselect.infrastructure.grid.kept_flows import kept_flows

FAST = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


class Tables(NamedTuple):
    buses: pd.DataFrame
    branches: pd.DataFrame
    generators: pd.DataFrame
    dclines: pd.DataFrame | None = None

    def network(self) -> Network:
        return Network.from_tables(*self)


def triangle(
    ratings: tuple[float, float, float] = (100.0, 100.0, 100.0),
    load: float = 90.0,
    p_max: float = 300.0,
) -> Tables:
    """Bus 1 generates, bus 3 draws, three equal lines a 1-2, b 2-3, c 1-3."""
    return Tables(
        pd.DataFrame({"bus": [1, 2, 3], "base_kv": 230.0, "load_mw": [0.0, 0.0, load]}),
        pd.DataFrame(
            {
                "branch": ["a", "b", "c"],
                "from_bus": [1, 2, 1],
                "to_bus": [2, 3, 3],
                "x_pu": 0.1,
                "rating_mva": ratings,
            }
        ),
        pd.DataFrame({"bus": [1], "p_mw": [load], "p_max_mw": [p_max]}),
    )


@st.composite
def tables(
    draw: st.DrawFn, max_buses: int = 11, n_islands: int | None = None
) -> Tables:
    """Small networks of one to three islands; floats come from a drawn seed."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parts = n_islands or draw(st.integers(1, 3))
    ends: list[tuple[int, int]] = []
    generator_bus: list[int] = []
    first = 0
    for _ in range(parts):
        size = draw(st.integers(2, max_buses))
        ends += [(first + int(rng.integers(k)), first + k) for k in range(1, size)]
        for _ in range(draw(st.integers(0, size))):
            i, j = rng.choice(size, 2, replace=False)
            ends.append((first + int(i), first + int(j)))
        generator_bus += [
            first + int(b) for b in rng.integers(size, size=draw(st.integers(1, 3)))
        ]
        first += size
    label = rng.permutation(1000)[:first]
    flip = rng.random(len(ends)) < 0.5
    start = np.array([e[0] for e in ends])
    end = np.array([e[1] for e in ends])
    start, end = np.where(flip, end, start), np.where(flip, start, end)
    count = len(generator_bus)
    p_mw = rng.uniform(0, 100, count) * (rng.random(count) < 0.8)
    return Tables(
        pd.DataFrame(
            {
                "bus": label,
                "base_kv": rng.choice([69.0, 115.0, 230.0], first),
                "load_mw": rng.uniform(0, 60, first) * (rng.random(first) < 0.7),
            }
        ),
        pd.DataFrame(
            {
                "branch": rng.permutation(len(ends)),
                "from_bus": label[start],
                "to_bus": label[end],
                "x_pu": rng.uniform(0.01, 0.3, len(ends)),
                "rating_mva": rng.choice([0.0, np.nan, 20.0, 60.0, 150.0], len(ends))
                * rng.uniform(0.5, 1.5, len(ends)),
            }
        ),
        pd.DataFrame(
            {
                "bus": label[generator_bus],
                "p_mw": p_mw,
                "p_max_mw": p_mw * 0.7 + rng.uniform(5, 200, count),
            }
        ),
    )


def dense_flow(network: Network, injection: np.ndarray) -> np.ndarray:
    """Flows by the pseudo-inverse of the dense nodal matrix: another road."""
    incidence = np.zeros((len(network.branch), len(network.bus)))
    row = np.arange(len(network.branch))
    incidence[row, network.from_bus] = 1.0
    incidence[row, network.to_bus] = -1.0
    weight = incidence / network.x_pu[:, None]
    return weight @ (np.linalg.pinv(incidence.T @ weight) @ injection)


def members(network: Network, bus: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the buses and generators in the island of a bus, by walking."""
    reached = {bus}
    while True:
        more = {
            int(b)
            for a, b in zip(
                np.r_[network.from_bus, network.to_bus],
                np.r_[network.to_bus, network.from_bus],
                strict=True,
            )
            if int(a) in reached
        } - reached
        if not more:
            break
        reached |= more
    buses = np.array(sorted(reached))
    return buses, np.flatnonzero(np.isin(network.generator_bus, buses))


def by_bisection(network: Network, bus: int, cutoff: float) -> float:
    """Raise the load at a bus until a branch overloads, solving every flow."""
    buses, units = members(network, bus)
    load = network.load_mw[buses].sum()
    p = network.p_mw[units]
    basis = p if p.sum() > 0 else network.p_max_mw[units]
    output = basis * load / basis.sum()
    spare = np.maximum(network.p_max_mw[units] - output, 0)
    if spare.sum() == 0:
        return 0.0
    incidence_free = np.zeros(len(network.bus))
    incidence_free[buses] -= network.load_mw[buses]

    def flow(more: float) -> np.ndarray:
        injection = incidence_free.copy()
        injection[bus] -= more
        served = output + more * spare / spare.sum()
        np.add.at(injection, network.generator_bus[units], served)
        return dense_flow(network, injection)

    base = flow(0.0)
    share = np.abs(flow(100.0) - base) / 100
    assume((np.abs(share - cutoff) > 1e-6).all())
    counted = share >= cutoff
    upper = np.maximum(network.rating_mw, base)
    lower = np.maximum(network.rating_mw, -base)

    def fits(more: float) -> bool:
        now = flow(more)
        over = (now > upper + 1e-9 * (1 + more)) | (-now > lower + 1e-9 * (1 + more))
        return not (over & counted).any()

    low, high = 0.0, float(spare.sum())
    if fits(high):
        return high
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


# --- by hand ------------------------------------------------------------------


def test_triangle_by_hand() -> None:
    """90 MW from 1 to 3: two thirds go straight, one third over bus 2.

    A load at 3 is pressed by c: (100 - 60) / (2/3). At 2 by a: (100 - 30) /
    (2/3); c would allow 40 / (1/3), and b, which the load relieves,
    (100 + 30) / (1/3). At 1 only the spare 210 MW count.
    """
    network = triangle().network()
    np.testing.assert_allclose(dc_flow(network).flow_mw, [30, 30, 60])
    np.testing.assert_allclose(dc_flow(network).angle_rad, [0, -0.03, -0.06])
    factors = ptdf_columns(network, [1, 2, 3])
    third = 1 / 3
    np.testing.assert_allclose(
        factors,
        [[0, 2 * third, third], [0, -third, third], [0, third, 2 * third]],
        atol=1e-12,
    )
    np.testing.assert_allclose(hosting_capacity(network), [210, 105, 60])
    why = hosting_table(network)
    assert why["limited_by"].to_list() == ["spare generation", "branch", "branch"]
    assert why["branch"].to_list()[1:] == ["a", "c"]
    np.testing.assert_allclose(why["transfer_factor"].to_numpy()[1:], 2 / 3)
    assert why.index.to_list() == [1, 2, 3]


def test_cutoff_lets_small_shares_pass() -> None:
    """With a cut-off of one half only c counts for bus 3, and a for bus 2."""
    network = triangle((100.0, 1e-3, 100.0), load=0.0).network()
    np.testing.assert_allclose(hosting_capacity(network, [3], cutoff=0.5), [150])
    assert hosting_capacity(network, [3])[0] == pytest.approx(3e-3)


def test_factor_at_the_cutoff_counts() -> None:
    network = triangle((100.0, 1.0, 100.0), load=0.0).network()
    assert hosting_capacity(network, [3], cutoff=1 / 3)[0] == pytest.approx(3)
    assert hosting_capacity(network, [3], cutoff=1 / 3 + 1e-6)[0] == pytest.approx(150)


@pytest.mark.parametrize("unlimited", [0.0, np.nan])
def test_branch_without_rating_never_binds(unlimited: float) -> None:
    network = triangle((unlimited,) * 3).network()
    np.testing.assert_allclose(hosting_capacity(network), [210, 210, 210])


def test_overloaded_branch_is_held_at_its_flow() -> None:
    """The line c carries 60 of 50 MW: whoever pushes it gets nothing."""
    network = triangle((100.0, 100.0, 50.0)).network()
    np.testing.assert_allclose(hosting_capacity(network), [210, 0, 0], atol=1e-9)
    # A cut-off above the share of bus 2 (one third) lets the load in.
    assert hosting_capacity(network, [2], cutoff=0.4)[0] == pytest.approx(105)


def test_overloaded_branch_may_be_relieved() -> None:
    """The line b carries 30 of 20 MW towards 3; a load at 2 turns it round.

    It may be relieved by 30 MW and then carry its rating of 20 MW the other
    way: (20 + 30) / (1/3).
    """
    network = triangle((1000.0, 20.0, 1000.0)).network()
    assert hosting_capacity(network, [2])[0] == pytest.approx(150)
    assert hosting_capacity(network, [3])[0] == 0


def test_new_load_is_served_pro_rata_to_spare_output() -> None:
    """Spare 100 at bus 1 and 300 at bus 2: a quarter crosses the line."""
    network = Network.from_tables(
        pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": [50.0, 0.0]}),
        pd.DataFrame(
            {
                "branch": [5],
                "from_bus": [1],
                "to_bus": [2],
                "x_pu": [0.1],
                "rating_mva": [10.0],
            }
        ),
        pd.DataFrame({"bus": [1, 2], "p_mw": [100.0, 0.0], "p_max_mw": [150.0, 300.0]}),
    )
    np.testing.assert_allclose(dispatch(network), [50, 0])
    np.testing.assert_allclose(spare_mw(network), [100, 300])
    np.testing.assert_allclose(ptdf_columns(network, [1, 2]), [[-0.75, 0.25]])
    np.testing.assert_allclose(hosting_capacity(network), [10 / 0.75, 10 / 0.25])


def test_star_point_with_negative_reactance() -> None:
    """A three-winding transformer: legs -0.02, 0.1 and 0.1 between 1 and 3."""
    network = Network.from_tables(
        pd.DataFrame(
            {"bus": [1, 2, 3, 9], "base_kv": 230.0, "load_mw": [0.0, 0.0, 40.0, 0.0]}
        ),
        pd.DataFrame(
            {
                "branch": ["p", "s", "t", "line"],
                "from_bus": [1, 9, 9, 1],
                "to_bus": [9, 2, 3, 3],
                "x_pu": [-0.02, 0.1, 0.1, 0.24],
                "rating_mva": [0.0, 100.0, 100.0, 100.0],
            }
        ),
        pd.DataFrame({"bus": [1], "p_mw": [1.0], "p_max_mw": [400.0]}),
    )
    # 0.08 over the star against 0.24 over the line: three to one.
    np.testing.assert_allclose(
        dc_flow(network).flow_mw, [30, 0, 30, 10], rtol=1e-12, atol=1e-12
    )
    assert network.n_islands == 1
    assert hosting_capacity(network, [3])[0] == pytest.approx(70 / 0.75)


# --- islands ------------------------------------------------------------------


def test_islands_are_solved_apart() -> None:
    """An island with load and no generation, one bus alone, two that work."""
    left = triangle()
    network = Network.from_tables(
        pd.concat(
            [
                left.buses,
                left.buses.assign(bus=left.buses["bus"] + 10),
                pd.DataFrame(
                    {
                        "bus": [20, 21, 30, 40, 50],
                        "base_kv": 230.0,
                        "load_mw": [5.0, 0.0, 0.0, 7.0, 0.0],
                    }
                ),
            ]
        ),
        pd.concat(
            [
                left.branches,
                left.branches.assign(
                    branch=["d", "e", "f"],
                    from_bus=left.branches["from_bus"] + 10,
                    to_bus=left.branches["to_bus"] + 10,
                ),
                pd.DataFrame(
                    {
                        "branch": ["g"],
                        "from_bus": [20],
                        "to_bus": [21],
                        "x_pu": [0.1],
                        "rating_mva": [9.0],
                    }
                ),
            ]
        ),
        pd.DataFrame(
            {
                "bus": [1, 11, 40, 50],
                "p_mw": [90.0, 10.0, 0.0, 0.0],
                "p_max_mw": [300.0, 300.0, 20.0, 0.0],
            }
        ),
    )
    assert network.n_islands == 6
    flow = dc_flow(network)
    np.testing.assert_allclose(flow.flow_mw[:6], [30, 30, 60] * 2)
    assert np.isnan(flow.flow_mw[6])
    np.testing.assert_allclose(
        hosting_capacity(network),
        # 20, 21 and 30 have no generation, 40 has 20 - 7 MW spare, and the
        # generator at 50 can make nothing.
        [210, 105, 60, 210, 105, 60, np.nan, np.nan, np.nan, 13, np.nan],
    )


def test_no_spare_generation_is_zero() -> None:
    network = triangle(load=90.0, p_max=80.0).network()
    np.testing.assert_array_equal(hosting_capacity(network), [0, 0, 0])
    assert set(hosting_table(network)["limited_by"]) == {"spare generation"}
    assert np.isnan(ptdf_columns(network, [2])).all()


def test_low_voltage_is_not_looked_at() -> None:
    left = triangle()
    buses = left.buses.assign(base_kv=[230.0, 69.0, 100.0])
    network = left._replace(buses=buses).network()
    np.testing.assert_allclose(hosting_capacity(network), [210, np.nan, 60])
    np.testing.assert_allclose(hosting_capacity(network, min_kv=0), [210, 105, 60])
    assert hosting_table(network)["limited_by"].isna().to_list() == [False, True, False]


def test_unknown_voltage_is_looked_at_only_where_any_will_do() -> None:
    left = triangle()
    buses = left.buses.assign(base_kv=[230.0, np.nan, 100.0])
    network = left._replace(buses=buses).network()
    np.testing.assert_array_equal(network.base_kv, [230.0, np.nan, 100.0])
    np.testing.assert_allclose(hosting_capacity(network), [210, np.nan, 60])
    np.testing.assert_allclose(hosting_capacity(network, min_kv=0), [210, 105, 60])
    np.testing.assert_array_equal(
        dc_flow(network).flow_mw, dc_flow(left.network()).flow_mw
    )
    assert "unknown at 1 buses" in network._repr_html_()
    for wrong in (-230.0, np.inf, "high"):
        with pytest.raises(LayerError, match="base_kv"):
            left._replace(
                buses=left.buses.assign(base_kv=[230.0, wrong, 100.0])
            ).network()


# --- outputs below 0 ----------------------------------------------------------


@pytest.mark.parametrize("drawn", [10.0, 60.0, 99.9, 100.0, 110.0])
def test_what_draws_is_not_scaled(drawn: float) -> None:
    """Load 90, outputs 100 and -drawn: the first makes 90 + drawn."""
    left = triangle()
    generators = pd.DataFrame(
        {"bus": [1, 2], "p_mw": [100.0, -drawn], "p_max_mw": [400.0, 50.0]}
    )
    network = left._replace(generators=generators).network()
    np.testing.assert_allclose(dispatch(network), [90 + drawn, -drawn])
    # 400 less what the first makes, and what the second could make.
    np.testing.assert_allclose(spare_mw(network), [310 - drawn, 50])
    np.testing.assert_allclose(base_injection(network), [90 + drawn, -drawn, -90])


def test_what_draws_without_one_that_runs() -> None:
    """Nothing runs: what draws is a load that the others share by their size."""
    left = triangle()
    generators = pd.DataFrame(
        {"bus": [1, 1, 2], "p_mw": [0.0, 0.0, -30.0], "p_max_mw": [100.0, 300.0, 50.0]}
    )
    network = left._replace(generators=generators).network()
    np.testing.assert_allclose(dispatch(network), [30, 90, -30])
    alone = left._replace(generators=generators.iloc[2:]).network()
    assert np.isnan(dispatch(alone)).all()
    assert np.isnan(hosting_capacity(alone)).all()


@given(tables(), st.integers(0, 2**32 - 1))
@FAST
def test_what_draws_is_a_load_to_all_rules(drawn: Tables, seed: int) -> None:
    """A pump gives the results of a load in its place and a unit at rest there."""
    rng = np.random.default_rng(seed)
    generators = drawn.generators.copy()
    pumps = rng.random(len(generators)) < 0.4
    generators.loc[pumps, "p_mw"] = rng.uniform(-90, -1, pumps.sum())
    with_pumps = drawn._replace(generators=generators).network()
    runs = np.bincount(
        with_pumps.island[with_pumps.generator_bus],
        np.maximum(with_pumps.p_mw, 0),
        with_pumps.n_islands,
    )
    # Where none runs, units at rest would share the load.
    assume((runs > 0).all())
    where = with_pumps.generator_bus[pumps]
    as_load = dataclasses.replace(
        with_pumps,
        load_mw=with_pumps.load_mw
        + np.bincount(where, -with_pumps.p_mw[pumps], len(with_pumps.bus)),
        p_mw=np.maximum(with_pumps.p_mw, 0.0),
    )
    output = dispatch(with_pumps)
    np.testing.assert_array_equal(output[pumps], with_pumps.p_mw[pumps])
    np.testing.assert_allclose(output[~pumps], dispatch(as_load)[~pumps], rtol=1e-9)
    np.testing.assert_allclose(spare_mw(with_pumps), spare_mw(as_load), atol=1e-6)
    np.testing.assert_allclose(
        hosting_capacity(with_pumps, min_kv=0),
        hosting_capacity(as_load, min_kv=0),
        rtol=1e-6,
        atol=1e-5,
    )
    # The other code follows the same rule.
    bus = with_pumps.bus[int(rng.integers(len(with_pumps.bus)))]
    assume(spare_mw(with_pumps.around([bus])).sum() > 0)
    one, two = (applied_flows(n, {bus: 5.0}) for n in (with_pumps, as_load))
    np.testing.assert_allclose(one["flow_before_mw"], two["flow_before_mw"], atol=1e-6)
    np.testing.assert_allclose(one["flow_after_mw"], two["flow_after_mw"], atol=1e-6)
    flow = pd.Series(dc_flow(with_pumps).flow_mw, with_pumps.branch)
    np.testing.assert_allclose(
        one["flow_before_mw"], flow.reindex(one.index), atol=1e-6
    )


def test_dc_line_is_a_load_and_an_infeed() -> None:
    """30 MW over DC from 1 to 3 leave 60 MW for the AC lines."""
    left = triangle()
    dclines = pd.DataFrame({"from_bus": [1], "to_bus": [3], "p_mw": [30.0]})
    network = left._replace(dclines=dclines).network()
    np.testing.assert_allclose(dc_flow(network).flow_mw, [20, 20, 40])
    assert hosting_capacity(network, [3])[0] == pytest.approx(90)


def test_dc_line_does_not_join_islands() -> None:
    network = Network.from_tables(
        pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": [10.0, 50.0]}),
        triangle().branches.iloc[:0],
        pd.DataFrame({"bus": [1, 2], "p_mw": [1.0, 1.0], "p_max_mw": [100.0, 70.0]}),
        pd.DataFrame({"from_bus": [1], "to_bus": [2], "p_mw": [20.0]}),
    )
    assert network.n_islands == 2
    np.testing.assert_allclose(dispatch(network), [30, 30])
    np.testing.assert_allclose(hosting_capacity(network), [70, 40])


def test_more_infeed_than_load_cannot_be_balanced() -> None:
    network = Network.from_tables(
        pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": [10.0, 5.0]}),
        triangle().branches.iloc[:0],
        pd.DataFrame({"bus": [1, 2], "p_mw": [1.0, 1.0], "p_max_mw": [100.0, 70.0]}),
        pd.DataFrame({"from_bus": [1], "to_bus": [2], "p_mw": [20.0]}),
    )
    assert np.isnan(hosting_capacity(network, [2])[0])


# --- oracles ------------------------------------------------------------------


@FAST
@given(tables(), st.sampled_from([0.0, 0.05, 0.2]))
def test_capacity_is_where_a_rising_load_first_overloads(
    drawn: Tables, cutoff: float
) -> None:
    network = drawn.network()
    got = hosting_capacity(network, cutoff=cutoff, min_kv=0)
    for bus in range(0, len(network.bus), 2):
        want = by_bisection(network, bus, max(cutoff, 1e-9))
        assert got[bus] == pytest.approx(want, rel=1e-6, abs=1e-5)


@FAST
@given(tables())
def test_flow_conserves_power_and_equals_dense_algebra(drawn: Tables) -> None:
    network = drawn.network()
    flow = dc_flow(network)
    count = len(network.bus)
    out = np.bincount(network.from_bus, flow.flow_mw, count)
    out -= np.bincount(network.to_bus, flow.flow_mw, count)
    made = np.bincount(network.generator_bus, dispatch(network), count)
    np.testing.assert_allclose(out, made - network.load_mw, atol=1e-8)
    np.testing.assert_allclose(
        flow.flow_mw, dense_flow(network, flow.injection_mw), atol=1e-7
    )


@FAST
@given(tables())
def test_factors_are_what_a_second_flow_shows(drawn: Tables) -> None:
    network = drawn.network()
    factors = ptdf_columns(network, network.bus)
    base = dc_flow(network)
    spare = spare_mw(network)
    for bus in range(len(network.bus)):
        _, units = members(network, bus)
        if spare[units].sum() == 0:
            assert np.isnan(factors[:, bus]).all()
            continue
        more = base.injection_mw.copy()
        more[bus] -= 10
        share = spare[units] / spare[units].sum()
        np.add.at(more, network.generator_bus[units], 10 * share)
        change = (dc_flow(network, more).flow_mw - base.flow_mw) / 10
        np.testing.assert_allclose(factors[:, bus], change, atol=1e-9)


@FAST
@given(tables(n_islands=1))
def test_outage_factors_are_what_a_smaller_network_shows(drawn: Tables) -> None:
    network = drawn.network()
    base = dc_flow(network)
    factors = lodf_columns(network, network.branch)
    for lost in range(len(network.branch)):
        keep = np.arange(len(network.branch)) != lost
        rest = drawn._replace(branches=drawn.branches[keep]).network()
        if rest.n_islands > 1:
            assert np.isnan(factors[:, lost]).all()
            continue
        after = dc_flow(rest, base.injection_mw).flow_mw
        want = base.flow_mw + factors[:, lost] * base.flow_mw[lost]
        np.testing.assert_allclose(want[keep], after, atol=1e-7)
        assert want[lost] == pytest.approx(0, abs=1e-9)


@FAST
@given(tables(), st.booleans())
def test_responses_are_what_the_inverse_says(drawn: Tables, negative: bool) -> None:
    """Rows from a bus's own balance equal those that are solved for."""
    if negative:
        # A star point: one branch of negative reactance, small beside the others.
        drawn.branches.loc[0, "x_pu"] = -0.4
    for island in islands_of(drawn.network()):
        size = len(island.bus)
        matrix = np.zeros((size, size))
        for start, end, weight in zip(
            island.from_bus, island.to_bus, island.susceptance, strict=True
        ):
            matrix[[start, end], [start, end]] += weight
            matrix[[start, end], [end, start]] -= weight
        want = np.zeros((size, size))
        assume(size == 1 or np.linalg.cond(matrix[1:, 1:]) < 1e6)
        want[1:, 1:] = np.linalg.inv(matrix[1:, 1:])
        np.testing.assert_allclose(
            island.responses(), want, rtol=0, atol=1e-9 * np.abs(want).max()
        )


@pytest.mark.filterwarnings("ignore")  # pypsa and its imports warn of themselves
@pytest.mark.parametrize("seed", range(3))
def test_flow_and_factors_equal_pypsa(seed: int) -> None:
    pypsa = pytest.importorskip("pypsa")
    rng = np.random.default_rng(seed)
    size, n_lines = 15, 26
    tree = [(int(rng.integers(k)), k) for k in range(1, size)]
    chords = [
        tuple(int(v) for v in rng.choice(size, 2, replace=False))
        for _ in range(n_lines - len(tree))
    ]
    start, end = np.array(tree + chords).T
    x_pu = rng.uniform(0.01, 0.2, n_lines)
    load = rng.uniform(0, 50, size)
    unit_bus = rng.choice(size, 4, replace=False)
    p_mw = rng.uniform(20, 200, 4)
    network = Network.from_tables(
        pd.DataFrame({"bus": np.arange(size), "base_kv": 230.0, "load_mw": load}),
        pd.DataFrame(
            {
                "branch": np.arange(n_lines),
                "from_bus": start,
                "to_bus": end,
                "x_pu": x_pu,
                "rating_mva": 100.0,
            }
        ),
        pd.DataFrame({"bus": unit_bus, "p_mw": p_mw, "p_max_mw": p_mw + 300}),
    )

    other = pypsa.Network()
    other.set_snapshots([0])
    names = [f"b{k:02d}" for k in range(size)]
    lines = [f"l{k:02d}" for k in range(n_lines)]
    for name, mw in zip(names, load, strict=True):
        other.add("Bus", name, v_nom=230.0)
        other.add("Load", f"load {name}", bus=name, p_set=mw)
    for k, line in enumerate(lines):
        ohm = x_pu[k] * 230.0**2 / 100.0
        other.add("Line", line, bus0=names[start[k]], bus1=names[end[k]], x=ohm)
    for k, mw in zip(unit_bus, dispatch(network), strict=True):
        other.add("Generator", f"unit {k}", bus=names[k], p_set=mw)
    other.lpf()
    theirs = other.lines_t.p0.loc[0, lines].to_numpy()
    np.testing.assert_allclose(dc_flow(network).flow_mw, theirs, atol=1e-6)

    other.determine_network_topology()
    part = other.sub_networks.obj.iloc[0]
    part.calculate_PTDF()
    part.calculate_BODF()
    row = pd.Index(part.branches_i().get_level_values(1)).get_indexer(pd.Index(lines))
    column = pd.Index(part.buses_o).get_indexer(pd.Index(names))
    ptdf = np.asarray(part.PTDF)[np.ix_(row, column)]
    share = np.bincount(unit_bus, spare_mw(network), size)
    share /= share.sum()
    np.testing.assert_allclose(
        ptdf_columns(network, network.bus), (ptdf @ share)[:, None] - ptdf, atol=1e-9
    )
    bodf = np.asarray(part.BODF)[np.ix_(row, row)]
    ours = lodf_columns(network, network.branch)
    meshed = ~np.isnan(ours[0])
    np.testing.assert_allclose(ours[:, meshed], bodf[:, meshed], atol=1e-6)
    assert meshed.sum() > n_lines / 2


# --- laws ---------------------------------------------------------------------


@FAST
@given(tables(), st.integers(0, 2**32 - 1))
def test_order_and_labels_do_not_matter(drawn: Tables, seed: int) -> None:
    network = drawn.network()
    want = pd.Series(hosting_capacity(network), network.bus)
    assume((np.abs(np.abs(ptdf_columns(network, network.bus)) - 0.05) > 1e-6).all())
    shuffled = Tables(
        *(t.sample(frac=1, random_state=seed) for t in drawn if t is not None)
    )
    name = {bus: f"bus {bus}" for bus in drawn.buses["bus"]}
    named = Tables(
        shuffled.buses.assign(bus=shuffled.buses["bus"].map(name)),
        shuffled.branches.assign(
            from_bus=shuffled.branches["to_bus"].map(name),
            to_bus=shuffled.branches["from_bus"].map(name),
        ),
        shuffled.generators.assign(bus=shuffled.generators["bus"].map(name)),
    ).network()
    got = hosting_capacity(named, [name[bus] for bus in want.index])
    np.testing.assert_allclose(got, want.to_numpy(), rtol=1e-7, atol=1e-6)


@FAST
@given(tables(), st.floats(0.1, 100))
def test_capacity_scales_with_power_and_not_with_reactance(
    drawn: Tables, factor: float
) -> None:
    network = drawn.network()
    assume((np.abs(np.abs(ptdf_columns(network, network.bus)) - 0.05) > 1e-6).all())
    bigger = dataclasses.replace(
        network,
        load_mw=network.load_mw * factor,
        rating_mw=network.rating_mw * factor,
        p_mw=network.p_mw * factor,
        p_max_mw=network.p_max_mw * factor,
        x_pu=network.x_pu * 3,
    )
    np.testing.assert_allclose(
        hosting_capacity(bigger),
        hosting_capacity(network) * factor,
        rtol=1e-7,
        atol=1e-6 * factor,
    )


@FAST
@given(tables())
def test_higher_cutoff_or_rating_never_lowers_capacity(drawn: Tables) -> None:
    network = drawn.network()
    strict = hosting_capacity(network, cutoff=0, min_kv=0)
    assert (strict >= 0).all()
    for cutoff in (0.05, 0.3, 1.0):
        loose = hosting_capacity(network, cutoff=cutoff, min_kv=0)
        assert (loose >= strict - 1e-9).all()
        strict = loose
    wider = dataclasses.replace(network, rating_mw=network.rating_mw * 2)
    assert (
        hosting_capacity(wider, min_kv=0) >= hosting_capacity(network, min_kv=0) - 1e-9
    ).all()


@FAST
@given(tables(n_islands=1))
def test_a_branch_cut_into_two_parallel_halves_changes_nothing(drawn: Tables) -> None:
    branches = drawn.branches
    half = branches.assign(
        x_pu=branches["x_pu"] * 2, rating_mva=branches["rating_mva"] / 2
    )
    doubled = pd.concat([half, half.assign(branch=half["branch"] + 1000)])
    np.testing.assert_allclose(
        hosting_capacity(drawn._replace(branches=doubled).network(), cutoff=0),
        hosting_capacity(drawn.network(), cutoff=0),
        rtol=1e-6,
        atol=1e-6,
    )


def test_asking_for_some_buses_gives_their_part() -> None:
    network = triangle().network()
    np.testing.assert_allclose(hosting_capacity(network, [3, 1, 3]), [60, 210, 60])
    assert len(hosting_capacity(network, [])) == 0


def test_progress_ends_at_all() -> None:
    seen: list[tuple[int, int]] = []
    hosting_capacity(
        triangle().network(), progress=lambda done, of: seen.append((done, of))
    )
    assert seen == [(3, 3)]


def test_committed_load_lowers_what_is_left() -> None:
    left = triangle()
    network = left.network()
    more = network.with_load({3: 20.0})
    # 110 MW: c carries 73.3, of which the rest is (100 - 73.3) / (2/3).
    assert hosting_capacity(more, [3])[0] == pytest.approx(40)
    assert network.load_mw[2] == 90
    assert network.with_load({}) is network


def test_tables_are_left_alone() -> None:
    left = triangle((0.0, np.nan, 100.0))
    before = [t.copy() for t in left if t is not None]
    hosting_capacity(left.network())
    for was, now in zip(before, left, strict=False):
        assert now is not None
        pd.testing.assert_frame_equal(was, now)


def test_repr_counts() -> None:
    assert "3 buses, 3 branches" in repr(triangle().network())


# --- refusals -----------------------------------------------------------------


def _with(table: str, column: str, row: int, value: object) -> Tables:
    left = triangle()._replace(
        dclines=pd.DataFrame({"from_bus": [1], "to_bus": [3], "p_mw": [1.0]})
    )
    frame = getattr(left, table)
    changed = frame[column].astype(object)
    changed.iloc[row] = value
    return left._replace(**{table: frame.assign(**{column: changed})})


@pytest.mark.parametrize(
    ("table", "column", "row", "value"),
    [
        ("buses", "bus", 1, 1),
        ("buses", "bus", 1, None),
        ("buses", "base_kv", 1, 0.0),
        ("buses", "load_mw", 2, np.nan),
        ("buses", "load_mw", 2, "much"),
        ("branches", "branch", 1, "a"),
        ("branches", "from_bus", 0, 99),
        ("branches", "to_bus", 2, None),
        ("branches", "to_bus", 0, 1),
        ("branches", "x_pu", 1, 0.0),
        ("branches", "x_pu", 1, np.nan),
        ("branches", "rating_mva", 1, -5.0),
        ("branches", "rating_mva", 1, "big"),
        ("generators", "bus", 0, 77),
        ("generators", "p_mw", 0, np.inf),
        ("generators", "p_max_mw", 0, -1.0),
        ("dclines", "from_bus", 0, 42),
        ("dclines", "p_mw", 0, np.nan),
        ("buses", "bus", 1, [2]),
        ("branches", "from_bus", 1, [2]),
        ("buses", "load_mw", 0, 1j),
    ],
)
def test_bad_value_names_table_column_and_row(
    table: str, column: str, row: int, value: object
) -> None:
    with pytest.raises(LayerError) as caught:
        _with(table, column, row, value).network()
    message = str(caught.value)
    assert f"grid_{table}" in message
    assert f"`{column}`" in message
    assert f"row {row}" in message or f", {row}" in message


@pytest.mark.parametrize("table", ["buses", "branches", "generators", "dclines"])
def test_missing_column_names_the_nearest(table: str) -> None:
    left = triangle()._replace(
        dclines=pd.DataFrame({"from_bus": [1], "to_bus": [3], "p_mw": [1.0]})
    )
    frame = getattr(left, table)
    column = frame.columns[-1]
    wrong = left._replace(**{table: frame.rename(columns={column: f"{column}s"})})
    with pytest.raises(LayerError, match=f"Did you mean '{column}s'"):
        wrong.network()


def test_what_is_no_table_or_no_number_is_refused() -> None:
    left = triangle()
    for wrong, match in (
        (left._replace(branches=None), "Found NoneType"),
        (left._replace(buses=[1, 2]), "Found list"),
        (
            left._replace(buses=pd.concat([left.buses, left.buses[["bus"]]], axis=1)),
            "more than once",
        ),
        (
            left._replace(
                branches=left.branches.assign(rating_mva=pd.Timestamp("2027-01-01"))
            ),
            "rating_mva",
        ),
    ):
        with pytest.raises(LayerError, match=match):
            wrong.network()


def test_network_without_generators_serves_nothing_and_says_so() -> None:
    """No slack makes up for a balance that generators cannot keep."""
    left = triangle()
    network = left._replace(generators=left.generators.iloc[:0]).network()
    assert np.isnan(hosting_capacity(network)).all()
    assert np.isnan(dc_flow(network).flow_mw).all()
    with pytest.raises(LayerError, match="no spare generation"):
        applied_flows(network, {2: 5.0})
    none = Network.from_tables(*(t.iloc[:0] for t in left[:3]))
    assert hosting_capacity(none).shape == (0,)


def test_negative_load_is_an_infeed() -> None:
    """30 MW fed in at bus 2 leave 60 MW to the generator at bus 1."""
    left = triangle()
    network = left._replace(
        buses=left.buses.assign(load_mw=[0.0, -30.0, 90.0])
    ).network()
    np.testing.assert_allclose(dispatch(network), [60.0])
    np.testing.assert_allclose(dc_flow(network).flow_mw, [10, 40, 50])
    # More infeed than load cannot be balanced.
    more = left._replace(buses=left.buses.assign(load_mw=[0.0, -130.0, 90.0]))
    assert np.isnan(hosting_capacity(more.network())).all()


def test_unknown_bus_and_branch_are_refused() -> None:
    network = triangle().network()
    with pytest.raises(LayerError, match="8"):
        hosting_capacity(network, [1, 8])
    with pytest.raises(LayerError, match="z"):
        lodf_columns(network, ["z"])
    with pytest.raises(LayerError, match="bus 3"):
        network.with_load({3: np.nan})


@pytest.mark.parametrize("cutoff", [-0.1, 1.5, np.nan])
def test_cutoff_outside_a_share_is_refused(cutoff: float) -> None:
    with pytest.raises(StudyError, match="cutoff"):
        hosting_capacity(triangle().network(), cutoff=cutoff)


def test_unbalanced_or_wrong_injection_is_refused() -> None:
    network = triangle().network()
    with pytest.raises(LayerError, match="sum to 0"):
        dc_flow(network, [10.0, 0.0, 0.0])
    with pytest.raises(LayerError, match="(?i:shape)"):
        dc_flow(network, [10.0, -10.0])
    np.testing.assert_allclose(dc_flow(network, [3.0, 0.0, -3.0]).flow_mw, [1, 1, 2])


def test_reactances_that_cancel_are_refused() -> None:
    left = triangle()
    branches = pd.DataFrame(
        {
            "branch": ["a", "b", "c"],
            "from_bus": [1, 1, 1],
            "to_bus": [2, 2, 3],
            "x_pu": [0.1, -0.1, 0.1],
            "rating_mva": 0.0,
        }
    )
    with pytest.raises(SolverError, match="singular"):
        dc_flow(left._replace(branches=branches).network())


def test_what_is_kept_with_a_network_follows_its_arrays() -> None:
    """Written into, copied or pickled, a network answers as a new one would."""
    network = Network.from_tables(
        pd.DataFrame({"bus": [1, 2, 3], "base_kv": 230.0, "load_mw": [0.0, 50, 40]}),
        pd.DataFrame(
            {
                "branch": ["a", "b", "c"],
                "from_bus": [1, 2, 1],
                "to_bus": [2, 3, 3],
                "x_pu": 0.1,
                "rating_mva": 100.0,
            }
        ),
        pd.DataFrame({"bus": [1], "p_mw": [90.0], "p_max_mw": [300.0]}),
    )
    network = dataclasses.replace(network, x_pu=network.x_pu.copy())
    before = dc_flow(network).flow_mw
    sent = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(dc_flow(sent).flow_mw, before)
    network.x_pu[0] = 0.4
    new = dataclasses.replace(network)
    after = dc_flow(network).flow_mw
    assert not np.allclose(after, before)
    np.testing.assert_array_equal(after, dc_flow(new).flow_mw)


def test_kept_flows_are_those_solved_anew() -> None:
    network = Network.from_tables(
        pd.DataFrame({"bus": [1, 2, 3], "base_kv": 230.0, "load_mw": [0.0, 50, 40]}),
        pd.DataFrame(
            {
                "branch": ["a", "b", "c"],
                "from_bus": [1, 2, 1],
                "to_bus": [2, 3, 3],
                "x_pu": 0.1,
                "rating_mva": 100.0,
            }
        ),
        pd.DataFrame({"bus": [1], "p_mw": [90.0], "p_max_mw": [300.0]}),
    )
    network = dataclasses.replace(network, x_pu=network.x_pu.copy())
    asked = [
        ({2: 30.0}, {}),
        ({2: 30.0 + 1e-9}, {}),
        ({2: 30.0, 3: 10.0}, {"outages": ["a"]}),
        ({2: 30.0}, {"outages": ["a"], "cutoff": 0.5}),
        ({2: 30.0}, {"upgrades": {"a": 50.0}}),
    ]
    for _ in range(2):
        for loads, rest in asked:
            table = kept_flows(network, loads, **rest)
            anew = applied_flows(network, loads, **rest)
            pd.testing.assert_frame_equal(table, anew, check_exact=True)
            table["fill"] = 0.0  # The caller's own: the next asks in vain for it.
    network.x_pu[0] = 0.4
    for loads, rest in asked:
        pd.testing.assert_frame_equal(
            kept_flows(network, loads, **rest),
            applied_flows(dataclasses.replace(network), loads, **rest),
            check_exact=True,
        )
