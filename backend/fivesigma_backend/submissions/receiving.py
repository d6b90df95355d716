"""From a request to an accepted submission: admission, the body, the cheap look, the transaction.

Async only where bytes flow; everything that decides or stores runs in a thread. No session is
open while a body is read.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from fastapi import Request
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.reading import sniff
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from ..accounts.access import check_csrf
from ..challenges.access import Access, find_access, require_participant
from ..challenges.models import Solution
from ..core.errors import BadRequest, Closed, Problem, Unprocessable
from ..core.platform import Platform
from ..core.queue import SCORE_QUEUE, SCORE_TASK, ring_after_commit
from ..core.security import CSRF_FIELD, CSRF_HEADER
from .admission import (
    Admission,
    admission_to,
    admit,
    choose_phase,
    close_ticket,
    open_ticket,
    phase_for_checking,
)
from .announcing import Announced, announce_submission
from .handing_in import Accepted, Upload, accept, earlier_by_key
from .rules import State
from .upload import Received, Spool, receive

HEAD = 64 * 1024
TAIL = 64
LONGEST_MESSAGE = 500
LONGEST_KEY = 200


class UploadTimedOut(Problem):
    """The upload took too long and was stopped. Nothing was stored; try a compressed file."""

    status, code = 408, "timeout"


class Refused(Unprocessable):
    """The file was refused. The findings say what is wrong with it and where."""

    code = "refused"


class Delivery:
    """One request that brings a file: who, for which challenge, and what was decided so far."""

    def __init__(self, request: Request, platform: Platform, access: Access) -> None:
        self._request = request
        self._platform = platform
        self._access = access
        self._began_at: datetime = request.state.began_at
        self._admission: Admission | None = None
        self._ticket: str | None = None

    async def hand_in(self, key: str | None) -> Accepted:
        """Receive one file for one phase and queue it. Raises the problems that the user reads."""
        if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
            raise BadRequest("An Idempotency-Key has 1 to 200 printable characters.")
        try:
            with Spool(self._platform.storage.spool) as spool:
                received = await self._receive(spool, partial(self._admit, key))
                return await run_in_threadpool(self._store, received, key)
        finally:
            if self._ticket is not None:
                await run_in_threadpool(self._end_ticket, self._ticket)

    async def bring(self, spool: Spool) -> tuple[Received, Admission]:
        """Receive a file that is only to be checked: in any phase, open or not, without quota."""
        received = await self._receive(spool, self._admit_to_check)
        return received, self._admitted()

    async def _receive(self, spool: Spool, admit: Callable[[str | None], None]) -> Received:
        async def ask(fields: dict[str, str]) -> int:
            offered = self._request.headers.get(CSRF_HEADER) or fields.get(CSRF_FIELD)
            check_csrf(self._request, self._platform, self._access.actor, offered)
            await run_in_threadpool(admit, fields.get("phase"))
            return int(self._admitted().test_set.definition["max_bytes"])

        try:
            async with asyncio.timeout(self._platform.settings.upload_timeout):
                return await receive(self._request, spool, ask)
        except TimeoutError:
            raise UploadTimedOut from None

    def _admitted(self) -> Admission:
        if self._admission is None:
            raise Closed
        return self._admission

    def _admit(self, key: str | None, phase_slug: str | None) -> None:
        """Decide before the first byte; a key that is known is a replay and is let in."""
        now = self._platform.clock()
        with self._platform.db.read() as session:
            if earlier_by_key(session, self._access, key, now) is not None:
                return self._choose_leniently(session, phase_slug)
            self._admission = admit(
                session, self._access, phase_slug, began_at=self._began_at, now=now
            )
        with self._platform.db.transaction() as session:
            self._ticket = open_ticket(
                session,
                phase_id=self._admission.phase.id,
                user_id=self._access.actor.user_id or "",
                began_at=self._began_at,
                lifetime=timedelta(seconds=self._platform.settings.upload_timeout),
            )
        return None

    def _admit_to_check(self, phase_slug: str | None) -> None:
        with self._platform.db.read() as session:
            self._choose_leniently(session, phase_slug)

    def _choose_leniently(self, session: Session, phase_slug: str | None) -> None:
        phase = phase_for_checking(session, self._access, phase_slug, self._began_at)
        self._admission = admission_to(session, self._access, phase)

    def _end_ticket(self, ticket: str) -> None:
        with self._platform.db.transaction() as session:
            close_ticket(session, ticket)

    def _store(self, received: Received, key: str | None) -> Accepted:
        admission = self._final_admission(received)
        refuse_at_first_sight(self._platform, admission, received)
        upload = _upload(received, key)
        self._platform.storage.put(received.path, received.sha256)
        try:
            return self._commit(admission, upload)
        except IntegrityError:
            # Two requests with one key at the same moment: the other one is stored by now.
            return self._commit(admission, upload)

    def _final_admission(self, received: Received) -> Admission:
        """The phase that the form names, also where its field came only after the file."""
        slug, admission = received.fields.get("phase"), self._admitted()
        if slug in (None, "", admission.phase.slug):
            return admission
        with self._platform.db.read() as session:
            phase = choose_phase(session, self._access, slug, self._began_at)
            return admission_to(session, self._access, phase)

    def _commit(self, admission: Admission, upload: Upload) -> Accepted:
        platform, now = self._platform, self._platform.clock()
        with platform.db.transaction() as session:
            access = self._access_now(session)
            accepted = accept(session, access, admission, upload, began_at=self._began_at, now=now)
            if not accepted.replayed:
                ring_after_commit(session, platform.bell, SCORE_TASK, SCORE_QUEUE)
                one = Announced(access.challenge.id, admission.team_id, accepted.submission_id)
                announce_submission(session, platform.events, one, State.QUEUED)
        return accepted

    def _access_now(self, session: Session) -> Access:
        """Who was excluded while the file travelled is refused all the same."""
        access = find_access(
            session,
            self._access.actor,
            self._access.challenge.slug,
            public_boards=self._platform.settings.public_boards,
        )
        require_participant(access)
        return access


def refuse_at_first_sight(platform: Platform, admission: Admission, received: Received) -> None:
    """Refuse what its first and last bytes already show to be no prediction file."""
    with platform.db.read() as session:
        solution = session.get(Solution, admission.test_set.current_solution_id)
    if solution is None:
        raise Closed("This phase has no solution yet, so nothing can be scored.")
    universe = platform.storage.local_folder(solution.universe_sha256)
    form = PredictionFormat.from_json(json.loads((universe / "format.json").read_text()))
    with received.path.open("rb") as file:
        head = file.read(HEAD)
        file.seek(max(0, received.size - TAIL))
        tail = file.read()
    findings = sniff(head, tail, received.size, received.filename, form)
    if any(finding.severity == "error" for finding in findings):
        raise Refused(findings=[finding.as_json() for finding in findings])


def _upload(received: Received, key: str | None) -> Upload:
    message = received.fields.get("message", "").strip()
    if len(message) > LONGEST_MESSAGE:
        raise Unprocessable(f"The message has {len(message)} characters; {LONGEST_MESSAGE} fit.")
    return Upload(
        sha256=received.sha256,
        size=received.size,
        filename=received.filename,
        message=message.replace("\x00", ""),
        declared=_declared(received.fields.get("metadata", "")),
        key=key,
    )


def _declared(text: str) -> dict[str, Any] | None:
    if not text.strip():
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Unprocessable("The field “metadata” must be a JSON object.")
    return value
