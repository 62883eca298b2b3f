"""Add the infrastructure columns to a frame of candidates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import Geod

from siteselect.errors import (
    CRSError,
    LayerError,
    StudyError,
    four_parts,
    nearest_name,
    shown,
)
from siteselect.infrastructure import cost
from siteselect.infrastructure.climate import CLIMATE_COLUMNS, climate_from_months
from siteselect.infrastructure.climate_cooling import (
    CLOSED_LOOP,
    cooling_from_climate,
    known_system,
)
from siteselect.infrastructure.column_table import columns
from siteselect.infrastructure.connection_cost import voltage_cap_mw
from siteselect.infrastructure.cooling import (
    DEFAULT_COOLING,
    water_m3_per_mw_year,
)
from siteselect.infrastructure.cost_step import add_cost
from siteselect.infrastructure.parameter_table import (
    ParameterValues,
    parameter_levels,
    parameter_values,
)
from siteselect.infrastructure.timeline_step import add_timeline
from siteselect.infrastructure.water import (
    low_flow_m3_per_day,
    water_consumed,
    water_peak_day_m3_per_mw,
)
from siteselect.infrastructure.wet_bulb import wet_bulb_c
from siteselect.layers import Raster, layer_info, raster, spatial

__all__ = ["prepare"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# A layer is needed unless the candidates already bring all of these columns.
NEEDED: dict[str, tuple[str, ...]] = {
    "counties": ("county", "state"),
    "substations": ("substation", "substation_km", "voltage_kv", "headroom_mw"),
    "climate_zones": ("pue", "wue_l_per_kwh"),
    "water_stress": ("water_available_m3_per_year",),
    "state_energy": ("price_usd_per_mwh", "carbon_kg_per_mwh"),
    "fiber": ("fiber_km", "fiber_second_km"),
    "population": ("land_usd_per_acre",),
}
# Without one of these its columns are NaN.
OPTIONAL = (
    "population_points",
    "temperature",
    "t_max",
    "t_min",
    "humidity",
    "elevation",
    "terrain",
)
_CLIMATE_LAYERS = ("temperature", "t_max", "humidity", "elevation")
_POPULATION_KM = (10, 20, 50)
_DENSITY_KM = 10.0
# Rasters end at the coast: a site whose own cell is sea takes the nearest cell.
_RASTER_REACH_KM = 40.0
_MONTHS = 12
_SUPPLY = ("supply_local_m3_per_year", "supply_routed_m3_per_year")
_JOBS_PER_MW = ("construction_jobs_per_mw", "permanent_jobs_per_mw")
_RATINGS = (
    "pue",
    "pue_low",
    "pue_high",
    "wue_l_per_kwh",
    "wue_low_l_per_kwh",
    "wue_high_l_per_kwh",
    "wue_peak_day_l_per_kwh",
)
_KEY = "siteselect"
# Units of what may be below 0, or is no amount.
_ANY_SIGN = ("degC", "m", "text", "flag", "calendar year")
# Ratios to the IT load, which is part of what they count.
_AT_LEAST_ONE = ("pue", "pue_low", "pue_high", "peak_ratio")


def prepare(
    sites: gpd.GeoDataFrame,
    layers: Mapping[str, Any],
    *,
    parameters: Mapping[str, float | str] | None = None,
    cooling: str = DEFAULT_COOLING,
) -> gpd.GeoDataFrame:
    """Add place, grid, cooling, water, energy, fiber, cost, time and job columns.

    Parameters
    ----------
    sites : GeoDataFrame, (n,)
        Candidates: points or polygons in any CRS.
    layers : mapping of str to GeoDataFrame or Raster
        Layers by name, as `siteselect.datasets.load_all` returns them. Needed
        are ``counties``, ``substations``, ``climate_zones``, ``water_stress``,
        ``state_energy``, ``fiber`` and ``population``, each unless ``sites``
        already holds the columns read from it. ``population_points``,
        ``temperature``, ``t_max``, ``t_min``, ``humidity``, ``elevation`` and
        ``terrain`` (polygons whose column of that name says "flat", "hill",
        "mountain", "forest" or "wetland") are optional: without them their
        columns are NaN.
    parameters : mapping of str to float or {"low", "mid", "high"}, optional
        Other values for figures of `parameters`; ``{"level": "high"}`` takes all
        costs at the upper end of their range.
    cooling : str, default "air economiser, adiabatic"
        One of `cooling_systems`. Annual PUE and WUE are those published for the
        climate zone; ``"closed-loop liquid"``, which is not published by zone,
        takes them from the site's climate and needs the rasters above. For a
        choice between systems, see `cooling_options`.

    Returns
    -------
    GeoDataFrame, (n,)
        A copy with the columns of `columns` added; same rows, order, index and
        CRS. A figure that is not known is NaN, never 0 or a mean, and
        ``unknown_because`` says why; a figure borrowed by a documented rule
        carries a flag in a ``*_fallback`` column. ``attrs["siteselect"]
        ["prepare"]`` holds the cooling system, changed parameters, level of cost,
        dollar year, kept columns, counts of fallbacks and evidence of the layers.

    Raises
    ------
    LayerError
        If a layer or one of its columns is missing, its keys repeat, or a
        capacity, length, price, cost, use of water or emission is negative, a share
        is not from 0 to 1, or PUE or sizing ratio is below 1; if labels of candidates
        repeat or one has no geometry.
    CRSError
        If the candidates have no CRS.
    StudyError
        If a parameter, the cooling system or a word for terrain is unknown.

    See Also
    --------
    cost_breakdown : The costs by part, low, mid and high.

    Notes
    -----
    Columns of ``sites`` that bear a name of `columns` are the user's own: they
    are kept, and everything that follows from them uses them. Columns that an
    earlier call of `prepare` added are computed anew.

    Months to power are judgement where `parameters` says so. What the utility has
    said goes into the column ``queue_months`` or ``queue_date`` (when the connection
    is ready) of ``sites``; set the parameter ``start_year`` to your own start.

    Taxes are known only to the user: the lifetime cost counts them where the
    candidates bring ``tax_usd_per_mw_year``, and then for all of them.

    Annual PUE and WUE are those of the zone because they are published, while
    the bundle's monthly means need an assumed spread to become degree sums (see
    `climate_from_months`, which says how often both agree). The worst day of
    water and the design temperatures rest on that estimate; candidates that
    bring the columns of `climate_from_hours` keep their own.

    ``capacity_mw`` is 0 for a site farther than ``max_tie_line_km`` from any
    substation: that is known, so the site is ineligible rather than unknown.

    Examples
    --------
    >>> import siteselect as ss
    >>> area = ss.datasets.region("Texas")
    >>> layers = ss.datasets.load_all(area)
    >>> sites = ss.grid_candidates(area, spacing_km=100)
    >>> ready = ss.prepare(sites, layers)
    >>> ready["state"].unique().tolist()
    ['TX']
    """
    values = parameter_values(parameters)
    _check_sites(sites)
    draft = _Draft(sites)
    draft.refuse_impossible()
    book = _LayerBook(layers, draft.own, len(sites))
    known_system(cooling)
    if cooling == CLOSED_LOOP:
        book.need_climate(draft.own)

    _add_place(draft, book)
    _add_grid(draft, book, values)
    _add_climate(draft, book, values)
    _add_cooling(draft, book, values, cooling)
    _add_water(draft, book, values)
    _add_energy(draft, book, values)
    _add_fiber(draft, book)
    _add_people(draft, book, values)
    add_cost(draft, book, values)
    add_timeline(draft, values)
    _add_jobs(draft, parameters)
    _add_reasons(draft, values, cooling)

    return draft.frame(
        {
            "cooling": cooling,
            "parameters": dict(values.changed),
            "named": sorted(values.named),
            "cost_level": values.level,
            "usd_year": cost.USD_YEAR,
            "evidence": book.evidence(),
        }
    )


# --------------------------------------------------------------- bookkeeping


def _check_sites(sites: gpd.GeoDataFrame) -> None:
    if not isinstance(sites, gpd.GeoDataFrame):
        raise LayerError(
            four_parts(
                "`prepare` adds columns to candidates",
                f"got a {type(sites).__name__}",
                "a GeoDataFrame with points or polygons is allowed",
                "use siteselect.grid_candidates(...) or siteselect.read_layer(...)",
            )
        )
    if sites.crs is None:
        raise CRSError(
            four_parts(
                "`prepare` places the candidates on the map",
                "they have no CRS",
                "any CRS is allowed",
                'call sites.set_crs("EPSG:4326") if they are degrees',
            )
        )
    if not sites.index.is_unique:
        again = sites.index[sites.index.duplicated()].unique()
        raise LayerError(
            four_parts(
                "Each candidate has its own label",
                f"the index repeats {shown(again)}",
                "a unique index is allowed",
                "call sites.reset_index(drop=True)",
            )
        )
    if not sites.columns.is_unique:
        again = sites.columns[sites.columns.duplicated()].unique()
        raise LayerError(
            four_parts(
                "Each column of the candidates has its own name",
                f"the names repeat {shown(again)}",
                "unique names are allowed",
                "rename or drop one of them",
            )
        )
    absent = (sites.geometry.isna() | sites.geometry.is_empty).to_numpy()
    if absent.any():
        raise LayerError(
            four_parts(
                "`prepare` places the candidates on the map",
                f"{int(absent.sum())} rows have no geometry: "
                f"{shown(sites.index[absent])}",
                "a point or polygon in every row is allowed",
                "drop them: sites[~(sites.geometry.isna() | sites.geometry.is_empty)]",
            )
        )


class _Draft:
    """The columns made so far, beside those the user brought."""

    def __init__(self, sites: gpd.GeoDataFrame) -> None:
        self.sites = sites
        stored = sites.attrs.get(_KEY, {})
        earlier = stored.get("prepare", {}).get("columns", ())
        known = columns().index
        self.own = frozenset(
            str(name)
            for name in sites.columns
            if name in known and name not in set(earlier)
        )
        if "unknown_because" in self.own:
            # Only an earlier call writes it: whose the others are is lost.
            raise LayerError(
                four_parts(
                    "`prepare` keeps the columns that are the user's own",
                    "these candidates were prepared before, but the record of which "
                    'columns were made (attrs["siteselect"]["prepare"]) is gone',
                    "candidates with that record, or without the columns, are allowed",
                    "write sites.drop(columns=siteselect.columns().index"
                    ".intersection(sites.columns))",
                )
            )
        self._units = columns()["unit"]
        self._made: dict[str, Any] = {}

    def put(self, name: str, values: Any) -> None:
        """Add a column, unless the user brought it."""
        if name not in self.own:
            self._made[name] = values

    def text(self, name: str) -> pd.Series:
        """Return a text column as objects, None where it is missing."""
        source = self.sites[name] if name in self.own else self._made[name]
        if name in self.own and pd.api.types.is_numeric_dtype(source):
            raise LayerError(
                four_parts(
                    f"Column {name!r} of the candidates is a name",
                    f"it holds numbers, such as {source.iloc[0]!r}",
                    "text is allowed (a county is five digits)",
                    f'write sites["{name}"].astype(str), with .str.zfill(5) for '
                    "counties",
                )
            )
        series = pd.Series(np.asarray(source, dtype="object"), index=self.sites.index)
        return series.where(series.notna(), None)

    def numbers(self, name: str) -> Floats:
        """Return a column of numbers, the user's or ours."""
        if name not in self.own:
            return np.asarray(self._made[name], dtype="float64")
        numbers = pd.to_numeric(self.sites[name], errors="coerce")
        lost = (numbers.isna() & self.sites[name].notna()).to_numpy()
        odd = lost | np.isinf(numbers.to_numpy(dtype="float64"))
        if odd.any():
            raise LayerError(
                four_parts(
                    f"Column {name!r} of the candidates is used [{self._units[name]}]",
                    f"{int(odd.sum())} rows hold no finite number: "
                    f"{shown(self.sites.index[odd])}",
                    "numbers, or NaN where unknown, are allowed",
                    "drop the column to have it computed, or mend it with "
                    "pd.to_numeric",
                )
            )
        return np.asarray(numbers, dtype="float64")

    def refuse_impossible(self) -> None:
        """Refuse figures of the user's that cannot be, used here or only kept."""
        for name in self._units.index.intersection(sorted(self.own)):
            unit = self._units[name]
            # A full substation is written as a negative one: see `_refuse_negative`.
            if unit in _ANY_SIGN or name == "headroom_mw":
                continue
            least = 1.0 if name in _AT_LEAST_ONE else 0.0
            most = 1.0 if unit == "share" else np.inf
            numbers = self.numbers(name)
            wrong = (numbers < least) | (numbers > most)
            if not wrong.any():
                continue
            found = "below 1" if least else "negative"
            found = "outside of 0 to 1" if unit == "share" else found
            raise LayerError(
                four_parts(
                    f"Column {name!r} of the candidates is used [{unit}]",
                    f"{int(wrong.sum())} rows are {found}: "
                    f"{shown(self.sites.index[wrong])}",
                    "a share from 0 to 1 is allowed, NaN where unknown"
                    if unit == "share"
                    else f"{least:g} or more is allowed, NaN where unknown",
                    "mend these rows, or drop the column to have it computed",
                )
            )

    def flags(self, name: str) -> Flags:
        """Return a column of true and false."""
        source = self.sites[name] if name in self.own else self._made[name]
        return np.asarray(source, dtype=bool)

    def frame(self, record: dict[str, Any]) -> gpd.GeoDataFrame:
        """Return the candidates with the new columns, in the order of `columns`."""
        made = [name for name in columns().index if name not in self.own]
        new = {}
        for name in made:
            values = self._made[name]
            if self._units[name] == "text":
                # A plain list, so that pandas picks its own type of text.
                values = list(np.asarray(values, dtype="object"))
            new[name] = pd.Series(values, index=self.sites.index)
        kept = [name for name in self.sites.columns if name not in new]
        result = gpd.GeoDataFrame(
            pd.concat([pd.DataFrame(self.sites[kept]), pd.DataFrame(new)], axis=1),
            geometry=self.sites.geometry.name,
            crs=self.sites.crs,
        )
        flags = [name for name in new if self._units[name] == "flag"]
        evidence = record.pop("evidence")
        record["columns"] = list(new)
        record["kept"] = sorted(self.own)
        record["fallbacks"] = {name: int(np.sum(new[name])) for name in flags}
        record["evidence"] = evidence
        # A fresh dictionary: attrs are shared between copies of a frame.
        result.attrs = {
            **self.sites.attrs,
            _KEY: {**self.sites.attrs.get(_KEY, {}), "prepare": record},
        }
        return result


