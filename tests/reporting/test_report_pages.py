"""The report on a prepared plan: each site's half page, steps, units, print."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from reporting.test_report import Page
from reporting.toy_plans import HOSTILE, toy_candidates, toy_plan

import siteselect as ss
from siteselect.errors import SiteSelectError, StudyError
from siteselect.reporting import report, site_facts
from siteselect.reporting.background import excluded_table
from siteselect.reporting.steps import not_worked_out, steps_of


@pytest.fixture(scope="module")
def scored():
    area = ss.datasets.region("New Mexico")
    layers = ss.datasets.load_all(area)
    sites = ss.prepare(ss.grid_candidates(area, spacing_km=60), layers)
    criteria = [
        ss.Criterion(
            "backbone", ss.Nearest(layers["substations"]), ss.Falling(1, 60), weight=0.6
        ),
        ss.Criterion("fiber", ss.Column("fiber_km"), ss.Falling(1, 200), weight=0.4),
    ]
    exclude = [ss.Near(layers["lakes"], km=20)]
    return ss.score_sites(sites, criteria, exclude=exclude), criteria


@pytest.fixture(scope="module")
def plan(scored):
    return ss.optimize_sites(
        scored[0],
        power_mw=(600, 600),
        site_mw=[200],
        max_sites=3,
        limits=[
            ss.Limit(
                "county water",
                per_mw="water_m3_per_mw_year",
                by="county",
                at_most="water_available_m3_per_year",
            ),
            ss.Spacing(km=100),
        ],
    )


@pytest.fixture(scope="module")
def steps(plan, scored):
    return {
        "alternatives": plan.alternatives(2),
        "importance": plan.importance(),
        "robustness": plan.survival(scored[1], n=5),
    }


@pytest.fixture(scope="module")
def text(plan, steps, tmp_path_factory):
    folder = tmp_path_factory.mktemp("us")
    path = report(plan, folder, **steps, units="us", accelerator="H100")
    return path.read_text(encoding="utf-8")


def half_pages(text: str) -> list[str]:
    return [Page(part).text for part in text.split('<div class="site">')[1:]]


def test_figures_of_a_site_are_those_of_the_models(plan):
    facts = site_facts(plan, "H100")
    sites = plan.sites.loc[facts.index]
    mw = sites["mw"]
    np.testing.assert_allclose(facts["it_mw"], mw / sites["peak_ratio"])
    hosted = ss.hosted(sites, "H100")
    assert facts["accelerators"].tolist() == hosted["accelerators_hosted"].tolist()
    # Energy by hand: 8,760 hours at the utilisation of the table.
    use = ss.parameters().at["utilisation", "mid"]
    energy = 8760 * use * sites["pue"] * facts["it_mw"]
    np.testing.assert_allclose(facts["energy_mwh_per_year"], energy, rtol=1e-9)
    np.testing.assert_allclose(
        facts["carbon_t_per_year"], energy * sites["carbon_kg_per_mwh"] / 1e3, rtol=1e-9
    )
    np.testing.assert_allclose(
        facts["water_m3_per_year"],
        8760 * use * sites["wue_l_per_kwh"] * facts["it_mw"],
        rtol=1e-9,
    )
    # The model at its middle is what the plan counts; the range holds it.
    np.testing.assert_allclose(facts["capital_usd"], sites["cost_usd"], rtol=1e-9)
    for name in ("capital_usd", "lifetime_usd", "permanent_jobs", "land_acres"):
        assert (facts[f"{name}_low"] < facts[name]).all()
        assert (facts[name] < facts[f"{name}_high"]).all()


def test_each_site_has_its_half_page(plan, steps, text):
    pages = half_pages(text)
    facts = site_facts(plan, "H100")
    assert len(pages) == len(plan.sites) == 3
    for page, (label, fact) in zip(pages, facts.iterrows(), strict=True):
        assert page.startswith(f"{label}: 200 MW")
        assert plan.sites.at[label, "county_name"] in page
        assert f"{fact['accelerators']:,.0f} (H100)" in page
        miles = fact["substation_km"] / 1.609344
        bus = f"{fact['substation']} (model bus, not a real facility), {miles:.1f} mi"
        assert bus in page
        assert f"{fact['fiber_km'] / 1.609344:.1f} mi" in page
        mgd = fact["water_m3_per_year"] / 365 / 3785.411784
        assert f"{mgd:.2f} MGD" in page
        acres = [fact[f"land_acres{s}"] for s in ("", "_low", "_high")]
        assert "{:,.0f} ({:,.0f} to {:,.0f}) acres".format(*acres) in page
        for word in ("PUE", "kg CO2/MWh", "jobs, permanent", "capital, range"):
            assert word in page
        assert "county water" in page
        new = steps["importance"].at[label, "replaced_by"].split(";")[0]
        assert f"What would replace it: {new}" in page
        stays = steps["robustness"].at[label, "survival"]
        assert f"stays chosen {100 * stays:.1f} %" in page.replace(" 0 %", " 0.0 %")
    for table in re.findall(r'<table class="facts">.*?</table>', text, re.S):
        assert not re.search(r"\b(km|ha|m3)\b", Page(table).text)


def test_steps_handed_in_are_those_shown(plan, steps, text, tmp_path):
    page = Page(text).text
    for other in steps["alternatives"]:
        gone = plan.sites.index.difference(other.sites.index)
        assert all(label in page for label in gone)
    assert "2 alternatives follow" in page
    assert "Share of 5 re-solves" in page
    # The tables of an earlier report do not stay beside one that lacks them.
    for name in ("robustness.csv", "mine.csv"):
        (tmp_path / name).write_text("of before")
    path = report(plan, tmp_path, alternatives=2)
    again = Page(path.read_text(encoding="utf-8")).text
    row = page[page.index("plan objective worse by") :].split("The best plans")[0]
    assert row in again
    back = pd.read_csv(tmp_path / "importance.csv", index_col="site")
    np.testing.assert_allclose(back["loss"], steps["importance"]["loss"])
    assert not (tmp_path / "robustness.csv").exists()
    assert (tmp_path / "mine.csv").read_text() == "of before"
    assert "plan.report(folder, robustness=criteria)" in again


def test_excluded_area_is_counted_cell_by_cell(plan, text):
    frame = plan.candidates
    out = frame["excluded_by"].fillna("") != ""
    km2 = (frame.loc[out, "cell_km"] ** 2).sum()
    table = excluded_table(frame)
    assert out.sum() > 0
    assert table["km2"].sum() == pytest.approx(km2)
    said = f"{out.sum()} excluded ({km2 / 1.609344**2:,.0f} sq mi)"
    assert said in Page(text).text
    points = frame.drop(columns=["cell_km", "cell_shape"])
    assert excluded_table(points)["km2"].isna().all()


def test_sources_say_licence_vintage_and_what_they_are_not(text):
    catalog = ss.datasets.layers()
    part = Page(text[text.index('id="sources"') : text.index('id="assumptions"')]).text
    for name in ("substations", "fiber", "counties"):
        row = catalog.loc[name]
        for column in ("title", "licence", "vintage", "not_this"):
            assert " ".join(str(row[column]).split()) in part


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"units": "metric"}, '"si" or "us"'),
        ({"accelerator": "abacus"}, "abacus"),
        ({"alternatives": -1}, "count from 0"),
        ({"alternatives": True}, "count from 0"),
        ({"alternatives": "3"}, "count from 0"),
        ({"alternatives": [1]}, "count from 0"),
        ({"importance": 3}, "importance="),
        ({"importance": pd.DataFrame({"mw": [1]})}, "lacks the column 'loss'"),
        ({"robustness": pd.DataFrame({"mw": [1]})}, "lacks the column 'survival'"),
        ({"robustness": "yes"}, "robustness="),
        ({"robustness": ["yes"]}, "riteri"),
    ],
)
def test_wrong_requests_are_refused_before_anything_is_written(
    plan, tmp_path, asked, words
):
    with pytest.raises(StudyError, match=words):
        report(plan, tmp_path / "report", **asked)
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("folder", [None, 3, "a file/report"])
def test_a_folder_that_cannot_be_is_refused(plan, tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a file").write_text("mine")
    with pytest.raises(SiteSelectError, match=r'plan\.report\("report/"\)'):
        report(plan, folder, alternatives=0, importance=False)


def test_only_what_is_quick_is_worked_out_unasked(plan, scored):
    found = steps_of(plan)
    assert len(found.alternatives) == 3
    assert len(found.importance) == 3
    assert found.robustness is None
    asked_not = steps_of(plan, alternatives=0, importance=False)
    assert asked_not.alternatives is None
    assert asked_not.importance is None
    stopped = replace(plan, status="feasible")
    empty = ss.optimize_sites(scored[0], power_mw=0, site_mw=[200])
    for other in (stopped, empty):
        assert steps_of(other).alternatives is None
    assert "not proved optimal" in not_worked_out(steps_of(stopped), "importance")
    assert "no site is chosen" in not_worked_out(steps_of(empty), "alternatives")
    many = steps_of(replace(plan, sites=pd.concat([plan.sites] * 5)), alternatives=0)
    assert many.importance is None
    assert "each of 15 sites" in not_worked_out(many, "importance")
    assert not_worked_out(many, "alternatives") == (
        "Not computed for this report. To have it: plan.report(folder, alternatives=3)."
    )
    # Counters that need not be whole do not make a program long.
    counted = ss.optimize_sites(
        scored[0],
        power_mw=(600, 600),
        site_mw=[200],
        limits=[ss.Spread("states", by="state", at_least=1)],
    )
    assert set(counted.problem.extra) == {"states"}
    assert len(steps_of(counted).importance) == 3


def test_a_plan_that_cannot_take_steps_says_so(tmp_path):
    toy = toy_plan(1, toy_candidates(spacing_km=300))
    with pytest.raises(StudyError, match="no method alternatives"):
        report(toy, tmp_path / "a", alternatives=1)


def test_hostile_names_stay_text_in_every_step(tmp_path):
    frame = toy_candidates(spacing_km=300)
    frame.attrs["siteselect"]["criteria"][0]["name"] = HOSTILE
    toy = toy_plan(2, frame, seed=1)
    sites = toy.sites.rename(index={toy.sites.index[0]: HOSTILE})
    for part in ("raw", "value", "contribution"):
        sites[f"{HOSTILE}_{part}"] = 0.5
    odd = toy_plan(0, frame, sites=sites)
    importance = pd.DataFrame(
        {"loss": [1.0, math.inf], "replaced_by": [HOSTILE + ";x", ""]},
        index=sites.index,
    )
    stays = pd.DataFrame({"survival": [0.5, 1.0]}, index=sites.index)
    path = report(
        odd, tmp_path, alternatives=[toy], importance=importance, robustness=stays
    )
    page = Page(path.read_text(encoding="utf-8"))
    assert page.text.count("alert(") >= 6
    assert "script" not in page.tags
    assert page.tags.count("img") == 5
    assert not page.handlers
    assert all(a.startswith("data:image/png") for a in page.addresses)
    assert "Nothing: without it no plan holds every limit" in page.text


@pytest.mark.soak
@pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("pdftotext")),
    reason="needs chromium and pdftotext",
)
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_prints_with_caveats_first_and_two_sites_a_page(text, tmp_path, paper):
    page = tmp_path / "report.html"
    page.write_text(
        text.replace("@page { margin", f"@page {{ size: {paper}; margin"), "utf-8"
    )
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu"]
    command += [f"--print-to-pdf={tmp_path / 'a.pdf'}", "--no-pdf-header-footer"]
    subprocess.run([*command, str(page)], check=True, capture_output=True, timeout=120)
    done = subprocess.run(
        ["pdftotext", "-layout", str(tmp_path / "a.pdf"), "-"],
        check=True,
        capture_output=True,
        text=True,
    )
    pages = done.stdout.split("\f")
    first = " ".join(pages[0].split())
    assert "Not checked: protected land" in first
    assert "model buses, not real facilities" in first
    assert "weight rests on layers" in first
    per_page = [p.count("What would replace it") for p in pages]
    assert sum(per_page) == 3
    assert max(per_page) == 2
    # A half page is whole on its page.
    assert per_page == [p.count("Why here") for p in pages]


def test_years_options_and_stronger_lines_are_told(tmp_path):
    network = ss.grid.Network.from_tables(
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
        pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [900.0]}),
    ).with_places(gpd.GeoSeries.from_xy([-101, -100, -99], 32, [1, 2, 3], crs=4326))
    sites = gpd.GeoDataFrame(
        {"score": [0.9, 0.8], "bus": [2, 3], "substation": "model bus 1"},
        geometry=gpd.points_from_xy([-100, -99], [32, 32]),
        crs=4326,
    )
    lines = pd.DataFrame({"branch": ["a"], "usd_per_mw": 5e4, "lead_months": 36})
    plan = ss.optimize_sites(
        sites,
        site_mw=[80],
        power_mw={2028: (80, 80), 2030: (160, 160)},
        limits=[ss.Deliverable(network, upgrades=lines, ordered=2025)],
    )
    (tmp_path / "figures").mkdir()
    for name in ("robustness.png", "mine.png"):
        (tmp_path / "figures" / name).write_text("of before")
    frontier = ss.frontier(
        sites, along="power_mw", values=[80, 160], site_mw=[80], exact=True
    )
    found = Page(report(plan, tmp_path, frontier=frontier).read_text("utf-8"))
    page = found.text
    figures = sorted(p.stem for p in (tmp_path / "figures").glob("*.png"))
    assert figures == ["flows", "frontier", "limits", "mine", "year_maps", "years"]
    assert found.tags.count("img") == 6
    assert "Lines that the plan strengthens" in page
    assert "a 1 2 60 $3.00 million 36" in page
    assert "Each bus is a model bus, not a real facility." in page
    assert "2028 80 80 1" in page
    assert "2030 160 80 2" in page
    assert "MW by year 2028: 80, 2030: 80" in page
    # A network in the program makes solving again dear: nothing unasked.
    assert "as 'deliverable' (Deliverable) makes it long" in page
    assert "plan.report(folder, alternatives=3)" in page
