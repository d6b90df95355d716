"""`leaderboard`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..answers import Board, Row
from ..invocation import SLUG_TYPE, Invocation, common, phase_option
from ..output import plain
from ..writing import write_whole


@click.command()
@click.argument("slug", type=SLUG_TYPE)
@phase_option
@click.option("--split", type=click.Choice(["public", "private"]), default="public")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]))
@click.option(
    "-d",
    "--download",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it into this file: .json as JSON, else CSV.",
)
@common
@click.pass_obj
def leaderboard(
    run: Invocation,
    slug: str,
    phase: str | None,
    split: str,
    form: str | None,
    target: Path | None,
) -> None:
    """The board of a phase."""
    client = run.client()
    form = form or _usual_form(run, target)
    if form == "table" and target is not None:
        raise click.UsageError("A file is written as csv or json.")
    if form == "csv":
        text = client.leaderboard_csv(slug, phase=phase, split=split)
    else:
        board = client.leaderboard(slug, phase=phase, split=split)
        if form == "table":
            _show(run, board)
            return
        text = json.dumps(board.document, indent=2) + "\n"
    if target is None:
        click.echo(text, nl=False)
    else:
        write_whole(target, text)
        run.out.say(f"Written to {target}.")
        run.out.result({"file": str(target)})


def _usual_form(run: Invocation, target: Path | None) -> str:
    if target is not None:
        return "json" if target.suffix.lower() == ".json" else "csv"
    return "json" if run.out.as_json else "table"


def _show(run: Invocation, board: Board) -> None:
    metrics = [name for name in board.metrics if name != board.metric]
    columns = ("rank", "team", board.metric, "±", *metrics, "entries", "submitted", "members")
    rows = [
        (
            row.rank if row.rank is not None else _mark(row),
            row.team,
            f"{row.score:.6g}",
            "" if row.sigma is None else f"{row.sigma:.4g}",
            *(_value(row, name) for name in metrics),
            row.entries,
            row.submitted_at,
            ", ".join(row.members),
        )
        for row in board.rows
    ]
    run.out.table(board.document, columns, rows)
    run.out.say(f"Phase {board.phase}, {board.split} split, {board.state}.")
    rule = board.document.get("rule")
    if rule:
        run.out.say(plain(rule))


def _mark(row: Row) -> str:
    return "staff" if row.staff else "baseline" if row.baseline else "-"


def _value(row: Row, metric: str) -> str:
    value = (row.metrics.get(metric) or {}).get("value")
    return f"{value:.6g}" if isinstance(value, int | float) else ""
