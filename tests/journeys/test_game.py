"""Random games on the platform and in a naive model of it: boards, quotas and refusals agree."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from challenge_folder import write_tiny_challenge
from fivesigma_backend.accounts.service import add_user, find_user
from fivesigma_backend.challenges.access import Access, find_access
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_backend.challenges.models import Organiser, Solution, TestSet
from fivesigma_backend.challenges.service import phase_by_slug
from fivesigma_backend.core.errors import Blinded, Problem
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.core.security import SCOPES, Actor
from fivesigma_backend.leaderboards.service import read_board, view_board
from fivesigma_backend.submissions import judging, judging_entries
from fivesigma_backend.submissions.access import SubmissionAccess
from fivesigma_backend.submissions.admission import admission_to
from fivesigma_backend.submissions.changing import cancel, change
from fivesigma_backend.submissions.claiming import Claim, claim
from fivesigma_backend.submissions.evaluating import Result, record, record_crash, requeue_stale
from fivesigma_backend.submissions.handing_in import Upload, accept
from fivesigma_backend.submissions.joining import accept_merge
from fivesigma_backend.submissions.judging import Judge
from fivesigma_backend.submissions.models import Entry, Standing
from fivesigma_backend.submissions.rescoring import begin
from fivesigma_backend.submissions.schemas import SubmissionChange
from fivesigma_backend.submissions.standings import restand
from fivesigma_backend.submissions.takeover import tend
from fivesigma_backend.submissions.unblinding import lock_phase, unblind
from fivesigma_backend.teams.proposals import propose
from fivesigma_backend.teams.service import join
from fivesigma_scoring.mishaps import scoring_failed
from fivesigma_worker.housekeeping import unblind_due
from hypothesis import HealthCheck, settings
from hypothesis import Phase as Step
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from naive_game import COUNTING, Game, Phase, Row, Sent
from sqlalchemy import delete, select

Scores = tuple[float, float, float]
DAY = datetime(2026, 12, 1, tzinfo=UTC)
LEASE = timedelta(seconds=30)
PEOPLE = ("ada", "ben", "cleo")
RANKED = {"metric": "ams", "metrics": ["purity"], "tie_break": ["signal_efficiency"]}
TOTALS = {"options": {"regularisation": 10.0}, "normalise": {"s": 100.0, "b": 1000.0}}
TOML = [
    {
        "slug": "one", "title": "One", "opens": DAY, "closes": DAY + timedelta(days=10),
        **RANKED, **TOTALS, "limits": {"per_day": 2, "total": 3, "concurrent": 2}, "finals": 1,
        "board": "frozen", "freeze_at": DAY + timedelta(days=7),
        "gates": [{"metric": "purity", "op": ">", "bound": 0.5}],
    },
    {
        "slug": "two", "title": "Two", "opens": DAY + timedelta(days=1),
        "closes": DAY + timedelta(days=20), **RANKED, **TOTALS, "public_rule": "latest",
        "limits": {"per_day": 3, "total": 50, "concurrent": 3}, "finals": 2,
    },
]  # fmt: skip
scores = st.tuples(
    st.sampled_from([1.0, 2.0, 3.0]), st.sampled_from([0.1, 0.2]), st.sampled_from([0.4, 0.9])
)

hand_ins = st.tuples(
    st.sampled_from(PEOPLE), st.sampled_from(["one", "two"]), st.sampled_from("abcdefgh")
)


def phases_of_the_model() -> list[Phase]:
    """What `TOML` says, in the model's words."""
    found = []
    for one in TOML:
        limits = one["limits"]
        assert isinstance(limits, dict)
        gates: Any = one.get("gates", [])
        found.append(
            Phase(
                slug=str(one["slug"]), opens=one["opens"], closes=one["closes"],  # type: ignore[arg-type]  # times stand there
                per_day=limits["per_day"], total=limits["total"],
                concurrent=limits["concurrent"], finals=int(str(one["finals"])),
                latest=one.get("public_rule") == "latest",
                gate=gates[0]["bound"] if gates else None,
                freezes=one.get("freeze_at"),  # type: ignore[arg-type]  # a time or nothing
            )
        )  # fmt: skip
    return found


