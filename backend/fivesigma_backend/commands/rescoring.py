"""Commands about submissions: scoring them again."""

from __future__ import annotations

import click

from .base import Group, opened


@click.group(cls=Group)
def submission() -> None:
    """Score submissions again."""


@submission.command()
@click.argument("slug")
@click.option("--phase", metavar="PHASE", help="Only the test set that this phase is scored on.")
def rescore(slug: str, phase: str | None) -> None:
    """Score every submission again with the present scorer and solution, in the background.

    The boards keep their scores until all is scored, and then change at once.
    """
    from ..submissions.editing import rescore as begin
    from .contests import find_challenge

    with opened() as platform:
        with platform.db.read() as session:
            challenge = find_challenge(session, slug)
        for planned in begin(platform, challenge, phase=phase, actor_id=None):
            version = ", as a new version of the solution" if planned.recompiled else ""
            number = f"{planned.submissions:,} submissions"
            click.echo(f"{slug}: {number} of “{planned.test_set}” are scored again{version}")


COMMANDS = (submission,)
