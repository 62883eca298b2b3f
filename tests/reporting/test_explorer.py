"""The explorer: one page that makes no request, and what it holds."""

from __future__ import annotations

import base64
import builtins
import gzip
import html
import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from reporting.toy_plans import HOSTILE, toy_candidates, toy_plan

from siteselect.errors import MissingDependencyError, StudyError
from siteselect.reporting import explore
from siteselect.reporting.palette import GROUND


def parts_of(path):
    """Return the page without its library, the document it draws, and its notes."""
    text = path.read_text(encoding="utf-8")
    held = {}
    shell = text
    for name in ("plan", "explorer"):
        found = re.search(
            rf'<script type="application/json" id="{name}">(.*?)</script>',
            text,
            re.DOTALL,
        )
        assert found
        held[name] = json.loads(found.group(1))
        shell = shell.replace(found.group(0), "")
    start = shell.index("<script>")
    shell = shell[:start] + shell[shell.index("</script>", start) :]
    return shell, held["plan"], held["explorer"]


def walk(value):
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)


def objects(document, name):
    return [d for d in walk(document) if d.get("name") == name and "attributes" in d]


def sources(document):
    """Return the columns of every data source, arrays decoded."""
    found = []
    for item in objects(document, "ColumnDataSource"):
        data = {}
        for key, value in item["attributes"]["data"]["entries"]:
            if isinstance(value, dict) and value.get("type") == "ndarray":
                raw = base64.b64decode(value["array"]["data"])
                if raw[:2] == b"\x1f\x8b":
                    raw = gzip.decompress(raw)
                value = np.frombuffer(raw, dtype=value["dtype"])
            data[key] = value
        found.append(data)
    return found


def with_values(made):
    """Add the values and contributions of the toy criteria, and their score."""
    rng = np.random.default_rng(1)
    known = made["score"].notna()
    score = 0.0
    for item in made.attrs["siteselect"]["criteria"]:
        name, weight = item["name"], item["weight"]
        made[f"{name}_value"] = np.where(known, rng.random(len(made)), np.nan)
        made[f"{name}_contribution"] = weight * made[f"{name}_value"]
        score = score + made[f"{name}_contribution"]
    made["score"] = score
    return made


@pytest.fixture(scope="module")
def frame():
    return with_values(toy_candidates(spacing_km=90))


@pytest.fixture(scope="module")
def written(frame, tmp_path_factory):
    plan = toy_plan(7, frame, seed=5)
    path = explore(plan, tmp_path_factory.mktemp("page") / "deep" / "map.html")
    return plan, path, *parts_of(path)


def test_the_page_is_one_file_without_requests(written):
    _, path, shell, _, _ = written
    assert [p.name for p in path.parent.iterdir()] == ["map.html"]
    assert not re.search(r"\b(src|href|srcset|action)\s*=", shell)
    assert "http:" not in shell
    assert "https:" not in shell
    assert "default-src 'none'" in shell
    assert "unsafe-eval" not in shell
    assert "Bokeh" in path.read_text(encoding="utf-8")


def test_every_candidate_is_there_with_all_digits(written, frame):
    _, _, _, document, _ = written
    data = {len(d["x"]): d for d in sources(document) if "site" in d}
    out = frame["excluded_by"] != ""
    assert sorted(data) == sorted([int(out.sum()), int((~out).sum())])
    shown = data[int((~out).sum())]
    inside = frame[~out]
    assert shown["site"] == inside.index.tolist()
    moved = inside.geometry.to_crs(5070)
    np.testing.assert_allclose(shown["x"], moved.x / 1000, atol=0.01)
    np.testing.assert_allclose(shown["y"], moved.y / 1000, atol=0.01)
    np.testing.assert_array_equal(shown["score"], inside["score"])
    np.testing.assert_array_equal(shown["v0"], inside["grid_value"])
    np.testing.assert_array_equal(shown["v1"], inside["solar_value"])
    unknown = inside["score"].isna().to_numpy()
    assert unknown.any()
    assert [shown["lacking"][i] for i in np.flatnonzero(unknown)] == (
        ["grid, solar"] * unknown.sum()
    )
    assert data[int(out.sum())]["because"] == ["lakes"] * out.sum()


