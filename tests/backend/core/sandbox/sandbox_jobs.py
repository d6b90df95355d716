"""Jobs that behave well and jobs that don't, for the tests beside this file."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Json = dict[str, Any]


LEARNT: list[str] = []


def learn() -> None:
    """A rehearsal whose trace children can see."""
    LEARNT.append("by heart")


def start_a_thread() -> None:
    """A rehearsal that must not be."""
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()


def learnt(arguments: Json) -> Json:
    LEARNT.append("here")
    return {"learnt": LEARNT}


def echo(arguments: Json) -> Json:
    print("printed on the way")
    return arguments


def environment(arguments: Json) -> Json:
    return dict(os.environ)


def read_csv(arguments: Json) -> Json:
    import numpy as np
    import polars as pl

    table = pl.read_csv(arguments["file"])
    values = table["Score"].to_numpy()
    return {"rows": table.height, "sum": float(np.sum(values))}


def attempt(arguments: Json) -> Json:
    """Try one forbidden thing and say which error came of it, or none."""
    try:
        outcome = _ATTEMPTS[arguments["what"]](arguments)
    except OSError as error:
        return {"error": type(error).__name__}
    return {"error": None, "outcome": outcome}


def _read(arguments: Json) -> str:
    return Path(arguments["path"]).read_bytes().decode(errors="replace")


def _write(arguments: Json) -> None:
    Path(arguments["path"]).write_text("I was here")


def _listing(arguments: Json) -> list[str]:
    return [entry.name for entry in Path(arguments["path"]).iterdir()]


def _connect(arguments: Json) -> None:
    socket.create_connection(("127.0.0.1", arguments["port"]), timeout=5).close()


def _fork(arguments: Json) -> None:
    if os.fork() == 0:
        time.sleep(600)


def _execute(arguments: Json) -> None:
    os.execv(sys.executable, [sys.executable, "-c", "pass"])


def _signal(arguments: Json) -> None:
    os.kill(arguments["pid"], 0)


def _open_many(arguments: Json) -> int:
    return len([os.open("/dev/null", os.O_RDONLY) for _ in range(1000)])


def _large_file(arguments: Json) -> None:
    Path("large").write_bytes(bytes(32 << 20))


_ATTEMPTS: dict[str, Callable[[Json], Any]] = {
    "read": _read,
    "write": _write,
    "listing": _listing,
    "connect": _connect,
    "fork": _fork,
    "execute": _execute,
    "signal": _signal,
    "open_many": _open_many,
    "large_file": _large_file,
}


def scratch(arguments: Json) -> Json:
    """Use the scratch folder as current and as temporary directory."""
    Path("here").mkdir()
    Path("here/note").write_text("kept for a moment")
    with tempfile.NamedTemporaryFile() as file:
        inside = Path(file.name).parent == Path.cwd()
    return {"cwd": str(Path.cwd()), "note": Path("here/note").read_text(), "temporary": inside}


def hog(arguments: Json) -> Json:
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1 << 20) * 16))


def reserve(arguments: Json) -> Json:
    import numpy as np

    return {"bytes": np.ones(arguments["bytes"], dtype=np.uint8).nbytes}


def spin(arguments: Json) -> Json:
    while True:
        pass


def sleep(arguments: Json) -> Json:
    time.sleep(arguments.get("seconds", 600))
    return {"slept": True}


def many_threads(arguments: Json) -> Json:
    for _ in range(arguments["threads"]):
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    time.sleep(600)
    return {}


def leave(arguments: Json) -> Json:
    os._exit(arguments["code"])


def segfault(arguments: Json) -> Json:
    return {"text": str(ctypes.string_at(0))}


def abort(arguments: Json) -> Json:
    os.abort()


def huge_answer(arguments: Json) -> Json:
    return {"text": "x" * arguments["bytes"]}


def chatter(arguments: Json) -> Json:
    while True:
        print("x" * 10_000)


def raw_answer(arguments: Json) -> Json:
    """Bypass the sandbox's own code and answer with any bytes."""
    os.write(3, arguments["text"].encode())
    os._exit(0)


def not_a_number(arguments: Json) -> Json:
    return {"value": float("nan")}


def wrong_type(arguments: Json) -> Json:
    return ["not", "an", "object"]  # type: ignore[return-value]  # what the test is about


def fail(arguments: Json) -> Json:
    raise RuntimeError("private value 42")


def stages(arguments: Json, stage: Callable[[str], None]) -> Json:
    """Say what is being done, then end as told."""
    for name in arguments["stages"]:
        stage(name)
    endings: dict[str, Callable[[Json], Json]] = {
        "answer": echo, "raise": fail, "abort": abort, "loop": spin_in_c, "hog": hog,
    }  # fmt: skip
    return endings[arguments["ending"]](arguments)


def spin_in_c(arguments: Json) -> Json:
    """A loop in C that never lets Python look at anything."""
    return {"sum": sum(range(10**15))}


def libraries(arguments: Json) -> Json:
    """Write and read back HDF5 and Parquet, as the readers of predictions do."""
    import h5py
    import numpy as np
    import polars as pl

    values = np.arange(arguments["rows"], dtype=np.float64)
    with h5py.File("values.h5", "w") as file:
        file.create_dataset("values", data=values, chunks=True, compression="gzip")
    with h5py.File("values.h5") as file:
        from_hdf5 = float(file["values"][:].sum())
    pl.DataFrame({"values": values}).write_parquet("values.parquet")
    from_parquet = float(pl.read_parquet("values.parquet")["values"].sum())
    return {"hdf5": from_hdf5, "parquet": from_parquet}


def panic(arguments: Json) -> Json:
    """What polars does when its Rust code panics: an exception that is no `Exception`."""
    raise KeyboardInterrupt
