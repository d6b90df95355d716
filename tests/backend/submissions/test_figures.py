"""Who sees which figure and when, the pictures' addresses, asking for them, and their queue."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from conftest import FrozenClock
from figure_rows import (
    PICTURES,
    change_figures,
    figure_rows,
    figures_state,
    plant_figures,
    steps,
    titles_of,
)
from fivesigma_backend.challenges.models import Challenge, Organiser, Phase
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.submissions.figures_queue import (
    FiguresClaim,
    MadeFigure,
    claim_figures,
    figures_missed,
    figures_wait,
    give_figures_back,
    give_figures_up,
    renew_figures,
    store_figures,
    store_images,
)
from fivesigma_backend.submissions.figures_rules import shown
from fivesigma_backend.submissions.housekeeping import delete_orphans, referred_blobs
from fivesigma_backend.submissions.models import Evaluation, Submission
from people import Browser
from sqlalchemy import delete, select, update
from stories import API, Person, Story, begin_story

LEASE = timedelta(seconds=30)
BLIND, OPEN, ORGANISER = "participant_blind", "participant_open", "organiser"


@pytest.fixture
def ada(story: Story) -> Person:
    return story.person("ada")


@pytest.fixture
def scored(story: Story, ada: Person) -> str:
    """A scored submission of ada's; its id."""
    identity: str = ada.submit(story.prediction()).json()["id"]
    story.drain()
    return identity


def organiser(story: Story) -> Person:
    person = story.person("olga", joined=False)
    with story.platform.db.transaction() as session:
        challenge = session.scalars(select(Challenge.id)).one()
        session.add(Organiser(challenge_id=challenge, user_id=story.user("olga").id))
    return person


def unblind(story: Story) -> None:
    with story.platform.db.transaction() as session:
        session.execute(update(Phase).values(unblinded_at=story.platform.clock()))


def hide_board(story: Story) -> None:
    with story.platform.db.transaction() as session:
        phase = session.scalars(select(Phase)).one()
        phase.definition = {**phase.definition, "board": "hidden"}


def listed(person: Person, submission: str) -> Any:
    answer = person.get(f"{API}/submissions/{submission}/figures")
    assert answer.status_code == 200, answer.text
    return answer.json()


def reachable(person: Person, submission: str) -> set[tuple[str, str]]:
    """Splits and bytes of every picture that somebody gets, whatever the list says."""
    place = f"{API}/submissions/{submission}/figures"
    answers = [
        (split, person.get(f"{place}/{split}/score.{form}"))
        for split in ("public", "private", "ignored")
        for form in PICTURES
    ]
    assert {answer.status_code for _, answer in answers} <= {200, 404}
    return {(split, answer.text) for split, answer in answers if answer.status_code == 200}


def expected(*titles: str) -> set[tuple[str, str]]:
    return {
        (title.split()[0], f"<svg>{title} {form}</svg>") for title in titles for form in PICTURES
    }


def test_the_rule_shows_nothing_that_it_does_not_name() -> None:
    assert shown(organiser=False, public=False, private=False) == frozenset()
    assert shown(organiser=False, public=True, private=False) == {("public", BLIND)}
    opened = {("public", OPEN), ("private", OPEN)}
    assert shown(organiser=False, public=True, private=True) == opened
    everything = {("public", ORGANISER), ("private", ORGANISER)}
    assert shown(organiser=True, public=True, private=True) == everything


def test_a_blind_phase_shows_its_team_the_blind_figures_of_public_events(
    story: Story, ada: Person, scored: str
) -> None:
    plant_figures(story)
    assert titles_of(listed(ada, scored)["items"]) == ["public participant_blind"]
    assert reachable(ada, scored) == expected("public participant_blind")


def test_the_unblinding_switches_to_the_open_figures_of_both_splits(
    story: Story, ada: Person, scored: str
) -> None:
    plant_figures(story)
    before = listed(ada, scored)["items"][0]["images"]["light.svg"]
    unblind(story)
    titles = ["public participant_open", "private participant_open"]
    assert titles_of(listed(ada, scored)["items"]) == titles
    assert reachable(ada, scored) == expected(*titles)
    stale = ada.get(before)
    assert stale.text == "<svg>public participant_open light.svg</svg>"
    assert stale.headers["cache-control"] == "private, no-cache"


