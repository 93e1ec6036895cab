"""A convolutional network trained on motifs that act together, of 500 letters or as many as asked for.

No trained network of such lengths may be copied here, so one is made: enhancers of random letters that hold
sites of four transcription factors (consensus words of GATA1, TAL1's E-box, SP1 and CTCF's core). Sites add up, the
E-box counts for more within 12 letters of a GATA site, and SP1 only where there is a CTCF site.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

SITES = {"GATA": "AGATAAG", "EBOX": "CAGCTGG", "SP1": "GGGCGGGG", "CTCF": "CCACCAGG"}
EXAMPLES, EPOCHS, WIDTH = 8_000, 6, 500


class Network(nn.Module):
    """One-hot (N, 4, n) in, (N, 1) out."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(4, 48, 11, padding=5), nn.ReLU(), nn.MaxPool1d(5),
            nn.Conv1d(48, 48, 7, padding=3), nn.ReLU(), nn.MaxPool1d(5),
            nn.Conv1d(48, 48, 5, padding=2), nn.ReLU(), nn.AdaptiveAvgPool1d(4), nn.Flatten(),
            nn.Linear(192, 48), nn.ReLU(), nn.Linear(48, 1),
        )  # fmt: skip

    def forward(self, onehot: torch.Tensor) -> torch.Tensor:
        """Predict activities."""
        return self.body(onehot)


def make_sequences(count: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, n) uint8 codes of ACGT and their (N,) activities."""
    draws = np.random.default_rng(seed)
    codes = draws.integers(0, 4, (count, n)).astype(np.uint8)
    words = {name: np.array(["ACGT".index(c) for c in word], np.uint8) for name, word in SITES.items()}
    activities = np.zeros(count)
    for row in range(count):
        places: dict[str, list[int]] = {name: [] for name in words}
        for name, word in words.items():
            for _ in range(draws.poisson(1.0)):
                start = int(draws.integers(0, n - 24))
                codes[row, start : start + len(word)] = word
                places[name].append(start)
                if name == "GATA" and draws.random() < 0.6:
                    near = start + len(word) + int(draws.integers(0, 5))
                    codes[row, near : near + len(words["EBOX"])] = words["EBOX"]
                    places["EBOX"].append(near)
        close = sum(abs(a - b) <= 12 for a in places["GATA"] for b in places["EBOX"])
        activities[row] = (
            0.5 * len(places["GATA"]) + 0.3 * len(places["EBOX"]) + 1.5 * close + 0.4 * len(places["CTCF"])
            + (0.8 * len(places["SP1"]) if places["CTCF"] else 0.0)
        )  # fmt: skip
    return codes, activities + 0.1 * draws.standard_normal(count)


def train(path: Path, seed: int = 0, width: int = WIDTH) -> float:
    """Train the network and save its weights; return R2 on sequences it has not seen. The same seed, the same bytes."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    codes, values = make_sequences(EXAMPLES, width, seed)
    network = Network()
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=EPOCHS * (EXAMPLES // 64))
    scaled = torch.tensor((values - values.mean()) / values.std(), dtype=torch.float32)
    eye = torch.eye(4)
    for _ in range(EPOCHS):
        for rows in torch.randperm(EXAMPLES)[: EXAMPLES // 64 * 64].reshape(-1, 64):
            onehot = eye[torch.from_numpy(codes[rows].astype(np.int64))].transpose(1, 2)
            loss = ((network(onehot)[:, 0] - scaled[rows]) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    test, truth = make_sequences(2000, width, seed + 1)
    truth = (truth - values.mean()) / values.std()
    guess = predict(network, test)
    torch.save(network.state_dict(), path)
    return float(1 - np.mean((truth - guess) ** 2) / truth.var())


def load(path: Path) -> Network:
    """Read the weights of `train`."""
    network = Network()
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval()


@torch.inference_mode()
def predict(network: Network, codes: np.ndarray) -> np.ndarray:
    """Return the (N,) float64 outputs at (N, n) codes, 256 at a time."""
    network.eval()
    eye = torch.eye(4)
    parts = [
        network(eye[torch.from_numpy(codes[k : k + 256].astype(np.int64))].transpose(1, 2))[:, 0]
        for k in range(0, len(codes), 256)
    ]
    return torch.cat(parts).double().numpy()
