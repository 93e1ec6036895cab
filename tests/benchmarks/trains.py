"""What trains cost: sequences explained per second against length and rank, and seconds of recovery against outputs.

Trains of the first table are random, near the identity, as fitted ones start; seconds are the best of three on all
cores, and processor seconds beside them for machines that other work uses. The second recovers a function whose outputs
share what they are made of. Writes `results/benchmarks/trains/explained.tsv`, and `train_outputs.tsv` of the results
that pages quote.
"""

import argparse
import time
from collections.abc import Callable
from itertools import pairwise, product

import numba
import numpy as np
import pandas as pd

from benchmarks.reference_models import ROOT
from benchmarks.result_files import FOLDER as RESULTS
from benchmarks.result_files import merge_results
from shapsketch.recovery import recover_outputs
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.components import Components
from shapsketch.spectrum.metrics import r_squared
from shapsketch.spectrum.terms import Terms
from shapsketch.spectrum.train_interactions import complete_map, strongest_of_all
from shapsketch.spectrum.trains import Train
from shapsketch.storage.files import write_text

FOLDER = ROOT / "results" / "benchmarks" / "trains"
OUTPUT_COLUMNS = ["outputs", "evaluations", "cpu_seconds", "seconds", "r2"]
WARM_UP_MINUTES = 0.01  # of a recovery that only loads and compiles
LENGTHS, RANKS = (20, 50, 100, 200), (8, 16, 24, 32, 48, 64)
OUTPUTS = (1, 2, 5, 10, 20)
VALUES, LISTED = 4096, 64  # sequences; of the second kind fewer where they are long
LETTERS, SPREAD = 4, 0.15
N, HIDDEN = 20, 16  # positions and hidden units of the function with many outputs


def main() -> None:
    """Write the tables that the command line asks for."""
    parser = argparse.ArgumentParser(prog="trains", description=__doc__)
    parser.add_argument("--lengths", nargs="*", type=int, default=LENGTHS)
    parser.add_argument("--ranks", nargs="*", type=int, default=RANKS)
    parser.add_argument("--outputs", nargs="*", type=int, default=OUTPUTS)
    parser.add_argument("--budget", type=int, default=4_000, help="evaluations of the recoveries")
    chosen = parser.parse_args()
    rows: list[dict[str, float]] = []
    for n, rank in product(chosen.lengths, chosen.ranks):
        rows.append(explained(n, rank))
        show(rows[-1])
        write_text(FOLDER / "explained.tsv", pd.DataFrame(rows).to_csv(sep="\t", index=False, float_format="%.5g"))
    if chosen.outputs:
        recovered(1, chosen.budget, WARM_UP_MINUTES)
    for count in chosen.outputs:
        row = recovered(count, chosen.budget)
        show(row)
        merge_results(RESULTS / "train_outputs.tsv", [row], OUTPUT_COLUMNS[:2], OUTPUT_COLUMNS, "make benchmark-trains")


def show(row: dict[str, float]) -> None:
    """Print a row."""
    print("  ".join(f"{key} {value:,.4g}" for key, value in row.items()), flush=True)


def random_train(n: int, rank: int) -> Train:
    """Return a train of n positions and four letters under a uniform background."""
    rng = np.random.default_rng(0)
    ranks = [1, *[rank] * (n - 1), 1]
    cores = [
        np.eye(a, b)[:, None] + SPREAD * rng.normal(size=(a, LETTERS, b)) / np.sqrt(rank) for a, b in pairwise(ranks)
    ]
    return Train.build(cores, [np.full(LETTERS, 1 / LETTERS)] * n)


def rates(count: int, function: Callable[[], object]) -> tuple[float, float]:
    """Return `count` over the least seconds of three calls, and over their processor seconds; a first one compiles."""
    function()
    seconds, cpu = [], []
    for _ in range(3):
        began, cpu_began = time.perf_counter(), time.process_time()
        function()
        seconds.append(time.perf_counter() - began)
        cpu.append(time.process_time() - cpu_began)
    return count / min(seconds), count / min(cpu)


def explained(n: int, rank: int) -> dict[str, float]:
    """Sequences a second for values, and for the 20 strongest of all interactions up to order 3."""
    train = random_train(n, rank)
    components = Components(Terms.build(np.full(n, LETTERS), {}), (train,), np.arange(n))
    count = max(64, int(VALUES * min(1, (50 / n) * (24 / rank) ** 2)))
    codes = np.random.default_rng(1).integers(0, LETTERS, (count, n)).astype(np.uint8)
    values, values_cpu = rates(count, lambda: components.shapley_values(codes))
    few = codes[: max(2, int(LISTED * min(1, (50 / n) ** 3)))]
    mapping = complete_map(components, "FSII", 3)
    mapping = mapping.select(mapping.orders >= 2)
    listed, listed_cpu = rates(len(few), lambda: strongest_of_all(components, mapping, few, top_k=20))
    return {
        "positions": n, "rank": rank, "nodes": train.nodes, "threads": numba.get_num_threads(),
        "values_per_second": values, "values_per_cpu_second": values_cpu,
        "with_interactions_per_second": listed, "with_interactions_per_cpu_second": listed_cpu,
    }  # fmt: skip


def recovered(outputs: int, budget: int, minutes: float | None = None) -> dict[str, float]:
    """Processor seconds of a recovery by `train`, and its R2 on fresh sequences, averaged over the outputs.

    Args:
        outputs: how many.
        budget: evaluations.
        minutes: that it may take.
    """
    template = Template(Alphabet("ACGT"), "N" * N)
    rng = np.random.default_rng(0)
    first, last = rng.normal(size=(N, LETTERS, HIDDEN)) / np.sqrt(N), rng.normal(size=(HIDDEN, max(OUTPUTS)))

    def function(codes: np.ndarray) -> np.ndarray:
        return (np.tanh(1.5 * first[np.arange(N), codes].sum(1)) @ last)[:, :outputs]

    names = tuple(f"y{k}" for k in range(outputs))
    plan = make_plan({"m": "outputs"}, names, Background.uniform(template), budget=budget, design="random", seed=0)
    codes = plan.queries(0, plan.size)
    sketch = Sketch(plan, codes, function(codes))
    cpu, began = time.process_time(), time.perf_counter()
    recoveries = recover_outputs(sketch, estimator="train", minutes=minutes, threads=2)
    cpu, seconds = time.process_time() - cpu, time.perf_counter() - began
    fresh = rng.integers(0, LETTERS, (5_000, N)).astype(np.uint8)
    truth = function(fresh)
    scores = [r_squared(truth[:, k], one.spectrum.predict_codes(fresh)) for k, one in enumerate(recoveries)]
    return {"outputs": outputs, "evaluations": plan.size, "cpu_seconds": cpu, "seconds": seconds, "r2": np.mean(scores)}


if __name__ == "__main__":
    main()
