"""What a job can't reach: secrets, other files, the network, other processes."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from fivesigma_backend.core.sandbox import Limits, Sandbox

MIB = 1 << 20

Attempt = Callable[..., str | None]
Need = Callable[..., None]
ServerOf = Callable[[Sandbox], psutil.Process]


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIVESIGMA_SECRET", "planted")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")


@pytest.mark.usefixtures("planted")
def test_environment_holds_no_setting(request: pytest.FixtureRequest, server_of: ServerOf) -> None:
    own = request.getfixturevalue("own")  # started after the secrets were planted
    seen = own.run("environment", {}, readable=[])
    assert "planted" not in server_of(own).environ().values()
    assert not [name for name in seen if name.startswith(("FIVESIGMA", "AWS"))]
    assert "planted" not in seen.values()


def test_owner_and_server_cannot_be_inspected(
    sandbox: Sandbox, attempt: Attempt, need: Need, server_of: ServerOf
) -> None:
    need("landlock")
    for pid in (os.getpid(), server_of(sandbox).pid):
        for name in ("environ", "maps", "cmdline"):
            assert attempt("read", path=f"/proc/{pid}/{name}") == "PermissionError"


def test_only_listed_files_can_be_read(attempt: Attempt, need: Need, tmp_path: Path) -> None:
    need("landlock")
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.write_text("my submission")
    other.write_text("the solution")
    assert attempt("read", mine, path=str(mine)) is None
    assert attempt("read", mine, path=str(other)) == "PermissionError"
    assert attempt("listing", mine, path=str(tmp_path)) == "PermissionError"
    assert attempt("listing", tmp_path, path=str(tmp_path)) is None
    for path in ("/etc/passwd", "/etc/hostname", "/proc/self/environ"):
        assert attempt("read", mine, path=path) == "PermissionError"


def test_a_link_opens_nothing_that_is_not_listed(
    attempt: Attempt, need: Need, tmp_path: Path
) -> None:
    need("landlock")
    folder, secret = tmp_path / "folder", tmp_path / "secret"
    folder.mkdir()
    secret.write_text("the solution")
    (folder / "link").symlink_to(secret)
    assert attempt("read", folder, path=str(folder / "link")) == "PermissionError"


def test_nothing_outside_the_scratch_folder_can_be_written(
    attempt: Attempt, need: Need, tmp_path: Path
) -> None:
    need("landlock")
    listed = tmp_path / "listed"
    listed.write_text("as it was")
    assert attempt("write", listed, path=str(listed)) == "PermissionError"
    assert attempt("write", tmp_path, path=str(tmp_path / "new")) == "PermissionError"
    assert attempt("write", path="/tmp/from-the-sandbox") == "PermissionError"
    assert listed.read_text() == "as it was"
    assert attempt("write", path="inside") is None


def test_scratch_folder_is_the_current_one_and_vanishes(tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    jobs = {"scratch": "sandbox_jobs:scratch"}
    with Sandbox(jobs, preload=(), path=[here], scratch=tmp_path) as own:
        answer = own.run("scratch", {}, readable=[])
    assert answer["note"] == "kept for a moment"
    assert answer["temporary"] is True
    assert Path(answer["cwd"]).parent == tmp_path
    assert not list(tmp_path.iterdir())


def test_no_connection_to_this_very_machine(attempt: Attempt, need: Need) -> None:
    need("network namespace", "system call filter")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert attempt("connect", port=port) in {"PermissionError", "OSError"}


def test_network_namespace_is_not_ours(sandbox: Sandbox, need: Need, server_of: ServerOf) -> None:
    need("network namespace")
    theirs = Path(f"/proc/{server_of(sandbox).pid}/ns/net").readlink()
    assert theirs != Path("/proc/self/ns/net").readlink()


@pytest.mark.parametrize("what", ["fork", "execute"])
def test_no_further_process(attempt: Attempt, need: Need, what: str) -> None:
    need("system call filter")
    assert attempt(what) == "PermissionError"


def test_no_signal_to_others(attempt: Attempt, need: Need) -> None:
    need("system call filter")
    assert attempt("signal", pid=os.getpid()) == "PermissionError"


def test_few_files_and_small_files_only(sandbox: Sandbox, attempt: Attempt) -> None:
    assert attempt("open_many") == "OSError"
    limits = Limits(file_bytes=2 * MIB)
    answer = sandbox.run("attempt", {"what": "large_file"}, readable=[], limits=limits)
    assert answer["error"] == "OSError"
    assert attempt("large_file") is None
