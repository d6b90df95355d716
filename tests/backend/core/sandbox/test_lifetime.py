"""Life and death of the fork server, its owner and its children."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from fivesigma_backend.core.sandbox import Sandbox, SandboxUnavailable
from fivesigma_backend.core.sandbox.server import reap

HERE = str(Path(__file__).parent)

Eventually = Callable[[Callable[[], bool], str], None]
ServerOf = Callable[[Sandbox], psutil.Process]


def test_import_error_is_told() -> None:
    with (
        Sandbox({"job": "no_such_module:job"}, preload=()) as broken,
        pytest.raises(SandboxUnavailable) as caught,
    ):
        broken.run("job", {}, readable=[])
    assert "No module named 'no_such_module'" in caught.value.detail


def test_children_inherit_what_was_rehearsed_and_nothing_of_each_other() -> None:
    jobs = {"learnt": "sandbox_jobs:learnt"}
    with Sandbox(jobs, preload=(), path=[HERE], rehearsal="sandbox_jobs:learn") as own:
        for _ in range(2):
            assert own.run("learnt", {}, readable=[]) == {"learnt": ["by heart", "here"]}


def test_a_rehearsal_that_starts_a_thread_is_refused() -> None:
    jobs = {"echo": "sandbox_jobs:echo"}
    with (
        Sandbox(jobs, preload=(), path=[HERE], rehearsal="sandbox_jobs:start_a_thread") as broken,
        pytest.raises(SandboxUnavailable) as caught,
    ):
        broken.run("echo", {}, readable=[])
    assert "the rehearsal started threads" in caught.value.detail


def test_server_killed_while_idle_is_replaced_unnoticed(
    own: Sandbox, server_of: ServerOf, eventually: Eventually
) -> None:
    server = server_of(own)
    server.kill()
    eventually(lambda: server.status() == psutil.STATUS_ZOMBIE, "it does not die")
    assert own.run("echo", {"still": "here"}, readable=[]) == {"still": "here"}
    assert own.server_pid != server.pid


@pytest.mark.faults
def test_server_killed_under_way_is_retryable_and_takes_its_children_along(
    own: Sandbox, server_of: ServerOf, eventually: Eventually
) -> None:
    server = server_of(own)
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(own.run, "sleep", {}, readable=[]) for _ in range(4)]
        eventually(lambda: len(server.children()) == 4, "four children never ran")
        children = server.children()
        server.kill()
        for run in runs:
            with pytest.raises(SandboxUnavailable):
                run.result()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive
    assert own.run("echo", {}, readable=[]) == {}


def test_close_ends_everything(own: Sandbox, server_of: ServerOf, eventually: Eventually) -> None:
    server = server_of(own)
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(own.run, "sleep", {}, readable=[])
        eventually(lambda: bool(server.children()), "the child never ran")
        children = server.children()
        own.close()
        with pytest.raises(SandboxUnavailable):
            run.result()
    assert not server.is_running()
    assert not [child for child in children if child.is_running()]
    with pytest.raises(SandboxUnavailable, match="closed"):
        own.run("echo", {}, readable=[])


def test_server_outlives_the_thread_that_started_it() -> None:
    with Sandbox({"sleep": "sandbox_jobs:sleep"}, preload=(), path=[HERE]) as own:
        starter = threading.Thread(target=own.warm)
        starter.start()
        starter.join()
        server = own.server_pid
        own.run("sleep", {"seconds": 1.5}, readable=[])
        assert own.server_pid == server


OWNER = textwrap.dedent(
    """
    import sys, threading
    from pathlib import Path
    from fivesigma_backend.core.sandbox import Sandbox

    sandbox = Sandbox({"sleep": "sandbox_jobs:sleep"}, preload=(), path=[sys.argv[1]],
                      scratch=Path(sys.argv[2]))
    sandbox.warm()
    threading.Thread(target=sandbox.run, args=("sleep", {}), kwargs={"readable": []}).start()
    """
)


@pytest.mark.faults
def test_owner_killed_leaves_no_orphan(eventually: Eventually, tmp_path: Path) -> None:
    owner = psutil.Popen([sys.executable, "-c", OWNER, HERE, str(tmp_path)])
    eventually(lambda: len(owner.children(recursive=True)) == 2, "the job never ran")
    family = owner.children(recursive=True)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive


def test_reaping_kills_the_whole_group(eventually: Eventually) -> None:
    script = "sleep 600 & echo $!; wait"
    leader = subprocess.Popen(
        ["/bin/sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True, text=True
    )
    assert leader.stdout is not None
    grandchild = psutil.Process(int(leader.stdout.readline()))
    leader.stdout.close()
    assert reap(leader.pid)["exit"] == -signal.SIGKILL
    leader.wait()
    eventually(
        lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE,
        "the grandchild lives on",
    )
