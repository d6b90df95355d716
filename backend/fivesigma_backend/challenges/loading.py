"""Loading a challenge from its folder: all slow work first, then one short transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..core.audit import record_act
from ..core.errors import Conflict
from ..core.platform import Platform
from .definition import Definition, DefinitionError, read_definition
from .folder import Inventory, check_files, take_inventory
from .live import Live, NoSubmissions, Update
from .models import Challenge, Phase, TestSet
from .preparing import prepare
from .present import (
    Present,
    Report,
    Wanted,
    compare,
    find_present,
    refuse,
    rescored_by,
    restanding,
    with_seeds,
)
from .storing import (
    Prepared,
    add_organisers,
    store_challenge,
    store_solution,
    submitted_phases,
)


@dataclass(frozen=True)
class LoadResult:
    """What a load did; `changes` are the differences to what was there.

    `rescored` are the test sets whose submissions are being scored again.
    """

    slug: str
    challenge_id: str
    created: bool
    changes: tuple[str, ...] = ()
    rescored: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """Who loads what: organisers to add, who does it, and what submissions make of it."""

    organiser_ids: Sequence[str]
    actor_id: str | None
    live: Live


def load_challenge(
    platform: Platform,
    folder: Path,
    *,
    update: bool = False,
    preview: bool = False,
    organiser_ids: Sequence[str] = (),
    actor_id: str | None = None,
    report: Report = print,
    live: Live | None = None,
    expected: str | None = None,
) -> LoadResult:
    """Load the challenge in `folder`, or with `update` bring a loaded one to what it says.

    Nothing is stored unless all of it is: blobs that stay behind when this is interrupted are
    removed by housekeeping. With `preview` everything is tried and nothing is stored. `expected` is
    the slug that the folder must have. Raises DefinitionError for a folder that can't be used,
    Conflict for a challenge that is there already (`exists`) and for changes that an update can't
    make (`frozen`).
    """
    definition, inventory = _examine(folder)
    _require_slug(definition, expected)
    request = Request(organiser_ids, actor_id, live or NoSubmissions())
    present = find_present(platform, definition.slug)
    definition = with_seeds(definition, present)
    changes = compare(present, definition, inventory)
    if present is not None and not changes:
        report(f'"{definition.slug}" is loaded already and nothing has changed.')
        if not preview:
            _organisers_only(platform, present.challenge.id, definition, organiser_ids, report)
        return LoadResult(definition.slug, present.challenge.id, created=False)
    wanted = Wanted(folder, definition, inventory)
    if present is not None:
        _report_changes(definition.slug, changes, report)
        _require_update(definition.slug, changes, update=update or preview)
        wanted = replace(wanted, rescored=rescored_by(present, wanted, present.submitted))
        refuse(present, wanted, present.submitted, present.unblinded)
        _report_rescoring(wanted.rescored, report)
    prepared = prepare(platform, wanted, present, report)
    if preview:
        return _result(definition.slug, present, prepared, changes)
    try:
        return _store(platform, present, wanted, prepared, changes, request, report)
    except IntegrityError as error:
        raise Conflict(f"“{definition.slug}” was loaded by somebody else meanwhile.") from error


def _require_slug(definition: Definition, expected: str | None) -> None:
    if expected is not None and definition.slug != expected:
        raise DefinitionError(
            [f'slug: this is the folder of "{definition.slug}", not of "{expected}"']
        )


def _result(
    slug: str, present: Present | None, prepared: Prepared, changes: Sequence[str]
) -> LoadResult:
    identity = "" if present is None else present.challenge.id
    rescored = tuple(sorted(prepared.pending))
    return LoadResult(slug, identity, present is None, tuple(changes), rescored)


def _examine(folder: Path) -> tuple[Definition, Inventory]:
    """Read the definition and look at the files; what can't be used is refused."""
    definition = read_definition(folder)
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


def _report_changes(slug: str, changes: Sequence[str], report: Report) -> None:
    report(f'Changes of "{slug}":')
    for line in changes:
        report(f"  {line}")


def _report_rescoring(rescored: frozenset[str], report: Report) -> None:
    for name in sorted(rescored):
        report(f"Test set {name}: its submissions will be scored again before this takes effect.")


def _store(
    platform: Platform,
    present: Present | None,
    wanted: Wanted,
    prepared: Prepared,
    changes: Sequence[str],
    request: Request,
    report: Report,
) -> LoadResult:
    now, definition = platform.clock(), prepared.definition
    with platform.db.transaction() as session:
        locked = None
        if present is not None:
            locked = _lock(session, present, restanding(present, prepared), request.live)
            _refuse_now(session, present, wanted)
        challenge = store_challenge(session, locked, prepared, now)
        unknown = add_organisers(
            session, challenge.id, definition.organisers, request.organiser_ids
        )
        record_act(
            session,
            now=now,
            actor_id=request.actor_id,
            action="challenge.load" if present is None else "challenge.update",
            target=definition.slug,
            challenge_id=challenge.id,
            after={"folder_sha256": prepared.folder_sha256, "changes": list(changes)},
        )
        if present is not None:
            request.live.apply(
                session, _update(session, challenge, present, prepared, request, now)
            )
    _report_unknown(unknown, report)
    report(f'"{definition.slug}" is {"loaded" if present is None else "updated"}.')
    return replace(_result(definition.slug, present, prepared, changes), challenge_id=challenge.id)


def _update(
    session: Session,
    challenge: Challenge,
    present: Present,
    prepared: Prepared,
    request: Request,
    now: datetime,
) -> Update:
    rows = select(TestSet).where(TestSet.challenge_id == challenge.id)
    test_sets = {row.name: row for row in session.scalars(rows)}
    return Update(
        challenge,
        before=present.definition,
        after=prepared.definition,
        pending={
            name: store_solution(session, test_sets[name], one, now)
            for name, one in prepared.pending.items()
        },
        scored_as=prepared.scored_as,
        compiled=frozenset({*prepared.solutions, *prepared.pending}),
        restanding=restanding(present, prepared),
        now=now,
        actor_id=request.actor_id,
    )


def _lock(session: Session, present: Present, restanding: frozenset[str], live: Live) -> Challenge:
    """The challenge's row, provided that it is still what the changes were computed from.

    Whoever hands in holds the test set first, so that is the first lock here, too.
    """
    identity = present.challenge.id
    test_sets = select(TestSet).where(TestSet.challenge_id == identity).order_by(TestSet.id)
    session.scalars(test_sets.with_for_update()).all()
    live.hold(session, identity, restanding)
    challenge = session.scalars(
        select(Challenge)
        .where(Challenge.id == identity)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if challenge is None or challenge.folder_sha256 != present.challenge.folder_sha256:
        raise Conflict
    return challenge


def _refuse_now(session: Session, present: Present, wanted: Wanted) -> None:
    """Ask again: a first submission may have come. Locked phases get none meanwhile."""
    phases = session.scalars(
        select(Phase).where(Phase.challenge_id == present.challenge.id).with_for_update()
    ).all()
    submitted = submitted_phases(session, present.challenge.id)
    unblinded = frozenset(phase.slug for phase in phases if phase.unblinded_at is not None)
    refuse(present, wanted, submitted, unblinded)
    if rescored_by(present, wanted, submitted) != wanted.rescored:
        raise Conflict("The first submission was handed in meanwhile. Load the folder again.")


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
