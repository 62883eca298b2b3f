"""What a plan is best at: the coefficients of the columns, and the value redone.

An objective is a small frozen dataclass like a limit. It has ``coefficients`` over
the columns of a problem and ``value(sites)``, the same recomputed from the sites
alone, which ``plan.verify()`` uses. One that needs variables of its own offers
``columns(problem)`` and ``rows(problem)`` as a limit does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.optimization.limits import accounts
from siteselect.optimization.problem import (
    ExtraColumns,
    Floats,
    Problem,
    Quantity,
    Rows,
)

#: Name of the rows that an objective brings along.
OBJECTIVE_ROWS = "objective"


@runtime_checkable
class SupportsObjective(Protocol):
    """What an objective must offer; users may write their own.

    ``value`` gets all eligible candidates with their columns, ``mw`` (0 where not
    chosen) and ``cost_usd``.
    """

    @property
    def name(self) -> str:
        """Name in the plan."""

    @property
    def unit(self) -> str:
        """Unit of the value."""

    @property
    def maximize(self) -> bool:
        """Whether more is better."""

    def coefficients(self, problem: Problem) -> Floats:
        """Return the objective of each column at 1, shape (n_columns,)."""

    def value(self, sites: gpd.GeoDataFrame) -> float:
        """Return the objective of the chosen sites."""


@dataclass(frozen=True, eq=False)
class PerMegawatt:
    """Maximise the sum of a quantity times MW: the score, or any column.

    Parameters
    ----------
    column : str, number or Series
        What one MW is worth at each site.
    name : str
        Name in the plan.
    """

    by_option: ClassVar[tuple[str, ...]] = ("column",)

    column: Quantity
    name: str = "score"
    maximize: bool = True

    @property
    def unit(self) -> str:
        """Unit of the value."""
        return f"{self.name} x MW"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that this objective reads."""
        return (self.column,)

    def coefficients(self, problem: Problem) -> Floats:
        """Return value x MW per column."""
        per_mw = problem.per_column(self.column, f"objective {self.name!r}")
        gain: Floats = np.where(
            problem.column_site >= 0, per_mw * problem.column_mw, 0.0
        )
        return gain

    def value(self, sites: gpd.GeoDataFrame) -> float:
        """Return the sum of value x MW."""
        chosen = sites[sites["mw"] > 0]
        if isinstance(self.column, str):
            per_mw = chosen[self.column].astype(float)
        elif isinstance(self.column, pd.Series):
            per_mw = self.column.loc[chosen.index].astype(float)
        else:
            per_mw = pd.Series(float(self.column), index=chosen.index)
        return float((per_mw * chosen["mw"]).sum())


@dataclass(frozen=True, eq=False)
class Cost:
    """Minimise what the sites cost, over their lifetime where that is known.

    Parameters
    ----------
    lifetime_per_mw : str, optional
        Column of the lifetime cost per MW [USD/MW]; without it the cost columns.
    fixed_cost : str, number or Series, optional
        Cost per site that is added to the lifetime cost [USD].
    """

    by_option: ClassVar[tuple[str, ...]] = ("lifetime_per_mw", "fixed_cost")

    lifetime_per_mw: str | None = None
    fixed_cost: Any = None
    name: str = "cost"
    unit: str = "USD"
    maximize: bool = False

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that this objective reads."""
        return (self.lifetime_per_mw,)

    def coefficients(self, problem: Problem) -> Floats:
        """Return the cost per column."""
        if problem.column_lifetime_cost is not None:
            return problem.column_lifetime_cost.copy()
        return problem.column_cost.copy()

    def value(self, sites: gpd.GeoDataFrame) -> float:
        """Return the cost of the chosen sites."""
        if self.lifetime_per_mw is None:
            return float(sites["cost_usd"].sum())
        chosen = sites[sites["mw"] > 0]
        total = float((chosen[self.lifetime_per_mw] * chosen["mw"]).sum())
        if isinstance(self.fixed_cost, str) and self.fixed_cost in chosen:
            total += float(chosen[self.fixed_cost].sum())
        elif isinstance(self.fixed_cost, pd.Series):
            total += float(self.fixed_cost.loc[chosen.index].sum())
        elif isinstance(self.fixed_cost, int | float):
            total += float(self.fixed_cost) * len(chosen)
        return total


@dataclass(frozen=True, eq=False)
class ObjectiveRows:
    """The rows and columns of an objective, kept among those of the limits."""

    objective: Any
    name: str = OBJECTIVE_ROWS

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that the objective reads."""
        found: tuple[Any, ...] = getattr(self.objective, "uses", tuple)()
        return found

    def columns(self, problem: Problem) -> ExtraColumns | None:
        """Return the objective's own columns."""
        maker = getattr(self.objective, "columns", None)
        found: ExtraColumns | None = maker(problem) if maker is not None else None
        return found

    def rows(self, problem: Problem) -> Rows:
        """Return the objective's rows."""
        found: Rows = self.objective.rows(problem)
        return found

    def is_lazy(self, problem: Problem) -> bool:
        """Return whether rows are written only where a solution breaks them."""
        asks = getattr(self.objective, "is_lazy", None)
        return asks is not None and bool(asks(problem))

    def cuts(self, problem: Problem, x: Floats) -> Rows:
        """Return the objective's rows that ``x`` breaks."""
        found: Rows = self.objective.cuts(problem, x)
        return found

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return nothing: the value is checked by ``verify()``."""
        return accounts(self.name, [], "objective", [], [], [], "", [])


__all__ = ["Cost", "ObjectiveRows", "PerMegawatt", "SupportsObjective"]
