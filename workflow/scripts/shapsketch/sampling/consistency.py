"""A first look at a model, before it is sketched: does it take the input, does it answer, and twice the same?

Some sequences of the background are asked, and asked again: in the same batch, beside other sequences and in another
order, and alone. These evaluations are part of the budget.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..models import Model
from ..sequences.background import Background
from ..sequences.rng import CHECK_STREAM, random_words
from ..settings.errors import InputError

MOST, SHARE = 32, 0.1  # sequences that are asked again, and the share of a small budget that this may take
REPEATS = 10  # times that a batch is asked to tell random answers from those that depend on the batch
ASKED_ALONE = 2  # of them that are asked alone as well
# Of two answers to one sequence: what arithmetic may differ by, as a share of the spread of the answers and of their
# size; twice the precision of a number, where all answers have but that of bfloat16.
REFUSED, NOTED, ROUNDING = 1e-3, 1e-4, 1e-6
REFUSED_HALF, ROUNDING_HALF = 3e-2, 2.0**-7


@dataclass
class Check:
    """What a first look has found.

    Attributes:
        evaluations: made in all.
        sequences: how many were asked more than once.
        difference: by output, the largest difference between two answers to one sequence, and the spread of all.
        notes: sentences for the terminal.
    """

    evaluations: int = 0
    sequences: int = 0
    difference: dict[str, dict[str, float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def sequences_to_ask(budget: int, left: int) -> int:
    """Return how many sequences are asked more than once.

    Args:
        budget: all evaluations of the sketch, or of one masked sequence.
        left: those of them that a check may take; where every sequence is evaluated, what that leaves.
    """
    return max(0, min(MOST, int(budget * SHARE) // 3, (left - ASKED_ALONE) // 3))


def evaluations_of(sequences: int) -> int:
    """Return how many evaluations it takes to ask so many sequences again."""
    return 3 * sequences + min(ASKED_ALONE, sequences)


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
    codes = background.template.to_alphabet(_draw(background, max(1, count) + count // 2, seed))
    if not count:
        if left > 0:
            model(codes[:1])
        return Check(evaluations=max(0, min(left, 1)))
    asked, others = codes[:count], codes[count:]
    first = model(asked)
    answers = [first]

    def compare(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        answers.append(values)
        return np.abs(values - first[rows])

    rows = np.arange(count)
    again = compare(model(asked), rows)
    refused, noted = _tolerances(np.concatenate(answers))
    if (again > refused).any():
        raise InputError(_sentence(model, asked, first, answers[-1], rows, again, "random", np.concatenate(answers)))
    mixed = rows[::-1][: count - len(others)]
    turns = np.argsort(np.concatenate([2 * np.arange(len(others)), 2 * np.arange(len(mixed)) + 1]))  # one of each
    batch = np.concatenate([others, asked[mixed]])[turns]
    moved = model(batch)[np.argsort(turns)]
    beside = compare(moved[len(others) :], mixed)
    answers.append(moved[: len(others)])
    refused, noted = _tolerances(np.concatenate(answers))
    if (beside > refused).any():
        _refuse_random(model, batch, moved[turns], answers, refused)
        values = moved[len(others) :]
        raise InputError(_sentence(model, asked, first, values, mixed, beside, "batch", np.concatenate(answers)))
    single = rows[[0, -1]][: min(ASKED_ALONE, count)]
    alone = compare(np.concatenate([model(asked[row : row + 1]) for row in single]), single)
    refused, noted = _tolerances(np.concatenate(answers))
    if (alone > refused).any():
        for row, values in zip(single, answers[-1], strict=True):
            _refuse_random(model, asked[row : row + 1], values[None], answers, refused)
        raise InputError(_sentence(model, asked, first, answers[-1], single, alone, "alone", np.concatenate(answers)))
    largest, spread = np.concatenate([again, beside, alone]).max(0), np.ptp(np.concatenate(answers), axis=0)
    check = Check(evaluations_of(count), count)
    for k, output in enumerate(model.outputs):
        check.difference[output] = {"largest": float(largest[k]), "spread": float(spread[k])}
        if largest[k] > noted[k]:
            check.notes.append(
                f"{model.name} answers the same sequence with up to {largest[k]:.2g} of difference in {output}, "
                f"{largest[k] / spread[k]:.1g} of the spread of its answers: that limits what can be explained"
            )
    return check


def _refuse_random(
    model: Model, batch: np.ndarray, values: np.ndarray, answers: list[np.ndarray], refused: np.ndarray
) -> None:
    """Tell a model that is random, and had answered the first batch the same by chance, from one that sees its batch.

    The very same batch is asked a few times more. Nothing is sketched after this: these evaluations are of no budget.
    """
    for _ in range(REPEATS):
        again = model(batch)
        apart = np.abs(again - values)
        if (apart > refused).any():
            seen = np.concatenate([*answers, again])
            raise InputError(_sentence(model, batch, values, again, np.arange(len(batch)), apart, "random", seen))


def _draw(background: Background, count: int, seed: int) -> np.ndarray:
    """(count, n) uint8 local codes."""
    words = random_words(seed, CHECK_STREAM, 0, count, background.template.n)
    codes = np.zeros(words.shape, np.uint8)
    for threshold in background.thresholds.T:
        codes += words >= threshold
    return codes


def _tolerances(answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By output, above which differences the model is refused, and above which they are noted."""
    spread, size = np.ptp(answers, axis=0), np.abs(answers).max(0)
    with np.errstate(over="ignore"):
        single = answers.astype(np.float32)
    short = (single.view(np.uint32) & 0x1FFF) == 0  # no more digits than bfloat16 or float16 have
    half = ((single == answers) & short).all(0) & (answers % 1 != 0).any(0)
    refused = np.where(half, REFUSED_HALF * spread + ROUNDING_HALF * size, REFUSED * spread + ROUNDING * size)
    return refused, np.where(half, refused, NOTED * spread + ROUNDING * size)


def _sentence(
    model: Model,
    asked: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    rows: np.ndarray,
    differences: np.ndarray,
    how: str,
    answers: np.ndarray,
) -> str:
    """Which sequence is answered how, how much that is, why it may be, and what to do."""
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


def as_record(check: Check) -> Mapping[str, Any]:
    """Return a check as plain values."""
    return {"evaluations": check.evaluations, "sequences": check.sequences, "difference": check.difference}
