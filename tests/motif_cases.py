"""Sequences with known motifs, and their explanations as the workflow writes them."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow as pa

from shapsketch.motifs import Settings, Summary, summarise
from shapsketch.motifs.reading import Explained
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.rng import generator
from shapsketch.sequences.template import Template
from shapsketch.spectrum.interaction_tables import Listing
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.tables import Explainer, values_schema
from shapsketch.spectrum.terms import Terms
from shapsketch.storage.parquet import write_parquet


@dataclass(frozen=True)
class Planted:
    """Letters that add something wherever they lie.

    Attributes:
        letters: the letters.
        offsets: their distances from the first.
        starts: 0-based positions of the first letter.
        strength: what each occurrence adds.
    """

    letters: str
    offsets: tuple[int, ...]
    starts: tuple[int, ...]
    strength: float

    def places(self) -> list[tuple[int, ...]]:
        return [tuple(start + offset for offset in self.offsets) for start in self.starts]

    def occurrences(self, texts) -> set[tuple[int, tuple[int, ...]]]:
        return {
            (row, place)
            for row, text in enumerate(texts)
            for place in self.places()
            if all(text[i] == a for i, a in zip(place, self.letters, strict=True))
        }


def evaluate(texts, motifs) -> np.ndarray:
    """The model: what all occurrences add."""
    total = np.zeros(len(texts))
    for motif in motifs:
        for row, _ in motif.occurrences(texts):
            total[row] += motif.strength
    return total


def exact_spectrum(template: Template, motifs, background: Background | None = None) -> Spectrum:
    """The dividends of planted motifs, by the product formula of an indicator."""
    background = background or Background.uniform(template)
    letters, q = template.alphabet.letters, template.alphabet.q
    tables, intercept = {}, 0.0
    for motif in motifs:
        for place in motif.places():
            codes = [letters.index(a) for a in motif.letters]
            chances = [background.probabilities[i, c] for i, c in zip(place, codes, strict=True)]
            intercept += motif.strength * float(np.prod(chances))
            for order in range(1, len(place) + 1):
                for chosen in combinations(range(len(place)), order):
                    rest = np.prod([p for k, p in enumerate(chances) if k not in chosen])
                    table = np.full((q,) * order, motif.strength * rest)  # over all letters; cut to those allowed below
                    for axis, k in enumerate(chosen):
                        indicator = np.eye(q)[codes[k]] - chances[k]
                        table = table * indicator.reshape([-1 if a == axis else 1 for a in range(order)])
                    support = tuple(place[k] for k in chosen)
                    tables[support] = tables.get(support, 0) + table
    tables = {s: table[np.ix_(*(template.allowed[i] for i in s))] for s, table in tables.items()}
    tables = {s: table for s, table in tables.items() if (template.sizes[list(s)] > 1).all()}
    return Spectrum(background, "y", intercept, Terms.build(template.sizes, tables))


def random_texts(template: Template, count: int, seed: int = 0) -> list[str]:
    draws = generator(seed, 99)
    codes = np.stack([draws.integers(0, m, count) for m in template.sizes], 1).astype(np.uint8)
    return template.alphabet.decode(template.to_alphabet(codes))


def explained(folder, spectrum: Spectrum, texts, groups=None) -> Explained:
    """Write the files that the stage of motifs reads."""
    groups = groups or [""] * len(texts)
    names = sorted(set(groups) - {""})
    table = pa.table(
        {"sequence_id": [f"s{k}" for k in range(len(texts))], "sequence": list(texts), "group": groups},
        schema=pa.schema([(name, pa.string()) for name in ("sequence_id", "sequence", "group")]),
    )
    explainer = Explainer(spectrum, Listing(), None, names)
    values = values_schema(spectrum.template.n).empty_table()
    if texts:
        values = explainer.values(table, np.full(len(texts), np.nan))
    folder.mkdir(exist_ok=True, parents=True)
    write_parquet(folder / "sequences.parquet", table)
    write_parquet(folder / "values.parquet", values)
    return Explained(spectrum.template, folder / "sequences.parquet", folder / "values.parquet", 0, names)


@dataclass(frozen=True)
class Result:
    summary: Summary
    instances: pd.DataFrame
    bed: pd.DataFrame

    @property
    def motifs(self) -> pd.DataFrame:
        return self.summary.tables["motifs"]

    def kind(self, kind: str) -> pd.DataFrame:
        return self.motifs[self.motifs["kind"] == kind]

    def found(self, motif: str) -> set[tuple[int, tuple[int, ...]]]:
        """Instances as (row, 0-based positions)."""
        own = self.instances[self.instances["motif"] == motif]
        places = [tuple(int(i) - 1 for i in text.split(",")) for text in own["positions"]]
        return set(zip(own["sequence_id"].str[1:].astype(int), places, strict=True))


def aggregated(folder, spectrum: Spectrum, texts, groups=None, **settings) -> Result:
    """Run the stage of motifs on texts."""
    rows, blocks = [], []

    def write(table, bed):
        rows.append(table)
        blocks.append(bed)

    summary = summarise(spectrum, explained(folder, spectrum, texts, groups), Settings(**settings), write)
    empty = pd.DataFrame({"motif": [], "positions": [], "sequence_id": []}, dtype=str)
    return Result(summary, pd.concat(rows) if rows else empty, pd.concat(blocks) if blocks else empty)


def template_of(letters: str, n: int) -> Template:
    alphabet = Alphabet.from_config(letters)
    return Template(alphabet, alphabet.wildcard * n)


def additive(template):
    tables = {(i,): np.linspace(-1, 1, 4) for i in range(template.n)}
    return Spectrum(Background.uniform(template), "y", 1.0, Terms.build(template.sizes, tables))
