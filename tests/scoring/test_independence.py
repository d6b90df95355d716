"""What costs no quota says nothing of the truth: with another one, the same bytes."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_client.local_challenge import LocalPhase, read_phase
from fivesigma_scoring import (
    check_job,
    compile_solution,
    score_job,
    sniff,
    validate_offline,
)
from fivesigma_scoring.run import open_universe
from kind_folders import SHAPE
from stories import API, Person, Story
from twins import KINDS, SLUGS, files_for, write_twins

EVERY_KIND = pytest.mark.parametrize("kind", list(KINDS))
OF_THE_MOMENT = {"date", "x-request-id"}
"""Headers that differ between any two answers."""


@pytest.fixture
def folders(tmp_path: Path, kind: str) -> tuple[Path, Path]:
    """Two challenges that differ in their truth alone."""
    return write_twins(kind, tmp_path / "twins")


@pytest.fixture
def files(tmp_path: Path, kind: str, folders: tuple[Path, Path]) -> dict[str, Path]:
    """Every file to be held before both."""
    (tmp_path / "files").mkdir()
    written = {}
    for name, content in files_for(kind, folders).items():
        written[name] = tmp_path / "files" / name
        written[name].write_bytes(content)
    return written


def compiled(folder: Path) -> tuple[LocalPhase, Path]:
    """The only phase of a folder, and its solution as the server compiles it."""
    local, out = read_phase(folder, None), folder / "compiled"
    compile_solution(
        local.solution, local.sample, out, test_set=local.test_set, phases=[local.phase]
    )
    return local, out


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def checked(file: Path, universe: Path) -> str:
    arguments = {"file": str(file), "filename": file.name, "universe": str(universe)}
    return json.dumps(check_job(arguments))


def sniffed(file: Path, universe: Path) -> str:
    data, form = file.read_bytes(), open_universe(universe)[1].format
    found = sniff(data[: 1 << 16], data[-8:], len(data), file.name, form)
    return json.dumps([one.as_json() for one in found])


def scored(file: Path, compiled: Path, phase: str) -> dict[str, Any]:
    arguments = {"file": str(file), "filename": file.name, "phase": phase}
    return score_job({**arguments, "compiled": str(compiled)})


@EVERY_KIND
def test_no_answer_of_the_scorer_depends_on_the_truth(
    folders: tuple[Path, Path], files: dict[str, Path]
) -> None:
    (first, here), (second, there) = map(compiled, folders)
    assert contents(here / "truth") != contents(there / "truth")
    assert contents(here / "universe") == contents(there / "universe")
    verdicts, differ = set(), 0
    for file in files.values():
        answer = checked(file, here / "universe")
        assert answer == checked(file, there / "universe")
        assert sniffed(file, here / "universe") == sniffed(file, there / "universe")
        reports = [
            validate_offline(
                one.sample, file, test_set=dataclasses.replace(one.test_set, shape=SHAPE)
            )
            for one in (first, second)
        ]
        assert json.dumps(reports[0].as_json()) == json.dumps(reports[1].as_json())
        outcomes = [scored(file, out, first.phase.slug) for out in (here, there)]
        findings = [(one["ok"], one["findings"]) for one in outcomes]
        assert (
            findings[0] == findings[1] == (json.loads(answer)["ok"], json.loads(answer)["findings"])
        )
        if outcomes[0]["ok"]:
            differ += outcomes[0]["scores"] != outcomes[1]["scores"]
        else:  # a refused file costs no quota either
            assert json.dumps(outcomes[0]) == json.dumps(outcomes[1])
        verdicts.add(answer)
    assert differ >= 8, "the two truths must tell in the scores, or this test sees nothing"
    assert len(verdicts) >= 15, "the files must be of many kinds"


@EVERY_KIND
def test_a_check_needs_no_truth_to_be_there(
    tmp_path: Path, folders: tuple[Path, Path], files: dict[str, Path]
) -> None:
    _, out = compiled(folders[0])
    alone = tmp_path / "alone"
    shutil.copytree(out / "universe", alone)
    expected = [checked(file, out / "universe") for file in files.values()]
    shutil.rmtree(folders[0])
    assert [checked(file, alone) for file in files.values()] == expected


class Watched:
    """The sandbox, which notes what each job may read, and what is in there."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox = sandbox
        self.jobs: list[str] = []
        self.readable: set[str] = set()

    def run(self, job: str, arguments: Any, *, readable: Any, **options: Any) -> Any:
        self.jobs.append(job)
        assert set(arguments) == {"file", "filename", "universe"}
        assert [str(path) for path in readable] == [arguments["file"], arguments["universe"]]
        for path in readable[1:]:
            self.readable |= set(contents(path))
        return self.sandbox.run(job, arguments, readable=readable, **options)


@pytest.fixture
def watched(platform: Any, web: Any) -> Watched:
    """The platform's own sandbox, watched."""
    watch = Watched(platform.sandbox)
    web.app.state.platform = dataclasses.replace(platform, sandbox=watch)
    return watch


def loaded(platform: Any, web: Any, folders: tuple[Path, Path]) -> dict[str, Person]:
    """Both challenges on one platform, and somebody who takes part in both."""
    for folder in folders:
        load_challenge(platform, folder, report=lambda line: None)
    ada = Story(platform, web, folders[0]).person("ada", joined=False)
    people = {slug: dataclasses.replace(ada, slug=slug) for slug in SLUGS}
    for person in people.values():
        assert person.join().status_code == 200
    return people


def said(answer: Any, slug: str) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Status, body and headers; the address of the challenge is not the truth's."""
    headers = [one for one in answer.headers.items() if one[0] not in OF_THE_MOMENT]
    return answer.status_code, answer.content.replace(slug.encode(), b"SLUG"), headers


@EVERY_KIND
def test_no_answer_of_validate_depends_on_the_truth(
    platform: Any, web: Any, watched: Watched, folders: tuple[Path, Path], files: dict[str, Path]
) -> None:
    people = loaded(platform, web, folders)
    for name, file in files.items():
        answers = []
        for slug, person in people.items():
            platform.throttle.reset()
            answers.append(said(person.validate(file.read_bytes(), name), slug))
        assert answers[0] == answers[1], name
        assert answers[0][0] in (200, 422)
    assert set(watched.jobs) == {"check"}
    universe = contents(compiled(folders[0])[1] / "universe")
    assert watched.readable == set(universe)


@EVERY_KIND
def test_what_is_refused_on_submission_does_not_depend_on_the_truth(
    platform: Any, web: Any, folders: tuple[Path, Path], files: dict[str, Path]
) -> None:
    """At the door, and by the scorer: neither costs quota."""
    people = loaded(platform, web, folders)
    story, universe = Story(platform, web, folders[0]), compiled(folders[0])[1] / "universe"
    refused = 0
    for name, file in files.items():
        if json.loads(checked(file, universe))["ok"]:
            continue
        answers = []
        for slug, person in people.items():
            platform.throttle.reset()
            answer = person.submit(file.read_bytes(), name)
            if answer.status_code == 201:
                story.drain()
                one = person.get(f"{API}/submissions/{answer.json()['id']}").json()
                assert one["status"] == "rejected"
                answers.append((201, one["findings"], one["scores"]))
            else:
                answers.append(said(answer, slug))
        assert answers[0] == answers[1], name
        refused += 1
    assert refused >= 8
