"""Hours of one's own in a study: read, told in the provenance, refused by line."""

from __future__ import annotations

import json
import tomllib

import numpy as np
import pandas as pd
import pytest

import siteselect as ss
from siteselect.study import provenance, sources
from siteselect.study.lines import key_lines

xarray = pytest.importorskip("xarray")
pytest.importorskip("h5netcdf")
pytest.importorskip("pvlib")

STUDY = """\
area = ["OR", "WA"]
prepare = true
preset = "training"

[candidates]
file = "parcels.csv"

[supply]
cfe = 0.6
technologies = ["wind"]

[supply.profiles]
solar = ["hours/east.json", "hours/west.json"]

[supply.profiles.wind]
file = "hours/wind.nc"
variable = "wind"
year = 2019
max_km = 60

[plan]
power_mw = [50, 100]
site_mw = [50]
objective = "score"

[outputs]
files = ["scored.parquet"]
"""
#: Where the parcels are; nothing of the wind is known round the last.
PLACES = pd.DataFrame({"lon": [-122.0, -119.0, -121.0], "lat": [45.2, 45.8, 47.2]})


def sun(place):
    """Hourly power of a plant of 2 kW [W], as PVGIS answers for one place."""
    time = pd.date_range("2019-01-01", periods=8760, freq="h")
    watts = 900 * np.clip(np.sin((time.hour - 6) / 12 * np.pi), 0, 1)
    rows = [
        {"time": f"{t:%Y%m%d:%H}10", "P": float(p), "G(i)": 1.0, "Int": 0.0}
        for t, p in zip(time, watts, strict=True)
    ]
    inputs = {
        "location": {"latitude": place.lat, "longitude": place.lon},
        "pv_module": {"peak_power": 2.0},
    }
    outputs = {"hourly": rows}
    return json.dumps({"inputs": inputs, "outputs": outputs, "meta": {"inputs": {}}})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("hours")
    (place / "hours").mkdir()
    PLACES.to_csv(place / "parcels.csv", index=False)
    for name, one in zip(("west", "east"), PLACES.itertuples(), strict=False):
        (place / "hours" / f"{name}.json").write_text(sun(one))
    coordinates = {
        "time": pd.date_range("2019-01-01", periods=8760, freq="h"),
        "lat": ("farm", PLACES["lat"].to_numpy()[:2]),
        "lon": ("farm", PLACES["lon"].to_numpy()[:2]),
        "farm": ["a", "b"],
    }
    wind = np.tile([[0.5], [0.2]], (1, 8760))
    table = xarray.DataArray(
        wind, name="wind", coords=coordinates, dims=("farm", "time")
    )
    table.to_netcdf(place / "hours" / "wind.nc", engine="h5netcdf")
    (place / "short.nc").write_bytes((place / "hours" / "wind.nc").read_bytes()[:999])
    (place / "odd.csv").write_text("a,b\n1,2\n")
    (place / "study.toml").write_text(STUDY, "utf-8")
    return place


def test_a_study_reads_its_hours_and_tells_of_the_files(folder):
    study = ss.Study.read(folder / "study.toml")
    assert ss.Study.from_toml(study.to_toml(), folder=folder) == study
    assert study.to_dict() == tomllib.loads(STUDY)
    sites = ss.read_layer(folder / "parcels.csv")
    names = [folder / "hours" / f"{name}.json" for name in ("east", "west")]
    wanted = ss.Profiles.hourly(
        solar=ss.read_profiles(names, sites=sites),
        wind=ss.read_profiles(folder / "hours" / "wind.nc", sites=sites, max_km=60),
    )
    found = sources.hourly_profiles(sites, study.supply["profiles"], folder)
    for plant in ("solar", "wind"):
        np.testing.assert_array_equal(found.cf[plant], wanted.cf[plant])
    before = provenance.input_digests(study.to_dict(), folder)
    for name in ("hours/east.json", "hours/west.json", "hours/wind.nc"):
        assert before[f"file/{name}"] == provenance.sha256(folder / name)
    changed = folder / "hours" / "east.json"
    text = changed.read_text()
    changed.write_text(text + " ")
    try:
        after = provenance.input_digests(study.to_dict(), folder)
    finally:
        changed.write_text(text)
    assert [k for k in after if after[k] != before[k]] == ["file/hours/east.json"]


@pytest.mark.soak
def test_a_study_is_priced_by_its_hours(folder):
    ss.Study.read(folder / "study.toml").run(folder / "out")
    record = json.loads((folder / "out" / "plan.json").read_text("utf-8"))
    assert "file/hours/wind.nc" in record["inputs"]
    usd = pd.read_parquet(folder / "out" / "scored.parquet")["supply_usd_per_mw_year"]
    # More wind for the same money; none is known round the last.
    assert usd.iloc[0] < usd.iloc[1]
    assert np.isnan(usd.iloc[2])


@pytest.mark.parametrize(
    ("old", "new", "line", "word"),
    [
        ("hours/west.json", "hours/wset.json", "solar = ", "no such file"),
        ('"hours/wind.nc"', '"short.nc"', "file = 'short", "short.nc"),
        ('"hours/wind.nc"', '"odd.csv"', "file = 'odd", "odd.csv"),
        ("year = 2019", "year = 2018", "year = 2018", "2019"),
        ("year = 2019", "year = 'x'", "year = 'x'", "a year"),
        ('variable = "wind"', 'variable = "wnd"', "variable", "Did you mean 'wind'"),
        ("max_km = 60", "max_km = -60", "max_km", "over 0"),
        ("max_km = 60", "max_kn = 60", "max_kn", "Did you mean 'max_km'"),
        ("solar = ", "sollar = ", "sollar", "Did you mean 'solar'"),
        ("cfe = 0.6", "cfe = 0.6\nlayer = 'solar_cf'", "layer", "both"),
        ('["hours/east.json", "hours/west.json"]', "[]", "solar", "file name"),
        ('["hours/east.json", "hours/west.json"]', "3", "solar", "file name"),
        ('file = "hours/wind.nc"', "", "[supply.profiles.wind]", "no 'file'"),
    ],
)
def test_what_is_wrong_with_hours_is_told_with_its_line(folder, old, new, line, word):
    text = STUDY.replace(old, new)
    assert text != STUDY
    with pytest.raises(ss.StudyError) as caught:
        ss.Study.from_toml(text, folder=folder)
    line = line.replace("'", '"') if "file = " in line else line
    at = next(i for i, row in enumerate(text.split("\n"), start=1) if line in row)
    assert at in key_lines(text).values()
    (told,) = caught.value.mistakes
    assert told.startswith(f"line {at}: "), told
    assert word in told
