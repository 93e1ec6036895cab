"""How often intervals from some folds of a model hold the Shapley values of another, on networks of real data.

Eight small convolutional networks learn four fifths each of Azimuth's guides; each is sketched from the same queries,
and every one is left out in turn.
"""

import numpy as np
import pandas as pd
import torch

from shapsketch.explanation.folds import interval_factor
from shapsketch.recovery import recover_outputs
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.metrics import r_squared

from .reference_models import DATA

TEMPLATE = Template(Alphabet("ACGT"), "N{25}GGN{3}")
NETWORKS, QUERIES = 8, 8000


def onehot(codes: np.ndarray) -> torch.Tensor:
    """Return (N, 4, 30) one-hot letters."""
    return torch.nn.functional.one_hot(torch.from_numpy(codes.astype(np.int64)), 4).float().transpose(1, 2)


def trained(seed: int, codes: np.ndarray, activity: np.ndarray) -> torch.nn.Module:
    """Return a network of twelve epochs on four fifths of the guides."""
    torch.manual_seed(seed)
    rows = np.random.default_rng(seed).permutation(len(codes))[: len(codes) * 4 // 5]
    x, y = onehot(codes[rows]), torch.from_numpy(activity[rows].astype(np.float32))[:, None]
    network = torch.nn.Sequential(
        torch.nn.Conv1d(4, 32, 5, padding=2), torch.nn.ReLU(), torch.nn.AvgPool1d(2), torch.nn.Flatten(),
        torch.nn.Dropout(0.3), torch.nn.Linear(32 * 15, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1),
    )  # fmt: skip
    optimiser = torch.optim.Adam(network.parameters(), 1e-3, weight_decay=1e-4)
    for _ in range(12):
        for batch in torch.split(torch.randperm(len(x)), 64):
            optimiser.zero_grad()
            torch.nn.functional.mse_loss(network(x[batch]), y[batch]).backward()
            optimiser.step()
    return network.eval()


def coverage(values: np.ndarray, folds: int) -> float:
    """Return how often the interval of some folds holds another's value, over all that is left out in turn.

    Args:
        values: (F, ...) of all folds.
        folds: how many make an interval.
    """
    held = []
    for left_out in range(len(values)):
        for first in range(1, 4):
            seen = values[[(left_out + first + k) % len(values) for k in range(folds)]]
            reach = interval_factor(folds) * seen.std(0, ddof=1)
            held.append(np.abs(values[left_out] - seen.mean(0)) <= reach)
    return float(np.mean(held))


def main() -> None:
    """Print R2 of each network's spectrum, and the coverage of intervals of three and of five."""
    torch.set_num_threads(1)
    table = pd.read_csv(DATA / "azimuth/azimuth.csv")
    codes = TEMPLATE.alphabet.encode(table.sequence.tolist())
    networks = [trained(seed, codes, table.activity.to_numpy()) for seed in range(NETWORKS)]
    plan = make_plan(
        {}, ["activity"], Background.uniform(TEMPLATE), budget=QUERIES, batch_size=QUERIES, design="random"
    )
    queries = plan.queries(0, plan.size)
    with torch.inference_mode():
        x = onehot(TEMPLATE.to_alphabet(queries))
        answers = np.stack([network(x).double().numpy() for network in networks], 1)
    sketch = Sketch.of_answers(plan, queries, answers).folds_as_outputs()
    spectra = [one.spectrum for one in recover_outputs(sketch, estimator="regression")]
    points, values = sketch.samples("holdout")
    scores = [r_squared(values[:, k], one.predict_codes(points)) for k, one in enumerate(spectra)]
    print("R2 of each network's spectrum:", ", ".join(f"{score:.3f}" for score in scores))
    guides = table.sequence[table.sequence.str[25:27] == "GG"].iloc[::20].tolist()
    shapley = np.stack([one.shapley_values(guides) for one in spectra])[:, :, TEMPLATE.free]
    for folds in (3, 5):
        print(f"intervals of {folds} folds hold {coverage(shapley, folds):.4f} of another's Shapley values")


if __name__ == "__main__":
    main()
