"""What may happen to a file: bytes that flip, and values that are not what they were.

Every change is drawn from a `random.Random`, so that the name of a seed and a number
give the same file again.
"""

from __future__ import annotations

import io
import json
import random
import re
import sqlite3
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

Change = Callable[[random.Random, bytes], bytes]

#: Texts that readers stumble over.
TEXTS = (
    "", " ", "nan", "NaN", "inf", "-inf", "1e999", "-1e308", "null", "None", "true",
    "0x10", "1_000", "1,5", "1e5", "007", "-0", "9" * 400, "1" + "0" * 5000,
    "\u202e\u0000x", "\ufeff", "\u0661\u0662", "é́́́", "\U0001f4a5", "=1+1",
    "'", '"', '""', ";", "\r\n", "\t", "../../x", "<b>&amp;", "%s%n{0}", "x" * 70_000,
    "POINT (1 2)", "2020-02-30", "25:61",
)  # fmt: skip
#: Values of other kinds than the one that stood there.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, -1e308, float("nan"), float("inf"), 2**31, 2**63,
    2**64, 10**400, [], {}, [[]], {"a": {}}, [None], "x", "", 0.1, -90.0001, 1e-320,
    [1, "a", None], {"": None}, {"type": "Point"},
)  # fmt: skip
#: Numbers at the ends of what bytes hold.
ENDS = tuple(
    struct.pack(order + kind, value)
    for order in "<>"
    for kind, value in (
        ("H", 0xFFFF), ("I", 0xFFFFFFFF), ("I", 0x7FFFFFFF), ("I", 0x80000000),
        ("Q", 2**64 - 1), ("Q", 2**63 - 1), ("d", float("nan")), ("d", float("inf")),
        ("d", 1e308), ("I", 0), ("I", 1), ("Q", 2**40),
    )
)  # fmt: skip


# ------------------------------------------------------------------------- bytes


def some_bytes(rng: random.Random, content: bytes) -> bytes:
    """Change some bytes: flip, cut, repeat, splice, zero, or write a huge number."""
    out = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        if not out:
            break
        # What a file begins with decides most of what is made of it.
        reach = len(out) if rng.random() < 0.5 else min(len(out), 512)
        at = rng.randrange(reach)
        run = min(rng.choice((1, 2, 8, 64, 512)), len(out) - at)
        match rng.randrange(8):
            case 0:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                out[at] = rng.randrange(256)
            case 2:
                del out[at : at + run]
            case 3:
                del out[at:]
            case 4:
                out[at:at] = out[at : at + run] * rng.choice((1, 3))
            case 5:
                out[at : at + run] = bytes(run)
            case 6:
                start = rng.randrange(len(out))
                out[at : at + run] = out[start : start + run]
            case _:
                end = rng.choice(ENDS)
                out[at : at + len(end)] = end
    return bytes(out)


# -------------------------------------------------------------------------- text


def some_text(rng: random.Random, content: bytes) -> bytes:
    """Change how a text is stored: its mark, ends of lines, NUL, encoding."""
    text = content.decode("utf-8", "surrogateescape")
    match rng.randrange(9):
        case 0:
            return b"\xef\xbb\xbf" + content
        case 1:
            return content.replace(b"\n", rng.choice((b"\r\n", b"\r", b"\n\n\r")))
        case 2:
            at = rng.randrange(len(content) + 1)
            return content[:at] + rng.choice((b"\0", b"\xff", b"\x1a")) + content[at:]
        case 3:
            return text.encode(rng.choice(("utf-16", "utf-32", "utf-16-le")), "replace")
        case 4:
            return content.rstrip(b"\n") * 2
        case 5:
            words = re.findall(r"[\w.+-]+", text) or ["x"]
            word = rng.choice(words)
            return text.replace(word, rng.choice(TEXTS), rng.choice((1, -1))).encode(
                "utf-8", "surrogateescape"
            )
        case 6:
            lines = text.splitlines(keepends=True) or [""]
            rng.shuffle(lines)
            return "".join(lines).encode("utf-8", "surrogateescape")
        case 7:
            mark = rng.choice("\"'[]{}()<>,;#=\\&%")
            at = rng.randrange(len(text) + 1)
            many = mark * rng.choice((1, 1, 2, 3000))
            return (text[:at] + many + text[at:]).encode("utf-8", "surrogateescape")
        case _:
            return some_bytes(rng, content)


