"""Sequences per second that trains explain: Shapley values, and all interactions up to order 3, the strongest listed.

A minute or two: `make benchmark-trains`. Trains are random, near the identity, as fitted ones start; seconds are the
best of three on all cores.
"""

import time
from collections.abc import Callable
from itertools import pairwise

import numba
import numpy as np

from shapsketch.spectrum.components import Components
from shapsketch.spectrum.terms import Terms
from shapsketch.spectrum.train_interactions import complete_map, strongest_of_all
from shapsketch.spectrum.trains import Train

CASES = [(20, 24), (28, 24), (50, 8), (50, 24), (50, 40), (50, 64), (100, 24), (200, 24)]
VALUES, LISTED = 4096, 64  # sequences; of the second kind fewer where they are long
LETTERS, SPREAD = 4, 0.15


def random_train(n: int, rank: int) -> Train:
    """Return a train of n positions and four letters under a uniform background."""
    rng = np.random.default_rng(0)
    ranks = [1, *[rank] * (n - 1), 1]
    cores = [
        np.eye(a, b)[:, None] + SPREAD * rng.normal(size=(a, LETTERS, b)) / np.sqrt(rank) for a, b in pairwise(ranks)
    ]
    return Train.build(cores, [np.full(LETTERS, 1 / LETTERS)] * n)


def best(function: Callable[[], object]) -> float:
    """Return the least seconds of three calls, after one that compiles."""
    function()
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def measure(n: int, rank: int) -> str:
    """Return a row of the table."""
    train = random_train(n, rank)
    components = Components(Terms.build(np.full(n, LETTERS), {}), (train,), np.arange(n))
    codes = np.random.default_rng(1).integers(0, LETTERS, (VALUES, n)).astype(np.uint8)
    values = VALUES / best(lambda: components.shapley_values(codes))
    few = codes[: max(2, int(LISTED * min(1, (50 / n) ** 3)))]
    mapping = complete_map(components, "FSII", 3)
    mapping = mapping.select(mapping.orders >= 2)
    listed = len(few) / best(lambda: strongest_of_all(components, mapping, few, top_k=20))
    return f"{n:9d}  {rank:4d}  {train.nodes:5d}  {values:8,.0f}  {listed:19,.1f}"


def main() -> None:
    """Print the table."""
    print(f"{numba.get_num_threads()} threads")
    print("positions  rank  nodes  values/s  with interactions/s")
    for n, rank in CASES:
        print(measure(n, rank), flush=True)


if __name__ == "__main__":
    main()
