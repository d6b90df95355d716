"""Re-scorings as tests make them: another truth, an update, and how far it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from challenge_folder import tiny_toml, write_tiny_challenge
from fivesigma_backend.challenges.loading import LoadResult, load_challenge
from fivesigma_backend.submissions.editing import LiveEditing
from fivesigma_backend.submissions.models import Evaluation, Rescoring, Submission
from sqlalchemy import select
from stories import Story


def with_phase(**changes: Any) -> dict[str, Any]:
    """The tiny challenge's toml with other keys in its phase; None leaves one out."""
    plain: dict[str, Any] = {**tiny_toml()["phases"][0], **changes}
    return {"phases": [{key: value for key, value in plain.items() if value is not None}]}


def other_truth(story: Story, name: str = "corrected", **toml: Any) -> Path:
    """The challenge's folder with signal and background weighted by position: other scores."""
    folder = write_tiny_challenge(story.folder.parent / name, **toml)
    solution = pl.read_csv(folder / "solution.csv")
    heavier = solution.with_columns(
        pl.when(pl.int_range(pl.len()) % 3 == 0).then(5.0).otherwise(1.0).alias("weight")
    )
    heavier.write_csv(folder / "solution.csv")
    return folder


def update(story: Story, folder: Path, **options: Any) -> LoadResult:
    """What `challenge load --update` does."""
    live = LiveEditing(story.platform)
    given: dict[str, Any] = {"report": lambda _line: None, "update": True, "live": live, **options}
    return load_challenge(story.platform, folder, **given)


def rescorings(story: Story) -> list[Rescoring]:
    with story.platform.db.read() as session:
        return list(session.scalars(select(Rescoring).order_by(Rescoring.id)))


def generation(story: Story, rescoring: Rescoring) -> list[Evaluation]:
    """The evaluations of a re-scoring, in the order of their submissions."""
    with story.platform.db.read() as session:
        return list(
            session.scalars(
                select(Evaluation)
                .where(Evaluation.rescoring_id == rescoring.id)
                .order_by(Evaluation.submission_id)
            )
        )


def current(story: Story, submission_id: str) -> Evaluation:
    """The evaluation that counts."""
    with story.platform.db.read() as session:
        return session.scalars(
            select(Evaluation)
            .join(Submission, Submission.evaluation_id == Evaluation.id)
            .where(Submission.id == submission_id)
        ).one()
