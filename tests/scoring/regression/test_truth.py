"""Solutions of regressions: what is compiled, how it is split, and what is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fivesigma_scoring import (
    KINDS,
    PhaseScoring,
    SolutionError,
    SolutionSummary,
    SplitSpec,
    TestSetSpec,
    check_file,
    compile_solution,
    score_file,
)
from fivesigma_scoring.regression.truth import quantile_bins

N = 1200
KIND = KINDS["regression"]
SPEC = TestSetSpec("regression", bounds=(0, 5000))
MEANS = PhaseScoring("main", "mae", ["bias", "mre", "rmse"])
ALL = replace(MEANS, metrics=["bias", "median_absolute_error", "mre", "resolution_68", "rmse"])


class Folder:
    """A challenge with two targets, weights and scattered ids."""

    def __init__(self, path: Path) -> None:
        random = np.random.default_rng(85)
        self.path = path
        self.frame = pl.DataFrame(
            {
                "jet": random.permutation(50 * N)[:N] - 25 * N,
                "mass": random.uniform(85, 500, N),
                "pt": random.exponential(300, N) + 1,
                "Weight": random.uniform(0.2, 1.8, N),
                "usage": random.choice(["public", "private", "ignored"], N, p=[0.3, 0.6, 0.1]),
            }
        )
        self.sample = path / "sample.csv"
        self.frame.select("jet", mass=pl.lit(292.5), pt=pl.lit(300)).write_csv(self.sample)

    def compile(self, frame: pl.DataFrame | None = None, **changes: Any) -> SolutionSummary:
        solution = self.path / "s.csv"
        (self.frame if frame is None else frame).write_csv(solution)
        arguments: dict[str, Any] = {"test_set": SPEC, "phases": [MEANS], **changes}
        return compile_solution(solution, self.sample, self.path / "compiled", **arguments)

    def universe(self) -> dict[str, bytes]:
        folder = self.path / "compiled" / "universe"
        return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_the_summary_tells_of_every_target(folder: Folder) -> None:
    summary = folder.compile()
    public = folder.frame.filter(pl.col("usage") == "public")
    found = summary.phases["main"]["public"]
    assert summary.rows == N
    assert found.n == public.height
    expected = {"n": public.height, "weight_sum": public["Weight"].sum()}
    for name in ("mass", "pt"):
        mean = (public[name] * public["Weight"]).sum() / public["Weight"].sum()
        expected[f"{name}_min"], expected[f"{name}_mean"] = public[name].min(), mean
        expected[f"{name}_max"] = public[name].max()
    assert found.facts == pytest.approx(expected, rel=1e-12)
    facts = found.facts
    assert found.text == (
        f"{public.height:,} events, weights sum to {facts['weight_sum']:.6g}; "
        f"mass from {facts['mass_min']:.6g} to {facts['mass_max']:.6g}, "
        f"mean {facts['mass_mean']:.6g}; pt from {facts['pt_min']:.6g} to {facts['pt_max']:.6g}, "
        f"mean {facts['pt_mean']:.6g}"
    )
    json.dumps(summary.as_json())


def test_the_universe_names_targets_bounds_and_training_range(folder: Folder) -> None:
    folder.frame.head(100).write_csv(folder.path / "train.csv")
    folder.compile(test_set=replace(SPEC, training=folder.path / "train.csv"))
    form = KIND.open_universe(folder.path / "compiled" / "universe").format
    assert (form.kind, form.id_column, form.rows) == ("regression", "jet", N)
    assert (form.targets, form.bounds) == (("mass", "pt"), (0, 5000))
    head = folder.frame.head(100)
    assert form.training == {name: (head[name].min(), head[name].max()) for name in form.targets}


def test_no_answer_without_quota_depends_on_the_truth(folder: Folder) -> None:
    files = {
        "good.csv": folder.frame.select("jet", "mass", "pt"),
        "constant.csv": pl.read_csv(folder.sample),
        "bad.csv": folder.frame.select("jet", "mass", pt=pl.lit(9e9)),
        "odd.csv": folder.frame.select("jet", pl.col("mass") * 4, "pt"),
        "missing.csv": folder.frame.select("jet", "mass", "pt").head(7),
    }
    for name, frame in files.items():
        frame.write_csv(folder.path / name)
    folder.frame.head(100).write_csv(folder.path / "train.csv")
    spec = replace(SPEC, training=folder.path / "train.csv")
    truths = [
        folder.frame,
        folder.frame.with_columns(pl.col("mass", "pt", "Weight").reverse()),
        folder.frame.with_columns(pl.col("mass") + 1000, pl.col("pt").shuffle(seed=4)),
        folder.frame.sample(fraction=1.0, shuffle=True, seed=4),
    ]
    seen = []
    for truth in truths:
        folder.compile(truth, test_set=spec)
        universe = folder.path / "compiled" / "universe"
        reports = [check_file(folder.path / name, name, universe) for name in files]
        seen.append((folder.universe(), [json.dumps(one.as_json()) for one in reports]))
    assert [len(json.loads(one)["findings"]) for one in seen[0][1]] == [0, 2, 1, 1, 1]
    assert all(one == seen[0] for one in seen)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_order_and_form_of_the_solution_are_irrelevant(folder: Folder, suffix: str) -> None:
    folder.compile(phases=[ALL])
    before = score_file(folder.sample, "s", folder.path / "compiled", "main")
    mixed = folder.frame.sample(fraction=1.0, shuffle=True, seed=2).select(
        "usage", pl.col("pt").alias("PT"), "jet", "Weight", "mass"
    )
    path = folder.path / f"other{suffix}"
    mixed.write_csv(path) if suffix == ".csv" else mixed.write_parquet(path)
    out = folder.path / "other"
    compile_solution(path, folder.sample, out, test_set=SPEC, phases=[ALL])
    assert score_file(folder.sample, "s", out, "main") == before


def test_single_precision_solutions_are_the_numbers_they_stand_for(folder: Folder) -> None:
    frame = folder.frame.with_columns(pl.col("mass", "pt", "Weight").cast(pl.Float32))
    path, out = folder.path / "s.parquet", folder.path / "compiled"
    frame.write_parquet(path)
    compile_solution(path, folder.sample, out, test_set=SPEC, phases=[MEANS])
    ordered = frame.sort("jet")
    stored = np.load(out / "truth" / "target.npy")
    assert np.array_equal(stored, ordered.select("mass", "pt").to_numpy().astype(float))
    assert np.array_equal(np.load(out / "truth" / "weight.npy"), ordered["Weight"].to_numpy())


def test_the_perfect_file_is_exact(folder: Folder) -> None:
    folder.compile(phases=[ALL])
    path = KIND.write_perfect(folder.path / "compiled", folder.path / "perfect.txt")
    assert path == folder.path / "perfect.csv"
    frame = pl.read_csv(path)
    assert frame.columns == ["jet", "mass", "pt"]
    assert frame.equals(folder.frame.select("jet", "mass", "pt").sort("jet"))
    outcome = score_file(path, path.name, folder.path / "compiled", "main")
    values = [one.value for split in outcome.scores.values() for one in split.values()]
    assert values == [0.0] * 12


def test_a_drawn_split_has_the_same_share_in_every_tenth_of_the_first_target(
    folder: Folder,
) -> None:
    frame = folder.frame.drop("usage")
    spec = replace(SPEC, split=SplitSpec(public=0.25, seed=3))
    folder.compile(frame, test_set=spec)
    usage = np.load(folder.path / "compiled" / "truth" / "main" / "usage.npy")
    tenth = frame.sort("jet")["mass"].rank("ordinal").to_numpy().astype(int) - 1
    shares = [int((usage[tenth // (N // 10) == number] == 1).sum()) for number in range(10)]
    assert shares == [30] * 10
    folder.compile(frame, test_set=replace(spec, split=replace(spec.split, stratify=False)))
    usage = np.load(folder.path / "compiled" / "truth" / "main" / "usage.npy")
    assert len({int((usage[tenth // (N // 10) == number] == 1).sum()) for number in range(10)}) > 1


def test_tenths_of_values() -> None:
    assert quantile_bins(np.arange(20.0)).tolist() == [at // 2 for at in range(20)]
    assert quantile_bins(np.full(5, 3.0)).tolist() == [9] * 5
    assert quantile_bins(np.empty(0)).tolist() == []


def test_groups_stay_together_and_count_as_one(folder: Folder) -> None:
    events = np.arange(N) // 3
    frame = folder.frame.drop("usage").with_columns(pl.Series("event", events))
    split = SplitSpec(public=0.5, seed=9)
    folder.compile(frame, test_set=replace(SPEC, split=split, group="event"))
    compiled = folder.path / "compiled"
    usage = np.load(compiled / "truth" / "main" / "usage.npy")
    order = np.argsort(np.argsort(frame["jet"].to_numpy()))
    triples = usage[order].reshape(-1, 3)
    assert (triples == triples[:, :1]).all()
    grouped = score_file(folder.sample, "s", compiled, "main").scores["private"]
    folder.compile(frame, test_set=replace(SPEC, split=replace(split, group="event")))
    single = score_file(folder.sample, "s", compiled, "main").scores["private"]
    for name in MEANS.names():
        assert grouped[name].value == single[name].value
        assert grouped[name].sigma != single[name].sigma


def test_negative_weights_suit_means_but_not_quantiles(folder: Folder) -> None:
    frame = folder.frame.with_columns(Weight=pl.col("Weight") - 0.5)
    assert folder.compile(frame).phases["main"]["public"].facts["weight_sum"] > 0
    with pytest.raises(SolutionError) as refused:
        folder.compile(frame, phases=[replace(MEANS, metric="resolution_68")])
    assert str(refused.value) == (
        "Phase main, public split: Medians and resolutions have no meaning with negative weights; "
        "use mae, rmse or bias, or a solution whose weights are all at least 0."
    )


Change = Callable[[pl.DataFrame], pl.DataFrame]


def cell(column: str, value: Any, row: int = 3) -> Change:
    def change(frame: pl.DataFrame) -> pl.DataFrame:
        text = frame[column].cast(pl.String).to_list()
        text[row] = value
        return frame.with_columns(pl.Series(column, text))

    return change


def only(split: str, **values: Any) -> Change:
    return lambda frame: frame.with_columns(
        pl.when(pl.col("usage") == split).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )


WRONG: dict[str, tuple[Change, dict[str, Any], str]] = {
    "no target": (
        lambda f: f.drop("pt"),
        {},
        "s.csv: the column 'pt' is missing; it has jet, mass, Weight, usage.",
    ),
    "word as target": (
        cell("mass", "heavy"),
        {},
        "s.csv: the column 'mass' holds values that are not finite numbers in 1 rows; "
        'first data rows: 4 ("heavy").',
    ),
    "empty target": (
        cell("mass", None),
        {},
        "s.csv: the column 'mass' holds values that are not finite numbers in 1 rows; "
        'first data rows: 4 ("None").',
    ),
    "truth out of range": (
        cell("pt", "5000.5"),
        {},
        "s.csv: the column 'pt' leaves the range 0 to 5000 that predictions must keep to in 1 "
        'rows; first data rows: 4 ("5000.5").',
    ),
    "truth beyond squares": (
        cell("pt", "1e60"),
        {"test_set": replace(SPEC, bounds=None)},
        "s.csv: the column 'pt' leaves the range -1e+50 to 1e+50 that predictions must keep to in "
        '1 rows; first data rows: 4 ("1e60").',
    ),
    "range the wrong way round": (
        lambda f: f,
        {"test_set": replace(SPEC, bounds=(10, 5))},
        "range: 10 is not below 5.",
    ),
    "sample out of range": (
        lambda f: f,
        {"test_set": replace(SPEC, bounds=(0, 295))},
        'sample.csv: The target "pt" must lie between 0 and 295; 1,200 values do not, the first '
        "is 300. Look at the units, and at events without a sensible answer.",
    ),
    "no relative error": (
        only("private", pt=0.0),
        {},
        "Phase main, private split: A true value is 0, to which no error is relative; use mae, or "
        "leave such events out.",
    ),
    "no event": (
        lambda f: f.with_columns(usage=pl.lit("private")),
        {},
        "Phase main, public split: There is no event to score.",
    ),
    "weights of nothing": (
        only("public", Weight=0.0),
        {},
        "Phase main, public split: The weights sum to 0, not above 0; a mean needs that.",
    ),
    "word as weight": (
        cell("Weight", "much"),
        {},
        "s.csv: the column 'Weight' holds weights that are not finite numbers in 1 rows; "
        'first data rows: 4 ("much").',
    ),
    "totals of classes": (
        lambda f: f,
        {"phases": [replace(MEANS, normalise={"s": 1.0})]},
        "Phase main, public split: normalise is for the classes of selections; leave it out.",
    ),
    "metric of selections": (
        lambda f: f,
        {"phases": [replace(MEANS, metric="ams")]},
        "Unknown metric 'ams'; regression has bias, mae, median_absolute_error, mre, "
        "resolution_68, rmse.",
    ),
    "event missing": (
        lambda f: f.head(N - 2),
        {},
        "s.csv: 2 ids of the sample are missing in 'jet'.",
    ),
}


@pytest.mark.parametrize(("change", "settings", "text"), WRONG.values(), ids=WRONG)
def test_wrong_solutions_are_refused(
    folder: Folder, change: Change, settings: dict[str, Any], text: str
) -> None:
    with pytest.raises(SolutionError) as refused:
        folder.compile(change(folder.frame), **settings)
    assert str(refused.value) == text
    assert not (folder.path / "compiled").exists()


def test_mre_is_the_only_metric_that_minds_a_truth_of_zero(folder: Folder) -> None:
    frame = only("private", pt=0.0)(folder.frame)
    folder.compile(frame, phases=[replace(MEANS, metrics=["rmse", "bias"])])
    frame = only("ignored", pt=0.0)(folder.frame)
    folder.compile(frame, phases=[ALL])


def test_targets_are_what_no_other_column_is(folder: Folder) -> None:
    frame = folder.frame.with_columns(event=pl.col("jet"), shift=pl.lit("nominal"))
    columns = ["Weight", "jet", "mass", "event", "usage", "shift"]
    frame.select(columns).write_csv(folder.sample)
    spec = replace(SPEC, group="event", variants="shift")
    folder.compile(frame, test_set=spec)
    form = KIND.open_universe(folder.path / "compiled" / "universe").format
    assert (form.id_column, form.targets) == ("jet", ("mass",))
    frame.select("jet", "Weight", "usage").write_csv(folder.sample)
    with pytest.raises(SolutionError) as refused:
        folder.compile(frame, test_set=spec)
    assert str(refused.value) == (
        "sample.csv: there is no target column beside 'jet'; a regression needs one for each "
        "quantity to predict."
    )
