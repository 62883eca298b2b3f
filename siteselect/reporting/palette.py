"""The colours of maps and charts, told apart by eyes of every kind."""

from __future__ import annotations

from matplotlib.colors import Colormap, LinearSegmentedColormap

INK = "#222222"
QUIET = "#555555"
PICK = "#d55e00"
GROUND = "#f6f5f2"
WATER = "#ffffff"
BORDER = "#7d7d7d"
EXCLUDED = "#cacade"
UNKNOWN = "#e6d6da"


def _suitability_colors() -> Colormap:
    """Build light-to-dark blue-green: its lightness falls steadily, in any eye."""
    stops = ["#f4fbd0", "#c9e8b4", "#84cdbb", "#41a9c4", "#2177b3", "#24409a"]
    return LinearSegmentedColormap.from_list("siteselect", stops, N=256)


SUITABILITY = _suitability_colors()
