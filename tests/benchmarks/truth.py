"""The Shapley values that recovered ones are compared with: exact where possible, else by long simulation.

Kept in a cache: `baselines.truth` does the work, from a control that is recovered from evaluations of its own.
"""

import os
from pathlib import Path

import numpy as np

from benchmarks.reference_models import MAX_ENUMERATED, ReferenceModel
from shapsketch.comparison.truth import Truth, exact_truth, simulated_truth
from shapsketch.recovery import Recovery, recover_outputs
from shapsketch.sampling.sketch import Sketch
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.storage.files import load_npz, save_npz, sha256_json

CONTROL_SEED, CONTROL_NEAR_SHARE = 990, 0.3
THREADS = os.cpu_count() or 1


def shapley_truth(
    model: ReferenceModel, cache: Path, most_error: float, pair_error: float | None = None
) -> Truth | None:
    """Return the truth, from the cache if it is there; None for a table with gaps.

    Args:
        model: the model.
        cache: a folder.
        most_error: simulate until every output's error is below this,
        pair_error: and that of pairwise interactions below this.
    """
    if model.exact:
        spectra = [Spectrum(model.background, o, 0.0, t) for o, t in zip(model.outputs, model.exact, strict=True)]
        return exact_truth(spectra, model.explained)
    if model.has_gaps:
        return None
    key = sha256_json([model.identity, model.explained.tolist(), most_error, pair_error, "pairs"])
    path = cache / f"truth-{model.name}-{key[:16]}.npz"
    if not path.exists():
        enumerated = model.template.space <= MAX_ENUMERATED
        truth = _enumerate(model) if enumerated else _simulate(model, most_error, pair_error)
        save_npz(path, {name: np.asarray(value) for name, value in vars(truth).items()})
    arrays = load_npz(path)
    return Truth(**{name: int(a) if name == "evaluations" else a for name, a in arrays.items()})


def _controls(model: ReferenceModel, budget: int, estimator: str) -> list[Recovery]:
    """Recover every output from evaluations that nothing else uses."""
    exhaustive = budget >= model.template.space
    near = CONTROL_NEAR_SHARE if estimator == "train" else 0.0
    plan = model.plan(budget, seed=CONTROL_SEED, design="exhaustive" if exhaustive else "random", near=near)
    codes = model.queries(plan)
    sketch = Sketch(plan, codes, model.evaluate(codes))
    return recover_outputs(sketch, estimator=estimator, threads=THREADS)


def _enumerate(model: ReferenceModel) -> Truth:
    """Evaluate every sequence of the template."""
    return exact_truth([found.spectrum for found in _controls(model, model.template.space, "exact")], model.explained)


def _simulate(model: ReferenceModel, most_error: float, pair_error: float | None) -> Truth:
    """Simulate from the controls' spectra, by their students where there is one for every output, to the model."""
    controls = _controls(model, model.control_budget, model.control)
    spectra, students = [found.spectrum for found in controls], [found.student for found in controls]
    levels = [model.evaluate]
    if all(students):
        levels.insert(0, lambda codes: np.stack([s.predict(codes, THREADS) for s in students if s], -1))

    def tell(level: int, count: int, left: float) -> None:
        if count % 160 == 0:
            print(f"  {model.name}, level {level + 1}: {count} of about {left:.0f} paired permutations", flush=True)

    return simulated_truth(
        spectra,
        levels,
        model.explained,
        error=most_error,
        pair_error=np.inf if pair_error is None else pair_error,
        seed=CONTROL_SEED,
        tell=tell,
    )
