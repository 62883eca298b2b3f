"""The integer program as arrays: one sparse matrix is the truth.

A `Problem` holds the columns (what may be decided) and a `Rows` the rows (what
must hold). Limits write rows, PuLP and HiGHS read them, and a re-solve with
another objective reuses both.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from siteselect.errors import (
    LayerError,
    StudyError,
    four_parts,
    nearest_name,
    said,
    shown,
)

if TYPE_CHECKING:
    from siteselect.optimization.designs import Designs

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
#: A column name, a number for every site, or a Series aligned by index label.
Quantity: TypeAlias = "str | float | int | pd.Series[Any]"

#: A chosen site of a continuous range that starts at zero takes at least this [MW].
SMALLEST_SITE_MW = 0.1
#: The matrix counts power in GW and money in M$, so that coefficients stay near 1.
GW = 1e-3
MILLION = 1e-6
BUILT_IN = (
    "power",
    "it power",
    "budget",
    "sites",
    "spacing",
    "site capacity",
    "fixed",
    "existing",
)


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows ``lower <= matrix @ x <= upper``, each with the limit it belongs to.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array, shape (n_rows, n_columns)
        Coefficients over all columns of the problem, in scaled units.
    lower, upper : ndarray, shape (n_rows,)
        Bounds in scaled units; infinite where there is none.
    limit : ndarray of str, shape (n_rows,)
        Name of the limit that a row belongs to.
    group : ndarray of object, shape (n_rows,)
        Group of the limit, ``""`` where the limit has none.
    scale : ndarray, shape (n_rows,)
        Scaled units per unit of the limit; a row's dual times its scale is the
        price of one unit.
    kind : ndarray of str, shape (n_rows,)
        Kind of account that the row keeps; ``""`` for helper rows, whose dual is
        not the price of a limit.
    year : ndarray of object, shape (n_rows,)
        Year in which a row holds; ``""`` without years, or where it spans them all.
    """

    matrix: sparse.csr_array
    lower: Floats
    upper: Floats
    limit: npt.NDArray[np.object_]
    group: npt.NDArray[np.object_]
    scale: Floats
    kind: npt.NDArray[np.object_]
    year: npt.NDArray[np.object_] = field(default_factory=lambda: np.zeros(0, object))

    def __post_init__(self) -> None:
        if self.year.shape != self.lower.shape:
            none = np.full(len(self), "", dtype=object)
            object.__setattr__(self, "year", none)

    def __len__(self) -> int:
        return int(self.lower.shape[0])

    def take(self, index: npt.NDArray[Any]) -> Rows:
        """Return the rows at ``index`` (positions or a mask)."""
        return Rows(
            sparse.csr_array(self.matrix[index]),
            self.lower[index],
            self.upper[index],
            self.limit[index],
            self.group[index],
            self.scale[index],
            self.kind[index],
            self.year[index],
        )

    def in_year(self, year: object) -> Rows:
        """Return the rows as those of one year."""
        return replace(self, year=np.full(len(self), year, dtype=object))

    @staticmethod
    def make(
        matrix: Any,
        lower: npt.ArrayLike,
        upper: npt.ArrayLike,
        limit: str,
        group: Sequence[object] | npt.NDArray[Any] | None = None,
        scale: npt.ArrayLike = 1.0,
        kind: str = "",
    ) -> Rows:
        """Build rows of one limit; scalars are spread over all rows."""
        csr = sparse.csr_array(matrix, dtype=np.float64)
        n = csr.shape[0]
        names = np.full(n, limit, dtype=object)
        groups = np.full(n, "", dtype=object)
        if group is not None:
            groups[:] = list(group)
        return Rows(
            csr,
            np.broadcast_to(np.asarray(lower, dtype=np.float64), (n,)).copy(),
            np.broadcast_to(np.asarray(upper, dtype=np.float64), (n,)).copy(),
            names,
            groups,
            np.broadcast_to(np.asarray(scale, dtype=np.float64), (n,)).copy(),
            np.full(n, kind, dtype=object),
            np.full(n, "", dtype=object),
        )

    @staticmethod
    def empty(n_columns: int) -> Rows:
        """Return no rows over ``n_columns`` columns."""
        return Rows.make(sparse.csr_array((0, n_columns)), 0.0, 0.0, "")

    @staticmethod
    def stack(parts: Iterable[Rows]) -> Rows:
        """Put several blocks of rows under each other."""
        blocks = list(parts)
        return Rows(
            sparse.csr_array(sparse.vstack([b.matrix for b in blocks], format="csr")),
            np.concatenate([b.lower for b in blocks]),
            np.concatenate([b.upper for b in blocks]),
            np.concatenate([b.limit for b in blocks]),
            np.concatenate([b.group for b in blocks]),
            np.concatenate([b.scale for b in blocks]),
            np.concatenate([b.kind for b in blocks]),
            np.concatenate([b.year for b in blocks]),
        )


