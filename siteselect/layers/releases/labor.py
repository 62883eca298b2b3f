"""Jobs, pay and occupations of the Bureau of Labor Statistics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from siteselect.errors import LayerError, four_parts, nearest_name, shown
from siteselect.layers.check import names_of
from siteselect.layers.releases.catalog import described
from siteselect.layers.releases.fields import found, number, taken, text
from siteselect.layers.releases.files import local, read_sheet, read_text

__all__ = ["oews", "qcew"]

JOBS = (
    text("area", "area_fips"),
    text("_owner", "own_code"),
    text("_industry", "industry_code"),
    text("_size", "size_code", needed=False),
    text("_year", "year"),
    text("_quarter", "qtr", needed=False),
    text("_withheld", "disclosure_code"),
    number(
        "establishments", "annual_avg_estabs", "qtrly_estabs", unit="establishments"
    ),
    number("jobs", "annual_avg_emplvl", "month3_emplvl", unit="jobs"),
    number(
        "pay_usd_per_week", "annual_avg_wkly_wage", "avg_wkly_wage", unit="USD/week"
    ),
    number("pay_usd_per_year", "avg_annual_pay", unit="USD/year", needed=False),
)
# What an area code looks like, and what the index is called.
_AREAS = {
    # Codes that end in 996 to 999 are no county.
    "county": (r"(?!.*000$)(?!.*99[6-9]$)\d{5}", "county"),
    "state": (r"\d{2}000", "state_fips"),
    "metro": (r"C\d{4}", "cbsa"),
}
_SUPPRESSED = ("*", "**", "#", "~")
OCCUPATIONS = (
    text("area", "AREA"),
    text("area_name", "AREA_TITLE"),
    text("_area_type", "AREA_TYPE"),
    text("state", "PRIM_STATE", "ST", needed=False),
    text("_industry", "I_GROUP", needed=False),
    text("occupation", "OCC_CODE"),
    text("occupation_name", "OCC_TITLE"),
    number("employed", "TOT_EMP", unit="jobs", unknown=_SUPPRESSED),
    number(
        "per_1000_jobs",
        "JOBS_1000",
        unit="jobs",
        unknown=_SUPPRESSED,
        needed=False,
        most=1000,
    ),
    number(
        "location_quotient",
        "LOC_QUOTIENT",
        "LOC QUOTIENT",
        "LOC_Q",
        unit="ratio",
        unknown=_SUPPRESSED,
        needed=False,
    ),
    number("mean_usd_per_year", "A_MEAN", unit="USD/year", unknown=_SUPPRESSED),
    number("median_usd_per_year", "A_MEDIAN", unit="USD/year", unknown=_SUPPRESSED),
    number("mean_usd_per_hour", "H_MEAN", unit="USD/h", unknown=_SUPPRESSED),
)
_AREA_TYPES = {"nation": "1", "state": "2", "metro": "4", "nonmetro": "6"}


def qcew(
    source: str | Path,
    *,
    industry: str = "10",
    ownership: str | None = None,
    area: str = "county",
    quarter: int | None = None,
    vintage: str = "",
) -> pd.DataFrame:
    r"""Read jobs and pay of an industry by county, state or metropolitan area.

    Written to the CSV layout since 2014, annual averages or quarters, one industry or
    all of them (a file of millions of lines is read piece by piece). Withheld figures
    are published as 0: here they are unknown, and so is the pay where nobody worked.

    Parameters
    ----------
    source : path
        The CSV, or an archive of one.
    industry : str
        Code of NAICS, such as ``"238210"`` (electrical contractors); ``"10"`` is all.
    ownership : str, optional
        ``"0"`` all (offered for all industries together), ``"5"`` private (the default
        for one industry), ``"1"`` to ``"3"`` government.
    area : {"county", "state", "metro"}
        Which areas.
    quarter : {1, 2, 3, 4}, optional
        Which quarter of a file that has several.
    vintage : str
        Its year; default what the file says.

    Returns
    -------
    DataFrame
        Index ``county`` (FIPS), ``state_fips`` or ``cbsa``: ``establishments``,
        ``jobs`` (of a quarter: in its third month), ``pay_usd_per_week`` [USD/week]
        and ``pay_usd_per_year`` [USD/year; NaN for quarters]. Put it on a map with
        ``ss.releases.on_places``.

    Raises
    ------
    LayerError
        If it is another table, a figure is no number, or it has no such rows, or
        several for one area.

    Examples
    --------
    >>> from pathlib import Path
    >>> import siteselect as ss
    >>> _ = Path("2024.annual 238210.csv").write_text(
    ...     "area_fips,own_code,industry_code,size_code,year,qtr,disclosure_code,"
    ...     "annual_avg_estabs,annual_avg_emplvl,annual_avg_wkly_wage,avg_annual_pay\n"
    ...     "48353,5,238210,0,2024,A,,9,140,1210,62920\n"
    ...     "48001,5,238210,0,2024,A,N,2,0,0,0\n")
    >>> ss.releases.qcew("2024.annual 238210.csv", industry="238210")["jobs"].to_dict()
    {'48353': 140.0, '48001': nan}
    """
    reader = "qcew"
    if area not in _AREAS:
        raise LayerError(
            four_parts(
                f"Jobs by {area!r} were asked for",
                "there are none",
                f"{shown(_AREAS)} are allowed",
                'Pass e.g. `area="county"`.' + nearest_name(str(area), _AREAS),
            )
        )
    owner = ownership or ("0" if industry == "10" else "5")
    pattern, index = _AREAS[area]
    where: dict[str, object] = {}

    def wanted(piece: pd.DataFrame) -> pd.DataFrame:
        where.update(found(piece.columns, JOBS))
        keep = piece[where["area"]].str.strip().str.fullmatch(pattern)
        keep &= piece[where["_owner"]].str.strip() == owner
        keep &= piece[where["_industry"]].str.strip() == industry
        if "_size" in where:
            keep &= piece[where["_size"]].fillna("0").str.strip() == "0"
        if quarter is not None and "_quarter" in where:
            keep &= piece[where["_quarter"]].str.strip() == str(quarter)
        return piece[keep.fillna(False).astype(bool)]

    path = local(source, reader)
    rows = read_text(path, JOBS, reader, wanted)
    if not len(rows):
        raise LayerError(
            four_parts(
                f"Jobs of industry {industry!r}, ownership {owner!r}, by {area} were "
                f"asked of {path.name!r}",
                "it has no such rows",
                "a code of NAICS that the file has, and 0 (all) or 5 (private) are "
                "allowed",
                'Pass e.g. `industry="10", ownership="0"`, or download the file of '
                "that industry",
            )
        )
    table = taken(rows, JOBS, reader)
    again = table["area"].duplicated()
    if again.any():
        held = (table["_year"] + " Q" + table["_quarter"]).dropna().unique()
        raise LayerError(
            four_parts(
                f"Jobs by {area} are to be read from {path.name!r}",
                f"{table.loc[again, 'area'].iloc[0]} occurs more than once; the file "
                f"has {shown(held)}",
                "one row per area is allowed",
                "Pass e.g. `quarter=4`, or take a file of one year",
            )
        )
    withheld = table["_withheld"].notna()
    for column in ("jobs", "pay_usd_per_week", "pay_usd_per_year"):
        table[column] = table[column].mask(withheld)
    # Where nobody worked, no pay is known: 0 is not what work costs there.
    for column in ("pay_usd_per_week", "pay_usd_per_year"):
        table[column] = table[column].mask(table[column] == 0)
    if area == "metro":
        # QCEW writes C1018 for the area 10180.
        table["area"] = table["area"].str[1:] + "0"
    said = shown(
        (table["_year"] + " " + table["_quarter"].fillna("")).str.strip().unique()
    )
    out = table.set_index(table["area"].rename(index))[
        ["establishments", "jobs", "pay_usd_per_week", "pay_usd_per_year"]
    ]
    return described(
        out, reader, JOBS, source, vintage or f"{said}, industry {industry}"
    )


def oews(
    source: str | Path,
    *,
    occupations: str | Sequence[str],
    area: str = "metro",
    vintage: str = "",
) -> pd.DataFrame:
    """Read employment and wages of occupations by area.

    Written to the workbooks of May 2019 to May 2025. ``*`` and ``**`` (not released)
    and ``#`` (wage at or above the cap) are unknown; ``is_wage_capped`` tells the
    latter. The sheet of all areas and occupations is large: reading it takes a minute.

    Parameters
    ----------
    source : path
        The workbook (.xlsx).
    occupations : str or list of str
        Codes of SOC, such as ``"47-2111"`` (electricians).
    area : {"metro", "nonmetro", "state", "nation"}
        Which areas.
    vintage : str
        Of which May.

    Returns
    -------
    DataFrame
        One row per area and occupation: ``area`` (the publisher's code; of metropolitan
        areas that of the CBSA), ``area_name``, ``state``, ``occupation``,
        ``occupation_name``, ``employed``, ``per_1000_jobs``, ``location_quotient``,
        ``mean_usd_per_year`` and ``median_usd_per_year`` [USD/year],
        ``mean_usd_per_hour`` [USD/h] and ``is_wage_capped`` [1 yes, 0 no].

    Raises
    ------
    LayerError
        If it is another workbook, a column is missing, a figure is no number, or an
        occupation is not in it.

    Examples
    --------
    >>> import siteselect as ss, xlsxwriter
    >>> rows = [["AREA", "AREA_TITLE", "AREA_TYPE", "OCC_CODE", "OCC_TITLE", "TOT_EMP",
    ...          "H_MEAN", "A_MEAN", "A_MEDIAN"],
    ...         ["10180", "Abilene, TX", 4, "47-2111", "Electricians", 480,
    ...          25.1, 52210, "*"]]
    >>> with xlsxwriter.Workbook("MSA_M2024_dl.xlsx") as book:
    ...     sheet = book.add_worksheet("MSA_M2024_dl")
    ...     for at, row in enumerate(rows):
    ...         _ = sheet.write_row(at, 0, row)
    >>> wages = ss.releases.oews("MSA_M2024_dl.xlsx", occupations="47-2111")
    >>> wages[["employed", "mean_usd_per_year", "median_usd_per_year"]].values.tolist()
    [[480.0, 52210.0, nan]]
    """
    reader = "oews"
    if area not in _AREA_TYPES:
        raise LayerError(
            four_parts(
                f"Occupations by {area!r} were asked for",
                "there are none",
                f"{shown(_AREA_TYPES)} are allowed",
                'Pass e.g. `area="metro"`.' + nearest_name(str(area), _AREA_TYPES),
            )
        )
    wanted = names_of(occupations, "occupations")
    path = local(source, reader)
    sheet, _ = read_sheet(path, OCCUPATIONS, reader)
    where = found(sheet.columns, OCCUPATIONS)
    kind = sheet[where["_area_type"]].str.removesuffix(".0")
    sheet = sheet[kind == _AREA_TYPES[area]]
    if "_industry" in where:
        sheet = sheet[sheet[where["_industry"]].fillna("cross-industry").str.casefold()
                      == "cross-industry"]  # fmt: skip
    codes = sheet[where["occupation"]]
    lost = [code for code in wanted if code not in set(codes)]
    if lost or not wanted:
        raise LayerError(
            four_parts(
                f"Occupations {shown(lost) or '(none)'} by {area} were asked of "
                f"{path.name!r}",
                f"it has {codes.nunique()} others"
                if len(codes)
                else f"it has no rows by {area}",
                "codes of SOC in the workbook are allowed",
                'Pass e.g. `occupations="47-2111"`.'
                + nearest_name(lost[0] if lost else "", set(codes.dropna())),
            )
        )
    rows = sheet[codes.isin(wanted)]
    table = taken(rows, OCCUPATIONS, reader).drop(columns=["_area_type", "_industry"])
    wages = [where[c] for c in ("mean_usd_per_year", "median_usd_per_year")]
    capped = (rows[wages] == "#").any(axis=1)
    table["is_wage_capped"] = capped.astype("float64")
    units = {"is_wage_capped": "1 yes, 0 no"}
    return described(
        table.reset_index(drop=True), reader, OCCUPATIONS, source, vintage, units
    )
