"""The study file that ``siteselect new`` writes."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

__all__ = ["new_study", "template"]


def template(name: str) -> str:
    """Return the text of a commented study that runs.

    Parameters
    ----------
    name : str
        What the study is called.

    Returns
    -------
    str
        TOML.
    """
    text = resources.files("siteselect.study").joinpath("template.toml")
    # JSON writes a text as TOML does.
    title = name.replace("\\", "\\\\").replace('"', '\\"')
    shown = "".join(c if c.isprintable() else "?" for c in title)
    return text.read_text("utf-8").replace("TITLE", shown).replace("NAME", shown)


def new_study(path: Path) -> None:
    """Write a commented study to a file, whole or not at all."""
    from siteselect.reporting.files import write_text

    write_text(path, template(path.stem))
