"""Motifs as tables: consensus, matrices, placements, instances, and the letter tables of the strongest supports."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..sequences.alphabet import Alphabet
from ..spectrum.spectrum import Spectrum
from ..spectrum.terms import Support
from ..storage.tsv import bed_name
from .instances import InstanceSums, Sites, column_positions, core_columns
from .letter_tables import Stack, carried, texts_of, words_of
from .pwm import Matrix, consensus_letter
from .reading import Chunk
from .seqlet_motifs import SeqletMotif

MAX_LETTERS = 16  # words listed
MAX_SUPPORTS = 24
MAX_TABLE_CELLS = 4096

MOTIF_COLUMNS = (
    "output", "motif", "kind", "consensus", "order", "positions", "letters", "relation", "value",
    "share", "share_low", "share_high", "sequences", "instances", "placements", "spacing",
)  # fmt: skip
PLACEMENT_COLUMNS = ("output", "motif", "positions", "start", "gap", "strand", "value", "instances")
INSTANCE_COLUMNS = (
    "output", "motif", "sequence_id", "start", "end", "strand", "positions", "matched", "value", "shapley_sum",
)  # fmt: skip
SUPPORT_COLUMNS = ("output", "support", "positions", "order", "share", "mean", "mean_absolute")
SUPPORT_TABLE_COLUMNS = ("output", "support", "letters", "value", "count")


def instance_matrix(output: str, name: str, sums: InstanceSums, alphabet: Alphabet) -> Matrix:
    """Return the matrix of a motif from the sums over its instances."""
    motif = sums.motif
    total = np.maximum(sums.frequencies.sum(1, keepdims=True), 1)
    frequencies = sums.frequencies / total
    core = np.zeros(len(frequencies), bool)
    core[core_columns(motif)] = True
    columns = column_positions(motif)
    positions = columns[0] + 1 if len(columns) == 1 else np.zeros(len(core), np.int64)
    return Matrix(
        output,
        name,
        _consensus(alphabet, frequencies, core, _gap_text(motif.gaps), columns.shape[1] - _second_length(sums)),
        frequencies,
        sums.contributions / np.maximum(sums.frequencies, 1),
        core,
        positions,
        sums.instances,
    )


def _second_length(sums: InstanceSums) -> int:
    """Columns of the half after a gap that varies."""
    motif = sums.motif
    return int(motif.offsets[-1]) + 1 if motif.split < motif.order else 0


def _gap_text(gaps: np.ndarray) -> str:
    return f"{gaps.min()}-{gaps.max()}" if len(gaps) else ""


def _consensus(alphabet: Alphabet, frequencies: np.ndarray, core: np.ndarray, gap: str, split: int) -> str:
    wildcard = alphabet.wildcard
    between = wildcard.lower() if alphabet.folds_case else wildcard
    symbols = [
        consensus_letter(alphabet, row) if is_core else between for row, is_core in zip(frequencies, core, strict=True)
    ]
    return "".join(symbols[:split]) + (f"{{{gap}}}" if gap else "") + "".join(symbols[split:])


def seqlet_matrix(output: str, name: str, motif: SeqletMotif, alphabet: Alphabet) -> Matrix:
    """Return the matrix of a motif of seqlets."""
    length = len(motif.core)
    consensus = _consensus(alphabet, motif.frequencies, motif.core, "", length)
    same = np.ptp(motif.starts) == 0 and not motif.minus.any()
    positions = motif.starts[0] + 1 + np.arange(length) if same else np.zeros(length, np.int64)
    parts = (motif.frequencies, motif.contributions, motif.core)
    return Matrix(output, name, consensus, *parts, positions, len(motif.rows))


def seqlet_row(matrix: Matrix, motif: SeqletMotif, share: tuple[float, float, float]) -> dict[str, object]:
    """One row of the table of motifs, for seqlets."""
    return {
        "output": matrix.output,
        "motif": matrix.motif,
        "kind": "seqlet",
        "consensus": matrix.consensus,
        "order": int(motif.core.sum()),
        "positions": "",
        "letters": "",
        "relation": "",
        "value": float(motif.sums.mean()),
        "share": share[0],
        "share_low": share[1],
        "share_high": share[2],
        "sequences": len(np.unique(motif.rows)),
        "instances": len(motif.rows),
        "placements": len(np.unique(motif.starts)),
        "spacing": "",
    }


def seqlet_placements(matrix: Matrix, motif: SeqletMotif) -> pd.DataFrame:
    """One row per place and strand at which seqlets of a motif lie; see `PLACEMENT_COLUMNS`."""
    keys = np.column_stack([motif.starts, motif.minus])
    places, which, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    core = np.flatnonzero(motif.core)
    columns = np.where(places[:, 1:] > 0, len(motif.core) - 1 - core[::-1], core)
    return pd.DataFrame(
        {
            "output": matrix.output,
            "motif": matrix.motif,
            "positions": position_texts(places[:, :1] + columns),
            "start": places[:, 0] + 1,
            "gap": "",
            "strand": np.where(places[:, 1] > 0, "-", "+"),
            "value": np.bincount(which.ravel(), motif.sums, len(places)) / counts,
            "instances": counts,
        },
        columns=PLACEMENT_COLUMNS,
    )


def placement_table(matrix: Matrix, sums: InstanceSums) -> pd.DataFrame:
    """One row per placement of a motif; see `PLACEMENT_COLUMNS`."""
    motif = sums.motif
    return pd.DataFrame(
        {
            "output": matrix.output,
            "motif": matrix.motif,
            "positions": position_texts(motif.placements.positions),
            "start": motif.placements.starts + 1,
            "gap": motif.gaps if len(motif.gaps) else "",
            "strand": np.where(motif.placements.minus, "-", "+"),
            "value": motif.values.mean(1),
            "instances": sums.by_place,
        },
        columns=PLACEMENT_COLUMNS,
    )


def position_texts(positions: np.ndarray) -> list[str]:
    """Return (P, k) 0-based positions as 1-based texts like `3,17`, ascending."""
    return [",".join(map(str, row)) for row in (np.sort(positions, 1) + 1).tolist()]


def motif_row(
    matrix: Matrix, sums: InstanceSums, share: tuple[float, float, float], alphabet: Alphabet
) -> dict[str, object]:
    """One row of the table of motifs, for letters that act together."""
    motif = sums.motif
    words = texts_of(alphabet.letters, motif.words[:MAX_LETTERS])
    return {
        "output": matrix.output,
        "motif": matrix.motif,
        "kind": "interaction",
        "consensus": matrix.consensus,
        "order": motif.order,
        "positions": position_texts(motif.placements.positions[:1])[0],
        "letters": ",".join(words) + (",..." if len(motif.words) > MAX_LETTERS else ""),
        "relation": motif.relation,
        "value": sums.value / max(sums.instances, 1),
        "share": share[0],
        "share_low": share[1],
        "share_high": share[2],
        "sequences": sums.sequences,
        "instances": sums.instances,
        "placements": len(motif.placements),
        "spacing": _gap_text(motif.gaps),
    }


def instance_tables(
    output: str, name: str, sites: Sites, chunk: Chunk, alphabet: Alphabet
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return instances as rows of the table (`INSTANCE_COLUMNS`) and of a BED file with 12 columns."""
    strands = np.where(sites.minus, "-", "+")
    matched = [chunk.texts[r][a:b] for r, a, b in zip(sites.rows, sites.starts, sites.stops, strict=True)]
    if sites.minus.any():
        matched = [
            reverse_complement(alphabet, text) if minus else text
            for text, minus in zip(matched, sites.minus.tolist(), strict=True)
        ]
    ids = [chunk.ids[r] for r in sites.rows.tolist()]
    table = pd.DataFrame(
        {
            "output": output, "motif": name, "sequence_id": ids, "start": sites.starts + 1, "end": sites.stops,
            "strand": strands, "positions": position_texts(sites.positions), "matched": matched,
            "value": sites.values, "shapley_sum": chunk.values[sites.rows[:, None], sites.positions].sum(1),
        },
        columns=INSTANCE_COLUMNS,
    )  # fmt: skip
    blocks = [_blocks(row) for row in sites.positions.tolist()]
    bed = pd.DataFrame(
        {
            "chrom": list(map(bed_name, ids)), "start": sites.positions[:, 0], "end": sites.positions[:, -1] + 1,
            "name": f"{output}_{name}", "score": 0, "strand": strands, "thick_start": sites.positions[:, 0],
            "thick_end": sites.positions[:, -1] + 1, "color": 0, "blocks": [b[0] for b in blocks],
            "sizes": [b[1] for b in blocks], "offsets": [b[2] for b in blocks],
        }
    )  # fmt: skip
    return table, bed


