"""A page for each candidate of a shortlist: rank, gates, and what keeps it out."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from reporting.test_report import Page
from reporting.toy_plans import HOSTILE, toy_candidates, toy_plan

import siteselect as ss
from siteselect.errors import StudyError
from siteselect.reporting import report

ACRES = [500.0, 400.0, 90.0, np.nan, 300.0, 800.0]
ZONING = ["industrial", "farm", "industrial", "industrial", None, "housing"]
LABELS = ["a", "b", "c", "d", "e", "f"]


def scored(acres=ACRES, labels=LABELS):
    n = len(labels)
    parcels = gpd.GeoDataFrame(
        {
            "acres": acres,
            "zoning": ZONING,
            "quality": np.linspace(0.9, 0.4, n),
            "capacity_mw": 100.0,
            "cost_usd_per_mw": 1e6,
        },
        geometry=gpd.points_from_xy(-100 + np.arange(n), [32.0] * n),
        crs=4326,
        index=pd.Index(labels, name="parcel"),
    )
    scoring = ss.Scoring(
        [ss.Criterion("quality", ss.Column("quality"), ss.Rising(0, 1), weight=1)],
        exclude=[ss.Where("zoning", equals="housing", missing="keep")],
        gates=[
            ss.Gate(
                "size",
                ss.Column("acres", column_unit="acre"),
                at_least=350,
                conditional=250,
            ),
            ss.Gate("zoning", ss.Column("zoning"), isin=["industrial"]),
        ],
    )
    return scoring.score(parcels)


@pytest.fixture(scope="module")
def plan():
    no_failed = ss.Limit("no failed gate", per_site="gates_failed", at_most=0)
    return ss.optimize_sites(
        scored(), power_mw=(200, 200), site_mw=[100], limits=[no_failed]
    )


@pytest.fixture(scope="module")
def text(plan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    return report(plan, folder, pages="candidates").read_text("utf-8")


def pages_of(text: str) -> dict[str, str]:
    parts = text.split('<div class="site whole">')[1:]
    parts[-1] = parts[-1].split("</section>")[0]
    texts = [Page(part).text for part in parts]
    return {page.split(":")[0]: page for page in texts}


def test_each_candidate_has_a_page_with_its_gates_and_why(plan, text):
    pages = pages_of(text)
    frame = plan.candidates
    chosen = set(plan.sites.index)
    assert set(pages) == set(frame.index)
    # The chosen ones first, then by score, then those without one.
    assert list(pages) == ["a", "d", "b", "c", "e", "f"]
    for label, page in pages.items():
        row = frame.loc[label]
        for gate in ("size", "zoning"):
            assert f"{gate} {row[f'{gate}_gate']}" in page
        assert ("Why here" in page) == (label in chosen)
        assert ("Why not" in page) == (label not in chosen)
        reason = plan.explain(label).reason
        if label not in chosen:
            assert f"{reason[0].upper()}{reason[1:]}." in page
    # By hand: what was found, and what was asked.
    assert "size PASS 500 acre at least 350; on conditions 250" in pages["a"]
    assert "size FAIL 90 acre at least 350; on conditions 250" in pages["c"]
    assert "size UNKNOWN no figure at least 350" in pages["d"]
    assert "zoning FAIL farm one of industrial" in pages["b"]
    assert "zoning UNKNOWN no figure one of industrial" in pages["e"]
    assert "Rank 2 of 5 by score (0.800) · gates: FAIL (fails zoning)" in pages["b"]
    assert "Rank 4 of 5 by score (0.600) · gates: UNKNOWN (unknown size)" in pages["d"]
    assert "what clashes: no failed gate" in pages["b"]
    assert "Why not: Excluded by" in pages["f"]
    assert "No score" in pages["f"]
    # What would replace a chosen one is worked out too.
    assert "What would replace it: e" in pages["a"]


def test_the_table_before_the_pages_counts_every_candidate(text):
    before = Page(text[text.index("Every candidate") : text.index("site whole")]).text
    for label, rank in zip("adbce", "14235", strict=True):
        assert f" {rank} {label} " in before
    assert "– f " in before


def test_half_pages_stay_what_is_written_unasked(plan, tmp_path):
    half = report(plan, tmp_path).read_text("utf-8")
    assert "site whole" not in half
    assert half.count('<div class="site">') == len(plan.sites)


def test_a_plan_that_cannot_be_solved_again_says_how_to_ask(tmp_path, plan):
    stopped = replace(plan, status="feasible")
    pages = pages_of(report(stopped, tmp_path, pages="candidates").read_text("utf-8"))
    assert "plan.explain('b') says what keeps it out" in pages["b"]
    assert "Excluded by" in pages["f"]


def test_other_pages_and_too_many_are_refused_before_anything_is_written(
    plan, tmp_path
):
    with pytest.raises(StudyError, match="pages="):
        report(plan, tmp_path / "a", pages="all")
    many = replace(plan, candidates=pd.concat([plan.candidates] * 51))
    with pytest.raises(StudyError, match="up to 300"):
        report(many, tmp_path / "a", pages="candidates")
    assert not (tmp_path / "a").exists()


def test_hostile_names_stay_text_and_bare_frames_have_pages(tmp_path):
    toy = toy_plan(2, toy_candidates(spacing_km=600), seed=1)
    odd = toy.candidates.rename(index={toy.candidates.index[0]: HOSTILE})
    path = report(replace(toy, candidates=odd), tmp_path, pages="candidates")
    page = Page(path.read_text("utf-8"))
    assert "script" not in page.tags
    assert page.text.count("alert(") >= 2


def test_a_study_writes_them_and_says_what_it_takes(tmp_path):
    parcels = pd.DataFrame({"lon": [-71.5, -71.4], "lat": [41.8, 41.7]})
    parcels.to_csv(tmp_path / "parcels.csv", index=False)
    asked = {
        "candidates": {"file": "parcels.csv", "x": "lon", "y": "lat"},
        "prepare": True,
        "preset": "training",
        "plan": {"power_mw": [50, 50], "site_mw": [50]},
        "outputs": {"files": ["map.png"], "report": True, "pages": "candidates"},
        "folder": tmp_path,
    }
    study = ss.Study(**asked)
    before = plt.get_fignums()
    study.run(tmp_path / "out")
    # A map left open would show up in a notebook.
    assert plt.get_fignums() == before
    text = (tmp_path / "out" / "report" / "report.html").read_text("utf-8")
    assert text.count("site whole") == 2
    with pytest.raises(StudyError, match="'sites' or 'candidates'"):
        ss.Study(**{**asked, "outputs": {"report": True, "pages": "parcels"}})


@pytest.mark.soak
@pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("pdftotext")),
    reason="needs chromium and pdftotext",
)
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_prints_one_candidate_a_page(plan, text, tmp_path, paper):
    path = tmp_path / "report.html"
    sized = f"@page {{ size: {paper}; margin"
    path.write_text(text.replace("@page { margin", sized), "utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu"]
    command += [f"--print-to-pdf={tmp_path / 'a.pdf'}", "--no-pdf-header-footer"]
    subprocess.run([*command, str(path)], check=True, capture_output=True, timeout=120)
    done = subprocess.run(
        ["pdftotext", "-layout", str(tmp_path / "a.pdf"), "-"],
        check=True,
        capture_output=True,
        text=True,
    )
    per_page = [
        page.count("by score (") + page.count("No score")
        for page in done.stdout.split("\f")
    ]
    assert sum(per_page) == len(plan.candidates)
    assert max(per_page) == 1
