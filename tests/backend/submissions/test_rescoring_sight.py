"""What a pending generation must not show, what history does, and keys that only rank again."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest
from challenge_folder import write_tiny_challenge
from conftest import FrozenClock
from fastapi import FastAPI
from fivesigma_backend.challenges.changes import merged
from fivesigma_backend.challenges.definition import read_definition
from fivesigma_backend.challenges.definition_model import (
    Definition,
    PhaseDefinition,
    TestSetDefinition,
)
from fivesigma_backend.challenges.frozen import (
    CHALLENGE_KEYS,
    PHASE_KEYS,
    TABLES,
    TEST_SET_KEYS,
    Effect,
    grouped,
)
from fivesigma_backend.challenges.models import Challenge, Organiser, Phase
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.core.errors import Conflict
from fivesigma_backend.core.web import api_routes
from fivesigma_backend.submissions.models import Evaluation, Standing, Submission
from fivesigma_backend.submissions.rescoring_rules import Progress, competition_ranks, moves
from fivesigma_backend.submissions.rules import State
from fivesigma_backend.submissions.standings import lock_entry_of, restand
from fivesigma_backend.teams.models import Notice
from rescorings import current, generation, other_truth, rescorings, update, with_phase
from sqlalchemy import select
from sqlalchemy import update as sql_update
from stories import API, Person, Story

MARKER = 735196428.25
MARKERS = ("735196428", "735,196,428", "7.35196")


def scored(story: Story) -> tuple[Person, Person, str]:
    """Two teams with a score each, and the first one's submission."""
    ada, ben = story.person("ada"), story.person("ben")
    first = ada.submit(story.prediction(0.0)).json()["id"]
    ben.submit(story.prediction(0.6))
    story.drain()
    return ada, ben, first


def test_nothing_of_a_pending_generation_is_seen_by_participants(story: Story) -> None:
    """Every route is walked as each role while both splits of the new generation are marked."""
    ada, ben, first = scored(story)
    assert update(story, other_truth(story)).rescored
    story.drain()
    scores = {"ams": {"value": MARKER, "sigma": MARKER, "n": 100}}
    diagnosis = {"code": "looks_shuffled", "severity": "warning", "message": str(MARKER)}
    with story.platform.db.transaction() as session:
        session.execute(
            sql_update(Evaluation)
            .where(Evaluation.rescoring_id.is_not(None))
            .values(
                public_scores=scores,
                private_scores=scores,
                public_details={"slices": scores},
                private_details={"slices": scores},
                diagnoses=[diagnosis],
                findings=[diagnosis],
            )
        )
    visitor = Person(story.web, "visitor", "")
    walked = 0
    for path in paths(story, first):
        for person in (ada, ben, visitor):
            headers = {} if person is visitor else {"Authorization": f"Bearer {person.token}"}
            answer = story.web.get(path, headers=headers, follow_redirects=False)
            seen = answer.text + str(dict(answer.headers))
            assert not any(marker in seen for marker in MARKERS), f"{person.username} {path}"
            walked += answer.status_code == 200
    assert walked > 40
    boss = story.person("boss", joined=False, admin=True)
    answer = boss.get(f"/submissions/{first}")
    assert any(marker in answer.text for marker in MARKERS), "organisers do see it"


def paths(story: Story, submission_id: str) -> list[str]:
    values = {
        "{slug}": "tiny",
        "{phase}": "final",
        "{submission_id}": submission_id,
        "{rescoring}": rescorings(story)[0].id,
        "{split}": "public",
        "{name}": "train",
    }
    found = []
    for route in api_routes(cast("FastAPI", story.web.app)):
        path = route.path or ""
        if "GET" not in (route.methods or ()) or path.endswith("/events"):
            continue
        for name, value in values.items():
            path = path.replace(name, value)
        found += [path]
        if path.endswith("/leaderboard"):
            found += [f"{path}?split=private", f"{path}?format=csv"]
    return found


def test_history_stays_and_says_what_counts(story: Story) -> None:
    ada, _, first = scored(story)
    assert "Scored more than once" not in ada.get(f"/submissions/{first}").text
    update(story, other_truth(story))
    story.drain()
    assert "Scored more than once" not in ada.get(f"/submissions/{first}").text
    story.tick()
    page = ada.get(f"/submissions/{first}").text
    assert "Scored more than once" in page
    lines = page[page.index('id="history"') :]
    assert lines.index("version 2") < lines.index("counts") < lines.index("version 1")
    assert "private" not in lines[: lines.index("</table>")]


