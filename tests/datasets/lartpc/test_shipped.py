"""The shipped events of both challenges: the rules of generated data, and the traps of this one."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fivesigma_datasets.lartpc import reference
from fivesigma_datasets.lartpc.layout import CLASSES, STAGES
from fivesigma_datasets.shuffling import auc
from fivesigma_scoring import Estimate, score

EVERY = [(name, stage) for name in ("lartpc", "lartpc-3d") for stage in STAGES]
every = pytest.mark.parametrize(("name", "stage"), EVERY)
first = pytest.mark.parametrize("name", ["lartpc", "lartpc-3d"])


@dataclass(frozen=True)
class Stage:
    """The tables of a stage."""

    train: pl.DataFrame
    test: pl.DataFrame
    solution: pl.DataFrame
    classes: int


@pytest.fixture(scope="module")
def stages(images_folder: Path, voxels_folder: Path) -> dict[tuple[str, int], Stage]:
    folders = {"lartpc": images_folder, "lartpc-3d": voxels_folder}
    return {
        (name, stage): Stage(
            *(
                pl.read_parquet(folders[name] / f"{kind}_stage-{stage}.parquet")
                for kind in ("train", "test", "solution")
            ),
            len(CLASSES[stage]),
        )
        for name, stage in EVERY
    }


Stages = dict[tuple[str, int], Stage]


def shares(table: pl.DataFrame, classes: int) -> np.ndarray:
    """Share of each class in the labelled pixels of each event, (events, classes - 1)."""
    counts = table.filter(pl.col("class") > 0).group_by("event", maintain_order=True)
    numbers = counts.agg(
        *((pl.col("class") == label).sum().alias(str(label)) for label in range(1, classes))
    )
    values = numbers.drop("event").to_numpy()
    assert (values.sum(axis=1) >= 50).all()
    return np.asarray(values / values.sum(axis=1, keepdims=True))


def p80(stage: Stage, answer: pl.DataFrame, usage: str = "", split: str = "") -> Estimate:
    """The platform's ranking metric of a submission, on the events of a split or all."""
    joined = stage.solution.join(answer, on=["event", "voxel"], how="left", suffix="_answer")
    if usage:
        joined = joined.filter(pl.col(usage) == split)
    events = joined.partition_by("event", maintain_order=True)
    longest = max(len(one) for one in events)
    masks = np.zeros((2, len(events), longest), np.uint8)
    for number, one in enumerate(events):
        masks[0, number, : len(one)] = one["class"].to_numpy()
        masks[1, number, : len(one)] = one["class_answer"].fill_null(0).to_numpy()
    return score("event_accuracy_p80", masks[0], masks[1])


def fitted(folder: Path, stage: int) -> pl.DataFrame:
    """What a linear model on neighbourhoods says, the quickest of baselines."""
    train, test = (
        pl.read_parquet(folder / f"{kind}_stage-{stage}.parquet") for kind in ("train", "test")
    )
    some = train.filter(pl.col("event").rank("dense") <= 60)
    shape = (256, 256) if folder.name == "lartpc" else (192, 192, 192)
    near, other = (reference.neighbourhoods(one, shape) for one in (some, test))
    label = some["class"].to_numpy().astype(np.int64)
    return reference.masked(test, reference.least_squares(near, label, other))


@pytest.fixture(scope="module")
def baseline(images_folder: Path, voxels_folder: Path) -> dict[tuple[str, int], pl.DataFrame]:
    """The linear model on the first stage of both challenges."""
    return {
        ("lartpc", 1): fitted(images_folder, 1),
        ("lartpc-3d", 1): fitted(voxels_folder, 1),
    }


@every
def test_every_event_has_two_classes_and_fifty_labelled_pixels(
    stages: Stages, name: str, stage: int
) -> None:
    for table in (stages[name, stage].train, stages[name, stage].solution):
        share = shares(table, stages[name, stage].classes)
        assert ((share > 0).sum(axis=1) >= 2).all()
        assert (share.max(axis=1) > 0.9).mean() < 0.05  # otherwise a constant would score 1


@every
def test_a_constant_does_not_come_half_way_to_a_quick_baseline(
    stages: Stages, name: str, stage: int
) -> None:
    """Chance is 1/K; the starter has at least 0.79 everywhere (its scores are on the card)."""
    one = stages[name, stage]
    share = shares(one.solution, one.classes)
    chance = 1 / (one.classes - 1)
    for label in range(one.classes - 1):
        assert np.percentile(share[:, label], 80) < (chance + 0.79) / 2


@every
def test_charge_alone_does_not_come_half_way_to_a_quick_baseline(
    stages: Stages, name: str, stage: int
) -> None:
    """The sample submission: the best class for each charge."""
    one = stages[name, stage]
    answer = reference.by_charge(one.test, reference.classes_of_charge(one.train))
    quick = {1: 0.88, 2: 0.82, 3: 0.79}[stage]  # the starter's least, on the card
    assert p80(one, answer).value < (1 / (one.classes - 1) + quick) / 2


@pytest.mark.parametrize("case", [("lartpc", 1), ("lartpc-3d", 1)])
def test_neighbours_tell_much_more_than_charge(
    stages: Stages, baseline: dict[tuple[str, int], pl.DataFrame], case: tuple[str, int]
) -> None:
    one = stages[case]
    answer = reference.by_charge(one.test, reference.classes_of_charge(one.train))
    alone = p80(one, answer).value
    better = p80(one, baseline[case])
    assert better.value > alone + 0.12
    assert better.sigma < (better.value - alone) / 3


