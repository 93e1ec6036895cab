"""Measured mutants of protein GB1 beside a network's predictions: `config/examples/protein_variants.yaml`, run.

`python -m benchmarks.gb1_mutants`, or `make benchmark-gb1-mutants`; writes tests/benchmarks/results/gb1_mutants.tsv: by
the number of changes, Spearman's correlation of what the network and the experiment say of all of them together, and of
two changes also of what they do beyond the sum of each.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from benchmarks.guide_latents import run
from benchmarks.reference_models import DATA
from benchmarks.result_files import FOLDER, ROOT, merge_results

EXAMPLE = ROOT / "config/examples/protein_variants.yaml"
MODEL = "gb1_network"
DRAWN = 2500  # of the triple, and of the quadruple mutants, as the example says
KEY = ["changes", "of"]
COLUMNS = [*KEY, "mutants", "spearman"]


def write_tables(folder: Path) -> None:
    """Write the example's tables of measured mutants."""
    folder.mkdir(parents=True)
    command = [sys.executable, ROOT / "resources/sequences/gb1_doubles.py", DATA / "landscape_gb1/gb1.parquet"]
    for name, drawn in {"doubles": [], "3": ["3", str(DRAWN)], "4": ["4", str(DRAWN)]}.items():
        (folder / f"gb1_{name}.csv").write_bytes(subprocess.check_output([*command, *drawn]))


def asked(folder: Path, variants: str) -> pd.DataFrame:
    """Return the `delta` of each mutant of a set and its measured `score`, by its name."""
    table = pd.read_parquet(folder / f"results/{MODEL}/{variants}/variants.parquet")
    return table.set_index("variant_id")[["delta", "score"]]


def epistasis(folder: Path, measured: pd.Series) -> pd.DataFrame:
    """Return what two changes do beyond the sum of each: `delta` of the network, `score` as measured."""
    table = pd.read_parquet(folder / f"results/{MODEL}/doubles/haplotypes.parquet")
    beyond = table.groupby("haplotype")["beyond_singles"].first()
    sums = [sum(measured.get(part, float("nan")) for part in name.split(":")) for name in beyond.index]
    return pd.DataFrame({"delta": beyond, "score": measured.reindex(beyond.index) - sums}).dropna()


def measure(folder: Path) -> list[dict[str, Any]]:
    """Run the example in a folder, with the network's weights from the shared data; return the rows."""
    write_tables(folder / "resources/tables")
    config = yaml.safe_load(EXAMPLE.read_text())
    config["models"][MODEL]["source"]["path"] = str(DATA / "nn4dms_gb1/gb1_cnn_weights.npz")
    files = [f"results/{MODEL}/{variants}/variants.parquet" for variants in config["variants"]]
    run(folder, config, *files, f"results/{MODEL}/doubles/haplotypes.parquet")
    mutants = pd.concat([asked(folder, variants) for variants in config["variants"]])
    parts = [(count, "effect", rows) for count, rows in mutants.groupby(mutants.index.str.count(":") + 1)]
    parts.append((2, "epistasis", epistasis(folder, mutants["score"])))
    return [
        {"changes": count, "of": of, "mutants": len(rows), "spearman": rows["delta"].corr(rows["score"], "spearman")}
        for count, of, rows in parts
    ]


def main() -> None:
    """Run the benchmark."""
    argparse.ArgumentParser(prog="gb1_mutants", description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder))
    print(pd.DataFrame(rows).to_string())
    merge_results(FOLDER / "gb1_mutants.tsv", rows, KEY, COLUMNS, "make benchmark-gb1-mutants")


if __name__ == "__main__":
    main()
