"""The report: what it says, that it escapes, that it makes no request."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from reporting.toy_plans import HOSTILE, toy_candidates, toy_plan

import siteselect as ss
from siteselect.errors import LayerError, SiteSelectError, SolverError
from siteselect.reporting import NOT_CHECKED, report
from siteselect.reporting.page_cells import unit_text
from siteselect.reporting.site_facts import ACCELERATOR, site_facts
from siteselect.reporting.site_pages import criterion_bars
from siteselect.reporting.steps import Steps
from siteselect.reporting.summary_page import summary_lines
from siteselect.reporting.unit_system import unit_system

FILES = [
    "figures/excluded.png",
    "figures/excluded.svg",
    "figures/limits.png",
    "figures/limits.svg",
    "limits.csv",
    "map.pdf",
    "map.png",
    "map.svg",
    "plan.json",
    "report.html",
    "sites.csv",
    "sites.gpkg",
    "tables.xlsx",
]


def files_in(folder):
    found = (p for p in folder.rglob("*") if p.is_file())
    return sorted(p.relative_to(folder).as_posix() for p in found)


class Page(HTMLParser):
    """Collect elements, addresses and words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.words: list[str] = []
        self.is_style = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.is_style = tag == "style"
        for name, value in attrs:
            if name in {"src", "href", "srcset", "action", "data", "poster"}:
                self.addresses.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_data(self, data):
        if not self.is_style:
            self.words.append(data)

    def handle_endtag(self, tag):
        self.is_style = False

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def frame():
    return toy_candidates(spacing_km=120)


@pytest.fixture(scope="module")
def written(frame, tmp_path_factory):
    """Write one report for all tests that only read it."""
    folder = tmp_path_factory.mktemp("report") / "deep" / "er"
    plan = toy_plan(6, frame, seed=1)
    path = report(plan, folder)
    return plan, path, Page(path.read_text(encoding="utf-8"))


def test_all_files_are_there_and_no_figure_stays_open(written):
    _, path, _ = written
    assert files_in(path.parent) == FILES
    assert not plt.get_fignums()
    # The page holds the very pictures that lie beside it.
    text = path.read_text(encoding="utf-8")
    for name in FILES:
        content = (path.parent / name).read_bytes()
        if name.endswith(".png"):
            assert content[:4] == b"\x89PNG"
            assert base64.b64encode(content).decode() in text
        if name.endswith(".svg"):
            assert b"<text" in content


def test_the_page_says_what_a_director_asks(written):
    plan, _, page = written
    said = page.text
    total = plan.sites["mw"].sum()
    assert f"{total:,.0f} MW in 6 search areas" in said
    assert "Optimal for these inputs (gap 0.0037 %)" in said
    assert "synthetic network - model buses, not real facilities" in said
    assert "Limits that bind: power" in said
    assert "synthetic 60.0 %" in said
    assert "not a parcel" in said
    for item in NOT_CHECKED:
        assert item.topic in said
        assert item.bring in said
    for label in plan.sites.index:
        assert label in said
    assert "2,431.7200 score" in said
    assert "2,431.8100 score" in said
    assert "A note." in said
    assert "NASA GLDAS-2.1" in said
    assert "CC0-1.0" in said


def test_the_first_screen_holds_the_caveats(written):
    _, path, _ = written
    text = path.read_text(encoding="utf-8")
    summary = text[text.index('id="summary"') : text.index('id="map"')]
    assert "Not checked:" in summary
    assert "model buses" in summary
    assert "weight rests on" in summary


def test_a_ratio_is_a_number_without_a_unit():
    row = {"stress_raw": 0.25, "stress_contribution": 0.1, "stress_value": 0.5}
    item = {"name": "stress", "weight": 0.2, "unit": "1 (withdrawals / supply)"}
    (bar,) = criterion_bars(row, [item])
    assert bar["unit"] == "(withdrawals / supply)"
    assert unit_text("1/km") == "1/km"
    assert unit_text(float("nan")) == ""


