"""The rules of the game once more, as naively as they can be written: lists, loops, no database.

A stateful test plays random games on the platform and here, and compares boards, quotas and what
is refused after each step. Nothing of the platform is imported: agreement must not come from
shared code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HIGHEST = float("inf")
COUNTING = ("queued", "scoring", "scored")


@dataclass
class Phase:
    """A phase of the game. A score is (value, tie-break, gate value) on each split."""

    slug: str
    opens: datetime
    closes: datetime
    per_day: int
    total: int
    concurrent: int
    finals: int
    latest: bool = False
    gate: float | None = None
    freezes: datetime | None = None
    unblinded: datetime | None = None


@dataclass
class Sent:
    """A submission."""

    id: str
    phase: Phase
    team: str
    file: str
    at: datetime
    state: str = "queued"
    public: tuple[float, float, float] | None = None
    private: tuple[float, float, float] | None = None
    selected: bool = False
    late: bool = False
    disqualified: bool = False
    hidden: bool = False
    refunded: bool = False
    lost: int = 0
    crashes: int = 0

    def score(self, split: str) -> tuple[float, float, float]:
        """Its score on a split; only what is scored has one."""
        found = self.private if split == "private" else self.public
        assert found is not None
        return found


@dataclass(frozen=True)
class Row:
    """A row of a board."""

    rank: int | None
    team: str
    submission: str
    value: float
    mark: str | None
    entries: int


@dataclass
class Game:
    """Everything that has happened."""

    phases: list[Phase]
    names: dict[str, str] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    out: set[tuple[str, str]] = field(default_factory=set)  # (phase, team) that are disqualified

    def phase(self, slug: str) -> Phase:
        """The phase of that slug."""
        [found] = [one for one in self.phases if one.slug == slug]
        return found

    def of(self, phase: Phase, team: str) -> list[Sent]:
        """What a team has sent for a phase."""
        return [one for one in self.sent if one.phase is phase and one.team == team]

    def refusal(self, phase: Phase, team: str, file: str, now: datetime) -> str | None:
        """Why a file would be refused; `replay:ID` for one that was there a moment ago."""
        mine = self.of(phase, team)
        for one in mine:
            fresh = one.at > now - timedelta(minutes=10)
            if one.file == file and fresh and one.state in COUNTING:
                return f"replay:{one.id}"
        if not phase.opens <= now < phase.closes:
            return "closed"
        used = [one for one in mine if one.state in COUNTING and not one.refunded]
        refused = [one for one in mine if one.state in ("rejected", "failed")]
        day = timedelta(hours=24)
        if len(used) >= phase.total:
            return "limit"
        if len([one for one in used if one.at > now - day]) >= phase.per_day:
            return "limit"
        if len([one for one in refused if one.at > now - day]) >= 5 * phase.per_day:
            return "limit"
        if len([one for one in mine if one.state in ("queued", "scoring")]) >= phase.concurrent:
            return "limit"
        return None

    def may_merge(self, leaving: str, staying: str, now: datetime) -> bool:
        """Two teams of one, before the last close, with no more used than one could have.

        A team that is disqualified in an open phase can't merge.
        """
        if now >= max(phase.closes for phase in self.phases) or self._large(leaving, staying):
            return False
        for phase in self._open(now):
            if {(phase.slug, leaving), (phase.slug, staying)} & self.out:
                return False
            both = self.of(phase, leaving) + self.of(phase, staying)
            used = [one for one in both if one.state in COUNTING and not one.refunded]
            days = int((now - phase.opens) / timedelta(hours=24)) + 1
            if len(used) > min(phase.total, phase.per_day * days):
                return False
        return True

    def merge(self, leaving: str, staying: str, now: datetime) -> None:
        """Everything of open phases goes to the team that stays; closed ones keep their rows."""
        self.sizes[staying] = self.sizes.get(staying, 1) + self.sizes.get(leaving, 1)
        for phase in self._open(now):
            moved = self.of(phase, leaving)
            for one in moved + (self.of(phase, staying) if moved else []):
                one.team, one.selected = staying, False

    def _large(self, leaving: str, staying: str) -> bool:
        return self.sizes.get(leaving, 1) + self.sizes.get(staying, 1) > 2

    def _open(self, now: datetime) -> list[Phase]:
        return [one for one in self.phases if one.opens <= now < one.closes]

    def settled(self, phase: Phase, now: datetime) -> bool:
        """Closed, and nothing of it unfinished."""
        return now >= phase.closes and not any(
            one.phase is phase and one.state in ("queued", "scoring") for one in self.sent
        )

    def may_unblind(self, phase: Phase, now: datetime) -> bool:
        """All phases of the game score the same private rows, so all must have settled."""
        return all(self.settled(one, now) for one in self.phases)

    def board(self, phase: Phase, split: str, now: datetime, *, insider: bool) -> list[Row]:
        """A board as a participant sees it, or an `insider` (organiser)."""
        frozen = phase.freezes is not None and now >= phase.freezes and phase.unblinded is None
        cut = phase.freezes if frozen and split == "public" and not insider else None
        shown: list[tuple[Sent, str | None, int]] = []
        for team in sorted(self.names):
            shown += self._lines(phase, team, split, cut)
        shown.sort(key=lambda one: self._place(*one, split))
        return list(self._ranked(shown, split))

    def _place(self, one: Sent, mark: str | None, entries: int, split: str) -> tuple[object, ...]:
        value, tie, _ = one.score(split)
        return -value, -tie, one.at, self.names[one.team].casefold(), one.team

    def _ranked(self, shown: list[tuple[Sent, str | None, int]], split: str) -> Iterator[Row]:
        for one, mark, entries in shown:
            better = [
                other
                for other, other_mark, _ in shown
                if other_mark is None and other.score(split)[:2] > one.score(split)[:2]
            ]
            rank = len(better) + 1 if mark is None else None
            yield Row(rank, one.team, one.id, one.score(split)[0], mark, entries)

    def _lines(
        self, phase: Phase, team: str, split: str, cut: datetime | None
    ) -> list[tuple[Sent, str | None, int]]:
        mine = [
            one
            for one in self.of(phase, team)
            if one.state == "scored" and not one.hidden and (cut is None or one.at < cut)
        ]
        found: list[tuple[Sent, str | None, int]] = []
        in_time = [one for one in mine if not one.late]
        able = [one for one in in_time if not one.disqualified]
        if split == "private":
            able = self.finalists(phase, able)
        if able and phase.latest and split == "public":
            best = max(able, key=lambda one: (one.at, one.id))
            found.append((best, self._gate(phase, best, split), len(in_time)))
        elif able:
            best = self._best(phase, able, split)
            found.append((best, self._gate(phase, best, split), len(in_time)))
        elif in_time:
            best = self._best(phase, in_time, split)
            found.append((best, "disqualified", len(in_time)))
        if (phase.slug, team) in self.out:
            found = [(one, "disqualified", entries) for one, _, entries in found]
        late = [one for one in mine if one.late and not one.disqualified]
        if late and cut is None:
            found.append((self._best(phase, late, split), "late", len(late)))
        return found

    def finalists(self, phase: Phase, able: list[Sent]) -> list[Sent]:
        """Selected ones first, then by public score, up to the number of finals."""
        if phase.finals == 0:
            return able
        chosen = sorted((one for one in able if one.selected), key=lambda one: (one.at, one.id))
        chosen = chosen[: phase.finals]
        rest = [one for one in able if not one.selected]
        while rest and len(chosen) < phase.finals:
            best = self._best(phase, rest, "public")
            chosen.append(best)
            rest.remove(best)
        return chosen

    def _best(self, phase: Phase, able: list[Sent], split: str) -> Sent:
        best = able[0]
        for one in able[1:]:
            if self._beats(phase, one, best, split):
                best = one
        return best

    def _beats(self, phase: Phase, one: Sent, other: Sent, split: str) -> bool:
        passes = [self._gate(phase, each, split) is None for each in (one, other)]
        if passes[0] != passes[1]:
            return passes[0]
        scores = [each.score(split)[:2] for each in (one, other)]
        if scores[0] != scores[1]:
            return scores[0] > scores[1]
        return (one.at, one.id) < (other.at, other.id)

    def _gate(self, phase: Phase, one: Sent, split: str) -> str | None:
        if phase.gate is None or one.score(split)[2] > phase.gate:
            return None
        return "gate"
