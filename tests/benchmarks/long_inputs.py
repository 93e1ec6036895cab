"""Long inputs under masks: R2 at both kinds of masks and of Shapley values, from equal numbers of evaluations.

`python -m benchmarks.long_inputs`, or `make benchmark-long-inputs`; writes tests/benchmarks/results/long_inputs.tsv,
the rows of a method as soon as they are known. `--cases network` is a network of 500 positions (5,000 evaluations of
each of three sequences); `--cases bpnet` the counts of a BPNet of CTCF in segments of ten letters (2,000 of each of 12
sequences, that all hold the motif). `--sequences 1` takes the first. R2 of masks is that on hold-out masks, asked
twice; R2 of values is against 300 long random walks, whose noise is taken out. Beside them stand methods of shapiq,
where it is installed, saturation mutagenesis (every other letter at every position), and for the network, whose
gradients are known, DeepLIFT from draws of the background and expected gradients, from as many evaluations or
gradients. `--methods` chooses. Seconds are of processor time, the model's included.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks import long_model
from benchmarks.result_files import FOLDER as RESULTS
from benchmarks.result_files import merge_results
from shapsketch.masks.explain import MaskExplainer, MaskSettings
from shapsketch.masks.game import SequenceGame
from shapsketch.masks.plan import Estimator
from shapsketch.models import Model
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.interaction_tables import Listing
from shapsketch.storage.files import load_npz, save_npz

FOLDER = Path(__file__).resolve().parents[2] / "results" / "benchmarks" / "long_inputs"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "bpnet_ctcf"
WALKS = 300
COLUMNS = (
    "case", "sequence", "method", "chosen", "budget", "r2_sized", "r2_low", "r2_high", "r2_half", "r2_values",
    "truth_error", "coverage", "error_ratio", "gap", "gap_error", "seconds",
)  # fmt: skip
SHAPIQ = {
    "permutation sampling": ("PermutationSamplingSV", {}),
    "SPEX": ("SPEX", {"index": "SII", "max_order": 2}),
    "ProxySPEX": ("ProxySPEX", {"index": "SII", "max_order": 2, "hpo": False}),
    "ProxySHAP": ("ProxySHAP", {"index": "SV", "max_order": 1}),
}
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
    """The trained network of 500 letters, and of 50 sequences the most active, the sixth and the thirteenth."""
    path = FOLDER / "network.pt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        long_model.train(path)
    model = long_model.load(path)
    sequences, activities = long_model.make_sequences(50, long_model.WIDTH, 7)
    chosen = np.argsort(-activities, kind="stable")[[0, 5, 12]]
    texts = ["".join("ACGT"[c] for c in sequences[k]) for k in chosen]
    return Asked(lambda codes: long_model.predict(model, codes)), texts, None, 5000


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


def truth_of(case: str, number: int, model: Asked, game: SequenceGame) -> tuple[np.ndarray, np.ndarray]:
    """`long_walks`, kept for the next run."""
    path = FOLDER / f"truth-{case}-{number}.npz"
    if not path.exists():
        save_npz(path, dict(zip(("values", "errors"), long_walks(model, game), strict=True)))
    kept = load_npz(path)
    return kept["values"], kept["errors"]


def run_ours(case: str, estimator: Estimator, count: int) -> list[dict[str, Any]]:
    """Explain the first sequences of a case, and score each."""
    model, sequences, segments, budget = CASES[case]()
    sequences = sequences[:count]
    explainer = _explainer(sequences[0], segments, budget, estimator)
    began = time.process_time()
    asked = [explainer.ask(model, "one", sequence) for sequence in sequences]
    games = [explainer.game("one", sequence) for sequence in sequences]
    students = None
    if explainer.needs_students and case == "network":  # one by one, as others explain them
        students = [explainer.train([game], a[None], p[None]) for game, (a, p) in zip(games, asked, strict=True)]
    elif explainer.needs_students:
        students = [explainer.train(games, *(np.array(part) for part in zip(*asked, strict=True)))] * len(games)
    explained = [
        explainer.explain("one", sequence, *answers, students[k] if students else None)[0]
        for k, (sequence, answers) in enumerate(zip(sequences, asked, strict=True))
    ]
    seconds = (time.process_time() - began) / len(sequences)
    rows = []
    for number, (game, tables) in enumerate(zip(games, explained, strict=True)):
        scores, values, errors = (tables[name].to_pandas().iloc[0] for name in ("scores", "values", "errors"))
        truth, truth_errors = truth_of(case, number, model, game)
        places = [f"pos_{i + 1}" for i in range(len(game.codes))]
        owners = game.players.owners  # every position belongs to a player here
        guess, errors = (np.bincount(owners, row[places].to_numpy(float)) for row in (values, errors))
        noise = float(np.mean(truth_errors**2))
        wrong = max(float(np.mean((guess - truth) ** 2)) - noise, 0.0)
        rows.append(
            {
                "case": case,
                "sequence": number,
                "method": estimator,
                "chosen": scores["estimator"],
                "budget": budget,
                "r2_sized": scores["r2"],
                "r2_low": scores["r2_low"],
                "r2_high": scores["r2_high"],
                "r2_half": scores["half_r2"],
                "r2_values": corrected_r2(truth, guess, noise),
                "truth_error": float(np.sqrt(noise) / truth.std()),
                "coverage": np.mean(np.abs(guess - truth) <= 1.96 * np.hypot(errors, truth_errors)),
                "error_ratio": float(np.sqrt(np.mean(errors**2) / wrong)) if wrong else None,
                "gap": scores["gap"],
                "gap_error": scores["gap_error"],
                "seconds": round(seconds, 1),
            }
        )
    return rows


def _explainer(sequence: str, segments: int | None, budget: int, estimator: Estimator) -> MaskExplainer:
    template = Template(Alphabet("ACGT"), "N" * len(sequence))
    settings = MaskSettings(segments=segments, budget=budget, estimator=estimator)
    return MaskExplainer(["y"], Background.uniform(template), settings, Listing(["SV"]))


def run_peer(case: str, method: str, count: int) -> list[dict[str, Any]]:
    """Let another method explain the first sequences of a case; none where it is not installed."""
    model, sequences, segments, budget = CASES[case]()
    rows = []
    for number, sequence in enumerate(sequences[:count]):
        game = _explainer(sequence, segments, budget, "auto").game("one", sequence)
        truth, errors = truth_of(case, number, model, game)
        began, spent = time.process_time(), budget
        if method in SHAPIQ:
            guess = shapiq_values(*SHAPIQ[method], model, game, budget)
        elif case == "network" and method in GRADIENTS:
            guess = GRADIENTS[method](game, budget)
        elif method == "saturation mutagenesis" and segments is None:
            guess, spent = mutagenesis(model, game), 3 * len(game.codes)
        else:
            continue
        if guess is None:
            continue
        noise = float(np.mean(errors**2))
        rows.append(
            {
                "case": case,
                "sequence": number,
                "method": method,
                "budget": spent,
                "r2_values": corrected_r2(truth, guess, noise),
                "truth_error": float(np.sqrt(noise) / truth.std()),
                "seconds": round(time.process_time() - began, 1),
            }
        )
    return rows


def shapiq_values(
    name: str, options: Mapping[str, Any], model: Asked, game: SequenceGame, budget: int
) -> np.ndarray | None:
    """Shapley values by an approximator of shapiq, (m,); None where shapiq has none of that name."""
    try:
        from shapiq import approximator
    except ImportError:
        return None
    if not hasattr(approximator, name):
        return None
    drawn = [1 << 20]

    def value(masks: np.ndarray) -> np.ndarray:
        drawn[0] += len(masks)
        numbers = drawn[0] + np.arange(len(masks))
        return model(game.compose(np.atleast_2d(masks).astype(np.uint8), TRUTH_KEY, numbers))[:, 0]

    m = game.plan.players
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = getattr(approximator, name)(n=m, random_state=0, **options).approximate(budget=budget, game=value)
    return np.array([found[(i,)] for i in range(m)])


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


def deep_lift(game: SequenceGame, budget: int) -> np.ndarray:
    """DeepLIFT from draws of the background (DeepSHAP), (n,), of the network; each draw is two evaluations."""
    from captum.attr import DeepLift

    network, draws = long_model.load(FOLDER / "network.pt"), np.random.default_rng(FRESH_SEED)
    eye, total, method = torch.eye(4), np.zeros(len(game.codes)), DeepLift(network)
    x = eye[torch.from_numpy(game.codes.astype(np.int64))].T
    for start in range(0, budget // 2, 100):
        count = min(100, budget // 2 - start)
        z = eye[torch.from_numpy(draws.integers(0, 4, (count, len(game.codes))))].transpose(1, 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of hooks that captum sets itself
            parts = method.attribute(x.expand(count, -1, -1).contiguous(), z.contiguous())
        total += parts.detach().double().sum((0, 1)).numpy()
    return total / (budget // 2)


GRADIENTS = {"expected gradients": expected_gradients, "DeepLIFT/SHAP": deep_lift}
OURS = ("auto", "regression")
METHODS = (*OURS, *SHAPIQ, *GRADIENTS, "saturation mutagenesis")


def main() -> None:
    """Run the cases that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--sequences", type=int, default=12, help="at most so many of a case")
    chosen = parser.parse_args()
    for case in chosen.cases:
        for method in chosen.methods:
            rows = (run_ours if method in OURS else run_peer)(case, method, chosen.sequences)
            print(pd.DataFrame(rows).to_string(), flush=True)
            key = ["case", "sequence", "method"]
            if rows:
                merge_results(RESULTS / "long_inputs.tsv", rows, key, COLUMNS, "make benchmark-long-inputs")


if __name__ == "__main__":
    main()