def _blocks(positions: Support) -> tuple[int, str, str]:
    """How many runs of neighbouring positions there are, their lengths, and their distances from the first."""
    runs = np.split(np.array(positions), np.flatnonzero(np.diff(positions) > 1) + 1)
    sizes = ",".join(str(len(run)) for run in runs)
    return len(runs), sizes, ",".join(str(run[0] - positions[0]) for run in runs)


def reverse_complement(alphabet: Alphabet, text: str) -> str:
    """Return a sequence of plain letters as the other strand reads it."""
    return alphabet.decode(alphabet.complement[alphabet.encode([text])][:, ::-1])[0]


def support_tables(
    spectrum: Spectrum, stacks: dict[int, Stack], sequences: int, variance: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the supports of two or more positions with the largest dividends, and the letter tables of those.

    Args:
        spectrum: gives output and alphabet.
        stacks: tables by order, with counts.
        sequences: how many were counted.
        variance: of the reconstruction over them, about the background's mean.
    """
    entries = []
    for order, stack in stacks.items():
        if order > 1 and sequences:
            mean = (stack.counts * stack.tables).sum(1) / sequences
            squares = carried(stack) / sequences
            magnitude = (stack.counts * np.abs(stack.tables)).sum(1) / sequences
            best = np.argsort(-squares, kind="stable")[:MAX_SUPPORTS]
            entries += [(squares[r], mean[r], magnitude[r], stack, int(r)) for r in best if squares[r] > 0]
    entries.sort(key=lambda entry: (-entry[0], tuple(entry[3].supports[entry[4]])))
    rows, tables = [], []
    letters = spectrum.template.alphabet.letters
    for rank, (square, mean, magnitude, stack, r) in enumerate(entries[:MAX_SUPPORTS], 1):
        name, support = f"T{rank}", stack.supports[r]
        share = square / variance if variance > 0 else np.nan
        rows.append((spectrum.output, name, position_texts(support[None])[0], len(support), share, mean, magnitude))
        allowed = spectrum.template.allowed[support]
        words = words_of(np.arange(stack.tables.shape[1]), stack.order, len(letters))
        kept = np.flatnonzero(allowed[np.arange(len(support)), words].all(1))
        if len(kept) <= MAX_TABLE_CELLS:
            table = {
                "output": spectrum.output, "support": name, "letters": texts_of(letters, words[kept]),
                "value": stack.tables[r, kept], "count": stack.counts[r, kept],
            }  # fmt: skip
            tables.append(pd.DataFrame(table, columns=SUPPORT_TABLE_COLUMNS))
    return pd.DataFrame(rows, columns=SUPPORT_COLUMNS), concatenated(tables, SUPPORT_TABLE_COLUMNS)


def concatenated(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Put tables of the same columns together; an empty one where there are none."""
    some = [table for table in tables if len(table)]
    return pd.concat(some, ignore_index=True) if some else pd.DataFrame(columns=list(columns))
