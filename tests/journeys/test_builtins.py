"""Every built-in challenge as a participant meets it: page, API, client, starter, boards."""

from __future__ import annotations

import fnmatch
import json
import tomllib
from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from math import hypot
from pathlib import Path

import fivesigma_datasets
import pytest
from builtin_site import BuiltinSite, builtin_site
from fivesigma_backend.challenges.pictures import is_called_picture
from fivesigma_backend.core.sandbox import Sandbox
from fivesigma_client import Client
from fivesigma_datasets import BUILTINS, demo_submissions
from page_checks import Page, faults
from stories import API

ROOT = Path(__file__).parent.parent.parent
PACKAGE = Path(fivesigma_datasets.__file__).parent
LARGEST_PACKAGE = 40_000_000
SECTIONS = (
    "Physics",
    "Task",
    "Data",
    "Metric",
    "What the metric ignores",
    "How simulated",
    "Citation and licence",
    "These data",
)


@pytest.fixture(scope="module", params=BUILTINS)
def site(
    request: pytest.FixtureRequest,
    sqlite_template: Path,
    broker_url: str,
    sandbox: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[BuiltinSite]:
    """The challenge with its small data, on a server of its own."""
    folder = tmp_path_factory.mktemp(request.param)
    with builtin_site(request.param, sqlite_template, broker_url, sandbox, folder) as opened:
        yield opened


def test_it_loads_and_says_that_its_truth_is_public(site: BuiltinSite) -> None:
    assert site.definition.truth_public
    assert not [line for line in site.told if "is not shown as a picture" in line]
    for path in ("", "/data", "/leaderboard"):
        page = site.web.get(f"/challenges/{site.name}{path}").text
        assert "The truth of these data is public" in page, path
        assert faults(page) == []


def test_its_card_has_all_sections_with_sources_and_sigma(site: BuiltinSite) -> None:
    card = (site.folder / site.definition.card).read_text()
    headings = [line.removeprefix("## ") for line in card.splitlines() if line.startswith("## ")]
    for section in SECTIONS:
        assert any(heading.startswith(section) for heading in headings), section
    last = card.split("## Citation and licence")[1]
    assert "CC0" in last
    assert "arXiv" in last or "doi" in last
    assert "±" in card


def test_its_pictures_are_shown_on_the_data_page_and_those_of_the_card_on_the_overview(
    site: BuiltinSite,
) -> None:
    pictures = {
        name for name, one in site.definition.published().items() if is_called_picture(one.path)
    }
    browser = site.browser(site.participant().username)
    page = browser.get(f"/challenges/{site.name}/data").text
    assert faults(page) == []
    addresses = [image["src"] for image in Page(page).of("img")]
    prefix = f"/challenges/{site.name}/pictures/"
    assert {one.removeprefix(prefix).split("?")[0] for one in addresses} == pictures
    for address in addresses:
        assert browser.get(address).status_code == 200
    card = (site.folder / site.definition.card).read_text()
    shown = Page(browser.get(f"/challenges/{site.name}").text).of("img")
    assert len(shown) == card.count("](figures/")
    assert all(image["src"].startswith(prefix) for image in shown)


def test_its_files_are_the_same_by_page_api_and_client(site: BuiltinSite, tmp_path: Path) -> None:
    person = site.participant()
    browser = site.browser(person.username)
    listed = person.get(f"{API}/challenges/{site.name}/files").json()["items"]
    published = site.definition.published()
    assert {one["name"] for one in listed} == set(published)
    page = browser.get(f"/challenges/{site.name}/data").text
    with Client(site.url, person.token) as client:
        paths = client.download(site.name, folder=tmp_path)
    found = {path.name: path.read_bytes() for path in paths}
    for one in listed:
        whole = (site.folder / published[one["name"]].path).read_bytes()
        assert one["title"]
        assert one["sha256"] == sha256(whole).hexdigest()
        assert one["size"] == len(whole)
        assert found[one["filename"]] == whole
        assert browser.get(f"/challenges/{site.name}/data/{one['name']}").content == whole
        assert person.get(one["url"]).content == whole
        assert f'href="/challenges/{site.name}/data/{one["name"]}"' in page
        if not is_called_picture(one["filename"]):
            assert one["sha256"] in page
    assert set(found) == {one["filename"] for one in listed}
    secret = {test_set.solution for test_set in site.definition.test_sets.values()}
    assert not secret & set(found)


def test_its_samples_are_valid_by_command_and_by_page(site: BuiltinSite, tmp_path: Path) -> None:
    person = site.participant()
    browser = site.browser(person.username)
    for phase in site.phases:
        sample = site.sample_of(phase)
        words = ("-f", str(sample), "--phase", phase.slug, "--json")
        ran = site.run(person, tmp_path, "validate", site.name, *words)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert json.loads(ran.stdout)["ok"] is True
        token = browser.csrf(f"/challenges/{site.name}/submit")
        answer = browser.http.post(
            f"/challenges/{site.name}/submit",
            data={"csrf_token": token, "phase": phase.slug},
            files={"file": (sample.name, sample.read_bytes())},
        )
        assert answer.status_code == 303, answer.text
        site.drain()
        page = browser.get(answer.headers["location"])
        assert "chip status scored" in page.text


def test_its_reference_submissions_come_worst_first(site: BuiltinSite) -> None:
    files = demo_submissions(site.folder)
    assert len(files) >= 2
    assert len({name for name, _, _ in files}) == len(files)
    assert all(message for _, message, _ in files)
    phase = site.phases[0]
    found = [site.ranks(site.hand_in(content, name, phase.slug)) for name, _, content in files]
    for split in ("public", "private"):
        ranks = [one[split] for one in found]
        for worse, better in pairwise(ranks):
            assert worse.value < better.value, split
        assert ranks[-1].value > ranks[0].value + hypot(ranks[0].sigma, ranks[-1].sigma), split


def test_its_starter_is_accepted_and_beats_the_sample(site: BuiltinSite, tmp_path: Path) -> None:
    person = site.participant()
    assert "starter" in site.definition.files, "a starter is published as [files.starter]"
    with Client(site.url, person.token) as client:
        client.download(site.name, folder=tmp_path)
    assert len((tmp_path / "starter.py").read_text().splitlines()) < 80
    words = site.starter(tmp_path)
    assert words[:3] == ["fivesigma", "submit", site.name]
    sent = site.run(person, tmp_path, *words[1:], "--json")
    assert sent.returncode == 0, sent.stdout + sent.stderr
    document = json.loads(sent.stdout)
    site.drain()
    phase = next(one for one in site.phases if one.slug == document["phase"])
    sample = site.sample_of(phase)
    best = site.ranks(document["id"])
    least = site.ranks(site.hand_in(sample.read_bytes(), sample.name, phase.slug))
    for split in ("public", "private"):
        assert best[split].value > least[split].value + least[split].sigma


def data_files() -> list[Path]:
    """Everything of the package but its code."""
    files = (path for path in PACKAGE.rglob("*") if path.is_file())
    return [one for one in files if one.suffix != ".pyc"]


def test_the_package_is_small() -> None:
    assert sum(path.stat().st_size for path in data_files()) <= LARGEST_PACKAGE


def test_the_wheel_takes_all_of_it() -> None:
    """Hatch takes every file of a package but for what the build or `.gitignore` leaves out."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert set(build) == {"targets"}
    assert set(build["targets"]["wheel"]) == {"packages"}
    assert "datasets/fivesigma_datasets" in build["targets"]["wheel"]["packages"]
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().split()]
    inside = [path.relative_to(PACKAGE) for path in data_files()]
    assert any(path.suffix == ".parquet" for path in inside)
    for path in inside:
        for part in path.parts:
            assert not any(fnmatch.fnmatch(part, pattern) for pattern in ignored), path