def test_what_only_decides_which_submission_counts_ranks_again_at_once(story: Story) -> None:
    ada = story.person("ada")
    for cut in (0.0, 2.0):
        ada.submit(story.prediction(cut))
    story.drain()
    best = ada.board().json()["rows"][0]["score"]
    folder = write_tiny_challenge(
        story.folder.parent / "latest", **with_phase(public_rule="latest", closes=None)
    )
    assert update(story, folder).rescored == ()
    (row,) = ada.board().json()["rows"]
    assert row["score"] < best
    with story.platform.db.transaction() as session:
        acts = set(session.scalars(select(AuditEvent.action)))
        assert {"phase.restand", "phase.move"} <= acts
        (told,) = session.scalars(select(Notice))
        assert "has no set close; it was 2026-12-21 00:00 UTC" in told.text
        before = lines(session)
        counting = session.scalars(select(Standing.submission_id)).all()
        entry = lock_entry_of(session, counting[0])
        restand(session, entry, session.scalars(select(Phase)).one())
        assert lines(session) == before, "the same as entry by entry"


def lines(session: Any) -> list[tuple[Any, ...]]:
    columns = (Standing.board, Standing.late, Standing.submission_id, Standing.score)
    return [tuple(row) for row in session.execute(select(*columns).order_by(*columns))]


@pytest.mark.parametrize("key", ["finals", "public_rule", "metric", "variant_rank"])
def test_who_wins_is_not_chosen_after_unblinding(
    story: Story, clock: FrozenClock, key: str
) -> None:
    scored(story)
    clock.advance(days=30)
    story.tick()
    value = {"finals": 0, "public_rule": "latest", "metric": "ams3", "variant_rank": "mean"}
    folder = write_tiny_challenge(story.folder.parent / key, **with_phase(**{key: value[key]}))
    with pytest.raises(Conflict, match=rf"phases.final.{key}: the phase is unblinded"):
        update(story, folder)


def test_a_wrong_solution_is_put_right_after_unblinding_for_all_to_see(
    story: Story, clock: FrozenClock
) -> None:
    ada, _, _ = scored(story)
    clock.advance(days=30)
    story.tick()
    old = ada.board(split="private").json()
    assert update(story, other_truth(story)).rescored == ("main",)
    story.drain()
    assert ada.board(split="private").json()["rows"] == old["rows"]
    story.tick()
    new = ada.board(split="private").json()
    assert new["rows"] != old["rows"]
    assert new["version"] > old["version"]
    with story.platform.db.read() as session:
        assert session.scalars(select(Notice.kind)).all() == ["rescored"]


def test_what_failed_is_tried_again(story: Story) -> None:
    ada, _, first = scored(story)
    boss = story.person("boss", joined=False)
    with story.platform.db.transaction() as session:
        identity = session.scalars(select(Challenge.id)).one()
        session.add(Organiser(challenge_id=identity, user_id=story.user("boss").id))
    update(story, other_truth(story))
    (held,) = rescorings(story)
    here = f"{API}/admin/challenges/tiny/rescorings/{held.id}"
    assert boss.post(f"{here}/retry").json()["code"] == "nothing"
    with story.platform.db.transaction() as session:
        session.execute(
            sql_update(Evaluation)
            .where(Evaluation.rescoring_id == held.id)
            .values(state=State.FAILED, crashes=3)
        )
    assert boss.post(f"{here}/retry").json()["waiting"] == 2
    story.drain()
    story.tick()
    assert current(story, first).rescoring_id == held.id
    del ada


def test_a_phase_can_not_come_with_the_rescoring_of_its_test_set(story: Story) -> None:
    scored(story)
    phase = with_phase()["phases"][0]
    folder = other_truth(story, phases=[phase, phase | {"slug": "second"}])
    with pytest.raises(Conflict, match=r"phases\.second: its test set is scored again"):
        update(story, folder)


def test_a_solution_with_another_path_waits_for_the_switch_too(story: Story) -> None:
    scored(story)
    folder = other_truth(story, test_sets={"main": {"solution": "truth/new.csv"}})
    (folder / "truth").mkdir()
    (folder / "solution.csv").rename(folder / "truth" / "new.csv")
    update(story, folder)
    with story.platform.db.read() as session:
        challenge = session.scalars(select(Challenge)).one()
        assert challenge.definition["test_sets"]["main"]["solution"] == "solution.csv"
    story.drain()
    story.tick()
    assert rescorings(story)[0].outcome == "switched"
    assert update(story, folder).changes == ()


