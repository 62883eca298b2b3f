"""The ``siteselect`` command."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

import siteselect
from siteselect.errors import (
    InfeasiblePlanError,
    MissingDependencyError,
    SiteSelectError,
    SolverError,
    StudyError,
    four_parts,
)
from siteselect.whole_files import stop_text

if TYPE_CHECKING:
    from siteselect.study import StudyResult

#: What the command ends with.
DONE, MISTAKE, USAGE, INFEASIBLE, SOLVER, CHANGED, MISSING = 0, 1, 2, 3, 4, 5, 6
INTERRUPTED = 130

_CODES = (
    (InfeasiblePlanError, INFEASIBLE),
    (SolverError, SOLVER),
    (MissingDependencyError, MISSING),
    (SiteSelectError, MISTAKE),
)
_HELP = """Choose data-center sites from map layers, with a proof.

A study is one TOML file: `siteselect new first` writes one, `siteselect run first.toml`
runs it, `siteselect verify out/first` works all of it out again.
"""
_EPILOG = """Exit codes: 0 done; 1 a mistake in what was asked; 2 a mistake in the
command line; 3 no set of sites satisfies all limits; 4 the solver failed; 5 an input
or a number has changed (verify), or something does not work (doctor); 6 an optional
package is missing; 130 stopped by Ctrl-C, with the best plan written if there was one;
143 asked to end by the system (SIGTERM), with nothing written.

Completion with the Tab key, for bash, zsh, fish and PowerShell: run
`siteselect --install-completion` once in that shell and open a new one; `siteselect
--show-completion` prints the script of the shell it is called from.
"""


#: Characters of a name that a terminal would obey, but for tabs and new lines.
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class _Group(TyperGroup):
    """Ends with a message and a code, never with a traceback of a known error."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().make_context(*args, **kwargs)
        except KeyboardInterrupt as stop:
            typer.echo(stop_text("Stopped by Ctrl-C", stop), err=True)
            raise typer.Exit(INTERRUPTED) from None

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, Exception) as error:
            stop = _stop_behind(error)
            if isinstance(stop, SystemExit):
                raise stop from None
            if stop is not None:
                typer.echo(stop_text("Stopped by Ctrl-C", stop), err=True)
                raise typer.Exit(INTERRUPTED) from None
            if not isinstance(error, SiteSelectError):
                raise
            code = next(code for kind, code in _CODES if isinstance(error, kind))
            if "--json" in sys.argv or _asks_json(ctx):
                _print_json(
                    {
                        "ok": False,
                        "error": type(error).__name__,
                        "message": str(error),
                        "mistakes": list(getattr(error, "mistakes", ())),
                        "conflicts": list(getattr(error, "conflicts", ())),
                    }
                )
            else:
                _echo(f"{type(error).__name__}: {error}", err=True)
            raise typer.Exit(code) from None


