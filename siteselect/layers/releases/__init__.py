"""Readers of public releases: each turns a published file into one of our layers.

Nothing is downloaded. `ss.sources` lists the releases, where to get them and what they
are not; a reader takes the file as published, refuses another one, and returns a layer
whose columns carry their units, whose unknown values are NaN, and whose card says where
it comes from.
"""

from __future__ import annotations

from siteselect.layers.releases.aqueduct import (
    aqueduct_baseline,
    aqueduct_future,
)
from siteselect.layers.releases.eia import (
    eia860_generators,
    eia860_plants,
    eia861_prices,
)
from siteselect.layers.releases.fema import (
    fema_flood_zones,
    national_risk_index,
)
from siteselect.layers.releases.hifld import (
    hifld_substations,
    hifld_transmission_lines,
)
from siteselect.layers.releases.hosting import (
    hosting_capacity,
)
from siteselect.layers.releases.internet import (
    cable_landings,
    fcc_broadband,
    peeringdb_facilities,
    submarine_cables,
)
from siteselect.layers.releases.labor import (
    oews,
    qcew,
)
from siteselect.layers.releases.nrel import (
    nsrdb_points,
    rev_supply_curve,
    wtk_points,
)
from siteselect.layers.releases.places import (
    on_places,
)
from siteselect.layers.releases.protected import (
    padus,
)
from siteselect.layers.releases.queues import (
    lbnl_queue,
    queue_by_county,
)
from siteselect.layers.releases.rasters import (
    dem_3dep,
    nlcd,
    nlcd_classes,
)
from siteselect.layers.releases.usgs import (
    usgs_seismic,
    usgs_water_use,
    usgs_watersheds,
)

__all__ = [
    "aqueduct_baseline",
    "aqueduct_future",
    "cable_landings",
    "dem_3dep",
    "eia860_generators",
    "eia860_plants",
    "eia861_prices",
    "fcc_broadband",
    "fema_flood_zones",
    "hifld_substations",
    "hifld_transmission_lines",
    "hosting_capacity",
    "lbnl_queue",
    "national_risk_index",
    "nlcd",
    "nlcd_classes",
    "nsrdb_points",
    "oews",
    "on_places",
    "padus",
    "peeringdb_facilities",
    "qcew",
    "queue_by_county",
    "rev_supply_curve",
    "submarine_cables",
    "usgs_seismic",
    "usgs_water_use",
    "usgs_watersheds",
    "wtk_points",
]
