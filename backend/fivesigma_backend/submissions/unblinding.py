"""Opening private boards: when a phase has settled, and the recorded, irreversible event."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
from fivesigma_scoring.splits import PRIVATE
from numpy.typing import NDArray
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ..challenges.definition import PhaseDefinition
from ..challenges.models import Challenge, Phase, Solution, TestSet
from ..core.audit import record_act
from ..core.clock import rfc3339
from ..core.errors import Conflict
from ..core.storage import Storage
from ..teams.models import Team
from .generations import running
from .models import Entry, Evaluation, UploadTicket
from .rules import UNFINISHED, own_close
from .standings import bump_board


def settled(session: Session, phase: Phase, now: datetime) -> bool:
    """Whether everything of a phase has arrived and is scored.

    It is closed for every team, has taken over what its source phase gives, no upload for it is in
    flight, and nothing of it waits; of a test set that is being re-scored, the private ranks are
    about to change. An unblinded phase stays settled, whatever comes late.
    """
    if phase.unblinded_at is not None:
        return True
    close = last_close(session, phase)
    if close is None or now < close or _awaits_carrying(phase):
        return False
    in_flight = (
        select(UploadTicket.id)
        .where(UploadTicket.phase_id == phase.id, UploadTicket.expires_at > now)
        .limit(1)
    )
    waiting = (
        select(Evaluation.id)
        .where(Evaluation.phase_id == phase.id, Evaluation.state.in_(UNFINISHED))
        .limit(1)
    )
    if session.scalar(in_flight) is not None or session.scalar(waiting) is not None:
        return False
    return running(session, phase.test_set_id) is None


def last_close(session: Session, phase: Phase) -> datetime | None:
    """When a phase closes for the last of its teams; None while that is not known.

    A phase that takes carried entries only, and for which no close is set, is closed once it has
    opened and taken them.
    """
    if phase.closes_at is None:
        carried = phase.carried_at
        if carried is None or PhaseDefinition.model_validate(phase.definition).uploads:
            return None
        return max(carried, phase.opens_at)
    extension = session.scalar(
        select(func.max(Entry.closes_at))
        .join(Team, Team.id == Entry.team_id)
        # Nobody can hand in for these.
        .where(Entry.phase_id == phase.id, Team.merged_into_id.is_(None), Team.banned_at.is_(None))
    )
    return own_close(phase.closes_at, extension)


def _awaits_carrying(phase: Phase) -> bool:
    definition = PhaseDefinition.model_validate(phase.definition)
    return definition.carry_over != "none" and phase.carried_at is None


def lock_phase(session: Session, phase_id: str) -> Phase:
    """The phase as it is now, locked until the transaction ends."""
    return session.get_one(Phase, phase_id, with_for_update=True, populate_existing=True)


def unblind(
    session: Session, storage: Storage, phase: Phase, *, now: datetime, actor_id: str | None
) -> None:
    """Open the private board of a settled phase; doing it again changes nothing.

    Raises Conflict while the phase has not settled, or while another phase that has not settled
    scores some of the same private rows.
    """
    if phase.unblinded_at is not None:
        return
    if not settled(session, phase, now):
        raise Conflict(
            f"“{phase.title}” has not settled: it is open (for a team, at least), submissions are "
            "on their way, being scored or to be carried over, or its test set is being "
            "re-scored. Close it, wait for the queue, end the re-scoring, and try again.",
            code="settling",
        )
    for other in _sharing(session, storage, phase, now):
        raise Conflict(
            f"“{other.title}” still scores some of the same private rows. It must settle first.",
            code="shared_rows",
        )
    phase.unblinded_at = now
    session.flush()
    bump_board(session, phase.id)
    record_act(
        session,
        now=now,
        actor_id=actor_id,
        action="phase.unblind",
        target=phase.slug,
        challenge_id=phase.challenge_id,
        before={"unblinded_at": None},
        after={"unblinded_at": rfc3339(now)},
    )


def due(session: Session, now: datetime) -> list[Phase]:
    """Phases that are to be unblinded by themselves at this moment (settled or not)."""
    blind = session.scalars(
        select(Phase)
        .join(Challenge, Challenge.id == Phase.challenge_id)
        .where(
            Challenge.trashed_at.is_(None),
            Phase.unblinded_at.is_(None),
            # A phase without a close may close by taking carried entries.
            or_(Phase.closes_at <= now, Phase.carried_at <= now),
        )
    ).all()
    return [phase for phase in blind if _is_due(phase, now)]


def _is_due(phase: Phase, now: datetime) -> bool:
    definition = PhaseDefinition.model_validate(phase.definition)
    if definition.unblind == "at":
        return definition.unblind_at is not None and definition.unblind_at <= now
    return definition.unblind == "at-close"


def _sharing(session: Session, storage: Storage, phase: Phase, now: datetime) -> list[Phase]:
    """Other phases that have not settled and have private rows in common with this one."""
    others = session.scalars(
        select(Phase).where(Phase.test_set_id == phase.test_set_id, Phase.id != phase.id)
    ).all()
    unsettled = [other for other in others if not settled(session, other, now)]
    if not unsettled:
        return []
    test_set = session.get_one(TestSet, phase.test_set_id)
    solution = session.get_one(Solution, test_set.current_solution_id)
    truth = storage.local_folder(solution.compiled_sha256) / "truth"
    mine = _private_rows(truth, phase.slug)
    return [other for other in unsettled if np.any(mine & _private_rows(truth, other.slug))]


def _private_rows(truth: Path, phase: str) -> NDArray[np.bool_]:
    return np.asarray(np.load(truth / phase / "usage.npy") == PRIVATE)
