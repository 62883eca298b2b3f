"""How many of some sites, all or none, if one then another."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_cases import (
    agree,
    candidates,
    claims,
    compiled,
    refused,
    rows_of,
    says,
    three,
)
from strategies import SOAK, examples

import siteselect.optimization as opt
from siteselect.errors import LayerError, StudyError
from siteselect.optimization.by_year import ByYear

INF = np.inf


def some(rng: random.Random, labels: list[str]) -> list[str]:
    return rng.sample(labels, rng.randint(1, len(labels)))


def as_spec(rng: random.Random, frame: Any, labels: list[str], column: str) -> Any:
    """Return the same sites as labels, as a column, or as a Series."""
    how = rng.choice(["labels", "column", "series", "one"])
    mask = pd.Series(frame.index.isin(labels), index=frame.index)
    if how == "column":
        frame[column] = mask
        return column
    if how == "series":
        return mask.sample(frac=1, random_state=0)
    if how == "one" and len(labels) == 1:
        return labels[0]
    return labels


def choose_agrees(seed: int) -> None:
    rng = random.Random(seed)
    frame = candidates(rng, rng.randint(2, 6))
    labels = some(rng, list(frame.index))
    low = rng.randint(0, len(labels))
    high = rng.randint(low, len(labels))
    limit = opt.Choose(
        "choose", as_spec(rng, frame, labels, "named"), at_most=high, at_least=low
    )
    agree(
        frame,
        limit,
        lambda chosen: low <= len(set(chosen) & set(labels)) <= high,
        [50, 100],
        rng.choice([200, 300, 400]),
    )


def all_or_none_agrees(seed: int) -> None:
    rng = random.Random(seed)
    frame = candidates(rng, rng.randint(2, 6))
    labels = some(rng, list(frame.index))
    by = rng.choice([None, "state"])
    spec = rng.choice([None, as_spec(rng, frame, labels, "named")])
    if by is None and spec is None:
        by = "state"
    if spec is None:
        labels = list(frame.index)

    def holds(chosen: dict[Any, float]) -> bool:
        groups: dict[Any, list[bool]] = {}
        for x in labels:
            key = "" if by is None else frame.at[x, by]
            groups.setdefault(key, []).append(x in chosen)
        return all(all(g) or not any(g) for g in groups.values())

    limit = opt.AllOrNone("twins", spec, by=by)
    agree(frame, limit, holds, [50, 100], rng.choice([200, 300, 400]))


def if_then_agrees(seed: int) -> None:
    rng = random.Random(seed)
    frame = candidates(rng, rng.randint(2, 6))
    first, second = some(rng, list(frame.index)), some(rng, list(frame.index))
    limit = opt.IfThen(
        "spur",
        as_spec(rng, frame, first, "causes"),
        as_spec(rng, frame, second, "effects"),
    )

    def holds(chosen: dict[Any, float]) -> bool:
        return not set(chosen) & set(first) or bool(set(chosen) & set(second))

    agree(frame, limit, holds, [50, 100], rng.choice([100, 200, 300]))


@given(st.integers(0, 2**32))
@examples(25)
def test_choose_equals_brute_force(seed: int) -> None:
    choose_agrees(seed)


@given(st.integers(0, 2**32))
@examples(25)
def test_all_or_none_equals_brute_force(seed: int) -> None:
    all_or_none_agrees(seed)


@given(st.integers(0, 2**32))
@examples(25)
def test_if_then_equals_brute_force(seed: int) -> None:
    if_then_agrees(seed)


@pytest.mark.soak
@given(st.integers(0, 2**32))
@examples(120 * SOAK)
def test_soak_rules(seed: int) -> None:
    choose_agrees(seed)
    all_or_none_agrees(seed)
    if_then_agrees(seed)


def test_choose_is_one_row_that_counts() -> None:
    limit = opt.Choose("c", ["w", "e"], at_most=1)
    rows = rows_of(compiled(three(), limit), "c")
    says(rows, [[1, 1, 0, 1, 1]], [-INF], [1])
    assert rows.kind.tolist() == ["count"]
    limit = opt.Choose("c", "is_hub", at_least=1, at_most=2)
    says(rows_of(compiled(three(), limit), "c"), [[1, 1, 0, 1, 1]], [1], [2])


def test_a_range_counts_where_it_opens() -> None:
    limit = opt.Choose("c", ["w", "m"], at_most=1)
    found = compiled(three(), limit, site_mw=(40, 200))
    says(rows_of(found, "c"), [[1, 0, 1, 0, 0, 0]], [-INF], [1])


def test_all_or_none_ties_neighbors() -> None:
    limit = opt.AllOrNone("a", ["w", "m", "e"])
    rows = rows_of(compiled(three(), limit), "a")
    says(rows, [[1, 1, -1, 0, 0], [0, 0, 1, -1, -1]], [0, 0], [0, 0])
    by = opt.AllOrNone("a", by="state")
    rows = rows_of(compiled(three(), by), "a")
    says(rows, [[1, 1, -1, 0, 0]], [0], [0])
    assert rows.group.tolist() == ["A"]
    both = opt.AllOrNone("a", ["w", "e"], by="state")
    assert len(rows_of(compiled(three(), both), "a")) == 0


def test_if_then_needs_no_column_of_its_own_for_one_cause_or_effect() -> None:
    one = compiled(three(), opt.IfThen("i", "w", ["m", "e"]))
    assert one.problem.n_columns == 5
    says(rows_of(one, "i"), [[1, 1, -1, -1, -1]], [-INF], [0])
    two = compiled(three(), opt.IfThen("i", ["w", "m"], "e"))
    says(
        rows_of(two, "i"),
        [[1, 1, 0, -1, -1], [0, 0, 1, -1, -1]],
        [-INF, -INF],
        [0, 0],
    )


def test_if_then_with_several_on_both_sides_shares_a_column() -> None:
    sites = three()
    more = three().set_axis(["x", "y", "z"])
    more["geometry"] = more.translate(0, 1)
    sites = pd.concat([sites, more])
    limit = opt.IfThen("i", ["w", "x"], ["m", "e"])
    found = compiled(sites, limit, site_mw=[100])
    frame = found.problem.frame
    assert list(frame.index) == ["w", "x", "m", "y", "e", "z"]
    assert found.problem.n_columns == 7
    assert not found.problem.integrality[6]
    says(
        rows_of(found, "i"),
        [
            [0, 0, -1, 0, -1, 0, 1],
            [1, 0, 0, 0, 0, 0, -1],
            [0, 1, 0, 0, 0, 0, -1],
        ],
        [-INF] * 3,
        [0] * 3,
    )


def test_a_cause_that_is_also_an_effect_is_free() -> None:
    found = compiled(three(), opt.IfThen("i", ["w", "m"], ["m"]))
    says(rows_of(found, "i"), [[1, 1, -1, 0, 0]], [-INF], [0])


@pytest.mark.parametrize(
    ("limit", "chosen", "kept"),
    [
        (opt.Choose("rule", ["w", "e"], at_most=1), "we", "wm"),
        (opt.Choose("rule", ["m"], at_least=1), "we", "wm"),
        (opt.Choose("rule", "is_hub", at_most=1), "we", "e"),
        (opt.AllOrNone("rule", ["w", "m"]), "we", "wm"),
        (opt.AllOrNone("rule", by="state"), "m", "e"),
        (opt.IfThen("rule", "w", "m"), "we", "e"),
        (opt.IfThen("rule", ["w", "m"], ["e"]), "m", "me"),
    ],
)
def test_verify_refuses_a_plan_that_breaks_the_rule(
    limit: Any, chosen: str, kept: str
) -> None:
    refused(three(), list(chosen), limit)
    claims(three(), list(kept), limit).verify()


def test_accounts_and_prices() -> None:
    limit = opt.Choose("c", ["w", "e"], at_most=1)
    plan = opt.optimize_sites(three(), site_mw=[100], limits=[limit])
    row = plan.limits.set_index("limit").loc["c"]
    assert (row["used"], row["allowed_max"], row["unit"]) == (1, 1, "sites")
    assert row["binding"]
    # One more of them brings w: 0.5 x 100 MW.
    assert row["price"] == pytest.approx(50)
    twins = opt.AllOrNone("t", by="state")
    plan = opt.optimize_sites(three(), site_mw=[100], max_sites=2, limits=[twins])
    table = plan.limits.set_index(["limit", "group"])
    assert set(plan.sites.index) == {"e"}
    assert table.loc[("t", "B"), ["used", "allowed_min"]].tolist() == [1, 1]
    assert ("t", "A") not in table.index


def test_order_and_labels_do_not_matter() -> None:
    limit = opt.IfThen(
        "i", "is_hub", pd.Series([False, True, False], index=list("wme"))
    )
    plan = opt.optimize_sites(three(), site_mw=[100], max_sites=2, limits=[limit])
    turned = opt.optimize_sites(
        three().iloc[::-1], site_mw=[100], max_sites=2, limits=[limit]
    )
    assert set(plan.sites.index) == set(turned.sites.index) == {"m", "e"}


def test_labels_may_be_tuples_and_numbers() -> None:
    sites = three()
    sites.index = pd.Index([("a", 1), ("a", 2), ("b", 1)], tupleize_cols=False)
    limit = opt.IfThen("i", ("b", 1), [("a", 2)])
    plan = opt.optimize_sites(sites, site_mw=[100], max_sites=2, limits=[limit])
    assert set(plan.sites.index) == {("b", 1), ("a", 2)}
    plan.verify()
    sites = three().reset_index(drop=True)
    limit = opt.Choose("c", 2, at_most=0)
    plan = opt.optimize_sites(sites, site_mw=[100], limits=[limit])
    assert set(plan.sites.index) == {0, 1}
    plan.verify()


def test_forbidden_and_excluded_members() -> None:
    limit = opt.AllOrNone("t", ["w", "m"])
    plan = opt.optimize_sites(three(), site_mw=[100], forbidden=["m"], limits=[limit])
    assert set(plan.sites.index) == {"e"}
    # An excluded one is no member, and naming it is an error.
    sites = three().assign(excluded_by=["", "lakes", ""])
    by = opt.AllOrNone("t", by="state")
    plan = opt.optimize_sites(sites, site_mw=[100], limits=[by])
    assert set(plan.sites.index) == {"w", "e"}
    plan.verify()
    with pytest.raises(StudyError, match="'m'.*excluded"):
        opt.optimize_sites(sites, site_mw=[100], limits=[limit])


@pytest.mark.parametrize(
    ("make", "says_"),
    [
        (lambda: opt.Choose("c", ["w"]), "sets no bound"),
        (lambda: opt.Choose("c", ["w"], at_most=-1), "negative or not whole"),
        (lambda: opt.Choose("c", ["w"], at_most=0.5), "negative or not whole"),
        (lambda: opt.Choose("c", ["w"], at_most=float("nan")), "finite number"),
        (lambda: opt.Choose("c", ["w"], at_most=1, at_least=2), "minimum is over"),
        (lambda: opt.Choose(" ", ["w"], at_most=1), "by name"),
        (lambda: opt.AllOrNone("a"), "sites and by are both None"),
        (lambda: opt.AllOrNone("", ["w"]), "by name"),
        (lambda: opt.IfThen(3, "w", "e"), "by name"),
    ],
)
def test_bad_rules_are_refused_when_they_are_made(make: Any, says_: str) -> None:
    with pytest.raises(StudyError, match=f"(?i){says_}"):
        make()


@pytest.mark.parametrize(
    ("limit", "says_"),
    [
        (opt.Choose("c", ["w", "west"], at_most=1), "'west'"),
        (opt.Choose("c", [], at_most=1), "names no eligible site"),
        (opt.Choose("c", "is_hup", at_most=1), "Did you mean 'is_hub'"),
        (opt.Choose("c", "score", at_most=1), "other than True and False"),
        (opt.Choose("c", ["w", "w"], at_least=2), "only 1 eligible"),
        (opt.Choose("c", pd.Series(["w", "e"]), at_most=1), "True and False"),
        (opt.Choose("c", None, at_most=1), "None"),
        (opt.AllOrNone("a", by="stat"), "Did you mean 'state'"),
        (opt.AllOrNone("a", by=["state"]), "that is list"),
        (opt.IfThen("i", "w", "ee"), "then_any"),
        (opt.IfThen("i", pd.Series(False, index=list("wme")), "e"), "if_any"),
        (opt.IfThen("i", pd.Series(True, index=list("wm")), "e"), "missing"),
    ],
)
def test_bad_sites_are_refused_when_compiled(limit: Any, says_: str) -> None:
    with pytest.raises((StudyError, LayerError), match=f"(?i){says_}"):
        compiled(three(), limit)


def test_a_text_that_is_both_column_and_label_is_refused() -> None:
    sites = three().rename(index={"w": "is_hub"})
    with pytest.raises(StudyError, match="a column and the label"):
        compiled(sites, opt.Choose("c", "is_hub", at_most=1))
    assert len(rows_of(compiled(sites, opt.Choose("c", ["is_hub"], at_most=1)), "c"))


@dataclasses.dataclass(frozen=True)
class Amounts:
    """Stands for an amount by year."""

    by_year: dict[int, float]

    def at(self, year: int) -> float:
        return self.by_year[year]


def test_bounds_by_year_are_looked_at_one_by_one() -> None:
    good = Amounts({2027: 1, 2030: 2})
    for limit in (
        opt.Choose("c", ["w"], at_most=good),
        opt.PresentValue("p", at_most=good, yearly_per_mw=0),
        opt.AtLeast(good, 0.9),
    ):
        assert limit.name in ("c", "p", "at least")
    bad = Amounts({2027: 1, 2030: -2})
    with pytest.raises(StudyError, match="negative"):
        opt.Choose("c", ["w"], at_least=bad)
    with pytest.raises(StudyError, match="negative"):
        opt.PresentValue("p", at_most=bad, yearly_per_mw=0)
    with pytest.raises(StudyError, match="negative"):
        opt.AtLeast(bad, 0.9)


def test_what_is_about_the_end_says_so() -> None:
    assert opt.AllOrNone("a", ["w"]).last_year_only
    assert opt.IfThen("i", "w", "m").last_year_only
    assert opt.Cluster("c", "w", 10).last_year_only
    once = opt.AtLeast(100, 0.9)
    assert once.last_year_only
    assert once.in_year(2027, is_last=False) is None
    assert once.in_year(2030, is_last=True) is once
    yearly = opt.AtLeast(Amounts({2027: 100, 2030: 300}), 0.9)
    assert not yearly.last_year_only
    then = yearly.in_year(2027, is_last=False)
    assert then is not None
    assert then.mw == 100


@pytest.mark.parametrize(
    "limit",
    [
        opt.Choose("r", ["w", "e"], at_most=ByYear({2027: 1, 2030: 2})),
        opt.Choose("r", ["w", "e"], at_least=2),
        opt.AllOrNone("r", by="state"),
        opt.IfThen("r", ["w", "m"], ["m", "e"]),
        opt.Cluster("r", "is_hub", 100),
        opt.AtLeast(ByYear({2027: 100, 2030: 200}), 0.4, name="r", scenarios=10),
        opt.PresentValue("r", at_most=ByYear({2027: 2e9, 2030: 8e9}), yearly_per_mw=1),
    ],
    ids=lambda limit: type(limit).__name__,
)
def test_both_ways_agree_over_the_years(limit: Any) -> None:
    found = []
    for method in ("full", "priceout"):
        plan = opt.optimize_sites(
            three(),
            site_mw=[100, 300],
            power_mw={2027: 200, 2030: 600},
            limits=[limit],
            method=method,
        )
        plan.verify()
        found.append(plan.objective)
    assert found[0] == pytest.approx(found[1], rel=1e-4)
