"""Compare every estimator with shapzero, at equal budgets, on every reference model, with near queries and without.

Writes `tests/benchmarks/results/recovery.tsv` and draws it. Evaluations and long-run truths are kept in
`results/benchmarks/cache`. Rows of runs that are not repeated stay in the table, each with its commit.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recovery_figure import draw
from benchmarks.reference_models import MODELS, ROOT, ReferenceModel, load_models
from benchmarks.result_files import FOLDER, merge_results, read_results
from benchmarks.shapzero_peer import VERSION, obstacle, run_shapzero
from benchmarks.truth import Truth, shapley_truth
from shapsketch.sampling.design import available_estimators
from shapsketch.sampling.near import Mixed
from shapsketch.sampling.queries import Drawn
from shapsketch.sampling.sketch import Sketch
from shapsketch.spectrum.metrics import r_squared
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.spectrum_file import load_spectra
from shapsketch.storage.files import load_npz, read_json, save_npz, sha256_json

RESULTS = ROOT / "results" / "benchmarks"
CACHE = RESULTS / "cache"
HOLDOUT, HOLDOUT_SEED = 10_000, 77
QUICK_SHARE = 10  # what --quick divides budgets and hold-outs by
NEAR_SHARE = 0.3
COLUMNS = [
    "model", "output", "budget", "near", "estimator", "evaluations", "r2", "r2_near", "r2_sequences", "r2_shapley",
    "truth_error", "terms", "rank", "seconds", "peak_mb", "note",
]  # fmt: skip
KEY = COLUMNS[:5]
SHAPZERO = "shapzero"


def main() -> None:
    """Run what the command line asks for; the table is written after every run."""
    chosen = _arguments()
    folder = RESULTS / "recovery"
    path = folder / "quick.tsv" if chosen.quick else FOLDER / "recovery.tsv"
    for row in _rows(chosen):
        merge_results(path, [row], KEY, COLUMNS, "make benchmark-recovery")
        print("\t".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()), flush=True)
    if path.exists():
        draw(read_results(path), folder / path.stem)
        print(f"{path} is written, and its figure in {folder}.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="recovery", description=__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--budgets", nargs="+", type=int, help="evaluations; each model has its own by default")
    parser.add_argument("--near", nargs="+", type=float, default=[0.0, NEAR_SHARE], help="shares of near queries")
    parser.add_argument("--estimators", nargs="+", help=f"names, auto and {SHAPZERO}; all that serve by default")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, into quick.tsv")
    parser.add_argument("--truth-error", type=float, help="of simulated Shapley values; each model has its own")
    parser.add_argument("--shapzero-limit", type=float, default=300, help="seconds, without the model's")
    return parser.parse_args()


def _rows(chosen: argparse.Namespace) -> Iterator[dict[str, Any]]:
    share = QUICK_SHARE if chosen.quick else 1
    for model in load_models(chosen.models):
        max_error = chosen.truth_error or model.truth_error * (5 if chosen.quick else 1)
        truth = shapley_truth(model, CACHE, max_error)
        for budget in chosen.budgets or [b // share for b in model.budgets]:
            for near in chosen.near if model.rows is None else [0.0]:
                yield from _compare(model, budget, near, truth, HOLDOUT // share, chosen)


def _compare(
    model: ReferenceModel, budget: int, near: float, truth: Truth | None, holdout: int, chosen: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Sketch a model once, then run every estimator on all its outputs, and shapzero on each."""
    plan = model.plan(budget, near=near)
    codes = model.queries(plan)
    sketch = Sketch(plan, codes, _evaluated(model, codes, noisy=True))
    tests = {"r2": _holdout(model, codes, holdout)}
    if model.rows is None:
        tests |= {"r2_near": _near_holdout(model, codes, holdout), "r2_sequences": model.explained}
    test_values = {name: _evaluated(model, own, noisy=False) for name, own in tests.items()}
    names = [*available_estimators(plan), "auto", *([] if near else [SHAPZERO])]
    for name in (n for n in names if n in (chosen.estimators or names)):
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            if name == SHAPZERO:
                runs = [
                    _run_shapzero(model, k, budget, Path(folder), chosen.shapzero_limit)
                    for k in range(len(model.outputs))
                ]
            else:
                runs = [
                    (spectrum, codes, run) for spectrum, run in _run_ours(sketch, name, Path(folder), model.minutes)
                ]
        for output, (spectrum, asked, run) in enumerate(runs):
            start = {"model": model.name, "output": model.outputs[output], "budget": budget, "near": near}
            score = _score(model, spectrum, asked, tests, test_values, truth, output)
            yield {**start, "estimator": name, **run, **score}


