"""The work that figures are: first their numbers, then pictures of those that somebody wants.

The evaluation's row is the queue, as for scoring: `figures_state` says what is left to do, and
whoever does it proves it by the attempt number, under a short lease. What a killed worker held is
taken up by the next one when the lease ends. Figures are worth little effort: after three
attempts without a result there are none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fivesigma_scoring.figures import Figure
from sqlalchemy import CursorResult, Update, and_, or_, select, update
from sqlalchemy.orm import Session, aliased

from ..challenges.models import Challenge, Phase, Solution
from ..core.ids import new_id
from .figures_rules import MOST_ATTEMPTS, UNFINISHED_FIGURES, FiguresState, shown
from .models import Evaluation, StoredFigure, Submission
from .views import sight

Images = Mapping[str, str]


@dataclass(frozen=True)
class FiguresClaim:
    """The figures of one evaluation, which this worker makes or draws until its lease ends."""

    evaluation_id: str
    attempt: int
    state: FiguresState
    submission_id: str
    challenge_id: str
    team_id: str
    phase: str
    file_sha256: str
    filename: str
    compiled_sha256: str
    truth_public: bool


@dataclass(frozen=True)
class MadeFigure:
    """A figure as the scorer made it, for one split and those who look with `detail`."""

    split: str
    detail: str
    figure: Figure


def claim_figures(session: Session, *, now: datetime, lease: timedelta) -> FiguresClaim | None:
    """Take the newest evaluation whose figures nobody works on; None when there is none."""
    waiting = aliased(Evaluation, name="waiting")
    newest = (
        select(waiting.id)
        .where(_free(waiting, now), waiting.figures_tries < MOST_ATTEMPTS)
        .order_by(waiting.id.desc())
        .limit(1)
        .with_for_update(of=waiting, skip_locked=True)
    )
    taken = session.execute(
        update(Evaluation)
        .where(Evaluation.id == newest.scalar_subquery())
        .values(
            figures_attempt=Evaluation.figures_attempt + 1,
            figures_tries=Evaluation.figures_tries + 1,
            figures_until=now + lease,
        )
        .returning(Evaluation)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    return None if taken is None else _describe(session, taken)


def figures_wait(session: Session, now: datetime) -> bool:
    """Whether an evaluation has figures to be made or drawn that nobody works on."""
    waiting = select(Evaluation.id).where(
        _free(Evaluation, now), Evaluation.figures_tries < MOST_ATTEMPTS
    )
    return session.scalar(waiting.limit(1)) is not None


def _free(evaluation: Any, now: datetime) -> Any:
    unheld = or_(evaluation.figures_until.is_(None), evaluation.figures_until < now)
    return and_(evaluation.figures_state.in_(UNFINISHED_FIGURES), unheld)


def _describe(session: Session, taken: Evaluation) -> FiguresClaim:
    submission, phase, solution, definition = session.execute(
        select(Submission, Phase.slug, Solution.compiled_sha256, Challenge.definition)
        .select_from(Evaluation)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .join(Phase, Phase.id == Evaluation.phase_id)
        .join(Solution, Solution.id == Evaluation.solution_id)
        .join(Challenge, Challenge.id == Evaluation.challenge_id)
        .where(Evaluation.id == taken.id)
    ).one()
    return FiguresClaim(
        evaluation_id=taken.id,
        attempt=taken.figures_attempt,
        state=FiguresState(taken.figures_state or FiguresState.DUE),
        submission_id=submission.id,
        challenge_id=taken.challenge_id,
        team_id=taken.team_id,
        phase=phase,
        file_sha256=submission.sha256,
        filename=submission.filename,
        compiled_sha256=solution,
        truth_public=definition.get("truth_public", False),
    )


def renew_figures(session: Session, held: FiguresClaim, until: datetime) -> bool:
    """Keep the lease; False if somebody else works on these figures by now."""
    return _change(session, held, figures_until=until)


def store_figures(session: Session, held: FiguresClaim, made: Sequence[MadeFigure]) -> bool:
    """Keep the numbers; what its team may see at present is wanted as pictures, too.

    False, and nothing is kept, if the attempt is no longer current.
    """
    phase = session.scalars(
        select(Phase)
        .join(Evaluation, Evaluation.phase_id == Phase.id)
        .where(Evaluation.id == held.evaluation_id)
    ).one_or_none()
    if phase is None:
        return False
    seen = sight(phase, organiser=False)
    for_team = shown(organiser=False, public=seen.public, private=seen.private)
    rows = [
        _row(held, position, one, wanted=(one.split, one.detail) in for_team)
        for position, one in enumerate(made)
    ]
    if not _change(session, held, **_after(any(row.wanted for row in rows))):
        return False
    session.add_all(rows)
    session.flush()
    return True


def _row(held: FiguresClaim, position: int, made: MadeFigure, *, wanted: bool) -> StoredFigure:
    figure = made.figure
    return StoredFigure(
        id=new_id(),
        evaluation_id=held.evaluation_id,
        split=made.split,
        detail=made.detail,
        position=position,
        name=figure.name,
        title=figure.title,
        note=figure.note,
        data=figure.as_json(),
        wanted=wanted,
    )


def undrawn(session: Session, evaluation_id: str) -> list[StoredFigure]:
    """Figures that are wanted, have no pictures yet, and are not given up."""
    return list(
        session.scalars(
            select(StoredFigure)
            .where(
                StoredFigure.evaluation_id == evaluation_id,
                StoredFigure.wanted,
                StoredFigure.images.is_(None),
                StoredFigure.attempts < MOST_ATTEMPTS,
            )
            .order_by(StoredFigure.position)
        )
    )


def store_images(
    session: Session, held: FiguresClaim, drawn: Mapping[str, Images], spoilt: Collection[str]
) -> bool:
    """Keep pictures (blobs by figure, theme and format), and count a try of what was not drawn.

    False, and nothing is kept, if the attempt is no longer current.
    """
    if not _change(session, held, figures_tries=0):
        return False
    for figure_id, images in drawn.items():
        session.execute(_one(figure_id).values(images=dict(images)))
    for figure_id in spoilt:
        session.execute(_one(figure_id).values(attempts=StoredFigure.attempts + 1))
    return _change(session, held, **_after(bool(undrawn(session, held.evaluation_id))))


def _one(figure_id: str) -> Update:
    return update(StoredFigure).where(StoredFigure.id == figure_id)


def figures_missed(session: Session, held: FiguresClaim) -> bool:
    """An attempt came to nothing: let the next one begin, or give up after the last."""
    tries = session.scalar(
        select(Evaluation.figures_tries).where(Evaluation.id == held.evaluation_id)
    )
    if (tries or 0) >= MOST_ATTEMPTS:
        return _change(session, held, figures_state=FiguresState.FAILED, figures_until=None)
    return _change(session, held, figures_until=None)


def give_figures_back(session: Session, held: FiguresClaim) -> bool:
    """Release figures of a worker that stops or is busy: that is no fault of theirs."""
    tries = Evaluation.figures_tries - 1
    return _change(session, held, figures_tries=tries, figures_until=None)


def give_figures_up(session: Session, now: datetime) -> Sequence[Evaluation]:
    """Have no figures where every worker that made them fell silent. Returns what it gave up."""
    stale = session.scalars(
        select(Evaluation)
        .where(_free(Evaluation, now), Evaluation.figures_tries >= MOST_ATTEMPTS)
        .with_for_update(skip_locked=True)
    ).all()
    for evaluation in stale:
        evaluation.figures_state, evaluation.figures_until = FiguresState.FAILED, None
    session.flush()
    return stale


def _after(more: bool) -> dict[str, Any]:
    state = FiguresState.DRAWING if more else FiguresState.MADE
    return {"figures_state": state, "figures_until": None, "figures_tries": 0}


def _change(session: Session, held: FiguresClaim, **values: Any) -> bool:
    changed = session.execute(
        update(Evaluation)
        .where(
            Evaluation.id == held.evaluation_id,
            Evaluation.figures_attempt == held.attempt,
            Evaluation.figures_state == held.state,
        )
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return isinstance(changed, CursorResult) and changed.rowcount == 1
