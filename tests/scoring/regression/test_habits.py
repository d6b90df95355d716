"""Warnings on regressions from the file and what is published: each fires and is silent."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fivesigma_scoring import Finding, PredictionFormat, Report, Universe, check_file
from fivesigma_scoring.regression.habits import unit_factor
from fivesigma_scoring.regression.training import training_ranges

N = 1000
TOPS = (85.0, 500.0)
FORM = PredictionFormat(
    rows=N,
    id_column="event",
    kind="regression",
    targets=("mass",),
    training={"mass": TOPS},
)
Judge = Callable[..., Report]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """The full check of columns of values, for events 0, 1, …."""

    def run(form: PredictionFormat = FORM, **columns: np.ndarray) -> Report:
        folder = tmp_path / "universe"
        folder.mkdir(exist_ok=True)
        Universe.of(replace(form, targets=tuple(columns)), np.arange(N)).save(folder)
        path = tmp_path / "mine.csv"
        pl.DataFrame({"event": np.arange(N), **columns}).write_csv(path)
        return check_file(path, path.name, folder)

    return run


def masses() -> np.ndarray:
    return np.random.default_rng(6).uniform(100, 480, N)


def outside(text: str, rows: tuple[int, ...], count: int) -> Finding:
    where = (
        'The target "mass" lies outside 85 to 500, the range of the published training file, in '
    )
    return Finding("outside_training_range", "warning", where + text, "mass", rows, count)


def test_a_good_file_gets_no_warning(judge: Judge) -> None:
    assert judge(mass=masses()).findings == ()


def test_constant_predictions(judge: Judge) -> None:
    report = judge(mass=np.full(N, 292.5))
    text = 'The target "mass" has the same value in every row, 292.5.'
    assert report.findings == (Finding("constant_prediction", "warning", text, "mass"),)
    almost = np.full(N, 292.5)
    almost[500] = np.nextafter(292.5, 300)
    assert judge(mass=almost).findings == ()


def test_each_target_is_looked_at_alone(judge: Judge) -> None:
    form = replace(FORM, training={"py": TOPS})
    report = judge(form, px=np.full(N, 1e6), py=masses(), pz=np.full(N, -1.0))
    assert [(one.code, one.column) for one in report.findings] == [
        ("constant_prediction", "px"),
        ("constant_prediction", "pz"),
    ]


def test_a_single_event_is_not_constant(tmp_path: Path) -> None:
    Universe.of(replace(FORM, rows=1), np.array([7])).save(tmp_path)
    path = tmp_path / "mine.csv"
    path.write_text("event,mass\n7,300\n")
    assert check_file(path, "mine.csv", tmp_path).findings == ()


def test_megaelectronvolts(judge: Judge) -> None:
    values = np.linspace(100_000, 400_000, N)
    text = (
        "1,000 rows; the median of the file is 250000. "
        "The values look 1,000 times too large (MeV instead of GeV?)."
    )
    assert judge(mass=values).findings == (outside(text, (2, 3, 4, 5, 6), N),)


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1e-3, "The values look 1,000 times too small (GeV instead of MeV?)."),
        (1e6, "The values look 1,000,000 times too large (keV instead of GeV?)."),
        (1e-6, "The values look 1,000,000 times too small (GeV instead of keV?)."),
        (10.0, "Compare its units with those of the training file."),
        (-1000.0, "Compare its units with those of the training file."),
    ],
)
def test_other_units(judge: Judge, factor: float, words: str) -> None:
    (finding,) = judge(mass=factor * masses()).findings
    assert finding.message.endswith(words)


def test_more_than_one_value_in_a_hundred_has_to_lie_outside(judge: Judge) -> None:
    values = masses()
    values[[5, *range(100, 109)]] = 900
    assert judge(mass=values).findings == ()
    values[17] = -3
    text = (
        f"11 rows; the median of the file is {np.median(values):.6g}. "
        "Compare its units with those of the training file."
    )
    assert judge(mass=values).findings == (outside(text, (7, 19, 102, 103, 104), 11),)


def test_cutting_at_round_numbers_beside_the_range_is_no_reason(judge: Judge) -> None:
    form = replace(FORM, training={"mass": (85.02, 499.97)})
    assert judge(form, mass=np.clip(masses() * 2 - 280, 85, 500)).findings == ()
    report = judge(form, mass=np.clip(masses() * 2 - 280, 75, 510))
    assert [one.code for one in report.findings] == ["outside_training_range"]


def test_without_a_training_range_nothing_lies_outside(judge: Judge) -> None:
    assert judge(replace(FORM, training={}), mass=1000 * masses()).findings == ()


def test_warnings_stand_beside_errors_and_name_lines_of_the_file(tmp_path: Path) -> None:
    Universe.of(replace(FORM, rows=3), np.arange(3)).save(tmp_path)
    path = tmp_path / "mine.csv"
    path.write_text("event,mass\n2,9e5\n\n1,300\n1,300\n")
    report = check_file(path, "mine.csv", tmp_path)
    assert [(one.code, one.rows) for one in report.findings] == [
        ("duplicate_id", (5,)),
        ("missing_id", ()),
        ("outside_training_range", (2,)),
    ]


def test_ranges_about_zero_tell_no_factor() -> None:
    assert unit_factor(50.0, (-50.1, 50.2)) is None
    assert unit_factor(0.0, (0.0, 0.0)) is None
    assert unit_factor(-290_000.0, (-500.0, -85.0)) == 1e3
    assert unit_factor(290.0, TOPS) is None


def test_the_range_of_a_training_file(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"Mass": [100.5, float("nan"), 499.0, -7.25], "pt": [1.0, 2.0, 3.0, float("inf")]}
    )
    frame.write_csv(tmp_path / "train.csv")
    frame.write_parquet(tmp_path / "train.parquet")
    for name in ("train.csv", "train.parquet"):
        ranges = training_ranges(tmp_path / name, ("mass", "pt"))
        assert ranges == {"mass": (-7.25, 499.0), "pt": (1.0, 3.0)}
    assert training_ranges(tmp_path / "train.csv", ("mass", "eta")) == {}
    (tmp_path / "words.csv").write_text("mass,pt\nheavy,2\nlight,3\n")
    assert training_ranges(tmp_path / "words.csv", ("mass", "pt")) == {"pt": (2.0, 3.0)}


def test_training_files_that_are_no_tables_give_no_range(tmp_path: Path) -> None:
    np.save(tmp_path / "train.npy", np.ones(3))
    np.savez(tmp_path / "train.npz", images=np.ones((2, 4, 4)), mass=np.ones(2))
    (tmp_path / "empty.csv").touch()
    (tmp_path / "header.csv").write_text("mass\n")
    for name in ("train.npy", "train.npz", "empty.csv", "header.csv", "nowhere.csv"):
        assert training_ranges(tmp_path / name, ("mass",)) == {}
    assert training_ranges(None, ("mass",)) == {}
