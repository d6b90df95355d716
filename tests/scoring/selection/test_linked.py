"""sigma of shifted variants against replicas that renormalise by the nominal rows drawn."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from fivesigma_scoring import METRICS, Estimate
from fivesigma_scoring.selection.bootstrap import estimates
from fivesigma_scoring.selection.cells import Sample
from fivesigma_scoring.selection.linked import Linked, by_factor
from fivesigma_scoring.uncertainty import row_draws
from fivesigma_scoring.variants import Units, VariantEvents
from numpy.typing import NDArray

REPLICAS = 2500
AT_ONCE = 250
TOTALS = (411_000.0, 692.0)
TOLERANCE = 0.05
OF_200_REPLICAS = 4 / np.sqrt(2 * 200)
CHECKED = [
    *((name, {}) for name, metric in METRICS.items() if metric.kind == "selection"),
    ("accuracy", {"weighted": True}),
    ("auc", {"weighted": True}),
    ("ams_systematic", {"background_systematic": 0.001}),
    ("ams_systematic", {"background_systematic": 0.0005, "sum_of_squared_weights": True}),
]
NAMES = [f"{name} {' '.join(options)}".strip() for name, options in CHECKED]
FIXED = {"no totals": (False, False), "both totals": (True, True), "total of s": (False, True)}
CASES = {
    "rows": (FIXED["no totals"], False),
    "rows, both totals": (FIXED["both totals"], False),
    "events": (FIXED["no totals"], True),
    "events, both totals": (FIXED["both totals"], True),
    "events, total of s": (FIXED["total of s"], True),
}

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """Rows of one variant: weights as in the solution."""

    event: NDArray[np.int64]
    truth: Flags
    score: Array
    weight: Array

    @property
    def selected(self) -> Flags:
        return self.score > 1


def rows(kept: Flags, shift: float, seed: int) -> Rows:
    """The events that are `kept`, with scores of their own that hang together between variants."""
    shared, own = np.random.default_rng(3), np.random.default_rng(seed)
    truth = shared.random(kept.size) < 0.3
    weight = np.where(truth, 0.02, 20.0) * shared.uniform(0.2, 1.8, kept.size)
    score = truth * 0.8 + 0.9 * shared.normal(size=kept.size) + shift
    score += 0.4 * own.normal(size=kept.size)
    at = np.flatnonzero(kept)
    return Rows(at, truth[at], score[at], weight[at])


@cache
def three(few: bool = False) -> tuple[Rows, Rows, Rows]:
    """Nominal rows, and two shifts that lose events; hardly any background passes with `few`."""
    random = np.random.default_rng(9)
    n, middle, shift = 4000, -1.4 if few else 0.0, 0.1 if few else 0.3
    return (
        rows(np.ones(n, bool), middle, 1),
        rows(random.random(n) < 0.8, middle + shift, 2),
        rows(random.random(n) < 0.9, middle - shift, 3),
    )


def factors(nominal: Rows, fixed: tuple[bool, bool]) -> Array:
    sums = np.bincount(nominal.truth, nominal.weight, 2)
    return np.where(fixed, np.array(TOTALS) / sums, [TOTALS[0] / sums[0], 692.0 / sums[1]])


def scored(
    variants: tuple[Rows, ...], fixed: tuple[bool, bool], shared: bool, chosen: list[Any], rank: str
) -> tuple[list[Estimate], list[list[Estimate]]]:
    """What the package says. Totals that are not declared are those the weights happen to have."""
    scale = factors(variants[0], fixed)
    samples = [
        Sample.of(
            one.truth,
            one.selected,
            one.weight * scale[one.truth.astype(int)],
            (False, False) if at else fixed,
            one.event if shared else None,
            score=one.score,
        )
        for at, one in enumerate(variants)
    ]
    linked = [Linked(sample, samples[0]) for sample in samples]
    groups = [one.event if shared else None for one in variants]
    nominal = estimates(samples[0], chosen)
    return VariantEvents.of(linked, groups).estimates(chosen, nominal, rank)


def draws(variants: tuple[Rows, ...], shared: bool) -> Iterator[list[Array]]:
    """How often each row of each variant counts, (AT_ONCE, n) each, until there are enough."""
    random = np.random.default_rng(21)
    events = 1 + max(int(one.event.max()) for one in variants)
    for _ in range(REPLICAS // AT_ONCE):
        if shared:
            common = random.poisson(1.0, (AT_ONCE, events)).astype(float)
            yield [common[:, one.event] for one in variants]
        else:
            yield [random.poisson(1.0, (AT_ONCE, one.event.size)).astype(float) for one in variants]


def z(s: Array, b: Array, v: Array) -> Array:
    """The formula as the page on statistics has it, b with its b_r."""
    log = np.log((s + b) * (b + v) / (b**2 + (s + b) * v))
    return np.sqrt(2 * ((s + b) * log - b**2 / v * np.log1p(v * s / (b * (b + v)))))


def values(one: Rows, count: Array, weight: Array) -> dict[str, Array]:
    """Every metric of replicas (r,), from how often rows count and their drawn weights, (r, n)."""
    signal, chosen = one.truth.astype(float), one.selected.astype(float)
    cells = [
        (
            drawn * chosen @ signal,
            drawn * chosen @ (1 - signal),
            drawn @ signal,
            drawn @ (1 - signal),
        )
        for drawn in (count, weight)
    ]
    (n_s, n_b, n_signal, n_background), (s, b, total_s, total_b) = cells
    square = np.divide(weight**2, count, out=np.zeros_like(weight), where=count > 0)
    squares = square * chosen @ (1 - signal)
    background = b + 10
    return {
        "accuracy": (n_s + n_background - n_b) / (n_signal + n_background),
        "accuracy weighted": (s + total_b - b) / (total_s + total_b),
        "ams": np.sqrt(2 * ((s + background) * np.log1p(s / background) - s)),
        "ams3": s / np.sqrt(background),
        "ams_systematic": np.sqrt(2 * ((s + background) * np.log1p(s / background) - s)),
        "ams_systematic background_systematic": z(s, background, (0.001 * background) ** 2),
        "ams_systematic background_systematic sum_of_squared_weights": z(
            s, background, (0.0005 * background) ** 2 + squares
        ),
        "background_rejection": total_b / b,
        "purity": s / (s + b),
        "signal_efficiency": s / total_s,
    }


def by_score(one: Rows, count: Array, weight: Array) -> dict[str, Array]:
    """Metrics of the score, without ties."""
    order = np.argsort(-one.score)
    signal = one.truth[order].astype(float)
    count, weight = count[:, order], weight[:, order]
    square = np.divide(weight**2, count, out=np.zeros_like(weight), where=count > 0)
    passed = np.cumsum(count * signal, axis=1)
    s, b = np.cumsum(weight * signal, axis=1), np.cumsum(weight * (1 - signal), axis=1)
    n_eff = b**2 / np.maximum(np.cumsum(square * (1 - signal), axis=1), 1e-300)
    sic = s / s[:, -1:] / np.sqrt(np.maximum(b, 1e-300) / b[:, -1:])
    at = {
        percent: (passed >= np.ceil(percent / 100 * passed[:, -1:])).argmax(axis=1)
        for percent in (30, 50)
    }
    return {
        "auc": area(count, signal),
        "auc weighted": area(weight, signal),
        "max_sic": np.where(n_eff >= 25, sic, 0).max(axis=1),
        **{
            f"rejection_at_{percent}": b[:, -1] / b[np.arange(len(b)), place]
            for percent, place in at.items()
        },
    }


def area(drawn: Array, signal: Array) -> Array:
    beaten = np.cumsum((drawn * (1 - signal))[:, ::-1], axis=1)[:, ::-1]
    pairs = (drawn * signal * beaten).sum(axis=1)
    return np.asarray(pairs / (drawn @ signal) / (drawn @ (1 - signal)))


@cache
def replicas(fixed: tuple[bool, bool], shared: bool, few: bool = False) -> dict[str, Array]:
    """Metric -> values of (variant, replica)."""
    variants = three(few)
    scale = factors(variants[0], fixed)
    found: list[dict[str, list[Array]]] = [{} for _ in variants]
    for counts in draws(variants, shared):
        nominal, truth = variants[0], variants[0].truth.astype(int)
        sums = (counts[0] * nominal.weight) @ np.eye(2)[truth]
        factor = np.where(fixed, np.array(TOTALS) / sums, scale)
        for one, count, kept in zip(variants, counts, found, strict=True):
            weight = count * one.weight * factor[:, one.truth.astype(int)]
            drawn = values(one, count, weight) | ({} if few else by_score(one, count, weight))
            for name, some in drawn.items():
                kept.setdefault(name, []).append(some)
    return {name: np.array([np.concatenate(kept[name]) for kept in found]) for name in found[0]}


def chosen_metrics() -> list[Any]:
    return [(METRICS[name], METRICS[name].settings(options)) for name, options in CHECKED]


@pytest.mark.parametrize(("fixed", "shared"), CASES.values(), ids=CASES)
def test_sigma_of_shifted_variants_agrees_with_replicas(
    fixed: tuple[bool, bool], shared: bool
) -> None:
    columns = scored(three(), fixed, shared, chosen_metrics(), "nominal")[1]
    drawn = replicas(fixed, shared)
    for name, column in zip(NAMES, columns, strict=True):
        for at, one in enumerate(column):
            expected = np.std(drawn[name][at], ddof=1)
            tolerance = OF_200_REPLICAS if one.bootstrap else TOLERANCE
            assert one.sigma == pytest.approx(expected, rel=tolerance), (name, at)
            assert one.bootstrap == (name == "max_sic")


@pytest.mark.parametrize(("fixed", "shared"), CASES.values(), ids=CASES)
def test_sigma_of_the_mean_agrees_with_replicas(fixed: tuple[bool, bool], shared: bool) -> None:
    means, columns = scored(three(), fixed, shared, chosen_metrics(), "mean")
    drawn = replicas(fixed, shared)
    for name, mean, column in zip(NAMES, means, columns, strict=True):
        expected = np.std(drawn[name].mean(axis=0), ddof=1)
        tolerance = OF_200_REPLICAS if mean.bootstrap else TOLERANCE
        assert mean.sigma == pytest.approx(expected, rel=tolerance), name
        assert mean.value == pytest.approx(sum(one.value for one in column) / 3)
        assert mean.n == sum(one.n for one in column)


@pytest.mark.parametrize(("fixed", "shared"), CASES.values(), ids=CASES)
def test_few_background_events_take_replicas(fixed: tuple[bool, bool], shared: bool) -> None:
    names = [n for n, m in METRICS.items() if m.kind == "selection" and not m.needs_score]
    chosen = [(METRICS[name], METRICS[name].settings({})) for name in names]
    means, columns = scored(three(few=True), fixed, shared, chosen, "mean")
    drawn = replicas(fixed, shared, few=True)
    for name, mean, column in zip(names, means, columns, strict=True):
        if name == "background_rejection":
            continue  # 1/b of a few events has no standard deviation that replicas agree on
        assert mean.bootstrap
        found = [*(one.sigma for one in column[1:]), mean.sigma]
        expected = [*drawn[name][1:], drawn[name].mean(axis=0)]
        for sigma, spread in zip(found, expected, strict=True):
            assert sigma == pytest.approx(np.std(spread, ddof=1), rel=OF_200_REPLICAS), name


@pytest.mark.parametrize("fixed", FIXED.values(), ids=FIXED)
def test_a_replica_is_that_of_the_rows_drawn(fixed: tuple[bool, bool]) -> None:
    """Rows stand there as often as they are drawn, scaled by the nominal rows that are drawn."""
    random = np.random.default_rng(17)
    nominal, variant, _ = three()
    counts = [random.poisson(1.0, one.event.size) for one in (nominal, variant)]
    counts[0][nominal.truth] *= 2
    scale = factors(nominal, fixed)
    sums = np.bincount(nominal.truth, nominal.weight * counts[0], 2)
    drawn_scale = np.where(fixed, np.array(TOTALS) / sums, scale)
    at = np.repeat(np.arange(variant.event.size), counts[1])
    replica = sample_of(variant, drawn_scale, at)
    linked = Linked(sample_of(variant, scale), sample_of(nominal, scale, fixed=fixed))
    chosen = chosen_metrics()
    found = linked.recounts(chosen)(counts[1], counts[0])
    for name, one, (metric, options) in zip(NAMES, found, chosen, strict=True):
        tolerance = 0.01 if name == "max_sic" else 1e-12  # its replicas have thinned thresholds
        assert one == pytest.approx(metric.function(replica, options), rel=tolerance), name


def sample_of(
    one: Rows,
    scale: Array,
    at: NDArray[np.int64] | slice = slice(None),
    fixed: tuple[bool, bool] = (False, False),
) -> Sample:
    weight = one.weight * scale[one.truth.astype(int)]
    return Sample.of(one.truth[at], one.selected[at], weight[at], fixed, score=one.score[at])


def test_replicas_of_a_variant_draw_the_nominal_rows_too() -> None:
    variants = three(few=True)
    scale, fixed = factors(variants[0], (True, True)), (True, True)
    samples = [
        sample_of(one, scale, fixed=(False, False) if at else fixed)
        for at, one in enumerate(variants)
    ]
    events = VariantEvents.of([Linked(one, samples[0]) for one in samples], [None] * 3)
    ams = [(METRICS["ams"], METRICS["ams"].settings({}))]
    _, ((_, *shifted),) = events.estimates(ams, estimates(samples[0], ams), "nominal")
    for at, one in enumerate(shifted, 1):
        replica = events.linked[at].recounts(ams)
        own, nominal = events.units[at], events.units[0]
        drawn = [replica(draws[own], draws[nominal]) for draws in row_draws(Units(events.count))]
        assert one.sigma == pytest.approx(np.std(drawn, ddof=1), rel=1e-12)


def test_a_replica_without_a_class_has_no_value() -> None:
    nominal, variant, _ = three()
    scale = factors(nominal, (True, True))
    linked = Linked(sample_of(variant, scale), sample_of(nominal, scale, fixed=(True, True)))
    ones = [np.ones(one.event.size, np.int64) for one in (variant, nominal)]
    replica = linked.recounts([(METRICS["ams"], METRICS["ams"].settings({}))])
    assert np.isfinite(replica(*ones)).all()
    assert np.isnan(replica(ones[0] * variant.truth, ones[1])).all()
    assert np.isnan(replica(ones[0], ones[1] * ~nominal.truth)).all()


def test_the_factor_counts_and_shared_events_correlate() -> None:
    """The cases above are different numbers: each would fail with the expectation of another."""
    ams = [(METRICS["ams"], METRICS["ams"].settings({}))]
    sigma = {
        (fixed, shared): scored(three(), FIXED[fixed], shared, ams, "nominal")[1][0][1].sigma or 0
        for fixed in FIXED
        for shared in (False, True)
    }
    assert sigma["both totals", False] > 1.06 * sigma["no totals", False]
    assert sigma["both totals", True] < 0.8 * sigma["both totals", False]
    assert sigma["no totals", True] == pytest.approx(sigma["no totals", False])


def rescaled(sample: Sample, factor: tuple[float, float]) -> Sample:
    scale = np.where(sample.truth, factor[1], factor[0])
    return Sample.of(sample.truth, sample.selected, sample.weight * scale, score=sample.score)


@pytest.mark.parametrize(("name", "options"), CHECKED, ids=NAMES)
def test_slope_of_a_factor_is_that_of_a_difference(name: str, options: Mapping[str, Any]) -> None:
    """Zero for metrics that are not weighted or compare events of one class with each other."""
    metric = METRICS[name]
    if metric.influence is None:
        return
    settings, variant = metric.settings(options), three()[1]
    scale = factors(three()[0], (True, True))[variant.truth.astype(int)]
    sample = Sample.of(variant.truth, variant.selected, variant.weight * scale, score=variant.score)
    slopes = by_factor(metric.influence(sample, settings), sample.cells)
    step = 1e-5

    def value(b: float, s: float) -> float:
        return metric.function(rescaled(sample, (np.exp(b), np.exp(s))), settings)

    expected = [
        (value(step, 0) - value(-step, 0)) / (2 * step),
        (value(0, step) - value(0, -step)) / (2 * step),
    ]
    assert slopes == pytest.approx(expected, rel=1e-5, abs=1e-6 * abs(value(0, 0)))
    if name == "ams":
        assert (np.abs(slopes) > 0.1).all()
