"""A student of all answers of a run: a small convolutional network, from letters to values.

Masks forget which letters stood where a player was absent, and to a fit of masks those letters are noise. The student
reads them: it learns f itself from all answers of the run, of all sequences together, and v(S) is its mean over
backgrounds that cost nothing. There are two of it, on different folds of the units that check the Shapley values
(`checks`): each unit is corrected by the one that has not seen it (cross-fitting; Chernozhukov et al. 2018), so the
correction is without bias, and both together are better than one.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..models.adam import Adam
from ..recovery.networks import device, encode, letter_features
from ..sequences.template import Template
from ..settings.errors import InputError
from ..storage.files import load_npz, save_npz

FOLDS = 2
CHANNELS, LONG_CHANNELS = 48, 32
LONG_INPUT = 1000  # positions, above which there are fewer channels and they are pooled sooner
FIRST_WIDTH, WIDTH, DENSE = 11, 7, 64
POOL, FIRST_LONG_POOL = 5, 8
CELLS = 4  # at most, that positions are pooled to
BODY_DROPOUT, DENSE_DROPOUT = 0.2, 0.3
BATCH, RATE, DECAY, WARM_UP = 64, 4e-3, 0.5, 0.2
EPOCHS, SAMPLES_OF_EPOCHS = 25, 4000  # of so many samples; falls with the root of their number
MIN_EPOCHS, MAX_EPOCHS = 3, 50
MAX_SAMPLES = 200_000
MIN_POSITIONS = 20  # of an input; shorter ones are better served by a sketch
SEQUENCES_AT_ONCE = 512
STUDENT_VERSION = 2


class LetterNetwork(nn.Module):
    """Takes (N, n, w) features of letters and returns (N, outputs): convolutions and pools in turn, then dense."""

    def __init__(self, n: int, features: int, outputs: int) -> None:
        super().__init__()
        channels = LONG_CHANNELS if n > LONG_INPUT else CHANNELS
        width, length, kernel = features, n, FIRST_WIDTH
        self.convolutions = nn.ModuleList()
        self.pools: list[int] = []
        pool = FIRST_LONG_POOL if n > LONG_INPUT else POOL
        while length > CELLS or not self.pools:
            self.convolutions.append(nn.Conv2d(width, channels, (1, kernel), padding=(0, kernel // 2)))
            self.pools.append(min(pool, length))
            length //= self.pools[-1]
            width, kernel, pool = channels, WIDTH, POOL
        self.dense, self.out = nn.Linear(channels * length, DENSE), nn.Linear(DENSE, outputs)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """Map (N, n, features) to (N, outputs) values; with a generator, as in training, units are dropped."""
        hidden = x.unsqueeze(1).permute(0, 3, 1, 2)
        for convolution, pool in zip(self.convolutions, self.pools, strict=True):
            hidden = F.gelu(F.max_pool2d(convolution(hidden), (1, pool)))  # pooled first: a fifth of the activations
        hidden = _dropped(hidden.permute(0, 2, 3, 1).flatten(1), BODY_DROPOUT, generator)
        values: torch.Tensor = self.out(_dropped(F.gelu(self.dense(hidden)), DENSE_DROPOUT, generator))
        return values

    def start(self, generator: torch.Generator) -> None:
        """Draw all parameters: uniform, within 1 / sqrt(inputs)."""
        for layer in (*self.convolutions, self.dense, self.out):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            with torch.no_grad():
                for parameter in layer.parameters():
                    parameter.uniform_(-bound, bound, generator=generator)


def _dropped(units: torch.Tensor, share: float, generator: torch.Generator | None) -> torch.Tensor:
    if generator is None:
        return units
    kept = torch.rand(units.shape, generator=generator) >= share
    return units * kept.to(units.device) / (1 - share)


@dataclass(frozen=True)
class Students:
    """The students of a model's outputs.

    Attributes:
        networks: one of each fold.
        means, scales: (outputs,) float64, undo the standardisation of values.
        features: (n, letters, w) float32 of letters; see `recovery.networks.letter_features`.
        samples: how many answers each was trained on.
    """

    networks: tuple[LetterNetwork, ...]
    means: np.ndarray
    scales: np.ndarray
    features: np.ndarray
    samples: int

    def predict(self, fold: int, codes: np.ndarray) -> np.ndarray:
        """Return (N, outputs) float64 values at (N, n) uint8 local codes, of the student of one fold."""
        torch.set_num_threads(1)
        features, network = torch.from_numpy(self.features), self.networks[fold]
        parts = [np.empty((0, len(self.means)))]
        with torch.inference_mode():
            for start in range(0, len(codes), SEQUENCES_AT_ONCE):
                x = encode(codes[start : start + SEQUENCES_AT_ONCE], features).to(device())
                parts.append(network(x).cpu().numpy().astype(np.float64))
        return self.means + self.scales * np.concatenate(parts)

    def save(self, path: str | Path) -> None:
        """Write them to an .npz, atomically and without pickles."""
        arrays = {
            f"{fold}/{name}": parameter.detach().cpu().numpy()
            for fold, network in enumerate(self.networks)
            for name, parameter in network.named_parameters()
        }
        about = {"means": self.means, "scales": self.scales, "features": self.features}
        save_npz(path, arrays | about | {"samples": np.array(self.samples), "version": np.array(STUDENT_VERSION)})

    @classmethod
    def load(cls, path: str | Path) -> "Students | None":
        """Read students; None where the file says that none was needed.

        Raises:
            InputError: the file is damaged or of another version.
        """
        arrays = load_npz(path)
        if int(arrays.get("version", -1)) != STUDENT_VERSION:
            raise InputError(
                f"{path} is not a file of students of masks of version {STUDENT_VERSION}: run the workflow again."
            )
        if "means" not in arrays:
            return None
        features, networks = arrays["features"], []
        for fold in range(FOLDS):
            network = LetterNetwork(features.shape[0], features.shape[2], len(arrays["means"]))
            for name, parameter in network.named_parameters():
                parameter.data.copy_(torch.from_numpy(arrays[f"{fold}/{name}"]))
            networks.append(network.eval().to(device()))
        return cls(tuple(networks), arrays["means"], arrays["scales"], features, int(arrays["samples"]))


def save_no_students(path: str | Path) -> None:
    """Write that none was needed."""
    save_npz(path, {"version": np.array(STUDENT_VERSION)})


def train_students(
    template: Template, letters: Callable[[np.ndarray], np.ndarray], values: Sequence[np.ndarray], seed: int
) -> Students:
    """Train the student of each fold.

    Args:
        template: of the sequences.
        letters: from (N,) rows to their (N, n) uint8 local codes; a function, as all together may not fit in memory.
        values: for each fold the rows that it is trained on, (N,) int64, and their (N, outputs) values, in turn.
        seed: of all that is drawn.
    """
    rows, answers = list(values[::2]), list(values[1::2])
    pooled = np.concatenate(answers)
    means, scales = pooled.mean(0), np.where(pooled.std(0) > 0, pooled.std(0), 1.0)
    features = letter_features(template)
    networks = tuple(
        _train(letters, rows[fold], (answers[fold] - means) / scales, features, 1000 * (seed % 2**31) + fold)
        for fold in range(FOLDS)
    )
    return Students(networks, means, scales, features, min(len(rows[0]), MAX_SAMPLES))


def _train(
    letters: Callable[[np.ndarray], np.ndarray], rows: np.ndarray, values: np.ndarray, features: np.ndarray, seed: int
) -> LetterNetwork:
    """Train one network on standardised values: AdamW, linear warm-up, cosine decay."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(seed)
    if len(rows) > MAX_SAMPLES:
        kept = torch.randperm(len(rows), generator=generator)[:MAX_SAMPLES].sort().values.numpy()
        rows, values = rows[kept], values[kept]
    network = LetterNetwork(features.shape[0], features.shape[2], values.shape[1])
    network.start(generator)
    network = network.to(device())
    adam = Adam(network.parameters(), DECAY)
    targets, table = torch.as_tensor(values, dtype=torch.float32).to(device()), torch.from_numpy(features)
    batch = min(BATCH, len(rows))
    epochs = int(np.clip(round(EPOCHS * math.sqrt(SAMPLES_OF_EPOCHS / len(rows))), MIN_EPOCHS, MAX_EPOCHS))
    steps = epochs * (len(rows) // batch)
    for epoch in range(epochs):
        order = torch.randperm(len(rows), generator=generator)
        for step in range(len(rows) // batch):
            done = (epoch * (len(rows) // batch) + step) / steps
            decay = 0.5 * (1 + math.cos(math.pi * max(0.0, (done - WARM_UP) / (1 - WARM_UP))))
            rate = RATE * min(1.0, done / WARM_UP + 1e-3) * decay
            chosen = order[step * batch : (step + 1) * batch]
            x = encode(letters(rows[chosen.numpy()]), table).to(device())
            loss = F.mse_loss(network(x, generator), targets[chosen])
            loss.backward()
            adam.step(rate)
    return network.eval()
