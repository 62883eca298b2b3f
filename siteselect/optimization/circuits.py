"""The rated lines of a network and what outages move: the same for every plan.

Of every line after every outage only few can be overloaded by some sites. Pairs
whose factor is large are listed once; of the others a line is looked at only where
even the largest of them could matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from siteselect.infrastructure.grid.outages import OutageFactors
from siteselect.optimization.problem import Floats, Ints

#: Factors from this size on are listed with the line and the outage they belong to.
LISTED: Final = 0.02
#: Entries worked on at once: few enough that they stay in the cache.
BLOCK: Final = 200_000


@dataclass(frozen=True, eq=False)
class Pairs:
    """Lines after outages whose factor is at least `LISTED`, by line.

    ``room`` is what is left in either direction in the base case after the outage
    [MW], below 0 where the line is over its rating then; ``least`` is the smaller
    one, 0 where it is below.
    """

    line: Ints
    case: Ints
    size: Floats
    room: dict[float, Floats]
    least: Floats


@dataclass(frozen=True, eq=False)
class Circuits:
    """Lines with a rating, their base flow, and where flows go after outages.

    Parameters
    ----------
    line : ndarray of int
        Branch of each line: those with a rating.
    flow, rating : ndarray, shape (n_lines,)
        Base flow and rating [MW].
    outage_flow : ndarray, shape (n_outages,)
        Base flow of the branches that drop out [MW].
    factors : OutageFactors
        Change of flows per MW that a lost branch carried.
    """

    line: Ints
    flow: Floats
    rating: Floats
    outage_flow: Floats
    factors: OutageFactors

    @property
    def outage(self) -> Ints:
        """Branches that drop out."""
        return self.factors.outage

    @cached_property
    def pairs(self) -> Pairs:
        """Lines after outages that move much of what was lost."""
        line: list[Ints] = []
        case: list[Ints] = []
        moved: list[Floats] = []
        step = max(1, BLOCK // max(1, self.outage.size))
        linked = np.flatnonzero(~np.isin(self.line, self.factors.bridge))
        for first in range(0, max(1, linked.size), step):
            some = linked[first : first + step]
            row, lost, factor = self.factors.large(self.line[some], LISTED)
            line.append(some[row])
            case.append(lost)
            moved.append(factor)
        own, lost = np.concatenate(line), np.concatenate(case)
        factor = np.concatenate(moved)
        after = self.flow[own] + factor * self.outage_flow[lost]
        rating = self.rating[own]
        room = {1.0: rating - after, -1.0: rating + after}
        least = np.maximum(rating - np.abs(after), 0.0)
        return Pairs(own, lost, np.abs(factor), room, least)

    @cached_property
    def most_moved(self) -> Floats:
        """A bound on the size of each line's factors."""
        most = np.full(self.line.size, LISTED if self.outage.size else 0.0)
        if self.outage.size:
            np.maximum.at(most, self.pairs.line, self.pairs.size)
        return most

    @cached_property
    def _small(self) -> Floats:
        """Room of each line after outages of small factor [MW], NaN where unasked."""
        return np.full(self.line.size, np.nan)

    def small_room(self, lines: Ints) -> Floats:
        """Return the room of lines after those outages that are not listed [MW].

        The smallest, in either direction, 0 where a line is over its rating then.
        """
        small = self._small
        unasked = lines[np.isnan(small[lines])]
        step = max(1, BLOCK // max(1, self.outage.size))
        for first in range(0, unasked.size, step):
            some = unasked[first : first + step]
            moved = self.factors.of_branches(self.line[some])
            after = np.abs(moved * self.outage_flow + self.flow[some][:, None])
            after[np.abs(moved) >= LISTED] = 0.0
            most = after.max(axis=1, initial=0.0)
            small[some] = np.maximum(self.rating[some] - most, 0.0)
        found: Floats = small[lines]
        return found


__all__ = ["BLOCK", "LISTED", "Circuits", "Pairs"]