class _LayerBook:
    """The layers given, checked for what `prepare` reads from them."""

    def __init__(
        self, layers: Mapping[str, Any], own: frozenset[str], n_sites: int
    ) -> None:
        if not isinstance(layers, Mapping):
            raise StudyError(
                four_parts(
                    "`layers` gives the layers by name",
                    f"got a {type(layers).__name__}",
                    "a mapping of name to layer is allowed",
                    "write layers = siteselect.datasets.load_all(area)",
                )
            )
        self._layers = layers
        missing = [
            name
            for name, made in NEEDED.items()
            if layers.get(name) is None and not own.issuperset(made)
        ]
        if missing:
            first = missing[0]
            known = (*NEEDED, *OPTIONAL)
            spelled = [
                f" {given!r} is no name prepare reads.{nearest_name(given, known)}"
                for given in map(str, layers)
                if given not in known and nearest_name(given, missing)
            ]
            raise LayerError(
                four_parts(
                    "`prepare` reads layers "
                    + shown((repr(name) for name in missing), len(NEEDED)),
                    f"`layers` holds {shown(layers) or 'none'}." + "".join(spelled),
                    "each is needed unless the candidates already hold its columns "
                    f"(for {first!r}: {', '.join(NEEDED[first])})",
                    f"write layers[{first!r}] = siteselect.datasets.load({first!r})",
                )
            )
        self._used: dict[str, str] = {}
        # Where a raster's own cell was unknown and its neighbour's was taken.
        self.is_far_cell: Flags = np.zeros(n_sites, dtype=bool)

    def get(self, name: str, needs: Iterable[str] = ()) -> Any | None:
        """Return a layer with the columns needed, or None if it is not given."""
        layer = self._layers.get(name)
        if layer is None:
            return None
        if not isinstance(layer, gpd.GeoDataFrame):
            raise LayerError(
                four_parts(
                    f"Layer {name!r} is read",
                    f"it is a {type(layer).__name__}",
                    "a GeoDataFrame is allowed",
                    f"write layers[{name!r}] = siteselect.read_layer(path)",
                )
            )
        absent = [column for column in needs if column not in layer.columns]
        if absent:
            raise LayerError(
                four_parts(
                    f"Layer {name!r} is read for {shown(needs)}",
                    f"it has no column {shown(absent)}."
                    + nearest_name(absent[0], map(str, layer.columns)),
                    f"its columns are {shown(layer.columns, 12)}",
                    f"rename one: layers[{name!r}].rename(columns=...)",
                )
            )
        self._used[name] = layer_info(layer).evidence
        return layer

    def table(self, name: str, key: str, needs: Iterable[str]) -> pd.DataFrame | None:
        """Return a layer as a table indexed by a key that must not repeat."""
        layer = self.get(name, (key, *needs))
        if layer is None:
            return None
        known = layer[layer[key].notna()]
        again = known[key][known[key].duplicated()].unique()
        if len(again):
            raise LayerError(
                four_parts(
                    f"Layer {name!r} is joined by {key!r}",
                    f"{len(again)} values repeat: {shown(again)}",
                    "one row for each is allowed",
                    f"write layers[{name!r}].dissolve({key!r}).reset_index()",
                )
            )
        keys = known[key]
        if pd.api.types.is_numeric_dtype(keys):
            raise LayerError(
                four_parts(
                    f"Layer {name!r} is joined by {key!r}",
                    f"the column holds numbers, such as {keys.iloc[0]!r}",
                    "text is allowed (a county is five digits)",
                    f'write layer["{key}"].astype(str).str.zfill(5) for counties',
                )
            )
        return pd.DataFrame(known).set_index(known[key].astype("object"))

    def need_climate(self, own: frozenset[str]) -> None:
        """Refuse to go on without what closed-loop cooling follows from."""
        missing = [name for name in _CLIMATE_LAYERS if self._layers.get(name) is None]
        if missing and not own.issuperset(CLIMATE_COLUMNS):
            raise LayerError(
                four_parts(
                    f"Cooling system {CLOSED_LOOP!r} follows the site's climate",
                    f"`layers` has no {shown(missing)}",
                    "these rasters, or candidates with the columns of "
                    "climate_from_hours, are allowed",
                    f"write layers[{missing[0]!r}] = "
                    f"siteselect.datasets.load({missing[0]!r})",
                )
            )

    def sample(self, name: str, draft: _Draft) -> Floats:
        """Return a raster's values at the sites, averaged over its bands."""
        return np.asarray(self.bands(name, draft).mean(axis=1), dtype="float64")

    def bands(self, name: str, draft: _Draft) -> Floats:
        """Return the values of each band of a raster at the sites."""
        layer = self._layers.get(name)
        if layer is None:
            return np.full((len(draft.sites), 1), np.nan)
        if not isinstance(layer, Raster):
            raise LayerError(
                four_parts(
                    f"Layer {name!r} is read as a raster",
                    f"it is a {type(layer).__name__}",
                    "a Raster is allowed",
                    f"write layers[{name!r}] = siteselect.read_layer(path)",
                )
            )
        self._used[name] = layer_info(layer).evidence
        points = spatial.points_of(draft.sites)
        found = raster.sample_bands(layer, points, reach_km=_RASTER_REACH_KM)
        self.is_far_cell |= found.is_fallback.any(axis=1)
        return np.asarray(found.values, dtype="float64")

    def evidence(self) -> dict[str, str]:
        """Return the evidence of every layer that was read."""
        return dict(sorted(self._used.items()))


