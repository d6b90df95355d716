"""`challenges list`, `challenges join`, `files` and `download`."""

from __future__ import annotations

from pathlib import Path

import click

from ..answers import Challenge
from ..client import Client
from ..invocation import SLUG_TYPE, Invocation, common, is_interactive
from ..output import plain_lines


@click.group()
@common
def challenges() -> None:
    """List and join challenges."""


@challenges.command("list")
@common
@click.pass_obj
def list_challenges(run: Invocation) -> None:
    """The challenges that you may see."""
    found = run.client().challenges()
    rows = [(one.slug, one.title, one.kind, _window(one), one.joined) for one in found]
    document = {"items": [one.document for one in found], "next": None}
    run.out.table(document, ("slug", "title", "kind", "phases", "joined"), rows)


def _window(challenge: Challenge) -> str:
    return "; ".join(
        f"{phase.slug} {phase.state}"
        + (f" until {phase.closes}" if phase.state == "open" and phase.closes else "")
        + (f" ({phase.opens})" if phase.state == "upcoming" else "")
        for phase in challenge.phases
    )


@challenges.command()
@click.argument("slug", type=SLUG_TYPE)
@click.option("--accept-rules", is_flag=True, help="I have read the rules and accept them.")
@click.option("--code", help="Invite code, where one is needed.")
@common
@click.pass_obj
def join(run: Invocation, slug: str, accept_rules: bool, code: str | None) -> None:
    """Take part in a challenge, or ask to where organisers approve."""
    client = run.client()
    accepted = accept_rules or (is_interactive() and _ask(client, slug))
    membership = client.join(slug, accept_rules=accepted, code=code)
    if membership.joined:
        run.out.say(f"You take part in {slug} as the team “{membership.team}”.")
    else:
        run.out.say(
            f"You have asked to take part in {slug}. The organisers have yet to decide; the same "
            "command tells how it stands."
        )
    run.out.result(membership.document)


def _ask(client: Client, slug: str) -> bool:
    """Whether the person at the terminal accepts the rules; no question where there are none."""
    challenge = client.challenge(slug)
    if challenge.rules is None:
        return False
    click.echo(plain_lines(challenge.rules), err=True)
    return click.confirm("Do you accept these rules?", err=True)


@click.command()
@click.argument("slug", type=SLUG_TYPE)
@common
@click.pass_obj
def files(run: Invocation, slug: str) -> None:
    """The files of a challenge."""
    found = run.client().files(slug)
    rows = [(one.name, one.filename, f"{one.size:,}", one.title, one.sha256) for one in found]
    document = {"items": [one.document for one in found], "next": None}
    run.out.table(document, ("name", "file", "bytes", "title", "sha256"), rows)


@click.command()
@click.argument("slug", type=SLUG_TYPE)
@click.option("-f", "--file", "name", help="One file, by its name; all by default.")
@click.option(
    "-p",
    "--path",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder to put them into.",
)
@click.option("--force", is_flag=True, help="Replace files that are there with other contents.")
@common
@click.pass_obj
def download(run: Invocation, slug: str, name: str | None, folder: Path, force: bool) -> None:
    """Fetch the files of a challenge; continues what was cut off, skips what is complete."""
    client = run.client()
    paths = client.download(slug, name, folder, force=force, watch=run.out.watch)
    run.out.result({"files": [str(one) for one in paths]}, "\n".join(str(one) for one in paths))
