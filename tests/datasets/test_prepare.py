"""The folder itself, the registry and the reference submissions."""

import io
import subprocess
import sys
import tomllib
from pathlib import Path

import polars as pl
import pytest
from fivesigma_backend.challenges.definition import read_definition
from fivesigma_datasets import BUILTINS, DataError, demo_submissions, prepare
from fivesigma_datasets.higgsml import folder as writing
from fivesigma_datasets.higgsml.features import FEATURES
from fivesigma_datasets.higgsml.split import PROPORTIONS, normalise, renumber
from fivesigma_datasets.shuffling import assigned, auc
from fivesigma_scoring import score


def private_ams(folder: Path, content: bytes) -> float:
    solution = pl.read_parquet(folder / "solution.parquet").filter(pl.col("usage") == "private")
    answer = pl.read_csv(io.BytesIO(content)).select("EventId", "Class")
    joined = solution.join(answer, on="EventId", validate="1:1")
    return score(
        "ams",
        (joined["label"] == "s").to_numpy(),
        (joined["Class"] == "s").to_numpy(),
        joined["weight"].to_numpy(),
        normalise={"s": 691.988607712, "b": 410999.847322},
        regularisation=10,
    ).value


def test_registry_has_higgsml_and_names_it_to_whoever_misspells(tmp_path: Path) -> None:
    assert BUILTINS["higgsml"].name == "higgsml"
    with pytest.raises(DataError, match="there are: higgsml"):
        prepare("higsml", tmp_path / "x")
    with pytest.raises(DataError, match="seed must be 0 or more"):
        prepare("higgsml", tmp_path / "x", seed=-1)


def test_small_folder_is_complete_and_accepted_by_the_platform(small_folder: Path) -> None:
    definition = read_definition(small_folder)
    assert definition.slug == "higgsml"
    settings = tomllib.loads((small_folder / "challenge.toml").read_text())
    assert settings["truth_public"] is True
    named = [settings["card"], *(file["path"] for file in settings["files"].values())]
    test_set = settings["test_sets"]["main"]
    for path in (*named, test_set["solution"], test_set["sample"]):
        assert (small_folder / path).is_file()
    n_test = len(pl.read_parquet(small_folder / "test.parquet"))
    assert test_set["min_selected"] == n_test // 110
    card = (small_folder / "README.md").read_text()
    for heading in ("Physics", "Task", "Data", "Metric", "What the metric ignores", "Citation"):
        assert f"## {heading}" in card
    assert "small table" in card.split("## These data")[1]


@pytest.mark.parametrize(
    ("n_test", "least"), [(1_000, 50), (22_000, 200), (110_000, 1000), (550_000, 5000)]
)
def test_toml_follows_the_data(tmp_path: Path, n_test: int, least: int) -> None:
    about = writing.About('Select "well".', [], truth_public=False, plausible=4.3)
    (tmp_path / "challenge.toml").write_text(writing.toml(about, n_test, figures=False))
    settings = tomllib.loads((tmp_path / "challenge.toml").read_text())
    assert settings["summary"] == 'Select "well".'
    assert settings["truth_public"] is False
    main = settings["test_sets"]["main"]
    assert main["min_selected"] == least
    assert main["plausible"] == {"metric": "ams", "bound": 4.3}


def test_imported_folder_is_accepted_by_the_platform(real: Path, tmp_path: Path) -> None:
    prepare("higgsml", tmp_path / "real", data=[real / "contiguous_7521.csv"], seed=1)
    definition = read_definition(tmp_path / "real")
    assert definition.truth_public
    assert "2014" in definition.summary


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("keep")
    for name in ("mine", "full"):
        with pytest.raises(DataError, match="not empty"):
            prepare("higgsml", tmp_path / name)
    assert (tmp_path / "full" / "file").read_text() == "keep"
    (tmp_path / "empty").mkdir()
    prepare("higgsml", tmp_path / "empty")
    assert (tmp_path / "empty" / "challenge.toml").exists()


def test_an_interrupted_attempt_is_no_obstacle(tmp_path: Path) -> None:
    left = tmp_path / ".out.partial"
    left.mkdir()
    (left / "half").write_text("x")
    prepare("higgsml", tmp_path / "out")
    assert not left.exists()
    assert not (tmp_path / "out" / "half").exists()