def _run_ours(
    sketch: Sketch, estimator: str, folder: Path, minutes: float | None
) -> list[tuple[Spectrum | None, dict[str, Any]]]:
    """Recover all outputs in a process of its own."""
    sketch.plan.save(folder / "plan.json")
    sketch.save(folder / "sketch.npz")
    command = [sys.executable, "-m", "benchmarks.one_recovery", str(folder), estimator]
    command += [] if minutes is None else [str(minutes)]
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # as in a stage
    done = subprocess.run(command, env=os.environ | one_thread, stderr=subprocess.PIPE, text=True, check=False)
    run: dict[str, Any] = {"evaluations": sketch.plan.size}
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}, without a word"]
        failed = {**run, "note": f"failed: {said[-1]}"}
        return [(None, failed) for _ in sketch.plan.outputs]
    record = read_json(folder / "record.json")
    run |= {"seconds": record["seconds"], "peak_mb": record["peak_mb"]}
    spectra = load_spectra(folder / "spectrum.npz")
    notes = [f"chose {chose}" if estimator == "auto" else "" for chose in record["estimators"]]
    return [(spectra[o], {**run, "note": note}) for o, note in zip(sketch.plan.outputs, notes, strict=True)]


def _run_shapzero(
    model: ReferenceModel, output: int, budget: int, folder: Path, limit: float
) -> tuple[Spectrum | None, np.ndarray, dict[str, Any]]:
    """Run the peer; the evaluations are those it really made."""
    if reason := obstacle(model):
        return None, np.empty((0, model.template.n), np.uint8), {"evaluations": 0, "note": reason}
    done = run_shapzero(model, output, budget, folder, limit)
    run = {"evaluations": len(done.asked), "seconds": done.seconds, "peak_mb": done.peak_mb}
    return done.spectrum, done.asked, {**run, "note": done.note or f"version {VERSION}"}


def _score(
    model: ReferenceModel,
    spectrum: Spectrum | None,
    asked: np.ndarray,
    tests: dict[str, np.ndarray],
    values: dict[str, np.ndarray],
    truth: Truth | None,
    output: int,
) -> dict[str, Any]:
    """R2 on each kind of test points that were not asked, on the explained sequences, and of their Shapley values."""
    score: dict[str, Any] = {"truth_error": truth.errors[output] if truth else float("nan")}
    if spectrum is None:
        return score
    score |= {
        "terms": len(spectrum.terms),
        "rank": max((int(train.ranks.max()) for train in spectrum.trains), default=0),
    }
    for name, codes in tests.items():
        scored = np.ones(len(codes), bool) if name == "r2_sequences" else ~_contains(asked, codes)
        score[name] = r_squared(values[name][scored, output], spectrum.predict_codes(codes[scored]))
    if truth:
        shapley = spectrum.components.shapley_values(model.explained)[:, model.template.free]
        score["r2_shapley"] = r_squared(truth.values[output], shapley)
    return score


def _holdout(model: ReferenceModel, asked: np.ndarray, count: int) -> np.ndarray:
    """Return points that the sketch did not ask for: of a table all the rest, otherwise `count` fresh draws."""
    if model.rows is not None:
        return model.rows[~_contains(asked, model.rows)]
    return _distinct(Drawn(model.background, HOLDOUT_SEED)(0, 2 * count), asked, count)


def _near_holdout(model: ReferenceModel, asked: np.ndarray, count: int) -> np.ndarray:
    """Return `count` fresh points near the explained sequences."""
    return _distinct(Mixed(model.background, HOLDOUT_SEED, "explained", model.explained)(0, 2 * count), asked, count)


def _distinct(drawn: np.ndarray, asked: np.ndarray, count: int) -> np.ndarray:
    drawn = drawn[np.sort(np.unique(drawn, axis=0, return_index=True)[1])]
    return drawn[~_contains(asked, drawn)][:count]


def _contains(known: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(N,) bool: which rows of codes are among the known ones."""
    keys = [np.ascontiguousarray(c).view(f"V{c.shape[1]}").ravel() for c in (known, codes)]
    return np.isin(keys[1], keys[0])


def _evaluated(model: ReferenceModel, codes: np.ndarray, noisy: bool) -> np.ndarray:
    """Return the values at local codes, from the cache if they are there."""
    key = sha256_json([model.identity, noisy, codes.shape[0], codes.tobytes().hex()])
    path = CACHE / f"values-{model.name}-{key[:16]}.npz"
    if not path.exists():
        save_npz(path, {"values": model.ask(codes) if noisy else model.evaluate(codes)})
    return load_npz(path)["values"]


if __name__ == "__main__":
    main()
