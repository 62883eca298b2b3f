"""A whole study in one call: the bundled one behind ``siteselect demo``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator

import pandas as pd

from siteselect.errors import StudyError, four_parts

if TYPE_CHECKING:
    import geopandas as gpd

    from siteselect.optimization import SitePlan

POWER_MW = 3000.0
BUDGET_USD = 45e9
SITE_MW = (100, 200, 300, 500, 750)
SPACING_KM = 80.0
MAX_CARBON_KG_PER_MWH = 350.0
MIN_STATES = 4
MAX_STATE_SHARE = 0.35
DENSE_URBAN_PER_KM2 = 1000.0


@dataclass(frozen=True)
class Study:
    """What a study leaves behind.

    Parameters
    ----------
    plan : SitePlan
        The chosen search areas and the proof.
    survival : pandas.DataFrame
        How often each pick survived when weights and uncertain layers were
        shaken; one row per chosen site.
    eligibility : pandas.DataFrame
        Candidates by state: eligible, excluded, unknown.
    written : tuple of pathlib.Path
        Files written.
    seconds : mapping
        Step to wall time [s].
    """

    plan: SitePlan
    survival: pd.DataFrame
    eligibility: pd.DataFrame
    written: tuple[Path, ...]
    seconds: Mapping[str, float]

    def summary(self) -> str:
        """Return the page a reader meets first, as plain text."""
        from siteselect.reporting import not_checked, study_text

        return study_text(
            self.plan, self.survival, not_checked=not_checked(), written=self.written
        )
