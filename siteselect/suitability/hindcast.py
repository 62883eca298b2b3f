"""A score held against sites that are known, beside plain factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import StudyError, four_parts, said
from siteselect.layers.cards import card
from siteselect.suitability.hindcast_land import (
    BACKGROUNDS,
    PEOPLE,
    Land,
    figures_of,
    land_of,
    usual_factors,
)
from siteselect.suitability.placement import Placement, Resamples, placement, wilson
from siteselect.suitability.ranking import generator, whole_number

Floats = npt.NDArray[np.float64]

#: Shares of the land at which the curves are drawn.
_GRID = np.unique(np.concatenate([np.linspace(0, 0.1, 41), np.linspace(0.1, 1, 91)]))

__all__ = ["Hindcast", "draws_of", "evaluate"]


@dataclass(frozen=True, eq=False)
class Hindcast:
    """How well a score tells known sites from other land, beside plain factors.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per factor and background: ``known_sites`` [count], ``auc`` [-]
        with ``auc_low`` and ``auc_high``, and ``score_ahead`` [-], the AUC of the
        score less that of the factor on the same known sites, with
        ``score_ahead_low`` and ``score_ahead_high``.
    shares : pandas.DataFrame
        One row per factor, background and ``best_percent`` of the land:
        ``share`` of the known sites in it [-] and ``lift``, the share by that of
        random land [-], each with ``_low`` and ``_high``.
    curves : pandas.DataFrame
        ``factor``, ``background``, ``land_share`` and ``known_share`` [-].
    sites : pandas.DataFrame
        One row per known site: ``candidate``, ``distance_km`` [km], ``status``,
        and ``beats``: the share of random land that it beats by the score [-].
    notes : tuple of str
        What was kept out, counted or left unasked.
    level : float
        Of the intervals [-].

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.7, 0.4, 0.2], "state": "TX"},
    ...     geometry=gpd.points_from_xy([0, 1, 2, 3], [0] * 4), crs=4326,
    ... )
    >>> found = evaluate(sites, [0, 2])
    >>> found.table.loc[("score", "land"), "auc"]
    np.float64(0.75)
    >>> print(found.summary().splitlines()[0])
    2 known sites counted of 2; the score against random land: AUC 0.75 (0.50 to 1.00).
    >>> ax = found.plot()
    """

    table: pd.DataFrame = field(repr=False)
    shares: pd.DataFrame = field(repr=False)
    curves: pd.DataFrame = field(repr=False)
    sites: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...]
    level: float

    def summary(self) -> str:
        """Return the findings in plain lines, wins and losses alike.

        Returns
        -------
        str
        """
        table = self.table
        counted = int(self.sites["status"].isin(("counted", "excluded: a miss")).sum())
        lines = []
        for k, (name, row) in enumerate(table.loc["score"].iterrows()):
            head = f"{counted} known sites counted of {len(self.sites)}; the score"
            lines.append(
                f"{head if k == 0 else 'The score'} against {BACKGROUNDS[str(name)]}: "
                f"AUC {_ranged(row, 'auc')}."
            )
        for key, row in table.iterrows():
            factor, background = _key(key)
            if factor == "score":
                continue
            lines.append(
                f"Beside {factor}, {BACKGROUNDS[background]}: AUC "
                f"{_ranged(row, 'auc')}; the score is ahead by "
                f"{_ranged(row, 'score_ahead')}: {_verdict(row)}."
            )
        own = self.shares.loc[("score", slice(None)), :]
        for key, row in own.iterrows():
            _, background, best = _key(key)
            lines.append(
                f"Best {best:g} % of {BACKGROUNDS[background]}: "
                f"{100 * row['share']:.0f} % of known sites "
                f"({100 * row['share_low']:.0f} to {100 * row['share_high']:.0f} %), "
                f"{row['lift']:.1f} times random."
            )
        lines.append(f"Intervals of {100 * self.level:g} %.")
        lines += [f"Note: {note}." for note in self.notes]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"Hindcast\n{self.summary()}"

    def _repr_html_(self) -> str:
        rows = [
            (f"{name}, {BACKGROUNDS[against]}", f"AUC {_ranged(row, 'auc')}")
            for key, row in self.table.iterrows()
            for name, against in [_key(key)]
        ]
        said_below = self.shares.to_html(escape=True, float_format=lambda v: f"{v:.3g}")
        notes = [("note", note) for note in self.notes]
        return card("Hindcast", [*rows, *notes], said_below)

    def plot(self, ax: Any = None, **kwargs: Any) -> Any:
        """Draw the curves; see `siteselect.plot_hindcast`.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            ``background``, ``kind``, ``preset``, ``title``.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from siteselect.suitability._plots import plot_hindcast

        return plot_hindcast(self, ax, **kwargs)


