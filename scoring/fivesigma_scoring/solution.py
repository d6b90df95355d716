"""Compiling a solution into arrays that score a file in a few passes.

The output folder has two parts. ``universe/`` holds what is needed to check a file and nothing of
the truth; ``truth/`` holds the truth and, per phase and split, what its events are scored against.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fivesigma_scoring.compiled import write_phase
from fivesigma_scoring.folders import fresh_folder
from fivesigma_scoring.kinds import KINDS
from fivesigma_scoring.phases import check_phase
from fivesigma_scoring.settings import PhaseScoring, SolutionSummary, TestSetSpec
from fivesigma_scoring.solution_files import SolutionError


def compile_solution(
    solution: Path,
    sample: Path,
    out: Path,
    *,
    test_set: TestSetSpec,
    phases: Sequence[PhaseScoring],
) -> SolutionSummary:
    """Check a solution with its sample and write the compiled folder, all or nothing.

    Parameters
    ----------
    solution
        The truth, as its kind reads it: a table with an id, ``label`` or target columns,
        ``weight`` (optional) and usage column(s); for masks also arrays.
    sample
        A valid submission; its ids are the universe, its order that of ``.npy`` files.
    out
        Folder to write; replaced where it exists.
    test_set, phases
        Settings from the challenge.

    Raises
    ------
    SolutionError
        Something does not fit; the text names file, column and row. Nothing is written then.

    """
    metrics = {phase.slug: check_phase(phase, test_set.kind) for phase in phases}
    if len(metrics) != len(phases):
        raise SolutionError("Two phases have the same slug; rename one.")
    scores = [any(metric.needs_score for metric in used) for used in metrics.values()]
    test_set = replace(test_set, needs_score=bool(scores) and all(scores))
    kind = KINDS[test_set.kind]
    universe = kind.read_universe(Path(sample), Path(solution), test_set)
    truth = kind.read_truth(Path(solution), universe, test_set, phases)
    with fresh_folder(Path(out)) as folder:
        (folder / "universe").mkdir()
        universe.save(folder / "universe")
        (folder / "truth").mkdir()
        truth.save(folder / "truth")
        summaries = {phase.slug: write_phase(folder / "truth", phase, truth) for phase in phases}
    return SolutionSummary(universe.format.rows, summaries)
