"""What near queries are for: a function that is flat but near a donor site, sketched with and without them.

`python -m benchmarks.near`, or `make benchmark-near`; writes tests/benchmarks/results/near.tsv. Function, sites and
budget are those of docs/how-to/near.md.
"""

import argparse
import math
import time
from typing import Any

import numpy as np
import pandas as pd

import shapsketch
from benchmarks.result_files import FOLDER, merge_results
from shapsketch.spectrum.metrics import r_squared

ESTIMATORS = ("train_alone", "trees", "regression")
SEEDS = 5  # sketches of each kind
BUDGET = 6000
SHARE = 0.3  # of near queries
FRESH = 100_000  # sequences of the background that score
KEY = ["estimator", "near", "seed"]
COLUMNS = [*KEY, "evaluations", "error_sites", "r2", "seconds"]


# As the page has it, which a test compares.
def usage(sequences):
    x = [4 * max(sum(s[3 + k] == a for k, a in enumerate("GTAAGT")) - 3, 0) + 2 * (s[2] == "G") - 6 for s in sequences]
    return [1 / (1 + math.exp(-v)) for v in x]


def make_sites() -> list[str]:
    """Return the page's 40 donor sites."""
    rng = np.random.default_rng(0)
    return ["".join(rng.choice(list("ACGT"), 3)) + "GTAAGT" + "".join(rng.choice(list("ACGT"), 3)) for _ in range(40)]


def run(estimator: str, near: float, seed: int) -> dict[str, Any]:
    """Sketch once; score on the sites by the root mean square error, and on fresh sequences by R2."""
    sites = make_sites()
    began = time.process_time()
    settings: dict[str, Any] = {"near": sites, "near_share": near} if near else {}
    spectrum = shapsketch.sketch(usage, "N" * 12, budget=BUDGET, estimator=estimator, seed=seed, **settings)
    seconds = time.process_time() - began
    fresh = ["".join(letters) for letters in np.random.default_rng(4242).choice(list("ACGT"), (FRESH, 12))]
    missed = spectrum.predict(sites) - np.array(usage(sites))
    return {
        "estimator": estimator, "near": near, "seed": seed, "evaluations": BUDGET, "seconds": seconds,
        "error_sites": float(np.sqrt(np.mean(missed**2))),
        "r2": r_squared(np.array(usage(fresh)), spectrum.predict(fresh)),
    }  # fmt: skip


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="near", description=__doc__)
    parser.add_argument("--estimators", nargs="+", default=ESTIMATORS, choices=ESTIMATORS)
    for estimator in parser.parse_args().estimators:
        for near in (0.0, SHARE):
            rows = [run(estimator, near, seed) for seed in range(SEEDS)]
            print(pd.DataFrame(rows).to_string(), flush=True)
            merge_results(FOLDER / "near.tsv", rows, KEY, COLUMNS, "make benchmark-near")


if __name__ == "__main__":
    main()
