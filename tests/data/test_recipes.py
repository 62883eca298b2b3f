"""The rules by which the bundle was made, on small cases done by hand."""

from __future__ import annotations

import importlib
import io
import os
import pickle
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]


# The recipes are not part of the package: they stand beside the data they make.
if str(ROOT / "data") not in sys.path:
    sys.path.append(str(ROOT / "data"))


def recipe(name: str) -> ModuleType:
    return importlib.import_module(f"recipes.{name}")


def test_fill_near_stops_at_the_gap() -> None:
    row = np.array([[1.0, np.nan, np.nan, np.nan, np.nan, np.nan]])
    filled, count = recipe("common").fill_near(row, 2.0)
    assert count == 3  # two cells may lie between
    assert filled[0, :4].tolist() == [1.0] * 4
    assert np.isnan(filled[0, 4:]).all()
    assert np.isnan(row[0, 1])  # the input is left alone


def test_significant_keeps_digits_and_gaps() -> None:
    got = recipe("common").significant([123456.0, 0.00012344, 0.0, np.nan], 3)
    assert got[:3].tolist() == [123000.0, 0.000123, 0.0]
    assert np.isnan(got[3])


def test_potential_evaporation_at_40_north() -> None:
    """With the radiation of FAO-56, annex 2, table 2.6, row 40 N."""
    radiation = [15.0, 20.4, 27.2, 34.7, 39.7, 41.9, 40.8, 36.7, 30.0, 22.5, 16.3, 13.6]
    days = [31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    by_hand = sum(r / 2.45 * 25 / 100 * d for r, d in zip(radiation, days, strict=True))
    warm = np.full((12, 1, 1), 20.0)
    got = recipe("water").oudin_pet(warm, np.array([[40.0]]))
    assert got[0, 0] == pytest.approx(by_hand, rel=0.02)
    assert recipe("water").oudin_pet(warm - 26, np.array([[40.0]]))[0, 0] == 0


def test_runoff_between_its_limits() -> None:
    runoff = recipe("water").fu_runoff
    assert runoff(np.array(800.0), np.array(0.0)) == pytest.approx(800.0)
    assert runoff(np.array(800.0), np.array(1e6)) == pytest.approx(0.0, abs=0.5)
    steps = runoff(np.full(50, 800.0), np.linspace(0, 3000, 50))
    assert (np.diff(steps) < 0).all()


def test_routing_adds_up_a_confluence() -> None:
    # 0 and 1 flow into 2, 2 into 4, 3 stands alone.
    below = np.array([2, 2, 4, -1, -1])
    flow = recipe("water").route(np.array([1.0, 2.0, 4.0, 8.0, 16.0]), below)
    assert flow.tolist() == [1.0, 2.0, 7.0, 8.0, 23.0]


def test_routing_refuses_a_cycle() -> None:
    with pytest.raises(ValueError, match="cycle"):
        recipe("water").route(np.ones(2), np.array([1, 0]))


def test_shares_meet_metro_and_state_totals() -> None:
    """Two states, one metro across both, one rest in each."""
    people = np.array([60.0, 40.0, 50.0, 50.0])
    area = np.array([0, 0, 1, 2])  # metro, metro, rest of A, rest of B
    state = np.array([0, 1, 0, 1])
    jobs = recipe("labor").balance(
        people, area, state, np.array([50.0, 20.0, np.nan]), np.array([45.0, 55.0])
    )
    assert jobs[:2].sum() == pytest.approx(50.0)
    assert jobs[2] == pytest.approx(20.0)
    assert jobs[0] == pytest.approx(25.0)  # what is left of state A
    assert jobs[3] == pytest.approx(30.0)


@settings(max_examples=50, deadline=None)
@given(
    people=st.lists(st.integers(1, 10**6), min_size=4, max_size=12),
    jobs=st.integers(1, 10**6),
)
def test_a_lone_metro_is_shared_by_population(people: list[int], jobs: int) -> None:
    balance = recipe("labor").balance
    heads = np.array(people, dtype=float)
    zero = np.zeros(len(people), dtype=int)
    got = balance(heads, zero, zero, np.array([float(jobs)]), np.array([np.nan]), 3)
    assert np.allclose(got, heads / heads.sum() * jobs)


class _Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.getenv, ("HOME",))


def test_a_pickle_that_calls_something_is_refused() -> None:
    blob = pickle.dumps(_Harmful())
    with pytest.raises(pickle.UnpicklingError, match="not allowed"):
        recipe("climate")._PlainUnpickler(io.BytesIO(blob)).load()
