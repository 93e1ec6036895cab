"""Refinement: what the sketch misses of a sequence's Shapley values, from evaluations of its own, with error bars.

Shapley values are linear, so phi(f) = phi(f_hat) + phi(f - f_hat), and the second part can be estimated without
bias from a few evaluations of the model, whatever the sketch; the better the sketch, the smaller the error. Where a
student was distilled, f - f_hat = w (s - f_hat) + (f - f_hat - w (s - f_hat)): the first difference is sampled
from the student for nothing, the second from the model (two-level Monte Carlo; Giles 2015).

Each difference d is estimated from pairs of coalitions. For S of size t drawn with probability q_t / C(n, t), n the
free positions, and z from the background, v(S) = d(x_S, z) and

    phi_i(d) = (d(x) - E d) / n + E w_i(S) v(S),   w_i(S) = 1 / (t q_t) if i in S, else -1 / ((n - t) q_t),

the Shapley value as an expectation over coalitions (Fumagalli et al. 2023; Covert & Lee 2021 for the closely related
unbiased KernelSHAP). S and its complement share z and have opposite weights. Any function of t alone may be subtracted
from v without bias; d(x) (t / n)^3 is what a residual of order 3 does on average. The weights of a coalition add up to
nothing, so the values of a sequence sum to f(x) - E f exactly. q_t ~ 1 / sqrt(t (n - t)) has the least variance where
that of v does not depend on t.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numba
import numpy as np
from scipy.special import ndtri, stdtrit

from ..fidelity.records import Score
from ..models import Model
from ..sequences.background import Background
from ..sequences.parallel import over_sequences
from ..sequences.rng import MODEL_STREAM, STUDENT_STREAM, content_keys
from ..sequences.words import random_word
from ..settings.errors import InputError
from ..settings.records import RefineConfig
from ..spectrum.spectrum import Spectrum

Function = Callable[[np.ndarray], np.ndarray]

MIN_EVALUATIONS = 4  # evaluations that give a standard error
MAX_EVALUATIONS = 10_000  # evaluations per sequence, where only a standard error is asked for
PAIRS_PER_ROUND = 32  # pairs of coalitions drawn at once
SEQUENCES_AT_ONCE = 1024  # sequences refined at once
STUDENT_COST_RATIO = 8.0  # the root of how much cheaper a student is than a model, for the division of samples
MAX_FREE = 64  # student samples per model sample
TYPICAL_ORDER = 3  # of a typical residual
CONFIDENCE_LEVEL = 0.975  # value +- 1.96 standard errors is the 95 % interval of Student's t, however few the samples


@dataclass(frozen=True)
class Effort:
    """How much to spend on a sequence.

    Attributes:
        evaluations: of the model at most, besides the one of the sequence itself; even.
        standard_error: stop below this root mean square standard error over the free positions,
            for every output; None to spend all.
    """

    evaluations: int
    standard_error: float | None = None

    @classmethod
    def from_config(cls, refine: RefineConfig) -> "Effort":
        """Read `explain.refine` of the config."""
        return cls(refine.get("evaluations_per_sequence", MAX_EVALUATIONS) // 2 * 2, refine.get("standard_error"))


@dataclass(frozen=True)
class Residual:
    """What is known of f - f_hat under the background, from the sketch's hold-out, or from every sequence.

    Attributes:
        mean: its mean.
        mean_error: the standard error of that mean.
        student_weight: w above; 0 without a student.
        student_ratio: the standard deviation of the student's part over that of the rest.
    """

    mean: float = 0.0
    mean_error: float = 0.0
    student_weight: float = 0.0
    student_ratio: float = 0.0

    @classmethod
    def from_score(cls, score: Score) -> "Residual":
        """Read the record of one output in `faithfulness.json`."""
        residual = score["residual"]
        return cls(residual["mean"], residual["mean_error"], residual["student_weight"], residual["student_ratio"])


@dataclass(frozen=True)
class Refined:
    """Refined Shapley values of N sequences.

    Attributes:
        values, errors: (outputs, N, n) float64, values and their standard errors; zero at fixed positions.
        corrections: (outputs, N) float64, the root mean square, over free positions, of what refinement added to
            the sketch's values; noise included.
        evaluations: (N,) int64, how often the model was asked, the sequence itself not counted.
    """

    values: np.ndarray
    errors: np.ndarray
    corrections: np.ndarray
    evaluations: np.ndarray


@dataclass(frozen=True)
class Refiner:
    """What refinement needs of a model and its sketch.

    Attributes:
        model: the model.
        spectra: of its outputs, in its order.
        residuals: of its outputs.
        students: of its outputs; None where there is none.
        effort: how much to spend.
        seed: with a sequence's letters it determines that sequence's samples.
    """

    model: Model
    spectra: Sequence[Spectrum]
    residuals: Sequence[Residual]
    students: Sequence[Function | None]
    effort: Effort
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.spectra[0].background.is_product:
            raise InputError("The background is a Markov chain; explain.refine needs letters that are independent.")
        if self.effort.evaluations < MIN_EVALUATIONS:
            raise InputError(
                f"explain.refine gives {self.effort.evaluations} evaluations per sequence; at least "
                f"{MIN_EVALUATIONS} are needed."
            )

    @property
    def background(self) -> Background:
        """What absent letters are drawn from."""
        return self.spectra[0].background

    def reconstruct(self, codes: np.ndarray) -> np.ndarray:
        """Return f_hat, (Q, outputs), at (Q, n) local codes."""
        return np.stack([s.predict_codes(codes) for s in self.spectra], 1)

    def student_part(self, codes: np.ndarray, fitted: np.ndarray) -> np.ndarray:
        """Return w (s - f_hat), (Q, outputs); zero where there is no student."""
        part = np.zeros(fitted.shape)
        for k, (student, residual) in enumerate(zip(self.students, self.residuals, strict=True)):
            if student is not None and residual.student_weight:
                part[:, k] = residual.student_weight * (student(codes) - fitted[:, k])
        return part

    def __call__(self, codes: np.ndarray, predictions: np.ndarray) -> Refined:
        """Refine the Shapley values of sequences.

        Sequences are taken in blocks no larger than the model's batch size, so the model sees the same batches, and
        the values are the same to the bit, wherever a file was divided at multiples of that size.

        Args:
            codes: (N, n) uint8 local codes.
            predictions: (N, outputs) float64, the model at them.
        """
        step = min(self.model.batch_size, SEQUENCES_AT_ONCE)
        blocks = [self._refine(codes[k : k + step], predictions[k : k + step]) for k in range(0, len(codes), step)]
        empty = np.empty((len(self.spectra), 0, self.background.template.n))
        return Refined(
            np.concatenate([empty, *(b.values for b in blocks)], 1),
            np.concatenate([empty, *(b.errors for b in blocks)], 1),
            np.concatenate([empty[..., 0], *(b.corrections for b in blocks)], 1),
            np.concatenate([np.empty(0, np.int64), *(b.evaluations for b in blocks)]),
        )

    def _refine(self, codes: np.ndarray, predictions: np.ndarray) -> Refined:
        free = self.background.template.free
        fitted = self.reconstruct(codes)
        part = self.student_part(codes, fitted)
        expected = np.array([r.mean for r in self.residuals])
        at_x = predictions - fitted
        pairs = np.full(len(codes), self.effort.evaluations // 2)
        asked = self._sample(
            codes, pairs, self._model_difference, at_x - part, self.effort.standard_error, MODEL_STREAM
        )
        ratio = max((r.student_ratio for r in self.residuals if r.student_weight), default=0.0)
        values = asked.mean + ((at_x - expected) / len(free))[:, None, :]
        squares = asked.square + (np.array([r.mean_error for r in self.residuals]) / len(free)) ** 2
        if ratio:
            more = np.ceil(asked.pairs * np.clip(STUDENT_COST_RATIO * ratio, 1, MAX_FREE)).astype(np.int64)
            guessed = self._sample(codes, more, self._student_difference, part, None, STUDENT_STREAM)
            values, squares = values + guessed.mean, squares + guessed.square
        result = np.zeros((2, len(self.spectra), *codes.shape))
        result[0] = [s.components.shapley_values(codes) for s in self.spectra]
        result[0][..., free] += np.moveaxis(values, 2, 0)
        result[1][..., free] = np.sqrt(np.moveaxis(squares, 2, 0))
        return Refined(result[0], result[1], np.sqrt((values**2).mean(1)).T, 2 * asked.pairs)

    def _model_difference(self, codes: np.ndarray) -> np.ndarray:
        fitted = self.reconstruct(codes)
        answers = self.model(self.background.template.to_alphabet(codes))
        return answers - fitted - self.student_part(codes, fitted)

    def _student_difference(self, codes: np.ndarray) -> np.ndarray:
        return self.student_part(codes, self.reconstruct(codes))

    def _sample(
        self,
        codes: np.ndarray,
        pairs: np.ndarray,
        difference: Function,
        at_x: np.ndarray,
        aim: float | None,
        stream: int,
    ) -> "_Moments":
        """Draw rounds of coalition pairs until each sequence has its number of them or a small enough error.

        With an aim, the error so far says how many pairs a sequence is likely to need; then it is looked at again.
        """
        free, keys = self.background.template.free, content_keys(self.seed, stream, codes)
        moments = _Moments.empty(len(codes), len(free), at_x.shape[1])
        if len(free) == 1:
            return moments  # no coalitions but none and all
        done, wanted = 0, pairs if aim is None else np.minimum(pairs, 2 * PAIRS_PER_ROUND)
        while (active := np.flatnonzero(wanted > done)).size:
            count = int(min(PAIRS_PER_ROUND, wanted[active].max() - done))
            queries, weights, sizes = draw_pairs(self.background, codes[active], keys[active], done, done + count)
            v = difference(queries.reshape(-1, codes.shape[1])).reshape(*queries.shape[:3], -1)
            share = sizes[..., None] / len(free)
            gap = v[:, :, 0] - v[:, :, 1] - at_x[active, None] * (share**TYPICAL_ORDER - (1 - share) ** TYPICAL_ORDER)
            within = done + np.arange(count) < wanted[active, None]
            moments.add(active, 0.5 * weights * within[..., None], gap)
            done += count
            if aim is not None:
                error = np.sqrt(moments.at(done).square.mean(1).max(1))
                needed = (
                    np.ceil(np.minimum(done * (error / aim) ** 2, pairs) / PAIRS_PER_ROUND).astype(np.int64)
                    * PAIRS_PER_ROUND
                )
                short = (wanted == done) & (error > aim)
                wanted = np.where(short, np.minimum(np.maximum(needed, done + PAIRS_PER_ROUND), pairs), wanted)
        return moments.at(np.maximum(wanted, 1))


@dataclass(frozen=True)
class _Moments:
    """Sums, then means and squared standard errors, of (N, free, outputs) estimates."""

    mean: np.ndarray
    square: np.ndarray
    pairs: np.ndarray

    @classmethod
    def empty(cls, count: int, free: int, outputs: int) -> "_Moments":
        shape = (count, free, outputs)
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(count, np.int64))

    def add(self, rows: np.ndarray, weights: np.ndarray, gaps: np.ndarray) -> None:
        """Add estimates weights x gaps, of (R, P, free) and (R, P, outputs), to some rows."""
        self.mean[rows] += np.einsum("rpf,rpk->rfk", weights, gaps)
        self.square[rows] += np.einsum("rpf,rpk->rfk", weights**2, gaps**2)

    def at(self, pairs: np.ndarray | int) -> "_Moments":
        count = np.broadcast_to(pairs, self.pairs.shape)[:, None, None].astype(np.float64)
        spread = np.maximum(self.square - self.mean**2 / count, 0)
        freedom = np.maximum(count - 1, 1)
        square = spread / (count * freedom) * (stdtrit(freedom, CONFIDENCE_LEVEL) / ndtri(CONFIDENCE_LEVEL)) ** 2
        return replace(self, mean=self.mean / count, square=square, pairs=np.broadcast_to(pairs, self.pairs.shape))


def draw_pairs(
    background: Background, codes: np.ndarray, keys: np.ndarray, start: int, stop: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw coalitions with their complements, and backgrounds for both.

    Args:
        background: of absent letters.
        codes: (N, n) uint8 local codes.
        keys: (N,) uint64, one for each sequence's stream.
        start, stop: the range of pairs of that stream.

    Returns:
        (N, P, 2, n) uint8 local codes, x on the coalition or on its complement and z elsewhere; (N, P, free) weights
        w_i(S) of the coalition; (N, P) its sizes.
    """
    template = background.template
    n, pairs = len(template.free), stop - start
    sizes = np.arange(1, n)
    chance = 1 / np.sqrt(sizes * (n - sizes))
    chance /= chance.sum()
    queries = np.empty((len(codes), pairs, 2, template.n), np.uint8)
    weights, drawn = np.empty((len(codes), pairs, n)), np.empty((len(codes), pairs), np.int64)
    bounds = np.rint(np.cumsum(chance)[:-1] * 2.0**32).astype(np.uint64)
    law = (template.free, chance, bounds, background.thresholds)
    over_sequences(_draw, codes, keys, start, *law, queries, weights, drawn)
    return queries, weights, drawn


