"""Decoding of parity checks: the frequency of low order that has them, for many bins at once.

Modulo every prime p of q, syndromes are decoded as those of a BCH code over GF(p), by Berlekamp-Massey,
a root search where there are roots, and Forney's formula (Lin & Costello 2004, chapters 6 and 7).
"""

import numba
import numpy as np

from ..sequences.parallel import share_out
from .parity_checks import Code, Part


def decode(code: Code, syndromes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the (B, n) int64 words k with rows @ k = syndromes mod q, and (B,) whether there is one; most have none.

    Args:
        code: the parity checks, `rows`, and how they are decoded.
        syndromes: (B, r) int64 in 0..q-1.
    """
    if not code.parts:
        checks = code.rows.shape[0] - code.rows.shape[1]
        return syndromes[:, checks:], (syndromes[:, :checks] == 0).all(1)
    words = np.zeros((len(syndromes), code.rows.shape[1]), np.int64)
    valid = np.ones(len(syndromes), bool)
    for part in code.parts:
        residues = _decode_part(code, part, syndromes, valid)
        words[valid] = (words[valid] + part.lift * residues[valid]) % code.radix
    return words, valid


def _decode_part(code: Code, part: Part, syndromes: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """The words modulo p^e, digit by digit; marks in `valid` those that cannot be."""
    field, p = part.field, part.field.p
    rest = syndromes
    words = np.zeros((len(syndromes), code.rows.shape[1]), np.int64)
    for level in range(part.exponent):
        power = p ** (part.exponent - level)
        rest = rest % power
        valid &= (rest[:, len(part.rows) :] % p == 0).all(1)
        digits = np.zeros_like(words)
        checks = _product(rest[:, : len(part.rows)], part.expand) % p
        tables = (np.tile(field.exp, 2), field.log, field.zech)
        share_out(_decode_bch, len(checks), checks, code.correct, p, field.m, *tables, digits, valid)
        words[valid] += p**level * digits[valid]
        if power > p:
            rest = (rest - _product(digits, code.rows)) % power // p
    return words


def _product(words: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return words @ rows.T of small integers, by the fast product of floats."""
    return (words.astype(np.float64) @ rows.T.astype(np.float64)).astype(np.int64)


# In the compiled functions `exp` is twice as long as the field's, so that a sum of two logarithms
# needs no reduction; `zech.size` is the order of the multiplicative group.


@numba.njit(cache=True)
def _times(a: int, b: int, exp: np.ndarray, log: np.ndarray) -> int:
    return exp[log[a] + log[b]] if a and b else 0


@numba.njit(cache=True)
def _over(a: int, b: int, exp: np.ndarray, log: np.ndarray, zech: np.ndarray) -> int:
    return exp[log[a] - log[b] + zech.size] if a else 0


@numba.njit(cache=True)
def _plus(a: int, b: int, p: int, exp: np.ndarray, log: np.ndarray, zech: np.ndarray) -> int:
    if p == 2:
        return a ^ b
    if a == 0 or b == 0:
        return a + b
    gap = log[b] - log[a]
    z = zech[gap if gap >= 0 else gap + zech.size]
    return exp[log[a] + z] if z >= 0 else 0


@numba.njit(cache=True)
def _minus(a: int, p: int, exp: np.ndarray, log: np.ndarray) -> int:
    return a if p == 2 or a == 0 else exp[log[a] + exp.size // 4]


@numba.njit(cache=True)
def _power_sums(
    checks: np.ndarray, sums: np.ndarray, p: int, m: int, exp: np.ndarray, log: np.ndarray, zech: np.ndarray
) -> None:
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
def _locator(
    sums: np.ndarray,
    locator: np.ndarray,
    before: np.ndarray,
    kept: np.ndarray,
    p: int,
    exp: np.ndarray,
    log: np.ndarray,
    zech: np.ndarray,
) -> int:
    """Berlekamp-Massey: the shortest recurrence of the power sums (Massey 1969); returns its length."""
    locator[:] = 0
    before[:] = 0
    locator[0] = before[0] = 1
    length, gap, last = 0, 1, 1
    for i in range(sums.size):
        discrepancy = sums[i]
        for j in range(1, length + 1):
            discrepancy = _plus(discrepancy, _times(locator[j], sums[i - j], exp, log), p, exp, log, zech)
        if discrepancy == 0:
            gap += 1
            continue
        kept[:] = locator
        factor = _minus(_over(discrepancy, last, exp, log, zech), p, exp, log)
        for j in range(locator.size - gap):
            locator[j + gap] = _plus(locator[j + gap], _times(factor, before[j], exp, log), p, exp, log, zech)
        if 2 * length <= i:
            length, last, gap = i + 1 - length, discrepancy, 1
            before[:] = kept
        else:
            gap += 1
    return length


@numba.njit(cache=True)
def _letter(
    sums: np.ndarray,
    locator: np.ndarray,
    length: int,
    inverse: int,
    p: int,
    exp: np.ndarray,
    log: np.ndarray,
    zech: np.ndarray,
) -> int:
    """Forney: the letter at the root 1/X = exp[inverse] of the locator, -Omega(1/X) / Lambda'(1/X)."""
    slope, omega = 0, 0
    for j in range(length):
        at = exp[inverse * j % zech.size]
        for _ in range((j + 1) % p):
            slope = _plus(slope, _times(locator[j + 1], at, exp, log), p, exp, log, zech)
        coefficient = 0
        for i in range(j + 1):
            coefficient = _plus(coefficient, _times(sums[i], locator[j - i], exp, log), p, exp, log, zech)
        omega = _plus(omega, _times(coefficient, at, exp, log), p, exp, log, zech)
    return _minus(_over(omega, slope, exp, log, zech), p, exp, log) if slope else 0


@numba.njit(cache=True)
def _splits(
    locator: np.ndarray, length: int, p: int, m: int, exp: np.ndarray, log: np.ndarray, zech: np.ndarray
) -> bool:
    """Whether the locator has as many distinct roots as its length says: x^(p^m) = x modulo its reciprocal f.

    With x^(p i) mod f at hand, the p-th power of a_0 + a_1 x + ... is a_0^p + a_1^p x^p + ...: some hundred steps,
    where a search for the roots takes one for each position and power, and most words have none to be found.
    """
    if length < 2:
        return True
    powers = np.zeros((length, length), np.int64)
    powers[0, 0] = 1
    now = powers[0].copy()
    for i in range(1, length):
        for _ in range(p):  # times x
            top = _minus(now[length - 1], p, exp, log)
            for j in range(length - 1, 0, -1):
                now[j] = _plus(now[j - 1], _times(top, locator[length - j], exp, log), p, exp, log, zech)
            now[0] = _times(top, locator[length], exp, log)
        powers[i] = now
    state = np.zeros(length, np.int64)
    state[1] = 1
    for _ in range(m):
        now[:] = 0
        for i in range(length):
            if state[i]:
                factor = exp[log[state[i]] * p % zech.size]
                for j in range(length):
                    now[j] = _plus(now[j], _times(factor, powers[i, j], exp, log), p, exp, log, zech)
        state[:] = now
    state[1] = _plus(state[1], _minus(1, p, exp, log), p, exp, log, zech)
    return not state.any()


@numba.njit(cache=True, nogil=True)
def _decode_bch(
    start: int,
    stop: int,
    checks: np.ndarray,
    t: int,
    p: int,
    m: int,
    exp: np.ndarray,
    log: np.ndarray,
    zech: np.ndarray,
    words: np.ndarray,
    valid: np.ndarray,
) -> None:
    """Fill in the words of up to t letters in 1..p-1 with these parity checks; others are not valid."""
    for b in range(start, stop):
        if not valid[b]:
            continue
        sums = np.empty(2 * t, np.int64)
        locator, before, kept = (
            np.empty(2 * t + 2, np.int64),
            np.empty(2 * t + 2, np.int64),
            np.empty(2 * t + 2, np.int64),
        )
        _power_sums(checks[b], sums, p, m, exp, log, zech)
        length = _locator(sums, locator, before, kept, p, exp, log, zech)
        valid[b] = length <= t and _splits(locator, length, p, m, exp, log, zech)
        if not valid[b]:
            continue
        roots, i = 0, 0
        logs = log[locator]
        while roots < length and i < words.shape[1]:  # Chien: the locator at exp[-i]
            value = 1
            for j in range(1, length + 1):
                if locator[j]:
                    value = _plus(value, exp[logs[j]], p, exp, log, zech)
                    logs[j] -= j
                    if logs[j] < 0:
                        logs[j] += zech.size
            if value == 0:
                letter = _letter(sums, locator, length, (zech.size - i) % zech.size, p, exp, log, zech)
                if not 0 < letter < p:
                    break
                words[b, i] = letter
                roots += 1
            i += 1
        valid[b] = roots == length
