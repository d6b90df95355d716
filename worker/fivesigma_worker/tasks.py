"""What a worker can be rung for: task names and plain functions of (platform, stopping)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from fivesigma_backend.core.platform import Platform

Task = Callable[[Platform, threading.Event], None]
TASKS: Mapping[str, Task] = {}
