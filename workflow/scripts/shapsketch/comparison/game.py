"""The game that methods play: an evaluation of the model for each coalition, with background letters of its own."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from ..sequences.background import Background
from ..sequences.rng import COALITION_STREAM, content_keys, keyed_words
from ..settings.methods import MEAN_DRAWS
from . import Answer, Interactions, Task, UnsuitedError

Solution = tuple[np.ndarray, Interactions | None]


@dataclass
class Game:
    """The game of one sequence: v_x(S) is asked as f(x_S, z), unbiased, with a fresh z for each coalition.

    The whole coalition is f(x), asked once; the empty one is E f, which all sequences share. The k-th background of a
    sequence follows from the seed and its letters alone.

    Attributes:
        task: what is asked.
        x: (n,) uint8 local codes of the sequence.
        mean: E f under the background.
        key: of the sequence's stream.
        draws: evaluations that each coalition is averaged over.
        evaluations: how often the model was asked so far.
    """

    task: Task
    x: np.ndarray
    mean: float
    key: np.uint64
    draws: int = 1
    evaluations: int = 0
    _whole: float | None = field(default=None, repr=False)

    @property
    def players(self) -> int:
        """The number of free positions."""
        return len(self.task.background.template.free)

    @property
    def budget(self) -> int:
        """How many coalitions may be asked for, the whole one counted and the empty one, which costs nothing."""
        return (self.task.evaluations - 1) // self.draws + 2

    @property
    def seed(self) -> int:
        """A seed below 2**32 for a library's own draws, from the seed and the letters."""
        return int(self.key >> np.uint64(32))

    def __call__(self, coalitions: np.ndarray) -> np.ndarray:
        """Return (M,) float64 values of (M, free) coalitions, true where x's letter is present.

        Raises:
            UnsuitedError: more is asked than the task allows.
        """
        coalitions = np.atleast_2d(np.asarray(coalitions)) > 0.5
        sizes = coalitions.sum(1)
        values = np.full(len(coalitions), self.mean)
        if (sizes == self.players).any():
            values[sizes == self.players] = self.whole
        drawn = np.flatnonzero((sizes > 0) & (sizes < self.players))
        if len(drawn):
            values[drawn] = self._ask(coalitions[drawn])
        return values

    @property
    def whole(self) -> float:
        """f(x)."""
        if self._whole is None:
            self._count(1)
            self._whole = float(self.task.predict(self.x[None])[0])
        return self._whole

    def _ask(self, coalitions: np.ndarray) -> np.ndarray:
        start = self.evaluations
        self._count(len(coalitions) * self.draws)
        codes = draw_background(self.task.background, self.key, start, self.evaluations)
        free = self.task.background.template.free
        codes[:, free] = np.where(np.repeat(coalitions, self.draws, 0), self.x[free], codes[:, free])
        return self.task.predict(codes).reshape(-1, self.draws).mean(1)

    def _count(self, more: int) -> None:
        self.evaluations += more
        if self.evaluations > self.task.evaluations:
            raise UnsuitedError(
                f"It asked for {self.evaluations} evaluations of a sequence; it was given {self.task.evaluations}."
            )


def play(task: Task, solve: Callable[[Game], Solution], *, distinct: bool, note: str = "") -> Answer:
    """Let a method that pays per sequence play the game of each.

    Args:
        task: what is asked.
        solve: returns (free,) Shapley values of a game, and its interactions by players, if any.
        distinct: whether a coalition is asked for once at most. Then, where there are more evaluations than coalitions,
            each is averaged over several.
        note: for the reader.
    """
    free = task.background.template.free
    keys = content_keys(task.seed, COALITION_STREAM, task.codes)
    mean, fixed = background_mean(task)
    draws = max(1, (task.evaluations - 1) // (2 ** len(free) - 2)) if distinct and 1 < len(free) < 40 else 1
    values, per_sequence = np.zeros(task.codes.shape), np.zeros(len(task.codes), np.int64)
    interactions: list[Interactions] | None = []
    for row, (x, key) in enumerate(zip(task.codes, keys, strict=True)):
        game = Game(task, x, mean, key, draws)
        with global_seed(game.seed):
            values[row, free], terms = solve(game)
        per_sequence[row] = game.evaluations
        if terms is None:
            interactions = None
        elif interactions is not None:
            interactions.append({tuple(free[list(s)].tolist()): float(v) for s, v in terms.items()})
    return Answer(values, None, interactions, fixed, per_sequence, note)


def background_mean(task: Task) -> tuple[float, int]:
    """Estimate E f, once for all sequences; return it with the evaluations it took.

    The draws do not depend on the method, so that all share their error.
    """
    key = content_keys(task.seed, COALITION_STREAM, np.zeros((1, 0), np.uint8))[0]
    return float(task.predict(draw_background(task.background, key, 0, MEAN_DRAWS)).mean()), MEAN_DRAWS


def draw_background(background: Background, key: np.uint64, start: int, stop: int) -> np.ndarray:
    """Return rows start..stop-1 of a key's endless table of background sequences: (stop - start, n) local codes."""
    words = keyed_words(key, start, stop, background.template.n)
    return letters(background, words)


def letters(background: Background, words: np.ndarray) -> np.ndarray:
    """Turn (..., n) uniform 32-bit words into (..., n) uint8 local codes of the background."""
    return (words[..., None] >= background.thresholds).sum(-1, dtype=np.uint8)


@contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """Seed the global random states, from which some libraries draw, and put them back afterwards."""
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
