"""Money over the life of a site: present value and its yearly equivalent."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from siteselect.errors import StudyError, four_parts
from siteselect.infrastructure import present_value_factor
from siteselect.optimization.limit_card import ShownAsCard
from siteselect.optimization.limits import accounts, clean_name, plain
from siteselect.optimization.problem import (
    MILLION,
    Floats,
    Problem,
    Quantity,
    Rows,
    number,
)
from siteselect.optimization.rules import each_year

DEFAULT_SITE_CAPITAL = "fixed_cost_usd"


@dataclass(frozen=True, eq=False)
class PresentValue(ShownAsCard):
    """Bound what the chosen sites cost over their life, in dollars of today.

    The present value is the capital plus the yearly cost times
    ``(1 - (1 + r)^-n) / r``, the inverse of the capital recovery factor [1]_: each
    yearly cost is paid at its year's end for ``n`` years and discounted at ``r``.

    Parameters
    ----------
    name : str
        Name in accounts, prices and conflicts.
    at_most : float or ByYear
        Most present value of all chosen sites [USD].
    capital_per_mw : str, number or Series, default "cost_usd_per_mw"
        Capital per facility MW [USD per MW].
    capital_per_site : str, number or Series, default "fixed_cost_usd"
        Capital per chosen site [USD]; the default column may be absent.
    yearly_per_mw : str, number or Series
        Cost per facility MW and year, at constant prices [USD per MW and year].
    yearly_per_site : str, number or Series, default 0
        Cost per chosen site and year [USD per year].
    years : int, default 20
        Years of operation.
    discount_rate : float, default 0.07
        Real discount rate [share per year]. 7 % is the base case of OMB
        Circular A-94 of 1992 [2]_; take your own cost of capital.

    Notes
    -----
    A bound on the cost of one year is a `Limit`:
    ``Limit("yearly cost", per_mw="yearly_usd_per_mw", at_most=4e8, unit="USD")``.

    References
    ----------
    .. [1] W. Short, D. J. Packey, T. Holt, "A Manual for the Economic Evaluation of
       Energy Efficiency and Renewable Energy Technologies", NREL/TP-462-5173, 1995.
    .. [2] US Office of Management and Budget, Circular A-94, 1992.

    Raises
    ------
    StudyError
        The bound is negative, the years are not whole, or the rate is -100 % or
        less.

    Examples
    --------
    >>> PresentValue("lifetime cost", at_most=40e9, yearly_per_mw=450_000)
    PresentValue('lifetime cost')
    >>> round(PresentValue("p", at_most=1, yearly_per_mw=1).recovery_factor, 6)
    0.094393
    """

    by_option: ClassVar[tuple[str, ...]] = (
        "capital_per_mw",
        "capital_per_site",
        "yearly_per_mw",
        "yearly_per_site",
    )

    name: str
    _: KW_ONLY
    at_most: Any
    capital_per_mw: Quantity = "cost_usd_per_mw"
    capital_per_site: Quantity = DEFAULT_SITE_CAPITAL
    yearly_per_mw: Quantity
    yearly_per_site: Quantity = 0
    years: int = 20
    discount_rate: float = 0.07

    def __post_init__(self) -> None:
        clean_name(self.name, "PresentValue")
        least = min(each_year(self.at_most, self.name))
        if least < 0:
            raise StudyError(
                four_parts(
                    f"{self.name!r} allows {least:g} US dollars",
                    "that is negative",
                    "zero or more US dollars",
                    f"at_most={-least:g}",
                )
            )
        years, rate = number(self.years, self.name), number(self.discount_rate, "rate")
        if years != int(years) or not 1 <= years <= 1000 or rate <= -1:
            raise StudyError(
                four_parts(
                    f"{self.name!r} discounts {years:g} years at {rate:g}",
                    "the years are below 1, over 1000 or not whole"
                    if rate > -1
                    else "the rate is -100 % or less",
                    "whole years from 1 to 1000, and a rate above -1 per year",
                    "years=20, discount_rate=0.07",
                )
            )
        if rate > 1:
            raise StudyError(
                four_parts(
                    f"{self.name!r} discounts at {rate:g} per year",
                    "that is over 100 %",
                    "a share per year, 0.07 for 7 %",
                    f"discount_rate={rate / 100:g}",
                )
            )

    def __repr__(self) -> str:
        return f"PresentValue({self.name!r})"

    @property
    def recovery_factor(self) -> float:
        """Yearly payment that repays one dollar of today [share per year]."""
        return 1.0 / present_value_factor(self.discount_rate, int(self.years))

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that this limit reads."""
        return (
            self.capital_per_mw,
            self.capital_per_site,
            self.yearly_per_mw,
            self.yearly_per_site,
        )

    def _site_capital(self, frame: gpd.GeoDataFrame) -> Quantity:
        """Return the capital per site; only the default column may be absent."""
        spec = self.capital_per_site
        is_default = isinstance(spec, str) and spec == DEFAULT_SITE_CAPITAL
        return 0 if is_default and spec not in frame.columns else spec

    def rows(self, problem: Problem) -> Rows:
        """Return one row in M$."""
        life = present_value_factor(self.discount_rate, int(self.years))

        def read(spec: Quantity) -> Floats:
            return problem.per_column(spec, self.name)

        per_mw = read(self.capital_per_mw) + life * read(self.yearly_per_mw)
        per_site = read(self._site_capital(problem.frame))
        per_site = per_site + life * read(self.yearly_per_site)
        value = per_mw * problem.column_mw + per_site * problem.column_opens
        value = np.where(problem.column_site >= 0, value, 0.0)
        matrix = sparse.csr_array((value * MILLION).reshape(1, -1))
        most = number(self.at_most, self.name) * MILLION
        return Rows.make(matrix, -np.inf, most, self.name, None, MILLION, "money")

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return the present value, year by year, and its yearly equivalent.

        The account "yearly equivalent" is the constant yearly payment of the same
        present value; nothing bounds it.
        """
        chosen = sites[sites["mw"] > 0]
        mw = chosen["mw"]
        capital = float((plain(chosen, self.capital_per_mw) * mw).sum())
        each = self.capital_per_site
        if isinstance(each, str) and each == DEFAULT_SITE_CAPITAL not in sites:
            each = 0.0
        capital += float(plain(chosen, each).sum())
        yearly = float((plain(chosen, self.yearly_per_mw) * mw).sum())
        yearly += float(plain(chosen, self.yearly_per_site).sum())
        growth = 1.0 + float(self.discount_rate)
        discounted = [growth**-year for year in range(1, int(self.years) + 1)]
        total = capital + sum(yearly * d for d in discounted)
        return pd.concat(
            [
                accounts(
                    self.name, [""], "money", -np.inf, self.at_most, [total], "USD"
                ),
                accounts(
                    self.name,
                    [""],
                    "yearly equivalent",
                    np.nan,
                    np.nan,
                    [total / sum(discounted)],
                    "USD per year",
                    np.nan,
                ),
            ],
            ignore_index=True,
        )


__all__ = ["PresentValue"]
