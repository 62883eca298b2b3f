"""Several objectives at once: weighted, or one after the other with tolerances."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import geopandas as gpd
import numpy as np
from scipy import sparse

from siteselect.errors import StudyError, four_parts
from siteselect.optimization.horizon import over_years
from siteselect.optimization.objectives import (
    OBJECTIVE_ROWS,
    Cost,
    PerMegawatt,
    SupportsObjective,
)
from siteselect.optimization.problem import (
    ExtraColumns,
    Floats,
    Problem,
    Rows,
    number,
)

if TYPE_CHECKING:
    from siteselect.optimization._compile import Compiled
    from siteselect.optimization.solution import Clock, Solution

#: Room for rounding when an earlier objective is held, relative to its value.
HELD = 1e-9


def _part(asked: Any, what: str) -> Any:
    """Return an objective object: ``"score"``, ``"cost"``, a column, or itself."""
    if isinstance(asked, str):
        return Cost() if asked == "cost" else PerMegawatt(asked, asked)
    has_all = isinstance(asked, SupportsObjective) and not isinstance(asked, type)
    if not has_all or isinstance(asked, Weighted | Lexicographic):
        raise StudyError(
            four_parts(
                f"{what} was given {asked!r}",
                f"that is {type(asked).__name__}",
                "'score', 'cost', a column name, or an objective such as "
                "MeanDistance(demand)",
                f"{what} with 'score'",
            )
        )
    return asked


def _own_columns(part: Any, problem: Problem) -> ExtraColumns | None:
    maker = getattr(part, "columns", None)
    found: ExtraColumns | None = None if maker is None else maker(problem)
    return found


@dataclass(frozen=True, eq=False)
class _Parts:
    """Objectives side by side, each with its own columns among those of all."""

    parts: tuple[Any, ...]

    def columns(self, problem: Problem, scale: Iterable[float]) -> ExtraColumns:
        """Return the columns of all parts, their objective times ``scale``."""
        made = [_own_columns(part, problem) for part in self.parts]
        names: list[str] = []
        low, high, whole, gain = [], [], [], []
        for k, (one, factor) in enumerate(zip(made, scale, strict=True)):
            if one is None:
                continue
            names += [f"{k}: {name}" for name in one.names]
            low.append(one.lower)
            high.append(one.upper)
            whole.append(one.integrality)
            zero = np.zeros(len(one.names))
            gain.append(zero if one.objective is None else factor * one.objective)
        none = np.zeros(0)
        return ExtraColumns(
            tuple(names),
            np.concatenate([none, *low]),
            np.concatenate([none, *high]),
            np.concatenate([none.astype(bool), *whole]),
            objective=np.concatenate([none, *gain]),
        )

    def views(self, problem: Problem) -> list[Problem]:
        """Return the problem once per part, with that part's own columns as its."""
        start = problem.extra.get(OBJECTIVE_ROWS, slice(0, 0)).start
        out = []
        for part in self.parts:
            one = _own_columns(part, problem)
            stop = start + (0 if one is None else len(one.names))
            extra = {**problem.extra, OBJECTIVE_ROWS: slice(start, stop)}
            out.append(replace(problem, extra=extra))
            start = stop
        return out

    def rows(self, problem: Problem) -> Rows:
        """Return the rows of all parts, written out."""
        made = [
            part.rows(view)
            for part, view in zip(self.parts, self.views(problem), strict=True)
            if hasattr(part, "rows")
        ]
        return Rows.stack([Rows.empty(problem.n_columns), *made])

    def gains(self, problem: Problem) -> list[Floats]:
        """Return each part's objective of every column at 1."""
        out = []
        for part, view in zip(self.parts, self.views(problem), strict=True):
            gain = over_years(part, view).copy()
            one = _own_columns(part, problem)
            if one is not None and one.objective is not None:
                gain[view.extra[OBJECTIVE_ROWS]] += one.objective
            out.append(gain)
        return out

    def uses(self) -> tuple[Any, ...]:
        return tuple(x for part in self.parts for x in getattr(part, "uses", tuple)())