def test_a_hidden_board_hides_ones_own_figures_until_the_unblinding(
    story: Story, ada: Person, scored: str
) -> None:
    plant_figures(story)
    hide_board(story)
    assert listed(ada, scored) == {"items": [], "pending": False, "drawable": False}
    assert reachable(ada, scored) == set()
    refused = ada.post(f"{API}/submissions/{scored}/figures")
    assert (refused.status_code, refused.json()["code"]) == (403, "blinded")
    assert "Draw the figures" not in ada.get(f"/submissions/{scored}").text
    unblind(story)
    assert len(listed(ada, scored)["items"]) == 2


def test_organisers_see_theirs_of_both_splits_at_any_time(
    story: Story, ada: Person, scored: str
) -> None:
    plant_figures(story)
    olga = organiser(story)
    for change in (lambda _: None, hide_board, unblind):
        change(story)
        titles = ["public organiser", "private organiser"]
        assert titles_of(listed(olga, scored)["items"]) == titles
        assert reachable(olga, scored) == expected(*titles)


def test_strangers_and_other_teams_find_nothing(story: Story, scored: str) -> None:
    plant_figures(story)
    unblind(story)
    eve = story.person("eve")
    place = f"{API}/submissions/{scored}/figures"
    for path in (place, f"{place}/public/score.light.svg"):
        assert eve.get(path).status_code == 404
        assert story.web.get(path).status_code == 401
    assert eve.post(place).status_code == 404
    assert story.web.post(place).status_code == 401


def test_a_picture_is_kept_for_ever_under_its_own_version_only(
    story: Story, ada: Person, scored: str
) -> None:
    plant_figures(story)
    images = listed(ada, scored)["items"][0]["images"]
    assert list(images) == ["light.svg", "light.png", "dark.svg", "dark.png"]
    for form, kind in (("light.svg", "image/svg+xml"), ("dark.png", "image/png")):
        answer = ada.get(images[form])
        assert answer.headers["content-type"] == kind
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "script-src" not in answer.headers["content-security-policy"]
        tag = {"If-None-Match": answer.headers["etag"]}
        again = ada.get(images[form], headers=tag)
        assert (again.status_code, again.content) == (304, b"")
        assert ada.get(images[form].split("?")[0]).headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "public/score.light.gif",
        "public/score.light.svg.exe",
        "public/other.light.svg",
        "public/score.blue.svg",
        "../figures/private/score.light.svg",
        "public/..%2F..%2Fscore.light.svg",
    ],
)
def test_other_addresses_lead_nowhere(story: Story, ada: Person, scored: str, path: str) -> None:
    plant_figures(story)
    assert ada.get(f"{API}/submissions/{scored}/figures/{path}").status_code == 404


def test_a_picture_whose_blob_is_gone_is_not_found(story: Story, ada: Person, scored: str) -> None:
    plant_figures(story)
    address = listed(ada, scored)["items"][0]["images"]["light.svg"]
    for sha256 in (figure_rows(story)[0].images or {}).values():
        story.platform.storage.delete(sha256)
    assert ada.get(address).status_code == 404


def test_asking_marks_what_one_may_see_and_nothing_else(
    story: Story, ada: Person, scored: str
) -> None:
    plant_figures(story, drawn=False)
    olga = organiser(story)
    assert listed(olga, scored)["drawable"]
    bell: Any = story.platform.bell
    bell.rung.clear()
    answer = olga.post(f"{API}/submissions/{scored}/figures")
    assert answer.status_code == 202
    assert (answer.json()["pending"], answer.json()["drawable"]) == (True, False)
    assert bell.rung == [("fivesigma.figures", "figures")]
    assert {row.detail for row in figure_rows(story) if row.wanted} == {ORGANISER}
    assert figures_state(story) == ("drawing", 0)
    # Others' pictures are nothing to wait for.
    assert listed(ada, scored)["pending"] is False


def test_asking_twice_changes_nothing(story: Story, ada: Person, scored: str) -> None:
    plant_figures(story)
    for _ in range(2):
        answer = ada.post(f"{API}/submissions/{scored}/figures")
        assert (answer.status_code, answer.json()["pending"]) == (202, False)
    assert figures_state(story) == ("made", 0)


def test_figures_of_what_is_not_scored_are_refused(story: Story, ada: Person) -> None:
    sent = ada.submit(story.prediction()).json()["id"]
    assert listed(ada, sent) == {"items": [], "pending": False, "drawable": False}
    assert ada.post(f"{API}/submissions/{sent}/figures").status_code == 409
    assert figures_state(story) == (None, 0)


def test_scores_of_an_earlier_release_get_figures_when_somebody_asks(
    story: Story, ada: Person, scored: str
) -> None:
    with story.platform.db.transaction() as session:
        session.execute(update(Evaluation).values(figures_state=None))
    assert listed(ada, scored) == {"items": [], "pending": False, "drawable": True}
    assert ada.post(f"{API}/submissions/{scored}/figures").json()["pending"]
    assert figures_state(story) == ("due", 0)


