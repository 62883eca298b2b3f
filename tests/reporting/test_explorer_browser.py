"""The explorer in a real browser, without a network: what a reader does there."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from reporting.test_explorer import toy_curve
from reporting.toy_plans import HOSTILE, toy_candidates, toy_plan

import siteselect as ss
from siteselect.reporting import explore
from siteselect.reporting.explorer.rescoring import REDONE

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
DRIVER = shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER),
    reason="no chromium with its driver here: apt install chromium chromium-driver",
)

NAMES = ("grid", "solar", "water", "labor")
WEIGHTS = (0.4, 0.3, 0.2, 0.1)
#: Where a drawn point stands in the window.
POINT = """
const [layer, k, figure] = arguments, model = Bokeh.documents[0];
const view = Bokeh.index.find_one(model.get_model_by_name(figure));
const data = model.get_model_by_name(layer).data_source.data;
const box = view.canvas_view.el.getBoundingClientRect();
return [box.left + view.frame.x_scale.compute(data.x[k]),
        box.top + view.frame.y_scale.compute(data.y[k])];
"""
SCORES = """
const found = Bokeh.documents[0].get_model_by_name("candidates").data;
return [Array.from(found.score, (v) => (Number.isNaN(v) ? null : v)), found.site];
"""


def random_sites(spacing_km=120, seed=0):
    """Return bare candidates with a figure in [0, 1] for each criterion."""
    rng = np.random.default_rng(seed)
    frame = toy_candidates(spacing_km=spacing_km)
    kept = ["cell_km", "state", "substation", "capacity_mw", frame.geometry.name]
    frame = frame[kept].copy()
    for k, name in enumerate(NAMES):
        frame[name] = np.round(rng.random(len(frame)), 2)
        # Of some places one criterion is unknown; the last is never.
        if k < 3:
            frame.loc[frame.index[rng.random(len(frame)) < 0.05], name] = np.nan
    frame["lake"] = rng.random(len(frame)) < 0.1
    frame.attrs = {}
    return frame


def scored_sites(sites, weights=WEIGHTS, aggregate="weighted_sum"):
    """Score them; NaN where a figure is unknown, excluded in lakes."""
    criteria = [
        ss.Criterion(name, ss.Column(name), ss.Rising(0, 1), weight=weight)
        for name, weight in zip(NAMES, weights, strict=True)
    ]
    lakes = ss.Where("lake", isin=[True], name="lakes")
    return ss.score_sites(sites, criteria, exclude=[lakes], aggregate=aggregate)


class Page:
    """A page in the browser, with the hands of a reader."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, path, width=1400, height=900):
        size = {"width": width, "height": height}
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {**size, "deviceScaleFactor": 1, "mobile": False},
        )
        self.driver.get_log("browser")
        self.driver.get(path.as_uri())
        self.until("return document.body.dataset.ready === 'yes'")
        self.painted()

    def do(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def until(self, script, seconds=20.0):
        end = time.monotonic() + seconds
        while not self.do(script):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.05)

    def painted(self):
        self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "setTimeout(() => requestAnimationFrame("
            "() => requestAnimationFrame(() => done())), 150);"
        )

    def slide(self, criterion, weight):
        self.do(
            "const row = document.querySelector("
            "`input[data-criterion='${arguments[0]}']`);"
            "row.value = arguments[1];"
            "row.dispatchEvent(new Event('input', {bubbles: true}));",
            criterion,
            weight,
        )
        self.painted()

    def point(self, layer, k, figure="map", click=False):
        x, y = self.do(POINT, layer, k, figure)
        kinds = ["mouseMoved"] + ["mousePressed", "mouseReleased"] * click
        for kind in kinds:
            what = {"type": kind, "x": x, "y": y}
            if kind != "mouseMoved":
                what |= {"button": "left", "clickCount": 1}
            self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", what)
            self.painted()

    def click(self, selector):
        self.do("document.querySelector(arguments[0]).click()", selector)
        self.painted()

    def text(self, selector):
        return self.do(
            "return document.querySelector(arguments[0]).innerText", selector
        )

    def texts(self, selector):
        return self.do(
            "return Array.from(document.querySelectorAll(arguments[0]),"
            "(node) => node.innerText)",
            selector,
        )

    def shows(self, selector):
        box = "return document.querySelector(arguments[0]).offsetHeight"
        return self.do(box, selector) > 0

    def rows(self, key):
        """Return the candidates that a layer draws."""
        name = f"rows:{key}"
        model = "return Bokeh.documents[0].get_model_by_name(arguments[0])"
        return self.do(f"{model}.indices", name)

    def pixels(self):
        """Return what the map shows, to compare."""
        self.painted()
        return self.do(
            "const model = Bokeh.documents[0].get_model_by_name('map');"
            "const view = Bokeh.index.find_one(model);"
            "return view.export().canvas.toDataURL()"
        )

    def scores(self):
        found, sites = self.do(SCORES)
        return dict(zip(sites, found, strict=True))

    def complaints(self):
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] in ("WARNING", "SEVERE")
        ]