@dataclass(frozen=True, eq=False)
class ExtraColumns:
    """Columns that a limit or an objective brings along.

    Parameters
    ----------
    names : tuple of str
        One name per column.
    lower, upper : ndarray
        Bounds.
    integrality : ndarray of bool
        True for whole columns.
    objective : ndarray, optional
        Objective of each column at 1; 0 by default.
    cost_usd : ndarray, optional
        What each column at 1 costs the budget [USD]; 0 by default.
    payer : ndarray of int, optional
        Site in whose account that cost stands, -1 for none.
    lifetime_cost_usd : ndarray, optional
        What each column at 1 adds to lifetime cost [USD]; ``cost_usd`` by default.
    """

    names: tuple[str, ...]
    lower: Floats
    upper: Floats
    integrality: Bools
    objective: Floats | None = None
    cost_usd: Floats | None = None
    payer: Ints | None = None
    lifetime_cost_usd: Floats | None = None


@dataclass(frozen=True, eq=False)
class Problem:
    """What may be decided: one column per site and size, and the limits' own.

    Every column runs from 0 to 1 unless it belongs to a limit. A size from a list
    is one binary column. A continuous range is two columns: a binary that opens
    the site at its smallest size, and a continuous one that adds the rest. With
    years, one binary column is a site and a path of sizes that never shrink;
    `in_year` shows the problem as it stands in one of them.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame, n_sites rows
        The eligible candidates in canonical order (x, y, used columns, label).
    column_site : ndarray of int, shape (n_columns,)
        Row of ``frame`` that a column belongs to; -1 for a limit's own columns.
    column_mw, column_cost : ndarray, shape (n_columns,)
        Facility MW and US dollars of the column at 1.
    column_opens : ndarray of bool, shape (n_columns,)
        True where the column at 1 opens its site.
    column_opener : ndarray of int, shape (n_columns,)
        For a column that adds megawatts to an opening column: that column; else -1.
    column_payer : ndarray of int, shape (n_columns,)
        Site in whose account cost and objective of the column stand, -1 for none.
    objective : ndarray, shape (n_columns,)
        Objective of the column at 1, in the user's unit.
    maximize : bool
        Direction of the objective.
    lower, upper : ndarray, shape (n_columns,)
        Bounds of the columns.
    integrality : ndarray of bool, shape (n_columns,)
        True for binary columns.
    fixed : ndarray of bool, shape (n_sites,)
        Sites that must be chosen. Forbidden sites have columns with upper 0.
    column_lifetime_cost : ndarray, shape (n_columns,), optional
        Lifetime cost of the column at 1 [USD], where the objective asks for it.
    power_mw : tuple of two floats
        Least and most total facility MW; infinite where there is none.
    column_names : sequence of str
        One name per column.
    column_option : mapping of str to ndarray of int, shape (n_columns,)
        By limit that offers options per site: the option of each column, else -1.
    designs : Designs, optional
        The options that a site may be built in, with the columns that differ; which
        one a column is stands in ``column_option["option"]``. In ``frame`` those
        columns cannot be read: see `per_column`.
    extra : mapping of str to slice
        Columns that belong to a limit, by the limit's name.
    standing_mw : ndarray, shape (n_sites,), optional
        What stands already at each site [MW]; None if nothing does.
    years : tuple of int
        The years; empty where there are none. ``column_mw`` is then that of the last
        year and ``column_cost`` what is spent over all of them.
    year_mw, year_cost : ndarray, shape (n_columns, n_years), optional
        Facility MW that stand, and US dollars spent, in each year.
    year_lifetime_cost : ndarray, shape (n_columns, n_years), optional
        The same by lifetime cost, where the objective asks for it.
    year_power_mw : tuple of pairs
        ``power_mw`` of each year.
    year_extra : tuple of mappings
        ``extra`` of each year.
    at_year : int, optional
        Position in ``years`` of the year that is shown; None where it is all of them.
    discount_rate : float
        Rate per year at which an objective counts less in later years [-].
    """

    frame: gpd.GeoDataFrame
    column_site: Ints
    column_mw: Floats
    column_cost: Floats
    column_opens: Bools
    column_opener: Ints
    column_payer: Ints
    objective: Floats
    maximize: bool
    lower: Floats
    upper: Floats
    integrality: Bools
    fixed: Bools
    column_lifetime_cost: Floats | None = None
    power_mw: tuple[float, float] = (-np.inf, np.inf)
    column_names: Sequence[str] = ()
    column_option: Mapping[str, Ints] = field(default_factory=dict)
    designs: Designs | None = None
    extra: Mapping[str, slice] = field(default_factory=dict)
    standing_mw: Floats | None = None
    years: tuple[int, ...] = ()
    year_mw: Floats | None = None
    year_cost: Floats | None = None
    year_lifetime_cost: Floats | None = None
    year_power_mw: tuple[tuple[float, float], ...] = ()
    year_extra: tuple[Mapping[str, slice], ...] = ()
    at_year: int | None = None
    discount_rate: float = 0.0
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def n_sites(self) -> int:
        """Number of eligible candidates."""
        return len(self.frame)

    @property
    def n_columns(self) -> int:
        """Number of columns, those of limits included."""
        return int(self.column_site.shape[0])

    @property
    def open_columns(self) -> Ints:
        """Positions of the columns that open a site."""
        return np.flatnonzero(self.column_opens)

    def value_at(self, x: Floats) -> float:
        """Return the objective of a solution, alike with any number of threads."""
        used = np.flatnonzero(x)
        # A product of whole vectors is summed by as many threads as there are.
        return float(np.sum(self.objective[used] * x[used]))

    def in_year(self, k: int, since: int | None = None) -> Problem:
        """Return the problem as it stands in the year at position ``k``.

        Parameters
        ----------
        k : int
            Position in ``years``.
        since : int, optional
            Position of the first year whose spending counts, ``k`` by default.
        """
        assert self.year_mw is not None
        assert self.year_cost is not None
        first = k if since is None else since
        mw = self.year_mw[:, k]
        lifetime = self.year_lifetime_cost
        return replace(
            self,
            column_mw=mw,
            column_cost=self.year_cost[:, first : k + 1].sum(axis=1),
            column_opens=mw > 0,
            column_lifetime_cost=(
                None if lifetime is None else lifetime[:, first : k + 1].sum(axis=1)
            ),
            power_mw=self.year_power_mw[k],
            extra=self.year_extra[k],
            at_year=k,
        )

    def extra_until_now(self, limit: str) -> list[slice]:
        """Return where a limit's own columns stand, of every year up to this one."""
        if not self.years:
            return [self.extra[limit]] if limit in self.extra else []
        years = self.year_extra
        if self.at_year is not None:
            years = years[: self.at_year + 1]
        return [year[limit] for year in years if limit in year]

    def with_columns(
        self, limit: str, columns: ExtraColumns, year: int | None = None
    ) -> Problem:
        """Return the problem with a limit's own columns at the end.

        With ``year``, a position in ``years``, they are those of that year.
        """
        k = len(columns.names)
        zero = np.zeros(k)
        none = np.full(k, -1)
        start = self.n_columns
        cost = zero if columns.cost_usd is None else columns.cost_usd
        gain = zero if columns.objective is None else columns.objective
        payer = none if columns.payer is None else columns.payer
        lifetime = self.column_lifetime_cost
        if lifetime is not None:
            whole = columns.lifetime_cost_usd
            lifetime = np.concatenate([lifetime, cost if whole is None else whole])
        names = columns.names
        years: dict[str, Any] = {}
        if self.years:
            here = {limit: slice(start, start + k)}
            at = range(len(self.years)) if year is None else [year]
            years["year_extra"] = tuple(
                {**of_year, **here} if i in at else of_year
                for i, of_year in enumerate(self.year_extra)
            )
            for what in ("year_mw", "year_cost", "year_lifetime_cost"):
                values = getattr(self, what)
                if values is not None:
                    more = np.zeros((k, len(self.years)))
                    if what != "year_mw":
                        more[:, -1 if year is None else year] = cost
                    years[what] = np.asfortranarray(np.concatenate([values, more]))
            if year is not None:
                names = tuple(f"{name} in {self.years[year]}" for name in names)
        is_last = year is None or year == len(self.years) - 1
        extra = {limit: slice(start, start + k)} if is_last else {}
        return replace(
            self,
            column_site=np.concatenate([self.column_site, none]),
            column_mw=np.concatenate([self.column_mw, zero]),
            column_cost=np.concatenate([self.column_cost, cost]),
            column_opens=np.concatenate([self.column_opens, zero.astype(bool)]),
            column_opener=np.concatenate([self.column_opener, none]),
            column_payer=np.concatenate([self.column_payer, payer]),
            column_lifetime_cost=lifetime,
            objective=np.concatenate([self.objective, gain]),
            lower=np.concatenate([self.lower, columns.lower]),
            upper=np.concatenate([self.upper, columns.upper]),
            integrality=np.concatenate([self.integrality, columns.integrality]),
            column_names=self.column_names + names,  # type: ignore[operator]
            column_option={
                name: np.concatenate([option, none])
                for name, option in self.column_option.items()
            },
            extra={**self.extra, **extra},
            **years,
        )

    def quantity(self, spec: Quantity, limit: str) -> Floats:
        """Return a column, number or Series as finite values per site.

        Parameters
        ----------
        spec : str, number or pandas.Series
            Column name, value for every site, or Series aligned by label.
        limit : str
            Who asks, for the message.

        Returns
        -------
        ndarray, shape (n_sites,)

        Raises
        ------
        StudyError
            The column does not exist, a value is missing or infinite, or the column
            differs by option, so that a site has no one value: see `per_column`.
        """
        self._refuse_options(spec, limit)
        return quantity(self.frame, spec, limit)

    def per_column(self, spec: Quantity, limit: str) -> Floats:
        """Return a column, number or Series for the site of every column.

        Where sites have options, each column has the figure of its own.

        Parameters
        ----------
        spec : str, number or pandas.Series
            Column name, value for every site, or Series aligned by label.
        limit : str
            Who asks, for the message.

        Returns
        -------
        ndarray, shape (n_columns,)
            Of no meaning for the columns of limits, whose ``column_site`` is -1.

        Raises
        ------
        StudyError
            The column does not exist, or a value is missing or infinite.
        """
        own = np.maximum(self.column_site, 0)
        if self.designs is not None and self.differs(spec):
            which = self.column_option["option"]
            return self.designs.per_column(str(spec), limit, own, which)
        found: Floats = quantity(self.frame, spec, limit)[own]
        return found

    def holds_per_column(self, where: str | pd.Series[Any], limit: str) -> Bools:
        """Return a boolean column or Series for the site of every column."""
        own = np.maximum(self.column_site, 0)
        if self.designs is not None and self.differs(where):
            which = self.column_option["option"]
            return self.designs.holds_per_column(str(where), limit, own, which)
        found: Bools = truths(self.frame, where, limit)[own]
        return found

    def differs(self, spec: object) -> bool:
        """Return whether this is the name of a column that differs by option."""
        named = isinstance(spec, str) and self.designs is not None
        return named and spec in self.designs.columns  # type: ignore[union-attr]

    def _refuse_options(self, spec: object, limit: str) -> None:
        if self.differs(spec):
            raise StudyError(
                four_parts(
                    f"{limit!r} reads column {spec!r} by site",
                    "that column differs by option, and it takes no options",
                    "a column that no option names",
                    "problem.per_column(spec, limit), in a limit of one's own",
                )
            )

    def option_of_sites(self, x: Floats) -> Ints:
        """Return the option at each site of a solution; -1 where nothing is built."""
        found = np.full(self.n_sites, -1, dtype=np.int64)
        if self.designs is not None:
            own = self.open_columns
            own = own[x[own] > 0.5]
            found[self.column_site[own]] = self.column_option["option"][own]
        return found

    def frame_at(self, x: Floats) -> gpd.GeoDataFrame:
        """Return the frame with the figures of the options that a solution chose."""
        if self.designs is None:
            return self.frame
        return self.designs.chosen(self.option_of_sites(x))

    def groups(
        self, by: str | pd.Series[Any] | None, limit: str
    ) -> tuple[Ints, list[Any]]:
        """Return the group number of each site and the sorted group keys."""
        self._refuse_options(by, limit)
        key = ("groups", by if isinstance(by, str) else id(by), limit)
        if key not in self._cache:
            self._cache[key] = groups(self.frame, by, limit)
        found: tuple[Ints, list[Any]] = self._cache[key]
        return found

    def site_rows(self, codes: Ints, n_groups: int, values: Floats) -> sparse.csr_array:
        """Return the matrix that sums ``values`` of columns by group of their site.

        Parameters
        ----------
        codes : ndarray of int, shape (n_sites,)
            Group of each site, from 0 to ``n_groups - 1``; -1 leaves it out.
        n_groups : int
            Number of rows.
        values : ndarray, shape (n_columns,)
            Coefficient of each column.
        """
        row = codes[self.column_site]
        keep = (self.column_site >= 0) & (row >= 0) & (values != 0)
        # At most one entry per column: written by column, then turned round.
        ends = np.zeros(self.n_columns + 1, dtype=np.int64)
        np.cumsum(keep, out=ends[1:])
        by_column = sparse.csc_array(
            (values[keep], row[keep], ends), shape=(n_groups, self.n_columns)
        )
        return sparse.csr_array(by_column.tocsr())

    def sites_mw(self, x: Floats) -> Floats:
        """Return facility MW per site of a solution ``x`` over all columns."""
        own = self.column_site >= 0
        total: Floats = np.bincount(
            self.column_site[own],
            weights=(self.column_mw * x)[own],
            minlength=self.n_sites,
        ).astype(np.float64)
        return total

    def sites_open(self, x: Floats) -> Floats:
        """Return the sum of the opening columns per site of a solution ``x``."""
        own = self.open_columns
        total: Floats = np.bincount(
            self.column_site[own], weights=x[own], minlength=self.n_sites
        ).astype(np.float64)
        return total


