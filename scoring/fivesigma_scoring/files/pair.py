"""Two threads for two halves: NumPy and Polars let go of the interpreter while they compute."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Half = TypeVar("Half")
Result = TypeVar("Result")


def both(action: Callable[[Half], Result], first: Half, second: Half) -> tuple[Result, Result]:
    """What `action` returns for each half; the second runs in a thread of its own.

    Where both raise, the error of the first half is the one that is seen.
    """
    with ThreadPoolExecutor(1) as executor:
        later = executor.submit(action, second)
        return action(first), later.result()
