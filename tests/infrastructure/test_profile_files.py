"""Files of reV, PVGIS and atlite give the numbers that were written into them."""

from __future__ import annotations

import gc
import json
from contextlib import suppress

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import siteselect as ss
from siteselect.errors import LayerError

h5py = pytest.importorskip("h5py")
xarray = pytest.importorskip("xarray")
pytest.importorskip("pvlib")

HOURS = pd.date_range("2019-01-01", periods=8760, freq="h")
LEAP = pd.date_range("2020-01-01", periods=8784, freq="h")
PLACES = np.array([[31.0, -100.0], [33.0, -98.0], [45.0, -70.0]])


def output(n=3, m=8760):
    """Draw shares of the rating with three digits, as scaled files keep them."""
    return np.random.default_rng(n * m).integers(0, 1001, (m, n)) / 1000.0


def sites():
    """Three candidates: near the second, near the first, near no place."""
    points = gpd.points_from_xy([-98.1, -100.1, -120.0], [33.0, 31.1, 40.0])
    return gpd.GeoDataFrame(index=["a", "b", "c"], geometry=points, crs=4326)


def as_rev(path, values, times=HOURS, ending="", **more):
    """Write a file with the datasets and attributes that rex writes."""
    meta = np.zeros(
        3, dtype=[("gid", "<i8"), ("latitude", "<f4"), ("longitude", "<f4")]
    )
    meta["gid"], meta["latitude"], meta["longitude"] = [7, 3, 9], *PLACES.T
    with h5py.File(path, "a") as file:
        if "meta" not in file:
            file["meta"] = meta
        text = times.strftime("%Y-%m-%d %H:%M:%S+00:00").to_numpy().astype("S25")
        file[f"time_index{ending}"] = text
        for name, table in {"cf_profile": values, **more}.items():
            made = file.create_dataset(
                f"{name}{ending}", data=np.round(table * 1000).astype("uint16")
            )
            made.attrs["scale_factor"] = 1000.0
    return path


def as_pvgis(path, watts, times, peak_kw=2.0, place=(33.0, -98.0)):
    """Write the answer of PVGIS for one place, in either of its formats."""
    rows = [
        {"time": f"{t:%Y%m%d:%H}10", "P": float(p), "G(i)": 1.0, "Int": 0.0}
        for t, p in zip(times, watts, strict=True)
    ]
    if path.suffix == ".json":
        inputs = {
            "location": {"latitude": place[0], "longitude": place[1]},
            "pv_module": {"peak_power": peak_kw},
        }
        about = {"inputs": inputs, "outputs": {"hourly": rows}, "meta": {"inputs": {}}}
        path.write_text(json.dumps(about))
        return path
    head = (
        f"Latitude (decimal degrees):\t{place[0]}\nLongitude (decimal degrees):\t"
        f"{place[1]}\nElevation (m):\t300\nRadiation database:\tPVGIS-ERA5\n\n"
        f"Nominal power of the PV system (c-Si) (kWp):\t{peak_kw}\n\ntime,P,G(i),Int\n"
    )
    body = "\n".join(f"{r['time']},{r['P']},1.0,0.0" for r in rows)
    path.write_text(f"{head}{body}\n\nP: PV system power (W)\n")
    return path


def test_rev_files_by_place_and_by_nearest_site(tmp_path):
    values = output()
    path = as_rev(tmp_path / "gen.h5", values)
    table = ss.read_profiles(path)
    assert table.columns.tolist() == [7, 3, 9]
    np.testing.assert_allclose(table.to_numpy(), values, atol=1e-12)
    near = ss.read_profiles(path, sites=sites())
    np.testing.assert_allclose(
        near[["a", "b"]].to_numpy(), values[:, [1, 0]], atol=1e-12
    )
    assert near["c"].isna().all()
    profiles = ss.Profiles.hourly(solar=near)
    assert np.isnan(profiles.cf["solar"][2]).all()
    np.testing.assert_allclose(profiles.cf["solar"][0], values[:, 1], atol=1e-12)


def test_a_year_is_chosen_leap_days_go_and_half_hours_are_averaged(tmp_path):
    halves = pd.date_range("2020-01-01", periods=2 * 8784, freq="30min")
    values = output(m=2 * 8784)
    path = as_rev(tmp_path / "years.h5", output(), ending="-2019")
    as_rev(path, values, halves, ending="-2020")
    with pytest.raises(LayerError, match=r"(?s)2019.*2020.*year=2019"):
        ss.read_profiles(path)
    table = ss.read_profiles(path, year=2020)
    means = values.reshape(8784, 2, 3).mean(axis=1)
    kept = ~((LEAP.month == 2) & (LEAP.day == 29))
    np.testing.assert_allclose(table.to_numpy(), means[kept], atol=1e-12)
    both = as_rev(tmp_path / "two.h5", output(), system_capacity_profile=output())
    with pytest.raises(LayerError, match=r"variable='cf_profile'"):
        ss.read_profiles(both)
    assert ss.read_profiles(both, variable="cf_profile").shape == (8760, 3)


