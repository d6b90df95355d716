"""The folders: accepted by the platform, the same bytes again, made by any number of processes."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fivesigma_backend.challenges.definition import read_definition
from fivesigma_datasets import BUILTINS, DataError, demo_submissions, prepare
from fivesigma_datasets.lartpc import figures
from fivesigma_datasets.lartpc.folder import FIGURES, About, card, renumbered, toml
from fivesigma_datasets.lartpc.layout import IMAGES, PARTS, VOXELS
from fivesigma_datasets.lartpc.simulate import sizes_of

SHIPPED = Path(figures.__file__).parent / "small" / "lartpc"
FINALS = ("phase-1-final", "phase-2-final", "phase-3-final")


@pytest.mark.parametrize(
    ("name", "shape"), [("lartpc", [256, 256]), ("lartpc-3d", [192, 192, 192])]
)
def test_folder_is_complete_and_accepted(
    name: str, shape: list[int], images_folder: Path, voxels_folder: Path
) -> None:
    folder = images_folder if name == "lartpc" else voxels_folder
    definition = read_definition(folder)
    assert definition.slug == name == BUILTINS[name].name
    assert definition.truth_public
    assert [phase.slug for phase in definition.phases] == [
        *("phase-1", "phase-1-final", "phase-2", "phase-2-final", "phase-3", "phase-3-final")
    ]
    assert all(one.shape == shape for one in definition.test_sets.values())
    for file in definition.published().values():
        assert (folder / file.path).is_file()
    text = (folder / "README.md").read_text()
    for heading in ("Physics", "Task", "Data", "Metric", "What the metric ignores", "Citation"):
        assert f"## {heading}" in text
    assert "small set" in text.split("## These data")[1]


def test_finals_take_no_uploads_and_the_boards_say_who_wins(images_folder: Path) -> None:
    definition = read_definition(images_folder)
    for phase in definition.phases:
        assert phase.metric == "event_accuracy_p80"
        assert phase.tie_break == ["event_accuracy_p50", "event_accuracy_mean"]
        classes = 3 if phase.test_set == "stage-1" else 4
        recalls = [f"class_recall_{label}" for label in range(1, classes)]
        assert {*recalls, "mean_iou", "macro_f1"} < set(phase.columns)
        if phase.slug in FINALS:
            assert not phase.uploads
            assert phase.carry_over == "selected"
            assert phase.carry_from == phase.slug.removesuffix("-final")
    rules = " ".join((images_folder / "rules.md").read_text().split())
    assert "decides nothing" in rules
    assert "decides nothing" in (images_folder / "README.md").read_text()


@pytest.mark.parametrize("name", ["lartpc", "lartpc-3d"])
def test_small_data_come_twice_as_the_same_bytes(
    name: str, images_folder: Path, voxels_folder: Path, tmp_path: Path
) -> None:
    folder = images_folder if name == "lartpc" else voxels_folder
    prepare(name, tmp_path / "again")
    for path in folder.rglob("*"):
        if path.is_file():
            again = tmp_path / "again" / path.relative_to(folder)
            assert again.read_bytes() == path.read_bytes(), path


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty events of images, made in this process."""
    out = tmp_path_factory.mktemp("generated") / "lartpc"
    told: list[tuple[int, int]] = []
    BUILTINS["lartpc"].generate(
        out,
        events=60,
        seed=7,
        processes=1,
        progress=lambda done, total, _what: told.append((done, total)),
        report=lambda _line: None,
    )
    assert told[-1] == (60, 60)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    return out


def test_same_seed_same_bytes_with_two_processes_and_after_a_kill(
    generated: Path, tmp_path: Path
) -> None:
    def stop(done: int, _total: int, _what: str) -> None:
        if done >= 20:
            raise KeyboardInterrupt

    options = {"events": 60, "seed": 7, "processes": 2, "report": lambda _line: None}
    with pytest.raises(KeyboardInterrupt):
        BUILTINS["lartpc"].generate(tmp_path / "again", progress=stop, **options)
    assert not (tmp_path / "again").exists()
    BUILTINS["lartpc"].generate(tmp_path / "again", progress=lambda *_: None, **options)
    for path in generated.rglob("*.parquet"):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path
    assert [path.name for path in tmp_path.iterdir()] == ["again"]  # no chunks are left


def test_another_seed_gives_other_events(generated: Path) -> None:
    shipped = pl.read_parquet(SHIPPED / "train_stage-1.parquet")
    made = pl.read_parquet(generated / "train_stage-1.parquet")
    joined = made.join(shipped, on=["event", "voxel", "charge"])
    assert len(joined) < 0.01 * len(made)


def test_a_generated_folder_is_accepted_and_keeps_its_seed(generated: Path) -> None:
    definition = read_definition(generated)
    assert not definition.truth_public
    manifest = json.loads((generated / "manifest.json").read_text())
    assert manifest["seed"] == 7
    assert manifest["versions"]["numpy"] == np.__version__
    assert "seed" not in (generated / "README.md").read_text().split("## These data")[1]
    assert "manifest.json" not in {file.path for file in definition.published().values()}