@pytest.mark.parametrize("status", ["optimal", "feasible"])
def test_a_very_small_gap_is_said_in_one_way(status):
    plan = toy_plan(3, gap=1e-8, status=status)
    lines = " ".join(
        summary_lines(
            plan,
            plan.sites,
            plan.limits,
            site_facts(plan),
            Steps(),
            ACCELERATOR,
            unit_system("si"),
        )
    )
    assert "under" not in lines
    assert "0.0001 %" in lines


def test_limits_show_use_and_price(written):
    _, _, page = written
    assert "power between 3,000 3,000" in page.text
    assert "$45.00 billion" in page.text
    assert "0.8" in page.text


def test_no_request_leaves_the_page(written):
    _, path, page = written
    text = path.read_text(encoding="utf-8")
    assert page.addresses
    assert all(a.startswith("data:image/png;base64,") for a in page.addresses)
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
    assert "default-src 'none'" in text
    assert not re.search(r"""(src|href)\s*=\s*["']?\s*(https?:|//)""", text)
    assert "url(" not in text
    assert "@import" not in text


def test_hostile_text_stays_text(tmp_path):
    frame = toy_candidates(spacing_km=200, names="hostile")
    plan = toy_plan(2, frame)
    sites = plan.sites.rename(index={plan.sites.index[0]: HOSTILE})
    sites = sites.assign(
        why=HOSTILE, state=HOSTILE, county=HOSTILE, county_name=HOSTILE
    )
    sites["substation"] = HOSTILE
    sites["grid_raw"] = sites["grid_value"] = sites["grid_contribution"] = 0.5
    frame = frame.assign(excluded_by=frame["excluded_by"].replace("lakes", HOSTILE))
    criteria = frame.attrs["siteselect"]["criteria"]
    for key in ("unit", "measure", "value", "evidence"):
        criteria[0][key] = HOSTILE
    limits = plan.limits.assign(limit=HOSTILE, group=HOSTILE, unit=HOSTILE)
    evidence = plan.evidence.assign(evidence=HOSTILE)
    odd = toy_plan(
        0,
        frame,
        sites=sites,
        limits=limits,
        evidence=evidence,
        notes=(HOSTILE, "\x00\u202eturned"),
        solver=HOSTILE,
        objective_name=HOSTILE,
    )
    path = report(odd, tmp_path)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert "script" not in page.tags
    # The map, the limits and what was excluded.
    assert page.tags.count("img") == 3
    assert not page.handlers
    assert len(page.addresses) == 3
    assert page.text.count("alert(") >= 10
    assert "\x00" not in text
    assert "\u202e" not in text
    record = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    assert record["solver"] == HOSTILE
    assert (
        HOSTILE in gpd.read_file(tmp_path / "sites.gpkg", layer="sites")["why"].iloc[0]
    )


def test_the_same_plan_gives_the_same_bytes(frame, written, tmp_path):
    _, path, _ = written
    report(toy_plan(6, frame, seed=1), tmp_path)
    for name in FILES:
        ours = (tmp_path / name).read_bytes()
        assert ours == (path.parent / name).read_bytes(), name


