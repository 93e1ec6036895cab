"""How often intervals from some folds of a model hold the Shapley values of another fold.

`python -m benchmarks.folds`, or `make benchmark-folds`; writes tests/benchmarks/results/folds.tsv. Networks learn four
fifths each of the same data, and every one is left out in turn: the intervals of three or five others are compared with
its true values, from long walks of itself. `--cases guides` is eight small networks of Azimuth's guides, each sketched
from the same queries, and the same networks explained by masks; `--cases enhancers` six networks of 120 letters,
explained by masks.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks import long_model
from benchmarks.long_walks import Walks, long_walks
from benchmarks.reference_models import DATA
from benchmarks.result_files import FOLDER as RESULTS
from benchmarks.result_files import merge_results
from shapsketch.explanation.folds import interval_factor
from shapsketch.masks.explain import MaskExplainer, MaskSettings
from shapsketch.recovery import recover_outputs
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.interaction_tables import Listing
from shapsketch.spectrum.metrics import r_squared

DNA = Alphabet("ACGT")
QUERIES = 8000  # of a sketch
FOLDS = (3, 5)
COLUMNS = (
    "case", "explained_by", "folds", "networks", "left_out", "sequences", "evaluations", "r2", "holds", "holds_strong",
    "spread_ratio", "truth_error",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Networks that learned parts of the same data.

    Attributes:
        name: of the rows.
        networks: that take (N, 4, n) one-hot letters.
        template: of their input.
        texts: (S,) sequences that are explained.
        budget: evaluations of each by masks.
        sketched: whether a sketch explains them, too.
        left_out: networks that are left out of masks in turn, of sketches all are.
        walks: that tell the truth.
    """

    name: str
    networks: Sequence[torch.nn.Module]
    template: Template
    texts: Sequence[str]
    budget: int
    sketched: bool
    left_out: Sequence[int]
    walks: Walks

    def predict(self, codes: np.ndarray) -> np.ndarray:
        """Return the (N, networks) values at (N, n) uint8 alphabet codes."""
        with torch.inference_mode():
            parts = []
            for start in range(0, len(codes), 1024):
                x = onehot(codes[start : start + 1024])
                parts.append(torch.cat([network(x) for network in self.networks], 1).double().numpy())
        return np.concatenate(parts)


class Folds:
    """Some networks of a case, as the explainer of masks asks them."""

    batch_size = 1024

    def __init__(self, case: Case, chosen: Sequence[int]) -> None:
        self.case, self.chosen = case, list(chosen)

    def by_fold(self, codes: np.ndarray) -> np.ndarray:
        """Return (folds, N, 1) values at (N, n) uint8 alphabet codes."""
        return self.case.predict(codes).T[self.chosen][:, :, None]


def onehot(codes: np.ndarray) -> torch.Tensor:
    """Return (N, 4, n) one-hot letters."""
    return torch.nn.functional.one_hot(torch.from_numpy(codes.astype(np.int64)), 4).float().transpose(1, 2)