def some_cells(rng: random.Random, content: bytes) -> bytes:
    """Change cells, columns and names of delimited text."""
    rows = [line.split(",") for line in content.decode().splitlines()]
    for _ in range(rng.choice((1, 1, 2, 5))):
        row = rng.choice(rows[: rng.choice((2, 12, len(rows)))])
        at = rng.randrange(len(row)) if row else 0
        match rng.randrange(7):
            case 0 if row:
                row[at] = rng.choice(TEXTS)
            case 1 if row:
                row[at] = '"' + rng.choice(TEXTS) + '"'
            case 2:
                row.insert(at, rng.choice(TEXTS))
            case 3 if row:
                del row[at]
            case 4:
                row *= rng.choice((0, 2, 50))
            case 5:
                rows[0] = rows[0][:1] * len(rows[0])
            case _:
                column = rng.choice(TEXTS)
                for other in rows[1:]:
                    if at < len(other):
                        other[at] = column
    end = rng.choice(("\n", "\n", "\n", "\r\n", "\r"))
    return end.join(",".join(row) for row in rows).encode("utf-8", "replace")


# -------------------------------------------------------------------------- JSON


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value inside a value."""
    found = [way] if way else []
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in inner:
        found += places(item, (*way, key))
    return found


def changed_value(rng: random.Random, value: Any) -> Any:
    """Replace, remove, repeat or rename values inside a value of JSON."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        ways = places(value)
        if not ways:
            return rng.choice(VALUES)
        *way, key = rng.choice(ways)
        holder = value
        for step in way:
            holder = holder[step]
        match rng.randrange(6):
            case 0 | 1:
                holder[key] = rng.choice(VALUES)
            case 2:
                holder[key] = rng.choice(TEXTS)
            case 3:
                del holder[key]
            case 4 if isinstance(holder, dict):
                holder[rng.choice(TEXTS)] = holder.pop(key)
            case 4:
                holder.extend(holder[:20])
            case _:
                holder[key] = [holder[key]]
    return value


def some_json(rng: random.Random, content: bytes) -> bytes:
    """Change the values of JSON, or what stands between them."""
    text = json.dumps(
        changed_value(rng, json.loads(content)), ensure_ascii=rng.random() < 0.5
    )
    match rng.randrange(12):
        case 0:
            depth = rng.choice((50, 5_000, 100_000))
            text = text.replace("1", "[" * depth + "1" + "]" * depth, 1)
        case 1:
            # The same key twice: which one counts?
            text = re.sub(r'("\w+": )', rf"\g<1>{rng.randrange(9)}, \1", text, count=1)
        case 2:
            text = text.replace('"', '"\\ud800', 3)
        case 3:
            text = f"{text}{text}"
        case 4:
            text = re.sub(r"\d+", "1" * rng.choice((30, 5_000)), text, count=1)
    return text.encode("utf-8", "replace")


# ------------------------------------------------------------------------- tables


def _metadata(rng: random.Random, schema: pa.Schema) -> dict[bytes, bytes]:
    """Change what the frames are told about a table: of geometry or of pandas."""
    told = dict(schema.metadata or {})
    if told:
        key = rng.choice(sorted(told))
        if rng.random() < 0.2:
            del told[key]
        elif rng.random() < 0.2:
            told[key] = rng.choice(TEXTS).encode("utf-8", "replace")
        elif key != b"ARROW:schema":
            changed = changed_value(rng, json.loads(told[key]))
            told[key] = json.dumps(changed).encode("utf-8", "replace")
    return told


def _columns(rng: random.Random, table: pa.Table) -> pa.Table:
    """Change a column: its kind, its name, what it holds."""
    at = rng.randrange(table.num_columns)
    name, n = table.column_names[at], table.num_rows
    other = rng.choice(
        (
            pa.array([b"\x80\x04."] * n),
            pa.array([rng.choice(TEXTS).replace("\0", "")] * n),
            pa.nulls(n),
            pa.array([[1.0]] * n),
            pa.array([{"a": 1}] * n),
            pa.array([2**63 - 1] * n),
            pa.array([2**64 - 1] * n, pa.uint64()),
            pa.array([float("nan")] * n),
            pa.array([2**62] * n, pa.timestamp("us")),
            pa.array([-(2**31)] * n, pa.date32()),
            pa.array([True] * n),
            pa.array([1] * n, pa.int64()).dictionary_encode(),
            pa.array([[b"x"]] * n),
        )
    )
    match rng.randrange(4):
        case 0 | 1:
            return table.set_column(at, name, other)
        case 2:
            return table.append_column(rng.choice((name, *TEXTS)), other)
        case _:
            return table.remove_column(at)