def _number_column(layer: pd.DataFrame, name: str, column: str) -> pd.Series:
    """Return a column of a layer as finite floats or NaN, or refuse it."""
    numbers = pd.to_numeric(layer[column], errors="coerce").astype("float64")
    odd = ((numbers.isna() & layer[column].notna()) | np.isinf(numbers)).to_numpy()
    if odd.any():
        raise LayerError(
            four_parts(
                f"Column {column!r} of layer {name!r} is read as numbers",
                f"{int(odd.sum())} rows hold something else: "
                f"{shown(layer[column][odd])} in rows {shown(layer.index[odd])}",
                "finite numbers, or NaN where unknown, are allowed",
                f'write pd.to_numeric(layer["{column}"], errors="coerce")',
            )
        )
    return numbers


# --------------------------------------------------------------------- steps


def _with_missing(names: pd.Series) -> npt.NDArray[np.object_]:
    """Return texts and one None more, which position -1 reads."""
    return np.asarray([*names, None], dtype="object")


def _add_place(draft: _Draft, book: _LayerBook) -> None:
    counties = book.get("counties", ("county", "state", "county_name"))
    n = len(draft.sites)
    if counties is None:
        draft.put("county_name", np.full(n, None, dtype="object"))
        return
    position = spatial.containing(draft.sites, counties)
    for name in ("state", "county", "county_name"):
        names = _with_missing(counties[name])
        draft.put(name, names[position])


