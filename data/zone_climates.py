"""Rebuild the typical climate of each climate zone from the bundled layers.

Run from a clone, after ``data/build.py``::

    python data/zone_climates.py

Writes ``siteselect/infrastructure/zone_climates.csv``: medians over the bundled
counties of a zone. Zone 8 has no county there and gets no row.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:
    sys.path.insert(0, str(HERE.parent))

from siteselect.infrastructure import (  # noqa: E402
    climate_from_months,
    cooling_line_table,
)
from siteselect.infrastructure.cooling import zone_keys  # noqa: E402
from siteselect.layers import datasets, raster, spatial  # noqa: E402

FILE = HERE.parent / "siteselect" / "infrastructure" / "zone_climates.csv"
SOURCE = (
    "Medians over the bundled counties of the zone; their climates are estimated "
    "by climate_from_months from the bundled monthly normals"
)
# Cells that a county's point may miss by, at the coast.
REACH_KM = 40.0


def county_climates() -> pd.DataFrame:
    """Return the estimated climate and the zone of each bundled county."""
    places = datasets.load("counties")
    points = spatial.points_of(places)
    months, record, humidity, height = (
        raster.sample_bands(datasets.load(name), points, reach_km=REACH_KM).values
        for name in ("temperature", "t_max", "humidity", "elevation")
    )
    climate = climate_from_months(months, record[:, 0], humidity[:, 0], height[:, 0])
    zones = datasets.load("climate_zones").set_index("county")["iecc_zone"]
    climate["zone"] = zone_keys(places["county"].map(zones)).to_numpy()
    climate.index = places["county"].astype("object")
    return climate[climate["t_mean_c"].notna()]


def zone_climates() -> pd.DataFrame:
    """Return the medians by zone, as the committed table holds them."""
    lines = cooling_line_table()
    of_table = lines[lines["cooling"] != "closed-loop liquid"]
    predictors = sorted({*of_table["predictor"], "t_mean_c"})
    by_zone = county_climates().groupby("zone")
    table = by_zone[predictors].median().round(3)
    table["counties"] = by_zone.size()
    table["source"] = SOURCE
    return table.reset_index()


if __name__ == "__main__":
    table = zone_climates()
    table.to_csv(FILE, index=False, lineterminator="\n")
    print(table.drop(columns="source").to_string(index=False))