def some_table(rng: random.Random, content: bytes) -> bytes:
    """Change columns, or what is told about them, of Parquet or Feather."""
    is_parquet = content[:4] == b"PAR1"
    source = io.BytesIO(content)
    table = pq.read_table(source) if is_parquet else pa.feather.read_table(source)
    told = _metadata(rng, table.schema)
    if rng.random() < 0.5:
        table = _columns(rng, table)
    table = table.replace_schema_metadata(told)
    out = io.BytesIO()
    if is_parquet:
        pq.write_table(table, out)
    else:
        pa.feather.write_feather(table, out, compression="uncompressed")
    return out.getvalue()


def some_rows(rng: random.Random, content: bytes) -> bytes:
    """Change cells of a database: its features, or what it tells of its layers."""
    base = sqlite3.connect(":memory:")
    base.deserialize(content)
    triggers = base.execute("select name from sqlite_master where type = 'trigger'")
    for (name,) in triggers.fetchall():
        base.execute(f'drop trigger "{name}"')
    tables = [
        name
        for (name,) in base.execute(
            "select name from sqlite_master where type = 'table' and sql not like "
            "'%virtual%' and name not like 'sqlite%' and name not like 'rtree%'"
        )
    ]
    for _ in range(rng.choice((1, 1, 2, 4))):
        table = rng.choice(tables)
        columns = [row[1] for row in base.execute(f'pragma table_info("{table}")')]
        column = rng.choice(columns)
        value = rng.choice(
            (None, -1, 2**62, 1e308, b"", b"GP\0", b"GP\0\1\0\0\0\0\1", *TEXTS)
        )
        old = base.execute(f'select "{column}" from "{table}" limit 1').fetchone()
        if old is not None and isinstance(old[0], bytes) and rng.random() < 0.7:
            value = some_bytes(rng, old[0])
        try:
            base.execute(f'update "{table}" set "{column}" = ?', (value,))
        except sqlite3.Error:
            base.execute(f'delete from "{table}"')
    base.commit()
    out = base.serialize()
    base.close()
    return bytes(out)


# ------------------------------------------------------------------------ archives

NAMES = (
    "../../x", "/etc/x", "C:\\x", "a/../b", "doc.kml", "x" * 300, "\u202e.kml", ".",
    "con", "layer.shp", "a b.csv", "",
)  # fmt: skip


def inside(*changes: Change) -> Change:
    """Return a change of one member of an archive, of its name, or of the archive."""

    def change(rng: random.Random, content: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(i.filename, archive.read(i)) for i in archive.infolist()]
        at = rng.randrange(len(members))
        name, held = members[at]
        match rng.randrange(8):
            case 0:
                members[at] = (rng.choice(NAMES) or "x", held)
            case 1:
                members.append((f"{name} 2", held))
            case 2:
                del members[at]
            case _:
                members[at] = (name, rng.choice(changes)(rng, held))
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", rng.choice((0, 8))) as archive:
            for name, held in members:
                archive.writestr(name, held)
        return out.getvalue()

    return change


#: What is done to a file, by its suffix.
CHANGES: dict[str, tuple[Change, ...]] = {
    ".csv": (some_cells, some_cells, some_text),
    ".tsv": (some_text,),
    ".json": (some_json, some_json, some_text),
    ".geojson": (some_json, some_json, some_text),
    ".toml": (some_text, some_text, some_bytes),
    ".kml": (some_text, some_text, some_bytes),
    ".vrt": (some_text, some_text, some_bytes),
    ".asc": (some_text, some_bytes),
    ".m": (some_text, some_text, some_bytes),
    ".parquet": (some_table, some_table, some_bytes),
    ".feather": (some_table, some_bytes),
    ".gpkg": (some_rows, some_rows, some_bytes),
    ".kmz": (inside(some_text, some_bytes), some_bytes),
    ".xlsx": (inside(some_text, some_text, some_bytes), some_bytes),
    ".zip": (inside(some_bytes, some_text), some_bytes),
}


def changed(path: Path, content: bytes, rng: random.Random) -> bytes:
    """Return the content of a file after one draw of what may happen to it."""
    return rng.choice(CHANGES.get(path.suffix, (some_bytes,)))(rng, content)
