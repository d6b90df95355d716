"""Loading a challenge from its folder: all slow work first, then one short transaction."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..core.audit import record_act
from ..core.errors import Conflict
from ..core.platform import Platform
from .changes import differences, refused_changes, scoring_changed
from .compiling import CompiledTestSet, compile_test_set
from .definition import Definition, DefinitionError, read_definition
from .folder import Inventory, check_files, read_text, take_inventory
from .load_report import file_lines, split_lines
from .models import Challenge, Phase
from .stored import present_definition, stored_hashes
from .storing import (
    Prepared,
    StoredSolution,
    add_organisers,
    store_challenge,
    submitted_phases,
)
from .supported import not_supported_yet

Report = Callable[[str], None]
LARGEST_SEED = 2**32


@dataclass(frozen=True)
class LoadResult:
    """What a load did; `changes` are the differences to what was there."""

    slug: str
    challenge_id: str
    created: bool
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Present:
    """The challenge as it is stored now."""

    challenge: Challenge
    definition: Definition
    hashes: Mapping[str, str]


def load_challenge(
    platform: Platform,
    folder: Path,
    *,
    update: bool = False,
    organiser_ids: Sequence[str] = (),
    actor_id: str | None = None,
    report: Report = print,
) -> LoadResult:
    """Load the challenge in `folder`, or with `update` bring a loaded one to what it says.

    Nothing is stored unless all of it is: blobs that stay behind when this is interrupted are
    removed by housekeeping. Raises DefinitionError for a folder that can't be used, Conflict for a
    challenge that is there already (`exists`) and for changes that an update can't make.
    """
    definition, inventory = _examine(folder)
    present = _find_present(platform, definition.slug)
    definition = _with_seeds(definition, present)
    changes = _compare(present, definition, inventory)
    if present is not None and not changes:
        report(f'"{definition.slug}" is loaded already and nothing has changed.')
        _organisers_only(platform, present.challenge.id, definition, organiser_ids, report)
        return LoadResult(definition.slug, present.challenge.id, created=False)
    if present is not None:
        _report_changes(definition.slug, changes, report)
        _require_update(definition.slug, changes, update=update)
        with platform.db.read() as session:  # before the slow work; the transaction asks again
            _refuse(session, present, definition, inventory, lock=False)
    prepared = _prepare(platform, folder, definition, inventory, present, report)
    try:
        return _store(platform, present, prepared, changes, organiser_ids, actor_id, report)
    except IntegrityError as error:
        raise Conflict(f"“{definition.slug}” was loaded by somebody else meanwhile.") from error


def _examine(folder: Path) -> tuple[Definition, Inventory]:
    """Read the definition and look at the files; what can't be used is refused."""
    definition = read_definition(folder)
    if problems := not_supported_yet(definition):
        raise DefinitionError(problems)
    inventory = take_inventory(folder)
    check_files(definition, inventory)
    return definition, inventory


def _require_update(slug: str, changes: Sequence[str], *, update: bool) -> None:
    if not update:
        raise Conflict(
            f"“{slug}” exists and differs. Look at the changes, then load it again with --update.",
            code="exists",
            changes=changes,
        )


def _find_present(platform: Platform, slug: str) -> _Present | None:
    with platform.db.read() as session:
        challenge = session.scalar(select(Challenge).where(Challenge.slug == slug))
        if challenge is None:
            return None
        phases = session.scalars(select(Phase).where(Phase.challenge_id == challenge.id)).all()
    definition = present_definition(challenge, phases)
    return _Present(challenge, definition, stored_hashes(platform.storage, challenge.folder_sha256))


def _with_seeds(definition: Definition, present: _Present | None) -> Definition:
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


def _compare(
    present: _Present | None, definition: Definition, inventory: Inventory
) -> tuple[str, ...]:
    if present is None:
        return ()
    return tuple(differences(present.definition, definition, present.hashes, inventory))


def _report_changes(slug: str, changes: Sequence[str], report: Report) -> None:
    report(f'Changes of "{slug}":')
    for line in changes:
        report(f"  {line}")


