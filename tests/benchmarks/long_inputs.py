"""Long inputs under masks: R2 at both kinds of masks and of Shapley values, from equal numbers of evaluations.

`python -m benchmarks.long_inputs`, or `make benchmark-long-inputs`; writes tests/benchmarks/results/long_inputs.tsv,
the rows of a method as soon as they are known. `--cases network` is a network of 500 positions (5,000 evaluations of
each of four sequences); `--cases bpnet` the counts of a BPNet of CTCF in segments of ten letters (300 of each of 12
sequences, that all hold the motif; `--budget` for more). `--sequences 0 1` takes the first two. R2 of masks is that on
hold-out masks, asked twice; R2 of values is against long random walks (of BPNet those of its first sequence alone,
which take minutes), whose noise is taken out. Beside them stand methods of shapiq, where it is installed, saturation
mutagenesis (every other letter at every position), and for the network, whose gradients are known, DeepLIFT from draws
of the background and expected gradients, from as many evaluations or gradients. `--methods` chooses. Seconds are of
processor time, the model's included, but for BPNet's, whose answers are kept for the next run.
"""

import argparse
import hashlib
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks import long_model
from benchmarks.long_walks import KEY, SEED, Walks, corrected_r2, long_walks
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
COLUMNS = (
    "case", "sequence", "method", "chosen", "budget", "r2_sized", "r2_low", "r2_high", "signal", "missed", "r2_half",
    "half_signal", "half_missed", "r2_values", "truth_error", "coverage", "error_ratio", "gap", "gap_error", "seconds",
)  # fmt: skip
SHAPIQ = {
    "permutation sampling": ("PermutationSamplingSV", {}),
    "SPEX": ("SPEX", {"index": "SII", "max_order": 2}),
    "ProxySPEX": ("ProxySPEX", {"index": "SII", "max_order": 2, "hpo": False}),
    "ProxySHAP": ("ProxySHAP", {"index": "SV", "max_order": 1}),
}


class Asked:
    """A model as the explainer asks it, from alphabet codes to (N, 1); with a folder, what it answers is kept there."""

    def __init__(self, predict: Callable[[np.ndarray], np.ndarray], folder: Path | None = None) -> None:
        self.predict, self.folder, self.batch_size = predict, folder, 256

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        if self.folder is None:
            return self._ask(codes)
        path = self.folder / f"{hashlib.sha256(codes.tobytes()).hexdigest()[:32]}.npz"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            save_npz(path, {"values": self._ask(codes)})
        return load_npz(path)["values"]

    def _ask(self, codes: np.ndarray) -> np.ndarray:
        return np.asarray(self.predict(codes)).reshape(len(codes), 1)


@dataclass(frozen=True)
class Case:
    """A model and its sequences.

    Attributes:
        model: as it is asked.
        texts: the sequences, by their numbers.
        segments: letters that are masked together; None: each by itself.
        budget: evaluations of each sequence.
        walks: that tell the true values.
        truths: of how many of the first sequences they do.
    """

    model: Asked
    texts: Mapping[int, str]
    segments: int | None
    budget: int
    walks: Walks
    truths: int

    def some(self, numbers: Sequence[int] | None, budget: int | None) -> "Case":
        """The case of some of its sequences, at another budget where one is wanted."""
        texts = {k: text for k, text in self.texts.items() if numbers is None or k in numbers}
        return replace(self, texts=texts, budget=budget or self.budget)


def network() -> Case:
    """The trained network of 500 letters, and of 50 sequences the most active, the sixth, 13th and 20th."""
    path = FOLDER / "network.pt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        long_model.train(path)
    model = long_model.load(path)
    sequences, activities = long_model.make_sequences(50, long_model.WIDTH, 7)
    chosen = np.argsort(-activities, kind="stable")[[0, 5, 12, 19]]
    texts = ["".join("ACGT"[c] for c in sequences[k]) for k in chosen]
    asked = Asked(lambda codes: long_model.predict(model, codes))
    return Case(asked, dict(enumerate(texts)), None, 5000, Walks(100, 600, 50), 4)


