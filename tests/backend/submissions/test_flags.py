"""Flags: one file from two teams, scores too good to be true; only organisers see them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.models import Challenge, Organiser
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.submissions.plausibility import is_implausible
from people import Browser
from sqlalchemy import select
from stories import API, Person, Story, begin_story

pytestmark = pytest.mark.stores
LIST = f"{API}/admin/challenges/tiny/submissions"


def organiser(story: Story) -> Person:
    person = story.person("prof", joined=False)
    with story.platform.db.transaction() as session:
        challenge = session.scalars(select(Challenge)).one()
        session.add(Organiser(challenge_id=challenge.id, user_id=story.user("prof").id))
    return person


def flagged(person: Person, flag: str) -> set[str]:
    answer = person.get(LIST, params={"flag": flag})
    return {one["id"] for one in answer.json()["items"]}


def test_one_file_from_two_teams_is_flagged_to_organisers_only(story: Story) -> None:
    prof = organiser(story)
    prof.join()
    ada, bob = story.person("ada"), story.person("bob")
    file = story.prediction(0.5)
    first = ada.submit(file).json()["id"]
    assert flagged(prof, "same-file") == set()
    prof.submit(file)
    assert flagged(prof, "same-file") == set(), "staff may hand in what they like"
    second = bob.submit(file).json()["id"]
    bob.submit(story.prediction(0.7))
    assert flagged(prof, "same-file") == {first, second}
    page = Browser(story.web).log_in(story.platform, story.user("prof"))
    shown = page.get("/challenges/tiny/organise").text
    assert "Look at these" in shown
    assert first in shown.split("Look at these")[1].split("</section>")[0]
    theirs = Browser(story.web).log_in(story.platform, story.user("ada"))
    for path in (f"/submissions/{first}", "/challenges/tiny/submissions", "/challenges/tiny"):
        assert "same file" not in theirs.get(path).text


def test_what_the_challenge_publishes_itself_is_nobody_s(story: Story) -> None:
    prof = organiser(story)
    sample = (story.folder / "sample_submission.csv").read_bytes()
    for name in ("ada", "bob"):
        assert story.person(name).submit(sample).status_code == 201
    assert flagged(prof, "same-file") == set()


def test_a_score_too_good_to_be_true_is_flagged_to_organisers_only(
    platform: Platform, web: TestClient, tmp_path: Path
) -> None:
    test_set = {
        "solution": "solution.csv",
        "sample": "sample_submission.csv",
        "plausible": {"metric": "signal_efficiency", "bound": 0.9},
    }
    story = begin_story(platform, web, tmp_path / "tiny", test_sets={"main": test_set})
    prof, ada = organiser(story), story.person("ada")
    good = ada.submit(story.prediction(-4.0)).json()["id"]
    ada.submit(story.prediction(2.0))
    story.drain()
    assert flagged(prof, "implausible") == {good}
    page = Browser(web).log_in(platform, story.user("prof"))
    assert "Look at these" in page.get("/challenges/tiny/organise").text
    assert "calls plausible" in page.get(f"/submissions/{good}").text
    theirs = Browser(web).log_in(platform, story.user("ada"))
    for path in (f"/submissions/{good}", "/challenges/tiny/submissions"):
        assert "plausible" not in theirs.get(path).text
    for path in (f"{API}/submissions/{good}", f"{API}/challenges/tiny/submissions"):
        assert "plausible" not in ada.get(path).text


@pytest.mark.parametrize(
    ("metric", "bound", "value", "expected"),
    [
        ("auc", 0.99, 0.995, True),
        ("auc", 0.99, 0.99, False),
        ("mae", 0.5, 0.4, True),
        ("mae", 0.5, 0.6, False),
        ("bias", 0.1, -0.05, True),
        ("bias", 0.1, -0.2, False),
    ],
)
def test_better_is_by_the_metric_s_direction(
    metric: str, bound: float, value: float, expected: bool
) -> None:
    table: dict[str, Any] = {"metric": metric, "bound": bound}
    scores = {metric: {"value": value}}
    assert is_implausible(table, None, scores) is expected
    assert is_implausible(table, scores, {}) is expected
    assert not is_implausible(None, scores, scores)
    assert not is_implausible(table, {"other": {"value": value}}, None)
