"""How good the values of a method are: against the truth, and by deletion and insertion; intervals over sequences."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from ..sequences.rng import BOOTSTRAP_STREAM, CURVE_STREAM, content_keys, random_words
from . import Answer, Task
from .game import draw_background
from .truth import Truth

REPLICATES = 1000  # of the bootstrap over sequences
MAX_PAIR_ERROR = 0.3  # of the true pairs, over their spread, above which nobody can tell which are strongest
STRONGEST_PAIRS = 10  # pairs of each sequence that a method should find
Scores = dict[str, tuple[float, float, float]]  # by name: the score, and its 95 % interval


@dataclass(frozen=True)
class Scorer:
    """Scores answers to the tasks of one output.

    Attributes:
        truth: of all outputs.
        output: which.
        draws: background draws for each point of the curves; 0 for no curves.
        seed: of the bootstrap and of the draws.
    """

    truth: Truth
    output: int
    draws: int
    seed: int

    def __call__(self, task: Task, answer: Answer) -> Scores:
        """Return `r2`, `pearson`, `spearman` over all values, and means of `pair_recall`, `insertion`, `deletion`.

        What cannot be told is missing.
        """
        free = task.background.template.free
        values, truth = answer.values[:, free], self.truth.values[self.output]
        counts = self._resamples(len(values))
        scores = agreement(values, truth, counts)
        per_sequence: dict[str, np.ndarray] = {}
        if answer.interactions is not None and len(free) > 1 and self.truth.pair_errors[self.output] < MAX_PAIR_ERROR:
            per_sequence["pair_recall"] = self.recall(answer, free)
        if self.draws:
            per_sequence["insertion"], per_sequence["deletion"] = self.curves(task, values)
        for name, by_sequence in per_sequence.items():
            scores[name] = _interval(by_sequence.mean(), counts @ by_sequence / counts.sum(1))
        return scores

    def recall(self, answer: Answer, free: np.ndarray) -> np.ndarray:
        """Return the (S,) shares of the strongest true pairs that are among the answer's strongest pairs."""
        i, j = np.triu_indices(len(free), 1)
        assert answer.interactions is not None
        count = min(STRONGEST_PAIRS, len(i))
        true = np.abs(self.truth.pairs[self.output][:, i, j])
        answered = np.zeros_like(true)
        names = {(int(free[a]), int(free[b])): k for k, (a, b) in enumerate(zip(i, j, strict=True))}
        for row, interactions in zip(answered, answer.interactions, strict=True):
            for support, value in interactions.items():
                if support in names:
                    row[names[support]] = abs(value)
        first, second = (np.argsort(-part, axis=1, kind="stable")[:, :count] for part in (true, answered))
        nonzero = np.take_along_axis(answered, second, 1) > 0
        return ((first[:, :, None] == second[:, None]) & nonzero[:, None]).any(2).mean(1)

    def curves(self, task: Task, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the (S,) areas under the insertion and the deletion curve (Petsiuk et al., BMVC 2018).

        Letters enter, or leave, the most positive value first; what is absent is drawn from the background, the same
        draws for every method. The area is the mean of the model along the curve, in its own units.
        """
        order = np.argsort(-values, axis=1, kind="stable")
        rank, players = np.argsort(order, axis=1), values.shape[1]
        keys = content_keys(self.seed, CURVE_STREAM, task.codes)
        areas = np.empty((2, len(values)))
        steps = np.arange(players + 1)[:, None]
        for row, (x, key) in enumerate(zip(task.codes, keys, strict=True)):
            z = draw_background(task.background, key, 0, self.draws)
            for k, present in enumerate((rank[row] < steps, rank[row] >= steps)):
                codes = np.repeat(z[None], players + 1, 0)
                free = task.background.template.free
                codes[..., free] = np.where(present[:, None], x[free], codes[..., free])
                areas[k, row] = task.predict(codes.reshape(-1, len(x))).mean()
        return areas[0], areas[1]

    def _resamples(self, sequences: int) -> np.ndarray:
        """How often each bootstrap replicate has each sequence: (replicates, S)."""
        words = random_words(self.seed, BOOTSTRAP_STREAM, 0, REPLICATES, sequences)
        chosen = (words.astype(np.uint64) * np.uint64(sequences)) >> np.uint64(32)
        counts = np.zeros((REPLICATES, sequences))
        np.add.at(counts, (np.arange(REPLICATES)[:, None], chosen.astype(np.int64)), 1)
        return counts


def agreement(values: np.ndarray, truth: np.ndarray, counts: np.ndarray) -> Scores:
    """Return `r2`, `pearson` and `spearman` of all (S, free) values, with intervals from (B, S) bootstrap counts."""
    everyone = np.ones((1, len(values)))
    ranks = [rankdata(part).reshape(part.shape) for part in (values, truth)]
    scores = {}
    for name, score, (a, b) in (
        ("r2", _r_squared, (values, truth)),
        ("pearson", _correlation, (values, truth)),
        ("spearman", _correlation, ranks),
    ):
        scores[name] = _interval(score(a, b, everyone)[0], score(a, b, counts))
    return scores


def _r_squared(values: np.ndarray, truth: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """R2 for each row of counts; NaN where the truth does not vary."""
    size = counts.sum(1) * truth.shape[1]
    total = counts @ (truth**2).sum(1) - (counts @ truth.sum(1)) ** 2 / size
    missed = counts @ ((values - truth) ** 2).sum(1)
    return 1 - np.divide(missed, total, out=np.full(len(counts), np.nan), where=total > 0)


def _correlation(a: np.ndarray, b: np.ndarray, counts: np.ndarray) -> np.ndarray:
    a, b = a - a.mean(), b - b.mean()
    size = counts.sum(1) * a.shape[1]
    mean_a, mean_b = counts @ a.sum(1) / size, counts @ b.sum(1) / size
    covariance = counts @ (a * b).sum(1) / size - mean_a * mean_b
    product = (counts @ (a**2).sum(1) / size - mean_a**2) * (counts @ (b**2).sum(1) / size - mean_b**2)
    return np.divide(covariance, np.sqrt(np.maximum(product, 0)), out=np.full(len(counts), np.nan), where=product > 0)


def _interval(score: float, replicates: np.ndarray) -> tuple[float, float, float]:
    kept = replicates[np.isfinite(replicates)]
    low, high = np.percentile(kept, [2.5, 97.5]) if len(kept) else (np.nan, np.nan)
    return float(score), float(low), float(high)


def flatten(scores: Mapping[str, tuple[float, float, float]]) -> dict[str, float]:
    """Spread scores over columns: `r2`, `r2_low`, `r2_high`, ..."""
    ends = ("", "_low", "_high")
    return {f"{name}{end}": part for name, interval in scores.items() for end, part in zip(ends, interval, strict=True)}
