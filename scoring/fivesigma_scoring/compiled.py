"""The truth part of a compiled solution: written once, mapped into memory for every submission."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.details import AT, metric_and_place
from fivesigma_scoring.kinds import Kind, Truth
from fivesigma_scoring.metric import Estimate
from fivesigma_scoring.phases import with_options
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.registry import METRICS
from fivesigma_scoring.report import Finding
from fivesigma_scoring.settings import PhaseScoring, SplitSummary
from fivesigma_scoring.slices import by_name, load_slices, write_slices
from fivesigma_scoring.solution_files import SolutionError
from fivesigma_scoring.splits import IGNORED, PRIVATE, PUBLIC
from fivesigma_scoring.universe import load_array
from fivesigma_scoring.variants import NOMINAL, VariantEvents, common_units

SPLITS = {"public": PUBLIC, "private": PRIVATE}
SHOWN = 20
DIAGNOSED = "public"
"""What is said of the private split would tell of its score."""
PHASE_FILE, UNIT_FILE, VARIANTS = "phase.json", "unit.npy", "variants"

Scores = Mapping[str, Mapping[str, Estimate]]
"""Split -> metric -> estimate."""
VariantScores = Mapping[str, Mapping[str, Mapping[str, Estimate]]]
"""Split -> variant -> metric -> estimate."""
SliceScores = Mapping[str, Mapping[str, Mapping[str, Estimate | None]]]
"""Split -> slice -> metric -> estimate; None where the metric has no value there."""


def write_phase(folder: Path, phase: PhaseScoring, truth: Truth) -> dict[str, SplitSummary]:
    """Usage, and what each split is scored against.

    Raises
    ------
    SolutionError
        Some metric has no value on the events of a split.

    """
    folder = folder / phase.slug
    folder.mkdir()
    usage = truth.usage[phase.slug]
    np.save(folder / "usage.npy", usage, allow_pickle=False)
    names = _variants_in_use(truth, usage)
    nominal = _nominal(truth, usage != IGNORED)
    slices = [name for column in truth.slices for name in column.used(nominal)]
    summaries = {}
    for split, code in SPLITS.items():
        (folder / split).mkdir()
        try:
            rows = np.flatnonzero(usage == code)
            summaries[split] = _write_split(folder / split, rows, phase, truth, names)
            if slices:
                events = truth.events(_nominal(truth, usage == code))
                write_slices(folder / split, truth.slices, slices, events)
        except ValueError as error:
            raise SolutionError(f"Phase {phase.slug}, {split} split: {error}") from error
    settings = {"metrics": phase.names(), "options": dict(phase.options)}
    if columns := _columns(phase, names, slices):
        settings["columns"] = columns
    if names:
        settings |= {VARIANTS: names, "variant_rank": phase.variant_rank}
    (folder / PHASE_FILE).write_text(json.dumps(settings, indent=1) + "\n")
    return summaries


def _nominal(truth: Truth, chosen: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Rows of the nominal variant among those that are `chosen`, (n,)."""
    if truth.variants is not None:
        chosen = chosen & (truth.variants.code == truth.variants.names.index(NOMINAL))
    return np.flatnonzero(chosen)


def _columns(phase: PhaseScoring, variants: Sequence[str], slices: Sequence[str]) -> list[str]:
    """What the phase wants to see of variants and slices: always its ranking metric per variant.

    Raises
    ------
    SolutionError
        There is no such variant or slice.

    """
    known = [*variants, *slices]
    for column in phase.columns():
        place = metric_and_place(column)[1]
        if place not in known:
            shown = ", ".join(known[:SHOWN]) + (", …" if len(known) > SHOWN else "")
            raise SolutionError(
                f"Phase {phase.slug}: {column!r} names no variant or slice of the solution; "
                + (f"it has {shown}." if known else "it has none.")
            )
    of_variants = [f"{phase.metric}{AT}{name}" for name in variants] if len(variants) > 1 else []
    return list(dict.fromkeys([*of_variants, *phase.columns()]))


def _variants_in_use(truth: Truth, usage: NDArray[np.int8]) -> list[str]:
    """The nominal variant, and those of which a phase doesn't ignore all rows; [] without any."""
    if truth.variants is None:
        return []
    used = np.unique(truth.variants.code[usage != IGNORED])
    return [NOMINAL, *(truth.variants.names[at] for at in used if at > 0)]


def _write_split(
    folder: Path, rows: NDArray[np.intp], phase: PhaseScoring, truth: Truth, names: Sequence[str]
) -> SplitSummary:
    """The nominal events of a split as they are without variants, the others in folders below."""
    if truth.variants is None:
        return truth.save_split(folder, rows, phase)
    code = truth.variants.code[rows]
    parts = [rows[code == truth.variants.names.index(name)] for name in names]
    summaries = []
    for at, (name, part) in enumerate(zip(names, parts, strict=True)):
        try:
            summaries.append(_write_variant(folder, at, part, parts[0], phase, truth))
        except ValueError as error:
            raise ValueError(f"variant {name}: {error}") from error
    _write_units(folder, truth, parts)
    further = zip(names[1:], summaries[1:], strict=True)
    texts = [summaries[0].text, *(f"variant {name}: {one.text}" for name, one in further)]
    return replace(summaries[0], text="\n    ".join(texts))


