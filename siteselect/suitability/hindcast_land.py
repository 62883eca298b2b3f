"""Known sites and the land they are compared with, under stated rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import (
    LayerError,
    StudyError,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.suitability.checks import numbers
from siteselect.suitability.criteria import Criterion
from siteselect.suitability.ground import area_km2
from siteselect.suitability.known_sites import Matched, matched
from siteselect.suitability.measures import Measurement, Nearest, Within
from siteselect.suitability.queries import Queries
from siteselect.suitability.score import _check_sites, _measured, _valued

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: What known sites are compared with, in the order of the tables.
BACKGROUNDS = {
    "land": "random land",
    "state": "land in the same state",
    "population": "population-matched land",
}
PEOPLE = "population within 50 km"
SUBSTATION = "nearness to a substation"
#: Below this an interval of resampled known sites is too narrow by more than a
#: little: the percentile interval of a mean of ten misses one time in ten.
FEW = 10
#: Sums of areas that are this close to a share have reached it.
_ROUNDING = 1e-12

__all__ = [
    "BACKGROUNDS",
    "FEW",
    "PEOPLE",
    "Land",
    "figures_of",
    "land_of",
    "usual_factors",
]


@dataclass(frozen=True, eq=False)
class Land:
    """The candidates that are compared, and which of them hold known sites.

    Parameters
    ----------
    rows : numpy.ndarray of int64, shape (n,)
        Positions in the frame of those that are compared.
    is_out : numpy.ndarray of bool, shape (n,)
        Whether the candidate is excluded: it ranks below all that is scored.
    weight : numpy.ndarray, shape (n,)
        Land that counts; 0 where a known site is.
    group : dict
        Background to numpy.ndarray of int64, shape (n,).
    cases : numpy.ndarray of int64, shape (m,)
        Positions among ``rows`` of the candidates that hold known sites.
    n_each : numpy.ndarray, shape (m,)
        Known sites in each [count].
    position : numpy.ndarray of int64, shape (n_known,)
        Position in the frame of the candidate of each known site; -1 for none.
    sites : pandas.DataFrame
        One row per known site: ``candidate``, ``distance_km``, ``status``.
    notes : tuple of str
        What was kept out, and why.
    """

    rows: Ints
    is_out: Flags
    weight: Floats
    group: dict[str, Ints]
    cases: Ints
    n_each: Floats
    position: Ints
    sites: pd.DataFrame
    notes: tuple[str, ...]

    def ranked(self, values: Floats) -> Floats:
        """Return scores of the frame as what is ranked: excluded land last."""
        return np.where(self.is_out, -np.inf, values[self.rows])


def land_of(
    scored: gpd.GeoDataFrame,
    known: Any,
    *,
    score: str,
    factors: Mapping[str, Floats],
    background: str | Sequence[str] | None,
    state: str,
    population: Floats | None,
    population_bins: int,
    within_km: float,
) -> Land:
    """Match known sites, decide what is compared, and group the land."""
    _check_sites(scored)
    value = numbers(scored, score, "candidates")
    found = matched(scored, known, within_km)
    is_out = _excluded(scored)
    is_known = is_out | ~np.isnan(value)
    lacks = {"the score": ~is_known}
    lacks |= {repr(name): np.isnan(figure) for name, figure in factors.items()}
    use = ~np.any(list(lacks.values()), axis=0)
    area = area_km2(scored)
    notes = []
    if np.isnan(area).any():
        area = np.ones(len(scored))
        notes.append("a candidate has no ground of its own: each counts as much")
    sites = _told(scored, found, use, is_out)
    counted = found.position[(found.position >= 0) & use[found.position]]
    if not len(counted):
        told = sites["status"].value_counts()
        raise LayerError(
            four_parts(
                "A score is held against known sites that lie on scored candidates",
                f"none of {len(sites)} does: {told.to_dict()}",
                "at least one is needed, two for an interval",
                "score the area where they are, or give a larger within_km=",
            )
        )
    rows = np.flatnonzero(use)
    cases, n_each = np.unique(np.searchsorted(rows, counted), return_counts=True)
    weight = area[rows].copy()
    weight[cases] = 0.0
    if not weight.sum() > 0:
        raise LayerError(
            four_parts(
                "Known sites are compared with the land that holds none",
                f"each of {len(rows)} candidates with a score holds one",
                "at least one other candidate is needed",
                "score a grid over the whole area: grid_candidates(area, spacing_km=)",
            )
        )
    group = _groups(scored, rows, weight, background, state, population, notes)
    if "population" in group:
        group["population"] = _bins(
            np.asarray(population)[rows], area[rows], population_bins
        )
    notes += _kept_out(sites, lacks, use, area, is_out)
    if len(cases) < FEW:
        notes.append(
            f"known sites on {len(cases)} candidates: intervals of fewer than {FEW} "
            "are too narrow"
        )
    return Land(
        rows,
        is_out[rows],
        weight,
        group,
        cases.astype(np.int64),
        n_each.astype(float),
        found.position,
        sites,
        tuple(notes),
    )


def usual_factors(
    scored: gpd.GeoDataFrame, layers: Mapping[str, Any] | None
) -> dict[str, Floats]:
    """Return the two plain factors that a score has to beat, if layers are given."""
    found: dict[str, Floats] = {}
    layers = layers or {}
    queries = Queries(scored)
    if "population_points" in layers:
        people = Within(
            layers["population_points"],
            radius_km=50,
            sum="population",
            skip_missing=True,
        )
        found[PEOPLE] = people.answer(queries).values.to_numpy(dtype=float)
    if "substations" in layers:
        near = Nearest(layers["substations"])
        found[SUBSTATION] = -near.answer(queries).values.to_numpy(dtype=float)
    return found


def figures_of(scored: gpd.GeoDataFrame, thing: Any, name: str) -> Floats:
    """Return what a user names as figures, one for each candidate."""
    if isinstance(thing, str):
        return numbers(scored, thing, "candidates")
    if isinstance(thing, Criterion):
        measured = _measured(thing, Queries(scored)).values
        return _valued(thing, measured)[1]
    if isinstance(thing, Measurement):
        thing = thing(scored)
    elif callable(thing):
        thing = thing(scored.copy())
    if isinstance(thing, pd.Series) and thing.index.equals(scored.index):
        frame = gpd.GeoDataFrame({name: thing}, geometry=scored.geometry)
        return numbers(frame, name, "candidates")
    raise StudyError(
        four_parts(
            f"Factor {name!r} has one figure for each candidate",
            f"found {said(thing)} ({type(thing).__name__})"
            + (", with another index" if isinstance(thing, pd.Series) else ""),
            "allowed are a column's name, a Series on the candidates' index, a "
            "Criterion, a Measurement, or a function frame -> Series",
            "pass for instance -scored['substation_km'], where less is better",
        )
    )


def _excluded(scored: gpd.GeoDataFrame) -> Flags:
    if "excluded_by" not in scored.columns:
        return np.zeros(len(scored), dtype=bool)
    # Some file formats write an empty text as missing.
    texts = scored["excluded_by"].astype(object).fillna("")
    flags: Flags = texts.ne("").to_numpy(dtype=bool)
    return flags


def _told(
    scored: gpd.GeoDataFrame, found: Matched, use: Flags, is_out: Flags
) -> pd.DataFrame:
    """Say of each known site where it went."""
    there = found.position >= 0
    status = np.where(use[found.position], "counted", "unknown there")
    status = np.where(
        use[found.position] & is_out[found.position], "excluded: a miss", status
    )
    status = np.where(there, status, "no candidate")
    candidate = np.full(len(there), None, dtype=object)
    candidate[there] = scored.index[found.position[there]].astype(object)
    return pd.DataFrame(
        {
            "candidate": candidate,
            "distance_km": found.distance_km,
            "status": status,
        },
        index=found.labels.rename("known_site"),
    )


def _groups(
    scored: gpd.GeoDataFrame,
    rows: Ints,
    weight: Floats,
    background: str | Sequence[str] | None,
    state: str,
    population: Floats | None,
    notes: list[str],
) -> dict[str, Ints]:
    """Return the groups of land that each background compares within."""
    asked = [background] if isinstance(background, str) else background
    wanted = list(BACKGROUNDS) if asked is None else list(asked)
    odd = [name for name in wanted if name not in BACKGROUNDS]
    if odd or not wanted:
        hint = nearest_name(str(odd[0]), BACKGROUNDS) if odd else ""
        raise StudyError(
            four_parts(
                "Known sites are compared with land",
                f"found background={said(background)}.{hint}",
                f"allowed are {shown(map(repr, BACKGROUNDS))}",
                "leave it out for all that the frame can answer",
            )
        )
    found: dict[str, Ints] = {}
    for name in (name for name in BACKGROUNDS if name in wanted):
        lacking = {
            "state": (state not in scored.columns, f"column {state!r}"),
            "population": (population is None, "population of each candidate"),
        }.get(name, (False, ""))
        if lacking[0] and asked is not None:
            raise StudyError(
                four_parts(
                    f"{BACKGROUNDS[name].capitalize()} was asked for",
                    f"found no {lacking[1]}",
                    "allowed is a frame that says it for every candidate",
                    "pass state='column', or population='column' or layers=",
                )
            )
        if lacking[0]:
            notes.append(f"no {BACKGROUNDS[name]}: the frame has no {lacking[1]}")
            continue
        codes = np.zeros(len(rows), dtype=np.int64)
        if name == "state":
            codes = pd.factorize(scored[state].iloc[rows], sort=True)[0].astype(
                np.int64
            )
            lost = codes < 0
            # Land of no state is compared with nothing.
            codes[lost] = codes.max(initial=-1) + 1 + np.arange(int(lost.sum()))
        found[name] = codes
    return found


def _bins(population: Floats, area: Floats, n: int) -> Ints:
    """Cut all land into parts of equal area by the people around it.

    Land with as many people is in one part, so parts may be unequal.
    """
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
        raise StudyError(
            four_parts(
                "Land is matched by parts of equal area",
                f"found population_bins={said(n)}",
                "allowed are whole numbers from 1",
                "pass for instance population_bins=10",
            )
        )
    order = np.argsort(population, kind="stable")
    share = np.cumsum(area[order]) / area.sum()
    ends = np.arange(1, n) / n - _ROUNDING
    last = population[order][np.minimum(np.searchsorted(share, ends), len(order) - 1)]
    return np.searchsorted(np.unique(last), population).astype(np.int64)


def _kept_out(
    sites: pd.DataFrame,
    lacks: Mapping[str, Flags],
    use: Flags,
    area: Floats,
    is_out: Flags,
) -> list[str]:
    """Say what is not compared, by name and by cause."""
    notes = []
    for status, words in (
        ("no candidate", "no candidate within reach, not counted"),
        ("unknown there", "a figure is unknown there, not counted"),
        ("excluded: a miss", "excluded land, counted as misses"),
    ):
        labels = sites.index[sites["status"] == status]
        if len(labels):
            notes.append(f"{len(labels)} known sites ({shown(labels)}): {words}")
    if not use.all():
        causes = [name for name, flags in lacks.items() if flags.any()]
        notes.append(
            f"{100 * area[~use].sum() / area.sum():.1f} % of the land is kept out: "
            f"{shown(causes)} unknown there"
        )
    share = area[use & is_out].sum() / area[use].sum()
    if share > 0:
        notes.append(
            f"{100 * share:.1f} % of the land compared is excluded, and ranks below "
            "all that is scored"
        )
    return notes
