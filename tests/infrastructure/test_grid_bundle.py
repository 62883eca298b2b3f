"""The bundled synthetic network has the base case its publisher solved."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pandas as pd
import pytest

from siteselect.infrastructure.grid import (
    Network,
    applied_flows,
    dc_flow,
    dispatch,
    hosting_capacity,
    lodf_columns,
)


def _table(name: str) -> pd.DataFrame:
    with resources.as_file(
        resources.files("siteselect.data") / f"{name}.parquet"
    ) as path:
        if not path.exists():
            pytest.skip(f"the bundle has no {name}")
        return pd.read_parquet(path)


@pytest.fixture(scope="module")
def buses() -> pd.DataFrame:
    return _table("grid_buses")


@pytest.fixture(scope="module")
def network(buses: pd.DataFrame) -> Network:
    # Without DC lines: the published base case balances without most of them.
    return Network.from_tables(
        buses, _table("grid_branches"), _table("grid_generators")
    )


def test_each_interconnection_is_one_island(
    buses: pd.DataFrame, network: Network
) -> None:
    assert network.n_islands == 3
    assert buses.groupby("interconnection")["bus"].size().to_dict() == {
        "Eastern": 70_047,
        "Texas": 2_000,
        "Western": 10_024,
    }
    of_island = pd.Series(buses["interconnection"].to_numpy()).groupby(network.island)
    assert (of_island.nunique() == 1).all()


def test_base_case_overloads_as_many_lines_as_published(
    buses: pd.DataFrame, network: Network
) -> None:
    """The source's own solved flows exceed 8 ratings, all in the East."""
    over = np.abs(dc_flow(network).flow_mw) > network.rating_mw
    where = buses["interconnection"].to_numpy()[network.from_bus[over]]
    assert list(where) == ["Eastern"] * 8


def test_texas_capacities_are_of_a_plausible_size(
    buses: pd.DataFrame, network: Network
) -> None:
    texas = buses[(buses["interconnection"] == "Texas") & (buses["base_kv"] >= 100)]
    capacity = hosting_capacity(network, texas["bus"])
    assert not np.isnan(capacity).any()
    by_kv = pd.Series(capacity).groupby(texas["base_kv"].to_numpy()).median()
    assert by_kv.is_monotonic_increasing
    # Wide bands by judgement: a wrong unit or base is off by a factor of 10.
    assert 100 < by_kv[115.0] < 400
    assert 1500 < by_kv[500.0] < 8000


@pytest.mark.filterwarnings("ignore")  # pypsa and its imports warn of themselves
def test_texas_flows_equal_pypsa_before_and_after_outages(
    buses: pd.DataFrame, network: Network
) -> None:
    pypsa = pytest.importorskip("pypsa")
    texas = network.around(buses.loc[buses["interconnection"] == "Texas", "bus"][:1])
    assert len(texas.bus) == 2_000
    other = pypsa.Network()
    other.set_snapshots([0])
    bus, branch = texas.bus.astype(str), texas.branch.astype(str)
    other.add("Bus", bus, v_nom=100.0)
    # At 100 kV and 100 MVA a pu is 100 ohm.
    other.add(
        "Line",
        branch,
        bus0=bus[texas.from_bus],
        bus1=bus[texas.to_bus],
        x=100.0 * texas.x_pu,
        s_nom=1e4,
    )
    other.add("Load", bus, bus=bus, p_set=texas.load_mw)
    made = np.bincount(texas.generator_bus, dispatch(texas), len(bus))
    other.add("Generator", bus, bus=bus, p_set=made)
    other.lpf()
    flow = dc_flow(texas).flow_mw
    theirs = other.lines_t.p0.loc[0, branch].to_numpy()
    np.testing.assert_allclose(flow, theirs, atol=1e-6)
    fullest = np.argsort(-np.abs(flow))[:40]
    factors = lodf_columns(texas, texas.branch[fullest])
    kept = fullest[~np.isnan(factors[0])][:12]
    assert len(kept) == 12
    after = other.lpf_contingency(
        snapshots=0, branch_outages=[("Line", b) for b in branch[kept]]
    )
    loaded = applied_flows(texas, {}, outages=texas.branch[kept])
    np.testing.assert_allclose(loaded["flow_before_mw"], theirs, atol=1e-6)
    for k in kept:
        mine = flow + lodf_columns(texas, texas.branch[[k]])[:, 0] * flow[k]
        want = after[("Line", branch[k])].loc["Line"].loc[branch].to_numpy()
        np.testing.assert_allclose(mine, want, atol=1e-6)