def test_another_process_writes_the_same_bytes(written, tmp_path):
    _, path, _ = written
    code = (
        "from reporting.toy_plans import toy_candidates, toy_plan\n"
        "from siteselect.reporting import report\n"
        f"plan = toy_plan(6, toy_candidates(spacing_km=120), seed=1)\n"
        f"report(plan, {str(tmp_path)!r})\n"
    )
    tests = str(Path(__file__).parents[1])
    paths = os.pathsep.join([tests, *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
    for name in FILES:
        ours = (tmp_path / name).read_bytes()
        assert ours == (path.parent / name).read_bytes(), name


@pytest.mark.parametrize(
    ("edited", "words"),
    [
        (lambda s: s.drop(columns="mw"), "no column 'mw'"),
        (lambda s: s.assign(mw="many"), "Column 'mw'"),
        (lambda s: s.assign(mw=pd.array([None] * len(s), dtype="Int64")), "Int64"),
        (lambda s: s.assign(score="high"), "Column 'score'"),
        (lambda s: s.drop(columns="cost_usd"), "'cost_usd'"),
        (lambda s: s.assign(cost_usd="x"), "'cost_usd'"),
        (lambda s: pd.concat([s, s]), "more than once"),
        (lambda s: pd.concat([s, s[["mw"]]], axis=1), "column 'mw' more than once"),
        (lambda s: s.rename(index={s.index[0]: "elsewhere"}), "no candidate"),
        (lambda s: pd.DataFrame(s.drop(columns="geometry")), "without places"),
        (lambda s: s.set_crs(None, allow_override=True), "no CRS"),
        (lambda s: s.set_geometry(s.translate(1e6), crs=4326), "Earth"),
        (lambda s: s.to_crs(5070), "EPSG:4326"),
        (lambda s: [1], "a list"),
    ],
)
def test_sites_edited_by_hand_are_refused_in_words(tmp_path, edited, words):
    plan = small_plan()
    with pytest.raises(SiteSelectError, match=words):
        report(replace(plan, sites=edited(plan.sites)), tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_an_empty_plan_has_a_report(frame, tmp_path):
    plan = toy_plan(0, frame, limits=pd.DataFrame(), evidence=pd.DataFrame())
    page = Page(report(plan, tmp_path).read_text(encoding="utf-8"))
    assert "No search area chosen" in page.text
    assert "The plan chooses no search area." in page.text
    assert "No limit was set." in page.text


def test_assumptions_are_listed_and_those_changed_are_marked(frame, tmp_path):
    frame = frame.copy()
    frame.attrs["siteselect"] = {
        **frame.attrs["siteselect"],
        "prepare": {"parameters": {"peak_ratio": 1.25}},
    }
    path = report(toy_plan(2, frame, seed=1), tmp_path)
    text = path.read_text(encoding="utf-8")
    part = text[text.index('id="assumptions"') : text.index('id="method"')]
    said = Page(part).text
    assert f"1 of {len(ss.parameters())}" in said
    assert "peak_ratio 1.25 1.2 1.4" in said
    assert all(name in said for name in ss.parameters().index)
    assert part.count('class="binding"') == 1


def test_a_frame_without_notes_or_optional_columns_has_a_report(tmp_path):
    frame = gpd.GeoDataFrame(
        {"score": [0.5, np.nan]},
        index=[7, 8],
        geometry=gpd.points_from_xy([-100, -100.2], [32, 32.1]),
        crs=4326,
    )
    plan = toy_plan(0, frame, sites=frame.iloc[:1].assign(mw=100.0))
    page = Page(report(plan, tmp_path).read_text(encoding="utf-8"))
    assert "100 MW in 1 site" in page.text
    assert "its criteria are not known here" in page.text


def test_a_file_in_the_way_is_refused(frame, tmp_path):
    (tmp_path / "report").write_text("mine")
    with pytest.raises(LayerError, match="folder"):
        report(toy_plan(1, frame), tmp_path / "report")


def small_plan():
    sites = gpd.GeoDataFrame(
        {
            "score": [0.9, 0.7, 0.5],
            "capacity_mw": 300.0,
            "cost_usd_per_mw": 1e7,
            "fixed_cost_usd": 0.0,
            "state": ["TX", "TX", "OK"],
        },
        index=["a", "b", "c"],
        geometry=gpd.points_from_xy([-100, -99, -98], [32, 33, 35]),
        crs=4326,
    )
    return ss.optimize_sites(
        sites, power_mw=(300, 300), budget_usd=9e9, site_mw=[100], max_sites=3
    )


def test_a_real_plan_is_verified_in_its_report(tmp_path):
    plan = small_plan()
    path = plan.report(tmp_path / "report")
    page = Page(path.read_text(encoding="utf-8"))
    assert "verification passed" in page.text
    assert "objective adds up" in page.text
    assert "By state: TX 200 MW, OK 100 MW." in page.text


def test_a_plan_that_does_not_verify_says_so_on_the_first_screen(frame, tmp_path):
    class Broken(type(toy_plan(0, frame))):
        def verify(self):
            raise SolverError("The plan does not verify: costs add up.")

    toy = toy_plan(2, frame)
    plan = Broken(**{name: getattr(toy, name) for name in toy.__dataclass_fields__})
    text = report(plan, tmp_path).read_text(encoding="utf-8")
    summary = text[: text.index('id="map"')]
    assert "Verification failed: The plan does not verify" in summary
