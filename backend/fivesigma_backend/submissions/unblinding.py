"""Opening private boards: when a phase has settled, and the recorded, irreversible event."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
from fivesigma_scoring.splits import PRIVATE
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..challenges.definition import PhaseDefinition
from ..challenges.models import Phase, Solution, TestSet
from ..challenges.rules import Window, window
from ..core.audit import record_act
from ..core.clock import rfc3339
from ..core.errors import Conflict
from ..core.storage import Storage
from .generations import running
from .models import Evaluation, UploadTicket
from .rules import UNFINISHED
from .standings import bump_board


def settled(session: Session, phase: Phase, now: datetime) -> bool:
    """Whether a phase is closed, no upload for it is in flight, and nothing of it waits.

    Of a test set that is being re-scored, the private ranks are about to change.
    """
    if window(phase.opens_at, phase.closes_at, now) is not Window.CLOSED:
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
            f"“{phase.title}” has not settled: it is open, or submissions are still on their way "
            "or being scored, or its test set is being re-scored. Close it, wait for the queue, "
            "end the re-scoring, and try again.",
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
    _record(session, "phase.unblind", phase, actor_id, {"unblinded_at": None}, now)


def close_early(session: Session, phase: Phase, *, now: datetime, actor_id: str | None) -> None:
    """End the window of an open phase now. An audited act."""
    if window(phase.opens_at, phase.closes_at, now) is not Window.OPEN:
        raise Conflict(f"“{phase.title}” is not open, so it can't be closed.")
    before = rfc3339(phase.closes_at) if phase.closes_at else None
    phase.closes_at = now
    session.flush()
    bump_board(session, phase.id)
    _record(session, "phase.close", phase, actor_id, {"closes_at": before}, now)


def _record(
    session: Session,
    action: str,
    phase: Phase,
    actor_id: str | None,
    before: dict[str, str | None],
    now: datetime,
) -> None:
    """Both acts set one time of the phase to now."""
    record_act(
        session,
        now=now,
        actor_id=actor_id,
        action=action,
        target=phase.slug,
        challenge_id=phase.challenge_id,
        before=before,
        after=dict.fromkeys(before, rfc3339(now)),
    )


def due(session: Session, now: datetime) -> list[Phase]:
    """Phases that are to be unblinded by themselves at this moment (settled or not)."""
    blind = session.scalars(
        select(Phase).where(Phase.unblinded_at.is_(None), Phase.closes_at <= now)
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
