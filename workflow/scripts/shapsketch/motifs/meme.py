"""MEME motif files (minimal format, version 4) for DNA, RNA, protein and declared alphabets: written, and read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..sequences.alphabet import Alphabet
from ..settings.motif_databases import meme_order, read_motifs
from .pwm import Matrix

DIGITS = 6


def meme_text(alphabet: Alphabet, matrices: Sequence[Matrix], frequencies: np.ndarray) -> str:
    """Return the motifs' letter frequencies as a MEME file.

    Args:
        alphabet: the letters, in any order; columns follow MEME's order.
        matrices: of the motifs.
        frequencies: (q,) background letter frequencies.
    """
    letters = "".join(sorted(alphabet.letters, key=meme_order))
    order = [alphabet.letters.index(a) for a in letters]
    lines = ["MEME version 4", ""]
    if alphabet.kind != "custom":
        lines += [f"ALPHABET= {letters}", ""]
    else:
        lines += ['ALPHABET "custom"', *letters, "END ALPHABET", ""]
    if alphabet.kind == "DNA":
        lines += ["strands: +", ""]
    lines += [
        "Background letter frequencies",
        " ".join(f"{a} {p:.{DIGITS}f}" for a, p in zip(letters, _rounded(frequencies[order]), strict=True)),
        "",
    ]
    for matrix in matrices:
        rows = [_rounded(row[order]) for row in matrix.frequencies]
        lines += [
            f"MOTIF {matrix.output}_{matrix.motif} {matrix.consensus}",
            f"letter-probability matrix: alength= {len(letters)} w= {len(rows)} nsites= {matrix.sites} E= 0",
            *(" ".join(f"{p:.{DIGITS}f}" for p in row) for row in rows),
            "",
        ]
    return "\n".join(lines)


def _rounded(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities with DIGITS digits that still sum to one; the largest takes up the difference."""
    rounded = np.round(probabilities / probabilities.sum(), DIGITS)
    rounded[np.argmax(rounded)] += 1 - rounded.sum()
    return rounded


def read_meme(path: str | Path, alphabet: Alphabet) -> dict[str, np.ndarray]:
    """Read the motifs of a MEME file; see `read_motifs`.

    Returns:
        By name the (L, q) letter frequencies, columns in the order of the alphabet.
    """
    return {name: np.array(rows) for name, rows in read_motifs(path, alphabet.letters).items()}
