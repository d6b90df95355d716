"""Tables of challenges. What `challenge.toml` says is kept whole in `definition`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..core.db import Base


class Challenge(Base):
    """One competition. A trashed one is out of sight, and deleted for good after 30 days."""

    __tablename__ = "challenges"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    summary: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(30))
    definition: Mapped[dict[str, Any]]
    card: Mapped[str] = mapped_column(Text)
    rules_text: Mapped[str | None] = mapped_column(Text)
    rules_version: Mapped[str | None] = mapped_column(String(64))
    folder_sha256: Mapped[str] = mapped_column(String(64))
    published: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    trashed_at: Mapped[datetime | None]


class TestSet(Base):
    """One published file of unlabelled inputs with its universe of ids."""

    __tablename__ = "test_sets"
    __table_args__ = (UniqueConstraint("challenge_id", "name"),)
    __test__ = False  # tells pytest that this is no test

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40))
    definition: Mapped[dict[str, Any]]
    current_solution_id: Mapped[str | None] = mapped_column(String(26))


class Solution(Base):
    """One version of the truth of a test set, compiled for scoring.

    `compiled_sha256` is the blob of the compiled folder, `universe_sha256` that of its part
    without any truth, which is all that a validation may see.
    """

    __tablename__ = "solutions"
    __table_args__ = (UniqueConstraint("test_set_id", "version"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    test_set_id: Mapped[str] = mapped_column(ForeignKey("test_sets.id", ondelete="CASCADE"))
    version: Mapped[int]
    compiled_sha256: Mapped[str] = mapped_column(String(64))
    universe_sha256: Mapped[str] = mapped_column(String(64))
    summary: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class Phase(Base):
    """A window [opens_at, closes_at) in which a test set is scored.

    `definition` is the phase's part of `challenge.toml`; the times stand in columns because an
    organiser may move them. `board_version` grows with every change of the phase's boards;
    `carried_at` is when the phase took over what its source phase's teams had chosen.
    """

    __tablename__ = "phases"
    __table_args__ = (UniqueConstraint("challenge_id", "slug"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id", ondelete="CASCADE"))
    test_set_id: Mapped[str] = mapped_column(ForeignKey("test_sets.id", ondelete="CASCADE"))
    slug: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    position: Mapped[int]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime | None]
    unblinded_at: Mapped[datetime | None]
    definition: Mapped[dict[str, Any]]
    board_version: Mapped[int] = mapped_column(default=0)
    carried_at: Mapped[datetime | None]


class PublishedFile(Base):
    """A download of a challenge; `details` is what pages show of it (`details.py`)."""

    __tablename__ = "published_files"
    __table_args__ = (UniqueConstraint("challenge_id", "name"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    title: Mapped[str] = mapped_column(String(200))
    position: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    visible_from: Mapped[datetime | None]
    members_only: Mapped[bool] = mapped_column(default=True)
    details: Mapped[dict[str, Any] | None]


class Organiser(Base):
    """A user who runs a challenge."""

    __tablename__ = "organisers"

    challenge_id: Mapped[str] = mapped_column(
        ForeignKey("challenges.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )


class Participation(Base):
    """A user who joined a challenge, and which version of the rules was accepted when."""

    __tablename__ = "participations"

    challenge_id: Mapped[str] = mapped_column(
        ForeignKey("challenges.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    joined_at: Mapped[datetime]
    rules_version: Mapped[str | None] = mapped_column(String(64))
    rules_accepted_at: Mapped[datetime | None]
    banned_at: Mapped[datetime | None]
    banned_reason: Mapped[str | None] = mapped_column(Text)
