"""Tables of teams."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..core.db import Base


class Team(Base):
    """Who stands on a board. `staff` teams (organisers) are shown unranked.

    `served_at` is when a worker last took up an evaluation of the team: whose turn it is.
    """

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("challenge_id", "name_key"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(60))
    name_key: Mapped[str] = mapped_column(String(120))
    staff: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    served_at: Mapped[datetime | None]


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
