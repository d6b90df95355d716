"""Masks and regressions from a folder to an unblinded board, through HTTP and the worker."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest
from challenge_folder import CLOSES
from fivesigma_backend.challenges.loading import load_challenge
from kind_folders import EVENTS, SHAPE, write_masks_challenge, write_regression_challenge
from stories import API, Person, Story

Mask = np.ndarray[Any, Any]


@pytest.fixture
def masks(platform: Any, web: Any, tmp_path: Path) -> Story:
    load_challenge(platform, write_masks_challenge(tmp_path / "masks"), report=lambda line: None)
    return Story(platform, web, tmp_path / "masks")


@pytest.fixture
def masses(platform: Any, web: Any, tmp_path: Path) -> Story:
    folder = write_regression_challenge(tmp_path / "masses")
    load_challenge(platform, folder, report=lambda line: None)
    return Story(platform, web, folder)


def sparse(mask: Mask, how: str = "voxel") -> pl.DataFrame:
    event, row, column = np.nonzero(mask)
    places = {"row": row, "col": column} if how == "rowcol" else {"voxel": row * SHAPE[1] + column}
    return pl.DataFrame({"event": event, **places, "class": mask[event, row, column]})


def written(write: Any) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def as_hdf5(mask: Mask) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as opened:
        opened.create_dataset("pred", data=mask, compression="gzip")
    return file.getvalue()


def forms(mask: Mask) -> dict[str, bytes]:
    table = sparse(mask)
    shuffled = table.sample(fraction=1.0, shuffle=True, seed=3)
    return {
        "a.csv": table.write_csv().encode(),
        "shuffled.csv": shuffled.write_csv().encode(),
        "rowcol.csv": sparse(mask, "rowcol").write_csv().encode(),
        "a.parquet": written(shuffled.write_parquet),
        "a.npz": written(lambda file: np.savez_compressed(file, **table.to_dict())),
        "a.npy": written(lambda file: np.save(file, mask)),
        "a.h5": as_hdf5(mask),
    }


def scored(story: Story, person: Person, content: bytes, name: str) -> Any:
    answer = person.submit(content, name=name)
    assert answer.status_code == 201, (name, answer.text)
    assert story.drain() == 1
    found = person.get(f"{API}/submissions/{answer.json()['id']}").json()
    assert found["status"] == "scored", (name, found["findings"])
    return found


def accuracies(truth: Mask, mask: Mask, split: str) -> list[float]:
    """Per event, by hand: pixels with truth above 0 that are right."""
    values = []
    for event in range(EVENTS):
        if (event % 3 == 0) == (split == "public"):
            right = total = 0
            for true, mine in zip(truth[event].flat, mask[event].flat, strict=True):
                total += true > 0
                right += true > 0 and true == mine
            values.append(right / total)
    return values


def test_every_form_of_a_mask_has_the_same_score(masks: Story) -> None:
    ada = masks.person("ada")
    truth = np.load(masks.folder / "truth.npy")
    mine = np.where(np.random.default_rng(4).random(truth.shape) < 0.8, truth, 1) * (truth > 0)
    mine = mine.astype(np.uint8)
    found = {name: scored(masks, ada, one, name) for name, one in forms(mine).items()}
    assert all(one["scores"] == found["a.csv"]["scores"] for one in found.values())
    assert all(one["findings"] == [] for one in found.values()), found
    public = found["a.csv"]["scores"]["public"]
    by_hand = accuracies(truth, mine, "public")
    assert public["event_accuracy_p80"]["value"] == round(np.percentile(by_hand, 80), 4)
    assert public["event_accuracy_p80"]["sigma"] > 0


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ("transposed", "transpos"),
        ("one-based", "1-based"),
        ("shifted", "event"),
    ],
)
def test_a_mask_in_the_wrong_place_is_told_why_before_it_costs_anything(
    masks: Story, mistake: str, words: str
) -> None:
    ada = masks.person("ada")
    mask = np.load(masks.folder / "truth.npy")
    wrong = {
        "transposed": lambda: mask.transpose(0, 2, 1).reshape(mask.shape),
        "one-based": lambda: np.roll(mask.reshape(EVENTS, -1), 1, axis=1).reshape(mask.shape),
        "shifted": lambda: np.roll(mask, 1, axis=0),
    }[mistake]()
    answer = ada.validate(sparse(wrong).write_csv().encode()).json()
    assert answer["ok"]
    found = {one["code"]: one["message"] for one in answer["findings"]}
    assert words in found["lit_coverage"], found


def test_the_board_of_masks_ranks_and_opens(masks: Story, clock: Any) -> None:
    truth = np.load(masks.folder / "truth.npy")
    ada, bob = masks.person("ada"), masks.person("bob")
    weaker = np.where(np.random.default_rng(5).random(truth.shape) < 0.6, truth, 1)
    scored(masks, ada, forms(truth)["a.npz"], "a.npz")
    scored(masks, bob, forms((weaker * (truth > 0)).astype(np.uint8))["a.csv"], "b.csv")
    rows = ada.board().json()["rows"]
    assert [(row["rank"], row["team"]) for row in rows] == [(1, "ada"), (2, "bob")]
    assert rows[0]["score"] == 1
    clock.time = CLOSES
    masks.tick()
    private = bob.board(split="private").json()["rows"]
    assert [row["team"] for row in private] == ["ada", "bob"]
    mine = (weaker * (truth > 0)).astype(np.uint8)
    by_hand = accuracies(truth, mine, "private")
    assert private[1]["score"] == pytest.approx(np.percentile(by_hand, 80), abs=1e-12)


def masses_of(story: Story, **change: Any) -> pl.DataFrame:
    test = pl.read_csv(story.folder / "test.csv")
    scale, shift = change.get("scale", 1.0), change.get("shift", 0.0)
    return test.select("jet", mass=pl.col("tracks") * scale + shift)


def test_regressions_are_ranked_by_the_size_of_their_bias(masses: Story) -> None:
    ada, bob, eve = (masses.person(name) for name in ("ada", "bob", "eve"))
    for person, shift in ((ada, 30.0), (bob, -20.0), (eve, 4.0)):
        frame = masses_of(masses, shift=shift)
        scored(masses, person, frame.write_csv().encode(), "m.csv")
    board = ada.board().json()
    assert [row["team"] for row in board["rows"]] == ["eve", "bob", "ada"]
    assert board["rows"][1]["score"] < 0
    truth = pl.read_parquet(masses.folder / "solution.parquet").filter(usage="public")
    joined = truth.join(masses_of(masses, shift=4.0), on="jet", suffix="_mine")
    residual = (joined["mass_mine"] - joined["mass"]).to_numpy()
    metrics = board["rows"][0]["metrics"]
    assert metrics["mae"]["value"] == round(float(np.abs(residual).mean()), 3)
    assert metrics["mre"]["value"] == round(float((np.abs(residual) / joined["mass"]).mean()), 4)


def test_a_regression_in_mev_is_warned_of_and_out_of_range_refused(masses: Story) -> None:
    ada = masses.person("ada")
    low = ada.validate(masses_of(masses, scale=0.001).write_csv().encode()).json()
    assert low["ok"]
    assert [one["code"] for one in low["findings"]] == ["outside_training_range"]
    high = ada.validate(masses_of(masses, scale=1000).write_csv().encode()).json()
    assert not high["ok"]
    assert high["findings"][0]["code"] == "out_of_range"


def test_a_page_shows_fractions_in_per_cent(masses: Story) -> None:
    ada = masses.person("ada")
    found = scored(masses, ada, masses_of(masses).write_csv().encode(), "m.csv")
    value = found["scores"]["public"]["mre"]["value"]
    page = ada.web.get("/challenges/tiny/leaderboard").text
    shown = page.replace("&nbsp;", " ").replace("\xa0", " ")
    assert f'<span class="value">{100 * value:.2f}</span>' in shown
    assert " %</span>" in shown
