"""Water risk by sub-basin from WRI Aqueduct."""

from __future__ import annotations

import geopandas as gpd

from siteselect.errors import LayerError, four_parts, shown
from siteselect.layers.read import Source
from siteselect.layers.releases.fields import Field, number, text
from siteselect.layers.releases.vector import read_vector

__all__ = ["aqueduct_baseline", "aqueduct_future"]

# -9999 is no data; 9999 a ratio over next to no supply and use.
_NONE = (-9999, 9999, "None", "NoData", "No Data")
# Scores run from 0: what is marked as no class has none.
_UNSCORED = (*_NONE, -1)


def _indicator(
    name: str,
    published: str,
    unit: str,
    least: float | None = 0,
    most: float | None = None,
) -> Field:
    return number(
        name,
        published,
        unit=unit,
        unknown=_NONE,
        needed=False,
        least=least,
        most=most,
    )


BASELINE = (
    text("basin", "pfaf_id", unknown=_NONE),
    number("water_stress", "bws_raw", unit="withdrawal / supply", unknown=_NONE),
    number("water_stress_score", "bws_score", unit="0 to 5", unknown=_UNSCORED, most=5),
    text("water_stress_label", "bws_label", unknown=("No Data", "NoData", "None")),
    number("_category", "bws_cat", unit="class", unknown=_NONE, least=-1),
    _indicator("water_depletion", "bwd_raw", "consumption / supply"),
    _indicator("interannual_variability", "iav_raw", "coefficient of variation"),
    _indicator("seasonal_variability", "sev_raw", "coefficient of variation"),
    _indicator("groundwater_decline_cm_per_year", "gtd_raw", "cm/year", None),
    _indicator("riverine_flood_share", "rfr_raw", "share of population", most=1),
    _indicator("coastal_flood_share", "cfr_raw", "share of population", most=1),
    _indicator("drought_risk", "drr_raw", "0 to 1", most=1),
    number(
        "water_risk_score",
        "w_awr_def_tot_score",
        unit="0 to 5",
        unknown=_UNSCORED,
        needed=False,
        most=5,
    ),
)
_SCENARIOS = {
    "business as usual": "bau",
    "optimistic": "opt",
    "pessimistic": "pes",
}
_YEARS = (2030, 2050, 2080)


def aqueduct_baseline(
    source: Source, *, layer: str | None = None, vintage: str = ""
) -> gpd.GeoDataFrame:
    """Read the baseline water risk of WRI Aqueduct, by sub-basin and province.

    Written to Aqueduct 4.0 (2023), layer ``baseline_annual``, and 3.0, whose columns
    have the same names. -9999 is unknown. 9999 marks arid land with little use: its
    ratio is unknown here, and ``is_arid`` is 1.

    Parameters
    ----------
    source : path or GeoDataFrame
        Geodatabase, GeoPackage or shapefile as published.
    layer : str, optional
        Which layer of a file that holds several; default the baseline.
    vintage : str
        Which edition.

    Returns
    -------
    GeoDataFrame
        Polygons with ``basin`` (Pfafstetter code), ``water_stress`` (withdrawal over
        supply), ``water_stress_score`` (0 to 5), ``water_stress_label``, ``is_arid``
        [1 yes, 0 no], ``water_depletion`` (consumption over supply),
        ``interannual_variability``, ``seasonal_variability``,
        ``groundwater_decline_cm_per_year``, ``riverine_flood_share``,
        ``coastal_flood_share`` (of people), ``drought_risk`` (0 to 1) and
        ``water_risk_score`` (0 to 5).

    Raises
    ------
    LayerError
        If a column is missing, a figure is no number, a score is above 5 or a share
        above 1, or geometries are no polygons.
    CRSError
        If the CRS is missing or cannot be right.

    Examples
    --------
    >>> import geopandas as gpd, shapely, siteselect as ss
    >>> published = gpd.GeoDataFrame(
    ...     {"pfaf_id": [742801, 742802], "bws_raw": [0.35, 9999.0],
    ...      "bws_score": [2.8, 5.0], "bws_cat": [2, -1],
    ...      "bws_label": ["Medium - High (20-40%)", "Arid and Low Water Use"]},
    ...     geometry=[shapely.box(-98, 31, -97, 32), shapely.box(-97, 31, -96, 32)],
    ...     crs=4326,
    ... )
    >>> basins = ss.releases.aqueduct_baseline(published)
    >>> basins[["water_stress", "is_arid"]].values.tolist()
    [[0.35, 0.0], [nan, 1.0]]
    """
    frame = read_vector(
        source,
        "aqueduct_baseline",
        BASELINE,
        "polygon",
        layer=layer,
        usual="baseline_annual",
        vintage=vintage,
        units={"is_arid": "1 yes, 0 no"},
    )
    category = frame.pop("_category")
    frame.attrs["siteselect"]["units"].pop("_category", None)
    arid = (category == -1).astype("float64").where(category.notna())
    frame.insert(4, "is_arid", arid)
    return frame


def aqueduct_future(
    source: Source,
    *,
    scenario: str = "business as usual",
    year: int = 2050,
    layer: str | None = None,
    vintage: str = "",
) -> gpd.GeoDataFrame:
    """Read the projected water stress of WRI Aqueduct, by sub-basin.

    Written to Aqueduct 4.0 (2023), layer ``future_annual``. 9999 and nothing are
    unknown.

    Parameters
    ----------
    source : path or GeoDataFrame
        Geodatabase, GeoPackage or shapefile as published.
    scenario : {"business as usual", "optimistic", "pessimistic"}
        Which scenario.
    year : {2030, 2050, 2080}
        Middle of the period.
    layer : str, optional
        Which layer of a file that holds several; default the projections.
    vintage : str
        Which edition.

    Returns
    -------
    GeoDataFrame
        Polygons with ``basin`` (Pfafstetter code), ``water_stress`` (withdrawal over
        supply) and ``water_stress_score`` (0 to 5).

    Raises
    ------
    LayerError
        If there is no such scenario or year, a column is missing, or a figure is no
        number.

    Examples
    --------
    >>> import geopandas as gpd, shapely, siteselect as ss
    >>> published = gpd.GeoDataFrame(
    ...     {"pfaf_id": [742801], "pes30_ws_x_r": [0.4], "pes30_ws_x_s": [3.0]},
    ...     geometry=[shapely.box(-98, 31, -97, 32)], crs=4326,
    ... )
    >>> ss.releases.aqueduct_future(
    ...     published, scenario="pessimistic", year=2030
    ... )["water_stress"].tolist()
    [0.4]
    """
    if scenario not in _SCENARIOS or year not in _YEARS:
        raise LayerError(
            four_parts(
                f"Water stress in {year!r} under {scenario!r} was asked for",
                "Aqueduct does not have it",
                f"{shown(_SCENARIOS)} in {shown(_YEARS)} are allowed",
                'Pass e.g. `scenario="pessimistic", year=2050`',
            )
        )
    stem = f"{_SCENARIOS[scenario]}{year % 100}_ws_x"
    fields = (
        text("basin", "pfaf_id", unknown=_NONE),
        number("water_stress", f"{stem}_r", unit="withdrawal / supply", unknown=_NONE),
        number(
            "water_stress_score",
            f"{stem}_s",
            unit="0 to 5",
            unknown=_UNSCORED,
            needed=False,
            most=5,
        ),
    )
    return read_vector(
        source,
        "aqueduct_future",
        fields,
        "polygon",
        layer=layer,
        usual="future_annual",
        vintage=vintage or f"{year}, {scenario}",
    )
