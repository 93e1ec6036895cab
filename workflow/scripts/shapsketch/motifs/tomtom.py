"""Comparison of motifs with a database: Tomtom (Gupta et al., Genome Biology 8, R24 (2007)), as memelite runs it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from ..sequences.alphabet import Alphabet
from .pwm import information

COLUMNS = (
    "output", "motif", "target", "offset", "overlap", "orientation", "score", "p_value", "e_value", "q_value",
)  # fmt: skip
MAX_LISTED_TARGETS = 10  # targets of a motif
MAX_EXPECTED = 10.0  # E-value of a target that is listed, MEME's default
MIN_BITS = 1.0  # information that a motif must have to be compared


def compare_motifs(
    queries: Mapping[tuple[str, str], np.ndarray],
    targets: Mapping[str, np.ndarray],
    alphabet: Alphabet,
    *,
    both_strands: bool,
    threads: int = 1,
) -> pd.DataFrame:
    """Find the motifs of a database that are most like some motifs.

    Args:
        queries: by output and motif, (L, q) letter frequencies; those of less than `MIN_BITS` are left out.
        targets: by name, (L, q) letter frequencies.
        alphabet: of both, in this order of letters.
        both_strands: whether targets are read as reverse complements too; for DNA only.
        threads: of the comparison.

    Returns:
        `COLUMNS`, the best targets of each motif first: `offset`, columns of the target before the motif's first (less
        than zero: the motif begins earlier); `overlap` in columns; `orientation` of the target; `p_value` of the best
        alignment; `e_value`, that times the number of targets; `q_value` (Benjamini & Hochberg 1995) over all
        comparisons.
    """
    queries = {name: matrix for name, matrix in queries.items() if information(matrix) >= MIN_BITS}
    if not queries or not targets:
        return pd.DataFrame(columns=COLUMNS)
    from memelite import tomtom

    order = np.argsort(list(alphabet.letters)) if alphabet.kind in ("DNA", "RNA") else np.arange(alphabet.q)
    matrices = [[np.ascontiguousarray(m[:, order].T) for m in group.values()] for group in (queries, targets)]
    few = alphabet.q <= 4  # memelite merges like columns by hashing, which would overflow for proteins
    p, score, offset, overlap, strand = tomtom(
        *matrices, reverse_complement=both_strands, n_target_bins=100 if few else None, n_jobs=threads
    )
    p = np.clip(p, 0.0, 1.0)
    q = false_discovery_control(p.ravel()).reshape(p.shape)
    names = list(targets)
    rows = [
        (
            *query, names[t], int(offset[k, t]), int(overlap[k, t]), "-" if strand[k, t] else "+", score[k, t],
            p[k, t], p[k, t] * len(names), q[k, t],
        )
        for k, query in enumerate(queries)
        for t in np.argsort(p[k], kind="stable")[:MAX_LISTED_TARGETS].tolist()
        if p[k, t] * len(names) <= MAX_EXPECTED
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)
