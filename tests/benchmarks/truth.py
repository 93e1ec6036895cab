"""The Shapley values that recovered ones are compared with: exact where possible, else by long simulation.

Simulated ones are paired permutations of the true model with fresh uniform backgrounds (Castro et al. 2009;
Mitchell et al. 2022), of what a regression on evaluations of its own leaves over: unbiased whatever the
regression is, and far less noisy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from shapsketch.counter import generator
from shapsketch.files import load_npz, save_npz, sha256_json
from shapsketch.recovery import recover
from shapsketch.sketch import Sketch
from shapsketch.spectrum import Spectrum

from benchmarks.reference_models import MOST_ENUMERATED, ReferenceModel

CONTROL_SEED, PERMUTATION_STREAM = 990, 50
CONTROL_BUDGET = 50_000
ROUND = 16  # paired permutations per sequence between two looks at the error
LEAST_ROUNDS = 4

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
    key = sha256_json([model.plan(CONTROL_BUDGET).hash, model.explained.tolist(), most_error])
    path = cache / f"truth-{model.name}-{key[:16]}.npz"
    if not path.exists():
        truth = _enumerate(model) if model.template.space <= MOST_ENUMERATED else _simulate(model, most_error)
        save_npz(path, {"values": truth.values, "errors": truth.errors})
    arrays = load_npz(path)
    return Truth(arrays["values"], arrays["errors"])


def _spectra(model: ReferenceModel, budget: int, estimator: str) -> list[Spectrum]:
    plan = model.plan(budget, seed=CONTROL_SEED, design="random" if budget < model.template.space else "exhaustive")
    codes = model.queries(plan)
    sketch = Sketch(plan, codes, model.evaluate(codes))
    return [recover(sketch, k, estimator=estimator)[0] for k in range(len(model.outputs))]


def _enumerate(model: ReferenceModel) -> Truth:
    """Evaluate every sequence of the template."""
    spectra = _spectra(model, model.template.space, "exact")
    values = np.stack([s.terms.shapley_values(model.explained)[:, model.template.free] for s in spectra])
    return Truth(values, np.zeros(len(values)))


def _simulate(model: ReferenceModel, most_error: float) -> Truth:
    free, sizes = model.template.free, model.template.sizes
    spectra = _spectra(model, CONTROL_BUDGET, "regression")
    known = np.stack([s.terms.shapley_values(model.explained)[:, free] for s in spectra], -1)

    def rest(codes: np.ndarray) -> np.ndarray:
        whole = np.zeros((len(codes), len(sizes)), np.uint8)
        whole[:, free] = codes
        return model.evaluate(whole) - np.stack([s.intercept + s.terms.predict(whole) for s in spectra], -1)

    def background(count: int, draws: np.random.Generator) -> np.ndarray:
        return draws.integers(0, sizes[free], (count, len(free))).astype(np.uint8)

    draws = generator(CONTROL_SEED, PERMUTATION_STREAM)
    total, squares, count = np.zeros(known.shape), np.zeros(known.shape), 0
    while True:
        estimates = permutation_estimates(rest, model.explained[:, free], background, ROUND, draws)
        total, squares, count = total + estimates.sum(0), squares + (estimates**2).sum(0), count + ROUND
        mean = total / count
        variance = np.maximum(squares / count - mean**2, 0) / (count - 1)
        values = known + mean
        errors = np.sqrt(variance.mean((0, 1))) / np.maximum(values.std((0, 1)), 1e-300)
        if count >= LEAST_ROUNDS * ROUND and (errors < most_error).all():
            return Truth(np.moveaxis(values, -1, 0), errors)
        if count % (10 * ROUND) == 0:
            print(f"  {model.name}: {count} paired permutations, relative error {errors.max():.3f}", flush=True)


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
