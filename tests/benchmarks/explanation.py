"""Sequences explained per second, beside the machine's plain rate of random look-ups and beside shapzero.

`make benchmark-explain` writes results/benchmarks/explain/explain.tsv: one row per spectrum, and two for a million
sequences from FASTA to Parquet through the workflow's own rules: with tables and all interactions, and the Shapley
values of a tensor train.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pandas as pd

from benchmarks.reference_models import ROOT
from benchmarks.shapzero_peer import PYTHON
from benchmarks.trains import random_train
from shapsketch.recovery.coefficients import terms_from_coefficients
from shapsketch.recovery.student import save_students
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.indices import interaction_map
from shapsketch.spectrum.interactions import Sums, strongest_interactions
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.spectrum_file import save_spectra
from shapsketch.spectrum.terms import Terms
from shapsketch.storage.files import atomic_path, write_json, write_text

TERMS, MILLION, REPEATS = 1000, 1_000_000, 5
PEER_SEQUENCES = 3
PEER_SECONDS = 300
PARTS = ("spectra", "tables", "train")
FOLDER = ROOT / "results" / "benchmarks" / "explain"
TRAIN_RANK = 24
CONFIG = """models:
  m: {{source: {{kind: table, path: table.csv}}, alphabet: DNA, template: {template}}}
