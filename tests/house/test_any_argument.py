"""Whatever a public function is given, it answers or says what is wrong itself."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import warnings

import numpy as np
import pytest

import siteselect as ss

ODD = (
    "H100",
    None,
    -1,
    float("nan"),
    1e300,
    True,
    [1, 2],
    {"a": 1},
    b"x",
    object(),
    np.array(["a"]),
)
FUNCTIONS = sorted(
    name
    for name in ss.__all__
    if inspect.isfunction(getattr(ss, name, None))
    and name != "bundled_study"  # a name of a folder is all that it needs
)

#: Results of functions, which nobody builds by hand, and an abstract class.
MADE = {
    "AHP",
    "Aggregate",
    "CriteriaAudit",
    "Frontier",
    "Hindcast",
    "Robust",
    "ScoredStudy",
    "SitePlan",
    "StudyResult",
    "Waterfall",
    "WayOut",
    "Weights",
}
CLASSES = sorted(
    name
    for name in set(ss.__all__) - MADE
    if inspect.isclass(getattr(ss, name, None))
    and not issubclass(getattr(ss, name), (Exception, Warning))
)


@pytest.mark.parametrize("name", [*FUNCTIONS, *CLASSES])
def test_no_bare_error_of_python_or_a_library(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call = getattr(ss, name)
    asked = [p for p in inspect.signature(call).parameters.values() if not _has(p)]
    by_place = [p for p in asked if p.kind is not p.KEYWORD_ONLY]
    by_name = [p.name for p in asked if p.kind is p.KEYWORD_ONLY]
    for values in itertools.product(ODD, repeat=min(len(by_place), 2)):
        given = [*values, *values[-1:] * (len(by_place) - len(values))]
        named = dict.fromkeys(by_name, values[0] if values else None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(ss.SiteSelectError):
                repr(call(*given, **named))


def _has(parameter: inspect.Parameter) -> bool:
    """Return whether a parameter may be left out."""
    variable = (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return parameter.default is not parameter.empty or parameter.kind in variable
