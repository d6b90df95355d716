"""The supervisor with real processes: order, restarts, signals, and nothing left behind."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from fivesigma_backend.core.processes import AlreadyRunning, Child, StartFailed, Supervisor

SUPERVISOR = textwrap.dedent(
    """
    import json, logging, sys
    from pathlib import Path
    from fivesigma_backend.core.processes import Child, Supervisor

    logging.basicConfig(level="INFO")
    folder = Path(sys.argv[1])
    children = [
        Child(
            argv=["/bin/sh", "-c", options.pop("script")],
            cwd=folder,
            ready=(folder / options["name"]).exists,
            **options,
        )
        for options in json.loads(sys.argv[2])
    ]
    sys.exit(Supervisor(children, folder / "lock").run(lambda: print("all ready", flush=True)))
    """
)
# Gets ready under the name given, tells its end, and has a child of its own.
SERVICE = textwrap.dedent(
    """
    trap 'echo {name} >> stopped; exit 0' TERM
    sleep 600 &
    echo $$ $! > {name}.pids
    echo {name} >> started
    sleep 0.2
    touch {name}
    while :; do wait; done
    """
)

Start = Callable[..., subprocess.Popen[str]]


def service(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "script": SERVICE.format(name=name), **options}


def eventually(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def pids(folder: Path, *names: str) -> list[int]:
    found = [pid for name in names for pid in (folder / f"{name}.pids").read_text().split()]
    return [int(pid) for pid in found]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Run a supervisor over some children and wait until it says that all are ready."""
    begun: list[subprocess.Popen[str]] = []

    def run(*children: dict[str, Any], wait: bool = True) -> subprocess.Popen[str]:
        with (tmp_path / "log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", SUPERVISOR, str(tmp_path), json.dumps(children)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        begun.append(process)
        assert process.stdout is not None
        if wait:
            assert process.stdout.readline() == "all ready\n", (tmp_path / "log").read_text()
        return process

    yield run
    for process in begun:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[str]) -> int:
    return process.wait(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_starts_in_order_and_stops_in_reverse(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    process = start(service("broker"), service("worker"), service("web"))
    assert (tmp_path / "started").read_text().split() == ["broker", "worker", "web"]
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    assert finish(process) == 0
    assert (tmp_path / "stopped").read_text().split() == ["web", "worker", "broker"]
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive


def test_each_waits_until_the_one_before_is_ready(start: Start, tmp_path: Path) -> None:
    look = "ls > seen; " + SERVICE.format(name="second")
    start(service("first"), {"name": "second", "script": look})
    assert "first" in (tmp_path / "seen").read_text().split()


def test_a_dead_child_is_replaced_and_what_it_left_is_killed(start: Start, tmp_path: Path) -> None:
    start(service("web"))
    leader, grandchild = pids(tmp_path, "web")
    psutil.Process(leader).kill()
    eventually(lambda: ended(grandchild), "the dead child's own child lives on")
    eventually(
        lambda: (tmp_path / "started").read_text().split() == ["web"] * 2, "it was not replaced"
    )
    assert f"web (process {leader}) ended with SIGKILL" in (tmp_path / "log").read_text()


def test_pauses_between_restarts_grow(start: Start, tmp_path: Path) -> None:
    start({"name": "web", "script": "touch web; exec sleep 0.5"})

    def pauses() -> list[str]:
        found: list[str] = re.findall(r"starts again in (\S+) s", (tmp_path / "log").read_text())
        return found[:3]

    eventually(lambda: len(pauses()) == 3, "it was not restarted")
    assert pauses() == ["0.5", "1", "2"]


def test_work_that_is_done_once_is_not_begun_again(start: Start, tmp_path: Path) -> None:
    once = {"name": "demo", "script": "echo run >> runs; touch demo", "once": True}
    start(once, {"name": "web", "script": "touch web; exec sleep 0.1"})
    eventually(lambda: "again in 2 s" in (tmp_path / "log").read_text(), "web did not restart")
    assert (tmp_path / "runs").read_text().split() == ["run"]


@pytest.mark.faults
def test_killed_supervisor_leaves_nothing_behind(start: Start, tmp_path: Path) -> None:
    process = start(service("broker"), service("web"))
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) == 5  # two services with a child each, and the watchdog
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
    start(service("broker"), service("web"))  # nor a lock


@pytest.mark.faults
def test_killed_watchdog_is_replaced_with_all_it_knew(start: Start, tmp_path: Path) -> None:
    process = start(service("web"))
    watchdogs = [
        child
        for child in psutil.Process(process.pid).children()
        if any("watchdog" in word for word in child.cmdline())
    ]
    assert len(watchdogs) == 1
    watchdogs[0].kill()
    eventually(
        lambda: len(psutil.Process(process.pid).children()) == 2 and ended(watchdogs[0].pid),
        "there is no new watchdog",
    )
    process.kill()
    process.wait()
    eventually(lambda: all(map(ended, pids(tmp_path, "web"))), "an orphan is left")


@pytest.mark.faults
def test_without_a_watchdog_the_kernel_still_ends_the_children(
    start: Start, tmp_path: Path
) -> None:
    process = start({"name": "web", "script": "echo $$ > web.pids; touch web; exec sleep 600"})
    process.send_signal(signal.SIGSTOP)  # so that it can't replace what is killed next
    for child in psutil.Process(process.pid).children():
        if child.pid not in pids(tmp_path, "web"):
            child.kill()
    process.kill()
    process.wait()
    eventually(lambda: all(map(ended, pids(tmp_path, "web"))), "an orphan is left")


def test_one_that_ignores_the_signal_is_killed(start: Start, tmp_path: Path) -> None:
    stubborn = "trap '' TERM; sleep 600 & echo $! > pid; touch web; while :; do wait; done"
    process = start({"name": "web", "script": stubborn, "stop_timeout": 0.5})
    process.terminate()
    assert finish(process) == 0
    assert "web did not stop and is killed" in (tmp_path / "log").read_text()
    eventually(lambda: ended(int((tmp_path / "pid").read_text())), "its child lives on")


def test_a_second_signal_hurries(start: Start, tmp_path: Path) -> None:
    stubborn = "trap 'touch asked' TERM; touch {0}; while :; do sleep 0.1; done"
    process = start(
        *({"name": n, "script": stubborn.format(n), "stop_timeout": 600} for n in ("a", "b"))
    )
    process.terminate()
    eventually((tmp_path / "asked").exists, "nobody was asked to stop")
    process.send_signal(signal.SIGINT)
    assert finish(process) == 0


def test_signal_while_starting(start: Start, tmp_path: Path) -> None:
    process = start(service("broker"), {"name": "web", "script": "sleep 600"}, wait=False)
    eventually((tmp_path / "broker").exists, "the first was never ready")
    process.terminate()
    assert finish(process) == 0
    assert (tmp_path / "stopped").read_text().split() == ["broker"]


def test_a_second_supervisor_is_told_of_the_first(start: Start, tmp_path: Path) -> None:
    process = start(service("web"))
    with pytest.raises(AlreadyRunning, match=f"as process {process.pid}") as caught:
        Supervisor([], tmp_path / "lock").run()
    assert caught.value.pid == process.pid
    assert str(tmp_path) in str(caught.value)


def test_lines_carry_the_name_whole_lines_only(start: Start, tmp_path: Path) -> None:
    script = "printf 'one\\ntw'; sleep 0.2; printf 'o\\nlast'; touch web; exec sleep 600"
    process = start({"name": "web", "script": script})
    process.terminate()
    finish(process)
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line for line in lines if line.startswith("web |")] == [
        "web | one",
        "web | two",
        "web | last",
    ]


