"""Pages of submissions: hand in, the team's list, one submission with its report."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fivesigma_scoring import METRICS
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..challenges.access import Access, known, participant, uploader
from ..challenges.columns import column_of
from ..challenges.definition import PhaseDefinition
from ..challenges.models import Phase, TestSet
from ..challenges.service import phases_of
from ..core.errors import Problem, TooMany
from ..core.pages import redirect, render
from ..core.platform import Platform
from ..teams.membership import own_team_ids
from .access import SubmissionAccess, of_submission
from .admission import extensions_of, is_open, own_team, phases_taking
from .changing import cancel, change, checked_note
from .checking import check_upload
from .figures_shown import figures_of
from .finals_shown import open_finals
from .history import history_of
from .limits import limits_in
from .receiving import Delivery
from .rules import UNFINISHED, own_close
from .schemas import LONGEST_NOTE, SubmissionChange
from .succession import source_of
from .views import submission_out, submission_row, team_submissions

router = APIRouter()
ANY_SIZE = 2**62
PAGE = 50


@router.get("/challenges/{slug}/submit")
def submit_page(
    request: Request, platform: PlatformOf, access: Annotated[Access, Depends(known("read"))]
) -> Response:
    """The form to hand in a file, or what is still missing before one may."""
    return _submit_form(request, platform, access)


@router.post("/challenges/{slug}/submit", max_body_size=ANY_SIZE)
async def submit(
    request: Request, platform: PlatformOf, access: Annotated[Access, Depends(uploader)]
) -> Response:
    """Hand in a file; a refusal shows the form again with the reason."""
    try:
        accepted = await Delivery(request, platform, access).hand_in(None)
    except Problem as problem:
        return await run_in_threadpool(_refused, request, platform, access, problem)
    notice = "replayed" if accepted.replayed else "submitted"
    return redirect(f"/submissions/{accepted.submission_id}", notice=notice)


@router.post("/challenges/{slug}/check", max_body_size=ANY_SIZE)
async def check(
    request: Request, platform: PlatformOf, access: Annotated[Access, Depends(uploader)]
) -> Response:
    """Check a file without handing it in, and show the report above the form."""
    try:
        report = await check_upload(request, platform, access)
    except Problem as problem:
        return await run_in_threadpool(_refused, request, platform, access, problem)
    return await run_in_threadpool(
        _submit_form, request, platform, access, report=report.model_dump()
    )


def _refused(request: Request, platform: Platform, access: Access, problem: Problem) -> Response:
    return _submit_form(request, platform, access, problem=problem)


def _submit_form(
    request: Request,
    platform: Platform,
    access: Access,
    *,
    problem: Problem | None = None,
    report: dict[str, Any] | None = None,
) -> Response:
    now = request.state.began_at
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
        extensions = extensions_of(session, access) if access.participant else {}
        taking = phases_taking(phases, extensions, now)
        shown = next(iter(taking), phases[-1])
        context = _submit_context(session, access, shown, now) if access.participant else {}
        finals = open_finals(session, access, taking, now)
    return render(
        request,
        "submissions/submit.html",
        status=problem.status if problem else 200,
        access=access,
        phases=phases,
        open_phases=taking,
        finals=finals,
        phase_options=[(one.slug, one.title) for one in taking],
        extended=[
            (one, extensions[one.id])
            for one in taking
            if own_close(one.closes_at, extensions.get(one.id)) != one.closes_at
        ],
        late=bool(taking) and taking[0].unblinded_at is not None,
        problem=problem,
        findings=(problem.extra.get("findings") if problem else None) or [],
        report=report,
        limited=isinstance(problem, TooMany),
        **({"limits": None, "max_bytes": None} | context),
    )


def _submit_context(
    session: Session, access: Access, phase: Phase, now: datetime
) -> dict[str, Any]:
    """Limits and cap of a phase."""
    test_set = session.get_one(TestSet, phase.test_set_id)
    return {
        "limits": limits_in(session, access, phase, own_team(session, access).id, now),
        "max_bytes": test_set.definition["max_bytes"],
    }


@router.get("/challenges/{slug}/submissions")
def list_page(
    request: Request,
    platform: PlatformOf,
    access: Annotated[Access, Depends(participant("read"))],
    cursor: str | None = None,
) -> Response:
    """The team's submissions, the newest first."""
    url = platform.settings.public_url
    with platform.db.read() as session:
        team = own_team(session, access)
        team_ids = own_team_ids(session, access.challenge.id, access.actor.user_id)
        rows, following = team_submissions(session, team_ids, limit=PAGE, before=cursor)
        items = [submission_out(row, organiser=False, public_url=url) for row in rows]
        phases = phases_of(session, access.challenge.id)
        finals = open_finals(session, access, phases, request.state.began_at)
    return render(
        request,
        "submissions/list.html",
        access=access,
        phases=phases,
        team=team,
        finals=finals,
        how={one.id: one.how for each in finals for one in each.items},
        rows=[
            (item, row[0], _metric_of(row[2].definition))
            for item, row in zip(items, rows, strict=True)
        ],
        next_page=f"{request.url.path}?cursor={following}" if following else None,
        unfinished=any(item.status in UNFINISHED for item in items),
    )


