"""What others ask about challenges. Callers own the transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..core.errors import NotFound
from .models import Phase, Solution, TestSet


def phases_of(session: Session, challenge_id: str) -> Sequence[Phase]:
    """The phases of a challenge in the order of its definition."""
    return session.scalars(
        select(Phase).where(Phase.challenge_id == challenge_id).order_by(Phase.position)
    ).all()


def phase_by_slug(session: Session, challenge_id: str, slug: str) -> Phase:
    """The phase `slug`. Raises NotFound, which names the phases there are."""
    phases = phases_of(session, challenge_id)
    for phase in phases:
        if phase.slug == slug:
            return phase
    names = ", ".join(phase.slug for phase in phases)
    raise NotFound(f"There is no phase “{slug}”. The phases are: {names}.")


def current_solution(session: Session, test_set_id: str) -> Solution:
    """The version of the truth that new submissions are scored against."""
    return session.scalars(
        select(Solution)
        .join(TestSet, TestSet.current_solution_id == Solution.id)
        .where(TestSet.id == test_set_id)
    ).one()
