"""What a new version of a challenge's folder changes, in words and in kind: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .definition import Definition, PhaseDefinition
from .definition_errors import key_path, show
from .folder import Inventory
from .frozen import PHASE_KEYS, TEST_SET_KEYS, Effect, keys

ABSENT = object()
# How a phase was scored: what its solution was compiled for, and what is read from its scores …
SCORING_KEYS = keys(PHASE_KEYS, Effect.RESCORE)
# … and what decides which of its submissions count.
RANKING_KEYS = keys(PHASE_KEYS, Effect.RESTAND)
TEST_SET_SCORING_KEYS = tuple(
    key for key in keys(TEST_SET_KEYS, Effect.RESCORE) if key not in ("solution", "sample")
)


def differences(
    old: Definition, new: Definition, old_files: Mapping[str, str], new_files: Inventory
) -> list[str]:
    """One line for each key and each file that differs."""
    return [*_key_lines(old, new), *_file_lines(old_files, new_files)]


def _key_lines(old: Definition, new: Definition) -> Iterator[str]:
    before, after = _flat(old), _flat(new)
    for key in [*before, *(key for key in after if key not in before)]:
        was, now = before.get(key, ABSENT), after.get(key, ABSENT)
        if was != now:
            yield f"{key}: {_shown(was)} → {_shown(now)}"


def _shown(value: Any) -> str:
    return "(not set)" if value in (ABSENT, None) else show(value)


def _file_lines(old: Mapping[str, str], new: Inventory) -> Iterator[str]:
    for name in sorted({*old, *new} - {"challenge.toml"}):
        if name not in new:
            yield f"{name}: removed"
        elif name not in old:
            yield f"{name}: added, {new[name].size:,} bytes"
        elif old[name] != new[name].sha256:
            yield f"{name}: changed, now {new[name].size:,} bytes"


def _flat(definition: Definition) -> dict[str, Any]:
    """Every value by its key path; phases by their slugs, so that a new one shifts none."""
    plain = definition.model_dump()
    plain["phases"] = {phase["slug"]: phase for phase in plain["phases"]}
    found: dict[str, Any] = {}
    _flatten((), plain, found)
    return found


def _flatten(at: tuple[str, ...], value: Any, found: dict[str, Any]) -> None:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            _flatten((*at, key), inner, found)
    else:
        found[key_path(at)] = value


def scoring_changed(
    old: Definition, new: Definition, name: str, old_files: Mapping[str, str], new_files: Inventory
) -> bool:
    """Whether the test set `name` must be compiled again."""
    if name not in old.test_sets:
        return True
    return _compiled_from(old, name) != _compiled_from(new, name) or _truth_changed(
        old, new, name, old_files, new_files
    )


def _compiled_from(definition: Definition, name: str) -> Any:
    test_set = definition.test_sets[name].model_dump()
    for key in ("solution", "sample", "plausible"):
        test_set.pop(key)
    phases = {
        phase.slug: [getattr(phase, key) for key in ("test_set", *SCORING_KEYS)]
        for phase in definition.phases
        if phase.test_set == name
    }
    return definition.kind, test_set, phases


def _truth_changed(
    old: Definition, new: Definition, name: str, old_files: Mapping[str, str], new_files: Inventory
) -> bool:
    was, now = old.test_sets[name], new.test_sets[name]
    return (
        old_files.get(was.solution) != new_files[now.solution].sha256
        or old_files.get(was.sample) != new_files[now.sample].sha256
    )


def needs_rescoring(
    old: Definition,
    new: Definition,
    old_files: Mapping[str, str],
    new_files: Inventory,
    *,
    submitted: frozenset[str],
) -> frozenset[str]:
    """The test sets whose submissions would have to be scored again."""
    found = set()
    for name in {phase.test_set for phase in old.phases if phase.slug in submitted}:
        if name in new.test_sets and (
            _truth_changed(old, new, name, old_files, new_files)
            or _scores_differ(old, new, name, submitted)
        ):
            found.add(name)
    return frozenset(found)


def _scores_differ(old: Definition, new: Definition, name: str, submitted: frozenset[str]) -> bool:
    was, now = old.test_sets[name], new.test_sets[name]
    for key in TEST_SET_SCORING_KEYS:
        before, after = getattr(was, key), getattr(now, key)
        if key == "usage":
            before, after = ({slug: one.get(slug) for slug in submitted} for one in (before, after))
        if before != after:
            return True
    phases = {phase.slug: phase for phase in new.phases}
    return any(
        changed_keys(phase, phases[phase.slug], SCORING_KEYS)
        for phase in old.phases
        if phase.test_set == name and phase.slug in submitted and phase.slug in phases
    )


def restanding_phases(old: Definition, new: Definition) -> frozenset[str]:
    """Slugs of phases in which other submissions may count than before."""
    after = {phase.slug: phase for phase in new.phases}
    return frozenset(
        phase.slug
        for phase in old.phases
        if phase.slug in after and changed_keys(phase, after[phase.slug], RANKING_KEYS)
    )


def merged(base: Definition, donor: Definition, names: Iterable[str]) -> Definition:
    """`base` with all that decides scores on the test sets `names` as `donor` says."""
    wanted = set(names)
    test_sets = {
        name: donor.test_sets[name] if name in wanted else one
        for name, one in base.test_sets.items()
    }
    donors = {phase.slug: phase for phase in donor.phases}
    phases = [
        _scored_as(phase, donors[phase.slug])
        if phase.test_set in wanted and phase.slug in donors
        else phase
        for phase in base.phases
    ]
    return base.model_copy(update={"test_sets": test_sets, "phases": phases})


def _scored_as(phase: PhaseDefinition, donor: PhaseDefinition) -> PhaseDefinition:
    return phase.model_copy(update={key: getattr(donor, key) for key in SCORING_KEYS})


def refused_changes(
    old: Definition,
    new: Definition,
    *,
    submitted: frozenset[str],
    unblinded: frozenset[str],
    rescored: frozenset[str] = frozenset(),
) -> list[str]:
    """Changes that an update can't make: of phases with submissions, and of unblinded ones.

    `rescored` are the test sets that the update scores again.
    """
    if not submitted and not unblinded:
        return []
    return [
        *_refused_test_sets(old, new, submitted),
        *_refused_phases(old, new, submitted, unblinded),
        *_refused_with_rescoring(old, new, rescored),
    ]


def _refused_test_sets(
    old: Definition, new: Definition, submitted: frozenset[str]
) -> Iterator[str]:
    frozen = "predictions were made for it, so it is frozen; load the other one as a new challenge"
    if old.kind != new.kind and submitted:
        yield f"kind: {frozen}"
    for name in sorted({phase.test_set for phase in old.phases if phase.slug in submitted}):
        if name not in new.test_sets:
            continue  # reported with the phase
        for key in keys(TEST_SET_KEYS, Effect.FROZEN):
            if getattr(old.test_sets[name], key) != getattr(new.test_sets[name], key):
                yield f"test_sets.{name}.{key}: {frozen}"


def _refused_phases(
    old: Definition, new: Definition, submitted: frozenset[str], unblinded: frozenset[str]
) -> Iterator[str]:
    after = {phase.slug: phase for phase in new.phases}
    for phase in old.phases:
        if phase.slug not in submitted | unblinded:
            continue
        place = f"phases.{phase.slug}"
        if phase.slug not in after:
            yield f"{place}: it has submissions, so it can't be removed; close it instead"
            continue
        for key in changed_keys(phase, after[phase.slug], tuple(PHASE_KEYS)):
            rule = PHASE_KEYS[key]
            if rule.submitted is Effect.FROZEN:
                yield f"{place}.{key}: there are submissions, so this is frozen"
            elif phase.slug in unblinded and rule.unblinded is Effect.FROZEN:
                yield f"{place}.{key}: the phase is unblinded, so this is final"


def _refused_with_rescoring(
    old: Definition, new: Definition, rescored: frozenset[str]
) -> Iterator[str]:
    """Until the switch the old solution is in force, which knows nothing of other phases."""
    before, after = ({phase.slug: phase.test_set for phase in one.phases} for one in (old, new))
    for slug in sorted({slug for slug in {*before, *after} if before.get(slug) != after.get(slug)}):
        if {before.get(slug), after.get(slug)} & rescored:
            yield (
                f"phases.{slug}: its test set is scored again by the same update; add, move or "
                "remove phases in an update of their own"
            )


def changed_keys(old: PhaseDefinition, new: PhaseDefinition, wanted: tuple[str, ...]) -> list[str]:
    """Which of the keys differ between two versions of a phase."""
    return [key for key in wanted if getattr(old, key) != getattr(new, key)]
