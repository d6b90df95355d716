"""What a team may change of a submission: its message, its selection, and taking it back."""

from __future__ import annotations

from datetime import datetime
from unicodedata import category

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from ..challenges.definition import PhaseDefinition
from ..challenges.models import Phase
from ..core.errors import Closed, Conflict, Unprocessable
from ..core.events import Events
from .access import SubmissionAccess
from .admission import is_open
from .announcing import announce_board, announce_submission
from .models import Entry, Evaluation, Submission
from .rules import COUNTING, State
from .schemas import LONGEST_NOTE, SubmissionChange
from .standings import lock_entry, lock_entry_of, restand


def change(
    session: Session,
    events: Events,
    found: SubmissionAccess,
    wanted: SubmissionChange,
    *,
    now: datetime,
) -> None:
    """Apply what is wanted. Raises Closed and Unprocessable for a selection that can't be."""
    submission = session.get_one(Submission, found.submission_id)
    if wanted.message is not None:
        submission.message = wanted.message.strip().replace("\x00", "")
    if wanted.note is not None:
        _note(session, events, submission, wanted.note)
    if wanted.selected is not None:
        _select(session, submission, wanted.selected, now)
        phase_id = session.get_one(Entry, submission.entry_id).phase_id
        announce_board(session, events, phase_id)


def _note(session: Session, events: Events, submission: Submission, text: str) -> None:
    """The team's word on its method; once a phase is unblinded it stands on the board."""
    entry = lock_entry_of(session, submission.id)
    submission.note = checked_note(text) or None
    phase = session.get_one(Phase, entry.phase_id)
    restand(session, entry, phase)
    if phase.unblinded_at is not None:
        announce_board(session, events, phase.id)


def checked_note(text: str) -> str:
    """A note as it is stored. Raises Unprocessable for one that is too long."""
    note = plain_text(text)
    if len(note) > LONGEST_NOTE:
        raise Unprocessable(
            f"A note has at most {LONGEST_NOTE:,} characters; this one has {len(note):,}. "
            "Shorten it, or give the address of a longer text."
        )
    return note


def plain_text(text: str) -> str:
    """A text of several lines without control characters."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one for one in lines if one in "\n\t" or category(one) != "Cc").strip()


def _select(session: Session, submission: Submission, selected: bool, now: datetime) -> None:
    entry = session.get_one(Entry, submission.entry_id)
    entry = lock_entry(session, entry.phase_id, entry.team_id)
    phase = session.get_one(Phase, entry.phase_id)
    if not is_open(phase, entry.closes_at, now):
        raise Closed(f"“{phase.title}” is closed, so its final submissions can't change any more.")
    finals = PhaseDefinition.model_validate(phase.definition).finals
    if selected and not submission.selected:
        _require_room(session, entry, finals)
    submission.selected = selected
    session.flush()
    restand(session, entry, phase)


def _require_room(session: Session, entry: Entry, finals: int) -> None:
    if finals == 0:
        raise Unprocessable("In this phase the best of all submissions counts: none is selected.")
    chosen = session.scalars(
        select(Submission.id)
        .join(Evaluation, Evaluation.id == Submission.evaluation_id)
        .where(
            Submission.entry_id == entry.id,
            Submission.selected,
            # What can't count frees its place.
            Evaluation.state.in_(COUNTING),
            Submission.superseded_at.is_(None),
            Submission.hidden_at.is_(None),
            Submission.disqualified_at.is_(None),
        )
    ).all()
    if len(chosen) >= finals:
        raise Unprocessable(
            f"No more than {finals} submissions may be selected. Unselect one of these first: "
            f"{', '.join(chosen)}.",
            code="too_many_selected",
            selected=list(chosen),
        )


def cancel(session: Session, events: Events, found: SubmissionAccess, *, now: datetime) -> None:
    """Take back a queued submission. Raises Conflict once a worker has it, or it is finished."""
    submission = session.get_one(Submission, found.submission_id)
    if submission.carried_from_id is not None:
        raise Conflict("A submission that was carried over costs nothing and can't be taken back.")
    evaluation_id = submission.evaluation_id
    cancelled = session.execute(
        update(Evaluation)
        .where(Evaluation.id == evaluation_id, Evaluation.state == State.QUEUED)
        .values(state=State.CANCELLED, finished_at=now)
        .execution_options(synchronize_session=False)
    )
    if not (isinstance(cancelled, CursorResult) and cancelled.rowcount == 1):
        raise Conflict("Only a submission that is still queued can be cancelled.")
    evaluation = session.get_one(Evaluation, evaluation_id, populate_existing=True)
    announce_submission(session, events, evaluation, State.CANCELLED)
