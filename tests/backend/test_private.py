"""Private means never serialised: planted private values are looked for behind every route."""

from __future__ import annotations

import re
from typing import Any

import pytest
from conftest import FrozenClock
from figure_rows import PICTURES, plant_figures
from fivesigma_backend.core.web import api_routes
from fivesigma_backend.submissions.models import Evaluation, Standing
from sqlalchemy import select, update
from stories import Person, Story

MARKER = 7351.8642097531
PLANTED = re.compile(r"7351\.?8?6?4?|7351")
UNSEEN = (
    ("public", "participant_open"),
    ("public", "organiser"),
    ("private", "participant_open"),
    ("private", "organiser"),
)
# How the site is doing, which the site's own work changes.
CHANGING = {"/healthz", "/readyz", "/metrics"}
FRESH = re.compile(r'name="[^"]*" value="[^"]{20,}"')
STREAMS = {"/api/v1/challenges/{slug}/events"}


@pytest.fixture
def planted(story: Story) -> Story:
    """A scored submission of ada whose private scores can't be mistaken for anything else.

    Nor can its figures of private events, and those of public ones that are not for her yet.
    """
    ada = story.person("ada")
    ada.submit(story.prediction(0.5))
    story.drain()
    score = {"value": MARKER, "sigma": MARKER, "n": 7351, "lower_bound": False, "bootstrap": False}
    with story.platform.db.transaction() as session:
        everything = dict.fromkeys(("ams", "signal_efficiency", "purity"), score)
        columns = {f"ams@{name}": score for name in ("shifted", "process=7351")}
        rows = {"variants": {"shifted": everything}, "slices": {"process=7351": everything}}
        planted = {"private_scores": everything | columns, "private_details": rows}
        session.execute(update(Evaluation).values(planted))
        planted = {"score": MARKER, "sigma": MARKER, "place": [MARKER]}
        planted |= {"metrics": everything | columns}
        session.execute(update(Standing).where(Standing.board == "private").values(planted))
    plant_figures(story, values=dict.fromkeys(UNSEEN, MARKER))
    return story


def addresses(story: Story, submission: str) -> list[str]:
    """Every GET route, with its parameters filled in, and the private board asked for."""
    values = {"slug": "tiny", "submission_id": submission, "name": "test"}
    paths = []
    for route in api_routes(story.web.app):
        if "GET" in (route.methods or set()) and route.path not in STREAMS:
            wanted = re.findall(r"{(\w+)(?::\w+)?}", route.path)
            if set(wanted) <= set(values):
                paths.append(re.sub(r"{(\w+)(?::\w+)?}", lambda m: values[m[1]], route.path))
    board = "/api/v1/challenges/tiny/leaderboard"
    page = "/challenges/tiny/leaderboard"
    figures = f"/api/v1/submissions/{submission}/figures"
    mine = [
        f"{start}/challenges/tiny/{one}?phase=final"
        for start in ("", "/api/v1")
        for one in ("result", "finals")
    ]
    return [
        *paths,
        *mine,
        *(f"{figures}/{one}/score.{form}" for one in ("public", "private") for form in PICTURES),
        *(f"{one}?split=private{more}" for one in (board, page) for more in ("", "&format=csv")),
    ]


def answers(story: Story, person: Person | None, paths: list[str]) -> list[tuple[str, Any]]:
    reader: Any = person or story.web
    return [(path, reader.get(path)) for path in paths]


def test_no_route_shows_a_private_value_before_the_unblinding(planted: Story) -> None:
    ada = Person(planted.web, "ada", planted.token("ada"))
    eve = planted.person("eve")
    mine = ada.get("/api/v1/challenges/tiny/submissions").json()["items"][0]["id"]
    paths = addresses(planted, mine)
    assert len(paths) > 20
    for person in (None, ada, eve):
        for path, answer in answers(planted, person, paths):
            text = answer.text + str(dict(answer.headers))
            assert not PLANTED.search(text), (person, path)
            assert answer.status_code < 500, (path, answer.text)


def test_no_answer_depends_on_private_scores_before_the_unblinding(story: Story) -> None:
    """Neither ranks nor who would be better, also where no value is told: answers are the same."""
    ada, eve = story.person("ada"), story.person("eve")
    for person, cuts in ((ada, (0.0, 0.5, -2.0)), (eve, (0.3,))):
        for cut in cuts:
            person.submit(story.prediction(cut))
            story.drain()
    own = ada.get("/api/v1/challenges/tiny/submissions").json()["items"]
    chosen = {"selected": True, "note": "Trees."}
    ada.patch(f"/api/v1/submissions/{own[0]['id']}", json=chosen)
    paths = [one for one in addresses(story, own[0]["id"]) if one not in CHANGING]
    before = [steady(story, person, paths) for person in (ada, eve)]
    turn_private_ranks_over(story)
    after = [steady(story, person, paths) for person in (ada, eve)]
    for old, new in zip(before, after, strict=True):
        for path, answer in old.items():
            assert new[path] == answer, path


def steady(story: Story, person: Person, paths: list[str]) -> dict[str, str]:
    """What somebody is answered, without the secrets that are new in each answer."""
    return {
        path: f"{answer.status_code} {FRESH.sub('', answer.text)}"
        for path, answer in answers(story, person, paths)
    }


def turn_private_ranks_over(story: Story) -> None:
    """Make the best private score of all the worst, everywhere it is stored."""
    with story.platform.db.transaction() as session:
        for evaluation in session.scalars(select(Evaluation)):
            evaluation.private_scores = turned_over(evaluation.private_scores or {})
        for line in session.scalars(select(Standing).where(Standing.board == "private")):
            line.score, line.place = 1000 - line.score, [1000 - one for one in line.place]
            line.metrics = turned_over(line.metrics)


def turned_over(scores: dict[str, Any]) -> dict[str, Any]:
    return {name: one | {"value": 1000 - one["value"]} for name, one in scores.items()}


def test_the_walk_finds_the_values_once_they_are_open(planted: Story, clock: FrozenClock) -> None:
    clock.advance(days=30)
    planted.tick()
    ada = Person(planted.web, "ada", planted.token("ada"))
    mine = ada.get("/api/v1/challenges/tiny/submissions").json()["items"][0]["id"]
    paths = addresses(planted, mine)
    shown = {path for path, answer in answers(planted, ada, paths) if PLANTED.search(answer.text)}
    assert f"/api/v1/submissions/{mine}" in shown
    assert "/api/v1/challenges/tiny/leaderboard?split=private" in shown
    assert f"/submissions/{mine}" in shown
    assert "/api/v1/challenges/tiny/result" in shown
    assert "/challenges/tiny/result?phase=final" in shown
    for place in ("figures", "figures/public/score.dark.png", "figures/private/score.light.svg"):
        assert f"/api/v1/submissions/{mine}/{place}" in shown
