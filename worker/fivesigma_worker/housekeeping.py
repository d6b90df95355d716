"""The tick: what the platform does by itself, every two seconds, on one worker at a time."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from fivesigma_backend.accounts.service import delete_expired
from fivesigma_backend.challenges.trash import trashed_long_ago
from fivesigma_backend.core.errors import Conflict
from fivesigma_backend.core.leases import due as chore_is_due
from fivesigma_backend.core.leases import take_lease
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.core.queue import FIGURES_QUEUE, FIGURES_TASK, SCORE_QUEUE, SCORE_TASK
from fivesigma_backend.submissions.announcing import (
    announce_board,
    announce_figures,
    announce_submission,
)
from fivesigma_backend.submissions.carrying import announce_carried, carry_over, carrying_due
from fivesigma_backend.submissions.evaluating import anything_waits, requeue_stale
from fivesigma_backend.submissions.figures_queue import figures_wait, give_figures_up
from fivesigma_backend.submissions.housekeeping import (
    delete_orphans,
    forget_expired,
    referred_blobs,
)
from fivesigma_backend.submissions.purging import purge_piece
from fivesigma_backend.submissions.rules import State
from fivesigma_backend.submissions.takeover import tend
from fivesigma_backend.submissions.unblinding import due, lock_phase, unblind

from .scoring import worker_name

logger = logging.getLogger(__name__)
TICK_LEASE = timedelta(seconds=10)
SWEEP_EVERY = timedelta(hours=1)


def tick(platform: Platform, stopping: threading.Event) -> None:
    """Recover, ring for what waits, unblind what is due, and clear away what is over."""
    del stopping  # a tick is short
    now = platform.clock()
    platform.storage.tidy()
    with platform.db.transaction() as session:
        if not take_lease(session, "tick", holder=worker_name(), now=now, lifetime=TICK_LEASE):
            return
        for stale in requeue_stale(session, now):
            announce_submission(session, platform.events, stale, State(stale.state))
        for given_up in give_figures_up(session, now):
            announce_figures(session, platform.events, given_up)
        waits, figures = anything_waits(session), figures_wait(session, now)
    if waits:
        platform.bell.ring(SCORE_TASK, SCORE_QUEUE)
    elif figures:
        platform.bell.ring(FIGURES_TASK, FIGURES_QUEUE)
    carry_due(platform, now)
    tend(platform, now)
    unblind_due(platform, now)
    sweep(platform, now)


def carry_due(platform: Platform, now: datetime) -> None:
    """Let phases take over what their source phases give, which have settled."""
    with platform.db.read() as session:
        waiting = [phase.id for phase in carrying_due(session, now)]
    for phase_id in waiting:
        with platform.db.transaction() as session:
            try:
                done = carry_over(session, phase_id, now=now, actor_id=None)
            except Conflict as reason:  # not any more, or not yet
                logger.debug("%s is not carried over: %s", phase_id, reason)
            else:
                announce_carried(session, platform, done)


def unblind_due(platform: Platform, now: datetime) -> None:
    """Open the private boards whose time has come and which have settled."""
    with platform.db.read() as session:
        waiting = [phase.id for phase in due(session, now)]
    for phase_id in waiting:
        _unblind(platform, phase_id, now)


def _unblind(platform: Platform, phase_id: str, now: datetime) -> None:
    with platform.db.transaction() as session:
        phase = lock_phase(session, phase_id)
        try:
            unblind(session, platform.storage, phase, now=now, actor_id=None)
        except Conflict as reason:  # not yet: the next tick asks again
            logger.debug("%s is not unblinded yet: %s", phase.slug, reason)
        else:
            announce_board(session, platform.events, phase_id)


def purge_trash(platform: Platform, now: datetime) -> None:
    """Delete for good what has been in the trash for its time."""
    with platform.db.read() as session:
        over = trashed_long_ago(session, now)
    for challenge_id in over:
        more = True
        while more:
            with platform.db.transaction() as session:
                more = purge_piece(session, challenge_id, now)
        logger.info("housekeeping: challenge %s left the trash for good", challenge_id)


def sweep(platform: Platform, now: datetime) -> None:
    """Once an hour, delete what has expired and what nothing refers to."""
    with platform.db.transaction() as session:
        if not chore_is_due(session, "sweep", now=now, every=SWEEP_EVERY):
            return
        forget_expired(session, now)
        delete_expired(session, now)
    purge_trash(platform, now)
    with platform.db.read() as session:
        referred = referred_blobs(session)
    deleted = delete_orphans(platform.storage, referred, now)
    logger.info("housekeeping: %d blobs without a row deleted", deleted)
