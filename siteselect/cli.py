"""The ``siteselect`` command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import siteselect
from siteselect.errors import SiteSelectError

app = typer.Typer(
    name="siteselect",
    help="Choose data-center sites from map layers, with a proof.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _table(frame: object, columns: list[str]) -> Table:
    """Render the named columns of a DataFrame as a terminal table."""
    table = Table(*columns, header_style="bold")
    for row in frame[columns].astype(str).itertuples(index=False):  # type: ignore[index]
        table.add_row(*row)
    return table


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option(help="folder to write to; made if missing")
    ] = Path("out/demo"),
    spacing_km: Annotated[
        float, typer.Option(help="grid of candidates over the contiguous US [km]")
    ] = 20.0,
    resolves: Annotated[
        int, typer.Option(help="re-solves with weights and layers shaken")
    ] = 50,
) -> None:
    """Run the bundled study: 3 GW of campuses in the contiguous US."""
    study = siteselect.bundled_study(
        out, spacing_km=spacing_km, resolves=resolves, progress=typer.echo
    )
    typer.echo("")
    typer.echo(study.summary())


@app.command()
def score(
    study: Annotated[Path, typer.Argument(help="study file, TOML")],
    out: Annotated[
        Path, typer.Option(help="folder to write to; made if missing")
    ] = Path("out/score"),
) -> None:
    """Score the candidates of a study file: table, map, what was excluded."""
    found = siteselect.score_study(study, out, progress=typer.echo)
    typer.echo("")
    typer.echo(found.summary())


@app.command()
def layers() -> None:
    """List the bundled layers: what each is, and what it is not."""
    frame = siteselect.datasets.layers().reset_index()
    Console().print(
        _table(frame, ["layer", "evidence", "vintage", "title", "not_this"])
    )


@app.command()
def parameters() -> None:
    """List every parameter of the infrastructure models with range and source."""
    frame = siteselect.parameters().reset_index()
    Console().print(
        _table(frame, ["name", "low", "mid", "high", "unit", "year", "source"])
    )


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(siteselect.__version__)


def main() -> None:
    """Run the command; a siteselect error ends it with its message, no traceback."""
    try:
        app()
    except SiteSelectError as error:
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(1)
