"""Growth over the years: the paths of sizes that a site may follow.

A path gives the size of a site in every year; sizes never shrink. One column of the
program is one site and one path, and a site follows at most one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt

from siteselect.errors import StudyError, four_parts
from siteselect.optimization.problem import Bools, Floats, Ints
from siteselect.optimization.sizes import Offer, option_entries

#: More columns than this are refused: memory would run out before the answer.
MOST_COLUMNS = 50_000_000


@dataclass(frozen=True, eq=False)
class PathTable:
    """Paths as columns: one entry per site and path, by site and path.

    Parameters
    ----------
    site : ndarray of int, shape (n_columns,)
        Row of the frame.
    mw : ndarray, shape (n_columns, n_years)
        Size in each year [MW].
    cost : ndarray, shape (n_columns, n_years)
        Spending of each year [USD]: the cost of its size minus that of the size of
        the year before.
    lifetime : ndarray or None
        The same by lifetime cost, where the objective asks for it.
    """

    site: Ints
    mw: Floats
    cost: Floats
    lifetime: Floats | None
    #: By limit that offers options per site: the option of each entry.
    option: Mapping[str, Ints] = field(default_factory=dict)

    def with_option(self, name: str, options: Any, standing: Floats) -> PathTable:
        """Return every entry once per option of its site, kept over all years."""
        entry, which = option_entries(self.site, options)
        site, mw = self.site[entry], self.mw[entry]
        before = np.column_stack([standing[site], mw[:, :-1]])
        added = options.cost_usd_per_mw[which][:, None] * (mw - before)
        opens = (mw > 0) & (before == 0)
        added += options.cost_usd[which][:, None] * opens
        lifetime = None if self.lifetime is None else self.lifetime[entry] + added
        kept = {one: codes[entry] for one, codes in self.option.items()}
        return PathTable(
            site, mw, self.cost[entry] + added, lifetime, {**kept, name: which}
        )


def growth_paths(n_sizes: int, n_years: int) -> Ints:
    """Return all non-decreasing sequences of 0 (nothing) to ``n_sizes``.

    Examples
    --------
    >>> growth_paths(1, 2).tolist()
    [[0, 0], [0, 1], [1, 1]]
    >>> len(growth_paths(3, 4))
    35
    """
    paths = np.zeros((1, 0), dtype=np.int64)
    for _ in range(n_years):
        last = paths[:, -1] if paths.shape[1] else np.zeros(len(paths), dtype=np.int64)
        count = n_sizes + 1 - last
        kept = np.repeat(paths, count, axis=0)
        first = np.repeat(np.cumsum(count) - count, count)
        step = np.arange(len(kept)) - first + np.repeat(last, count)
        paths = np.column_stack([kept, step])
    return paths


def path_table(found: list[Offer], standing: Floats, may_grow: Bools) -> PathTable:
    """Return the paths that each site may follow.

    Parameters
    ----------
    found : list of Offer
        Sizes on offer in each year.
    standing : ndarray, shape (n_sites,)
        What stands before the first year [MW], 0 where nothing does.
    may_grow : ndarray of bool, shape (n_sites,)
        False where a standing site stays as it is.

    Raises
    ------
    StudyError
        There are too many paths.
    """
    last = found[-1]
    n, m, n_years = len(standing), len(last.options), len(found)
    most = n * (comb(m + n_years, n_years) - 1)
    if most > MOST_COLUMNS:
        raise StudyError(
            four_parts(
                f"{n:,} sites with {m} sizes over {n_years} years were asked for",
                f"a site can grow in {most // n:,} ways, {most:,} in all",
                f"at most {MOST_COLUMNS:,}",
                "fewer sizes or years, or fewer candidates: "
                "sites.nlargest(50_000, 'score')",
            )
        )
    size = np.array([option.least for option in last.options])
    paths = growth_paths(m, n_years)
    able = np.ones((n, len(paths)), dtype=bool)
    stays = np.ones((n, 1), dtype=bool)
    adds = (standing[:, None] == 0) | (
        (size[None, :] > standing[:, None] * (1 + 1e-9)) & may_grow[:, None]
    )
    for k, of_year in enumerate(found):
        allowed = np.concatenate([stays, of_year.allowed & adds], axis=1)
        able &= allowed[:, paths[:, k]]
    # A site where nothing ever stands is no column.
    able[:, 0] = standing > 0
    site, which = np.nonzero(able)
    # Zero stands for what was there before: nothing, or what stands.
    rows = np.arange(n)
    at = last.standing(standing)
    level_mw = np.concatenate(
        [standing[:, None], np.broadcast_to(size, (n, m))], axis=1
    )

    def steps(per_mw: Floats) -> Floats:
        paid = per_mw[rows, at] * standing + last.fixed[rows, at]
        paid = np.where(standing > 0, paid, 0.0)
        level = np.column_stack([paid, per_mw * size + last.fixed])
        spent = level[site[:, None], paths[which]]
        before = np.column_stack([paid[site], spent[:, :-1]])
        grows = np.diff(paths[which], axis=1, prepend=0) > 0
        return np.where(grows, spent - before, 0.0)

    lifetime = last.lifetime_per_mw
    return PathTable(
        site.astype(np.int64),
        level_mw[site[:, None], paths[which]],
        steps(last.per_mw),
        None if lifetime is None else steps(lifetime),
    )


def path_names(labels: npt.NDArray[np.object_], mw: Floats) -> tuple[str, ...]:
    """Return names such as ``"s12 100→300 MW"``, one per column.

    Examples
    --------
    >>> path_names(np.array(["s12"], dtype=object), np.array([[100.0, 300.0]]))
    ('s12 100→300 MW',)
    """
    # Few paths, many sites: each path is spelled once.
    code = np.zeros(len(mw), dtype=np.int64)
    for k in range(mw.shape[1]):
        sizes, at = np.unique(mw[:, k], return_inverse=True)
        code = np.unique(code * max(1, sizes.size) + at, return_inverse=True)[1]
    _, first = np.unique(code, return_index=True)
    spelled = np.array(
        [" " + "→".join(f"{x:g}" for x in row) + " MW" for row in mw[first].tolist()],
        dtype=object,
    )
    return tuple((labels + spelled[code]).tolist()) if len(mw) else ()
