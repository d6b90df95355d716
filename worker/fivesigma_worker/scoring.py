"""Scoring what waits: claim, run the sandboxed scorer under a lease, record.

Nothing here decides: whose turn it is, what a crash means and what counts are rules of the
backend. A worker may be killed at any line: what it held is claimed again when its lease ends.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from fivesigma_backend.core.platform import Platform
from fivesigma_backend.core.queue import FIGURES_QUEUE, FIGURES_TASK, ring_after_commit
from fivesigma_backend.core.sandbox import (
    JobCancelled,
    JobCrashed,
    JobOutOfMemory,
    JobTimedOut,
    SandboxUnavailable,
)
from fivesigma_backend.submissions.announcing import announce_board, announce_submission
from fivesigma_backend.submissions.claiming import Claim, claim
from fivesigma_backend.submissions.evaluating import (
    Result,
    anything_waits,
    give_back,
    record,
    record_crash,
    renew,
)
from fivesigma_backend.submissions.mishaps import explain, job_limits
from fivesigma_backend.submissions.rules import State
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

logger = logging.getLogger(__name__)
RENEWALS_PER_LEASE = 3


def drain(platform: Platform, stopping: threading.Event) -> int:
    """Score until nothing waits or all slots of this process are busy; returns how many."""
    done = 0
    while not stopping.is_set() and platform.slots.acquire(blocking=False):
        try:
            done += _drain_in_slot(platform, stopping)
        finally:
            platform.slots.release()
        # A bell that rang while this slot was busy found no slot: look once more.
        with platform.db.read() as session:
            if not anything_waits(session):
                break
    return done


def _drain_in_slot(platform: Platform, stopping: threading.Event) -> int:
    done = 0
    while not stopping.is_set():
        lease = timedelta(seconds=platform.settings.lease_seconds)
        with platform.db.transaction() as session:
            held = claim(session, worker=worker_name(), now=platform.clock(), lease=lease)
            if held is not None:
                announce_submission(session, platform.events, held, State.SCORING)
        if held is None:
            break
        score(platform, held, stopping)
        done += 1
    return done


def worker_name() -> str:
    """Host, process and thread, as organisers see it in the queue."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"[-120:]


def score(platform: Platform, held: Claim, stopping: threading.Event) -> None:
    """Score one claimed evaluation and record what became of it."""
    lease = timedelta(seconds=platform.settings.lease_seconds)
    keeper = Keeper(platform, lambda session, now: renew(session, held, now + lease), stopping)
    try:
        answer = _run(platform, held, keeper)
    except JobCancelled:
        if stopping.is_set():
            _give_back(platform, held, at_fault=False)
    except SandboxUnavailable:
        logger.exception("the sandbox is not available")
        _give_back(platform, held, at_fault=True)
    except (JobCrashed, JobTimedOut, JobOutOfMemory, FileNotFoundError) as error:
        _record_crash(platform, held, error)
    else:
        _record(platform, held, answer)


def _run(platform: Platform, held: Claim, keeper: Keeper) -> dict[str, Any]:
    file = platform.storage.local(held.file_sha256)
    compiled = platform.storage.local_folder(held.compiled_sha256)
    arguments = {
        "file": str(file),
        "filename": held.filename,
        "compiled": str(compiled),
        "phase": held.phase,
    }
    limits = job_limits(platform)
    return platform.sandbox.run(
        "score", arguments, readable=[file, compiled], limits=limits, cancelled=keeper
    )


class Keeper:
    """Keeps a lease while a job runs; asked a few times a second whether to stop.

    `renewal` renews the lease as of a time, and says whether it is still this worker's.
    """

    def __init__(
        self,
        platform: Platform,
        renewal: Callable[[Session, datetime], bool],
        stopping: threading.Event,
    ) -> None:
        self._platform = platform
        self._renewal = renewal
        self._stopping = stopping
        self._pause = platform.settings.lease_seconds / RENEWALS_PER_LEASE
        self._renewed = time.monotonic()

    def __call__(self) -> bool:
        """Whether to stop: the worker ends, or somebody else has the work by now."""
        if self._stopping.is_set():
            return True
        if time.monotonic() - self._renewed < self._pause:
            return False
        self._renewed = time.monotonic()
        try:
            with self._platform.db.transaction() as session:
                return not self._renewal(session, self._platform.clock())
        except SQLAlchemyError as error:
            logger.warning("the lease could not be renewed, going on: %s", error)
            return False


def _record(platform: Platform, held: Claim, answer: dict[str, Any]) -> None:
    scores, details = answer["scores"] or {}, details_of(answer)
    result = Result(
        ok=answer["ok"],
        findings=answer["findings"],
        scorer_version=answer["scorer_version"],
        public=with_columns(scores, answer, "public"),
        private=with_columns(scores, answer, "private"),
        public_details=details.get("public"),
        private_details=details.get("private"),
        diagnoses=answer["diagnoses"],
    )
    state = State.SCORED if result.ok else State.REJECTED
    with platform.db.transaction() as session:
        if record(session, held, result, platform.clock()):
            announce_submission(session, platform.events, held, state)
            if held.counts:
                announce_board(session, platform.events, held.phase_id)
            if result.ok and held.counts:
                ring_after_commit(session, platform.bell, FIGURES_TASK, FIGURES_QUEUE)
        else:
            logger.info("attempt %d of %s came too late", held.attempt, held.evaluation_id)


def with_columns(
    scores: Mapping[str, Any], answer: Mapping[str, Any], split: str
) -> dict[str, Any] | None:
    """The scores of a split with those of its variants and slices that stand on the board."""
    columns = answer.get("columns", {}).get(split, {})
    return {**scores[split], **columns} if split in scores else None


def details_of(answer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Scores by variant and by slice, of each split that has some."""
    found: dict[str, dict[str, Any]] = {}
    for kind in ("variants", "slices"):
        for split, table in answer.get(kind, {}).items():
            found.setdefault(split, {})[kind] = table
    return found


def _record_crash(platform: Platform, held: Claim, error: Exception) -> None:
    detail, reason = getattr(error, "detail", ""), explain(error, job_limits(platform))
    logger.error("scoring %s failed: %s\n%s", held.submission_id, error, detail)
    with platform.db.transaction() as session:
        state = record_crash(session, held, f"{error}\n{detail}"[:4000], reason, platform.clock())
        if state is not None:
            announce_submission(session, platform.events, held, state)


def _give_back(platform: Platform, held: Claim, *, at_fault: bool) -> None:
    with platform.db.transaction() as session:
        if give_back(session, held, at_fault=at_fault, now=platform.clock()):
            announce_submission(session, platform.events, held, State.QUEUED)
