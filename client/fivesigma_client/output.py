"""What the command prints: results on standard output, words for people on standard error.

Texts that come from a server are shown without the control characters that could drive a terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import click

from .answers import Finding
from .errors import FivesigmaError, Problem
from .progress import Seen, unwatched

if TYPE_CHECKING:
    from rich.console import Console

Scores = Mapping[str, Mapping[str, Mapping[str, Any]]]
# What is piped into a program or a file is never folded.
WIDTH_OF_FILES = 100_000
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def plain(value: object) -> str:
    """A value as one line of printable text; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    words = str(value).replace("\n", " ")
    return "".join(one if one.isprintable() else REPLACEMENT for one in words)


def plain_lines(text: str) -> str:
    """A text of several lines without control characters."""
    return "\n".join(plain(line) for line in text.splitlines())


class Output:
    """The two streams of one command. `quiet`: no words; `as_json`: results as JSON."""

    def __init__(self) -> None:
        self.quiet = False
        self.as_json = False

    def say(self, text: str) -> None:
        """Tell people something, unless they want it quiet."""
        if not self.quiet:
            click.echo(plain_lines(text), err=True)

    def result(self, document: Any, text: str | None = None) -> None:
        """The result as JSON where that is wanted, else `text`, if there is one."""
        if self.as_json:
            click.echo(json.dumps(document, indent=2))
        elif text is not None:
            click.echo(plain_lines(text))

    def table(
        self, document: Any, columns: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> None:
        """The result as JSON or as a table."""
        if self.as_json:
            self.result(document)
        else:
            _print_table(sys.stdout, columns, rows)

    def findings(self, findings: Sequence[Finding], *, err: bool = False) -> None:
        """A validation report as a table."""
        columns = ("severity", "message", "column", "lines")
        if findings:
            rows = [(one.severity, one.message, one.column, _lines(one)) for one in findings]
            _print_table(sys.stderr if err else sys.stdout, columns, rows)

    def scores(self, scores: Scores) -> None:
        """Every metric of every split."""
        rows = [
            (split, metric, score_text(one))
            for split, metrics in scores.items()
            for metric, one in metrics.items()
        ]
        if rows:
            _print_table(sys.stdout, ("split", "metric", "score"), rows)

    def details(self, outcome: Mapping[str, Any]) -> None:
        """Every metric of every split by variant and by slice, where there are some."""
        rows = [
            (split, name, metric, "–" if one is None else score_text(one))
            for kind in ("variants", "slices")
            for split, table in outcome.get(kind, {}).items()
            for name, metrics in table.items()
            for metric, one in metrics.items()
        ]
        if rows:
            _print_table(sys.stdout, ("split", "events", "metric", "score"), rows)

    def error(self, text: str) -> None:
        """Tell what went wrong, however quiet it should be."""
        click.echo(f"Error: {plain_lines(text)}", err=True)

    def failure(self, error: FivesigmaError) -> None:
        """An error as the end of a command: in words, with `--json` as JSON too."""
        self.error(str(error))
        if isinstance(error, Problem):
            self.findings(error.findings, err=True)
        if self.as_json:
            self.result(error.as_json())

    @contextmanager
    def watch(self, name: str, size: int) -> Iterator[Seen]:
        """A progress bar on a terminal."""
        if self.quiet or not sys.stderr.isatty():
            with unwatched(name, size) as seen:
                yield seen
            return
        from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

        bar = Progress(
            "{task.description}",
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=_console(sys.stderr),
            transient=True,
        )
        with bar:
            task = bar.add_task(_escaped(plain(name)), total=size)
            yield lambda done: bar.update(task, completed=done)

    @contextmanager
    def spinner(self, text: str) -> Iterator[Any]:
        """A turning sign on a terminal; yields a function that changes its text."""
        if self.quiet or not sys.stderr.isatty():
            yield lambda _text: None
            return
        with _console(sys.stderr).status(_escaped(text)) as status:
            yield lambda new: status.update(_escaped(plain(new)))


def score_text(score: Mapping[str, Any] | None) -> str:
    """A score with its error: `2.8461 ± 0.1512`."""
    value = (score or {}).get("value")
    if not isinstance(value, int | float):
        return ""
    sigma = (score or {}).get("sigma")
    bound = "≥ " if (score or {}).get("lower_bound") else ""
    error = f" ± {sigma:.4g}" if isinstance(sigma, int | float) else ""
    return f"{bound}{value:.6g}{error}"


def _lines(finding: Finding) -> str:
    shown = ", ".join(str(row) for row in finding.rows)
    more = finding.count > len(finding.rows) > 0
    return f"{shown}, … ({finding.count:,} in all)" if more else shown


def _print_table(stream: TextIO, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        # As Text, so that nothing in it is taken for markup.
        table.add_row(*(Text(plain(cell)) for cell in row))
    _console(stream).print(table)


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    terminal = stream.isatty()
    return Console(
        file=stream,
        force_terminal=terminal,
        color_system="auto" if terminal else None,
        width=None if terminal else WIDTH_OF_FILES,
        highlight=False,
        emoji=False,
    )


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
