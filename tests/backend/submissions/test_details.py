"""Scores by variant and slice: who sees them and when, and what columns and gates make of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from challenge_folder import tiny_toml, write_tiny_challenge
from conftest import FrozenClock
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_backend.challenges.models import Organiser, Phase
from fivesigma_backend.submissions.models import Evaluation
from fivesigma_scoring import METRICS
from sqlalchemy import select
from stories import API, Person, Story

SLICED = {"slices": ["process"]}
EFFICIENCY, REJECTION = "signal_efficiency@process=h", "background_rejection@process=tt"
GATE = {"metric": EFFICIENCY, "op": ">=", "bound": 0.7}
Begin = Callable[..., Story]


@pytest.fixture
def begin(platform: Any, web: Any, tmp_path: Path) -> Begin:
    """The tiny challenge with three processes; every third event is of the variant `shifted`."""

    def begun(test_set: dict[str, Any], **changes: Any) -> Story:
        phase = {**tiny_toml()["phases"][0], **changes}
        folder = write_tiny_challenge(
            tmp_path / "tiny", rows=1200, test_sets={"main": test_set}, phases=[phase]
        )
        solution = pl.read_csv(folder / "solution.csv")
        odd = pl.int_range(pl.len()) % 2 == 1
        background = pl.when(odd).then(pl.lit("tt")).otherwise(pl.lit("z"))
        process = pl.when(pl.col("label") == "s").then(pl.lit("h")).otherwise(background)
        third = pl.int_range(pl.len()) % 3 == 1
        variant = pl.when(third).then(pl.lit("shifted")).otherwise(pl.lit("nominal"))
        solution.with_columns(process=process, variant=variant).write_csv(folder / "solution.csv")
        load_challenge(platform, folder, report=lambda line: None)
        return Story(platform, web, folder)

    return begun


def handed_in(story: Story, username: str, cut: float) -> tuple[Person, str]:
    person = story.person(username)
    answer = person.submit(story.prediction(cut))
    assert answer.status_code == 201, answer.text
    assert answer.json()["details"] is None
    assert story.drain() == 1
    return person, str(answer.json()["id"])


def organiser(story: Story) -> Person:
    person = story.person("eve", joined=False)
    with story.platform.db.transaction() as session:
        phase = session.scalars(select(Phase)).one()
        user_id = story.user("eve").id
        session.add(Organiser(challenge_id=phase.challenge_id, user_id=user_id))
    return person


def stored(story: Story) -> Evaluation:
    with story.platform.db.read() as session:
        return session.scalars(select(Evaluation)).one()


def details(reader: Person, submission: str) -> Any:
    return reader.get(f"{API}/submissions/{submission}").json()["details"]


@pytest.mark.stores
def test_details_are_public_and_rounded_until_the_unblinding(
    begin: Begin, clock: FrozenClock
) -> None:
    story = begin({**SLICED, "variants": "variant"}, metrics=["signal_efficiency"])
    ada, submission = handed_in(story, "ada", 0.3)
    evaluation = stored(story)
    exact = {"public": evaluation.public_details, "private": evaluation.private_details}
    assert exact["public"] is not None
    assert exact["public"] != exact["private"]
    assert list(exact["public"]["slices"]) == ["process=h", "process=tt", "process=z"]
    assert list(exact["public"]["variants"]) == ["nominal", "shifted"]

    blind = details(ada, submission)
    assert list(blind) == ["public"]
    assert blind["public"]["slices"]["process=tt"]["signal_efficiency"] is None
    for kind, table in blind["public"].items():
        for name, scores in table.items():
            for metric, score in scores.items():
                if score is not None:
                    one, digits = exact["public"][kind][name][metric], METRICS[metric].digits
                    assert score["value"] == round(one["value"], digits)
                    assert score["sigma"] == round(one["sigma"], digits)
                    assert score["sigma"] != one["sigma"]
    assert details(organiser(story), submission) == exact

    clock.advance(days=30)
    story.tick()
    assert details(ada, submission) == exact


def test_a_hidden_board_hides_details_too(begin: Begin) -> None:
    story = begin(SLICED, board="hidden")
    ada, submission = handed_in(story, "ada", 0.3)
    assert details(ada, submission) is None
    assert "By slice" not in ada.get(f"/submissions/{submission}").text


def test_the_page_of_a_submission_has_a_table_by_variant_and_by_slice(begin: Begin) -> None:
    story = begin({**SLICED, "variants": "variant"}, metrics=["signal_efficiency", EFFICIENCY])
    ada, submission = handed_in(story, "ada", 0.3)
    page = ada.get(f"/submissions/{submission}").text
    public = details(ada, submission)["public"]
    assert "By variant</caption>" in page
    assert "By slice</caption>" in page
    assert "Signal efficiency, process=h" in page
    for name in ("shifted", "process=tt"):
        assert f'<th scope="row">{name}</th>' in page
    for score in (public["slices"]["process=h"]["ams"], public["variants"]["shifted"]["ams"]):
        if score is not None:
            assert f'<span class="value">{score["value"]:.4f}</span>' in page
    assert public["slices"]["process=h"]["ams"] is None
    whole = organiser(story).get(f"/submissions/{submission}").text
    assert "By slice, private</caption>" in whole


def test_a_test_set_without_either_has_no_details(begin: Begin) -> None:
    story = begin({})
    ada, submission = handed_in(story, "ada", 0.3)
    assert details(ada, submission) is None
    assert (stored(story).public_details, stored(story).private_details) == (None, None)
    assert "By slice" not in ada.get(f"/submissions/{submission}").text


@pytest.mark.stores
def test_columns_of_slices_stand_on_the_board_in_every_form(begin: Begin) -> None:
    story = begin(SLICED, metrics=["purity", REJECTION])
    ada, submission = handed_in(story, "ada", 0.3)
    wanted = details(ada, submission)["public"]["slices"]["process=tt"]["background_rejection"]
    board = ada.board().json()
    assert board["metrics"] == ["ams", "purity", REJECTION]
    assert board["digits"][REJECTION] == 1
    assert board["rows"][0]["metrics"][REJECTION] == wanted
    (row,) = csv.DictReader(io.StringIO(ada.board(format="csv").text))
    assert float(row[REJECTION]) == wanted["value"]
    assert float(row[f"{REJECTION}_sigma"]) == wanted["sigma"]
    page = ada.get("/challenges/tiny/leaderboard").text
    assert ">Background rejection, process=tt</th>" in page
    assert f"{wanted['value']:.1f}" in page


@pytest.mark.stores
def test_a_gate_on_a_slice_decides_who_is_ranked(begin: Begin, clock: FrozenClock) -> None:
    story = begin(SLICED, gates=[GATE])
    bob, _ = handed_in(story, "bob", 1.5)
    ada, _ = handed_in(story, "ada", 0.0)
    board = ada.board().json()
    assert (
        "Only what has Signal efficiency, process=h &gt;= 0.7"
        in ada.get("/challenges/tiny/leaderboard").text
    )
    shown = {row["team"]: row for row in board["rows"]}
    assert {team: (row["rank"], row["mark"]) for team, row in shown.items()} == {
        "ada": (1, None),
        "bob": (None, "gate"),
    }
    assert shown["bob"]["metrics"][EFFICIENCY]["value"] < 0.7
    assert shown["bob"]["score"] > shown["ada"]["score"]
    clock.advance(days=30)
    story.tick()
    private = bob.board(split="private").json()["rows"]
    assert {row["team"]: row["mark"] for row in private} == {"ada": None, "bob": "gate"}
    of_split = [row["metrics"][EFFICIENCY]["value"] for row in (shown["bob"], private[-1])]
    assert of_split[0] != pytest.approx(of_split[1], abs=1e-6)


@pytest.mark.parametrize("rank", ["nominal", "mean", "worst"])
def test_every_variant_has_a_column_of_the_ranking_metric(begin: Begin, rank: str) -> None:
    story = begin({"variants": "variant"}, variant_rank=rank)
    ada, submission = handed_in(story, "ada", 0.3)
    board = ada.board().json()
    assert board["metrics"] == [
        "ams",
        "ams@nominal",
        "ams@shifted",
        "signal_efficiency",
        "purity",
    ]
    (row,) = board["rows"]
    public = details(ada, submission)["public"]["variants"]
    values = {}
    for name in ("nominal", "shifted"):
        assert row["metrics"][f"ams@{name}"] == public[name]["ams"]
        values[name] = public[name]["ams"]["value"]
    assert values["nominal"] != values["shifted"]
    expected = {
        "nominal": values["nominal"],
        "mean": sum(values.values()) / 2,
        "worst": min(values.values()),
    }
    assert row["score"] == pytest.approx(expected[rank], abs=2e-4)
    assert ">AMS, shifted</th>" in ada.get("/challenges/tiny/leaderboard").text


def test_an_empty_board_of_variants_can_be_read(begin: Begin) -> None:
    story = begin({"variants": "variant"})
    ada = story.person("ada")
    assert ada.board().json()["metrics"] == ["ams", "signal_efficiency", "purity"]
    assert ada.get("/challenges/tiny").status_code == 200
