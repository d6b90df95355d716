"""Organisers decide about submissions and teams: what counts, what it costs, what people read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fivesigma_backend.challenges.models import Challenge, Organiser
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.submissions.claiming import claim
from fivesigma_backend.submissions.evaluating import record_crash
from fivesigma_backend.submissions.models import Evaluation
from fivesigma_backend.teams.models import Team
from fivesigma_scoring.mishaps import scoring_failed
from people import Browser
from sqlalchemy import select
from stories import API, Person, Story

pytestmark = pytest.mark.stores


@pytest.fixture
def prof(story: Story) -> Person:
    """An organiser of the tiny challenge."""
    person = story.person("prof", joined=False)
    with story.platform.db.transaction() as session:
        challenge = session.scalars(select(Challenge)).one()
        session.add(Organiser(challenge_id=challenge.id, user_id=story.user("prof").id))
    return person


def judge(person: Person, identity: str, act: str, **body: Any) -> Any:
    """What a call about a submission answers."""
    return person.post(f"{API}/admin/submissions/{identity}/{act}", json=body or None)


def scored(story: Story, person: Person, cut: float) -> str:
    answer = person.submit(story.prediction(cut))
    assert answer.status_code == 201, answer.text
    story.drain()
    identity: str = answer.json()["id"]
    return identity


def standing(person: Person) -> list[tuple[int | None, str, str | None]]:
    rows = person.board().json()["rows"]
    return [(row["rank"], row["submission"], row["mark"]) for row in rows]


def news(person: Person) -> list[str]:
    return [one["text"] for one in person.get(f"{API}/challenges/tiny/notices").json()["items"]]


def acts(story: Story, action: str) -> list[AuditEvent]:
    with story.platform.db.read() as session:
        wanted = select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)
        return list(session.scalars(wanted))


def team_of(story: Story, name: str) -> str:
    with story.platform.db.read() as session:
        return session.scalars(select(Team.id).where(Team.name == name)).one()


def test_what_is_hidden_counts_nowhere_until_it_is_restored(story: Story, prof: Person) -> None:
    ada = story.person("ada")
    worse, better = scored(story, ada, -2.0), scored(story, ada, 0.5)
    assert standing(ada) == [(1, better, None)]
    for _ in range(2):
        assert judge(prof, better, "hide").json()["hidden"]
    assert standing(ada) == [(1, worse, None)]
    assert ada.get(f"{API}/submissions/{better}").json()["hidden"]
    for _ in range(2):
        assert not judge(prof, better, "restore").json()["hidden"]
    assert standing(ada) == [(1, better, None)]
    assert [(act.before, act.after) for act in acts(story, "submission.hidden")] == [
        (
            {"hidden": False, "disqualified": False, "reason": None, "refunded": False},
            {"hidden": True, "disqualified": False, "reason": None, "refunded": False},
        )
    ]
    assert len(acts(story, "submission.restored")) == 1
    assert len(news(ada)) == 2


def test_a_team_reads_why_its_submission_is_disqualified(story: Story, prof: Person) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    only = scored(story, ada, 0.5)
    assert judge(prof, only, "disqualify", reason=" ").status_code == 422
    assert judge(prof, only, "disqualify", reason="x" * 501).status_code == 422
    for reason in ("hand-labelled", "hand-labelled", "labelled by  hand"):
        assert judge(prof, only, "disqualify", reason=reason).status_code == 200
    assert standing(bob) == [(None, only, "disqualified")]
    seen = ada.get(f"{API}/submissions/{only}").json()
    assert (seen["disqualified"], seen["disqualified_reason"]) == (True, "labelled by hand")
    page = Browser(story.web).log_in(story.platform, story.user("ada"))
    assert "labelled by hand" in page.get(f"/submissions/{only}").text
    assert [("labelled by hand" in one, "hand-labelled" in one) for one in news(ada)] == [
        (True, False),
        (False, True),
    ]
    assert news(bob) == []
    judge(prof, only, "restore")
    assert standing(bob) == [(1, only, None)]


def test_a_disqualified_team_keeps_its_row_unranked(story: Story, prof: Person) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    better, worse = scored(story, ada, 0.5), scored(story, bob, -2.0)
    path = f"{API}/admin/challenges/tiny/phases/final/teams/{team_of(story, 'ada')}"
    for _ in range(2):
        out = prof.post(f"{path}/disqualify", json={"reason": "two accounts"}).json()
        assert (out["disqualified"], out["disqualified_reason"]) == (True, "two accounts")
    assert standing(bob) == [(None, better, "disqualified"), (1, worse, None)]
    seen = ada.get(f"{API}/submissions/{better}").json()
    assert seen["team_disqualified_reason"] == "two accounts"
    scored(story, ada, 0.6)
    assert [row[0] for row in standing(bob)] == [None, 1]
    assert not prof.post(f"{path}/restore").json()["disqualified"]
    assert [row[0] for row in standing(bob)] == [1, 2]
    assert len(acts(story, "entry.disqualified")) == 1
    assert any("two accounts" in one for one in news(ada))
    elsewhere = f"{API}/admin/challenges/tiny/phases/final/teams/nobody/restore"
    assert prof.post(elsewhere).status_code == 404


def test_staff_have_no_rank_to_lose(story: Story, prof: Person) -> None:
    prof.join()
    path = f"{API}/admin/challenges/tiny/phases/final/teams/{team_of(story, 'prof')}"
    refused = prof.post(f"{path}/disqualify", json={"reason": "why not"})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


def limits(person: Person) -> Any:
    return person.get(f"{API}/challenges/tiny/limits").json()


def test_a_refund_gives_the_slot_back_once(story: Story, prof: Person) -> None:
    ada = story.person("ada")
    identity = scored(story, ada, 0.5)
    assert (limits(ada)["remaining"], limits(ada)["used_total"]) == (4, 1)
    for _ in range(2):
        assert judge(prof, identity, "refund").json()["refunded"]
    assert (limits(ada)["remaining"], limits(ada)["used_total"]) == (5, 0)
    assert standing(ada) == [(1, identity, None)]
    waiting = ada.submit(story.prediction(0.7)).json()["id"]
    ada.post(f"{API}/submissions/{waiting}/cancel")
    refused = judge(prof, waiting, "refund")
    assert refused.status_code == 409
    assert "by itself" in refused.json()["detail"]


def test_limits_of_one_team_replace_the_phase_s(story: Story, prof: Person) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    path = f"{API}/admin/challenges/tiny/phases/final/teams/{team_of(story, 'ada')}/limits"
    given = {"per_day": 1, "total": 2, "concurrent": 1}
    for _ in range(2):
        assert prof.post(path, json=given).status_code == 200
    assert (limits(ada)["per_day"], limits(bob)["per_day"]) == (1, 5)
    scored(story, ada, 0.5)
    refused = ada.submit(story.prediction(0.6))
    assert (refused.status_code, refused.json()["rule"]) == (429, "per_day")
    assert prof.post(path, json={"per_day": 9}).json()["total"] is None
    assert ada.submit(story.prediction(0.6)).status_code == 201
    for wrong in ({"per_day": -1}, {"concurrent": 0}, {"total": 10**9}, {"weekly": 3}):
        assert prof.post(path, json=wrong).status_code == 422
    assert [act.after for act in acts(story, "entry.limits")] == [
        given,
        {"per_day": 9, "total": None, "concurrent": None},
    ]


def fail(story: Story) -> None:
    """Let the scorer die on what waits, until it is given up."""
    for _ in range(3):
        with story.platform.db.transaction() as session:
            now = story.platform.clock()
            held = claim(session, worker="w", now=now, lease=timedelta(seconds=30))
            assert held is not None
            record_crash(session, held, "killed", scoring_failed(), now)


def test_what_failed_is_scored_again_at_no_cost(story: Story, prof: Person) -> None:
    ada = story.person("ada")
    identity = ada.submit(story.prediction(0.5)).json()["id"]
    fail(story)
    before = prof.get(f"{API}/admin/challenges/tiny/submissions").json()["items"][0]
    assert (before["status"], before["crashes"], before["failure"]) == ("failed", 3, "killed")
    assert before["reference"]
    for _ in range(2):
        again = judge(prof, identity, "retry").json()
        assert (again["status"], again["crashes"], again["reference"]) == ("queued", 0, None)
    story.drain()
    assert standing(ada) == [(1, identity, None)]
    assert limits(ada)["used_total"] == 0
    refused = judge(prof, identity, "retry")
    assert refused.status_code == 409
    assert len(acts(story, "evaluation.retried")) == 1


def test_what_hangs_is_taken_from_its_worker(story: Story, prof: Person) -> None:
    ada = story.person("ada")
    identity = ada.submit(story.prediction(0.5)).json()["id"]
    assert judge(prof, identity, "requeue").json()["status"] == "queued"
    with story.platform.db.transaction() as session:
        now = story.platform.clock()
        held = claim(session, worker="w", now=now, lease=timedelta(days=1))
    assert held is not None
    for _ in range(2):
        assert judge(prof, identity, "requeue").json()["status"] == "queued"
    with story.platform.db.transaction() as session:
        late = record_crash(session, held, "late", scoring_failed(), story.platform.clock())
    assert late is None
    story.drain()
    assert standing(ada) == [(1, identity, None)]
    assert judge(prof, identity, "requeue").status_code == 409
    with story.platform.db.read() as session:
        assert session.scalars(select(Evaluation.attempt)).one() == 2


def test_the_list_has_filters_and_pages(story: Story, prof: Person) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    first, second = scored(story, ada, 0.5), scored(story, bob, 0.6)
    third = ada.submit(story.prediction(0.7)).json()["id"]
    path = f"{API}/admin/challenges/tiny/submissions"

    def ids(**query: Any) -> list[str]:
        answer = prof.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    assert ids() == [third, second, first]
    assert ids(team="AD") == [third, first]
    assert ids(team=team_of(story, "bob")) == [second]
    assert ids(state="queued", phase="final") == [third]
    assert ids(phase="other") == ids(flag="implausible") == ids(team="%") == []
    following = prof.get(path, params={"limit": 2}).json()["next"]
    assert ids(limit=2, cursor=following) == [first]
    for query in ({"state": "lost"}, {"flag": "red"}):
        assert prof.get(path, params=query).status_code == 400
    assert prof.get(path).json()["items"][2]["scores"]["private"]
    assert ada.get(path).status_code == 404


def test_an_organiser_decides_by_page(story: Story, prof: Person) -> None:
    ada = story.person("ada")
    identity = scored(story, ada, 0.5)
    browser = Browser(story.web).log_in(story.platform, story.user("prof"))
    assert "ada" in browser.get("/challenges/tiny/organise").text
    here = f"/submissions/{identity}"
    done = browser.post(f"{here}/judge", page=here, act="disqualify", reason="too late")
    assert (done.status_code, done.headers["location"]) == (303, f"{here}?notice=decided")
    assert standing(ada) == [(None, identity, "disqualified")]
    assert "Say why" in browser.post(f"{here}/judge", page=here, act="disqualify").text
    browser.post(f"{here}/judge", page=here, act="restore")
    team = f"/challenges/tiny/phases/final/teams/{team_of(story, 'ada')}/judge"
    browser.post(team, page=here, act="disqualify", reason="two accounts")
    assert standing(ada) == [(None, identity, "disqualified")]
    browser.post(team, page=here, act="restore")
    browser.post(team, page=here, act="limits", per_day="1")
    assert limits(ada)["per_day"] == 1
    assert browser.post(team, page=here, act="limits", per_day="²").status_code == 422
    outsider = Browser(story.web).log_in(story.platform, story.user("ada"))
    assert "For organisers" not in outsider.get(here).text
    assert outsider.post(f"{here}/judge", page=here, act="hide").status_code == 404
