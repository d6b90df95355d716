"""The slow work of a load: compiling what has to be compiled, and storing every blob."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import Conflict
from ..core.platform import Platform
from .changes import scoring_changed
from .compiling import CompiledTestSet, compile_test_set
from .definition import Definition
from .details import details_of_published
from .folder import Inventory, read_text
from .grafting import grafted
from .load_report import file_lines, split_lines
from .present import Present, Report, Wanted
from .storing import Prepared, StoredSolution
from .versions import truth_changes, why_not_alike

SOURCE = "folder_sha256"  # of a solution's summary: the folder that it was compiled from


def prepare(
    platform: Platform, wanted: Wanted, present: Present | None, report: Report
) -> Prepared:
    """Compile what has to be compiled, and put every blob into the store."""
    with tempfile.TemporaryDirectory(dir=platform.storage.spool) as scratch:
        solutions = dict(_solutions(platform, wanted, present, Path(scratch), report))
    for line in file_lines(wanted.definition, wanted.inventory):
        report(line)
    pending = {name: solutions.pop(name) for name in wanted.rescored}
    whole = platform.storage.put_folder(wanted.folder)
    for one in pending.values():
        one.summary[SOURCE] = whole
    with _in_force(platform, wanted, present, whole) as (definition, inventory, folder_sha256):
        for file in definition.published().values():
            platform.storage.put(inventory[file.path].path, inventory[file.path].sha256)
        rules = None if definition.rules is None else read_text(inventory, definition.rules)
        card = read_text(inventory, definition.card)
        scored_as = wanted.definition if pending else None
        return Prepared(
            definition,
            inventory,
            card,
            rules,
            folder_sha256,
            solutions,
            details_of_published(definition, inventory, report),
            pending,
            scored_as,
        )


@contextmanager
def _in_force(
    platform: Platform, wanted: Wanted, present: Present | None, whole: str
) -> Iterator[tuple[Definition, Inventory, str]]:
    """What takes effect at once: all of the folder, but for what waits for a re-scoring."""
    if present is None or not wanted.rescored:
        yield wanted.definition, wanted.inventory, whole
        return
    donor = platform.storage.local_folder(present.challenge.folder_sha256)
    with grafted(
        platform.storage,
        wanted.folder,
        wanted.definition,
        donor,
        present.definition,
        wanted.rescored,
    ) as found:
        yield found.definition, found.inventory, found.folder_sha256


def _solutions(
    platform: Platform, wanted: Wanted, present: Present | None, scratch: Path, report: Report
) -> Iterator[tuple[str, StoredSolution]]:
    definition, inventory = wanted.definition, wanted.inventory
    for name in definition.test_sets:
        if present is None or scoring_changed(
            present.definition, definition, name, present.hashes, inventory
        ):
            compiled = compile_test_set(definition, name, inventory, scratch / name)
            if present is not None and name in present.compiled:
                _compare(platform, present, name, compiled, report)
            for line in split_lines(definition, name, compiled.summary):
                report(line)
            yield name, keep_solution(platform, compiled)


def _compare(
    platform: Platform, present: Present, name: str, compiled: CompiledTestSet, report: Report
) -> None:
    """Refuse a solution for other events, where some were predicted already; report the rest."""
    old = platform.storage.local_folder(present.compiled[name])
    if name in present.live:
        reason = why_not_alike(old / "universe", compiled.folder / "universe")
        if reason is not None:
            raise Conflict(
                f"test_sets.{name}: there are submissions, and no version of the solution can take "
                f"over from the present one where {reason}. Load it as a new challenge.",
                code="frozen",
            )
    for line in truth_changes(old, compiled.folder):
        report(f"Test set {name}, {line}")


def keep_solution(platform: Platform, compiled: CompiledTestSet) -> StoredSolution:
    """Put a compiled solution into the store."""
    return StoredSolution(
        compiled_sha256=platform.storage.put_folder(compiled.folder),
        universe_sha256=platform.storage.put_folder(compiled.folder / "universe"),
        summary=compiled.summary.as_json(),
    )
