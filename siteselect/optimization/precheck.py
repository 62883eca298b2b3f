"""What cannot be, shown by arithmetic before any solver is asked.

Every statement here is a proof: it bounds from outside what any plan can reach, so
where it speaks no plan exists. It stays silent where only a search can tell. All of
it is sums and sorts over the columns.

For a row, a site contributes what one of its options contributes (one size per
site): so the row's reach is the sum over sites of the largest contribution. For a
floor and a cap together, the least use of the cap's resource that reaches the floor
is a fractional knapsack [1]_, filled from the sites with the least use per unit.

References
----------
.. [1] G. B. Dantzig, "Discrete-variable extremum problems", Operations Research 5
   (1957) 266-288 (fractional knapsack bound).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from siteselect.optimization._compile import Compiled
from siteselect.optimization.problem import Bools, Floats, Ints, Problem, Rows
from siteselect.optimization.words import amount, outward, unit_of

#: A row must be missed by this part of its bound: less is left to the solver.
ROOM = 1e-6
#: Kinds of rows that add up what sites have.
SUMS = ("power", "it power", "money", "count", "total")
#: Sizes are multiples of a unit to this part of themselves; bounds are missed by this
#: part of a unit; and no unit is smaller than a hundred of this part of a size.
WHOLE, UNITS_OFF, SMALLEST_UNIT = 1e-9, 1e-4, 1e-6
#: Limits of more groups than this are only checked as a whole.
FEW_ROWS = 8


@dataclass(frozen=True)
class Proof:
    """Limits that cannot hold together, and the arithmetic that shows it.

    Parameters
    ----------
    names : tuple of str
        Names of the limits.
    said : str
        One clause with the numbers.
    """

    names: tuple[str, ...]
    said: str


def _common_unit(values: Floats) -> float | None:
    """Return the largest number that all values are whole multiples of, if any."""
    if (values <= 0).any():
        return None
    unit = float(values[0])
    smallest = SMALLEST_UNIT * float(values.min())
    for value in values.tolist():
        other = float(value)
        # Euclid's algorithm; what is left of rounding counts as nothing.
        while other > smallest:
            unit, other = other, abs(unit - other * np.round(unit / other))
        if unit < 100 * smallest:
            return None
    parts = values / unit
    off = np.abs(parts - np.round(parts)) / parts
    return unit if float(off.max()) < WHOLE else None


class _Options:
    """What each site can contribute to a row: one option per offered size."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        usable = problem.column_opens & (problem.upper > 0)
        self.opens: Ints = np.flatnonzero(usable)
        self.site = problem.column_site[self.opens]
        order = np.argsort(self.site, kind="stable")
        self.opens, self.site = self.opens[order], self.site[order]
        self.first = np.flatnonzero(np.diff(self.site, prepend=-1) != 0)
        self.site_ids = self.site[self.first]
        self.block = np.cumsum(np.diff(self.site, prepend=-1) != 0) - 1
        #: Columns that add to an open site, and the option that each belongs to.
        more = np.flatnonzero((problem.column_site >= 0) & ~problem.column_opens)
        place = np.full(problem.n_columns, -1, dtype=np.int64)
        place[self.opens] = np.arange(self.opens.size)
        opener: Any = getattr(problem, "column_opener", None)
        if opener is None:
            last = np.full(problem.n_sites, -1, dtype=np.int64)
            last[self.site] = self.opens
            owner = last[problem.column_site[more]]
        else:
            owner = np.asarray(opener)[more]
        option = np.where(owner >= 0, place[owner], -1)
        keep = (option >= 0) & (problem.upper[more] > 0)
        self.more, self.more_option = more[keep], option[keep]
        self.own = np.flatnonzero(problem.column_site < 0)
        is_fixed = problem.fixed[self.site_ids]
        self.is_fixed: Bools = is_fixed

    @property
    def n_sites(self) -> int:
        """Number of sites that offer a size."""
        return int(self.first.size)

    def ends(self, row: Floats) -> tuple[Floats, Floats]:
        """Return the least and most that each option adds to a row."""
        base = row[self.opens]
        if not self.more.size:
            return base, base
        upper = self.problem.upper[self.more]
        extra = row[self.more] * upper
        low, high = base.copy(), base.copy()
        np.add.at(low, self.more_option, np.minimum(extra, 0.0))
        np.add.at(high, self.more_option, np.maximum(extra, 0.0))
        return low, high

    def most(self, row: Floats, *, with_fixed: bool = False) -> Floats:
        """Return the most that each site can add to a row, 0 when left out."""
        _, high = self.ends(row)
        if not high.size:
            return high
        best = np.maximum.reduceat(high, self.first)
        free = np.maximum(best, 0.0)
        return np.where(self.is_fixed, best, free) if with_fixed else free

    def least(self, row: Floats, *, with_fixed: bool = False) -> Floats:
        """Return the least that each site can add to a row, 0 when left out."""
        return -self.most(-row, with_fixed=with_fixed)

    def own_most(self, row: Floats) -> float:
        """Return the most that the limits' own columns add to a row."""
        value = row[self.own]
        ends = np.where(
            value > 0, self.problem.upper[self.own], self.problem.lower[self.own]
        )
        used = value != 0
        return float((value[used] * ends[used]).sum())

    def ratios(self, use: Floats, need: Floats) -> Floats | None:
        """Return the least use per unit of need of each site; None if undefined.

        Along a range the ratio runs between those of its two ends.
        """
        u0, n0 = use[self.opens], need[self.opens]
        pairs = [(u0, n0)]
        if self.more.size:
            upper = self.problem.upper[self.more]
            if np.bincount(self.more_option).max() > 1:
                return None
            u1, n1 = u0.copy(), n0.copy()
            np.add.at(u1, self.more_option, use[self.more] * upper)
            np.add.at(n1, self.more_option, need[self.more] * upper)
            pairs.append((u1, n1))
        best = np.full(self.opens.size, np.inf)
        for u, n in pairs:
            some = n > 0
            # What gives nothing and takes nothing less than nothing never helps.
            if (n < 0).any() or (u[~some] < 0).any():
                return None
            best[some] = np.minimum(best[some], u[some] / n[some])
        if not best.size:
            return best
        ratio = np.minimum.reduceat(best, self.first)
        return np.where(np.isfinite(ratio), ratio, 0.0)