def evaluate(
    scored: gpd.GeoDataFrame,
    known_sites: Any,
    *,
    background: str | Sequence[str] | None = None,
    baselines: Mapping[str, Any] | None = None,
    layers: Mapping[str, Any] | None = None,
    score: str = "score",
    state: str = "state",
    population: Any = None,
    population_bins: int = 10,
    best_percent: Sequence[float] = (1, 5, 10, 20),
    within_km: float = 5.0,
    level: float = 0.95,
    draws: int = 2000,
    rng: np.random.Generator | int = 0,
) -> Hindcast:
    r"""Hold a score against sites that are known, beside plain factors.

    Use it before a score is believed: it says how often a known site beats land
    that has none, and whether counting the people around would have done as well.
    Weights that were tuned on these sites cannot be judged by them.

    Parameters
    ----------
    scored : geopandas.GeoDataFrame
        Candidates that cover the land, with their score; best what `score_sites`
        made of a grid.
    known_sites : GeoDataFrame, GeoSeries, or labels of candidates
        Where data centers are known to be; each counts once.
    background : str or sequence of {"land", "state", "population"}, optional
        The land to compare with: all, that of the same state, that with as many
        people around; by default all that the frame can answer.
    baselines : mapping, optional
        Name to a column, a Series, a `Criterion`, a measurement or a function
        frame -> Series. **More is better**: pass ``-scored["km"]`` where less is.
    layers : mapping of str to layer, optional
        With ``population_points`` and ``substations``, as `datasets.load_all`
        gives, to add population within 50 km and nearness to a substation.
    score : str, default "score"
        Column of the score.
    state : str, default "state"
        Column of the state.
    population : str, Series or Measurement, optional
        People around each candidate [count], to match by; from ``layers`` if left
        out.
    population_bins : int, default 10
        Parts of equal area into which the land is cut by its population.
    best_percent : sequence of float
        Shares of the land to look at [%].
    within_km : float, default 5
        A known site on no candidate's ground belongs to the nearest within this
        distance [km]; further ones are named and not counted.
    level : float, default 0.95
        Of the intervals [-].
    draws : int, default 2000
        Resamples of the known sites.
    rng : numpy.random.Generator or int, default 0
        Seed.

    Returns
    -------
    Hindcast
        With ``table``, ``shares``, ``curves``, ``sites``, ``summary()``, ``plot()``.

    Raises
    ------
    LayerError
        If no known site lies on a scored candidate, or a column cannot be used.
    CRSError
        If the frame or the known sites have no CRS.
    StudyError
        If an argument cannot be used.

    Notes
    -----
    For known site i, :math:`b_i` is the share of its background that is better and
    :math:`t_i` the share that is as good, both by area:

    .. math:: \mathrm{AUC} = \frac{1}{n} \sum_i \left(1 - b_i - \tfrac{1}{2} t_i
              \right)

    which is the Mann-Whitney statistic [1]_ with ties at half and land weighted by
    area. A candidate that holds a known site is no background. An excluded
    candidate ranks below all that is scored, so an excluded known site is a miss.
    Where a score, or a figure of any baseline, is unknown, land and known sites
    are kept out of every row and counted in the notes: all rows compare the same.
    A site that no list knows of counts as land without one.

    The land is not a sample, so only known sites are drawn again (percentile
    bootstrap [2]_, those on one candidate together). Shares have Wilson's
    interval, with the effective number of known sites where candidates hold
    several; so has an AUC where all known sites do equally well.

    References
    ----------
    .. [1] H. B. Mann, D. R. Whitney, On a test of whether one of two random variables
       is stochastically larger than the other, Annals of Mathematical Statistics 18,
       50-60, 1947, https://doi.org/10.1214/aoms/1177730491
    .. [2] B. Efron, Bootstrap methods: another look at the jackknife, Annals of
       Statistics 7, 1-26, 1979, https://doi.org/10.1214/aos/1176344552

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.7, 0.4, 0.2], "people": [10, 80, 40, 90], "state": "TX"},
    ...     geometry=gpd.points_from_xy([0, 1, 2, 3], [0] * 4), crs=4326,
    ... )
    >>> known = gpd.GeoSeries.from_xy([0.01, 1.02], [0, 0], crs=4326)
    >>> found = evaluate(sites, known, baselines={"people": "people"})
    >>> found.table["auc"].round(3).to_dict()[("people", "land")]
    0.25
    >>> found.sites["candidate"].tolist()
    [0, 1]
    """
    best = _checked_best(best_percent)
    draws, level = draws_of(draws, level)
    factors = usual_factors(scored, layers)
    if population is None:
        people = factors.get(PEOPLE)
    else:
        people = figures_of(scored, population, "population")
    factors |= {
        name: figures_of(scored, thing, name)
        for name, thing in (baselines or {}).items()
    }
    if "score" in factors:
        raise StudyError(
            four_parts(
                "A baseline has a name of its own",
                "found a baseline named 'score'",
                "allowed is any other name",
                "rename it",
            )
        )
    needed = factors if people is None else factors | {"population": people}
    land = land_of(
        scored,
        known_sites,
        score=score,
        factors=needed,
        background=background,
        state=state,
        population=people,
        population_bins=population_bins,
        within_km=within_km,
    )
    own = land.ranked(scored[score].to_numpy(dtype=float, na_value=np.nan))
    ranked = {"score": own} | {name: f[land.rows] for name, f in factors.items()}
    placed = {
        (name, against): placement(value, land.weight, codes, land.cases)
        for name, value in ranked.items()
        for against, codes in land.group.items()
    }
    # Drawn in an order of their own, whatever that of the rows.
    order = np.lexsort([land.n_each, *(p.wins for p in placed.values())][::-1])
    placed = {k: Placement(p.better[order], p.tied[order]) for k, p in placed.items()}
    resamples = Resamples.of(land.n_each[order], draws, level, generator(rng))
    notes = land.notes
    if not factors:
        notes = (*notes, "no baseline: pass layers= or baselines= to compare with")
    return Hindcast(
        _table(placed, resamples),
        _shares(placed, resamples, best),
        _curves(placed, resamples),
        _with_standing(land, own),
        notes,
        level,
    )


