"""The explorer: one page that makes no request, and what it holds."""

from __future__ import annotations

import base64
import builtins
import gzip
import json
import re
import sys

import numpy as np
import pytest
from reporting.toy_plans import HOSTILE, toy_candidates, toy_plan

from siteselect.errors import MissingDependencyError
from siteselect.reporting import explore


def parts_of(path):
    """Return the page without its library, and the document it draws."""
    text = path.read_text(encoding="utf-8")
    found = re.search(
        r'<script type="application/json" id="plan">(.*?)</script>', text, re.DOTALL
    )
    assert found
    start = text.index("<script>")
    end = text.index("</script>", start)
    shell = text[:start] + text[end : found.start()] + text[found.end() :]
    return shell, json.loads(found.group(1))


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


@pytest.fixture(scope="module")
def frame():
    made = toy_candidates(spacing_km=90)
    for name, weight in (("grid", 0.6), ("solar", 0.4)):
        made[f"{name}_contribution"] = weight * made["score"]
    return made


@pytest.fixture(scope="module")
def written(frame, tmp_path_factory):
    plan = toy_plan(7, frame, seed=5)
    path = explore(plan, tmp_path_factory.mktemp("page") / "deep" / "map.html")
    return plan, path, *parts_of(path)


def test_the_page_is_one_file_without_requests(written):
    _, path, shell, _ = written
    assert [p.name for p in path.parent.iterdir()] == ["map.html"]
    assert not re.search(r"\b(src|href|srcset|action)\s*=", shell)
    assert "http:" not in shell
    assert "https:" not in shell
    assert "default-src 'none'" in shell
    assert "Bokeh" in path.read_text(encoding="utf-8")


def test_every_candidate_and_pick_is_there_at_its_place(written, frame):
    plan, _, _, document = written
    data = {len(d["x"]): d for d in sources(document) if "site" in d}
    known = frame["score"].notna()
    out = frame["excluded_by"] != ""
    sizes = [known.sum(), out.sum(), (~known & ~out).sum(), len(plan.sites)]
    assert sorted(data) == sorted(int(n) for n in sizes)
    shown = data[int(known.sum())]
    assert shown["site"] == frame.index[known].tolist()
    moved = frame[known].geometry.to_crs(5070)
    np.testing.assert_allclose(shown["x"], moved.x / 1000, atol=0.01)
    np.testing.assert_allclose(shown["y"], moved.y / 1000, atol=0.01)
    np.testing.assert_allclose(shown["score"], frame["score"][known], atol=6e-4)
    np.testing.assert_allclose(shown["c0"], 0.6 * frame["score"][known], atol=6e-4)


def test_picks_are_sized_by_megawatts_and_give_reasons(written):
    plan, _, _, document = written
    (picks,) = [d for d in sources(document) if "why0" in d]
    largest = plan.sites["mw"].max()
    np.testing.assert_allclose(
        picks["size"] / picks["size"].max(),
        np.sqrt(plan.sites["mw"] / largest),
        atol=0.01,
    )
    assert picks["why0"] == plan.sites["why"].tolist()
    tips = [dict(t["attributes"])["tooltips"] for t in objects(document, "HoverTool")]
    assert any(["why", "@why0"] in tip for tip in tips)
    assert any(["grid (of 0.60)", "@c0{0.000}"] in tip for tip in tips)


def test_the_legend_switches_layers_and_the_scale_is_in_kilometers(written):
    _, _, _, document = written
    (legend,) = objects(document, "Legend")
    assert legend["attributes"]["click_policy"] == "hide"
    labels = [
        item["attributes"]["label"]["value"] for item in objects(document, "LegendItem")
    ]
    assert labels[0] == "chosen search areas, by MW"
    assert {label.split(" (")[0] for label in labels[1:]} == {
        "candidates",
        "excluded",
        "not known",
        "states",
    }
    (bar,) = objects(document, "ScaleBar")
    assert bar["attributes"]["unit"] == "km"


def test_the_same_plan_gives_the_same_bytes(frame, written, tmp_path):
    _, path, _, _ = written
    again = explore(toy_plan(7, frame, seed=5), tmp_path / "map.html")
    assert again.read_bytes() == path.read_bytes()


def test_twenty_thousand_candidates_stay_small(tmp_path):
    frame = toy_candidates(spacing_km=20)
    assert len(frame) >= 20_000
    for i in range(12):
        frame[f"c{i}_contribution"] = frame["score"] / 12
    frame.attrs["siteselect"]["criteria"] = [
        {"name": f"c{i}", "weight": 1 / 12, "layer": "cities", "evidence": "measured"}
        for i in range(12)
    ]
    assert explore(toy_plan(6, frame), tmp_path / "m.html").stat().st_size < 4e6


def test_hostile_text_stays_text(tmp_path):
    frame = toy_candidates(spacing_km=200, names="hostile")
    frame["bad_contribution"] = 0.5
    frame[f"{HOSTILE}_contribution"] = 0.5
    frame.attrs["siteselect"]["criteria"][0]["name"] = HOSTILE
    plan = toy_plan(2, frame)
    sites = plan.sites.rename(index={plan.sites.index[0]: HOSTILE})
    sites = sites.assign(why=HOSTILE, state=HOSTILE, substation=HOSTILE)
    frame = frame.assign(excluded_by=frame["excluded_by"].replace("lakes", HOSTILE))
    path = explore(toy_plan(0, frame, sites=sites), tmp_path / "m.html")
    text = path.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "<img" not in parts_of(path)[0]
    assert text.count("</script>") == 3
    (picks,) = [d for d in sources(parts_of(path)[1]) if "why0" in d]
    assert picks["why0"][0] == HOSTILE[: len(picks["why0"][0])]
    assert picks["site"][0] == HOSTILE


@pytest.mark.parametrize("n", [0, 1])
def test_empty_and_lone_plans_are_drawn(n, tmp_path):
    frame = toy_candidates(spacing_km=300)
    frame = frame[frame["score"].notna()].iloc[[3]].drop(columns="cell_km")
    path = explore(toy_plan(n, frame), tmp_path / "m.html")
    _, document = parts_of(path)
    assert len([d for d in sources(document) if "site" in d]) == 1 + n


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
