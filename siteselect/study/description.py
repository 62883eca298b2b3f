"""A whole study as plain values: what a TOML file says, and what Python can say."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import geopandas as gpd
import tomli_w

from siteselect.study import form
from siteselect.study.lines import Place, key_lines
from siteselect.study.mistakes import placed_in
from siteselect.study.parts import plainly, record_of
from siteselect.suitability import Criterion, Gate, Scoring
from siteselect.suitability.exclusions import Exclusion
from siteselect.suitability.scoring import file_text, parsed
from siteselect.suitability.stored import record_of as rule_record
from siteselect.suitability.stored import refuse_deep
from siteselect.suitability.weighting import Weights
from siteselect.whole_files import as_path

if TYPE_CHECKING:
    from siteselect.optimization import SitePlan
    from siteselect.study.result import StudyResult

__all__ = ["Study"]


@dataclass(frozen=True, eq=False)
class Study:
    """A study from map layers to files, as a TOML file holds it.

    Every part is plain values, so that a study can be written down, compared and run
    again; criteria, exclusions, gates, weights, limits and objectives may be given as
    objects and are turned into records. Layers go by name.

    Parameters
    ----------
    title : str
        A line for the reader.
    area : str or list of str
        States by name or postal code, or ``"CONUS"``; needed for a grid, and for
        the bundled layers (else those round the candidates).
    candidates : mapping
        ``spacing_km`` (a grid over the area, with ``shape``); or ``file`` (points,
        polygons or parcels) with ``layer, x, y, crs, id, wkt`` as `read_layer` takes
        them, and ``min_ha``, ``max_ha`` for parcels; or ``substations`` (a
        layer) with ``min_voltage_kv``.
    layers : mapping
        Layers of one's own by name: a file, or a table with ``file`` and what is
        known of it. They stand beside the bundled ones, or in their place.
    prepare : mapping or bool
        Whether the models of `prepare` add their columns; ``cooling`` and
        ``parameters`` are passed on.
    supply : mapping
        Clean supply beside every candidate: what `price_supply` takes, at least
        ``cfe``. It takes the place of grid power in the lifetime cost. The hours are
        those of ``profiles``, a table with ``solar``, ``wind`` or both: a file, a list
        of files, or a table with ``file``, ``variable``, ``year`` and ``max_km``, as
        `read_profiles` takes them; else the typical days of ``layer``.
    preset : str
        ``"training"`` or ``"inference"``: criteria of `presets`, before one's own.
    criteria, exclude, gates : sequence
        As for `Scoring`.
    weights, aggregate : object, optional
        As for `Scoring`.
    fleet : mapping
        Accelerators, racks and servers by name, as `Fleet` counts them; the plan
        holds their IT power.
    options : mapping
        Ways to build a site: ``cooling = true`` or a list of cooling systems.
    plan : mapping
        Arguments of `optimize_sites` by name: ``power_mw = [3000, 3000]``.
    limits : sequence
        Limits of the program.
    outputs : mapping
        ``files`` (names of ``.csv``, ``.gpkg``, ``.geojson``, ``.parquet``, ``.png``,
        ``.svg``, ``.pdf``; ``eligibility.csv`` counts candidates, ``scored.csv`` or
        ``scored.parquet`` holds all of them), ``report`` and its ``pages``
        (``"sites"``, or ``"candidates"`` for a page each) and ``units`` (``"si"`` or
        ``"us"``), ``explorer``, ``survival`` (re-solves, which the report shows as
        robustness) and its ``rng``.
    folder : path-like
        Where files are looked for; not part of the study.

    Raises
    ------
    StudyError
        With everything that is wrong: the key, what was found, what is allowed and
        the nearest name; from a file, the line.

    Examples
    --------
    >>> import siteselect as ss
    >>> study = ss.Study(
    ...     area="Rhode Island",
    ...     candidates={"spacing_km": 10},
    ...     prepare=True,
    ...     preset="training",
    ...     plan={"power_mw": [100, 300], "site_mw": [50, 100]},
    ...     limits=[ss.Spacing(km=15)],
    ... )
    >>> ss.Study.from_toml(study.to_toml()) == study
    True
    >>> plan = study.optimize()
    >>> plan.status, len(plan.limits) > 0
    ('optimal', True)

    >>> ss.Study.from_dict(study.to_dict()) == study
    True
    >>> layers = study.read_layers()
    >>> [criterion.name for criterion in study.scoring(layers).criteria][:2]
    ['grid_options', 'grid_backbone']
    >>> study.score()["score"].notna().any().item()
    True
    >>> from pathlib import Path
    >>> _ = Path("study.toml").write_text(study.to_toml())
    >>> made = ss.Study.read("study.toml").run("out")
    >>> made.plan.status
    'optimal'
    """

    title: str = field(default="", kw_only=True)
    area: str | Sequence[str] | None = field(default=None, kw_only=True)
    candidates: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    layers: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    prepare: Mapping[str, Any] | bool = field(default=False, kw_only=True)
    supply: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    preset: str = field(default="", kw_only=True)
    criteria: Sequence[Any] = field(default=(), kw_only=True)
    exclude: Sequence[Any] = field(default=(), kw_only=True)
    gates: Sequence[Any] = field(default=(), kw_only=True)
    weights: Any = field(default=None, kw_only=True)
    aggregate: Any = field(default=None, kw_only=True)
    fleet: Mapping[str, int] = field(default_factory=dict, kw_only=True)
    options: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    plan: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    limits: Sequence[Any] = field(default=(), kw_only=True)
    outputs: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    folder: str | os.PathLike[str] = field(default=".", kw_only=True, repr=False)
    #: Name and lines of the file it was read from, for messages; no part of the study.
    _file: ClassVar[str] = ""
    _lines: ClassVar[Mapping[Place, int]] = {}

    def __post_init__(self) -> None:
        for one in fields(self):
            if one.name != "folder":
                refuse_deep(getattr(self, one.name), f"A study, {one.name}")
                value = _recorded(one.name, getattr(self, one.name))
                object.__setattr__(self, one.name, value)
        form.check(self.to_dict(), folder=Path(self.folder))

    def __eq__(self, other: object) -> bool:
        """Return True for studies that say the same."""
        return isinstance(other, Study) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        """Return one hash for each text."""
        return hash(self.to_toml())

    # ------------------------------------------------------------------ stored

    def to_dict(self) -> dict[str, Any]:
        """Return the study as plain values; what is not said is left out.

        Returns
        -------
        dict
            What the TOML file holds.
        """
        said = {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if one.name != "folder"
        }
        return {key: value for key, value in said.items() if value}

    def to_toml(self) -> str:
        """Return the study as the text of a file.

        Returns
        -------
        str
            TOML. Numbers read back to the same bits.
        """
        return tomli_w.dumps(self.to_dict())

    @classmethod
    def from_dict(
        cls, record: Mapping[str, Any], *, folder: str | os.PathLike[str] = "."
    ) -> Study:
        """Make the study that plain values describe.

        Parameters
        ----------
        record : mapping
            As `to_dict` returns.
        folder : path-like
            Where its files are looked for.

        Returns
        -------
        Study

        Raises
        ------
        StudyError
            With everything that is wrong.
        """
        form.check(record, folder=Path(folder))
        return cls._of(record, folder)

    @classmethod
    def from_toml(
        cls, text: str, *, folder: str | os.PathLike[str] = ".", file: str = ""
    ) -> Study:
        r"""Make the study that the text of a file describes.

        Parameters
        ----------
        text : str
            TOML.
        folder : path-like
            Where its files are looked for.
        file : str
            Name of the file, for messages.

        Returns
        -------
        Study

        Raises
        ------
        StudyError
            With everything that is wrong and on which line.

        Examples
        --------
        >>> import siteselect as ss
        >>> try:
        ...     ss.Study.from_toml('aera = "RI"\n[candidates]\nspacing_km = "9"')
        ... except ss.StudyError as error:
        ...     print(error.mistakes[0])
        line 1: The study is a table of keys. ... Did you mean 'area'? ...
        """
        record = parsed(text, file)
        lines = key_lines(text)
        form.check(record, lines, file=file, folder=Path(folder))
        study = cls._of(record, folder)
        object.__setattr__(study, "_file", file)
        object.__setattr__(study, "_lines", lines)
        return study

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Study:
        """Make the study of a file; its own files are looked for beside it.

        Parameters
        ----------
        path : path-like
            A TOML file.

        Returns
        -------
        Study

        Raises
        ------
        StudyError
            If the file cannot be read, or with everything that is wrong in it.
        """
        place = as_path(path, 'Study.read("study.toml")', "A study is read from a file")
        return cls.from_toml(file_text(place), folder=place.parent, file=place.name)

    @classmethod
    def _of(cls, record: Mapping[str, Any], folder: str | os.PathLike[str]) -> Study:
        """Make a study from what has been checked."""
        study = object.__new__(cls)
        for one in fields(cls):
            default = (
                one.default_factory() if callable(one.default_factory) else one.default
            )
            value = _recorded(one.name, record.get(one.name, default))
            object.__setattr__(study, one.name, value)
        object.__setattr__(study, "folder", folder)
        return study

    # --------------------------------------------------------------------- run

    def _placed(self) -> AbstractContextManager[None]:
        """Say of what the program refuses where in the file it stands."""
        return placed_in(self.to_dict(), self._lines, self._file)

    def read_layers(self) -> dict[str, Any]:
        """Return the bundled layers and those of one's own, by name.

        Returns
        -------
        dict of str to layer

        Raises
        ------
        LayerError
            A file cannot be read or used.
        """
        from siteselect.study import steps

        return steps.layers_of(self.to_dict(), Path(self.folder))

    def scoring(self, layers: Mapping[str, Any]) -> Scoring:
        """Return criteria, exclusions, gates and weights over layers.

        Parameters
        ----------
        layers : mapping of str to layer
            As from `read_layers`.

        Returns
        -------
        Scoring
        """
        from siteselect.study import steps

        return steps.scoring_of(self.to_dict(), layers)

    def score(self) -> gpd.GeoDataFrame:
        """Return the candidates with their columns and scores.

        Returns
        -------
        geopandas.GeoDataFrame
            One row per candidate, as from `score_sites`.
        """
        from siteselect.study import steps

        return steps.walk(self.to_dict(), Path(self.folder)).scored

    def optimize(self, *, progress: Callable[[str], object] | None = None) -> SitePlan:
        """Return the plan without writing anything.

        Parameters
        ----------
        progress : callable, optional
            Called with one line of text per step.

        Returns
        -------
        SitePlan

        Raises
        ------
        InfeasiblePlanError
            No set of sites satisfies all limits.
        """
        from siteselect.study import steps

        record, timer = self.to_dict(), steps.Timer(progress)
        made = steps.walk(record, Path(self.folder), timer)
        with timer.step("optimize") as told, self._placed():
            plan = steps.plan_of(record, made)
            told.append(f"{plan.status}, {plan.total_mw:,.0f} MW")
        return plan

    def run(
        self,
        out: str | os.PathLike[str],
        *,
        progress: Callable[[str], object] | None = None,
    ) -> StudyResult:
        """Choose sites and write what the study asks for.

        Parameters
        ----------
        out : path-like
            Folder to write to, made if missing. Files appear when all of them are
            complete; what else is in it stays.
        progress : callable, optional
            Called with one line of text per step.

        Returns
        -------
        StudyResult

        Raises
        ------
        InfeasiblePlanError
            No set of sites satisfies all limits.
        """
        from siteselect.study.result import run_study

        return run_study(self, Path(out), progress=progress)


def _recorded(name: str, value: Any) -> Any:
    """Return a part of a study in plain types, objects as their records."""
    if name in ("criteria", "gates") and _is_list(value):
        return [v.to_dict() if isinstance(v, (Criterion, Gate)) else v for v in value]
    if name == "exclude" and _is_list(value):
        return [
            rule_record(v, None, f"Exclusion {i}") if isinstance(v, Exclusion) else v
            for i, v in enumerate(value, start=1)
        ]
    if name == "limits" and _is_list(value):
        return [
            v if isinstance(v, Mapping) else record_of(v, f"Limit {i}")
            for i, v in enumerate(value, start=1)
        ]
    if name == "weights":
        return value.to_dict() if isinstance(value, Weights) else value
    if name == "aggregate" and hasattr(value, "describe"):
        return value.describe()
    if isinstance(value, Mapping) and name != "aggregate":
        return {key: plainly(item, f"{name}, {key}") for key, item in value.items()}
    return list(value) if _is_list(value) else value


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))
