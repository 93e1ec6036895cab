"""Tensor trains: functions of all positions at once whose every explanation is a product of small matrices.

f(x) = G_1(x_1) G_2(x_2) ... G_n(x_n), with a matrix G_i(a) for each letter a at position i, the first with one row, the
last with one column. Under a product background let E_i = E[G_i(z_i)] and D_i(a) = G_i(a) - E_i. The dividend of T is
the product with D in T and E elsewhere; with E_i + t D_i(x_i) at the positions outside S the same product is
Delta_S(t), the polynomial of which every Shapley value and interaction index is a weighted sum of values (see
`quadrature`). So nothing is listed, sampled or truncated: all orders are there.

Trains explain one input in TN-SHAP (Heidari et al. 2025, arXiv:2510.22138); here one train holds the whole model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import chain, combinations
from math import comb

import numpy as np

from ..sequences.parallel import over_sequences, share_out
from . import train_kernels as kernels
from .indices import VALUES, Index
from .quadrature import index_weights, nodes_needed, radau_nodes

Array = np.ndarray
MAX_LISTED_ORDER = 3  # up to which all supports of a sequence are computed
TOLERANCE = 1e-10  # of the largest effect: what fewer nodes than the degree asks for may lose
PROBES = 256  # sequences that choose the number of nodes


@dataclass(frozen=True)
class Train:
    """A function of n letters as a product of matrices, under a background.

    Attributes:
        cores: (n, m, k, k) float64: the matrix of each letter at each position, filled up with zeros.
        means: (n, k, k) float64: E_i, the matrix of each position where it is absent: the mean of its own under a
            product background, a step of the chain under a Markov one (see `of_chain`).
        ranks: (n + 1,) int64: the size of each bond between positions; 1 at both ends.
        nodes: how many nodes of `quadrature` give Shapley values to 1e-10 of the largest effect, as measured.
        scale: the largest effect |f - mean| that was seen when that was measured.
    """

    cores: Array
    means: Array
    ranks: Array
    nodes: int
    scale: float

    @classmethod
    def build(cls, cores: Sequence[Array], probabilities: Sequence[Array]) -> "Train":
        """Make a train.

        Args:
            cores: for each position (r, m_i, r'), r' being the next one's r; 1 at both ends.
            probabilities: for each position the (m_i,) probabilities of its letters under the background.

        Raises:
            ValueError: shapes do not fit each other or the letters.
        """
        shapes = [core.shape for core in cores]
        ranks = np.array([1, *(shape[2] for shape in shapes)], np.int64)
        letters = [len(p) for p in probabilities]
        if [s[0] for s in shapes] != ranks[:-1].tolist() or ranks[-1] != 1 or [s[1] for s in shapes] != letters:
            raise ValueError(f"cores of shapes {shapes} are no train over {letters} letters")
        width = int(ranks.max())
        padded = np.zeros((len(cores), max(letters), width, width))
        means = np.zeros((len(cores), width, width))
        for i, (core, p) in enumerate(zip(cores, probabilities, strict=True)):
            padded[i, : core.shape[1], : core.shape[0], : core.shape[2]] = core.transpose(1, 0, 2)
            means[i] = np.tensordot(p, padded[i, : len(p)], 1)
        return cls(padded, means, ranks, 0, 0.0)._measured(letters)

    @classmethod
    def of_chain(cls, cores: Sequence[Array], initial: Array, steps: Sequence[Array]) -> "Train":
        """Make a train under a Markov chain, whose state joins that of each bond: ranks are m_i times as large.

        With z from the chain, E is the mean over z of the product, and a position that is present takes its own letter
        while the chain walks on: blocks P(b | a) G_i(b) for E_i and P(b | a) G_i(x_i) for x_i.

        Args:
            cores: as for `build`.
            initial: (m_0,) probabilities of the first letter.
            steps: for each position but the first the (m_(i-1), m_i) probabilities of its letter after the one before.

        Raises:
            ValueError: shapes do not fit.
        """
        if [core.shape[1] for core in cores] != [len(initial), *(step.shape[1] for step in steps)]:
            raise ValueError(f"a chain over {[len(initial), *(s.shape[1] for s in steps)]} letters is not the cores'")
        bonds = [1, *(core.shape[1] * core.shape[2] for core in cores[:-1]), 1]
        width, letters = max(bonds), [core.shape[1] for core in cores]
        padded, means = np.zeros((len(cores), max(letters), width, width)), np.zeros((len(cores), width, width))
        for i, (core, step) in enumerate(zip(cores, [initial[None], *steps], strict=True)):
            present = np.einsum("ab,rxs->xarbs", step, core)
            absent = np.einsum("ab,rbs->arbs", step, core)
            if i == len(cores) - 1:  # wherever the chain ends
                present, absent = present.sum(3, keepdims=True), absent.sum(2, keepdims=True)
            padded[i, : letters[i], : bonds[i], : bonds[i + 1]] = present.reshape(letters[i], bonds[i], bonds[i + 1])
            means[i, : bonds[i], : bonds[i + 1]] = absent.reshape(bonds[i], bonds[i + 1])
        return cls(padded, means, np.array(bonds), 0, 0.0)._measured(letters)

    def _measured(self, letters: Sequence[int]) -> "Train":
        """The train with `nodes` and `scale`, from sequences of random letters: rare ones come together in some."""
        codes = (np.random.default_rng(0).random((PROBES, self.n)) * letters).astype(np.uint8)
        effects = self.predict(codes) - self.mean
        scale, nodes = float(np.abs(effects).max()), 2
        while nodes < self.n:
            if (np.abs(self._values(codes, "SV", nodes).sum(1) - effects) <= self._slack(scale)).all():
                break
            nodes += max(1, nodes // 4)
        return replace(self, nodes=min(nodes, self.n), scale=scale)

    def _slack(self, effects: Array | float) -> Array | float:
        """By how much the sum of Shapley values may miss effects: a part of the largest, or rounding."""
        return TOLERANCE * np.maximum(np.abs(effects), self.scale) + 64 * np.spacing(abs(self.mean))

    @property
    def n(self) -> int:
        """The number of positions."""
        return len(self.cores)

    @cached_property
    def changes(self) -> Array:
        """(n, m, k, k) float64: D_i(a) = G_i(a) - E_i, what letter a changes; of no use beyond a position's letters."""
        return self.cores - self.means[:, None]

    @cached_property
    def mean(self) -> float:
        """The mean under the background, a(empty)."""
        left = np.eye(1, self.means.shape[1])
        for matrix in self.means:
            left = left @ matrix
        return float(left[0, 0])

    def expand(self, letters: Sequence[Array]) -> "Train":
        """Return the train over new letters that are averages of the old ones; exact, since f is linear in each core.

        Args:
            letters: for each position (m'_i, m_i) weights whose rows sum to 1.
        """
        cores = np.zeros((self.n, max(map(len, letters)), *self.cores.shape[2:]))
        for i, weights in enumerate(letters):
            cores[i, : len(weights)] = np.tensordot(weights, self.cores[i, : weights.shape[1]], 1)
        return replace(self, cores=cores)

    def scaled(self, factor: float) -> "Train":
        """Return the train times a factor."""
        cores, means = self.cores.copy(), self.means.copy()
        cores[0] *= factor
        means[0] *= factor
        return replace(self, cores=cores, means=means, scale=abs(factor) * self.scale)

    def truncate(self, max_order: int) -> "Train":
        """Return the train without the dividends above an order, exactly; its ranks are max_order + 1 times as large.

        The state of each bond is kept once for each number of letters that have spoken so far.
        """
        n, letters, width, _ = self.cores.shape
        states = max_order + 1
        cores = np.zeros((n, letters, width, states, width, states))
        means = np.zeros((n, width, states, width, states))
        for order in range(states):
            means[:, :, order, :, order] = self.means
            cores[:, :, :, order, :, order] = self.means[:, None]
            if order < max_order:
                cores[:, :, :, order, :, order + 1] = self.changes
        flat = (width * states, width * states)
        flat_cores, flat_means = cores.reshape(n, letters, *flat), means.reshape(n, *flat)
        for matrices in (flat_cores[-1], flat_means[-1]):  # any number of letters may have spoken at the end
            matrices[..., 0] = matrices[..., :states].sum(-1)
        ranks = self.ranks * states
        ranks[[0, -1]] = 1
        return Train(flat_cores, flat_means, ranks, min(self.nodes, states), self.scale)

    def predict(self, codes: Array) -> Array:
        """Return the (N,) float64 values of (N, n) uint8 local codes, the mean included."""
        out = np.empty(len(codes))
        over_sequences(kernels.predict, codes, self.cores, self.ranks, out)
        return out

    def predict_by_order(self, codes: Array, max_order: int) -> Array:
        """Return (max_order + 1, N) float64: what `truncate` to each order, from 0 on, predicts, without its cores.

        Args:
            codes: (N, n) uint8 local codes.
            max_order: the highest.
        """
        out = np.empty((len(codes), max_order + 1))
        over_sequences(kernels.predict_by_order, codes, self.means, self.changes, self.ranks, out)
        return out.T

    def shapley_values(self, codes: Array) -> Array:
        """Return the (N, n) float64 Shapley values of (N, n) uint8 local codes; a row adds up to f(x) less the mean.

        A sequence whose values miss that sum by more than 1e-10 of the largest effect, since it has higher orders than
        those that chose `nodes`, is passed through again with as many nodes as its degree asks for.
        """
        values = self._values(codes, "SV", self.nodes)
        again = self._missed(codes, values)
        if again.size:
            values[again] = self._values(codes[again], "SV", self.n)
        return values

    def _missed(self, codes: Array, values: Array) -> Array:
        """The rows whose Shapley values do not add up, and for which more nodes would help."""
        if self.nodes == self.n:
            return np.zeros(0, np.int64)
        effects = self.predict(codes) - self.mean
        return np.flatnonzero(np.abs(values.sum(1) - effects) > self._slack(effects))

    def _values(self, codes: Array, index: Index, nodes: int) -> Array:
        out = np.zeros(codes.shape)
        for t, weight in zip(radau_nodes(nodes)[0], index_weights(index, 1, 1, nodes), strict=True):
            if weight:
                over_sequences(kernels.add_values, codes, *self._at(t), self.changes, self.ranks, weight, out)
        return out

    def _at(self, t: float) -> tuple[Array, Array]:
        """E + t D, and its transposes."""
        matrices = self.means[:, None] + t * self.changes
        return matrices, np.ascontiguousarray(matrices.swapaxes(2, 3))

    def hypothetical_values(self, codes: Array, letters: int) -> Array:
        """Return (N, n, letters) float64: the Shapley value of position i, were letter b there and all else as it is.

        Args:
            codes: (N, n) uint8.
            letters: how many codes of each position, from 0 on; without meaning beyond a position's own.
        """
        again = self._missed(codes, self._values(codes, "SV", self.nodes))
        out = self._hypothetical(codes, letters, self.nodes)
        if again.size:
            out[again] = self._hypothetical(codes[again], letters, self.n)
        return out

    def _hypothetical(self, codes: Array, letters: int, nodes: int) -> Array:
        out = np.zeros((*codes.shape, letters))
        for t, weight in zip(radau_nodes(nodes)[0], index_weights("SV", 1, 1, nodes), strict=True):
            over_sequences(kernels.add_letters, codes, *self._at(t), self.changes, self.ranks, weight, out)
        return out

    def mutations(self, codes: Array) -> Array:
        """Return (N, n, m) float64: f with letter b at position i and all else as it is (saturation mutagenesis)."""
        out = np.zeros((*codes.shape, self.cores.shape[1]))
        transposed = np.ascontiguousarray(self.cores.swapaxes(2, 3))
        over_sequences(kernels.add_letters, codes, self.cores, transposed, self.cores, self.ranks, 1.0, out)
        return out

    def interactions(self, codes: Array, indices: Sequence[Index], max_order: int, listed: int | None = None) -> Array:
        """Return every value of interaction indices up to an order.

        Args:
            codes: (N, n) uint8 local codes.
            indices: I interaction indices; `SV` and `BV` have order 1 whatever their top order is.
            max_order: the top order of the indices.
            listed: the highest order to list, 1 to 3; None is the top order.

        Returns:
            (I, N, S) float64, with S supports as `listed_supports` lists them.
        """
        listed = min(max_order, MAX_LISTED_ORDER) if listed is None else listed
        out = self._interactions(codes, indices, max_order, listed, self.nodes)
        again = self._missed(codes, self._values(codes, "SV", self.nodes))
        if again.size:
            out[:, again] = self._interactions(codes[again], indices, max_order, listed, self.n)
        return out

    def _interactions(self, codes: Array, indices: Sequence[Index], max_order: int, listed: int, nodes: int) -> Array:
        tops = [1 if index in VALUES else max_order for index in indices]
        nodes = max(nodes_needed(index, top, nodes, self.n) for index, top in zip(indices, tops, strict=True))
        weights = np.zeros((nodes, len(indices), listed))
        for k, (index, top) in enumerate(zip(indices, tops, strict=True)):
            for order in range(1, min(top, listed) + 1):
                weights[:, k, order - 1] = index_weights(index, order, top, nodes)
        changes_t = np.ascontiguousarray(self.changes.swapaxes(2, 3))
        out = np.zeros((len(indices), len(codes), count_supports(self.n, listed)))
        for t, shares in zip(radau_nodes(nodes)[0], weights, strict=True):
            if shares.any():
                share_out(
                    kernels.add_interactions,
                    len(codes),
                    codes,
                    *self._at(t),
                    self.changes,
                    changes_t,
                    self.ranks,
                    shares,
                    out,
                )
        return out

    def derivatives(self, codes: Array, supports: Array, index: Index, max_order: int) -> Array:
        """Return an index of given supports of one order, whatever that is.

        Args:
            codes: (N, n) uint8 local codes.
            supports: (S, s) positions, ascending in each row.
            index: an interaction index.
            max_order: its top order, at least s.

        Returns:
            (N, S) float64.
        """
        out = np.zeros((len(codes), len(supports)))
        weights = index_weights(index, supports.shape[1], max_order, self.n)
        for t, weight in zip(radau_nodes(self.n)[0], weights, strict=True):
            if weight:
                matrices = (*self._at(t), self.changes, self.ranks)
                over_sequences(kernels.add_supports, codes, *matrices, supports, weight, out)
        return out

    def table(self, support: Sequence[int]) -> Array:
        """Return the dividends on a support, a table with one axis per position of it; exact."""
        left, axes = np.eye(1, self.means.shape[1]), []
        for i in range(self.n):
            if i in support:
                left = np.tensordot(left, self.changes[i], ([-1], [1]))  # (cells, m, k)
                axes.append(left.shape[1])
                left = left.reshape(-1, left.shape[-1])
            else:
                left = left @ self.means[i]
        return left[:, 0].reshape(axes)


@lru_cache(maxsize=4)
def listed_supports(n: int, max_order: int) -> Array:
    """Return the supports up to an order as (S, max_order) int64 positions, by order, then by position; -1 fills up."""
    table = np.full((count_supports(n, max_order), max_order), -1)
    start = 0
    for order in range(1, max_order + 1):
        size = comb(n, order)
        flat = np.fromiter(chain.from_iterable(combinations(range(n), order)), np.int64, size * order)
        table[start : start + size, :order] = flat.reshape(size, order)
        start += size
    return table


def count_supports(n: int, max_order: int) -> int:
    """The number of supports of n positions up to an order."""
    return sum(comb(n, order) for order in range(1, max_order + 1))