def column_of(frame: gpd.GeoDataFrame, name: str, limit: str) -> pd.Series[Any]:
    """Return a column of the frame, or say which one was probably meant."""
    if name not in frame.columns:
        raise StudyError(
            four_parts(
                f"{limit!r} asks for column {name!r}",
                f"the candidates have {len(frame.columns)} columns and not this one"
                + (f".{nearest_name(name, map(str, frame.columns))}").rstrip("."),
                "a column name, a number or a Series",
                f"add it: sites[{name!r}] = ...",
            )
        )
    column: pd.Series[Any] | pd.DataFrame = frame[name]
    if isinstance(column, pd.DataFrame):
        raise StudyError(
            four_parts(
                f"{limit!r} asks for column {name!r}",
                "it exists more than once",
                "one column of that name",
                "use sites.loc[:, ~sites.columns.duplicated()]",
            )
        )
    return column


def aligned(
    frame: gpd.GeoDataFrame, spec: str | pd.Series[Any], limit: str
) -> pd.Series[Any]:
    """Return a column or a Series in the frame's row order."""
    if isinstance(spec, str):
        return column_of(frame, spec, limit)
    given: Any = spec
    if not isinstance(given, pd.Series):
        raise StudyError(
            four_parts(
                f"{limit!r} was given {said(given)}",
                f"that is {type(given).__name__}",
                "a column name or a Series keyed by site",
                "a column such as 'state'",
            )
        )
    if not spec.index.is_unique:
        raise StudyError(
            four_parts(
                f"{limit!r} uses a Series keyed by site",
                "its index has repeated labels",
                "one value per site",
                "series.groupby(level=0).first()",
            )
        )
    return spec.reindex(frame.index)