@router.get("/submissions/{submission_id}")
def one_page(
    request: Request,
    platform: PlatformOf,
    found: Annotated[SubmissionAccess, Depends(of_submission("read"))],
) -> Response:
    """One submission: state, scores with their uncertainty, report, file."""
    with platform.db.read() as session:
        row = submission_row(session, found.submission_id)
        phases = phases_of(session, found.access.challenge.id)
        figures = figures_of(session, found, row[1], row[2])
        history = history_of(session, row[0], row[2], organiser=found.access.organiser)
    submission, evaluation, phase, team, *_, entry = row
    definition = PhaseDefinition.model_validate(phase.definition)
    organiser = found.access.organiser
    return render(
        request,
        "submissions/one.html",
        access=found.access,
        phases=phases,
        phase=phase,
        team=team,
        item=submission_out(row, organiser=organiser, public_url=platform.settings.public_url),
        submission=submission,
        evaluation=evaluation,
        metrics=[column_of(name) for name in (definition.metric, *definition.metrics)],
        entry=entry,
        finals=definition.finals,
        longest_note=LONGEST_NOTE,
        hidden=definition.board == "hidden",
        member=found.member,
        source=source_of(phases, phase),
        open=is_open(phase, entry.closes_at, request.state.began_at),
        unfinished=evaluation.state in UNFINISHED,
        figures=figures,
        history=history,
    )


@router.post("/submissions/{submission_id}/select")
def select_form(
    request: Request,
    platform: PlatformOf,
    found: Annotated[SubmissionAccess, Depends(of_submission("submit", change=True))],
    selected: Annotated[bool, Form()],
    note: Annotated[str | None, Form()] = None,
) -> Response:
    """Select or unselect as one of the finals, with a word on its method."""
    said = None if note is None else checked_note(note)
    wanted = SubmissionChange(selected=selected, note=said)
    with platform.db.transaction() as session:
        change(session, platform.events, found, wanted, now=request.state.began_at)
    notice = "selected" if selected else "deselected"
    return redirect(f"/submissions/{found.submission_id}", notice=notice)


@router.post("/submissions/{submission_id}/cancel")
def cancel_form(
    request: Request,
    platform: PlatformOf,
    found: Annotated[SubmissionAccess, Depends(of_submission("submit", change=True))],
) -> Response:
    """Take back a queued submission."""
    with platform.db.transaction() as session:
        cancel(session, platform.events, found, now=request.state.began_at)
    return redirect(f"/submissions/{found.submission_id}", notice="cancelled")


def _metric_of(definition: dict[str, Any]) -> Any:
    return METRICS[PhaseDefinition.model_validate(definition).metric]
