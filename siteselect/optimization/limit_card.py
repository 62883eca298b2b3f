"""What a notebook shows of a limit."""

from __future__ import annotations

import inspect

from siteselect.layers.cards import card, stated_fields


class ShownAsCard:
    """Shows a limit in a notebook: its name and the arguments that were given.

    Examples
    --------
    >>> from siteselect.optimization import Limit
    >>> limit = Limit("water", per_mw="water_m3_per_mw_year", at_most=5e6)
    >>> "5,000,000" in limit._repr_html_()
    True
    """

    def _repr_html_(self) -> str:
        said = (inspect.getdoc(type(self)) or "").partition("\n")[0]
        kind, name = type(self).__name__, str(getattr(self, "name", ""))
        is_named = name and name.lower() != kind.lower()
        rows = stated_fields(self, but=["name"])
        title = f"{kind} {name!r}" if is_named else kind
        return card(title, rows, said=said.replace("`", ""))