def test_picks_are_sized_by_megawatts_and_give_reasons(written, frame):
    plan, _, _, document, notes = written
    chosen = notes["plans"][0]["chosen"]
    largest = plan.sites["mw"].max()
    size = np.array(chosen["size"])
    np.testing.assert_allclose(
        size / size.max(), np.sqrt(plan.sites["mw"] / largest), atol=0.01
    )
    assert chosen["why"] == plan.sites["why"].tolist()
    inside = frame.index[frame["excluded_by"] == ""]
    assert [inside[row] for row in chosen["row"]] == plan.sites.index.tolist()
    (drawn,) = [d for d in sources(document) if "size" in d and len(d["size"])]
    assert drawn["x"] == chosen["x"]


def test_every_layer_can_be_switched_and_the_scale_is_in_kilometers(written):
    _, _, _, document, notes = written
    keys = [layer["key"] for layer in notes["layers"]]
    assert keys == ["chosen", "known", "unknown", "excluded", "borders"]
    drawn = {
        item["attributes"].get("name") for item in objects(document, "GlyphRenderer")
    }
    assert {f"layer:{key}" for key in keys} <= drawn
    assert notes["layers"][0]["label"] == "chosen search areas, by MW"
    (bar,) = objects(document, "ScaleBar")
    assert bar["attributes"]["unit"] == "km"


def test_the_same_plan_gives_the_same_bytes(frame, written, tmp_path):
    _, path, *_ = written
    again = explore(toy_plan(7, frame, seed=5), tmp_path / "map.html")
    assert again.read_bytes() == path.read_bytes()


def test_twenty_thousand_candidates_stay_small(tmp_path):
    frame = toy_candidates(spacing_km=20)
    assert len(frame) >= 20_000
    criteria = [
        {"name": f"c{i}", "weight": 1 / 13, "layer": "cities", "evidence": "measured"}
        for i in range(13)
    ]
    frame.attrs["siteselect"]["criteria"] = criteria
    # Nothing of random digits can be packed: this is the worst case.
    assert (
        explore(toy_plan(6, with_values(frame)), tmp_path / "m.html").stat().st_size
        < 6e6
    )


def test_hostile_text_stays_text(tmp_path):
    frame = toy_candidates(spacing_km=200, names="hostile")
    frame.attrs["siteselect"]["criteria"][0]["name"] = HOSTILE
    frame = with_values(frame)
    plan = toy_plan(2, frame)
    sites = plan.sites.rename(index={plan.sites.index[0]: HOSTILE})
    sites = sites.assign(why=HOSTILE, state=HOSTILE, substation=HOSTILE)
    frame = frame.assign(excluded_by=frame["excluded_by"].replace("lakes", HOSTILE))
    hostile = toy_plan(0, frame, sites=sites, objective_name=HOSTILE)
    path = explore(hostile, tmp_path / "m.html", alternatives=[plan])
    text = path.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "<img" not in parts_of(path)[0]
    assert text.count("</script>") == 4
    notes = parts_of(path)[2]
    chosen = notes["plans"][0]["chosen"]
    assert chosen["why"][0] == HOSTILE
    assert chosen["site"][0] == HOSTILE
    assert chosen["row"][0] == -1
    inline = explore(hostile)._repr_html_()
    assert inline.count("<") == 2
    assert inline.count('"') == 8


@pytest.mark.parametrize("n", [0, 1])
def test_empty_and_lone_plans_are_drawn(n, tmp_path):
    frame = toy_candidates(spacing_km=300)
    frame = frame[frame["score"].notna()].iloc[[3]].drop(columns="cell_km")
    path = explore(toy_plan(n, frame), tmp_path / "m.html")
    _, document, notes = parts_of(path)
    assert len([d for d in sources(document) if "site" in d]) == 1
    assert len(notes["plans"][0]["chosen"]["site"]) == n


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="grid_value"), "lack the values of 'grid'"),
        (lambda f: f.assign(score=f["score"] + 0.01), "not what these criteria"),
        (lambda f: f.assign(score=f["score"].fillna(0.5)), "not what these criteria"),
    ],
)
def test_a_score_that_cannot_be_redone_has_no_sliders(frame, change, said, tmp_path):
    path = explore(toy_plan(3, change(frame)), tmp_path / "m.html")
    shell, document, notes = parts_of(path)
    assert said in notes["scoring"]["why_not"]
    assert 'id="sliders"' not in shell
    assert any("c0" in data for data in sources(document))