def run_here(folder: Path, *children: Child) -> str:
    shown: list[bytes] = []
    with pytest.raises(StartFailed) as caught:
        Supervisor(children, folder / "lock", shown.append).run()
    return str(caught.value)


def shell(name: str, script: str, **options: Any) -> Child:
    return Child(name, ["/bin/sh", "-c", script], **options)


def test_failing_start_shows_the_reason_and_stops_the_others(tmp_path: Path) -> None:
    first = shell(
        "broker", f"trap 'touch {tmp_path}/stopped; exit' TERM; while :; do sleep 0.1; done"
    )
    text = run_here(
        tmp_path, first, shell("web", "echo no such table >&2; exit 7", ready=lambda: False)
    )
    assert text == "web ended with exit code 7. It printed last:\nno such table"
    assert (tmp_path / "stopped").exists()


def test_start_that_takes_too_long(tmp_path: Path) -> None:
    def refused() -> bool:
        raise ConnectionRefusedError

    child = shell("web", "echo waiting; exec sleep 600", ready=refused, start_timeout=0.5)
    text = run_here(tmp_path, child)
    assert text == "web was not ready after 0.5 seconds. It printed last:\nwaiting"


def test_command_that_is_not_there(tmp_path: Path) -> None:
    text = run_here(tmp_path, Child("web", ["/no/such/program"]))
    assert text.startswith("web can't be started")
    assert "/no/such/program" in text


def test_last_words_are_told_though_the_pipe_stays_open(tmp_path: Path) -> None:
    script = "setsid sleep 5 & printf 'no newline'; exit 1"
    text = run_here(tmp_path, shell("web", script, ready=lambda: False))
    assert text.endswith("It printed last:\nno newline")


def test_only_the_end_of_much_output_is_told(tmp_path: Path) -> None:
    text = run_here(tmp_path, shell("web", "seq 100000; exit 1", ready=lambda: False))
    assert text.splitlines()[1:] == [str(number) for number in range(99_961, 100_001)]


def test_nothing_is_inherited_but_what_was_asked_for(tmp_path: Path) -> None:
    """Neither a signal mask nor a variable nor the lock's descriptor."""
    child = shell(
        "web",
        "env; ls -l /proc/$$/fd; exit 3",
        env={"PATH": "/usr/bin:/bin", "ONLY": "this"},
        ready=lambda: False,
    )
    text = run_here(tmp_path, child)
    assert "ONLY=this" in text
    assert "HOME=" not in text
    assert str(tmp_path) not in text
