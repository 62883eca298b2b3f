"""Spoiled calls: refused by an error of ours or answered, and nothing else.

What a user gets wrong is drawn by `hostile.spoiled`, one seed per case. A failing
seed is repeated by ``built(spoiled(seed)[0])``.
"""

from __future__ import annotations

import re
import warnings

import pytest
from optimization.hostile import Call, built, calls, spoiled
from strategies import SOAK

import siteselect as ss


def judged(seed: int, valid: list[Call] | None = None) -> str:
    """Return what became of a spoiled call; raise if it is not allowed to."""
    tree, told = spoiled(seed, valid)
    refused: ss.SiteSelectError | None = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ss.SiteSelectWarning)
            answer = built(tree)
            if isinstance(answer, ss.SitePlan):
                assert "SitePlan" in repr(answer)
                answer.verify()
    except ss.SiteSelectError as error:
        refused = error
    except Exception as error:
        raise AssertionError(f"seed {seed}, {told}: {error!r}") from error
    if refused is None:
        return "answer"
    said = str(refused)
    parts = [p for p in re.split(r"[.?]\s+", said) if p]
    assert not isinstance(refused, ss.SolverError), (seed, told, said)
    assert len(parts) >= 4, (seed, told, said)
    assert len(said) < 2500, (seed, told, said[:500])
    assert "\n" not in said, (seed, told, said)
    return type(refused).__name__


@pytest.mark.parametrize("block", range(3))
def test_spoiled_calls_are_refused_or_answered(block: int) -> None:
    found = [judged(seed) for seed in range(100 * block, 100 * (block + 1))]
    # The mutator spoils calls, and not all of them: both ends are seen.
    assert {"StudyError", "LayerError", "answer"} <= set(found)


@pytest.mark.parametrize("k", range(len(calls())))
def test_the_calls_are_valid_before_they_are_spoiled(k: int) -> None:
    answer = built(calls()[k])
    if isinstance(answer, ss.SitePlan):
        assert answer.status == "optimal"
        answer.verify()


@pytest.mark.soak
@pytest.mark.parametrize("block", range(50))
def test_soak_spoiled_calls(block: int) -> None:
    for seed in range(1_000 + 100 * SOAK * block, 1_000 + 100 * SOAK * (block + 1)):
        judged(seed)
