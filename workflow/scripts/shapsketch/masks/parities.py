"""Parities: functions of a mask as sums of signs, and the dividends that follow from them.

A mask S in {0,1}^m says which of m players are present. The Fourier basis of its functions are the parities
chi_T(S) = (-1)^|S cap T|, orthonormal for uniform masks: v(S) = sum_T F_T chi_T(S). The dividends of v with nobody
present as the baseline are a(T) = (-2)^|T| sum_{R >= T} F_R (Kang et al. 2025, SPEX, Eq. 4), exactly.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from ..spectrum.terms import Terms, plain_phases

BLOCK = 256  # parities whose values are held as float64 at once
ROUNDING = 1e-15  # of the sum of the coefficients' sizes
MAX_DENSE_PLAYERS = 20  # players whose masks can all be numbered in memory


@dataclass(frozen=True)
class Parities:
    """A function of the masks of m players.

    Attributes:
        players: m.
        supports: (K, w) int64, players 0..m-1 in ascending order, each row filled up with m; no row twice, and at least
            one.
        coefficients: (K,) float64, the F_T.
    """

    players: int
    supports: np.ndarray
    coefficients: np.ndarray

    @property
    def orders(self) -> np.ndarray:
        """(K,) int64: the size of each support."""
        return orders(self.supports, self.players)

    @property
    def _is_dense(self) -> bool:
        """Whether arrays over all 2^m sets are the shorter way."""
        return self.players <= MAX_DENSE_PLAYERS and bool(np.exp2(self.orders).sum() > 2**self.players)

    @property
    def _numbers(self) -> np.ndarray:
        """(K,) int64: each support as a binary number, the first player last."""
        return np.where(self.supports < self.players, 1 << self.supports, 0).sum(1)

    def predict(self, masks: np.ndarray) -> np.ndarray:
        """Return the (N,) float64 values at (N, m) masks of 0 and 1."""
        if self._is_dense:
            cube = np.zeros(1 << self.players)
            cube[self._numbers] = self.coefficients
            return hadamard(cube)[masks @ (1 << np.arange(self.players))] * len(cube)
        return combine(signs(masks), self.supports, self.coefficients)

    def energy_by_order(self) -> dict[int, float]:
        """Return the variance over uniform masks that the parities of each order carry."""
        sums = np.bincount(self.orders, self.coefficients**2)
        return {k: float(sums[k]) for k in range(1, len(sums)) if sums[k] > 0}

    @cached_property
    def dividends(self) -> tuple[np.ndarray, np.ndarray]:
        """(D, w) int64 supports, filled up with m, and (D,) float64 dividends a(T); the empty one comes first.

        What is left of coefficients that cancel is rounding, and then the dividend is 0.
        """
        if self._is_dense:
            supports, sums = self._dense_dividends()
        else:
            pieces = (
                (chosen, (-2.0) ** chosen.shape[1] * self.coefficients[members])
                for members, chosen in subsets(self.supports, self.players)
            )
            supports, sums = collect(pieces, self.players, self.supports.shape[1])
        sizes = orders(supports, self.players)
        order = np.lexsort((*supports.T[::-1], sizes))
        sums = np.where(np.abs(sums) > ROUNDING * np.exp2(sizes) * np.abs(self.coefficients).sum(), sums, 0.0)
        return supports[order], sums[order]

    def _dense_dividends(self) -> tuple[np.ndarray, np.ndarray]:
        """The same by sums over supersets of all 2^m sets at once (Yates 1937): m passes instead of 3^m subsets."""
        m, width = self.players, self.supports.shape[1]
        sums, there = np.zeros(1 << m), np.zeros(1 << m, bool)
        sums[self._numbers], there[self._numbers] = self.coefficients, True
        for i in range(m):
            for array, add in ((sums, np.add), (there, np.logical_or)):
                without, with_ = array.reshape(-1, 2, 1 << i)[:, 0], array.reshape(-1, 2, 1 << i)[:, 1]
                add(without, with_, out=without)
        members = (np.flatnonzero(there)[:, None] >> np.arange(m) & 1).astype(bool)
        supports = np.sort(np.where(members, np.arange(m), m), axis=1)[:, :width]
        return supports, (-2.0) ** members.sum(1) * sums[there]

    def pull_back(self, weights: np.ndarray) -> np.ndarray:
        """Return the (K, J) weights on the coefficients of what has (J, D) weights on the dividends.

        A dividend is a(T) = (-2)^|T| sum_{R >= T} F_R, so the weight of F_R is the sum over T <= R of (-2)^|T| w(T).
        """
        supports, m = self.dividends[0], self.players
        weights = weights * (-2.0) ** orders(supports, m)
        if self._is_dense:
            cube = np.zeros((1 << m, len(weights)))
            cube[np.where(supports < m, 1 << supports, 0).sum(1)] = weights.T
            for i in range(m):
                pairs = cube.reshape(1 << (m - 1 - i), 2, 1 << i, len(weights))  # no -1: of no weights none follows
                pairs[:, 1] += pairs[:, 0]
            return cube[self._numbers]
        keys = support_keys(supports, m)
        place = np.argsort(keys)
        pulled = np.zeros((len(self.supports), len(weights)))
        for members, chosen in subsets(self.supports, m):
            rows = np.full((len(chosen), supports.shape[1]), m)
            rows[:, : chosen.shape[1]] = chosen
            matched = place[np.searchsorted(keys, support_keys(rows, m), sorter=place)]
            pulled[members] += weights[:, matched].T
        return pulled

    @cached_property
    def terms(self) -> Terms:
        """The dividends as terms over two letters, absent (0) and present (1), under the background "absent".

        The table of a support is zero but for the cell where all of it is present.
        """
        supports, values = self.dividends
        sizes = np.full(self.players, 2)
        order_of = orders(supports, self.players)
        offsets, table_offsets = (_offsets(lengths[1:]) for lengths in (order_of, 1 << order_of))
        tables = np.zeros(table_offsets[-1])
        tables[table_offsets[1:] - 1] = values[1:]
        nothing = np.zeros(len(offsets), np.int64)
        positions = supports[1:][supports[1:] < self.players]
        none, fourier = np.zeros(0, np.int64), np.zeros(0, np.complex128)
        return Terms(
            sizes, offsets, positions, table_offsets, tables, nothing, fourier, nothing, none, plain_phases(sizes)
        )

    @property
    def empty(self) -> float:
        """v(empty), what the function is with nobody present."""
        return float(self.dividends[1][0])


def hadamard(values: np.ndarray) -> np.ndarray:
    """Return the (2^m,) coefficients of (2^m,) values, both in the order of binary numbers."""
    cube = values.astype(np.float64)
    for player in range(len(values).bit_length() - 1):
        pairs = cube.reshape(-1, 2, 1 << player)
        cube = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], 1).ravel()
    return cube / len(values)


def _offsets(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def orders(supports: np.ndarray, players: int) -> np.ndarray:
    """The (K,) sizes of (K, w) supports."""
    return np.less(supports, players).sum(1)


def subsets(supports: np.ndarray, players: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield all subsets of (K, width) supports, many of one size at a time: (S,) their rows and (S, size) players."""
    order_of = orders(supports, players)
    yield np.arange(len(supports)), np.zeros((len(supports), 0), np.int64)
    for order in np.unique(order_of).tolist():
        members = np.flatnonzero(order_of == order)
        for size in range(1, order + 1):
            for columns in combinations(range(order), size):
                yield members, supports[members][:, columns]


