"""Interactions of every method beside the truth, on functions whose interactions are known exactly.

Trees, a landscape of which every variant is known, planted tables of one to four positions, and a tensor train, in
which everything interacts. A method that asks per sequence gets `--evaluations` of each; the sketch and SHAP zero get
that times `--spread` in all. Writes `tests/benchmarks/results/interactions.tsv`.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from benchmarks.methods import Answering
from benchmarks.recovery import CACHE
from benchmarks.reference_model import ReferenceModel
from benchmarks.reference_models import DNA, MODELS
from benchmarks.result_files import FOLDER, merge_results
from shapsketch.comparison import Answer, Task, UnsuitedError
from shapsketch.comparison.shapiq_methods import approximate, boosted_trees
from shapsketch.comparison.shapsketch import make_sketch
from shapsketch.comparison.shapzero import sketch as sketch_by_shapzero
from shapsketch.comparison.tn_shap import explain_by
from shapsketch.recovery import recover_outputs
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.rng import generator
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.indices import Index
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.terms import Support, Terms
from shapsketch.spectrum.train_interactions import complete_map, interaction_values
from shapsketch.spectrum.trains import Train

ORDER = 3
INDICES: tuple[Index, ...] = ("FSII", "SII")
STRONGEST = 10  # interactions of an order that a method should name
TIE = 1e-9  # the relative difference below which two true values are one
OURS, SHAPZERO = "shapsketch", "shapzero"
COLUMNS = [
    "model", "evaluations", "spread", "index", "method", "once", "each", "seconds", "compared", "recall_2", "recall_3",
    "error_1", "error_2", "error_3", "note",
]  # fmt: skip
KEY = COLUMNS[:5]
Values = list[np.ndarray]  # by order from 1: (S, supports of that order in the order of `supports_of`)


@dataclass(frozen=True)
class Peer:
    """A class of `shapiq.approximator`, and how it is asked.

    Attributes:
        name: of the class.
        indices: that it gives.
        distinct: whether it asks for a coalition once at most.
        trees: whether it fits boosted trees, which are then ours to choose: LightGBM at its defaults.
        options: of the class.
    """

    name: str
    indices: tuple[str, ...] = INDICES
    distinct: bool = True
    trees: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(self, task: Task, index: Index) -> Answer:
        """Explain a task; `index` goes in where the class knows several."""
        options = {"max_order": ORDER, **self.options}
        options |= {"index": index} if self.name != "RegressionFSII" else {}
        options |= {"proxy_model": boosted_trees(task)} if self.trees else {}
        return approximate(task, self.name, distinct=self.distinct, least=32, order=ORDER, **options)


@dataclass(frozen=True)
class TensorNetwork:
    """A tree of tensors fitted to each game, which gives any index."""

    indices: tuple[str, ...] = INDICES

    def __call__(self, task: Task, index: Index) -> Answer:
        """Explain a task by an index."""
        return explain_by(task, index)


PAIRED = {"pairing_trick": True}
PEERS: dict[str, Peer | TensorNetwork] = {
    "KernelSHAP-IQ": Peer("KernelSHAPIQ", ("SII",), options=PAIRED),
    "FSII by regression": Peer("RegressionFSII", ("FSII",), options=PAIRED),
    "permutation sampling": Peer("PermutationSamplingSII", ("SII",), distinct=False),
    "SHAP-IQ": Peer("SHAPIQ", options=PAIRED),
    "SVARM-IQ": Peer("SVARMIQ", ("SII",), options=PAIRED),  # of FSII, the highest order alone
    "SPEX": Peer("SPEX", ("SII",), distinct=False),  # FSII takes it six times as long
    "ProxySPEX": Peer("ProxySPEX", trees=True, options={"hpo": False}),
    "ProxySHAP": Peer("ProxySHAP", trees=True),
    "TN-SHAP": TensorNetwork(),
}
METHODS = (OURS, *PEERS, SHAPZERO)


def planted(seed: int = 5) -> ReferenceModel:
    """Random tables over one to four of 16 positions: 16 single ones, 24 pairs, 16 triples and 6 fours."""
    template, draws = Template(DNA, "N" * 16), generator(seed, 0)
    tables: dict[Support, np.ndarray] = {}
    for order, count in ((1, 16), (2, 24), (3, 16), (4, 6)):
        every = list(combinations(range(16), order))
        for place in draws.choice(len(every), count, replace=False):
            table = draws.normal(size=(4,) * order)
            for axis in range(order):
                table -= table.mean(axis, keepdims=True)
            tables[every[place]] = table
    terms = Terms.build(template.sizes, tables)
    explained = draws.integers(0, 4, (24, 16)).astype(np.uint8)
    return ReferenceModel(
        "planted", template, ("y",), lambda codes: terms.predict(codes)[:, None], (), explained, exact=(terms,)
    )


def dense(seed: int = 6) -> tuple[ReferenceModel, Spectrum]:
    """Return a random tensor train of rank 4 over 12 positions, and its spectrum: all orders have dividends."""
    template, draws = Template(DNA, "N" * 12), generator(seed, 0)
    ranks = [1, *[4] * 11, 1]
    cores = [np.eye(a, b)[:, None] + 0.25 * draws.normal(size=(a, 4, b)) for a, b in pairwise(ranks)]
    train = Train.build(cores, [np.full(4, 0.25)] * 12)
    explained = draws.integers(0, 4, (24, 12)).astype(np.uint8)
    model = ReferenceModel("dense", template, ("y",), lambda codes: train.predict(codes)[:, None], (), explained)
    return model, Spectrum(model.background, "y", train.mean, Terms.build(template.sizes, {}), {}, (train,))


def with_terms(model: ReferenceModel) -> tuple[ReferenceModel, Spectrum]:
    """Return a model beside the spectrum of its known terms; of a whole landscape, of all its rows."""
    if model.exact:
        return model, Spectrum(model.background, model.outputs[0], 0.0, model.exact[0])
    plan = model.plan(model.template.space, design="exhaustive")
    codes = model.queries(plan)
    (recovered,) = recover_outputs(Sketch(plan, codes, model.evaluate(codes)), estimator="exact")
    return model, recovered.spectrum


CASES: dict[str, Callable[[], tuple[ReferenceModel, Spectrum]]] = {
    "sprout": lambda: with_terms(MODELS["sprout"]()),
    "gb1_complete": lambda: with_terms(MODELS["gb1_complete"]()),
    "planted": lambda: with_terms(planted()),
    "dense": dense,
}


def main() -> None:
    """Run what the command line asks for; the table is written after every run."""
    parser = argparse.ArgumentParser(prog="interactions", description=__doc__)
    parser.add_argument("--models", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--evaluations", type=int, default=512, help="of each sequence")
    parser.add_argument("--spread", type=int, default=100, help="sequences to explain, for methods that pay once")
    parser.add_argument("--sequences", type=int, default=8, help="that are explained and scored")
    chosen = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    for name in chosen.models:
        try:
            model, truth = CASES[name]()
        except (FileNotFoundError, InputError) as error:
            print(f"{name} is skipped: its data are missing ({error}).", flush=True)
            continue
        for row in _rows(model, truth, chosen):
            merge_results(FOLDER / "interactions.tsv", [row], KEY, COLUMNS, "make benchmark-interactions")
            print(" ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()), flush=True)


def _rows(model: ReferenceModel, spectrum: Spectrum, chosen: argparse.Namespace) -> Iterator[dict[str, Any]]:
    places = np.linspace(0, len(model.explained) - 1, chosen.sequences).astype(int)
    codes = model.explained[places]
    truth = {index: spectrum_values(spectrum, codes, index) for index in INDICES}
    start = {"model": model.name, "evaluations": chosen.evaluations, "spread": chosen.spread}
    for name in chosen.methods:
        paid = chosen.evaluations * (chosen.spread if name in (OURS, SHAPZERO) else 1)
        task = Task(Answering(model), model.background, 0, codes, paid, ORDER, 0, 1)  # type: ignore[arg-type]
        for index, run in answered(name, task).items():
            values = run.pop("values", None)
            scores = {} if values is None else measures(values, truth[index])
            yield {**start, "index": index, "method": name, "compared": len(codes), **run, **scores}


def answered(name: str, task: Task) -> dict[Index, dict[str, Any]]:
    """Return what a method says of a task, by index: `values` and what they cost, or a note why there are none."""
    began = time.perf_counter()
    try:
        if name == OURS:
            sketched = make_sketch(task)
            spectrum, once = sketched.spectrum, sketched.evaluations
        elif name == SHAPZERO:
            spectrum, _, once = sketch_by_shapzero(task)
        else:
            return _by_peer(PEERS[name], task)
    except UnsuitedError as error:
        return {index: {"note": str(error)} for index in INDICES}
    paid = {"once": once, "each": 0.0, "note": str(spectrum.provenance.get("estimator", ""))}
    values = {index: spectrum_values(spectrum, task.codes, index) for index in INDICES}
    seconds = time.perf_counter() - began
    return {index: {**paid, "seconds": seconds, "values": values[index]} for index in INDICES}


def _by_peer(peer: Peer | TensorNetwork, task: Task) -> dict[Index, dict[str, Any]]:
    runs: dict[Index, dict[str, Any]] = {}
    for index in (index for index in INDICES if index in peer.indices):
        began = time.perf_counter()
        try:
            answer = peer(task, index)
        except UnsuitedError as error:
            runs[index] = {"note": str(error)}
            continue
        values = answer_values(answer, task.background.template.free)
        each, seconds = float(answer.per_sequence.mean()), time.perf_counter() - began
        runs[index] = {"once": answer.fixed, "each": each, "seconds": seconds, "values": values, "note": answer.note}
    return runs


def supports_of(free: np.ndarray, order: int) -> list[Support]:
    """Return every set of so many free positions."""
    return list(combinations(free.tolist(), order))


def spectrum_values(spectrum: Spectrum, codes: np.ndarray, index: Index) -> Values:
    """Return the values of all supports up to the top order at (S, n) local codes; what is in no term is 0."""
    mapping = complete_map(spectrum.components, index, ORDER)
    given = interaction_values(spectrum.components, mapping, codes)
    column = {support: k for k, support in enumerate(mapping.supports)}
    values = []
    for order in range(1, ORDER + 1):
        supports = supports_of(spectrum.template.free, order)
        places = np.array([column.get(support, -1) for support in supports])
        values.append(np.where(places >= 0, given[:, places], 0.0))
    return values


def answer_values(answer: Answer, free: np.ndarray) -> Values:
    """Return the values of an answer likewise; what it does not name is 0."""
    assert answer.interactions is not None
    values = [answer.values[:, free]]
    for order in range(2, ORDER + 1):
        supports = supports_of(free, order)
        rows = [[terms.get(support, 0.0) for support in supports] for terms in answer.interactions]
        values.append(np.array(rows, np.float64).reshape(len(rows), len(supports)))
    return values


def measures(values: Values, truth: Values) -> dict[str, float]:
    """Return the mean `recall_2` and `recall_3`, and `error_1`, `error_2`, `error_3`.

    Recall: of each sequence, the share of the strongest true interactions of an order, ten or half of all that there
    could be, that are among as many of the method's strongest; a value of 0 names nothing. Error: the sum of squared
    errors over all sequences and supports of an order over that of the true values, so 1 would be to say nothing. An
    order of which a method says nothing is left out.
    """
    scores = {}
    for order, (estimate, exact) in enumerate(zip(values, truth, strict=True), 1):
        if not estimate.any():
            continue
        scores[f"error_{order}"] = float(((estimate - exact) ** 2).sum() / (exact**2).sum())
        if order > 1:
            scores[f"recall_{order}"] = float(recall(estimate, exact).mean())
    return scores


def recall(estimate: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Return the (S,) shares of the strongest estimates, of (S, supports), that are among the strongest true values.

    Of true values that tie, such as those of the four triples of one fourfold interaction, any counts.
    """
    count = min(STRONGEST, exact.shape[1] // 2)
    sizes = np.abs(exact)
    least = np.sort(sizes, axis=1)[:, -count] * (1 - TIE)
    named = np.argsort(-np.abs(estimate), axis=1, kind="stable")[:, :count]
    there = np.take_along_axis(estimate, named, 1) != 0
    return (there & (np.take_along_axis(sizes, named, 1) >= least[:, None])).mean(1)


if __name__ == "__main__":
    main()
