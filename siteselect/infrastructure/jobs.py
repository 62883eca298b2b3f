"""Jobs of a site, with their range.

What is known of jobs are announcements: low, mid and high are always given
together, and never a point alone. **Direct** jobs are on the site; **all** jobs
add indirect and induced ones by an input-output multiplier. Construction is
counted in workers at the peak and in job-years, operation in permanent jobs; the
two are never added.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import StudyError, four_parts, shown
from siteselect.infrastructure.parameter_table import LEVELS, parameter_levels

__all__ = ["site_jobs"]

Floats = npt.NDArray[np.float64]
Overrides = Mapping[str, float | str]


def site_jobs(
    mw: npt.ArrayLike | pd.Series, *, parameters: Overrides | None = None
) -> pd.DataFrame:
    """Return the jobs of sites by their size: construction and operation, with range.

    Parameters
    ----------
    mw : float, array_like or Series, (n,)
        Facility MW of each site, such as ``plan.sites["mw"]``.
    parameters : mapping of str to float or {"low", "mid", "high"}, optional
        Other values for ``construction_jobs_per_mw``,
        ``construction_jobs_most``, ``construction_mean_over_peak``,
        ``construction_years``, ``construction_multiplier``,
        ``permanent_jobs_per_mw``, ``permanent_jobs_per_site`` and
        ``operation_multiplier``. A value given holds at low, mid and high.

    Returns
    -------
    DataFrame, (n, 15)
        Indexed as ``mw``; for each measure ``<measure>_low``, ``<measure>``
        and ``<measure>_high``: ``construction_peak`` [workers on site],
        ``construction_job_years`` [job-years, direct],
        ``construction_all_job_years`` [job-years, with indirect and induced],
        ``permanent`` [jobs, direct] and ``permanent_all`` [jobs, with indirect
        and induced]. A site of 0 MW has none; NaN where the size is unknown.

    Raises
    ------
    StudyError
        If a size is negative, infinite or no number.

    Notes
    -----
    peak = min(``construction_jobs_per_mw`` x MW, ``construction_jobs_most``);
    job-years = peak x ``construction_mean_over_peak`` x ``construction_years``;
    permanent = ``permanent_jobs_per_site`` + ``permanent_jobs_per_mw`` x MW.
    All figures behind ``_low`` are low together, those behind ``_high`` high.
    No independent study of jobs per megawatt was found, only announcements.

    References
    ----------
    JLARC, Data Centers in Virginia, 2024; Meta Hyperion and OpenAI
    announcements, 2024: see `parameters`.

    Examples
    --------
    >>> from siteselect.infrastructure import site_jobs
    >>> site_jobs(1000.0).filter(regex="^permanent(_low|_high|)$").iloc[0].to_dict()
    {'permanent_low': 100.0, 'permanent': 250.0, 'permanent_high': 850.0}
    """
    size = _sizes(mw)
    power = size.to_numpy()
    none = power == 0
    columns: dict[str, dict[str, Floats]] = {}
    for level, value in parameter_levels(parameters).items():
        peak = np.minimum(
            value["construction_jobs_per_mw"] * power, value["construction_jobs_most"]
        )
        # A site of unknown size has an unknown peak, not the most.
        peak = np.where(np.isnan(power), np.nan, peak)
        years = (
            peak * value["construction_mean_over_peak"] * value["construction_years"]
        )
        permanent = np.where(
            none,
            0.0,
            value["permanent_jobs_per_site"] + value["permanent_jobs_per_mw"] * power,
        )
        for measure, figures in (
            ("construction_peak", peak),
            ("construction_job_years", years),
            ("construction_all_job_years", years * value["construction_multiplier"]),
            ("permanent", permanent),
            ("permanent_all", permanent * value["operation_multiplier"]),
        ):
            columns.setdefault(measure, {})[level] = figures
    suffix = {"low": "_low", "mid": "", "high": "_high"}
    return pd.DataFrame(
        {
            f"{measure}{suffix[level]}": figures[level]
            for measure, figures in columns.items()
            for level in LEVELS
        },
        index=size.index,
    )


def _sizes(mw: npt.ArrayLike | pd.Series) -> pd.Series:
    array = np.atleast_1d(np.asarray(mw))
    if array.ndim > 1:
        raise StudyError(
            four_parts(
                "Jobs follow from facility MW, one number per site",
                f"got a table of shape {array.shape}",
                "a number, a list or a Series is allowed",
                'write e.g. site_jobs(plan.sites["mw"])',
            )
        )
    given = mw if isinstance(mw, pd.Series) else pd.Series(array)
    size = pd.to_numeric(given, errors="coerce").astype("float64")
    wrong = ((size.isna() & given.notna()) | np.isinf(size) | (size < 0)).to_numpy()
    if wrong.any():
        raise StudyError(
            four_parts(
                "Jobs follow from facility MW",
                f"{int(wrong.sum())} sizes are negative, infinite or no number: "
                f"{shown(given[wrong])} in rows {shown(given.index[wrong])}",
                "0 or more is allowed, NaN where unknown",
                'write e.g. site_jobs(plan.sites["mw"])',
            )
        )
    return size
