"""Selecting finals, messages, taking back: by the team, until the phase closes."""

from __future__ import annotations

import pytest
from conftest import FrozenClock
from stories import API, Story

pytestmark = pytest.mark.stores


def test_up_to_two_may_be_selected_until_the_close(story: Story, clock: FrozenClock) -> None:
    ada = story.person("ada")
    ids = []
    for cut in (0.0, 0.5, 1.0):
        ids.append(ada.submit(story.prediction(cut)).json()["id"])
        story.drain()
    for identity in ids[:2]:
        chosen = ada.patch(f"{API}/submissions/{identity}", json={"selected": True})
        assert (chosen.status_code, chosen.json()["selected"]) == (200, True)
    third = ada.patch(f"{API}/submissions/{ids[2]}", json={"selected": True})
    assert (third.status_code, third.json()["code"]) == (422, "too_many_selected")
    assert sorted(third.json()["selected"]) == sorted(ids[:2])
    again = ada.patch(f"{API}/submissions/{ids[0]}", json={"selected": True})
    assert again.status_code == 200
    ada.patch(f"{API}/submissions/{ids[0]}", json={"selected": False})
    assert ada.patch(f"{API}/submissions/{ids[2]}", json={"selected": True}).status_code == 200
    clock.advance(days=30)
    late = ada.patch(f"{API}/submissions/{ids[2]}", json={"selected": False})
    assert (late.status_code, late.json()["code"]) == (403, "closed")


def test_the_private_board_follows_the_selection(story: Story, clock: FrozenClock) -> None:
    ada = story.person("ada")
    ids = []
    for cut in (-3.0, -2.5, 0.5):
        ids.append(ada.submit(story.prediction(cut)).json()["id"])
        story.drain()
    for identity in ids[:2]:
        ada.patch(f"{API}/submissions/{identity}", json={"selected": True})
    clock.advance(days=30)
    story.tick()
    row = ada.board(split="private").json()["rows"][0]
    assert row["submission"] in ids[:2]
    assert ada.board().json()["rows"][0]["submission"] == ids[2]


def test_others_can_neither_see_nor_change_a_submission(story: Story) -> None:
    ada, eve = story.person("ada"), story.person("eve")
    identity = ada.submit(story.prediction()).json()["id"]
    path = f"{API}/submissions/{identity}"
    for answer in (
        eve.get(path),
        eve.get(f"{path}/file"),
        eve.patch(path, json={"selected": True}),
        eve.post(f"{path}/cancel"),
        eve.get(f"/submissions/{identity}"),
        eve.get(f"{API}/submissions/unknown"),
    ):
        assert answer.status_code == 404
    assert story.web.get(path).status_code == 401


def test_unknown_fields_of_a_change_are_refused(story: Story) -> None:
    ada = story.person("ada")
    identity = ada.submit(story.prediction()).json()["id"]
    answer = ada.patch(f"{API}/submissions/{identity}", json={"score": 99})
    assert answer.status_code == 422
    changed = ada.patch(f"{API}/submissions/{identity}", json={"message": " better\x00 "})
    assert changed.json()["message"] == "better"


def test_only_what_is_queued_can_be_taken_back_and_its_slot_returns(story: Story) -> None:
    ada = story.person("ada")
    identity = ada.submit(story.prediction()).json()["id"]
    taken = ada.post(f"{API}/submissions/{identity}/cancel")
    assert (taken.status_code, taken.json()["status"]) == (200, "cancelled")
    assert ada.get(f"{API}/challenges/tiny/limits").json()["remaining"] == 5
    assert ada.post(f"{API}/submissions/{identity}/cancel").status_code == 409
    assert story.drain() == 0
    scored = ada.submit(story.prediction(0.5)).json()["id"]
    story.drain()
    assert ada.post(f"{API}/submissions/{scored}/cancel").status_code == 409


def test_lists_go_from_new_to_old_in_pages(story: Story, clock: FrozenClock) -> None:
    ada = story.person("ada")
    ids = []
    for cut in (0.0, 0.3, 0.6):
        ids.append(ada.submit(story.prediction(cut)).json()["id"])
        story.drain()
        clock.advance(minutes=1)
    path = f"{API}/challenges/tiny/submissions"
    first = ada.get(path, params={"limit": 2}).json()
    rest = ada.get(path, params={"limit": 2, "cursor": first["next"]}).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next"] is None
