"""The exclusion of patches that are too small."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from siteselect.errors import StudyError, four_parts
from siteselect.suitability.exclusions import Exclusion, Flags, Verdict, _name
from siteselect.suitability.ground import area_km2, patches, touching
from siteselect.suitability.queries import Queries

__all__ = ["MinArea"]


@dataclass(frozen=True, eq=False)
class MinArea(Exclusion):
    """Exclude candidates whose patch of touching, usable ground is too small.

    A patch is made of the candidates that the rules *before* this one in the
    list leave and that share a border; a common corner is no border. So place
    it last, or where it is meant to count.

    Parameters
    ----------
    min_ha : float
        Least area of a patch [ha]; one of exactly that area stays.
    name : str, optional
        Name in ``excluded_by``.

    Raises
    ------
    StudyError
        If the area cannot be used.
    LayerError
        When judged, if a candidate has no ground: it must be a polygon, or a
        cell of a grid.

    Notes
    -----
    Alone, or inside ``&``, ``|`` and ``~``, it looks at all candidates.

    Examples
    --------
    >>> from shapely import box
    >>> from siteselect.suitability import grid_candidates
    >>> sites = grid_candidates(box(-100, 31, -99, 32), spacing_km=25)
    >>> MinArea(min_ha=2_000_000)(sites).all(), MinArea(min_ha=500_000)(sites).any()
    (np.True_, np.False_)
    """

    needs_all_sites: ClassVar[bool] = True

    min_ha: float = field(kw_only=True)
    name: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        check_area("MinArea", "min_ha", self.min_ha)
        _name(self, f"patch below {self.min_ha:g} ha")

    def verdict(self, queries: Queries) -> Verdict:
        """Judge all sites, with nothing taken out before."""
        return self.verdict_after(queries, np.zeros(len(queries.sites), dtype=bool))

    def verdict_after(self, queries: Queries, is_out: Flags) -> Verdict:
        """Judge the sites that are left; those taken out are not judged again."""
        sites = queries.sites
        left = ~np.asarray(is_out, dtype=bool)
        excluded = np.zeros(len(sites), dtype=bool)
        patch = patches(touching(sites[left], self.name), np.ones(left.sum(), bool))
        total = np.bincount(patch, weights=area_km2(sites[left]))
        # Sums of equal cells must not fail by their last digit.
        excluded[left] = total[patch] * 100 < self.min_ha * (1 - 1e-9)
        return Verdict(excluded, np.zeros(len(sites), dtype=bool))


def check_area(
    kind: str, name: str, ha: float | None, *, optional: bool = False
) -> None:
    """Refuse an area that is not finite and positive."""
    if ha is None and optional:
        return
    is_number = isinstance(ha, (int, float, np.number)) and not isinstance(ha, bool)
    if not is_number or ha is None or not np.isfinite(ha) or ha <= 0:
        raise StudyError(
            four_parts(
                f"{kind} takes {name} in hectares",
                f"found {ha!r}",
                "allowed are finite numbers above 0",
                f"pass for instance {name}=100",
            )
        )
