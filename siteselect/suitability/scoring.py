"""A whole scoring under one name: criteria, weights, exclusions, gates.

It is what a study file says of scoring, and it can be stored there.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import tomli_w

from siteselect.errors import SiteSelectError, StudyError, check_given, four_parts, said
from siteselect.suitability.aggregation import Aggregate, WeightedSum, as_aggregate
from siteselect.suitability.criteria import Criterion
from siteselect.suitability.exclusions import Rule
from siteselect.suitability.gates import Gate, check_gates
from siteselect.suitability.records import aggregate_from_dict
from siteselect.suitability.sameness import same_parts
from siteselect.suitability.score import score_sites
from siteselect.suitability.stored import (
    Layers,
    Own,
    check_keys,
    part_of,
    placed,
    record_of,
    refuse_deep,
)
from siteselect.suitability.stored_weights import weights_from_dict
from siteselect.suitability.weighting import Weights, with_weights
from siteselect.whole_files import as_path

#: Mistakes listed in one message.
_MOST = 20

__all__ = ["Scoring"]


@dataclass(frozen=True, eq=False)
class Scoring:
    """What is scored and how: criteria, weights, exclusions, gates, aggregate.

    Use it to keep a scoring in a study file, and to give the same one to others.

    Parameters
    ----------
    criteria : sequence of Criterion
        As for `score_sites`.
    exclude : sequence of Exclusion, optional
        As for `score_sites`, in their order.
    gates : sequence of Gate, optional
        As for `check_gates`.
    aggregate : Aggregate, optional
        How values become a score; the weighted sum by default.
    weights : Weights, optional
        Weights by name in place of those that the criteria carry.

    Raises
    ------
    StudyError
        If weights and criteria do not match, or the aggregate is none.

    Notes
    -----
    In a file, ``kind`` names the class, the other keys are its arguments, and a
    layer stands under its name. ``false`` says none.

    Examples
    --------
    >>> import geopandas as gpd
    >>> lakes = gpd.GeoDataFrame(geometry=gpd.points_from_xy([0], [0]), crs=4326)
    >>> text = '''
    ... [[criteria]]
    ... name = "size"
    ... weight = 2
    ... measure = { kind = "Column", source = "acres" }
    ... value = { kind = "Rising", a = 100, b = 500 }
    ...
    ... [[exclude]]
    ... kind = "Near"
    ... layer = "lakes"
    ... km = 0.5
    ... '''
    >>> scoring = Scoring.from_toml(text, {"lakes": lakes})
    >>> sites = gpd.GeoDataFrame(
    ...     {"acres": [300.0, 900.0]},
    ...     geometry=gpd.points_from_xy([5, 0], [0, 0]), crs=4326,
    ... )
    >>> scoring.score(sites)[["score", "excluded_by"]].values.tolist()
    [[0.5, ''], [nan, 'near layer (0.5 km)']]
    >>> again = Scoring.from_toml(scoring.to_toml({"lakes": lakes}), {"lakes": lakes})
    >>> again == scoring
    True

    >>> [criterion.weight for criterion in scoring.weighted]
    [2]
    >>> record = scoring.to_dict({"lakes": lakes})
    >>> Scoring.from_dict(record, {"lakes": lakes}) == scoring
    True
    >>> from pathlib import Path
    >>> _ = Path("scoring.toml").write_text(text)
    >>> Scoring.read("scoring.toml", {"lakes": lakes}) == scoring
    True
    """

    criteria: Sequence[Criterion]
    exclude: Sequence[Rule] = field(default=(), kw_only=True)
    gates: Sequence[Gate] = field(default=(), kw_only=True)
    aggregate: Aggregate = field(default_factory=WeightedSum, kw_only=True)
    weights: Weights | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for part in ("criteria", "exclude", "gates"):
            check_given(
                getattr(self, part),
                ("__iter__",),
                f"Scoring takes its {part} as a list",
                "allowed are lists, also empty ones",
                "Scoring([Criterion(...)], exclude=[Inside(layer)])",
            )
            object.__setattr__(self, part, tuple(getattr(self, part)))
        for criterion in self.criteria:
            check_given(
                criterion,
                ("name", "weight"),
                "Scoring takes criteria",
                "allowed is a list of Criterion",
                'Scoring([Criterion("slope", Column("slope_pct"), Falling(2, 15))])',
            )
        names = [criterion.name for criterion in self.criteria]
        object.__setattr__(self, "aggregate", as_aggregate(self.aggregate, names))
        if self.weights is not None:
            with_weights(self.criteria, self.weights)

    def __eq__(self, other: object) -> bool:
        """Return True for equal parts that read the same layers."""
        return same_parts(self, other)

    def __hash__(self) -> int:
        """Return one hash for the names of the criteria."""
        return hash(tuple(criterion.name for criterion in self.criteria))

    @property
    def weighted(self) -> list[Criterion]:
        """The criteria with the weights that count."""
        if self.weights is None:
            return list(self.criteria)
        return with_weights(self.criteria, self.weights)

    def score(self, sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Score candidates, and ask the gates if there are any.

        Parameters
        ----------
        sites : geopandas.GeoDataFrame
            Candidates with a unique index; not changed.

        Returns
        -------
        geopandas.GeoDataFrame
            As from `score_sites`, and from `check_gates`.

        Raises
        ------
        StudyError, LayerError
            If a part cannot be used; the message names it.
        """
        scored = score_sites(
            sites, self.weighted, exclude=self.exclude, aggregate=self.aggregate
        )
        return check_gates(scored, self.gates) if self.gates else scored

    def to_dict(self, layers: Layers | None = None) -> dict[str, Any]:
        """Return the scoring as plain values; empty parts are left out.

        Parameters
        ----------
        layers : mapping of str to layer, optional
            Where names of layers are looked up; without it layers say their own.

        Returns
        -------
        dict
            ``aggregate, weights, criteria, exclude, gates``.

        Raises
        ------
        StudyError
            If a part is a function of your own, or a layer has no name.
        """
        found: dict[str, Any] = {}
        if self.aggregate != WeightedSum():
            found["aggregate"] = record_of(self.aggregate, layers, "The aggregate")
        if self.weights is not None:
            found["weights"] = self.weights.to_dict()
        found["criteria"] = [c.to_dict(layers) for c in self.criteria]
        if self.exclude:
            found["exclude"] = [
                record_of(rule, layers, f"Exclusion {i}")
                for i, rule in enumerate(self.exclude, start=1)
            ]
        if self.gates:
            found["gates"] = [gate.to_dict(layers) for gate in self.gates]
        return found

    def to_toml(self, layers: Layers | None = None) -> str:
        """Return the scoring as the text of a study file.

        Parameters
        ----------
        layers : mapping of str to layer, optional
            Where names of layers are looked up; without it layers say their own.

        Returns
        -------
        str
            TOML. Numbers are written so that they read back to the same bits.

        Raises
        ------
        StudyError
            If a part is a function of your own, or a layer has no name.
        """
        return tomli_w.dumps(self.to_dict(layers))

    @classmethod
    def from_dict(
        cls,
        record: Mapping[str, Any],
        layers: Layers | None = None,
        *,
        own: Own = (),
        file: str = "",
    ) -> Scoring:
        """Make the scoring that plain values describe.

        Parameters
        ----------
        record : mapping
            ``criteria``, and any of ``exclude``, ``gates``, ``weights``,
            ``aggregate``, as `to_dict` returns them.
        layers : mapping of str to layer, optional
            The layers that records name, e.g. ``datasets.load_all(area)``.
        own : iterable of classes, optional
            Dataclasses of your own that a record may name.
        file : str, optional
            Name of the file, for messages.

        Returns
        -------
        Scoring
            Equal to the one that was stored.

        Raises
        ------
        StudyError
            With all that is wrong, each with its place, what is allowed and the
            change that mends it.
        """
        own, layers = tuple(own), layers or {}
        ways = tuple(made for made in own if issubclass(made, Aggregate))
        keys = ("criteria", "exclude", "gates", "weights", "aggregate")
        with placed(file):
            check_keys(record, keys, ("criteria",), "The scoring")
        gathered = _Gathered()

        def criterion(item: Any, place: str) -> Criterion:
            return Criterion.from_dict(item, layers, own=own)

        def rule(item: Any, place: str) -> Rule:
            made: Rule = part_of(item, "Rule", layers, place, own)
            return made

        def gate(item: Any, place: str) -> Gate:
            return Gate.from_dict(item, layers, own=own)

        parts: dict[str, Any] = {
            "criteria": gathered.each(record, "criteria", "Criterion", criterion),
            "exclude": gathered.each(record, "exclude", "Exclusion", rule),
            "gates": gathered.each(record, "gates", "Gate", gate),
        }
        if "weights" in record:
            parts["weights"] = gathered.one(
                lambda: weights_from_dict(record["weights"]), "Weights"
            )
        if "aggregate" in record:
            parts["aggregate"] = gathered.one(
                lambda: aggregate_from_dict(record["aggregate"], own=ways), "Aggregate"
            )
        gathered.refuse(file)
        with placed(file):
            return cls(**parts)

    @classmethod
    def from_toml(
        cls,
        text: str,
        layers: Layers | None = None,
        *,
        own: Own = (),
        file: str = "",
    ) -> Scoring:
        """Make the scoring that the text of a study file describes.

        Parameters
        ----------
        text : str
            TOML, as `to_toml` returns it.
        layers, own, file
            As for `from_dict`.

        Returns
        -------
        Scoring

        Raises
        ------
        StudyError
            If the text is no TOML (with the line), or what it says cannot be used.
        """
        return cls.from_dict(parsed(text, file), layers, own=own, file=file)

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        layers: Layers | None = None,
        *,
        own: Own = (),
    ) -> Scoring:
        """Make the scoring of a file.

        Parameters
        ----------
        path : path-like
            A TOML file.
        layers, own
            As for `from_dict`.

        Returns
        -------
        Scoring

        Raises
        ------
        StudyError
            If the file cannot be read or used.
        """
        place = as_path(
            path, 'Scoring.read("study.toml", layers)', "Scoring is read from a file"
        )
        return cls.from_toml(file_text(place), layers, own=own, file=place.name)


