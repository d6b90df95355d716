"""`submissions`, `select`, `cancel` and `limits`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..answers import Submission
from ..invocation import SLUG_TYPE, Invocation, common, phase_option
from ..output import score_text
from .handing_in import show


@click.command("submissions")
@click.argument("slug", type=SLUG_TYPE)
@common
@click.pass_obj
def list_submissions(run: Invocation, slug: str) -> None:
    """Your team's submissions, the newest first."""
    _list(run, run.client().submissions(slug))


def _list(run: Invocation, found: Sequence[Submission]) -> None:
    columns = ("id", "phase", "submitted", "status", "selected", "public scores", "message")
    rows = [
        (
            one.id,
            one.phase,
            one.submitted_at,
            one.status,
            one.selected,
            _public(one),
            one.message,
        )
        for one in found
    ]
    run.out.table({"items": [one.document for one in found], "next": None}, columns, rows)


def _public(submission: Submission) -> str:
    public = (submission.scores or {}).get("public", {})
    return ", ".join(f"{metric} {score_text(score)}" for metric, score in public.items())


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--unselect", is_flag=True, help="No longer among the finals.")
@common
@click.pass_obj
def select(run: Invocation, ids: tuple[str, ...], unselect: bool) -> None:
    """Choose the submissions that count at the end, until the phase closes."""
    client = run.client()
    _list(run, [client.select(one, selected=not unselect) for one in dict.fromkeys(ids)])


@click.command()
@click.argument("submission_id", metavar="ID")
@common
@click.pass_obj
def cancel(run: Invocation, submission_id: str) -> None:
    """Take back a submission that is still queued; its slot comes back."""
    show(run, run.client().cancel(submission_id))


@click.command()
@click.argument("slug", type=SLUG_TYPE)
@phase_option
@common
@click.pass_obj
def limits(run: Invocation, slug: str, phase: str | None) -> None:
    """What your team may still hand in, and when the next is possible."""
    found = run.client().limits(slug, phase=phase)
    rows = [
        (f"today ({found.window})", found.used_today, _of(found.per_day)),
        ("in all", found.used_total, _of(found.total)),
        ("being scored", found.running, _of(found.concurrent)),
    ]
    run.out.table(found.document, ("submissions", "used", "limit"), rows)
    run.out.say(f"Left: {_of(found.remaining)}.")
    if found.next_at is not None:
        run.out.say(f"The next is possible at {found.next_at}.")


def _of(limit: int | None) -> str:
    return "unlimited" if limit is None else str(limit)
