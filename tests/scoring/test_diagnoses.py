"""What the truth tells of a file comes with its scores, from the public split alone."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fivesigma_scoring import (
    Outcome,
    PhaseScoring,
    TestSetSpec,
    check_job,
    compile_solution,
    score_challenge,
    score_file,
    score_job,
    score_offline,
    validate_offline,
)

N = 6000
SIGNAL = np.arange(N) % 3 == 0
PUBLIC = np.arange(N) % 2 == 0
USAGE = np.where(PUBLIC, "public", "private")
RANDOM = np.random.default_rng(2012)
SCORE = RANDOM.normal(1.5 * SIGNAL)
MASS = RANDOM.uniform(85, 500, N)
NOISY = MASS * RANDOM.normal(1, 0.1, N)
EVENTS, PIXELS = 400, 30
MASKS = RANDOM.integers(1, 4, (EVENTS, PIXELS))

CLASSES = (
    "The classes look inverted: background is selected more often than signal. Swap s and b; s, 1 "
    "and true are what you take for signal."
)
SCORES = (
    "The score looks inverted: background tends to score higher than signal. Send 1 - score, or "
    "turn the ranks round: a larger score means more like signal."
)
SHUFFLED = (
    "Signal and background look alike in this file, as if its rows were shuffled. Join your "
    "predictions to the test file by the id instead of the order of the rows."
)
MINUS = (
    'The target "mass" looks inverted: the prediction falls where the truth rises. Look for a '
    "wrong sign or a reversed order in the last step that wrote it."
)
MIXED = (
    'The target "mass" varies, but not with the truth, as if the rows were shuffled. Join your '
    "predictions to the test file by the id instead of the order of the rows."
)
MEV = 'The target "mass" looks 1,000 times too large (MeV instead of GeV?). Divide it by 1,000.'
TEV = 'The target "mass" looks 1,000 times too small (GeV instead of MeV?). Multiply it by 1,000.'
HALF = (
    'The target "mass" looks about 2 times too small. Compare its unit with that of the training '
    "file."
)
EXCHANGED = (
    "The classes 1 (shower) and 2 (track) look exchanged. Swap these two numbers in your mask, and "
    "compare them with those of the sample."
)
MASKS_MIXED = (
    "The classes of this mask have no relation to the true ones, as if its events were shuffled. "
    "Join your masks to the test file by the event instead of the order."
)


@dataclass
class Challenge:
    """Files of a challenge, and how one of its predictions is written."""

    folder: Path
    solution: pl.DataFrame
    sample: pl.DataFrame
    test_set: TestSetSpec
    phase: PhaseScoring

    def file(self, frame: pl.DataFrame, name: str = "mine.parquet") -> Path:
        path = self.folder / name
        frame.write_parquet(path)
        return path

    def inputs(self) -> tuple[Path, Path]:
        return self.file(self.solution, "solution.parquet"), self.file(
            self.sample, "sample.parquet"
        )

    def score(self, frame: pl.DataFrame) -> Outcome:
        arguments: dict[str, Any] = {"test_set": self.test_set, "phase": self.phase}
        return score_challenge(*self.inputs(), self.file(frame), **arguments)

    def told(self, frame: pl.DataFrame) -> list[tuple[str, str, str | None]]:
        outcome = self.score(frame)
        assert outcome.report.ok
        assert all(one.severity == "warning" for one in outcome.diagnoses)
        assert all(one.rows == () and one.count == 0 for one in outcome.diagnoses)
        return [(one.code, one.message, one.column) for one in outcome.diagnoses]


@pytest.fixture
def selection(tmp_path: Path) -> Challenge:
    truth = pl.DataFrame({"id": np.arange(N), "label": np.where(SIGNAL, "s", "b"), "usage": USAGE})
    totals = {"s": 700.0, "b": 4e5}
    phase = PhaseScoring("main", "ams", ["auc"], normalise=totals)
    return Challenge(tmp_path, truth, selected(SCORE > 0), TestSetSpec(), phase)


def selected(chosen: Any, score: Any = SCORE) -> pl.DataFrame:
    classes = np.where(chosen, "s", "b")
    return pl.DataFrame({"id": np.arange(N), "Class": classes, "Score": np.asarray(score, float)})


@pytest.fixture
def regression(tmp_path: Path) -> Challenge:
    truth = pl.DataFrame({"id": np.arange(N), "mass": MASS, "usage": USAGE})
    test_set = TestSetSpec(kind="regression")
    return Challenge(tmp_path, truth, masses(NOISY), test_set, PhaseScoring("main", "mae"))


def masses(values: Any) -> pl.DataFrame:
    return pl.DataFrame({"id": np.arange(N), "mass": np.asarray(values, float)})


@pytest.fixture
def segmentation(tmp_path: Path) -> Challenge:
    usage = np.repeat(USAGE[:EVENTS], PIXELS)
    truth = masked(MASKS).with_columns(usage=pl.Series(usage))
    names = ("nothing", "shower", "track", "proton")
    test_set = TestSetSpec(kind="segmentation", classes=names, shape=(PIXELS,))
    phase = PhaseScoring("main", "event_accuracy_mean")
    return Challenge(tmp_path, truth, masked(MASKS), test_set, phase)


def masked(mask: Any) -> pl.DataFrame:
    event, voxel = np.indices(MASKS.shape).reshape(2, -1)
    return pl.DataFrame({"event": event, "voxel": voxel, "class": np.asarray(mask).ravel()})


@pytest.fixture
def challenge(request: pytest.FixtureRequest) -> Challenge:
    """The challenge that the test's parameter names."""
    found: Challenge = request.getfixturevalue(request.param)
    return found


