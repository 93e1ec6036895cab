"""q-ary Fourier coefficients as terms: tables where they are small, Fourier terms where they would not be."""

import numpy as np

from ..sequences.template import Template
from ..spectrum.terms import FourierTerm, Support, Terms

MAX_SMALL_TABLE = 256  # cells; below this a table is the faster form whatever its size


def terms_from_coefficients(template: Template, frequencies: np.ndarray, values: np.ndarray) -> Terms:
    """Group coefficients by support: a_x(T) = sum over k with support T of Re(F[k] w^<k,x>).

    Args:
        template: all of its free positions have the same number of letters.
        frequencies: (C, free) integers 0..m-1, none of them all zero, each once, both of every
            conjugate pair.
        values: (C,) complex128.
    """
    radix = template.radix
    assert radix is not None
    present = frequencies > 0
    masks, owner = np.unique(present, axis=0, return_inverse=True)
    order_of = np.argsort(owner.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(owner.ravel(), minlength=len(masks)))
    tables: dict[Support, np.ndarray] = {}
    fourier_terms: dict[Support, list[FourierTerm]] = {}
    for mask, end, start in zip(masks, ends, np.concatenate([[0], ends]), strict=False):
        support = tuple(template.free[mask].tolist())
        members = order_of[start:end]
        k, f = frequencies[members][:, mask], values[members]
        cells = radix ** len(support)
        if cells <= max(MAX_SMALL_TABLE, len(members) * (2 + len(support))):
            cube = np.zeros((radix,) * len(support), np.complex128)
            cube[tuple(k.T)] = f
            tables[support] = np.fft.ifftn(cube, norm="forward").real
        else:
            fourier_terms[support] = [(tuple(row), complex(c)) for row, c in zip(k.tolist(), f, strict=True)]
    return Terms.build(template.sizes, tables, fourier_terms)
