"""What `docs/gallery_pages.py` collects of a run with `explain.mode: masks`, which has neither spectrum nor logos."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from shapsketch.figures.style import style
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.storage.files import read_json

DNA = Alphabet("ACGT")
MASKED = ["page", "output", "sequences", "evaluations", "r2", "r2_pooled", "half_r2_pooled", "motifs"]
WINDOWS = [
    "page", "name", "prediction", "r2", "warning", "start", "end", "adds", "error", "word_start", "strand", "letters",
    "alike", "of", "places", "overlap",
]  # fmt: skip
SEGMENT = 10  # letters, as in the config
IUPAC = {letter: letter for letter in DNA.letters}
IUPAC |= {"R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC", "N": "ACGT"}


def facts(page: str, folder: Path) -> list[dict[str, Any]]:
    """Return a row of scores for each output, with how many motifs of stretches were listed."""
    listed = pd.read_csv(folder / "motifs/motifs.tsv", sep="\t", usecols=["output"])["output"].value_counts()
    return [
        {"page": page, "output": output, "sequences": score["sequences"], "r2": score["r2"]}
        | {"evaluations": score["evaluations_per_sequence"], "r2_pooled": score["r2_pooled"]}
        | {"half_r2_pooled": score["half"]["r2_pooled"], "motifs": int(listed.get(output, 0))}
        for output, score in read_json(folder / "faithfulness.json").items()
    ]


def segments(folder: Path, name: str) -> pd.DataFrame:
    """Return the sums over segments of a table of values or of standard errors: a row for each sequence."""
    table = pd.read_parquet(folder / f"{name}.parquet").set_index("sequence_id")
    letters = table[[column for column in table if column.startswith("pos_")]].to_numpy()
    return pd.DataFrame(np.add.reduceat(letters, np.arange(0, letters.shape[1], SEGMENT), axis=1), table.index)


def best_words(text: str, word: str) -> list[tuple[int, str, str, int]]:
    """Return the places, on both strands, where a sequence is most like a word in IUPAC codes.

    Each is the 1-based start, the strand, the letters on it, and how many of them agree.
    """
    turned = DNA.decode(DNA.complement[DNA.encode([text])][:, ::-1])[0]
    places = []
    for strand, letters in (("+", text), ("-", turned)):
        for k in range(len(text) - len(word) + 1):
            part = letters[k : k + len(word)]
            alike = sum(letter in IUPAC[code] for letter, code in zip(part, word, strict=True))
            start = k + 1 if strand == "+" else len(text) - len(word) - k + 1
            places.append((start, strand, part, alike))
    most = max(alike for *_, alike in places)
    return [place for place in places if place[3] == most]


def windows(page: str, folder: Path, word: str) -> list[dict[str, Any]]:
    """Return a row for each window, the highest prediction first: its strongest stretch, and a place most like a word.

    Of places that are equally alike the one that overlaps the stretch, or else the first.
    """
    texts = pd.read_parquet(folder / "sequences.parquet").set_index("sequence_id")
    scores = pd.read_parquet(folder / "mask_scores.parquet").set_index("sequence_id")
    values = pd.read_parquet(folder / "shapley_values.parquet").set_index("sequence_id")
    sums, errors = segments(folder, "shapley_values"), segments(folder, "shapley_errors")
    rows = []
    for name, window in values.sort_values("prediction", ascending=False).iterrows():
        text, strongest = texts.loc[name, "sequence"], int(sums.loc[name].abs().to_numpy().argmax())
        start, end = strongest * SEGMENT + 1, min((strongest + 1) * SEGMENT, len(text))
        places = best_words(text, word)
        over = [place for place in places if place[0] <= end and place[0] + len(word) > start]
        at, strand, letters, alike = (over or places)[0]
        rows.append(
            {"page": page, "name": texts.loc[name, "name"], "prediction": window["prediction"]}
            | {"r2": scores.loc[name, "r2"], "warning": window["warning"], "start": start, "end": end}
            | {"adds": sums.loc[name, strongest], "error": errors.loc[name, strongest], "word_start": at}
            | {"strand": strand, "letters": letters, "alike": alike, "of": len(word), "places": len(places)}
            | {"overlap": int(bool(over))}
        )
    return rows


@style()
def map_of_windows(folder: Path) -> Figure:
    """Draw the sums of values over segments, a row for each window, the highest prediction on top."""
    values = pd.read_parquet(folder / "shapley_values.parquet", columns=["sequence_id", "prediction"])
    values = values.sort_values("prediction", ascending=False)
    texts = pd.read_parquet(folder / "sequences.parquet", columns=["sequence_id", "name"])
    names = dict(texts.itertuples(index=False, name=None))
    sums = segments(folder, "shapley_values").loc[values["sequence_id"]].to_numpy()
    most = np.abs(sums).max()
    figure, axes = plt.subplots(figsize=(8, 0.3 * len(sums) + 0.9), layout="constrained")
    image = axes.imshow(sums, aspect="auto", cmap="RdBu_r", vmin=-most, vmax=most, interpolation="nearest",
                        extent=(0.5, SEGMENT * sums.shape[1] + 0.5, len(sums) - 0.5, -0.5))  # fmt: skip
    shown = values.itertuples(index=False, name=None)
    labels = [f"{names[name].replace('_', ' ')}: {value:.1f}" for name, value in shown]
    axes.set_yticks(range(len(sums)), labels, fontsize=8)
    axes.set_xlabel("position in the window")
    axes.spines[:].set_visible(True)
    figure.colorbar(image, ax=axes, label="adds", fraction=0.05)
    return figure