def test_a_folder_edited_so_that_the_solution_has_no_place_is_explained(story: Story) -> None:
    """Between begin and switch the path of the new solution becomes that of another file."""
    scored(story)
    folder = other_truth(story, test_sets={"main": {"solution": "new.csv"}})
    (folder / "solution.csv").rename(folder / "new.csv")
    update(story, folder)
    taken = write_tiny_challenge(story.folder.parent / "taken", files={"x": {"path": "new.csv"}})
    (taken / "new.csv").write_text("something else")
    assert update(story, taken).rescored == ()
    story.drain()
    story.tick()
    (held,) = rescorings(story)
    assert held.ended_at is None
    boss = story.person("boss", joined=False, admin=True)
    answer = boss.post(f"{API}/admin/challenges/tiny/rescorings/{held.id}/go-on")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_folder")
    assert "give one of them another name" in answer.json()["detail"]
    update(story, write_tiny_challenge(story.folder.parent / "free"))
    story.tick()
    assert rescorings(story)[0].outcome == "switched"


def test_every_key_of_challenge_toml_stands_in_the_table_of_frozen_fields() -> None:
    assert set(TEST_SET_KEYS) == set(TestSetDefinition.model_fields)
    assert set(PHASE_KEYS) == set(PhaseDefinition.model_fields)
    assert {*CHALLENGE_KEYS, "test_sets", "phases"} == set(Definition.model_fields)
    order = list(Effect)
    for table in TABLES.values():
        rules = [rule for rule, _ in grouped(table)]
        assert sorted(key for _, keys in grouped(table) for key in keys) == sorted(table)
        assert [order.index(rule.submitted) for rule in rules] == sorted(
            (order.index(rule.submitted) for rule in rules), reverse=True
        )


def test_merging_takes_what_decides_scores_and_nothing_else(story: Story) -> None:
    base = read_definition(story.folder)
    donor = read_definition(
        write_tiny_challenge(
            story.folder.parent / "donor",
            title="Other",
            **with_phase(metric="accuracy", options={}, metrics=[], finals=7, closes=None),
        )
    )
    found = merged(base, donor, ["main"])
    assert (found.phases[0].metric, found.phases[0].metrics) == ("accuracy", [])
    assert (found.title, found.phases[0].finals) == (base.title, base.phases[0].finals)
    assert found.phases[0].closes == base.phases[0].closes
    assert merged(base, donor, []) == base
    assert merged(merged(base, donor, ["main"]), base, ["main"]) == base


def test_progress_says_when_it_is_ready() -> None:
    assert Progress({}).ready
    assert not Progress({}, lacking=True).finished
    assert not Progress({"scored": 2, "scoring": 1}).finished
    failed = Progress({"scored": 2, "rejected": 1, "failed": 1})
    assert (failed.finished, failed.ready, failed.done, failed.total) == (True, False, 3, 4)


def test_moves_share_ranks_and_name_who_comes_and_goes() -> None:
    assert competition_ranks({"a": (2.0,), "b": (2.0,), "c": (1.0,)}) == {"a": 1, "b": 1, "c": 3}
    found = moves({"a": (1.0,), "b": (2.0,)}, {"a": (3.0,), "c": (2.0,)})
    assert [(one.team, one.before, one.after) for one in found] == [
        ("a", 2, 1),
        ("c", None, 2),
        ("b", 1, None),
    ]


@pytest.mark.stores
def test_teams_that_hand_in_while_it_switches_are_scored_under_what_is_in_force(
    story: Story, clock: FrozenClock
) -> None:
    """Uploads race with the switch; in the end every one counts with the new solution."""
    people = [story.person(f"team{n}") for n in range(4)]
    for person in people:
        person.submit(story.prediction(0.0))
    story.drain()
    update(story, other_truth(story))
    story.drain()
    statuses: list[int] = []
    file = story.prediction(0.4)

    def hand_in(person: Person) -> None:
        statuses.append(person.submit(file).status_code)

    threads = [threading.Thread(target=hand_in, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for _ in range(3):
        story.tick()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 4
    for _ in range(3):
        clock.advance(minutes=1)
        story.drain()
        story.tick()
    (held,) = rescorings(story)
    assert held.outcome == "switched"
    with story.platform.db.read() as session:
        counting = session.scalars(
            select(Evaluation.solution_id).join(
                Submission, Submission.evaluation_id == Evaluation.id
            )
        ).all()
    assert len(counting) == 8
    assert set(counting) == {held.solution_id}
    assert len({row["score"] for row in people[0].board().json()["rows"]}) == 1
    assert generation(story, held)
