"""Event generation in chunks: same seed, same rows, whatever the number of processes.

A chunk is a fixed number of generated events with seeds of its own. Chunks of a process are used
in their order until it has the rows asked for; how many workers made them does not matter.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fivesigma_datasets.chunks import Arrays, made_in_order
from fivesigma_datasets.higgsml import missing_mass
from fivesigma_datasets.higgsml.detector import PASSES, reconstruct
from fivesigma_datasets.higgsml.features import FEATURES, features
from fivesigma_datasets.higgsml.processes import (
    COMMON,
    FILTER_ETA,
    LUMINOSITY,
    PROCESSES,
    SIGNAL_SHARE,
    Process,
    number_of,
)
from fivesigma_datasets.higgsml.response import RESPONSE
from fivesigma_datasets.higgsml.tau_decays import SYSTEMS
from fivesigma_datasets.higgsml.truth import Truth, concatenate, extract
from fivesigma_datasets.pythia import started

BATCH = 250
LARGEST_CHUNK = 8 * BATCH
Progress = Callable[[int, int, str], None]
"""Called with rows made, rows wanted and the name of the process."""


@dataclass(frozen=True)
class Task:
    """One chunk to make: ``size`` events of a process, the chunk's number, the table's seed."""

    process: Process
    index: int
    seed: int
    size: int


@dataclass(frozen=True)
class Made:
    """The rows of one process and what its manifest entry says."""

    table: pl.DataFrame
    record: dict[str, float | int | str]


def settings() -> dict[str, Any]:
    """Everything that rows depend on but seed, numbers and versions; JSON."""
    mmc = {name: getattr(missing_mass, name) for name in ("GRID", "POWER", "MAX_PULL")}
    return {
        "common": list(COMMON),
        "filter_eta": FILTER_ETA,
        "processes": [asdict(process) for process in PROCESSES],
        "tau_decays": [asdict(system) for system in SYSTEMS],
        "passes": PASSES,
        "response": asdict(RESPONSE),
        "mmc": mmc,
        "largest_chunk": LARGEST_CHUNK,
    }


def simulate(
    events: int,
    seed: int,
    processes: int,
    *,
    kept: Path,
    fingerprint: Mapping[str, Any],
    progress: Progress,
) -> list[Made]:
    """About ``events`` rows of all processes in their shares; weights are expected yields.

    Chunks are kept in ``kept``, one folder for each process, and found again after a kill.
    """
    made: list[Made] = []
    wanted = {process.name: rows_of(process, events) for process in PROCESSES}
    total, done = sum(wanted.values()), 0
    for process in PROCESSES:
        base, rows = done, wanted[process.name]

        def tick(n: int, base: int = base, name: str = process.name) -> None:
            progress(base + n, total, name)

        tasks = (Task(process, index, seed, chunk_size(rows)) for index in count())
        chunks = made_in_order(
            generate_chunk,
            tasks,
            kept=kept / process.name,
            fingerprint=fingerprint,
            processes=processes,
        )
        made.append(_collect(process, rows, chunks, tick))
        done += rows
    return made


def rows_of(process: Process, events: int) -> int:
    """Rows of a process in a table of so many events; at least one."""
    share = SIGNAL_SHARE if process.label == "s" else 1 - SIGNAL_SHARE
    return max(1, round(events * share * process.share))


def chunk_size(rows: int) -> int:
    """Events per chunk: small for small tables, and a function of the table's size only."""
    size = int(np.clip(2 * rows, BATCH // 5, LARGEST_CHUNK))
    return size if size < BATCH else size // BATCH * BATCH


def _collect(
    process: Process, rows: int, chunks: Iterator[Arrays], tick: Callable[[int], None]
) -> Made:
    used: list[Arrays] = []
    found = 0
    for chunk in chunks:
        used.append(chunk)
        found += len(chunk["weight"])
        tick(min(found, rows))
        if found >= rows:
            break
    generated = sum(int(chunk["generated"]) for chunk in used)
    sigma = sum(float(chunk["sigma"]) * int(chunk["generated"]) for chunk in used) / generated
    weight = np.concatenate([chunk["weight"] for chunk in used])
    weight *= sigma * process.k_factor * LUMINOSITY / generated
    table = pl.DataFrame(
        {name: np.concatenate([chunk[name] for chunk in used])[:rows] for name in FEATURES}
    ).with_columns(
        Weight=pl.Series(weight[:rows] * (found / rows)),
        Label=pl.lit(process.label),
        process=pl.lit(process.name),
    )
    record: dict[str, float | int | str] = {
        "process": process.name,
        "label": process.label,
        "rows": rows,
        "generated": generated,
        "selected": found,
        "cross_section_pb": sigma * process.k_factor,
        "expected_events": float(weight.sum()),
    }
    return Made(table, record)


def generate_chunk(task: Task) -> Arrays:
    """A chunk's features, ``weight`` (share of each event), ``sigma`` in pb, ``generated`` events.

    Runs in a worker process.
    """
    seeds = np.random.SeedSequence([task.seed, number_of(task.process), task.index]).spawn(2)
    truth, sigma = generate_truth(task, int(seeds[0].generate_state(1)[0]))
    events, weight = reconstruct(
        truth,
        np.random.default_rng(seeds[1]),
        one_leptonic=task.process.one_leptonic,
        thinning=task.process.thinning,
    )
    numbers = {"weight": weight, "sigma": np.array(sigma), "generated": np.array(task.size)}
    return features(events) | numbers


def generate_truth(task: Task, seed: int) -> tuple[Truth, float]:
    """What the generator and the jet finder give: objects, and the cross-section in pb."""
    hook = _filter(task.process)
    pythia = started((*COMMON, *task.process.settings), seed, hooks=hook)
    step = min(task.size, BATCH)
    batches = [extract(pythia.nextBatch(step)) for _ in range(task.size // step)]
    return concatenate(batches), pythia.infoPython().sigmaGen() * 1e9  # mb to pb


def _filter(process: Process) -> Any:
    import pythia8mc

    class Filter(pythia8mc.UserHooks):  # type: ignore[misc]  # the extension has no types
        """Drops events whose leptons are far outside the acceptance, before the showers."""

        def canVetoProcessLevel(self) -> bool:  # noqa: N802  # the generator's name
            return True

        def doVetoProcessLevel(self, event: Any) -> bool:  # noqa: N802  # the generator's name
            found = 0
            for i in range(event.size()):
                particle = event[i]
                if particle.status() > 0 and particle.idAbs() in (11, 13, 15):
                    inside = abs(particle.eta()) < FILTER_ETA
                    found += inside and particle.pT() > process.filter_pt
            return found < process.leptons

    return Filter()
