"""Every metric of segmentations, one line of thought each."""

from collections.abc import Callable, Mapping

from fivesigma_scoring.metric import Metric, Options, always
from fivesigma_scoring.segmentation import metrics as segmentation
from fivesigma_scoring.segmentation.counts import CLASSES, Sample

Function = Callable[[Sample, Options], float]


def _metric(
    name: str, title: str, formula: str, function: Function, error: segmentation.Uncertainty
) -> Metric:
    return Metric(
        name=name,
        title=title,
        kind="segmentation",
        higher_is_better=True,
        best=1.0,
        worst=0.0,
        digits=4,
        formula=formula,
        function=function,
        influence=error.influence,
        is_rough=error.is_rough,
        recount=error.recount,
    )


def _percentile(name: str, title: str, percent: int) -> Metric:
    at = segmentation.EventPercentile(percent)
    return Metric(
        name=name,
        title=title,
        kind="segmentation",
        higher_is_better=True,
        best=1.0,
        worst=0.0,
        digits=4,
        formula=(
            f"value below which {percent} % of the events have their share of correct pixels "
            "(truth > 0), linear between two events"
        ),
        function=at.value,
        influence=None,
        is_rough=always,
        recount=at.recount,
    )


def _recall(k: int) -> Metric:
    recall = segmentation.ClassRecall(k)
    return _metric(
        f"class_recall_{k}",
        f"Recall of class {k}",
        f"correct / all pixels of class {k}, over all events",
        recall.value,
        segmentation.Uncertainty(recall.ratios),
    )


METRICS: Mapping[str, Metric] = {
    "voxel_accuracy": _metric(
        "voxel_accuracy",
        "Voxel accuracy",
        "correct / all pixels with truth > 0, over all events (big events dominate)",
        segmentation.voxel_accuracy,
        segmentation.of_pixels,
    ),
    "event_accuracy_mean": _metric(
        "event_accuracy_mean",
        "Mean event accuracy",
        "mean over events of correct / all pixels with truth > 0 of the event",
        segmentation.event_accuracy_mean,
        segmentation.of_events,
    ),
    "event_accuracy_p50": _percentile("event_accuracy_p50", "Median event accuracy", 50),
    "event_accuracy_p80": _percentile("event_accuracy_p80", "Event accuracy, P80", 80),
    "mean_iou": _metric(
        "mean_iou",
        "Mean IoU",
        "mean over classes k > 0 of the truth of H/(T + P - H): of the pixels with truth > 0, T "
        "are of class k, P predicted as k, H both",
        segmentation.mean_iou,
        segmentation.of_overlap,
    ),
    "macro_f1": _metric(
        "macro_f1",
        "Macro F1",
        "mean over classes k > 0 of the truth of 2H/(T + P): of the pixels with truth > 0, T "
        "are of class k, P predicted as k, H both",
        segmentation.macro_f1,
        segmentation.of_agreement,
    ),
    **{f"class_recall_{k}": _recall(k) for k in range(1, CLASSES)},
}
