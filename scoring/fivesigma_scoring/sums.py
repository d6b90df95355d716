"""Sums of products that are the same to the last bit on a laptop and on the server.

NumPy's ``@`` hands floats to BLAS, which orders its sums by the processor's kernels and threads.
"""

import numpy as np
from numpy.typing import NDArray


def dot(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Sum over i of first_i second_i, both (n,)."""
    return float(np.einsum("i,i->", first, second))


def dot_columns(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """The same for each column of `second`, (n, t); shape (t,)."""
    return np.asarray(np.einsum("i,ij->j", first, second), np.float64)
