"""DC power flow on any bus and branch tables, and how much load a bus can take.

Not covered, and no figure from here speaks about it: voltage and reactive
power, losses, stability, short-circuit currents. A utility's own study
supersedes every figure.
"""

from __future__ import annotations

from siteselect.infrastructure.grid.adequacy import adequacy
from siteselect.infrastructure.grid.applied import applied_flows
from siteselect.infrastructure.grid.connection import connection_buses
from siteselect.infrastructure.grid.flow import (
    Flow,
    dc_flow,
    dispatch,
    lodf_columns,
    ptdf_columns,
    spare_mw,
)
from siteselect.infrastructure.grid.hosting import hosting_capacity, hosting_table
from siteselect.infrastructure.grid.network import Network
from siteselect.infrastructure.grid.upgrades import upgrade_costs

__all__ = [
    "Flow",
    "Network",
    "adequacy",
    "applied_flows",
    "connection_buses",
    "dc_flow",
    "dispatch",
    "hosting_capacity",
    "hosting_table",
    "lodf_columns",
    "ptdf_columns",
    "spare_mw",
    "upgrade_costs",
]
