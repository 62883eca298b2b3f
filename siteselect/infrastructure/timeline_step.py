"""The step of `prepare` that adds months to power and the year it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from siteselect.errors import LayerError, four_parts, shown
from siteselect.infrastructure.parameter_table import LEVELS, ParameterValues
from siteselect.infrastructure.timeline import (
    MOST_MONTHS,
    energised_year,
    months_to_power,
    queue_months_of,
)
from siteselect.suitability.measures.energised import refuse_disorder

if TYPE_CHECKING:
    from siteselect.infrastructure.preparation import _Draft

__all__ = ["add_timeline"]

_MONTHS = ("months_to_power_low", "months_to_power", "months_to_power_high")
_YEARS = ("energised_year_low", "energised_year", "energised_year_high")


def add_timeline(draft: _Draft, values: ParameterValues) -> None:
    """Add the columns of group ``timeline``."""
    _add_queue(draft, values)
    _refuse_out_of_range(draft)
    found = months_to_power(
        draft.numbers("voltage_kv"),
        draft.numbers("substation_km"),
        draft.numbers("queue_months"),
        parameters=values,
    )
    # The user's own mid figure stands at every level that has none of its own.
    is_own = "months_to_power" in draft.own
    for name, level in zip(_MONTHS, LEVELS, strict=True):
        ours = found[level].to_numpy()
        draft.put(name, draft.numbers("months_to_power") if is_own else ours)
    driver = np.full(len(found), "the candidates") if is_own else found["driver"]
    draft.put("timeline_driver", np.asarray(driver, dtype="object"))
    years_own = "energised_year" in draft.own
    for name, months in zip(_YEARS, _MONTHS, strict=True):
        draft.put(
            name,
            draft.numbers("energised_year")
            if years_own
            else energised_year(draft.numbers(months), values["start_year"]),
        )
    for names in (_MONTHS, _YEARS):
        refuse_disorder(
            names, [draft.numbers(name) for name in names], draft.sites.index
        )


def _add_queue(draft: _Draft, values: ParameterValues) -> None:
    """Add what the utility has said, in months from the start."""
    sites = draft.sites
    said = np.full(len(sites), np.nan)
    if "queue_date" in sites.columns:
        said = queue_months_of(sites["queue_date"], values["start_year"]).to_numpy()
    draft.put("queue_months", said)
    both = ~np.isnan(said) & ~np.isnan(draft.numbers("queue_months"))
    if "queue_months" in draft.own and both.any():
        raise LayerError(
            four_parts(
                "The candidates say when the utility has the connection ready",
                f"{int(both.sum())} rows hold both queue_months and queue_date: "
                f"{shown(sites.index[both])}",
                "one of the two is allowed in each row",
                'write sites.drop(columns="queue_date")',
            )
        )
    if "queue_months" in draft.own and not np.isnan(said).all():
        raise LayerError(
            four_parts(
                "The candidates say when the utility has the connection ready",
                "some rows say so in queue_months, others in queue_date",
                "one of the two columns is allowed",
                "turn dates into months: siteselect.infrastructure.queue_months_of",
            )
        )
    draft.put("queue_fallback", np.isnan(draft.numbers("queue_months")))


def _refuse_out_of_range(draft: _Draft) -> None:
    months = (0.0, MOST_MONTHS, "months from the start")
    years = (1950.0, 2150.0, "calendar years")
    ranges = dict.fromkeys(("queue_months", *_MONTHS), months)
    ranges |= dict.fromkeys(_YEARS, years)
    for name, (least, most, what) in ranges.items():
        if name not in draft.own:
            continue
        numbers = draft.numbers(name)
        wrong = (numbers < least) | (numbers > most)
        if wrong.any():
            raise LayerError(
                four_parts(
                    f"Column {name!r} of the candidates holds {what}",
                    f"{int(wrong.sum())} rows hold less than {least:g} or more than "
                    f"{most:g}: {shown(draft.sites.index[wrong])}",
                    f"{least:g} to {most:g} are allowed, NaN where unknown",
                    "months count from start_year; a date goes into queue_date",
                )
            )
