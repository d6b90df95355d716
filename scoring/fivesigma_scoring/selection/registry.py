"""Every metric of selections, one line of thought each."""

from collections.abc import Mapping

from fivesigma_scoring.metric import Metric, always
from fivesigma_scoring.selection import metrics as selection
from fivesigma_scoring.selection import scores, systematic
from fivesigma_scoring.selection.cells import few_background_events

_REGULARISATION = {"regularisation": 10.0}


def _rejection_at(at: scores.RejectionAt) -> Metric:
    return Metric(
        name=f"rejection_at_{at.percent}",
        title=f"Rejection at {at.percent} %",
        kind="selection",
        higher_is_better=True,
        best=None,
        worst=None,
        digits=1,
        formula=(
            f"1/eps_B at the k-th highest signal score, k = ceil({at.percent / 100:.1f} n_S); at "
            "least (sum w)^2 / sum w^2 of the background where none passes"
        ),
        function=at.value,
        influence=at.influence,
        is_bound=at.is_bound,
        is_rough=at.is_rough,
        recount=at.recount,
        needs_score=True,
    )


METRICS: Mapping[str, Metric] = {
    "accuracy": Metric(
        name="accuracy",
        title="Accuracy",
        kind="selection",
        higher_is_better=True,
        best=1.0,
        worst=0.0,
        digits=4,
        formula="share of correct decisions, without weights (option weighted: by weight)",
        function=selection.accuracy,
        influence=selection.accuracy_influence,
        is_rough=few_background_events,
        options={"weighted": False},
    ),
    "ams": Metric(
        name="ams",
        title="AMS",
        kind="selection",
        higher_is_better=True,
        best=None,
        worst=0.0,
        digits=4,
        formula="sqrt(2((s + B') ln(1 + s/B') - s)), B' = b + b_r",
        function=selection.ams,
        influence=selection.ams_influence,
        is_rough=few_background_events,
        options=_REGULARISATION,
    ),
    "ams3": Metric(
        name="ams3",
        title="AMS3",
        kind="selection",
        higher_is_better=True,
        best=None,
        worst=None,
        digits=4,
        formula="s / sqrt(b + b_r)",
        function=selection.ams3,
        influence=selection.ams3_influence,
        is_rough=few_background_events,
        options=_REGULARISATION,
    ),
    "ams_systematic": Metric(
        name="ams_systematic",
        title="AMS with systematics",
        kind="selection",
        higher_is_better=True,
        best=None,
        worst=0.0,
        digits=4,
        formula=(
            "sqrt(2((s + B') ln((s + B')(B' + v)/(B'^2 + (s + B') v)) - (B'^2/v) ln(1 + v s/(B'(B' "
            "+ v))))), B' = b + b_r, v = (f B')^2 (option sum_of_squared_weights: plus sum w^2)"
        ),
        function=systematic.ams_systematic,
        influence=systematic.ams_systematic_influence,
        is_rough=few_background_events,
        recount=systematic.ams_systematic_recount,
        options={
            **_REGULARISATION,
            "background_systematic": 0.0,
            "sum_of_squared_weights": False,
        },
    ),
    "auc": Metric(
        name="auc",
        title="AUC",
        kind="selection",
        higher_is_better=True,
        best=1.0,
        worst=0.0,
        digits=4,
        formula="P(score of signal > score of background), ties one half (option weighted)",
        function=scores.auc,
        influence=scores.auc_influence,
        is_rough=scores.few_of_a_class,
        recount=scores.auc_recount,
        needs_score=True,
        options={"weighted": False},
    ),
    "background_rejection": Metric(
        name="background_rejection",
        title="Background rejection",
        kind="selection",
        higher_is_better=True,
        best=None,
        worst=None,
        digits=1,
        formula="1/eps_B = B/b; at least (sum w)^2 / sum w^2 of the background where b = 0",
        function=selection.background_rejection,
        influence=selection.rejection_influence,
        is_rough=few_background_events,
        is_bound=selection.rejects_everything,
    ),
    "max_sic": Metric(
        name="max_sic",
        title="Max. SIC",
        kind="selection",
        higher_is_better=True,
        best=None,
        worst=None,
        digits=3,
        formula="max of eps_S/sqrt(eps_B) over thresholds where n_eff of passing background >= 25",
        function=scores.max_sic,
        influence=None,
        is_bound=scores.separates_perfectly,
        is_rough=always,
        recount=scores.max_sic_recount,
        needs_score=True,
    ),
    "purity": Metric(
        name="purity",
        title="Purity",
        kind="selection",
        higher_is_better=True,
        best=1.0,
        worst=0.0,
        digits=4,
        formula="s / (s + b), 0 where nothing is selected",
        function=selection.purity,
        influence=selection.purity_influence,
        is_rough=few_background_events,
    ),
    "rejection_at_30": _rejection_at(scores.rejection_at_30),
    "rejection_at_50": _rejection_at(scores.rejection_at_50),
    "signal_efficiency": Metric(
        name="signal_efficiency",
        title="Signal efficiency",
        kind="selection",
        higher_is_better=True,
        best=1.0,
        worst=0.0,
        digits=4,
        formula="eps_S = s/S",
        function=selection.signal_efficiency,
        influence=selection.efficiency_influence,
        is_rough=few_background_events,
    ),
}
