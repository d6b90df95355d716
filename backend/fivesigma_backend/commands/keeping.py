"""Commands that look after the platform: doctor, backup, restore."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .base import FAILED, Command, fail, settings

file_argument = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def doctor(as_json: bool) -> None:
    """Look whether everything is in order.

    The exit code is 1 if a check failed.
    """
    import json

    from ..doctor import FAILED as BROKEN
    from ..doctor import examine

    findings = examine(settings())
    healthy = all(finding.state != BROKEN for finding in findings)
    if as_json:
        answer = {"ok": healthy, "checks": [finding.as_json() for finding in findings]}
        click.echo(json.dumps(answer, indent=2))
    else:
        for finding in findings:
            click.echo(f"{finding.state:8} {finding.name}: {finding.detail}")
    sys.exit(0 if healthy else FAILED)


@click.command(cls=Command)
@file_argument
@click.option("--with-secrets", is_flag=True, help="Keep the key that signs cookies, too.")
def backup(file: Path, with_secrets: bool) -> None:
    """Write everything into one FILE, at any time."""
    from ..backup import BackupError, write_backup

    try:
        summary = write_backup(settings(), file, with_secrets=with_secrets)
    except BackupError as error:
        fail(str(error))
    click.echo(f"{file}: {summary}")


@click.command(cls=Command)
@file_argument
def restore(file: Path) -> None:
    """Fill an empty platform from FILE.

    The database may be of another kind than the one that was backed up.
    """
    from ..backup import BackupError, restore_backup

    try:
        summary = restore_backup(settings(), file)
    except BackupError as error:
        fail(str(error))
    click.echo(f"restored {summary}")


COMMANDS = (doctor, backup, restore)
