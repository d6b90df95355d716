"""Re-scoring on both databases: a second generation beside the first, and one switch."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from challenge_folder import write_tiny_challenge
from conftest import FrozenClock
from fivesigma_backend.challenges.models import Challenge, Phase, Solution, TestSet
from fivesigma_backend.challenges.service import export_challenge
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.core.errors import Conflict
from fivesigma_backend.submissions import generations
from fivesigma_backend.submissions import rescoring as rescoring_module
from fivesigma_backend.submissions.claiming import claim
from fivesigma_backend.submissions.editing import rescore
from fivesigma_backend.submissions.models import Evaluation, Rescoring, Submission
from fivesigma_backend.submissions.quota import usage_of
from fivesigma_backend.submissions.rescoring import cancel, lock_rescoring
from fivesigma_backend.submissions.rules import State
from fivesigma_backend.submissions.takeover import take_over
from fivesigma_backend.submissions.unblinding import settled, unblind
from fivesigma_backend.teams.models import Notice
from fivesigma_worker.scoring import score
from rescorings import current, generation, other_truth, rescorings, update, with_phase
from sqlalchemy import func, select
from sqlalchemy import update as sql_update
from stories import API, Person, Story

pytestmark = pytest.mark.stores


def hand_in(person: Person, file: bytes) -> str:
    answer = person.submit(file)
    assert answer.status_code == 201, answer.text
    identity: str = answer.json()["id"]
    return identity


def scores(board: Any) -> dict[str, float]:
    return {row["team"]: row["score"] for row in board.json()["rows"]}


def begin(story: Story, **toml: Any) -> Rescoring:
    result = update(story, other_truth(story, **toml))
    assert result.rescored == ("main",)
    (found,) = [one for one in rescorings(story) if one.ended_at is None]
    return found


def finish(story: Story) -> None:
    story.drain()
    story.tick()


def test_the_board_keeps_the_old_generation_until_all_is_scored_and_then_switches(
    story: Story, clock: FrozenClock
) -> None:
    ada, ben = story.person("ada"), story.person("ben")
    first, second = hand_in(ada, story.prediction(0.0)), hand_in(ben, story.prediction(0.7))
    story.drain()
    old = scores(ada.board())
    held = begin(story)
    assert [one.state for one in generation(story, held)] == [State.QUEUED] * 2
    assert {one.priority for one in generation(story, held)} == {1}
    for answered in (1, 2):
        step(story)
        assert scores(ada.board()) == old, f"after {answered} of 2"
        assert ada.get(f"{API}/submissions/{first}").json()["status"] == "scored"
    version = ada.board().json()["version"]
    clock.advance(minutes=1)
    story.tick()
    new = scores(ada.board())
    assert set(new) == set(old)
    assert all(new[team] != old[team] for team in old)
    assert ada.board().json()["version"] > version
    (ended,) = rescorings(story)
    assert (ended.outcome, ended.ended_at) == ("switched", clock())
    for identity in (first, second):
        assert current(story, identity).rescoring_id == held.id
    with story.platform.db.read() as session:
        solution = session.scalars(
            select(Solution).join(TestSet, TestSet.current_solution_id == Solution.id)
        ).one()
        assert (solution.id, solution.version) == (held.solution_id, 2)
        acts = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
        assert acts[-3:] == ["challenge.update", "rescoring.begin", "rescoring.switch"]
        (told,) = session.scalars(select(Notice).where(Notice.kind == "rescored"))
        assert "“The phase” were scored again" in told.text
        old_ones = session.scalars(
            select(Evaluation).where(Evaluation.rescoring_id.is_(None))
        ).all()
        assert [one.state for one in old_ones] == [State.SCORED] * 2, "history is kept"


def step(story: Story) -> None:
    """Score one evaluation and no more, as one worker would."""
    platform = story.platform
    with platform.db.transaction() as session:
        held = claim(session, worker="w", now=platform.clock(), lease=timedelta(seconds=30))
    assert held is not None
    score(platform, held, threading.Event())


def test_what_is_handed_in_meanwhile_is_scored_under_both(story: Story) -> None:
    ada, ben = story.person("ada"), story.person("ben")
    hand_in(ada, story.prediction(0.0))
    story.drain()
    old = scores(ada.board())
    held = begin(story)
    during = hand_in(ben, story.prediction(0.0))
    assert len(generation(story, held)) == 2
    step(story)  # live work comes before re-scoring
    assert current(story, during).state == State.SCORED
    assert scores(ada.board())["ben"] == old["ada"], "scored against the solution in force"
    finish(story)
    new = scores(ada.board())
    assert new["ben"] == new["ada"] != old["ada"]
    after = hand_in(ben, story.prediction(0.3))
    assert current(story, after).solution_id == held.solution_id
    with story.platform.db.read() as session:
        own = select(func.count()).where(Evaluation.submission_id == after)
        assert session.scalar(own) == 1


def test_a_switch_that_dies_leaves_the_old_generation_whole(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = story.person("ada")
    first = hand_in(ada, story.prediction())
    story.drain()
    old = ada.board().json()
    held = begin(story, **with_phase(metric="accuracy", options={}, metrics=[]))
    story.drain()

    def die(*_arguments: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(rescoring_module, "notify", die)
        with pytest.raises(KeyboardInterrupt):
            story.tick()
    board = ada.board().json()
    assert (board["rows"], board["metric"]) == (old["rows"], old["metric"])
    assert current(story, first).rescoring_id is None
    assert rescorings(story)[0].ended_at is None
    story.tick()
    board = ada.board().json()
    assert (board["metric"], len(board["rows"])) == ("accuracy", 1)
    assert current(story, first).rescoring_id == held.id


def test_scoring_keys_wait_for_the_switch_and_the_rest_takes_effect_at_once(
    story: Story, tmp_path: Path
) -> None:
    ada = story.person("ada")
    hand_in(ada, story.prediction())
    story.drain()
    folder = write_tiny_challenge(
        story.folder.parent / "new",
        title="Tiny, corrected",
        **with_phase(metric="accuracy", options={}, metrics=[], limits={"per_day": 9}),
    )
    assert update(story, folder).rescored == ("main",)

    def said() -> tuple[str, str, Any]:
        with story.platform.db.read() as session:
            challenge = session.scalars(select(Challenge)).one()
            phase = session.scalars(select(Phase)).one()
        assert challenge.definition["phases"][0]["metric"] == phase.definition["metric"]
        return challenge.title, phase.definition["metric"], phase.definition["limits"]["per_day"]

    assert said() == ("Tiny, corrected", "ams", 9)
    with pytest.raises(Conflict, match="is being re-scored") as caught:
        update(story, folder)
    assert caught.value.code == "rescoring"
    finish(story)
    assert said() == ("Tiny, corrected", "accuracy", 9)
    assert not update(story, folder).changes, "the folder is what is in force"
    export_challenge(story.platform, "tiny", tmp_path / "out")
    for name in ("challenge.toml", "solution.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (folder / name).read_bytes()


def test_a_cancelled_rescoring_changes_nothing_and_can_be_begun_again(
    story: Story, tmp_path: Path
) -> None:
    ada = story.person("ada")
    hand_in(ada, story.prediction())
    story.drain()
    old = ada.board().json()["rows"]
    held = begin(story)
    with story.platform.db.transaction() as session:
        cancel(session, lock_rescoring(session, held.id), now=story.platform.clock(), actor_id=None)
    assert generation(story, held) == []
    finish(story)
    assert ada.board().json()["rows"] == old
    export_challenge(story.platform, "tiny", tmp_path / "out")
    kept = (tmp_path / "out" / "solution.csv").read_bytes()
    assert kept == (story.folder / "solution.csv").read_bytes(), "the solution in force"
    again = begin(story, name="again")
    finish(story)
    assert ada.board().json()["rows"] != old
    with pytest.raises(Conflict, match="has ended already"), story.platform.db.transaction() as s:
        lock_rescoring(s, again.id)


def test_a_rejected_file_may_be_accepted_and_counts_as_its_state(story: Story) -> None:
    """A bound that was wrong is put right: what it refused is scored, and uses a slot."""
    strict = write_tiny_challenge(
        story.folder.parent / "strict", test_sets={"main": {"min_selected": 50}}
    )
    update(story, strict)
    ada = story.person("ada")
    identity = hand_in(ada, story.prediction(2.0))
    story.drain()
    assert current(story, identity).state == State.REJECTED
    assert used(story, identity) == (0, 1)
    assert update(story, write_tiny_challenge(story.folder.parent / "loose")).rescored == ("main",)
    assert used(story, identity) == (0, 1), "a re-scoring uses nothing"
    finish(story)
    assert current(story, identity).state == State.SCORED
    assert used(story, identity) == (1, 0)
    assert [row["team"] for row in ada.board().json()["rows"]] == ["ada"]


def used(story: Story, identity: str) -> tuple[int, int]:
    with story.platform.db.read() as session:
        entry_id = session.get_one(Submission, identity).entry_id
        usage = usage_of(session, entry_id, story.platform.clock())
    return usage.total, len(usage.rejected)


def test_past_a_failure_an_organiser_may_go_on_and_that_submission_keeps_its_score(
    story: Story,
) -> None:
    ada, ben = story.person("ada"), story.person("ben")
    kept, moved = hand_in(ada, story.prediction(0.0)), hand_in(ben, story.prediction(0.7))
    story.drain()
    old = scores(ada.board())
    held = begin(story)
    fail(story, held, kept)
    finish(story)
    assert scores(ada.board()) == old
    with pytest.raises(Conflict, match="1 submissions could not be scored again"):
        go_on(story, held, past_failures=False)
    with story.platform.db.read() as session:
        assert not settled(session, session.scalars(select(Phase)).one(), story.platform.clock())
    go_on(story, held, past_failures=True)
    new = scores(ada.board())
    assert new["ada"] == old["ada"]
    assert new["ben"] != old["ben"]
    assert current(story, kept).rescoring_id is None
    assert current(story, moved).rescoring_id == held.id


def fail(story: Story, held: Rescoring, submission_id: str) -> None:
    with story.platform.db.transaction() as session:
        session.execute(
            sql_update(Evaluation)
            .where(Evaluation.rescoring_id == held.id)
            .where(Evaluation.submission_id == submission_id)
            .values(state=State.FAILED, finished_at=story.platform.clock())
        )


def go_on(story: Story, held: Rescoring, *, past_failures: bool) -> None:
    now = story.platform.clock()
    take_over(story.platform, held.id, past_failures=past_failures, now=now, actor_id=None)


def test_nobody_goes_on_past_what_still_waits(story: Story) -> None:
    hand_in(story.person("ada"), story.prediction())
    story.drain()
    held = begin(story)
    with pytest.raises(Conflict, match="1 submissions are still to be scored"):
        go_on(story, held, past_failures=True)
    story.tick()
    assert rescorings(story)[0].ended_at is None


def test_a_submission_taken_back_meanwhile_stays_taken_back(story: Story) -> None:
    ada = story.person("ada")
    hand_in(ada, story.prediction(0.0))
    story.drain()
    held = begin(story)
    late = hand_in(ada, story.prediction(0.5))
    assert ada.post(f"{API}/submissions/{late}/cancel").status_code == 200
    story.tick()
    assert [one.submission_id for one in generation(story, held)] != [late]
    finish(story)
    assert rescorings(story)[0].outcome == "switched"
    assert current(story, late).state == State.CANCELLED


def test_what_still_waits_for_the_old_solution_is_not_scored_against_it(story: Story) -> None:
    ada = story.person("ada")
    identity = hand_in(ada, story.prediction(0.0))
    held = begin(story)
    with story.platform.db.transaction() as session:
        hold_back = sql_update(Evaluation).where(Evaluation.rescoring_id.is_(None))
        session.execute(hold_back.values(priority=2))
    step(story)
    story.tick()
    assert current(story, identity).rescoring_id == held.id
    assert story.drain() == 0
    assert ada.get(f"{API}/submissions/{identity}").json()["status"] == "scored"


def test_a_phase_that_is_being_rescored_is_not_unblinded(story: Story, clock: FrozenClock) -> None:
    hand_in(story.person("ada"), story.prediction())
    story.drain()
    held = begin(story)
    story.drain()
    fail(story, held, generation(story, held)[0].submission_id)
    clock.advance(days=30)
    story.tick()
    with story.platform.db.transaction() as session:
        phase = session.scalars(select(Phase)).one()
        assert phase.unblinded_at is None
        with pytest.raises(Conflict, match="test set is being re-scored"):
            unblind(session, story.platform.storage, phase, now=clock(), actor_id=None)
    go_on(story, held, past_failures=True)
    story.tick()
    with story.platform.db.read() as session:
        assert session.scalars(select(Phase)).one().unblinded_at == clock()


def test_submissions_without_an_evaluation_of_the_new_generation_get_one(
    story: Story,
) -> None:
    """Whatever is killed half-way, or was made by others, the tick makes whole."""
    ada = story.person("ada")
    hand_in(ada, story.prediction(0.0)), hand_in(ada, story.prediction(0.5))
    story.drain()
    held = begin(story)
    with story.platform.db.transaction() as session:
        session.delete(session.get_one(Evaluation, generation(story, held)[0].id))
    story.drain()
    story.tick()
    assert rescorings(story)[0].ended_at is None
    assert len(generation(story, held)) == 2
    finish(story)
    assert rescorings(story)[0].outcome == "switched"


def test_many_submissions_are_queued_in_batches_and_none_is_left_out(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "BATCH", 1)
    ada = story.person("ada")
    for cut in (0.0, 0.3, 0.6):
        hand_in(ada, story.prediction(cut))
        story.drain()
    held = begin(story)
    assert len(generation(story, held)) == 1
    story.drain()
    story.tick()
    assert rescorings(story)[0].ended_at is None
    assert len({one.submission_id for one in generation(story, held)}) == 3
    finish(story)
    assert rescorings(story)[0].outcome == "switched"


def test_one_rescoring_of_a_test_set_at_a_time(story: Story) -> None:
    ada = story.person("ada")
    hand_in(ada, story.prediction())
    story.drain()
    begin(story)
    with story.platform.db.read() as session:
        challenge = session.scalars(select(Challenge)).one()
    with pytest.raises(Conflict, match="“main” is being re-scored"):
        rescore(story.platform, challenge, actor_id=None)


def test_a_rescoring_by_hand_keeps_the_solution_unless_it_compiles_to_another(
    story: Story,
) -> None:
    ada = story.person("ada")
    with story.platform.db.read() as session:
        challenge = session.scalars(select(Challenge)).one()
    with pytest.raises(Conflict, match="no submissions to score again"):
        rescore(story.platform, challenge, actor_id=None)
    hand_in(ada, story.prediction())
    story.drain()
    old = ada.board().json()["rows"]
    (planned,) = rescore(story.platform, challenge, phase="final", preview=True, actor_id=None)
    assert (planned.test_set, planned.submissions, planned.recompiled) == ("main", 1, False)
    assert rescorings(story) == []
    with story.platform.db.transaction() as session:
        session.execute(sql_update(Solution).values(compiled_sha256="0" * 64))
    (planned,) = rescore(story.platform, challenge, actor_id=None)
    assert planned.recompiled
    finish(story)
    assert ada.board().json()["rows"][0]["score"] == old[0]["score"]
    with story.platform.db.read() as session:
        assert session.scalars(select(Solution.version).order_by(Solution.version)).all() == [1, 2]


def test_figures_are_made_of_what_counts(story: Story) -> None:
    ada = story.person("ada")
    identity = hand_in(ada, story.prediction())
    story.drain()
    held = begin(story)
    story.drain()
    assert [one.figures_state for one in generation(story, held)] == [None]
    story.tick()
    assert current(story, identity).figures_state == "due"