def _add_grid(draft: _Draft, book: _LayerBook, values: ParameterValues) -> None:
    layer = book.get("substations", ("substation", "voltage_kv"))
    if layer is None:
        headroom, kv = draft.numbers("headroom_mw"), draft.numbers("voltage_kv")
    else:
        if "headroom_mw" not in draft.own:
            book.get("substations", ("hosting_capacity_mw",))
        stations = _stations(layer, values)
        if "substation" in draft.own:
            position, km = _given_station(draft, stations)
        else:
            position, km = _best_station(draft.sites, stations, values)
        names = _with_missing(stations["substation"])
        draft.put("substation", names[position])
        draft.put("substation_km", km)
        for column, source in (
            ("voltage_kv", "voltage_kv"),
            ("headroom_mw", "hosting_capacity_mw"),
        ):
            figures = np.append(stations[source].to_numpy(dtype="float64"), np.nan)
            draft.put(column, figures[position])
        headroom, kv = draft.numbers("headroom_mw"), draft.numbers("voltage_kv")
    _refuse_negative(draft, "headroom_mw", headroom)
    capacity = np.minimum(headroom, voltage_cap_mw(kv, parameters=values))
    out_of_reach = draft.numbers("substation_km") > values["max_tie_line_km"]
    draft.put("capacity_mw", np.where(out_of_reach, 0.0, capacity))


