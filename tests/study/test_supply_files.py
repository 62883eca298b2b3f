"""Hours of one's own in a study file: read, priced, fingerprinted, refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import siteselect as ss
from siteselect.errors import StudyError
from siteselect.study import provenance, steps


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Made-up hours at two places, and four candidates."""
    place = tmp_path_factory.mktemp("hours")
    hour = np.arange(8760)
    sun = np.clip(np.sin((hour % 24 - 6) / 12 * np.pi), 0, None)
    made_up = xr.Dataset(
        {
            "solar": (("bus", "time"), np.stack([0.9 * sun, 0.6 * sun])),
            "wind": (("bus", "time"), np.stack([0.3 + 0 * sun, 0.5 - 0.2 * sun])),
        },
        coords={
            "bus": ["west", "east"],
            "time": pd.date_range("2019-01-01", periods=8760, freq="h"),
            "lat": ("bus", [42.1, 42.1]),
            "lon": ("bus", [-71.7, -71.3]),
        },
    )
    made_up.to_netcdf(place / "hours.nc", engine="h5netcdf")
    parcels = {"lon": [-71.7, -71.65, -71.35, -71.3], "lat": [42.1] * 4}
    pd.DataFrame(parcels).to_csv(place / "parcels.csv", index=False)
    return place


@pytest.fixture(scope="module")
def study(folder):
    return ss.Study(
        candidates={"file": "parcels.csv", "x": "lon", "y": "lat"},
        prepare=True,
        preset="training",
        supply={
            "cfe": 0.4,
            "technologies": ["solar", "wind"],
            "solar": {"file": "hours.nc", "variable": "solar"},
            "wind": {"file": "hours.nc", "variable": "wind", "max_km": 30},
        },
        plan={"power_mw": [50, 50], "site_mw": [50]},
        folder=folder,
    )


def test_files_of_hours_are_priced_as_python_prices_them(study, folder):
    made = steps.walk(study.to_dict(), folder)
    read = {
        name: ss.read_profiles(folder / "hours.nc", sites=made.sites, variable=name)
        for name in ("solar", "wind")
    }
    own = ss.Profiles.hourly(**read)
    technologies = ["solar", "wind"]
    priced = ss.price_supply(made.sites, own, cfe=0.4, technologies=technologies)
    for name in ("solar_mw_per_mw", "wind_mw_per_mw", "supply_usd_per_mw_year", "cfe"):
        np.testing.assert_allclose(made.scored[name], priced[name], rtol=1e-9)
    assert (made.scored["cfe"] >= 0.4 - 1e-6).all()
    # West and east have other hours, so other plants.
    assert made.scored["wind_mw_per_mw"].nunique() > 1
    assert ss.Study.from_toml(study.to_toml(), folder=folder) == study


def test_a_changed_file_of_hours_is_another_input(study, folder):
    inputs = provenance.input_digests(study.to_dict(), folder)
    assert len(inputs["file/hours.nc"]) == 64
    plain = replace(study, supply={"cfe": 0.4, "solar": "other.nc"})
    assert provenance.input_digests(plain.to_dict(), folder)["file/other.nc"] == (
        "missing"
    )


@pytest.mark.parametrize(
    ("supply", "noun"),
    [
        ({"solar": 3}, "a file, or a table with file"),
        ({"wind": {"variable": "wind"}}, "a file, or a table with file"),
        ({"wind": {"file": "hours.nc", "yeer": 2019}}, "Did you mean 'year'"),
    ],
)
def test_what_names_no_file_is_refused(study, supply, noun):
    with pytest.raises(StudyError, match=noun):
        replace(study, supply={"cfe": 0.4, **supply})


def test_a_file_that_is_not_there_is_named(study, folder):
    lost = replace(study, supply={"cfe": 0.4, "solar": "lost.nc"})
    with pytest.raises(ss.SiteSelectError, match=r"lost\.nc"):
        steps.walk(lost.to_dict(), folder)
