"""A first look at a model, before it is sketched: does it take the input, does it answer, and twice the same?

Some sequences of the background are asked, and asked again: in the same batch, beside other sequences and in another
order, and alone. These evaluations are part of the budget.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal, TypedDict

import numpy as np

from ..models import Model
from ..sequences.background import Background
from ..sequences.rng import CHECK_STREAM, random_words
from ..settings.errors import InputError

MAX_ASKED_AGAIN, MAX_SHARE = 32, 0.1  # sequences that are asked again, and the share of a small budget for that
MAX_ASKED_ALONE = 2  # of them that are asked alone as well
BATCH_REPEATS = 10  # times that a batch is asked to tell random answers from those that depend on the batch
# Of two answers to one sequence: above which difference a model is refused, and above which that is noted, as a share
# of the spread of its answers, and what rounding may add as a share of their size. The second line holds where all
# answers have but the precision of bfloat16.
MAX_DIFFERENCE, MAX_SILENT_DIFFERENCE, MAX_ROUNDING = 1e-3, 1e-4, 1e-6
MAX_HALF_DIFFERENCE, MAX_HALF_ROUNDING = 3e-2, 2.0**-7  # the latter is twice that precision

Context = Literal["random", "batch", "alone"]  # the same batch again, another batch, one sequence alone


@dataclass(frozen=True)
class Difference:
    """How far apart the answers in one output were, in the output's unit.

    Attributes:
        largest: the largest difference between two answers to one sequence.
        spread: of all answers, the largest less the smallest.
    """

    largest: float
    spread: float


class CheckRecord(TypedDict):
    """A check as `check.json` holds it."""

    evaluations: int
    sequences: int
    difference: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Check:
    """What a first look at a model has shown.

    Attributes:
        evaluations: made in all.
        sequences: how many were asked more than once.
        difference: by output.
        notes: sentences for the terminal.
    """

    evaluations: int = 0
    sequences: int = 0
    difference: Mapping[str, Difference] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def record(self) -> CheckRecord:
        """Return plain values; the notes are none of them."""
        difference = {output: asdict(apart) for output, apart in self.difference.items()}
        return {"evaluations": self.evaluations, "sequences": self.sequences, "difference": difference}


def sequences_to_ask(budget: int, left: int) -> int:
    """Return how many sequences are asked more than once.

    Args:
        budget: all evaluations of the sketch, or of one masked sequence.
        left: those of them that a check may take; where every sequence is evaluated, what that leaves.
    """
    return max(0, min(MAX_ASKED_AGAIN, int(budget * MAX_SHARE) // 3, (left - MAX_ASKED_ALONE) // 3))


def evaluations_of(sequences: int) -> int:
    """Return how many evaluations it takes to ask so many sequences again."""
    return 3 * sequences + min(MAX_ASKED_ALONE, sequences)


def evaluations_to_make(budget: int, left: int) -> int:
    """Return how many evaluations `check_answers` makes; see `sequences_to_ask`."""
    return evaluations_of(sequences_to_ask(budget, left)) or max(0, min(left, 1))


def check_answers(model: Model, background: Background, *, budget: int, left: int, seed: int) -> Check:
    """Ask some sequences again and again, and compare the answers.

    Args:
        model: the model.
        background: what the sequences are drawn from, by a stream of their own.
        budget, left: see `sequences_to_ask`. Where too little is left, one sequence is asked once, or none.
        seed: of the sequences.

    Raises:
        InputError: the model fails, or answers one sequence differently; the sentence says when and what to do.
    """
    count = sequences_to_ask(budget, left)
    words = random_words(seed, CHECK_STREAM, 0, max(1, count) + count // 2, background.template.n)
    codes = background.template.to_alphabet(background.draw(words))
    if not count:
        if left > 0:
            model(codes[:1])
        return Check(evaluations=evaluations_to_make(budget, left))
    asked, others = codes[:count], codes[count:]
    answers = _Answers(model, asked, model(asked))
    rows = np.arange(count)
    answers.compare(rows, model(asked), "random")

    mixed = rows[::-1][: count - len(others)]
    order = np.argsort(np.concatenate([2 * np.arange(len(others)), 2 * np.arange(len(mixed)) + 1]))  # one of each
    batch = np.concatenate([others, asked[mixed]])[order]
    given = model(batch)
    of_others, of_mixed = np.split(given[np.argsort(order)], [len(others)])
    answers.note(of_others)
    answers.compare(mixed, of_mixed, "batch", [(batch, given)])

    single = rows[[0, -1]][: min(MAX_ASKED_ALONE, count)]
    batches = [asked[row : row + 1] for row in single]
    alone = [model(batch) for batch in batches]
    answers.compare(single, np.concatenate(alone), "alone", list(zip(batches, alone, strict=True)))
    return answers.summary(count)


class _Answers:
    """All answers of a first look, and how far those to the same sequence are apart.

    Args:
        model: the model.
        asked: (N, n) uint8 alphabet codes of the sequences that are asked again.
        first: (N, outputs) float64, what it answered at first.
    """

    def __init__(self, model: Model, asked: np.ndarray, first: np.ndarray) -> None:
        self.model, self.asked, self.first = model, asked, first
        self.all = first
        self.differences: list[np.ndarray] = []

    def note(self, values: np.ndarray) -> None:
        """Add answers to sequences that are asked once; they count towards the spread."""
        self.all = np.concatenate([self.all, values])

    def compare(
        self, rows: np.ndarray, values: np.ndarray, how: Context, batches: Sequence[tuple[np.ndarray, np.ndarray]] = ()
    ) -> None:
        """Take further answers to some of the sequences.

        Args:
            rows: (K,) which of them.
            values: (K, outputs) float64.
            how: they were asked.
            batches: the codes and the answers of each batch in which they were asked beside others, or alone.

        Raises:
            InputError: an answer is not the first one.
        """
        self.note(values)
        differences = np.abs(values - self.first[rows])
        refused, _ = _tolerances(self.all)
        if (differences > refused).any():
            for batch, given in batches:
                self._refuse_random(batch, given, refused)
            raise InputError(_sentence(self.model, self.asked, self.first, values, rows, how, self.all))
        self.differences.append(differences)

    def _refuse_random(self, batch: np.ndarray, given: np.ndarray, refused: np.ndarray) -> None:
        """Tell a model that is random, and answered the first batch the same by chance, from one that sees its batch.

        The very same batch is asked some times more. Nothing is sketched after this: these evaluations are of no
        budget.
        """
        for _ in range(BATCH_REPEATS):
            again = self.model(batch)
            if (np.abs(again - given) > refused).any():
                everything, rows = np.concatenate([self.all, again]), np.arange(len(batch))
                raise InputError(_sentence(self.model, batch, given, again, rows, "random", everything))

    def summary(self, sequences: int) -> Check:
        """Return what is known of every output once all answers are there; `sequences` were asked again."""
        largest, spread = np.concatenate(self.differences).max(0), np.ptp(self.all, axis=0)
        _, noted = _tolerances(self.all)
        difference = {}
        notes = []
        for k, output in enumerate(self.model.outputs):
            difference[output] = Difference(float(largest[k]), float(spread[k]))
            if largest[k] > noted[k]:
                notes.append(
                    f"{self.model.name} answers the same sequence with up to {largest[k]:.2g} of difference in "
                    f"{output}, {largest[k] / spread[k]:.1g} of the spread of its answers: that limits what can be "
                    "explained"
                )
        return Check(evaluations_of(sequences), sequences, difference, tuple(notes))


def _tolerances(answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By output, above which differences the model is refused, and above which they are noted."""
    spread, size = np.ptp(answers, axis=0), np.abs(answers).max(0)
    with np.errstate(over="ignore"):
        single = answers.astype(np.float32)
    short = (single.view(np.uint32) & 0x1FFF) == 0  # no more digits than bfloat16 or float16 have
    half = ((single == answers) & short).all(0) & (answers % 1 != 0).any(0)
    rounding = np.where(half, MAX_HALF_ROUNDING, MAX_ROUNDING) * size
    refused = np.where(half, MAX_HALF_DIFFERENCE, MAX_DIFFERENCE) * spread + rounding
    return refused, np.where(half, refused, MAX_SILENT_DIFFERENCE * spread + rounding)


