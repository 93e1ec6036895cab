"""Every method on the reference models, at equal total evaluations for so many sequences.

A method that asks per sequence gets each of `--evaluations` for every sequence; the sketch, and what else pays once,
gets that times `--spread` in all; saturation mutagenesis asks for every single mutation. Writes
`tests/benchmarks/results/methods.tsv`, and figures. Answers and truths are kept in `results/benchmarks/cache`, so that
a run can be made in parts.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.recovery import CACHE
from benchmarks.reference_models import MODELS, ROOT, ReferenceModel, load_models
from benchmarks.result_files import FOLDER as RESULTS
from benchmarks.result_files import merge_results, read_results
from benchmarks.truth import shapley_truth
from shapsketch.comparison import Answer, Task, UnsuitedError, explain
from shapsketch.comparison.scoring import Scorer, flatten
from shapsketch.comparison.summary import SCORES
from shapsketch.comparison.truth import Truth
from shapsketch.figures.charts import cost_chart, total_cost_chart
from shapsketch.figures.style import save_figure
from shapsketch.models import Model
from shapsketch.sequences.background import Background
from shapsketch.settings.methods import METHODS, OURS, runs_of
from shapsketch.settings.versions import VERSIONS
from shapsketch.storage.files import load_npz, save_npz, sha256_json

FOLDER = ROOT / "results" / "benchmarks" / "methods"
CURVE_DRAWS = 8
SPREAD = 200  # sequences that one-off costs are spread over
EVALUATIONS = (16, 64, 256)  # of each of them
REFERENCES = ("deepspcas9", "guide_cnn", "sprout", "gb1_complete", "gb1_network", "optimus5p")
COMPARED = [name for name in METHODS if name not in ("exact", "monte_carlo", "shapsketch_refined")]
COLUMNS = [
    "model", "output", "evaluations", "spread", "method", "once", "each", "amortised", "seconds", "compared", "error",
    "over_kernel_shap", "over_best_peer", "best_peer",
    *(f"{name}{end}" for name in SCORES for end in ("", "_low", "_high")), "truth_error", "note",
]  # fmt: skip
KEY = ["model", "output", "evaluations", "spread", "method"]
COMMAND = "make benchmark-methods"


@dataclass
class Answering:
    """A reference model in the place of a workflow's; it asks whole batches of its own size."""

    model: ReferenceModel
    batch_size: int = 1024

    def __post_init__(self) -> None:
        function = self.model.function
        self.outputs = self.model.outputs
        self.source = function.source if isinstance(function, Model) else {"kind": "function"}

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """Evaluate (N, n) alphabet codes."""
        return self.model.function(codes)


