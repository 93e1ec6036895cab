"""Parity checks over Z_q: rows h_j whose products <h_j, k> mod q determine every k of low order.

`identity_code` reads k letter by letter: n rows e_i, any order; zero rows before them let the bin of a
coefficient serve as a check of what was read. `bch_code` needs about 2 t log_q n rows
for supports of up to t positions: modulo each prime p of q its rows are the parity checks of a BCH
code over GF(p) of designed distance 2 t + 1 (for q = 2 this is the design of SPEX, Butler et al.
2025). For composite q the rows are joined by the Chinese remainder theorem, and modulo p^e the
base-p digits of k are decoded in turn, each from the products less what the lower digits gave.
"""

from dataclasses import dataclass
from functools import lru_cache

import numba
import numpy as np

from .galois import Field, factorise, make_field, row_reduce


@dataclass(frozen=True)
class _Part:
    """The BCH code modulo one prime p of q = p^e ...

    Attributes:
        field: GF(p^m) with p^m > n.
        exponent: e.
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
    """Parity checks over Z_q and their decoder.

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
    parts: tuple[_Part, ...] = ()

    def decode(self, syndromes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the (B, n) int64 words k with rows @ k = syndromes mod q, and (B,) whether there is one.

        Args:
            syndromes: (B, r) int64 in 0..q-1.
        """
        if not self.parts:
            checks = self.rows.shape[0] - self.rows.shape[1]
            return syndromes[:, checks:], (syndromes[:, :checks] == 0).all(1)
        words = np.zeros((len(syndromes), self.rows.shape[1]), np.int64)
        valid = np.ones(len(syndromes), bool)
        for part in self.parts:
            words += part.lift * self._decode_part(part, syndromes, valid)
        return words % self.radix, valid

    def _decode_part(self, part: _Part, syndromes: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """The words modulo p^e, digit by digit; marks in `valid` those that cannot be."""
        field, p = part.field, part.field.p
        rest = syndromes
        words = np.zeros((len(syndromes), self.rows.shape[1]), np.int64)
        for level in range(part.exponent):
            power = p ** (part.exponent - level)
            rest = rest % power
            valid &= (rest[:, len(part.rows) :] % p == 0).all(1)
            digits = np.zeros_like(words)
            checks = rest[:, : len(part.rows)] @ part.expand.T % p
            _decode_bch(checks, self.correct, p, field.m, field.exp, field.log, field.zech, digits, valid)
            words += p**level * digits
            if power > p:
                rest = (rest - digits @ self.rows.T) % power // p
        return words


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
    rows = sum(part.lift * np.pad(part.rows, ((0, count - len(part.rows)), (0, 0))) for part in parts) % q
    return Code(q, t, rows, min(len(part.rows) for part in parts), tuple(parts))


def _make_part(p: int, exponent: int, n: int, t: int, lift: int) -> _Part:
    m = 1
    while p**m <= n:
        m += 1
    field = make_field(p, m)
    powers = np.array([e for e in range(1, 2 * t + 1) if e % p])
    elements = field.exp[powers[:, None] * np.arange(n) % len(field.exp)]
    checks = (elements[:, None, :] // p ** np.arange(m)[:, None] % p).reshape(-1, n)
    reduced, chosen = row_reduce(checks.T, p)
    return _Part(field, exponent, checks[chosen], np.ascontiguousarray(reduced.T), lift)


@numba.njit(cache=True)
def _times(a, b, exp, log):
    return exp[(log[a] + log[b]) % exp.size] if a and b else 0


@numba.njit(cache=True)
def _plus(a, b, exp, log, zech):
    if a == 0 or b == 0:
        return a + b
    z = zech[(log[b] - log[a]) % exp.size]
    return exp[(log[a] + z) % exp.size] if z >= 0 else 0


@numba.njit(cache=True)
def _minus(a, p, exp, log):
    return a if p == 2 or a == 0 else exp[(log[a] + exp.size // 2) % exp.size]


@numba.njit(cache=True)
def _power_sums(checks, sums, p, m, exp, log):
    """S_1..S_2t from their base-p digits; S_pe = S_e^p."""
    row = 0
    for e in range(1, sums.size + 1):
        if e % p == 0:
            s = sums[e // p - 1]
            sums[e - 1] = exp[log[s] * p % exp.size] if s else 0
            continue
        value, place = 0, 1
        for i in range(m):
            value += checks[row + i] * place
            place *= p
        sums[e - 1] = value
        row += m


@numba.njit(cache=True)
def _locator(sums, locator, p, exp, log, zech):
    """Berlekamp-Massey: the shortest recurrence of the power sums (Massey 1969); returns its length."""
    before, kept = np.zeros_like(locator), np.empty_like(locator)
    locator[:] = 0
    locator[0] = before[0] = 1
    length, gap, last = 0, 1, 1
    for i in range(sums.size):
        discrepancy = sums[i]
        for j in range(1, length + 1):
            discrepancy = _plus(discrepancy, _times(locator[j], sums[i - j], exp, log), exp, log, zech)
        if discrepancy == 0:
            gap += 1
            continue
        kept[:] = locator
        factor = _minus(exp[(log[discrepancy] - log[last]) % exp.size], p, exp, log)
        for j in range(locator.size - gap):
            locator[j + gap] = _plus(locator[j + gap], _times(factor, before[j], exp, log), exp, log, zech)
        if 2 * length <= i:
            length, last, gap = i + 1 - length, discrepancy, 1
            before[:] = kept
        else:
            gap += 1
    return length


@numba.njit(cache=True)
def _letter(sums, locator, length, i, p, exp, log, zech):
    """Forney: the letter at position i, -Omega(1/X) / Lambda'(1/X) with X = exp[i]; 0 if i is no root."""
    value, slope, omega, inverse = 0, 0, 0, (exp.size - i) % exp.size
    for j in range(length + 1):
        value = _plus(value, _times(locator[j], exp[inverse * j % exp.size], exp, log), exp, log, zech)
    if value:
        return 0
    for j in range(length):
        at = exp[inverse * j % exp.size]
        for _ in range((j + 1) % p):
            slope = _plus(slope, _times(locator[j + 1], at, exp, log), exp, log, zech)
        coefficient = 0
        for l in range(j + 1):
            coefficient = _plus(coefficient, _times(sums[l], locator[j - l], exp, log), exp, log, zech)
        omega = _plus(omega, _times(coefficient, at, exp, log), exp, log, zech)
    if slope == 0 or omega == 0:
        return 0
    return _minus(exp[(log[omega] - log[slope]) % exp.size], p, exp, log)


@numba.njit(cache=True)
def _decode_bch(checks, t, p, m, exp, log, zech, words, valid):
    """Fill in the words of up to t letters in 1..p-1 with these parity checks; others are not valid."""
    sums, locator = np.empty(2 * t, np.int64), np.empty(2 * t + 2, np.int64)
    for b in range(len(checks)):
        if not valid[b]:
            continue
        _power_sums(checks[b], sums, p, m, exp, log)
        length = _locator(sums, locator, p, exp, log, zech)
        roots = 0
        if length <= t:
            for i in range(words.shape[1] if length else 0):
                letter = _letter(sums, locator, length, i, p, exp, log, zech)
                if 0 < letter < p:
                    words[b, i] = letter
                    roots += 1
        valid[b] = length <= t and roots == length