def draws_of(draws: Any, level: Any) -> tuple[int, float]:
    """Return a number of draws and a level of confidence, both checked."""
    if not isinstance(level, (int, float)) or not 0 < level < 1:
        raise StudyError(
            four_parts(
                "An interval has a level",
                f"found level={said(level)}",
                "allowed are numbers between 0 and 1",
                "pass for instance level=0.95",
            )
        )
    return whole_number("Known sites are drawn again", "draws", draws), float(level)


def _checked_best(best_percent: Any) -> list[float]:
    given = [best_percent] if isinstance(best_percent, (int, float)) else best_percent
    try:
        best = sorted({float(b) for b in given})
    except (TypeError, ValueError):
        best = []
    if not best or not all(0 < b <= 100 for b in best):
        raise StudyError(
            four_parts(
                "Shares of the best land are looked at",
                f"found best_percent={said(best_percent)}",
                "allowed are percents above 0 up to 100",
                "pass for instance best_percent=(1, 5, 10)",
            )
        )
    return best


def _table(
    placed: Mapping[tuple[str, str], Placement], resamples: Resamples
) -> pd.DataFrame:
    rows = {}
    for (name, against), found in placed.items():
        wins = found.wins
        row: dict[str, Any] = {
            "known_sites": resamples.count(wins),
            "auc": resamples.mean(wins),
        }
        row["auc_low"], row["auc_high"] = resamples.interval(wins, is_share=True)
        ahead = np.full(len(wins), np.nan)
        if name != "score":
            ahead = placed["score", against].wins - wins
        row["score_ahead"] = resamples.mean(ahead)
        low, high = resamples.interval(ahead, is_share=False)
        row["score_ahead_low"], row["score_ahead_high"] = low, high
        rows[name, against] = row
    labels = _labelled(list(rows), ["factor", "background"])
    return pd.DataFrame(list(rows.values()), index=labels)


