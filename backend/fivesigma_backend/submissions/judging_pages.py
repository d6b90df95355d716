"""The organisers' page of submissions, and the forms by which they decide about one."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fivesigma_scoring import METRICS
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..accounts.forms import typed
from ..challenges.access import Access, organiser
from ..challenges.definition import PhaseDefinition
from ..challenges.service import phases_of
from ..core.errors import Unprocessable
from ..core.pages import redirect, render
from .access import SubmissionAccess, judged
from .flags import FLAGS, implausible, same_files
from .judging_acts import Judging
from .judging_entries import OwnLimits
from .rules import State
from .submissions_admin import Wanted, judged_out, judged_page

router = APIRouter()
Organised = Annotated[Access, Depends(organiser)]
Filter = Annotated[str, Query(max_length=100)]
Text = Annotated[str, Form(max_length=2000)]
PAGE = 50
LONGEST_NUMBER = 7
FLAG_TITLES = {"same-file": "same file from two teams", "implausible": "too good to be true"}


@router.get("/challenges/{slug}/organise")
def submissions_page(
    request: Request,
    platform: PlatformOf,
    access: Organised,
    phase: Filter = "",
    team: Filter = "",
    state: Filter = "",
    flag: Filter = "",
    cursor: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """All submissions of the challenge with filters, and what to look at."""
    filters = {"phase": phase, "team": typed(team), "state": state, "flag": flag}
    first = cursor is None and not any(filters.values())
    challenge_id = access.challenge.id
    with platform.db.read() as session:
        phases = phases_of(session, challenge_id)
        rows, following = judged_page(
            session, challenge_id, Wanted(**filters), limit=PAGE, before=cursor
        )
        shared = same_files(session, challenge_id) if first else []
        suspicious = implausible(session, challenge_id) if first else []
    url = platform.settings.public_url
    return render(
        request,
        "submissions/organise.html",
        access=access,
        phases=phases,
        rows=[(judged_out(row, url), row[0], _metric(row[2].definition)) for row in rows],
        filters=filters,
        states=list(State),
        flags=[(one, FLAG_TITLES[one]) for one in FLAGS],
        shared=shared,
        suspicious=suspicious,
        next_page=f"?{urlencode(filters | {'cursor': following})}" if following else None,
    )


@router.post("/submissions/{submission_id}/judge")
def judge_form(
    platform: PlatformOf,
    found: Annotated[SubmissionAccess, Depends(judged)],
    act: Annotated[Literal["hide", "disqualify", "restore", "refund", "retry", "requeue"], Form()],
    reason: Text = "",
    back: Annotated[Literal["", "queue"], Form()] = "",
) -> Response:
    """Do what an organiser decided about a submission."""
    acts = Judging(platform, found.access)
    if act == "disqualify":
        acts.disqualify(found.submission_id, reason)
    else:
        getattr(acts, act)(found.submission_id)
    root = f"/challenges/{found.access.challenge.slug}"
    here = f"{root}/organise/queue" if back else f"/submissions/{found.submission_id}"
    return redirect(here, notice="decided")


@router.post("/challenges/{slug}/phases/{phase}/teams/{team_id}/judge")
def judge_team_form(
    platform: PlatformOf,
    access: Organised,
    phase: str,
    team_id: str,
    act: Annotated[Literal["disqualify", "restore", "limits"], Form()],
    reason: Text = "",
    per_day: Text = "",
    total: Text = "",
    concurrent: Text = "",
) -> Response:
    """Do what an organiser decided about a team in a phase."""
    acts = Judging(platform, access)
    if act == "disqualify":
        acts.disqualify_entry(phase, team_id, reason)
    elif act == "restore":
        acts.restore_entry(phase, team_id)
    else:
        limits = OwnLimits(_number(per_day), _number(total), _number(concurrent))
        acts.set_limits(phase, team_id, limits)
    query = urlencode({"phase": phase, "team": team_id})
    return redirect(f"/challenges/{access.challenge.slug}/organise?{query}", notice="decided")


def _number(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER):
        raise Unprocessable("A limit is a whole number, or empty for the phase's own.")
    return int(text)


def _metric(definition: dict[str, object]) -> object:
    return METRICS[PhaseDefinition.model_validate(definition).metric]
