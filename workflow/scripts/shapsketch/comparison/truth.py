"""The Shapley values that methods are scored against: exact where they can be, else by long simulation.

Simulated ones are paired permutations of what cheaper functions leave over, level by level up to the model (multilevel
Monte Carlo, Giles 2015): unbiased whatever those are, and far less noisy.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast

import numpy as np

from ..models import Model
from ..sequences.background import Background
from ..sequences.rng import TRUTH_STREAM
from ..settings.methods import MIN_TRUTH_PAIRS, is_enumerable
from ..spectrum.spectrum import Spectrum
from ..spectrum.train_interactions import complete_map, interaction_values
from . import Task
from .exact import all_codes
from .exact import explain as enumerate_all
from .monte_carlo import Function, Moments, Sums, permutation_estimates

PERMUTATIONS_PER_ROUND = 16  # paired permutations of each sequence between two looks at the error
MOST = 10_000_000  # evaluations of a level for each sequence
ERROR_MARGIN = 0.95  # the spread of the values is known only at the end of all levels
Tell = Callable[[int, int, float], object]


@dataclass(frozen=True)
class Truth:
    """The Shapley values of some sequences, of every output.

    Attributes:
        values: (outputs, S, free) float64.
        errors: (outputs,) the root mean square standard error, relative to the spread of the values; 0 if exact.
        pairs: (outputs, S, free, free) float64, pairwise Shapley interactions (SII), 0 on the diagonal.
        pair_errors: (outputs,) likewise of them.
        evaluations: of the model, for each sequence.
    """

    values: np.ndarray
    errors: np.ndarray
    pairs: np.ndarray
    pair_errors: np.ndarray
    evaluations: int


def exact_truth(spectra: Sequence[Spectrum], codes: np.ndarray) -> Truth:
    """Return the truth of spectra that are the model itself, at (S, n) local codes."""
    values, pairs = spectrum_values(spectra, codes)
    none = np.zeros(len(spectra))
    return Truth(values, none, pairs, none, 0)


def enumerated_truth(tasks: Sequence[Task]) -> Truth | None:
    """Return the truth by evaluating all sequences of the template, a task for each output; None: too many."""
    template = tasks[0].background.template
    if not is_enumerable(template):
        return None
    known = tasks[0].model(template.to_alphabet(all_codes(template)))
    free = template.free
    place = np.zeros(template.n, np.int64)
    place[free] = np.arange(len(free))
    model = cast("Model", _Known(known))
    answers = [enumerate_all(replace(task, model=model)) for task in tasks]
    pairs = np.zeros((len(tasks), len(tasks[0].codes), len(free), len(free)))
    for k, answer in enumerate(answers):
        for row, interactions in enumerate(answer.interactions or ()):
            for support, value in interactions.items():
                if len(support) == 2:
                    i, j = place[list(support)]
                    pairs[k, row, i, j] = pairs[k, row, j, i] = value
    none = np.zeros(len(tasks))
    return Truth(np.stack([answer.values[:, free] for answer in answers]), none, pairs, none, 0)


@dataclass(frozen=True)
class _Known:
    """A model whose answers to all sequences of a template, in their order, are there."""

    values: np.ndarray

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        assert len(codes) == len(self.values)
        return self.values


def simulated_truth(
    spectra: Sequence[Spectrum],
    levels: Sequence[Function],
    codes: np.ndarray,
    *,
    error: float,
    pair_error: float = np.inf,
    seed: int,
    most: int = MOST,
    tell: Tell = lambda level, pairs, left: None,
) -> Truth:
    """Add to the spectra's own values a simulation of each difference on the way up to the model.

    Args:
        spectra: of the outputs; they decide how long it takes, not what comes out.
        levels: functions of (N, n) local codes to (N, outputs) values between the spectra and the model, which is last.
        codes: (S, n) uint8 local codes of the sequences.
        error: simulate until every output's error is below this share of the spread of its values,
        pair_error: and that of pairs below this share of the spread of theirs.
        seed: of the permutations.
        most: evaluations of a level for each sequence, after which it ends in any case, with `MIN_TRUTH_PAIRS` of
            permutations at least.
        tell: called with the level, the pairs of permutations so far and a guess of how many are needed.
    """
    background = spectra[0].background
    values, pairs = (np.moveaxis(part, 0, -1) for part in spectrum_values(spectra, codes))
    functions = [spectrum_function(spectra), *levels]
    aim, pair_aim = (ERROR_MARGIN * share / np.sqrt(len(levels)) for share in (error, pair_error))
    squares, pair_squares, evaluations = np.zeros((2, len(spectra))), np.zeros(len(spectra)), 0
    for level, (lower, upper) in enumerate(pairwise(functions)):

        def difference(asked: np.ndarray, lower: Function = lower, upper: Function = upper) -> np.ndarray:
            return upper(asked) - lower(asked)

        moments, count = _simulate(
            difference, background, codes, values, pairs, (aim, pair_aim), seed, level, most, tell
        )
        values, pairs = values + moments.values, pairs + moments.pairs
        squares[0] += moments.value_squares.mean((0, 1))
        pair_squares += _over_pairs(moments.pair_squares).mean((0, 1))
        evaluations = count * (2 * len(background.template.free) - 1) + 1
    pair_spread = np.maximum(_over_pairs(pairs).std((0, 1)), 1e-300)
    pairs *= ~np.eye(pairs.shape[1], dtype=bool)[None, :, :, None]
    return Truth(
        np.moveaxis(values, -1, 0),
        np.sqrt(squares[0]) / np.maximum(values.std((0, 1)), 1e-300),
        np.moveaxis(pairs, -1, 0),
        np.sqrt(pair_squares) / pair_spread,
        evaluations,
    )


def _over_pairs(pairs: np.ndarray) -> np.ndarray:
    """(S, free, free, outputs) to (S, pairs, outputs)."""
    return pairs[:, *np.triu_indices(pairs.shape[1], 1)]


def _simulate(
    difference: Function,
    background: Background,
    codes: np.ndarray,
    values: np.ndarray,
    pairs: np.ndarray,
    aims: tuple[float, float],
    seed: int,
    level: int,
    most: int,
    tell: Tell,
) -> tuple[Moments, int]:
    """Return the moments of what is to be added to values and pairs, and how many pairs of permutations they took."""
    stream = TRUTH_STREAM + (level << 16)
    sums, cost, whole = Sums(), 2 * len(background.template.free) - 1, difference(codes)
    while True:
        start, stop = sums.count, sums.count + PERMUTATIONS_PER_ROUND
        sums.add(permutation_estimates(difference, background, codes, whole, start, stop, seed, stream))
        moments = sums.moments()
        over = np.maximum(
            _relative(moments.value_squares, values + moments.values) / aims[0],
            _relative(_over_pairs(moments.pair_squares), _over_pairs(pairs + moments.pairs)) / aims[1],
        ).max()
        tell(level, sums.count, float(over) ** 2 * sums.count)
        spent = (sums.count + PERMUTATIONS_PER_ROUND) * cost + 1 > most
        if sums.count >= MIN_TRUTH_PAIRS and (over < 1 or spent):
            return moments, sums.count


def _relative(squares: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The root mean square standard error over the spread, by output; zero where there are no values."""
    if not values.size:
        return np.zeros(values.shape[-1])
    return np.sqrt(squares.mean((0, 1))) / np.maximum(values.std((0, 1)), 1e-300)


def spectrum_function(spectra: Sequence[Spectrum]) -> Function:
    """Return the function of (N, n) local codes to (N, outputs) reconstructions."""
    return lambda codes: np.stack([s.predict_codes(codes) for s in spectra], -1)


def spectrum_values(spectra: Sequence[Spectrum], codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the spectra's (outputs, S, free) Shapley values and (outputs, S, free, free) pairwise interactions."""
    free = spectra[0].template.free
    n, rows = spectra[0].template.n, np.arange(len(codes))
    values = np.stack([s.components.shapley_values(codes)[:, free] for s in spectra])
    pairs = np.zeros((len(spectra), len(codes), n, n))
    for k, spectrum in enumerate(spectra):
        mapping = complete_map(spectrum.components, "SII", 2)
        mapping = mapping.select(mapping.orders == 2)
        if mapping.supports:
            i, j = np.array(mapping.supports).T
            interactions = interaction_values(spectrum.components, mapping, codes)
            pairs[k, rows[:, None], i, j] = pairs[k, rows[:, None], j, i] = interactions
    return values, pairs[:, :, free][..., free]
