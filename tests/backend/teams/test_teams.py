"""Teams over HTTP: invite, answer, rename, hand over, leave, remove, lock, names."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.models import Participation
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.teams.models import FormerMember, Notice, Team, TeamMember
from sqlalchemy import select
from stories import API, Person, Story, begin_story
from teamwork import TEAM, accept, code, invite, members, propose, team, toml, unite

pytestmark = pytest.mark.stores
FORMULAS = ("=1+1", "+49", "-x", "@sum", "＝1", " =1")
INVISIBLE = ("a\tb", "a\x00", "a\u202eb", "a\u200bb", "line\nbreak")
MISREAD = ("", "   ", *FORMULAS, *INVISIBLE)


@pytest.fixture
def story(platform: Platform, web: TestClient, tmp_path: Path) -> Story:
    """Teams of up to three."""
    return begin_story(platform, web, tmp_path / "tiny", **toml())


def notices(story: Story, person: Person) -> list[str]:
    """What was told to somebody, or to their team."""
    with story.platform.db.read() as session:
        user = story.user(person.username).id
        own = select(TeamMember.team_id).where(TeamMember.user_id == user)
        mine = (Notice.user_id == user) | Notice.team_id.in_(own)
        return list(session.scalars(select(Notice.text).where(mine).order_by(Notice.id)))


def test_who_accepts_an_invitation_is_in_the_team(story: Story) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    invitation = invite(ada, bob)
    assert invite(ada, bob) == invitation  # again changes nothing
    (asked,) = team(bob)["invitations_received"]
    assert (asked["id"], asked["team"], asked["invited_by"]) == (invitation, "ada", "ada")
    assert [one["possible"] for one in asked["preview"]] == [True]
    assert any("You are invited to the team “ada”" in text for text in notices(story, bob))
    joined = accept(bob, invitation)
    assert (joined.status_code, joined.json()["name"]) == (200, "ada")
    assert members(ada) == members(bob) == ["ada", "bob"]
    assert team(ada)["leader"] is True
    assert team(bob)["leader"] is False
    assert team(ada)["invitations_sent"] == team(bob)["invitations_received"] == []
    assert any("“bob” (bob) is part of the team “ada” now" in one for one in notices(story, ada))
    assert code(accept(bob, invitation)) == (409, "answered")


def test_an_invitation_can_be_declined_and_withdrawn(story: Story) -> None:
    ada, bob, eve = story.person("ada"), story.person("bob"), story.person("eve")
    first = invite(ada, bob)
    for stranger in (ada, eve):  # not theirs to answer
        for answer in ("accept", "decline"):
            assert stranger.post(f"{API}/invitations/{first}/{answer}").status_code == 404
    for stranger in (bob, eve):
        assert stranger.post(f"{API}/invitations/{first}/withdraw").status_code == 404
    assert bob.post(f"{API}/invitations/{first}/decline").status_code == 200
    assert any("bob does not join" in text for text in notices(story, ada))
    assert code(accept(bob, first)) == (409, "answered")
    second = invite(ada, bob)
    assert second != first
    assert ada.post(f"{API}/invitations/{second}/withdraw").status_code == 200
    assert code(accept(bob, second)) == (409, "answered")
    assert members(bob) == ["bob"]


def test_who_cannot_be_invited(story: Story) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    story.person("outsider", joined=False)
    root = story.person("root", admin=True)
    with story.platform.db.transaction() as session:
        banned = story.user(story.person("banned").username).id
        row = session.scalars(select(Participation).where(Participation.user_id == banned)).one()
        row.banned_at = story.platform.clock()

    def refusal(name: str) -> tuple[int, str]:
        return code(ada.post(f"{TEAM}/invitations", json={"username": name}))

    for name in ("nobody", "outsider", "banned", "", "\x00", "a" * 200):
        assert refusal(name) == (422, "no_participant")
    assert refusal(root.username) == (422, "staff")
    assert refusal("ada") == (409, "already_member")
    unite(ada, bob)
    assert code(bob.post(f"{TEAM}/invitations", json={"username": "root"})) == (403, "not_leader")
    wrong = ada.post(f"{TEAM}/invitations", json={"username": "bob", "leader": True})
    assert wrong.status_code == 422


def test_a_team_has_no_more_members_than_the_cap(story: Story) -> None:
    ada, bob, eve, fay = (story.person(name) for name in ("ada", "bob", "eve", "fay"))
    waiting = invite(ada, fay)
    unite(ada, bob, eve)
    assert code(accept(fay, waiting)) == (409, "team_full")
    assert code(ada.post(f"{TEAM}/invitations", json={"username": "gil"})) == (
        422,
        "no_participant",
    )
    gil = story.person("gil")
    assert code(ada.post(f"{TEAM}/invitations", json={"username": gil.username})) == (
        409,
        "team_full",
    )
    assert (members(fay), len(members(ada))) == (["fay"], 3)


def test_the_leader_renames_the_team(story: Story) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    unite(ada, bob)
    renamed = ada.patch(TEAM, json={"name": "  The Muons "})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "The Muons")
    assert ada.patch(TEAM, json={"name": "the muons"}).status_code == 200  # its own, other case
    assert code(bob.patch(TEAM, json={"name": "Mine"})) == (403, "not_leader")
    eve = story.person("eve")
    assert code(eve.patch(TEAM, json={"name": "THE MUONS"})) == (409, "name_taken")
    # Nothing is shown under the name that bob had alone, so it is free again.
    assert eve.patch(TEAM, json={"name": "bob"}).status_code == 200


@pytest.mark.parametrize("name", [*MISREAD, "x" * 61, "\ufdfa" * 10])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_names_that_spreadsheets_or_eyes_misread_are_refused(story: Story, name: str) -> None:
    ada = story.person("ada")
    assert code(ada.patch(TEAM, json={"name": name})) == (422, "team_name")
    assert team(ada)["name"] == "ada"


def test_the_leader_hands_over(story: Story) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    unite(ada, bob)
    done = ada.post(f"{TEAM}/hand-over", json={"username": "BOB"})
    assert (done.status_code, done.json()["leader"]) == (200, False)
    assert members(bob) == ["bob", "ada"]
    assert code(ada.post(f"{TEAM}/hand-over", json={"username": "ada"})) == (403, "not_leader")
    assert code(bob.post(f"{TEAM}/hand-over", json={"username": "eve"})) == (422, "no_member")


def test_who_leaves_has_a_team_of_one(story: Story) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    assert code(ada.post(f"{TEAM}/leave")) == (409, "alone")
    unite(ada, bob)
    assert code(ada.post(f"{TEAM}/leave")) == (409, "hand_over_first")
    assert members(ada) == ["ada", "bob"]
    left = bob.post(f"{TEAM}/leave")
    assert (left.status_code, left.json()["name"], left.json()["leader"]) == (200, "bob", True)
    assert (members(ada), members(bob)) == (["ada"], ["bob"])
    assert any("bob is no longer" in text for text in notices(story, ada))
    unite(ada, bob)  # and back again
    assert members(ada) == ["ada", "bob"]
    with story.platform.db.read() as session:
        former = session.execute(
            select(Team.name, FormerMember.merged).join(Team, Team.id == FormerMember.team_id)
        ).all()
    assert sorted(former) == [("bob", True), ("bob", True)]


def test_a_leader_names_a_successor_while_leaving(story: Story) -> None:
    ada, bob, eve = story.person("ada"), story.person("bob"), story.person("eve")
    unite(ada, bob, eve)
    wrong = ada.post(f"{TEAM}/leave", json={"successor": "nobody"})
    assert code(wrong) == (422, "no_member")
    assert code(ada.post(f"{TEAM}/leave", json={"successor": "ada"})) == (409, "hand_over_first")
    assert ada.post(f"{TEAM}/leave", json={"successor": "eve"}).status_code == 200
    assert (members(eve), members(ada)) == (["eve", "bob"], ["ada"])
    assert team(ada)["name"] == "ada-2"  # the old team keeps its name


def test_the_leader_removes_a_member(story: Story) -> None:
    ada, bob, eve = story.person("ada"), story.person("bob"), story.person("eve")
    unite(ada, bob)

    def remove(who: Person, name: str) -> int:
        options = {"headers": {"Authorization": f"Bearer {who.token}"}}
        return int(story.web.delete(f"{TEAM}/members/{name}", **options).status_code)  # type: ignore[arg-type]

    assert remove(bob, "ada") == 403
    assert remove(ada, "ada") == 409
    assert remove(ada, "eve") == 422
    assert members(eve) == ["eve"]
    assert remove(ada, "bob") == 200
    assert (members(ada), members(bob)) == (["ada"], ["bob"])
    assert any("You were removed" in text for text in notices(story, bob))


def test_after_the_last_close_teams_stay_as_they_are(story: Story, clock: FrozenClock) -> None:
    people = [story.person(name) for name in ("ada", "bob", "eve", "fay")]
    ada, bob, eve, fay = people
    unite(ada, bob)
    waiting, proposal = invite(ada, eve), propose(fay, "ada")
    assert team(ada)["lock_at"] == "2026-12-21T00:00:00.000Z"
    clock.advance(days=20)
    assert team(ada)["locked"] is True
    for refused in (
        ada.post(f"{TEAM}/invitations", json={"username": "fay"}),
        accept(eve, waiting),
        bob.post(f"{TEAM}/leave"),
        ada.post(f"{API}/merges/{proposal}/accept"),
        fay.post(f"{TEAM}/merges", json={"team": "eve"}),
    ):
        assert code(refused) == (409, "teams_locked")
    assert ada.patch(TEAM, json={"name": "Fixed"}).status_code == 200
    assert ada.post(f"{TEAM}/hand-over", json={"username": "bob"}).status_code == 200
    assert eve.post(f"{API}/invitations/{waiting}/decline").status_code == 200
    assert members(bob) == ["bob", "ada"]


def test_a_lock_date_of_its_own(
    platform: Platform, web: TestClient, tmp_path: Path, clock: FrozenClock
) -> None:
    changes = toml() | {"teams": {"max_size": 3, "lock_at": datetime(2026, 12, 5, tzinfo=UTC)}}
    story = begin_story(platform, web, tmp_path / "tiny", **changes)
    ada, bob = story.person("ada"), story.person("bob")
    invitation = invite(ada, bob)
    clock.time = clock.time.replace(day=5, hour=0)
    assert code(accept(bob, invitation)) == (409, "teams_locked")
    clock.advance(microseconds=-1)
    assert accept(bob, invitation).status_code == 200


def test_in_a_challenge_of_teams_of_one_nobody_is_invited(
    platform: Platform, web: TestClient, tmp_path: Path
) -> None:
    story = begin_story(platform, web, tmp_path / "tiny")
    ada, bob = story.person("ada"), story.person("bob")
    refused = ada.post(f"{TEAM}/invitations", json={"username": bob.username})
    assert code(refused) == (409, "team_full")
    assert "alone" in refused.json()["detail"]


def test_a_member_of_another_team_leaves_it_by_accepting(story: Story) -> None:
    ada, bob, eve, fay = (story.person(name) for name in ("ada", "bob", "eve", "fay"))
    unite(ada, bob)
    unite(eve, fay)
    assert code(accept(eve, invite(ada, eve))) == (409, "hand_over_first")
    assert accept(fay, invite(ada, fay)).status_code == 200
    assert (members(ada), members(eve)) == (["ada", "bob", "fay"], ["eve"])


def test_a_team_left_with_excluded_members_alone_is_on_no_board(story: Story) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    unite(ada, bob)
    with story.platform.db.transaction() as session:
        session.scalars(
            select(Participation).where(Participation.user_id == story.user("bob").id)
        ).one().banned_at = story.platform.clock()
    assert code(ada.post(f"{TEAM}/leave", json={"successor": "bob"})) == (422, "banned")
    assert story.web.delete(
        f"{TEAM}/members/bob", headers={"Authorization": f"Bearer {ada.token}"}
    ).is_success
    with story.platform.db.read() as session:
        rows = session.execute(
            select(TeamMember.user_id, Team.banned_at).join(Team, Team.id == TeamMember.team_id)
        )
        banned = {user: moment is not None for user, moment in rows}
    assert banned == {story.user("ada").id: False, story.user("bob").id: True}


def test_no_more_open_invitations_and_proposals_than_a_page_can_hold(story: Story) -> None:
    ada = story.person("ada")
    guests = [story.person(f"guest{number}") for number in range(21)]
    for guest in guests[:20]:
        invite(ada, guest)
    refused = ada.post(f"{TEAM}/invitations", json={"username": guests[20].username})
    assert code(refused) == (409, "too_many_invitations")
    for guest in guests[:5]:
        propose(ada, guest.username)
    refused = ada.post(f"{TEAM}/merges", json={"team": guests[5].username})
    assert code(refused) == (409, "too_many_proposals")
