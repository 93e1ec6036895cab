"""Amino acids by their properties: what letters of a protein have in common."""

import numpy as np

from .alphabet import UNKNOWN_CODE
from .template import Template

# The hydropathy of Kyte & Doolittle (1982), the volume in cubic angstroms (Zamyatnin 1972), the charge at pH 7, and
# whether the side chain is aromatic, branches at the beta carbon, is bound to the backbone (P), or is missing (G).
PROPERTIES = {
    "A": (1.8, 88.6, 0, 0, 0, 0, 0), "C": (2.5, 108.5, 0, 0, 0, 0, 0), "D": (-3.5, 111.1, -1, 0, 0, 0, 0),
    "E": (-3.5, 138.4, -1, 0, 0, 0, 0), "F": (2.8, 189.9, 0, 1, 0, 0, 0), "G": (-0.4, 60.1, 0, 0, 0, 0, 1),
    "H": (-3.2, 153.2, 0.1, 1, 0, 0, 0), "I": (4.5, 166.7, 0, 0, 1, 0, 0), "K": (-3.9, 168.6, 1, 0, 0, 0, 0),
    "L": (3.8, 166.7, 0, 0, 0, 0, 0), "M": (1.9, 162.9, 0, 0, 0, 0, 0), "N": (-3.5, 114.1, 0, 0, 0, 0, 0),
    "P": (-1.6, 112.7, 0, 0, 0, 1, 0), "Q": (-3.5, 143.8, 0, 0, 0, 0, 0), "R": (-4.5, 173.4, 1, 0, 0, 0, 0),
    "S": (-0.8, 89.0, 0, 0, 0, 0, 0), "T": (-0.7, 116.1, 0, 0, 1, 0, 0), "V": (4.2, 140.0, 0, 0, 1, 0, 0),
    "W": (-0.9, 227.8, 0, 1, 0, 0, 0), "Y": (-1.3, 193.6, 0, 1, 0, 0, 0),
}  # fmt: skip


def residue_properties(template: Template) -> np.ndarray:
    """Return the properties of each letter that a position may have, all together of about the size of one letter.

    They are standardised over the twenty amino acids, and divided by the root of their number: plain, they would set
    two letters apart seven times as much as one-hot features do, and networks would learn less of each letter's own.

    Returns:
        (n, max m_i, 7) float32, zero beyond the letters of a position; (n, max m_i, 0) where the alphabet is not of
        proteins.
    """
    codes = template.letter_codes
    if template.alphabet.kind != "protein":
        return np.zeros((*codes.shape, 0), np.float32)
    table = np.array([PROPERTIES[letter] for letter in template.alphabet.letters])
    table = (table - table.mean(0)) / table.std(0) / np.sqrt(table.shape[1])
    return np.where((codes < UNKNOWN_CODE)[:, :, None], table[np.minimum(codes, len(table) - 1)], 0).astype(np.float32)