def _shares(
    placed: Mapping[tuple[str, str], Placement],
    resamples: Resamples,
    best: Sequence[float],
) -> pd.DataFrame:
    rows = {}
    for (name, against), found in placed.items():
        for percent in best:
            inside = found.within(percent / 100)
            share = resamples.mean(inside)
            low, high = wilson(share, resamples.effective(inside), resamples.level)
            lifts = [100 * part / percent for part in (share, low, high)]
            rows[name, against, percent] = [share, low, high, *lifts]
    names = [f"{what}{end}" for what in ("share", "lift") for end in _ENDS]
    labels = _labelled(list(rows), ["factor", "background", "best_percent"])
    return pd.DataFrame(list(rows.values()), index=labels, columns=names)


def _labelled(keys: list[tuple[Any, ...]], names: list[str]) -> pd.MultiIndex:
    """Return labels of rows in the order of the rows, which is then theirs.

    Levels in the order of the alphabet would make every look-up a slow one, and
    pandas would say so.
    """
    levels = [list(dict.fromkeys(part)) for part in zip(*keys, strict=True)]
    codes = [
        [level.index(part) for part in parts]
        for level, parts in zip(levels, zip(*keys, strict=True), strict=True)
    ]
    return pd.MultiIndex(levels=levels, codes=codes, names=names)


_ENDS = ("", "_low", "_high")


def _curves(
    placed: Mapping[tuple[str, str], Placement], resamples: Resamples
) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "factor": name,
                    "background": against,
                    "land_share": _GRID,
                    "known_share": [resamples.mean(found.within(s)) for s in _GRID],
                }
            )
            for (name, against), found in placed.items()
        ],
        ignore_index=True,
    )


def _with_standing(land: Land, own: Floats) -> pd.DataFrame:
    """Add to each known site the share of all land that it beats by the score."""
    everywhere = np.zeros(len(own), dtype=np.int64)
    found = placement(own, land.weight, everywhere, land.cases)
    wins = pd.Series(found.wins, index=land.rows[land.cases])
    sites = land.sites.copy()
    counted = sites["status"].isin(("counted", "excluded: a miss")).to_numpy()
    sites["beats"] = np.nan
    if counted.any():
        sites.loc[counted, "beats"] = wins.reindex(land.position[counted]).to_numpy()
    return sites


def _key(label: Any) -> tuple[Any, ...]:
    """Return the parts of a row's label."""
    parts: tuple[Any, ...] = label
    return parts


def _ranged(row: pd.Series[Any], name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    if np.isnan(row[name]):
        return "unknown"
    if np.isnan(low):
        return f"{row[name]:.2f} (no interval)"
    return f"{row[name]:.2f} ({low:.2f} to {high:.2f})"


def _verdict(row: pd.Series[Any]) -> str:
    low, high = row["score_ahead_low"], row["score_ahead_high"]
    if low > 0:
        return "a win"
    if high < 0:
        return "a loss"
    return "no difference can be told"
