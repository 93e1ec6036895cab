"""Compiled loops whose items are shared out to threads.

Numba's own parallel loops take two to three times as long to compile, and cannot be entered by two threads at once.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np


def share_out(kernel: Callable[..., None], count: int, *arguments: Any) -> None:
    """Call `kernel(start, stop, *arguments)` on ranges that make up 0 to count, one for each of Numba's threads.

    Args:
        kernel: compiled with `nogil`; what it writes for an item must not depend on the other items of its range.
        count: of items; without any, nothing is called.
        arguments: the same for all ranges.
    """
    threads = min(numba.get_num_threads(), count)
    bounds = [count * thread // threads for thread in range(threads + 1)] if threads else []
    if threads == 1:
        kernel(0, count, *arguments)
    elif threads:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda start, stop: kernel(start, stop, *arguments), bounds[:-1], bounds[1:]))


def over_sequences(kernel: Callable[..., None], codes: np.ndarray, *arguments: Any) -> None:
    """Call `kernel(start, stop, codes, *arguments)` on ranges of sequences.

    Args:
        kernel: as in `share_out`.
        codes: (N, n), given in one layout whatever theirs is, since each would be compiled for.
        arguments: the same for all ranges.
    """
    share_out(kernel, len(codes), np.ascontiguousarray(codes), *arguments)
