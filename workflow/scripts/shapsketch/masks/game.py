"""Games of sequences: which positions are a player, and what the model says when some players are absent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np

from ..sequences.background import Background
from ..sequences.draws import Draws
from ..sequences.parallel import share_out
from ..sequences.rng import MASK_STREAM, content_keys
from ..sequences.template import Template
from ..sequences.words import random_word
from ..settings.errors import InputError
from .plan import MAX_PLAYERS, MaskPlan

LETTERS_AT_ONCE = 1 << 24  # letters of the queries that are held in memory
USUAL_WIDTH = 10  # of segments, where one per position is too many
FIXED_RATE = 1e-6  # of each letter's draws, in a background that is all but one sequence, which then counts as fixed

Segments = int | Sequence[Sequence[int]] | None


@dataclass(frozen=True)
class Players:
    """Which player each position belongs to.

    Attributes:
        owners: (n,) int64, the player of a position; -1 where the letter always stays: at fixed positions of the
            template, and between segments that are listed.
        first, last: (m,) int64, the 0-based first and last position of each player.
    """

    owners: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def build(cls, template: Template, segments: Segments = None, window: Sequence[int] | None = None) -> "Players":
        """Divide the free positions of a template.

        Args:
            template: of the model.
            segments: None for one player per free position; a width, for segments of so many letters from the first
                on; or a list of [first, last] positions, 1-based, both included, ascending.
            window: the [first, last] of the positions that are players, one each; the rest of the sequence stays.

        Raises:
            InputError: listed segments overlap, leave the template, or one holds no free position; or the window does;
                or there are more players than can be masked.
        """
        n = template.n
        if window is not None:
            bounds = _windowed(template, window)
        elif segments is None:
            bounds = np.column_stack([template.free, template.free])
        elif isinstance(segments, int):
            starts = np.arange(0, n, segments)
            bounds = np.column_stack([starts, np.minimum(starts + segments, n) - 1])
            free = np.isin(np.arange(len(starts)), template.free // segments)
            bounds = bounds[free]
        else:
            bounds = _listed(template, segments)
        if len(bounds) > MAX_PLAYERS:
            raise InputError(_too_many(len(bounds), template, segments, window))
        owners = np.full(n, -1)
        for player, (first, last) in enumerate(bounds.tolist()):
            owners[first : last + 1] = player
        owners[template.sizes == 1] = -1
        return cls(owners, bounds[:, 0], bounds[:, 1])

    @property
    def count(self) -> int:
        """The number m of players."""
        return len(self.first)

    @cached_property
    def sizes(self) -> np.ndarray:
        """(m,) int64: the free positions of each player."""
        return np.bincount(self.owners[self.owners >= 0], minlength=self.count)

    @property
    def are_positions(self) -> bool:
        """Whether every player is one position."""
        return bool((self.first == self.last).all())

    def absent(self, masks: np.ndarray) -> np.ndarray:
        """(N, n) bool: which positions are absent under (N, m) masks."""
        return np.pad(masks == 0, ((0, 0), (0, 1)))[:, self.owners]

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Share (..., m) values of players out over their free positions, equally; (..., n)."""
        shares = np.append(values / self.sizes, np.zeros((*values.shape[:-1], 1)), -1)
        return shares[..., self.owners]

    @property
    def names(self) -> list[str]:
        """The 1-based position of each player, or its range, as in `"101-120"`."""
        return [str(a + 1) if a == b else f"{a + 1}-{b + 1}" for a, b in zip(self.first, self.last, strict=True)]


