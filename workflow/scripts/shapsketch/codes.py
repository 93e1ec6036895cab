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
            checks = _product(rest[:, : len(part.rows)], part.expand) % p
            _decode_bch(checks, self.correct, p, field.m, np.tile(field.exp, 2), field.log, field.zech, digits, valid)
            words += p**level * digits
            if power > p:
                rest = (rest - _product(digits, self.rows)) % power // p
        return words


def _product(words: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return words @ rows.T of small integers, by the fast product of floats."""
    return (words.astype(np.float64) @ rows.T.astype(np.float64)).astype(np.int64)


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


# In the compiled functions `exp` is twice as long as the field's, so that a sum of two logarithms
# needs no reduction; `zech.size` is the order of the multiplicative group.


@numba.njit(cache=True)
def _times(a, b, exp, log):
    return exp[log[a] + log[b]] if a and b else 0


@numba.njit(cache=True)
def _over(a, b, exp, log, zech):
    return exp[log[a] - log[b] + zech.size] if a else 0


@numba.njit(cache=True)
def _plus(a, b, exp, log, zech):
    if a == 0 or b == 0:
        return a + b
    gap = log[b] - log[a]
    z = zech[gap if gap >= 0 else gap + zech.size]
    return exp[log[a] + z] if z >= 0 else 0


@numba.njit(cache=True)
def _minus(a, p, exp, log):
    return a if p == 2 or a == 0 else exp[log[a] + exp.size // 4]


@numba.njit(cache=True)
def _power_sums(checks, sums, p, m, exp, log, zech):
    """S_1..S_2t from their base-p digits; S_pe = S_e^p."""
    row = 0
    for e in range(1, sums.size + 1):
        if e % p == 0:
            s = sums[e // p - 1]
            sums[e - 1] = exp[log[s] * p % zech.size] if s else 0
            continue
        value, place = 0, 1
        for i in range(m):
            value += checks[row + i] * place
            place *= p
        sums[e - 1] = value
        row += m


@numba.njit(cache=True)
def _locator(sums, locator, before, kept, p, exp, log, zech):
    """Berlekamp-Massey: the shortest recurrence of the power sums (Massey 1969); returns its length."""
    locator[:] = 0
    before[:] = 0
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
        factor = _minus(_over(discrepancy, last, exp, log, zech), p, exp, log)
        for j in range(locator.size - gap):
            locator[j + gap] = _plus(locator[j + gap], _times(factor, before[j], exp, log), exp, log, zech)
        if 2 * length <= i:
            length, last, gap = i + 1 - length, discrepancy, 1
            before[:] = kept
        else:
            gap += 1
    return length


@numba.njit(cache=True)
def _letter(sums, locator, length, inverse, p, exp, log, zech):
    """Forney: the letter at the root 1/X = exp[inverse] of the locator, -Omega(1/X) / Lambda'(1/X)."""
    slope, omega = 0, 0
    for j in range(length):
        at = exp[inverse * j % zech.size]
        for _ in range((j + 1) % p):
            slope = _plus(slope, _times(locator[j + 1], at, exp, log), exp, log, zech)
        coefficient = 0
        for i in range(j + 1):
            coefficient = _plus(coefficient, _times(sums[i], locator[j - i], exp, log), exp, log, zech)
        omega = _plus(omega, _times(coefficient, at, exp, log), exp, log, zech)
    return _minus(_over(omega, slope, exp, log, zech), p, exp, log) if slope else 0


@numba.njit(cache=True)
def _decode_bch(checks, t, p, m, exp, log, zech, words, valid):
    """Fill in the words of up to t letters in 1..p-1 with these parity checks; others are not valid."""
    sums = np.empty(2 * t, np.int64)
    locator, before, kept = np.empty((3, 2 * t + 2), np.int64)
    for b in range(len(checks)):
        if not valid[b]:
            continue
        _power_sums(checks[b], sums, p, m, exp, log, zech)
        length = _locator(sums, locator, before, kept, p, exp, log, zech)
        found, i = 0, 0
        while length <= t and found < length and i < words.shape[1]:
            value, inverse = 1, (zech.size - i) % zech.size
            angle = 0
            for j in range(1, length + 1):
                angle += inverse
                if angle >= zech.size:
                    angle -= zech.size
                if locator[j]:
                    value = _plus(value, exp[log[locator[j]] + angle], exp, log, zech)
            if value == 0:
                letter = _letter(sums, locator, length, inverse, p, exp, log, zech)
                if not 0 < letter < p:
                    break
                words[b, i] = letter
                found += 1
            i += 1
        valid[b] = found == length