def file_text(path: Path) -> str:
    """Return the text of a study file, or say why there is none."""
    try:
        # Some editors begin a text with a byte order mark, which TOML does not know.
        return path.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        is_text = not isinstance(error, UnicodeDecodeError)
        why = getattr(error, "strerror", None) or (
            str(error) if is_text else "it is no UTF-8 text"
        )
        raise StudyError(
            four_parts(
                f"Study file {str(path)!r} was to be read",
                f"found that {str(why)[0].lower()}{str(why)[1:]}",
                "allowed is a TOML file in UTF-8",
                "check the path",
            )
        ) from error


def parsed(text: str, file: str = "") -> dict[str, Any]:
    """Return what TOML says, or the line where it is none."""
    if not isinstance(text, str):
        raise StudyError(
            four_parts(
                "A study is made from TOML text",
                f"it was given {said(text)}",
                "text is allowed; a file is read by its path",
                'Study.read("study.toml")',
            )
        )
    try:
        record = tomllib.loads(text)
    # Numbers of thousands of digits and tables nested without end are no TOML error.
    except (ValueError, RecursionError) as error:
        raise StudyError(
            four_parts(
                f"Study file {file!r} is TOML" if file else "A study file is TOML",
                f"it cannot be read: {error}",
                "allowed is TOML 1.0, e.g. km = 0.5, with text in quotes",
                "correct that line",
            )
        ) from error
    refuse_deep(record, f"Study file {file!r}" if file else "A study file")
    return record