def _stop_behind(error: BaseException | None) -> BaseException | None:
    """Return what stopped us, if it is behind an error: readers make another of it."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            return error
        error = error.__cause__ or error.__context__
    return None


def _asks_json(ctx: Any) -> bool:
    return bool((ctx.obj or {}).get("json"))


app = typer.Typer(
    name="siteselect",
    cls=_Group,
    help=_HELP,
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[
    bool, typer.Option("--json", help="print one JSON object and nothing else")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="print no progress")]
Force = Annotated[bool, typer.Option("--force", help="replace a file that is there")]


def _note_json(ctx: typer.Context, is_json: bool) -> None:
    ctx.find_root().obj = {"json": is_json}


def _echo(text: str, *, err: bool = False) -> None:
    spelled = _STEERING.sub(lambda m: m[0].encode("unicode_escape").decode(), text)
    typer.echo(spelled, err=err)


def _print_json(record: Any) -> None:
    from siteselect.reporting.files import plain

    typer.echo(json.dumps(plain(record), indent=2, ensure_ascii=False))


def _table(frame: Any, columns: list[str]) -> Table:
    """Render the named columns of a DataFrame as a terminal table."""
    table = Table(*columns, header_style="bold")
    for row in frame[columns].astype(str).itertuples(index=False):
        # What stands in a table is no markup of the terminal's.
        table.add_row(*map(Text, row))
    return table


@contextmanager
def _progress(quiet: bool, steps: tuple[str, ...]) -> Iterator[Callable[[str], object]]:
    """Give a function that takes a line per step: a live line at a terminal."""
    console = Console(stderr=True, highlight=False)
    if quiet:
        yield lambda line: None
    elif not console.is_terminal:
        yield lambda line: _echo(line, err=True)
    else:
        columns = (SpinnerColumn(), TextColumn("{task.description}"))
        with Progress(
            *columns, TimeElapsedColumn(), console=console, transient=True
        ) as bar:
            task = bar.add_task(steps[0] if steps else "")

            def say(line: str) -> None:
                bar.console.print(line, markup=False)
                done = line.split(maxsplit=1)[0]
                after = steps[steps.index(done) + 1 :] if done in steps else ()
                bar.reset(task, description=after[0] if after else "")

            yield say


def _tell(result: StudyResult, is_json: bool, quiet: bool) -> None:
    """Print what came of a study, and end with a code if it was stopped."""
    if is_json:
        plan = result.plan
        columns = [c for c in ("mw", "cost_usd", "score", "state") if c in plan.sites]
        _print_json(
            {
                "ok": True,
                "status": plan.status,
                "objective": plan.objective,
                "bound": plan.bound,
                "gap": plan.gap,
                "total_mw": plan.total_mw,
                "total_cost_usd": plan.total_cost_usd,
                "sites": [
                    {"site": str(label), **row}
                    for label, row in zip(
                        plan.sites.index,
                        plan.sites[columns].to_dict(orient="records"),
                        strict=True,
                    )
                ],
                "notes": list(plan.notes),
                "written": [str(path) for path in result.written],
                "stopped": result.was_stopped,
                "seconds": dict(result.seconds),
            }
        )
    elif not quiet:
        typer.echo("")
        _echo(result.summary())
    if result.was_stopped:
        typer.echo("Stopped by Ctrl-C; the best plan found was written.", err=True)
        raise typer.Exit(INTERRUPTED)


@app.command(
    epilog="Example: siteselect demo --out out/demo; then look at out/demo/map.png"
)
def demo(
    ctx: typer.Context,
    out: Annotated[
        Path, typer.Option(help="folder to write to; made if missing")
    ] = Path("out/demo"),
    spacing_km: Annotated[
        float, typer.Option(help="grid of candidates over the contiguous US [km]")
    ] = 20.0,
    resolves: Annotated[
        int, typer.Option(help="re-solves with weights and layers shaken")
    ] = 50,
    is_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run the bundled study: 3 GW of campuses in the contiguous US."""
    from siteselect.study.steps import STEPS

    _note_json(ctx, is_json)
    with _progress(quiet or is_json, STEPS) as say:
        result = siteselect.bundled_study(
            out, spacing_km=spacing_km, resolves=resolves, progress=say
        )
    _tell(result, is_json, quiet)


StudyFile = Annotated[Path, typer.Argument(help="study file, TOML")]