def test_sizes_add_up_and_every_part_has_events() -> None:
    for number in (20, 33, 10_000):
        sizes = sizes_of(number)
        assert sum(sizes.values()) == number
        assert min(sizes.values()) >= 1
    assert sum(part.share for part in PARTS) == pytest.approx(1)


@pytest.mark.parametrize(("events", "seed", "processes"), [(59, 1, 1), (60, -1, 1), (60, 1, 0)])
def test_impossible_wishes_are_told(tmp_path: Path, events: int, seed: int, processes: int) -> None:
    with pytest.raises(DataError, match="at least 60 events"):
        BUILTINS["lartpc"].generate(
            tmp_path / "out",
            events=events,
            seed=seed,
            processes=processes,
            progress=lambda *_: None,
            report=lambda _line: None,
        )


def test_new_ids_are_shuffled_and_keep_training_apart() -> None:
    event = np.repeat(np.arange(2000), 3)
    part = np.where(event < 800, "train", np.where(event < 1400, "public", "final-private"))
    table = pl.DataFrame({"event": event.astype(np.int32), "part": part, "voxel": event})
    after = renumbered(table, (3, 1))
    train = after.filter(pl.col("part") == "train")["event"].unique()
    assert train.sort().to_list() == list(range(100_000, 100_800))
    test = after.filter(pl.col("part") != "train").unique("event").sort("event")
    assert test["event"].to_list() == list(range(500_000, 501_200))
    middle = test.filter(pl.col("part") == "public")["event"].to_numpy().mean() - 500_000
    assert middle == pytest.approx(600, abs=60)
    assert after.equals(renumbered(table, (3, 1)))
    assert not after.equals(renumbered(table, (4, 1)))
    assert after["event"].is_sorted()


def test_settings_and_card_leave_out_what_is_not_there() -> None:
    about = About(VOXELS, 'A "task".', ["one line"], False, (2,))
    settings = tomllib.loads(toml(about, FIGURES))
    assert settings["slug"] == "lartpc-3d"
    assert settings["summary"] == 'A "task".'
    assert settings["truth_public"] is False
    assert list(settings["test_sets"]) == ["stage-2"]
    assert [phase["slug"] for phase in settings["phases"]] == ["phase-2", "phase-2-final"]
    assert set(settings["files"]) == {"starter", "train-stage-2", "test-stage-2"}
    text = card(about, FIGURES)
    assert text.startswith(f"# {VOXELS.title}\n")
    assert "![" not in text
    assert card(about, ()).count("![") == 2
    assert text.endswith("- one line\n")


def test_pictures_are_left_out_without_matplotlib(
    generated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert all((generated / name).stat().st_size > 10_000 for name in FIGURES)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    told: list[str] = []
    figures.draw(tmp_path, IMAGES, (1, 2, 3), told.append)
    assert "figures left out" in told[0]
    assert not (tmp_path / "figures").exists()


@pytest.mark.parametrize("name", ["lartpc", "lartpc-3d"])
def test_demo_submissions_use_published_files_only_and_get_better(
    name: str, images_folder: Path, voxels_folder: Path, tmp_path: Path
) -> None:
    folder = images_folder if name == "lartpc" else voxels_folder
    for path in folder.iterdir():
        if path.is_file() and not path.name.startswith("solution"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    files = demo_submissions(tmp_path)
    truth = pl.read_parquet(folder / "solution_stage-1.parquet")
    right = []
    for _, _, content in files:
        joined = truth.join(pl.read_parquet(content), on=["event", "voxel"], suffix="_answer")
        assert len(joined) == len(truth)
        right.append((joined["class"] == joined["class_answer"]).mean())
    assert right == sorted(right)
    assert right[-1] > 0.7
    assert len({file for file, _, _ in files}) == len(files) == 2


def test_the_starter_runs_in_its_folder_and_writes_a_submission(
    generated: Path, tmp_path: Path
) -> None:
    for name in ("starter.py", "train_stage-2.parquet", "test_stage-2.parquet"):
        (tmp_path / name).write_bytes((generated / name).read_bytes())
    text = (tmp_path / "starter.py").read_text()
    assert len(text.splitlines()) < 80
    done = subprocess.run(
        [sys.executable, "starter.py", "2"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "P80 on held-out events: 0." in done.stdout
    line = done.stdout.splitlines()[-1]
    assert line.startswith("fivesigma submit lartpc -f prediction_stage-2.parquet")
    assert line.endswith("--phase phase-2")
    answer = pl.read_parquet(tmp_path / "prediction_stage-2.parquet")
    assert len(answer) == len(pl.read_parquet(generated / "test_stage-2.parquet"))
    assert set(answer["class"]) == {1, 2, 3}
