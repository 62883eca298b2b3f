"""A study that is only scored: the same table as in Python, and every mistake named."""

from __future__ import annotations

import json

import geopandas as gpd
import pandas as pd
import pytest
from shapely import box
from typer.testing import CliRunner

import siteselect as ss
from siteselect.cli import MISTAKE, app

STUDY = """\
area = "RI"

[candidates]
file = "parcels.csv"

[layers]
park = "park.geojson"

[layers.depots]
file = "depots.csv"
evidence = "measured"
units = { lots = "count" }

[weights]
kind = "rank_weights"
order = ["fiber", ["size", "depot"]]

[[criteria]]
name = "fiber"
measure = { kind = "Nearest", layer = "fiber" }
value = { kind = "Falling", a = 1, b = 40 }

[[criteria]]
name = "size"
measure = { kind = "Column", source = "acres", column_evidence = "measured" }
value = { kind = "Piecewise", points = [[50, 0], [200, 0.5], [500, 1]] }

[[criteria]]
name = "depot"
measure = { kind = "Within", layer = "depots", radius_km = 30, sum = "lots" }
value = { kind = "Large", middle = 8 }

[[exclude]]
kind = "Inside"
layer = "park"

[[gates]]
name = "room"
measure = { kind = "Column", source = "acres" }
at_least = 200
conditional = 100
"""


@pytest.fixture(scope="module")
def layers():
    return ss.datasets.load_all("RI")


@pytest.fixture
def folder(tmp_path):
    sites = pd.DataFrame(
        {
            "lon": [-71.6, -71.5, -71.4, -71.55],
            "lat": [41.8, 41.7, 41.6, 41.5],
            "acres": [120.0, 480.0, 60.0, None],
        }
    )
    sites.to_csv(tmp_path / "parcels.csv", index=False)
    depots = pd.DataFrame({"lon": [-71.5], "lat": [41.75], "lots": [12]})
    depots.to_csv(tmp_path / "depots.csv", index=False)
    park = gpd.GeoDataFrame(geometry=[box(-71.45, 41.55, -71.3, 41.65)], crs=4326)
    park.to_file(tmp_path / "park.geojson")
    (tmp_path / "study.toml").write_text(STUDY, "utf-8")
    return tmp_path


def test_a_file_gives_the_table_of_the_same_calls(folder, layers):
    found = ss.score_study(folder / "study.toml", folder / "out")
    sites = ss.read_layer(folder / "parcels.csv", name="candidates")
    depots = ss.read_layer(folder / "depots.csv", name="depots", evidence="measured")
    park = ss.read_layer(folder / "park.geojson", name="park")
    classes = ss.Piecewise([(50, 0), (200, 0.5), (500, 1)])
    criteria = [
        ss.Criterion("fiber", ss.Nearest(layers["fiber"]), ss.Falling(1, 40)),
        ss.Criterion("size", ss.Column("acres"), classes),
        ss.Criterion("depot", ss.Within(depots, radius_km=30, sum="lots"), ss.Large(8)),
    ]
    weights = ss.rank_weights(["fiber", ["size", "depot"]])
    scored = ss.score_sites(
        sites, ss.with_weights(criteria, weights), exclude=[ss.Inside(park)]
    )
    room = ss.Gate("room", ss.Column("acres"), at_least=200, conditional=100)
    wanted = ss.check_gates(scored, [room])
    pd.testing.assert_frame_equal(found.scored, wanted, check_exact=True)
    written = gpd.read_parquet(folder / "out" / "scored.parquet")
    pd.testing.assert_frame_equal(written, wanted, check_exact=True)
    assert found.scored["gates"].tolist() == ["CONDITIONAL", "PASS", "FAIL", "UNKNOWN"]
    assert found.scored["excluded_by"].tolist() == ["", "", "inside park", ""]
    levels = dict(ss.evidence(found.scored).values)
    assert levels["measured"] + levels["proxy"] == pytest.approx(1)
    names = sorted(path.name for path in (folder / "out").iterdir())
    assert names == sorted(path.name for path in found.written)
    assert {"map.png", "scored.csv", "waterfall.csv", "waterfall.png"} <= set(names)


