"""The rules of the game: teams, registration, re-scoring, boards with marked lines.

No table is rebuilt: on SQLite that would delete what refers to its rows.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


# Metrics of which less is better, and the one that is ranked by its magnitude.
LOWER_IS_BETTER = {"mae", "mre", "rmse", "median_absolute_error", "resolution_68"}
BY_MAGNITUDE = {"bias"}
OLD_COLUMNS = (
    "last_submitted_at",
    "private_score",
    "private_sigma",
    "private_submission_id",
    "private_submitted_at",
    "public_score",
    "public_sigma",
    "public_submission_id",
    "public_submitted_at",
    "scored_count",
)


def upgrade() -> None:
    _registration()
    _teams()
    _rescorings()
    _standings()
    _columns()
    _copy_standings()
    for index in ("ix_entries_public", "ix_entries_private"):
        op.drop_index(index, "entries")
    for column in OLD_COLUMNS:
        op.drop_column("entries", column)


def _registration() -> None:
    """Who may take part: applications, invite codes, the class list."""
    op.create_table(
        "applications",
        sa.Column("challenge_id", sa.String(length=26), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("rules_version", sa.String(length=64), nullable=True),
        sa.Column("message", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=True),
        sa.Column("decided_by", sa.String(length=26), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["challenges.id"],
            name=op.f("fk_applications_challenge_id_challenges"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["users.id"], name=op.f("fk_applications_decided_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_applications_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("challenge_id", "user_id", name=op.f("pk_applications")),
    )
    op.create_table(
        "invite_codes",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("challenge_id", sa.String(length=26), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(length=26), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["challenges.id"],
            name=op.f("fk_invite_codes_challenge_id_challenges"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_invite_codes_created_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invite_codes")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_invite_codes_code_hash")),
    )
    op.create_index(
        op.f("ix_invite_codes_challenge_id"), "invite_codes", ["challenge_id"], unique=False
    )
    op.create_table(
        "roster_rows",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("challenge_id", sa.String(length=26), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["challenges.id"],
            name=op.f("fk_roster_rows_challenge_id_challenges"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_roster_rows_user_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_rows")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_roster_rows_code_hash")),
    )
    op.create_index(
        op.f("ix_roster_rows_challenge_id"), "roster_rows", ["challenge_id"], unique=False
    )


def _teams() -> None:
    """Teams that change, and what people are told."""
    op.create_table(
        "former_members",
        sa.Column("team_id", sa.String(length=26), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"],
            ["teams.id"],
            name=op.f("fk_former_members_team_id_teams"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_former_members_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_former_members")),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("team_id", sa.String(length=26), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("invited_by", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(length=10), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["users.id"], name=op.f("fk_invitations_invited_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_invitations_team_id_teams"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_invitations_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
    )
    op.create_index(op.f("ix_invitations_user_id"), "invitations", ["user_id"], unique=False)
    op.create_index(
        "uq_invitations_open",
        "invitations",
        ["team_id", "user_id"],
        unique=True,
        sqlite_where=sa.text("answer IS NULL"),
        postgresql_where=sa.text("answer IS NULL"),
    )
    op.create_table(
        "merge_proposals",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("from_team_id", sa.String(length=26), nullable=False),
        sa.Column("into_team_id", sa.String(length=26), nullable=False),
        sa.Column("proposed_by", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(length=10), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["from_team_id"],
            ["teams.id"],
            name=op.f("fk_merge_proposals_from_team_id_teams"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["into_team_id"],
            ["teams.id"],
            name=op.f("fk_merge_proposals_into_team_id_teams"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["users.id"], name=op.f("fk_merge_proposals_proposed_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge_proposals")),
    )
    op.create_index(
        op.f("ix_merge_proposals_into_team_id"), "merge_proposals", ["into_team_id"], unique=False
    )
    op.create_index(
        "uq_merge_proposals_open",
        "merge_proposals",
        ["from_team_id", "into_team_id"],
        unique=True,
        sqlite_where=sa.text("answer IS NULL"),
        postgresql_where=sa.text("answer IS NULL"),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("challenge_id", sa.String(length=26), nullable=False),
        sa.Column("team_id", sa.String(length=26), nullable=True),
        sa.Column("user_id", sa.String(length=26), nullable=True),
        sa.Column("actor_id", sa.String(length=26), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_notices_actor_id_users")),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["challenges.id"],
            name=op.f("fk_notices_challenge_id_challenges"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_notices_team_id_teams"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notices_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index(
        "ix_notices_challenge_time", "notices", ["challenge_id", "created_at"], unique=False
    )


def _rescorings() -> None:
    """New generations of evaluations."""
    op.create_table(
        "rescorings",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("challenge_id", sa.String(length=26), nullable=False),
        sa.Column("test_set_id", sa.String(length=26), nullable=False),
        sa.Column("solution_id", sa.String(length=26), nullable=False),
        sa.Column("actor_id", sa.String(length=26), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["users.id"], name=op.f("fk_rescorings_actor_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["challenges.id"],
            name=op.f("fk_rescorings_challenge_id_challenges"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["solution_id"],
            ["solutions.id"],
            name=op.f("fk_rescorings_solution_id_solutions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["test_set_id"],
            ["test_sets.id"],
            name=op.f("fk_rescorings_test_set_id_test_sets"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rescorings")),
    )
    op.create_index(
        op.f("ix_rescorings_challenge_id"), "rescorings", ["challenge_id"], unique=False
    )
    op.create_index(
        "uq_rescorings_running",
        "rescorings",
        ["test_set_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _standings() -> None:
    """Lines of boards: what counts for an entry, on each board."""
    op.create_table(
        "standings",
        sa.Column("entry_id", sa.String(length=26), nullable=False),
        sa.Column("board", sa.String(length=10), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("phase_id", sa.String(length=26), nullable=False),
        sa.Column("submission_id", sa.String(length=26), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("sigma", sa.Double(), nullable=True),
        sa.Column("place", sa.JSON(), nullable=False),
        sa.Column("mark", sa.String(length=20), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("last_submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("declared", sa.JSON(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("carried", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["entries.id"],
            name=op.f("fk_standings_entry_id_entries"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["phase_id"],
            ["phases.id"],
            name=op.f("fk_standings_phase_id_phases"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submissions.id"],
            name=op.f("fk_standings_submission_id_submissions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("entry_id", "board", "late", name=op.f("pk_standings")),
    )
    op.create_index("ix_standings_board", "standings", ["phase_id", "board"], unique=False)


def _columns() -> None:
    """Where organisers act: on entries, submissions, teams and challenges."""
    op.add_column("challenges", sa.Column("trashed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("entries", sa.Column("closes_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("entries", sa.Column("per_day", sa.Integer(), nullable=True))
    op.add_column("entries", sa.Column("total", sa.Integer(), nullable=True))
    op.add_column("entries", sa.Column("concurrent", sa.Integer(), nullable=True))
    op.add_column("entries", sa.Column("inherited", sa.JSON(), nullable=True))
    op.add_column("entries", sa.Column("shortlist", sa.JSON(), nullable=True))
    op.add_column(
        "entries", sa.Column("disqualified_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("entries", sa.Column("disqualified_reason", sa.Text(), nullable=True))
    op.add_column("evaluations", sa.Column("rescoring_id", sa.String(length=26), nullable=True))
    op.add_column("evaluations", sa.Column("public_details", sa.JSON(), nullable=True))
    op.add_column("evaluations", sa.Column("private_details", sa.JSON(), nullable=True))
    op.add_column(
        "evaluations",
        sa.Column("implausible", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index(
        op.f("ix_evaluations_rescoring_id"), "evaluations", ["rescoring_id"], unique=False
    )
    op.add_column("participations", sa.Column("banned_reason", sa.Text(), nullable=True))
    op.add_column("phases", sa.Column("carried_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("submissions", sa.Column("note", sa.Text(), nullable=True))
    op.add_column(
        "submissions", sa.Column("late", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("submissions", sa.Column("carried_from_id", sa.String(length=26), nullable=True))
    op.add_column("submissions", sa.Column("carry_key", sa.String(length=53), nullable=True))
    op.add_column(
        "submissions", sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("submissions", sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "submissions", sa.Column("disqualified_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("submissions", sa.Column("disqualified_reason", sa.Text(), nullable=True))
    op.add_column(
        "submissions", sa.Column("refunded_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index(
        op.f("ix_submissions_carried_from_id"), "submissions", ["carried_from_id"], unique=False
    )
    op.create_index("uq_submissions_carry_key", "submissions", ["carry_key"], unique=True)
    op.create_index("ix_teams_served", "teams", ["challenge_id", "served_at"], unique=False)
    op.add_column("teams", sa.Column("banned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("teams", sa.Column("merged_into_id", sa.String(length=26), nullable=True))


def _copy_standings() -> None:
    """Lines of boards as the entries held them."""
    times = sa.DateTime(timezone=True)
    standings = sa.table(
        "standings",
        *(sa.column(name, sa.JSON) for name in ("place", "metrics", "declared")),
        *(
            sa.column(name, kind)
            for name, kind in (("submitted_at", times), ("last_submitted_at", times))
        ),
        *(
            sa.column(name)
            for name in (
                "entry_id",
                "board",
                "late",
                "phase_id",
                "submission_id",
                "score",
                "sigma",
                "entries",
                "carried",
            )
        ),
    )
    for row in op.get_bind().execute(_lines_of_old()).mappings().all():
        place = [_goodness(row["definition"]["metric"], row["score"])]
        values = {name: row[name] for name in row if name != "definition"}
        row_now = {**values, "late": False, "carried": False, "place": place}
        op.get_bind().execute(sa.insert(standings).values(row_now))


def _lines_of_old() -> sa.CompoundSelect[Any]:
    phases = sa.table("phases", sa.column("id"), sa.column("definition", sa.JSON))
    submissions = sa.table(
        "submissions", sa.column("id"), sa.column("evaluation_id"), sa.column("declared", sa.JSON)
    )
    scores = [sa.column(f"{board}_scores", sa.JSON) for board in ("public", "private")]
    evaluations = sa.table("evaluations", sa.column("id"), *scores)
    times = sa.DateTime(timezone=True)
    halves = []
    for board in ("public", "private"):
        at, last = f"{board}_submitted_at", "last_submitted_at"
        entries = sa.table(
            "entries",
            sa.column(at, times),
            sa.column(last, times),
            *(sa.column(name) for name in ("id", "phase_id", "scored_count")),
            *(sa.column(f"{board}_{name}") for name in ("submission_id", "score", "sigma")),
        )
        old = entries.c
        halves.append(
            sa.select(
                old.id.label("entry_id"),
                sa.literal(board).label("board"),
                old.phase_id,
                old[f"{board}_submission_id"].label("submission_id"),
                old[f"{board}_score"].label("score"),
                old[f"{board}_sigma"].label("sigma"),
                old[at].label("submitted_at"),
                old.scored_count.label("entries"),
                old[last].label("last_submitted_at"),
                phases.c.definition,
                submissions.c.declared,
                evaluations.c[f"{board}_scores"].label("metrics"),
            )
            .join(phases, phases.c.id == old.phase_id)
            .join(submissions, submissions.c.id == old[f"{board}_submission_id"])
            .join(evaluations, evaluations.c.id == submissions.c.evaluation_id)
            .where(old[f"{board}_submission_id"].is_not(None))
        )
    return sa.union_all(*halves)


def _goodness(metric: str, score: float) -> float:
    if metric in BY_MAGNITUDE:
        return -abs(score)
    return -score if metric in LOWER_IS_BETTER else score
