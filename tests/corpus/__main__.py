"""`python -m corpus [LAYER | NAME …]`: send entries and print what came back and what it cost."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from corpus.checking import open_checker
from corpus.layers import ALL
from corpus.sending import Sending


def main() -> int:
    """Print the table; 1 where an entry is answered wrongly."""
    wanted, bad = set(sys.argv[1:]), 0
    with tempfile.TemporaryDirectory(prefix="corpus-") as name, open_checker(Path(name)) as checker:
        sending = Sending(checker, Path(name))
        for layer, entry in ALL:
            if wanted and not wanted & {layer, entry.name}:
                continue
            wrong = sending.send(layer, entry)
            bad += bool(wrong)
            for line in wrong:
                print(f"WRONG {layer}: {entry.name}: {line[:1000]}")
        print(sending.table())
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
