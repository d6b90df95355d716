"""Editing a live challenge: what an update of its folder means for those who have handed in."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..challenges.compiling import compile_test_set
from ..challenges.folder import take_inventory
from ..challenges.live import Update
from ..challenges.models import Challenge, Phase, Solution, TestSet
from ..challenges.preparing import keep_solution
from ..challenges.service import all_test_sets, phase_by_slug
from ..challenges.stored import present_definition
from ..challenges.storing import StoredSolution, store_solution
from ..core.audit import record_act
from ..core.clock import rfc3339
from ..core.errors import Conflict
from ..core.platform import Platform
from ..core.queue import SCORE_QUEUE, SCORE_TASK, ring_after_commit
from ..teams.notices import notify
from .announcing import announce_board
from .generations import running_in
from .models import Evaluation, Submission
from .rescoring import begin, lock_test_set, phases_on, running_already
from .restanding import lock_entries, restand_phase
from .rules import State

NEW_SCORING = "there is a new version of the solution or of how it is scored"
NEW_SCORER = "the scorer was corrected"


class LiveEditing:
    """`challenges.live.Live` for a platform with submissions."""

    def __init__(self, platform: Platform, reason: str = "") -> None:
        self._platform = platform
        self._reason = reason.strip() or NEW_SCORING

    def hold(self, session: Session, challenge_id: str, restanding: frozenset[str]) -> None:
        """Lock the entries of phases that are to be ranked again."""
        if restanding:
            lock_entries(session, _ids(session, challenge_id, restanding))

    def apply(self, session: Session, update: Update) -> None:
        """Begin re-scorings, rank again, and tell participants of moved closes."""
        self._require_still(session, update)
        test_sets = {row.name: row for row in all_test_sets(session, update.challenge.id)}
        for name, solution in sorted(update.pending.items()):
            begin(
                session,
                test_sets[name],
                solution,
                reason=self._reason,
                definition=update.scored_as.model_dump(mode="json") if update.scored_as else None,
                now=update.now,
                actor_id=update.actor_id,
            )
        if update.pending:
            ring_after_commit(session, self._platform.bell, SCORE_TASK, SCORE_QUEUE)
        self._restand(session, update)
        _tell_moved(session, update)
        for phase in session.scalars(
            select(Phase).where(Phase.challenge_id == update.challenge.id)
        ):
            announce_board(session, self._platform.events, phase.id)

    def _require_still(self, session: Session, update: Update) -> None:
        names = {row.id: row.name for row in all_test_sets(session, update.challenge.id)}
        for one in running_in(session, update.challenge.id):
            if names.get(one.test_set_id) in update.compiled:
                raise running_already(names[one.test_set_id])

    def _restand(self, session: Session, update: Update) -> None:
        if not update.restanding:
            return
        ids = _ids(session, update.challenge.id, update.restanding)
        entries = lock_entries(session, ids)
        for phase in session.scalars(select(Phase).where(Phase.id.in_(ids))):
            restand_phase(session, phase, entries)
            record_act(
                session,
                now=update.now,
                actor_id=update.actor_id,
                action="phase.restand",
                target=phase.slug,
                challenge_id=update.challenge.id,
            )


def _ids(session: Session, challenge_id: str, slugs: frozenset[str]) -> Sequence[str]:
    return session.scalars(
        select(Phase.id).where(Phase.challenge_id == challenge_id, Phase.slug.in_(slugs))
    ).all()


def _tell_moved(session: Session, update: Update) -> None:
    """A close that moved is an audited act that participants hear of."""
    before = {phase.slug: phase.closes for phase in update.before.phases}
    for phase in update.after.phases:
        if phase.slug not in before or before[phase.slug] == phase.closes:
            continue
        old, new = before[phase.slug], phase.closes
        record_act(
            session,
            now=update.now,
            actor_id=update.actor_id,
            action="phase.move",
            target=phase.slug,
            challenge_id=update.challenge.id,
            before={"closes_at": rfc3339(old) if old else None},
            after={"closes_at": rfc3339(new) if new else None},
        )
        said = f"closes at {new:%Y-%m-%d %H:%M} UTC" if new else "has no set close"
        was = f"; it was {old:%Y-%m-%d %H:%M} UTC" if old else ""
        notify(
            session,
            update.challenge.id,
            "close",
            f"“{phase.title}” now {said}{was}.",
            now=update.now,
            actor_id=update.actor_id,
        )


@dataclass(frozen=True)
class Planned:
    """A test set that can be scored again: how many submissions, and against which solution."""

    test_set: str
    submissions: int
    recompiled: bool


def rescore(
    platform: Platform,
    challenge: Challenge,
    *,
    phase: str | None = None,
    reason: str = "",
    preview: bool = False,
    actor_id: str | None,
) -> list[Planned]:
    """Score again with the present scorer, every phase of the test set of `phase`, or all of them.

    The solution is compiled again, and is a new version if that gives anything else. With
    `preview` nothing begins. Raises Conflict where there is nothing to score or one is running.
    """
    with platform.db.read() as session:
        wanted = _wanted(session, challenge, phase)
        phases = session.scalars(select(Phase).where(Phase.challenge_id == challenge.id)).all()
        running = {one.test_set_id for one in running_in(session, challenge.id)}
    definition = present_definition(challenge, phases)
    inventory = take_inventory(platform.storage.local_folder(challenge.folder_sha256))
    plans: list[tuple[TestSet, StoredSolution | None, int]] = []
    for test_set, current, submissions in wanted:
        if test_set.id in running:
            raise running_already(test_set.name)
        with tempfile.TemporaryDirectory(dir=platform.storage.spool) as scratch:
            out = Path(scratch) / "compiled"
            compiled = keep_solution(
                platform, compile_test_set(definition, test_set.name, inventory, out)
            )
        renewed = compiled if compiled.compiled_sha256 != current.compiled_sha256 else None
        if submissions or renewed:
            plans.append((test_set, renewed, submissions))
    if not plans:
        raise Conflict("There are no submissions to score again.", code="nothing")
    if not preview:
        _begin(platform, plans, reason.strip() or NEW_SCORER, actor_id)
    return [Planned(one.name, number, renewed is not None) for one, renewed, number in plans]


def _wanted(
    session: Session, challenge: Challenge, phase: str | None
) -> list[tuple[TestSet, Solution, int]]:
    rows = all_test_sets(session, challenge.id)
    if phase is not None:
        only = phase_by_slug(session, challenge.id, phase).test_set_id
        rows = [row for row in rows if row.id == only]
    return [
        (row, session.get_one(Solution, row.current_solution_id), to_score(session, row.id))
        for row in rows
    ]


def to_score(session: Session, test_set_id: str) -> int:
    """How many submissions a re-scoring of a test set would score: all that were not taken back."""
    phases = [phase.id for phase in phases_on(session, test_set_id)]
    found = session.scalar(
        select(func.count())
        .select_from(Submission)
        .join(Evaluation, Evaluation.id == Submission.evaluation_id)
        .where(Evaluation.phase_id.in_(phases), Evaluation.state != State.CANCELLED)
    )
    return found or 0


def _begin(
    platform: Platform,
    plans: Sequence[tuple[TestSet, StoredSolution | None, int]],
    reason: str,
    actor_id: str | None,
) -> None:
    now = platform.clock()
    with platform.db.transaction() as session:
        for planned, renewed, _ in plans:
            test_set = lock_test_set(session, planned.id)
            if test_set.current_solution_id != planned.current_solution_id:
                raise Conflict
            if renewed is None:
                solution = session.get_one(Solution, test_set.current_solution_id)
            else:
                solution = store_solution(session, test_set, renewed, now)
            begin(
                session,
                test_set,
                solution,
                reason=reason,
                definition=None,
                now=now,
                actor_id=actor_id,
            )
        ring_after_commit(session, platform.bell, SCORE_TASK, SCORE_QUEUE)
