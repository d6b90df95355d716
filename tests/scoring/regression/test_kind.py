"""Regressions end to end: files, arrays and one's own truth, against plain loops."""

import gzip
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import zstandard
from fivesigma_scoring import (
    Finding,
    InputRefusedError,
    Outcome,
    PhaseScoring,
    SolutionError,
    TestSetSpec,
    check_job,
    compare,
    compile_solution,
    score,
    score_challenge,
    score_file,
    score_job,
    score_offline,
    validate_offline,
)

N = 900
SPEC = TestSetSpec("regression", bounds=(-5000, 5000))
NAMES = ("mae", "bias", "median_absolute_error", "mre", "resolution_68", "rmse")
PHASE = PhaseScoring("main", "mae", NAMES[1:])
TARGETS = ("mass", "pt")


class Folder:
    """A challenge whose sample is in no order; rows are in that order everywhere."""

    def __init__(self, path: Path, targets: Sequence[str] = TARGETS, *, weighted: bool = True):
        random = np.random.default_rng(173)
        self.path, self.targets = path, list(targets)
        self.ids = random.permutation(9 * N)[:N]
        self.truth = random.uniform(85, 500, (N, len(targets)))
        self.mine = self.truth * random.normal(1.05, 0.2, self.truth.shape)
        self.weight = random.integers(1, 4, N).astype(float) if weighted else np.ones(N)
        self.usage = random.choice(["public", "private", "ignored"], N, p=[0.3, 0.6, 0.1])
        self.group = random.integers(0, N // 2, N)
        self.sample = self.write("sample.csv", np.full_like(self.truth, 300.0))
        self.solution = path / "solution.parquet"
        frame = self.frame(self.truth).with_columns(
            weight=self.weight, usage=self.usage, event=self.group
        )
        frame.sample(fraction=1.0, shuffle=True, seed=1).write_parquet(self.solution)

    def frame(self, values: np.ndarray) -> pl.DataFrame:
        columns = dict(zip(self.targets, values.T, strict=True))
        return pl.DataFrame({"jet": self.ids, **columns})

    def write(self, name: str, values: np.ndarray) -> Path:
        self.frame(values).write_csv(self.path / name)
        return self.path / name

    def compile(self, spec: TestSetSpec = SPEC) -> Path:
        out = self.path / "compiled"
        compile_solution(self.solution, self.sample, out, test_set=spec, phases=[PHASE])
        return out


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def loops(truth: np.ndarray, mine: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """Every metric of one target by plain loops; whole weights are repeated events."""
    rows = [(t, p) for t, p, w in zip(truth, mine, weight, strict=True) for _ in range(int(w))]
    residuals = sorted(p - t for t, p in rows)
    sizes = sorted(abs(r) for r in residuals)
    return {
        "mae": sum(sizes) / len(rows),
        "bias": sum(residuals) / len(rows),
        "median_absolute_error": quantile(sizes, 0.5),
        "mre": sum(abs(p - t) / abs(t) for t, p in rows) / len(rows),
        "resolution_68": (quantile(residuals, 0.8413) - quantile(residuals, 0.1587)) / 2,
        "rmse": math.sqrt(sum(r * r for r in residuals) / len(rows)),
    }


def quantile(values: list[float], share: float) -> float:
    at = share * (len(values) - 1)
    low = math.floor(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (at - low) * (values[high] - values[low])


def expected(folder: Folder, rows: np.ndarray) -> dict[str, float]:
    """The mean over the targets of each metric."""
    each = [
        loops(folder.truth[rows, at], folder.mine[rows, at], folder.weight[rows])
        for at in range(len(folder.targets))
    ]
    return {name: sum(one[name] for one in each) / len(each) for name in NAMES}


def values(outcome: Outcome, split: str) -> dict[str, float]:
    return {name: estimate.value for name, estimate in outcome.scores[split].items()}


@pytest.mark.parametrize("targets", [("mass",), TARGETS])
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_are_those_of_plain_loops(
    tmp_path: Path, targets: Sequence[str], weighted: bool
) -> None:
    folder = Folder(tmp_path, targets, weighted=weighted)
    mine = folder.write("mine.csv", folder.mine)
    outcome = score_file(mine, "mine.csv", folder.compile(), "main")
    assert outcome.report.findings == ()
    for split in ("public", "private"):
        rows = np.flatnonzero(folder.usage == split)
        assert values(outcome, split) == pytest.approx(expected(folder, rows), rel=1e-11)
        assert {one.n for one in outcome.scores[split].values()} == {rows.size}


def write_form(folder: Folder, form: str) -> Path:
    """One's own predictions; shuffled where there are ids."""
    path = folder.path / f"mine-{form}"
    if form == "npy":
        with path.open("wb") as stream:
            np.save(stream, folder.mine)
    elif form == "npy in Fortran's order":
        with path.open("wb") as stream:
            np.save(stream, np.asfortranarray(folder.mine))
    elif form == "Parquet":
        folder.frame(folder.mine).sample(fraction=1.0, shuffle=True, seed=2).write_parquet(path)
    else:
        frame = folder.frame(folder.mine)
        if form != "ordered":
            frame = frame.sample(fraction=1.0, shuffle=True, seed=3).select("pt", "jet", "mass")
        text = frame.write_csv(separator=";" if form == "semicolons" else ",").encode()
        pack = {"gz": gzip.compress, "zst": zstandard.compress}.get(form, bytes)
        path.write_bytes(pack(text))
    return path


FORMS = ("CSV", "semicolons", "gz", "zst", "Parquet", "npy", "npy in Fortran's order")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("group", [None, "event"])
def test_every_form_scores_alike_to_the_last_bit(
    folder: Folder, form: str, group: str | None
) -> None:
    compiled = folder.compile(replace(SPEC, group=group))
    first = score_file(write_form(folder, "ordered"), "x", compiled, "main")
    assert first.report.ok
    assert score_file(write_form(folder, form), "x", compiled, "main") == first


def test_sigma_comes_from_events_or_from_their_groups(folder: Folder) -> None:
    mine = folder.write("mine.csv", folder.mine)
    for group in (None, "event"):
        outcome = score_file(mine, "x", folder.compile(replace(SPEC, group=group)), "main")
        rows = np.flatnonzero(folder.usage == "public")
        size = np.abs(folder.mine - folder.truth)[rows].mean(axis=1)
        weight = folder.weight[rows] / folder.weight[rows].sum()
        effect: dict[int, float] = {}
        for at, row in enumerate(rows):
            unit = int(folder.group[row]) if group else at
            effect[unit] = effect.get(unit, 0.0) + weight[at] * (size[at] - weight @ size)
        sigma = math.sqrt(sum(one**2 for one in effect.values()))
        assert outcome.scores["public"]["mae"].sigma == pytest.approx(sigma, rel=1e-9)


def test_arrays_at_hand_score_as_files_do(folder: Folder) -> None:
    mine = folder.write("mine.csv", folder.mine)
    outcome = score_file(mine, "x", folder.compile(), "main")
    rows = folder.usage == "private"
    for name in NAMES:
        here = score(name, folder.truth[rows], folder.mine[rows], folder.weight[rows])
        assert here.value == pytest.approx(outcome.scores["private"][name].value, rel=1e-12)
        if not here.bootstrap:
            assert here.sigma == pytest.approx(outcome.scores["private"][name].sigma, rel=1e-9)


def test_comparing_two_predictions_of_one_target(folder: Folder) -> None:
    truth, first = folder.truth[:, 0], folder.mine[:, 0]
    second = first * 1.01
    found = compare("mae", truth, first, second)
    difference = np.abs(first - truth) - np.abs(second - truth)
    assert found.difference == pytest.approx(difference.mean())
    assert found.sigma == pytest.approx(difference.std() / math.sqrt(N))
    assert compare("resolution_68", truth, first, first).p_value == 1


def test_totals_of_classes_mean_nothing(folder: Folder) -> None:
    with pytest.raises(ValueError, match="normalise is for the classes of selections"):
        score("mae", [1.0, 2.0], [1.0, 2.0], normalise={"s": 1.0})
    mine = folder.write("mine.csv", folder.mine)
    with pytest.raises(SolutionError, match="normalise is for the classes of selections"):
        score_offline("mae", {}, {"s": 1.0}, folder.solution, mine)
    with pytest.raises(InputRefusedError, match="NaN"):
        score("mae", [1.0, 2.0], [1.0, math.nan])


def test_offline_is_the_server_bit_for_bit(folder: Folder) -> None:
    mine = folder.write("mine.csv", folder.mine)
    server = score_file(mine, "mine.csv", folder.compile(), "main")
    local = score_challenge(folder.solution, folder.sample, mine, test_set=SPEC, phase=PHASE)
    assert local == server


def test_jobs_take_and_give_plain_json(folder: Folder) -> None:
    compiled, mine = folder.compile(), folder.write("mine.csv", folder.mine)
    job = {"file": str(mine), "filename": "x", "compiled": str(compiled), "phase": "main"}
    answer = json.loads(json.dumps(score_job(job)))
    assert Outcome.from_json(answer) == score_file(mine, "x", compiled, "main")
    checked = check_job({**job, "universe": str(compiled / "universe")})
    assert (checked["ok"], checked["scorer_version"]) == (True, answer["scorer_version"])


def test_ones_own_truth_without_inputs(folder: Folder) -> None:
    mine = write_form(folder, "CSV")
    outcome = score_offline("mae", {}, None, folder.solution, mine, metrics=NAMES, test_set=OWN)
    assert outcome.report.findings == ()
    assert values(outcome, "all") == pytest.approx(expected(folder, np.arange(N)), rel=1e-11)


OWN = replace(SPEC, group="event")


def own_truth(folder: Folder) -> Path:
    """A validation file that holds inputs as well, of numbers and of text."""
    path = folder.path / "valid.parquet"
    inputs = folder.frame(folder.truth).with_columns(eta=pl.lit(0.5), process=pl.lit("tt"))
    inputs.select("jet", "eta", "process", *folder.targets).write_parquet(path)
    return path


def test_targets_are_those_columns_of_the_truth_that_are_predicted(tmp_path: Path) -> None:
    folder = Folder(tmp_path, weighted=False)
    truth = own_truth(folder)
    frame = folder.frame(folder.mine).select("jet", pl.col("pt").alias("PT"))
    frame.write_csv(folder.path / "one.csv")
    outcome = score_offline("mae", {}, None, truth, folder.path / "one.csv")
    mae = loops(folder.truth[:, 1], folder.mine[:, 1], folder.weight)["mae"]
    assert values(outcome, "all") == pytest.approx({"mae": mae})
    assert [one.code for one in outcome.report.findings] == ["column_renamed"]
    outcome = score_offline("mae", {}, None, truth, write_form(folder, "CSV"))
    assert values(outcome, "all")["mae"] == pytest.approx(expected(folder, np.arange(N))["mae"])
    assert outcome.report.findings == (
        Finding(
            "shared_targets",
            "warning",
            "The columns that both files have were scored as targets, each alike: mass, pt. Leave "
            "inputs out of the prediction.",
        ),
    )


def test_a_prediction_with_nothing_of_the_truth_hears_which_columns_there_are(
    folder: Folder,
) -> None:
    path = folder.path / "other.csv"
    folder.frame(folder.mine).select("jet", guess="mass").write_csv(path)
    outcome = score_offline("mae", {}, None, folder.solution, path, test_set=OWN)
    assert outcome.scores == {}
    assert [(one.code, one.column) for one in outcome.report.findings] == [
        ("missing_column", "mass"),
        ("missing_column", "pt"),
    ]
    path.write_bytes(b"")
    outcome = score_offline("mae", {}, None, folder.solution, path, test_set=OWN)
    assert [one.code for one in outcome.report.findings] == ["unreadable"]


def test_an_array_is_held_against_all_columns_of_the_truth(folder: Folder) -> None:
    path = folder.path / "mine.npy"
    frame = folder.frame(folder.truth).with_columns(variant=pl.lit("nominal"), group=folder.group)
    frame.write_csv(folder.path / "valid.csv")
    np.save(path, folder.mine)
    outcome = score_offline("rmse", {}, None, folder.path / "valid.csv", path)
    assert outcome.report.ok
    np.save(path, folder.mine[:, 0])
    outcome = score_offline("rmse", {}, None, folder.path / "valid.csv", path)
    assert outcome.report.findings[0].message == (
        "The array has the shape (900,). Send the shape (900, 2), one column for each of mass, pt, "
        "in the order of the test file."
    )


def test_validation_needs_the_sample_only(folder: Folder) -> None:
    mine = write_form(folder, "npy")
    assert validate_offline(folder.sample, mine).findings == ()
    report = validate_offline(folder.sample, mine, test_set=replace(SPEC, bounds=(0, 310)))
    assert [one.code for one in report.findings] == ["out_of_range"] * 2
    constant = validate_offline(folder.sample, folder.sample)
    assert [one.code for one in constant.findings] == ["constant_prediction"] * 2
    with pytest.raises(SolutionError, match=r"nowhere\.csv: cannot be opened"):
        validate_offline(folder.path / "nowhere.csv", mine)
