"""Training of dictionaries: a loss over vectors, Adam, dead latents brought back, checkpoints.

Autoencoders: TopK with an auxiliary loss for dead latents (Gao et al. 2024), ReLU with an L1 penalty (Cunningham et
al. 2023), BatchTopK (Bussmann et al. 2024) and Matryoshka, whose nested prefixes each reconstruct (Bussmann et al.
2025). Transcoders (Dunefsky et al. 2024) and cross-layer ones (Ameisen et al. 2025) are trained by the same steps.

Every step draws its vectors by counters, so a run that is taken up at a checkpoint gives the bytes of one that was not
broken off.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..models.dictionary import Dictionary, Kind
from ..models.sites import Site
from ..sequences.rng import DICTIONARY_STREAM, random_words
from ..settings.errors import InputError
from ..storage.files import sha256_json
from .optimisation import State
from .vectors import Standard
from .weights import Weights, folded

if TYPE_CHECKING:
    import torch

Variant = Literal["topk", "relu", "batch_topk", "matryoshka"]

RATE = 0.1  # of Adam, over the square root of a vector's width, where the config names none: measured on BE-DICT
# (width 64) and AntiBERTy (512), where rates half and twice as high are little worse


@dataclass(frozen=True)
class Training:
    """How a dictionary is trained.

    Attributes:
        kind, variant: what it reads and writes, and what keeps it sparse.
        latents: of each layer.
        k: latents that may be active in a layer's vector; not for `relu`.
        l1: weight of the mean absolute latents, of standardised vectors, for `relu`.
        steps, batch, rate: of Adam; without a rate, `RATE` over the square root of the width is taken.
        dead_after: vectors without activity after which a latent is dead.
        seed: of weights and batches.
    """

    kind: Kind = "sae"
    variant: Variant = "topk"
    latents: int = 256
    k: int = 8
    l1: float = 0.01
    steps: int = 3000
    batch: int = 2048
    rate: float | None = None
    dead_after: int = 50_000
    seed: int = 0


def train(
    inputs: Sequence[np.ndarray],
    targets: Sequence[np.ndarray],
    sites: tuple[tuple[Site, ...], tuple[Site, ...]],
    training: Training,
    *,
    device: str = "cpu",
    checkpoint: str | Path | None = None,
    every: int = 500,
    progress: Callable[[int], object] = lambda steps: None,
    origin: Mapping[str, Any] | None = None,
) -> Dictionary:
    """Train a dictionary.

    Args:
        inputs: by layer (N, width) float32 vectors that are read; the same N of all layers for `cross_layer`.
        targets: likewise, that are written, as many; those of `inputs` for autoencoders.
        sites: what was read, and what was written.
        training: how.
        device: where, such as `cpu` or `cuda`.
        checkpoint: a file that keeps the state, and that a broken run goes on from; removed at the end.
        every: steps between checkpoints.
        progress: called with the steps done.
        origin: what the vectors are of; goes into the dictionary's settings, and into the checkpoint, which is not
            taken up where that or the vectors differ.

    Raises:
        InputError: there are no vectors, or they do not fit, or the loss is not finite.
    """
    import torch

    _check(inputs, targets, training)
    torch.set_num_threads(1)
    into, out = [Standard.of(x) for x in inputs], [Standard.of(y) for y in targets]
    xs = [s.apply(x, device) for x, s in zip(inputs, into, strict=True)]
    ys = xs if training.kind == "sae" else [s.apply(y, device) for y, s in zip(targets, out, strict=True)]
    rate = training.rate or RATE / math.sqrt(max(y.shape[1] for y in ys))
    units = [len(inputs[0]), *([s.mean.tolist(), s.scale] for s in (*into, *out))]
    identity = {"training": asdict(training), "origin": origin or {}, "vectors": sha256_json(units)}
    state = State(Weights(training, xs, ys), training, rate, device, identity)
    first = state.resume(checkpoint)
    progress(first)
    for step in range(first, training.steps):
        rows = [_rows(training, step, len(x)).to(device) for x in xs]
        batch = ([vectors[r] for vectors, r in zip(layers, rows, strict=True)] for layers in (xs, ys))
        loss = state.step(step, *batch)
        if step % 100 == 0 and not math.isfinite(loss):
            raise InputError(f"The loss of the dictionary is not finite at step {step}; lower dictionary.rate.")
        progress(1)
        if checkpoint and (step + 1) % every == 0 and step + 1 < training.steps:
            state.keep(checkpoint, step + 1)
    if checkpoint:
        Path(checkpoint).unlink(missing_ok=True)
    settings = {**asdict(training), **(origin or {}), "vectors": max(map(len, inputs)), "rate": rate}
    return folded(state.weights, training, sites, into, out, state.thresholds, settings)


def _rows(training: Training, step: int, count: int) -> "torch.Tensor":
    """The vectors of a step, of so many."""
    import torch

    words = random_words(training.seed, DICTIONARY_STREAM, step, step + 1, training.batch)[0]
    return torch.from_numpy((words.astype(np.int64) * count) >> 32)


def _check(inputs: Sequence[np.ndarray], targets: Sequence[np.ndarray], training: Training) -> None:
    if not len(inputs[0]):
        raise InputError("A dictionary needs activations to train on, and there are none.")
    if training.variant != "relu" and training.k > training.latents:
        raise InputError(f"dictionary.k is {training.k}, more than the {training.latents} latents there are.")
    if training.variant == "matryoshka" and training.kind != "sae":
        raise InputError(f"dictionary.variant matryoshka is for the kind sae; the kind is {training.kind}.")
    assert all(len(x) == len(y) for x, y in zip(inputs, targets, strict=True)), "as many are read as written"
    assert training.kind != "cross_layer" or len({len(x) for x in inputs}) == 1, "layers across have the same vectors"