class _Gathered:
    """Makes parts one by one and keeps what is wrong, to say all of it at once."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def one(self, make: Callable[[], Any], place: str) -> Any:
        """Return what is made, or note why it cannot be."""
        try:
            return make()
        except SiteSelectError as error:
            # A message names its criterion or gate, unless that has no name.
            for message in getattr(error, "mistakes", ()) or (str(error),):
                named = message.startswith(f"{place.split()[0]} ")
                self.mistakes.append(message if named else f"{place}: {message}")
            return None

    def each(
        self,
        record: Mapping[str, Any],
        key: str,
        word: str,
        make: Callable[[Any, str], Any],
    ) -> list[Any]:
        """Return what is made of each table of a list."""
        items = record.get(key, [])
        if not isinstance(items, (list, tuple)):
            message = four_parts(
                f"{key} is a list of tables",
                f"found {said(items)}",
                "allowed is a list with one table for each",
                f"write [[{key}]] above each of them",
            )
            self.mistakes.append(message)
            items = []
        places = [f"{word} {i}" for i in range(1, len(items) + 1)]
        return [
            self.one(partial(make, item, place), place)
            for item, place in zip(items, places, strict=True)
        ]

    def refuse(self, file: str) -> None:
        """Raise an error with all that is wrong, if anything is."""
        head = f"{file}: " if file else ""
        if len(self.mistakes) == 1:
            raise StudyError(head + self.mistakes[0])
        if self.mistakes:
            lines = [f"- {line}" for line in self.mistakes[:_MOST]]
            if len(self.mistakes) > _MOST:
                lines.append(f"- and {len(self.mistakes) - _MOST} more")
            count = f"{head}{len(self.mistakes)} mistakes"
            raise StudyError("\n".join([count, *lines]))
