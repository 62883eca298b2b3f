"""Plants and generators of Form EIA-860, prices of Form EIA-861."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.errors import LayerError, four_parts, nearest_name, shown
from siteselect.layers.check import require_columns
from siteselect.layers.notices import notice
from siteselect.layers.releases.catalog import described
from siteselect.layers.releases.fields import number, taken, text
from siteselect.layers.releases.files import local, read_sheet
from siteselect.layers.releases.hifld import MOST_KV
from siteselect.layers.releases.vector import placed

__all__ = ["eia860_generators", "eia860_plants", "eia861_prices"]

# EIA writes a point, or nothing, where it does not know.
_DOT = (".",)

PLANTS = (
    text("plant", "Plant Code", unknown=_DOT),
    text("name", "Plant Name", unknown=_DOT),
    text("state", "State", unknown=_DOT),
    text("county_name", "County", unknown=_DOT, needed=False),
    text("balancing_authority", "Balancing Authority Code", unknown=_DOT, needed=False),
    text("nerc_region", "NERC Region", "NERC Region Code", unknown=_DOT, needed=False),
    text("sector", "Sector Name", unknown=_DOT, needed=False),
    number(
        "grid_kv",
        "Grid Voltage (kV)",
        unit="kV",
        unknown=_DOT,
        needed=False,
        most=MOST_KV,
    ),
    number("latitude", "Latitude", unit="degrees", unknown=_DOT, least=-90),
    number("longitude", "Longitude", unit="degrees", unknown=_DOT, least=-180),
)
GENERATORS = (
    text("plant", "Plant Code", unknown=_DOT),
    text("generator", "Generator ID", unknown=_DOT),
    text("technology", "Technology", unknown=_DOT, needed=False),
    text("prime_mover", "Prime Mover", unknown=_DOT),
    text("energy_source", "Energy Source 1", unknown=_DOT),
    text("status", "Status", unknown=_DOT),
    number("nameplate_mw", "Nameplate Capacity (MW)", unit="MW", unknown=_DOT),
    number("summer_mw", "Summer Capacity (MW)", unit="MW", unknown=_DOT, needed=False),
    number("winter_mw", "Winter Capacity (MW)", unit="MW", unknown=_DOT, needed=False),
    number("operating_year", "Operating Year", unit="year", unknown=_DOT, needed=False),
    number("planned_year", "Current Year", unit="year", unknown=_DOT, needed=False),
    number(
        "retirement_year",
        "Retirement Year",
        "Planned Retirement Year",
        unit="year",
        unknown=_DOT,
        needed=False,
    ),
)
_SHEETS = {
    "operable": "Operable",
    "proposed": "Proposed",
    "retired": "Retired and Canceled",
}
_SECTORS = ("residential", "commercial", "industrial")
_MEASURES = {
    "thousand dollars": "revenue",
    "megawatthours": "sales",
    "count": "customers",
}
SALES = (
    text("utility", "Utility Number", unknown=_DOT),
    text("utility_name", "Utility Name", unknown=_DOT, needed=False),
    text("part", "Part", unknown=_DOT),
    text("state", "State", unknown=_DOT),
    *(
        number(
            f"{sector}_{measure}",
            f"{sector} {measure}",
            unit=unit,
            unknown=_DOT,
            factor=factor,
            # Adjustments and corrections of earlier years may be negative.
            least=None,
        )
        for sector in _SECTORS
        for measure, unit, factor in (("revenue", "USD", 1e3), ("sales", "MWh", 1.0))
    ),
)


def eia860_plants(source: str | Path, *, vintage: str = "") -> gpd.GeoDataFrame:
    """Read the plants of Form EIA-860: where they are and at what voltage they connect.

    Written to the layout of 2013 to 2024: the workbook ``2___Plant_Y20xx.xlsx``, whose
    first line is a title. A point or nothing is unknown; plants without coordinates
    are left out with a warning that names them.

    Parameters
    ----------
    source : path
        The workbook.
    vintage : str
        Its year; default what the file's name says.

    Returns
    -------
    GeoDataFrame
        Points with ``plant`` (EIA's code), ``name``, ``state``, ``county_name``,
        ``balancing_authority``, ``nerc_region``, ``sector`` and ``grid_kv`` [kV].

    Raises
    ------
    LayerError
        If it is another workbook, a column is missing or a figure is no number.

    Warns
    -----
    DataQualityWarning
        If plants have no coordinates.

    Examples
    --------
    >>> import siteselect as ss, xlsxwriter
    >>> rows = [["Form EIA-860 Data - Schedule 2"],
    ...         ["Plant Code", "Plant Name", "State", "Latitude", "Longitude"],
    ...         [3, "Barry", "AL", 31.0069, -88.0103]]
    >>> with xlsxwriter.Workbook("2___Plant_Y2023.xlsx") as book:
    ...     sheet = book.add_worksheet("Plant")
    ...     for at, row in enumerate(rows):
    ...         _ = sheet.write_row(at, 0, row)
    >>> plants = ss.releases.eia860_plants("2___Plant_Y2023.xlsx")
    >>> plants.loc[0, "name"], ss.layer_info(plants).vintage
    ('Barry', '2023')
    """
    reader = "eia860_plants"
    path = local(source, reader)
    sheet, title = read_sheet(path, PLANTS, reader, ["Plant"])
    table = taken(sheet, PLANTS, reader)
    layer = placed(table, reader, "plant")
    return described(layer, reader, PLANTS, source, vintage or _year(path.name, title))


def eia860_generators(
    source: str | Path,
    plants: str | Path | gpd.GeoDataFrame,
    *,
    which: str = "operable",
    vintage: str = "",
) -> gpd.GeoDataFrame:
    """Read the generators of Form EIA-860 at the places of their plants.

    Written to the layout of 2013 to 2024: the workbook ``3_1_Generator_Y20xx.xlsx``,
    sheets Operable, Proposed and Retired and Canceled. Name the bus that each proposed
    generator connects to, and ``network.with_committed(plants=...)`` takes them:
    ``pd.Series(proposed["nameplate_mw"].to_numpy(), index=bus)``.

    Parameters
    ----------
    source : path
        The workbook of generators.
    plants : path or GeoDataFrame
        The workbook of plants of the same year, or what `eia860_plants` made of it.
    which : {"operable", "proposed", "retired"}
        Which sheet.
    vintage : str
        Its year; default what the file's name says.

    Returns
    -------
    GeoDataFrame
        Points with ``plant``, ``generator``, ``technology``, ``prime_mover``,
        ``energy_source``, ``status`` (EIA's codes), ``nameplate_mw``, ``summer_mw``,
        ``winter_mw`` [MW], ``operating_year`` (began), ``planned_year`` (of proposed
        ones) and ``retirement_year`` (done or planned).

    Raises
    ------
    LayerError
        If it is another workbook, a column is missing or a figure is no number.

    Warns
    -----
    DataQualityWarning
        If generators belong to no plant with coordinates and are left out.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss, xlsxwriter
    >>> rows = [["Form EIA-860 Data - Schedule 3"],
    ...         ["Plant Code", "Generator ID", "Prime Mover", "Energy Source 1",
    ...          "Status", "Nameplate Capacity (MW)", "Current Year"],
    ...         [3, "GT1", "GT", "NG", "U", "226.6", 2027]]
    >>> with xlsxwriter.Workbook("3_1_Generator_Y2023.xlsx") as book:
    ...     sheet = book.add_worksheet("Proposed")
    ...     for at, row in enumerate(rows):
    ...         _ = sheet.write_row(at, 0, row)
    >>> plants = gpd.GeoDataFrame({"plant": ["3"]}, crs=4326,
    ...                           geometry=gpd.points_from_xy([-88], [31]))
    >>> proposed = ss.releases.eia860_generators(
    ...     "3_1_Generator_Y2023.xlsx", plants, which="proposed"
    ... )
    >>> proposed[["nameplate_mw", "planned_year"]].values.tolist()
    [[226.6, 2027.0]]
    """
    reader = "eia860_generators"
    if which not in _SHEETS:
        raise LayerError(
            four_parts(
                f"Generators that are {which!r} were asked for",
                "there are none of that kind",
                f"{shown(_SHEETS)} are allowed",
                'Pass e.g. `which="proposed"`.' + nearest_name(str(which), _SHEETS),
            )
        )
    path = local(source, reader)
    sheet, title = read_sheet(path, GENERATORS, reader, [_SHEETS[which]])
    table = taken(sheet, GENERATORS, reader)
    places = plants if isinstance(plants, pd.DataFrame) else eia860_plants(plants)
    require_columns(places, ["plant"], layer="the plants")
    where = places.drop_duplicates("plant").set_index("plant").geometry
    known = table["plant"].isin(where.index)
    if not known.any():
        raise LayerError(
            four_parts(
                f"The {len(table)} generators of {path.name!r} are to be placed",
                "none of them belongs to one of the plants",
                "plants and generators of the same year are allowed",
                "Pass the workbook of plants (2___Plant) of the same download",
            )
        )
    if not known.all():
        lost = table.loc[~known, "nameplate_mw"]
        unsized = f" and {lost.isna().sum()} of unknown size" * bool(lost.isna().any())
        notice(
            f"{len(lost)} of {len(table)} generators "
            f"({lost.sum():,.0f} MW{unsized}) belong to no plant "
            f"with coordinates and are left out: plant "
            f"{shown(table.loc[~known, 'plant'].unique())}.",
            stacklevel=2,
        )
    kept = table[known].reset_index(drop=True)
    layer = gpd.GeoDataFrame(
        kept, geometry=where.loc[kept["plant"]].to_numpy(), crs=places.crs
    )
    return described(
        layer, reader, GENERATORS, source, vintage or _year(path.name, title)
    )


def eia861_prices(
    source: str | Path, *, by: str = "state", vintage: str = ""
) -> pd.DataFrame:
    """Read average prices of electricity from the sales of Form EIA-861.

    Written to the layout of 2013 to 2024: the workbook ``Sales_Ult_Cust_20xx.xlsx``,
    sheet States, whose names stand on three lines. A price is revenue over sales. As
    EIA asks, a state's revenue counts all parts, its sales not part C (delivery of
    what another utility sold). A utility's price is that of bundled service, part A.

    A row of which one of the two figures is unknown takes no part in the price. Energy
    and its delivery (parts B and C) belong together: where a row of either is known by
    half, both parts of that state are left out of the price of that sector.

    Parameters
    ----------
    source : path
        The workbook.
    by : {"state", "utility"}
        Which rows.
    vintage : str
        Its year; default what the file's name says.

    Returns
    -------
    DataFrame
        Index ``state``, or ``utility`` (EIA's number) and ``state``: for residential,
        commercial and industrial customers ``residential_usd_per_mwh``,
        ``commercial_usd_per_mwh``, ``industrial_usd_per_mwh`` [USD/MWh];
        ``residential_mwh``, ``commercial_mwh``, ``industrial_mwh`` [MWh/year], of the
        rows with known sales; and ``residential_rows_left_out``,
        ``commercial_rows_left_out``, ``industrial_rows_left_out``: with something
        known that is not in the price. Put it on a map with
        ``ss.releases.on_places``.

    Raises
    ------
    LayerError
        If it is another workbook, a column is missing or a figure is no number.

    Examples
    --------
    >>> import siteselect as ss, xlsxwriter
    >>> names = ["Utility Number", "Utility Name", "Part", "State"]
    >>> rows = [[None] * 4 + ["RESIDENTIAL", None, None, "COMMERCIAL", None, None,
    ...                       "INDUSTRIAL", None, None],
    ...         [None] * 4 + ["Revenues", "Sales", "Customers"] * 3,
    ...         names + ["Thousand Dollars", "Megawatthours", "Count"] * 3,
    ...         [1, "A", "A", "TX", 1400, 10000, 9, 900, 10000, 5, 600, 10000, 1]]
    >>> with xlsxwriter.Workbook("Sales_Ult_Cust_2023.xlsx") as book:
    ...     sheet = book.add_worksheet("States")
    ...     for at, row in enumerate(rows):
    ...         _ = sheet.write_row(at, 0, row)
    >>> prices = ss.releases.eia861_prices("Sales_Ult_Cust_2023.xlsx")
    >>> float(prices.loc["TX", "industrial_usd_per_mwh"])
    60.0
    """
    reader = "eia861_prices"
    if by not in ("state", "utility"):
        raise LayerError(
            four_parts(
                f"Prices by {by!r} were asked for",
                "there are none",
                "state and utility are allowed",
                'Pass e.g. `by="state"`',
            )
        )
    path = local(source, reader)
    sheet, title = read_sheet(path, SALES, reader, ["States"], _names_of_sales)
    table = taken(sheet, SALES, reader)
    table = table[table["state"].notna()]
    part = table["part"].str.upper()
    if by == "utility":
        table, part = table[part == "A"], part[part == "A"]
    keys = ["state"] if by == "state" else ["utility", "state"]
    out: dict[str, pd.Series] = {}
    units: dict[str, str] = {}
    groups = [table[key] for key in keys]
    is_delivery = part == "C"
    for sector in _SECTORS:
        revenue, sales = table[f"{sector}_revenue"], table[f"{sector}_sales"]
        sold = sales.where(~is_delivery)
        # Delivery is paid for, and its energy counts where it is sold.
        whole = revenue.notna() & (sales.notna() | is_delivery)
        half = ~whole & (revenue.notna() | sales.notna())
        split = part.isin(["B", "C"])
        broken = (half & split).groupby(groups, dropna=False).transform("any") & split
        in_price = whole & ~broken
        paid = revenue.where(in_price).groupby(groups).sum(min_count=1)
        energy = sold.where(in_price).groupby(groups).sum(min_count=1)
        left_out = (revenue.notna() | sales.notna()) & ~in_price
        out[f"{sector}_usd_per_mwh"] = paid / energy.where(energy > 0)
        out[f"{sector}_mwh"] = sold.groupby(groups).sum(min_count=1)
        out[f"{sector}_rows_left_out"] = left_out.groupby(groups).sum()
        units |= {
            f"{sector}_usd_per_mwh": "USD/MWh",
            f"{sector}_mwh": "MWh/year",
            f"{sector}_rows_left_out": "rows",
        }
    prices = pd.DataFrame(out)
    return described(
        prices, reader, (), source, vintage or _year(path.name, title), units
    )


def _names_of_sales(cells: pd.DataFrame, at: int) -> list[str]:
    """Return one name per column out of the three lines of names."""
    last = cells.iloc[at].fillna("")
    sectors = cells.iloc[at - 2] if at >= 2 else pd.Series(np.nan, index=last.index)
    names, sector = [], ""
    for unit, above in zip(last, sectors, strict=True):
        if isinstance(above, str) and above.strip():
            sector = above.strip().casefold()
        measure = _MEASURES.get(str(unit).strip().casefold())
        names.append(f"{sector} {measure}" if measure else str(unit).strip())
    return names


def _year(*said: str) -> str:
    """Return the year that a file's name or title states, else nothing."""
    for words in said:
        years = re.findall(r"(?<!\d)(?:19|20)\d\d(?!\d)", words)
        if years:
            return str(years[-1])
    return ""