def as_floats(column: pd.Series[Any]) -> Floats | None:
    """Return a column as floats, NaN where unknown; None if it holds no numbers.

    Dates, durations and complex values are no numbers, though numpy turns them into
    some; text is none unless every value of it spells a number.

    Examples
    --------
    >>> as_floats(pd.Series([1, None], dtype="Int64"))
    array([ 1., nan])
    >>> as_floats(pd.Series(pd.to_datetime(["2027-01-01"]))) is None
    True
    """
    if column.dtype.kind in "cmM" or not _is_plain(column):
        return None
    try:
        with warnings.catch_warnings():
            # Complex numbers in a column of objects.
            warnings.simplefilter("error")
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError, OverflowError, Warning):
        return None


def held(column: pd.Series[Any]) -> str:
    """Say what a column holds that is no column of numbers, and where.

    Examples
    --------
    >>> held(pd.Series([1, "9 M"], index=["a", "b"], dtype=object))
    "it holds object values, '9 M' at 'b'"
    """
    kind = f"it holds {column.dtype} values"
    if column.dtype.kind in "cmM" or not pd.api.types.is_list_like(column):
        return kind
    try:
        is_text = pd.to_numeric(column, errors="coerce").isna() & column.notna()
    except (TypeError, ValueError):  # Lists and the like.
        return kind
    where = column.index[is_text.to_numpy(dtype=bool)]
    if not len(where):
        return kind
    return (
        kind
        + ", "
        + shown((f"{said(column[label], 40)} at {label!r}" for label in where[:3]), 3)
    )


