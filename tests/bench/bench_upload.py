"""Time upload → scored through HTTP and Celery on the embedded set-up, against bare scoring.

Run `make bench`, or `PYTHONPATH=tests python tests/bench/bench_upload.py`. The file is one of
550,000 rows. Medians of alternated runs; only the ratio means something.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import httpx2
from challenge_folder import tiny_toml, write_prediction, write_tiny_challenge
from fivesigma_scoring import PhaseScoring, TestSetSpec, compile_solution, score_file
from server_processes import server, up

EVENTS = 550_000
RUNS = 9
LIMIT = 8
METRICS = ("signal_efficiency", "purity")


def challenge(folder: Path) -> Path:
    """A challenge of HiggsML's size, open now and without limits."""
    phase = tiny_toml()["phases"][0] | {"limits": {}, "metrics": list(METRICS)}
    phase["opens"] = phase["opens"].replace(year=2020)
    phase["closes"] = phase["closes"].replace(year=2099)
    return write_tiny_challenge(folder, rows=EVENTS, phases=[phase], rules=None)


def token_for(name: str, data: Path) -> str:
    """A new user's token."""
    where = ("--data-dir", str(data))
    server(
        "user", "add", f"{name}@example.org", "--password-stdin", *where, text="long enough words"
    )
    return server("token", "create", name, *where).stdout.strip()


def main() -> None:
    """Print the two medians and their ratio."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        folder = challenge(base / "challenge")
        files = [
            write_prediction(folder, base / f"{number}.csv", cut=number / 10)
            for number in range(RUNS + 1)
        ]
        compiled = base / "compiled"
        compile_solution(
            folder / "solution.csv",
            folder / "sample_submission.csv",
            compiled,
            test_set=TestSetSpec(),
            phases=[PhaseScoring("final", "ams", METRICS, normalise={"s": 100.0, "b": 1000.0})],
        )
        bare, full = measure(base / "data", folder, files, compiled)
    print(f"{'upload → scored':18}{'bare scoring':>14}{'whole way':>12}{'ratio':>8}{'limit':>7}")
    print(f"{'550,000 rows':18}{bare:11.0f} ms{full:9.0f} ms{full / bare:8.2f}{LIMIT:7}")


def measure(data: Path, folder: Path, files: list[Path], compiled: Path) -> tuple[float, float]:
    """Medians in milliseconds; the two take turns on each file, the first of which warms up."""
    times: list[tuple[float, float]] = []
    with up(data) as platform:
        url = platform.url()
        server("challenge", "load", str(folder), "--data-dir", str(data))
        headers = {"Authorization": f"Bearer {token_for('ada', data)}"}
        with httpx2.Client(base_url=f"{url}/api/v1", headers=headers, timeout=120) as web:
            web.post("/challenges/tiny/join", json={"accept_rules": True}).raise_for_status()
            for file in files:
                start = time.perf_counter()
                score_file(file, file.name, compiled, "final")
                middle = time.perf_counter()
                hand_in(web, file)
                times.append((middle - start, time.perf_counter() - middle))
    bare, full = (1e3 * statistics.median(one) for one in zip(*times[1:], strict=True))
    return bare, full


def hand_in(web: httpx2.Client, file: Path) -> None:
    """Post the file and wait for its score."""
    with file.open("rb") as content:
        answer = web.post(
            "/challenges/tiny/submissions", params={"wait": 60}, files={"file": content}
        )
    answer.raise_for_status()
    state = answer.json()["status"]
    if state != "scored":
        raise RuntimeError(f"the submission is {state}")


if __name__ == "__main__":
    main()
