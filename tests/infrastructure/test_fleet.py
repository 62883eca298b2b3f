from __future__ import annotations

import pickle

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import siteselect as ss
from siteselect.errors import LayerError, StudyError
from siteselect.infrastructure import (
    Fleet,
    accelerator_table,
    accelerators_hosted,
    hosted,
    product_table,
    racks_hosted,
)

NAMES = [*accelerator_table().index, *product_table().index]
FLEETS = st.dictionaries(
    st.sampled_from(NAMES), st.integers(0, 2_000_000), min_size=1, max_size=6
)


@pytest.mark.parametrize(
    ("counts", "ratio", "it", "facility"),
    [
        # The worked checks of announced fleets: IT MW, facility MW.
        ({"H100": 100_000}, 1.30, 139, (180, 195)),
        ({"H100": 100_000}, 1.40, 139, (180, 195)),
        ({"GB200": 100_000}, 1.30, 209, (270, 293)),
        ({"GB200": 100_000}, 1.40, 209, (270, 293)),
        ({"GB200": 400_000}, 1.40, 836, (1165, 1190)),
        ({"GB200": 280_000, "GB300": 120_000}, 1.40, 849, (1170, 1190)),
    ],
)
def test_worked_checks(counts, ratio, it, facility):
    fleet = Fleet(counts, parameters={"peak_ratio": ratio})
    assert fleet.it_mw == pytest.approx(it, rel=1e-3)
    assert facility[0] <= fleet.facility_mw <= facility[1]


@given(FLEETS)
def test_parts_add_up_and_units_never_mix(counts):
    fleet = Fleet(counts)
    table, total = fleet.to_frame(), fleet.summary()
    parts = table[["chip_mw", "server_mw", "fabric_mw"]]
    np.testing.assert_allclose(parts.sum(axis=1), table["it_mw"])
    assert (parts.to_numpy() >= 0).all()
    assert table["it_mw"].sum() == pytest.approx(total.loc["it_mw", "mid"])
    assert table["accelerators"].sum() == fleet.accelerators
    chips = accelerator_table()
    expected = sum(
        n * product_table()["accelerators"].get(name, 1) for name, n in counts.items()
    )
    assert fleet.accelerators == expected
    by_chip = table.groupby("accelerator")["accelerators"].sum()
    assert fleet.it_mw == pytest.approx(
        (by_chip * chips["mid_kw"].reindex(by_chip.index)).sum() / 1000
    )
    for name in ("it_mw", "facility_mw", "energy_gwh_per_year"):
        low, mid, high = total.loc[name, ["low", "mid", "high"]]
        assert low <= mid <= high


def test_a_rack_counts_its_accelerators_in_whole_racks():
    table = Fleet({"GB200 NVL72": 2, "GB200": 145, "H100": 8}).to_frame()
    assert table["unit"].tolist() == ["rack", "accelerator", "accelerator"]
    assert table["accelerators"].tolist() == [144, 145, 8]
    assert table["racks"].tolist()[:2] == [2, 3]
    assert np.isnan(table["racks"].iloc[2])
    server = Fleet({"DGX H100": 2}).to_frame().iloc[0]
    assert (server["unit"], server["accelerators"]) == ("server", 16)
    assert np.isnan(server["racks"])


def test_energy_uses_the_annual_pue_and_sizing_the_peak():
    fleet = Fleet({"H100": 100_000})
    assert fleet.energy_gwh_per_year == pytest.approx(139 * 0.8 * 1.14 * 8.76)
    cooler = Fleet({"H100": 100_000}, parameters={"annual_pue": 1.10})
    assert cooler.facility_mw == fleet.facility_mw
    assert cooler.energy_gwh_per_year < fleet.energy_gwh_per_year
    fixed = cooler.summary().loc["energy_gwh_per_year"]
    assert fixed["low"] == pytest.approx(122 * 0.7 * 1.10 * 8.76)


def test_h100_equivalents_match_the_published_watts_and_stay_unknown():
    chips = accelerator_table()
    assert Fleet({"H100": 7}).h100_equivalents == 7
    # IT watts per H100-equivalent: 825 to 880 (B200, B300), 454 (R200).
    per_mw = 1000 * chips["h100e_mid"] / chips["mid_kw"]
    assert per_mw["H100"] == pytest.approx(720, rel=0.01)
    assert per_mw[["B200", "GB200", "GB300"]].between(1150, 1250).all()
    assert per_mw["R200"] == pytest.approx(2200, rel=0.01)
    assert np.isnan(Fleet({"H100": 7, "TPU v5p": 1}).h100_equivalents)
    assert "unknown" in repr(Fleet({"TPU v5p": 1}))
    assert chips["h100e_mid"].notna().equals(chips["h100e_source"] != "")


