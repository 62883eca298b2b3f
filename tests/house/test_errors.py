"""Messages in four parts, and an error tree that doubles as the builtins."""

from __future__ import annotations

import numpy as np
import pytest

import siteselect as ss
from siteselect.errors import four_parts, nearest_name, shown


@pytest.mark.parametrize(
    ("child", "builtin"),
    [
        (ss.LayerError, ValueError),
        (ss.CRSError, ss.LayerError),
        (ss.StudyError, ValueError),
        (ss.InfeasiblePlanError, RuntimeError),
        (ss.SolverError, RuntimeError),
        (ss.MissingDependencyError, ImportError),
    ],
)
def test_children_inherit_the_root_and_the_builtin_they_resemble(child, builtin):
    assert issubclass(child, ss.SiteSelectError)
    assert issubclass(child, builtin)


@pytest.mark.parametrize("child", [ss.DataQualityWarning, ss.ApproximationWarning])
def test_warnings_have_one_root(child):
    assert issubclass(child, ss.SiteSelectWarning)
    assert issubclass(child, UserWarning)


def test_conflicts_travel_with_the_error():
    assert ss.InfeasiblePlanError("no plan", ["power"]).conflicts == ("power",)


def test_parts_are_sentences_and_code_stays_code():
    text = four_parts("a was asked", "y", "one of a, b.", "ss.call(z)")
    assert text == "A was asked. y. Wanted: one of a, b. Try: ss.call(z)."
    text = four_parts("it_mw was asked", "found 3", "four is allowed", "call it")
    assert text == "it_mw was asked. Found 3. Four is allowed. Call it."


def test_code_keeps_its_case_and_a_question_its_mark():
    text = four_parts("x", "none. Did you mean 'y'?", "a name", "sites = f(x)")
    assert text == "x. None. Did you mean 'y'? Wanted: a name. Try: sites = f(x)."
    for end in ("", "."):
        hinted = four_parts(
            "x", f"no z{end}" + nearest_name("strss", ["stress"]), "a", "f()"
        )
        assert "o z. Did you mean 'stress'? Wanted" in hinted


def test_long_lists_are_cut_and_close_names_offered():
    assert shown(range(8)) == "0, 1, 2, 3, 4 and 3 more"
    assert shown([]) == ""
    assert nearest_name("stress", ["strss", "flow"]) == " Did you mean 'strss'?"
    assert nearest_name("stress", ["flow"]) == ""
    three = nearest_name("B300", ["H100", "B200", "GB300", "GB200"], most=3)
    assert three == " Did you mean 'GB300', 'B200' or 'GB200'?"


@pytest.mark.parametrize(
    "value",
    [1, 2.5, 1e-9, True, "a'(b\"", "x", -3],
)
def test_labels_out_of_arrays_are_written_as_plain_values(value):
    [scalar] = np.array([value])
    text = four_parts(f"{scalar!r} was asked", shown(map(repr, [scalar])), "b", "f(x)")
    assert text == f"{value!r} was asked. {value!r}. Wanted: b. Try: f(x)."
