"""What chosen sites share, and could lose together."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from siteselect.errors import StudyError, check_given, four_parts, nearest_name
from siteselect.optimization.asked import column_names
from siteselect.optimization.plan import SitePlan
from siteselect.optimization.problem import column_of

#: Columns that name something sites may share and lose together.
SHARED = (
    "substation",
    "poi_id",
    "county",
    "county_fips",
    "water_basin",
    "basin",
    "hazard_class",
    "flood_zone",
)


def common_mode(plan: SitePlan, by: Sequence[str] | None = None) -> pd.DataFrame:
    """Return what two chosen sites or more share, and could lose together.

    Parameters
    ----------
    plan : SitePlan
        The plan to examine.
    by : sequence of str, optional
        Columns that name what sites may share: a substation, a county, a class of
        hazard. Those of a usual name by default.

    Returns
    -------
    pandas.DataFrame
        Most megawatts first: ``shared`` (the column), ``group``, ``sites`` (their
        number), ``labels``, ``mw`` at risk [MW] and ``share`` of the plan's [-].

    Raises
    ------
    StudyError
        The distance is no positive number, or a column is missing.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": 0.5, "capacity_mw": 100.0, "substation": ["a", "a", "b"]},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=300, site_mw=[100])
    >>> common_mode(plan)[["shared", "group", "sites", "mw"]].values.tolist()
    [['substation', 'a', 2, 200.0]]
    """
    check_given(
        plan,
        ("candidates", "sites"),
        "Common risks are those of a plan",
        "a plan of optimize_sites is needed",
        "plan = optimize_sites(sites, ...)",
    )
    chosen = plan.sites
    by = None if by is None else column_names(by, "by")
    if by is None:
        by = [c for c in SHARED if c in chosen.columns]
    unknown = [c for c in by if c not in chosen.columns]
    if unknown:
        raise StudyError(
            four_parts(
                f"common_mode(by={list(by)!r}) was asked for",
                f"there is no column {unknown[0]!r}."
                + nearest_name(str(unknown[0]), map(str, chosen.columns)),
                "columns of the candidates",
                "by=['substation', 'county']",
            )
        )
    rows = []
    total = max(plan.total_mw, 1e-9)
    for column in by:
        shared = column_of(chosen, column, "common_mode")
        for group, part in chosen.groupby(shared, sort=True):
            if len(part) > 1:
                mw = float(part["mw"].sum())
                labels = ", ".join(map(str, part.index))
                rows.append((column, group, len(part), labels, mw, mw / total))
    names = ["shared", "group", "sites", "labels", "mw", "share"]
    table = pd.DataFrame(rows, columns=names)
    return table.sort_values("mw", ascending=False, kind="stable", ignore_index=True)
