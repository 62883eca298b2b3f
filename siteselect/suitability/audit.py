"""Which criteria earn their place, held against sites that are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import (
    LayerError,
    StudyError,
    four_parts,
    said,
    shown,
)
from siteselect.layers.cards import card
from siteselect.suitability.checks import check_scored
from siteselect.suitability.criteria import Criterion
from siteselect.suitability.hindcast import draws_of
from siteselect.suitability.hindcast_land import (
    BACKGROUNDS,
    Land,
    figures_of,
    land_of,
    usual_factors,
)
from siteselect.suitability.placement import Resamples, permuted_within, placement
from siteselect.suitability.ranking import generator, whole_number
from siteselect.suitability.records import aggregate_of, value_from_dict
from siteselect.suitability.weights import normalize_weights

Floats = npt.NDArray[np.float64]

#: How far bounds are moved, as a share of their span.
SHIFT = 0.25
#: Changes of AUC that rounding alone can make.
_ROUNDING = 1e-9

__all__ = ["CriteriaAudit", "audit_criteria"]


@dataclass(frozen=True, eq=False)
class CriteriaAudit:
    """Which criteria help to tell known sites from other land.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per criterion; see `audit_criteria`.
    auc : float
        Of the score as it stands [-].
    background : str
        The land that was compared with.
    known_sites : int
        How many were counted.
    notes : tuple of str
        What was kept out or left unasked.
    level : float
        Of the intervals [-].

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.suitability import Column, Rising, score_sites
    >>> sites = gpd.GeoDataFrame(
    ...     {"mw": [900.0, 700, 500, 300], "acres": [10.0, 90, 40, 60]},
    ...     geometry=gpd.points_from_xy([0, 1, 2, 3], [0] * 4), crs=4326,
    ... )
    >>> scored = score_sites(sites, [
    ...     Criterion("grid", Column("mw"), Rising(0, 1000)),
    ...     Criterion("land", Column("acres"), Rising(0, 100)),
    ... ])
    >>> found = audit_criteria(scored, [0, 1])
    >>> print(found.summary().splitlines()[0])
    AUC 1.00 of 2 known sites against random land.
    """

    table: pd.DataFrame = field(repr=False)
    auc: float
    background: str
    known_sites: int
    notes: tuple[str, ...]
    level: float

    def summary(self) -> str:
        """Return the findings in plain lines.

        Returns
        -------
        str
        """
        lines = [
            f"AUC {self.auc:.2f} of {self.known_sites} known sites against "
            f"{BACKGROUNDS[self.background]}."
        ]
        for name, row in self.table.iterrows():
            interval = f"{row['loss_low']:+.3f} to {row['loss_high']:+.3f}"
            if np.isnan(row["loss_low"]):
                interval = "no interval"
            is_only = np.isnan(row["auc_without"])
            lines.append(
                f"{name} (weight {row['weight']:.2f}): loss {row['loss']:+.3f} "
                f"({interval}), AUC {row['auc_alone']:.2f} alone"
                + f", {row['auc_without']:.2f} without it" * (not is_only)
                + f": {row['verdict']}."
            )
        lines.append(f"Intervals of {100 * self.level:g} %.")
        return "\n".join([*lines, *(f"Note: {note}." for note in self.notes)])

    def __repr__(self) -> str:
        return f"CriteriaAudit\n{self.summary()}"

    def _repr_html_(self) -> str:
        title = (
            f"Criteria held against {self.known_sites} known sites, "
            f"{BACKGROUNDS[self.background]}"
        )
        facts = [("AUC", f"{self.auc:.3f}"), *(("note", note) for note in self.notes)]
        below = self.table.to_html(escape=True, float_format=lambda v: f"{v:.3f}")
        return card(title, facts, below)


def audit_criteria(
    scored: gpd.GeoDataFrame,
    known_sites: Any,
    criteria: Sequence[Criterion] | None = None,
    *,
    background: str = "land",
    layers: Any = None,
    state: str = "state",
    population: Any = None,
    population_bins: int = 10,
    within_km: float = 5.0,
    permutations: int = 50,
    level: float = 0.95,
    draws: int = 2000,
    rng: np.random.Generator | int = 0,
) -> CriteriaAudit:
    r"""Say which criteria earn their place, by known sites.

    A criterion's values are shuffled over the land, and the score is made again:
    what the AUC loses says how much the score relies on it [1]_. It is also left
    out, and its weight shared among the others: what the AUC loses then is what it
    brings that the others do not. Use it to see which weights rest on evidence. Do
    not tune weights by it and judge them by the same sites.

    Parameters
    ----------
    scored : geopandas.GeoDataFrame
        What `score_sites` returned, by any aggregate.
    known_sites : GeoDataFrame, GeoSeries, or labels of candidates
        As for `evaluate`.
    criteria : sequence of Criterion, optional
        The criteria of the scoring, where the frame lost its ``attrs``, or where a
        value is a function of your own and its bounds are to be moved.
    background : {"land", "state", "population"}, default "land"
        The land that known sites are compared with, and values shuffled within.
    layers, state, population, population_bins, within_km
        As for `evaluate`.
    permutations : int, default 50
        Shuffles of each criterion; the loss is their mean.
    level : float, default 0.95
        Of the intervals [-].
    draws : int, default 2000
        Resamples of the known sites.
    rng : numpy.random.Generator or int, default 0
        Seed.

    Returns
    -------
    CriteriaAudit
        Its ``table`` has one row per criterion: ``weight`` [-]; ``auc_alone``: of
        its values alone; ``loss`` of AUC when it is shuffled, with ``loss_low``
        and ``loss_high``; ``includes_zero``; ``verdict``; ``auc_without``: with
        its weight shared among the others; ``bounds_down`` and ``bounds_up``:
        change of AUC with the bounds of its value function moved by a quarter of
        their span (NaN where it has none); ``alone_low`` and ``alone_high``;
        ``gain``: of AUC by having it, with ``gain_low`` and ``gain_high``.

    Raises
    ------
    LayerError
        If the frame was not scored, or no known site lies on a scored candidate.
    CRSError
        If the frame or the known sites have no CRS.
    StudyError
        If an argument cannot be used.

    Notes
    -----
    The verdict is the first of these that holds; *beyond* means with the whole
    interval:

    - ``earns its place``: shuffled the score is worse beyond 0, and so it is
      without the criterion;
    - ``speaks against the known sites``: alone it is below 0.5, or shuffled the
      score is better, beyond the interval;
    - ``the score is better without it``: shuffled the score is worse, but left out
      it is better, both beyond 0;
    - ``may repeat the others``: shuffled the score is worse beyond 0, but left out
      no change can be told: the others may say what it says;
    - ``cannot be told from none``: shuffled no change can be told.

    Shuffling alone cannot tell what a criterion brings: shuffled values are noise
    in the score, whether or not the others say all that it says. Leaving out the
    only criterion leaves chance, 0.5.

    References
    ----------
    .. [1] L. Breiman, Random forests, Machine Learning 45, 5-32, 2001,
       https://doi.org/10.1023/A:1010933404324

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.suitability import Column, Rising, score_sites
    >>> sites = gpd.GeoDataFrame(
    ...     {"mw": [900.0, 700, 500, 300], "acres": 50.0},
    ...     geometry=gpd.points_from_xy([0, 1, 2, 3], [0] * 4), crs=4326,
    ... )
    >>> scored = score_sites(sites, [
    ...     Criterion("grid", Column("mw"), Rising(0, 1000)),
    ...     Criterion("land", Column("acres"), Rising(0, 100)),
    ... ])
    >>> table = audit_criteria(scored, [0, 1]).table
    >>> table["auc_alone"].to_dict(), float(table.loc["land", "loss"])
    ({'grid': 1.0, 'land': 0.5}, 0.0)
    """
    check_scored(scored, "An audit")
    draws, level = draws_of(draws, level)
    permutations = whole_number("Values are shuffled", "permutations", permutations)
    if not isinstance(background, str):
        raise StudyError(
            four_parts(
                "An audit compares with one kind of land",
                f"found background={said(background)}",
                f"allowed are {shown(map(repr, BACKGROUNDS))}",
                "pass background='land'",
            )
        )
    people = None
    if background == "population":
        people = (
            next(iter(usual_factors(scored, _only_people(layers)).values()), None)
            if population is None
            else figures_of(scored, population, "population")
        )
    names, weights, value_functions = _criteria_of(scored, criteria)
    land = land_of(
        scored,
        known_sites,
        score="score",
        factors={} if people is None else {"population": people},
        background=background,
        state=state,
        population=people,
        population_bins=population_bins,
        within_km=within_km,
    )
    parts = _Parts(scored, land, background, names, weights)
    rng = generator(rng)
    now = parts.wins(parts.values)
    alone = [parts.placed(v) for v in parts.values]
    losses = []
    for c in range(len(names)):
        total = np.zeros(len(now))
        for _ in range(permutations):
            total += now - parts.wins(parts.shuffled(c, rng))
        losses.append(total / permutations)
    # Drawn in an order of their own, whatever that of the rows.
    order = np.lexsort([land.n_each, now, *alone][::-1])
    resamples = Resamples.of(land.n_each[order], draws, level, rng)
    rows = []
    for c in range(len(names)):
        loss = resamples.mean(losses[c][order])
        low, high = resamples.interval(losses[c][order], is_share=False)
        alone_low, alone_high = resamples.interval(alone[c][order], is_share=True)
        without = parts.without(c)[order]
        # Without the only criterion there is chance.
        gain = now[order] - (0.5 if np.isnan(without).all() else without)
        gain_low, gain_high = resamples.interval(gain, is_share=False)
        down, up = (
            resamples.mean((parts.moved(c, value_functions[c], by) - now)[order])
            for by in (-SHIFT, SHIFT)
        )
        rows.append(
            {
                "weight": weights[c],
                "auc_alone": resamples.mean(alone[c][order]),
                "loss": loss,
                "loss_low": low,
                "loss_high": high,
                "includes_zero": not (low > 0 or high < 0),
                "verdict": _verdict((low, high), (gain_low, gain_high), alone_high),
                "auc_without": resamples.mean(without),
                "bounds_down": down,
                "bounds_up": up,
                "alone_low": alone_low,
                "alone_high": alone_high,
                "gain": resamples.mean(gain),
                "gain_low": gain_low,
                "gain_high": gain_high,
            }
        )
    table = pd.DataFrame(rows, index=pd.Index(names, name="criterion"))
    known = int(land.n_each[~np.isnan(now)].sum())
    auc = resamples.mean(now[order])
    return CriteriaAudit(table, auc, background, known, land.notes, level)


class _Parts:
    """Values of the criteria on the land, and the scores that they make."""

    def __init__(
        self,
        scored: gpd.GeoDataFrame,
        land: Land,
        background: str,
        names: Sequence[str],
        weights: Floats,
    ) -> None:
        self.land, self.names, self.weights = land, names, weights
        self.group = land.group[background]
        self.way = aggregate_of(scored)
        self.values = [
            scored[f"{name}_value"].to_numpy(dtype=float, na_value=np.nan)[land.rows]
            for name in names
        ]
        self.raw = [scored[f"{name}_raw"].iloc[land.rows] for name in names]
        # Excluded land stays last whatever its values; it takes no part.
        self.open = np.flatnonzero(~land.is_out)

    def placed(self, score: Floats) -> Floats:
        """Return the chance of each case to beat the land, by any figure."""
        unknown = np.isnan(score) | self.land.is_out
        value = np.where(unknown, -np.inf, score)
        land = self.land
        return placement(value, land.weight, self.group, land.cases).wins

    def wins(self, values: Sequence[Floats], weights: Floats | None = None) -> Floats:
        """Return the same by the score that values make."""
        weights = self.weights if weights is None else weights
        return self.placed(self.way.combine(values, weights, self.names)[0])

    def shuffled(self, c: int, rng: np.random.Generator) -> list[Floats]:
        """Return the values with those of one criterion shuffled over the land."""
        new = self.values[c].copy()
        order = permuted_within(self.group[self.open], rng)
        new[self.open] = new[self.open][order]
        return [*self.values[:c], new, *self.values[c + 1 :]]

    def without(self, c: int) -> Floats:
        """Return the same with a weight shared among the others."""
        weights = self.weights.copy()
        weights[c] = 0.0
        if not weights.sum() > 0:
            return np.full(len(self.land.cases), np.nan)
        return self.wins(self.values, weights / weights.sum())

    def moved(self, c: int, value: Any, by: float) -> Floats:
        """Return the same with the bounds of a criterion moved."""
        span = getattr(value, "span", None)
        if span is None or not pd.api.types.is_numeric_dtype(self.raw[c]):
            return np.full(len(self.land.cases), np.nan)
        raw = self.raw[c].to_numpy(dtype=float, na_value=np.nan)
        new = np.asarray(value(raw - by * (span[1] - span[0])), dtype=float)
        return self.wins([*self.values[:c], np.clip(new, 0, 1), *self.values[c + 1 :]])


def _criteria_of(
    scored: gpd.GeoDataFrame, criteria: Sequence[Criterion] | None
) -> tuple[list[str], Floats, list[Any]]:
    """Return names, normalized weights and value functions of a scored frame."""
    told = scored.attrs.get("siteselect", {}).get("criteria", [])
    if criteria is not None:
        names = [criterion.name for criterion in criteria]
        given = [float(criterion.weight) for criterion in criteria]
        values: list[Any] = [criterion.value for criterion in criteria]
    else:
        names = [item["name"] for item in told]
        given = [float(item["weight"]) for item in told]
        values = [_stored_value(item.get("value")) for item in told]
    wanted = ["score", *(f"{n}_{part}" for n in names for part in ("value", "raw"))]
    lost = [column for column in wanted if column not in scored.columns]
    if not names or lost:
        raise LayerError(
            four_parts(
                "Criteria are audited on a frame of score_sites",
                f"found no column {shown(lost)}" if lost else "it has no criteria",
                "allowed are frames from score_sites, with their attrs",
                "score first, or pass the criteria as well",
            )
        )
    return names, normalize_weights(given, names=names), values


def _stored_value(record: Any) -> Any:
    """Return a value function of the frame's notes, None for one of a user's own."""
    try:
        return value_from_dict(record)
    except StudyError:
        return None


def _only_people(layers: Any) -> dict[str, Any]:
    name = "population_points"
    return {name: layers[name]} if name in (layers or {}) else {}


def _verdict(
    loss: tuple[float, float], gain: tuple[float, float], alone_high: float
) -> str:
    """Return what intervals say: shuffled, left out, and of the values alone."""
    relies = loss[0] > _ROUNDING
    if relies and gain[0] > _ROUNDING:
        return "earns its place"
    if loss[1] < -_ROUNDING or alone_high < 0.5:
        return "speaks against the known sites"
    if relies and gain[1] < -_ROUNDING:
        return "the score is better without it"
    if relies:
        return "may repeat the others"
    return "cannot be told from none"
