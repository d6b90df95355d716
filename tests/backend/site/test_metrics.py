"""Metrics: who may read them, and that they count what is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from fivesigma_backend.accounts.models import User
from fivesigma_backend.app import create_app
from fivesigma_backend.challenges.models import Challenge, Phase, Solution
from fivesigma_backend.core.ids import new_id
from fivesigma_backend.core.leases import Lease
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.submissions.models import Entry, Evaluation, Submission
from fivesigma_backend.teams.models import Team
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import select

pytestmark = pytest.mark.stores

MakeChallenge = Callable[..., Challenge]
LOOPBACK = ("127.0.0.1", 40000)
ELSEWHERE = ("192.0.2.7", 40000)


def samples(text: str) -> dict[str, float]:
    """Every sample of a scrape, as `name` or `name{state}`."""
    return {
        sample.name + (f"{{{sample.labels['state']}}}" if sample.labels else ""): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(platform: Platform) -> dict[str, float]:
    with TestClient(create_app(platform), client=LOOPBACK) as web:
        answer = web.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return samples(answer.text)


def add_evaluation(platform: Platform, challenge: Challenge, user: User, **keys: object) -> None:
    """A submission of `user` whose evaluation has `keys`."""
    now = platform.clock()
    with platform.db.transaction() as session:
        phase = session.scalars(select(Phase).where(Phase.challenge_id == challenge.id)).one()
        name = new_id()
        team = Team(
            id=new_id(), challenge_id=challenge.id, name=name, name_key=name, created_at=now
        )
        solution = Solution(
            id=new_id(),
            test_set_id=phase.test_set_id,
            version=session.query(Solution).count() + 1,
            compiled_sha256="0" * 64,
            universe_sha256="0" * 64,
            summary={},
            created_at=now,
        )
        session.add_all([team, solution])
        session.flush()
        entry = Entry(id=new_id(), phase_id=phase.id, team_id=team.id)
        session.add(entry)
        session.flush()
        evaluation_id = new_id()
        submission = Submission(
            id=new_id(),
            entry_id=entry.id,
            challenge_id=challenge.id,
            user_id=user.id,
            sha256="0" * 64,
            size=1,
            filename="a.csv",
            submitted_at=now,
            evaluation_id=evaluation_id,
        )
        session.add(submission)
        session.flush()
        session.add(
            Evaluation(
                id=evaluation_id,
                submission_id=submission.id,
                challenge_id=challenge.id,
                phase_id=phase.id,
                team_id=team.id,
                solution_id=solution.id,
                **{"queued_at": now} | keys,
            )
        )


@pytest.mark.parametrize(
    ("client", "token", "header", "status"),
    [
        (LOOPBACK, None, None, 200),
        (("::1", 40000), "t0ken", None, 200),
        (ELSEWHERE, None, None, 403),
        (ELSEWHERE, None, "Bearer ", 403),
        (ELSEWHERE, "t0ken", None, 403),
        (ELSEWHERE, "t0ken", "Bearer wrong", 403),
        (ELSEWHERE, "t0ken", "Basic t0ken", 403),
        (ELSEWHERE, "t0ken", "Bearer t0ken", 200),
        (("unknown", 0), "t0ken", "Bearer tökén", 403),
    ],
)
def test_this_machine_and_the_token_may_read(
    platform: Platform, client: tuple[str, int], token: str | None, header: str | None, status: int
) -> None:
    secret = SecretStr(token) if token else None
    settings = platform.settings.model_copy(update={"metrics_token": secret})
    headers = {"Authorization": header.encode()} if header else {}
    guarded = Platform(**{**vars(platform), "settings": settings})
    with TestClient(create_app(guarded), client=client) as web:
        assert web.get("/metrics", headers=headers).status_code == status


def test_an_empty_site_has_zeros(platform: Platform) -> None:
    found = scrape(platform)
    assert found.pop("fivesigma_broker_up") == 1
    assert set(found.values()) == {0}
    assert "fivesigma_evaluations{scored}" in found


def test_what_is_there_is_counted(
    platform: Platform, anna: User, make_challenge: MakeChallenge
) -> None:
    now = platform.clock()
    challenge = make_challenge("one")
    make_challenge("draft", published=False)
    ago, soon = now - timedelta(seconds=90), now + timedelta(seconds=20)
    add_evaluation(platform, challenge, anna, state="queued", queued_at=ago)
    add_evaluation(platform, challenge, anna, state="queued", queued_at=now)
    add_evaluation(platform, challenge, anna, state="scoring", lease_until=soon, worker="a")
    add_evaluation(platform, challenge, anna, state="scoring", lease_until=soon, worker="a")
    add_evaluation(platform, challenge, anna, state="scoring", lease_until=ago, worker="b")
    add_evaluation(platform, challenge, anna, state="scored", queued_at=ago - timedelta(days=9))
    with platform.db.transaction() as session:
        session.add(Lease(name="tick", until=soon, holder="host:1"))
        session.add(Lease(name="a chore's clock", until=soon, holder=""))
    found = scrape(platform)
    assert found["fivesigma_evaluations{queued}"] == 2
    assert found["fivesigma_evaluations{scoring}"] == 3
    assert found["fivesigma_evaluations{scored}"] == 1
    assert found["fivesigma_queue_age_seconds"] == 90
    assert found["fivesigma_leases_overdue"] == 1
    assert found["fivesigma_workers_busy"] == 1
    assert found["fivesigma_housekeepers"] == 1
    assert found["fivesigma_users"] == 1
    assert found["fivesigma_challenges_published"] == 1
