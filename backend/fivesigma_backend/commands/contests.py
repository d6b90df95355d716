"""Commands about challenges: loading, exporting, closing and unblinding phases, boards."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .base import MISUSED, Group, fail, opened

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from ..challenges.models import Challenge, Phase
    from ..core.security import Actor


@click.group(cls=Group)
def challenge() -> None:
    """Load, export and list challenges."""


@challenge.command()
@click.argument("source", metavar="FOLDER|BUILTIN")
@click.argument("further", nargs=-1, metavar="")
@click.option("--data", multiple=True, metavar="FILE…", help="Published files to import.")
@click.option("--size", type=click.Choice(["small", "full"]), help="Of a built-in challenge.")
@click.option("--seed", type=int, help="Of simulation and split; default: a secret one, kept.")
@click.option("--pace", metavar="one-day|school-week|semester", help="How long the event lasts.")
@click.option("--opens", metavar="TIME", help="When it begins, as 2027-03-01T09:00:00+01:00.")
@click.option("--update", is_flag=True, help="Bring a loaded challenge to what the folder says.")
def load(
    source: str,
    further: tuple[str, ...],
    data: tuple[str, ...],
    update: bool,
    **wanted: Any,
) -> None:
    """Load a challenge from a folder, or one that ships with the platform.

    A bare name is that of a built-in challenge; write ./name for a folder called so.
    """
    from ..challenges.builtin import load_builtin
    from ..challenges.loading import load_challenge
    from ..submissions.editing import LiveEditing

    if further and not data:
        fail(f"what is “{further[0]}”? Files to import come after --data", MISUSED)
    files = [Path(name) for name in (*data, *further)]  # --data takes several at once
    options = {"data": files, **wanted, "opens": _time(wanted["opens"])}
    built_in = _is_builtin(source, options)
    with opened() as platform:
        common: dict[str, Any] = {
            "update": update,
            "report": click.echo,
            "live": LiveEditing(platform),
        }
        if built_in:
            options["size"] = options["size"] or "small"
            result = load_builtin(platform, source, **options, **common)
        else:
            result = load_challenge(platform, Path(source), **common)
    click.echo(f"{result.slug} is {'loaded' if result.created else 'up to date'}")


def _is_builtin(source: str, options: Mapping[str, Any]) -> bool:
    """Whether `source` is a built-in challenge; ends where the options don't fit what it is."""
    from fivesigma_datasets import BUILTINS

    if source in BUILTINS:
        shipped = not options["data"] and options["size"] != "full"
        if shipped and options["seed"] is not None:
            fail("small data are as shipped: --seed is for --size full and --data", MISUSED)
        return True
    if any(value not in (None, []) for value in options.values()):
        named = ", ".join(f"--{name}" for name in options)
        fail(f"{named} are for built-in challenges", MISUSED)
    if not Path(source).is_dir():
        fail(f"“{source}” is no folder and not one of: {', '.join(BUILTINS)}", MISUSED)
    return False


def _time(text: str | None) -> datetime | None:
    """The time that an option gives."""
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        fail(f"--opens {text}: expected a time such as 2027-03-01T09:00:00+01:00", MISUSED)


@challenge.command()
@click.argument("slug")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def export(slug: str, folder: Path) -> None:
    """Write the folder of a challenge, as it can be loaded again."""
    from ..challenges.stored import export_challenge

    with opened() as platform:
        export_challenge(platform, slug, folder)
    click.echo(f"{slug} is in {folder}")


@challenge.command("list")
def list_all() -> None:
    """List the challenges: slug, phases with their windows, title."""
    from ..challenges.service import list_challenges

    after: str | None = None
    with opened() as platform, platform.db.read() as session:
        while page := list_challenges(
            session, _operator(), public_boards=True, limit=100, after=after
        ):
            for listed in page:
                phases = ", ".join(phase.slug for phase in listed.phases)
                click.echo(f"{listed.challenge.slug}\t{phases}\t{listed.challenge.title}")
            after = page[-1].challenge.id


@click.group(cls=Group)
def phase() -> None:
    """Close and unblind phases."""


@phase.command()
@click.argument("slug")
@click.argument("phase_slug", metavar="PHASE")
def close(slug: str, phase_slug: str) -> None:
    """End the window of an open phase now. This can't be undone."""
    from ..submissions import announcing, moving

    with opened() as platform, platform.db.transaction() as session:
        found = _phase(session, slug, phase_slug)
        moving.close_early(session, found, now=platform.clock(), actor_id=None)
        announcing.announce_board(session, platform.events, found.id)
    click.echo(f"{slug} {phase_slug} is closed")


@phase.command()
@click.argument("slug")
@click.argument("phase_slug", metavar="PHASE")
def unblind(slug: str, phase_slug: str) -> None:
    """Open the private board of a settled phase. This can't be undone."""
    from ..submissions import announcing, unblinding

    with opened() as platform, platform.db.transaction() as session:
        found = _phase(session, slug, phase_slug)
        unblinding.unblind(session, platform.storage, found, now=platform.clock(), actor_id=None)
        announcing.announce_board(session, platform.events, found.id)
    click.echo(f"{slug} {phase_slug} is unblinded")


@click.group(cls=Group)
def leaderboard() -> None:
    """Export boards."""


@leaderboard.command("export")
@click.argument("slug")
@click.argument("phase_slug", metavar="PHASE")
@click.option("--split", type=click.Choice(["public", "private"]), required=True)
@click.option("--format", "form", type=click.Choice(["csv", "json", "parquet"]), required=True)
def export_board(slug: str, phase_slug: str, split: str, form: str) -> None:
    """Write a whole board, in full precision, to standard output."""
    from ..challenges.access import Access
    from ..challenges.service import phase_by_slug
    from ..leaderboards.exports import as_csv, as_parquet
    from ..leaderboards.service import read_board, view_board

    if form == "parquet" and sys.stdout.isatty():
        fail("Parquet is no text: send standard output to a file", MISUSED)
    with opened() as platform, platform.db.read() as session:
        access = Access(_operator(), find_challenge(session, slug), organiser=True)
        phase = phase_by_slug(session, access.challenge.id, phase_slug)
        view = view_board(access, phase, split, platform.clock())
        board = read_board(session, view)
    if form == "parquet":
        sys.stdout.buffer.write(as_parquet(board))
    else:
        click.echo(as_csv(board) if form == "csv" else board.model_dump_json(indent=2), nl=False)


def _operator() -> Actor:
    """Whoever can run this command may see everything."""
    from ..core.security import SCOPES, Actor

    return Actor(user_id="", username="operator", is_admin=True, scopes=frozenset(SCOPES))


def find_challenge(session: Session, slug: str) -> Challenge:
    """The challenge `slug`. Raises NotFound, which names those there are."""
    from sqlalchemy import select

    from ..challenges.models import Challenge
    from ..core.errors import NotFound

    found = session.scalar(select(Challenge).where(Challenge.slug == slug))
    if found is None:
        slugs = ", ".join(session.scalars(select(Challenge.slug).order_by(Challenge.slug)))
        raise NotFound(f"There is no challenge “{slug}”. There are: {slugs or 'none yet'}.")
    return found


def _phase(session: Session, slug: str, phase_slug: str) -> Phase:
    """The phase, locked."""
    from ..challenges.service import phase_by_slug
    from ..submissions.unblinding import lock_phase

    found = phase_by_slug(session, find_challenge(session, slug).id, phase_slug)
    return lock_phase(session, found.id)


COMMANDS = (challenge, phase, leaderboard)
