"""Bokeh, imported late, and its documents with the same text every time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from siteselect.errors import MissingDependencyError, four_parts


def bokeh_library() -> Any:
    """Import bokeh when it is first needed; it takes long and is optional."""
    try:
        import bokeh.embed.util
        import bokeh.models
        import bokeh.plotting
        import bokeh.resources
    except ImportError as error:
        raise MissingDependencyError(
            four_parts(
                "An interactive page was asked for",
                "bokeh is not installed",
                "bokeh 3.6 or newer, which the extra `interactive` brings",
                "Call pip install 'siteselect[interactive]'",
            )
        ) from error
    return bokeh


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """Return a document whose objects are numbered in the order they appear.

    Bokeh counts them up through the life of a process, so that a second page
    would differ from the first.
    """
    if isinstance(value, dict):
        out = {}
        for key, item in value.items():
            if key == "id" and isinstance(item, str) and re.fullmatch(r"p\d+", item):
                item = names.setdefault(item, f"p{len(names) + 1}")
            out[key] = _renamed(item, names)
        return out
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return value


def document_of(
    bokeh: Any, figures: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return figures as bokeh's own JSON, and the element of each root.

    Parameters
    ----------
    bokeh : module
        From `bokeh_library`.
    figures : mapping of str to figure
        By the identity of the element that each is drawn in.

    Returns
    -------
    document : dict
        Bokeh's document.
    roots : dict of str to str
        Element by the identity of the figure.
    """
    home = bokeh.embed.util.OutputDocumentFor
    with home(list(figures.values()), always_new=True) as document:
        document.title = ""
        content = document.to_json(deferred=False)
    names: dict[str, str] = {}
    renamed = _renamed(content, names)
    return renamed, {names[figure.id]: element for element, figure in figures.items()}
