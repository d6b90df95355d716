"""``python -m fivesigma_datasets NAME --events N --seed S --processes P --out DIR``.

With ``--data FILE…`` published files are imported instead of simulating events.
"""

import argparse
import sys
from pathlib import Path

from fivesigma_datasets import BUILTINS, DataError, builtin


def main(arguments: list[str] | None = None) -> int:
    """Make a built-in challenge's folder; progress and checks go to standard error.

    A simulation that was interrupted goes on where it was when it is asked for again.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.data and options.events is None:
        parser.error("say how many --events to simulate, or which --data to import")
    try:
        _make(options)
    except DataError as error:
        _say(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        _say("\ninterrupted: the same command goes on from here")
        return 130
    return 0


def _make(options: argparse.Namespace) -> None:
    challenge = builtin(options.name)
    if options.seed < 0:
        raise DataError("Ask for a seed of 0 or more.")
    if options.data:
        challenge.import_files(options.data, options.out, seed=options.seed, report=_say)
        return
    challenge.generate(
        options.out,
        events=options.events,
        seed=options.seed,
        processes=options.processes,
        progress=_bar,
        report=_say,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m fivesigma_datasets", description=main.__doc__)
    parser.add_argument("name", choices=sorted(BUILTINS))
    parser.add_argument("--events", type=int, help="rows of train and test together")
    parser.add_argument("--data", type=Path, nargs="+", help="published files to import instead")
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
