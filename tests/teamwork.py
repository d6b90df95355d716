"""People of a story who form teams over HTTP."""

from __future__ import annotations

from typing import Any

from challenge_folder import tiny_toml
from stories import API, Person

TEAM = f"{API}/challenges/tiny/team"


def toml(*, max_size: int = 3, **limits: Any) -> dict[str, Any]:
    """Changes to the tiny challenge: teams of several, and other limits of its phase."""
    phase = tiny_toml()["phases"][0]
    phase["limits"] |= limits
    return {"teams": {"max_size": max_size}, "phases": [phase]}


def team(person: Person) -> Any:
    """The person's team as the API shows it."""
    answer = person.get(TEAM)
    assert answer.status_code == 200, answer.text
    return answer.json()


def members(person: Person) -> list[str]:
    """Who is in the person's team, the leader first."""
    return [one["username"] for one in team(person)["members"]]


def invite(leader: Person, guest: Person) -> str:
    """Invite somebody; the id of the invitation."""
    answer = leader.post(f"{TEAM}/invitations", json={"username": guest.username})
    assert answer.status_code == 201, answer.text
    sent = answer.json()["invitations_sent"]
    return str(next(one["id"] for one in sent if one["username"] == guest.username))


def accept(guest: Person, invitation: str) -> Any:
    """Say yes to an invitation."""
    return guest.post(f"{API}/invitations/{invitation}/accept")


def unite(leader: Person, *guests: Person) -> None:
    """Bring everybody into the leader's team."""
    for guest in guests:
        answer = accept(guest, invite(leader, guest))
        assert answer.status_code == 200, answer.text


def propose(leader: Person, other: str) -> str:
    """Offer to become part of another team; the id of the proposal."""
    answer = leader.post(f"{TEAM}/merges", json={"team": other})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["merges_sent"][-1]["id"])


def code(answer: Any) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["code"]


def used(person: Person) -> int:
    """How many submissions of the open phase the team has used."""
    return int(person.get(f"{API}/challenges/tiny/limits").json()["used_total"])