def bpnet_sequences() -> tuple[list[str], np.ndarray]:
    """24 sequences, every other one turned to the minus strand, and which of them hold the motif of CTCF."""
    table, alphabet = pd.read_csv(SHARED / "reference_predictions.csv"), Alphabet("ACGT")
    texts = table["sequence"].tolist()
    turned = alphabet.decode(alphabet.complement[alphabet.encode(texts)][:, ::-1])
    texts = [turned[k] if k % 2 else text for k, text in enumerate(texts)]
    return texts, table["motif_start_0based"].notna().to_numpy()


def bpnet() -> Case:
    """The counts of a BPNet, and the 12 sequences that hold the motif of CTCF; segments of ten letters."""
    texts, holds = bpnet_sequences()
    source = {
        "kind": "torch",
        "architecture": "bpnet",
        "path": str(SHARED / "bpnet_ctcf_weights.npz"),
        "layout": "channels_first",
        "axes": {"profile": ["strand", "position"]},
        "select": {"counts": {"of": "counts"}},
    }
    model = Model(source, Template(Alphabet("ACGT"), "N" * len(texts[0])), ["counts"], 64)
    chosen = [text for text, held in zip(texts, holds, strict=True) if held]
    return Case(Asked(model, FOLDER / "bpnet"), dict(enumerate(chosen)), 10, 300, Walks(4, 60, 10), 1)


CASES = {"network": network, "bpnet": bpnet}


def truth_of(name: str, number: int, case: Case, game: SequenceGame) -> tuple[np.ndarray, np.ndarray] | None:
    """`long_walks` of a sequence, (m,) and (m,), kept for the next run; None where nobody walks."""
    if number >= case.truths:
        return None
    walks = case.walks
    path = FOLDER / f"truth-{name}-{number}-{walks.full}-{walks.more}-{walks.players}.npz"
    if not path.exists():
        save_npz(path, dict(zip(("values", "errors"), long_walks(case.model, game, walks), strict=True)))
    kept = load_npz(path)
    return kept["values"][:, 0], kept["errors"][:, 0]


def beside_truth(
    truth: tuple[np.ndarray, np.ndarray] | None, guess: np.ndarray, errors: np.ndarray | None = None
) -> dict[str, Any]:
    """What a row says of (m,) values and their (m,) standard errors, beside `truth_of`."""
    if truth is None:
        return {}
    values, truth_errors = truth
    noise = float(np.mean(truth_errors**2))
    row: dict[str, Any] = {
        "r2_values": corrected_r2(values, guess, noise),
        "truth_error": float(np.sqrt(noise) / values.std()),
    }
    if errors is not None:
        wrong = max(float(np.mean((guess - values) ** 2)) - noise, 0.0)
        row["coverage"] = np.mean(np.abs(guess - values) <= 1.96 * np.hypot(errors, truth_errors))
        row["error_ratio"] = float(np.sqrt(np.mean(errors**2) / wrong)) if wrong else None
    return row


