"""Every metric there is, one line of thought each, and the version of each metric family."""

from collections.abc import Mapping

from fivesigma_scoring import selection
from fivesigma_scoring.metric import Metric

SCORER_VERSIONS: Mapping[str, int] = {"selection": 1}
"""Kinds of challenges, and a number bumped by hand whenever scores of a family change."""

_REGULARISATION = {"regularisation": 10.0}

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
        options=_REGULARISATION,
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
        is_bound=selection.rejects_everything,
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
    ),
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
    ),
}
