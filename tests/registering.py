"""A challenge with an organiser and a policy, for tests of registration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

from fastapi.testclient import TestClient
from fivesigma_backend.challenges.models import Challenge, Organiser
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.core.platform import Platform
from sqlalchemy import select
from stories import API, Person, Story, begin_story

ADMIN = f"{API}/admin/challenges/tiny/participants"
JOIN = f"{API}/challenges/tiny/join"


@dataclass
class School:
    """A challenge, who organises it, and people who may want to take part."""

    story: Story
    boss: Person

    @property
    def platform(self) -> Platform:
        return self.story.platform

    def person(self, name: str) -> Person:
        """Somebody new who has not joined."""
        return self.story.person(name, joined=False)

    def organise(self, path: str, **body: Any) -> Any:
        """The organiser's POST below `/participants`; its answer must be a success."""
        answer = self.boss.post(f"{ADMIN}/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def rows(self, table: type[Any]) -> list[Any]:
        with self.platform.db.read() as session:
            return list(session.scalars(select(table)))

    def acts(self, prefix: str) -> list[AuditEvent]:
        """The recorded acts whose name begins so."""
        return [act for act in self.rows(AuditEvent) if act.action.startswith(prefix)]


def begin_school(platform: Platform, web: TestClient, folder: Path, policy: str) -> School:
    """The tiny challenge with this policy, and `boss`, who organises it and does not take part."""
    story = begin_story(platform, web, folder, registration={"policy": policy})
    boss = story.person("boss", joined=False)
    with platform.db.transaction() as session:
        challenge = session.scalars(select(Challenge.id)).one()
        session.add(Organiser(challenge_id=challenge, user_id=story.user("boss").id))
    return School(story, boss)


def join(person: Person, code: str | None = None, **more: Any) -> Any:
    """Ask to take part, having accepted the rules."""
    body = {"accept_rules": True} | ({"code": code} if code is not None else {}) | more
    return person.post(JOIN, json=body)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """The answers of all acts, done at the same moment."""
    barrier = Barrier(len(acts))
    answers: list[Any] = [None] * len(acts)

    def run(position: int) -> None:
        barrier.wait()
        answers[position] = acts[position]()

    threads = [Thread(target=run, args=(position,)) for position in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
