"""Jobs, pay and occupations."""

from __future__ import annotations

import numpy as np
import pytest
from published import html_page, table, workbook

import siteselect as ss

ANNUAL = (
    '"area_fips","own_code","industry_code","agglvl_code","size_code","year","qtr",'
    '"disclosure_code","annual_avg_estabs","annual_avg_emplvl","total_annual_wages",'
    '"taxable_annual_wages","annual_contributions","annual_avg_wkly_wage",'
    '"avg_annual_pay"\n'
)
QUARTERLY = (
    '"area_fips","own_code","industry_code","agglvl_code","size_code","year","qtr",'
    '"disclosure_code","qtrly_estabs","month1_emplvl","month2_emplvl","month3_emplvl",'
    '"total_qtrly_wages","taxable_qtrly_wages","qtrly_contributions","avg_wkly_wage"\n'
)
ROWS = [
    '"48353","0","10","70","0","2024","A","",900,7000,1,1,1,1000,52000',
    '"48353","5","10","71","0","2024","A","",800,6000,1,1,1,1100,57200',
    '"48353","5","238210","78","0","2024","A","",9,140,1,1,1,1210,62920',
    '"01001","5","238210","78","0","2024","A","N",2,0,0,0,0,0,0',
    '"01003","5","238210","78","0","2024","A","-",3,0,0,0,0,0,0',
    '"48999","5","238210","78","0","2024","A","",1,5,1,1,1,900,46800',
    '"48000","5","238210","58","0","2024","A","",9000,80000,1,1,1,1250,65000',
    '"C1018","5","238210","48","0","2024","A","",40,500,1,1,1,1150,59800',
    '"US000","5","238210","18","0","2024","A","",80000,900000,1,1,1,1300,67600',
]


def test_withheld_jobs_are_unknown_not_none(tmp_path):
    path = table(tmp_path / "2024.annual.csv", ANNUAL + "\n".join(ROWS) + "\n")
    counties = ss.releases.qcew(path, industry="238210")
    assert counties.index.tolist() == ["48353", "01001", "01003"]
    np.testing.assert_array_equal(counties["jobs"], [140, np.nan, np.nan])
    np.testing.assert_array_equal(counties["pay_usd_per_week"], [1210, np.nan, np.nan])
    assert counties["establishments"].tolist() == [9, 2, 3]
    assert ss.releases.qcew(path).loc["48353", "jobs"] == 7000
    assert ss.releases.qcew(path, ownership="5").loc["48353", "jobs"] == 6000
    states = ss.releases.qcew(path, industry="238210", area="state")
    assert states["jobs"].to_dict() == {"48000": 80000}
    metro = ss.releases.qcew(path, industry="238210", area="metro")
    assert metro["jobs"].to_dict() == {"10180": 500}
    assert "2024" in ss.layer_info(counties).vintage


def test_where_nobody_worked_no_pay_is_known(tmp_path):
    row = '"48001","0","10","70","0","2024","A","",2,0,0,0,0,0,0'
    counties = ss.releases.qcew(table(tmp_path / "a.csv", ANNUAL + row + "\n"))
    assert counties.loc["48001", "jobs"] == 0
    assert counties.filter(like="pay").isna().all(axis=None)


def test_quarters_are_asked_for_one_by_one(tmp_path):
    rows = [
        f'"48353","0","10","70","0","2025","{q}","",900,6900,6950,{7000 + q},1,1,1,1000'
        for q in (1, 2)
    ]
    path = table(tmp_path / "2025.csv", QUARTERLY + "\n".join(rows) + "\n")
    second = ss.releases.qcew(path, quarter=2)
    assert second["jobs"].tolist() == [7002]
    assert second["pay_usd_per_year"].isna().all()
    with pytest.raises(ss.LayerError, match=r"2025 Q1, 2025 Q2.*quarter="):
        ss.releases.qcew(path)


def test_a_long_table_is_the_same_piece_by_piece(tmp_path, monkeypatch):
    path = table(tmp_path / "2024.annual.csv", ANNUAL + "\n".join(ROWS) + "\n")
    whole = ss.releases.qcew(path, industry="238210")
    monkeypatch.setattr("siteselect.layers.releases.files._ROWS", 2)
    assert ss.releases.qcew(path, industry="238210").equals(whole)
    bad = path.read_text().replace(",140,", ",many,")
    with pytest.raises(ss.LayerError, match="'annual_avg_emplvl'.*line 4, e.g. 'many'"):
        ss.releases.qcew(table(path, bad), industry="238210")


