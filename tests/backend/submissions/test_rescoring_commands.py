"""Re-scoring from the command line, what it costs in statements, and the page that explains it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from challenge_folder import write_tiny_challenge
from click.testing import CliRunner
from fivesigma_backend.challenges.frozen import as_markdown
from fivesigma_backend.challenges.models import Solution
from fivesigma_backend.cli import main
from fivesigma_backend.commands import contests, rescoring
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.submissions.housekeeping import referred_blobs
from fivesigma_backend.submissions.takeover import take_over
from rescorings import other_truth, rescorings, update, with_phase
from sqlalchemy import select
from statements import counted
from stories import Story


@pytest.fixture
def command(story: Story, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Commands that work on the story's platform."""

    @contextmanager
    def opened() -> Iterator[Platform]:
        yield story.platform

    for module in (contests, rescoring):
        monkeypatch.setattr(module, "opened", opened)
    return CliRunner()


def test_a_command_scores_again(story: Story, command: CliRunner) -> None:
    nothing = command.invoke(main, ["submission", "rescore", "tiny"])
    assert (nothing.exit_code, "no submissions to score again" in nothing.output) == (1, True)
    ada = story.person("ada")
    ada.submit(story.prediction())
    story.drain()
    unknown = command.invoke(main, ["submission", "rescore", "tiny", "--phase", "x"])
    assert (unknown.exit_code, "There is no phase “x”" in unknown.output) == (1, True)
    begun = command.invoke(main, ["submission", "rescore", "tiny", "--phase", "final"])
    assert begun.output == "tiny: 1 submissions of “main” are scored again\n"
    story.drain()
    story.tick()
    assert rescorings(story)[0].outcome == "switched"
    wrong = command.invoke(main, ["submission", "rescore", "other"])
    assert (wrong.exit_code, "There is no challenge “other”" in wrong.output) == (1, True)


def test_a_load_with_update_begins_a_rescoring_and_says_so(
    story: Story, command: CliRunner
) -> None:
    ada = story.person("ada")
    ada.submit(story.prediction())
    story.drain()
    folder = other_truth(story)
    refused = command.invoke(main, ["challenge", "load", str(folder)])
    assert (refused.exit_code, "again with --update" in refused.output) == (1, True)
    loaded = command.invoke(main, ["challenge", "load", str(folder), "--update"])
    assert loaded.exit_code == 0, loaded.output
    assert "Test set main: its submissions will be scored again" in loaded.output
    assert "Test set main, weight: 200 of 200 rows differ" in loaded.output
    assert len(rescorings(story)) == 1


def test_the_folder_of_a_pending_solution_is_kept(story: Story) -> None:
    story.person("ada").submit(story.prediction())
    update(story, other_truth(story))
    with story.platform.db.read() as session:
        newest = session.scalars(select(Solution).order_by(Solution.version.desc())).first()
        assert newest is not None
        referred = referred_blobs(session)
    assert newest.summary["folder_sha256"] in referred
    assert None not in referred


@pytest.mark.stores
def test_a_switch_takes_as_many_statements_for_two_submissions_as_for_twelve(
    story: Story,
) -> None:
    costs = []
    for teams, name in ((1, "few"), (6, "many")):
        people = [story.person(f"{name}{n}") for n in range(teams)]
        for person in people:
            person.submit(story.prediction(0.0))
            person.submit(story.prediction(0.5))
        story.drain()
        options = {"regularisation": float(teams)}
        folder = write_tiny_challenge(story.folder.parent / name, **with_phase(options=options))
        update(story, folder)
        story.drain()
        held = rescorings(story)[-1]
        now = story.platform.clock()
        with counted(story.platform.db) as statements:
            take_over(story.platform, held.id, past_failures=False, now=now, actor_id=None)
        costs.append(len(statements))
    assert costs[0] == costs[1]


def test_the_page_about_editing_has_the_table_of_the_code() -> None:
    page = Path(__file__).parents[3] / "backend" / "EDITING.md"
    assert as_markdown() in page.read_text()