def _is_plain(column: pd.Series[Any]) -> bool:
    """Return whether an object column is free of dates, which numpy would count."""
    if column.dtype != object:
        return True
    kind = pd.api.types.infer_dtype(column, skipna=True)
    return "date" not in kind and "time" not in kind and kind != "complex"


def quantity(frame: gpd.GeoDataFrame, spec: Quantity, limit: str) -> Floats:
    """Return a column, number or Series as finite values per row of ``frame``."""
    if isinstance(spec, str | pd.Series):
        column = aligned(frame, spec, limit)
        name = spec if isinstance(spec, str) else (spec.name or "the given Series")
        values = as_floats(column)
        if values is None:
            raise StudyError(
                four_parts(
                    f"{limit!r} uses {name!r} as numbers",
                    held(column),
                    "a numeric column, a number or a Series",
                    f"pd.to_numeric(sites[{name!r}])",
                )
            )
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise_missing(frame, str(name), bad, limit)
        return values
    value = number(spec, limit)
    return np.full(len(frame), value)


def truths(frame: gpd.GeoDataFrame, where: str | pd.Series[Any], limit: str) -> Bools:
    """Return a boolean column or Series per row of ``frame``."""
    name = getattr(where, "name", where)
    values = None
    if isinstance(where, str | pd.Series):
        values = as_floats(aligned(frame, where, limit))
    if values is not None:
        missing = np.flatnonzero(np.isnan(values))
        if missing.size:
            raise_missing(frame, str(name), missing, limit)
    if values is None or not np.isin(values, (0.0, 1.0)).all():
        raise StudyError(
            four_parts(
                f"{limit!r} asks where {said(name)} holds",
                f"that is {type(where).__name__}"
                if not isinstance(where, str | pd.Series)
                else "it has values other than True and False",
                "a boolean column or Series",
                "for example sites['price_usd_per_mwh'] < 60",
            )
        )
    return values.astype(bool)