def test_other_tables_of_jobs_are_refused(tmp_path):
    path = table(tmp_path / "a.csv", ANNUAL + "\n".join(ROWS) + "\n")
    with pytest.raises(ss.LayerError, match="no such rows"):
        ss.releases.qcew(path, industry="518210")
    with pytest.raises(ss.LayerError, match="Did you mean 'county'"):
        ss.releases.qcew(path, area="counties")
    text = path.read_text().replace("disclosure_code", "disclosed")
    with pytest.raises(ss.LayerError, match="'disclosure_code'.*Did you mean"):
        ss.releases.qcew(table(tmp_path / "b.csv", text))
    with pytest.raises(ss.LayerError, match="web page"):
        ss.releases.qcew(html_page(tmp_path, "c.csv"))


# ---------------------------------------------------------------------- wages

NAMES = [
    "AREA", "AREA_TITLE", "AREA_TYPE", "PRIM_STATE", "NAICS", "NAICS_TITLE", "I_GROUP",
    "OWN_CODE", "OCC_CODE", "OCC_TITLE", "O_GROUP", "TOT_EMP", "EMP_PRSE", "JOBS_1000",
    "LOC_QUOTIENT", "PCT_TOTAL", "PCT_RPT", "H_MEAN", "A_MEAN", "MEAN_PRSE", "H_MEDIAN",
    "A_MEDIAN", "ANNUAL", "HOURLY",
]  # fmt: skip


def wage(area, kind, code, employed, hourly, mean, median, group="cross-industry"):
    return [
        area, "Somewhere, TX", kind, "TX", "000000", "Cross-industry", group, 1235,
        code, "Electricians", "detailed", employed, 5.1, 6.5, "1.40", None, None,
        hourly, mean, 2.2, 24, median, None, None,
    ]  # fmt: skip


@pytest.fixture
def wages(tmp_path):
    rows = [
        wage("10180", 4, "47-2111", "480", "25.1", "52,210", "50100"),
        wage("12420", 4, "47-2111", "**", "*", "*", "*"),
        wage("12420", 4, "11-1011", 1650, "#", "#", "#"),
        wage("12420", 4, "47-2111", 9, "1", "1", "1", group="sector"),
        wage("48", 2, "47-2111", 64000, 27, 56000, 55000),
    ]
    return workbook(
        tmp_path / "all_data_M_2024.xlsx", {"All May 2024 data": [NAMES, *rows]}
    )


def test_suppressed_and_capped_wages_are_unknown(wages):
    layer = ss.releases.oews(wages, occupations=["47-2111", "11-1011"])
    assert layer["area"].tolist() == ["10180", "12420", "12420"]
    np.testing.assert_array_equal(layer["employed"], [480, np.nan, 1650])
    np.testing.assert_array_equal(layer["mean_usd_per_year"], [52210, np.nan, np.nan])
    assert layer["is_wage_capped"].tolist() == [0, 0, 1]
    state = ss.releases.oews(wages, occupations="47-2111", area="state")
    assert state["employed"].tolist() == [64000]


def test_other_workbooks_and_occupations_are_refused(wages, tmp_path):
    with pytest.raises(ss.LayerError, match="Did you mean '47-2111'"):
        ss.releases.oews(wages, occupations="47-2112")
    with pytest.raises(ss.LayerError, match="no rows by nonmetro"):
        ss.releases.oews(wages, occupations="47-2111", area="nonmetro")
    rows = [NAMES, wage("10180", 4, "47-2111", "some", 1, 1, 1)]
    path = workbook(tmp_path / "a.xlsx", {"x": rows})
    with pytest.raises(ss.LayerError, match="'TOT_EMP'.*line 2, e.g. 'some'"):
        ss.releases.oews(path, occupations="47-2111")
    names = [n.replace("TOT_EMP", "EMPLOYMENT") for n in NAMES]
    path = workbook(tmp_path / "b.xlsx", {"x": [names, rows[1]]})
    with pytest.raises(ss.LayerError, match="'TOT_EMP'"):
        ss.releases.oews(path, occupations="47-2111")
