"""The tiny challenge in two phases, the second of which takes over from the first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from challenge_folder import tiny_toml, write_tiny_challenge
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_backend.challenges.models import Organiser, Phase
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.submissions.models import Entry, Submission
from fivesigma_backend.teams.models import Team
from sqlalchemy import select
from stories import API, Person, Story

FIRST_CLOSES = datetime(2026, 12, 11, tzinfo=UTC)
ADMIN = f"{API}/admin/challenges/tiny/phases"


def write_pair(
    folder: Path,
    *,
    first: dict[str, Any] | None = None,
    then: dict[str, Any] | None = None,
    further: Sequence[dict[str, Any]] = (),
    **toml: Any,
) -> Path:
    """Write the folder: `first` closes as `next` opens, and their private rows differ.

    `first` and `then` change the keys of the two (None removes one); `further` phases are like the
    second.
    """
    base = tiny_toml()["phases"][0]
    opening = base | {"slug": "first", "title": "First", "closes": FIRST_CLOSES} | (first or {})
    following = base | {
        "slug": "next",
        "title": "Next",
        "opens": FIRST_CLOSES,
        "carry_over": "selected",
        "carry_from": "first",
    }
    following |= then or {}
    phases = [opening, following, *(following | one for one in further)]
    usage = {one["slug"]: "usage_next" for one in phases} | {"first": "usage"}
    phases = [{key: one[key] for key in one if one[key] is not None} for one in phases]
    write_tiny_challenge(folder, phases=phases, test_sets={"main": {"usage": usage}}, **toml)
    solution = pl.read_csv(folder / "solution.csv")
    # Private in one phase is never private in the other, and all scores of the two differ.
    even = pl.int_range(pl.len()) % 2 == 0
    rest = pl.when(even).then(pl.lit("public")).otherwise(pl.lit("ignored"))
    private = pl.when(pl.col("usage") == "public").then(pl.lit("private")).otherwise(rest)
    solution.with_columns(private.alias("usage_next")).write_csv(folder / "solution.csv")
    return folder


def begin_pair(platform: Platform, web: TestClient, folder: Path, **phases: Any) -> Story:
    """Load the two phases."""
    write_pair(folder, **phases)
    load_challenge(platform, folder, report=lambda line: None)
    return Story(platform, web, folder)


def organiser_of(story: Story, username: str = "prof") -> Person:
    """An organiser of the challenge."""
    person = story.person(username, joined=False)
    with story.platform.db.transaction() as session:
        phase = session.scalars(select(Phase)).first()
        assert phase is not None
        row = Organiser(challenge_id=phase.challenge_id, user_id=story.user(username).id)
        session.add(row)
    return person


def phase_of(story: Story, slug: str) -> Phase:
    """The phase as it is now."""
    with story.platform.db.read() as session:
        return session.scalars(select(Phase).where(Phase.slug == slug)).one()


def carried(story: Story, slug: str = "next") -> list[tuple[str, str, bool]]:
    """What stands in a phase by carry-over: team, source submission, whether superseded."""
    with story.platform.db.read() as session:
        rows = session.execute(
            select(Team.name, Submission.carried_from_id, Submission.superseded_at)
            .join(Entry, Entry.id == Submission.entry_id)
            .join(Team, Team.id == Entry.team_id)
            .join(Phase, Phase.id == Entry.phase_id)
            .where(Phase.slug == slug, Submission.carried_from_id.is_not(None))
            .order_by(Team.name, Submission.submitted_at)
        ).all()
    return [(team, str(source), gone is not None) for team, source, gone in rows]
