"""Every route × every role: who is let in, by the policy that the route declares."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from challenge_folder import write_tiny_challenge
from fastapi.testclient import TestClient
from fivesigma_backend.accounts.service import start_session
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_backend.challenges.models import Challenge, Organiser, Participation
from fivesigma_backend.core.ids import new_id
from fivesigma_backend.core.security import COOKIE, CSRF_HEADER, csrf_token, sign_cookie
from fivesigma_backend.core.web import api_routes, route_policies
from fivesigma_backend.teams.models import Invitation, MergeProposal, TeamMember
from sqlalchemy import select, update
from stories import API, Person, Story

IN = None  # let in, whatever comes of the request then
ROLES = ("visitor", "outsider", "member", "rival", "organiser", "admin", "banned", "reader")
NOBODY = dict.fromkeys((*ROLES, "foreign"), 404)
ALL = dict.fromkeys(NOBODY, IN)
# What each policy answers to each role. `reader` is a member's token with the scope `read`,
# `foreign` a member's token for another challenge; the others are browsers.
POLICIES: dict[str, dict[str, int | None]] = {
    "anyone": ALL,
    "anyone, unasked": ALL,
    "browser session": ALL | {"visitor": 401, "reader": 403, "foreign": 403},
    "admin": NOBODY | {"admin": IN},
    "logged in (organise)": ALL | {"visitor": 401, "reader": 403},
    # The challenge of the matrix is not in the trash, so nobody finds it there.
    "trash: organiser of what lies there": NOBODY | {"visitor": 401},
    "challenge: visible": ALL | {"foreign": 404},
    "challenge: known (read)": ALL | {"visitor": 401, "foreign": 404},
    "challenge: known (submit)": ALL | {"visitor": 401, "reader": 403, "foreign": 404},
    "challenge: participant (read)": ALL
    | {"visitor": 401, "outsider": 403, "organiser": 403, "admin": 403, "banned": 403}
    | {"foreign": 404},
    "challenge: uploader": ALL
    | {"visitor": 401, "outsider": 403, "organiser": 403, "admin": 403, "banned": 403}
    | {"reader": 403, "foreign": 404},
    "challenge: participant (submit)": ALL
    | {"visitor": 401, "outsider": 403, "organiser": 403, "admin": 403, "banned": 403}
    | {"reader": 403, "foreign": 404},
    "team: leader (submit)": ALL
    | {"visitor": 401, "outsider": 403, "organiser": 403, "admin": 403, "banned": 403}
    | {"reader": 403, "foreign": 404},
    # The member's team has invited the rival, whose team proposed to become part of the member's.
    "invitation: answered by the invited (submit)": NOBODY
    | {"visitor": 401, "reader": 403, "rival": IN},
    "invitation: withdrawn by its leader (submit)": NOBODY
    | {"visitor": 401, "reader": 403, "member": IN},
    "merge: answered by the leader asked (submit)": NOBODY
    | {"visitor": 401, "reader": 403, "member": IN},
    "merge: withdrawn by its leader (submit)": NOBODY
    | {"visitor": 401, "reader": 403, "rival": IN},
    "challenge: organiser": NOBODY | {"visitor": 401, "organiser": IN, "admin": IN},
    "challenge: organiser, sending a file": NOBODY | {"visitor": 401, "organiser": IN, "admin": IN},
    "admin, sending a file": NOBODY | {"admin": IN},
    "submission: organiser": NOBODY | {"visitor": 401, "organiser": IN, "admin": IN},
    "submission: changed by its team (submit)": NOBODY
    | {"visitor": 401, "reader": 403, "member": IN},
    "submission: seen by its team and organisers (read)": NOBODY
    | {"visitor": 401, "member": IN, "reader": IN, "organiser": IN, "admin": IN},
}
# Operators' own test asks for the metrics; a stream does not end by itself.
ELSEWHERE = {"/metrics", "/api/v1/challenges/{slug}/events"}
# Whoever is let in may be refused all the same: what these name is not there, a log-in without a
# password fails, joining asks for the rules, and the phase is blind.
MORE_TO_SAY = (
    *("{token_id}", "{user_id}", "{username}", "{team_id}", "{code_id}", "{row_id}", "{name}"),
    *("{rescoring}", "/login", "/join", "/result", "/certificate"),
)
Headers = dict[str, str]


@dataclass
class Cast:
    """The story, a submission of the member's team, and how each role makes a request."""

    story: Story
    submission: str
    question: str
    roles: dict[str, Callable[[], Headers]]


