"""What a benchmark prints, and where it is put: a section of the README."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from pathlib import Path

README = Path(__file__).parent / "README.md"
VERSIONS = ("numpy", "scipy", "pandas", "geopandas", "PuLP", "highspy", "spopt")


class Page:
    """Prints lines as they come and keeps them."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str = "") -> None:
        """Print and keep."""
        print(text, flush=True)
        self.lines += text.split("\n")

    def head(self, *names: str) -> None:
        """Print the head of a table."""
        self.say("\n| " + " | ".join(names) + " |\n|" + "---|" * len(names))

    def row(self, *cells: str) -> None:
        """Print a row of a table."""
        self.say("| " + " | ".join(cells) + " |")


def machine() -> str:
    """Return what the figures depend on."""
    versions = ", ".join(f"{n} {importlib.metadata.version(n)}" for n in VERSIONS)
    return (
        f"Python {platform.python_version()}, {platform.machine()}, "
        f"{os.cpu_count()} cores, one thread per contestant; {versions}"
    )


def load() -> float:
    """Return how many processes wanted a core over the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def put(name: str, lines: list[str]) -> None:
    """Replace one section of the README by what was printed."""
    text = README.read_text()
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    block = "\n".join([begin, *lines, end])
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(text):
        text += "\n" + begin + end + "\n"
    README.write_text(pattern.sub(lambda _: block, text))