MINE = SCORE > 1
MIX = RANDOM.permutation(N)
NUMBERS = np.array([0, 2, 1, 3])
TOLD: dict[str, tuple[str, pl.DataFrame, list[tuple[str, str, str | None]]]] = {
    "good selection": ("selection", selected(MINE), []),
    "inverted classes": ("selection", selected(~MINE), [("looks_inverted", CLASSES, None)]),
    "inverted score": ("selection", selected(MINE, -SCORE), [("looks_inverted", SCORES, None)]),
    "inverted both": (
        "selection",
        selected(~MINE, -SCORE),
        [("looks_inverted", CLASSES, None), ("looks_inverted", SCORES, None)],
    ),
    "shuffled selection": (
        "selection",
        selected(MINE[MIX], SCORE[MIX]),
        [("looks_shuffled", SHUFFLED, None)],
    ),
    "good regression": ("regression", masses(NOISY), []),
    "inverted regression": (
        "regression",
        masses(600 - NOISY),
        [("looks_inverted", MINUS, "mass")],
    ),
    "shuffled regression": ("regression", masses(NOISY[MIX]), [("looks_shuffled", MIXED, "mass")]),
    "MeV": ("regression", masses(1000 * NOISY), [("looks_scaled", MEV, "mass")]),
    "TeV": ("regression", masses(NOISY / 1000), [("looks_scaled", TEV, "mass")]),
    "half": ("regression", masses(NOISY / 2), [("looks_scaled", HALF, "mass")]),
    "good mask": ("segmentation", masked(MASKS), []),
    "exchanged": (
        "segmentation",
        masked(NUMBERS[MASKS]),
        [("looks_inverted", EXCHANGED, None)],
    ),
    "shuffled mask": (
        "segmentation",
        masked(np.random.default_rng(1).permutation(MASKS)),
        [("looks_shuffled", MASKS_MIXED, None)],
    ),
}
WRONG: dict[str, tuple[str, pl.DataFrame, pl.DataFrame]] = {
    "selection": ("selection", selected(MINE), selected(~MINE, -SCORE)),
    "regression": ("regression", masses(NOISY), masses(-NOISY)),
    "segmentation": ("segmentation", masked(MASKS), masked(NUMBERS[MASKS])),
}
EACH_KIND = pytest.mark.parametrize(
    ("challenge", "good", "wrong"), WRONG.values(), indirect=["challenge"], ids=list(WRONG)
)


@pytest.mark.parametrize(
    ("challenge", "frame", "expected"), TOLD.values(), indirect=["challenge"], ids=list(TOLD)
)
def test_what_is_told(
    challenge: Challenge, frame: pl.DataFrame, expected: list[tuple[str, str, str | None]]
) -> None:
    assert challenge.told(frame) == expected


@EACH_KIND
def test_only_the_public_rows_are_looked_at(
    challenge: Challenge, good: pl.DataFrame, wrong: pl.DataFrame
) -> None:
    """The rows of one split are wrong: all of the private ones, then all of the public ones."""
    first = "event" if "event" in good.columns else "id"
    public = pl.col(first) % 2 == 0
    assert challenge.told(pl.concat([good.filter(public), wrong.filter(~public)])) == []
    assert challenge.told(pl.concat([wrong.filter(public), good.filter(~public)])) != []


