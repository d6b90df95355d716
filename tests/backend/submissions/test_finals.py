"""What counts as things stand: the rule, its words, the call, the banners, and the note."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from challenge_folder import tiny_toml
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.submissions.counting import BoardRule, Scored, SplitScore, finalists
from fivesigma_backend.submissions.finals import Finals, finals_now, in_words
from fivesigma_backend.submissions.models import Entry
from hypothesis import given
from hypothesis import strategies as st
from people import Browser
from sqlalchemy import update
from stories import API, Person, Story, begin_story

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
FINALS = f"{API}/challenges/tiny/finals"


def scored(number: int, public: float, *, selected: bool = False) -> Scored:
    split = SplitScore(public, None, (public,))
    moment = NOON + timedelta(minutes=number)
    return Scored(str(number), moment, split, split, selected=selected)


def phases(**changes: object) -> list[dict[str, object]]:
    return [tiny_toml()["phases"][0] | changes]


@given(
    st.lists(st.tuples(st.floats(0, 9), st.booleans()), max_size=6),
    st.integers(0, 4),
    st.integers(0, 2),
)
def test_the_finals_are_those_that_the_private_board_takes_the_best_of(
    files: list[tuple[float, bool]], places: int, waiting: int
) -> None:
    every = [scored(n, public, selected=chosen) for n, (public, chosen) in enumerate(files)]
    rule = BoardRule(finals=places)
    found = finals_now(every, rule, [f"w{n}" for n in range(waiting)])
    if places == 0:
        assert found == Finals(0)
        return
    assert [*found.selected, *found.filled] == [one.submission_id for one in finalists(every, rule)]
    assert all(every[int(one)].selected for one in found.selected)
    assert not any(every[int(one)].selected for one in found.filled)
    assert found.free == max(0, places - waiting - len(found.selected))


@pytest.mark.parametrize(
    ("finals", "words"),
    [
        (Finals(0), "nothing to select"),
        (Finals(2), "Nothing is scored yet, so nothing counts. Your team may select up to 2 final"),
        (Finals(1), "up to 1 final submission;"),
        (Finals(2, filled=("a", "b")), "2 with the best public scores."),
        (Finals(2, ("a",), (), ("b",)), "1 that your team selected and 1 with the best public"),
        (Finals(2, ("a",), (), ("b",)), "Your team may select 1 more;"),
        (Finals(3, ("a",), ("b",), ("c",)), "1 selected but not scored yet and 1 with the best"),
        (Finals(2, filled=("a",)), "one submission counts on the private events: 1 with the best"),
        (Finals(1, ("a",)), "has selected its final submission; to select another, unselect it"),
        (Finals(2, ("a", "b")), "has selected all of its 2 final submissions"),
    ],
)
def test_it_is_said_in_words(finals: Finals, words: str) -> None:
    assert words in in_words(finals)


def test_the_words_say_what_is_hidden_and_what_can_no_longer_be_done() -> None:
    finals = Finals(2, filled=("a",))
    assert "(which stays hidden)" in in_words(finals, hidden=True)
    assert "may select" not in in_words(finals, may_select=False)


def hand_in(story: Story, person: Person, *cuts: float) -> list[str]:
    ids = []
    for cut in cuts:
        ids.append(person.submit(story.prediction(cut)).json()["id"])
        story.drain()
    return ids


def choose(person: Person, *ids: str, selected: bool = True) -> None:
    for one in ids:
        answer = person.patch(f"{API}/submissions/{one}", json={"selected": selected})
        assert answer.status_code == 200, answer.text


@pytest.mark.stores
def test_the_call_follows_each_choice(story: Story) -> None:
    ada = story.person("ada")
    empty = ada.get(FINALS).json()
    assert (empty["places"], empty["free"], empty["items"]) == (2, 2, [])
    worst, best, middle = hand_in(story, ada, -3.0, 0.5, -1.0)
    found = ada.get(FINALS, params={"phase": "final"}).json()
    assert [(one["id"], one["how"]) for one in found["items"]] == [
        (best, "filled"),
        (middle, "filled"),
    ]
    assert (found["free"], found["open"], found["until"]) == (2, True, "2026-12-21T00:00:00Z")
    choose(ada, worst)
    found = ada.get(FINALS).json()
    assert [(one["id"], one["how"]) for one in found["items"]] == [
        (worst, "selected"),
        (best, "filled"),
    ]
    assert found["free"] == 1
    waiting = ada.submit(story.prediction(1.0)).json()["id"]
    choose(ada, waiting)
    found = ada.get(FINALS).json()
    assert [one["how"] for one in found["items"]] == ["selected", "waiting", "filled"]
    assert found["free"] == 0
    assert ada.get(FINALS, params={"phase": "no"}).status_code == 404


def test_what_can_no_longer_be_scored_frees_its_place(story: Story) -> None:
    ada = story.person("ada")
    (first, second) = hand_in(story, ada, 0.0, 0.5)
    refused = ada.submit(story.prediction(1.0)).json()["id"]
    choose(ada, first, refused)
    assert ada.post(f"{API}/submissions/{refused}/cancel").status_code == 200
    assert ada.get(FINALS).json()["free"] == 1
    choose(ada, second)


def test_a_hidden_board_does_not_tell_which_of_ones_own_is_best(
    platform: Platform, web: TestClient, tmp_path: Path
) -> None:
    story = begin_story(platform, web, tmp_path / "tiny", phases=phases(board="hidden"))
    ada = story.person("ada")
    first, best, _ = hand_in(story, ada, -1.0, 0.5, -3.0)
    choose(ada, first)
    found = ada.get(FINALS).json()
    assert [one["id"] for one in found["items"]] == [first]
    assert found["filled"] == 1
    assert best not in ada.get(FINALS).text


def test_where_the_best_of_all_counts_nothing_is_selected(
    platform: Platform, web: TestClient, tmp_path: Path
) -> None:
    story = begin_story(platform, web, tmp_path / "tiny", phases=phases(finals=0))
    ada = story.person("ada")
    (only,) = hand_in(story, ada, 0.5)
    found = ada.get(FINALS).json()
    assert (found["places"], found["free"], found["items"]) == (0, 0, [])
    assert ada.patch(f"{API}/submissions/{only}", json={"selected": True}).status_code == 422


def test_the_teams_own_close_is_the_one_that_is_told(story: Story, clock: FrozenClock) -> None:
    ada, eve = story.person("ada"), story.person("eve")
    hand_in(story, ada, 0.5)
    with story.platform.db.transaction() as session:
        session.execute(update(Entry).values(closes_at=datetime(2026, 12, 24, tzinfo=UTC)))
    clock.advance(days=21)
    assert ada.get(FINALS).json()["until"] == "2026-12-24T00:00:00Z"
    assert (ada.get(FINALS).json()["open"], eve.get(FINALS).json()["open"]) == (True, False)
    clock.advance(days=2)
    after = ada.get(FINALS).json()
    assert (after["open"], after["free"]) == (False, 0)


@pytest.mark.parametrize("page", ["submissions", "submit", ""])
def test_a_banner_says_what_counts_and_until_when(
    story: Story, clock: FrozenClock, page: str
) -> None:
    ada, eve = story.person("ada"), story.person("eve")
    first, second = hand_in(story, ada, 0.0, 0.5)
    choose(ada, first)
    path = f"/challenges/tiny/{page}".rstrip("/")
    shown = ada.get(path).text
    assert "1 that your team selected and 1 with the best public score" in shown
    assert shown.count(f'href="/submissions/{second}"') >= 1
    banner = shown[shown.index("You may choose until") :][:200]
    assert "data-countdown" in banner
    assert '<time datetime="2026-12-21T00:00:00' in banner
    assert "You may choose until" not in eve.get(path).text  # nothing handed in, nothing to choose
    clock.advance(days=30)
    assert "You may choose until" not in ada.get(path).text


@pytest.mark.stores
def test_a_note_says_how_it_was_made_as_plain_text(story: Story) -> None:
    ada, eve = story.person("ada"), story.person("eve")
    (only,) = hand_in(story, ada, 0.5)
    path = f"{API}/submissions/{only}"
    note = "Boosted trees.\r\nNo <b>test</b> data.\x00\x1b"
    said = ada.patch(path, json={"selected": True, "note": note}).json()
    assert (said["selected"], said["note"]) == (True, "Boosted trees.\nNo <b>test</b> data.")
    assert "No &lt;b&gt;test&lt;/b&gt; data." in ada.get(f"/submissions/{only}").text
    assert ada.get(path).json()["note"] == said["note"]
    assert eve.patch(path, json={"note": "mine"}).status_code == 404
    assert ada.patch(path, json={"note": "x" * 2001}).status_code == 422
    assert ada.patch(path, content=b'{"note": "\\ud800"}').status_code == 422
    assert ada.patch(path, json={"note": "  "}).json()["note"] is None


def test_the_page_asks_for_a_note_when_a_final_is_selected(story: Story) -> None:
    (only,) = hand_in(story, story.person("ada"), 0.5)
    browser = Browser(story.web).log_in(story.platform, story.user("ada"))
    page = f"/submissions/{only}"
    chosen = browser.post(f"{page}/select", page=page, selected="1", note="Trees.\r\nMany.")
    assert chosen.status_code == 303
    assert "Trees.\nMany." in browser.get(page).text
    assert "Unselect as final" in browser.get(page).text
    assert browser.post(f"{page}/note", page=page, note="a\r\n" * 1000).status_code == 303
    too_long = browser.post(f"{page}/note", page=page, note="x" * 2001)
    assert too_long.status_code == 422
    assert "at most 2,000 characters" in too_long.text
