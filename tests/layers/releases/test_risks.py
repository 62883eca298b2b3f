"""Water risk, natural hazards, flood zones and protected areas."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from published import basins, boxes, html_page, measured, risk_counties, table

import siteselect as ss


def test_arid_land_and_missing_data_are_two_things(tmp_path):
    path = tmp_path / "aqueduct.gpkg"
    basins().to_file(path, layer="baseline_annual")
    basins().to_file(path, layer="baseline_monthly")
    layer = ss.releases.aqueduct_baseline(path, vintage="4.0")
    np.testing.assert_array_equal(layer["water_stress"], [0.15, np.nan, np.nan])
    np.testing.assert_array_equal(layer["is_arid"], [0, 1, np.nan])
    np.testing.assert_array_equal(layer["water_stress_score"], [1.6, 5, np.nan])
    assert layer["water_stress_label"].isna().tolist() == [False, False, True]
    np.testing.assert_array_equal(
        layer["groundwater_decline_cm_per_year"], [-1.5, 2, np.nan]
    )
    assert layer["drought_risk"].isna().all()
    assert not any(c.startswith("_") for c in layer.columns)
    assert not any(c.startswith("_") for c in ss.layer_info(layer).units)


def test_projections_are_named_by_scenario_and_year():
    frame = gpd.GeoDataFrame(
        {
            "pfaf_id": [1, 2],
            "bau50_ws_x_r": [0.4, None],
            "bau50_ws_x_s": [3.0, None],
            "opt80_ws_x_r": [9999.0, 0.2],
        },
        geometry=boxes(2),
    )
    layer = ss.releases.aqueduct_future(frame)
    np.testing.assert_array_equal(layer["water_stress"], [0.4, np.nan])
    assert ss.layer_info(layer).vintage == "2050, business as usual"
    late = ss.releases.aqueduct_future(frame, scenario="optimistic", year=2080)
    np.testing.assert_array_equal(late["water_stress"], [np.nan, 0.2])
    with pytest.raises(ss.LayerError, match="2030, 2050, 2080"):
        ss.releases.aqueduct_future(frame, year=2040)
    with pytest.raises(ss.LayerError, match="pes50_ws_x_r"):
        ss.releases.aqueduct_future(frame, scenario="pessimistic")


def test_risk_index_as_shapefile_and_as_table_are_the_same(tmp_path):
    risk_counties().to_file(tmp_path / "NRI_Shapefile_Counties.shp")
    drawn = ss.releases.national_risk_index(tmp_path / "NRI_Shapefile_Counties.shp")
    plain = pd.DataFrame(risk_counties().drop(columns="geometry"))
    plain = plain.rename(columns={"RFLD_RISKS": "IFLD_RISKS"}).replace(-9999, np.nan)
    plain.to_csv(tmp_path / "NRI.csv", index=False, encoding="cp1252")
    told = ss.releases.national_risk_index(tmp_path / "NRI.csv")
    pd.testing.assert_frame_equal(
        pd.DataFrame(drawn.drop(columns="geometry")), told, check_names=False
    )
    assert told["county_name"].tolist()[2] == "Añasco"
    np.testing.assert_array_equal(told["risk_score"], [12.5, 88, np.nan])
    np.testing.assert_array_equal(told["inland_flood_score"], [10, 70, np.nan])
    assert told["tsunami_score"].isna().all()
    assert told["risk_rating"].isna().tolist() == [False, False, True]
    assert ss.layer_info(told).vintage == "March 2023"
    assert "relative" in ss.layer_info(drawn).not_this


def test_tables_of_risks_are_refused_with_their_place(tmp_path):
    read = ss.releases.national_risk_index
    with pytest.raises(ss.LayerError, match="'RISK_SCORE'.*Did you mean 'RISK_SCOR'"):
        read(table(tmp_path / "a.csv", "STCOFIPS,RISK_SCOR,RISK_RATNG\n1,2,x\n"))
    with pytest.raises(ss.LayerError, match="'RISK_SCORE'.*line 3, e.g. 'high'"):
        read(
            table(
                tmp_path / "b.csv",
                "STCOFIPS,RISK_SCORE,RISK_RATNG\n1001,2,x\n1003,high,x\n",
            )
        )
    with pytest.raises(ss.LayerError, match="web page"):
        read(html_page(tmp_path, "c.csv"))
    with pytest.raises(ss.LayerError, match="line 3, saw 4"):
        read(
            table(
                tmp_path / "d.csv", "STCOFIPS,RISK_SCORE,RISK_RATNG\n1,2,x\n1,2,x,4\n"
            )
        )


def test_undetermined_flood_zones_are_unknown_not_safe():
    rows = [
        ("AE", "FLOODWAY", "T", 12.5, "1 % a year or more", 1),
        ("VE", None, "T", -9999.0, "1 % a year or more", 1),
        ("X", "AREA OF MINIMAL FLOOD HAZARD", "F", -9999.0, "below 0.2 % a year", 0),
        ("X", "0.2 PCT ANNUAL CHANCE FLOOD HAZARD", "F", -9999.0,
         "0.2 % a year or more", 0),
        ("X", "AREA WITH REDUCED FLOOD RISK DUE TO LEVEE", "F", -9999.0,
         "behind a levee", 0),
        ("D", None, "F", -9999.0, np.nan, np.nan),
        ("AREA NOT INCLUDED", None, "F", -9999.0, np.nan, np.nan),
        ("OPEN WATER", None, "F", -9999.0, np.nan, np.nan),
    ]  # fmt: skip
    frame = gpd.GeoDataFrame(
        {
            "FLD_ZONE": [r[0] for r in rows],
            "ZONE_SUBTY": [r[1] for r in rows],
            "SFHA_TF": [r[2] for r in rows],
            "STATIC_BFE": [r[3] for r in rows],
        },
        geometry=boxes(len(rows), crs=4269),
    )
    layer = ss.releases.fema_flood_zones(frame)
    assert layer["chance"].tolist() == [r[4] for r in rows]
    np.testing.assert_array_equal(
        layer["is_special_flood_hazard_area"], [r[5] for r in rows]
    )
    np.testing.assert_array_equal(
        layer["flood_elevation_ft"], [12.5] + [np.nan] * (len(rows) - 1)
    )
    # A site in zone D does not pass a gate on the flood zone.
    site = gpd.GeoDataFrame(
        geometry=boxes(8).representative_point().to_list(), crs=4326
    )
    found = measured(site, ss.At(layer, "is_special_flood_hazard_area"))
    np.testing.assert_array_equal(found, [r[5] for r in rows])


def test_protected_areas_have_their_status():
    frame = gpd.GeoDataFrame(
        {
            "FeatClass": ["Fee", "Designation", "Easement"],
            "Unit_Nm": ["A", "B", None],
            "Mang_Type": ["FED", "FED", "NGO"],
            "GAP_Sts": ["1", "3", "2"],
            "GIS_Acres": [247.105, 0, None],
        },
        geometry=boxes(3).to_crs(5070),
    )
    layer = ss.releases.padus(frame)
    assert layer["is_protected"].tolist() == [1, 0, 1]
    np.testing.assert_allclose(layer["area_km2"], [1, 0, np.nan], rtol=1e-5)
    assert layer["kind"].tolist() == ["Fee", "Designation", "Easement"]
    with pytest.raises(ss.LayerError, match="'GAP_Sts'.*Did you mean 'GAP_Status'"):
        ss.releases.padus(frame.rename(columns={"GAP_Sts": "GAP_Status"}))


def test_protected_areas_of_no_status_are_no_safe_ones():
    def areas(status):
        return gpd.GeoDataFrame({"GAP_Sts": ["1", status]}, geometry=boxes(2))

    for status in ("9", "0", "1.5", "-1", "I"):
        with pytest.raises(ss.LayerError, match="'GAP_Sts'.*row 1.*from 1 to 4 are"):
            ss.releases.padus(areas(status))
    for status in ("", " ", None):
        layer = ss.releases.padus(areas(status))
        np.testing.assert_array_equal(layer["is_protected"], [1, np.nan])


@pytest.mark.parametrize(
    ("reader", "frame", "column", "figure"),
    [
        ("aqueduct_baseline", basins, "bws_score", 5.5),
        ("aqueduct_baseline", basins, "w_awr_def_tot_score", 50.0),
        ("aqueduct_baseline", basins, "rfr_raw", 12.0),
        ("aqueduct_baseline", basins, "drr_raw", 40.0),
        ("national_risk_index", risk_counties, "RISK_SCORE", 101.0),
        ("national_risk_index", risk_counties, "RFLD_RISKS", 1e5),
    ],
)
def test_scores_and_shares_beyond_their_range_are_refused(
    reader, frame, column, figure
):
    with pytest.raises(ss.LayerError, match=f"'{column}'.*too large, in row 0"):
        getattr(ss.releases, reader)(frame().assign(**{column: [figure, 0.1, 0.1]}))


def test_no_class_is_no_low_score():
    layer = ss.releases.aqueduct_baseline(basins().assign(bws_score=[1.6, -1, 0]))
    np.testing.assert_array_equal(layer["water_stress_score"], [1.6, np.nan, 0])
    frame = gpd.GeoDataFrame(
        {"pfaf_id": [1], "bau50_ws_x_r": [0.4], "bau50_ws_x_s": [-1]}, geometry=boxes(1)
    )
    assert ss.releases.aqueduct_future(frame)["water_stress_score"].isna().all()


def test_marks_are_no_flood_elevations():
    frame = gpd.GeoDataFrame(
        {
            "FLD_ZONE": ["AE"] * 3,
            "SFHA_TF": ["T"] * 3,
            "STATIC_BFE": [-8888.0, -9999, -3],
        },
        geometry=boxes(3),
    )
    layer = ss.releases.fema_flood_zones(frame)
    np.testing.assert_array_equal(layer["flood_elevation_ft"], [np.nan, np.nan, -3])
    with pytest.raises(ss.LayerError, match="'STATIC_BFE'.*too large, in row 0"):
        ss.releases.fema_flood_zones(frame.assign(STATIC_BFE=1e6))


@pytest.mark.parametrize("code", ["48", "48353000100", "48x53"])
def test_other_codes_are_no_counties(tmp_path, code):
    text = f"STCOFIPS,RISK_SCORE,RISK_RATNG\n1001,2,x\n{code},3,x\n"
    with pytest.raises(ss.LayerError, match="'STCOFIPS'.*5 digits.*in line 3"):
        ss.releases.national_risk_index(table(tmp_path / "a.csv", text))


def test_tables_join_places_by_code_or_not_at_all():
    counties = ss.datasets.load("counties")
    figures = pd.DataFrame({"jobs": [5.0, 6.0]}, index=pd.Index(["48353", "48001"]))
    figures.index.name = "county"
    layer = ss.releases.on_places(figures, counties, "county")
    assert layer.index.equals(counties.index)
    assert layer.set_index("county")["jobs"].dropna().to_dict() == {
        "48353": 5.0,
        "48001": 6.0,
    }

    def of(*labels):
        return figures.set_axis(labels).rename_axis("county")

    with pytest.warns(ss.DataQualityWarning, match="1 of 2 .*left out: 99999"):
        ss.releases.on_places(of("48353", "99999"), counties, "county")
    with pytest.raises(ss.LayerError, match="No place is in both"):
        ss.releases.on_places(of(1, 2), counties, "county")
    with pytest.raises(ss.LayerError, match="repeat"):
        ss.releases.on_places(of("48353", "48353"), counties, "county")
    with pytest.raises(ss.LayerError, match="no column or index"):
        ss.releases.on_places(figures, counties, "fips")
