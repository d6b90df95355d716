"""Tables of teams."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ..core.db import Base


class Team(Base):
    """Who stands on a board. `staff` teams (organisers) are shown unranked.

    `served_at` is when a worker last took up an evaluation of the team: whose turn it is.
    `banned_at` is set while all members are banned: no board shows the team. A team that was merged
    has no members any more; it keeps its rows in phases that had closed.
    """

    __tablename__ = "teams"
    __table_args__ = (
        UniqueConstraint("challenge_id", "name_key"),
        Index("ix_teams_served", "challenge_id", "served_at"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(60))
    name_key: Mapped[str] = mapped_column(String(120))
    staff: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    served_at: Mapped[datetime | None]
    banned_at: Mapped[datetime | None]
    merged_into_id: Mapped[str | None] = mapped_column(String(26))


class TeamMember(Base):
    """A participant's one team in a challenge."""

    __tablename__ = "team_members"

    challenge_id: Mapped[str] = mapped_column(
        ForeignKey("challenges.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), index=True)
    leader: Mapped[bool] = mapped_column(default=True)


class FormerMember(Base):
    """Somebody who was in a team and is no longer, by leaving, removal or a merge."""

    __tablename__ = "former_members"

    team_id: Mapped[str] = mapped_column(
        ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    left_at: Mapped[datetime]
    merged: Mapped[bool] = mapped_column(default=False)


class Invitation(Base):
    """A leader's invitation of a participant; `answer` is `accepted`, `declined` or `withdrawn`."""

    __tablename__ = "invitations"
    __table_args__ = (
        Index(
            "uq_invitations_open",
            "team_id",
            "user_id",
            unique=True,
            sqlite_where=text("answer IS NULL"),
            postgresql_where=text("answer IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    invited_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    answer: Mapped[str | None] = mapped_column(String(10))
    answered_at: Mapped[datetime | None]


class MergeProposal(Base):
    """One leader's proposal that `from_team_id` becomes part of `into_team_id`."""

    __tablename__ = "merge_proposals"
    __table_args__ = (
        Index(
            "uq_merge_proposals_open",
            "from_team_id",
            "into_team_id",
            unique=True,
            sqlite_where=text("answer IS NULL"),
            postgresql_where=text("answer IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    from_team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    into_team_id: Mapped[str] = mapped_column(
        ForeignKey("teams.id", ondelete="CASCADE"), index=True
    )
    proposed_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    answer: Mapped[str | None] = mapped_column(String(10))
    answered_at: Mapped[datetime | None]


class Application(Base):
    """Somebody asks to take part where organisers approve; `accepted` is NULL while it waits."""

    __tablename__ = "applications"

    challenge_id: Mapped[str] = mapped_column(
        ForeignKey("challenges.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    rules_version: Mapped[str | None] = mapped_column(String(64))
    message: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime]
    accepted: Mapped[bool | None]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]


class InviteCode(Base):
    """A code that lets whoever has it take part. Only a hash is kept."""

    __tablename__ = "invite_codes"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    challenge_id: Mapped[str] = mapped_column(
        ForeignKey("challenges.id", ondelete="CASCADE"), index=True
    )
    label: Mapped[str] = mapped_column(String(80))
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    uses: Mapped[int] = mapped_column(default=0)
    created_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class RosterRow(Base):
    """A person on the class list, who takes part by a one-time code. Only a hash is kept."""

    __tablename__ = "roster_rows"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    challenge_id: Mapped[str] = mapped_column(
        ForeignKey("challenges.id", ondelete="CASCADE"), index=True
    )
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    claimed_at: Mapped[datetime | None]


class Notice(Base):
    """Something told to all participants (an announcement), to one team, or to one person.

    `text` is Markdown of announcements and plain text of what the platform says by itself.
    """

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_challenge_time", "challenge_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id", ondelete="CASCADE"))
    team_id: Mapped[str | None] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    actor_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
