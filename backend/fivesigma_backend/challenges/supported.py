"""What `challenge.toml` can say and this version can't do yet.

Only keys stand here that would silently do the wrong thing if they were ignored; each line goes
when its behaviour comes.
"""

from __future__ import annotations

from .definition_model import Definition


def not_supported_yet(definition: Definition) -> list[str]:
    """Which uses of keys must be refused for now, one sentence each."""
    test_sets = definition.test_sets.values()
    used = {
        "test_sets: variants": any(one.variants for one in test_sets),
    }
    return [
        f"{what} is not supported yet; leave it out" for what, refused in used.items() if refused
    ]