@numba.njit(cache=True, nogil=True)
def _draw(
    first_row: int,
    stop_row: int,
    codes: np.ndarray,
    keys: np.ndarray,
    start: int,
    free: np.ndarray,
    chance: np.ndarray,
    bounds: np.ndarray,
    thresholds: np.ndarray,
    queries: np.ndarray,
    weights: np.ndarray,
    drawn: np.ndarray,
) -> None:
    n, width = free.size, 2 * free.size + 1
    for r in range(first_row, stop_row):
        order = np.arange(n)
        for p in range(drawn.shape[1]):
            counter = (start + p) * width
            word, size = random_word(keys[r], counter), 1
            while size < n - 1 and word >= bounds[size - 1]:
                size += 1
            drawn[r, p] = size
            queries[r, p, 0], queries[r, p, 1] = codes[r], codes[r]
            for k in range(n):
                order[k] = k
            for k in range(n):  # a random order of the positions; the first of them are the coalition
                other = k + np.int64((random_word(keys[r], counter + 1 + k) * np.uint64(n - k)) >> np.uint64(32))
                order[k], order[other] = order[other], order[k]
                position, word, letter = free[order[k]], random_word(keys[r], counter + 1 + n + k), 0
                while letter < thresholds.shape[1] and word >= thresholds[position, letter]:
                    letter += 1
                queries[r, p, 1 if k < size else 0, position] = letter
                inside = 1.0 / (size * chance[size - 1])
                weights[r, p, order[k]] = inside if k < size else -1.0 / ((n - size) * chance[size - 1])
