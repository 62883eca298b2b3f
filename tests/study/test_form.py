"""A study file: what it says is what Python says, and every mistake has its line."""

from __future__ import annotations

import functools
import re
import tomllib

import geopandas as gpd
import pytest

import siteselect as ss
from siteselect.study import steps
from siteselect.study.lines import key_lines
from siteselect.study.mistakes import leaves
from study import worlds

LINES = key_lines(worlds.FULL)
RECORD = tomllib.loads(worlds.FULL)
#: Names that are the user's own, so that another one is no mistake by itself.
FREE = {("layers",), ("layers", "depots"), ("layers", "depots", "units", "lots")}


def cases(places):
    """Every sixteenth is run always, all of them in the soak."""
    return [
        pytest.param(*one, marks=() if i % 16 == 0 else pytest.mark.soak)
        for i, one in enumerate(places)
    ]


KEYS = cases(
    (place, key)
    for place, key, _ in leaves(RECORD)
    if isinstance(key, str) and place not in FREE
)
SCALARS = cases(
    (place, key)
    for place, key, value in leaves(RECORD)
    if isinstance(key, str) and not isinstance(value, (dict, list))
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return worlds.folder(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module", autouse=True)
def _read_once():
    """Layers are read for each study anew; here one reading will do."""
    load = functools.cache(ss.datasets.load)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ss.datasets, "load", load)
        yield


def mistakes(text, folder):
    with pytest.raises(ss.StudyError) as caught:
        ss.Study.from_toml(text, folder=folder, file="full.toml")
    assert str(caught.value).startswith("full.toml: ")
    return caught.value.mistakes


def changed(place, pattern, new):
    """Return the study with one thing changed on the line of a key."""
    lines = worlds.FULL.split("\n")
    at = LINES[place] - 1
    line, n = re.subn(pattern, new, lines[at], count=1)
    assert n == 1, (place, lines[at])
    return "\n".join([*lines[:at], line, *lines[at + 1 :]])


@pytest.mark.parametrize(("place", "key"), KEYS, ids=lambda v: str(v))
def test_an_unknown_key_is_told_with_its_line_and_the_nearest_name(folder, place, key):
    text = changed(place, rf"(?<![\w\"]){key}(?=\s*=|\])", f"{key}q")
    assert tomllib.loads(text) != RECORD
    found = mistakes(text, folder)
    told = [m for m in found if m.startswith(f"line {LINES[place]}: ")]
    assert any(f"'{key}q'" in m for m in told), found
    assert any("Did you mean" in m and f"'{key}'" in m for m in told), found


@pytest.mark.parametrize(("place", "key"), SCALARS, ids=lambda v: str(v))
def test_a_value_of_another_kind_is_told_with_its_line(folder, place, key):
    text = changed(
        place, rf'(?<![\w"]){key}\s*=\s*("[^"]*"|[^\s,}}]+)', f"{key} = [[true]]"
    )
    found = mistakes(text, folder)
    told = [m for m in found if m.startswith(f"line {LINES[place]}: ")]
    assert any(key in m or "[[" in m for m in told), found


def test_all_mistakes_are_told_at_once_in_the_order_of_lines(folder):
    text = worlds.FULL
    wrong = {
        'area = ["OR", "WA"]': 'area = ["OR", "Wahsington"]',
        'preset = "training"': 'preset = "trainingg"',
        'file = "depots.csv"': 'file = "depot.csv"',
        "peak_ratio = 1.25": "peak_ration = 1.25",
        "at_least = 100": "at_leest = 100\nconditionl = 6",
        "power_mw = [200, 600]": "power_mw = [200, 600, 800]",
        "min_sites = 2": "min_sites = 2.5",
        'column = "carbon_kg_per_mwh"': 'colum = "carbon_kg_per_mwh"\nweigth = 2',
        "km = 5": 'km = "5"\nwithn = "state"',
        '"map.png"': '"map.bmp"',
        "rng = 7": "rng = -7",
    }
    for old, new in wrong.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    lines = text.split("\n")
    found = mistakes(text, folder)
    numbers = [int(m.split()[1].rstrip(":")) for m in found]
    assert numbers == sorted(numbers)
    for new in wrong.values():
        for part in new.split("\n"):
            at = next(i for i, line in enumerate(lines, start=1) if part in line)
            assert at in numbers, (part, found)
    for right in (
        "Washington",
        "training",
        "conditional",
        "column",
        "weight",
        "within",
    ):
        assert any(f"'{right}'" in m for m in found if "Did you mean" in m), right


@pytest.mark.parametrize(
    "objective", ['"cost"', '"acres"', '{ kind = "MaxMinDistance" }']
)
def test_survival_of_another_objective_is_refused_with_all_else(folder, objective):
    text = worlds.FULL.replace('objective = "score"', f"objective = {objective}")
    text = text.replace("min_sites = 2", "min_sites = 2.5")
    found = mistakes(text, folder)
    for key, word in (
        (("plan", "min_sites"), "2.5"),
        (("outputs", "survival"), "surv"),
    ):
        told = [m for m in found if m.startswith(f"line {LINES[key]}: ")]
        assert len(told) == 1, found
        assert word in told[0]
    assert len(found) == 2


def test_a_text_that_is_no_toml_is_told_with_its_line(folder):
    (message,) = {str(_refused('area = "OR\n', folder))}
    assert message.startswith("full.toml") or "full.toml" in message
    assert "line 1" in message


@pytest.mark.parametrize("text", ["title = 1" + "0" * 5000, "title = " + "[" * 100_000])
def test_a_number_or_a_list_without_end_is_no_toml(folder, text):
    with pytest.raises(ss.StudyError, match="cannot be read"):
        ss.Study.from_toml(text, folder=folder)


def _refused(text, folder):
    with pytest.raises(ss.StudyError) as caught:
        ss.Study.from_toml(text, folder=folder, file="full.toml")
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "candidates = 5",
        "limits = 5\ncriteria = 7\nplan = []\noutputs = 1\nlayers = 2",
        "[candidates]\nspacing_km = inf",
        "[candidates]\nfile = 3\nspacing_km = 2",
        "[[limits]]\n[[criteria]]\n[[gates]]\n[[exclude]]",
        "limits = [1, [2], {kind = 'Limit'}, {kind = [1]}]",
        "exclude = ['x', {kind = 'AllOf', rules = [1]}]",
        "plan = { objective = { kind = 'Weighted' } }",
        "plan = { objective = { kind = 'Weighted', weights = 3 } }",
        "plan = { power_mw = { a = 1 }, site_mw = [], years = ['x'] }",
        "plan = { power_mw = { 2027 = { 2028 = 1 } } }",
        "when = 1979-05-27\n[fleet]\nGB200 = -3",
        "[prepare]\nparameters = 3",
        "[options]\ncooling = [3]",
        "[weights]\nkind = 'rank_weights'",
        "aggregate = 3\nweights = 'x'",
        "[layers]\nx = { file = 3 }\ny = 3\nz = {}",
        "[[limits]]\nkind = 'Deliverable'\nnetwork = 3",
        "[[limits]]\nkind = 'Deliverable'\nnetwork = { kind = 'netwrok' }",
        "[[limits]]\nkind = 'Cover'\nname = 'c'\ndemand = {layer = 'x'}\nat_least = 1",
    ],
)
def test_whatever_stands_there_it_is_a_message(folder, text):
    error = _refused(text, folder)
    assert error.mistakes
    assert all(len(m) < 4000 for m in error.mistakes)


