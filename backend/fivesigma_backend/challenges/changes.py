"""What a new version of a challenge's folder changes, in words and in kind: pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .definition import Definition, PhaseDefinition
from .definition_errors import key_path, show
from .folder import Inventory

ABSENT = object()
# Of a phase with submissions these are part of how they were scored …
SCORING_KEYS = ("test_set", "metric", "metrics", "options", "normalise", "tie_break", "gates")
# … and these decide which of them count.
RANKING_KEYS = ("finals", "public_rule", "variant_rank")
TRUTH_KEYS = ("usage", "split", "group", "variants", "classes", "shape", "range")


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
    for key in ("solution", "sample", "slices", "plausible"):
        test_set.pop(key)
    phases = {
        phase.slug: [getattr(phase, key) for key in SCORING_KEYS]
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


def refused_changes(
    old: Definition,
    new: Definition,
    old_files: Mapping[str, str],
    new_files: Inventory,
    *,
    submitted: frozenset[str],
    unblinded: frozenset[str],
) -> list[str]:
    """Changes that an update can't make: of phases with submissions, and of unblinded ones."""
    if not submitted and not unblinded:
        return []
    return [
        *_refused_truth(old, new, old_files, new_files, submitted),
        *_refused_phases(old, new, submitted, unblinded),
    ]


def _refused_truth(
    old: Definition,
    new: Definition,
    old_files: Mapping[str, str],
    new_files: Inventory,
    submitted: frozenset[str],
) -> Iterator[str]:
    rescoring = "there are submissions, so this would need a re-scoring, which is not supported yet"
    if old.kind != new.kind and submitted:
        yield f"kind: {rescoring}"
    for name in {phase.test_set for phase in old.phases if phase.slug in submitted}:
        if name not in new.test_sets:
            continue  # reported with the phase
        if _truth_changed(old, new, name, old_files, new_files):
            yield f"test_sets.{name}: the solution or sample changes, but {rescoring}"
        for key in TRUTH_KEYS:
            was, now = getattr(old.test_sets[name], key), getattr(new.test_sets[name], key)
            if key == "usage":
                was, now = ({s: one.get(s) for s in submitted} for one in (was, now))
            if was != now:
                yield f"test_sets.{name}.{key}: {rescoring}"


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
        for key in _changed(phase, after[phase.slug], (*SCORING_KEYS, *RANKING_KEYS)):
            yield (
                f"{place}.{key}: there are submissions, so this would change their scores or "
                "ranks, which is not supported yet"
            )
        if phase.slug in unblinded:
            for key in _changed(phase, after[phase.slug], ("opens", "closes", "unblind")):
                yield f"{place}.{key}: the phase is unblinded, so its times are final"


def _changed(old: PhaseDefinition, new: PhaseDefinition, keys: tuple[str, ...]) -> list[str]:
    return [key for key in keys if getattr(old, key) != getattr(new, key)]
