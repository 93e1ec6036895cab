"""Long inputs: games of 200 to 1,000 players, explained from equal budgets by ours and by shapiq's SPEX and ProxySPEX.

`python -m benchmarks.masks`, or `make benchmark-masks`; writes tests/benchmarks/results/masks.tsv, a row as soon as it
is known. Seconds are of processor time, on one core.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from shapiq.approximator import SPEX, ProxySPEX

from benchmarks import long_model
from benchmarks.result_files import FOLDER as RESULTS
from benchmarks.result_files import ROOT, merge_results
from shapsketch.comparison.game import global_seed
from shapsketch.masks import explain_game
from shapsketch.masks.game import Players, compose
from shapsketch.masks.plan import Estimator, make_mask_plan
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.metrics import r_squared

FOLDER = ROOT / "results" / "benchmarks" / "masks"  # of the network
FRESH = 4000  # masks that score
ORDER = 5
RUNS = 5  # each with other masks and other noise: a row is their mean
MAX_PROXY_PLAYERS = 200  # of more, ProxySPEX takes a quarter of an hour or longer
KEY = ["case", "players", "method"]
COLUMNS = [
    *KEY, "budget", "evaluations", "seconds", "model_seconds", "r2", "r2_values", "recall", "dividends", "note",
]  # fmt: skip
Dividends = dict[tuple[int, ...], float]
Explained = tuple[Dividends, np.ndarray]  # dividends, and (m,) Shapley values


@dataclass(frozen=True)
class Case:
    """A game.

    Attributes:
        name: of the row.
        players, budget: m, and evaluations.
        ask: from (N, m) masks to (N,) values, with noise where there is any; drawn anew in each call.
        clean: the same without noise; None where it is not known, then pairs of answers score.
        truth: the true dividends, or Fourier coefficients where `fourier`; none where they are not known.
        fourier: which of the two `truth` is.
        noisy: whether one mask can have several values.
    """

    name: str
    players: int
    budget: int
    ask: Callable[[np.ndarray], np.ndarray]
    clean: Callable[[np.ndarray], np.ndarray] | None = None
    truth: Dividends = field(default_factory=dict)
    fourier: bool = False
    noisy: bool = True

    @property
    def values(self) -> np.ndarray:
        """The (m,) true Shapley values."""
        if not self.fourier:
            return shapley_values(self.truth, self.players)
        odd = {support: -2 * weight for support, weight in self.truth.items() if len(support) % 2}
        return shapley_values(odd, self.players)  # a parity takes -1 at all of its players, or 1 if they are even


def shapley_values(dividends: Dividends, players: int) -> np.ndarray:
    """Share every dividend out among its players: (m,) values."""
    values = np.zeros(players)
    for support, value in dividends.items():
        values[list(support)] += value / max(len(support), 1)
    return values


def planted(name: str, players: int, budget: int, *, kind: str, noise: float = 0.0, count: int = 30) -> Case:
    """Random interactions of order 1 to 5 (products of players) or 3 to 5 (parities), with weights of both signs.

    Args:
        name, players, budget: of the case.
        kind: `product` or `parity`.
        noise: its standard deviation over that of the game.
        count: of interactions.
    """
    rng = np.random.default_rng(players)
    low = 3 if kind == "parity" else 1
    supports = [tuple(sorted(rng.choice(players, rng.integers(low, 6), replace=False).tolist())) for _ in range(count)]
    weights = rng.choice([-1, 1], count) * rng.uniform(0.5, 2, count)
    truth: Dividends = {}
    for support, weight in zip(supports, weights.tolist(), strict=True):
        truth[support] = truth.get(support, 0.0) + weight

    def clean(masks: np.ndarray) -> np.ndarray:
        part = [masks[:, s] != 0 for s in supports]
        values = [p.all(1) if kind == "product" else 1 - 2.0 * (p.sum(1) % 2) for p in part]
        return weights @ np.array(values, float)

    scale = noise * clean(rng.integers(0, 2, (FRESH, players))).std()

    def ask(masks: np.ndarray) -> np.ndarray:
        return clean(masks) + scale * rng.standard_normal(len(masks))

    return Case(name, players, budget, ask, clean, truth, kind == "parity", noise > 0)


def network(budget: int, segment: int, seed: int = 7) -> Case:
    """One sequence under the trained network, in segments; absent letters are drawn anew for each mask."""
    path = FOLDER / "network.pt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"trained a network of {long_model.WIDTH} letters: R2 {long_model.train(path):.3f}", flush=True)
    model = long_model.load(path)
    template = Template(Alphabet("ACGT"), "N" * long_model.WIDTH)
    background, players = Background.uniform(template), Players.build(template, segment)
    sequences, activities = long_model.make_sequences(50, long_model.WIDTH, seed)
    codes = sequences[np.argmax(activities)]
    asked = [0]

    def ask(masks: np.ndarray) -> np.ndarray:
        flags = np.ascontiguousarray(masks, dtype=np.uint8)
        numbers = asked[0] + np.arange(len(masks))
        queries = compose(background.thresholds, players, codes, flags, np.uint64(seed), numbers)
        asked[0] += len(masks)
        return long_model.predict(model, queries)

    return Case(f"network, segments of {segment}", players.count, budget, ask)


CASES: tuple[Callable[[], Case], ...] = (
    lambda: planted("products", 200, 4000, kind="product"),
    lambda: planted("products, noise", 200, 4000, kind="product", noise=0.5),
    lambda: planted("parities", 200, 4000, kind="parity"),
    lambda: planted("parities, noise", 200, 8000, kind="parity", noise=0.5),
    lambda: planted("products", 1000, 10_000, kind="product"),
    lambda: planted("products, noise", 1000, 10_000, kind="product", noise=0.5),
    lambda: planted("parities", 1000, 10_000, kind="parity"),
    lambda: network(4000, 5),
)


def ours(case: Case, seed: int, estimator: Estimator = "auto") -> Explained:
    """Explain by one estimator; hold-out and validation are included in the budget."""
    plan = make_mask_plan(case.players, case.budget, seed=seed, noisy=case.noisy, estimator=estimator)
    fit = explain_game(case.ask, plan, estimator=estimator)
    supports, dividends = fit.parities.dividends
    rows = [tuple(i for i in s if i < case.players) for s in supports.tolist()]
    return {s: a for s, a in zip(rows, dividends.tolist(), strict=True) if a}, fit.values


def _captured(kind: type, case: Case, seed: int) -> Explained:
    """What a sparse approximator of shapiq finds before it is turned into an index: its Moebius transform."""
    found: list[Dividends] = []

    class Captured(kind):  # type: ignore[misc,valid-type]
        def _process_moebius(self, moebius_transform: Dividends) -> np.ndarray:
            found.append(dict(moebius_transform))
            self._interaction_lookup = {(): 0}
            return np.zeros(1)

    approximator = Captured(n=case.players, index="FSII", max_order=ORDER, random_state=seed)
    if kind is ProxySPEX:  # its search over settings stays as it is; OMP_NUM_THREADS does not reach its trees
        approximator.proxy_model.set_params(estimator__n_jobs=1, estimator__verbose=-1)
    with global_seed(seed):  # from which SPEX draws, whatever its own
        approximator.approximate(case.budget, case.ask)
    return found[0], shapley_values(found[0], case.players)


METHODS: dict[str, Callable[[Case, int], Explained]] = {
    "shapsketch": ours,
    "shapsketch, dividends": partial(ours, estimator="dividends"),
    "shapsketch, regression": partial(ours, estimator="regression"),
    "shapiq SPEX": partial(_captured, SPEX),
    "shapiq ProxySPEX": partial(_captured, ProxySPEX),
}


def evaluate(dividends: Dividends, masks: np.ndarray) -> np.ndarray:
    """Return the (N,) sums of the dividends of what is present."""
    total = np.zeros(len(masks))
    present = masks.astype(bool)
    for support, value in dividends.items():
        total += value * present[:, list(support)].all(1)
    return total


def score(case: Case, dividends: Dividends) -> float:
    """R2 of the game itself on fresh masks; see `shapsketch.masks.score` where only noisy answers are known."""
    masks = np.random.default_rng(4242).integers(0, 2, (FRESH, case.players)).astype(np.uint8)
    guess = evaluate(dividends, masks)
    if case.clean:
        return r_squared(case.clean(masks), guess)
    one, two = case.ask(masks), case.ask(masks)
    return float(1 - np.mean((one - guess) * (two - guess)) / np.cov(one, two)[0, 1])


def recall(case: Case, dividends: Dividends) -> float:
    """The share of the K true interactions among the K strongest found, K their number."""
    strengths = dict(dividends)
    if case.fourier:
        strengths = {}
        for support, value in dividends.items():
            bits = 1 << len(support)
            for subset in range(bits):
                part = tuple(i for k, i in enumerate(support) if subset >> k & 1)
                strengths[part] = strengths.get(part, 0.0) + (-1) ** len(part) * value / bits
    strengths.pop((), None)
    best = sorted(strengths, key=lambda s: -abs(strengths[s]))[: len(case.truth)]
    return len(set(best) & set(case.truth)) / len(case.truth)


def run(case: Case, method: str, seed: int = 0) -> dict[str, Any]:
    """Explain a game by one method with a seed of its own, and score it."""
    asked = [0, 0.0]

    def ask(masks: np.ndarray) -> np.ndarray:
        began = time.process_time()
        values = case.ask(masks)
        asked[0] += len(masks)
        asked[1] += time.process_time() - began
        return values

    began = time.process_time()
    try:
        found, values = METHODS[method](replace(case, ask=ask), seed)
    except ValueError as error:  # SPEX: the budget is too small
        return {"case": case.name, "players": case.players, "method": method, "note": str(error)}
    seconds = time.process_time() - began - asked[1]
    return {
        "case": case.name,
        "players": case.players,
        "method": method,
        "budget": case.budget,
        "evaluations": asked[0],
        "seconds": round(seconds, 2),
        "model_seconds": round(asked[1], 2),
        "r2": score(case, found),
        "r2_values": r_squared(case.values, values) if case.truth else np.nan,
        "recall": recall(case, found) if case.truth else np.nan,
        "dividends": len(found),
        "note": "",
    }


def main() -> None:
    """Run the cases that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, nargs="*", help="numbers of cases, from 0; all by default")
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    chosen = parser.parse_args()
    for method in chosen.methods:  # the first call imports and compiles
        for kind in ("product", "parity"):
            METHODS[method](planted("warm up", 60, 2000, kind=kind, count=5), 0)
    for number in range(len(CASES)) if chosen.cases is None else chosen.cases:
        for method in chosen.methods:
            case = CASES[number]()
            if method == "shapiq ProxySPEX" and case.players > MAX_PROXY_PLAYERS:
                continue
            runs = [run(case, method, seed) for seed in range(RUNS)]
            row = runs[0] | pd.DataFrame(runs).mean(numeric_only=True).to_dict()
            print(row, flush=True)
            merge_results(RESULTS / "masks.tsv", [row], KEY, COLUMNS, "make benchmark-masks")


if __name__ == "__main__":
    main()
