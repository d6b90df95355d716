"""The demo: several challenges, one of them broken, an old folder, a run that was killed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from challenge_folder import tiny_toml, write_prediction, write_tiny_challenge
from fivesigma_backend.accounts.models import ApiToken
from fivesigma_backend.challenges.models import Challenge, Organiser
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.demo import __main__ as demo
from fivesigma_backend.demo.notes import Notes
from fivesigma_backend.submissions.models import Submission
from fivesigma_datasets import BUILTINS, Builtin, DataError, Report
from live_server import Web, Worker
from sqlalchemy import func, select

Files = list[tuple[str, str, bytes]]
HIGGSML = BUILTINS["higgsml"]


def tiny_builtin(slug: str, *, phases: int = 1) -> Builtin:
    """The tiny challenge as a built-in one, with two reference submissions."""

    def small(out: Path, _report: Report) -> None:
        phase = tiny_toml()["phases"][0]
        named = [phase | {"slug": f"phase-{number}"} for number in range(phases)]
        write_tiny_challenge(out, slug=slug, phases=named)

    def files(folder: Path) -> Files:
        written = [write_prediction(folder, folder / f"{cut}.csv", cut=cut) for cut in (-3.0, 0.0)]
        return [(path.name, "a cut", path.read_bytes()) for path in written]

    return like_higgsml(slug, small, files)


def like_higgsml(slug: str, small: object, files: object) -> Builtin:
    changes = {"name": slug, "small": small, "demo_submissions": files}
    return dataclasses.replace(HIGGSML, **changes)


def broken(_out: Path, _report: Report) -> None:
    raise DataError("The shipped small data are damaged: reinstall the package.")


def faulty(_out: Path, _report: Report) -> None:
    raise ZeroDivisionError


def no_files(_folder: Path) -> Files:
    raise KeyError("no such column")


@pytest.fixture
def site(platform: Platform) -> Iterator[str]:
    """A server with a worker, for the platform that the demo opens."""
    web, worker = Web(platform), Worker(platform)
    yield f"http://127.0.0.1:{web.port}"
    worker.end()
    web.stop()


@pytest.fixture
def builtins() -> Iterator[dict[str, Builtin]]:
    """The registry, empty, for the test to fill."""
    real = dict(BUILTINS)
    BUILTINS.clear()
    yield BUILTINS
    BUILTINS.clear()
    BUILTINS.update(real)


def run(platform: Platform, site: str) -> Notes:
    """The demo's work in this process."""
    path = platform.settings.data_dir / "secrets" / "demo.json"
    notes = Notes.read(path)
    demo._bring(platform, site, notes, [one for one in BUILTINS if one not in notes.challenges])
    return Notes.read(path)


def test_a_challenge_that_can_not_be_loaded_does_not_stop_the_others(
    platform: Platform,
    site: str,
    builtins: dict[str, Builtin],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    builtins["broken"] = like_higgsml("broken", broken, no_files)
    builtins["faulty"] = like_higgsml("faulty", faulty, no_files)
    builtins |= {"one": tiny_builtin("one"), "two": tiny_builtin("two", phases=2)}
    notes = run(platform, site)
    assert notes.challenges == ["one", "two"]
    told = capsys.readouterr().out
    assert "broken is not loaded: " in told
    assert "reinstall the package" in told
    assert "faulty is not loaded" in caplog.text
    for line in (
        "ada handed in -3.0.csv to one: scored",
        "ben handed in 0.0.csv to one: scored",
        "ada handed in -3.0.csv to two: scored",
    ):
        assert line in told
    with platform.db.read() as session:
        assert set(session.scalars(select(Challenge.slug))) == {"one", "two"}
        assert len(session.scalars(select(Organiser)).all()) == 2
        assert session.scalars(select(ApiToken)).all() == []


def test_a_run_goes_on_where_the_last_one_was_killed_and_hands_in_nothing_twice(
    platform: Platform, site: str, builtins: dict[str, Builtin]
) -> None:
    builtins |= {"one": tiny_builtin("one"), "two": tiny_builtin("two")}
    first = run(platform, site)
    first.challenges.remove("two")  # as if it was killed before it could note that
    first.keep()
    again = run(platform, site)
    assert again.challenges == ["one", "two"]
    assert again.passwords == first.passwords
    with platform.db.read() as session:
        assert session.scalar(select(func.count(Submission.id))) == 4


def test_a_challenge_without_reference_submissions_is_there_all_the_same(
    platform: Platform,
    site: str,
    builtins: dict[str, Builtin],
    caplog: pytest.LogCaptureFixture,
) -> None:
    builtins["mute"] = like_higgsml("mute", tiny_builtin("mute").small, no_files)
    assert run(platform, site).challenges == ["mute"]
    assert "there are no reference submissions of mute" in caplog.text


@pytest.mark.parametrize(("finished", "done"), [(True, ["higgsml"]), (False, [])])
def test_notes_of_the_first_release_are_read(
    tmp_path: Path, finished: bool, done: list[str]
) -> None:
    path = tmp_path / "demo.json"
    path.write_text(json.dumps({"passwords": {"ada": "secret"}, "finished": finished}))
    notes = Notes.read(path)
    assert (notes.passwords, notes.challenges) == ({"ada": "secret"}, done)
    notes.keep()
    assert Notes.read(path) == notes
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "[]", '{"finished": true}', '{"passwords": 1}'])
def test_notes_that_can_not_be_read_are_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "demo.json"
    path.write_text(text)
    with pytest.raises(SystemExit, match=r"demo\.json can't be read"):
        Notes.read(path)
