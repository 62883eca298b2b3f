"""What must not matter does not: row order, labels, names, columns, CRS."""

from __future__ import annotations

import random
from typing import Any

import geopandas as gpd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import Instance, build_limits, examples, instance

import siteselect as ss
from siteselect.errors import SiteSelectError


def chosen(sites: gpd.GeoDataFrame, drawn: Instance, method: str, names: Any) -> Any:
    """Return objective and the chosen (place, MW), None if there is no plan."""
    arguments = dict(drawn.arguments)
    for key in ("fixed", "forbidden"):
        if key in arguments:
            arguments[key] = [names[x] for x in arguments[key]]
    try:
        plan = ss.optimize_sites(
            sites,
            limits=build_limits(sites, drawn.says),
            gap=1e-7,
            method=method,
            **arguments,
        )
    except SiteSelectError as error:
        return type(error).__name__
    place = plan.sites.geometry.to_crs(4326)
    found = sorted(
        (round(x, 6), round(y, 6), round(mw, 6))
        for x, y, mw in zip(place.x, place.y, plan.sites["mw"], strict=True)
    )
    return round(plan.objective, 6), found


def variants(sites: gpd.GeoDataFrame, rng: random.Random) -> Any:
    same = {x: x for x in sites.index}
    order = list(range(len(sites)))
    rng.shuffle(order)
    yield "row order", sites.iloc[order], same
    labels = [1000 * rng.randrange(1, 99) + k for k in range(len(sites))]
    yield (
        "labels",
        sites.set_axis(labels, axis=0),
        dict(zip(sites.index, labels, strict=True)),
    )
    yield "geometry column", sites.rename_geometry("where_it_is"), same
    noise = [rng.random() for _ in range(len(sites))]
    extra = sites.assign(
        nothing=noise, by="x", mw_old=noise[::-1], other=sites.geometry
    )
    yield "extra columns", extra[list(extra.columns)[::-1]], same
    yield "CRS", sites.to_crs("EPSG:5070"), same
    yield (
        "row order and labels",
        sites.set_axis(labels, axis=0).iloc[order],
        dict(zip(sites.index, labels, strict=True)),
    )


def check(seed: int, method: str) -> None:
    rng = random.Random(seed)
    drawn = instance(rng, rng.choice(["sizes", "sizes", "range"]))
    same = {x: x for x in drawn.sites.index}
    told = chosen(drawn.sites, drawn, method, same)
    assume(not isinstance(told, str))
    for what, sites, names in variants(drawn.sites, rng):
        assert chosen(sites, drawn, method, names) == told, what


@pytest.mark.parametrize("method", ["full", "priceout"])
def test_what_does_not_matter_changes_nothing(method: str) -> None:
    @given(st.integers(0, 2**32))
    @examples(15)
    def run(seed: int) -> None:
        check(seed, method)

    run()


@pytest.mark.soak
@pytest.mark.parametrize("method", ["full", "priceout"])
def test_soak_invariance(method: str) -> None:
    @given(st.integers(0, 2**32))
    @examples(40)
    def run(seed: int) -> None:
        check(seed, method)

    run()


def test_the_frame_is_not_changed() -> None:
    drawn = instance(random.Random(3))
    before = drawn.sites.copy(deep=True)
    chosen(drawn.sites, drawn, "full", {x: x for x in before.index})
    assert drawn.sites.equals(before)
    assert list(drawn.sites.columns) == list(before.columns)
