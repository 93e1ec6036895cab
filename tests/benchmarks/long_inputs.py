"""Long inputs under masks: R2 at both kinds of masks and of Shapley values, from equal numbers of evaluations.

`python -m benchmarks.long_inputs`, or `make benchmark-long-inputs`; writes
results/benchmarks/long_inputs/long_inputs.tsv, a row as soon as it is known. `--cases network` is a network of 500
positions (5,000 evaluations of one sequence); `--cases bpnet` the counts of a BPNet of CTCF in segments of ten letters
(2,000 of each of 12 sequences, that all hold the motif). R2 of masks is that on hold-out masks, asked twice; R2 of
values is against 300 long random walks, whose noise is taken out. shapiq's permutation sampling stands beside it
where shapiq is installed, saturation mutagenesis (every other letter at every position of the sequence), and for the
network, whose gradients are known, expected gradients from as many gradients as others have evaluations. Seconds are
of processor time.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks import long_model
from shapsketch.masks.explain import MaskExplainer, MaskSettings
from shapsketch.masks.game import SequenceGame
from shapsketch.masks.plan import Estimator
from shapsketch.models import Model
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.interaction_tables import Listing
from shapsketch.storage.files import atomic_path

FOLDER = Path(__file__).resolve().parents[2] / "results" / "benchmarks" / "long_inputs"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "bpnet_ctcf"
WALKS = 300
TRUTH_KEY, FRESH_SEED = np.uint64(4242), 99  # letters and masks that nothing else has drawn


class Asked:
    """A model as the explainer asks it, from alphabet codes to (N, 1)."""

    def __init__(self, predict: Callable[[np.ndarray], np.ndarray]) -> None:
        self.predict, self.batch_size, self.seconds = predict, 256, 0.0

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        began = time.process_time()
        values = np.asarray(self.predict(codes)).reshape(len(codes), 1)
        self.seconds += time.process_time() - began
        return values


def network() -> tuple[Asked, list[str], int | None, int]:
    """The trained network of 500 letters, and the most active of 50 sequences."""
    path = FOLDER / "network.pt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        long_model.train(path)
    model = long_model.load(path)
    sequences, activities = long_model.make_sequences(50, long_model.WIDTH, 7)
    text = "".join("ACGT"[c] for c in sequences[np.argmax(activities)])
    return Asked(lambda codes: long_model.predict(model, codes)), [text], None, 5000


def bpnet() -> tuple[Asked, list[str], int | None, int]:
    """The counts of a BPNet, and the 12 sequences that hold the motif of CTCF; segments of ten letters."""
    table = pd.read_csv(SHARED / "reference_predictions.csv").dropna(subset=["motif_start_0based"])
    source = {
        "kind": "torch",
        "architecture": "bpnet",
        "path": str(SHARED / "bpnet_ctcf_weights.npz"),
        "layout": "channels_first",
        "axes": {"profile": ["strand", "position"]},
        "select": {"counts": {"of": "counts"}},
    }
    template = Template(Alphabet("ACGT"), "N" * len(table["sequence"].iloc[0]))
    model = Model(source, template, ["counts"], 64)
    return Asked(model), table["sequence"].tolist(), 10, 2000


CASES = {"network": network, "bpnet": bpnet}


def corrected_r2(truth: np.ndarray, guess: np.ndarray, noise: float) -> float:
    """R2 of a guess at a truth with independent noise of so much variance."""
    return float(1 - (np.mean((truth - guess) ** 2) - noise) / (truth.var() - noise))


def long_walks(model: Asked, game: SequenceGame) -> tuple[np.ndarray, np.ndarray]:
    """Shapley values from many walks, (m,), and their standard errors."""
    m, rng, units = game.plan.players, np.random.default_rng(FRESH_SEED), []
    whole = model(game.codes[None])[0]
    for walk in range(WALKS):
        order = rng.permutation(m)
        masks = (np.argsort(order) < np.arange(m)[:, None]).astype(np.uint8)
        values = model(game.compose(masks, TRUTH_KEY, np.full(m, walk)))[:, 0]
        unit = np.empty(m)
        unit[order] = np.diff(values, append=whole)
        units.append(unit)
    return np.mean(units, axis=0), np.std(units, axis=0, ddof=1) / np.sqrt(WALKS)


def run(case: str, estimator: Estimator) -> list[dict[str, Any]]:
    """Explain the sequences of a case, and score each."""
    model, sequences, segments, budget = CASES[case]()
    template = Template(Alphabet("ACGT"), "N" * len(sequences[0]))
    settings = MaskSettings(segments=segments, budget=budget, estimator=estimator)
    explainer = MaskExplainer(["y"], Background.uniform(template), settings, Listing(["SV"]))
    began = time.process_time()
    asked = [explainer.ask(model, "one", sequence) for sequence in sequences]
    games = [explainer.game("one", sequence) for sequence in sequences]
    students = None
    if explainer.needs_students:
        students = explainer.train(games, *(np.array(part) for part in zip(*asked, strict=True)))
    rows = []
    for number, (sequence, game, (answers, prediction)) in enumerate(zip(sequences, games, asked, strict=True)):
        (tables,) = explainer.explain("one", sequence, answers, prediction, students)
        scores, values, errors = (tables[name].to_pandas().iloc[0] for name in ("scores", "values", "errors"))
        seconds = time.process_time() - began - model.seconds
        truth, truth_errors = long_walks(model, game)
        places = [f"pos_{i + 1}" for i in range(template.n)]
        owners = game.players.owners  # every position belongs to a player here
        found, errors = (np.bincount(owners, row[places].to_numpy(float)) for row in (values, errors))
        held = np.abs(found - truth) <= 1.96 * np.hypot(errors, truth_errors)
        rows.append(
            {
                "case": case,
                "sequence": number,
                "method": estimator,
                "chosen": scores["estimator"],
                "budget": budget,
                "r2_sized": scores["r2"],
                "r2_half": scores["half_r2"],
                "r2_values": corrected_r2(truth, found, float(np.mean(truth_errors**2))),
                "coverage": held.mean(),
                "gap": scores["gap"],
                "gap_error": scores["gap_error"],
                "seconds_so_far": round(seconds, 1),
            }
        )
        if estimator == "auto":
            noise = float(np.mean(truth_errors**2))
            peers = {}
            if segments is None:
                peers = {
                    "saturation mutagenesis": (3 * len(game.codes), mutagenesis(model, game)),
                    "expected gradients": (budget, expected_gradients(game, budget)),
                }
            for name, (asked_for, guess) in peers.items():
                r2 = corrected_r2(truth, guess, noise)
                rows.append({"case": case, "sequence": number, "method": name, "budget": asked_for, "r2_values": r2})
            rows += permutation_sampling(case, number, model, game, budget, truth, truth_errors)
    return rows


def permutation_sampling(
    case: str, number: int, model: Asked, game: SequenceGame, budget: int, truth: np.ndarray, errors: np.ndarray
) -> list[dict[str, Any]]:
    """The same values by shapiq's permutation sampling, where shapiq is installed."""
    try:
        from shapiq.approximator import PermutationSamplingSV
    except ImportError:
        return []
    drawn = [1 << 20]

    def value(masks: np.ndarray) -> np.ndarray:
        drawn[0] += len(masks)
        numbers = drawn[0] + np.arange(len(masks))
        return model(game.compose(np.atleast_2d(masks).astype(np.uint8), TRUTH_KEY, numbers))[:, 0]

    approximator = PermutationSamplingSV(n=game.plan.players, random_state=0)
    found = approximator.approximate(budget, value).get_n_order(1)
    values = np.array([found[(i,)] for i in range(game.plan.players)])
    r2 = corrected_r2(truth, values, float(np.mean(errors**2)))
    return [{"case": case, "sequence": number, "method": "shapiq permutations", "budget": budget, "r2_values": r2}]


