"""Policies of the routes of one submission: its team, and the organisers of its challenge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request
from sqlalchemy import select

from ..accounts.access import OfferedCsrf, PlatformOf, check_csrf, identify, require_scope
from ..challenges.access import Access, find_access
from ..challenges.models import Challenge
from ..core.errors import NotAuthenticated, NotFound
from ..core.platform import Platform
from ..core.security import Actor
from ..core.web import policy
from ..teams.membership import own_team_ids
from .models import Entry, Submission

SubmissionPolicy = Callable[..., "SubmissionAccess"]


@dataclass(frozen=True)
class SubmissionAccess:
    """Who asks for which submission; `member` if it is of the actor's team."""

    access: Access
    submission_id: str
    sha256: str
    member: bool


def of_submission(scope: str, *, change: bool = False) -> SubmissionPolicy:
    """Members of the submission's team; organisers too unless it is to be changed."""
    name = "changed by its team" if change else "seen by its team and organisers"

    @policy(f"submission: {name} ({scope})")
    def check(
        request: Request, submission_id: str, platform: PlatformOf, offered: OfferedCsrf
    ) -> SubmissionAccess:
        actor = identify(request, platform)
        require_scope(actor, scope)
        found = _find(platform, actor, submission_id)
        if not (found.member or (found.access.organiser and not change)):
            raise NotFound
        check_csrf(request, platform, actor, offered)
        request.state.access = found.access
        return found

    return check


@policy("submission: organiser")
def judged(
    request: Request, submission_id: str, platform: PlatformOf, offered: OfferedCsrf
) -> SubmissionAccess:
    """An organiser of the submission's challenge; nobody else learns that this exists."""
    actor = identify(request, platform)
    if not actor.known:
        raise NotAuthenticated
    found = _find(platform, actor, submission_id)
    if not found.access.organiser:
        raise NotFound
    check_csrf(request, platform, actor, offered)
    request.state.access = found.access
    return found


def _find(platform: Platform, actor: Actor, submission_id: str) -> SubmissionAccess:
    with platform.db.read() as session:
        row = session.execute(
            select(Submission.sha256, Challenge.slug, Entry.team_id)
            .join(Challenge, Challenge.id == Submission.challenge_id)
            .join(Entry, Entry.id == Submission.entry_id)
            .where(Submission.id == submission_id)
        ).one_or_none()
        if row is None:
            raise NotFound
        sha256, slug, team_id = row
        access = find_access(session, actor, slug, public_boards=platform.settings.public_boards)
        member = team_id in own_team_ids(session, access.challenge.id, actor.user_id)
    return SubmissionAccess(access, submission_id, sha256, member)
