"""What must hold between the keys of a `challenge.toml` that is well-formed on its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from fivesigma_scoring import KINDS, METRICS, metric_and_place, metric_of

from .definition_errors import nearest, show
from .definition_model import Definition, PhaseDefinition, TestSetDefinition

SELECTION_CLASSES = {"s", "b"}
MOST_CLASSES = 256  # class numbers have 8 bits


def problems_of(definition: Definition) -> list[str]:
    """Everything that is wrong, one sentence each; empty for a definition that can be used."""
    found: list[str] = []
    for check in CHECKS:
        found += check(definition)
    return list(dict.fromkeys(found))


def _kind(definition: Definition) -> Iterator[str]:
    if definition.kind not in KINDS:
        yield f"kind = {show(definition.kind)}: unknown; {nearest(definition.kind, KINDS)}"


def _addresses(definition: Definition) -> Iterator[str]:
    url = definition.help_url
    if url is not None and not url.startswith(("https://", "http://", "mailto:")):
        yield f"help_url = {show(url)}: expected an address with https:// or mailto:"


def _files(definition: Definition) -> Iterator[str]:
    secret = {one.solution for one in definition.test_sets.values()}
    for name, file in definition.files.items():
        if file.path in secret and not definition.truth_public:
            yield (
                f"files.{name}.path = {show(file.path)}: this is a solution; it must not be "
                "published unless truth_public = true"
            )
        if file.path == "challenge.toml":
            yield f"files.{name}.path: challenge.toml can't be published, it may tell the split"
    for name, published in definition.published_samples().items():
        if name in definition.files:
            yield (
                f'files.{name}: this name is kept for the sample "{published.path}"; choose another'
            )
    names = Counter(PurePosixPath(one.path).name for one in definition.published().values())
    for base, count in names.items():
        if count > 1:
            yield f'files: {count} published files are called "{base}"; give each its own name'


def _test_sets(definition: Definition) -> Iterator[str]:
    used = {phase.test_set for phase in definition.phases}
    for name, test_set in definition.test_sets.items():
        place = f"test_sets.{name}"
        if name not in used:
            yield f"{place}: no phase uses it"
        if test_set.solution == test_set.sample:
            yield f"{place}.sample: the sample and the solution are the same file"
        yield from _usage(definition, name, test_set)
        yield from _kind_keys(definition.kind, place, test_set)


def _usage(definition: Definition, name: str, test_set: TestSetDefinition) -> Iterator[str]:
    place = f"test_sets.{name}.usage"
    phases = [phase.slug for phase in definition.phases if phase.test_set == name]
    for slug in test_set.usage:
        if slug not in phases:
            yield f"{place}.{slug}: no such phase of this test set; {nearest(slug, phases)}"
    if test_set.usage and test_set.split is not None:
        yield f"{place}: give either usage columns or a split, not both"
    if test_set.usage:
        for slug in phases:
            if slug not in test_set.usage:
                yield f'{place}: the phase "{slug}" has no column; name one for each phase'


def _kind_keys(kind: str, place: str, test_set: TestSetDefinition) -> Iterator[str]:
    wrong = {
        "min_selected": test_set.min_selected and kind != "selection",
        "classes": test_set.classes and kind != "segmentation",
        "shape": test_set.shape and kind != "segmentation",
        "range": test_set.range is not None and kind != "regression",
    }
    for key, is_wrong in wrong.items():
        if is_wrong:
            yield f"{place}.{key}: this key has no meaning for the kind {show(kind)}"
    if kind == "segmentation" and not 2 <= len(test_set.classes) <= MOST_CLASSES:
        yield f"{place}.classes: name 2 to {MOST_CLASSES} classes; class 0, nothing, comes first"
    if test_set.range is not None and not test_set.range[0] < test_set.range[1]:
        yield f"{place}.range = {show(test_set.range)}: expected [low, high] with low below high"


def _phases(definition: Definition) -> Iterator[str]:
    counts = Counter(phase.slug for phase in definition.phases)
    for slug, count in counts.items():
        if count > 1:
            yield f'phases: {count} phases have the slug "{slug}"; each needs its own'
    for index, phase in enumerate(definition.phases):
        place = f"phases[{index}]"
        if phase.test_set not in definition.test_sets:
            known = nearest(phase.test_set, definition.test_sets)
            yield f"{place}.test_set = {show(phase.test_set)}: no such test set; {known}"
        yield from _times(place, phase)
        yield from _carry(place, phase, definition)
        yield from _normalise(place, phase, definition.kind)


def _times(place: str, phase: PhaseDefinition) -> Iterator[str]:
    if phase.closes is not None and phase.closes <= phase.opens:
        yield f"{place}.closes = {show(phase.closes)}: must be later than opens"
    if (phase.board == "frozen") != (phase.freeze_at is not None):
        yield f'{place}.freeze_at: board = "frozen" and freeze_at belong together'
    if (phase.unblind == "at") != (phase.unblind_at is not None):
        yield f'{place}.unblind_at: unblind = "at" and unblind_at belong together'
    if phase.unblind_at is not None and phase.unblind_at < (phase.closes or phase.opens):
        yield f"{place}.unblind_at = {show(phase.unblind_at)}: must not be before the close"
    if phase.freeze_at is not None and not (
        phase.opens <= phase.freeze_at and (phase.closes is None or phase.freeze_at < phase.closes)
    ):
        yield f"{place}.freeze_at = {show(phase.freeze_at)}: must lie inside the phase"


def _carry(place: str, phase: PhaseDefinition, definition: Definition) -> Iterator[str]:
    if (phase.carry_over != "none") != (phase.carry_from is not None):
        yield f"{place}.carry_from: carry_over and carry_from belong together"
    if not phase.uploads and phase.carry_over == "none":
        yield f"{place}.uploads = false: nothing would ever arrive; set carry_over and carry_from"
    if phase.carry_from is None:
        return
    others = {one.slug: one for one in definition.phases if one.slug != phase.slug}
    source = others.get(phase.carry_from)
    if source is None:
        known = nearest(phase.carry_from, others)
        yield f"{place}.carry_from = {show(phase.carry_from)}: no such other phase; {known}"
    elif source.test_set != phase.test_set:
        yield f'{place}.carry_from: "{source.slug}" has another test set; both must share one'
    elif _comes_back(phase, others):
        yield f"{place}.carry_from: the phases are carried over in a circle"


def _comes_back(phase: PhaseDefinition, others: dict[str, PhaseDefinition]) -> bool:
    seen: set[str | None] = set()
    at = phase.carry_from
    while at is not None and at not in seen:
        if at == phase.slug:
            return True
        seen.add(at)
        at = others[at].carry_from if at in others else None
    return False


def _normalise(place: str, phase: PhaseDefinition, kind: str) -> Iterator[str]:
    if phase.normalise is None:
        return
    if kind != "selection":
        yield f"{place}.normalise: this key has no meaning for the kind {show(kind)}"
    elif set(phase.normalise) != SELECTION_CLASSES:
        given = show(sorted(phase.normalise))
        yield f"{place}.normalise: expected totals of the classes s and b, got {given}"


def _metrics(definition: Definition) -> Iterator[str]:
    known = [name for name, metric in METRICS.items() if metric.kind == definition.kind]
    if not known:
        return  # an unknown kind is reported as such
    for index, phase in enumerate(definition.phases):
        for key, names in _metric_keys(phase):
            yield from _unknown(f"phases[{index}].{key}", map(metric_of, names), known)
            test_set = definition.test_sets.get(phase.test_set)
            yield from _places(f"phases[{index}].{key}", names, key, test_set)
        yield from _options(f"phases[{index}].options", phase)
    for name, test_set in definition.test_sets.items():
        if test_set.plausible is not None:
            place = f"test_sets.{name}.plausible.metric"
            yield from _unknown(place, [test_set.plausible.metric], known)


def _metric_keys(phase: PhaseDefinition) -> Iterator[tuple[str, Sequence[str]]]:
    yield "metric", [phase.metric]
    yield "metrics", phase.metrics
    yield "tie_break", phase.tie_break
    yield "gates", [gate.metric for gate in phase.gates]


def _places(
    place: str, columns: Sequence[str], key: str, test_set: TestSetDefinition | None
) -> Iterator[str]:
    """What is wrong with the variants and slices that columns name; the solution has the rest."""
    for column in columns:
        where = metric_and_place(column)[1]
        if where is None or test_set is None:
            continue
        sliced, is_slice, _value = where.partition("=")
        if key not in ("metrics", "gates"):
            yield f"{place}: {show(column)}: variants and slices can be columns and gates only"
        elif test_set.variants is not None:
            continue  # it may be the name of one, which the solution knows
        elif is_slice and sliced not in test_set.slices:
            known = nearest(sliced, test_set.slices)
            yield f"{place}: {show(column)}: the test set has no slices by {show(sliced)}; {known}"
        elif not is_slice:
            yield (
                f"{place}: {show(column)}: the test set has no variants; a slice is written "
                "metric@column=value"
            )


def _unknown(place: str, names: Iterable[str], known: Sequence[str]) -> Iterator[str]:
    for name in names:
        if name in known:
            continue
        if name in METRICS:
            yield f"{place}: {show(name)} is a metric of the kind {show(METRICS[name].kind)}"
        else:
            yield f"{place}: unknown metric {show(name)}; {nearest(name, known)}"


def _options(place: str, phase: PhaseDefinition) -> Iterator[str]:
    if any(name not in METRICS for name in phase.all_metrics):
        return  # reported as such; its options can't be known
    metrics = [METRICS[name] for name in phase.all_metrics]
    known = {name for metric in metrics for name in metric.options}
    for name, value in phase.options.items():
        if name not in known:
            yield f"{place}.{name}: none of the phase's metrics has it; {nearest(name, known)}"
        for metric in metrics:
            if name in metric.options:
                try:
                    metric.settings({name: value})
                except ValueError as error:
                    yield f"{place}.{name} = {show(value)}: {error}"


CHECKS: tuple[Callable[[Definition], Iterator[str]], ...] = (
    _kind,
    _addresses,
    _files,
    _test_sets,
    _phases,
    _metrics,
)