@dataclass(frozen=True, eq=False)
class Weighted:
    """Maximise a weighted sum of objectives.

    Parameters
    ----------
    weights : mapping
        Weight per objective: ``"score"`` (score x MW), ``"cost"`` (what a budget
        counts [USD]), any other column (value x MW), or an objective object. What
        is to be small has a negative weight.

    Raises
    ------
    StudyError
        No weight, a weight that is no number, or one that would reward distance
        where an objective can only be made small, or the other way round.

    Notes
    -----
    With years each objective counts as it does alone: score, cost and columns are
    summed over the years, discounted; one that looks at places, such as
    `MeanDistance`, is about the sites there are in the end.

    The weights trade units: with ``{"score": 1, "cost": -1e-6}`` one million USD
    is worth one score x MW.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.optimization import optimize_sites
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8], "cost_usd_per_mw": [5e6, 1e6]},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> plan = optimize_sites(
    ...     sites, power_mw=100, site_mw=[100],
    ...     objective=Weighted({"score": 1.0, "cost": -1e-7}),
    ... )
    >>> plan.sites.index.tolist(), round(plan.objective, 6)
    ([1], 70.0)
    >>> [weight for _, weight in Weighted({"score": 1.0, "cost": -1e-7}).terms]
    [1.0, -1e-07]
    """

    by_option: ClassVar[tuple[str, ...]] = ("weights", "_parts")

    weights: Mapping[Any, float]
    _parts: _Parts = field(init=False, repr=False)

    name = "weighted sum"
    unit = "weighted sum"
    maximize = True

    def __post_init__(self) -> None:
        if not isinstance(self.weights, Mapping) or not self.weights:
            raise StudyError(
                four_parts(
                    "Weighted needs weights",
                    f"it was given {self.weights!r}",
                    "a mapping from objective to weight",
                    "siteselect.Weighted({'score': 1.0, 'cost': -1e-6})",
                )
            )
        parts = tuple(_part(x, "Weighted") for x in self.weights)
        for part, weight in zip(parts, self.weights.values(), strict=True):
            given = number(weight, f"the weight of {part.name!r}")
            wrong = given < 0 if part.maximize else given > 0
            if hasattr(part, "columns") and wrong:
                raise StudyError(
                    four_parts(
                        f"Weighted gives {part.name!r} the weight {given:g}",
                        "that objective can only be made "
                        + ("large" if part.maximize else "small"),
                        "a weight over 0" if part.maximize else "a weight under 0",
                        f"{-given:g}",
                    )
                )
        object.__setattr__(self, "_parts", _Parts(parts))

    def __repr__(self) -> str:
        said = (
            f"{part.name}: {weight:g}"
            for part, weight in zip(
                self._parts.parts, self.weights.values(), strict=True
            )
        )
        return f"Weighted({', '.join(said)})"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series of the candidates that this reads."""
        return self._parts.uses()

    def columns(self, problem: Problem) -> ExtraColumns:
        """Return the columns of all objectives, weighted."""
        return self._parts.columns(problem, map(float, self.weights.values()))

    def coefficients(self, problem: Problem) -> Floats:
        """Return the weighted coefficients; own columns have brought theirs along."""
        total = np.zeros(problem.n_columns)
        for part, view, weight in zip(
            self._parts.parts,
            self._parts.views(problem),
            self.weights.values(),
            strict=True,
        ):
            total += float(weight) * over_years(part, view)
        return total

    def rows(self, problem: Problem) -> Rows:
        """Return the rows of all objectives."""
        return self._parts.rows(problem)

    @property
    def terms(self) -> tuple[tuple[Any, float], ...]:
        """Each objective with its weight."""
        return tuple(zip(self._parts.parts, self.weights.values(), strict=True))

    def value(self, sites: gpd.GeoDataFrame) -> float:
        """Return the weighted sum of the objectives of the chosen sites."""
        return float(sum(weight * part.value(sites) for part, weight in self.terms))


@dataclass(frozen=True, eq=False)
class _Stage:
    """An objective that is solved as it stands in the problem."""

    name: str
    unit: str
    maximize: bool
    gain: Floats

    def coefficients(self, problem: Problem) -> Floats:
        """Return the objective of each column at 1."""
        return self.gain

    def value(self, sites: gpd.GeoDataFrame) -> float:
        """Return nothing known: a stage is judged by the plan's objective."""
        return float("nan")


