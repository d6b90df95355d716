"""``python -m fivesigma_datasets NAME --events N --seed S --processes P --out DIR``."""

import argparse
import sys
from pathlib import Path

from fivesigma_datasets import BUILTINS, DataError, builtin


def main(arguments: list[str] | None = None) -> int:
    """Simulate a built-in challenge's data; progress and checks go to standard error."""
    options = _parser().parse_args(arguments)
    try:
        builtin(options.name).generate(
            options.out,
            events=options.events,
            seed=options.seed,
            processes=options.processes,
            progress=_bar,
            report=_say,
        )
    except DataError as error:
        _say(f"error: {error}")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m fivesigma_datasets", description=main.__doc__)
    parser.add_argument("name", choices=sorted(BUILTINS))
    parser.add_argument("--events", type=int, required=True, help="rows of train and test together")
    parser.add_argument("--seed", type=int, required=True, help="same seed, same bytes")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="a new or empty folder")
    return parser


def _bar(done: int, total: int, what: str) -> None:
    filled = 40 * done // total
    line = f"\r[{'#' * filled}{'.' * (40 - filled)}] {done:,}/{total:,} {what:<10}"
    sys.stderr.write(line + ("\n" if done >= total else ""))
    sys.stderr.flush()


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
