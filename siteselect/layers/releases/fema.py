"""FEMA's National Risk Index and flood zones."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.layers.read import Source
from siteselect.layers.releases.catalog import described
from siteselect.layers.releases.fields import flag, number, taken, text
from siteselect.layers.releases.files import local, read_text
from siteselect.layers.releases.vector import read_vector

__all__ = ["fema_flood_zones", "national_risk_index"]

_NONE: tuple[str | float, ...] = (-9999,)
_UNRATED = (
    "No Rating",
    "Not Applicable",
    "Insufficient Data",
    "Data Unavailable",
    -9999,
)
# Ours to the publisher's; river flood was renamed inland flood in December 2025.
_HAZARDS = {
    "avalanche": ("AVLN",),
    "coastal_flood": ("CFLD",),
    "cold_wave": ("CWAV",),
    "drought": ("DRGT",),
    "earthquake": ("ERQK",),
    "hail": ("HAIL",),
    "heat_wave": ("HWAV",),
    "hurricane": ("HRCN",),
    "ice_storm": ("ISTM",),
    "inland_flood": ("IFLD", "RFLD"),
    "landslide": ("LNDS",),
    "lightning": ("LTNG",),
    "strong_wind": ("SWND",),
    "tornado": ("TRND",),
    "tsunami": ("TSUN",),
    "volcano": ("VLCN",),
    "wildfire": ("WFIR",),
    "winter_weather": ("WNTW",),
}
RISKS = (
    text("county", "STCOFIPS", digits=5),
    text("tract", "TRACTFIPS", needed=False, digits=11),
    text("county_name", "COUNTY", needed=False),
    text("state", "STATEABBRV", needed=False),
    text("_version", "NRI_VER", needed=False),
    number("risk_score", "RISK_SCORE", unit="0 to 100", unknown=_NONE, most=100),
    text("risk_rating", "RISK_RATNG", unknown=_UNRATED),
    number(
        "expected_loss_usd_per_year",
        "EAL_VALT",
        unit="USD/year",
        unknown=_NONE,
        needed=False,
    ),
    *(
        number(
            f"{hazard}_score",
            *(f"{code}_RISKS" for code in codes),
            unit="0 to 100",
            unknown=_NONE,
            needed=False,
            most=100,
        )
        for hazard, codes in _HAZARDS.items()
    ),
)
ZONES = (
    text("flood_zone", "FLD_ZONE"),
    text("subtype", "ZONE_SUBTY", needed=False),
    flag("_sfha", "SFHA_TF", unknown=("U",)),
    number(
        "flood_elevation_ft",
        "STATIC_BFE",
        unit="ft",
        unknown=(*_NONE, -8888),
        needed=False,
        # Below and above all land of the US.
        least=-500,
        most=25_000,
    ),
)
#: Zones that say nothing of the hazard.
_UNDETERMINED = ("D", "AREA NOT INCLUDED", "NP", "OPEN WATER")
_LIKELY = r"(?:A|AE|AH|AO|AR|A99|V|VE|A[1-9]|A[12]\d|A30|V[1-9]|V[12]\d|V30)"


def national_risk_index(
    source: Source, *, layer: str | None = None, vintage: str = ""
) -> pd.DataFrame:
    r"""Read FEMA's National Risk Index by county or census tract.

    Written to editions 1.18 (2021) to 1.20 (December 2025). A hazard that does not
    occur or is not rated has no score here, which is not a score of 0. Scores are
    percentiles: they compare US counties, and rise with what stands there to be lost.

    Parameters
    ----------
    source : path or GeoDataFrame
        Shapefile or geodatabase, or the table as CSV.
    layer : str, optional
        Which layer of a file that holds several.
    vintage : str
        Which edition; default what the file says.

    Returns
    -------
    GeoDataFrame or DataFrame
        Polygons, or rows of a table for ``ss.releases.on_places``: ``county`` (FIPS),
        ``tract`` (FIPS, of tracts), ``county_name``, ``state``, ``risk_score`` (0 to
        100), ``risk_rating``, ``expected_loss_usd_per_year`` [USD/year], and the
        score of each hazard (0 to 100): ``avalanche_score``, ``coastal_flood_score``,
        ``cold_wave_score``, ``drought_score``, ``earthquake_score``, ``hail_score``,
        ``heat_wave_score``, ``hurricane_score``, ``ice_storm_score``,
        ``inland_flood_score`` (river flood in older editions), ``landslide_score``,
        ``lightning_score``, ``strong_wind_score``, ``tornado_score``,
        ``tsunami_score``, ``volcano_score``, ``wildfire_score`` and
        ``winter_weather_score``.

    Raises
    ------
    LayerError
        If a column is missing, a figure is no number, or a score is above 100.
    CRSError
        If the CRS is missing or cannot be right.

    Examples
    --------
    >>> from pathlib import Path
    >>> import siteselect as ss
    >>> _ = Path("NRI_Table_Counties.csv").write_text(
    ...     "STCOFIPS,COUNTY,RISK_SCORE,RISK_RATNG,ERQK_RISKS,TSUN_RISKS\n"
    ...     "06037,Los Angeles,100,Very High,99.97,\n")
    >>> risks = ss.releases.national_risk_index("NRI_Table_Counties.csv")
    >>> risks["county"].tolist(), risks["earthquake_score"].tolist()
    (['06037'], [99.97])
    >>> risks["tsunami_score"].tolist()
    [nan]
    """
    reader = "national_risk_index"
    if isinstance(source, str | Path) and Path(source).suffix.casefold() == ".csv":
        path = local(source, reader)
        # Names of Puerto Rico and New Mexico come in an older encoding.
        rows = read_text(path, RISKS, reader, encoding="cp1252")
        frame: pd.DataFrame = taken(rows, RISKS, reader).reset_index(drop=True)
        frame = described(frame, reader, RISKS, source, vintage)
    else:
        frame = read_vector(
            source, reader, RISKS, "polygon", layer=layer, vintage=vintage
        )
    editions = frame.pop("_version").dropna().unique()
    if not vintage and len(editions) == 1:
        frame.attrs["siteselect"]["vintage"] = str(editions[0])
    return frame


def fema_flood_zones(
    source: Source, *, layer: str | None = None, vintage: str = ""
) -> gpd.GeoDataFrame:
    """Read the flood zones of FEMA's National Flood Hazard Layer.

    Written to the layer ``S_FLD_HAZ_AR``. Zone D is undetermined, and what is outside
    every polygon is unmapped: both are unknown, never safe.

    Parameters
    ----------
    source : path or GeoDataFrame
        Shapefile or geodatabase of a county or state.
    layer : str, optional
        Which layer of a file that holds several; default the flood zones.
    vintage : str
        Of when it is.

    Returns
    -------
    GeoDataFrame
        Polygons with ``flood_zone`` and ``subtype`` (FEMA's codes), ``chance``:
        ``1 % a year or more``, ``0.2 % a year or more``, ``below 0.2 % a year``,
        ``behind a levee`` or missing; ``is_special_flood_hazard_area`` [1 yes, 0 no,
        NaN undetermined] and ``flood_elevation_ft`` [ft].

    Raises
    ------
    LayerError
        If a column is missing, a figure is no number, or geometries are no polygons.
    CRSError
        If the CRS is missing or cannot be right.

    Examples
    --------
    >>> import geopandas as gpd, shapely, siteselect as ss
    >>> published = gpd.GeoDataFrame(
    ...     {"FLD_ZONE": ["AE", "X", "D"], "SFHA_TF": ["T", "F", "F"]},
    ...     geometry=[shapely.box(-97 + x, 31, -96 + x, 32) for x in range(3)],
    ...     crs=4269,
    ... )
    >>> zones = ss.releases.fema_flood_zones(published)
    >>> zones["is_special_flood_hazard_area"].tolist()
    [1.0, 0.0, nan]
    """
    frame = read_vector(
        source,
        "fema_flood_zones",
        ZONES,
        "polygon",
        layer=layer,
        usual="S_FLD_HAZ_AR",
        vintage=vintage,
        units={"is_special_flood_hazard_area": "1 yes, 0 no"},
    )
    zone = frame["flood_zone"].str.upper()
    subtype = frame["subtype"].str.upper().fillna("")
    sfha = frame.pop("_sfha")
    frame.attrs["siteselect"]["units"].pop("_sfha", None)
    unclear = (zone.isin(_UNDETERMINED) | zone.isna()).astype(bool)
    is_x = zone.isin(["X", "B", "C"])
    rare = subtype.str.contains("0.2 PCT", regex=False) | (zone == "B")
    minimal = subtype.isin(["", "AREA OF MINIMAL FLOOD HAZARD"]) | (zone == "C")
    chance = np.select(
        [
            zone.str.fullmatch(_LIKELY).fillna(False).astype(bool),
            is_x & subtype.str.contains("LEVEE"),
            is_x & rare,
            is_x & minimal,
        ],
        [
            "1 % a year or more",
            "behind a levee",
            "0.2 % a year or more",
            "below 0.2 % a year",
        ],
        "",
    )
    said = pd.Series(chance, index=frame.index, dtype="str")
    frame.insert(2, "chance", said.where(said != ""))
    frame.insert(3, "is_special_flood_hazard_area", sfha.mask(unclear))
    return frame
