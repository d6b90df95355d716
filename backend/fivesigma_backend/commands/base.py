"""What the commands share: the data folder, the open platform, errors as one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from ..core.platform import Platform
    from ..core.settings import Settings

DATA_DIR_VARIABLE = "FIVESIGMA_DATA_DIR"
FAILED, MISUSED = 1, 2


def _remember_data_dir(_ctx: click.Context, _option: click.Parameter, value: Path | None) -> None:
    # In the environment, so that the processes that a command starts use the same folder.
    if value is not None:
        os.environ[DATA_DIR_VARIABLE] = str(value.resolve())


def _data_dir_option() -> click.Option:
    return click.Option(
        ["--data-dir"],
        type=click.Path(file_okay=False, path_type=Path),
        callback=_remember_data_dir,
        expose_value=False,
        help="Folder of everything that is kept.",
    )


class Command(click.Command):
    """A command that takes `--data-dir`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params.append(_data_dir_option())


class Group(click.Group):
    """A group that takes `--data-dir` and tells users' mistakes in a line, without a traceback."""

    command_class = Command
    group_class = type

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params.append(_data_dir_option())

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            explained = explain(error)
            if explained is None:
                raise
            fail(*explained)


def fail(message: str, code: int = FAILED) -> NoReturn:
    """End with one line on standard error."""
    click.echo(f"fivesigma-server: {message}", err=True)
    sys.exit(code)


def explain(error: Exception) -> tuple[str, int] | None:
    """What a user is told of `error` and the exit code; None for a fault of ours."""
    from pydantic import ValidationError
    from redis.exceptions import ConnectionError as BrokerGone
    from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError

    from ..challenges.definition_errors import DefinitionError
    from ..core.errors import Problem
    from ..core.settings import Settings, UnknownSettingError

    if isinstance(error, Problem):
        return "\n".join([error.detail, *_findings(error)]), FAILED
    if isinstance(error, DefinitionError):
        return str(error), FAILED
    if isinstance(error, UnknownSettingError):
        return str(error), MISUSED
    if isinstance(error, ValidationError) and error.title == Settings.__name__:
        return _wrong_settings(error), MISUSED
    if isinstance(error, ArgumentError):
        return "FIVESIGMA_DATABASE_URL is no valid URL of a database", MISUSED
    if isinstance(error, OperationalError | ProgrammingError):
        reason = str(error.orig).strip().splitlines()[0]
        return f"the database refused: {reason}. `fivesigma-server doctor` says more", FAILED
    if isinstance(error, BrokerGone):
        return "the broker can't be reached. `fivesigma-server doctor` says more", FAILED
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}", FAILED
    return None


def _findings(problem: Any) -> list[str]:
    """The findings of a refused file or folder, one a line."""
    found = problem.extra.get("findings", [])
    return [f"  {item['severity']}: {item['message']}" for item in found]


def _wrong_settings(error: Any) -> str:
    # Without the values: one of them may be a secret.
    parts = (f"FIVESIGMA_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
    return "; ".join(parts)


def settings() -> Settings:
    """The settings of this command, with logging set up as they say."""
    from ..core.settings import load_settings
    from ..logs import configure_logging

    loaded = load_settings()
    configure_logging(loaded)
    return loaded


@contextmanager
def opened() -> Iterator[Platform]:
    """The open platform of a command that needs a migrated database."""
    from .. import tables
    from ..core.migrate import is_current
    from ..core.platform import platform

    assert tables.Base.metadata.tables  # rows refer to each other across features
    with platform(settings()) as resources:
        if not is_current(resources.db):
            fail("the database has not the present schema: run `fivesigma-server migrate` first")
        yield resources
