"""Without extras: what is there works, and what is missing says which one it needs."""

from __future__ import annotations

import importlib.util

import geopandas as gpd
import pytest

import siteselect as ss
from siteselect.errors import MissingDependencyError


@pytest.fixture
def sites():
    return gpd.GeoDataFrame(
        {"score": [0.9, 0.8, 0.7], "capacity_mw": 100.0, "a": [1.0, 2.0, 3.0]},
        geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 33]),
        crs=4326,
    )


def explorer(sites, folder):
    ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100]).explore(folder / "m")


def partitions(sites, folder):
    made = ss.write_partitions(sites, folder / "sites")
    ss.score_partitions(
        made, ss.Criterion("a", ss.Column("a"), ss.Rising(0, 3)), out=folder / "out"
    )


@pytest.mark.parametrize(
    ("extra", "module", "ask"),
    [("interactive", "bokeh", explorer), ("parallel", "dask", partitions)],
)
def test_a_missing_extra_is_named(sites, tmp_path, extra, module, ask):
    if importlib.util.find_spec(module):
        pytest.skip(f"{module} is installed; see make test-bare")
    with pytest.raises(MissingDependencyError, match=extra):
        ask(sites, tmp_path)


def test_choosing_and_reporting_need_no_extra(sites, tmp_path):
    plan = ss.optimize_sites(sites, power_mw=(200, 200), site_mw=[100])
    page = plan.report(tmp_path / "report", importance=False)
    assert "200 MW in 2 sites" in page.read_text("utf-8")
    assert plan.to_file(tmp_path / "sites.xlsx").stat().st_size > 0
