"""Terms: the dividends of a function, support by support, and the kernels that look them up.

A term lives on a support T (some positions) and is a function of the letters there alone: the *dividend* a_x(T), what
the letters of x at T add together beyond what smaller groups of them add. With v_x(S) the mean of the function over
backgrounds where x is kept at the positions S,

    a_x(T) = sum over S within T of (-1)^(|T| - |S|) v_x(S):

the Harsanyi dividend of the game v_x (Harsanyi 1963), which is its Moebius coefficient and, as a function of x under a
product background, the component on T of the functional ANOVA (Hooker 2007).

A dividend is held as a dense table over those letters, or, where a table would be larger, as *Fourier terms*: q-ary
Fourier coefficients F with a frequency at each position of T, of which a_x(T) = sum Re(F prod_i phase[i, k_i, x_i])
(SHAP zero, Eq. 5, restricted to one support).

All arrays are flat, in compressed sparse row form, so that the compiled kernels stream over them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..sequences.parallel import over_sequences, share_out
from . import kernels

Support = tuple[int, ...]
FourierTerm = tuple[tuple[int, ...], complex]


@dataclass(frozen=True)
class Terms:
    """T terms over sequences of n positions with m_i letters each.

    Attributes:
        sizes: (n,) int64, the letters m_i of each position.
        offsets: (T+1,) int64, where each term's support starts in `positions`.
        positions: int64, the supports one after another, each ascending.
        table_offsets: (T+1,) int64, where each term's table starts in `tables`.
        tables: float64, tables in row-major order of the support's letters; empty for Fourier terms.
        fourier_offsets: (T+1,) int64, where each term's Fourier coefficients start in `amplitudes`.
        amplitudes: complex128, the Fourier coefficients.
        frequency_offsets: (T+1,) int64, where each term's frequencies start in `frequencies`.
        frequencies: int64, for each coefficient one frequency per position of the support.
        phases: (n, q, m) complex128, phases[i, k, x]; for plain letters exp(2 pi i k x / q).
    """

    sizes: np.ndarray
    offsets: np.ndarray
    positions: np.ndarray
    table_offsets: np.ndarray
    tables: np.ndarray
    fourier_offsets: np.ndarray
    amplitudes: np.ndarray
    frequency_offsets: np.ndarray
    frequencies: np.ndarray
    phases: np.ndarray

    @classmethod
    def build(
        cls,
        sizes: np.ndarray,
        tables: Mapping[Support, np.ndarray],
        fourier_terms: Mapping[Support, list[FourierTerm]] | None = None,
    ) -> "Terms":
        """Return terms that are given support by support, sorted by order, then by position.

        Args:
            sizes: (n,) letters per position.
            tables: for each support (0-based, ascending) its table of shape (m_i for i in support).
            fourier_terms: for each further support its terms ((one frequency per position), coefficient).
        """
        fourier_terms = fourier_terms or {}
        sizes = np.asarray(sizes, np.int64)
        supports = sorted([*tables, *fourier_terms], key=lambda s: (len(s), s))
        kept_fourier = [fourier_terms.get(s, []) for s in supports]
        return cls(
            sizes=sizes,
            offsets=_offsets([len(s) for s in supports]),
            positions=np.array([i for s in supports for i in s], np.int64),
            table_offsets=_offsets([tables[s].size if s in tables else 0 for s in supports]),
            tables=np.concatenate([np.zeros(0), *(np.ravel(tables[s]) for s in supports if s in tables)]).astype(
                np.float64
            ),
            fourier_offsets=_offsets([len(w) for w in kept_fourier]),
            amplitudes=np.array([f for w in kept_fourier for _, f in w], np.complex128),
            frequency_offsets=_offsets([sum(len(k) for k, _ in w) for w in kept_fourier]),
            frequencies=np.array([y for w in kept_fourier for k, _ in w for y in k], np.int64),
            phases=plain_phases(sizes),
        )

    @classmethod
    def weighted_sum(cls, parts: Sequence[tuple[float, "Terms"]]) -> "Terms":
        """Return the sum of terms over the same positions, each part times its weight.

        Args:
            parts: at least one (weight, terms).
        """
        tables: dict[Support, np.ndarray] = {}
        amplitudes: dict[Support, dict[tuple[int, ...], complex]] = {}  # one per frequency: variances add squares
        for weight, terms in parts:
            for t, support in enumerate(terms.supports):
                if terms.has_table[t]:
                    tables[support] = tables.get(support, 0.0) + weight * terms.table(t)
                else:
                    summed = amplitudes.setdefault(support, {})
                    for frequency, amplitude in terms.fourier_terms(t):
                        summed[frequency] = summed.get(frequency, 0.0) + weight * amplitude
        fourier_terms = {support: list(summed.items()) for support, summed in amplitudes.items()}
        sizes = parts[0][1].sizes
        for support in fourier_terms.keys() & tables.keys():  # one form per term: the table takes them in
            alone = cls.build(sizes, {}, {support: fourier_terms.pop(support)})
            cells = np.zeros((tables[support].size, len(sizes)), np.uint8)
            cells[:, support] = np.stack(np.unravel_index(np.arange(len(cells)), tables[support].shape), 1)
            tables[support] = tables[support] + alone.predict(cells).reshape(tables[support].shape)
        return cls.build(sizes, tables, fourier_terms)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def orders(self) -> np.ndarray:
        """(T,) int64: the size of each support."""
        return np.diff(self.offsets)

    @cached_property
    def supports(self) -> list[Support]:
        """The supports as tuples of 0-based positions."""
        flat = self.positions.tolist()
        return [tuple(flat[a:b]) for a, b in zip(self.offsets, self.offsets[1:], strict=False)]

    @cached_property
    def has_table(self) -> np.ndarray:
        """(T,) bool: whether a term is held as a table."""
        return np.diff(self.table_offsets) > 0

    def table(self, term: int) -> np.ndarray:
        """Return the table of a term, (letters, ..., letters) with one axis per position of its support."""
        flat = self.tables[self.table_offsets[term] : self.table_offsets[term + 1]]
        return flat.reshape(self.sizes[list(self.supports[term])])

    def fourier_terms(self, term: int) -> list[FourierTerm]:
        """Return the Fourier terms of a term, as `build` takes them."""
        amplitudes = self.amplitudes[self.fourier_offsets[term] : self.fourier_offsets[term + 1]]
        flat = self.frequencies[self.frequency_offsets[term] : self.frequency_offsets[term + 1]]
        rows = flat.reshape(len(amplitudes), -1).tolist()
        return [(tuple(k), complex(f)) for k, f in zip(rows, amplitudes, strict=True)]

    def single(self, term: int) -> "Terms":
        """Return one term alone."""
        support = self.supports[term]
        if self.has_table[term]:
            return Terms.build(self.sizes, {support: self.table(term)})
        return Terms.build(self.sizes, {}, {support: self.fourier_terms(term)})

    def select(self, keep: np.ndarray) -> "Terms":
        """Return the terms whose (T,) mask is true."""
        kept = np.flatnonzero(keep)
        tables = {self.supports[t]: self.table(t) for t in kept.tolist() if self.has_table[t]}
        fourier_terms = {self.supports[t]: self.fourier_terms(t) for t in kept.tolist() if not self.has_table[t]}
        return Terms.build(self.sizes, tables, fourier_terms)

    def scaled(self, factor: float) -> "Terms":
        """Return all terms times a factor."""
        return replace(self, tables=factor * self.tables, amplitudes=factor * self.amplitudes)

    def groups(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield the table terms by shape.

        Yields:
            (G,) term indices, their (G, order) positions, and their (G, m_1, ..., m_order) tables.
        """
        shapes: dict[tuple[int, ...], list[int]] = {}
        for t in np.flatnonzero(self.has_table).tolist():
            shapes.setdefault(tuple(self.sizes[list(self.supports[t])]), []).append(t)
        for shape, members in shapes.items():
            index = np.array(members)
            cells = self.table_offsets[index][:, None] + np.arange(np.prod(shape))
            positions = self.positions[self.offsets[index][:, None] + np.arange(len(shape))]
            yield index, positions, self.tables[cells].reshape(len(index), *shape)

    def variances(self, probabilities: list[np.ndarray]) -> np.ndarray:
        """Return E[a(T)^2] of every term under a product background.

        Args:
            probabilities: for each position the (m_i,) probabilities of its letters.

        Returns:
            (T,) float64.
        """
        result = np.zeros(len(self))
        for index, positions, tables in self.groups():
            squares = tables**2
            for axis in reversed(range(positions.shape[1])):
                weights = np.stack([probabilities[i] for i in positions[:, axis]])
                squares = np.einsum("g...a,ga->g...", squares, weights)
            result[index] = squares
        if len(self.amplitudes):
            owner = np.repeat(np.arange(len(self)), np.diff(self.fourier_offsets))
            np.add.at(result, owner, np.abs(self.amplitudes) ** 2)
        return result

    @cached_property
    def magnitudes(self) -> np.ndarray:
        """(T,) float64: a bound of |a_x(T)| over all x: the largest cell of a table, or the sum of |F|."""
        result = np.zeros(len(self))
        np.maximum.at(result, np.repeat(np.arange(len(self)), np.diff(self.table_offsets)), np.abs(self.tables))
        np.add.at(result, np.repeat(np.arange(len(self)), np.diff(self.fourier_offsets)), np.abs(self.amplitudes))
        return result

    def expand(self, letters: list[np.ndarray]) -> "Terms":
        """Return terms over new letters that are averages of the old ones.

        Args:
            letters: for each position an (m'_i, m_i) matrix whose rows are weights that sum to 1;
                row x' of it is what the new letter x' stands for. Exact, since terms are
                multilinear in the letters' weights.
        """
        sizes = np.array([len(w) for w in letters])
        tables = {}
        for index, positions, stack in self.groups():
            for axis in range(positions.shape[1]):
                weights = np.stack([letters[i] for i in positions[:, axis]])
                moved = np.moveaxis(stack, axis + 1, -1)
                stack = np.moveaxis(np.einsum("g...a,gxa->g...x", moved, weights), -1, axis + 1)
            tables.update({self.supports[t]: s for t, s in zip(index, stack, strict=True)})
        fourier_terms = {self.supports[t]: self.fourier_terms(t) for t in np.flatnonzero(~self.has_table).tolist()}
        phases = np.zeros((len(sizes), self.phases.shape[1], sizes.max()), np.complex128)
        for i, w in enumerate(letters):
            phases[i, :, : len(w)] = self.phases[i, :, : w.shape[1]] @ w.T
        return replace(Terms.build(sizes, tables, fourier_terms), phases=phases)

    def dividends(self, codes: np.ndarray) -> np.ndarray:
        """Return the (N, T) float64 dividends a_x(T) of (N, n) uint8 codes."""
        out = np.empty((len(codes), len(self)))
        over_sequences(kernels.dividends, codes, self.arrays, out)
        return out

    def predict(self, codes: np.ndarray) -> np.ndarray:
        """Return the (N,) float64 sums of all dividends of (N, n) uint8 codes."""
        out = np.empty(len(codes))
        over_sequences(kernels.predict, codes, self.arrays, out)
        return out

    def shapley_values(self, codes: np.ndarray) -> np.ndarray:
        """Return (N, n) float64: phi_i = sum of a(T)/|T| over the terms T that contain i."""
        out = np.zeros(codes.shape)
        over_sequences(kernels.shapley_values, codes, self.arrays, out)
        return out

    def hypothetical_values(self, codes: np.ndarray, letters: int) -> np.ndarray:
        """Return (N, n, letters) float64: the Shapley value of position i, were letter b there and all else as it is.

        Args:
            codes: (N, n) uint8.
            letters: how many codes of each position, from 0 on; zero beyond a position's own.
        """
        out = np.zeros((*codes.shape, letters))
        over_sequences(kernels.hypothetical_values, codes, self.arrays, True, out)
        return out

    def mutations(self, codes: np.ndarray, letters: int) -> np.ndarray:
        """Return (N, n, letters) float64: what the function changes by, were letter b at position i instead.

        Args:
            codes: (N, n) uint8.
            letters: how many codes of each position, from 0 on; without meaning beyond a position's own.
        """
        held = np.zeros((*codes.shape, letters))
        over_sequences(kernels.hypothetical_values, codes, self.arrays, False, held)
        return held - np.take_along_axis(held, codes[:, :, None].astype(np.int64), 2)

    def cell_sums(self, codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Sum weights over the sequences that fall into each cell of each table.

        This is the adjoint of `predict`: the same look-ups, adding instead of reading.

        Args:
            codes: (N, n) uint8.
            weights: (N,) float64 or float32; sums are float64.

        Returns:
            float64, in the layout of `tables`.
        """
        out = np.zeros(len(self.tables))
        columns = np.ascontiguousarray(codes.T)
        arrays = (self.offsets, self.positions, self.sizes, self.table_offsets)
        share_out(kernels.cell_sums, len(self), columns, *arrays, weights, out)
        return out

    @property
    def arrays(self) -> kernels.TermArrays:
        """All attributes, as the kernels take them."""
        return kernels.TermArrays(*(getattr(self, name) for name in kernels.TermArrays._fields))


def plain_phases(sizes: np.ndarray) -> np.ndarray:
    """Return (n, q, q) exp(2 pi i k x / q) with q the largest of the (n,) sizes."""
    letters = np.arange(sizes.max())
    phases = np.exp(2j * np.pi / len(letters) * (np.outer(letters, letters) % len(letters)))
    return np.repeat(phases[None], len(sizes), 0)


def _offsets(lengths: list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