def test_a_fleet_is_a_value():
    fleet = Fleet({"H100": 8.0}, parameters={"peak_ratio": "high"})
    again = pickle.loads(pickle.dumps(fleet))
    assert again == fleet
    assert again.facility_mw == fleet.facility_mw
    assert hash(again) == hash(fleet)
    assert fleet != Fleet({"H100": 8})
    assert Fleet(pd.Series({"H100": 8})).accelerators == 8
    with pytest.raises(TypeError):
        fleet.counts["H100"] = 9
    page = fleet._repr_html_()
    assert "H100" in page
    assert "facility" in page


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"GB200 NVL27": 1}, "Did you mean 'GB200 NVL72'"),
        ({"B300": 1}, "Did you mean 'GB300', 'B200' or 'GB200'"),
        ({"H100": -1}, "H100"),
        ({"H100": 1.5}, "whole"),
        ({"H100": True}, "whole"),
        ({"H100": float("nan")}, "whole"),
        ({"H100": float("inf")}, "whole"),
        ({"H100": "8"}, "whole"),
        ({3: 1}, "do not hold"),
        ({}, "nothing"),
        (pd.Series([1, 2], index=["H100", "H100"]), "repeats"),
        (["H100"], "list"),
    ],
)
def test_fleets_that_cannot_be(counts, said):
    with pytest.raises(StudyError, match=said):
        Fleet(counts)


@given(st.integers(0, 10_000), st.sampled_from(list(product_table().index)))
def test_whole_racks_are_hosted_and_not_one_more(count, product):
    fleet = Fleet({product: count})
    assert racks_hosted(product, fleet.facility_mw) == count
    if count:
        assert racks_hosted(product, fleet.facility_mw * (1 - 1e-9)) == count - 1


def test_hosted_over_a_frame_equals_one_by_one():
    sites = pd.DataFrame(
        {"mw": [0.0, 100.0, 333.3, np.nan], "peak_ratio": [1.3, 1.2, 1.4, 1.3]},
        index=list("abcd"),
    )
    got = hosted(sites, "H100")
    for label in "abc":
        mw, ratio = sites.loc[label]
        assert got.loc[label, "accelerators_hosted"] == accelerators_hosted(
            "H100", mw, peak_ratio=ratio
        )
    assert got.loc["d", ["accelerators_hosted", "h100_equivalents"]].isna().all()
    assert got["racks_hosted"].isna().all()  # no rack product of H100 is known
    assert list(sites.columns) == ["mw", "peak_ratio"]
    racks = hosted(sites, "GB200 NVL72", peak_ratio=1.3)
    assert racks.loc["b", "racks_hosted"] == racks_hosted("GB200 NVL72", 100.0)
    assert racks.loc["b", "accelerators_hosted"] == 72 * racks.loc["b", "racks_hosted"]
    # Without a ratio in the frame the parameter holds.
    bare = hosted(sites[["mw"]], "GB200 NVL72")
    assert bare["racks_hosted"].equals(racks["racks_hosted"])


def test_there_and_back_through_a_plan():
    fleet = Fleet({"GB200 NVL72": 1000})
    sites = gpd.GeoDataFrame(
        {"score": [0.9, 0.8, 0.7], "capacity_mw": 100.0, "peak_ratio": 1.3},
        geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]),
        crs=4326,
    )
    plan = ss.optimize_sites(
        sites, power_mw=(fleet.facility_mw, None), site_mw=[50, 100]
    )
    full = hosted(plan.sites, "GB200 NVL72")
    # Each site may strand the better part of one rack.
    assert full["racks_hosted"].sum() >= 1000 - len(full)
    assert full["h100_equivalents"].sum() >= 0.99 * fleet.h100_equivalents


def test_hosted_refusals():
    sites = pd.DataFrame({"mw": [1.0], "text": ["x"], "peak_ratio": [1.3]})
    with pytest.raises(LayerError, match="no such column"):
        hosted(sites, "H100", mw="mv")
    with pytest.raises(LayerError, match="something else"):
        hosted(sites, "H100", mw="text")
    with pytest.raises(LayerError, match="index"):
        hosted(sites, "H100", mw=pd.Series([1.0], index=[9]))
    with pytest.raises(LayerError, match="list"):
        hosted([1.0], "H100")
    with pytest.raises(StudyError, match="negative"):
        hosted(sites, "H100", mw=-1.0)
    with pytest.raises(StudyError, match="below 1"):
        hosted(sites, "H100", peak_ratio=0.9)
    with pytest.raises(StudyError, match="level"):
        hosted(sites, "H100", level="best")
    with pytest.raises(StudyError, match=r"accelerator, not a rack.*GB200 NVL72"):
        racks_hosted("GB200", 1.0)
    with pytest.raises(StudyError, match="one connection"):
        racks_hosted("GB200 NVL72", float("nan"))