def test_a_study_reads_back_to_itself(folder):
    study = ss.Study.read(folder / "full.toml")
    again = ss.Study.from_toml(study.to_toml(), folder=folder)
    assert again == study
    assert again.to_dict() == RECORD
    assert ss.Study.from_dict(study.to_dict(), folder=folder) == study


def test_objects_become_the_records_of_a_file(folder):
    layers = ss.Study.read(folder / "full.toml").read_layers()
    within = ss.Within(layers["depots"], radius_km=300, sum="lots")
    parts = dict(RECORD)
    parts["criteria"] = [
        ss.Criterion("depot", within, ss.Large(8), weight=0.1),
        ss.Criterion(
            "room",
            ss.Column("acres"),
            ss.Piecewise([(50, 0), (200, 0.5), (500, 1)]),
            weight=0.2,
        ),
    ]
    parts["exclude"] = [ss.Near(layers["lakes"], km=0.1, name="lake")]
    parts["gates"] = [ss.Gate("size", ss.Column("acres"), at_least=100, conditional=60)]
    parts["limits"] = [
        ss.Limit(
            "county water",
            per_mw="water_m3_per_mw_year",
            by="county",
            at_most="water_available_m3_per_year",
        ),
        ss.Average("carbon", "carbon_kg_per_mwh", at_most=600),
        ss.Choose("one of two", ["p01", "p02"], at_most=1),
        ss.Spacing(km=5),
    ]
    made = ss.Study(**parts, folder=folder)
    read = ss.Study.read(folder / "full.toml")
    one, other = made.scoring(layers), read.scoring(layers)
    assert one.criteria[-2:] == other.criteria[-2:]
    assert (one.exclude, one.gates) == (other.exclude, other.gates)
    assert made.to_dict()["limits"] == RECORD["limits"]
    assert ss.Study.from_toml(made.to_toml(), folder=folder) == made


