"""Teams beyond those of a crowd, and what a worker does with their submissions, as transactions."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from crowds import METRICS, NOW, come, identity, pour
from fivesigma_backend.challenges.access import Access
from fivesigma_backend.challenges.models import Challenge, Phase
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.core.security import Actor
from fivesigma_backend.submissions.admission import Admission, admission_to
from fivesigma_backend.submissions.claiming import Claim, claim
from fivesigma_backend.submissions.evaluating import Result, record
from fivesigma_backend.submissions.handing_in import Upload, accept
from fivesigma_backend.submissions.models import Entry
from fivesigma_backend.submissions.standings import lock_entry, restand
from sqlalchemy import select

SCORES = {name: {"value": 2.0, "sigma": 0.1, "lower_bound": False, "n": 100} for name in METRICS}
LEASE = timedelta(minutes=1)


@dataclass(frozen=True)
class Player:
    """A team that hands in to one platform, and what a worker does with it."""

    platform: Platform
    access: Access
    admission: Admission

    def hand_in(self) -> None:
        """The transaction that stores a submission whose file has arrived."""
        upload = Upload(secrets.token_hex(32), 1, "a.csv")
        with self.platform.db.transaction() as session:
            accept(session, self.access, self.admission, upload, began_at=NOW, now=NOW)

    def claim(self) -> Claim:
        """What a worker does to get the next evaluation."""
        with self.platform.db.transaction() as session:
            held = claim(session, worker="bench", now=NOW, lease=LEASE)
        if held is None or held.team_id != self.admission.team_id:
            raise RuntimeError("another team's turn")
        return held

    def record(self, held: Claim) -> None:
        """What a worker does once it has scored."""
        with self.platform.db.transaction() as session:
            result = Result(True, [], 1, SCORES, SCORES)
            if not record(session, held, result, NOW):
                raise RuntimeError("nothing was recorded")

    def lock(self) -> None:
        """The least that a transaction does which decides about an entry."""
        with self.platform.db.transaction() as session:
            lock_entry(session, self.admission.phase.id, self.admission.team_id)

    def lock_durably(self) -> None:
        """The same with one value stored: on SQLite, a lock alone never reaches the disk."""
        with self.platform.db.transaction() as session:
            entry = lock_entry(session, self.admission.phase.id, self.admission.team_id)
            entry.disqualified_reason = secrets.token_hex(8)


def newcomer(platform: Platform, number: int, earlier: int = 0, kind: str = "N") -> Player:
    """A further team, with submissions that stand on its boards."""
    with platform.db.transaction() as session:
        connection = session.connection()
        come(connection, range(number, number + 1))
        if earlier:
            pour(connection, teams_in_all=1, each=earlier, first_team=number, kind=kind)
        phase = session.scalars(select(Phase)).one()
        restand(session, session.get_one(Entry, identity("E", number)), phase)
    with platform.db.read() as session:
        challenge = session.scalars(select(Challenge)).one()
        access = Access(Actor(identity("U", number)), challenge, joined_at=NOW)
        return Player(platform, access, admission_to(session, access, phase))
