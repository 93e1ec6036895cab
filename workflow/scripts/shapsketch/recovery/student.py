"""Distilled students: small networks that learn the model from its budgeted values, then are asked for free.

A few convolutional networks (or multilayer perceptrons for short sequences) are trained on the samples and
stacked by non-negative least squares on the validation points. The stack is evaluated at millions of
points of the background, or at every sequence where those are few, and projected onto dividends.
"""

import json
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..sampling.plan import Plan
from ..sequences.residues import residue_properties
from ..sequences.template import Template
from ..settings.errors import InputError
from ..spectrum.metrics import r_squared
from ..spectrum.scale import Scale
from ..spectrum.terms import Terms
from ..storage.files import load_npz, save_npz
from . import exact
from .base import Fit, Samples
from .projection import project
from .stack import non_negative_weights


@dataclass(frozen=True)
class Architecture:
    """A student: convolutions over positions, averaged in pairs, then dense layers, beside a linear skip.

    Attributes:
        channels, widths: of each convolution; without any, the student is a multilayer perceptron.
        dense: the hidden layers after them.
        dropout: the part of the dense layers' units that each step of training leaves out.
    """

    channels: tuple[int, ...]
    widths: tuple[int, ...]
    dense: tuple[int, ...]
    dropout: float = 0.0


ONE = Architecture((128,), (7,), (128, 64))
TWO = Architecture((96, 64), (7, 5), (128, 64))
WIDE = Architecture((), (), (512, 256), 0.1)
DEEP = Architecture((), (), (256, 128, 64), 0.1)
SHARP = Architecture((), (), (256, 128, 64))  # follows peaks, and noise; validation tells which it is
MIN_CONVOLUTION_LENGTH = 10  # free positions below which convolutions have nothing to share

EPOCHS = 40  # at 10,000 samples; falls with the root of their number
PERCEPTRON_EPOCHS = 100
MAX_EPOCHS, MIN_EPOCHS = 120, 4
MAX_COPIES, SAMPLES_OF_FEW_COPIES = 3, 16_000  # perceptrons of each kind; fewer where more samples leave less to chance
BATCH = 128
RATE, DECAY, WARM_UP = 2e-3, 1e-2, 0.1
MAX_GAIN = 10.0  # the exponent of a perceptron; reached by nothing but a training that goes astray
MIN_WEIGHT = 0.1  # of a student in the stack; smaller ones cost more queries than they are worth
FREE_POINTS = 2_000_000  # a smaller space is evaluated in full
SEQUENCES_AT_ONCE = 2048  # sequences per call
FREE_SEED = 0x5EED  # free queries are other draws than the sketch's
STUDENTS_VERSION = 5