@dataclass(frozen=True, eq=False, init=False)
class Lexicographic:
    """Optimize objectives in order; later ones give up little of the earlier.

    Parameters
    ----------
    *stages : (objective, tolerance) or objective
        Most important first. An objective is ``"score"``, ``"cost"`` (what a budget
        counts [USD]), a column, or an objective object; the tolerance is the share
        of its value that all later ones together may give up, 0 if left out.

    Raises
    ------
    StudyError
        No stage, or a tolerance that is not a share.

    Notes
    -----
    With years each objective counts as it does alone, summed over the years where it
    is no matter of places. The plan's objective, bound and gap are those of the last
    stage; ``plan.notes``
    has value and bound of every stage. An earlier objective may be better in the
    plan than what it had to keep.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.optimization import optimize_sites
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.90, 0.89], "cost_usd_per_mw": [5e6, 1e6]},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> plan = optimize_sites(
    ...     sites, power_mw=100, site_mw=[100],
    ...     objective=Lexicographic(("score", 0.02), "cost"),
    ... )
    >>> plan.sites.index.tolist(), round(plan.objective)
    ([1], 100000000)
    >>> [part.name for part, _ in Lexicographic("score", "cost").terms]
    ['cost']
    """

    by_option: ClassVar[tuple[str, ...]] = ("stages", "_parts")

    stages: tuple[tuple[Any, float], ...]
    _parts: _Parts = field(repr=False)

    def __init__(self, *stages: Any) -> None:
        pairs = []
        for stage in stages:
            is_pair = isinstance(stage, tuple | list) and len(stage) == 2
            asked, tolerance = stage if is_pair else (stage, 0.0)
            given = number(tolerance, "the tolerance of a stage")
            if not 0 <= given < 1:
                raise StudyError(
                    four_parts(
                        f"Lexicographic was given the tolerance {given:g}",
                        "that is no share of an objective",
                        "a share from 0 up to 1",
                        f"{given:g} percent is {given / 100:g}",
                    )
                )
            pairs.append((_part(asked, "Lexicographic"), given))
        if not pairs:
            raise StudyError(
                four_parts(
                    "Lexicographic needs objectives",
                    "it was given none",
                    "one objective or more, each with a tolerance",
                    "siteselect.Lexicographic(('score', 0.01), 'cost')",
                )
            )
        object.__setattr__(self, "stages", tuple(pairs))
        object.__setattr__(self, "_parts", _Parts(tuple(p for p, _ in pairs)))

    def __repr__(self) -> str:
        said = (f"({part.name!r}, {tolerance:g})" for part, tolerance in self.stages)
        return f"Lexicographic({', '.join(said)})"

    @property
    def in_stages(self) -> bool:
        """Whether it takes one solve after another (True)."""
        return True

    @property
    def _last(self) -> Any:
        return self.stages[-1][0]

    @property
    def name(self) -> str:
        """Name of the last objective."""
        return f"{self._last.name}, after " + ", ".join(
            str(part.name) for part, _ in self.stages[:-1]
        )

    @property
    def unit(self) -> str:
        """Unit of the last objective."""
        return str(self._last.unit)

    @property
    def maximize(self) -> bool:
        """Direction of the last objective."""
        return bool(self._last.maximize)

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series of the candidates that this reads."""
        return self._parts.uses()

    def columns(self, problem: Problem) -> ExtraColumns:
        """Return the columns of all objectives; only the last one's count."""
        n = len(self.stages)
        return self._parts.columns(problem, (float(k == n - 1) for k in range(n)))

    def coefficients(self, problem: Problem) -> Floats:
        """Return the last objective's coefficients."""
        return over_years(self._last, self._parts.views(problem)[-1])

    def rows(self, problem: Problem) -> Rows:
        """Return the rows of all objectives."""
        return self._parts.rows(problem)

    @property
    def terms(self) -> tuple[tuple[Any, float], ...]:
        """The last objective, which is the plan's, with the weight 1."""
        return ((self._last, 1.0),)

    def value(self, sites: gpd.GeoDataFrame) -> float:
        """Return the last objective of the chosen sites."""
        return float(self._last.value(sites))

    def solve(
        self, compiled: Compiled, clock: Clock, say: Callable[[str], object]
    ) -> Solution:
        """Solve stage after stage, each earlier one held within its tolerance."""
        from siteselect.optimization.solve import solve_compiled

        problem, rows = compiled.problem, compiled.rows
        held: list[Rows] = []
        notes: list[str] = []
        gains = self._parts.gains(problem)
        for (part, tolerance), gain in zip(self.stages, gains, strict=True):
            now = replace(
                compiled,
                problem=replace(problem, objective=gain, maximize=part.maximize),
                rows=Rows.stack([rows, *held]),
                objective=_Stage(part.name, part.unit, part.maximize, gain),
            )
            found = solve_compiled(now, clock=clock, say=say)
            least = "at least" if part.maximize else "at most"
            sign = 1.0 if part.maximize else -1.0
            given = found.objective - sign * tolerance * abs(found.objective)
            told = (
                f"{part.name}: {found.objective:,.6g} {part.unit} "
                f"(bound {found.bound:,.6g}, {found.status})"
            )
            say(told)
            size = max(abs(found.objective), float(np.abs(gain).max(initial=0.0)))
            size = size or 1.0
            kept = given / size - sign * HELD
            held.append(
                Rows.make(
                    sparse.csr_array((gain / size).reshape(1, -1)),
                    kept if part.maximize else -np.inf,
                    np.inf if part.maximize else kept,
                    OBJECTIVE_ROWS,
                )
            )
            if len(held) < len(self.stages):
                told += f"; held at {least} {given:,.6g}"
            notes.append(told)
        kept_rows = Rows.stack([Rows.empty(problem.n_columns), *held[:-1]])
        duals = found.duals
        if duals is not None:
            duals = duals[: len(rows) + len(kept_rows)]
        return replace(found, duals=duals, notes=tuple(notes), held=kept_rows)


__all__ = ["Lexicographic", "Weighted"]
