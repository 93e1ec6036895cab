"""Arithmetic modulo primes and in finite fields, as far as `parity_checks` needs it."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np


@dataclass(frozen=True)
class Field:
    """GF(p^m). An element is an integer whose base-p digits are its coefficients; 0..p-1 is GF(p).

    Attributes:
        p, m: the characteristic and the degree.
        exp: (p^m - 1,) int64, the powers of a primitive element.
        log: (p^m,) int64, their inverse; log[0] is unused.
        zech: (p^m - 1,) int64 Zech logarithms, log(1 + exp[i]); -1 where 1 + exp[i] is zero.
    """

    p: int
    m: int
    exp: np.ndarray
    log: np.ndarray
    zech: np.ndarray


@lru_cache
def make_field(p: int, m: int) -> Field:
    """Return GF(p^m), built on the first primitive polynomial x^m + c_{m-1} x^{m-1} + ... + c_0."""
    for coefficients in product(range(1, p), *[range(p)] * (m - 1)):  # x divides those with c_0 = 0
        exp = _powers(p, coefficients)
        if len(exp) == p**m - 1:
            break
    log = np.zeros(p**m, np.int64)
    log[exp] = np.arange(len(exp))
    successor = exp - exp % p + (exp % p + 1) % p
    return Field(p, m, exp, log, np.where(successor > 0, log[successor], -1))


def _powers(p: int, coefficients: tuple[int, ...]) -> np.ndarray:
    """The powers of x modulo a monic polynomial, from 1 until they come back to it or vanish."""
    if p == 2:
        return _binary_powers(coefficients)
    one = (1, *[0] * (len(coefficients) - 1))
    powers: list[int] = []
    element = one
    while any(element) and len(powers) < p ** len(coefficients):
        powers.append(sum(digit * p**i for i, digit in enumerate(element)))
        element = tuple((low - element[-1] * c) % p for low, c in zip((0, *element[:-1]), coefficients, strict=True))
        if element == one:
            break
    return np.array(powers, np.int64)


def _binary_powers(coefficients: tuple[int, ...]) -> np.ndarray:
    """The same modulo 2, where an element is a word of bits."""
    top = 1 << len(coefficients)
    modulus = top | sum(digit << i for i, digit in enumerate(coefficients))
    powers, element = [1], 2 if top > 2 else 2 ^ modulus
    while element > 1 and len(powers) < top:
        powers.append(element)
        element <<= 1
        if element & top:
            element ^= modulus
    return np.array(powers, np.int64)


def factorise(q: int) -> dict[int, int]:
    """Return {p: e} with q the product of all p^e."""
    factors: dict[int, int] = {}
    for p in range(2, q + 1):
        while q % p == 0:
            factors[p] = factors.get(p, 0) + 1
            q //= p
    return factors


def row_reduce(matrix: np.ndarray, p: int) -> tuple[np.ndarray, list[int]]:
    """Return the reduced row echelon form of an (R, C) integer matrix modulo a prime, and its pivot columns."""
    rows = matrix % p
    pivots: list[int] = []
    for column in range(rows.shape[1]):
        rank = len(pivots)
        candidates = np.flatnonzero(rows[rank:, column])
        if not candidates.size:
            continue
        rows[[rank, rank + candidates[0]]] = rows[[rank + candidates[0], rank]]
        rows[rank] = rows[rank] * pow(int(rows[rank, column]), -1, p) % p
        others = np.arange(len(rows)) != rank
        rows[others] = (rows[others] - rows[others, column][:, None] * rows[rank]) % p
        pivots.append(column)
    return rows[: len(pivots)], pivots
