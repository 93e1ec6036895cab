"""A recovery of all outputs in a process of its own, so that its memory is its own.

`one_recovery FOLDER ESTIMATOR [MINUTES]` reads `plan.json` and `sketch.npz` in the folder, and writes `spectrum.npz`
and `record.json` there.
"""

import os
import sys
import time
from pathlib import Path

from benchmarks.memory import peak_megabytes
from shapsketch.recovery import recover_outputs
from shapsketch.sampling.plan import Plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.spectrum.spectrum_file import save_spectra
from shapsketch.storage.files import write_json

if __name__ == "__main__":
    folder, estimator = Path(sys.argv[1]), sys.argv[2]
    minutes = float(sys.argv[3]) if len(sys.argv) > 3 else None
    sketch = Sketch.load(folder / "sketch.npz", Plan.load(folder / "plan.json"))
    began = time.perf_counter()
    recoveries = recover_outputs(sketch, estimator=estimator, minutes=minutes, threads=os.cpu_count() or 1)
    record = {
        "seconds": time.perf_counter() - began,
        "peak_mb": peak_megabytes(),
        "estimators": [recovery.details["estimator"] for recovery in recoveries],
    }
    save_spectra(folder / "spectrum.npz", [recovery.spectrum for recovery in recoveries])
    write_json(folder / "record.json", record)
