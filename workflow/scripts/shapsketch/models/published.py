"""Published networks rebuilt in PyTorch from their weights alone.

Each takes the arrays by name, in the layout in which TensorFlow stored them: kernels (width, in, out), with or
without an axis of 1 more, dense kernels (in, out); BPNet, in that of PyTorch. Raises KeyError for a missing array.
"""

import re
from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

Weights = Mapping[str, np.ndarray]


class Counted(dict[str, np.ndarray]):
    """Weights that note which of them were read."""

    def __init__(self, arrays: Weights) -> None:
        super().__init__(arrays)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> np.ndarray:
        """Return an array, and note it."""
        self.read.add(name)
        return super().__getitem__(name)


def _parameters(layer: nn.Conv1d | nn.Linear, kernel: np.ndarray, bias: np.ndarray) -> None:
    if kernel.shape != layer.weight.shape or bias.shape != (layer.weight.shape[0],):
        raise ValueError(f"a bias of shape {bias.shape} stands beside {layer.weight.shape[0]} units")
    layer.weight = nn.Parameter(torch.from_numpy(np.ascontiguousarray(kernel)), requires_grad=False)
    layer.bias = nn.Parameter(torch.from_numpy(np.ascontiguousarray(bias)), requires_grad=False)


def _convolution(weights: Weights, name: str) -> nn.Conv1d:
    kernel = weights[f"{name}_kernel"]
    kernel = kernel.reshape(kernel.shape[0], -1, kernel.shape[-1])
    layer = nn.Conv1d(kernel.shape[1], kernel.shape[2], kernel.shape[0])
    _parameters(layer, kernel.transpose(2, 1, 0), weights[f"{name}_bias"])
    return layer


def _dense(weights: Weights, name: str) -> nn.Linear:
    kernel = weights[f"{name}_kernel"]
    layer = nn.Linear(*kernel.shape)
    _parameters(layer, kernel.T, weights[f"{name}_bias"])
    return layer


def _flatten(x: torch.Tensor) -> torch.Tensor:
    """(B, channels, n) to (B, n * channels), position-major."""
    return x.transpose(1, 2).flatten(1)


class DeepSpCas9(nn.Module):
    """Cas9 guide efficacy (Kim et al., Sci. Adv. 2019): (B, 4, 30) in, (B, 1) predicted indel percentage out.

    Three parallel convolutions, pooled in pairs, and three dense layers.
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.branches = nn.ModuleList([_convolution(weights, f"conv{width}") for width in (3, 5, 7)])
        self.dense = nn.ModuleList([_dense(weights, name) for name in ("fc1", "fc2", "out")])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Predict (N, outputs) of (N, letters, n) one-hot sequences."""
        x = torch.cat([_flatten(F.avg_pool1d(F.relu(branch(x)), 2)) for branch in self.branches], 1)
        x = F.relu(self.dense[1](F.relu(self.dense[0](x))))
        return self.dense[2](x)


class Nn4dmsConvolutional(nn.Module):
    """A convolutional network of nn4dms (Gelman et al., PNAS 2021): (B, 20, n) protein in, (B, 1) score out.

    A letter is a one-hot of 21 (a stop comes first) and the 19 principal components of its AAindex features;
    three convolutions and two dense layers with leaky rectifiers.
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        features = weights["aa_index_features"]
        letters = np.concatenate([np.eye(21, dtype=features.dtype), features], 1)[1:]
        self.letters = nn.Parameter(torch.from_numpy(letters), requires_grad=False)
        self.convolutions = nn.ModuleList([_convolution(weights, f"conv{k}") for k in (1, 2, 3)])
        self.dense = _dense(weights, "dense1")
        self.output = _dense(weights, "output")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Predict (N, outputs) of (N, letters, n) one-hot sequences."""
        x = (x.transpose(1, 2) @ self.letters).transpose(1, 2)
        for convolution in self.convolutions:
            x = F.leaky_relu(convolution(x), 0.2)
        return self.output(F.leaky_relu(self.dense(_flatten(x)), 0.2))


class BPNet(nn.Module):
    """Binding along a stretch of DNA (Avsec et al., Nat. Genet. 2021), as bpnet-lite names and keeps its layers.

    (B, 4, n) in; out `profile`, (B, tracks, n - 2 reach) logits, to be softmaxed over tracks and positions together,
    and `counts`, (B, 1) logarithms. A first convolution, residual convolutions of doubling dilation, and two heads that
    see no padding: `reach` letters of either side fall away. Control tracks, where it takes any, are held at zero.
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        first = weights["iconv.weight"]
        filters, layers = len(first), sum(bool(re.fullmatch(r"rconvs\.[0-9]+\.weight", name)) for name in weights)
        self.first = self._convolution(weights, "iconv", first, 1)
        self.residual = nn.ModuleList(
            [
                self._convolution(weights, f"rconvs.{k}", weights[f"rconvs.{k}.weight"], 2 ** (k + 1))
                for k in range(layers)
            ]
        )
        self.profile = self._convolution(weights, "fconv", weights["fconv.weight"][:, :filters], 1)
        self.counts = nn.Linear(filters, len(weights["linear.bias"]))
        _parameters(self.counts, weights["linear.weight"][:, :filters], weights["linear.bias"])
        self.last = self.profile.kernel_size[0] // 2
        inner = sum(layer.dilation[0] * (layer.kernel_size[0] // 2) for layer in (self.first, *self.residual))
        self.reach = inner + self.last

    @staticmethod
    def _convolution(weights: Weights, name: str, kernel: np.ndarray, dilation: int) -> nn.Conv1d:
        padding = kernel.shape[2] // 2 * dilation
        layer = nn.Conv1d(kernel.shape[1], len(kernel), kernel.shape[2], padding=padding, dilation=dilation)
        _parameters(layer, kernel, weights[f"{name}.bias"])
        return layer

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Predict (N, outputs) of (N, letters, n) one-hot sequences."""
        n = x.shape[2]
        if n <= 2 * self.reach:
            raise ValueError(f"this BPNet needs more than {2 * self.reach} letters")
        x = F.relu(self.first(x))
        for layer in self.residual:
            x = x + F.relu(layer(x))
        inside = x[:, :, self.reach - self.last : n - self.reach + self.last]
        return {"profile": self.profile(x)[:, :, self.reach : n - self.reach], "counts": self.counts(inside.mean(2))}


ARCHITECTURES: dict[str, Callable[[Weights], nn.Module]] = {
    "bpnet": BPNet,
    "deepspcas9": DeepSpCas9,
    "nn4dms_cnn": Nn4dmsConvolutional,
}
