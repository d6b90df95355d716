"""Carrying a re-scoring on: queueing what is lacking, and taking over once all is answered.

The tick does this every two seconds, so that whatever is killed half-way is carried on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import select

from ..challenges.definition import Definition, DefinitionError
from ..challenges.grafting import Grafted, grafted
from ..challenges.models import Challenge, Phase, Solution, TestSet
from ..challenges.preparing import SOURCE
from ..challenges.stored import present_definition
from ..core.errors import Conflict
from ..core.platform import Platform
from ..core.queue import FIGURES_QUEUE, FIGURES_TASK, ring_after_commit
from .models import Rescoring
from .rescoring import advance, lock_rescoring, switch

logger = logging.getLogger(__name__)
BATCHES_AT_ONCE = 10  # a tick is short; the next one goes on


def tend(platform: Platform, now: datetime) -> None:
    """Carry on every re-scoring that is running."""
    with platform.db.read() as session:
        waiting = session.scalars(
            select(Rescoring.id).where(Rescoring.ended_at.is_(None)).order_by(Rescoring.id)
        ).all()
    for rescoring_id in waiting:
        try:
            _tend(platform, rescoring_id, now)
        except Conflict as reason:  # ended by somebody, or not yet: the next tick asks again
            logger.info("re-scoring %s is not carried on: %s", rescoring_id, reason)
        except (DefinitionError, OSError):  # its organisers see it wait, and may cancel it
            logger.exception("re-scoring %s can't take over", rescoring_id)


def _tend(platform: Platform, rescoring_id: str, now: datetime) -> None:
    for _ in range(BATCHES_AT_ONCE):
        with platform.db.transaction() as session:
            found = advance(session, lock_rescoring(session, rescoring_id), now)
        if not found.lacking:
            break
    if found.ready:
        take_over(platform, rescoring_id, past_failures=False, now=now, actor_id=None)


def take_over(
    platform: Platform,
    rescoring_id: str,
    *,
    past_failures: bool,
    now: datetime,
    actor_id: str | None,
) -> None:
    """Let the new generation take over, in one transaction.

    Raises Conflict as `rescoring.switch`, and where the challenge was edited at the same moment.
    """
    with (
        _folder_in_force(platform, rescoring_id) as (base, files),
        platform.db.transaction() as session,
    ):
        rescoring = lock_rescoring(session, rescoring_id)
        challenge = session.get_one(Challenge, rescoring.challenge_id, populate_existing=True)
        if challenge.folder_sha256 != base:
            raise Conflict
        switch(
            session,
            platform.events,
            rescoring,
            files,
            past_failures=past_failures,
            now=now,
            actor_id=actor_id,
        )
        ring_after_commit(session, platform.bell, FIGURES_TASK, FIGURES_QUEUE)


@contextmanager
def _folder_in_force(platform: Platform, rescoring_id: str) -> Iterator[tuple[str, Grafted | None]]:
    """The challenge's folder as it is, and as it will be; None where only scores change."""
    with platform.db.read() as session:
        rescoring = session.get_one(Rescoring, rescoring_id)
        challenge = session.get_one(Challenge, rescoring.challenge_id)
        name = session.get_one(TestSet, rescoring.test_set_id).name
        source = session.get_one(Solution, rescoring.solution_id).summary.get(SOURCE)
        phases = session.scalars(select(Phase).where(Phase.challenge_id == challenge.id)).all()
    base = challenge.folder_sha256
    if source is None or rescoring.definition is None:
        yield base, None
        return
    storage = platform.storage
    folders = storage.local_folder(base), storage.local_folder(source)
    donor = Definition.model_validate(rescoring.definition)
    now = present_definition(challenge, phases)
    with grafted(storage, folders[0], now, folders[1], donor, [name]) as files:
        sample = files.inventory[files.definition.test_sets[name].sample]
        storage.put(sample.path, sample.sha256)  # what participants download
        yield base, files
