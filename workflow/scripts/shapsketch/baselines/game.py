"""The game that methods play: one evaluation of the model for each coalition, with background letters of its own."""

from dataclasses import dataclass, field

import numpy as np

from ..background import Background
from ..counter import COALITION_STREAM, content_keys, keyed_words
from . import Task, UnsuitedError

MEAN_DRAWS = 1000  # evaluations for E f, which all sequences share


@dataclass
class Game:
    """The game of one sequence: v_x(S) is asked as f(x_S, z), unbiased, with a fresh z for each coalition.

    Neither the whole coalition nor the empty one is drawn: the whole one is f(x), the empty one E f, which all games
    of a task share. The k-th background of a sequence follows from the seed and its letters alone.

    Attributes:
        task: what is asked.
        x: (n,) uint8 local codes of the sequence.
        mean: E f under the background.
        key: of the sequence's stream.
        evaluations: how often the model was asked so far.
    """

    task: Task
    x: np.ndarray
    mean: float
    key: np.uint64
    evaluations: int = 0
    _whole: float | None = field(default=None, repr=False)

    @property
    def players(self) -> int:
        """The number of free positions."""
        return len(self.task.background.template.free)

    def __call__(self, coalitions: np.ndarray) -> np.ndarray:
        """Return (M,) float64 values of (M, free) coalitions, true where x's letter is present.

        Raises:
            UnsuitedError: more is asked than the task allows.
        """
        coalitions = np.asarray(coalitions) > 0.5
        sizes = coalitions.sum(1)
        values = np.full(len(coalitions), self.mean)
        if (sizes == self.players).any():
            values[sizes == self.players] = self.whole
        drawn = (sizes > 0) & (sizes < self.players)
        self._count(int(drawn.sum()))
        values[drawn] = self.task.predict(self.queries(coalitions[drawn]))
        return values

    @property
    def whole(self) -> float:
        """f(x), asked once."""
        if self._whole is None:
            self._count(1)
            self._whole = float(self.task.predict(self.x[None])[0])
        return self._whole

    def queries(self, coalitions: np.ndarray) -> np.ndarray:
        """Return the (M, n) local codes of the next backgrounds, with x on (M, free) coalitions."""
        background, stop = self.task.background, self.evaluations
        codes = draw_background(background, self.key, stop - len(coalitions), stop)
        free = background.template.free
        codes[:, free] = np.where(coalitions, self.x[free], codes[:, free])
        return codes

    def _count(self, more: int) -> None:
        self.evaluations += more
        if self.evaluations > self.task.evaluations:
            raise UnsuitedError(
                f"It asked for {self.evaluations} evaluations of a sequence; it was given {self.task.evaluations}."
            )


def games(task: Task, mean: float) -> list[Game]:
    """Return a game for each of the task's sequences."""
    keys = content_keys(task.seed, COALITION_STREAM, task.codes)
    return [Game(task, x, mean, key) for x, key in zip(task.codes, keys, strict=True)]


def background_mean(task: Task) -> tuple[float, int]:
    """Estimate E f, once for all sequences; return it with the evaluations it took.

    The draws do not depend on the method, so that all share their error.
    """
    key = content_keys(task.seed, COALITION_STREAM, np.zeros((1, 0), np.uint8))[0]
    return float(task.predict(draw_background(task.background, key, 0, MEAN_DRAWS)).mean()), MEAN_DRAWS


def draw_background(background: Background, key: np.uint64, start: int, stop: int) -> np.ndarray:
    """Return rows start..stop-1 of a key's endless table of background sequences: (stop - start, n) local codes."""
    words = keyed_words(key, start, stop, background.template.n)
    return (words[:, :, None].astype(np.uint64) >= background.thresholds).sum(2, dtype=np.uint8)