def _sentence(
    model: Model,
    asked: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    rows: np.ndarray,
    how: Context,
    answers: np.ndarray,
) -> str:
    """Which sequence is answered how, how much that is, why it may be, and what to do.

    Args:
        model: the model.
        asked, first: (N, n) alphabet codes and the (N, outputs) first answers to them.
        second, rows: (K, outputs) other answers, and (K,) to which of them.
        how: the second answers were asked for.
        answers: (A, outputs), all of them, for their spread.
    """
    differences = np.abs(second - first[rows])
    spread = np.ptp(answers, axis=0)
    share = np.divide(differences, spread, out=np.zeros_like(differences), where=spread > 0)
    place, output = np.unravel_index(share.argmax(), share.shape)
    row = rows[place]
    text, name = model.text(asked[row]), model.outputs[output]
    before, after = first[row, output], second[place, output]
    size = f"the largest difference is {share[place, output]:.2g} of the spread of its answers"
    if how == "random":
        return (
            f"The model {model.name} answers the same batch differently when it is asked again: {name} of {text} was "
            f"{before:.6g}, then {after:.6g} ({size}). It is random, or remembers what it was asked: switch dropout "
            "off (model.eval()), fix the seed in every call, or average many answers within the model."
        )
    where = "beside other sequences and in another order" if how == "batch" else "alone"
    return (
        f"The model {model.name} gives the same batch the same answers, but other ones in another batch: {name} of "
        f"{text} was {before:.6g} in a batch of {min(len(asked), model.batch_size)}, and {after:.6g} {where} ({size}). "
        "It depends on what else it is asked: switch batch normalisation to inference (model.eval()), normalise by "
        "constants and not by the batch, or have every sequence asked alone (sketch: {batch_size: 1})."
    )
