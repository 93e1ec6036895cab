"""What students say of the game of one sequence, from as many answers as are wanted, which cost nothing."""

import numpy as np

from ..sequences.rng import MASK_STUDENT_STREAM
from ..spectrum.metrics import r_squared
from .checks import walk_orders
from .equations import Data
from .fits import GameFit, Variances, solved
from .game import SequenceGame
from .parities import Parities, signs, singles
from .plan import KINDS, half_masks
from .regression import polish, pursue
from .student import FOLDS, Students

GUESS_DRAWS, SCORE_DRAWS = 16, 32  # backgrounds that a value is averaged over, to choose and to score
WALK_SHARE, MAX_WALK_LETTERS = 48, 120_000_000  # evaluations of students for each of the model, and their letters
FULL_SHARE = 1 / 3  # of them, in walks that step through all players
MIN_WALKS = 4  # of them and of each fold
NOBODY_SHARE, MIN_NOBODY, MAX_NOBODY = 0.05, 200, 20_000  # of the walks' evaluations, in draws of nobody beside them
INTERACTION_MASKS, INTERACTION_DRAWS = 3000, 4  # half masks, that interactions are fitted to
CHECKING_SHARE = 0.1  # of them


def fit_students(students: Students, game: SequenceGame, answers: np.ndarray, max_order: int) -> list[GameFit]:
    """Explain what the students say of a game, output by output.

    Values are from random walks of both students. The base is from draws of its own, as walks may be a handful, and
    interactions are from parities that are fitted to their values of half masks. What they say of the answers to the
    checking units is said by the one that has not seen them.

    Args:
        students: the students.
        game: of the sequence.
        answers: (masks, outputs), the model's, at the masks of the plan; only what validates is looked at.
        max_order: of a parity.
    """
    plan, outputs = game.plan, answers.shape[1]
    guesses, checked = holdout_guesses(students, game, outputs)
    guesses[plan.validation] = _values(students, game, plan.masks[plan.validation], GUESS_DRAWS)
    units, unit_size = plan.units
    start = plan.parts["checks"].start
    counts = np.bincount(np.arange(units) % FOLDS, minlength=FOLDS)
    whole = np.stack([students.predict(fold, game.codes[None])[0] for fold in range(FOLDS)])
    for fold in range(FOLDS):
        hidden = start + (np.arange(fold, units, FOLDS)[:, None] * unit_size + np.arange(unit_size)).ravel()
        checked[hidden] = _answers(students, fold, game, hidden)
    budget, weights = min(WALK_SHARE * plan.evaluations, MAX_WALK_LETTERS // len(game.codes)), counts / counts.sum()
    nobody = _nobody(students, game, budget)
    base = weights @ nobody.mean(1)
    base_square = weights**2 @ nobody.var(1, ddof=1) / nobody.shape[1]
    values, errors, sum_square, doubts = _walks(students, game, weights, budget, nobody)
    parities = _parities(students, game, max_order)
    scores = [r_squared(answers[plan.validation, o], guesses[plan.validation, o]) for o in range(outputs)]
    return [
        GameFit(
            "student",
            parities[o][0],
            guesses[:, o],
            checked[:, o],
            np.resize(whole[:, o], units),
            values[:, o],
            float(base[o]),
            scores[o],
            parities[o][1],
            errors[:, o],
            doubts[:, o],
            base_error=float(np.sqrt(base_square[o])),
            gap_error=float(np.sqrt(base_square[o] + sum_square[o])),
            reads_letters=True,
        )
        for o in range(outputs)
    ]


def holdout_guesses(students: Students, game: SequenceGame, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    """What the students say of hold-out masks, and of the answers there: twice (N, outputs), NaN at other masks."""
    plan = game.plan
    guesses, answers = np.full((2, len(plan.masks), outputs), np.nan)
    for kind in KINDS:
        for time, rows in enumerate(dict.fromkeys((part.start, part.stop) for part in plan.holdout(kind))):
            masks = np.arange(*rows)
            guesses[masks] = _values(students, game, plan.masks[masks], SCORE_DRAWS, time)
            answers[masks] = np.mean([_answers(students, fold, game, masks) for fold in range(FOLDS)], axis=0)
    return guesses, answers


def _answers(students: Students, fold: int, game: SequenceGame, masks: np.ndarray) -> np.ndarray:
    """What the student of a fold says of the (N,) masks' queries themselves, averaged over their draws."""
    draws = game.plan.draws
    rows = (masks[:, None] * draws + np.arange(draws)).ravel()
    return students.predict(fold, game.queries(rows)).reshape(len(masks), draws, -1).mean(1)


def _values(students: Students, game: SequenceGame, masks: np.ndarray, draws: int, time: int = 0) -> np.ndarray:
    """The (N, outputs) means of both students over draws of the background, at (N, m) masks; other draws each time."""
    key = game.key(MASK_STUDENT_STREAM)
    total: np.ndarray | float = 0.0
    for draw in range(draws):
        queries = game.compose(masks, key, (time * len(masks) + np.arange(len(masks))) * draws + draw)
        total = total + students.predict(draw % FOLDS, queries)
    return np.asarray(total) / draws


def _nobody(students: Students, game: SequenceGame, budget: int) -> np.ndarray:
    """What the student of each fold says where nobody is present, (FOLDS, draws, O), each of draws of its own."""
    draws = int(np.clip(NOBODY_SHARE * budget, MIN_NOBODY, MAX_NOBODY)) // FOLDS
    masks, key = np.zeros((draws, game.plan.players), np.uint8), game.key(MASK_STUDENT_STREAM + 3)
    numbers = np.arange(draws) * FOLDS
    return np.array([students.predict(fold, game.compose(masks, key, numbers + fold)) for fold in range(FOLDS)])


def _walks(
    students: Students, game: SequenceGame, weights: np.ndarray, budget: int, nobody: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of the students' own game (m, O) Shapley values, their standard errors, their sums' (O,) variances, and doubts.

    A third of the walks' evaluations steps through all players. Few of them act, and only their steps differ from walk
    to walk; so the other walks stop before and after those alone, as many players as makes the errors smallest.

    A value is doubtful where the students of both folds disagree. Two of them may agree by chance, so half of that is
    shared out as the squares of the values are.
    """
    m = game.plan.players
    everybody = np.arange(m)
    full = max(MIN_WALKS, int(FULL_SHARE * budget) // m // FOLDS)
    first = [_steps(students, fold, game, everybody, full, 0) for fold in range(FOLDS)]
    variances = np.mean([steps.var(0, ddof=1) for steps in first], axis=0)
    players, walks = focus(variances, full, budget - FOLDS * full * m)
    values, squares, by_fold = np.zeros_like(variances), np.zeros_like(variances), []
    sum_square = np.zeros(variances.shape[1])
    for fold, weight in enumerate(weights):
        steps = first[fold]
        more = _steps(students, fold, game, players, walks, full) if walks else steps[:0, players]
        together = np.concatenate([steps[:, players], more])
        mean, square = steps.mean(0), steps.var(0, ddof=1) / full
        mean[players], square[players] = together.mean(0), together.var(0, ddof=1) / len(together)
        values, squares = values + weight * mean, squares + weight**2 * square
        # Steps through all players add up to the whole less nobody, of whom there are more draws than walks.
        sum_square += weight**2 * (_sum_square(steps, together) if walks else nobody[fold].var(0, ddof=1) / full)
        by_fold.append(mean)
    apart = np.var(by_fold, axis=0)
    norm = np.maximum(np.square(values).sum(0), np.finfo(float).tiny)
    return values, np.sqrt(squares), sum_square, (apart + apart.sum(0) * np.square(values) / norm) / 2


def _sum_square(steps: np.ndarray, together: np.ndarray) -> np.ndarray:
    """The (O,) variances of the sum of all players' means, whose errors are not independent.

    Args:
        steps: (walks, m, O) of the walks that step through all players.
        together: (all walks, K, O) of all walks, these first, at the K players that all stop at.
    """
    full, count = len(steps), len(together)
    acting = together.sum(1)
    each = (steps.sum(1) - acting[:full]) / full + acting[:full] / count
    variance: np.ndarray = full * each.var(0, ddof=1) + (count - full) * acting.var(0, ddof=1) / count**2
    return variance


def focus(variances: np.ndarray, full: int, budget: int) -> tuple[np.ndarray, int]:
    """Choose the players that more walks stop at, ascending, and how many walks of each fold there are.

    Args:
        variances: (m, O) of each player's steps.
        full: walks of each fold that are done.
        budget: evaluations that are left, for all folds; less than 0 where the walks that are done took more.
    """
    total = (variances / np.maximum(variances.sum(0), np.finfo(float).tiny)).sum(1)
    order = np.argsort(-total, kind="stable")
    sizes = np.arange(1, len(order) + 1)
    walks = max(budget, 0) // FOLDS // np.minimum(2 * sizes, len(order))
    chosen = np.cumsum(total[order])
    best = int(np.argmin(chosen / (full + walks) + (chosen[-1] - chosen) / full))
    return np.sort(order[: best + 1]), int(walks[best])


def _steps(
    students: Students, fold: int, game: SequenceGame, players: np.ndarray, walks: int, start: int
) -> np.ndarray:
    """What players add as they enter, walk by walk, (walks, K, O).

    Args:
        students, fold, game: who is asked about what.
        players: (K,), those at which walks stop.
        walks, start: how many, and the number of the first; those of the folds take turns.
    """
    m = game.plan.players
    numbers = (start + np.arange(walks)) * FOLDS + fold
    orders = walk_orders(game.plan.plan.seed ^ int(game.key(MASK_STUDENT_STREAM)), m, int(numbers[-1]) + 1)[numbers]
    ranks = np.argsort(orders, axis=1)
    whole = students.predict(fold, game.codes[None])
    key = game.key(MASK_STUDENT_STREAM + 1)
    steps = []
    for number, rank in zip(numbers.tolist(), ranks, strict=True):
        stops = np.unique(np.concatenate([rank[players], rank[players] + 1]))
        asked = stops[stops < m]
        masks = (rank < asked[:, None]).astype(np.uint8)
        values = students.predict(fold, game.compose(masks, key, np.full(len(masks), number)))
        values = np.concatenate([values, whole])  # where the last stop is everybody
        steps.append(values[np.searchsorted(stops, rank[players] + 1)] - values[np.searchsorted(stops, rank[players])])
    return np.array(steps)


def _parities(students: Students, game: SequenceGame, max_order: int) -> list[tuple[Parities, Variances]]:
    """The students' game as parities, fitted where parities are orthonormal: at half masks; and their variances."""
    m = game.plan.players
    masks = half_masks(game.plan.plan.seed, MASK_STUDENT_STREAM, INTERACTION_MASKS, m)
    values = _values(students, game, masks, INTERACTION_DRAWS)
    count = int(CHECKING_SHARE * len(masks))
    table, fits = signs(masks), []
    for output in values.T:
        data = Data(table[:, count:], output[count:], table[:, :count], output[:count], max_order)
        fitted = polish(data, pursue(data, singles(m, max_order)[:1]))
        fits.append(solved(m, "regression", fitted, fitted.equations))
    return fits
