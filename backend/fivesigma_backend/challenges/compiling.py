"""Compiling the truth of a challenge and trying it out, all before anything is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from fivesigma_scoring import (
    KINDS,
    METRICS,
    Estimate,
    Outcome,
    PhaseScoring,
    SolutionError,
    SolutionSummary,
    SplitSpec,
    TestSetSpec,
    compile_solution,
    score_file,
)

from .definition import Definition, DefinitionError, PhaseDefinition
from .folder import Inventory

BEST_TOLERANCE = 1e-9
TRAINING = "train"
"""Name of the published file whose range a regression is held against."""


@dataclass(frozen=True)
class CompiledTestSet:
    """A compiled solution in a local folder."""

    folder: Path
    summary: SolutionSummary


def scoring_of(definition: Definition, name: str) -> tuple[TestSetSpec, list[PhaseScoring]]:
    """What the scoring package needs to know of the test set `name` and its phases."""
    test_set = definition.test_sets[name]
    split = test_set.split
    if split is not None and split.seed is None:
        raise ValueError("the seed of a split must be chosen before")
    spec = TestSetSpec(
        kind=definition.kind,
        min_selected=test_set.min_selected,
        max_bytes=test_set.max_bytes,
        max_expanded_bytes=test_set.max_expanded_bytes,
        usage=test_set.usage or "usage",
        split=None if split is None else SplitSpec(**split.model_dump()),
        group=test_set.group,
        variants=test_set.variants,
        slices=tuple(test_set.slices),
        classes=tuple(test_set.classes),
        shape=tuple(test_set.shape),
        bounds=None if test_set.range is None else (test_set.range[0], test_set.range[1]),
    )
    phases = [_phase(one) for one in definition.phases if one.test_set == name]
    return spec, phases


def _phase(phase: PhaseDefinition) -> PhaseScoring:
    return PhaseScoring(
        slug=phase.slug,
        metric=phase.metric,
        metrics=phase.columns,
        options=phase.options,
        normalise=phase.normalise,
        variant_rank=phase.variant_rank,
    )


def compile_test_set(
    definition: Definition, name: str, inventory: Inventory, out: Path
) -> CompiledTestSet:
    """Compile the solution of `name` into `out`, then try it with the sample and with itself.

    Raises DefinitionError with what is wrong in the organiser's files.
    """
    test_set = definition.test_sets[name]
    spec, phases = scoring_of(definition, name)
    if TRAINING in definition.files:
        training = inventory[definition.files[TRAINING].path].path
        spec = replace(spec, training=training)
    sample = inventory[test_set.sample].path
    try:
        summary = compile_solution(
            inventory[test_set.solution].path, sample, out, test_set=spec, phases=phases
        )
    except SolutionError as error:
        raise DefinitionError([f"test_sets.{name}: {error}"]) from error
    perfect = KINDS[definition.kind].write_perfect(out, out.with_suffix(".csv"))
    problems = [
        f"test_sets.{name}: {problem}"
        for phase in phases
        for problem in _dry_run(out, phase, sample, perfect)
    ]
    perfect.unlink()
    if problems:
        raise DefinitionError(problems)
    return CompiledTestSet(out, summary)


def _dry_run(compiled: Path, phase: PhaseScoring, sample: Path, perfect: Path) -> Iterator[str]:
    """What is wrong when the sample and the solution are handed in."""
    tried = score_file(sample, sample.name, compiled, phase.slug)
    if not tried.report.ok:
        yield f"the sample is refused in phase {phase.slug}: {_text(tried)}"
        return
    best = score_file(perfect, perfect.name, compiled, phase.slug)
    if not best.report.ok:
        yield f"the solution, handed in, is refused in phase {phase.slug}: {_text(best)}"
        return
    for split, columns in best.columns.items():
        for column in phase.columns():
            if column not in columns:
                yield (
                    f"{column} has no value on the {split} split of phase {phase.slug}: it lacks "
                    "events, or a class of them; leave this column or gate out"
                )
    for split, scores in best.scores.items():
        for metric, estimate in scores.items():
            if not _is_best(metric, estimate, tried.scores[split][metric]):
                yield (
                    f"the solution, handed in, gets {metric} = {estimate.value:g} on the {split} "
                    f"split of phase {phase.slug}, which is not the best; check labels and weights"
                )


def _text(outcome: Outcome) -> str:
    return " ".join(one.message for one in outcome.report.findings if one.severity == "error")


def _is_best(name: str, perfect: Estimate, sample: Estimate) -> bool:
    metric = METRICS[name]
    if metric.best is not None:
        return abs(perfect.value - metric.best) <= BEST_TOLERANCE
    if perfect.lower_bound or sample.lower_bound:
        return True
    return metric.rank_key(perfect.value) >= metric.rank_key(sample.value)
