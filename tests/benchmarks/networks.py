"""Published models rebuilt from their weights: functions of (N, n) alphabet codes, (N, outputs) out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

Function = Callable[[np.ndarray], np.ndarray]
BATCH = 512


def in_batches(function: Callable[[torch.Tensor], torch.Tensor]) -> Function:
    """Turn a function of (B, n) int64 codes into one of any number of uint8 codes."""

    def evaluate(codes: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            parts = [
                function(torch.from_numpy(codes[i : i + BATCH].astype(np.int64))) for i in range(0, len(codes), BATCH)
            ]
        return torch.cat(parts).double().numpy()

    return evaluate


def _weights(path: Path, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: torch.from_numpy(archive[name]).to(dtype) for name in archive.files}


def _convolve(x: torch.Tensor, w: dict[str, torch.Tensor], name: str) -> torch.Tensor:
    """Convolve (B, in, n) with a kernel stored as (width, in, out), with an axis of 1 more or not."""
    kernel = w[f"{name}_kernel"]
    kernel = kernel.flatten(1, -2).permute(2, 1, 0).contiguous()
    return F.conv1d(x, kernel, w[f"{name}_bias"])


def _dense(x: torch.Tensor, w: dict[str, torch.Tensor], name: str) -> torch.Tensor:
    return x @ w[f"{name}_kernel"] + w[f"{name}_bias"]


def _flatten(x: torch.Tensor) -> torch.Tensor:
    """(B, channels, n) to (B, n * channels), position-major."""
    return x.transpose(1, 2).flatten(1)


def deepspcas9(folder: Path, dtype: torch.dtype = torch.float32) -> Function:
    """DeepSpCas9 (Kim et al. 2019): three parallel convolutions, pooled in pairs, and three dense layers."""
    w = _weights(folder / "deepspcas9_weights.npz", dtype)

    def forward(codes: torch.Tensor) -> torch.Tensor:
        x = F.one_hot(codes, 4).to(dtype).transpose(1, 2)
        branches = [_flatten(F.avg_pool1d(F.relu(_convolve(x, w, f"conv{k}")), 2)) for k in (3, 5, 7)]
        h = F.relu(_dense(torch.cat(branches, 1), w, "fc1"))
        return _dense(F.relu(_dense(h, w, "fc2")), w, "out")

    return in_batches(forward)


def optimus5p(folder: Path, dtype: torch.dtype = torch.float32) -> Function:
    """Optimus 5-Prime with three outputs (Castillo-Hair et al. 2024): three convolutions, two dense layers."""
    w = _weights(folder / "optimus5p_multioutput_weights.npz", dtype)

    def forward(codes: torch.Tensor) -> torch.Tensor:
        h = F.one_hot(codes, 4).to(dtype).transpose(1, 2)
        for k in (1, 2, 3):
            h = F.relu(_convolve(F.pad(h, (3, 4)), w, f"conv_{k}"))
        return _dense(F.relu(_dense(_flatten(h), w, "dense_1")), w, "dense_2")

    return in_batches(forward)


def gb1_cnn(folder: Path, dtype: torch.dtype = torch.float32) -> Function:
    """The GB1 network of nn4dms (Gelman et al. 2021), asked with codes over the 20 letters A..Y."""
    w = _weights(folder / "gb1_cnn_weights.npz", dtype)
    features = torch.cat([torch.eye(21, dtype=dtype), w["aa_index_features"]], 1)  # row 0 is the letter `*`

    def forward(codes: torch.Tensor) -> torch.Tensor:
        h = features[codes + 1].transpose(1, 2)
        for k in (1, 2, 3):
            h = F.leaky_relu(_convolve(h, w, f"conv{k}"), 0.2)
        return _dense(F.leaky_relu(_dense(_flatten(h), w, "dense1"), 0.2), w, "output")

    return in_batches(forward)


def sprout(folder: Path, output: str) -> Function:
    """A SPROUT model (Leenay et al. 2019): boosted trees over one-hot letters."""
    with np.load(folder / f"sprout_{output}_trees.npz", allow_pickle=False) as archive:
        stored = {name: archive[name] for name in archive.files}
    shape = (stored["tree"].max() + 1, stored["node"].max() + 1)
    nodes = {}
    for name in ("feature", "yes", "no", "leaf"):
        nodes[name] = np.zeros(shape, stored[name].dtype)
        nodes[name][stored["tree"], stored["node"]] = stored[name]
    trees = np.arange(shape[0])

    def evaluate(codes: np.ndarray) -> np.ndarray:
        bits = np.eye(4, dtype=bool)[codes].reshape(len(codes), -1)
        at = np.zeros((len(codes), shape[0]), np.int64)
        while True:
            feature = nodes["feature"][trees, at]
            if (feature < 0).all():
                break
            there = np.take_along_axis(bits, np.maximum(feature, 0), 1)
            following = np.where(there, nodes["no"][trees, at], nodes["yes"][trees, at])
            at = np.where(feature < 0, at, following)
        return (float(stored["base_score"]) + nodes["leaf"][trees, at].sum(1))[:, None]

    return evaluate
