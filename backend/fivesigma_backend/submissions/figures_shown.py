"""Figures as the people see them who may: listed, asked to be drawn, and as pictures."""

from __future__ import annotations

from typing import Any

from fivesigma_scoring.binning import Detail
from sqlalchemy import ColumnElement, select, tuple_, update
from sqlalchemy.orm import Session

from ..challenges.models import Phase
from ..core.errors import Blinded, Conflict, NotFound
from .access import SubmissionAccess
from .figures_queue import undrawn
from .figures_rules import MOST_ATTEMPTS, UNFINISHED_FIGURES, FiguresState, shown
from .models import Evaluation, StoredFigure, Submission
from .rules import State
from .schemas import FigureList, FigureOut
from .views import sight

FORMATS = {"svg": "image/svg+xml", "png": "image/png"}
VERSION = 12
THEMES = ("light", "dark")
PICTURES = tuple(f"{theme}.{form}" for theme in THEMES for form in FORMATS)
Seen = frozenset[tuple[str, Detail]]


def figure_list(session: Session, found: SubmissionAccess) -> FigureList:
    """The figures of a submission that the actor may see, and whether more is to come."""
    return figures_of(session, found, *_of_submission(session, found))


def figures_of(
    session: Session, found: SubmissionAccess, evaluation: Evaluation, phase: Phase
) -> FigureList:
    """`figure_list` for who has the submission's evaluation and phase at hand."""
    seen = _seen(found, phase)
    rows = _figures(session, evaluation, seen) if evaluation.state == State.SCORED else []
    return FigureList(
        items=[_figure_out(found.submission_id, row) for row in rows if not _given_up(row)],
        pending=bool(seen) and _pending(evaluation, rows),
        drawable=bool(seen) and _drawable(evaluation, rows, organiser=found.access.organiser),
    )


def picture(session: Session, found: SubmissionAccess, split: str, name: str, form: str) -> str:
    """The blob of one picture. Raises NotFound for what the actor may not see, or is not drawn."""
    evaluation, phase = _of_submission(session, found)
    for row in _figures(session, evaluation, _seen(found, phase)):
        if (row.split, row.name) == (split, name) and form in (row.images or {}):
            return str((row.images or {})[form])
    raise NotFound


def want_figures(session: Session, found: SubmissionAccess) -> None:
    """Have drawn what the actor may see; doing it again changes nothing.

    Organisers may try again what was given up. Raises Blinded where nothing may be seen, and
    Conflict for a submission without scores.
    """
    evaluation, phase = _of_submission(session, found, lock=True)
    seen = _seen(found, phase)
    if not seen:
        raise Blinded("Figures of this phase stay hidden until it is unblinded.")
    if evaluation.state != State.SCORED:
        raise Conflict("There are figures of scored submissions only. Wait for the score.")
    mine = update(StoredFigure).where(_visible(evaluation, seen), StoredFigure.images.is_(None))
    again: dict[str, Any] = {"attempts": 0} if found.access.organiser else {}
    session.execute(mine.values(wanted=True, **again))
    _queue(session, evaluation, organiser=found.access.organiser)


def _queue(session: Session, evaluation: Evaluation, *, organiser: bool) -> None:
    state = evaluation.figures_state
    if state in UNFINISHED_FIGURES or (state == FiguresState.FAILED and not organiser):
        return
    if state == FiguresState.FAILED and not _made(session, evaluation):
        state = None
    if state is None:  # never made: it was scored by an earlier release, or making them failed
        evaluation.figures_state = FiguresState.DUE
    elif undrawn(session, evaluation.id):
        evaluation.figures_state = FiguresState.DRAWING
    evaluation.figures_tries = 0
    session.flush()


def _made(session: Session, evaluation: Evaluation) -> bool:
    of_it = select(StoredFigure.id).where(StoredFigure.evaluation_id == evaluation.id).limit(1)
    return session.scalar(of_it) is not None


def _of_submission(
    session: Session, found: SubmissionAccess, *, lock: bool = False
) -> tuple[Evaluation, Phase]:
    """The evaluation that counts, and its phase."""
    of_it = (
        select(Evaluation, Phase)
        .join(Submission, Submission.evaluation_id == Evaluation.id)
        .join(Phase, Phase.id == Evaluation.phase_id)
        .where(Submission.id == found.submission_id)
    )
    if lock:
        of_it = of_it.with_for_update(of=Evaluation)
    evaluation, phase = session.execute(of_it).one()
    return evaluation, phase


def _seen(found: SubmissionAccess, phase: Phase) -> Seen:
    """Splits and details of which the actor may see figures."""
    organiser = found.access.organiser
    scores = sight(phase, organiser=organiser)
    return shown(organiser=organiser, public=scores.public, private=scores.private)


def _figures(session: Session, evaluation: Evaluation, seen: Seen) -> list[StoredFigure]:
    if not seen:
        return []
    return list(
        session.scalars(
            select(StoredFigure)
            .where(_visible(evaluation, seen))
            .order_by(StoredFigure.split.desc(), StoredFigure.position)
        )
    )


def _visible(evaluation: Evaluation, seen: Seen) -> ColumnElement[bool]:
    looked_at = tuple_(StoredFigure.split, StoredFigure.detail)
    return (StoredFigure.evaluation_id == evaluation.id) & looked_at.in_(sorted(seen))


def _given_up(row: StoredFigure) -> bool:
    return row.images is None and row.attempts >= MOST_ATTEMPTS


def _pending(evaluation: Evaluation, rows: list[StoredFigure]) -> bool:
    """Whether what the reader may see is being made; others' figures don't matter to them."""
    if evaluation.figures_state == FiguresState.DRAWING:
        return any(row.wanted and not row.images and not _given_up(row) for row in rows)
    return evaluation.figures_state == FiguresState.DUE


def _drawable(evaluation: Evaluation, rows: list[StoredFigure], *, organiser: bool) -> bool:
    if evaluation.state != State.SCORED or evaluation.figures_state == FiguresState.DUE:
        return False
    if evaluation.figures_state is None:
        return True
    if organiser and any(_given_up(row) for row in rows):
        return True
    if evaluation.figures_state == FiguresState.FAILED:
        return organiser
    return any(not row.wanted and not row.images for row in rows)


def _figure_out(submission_id: str, row: StoredFigure) -> FigureOut:
    return FigureOut(
        name=row.name,
        title=row.title,
        note=row.note,
        split=row.split,
        images=_addresses(submission_id, row) if row.images else None,
        data=row.data,
    )


def _addresses(submission_id: str, row: StoredFigure) -> dict[str, str]:
    """Where the pictures are; an address changes with the picture, so that it may be kept."""
    place = f"/api/v1/submissions/{submission_id}/figures/{row.split}/{row.name}"
    images = row.images or {}
    return {
        form: f"{place}.{form}?v={images[form][:VERSION]}" for form in PICTURES if form in images
    }
