"""Runs of the real workflow in a folder of their own."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
MODEL = '''
"""Two outputs of 8-mers: G counts with a bonus for G.T at 3 and 5, and T counts."""
import os, time

def predict(sequences):
    time.sleep(float(os.environ.get("TINY_MODEL_SECONDS", "0")))
    if "TINY_MODEL_CALLS" in os.environ:
        with open(os.environ["TINY_MODEL_CALLS"], "a") as calls:
            calls.write(f"{len(sequences)}\\n")
    return [[s.count("G") + 2 * (s[2] == "G" and s[4] == "T"), s.count("T")] for s in sequences]

def nan(sequences):
    return [[float("nan"), 0.0] for s in sequences]

def shape(sequences):
    return [0.0] * len(sequences)

def raises(sequences):
    raise ValueError("no such luck")
'''
CONFIG = """
models:
  tiny:
    source: {kind: python, target: "model.py:predict"}
    alphabet: DNA
    template: NNNNNNNN
    outputs: [g, t]
    sketch: {budget: 3000, batch_size: 100, shards: 2}
sequences:
  some: {path: some.fa}
motifs: {count: 3, min_instances: 1}
"""
SEQUENCES = ">a\nACGTTACG\n>b\nTTGATCCA\n>c\nCAGGTTAA\n>d\nAAGCTAAA\n>e\nCCGATGGG\n"


class Workspace:
    """A folder with a config, a tiny model and sequences, in which the workflow runs."""

    def __init__(self, folder):
        self.folder = Path(folder)
        (self.folder / "config").mkdir(parents=True)
        self.write("model.py", MODEL)
        self.write("some.fa", SEQUENCES)
        self.write("config/config.yaml", CONFIG)

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def configure(self, **changes):
        """Change the config by paths like models__tiny__sketch__shards."""
        config = yaml.safe_load((self.folder / "config/config.yaml").read_text())
        for path, value in changes.items():
            *parents, key = path.split("__")
            place = config
            for parent in parents:
                place = place.setdefault(parent, {})
            place[key] = value
        self.write("config/config.yaml", yaml.safe_dump(config))

    def command(self, *arguments, snakefile="Snakefile"):
        return [
            sys.executable, "-m", "snakemake", "-s", str(ROOT / snakefile), "--directory", str(self.folder),
            "--cores", "2", *arguments,
        ]  # fmt: skip

    def run(self, *arguments, check=True, env=None, **settings):
        done = subprocess.run(
            self.command(*arguments, **settings), capture_output=True, text=True, timeout=600, check=False, env=env
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def planned(self, *arguments):
        """The rules that a dry run would execute, with their counts."""
        text = self.run("--dry-run", *arguments).stdout
        return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", text, re.M) if rule != "total"}

    def hashes(self):
        """SHA-256 of those results that are there and must not depend on how they were made."""
        names = [
            "tiny/sketch/sketch.npz", "tiny/spectrum/spectrum.npz", "tiny/some/shapley_values.parquet",
            "tiny/some/aggregates.parquet",
            "tiny/some/shapley_values.tsv.gz", "tiny/some/interactions.parquet", "tiny/some/motifs/motifs.meme",
            "tiny/some/motifs/contributions.tsv", "tiny/some/motifs/logos/g.contributions.svg", "tiny/some/report.html",
        ]  # fmt: skip
        files = {n: self.folder / "results" / n for n in names}
        return {n: hashlib.sha256(p.read_bytes()).hexdigest() for n, p in files.items() if p.exists()}

    def leftovers(self):
        """Half-written files."""
        return [p for p in self.folder.rglob("*.tmp") if ".snakemake" not in p.parts]

    def copy(self, folder):
        """A copy of the whole folder, results and Snakemake's records included."""
        other = object.__new__(type(self))
        other.folder = Path(folder)
        shutil.copytree(self.folder, folder, copy_function=shutil.copy2)
        return other


def environment(**variables):
    return {**os.environ, **variables}