def collect(pieces: Iterable[tuple[np.ndarray, np.ndarray]], players: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Add up numbers by support.

    Args:
        pieces: (R, size) supports with (R,) numbers; the size may differ from piece to piece.
        players: m.
        width: of the result.

    Returns:
        (K, width) int64 distinct supports, filled up with m, and (K,) float64 sums.
    """
    supports, numbers = [], []
    for chosen, values in pieces:
        rows = np.full((len(chosen), width), players)
        rows[:, : chosen.shape[1]] = chosen
        supports.append(rows)
        numbers.append(values)
    rows = np.concatenate(supports)
    keys = support_keys(rows, players)
    unique, first, owner = np.unique(keys, return_index=True, return_inverse=True)
    return rows[first], np.bincount(owner, np.concatenate(numbers), len(unique))


def support_keys(supports: np.ndarray, players: int) -> np.ndarray:
    """Return one (K,) integer per support, or one string of bytes where integers are too short; equal if they are."""
    bits = players.bit_length()
    if bits * supports.shape[1] > 63:
        return np.ascontiguousarray(supports.astype(">u2")).view(f"S{2 * supports.shape[1]}").ravel()
    keys = np.zeros(len(supports), np.int64)
    for column in supports.T:
        keys = keys << bits | column
    return keys


def union(players: int, *groups: np.ndarray) -> np.ndarray:
    """Return every support of (K, w) groups once, in the order of their first appearance."""
    supports = np.concatenate(groups)
    _, first = np.unique(support_keys(supports, players), return_index=True)
    return supports[np.sort(first)]


def normalise(supports: np.ndarray, players: int) -> np.ndarray:
    """Sort each row of (K, width) supports; a player that is there twice is not there, as chi_i chi_i = 1."""
    rows = np.sort(supports, axis=1)
    for column in range(rows.shape[1] - 1):
        twice = (rows[:, column] == rows[:, column + 1]) & (rows[:, column] < players)
        rows[twice, column] = rows[twice, column + 1] = players
    return np.sort(rows, axis=1)


def singles(players: int, width: int) -> np.ndarray:
    """Return the empty support and all of one player, (m + 1, width)."""
    supports = np.full((players + 1, width), players)
    supports[1:, 0] = np.arange(players)
    return supports


def signs(masks: np.ndarray) -> np.ndarray:
    """Turn (N, m) masks into the (m + 1, N) float32 chi_i, +1 absent and -1 present; the last row is 1."""
    table = np.ones((masks.shape[1] + 1, len(masks)), np.float32)
    np.subtract(1, 2 * masks.T.astype(np.int8, order="C"), out=table[:-1])
    return table


def features(table: np.ndarray, supports: np.ndarray) -> np.ndarray:
    """Return the (K, N) float32 parities chi_T of (K, w) supports, from `signs`."""
    values = table[supports[:, 0]]
    for column in supports.T[1:]:
        some = np.flatnonzero(column < len(table) - 1)
        values[some] *= table[column[some]]
    return values


def combine(table: np.ndarray, supports: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Return the (N,) float64 sums of parities times coefficients."""
    total = np.zeros(table.shape[1])
    for start in range(0, len(supports), BLOCK):
        rows = slice(start, start + BLOCK)
        total += coefficients[rows] @ features(table, supports[rows]).astype(np.float64)
    return total


def correlate(values: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the (K, ...) float64 products of (K, N) float32 parities with (N, ...) numbers, summed in float64."""
    blocks = [values[k : k + BLOCK].astype(np.float64) @ targets for k in range(0, len(values), BLOCK)]
    return np.concatenate([np.zeros((0, *targets.shape[1:])), *blocks])
