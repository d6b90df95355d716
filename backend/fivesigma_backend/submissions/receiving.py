"""From a request to an accepted submission: admission, the body, the cheap look, the transaction.

Async only where bytes flow; everything that decides or stores runs in a thread. No session is
open while a body is read.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import Request
from fivesigma_scoring.files import sniff
from fivesigma_scoring.prediction import PredictionFormat
from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool

from ..accounts.access import check_csrf
from ..challenges.access import Access
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


@dataclass
class _Leave:
    """What was decided before the first byte. A replay of a known key is let in undecided."""

    admission: Admission | None = None
    ticket: str | None = None


async def hand_in(
    request: Request, platform: Platform, access: Access, key: str | None
) -> Accepted:
    """Receive one file for one phase and queue it. Raises the problems that the user reads."""
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        raise BadRequest("An Idempotency-Key has 1 to 200 printable characters.")
    leave = _Leave()

    async def ask(fields: dict[str, str]) -> int:
        _check_form_csrf(request, platform, access, fields)
        await run_in_threadpool(_give_leave, request, platform, access, key, fields, leave)
        return _cap(leave)

    try:
        with Spool(platform.storage.spool) as spool:
            received = await _in_time(request, platform, spool, ask)
            return await run_in_threadpool(_store, request, platform, access, key, received, leave)
    finally:
        if leave.ticket is not None:
            await run_in_threadpool(_end_ticket, platform, leave.ticket)


async def receive_for_validation(
    request: Request, platform: Platform, access: Access, spool: Spool
) -> tuple[Received, Admission]:
    """Receive a file that is only to be checked: any phase, open or not, and no allowance."""
    chosen: list[Admission] = []

    async def ask(fields: dict[str, str]) -> int:
        _check_form_csrf(request, platform, access, fields)
        chosen.append(await run_in_threadpool(_phase_to_check, platform, access, request, fields))
        return int(chosen[0].test_set.definition["max_bytes"])

    received = await _in_time(request, platform, spool, ask)
    return received, chosen[0]


async def _in_time(request: Request, platform: Platform, spool: Spool, ask: Any) -> Received:
    try:
        async with asyncio.timeout(platform.settings.upload_timeout):
            return await receive(request, spool, ask)
    except TimeoutError:
        raise UploadTimedOut from None


def _check_form_csrf(
    request: Request, platform: Platform, access: Access, fields: dict[str, str]
) -> None:
    offered = request.headers.get(CSRF_HEADER) or fields.get(CSRF_FIELD)
    check_csrf(request, platform, access.actor, offered)


def _give_leave(
    request: Request,
    platform: Platform,
    access: Access,
    key: str | None,
    fields: dict[str, str],
    leave: _Leave,
) -> None:
    began_at, now = request.state.began_at, platform.clock()
    with platform.db.read() as session:
        if earlier_by_key(session, access, key, now) is not None:
            phase = phase_for_checking(session, access, fields.get("phase"), began_at)
            leave.admission = admission_to(session, access, phase)
            return
        leave.admission = admit(session, access, fields.get("phase"), began_at=began_at, now=now)
    with platform.db.transaction() as session:
        leave.ticket = open_ticket(
            session,
            phase_id=leave.admission.phase.id,
            user_id=access.actor.user_id or "",
            began_at=began_at,
            lifetime=timedelta(seconds=platform.settings.upload_timeout),
        )


def _phase_to_check(
    platform: Platform, access: Access, request: Request, fields: dict[str, str]
) -> Admission:
    with platform.db.read() as session:
        began_at = request.state.began_at
        phase = phase_for_checking(session, access, fields.get("phase"), began_at)
        return admission_to(session, access, phase)


def _cap(leave: _Leave) -> int:
    if leave.admission is None:
        raise Closed
    return int(leave.admission.test_set.definition["max_bytes"])


def _end_ticket(platform: Platform, ticket: str) -> None:
    with platform.db.transaction() as session:
        close_ticket(session, ticket)


def _store(
    request: Request,
    platform: Platform,
    access: Access,
    key: str | None,
    received: Received,
    leave: _Leave,
) -> Accepted:
    admission = _final_admission(request, platform, access, received, leave)
    refuse_at_first_sight(platform, admission, received)
    upload = _upload(received, key)
    platform.storage.put(received.path, received.sha256)
    try:
        return _commit(request, platform, access, admission, upload)
    except IntegrityError:
        # Two requests with one key at the same moment: the other one is stored by now.
        return _commit(request, platform, access, admission, upload)


def _final_admission(
    request: Request, platform: Platform, access: Access, received: Received, leave: _Leave
) -> Admission:
    """The phase that the form names, also where its field came only after the file."""
    slug = received.fields.get("phase")
    if leave.admission is not None and slug in (None, "", leave.admission.phase.slug):
        return leave.admission
    with platform.db.read() as session:
        phase = choose_phase(session, access, slug, request.state.began_at)
        return admission_to(session, access, phase)


def _commit(
    request: Request, platform: Platform, access: Access, admission: Admission, upload: Upload
) -> Accepted:
    with platform.db.transaction() as session:
        accepted = accept(
            session,
            access,
            admission,
            upload,
            began_at=request.state.began_at,
            now=platform.clock(),
        )
        if not accepted.replayed:
            ring_after_commit(session, platform.bell, SCORE_TASK, SCORE_QUEUE)
            one = Announced(access.challenge.id, admission.team_id, accepted.submission_id)
            announce_submission(session, platform.events, one, State.QUEUED)
    return accepted


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
