"""The mass window on 7,521 real events of HiggsML, through files, against a plain loop."""

import csv
import math
from pathlib import Path

import pytest
from fivesigma_scoring import PhaseScoring, SplitSpec, TestSetSpec, score_challenge, score_offline

EVENTS = Path(__file__).parents[3] / "shared" / "data" / "higgsml-real-9998" / "contiguous_7521.csv"
TOTALS = {"s": 691.988607712, "b": 410_999.847322}

pytestmark = pytest.mark.skipif(not EVENTS.exists(), reason="the real events are not here")


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kaggle's file: signal where 100 < DER_mass_MMC < 150."""
    path = tmp_path_factory.mktemp("real") / "window.csv"
    with EVENTS.open() as stream:
        rows = [(row["EventId"], float(row["DER_mass_MMC"])) for row in csv.DictReader(stream)]
    lines = [
        f"{event},{rank},{'s' if 100 < mass < 150 else 'b'}"
        for rank, (event, mass) in enumerate(rows, 1)
    ]
    path.write_text("\n".join(["EventId,RankOrder,Class", *lines]) + "\n")
    return path


def loop_ams() -> tuple[float, float, float]:
    sums = {("s", False): 0.0, ("s", True): 0.0, ("b", False): 0.0, ("b", True): 0.0}
    with EVENTS.open() as stream:
        for row in csv.DictReader(stream):
            inside = 100 < float(row["DER_mass_MMC"]) < 150
            sums[row["Label"], inside] += float(row["Weight"])
    s = sums["s", True] / (sums["s", True] + sums["s", False]) * TOTALS["s"]
    b = sums["b", True] / (sums["b", True] + sums["b", False]) * TOTALS["b"]
    return math.sqrt(2 * ((s + b + 10) * math.log(1 + s / (b + 10)) - s)), s, b


def test_mass_window(window: Path) -> None:
    outcome = score_offline(
        "ams", {}, TOTALS, EVENTS, window, metrics=["signal_efficiency", "purity"]
    )
    assert outcome.report.ok
    expected, s, b = loop_ams()
    scores = outcome.scores["all"]
    assert scores["ams"].value == pytest.approx(expected, rel=1e-10)
    assert scores["signal_efficiency"].value == pytest.approx(s / TOTALS["s"], rel=1e-10)
    assert scores["purity"].value == pytest.approx(s / (s + b), rel=1e-10)
    assert scores["ams"].value == pytest.approx(1.54, abs=0.3)
    assert scores["ams"].sigma is not None
    assert 0 < scores["ams"].sigma < 0.2
    assert scores["ams"].n == 7521


def test_public_and_private_through_a_challenge(window: Path) -> None:
    test_set = TestSetSpec(min_selected=50, split=SplitSpec(public=0.3, seed=2014))
    phase = PhaseScoring("main", "ams", ["background_rejection"], normalise=TOTALS)
    outcome = score_challenge(EVENTS, window, window, test_set=test_set, phase=phase)
    assert outcome.report.ok
    n = {split: scores["ams"].n for split, scores in outcome.scores.items()}
    assert sum(n.values()) == 7521
    assert n["public"] == pytest.approx(0.3 * 7521, abs=1)
    for scores in outcome.scores.values():
        assert scores["ams"].value == pytest.approx(1.54, abs=0.5)
    public, private = (outcome.scores[split]["ams"].sigma for split in ("public", "private"))
    assert public is not None
    assert private is not None
    assert public > private