@pytest.fixture
def cast(story: Story, tmp_path: Path) -> Cast:
    write_tiny_challenge(tmp_path / "other", slug="other", rules=None)
    load_challenge(story.platform, tmp_path / "other", report=lambda _line: None)
    member = story.person("member")
    submission = member.submit(story.prediction()).json()["id"]
    story.person("rival"), story.person("banned")
    for name in ("outsider", "organiser"):
        story.person(name, joined=False)
    story.person("admin", joined=False, admin=True)
    with story.platform.db.transaction() as session:
        ids = dict(session.execute(select(Challenge.slug, Challenge.id)).all())
        row = Organiser(challenge_id=ids["tiny"], user_id=story.user("organiser").id)
        session.add(row)
        exclude = update(Participation).where(Participation.user_id == story.user("banned").id)
        session.execute(exclude.values(banned_at=story.platform.clock()))
    people = ("outsider", "member", "rival", "organiser", "admin", "banned")
    roles: dict[str, Callable[[], Headers]] = {
        name: lambda name=name: browser(story, name)  # type: ignore[misc]
        for name in people
    }
    reader = story.token("member", scopes=["read"])
    foreign = story.token("member", challenge_id=ids["other"])
    roles["visitor"] = lambda: guarded(story, "a visitor's own secret")
    roles["reader"] = lambda: {"Authorization": f"Bearer {reader}"}
    roles["foreign"] = lambda: {"Authorization": f"Bearer {foreign}"}
    return Cast(story, submission, ask(story), roles)


def ask(story: Story) -> str:
    """The id of an invitation of the rival, and of a proposal of the rival's team."""
    question, now = new_id(), story.platform.clock()
    member, rival = story.user("member").id, story.user("rival").id
    with story.platform.db.transaction() as session:
        teams = dict(session.execute(select(TeamMember.user_id, TeamMember.team_id)).all())
        invitation = Invitation(
            id=question, team_id=teams[member], user_id=rival, invited_by=member, created_at=now
        )
        proposal = MergeProposal(
            id=question,
            from_team_id=teams[rival],
            into_team_id=teams[member],
            proposed_by=rival,
            created_at=now,
        )
        session.add_all([invitation, proposal])
    return question


def browser(story: Story, username: str) -> Headers:
    """A fresh log-in, since some routes end it."""
    with story.platform.db.transaction() as session:
        user = story.user(username).id
        token = start_session(session, user, now=story.platform.clock(), days=1)
    return guarded(story, token)


def guarded(story: Story, token: str) -> Headers:
    """The cookie of a browser and the CSRF header that its own pages would send."""
    secret = story.platform.secret
    cookie = f"{COOKIE}={sign_cookie(secret, token)}"
    return {"Cookie": cookie, CSRF_HEADER: csrf_token(secret, token)}


def outcome(answer: Any) -> int | None:
    """401, 403 or 404 for who was kept out; a page sends visitors to the log-in."""
    if answer.status_code == 303 and answer.headers["location"].startswith("/login?next="):
        return 401
    return answer.status_code if answer.status_code in (401, 403, 404) else IN


def cases(cast: Cast) -> list[tuple[str, str, str]]:
    """(policy, method, path with its parameters filled in) of every route."""
    values = {"slug": "tiny", "phase": "final", "submission_id": cast.submission}
    values["question_id"] = cast.question
    found = []
    for route in api_routes(cast.story.web.app):
        if route.path not in ELSEWHERE:
            path = re.sub(r"{(\w+)}", lambda m: values.get(m[1], m[0]), route.path)
            found += [(route_policies(route)[0], method, path) for method in route.methods or ()]
    return found


def test_every_route_lets_in_whom_its_policy_says_and_nobody_else(cast: Cast) -> None:
    web: TestClient = cast.story.web
    wrong = []
    walk = cases(cast)
    for policy, method, path in walk:
        for role, expected in POLICIES[policy].items():
            web.cookies.clear()
            headers = cast.roles[role]()
            answer = web.request(method, path, headers=headers, follow_redirects=False)
            if expected is IN and any(one in path for one in MORE_TO_SAY):
                continue
            if outcome(answer) != expected:
                wrong.append(f"{role} {method} {path}: {answer.status_code}, not {expected}")
    assert not wrong, "\n".join(wrong)
    assert len(walk) > 50


def test_every_policy_stands_in_the_table(cast: Cast) -> None:
    assert {policy for policy, _, _ in cases(cast)} == set(POLICIES)


def test_a_token_of_another_challenge_sees_that_one_alone(cast: Cast) -> None:
    token = cast.roles["foreign"]()["Authorization"].removeprefix("Bearer ")
    foreign = Person(cast.story.web, "member", token)
    listed = foreign.get(f"{API}/challenges").json()["items"]
    assert [one["slug"] for one in listed] == ["other"]
    assert foreign.get(f"{API}/challenges/other").status_code == 200
