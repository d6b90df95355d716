"""Compiling solutions, scoring files against them, and the offline commands."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fivesigma_scoring import (
    Estimate,
    Outcome,
    PhaseScoring,
    SolutionError,
    SplitSpec,
    TestSetSpec,
    check_file,
    check_job,
    compile_solution,
    score,
    score_challenge,
    score_file,
    score_job,
    score_offline,
    validate_offline,
)

TOTALS = {"s": 692.0, "b": 411_000.0}
METRICS = ("accuracy", "ams3", "background_rejection", "purity", "signal_efficiency")
PHASE = PhaseScoring("main", "ams", METRICS, {"regularisation": 12.0}, TOTALS)


class Folder:
    """A challenge of 2,000 events with shuffled, scattered ids."""

    def __init__(self, path: Path, ids: np.ndarray | None = None) -> None:
        random = np.random.default_rng(4)
        n = 2000
        self.path = path
        self.ids = random.permutation(10 * n)[:n] * 7 if ids is None else ids
        self.label = random.random(n) < 0.3
        self.weight = np.where(self.label, 0.02, 20.0) * random.uniform(0.2, 1.8, n)
        self.usage = random.choice(["public", "private", "ignored"], n, p=[0.4, 0.5, 0.1])
        self.selected = random.random(n) < np.where(self.label, 0.6, 0.1)
        self.solution = self.write_solution()
        self.sample = self.write_sample()

    def frame(self) -> pl.DataFrame:
        columns = {"EventId": self.ids, "Label": self.words(self.label)}
        return pl.DataFrame({**columns, "Weight": self.weight, "usage": self.usage})

    def words(self, flags: np.ndarray) -> list[str]:
        return ["s" if flag else "b" for flag in flags]

    def write_solution(self, frame: pl.DataFrame | None = None, name: str = "s.csv") -> Path:
        path = self.path / name
        frame = self.frame() if frame is None else frame
        if name.endswith("csv"):
            frame.write_csv(path)
        else:
            frame.write_parquet(path)
        return path

    def write_sample(self) -> Path:
        return self.write_prediction(np.arange(self.ids.size) % 7 == 0, "sample.csv")

    def write_prediction(self, selected: np.ndarray, name: str, seed: int | None = None) -> Path:
        frame = pl.DataFrame({"EventId": self.ids, "Class": self.words(selected)})
        if seed is not None:
            frame = frame.sample(fraction=1.0, shuffle=True, seed=seed)
        frame.write_csv(self.path / name)
        return self.path / name

    def compile(self, **changes: Any) -> Path:
        out = self.path / "compiled"
        arguments = {"test_set": TestSetSpec(), "phases": [PHASE], **changes}
        compile_solution(self.solution, self.sample, out, **arguments)
        return out

    def expected(self, split: str) -> dict[str, Estimate]:
        rows = self.usage == split
        arrays = (self.label[rows], self.selected[rows], self.weight[rows])
        return {
            name: score(
                name,
                *arrays,
                normalise=TOTALS,
                **({"regularisation": 12.0} if name.startswith("ams") else {}),
            )
            for name in PHASE.names()
        }


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def close(scores: Mapping[str, Estimate], expected: Mapping[str, Estimate]) -> bool:
    return list(scores) == list(expected) and all(
        scores[name].value == pytest.approx(expected[name].value, rel=1e-12)
        and scores[name].sigma == pytest.approx(expected[name].sigma, rel=1e-9)
        and scores[name].n == expected[name].n
        for name in scores
    )


def test_scores_are_those_of_the_arrays(folder: Folder) -> None:
    compiled = folder.compile()
    outcomes = []
    for seed in (None, 1):
        path = folder.write_prediction(folder.selected, "mine.csv", seed)
        outcomes.append(score_file(path, "mine.csv", compiled, "main"))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].report.ok
    assert outcomes[0].scorer_version == 1
    for split in ("public", "private"):
        assert close(outcomes[0].scores[split], folder.expected(split))


@pytest.mark.parametrize("kind", ["contiguous", "scattered", "negative", "text"])
@pytest.mark.parametrize("form", ["csv", "parquet", "npy"])
def test_every_kind_of_id_and_file(tmp_path: Path, kind: str, form: str) -> None:
    order = np.random.default_rng(2).permutation(2000)
    ids = {
        "contiguous": order + 350_000,
        "scattered": order * 12_345_678_901,
        "negative": order - 1000,
        "text": np.array([f"event-{number}" for number in order]),
    }[kind]
    folder = Folder(tmp_path, ids)
    compiled = folder.compile()
    path = folder.write_prediction(folder.selected, "mine.csv", seed=3)
    if form == "parquet":
        pl.read_csv(path).write_parquet(path)
    elif form == "npy":
        with path.open("wb") as stream:
            np.save(stream, folder.selected)
    outcome = score_file(path, path.name, compiled, "main")
    assert outcome.report.ok, outcome.report
    assert close(outcome.scores["private"], folder.expected("private"))


@pytest.mark.parametrize("name", ["s.parquet", "s.csv"])
def test_order_and_form_of_the_solution_are_irrelevant(folder: Folder, name: str) -> None:
    mine = folder.write_prediction(folder.selected, "mine.csv")
    before = score_file(mine, "m", folder.compile(), "main")
    folder.solution = folder.write_solution(
        folder.frame().sample(fraction=1.0, shuffle=True, seed=1), name
    )
    assert score_file(mine, "m", folder.compile(), "main").scores == before.scores


def test_the_summary_tells_sums_and_factors(folder: Folder) -> None:
    summary = compile_solution(
        folder.solution,
        folder.sample,
        folder.path / "out",
        test_set=TestSetSpec(),
        phases=[PHASE, replace(PHASE, slug="free", normalise=None)],
    )
    public = summary.phases["main"]["public"]
    rows = folder.usage == "public"
    assert summary.rows == 2000
    assert public.n == rows.sum() == public.facts["n_signal"] + public.facts["n_background"]
    assert public.facts["signal_weight"] == pytest.approx(folder.weight[rows & folder.label].sum())
    assert public.facts["signal_weight"] * public.facts["signal_factor"] == pytest.approx(692)
    background = public.facts["background_weight"] * public.facts["background_factor"]
    assert background == pytest.approx(411_000)
    free = summary.phases["free"]["public"]
    assert (free.facts["signal_factor"], free.facts["background_factor"]) == (1, 1)
    json.dumps(summary.as_json())


def test_the_universe_holds_nothing_of_the_truth(folder: Folder) -> None:
    compiled = folder.compile()
    before = {path.name: path.read_bytes() for path in (compiled / "universe").iterdir()}
    folder.label, folder.weight = ~folder.label, folder.weight[::-1]
    folder.usage = folder.usage[::-1]
    folder.solution = folder.write_solution()
    compiled = folder.compile()
    assert {path.name: path.read_bytes() for path in (compiled / "universe").iterdir()} == before
    mine = folder.write_prediction(folder.selected, "mine.csv")
    assert check_file(mine, "mine.csv", compiled / "universe").ok


def test_phases_with_their_own_usage_and_ignored_rows(folder: Folder) -> None:
    frame = folder.frame().with_columns(pl.Series("later", np.roll(folder.usage, 1)))
    folder.solution = folder.write_solution(frame)
    phases = [PHASE, replace(PHASE, slug="final"), replace(PHASE, slug="third", usage="later")]
    test_set = TestSetSpec(usage={"final": "later"})
    compiled = folder.compile(test_set=test_set, phases=phases)
    mine = folder.write_prediction(folder.selected, "mine.csv")
    scores = {p.slug: score_file(mine, "m", compiled, p.slug).scores for p in phases}
    assert close(scores["main"]["public"], folder.expected("public"))
    folder.usage = np.roll(folder.usage, 1)
    assert close(scores["final"]["public"], folder.expected("public"))
    assert scores["third"] == scores["final"]


def test_a_drawn_split_keeps_groups_together(folder: Folder) -> None:
    frame = folder.frame().drop("usage").with_columns(pl.Series("event", np.arange(2000) // 2))
    folder.solution = folder.write_solution(frame)
    split = SplitSpec(public=0.25, seed=7, stratify=True, group="event")
    compiled = folder.compile(test_set=TestSetSpec(split=split, group="event"))
    usage = np.load(compiled / "truth" / "main" / "usage.npy")
    pairs = usage[np.argsort(np.argsort(folder.ids))].reshape(-1, 2)
    assert (pairs[:, 0] == pairs[:, 1]).all()
    assert 0.23 < (usage == 1).mean() < 0.27
    mine = folder.write_prediction(folder.selected, "mine.csv")
    grouped = score_file(mine, "m", compiled, "main").scores["private"]["accuracy"]
    loose = folder.compile(test_set=TestSetSpec(split=replace(split, group="event")))
    single = score_file(mine, "m", loose, "main").scores["private"]["accuracy"]
    assert grouped.value == single.value
    assert grouped.sigma != single.sigma


def test_feeding_the_solution_back_gets_the_best(folder: Folder) -> None:
    compiled = folder.compile()
    perfect = folder.write_prediction(folder.label, "mine.csv")
    scores = score_file(perfect, "m", compiled, "main").scores["private"]
    assert scores["signal_efficiency"].value == scores["purity"].value == 1
    assert scores["accuracy"].value == 1
    assert scores["background_rejection"].lower_bound
    assert scores["ams"].value == pytest.approx(math.sqrt(2 * (704 * math.log(704 / 12) - 692)))


def test_jobs_take_and_give_plain_json(folder: Folder) -> None:
    compiled = folder.compile(test_set=TestSetSpec(min_selected=50))
    mine = folder.write_prediction(folder.selected, "mine.csv")
    arguments = {
        "file": str(mine),
        "filename": "mine.csv",
        "compiled": str(compiled),
        "phase": "main",
    }
    answer = json.loads(json.dumps(score_job(arguments)))
    assert set(answer) == {"ok", "findings", "scores", "scorer_version", "diagnoses"}
    assert set(answer["scores"]) == {"public", "private"}
    assert Outcome.from_json(answer) == score_file(mine, "mine.csv", compiled, "main")
    bad = folder.write_prediction(folder.selected & False, "bad.csv")
    arguments["file"] = str(bad)
    answer = json.loads(json.dumps(score_job(arguments)))
    assert answer["scores"] is None
    assert not answer["ok"]
    assert answer["findings"][0]["code"] == "too_few_selected"
    assert Outcome.from_json(answer).scores == {}
    checked = check_job({"file": str(bad), "filename": "x", "universe": str(compiled / "universe")})
    assert checked == answer
    with pytest.raises(ValueError, match="has not been compiled for the phase 'other'"):
        score_file(mine, "m", compiled, "other")


def test_offline_scoring_gives_the_same_numbers_bit_for_bit(folder: Folder) -> None:
    mine = folder.write_prediction(folder.selected, "mine.csv")
    server = score_file(mine, "mine.csv", folder.compile(), "main")
    local = score_challenge(
        folder.solution, folder.sample, mine, test_set=TestSetSpec(), phase=PHASE
    )
    assert local == server


def test_offline_scoring_of_ones_own_truth(folder: Folder) -> None:
    mine = folder.write_prediction(folder.selected, "mine.csv", seed=5)
    truth = folder.write_solution(folder.frame().drop("usage"), "valid.parquet")
    outcome = score_offline("ams", {"regularisation": 12.0}, TOTALS, truth, mine, metrics=METRICS)
    folder.usage[:] = "all"
    assert close(outcome.scores["all"], folder.expected("all"))
    found = [(finding.code, finding.severity) for finding in outcome.report.findings]
    assert found == [("weight_sum", "warning")] * 2
    text = outcome.report.findings[0].message
    total = folder.weight[folder.label].sum()
    assert text == (
        f"The weights of class s sum to {total:.6g} in your file, but the challenge declares 692; "
        "they were scaled to the declared total."
    )
    plain = score_offline("purity", {}, None, truth, mine)
    assert plain.report.findings == ()
    refused = score_offline("purity", {}, None, truth, truth)
    assert refused.report.findings[0].code == "missing_column"
    assert refused.scores == {}


def test_offline_validation_needs_the_sample_only(folder: Folder) -> None:
    mine = folder.write_prediction(folder.selected, "mine.csv")
    assert validate_offline(folder.sample, mine).ok
    report = validate_offline(folder.sample, mine, test_set=TestSetSpec(min_selected=1999))
    assert report.findings[0].code == "too_few_selected"
    with pytest.raises(SolutionError, match=r"nowhere\.csv: cannot be opened"):
        validate_offline(folder.path / "nowhere.csv", mine)


def test_compiling_is_all_or_nothing_and_can_be_repeated(folder: Folder) -> None:
    compiled = folder.compile()
    before = sorted(path.relative_to(folder.path) for path in folder.path.rglob("*"))
    with pytest.raises(SolutionError):
        folder.compile(phases=[replace(PHASE, usage="none")])
    with pytest.raises(SolutionError):
        folder.compile(phases=[PHASE, replace(PHASE, slug="b", normalise={"s": -1.0})])
    folder.compile()
    assert sorted(path.relative_to(folder.path) for path in folder.path.rglob("*")) == before
    assert compiled.is_dir()


def cell(frame: pl.DataFrame, column: str, value: str, row: int = 3) -> pl.DataFrame:
    text = frame[column].cast(pl.String).to_list()
    text[row] = value
    return frame.with_columns(pl.Series(column, text))


Change = Callable[[pl.DataFrame], pl.DataFrame]

WRONG: dict[str, tuple[Change | None, dict[str, Any], str]] = {
    "no label": (lambda f: f.drop("Label"), {}, "s.csv: the column 'label' is missing"),
    "no usage": (lambda f: f.drop("usage"), {}, "s.csv: the column 'usage' is missing"),
    "bad label": (
        lambda f: cell(f, "Label", "x"),
        {},
        "s.csv: the column 'Label' holds other labels than s and b (or 1 and 0) in 1 rows; "
        'first data rows: 4 ("x").',
    ),
    "NaN weight": (
        lambda f: cell(f, "Weight", "nan"),
        {},
        "holds weights that are not finite numbers in 1 rows; first data rows: 4",
    ),
    "word as weight": (lambda f: cell(f, "Weight", "heavy"), {}, '4 ("heavy")'),
    "bad usage": (
        lambda f: cell(f, "usage", "secret"),
        {},
        "the column 'usage' holds other words than public, private and ignored in 1 rows; "
        'first data rows: 4 ("secret").',
    ),
    "duplicate id": (
        lambda f: cell(f, "EventId", str(f["EventId"][0])),
        {},
        "s.csv: the column 'EventId' repeats ids in 1 rows; first data rows: 4",
    ),
    "unknown id": (
        lambda f: cell(f, "EventId", "-5"),
        {},
        "s.csv: the column 'EventId' holds ids that are not in the sample in 1 rows; "
        'first data rows: 4 ("-5").',
    ),
    "text as id": (lambda f: cell(f, "EventId", "x"), {}, "holds other things than integers"),
    "empty id": (lambda f: cell(f, "EventId", ""), {}, "the column 'EventId' is empty in 1 rows"),
    "missing ids": (
        lambda f: f.head(1990),
        {},
        "s.csv: 10 ids of the sample are missing in 'EventId'.",
    ),
    "split without signal": (
        lambda f: f.with_columns(
            usage=pl.when(pl.col("Label") == "s")
            .then(pl.lit("public"))
            .otherwise(pl.lit("private"))
        ),
        {},
        "Phase main, public split: There is no event of class b; both classes are needed.",
    ),
    "no private rows": (
        lambda f: f.with_columns(usage=pl.lit("public")),
        {},
        "Phase main, private split: There is no event of class b",
    ),
    "weightless class": (
        lambda f: f.with_columns(
            Weight=pl.when(pl.col("Label") == "s").then(0.0).otherwise(pl.col("Weight"))
        ),
        {},
        "Phase main, public split: The weights of class s sum to 0, not above 0.",
    ),
    "unknown metric": (None, {"phases": [PhaseScoring("a", "amss")]}, "Unknown metric 'amss'"),
    "unknown option": (
        None,
        {"phases": [PhaseScoring("a", "purity", (), {"regularisation": 1})]},
        "Phase a: none of its metrics has an option 'regularisation'.",
    ),
    "bad option": (
        None,
        {"phases": [PhaseScoring("a", "ams", (), {"regularisation": -1})]},
        "Phase a: Option regularisation of ams must be a number of at least 0",
    ),
    "slug with a way out": (
        None,
        {"phases": [PhaseScoring("../a", "ams")]},
        "The phase slug '../a'",
    ),
    "same slug": (None, {"phases": [PHASE, PHASE]}, "Two phases have the same slug"),
    "unknown kind": (
        None,
        {"test_set": TestSetSpec(kind="tracking")},
        "Unknown kind 'tracking'; known: selection",
    ),
    "unknown class": (
        None,
        {"phases": [replace(PHASE, normalise={"signal": 1.0})]},
        "normalise names the class 'signal'; it knows s and b.",
    ),
    "bad share": (
        None,
        {"test_set": TestSetSpec(split=SplitSpec(public=1.0, seed=1))},
        "split: The public share must lie between 0 and 1, not 1.0.",
    ),
    "no group column": (
        None,
        {"test_set": TestSetSpec(group="event")},
        "s.csv: the column 'event' is missing",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_solutions_say_where(folder: Folder, name: str) -> None:
    change, changes, text = WRONG[name]
    if change is not None:
        folder.solution = folder.write_solution(change(folder.frame()))
    with pytest.raises(SolutionError) as error:
        folder.compile(**changes)
    assert text in str(error.value)
    assert not (folder.path / "compiled").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "sample.csv: The file is empty."),
        ("EventId,Class\n", "sample.csv: there are no rows."),
        ("EventId\n1\n", "sample.csv: the column 'Class' is missing"),
        ("Class,Score\ns,1\n", "sample.csv: there is no id column."),
        ("EventId,Class\n1,s\n1,b\n", "sample.csv: the column 'EventId' repeats ids in 1 rows"),
        ("EventId,Class\n1,x\n", 'sample.csv: The column "Class" must hold s or b'),
        ("EventId,Class\n1,s,3\n", "sample.csv: The header names 2 columns"),
    ],
)
def test_wrong_samples(folder: Folder, text: str, expected: str) -> None:
    folder.sample.write_text(text)
    with pytest.raises(SolutionError) as error:
        folder.compile()
    assert str(error.value).startswith(expected)


def test_a_solution_that_is_no_table(folder: Folder) -> None:
    folder.solution.write_bytes(b"\x80\x04pickle")
    with pytest.raises(SolutionError, match=r"s\.csv: The file is a Python pickle"):
        folder.compile()
    np.save(folder.path / "s.npy", folder.label)
    folder.solution = folder.path / "s.npy"
    with pytest.raises(SolutionError, match=r"s.npy: .npy is no table"):
        folder.compile()