def test_events_of_finals_are_slightly_harder(
    stages: Stages, baseline: dict[tuple[str, int], pl.DataFrame]
) -> None:
    """For the linear model, by less than a tenth of the accuracy."""
    lost = []
    for (name, stage), answer in baseline.items():
        right = stages[name, stage].solution.join(answer, on=["event", "voxel"], suffix="_answer")
        by_event = right.group_by("event", f"usage_{stage}_final").agg(
            (pl.col("class") == pl.col("class_answer")).mean().alias("right")
        )
        final = (by_event[f"usage_{stage}_final"] != "ignored").to_numpy()
        accuracy = by_event["right"].to_numpy()
        lost.append(np.percentile(accuracy[~final], 80) - np.percentile(accuracy[final], 80))
    assert 0.005 < np.mean(lost) < 0.10


@first
def test_the_card_says_what_the_reference_submissions_score(
    stages: Stages,
    name: str,
    images_folder: Path,
    voxels_folder: Path,
) -> None:
    """Charge alone in every stage, and the linear model of the demo in the first."""
    folder = images_folder if name == "lartpc" else voxels_folder
    card = (folder / "README.md").read_text().partition(f"`{name}`, charge alone")[2]
    rows = re.findall(r"\| (\d) \| (\S+) ± \S+ \| (\S+) ± \S+ \|", card)[:4]
    linear = pl.read_parquet(io.BytesIO(reference.demo_submissions(folder)[-1][2]))
    for row, (stage, *said) in enumerate(rows):
        one = stages[name, int(stage)]
        charge = reference.by_charge(one.test, reference.classes_of_charge(one.train))
        answer = linear if row == 3 else charge
        splits = ((f"usage_{stage}", "public"), (f"usage_{stage}_final", "private"))
        found = [p80(one, answer, *split).value for split in splits]
        assert [float(value) for value in said] == pytest.approx(found, abs=0.003)
    assert [row[0] for row in rows] == ["1", "2", "3", "1"]


@every
def test_ids_say_nothing_about_use_and_class(stages: Stages, name: str, stage: int) -> None:
    one = stages[name, stage]
    assert one.test["event"].unique().to_list() == one.solution["event"].unique().to_list()
    events = one.solution.group_by("event").agg(
        pl.col(f"usage_{stage}").first(),
        pl.col(f"usage_{stage}_final").first(),
        (pl.col("class") == 1).mean().alias("electrons"),
    )
    ids = events["event"].to_numpy()
    noise = 4 * np.sqrt(1 / (12 * len(ids) / 4))  # four sigma of an AUC with so few events
    for positive in (
        events[f"usage_{stage}_final"] == "private",
        events[f"usage_{stage}"] == "public",
        events["electrons"] > events["electrons"].median(),
    ):
        assert abs(auc(ids, positive.to_numpy()) - 0.5) <= max(0.02, noise)


def test_ids_of_all_stages_together_say_nothing(stages: Stages) -> None:
    """AUC of the place in the file for "in the final": two sigma are 0.02 here."""
    places, final = [], []
    for (_, stage), one in stages.items():
        events = one.solution.group_by("event").agg(pl.col(f"usage_{stage}_final").first())
        events = events.sort("event")
        places.append(np.arange(len(events)) / len(events))
        final.append((events[f"usage_{stage}_final"] != "ignored").to_numpy())
    assert abs(auc(np.concatenate(places), np.concatenate(final)) - 0.5) <= 0.04


@every
def test_each_phase_has_events_of_its_own(stages: Stages, name: str, stage: int) -> None:
    usage = stages[name, stage].solution.select(f"usage_{stage}", f"usage_{stage}_final").unique()
    assert sorted(usage.rows()) == [
        ("ignored", "private"),
        ("ignored", "public"),
        ("private", "ignored"),
        ("public", "ignored"),
    ]


@every
def test_truth_lies_in_lit_pixels_and_some_lit_pixels_are_noise(
    stages: Stages, name: str, stage: int
) -> None:
    one = stages[name, stage]
    missing = one.solution.join(one.test, on=["event", "voxel"], how="anti")
    assert missing.is_empty()
    for events, noise in (
        (one.test["event"].n_unique(), len(one.test) - len(one.solution)),
        (one.train["event"].n_unique(), int((one.train["class"] == 0).sum())),
    ):
        assert 5 < noise / events < 60
    assert set(one.solution["class"]) == set(range(1, one.classes))
    assert one.train.select("event", "voxel").is_duplicated().sum() == 0
    assert not set(one.train["event"]) & set(one.test["event"])


@every
def test_test_tables_hold_no_truth(stages: Stages, name: str, stage: int) -> None:
    one = stages[name, stage]
    assert one.test.columns == ["event", "voxel", "charge"]
    assert one.train.columns == ["event", "voxel", "charge", "class"]
    assert one.test["voxel"].max() < (256**2 if name == "lartpc" else 192**3)
    assert one.test["charge"].min() >= 1.7  # 3.5 times the noise of 0.5


def test_volumes_are_sparse(stages: Stages) -> None:
    """About 800 lit voxels of 7.1 million."""
    for stage in STAGES:
        one = stages["lartpc-3d", stage]
        assert 550 < len(one.train) / one.train["event"].n_unique() < 1000


def test_the_last_stage_has_dead_wires(stages: Stages) -> None:
    """Long tracks and showers are cut: steps between neighbouring lit wires of 4 to 11 abound."""
    found = {}
    for stage in (2, 3):
        steps = []
        for event in stages["lartpc", stage].train.partition_by("event"):
            wires = np.unique(event.filter(pl.col("class") > 0)["voxel"].to_numpy() % 256)
            steps.append(((np.diff(wires) > 3) & (np.diff(wires) < 12)).sum())
        found[stage] = float(np.mean(steps))
    assert found[3] > found[2] + 0.4