@app.command(
    epilog="Examples: siteselect run study.toml; siteselect run study.toml --out here "
    "--json. Ctrl-C during the search writes the best plan found and ends with 130."
)
def run(
    ctx: typer.Context,
    study: StudyFile,
    out: Annotated[
        Path | None,
        typer.Option(
            help="folder to write to; out/NAME by default", show_default=False
        ),
    ] = None,
    is_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run a study: choose sites, prove it, write map, tables, report."""
    from siteselect.study.steps import STEPS

    _note_json(ctx, is_json)
    read = siteselect.Study.read(study)
    with _progress(quiet or is_json, STEPS) as say:
        result = read.run(out or Path("out") / study.stem, progress=say)
    _tell(result, is_json, quiet)


@app.command(epilog="Example: siteselect check study.toml && siteselect run study.toml")
def check(
    ctx: typer.Context, study: StudyFile, is_json: Json = False, quiet: Quiet = False
) -> None:
    """Tell every mistake of a study file, with its line; solve nothing."""
    from siteselect.study.trial import try_columns

    _note_json(ctx, is_json)
    read = siteselect.Study.read(study)
    found = try_columns(read, study)
    if is_json:
        _print_json({"ok": True, "study": str(study), **found})
    elif not quiet:
        told = ", ".join(f"{number:,} {word}" for word, number in found.items())
        _echo(f"{study}: no mistake found; {told}.")


@app.command(epilog="Example: siteselect verify out/study || echo 'not the same'")
def verify(
    ctx: typer.Context,
    plan: Annotated[Path, typer.Argument(help="folder that `run` or `demo` wrote")],
    folder: Annotated[
        Path | None,
        typer.Option(help="where the study's own files are, if they moved"),
    ] = None,
    is_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Work a plan out again; end with 5 if an input or a number has changed."""
    from siteselect.study.steps import STEPS
    from siteselect.study.verification import verify_folder

    _note_json(ctx, is_json)
    with _progress(quiet or is_json, STEPS) as say:
        found = verify_folder(plan, folder=folder, progress=say)
    if is_json:
        _print_json({"ok": found.passed, "checks": found.checks, "notes": found.notes})
    elif not quiet or not found.passed:
        _echo(found.summary())
    if not found.passed:
        raise typer.Exit(CHANGED)


class Units(StrEnum):
    """Units of a report."""

    SI = "si"
    US = "us"


@app.command(
    epilog="Examples: siteselect report out/study; then open report.html. siteselect "
    "report out/study --units us --robustness --out out/us"
)
def report(
    ctx: typer.Context,
    plan: Annotated[Path, typer.Argument(help="folder that `run` or `demo` wrote")],
    out: Annotated[
        Path | None,
        typer.Option(help="folder to write to; PLAN/report by default"),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="where the study's own files are, if they moved"),
    ] = None,
    units: Annotated[
        Units | None,
        typer.Option(
            help="kilometers and hectares, or miles and acres; the study's by default"
        ),
    ] = None,
    robustness: Annotated[
        bool,
        typer.Option(
            "--robustness",
            help="solve again with weights and layers of the study's criteria shaken, "
            "50 times or as often as its survival says, and show which sites stay",
        ),
    ] = False,
    is_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the report of a plan, worked out from its study again."""
    from siteselect.study.steps import STEPS
    from siteselect.study.verification import report_folder

    _note_json(ctx, is_json)
    with _progress(quiet or is_json, STEPS) as say:
        written = report_folder(
            plan,
            out,
            folder=folder,
            units=units,
            robustness=robustness,
            progress=say,
        )
    if is_json:
        _print_json({"ok": True, "written": [str(path) for path in written]})
    elif not quiet:
        _echo("Written: " + ", ".join(str(path) for path in written))


@app.command(epilog="Example: siteselect score study.toml --out out/score")
def score(
    ctx: typer.Context,
    study: StudyFile,
    out: Annotated[
        Path, typer.Option(help="folder to write to; made if missing")
    ] = Path("out/score"),
    is_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score the candidates of a study file: table, map, what was excluded."""
    from siteselect.study.steps import STEPS

    _note_json(ctx, is_json)
    with _progress(quiet or is_json, STEPS) as say:
        found = siteselect.score_study(study, out, progress=say)
    if is_json:
        _print_json({"ok": True, "written": [str(path) for path in found.written]})
    elif not quiet:
        typer.echo("")
        _echo(found.summary())


@app.command(epilog="Example: siteselect new first && siteselect run first.toml")
def new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="name of the study and of its file")],
    force: Force = False,
    is_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a commented study file that runs."""
    from siteselect.layers.kinds import is_there
    from siteselect.study.template import new_study

    _note_json(ctx, is_json)
    path = Path(name if name.endswith(".toml") else f"{name}.toml")
    if path.name.startswith("."):
        raise typer.BadParameter("a study has a name, as in: siteselect new first")
    if is_there(path) and not force:
        raise StudyError(
            four_parts(
                f"A new study was to be written to {path}",
                "found a file of this name",
                "allowed is a name that is free",
                "Give another name, or --force to replace it",
            )
        )
    new_study(path)
    if is_json:
        _print_json({"ok": True, "written": [str(path)]})
    elif not quiet:
        _echo(f"Written: {path}. Run it: siteselect run {path}")


@app.command(epilog="Example: siteselect layers --json")
def layers(ctx: typer.Context, is_json: Json = False) -> None:
    """List the bundled layers: what each is, and what it is not."""
    _note_json(ctx, is_json)
    frame = siteselect.datasets.layers().reset_index()
    if is_json:
        _print_json(frame)
    else:
        columns = ["layer", "evidence", "vintage", "title", "not_this"]
        Console().print(_table(frame, columns))


@app.command(epilog="Example: siteselect parameters --json")
def parameters(ctx: typer.Context, is_json: Json = False) -> None:
    """List every parameter of the infrastructure models with range and source."""
    _note_json(ctx, is_json)
    frame = siteselect.parameters().reset_index()
    if is_json:
        _print_json(frame)
    else:
        columns = ["name", "low", "mid", "high", "unit", "year", "source"]
        Console().print(_table(frame, columns))


@app.command(epilog="Example: siteselect doctor")
def doctor(ctx: typer.Context, is_json: Json = False) -> None:
    """Tell what is installed, and whether data and solver work."""
    from siteselect.study.doctor import examine

    _note_json(ctx, is_json)
    frame = examine()
    good = not (frame["state"] == "broken").any()
    if is_json:
        _print_json({"ok": good, "checks": frame})
    else:
        Console().print(_table(frame, ["part", "state", "found"]))
    if not good:
        raise typer.Exit(CHANGED)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(siteselect.__version__)
