"""What organisers do about participants, each in one transaction, for page and REST call."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Depends
from sqlalchemy.orm import Session

from ..accounts.access import PlatformOf
from ..challenges.access import Access, organiser
from ..challenges.boards import announce_boards
from ..core.platform import Platform
from .applications import Asked, decide
from .bans import ban, set_staff, unban
from .invite_codes import make_invite_code, revoke_invite_code
from .models import InviteCode
from .participants_list import Participant, participant
from .roster import Issued, import_roster, reissue_code, reissue_free_codes, remove_row


class Organising:
    """The acts of one organiser on one challenge."""

    def __init__(self, platform: Platform, access: Access) -> None:
        self.platform = platform
        self.access = access
        self.challenge = access.challenge

    @contextmanager
    def _acting(self) -> Iterator[tuple[Session, dict[str, Any]]]:
        """A transaction, and who acts when."""
        by = {"now": self.platform.clock(), "actor_id": self.access.actor.user_id}
        with self.platform.db.transaction() as session:
            yield session, by

    def _shown(self, session: Session, user_id: str) -> Participant:
        """The row of a participant after an act that changed boards; live pages are told."""
        announce_boards(session, self.platform.events, self.challenge.id)
        return participant(session, self.challenge.id, user_id)

    def ban(self, username: str, reason: str) -> Participant:
        """Exclude a participant for a reason that the person reads."""
        with self._acting() as (session, by):
            return self._shown(session, ban(session, self.challenge.id, username, reason, **by))

    def unban(self, username: str) -> Participant:
        """Let an excluded participant take part again."""
        with self._acting() as (session, by):
            return self._shown(session, unban(session, self.challenge.id, username, **by))

    def set_staff(self, username: str, *, staff: bool) -> Participant:
        """Show the participant's team unranked, or rank it again."""
        with self._acting() as (session, by):
            changed = set_staff(session, self.challenge.id, username, staff=staff, **by)
            return self._shown(session, changed)

    def decide(self, usernames: Collection[str], *, accept: bool) -> list[Asked]:
        """Approve or refuse applications, all or none of them."""
        with self._acting() as (session, by):
            return decide(session, self.challenge, usernames, accept=accept, **by)

    def make_invite_code(self, label: str) -> tuple[InviteCode, str]:
        """A new invite code."""
        with self._acting() as (session, by):
            return make_invite_code(session, self.challenge.id, label, **by)

    def revoke_invite_code(self, code_id: str) -> InviteCode:
        """Make an invite code useless."""
        with self._acting() as (session, by):
            return revoke_invite_code(session, self.challenge.id, code_id, **by)

    def import_roster(self, text: str) -> list[Issued]:
        """Add names to the roster."""
        with self._acting() as (session, by):
            return import_roster(session, self.challenge.id, text, **by)

    def reissue_code(self, row_id: str) -> Issued:
        """A new code for one name."""
        with self._acting() as (session, by):
            return reissue_code(session, self.challenge.id, row_id, **by)

    def reissue_free_codes(self) -> list[Issued]:
        """New codes for all names that nobody took."""
        with self._acting() as (session, by):
            return reissue_free_codes(session, self.challenge.id, **by)

    def remove_row(self, row_id: str) -> None:
        """Take a name off the roster."""
        with self._acting() as (session, by):
            remove_row(session, self.challenge.id, row_id, **by)


def organising(platform: PlatformOf, access: Annotated[Access, Depends(organiser)]) -> Organising:
    """The acts of the organiser who makes a request; a route's policy stands in here."""
    return Organising(platform, access)


Acts = Annotated[Organising, Depends(organising)]