def raise_missing(
    frame: gpd.GeoDataFrame, name: str, rows: npt.NDArray[Any], limit: str
) -> None:
    """Raise the error for missing or infinite values of eligible rows."""
    raise LayerError(
        four_parts(
            f"{limit!r} uses column {name!r}",
            f"it is missing or infinite in {len(rows)} eligible rows: "
            + shown(repr(label) for label in frame.index[rows]),
            "a finite value for every eligible site; missing is never taken as 0",
            f"use sites[sites[{name!r}].notna()] or fill it from a source",
        )
    )


def number(value: object, what: str) -> float:
    """Return a finite number or raise a StudyError that names ``what``."""
    ok = isinstance(value, int | float | np.integer | np.floating) and not isinstance(
        value, bool | np.bool_
    )
    try:
        found = float(value) if ok else np.nan  # type: ignore[arg-type]
    except OverflowError:
        found = np.inf
    if not np.isfinite(found):
        raise StudyError(
            four_parts(
                f"{what!r} was given {said(value)}",
                "that is too large"
                if found == np.inf and isinstance(value, int)
                else f"that is {type(value).__name__}",
                "a finite number",
                f"{what} with a plain number",
            )
        )
    return found


def bound_number(value: object, what: str) -> float:
    """Return a number that may be infinite (no bound), NaN where it is missing."""
    if isinstance(value, float | np.floating) and not np.isfinite(value):
        return float(value)
    if value is None or value is pd.NA or value is pd.NaT:
        return np.nan
    return number(value, what)