class Play(RuleBasedStateMachine):
    """One game, played twice."""

    platform: ClassVar[Platform]
    fresh: ClassVar[Callable[[], None]]

    def __init__(self) -> None:
        super().__init__()
        type(self).fresh()
        self.clock: Any = self.platform.clock
        self.clock.time = DAY + timedelta(hours=12)
        self.game = Game(phases_of_the_model())
        self.held: dict[str, Claim] = {}
        self.teams: dict[str, str] = {}
        self.leaders: dict[str, str] = {}

    @property
    def now(self) -> datetime:
        now: datetime = self.clock()
        return now

    @initialize()
    def gather(self) -> None:
        with self.platform.db.transaction() as session:
            for name in (*PEOPLE, "prof"):
                user = add_user(
                    session, username=name, email=None, password_hash=None, is_admin=False,
                    now=self.now,
                )  # fmt: skip
                session.flush()
                actor = Actor(user.id, name, scopes=frozenset(SCOPES))
                access = find_access(session, actor, "tiny", public_boards=True)
                if name == "prof":
                    session.add(Organiser(challenge_id=access.challenge.id, user_id=user.id))
                else:
                    joined = join(session, access.challenge, actor, accept_rules=True, now=self.now)
                    self.game.names[joined.team.id] = joined.team.name
                    self.team_of(name, joined.team.id)
                    self.leaders[joined.team.id] = name

    def team_of(self, name: str, team: str | None = None) -> str:
        """The team somebody is in; with a `team`, from now on."""
        if team is not None:
            self.teams[name] = team
        return self.teams[name]

    def access(self, session: Any, name: str) -> Access:
        user = find_user(session, name)
        assert user is not None
        actor = Actor(user.id, name, scopes=frozenset(SCOPES))
        return find_access(session, actor, "tiny", public_boards=True)

    # What people do.

    @rule(hours=st.sampled_from([0.1, 7, 25, 60]))
    def time_passes(self, hours: float) -> None:
        self.clock.advance(hours=hours)

    @rule()
    def a_border_comes(self) -> None:
        """To the very moment at which a phase opens, freezes or closes next."""
        borders = [(one.opens, one.closes, one.freezes or one.closes) for one in self.game.phases]
        ahead = [moment for three in borders for moment in three if moment > self.now]
        self.clock.time = min(ahead, default=self.now)

    @rule(files=st.lists(hand_ins, min_size=1, max_size=5))
    def submit(self, files: list[tuple[str, str, str]]) -> None:
        for name, slug, file in files:
            self.hand_in(name, slug, file)
            self.clock.advance(minutes=1)

    def hand_in(self, name: str, slug: str, file: str) -> None:
        """Hand in a file; the platform and the model agree on whether it is taken."""
        phase, team = self.game.phase(slug), self.team_of(name)
        expected = self.game.refusal(phase, team, file, self.now)
        outcome, submission = self.platform_takes(name, slug, file)
        assert outcome == expected
        if expected is None:
            self.game.sent.append(Sent(submission, phase, team, file, self.now))

    def platform_takes(self, name: str, slug: str, file: str) -> tuple[str | None, str]:
        """What the platform answers, in the model's words, and the id of the submission."""
        upload = Upload(sha256=file * 64, size=1, filename="a.csv")
        try:
            with self.platform.db.transaction() as session:
                access = self.access(session, name)
                row = phase_by_slug(session, access.challenge.id, slug)
                admission = admission_to(session, access, row)
                accepted = accept(
                    session, access, admission, upload, began_at=self.now, now=self.now
                )
        except Problem as problem:
            return problem.code, ""
        made = accepted.submission_id
        return f"replay:{made}" if accepted.replayed else None, made

    def in_state(self, state: str) -> list[Sent]:
        return [one for one in self.game.sent if one.state == state]

    @precondition(lambda self: self.in_state("queued"))
    @rule()
    def take(self) -> None:
        self.next_one()

    def next_one(self) -> Sent:
        with self.platform.db.transaction() as session:
            taken = claim(session, worker="w", now=self.now, lease=LEASE)
        assert taken is not None
        [one] = [one for one in self.in_state("queued") if one.id == taken.submission_id]
        one.state = "scoring"
        self.held[one.id] = taken
        return one

    @precondition(lambda self: self.in_state("scoring"))
    @rule(data=st.data(), public=scores, private=scores)
    def score(self, data: Any, public: Scores, private: Scores) -> None:
        self.finish(data.draw(st.sampled_from(self.in_state("scoring"))), public, private)

    @precondition(lambda self: self.in_state("queued"))
    @rule(every=st.lists(st.tuples(scores, scores), min_size=1, max_size=6))
    def work(self, every: list[tuple[Scores, Scores]]) -> None:
        for public, private in every:
            if self.in_state("queued"):
                self.finish(self.next_one(), public, private)

    def finish(self, one: Sent, public: Scores, private: Scores) -> None:
        result = Result(True, [], 1, public=as_json(public), private=as_json(private))
        with self.platform.db.transaction() as session:
            assert record(session, self.held[one.id], result, self.now)
        one.state, one.public, one.private = "scored", public, private

    @precondition(lambda self: self.in_state("scoring"))
    @rule(data=st.data())
    def reject(self, data: Any) -> None:
        one = data.draw(st.sampled_from(self.in_state("scoring")))
        with self.platform.db.transaction() as session:
            assert record(session, self.held[one.id], Result(False, [], 1), self.now)
        one.state = "rejected"

    @precondition(lambda self: self.in_state("scoring"))
    @rule(data=st.data())
    def crash(self, data: Any) -> None:
        one = data.draw(st.sampled_from(self.in_state("scoring")))
        with self.platform.db.transaction() as session:
            state = record_crash(session, self.held[one.id], "boom", scoring_failed(), self.now)
        one.crashes += 1
        one.state = "failed" if one.crashes == 3 else "queued"
        assert state == one.state

    @rule()
    def workers_fall_silent(self) -> None:
        self.clock.advance(minutes=1)
        with self.platform.db.transaction() as session:
            requeue_stale(session, self.now)
        for one in self.in_state("scoring"):
            one.lost += 1
            one.state = "failed" if one.lost > 10 else "queued"

    @precondition(lambda self: self.game.sent)
    @rule(data=st.data())
    def take_back(self, data: Any) -> None:
        one = data.draw(st.sampled_from(self.game.sent))
        with self.refused_unless(one.state == "queued"), self.platform.db.transaction() as session:
            cancel(session, self.platform.events, self.found(session, one), now=self.now)
            one.state = "cancelled"

    @precondition(lambda self: self.game.sent)
    @rule(data=st.data(), selected=st.sampled_from([True, True, False]))
    def choose(self, data: Any, selected: bool) -> None:
        """Mostly something that is scored, so that it matters."""
        one = data.draw(st.sampled_from(self.in_state("scored") or self.game.sent))
        mine = [each for each in self.game.of(one.phase, one.team) if each.selected]
        full = selected and not one.selected and len(mine) >= one.phase.finals
        allowed = one.phase.opens <= self.now < one.phase.closes and not full
        wanted = SubmissionChange(selected=selected)
        with self.refused_unless(allowed), self.platform.db.transaction() as session:
            change(session, self.platform.events, self.found(session, one), wanted, now=self.now)
            one.selected = selected

    # What organisers do.

    @precondition(lambda self: self.game.sent)
    @rule(data=st.data(), act=st.sampled_from(["hide", "disqualify", "restore", "refund"]))
    def judge(self, data: Any, act: str) -> None:
        one = data.draw(st.sampled_from(self.game.sent))
        allowed = act != "refund" or one.refunded or one.state in COUNTING
        by = Judge(None, self.now)
        with self.refused_unless(allowed), self.platform.db.transaction() as session:
            match act:
                case "hide":
                    judging.hide(session, one.id, by)
                    one.hidden = True
                case "disqualify":
                    judging.disqualify(session, one.id, "copied", by)
                    one.disqualified = True
                case "restore":
                    judging.restore(session, one.id, by)
                    one.hidden = one.disqualified = False
                case "refund":
                    judging.refund(session, one.id, by)
                    one.refunded = True

    @precondition(lambda self: self.in_state("failed") + self.in_state("rejected"))
    @rule(data=st.data())
    def organiser_retries(self, data: Any) -> None:
        one = data.draw(st.sampled_from(self.in_state("failed") + self.in_state("rejected")))
        with self.platform.db.transaction() as session:
            judging.retry(session, one.id, Judge(None, self.now))
        one.state, one.refunded, one.lost, one.crashes = "queued", True, 0, 0

    @rule(name=st.sampled_from(PEOPLE), slug=st.sampled_from(["one", "two"]), out=st.booleans())
    def judge_team(self, name: str, slug: str, out: bool) -> None:
        team, by = self.team_of(name), Judge(None, self.now)
        with self.platform.db.transaction() as session:
            access = self.access(session, "prof")
            phase = phase_by_slug(session, access.challenge.id, slug)
            if out:
                judging_entries.disqualify_entry(session, phase, team, "copied", by)
                self.game.out.add((slug, team))
            else:
                judging_entries.restore_entry(session, phase, team, by)
                self.game.out.discard((slug, team))

    @precondition(lambda self: not self.in_state("queued") + self.in_state("scoring"))
    @rule(data=st.data())
    def score_again(self, data: Any) -> None:
        """A new generation of scores; boards keep the old one until all of it is there."""
        with self.platform.db.transaction() as session:
            test_set = session.scalars(select(TestSet)).one()
            solution = session.get_one(Solution, test_set.current_solution_id)
            begin(
                session, test_set, solution, reason="labels", definition=None, now=self.now,
                actor_id=None,
            )  # fmt: skip
        again = {one.id: one for one in self.game.sent if one.state != "cancelled"}
        fresh = {}
        while len(fresh) < len(again):
            with self.platform.db.transaction() as session:
                held = claim(session, worker="w", now=self.now, lease=LEASE)
            assert held is not None
            fresh[held.submission_id] = data.draw(scores), data.draw(scores)
            public, private = (as_json(half) for half in fresh[held.submission_id])
            with self.platform.db.transaction() as session:
                assert record(session, held, Result(True, [], 2, public, private), self.now)
            self.boards_agree()
        tend(self.platform, self.now)
        for identity, (first, second) in fresh.items():
            again[identity].state = "scored"
            again[identity].public, again[identity].private = first, second

    @rule(pair=st.permutations(PEOPLE))
    def merge(self, pair: list[str]) -> None:
        """Two teams become one; each is led by whom it was founded by."""
        leaving, staying = self.team_of(pair[0]), self.team_of(pair[1])
        first, second = self.leaders[leaving], self.leaders[staying]
        allowed = leaving != staying and self.game.may_merge(leaving, staying, self.now)
        with self.refused_unless(allowed), self.platform.db.transaction() as session:
            one, other = self.access(session, first), self.access(session, second)
            proposal = propose(
                session, one.challenge, str(one.actor.user_id), self.game.names[staying], self.now
            )
            accept_merge(
                session, self.platform.events, one.challenge, proposal.id, other.actor.user_id,
                self.now,
            )  # fmt: skip
            self.game.merge(leaving, staying, self.now)
            for name in [one for one in PEOPLE if self.team_of(one) == leaving]:
                self.team_of(name, staying)

    @rule(slug=st.sampled_from(["one", "two"]))
    def organiser_unblinds(self, slug: str) -> None:
        phase = self.game.phase(slug)
        allowed = phase.unblinded is not None or self.game.may_unblind(phase, self.now)
        with self.refused_unless(allowed), self.platform.db.transaction() as session:
            access = self.access(session, "prof")
            row = lock_phase(session, phase_by_slug(session, access.challenge.id, slug).id)
            unblind(session, self.platform.storage, row, now=self.now, actor_id=None)
            phase.unblinded = phase.unblinded or self.now

    @rule()
    def the_platform_unblinds(self) -> None:
        unblind_due(self.platform, self.now)
        for phase in self.game.phases:
            if phase.unblinded is None and self.game.may_unblind(phase, self.now):
                phase.unblinded = self.now

    # What must hold whenever somebody looks.

    @invariant()
    def boards_agree(self) -> None:
        with self.platform.db.read() as session:
            for phase in self.game.phases:
                for name, split in (("prof", "public"), ("prof", "private"), ("ada", "public")):
                    access = self.access(session, name)
                    row = phase_by_slug(session, access.challenge.id, phase.slug)
                    board = read_board(session, view_board(access, row, split, self.now))
                    expected = self.game.board(phase, split, self.now, insider=name == "prof")
                    assert [as_row(one) for one in board.rows] == expected

    @invariant()
    def nobody_sees_private_scores_too_early(self) -> None:
        with self.platform.db.read() as session:
            access = self.access(session, "ada")
            for phase in self.game.phases:
                row = phase_by_slug(session, access.challenge.id, phase.slug)
                blind = phase.unblinded is None
                with pytest.raises(Blinded) if blind else nullcontext():
                    view_board(access, row, "private", self.now)

    @invariant()
    def standings_equal_the_derived_board(self) -> None:
        table = Standing.__table__
        wanted = select(table).order_by(table.c.entry_id, table.c.board, table.c.late)
        with self.platform.db.read() as session:
            cached = session.execute(wanted).all()
            session.execute(delete(Standing))
            for entry in session.scalars(select(Entry)).all():
                restand(session, entry, lock_phase(session, entry.phase_id))
            assert session.execute(wanted).all() == cached
            session.rollback()

    # Small helpers.

    def found(self, session: Any, one: Sent) -> SubmissionAccess:
        access = self.access(session, self.leaders[one.team])
        return SubmissionAccess(access, one.id, one.file * 64, member=True)

    def refused_unless(self, allowed: bool) -> Any:
        return nullcontext() if allowed else pytest.raises(Problem)


