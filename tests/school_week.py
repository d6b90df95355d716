"""A class of forty in a school week: the clock, the people, their files, and the right answers.

Which files should count is worked out here from what was handed in and when, with nothing of the
platform's own rules.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from conftest import FrozenClock
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_backend.challenges.models import Challenge, Organiser
from fivesigma_backend.core.platform import Platform
from numpy.typing import NDArray
from people import Browser
from school_challenge import Answer, Ranks, moment, ranked, write_week
from sqlalchemy import select
from stories import API, Person, Story

ADMIN = f"{API}/admin/challenges/tiny"


@dataclass
class Sent:
    """One file that a team handed in, as the test remembers it."""

    id: str
    team: str
    slug: str
    content: bytes
    selected: bool = False
    late: bool = False


@dataclass
class Week:
    """The story, who is in it, and what was handed in so far."""

    story: Story
    clock: FrozenClock
    answer: Answer
    truth: Answer
    prof: Person
    pupils: list[Person]
    leaders: dict[str, Person] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    out: dict[str, set[str]] = field(default_factory=dict)
    numbers: Iterable[int] = field(default_factory=count)

    def at(self, text: str) -> None:
        """Turn the clock."""
        assert moment(text) >= self.clock.time
        self.clock.time = moment(text)

    def work(self) -> None:
        """What workers do: score all that waits, then one tick of housekeeping."""
        self.story.drain()
        self.story.tick()

    def team_of(self, username: str) -> str:
        """The name of somebody's team, which is that of its leader here."""
        return next(name for name, leader in self.leaders.items() if leader.username == username)

    # What pupils do.

    def file(self, noise: float, cut: float) -> bytes:
        """A prediction that selects `x` above `cut`, blurred by `noise`: no two are alike."""
        random = np.random.default_rng(next(iter(self.numbers)))
        test = pl.read_csv(self.story.folder / "test.csv")
        x: NDArray[np.float64] = test["x"].to_numpy() + noise * random.normal(size=len(test))
        columns = {
            "EventId": test["EventId"],
            "RankOrder": x.argsort().argsort() + 1,
            "Class": np.where(x > cut, "s", "b"),
        }
        return pl.DataFrame(columns).write_csv().encode()

    def hand_in(self, team: str, slug: str, *, noise: float, cut: float = 0.8) -> Sent:
        """One file of a team, taken."""
        content = self.file(noise, cut)
        answer = self.leaders[team].submit(content, phase=slug)
        assert answer.status_code == 201, answer.text
        one = Sent(answer.json()["id"], team, slug, content, late=answer.json()["late"])
        self.sent.append(one)
        return one

    def refused(self, team: str, slug: str) -> str:
        """The code with which a file of a team is refused."""
        answer = self.leaders[team].submit(self.file(1.0, 0.8), phase=slug)
        assert answer.status_code == 403, answer.text
        return str(answer.json()["code"])

    def select(self, one: Sent) -> None:
        """Choose a file as a final."""
        answer = self.leaders[one.team].patch(
            f"{API}/submissions/{one.id}", json={"selected": True}
        )
        assert answer.status_code == 200, answer.text
        one.selected = True

    def shown(self, username: str, path: str) -> str:
        """A page as somebody sees it in the browser."""
        browser = Browser(self.story.web).log_in(self.story.platform, self.story.user(username))
        page = browser.get(path)
        assert page.status_code == 200, page.text
        return str(page.text)

    # What boards say, and what they should say.

    def rows(self, slug: str, split: str, person: Person | None = None) -> list[dict[str, Any]]:
        """A board as a pupil reads it (or another `person`)."""
        answer = (person or self.pupils[0]).board(phase=slug, split=split)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["rows"]
        return found

    def ranks(self, slug: str, split: str, person: Person | None = None) -> Ranks:
        """The rank of each ranked team on a board."""
        rows = self.rows(slug, split, person)
        return {row["team"]: row["rank"] for row in rows if row["rank"] is not None}

    def scores(self, slug: str, split: str) -> dict[str, float]:
        """What should count for each team, whether ranked or not."""
        source = slug.removesuffix("-final")
        found = {}
        for team in dict.fromkeys(one.team for one in self.sent):
            files = [one for one in self.of(team, source) if not one.late]
            if source != slug:
                files = [] if team in self.out.get(source, ()) else self.carried(files, slug)
            if files:
                found[team] = self._counting(files, slug, split)
        return found

    def expected(self, slug: str, split: str) -> Ranks:
        """The rank that each team should have."""
        scores = self.scores(slug, split)
        for team in self.out.get(slug, ()):
            scores.pop(team, None)
        return ranked(scores)

    def carried(self, files: Collection[Sent], final: str) -> list[Sent]:
        """Which files of a team move on to a final."""
        source = final.removesuffix("-final")
        match final:
            case "phase-1-final":
                return self._finals(files, source)
            case "phase-2-final":
                return sorted(files, key=self._by(source, "public"))[-1:]
            case _:
                return list(files)[-1:]

    def of(self, team: str, slug: str) -> list[Sent]:
        """What a team handed in for a phase, in order."""
        return [one for one in self.sent if (one.team, one.slug) == (team, slug)]

    def _counting(self, files: Collection[Sent], slug: str, split: str) -> float:
        chosen = files if split == "public" else self._finals(files, slug)
        return max(map(self._by(slug, split), chosen))

    def _finals(self, files: Collection[Sent], slug: str) -> list[Sent]:
        """The selected two; free places are filled by best public score."""
        # What was selected in the source phase is no selection in its final.
        chosen = [one for one in files if one.selected and one.slug == slug]
        rest = [one for one in files if one not in chosen]
        rest.sort(key=self._by(slug, "public"), reverse=True)
        return (chosen + rest)[:2]

    def _by(self, slug: str, split: str) -> Callable[[Sent], float]:
        return lambda one: self.answer.score(one.content, slug, split)


def begin_week(platform: Platform, web: Any, folder: Path, clock: FrozenClock) -> Week:
    """Monday, eight o'clock: the challenge is loaded, and forty pupils have accounts."""
    clock.time = moment("Mon 08:00")
    truth = write_week(folder)
    wrong = pl.read_csv(folder / "solution.csv")
    load_challenge(platform, folder, report=lambda _line: None)
    story = Story(platform, web, folder)
    prof = story.person("prof", joined=False)
    with platform.db.transaction() as session:
        challenge = session.scalars(select(Challenge)).one()
        session.add(Organiser(challenge_id=challenge.id, user_id=story.user("prof").id))
    pupils = [story.person(f"pupil{number:02}", joined=False) for number in range(1, 41)]
    return Week(story, clock, Answer(wrong), Answer(truth), prof, pupils)
