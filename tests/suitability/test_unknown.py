"""Unknown: intervals of scores, which missing figure matters, evidence."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point
from suitability.world import frame

import siteselect as ss
from siteselect.errors import LayerError, StudyError

EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True, database=None)
#: Known values are halves: every threshold lies on this grid or between.
GRID = np.arange(9) / 8
CRITERIA = [
    ss.Criterion("a", ss.Column("a"), ss.Rising(0, 1), evidence="measured"),
    ss.Criterion("b", ss.Column("b"), ss.Rising(0, 1), evidence="synthetic"),
]


OWA_BEST = 0.5 ** (0.7 / 0.3)
#: Aggregates, and plain what they make of two values of equal weight.
WAYS = {
    "sum": (ss.WeightedSum(), lambda a, b: (a + b) / 2),
    "geometric": (ss.GeometricMean(), lambda a, b: np.sqrt(a * b)),
    "minimum": (ss.Minimum(), np.minimum),
    "owa": (
        ss.OWA(0.3),
        lambda a, b: OWA_BEST * np.maximum(a, b) + (1 - OWA_BEST) * np.minimum(a, b),
    ),
    "order": (
        ss.OWA(order_weights=[1, 3]),
        lambda a, b: np.maximum(a, b) / 4 + 3 * np.minimum(a, b) / 4,
    ),
}


@st.composite
def worlds(draw, ways=("sum",)):
    """Draw candidates with at most four missing figures, one maybe an exclusion."""
    n = draw(st.integers(1, 5))
    half = st.integers(0, 2).map(lambda k: k / 2)
    a = draw(st.lists(half, min_size=n, max_size=n))
    b = draw(st.lists(half, min_size=n, max_size=n))
    steep = draw(st.lists(st.sampled_from([0.0, 0.0, 1.0]), min_size=n, max_size=n))
    cells = draw(
        st.lists(
            st.tuples(st.integers(0, n - 1), st.sampled_from("abbas")),
            max_size=4,
            unique=True,
        )
    )
    columns = {"a": a, "b": b, "s": steep}
    for row, column in cells:
        columns[column][row] = np.nan
    xs = draw(st.permutations(range(n)))
    sites = frame(
        [Point(x, 0) for x in xs], index=[f"p{i}" for i in range(n)], **columns
    )
    way = draw(st.sampled_from(ways))
    scored = ss.score_sites(
        sites,
        CRITERIA,
        exclude=[ss.Where("s", equals=1.0, name="steep")],
        aggregate=WAYS[way][0],
    )
    scored.attrs["way"] = way
    return scored


def completions(scored):
    """Every way the missing figures may turn out, on the grid."""
    free = [
        (i, c) for i in range(len(scored)) for c in "abs" if np.isnan(scored[c].iloc[i])
    ]
    table = scored[["a", "b", "s"]].to_numpy(copy=True)
    for filled in itertools.product(
        *[(0.0, 1.0) if c == "s" else GRID for _, c in free]
    ):
        for (i, c), value in zip(free, filled, strict=True):
            table[i, "abs".index(c)] = value
        yield (
            dict(zip(free, filled, strict=True)),
            # Sums of the same values in other orders are equal.
            np.round(WAYS[scored.attrs["way"]][1](table[:, 0], table[:, 1]), 12),
            (table[:, 2] == 1),
        )


def brute(scored, belongs):
    """Return per missing figure: can it decide, least and surely enough value."""
    x = scored.geometry.x.to_numpy()
    free, answers = None, []
    for filled, score, is_out in completions(scored):
        free = list(filled)
        key = [
            (-1.0, 0.0) if o else (s, -p)
            for s, o, p in zip(score, is_out, x, strict=True)
        ]
        answers.append((filled, belongs(key)))
    out = {}
    for cell in free or []:
        seen = {}
        by_value = {}
        for filled, inside in answers:
            rest = tuple(v for c, v in filled.items() if c != cell)
            seen.setdefault(rest, set()).add(inside[cell[0]])
            passes = all(
                v == 0 for (i, c), v in filled.items() if c == "s" and i == cell[0]
            )
            if passes:
                by_value.setdefault(filled[cell], []).append(inside[cell[0]])
        least = [v for v, got in by_value.items() if any(got)]
        sure = [v for v, got in by_value.items() if all(got)]
        out[cell] = (
            any(len(got) > 1 for got in seen.values()),
            min(least, default=None),
            min(sure, default=None),
        )
    return out


def compare(scored, found, wanted):
    names = {"a": "a", "b": "b", "s": "steep"}
    at = {(row.site, row.figure): row for row in found.itertuples()}
    steep = scored["s"].to_numpy() == 1
    expected = {c for c in wanted if not steep[c[0]]}
    assert set(at) == {(scored.index[i], names[c]) for i, c in expected}
    for cell in expected:
        could, least, sure = wanted[cell]
        row = at[scored.index[cell[0]], names[cell[1]]]
        assert row.could_change == could
        assert (row.outcome == "open") == could
        if cell[1] == "s":
            assert np.isnan(row.least_value)
            continue
        if could:
            # A tie that goes by place needs a little more.
            assert row.least_value <= least <= row.least_value + 1 / 8
        if sure is not None:
            assert row.sure_value <= sure <= row.sure_value + 1 / 8
        else:
            assert np.isnan(row.sure_value) or row.sure_value >= 1 - 1e-9


@EXAMPLES
@given(worlds(), st.integers(1, 4))
def test_best_k_is_what_trying_everything_finds(scored, k):
    def belongs(key):
        best = sorted(range(len(key)), key=lambda i: key[i], reverse=True)[:k]
        return [i in best and key[i][0] >= 0 for i in range(len(key))]

    found = ss.value_of_information(scored, k=k)
    compare(scored, found, brute(scored, belongs))
    turned = ss.value_of_information(scored.iloc[::-1], k=k)
    pd.testing.assert_frame_equal(found, turned)


OTHERS = ("geometric", "minimum", "owa", "order")


@EXAMPLES
@given(worlds(OTHERS), st.integers(1, 3))
def test_other_aggregates_too(scored, k):
    def belongs(key):
        best = sorted(range(len(key)), key=lambda i: key[i], reverse=True)[:k]
        return [i in best and key[i][0] >= 0 for i in range(len(key))]

    compare(scored, ss.value_of_information(scored, k=k), brute(scored, belongs))


@EXAMPLES
@given(worlds(), st.integers(1, 31))
def test_given_set_is_what_trying_everything_finds(scored, bits):
    able = [i for i in range(len(scored)) if scored["s"].iloc[i] != 1]
    member = {i for i in able if (bits >> i) & 1}
    if not member:
        return

    def belongs(key):
        weakest = min(key[i] for i in member)
        strongest = max(
            (key[i] for i in range(len(key)) if i not in member), default=(-2.0, 0.0)
        )
        return [
            key[i][0] >= 0 and (key[i] > strongest if i in member else key[i] > weakest)
            for i in range(len(key))
        ]

    found = ss.value_of_information(scored, chosen=[scored.index[i] for i in member])
    compare(scored, found, brute(scored, belongs))


@EXAMPLES
@given(worlds())
def test_scores_stay_in_their_intervals(scored):
    low, high = scored["score_low"].to_numpy(), scored["score_high"].to_numpy()
    out = scored["s"].to_numpy() == 1
    assert (np.isnan(low) == out).all()
    assert (np.isnan(high) == out).all()
    known = scored["score"].notna().to_numpy()
    assert (low[known] == scored["score"][known]).all()
    assert (high[known] == scored["score"][known]).all()
    ends = [score for _, score, _ in completions(scored)]
    np.testing.assert_allclose(np.min(ends, axis=0)[~out], low[~out])
    np.testing.assert_allclose(np.max(ends, axis=0)[~out], high[~out])
    np.testing.assert_allclose((high - low)[~out], 1 - scored["coverage"][~out])


def test_outcomes_and_order():
    sites = frame(
        [Point(i, 0) for i in range(5)],
        index=list("abcde"),
        a=[1.0, 1.0, 0.5, 0.0, 0.5],
        b=[1.0, np.nan, np.nan, np.nan, 0.0],
    )
    scored = ss.score_sites(sites, CRITERIA)
    found = ss.value_of_information(scored, k=2).set_index("site")
    # b has 0.5 to 1, c 0.25 to 0.75, d 0 to 0.5: the second place is open.
    assert found["outcome"].to_dict() == {"b": "open", "c": "open", "d": "out"}
    # b misses it only if c passes it: sure from 0.5 on.
    assert found.at["b", "sure_value"] == pytest.approx(0.5)
    assert found.at["c", "least_value"] == pytest.approx(0.5)
    four = ss.value_of_information(scored, k=4)
    assert four[["site", "outcome"]].to_numpy().tolist() == [
        ["d", "open"],
        ["b", "in"],
        ["c", "in"],
    ]
    assert ss.value_of_information(scored, k=9)["outcome"].tolist() == ["in"] * 3
    full = ss.value_of_information(scored.iloc[:1], k=1)
    assert len(full) == 0
    assert list(full.columns) == list(found.reset_index().columns)
    plan = type("Plan", (), {"sites": scored.loc[["a", "e"]]})()
    given_set = ss.value_of_information(scored, chosen=plan).set_index("site")
    # c is at least as good as e, and lies west of it.
    assert given_set["outcome"].to_dict() == {"b": "in", "c": "in", "d": "open"}


@pytest.mark.parametrize(
    ("ask", "error", "noun"),
    [
        ({}, StudyError, "neither k nor chosen"),
        ({"k": 1, "chosen": ["a"]}, StudyError, "k and chosen"),
        ({"k": 0}, StudyError, "k=0"),
        ({"k": True}, StudyError, "k=True"),
        ({"chosen": ["z"]}, StudyError, "'z'"),
        ({"chosen": "a"}, StudyError, "'a'"),
        ({"chosen": []}, StudyError, "[]"),
        ({"chosen": ["b"]}, StudyError, "excluded"),
    ],
)
def test_what_is_no_set_is_refused(ask, error, noun):
    sites = frame(
        [Point(0, 0), Point(1, 0)], index=["a", "b"], a=[1.0, 1.0], b=[1.0, 1.0]
    )
    second = lambda f: pd.Series(f.index == "b", f.index)  # noqa: E731
    scored = ss.score_sites(sites, CRITERIA, exclude=[second])
    with pytest.raises(error) as caught:
        ss.value_of_information(scored, **ask)
    assert noun in str(caught.value)


def test_frames_that_were_not_scored_are_refused():
    sites = frame([Point(0, 0)], a=[1.0], b=[1.0])
    with pytest.raises(LayerError, match="score_low"):
        ss.value_of_information(sites, k=1)
    scored = ss.score_sites(sites, CRITERIA)
    with pytest.raises(LayerError, match="b_value"):
        ss.value_of_information(scored.drop(columns="b_value"), k=1)
    scored.attrs = {}
    with pytest.raises(LayerError, match="attrs"):
        ss.value_of_information(scored, k=1)
    flat = ss.OWA(order_weights=[1, 0])
    with pytest.raises(StudyError, match="order weights 1, 0"):
        ss.value_of_information(ss.score_sites(sites, CRITERIA, aggregate=flat), k=1)

    class Mine(ss.WeightedSum):
        pass

    with pytest.raises(StudyError, match="Mine"):
        ss.value_of_information(ss.score_sites(sites, CRITERIA, aggregate=Mine()), k=1)


def test_evidence_is_the_share_of_the_weight():
    sites = frame([Point(0, 0)], a=[1.0], b=[1.0])
    scored = ss.score_sites(
        sites,
        [
            *CRITERIA,
            ss.Criterion(
                "c", ss.Column("a"), ss.Rising(0, 1), weight=2, evidence="measured"
            ),
        ],
    )
    found = ss.evidence(scored)
    assert found.to_numpy().tolist() == [["measured", 0.75], ["synthetic", 0.25]]
    assert len(ss.evidence(sites)) == 0
    scored["capacity_mw"], scored["cost_usd_per_mw"] = 100.0, 1e7
    plan = ss.optimize_sites(scored, power_mw=100)
    assert plan.evidence.equals(found)
    assert "75 % measured, 25 % synthetic" in repr(plan)
