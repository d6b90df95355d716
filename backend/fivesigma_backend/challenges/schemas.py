"""What the REST calls of challenges give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fivesigma_scoring import METRICS
from pydantic import BaseModel, ConfigDict, PlainSerializer

from ..core.clock import rfc3339
from .access import Access
from .definition import Definition, LimitsDefinition, PhaseDefinition
from .models import Phase
from .rules import window
from .service import Listed, Published

Moment = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]


class Answer(BaseModel):
    """What all answers share."""

    model_config = ConfigDict(extra="forbid")


class PhaseOut(Answer):
    """A phase: its window, how it scores, and its limits."""

    slug: str
    title: str
    state: str
    opens: Moment
    closes: Moment | None
    unblinded_at: Moment | None
    test_set: str
    metric: str
    higher_is_better: bool
    metrics: list[str]
    options: dict[str, Any]
    normalise: dict[str, float] | None
    limits: LimitsDefinition
    uploads: bool
    finals: int
    unblind: str

    @classmethod
    def of(cls, phase: Phase, now: datetime) -> PhaseOut:
        """The phase as it is at `now`."""
        definition = PhaseDefinition.model_validate(phase.definition)
        return cls(
            slug=phase.slug,
            title=phase.title,
            state=window(phase.opens_at, phase.closes_at, now),
            opens=phase.opens_at,
            closes=phase.closes_at,
            unblinded_at=phase.unblinded_at,
            test_set=definition.test_set,
            metric=definition.metric,
            higher_is_better=METRICS[definition.metric].higher_is_better,
            metrics=definition.all_metrics[1:],
            options=definition.options,
            normalise=definition.normalise,
            limits=definition.limits,
            uploads=definition.uploads,
            finals=definition.finals,
            unblind=definition.unblind,
        )


class ChallengeOut(Answer):
    """A challenge in a list."""

    slug: str
    title: str
    kind: str
    summary: str
    hardware: str
    truth_public: bool
    phases: list[PhaseOut]
    joined: bool

    @classmethod
    def of(cls, listed: Listed, now: datetime) -> ChallengeOut:
        """The challenge as it is at `now`."""
        return cls(**_summary(listed, now))


class ChallengeList(Answer):
    """A page of challenges."""

    items: list[ChallengeOut]
    next: str | None


class TestSetOut(Answer):
    """What a client must know to check a file before sending it."""

    __test__ = False  # tells pytest that this is no test

    name: str
    sample: str
    max_bytes: int
    max_expanded_bytes: int
    min_selected: int
    classes: list[str]
    shape: list[int]


class ChallengeDetail(ChallengeOut):
    """One challenge. `rules_due` says that the present rules must be accepted before handing in."""

    timezone: str
    help_url: str | None
    card: str
    rules: str | None
    rules_version: str | None
    rules_due: bool
    test_sets: list[TestSetOut]

    @classmethod
    def seen_by(cls, access: Access, phases: list[Phase], now: datetime) -> ChallengeDetail:
        """The challenge as the actor sees it at `now`."""
        challenge = access.challenge
        definition = Definition.model_validate(challenge.definition)
        names = {file.path: name for name, file in definition.published().items()}
        return cls(
            **_summary(Listed(challenge, phases, access.joined_at is not None), now),
            timezone=definition.timezone,
            help_url=definition.help_url,
            card=challenge.card,
            rules=challenge.rules_text,
            rules_version=challenge.rules_version,
            rules_due=access.rules_due,
            test_sets=[
                TestSetOut(
                    name=name,
                    sample=names[one.sample],
                    max_bytes=one.max_bytes,
                    max_expanded_bytes=one.max_expanded_bytes,
                    min_selected=one.min_selected,
                    classes=one.classes,
                    shape=one.shape,
                )
                for name, one in definition.test_sets.items()
            ],
        )


class FileOut(Answer):
    """A download. `name` stands in its address, `filename` is what it is called on disk."""

    name: str
    filename: str
    title: str
    size: int
    sha256: str
    members_only: bool
    visible_from: Moment | None
    url: str

    @classmethod
    def of(cls, slug: str, published: Published) -> FileOut:
        """The download of the challenge `slug`."""
        file = published.file
        return cls(
            name=file.name,
            filename=published.filename,
            title=file.title,
            size=file.size,
            sha256=file.sha256,
            members_only=file.members_only,
            visible_from=file.visible_from,
            url=f"/api/v1/challenges/{slug}/files/{file.name}",
        )


class FileList(Answer):
    """The downloads of a challenge."""

    items: list[FileOut]
    next: str | None = None


def _summary(listed: Listed, now: datetime) -> dict[str, Any]:
    challenge = listed.challenge
    return {
        "slug": challenge.slug,
        "title": challenge.title,
        "kind": challenge.kind,
        "summary": challenge.summary,
        "hardware": challenge.definition["hardware"],
        "truth_public": challenge.definition["truth_public"],
        "phases": [PhaseOut.of(phase, now) for phase in listed.phases],
        "joined": listed.joined,
    }
