"""Policies of the routes that only some members of a challenge may use.

A leader's own team is named by the challenge, so others are told that they don't lead it (403);
invitations and proposals of others answer 404, as if they were not there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from ..accounts.access import OfferedCsrf, PlatformOf, check_csrf, identify, require_scope
from ..challenges.access import Access, AccessPolicy, find_access, require_participant
from ..challenges.models import Challenge
from ..core.errors import Forbidden, NotFound
from ..core.web import policy
from .models import Invitation, MergeProposal, Team, TeamMember


@dataclass(frozen=True)
class QuestionAccess:
    """Somebody who may answer or withdraw the invitation or proposal `id`."""

    access: Access
    id: str


QuestionPolicy = Callable[..., QuestionAccess]


def leader(scope: str) -> AccessPolicy:
    """A participant who leads the own team; a token needs `scope`."""

    @policy(f"team: leader ({scope})")
    def check(request: Request, slug: str, platform: PlatformOf, offered: OfferedCsrf) -> Access:
        actor = identify(request, platform)
        with platform.db.read() as session:
            access = find_access(
                session, actor, slug, public_boards=platform.settings.public_boards
            )
            member = session.get(TeamMember, (access.challenge.id, actor.user_id))
        request.state.access = access
        require_scope(actor, scope)
        check_csrf(request, platform, actor, offered)
        require_participant(access)
        if member is None or not member.leader:
            raise Forbidden("Only the leader of the team can do this.", code="not_leader")
        return access

    return check


def invited(scope: str) -> QuestionPolicy:
    """Whom an invitation asks."""
    return _question("invitation: answered by the invited", scope, _asks_me)


def inviting(scope: str) -> QuestionPolicy:
    """The leader of the team that an invitation is to."""
    return _question("invitation: withdrawn by its leader", scope, _leads(Invitation.team_id))


def asked(scope: str) -> QuestionPolicy:
    """The leader of the team that a merge was proposed to."""
    who = _leads(MergeProposal.into_team_id)
    return _question("merge: answered by the leader asked", scope, who)


def proposing(scope: str) -> QuestionPolicy:
    """The leader of the team that proposed a merge."""
    who = _leads(MergeProposal.from_team_id)
    return _question("merge: withdrawn by its leader", scope, who)


Find = Callable[[Session, str, str], str | None]


def _question(name: str, scope: str, find: Find) -> QuestionPolicy:
    @policy(f"{name} ({scope})")
    def check(
        request: Request, question_id: str, platform: PlatformOf, offered: OfferedCsrf
    ) -> QuestionAccess:
        actor = identify(request, platform)
        require_scope(actor, scope)
        with platform.db.read() as session:
            slug = find(session, question_id, actor.user_id or "")
            if slug is None:
                raise NotFound
            access = find_access(
                session, actor, slug, public_boards=platform.settings.public_boards
            )
        request.state.access = access
        check_csrf(request, platform, actor, offered)
        require_participant(access)
        return QuestionAccess(access, question_id)

    return check


def _asks_me(session: Session, question_id: str, user_id: str) -> str | None:
    mine: ColumnElement[bool] = and_(Invitation.id == question_id, Invitation.user_id == user_id)
    return session.scalar(
        select(Challenge.slug)
        .join(Team, Team.challenge_id == Challenge.id)
        .join(Invitation, Invitation.team_id == Team.id)
        .where(mine)
    )


def _leads(team_id: InstrumentedAttribute[str]) -> Find:
    """Those who lead the team in this column of an invitation or a proposal."""

    def find(session: Session, question_id: str, user_id: str) -> str | None:
        member, table = aliased(TeamMember), team_id.class_
        return session.scalar(
            select(Challenge.slug)
            .join(member, member.challenge_id == Challenge.id)
            .join(table, team_id == member.team_id)
            .where(table.id == question_id, member.user_id == user_id, member.leader)
        )

    return find
