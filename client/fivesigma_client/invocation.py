"""What all commands share: options, the client they talk through, and errors as exit codes."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from .answers import Phase
from .client import Client
from .credentials import Login, present_login
from .errors import FivesigmaError
from .output import Output, plain
from .transport import RETRIES

INTERRUPTED = 130
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
F = TypeVar("F", bound=Callable[..., Any])
PREDICTION = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


class Invocation:
    """One run of the command."""

    def __init__(self) -> None:
        self.out = Output()
        self.insecure = False
        self.retries = RETRIES

    def client(self) -> Client:
        """A client for the site in force."""
        return self.client_for(present_login(os.environ))

    def client_for(self, login: Login) -> Client:
        """A client for a certain site; closed when the command ends."""
        client = Client(
            login.url,
            login.token,
            insecure=self.insecure or login.insecure,
            retries=self.retries,
            tell=self.out.say,
        )
        context = click.get_current_context()
        context.call_on_close(client.close)
        return client


class SlugType(click.ParamType[str]):
    """The slug of a challenge or a phase."""

    name = "slug"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The slug as it was given."""
        if not SLUG.fullmatch(value):
            self.fail(f"{value!r} is no slug: it has a-z, 0-9 and - only.", param, ctx)
        return str(value)


SLUG_TYPE = SlugType()


def _note(attribute: str, *, of_output: bool = False) -> Callable[..., None]:
    def callback(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
        run = ctx.ensure_object(Invocation)
        if value is not None and value is not False:
            setattr(run.out if of_output else run, attribute, value)

    return callback


def common(command: F) -> F:
    """The options that every command has."""
    options = (
        click.option(
            "-q",
            "--quiet",
            is_flag=True,
            expose_value=False,
            callback=_note("quiet", of_output=True),
            help="No words, results and errors only.",
        ),
        click.option(
            "--json",
            is_flag=True,
            expose_value=False,
            callback=_note("as_json", of_output=True),
            help="The result as JSON on standard output.",
        ),
        click.option(
            "--insecure",
            is_flag=True,
            expose_value=False,
            callback=_note("insecure"),
            help="Send the token over an unencrypted line, too.",
        ),
        click.option(
            "--retries",
            type=click.IntRange(0, 20),
            expose_value=False,
            callback=_note("retries"),
            help=f"How often to try again when the server is away (default {RETRIES}).",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def file_option(command: F) -> F:
    """`-f FILE`: the prediction."""
    option = click.option("-f", "--file", type=PREDICTION, required=True, help="Prediction file.")
    return option(command)


def phase_option(command: F) -> F:
    """`--phase P`."""
    option = click.option("--phase", type=SLUG_TYPE, help="Slug of the phase.")
    return option(command)


class Group(click.Group):
    """The command; whatever goes wrong below ends here, in words and as an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand."""
        run = ctx.ensure_object(Invocation)
        try:
            return super().invoke(ctx)
        except FivesigmaError as error:
            run.out.failure(error)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            where = f"{error.filename}: " if error.filename else ""
            run.out.failure(FivesigmaError(f"{where}{error.strerror or error}."))
            ctx.exit(FivesigmaError.exit_code)


def is_interactive() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def phase_of(phases: tuple[Phase, ...], slug: str | None) -> Phase:
    """The named phase, else the only one that takes files, else the only one."""
    if slug is not None:
        chosen = [phase for phase in phases if phase.slug == slug]
    else:
        chosen = [phase for phase in phases if phase.takes_files] or list(phases)
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(plain(phase.slug) for phase in phases)
    raise click.UsageError(f"Name the phase with --phase. The phases are: {names}.")
