"""All submissions of a challenge as one table, for organisers: private scores too."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from ..challenges.definition import PhaseDefinition
from ..challenges.models import Phase
from ..core.clock import rfc3339
from ..core.sheets import Kind, Sheet
from ..submissions.models import Evaluation, Submission
from ..submissions.submissions_admin import Wanted, wanted_rows
from ..submissions.views import SubmissionRow

SPLITS = ("public", "private")
BATCH = 1000
COLUMNS: Mapping[str, Kind] = {
    "id": "text",
    "phase": "text",
    "team_id": "text",
    "team": "text",
    "staff": "truth",
    "submitted_by": "text",
    "submitted_at": "text",
    "status": "text",
    "filename": "text",
    "size": "integer",
    "sha256": "text",
    "message": "text",
    "note": "text",
    "metadata": "text",
    "selected": "truth",
    "late": "truth",
    "carried_from": "text",
    "superseded_at": "text",
    "hidden_at": "text",
    "disqualified_at": "text",
    "disqualified_reason": "text",
    "team_disqualified_reason": "text",
    "refunded_at": "text",
    "attempts": "integer",
    "lost_leases": "integer",
    "crashes": "integer",
    "reference": "text",
    "scorer_version": "integer",
    "implausible": "truth",
}


def submission_sheet(session: Session, challenge_id: str, phases: Sequence[Phase]) -> Sheet:
    """One row per submission, the newest first; per metric value and sigma on both splits."""
    metrics = dict.fromkeys(
        name
        for phase in phases
        for name in PhaseDefinition.model_validate(phase.definition).all_metrics
    )
    scores: dict[str, Kind] = {
        f"{split}_{name}{part}": "number"
        for name in metrics
        for split in SPLITS
        for part in ("", "_sigma")
    }
    rows = session.execute(wanted_rows(challenge_id, Wanted()).execution_options(yield_per=BATCH))
    return Sheet({**COLUMNS, **scores}, [_record(row, list(metrics)) for row in rows])


def _record(row: SubmissionRow, metrics: Sequence[str]) -> dict[str, Any]:
    submission, evaluation, phase, team, username, _, entry = row
    declared = submission.declared
    return {
        "id": submission.id,
        "phase": phase.slug,
        "team_id": team.id,
        "team": team.name,
        "staff": team.staff,
        "submitted_by": username,
        "metadata": json.dumps(declared, ensure_ascii=False) if declared else None,
        "team_disqualified_reason": entry.disqualified_reason,
        **_own(submission),
        **_run(evaluation, metrics),
    }


def _own(one: Submission) -> dict[str, Any]:
    plain = ("filename", "size", "sha256", "message", "note", "selected", "late")
    moments = ("submitted_at", "superseded_at", "hidden_at", "disqualified_at", "refunded_at")
    return {
        **{name: getattr(one, name) for name in plain},
        **{name: rfc3339(at) if (at := getattr(one, name)) else None for name in moments},
        "carried_from": one.carried_from_id,
        "disqualified_reason": one.disqualified_reason,
    }


def _run(one: Evaluation, metrics: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "status": one.state,
        "attempts": one.attempt,
        "lost_leases": one.lost_leases,
        "crashes": one.crashes,
        "reference": one.reference,
        "scorer_version": one.scorer_version,
        "implausible": one.implausible,
    }
    for split, scores in zip(SPLITS, (one.public_scores, one.private_scores), strict=True):
        for name in metrics:
            score = (scores or {}).get(name) or {}
            found |= {
                f"{split}_{name}": score.get("value"),
                f"{split}_{name}_sigma": score.get("sigma"),
            }
    return found
