"""Rules between named sites: how many of them, all or none, if one then another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from siteselect.errors import StudyError, four_parts, nearest_name, said, shown
from siteselect.optimization.limit_card import ShownAsCard
from siteselect.optimization.limits import (
    accounts,
    clean_name,
    crossed,
    needs_bound,
    plain_groups,
    truth,
)
from siteselect.optimization.problem import (
    Bools,
    ExtraColumns,
    Ints,
    Problem,
    Rows,
    hashable,
    is_many,
    number,
)

#: Labels typed one by one are compared with at most this many for a suggestion.
_COMPARED = 20_000


def sites_named(problem: Problem, spec: Any, limit: str, what: str) -> Bools:
    """Return which sites of a problem are meant.

    Parameters
    ----------
    problem : Problem
        The program.
    spec : label, iterable of labels, str or Series of bool
        A boolean column of the candidates, a boolean Series keyed by site, one
        label, or several.
    limit, what : str
        Limit and argument, for the message.

    Returns
    -------
    ndarray of bool, shape (n_sites,)

    Raises
    ------
    StudyError
        A label is unknown, a column is not boolean, or nothing is meant.
    """
    frame = problem.frame
    if isinstance(spec, pd.Series):
        if not (pd.api.types.is_bool_dtype(spec.dtype) or spec.isin([0, 1]).all()):
            raise StudyError(
                four_parts(
                    f"{limit!r} takes {what} from a Series",
                    f"it holds {spec.dtype} values",
                    "a Series of True and False keyed by site, or labels",
                    f"{what}=list(series)",
                )
            )
        mask = truth(problem, spec, limit)
    elif isinstance(spec, str) and spec in frame.columns:
        if spec in frame.index:
            raise StudyError(
                four_parts(
                    f"{limit!r} takes {what} from {spec!r}",
                    "that is a column and the label of a site",
                    "a name that means one thing",
                    f"{what}=[{spec!r}] for the site, sites[{spec!r}] for the column",
                )
            )
        mask = truth(problem, spec, limit)
    else:
        mask = np.zeros(problem.n_sites, dtype=bool)
        mask[_positions(problem, labels_in(spec, frame.index), limit, what)] = True
    if not mask.any():
        raise StudyError(
            four_parts(
                f"{limit!r} takes {what} from {_said(spec)}",
                "it names no eligible site",
                "at least one site that may be chosen",
                f"{what}=list(sites.index[:3])",
            )
        )
    return mask


def labels_in(spec: Any, index: pd.Index[Any]) -> list[Any]:
    """Return one label or several as a list without repeats.

    Examples
    --------
    >>> labels_in("a", pd.Index(["a", "b"])), labels_in([1, 2, 1], pd.Index([1, 2]))
    (['a'], [1, 2])
    """
    single = not is_many(spec)
    if isinstance(spec, tuple):
        # A tuple may itself be a label (a hierarchical index).
        single = hashable(spec) and spec in index
    if single:
        return [spec]
    found = list(spec)
    return list(dict.fromkeys(found)) if all(map(hashable, found)) else found


def _positions(problem: Problem, labels: list[Any], limit: str, what: str) -> Ints:
    index = problem.frame.index
    odd = [x for x in labels if not hashable(x)]
    if odd:
        raise StudyError(
            four_parts(
                f"{limit!r} takes {what} from {said(odd[0])}",
                f"a {type(odd[0]).__name__} is no label of a site",
                "labels of eligible candidates, e.g. "
                + shown((repr(x) for x in index[:3]), 3),
                f"{what}=list(sites.index[:3])",
            )
        )
    asked = pd.Index(labels if labels else np.empty(0, object), tupleize_cols=False)
    where: Ints = index.get_indexer(asked).astype(np.int64)
    unknown = [x for x, at in zip(labels, where, strict=True) if at < 0]
    if unknown:
        columns = map(str, problem.frame.columns)
        known = [*map(str, index[:_COMPARED]), *columns]
        hint = nearest_name(str(unknown[0]), known)
        raise StudyError(
            four_parts(
                f"{limit!r} takes {what} from {shown(repr(x) for x in unknown)}",
                "no eligible candidate has that label (it may be misspelt, excluded, "
                f"or without score or capacity).{hint}",
                "labels of eligible candidates, e.g. "
                + shown((repr(x) for x in index[:3]), 3)
                + ", or a column of True and False",
                "sites.index",
            )
        )
    return where


def _said(spec: Any) -> str:
    if isinstance(spec, pd.Series):
        return "a Series"
    return repr(spec) if isinstance(spec, str) else f"{type(spec).__name__} {spec!r}"


def each_year(amount: Any, limit: str) -> list[float]:
    """Return a number, or those of an amount by year, to be looked at one by one.

    Examples
    --------
    >>> each_year(3, "count")
    [3.0]
    """
    by_year = getattr(amount, "by_year", {None: amount})
    return [number(value, limit) for value in by_year.values()]


def open_rows(problem: Problem) -> sparse.csr_array:
    """Return the matrix whose rows sum the opening columns of each site."""
    every = np.arange(problem.n_sites)
    return problem.site_rows(every, problem.n_sites, problem.column_opens.astype(float))


@dataclass(frozen=True, eq=False)
class Choose(ShownAsCard):
    """Bound how many of some sites are chosen.

    Parameters
    ----------
    name : str
        Name in accounts, prices and conflicts.
    sites : label, iterable of labels, str or Series of bool
        Labels of eligible candidates, or a boolean column or Series.
    at_most, at_least : int or ByYear, optional
        Bounds of the number of chosen sites among them.

    Raises
    ------
    StudyError
        A label is unknown, no bound is set, or more are asked for than are named.

    Examples
    --------
    >>> Choose("one per valley", ["north", "south"], at_most=1)
    Choose('one per valley')
    """

    name: str
    sites: Any
    at_most: Any = None
    at_least: Any = None

    def __post_init__(self) -> None:
        clean_name(self.name, "Choose")
        needs_bound(self.name, self.at_most, self.at_least)
        for bound in (self.at_most, self.at_least):
            for count in each_year(0 if bound is None else bound, self.name):
                if count < 0 or count != int(count):
                    raise StudyError(
                        four_parts(
                            f"{self.name!r} was given {count:g}",
                            "that is negative or not whole",
                            "a whole number of sites",
                            "siteselect.Choose(name, sites, at_most=1)",
                        )
                    )
        if not any(hasattr(b, "by_year") for b in (self.at_most, self.at_least)):
            crossed(self.name, np.array([self._low]), np.array([self._high]), [""])

    @property
    def _low(self) -> float:
        return -np.inf if self.at_least is None else number(self.at_least, self.name)

    @property
    def _high(self) -> float:
        return np.inf if self.at_most is None else number(self.at_most, self.name)

    def __repr__(self) -> str:
        return f"Choose({self.name!r})"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that this limit reads."""
        return _read(self.sites)

    def rows(self, problem: Problem) -> Rows:
        """Return one row that counts the chosen sites among the named ones."""
        mask = sites_named(problem, self.sites, self.name, "sites")
        if self._low > mask.sum():
            raise StudyError(
                four_parts(
                    f"{self.name!r} asks for at least {self._low:g} of some sites",
                    f"only {int(mask.sum())} eligible sites are named",
                    "at_least up to the number of named sites",
                    f"at_least={int(mask.sum())}",
                )
            )
        matrix = problem.site_rows(
            np.where(mask, 0, -1), 1, problem.column_opens.astype(float)
        )
        return Rows.make(matrix, self._low, self._high, self.name, None, 1.0, "count")

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return how many of the named sites are chosen."""
        used = int((sites.loc[plain_named(sites, self.sites), "mw"] > 0).sum())
        low = -np.inf if self.at_least is None else self.at_least
        high = np.inf if self.at_most is None else self.at_most
        return accounts(self.name, [""], "count", low, high, [used], "sites")


@dataclass(frozen=True, eq=False)
class AllOrNone(ShownAsCard):
    """Choose all of some sites or none of them.

    Parameters
    ----------
    name : str
        Name in accounts, prices and conflicts.
    sites : label, iterable of labels, str or Series of bool, optional
        Labels of eligible candidates, or a boolean column or Series.
    by : str or Series, optional
        Group of each site; the rule holds for each group on its own. With
        ``sites`` as well, only those sites of a group are bound together.

    Notes
    -----
    Only eligible candidates count: an excluded one cannot be chosen and binds
    nobody. A site that can carry none of the offered sizes, or is forbidden, keeps
    its group from being chosen. Over several years the rule is about what stands in
    the last one: a group may be built one site after the other.

    Raises
    ------
    StudyError
        A label is unknown, or neither ``sites`` nor ``by`` is given.

    Examples
    --------
    >>> AllOrNone("twin campus", ["north", "south"])
    AllOrNone('twin campus')
    """

    #: Sites never close: over several years, the rule holds in the last one.
    last_year_only: ClassVar[bool] = True

    name: str
    sites: Any = None
    by: str | pd.Series[Any] | None = None

    def __post_init__(self) -> None:
        clean_name(self.name, "AllOrNone")
        if self.sites is None and self.by is None:
            raise StudyError(
                four_parts(
                    f"{self.name!r} binds nothing together",
                    "sites and by are both None",
                    "some sites, or a column of groups",
                    "siteselect.AllOrNone(name, by='campus')",
                )
            )

    def __repr__(self) -> str:
        return f"AllOrNone({self.name!r})"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that this limit reads."""
        return (*_read(self.sites), self.by)

    def rows(self, problem: Problem) -> Rows:
        """Return "chosen as its neighbor is" for every two members in a row."""
        codes, keys = problem.groups(self.by, self.name)
        if self.sites is None:
            mask = np.ones(problem.n_sites, dtype=bool)
        else:
            mask = sites_named(problem, self.sites, self.name, "sites")
        member = np.flatnonzero(mask)
        member = member[np.argsort(codes[member], kind="stable")]
        same = codes[member][1:] == codes[member][:-1]
        first, second = member[:-1][same], member[1:][same]
        opens = open_rows(problem)
        labels = np.empty(len(keys), dtype=object)
        labels[:] = keys
        return Rows.make(
            opens[first] - opens[second],
            0.0,
            0.0,
            self.name,
            labels[codes[first]],
            1.0,
            "all or none",
        )

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return the chosen sites per group: allowed are none and all."""
        among = sites
        if self.sites is not None:
            among = sites[plain_named(sites, self.sites)]
        chosen = (among["mw"] > 0).groupby(plain_groups(among, self.by))
        used, size = chosen.sum(), chosen.size()
        return accounts(
            self.name,
            used.index,
            "all or none",
            np.where(used > 0, size, 0.0),
            size.to_numpy(),
            used.to_numpy(),
            "sites",
            np.nan,
        )


@dataclass(frozen=True, eq=False)
class IfThen(ShownAsCard):
    """Where any of some sites is chosen, choose at least one of some others.

    Parameters
    ----------
    name : str
        Name in accounts, prices and conflicts.
    if_any, then_any : label, iterable of labels, str or Series of bool
        Labels of eligible candidates, or a boolean column or Series. A site named
        in both fulfils the rule by itself.

    Notes
    -----
    Over several years the rule is about what stands in the last one: what another
    site asks for may follow later.

    Raises
    ------
    StudyError
        A label is unknown, or no eligible site is named.

    Examples
    --------
    >>> IfThen("spur line", if_any="mesa", then_any=["depot", "yard"])
    IfThen('spur line')
    """

    #: Sites never close: over several years, the rule holds in the last one.
    last_year_only: ClassVar[bool] = True

    name: str
    if_any: Any
    then_any: Any

    def __post_init__(self) -> None:
        clean_name(self.name, "IfThen")

    def __repr__(self) -> str:
        return f"IfThen({self.name!r})"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that this limit reads."""
        return (*_read(self.if_any), *_read(self.then_any))

    def _sides(self, problem: Problem) -> tuple[Ints, Ints]:
        causes = sites_named(problem, self.if_any, self.name, "if_any")
        effects = sites_named(problem, self.then_any, self.name, "then_any")
        return np.flatnonzero(causes & ~effects), np.flatnonzero(effects)

    def columns(self, problem: Problem) -> ExtraColumns | None:
        """Return "one of the others is chosen" where both sides have several sites.

        It lies between 0 and 1 and never over the number of chosen others, so it
        need not be integer; without it every cause would list every effect.
        """
        causes, effects = self._sides(problem)
        if causes.size < 2 or effects.size < 2:
            return None
        return ExtraColumns(
            (f"{self.name}: then",), np.zeros(1), np.ones(1), np.zeros(1, dtype=bool)
        )

    def rows(self, problem: Problem) -> Rows:
        """Return "not without one of the others" for each site that asks for them."""
        causes, effects = self._sides(problem)
        opens = open_rows(problem)
        others: Any = sparse.csr_array(opens[effects].sum(axis=0).reshape(1, -1))
        own = problem.extra.get(self.name)
        helper: list[Rows] = []
        if own is not None:
            then = sparse.csr_array(
                (np.ones(1), ([0], [own.start])), shape=(1, problem.n_columns)
            )
            helper = [Rows.make(then - others, -np.inf, 0.0, self.name)]
            others = then
        repeated = sparse.csr_array(np.ones((causes.size, 1))) @ others
        rows = Rows.make(
            opens[causes] - repeated, -np.inf, 0.0, self.name, None, 1.0, "if then"
        )
        return Rows.stack([*helper, rows])

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return the chosen sites among the others; one is needed if any asks."""
        chosen = sites["mw"] > 0
        causes, effects = (
            set(sites.index[chosen & plain_named(sites, spec)])
            for spec in (self.if_any, self.then_any)
        )
        return accounts(
            self.name,
            [""],
            "if then",
            float(bool(causes)),
            np.inf,
            [len(effects)],
            "sites",
            np.nan,
        )


def _read(spec: Any) -> tuple[Any, ...]:
    """Return what a selection reads: a Series or a text that may be a column."""
    return (spec,) if isinstance(spec, str | pd.Series) else ()


# What follows serves ``check`` only and shares nothing with the rows above.


def plain_named(sites: gpd.GeoDataFrame, spec: Any) -> pd.Series[Any]:
    """Return which candidates a selection means, as a Series of bool."""
    if isinstance(spec, str) and spec in sites.columns:
        return pd.Series(sites[spec].astype(bool))
    if isinstance(spec, pd.Series):
        return pd.Series(spec.loc[sites.index].astype(bool))
    single = isinstance(spec, str | bytes) or not isinstance(spec, Iterable)
    if single or (isinstance(spec, tuple) and spec in sites.index):
        known = {spec}
    else:
        known = set(spec)
    return pd.Series([x in known for x in sites.index], index=sites.index)


__all__ = ["AllOrNone", "Choose", "IfThen"]
