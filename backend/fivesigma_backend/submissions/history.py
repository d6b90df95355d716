"""What a submission was scored as before: one line for each evaluation that counts or did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fivesigma_scoring import METRICS, Metric, metric_of
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ..challenges.models import Phase, Solution
from .models import Evaluation, Rescoring, Submission
from .rescoring_rules import SWITCHED
from .views import sight, visible_scores


@dataclass(frozen=True)
class Past:
    """One evaluation; `scores` as the reader may see them, by split, of the metric that ranked."""

    solution: int
    scorer: int | None
    state: str
    finished_at: datetime | None
    counts: bool
    pending: bool
    metric: Metric | None
    scores: dict[str, dict[str, Any]]


def history_of(
    session: Session, submission: Submission, phase: Phase, *, organiser: bool
) -> list[Past]:
    """The evaluations of a submission, the newest first; [] where there was only one.

    A team sees nothing of a re-scoring that has not taken over; its organisers do.
    """
    everything = select(Evaluation, Solution.version, Rescoring.outcome)
    if not organiser:
        in_force = or_(Evaluation.rescoring_id.is_(None), Rescoring.outcome == SWITCHED)
        everything = everything.where(in_force)
    rows = session.execute(
        everything.join(Solution, Solution.id == Evaluation.solution_id)
        .outerjoin(Rescoring, Rescoring.id == Evaluation.rescoring_id)
        .where(Evaluation.submission_id == submission.id)
        .order_by(Evaluation.id.desc())
    ).all()
    allowed = sight(phase, organiser=organiser)
    found = []
    for evaluation, version, outcome in rows:
        scores = visible_scores(evaluation, allowed) or {}
        metric = _ranking(phase, scores)
        found.append(
            Past(
                solution=version,
                scorer=evaluation.scorer_version,
                state=evaluation.state,
                finished_at=evaluation.finished_at,
                counts=evaluation.id == submission.evaluation_id,
                pending=evaluation.rescoring_id is not None and outcome is None,
                metric=None if metric is None else METRICS[metric_of(metric)],
                scores={split: one[metric] for split, one in scores.items() if metric in one},
            )
        )
    return found if len(found) > 1 else []


def _ranking(phase: Phase, scores: dict[str, dict[str, Any]]) -> str | None:
    """The phase's metric, or the first of an evaluation from when it ranked by another."""
    metric: str = phase.definition["metric"]
    names = [name for one in scores.values() for name in one]
    return metric if metric in names else next(iter(names), None)
