"""Motifs: what the model answers to, summed over many explained sequences.

Two views. *Letter contributions* are position by position: the mean Shapley value of each letter where
it occurs. *Motifs* are the strongest interactions: letters at two or more positions, with whatever gap
between them, that together do something their parts do not; each is one cell of one dividend,
ranked by the share of the variance it explains over the sequences.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .alphabet import Alphabet
from .spectrum import Spectrum
from .terms import Support, Terms


@dataclass(frozen=True)
class Motif:
    """A gapped interaction motif.

    Attributes:
        name: `M1`, `M2`, ... in the order of `share`.
        output: the model's output.
        positions: 0-based positions of the interacting letters, ascending.
        letters: the letter at each of them.
        value: the dividend of these letters: what they add to the prediction together, beyond what
            all smaller groups of them add; in the model's units.
        share: the part of the variance of the reconstruction over the sequences that the motif
            would explain alone: instances * value^2 / (N * variance). Shares may overlap.
        instances: rows of the sequences that have all letters.
        pfm: (L, q) letter frequencies over the instances, from the first to the last position.
        cwm: (L, q) mean Shapley value of each letter over the instances (zero where absent).
    """

    name: str
    output: str
    positions: Support
    letters: str
    value: float
    share: float
    instances: np.ndarray
    pfm: np.ndarray
    cwm: np.ndarray

    @property
    def start(self) -> int:
        """The first position, 0-based."""
        return self.positions[0]

    @property
    def stop(self) -> int:
        """One past the last position."""
        return self.positions[-1] + 1

    def consensus(self, gap: str) -> str:
        """The letters with `gap` at the positions between, for example `GnnT`."""
        letters = dict(zip(self.positions, self.letters, strict=True))
        return "".join(letters.get(i, gap) for i in range(self.start, self.stop))


def letter_contributions(alphabet: Alphabet, codes: np.ndarray, values: np.ndarray) -> pd.DataFrame:
    """Average the Shapley values of each letter at each position.

    Args:
        alphabet: the letters.
        codes: (N, n) uint8 alphabet codes; ambiguous letters are left out.
        values: (N, n) Shapley values.

    Returns:
        One row per position and letter: `position` (1-based), `letter`, `count`, `mean` (over the
        sequences that have the letter there; 0 without any), `standard_deviation`.
    """
    n, q = codes.shape[1], alphabet.q
    onehot = codes[:, :, None] == np.arange(q)
    count = onehot.sum(0)
    some = np.maximum(count, 1)
    mean = np.einsum("rna,rn->na", onehot, values) / some
    square = np.einsum("rna,rn->na", onehot, values**2) / some
    return pd.DataFrame(
        {
            "position": np.repeat(np.arange(1, n + 1), q),
            "letter": list(alphabet.letters) * n,
            "count": count.ravel(),
            "mean": mean.ravel(),
            "standard_deviation": np.sqrt(np.maximum(square - mean**2, 0)).ravel(),
        }
    )


def find_motifs(
    spectrum: Spectrum, codes: np.ndarray, values: np.ndarray, *, count: int, min_instances: int
) -> list[Motif]:
    """Rank the letter combinations of all interactions by the variance they explain.

    Args:
        spectrum: the spectrum that explained the sequences.
        codes: (N, n) uint8 local codes.
        values: (N, n) Shapley values of the same sequences.
        count: how many motifs to return at most.
        min_instances: sequences that must have all letters of a motif.
    """
    if not len(codes):
        return []
    variance = float(spectrum.terms.predict(codes).var())
    terms = spectrum.terms.select(spectrum.terms.orders > 1)
    cells = _ranked_cells(terms, codes, count, min_instances)
    template = spectrum.template
    alphabet_codes = template.to_alphabet(codes)
    onehot = (alphabet_codes[:, :, None] == np.arange(template.alphabet.q)).astype(float)
    motifs = []
    for rank, (term, letters, value) in enumerate(cells, 1):
        support = terms.supports[term]
        rows = np.flatnonzero((codes[:, support] == letters).all(1))
        span = slice(support[0], support[-1] + 1)
        picked = onehot[rows][:, span]
        text = template.alphabet.decode(alphabet_codes[rows[:1]][:, support])[0]
        motifs.append(
            Motif(
                name=f"M{rank}",
                output=spectrum.output,
                positions=support,
                letters=text,
                value=value,
                share=len(rows) * value**2 / (len(codes) * variance) if variance > 0 else 0.0,
                instances=rows,
                pfm=picked.mean(0),
                cwm=(picked * values[rows][:, span, None]).mean(0),
            )
        )
    return motifs


def _ranked_cells(
    terms: Terms, codes: np.ndarray, count: int, min_instances: int
) -> list[tuple[int, np.ndarray, float]]:
    """The cells of the terms with the largest instances * value^2: (term, letters, value).

    No cell scores more than its whole term, the sum of squared dividends over the sequences, so terms are
    looked at from the strongest on until none can reach the list any more.
    """
    bounds = _sums_of_squares(terms, codes)
    ranked: list[tuple[float, int, np.ndarray, float]] = []
    for term in np.argsort(-bounds, kind="stable").tolist():
        if len(ranked) == count and (count == 0 or bounds[term] < ranked[-1][0]):
            break
        support = list(terms.supports[term])
        cells = np.ravel_multi_index(tuple(codes[:, support].T), tuple(terms.sizes[support]))
        _, first, occurrences = np.unique(cells, return_index=True, return_counts=True)
        if terms.has_table[term]:
            values = terms.tables[terms.table_offsets[term] + cells[first]]
        else:
            values = terms.single(term).predict(codes[first])
        scores = np.where(occurrences >= min_instances, occurrences * values**2, 0.0)
        ranked += [
            (float(scores[k]), term, codes[first[k]][support], float(values[k]))
            for k in np.argsort(-scores, kind="stable")[:count]
            if scores[k] > 0
        ]
        ranked = sorted(ranked, key=lambda entry: (-entry[0], entry[1], entry[2].tolist()))[:count]
    return [entry[1:] for entry in ranked]


def _sums_of_squares(terms: Terms, codes: np.ndarray) -> np.ndarray:
    """(T,) the squared dividends of each term, summed over the sequences."""
    rows = max(1, 10_000_000 // max(1, len(terms)))
    return sum((terms.dividends(codes[k : k + rows]) ** 2).sum(0) for k in range(0, len(codes), rows))


def motif_table(motifs: Sequence[Motif], gap: str) -> pd.DataFrame:
    """One row per motif; positions are 1-based."""
    return _frame(
        ["motif", "output", "consensus", "order", "positions", "letters", "value", "share", "instances"],
        [
            (
                *(m.name, m.output, m.consensus(gap), len(m.positions)),
                *(",".join(str(i + 1) for i in m.positions), m.letters, m.value, m.share, len(m.instances)),
            )
            for m in motifs
        ],
    )


def matrix_table(alphabet: Alphabet, motifs: Sequence[Motif]) -> pd.DataFrame:
    """One row per motif, position (1-based) and letter: its `frequency` and mean `contribution`."""
    return _frame(
        ["motif", "output", "position", "letter", "frequency", "contribution"],
        [
            (m.name, m.output, m.start + 1 + i, letter, m.pfm[i, a], m.cwm[i, a])
            for m in motifs
            for i in range(m.stop - m.start)
            for a, letter in enumerate(alphabet.letters)
        ],
    )


def instance_table(motifs: Sequence[Motif], sequences: pd.DataFrame, values: np.ndarray) -> pd.DataFrame:
    """One row per motif and sequence that has it.

    Args:
        motifs: of one output.
        sequences: with `sequence_id` and `sequence`, in the order the motifs' rows refer to.
        values: (N, n) Shapley values.

    Returns:
        `motif`, `output`, `sequence_id`, `start` and `end` (1-based, both included), `strand` (always
        `+`), `matched` (the sequence from start to end), `shapley_sum` (of the motif's letters).
    """
    ids, texts = sequences["sequence_id"].tolist(), sequences["sequence"].tolist()
    return _frame(
        ["motif", "output", "sequence_id", "start", "end", "strand", "matched", "shapley_sum"],
        [
            (m.name, m.output, ids[r], m.start + 1, m.stop, "+", texts[r][m.start : m.stop], total)
            for m in motifs
            for r, total in zip(m.instances, values[m.instances][:, m.positions].sum(1), strict=True)
        ],
    )


def _frame(columns: list[str], rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns)


def position_interactions(spectrum: Spectrum) -> np.ndarray:
    """Return (n, n) symmetric: the standard deviation of all interactions that hold both positions.

    Entry i, j is the root of the summed variance, under the background, of the terms whose support
    contains i and j; the diagonal is zero.
    """
    n = spectrum.template.n
    squares = np.zeros((n, n))
    for support, variance in zip(spectrum.terms.supports, spectrum.variances, strict=True):
        squares[np.ix_(support, support)] += variance
    np.fill_diagonal(squares, 0)
    return np.sqrt(squares)


@dataclass(frozen=True)
class Summary:
    """What the explanations of one output add up to.

    Attributes:
        motifs: the motifs, strongest first.
        tables: by file name without ending: `contributions`, `motifs`, `motif_matrices`, `instances`,
            `position_interactions`; each has the column `output`.
    """

    motifs: list[Motif]
    tables: dict[str, pd.DataFrame]


def summarise(
    spectrum: Spectrum, sequences: pd.DataFrame, values: np.ndarray, *, count: int, min_instances: int
) -> Summary:
    """Sum up the explanations of one output; sequences with ambiguous letters are left out.

    Args:
        spectrum: that explained them.
        sequences: with `sequence_id` and `sequence`.
        values: (N, n) their Shapley values.
        count: how many motifs at most.
        min_instances: sequences that must have all letters of a motif.
    """
    alphabet = spectrum.template.alphabet
    codes = alphabet.encode(sequences["sequence"].tolist()).reshape(-1, spectrum.template.n)
    plain = (codes < alphabet.q).all(1)
    sequences, codes, values = sequences[plain], codes[plain], values[plain]
    local = spectrum.template.to_local(codes)
    motifs = find_motifs(spectrum, local, values, count=count, min_instances=min_instances)
    gap = alphabet.wildcard.lower() if alphabet.folds_case else "*"
    strength = position_interactions(spectrum)
    first, second = np.tril_indices(len(strength), -1)
    pairs = {"position_1": second + 1, "position_2": first + 1, "strength": strength[first, second]}
    tables = {
        "contributions": letter_contributions(alphabet, codes, values).assign(output=spectrum.output),
        "motifs": motif_table(motifs, gap),
        "motif_matrices": matrix_table(alphabet, motifs),
        "instances": instance_table(motifs, sequences, values),
        "position_interactions": pd.DataFrame(pairs).assign(output=spectrum.output),
    }
    return Summary(motifs, tables)
