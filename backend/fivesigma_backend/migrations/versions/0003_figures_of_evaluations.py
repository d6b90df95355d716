"""Figures of evaluations"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("evaluations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("figures_state", sa.String(length=10), nullable=True))
        batch_op.add_column(
            sa.Column("figures_attempt", sa.Integer(), nullable=False, server_default="0")
        )
        batch_op.add_column(
            sa.Column("figures_tries", sa.Integer(), nullable=False, server_default="0")
        )
        batch_op.add_column(sa.Column("figures_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index("ix_evaluations_figures", ["figures_state", "id"], unique=False)

    op.create_table(
        "figures",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("evaluation_id", sa.String(length=26), nullable=False),
        sa.Column("split", sa.String(length=10), nullable=False),
        sa.Column("detail", sa.String(length=20), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("images", sa.JSON(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"],
            ["evaluations.id"],
            name=op.f("fk_figures_evaluation_id_evaluations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figures")),
        sa.UniqueConstraint(
            "evaluation_id",
            "split",
            "detail",
            "name",
            name=op.f("uq_figures_evaluation_id_split_detail_name"),
        ),
    )
