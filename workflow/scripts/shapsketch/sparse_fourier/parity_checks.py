"""Parity checks over Z_q: rows h_j whose products <h_j, k> mod q determine every k of low order.

`identity_code` reads k letter by letter: n rows e_i, any order; zero rows before them let the bin of a
coefficient serve as a check of what was read. `bch_code` needs about 2 t log_q n rows
for supports of up to t positions: modulo each prime p of q its rows are the parity checks of a BCH
code over GF(p) of designed distance 2 t + 1 (for q = 2 this is the design of SPEX, Kang et al.
2025). For composite q the rows are joined by the Chinese remainder theorem, and modulo p^e the
base-p digits of k are decoded in turn, each from the products less what the lower digits gave.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .galois import Field, factorise, make_field, row_reduce


@dataclass(frozen=True)
class Part:
    """The BCH code modulo one prime p of q.

    Attributes:
        field: GF(p^m) with p^m > n.
        exponent: e, where p^e is the power of p in q.
        rows: (r, n) int64 independent parity checks modulo p.
        expand: (R, r) int64; expand @ rows gives all parity checks, m for each power.
        lift: the idempotent of q: 1 modulo p^e, 0 modulo the rest.
    """

    field: Field
    exponent: int
    rows: np.ndarray
    expand: np.ndarray
    lift: int


@dataclass(frozen=True)
class Code:
    """Parity checks over Z_q.

    Attributes:
        radix: q.
        correct: t, the largest order that is decoded; 0 for the identity, which decodes any.
        rows: (r, n) int64 in 0..q-1, independent modulo every prime of q as far as `rank`.
        rank: the least number of rows that are independent modulo a prime of q.
        parts: one code for every prime of q; empty for the identity.
    """

    radix: int
    correct: int
    rows: np.ndarray
    rank: int
    parts: tuple[Part, ...] = ()


@lru_cache
def identity_code(q: int, n: int, checks: int) -> Code:
    """Return `checks` zero rows and the n rows e_i."""
    return Code(q, 0, np.vstack([np.zeros((checks, n), np.int64), np.eye(n, dtype=np.int64)]), n)


@lru_cache
def bch_code(q: int, n: int, t: int) -> Code:
    """Return parity checks over Z_q that determine every k of up to t nonzero letters of n."""
    parts = []
    for p, e in factorise(q).items():
        others = q // p**e
        parts.append(_make_part(p, e, n, t, others * pow(others, -1, p**e)))
    count = max(len(part.rows) for part in parts)
    rows = np.zeros((count, n), np.int64)
    for part in parts:
        rows[: len(part.rows)] += part.lift * part.rows
    return Code(q, t, rows % q, min(len(part.rows) for part in parts), tuple(parts))


def _make_part(p: int, exponent: int, n: int, t: int, lift: int) -> Part:
    m = 1
    while p**m <= n:
        m += 1
    field = make_field(p, m)
    powers = np.array([e for e in range(1, 2 * t + 1) if e % p])
    elements = field.exp[powers[:, None] * np.arange(n) % len(field.exp)]
    checks = (elements[:, None, :] // p ** np.arange(m)[:, None] % p).reshape(-1, n)
    reduced, chosen = row_reduce(checks.T, p)
    return Part(field, exponent, checks[chosen], np.ascontiguousarray(reduced.T), lift)
