"""Tables of what teams hand in and of how it was scored.

Private scores live in columns called `private_*` only; no participant schema has them, and pages
read them through `unblinded` views only.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ..core.db import Base


class Entry(Base):
    """One team in one phase: the row that is locked for quota, finals and standing.

    `closes_at` is the team's own close where an organiser gave it more time; `per_day`, `total` and
    `concurrent` replace the phase's limits; `inherited` are the times (RFC 3339) of submissions
    that count against the quota but stayed with another team.
    `shortlist` names the submissions that may still count; NULL where all are to be looked at.
    """

    __tablename__ = "entries"
    __table_args__ = (UniqueConstraint("phase_id", "team_id"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    phase_id: Mapped[str] = mapped_column(ForeignKey("phases.id", ondelete="CASCADE"))
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), index=True)
    closes_at: Mapped[datetime | None]
    per_day: Mapped[int | None]
    total: Mapped[int | None]
    concurrent: Mapped[int | None]
    inherited: Mapped[list[Any] | None]
    shortlist: Mapped[dict[str, Any] | None]
    disqualified_at: Mapped[datetime | None]
    disqualified_reason: Mapped[str | None] = mapped_column(Text)


class Standing(Base):
    """One line of a board: the submission that counts for an entry (or is shown beside it, late).

    A cache of `counting.lines`, rebuildable at any time. `board` is `public`, `private` or
    `frozen`; `place` is the score's sort key and those of the tie-breaks, larger is better; `mark`
    says why a line is shown without a rank. `metrics` are the scores of the board's split; with
    `declared`, `note` and `carried` they are copied, so that a board reads no submissions.
    """

    __tablename__ = "standings"
    __table_args__ = (Index("ix_standings_board", "phase_id", "board"),)

    entry_id: Mapped[str] = mapped_column(
        ForeignKey("entries.id", ondelete="CASCADE"), primary_key=True
    )
    board: Mapped[str] = mapped_column(String(10), primary_key=True)
    late: Mapped[bool] = mapped_column(primary_key=True)
    phase_id: Mapped[str] = mapped_column(ForeignKey("phases.id", ondelete="CASCADE"))
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id", ondelete="CASCADE"))
    score: Mapped[float]
    sigma: Mapped[float | None]
    place: Mapped[list[Any]]
    mark: Mapped[str | None] = mapped_column(String(20))
    submitted_at: Mapped[datetime]
    entries: Mapped[int]
    last_submitted_at: Mapped[datetime]
    metrics: Mapped[dict[str, Any]]
    declared: Mapped[dict[str, Any] | None]
    note: Mapped[str | None] = mapped_column(Text)
    carried: Mapped[bool]


class Submission(Base):
    """One prediction file of one team for one phase.

    `evaluation_id` is the evaluation that counts. A carried submission comes from another phase's
    `carried_from_id`; `carry_key` (target phase and source) makes it unique, and it is
    `superseded_at` once the team's choice there no longer contains it. `note` is the team's word on
    its method, asked for with a final.
    """

    __tablename__ = "submissions"
    __table_args__ = (
        Index("ix_submissions_entry_time", "entry_id", "submitted_at"),
        Index("ix_submissions_challenge_time", "challenge_id", "submitted_at"),
        Index("uq_submissions_carry_key", "carry_key", unique=True),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id", ondelete="CASCADE"))
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size: Mapped[int] = mapped_column(BigInteger)
    filename: Mapped[str] = mapped_column(String(200))
    message: Mapped[str] = mapped_column(String(500), default="")
    note: Mapped[str | None] = mapped_column(Text)
    declared: Mapped[dict[str, Any] | None]
    submitted_at: Mapped[datetime]
    selected: Mapped[bool] = mapped_column(default=False)
    evaluation_id: Mapped[str] = mapped_column(String(26))
    late: Mapped[bool] = mapped_column(default=False)
    carried_from_id: Mapped[str | None] = mapped_column(String(26), index=True)
    carry_key: Mapped[str | None] = mapped_column(String(53))
    superseded_at: Mapped[datetime | None]
    hidden_at: Mapped[datetime | None]
    disqualified_at: Mapped[datetime | None]
    disqualified_reason: Mapped[str | None] = mapped_column(Text)
    refunded_at: Mapped[datetime | None]


class Rescoring(Base):
    """A new generation of evaluations of a test set, until it takes over from the old one.

    `definition` is the whole of `challenge.toml` whose scoring keys take effect with it, NULL where
    only the truth or a scorer version is new. At most one of a test set has not `ended_at`;
    `outcome` is then `switched` or `cancelled`.
    """

    __tablename__ = "rescorings"
    __table_args__ = (
        Index(
            "uq_rescorings_running",
            "test_set_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    challenge_id: Mapped[str] = mapped_column(
        ForeignKey("challenges.id", ondelete="CASCADE"), index=True
    )
    test_set_id: Mapped[str] = mapped_column(ForeignKey("test_sets.id", ondelete="CASCADE"))
    solution_id: Mapped[str] = mapped_column(ForeignKey("solutions.id", ondelete="CASCADE"))
    actor_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    reason: Mapped[str] = mapped_column(Text)
    definition: Mapped[dict[str, Any] | None]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(10))


class Evaluation(Base):
    """One run of one scorer version on one submission against one solution version.

    The row is the queue: `state`, `attempt` and `lease_until` say who works on it. `challenge_id`,
    `phase_id` and `team_id` are repeated here because the claim orders by them and a phase asks
    whether it has settled. `diagnoses` are findings that need the truth of the public split: they
    are shown where its scores are, as are `public_details` (scores per variant and slice). An
    evaluation of a `rescoring_id` counts once that has taken over. `implausible`: better than the
    test set's `plausible` bound.
    """

    __tablename__ = "evaluations"
    __table_args__ = (
        Index("ix_evaluations_queue", "state", "priority", "queued_at"),
        Index("ix_evaluations_lease", "state", "lease_until"),
        Index("ix_evaluations_phase", "phase_id", "state"),
        Index("ix_evaluations_figures", "figures_state", "id"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    submission_id: Mapped[str] = mapped_column(
        ForeignKey("submissions.id", ondelete="CASCADE"), index=True
    )
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id", ondelete="CASCADE"))
    phase_id: Mapped[str] = mapped_column(ForeignKey("phases.id", ondelete="CASCADE"))
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    solution_id: Mapped[str] = mapped_column(ForeignKey("solutions.id", ondelete="CASCADE"))
    rescoring_id: Mapped[str | None] = mapped_column(String(26), index=True)
    state: Mapped[str] = mapped_column(String(10))
    priority: Mapped[int] = mapped_column(default=0)
    queued_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    worker: Mapped[str | None] = mapped_column(String(120))
    lost_leases: Mapped[int] = mapped_column(default=0)
    crashes: Mapped[int] = mapped_column(default=0)
    scorer_version: Mapped[int | None]
    findings: Mapped[list[Any] | None]
    diagnoses: Mapped[list[Any] | None]
    public_scores: Mapped[dict[str, Any] | None]
    private_scores: Mapped[dict[str, Any] | None]
    public_details: Mapped[dict[str, Any] | None]
    private_details: Mapped[dict[str, Any] | None]
    implausible: Mapped[bool] = mapped_column(default=False)
    reference: Mapped[str | None] = mapped_column(String(26))
    failure: Mapped[str | None] = mapped_column(Text)
    figures_state: Mapped[str | None] = mapped_column(String(10))
    figures_attempt: Mapped[int] = mapped_column(default=0)
    figures_tries: Mapped[int] = mapped_column(default=0)
    figures_until: Mapped[datetime | None]


class StoredFigure(Base):
    """One figure of an evaluation for those who look with `detail`, as numbers and as pictures.

    `images` names the blobs of its pictures by theme and format (`light.svg`); NULL until it was
    `wanted` and drawn.
    """

    __tablename__ = "figures"
    __table_args__ = (UniqueConstraint("evaluation_id", "split", "detail", "name"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id", ondelete="CASCADE"))
    split: Mapped[str] = mapped_column(String(10))
    detail: Mapped[str] = mapped_column(String(20))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]]
    wanted: Mapped[bool]
    images: Mapped[dict[str, Any] | None]
    attempts: Mapped[int] = mapped_column(default=0)


class IdempotencyKey(Base):
    """A client's key for one submission, kept 24 hours."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[str] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    challenge_id: Mapped[str] = mapped_column(
        ForeignKey("challenges.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(index=True)


class UploadTicket(Base):
    """An upload in flight, from before its first byte; a phase with one has not settled."""

    __tablename__ = "upload_tickets"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    phase_id: Mapped[str] = mapped_column(ForeignKey("phases.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    began_at: Mapped[datetime]
    expires_at: Mapped[datetime]