def as_json(values: Scores) -> dict[str, Any]:
    names = ("ams", "signal_efficiency", "purity")
    return {
        name: {"value": value, "sigma": 0.1, "n": 9, "lower_bound": False, "bootstrap": False}
        for name, value in zip(names, values, strict=True)
    }


def as_row(one: Any) -> Row:
    return Row(
        one["rank"], one["team_id"], one["submission"], one["score"], one["mark"], one["entries"]
    )


@pytest.mark.timeout(900)
def test_thousands_of_steps_agree_with_the_naive_model(platform: Platform, tmp_path: Path) -> None:
    write_tiny_challenge(tmp_path / "tiny", phases=TOML, teams={"max_size": 2})
    load_challenge(platform, tmp_path / "tiny", report=lambda _line: None)
    database = Path(str(platform.db.engine.url.database))
    platform.db.close()
    shutil.copy(database, tmp_path / "loaded.sqlite3")

    def fresh() -> None:
        platform.db.close()
        for leftover in database.parent.glob(f"{database.name}-*"):
            leftover.unlink()
        shutil.copy(tmp_path / "loaded.sqlite3", database)

    Play.platform, Play.fresh = platform, staticmethod(fresh)  # type: ignore[assignment]  # a plain function of the class
    run_state_machine_as_test(
        Play,
        settings=settings(
            max_examples=25,
            stateful_step_count=50,
            deadline=None,
            phases=[Step.generate, *([Step.shrink] if "HYPOTHESIS_SHRINK" in os.environ else [])],
            suppress_health_check=list(HealthCheck),
        ),
    )
