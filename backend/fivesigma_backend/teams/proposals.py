"""Proposals to merge: one team offers to become part of another. Callers own the transaction.

Saying yes moves submissions and quota, and is in `submissions.joining`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ..challenges.models import Challenge
from ..core.errors import Conflict, Unprocessable
from ..core.ids import new_id
from .invitations import DECLINED, WITHDRAWN, note_answer
from .membership import (
    KIND,
    lock_own_team,
    max_size,
    members_of,
    require_leader,
    require_unlocked,
)
from .models import MergeProposal, Team
from .notices import notify
from .rules import MOST_PROPOSALS, size_problem, team_name_key


def propose(
    session: Session, challenge: Challenge, user_id: str, team_name: str, now: datetime
) -> MergeProposal:
    """Offer that the actor's team becomes part of another; doing it again changes nothing.

    Raises Unprocessable for a team that can't be asked, Conflict after the lock and where there is
    no room.
    """
    require_unlocked(session, challenge, now)
    team = lock_own_team(session, challenge.id, user_id)
    require_leader(session, team, user_id)
    other = _asked(session, team, team_name)
    waiting = proposals_from(session, team.id)
    for proposal in waiting:
        if proposal.into_team_id == other.id:
            return proposal
    require_room(session, challenge, team, other)
    if len(waiting) >= MOST_PROPOSALS:
        raise Conflict(
            f"{len(waiting)} proposals of your team have no answer yet. Withdraw one first.",
            code="too_many_proposals",
        )
    proposal = MergeProposal(
        id=new_id(),
        from_team_id=team.id,
        into_team_id=other.id,
        proposed_by=user_id,
        created_at=now,
    )
    session.add(proposal)
    text = f"The team “{team.name}” proposes to become part of yours. Answer on the page “Team”."
    notify(session, challenge.id, KIND, text, now=now, team_id=other.id, actor_id=user_id)
    return proposal


def _asked(session: Session, team: Team, name: str) -> Team:
    other = session.scalar(
        select(Team).where(
            Team.challenge_id == team.challenge_id, Team.name_key == team_name_key(name)
        )
    )
    if other is None or other.merged_into_id is not None or other.banned_at is not None:
        raise Unprocessable(
            f"There is no team “{name.strip()}”. The leaderboard has the names.", code="no_team"
        )
    if other.id == team.id:
        raise Unprocessable("This is your own team. Name another one.", code="own_team")
    return other


def require_room(session: Session, challenge: Challenge, team: Team, other: Team) -> None:
    """Refuse two teams that can't be one, by their size or because one is the organisers'."""
    sizes = len(members_of(session, team.id)), len(members_of(session, other.id))
    problem = size_problem(*sizes, max_size(challenge))
    if problem is not None:
        raise Conflict(problem, code="team_full")
    if team.staff != other.staff:
        raise Unprocessable(
            "Organisers are shown unranked, so they and participants can't share a team.",
            code="staff",
        )


def proposals_from(session: Session, team_id: str) -> Sequence[MergeProposal]:
    """What a team has offered and has no answer to, the oldest first."""
    return _open(session, MergeProposal.from_team_id == team_id)


def proposals_to(session: Session, team_id: str) -> Sequence[MergeProposal]:
    """What a team was offered and has not answered, the oldest first."""
    return _open(session, MergeProposal.into_team_id == team_id)


def _open(session: Session, which: ColumnElement[bool]) -> Sequence[MergeProposal]:
    return session.scalars(
        select(MergeProposal)
        .where(which, MergeProposal.answer.is_(None))
        .order_by(MergeProposal.id)
    ).all()


def answer_proposal(
    session: Session, proposal_id: str, answer: str, now: datetime
) -> MergeProposal:
    """Note the answer to a proposal, once. Raises Conflict if it has another one."""
    proposal = session.get_one(
        MergeProposal, proposal_id, with_for_update=True, populate_existing=True
    )
    note_answer(session, proposal, "proposal", answer, now)
    return proposal


def decline_merge(session: Session, challenge: Challenge, proposal_id: str, now: datetime) -> None:
    """Say no to a proposal, and tell those who made it."""
    proposal = answer_proposal(session, proposal_id, DECLINED, now)
    asked = session.get_one(Team, proposal.into_team_id)
    text = f"“{asked.name}” does not merge with your team."
    notify(session, challenge.id, KIND, text, now=now, team_id=proposal.from_team_id)


def withdraw_merge(session: Session, proposal_id: str, now: datetime) -> None:
    """Take a proposal back."""
    answer_proposal(session, proposal_id, WITHDRAWN, now)