def main() -> None:
    """Run what the command line asks for; the table is written after every run."""
    parser = argparse.ArgumentParser(prog="methods", description=__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(REFERENCES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=COMPARED)
    parser.add_argument("--evaluations", nargs="+", type=int, help="of each sequence; 16, 64 and 256")
    parser.add_argument("--spread", type=int, default=SPREAD, help="sequences to explain, for methods that pay once")
    parser.add_argument("--sequences", type=int, default=12, help="that are explained and scored")
    parser.add_argument("--quick", action="store_true", help="64 evaluations only, a looser truth, into results/")
    parser.add_argument("--truth-error", type=float, help="of simulated Shapley values; 0.02, and 0.1 of pairs")
    chosen = parser.parse_args()
    path = FOLDER / "quick.tsv" if chosen.quick else RESULTS / "methods.tsv"
    for model in load_models(chosen.models):
        for row in _rows(model, chosen):
            merge_results(path, [row], KEY, COLUMNS, COMMAND, with_ratios)
            print(" ".join(f"{k}={row.get(k)}" for k in (*KEY, "error", "seconds", "note")), flush=True)
    if path.exists():
        _draw(path)
        print(f"{path} is written, and its figures in {FOLDER}.")


def _rows(model: ReferenceModel, chosen: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Run the methods on the first output of a model."""
    error = chosen.truth_error or (0.05 if chosen.quick else 0.02)
    truth = shapley_truth(model, CACHE, error, None if chosen.quick or chosen.truth_error else 5 * error)
    assert truth is not None
    rows = np.linspace(0, len(model.explained) - 1, chosen.sequences).astype(int)
    codes = model.explained[rows]
    truth = replace(truth, values=truth.values[:, rows], pairs=truth.pairs[:, rows])
    for count in chosen.evaluations or ([64] if chosen.quick else EVALUATIONS):
        for name in chosen.methods:
            (paid,) = runs_of(name, model.template, [count], chosen.spread * count)
            task = Task(Answering(model), Background.uniform(model.template), 0, codes, paid, 2, 0, 2)  # type: ignore[arg-type]
            row = {"model": model.name, "output": model.outputs[0], "evaluations": count, "spread": chosen.spread}
            yield row | {"method": name, "compared": len(codes)} | _score(model, name, task, truth, chosen.spread)


def _score(model: ReferenceModel, name: str, task: Task, truth: Truth, spread: int) -> dict[str, Any]:
    try:
        answer, seconds = _answer(model, name, task)
    except UnsuitedError as error:
        return {"note": str(error)}
    each, free = float(answer.per_sequence.mean()), model.template.free
    squared = float(((answer.values[:, free] - truth.values[0]) ** 2).mean())
    return {
        "once": answer.fixed,
        "each": each,
        "amortised": answer.fixed / spread + each,
        "seconds": seconds,
        "error": squared / float(truth.values[0].var()),
        **flatten(Scorer(truth, 0, CURVE_DRAWS, 0)(task, answer)),
        "truth_error": float(truth.errors[0]),
        "note": answer.note,
    }


def _answer(model: ReferenceModel, name: str, task: Task) -> tuple[Answer, float]:
    """Return an answer and the seconds it took, from the cache if it is there."""
    key = sha256_json([model.identity, name, task.evaluations, task.codes.tolist(), VERSIONS])
    path = CACHE / f"answer-{model.name}-{name}-{key[:16]}.npz"
    if path.exists():
        return _unpack(load_npz(path))
    began = time.perf_counter()
    answer = explain(name, task)
    seconds = time.perf_counter() - began
    pairs = [
        [row, *support, value]
        for row, found in enumerate(answer.interactions or ())
        for support, value in found.items()
        if len(support) == 2
    ]
    arrays = {"values": answer.values, "once": answer.fixed, "each": answer.per_sequence, "seconds": seconds}
    arrays |= {"note": answer.note, "pairs": np.array(pairs).reshape(-1, 4), "none": answer.interactions is None}
    save_npz(path, {name: np.asarray(array) for name, array in arrays.items()})
    return answer, seconds


def _unpack(arrays: dict[str, np.ndarray]) -> tuple[Answer, float]:
    interactions: list[dict[tuple[int, ...], float]] = [{} for _ in arrays["each"]]
    for row, i, j, value in arrays["pairs"].tolist():
        interactions[int(row)][int(i), int(j)] = value
    found = None if arrays["none"] else interactions
    once, each, note = int(arrays["once"]), arrays["each"], str(arrays["note"])
    return Answer(arrays["values"], None, found, once, each, note), float(arrays["seconds"])


def with_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Take our errors over those of others anew, run by run."""
    table = table.assign(over_kernel_shap=np.nan, over_best_peer=np.nan, best_peer=None).reindex(columns=table.columns)
    for _, runs in table.groupby(KEY[:-1], sort=False):
        ours = runs.loc[runs["method"] == OURS, "error"]
        peers = runs[(runs["method"] != OURS) & runs["error"].notna()].set_index("method")["error"]
        if len(ours) and len(peers):
            place = ours.index[0]
            table.loc[place, "over_kernel_shap"] = ours.iloc[0] / peers.get("kernel_shap", np.nan)
            table.loc[place, "over_best_peer"] = ours.iloc[0] / peers.min()
            table.loc[place, "best_peer"] = peers.idxmin()
    return table


def _draw(path: Path) -> None:
    """Draw accuracy against cost, and total cost against the number of sequences, of every model."""
    for name, rows in read_results(path).groupby("model", sort=False):
        start = FOLDER / f"{path.stem}-{name}"
        save_figure(cost_chart(rows, str(name)), start.with_name(f"{start.name}.accuracy_against_cost"))
        save_figure(total_cost_chart(rows, str(name)), start.with_name(f"{start.name}.total_cost"))


if __name__ == "__main__":
    main()