def test_the_command_scores_and_says_what_came_of_it(folder, monkeypatch):
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, ["score", "study.toml", "--out", "here"])
    assert done.exit_code == 0, done.output
    assert "4 candidates, 2 eligible, 1 excluded, 1 unknown" in done.output
    assert "Weight resting on" in done.output
    assert (folder / "here" / "scored.parquet").exists()


def test_a_grid_over_an_area_can_be_prepared(folder):
    text = """
    area = ["RI", "CT"]
    [candidates]
    spacing_km = 20
    shape = "hex"
    prepare = true
    [[criteria]]
    name = "grid"
    measure = { kind = "Column", source = "headroom_mw" }
    value = { kind = "Rising", a = 100, b = 1000 }
    """
    (folder / "grid.toml").write_text(text, "utf-8")
    found = ss.score_study(folder / "grid.toml", folder / "out")
    assert set(found.scored["state"].dropna()) == {"RI", "CT"}
    assert found.scored["cell_shape"].eq("hex").all()
    assert found.scored["score"].notna().any()
    assert len(found.written) == 4


@pytest.mark.parametrize(
    ("old", "new", "nouns"),
    [
        ('area = "RI"', 'aera = "RI"', ["'aera'", "'area'"]),
        ('area = "RI"', "area = 5", ["area = 5"]),
        ('area = "RI"', 'area = "Rhode"', ["Rhode"]),
        ('file = "parcels.csv"', "", ["neither", "spacing_km"]),
        ('file = "parcels.csv"', 'spacing_km = "15"', ["'15'", "a number"]),
        ('file = "parcels.csv"', "spacing = 15", ["'spacing'", "'spacing_km'"]),
        ('file = "parcels.csv"', 'file = "no.csv"', ["no.csv"]),
        ('area = "RI"\n\n[candidates]\nfile = "parcels.csv"',
         "[candidates]\nspacing_km = 15", ["no area"]),
        ('park = "park.geojson"', "park = 5", ["'park'", "5"]),
        ('park = "park.geojson"', 'park = "no.gpkg"', ["'park'", "no.gpkg"]),
        ('evidence = "measured"\nunits', 'evidenc = "measured"\nunits',
         ["'depots'", "'evidence'"]),
        ('evidence = "measured"\nunits', 'evidence = "measuredd"\nunits',
         ["'depots'", "'measured'"]),
        ('layer = "park"', 'layer = "parc"', ["Exclusion 1", "'park'"]),
        ('source = "acres" }\nat_least', 'source = "acers" }\nat_least',
         ["'room'", "'acres'"]),
        ("at_least = 200", "at_least = true", ["'room'", "True", "a number"]),
        ('kind = "rank_weights"', 'kind = "rank_weight"', ["'rank_weights'"]),
        ('order = ["fiber", ', 'order = ["fibre", ', ["'fiber'", "'fibre'"]),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(
    folder, layers, monkeypatch, old, new, nouns
):
    assert old in STUDY
    monkeypatch.setattr(ss.datasets, "load_all", lambda area: dict(layers))
    (folder / "study.toml").write_text(STUDY.replace(old, new), "utf-8")
    with pytest.raises(ss.SiteSelectError) as caught:
        ss.score_study(folder / "study.toml", folder / "out")
    message = str(caught.value)
    assert message.startswith("study.toml: "), message
    assert all(noun in message for noun in nouns), message
    assert not (folder / "out").exists()


def test_all_mistakes_are_told_at_once_with_their_lines(folder):
    wrong = STUDY.replace("radius_km = 30", "radius = 30").replace(
        "at_least", "atleast"
    )
    wrong = wrong.replace('area = "RI"', 'aera = "RI"')
    (folder / "study.toml").write_text(wrong, "utf-8")
    arguments = ["score", str(folder / "study.toml"), "--out", str(folder / "out")]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == MISTAKE
    told = json.loads(done.stdout)["mistakes"]
    lines = wrong.split("\n")
    for word in ("aera", "radius = ", "atleast"):
        at = next(i for i, line in enumerate(lines, start=1) if word in line)
        assert any(m.startswith(f"line {at}: ") for m in told), (word, told)
    assert not (folder / "out").exists()