def prove_infeasible(compiled: Compiled) -> Proof | None:
    """Return the first proof that no plan exists, None where arithmetic is silent.

    Parameters
    ----------
    compiled : Compiled
        The program, before it is solved.

    Returns
    -------
    Proof or None

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.optimization._compile import Request, compile_problem
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> request = Request(sites=sites, power_mw=(500, None), site_mw=[100])
    >>> proof = prove_infeasible(compile_problem(request))
    >>> proof.names, proof.said
    (('power',), 'all 2 eligible sites together carry 200 MW; at least 500 MW asked')
    """
    check = _Check(compiled)
    for proof in (
        check.floors,
        check.caps,
        check.fixed_apart,
        check.smallest,
        check.between,
        check.groups,
        check.counts,
        check.floor_under_caps,
        check.floor_under_groups,
    ):
        found = proof()
        if found is not None:
            return found
    return None


class _Check:
    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.problem = compiled.problem
        self.rows: Rows = compiled.rows
        self.options = _Options(compiled.problem)
        self.limits = {limit.name: limit for limit in compiled.limits}
        rows = self.rows
        self.matrix: sparse.csr_array = rows.matrix
        self.name: Any = rows.limit
        self.kind: Any = rows.kind
        is_account = (self.kind != "") & (self.name != "site capacity")
        self.floor_rows = np.flatnonzero(is_account & (rows.lower > 0))
        self.cap_rows = np.flatnonzero(is_account & np.isfinite(rows.upper))
        self.n_rows = Counter(map(str, self.name[self.cap_rows]))

    # -- words -----------------------------------------------------------------

    def value(self, r: int, scaled: float, up: bool) -> str:
        """Return an amount of a row's limit in its unit."""
        name = self.name[r]
        unit = unit_of(name, self.limits.get(name), self.kind[r])
        return amount(scaled / float(self.rows.scale[r]), unit, up, digits=6)

    def where(self, r: int) -> str:
        """Return ``" in 'UT' in 2030"`` for the group and year of a row."""
        year = self.year(r)
        return self.place(r) if year == "" else f"{self.place(r)} in {year}"

    def place(self, r: int) -> str:
        """Return ``" in 'UT'"`` for the group of a row."""
        group = self.rows.group[r]
        return "" if isinstance(group, str) and group == "" else f" in {group!r}"

    def year(self, r: int) -> object:
        """Return the year of a row, empty where there is none."""
        years = getattr(self.rows, "year", None)
        return "" if years is None else years[r]

    def row(self, r: int) -> Floats:
        """Return one row as a dense vector."""
        dense = np.zeros(self.problem.n_columns)
        a, b = self.matrix.indptr[r], self.matrix.indptr[r + 1]
        dense[self.matrix.indices[a:b]] = self.matrix.data[a:b]
        return dense

    @staticmethod
    def misses(reach: float, bound: float) -> bool:
        """Return whether a reach from below stays under a bound beyond rounding."""
        return reach < bound - ROOM * max(1.0, abs(bound), abs(reach))

    # -- proofs ----------------------------------------------------------------

    def floors(self) -> Proof | None:
        """Prove that everything together does not reach a floor."""
        n = self.options.n_sites
        for r in self.floor_rows[: 10 * FEW_ROWS].tolist():
            if self.kind[r] not in ("power", "money", "count", "total"):
                continue
            row = self.row(r)
            reach = float(self.options.most(row).sum()) + self.options.own_most(row)
            if not self.misses(reach, float(self.rows.lower[r])):
                continue
            asked = f"at least {self.value(r, self.rows.lower[r], True)} asked"
            if self.year(r) != "":
                asked += f" in {self.year(r)}"
            name = self.name[r]
            got = self.value(r, reach, True)
            if name == "power":
                said = f"all {n:,} eligible sites together carry {got}; {asked}"
            elif name == "sites":
                said = f"{got.split()[0]} sites offer a size; {asked}"
            else:
                said = (
                    f"{name}{self.place(r)}: all eligible sites together reach "
                    f"{got}; {asked}"
                )
            return Proof((name,), said)
        return None

    def caps(self) -> Proof | None:
        """Prove that what is fixed is over a cap already."""
        if not self.options.is_fixed.any():
            return None
        for r in self.cap_rows[: 10 * FEW_ROWS].tolist():
            if self.kind[r] not in ("power", "money", "count", "total"):
                continue
            row = self.row(r)
            free = float(self.options.least(row).sum()) - self.options.own_most(-row)
            use = float(self.options.least(row, with_fixed=True).sum())
            use -= self.options.own_most(-row)
            if use <= free or not self.misses(float(self.rows.upper[r]), use):
                continue
            name = self.name[r]
            said = (
                f"{name}{self.where(r)}: the fixed sites alone take at least "
                f"{self.value(r, use, False)}; at most "
                f"{self.value(r, self.rows.upper[r], False)} asked"
            )
            return Proof((name, "fixed"), said)
        return None

    def fixed_apart(self) -> Proof | None:
        """Prove that two fixed sites are too close."""
        fixed = np.flatnonzero(self.problem.fixed)
        if fixed.size < 2:
            return None
        for limit in self.compiled.limits:
            nearby = getattr(limit, "nearby", None)
            if type(limit).__name__ != "Spacing" or nearby is None:
                continue
            i, j = nearby(self.problem).pairs_among(fixed)
            if i.size:
                labels = self.problem.frame.index
                said = (
                    f"the fixed sites {labels[i[0]]!r} and {labels[j[0]]!r} are less "
                    f"than {getattr(limit, 'km', 0):g} km apart"
                )
                return Proof((limit.name, "fixed"), said)
        return None

    def smallest(self) -> Proof | None:
        """Prove that the smallest size is over the most power, where some is asked."""
        rows = self.rows
        for r in np.flatnonzero(self.kind == "power").tolist():
            if not (rows.lower[r] > ROOM and np.isfinite(rows.upper[r])):
                continue
            row = self.row(r)
            low, _ = self.options.ends(row)
            if not low.size or self.options.own_most(np.abs(row)) > 0:
                continue
            if float(low.min()) > 0 and self.misses(
                float(rows.upper[r]), float(low.min())
            ):
                said = (
                    f"the smallest size is {self.value(r, float(low.min()), False)}; "
                    f"at most {self.value(r, rows.upper[r], False)} asked"
                )
                return Proof((self.name[r],), said)
        return None

    def between(self) -> Proof | None:
        """Prove that no sum of whole sizes lies between a floor and a cap."""
        rows = self.rows
        is_window = np.isin(self.kind, SUMS) & np.isfinite(rows.upper)
        for r in np.flatnonzero(is_window & (rows.lower > 0))[:FEW_ROWS].tolist():
            row = self.row(r)
            used = np.flatnonzero((row != 0) & (self.problem.upper > 0))
            values = np.unique(row[used])
            if not values.size or not self.problem.integrality[used].all():
                continue
            unit = _common_unit(values)
            if unit is None:
                continue
            least = int(np.ceil(rows.lower[r] / unit - UNITS_OFF))
            most = int(np.floor(rows.upper[r] / unit + UNITS_OFF))
            if most >= least:
                continue
            sums = [self.value(r, k * unit, k == least) for k in (most, least)]
            asked = [
                self.value(r, rows.lower[r], True),
                self.value(r, rows.upper[r], False),
            ]
            said = (
                f"{self.name[r]}{self.where(r)}: whole sizes add up to {sums[0]} or "
                f"{sums[1]}, to nothing between; {asked[0]} to {asked[1]} asked"
            )
            return Proof((self.name[r],), said)
        return None

    def groups(self) -> Proof | None:
        """Prove that fewer groups have an eligible site than are asked for."""
        rows = self.rows
        for r in np.flatnonzero(self.kind == "distinct groups").tolist():
            name, asked = self.name[r], float(rows.lower[r])
            by = getattr(self.limits.get(name), "by", None)
            if by is None or not np.isfinite(asked):
                continue
            codes, _ = self.problem.groups(by, name)
            there = np.unique(codes[self.options.site_ids])
            present = there[there >= 0].size
            if present < asked - 0.5:
                said = (
                    f"only {present} groups of {name!r} have an eligible site; "
                    f"{asked:g} asked"
                )
                return Proof((name,), said)
            most = self.most_sites()
            if most is not None and most[0] < asked - 0.5:
                said = (
                    f"{most[0]:g} sites lie in at most {most[0]:g} groups of "
                    f"{name!r}; {asked:g} asked"
                )
                return Proof((name, most[1]), said)
        return None

    def most_sites(self) -> tuple[float, str] | None:
        """Return the most chosen sites and the limit that says so."""
        at = self.cap_rows[self.name[self.cap_rows] == "sites"]
        if at.size != 1:
            return None
        return float(np.floor(self.rows.upper[at[0]] + 1e-9)), "sites"

    def counts(self) -> Proof | None:
        """Prove that the sites asked for at least do not fit under a cap."""
        at = self.floor_rows[self.name[self.floor_rows] == "sites"]
        if at.size != 1:
            return None
        k = int(np.ceil(self.rows.lower[at[0]] - 1e-9))
        for r in self.single_caps():
            name = self.name[r]
            row = self.row(r)
            if name == "sites" or self.kind[r] not in ("power", "money", "total"):
                continue
            low, _ = self.options.ends(row)
            if not low.size or (low < 0).any():
                continue
            best = np.sort(np.minimum.reduceat(low, self.options.first))
            use = float(best[:k].sum()) - self.options.own_most(-row)
            if k <= best.size and self.misses(float(self.rows.upper[r]), use):
                said = (
                    f"{k} sites take at least {self.value(r, use, False)} of "
                    f"{name!r}; at most {self.value(r, self.rows.upper[r], False)} "
                    "asked"
                )
                return Proof((name, "sites"), said)
        return None

    def single_caps(self) -> list[int]:
        """Return cap rows of limits with a few rows, the built-in ones first."""
        few = [int(r) for r in self.cap_rows]
        return [r for r in few if self.n_rows[str(self.name[r])] <= FEW_ROWS]

    def power_floors(self) -> list[int]:
        """Return the rows that ask for power."""
        at = self.kind[self.floor_rows] == "power"
        return [int(r) for r in self.floor_rows[at]]

    def floor_under_caps(self) -> Proof | None:
        """Prove that the power asked for takes more of something than there is."""
        for f in self.power_floors():
            need = self.row(f)
            if self.options.own_most(np.abs(need)) > 0:
                continue
            floor = float(self.rows.lower[f])
            most = self.options.most(need)
            for r in self.single_caps():
                if r == f:
                    continue
                found = self._under_cap(f, r, 1.0, need, most, floor)
                if found is not None:
                    return found
            for r in np.flatnonzero(np.isin(self.kind, ("average", "share"))).tolist():
                if np.isfinite(self.rows.lower[r]):
                    found = self._under_cap(f, r, -1.0, need, most, floor)
                    if found is not None:
                        return found
        return None

    def _under_cap(
        self, f: int, r: int, sign: float, need: Floats, most: Floats, floor: float
    ) -> Proof | None:
        name, use = self.name[r], sign * self.row(r)
        upper = float(self.rows.upper[r] if sign > 0 else -self.rows.lower[r])
        asked = self.value(f, floor, False)
        if name == "sites":
            if self.year(r) != self.year(f):
                return None  # More sites may stand in another year.
            k = int(np.floor(upper + 1e-9))
            reach = float(np.sort(most)[::-1][:k].sum())
            if self.misses(reach, floor):
                said = (
                    f"the {k:,} largest sites together carry "
                    f"{self.value(f, reach, True)}; {asked} asked"
                )
                return Proof((self.name[f], name), said)
            return None
        if self.kind[r] not in ("money", "total", "count", "average", "share"):
            return None
        ratio = self.options.ratios(use, need)
        if ratio is None:
            return None
        order = np.argsort(ratio, kind="stable")
        ratio, room = ratio[order], most[order]
        # Sites with a negative use are all taken; the others up to the floor.
        before = np.cumsum(room) - room
        take = np.where(ratio < 0, room, np.clip(floor - before, 0.0, room))
        least = float((take * ratio).sum()) - self.options.own_most(-use)
        if self.kind[r] in ("average", "share"):
            size = float((take * np.abs(ratio)).sum())
        else:
            size = abs(least)
        if not least - upper > ROOM * max(1.0, abs(upper), size):
            return None
        if self.kind[r] in ("average", "share"):
            return self._average(f, r, sign, ratio, room, before, floor)
        bound = self.value(r, upper, False)
        if self.kind[r] == "money":
            said = f"{asked} cost at least {self.value(r, least, False)}; "
            said += f"budget {bound}" if name == "budget" else f"{name} at most {bound}"
        else:
            said = (
                f"{asked} take at least {self.value(r, least, False)} of {name!r}"
                f"{self.where(r)}; at most {bound} asked"
            )
        return Proof((self.name[f], name), said)

    def _average(
        self,
        f: int,
        r: int,
        sign: float,
        ratio: Floats,
        room: Floats,
        before: Floats,
        floor: float,
    ) -> Proof | None:
        """Put the least average of the power asked for in numbers."""
        limit = self.limits.get(self.name[r])
        asked = self.value(f, floor, False)
        names = (self.name[f], self.name[r])
        bound = getattr(limit, "at_most" if sign > 0 else "at_least", None)
        by_mw = isinstance(getattr(limit, "weight", 1), int | float)
        if not isinstance(bound, int | float) or not by_mw:
            return Proof(names, f"no {asked} keep {self.name[r]!r}")
        take = np.clip(floor - before, 0.0, room)
        per_unit = float(self.rows.scale[f]) / float(self.rows.scale[r])
        away = float((take * ratio).sum()) / floor * per_unit
        best = f"{outward(bound + sign * away, sign < 0):,.6g}"
        word = "at most" if sign > 0 else "at least"
        said = f"the best {asked} reach {best} on average; {word} {bound:g} asked"
        return Proof(names, f"{self.name[r]}: {said}")

    def floor_under_groups(self) -> Proof | None:
        """Prove that the groups of a limit cannot carry the power asked for."""
        for f in self.power_floors():
            need = self.row(f)
            if self.options.own_most(np.abs(need)) > 0:
                continue
            most = self.options.most(need)
            per_site = np.zeros(self.problem.n_sites)
            per_site[self.options.site_ids] = most
            for name in dict.fromkeys(self.name[self.cap_rows].tolist()):
                if name in ("power", "sites"):
                    continue
                found = self._under_groups(f, name, need, per_site)
                if found is not None:
                    return found
        return None

    def _under_groups(
        self, f: int, name: str, need: Floats, per_site: Floats
    ) -> Proof | None:
        at = self.cap_rows[self.name[self.cap_rows] == name]
        at = at[np.isin(self.kind[at], ("total", "power", "money"))]
        if at.size < 2:
            return None
        part = self.matrix[at]
        entries = part.tocoo()
        column, value = np.asarray(entries.coords[1]), entries.data
        site = self.problem.column_site[column]
        if (site < 0).any() or (value < 0).any():
            return None
        # Rows of one limit must not share a site: each megawatt is counted once.
        row = np.asarray(entries.coords[0])
        group_of = np.full(self.problem.n_sites, -1, dtype=np.int64)
        group_of[site] = row
        if (group_of[site] != row).any():
            return None
        usable = (self.problem.upper[column] > 0) & (need[column] > 0)
        column, value, row = column[usable], value[usable], row[usable]
        upper = self.rows.upper[at]
        # A column that alone is over the cap is in no plan, if it comes whole.
        fits = ~self.problem.integrality[column] | (value <= upper[row] * (1 + ROOM))
        least = np.full(at.size, np.inf)
        np.minimum.at(least, row[fits], (value / need[column])[fits])
        all_columns = np.flatnonzero(
            (self.problem.column_site >= 0) & (self.problem.upper > 0) & (need > 0)
        )
        counted = np.zeros(self.problem.n_columns, dtype=bool)
        counted[column] = True
        # A site with a column that uses nothing escapes its group's cap.
        group_of[self.problem.column_site[all_columns[~counted[all_columns]]]] = -1
        inside = np.zeros(at.size)
        own = group_of >= 0
        np.add.at(inside, group_of[own], per_site[own])
        with np.errstate(divide="ignore", invalid="ignore"):
            carried = np.where(np.isfinite(least), upper / least, 0.0)
        carried = np.where(least <= 0, np.inf, carried)
        reach = float(np.minimum(inside, np.maximum(carried, 0.0)).sum())
        reach += float(per_site[~own].sum())
        floor = float(self.rows.lower[f])
        if not self.misses(reach, floor):
            return None
        said = (
            f"all groups of {name!r} together carry {self.value(f, reach, True)}; "
            f"{self.value(f, floor, True)} asked"
        )
        return Proof((self.name[f], name), said)


__all__ = ["Proof", "prove_infeasible"]
