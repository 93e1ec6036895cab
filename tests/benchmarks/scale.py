"""How the workflow grows: seconds and memory of each step against evaluations, letters, alphabet and sequences.

Runs the real workflow on a function that is nearly free, so that what is measured is ours.
"""

import argparse
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import yaml

from shapsketch.storage.files import write_text

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "results" / "benchmarks" / "scale"
SKETCH = ("plan_sketch", "sample_sketch", "merge_sketch", "recover_spectrum")
EXPLAIN = ("prepare_sequences", "explain_sequences", "merge_explanations")
LETTERS = "ABDEFGHIKLMNPQRSVWYZ"  # no alphabet that has a name
MODEL = """
import numpy as np

n, q = {n}, {q}
rng = np.random.default_rng(0)
LETTER, PAIR, TRIPLE = rng.normal(size=(n, q)), rng.normal(size=(n - 1, q, q)), rng.normal(size=(n // 3, q, q, q))


def predict(codes):
    i, k = np.arange(n), np.arange(n // 3)
    values = LETTER[i, codes].sum(1) + PAIR[i[:-1], codes[:, :-1], codes[:, 1:]].sum(1)
    values += TRIPLE[k, codes[:, 3 * k], codes[:, 3 * k + 1], codes[:, 3 * k + 2]].sum(1)
    return np.tanh(values / 2 / n**0.5)
"""


@dataclass(frozen=True)
class Case:
    """One run: evaluations, length and alphabet of the model, and sequences to explain."""

    evaluations: int = 100_000
    n: int = 30
    q: int = 4
    sequences: int = 1


def main() -> None:
    """Run what the command line asks for, one case after another; each row lands in the table at once."""
    parser = argparse.ArgumentParser(prog="scale", description=__doc__)
    parser.add_argument("--budgets", nargs="*", type=int, default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--lengths", nargs="*", type=int, default=[15, 60, 120])
    parser.add_argument("--letters", nargs="*", type=int, default=[2, 8, 20])
    parser.add_argument("--sequences", nargs="*", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--estimator", default="auto")
    parser.add_argument("--shards", type=int, default=8)
    chosen = parser.parse_args()
    cases = [Case(evaluations=budget) for budget in chosen.budgets]
    cases += [replace(Case(), n=n) for n in chosen.lengths]
    cases += [replace(Case(), q=q) for q in chosen.letters]
    cases += [replace(Case(), sequences=count) for count in chosen.sequences]
    tables = []
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            tables.append(run(Path(folder), case, chosen.estimator, chosen.shards))
        print(tables[-1].to_string(index=False), flush=True)
        write_text(FOLDER / "scale.tsv", pd.concat(tables).to_csv(sep="\t", index=False, float_format="%.6g"))


def run(folder: Path, case: Case, estimator: str, shards: int) -> pd.DataFrame:
    """Run the workflow up to the spectrum, or to the tables of many sequences; one row per rule."""
    (folder / "model.py").write_text(MODEL.format(n=case.n, q=case.q))
    draws = random.Random(0)
    letters = LETTERS[: case.q]
    with open(folder / "some.fa", "w") as file:
        file.writelines(f">s{k}\n{''.join(draws.choices(letters, k=case.n))}\n" for k in range(case.sequences))
    model = {
        "source": {"kind": "python", "target": "model.py:predict", "input": "codes"},
        "alphabet": letters,
        "template": "*" * case.n,
        "sketch": {"budget": case.evaluations, "batch_size": 8192, "shards": shards},
        "recovery": {"estimator": estimator},
    }
    (folder / "config").mkdir()
    (folder / "config/config.yaml").write_text(
        yaml.safe_dump({"models": {"m": model}, "sequences": {"some": {"path": "some.fa"}}})
    )
    many = case.sequences > 1
    target = "m/some/shapley_values.parquet" if many else "m/spectrum/spectrum.npz"
    command = [
        sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--directory", str(folder), "--cores", "2",
        f"results/{target}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    rows = []
    for rule in EXPLAIN if many else SKETCH:
        paths = [path for path in (folder / "benchmarks/m").rglob("*.tsv") if rule in str(path)]
        jobs = pd.concat(pd.read_csv(path, sep="\t") for path in paths)
        row = {**vars(case), "rule": rule, "jobs": len(jobs), "cpu_seconds": jobs["cpu_time"].sum()}
        memory = pd.to_numeric(jobs["max_rss"], errors="coerce").max()
        rows.append({**row, "longest_job_seconds": jobs["s"].max(), "peak_mb": memory})
    scores = pd.read_json(folder / "results/m/spectrum/faithfulness.json")
    return pd.DataFrame(rows).assign(r2=float(scores.loc["r2"].iloc[0]))


if __name__ == "__main__":
    main()