def _refuse_negative(draft: _Draft, name: str, numbers: Floats) -> None:
    wrong = numbers < 0
    if wrong.any():
        raise LayerError(
            four_parts(
                f"Column {name!r} is a capacity",
                f"{int(wrong.sum())} rows are negative: "
                f"{shown(draft.sites.index[wrong])}",
                "0 or more is allowed, NaN where unknown",
                "clip it at 0 if a negative figure means a full substation",
            )
        )


def _stations(layer: gpd.GeoDataFrame, values: ParameterValues) -> gpd.GeoDataFrame:
    """Return the substations that count, with numbers that are numbers."""
    kv = _number_column(layer, "substations", "voltage_kv")
    if "hosting_capacity_mw" in layer.columns:
        hosting = _number_column(layer, "substations", "hosting_capacity_mw")
    else:
        hosting = pd.Series(np.nan, index=layer.index)
    wrong = (hosting < 0).to_numpy()
    if wrong.any():
        raise LayerError(
            four_parts(
                "Column 'hosting_capacity_mw' of layer 'substations' is a capacity",
                f"{int(wrong.sum())} rows are negative: {shown(layer.index[wrong])}",
                "0 or more is allowed, NaN where unknown",
                "clip it at 0 if a negative figure means a full substation",
            )
        )
    again = layer["substation"][layer["substation"].duplicated()].unique()
    if len(again):
        raise LayerError(
            four_parts(
                "Headroom is shared by the sites of one substation",
                f"layer 'substations' repeats {shown(again)} in column 'substation'",
                "one row for each is allowed",
                'write layers["substations"].drop_duplicates("substation")',
            )
        )
    counted = (kv >= values["min_connection_kv"]).to_numpy()
    stations = layer.loc[counted, ["substation", layer.geometry.name]].copy()
    stations["voltage_kv"] = kv[counted]
    stations["hosting_capacity_mw"] = hosting[counted]
    return stations


