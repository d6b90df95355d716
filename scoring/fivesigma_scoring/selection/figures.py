"""Figures of selections: what was selected and, where cuts may be compared, every other cut."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from fivesigma_scoring.binning import Detail, Floats, bin_edges, bin_numbers, physical_events
from fivesigma_scoring.figures import Figure, Maker, finished
from fivesigma_scoring.layers import Curve, Layer, Mark, Matrix, Steps
from fivesigma_scoring.selection.cells import Sample
from fivesigma_scoring.selection.registry import METRICS
from fivesigma_scoring.selection.scan import Scan, thresholds_of, your_cut
from fivesigma_scoring.uncertainty import Chosen

SCANNED = ("ams", "ams3", "ams_systematic")
EFFICIENCY: Chosen = (METRICS["signal_efficiency"], {})
REJECTION: Chosen = (METRICS["background_rejection"], {})
CLASSES = ("Background", "Signal")
THRESHOLD = "Threshold on the score"


def figures(
    sample: Sample,
    detail: Detail,
    metrics: Sequence[Chosen] = (),
    submitted: Floats | None = None,
) -> list[Figure]:
    """All figures of a selection that may be seen with `detail`.

    Parameters
    ----------
    sample
        The events of one split.
    detail
        Who looks.
    metrics
        Those of the phase with their options; significances among them are scanned over cuts.
    submitted
        The score of every row of the file. Only their distribution can be shown before
        unblinding: that of one split would tell which rows it holds.

    """
    makers: list[Maker] = [
        partial(_submitted_score, submitted, detail),
        partial(_confusion, sample, detail),
    ]
    if detail.scans and sample.score is not None:
        makers.append(partial(_score_by_class, sample, sample.score, detail))
        with np.errstate(all="ignore"):
            makers += _of_cuts(sample, sample.score, detail, metrics)
    return finished(makers)


def _submitted_score(score: Floats | None, detail: Detail) -> Figure | None:
    if score is None or not score.size:
        return None
    everything = np.ones(score.size, bool)
    edges = bin_edges(score, everything, detail)
    if edges.size < 2:
        return None
    counts = np.bincount(bin_numbers(edges, score), minlength=edges.size - 1)
    narrowest = float(np.diff(edges).min())
    scale = narrowest / np.diff(edges)
    steps = Steps(edges, detail.rounded(counts * scale), detail.rounded(np.sqrt(counts) * scale))
    return Figure(
        "score",
        "Distribution of the score",
        "Score",
        f"Events / {narrowest:.3g}",
        [steps],
        "Every row of the file, whatever its class. The outermost bins hold what lies beyond.",
    )


def _confusion(sample: Sample, detail: Detail) -> Figure | None:
    counted = physical_events(sample.group, sample.n)
    cell = (sample.truth * 2 + sample.selected)[counted]
    counts = np.bincount(cell, minlength=4).reshape(2, 2)
    enough = (counts >= detail.least).all(axis=1) & (sample.cells.weight.sum(axis=1) > 0)
    if not enough.any():
        return None
    sums = sample.cells.weight[enough]
    shares = detail.rounded_shares(sums / sums.sum(axis=1, keepdims=True))
    rows = [name for name, shown in zip(CLASSES, enough, strict=True) if shown]
    return Figure(
        "confusion",
        "Confusion matrix",
        "Decision",
        "Truth",
        [Matrix(rows, ["Rejected", "Selected"], shares)],
        "Share of the weight of each true class.",
    )


def _score_by_class(sample: Sample, score: Floats, detail: Detail) -> Figure | None:
    counted = physical_events(sample.group, sample.n)
    layers: list[Layer] = []
    for name, member in zip(CLASSES, (~sample.truth, sample.truth), strict=True):
        edges = bin_edges(score[member], counted[member], detail) if member.any() else np.empty(0)
        if edges.size < 2:
            return None
        layers.append(_density(score[member], sample.weight[member], edges, detail, name))
    cut = your_cut(sample, score)
    if cut is not None:
        layers.append(Mark(x=cut, label="Your cut"))
    return Figure(
        "score_by_class",
        "Distribution of the score by class",
        "Score",
        "Share of the class / unit of the score",
        layers,
        "By weight, each class normalised to one. The outermost bins hold what lies beyond.",
        y_log=True,
    )


def _density(values: Floats, weight: Floats, edges: Floats, detail: Detail, label: str) -> Steps:
    """Weights per unit of `values`, normalised to one."""
    number, bins = bin_numbers(edges, values), edges.size - 1
    scale = 1 / (weight.sum() * np.diff(edges))
    heights = np.bincount(number, weight, bins) * scale
    errors = np.sqrt(np.bincount(number, weight**2, bins)) * np.abs(scale)
    return Steps(edges, detail.rounded(heights), detail.rounded(errors), label)


def _of_cuts(
    sample: Sample, score: Floats, detail: Detail, metrics: Sequence[Chosen]
) -> list[Maker]:
    counted = physical_events(sample.group, sample.n)
    one_class = sample.truth.all() or not sample.truth.any()
    if one_class or int(counted.sum()) < max(detail.least, 2) or not score.max() > score.min():
        return []
    half = detail.bins // 2
    shares = np.linspace(0, 1, half + 1)[1:-1]
    spread = np.concatenate([np.linspace(score.min(), score.max(), half), _at(score, shares)])
    scanned = [one for one in metrics if one[0].name in SCANNED]
    cuts = thresholds_of(score, counted, spread, detail.least)
    by_threshold = Scan.quick(sample, score, cuts, [EFFICIENCY, REJECTION])
    significances = Scan.replicated(sample, score, cuts, scanned) if scanned else by_threshold
    by_signal = _at(score[sample.truth], np.linspace(0, 1, detail.bins)[1:])
    cuts = thresholds_of(score, counted, by_signal, detail.least)
    roc = Scan.quick(sample, score, cuts, [EFFICIENCY, REJECTION])
    cut = your_cut(sample, score)
    return [
        *(
            partial(_significance, sample, significances, at, one, cut, detail)
            for at, one in enumerate(scanned)
        ),
        partial(_roc, roc, detail),
        partial(_rejection, roc, detail),
        partial(_efficiencies, by_threshold, cut, detail),
    ]


def _at(score: Floats, shares: Floats) -> Floats:
    return np.quantile(score, shares, method="higher")


def _band(x: Floats, y: Floats, sigma: Floats, detail: Detail, label: str) -> Curve:
    rounded = detail.rounded
    return Curve(x, rounded(y), rounded(y - sigma), rounded(y + sigma), label)


def _significance(
    sample: Sample, scan: Scan, at: int, chosen: Chosen, cut: float | None, detail: Detail
) -> Figure:
    metric, options = chosen
    y = scan.values[:, at]
    yours = detail.rounded_one(metric.function(sample, options))
    mark = Mark(cut, yours, "Your selection" if cut is None else "Your cut")
    return Figure(
        f"{metric.name}_scan",
        f"{metric.title} against the cut",
        THRESHOLD,
        metric.title,
        [_band(scan.thresholds, y, scan.sigmas[:, at], detail, f"{metric.title} ± 1σ"), mark],
        "The highest point owes something to the luck of these events: choose from the plateau.",
    )


def _roc(scan: Scan, detail: Detail) -> Figure:
    rejection = scan.values[:, 1]
    passing = np.where(scan.known[:, 1], 1 / np.where(rejection == 0, 1, rejection), 0.0)
    curve = Curve(
        detail.rounded(passing[::-1]),
        detail.rounded(scan.values[::-1, 0]),
        label="Your score",
    )
    chance = Curve([0.0, 1.0], [0.0, 1.0], label="By chance", reference=True)
    return Figure("roc", "ROC curve", "Background efficiency", "Signal efficiency", [chance, curve])


def _rejection(scan: Scan, detail: Detail) -> Figure | None:
    known = scan.known[:, 1] & (scan.values[:, 1] > 0)
    if not known.any():
        return None
    y, sigma = scan.values[:, 1][known], scan.sigmas[:, 1][known]
    x = detail.rounded(scan.values[:, 0][known])
    low = np.maximum(y - sigma, y / 10)
    curve = Curve(
        x, detail.rounded(y), detail.rounded(low), detail.rounded(y + sigma), "Your score ± 1σ"
    )
    return Figure(
        "rejection",
        "Background rejection against signal efficiency",
        "Signal efficiency",
        "Background rejection, 1 / background efficiency",
        [curve],
        "One over the share of the background that passes, where some does.",
        y_log=True,
    )


def _efficiencies(scan: Scan, cut: float | None, detail: Detail) -> Figure:
    rejection, known = scan.values[:, 1], scan.known[:, 1]
    size = np.where(known & (rejection != 0), rejection, 1.0)
    background = np.where(known, 1 / size, 0.0)
    spread = np.where(known, scan.sigmas[:, 1] / size**2, 0.0)
    layers: list[Layer] = [
        _band(scan.thresholds, background, spread, detail, "Background"),
        _band(scan.thresholds, scan.values[:, 0], scan.sigmas[:, 0], detail, "Signal"),
    ]
    if cut is not None:
        layers.append(Mark(x=cut, label="Your cut"))
    return Figure(
        "efficiency",
        "Efficiency against the cut",
        THRESHOLD,
        "Efficiency",
        layers,
        "Share of each class, by weight, that passes the threshold.",
    )