def test_small_data_come_twice_as_the_same_bytes(small_folder: Path, tmp_path: Path) -> None:
    told: list[str] = []
    prepare("higgsml", tmp_path / "again", report=told.append)
    for path in small_folder.rglob("*.*"):
        assert (
            tmp_path / "again" / path.relative_to(small_folder)
        ).read_bytes() == path.read_bytes()
    assert any("Pythia" in line for line in told)


def test_sample_submission_scores_as_a_mass_window(small_folder: Path) -> None:
    sample = small_folder / "sample_submission.csv"
    table = pl.read_csv(sample)
    test = pl.read_parquet(small_folder / "test.parquet")
    assert table.columns == ["EventId", "RankOrder", "Class"]
    assert set(table["EventId"]) == set(test["EventId"])
    assert sorted(table["RankOrder"]) == list(range(1, len(table) + 1))
    assert private_ams(small_folder, sample.read_bytes()) == pytest.approx(1.54, abs=0.15)


def test_demo_submissions_use_published_files_only_and_get_better(
    small_folder: Path, tmp_path: Path
) -> None:
    published = tmp_path / "published"
    published.mkdir()
    for name in ("train.parquet", "test.parquet", "challenge.toml"):
        (published / name).write_bytes((small_folder / name).read_bytes())
    files = demo_submissions(published)
    values = [private_ams(small_folder, content) for _, _, content in files]
    assert values == sorted(values)
    assert values[0] < 1.8
    assert 2.2 < values[-1] < 4.5
    assert len({name for name, _, _ in files}) == len(files) == 3
    assert all(message for _, message, _ in files)


def test_split_is_stratified_seeded_and_in_proportion() -> None:
    groups = pl.Series(["a"] * 800 + ["b"] * 80)
    usage = assigned(groups, PROPORTIONS, 3)
    counts = pl.DataFrame({"g": groups, "u": usage}).group_by("g", "u").len()
    expected = {("a", "train"): 250, ("a", "public"): 100, ("a", "private"): 450}
    expected |= {("b", "train"): 25, ("b", "public"): 10, ("b", "private"): 45}
    assert {(g, u): n for g, u, n in counts.rows()} == expected
    assert usage.equals(assigned(groups, PROPORTIONS, 3))
    assert not usage.equals(assigned(groups, PROPORTIONS, 4))


def test_renumbering_takes_the_order_away_and_keeps_training_first() -> None:
    table = pl.DataFrame({"Label": ["s"] * 4000 + ["b"] * 4000})
    table = table.with_columns(assigned(table["Label"], PROPORTIONS, 1))
    after = renumber(table, 1)
    assert after["EventId"].to_list() == list(range(100_000, 108_000))
    assert (after["usage"] == "train")[:2500].all()
    test = after.filter(pl.col("usage") != "train")
    assert abs(auc(test["EventId"].to_numpy(), (test["Label"] == "s").to_numpy()) - 0.5) < 0.03


def test_weights_that_are_right_stay_as_they_are() -> None:
    weights = [691.988607712 * 0.25, 691.988607712 * 0.75, 410999.847322]
    table = pl.DataFrame({"Weight": weights, "Label": ["s", "s", "b"], "usage": ["train"] * 3})
    assert normalise(table)["Weight"].to_list() == weights
    doubled = normalise(table.with_columns(pl.col("Weight") * 2))["Weight"].to_list()
    assert doubled == pytest.approx(weights)


def test_all_thirty_features_are_there() -> None:
    assert len(FEATURES) == len(set(FEATURES)) == 30


def test_starter_writes_a_submission_that_beats_the_mass_window(
    small_folder: Path, tmp_path: Path
) -> None:
    train = pl.read_parquet(small_folder / "train.parquet")
    train.head(15_000).write_parquet(tmp_path / "train.parquet")
    (tmp_path / "test.parquet").write_bytes((small_folder / "test.parquet").read_bytes())
    script = tmp_path / "starter.py"
    script.write_bytes((small_folder / "starter.py").read_bytes())
    assert len(script.read_text().splitlines()) < 80
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert "fivesigma submit higgsml -f submission.csv" in run.stdout.splitlines()[-1]
    assert private_ams(small_folder, (tmp_path / "submission.csv").read_bytes()) > 2.5
