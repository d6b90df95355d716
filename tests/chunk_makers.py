"""What makes chunks in tests, in a module that another process can import by its name."""

from __future__ import annotations

import os
import signal

import numpy as np
from fivesigma_datasets.chunks import Arrays


def squares(task: int) -> Arrays:
    """Squares of the numbers below `task`."""
    return {"squares": np.arange(task) ** 2, "task": np.array(task)}


def lethal(task: int) -> Arrays:
    """The same, but the process that makes the chunk 2 is killed."""
    if task == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return squares(task)