def test_what_was_given_up_is_silent_and_organisers_may_try_again(
    story: Story, ada: Person, scored: str
) -> None:
    plant_figures(story, drawn=False)
    change_figures(story, wanted=True, attempts=3)
    with story.platform.db.transaction() as session:
        session.execute(update(Evaluation).values(figures_state="failed", figures_tries=3))
    nothing = {"items": [], "pending": False, "drawable": False}
    assert listed(ada, scored) == nothing
    ada.post(f"{API}/submissions/{scored}/figures")
    assert figures_state(story) == ("failed", 3)
    assert 'id="figures"' not in ada.get(f"/submissions/{scored}").text
    olga = organiser(story)
    assert listed(olga, scored)["drawable"]
    assert olga.post(f"{API}/submissions/{scored}/figures").json()["pending"]
    assert figures_state(story) == ("drawing", 0)


def test_the_page_shows_the_pictures_with_their_titles_and_notes(
    story: Story, ada: Person, scored: str
) -> None:
    page = ada.get(f"/submissions/{scored}").text
    assert "being drawn" in page
    assert '<meta http-equiv="refresh" content="10">' in page
    plant_figures(story)
    change_figures(story, note="The outermost bins hold what lies beyond.")
    page = ada.get(f"/submissions/{scored}").text
    assert "being drawn" not in page
    assert page.count('alt="public participant_blind"') == 2
    assert "/figures/public/score.dark.svg?v=" in page
    assert "The outermost bins hold what lies beyond." in page
    assert "private" not in page.lower()


def test_the_button_of_the_page_asks_and_needs_the_token_of_the_form(
    story: Story, ada: Person, scored: str
) -> None:
    del ada
    plant_figures(story, drawn=False)
    browser = Browser(story.web).log_in(story.platform, story.user("ada"))
    place = f"/submissions/{scored}/figures"
    assert browser.http.post(place).status_code == 403
    assert figures_state(story)[0] == "made"
    answer = browser.post(place, page=f"/submissions/{scored}")
    assert answer.headers["location"] == f"/submissions/{scored}?notice=figures"
    assert figures_state(story)[0] == "drawing"
    assert "being drawn" in browser.get(answer.headers["location"]).text


def take(platform: Platform) -> FiguresClaim | None:
    with platform.db.transaction() as session:
        return claim_figures(session, now=platform.clock(), lease=LEASE)


def must_take(platform: Platform) -> FiguresClaim:
    held = take(platform)
    assert held is not None
    return held


def waits(platform: Platform) -> bool:
    with platform.db.read() as session:
        return figures_wait(session, platform.clock())


def store(story: Story, held: FiguresClaim) -> bool:
    made = [MadeFigure("public", BLIND, steps()), MadeFigure("private", OPEN, steps())]
    with story.platform.db.transaction() as session:
        return store_figures(session, held, made)


def images(story: Story, held: FiguresClaim, drawn: Any, spoilt: Any = ()) -> bool:
    with story.platform.db.transaction() as session:
        return store_images(session, held, drawn, spoilt)


