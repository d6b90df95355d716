"""The shape of `challenge.toml`: every key, its type and its default. Meaning is checked elsewhere.

The models are strict and frozen, and refuse unknown keys. What the database keeps is their JSON
form, in which times are RFC 3339 strings; both forms are read.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fivesigma_scoring import metric_of
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
)

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
MEBIBYTE = 2**20
LONGEST_PATH = 200

Positive = Annotated[int, Field(ge=1)]
Bound = Annotated[float, Field(allow_inf_nan=False)]


def check_slug(value: str) -> str:
    """A slug as it stands in addresses."""
    if not SLUG.fullmatch(value):
        raise ValueError("expected 2 to 40 of the characters a-z, 0-9 and -, not - first")
    return value


def check_name(value: str) -> str:
    """The name of a file or test set: it stands in addresses and commands."""
    if not NAME.fullmatch(value):
        raise ValueError("expected a name of up to 40 letters, digits, dots, - and _")
    return value


def check_path(value: str) -> str:
    """A path that can't leave the challenge's folder, whatever the system."""
    path = PurePosixPath(value)
    unsafe = "\\" in value or ":" in value or not value.isprintable()
    if not path.parts or path.is_absolute() or ".." in path.parts or unsafe:
        raise ValueError("expected a path inside the challenge's folder, such as data/test.csv")
    if len(value) > LONGEST_PATH:
        raise ValueError(f"expected a path of at most {LONGEST_PATH} characters")
    return str(path)


def check_title(value: str) -> str:
    """One line of text that shows something."""
    if not value.strip() or not value.isprintable():
        raise ValueError("expected one line of text")
    return value


def read_time(value: Any, info: ValidationInfo) -> Any:
    """A time with its zone; one of TOML without offset is local to the challenge's timezone."""
    if isinstance(value, str) and info.context is None:  # the stored form
        return datetime.fromisoformat(value)
    if not isinstance(value, datetime) or value.tzinfo is not None:
        return value
    zone = (info.context or {}).get("zone")
    if zone is None:
        raise ValueError("expected a time with an offset, such as 2026-12-01T00:00:00Z")
    return _localised(value, zone)