def run_ours(name: str, estimator: Estimator, case: Case) -> list[dict[str, Any]]:
    """Explain the sequences of a case, and score each."""
    explainer = _explainer(case, estimator)
    began = time.process_time()
    texts = list(case.texts.values())
    asked = [explainer.ask(case.model, "one", text) for text in texts]  # type: ignore[arg-type]
    games = [explainer.game("one", text) for text in texts]
    students = None
    if explainer.needs_students and name == "network":  # one by one, as others explain them
        students = [explainer.train([game], a[None], p[None]) for game, (a, p) in zip(games, asked, strict=True)]
    elif explainer.needs_students:
        students = [explainer.train(games, *(np.array(part) for part in zip(*asked, strict=True)))] * len(games)
    explained = [
        explainer.explain("one", text, *answers, students[k] if students else None)[0]
        for k, (text, answers) in enumerate(zip(texts, asked, strict=True))
    ]
    seconds = (time.process_time() - began) / len(texts)
    rows = []
    for number, game, tables in zip(case.texts, games, explained, strict=True):
        scores, values, errors = (tables[part].to_pandas().iloc[0] for part in ("scores", "values", "errors"))
        places = [f"pos_{i + 1}" for i in range(len(game.codes))]
        owners = game.players.owners  # every position belongs to a player here
        guess, errors = (np.bincount(owners, row[places].to_numpy(float)) for row in (values, errors))
        rows.append(
            {
                "case": name,
                "sequence": number,
                "method": estimator,
                "chosen": scores["estimator"],
                "budget": case.budget,
                "r2_sized": scores["r2"],
                **{part: scores[part] for part in ("r2_low", "r2_high", "signal", "missed")},
                "r2_half": scores["half_r2"],
                **{part: scores[part] for part in ("half_signal", "half_missed")},
                **beside_truth(truth_of(name, number, case, game), guess, errors),
                "gap": scores["gap"],
                "gap_error": scores["gap_error"],
                "seconds": round(seconds, 1),
            }
        )
    return rows


def _explainer(case: Case, estimator: Estimator) -> MaskExplainer:
    template = Template(Alphabet("ACGT"), "N" * len(next(iter(case.texts.values()))))
    settings = MaskSettings(segments=case.segments, budget=case.budget, estimator=estimator)
    return MaskExplainer(["y"], Background.uniform(template), settings, Listing(["SV"]))


def run_peer(name: str, method: str, case: Case) -> list[dict[str, Any]]:
    """Let another method explain the sequences of a case whose truth is known.

    Where it is not installed there is no row; where it refuses so few evaluations, one without values.
    """
    rows = []
    for number, text in case.texts.items():
        if number >= case.truths:
            break
        game = _explainer(case, "auto").game("one", text)
        truth = truth_of(name, number, case, game)
        began, spent = time.process_time(), case.budget
        if method in SHAPIQ:
            try:
                guess = shapiq_values(*SHAPIQ[method], case.model, game, case.budget)
            except ValueError as error:  # SPEX needs a whole code
                if "Insufficient budget" not in str(error):
                    raise
                rows.append({"case": name, "sequence": number, "method": method, "budget": spent})
                continue
        elif name == "network" and method in GRADIENTS:
            guess = GRADIENTS[method](game, case.budget)
        elif method == "saturation mutagenesis" and case.segments is None:
            guess, spent = mutagenesis(case.model, game), 3 * len(game.codes)
        else:
            continue
        if guess is None:
            continue
        seconds = round(time.process_time() - began, 1)
        row = {"case": name, "sequence": number, "method": method, "budget": spent, "seconds": seconds}
        rows.append(row | beside_truth(truth, guess))
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
        return model(game.compose(np.atleast_2d(masks).astype(np.uint8), KEY, numbers))[:, 0]

    m = game.plan.players
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = getattr(approximator, name)(n=m, random_state=0, **options).approximate(budget=budget, game=value)
    return np.array([values[(i,)] for i in range(m)])


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
    network, draws = long_model.load(FOLDER / "network.pt"), np.random.default_rng(SEED)
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

    network, draws = long_model.load(FOLDER / "network.pt"), np.random.default_rng(SEED)
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
    parser.add_argument("--sequences", type=int, nargs="*", help="their numbers, from 0; all unless told otherwise")
    parser.add_argument("--budget", type=int, help="evaluations of each sequence, where not those of the case")
    chosen = parser.parse_args()
    for name in chosen.cases:
        case = CASES[name]().some(chosen.sequences, chosen.budget)
        for method in chosen.methods:
            rows = (run_ours if method in OURS else run_peer)(name, method, case)
            print(pd.DataFrame(rows).to_string(), flush=True)
            key = ["case", "sequence", "method", "budget"]
            if rows:
                merge_results(RESULTS / "long_inputs.tsv", rows, key, COLUMNS, "make benchmark-long-inputs")


if __name__ == "__main__":
    main()