def _given_station(
    draft: _Draft, stations: gpd.GeoDataFrame
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return the substation each candidate names, and the distance to it."""
    given = draft.text("substation")
    known = pd.Index(stations["substation"].astype("object"))
    position = known.get_indexer(pd.Index(given)).astype(np.int64)
    lost = (position < 0) & given.notna().to_numpy()
    if lost.any() and not {"voltage_kv", "headroom_mw"} <= draft.own:
        raise LayerError(
            four_parts(
                "The candidates name their substation",
                f"{int(lost.sum())} names are not in layer 'substations' at the "
                f"voltages that count: {shown(given[lost].unique())}",
                "a name of that layer, or nothing where unknown, is allowed",
                'drop the column "substation" to have one chosen',
            )
        )
    km = np.full(len(given), np.nan)
    found = position >= 0
    if found.any():
        here = spatial.points_of(draft.sites).array[found]
        there = spatial.points_of(stations).array[position[found]]
        km[found] = _point_distance_km(here, there)
    return position, km


def _point_distance_km(here: Any, there: Any) -> Floats:
    """Return the geodesic distance between paired points in degrees."""
    first = shapely.get_coordinates(here)
    second = shapely.get_coordinates(there)
    meters = Geod(ellps="WGS84").inv(
        first[:, 0], first[:, 1], second[:, 0], second[:, 1]
    )[2]
    return np.asarray(meters, dtype="float64") / 1000.0


def _best_station(
    sites: gpd.GeoDataFrame, stations: gpd.GeoDataFrame, values: ParameterValues
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return each site's substation by the rule of `columns`, and its distance."""
    n = len(sites)
    position = np.full(n, -1, dtype=np.int64)
    km = np.full(n, np.nan)
    if not len(stations) or not n:
        return position, km
    usable = np.minimum(
        stations["hosting_capacity_mw"].to_numpy(dtype="float64"),
        voltage_cap_mw(stations["voltage_kv"], parameters=values),
    )
    # A known zero is still better than an unknown figure.
    rank = np.where(np.isnan(usable), -1.0, np.minimum(usable, values["enough_mw"]))
    pairs = spatial.pairs_within(sites, stations, values["tie_line_km"])
    order = np.lexsort(
        (pairs.feature, pairs.distance_km, -rank[pairs.feature], pairs.site)
    )
    site, first = np.unique(pairs.site[order], return_index=True)
    position[site] = pairs.feature[order][first]
    km[site] = pairs.distance_km[order][first]
    alone = np.flatnonzero(position < 0)
    if len(alone):
        nearest = spatial.nearest(sites.iloc[alone], stations, k=1)
        position[alone] = nearest.position[:, 0]
        km[alone] = nearest.distance_km[:, 0]
    return position, km


def _add_climate(draft: _Draft, book: _LayerBook, values: ParameterValues) -> None:
    months = book.bands("temperature", draft)
    draft.put("t_mean_c", months.mean(axis=1))
    draft.put("t_max_c", book.sample("t_max", draft))
    draft.put("t_min_c", book.sample("t_min", draft))
    draft.put("humidity_g_per_kg", book.sample("humidity", draft))
    draft.put("elevation_m", book.sample("elevation", draft))
    moist, height = draft.numbers("humidity_g_per_kg"), draft.numbers("elevation_m")
    draft.put("wetbulb_c", wet_bulb_c(draft.numbers("t_mean_c"), moist, height))
    estimated = [name for name in CLIMATE_COLUMNS if name != "t_mean_c"]
    if not draft.own.issuperset(estimated):
        if months.shape[1] != _MONTHS:
            months = np.full((len(months), _MONTHS), np.nan)
        climate = climate_from_months(
            months, draft.numbers("t_max_c"), moist, height, parameters=values
        )
        for name in estimated:
            draft.put(name, climate[name].to_numpy())
    draft.put("climate_fallback", book.is_far_cell)


def _from_county(
    draft: _Draft,
    book: _LayerBook,
    values: ParameterValues,
    layer: str,
    column: str,
    *,
    per_area: bool = False,
) -> tuple[pd.Series, Flags]:
    """Return a county figure per site, and where it is another county's.

    A county without a figure borrows that of the nearest county of its state
    that has one, within ``fallback_km`` between inner points. The figure is
    found once per county, so it stays constant within it. With ``per_area`` it
    is an amount and is scaled by the areas, so that two counties do not share
    one supply.
    """
    table = book.table(layer, "county", (column,))
    if table is None:
        nothing = pd.Series(None, index=draft.sites.index, dtype="object")
        return nothing, np.zeros(len(draft.sites), dtype=bool)
    return _by_county(draft, book, values, table[column], per_area=per_area)


def _by_county(
    draft: _Draft,
    book: _LayerBook,
    values: ParameterValues,
    figures: pd.Series,
    *,
    per_area: bool,
) -> tuple[pd.Series, Flags]:
    """Return per site what is known by county; see `_from_county`."""
    site_county = draft.text("county")
    figures = figures.astype("object")
    figures = figures[figures.notna()]
    wanted = pd.Index(site_county.dropna().unique())
    without = wanted.difference(figures.index)
    borrowed: dict[Any, Any] = {}
    places = book.get("counties", ("county", "state")) if len(without) else None
    if places is not None:
        places = places.set_index(places["county"].astype("object"))
        for _, state in places.groupby("state"):
            lost = state.geometry[state.index.isin(without)]
            donors = state.geometry[state.index.isin(figures.index)]
            if lost.empty or donors.empty:
                continue
            found = spatial.nearest(
                spatial.points_of(lost),
                spatial.points_of(donors),
                k=1,
                max_km=values["fallback_km"],
            ).position[:, 0]
            reached = found >= 0
            lender = donors.iloc[found[reached]]
            taken = figures.loc[lender.index].to_numpy()
            if per_area:
                taken = taken * (_area_km2(lost[reached]) / _area_km2(lender))
            borrowed.update(zip(lost.index[reached], taken, strict=True))
    result = site_county.map({**figures.to_dict(), **borrowed}).astype("object")
    flags = site_county.isin(list(borrowed)).to_numpy(dtype=bool)
    return result, flags


def _area_km2(places: gpd.GeoSeries) -> Floats:
    """Return areas in the equal-area projection of the globe."""
    return np.asarray(places.to_crs("EPSG:6933").area, dtype="float64") / 1e6


def _add_cooling(
    draft: _Draft, book: _LayerBook, values: ParameterValues, cooling: str
) -> None:
    zones, flags = _from_county(draft, book, values, "climate_zones", "iecc_zone")
    draft.put("iecc_zone", zones.to_numpy(dtype="object"))
    draft.put("iecc_zone_fallback", flags)
    climate = pd.DataFrame({name: draft.numbers(name) for name in CLIMATE_COLUMNS})
    ratings = cooling_from_climate(
        climate,
        cooling,
        zones=draft.text("iecc_zone"),
        hall="published",
        parameters=values,
    )
    for name in _RATINGS:
        draft.put(name, ratings[name].to_numpy())
    # No connection can be smaller than the average draw it carries.
    draft.put("peak_ratio", np.fmax(values["peak_ratio"], draft.numbers("pue")))


def _add_water(draft: _Draft, book: _LayerBook, values: ParameterValues) -> None:
    draft.put(
        "water_m3_per_mw_year",
        water_m3_per_mw_year(
            draft.numbers("wue_l_per_kwh"),
            peak_ratio=draft.numbers("peak_ratio"),
            utilisation=values["utilisation"],
        ),
    )
    draft.put(
        "water_consumed_m3_per_mw_year",
        water_consumed(draft.numbers("water_m3_per_mw_year"), parameters=values),
    )
    draft.put(
        "water_peak_day_m3_per_mw",
        water_peak_day_m3_per_mw(
            draft.numbers("wue_peak_day_l_per_kwh"),
            draft.numbers("peak_ratio"),
            parameters=values,
        ),
    )
    draft.put("water_low_flow_m3_per_day", _low_flow(draft, book, values))
    column = "water_available_m3_per_year"
    layer = book.get("water_stress", (column,)) if column not in draft.own else None
    if layer is not None:
        _number_column(layer, "water_stress", column)
        figures, flags = _from_county(
            draft, book, values, "water_stress", column, per_area=True
        )
        draft.put(column, figures.to_numpy(dtype="float64", na_value=np.nan))
        draft.put("water_fallback", flags)
    else:
        draft.put("water_fallback", np.zeros(len(draft.sites), dtype=bool))


def _low_flow(draft: _Draft, book: _LayerBook, values: ParameterValues) -> Floats:
    """Return the water of the county that sites may draw on a day of low flow."""
    n = len(draft.sites)
    if "water_low_flow_m3_per_day" in draft.own:
        return np.full(n, np.nan)
    table = book.table("water_stress", "county", ())
    if table is None or not set(_SUPPLY) <= set(table.columns):
        return np.full(n, np.nan)
    local, routed = (_number_column(table, "water_stress", name) for name in _SUPPLY)
    # A county can take some of a river that only passes through.
    passing = (routed - local) * values["low_flow_routed_share"]
    drawable = pd.Series(
        low_flow_m3_per_day(local + passing, parameters=values), index=table.index
    )
    figures, _ = _by_county(draft, book, values, drawable, per_area=True)
    return figures.to_numpy(dtype="float64", na_value=np.nan)


def _from_state(draft: _Draft, book: _LayerBook, column: str) -> Floats:
    """Return a state figure per site."""
    table = book.table("state_energy", "state", (column,))
    if table is None:
        return np.full(len(draft.sites), np.nan)
    figures = _number_column(table, "state_energy", column).to_dict()
    return np.asarray(draft.text("state").map(figures), dtype="float64")


def _has_borrowed_price(draft: _Draft, book: _LayerBook) -> Flags:
    """Return where the layer itself says that a price is not the state's own."""
    table = book.table("state_energy", "state", ())
    if table is None or "price_basis" not in table.columns:
        return np.zeros(len(draft.sites), dtype=bool)
    basis = table["price_basis"].fillna("").astype("object").astype(str)
    borrowed = basis.index[~basis.str.startswith(("EIA", "own")) & (basis != "")]
    return np.asarray(draft.text("state").isin(list(borrowed)), dtype=bool)


def _from_state_if_there(draft: _Draft, book: _LayerBook, column: str) -> Floats:
    """Return a state figure per site that a layer of the user's own may lack."""
    layer = book.get("state_energy")
    if layer is None or column not in layer.columns:
        return np.full(len(draft.sites), np.nan)
    return _from_state(draft, book, column)


def _add_energy(draft: _Draft, book: _LayerBook, values: ParameterValues) -> None:
    for column in ("subregion_carbon_kg_per_mwh", "clean_share_2015"):
        draft.put(column, _from_state_if_there(draft, book, column))
    if "carbon_kg_per_mwh" not in draft.own:
        draft.put("carbon_kg_per_mwh", _from_state(draft, book, "carbon_kg_per_mwh"))
    is_borrowed = np.zeros(len(draft.sites), dtype=bool)
    if "price_usd_per_mwh" not in draft.own:
        draft.put("price_usd_per_mwh", _from_state(draft, book, "price_usd_per_mwh"))
        is_borrowed = _has_borrowed_price(draft, book)
    draft.put("price_fallback", is_borrowed)
    draft.put(
        "energy_mwh_per_mw_year",
        cost.energy_mwh_per_mw_year(
            draft.numbers("pue"), draft.numbers("peak_ratio"), parameters=values
        ),
    )


def _add_fiber(draft: _Draft, book: _LayerBook) -> None:
    layer = book.get("fiber")
    n = len(draft.sites)
    km = np.full((n, 2), np.nan)
    if layer is not None and len(layer) and n:
        k = min(2, len(layer))
        km[:, :k] = spatial.nearest(draft.sites, layer, k=k).distance_km
        # One place only: both routes lead to it.
        km[:, 1] = km[:, k - 1]
    draft.put("fiber_km", km[:, 0])
    draft.put("fiber_second_km", km[:, 1])


def _add_people(draft: _Draft, book: _LayerBook, values: ParameterValues) -> None:
    n = len(draft.sites)
    points = book.get("population_points", ("population",))
    counts = {km: np.full(n, np.nan) for km in _POPULATION_KM}
    density = np.full(n, np.nan)
    if points is not None:
        people = _number_column(points, "population_points", "population")
        people = people.fillna(0.0)  # a ZIP code of boxes has no residents
        pairs = spatial.pairs_within(draft.sites, points, max(_POPULATION_KM))
        weight = people.to_numpy()[pairs.feature]
        for km in _POPULATION_KM:
            near = pairs.distance_km <= km
            counts[km] = np.bincount(
                pairs.site[near], weights=weight[near], minlength=n
            )
        if "land_km2" in points.columns:
            area = _number_column(points, "population_points", "land_km2").fillna(0.0)
            radius = np.sqrt(np.maximum(area.to_numpy(), 0.0) / np.pi)
        else:
            radius = np.zeros(len(points))
        # A circle may not reach beyond the pairs that were looked up.
        radius = np.minimum(radius, max(_POPULATION_KM) - _DENSITY_KM)
        share = _share_inside(pairs.distance_km, radius[pairs.feature], _DENSITY_KM)
        inside = np.bincount(pairs.site, weights=weight * share, minlength=n)
        density = inside / (np.pi * _DENSITY_KM**2)
    for km in _POPULATION_KM:
        draft.put(f"population_{km}km", counts[km])
    if points is None and book.get("population") is not None:
        county_density, _ = _from_county(
            draft, book, values, "population", "density_per_km2"
        )
        density = county_density.to_numpy(dtype="float64", na_value=np.nan)
    draft.put("population_per_km2", density)

    if "home_value_usd" in draft.own or book.get("population") is None:
        draft.put("home_value_usd", np.full(n, np.nan))
        draft.put("home_value_fallback", np.zeros(n, dtype=bool))
        return
    homes, flags = _from_county(draft, book, values, "population", "home_value_usd")
    draft.put("home_value_usd", homes.to_numpy(dtype="float64", na_value=np.nan))
    draft.put("home_value_fallback", flags)


def _share_inside(distance_km: Floats, radius_km: Floats, within_km: float) -> Floats:
    """Return the share of circles that lies within a distance of the site.

    The area common to two circles over the area of the first; a circle of no
    radius counts whole or not at all.
    """
    d, r, big = distance_km, radius_km, within_km
    is_apart = d >= big + r
    is_inside = d <= big - r
    is_around = d <= r - big
    crosses = ~(is_apart | is_inside | is_around)
    share = np.where(is_inside, 1.0, 0.0)
    share[is_around] = (big / r[is_around]) ** 2
    d, r = d[crosses], r[crosses]
    first = r**2 * np.arccos(np.clip((d**2 + r**2 - big**2) / (2 * d * r), -1, 1))
    second = big**2 * np.arccos(np.clip((d**2 + big**2 - r**2) / (2 * d * big), -1, 1))
    kite = (-d + r + big) * (d + r - big) * (d - r + big) * (d + r + big)
    lens = first + second - np.sqrt(np.maximum(kite, 0.0)) / 2
    share[crosses] = lens / (np.pi * r**2)
    return share


def _add_jobs(draft: _Draft, parameters: Mapping[str, float | str] | None) -> None:
    levels = parameter_levels(parameters)
    n = len(draft.sites)
    for name in _JOBS_PER_MW:
        for level, end in (("mid", ""), ("low", "_low"), ("high", "_high")):
            draft.put(f"{name}{end}", np.full(n, levels[level][name]))
    per_site = levels["mid"]["permanent_jobs_per_site"]
    draft.put("permanent_jobs_per_site", np.full(n, per_site))


def _add_reasons(draft: _Draft, values: ParameterValues, cooling: str) -> None:
    """Say for each site why a figure is missing."""
    county = draft.text("county").isna().to_numpy(dtype=bool)
    placed = ~county
    station = draft.text("substation").isna().to_numpy(dtype=bool)
    state = draft.text("state")
    listed = state.isin(cost.state_cost_table().index).to_numpy(dtype=bool)

    def unknown(name: str) -> Flags:
        return np.isnan(draft.numbers(name))

    reasons: list[tuple[Flags, str]] = [
        (county, "outside every county"),
        (station, f"no substation of {values['min_connection_kv']:g} kV or more"),
        (~station & unknown("headroom_mw"), "hosting capacity unknown"),
        (
            placed & unknown("pue"),
            "climate unknown"
            if cooling == CLOSED_LOOP
            else "no PUE for the climate zone",
        ),
        (placed & unknown("water_available_m3_per_year"), "county water unknown"),
        (placed & unknown("price_usd_per_mwh"), "power price unknown"),
        (placed & unknown("carbon_kg_per_mwh"), "carbon rate unknown"),
        (unknown("fiber_km"), "no fiber point of presence"),
        (placed & unknown("land_usd_per_acre"), "density or home value unknown"),
        (placed & ~listed, "no line or construction cost for the state"),
    ]
    text = np.full(len(draft.sites), "", dtype="object")
    for where, reason in reasons:
        glue = np.where(text[where] == "", "", "; ")
        text[where] = text[where] + glue.astype("object") + reason
    draft.put("unknown_because", text)
