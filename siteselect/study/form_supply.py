"""What [supply] of a study may say: a share, and the hours that plants give."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd

from siteselect.errors import MissingDependencyError, SiteSelectError, four_parts
from siteselect.infrastructure import price_supply
from siteselect.study.checks import (
    is_number,
    is_text,
    is_texts,
    is_whole,
    note_unknown,
    note_value,
)
from siteselect.study.lines import Place
from siteselect.study.mistakes import Mistakes
from siteselect.study.parts import arguments_of
from siteselect.study.sources import PLANTS, hourly_profiles

__all__ = ["check_parameters", "check_supply"]

#: What a study itself gives to `price_supply`.
_STUDY_GIVES = ("sites", "profiles", "progress")
#: What may be said of files of profiles.
_OF_PROFILES = ("file", "max_km", "variable", "year")
_FILES = "a file name, a list of them, or a table with its file"


def supply_keys() -> dict[str, bool]:
    """Return what [supply] takes, and whether it must be there."""
    own = {k: v for k, v in arguments_of(price_supply).items() if k not in _STUDY_GIVES}
    return {**own, "layer": False, "profiles": False}


def check_supply(mistakes: Mistakes, folder: Path) -> None:
    """Note what is wrong with what supply is asked for; files of it are read."""
    asked = mistakes.at(("supply",))
    if not isinstance(asked, Mapping) or not asked:
        return
    what = "[supply]"
    known = supply_keys()
    note_unknown(mistakes, ("supply",), known, what, "see help(price_supply)")
    share = (lambda v: is_number(v) and 0 <= v <= 1, "a share from 0 to 1")
    note_value(mistakes, ("supply", "cfe"), *share, what)
    note_value(mistakes, ("supply", "technologies"), is_texts, "a list of texts", what)
    note_value(mistakes, ("supply", "layer"), is_text, "the name of a raster", what)
    _check_profiles(mistakes, folder)
    with mistakes.of("supply", "parameters"):
        check_parameters(asked.get("parameters"))
    prepared = mistakes.at(("prepare",)) or mistakes.at(("candidates", "prepare"))
    for found, mend in (
        ("no 'cfe'" * ("cfe" not in asked), "write for instance cfe = 0.7"),
        ("no prepare = true" * (not prepared), "write prepare = true"),
    ):
        if found:
            message = four_parts(
                "[supply] is priced at a carbon-free share, from the models' figures",
                f"found {found}",
                "both must be there",
                mend,
            )
            mistakes.note(("supply",), message)


def check_parameters(given: Any) -> None:
    """Refuse parameters of the models that are not known or cannot be."""
    from siteselect.infrastructure.parameter_table import parameter_values

    if given is not None:
        parameter_values(given)


def _check_profiles(mistakes: Mistakes, folder: Path) -> None:
    """Note files of profiles that are missing, or that hold no year of output."""
    place: Place = ("supply", "profiles")
    asked = mistakes.at(place)
    if asked is None:
        return
    what = "[supply.profiles]"
    mend = "write for instance solar = 'generation.h5'"
    is_table = isinstance(asked, Mapping) and bool(asked)
    note_value(mistakes, place, lambda v: is_table, "a table of plants", what, mend)
    if not is_table:
        return
    note_unknown(mistakes, place, PLANTS, what)
    if mistakes.at(("supply", "layer")) is not None:
        message = four_parts(
            "[supply] takes hours from files, or typical days from a layer",
            "found both a layer and profiles",
            "allowed is one of them",
            "leave out layer",
        )
        mistakes.note(("supply", "layer"), message)
    for plant in PLANTS:
        if plant in asked and _is_said(mistakes, (*place, plant)):
            _read(mistakes, plant, asked[plant], folder)


def _is_said(mistakes: Mistakes, place: Place) -> bool:
    """Return whether the entry of a plant is good, as far as shows without files."""
    entry, what = mistakes.at(place), f"[supply.profiles], {place[-1]}"
    before = len(mistakes.found)
    if not isinstance(entry, Mapping):
        return note_value(mistakes, place, _is_files, _FILES, what)
    note_unknown(mistakes, place, _OF_PROFILES, what)
    if "file" not in entry:
        message = four_parts(
            f"{what} is read from files",
            "found no 'file'",
            _FILES,
            "write file = 'a.h5'",
        )
        mistakes.note(place, message)
    note_value(mistakes, (*place, "file"), _is_files, "a name or names", what)
    note_value(mistakes, (*place, "variable"), is_text, "the name of a series", what)
    note_value(mistakes, (*place, "year"), is_whole, "a year", what)
    positive = (lambda v: is_number(v) and v > 0, "a number over 0")
    note_value(mistakes, (*place, "max_km"), *positive, what)
    return len(mistakes.found) == before


def _is_files(value: Any) -> bool:
    return (is_text(value) or is_texts(value)) and bool(value)


def _read(mistakes: Mistakes, plant: str, entry: Any, folder: Path) -> None:
    """Read the series of one place, which shows what is wrong with a file."""
    somewhere = gpd.GeoDataFrame(geometry=gpd.points_from_xy([-98], [39]), crs=4326)
    try:
        hourly_profiles(somewhere, {plant: entry}, folder)
    except MissingDependencyError:
        raise  # No mistake of the study's.
    except SiteSelectError as error:
        mistakes.note_error(("supply", "profiles", plant), error)
