"""The networks that students are made of, and how one is trained.

Convolutions that keep their place (every position has dense weights of its own) follow models that scan for a motif and
weigh where it is; averaged in pairs and smooth, models that pool; perceptrons, the sites of one molecule, and
transformers; perceptrons of letters that are embedded first, which all positions share, err where those do not. All
outputs of a model share one trunk.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..models.adam import Adam
from ..models.torch_model import find_device
from ..sequences.background import Background
from ..sequences.residues import residue_properties
from ..sequences.template import Template


@dataclass(frozen=True)
class Architecture:
    """A network: convolutions over positions, then dense layers, beside a linear skip.

    Attributes:
        channels, widths: of each convolution; without any, the network is a multilayer perceptron.
        dense: the hidden layers after them.
        dropout: the part of the dense layers' units that each step of training leaves out.
        pooled: whether neighbouring positions are averaged in pairs after the convolutions.
        smooth: whether units are GELU (Hendrycks & Gimpel 2016) instead of ReLU.
        bounded: whether outputs that are probabilities are logistic functions of sums.
        latent: whether a sum is multiplied by the exponential of another one, as of perceptrons; see `Network`.
    """

    channels: tuple[int, ...]
    widths: tuple[int, ...]
    dense: tuple[int, ...]
    dropout: float = 0.0
    pooled: bool = False
    smooth: bool = False
    bounded: bool = False
    latent: bool = False


POOLED = Architecture((96, 64), (7, 5), (128, 64), 0.1, pooled=True, smooth=True)
PLACED = Architecture((96, 96, 64), (7, 7, 7), (128, 64))
WIDE = Architecture((), (), (512, 256), 0.1, smooth=True, latent=True)
EMBEDDED = Architecture((32, 32), (1, 3), (512, 256), 0.1, smooth=True, latent=True)
DEEP = Architecture((), (), (256, 128, 64), 0.1, smooth=True, latent=True)
SHARP = replace(DEEP, dropout=0.0)  # follows peaks, and noise; validation tells which it is

EPOCHS = 25  # of convolutions, at 10,000 samples; falls with the root of their number
PERCEPTRON_EPOCHS = 100
MAX_EPOCHS, MIN_EPOCHS = 120, 4
BATCH = 128
RATE, DECAY, WARM_UP = 2e-3, 1e-2, 0.1
MAX_GAIN = 10.0  # the exponent of a perceptron; reached by nothing but a training that goes astray


class Network(nn.Module):
    """Takes (N, n, w) features of letters and returns (N, outputs).

    Convolutions end in a sum, h + skip. A perceptron's templates are sites of one molecule, whose letters act on a
    latent scale (global epistasis; Otwinowski et al. 2018): its sum is multiplied by the exponential of another one.

    Attributes:
        low, span: (outputs,) float32, with bounded outputs: the standardised values of 0, and of 1 less those of 0;
            a span of 0 is of an output without bounds.
    """

    def __init__(self, n: int, features: int, outputs: int, architecture: Architecture) -> None:
        super().__init__()
        width, self.convolutions, self.dense = features, nn.ModuleList(), nn.ModuleList()
        for channels, size in zip(architecture.channels, architecture.widths, strict=True):
            self.convolutions.append(nn.Conv2d(width, channels, (1, size), padding=(0, size // 2)))
            width = channels
        width *= n // 2 if architecture.pooled else n
        for hidden in architecture.dense:
            self.dense.append(nn.Linear(width, hidden))
            width = hidden
        self.outputs, heads = outputs, outputs * (2 if architecture.latent else 1)
        self.out, self.skip = nn.Linear(width, heads), nn.Linear(n * features, heads)
        self.dropout, self.pooled = architecture.dropout, architecture.pooled
        self.activate = F.gelu if architecture.smooth else F.relu
        self.bounded, self.latent = architecture.bounded, architecture.latent
        if self.bounded:
            self.low, self.span = (nn.Parameter(torch.zeros(outputs), requires_grad=False) for _ in range(2))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, n, w) features to (N, outputs) values."""
        sums = self.sums(x)
        return torch.where(self.span > 0, self.low + self.span * torch.sigmoid(sums), sums) if self.bounded else sums

    def loss(self, x: torch.Tensor, values: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return the mean squared error; of bounded outputs the cross-entropy, whose slope does not vanish at bounds.

        Args:
            x: (N, n, w) features.
            values: (N, outputs), standardised.
            generator: of the dropout.
        """
        sums = self.sums(x, generator)
        if not self.bounded:
            return F.mse_loss(sums, values)
        probabilities = ((values - self.low) / self.span.clamp(min=1e-6)).clamp(0, 1)
        entropy = F.binary_cross_entropy_with_logits(sums, probabilities, reduction="none")
        return torch.where(self.span > 0, 2 * entropy, (sums - values) ** 2).mean()

    def sums(self, x: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """Map (N, n, w) features to (N, outputs) sums; with a generator, as in training, dense units are dropped."""
        hidden = x.unsqueeze(1).permute(0, 3, 1, 2)  # 2d convolutions, channels last: the fast path on processors
        for convolution in self.convolutions:
            hidden = self.activate(convolution(hidden))
        if self.pooled:
            hidden = F.avg_pool2d(hidden, (1, 2))
        hidden = hidden.permute(0, 2, 3, 1).flatten(1)
        for layer in self.dense:
            hidden = self.activate(layer(hidden))
            if generator and self.dropout:
                kept = torch.rand(hidden.shape, generator=generator) >= self.dropout
                hidden = hidden * kept.to(hidden.device) / (1 - self.dropout)
        sums: torch.Tensor = self.out(hidden) + self.skip(x.flatten(1))
        if not self.latent:
            return sums
        return sums[:, : self.outputs] * torch.exp(sums[:, self.outputs :].clamp(max=MAX_GAIN))

    def start(self, generator: torch.Generator, bounds: np.ndarray) -> None:
        """Draw all parameters: uniform, within 1 / sqrt(inputs) (PyTorch's default).

        Args:
            generator: what they are drawn from.
            bounds: (outputs, 2) float64, the standardised values of 0 and 1; NaN for an output without bounds.
        """
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                bound = 1 / math.sqrt(layer.weight[0].numel())
                with torch.no_grad():
                    for parameter in layer.parameters():
                        parameter.uniform_(-bound, bound, generator=generator)
        if self.bounded:
            low, high = np.nan_to_num(bounds).T
            self.low.data, self.span.data = (torch.from_numpy(a.astype(np.float32)) for a in (low, high - low))


def device() -> torch.device:
    """Return where networks are trained: on a GPU if there is one, in full precision and the same whenever repeated."""
    return find_device("auto")


def letter_features(template: Template) -> np.ndarray:
    """Return the (n, m, w) float32 features of each letter at each position: one-hot, and `residue_properties`."""
    n, m = template.letter_codes.shape
    onehot = np.tile(np.eye(m, dtype=np.float32), (n, 1, 1))
    return np.concatenate([onehot, residue_properties(template)], axis=2)


def centred_features(background: Background) -> np.ndarray:
    """Return `letter_features`, (n, m, w) float32, less their means under a background at each position.

    Where nearly all sequences have one letter, as around a wild type, plain features are nearly constant, and networks
    learn worse from them.
    """
    features = letter_features(background.template)
    means = [p @ features[i, : len(p)] for i, p in enumerate(background.local)]
    return (features - np.stack(means)[:, None]).astype(np.float32)


def encode(codes: np.ndarray, features: torch.Tensor) -> torch.Tensor:
    """Return the (N, n, w) features of (N, n) local codes."""
    n, m, width = features.shape
    places = torch.from_numpy(codes + np.arange(0, n * m, m))
    return F.embedding(places, features.view(n * m, width))


def epochs_of(architecture: Architecture, samples: int) -> int:
    """Return how many passes over so many samples train a network."""
    epochs = PERCEPTRON_EPOCHS if architecture.latent else EPOCHS
    return int(np.clip(round(epochs * math.sqrt(10_000 / samples)), MIN_EPOCHS, MAX_EPOCHS))


def train_network(
    architecture: Architecture,
    codes: np.ndarray,
    targets: torch.Tensor,
    features: np.ndarray,
    seed: int,
    *,
    epochs: int,
    bounds: np.ndarray | None = None,
    finished: Callable[[int], object] = lambda samples: None,
) -> Network:
    """Train one network: AdamW, linear warm-up, cosine decay.

    Args:
        architecture: of the network.
        codes: (N, p) uint8 local codes of the positions that it sees.
        targets: (N, outputs) float32, standardised.
        features: (p, m, w); see `centred_features`.
        seed: of all that is drawn.
        epochs: passes over the samples.
        bounds: (outputs, 2), see `Network.start`; None: no output has any.
        finished: called with the samples of every hundredth batch.
    """
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(seed)
    network = Network(codes.shape[1], features.shape[2], targets.shape[1], architecture)
    network.start(generator, np.full((targets.shape[1], 2), np.nan) if bounds is None else bounds)
    network = network.to(device())
    adam = Adam(network.parameters(), DECAY)
    y, letters = targets.to(device()), torch.from_numpy(features)
    batch = min(BATCH, len(y))
    steps = len(y) // batch
    for epoch in range(epochs):
        order = torch.randperm(len(y), generator=generator)
        for step in range(steps):
            done = (epoch * steps + step) / (epochs * steps)
            decay = 0.5 * (1 + math.cos(math.pi * max(0.0, (done - WARM_UP) / (1 - WARM_UP))))
            rate = RATE * min(1.0, done / WARM_UP + 1e-3) * decay
            rows = order[step * batch : (step + 1) * batch]
            x = encode(codes[rows.numpy()], letters).to(device())
            loss = network.loss(x, y[rows], generator)
            loss.backward()
            adam.step(rate)
        finished(steps * batch)
    return network.eval()
