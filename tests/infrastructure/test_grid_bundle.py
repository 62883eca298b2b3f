"""The bundled synthetic network has the base case its publisher solved."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pandas as pd
import pytest

from siteselect.infrastructure.grid import Network, dc_flow, hosting_capacity


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