def _localised(naive: datetime, zone: ZoneInfo) -> datetime:
    local = naive.replace(tzinfo=zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive:
        raise ValueError(f"this time is skipped by the clocks in {zone.key}; choose another")
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise ValueError(f"this time comes twice in {zone.key}; write it with its offset")
    return local


def check_option(value: Any) -> Any:
    """A metric's option is a plain value; the metric itself knows which."""
    if not isinstance(value, (bool, int, float, str)):
        raise ValueError("expected a number, a text, true or false")  # noqa: TRY004 - pydantic's way
    return value


Slug = Annotated[str, AfterValidator(check_slug)]
Name = Annotated[str, AfterValidator(check_name)]
FolderPath = Annotated[str, AfterValidator(check_path)]
Title = Annotated[str, Field(max_length=200), AfterValidator(check_title)]
Time = Annotated[datetime, BeforeValidator(read_time)]


class Table(BaseModel):
    """A table of `challenge.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, serialize_by_alias=True)


class RegistrationDefinition(Table):
    """`[registration]`: who may join."""

    policy: Literal["open", "approval", "code", "roster"] = "open"


class TeamsDefinition(Table):
    """`[teams]`: how large teams may be, and until when they may change."""

    max_size: Positive = 1
    lock_at: Time | None = None


class FileDefinition(Table):
    """`[files.NAME]`: a published download; hidden until `from`."""

    path: FolderPath
    title: Title | None = None
    visible_from: Time | None = Field(None, alias="from")
    members_only: bool = True


class SplitDefinition(Table):
    """`split`: public and private rows drawn at load, instead of a usage column."""

    public: Annotated[float, Field(gt=0, lt=1)]
    seed: Annotated[int, Field(ge=0)] | None = None
    stratify: bool | str = True
    group: str | None = None


class BoundDefinition(Table):
    """`plausible`: a score better than this is flagged to organisers."""

    metric: str
    bound: Bound


class GateDefinition(BoundDefinition):
    """One of `gates`: a condition for being ranked."""

    op: Literal["<", "<=", ">", ">="]


class TestSetDefinition(Table):
    """`[test_sets.NAME]`: inputs without labels and their solution."""

    __test__ = False  # tells pytest that this is no test

    solution: FolderPath
    sample: FolderPath
    usage: dict[str, str] = {}
    split: SplitDefinition | None = None
    max_bytes: Positive = 256 * MEBIBYTE
    max_expanded_bytes: Positive = 1024 * MEBIBYTE
    classes: list[str] = []
    shape: Annotated[list[Positive], Field(max_length=3)] = []
    range: Annotated[list[Bound], Field(min_length=2, max_length=2)] | None = None
    min_selected: Annotated[int, Field(ge=0)] = 0
    variants: str | None = None
    slices: list[str] = []
    group: str | None = None
    plausible: BoundDefinition | None = None


class LimitsDefinition(Table):
    """`limits` of a phase; a missing one is unlimited."""

    per_day: Positive | None = None
    total: Positive | None = None
    concurrent: Positive | None = None
    window: Literal["rolling", "calendar"] = "rolling"


class PhaseDefinition(Table):
    """One of `[[phases]]`: a window in which a test set is scored."""

    slug: Slug
    title: Title
    opens: Time
    closes: Time | None = None
    test_set: str = "main"
    metric: str
    metrics: list[str] = []
    options: dict[str, Annotated[Any, AfterValidator(check_option)]] = {}
    normalise: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] | None = None
    gates: list[GateDefinition] = []
    tie_break: list[str] = []
    limits: LimitsDefinition = LimitsDefinition()
    uploads: bool = True
    finals: Annotated[int, Field(ge=0)] = 2
    public_rule: Literal["best", "latest"] = "best"
    board: Literal["live", "hidden", "frozen"] = "live"
    freeze_at: Time | None = None
    unblind: Literal["at-close", "at", "manual"] = "at-close"
    unblind_at: Time | None = None
    late: bool = False
    carry_over: Literal["none", "selected", "best", "latest"] = "none"
    carry_from: str | None = None
    variant_rank: Literal["nominal", "mean", "worst"] = "nominal"

    @property
    def columns(self) -> list[str]:
        """Every column of its boards, the ranking metric first, each once.

        A column is a metric, or one on a variant or slice: `ams@nominal`, `ams@process=ttbar`.
        """
        named = [*self.metrics, *self.tie_break, *(gate.metric for gate in self.gates)]
        return list(dict.fromkeys([self.metric, *named]))

    @property
    def all_metrics(self) -> list[str]:
        """Every metric that the phase computes, the ranking metric first, each once."""
        return list(dict.fromkeys(metric_of(column) for column in self.columns))


class Definition(Table):
    """The whole of `challenge.toml`."""

    slug: Slug
    title: Title
    summary: Annotated[str, Field(max_length=1000)]
    kind: str
    card: FolderPath = "README.md"
    rules: FolderPath | None = None
    timezone: str = "UTC"
    hardware: Name = "cpu"
    truth_public: bool = False
    visibility: Literal["public", "members"] = "public"
    organisers: list[str] = []
    help_url: str | None = None
    registration: RegistrationDefinition = RegistrationDefinition()
    teams: TeamsDefinition = TeamsDefinition()
    files: dict[Name, FileDefinition] = {}
    test_sets: Annotated[dict[Name, TestSetDefinition], Field(min_length=1)]
    phases: Annotated[list[PhaseDefinition], Field(min_length=1)]

    def published_samples(self) -> dict[str, FileDefinition]:
        """The samples of the test sets that `files` does not publish anyway, by their names."""
        named = {file.path for file in self.files.values()}
        samples = {}
        for name, test_set in self.test_sets.items():
            if test_set.sample not in named:
                key = "sample" if len(self.test_sets) == 1 else f"sample-{name}"[:40]
                file = {"path": test_set.sample, "title": "Sample submission"}
                samples[key] = FileDefinition.model_validate(file)
        return samples

    def published(self) -> dict[str, FileDefinition]:
        """Every download by its name: the files, then the samples."""
        return {**self.files, **self.published_samples()}

    @property
    def last_close(self) -> datetime | None:
        """When the last phase closes; None while one has no close."""
        closes = [phase.closes for phase in self.phases]
        return max(close for close in closes if close) if all(closes) else None
