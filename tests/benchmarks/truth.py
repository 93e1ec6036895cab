"""The Shapley values that recovered ones are compared with: exact where possible, else by long simulation.

Simulated ones are paired permutations of the true model with fresh uniform backgrounds (Castro et al. 2009;
Mitchell et al. 2022), of what an estimate from evaluations of its own leaves over: unbiased whatever the
estimate is, and far less noisy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.reference_models import MOST_ENUMERATED, ReferenceModel
from shapsketch.counter import generator
from shapsketch.files import load_npz, save_npz, sha256_json
from shapsketch.recovery import recover
from shapsketch.sketch import Sketch

CONTROL_SEED, PERMUTATION_STREAM = 990, 50
CONTROL_BUDGET = 50_000
ROUND = 16  # paired permutations per sequence between two looks at the error
LEAST_ROUNDS = 4
MARGIN = 0.95  # the spread of the values is known only at the end

Function = Callable[[np.ndarray], np.ndarray]
Draw = Callable[[int, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Truth:
    """The Shapley values of a model's explained sequences.

    Attributes:
        values: (outputs, S, free) float64.
        errors: (outputs,) the root mean square standard error, relative to the spread of the values; 0 if exact.
    """

    values: np.ndarray
    errors: np.ndarray


def shapley_truth(model: ReferenceModel, cache: Path, most_error: float) -> Truth | None:
    """Return the truth, from the cache if it is there; None for a table with gaps.

    Args:
        model: the model.
        cache: a folder.
        most_error: simulate until every output's error is below this.
    """
    free = model.template.free
    if model.exact:
        values = np.stack([terms.shapley_values(model.explained)[:, free] for terms in model.exact])
        return Truth(values, np.zeros(len(values)))
    if model.has_gaps:
        return None
    key = sha256_json([model.identity, model.explained.tolist(), most_error])
    path = cache / f"truth-{model.name}-{key[:16]}.npz"
    if not path.exists():
        truth = _enumerate(model) if model.template.space <= MOST_ENUMERATED else _simulate(model, most_error)
        save_npz(path, {"values": truth.values, "errors": truth.errors})
    arrays = load_npz(path)
    return Truth(arrays["values"], arrays["errors"])


def _controls(model: ReferenceModel, budget: int, estimator: str) -> list[tuple]:
    """Recover every output from evaluations that nothing else uses."""
    plan = model.plan(budget, seed=CONTROL_SEED, design="random" if budget < model.template.space else "exhaustive")
    codes = model.queries(plan)
    sketch = Sketch(plan, codes, model.evaluate(codes))
    return [recover(sketch, k, estimator=estimator) for k in range(len(model.outputs))]


def _enumerate(model: ReferenceModel) -> Truth:
    """Evaluate every sequence of the template."""
    spectra = [found[0] for found in _controls(model, model.template.space, "exact")]
    values = np.stack([s.terms.shapley_values(model.explained)[:, model.template.free] for s in spectra])
    return Truth(values, np.zeros(len(values)))


def _simulate(model: ReferenceModel, most_error: float) -> Truth:
    """Sum the spectra's own values and a simulation of each difference on the way up to the model.

    The levels are spectrum, student (where the control has one for every output) and model (multilevel Monte
    Carlo, Giles 2015): the many samples are of the cheap levels.
    """
    controls = _controls(model, CONTROL_BUDGET, model.control)
    spectra, students = [found[0] for found in controls], [getattr(found, "student", None) for found in controls]
    values = np.stack([s.terms.shapley_values(model.explained)[:, model.template.free] for s in spectra], -1)
    levels: list[Function] = [lambda codes: np.stack([s.intercept + s.terms.predict(codes) for s in spectra], -1)]
    if all(students):
        levels.append(lambda codes: np.stack([s.predict(codes) for s in students], -1))
    levels.append(model.evaluate)
    spread = np.maximum(values.std((0, 1)), 1e-300)
    aim = MARGIN * most_error * spread / np.sqrt(len(levels) - 1)
    variance = np.zeros(len(spread))
    for level, (lower, upper) in enumerate(pairwise(levels)):
        mean, error = _simulate_difference(model, lower, upper, aim, level)
        values, variance = values + mean, variance + error**2
    return Truth(np.moveaxis(values, -1, 0), np.sqrt(variance) / np.maximum(values.std((0, 1)), 1e-300))


def _simulate_difference(
    model: ReferenceModel, lower: Function, upper: Function, aim: np.ndarray, level: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the (S, free, outputs) Shapley values of upper - lower, and the (outputs,) error, below `aim`."""
    free, sizes = model.template.free, model.template.sizes

    def difference(codes: np.ndarray) -> np.ndarray:
        whole = np.zeros((len(codes), len(sizes)), np.uint8)
        whole[:, free] = codes
        return upper(whole) - lower(whole)

    def background(count: int, draws: np.random.Generator) -> np.ndarray:
        return draws.integers(0, sizes[free], (count, len(free))).astype(np.uint8)

    draws = generator(CONTROL_SEED, PERMUTATION_STREAM + level)
    total, squares, count = 0.0, 0.0, 0
    while True:
        estimates = permutation_estimates(difference, model.explained[:, free], background, ROUND, draws)
        total, squares, count = total + estimates.sum(0), squares + (estimates**2).sum(0), count + ROUND
        mean = total / count
        error = np.sqrt(np.maximum(squares / count - mean**2, 0).mean((0, 1)) / (count - 1))
        if count >= LEAST_ROUNDS * ROUND and (error < aim).all():
            return mean, error
        if count % (10 * ROUND) == 0:
            left = float(np.max(error / aim)) ** 2 * count
            print(f"  {model.name}, level {level + 1}: {count} of about {left:.0f} paired permutations", flush=True)


def permutation_estimates(
    function: Function, codes: np.ndarray, background: Draw, count: int, draws: np.random.Generator
) -> np.ndarray:
    """Estimate Shapley values by permutations, each taken forwards and backwards from one background draw.

    Args:
        function: (N, n) uint8 codes to (N, outputs) values.
        codes: (S, n) uint8, the sequences.
        background: draws backgrounds; all positions are free.
        count: estimates per sequence.
        draws: where the randomness comes from.

    Returns:
        (count, S, n, outputs) independent unbiased estimates.
    """
    sequences, n = codes.shape
    pairs = count * sequences
    x = np.tile(codes, (count, 1))
    z = background(pairs, draws)
    ranks = draws.permuted(np.tile(np.arange(n), (pairs, 1)), axis=1)
    present = np.arange(n + 1)[:, None]
    estimates = []
    for rank in (ranks, n - 1 - ranks):
        path = np.where(rank[:, None] < present, x[:, None], z[:, None])  # (pairs, n + 1, n)
        steps = np.diff(function(path.reshape(-1, n)).reshape(pairs, n + 1, -1), axis=1)
        estimates.append(np.take_along_axis(steps, rank[:, :, None], 1))
    return np.mean(estimates, axis=0).reshape(count, sequences, n, -1)
