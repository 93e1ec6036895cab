"""Motifs: what the model answers to, summed over many explained sequences.

Three views. *Letter contributions* are position by position: the mean Shapley value of each letter where it occurs,
over all sequences and over sets of them. *Interaction motifs* are letters at two or more positions, with whatever gap
between them, that together do something their parts do not; found in the spectrum's dividends, wherever in the sequence
they lie. *Seqlet motifs* are stretches of high contributions that look alike, for long sequences.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..interactions import Sums, strongest_interactions
from ..shapley import interaction_map
from ..spectrum import Spectrum
from ..terms import Terms
from .frames import (
    MATRIX_COLUMNS,
    MOTIF_COLUMNS,
    PLACEMENT_COLUMNS,
    Matrix,
    concatenated,
    instance_matrix,
    instance_tables,
    motif_row,
    placement_table,
    support_tables,
)
from .instances import LISTED, InstanceSums
from .reading import Explained
from .search import WORD, find_motifs
from .stacks import Stack, build_stacks, search_terms
from .sums import LetterSums, Shares, VarianceShares, extremes

WriteInstances = Callable[[pd.DataFrame, pd.DataFrame], None]
SETS = ("all", "top", "bottom")


@dataclass(frozen=True)
class Settings:
    """What is looked for.

    Attributes:
        count: motifs of each kind at most.
        min_instances: sequences that must hold a motif.
        min_share: the least share of the variance of the reconstruction.
        extremes: share of the sequences in the sets `top` and `bottom`.
        bootstrap: replicates.
        reverse_complement: whether motifs of DNA may lie on either strand.
        seed: of the bootstrap.
    """

    count: int = 12
    min_instances: int = 5
    min_share: float = 0.002
    extremes: float = 0.1
    bootstrap: int = 200
    reverse_complement: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Summary:
    """What the explanations of one output add up to.

    Attributes:
        tables: by file name without ending: `contributions`, `motifs`, `placements`, `motif_matrices`,
            `position_interactions`, `supports`, `support_tables`; each has the column `output`.
        matrices: of the motifs, in the order of the table.
    """

    tables: dict[str, pd.DataFrame]
    matrices: list[Matrix]


@dataclass(frozen=True)
class _Totals:
    """Sums over all sequences, from which motifs are searched."""

    sequences: int
    mean: float
    variance: float
    stacks: dict[int, Stack]
    contributions: pd.DataFrame
    pairs: pd.DataFrame


def summarise(spectrum: Spectrum, explained: Explained, settings: Settings, write: WriteInstances) -> Summary:
    """Sum up the explanations of one output; sequences with ambiguous letters are left out.

    The sequences are read a few times, piece by piece.

    Args:
        spectrum: that explained them.
        explained: the sequences and their Shapley values.
        settings: what is looked for.
        write: takes the instances as rows of `instances.tsv` and of `instances.bed`, piece by piece.
    """
    totals = _add_up(spectrum, explained, settings)
    motifs = find_motifs(
        spectrum,
        totals.stacks,
        sequences=totals.sequences,
        variance=totals.variance,
        count=settings.count,
        min_instances=settings.min_instances,
        min_share=settings.min_share,
        both_strands=settings.reverse_complement,
    )
    alphabet = spectrum.template.alphabet
    complement = alphabet.complement if settings.reverse_complement else None
    found = [InstanceSums(motif, complement, alphabet.q) for motif in motifs]
    singles = spectrum.terms.select(spectrum.terms.orders == 1)
    shares = _measure(explained, settings, totals.mean, found, singles)
    enough = np.array([sums.sequences >= settings.min_instances for sums in found], bool)
    ranked = _ranked(np.where(enough, shares.share[: len(found)], 0.0), settings)
    named = {f"M{rank}": found[k] for rank, k in enumerate(ranked, 1)}
    matrices = {name: instance_matrix(spectrum.output, name, sums, alphabet) for name, sums in named.items()}
    for chunk in explained.chunks():
        for name, sums in named.items():
            write(*instance_tables(spectrum.output, name, sums, sums.find(chunk).strongest(LISTED), chunk, alphabet))
    rows = [
        motif_row(spectrum.output, name, named[name], matrices[name], shares.of(k), alphabet)
        for name, k in zip(named, ranked, strict=True)
    ]
    places = [placement_table(spectrum.output, name, sums) for name, sums in named.items()]
    rows += _position_rows(spectrum, totals, singles, shares, len(found), settings)
    supports, tables = support_tables(spectrum, totals.stacks, totals.sequences, totals.variance)
    return Summary(
        {
            "contributions": totals.contributions,
            "motifs": pd.DataFrame(rows, columns=MOTIF_COLUMNS),
            "placements": concatenated(places, PLACEMENT_COLUMNS),
            "motif_matrices": concatenated([m.table(alphabet) for m in matrices.values()], MATRIX_COLUMNS),
            "position_interactions": totals.pairs,
            "supports": supports,
            "support_tables": tables,
        },
        list(matrices.values()),
    )


def _ranked(shares: np.ndarray, settings: Settings) -> list[int]:
    """The parts with the largest shares, as many as are wanted, if they are large enough."""
    ranked = np.argsort(-np.nan_to_num(shares), kind="stable")[: settings.count]
    return [k for k in ranked.tolist() if shares[k] >= settings.min_share]


def _add_up(spectrum: Spectrum, explained: Explained, settings: Settings) -> _Totals:
    """Sum up all sequences, in two passes."""
    template, terms = spectrum.template, spectrum.terms
    parts = [(chunk.rows, chunk.reconstruction) for chunk in explained.chunks()]
    rows = np.concatenate([rows for rows, _ in parts] or [np.zeros(0, np.int64)])
    values = np.full(int(rows.max(initial=-1)) + 1, np.nan)
    values[rows] = np.concatenate([part for _, part in parts] or [np.zeros(0)])
    masks = dict(zip(SETS[1:], extremes(values, settings.extremes), strict=True))
    letters = LetterSums(template.alphabet, template.n, [*SETS, *(f"group:{name}" for name in explained.groups)])
    tables = search_terms(spectrum)
    counts = np.zeros(len(tables.tables))
    pairs = interaction_map(terms, "SII", 2)
    pairs = pairs.select(pairs.orders == 2)
    sums = Sums.empty(terms, pairs, 0)
    for chunk in explained.chunks():
        letters.add(0, chunk.codes, chunk.values)
        for number, name in enumerate(SETS[1:], 1):
            own = masks[name][chunk.rows]
            letters.add(number, chunk.codes[own], chunk.values[own])
        for group in np.unique(chunk.groups[chunk.groups >= 0]).tolist():
            own = chunk.groups == group
            letters.add(len(SETS) + group, chunk.codes[own], chunk.values[own])
        counts += tables.cell_sums(chunk.local, np.ones(len(chunk.rows)))
        strongest_interactions(terms, pairs, chunk.local, top_k=0, sums=sums)
    there = values[np.isfinite(values)]
    return _Totals(
        len(there),
        float(there.mean()) if len(there) else 0.0,
        float(there.var()) if len(there) else 0.0,
        build_stacks(spectrum, tables, counts.astype(np.int64)),
        letters.table(spectrum.output),
        _pair_table(spectrum, pairs.supports, sums),
    )


def _measure(
    explained: Explained, settings: Settings, mean: float, found: list[InstanceSums], singles: Terms
) -> Shares:
    """Find all instances, and measure what shares of the variance motifs and single positions have."""
    shares = VarianceShares(settings.seed, settings.bootstrap, len(found) + len(singles))
    for chunk in explained.chunks():
        parts = [sums.motif.terms.predict(chunk.local) for sums in found]
        shares.add(chunk, mean, np.column_stack([*parts, singles.dividends(chunk.local)]))
        for sums in found:
            sums.add(chunk, sums.find(chunk))
    return shares.result()


def _position_rows(
    spectrum: Spectrum, totals: _Totals, singles: Terms, shares: Shares, first: int, settings: Settings
) -> list[dict[str, object]]:
    """Rows of the table of motifs for the strongest single positions, and the letters that matter there."""
    rows = []
    letters = spectrum.template.alphabet.letters
    for rank, k in enumerate(_ranked(shares.share[first:], settings), 1):
        position = singles.supports[k][0]
        stack = totals.stacks[1]
        row = stack.row[(position,)]
        table, counts = stack.tables[row], stack.counts[row]
        strongest = int(np.argmax(np.abs(table) * (counts > 0)))
        own = table * np.sign(table[strongest]) >= WORD * abs(table[strongest])
        ordered = [a for a in np.argsort(-np.abs(table), kind="stable").tolist() if own[a]]
        held = int(counts[own].sum())
        share, low, high = shares.of(first + k)
        rows.append(
            {
                "output": spectrum.output, "motif": f"P{rank}", "kind": "position",
                "consensus": "".join(letters[a] for a in ordered[:1]), "order": 1, "positions": str(position + 1),
                "letters": ",".join(letters[a] for a in ordered), "relation": "",
                "value": float(table[own] @ counts[own]) / max(held, 1), "share": share, "share_low": low,
                "share_high": high, "sequences": held, "instances": held, "placements": 1, "spacing": "",
            }
        )  # fmt: skip
    return rows


def _pair_table(spectrum: Spectrum, supports: list[tuple[int, ...]], sums: Sums) -> pd.DataFrame:
    """One row per pair of positions: `strength`, `mean` and `mean_absolute`."""
    strength = position_interactions(spectrum)
    mean, absolute = np.zeros_like(strength), np.zeros_like(strength)
    if supports:
        second, first = np.array(supports).T
        scale = sums.units / max(int(sums.counts[0]), 1)
        mean[first, second], absolute[first, second] = sums.total[0] * scale, sums.absolute[0] * scale
    first, second = np.tril_indices(len(strength), -1)
    return pd.DataFrame(
        {
            "output": spectrum.output,
            "position_1": second + 1,
            "position_2": first + 1,
            "strength": strength[first, second],
            "mean": mean[first, second],
            "mean_absolute": absolute[first, second],
        }
    )


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