def train(network: torch.nn.Module, codes: np.ndarray, values: np.ndarray, seed: int, epochs: int) -> torch.nn.Module:
    """Train a network on four fifths of (N, n) codes and their (N,) values."""
    torch.manual_seed(seed)
    rows = np.random.default_rng(seed).permutation(len(codes))[: len(codes) * 4 // 5]
    x, y = onehot(codes[rows]), torch.from_numpy(values[rows].astype(np.float32))[:, None]
    for layer in network.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    optimiser = torch.optim.Adam(network.parameters(), 1e-3, weight_decay=1e-4)
    for _ in range(epochs):
        for batch in torch.split(torch.randperm(len(x)), 64):
            optimiser.zero_grad()
            torch.nn.functional.mse_loss(network(x[batch]), y[batch]).backward()
            optimiser.step()
    return network.eval()


def guides() -> Case:
    """Eight networks of the activity of Cas9 guides, 30 letters."""
    table = pd.read_csv(DATA / "azimuth/azimuth.csv")
    codes, activity = DNA.encode(table.sequence.tolist()), table.activity.to_numpy()

    def network() -> torch.nn.Module:
        return torch.nn.Sequential(
            torch.nn.Conv1d(4, 32, 5, padding=2), torch.nn.ReLU(), torch.nn.AvgPool1d(2), torch.nn.Flatten(),
            torch.nn.Dropout(0.3), torch.nn.Linear(32 * 15, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1),
        )  # fmt: skip

    networks = [train(network(), codes, activity, seed, 12) for seed in range(8)]
    texts = table.sequence[table.sequence.str[25:27] == "GG"].iloc[::20].tolist()
    return Case("guides", networks, Template(DNA, "N{25}GGN{3}"), texts[::44], 1000, True, range(0, 8, 2), Walks(300))


def enhancers() -> Case:
    """Six networks of motifs that act together, 120 letters."""
    codes, activities = long_model.make_sequences(6000, 120, 0)
    values = (activities - activities.mean()) / activities.std()
    networks = [train(long_model.Network(), codes, values, seed, 8) for seed in range(6)]
    others, strength = long_model.make_sequences(50, 120, 1)
    texts = DNA.decode(others[np.argsort(-strength, kind="stable")[:24:4]])
    return Case("enhancers", networks, Template(DNA, "N{120}"), texts, 1500, False, range(0, 6, 2), Walks(240, 600, 30))


CASES: dict[str, Callable[[], Case]] = {"guides": guides, "enhancers": enhancers}


def truths(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return the (networks, S, free positions) true values of each network, and their standard errors."""
    explainer = _explainer(case, 0)
    walked = [
        long_walks(
            lambda local: case.predict(case.template.to_alphabet(local)), explainer.game("one", text), case.walks
        )
        for text in case.texts
    ]
    values, errors = (np.array(part).transpose(2, 0, 1) for part in zip(*walked, strict=True))
    return values, errors


def _explainer(case: Case, folds: int) -> MaskExplainer:
    settings = MaskSettings(budget=case.budget)
    return MaskExplainer(["y"], Background.uniform(case.template), settings, Listing(["SV"]), folds=folds)


def chosen_folds(networks: int, left_out: int, folds: int) -> list[int]:
    """The folds that make an interval: those that follow the one that is left out."""
    return [(left_out + 1 + k) % networks for k in range(folds)]


def by_masks(case: Case, folds: int, left_out: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Explain the mean of some folds by masks: the (2, S, free) ends of the intervals, their spread, and R2."""
    explainer = _explainer(case, folds)
    model = Folds(case, chosen_folds(len(case.networks), left_out, folds))
    names = [f"s{k}" for k in range(len(case.texts))]
    asked = [explainer.ask(model, name, text) for name, text in zip(names, case.texts, strict=True)]  # type: ignore[arg-type]
    games = [explainer.game(name, text) for name, text in zip(names, case.texts, strict=True)]
    students = explainer.train(games, *(np.array(part) for part in zip(*asked, strict=True)))
    ends, spread, signal, missed = [], [], 0.0, 0.0
    places = [f"pos_{i + 1}" for i in case.template.free]
    for name, text, answers in zip(names, case.texts, asked, strict=True):
        tables = explainer.explain(name, text, *answers, students)[0]
        rows = tables["folds"].to_pandas().set_index("statistic")[places]
        ends.append(rows.loc[["low", "high"]].to_numpy(float))
        spread.append(rows.loc["standard_deviation"].to_numpy(float))
        scores = tables["scores"].to_pandas().iloc[0]
        signal, missed = signal + scores["signal"], missed + scores["missed"]
    return np.array(ends).swapaxes(0, 1), np.array(spread), 1 - missed / signal


def sketches(case: Case) -> tuple[np.ndarray, float]:
    """Sketch every network from the same queries: (networks, S, free) values, and the least R2 on the hold-out."""
    background = Background.uniform(case.template)
    plan = make_plan({}, ["y"], background, budget=QUERIES, batch_size=QUERIES, design="random")
    queries = plan.queries(0, plan.size)
    answers = case.predict(case.template.to_alphabet(queries))[:, :, None]
    sketch = Sketch.of_answers(plan, queries, answers).folds_as_outputs()
    spectra = [one.spectrum for one in recover_outputs(sketch, estimator="regression")]
    points, values = sketch.samples("holdout")
    scores = [r_squared(values[:, k], one.predict_codes(points)) for k, one in enumerate(spectra)]
    free = case.template.free
    return np.stack([one.shapley_values(list(case.texts))[:, free] for one in spectra]), min(scores)


def row_of(case: Case, explained_by: str, folds: int, rounds: Sequence[Any], truth: np.ndarray) -> dict[str, Any]:
    """Count how often intervals hold the values of the fold that was left out.

    Args:
        case: the networks.
        explained_by: `sketch` or `masks`.
        folds: how many made each interval.
        rounds: of each fold left out its number, the (2, S, free) ends, the (S, free) spread, and R2.
        truth: (networks, S, free).
    """
    held, strong, squares, true_squares = [], [], 0.0, 0.0
    for left_out, (low, high), spread, _ in rounds:
        value = truth[left_out]
        held.append((low <= value) & (value <= high))
        strong.append(held[-1][np.abs(value) >= np.quantile(np.abs(value), 0.9)])
        squares += float(np.sum(spread**2))
        true_squares += float(np.sum(truth[chosen_folds(len(truth), left_out, folds)].var(0, ddof=1)))
    return {
        "case": case.name,
        "explained_by": explained_by,
        "folds": folds,
        "networks": len(case.networks),
        "left_out": len(rounds),
        "sequences": len(case.texts),
        "evaluations": QUERIES if explained_by == "sketch" else case.budget,
        "r2": min(r2 for *_, r2 in rounds),
        "holds": np.mean(held),
        "holds_strong": np.mean(np.concatenate(strong)),
        "spread_ratio": np.sqrt(squares / true_squares),
    }


def measure(case: Case) -> list[dict[str, Any]]:
    """Return the rows of a case."""
    truth, errors = truths(case)
    rows = []
    if case.sketched:
        values, r2 = sketches(case)
        for folds in FOLDS:
            rounds = []
            for left_out in range(len(case.networks)):
                seen = values[chosen_folds(len(values), left_out, folds)]
                spread = seen.std(0, ddof=1)
                reach = interval_factor(folds) * spread
                rounds.append((left_out, (seen.mean(0) - reach, seen.mean(0) + reach), spread, r2))
            rows.append(row_of(case, "sketch", folds, rounds, truth))
    for folds in FOLDS:
        rounds = [(left_out, *by_masks(case, folds, left_out)) for left_out in case.left_out]
        rows.append(row_of(case, "masks", folds, rounds, truth))
    spread = np.sqrt(np.mean(truth.var(0, ddof=1)))  # over all networks
    return [row | {"truth_error": np.sqrt(np.mean(errors**2)) / spread} for row in rows]


def main() -> None:
    """Measure the cases that the command line asks for."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    for name in parser.parse_args().cases:
        rows = measure(CASES[name]())
        print(pd.DataFrame(rows).to_string(), flush=True)
        key = ["case", "explained_by", "folds"]
        merge_results(RESULTS / "folds.tsv", rows, key, COLUMNS, "make benchmark-folds")


if __name__ == "__main__":
    main()