class TestQueue:
    """On both databases, as the claim is one statement that each does in its own way."""

    pytestmark = pytest.mark.stores

    def test_figures_are_due_once_scored_and_each_step_is_claimed_by_one(
        self, story: Story, scored: str
    ) -> None:
        platform = story.platform
        held = must_take(platform)
        assert (held.submission_id, held.state, held.truth_public) == (scored, "due", False)
        assert take(platform) is None
        assert not waits(platform)
        assert store(story, held)
        assert not store(story, held)
        assert [row.wanted for row in figure_rows(story)] == [True, False]
        held = must_take(platform)
        assert held.state == "drawing"
        first = figure_rows(story)[0].id
        assert images(story, held, {first: {"light.svg": "0" * 64}})
        assert figures_state(story) == ("made", 0)
        assert take(platform) is None

    def test_the_newest_comes_first(self, story: Story, ada: Person) -> None:
        for cut in (0.0, 0.2, 0.4):
            newest = ada.submit(story.prediction(cut)).json()["id"]
            story.drain()
        assert must_take(story.platform).submission_id == newest

    def test_what_a_killed_worker_held_is_taken_up_and_its_late_word_ignored(
        self, story: Story, scored: str, clock: FrozenClock
    ) -> None:
        first = must_take(story.platform)
        clock.advance(seconds=31)
        second = must_take(story.platform)
        assert (second.submission_id, second.attempt) == (scored, 2)
        assert not store(story, first)
        with story.platform.db.transaction() as session:
            assert not renew_figures(session, first, clock() + LEASE)
            assert not figures_missed(session, first)
            assert renew_figures(session, second, clock() + LEASE)
        assert store(story, second)
        assert len(figure_rows(story)) == 2

    def test_three_silent_workers_are_enough(
        self, story: Story, ada: Person, scored: str, clock: FrozenClock
    ) -> None:
        for _ in range(3):
            must_take(story.platform)
            clock.advance(seconds=31)
        assert take(story.platform) is None
        with story.platform.db.transaction() as session:
            assert [one.submission_id for one in give_figures_up(session, clock())] == [scored]
        assert figures_state(story)[0] == "failed"
        assert listed(ada, scored) == {"items": [], "pending": False, "drawable": False}

    def test_three_failures_are_enough_and_stopping_is_none(
        self, story: Story, scored: str
    ) -> None:
        del scored
        for change in (*(give_figures_back,) * 5, *(figures_missed,) * 3):
            held = must_take(story.platform)
            with story.platform.db.transaction() as session:
                assert change(session, held)
        assert take(story.platform) is None
        assert figures_state(story)[0] == "failed"

    def test_a_figure_that_cannot_be_drawn_is_given_up_and_does_not_hold_up_others(
        self, story: Story, scored: str
    ) -> None:
        del scored
        store(story, must_take(story.platform))
        change_figures(story, wanted=True)
        good, bad = (row.id for row in figure_rows(story))
        assert images(story, must_take(story.platform), {good: {"light.svg": "0" * 64}}, [bad])
        for _ in range(2):
            assert figures_state(story) == ("drawing", 0)
            assert images(story, must_take(story.platform), {}, [bad])
        assert figures_state(story) == ("made", 0)

    def test_many_workers_take_each_evaluation_once(self, story: Story, ada: Person) -> None:
        for cut in (0.0, 0.2, 0.4):
            ada.submit(story.prediction(cut))
            story.drain()
        taken: list[FiguresClaim] = []

        def work() -> None:
            while (held := take(story.platform)) is not None:
                taken.append(held)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({held.evaluation_id for held in taken}) == len(taken) == 3

    def test_a_deleted_submission_takes_its_figures_along(self, story: Story, scored: str) -> None:
        held = must_take(story.platform)
        other = must_store_and_take(story, held)
        with story.platform.db.transaction() as session:
            session.execute(delete(Submission).where(Submission.id == scored))
        assert figure_rows(story) == []
        assert not images(story, other, {})


def must_store_and_take(story: Story, held: FiguresClaim) -> FiguresClaim:
    assert store(story, held)
    return must_take(story.platform)


def test_a_hidden_board_has_nothing_drawn_and_a_late_file_gets_the_open_figures(
    story: Story, scored: str
) -> None:
    del scored
    hide_board(story)
    assert store(story, must_take(story.platform))
    assert [row.wanted for row in figure_rows(story)] == [False, False]
    assert figures_state(story) == ("made", 0)


def test_after_the_unblinding_the_open_figures_are_wanted(story: Story, scored: str) -> None:
    del scored
    unblind(story)
    assert store(story, must_take(story.platform))
    assert [row.wanted for row in figure_rows(story)] == [False, True]


def test_pictures_are_kept_while_a_figure_has_them_and_dropped_with_it(
    story: Story, scored: str
) -> None:
    plant_figures(story)
    storage, now = story.platform.storage, story.platform.clock()
    mine = {sha for row in figure_rows(story) for sha in (row.images or {}).values()}
    later = now + timedelta(days=9000)

    def sweep() -> None:
        with story.platform.db.read() as session:
            referred = referred_blobs(session)
        delete_orphans(storage, referred, later)

    sweep()
    assert all(storage.exists(sha) for sha in mine)
    with story.platform.db.transaction() as session:
        session.execute(delete(Submission).where(Submission.id == scored))
    sweep()
    assert not any(storage.exists(sha) for sha in mine)


def test_a_rejected_file_has_no_figures(story: Story, ada: Person) -> None:
    ada.submit(story.prediction().replace(b",s", b",q"))
    story.drain()
    assert figures_state(story)[0] is None
    assert not waits(story.platform)


def test_public_truth_is_told_to_the_scorer(platform: Platform, web: Any, tmp_path: Any) -> None:
    story = begin_story(platform, web, tmp_path / "open", truth_public=True)
    story.person("ada").submit(story.prediction())
    story.drain()
    assert must_take(platform).truth_public
