"""The README of the bundle, written from the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEAD = """\
# The bundled layers

Written by `data/build.py` from the recipes in `data/recipes/`; do not edit.
`catalog.toml` says more of each layer: source, attribution, vintage, unit of every
column, what was done to it, SHA-256.

`ss.datasets.layers()` shows this as a table, `ss.datasets.load(name, area=None)`
loads one.

"""

TAIL = """
## What is not here

No honest, freely licensed source was found in any package registry for:

- protected land, parks, tribal land, military land
- flood zones and flood plains
- wetlands and small water bodies
- site slope and soils (the elevation layer has one value per 9 km)
- seismic, wildfire and tornado hazard
- fiber routes, carrier hotels, internet exchange points
- real substations, lines and plants, and their real capacity
- committed loads and interconnection queues, water rights and utility permits
- zoning, parcels, land prices, existing data centers

A plan made from the bundle alone has not checked any of these. Bring your own and use
it like a bundled layer:

```python
import siteselect as ss

flood = ss.read_layer("flood_zones.gpkg")
scored = ss.score_sites(sites, criteria, exclude=[ss.Inside(flood)])
```

Reservoirs (GRanD) are left out because their terms are non-commercial.

## Rebuilding

```
python data/build.py              # everything
python data/build.py --only lakes
```

The packages of `packages.toml` are downloaded once into `.downloads/` (about 320 MB),
checked against their SHA-256 and read, never installed. Two builds give the same
bytes with the library versions in `build-requirements.txt`.
"""


def text(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the README for the layers of a catalog."""
    lines = [
        HEAD + "| layer | kind | evidence | licence | what it is not |",
        "|---|---|---|---|---|",
    ]
    for name, entry in sorted(entries.items()):
        kind = entry["kind"] + (f" → {entry['join']}" if "join" in entry else "")
        cells = [f"`{name}`", kind, entry["evidence"], entry["licence"]]
        cells.append(entry["not_this"])
        lines.append("| " + " | ".join(c.replace("|", "/") for c in cells) + " |")
    total = sum(entry["bytes"] for entry in entries.values()) / 1e6
    lines.append("")
    lines.append(f"{len(entries)} layers, {total:.1f} MB.")
    return "\n".join(lines) + "\n" + TAIL
