"""What students say of the game of one sequence, from as many answers as are wanted, which cost nothing."""

from collections.abc import Sequence

import numpy as np

from ..sequences.rng import MASK_STUDENT_STREAM
from ..spectrum.metrics import r_squared
from .checks import walk_orders
from .equations import Data
from .fits import GameFit
from .game import SequenceGame
from .parities import Parities, signs, singles
from .plan import KINDS, half_masks
from .regression import polish, pursue
from .student import FOLDS, Students

GUESS_DRAWS, SCORE_DRAWS = 16, 64  # backgrounds that a value is averaged over, to choose and to score
WALK_SHARE, MAX_WALK_LETTERS = 12, 50_000_000  # evaluations of students for each of the model, and their letters
MIN_WALKS = 8
INTERACTION_MASKS, INTERACTION_DRAWS = 3000, 4  # half masks, that interactions are fitted to
CHECKING_SHARE = 0.1  # of them


def fit_students(students: Students, game: SequenceGame, answers: np.ndarray, max_order: int) -> list[GameFit]:
    """Explain what the students say of a game, output by output.

    Values and base are from random walks of both students; interactions from parities that are fitted to their values
    of half masks. What they say of the answers to the checking units is said by the one that has not seen them.

    Args:
        students: the students.
        game: of the sequence.
        answers: (masks, outputs), the model's, at the masks of the plan; only what validates is looked at.
        max_order: of a parity.
    """
    plan, outputs = game.plan, answers.shape[1]
    guesses, checked = np.full((2, len(plan.masks), outputs), np.nan)
    for kind in KINDS:
        rows, _ = plan.holdout(kind)
        guesses[rows] = _values(students, game, plan.masks[rows], SCORE_DRAWS)
    guesses[plan.validation] = _values(students, game, plan.masks[plan.validation], GUESS_DRAWS)
    units, unit_size = plan.units
    start = plan.parts["checks"].start
    counts = np.bincount(np.arange(units) % FOLDS, minlength=FOLDS)
    whole = np.stack([students.predict(fold, game.codes[None])[0] for fold in range(FOLDS)])
    for fold in range(FOLDS):
        own = start + (np.arange(fold, units, FOLDS)[:, None] * unit_size + np.arange(unit_size)).ravel()
        checked[own] = _answers(students, fold, game, own)
    values, errors, base = _walks(students, game, counts / counts.sum())
    parities = _parities(students, game, max_order)
    scores = [r_squared(answers[plan.validation, o], guesses[plan.validation, o]) for o in range(outputs)]
    return [
        GameFit(
            "student",
            parities[o],
            guesses[:, o],
            checked[:, o],
            np.resize(whole[:, o], units),
            values[:, o],
            float(base[o]),
            scores[o],
            errors[:, o],
        )
        for o in range(outputs)
    ]


def _answers(students: Students, fold: int, game: SequenceGame, masks: np.ndarray) -> np.ndarray:
    """What the student of a fold says of the (N,) masks' queries themselves, averaged over their draws."""
    draws = game.plan.draws
    rows = (masks[:, None] * draws + np.arange(draws)).ravel()
    return students.predict(fold, game.queries(rows)).reshape(len(masks), draws, -1).mean(1)


def _values(students: Students, game: SequenceGame, masks: np.ndarray, draws: int) -> np.ndarray:
    """The (N, outputs) means of both students over draws of the background, at (N, m) masks."""
    key = game.key(MASK_STUDENT_STREAM)
    total: np.ndarray | float = 0.0
    for draw in range(draws):
        queries = game.compose(masks, key, np.arange(len(masks)) * draws + draw)
        total = total + students.predict(draw % FOLDS, queries)
    return np.asarray(total) / draws


def _walks(students: Students, game: SequenceGame, weights: Sequence[float]) -> tuple[np.ndarray, ...]:
    """Shapley values, their standard errors, and the base, of the students' own game: (m, O), (m, O) and (O,)."""
    m, n = game.plan.players, len(game.codes)
    budget = min(WALK_SHARE * game.plan.evaluations, MAX_WALK_LETTERS // n)
    walks = max(MIN_WALKS, budget // (m + 1) // FOLDS) * FOLDS
    orders = walk_orders(game.plan.plan.seed ^ int(game.key(MASK_STUDENT_STREAM)), m, walks)
    key = game.key(MASK_STUDENT_STREAM + 1)
    whole = [students.predict(fold, game.codes[None])[0] for fold in range(FOLDS)]
    units, nobody = [], []
    for walk in range(walks):
        rank = np.argsort(orders[walk])
        masks = (rank < np.arange(m)[:, None]).astype(np.uint8)
        values = students.predict(walk % FOLDS, game.compose(masks, key, np.full(m, walk)))
        steps = np.diff(values, axis=0, append=whole[walk % FOLDS][None])
        unit = np.empty_like(steps)
        unit[orders[walk]] = steps
        units.append(unit)
        nobody.append(values[0])
    by_fold = [np.array(units[fold::FOLDS]) for fold in range(FOLDS)]
    values = sum(weight * part.mean(0) for weight, part in zip(weights, by_fold, strict=True))
    variances = sum(weight**2 * part.var(0, ddof=1) / len(part) for weight, part in zip(weights, by_fold, strict=True))
    base = sum(weight * np.mean(nobody[fold::FOLDS], axis=0) for fold, weight in enumerate(weights))
    return np.asarray(values), np.sqrt(np.asarray(variances)), np.asarray(base)


def _parities(students: Students, game: SequenceGame, max_order: int) -> list[Parities]:
    """The students' game as parities, fitted where parities are orthonormal: at half masks."""
    m = game.plan.players
    masks = half_masks(game.plan.plan.seed, MASK_STUDENT_STREAM, INTERACTION_MASKS, m)
    values = _values(students, game, masks, INTERACTION_DRAWS)
    count = int(CHECKING_SHARE * len(masks))
    table, found = signs(masks), []
    for output in values.T:
        data = Data(table[:, count:], output[count:], table[:, :count], output[:count], max_order)
        fitted = polish(data, pursue(data, singles(m, max_order)[:1]))
        found.append(Parities(m, fitted.supports, fitted.coefficients))
    return found
