"""What is held still while a file is accepted, each with one statement.

The statements are built once: every file runs them, and building one takes as long as running it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from ..challenges.access import Access
from ..challenges.definition import PhaseDefinition
from ..challenges.models import Participation, Phase, TestSet
from ..core.errors import Forbidden, NotFound
from ..teams.models import TeamMember
from .admission import Admission
from .models import Entry, Rescoring
from .rules import own_close


class Held(NamedTuple):
    """What can't change until the transaction ends."""

    solution_id: str | None
    team_id: str
    banned_at: datetime | None


# The test set comes first: who switches to a new solution locks it before any entry, too.
_HELD = (
    select(TestSet.current_solution_id, TeamMember.team_id, Participation.banned_at)
    .select_from(TestSet)
    .join(TeamMember, TeamMember.challenge_id == TestSet.challenge_id)
    .join(
        Participation,
        (Participation.challenge_id == TeamMember.challenge_id)
        & (Participation.user_id == TeamMember.user_id),
    )
    .where(TestSet.id == bindparam("test_set"), TeamMember.user_id == bindparam("user"))
    .with_for_update(read=True)
)


def hold(session: Session, access: Access, test_set_id: str) -> Held:
    """Keep the test set's solution and re-scoring as they are, and the actor in the present team.

    Taken before the lock of any entry. Raises NotFound for who has no team, Forbidden for the
    banned.
    """
    of = {"test_set": test_set_id, "user": access.actor.user_id}
    found = session.execute(_HELD, of).one_or_none()
    if found is None:
        raise NotFound("You have no team in this challenge. Join it first.")
    held = Held._make(found)
    if held.banned_at is not None:
        raise Forbidden("You were excluded from this challenge meanwhile.", code="banned")
    return held


_AS_IT_IS_NOW = (
    select(Phase, Rescoring)
    .outerjoin(
        Rescoring, (Rescoring.test_set_id == Phase.test_set_id) & Rescoring.ended_at.is_(None)
    )
    .where(Phase.id == bindparam("phase"))
    .with_for_update(read=True, key_share=True, of=Phase)
    .execution_options(populate_existing=True)
)


def as_it_is_now(
    session: Session, admission: Admission, entry: Entry
) -> tuple[Admission, Rescoring | None]:
    """The admission with what the phase and the locked entry have become since.

    Until the transaction ends the phase can't be unblinded, nor its times be moved. With it comes
    the re-scoring that is under way.
    """
    phase, rescoring = session.execute(_AS_IT_IS_NOW, {"phase": admission.phase.id}).one()
    admission = replace(
        admission,
        phase=phase,
        definition=PhaseDefinition.model_validate(phase.definition),
        closes_at=own_close(phase.closes_at, entry.closes_at),
    )
    return admission, rescoring
