"""How a sketch grows: seconds and memory of each step of the workflow against the budget.

Runs the real workflow on a function of n = 30 letters that is nearly free, so that what is measured is ours.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES = ("plan_sketch", "sample_sketch", "merge_sketch", "recover_spectrum")
MODEL = """
import numpy as np

rng = np.random.default_rng(0)
LETTER, PAIR = rng.normal(size=(30, 4)), rng.normal(size=(29, 4, 4))
TRIPLE = rng.normal(size=(10, 4, 4, 4))


def predict(codes):
    i = np.arange(30)
    values = LETTER[i, codes].sum(1) + PAIR[i[:29], codes[:, :-1], codes[:, 1:]].sum(1)
    values += TRIPLE[i[:10], codes[:, 0:30:3], codes[:, 1:30:3], codes[:, 2:30:3]].sum(1)
    return np.tanh(values / 10)
"""


def main() -> None:
    """Run what the command line asks for, one budget after another."""
    parser = argparse.ArgumentParser(prog="scale", description=__doc__)
    parser.add_argument("--budgets", nargs="+", type=int, default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--estimator", default="auto")
    parser.add_argument("--shards", type=int, default=8)
    chosen = parser.parse_args()
    for budget in chosen.budgets:
        with tempfile.TemporaryDirectory() as folder:
            print(run(Path(folder), budget, chosen.estimator, chosen.shards).to_string(index=False), flush=True)


def run(folder: Path, budget: int, estimator: str, shards: int) -> pd.DataFrame:
    """Run the workflow up to the spectrum; one row per rule, the worst of its jobs."""
    (folder / "model.py").write_text(MODEL)
    (folder / "some.fa").write_text(">a\n" + "ACGTAC" * 5 + "\n")
    model = {
        "source": {"kind": "python", "target": "model.py:predict", "input": "codes"},
        "alphabet": "DNA",
        "template": "N" * 30,
        "sketch": {"budget": budget, "batch_size": 8192, "shards": shards},
        "recovery": {"estimator": estimator},
    }
    (folder / "config").mkdir()
    (folder / "config/config.yaml").write_text(
        yaml.safe_dump({"models": {"m": model}, "sequences": {"some": {"path": "some.fa"}}})
    )
    command = [
        sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--directory", str(folder), "--cores", "2",
        "results/m/spectrum/spectrum.npz",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    rows = []
    for rule in RULES:
        paths = [path for path in (folder / "benchmarks/m").rglob("*.tsv") if rule in str(path)]
        jobs = pd.concat(pd.read_csv(path, sep="\t") for path in paths)
        row = {"evaluations": budget, "rule": rule, "jobs": len(jobs), "cpu_seconds": jobs["cpu_time"].sum()}
        memory = pd.to_numeric(jobs["max_rss"], errors="coerce").max()
        rows.append({**row, "longest_job_seconds": jobs["s"].max(), "peak_mb": memory})
    scores = pd.read_json(folder / "results/m/spectrum/faithfulness.json")
    return pd.DataFrame(rows).assign(r2=float(scores.loc["r2"].iloc[0]))


if __name__ == "__main__":
    main()
