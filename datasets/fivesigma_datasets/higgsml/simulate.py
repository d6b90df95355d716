"""Event generation in chunks: same seed, same rows, whatever the number of processes.

A chunk is a fixed number of generated events with seeds of its own. Chunks of a process are used
in their order until it has the rows asked for; how many workers made them does not matter.
"""

import importlib.metadata
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from typing import Any

import numpy as np
import polars as pl

from fivesigma_datasets.errors import DataError
from fivesigma_datasets.higgsml.detector import reconstruct
from fivesigma_datasets.higgsml.features import Floats, features
from fivesigma_datasets.higgsml.processes import (
    COMMON,
    FILTER_ETA,
    LUMINOSITY,
    PROCESSES,
    SIGNAL_SHARE,
    Process,
)
from fivesigma_datasets.higgsml.truth import concatenate, extract

BATCH = 250
Progress = Callable[[int, int, str], None]
"""Called with rows made, rows wanted and the name of the process."""


@dataclass(frozen=True)
class Chunk:
    """Rows of one chunk; ``weight`` is the sampling weight, ``sigma`` the cross-section in pb."""

    columns: dict[str, Floats]
    weight: Floats
    sigma: float
    generated: int


@dataclass(frozen=True)
class Made:
    """The rows of one process and what its manifest entry says."""

    table: pl.DataFrame
    record: dict[str, float | int | str]


def require_generators() -> dict[str, str]:
    """Versions of the generators; an error that says how to install them."""
    names = ("pythia8mc", "fastjet", "awkward", "vector", "numpy", "polars")
    try:
        return {name: importlib.metadata.version(name) for name in names}
    except importlib.metadata.PackageNotFoundError as error:
        raise DataError(
            f"Simulating events needs the package {error.name}: "
            "install the extra with `pip install 'fivesigma[simulate]'`."
        ) from None


def simulate(events: int, seed: int, processes: int, progress: Progress) -> list[Made]:
    """About ``events`` rows of all processes in their shares; weights are expected yields."""
    try:
        return _simulate(events, seed, processes, progress)
    except BrokenProcessPool:
        raise DataError(
            "A generating process was ended from outside, perhaps for want of memory: "
            "try again with fewer processes; nothing was written."
        ) from None


def _simulate(events: int, seed: int, processes: int, progress: Progress) -> list[Made]:
    made: list[Made] = []
    wanted = {process.name: rows_of(process, events) for process in PROCESSES}
    total, done = sum(wanted.values()), 0
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for process in PROCESSES:
            base = done
            rows = wanted[process.name]

            def tick(n: int, base: int = base, name: str = process.name) -> None:
                progress(base + n, total, name)

            chunks = _ordered(pool, process, seed, chunk_size(rows), processes)
            made.append(_collect(process, rows, chunks, tick))
            done += rows
    return made


def rows_of(process: Process, events: int) -> int:
    """Rows of a process in a table of so many events; at least one."""
    share = SIGNAL_SHARE if process.label == "s" else 1 - SIGNAL_SHARE
    return max(1, round(events * share * process.share))


def chunk_size(rows: int) -> int:
    """Events per chunk: small for small tables, and a function of the table's size only."""
    size = int(np.clip(4 * rows, BATCH // 5, 4 * BATCH))
    return size if size < BATCH else size // BATCH * BATCH


def _ordered(
    pool: ProcessPoolExecutor, process: Process, seed: int, size: int, ahead: int
) -> Iterator[Chunk]:
    """Chunks 0, 1, 2, … with ``ahead`` of them in the making."""
    waiting: list[Future[Chunk]] = []
    try:
        for index in count():
            waiting.append(pool.submit(generate_chunk, process, index, seed, size))
            if len(waiting) >= ahead:
                yield waiting.pop(0).result()
    finally:
        for future in waiting:
            future.cancel()


def _collect(
    process: Process, rows: int, chunks: Iterator[Chunk], tick: Callable[[int], None]
) -> Made:
    used: list[Chunk] = []
    found = 0
    for chunk in chunks:
        used.append(chunk)
        found += len(chunk.weight)
        tick(min(found, rows))
        if found >= rows:
            break
    generated = sum(chunk.generated for chunk in used)
    sigma = sum(chunk.sigma * chunk.generated for chunk in used) / generated
    per_event = sigma * process.k_factor * process.factor * LUMINOSITY / generated
    columns = {
        name: np.concatenate([chunk.columns[name] for chunk in used])[:rows]
        for name in used[0].columns
    }
    weight = np.concatenate([chunk.weight for chunk in used]) * per_event
    table = pl.DataFrame(columns).with_columns(
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


def generate_chunk(process: Process, index: int, seed: int, size: int) -> Chunk:
    """Generate, cluster, smear and select; runs in a worker process."""
    number = [other.name for other in PROCESSES].index(process.name)
    generator_seed, detector_seed = np.random.SeedSequence([seed, number, index]).spawn(2)
    pythia, keep_alive = _pythia(
        process, 1 + int(generator_seed.generate_state(1)[0]) % 900_000_000
    )
    step = min(size, BATCH)
    batches = [extract(pythia.nextBatch(step)) for _ in range(size // step)]
    truth = concatenate(batches)
    events, weight = reconstruct(truth, np.random.default_rng(detector_seed))
    del keep_alive
    sigma = pythia.infoPython().sigmaGen() * 1e9  # mb to pb
    return Chunk(features(events), weight, sigma, len(truth))


def _pythia(process: Process, seed: int) -> tuple[Any, Any]:
    """The generator and its filter, which Python must hold as long as the generator runs."""
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

    pythia = pythia8mc.Pythia("", False)
    settings = (*COMMON, "Random:setSeed = on", f"Random:seed = {seed}", *process.settings)
    for setting in settings:
        if not pythia.readString(setting):
            raise RuntimeError(f"Pythia does not know the setting {setting!r}")
    hook = Filter()
    pythia.setUserHooksPtr(hook)
    if not pythia.init():
        raise RuntimeError(f"Pythia could not start the process {process.name}")
    return pythia, hook