def _refuse(
    session: Session,
    present: _Present,
    definition: Definition,
    inventory: Inventory,
    *,
    lock: bool,
) -> None:
    """Refuse changes that can't be made. Locked phases get no first submission meanwhile."""
    wanted = select(Phase).where(Phase.challenge_id == present.challenge.id)
    phases = session.scalars(wanted.with_for_update() if lock else wanted).all()
    refused = refused_changes(
        present.definition,
        definition,
        present.hashes,
        inventory,
        submitted=submitted_phases(session, present.challenge.id),
        unblinded=frozenset(phase.slug for phase in phases if phase.unblinded_at is not None),
    )
    if refused:
        raise Conflict("\n".join(refused), code="frozen")


def _prepare(
    platform: Platform,
    folder: Path,
    definition: Definition,
    inventory: Inventory,
    present: _Present | None,
    report: Report,
) -> Prepared:
    """Compile what has to be compiled, and put every blob into the store."""
    card = read_text(inventory, definition.card)
    rules = None if definition.rules is None else read_text(inventory, definition.rules)
    solutions = {}
    with tempfile.TemporaryDirectory(dir=platform.storage.spool) as scratch:
        for name in definition.test_sets:
            if present is None or scoring_changed(
                present.definition, definition, name, present.hashes, inventory
            ):
                compiled = compile_test_set(definition, name, inventory, Path(scratch) / name)
                for line in split_lines(definition, name, compiled.summary):
                    report(line)
                solutions[name] = _keep_solution(platform, compiled)
    for line in file_lines(definition, inventory):
        report(line)
    for file in definition.published().values():
        platform.storage.put(inventory[file.path].path, inventory[file.path].sha256)
    whole = platform.storage.put_folder(folder)
    return Prepared(definition, inventory, card, rules, whole, solutions)


def _keep_solution(platform: Platform, compiled: CompiledTestSet) -> StoredSolution:
    return StoredSolution(
        compiled_sha256=platform.storage.put_folder(compiled.folder),
        universe_sha256=platform.storage.put_folder(compiled.folder / "universe"),
        summary=compiled.summary.as_json(),
    )


def _store(
    platform: Platform,
    present: _Present | None,
    prepared: Prepared,
    changes: Sequence[str],
    organiser_ids: Sequence[str],
    actor_id: str | None,
    report: Report,
) -> LoadResult:
    now, definition = platform.clock(), prepared.definition
    with platform.db.transaction() as session:
        locked = None if present is None else _lock(session, present)
        if present is not None:
            _refuse(session, present, definition, prepared.inventory, lock=True)
        challenge = store_challenge(session, locked, prepared, now)
        unknown = add_organisers(session, challenge.id, definition.organisers, organiser_ids)
        record_act(
            session,
            now=now,
            actor_id=actor_id,
            action="challenge.load" if present is None else "challenge.update",
            target=definition.slug,
            challenge_id=challenge.id,
            after={"folder_sha256": prepared.folder_sha256, "changes": list(changes)},
        )
    _report_unknown(unknown, report)
    report(f'"{definition.slug}" is {"loaded" if present is None else "updated"}.')
    return LoadResult(definition.slug, challenge.id, present is None, tuple(changes))


def _lock(session: Session, present: _Present) -> Challenge:
    """The challenge's row, provided that it is still what the changes were computed from."""
    challenge = session.scalars(
        select(Challenge)
        .where(Challenge.id == present.challenge.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if challenge is None or challenge.folder_sha256 != present.challenge.folder_sha256:
        raise Conflict
    return challenge


def _organisers_only(
    platform: Platform,
    challenge_id: str,
    definition: Definition,
    organiser_ids: Sequence[str],
    report: Report,
) -> None:
    with platform.db.transaction() as session:
        unknown = add_organisers(session, challenge_id, definition.organisers, organiser_ids)
    _report_unknown(unknown, report)


def _report_unknown(usernames: Sequence[str], report: Report) -> None:
    for name in usernames:
        report(f'Nobody is called "{name}" here; add the account, then load the challenge again.')
