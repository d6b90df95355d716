"""`python -m fivesigma_worker worker|beat`: what `fivesigma-server worker` and `beat` turn into.

The backend never imports the worker, so its command becomes this process by name.
"""

from __future__ import annotations

import argparse
import sys

from fivesigma_backend.core.settings import load_settings

from .app import QUEUES, run_beat, run_worker


def main() -> int:
    """Run what the command line asks for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="fivesigma_worker")
    parser.add_argument("role", choices=["worker", "beat"])
    parser.add_argument("--queues", default=",".join(QUEUES))
    parser.add_argument("--no-beat", dest="beat", action="store_false")
    options = parser.parse_args()
    settings = load_settings()
    if options.role == "beat":
        run_beat(settings)
        return 0
    return run_worker(settings, options.queues.split(","), beat=options.beat)


if __name__ == "__main__":
    sys.exit(main())
