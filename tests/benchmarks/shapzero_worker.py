"""shapzero in its own environment: `shapzero_worker N Q BUDGET SEED FOLDER`.

The model stays with the caller. Each batch of queries goes to standard output as an 8-byte count and that many
rows of N uint8 codes; as many float64 values come back on standard input. A count of 0 ends the run; then
`FOLDER/coefficients.npz` and `FOLDER/record.json` are complete.
"""

import json
import os
import random
import sys
from pathlib import Path

import numpy as np
import shapzero

from benchmarks.memory import peak_megabytes


def main() -> None:
    n, q, budget, seed = map(int, sys.argv[1:5])
    folder = Path(sys.argv[5])
    caller = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what shapzero prints must not get between the queries

    def send(codes: np.ndarray) -> None:
        caller.write(len(codes).to_bytes(8, "little") + np.ascontiguousarray(codes, np.uint8).tobytes())
        caller.flush()

    def model(codes: np.ndarray) -> np.ndarray:
        send(codes)
        return np.frombuffer(sys.stdin.buffer.read(8 * len(codes)))

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002, the state that shapzero draws from
    explainer = shapzero.init(q=q, n=n, model=model, exp_dir=str(folder / "shapzero"))
    found = explainer.compute_fourier_transform(budget=budget, verbose=False)
    mean = np.load(folder / "shapzero/train/samples/train_mean.npy", allow_pickle=False)
    np.savez(
        folder / "coefficients.npz",
        frequencies=np.array(list(found), np.int64).reshape(-1, n),
        values=np.array(list(found.values()), np.complex128),
        mean=mean.real,
    )
    (folder / "record.json").write_text(json.dumps({"peak_mb": peak_megabytes()}))
    send(np.empty((0, n)))


if __name__ == "__main__":
    main()