#: What [plan] says, and a word of what is wrong with it.
REFUSED = {
    "power_mw = [1000, 800]": "minimum is over the maximum",
    "power_mw = [-5, 800]": "negative",
    "it_mw = { 2027 = [900, 900], 2030 = 500 }": "never shrink",
    "site_mw = [-100]": "over 0 MW",
    "gap = 5": "fraction",
    "budget_usd = -1": "negative",
    "discount_rate = 3": "fraction",
    "discount_rate = 0.08": "depends on the year",
    "min_sites = 3\nmax_sites = 1": "minimum is over the maximum",
    'fixed = ["a"]\nforbidden = ["a"]': "both fixed and forbidden",
    "existing = { a = -3 }": "-3 MW",
    'objective = "cost"': "lower bound",
    "years = [2027, 2027]": "occurs twice",
}


@pytest.mark.parametrize("said", REFUSED)
def test_a_value_that_the_program_refuses_is_told_when_it_is_read(folder, said):
    """As `optimize_sites` says it, with the line of the key."""
    text = worlds.SIMPLE
    start = text.index("plan = {")
    text = text[:start] + text[text.index("\n", start) + 1 :] + f"\n[plan]\n{said}\n"
    found = mistakes(text, folder)
    lines = text.split("\n")
    at = lines.index(said.split("\n")[0]) + 1
    assert len(found) == 1, found
    assert found[0].startswith(f"line {at}: "), found
    assert REFUSED[said] in found[0]
    record = tomllib.loads(text)["plan"]
    asked = {k: steps.plain_argument(k, v) for k, v in record.items()}
    sites = gpd.GeoDataFrame(
        {"score": [0.5], "capacity_mw": [100.0]},
        index=["a"],
        geometry=gpd.points_from_xy([-120], [44]),
        crs=4326,
    )
    with pytest.raises(ss.StudyError) as caught:
        ss.optimize_sites(sites, **asked)
    assert found[0].partition(": ")[2] == str(caught.value)


def test_tables_nested_without_end_are_a_message(folder):
    for text in ("a" + ".a" * 2000 + " = 1", "[x" + ".x" * 3000 + "]\ny = 2"):
        with pytest.raises(ss.StudyError, match="one in another"):
            ss.Study.from_toml(text, folder=folder)
    deep = {}
    for _ in range(5000):
        deep = {"a": deep}
    for make in (ss.Study.from_dict, lambda record: ss.Study(**record)):
        with pytest.raises(ss.StudyError, match="one in another"):
            make({"plan": deep})


def test_what_is_wrong_is_said_once_and_by_its_name(folder):
    full = worlds.FULL.replace("power_mw = [200, 600]", "power_mw = [200, inf]")
    full = full.replace('"map.png"', '"sub/map.png"')
    full = full.replace('title = "Forty parcels"', "title = 2020-01-01")
    full += '[fleet]\n"GB200 NVL27" = 5\n'
    found = mistakes(full, folder)
    assert len(found) == 4, found
    told = " ".join(found)
    assert "entry 2 of power_mw = inf" in told
    assert "entry 2 of files = 'sub/map.png'" in told
    assert "Got nothing" not in told


def test_more_resolves_than_there_may_be_are_refused(folder):
    text = worlds.FULL.replace("rng = 7", "rng = 7\nunits = 'uk'")
    text = re.sub("survival = [0-9]+", "survival = 100000000", text)
    found = mistakes(text, folder)
    assert any("'si' or 'us'" in m for m in found)
    assert any("survival=100000000" in m for m in found), found


def test_one_mistake_of_a_part_hides_no_other_of_it(folder):
    """A kind, a layer or a table that cannot be read is stood in for."""
    text = """
area = ["OR"]
[candidates]
spacing_km = 50
[[criteria]]
name = "a"
weight = -1
measure = { kind = "Kolumn", source = "acres" }
value = { kind = "Rising", a = 7, b = 6 }
[[exclude]]
kind = "Near"
layer = "airport"
km = -3
[[limits]]
kind = "Limitt"
name = "w"
[plan]
power_mw = [1, 100]
site_mw = [100]
"""
    found = mistakes(text, folder)
    lines = [int(m.split()[1].rstrip(":")) for m in found]
    assert lines == [7, 8, 9, 12, 13, 15], found


def test_a_path_is_no_text_of_a_study(folder):
    for given in (folder / "full.toml", 3, b"title = 1"):
        with pytest.raises(ss.StudyError, match="Study.read"):
            ss.Study.from_toml(given)


def test_a_kind_that_is_a_table_is_a_message(folder):
    text = (
        worlds.FULL
        + """
[[limits]]
kind = "Limit"
name = "odd"
per_mw = 1
at_most = { kind = { a = 1 } }
"""
    )
    assert any("kind" in m and "'odd'" in m for m in mistakes(text, folder))
