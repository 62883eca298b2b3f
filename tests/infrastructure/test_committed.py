"""Committed loads and plants, and whether generation covers load and reserve."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from infrastructure.test_grid import triangle
from strategies import examples

from siteselect.errors import LayerError, StudyError
from siteselect.infrastructure.grid import (
    Network,
    adequacy,
    connection_buses,
    dispatch,
    hosting_capacity,
)


def row(
    ratings: tuple[float, float] = (100.0, 100.0), with_dc: bool = False
) -> Network:
    """Buses 1 - 2 - 3 in a row, generation at 1; bus 9 is an island of its own."""
    dclines = pd.DataFrame({"from_bus": [1], "to_bus": [9], "p_mw": [7.0]})
    return Network.from_tables(
        pd.DataFrame(
            {"bus": [1, 2, 3, 9], "base_kv": 230.0, "load_mw": [0.0, 10.0, 20.0, 5.0]}
        ),
        pd.DataFrame(
            {
                "branch": ["a", "b"],
                "from_bus": [1, 2],
                "to_bus": [2, 3],
                "x_pu": 0.1,
                "rating_mva": ratings,
            }
        ),
        pd.DataFrame({"bus": [1, 9], "p_mw": [30.0, 0.0], "p_max_mw": [200.0, 50.0]}),
        dclines if with_dc else None,
    )


def test_committed_load_takes_headroom_and_a_plant_gives_it() -> None:
    network = row()
    assert hosting_capacity(network, [3]).tolist() == [70.0]
    loaded = network.with_committed(loads={3: 30})
    assert hosting_capacity(loaded, [3]).tolist() == [40.0]
    # A plant at bus 3 serves part of the load there: line b carries less.
    both = network.with_committed(loads={3: 30}, plants={3: 400})
    assert hosting_capacity(both, [3])[0] > 70.0
    assert dispatch(both).sum() == pytest.approx(65.0)
    # Nothing was changed in place.
    assert hosting_capacity(network, [3]).tolist() == [70.0]


def test_plant_runs_as_hard_as_its_island() -> None:
    more = row().with_committed(plants=pd.Series([100.0, 60.0, 40.0], [2, 9, 2]))
    assert more.p_max_mw.tolist() == [200.0, 50.0, 100.0, 60.0, 40.0]
    assert more.p_mw.tolist() == [30.0, 0.0, 15.0, 0.0, 6.0]


def test_a_bus_named_twice_adds_up() -> None:
    more = row().with_committed(loads=pd.Series([5.0, 6.0], index=[2, 2]))
    assert more.load_mw.tolist() == [0.0, 21.0, 20.0, 5.0]


def test_nothing_committed_changes_nothing() -> None:
    network = row()
    same = network.with_committed()
    np.testing.assert_array_equal(same.load_mw, network.load_mw)
    np.testing.assert_array_equal(same.p_max_mw, network.p_max_mw)


@pytest.mark.parametrize(
    ("loads", "named"),
    [
        ({99: 5.0}, "99"),
        ({2: -5.0}, r"2 \(-5.0\)"),
        ({2: np.nan}, "2"),
        ({2: "much"}, "much"),
        ([5.0], "list"),
    ],
)
@pytest.mark.parametrize("what", ["loads", "plants"])
def test_bad_commitments_are_named(what: str, loads: object, named: str) -> None:
    with pytest.raises(LayerError, match=named):
        row().with_committed(**{what: loads})


@given(
    seed=st.integers(0, 2**32 - 1),
    margin=st.sampled_from([0.0, 0.15, 0.3]),
)
@examples(25)
def test_adequacy_adds_up_by_area(seed: int, margin: float) -> None:
    rng = np.random.default_rng(seed)
    network = row(with_dc=True).with_committed(
        {int(b): float(rng.uniform(0, 100)) for b in rng.choice([1, 2, 3, 9], 2)},
        {int(b): float(rng.uniform(0, 100)) for b in rng.choice([1, 2, 3, 9], 2)},
    )
    area = {int(b): str(rng.choice(["east", "west"])) for b in network.bus}
    credit = rng.uniform(0, 1, len(network.p_max_mw))
    found = adequacy(network, reserve_margin=margin, areas=area, credit=credit)
    assert list(found.index) == sorted(set(area.values()))
    for name, one in found.iterrows():
        mine = [k for k, b in enumerate(network.bus) if area[int(b)] == name]
        load = sum(network.load_mw[k] for k in mine)
        made = sum(
            c * p
            for c, p, b in zip(
                credit, network.p_max_mw, network.generator_bus, strict=True
            )
            if b in mine
        )
        brought = 7.0 * ((area[9] == name) - (area[1] == name))
        assert one["load_mw"] == pytest.approx(load)
        assert one["generation_mw"] == pytest.approx(made)
        assert one["import_mw"] == pytest.approx(brought)
        surplus = made + brought - (1 + margin) * load
        assert one["surplus_mw"] == pytest.approx(surplus)
        assert one["is_adequate"] == (surplus >= 0)
        if load > 0:
            assert one["margin"] == pytest.approx((made + brought - load) / load)


def test_islands_are_areas_by_default() -> None:
    found = adequacy(row(), reserve_margin=0.15)
    assert found.index.tolist() == [1, 9]
    assert found["load_mw"].tolist() == [30.0, 5.0]


def test_bad_areas_and_margins_are_named() -> None:
    network = row()
    with pytest.raises(LayerError, match="2 buses have none: 3, 9"):
        adequacy(network, reserve_margin=0.15, areas={1: "a", 2: "a"})
    for margin in (-0.1, np.nan, "15 %", [0.1, 0.2]):
        with pytest.raises(StudyError, match="reserve_margin"):
            adequacy(network, reserve_margin=margin)
    with pytest.raises(StudyError, match="each of 2 generators"):
        adequacy(network, reserve_margin=0.15, credit=[1.0])
    with pytest.raises(TypeError):
        adequacy(network)


def test_site_connects_to_the_bus_that_hosts_most() -> None:
    network = row(ratings=(100.0, 40.0))
    buses = pd.DataFrame(
        {"bus": [1, 2, 3, 9], "substation": ["north", "south", "south", "far"]}
    )
    names = pd.Series(["south", None, "far", "south"], index=list("abcd"))
    found = connection_buses(names, buses, network)
    assert found.name == "bus"
    assert found.dropna().to_dict() == {"a": 2, "c": 9, "d": 2}
    # None of the voltage that is asked for.
    low = connection_buses(names, buses, network, min_kv=500.0)
    assert low.isna().all()
    with pytest.raises(LayerError, match="'west'"):
        connection_buses(pd.Series(["west"]), buses, network)
    with pytest.raises(LayerError, match="`substation`"):
        connection_buses(names, buses[["bus"]], network)


def test_a_plant_runs_as_hard_as_those_that_run() -> None:
    """A unit that charges says nothing of how hard plants run."""
    left = triangle()
    generators = pd.DataFrame(
        {"bus": [1, 2], "p_mw": [90.0, -80.0], "p_max_mw": [300.0, 500.0]}
    )
    network = left._replace(generators=generators).network()
    more = network.with_committed(plants={2: 100})
    assert more.p_mw.tolist() == pytest.approx([90.0, -80.0, 30.0])
