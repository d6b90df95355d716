"""The rows of a challenge: the one short transaction at the end of a load."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import column, select, table
from sqlalchemy.orm import Session

from ..accounts.models import User
from ..core.db import insert_missing
from ..core.ids import new_id
from .changes import merged
from .definition import Definition
from .details import Details
from .folder import Inventory
from .grafting import Grafted
from .models import Challenge, Organiser, Phase, PublishedFile, Solution, TestSet

# Challenges stand below submissions, so this asks by the tables' names.
ENTRIES = table("entries", column("id"), column("phase_id"))
SUBMISSIONS = table("submissions", column("entry_id"))


@dataclass(frozen=True)
class StoredSolution:
    """A compiled solution whose blobs are in the store."""

    compiled_sha256: str
    universe_sha256: str
    summary: dict[str, Any]


@dataclass(frozen=True)
class Prepared:
    """All that a transaction needs to know of a folder whose blobs are in the store.

    `solutions` has the test sets that were compiled; the others keep theirs. Those in `pending` are
    not in force before their re-scoring ends; `scored_as` is the definition that then is.
    """

    definition: Definition
    inventory: Inventory
    card: str
    rules: str | None
    folder_sha256: str
    solutions: Mapping[str, StoredSolution]
    details: Details
    pending: Mapping[str, StoredSolution] = field(default_factory=dict)
    scored_as: Definition | None = None


def rules_version(text: str | None) -> str | None:
    """The version of a rules text: its SHA-256; None where there are no rules."""
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def store_challenge(
    session: Session, present: Challenge | None, prepared: Prepared, now: datetime
) -> Challenge:
    """Insert a new challenge, or bring the `present` one to what was prepared."""
    definition = prepared.definition
    challenge = present or Challenge(id=new_id(), slug=definition.slug, created_at=now)
    challenge.title = definition.title
    challenge.summary = definition.summary
    challenge.kind = definition.kind
    challenge.definition = definition.model_dump(mode="json")
    challenge.card = prepared.card
    challenge.rules_text = prepared.rules
    challenge.rules_version = rules_version(prepared.rules)
    challenge.folder_sha256 = prepared.folder_sha256
    session.add(challenge)
    session.flush()
    test_sets = _store_test_sets(session, challenge, prepared, now)
    _store_phases(session, challenge, definition, test_sets)
    _store_files(session, challenge, definition, prepared.inventory, prepared.details)
    return challenge


def put_in_force(
    session: Session, challenge: Challenge, test_set: TestSet, grafted: Grafted
) -> None:
    """Let what `grafted` says of a test set's scoring be what counts; times and texts stay."""
    definition = grafted.definition
    now = Definition.model_validate(challenge.definition)
    now = merged(now, definition, [test_set.name])
    challenge.definition = now.model_dump(mode="json")
    challenge.folder_sha256 = grafted.folder_sha256
    test_set.definition = now.test_sets[test_set.name].model_dump(mode="json")
    phases = {phase.slug: phase for phase in now.phases}
    for row in session.scalars(select(Phase).where(Phase.test_set_id == test_set.id)):
        row.definition = phases[row.slug].model_dump(mode="json")
    _store_files(session, challenge, now, grafted.inventory, grafted.details)


def _store_test_sets(
    session: Session, challenge: Challenge, prepared: Prepared, now: datetime
) -> dict[str, TestSet]:
    rows = {
        row.name: row
        for row in session.scalars(select(TestSet).where(TestSet.challenge_id == challenge.id))
    }
    for name, definition in prepared.definition.test_sets.items():
        row = rows.setdefault(name, TestSet(id=new_id(), challenge_id=challenge.id, name=name))
        row.definition = definition.model_dump(mode="json")
        session.add(row)
    session.flush()
    for name, solution in prepared.solutions.items():
        version = store_solution(session, rows[name], solution, now)
        rows[name].current_solution_id = version.id
    session.flush()
    return rows


def store_solution(
    session: Session, test_set: TestSet, stored: StoredSolution, now: datetime
) -> Solution:
    """Add a version of the truth, which is not in force yet."""
    versions = session.scalars(
        select(Solution.version).where(Solution.test_set_id == test_set.id)
    ).all()
    solution = Solution(
        id=new_id(),
        test_set_id=test_set.id,
        version=max(versions, default=0) + 1,
        compiled_sha256=stored.compiled_sha256,
        universe_sha256=stored.universe_sha256,
        summary=stored.summary,
        created_at=now,
    )
    session.add(solution)
    session.flush()
    return solution


def _store_phases(
    session: Session,
    challenge: Challenge,
    definition: Definition,
    test_sets: dict[str, TestSet],
) -> None:
    rows = {
        row.slug: row
        for row in session.scalars(select(Phase).where(Phase.challenge_id == challenge.id))
    }
    for position, phase in enumerate(definition.phases):
        row = rows.pop(phase.slug, None) or Phase(
            id=new_id(), challenge_id=challenge.id, slug=phase.slug, board_version=0
        )
        row.test_set_id = test_sets[phase.test_set].id
        row.title = phase.title
        row.position = position
        row.opens_at = phase.opens
        row.closes_at = phase.closes
        row.definition = phase.model_dump(mode="json")
        row.board_version += 1
        session.add(row)
    for row in rows.values():
        session.delete(row)
    session.flush()
    for name in test_sets.keys() - definition.test_sets.keys():
        session.delete(test_sets[name])
    session.flush()


def _store_files(
    session: Session,
    challenge: Challenge,
    definition: Definition,
    inventory: Inventory,
    details: Details,
) -> None:
    rows = {
        row.name: row
        for row in session.scalars(
            select(PublishedFile).where(PublishedFile.challenge_id == challenge.id)
        )
    }
    for position, (name, file) in enumerate(definition.published().items()):
        row = rows.pop(name, None) or PublishedFile(
            id=new_id(), challenge_id=challenge.id, name=name
        )
        row.title = file.title or PurePosixPath(file.path).name
        row.position = position
        sha256 = inventory[file.path].sha256
        if sha256 in details or sha256 != row.sha256:
            row.details = details.get(sha256)
        row.sha256 = sha256
        row.size = inventory[file.path].size
        row.visible_from = file.visible_from
        row.members_only = file.members_only
        session.add(row)
    for row in rows.values():
        session.delete(row)
    session.flush()


def add_organisers(
    session: Session, challenge_id: str, usernames: Sequence[str], user_ids: Sequence[str]
) -> list[str]:
    """Make people organisers; those who are some already stay. Returns the unknown usernames."""
    keys = {name.casefold(): name for name in usernames}
    users = session.scalars(
        select(User).where(User.username_key.in_(keys), User.deleted_at.is_(None))
    ).all()
    for user_id in dict.fromkeys([*user_ids, *(user.id for user in users)]):
        insert_missing(session, Organiser, challenge_id=challenge_id, user_id=user_id)
    known = {user.username_key for user in users}
    return [name for key, name in keys.items() if key not in known]


def submitted_phases(session: Session, challenge_id: str) -> frozenset[str]:
    """Slugs of the phases that have submissions."""
    return frozenset(
        session.scalars(
            select(Phase.slug).where(
                Phase.challenge_id == challenge_id,
                Phase.id.in_(
                    select(ENTRIES.c.phase_id).join(
                        SUBMISSIONS, SUBMISSIONS.c.entry_id == ENTRIES.c.id
                    )
                ),
            )
        )
    )
