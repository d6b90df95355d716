"""The organisers' acts on submissions and entries, each in one transaction, with what it tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from ..challenges.access import Access
from ..challenges.models import Phase
from ..challenges.service import phase_by_slug
from ..core.platform import Platform
from ..core.queue import SCORE_QUEUE, SCORE_TASK, ring_after_commit
from .announcing import announce_board, announce_submission
from .judging import Judge, disqualify, hide, refund, requeue, restore, retry
from .judging_entries import OwnLimits, disqualify_entry, restore_entry, set_limits
from .models import Entry, Evaluation, Submission
from .rules import State


class Judging:
    """The acts of one organiser."""

    def __init__(self, platform: Platform, access: Access) -> None:
        self.platform = platform
        self.access = access

    def hide(self, submission_id: str) -> None:
        """Take a submission off every board."""
        self._judge(submission_id, hide)

    def disqualify(self, submission_id: str, reason: str) -> None:
        """Let a submission count nowhere."""
        self._judge(submission_id, lambda session, one, by: disqualify(session, one, reason, by))

    def restore(self, submission_id: str) -> None:
        """Undo hiding and disqualifying."""
        self._judge(submission_id, restore)

    def refund(self, submission_id: str) -> None:
        """Give the slot back."""
        self._judge(submission_id, refund)

    def retry(self, submission_id: str) -> None:
        """Queue what failed or was rejected again."""
        self._queue(submission_id, retry)

    def requeue(self, submission_id: str) -> None:
        """Take a hanging evaluation from its worker."""
        self._queue(submission_id, requeue)

    def disqualify_entry(self, phase: str, team_id: str, reason: str) -> Entry:
        """Take the rank from a team in a phase."""
        return self._decide(
            phase, lambda session, one, by: disqualify_entry(session, one, team_id, reason, by)
        )

    def restore_entry(self, phase: str, team_id: str) -> Entry:
        """Let a team be ranked again."""
        return self._decide(
            phase, lambda session, one, by: restore_entry(session, one, team_id, by)
        )

    def set_limits(self, phase: str, team_id: str, limits: OwnLimits) -> Entry:
        """Give a team limits of its own in a phase."""
        return self._decide(
            phase, lambda session, one, by: set_limits(session, one, team_id, limits, by)
        )

    def _by(self) -> Judge:
        return Judge(self.access.actor.user_id, self.platform.clock())

    def _judge(self, submission_id: str, act: Callable[[Session, str, Judge], Submission]) -> None:
        with self.platform.db.transaction() as session:
            one = act(session, submission_id, self._by())
            phase_id = session.get_one(Entry, one.entry_id).phase_id
            announce_board(session, self.platform.events, phase_id)

    def _queue(
        self, submission_id: str, act: Callable[[Session, str, Judge], Sequence[Evaluation]]
    ) -> None:
        with self.platform.db.transaction() as session:
            for run in act(session, submission_id, self._by()):
                announce_submission(session, self.platform.events, run, State.QUEUED)
            ring_after_commit(session, self.platform.bell, SCORE_TASK, SCORE_QUEUE)

    def _decide(self, phase: str, act: Callable[[Session, Phase, Judge], Entry]) -> Entry:
        with self.platform.db.transaction() as session:
            found = phase_by_slug(session, self.access.challenge.id, phase)
            entry = act(session, found, self._by())
            announce_board(session, self.platform.events, found.id)
        return entry
