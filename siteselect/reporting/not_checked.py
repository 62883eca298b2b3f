"""What the bundled data cannot say, in one list that every output prints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NotChecked:
    """One thing that a plan on the bundled layers does not know.

    Parameters
    ----------
    topic : str
        Short name, as it is printed in a list.
    why : str
        Why the bundle cannot answer it.
    bring : str
        What a user would bring to have it checked.
    """

    topic: str
    why: str
    bring: str


NOT_CHECKED: tuple[NotChecked, ...] = (
    NotChecked(
        "protected land",
        "No layer of parks, reserves, tribal or military land is bundled.",
        "Polygons of protected areas, as an exclusion: Inside(your_layer).",
    ),
    NotChecked(
        "flood",
        "No flood zones are bundled.",
        "Regulatory flood-zone polygons, as an exclusion or a criterion.",
    ),
    NotChecked(
        "wetlands",
        "No wetland inventory is bundled.",
        "Wetland polygons, as an exclusion or as a covered share.",
    ),
    NotChecked(
        "site slope",
        "The bundled elevation is kilometers coarse; it cannot show a parcel's slope.",
        "A terrain model at parcel scale, read through Zonal.",
    ),
    NotChecked(
        "seismic",
        "No ground-motion map is bundled.",
        "A raster of peak ground acceleration, as a criterion or an exclusion.",
    ),
    NotChecked(
        "zoning",
        "Local land-use rules are not bundled, nor is ownership or price of a parcel.",
        "Zoning polygons or your own parcels as candidates.",
    ),
    NotChecked(
        "fiber routes",
        "Bundled fiber is cities of presence and logical links, not cables in ground.",
        "Route lines from the carriers, read through Nearest.",
    ),
    NotChecked(
        "real substations",
        "Bundled substations are model buses of a synthetic network.",
        "The utility's own substations with their headroom.",
    ),
    NotChecked(
        "committed loads",
        "Queues of other large loads and plants are not public as one data set.",
        "Committed megawatts per bus, subtracted from the headroom.",
    ),
)


def not_checked_line() -> str:
    """Return the topics in one sentence, as maps print it.

    Returns
    -------
    str
        "Not checked: ..." with every topic.

    Examples
    --------
    >>> from siteselect.reporting import not_checked_line
    >>> not_checked_line()[:36]
    'Not checked: protected land, flood, '
    """
    return "Not checked: " + ", ".join(item.topic for item in NOT_CHECKED) + "."
