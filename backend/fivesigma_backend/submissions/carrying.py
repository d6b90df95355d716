"""Carrying over: what teams chose in one phase is evaluated in the next, once the former settled.

All of it is one transaction, so nobody sees half of it. A key that is unique for phase and source
submission makes that the same file never comes twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..challenges.definition import PhaseDefinition
from ..challenges.models import Challenge, Phase, TestSet
from ..core.audit import record_act
from ..core.clock import rfc3339
from ..core.db import insert_missing
from ..core.errors import Conflict
from ..core.ids import new_id
from ..core.platform import Platform
from ..core.queue import SCORE_QUEUE, SCORE_TASK, ring_after_commit
from .announcing import Announced, announce_board, announce_submission
from .carry_plan import Carried, CarryPlan, merged_teams, plan
from .carry_rules import Fate, last_team
from .generations import accompany, hold_test_set, running
from .models import Entry, Evaluation, Submission
from .rules import State
from .standings import lock_entry, restand
from .succession import forget_carrying, lock_phases, source_of
from .unblinding import settled


def carry_over(
    session: Session, target_id: str, *, now: datetime, actor_id: str | None
) -> CarryPlan:
    """Bring a phase to what its source phase gives; repeating adds and marks what has changed.

    New ones are queued without using quota; those that are no longer chosen are superseded and
    count nowhere, unless they are chosen again. Raises Conflict while the source has not settled.
    """
    target = session.get_one(Phase, target_id)
    hold_test_set(session, target.test_set_id)
    _lock_entries(session, target, _phases(session, target))
    phases = lock_phases(session, target.challenge_id)
    done = plan(session, phases, target, now)
    if not done.ready:
        raise Conflict(
            f"“{done.source.title}” has not settled yet: it is open (for a team, at least), or "
            "something of it is still on its way. Carry over when it has.",
            code="settling",
        )
    done = _apply(session, done, now)
    if done.with_fate(Fate.NEW, Fate.RETURNS, Fate.SUPERSEDED):
        forget_carrying(phases, target)
    _record(session, done, now, actor_id)
    target.carried_at = now
    return done


def announce_carried(session: Session, platform: Platform, done: CarryPlan) -> None:
    """Once committed, ring for what was queued, and tell live pages."""
    for one in done.with_fate(Fate.NEW):
        queued = Announced(done.target.challenge_id, one.team_id, one.submission.id)
        announce_submission(session, platform.events, queued, State.QUEUED)
    announce_board(session, platform.events, done.target.id)
    ring_after_commit(session, platform.bell, SCORE_TASK, SCORE_QUEUE)


def carrying_due(session: Session, now: datetime) -> list[Phase]:
    """Phases that have opened, and take over now for the first time: their source has settled."""
    waiting = session.scalars(
        select(Phase)
        .join(Challenge, Challenge.id == Phase.challenge_id)
        .where(Challenge.trashed_at.is_(None), Phase.opens_at <= now)
        .where(Phase.carried_at.is_(None), Phase.unblinded_at.is_(None))
    ).all()
    found = []
    for target in waiting:
        if PhaseDefinition.model_validate(target.definition).carry_over != "none":
            source = source_of(_phases(session, target), target)
            if source is not None and settled(session, source, now):
                found.append(target)
    return found


def _phases(session: Session, phase: Phase) -> Sequence[Phase]:
    return session.scalars(select(Phase).where(Phase.challenge_id == phase.challenge_id)).all()


def _lock_entries(session: Session, target: Phase, phases: Sequence[Phase]) -> None:
    """Make and lock every entry that may change, before any phase: workers go in that order."""
    source = source_of(phases, target)
    merged = merged_teams(session, target.challenge_id)
    handed_in = select(Submission.id).where(Submission.entry_id == Entry.id).exists()
    giving = session.scalars(
        select(Entry.team_id).where(Entry.phase_id == (source.id if source else None), handed_in)
    )
    teams = {last_team(team_id, merged) for team_id in giving}
    there = set(session.scalars(select(Entry.team_id).where(Entry.phase_id == target.id)))
    for team_id in sorted(teams - there):
        insert_missing(session, Entry, id=new_id(), phase_id=target.id, team_id=team_id)
    session.execute(
        select(Entry.id)
        .where(Entry.phase_id == target.id)
        .order_by(Entry.team_id)
        .with_for_update()
    )


def _apply(session: Session, done: CarryPlan, now: datetime) -> CarryPlan:
    entries = {
        entry.team_id: entry
        for entry in session.scalars(select(Entry).where(Entry.phase_id == done.target.id))
    }
    copies = _insert(session, done.with_fate(Fate.NEW), entries, done.target, now)
    changed = done.with_fate(Fate.RETURNS, Fate.SUPERSEDED)
    for one in changed:
        one.submission.superseded_at = now if one.fate is Fate.SUPERSEDED else None
    session.flush()
    for team_id in sorted({one.team_id for one in changed}):
        restand(session, entries[team_id], done.target)
    items = [
        replace(one, submission=copies.get(one.source_id, one.submission)) for one in done.items
    ]
    return replace(done, items=items)


def _insert(
    session: Session,
    new: Sequence[Carried],
    entries: dict[str, Entry],
    target: Phase,
    now: datetime,
) -> dict[str, Submission]:
    """The same files once more, as submissions of the target that are queued for scoring."""
    for team_id in {one.team_id for one in new} - entries.keys():  # merged a moment ago
        entries[team_id] = lock_entry(session, target.id, team_id)
    test_set = session.get_one(TestSet, target.test_set_id)
    copies = [(_copy(one, entries[one.team_id], target), one.team_id) for one in new]
    session.add_all(copy for copy, _ in copies)
    session.flush()
    evaluations = [
        Evaluation(
            id=copy.evaluation_id,
            submission_id=copy.id,
            challenge_id=target.challenge_id,
            phase_id=target.id,
            team_id=team_id,
            solution_id=test_set.current_solution_id,
            state=State.QUEUED,
            queued_at=now,
        )
        for copy, team_id in copies
    ]
    session.add_all(evaluations)
    session.flush()
    rescoring = running(session, test_set.id)
    if rescoring is not None:
        accompany(session, rescoring, evaluations)
    return {str(copy.carried_from_id): copy for copy, _ in copies}


def _copy(one: Carried, entry: Entry, target: Phase) -> Submission:
    source = one.submission
    return Submission(
        id=new_id(),
        entry_id=entry.id,
        challenge_id=target.challenge_id,
        user_id=source.user_id,
        sha256=source.sha256,
        size=source.size,
        filename=source.filename,
        message=source.message,
        declared=source.declared,
        submitted_at=source.submitted_at,
        evaluation_id=new_id(),
        carried_from_id=source.id,
        carry_key=f"{target.id}:{source.id}",
    )


def _record(session: Session, done: CarryPlan, now: datetime, actor_id: str | None) -> None:
    before = done.target.carried_at
    counts = Counter(one.fate for one in done.items)
    record_act(
        session,
        now=now,
        actor_id=actor_id,
        action="phase.carry-over",
        target=done.target.slug,
        challenge_id=done.target.challenge_id,
        before={"carried_at": rfc3339(before) if before else None},
        after={"carried_at": rfc3339(now), "from": done.source.slug}
        | {fate.value: counts[fate] for fate in Fate},
    )
