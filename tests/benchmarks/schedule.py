"""How long Snakemake takes to plan a large run: a dry-run of many shards of many models."""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Plan what the command line asks for, and print jobs, seconds and memory."""
    parser = argparse.ArgumentParser(prog="schedule", description=__doc__)
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--shards", type=int, default=1000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "model.py").write_text("def predict(sequences):\n    return [0.0] * len(sequences)\n")
        (place / "some.fa").write_text(">a\nACGTACGT\n")
        model = {
            "source": {"kind": "python", "target": "model.py:predict"},
            "alphabet": "DNA",
            "template": "N" * 8,
            "sketch": {"budget": 1_000_000, "shards": chosen.shards},
        }
        config = {"models": {f"m{k}": model for k in range(chosen.models)}, "sequences": {"s": {"path": "some.fa"}}}
        (place / "config.json").write_text(yaml.safe_dump(config))
        command = [
            sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--directory", folder, "--cores", "2",
            "--configfile", str(place / "config.json"), "--dry-run", "--quiet", "rules",
        ]  # fmt: skip
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - began
    jobs = int(re.search(r"^total +(\d+)$", done.stdout, re.M)[1])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    print(f"{jobs} jobs in {seconds:.0f} s ({cpu:.0f} s of CPU), {memory:.0f} MiB")


if __name__ == "__main__":
    main()
