"""Refined Shapley values against long-run truth: bias, coverage of the intervals, and KernelSHAP beside them.

`python -m benchmarks.refinement`, or `make benchmark-refine`; writes tests/benchmarks/results/refinement.tsv.
"""

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.recovery import CACHE
from benchmarks.reference_models import MODELS, ReferenceModel
from benchmarks.result_files import FOLDER as RESULTS
from benchmarks.result_files import ROOT, merge_results
from benchmarks.truth import Truth, shapley_truth
from shapsketch.comparison import Task, explain
from shapsketch.explanation.refine import Effort, Refiner, Residual
from shapsketch.fidelity.faithfulness import report
from shapsketch.recovery import recover
from shapsketch.recovery.student import load_students, save_students
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.background import Background
from shapsketch.settings.versions import VERSIONS
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.spectrum_file import load_spectra, save_spectra
from shapsketch.storage.files import read_json, write_json

FOLDER = ROOT / "results" / "benchmarks" / "refinement"  # of sketches
TRUTH_ERRORS = {"deepspcas9": 0.02, "guide_cnn": 0.003}  # far below the standard errors to be judged
EVALUATIONS = (64, 256, 1024)
SEEDS = 4  # runs with samples of their own
KEY = ["model", "budget", "estimator", "evaluations"]
COLUMNS = [
    *KEY, "values", "coverage", "error_sketch", "error_refined", "standard_error", "bias", "error_kernelshap",
    "mse_ratio", "truth_error",
]  # fmt: skip


@dataclass(frozen=True)
class Answering:
    """A reference model in the place of a workflow's."""

    model: ReferenceModel
    batch_size: int = 1024

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """Evaluate (N, n) alphabet codes."""
        return self.model.function(codes)


def main() -> None:
    """Write a row per model, sketch and effort."""
    parser = argparse.ArgumentParser(prog="refinement", description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(TRUTH_ERRORS), choices=list(TRUTH_ERRORS))
    parser.add_argument("--budget", type=int, default=10_000, help="of the sketch")
    parser.add_argument("--estimators", nargs="+", default=["auto"])
    parser.add_argument("--evaluations", nargs="+", type=int, default=EVALUATIONS)
    chosen = parser.parse_args()
    for name in chosen.models:
        model = MODELS[name]()
        truth = shapley_truth(model, CACHE, TRUTH_ERRORS[name])
        assert truth is not None
        for estimator in chosen.estimators:
            refiner = _sketched(model, chosen.budget, estimator)
            for count in chosen.evaluations:
                row = dict(zip(KEY, (name, chosen.budget, estimator, count), strict=True))
                row |= _score(model, truth, refiner, count)
                print(row, flush=True)
                merge_results(RESULTS / "refinement.tsv", [row], KEY, COLUMNS, "make benchmark-refine")


def _sketched(model: ReferenceModel, budget: int, estimator: str) -> Refiner:
    """Sketch a model's first output, once with each version of the recovery; the rest is read back."""
    place = FOLDER / f"{model.name}-{budget}-{estimator}-{VERSIONS['recovery']}"
    if not (place / "score.json").exists():
        plan = model.plan(budget)
        codes = model.queries(plan)
        sketch = Sketch(plan, codes, model.evaluate(codes))
        found = recover(sketch, 0, estimator=estimator, threads=2)
        save_spectra(place / "spectrum.npz", [found.spectrum])
        save_students(place / "students.npz", {model.outputs[0]: found.student})
        write_json(place / "score.json", report(found.spectrum, sketch, 0, found.student))
    spectrum: Spectrum = next(iter(load_spectra(place / "spectrum.npz").values()))
    student = load_students(place / "students.npz").get(model.outputs[0])
    predict = (lambda codes: student.predict(codes, 2)) if student else None
    residual = Residual.from_score(read_json(place / "score.json"))
    print(residual, flush=True)
    return Refiner(Answering(model), [spectrum], [residual], [predict], Effort(EVALUATIONS[0]))


def _score(model: ReferenceModel, truth: Truth, refiner: Refiner, count: int) -> dict[str, Any]:
    """Errors of the sketch, of the refined values and of KernelSHAP, relative to the spread of the true values."""
    free, true = model.template.free, truth.values[0]
    spread = true.std()
    predictions = model.evaluate(model.explained)[:, :1]
    runs = [
        Refiner(refiner.model, refiner.spectra, refiner.residuals, refiner.students, Effort(count), seed)(
            model.explained, predictions
        )
        for seed in range(SEEDS)
    ]
    values, errors = (np.stack([getattr(r, k)[0][:, free] for r in runs]) for k in ("values", "errors"))
    sketched = refiner.spectra[0].components.shapley_values(model.explained)[:, free]
    peer = _kernel_shap(model, count)
    mean_error = values.mean(0) - true
    mse = float(((values - true) ** 2).mean())
    return {
        "values": values.size,
        "coverage": float((np.abs(values - true) <= 1.96 * errors).mean()),
        "error_sketch": float(np.sqrt(((sketched - true) ** 2).mean()) / spread),
        "error_refined": np.sqrt(mse) / spread,
        "standard_error": float(np.sqrt((errors**2).mean()) / spread),
        "bias": float(np.sqrt(max((mean_error**2).mean() - (errors**2).mean() / SEEDS, 0)) / spread),
        "error_kernelshap": float(np.sqrt(((peer - true) ** 2).mean()) / spread),
        "mse_ratio": mse / float(((peer - true) ** 2).mean()),
        "truth_error": truth.errors[0],
    }


def _kernel_shap(model: ReferenceModel, count: int) -> np.ndarray:
    """KernelSHAP of as many evaluations, a fresh background for each coalition."""
    task = Task(Answering(model), Background.uniform(model.template), 0, model.explained, count)
    return explain("kernel_shap", task).values[:, model.template.free]


if __name__ == "__main__":
    main()