@pytest.fixture(scope="module")
def page():
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for word in ("headless=new", "no-sandbox", "disable-dev-shm-usage"):
        options.add_argument(f"--{word}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        driver.set_script_timeout(60)
        driver.execute_cdp_cmd("Network.enable", {})
        offline = {"offline": True, "latency": 0}
        driver.execute_cdp_cmd(
            "Network.emulateNetworkConditions",
            {**offline, "downloadThroughput": -1, "uploadThroughput": -1},
        )
        yield Page(driver)
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A plan with alternatives and a frontier, and its page."""
    frame = scored_sites(random_sites())
    frame.attrs["siteselect"]["criteria"][0]["evidence"] = "synthetic"
    plan = toy_plan(6, frame, seed=1)
    others = [toy_plan(6, frame, seed=k) for k in (2, 3)]
    path = tmp_path_factory.mktemp("page") / "map.html"
    explore(plan, path, alternatives=others, frontier=toy_curve(plan))
    return SimpleNamespace(frame=frame, plan=plan, others=others, path=path)


@pytest.mark.parametrize("size", [(1400, 900), (1280, 720)])
def test_the_page_loads_offline_complains_of_nothing_and_nothing_overlaps(
    page, study, size
):
    page.open(study.path, *size)
    page.point("layer:chosen", 2)
    page.slide(1, 0.5)
    assert page.complaints() == []
    assert page.do("return performance.getEntriesByType('resource').length") == 0
    # Nothing is wider than the window, and the parts lie side by side.
    wide = "return document.documentElement.scrollWidth"
    assert page.do(wide) <= size[0]
    boxes = page.do(
        "return ['header', '#layers', '#frame', '#frontier', '#upper', '#ranks']"
        ".map((name) => { const box = document.querySelector(name)"
        ".getBoundingClientRect();"
        "return [box.left, box.top, box.right, box.bottom]; })"
    )
    for k, (left, top, right, bottom) in enumerate(boxes):
        assert right - left > 100
        assert bottom - top > 15
        assert bottom <= size[1]
        for other in boxes[k + 1 :]:
            apart = (
                other[0] >= right - 1
                or other[2] <= left + 1
                or other[1] >= bottom - 1
                or other[3] <= top + 1
            )
            assert apart, (boxes[k], other)
    inside = page.do(
        "const card = document.getElementById('card').getBoundingClientRect();"
        "const frame = document.getElementById('frame').getBoundingClientRect();"
        "return card.bottom <= frame.bottom && card.right <= frame.right"
    )
    assert inside


def test_pointing_at_a_place_tells_the_reasons(page, study):
    page.open(study.path)
    sites = study.plan.sites
    k = 3
    page.point("layer:chosen", k)
    said = page.text("#card")
    assert said.startswith(f"{sites.index[k]}, TX")
    assert f"{sites['mw'].iloc[k]:,.0f} MW" in said
    assert "made-up reason: high grid value" in said
    assert f"{sites['score'].iloc[k]:.3f}" in said
    parts = page.texts("#card .figure")
    wanted = [
        f"{sites[f'{name}_contribution'].iloc[k]:.3f} of {weight:.3f}"
        for name, weight in zip(NAMES, WEIGHTS, strict=True)
    ]
    assert parts == wanted
    inside = study.frame[study.frame["excluded_by"] == ""]
    unknown = np.flatnonzero(inside["score"].isna())[0]
    page.point("layer:unknown", int(unknown))
    said = page.text("#card")
    assert said.startswith(f"{inside.index[unknown]}, TX")
    assert "not known" in said
    page.point("layer:excluded", 0)
    out = study.frame[study.frame["excluded_by"] != ""]
    assert page.text("#card").startswith(f"{out.index[0]}, TX")
    assert "lakes" in page.text("#card")


def test_each_switch_takes_its_layer_off_the_map_and_puts_it_back(page, study):
    page.open(study.path)
    keys = ("chosen", "known", "unknown", "excluded", "borders")
    seen = [page.pixels()]
    for key in keys:
        page.click(f"input[data-layer='{key}']")
        seen.append(page.pixels())
    # Each takes something away, and put back in any order they make the first.
    assert len(set(seen)) == len(keys) + 1
    for key in keys:
        page.click(f"input[data-layer='{key}']")
    assert page.pixels() == seen[0]


def test_moving_weights_gives_the_scores_and_ranks_of_python(page, study):
    page.open(study.path)
    assert not page.shows("#badge")
    moved = (0.4, 0.05, 0.2, 0.55)
    page.slide(1, moved[1])
    page.slide(3, moved[3])
    assert page.shows("#badge")
    assert "not re-optimized" in page.text("#badge")
    assert "A re-score, not a re-optimization" in page.text("#weights")
    wanted = scored_sites(study.frame, moved)
    found = page.scores()
    inside = wanted[wanted["excluded_by"] == ""]
    assert [found[site] for site in inside.index] == [
        None if np.isnan(v) else v for v in inside["score"]
    ]
    ranks = wanted["score"].rank(method="min", ascending=False)
    before = study.frame["score"].rank(method="min", ascending=False)
    rows = [row.split("\t") for row in page.texts("#chosen-ranks tr")]
    sites = sorted(study.plan.sites.index, key=lambda site: ranks[site])
    assert [row[0].split(",")[0] for row in rows] == sites
    assert [row[2:4] for row in rows] == [
        [f"{before[site]:,.0f}", f"{ranks[site]:,.0f}"] for site in sites
    ]
    for row, site in zip(rows, sites, strict=True):
        by = before[site] - ranks[site]
        mark = "–" if by == 0 else f"{'▲' if by > 0 else '▼'} {abs(by):,.0f}"
        assert row[4] == mark
    page.click("#reset")
    found = page.scores()
    inside = study.frame[study.frame["excluded_by"] == ""]
    assert [found[site] for site in inside.index] == [
        None if np.isnan(v) else v for v in inside["score"]
    ]
    assert not page.shows("#badge")


def test_a_criterion_without_weight_makes_what_lacks_it_known(page, study):
    page.open(study.path)
    page.slide(0, 0)
    wanted = scored_sites(study.frame, (0, *WEIGHTS[1:]))
    inside = wanted[wanted["excluded_by"] == ""]
    known = int(inside["score"].notna().sum())
    assert known > study.frame["score"].notna().sum()
    assert f"candidates ({known:,})" in page.text("#layers")
    assert page.rows("known") == np.flatnonzero(inside["score"].notna()).tolist()
    # Another criterion loses its weight: what is known changes again.
    page.slide(0, 0.4)
    page.slide(1, 0)
    wanted = scored_sites(study.frame, (0.4, 0, *WEIGHTS[2:]))
    score = wanted.loc[wanted["excluded_by"] == "", "score"]
    assert page.rows("known") == np.flatnonzero(score.notna()).tolist()
    assert page.rows("unknown") == np.flatnonzero(score.isna()).tolist()
    for k in range(4):
        page.slide(k, 0)
    assert "at least one criterion" in page.text("#trouble")
    assert page.complaints() == []


def test_plans_are_flipped_and_the_frontier_leads_to_the_map(page, study):
    page.open(study.path)
    drawn = (
        "return Bokeh.documents[0].get_model_by_name(arguments[0]).data_source.data.x"
    )
    for other in study.others:
        page.click("#after")
        gone = study.plan.sites.index.difference(other.sites.index)
        assert f"{len(gone)} gone" in page.text("#told")
        assert len(page.do(drawn, "layer:chosen")) == len(other.sites)
        assert len(page.do(drawn, "layer:gone")) == len(gone)
        listed = {text.split(",")[0] for text in page.texts("#chosen-ranks tr")}
        assert listed == set(other.sites.index)
    page.point("frontier:dots", 0, "frontier", click=True)
    assert page.do("return document.getElementById('which').value") == "3"
    assert len(page.do(drawn, "layer:chosen")) == 4
    page.do(
        "const list = document.getElementById('which'); list.value = '4';"
        "list.dispatchEvent(new Event('change'))"
    )
    page.painted()
    chosen = "return Bokeh.documents[0].get_model_by_name('dots').selected.indices"
    assert page.do(chosen) == [1]
    page.click("#before")
    assert page.do(chosen) == [0]


def test_the_map_pans_and_zooms(page, study):
    page.open(study.path)
    seen = (
        "const range = Bokeh.documents[0].get_model_by_name('map').x_range;"
        "return [range.start, range.end]"
    )
    start, end = page.do(seen)
    wheel = {"type": "mouseWheel", "x": 400, "y": 400, "deltaX": 0, "deltaY": -240}
    page.driver.execute_cdp_cmd("Input.dispatchMouseEvent", wheel)
    page.painted()
    low, high = page.do(seen)
    assert high - low < end - start
    for kind, x in (
        ("Pressed", 400),
        ("Moved", 450),
        ("Moved", 500),
        ("Released", 500),
    ):
        what = {"type": f"mouse{kind}", "x": x, "y": 400, "button": "left"}
        page.driver.execute_cdp_cmd(
            "Input.dispatchMouseEvent", {**what, "buttons": 1, "clickCount": 1}
        )
    page.painted()
    assert page.do(seen)[0] < low


WAYS = {
    "GeometricMean": ss.GeometricMean(),
    "Minimum": ss.Minimum(),
    "OWA": ss.OWA(0.3),
    "OWA best": ss.OWA(1),
    "OWA worst": ss.OWA(0),
    "OWA given": ss.OWA(order_weights=[4, 1, 0, 2]),
    "ReferencePoint": ss.ReferencePoint(
        0.8, {n: 0.2 + 0.1 * k for k, n in enumerate(NAMES)}
    ),
}


def test_every_aggregate_of_the_library_is_redone(page, study):
    """All in one page: its own function on the values of each scoring."""
    assert {name.split()[0] for name in WAYS} | {"WeightedSum"} == set(REDONE)
    page.open(study.path)
    from siteselect.reporting.explorer.rescoring import rescoring_of

    sites = random_sites(seed=3).head(300)
    for weights in (WEIGHTS, (0.7, 0.0, 0.1, 0.9)):
        for name, way in WAYS.items():
            scored = scored_sites(sites, weights, way)
            scoring = rescoring_of(scored)
            assert scoring.why_not == "", name
            score, parts = page.do(
                "const [way, values, weights] = arguments;"
                "const held = values.map((v) => Float64Array.from(v, (x) => x ?? NaN));"
                "const found = SiteScore.combine("
                "  way, held, SiteScore.normalized(weights), held[0].length);"
                "const said = (a) => Array.from(a, (x) => Number.isNaN(x) ? null : x);"
                "return [said(found.score), found.parts.map(said)];",
                dict(scoring.way),
                [[None if np.isnan(v) else v for v in row] for row in scoring.values],
                list(weights),
            )
            inside = scored["excluded_by"].to_numpy() == ""
            np.testing.assert_allclose(
                np.array(score, float)[inside],
                scored["score"][inside],
                rtol=1e-12,
                atol=1e-12,
                err_msg=name,
            )
            for k, criterion in enumerate(NAMES):
                np.testing.assert_allclose(
                    np.array(parts[k], float),
                    scored[f"{criterion}_contribution"],
                    rtol=1e-9,
                    atol=1e-12,
                    err_msg=f"{name} {criterion}",
                )


def test_hostile_names_stay_text_in_the_browser(page, tmp_path):
    sites = random_sites(spacing_km=250).rename(columns={"grid": HOSTILE})
    criteria = [ss.Criterion(HOSTILE, ss.Column(HOSTILE), ss.Rising(0, 1))]
    sites["county_name"] = HOSTILE
    frame = ss.score_sites(sites, criteria)
    plan = toy_plan(3, frame)
    plan = toy_plan(
        0, frame, sites=plan.sites.assign(why=HOSTILE), objective_name=HOSTILE
    )
    path = explore(plan, tmp_path / "map.html", alternatives=[plan])
    page.open(path)
    page.point("layer:chosen", 0)
    page.click("#chosen-ranks tr")
    page.slide(0, 0.3)
    assert HOSTILE in page.text("#card dd:last-of-type") or HOSTILE in page.text(
        "#card"
    )
    assert (
        page.do("return document.querySelectorAll('#app img, #app script').length") == 0
    )
    assert page.complaints() == []


ODD = {
    "all excluded": lambda f: f.assign(excluded_by="lakes", score=np.nan),
    "no score": lambda f: f.drop(columns=["score", "excluded_by"]),
    "no values": lambda f: f.drop(columns=["grid_value"]),
    "parcels": lambda f: f.drop(columns=["cell_km", "state"]),
    "all unknown": lambda f: f.assign(score=np.nan, grid_value=np.nan),
}


@pytest.mark.parametrize(
    "name",
    [
        "all excluded",
        "no score",
        "parcels",
        pytest.param("no values", marks=pytest.mark.soak),
        pytest.param("all unknown", marks=pytest.mark.soak),
    ],
)
def test_odd_plans_are_shown_without_complaint(page, study, tmp_path, name):
    frame = ODD[name](study.frame)
    sites = study.plan.sites
    sites = sites[[c for c in sites if c in frame or c == "mw"]]
    plan = replace(toy_plan(0, study.frame), candidates=frame, sites=sites)
    page.open(explore(plan, tmp_path / "map.html", alternatives=[plan]))
    page.point("layer:chosen", 1)
    assert page.text("#card").startswith(str(sites.index[1]))
    page.click("#after")
    page.click("#chosen-ranks tr")
    assert page.complaints() == []


def test_a_notebook_shows_the_page_in_its_frame(page, study, tmp_path):
    inline = explore(study.plan)._repr_html_()
    path = tmp_path / "notebook.html"
    path.write_text(
        f"<!DOCTYPE html><body data-ready='yes' data-own='1'>{inline}</body>", "utf-8"
    )
    page.open(path, 1000, 760)
    frame = page.driver.find_element("tag name", "iframe")
    reach = "return document.querySelector('iframe').contentDocument"
    assert page.do(reach) is None
    page.driver.switch_to.frame(frame)
    try:
        page.until("return document.body.dataset.ready === 'yes'")
        page.slide(2, 0.9)
        assert page.shows("#badge")
        assert page.complaints() == []
    finally:
        page.driver.switch_to.default_content()


@pytest.mark.soak
def test_twenty_thousand_candidates_stay_fluid(page, tmp_path):
    sites = random_sites(spacing_km=20)
    assert len(sites) >= 20_000
    path = explore(toy_plan(6, scored_sites(sites)), tmp_path / "map.html")
    page.open(path)
    seconds = page.driver.execute_async_script(
        """
        const done = arguments[arguments.length - 1], taken = [];
        const row = document.querySelector("input[data-criterion='0']");
        function one() {
          const from = performance.now();
          row.value = 0.1 + 0.02 * taken.length;
          row.dispatchEvent(new Event("input", {bubbles: true}));
          requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(
            () => setTimeout(() => {
              taken.push((performance.now() - from) / 1000);
              taken.length < 15 ? one() : done(taken);
            }, 0))));
        }
        one();
        """
    )
    # A tenth of a second on an idle machine; busy ones get room.
    assert np.median(seconds) < 0.5, seconds