def is_many(value: object) -> bool:
    """Return whether a value holds others, as a list does; a text does not.

    Examples
    --------
    >>> is_many([1]), is_many("a"), is_many(np.array(3.0))
    (True, False, False)
    """
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return False
    return not (isinstance(value, np.ndarray) and value.ndim == 0)


def hashable(value: object) -> bool:
    """Return whether a value can be a label or a group."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def groups(
    frame: gpd.GeoDataFrame, by: str | pd.Series[Any] | None, limit: str
) -> tuple[Ints, list[Any]]:
    """Return the group number of each row and the sorted group keys."""
    if by is None:
        return np.zeros(len(frame), dtype=np.int64), [""]
    if not isinstance(by, str | pd.Series):
        raise StudyError(
            four_parts(
                f"{limit!r} groups sites by {said(by)}",
                f"that is {type(by).__name__}",
                "a column name or a Series keyed by site",
                "by='state'",
            )
        )
    column = aligned(frame, by, limit)
    try:
        codes, keys = factorized(column)
    except TypeError:
        raise StudyError(
            four_parts(
                f"{limit!r} groups sites by {said(getattr(by, 'name', by))}",
                "it holds values that cannot be compared, such as lists",
                "text, numbers or other plain values, one per site",
                "sites[column].astype(str)",
            )
        ) from None
    bad = np.flatnonzero(codes < 0)
    if bad.size:
        raise_missing(frame, str(by if isinstance(by, str) else by.name), bad, limit)
    return codes, keys


def factorized(column: pd.Series[Any]) -> tuple[Ints, list[Any]]:
    """Return the number of each value and the values, sorted; -1 where missing.

    Values of several types are sorted by type first.

    Examples
    --------
    >>> factorized(pd.Series(["b", None, 1, "a"], dtype=object))
    (array([ 2, -1,  0,  1]), [1, 'a', 'b'])
    """
    try:
        codes, found = pd.factorize(column, sort=True)
        return codes.astype(np.int64), list(found)
    except TypeError:
        codes, found = pd.factorize(column)
    keys: list[Any] = list(found)
    order = sorted(range(len(keys)), key=lambda k: (str(type(keys[k])), str(keys[k])))
    rank = np.full(len(keys) + 1, -1, dtype=np.int64)
    rank[order] = np.arange(len(keys))
    return rank[codes], [keys[k] for k in order]