sequences: {{s: {{path: million.fa}}}}
explain: {{indices: [{indices}]}}
"""


def main() -> None:
    """Measure every case."""
    parser = argparse.ArgumentParser(prog="explanation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the sequences")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    chosen = parser.parse_args()
    share = 10 if chosen.quick else 1
    dna, protein = Template(Alphabet("ACGT"), "N" * 28), Template(Alphabet.from_config("protein"), "X" * 50)
    cases = {
        "DNA, n = 28, tables": (dna, *_sparse(dna, 0), 400_000 // share),
        "protein, n = 50, tables": (protein, _dense(protein, 1), None, 200_000 // share),
        "protein, n = 50, Fourier coefficients": (protein, *_sparse(protein, 2), 200_000 // share),
    }
    rows = []
    for name, (template, terms, coefficients, count) in cases.items() if "spectra" in chosen.parts else ():
        rows.append({"case": name, "terms": len(terms), **_measure(template, terms, coefficients, count)})
        print(json.dumps(rows[-1], indent=1), flush=True)
    background = Background.uniform(dna)
    spectra = {
        "tables": ("FASTA to Parquet", Spectrum(background, "value", 0.0, cases["DNA, n = 28, tables"][1]), "SV, FSII"),
        "train": (f"FASTA to Parquet, a train of rank {TRAIN_RANK}, values", _train_spectrum(background), "SV"),
    }
    for part, (name, spectrum, indices) in spectra.items():
        if part in chosen.parts:
            measured = _end_to_end(spectrum, indices, MILLION // share)
            rows.append({"case": name, "terms": len(spectrum.terms), **measured})
            print(json.dumps(rows[-1], indent=1), flush=True)
    with atomic_path(FOLDER / "explain.tsv") as temporary:
        pd.DataFrame(rows).to_csv(temporary, sep="\t", index=False, float_format="%.4g")


def _supports(n: int, seed: int) -> list[tuple[int, ...]]:
    """All single positions, then pairs and triples in the proportion of two to three."""
    draws = np.random.default_rng(seed)
    pairs, triples = (list(combinations(range(n), k)) for k in (2, 3))
    count = min(len(pairs), (TERMS - n) * 2 // 5)
    chosen = [pairs[k] for k in draws.permutation(len(pairs))[:count]]
    chosen += [triples[k] for k in draws.permutation(len(triples))[: TERMS - n - count]]
    return [(i,) for i in range(n)] + chosen


def _dense(template: Template, seed: int) -> Terms:
    draws, q = np.random.default_rng(seed), template.alphabet.q
    tables = {s: draws.normal(size=(q,) * len(s)) for s in _supports(template.n, seed)}
    return Terms.build(template.sizes, tables)


def _sparse(template: Template, seed: int) -> tuple[Terms, tuple[np.ndarray, np.ndarray]]:
    """Terms of one conjugate pair of Fourier coefficients each, and the coefficients."""
    draws, q = np.random.default_rng(seed), template.alphabet.q
    frequencies = np.zeros((TERMS, template.n), np.int64)
    for row, support in zip(frequencies, _supports(template.n, seed), strict=True):
        row[list(support)] = draws.integers(1, q, len(support))
    values = draws.normal(size=(TERMS, 2)) @ np.array([1, 1j])
    own = (frequencies == -frequencies % q).all(1)
    values[own] = values[own].real
    frequencies = np.concatenate([frequencies, -frequencies[~own] % q])
    values = np.concatenate([values, values[~own].conj()])
    return terms_from_coefficients(template, frequencies, values), (frequencies, values)


def _fastest(function: Callable[[], object]) -> float:
    """The least of some wall times, the first one (which may compile) left out."""
    times = []
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return min(times[1:])


def _measure(
    template: Template, terms: Terms, coefficients: tuple[np.ndarray, np.ndarray] | None, count: int
) -> dict[str, Any]:
    codes = np.random.default_rng(9).integers(0, template.alphabet.q, (count, template.n)).astype(np.uint8)
    mapping = interaction_map(terms, "FSII", 3)

    def interactions() -> None:
        terms.shapley_values(codes)
        strongest_interactions(terms, mapping, codes, top_k=20, sums=Sums.empty(terms, mapping, 0))

    rate = count / _fastest(lambda: terms.shapley_values(codes))
    row: dict[str, Any] = {
        "threads": numba.get_num_threads(),
        "values_per_second": rate,
        "with_interactions_per_second": count / _fastest(interactions),
    }
    if terms.has_table.all():
        plain = _plain_rate(len(terms.tables))
        row |= {"lookups_per_second": rate * len(terms), "plain_lookups_per_second": plain}
        row["share_of_plain"] = rate * len(terms) / plain
    return row | (_peer(template, terms, coefficients, rate) if coefficients else {})


@numba.njit(parallel=True)
def _look_up(table: np.ndarray, cells: np.ndarray, out: np.ndarray) -> None:
    for b in numba.prange(out.size):
        total = 0.0
        for r in range(b * 4096, (b + 1) * 4096):
            total += table[cells[r]]
        out[b] = total


def _plain_rate(cells: int) -> float:
    """Random look-ups per second in a table of as many cells, at places known beforehand."""
    draws = np.random.default_rng(0)
    table, places, out = (
        draws.normal(size=cells),
        draws.integers(0, cells, 4096 * 8000).astype(np.int32),
        np.empty(8000),
    )
    return len(places) / _fastest(lambda: _look_up(table, places, out))


def _peer(template: Template, terms: Terms, coefficients: tuple[np.ndarray, np.ndarray], rate: float) -> dict[str, Any]:
    """Run shapzero on the coefficients; of proteins on ten, which take it as long as most would wait."""
    if not PYTHON.exists():
        return {"note": f"{PYTHON.parent.parent.name} is missing; make benchmark-explain builds it"}
    frequencies, values = coefficients
    if template.alphabet.q > 4:
        kept = np.flatnonzero((frequencies[:TERMS] > 0).sum(1) == 3)[:5]
        kept = np.concatenate([kept, [np.flatnonzero((frequencies == -frequencies[k] % 20).all(1))[0] for k in kept]])
        frequencies, values = frequencies[kept], values[kept]
        terms = terms_from_coefficients(template, frequencies, values)
    codes = np.random.default_rng(3).integers(0, template.alphabet.q, (PEER_SEQUENCES, template.n)).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/in.npz", frequencies=frequencies, values=values, codes=codes, q=template.alphabet.q)
        command = [PYTHON, ROOT / "tests/benchmarks/shapzero_explain.py", f"{folder}/in.npz", f"{folder}/out.json"]
        try:
            subprocess.run(list(map(str, command)), check=True, timeout=PEER_SECONDS)
        except subprocess.TimeoutExpired:
            return {"note": f"shapzero did not explain {PEER_SEQUENCES} sequences in {PEER_SECONDS} s"}
        found = json.loads(Path(f"{folder}/out.json").read_text())["explanations"]
    seconds = float(np.median([e["seconds"] for e in found]))
    gap = np.abs(terms.shapley_values(codes) - np.array([e["values"] for e in found])).max()
    assert gap < 1e-10, f"shapzero's values are others: {gap}"
    return {
        "shapzero_coefficients": len(values),
        "shapzero_per_second": 1 / seconds,
        "times_shapzero": rate * seconds,
        "largest_difference": gap,
    }


def _train_spectrum(background: Background) -> Spectrum:
    """A spectrum of a random train alone."""
    train, template = random_train(background.template.n, TRAIN_RANK), background.template
    return Spectrum(background, "value", train.mean, Terms.build(template.sizes, {}), trains=(train,))


def _end_to_end(explained: Spectrum, indices: str, count: int) -> dict[str, Any]:
    """Explain a FASTA file by the workflow's rules: values, and interactions where an index of them is asked for."""
    template = explained.template
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        spectrum = folder / "results/m/spectrum"
        save_spectra(spectrum / "spectrum.npz", [replace(explained, provenance={"plan": "none"})])
        save_students(spectrum / "students.npz", {})
        score = {"range": [-1e3, 1e3], "residual": {"large": 1.0, "mean": 0.0}, "found": "structure"}
        write_json(spectrum / "faithfulness.json", {"value": score})
        letters = np.frombuffer(b"ACGT", np.uint8)[np.random.default_rng(5).integers(0, 4, (count, template.n))]
        records = (f">guide{k}\n{row.tobytes().decode()}\n" for k, row in enumerate(letters))
        write_text(folder / "million.fa", "".join(records))
        write_text(folder / "table.csv", f"sequence,value\n{'A' * template.n},1\n")
        write_text(folder / "config/config.yaml", CONFIG.format(template=template.pattern, indices=indices))
        rules = ["prepare_sequences", "explain_sequences", "merge_explanations"]
        command = [sys.executable, "-m", "snakemake", "results/m/s/shapley_values.parquet", "-s", ROOT / "Snakefile"]
        command += ["--directory", folder, "--cores", 2, "--rerun-triggers", "mtime", "--quiet", "all"]
        began = time.perf_counter()
        subprocess.run([*map(str, command), "--allowed-rules", *rules], check=True, env={**os.environ})
        seconds = time.perf_counter() - began
        used = [pd.read_csv(path, sep="\t") for path in (folder / "benchmarks").rglob("*.tsv")]
    return {
        "sequences": count,
        "seconds": seconds,
        "values_per_second": count / seconds,
        "peak_mb": max(pd.to_numeric(u["max_rss"], errors="coerce").max() for u in used) * 1.048576,
    }


if __name__ == "__main__":
    main()