def mutagenesis(model: Asked, game: SequenceGame) -> np.ndarray:
    """What each letter adds in the whole sequence, over the mean of all letters there, (n,): 3 n evaluations."""
    n = len(game.codes)
    places, letters = np.divmod(np.arange(4 * n), 4)
    mutants = np.repeat(game.codes[None], 4 * n, 0)
    mutants[np.arange(4 * n), places] = letters
    other = letters != game.codes[places]
    whole = float(model(game.codes[None])[0, 0])
    values = np.full(4 * n, whole)
    values[other] = model(mutants[other])[:, 0]
    return whole - values.reshape(n, 4).mean(1)


def expected_gradients(game: SequenceGame, budget: int) -> np.ndarray:
    """Integrated gradients averaged over the background (Erion et al. 2021), (n,), of the network."""
    network, draws = long_model.load(FOLDER / "network.pt"), np.random.default_rng(FRESH_SEED)
    eye, total = torch.eye(4), torch.zeros(len(game.codes))
    x = eye[torch.from_numpy(game.codes.astype(np.int64))].T
    for start in range(0, budget, 250):
        z = eye[torch.from_numpy(draws.integers(0, 4, (min(250, budget - start), len(game.codes))))].transpose(1, 2)
        share = torch.from_numpy(draws.random((len(z), 1, 1), dtype=np.float32))
        between = (share * x + (1 - share) * z).requires_grad_()
        (gradient,) = torch.autograd.grad(network(between).sum(), between)
        total += ((x - z) * gradient).sum((0, 1))
    return (total / budget).double().numpy()


def main() -> None:
    """Run the cases that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--estimators", nargs="*", default=["auto", "regression"])
    parser.add_argument("--output", type=Path, default=FOLDER / "long_inputs.tsv")
    chosen = parser.parse_args()
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for case in chosen.cases:
        for estimator in chosen.estimators:
            rows += run(case, estimator)
            print(pd.DataFrame(rows).to_string(), flush=True)
            with atomic_path(chosen.output) as temporary:
                pd.DataFrame(rows).to_csv(temporary, sep="\t", index=False, float_format="%.6g")


if __name__ == "__main__":
    main()
