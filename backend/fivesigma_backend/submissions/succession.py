"""How the phases of a challenge hang together: which of them take over from which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..challenges.definition import PhaseDefinition
from ..challenges.models import Phase


def lock_phases(session: Session, challenge_id: str) -> Sequence[Phase]:
    """All phases of a challenge as they are now, locked in one order until the transaction ends.

    Whoever needs entries too locks those first.
    """
    return session.scalars(
        select(Phase)
        .where(Phase.challenge_id == challenge_id)
        .order_by(Phase.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def source_of(phases: Sequence[Phase], target: Phase) -> Phase | None:
    """The phase that `target` takes over from; None where it takes nothing over."""
    definition = PhaseDefinition.model_validate(target.definition)
    if definition.carry_over == "none":
        return None
    return next((one for one in phases if one.slug == definition.carry_from), None)


def forget_carrying(phases: Sequence[Phase], source: Phase) -> None:
    """Let the phases after a `source` that changes once more take over again once it settles.

    What was carried stays until then. Unblinded phases keep what they have.
    """
    for target in _after(phases, source):
        if target.carried_at is not None and target.unblinded_at is None:
            target.carried_at = None
            forget_carrying(phases, target)


def _after(phases: Sequence[Phase], source: Phase) -> Iterator[Phase]:
    for phase in phases:
        found = source_of(phases, phase)
        if found is not None and found.id == source.id:
            yield phase
