"""Excel workbooks: figures come back, text stays text, the same bytes twice."""

from __future__ import annotations

import io
import sys
import xml.etree.ElementTree as ET
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siteselect.errors import MissingDependencyError
from siteselect.reporting.workbook import workbook_bytes

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read(content: bytes) -> dict[str, list[list[object]]]:
    """Read the cells of all sheets from the parts of the file."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        names = [
            s.get("name")
            for s in ET.fromstring(book.read("xl/workbook.xml")).iter(f"{MAIN}sheet")
        ]
        strings: list[str] = []
        if "xl/sharedStrings.xml" in book.namelist():
            shared = ET.fromstring(book.read("xl/sharedStrings.xml"))
            strings = [
                "".join(t.text or "" for t in item.iter(f"{MAIN}t")) for item in shared
            ]
        found = {}
        for at, name in enumerate(names, start=1):
            part = ET.fromstring(book.read(f"xl/worksheets/sheet{at}.xml"))
            assert not list(part.iter(f"{MAIN}f")), "a formula"
            assert not list(part.iter(f"{MAIN}hyperlink")), "an address"
            rows = []
            for row in part.iter(f"{MAIN}row"):
                cells = {}
                for cell in row:
                    value = cell.find(f"{MAIN}v").text
                    if cell.get("t") == "s":
                        value = strings[int(value)]
                    elif cell.get("t") == "b":
                        value = value == "1"
                    else:
                        value = float(value)
                    cells["".join(c for c in cell.get("r") if c.isalpha())] = value
                rows.append(cells)
            found[name] = rows
    return found


def test_figures_come_back_and_unknown_is_empty():
    table = pd.DataFrame(
        {
            "mw": [0.1 + 0.2, np.nan],
            "ok": [True, False],
            "usd": [45_000_000_001, 2],
            "far": [np.inf, -1e300],
        },
        index=pd.Index(["a", "b"], name="site"),
    )
    rows = read(workbook_bytes({"sites": table}))["sites"]
    assert rows[0] == dict(
        zip("ABCDE", ["site", "mw", "ok", "usd", "far"], strict=True)
    )
    assert rows[1]["B"] == pytest.approx(0.3, rel=1e-15)
    assert rows[1]["C"] is True
    assert rows[1]["D"] == 45_000_000_001
    assert "E" not in rows[1]
    assert "B" not in rows[2]
    assert rows[2]["E"] == -1e300


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["=1+1", "@SUM(A1)", "+1", "-1", "https://x.example", "{=A1}", "1e5"]
        )
        | st.text(max_size=20),
        min_size=1,
        max_size=4,
    ),
    st.lists(st.text(max_size=40), min_size=1, max_size=3),
)
def test_text_stays_text_whatever_it_looks_like(texts, names):
    tables = {}
    for n, name in enumerate(names):
        tables[name + "\x00" * n] = pd.DataFrame({"t": texts})
    content = workbook_bytes(tables)
    sheets = read(content)
    assert len(sheets) == len(tables)
    assert len({name.casefold() for name in sheets}) == len(tables)
    for rows in sheets.values():
        back = [row.get("A") for row in rows[1:]]
        # What XML cannot hold is a blank; a trailing return is normalized by XML.
        kept = [t for t in texts if t]
        got = [t for t in back if t]
        assert len(got) == len(kept)
        for before, after in zip(kept, got, strict=True):
            assert isinstance(after, str)
            if before.isprintable():
                assert after == before
    assert workbook_bytes(tables) == content


def test_a_long_text_says_that_it_was_cut():
    table = pd.DataFrame({"t": ["x" * 40_000, "\U0001f3ed" * 20_000, "y" * 32_767]})
    rows = read(workbook_bytes({"a": table}))["a"]
    for row in rows[1:3]:
        assert 32_760 <= len(row["A"].encode("utf-16-le")) / 2 <= 32_767
        assert "cut" in row["A"][-60:]
    assert rows[3]["A"] == "y" * 32_767


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(MissingDependencyError, match="pip install XlsxWriter"):
        workbook_bytes({})