@EACH_KIND
def test_ignored_rows_are_not_looked_at(
    challenge: Challenge, good: pl.DataFrame, wrong: pl.DataFrame
) -> None:
    first = "event" if "event" in good.columns else "id"
    ignored = pl.col(first) % 2 == 0
    usage = pl.when(ignored).then(pl.lit("ignored")).otherwise("usage").alias("usage")
    challenge.solution = challenge.solution.with_columns(
        pl.when(pl.col(first) % 4 == 1).then(pl.lit("public")).otherwise("usage").alias("usage")
    ).with_columns(usage)
    assert challenge.told(pl.concat([wrong.filter(ignored), good.filter(~ignored)])) == []


@EACH_KIND
def test_diagnoses_come_with_scores_only(
    challenge: Challenge, good: pl.DataFrame, wrong: pl.DataFrame
) -> None:
    solution, sample = challenge.inputs()
    compiled, mine = challenge.folder / "compiled", challenge.file(wrong)
    compile_solution(
        solution, sample, compiled, test_set=challenge.test_set, phases=[challenge.phase]
    )
    arguments = {"file": str(mine), "filename": "mine.parquet"}
    scored = json.loads(
        json.dumps(score_job({**arguments, "compiled": str(compiled), "phase": "main"}))
    )
    outcome = score_file(mine, mine.name, compiled, "main")
    assert outcome.diagnoses
    assert scored["diagnoses"] == [one.as_json() for one in outcome.diagnoses]
    assert not any(one["code"].startswith("looks_") for one in scored["findings"])
    assert Outcome.from_json(scored) == outcome
    checked = check_job({**arguments, "universe": str(compiled / "universe")})
    assert checked["diagnoses"] == []
    assert checked["findings"] == scored["findings"]
    report = validate_offline(sample, mine, test_set=challenge.test_set)
    assert not any(one.code.startswith("looks_") for one in report.findings)
    refused = score_job(
        {
            "file": str(challenge.file(wrong.head(7), "short.parquet")),
            "filename": "short.parquet",
            "compiled": str(compiled),
            "phase": "main",
        }
    )
    assert not refused["ok"]
    assert refused["diagnoses"] == []


@EACH_KIND
def test_own_events_are_diagnosed_too(
    challenge: Challenge, good: pl.DataFrame, wrong: pl.DataFrame
) -> None:
    own = challenge.file(challenge.solution.drop("usage"), "own.parquet")

    def told(frame: pl.DataFrame) -> Any:
        phase, mine = challenge.phase, challenge.file(frame)
        return score_offline(
            phase.metric,
            {},
            None,
            own,
            mine,
            metrics=phase.metrics,
            test_set=challenge.test_set,
        ).diagnoses

    assert told(good) == ()
    assert told(wrong) == challenge.score(wrong).diagnoses


def test_the_nominal_rows_speak_for_the_variants(regression: Challenge) -> None:
    """Shifted inputs may well be scaled: that is what they are for."""
    variant = pl.Series("variant", np.where(np.arange(N) % 4 < 2, "nominal", "shifted"))
    regression.solution = regression.solution.with_columns(variant)
    regression.test_set = TestSetSpec(kind="regression", variants="variant")
    nominal = (variant == "nominal").to_numpy()
    assert regression.told(masses(np.where(nominal, NOISY, 2 * NOISY))) == []
    assert regression.told(masses(np.where(nominal, 1000 * NOISY, NOISY))) == [
        ("looks_scaled", MEV, "mass")
    ]


def test_a_score_that_no_metric_asks_for_may_be_anything(selection: Challenge) -> None:
    selection.phase = PhaseScoring("main", "ams")
    assert selection.told(selected(MINE, -SCORE)) == []
    assert selection.told(selected(MINE, SCORE[MIX])) == []


def test_one_phase_ranks_by_the_score_and_another_does_not(selection: Challenge) -> None:
    phases = [PhaseScoring("cut", "ams"), PhaseScoring("rank", "auc")]
    compiled, mine = selection.folder / "compiled", selection.file(selected(MINE, -SCORE))
    arguments: dict[str, Any] = {"test_set": selection.test_set, "phases": phases}
    compile_solution(*selection.inputs(), compiled, **arguments)
    told = [score_file(mine, mine.name, compiled, one.slug).diagnoses for one in phases]
    assert [[one.message for one in found] for found in told] == [[], [SCORES]]


def test_a_file_without_a_score(selection: Challenge) -> None:
    selection.phase = PhaseScoring("main", "ams")
    chosen = SCORE > 0.5
    expected = [("looks_inverted", CLASSES, None)]
    assert selection.told(selected(~chosen).drop("Score")) == expected
    assert selection.told(selected(chosen).drop("Score")) == []