def test_alternatives_and_frontier_become_plans_to_flip_through(frame, tmp_path):
    plan = toy_plan(5, frame, seed=1)
    others = [toy_plan(5, frame, seed=k, objective=2400.0) for k in (2, 3)]
    path = explore(
        plan, tmp_path / "m.html", alternatives=others, frontier=toy_curve(plan)
    )
    _, document, notes = parts_of(path)
    assert [item["name"] for item in notes["plans"]] == [
        "The plan",
        "Alternative 1",
        "Alternative 2",
        "budget $20.00 billion",
        "budget $30.00 billion",
    ]
    assert len(notes["plans"][0]["lines"]) == 3
    gone = len(plan.sites.index.difference(others[0].sites.index))
    assert f"{gone} gone (dotted rings)" in notes["plans"][1]["lines"][3]
    assert "−31.72 score (−1.3 %)" in notes["plans"][1]["lines"][3]
    (dots,) = [data for data in sources(document) if "gap" in data]
    assert dots["plan"] == [3, 4]
    assert dots["x"] == [20.0, 30.0]
    assert "No plan exists at $10.00 billion." in path.read_text(encoding="utf-8")


def test_a_name_with_tex_marks_is_no_formula_on_the_frontier(frame, tmp_path):
    plan = toy_plan(3, frame, seed=1)
    curve = toy_curve(plan)
    curve.objective_name = "$$\\pi$$"
    path = explore(plan, tmp_path / "m.html", frontier=curve)
    _, document, _ = parts_of(path)
    labels = [item["attributes"]["text"] for item in objects(document, "PlainText")]
    assert "$$\\pi$$" in labels


def test_a_candidate_that_has_not_moved_stands_out_from_the_ground(written):
    _, path, _, _, _ = written
    text = path.read_text(encoding="utf-8")
    (found,) = re.findall(r"palette: \[((?:\"#\w{6}\"(?:, )?){9})\]", text)
    still = found.replace('"', "").split(", ")[4]
    away = [abs(a - b) for a, b in zip(to_rgb(still), to_rgb(GROUND), strict=True)]
    assert min(away) > 0.2


def toy_curve(plan):
    """Return a frontier with two solved plans and one value without any."""
    table = pd.DataFrame(
        {
            "value": [10e9, 20e9, 30e9],
            "bound": [np.nan, 2300.0, 2450.0],
            "objective": [np.nan, 2290.0, 2431.72],
            "gap": [np.nan, 0.004, 0.0],
            "status": ["infeasible", "feasible", "optimal"],
        }
    )
    return SimpleNamespace(
        along="budget_usd",
        unit="USD",
        objective_name="score x MW",
        maximize=True,
        table=table,
        plans={20e9: toy_plan(4, plan.candidates, seed=8), 30e9: plan},
    )


@pytest.mark.parametrize(
    "given",
    [
        {"alternatives": 5},
        {"alternatives": "map.html"},
        {"alternatives": [3]},
        {"frontier": 3},
    ],
)
def test_what_is_no_plan_is_refused_in_four_parts(frame, given, tmp_path):
    with pytest.raises(StudyError, match=r"explore\(.*Try: plan\.explore"):
        explore(toy_plan(1, frame), tmp_path / "m.html", **given)
    assert not list(tmp_path.iterdir())


def test_a_plan_over_other_candidates_is_refused(frame, tmp_path):
    other = toy_plan(2, frame.rename(index=lambda label: f"x{label}"))
    with pytest.raises(StudyError, match="alternative 1.*not among the plan's"):
        explore(toy_plan(1, frame), tmp_path / "m.html", alternatives=[other])


def test_without_a_path_a_notebook_shows_the_page_in_a_sandbox(frame, tmp_path):
    page = explore(toy_plan(1, frame))
    said = page._repr_html_()
    assert re.match(r'<iframe title="[^"<]*" sandbox="allow-scripts', said)
    assert "allow-same-origin" not in said
    held = html.unescape(re.search(r'srcdoc="([^"]*)"', said)[1])
    assert page.save(tmp_path / "m.html").read_text(encoding="utf-8") == held
    assert len(repr(page)) < 100


def test_without_bokeh_the_extra_is_named(monkeypatch, tmp_path):
    for name in [n for n in sys.modules if n.partition(".")[0] == "bokeh"]:
        monkeypatch.delitem(sys.modules, name)
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "bokeh":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"siteselect\[interactive\]"):
        explore(toy_plan(1, toy_candidates(spacing_km=300)), tmp_path / "m.html")
    assert not list(tmp_path.iterdir())


def test_a_level_frontier_keeps_its_dots_within_the_axis():
    from siteselect.reporting.explorer.shown_plans import _range_of

    low, high = _range_of(pd.Series([2462.6, 2462.6 * (1 + 2e-16)]))
    assert low < 2460.5 < 2464.5 < high
    low, high = _range_of(pd.Series([10.0, 30.0]))
    assert (low, high) == pytest.approx((8.5, 31.5))
