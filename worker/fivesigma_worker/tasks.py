"""What a worker can be rung for: task names and plain functions of (platform, stopping)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from fivesigma_backend.core.platform import Platform
from fivesigma_backend.core.queue import FIGURES_TASK, SCORE_TASK, TICK_TASK

from .figures import drain_figures
from .housekeeping import tick
from .scoring import drain

Task = Callable[[Platform, threading.Event], object]
TASKS: Mapping[str, Task] = {
    FIGURES_TASK: drain_figures,
    SCORE_TASK: drain,
    TICK_TASK: tick,
}
