"""Jobs that `bench/bench_sandbox.py` compares scoring with: nothing at all, and step by step."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fivesigma_scoring.compiled import PHASE_FILE, SPLITS
from fivesigma_scoring.phases import with_options
from fivesigma_scoring.reading import read_prediction
from fivesigma_scoring.registry import METRICS
from fivesigma_scoring.report import Report
from fivesigma_scoring.run import Outcome, open_universe

Json = dict[str, Any]


def nothing(arguments: Json) -> Json:
    """What every job costs."""
    return {}


def steps(arguments: Json) -> Json:
    """Processor milliseconds and page faults of each step of scoring, first and second time."""
    return {"first": _measured(arguments), "second": _measured(arguments)}


def _measured(arguments: Json) -> list[tuple[str, float, int]]:
    found, before = [], _usage()
    for name in _score(arguments):
        after = _usage()
        found.append((name, after[0] - before[0], after[1] - before[1]))
        before = _usage()
    return found


def _usage() -> tuple[float, int]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return 1e3 * (usage.ru_utime + usage.ru_stime), usage.ru_minflt


def _score(arguments: Json) -> Iterator[str]:
    """What `run.score_file` does, with a pause after each step."""
    compiled = Path(arguments["compiled"])
    folder = compiled / "truth" / arguments["phase"]
    kind, universe = open_universe(compiled / "universe")
    yield "open the universe"
    prediction = read_prediction(Path(arguments["file"]), universe.format)
    yield "read the file"
    aligned = kind.align(prediction, universe)
    yield "align with the universe"
    settings = json.loads((folder / PHASE_FILE).read_text())
    metrics = with_options([METRICS[name] for name in settings["metrics"]], settings["options"])
    scores = {}
    for split in SPLITS:
        sample = kind.load(folder / split, aligned)
        yield f"load the {split} split"
        values = kind.estimates(sample, metrics)
        scores[split] = dict(zip(settings["metrics"], values, strict=True))
        yield f"metrics of the {split} split"
    json.dumps(Outcome(Report.of(aligned.warnings), scores, 1).as_json())
    yield "write the answer"
