"""What solar and wind plants give hour by hour: the user's 8760, or typical days."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, StudyError, four_parts, said, shown
from siteselect.infrastructure.compute import HOURS_PER_YEAR
from siteselect.infrastructure.energy.annual_factor import annual_factor, scaled
from siteselect.infrastructure.energy.clear_sky import clear_day
from siteselect.infrastructure.energy.profile_tables import (
    check_load,
    check_shares,
    hourly_table,
    load_shape,
)
from siteselect.infrastructure.parameter_table import parameter_values
from siteselect.layers import Raster, spatial

__all__ = ["Profiles"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Table: TypeAlias = "pd.DataFrame | str | Path"

#: What is said wherever typical days stand in for a year of weather.
DEMONSTRATION: Final = "typical-day demonstration"
#: Season: day of the year that stands for it, and days in it. Winter comes first.
SEASONS: Final = ((15, 90), (105, 92), (196, 92), (288, 91))
#: Days of the poor spell, once a year in winter, and the typical days after it.
POOR_DAYS, AFTER_DAYS = 5, 2
_KINDS: Final = ("solar", "wind")


@dataclass(frozen=True, eq=False)
class Profiles:
    """Hourly output of solar and wind plants at each site, and how hours follow.

    `Profiles.hourly` takes a year of the user's own data, `Profiles.typical_days` makes
    a demonstration from an annual capacity factor.

    Parameters
    ----------
    site : Index, (n_sites,)
        Labels of the sites.
    cf : mapping of {"solar", "wind"} to ndarray, (n_sites, n_hours)
        Output per MW built [0 to 1]. A site that is not known is NaN in all hours.
    hours : ndarray, (n_hours,)
        Hours of the year that each one stands for; 8,760 in all. Hours that follow one
        another stand for as many: what is stored in one is there in the next.
    before : ndarray of int, (n_hours,)
        The hour at whose end the storage is as full as at the start of this one.
    load : ndarray, (n_hours,)
        Load over its annual mean [-].
    label : str
        What the profiles are, for reports.
    is_demonstration : bool, default False
        Whether they only stand in for a year of weather.

    Raises
    ------
    LayerError
        If a value is missing, negative or above 1, shapes do not fit, or labels repeat.

    Examples
    --------
    >>> import numpy as np, pandas as pd, siteselect as ss
    >>> sun = np.tile(np.r_[np.zeros(12), np.ones(12)], 365)
    >>> ss.Profiles.hourly(solar=pd.DataFrame({"a": sun}))
    Profiles(1 site, 8,760 hours, solar 0.50, hourly)
    """

    site: pd.Index[Any]
    cf: Mapping[str, Floats]
    hours: Floats
    before: Ints
    load: Floats
    label: str = "hourly"
    is_demonstration: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        try:
            cf = {k: np.asarray(v, np.float64) for k, v in dict(self.cf).items()}
            arrays = [np.asarray(x, np.float64) for x in (self.hours, self.load)]
            before = np.asarray(self.before, np.int64)
            site = pd.Index(self.site)
        except (OverflowError, TypeError, ValueError) as error:
            raise LayerError(
                four_parts(
                    "profiles hold numbers by hour",
                    str(error),
                    "arrays of numbers are allowed",
                    "Profiles.hourly(solar=frame)",
                )
            ) from error
        for name, value in zip(
            ("site", "cf", "hours", "load", "before"),
            (site, cf, *arrays, before),
            strict=True,
        ):
            object.__setattr__(self, name, value)
        n, m = len(self.site), len(self.hours)
        if not self.cf or not set(self.cf) <= set(_KINDS):
            raise LayerError(
                four_parts(
                    "profiles say what solar and wind plants give",
                    f"found {shown(map(repr, self.cf)) or 'none'}",
                    "'solar', 'wind' or both are allowed",
                    "Profiles.hourly(solar=frame)",
                )
            )
        if not self.site.is_unique:
            again = self.site[self.site.duplicated()].unique()
            raise LayerError(
                four_parts(
                    "each site has one profile",
                    f"these have more: {shown(map(repr, again))}",
                    "a unique label for each site",
                    "frame.loc[:, ~frame.columns.duplicated()]",
                )
            )
        shapes = {name: np.shape(values) for name, values in self.cf.items()}
        fits = all(shape == (n, m) for shape in shapes.values())
        chain = self.before
        if (
            not fits
            or np.shape(self.load) != (m,)
            or chain.shape != (m,)
            or m == 0
            or not np.array_equal(np.sort(chain), np.arange(m))
            or not np.array_equal(self.hours, self.hours[chain])
            or abs(float(np.sum(self.hours)) - HOURS_PER_YEAR) > 1e-6
            or not (self.hours > 0).all()
        ):
            raise LayerError(
                four_parts(
                    f"profiles of {n} sites and {m} hours were given",
                    f"output has shapes {shapes}, load {np.shape(self.load)}, before "
                    f"{chain.shape}; hours add up to {np.sum(self.hours):g}",
                    "hours that are positive and add up to 8760, one load each, each "
                    "the forerunner of one other that counts as often, are allowed",
                    "use Profiles.hourly(solar=frame)",
                )
            )
        for name, values in self.cf.items():
            check_shares(name, values, self.site)
        check_load(self.load, self.hours)

    def __repr__(self) -> str:
        means = ", ".join(
            f"{name} {np.nanmean(values @ self.hours) / HOURS_PER_YEAR:.2f}"
            if np.isfinite(values).any()
            else f"{name} unknown"
            for name, values in self.cf.items()
        )
        n = len(self.site)
        return (
            f"Profiles({n:,} site{'s' * (n != 1)}, {len(self.hours):,} hours, {means}, "
            f"{self.label})"
        )

    @staticmethod
    def hourly(
        *,
        solar: Table | None = None,
        wind: Table | None = None,
        load: npt.ArrayLike | None = None,
    ) -> Profiles:
        """Return profiles from a year of the user's own data.

        Parameters
        ----------
        solar, wind : DataFrame or path, (8760, n_sites), optional
            Output per MW built [0 to 1], a column per site, named by its label, and a
            row per hour in order of time; at least one of the two. A site that is NaN
            in all hours is not known. A path is a CSV or Parquet file with nothing but
            these columns (an index column of Parquet is fine); `read_profiles` reads
            the files of reV, PVGIS and atlite.
        load : array_like, (8760,), optional
            Load by hour, in any unit: only its shape counts. Steady by default.

        Returns
        -------
        Profiles

        Raises
        ------
        LayerError
            If a table has no 8760 rows, or holds something other than numbers from 0
            to 1, or the two tables name different sites.

        Notes
        -----
        The last hour is followed by the first: storage ends the year as it began.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> from siteselect.infrastructure.energy import Profiles
        >>> wind = pd.DataFrame({"a": np.full(8760, 0.4), "b": np.full(8760, 0.3)})
        >>> Profiles.hourly(wind=wind).site.tolist()
        ['a', 'b']
        """
        tables = {
            name: hourly_table(name, given)
            for name, given in (("solar", solar), ("wind", wind))
            if given is not None
        }
        if not tables:
            raise LayerError(
                four_parts(
                    "profiles say what solar and wind plants give",
                    "neither was given",
                    "a table of 8760 hours for solar, wind or both",
                    "Profiles.hourly(solar=frame)",
                )
            )
        first, *others = tables.values()
        site = first.columns
        for other in others:
            odd = site.symmetric_difference(other.columns)
            if len(odd):
                raise LayerError(
                    four_parts(
                        "solar and wind profiles were given",
                        f"{len(odd)} sites are in one of them only: "
                        f"{shown(map(repr, odd))}",
                        "the same columns in both",
                        "wind[solar.columns]",
                    )
                )
        m = int(HOURS_PER_YEAR)
        shape = np.ones(m) if load is None else load_shape(load)
        return Profiles(
            site,
            {
                name: np.ascontiguousarray(table[site].to_numpy(dtype=np.float64).T)
                for name, table in tables.items()
            },
            np.ones(m),
            np.roll(np.arange(m), 1),
            shape,
        )

    @staticmethod
    def typical_days(
        sites: gpd.GeoDataFrame,
        solar_cf: Raster | str | pd.Series[Any],
        *,
        parameters: Mapping[str, float | str] | None = None,
    ) -> Profiles:
        """Return typical solar days per season and a poor spell: a demonstration.

        Parameters
        ----------
        sites : GeoDataFrame, (n,)
            Candidates; their latitude gives the course of the sun.
        solar_cf : Raster, str or Series
            Annual capacity factor of a single-axis plant [0 to 1]: a raster, such as
            the bundled ``solar_cf``, a column, or a Series keyed by site.
        parameters : mapping, optional
            Another value for ``poor_day_output``.

        Returns
        -------
        Profiles
            264 hours: a typical day for each of four seasons, and once a winter a week
            of five poor days followed by two typical ones. Their mean over the year
            is ``solar_cf``. A site whose factor is unknown is NaN.

        Raises
        ------
        LayerError
            If a factor is no number from 0 to 1, or more than daylight allows.

        Notes
        -----
        The shape is that of clear days (`clear_day`) times one factor per site,
        capped at the rating as an inverter does, so that the annual mean is met.
        All days of a season are alike, each starts as full as it ends, and the poor
        week is closed in itself: real weather varies more, and firm supply costs
        more than such days say.

        Examples
        --------
        >>> import siteselect as ss
        >>> sites = ss.grid_candidates(ss.datasets.region("TX"), spacing_km=300)
        >>> days = ss.Profiles.typical_days(sites, ss.datasets.load("solar_cf"))
        >>> len(days.hours), days.label
        (264, 'typical-day demonstration')
        """
        values = parameter_values(parameters)
        wanted = annual_factor(sites, solar_cf)
        latitude = spatial.points_of(sites).y.to_numpy(dtype=np.float64)
        days = [clear_day(latitude, day) for day, _ in SEASONS]
        poor = values["poor_day_output"]
        winter = days[0]
        week = [winter] * (POOR_DAYS + AFTER_DAYS)
        light = np.concatenate([*days, *week], axis=1)
        damp = np.ones(light.shape[1])
        damp[96 : 96 + 24 * POOR_DAYS] = poor
        counts = [float(count) for _, count in SEASONS]
        counts[0] -= POOR_DAYS + AFTER_DAYS
        hours = np.concatenate(
            [np.repeat(counts, 24), np.ones(24 * (POOR_DAYS + AFTER_DAYS))]
        )
        before = np.concatenate(
            [24 * k + np.roll(np.arange(24), 1) for k in range(4)]
            + [96 + np.roll(np.arange(24 * (POOR_DAYS + AFTER_DAYS)), 1)]
        )
        return Profiles(
            sites.index,
            {"solar": scaled(light, damp, hours, wanted, sites.index)},
            hours,
            before.astype(np.int64),
            np.ones(hours.size),
            DEMONSTRATION,
            is_demonstration=True,
        )

    def take(self, labels: pd.Index[Any]) -> Profiles:
        """Return the profiles of some sites, in their order.

        Parameters
        ----------
        labels : pandas.Index
            Labels of the sites.

        Returns
        -------
        Profiles

        Raises
        ------
        LayerError
            If a site has no profile.

        Examples
        --------
        >>> import numpy as np, pandas as pd, siteselect as ss
        >>> wind = pd.DataFrame({"a": np.full(8760, 0.4), "b": np.full(8760, 0.3)})
        >>> ss.Profiles.hourly(wind=wind).take(pd.Index(["b"])).site.tolist()
        ['b']
        """
        at = self.site.get_indexer(labels)
        if (at < 0).any():
            lost = labels[at < 0]
            raise LayerError(
                four_parts(
                    f"profiles of {len(labels)} sites are read",
                    f"{len(lost)} sites have none: {shown(map(repr, lost))}",
                    f"labels such as {shown(map(repr, self.site[:3]))} are known",
                    "name the columns of the profiles as sites.index",
                )
            )
        return replace(
            self, site=labels, cf={name: cf[at] for name, cf in self.cf.items()}
        )

    def redrawn(self, seed: int = 0, *, spread: float = 0.35) -> Profiles:
        """Return another year with the same annual means, for a check.

        Each day of the year is a day of these profiles times a factor of its own, drawn
        anew; typical days follow each other as the calendar has them, and the poor
        spell lies in winter. A plan that was fitted to one year meets another.

        Parameters
        ----------
        seed : int, default 0
            Seed of the draws; the same seed gives the same year at all sites.
        spread : float, default 0.35
            Standard deviation of the logarithm of the factor [-]; half of it carries
            over from one day to the next. Judgement.

        Returns
        -------
        Profiles
            8760 hours.

        Raises
        ------
        StudyError
            If the seed or the spread is no number of zero or more.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> from siteselect.infrastructure.energy import Profiles
        >>> sun = pd.DataFrame({"a": np.tile(np.repeat([0.0, 0.6], 12), 365)})
        >>> other = Profiles.hourly(solar=sun).redrawn(1)
        >>> float(other.cf["solar"].mean().round(6)), other.label
        (0.3, 'hourly, redrawn with seed 1')
        """
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise StudyError(
                four_parts(
                    f"profiles are drawn anew with seed={said(seed)}",
                    f"that is {type(seed).__name__}",
                    "a whole number, 0 or more, is allowed",
                    "seed=1",
                )
            )
        if not isinstance(spread, int | float) or not 0 <= spread <= 2:
            raise StudyError(
                four_parts(
                    f"profiles are drawn anew with spread={said(spread)}",
                    "it is the standard deviation of a logarithm",
                    "a number from 0 to 2 is allowed",
                    "spread=0.35",
                )
            )
        order = self._year()
        rng = np.random.default_rng(int(seed))
        n_days = order.size // 24
        cf = {}
        for name, values in sorted(self.cf.items()):
            noise = rng.standard_normal(n_days)
            for day in range(1, n_days):
                noise[day] = 0.5 * noise[day - 1] + np.sqrt(0.75) * noise[day]
            damp = np.repeat(np.exp(spread * noise), 24)
            wanted = values @ self.hours / HOURS_PER_YEAR
            cf[name] = scaled(
                values[:, order], damp, np.ones(order.size), wanted, self.site
            )
        m = order.size
        return Profiles(
            self.site,
            cf,
            np.ones(m),
            np.roll(np.arange(m), 1),
            self.load[order] / self.load[order].mean(),
            f"{self.label}, redrawn with seed {seed}",
            is_demonstration=self.is_demonstration,
        )

    def _year(self) -> Ints:
        """Return the hour of these profiles for each hour of a calendar year."""
        m = len(self.hours)
        if m == HOURS_PER_YEAR:
            return np.arange(m)
        # Blocks of hours that follow one another, each as often as it counts.
        ends = np.flatnonzero(self.before != np.arange(m) - 1)
        starts = np.append(ends, m)
        parts = []
        for a, b in itertools.pairwise(starts.tolist()):
            times = round(float(self.hours[a]))
            block = np.tile(np.arange(a, b), times)
            parts.append(block)
        if self.is_demonstration:
            winter, *others, week = parts
            half = winter.size // 48 * 24
            parts = [winter[:half], week, winter[half:], *others]
        order = np.concatenate(parts)
        if order.size != HOURS_PER_YEAR or order.size % 24:
            raise StudyError(
                four_parts(
                    "a whole year is drawn from the profiles",
                    f"their hours stand for {order.size} whole hours",
                    "8760 hours, or blocks of days that each stand for whole days, "
                    "are allowed",
                    "use Profiles.hourly or Profiles.typical_days",
                )
            )
        return order.astype(np.int64)
