"""Supply curves and point files of NREL."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from published import html_page, table

import siteselect as ss

CURVE = {
    "sc_gid": [1, 2],
    "latitude": [32.1, 33.0],
    "longitude": [-100.4, -101.0],
    "capacity_ac_mw": [185.0, 12.5],
    "capacity_factor_ac": [0.43, 0.40],
    "area_developable_sq_km": [60.0, 4.0],
    "lcoe_site_usd_per_mwh": [25.0, 27.0],
    "lcoe_all_in_usd_per_mwh": [31.0, 60.0],
    "dist_spur_km": [4.0, None],
    "dist_reinforcement_km": [0.0, 12.0],
}
# Names of the tables that reV wrote before it put units into them.
OLD = {
    "capacity_ac_mw": "capacity",
    "capacity_factor_ac": "mean_cf",
    "area_developable_sq_km": "area_sq_km",
    "lcoe_site_usd_per_mwh": "mean_lcoe",
    "lcoe_all_in_usd_per_mwh": "total_lcoe",
    "dist_spur_km": "dist_km",
    "dist_reinforcement_km": "reinforcement_dist_km",
}


def test_old_and_new_names_give_the_same_curve(tmp_path):
    frame = pd.DataFrame(CURVE)
    frame.to_csv(tmp_path / "new.csv", index=False)
    frame.rename(columns=OLD).to_csv(tmp_path / "old.csv", index=False)
    new = ss.releases.rev_supply_curve(tmp_path / "new.csv")
    old = ss.releases.rev_supply_curve(tmp_path / "old.csv")
    assert new.equals(old)
    assert new["lcoe_usd_per_mwh"].tolist() == [31, 60]
    np.testing.assert_array_equal(new["spur_km"], [4, np.nan])
    assert ss.layer_info(new).resolution_km == 11.5
    assert new.geometry.x.tolist() == CURVE["longitude"]


def test_other_curves_are_refused(tmp_path):
    path = tmp_path / "curve.csv"
    frame = pd.DataFrame(CURVE)
    for change, word in (
        ({"capacity_factor_ac": [43.0, 40.0]}, "exceed 1, in line 2, 3"),
        ({"capacity_ac_mw": ["185", "many"]}, "line 3, e.g. 'many'"),
        ({"longitude": [-100.4, -1010.0]}, "longitude"),
        ({"longitude": [32.1, 33.0], "latitude": [-100.4, -101.0]}, "'latitude'"),
    ):
        frame.assign(**change).to_csv(path, index=False)
        with pytest.raises(ss.LayerError, match=word):
            ss.releases.rev_supply_curve(path)
    frame.drop(columns="capacity_ac_mw").to_csv(path, index=False)
    with pytest.raises(ss.LayerError, match="'capacity_ac_mw' or"):
        ss.releases.rev_supply_curve(path)
    frame.iloc[:0].to_csv(path, index=False)
    with pytest.raises(ss.LayerError, match="no rows"):
        ss.releases.rev_supply_curve(path)
    with pytest.raises(ss.LayerError, match="web page"):
        ss.releases.rev_supply_curve(html_page(tmp_path, "page.csv"))


def nsrdb(path, site=123, hours=8760, unit="w/m2", latitude="32.01"):
    """Write a year in which the sun shines at 600 W/m2 for a third of it."""
    lines = [
        "Source,Location ID,City,State,Country,Latitude,Longitude,Time Zone,Elevation,"
        "GHI Units,Temperature Units,Wind Speed Units",
        f"NSRDB,{site},-,-,-,{latitude},-97.02,-6,207,{unit},c,m/s",
        "Year,Month,Day,Hour,Minute,DNI,GHI,Temperature,Relative Humidity,Wind Speed",
    ]
    for hour in range(hours):
        sun = 600 if hour % 3 == 0 else 0
        lines.append(
            f"2022,1,1,{hour % 24},30,{sun},{sun},{-10 + 20 * (hour % 2)},50,4"
        )
    return table(path, "\n".join(lines) + "\n")


def test_yearly_means_of_points(tmp_path):
    files = [nsrdb(tmp_path / "a.csv"), nsrdb(tmp_path / "b.csv", 124, latitude="33")]
    points = ss.releases.nsrdb_points(files)
    assert points["site"].tolist() == ["123", "124"]
    # By hand: 200 W/m2 on average is 4.8 kWh in a day.
    np.testing.assert_allclose(points["ghi_kwh_per_m2_day"], 4.8)
    np.testing.assert_allclose(points["temperature_c"], 0)
    assert points["year"].tolist() == ["2022", "2022"]
    assert points.geometry.y.tolist() == [32.01, 33]


def test_points_of_part_of_a_year_or_another_unit_are_refused(tmp_path):
    read = ss.releases.nsrdb_points
    with pytest.raises(ss.LayerError, match="100 steps of time"):
        read(nsrdb(tmp_path / "a.csv", hours=100))
    with pytest.raises(ss.LayerError, match="ghi units are 'kwh/m2'"):
        read(nsrdb(tmp_path / "b.csv", unit="kWh/m2"))
    with pytest.raises(ss.LayerError, match="'latitude'.*line 1, e.g. 'north'"):
        read(nsrdb(tmp_path / "c.csv", latitude="north"))
    with pytest.raises(ss.LayerError, match="give no coordinates"):
        read(nsrdb(tmp_path / "d.csv", latitude=""))
    with pytest.raises(ss.LayerError, match="web page"):
        read(html_page(tmp_path, "e.csv"))
    with pytest.raises(ss.LayerError, match="is empty"):
        read(table(tmp_path / "f.csv", ""))


def test_a_year_with_an_unknown_hour_has_no_mean(tmp_path):
    path = nsrdb(tmp_path / "a.csv")
    table(path, path.read_text().replace(",600,-10,", ",,-10,", 1))
    point = ss.releases.nsrdb_points(path).iloc[0]
    assert np.isnan(point["ghi_kwh_per_m2_day"])
    np.testing.assert_allclose(point["dni_kwh_per_m2_day"], 4.8)
    np.testing.assert_allclose(point["temperature_c"], 0)


@pytest.mark.parametrize(
    ("was", "now", "name"),
    [
        (",600,600,", ",600,2160,", "GHI"),
        (",600,600,", ",2160,600,", "DNI"),
        (",-10,", ",263.15,", "Temperature"),
        (",50,4", ",101,4", "Relative Humidity"),
        (",50,4", ",50,400", "Wind Speed"),
    ],
)
def test_steps_in_other_units_are_refused(tmp_path, was, now, name):
    path = nsrdb(tmp_path / "a.csv")
    table(path, path.read_text().replace(was, now))
    with pytest.raises(ss.LayerError, match=f"'{name}'.*too large"):
        ss.releases.nsrdb_points(path)


def test_wind_at_every_height_of_the_file(tmp_path):
    head = "SiteID,7,Site Timezone,-6,Data Timezone,0,Longitude,-100.4,Latitude,32.1\n"
    names = (
        "Year,Month,Day,Hour,Minute,wind speed at 100m (m/s),wind speed at 80m (m/s)"
    )
    path = table(tmp_path / "7.csv", f"{head}{names}\n" + "2012,1,1,0,0,8.5,8\n" * 8784)
    points = ss.releases.wtk_points(path)
    assert points["wind_speed_100m_m_per_s"].tolist() == [8.5]
    assert points["wind_speed_80m_m_per_s"].tolist() == [8.0]
    assert ss.layer_info(points).units["wind_speed_80m_m_per_s"] == "m/s"
    with pytest.raises(ss.LayerError, match="wind speed at 100m"):
        ss.releases.wtk_points(table(tmp_path / "8.csv", f"{head}Year,Month\n2012,1\n"))
