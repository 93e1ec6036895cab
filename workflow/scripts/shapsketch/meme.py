"""MEME motif files (minimal format, version 4) for DNA, RNA, protein and declared alphabets: written, and read."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .alphabet import Alphabet
from .errors import InputError
from .matrices import Matrix

_ORDERS = {"DNA": "ACGT", "RNA": "ACGU", "protein": "ACDEFGHIKLMNPQRSTVWY"}
DIGITS = 6


def meme_text(alphabet: Alphabet, matrices: Sequence[Matrix], frequencies: np.ndarray) -> str:
    """Return the motifs' letter frequencies as a MEME file.

    Args:
        alphabet: the letters, in any order; columns follow MEME's order.
        matrices: of the motifs.
        frequencies: (q,) background letter frequencies.
    """
    letters = _ORDERS.get(alphabet.kind, alphabet.letters)
    order = [alphabet.letters.index(a) for a in letters]
    lines = ["MEME version 4", ""]
    if alphabet.kind in _ORDERS:
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
    """Read the motifs of a MEME file.

    Args:
        path: the file, of version 4 or later.
        alphabet: the letters that its motifs must have; U and T are the same.

    Returns:
        By name (identifier and, if there is one, alternative name) the (L, q) letter frequencies, columns in the order
        of the alphabet.

    Raises:
        InputError: the file is no MEME file, has other letters, or a matrix is not whole.
    """
    lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    if not any(line.startswith("MEME version") for line in lines[:20]):
        raise InputError(f"{path} is not a MEME motif file: it has no line 'MEME version'.")
    letters = _letters(lines) or alphabet.letters
    same = {"U": "T", "u": "t"} if alphabet.kind in ("DNA", "RNA") else {}
    plain, own = ([same.get(a, a) for a in text] for text in (letters, alphabet.letters))
    if sorted(plain) != sorted(own):
        raise InputError(f"{path} has motifs of the letters {letters}; the model's are {alphabet.letters}.")
    order = [plain.index(a) for a in own]
    motifs: dict[str, np.ndarray] = {}
    name = ""
    for number, line in enumerate(lines, 1):
        if line.startswith("MOTIF"):
            name = " ".join(line.split()[1:])
        elif line.startswith("letter-probability matrix"):
            width = re.search(r"w=\s*(\d+)", line)
            rows = [row.split() for row in lines[number:] if row.strip()][: int(width[1]) if width else 0]
            motifs[name] = _matrix(path, number, name, rows, len(letters))[:, order]
    if not motifs:
        raise InputError(f"{path} has no motif: no line begins with 'letter-probability matrix'.")
    return motifs


def _letters(lines: Sequence[str]) -> str:
    """The alphabet that a MEME file declares, or nothing."""
    for number, line in enumerate(lines):
        if line.startswith("ALPHABET="):
            return line.split("=", 1)[1].strip()
        if line.startswith("ALPHABET"):
            symbols: list[str] = []
            for row in lines[number + 1 :]:
                if row.startswith("END ALPHABET"):
                    return "".join(symbols)
                if row.strip() and "=" not in row.split("#")[0]:
                    symbols.append(row.strip()[0])
    return ""


def _matrix(path: str | Path, number: int, name: str, rows: list[list[str]], q: int) -> np.ndarray:
    try:
        matrix = np.array(rows, float)
    except ValueError:
        matrix = np.zeros((0, 0))
    if matrix.ndim != 2 or matrix.shape[1] != q or not np.allclose(matrix.sum(1), 1, atol=0.05):
        raise InputError(
            f"{path}, line {number}: the matrix of the motif {name!r} is not whole; each of its rows needs {q} "
            "probabilities that sum to 1."
        )
    return matrix / matrix.sum(1, keepdims=True)
