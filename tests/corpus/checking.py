"""Sending entries through the platform's sandbox, and judging what comes back."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fivesigma_backend.core.platform import SANDBOX_JOBS
from fivesigma_backend.core.sandbox import Limits, Sandbox
from fivesigma_scoring import Finding, Report, sniff
from fivesigma_scoring.run import check_job, open_universe

from corpus.entry import Entry
from corpus.testsets import compile_all

LIMITS = Limits(memory_bytes=1 << 30, cpu_seconds=5, wall_seconds=60)
"""Processor time is what a file costs; how long that takes depends on who else is busy."""
HEAD, TAIL = 64 * 1024, 64
MUST_NOT_SAY = ("Traceback", 'File "/', "/tmp", "/home", "/root", "Error(", "polars", "h5py.")
TESTS = Path(__file__).parent.parent


def measured(arguments: Mapping[str, str], stage: Callable[[str], None]) -> dict[str, Any]:
    """The platform's job ``check``, with what it took of the processor and of memory."""
    answer = check_job(arguments, stage)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    seconds = usage.ru_utime + usage.ru_stime
    return {"answer": answer, "seconds": seconds, "peak": usage.ru_maxrss * 1024}


@dataclass(frozen=True)
class Result:
    """What came back of a file: the full check, the cheap look, and what the check took."""

    report: Report
    look: Report
    seconds: float
    peak: int


def codes(findings: tuple[Finding, ...], severity: str) -> tuple[str, ...]:
    """Codes in the order of their first finding."""
    return tuple(dict.fromkeys(one.code for one in findings if one.severity == severity))


@dataclass(frozen=True)
class Checker:
    """A warm sandbox and the compiled test sets."""

    sandbox: Sandbox
    universes: Mapping[str, Path]

    def check(self, file: Path, filename: str, test_set: str) -> Result:
        """Send a file to a test set. Raises `SandboxError` where there is no answer."""
        universe = self.universes[test_set]
        arguments = {"file": str(file), "filename": filename, "universe": str(universe)}
        readable = [file, universe]
        answer = self.sandbox.run("measured", arguments, readable=readable, limits=LIMITS)
        report = Report.from_json(answer["answer"])
        look = self.look(file, filename, universe)
        return Result(report, look, answer["seconds"], answer["peak"])

    @staticmethod
    def look(file: Path, filename: str, universe: Path) -> Report:
        """The cheap look, as the web process takes it."""
        size = file.stat().st_size
        with file.open("rb") as stream:
            head = stream.read(HEAD)
            stream.seek(max(0, size - TAIL))
            tail = stream.read(TAIL)
        return Report.of(sniff(head, tail, size, filename, open_universe(universe)[1].format))


@contextmanager
def open_checker(folder: Path) -> Iterator[Checker]:
    """A checker whose files live in `folder`."""
    scratch = folder / "scratch"
    scratch.mkdir()
    jobs = {**SANDBOX_JOBS, "measured": "corpus.checking:measured"}
    preload = ("numpy", "polars", "fivesigma_scoring.run")
    with Sandbox(jobs, preload, path=[str(TESTS)], scratch=scratch) as sandbox:
        sandbox.warm()
        yield Checker(sandbox, compile_all(folder))


def objections(entry: Entry, result: Result) -> list[str]:
    """What is wrong with the answer to an entry, in words; nothing where all is well."""
    found, wrong = result.report.findings, []
    for severity, expected in (("error", entry.errors), ("warning", entry.warnings)):
        if codes(found, severity) != expected:
            wrong.append(f"{severity}s {codes(found, severity)} instead of {expected}")
    if result.report.ok == bool(entry.errors):
        wrong.append(f"ok is {result.report.ok}")
    if result.seconds > LIMITS.cpu_seconds or result.peak > LIMITS.memory_bytes:
        wrong.append(f"{result.seconds:.2f} s, {result.peak:,} bytes")
    return wrong + general_objections(result)


def general_objections(result: Result) -> list[str]:
    """What is wrong with an answer whatever the file."""
    wrong = []
    for one in (*result.report.findings, *result.look.findings):
        text = one.message
        if not text.endswith(".") or len(text) > 600 or any(word in text for word in MUST_NOT_SAY):
            wrong.append(f"odd text: {text[:700]!r}")
        if not text.isprintable() or len(one.column or "") > 200 or len(one.rows) > 5:
            wrong.append(f"odd finding: {one!r:.700}")
    if result.report.ok and not result.look.ok:
        wrong.append(f"the cheap look refuses it: {result.look}")
    return wrong
