"""Reading a file in a process of its own, so that memory can be measured and a crash survived."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import importlib, json, sys
from pathlib import Path
from fivesigma_scoring.report import InputRefusedError

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

module, function, path, *rest = json.loads(sys.argv[1])
read, codes = getattr(importlib.import_module(module), function), []
before = peak()
try:
    read(Path(path), *rest)
except InputRefusedError as refused:
    codes = [finding.code for finding in refused.findings]
print(json.dumps([codes, peak() - before]))
"""

Measure = Callable[..., tuple[list[str], int]]


@pytest.fixture
def measure() -> Measure:
    """Codes of the refusal, and bytes of memory at the peak beyond the start."""

    def run(read: Callable[..., Any], path: Path, *rest: Any) -> tuple[list[str], int]:
        request = json.dumps([read.__module__, read.__name__, str(path), *rest])
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, request], check=True, capture_output=True, text=True
        )
        codes, peak = json.loads(done.stdout)
        return codes, peak

    return run
