"""The lines of a network as a limit sees them: who pushes how much over which."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from siteselect.infrastructure.grid.applied import FILL_DIGITS
from siteselect.infrastructure.grid.outages import OutageFactors
from siteselect.optimization.circuits import BLOCK, LISTED, Circuits
from siteselect.optimization.problem import Floats, Ints

#: Entries of the table of sites over pairs worked on at once.
WIDE: Final = 4_000_000
#: Pairs looked at in one go.
PIECE: Final = 16_384
#: By how much of what a line may carry a plan may be over it: half of what
#: ``verify()`` allows for rounding.
OVER: Final = 5e-7
#: Room of a screen for the rounding of its sums, relative and absolute [MW].
ROUGH: Final = 1e-9
#: Below this a factor is rounding.
ROUNDING: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Over:
    """Lines in a case and a direction: -1 as case is the one without an outage."""

    line: Ints
    case: Ints
    way: Floats

    def take(self, index: Any) -> Over:
        """Return some of them."""
        return Over(self.line[index], self.case[index], self.way[index])


@dataclass(frozen=True, eq=False)
class Lines:
    """What rows need of the islands that hold the candidates' buses.

    Parameters
    ----------
    share : ndarray, shape (n_lines, n_buses)
        Change of the flow per MW of new load at each bus, base case.
    outage_share : ndarray, shape (n_outages, n_buses)
        ``share`` of the branches that drop out.
    circuits : Circuits
        What is the same for all candidates.
    spare : ndarray, shape (n_islands,)
        Spare generation [MW].
    island : ndarray of int, shape (n_buses,)
        Island of each bus, counted in ``spare``.
    island_name : list
        Label of the first bus of each island.
    branch : ndarray
        Labels of all branches.
    least : float
        Smallest factor, in size, that counts.
    relief : bool
        Whether a load that draws power off a line makes room on it for others.
    """

    share: Floats
    outage_share: Floats
    circuits: Circuits
    spare: Floats
    island: Ints
    island_name: list[Any]
    branch: Any
    least: float
    relief: bool = True

    @property
    def line(self) -> Ints:
        """Branch of each line."""
        return self.circuits.line

    @property
    def flow(self) -> Floats:
        """Base flow of each line [MW]."""
        return self.circuits.flow

    @property
    def rating(self) -> Floats:
        """Rating of each line [MW]."""
        return self.circuits.rating

    @property
    def outage(self) -> Ints:
        """Branches that drop out."""
        return self.circuits.outage

    @property
    def outage_flow(self) -> Floats:
        """Their base flow [MW]."""
        return self.circuits.outage_flow

    @property
    def factors(self) -> OutageFactors:
        """Change of flows per MW that a lost branch carried."""
        return self.circuits.factors

    @cached_property
    def group(self) -> Any:
        """Name of each line in the base case."""
        return np.array([line_name(b) for b in self.branch[self.line]], dtype=object)

    @cached_property
    def _last(self) -> dict[tuple[bytes, bytes], tuple[Over, Floats]]:
        """What the last loads break: a plan is asked about more than once."""
        return {}

    # -- some lines in their cases ---------------------------------------------

    def factor(self, over: Over) -> Floats:
        """Return what each bus pushes over some lines in their direction [MW/MW]."""
        return self._factor(over, self.share, self.outage_share)

    def _factor(self, over: Over, share: Floats, gone: Floats) -> Floats:
        factor = share[over.line]
        after = np.flatnonzero(over.case >= 0)
        if after.size:
            line, case = over.line[after], over.case[after]
            moved = self.factors.of_pairs(self.line[line], case)
            factor[after] += moved[:, None] * gone[case]
            # The lost branch itself carries nothing.
            factor[after[self.line[line] == self.outage[case]]] = 0.0
        factor[np.abs(factor) < self.least] = 0.0
        factor *= over.way[:, None]
        if not self.relief:
            np.maximum(factor, 0.0, out=factor)
        return factor

    def base(self, over: Over) -> Floats:
        """Return the base flow of some lines in their cases [MW]."""
        base = self.flow[over.line]
        after = np.flatnonzero(over.case >= 0)
        if after.size:
            line, case = over.line[after], over.case[after]
            moved = self.factors.of_pairs(self.line[line], case)
            base[after] += moved * self.outage_flow[case]
        return base

    def room(self, over: Over) -> tuple[Floats, Floats]:
        """Return the room of some lines in their direction, and what they may carry."""
        base = over.way * self.base(over)
        most = np.maximum(self.rating[over.line], base)
        return most - base, np.maximum(1.0, most)

    # -- what some sites push too far ------------------------------------------

    def over(self, mw: Floats, more: Floats) -> tuple[Over, Floats]:
        """Return every line, case and direction that loads break, and by how much.

        Parameters
        ----------
        mw : ndarray, shape (n_buses,)
            Load at each bus [MW].
        more : ndarray, shape (n_lines,)
            By how much lines are stronger [MW].

        Returns
        -------
        Over
            What is broken.
        ndarray
            By how much, as a share of what the line may carry.
        """
        key = (mw.tobytes(), more.tobytes())
        if key not in self._last:
            some, counted, base = self._filling(mw, more, 1.0)
            most = np.maximum(self.rating[some.line], base)
            by = (counted - (most - base + more[some.line])) / np.maximum(1.0, most)
            broken = by > OVER
            self._last.clear()
            self._last[key] = some.take(broken), by[broken]
        return self._last[key]

    def fullest(self, mw: Floats, more: Floats, least: float) -> pd.DataFrame:
        """Return the case that fills each line most, of lines filled that much.

        Parameters
        ----------
        mw, more
            As in `over`.
        least : float
            Share of what a line may carry from which on it is listed; the fullest
            line is, however full.

        Returns
        -------
        DataFrame
            ``line`` and ``case`` (-1: none) with ``used_mw`` and ``allowed_mw``,
            fullest first, as `applied_flows` has them.
        """
        asked = least
        while True:
            some, counted, base = self._filling(mw, more, least)
            used = base + counted
            allowed = np.maximum(self.rating[some.line], base) + more[some.line]
            found = pd.DataFrame(
                {
                    "line": some.line,
                    "case": some.case,
                    "used_mw": used,
                    "allowed_mw": allowed,
                    "fill": np.round(used / allowed, FILL_DIGITS),
                }
            )
            found = found[(counted > 0) & (found["fill"] >= least)]
            if len(found) or least < 1e-3:
                break
            least /= 2
        # Of outages that fill a line equally the first by name is told.
        rank = np.empty(len(self.branch), dtype=np.int64)
        names = self.branch.astype(str)
        rank[np.lexsort((np.arange(rank.size), names))] = np.arange(rank.size)
        case = found["case"].to_numpy()
        lost = self.outage[np.maximum(case, 0)] if self.outage.size else case
        found["rank"] = np.where(case < 0, -1, rank[lost])
        found = found.sort_values(
            ["line", "fill", "rank"], ascending=[True, False, True]
        )
        found = found.drop_duplicates("line")
        found = found.sort_values("fill", ascending=False, kind="stable")
        return found if least == asked else found.head(1)

    def _filling(
        self, mw: Floats, more: Floats, fill: float
    ) -> tuple[Over, Floats, Floats]:
        """Return what may be filled to a share, what counts there and its base flow.

        Both in the direction in which it counts [MW]. Nothing that is filled so far
        is missing; some that is not may be there.
        """
        there = np.flatnonzero(mw > 1e-9)
        m = mw[there]
        share = self.share[:, there]
        gone = self.outage_share[:, there]
        seen = _Seen(
            {1.0: np.maximum(share, 0.0) @ m, -1.0: np.maximum(-share, 0.0) @ m},
            np.abs(share).max(axis=1, initial=0.0),
            np.abs(gone) @ m,
            np.abs(gone).max(axis=1, initial=0.0),
            more,
            fill * (1 - ROUGH),
        )
        found = []
        near, sway = np.zeros(0, dtype=np.int64), np.zeros(0)
        if self.outage.size:
            near, sway = self._near(seen)
        for way in (1.0, -1.0):
            found.append(self._without_outage(seen, way))
            if self.outage.size:
                found += [self._listed(seen, way, near, sway), self._rest(seen, way)]
        over = Over(
            np.concatenate([f.line for f in found]),
            np.concatenate([f.case for f in found]),
            np.concatenate([f.way for f in found]),
        )
        counted = np.empty(over.line.size)
        step = max(1, WIDE // max(1, there.size))
        for first in range(0, over.line.size, step):
            pick = slice(first, first + step)
            counted[pick] = self._factor(over.take(pick), share, gone) @ m
        return over, counted, over.way * self.base(over)

    def _without_outage(self, seen: _Seen, way: float) -> Over:
        """Return lines that may be filled without an outage."""
        base = way * self.flow
        need = seen.fill * (np.maximum(self.rating, base) + seen.more) - base
        can = (seen.pushed[way] * (1 + ROUGH) + ROUGH > need) & (
            seen.most >= self.least
        )
        line = np.flatnonzero(can)
        return Over(line, np.full(line.size, -1), np.full(line.size, way))

    def _near(self, seen: _Seen) -> tuple[Ints, Floats]:
        """Return listed pairs that may be filled in a direction, and how they sway."""
        pairs = self.circuits.pairs
        swing = seen.swing * (1 + ROUGH)
        pushed = np.maximum(seen.pushed[1.0], seen.pushed[-1.0]) * (1 + ROUGH) + ROUGH
        # What a smaller share asks for is at most this much less than a full line.
        pushed += (1.0 - seen.fill) * self.rating
        near: list[Ints] = []
        sway: list[Floats] = []
        # Piece by piece: what is worked on stays in the cache.
        for first in range(0, pairs.line.size, PIECE):
            some = slice(first, first + PIECE)
            swayed = swing.take(pairs.case[some])
            swayed *= pairs.size[some]
            may = pushed.take(pairs.line[some])
            may += swayed
            found = np.flatnonzero(may > pairs.least[some])
            near.append(found + first)
            sway.append(swayed[found])
        if not near:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        return np.concatenate(near), np.concatenate(sway)

    def _listed(self, seen: _Seen, way: float, near: Ints, sway: Floats) -> Over:
        """Return listed pairs that may be filled, whatever the signs."""
        pairs = self.circuits.pairs
        line, room = pairs.line[near], pairs.room[way][near]
        # Filled where counted > fill * (rating - min(room, 0) + more) - rating + room.
        pushed = seen.pushed[way] * (1 + ROUGH) + ROUGH + self.rating
        pushed -= seen.fill * (self.rating + seen.more)
        may = pushed[line] + sway > room - seen.fill * np.minimum(room, 0.0)
        can = np.flatnonzero(may)
        line, case = line[can], pairs.case[near[can]]
        size = pairs.size[near[can]]
        counts = seen.most[line] + size * seen.most_gone[case] >= self.least
        return Over(line[counts], case[counts], np.full(counts.sum(), way))

    def _rest(self, seen: _Seen, way: float) -> Over:
        """Return pairs of small factors that may be filled, whatever the signs."""
        most, flow = self.rating + seen.more, way * self.flow
        pushed = seen.pushed[way] * (1 + ROUGH) + ROUGH
        swing = seen.swing * (1 + ROUGH)
        look = (
            pushed + LISTED * float((swing + np.abs(self.outage_flow)).max())
            > seen.fill * most - flow
        )
        look &= seen.most + LISTED * float(seen.most_gone.max()) >= self.least
        lines = np.flatnonzero(look)
        # Closer, by what outages of small factor leave of each line.
        room = self.circuits.small_room(lines)
        ahead = pushed[lines] + LISTED * float(swing.max()) * (1 + ROUGH) + ROUGH
        lines = lines[ahead + (1.0 - seen.fill) * self.rating[lines] > room]
        line, case = [], []
        step = max(1, BLOCK // self.outage.size)
        for first in range(0, lines.size, step):
            some = lines[first : first + step]
            moved = self.factors.of_branches(self.line[some])
            base = moved * (way * self.outage_flow)
            base += flow[some][:, None]
            need = np.maximum(base, self.rating[some][:, None])
            need += seen.more[some][:, None]
            need *= seen.fill
            need -= base
            size = np.abs(moved)
            can = size * swing + pushed[some][:, None] > need
            can &= size < LISTED
            can &= seen.most[some][:, None] + size * seen.most_gone >= self.least
            at = np.flatnonzero(can)
            line.append(some[at // self.outage.size])
            case.append(at % self.outage.size)
        none = np.zeros(0, dtype=np.int64)
        own, lost = np.concatenate([none, *line]), np.concatenate([none, *case])
        return Over(own, lost, np.full(own.size, way))

    def reach(self, total_mw: float) -> Floats:
        """Return the most that so much new load can push over each line [MW]."""
        share = np.abs(self.share).max(axis=1, initial=0.0)
        lost = float(np.abs(self.outage_share).max(initial=0.0))
        found: Floats = (share + self.circuits.most_moved * lost) * total_mw
        return found


@dataclass(frozen=True, eq=False)
class _Seen:
    """What some loads do: pushed by direction, and over what drops out [MW].

    ``more`` is by how much lines are stronger, ``fill`` the share looked for.
    """

    pushed: dict[float, Floats]
    most: Floats
    swing: Floats
    most_gone: Floats
    more: Floats
    fill: float


def line_name(branch: object, outage: object = None) -> str:
    """Return how the accounts call a line, and a line after an outage.

    Examples
    --------
    >>> line_name(17), line_name(17, 203)
    ('17', '17 after 203')
    """
    return f"{branch}" if outage is None else f"{branch} after {outage}"


__all__ = ["Lines", "Over", "line_name"]
