"""Motifs of a BPNet from masks: is CTCF motif one, in the sequences that hold it and in none that does not?

`python -m benchmarks.long_motifs`, or `make benchmark-long-motifs`: the counts of a BPNet of CTCF, segments of ten
letters, 24 random sequences of which 12 hold the motif, every other one turned to the minus strand. Writes
tests/benchmarks/results/long_motifs.tsv: the motifs, in how many sequences each lies, and what Tomtom calls it among
consensus words of factors. Most of the time is the model's (17 sequences a second on one core). `--memory 1000`
explains so many sequences of 2,114 letters of a model that costs nothing, and says how much memory that took.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.long_inputs import Asked, bpnet, bpnet_sequences
from benchmarks.memory import peak_megabytes
from benchmarks.result_files import FOLDER as RESULTS
from benchmarks.result_files import merge_results
from shapsketch.masks.explain import MaskExplainer, MaskSettings
from shapsketch.masks.tables import Pieces
from shapsketch.masks.trust import trusted_rows
from shapsketch.motifs import Settings
from shapsketch.motifs.reading import Explained
from shapsketch.motifs.stretches import Stretches, Uncertain, find_stretches
from shapsketch.motifs.tomtom import compare_motifs
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.interaction_tables import Listing
from shapsketch.storage.parquet import parquet_writer, write_parquet

COLUMNS = (
    "evaluations", "motif", "consensus", "called", "p_value", "share", "strands", "in_12_with_ctcf", "in_12_without",
    "r2_pooled", "r2_half_pooled", "seconds",
)  # fmt: skip
DNA = Alphabet("ACGT")
WORDS = {
    "CTCF": "TGGCCACCAGGGGGCGCTA", "GATA": "AGATAAGA", "AP1": "ATGAGTCAT", "YY1": "CAAGATGGCGGC",
    "NRF1": "TGCGCATGCGCA", "SP1": "GGGGCGGGGC", "ETS": "ACCGGAAGT", "CRE": "TGACGTCA", "EBOX": "CACGTG",
    "REST": "TTCAGCACCATGGACAGCGCC",
}  # fmt: skip
CONSENSUS = 0.85  # frequency of the word's letter


def explain(model: Asked, texts: list[str], budget: int, folder: Path) -> tuple[pd.DataFrame, Uncertain]:
    """Ask and explain sequences, one by one, without students; return their scores and what motifs are made of."""
    template = Template(DNA, "N" * len(texts[0]))
    settings = MaskSettings(segments=10, budget=budget, estimator="regression", max_order=2)
    explainer = MaskExplainer(["y"], Background.uniform(template), settings, Listing(["SV"]), model.batch_size)
    pieces, names = Pieces(("values", "errors", "scores")), [f"s{k}" for k in range(len(texts))]
    for name, text in zip(names, texts, strict=True):
        pieces.add(explainer.explain(name, text, *explainer.ask(model, name, text)))
    for part in ("values", "errors"):
        tables = pieces.of(0, part)
        with parquet_writer(folder / f"{part}.parquet", tables[0].schema) as writer:
            for table in tables:
                writer.write(table)
    sequences = {"sequence_id": names, "sequence": texts, "group": [""] * len(texts)}
    write_parquet(folder / "sequences.parquet", pa.table(sequences))
    explained = Explained(template, folder / "sequences.parquet", folder / "values.parquet", 0, [])
    trusted = trusted_rows(folder / "values.parquet", "y")
    uncertain = Uncertain(explained, folder / "errors.parquet", explainer.players.owners, trusted, 0)
    return pa.concat_tables(pieces.of(0, "scores")).to_pandas(), uncertain


def motifs_of(uncertain: Uncertain) -> tuple[Stretches, pd.DataFrame]:
    """Find the motifs on both strands, and their instances."""
    instances: list[pd.DataFrame] = []
    settings = Settings(reverse_complement=True)
    found = find_stretches("y", uncertain, settings, lambda rows, blocks: instances.append(rows))
    return found, pd.concat(instances) if instances else pd.DataFrame(columns=["motif", "sequence_id", "strand"])


def called(stretches: Stretches) -> dict[str, tuple[str, float]]:
    """What Tomtom calls each motif among the words, and its p-value."""
    onehot = {name: DNA.encode([word])[0][:, None] == np.arange(DNA.q) for name, word in WORDS.items()}
    targets = {name: np.where(letters, CONSENSUS, (1 - CONSENSUS) / 3) for name, letters in onehot.items()}
    queries = {("y", matrix.motif): matrix.frequencies for matrix in stretches.matrices}
    best = compare_motifs(queries, targets, DNA, both_strands=True).drop_duplicates("motif")
    return {row.motif: (row.target, row.p_value) for row in best.itertuples()}


def motif_rows(budget: int) -> list[dict[str, Any]]:
    """Explain BPNet's sequences, and list their motifs; a row without one where there is none."""
    texts, holds = bpnet_sequences()
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        scores, uncertain = explain(bpnet().model, texts, budget, Path(folder))
        stretches, instances = motifs_of(uncertain)
    run = {
        "evaluations": budget,
        "r2_pooled": 1 - scores["missed"].sum() / scores["signal"].sum(),
        "r2_half_pooled": 1 - scores["half_missed"].sum() / scores["half_signal"].sum(),
        "seconds": round(time.process_time() - began),
    }
    names, rows = called(stretches) if stretches.matrices else {}, []
    for motif in stretches.tables["motifs"].itertuples():
        members = instances[instances["motif"] == motif.motif]
        numbers = members["sequence_id"].str[1:].astype(int).unique()
        name, p_value = names.get(motif.motif, ("", None))
        about = {"motif": motif.motif, "consensus": motif.consensus, "called": name, "p_value": p_value}
        about |= {"share": motif.share, "strands": "".join(sorted(set(members["strand"])))}
        counts = {"in_12_with_ctcf": holds[numbers].sum(), "in_12_without": (~holds[numbers]).sum()}
        rows.append(run | about | counts)
    return rows or [run]


def memory_of(count: int, budget: int) -> float:
    """Explain sequences of 2,114 letters of a model that counts letters; return the peak memory in MB."""
    texts = DNA.decode(np.random.default_rng(0).integers(0, DNA.q, (count, 2114)).astype(np.uint8))
    model = Asked(lambda codes: (codes[:, 900:1200] == 2).mean(1))
    with tempfile.TemporaryDirectory() as folder:
        _, uncertain = explain(model, texts, budget, Path(folder))
        motifs_of(uncertain)
    return peak_megabytes()


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=int, default=2000)
    parser.add_argument("--memory", type=int, default=0)
    chosen = parser.parse_args()
    if chosen.memory:
        print(f"{chosen.memory} sequences: {memory_of(chosen.memory, chosen.budget):.0f} MB at most")
        return
    rows = motif_rows(chosen.budget)
    print(pd.DataFrame(rows).to_string(), flush=True)
    merge_results(RESULTS / "long_motifs.tsv", rows, ["evaluations"], COLUMNS, "make benchmark-long-motifs")


if __name__ == "__main__":
    main()
