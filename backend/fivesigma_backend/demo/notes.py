"""What the demo remembers of itself, so that it goes on where it was killed."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIRST_CHALLENGES = ("higgsml",)
"""What the demo of the first release brought, which did not note it."""


@dataclass
class Notes:
    """People's passwords and the challenges that are done, in a file for its owner alone."""

    path: Path
    passwords: dict[str, str] = field(default_factory=dict)
    challenges: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Notes:
        """The notes of an earlier run, or fresh ones."""
        try:
            known = json.loads(path.read_text())
            return cls(path, dict(known["passwords"]), _done(known))
        except FileNotFoundError:
            return cls(path)
        except (ValueError, KeyError, TypeError) as error:
            raise SystemExit(
                f"{path} can't be read ({error}): remove it and start again"
            ) from error

    def keep(self) -> None:
        """Write the file, at once or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=self.path.parent)
        with os.fdopen(handle, "w") as file:
            json.dump({"passwords": self.passwords, "challenges": self.challenges}, file)
        Path(name).rename(self.path)


def _done(known: dict[str, Any]) -> list[str]:
    if "challenges" in known:
        return [str(name) for name in known["challenges"]]
    return list(FIRST_CHALLENGES) if known["finished"] else []