def _write_variant(
    split: Path,
    at: int,
    rows: NDArray[np.intp],
    nominal: NDArray[np.intp],
    phase: PhaseScoring,
    truth: Truth,
) -> SplitSummary:
    if not rows.size:
        raise ValueError("There is no event of it; both splits need some.")
    folder = _variant_folder(split, at)
    folder.mkdir(parents=True, exist_ok=True)
    return truth.save_split(folder, rows, phase, nominal if at else None)


def _write_units(split: Path, truth: Truth, parts: Sequence[NDArray[np.intp]]) -> None:
    """Which physical events the variants share, for each but the nominal one."""
    groups = [group for part in parts if (group := truth.groups(part)) is not None]
    for at, unit in enumerate(common_units(groups[0], groups[1:]) if groups else [], 1):
        np.save(_variant_folder(split, at) / UNIT_FILE, unit, allow_pickle=False)


def _variant_folder(split: Path, at: int) -> Path:
    return split / VARIANTS / str(at) if at else split


@dataclass(frozen=True)
class PhaseScores:
    """What a phase says of one prediction.

    Attributes
    ----------
    scores
        What stands in the columns of the board.
    variants
        Empty where there are none.
    slices
        On the nominal events of each slice; empty where there are none.
    columns
        Split -> column such as ``ams@process=ttbar`` -> estimate: of these what the phase shows on
        its board. Without those that have no value.
    diagnoses
        Warnings that need the truth, of the public split (its nominal events).

    """

    scores: Scores
    variants: VariantScores
    slices: SliceScores
    columns: Scores
    diagnoses: tuple[Finding, ...]


def score_phase(kind: Kind, folder: Path, aligned: Any, form: PredictionFormat) -> PhaseScores:
    """Every metric of a phase on every split, and on every variant of it where there are some.

    Parameters
    ----------
    kind
        What the solution was compiled for.
    folder
        ``truth/<phase>`` of a compiled solution.
    aligned
        The prediction in the order of the universe.
    form
        What its file had to look like in this phase.

    """
    settings = json.loads((folder / PHASE_FILE).read_text())
    names: list[str] = settings["metrics"]
    metrics = with_options([METRICS[name] for name in names], settings["options"])
    scores: dict[str, dict[str, Estimate]] = {}
    variants: dict[str, dict[str, dict[str, Estimate]]] = {}
    slices: dict[str, Mapping[str, Mapping[str, Estimate | None]]] = {}
    diagnoses: tuple[Finding, ...] = ()
    for split in SPLITS:
        sample = kind.load(folder / split, aligned)
        if split == DIAGNOSED:
            diagnoses = tuple(kind.diagnose(sample, form))
        shown = kind.estimates(sample, metrics)
        if parts := load_slices(folder / split):
            rows = kind.sliced(sample, [*parts.values()], metrics)
            slices[split] = by_name([*parts], rows, metrics)
        if VARIANTS in settings:
            events = _load_variants(kind, folder / split, aligned, sample, len(settings[VARIANTS]))
            shown, columns = events.estimates(metrics, shown, settings["variant_rank"])
            variants[split] = {
                variant: {name: column[at] for name, column in zip(names, columns, strict=True)}
                for at, variant in enumerate(settings[VARIANTS])
            }
        scores[split] = dict(zip(names, shown, strict=True))
    on_board = {
        split: _chosen(settings["columns"], {**variants.get(split, {}), **slices.get(split, {})})
        for split in (SPLITS if "columns" in settings else ())
    }
    return PhaseScores(scores, variants, slices, on_board, diagnoses)


def _chosen(
    columns: Sequence[str], known: Mapping[str, Mapping[str, Estimate | None]]
) -> dict[str, Estimate]:
    """The estimates that columns show, from those of each variant and slice."""
    found = {}
    for column in columns:
        metric, place = metric_and_place(column)
        estimate = known[str(place)][metric]
        if estimate is not None:
            found[column] = estimate
    return found


def _load_variants(
    kind: Kind, split: Path, aligned: Any, nominal: Any, count: int
) -> VariantEvents:
    folders = [_variant_folder(split, at) for at in range(1, count)]
    samples = [nominal, *(kind.load(folder, aligned) for folder in folders)]
    files = [folder / UNIT_FILE for folder in folders]
    groups = [nominal.group, *(load_array(file) if file.exists() else None for file in files)]
    return VariantEvents.of([kind.link(sample, nominal) for sample in samples], groups)
