"""Interconnection queues, as Berkeley Lab gathers them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from siteselect.errors import LayerError, four_parts, nearest_name, shown
from siteselect.layers.check import names_of, require_columns
from siteselect.layers.info import LayerInfo, layer_info, with_info
from siteselect.layers.releases.catalog import described
from siteselect.layers.releases.fields import number, taken, text
from siteselect.layers.releases.files import local, read_sheet, read_text

__all__ = ["lbnl_queue", "queue_by_county"]

_UNSAID = ("NA", "N/A", "NaN", "Unknown")

QUEUE = (
    text("project", "q_id", unknown=("NA",)),
    text("name", "project_name", unknown=_UNSAID, needed=False),
    text("status", "q_status"),
    text(
        "agreement",
        "IA_phase_clean",
        "IA_status_clean",
        "ia_status",
        unknown=_UNSAID,
        needed=False,
    ),
    text("state", "state", "state_1", unknown=_UNSAID),
    text("county_name", "county", "county_1", unknown=_UNSAID, needed=False),
    text(
        "county",
        "fips_code",
        "fips_codes",
        "fips",
        unknown=_UNSAID,
        needed=False,
    ),
    text("region", "region", unknown=_UNSAID, needed=False),
    text("utility", "utility", "entity", unknown=_UNSAID, needed=False),
    text("connects_at", "poi_name", unknown=_UNSAID, needed=False),
    text("technology", "type_clean", "resource_type_lbnl", unknown=_UNSAID),
    number("queued_mw", "mw_1", "mw1", "capacity_mw", unit="MW", unknown=_UNSAID),
    number("second_mw", "mw_2", "mw2", unit="MW", unknown=_UNSAID, needed=False),
    number("queue_year", "q_year", unit="year", unknown=_UNSAID, needed=False),
    number("planned_year", "prop_year", unit="year", unknown=_UNSAID, needed=False),
)
_STATUSES = ("active", "operational", "suspended", "withdrawn")


def lbnl_queue(
    source: str | Path,
    *,
    statuses: str | Sequence[str] = ("active",),
    vintage: str = "",
) -> pd.DataFrame:
    r"""Read the interconnection queues that Berkeley Lab gathers each year.

    Written to the workbooks through 2023, 2024 and 2025: the sheet of complete queue
    data, whose first line is a title. A hybrid has a second capacity, mostly its
    battery. A request that lies in several counties has no county here.

    A queue names no bus. Where you know the bus of a project, its load on the grid is
    ``network.with_committed(plants={bus: mw})``.

    Parameters
    ----------
    source : path
        The workbook, or its sheet saved as CSV.
    statuses : str or list of str
        Which requests: ``active``, ``operational``, ``suspended``, ``withdrawn``.
    vintage : str
        Of when it is; the name of the file says so.

    Returns
    -------
    DataFrame
        One row per request: ``project`` (number in its queue), ``name``, ``status``,
        ``agreement`` (how far the interconnection agreement is), ``state``,
        ``county_name``, ``county`` (FIPS), ``region``, ``utility``, ``connects_at``,
        ``technology``, ``queued_mw`` and ``second_mw`` [MW], ``queue_year`` and
        ``planned_year``.

    Raises
    ------
    LayerError
        If it is another file, a column is missing, a figure is no number, or no
        request has such a status.

    Examples
    --------
    >>> from pathlib import Path
    >>> import siteselect as ss
    >>> _ = Path("queue.csv").write_text(
    ...     "q_id,q_status,state,county,fips_codes,type_clean,mw1\n"
    ...     "7,active,TX,Nolan,48353,Wind,201.5\n"
    ...     "8,withdrawn,TX,Nolan,48353,Solar,90\n")
    >>> ss.releases.lbnl_queue("queue.csv")[["county", "queued_mw"]].values.tolist()
    [['48353', 201.5]]
    """
    reader = "lbnl_queue"
    wanted = names_of(statuses, "statuses")
    path = local(source, reader)
    if path.suffix.casefold() in (".csv", ".zip"):
        rows = read_text(path, QUEUE, reader)
    else:
        sheets = ["Complete Queue Data", "data"]
        rows, _ = read_sheet(path, QUEUE, reader, sheets)
    table = taken(rows, QUEUE, reader)
    status = table["status"].str.casefold()
    unheard = [s for s in wanted if s.casefold() not in set(status.dropna())]
    if unheard or not wanted:
        there = sorted(status.dropna().unique())
        raise LayerError(
            four_parts(
                f"Requests that are {shown(unheard) or 'of no status'} were asked for",
                f"the table has {shown(there) or 'no status'}",
                f"{shown(_STATUSES)} are allowed",
                'Pass e.g. `statuses=["active"]`.'
                + nearest_name(unheard[0] if unheard else "", there),
            )
        )
    kept = table[status.isin([s.casefold() for s in wanted])].reset_index(drop=True)
    # A code that was a number lost the zero in front of it.
    short = kept["county"].str.fullmatch(r"\d{4}").fillna(False).astype(bool)
    kept["county"] = kept["county"].mask(short, "0" + kept["county"])
    # Several counties in one cell are none that a figure belongs to.
    one = kept["county"].str.fullmatch(r"\d{5}").fillna(False).astype(bool)
    kept["county"] = kept["county"].where(one)
    return described(kept, reader, QUEUE, source, vintage)


def queue_by_county(queue: pd.DataFrame) -> pd.DataFrame:
    """Add up the requests of each county.

    Parameters
    ----------
    queue : DataFrame
        What `lbnl_queue` read.

    Returns
    -------
    DataFrame
        Index ``county`` (FIPS): ``requests``, ``queued_mw`` and ``agreed_mw`` (with
        an executed agreement) [MW], ``requests_of_unknown_mw`` and
        ``requests_of_unknown_agreement``. Sums are over what is known: a county with
        a request of unknown size has the sum of the others. NaN, not 0, is where no
        request is known to add anything and one may. Requests without one county are
        left out. Put it on a map with ``ss.releases.on_places``: a county without a
        row has no request in this table, so fill it with 0 where the table covers its
        region.

    Raises
    ------
    LayerError
        If it is another table.

    Examples
    --------
    >>> import pandas as pd, siteselect as ss
    >>> queue = pd.DataFrame({"county": ["48353", "48353", None],
    ...                       "queued_mw": [200.0, 50.0, 70.0],
    ...                       "agreement": ["IA Executed", "Facility Study", None]})
    >>> ss.releases.queue_by_county(queue).loc["48353"].tolist()
    [2.0, 250.0, 200.0, 0.0, 0.0]
    """
    require_columns(queue, ["county", "queued_mw", "agreement"], layer="the queue")
    said = queue["agreement"]
    words = said.astype("str").str.casefold()
    agreed = words.str.contains("executed") & ~words.str.contains("not executed")
    agreed = agreed.fillna(False).astype(bool) & said.notna()
    mw = queue["queued_mw"]
    # What is not agreed adds 0; what may be agreed, or is and has no size, is unknown.
    added = mw.where(agreed, 0.0).mask(said.isna())
    counties = queue["county"]
    sums = added.groupby(counties).sum()
    unclear = added.isna().groupby(counties).any()
    out = pd.DataFrame(
        {
            "requests": mw.groupby(counties).size(),
            "queued_mw": mw.groupby(counties).sum(min_count=1),
            "agreed_mw": sums.mask(unclear & (sums == 0)),
            "requests_of_unknown_mw": mw.isna().groupby(counties).sum(),
            "requests_of_unknown_agreement": said.isna().groupby(counties).sum(),
        }
    )
    known = layer_info(queue).as_dict()
    known["units"] = {
        column: "MW" if column in ("queued_mw", "agreed_mw") else "requests"
        for column in out.columns
    }
    return with_info(out, LayerInfo(**known))