@pytest.mark.parametrize("form", ["by place", "by cell", "with bins"])
def test_netcdf_by_place_and_by_cell(tmp_path, form):
    values = output(n=4)
    if form == "by cell":
        held = xarray.DataArray(
            values.reshape(8760, 2, 2),
            coords={"time": HOURS, "y": [31.0, 33.0], "x": [-100.0, -98.0]},
            dims=("time", "y", "x"),
        )
        places = ["31, -100", "31, -98", "33, -100", "33, -98"]
    else:
        places = ["p", "q", "r", "s"]
        held = xarray.DataArray(
            values,
            coords={
                "time": HOURS,
                "bus": places,
                "lat": ("bus", [31.0, 31.0, 33.0, 33.0]),
                "lon": ("bus", [-100.0, -98.0, -100.0, -98.0]),
            },
            dims=("time", "bus"),
        )
        if form == "with bins":
            held = held.expand_dims(bin=[0]).transpose("bus", "bin", "time")
    path = tmp_path / "profile.nc"
    held.to_dataset(name="profile").to_netcdf(path, engine="h5netcdf")
    table = ss.read_profiles(path)
    assert table.columns.tolist() == places
    np.testing.assert_array_equal(table.to_numpy(), values)
    near = ss.read_profiles(path, sites=sites())
    np.testing.assert_array_equal(near[["a", "b"]].to_numpy(), values[:, [3, 0]])


@pytest.mark.parametrize("ending", [".json", ".csv"])
def test_pvgis_power_over_peak_power(tmp_path, ending):
    watts = np.round(2000 * output(n=1, m=8760 + 8784)[:, 0])
    times = HOURS.append(LEAP)
    path = as_pvgis(tmp_path / f"field{ending}", watts, times)
    with pytest.raises(LayerError, match="year=2019"):
        ss.read_profiles(path)
    table = ss.read_profiles(path, year=2019)
    assert table.columns.tolist() == ["field"]
    np.testing.assert_allclose(table["field"], watts[:8760] / 2000)
    other = as_pvgis(
        tmp_path / f"other{ending}", 0 * watts, times, place=(31.0, -100.0)
    )
    near = ss.read_profiles([path, other], sites=sites(), year=2019)
    np.testing.assert_allclose(near["a"], watts[:8760] / 2000)
    assert (near["b"] == 0).all()


@pytest.mark.parametrize("told", [b"[1]", b'{"columns": [3], "index_columns": []}'])
def test_a_table_that_tells_nonsense_of_itself_is_refused(tmp_path, told):
    path = tmp_path / "hours.parquet"
    table = pa.table({"a": [0.5] * 8760})
    pq.write_table(table.replace_schema_metadata({b"pandas": told}), path)
    with pytest.raises(LayerError, match="readable CSV or Parquet"):
        ss.Profiles.hourly(solar=path)


def test_a_damaged_netcdf_is_refused_and_nothing_is_printed(tmp_path, capfd):
    path = tmp_path / "wind.nc"
    xarray.DataArray(output(), coords={"time": HOURS, "bus": ["a", "b", "c"]},
                     dims=("time", "bus"), name="wind").to_netcdf(
        path, engine="h5netcdf")  # fmt: skip
    whole = path.read_bytes()
    for at in range(40, 240, 8):
        path.write_bytes(whole[:at] + b"\xff\xff" + whole[at + 2 :])
        with suppress(LayerError):
            ss.read_profiles(path)
    gc.collect()
    assert capfd.readouterr() == ("", "")


def broken(tmp_path, case):
    path = tmp_path / "x.h5"
    if case == "no file":
        return ss.read_profiles(path)
    if case == "not what it says":
        path.write_text("no profile")
        return ss.read_profiles(path)
    if case == "ending":
        return ss.read_profiles("profile.xls")
    if case == "hours":
        return ss.read_profiles(as_rev(path, output(m=8000), HOURS[:8000]))
    if case == "variable":
        return ss.read_profiles(as_rev(path, output()), variable="cf_profil")
    if case == "year":
        return ss.read_profiles(as_rev(path, output()), year=2012)
    if case == "reach":
        return ss.read_profiles(as_rev(path, output()), max_km=-1)
    if case == "missing":
        path = tmp_path / "x.nc"
        values = output()
        values[5, 1] = np.nan
        held = xarray.DataArray(
            values, coords={"time": HOURS, "bus": [1, 2, 3]}, dims=("time", "bus")
        )
        held.to_dataset(name="cf").to_netcdf(path, engine="h5netcdf")
        return ss.Profiles.hourly(wind=ss.read_profiles(path))
    values = output()
    held = xarray.DataArray(
        values, coords={"time": HOURS, "bus": [1, 2, 3]}, dims=("time", "bus")
    )
    held.to_dataset(name="cf").to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    return ss.read_profiles(tmp_path / "x.nc", sites=sites())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "names begins with 'time,'.*'a,b'"),
        ("", "it is empty"),
        ("time,P\n20190101:0010,1\n", "latitude and longitude are not told"),
        ("a: 1\nb: 2\nc: 3\nd: x\n\ntime,P\n\n", "no numbers follow"),
        ("a: 1\nb:\nc: 3\nd: x\n\ntime,P\n20190101:0010,1", "could not convert"),
    ],
)
def test_a_csv_that_is_none_of_pvgis_is_told_what_it_lacks(tmp_path, text, said):
    path = tmp_path / "junk.csv"
    path.write_text(text)
    with pytest.raises(LayerError, match=f"(?i){said}") as caught:
        ss.read_profiles(path)
    assert "IndexError" not in str(caught.value)
    assert "'junk.csv'" in str(caught.value)


def test_a_json_that_is_none_of_pvgis_is_told_what_it_lacks(tmp_path):
    path = tmp_path / "junk.json"
    path.write_text('{"a": 1}')
    with pytest.raises(LayerError, match="no part 'meta'"):
        ss.read_profiles(path)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("no file", "x.h5"),
        ("not what it says", "x.h5"),
        ("ending", r"\.xls"),
        ("hours", r"760 of 8,760 hours.*2019-11-30 08:00"),
        ("variable", "cf_profile"),
        ("year", "2019, not year=2012"),
        ("reach", "max_km is -1"),
        ("missing", "the first in row 5"),
        ("nowhere", "does not say where"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, case, said):
    with pytest.raises(LayerError, match=rf"(?s){said}"):
        broken(tmp_path, case)
