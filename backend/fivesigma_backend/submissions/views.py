"""Reading submissions, and what of their scores may be seen by whom and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fivesigma_scoring import METRICS, metric_of
from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from ..accounts.models import User
from ..challenges.definition import PhaseDefinition
from ..challenges.models import Challenge, Phase
from ..core.clock import rfc3339
from ..teams.models import Team
from .models import Entry, Evaluation, Submission
from .schemas import FindingOut, SubmissionOut

Scores = dict[str, dict[str, Any]]
Details = dict[str, dict[str, dict[str, Any]]]
DIGITS = {name: metric.digits for name, metric in METRICS.items()}
SubmissionRow = Row[Submission, Evaluation, Phase, Team, str, str, Entry]


@dataclass(frozen=True)
class Sight:
    """What a reader may see of a phase's scores.

    `precise`: full precision. `public`, `private`: whether that split's scores are shown at all.
    """

    public: bool
    private: bool
    precise: bool


def sight(phase: Phase, *, organiser: bool) -> Sight:
    """What participants and organisers see of a phase's scores at present."""
    if organiser:
        return Sight(public=True, private=True, precise=True)
    unblinded = phase.unblinded_at is not None
    hidden = PhaseDefinition.model_validate(phase.definition).board == "hidden"
    return Sight(public=unblinded or not hidden, private=unblinded, precise=unblinded)


def seen(scores: Scores | None, sight: Sight) -> Scores | None:
    """Scores of one split as `sight` allows: in a blind phase with the metrics' decimals."""
    if scores is None or sight.precise:
        return scores
    return {column: _rounded(score, digits_of(column)) for column, score in scores.items()}


@lru_cache(1024)
def digits_of(column: str) -> int:
    """Decimals that participants see of a column such as `ams` or `ams@process=ttbar`."""
    return DIGITS[metric_of(column)]


def _rounded(score: dict[str, Any], digits: int) -> dict[str, Any]:
    sigma = score["sigma"]
    value = round(score["value"], digits)
    return {**score, "value": value, "sigma": None if sigma is None else round(sigma, digits)}


def seen_details(details: Details | None, sight: Sight) -> Details | None:
    """Scores by variant and slice of one split as `sight` allows; what has no value stays null."""
    if details is None or sight.precise:
        return details
    return {
        kind: {
            name: {
                metric: None if score is None else _rounded(score, DIGITS[metric])
                for metric, score in scores.items()
            }
            for name, scores in table.items()
        }
        for kind, table in details.items()
    }


def visible_scores(evaluation: Evaluation, sight: Sight) -> dict[str, Scores] | None:
    """`{public: …, private: …}` as far as it may be seen; None where nothing may."""
    shown: dict[str, Scores] = {}
    public = seen(evaluation.public_scores, sight) if sight.public else None
    private = seen(evaluation.private_scores, sight) if sight.private else None
    if public is not None:
        shown["public"] = public
    if private is not None:
        shown["private"] = private
    return shown or None


def visible_details(evaluation: Evaluation, sight: Sight) -> dict[str, Details] | None:
    """The same for the scores by variant and slice, `{public: {variants: …, slices: …}, …}`."""
    shown: dict[str, Details] = {}
    public = seen_details(evaluation.public_details, sight) if sight.public else None
    private = seen_details(evaluation.private_details, sight) if sight.private else None
    if public is not None:
        shown["public"] = public
    if private is not None:
        shown["private"] = private
    return shown or None


def visible_findings(evaluation: Evaluation, sight: Sight) -> list[FindingOut]:
    """What was found in the file; where public scores may be seen, also what the truth told."""
    found = list(evaluation.findings or ())
    if sight.public:
        found += evaluation.diagnoses or ()
    return [FindingOut(**finding) for finding in found]


def submission_rows() -> Select[Submission, Evaluation, Phase, Team, str, str, Entry]:
    """Submissions with all that is shown beside them, in one statement."""
    return (
        select(Submission, Evaluation, Phase, Team, User.username, Challenge.slug, Entry)
        .join(Evaluation, Submission.evaluation_id == Evaluation.id)
        .join(Phase, Phase.id == Evaluation.phase_id)
        .join(Team, Team.id == Evaluation.team_id)
        .join(User, User.id == Submission.user_id)
        .join(Challenge, Challenge.id == Submission.challenge_id)
        .join(Entry, Entry.id == Submission.entry_id)
    )


def submission_row(session: Session, submission_id: str) -> SubmissionRow:
    """One submission that is known to exist."""
    return session.execute(submission_rows().where(Submission.id == submission_id)).one()


def team_submissions(
    session: Session, team_ids: Sequence[str], *, limit: int, before: str | None = None
) -> tuple[list[SubmissionRow], str | None]:
    """A page of the submissions of teams, the newest first, and where the next page begins."""
    mine = submission_rows().where(Entry.team_id.in_(team_ids))
    if before is not None:
        mine = mine.where(Submission.id < before)
    rows = session.execute(mine.order_by(Submission.id.desc()).limit(limit + 1)).all()
    more = len(rows) > limit
    return list(rows[:limit]), rows[limit - 1][0].id if more else None


def submission_out(row: SubmissionRow, *, organiser: bool, public_url: str) -> SubmissionOut:
    """A submission as the API and the pages show it."""
    submission, evaluation, phase, team, username, slug, entry = row
    allowed = sight(phase, organiser=organiser)
    return SubmissionOut(
        id=submission.id,
        status=evaluation.state,
        challenge=slug,
        phase=phase.slug,
        team=team.name,
        sha256=submission.sha256,
        filename=submission.filename,
        size=submission.size,
        message=submission.message,
        metadata=submission.declared,
        submitted_at=rfc3339(submission.submitted_at),
        submitted_by=username,
        note=submission.note,
        scores=visible_scores(evaluation, allowed),
        details=visible_details(evaluation, allowed),
        findings=visible_findings(evaluation, allowed),
        selected=submission.selected,
        late=submission.late,
        carried_from=submission.carried_from_id,
        superseded=submission.superseded_at is not None,
        reference=evaluation.reference,
        url=f"{public_url.rstrip('/')}/submissions/{submission.id}",
        hidden=submission.hidden_at is not None,
        disqualified=submission.disqualified_at is not None,
        disqualified_reason=submission.disqualified_reason,
        team_disqualified_reason=entry.disqualified_reason,
        refunded=submission.refunded_at is not None,
    )
