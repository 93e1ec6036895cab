"""Time the peeling against its own FFTs, and against shapzero 0.0.4 on the same bins.

Run by `python tests/benchmarks/peeling.py`. Prints a row per case: queries, coefficients found of
those there are, seconds of the FFTs, of the peeling and of shapzero's peeling. shapzero reads the bins
of identity offsets, which its q-SFT was made for. It does not know the noise: it peels once for each of 11 or
more levels, chooses by test points, and peels once more. `told` is one run with the true noise, `tuned` is its
first 11 levels and that last run.
"""

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in a stage; its waiting threads would take our cores

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "workflow" / "scripts"))

from shapsketch.sparse_fourier.bins import Bins, transform
from shapsketch.sparse_fourier.peeling import peel
from shapsketch.sparse_fourier.subsampling import Lattice, fit_lattice

try:
    from shapzero.fourier.input_signal_subsampled import SubsampledSignal
    from shapzero.fourier.qsft import QSFT
except ImportError:
    sys.exit("shapzero is not installed; to compare with it: pip install shapzero==0.0.4")

ORDER, REPEATS = 5, 5


def sparse(lattice: Lattice, count: int, noise: float) -> tuple[set[tuple[int, ...]], np.ndarray]:
    """The frequencies of a random real function, both of each pair, and its values on the lattice."""
    rng = np.random.default_rng(0)
    q, n = lattice.radix, lattice.free
    k = np.zeros((count, n), int)
    for row in k:
        size = rng.integers(1, ORDER + 1)
        row[rng.choice(n, size, replace=False)] = rng.integers(1, q, size)
    f = rng.normal(size=count) + 1j * rng.normal(size=count)
    codes = lattice.queries(0, 0, lattice.size)
    wave = np.exp(2j * np.pi / q * np.arange(q))
    values = np.concatenate([(wave[part.astype(int) @ k.T % q] @ f).real for part in np.array_split(codes, 64)])
    values += noise * values.std() * rng.normal(size=len(values))
    return {tuple(row) for row in np.concatenate([k, -k % q]).tolist()}, values


def levels(bins: Bins) -> np.ndarray:
    """The noise levels that shapzero 0.0.4 tries first (main.py, lines 114-123, and its heuristic)."""
    cutoff = 0.05 * float(np.median(np.abs(bins.values)))
    guess = np.sqrt(max(cutoff - 1e-9, 1e-12) * bins.lattice.bins / 1.5)
    return np.concatenate([[0.1], np.geomspace(guess / 10, guess * 10, 10)])


def run_shapzero(bins: Bins, noise: float) -> tuple[float, set[tuple[int, ...]]]:
    """The seconds of shapzero's peeling of these bins, and the frequencies it finds."""
    lattice = bins.lattice
    delays = list(bins.shifts.reshape(lattice.offsets, -1, lattice.free))
    values = [list(v.T.reshape(lattice.offsets, -1, lattice.bins)) for v in bins.values]

    class Signal(SubsampledSignal):
        def __init__(self):
            self.q, self.n, self.noise_sd = lattice.radix, lattice.free, noise
            self.Ds = [delays]

        def get_MDU(self, *_, **__):
            return list(bins.matrices), [list(delays) for _ in values], [list(v) for v in values], [0.0]

    qsft = QSFT(
        reconstruct_method_source="identity",
        reconstruct_method_channel="nso",
        num_subsample=lattice.matrices,
        num_repeat=lattice.offsets,
        b=lattice.dimension,
    )
    start = time.perf_counter()
    found = qsft.transform(Signal())
    return time.perf_counter() - start, {tuple(int(letter) for letter in k) for k in found}


def measure(name: str, lattice: Lattice, count: int, noise: float, compare: bool) -> None:
    """Print one row."""
    truth, values = sparse(lattice, count, noise)
    ffts, peels = [], []
    for _ in range(REPEATS):  # the first compiles
        start = time.perf_counter()
        bins = transform(lattice, 0, values)
        middle = time.perf_counter()
        k, _, _ = peel(bins)
        ffts.append(middle - start)
        peels.append(time.perf_counter() - middle)
    found = {tuple(row) for row in np.concatenate([k, -k % lattice.radix]).tolist()}
    row = [name, lattice.size, f"{len(found & truth)}/{len(truth)}", f"{min(ffts):.4f}", f"{min(peels):.4f}"]
    row.append(f"{min(peels) / min(ffts):.1f}")
    if compare:
        told, theirs = run_shapzero(transform(lattice, 0, values), noise * float(values.std()))
        tried = levels(transform(lattice, 0, values))
        tuned = told + sum(run_shapzero(transform(lattice, 0, values), level)[0] for level in tried)
        row += [f"{len(theirs & truth)}/{len(truth)}", f"{told:.2f}", f"{told / min(peels):.0f}"]
        row += [f"{tuned:.2f}", f"{tuned / min(peels):.0f}"]
    print(*row, sep="\t", flush=True)


def main() -> None:
    """Print the table."""
    print("case\tqueries\tfound\tfft_s\tpeel_s\tpeel/fft\tshapzero_found\ttold_s\ttold/peel\ttuned_s\ttuned/peel")
    measure("DNA n=26, 500 terms", Lattice(4, 26, 5, 3, 1, 0), 500, 0.0, True)
    measure("DNA n=26, 500 terms, 3 offsets", Lattice(4, 26, 5, 3, 3, 0), 500, 0.0, True)
    measure("DNA n=26, 200 terms, 20 dB", Lattice(4, 26, 5, 3, 3, 0), 200, 0.1, True)
    measure("DNA n=40, 1000 terms", fit_lattice(4, 40, 240_000), 1000, 0.0, False)
    measure("DNA n=40, 3000 terms", fit_lattice(4, 40, 1_000_000), 3000, 0.0, False)


if __name__ == "__main__":
    main()
