"""A study that says a bit of everything, over candidates of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

FULL = """\
title = "Forty parcels"   # a comment with a key = "in it"
area = ["OR", "WA"]
preset = "training"

[candidates]
file = "parcels.csv"
x = "lon"
y = "lat"
id = "parcel"

[layers.depots]
file = "depots.csv"
evidence = "measured"
units = { lots = "count" }

[prepare]
cooling = "closed-loop liquid"
parameters = { peak_ratio = 1.25 }

[[criteria]]
name = "depot"
weight = 0.1
measure = { kind = "Within", layer = "depots", radius_km = 300, sum = "lots" }
value = { kind = "Large", middle = 8 }

[[criteria]]
name = "room"
weight = 0.2
[criteria.measure]
kind = "Column"
source = "acres"
[criteria.value]
kind = "Piecewise"
points = [[50, 0], [200, 0.5],
          [500, 1]]

[[exclude]]
kind = "Near"
layer = "lakes"
km = 0.1
name = "lake"

[[gates]]
name = "size"
measure = { kind = "Column", source = "acres" }
at_least = 100
conditional = 60

[plan]
power_mw = [200, 600]
site_mw = [50, 100]
budget_usd = 20e9
objective = "score"
gap = 1e-6
min_sites = 2

[[limits]]
kind = "Limit"
name = "county water"
per_mw = "water_m3_per_mw_year"
by = "county"
at_most = "water_available_m3_per_year"

[[limits]]
kind = "Average"
name = "carbon"
column = "carbon_kg_per_mwh"
at_most = 600

[[limits]]
kind = "Choose"
name = "one of two"
sites = ["p01", "p02"]
at_most = 1

[[limits]]
kind = "Spacing"
km = 5

[outputs]
files = ["sites.csv", "map.png"]
survival = 1
rng = 7
"""


#: The same parcels without models: quick to run.
SIMPLE = """\
area = "OR"
candidates = { file = "parcels.csv", x = "lon", y = "lat", id = "parcel" }
plan = { power_mw = [200, 600], site_mw = [50, 100] }
outputs = { files = ["sites.csv", "sites.gpkg", "eligibility.csv"] }

[[criteria]]
name = "room"
measure = { kind = "Column", source = "acres" }
value = { kind = "Rising", a = 0, b = 600 }

[[limits]]
kind = "Limit"
name = "land"
per_site = "acres"
at_most = 4000
"""


def folder(path: Path) -> Path:
    """Write the files of the study into a folder."""
    rng = np.random.default_rng(1)
    n = 40
    parcels = pd.DataFrame(
        {
            "parcel": [f"p{i:02d}" for i in range(n)],
            "lon": np.round(rng.uniform(-122.8, -117.5, n), 4),
            "lat": np.round(rng.uniform(44.0, 47.5, n), 4),
            "acres": np.round(rng.uniform(40, 600, n)),
        }
    )
    parcels.to_csv(path / "parcels.csv", index=False)
    depots = pd.DataFrame({"lon": [-121.5, -119], "lat": [45.75, 46], "lots": [12, 4]})
    depots.to_csv(path / "depots.csv", index=False)
    (path / "full.toml").write_text(FULL, "utf-8")
    (path / "simple.toml").write_text(SIMPLE, "utf-8")
    return path


#: Resources that compete in the study that takes long.
RESOURCES = 12


def long_search(path: Path, n: int = 300) -> Path:
    """Write a study whose best plan is found at once, and proven in hours."""
    rng = np.random.default_rng(7)
    table = pd.DataFrame({f"need_{i}": rng.uniform(1, 10, n) for i in range(RESOURCES)})
    table["worth"] = 1 + table.mean(axis=1) + rng.uniform(0, 1, n)
    table.insert(0, "lon", rng.uniform(-105, -100, n))
    table.insert(1, "lat", rng.uniform(35, 40, n))
    table.to_csv(path / "many.csv", index=False)
    limits = [
        f"""
        [[limits]]
        kind = "Limit"
        name = "resource {i}"
        per_site = "need_{i}"
        at_most = {float(table[f"need_{i}"].sum() / 2)!r}
        """
        for i in range(RESOURCES)
    ]
    text = """
        candidates = { file = "many.csv", x = "lon", y = "lat" }
        plan = { site_mw = [100], gap = 0, objective = "worth" }
        outputs = { files = ["sites.csv"] }
        [[criteria]]
        name = "worth"
        measure = { kind = "Column", source = "worth" }
        value = { kind = "Rising", a = 0, b = 20 }
        """
    study = path / "long.toml"
    study.write_text(text + "".join(limits), "utf-8")
    return study
