"""The home page: what runs, what changes next, where one stands, and what one may not see."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from fivesigma_backend.accounts.models import User
from fivesigma_backend.app import create_app
from fivesigma_backend.challenges.models import Challenge, Organiser, Participation, Phase
from fivesigma_backend.core.ids import new_id
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.submissions.models import Entry, Standing, Submission
from fivesigma_backend.teams.models import Team, TeamMember
from people import Browser
from sqlalchemy import event, select

pytestmark = pytest.mark.stores

MakeChallenge = Callable[..., Challenge]


def slugs(page: str) -> list[str]:
    """The challenges of the page, in their order."""
    return re.findall(r'<h3><a href="/challenges/([^"]+)">', page)


def join(platform: Platform, challenge: Challenge, user: User, *, banned: bool = False) -> Team:
    now = platform.clock()
    with platform.db.transaction() as session:
        team = Team(
            id=new_id(),
            challenge_id=challenge.id,
            name=user.username,
            name_key=user.username,
            created_at=now,
        )
        session.add(team)
        session.flush()
        session.add(TeamMember(challenge_id=challenge.id, user_id=user.id, team_id=team.id))
        session.add(
            Participation(
                challenge_id=challenge.id,
                user_id=user.id,
                joined_at=now,
                banned_at=now if banned else None,
            )
        )
    return team


def enter(platform: Platform, challenge: Challenge, team: Team, **scores: float) -> None:
    """An entry with a submission that stands on the boards with these scores."""
    now, entry, submission = platform.clock(), new_id(), new_id()
    with platform.db.transaction() as session:
        phase = session.scalars(select(Phase).where(Phase.challenge_id == challenge.id)).one()
        user = session.scalars(
            select(TeamMember.user_id).where(TeamMember.team_id == team.id)
        ).one()
        session.add(Entry(id=entry, phase_id=phase.id, team_id=team.id))
        session.flush()
        session.add(
            Submission(
                id=submission,
                entry_id=entry,
                challenge_id=challenge.id,
                user_id=user,
                sha256="0" * 64,
                size=1,
                filename="a.csv",
                submitted_at=now,
                evaluation_id=new_id(),
            )
        )
        session.flush()
        for board, score in scores.items():
            session.add(
                Standing(
                    entry_id=entry,
                    board=board,
                    late=False,
                    phase_id=phase.id,
                    submission_id=submission,
                    score=score,
                    sigma=0.0925,
                    place=[score],
                    submitted_at=now,
                    entries=1,
                    last_submitted_at=now,
                    metrics={},
                    carried=False,
                )
            )


def test_what_changes_next_comes_first_under_its_heading(
    visitor: Browser, make_challenge: MakeChallenge
) -> None:
    make_challenge("endless", windows=[(-1, None)])
    make_challenge("closes-later", windows=[(-1, 9)])
    make_challenge("closes-soon", windows=[(-1, 1)])
    make_challenge("opens-later", windows=[(20, 30)])
    make_challenge("opens-soon", windows=[(5, 30)])
    make_challenge("closed-long-ago", windows=[(-90, -80)])
    make_challenge("closed-just-now", windows=[(-90, -1)])
    make_challenge("phaseless", windows=[])
    page = visitor.get("/").text
    assert slugs(page) == [
        "closes-soon",
        "closes-later",
        "endless",
        "opens-soon",
        "opens-later",
        "closed-just-now",
        "closed-long-ago",
        "phaseless",
    ]
    headings = re.findall(r"<h2[^>]*>([^<]+)</h2>", page)
    assert headings == ["Running", "Coming up", "Finished", "In preparation"]


def test_a_window_is_half_open(
    visitor: Browser, make_challenge: MakeChallenge, clock: Callable[[], object]
) -> None:
    make_challenge("now", windows=[(0, 1)])
    assert "Running" in visitor.get("/").text
    clock.advance(days=1)  # type: ignore[attr-defined]  # the frozen clock
    assert "Finished" in visitor.get("/").text


def test_the_open_phase_of_several_is_named(
    visitor: Browser, make_challenge: MakeChallenge
) -> None:
    make_challenge("two", windows=[(-9, -1), (-1, 5)])
    page = visitor.get("/").text
    assert "Phase 1" in page
    assert "Phase 0" not in page


def test_who_sees_which_challenge(
    visitor: Browser,
    annas: Browser,
    chiefs: Browser,
    anna: User,
    platform: Platform,
    make_challenge: MakeChallenge,
) -> None:
    make_challenge("public")
    make_challenge("members", visibility="members")
    make_challenge("secret", published=False)
    assert slugs(visitor.get("/").text) == ["public"]
    assert sorted(slugs(annas.get("/").text)) == ["members", "public"]
    assert sorted(slugs(chiefs.get("/").text)) == ["members", "public", "secret"]
    mine = make_challenge("annas-draft", published=False)
    with platform.db.transaction() as session:
        session.add(Organiser(challenge_id=mine.id, user_id=anna.id))
    assert sorted(slugs(annas.get("/").text)) == ["annas-draft", "members", "public"]


def test_a_site_without_public_boards_shows_visitors_nothing(
    platform: Platform, make_challenge: MakeChallenge
) -> None:
    make_challenge("public")
    settings = platform.settings.model_copy(update={"public_boards": False})
    closed = Platform(**{**vars(platform), "settings": settings})
    with TestClient(create_app(closed)) as web:
        assert slugs(web.get("/").text) == []


def test_joined_is_marked_for_who_joined_and_is_not_banned(
    annas: Browser, anna: User, platform: Platform, make_challenge: MakeChallenge
) -> None:
    challenge = make_challenge("one")
    assert "joined" not in annas.get("/").text
    join(platform, challenge, anna)
    assert "joined" in annas.get("/").text
    other = make_challenge("two")
    join(platform, other, anna, banned=True)
    assert annas.get("/").text.count("joined") == 1


def test_the_teams_best_public_score_is_shown_and_never_the_private_one(
    annas: Browser, visitor: Browser, anna: User, platform: Platform, make_challenge: MakeChallenge
) -> None:
    challenge = make_challenge("one")
    team = join(platform, challenge, anna)
    enter(platform, challenge, team, public=3.412345, private=7.654321)
    page = annas.get("/").text
    assert "3.412" in page
    assert "3.412345" not in page
    assert "7.65" not in page
    assert "3.412" not in visitor.get("/").text


def test_a_hidden_phase_keeps_even_the_own_score(
    annas: Browser, anna: User, platform: Platform, make_challenge: MakeChallenge
) -> None:
    challenge = make_challenge("one", board="hidden")
    enter(platform, challenge, join(platform, challenge, anna), public=3.412345)
    assert "3.41" not in annas.get("/").text


@pytest.mark.parametrize("count", [1, 12])
def test_the_page_costs_few_statements_however_many_challenges_there_are(
    annas: Browser, anna: User, platform: Platform, make_challenge: MakeChallenge, count: int
) -> None:
    for index in range(count):
        challenge = make_challenge(f"one-{index}")
        enter(platform, challenge, join(platform, challenge, anna), public=1.0)
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(platform.db.engine, "before_cursor_execute", note)
    annas.get("/")
    event.remove(platform.db.engine, "before_cursor_execute", note)
    selects = [statement for statement in statements if statement.startswith("SELECT")]
    assert 5 <= len(selects) <= 7, selects


def test_an_empty_site_says_what_to_do(visitor: Browser, annas: Browser, chiefs: Browser) -> None:
    command = "fivesigma-server challenge load higgsml"
    assert command in chiefs.get("/").text
    for browser in (visitor, annas):
        page = browser.get("/").text
        assert "No challenge" in page
        assert command not in page
