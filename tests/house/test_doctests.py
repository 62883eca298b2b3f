"""Every example in a docstring runs, in an empty folder."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import siteselect

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(siteselect.__path__, "siteselect.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", ["siteselect", *MODULES])
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, _ = doctest.testmod(module, optionflags=flags, report=True)
    assert failed == 0
