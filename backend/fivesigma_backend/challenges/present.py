"""What is stored of a challenge, and what a folder would make of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..core.errors import Conflict
from ..core.platform import Platform
from .changes import differences, needs_rescoring, refused_changes, restanding_phases
from .definition import Definition
from .folder import Inventory
from .models import Challenge, Phase, Solution, TestSet
from .stored import present_definition, stored_hashes
from .storing import Prepared, submitted_phases

Report = Callable[[str], None]
LARGEST_SEED = 2**32


@dataclass(frozen=True)
class Present:
    """The challenge as it is stored now.

    `submitted` and `unblinded` are slugs of its phases, `compiled` the compiled solutions in force.
    """

    challenge: Challenge
    definition: Definition
    hashes: Mapping[str, str]
    submitted: frozenset[str] = frozenset()
    unblinded: frozenset[str] = frozenset()
    compiled: Mapping[str, str] = field(default_factory=dict)

    @property
    def live(self) -> frozenset[str]:
        """The test sets that have submissions."""
        phases = self.definition.phases
        return frozenset(one.test_set for one in phases if one.slug in self.submitted)


@dataclass(frozen=True)
class Wanted:
    """What a folder says, and which test sets it would have scored again."""

    folder: Path
    definition: Definition
    inventory: Inventory
    rescored: frozenset[str] = frozenset()


def _current_compiled(session: Session, challenge_id: str) -> dict[str, str]:
    """Blobs of the compiled solutions in force, by the names of their test sets."""
    rows = session.execute(
        select(TestSet.name, Solution.compiled_sha256)
        .join(Solution, Solution.id == TestSet.current_solution_id)
        .where(TestSet.challenge_id == challenge_id)
    )
    return dict(rows.all())


def find_present(platform: Platform, slug: str) -> Present | None:
    """The challenge `slug` as it is stored now, if it is. Raises Conflict if it is in the trash."""
    with platform.db.read() as session:
        challenge = session.scalar(select(Challenge).where(Challenge.slug == slug))
        if challenge is None:
            return None
        if challenge.trashed_at is not None:
            raise Conflict(f"“{slug}” is in the trash. Take it out of there first, at /trash.")
        phases = session.scalars(select(Phase).where(Phase.challenge_id == challenge.id)).all()
        submitted = submitted_phases(session, challenge.id)
        compiled = _current_compiled(session, challenge.id)
    return Present(
        challenge,
        present_definition(challenge, phases),
        stored_hashes(platform.storage, challenge.folder_sha256),
        submitted,
        frozenset(phase.slug for phase in phases if phase.unblinded_at is not None),
        compiled,
    )


def with_seeds(definition: Definition, present: Present | None) -> Definition:
    """A split without a seed gets one, once: the stored one stays."""
    test_sets = {}
    for name, test_set in definition.test_sets.items():
        split = test_set.split
        if split is not None and split.seed is None:
            old = present.definition.test_sets.get(name) if present else None
            kept = old.split.seed if old is not None and old.split is not None else None
            seed = secrets.randbelow(LARGEST_SEED) if kept is None else kept
            split = split.model_copy(update={"seed": seed})
        test_sets[name] = test_set.model_copy(update={"split": split})
    return definition.model_copy(update={"test_sets": test_sets})


def compare(
    present: Present | None, definition: Definition, inventory: Inventory
) -> tuple[str, ...]:
    """One line for each difference to what is stored."""
    if present is None:
        return ()
    return tuple(differences(present.definition, definition, present.hashes, inventory))


def rescored_by(present: Present, wanted: Wanted, submitted: frozenset[str]) -> frozenset[str]:
    """The test sets that would have to be scored again."""
    return needs_rescoring(
        present.definition,
        wanted.definition,
        present.hashes,
        wanted.inventory,
        submitted=submitted,
    )


def refuse(
    present: Present, wanted: Wanted, submitted: frozenset[str], unblinded: frozenset[str]
) -> None:
    """Refuse changes that can't be made."""
    refused = refused_changes(
        present.definition,
        wanted.definition,
        submitted=submitted,
        unblinded=unblinded,
        rescored=wanted.rescored,
    )
    if refused:
        raise Conflict("\n".join(refused), code="frozen")


def restanding(present: Present, prepared: Prepared) -> frozenset[str]:
    """Slugs of the phases whose boards are to be ranked again."""
    changed = restanding_phases(present.definition, prepared.definition)
    return changed & present.submitted
