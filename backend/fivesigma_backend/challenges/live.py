"""What an update does to a challenge that has submissions; those stand above challenges.

`submissions.editing` says what happens; a load that is given nothing refuses such changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from ..core.errors import Conflict
from .definition import Definition
from .models import Challenge, Solution


@dataclass(frozen=True)
class Update:
    """An update that has been stored in the transaction.

    `pending` are solutions that are to be scored against, by test set name, before what they and
    `scored_as` say takes effect; `compiled` are test sets whose solution changed at once.
    """

    challenge: Challenge
    before: Definition
    after: Definition
    pending: Mapping[str, Solution]
    scored_as: Definition | None
    compiled: frozenset[str]
    restanding: frozenset[str]
    now: datetime
    actor_id: str | None


class Live(Protocol):
    """What loading asks of those who keep submissions."""

    def hold(self, session: Session, challenge_id: str, restanding: frozenset[str]) -> None:
        """Lock what comes before the challenge's own rows in the order of locks."""

    def apply(self, session: Session, update: Update) -> None:
        """Begin re-scorings, rank again, and tell people, in the same transaction."""


class NoSubmissions:
    """For loads that meet no submissions; what would need more is refused."""

    def hold(self, session: Session, challenge_id: str, restanding: frozenset[str]) -> None:
        """There is nothing to lock."""

    def apply(self, session: Session, update: Update) -> None:
        """Raises Conflict for what concerns submissions."""
        del session
        if update.pending or update.restanding:
            raise Conflict(
                "There are submissions, so this would change their scores or ranks. Load the "
                "folder with `fivesigma-server challenge load --update`.",
                code="frozen",
            )
