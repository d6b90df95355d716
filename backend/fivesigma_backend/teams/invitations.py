"""Invitations: a leader asks a participant into the team. Callers own the transaction.

Saying yes also moves what the person has handed in so far, and is in `submissions.joining`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from ..accounts.models import User
from ..accounts.service import find_user
from ..challenges.models import Challenge, Participation
from ..core.errors import Conflict, Unprocessable
from ..core.ids import new_id
from .membership import (
    KIND,
    lock_own_team,
    max_size,
    members_of,
    require_leader,
    require_unlocked,
)
from .models import Invitation, MergeProposal, Team, TeamMember
from .notices import notify
from .rules import MOST_INVITATIONS, size_problem

ACCEPTED, DECLINED, WITHDRAWN = "accepted", "declined", "withdrawn"


def invite(
    session: Session, challenge: Challenge, user_id: str, username: str, now: datetime
) -> Invitation:
    """Ask a participant into the actor's team; doing it again changes nothing.

    Raises Conflict after the lock and while there is no place, Unprocessable for who can't be
    invited.
    """
    require_unlocked(session, challenge, now)
    team = lock_own_team(session, challenge.id, user_id)
    require_leader(session, team, user_id)
    guest = _guest(session, challenge, team, username)
    waiting = open_invitations(session, team.id)
    for invitation in waiting:
        if invitation.user_id == guest.id:
            return invitation
    problem = size_problem(len(members_of(session, team.id)), 1, max_size(challenge))
    if problem is not None:
        raise Conflict(problem, code="team_full")
    if len(waiting) >= MOST_INVITATIONS:
        raise Conflict(
            f"{len(waiting)} invitations of your team have no answer yet. Withdraw one first.",
            code="too_many_invitations",
        )
    return _insert(session, challenge, team, user_id, guest, now)


def _insert(
    session: Session, challenge: Challenge, team: Team, user_id: str, guest: User, now: datetime
) -> Invitation:
    invitation = Invitation(
        id=new_id(), team_id=team.id, user_id=guest.id, invited_by=user_id, created_at=now
    )
    session.add(invitation)
    text = f"You are invited to the team “{team.name}”. Say yes or no on the page “Team”."
    notify(session, challenge.id, KIND, text, now=now, user_id=guest.id, actor_id=user_id)
    return invitation


def _guest(session: Session, challenge: Challenge, team: Team, username: str) -> User:
    user = find_user(session, username.strip())
    member = None if user is None else _taking_part(session, challenge, user)
    if user is None or member is None:
        # The same for unknown, not joined and excluded people, so that nobody is looked up.
        raise Unprocessable(
            f"“{username.strip()}” does not take part in this challenge. Ask them to join it "
            "first, and check the spelling of the username.",
            code="no_participant",
        )
    if member.team_id == team.id:
        raise Conflict(f"“{user.username}” is in your team already.", code="already_member")
    if session.get_one(Team, member.team_id).staff != team.staff:
        raise Unprocessable(
            "Organisers are shown unranked, so they and participants can't share a team.",
            code="staff",
        )
    return user


def _taking_part(session: Session, challenge: Challenge, user: User) -> TeamMember | None:
    joined = session.get(Participation, (challenge.id, user.id))
    if joined is None or joined.banned_at is not None:
        return None
    return session.get(TeamMember, (challenge.id, user.id))


def open_invitations(session: Session, team_id: str) -> Sequence[Invitation]:
    """The invitations of a team that have no answer yet, the oldest first."""
    return session.scalars(
        select(Invitation)
        .where(Invitation.team_id == team_id, Invitation.answer.is_(None))
        .order_by(Invitation.id)
    ).all()


def answer_invitation(
    session: Session, invitation_id: str, answer: str, now: datetime
) -> Invitation:
    """Note the answer to an invitation, once. Raises Conflict if it has another one."""
    invitation = session.get_one(
        Invitation, invitation_id, with_for_update=True, populate_existing=True
    )
    note_answer(session, invitation, "invitation", answer, now)
    return invitation


def note_answer(
    session: Session, question: Invitation | MergeProposal, called: str, answer: str, now: datetime
) -> None:
    """Keep the answer to a locked question. Raises Conflict if it has one."""
    if question.answer is not None:
        raise Conflict(f"This {called} was {question.answer} before.", code="answered")
    question.answer, question.answered_at = answer, now
    session.flush()


def decline(session: Session, challenge: Challenge, invitation_id: str, now: datetime) -> None:
    """Say no to an invitation, and tell the team."""
    invitation = answer_invitation(session, invitation_id, DECLINED, now)
    guest = session.get_one(User, invitation.user_id)
    text = f"{guest.username} does not join your team."
    notify(session, challenge.id, KIND, text, now=now, team_id=invitation.team_id)


def withdraw(session: Session, invitation_id: str, now: datetime) -> None:
    """Take an invitation back."""
    answer_invitation(session, invitation_id, WITHDRAWN, now)


def end_open_questions(
    session: Session, team_id: str, into_id: str, user_ids: Sequence[str], now: datetime
) -> None:
    """Withdraw what has no answer and needs none once a team is part of another."""
    for table, mine in (
        (Invitation, Invitation.team_id == team_id),
        (Invitation, and_(Invitation.team_id == into_id, Invitation.user_id.in_(user_ids))),
        (
            MergeProposal,
            or_(MergeProposal.from_team_id == team_id, MergeProposal.into_team_id == team_id),
        ),
    ):
        session.execute(
            update(table)
            .where(mine, table.answer.is_(None))
            .values(answer=WITHDRAWN, answered_at=now)
        )
