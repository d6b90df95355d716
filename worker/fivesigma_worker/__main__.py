"""`python -m fivesigma_worker`: what `fivesigma-server worker`, `beat` and `ping` turn into.

The backend never imports the worker, so its commands become this process by name.
"""

from __future__ import annotations

import argparse
import sys

from fivesigma_backend.core.settings import load_settings

from .app import QUEUES, answers_here, run_beat, run_worker


def main() -> int:
    """Run what the command line asks for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="fivesigma_worker")
    parser.add_argument("role", choices=["worker", "beat", "ping"])
    parser.add_argument("--queues", default=",".join(QUEUES))
    parser.add_argument("--no-beat", dest="beat", action="store_false")
    options = parser.parse_args()
    settings = load_settings()
    if options.role == "beat":
        run_beat(settings)
        return 0
    if options.role == "ping":
        return 0 if answers_here(settings) else 1
    return run_worker(settings, options.queues.split(","), beat=options.beat)


if __name__ == "__main__":
    sys.exit(main())