def _too_many(count: int, template: Template, segments: Segments, window: Sequence[int] | None) -> str:
    """What to say of more players than can be masked, and which there could be."""
    least, most = -(-template.n // MAX_PLAYERS), f"and at most {MAX_PLAYERS} can be"
    wider = f"set explain.masks.players to {{segments: {max(least, USUAL_WIDTH)}}}, say"
    if window is not None:
        return (
            f"explain.masks.players names the window {list(window)}, whose {count} free positions are to be masked one "
            f"by one, {most}: narrow it, or {wider}."
        )
    if segments is None:
        return f"{count} free positions are to be masked one by one, {most}: {wider}, or to a window."
    if isinstance(segments, int):
        return (
            f"explain.masks.players divides {template.n} positions into {count} segments of {segments} to be masked, "
            f"{most}: set it to {{segments: {least}}} or more, or to a window."
        )
    return f"explain.masks.players lists {count} segments to be masked, {most}: join some, or list fewer."


def _windowed(template: Template, window: Sequence[int]) -> np.ndarray:
    """The (m, 2) 0-based bounds of the free positions of a window."""
    first, last = window
    if not 0 < first <= last <= template.n:
        raise InputError(
            f"explain.masks.players names the window [{first}, {last}]; a window is [first, last], 1-based, within the "
            f"template's {template.n} positions."
        )
    free = template.free[(template.free >= first - 1) & (template.free < last)]
    if not len(free):
        raise InputError(f"explain.masks.players names the window [{first}, {last}], which has no free position.")
    return np.column_stack([free, free])


def _listed(template: Template, segments: Sequence[Sequence[int]]) -> np.ndarray:
    """The (m, 2) 0-based bounds of listed segments."""
    before = 0
    for first, last in segments:
        if not before < first <= last <= template.n:
            raise InputError(
                f"explain.masks.players lists the segment [{first}, {last}], after position {before}; segments are "
                f"1-based, ascend, do not overlap, and lie within the template's {template.n} positions."
            )
        if not (template.sizes[first - 1 : last] > 1).any():
            raise InputError(f"explain.masks.players lists the segment [{first}, {last}], which has no free position.")
        before = last
    return np.array(segments, np.int64) - 1


@dataclass(frozen=True)
class SequenceGame:
    """The game of one sequence: what the model is asked about it.

    Every mask has letters of its own for what is absent (those of a walk share them), drawn from the background by a
    stream that the seed and the sequence's letters determine. A plan without noise takes the likeliest letters.

    Attributes:
        background: of absent letters; of whole sequences, those that may be drawn for this one.
        players: who they are.
        plan: the masks.
        codes: (n,) uint8 local codes of the sequence.
    """

    background: Background | Draws
    players: Players
    plan: MaskPlan
    codes: np.ndarray

    @property
    def size(self) -> int:
        """How many queries there are: those of the plan, mask by mask and draw by draw."""
        return self.plan.evaluations

    @cached_property
    def _thresholds(self) -> np.ndarray:
        assert isinstance(self.background, Background)
        return self.background.thresholds if self.plan.noisy else likeliest(self.background)

    def key(self, stream: int = MASK_STREAM) -> np.uint64:
        """The key of a stream of letters."""
        return content_keys(self.plan.plan.seed, stream, self.codes[None])[0]

    def queries(self, rows: np.ndarray) -> np.ndarray:
        """Return the (N, n) uint8 local codes of (N,) queries."""
        mask, draw = np.divmod(rows, self.plan.draws)
        numbers = self.plan.backgrounds[mask] * self.plan.draws + draw
        return self.compose(self.plan.masks[mask], self.key(), numbers)

    def compose(self, masks: np.ndarray, key: np.uint64, numbers: np.ndarray) -> np.ndarray:
        """Return (N, n) uint8 local codes under (N, m) masks, with the draws of such numbers; see `compose`."""
        if not isinstance(self.background, Background):
            different, which = np.unique(numbers, return_inverse=True)
            drawn = self.background.draw(key, different)[which]
            return np.where(self.players.absent(masks), drawn, self.codes)
        return compose(self._thresholds, self.players, self.codes, masks, key, numbers)

    def ask(self, predict: Callable[[np.ndarray], np.ndarray], batch: int) -> np.ndarray:
        """Return the (size, outputs) float64 answers to all queries.

        Args:
            predict: from (N, n) uint8 alphabet codes to (N, outputs) numbers.
            batch: sequences that it takes at once.
        """
        template = self.background.template
        step = max(1, LETTERS_AT_ONCE // (template.n * batch)) * batch
        answers = [
            predict(template.to_alphabet(self.queries(np.arange(start, min(start + step, self.size)))))
            for start in range(0, self.size, step)
        ]
        return np.concatenate(answers)

    def means(self, answers: np.ndarray) -> np.ndarray:
        """Return the (masks, outputs) means of answers over the draws of each mask."""
        return answers.reshape(len(self.plan.masks), self.plan.draws, -1).mean(1)


def is_fixed(background: Background | Draws, players: Players) -> bool:
    """Whether what is drawn for absent players is one sequence, but for less than `FIXED_RATE` of each letter's draws.

    It is of each letter, so that one rate of mutations means the same however long sequences are.
    """
    if not isinstance(background, Background):
        return background.is_fixed
    free = players.owners >= 0
    return float((1 - background.probabilities[free].max(1)).max(initial=0)) < FIXED_RATE


def likeliest(background: Background) -> np.ndarray:
    """Return (n, letters) uint64 thresholds, as `Background.thresholds`, that always give the likeliest letter."""
    letters = np.array([p.argmax() for p in background.local])[:, None]
    return np.where(np.arange(background.thresholds.shape[1]) < letters, np.uint64(0), np.uint64(2**32))


def compose(
    thresholds: np.ndarray,
    players: Players,
    codes: np.ndarray,
    masks: np.ndarray,
    key: np.uint64,
    numbers: np.ndarray,
) -> np.ndarray:
    """Return (N, n) uint8 local codes: the sequence where players are present, background letters where they are not.

    Args:
        thresholds: (n, letters) uint64, of the background of absent letters.
        players: who they are.
        codes: (n,) uint8 local codes of the sequence.
        masks: (N, m) uint8.
        key: of the stream.
        numbers: (N,) int64, of draws in the stream, which determine their letters whatever the mask.
    """
    queries = np.empty((len(masks), len(codes)), np.uint8)
    share_out(_compose, len(masks), codes, masks, numbers, key, players.owners, thresholds, queries)
    return queries


@numba.njit(cache=True, nogil=True)
def _compose(
    start: int,
    stop: int,
    codes: np.ndarray,
    masks: np.ndarray,
    numbers: np.ndarray,
    key: np.uint64,
    owners: np.ndarray,
    thresholds: np.ndarray,
    queries: np.ndarray,
) -> None:
    n = codes.size
    for r in range(start, stop):
        for i in range(n):
            queries[r, i] = codes[i]
            if owners[i] >= 0 and not masks[r, owners[i]]:
                word, letter = random_word(key, numbers[r] * n + i), 0
                while letter < thresholds.shape[1] and word >= thresholds[i, letter]:
                    letter += 1
                queries[r, i] = letter
