"""`submissions`, `select`, `result`, `cancel` and `limits`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..answers import Finals, Submission
from ..invocation import SLUG_TYPE, Invocation, common, phase_option
from ..output import score_text
from .handing_in import show

HOW = {"selected": "selected", "waiting": "selected", "filled": "by public score"}


@click.command("submissions")
@click.argument("slug", type=SLUG_TYPE)
@common
@click.pass_obj
def list_submissions(run: Invocation, slug: str) -> None:
    """Your team's submissions, the newest first, and which of them are its finals."""
    client = run.client()
    found = client.submissions(slug)
    phases = dict.fromkeys(one.phase for one in found)
    finals = [client.finals(slug, phase=phase) for phase in phases]
    _list(run, found, finals)
    for one in finals:
        _say(run, one)


def _list(run: Invocation, found: Sequence[Submission], finals: Sequence[Finals]) -> None:
    how = {item.id: HOW.get(item.how, item.how) for one in finals for item in one.items}
    columns = ("id", "phase", "submitted", "status", "final", "public scores", "message")
    rows = [
        (
            one.id,
            one.phase,
            one.submitted_at,
            one.status,
            how.get(one.id, "selected" if one.selected else ""),
            _public(one),
            one.message,
        )
        for one in found
    ]
    document = {
        "items": [one.document for one in found],
        "next": None,
        "finals": [one.document for one in finals],
    }
    run.out.table(document, columns, rows)


def _say(run: Invocation, finals: Finals) -> None:
    """What counts as things stand, while that can still be changed."""
    if not finals.open:
        return
    until = f" Until {finals.until}." if finals.until is not None else ""
    run.out.say(f"{finals.phase}: {finals.text}{until}")


def _public(submission: Submission) -> str:
    public = (submission.scores or {}).get("public", {})
    return ", ".join(f"{metric} {score_text(score)}" for metric, score in public.items())


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--unselect", is_flag=True, help="No longer among the finals.")
@click.option("--note", help="How it was made; shown on the board after the unblinding.")
@common
@click.pass_obj
def select(run: Invocation, ids: tuple[str, ...], unselect: bool, note: str | None) -> None:
    """Choose the submissions that count at the end, until the phase closes."""
    client = run.client()
    chosen = [client.select(one, selected=not unselect, note=note) for one in dict.fromkeys(ids)]
    places = dict.fromkeys((str(one.document.get("challenge", "")), one.phase) for one in chosen)
    finals = [client.finals(slug, phase=phase) for slug, phase in places]
    _list(run, chosen, finals)
    for one in finals:
        _say(run, one)


@click.command()
@click.argument("slug", type=SLUG_TYPE)
@phase_option
@common
@click.pass_obj
def result(run: Invocation, slug: str, phase: str | None) -> None:
    """Your team's final place once a phase is unblinded, and what else it could have been."""
    found = run.client().result(slug, phase=phase)
    rows = [
        (
            one.submission,
            one.filename,
            score_text({"value": one.score, "sigma": one.sigma}),
            "" if one.rank is None else one.rank,
            one.counted,
            one.selected,
            one.best,
        )
        for one in found.would_have_been
    ]
    columns = ("id", "file", f"private {found.metric}", "rank", "counted", "selected", "best")
    run.out.say(found.text)
    run.out.table(found.document, columns, rows)


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
