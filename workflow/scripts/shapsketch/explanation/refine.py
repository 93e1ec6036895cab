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

The squared error of a value is the sum of that of the model's difference, of the student's, and of E (f - f_hat) / n,
which the hold-out tells and no sample of a sequence lowers. An aim is for their sum: of what the last leaves of it the
model's difference may be three quarters, and the student's, which is nearly free, the rest. Where evaluations end
before, the student's is sampled until it is a quarter of both, since more would hardly show.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..fidelity.records import Score
from ..models import Model
from ..sequences.background import Background
from ..sequences.rng import MODEL_STREAM, STUDENT_STREAM, content_keys
from ..settings.cost import MAX_REFINED
from ..settings.errors import InputError
from ..settings.records import RefineConfig
from ..spectrum.metrics import small_sample_factor
from ..spectrum.spectrum import Spectrum
from .pairs import draw_pairs

Function = Callable[[np.ndarray], np.ndarray]

MIN_EVALUATIONS = 4  # evaluations that give a standard error
PAIRS_PER_ROUND = 32  # pairs of coalitions drawn at once
SEQUENCES_AT_ONCE = 1024  # sequences refined at once
STUDENT_COST_RATIO = 8.0  # the root of how much cheaper a student is than a model, for the division of samples
MAX_FREE = 64  # student samples per model sample; with an aim, per sample that the model may be asked for
STUDENT_SHARE = 0.25  # of the squared error that is aimed at: what is left to the student's part
MIN_LEFT = 0.25  # of an aim, squared: what sampling may add where the error of E (f - f_hat) leaves less, or nothing
TYPICAL_ORDER = 3  # of a typical residual


@dataclass(frozen=True)
class Effort:
    """How much to spend on a sequence.

    Attributes:
        evaluations: of the model at most, besides the one of the sequence itself; even.
        standard_error: stop below this root mean square standard error over the free positions, of all parts
            together, for every output; None to spend all.
    """

    evaluations: int
    standard_error: float | None = None

    @classmethod
    def from_config(cls, refine: RefineConfig) -> "Effort":
        """Read `explain.refine` of the config."""
        return cls(refine.get("evaluations_per_sequence", MAX_REFINED) // 2 * 2, refine.get("standard_error"))


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
        asked = self._ask(codes, at_x - part)
        values = asked.mean + ((at_x - expected) / len(free))[:, None, :]
        squares = asked.square + self._mean_squares
        if self._weighs_students.any():
            guessed = self._guess(codes, part, asked)
            values, squares = values + guessed.mean, squares + guessed.square
        result = np.zeros((2, len(self.spectra), *codes.shape))
        result[0] = [s.components.shapley_values(codes) for s in self.spectra]
        result[0][..., free] += np.moveaxis(values, 2, 0)
        result[1][..., free] = np.sqrt(np.moveaxis(squares, 2, 0))
        return Refined(result[0], result[1], np.sqrt((values**2).mean(1)).T, 2 * asked.pairs)

    @property
    def _weighs_students(self) -> np.ndarray:
        """(outputs,) bool: which have a student's part."""
        both = zip(self.students, self.residuals, strict=True)
        return np.array([student is not None and bool(residual.student_weight) for student, residual in both])

    @property
    def _mean_squares(self) -> np.ndarray:
        """(outputs,): the squared error of each value that is due to E (f - f_hat)."""
        return (np.array([r.mean_error for r in self.residuals]) / len(self.background.template.free)) ** 2

    @property
    def _left(self) -> np.ndarray | None:
        """(outputs,): the mean squared error that an aim leaves to sampling; None without an aim."""
        if self.effort.standard_error is None:
            return None
        aim = self.effort.standard_error**2
        return np.maximum(aim - self._mean_squares, MIN_LEFT * aim)

    def _ask(self, codes: np.ndarray, at_x: np.ndarray) -> "_Moments":
        """Sample the model's difference, which is (N, outputs) `at_x` at the sequences."""
        pairs, aim = np.full(len(codes), self.effort.evaluations // 2), None
        if self._left is not None:
            aim = np.sqrt(np.where(self._weighs_students, 1 - STUDENT_SHARE, 1.0) * self._left)
            aim = np.broadcast_to(aim, at_x.shape)
        return self._sample(codes, pairs, self._model_difference, at_x, aim, MODEL_STREAM)

    def _guess(self, codes: np.ndarray, at_x: np.ndarray, asked: "_Moments") -> "_Moments":
        """Sample the student's difference, by what was `asked` of the model for its own."""
        if self._left is None:
            ratio = np.array([r.student_ratio for r in self.residuals])[self._weighs_students].max()
            pairs = np.ceil(asked.pairs * np.clip(STUDENT_COST_RATIO * ratio, 1, MAX_FREE)).astype(np.int64)
            return self._sample(codes, pairs, self._student_difference, at_x, None, STUDENT_STREAM)
        pairs, met = np.full(len(codes), MAX_FREE * (self.effort.evaluations // 2)), asked.square.mean(1)
        aim = np.sqrt(np.maximum(self._left - met, STUDENT_SHARE / (1 - STUDENT_SHARE) * met))
        return self._sample(codes, pairs, self._student_difference, at_x, aim, STUDENT_STREAM)

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
        aim: np.ndarray | None,
        stream: int,
    ) -> "_Moments":
        """Draw rounds of coalition pairs until each sequence has its number of them or a small enough error.

        With an aim, (N, outputs) root mean squares over the free positions, the error so far says how many pairs a
        sequence is likely to need; then it is looked at again.
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
            if aim is not None and (wanted == done).any():
                times = (np.sqrt(moments.at(done).square.mean(1)) / aim).max(1)  # the error, in units of its aim
                rounds = np.ceil(np.minimum(done * times**2, pairs) / PAIRS_PER_ROUND).astype(np.int64)
                needed = np.maximum(PAIRS_PER_ROUND * rounds, done + PAIRS_PER_ROUND)
                wanted = np.where((wanted == done) & (times > 1), np.minimum(needed, pairs), wanted)
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
        square = spread / (count * np.maximum(count - 1, 1)) * small_sample_factor(count) ** 2
        return replace(self, mean=self.mean / count, square=square, pairs=np.broadcast_to(pairs, self.pairs.shape))
