"""One recovery in a process of its own, so that its memory is its own: `one_recovery FOLDER OUTPUT ESTIMATOR`.

Reads `plan.json` and `sketch.npz` in the folder; writes `spectrum.npz` and `record.json` there.
"""

import os
import sys
import time
from pathlib import Path

from benchmarks.memory import peak_megabytes
from shapsketch.recovery import recover
from shapsketch.sampling.plan import Plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.storage.files import write_json

if __name__ == "__main__":
    folder, output, estimator = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    sketch = Sketch.load(folder / "sketch.npz", Plan.load(folder / "plan.json"))
    began = time.perf_counter()
    spectrum, details, *_ = recover(sketch, output, estimator=estimator, threads=os.cpu_count() or 1)
    record = {"seconds": time.perf_counter() - began, "peak_mb": peak_megabytes(), "estimator": details["estimator"]}
    spectrum.save(folder / "spectrum.npz")
    write_json(folder / "record.json", record)
