"""What `docs/gallery_pages.py` collects of a run with `explain.mode: masks`, which has neither spectrum nor logos."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from shapsketch.figures.logos import DrawnMotif, motif_logo
from shapsketch.figures.style import style
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.storage.files import read_json
from shapsketch.storage.tsv import read_table

DNA = Alphabet("ACGT")
MASKED = ["page", "output", "sequences", "evaluations", "r2", "r2_pooled", "half_r2_pooled"]
WINDOWS = ["page", "name", "sequence", "prediction", "motif", "start", "end", "strand", "letters", "adds"]
WORDS = ["page", "motif", "consensus", "value", "share", "sequences", "instances", "word", "alike", "of"]
IUPAC = {letter: letter for letter in DNA.letters}
IUPAC |= {"R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC", "N": "ACGT"}


def facts(page: str, folder: Path) -> list[dict[str, Any]]:
    """Return a row of scores for each output."""
    return [
        {"page": page, "output": output, "sequences": score["sequences"], "r2": score["r2"]}
        | {"evaluations": score["evaluations_per_sequence"], "r2_pooled": score["r2_pooled"]}
        | {"half_r2_pooled": score["half"]["r2_pooled"]}
        for output, score in read_json(folder / "faithfulness.json").items()
    ]


def windows(page: str, folder: Path) -> list[dict[str, Any]]:
    """Return a row for each window and motif that it holds, or for the window alone; the highest prediction first."""
    texts = pd.read_parquet(folder / "sequences.parquet", columns=["sequence_id", "name"])
    values = pd.read_parquet(folder / "shapley_values.parquet", columns=["sequence_id", "prediction"])
    places = read_table(folder / "motifs/instances.tsv").rename(columns={"matched": "letters", "shapley_sum": "adds"})
    rows = texts.merge(values, on="sequence_id").merge(places, on="sequence_id", how="left")
    rows = rows.assign(page=page, sequence=rows["sequence_id"]).sort_values(
        ["prediction", "start"], ascending=[False, True]
    )
    return rows[WINDOWS].to_dict("records")


def alike(matrix: pd.DataFrame, word: str) -> int:
    """Return at how many letters of a word in IUPAC codes the motif's most frequent letter is one of those, at best.

    Args:
        matrix: its rows of `motif_matrices.tsv`.
        word: at either strand of it, and at any offset.
    """
    frequencies = matrix.pivot(index="column", columns="letter", values="frequency")[list(DNA.letters)].to_numpy()
    best = frequencies.argmax(1)
    counts = []
    for letters in (best, 3 - best[::-1]):  # the complement of a letter is three less its number
        text = "".join(DNA.letters[k] for k in letters)
        for shift in range(1 - len(word), len(text)):
            pairs = [(text[shift + k], code) for k, code in enumerate(word) if 0 <= shift + k < len(text)]
            counts.append(sum(letter in IUPAC[code] for letter, code in pairs))
    return max(counts)


def words(page: str, folder: Path, word: str) -> list[dict[str, Any]]:
    """Return a row for each motif, beside a word that is known."""
    motifs = read_table(folder / "motifs/motifs.tsv")
    matrices = dict(list(read_table(folder / "motifs/motif_matrices.tsv").groupby("motif")))
    rows = motifs.assign(page=page, word=word, of=len(word))
    rows["alike"] = [alike(matrices[motif], word) for motif in rows["motif"]]
    return rows[WORDS].to_dict("records")


def logo(folder: Path, motif: str = "S1") -> Figure:
    """Draw a motif: what its letters add, and their frequencies in bits."""
    tables = {name: read_table(folder / f"motifs/{name}.tsv") for name in ("motifs", "motif_matrices")}
    row = tables["motifs"].set_index("motif", drop=False).loc[motif]
    matrix = tables["motif_matrices"].query("motif == @motif")
    return motif_logo(DNA, DrawnMotif(row, matrix, pd.DataFrame()), np.full(4, 0.25), "logarithm of reads")


@style()
def map_of_windows(folder: Path, segment: int = 10) -> Figure:
    """Draw the sums of values over segments, a row for each window, the highest prediction on top."""
    values = pd.read_parquet(folder / "shapley_values.parquet").sort_values("prediction", ascending=False)
    names = pd.read_parquet(folder / "sequences.parquet", columns=["sequence_id", "name"]).set_index("sequence_id")[
        "name"
    ]
    letters = values[[name for name in values if name.startswith("pos_")]].to_numpy()
    starts = np.arange(0, letters.shape[1], segment)
    sums = np.add.reduceat(letters, starts, axis=1)
    most = np.abs(sums).max()
    figure, axes = plt.subplots(figsize=(8, 0.24 * len(sums) + 1), layout="constrained")
    image = axes.imshow(sums, aspect="auto", cmap="RdBu_r", vmin=-most, vmax=most, interpolation="nearest",
                        extent=(0.5, letters.shape[1] + 0.5, len(sums) - 0.5, -0.5))  # fmt: skip
    labels = [
        f"{names[name]}, {value:.1f}" for name, value in zip(values["sequence_id"], values["prediction"], strict=True)
    ]
    axes.set_yticks(range(len(sums)), labels, fontsize=7)
    axes.set_xlabel("position in the window")
    axes.spines[:].set_visible(True)
    figure.colorbar(image, ax=axes, label="adds to the logarithm of reads", fraction=0.05)
    return figure
