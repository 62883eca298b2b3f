"""Hosting capacity after outages, by areas and in parallel."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from infrastructure.test_grid import Tables, tables
from strategies import examples

import siteselect as ss
from siteselect.infrastructure.grid import (
    Network,
    applied_flows,
    hosting_capacity,
    hosting_table,
)
from siteselect.infrastructure.grid.applied import spare_by_island
from siteselect.infrastructure.grid.bridges import unsplitting


@examples(12)
@given(tables(max_buses=8), st.sampled_from([0.0, 0.05, 0.3]), st.booleans())
def test_at_capacity_nothing_is_over_and_one_percent_more_is(
    drawn: Tables, cutoff: float, with_outages: bool
) -> None:
    network = drawn.network()
    outages = unsplitting(network) if with_outages else []
    table = hosting_table(network, cutoff=cutoff, min_kv=0, outages=outages)
    for bus, row in table.dropna(subset="hosting_capacity_mw").iloc[::2].iterrows():
        most = row["hosting_capacity_mw"]
        if spare_by_island(network, [bus])["spare_mw"].iloc[0] == 0:
            assert most == 0
            continue

        def filled(mw: float, bus: object = bus) -> pd.Series:
            found = applied_flows(network, {bus: mw}, outages=outages, cutoff=cutoff)
            return found["fill"].dropna()

        assert not (filled(most) > 1 + 1e-6).any()
        if row["limited_by"] == "branch":
            # From nothing, a megawatt is one percent more and above.
            over = filled(max(1.01 * most, most + 1.0))
            assert over[row["branch"]] > 1
        else:
            spare = spare_by_island(network, [bus])["spare_mw"].iloc[0]
            assert most == pytest.approx(spare)


@examples(8)
@given(tables())
def test_outages_never_add_capacity_and_threads_change_no_bit(drawn: Tables) -> None:
    network = drawn.network()
    outages = unsplitting(network)
    plain = hosting_capacity(network, min_kv=0)
    after = hosting_table(network, min_kv=0, outages=outages)
    known = ~np.isnan(plain)
    mw = after["hosting_capacity_mw"].to_numpy()
    assert (mw[known] <= plain[known]).all()
    # Named where it binds, and only there.
    assert (after["outage"].notna() <= (mw < plain)).all()
    for some in ([], outages):
        threads = hosting_table(network, min_kv=0, outages=some, workers=3)
        pd.testing.assert_frame_equal(
            threads, hosting_table(network, min_kv=0, outages=some), check_exact=True
        )
    one = pd.Series("all", index=network.bus)
    assert np.array_equal(
        hosting_capacity(network, min_kv=0, area=one), plain, equal_nan=True
    )


def row_of_three() -> Network:
    """Generators at both ends of a row, 100 MW of rating on each line."""
    return Network.from_tables(
        pd.DataFrame({"bus": [1, 2, 3], "base_kv": 230.0, "load_mw": 0.0}),
        pd.DataFrame(
            {
                "branch": ["a", "b"],
                "from_bus": [1, 2],
                "to_bus": [2, 3],
                "x_pu": 0.1,
                "rating_mva": 100.0,
            }
        ),
        pd.DataFrame({"bus": [1, 3], "p_mw": 0.0, "p_max_mw": [300.0, 100.0]}),
    )


def test_area_serves_its_own_load() -> None:
    network = row_of_three()
    # Of a load at bus 2 three quarters come over line a.
    assert hosting_capacity(network, [2])[0] == pytest.approx(100 / 0.75)
    west = pd.Series({1: "west", 2: "west", 3: "east"})
    assert hosting_capacity(network, area=west) == pytest.approx([300, 100, 100])
    east = pd.Series({1: "west", 2: "east", 3: "east"})
    assert hosting_capacity(network, area=east) == pytest.approx([300, 100, 100])
    alone = pd.Series({1: "west", 2: "dry", 3: None})
    found = hosting_table(network, area=alone)["hosting_capacity_mw"]
    assert found.tolist() == pytest.approx([300, 0, np.nan], nan_ok=True)


def test_loads_may_be_scaled_and_infeeds_stay() -> None:
    network = row_of_three().with_load({2: 80.0, 3: -10.0})
    night = network.with_loads_scaled(0.5)
    assert night.load_mw.tolist() == [0.0, 40.0, -10.0]
    more = hosting_capacity(night, [2])[0] - hosting_capacity(network, [2])[0]
    assert more > 0
    with pytest.raises(ss.LayerError, match="factor"):
        network.with_loads_scaled(-1.0)
    with pytest.raises(ss.LayerError, match="factor"):
        network.with_loads_scaled("half")


def test_bad_questions_are_named() -> None:
    network = row_of_three()
    for kwargs, error, match in (
        ({"outages": ["z"]}, ss.LayerError, "'z'"),
        ({"outages": "a"}, ss.LayerError, "splits"),
        ({"outages": ["a"]}, ss.LayerError, "'a'.*splits"),
        ({"area": {1: "x"}}, ss.LayerError, "dict"),
        ({"area": pd.Series(["x"], index=[9])}, ss.LayerError, "no buses"),
        ({"area": pd.Series(["x", "y"], index=[1, 1])}, ss.LayerError, "repeated"),
        ({"cutoff": "few"}, ss.StudyError, "cutoff"),
        ({"min_kv": "high"}, ss.StudyError, "min_kv"),
        ({"workers": 0}, ss.StudyError, "workers"),
        ({"workers": 1.5}, ss.StudyError, "workers"),
    ):
        with pytest.raises(error, match=match):
            hosting_capacity(network, **kwargs)


def test_a_network_tells_its_own_capacity_by_label() -> None:
    network = Network.from_tables(
        pd.DataFrame({"bus": ["u", "v"], "base_kv": 230.0, "load_mw": [0.0, 80.0]}),
        pd.DataFrame(
            {
                "branch": ["a"],
                "from_bus": ["u"],
                "to_bus": ["v"],
                "x_pu": [0.1],
                "rating_mva": [100.0],
            }
        ),
        pd.DataFrame({"bus": ["u"], "p_mw": [80.0], "p_max_mw": [200.0]}),
    )
    found = network.hosting_capacity(["v", "u"], cutoff=0.1)
    assert found.to_dict() == pytest.approx({"v": 20.0, "u": 120.0})
    want = hosting_capacity(network, ["v", "u"], cutoff=0.1)
    np.testing.assert_array_equal(found.to_numpy(), want)
    for rule in ("cutof", "network"):
        with pytest.raises(ss.SiteSelectError, match=rule):
            network.hosting_capacity(**{rule: 0.1})