class Network(nn.Module):
    """One student; takes (N, n, w) features of letters and returns (N,).

    Convolutions end in a sum, h + skip. Short templates are sites of one molecule, whose letters act on a latent scale
    (global epistasis; Otwinowski et al. 2018): a perceptron's sum is multiplied by the exponential of another one.
    """

    def __init__(self, n: int, features: int, architecture: Architecture) -> None:
        super().__init__()
        width, self.convolutions, self.dense = features, nn.ModuleList(), nn.ModuleList()
        for channels, size in zip(architecture.channels, architecture.widths, strict=True):
            self.convolutions.append(nn.Conv2d(width, channels, (1, size), padding=(0, size // 2)))
            width = channels
        width *= n // 2 if architecture.channels else n
        for hidden in architecture.dense:
            self.dense.append(nn.Linear(width, hidden))
            width = hidden
        heads = 1 if architecture.channels else 2
        self.out, self.skip = nn.Linear(width, heads), nn.Linear(n * features, heads)
        self.dropout = architecture.dropout
        self.activate = functional.relu if architecture.channels else functional.gelu
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """Map features to values; with a generator, as in training, dense units are dropped."""
        hidden = x.unsqueeze(1).permute(0, 3, 1, 2)  # 2d convolutions, channels last: the fast path on processors
        for convolution in self.convolutions:
            hidden = functional.relu_(convolution(hidden))
        if self.convolutions:
            hidden = functional.avg_pool2d(hidden, (1, 2))
        hidden = hidden.permute(0, 2, 3, 1).flatten(1)
        for layer in self.dense:
            hidden = self.activate(layer(hidden))
            if generator and self.dropout:
                kept = torch.rand(hidden.shape, generator=generator) >= self.dropout
                hidden = hidden * kept.to(hidden.device) / (1 - self.dropout)
        sums = self.out(hidden) + self.skip(x.flatten(1))
        return sums[:, 0] if self.convolutions else sums[:, 0] * torch.exp(sums[:, 1].clamp(max=MAX_GAIN))

    def start(self, generator: torch.Generator) -> None:
        """Draw all parameters anew: uniform, within 1 / sqrt(inputs) (PyTorch's default)."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                bound = 1 / math.sqrt(layer.weight[0].numel())
                with torch.no_grad():
                    for parameter in layer.parameters():
                        parameter.uniform_(-bound, bound, generator=generator)


@dataclass(frozen=True)
class Student:
    """A weighted sum of networks, in the model's units.

    Attributes:
        architectures: of the networks.
        networks: the networks.
        weights: their weights.
        mean, scale: undo the standardisation of the values.
        positions: (p,) int64, the positions that the networks see.
        features: (p, m, w) float32, of each letter at each of them: one-hot, and the properties of amino acids.
    """

    architectures: tuple[Architecture, ...]
    networks: tuple[Network, ...]
    weights: tuple[float, ...]
    mean: float
    scale: float
    positions: np.ndarray
    features: np.ndarray

    def predict(self, codes: np.ndarray, threads: int = 1) -> np.ndarray:
        """Return (N,) float64 values at (N, n) uint8 local codes."""
        features = torch.from_numpy(self.features)
        starts = range(0, len(codes), SEQUENCES_AT_ONCE)

        def ask(start: int) -> np.ndarray:
            x = _encode(codes[start : start + SEQUENCES_AT_ONCE, self.positions], features)
            total = np.zeros(len(x))
            with torch.inference_mode():
                for weight, network in zip(self.weights, self.networks, strict=True):
                    total += weight * network(x.to(_device())).cpu().numpy().astype(np.float64)
            return total

        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(ask, starts))
        return self.mean + self.scale * np.concatenate([np.empty(0), *parts])

    def in_units(self, scale: Scale) -> "Student":
        """Return a student of standardised values as one of the values themselves."""
        return replace(self, mean=scale.centre + scale.unit * self.mean, scale=scale.unit * self.scale)


def save_students(path: str | Path, students: Mapping[str, Student | None]) -> None:
    """Write the students of a model's outputs to an .npz, atomically and without pickles."""
    arrays: dict[str, np.ndarray] = {"version": np.array(STUDENTS_VERSION)}
    for output, student in students.items():
        if student is None:
            continue
        about = {
            "architectures": [asdict(a) for a in student.architectures],
            "weights": student.weights,
            "mean": student.mean,
            "scale": student.scale,
        }
        arrays[f"{output}/about"] = np.array(json.dumps(about))
        arrays[f"{output}/positions"] = student.positions
        arrays[f"{output}/features"] = student.features
        for k, network in enumerate(student.networks):
            arrays |= {f"{output}/{k}/{name}": p.detach().cpu().numpy() for name, p in network.named_parameters()}
    save_npz(path, arrays)


def load_students(path: str | Path) -> dict[str, Student]:
    """Read the students of a model's outputs; outputs that needed none are not there.

    Raises:
        InputError: the file is damaged or of another version.
    """
    arrays = load_npz(path)
    if int(arrays.get("version", -1)) != STUDENTS_VERSION:
        raise InputError(f"{path} is not a file of students of version {STUDENTS_VERSION}.")
    students = {}
    for output in (key.removesuffix("/about") for key in arrays if key.endswith("/about")):
        about = json.loads(str(arrays[f"{output}/about"]))
        positions, features = (arrays[f"{output}/{name}"] for name in ("positions", "features"))
        architectures = tuple(
            Architecture(tuple(a["channels"]), tuple(a["widths"]), tuple(a["dense"]), a["dropout"])
            for a in about["architectures"]
        )
        networks = []
        for k, architecture in enumerate(architectures):
            network = Network(len(features), features.shape[2], architecture)
            for name, parameter in network.named_parameters():
                parameter.data.copy_(torch.from_numpy(arrays[f"{output}/{k}/{name}"]))
            networks.append(network.eval().to(_device()))
        weights, mean, scale = tuple(about["weights"]), about["mean"], about["scale"]
        students[output] = Student(architectures, tuple(networks), weights, mean, scale, positions, features)
    return students


def fit(samples: Samples, max_order: int | None) -> Fit:
    """Train students, stack them, and project the stack."""
    student, details = train(samples)
    intercept, terms = distil(student, samples.plan, max_order or 5, samples.threads)
    return Fit(intercept, terms, details, student)


def train(samples: Samples) -> tuple[Student, dict[str, Any]]:
    """Train the students of these samples, two at once on two threads, and weigh them.

    Students of one architecture differ by chance alone, and weigh the same.
    """
    template = samples.plan.template
    architectures, positions = [TWO, ONE, ONE], np.arange(template.n)  # the slowest first
    if len(template.free) < MIN_CONVOLUTION_LENGTH:
        copies = int(np.clip(round(MAX_COPIES * math.sqrt(SAMPLES_OF_FEW_COPIES / len(samples.values))), 1, MAX_COPIES))
        architectures, positions = [k for k in (WIDE, DEEP, SHARP) for _ in range(copies)], template.free
    codes, values = samples.codes[:, positions], samples.values
    mean, scale = float(values.mean()), float(values.std()) or 1.0
    features = letter_features(template)[positions]
    targets = torch.as_tensor((values - mean) / scale, dtype=torch.float32)

    def learn(number: int) -> Network:
        seed = 1000 * (samples.plan.seed % 2**31) + number
        return _train_network(architectures[number], codes, targets, features, seed)

    with ThreadPoolExecutor(samples.threads) as pool:
        networks = list(pool.map(learn, range(len(architectures))))
    alone = [
        Student((a,), (network,), (1.0,), mean, scale, positions, features)
        for a, network in zip(architectures, networks, strict=True)
    ]
    predicted = np.stack([s.predict(samples.validation_codes, samples.threads) for s in alone], 1)
    kinds = sorted(set(architectures), key=architectures.index)
    share = np.array([[(a == kind) / architectures.count(kind) for kind in kinds] for a in architectures])
    target = samples.validation_values - mean
    weights = share @ non_negative_weights((predicted - mean) @ share, target, MIN_WEIGHT)
    kept = np.flatnonzero(weights)
    student = replace(
        alone[0],
        architectures=tuple(architectures[k] for k in kept),
        networks=tuple(networks[k] for k in kept),
        weights=tuple(weights[kept].tolist()),
    )
    stacked = mean + (predicted - mean) @ weights
    return student, {
        "students": len(kept),
        "student_r2": r_squared(samples.validation_values, stacked),
    }


def distil(student: Student, plan: Plan, max_order: int, threads: int) -> tuple[float, Terms]:
    """Turn a student into dividends: exactly where the space is small, otherwise by projection."""
    background = plan.background
    if background.template.space <= FREE_POINTS:
        codes = replace(plan, design="exhaustive").queries(0, background.template.space)
        return exact.transform(background, codes, student.predict(codes, threads), max_order)
    free = plan.fresh(FREE_POINTS, plan.seed ^ FREE_SEED)
    codes = np.asfortranarray(free.queries(0, FREE_POINTS))
    return project(background, codes, student.predict(codes, threads), max_order)


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def letter_features(template: Template) -> np.ndarray:
    """Return the (n, m, w) float32 features of each letter at each position: one-hot, and `residue_properties`."""
    n, m = template.letter_codes.shape
    onehot = np.tile(np.eye(m, dtype=np.float32), (n, 1, 1))
    return np.concatenate([onehot, residue_properties(template)], axis=2)


def _encode(codes: np.ndarray, features: torch.Tensor) -> torch.Tensor:
    """The (N, n, w) features of (N, n) local codes."""
    n, m, width = features.shape
    places = torch.from_numpy(codes + np.arange(0, n * m, m))
    return functional.embedding(places, features.view(n * m, width))


def _train_network(
    architecture: Architecture, codes: np.ndarray, targets: torch.Tensor, features: np.ndarray, seed: int
) -> Network:
    """Train one network: AdamW, linear warm-up, cosine decay, a fixed number of epochs."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(seed)
    network = Network(codes.shape[1], features.shape[2], architecture)
    network.start(generator)
    network = network.to(_device())
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY, fused=True)
    y, letters = targets.to(_device()), torch.from_numpy(features)
    epochs = EPOCHS if architecture.channels else PERCEPTRON_EPOCHS
    epochs = int(np.clip(round(epochs * math.sqrt(10_000 / len(y))), MIN_EPOCHS, MAX_EPOCHS))
    batch = min(BATCH, len(y))
    steps = len(y) // batch
    for epoch in range(epochs):
        order = torch.randperm(len(y), generator=generator)
        for step in range(steps):
            done = (epoch * steps + step) / (epochs * steps)
            decay = 0.5 * (1 + math.cos(math.pi * max(0.0, (done - WARM_UP) / (1 - WARM_UP))))
            optimizer.param_groups[0]["lr"] = RATE * min(1.0, done / WARM_UP + 1e-3) * decay
            rows = order[step * batch : (step + 1) * batch]
            x = _encode(codes[rows.numpy()], letters).to(_device())
            loss = functional.mse_loss(network(x, generator), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network.eval()
