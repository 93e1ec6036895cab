"""Training of dictionaries: a loss over vectors, Adam, dead latents brought back, checkpoints.

Autoencoders: TopK with an auxiliary loss for dead latents (Gao et al. 2024), ReLU with an L1 penalty (Cunningham et
al. 2023), BatchTopK (Bussmann et al. 2024) and Matryoshka, whose nested prefixes each reconstruct (Bussmann et al.
2025). Transcoders (Dunefsky et al. 2024) and cross-layer ones (Ameisen et al. 2025) are trained by the same steps.

Every step draws its vectors by counters, so a run that is taken up at a checkpoint gives the bytes of one that was not
broken off.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..models.dictionary import Activation, Dictionary, Kind, keep_largest
from ..models.sites import Site
from ..sequences.rng import DICTIONARY_STREAM, random_words
from ..settings.errors import InputError
from ..storage.files import atomic_path
from .vectors import Standard

if TYPE_CHECKING:
    import torch

Variant = Literal["topk", "relu", "batch_topk", "matryoshka"]
AUXILIARY_WEIGHT = 1 / 32  # of the loss of dead latents (Gao et al. 2024)
DECAY_SHARE = 0.2  # of the steps, at the end, in which the rate falls to zero
THRESHOLD_MEMORY = 0.99  # of the running mean of the least active number, for BatchTopK
MATRYOSHKA_PREFIXES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)  # of the latents


@dataclass(frozen=True)
class Training:
    """How a dictionary is trained.

    Attributes:
        kind, variant: what it reads and writes, and what keeps it sparse.
        latents: of each layer.
        k: latents that may be active in a layer's vector; not for `relu`.
        l1: weight of the mean absolute latents, of standardised vectors, for `relu`.
        steps, batch, rate: of Adam.
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
    rate: float = 2e-3
    dead_after: int = 50_000
    seed: int = 0


class _Weights:
    """The parameters, in standardised units."""

    def __init__(self, training: Training, widths: Sequence[tuple[int, int]]) -> None:
        import torch

        draws = torch.Generator().manual_seed(training.seed % 2**63)
        layers, last = range(len(widths)), len(widths)
        across = training.kind == "cross_layer"
        self.reach = [range(layer, last if across else layer + 1) for layer in layers]
        self.w_enc, self.w_dec = [], list[list[torch.Tensor]]()
        for layer, (read, written) in enumerate(widths):
            decoders = [torch.randn(training.latents, widths[m][1], generator=draws) for m in self.reach[layer]]
            norm = torch.cat(decoders, 1).norm(dim=1, keepdim=True)
            decoders = [w / norm for w in decoders]
            same = training.kind == "sae" and read == written
            encoder = torch.randn(read, training.latents, generator=draws) / math.sqrt(read)
            self.w_enc.append(decoders[0].T.contiguous().clone() if same else encoder)
            self.w_dec.append(decoders)
        self.b_enc = [torch.zeros(training.latents) for _ in layers]
        self.b_dec = [torch.zeros(written) for _, written in widths]

    def tensors(self) -> "dict[str, torch.Tensor]":
        """All parameters by name."""
        import torch

        named = dict[str, torch.Tensor]()
        for layer in range(len(self.w_enc)):
            named |= {f"{layer}.W_enc": self.w_enc[layer], f"{layer}.b_enc": self.b_enc[layer]}
            named |= {f"{layer}.W_dec.{j}": w for j, w in enumerate(self.w_dec[layer])}
            named[f"{layer}.b_dec"] = self.b_dec[layer]
        return named

    def normalise(self) -> None:
        """Give what each latent writes the length one."""
        import torch

        with torch.no_grad():
            for decoders in self.w_dec:
                norm = torch.cat(decoders, 1).norm(dim=1, keepdim=True).clamp(min=1e-8)
                for w in decoders:
                    w /= norm


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
        inputs: by layer (N, width) float32 vectors that are read; the same N of all layers.
        targets: likewise, that are written; those of `inputs` for autoencoders.
        sites: what was read, and what was written.
        training: how.
        device: where, such as `cpu` or `cuda`.
        checkpoint: a file that keeps the state, and that a broken run goes on from; removed at the end.
        every: steps between checkpoints.
        progress: called with the steps done.
        origin: what the vectors are of; goes into the dictionary's settings, and into the checkpoint, which is not
            taken up where it differs.

    Raises:
        InputError: there are no vectors, or they do not fit, or the loss is not finite.
    """
    import torch

    _check(inputs, targets, training)
    torch.set_num_threads(1)
    into, out = [Standard.of(x) for x in inputs], [Standard.of(y) for y in targets]
    xs = [s.apply(x, device) for x, s in zip(inputs, into, strict=True)]
    ys = xs if training.kind == "sae" else [s.apply(y, device) for y, s in zip(targets, out, strict=True)]
    weights = _Weights(training, [(x.shape[1], y.shape[1]) for x, y in zip(inputs, targets, strict=True)])
    state = _State(weights, training, device, {"training": asdict(training), "origin": origin or {}})
    first = state.resume(checkpoint)
    progress(first)
    for step in range(first, training.steps):
        words = random_words(training.seed, DICTIONARY_STREAM, step, step + 1, training.batch)[0]
        rows = torch.from_numpy((words.astype(np.int64) * len(inputs[0])) >> 32).to(device)
        loss = state.step(step, [x[rows] for x in xs], [y[rows] for y in ys])
        if step % 100 == 0 and not math.isfinite(loss):
            raise InputError(f"The loss of the dictionary is not finite at step {step}; lower dictionary.rate.")
        progress(1)
        if checkpoint and (step + 1) % every == 0 and step + 1 < training.steps:
            state.keep(checkpoint, step + 1)
    if checkpoint:
        Path(checkpoint).unlink(missing_ok=True)
    settings = {**asdict(training), **(origin or {}), "vectors": len(inputs[0])}
    return _folded(weights, training, sites, into, out, state.thresholds, settings)


def _check(inputs: Sequence[np.ndarray], targets: Sequence[np.ndarray], training: Training) -> None:
    if not len(inputs[0]):
        raise InputError("A dictionary needs activations to train on, and there are none.")
    if training.variant != "relu" and training.k > training.latents:
        raise InputError(f"dictionary.k is {training.k}, more than the {training.latents} latents there are.")
    if training.variant == "matryoshka" and training.kind != "sae":
        raise InputError(f"dictionary.variant matryoshka is for the kind sae; the kind is {training.kind}.")
    assert len({len(vectors) for vectors in (*inputs, *targets)}) == 1, "layers have different numbers of vectors"


class _State:
    """Weights, optimiser and counts of silence, from step to step."""

    def __init__(self, weights: _Weights, training: Training, device: str, identity: Mapping[str, Any]) -> None:
        import torch

        self.weights, self.training, self.identity = weights, training, identity
        for group in (weights.w_enc, weights.b_enc, weights.b_dec, *weights.w_dec):
            for k, tensor in enumerate(group):
                group[k] = tensor.to(device).requires_grad_(True)
        self.optimizer = torch.optim.Adam(list(weights.tensors().values()), lr=training.rate, foreach=False)
        layers = len(weights.w_enc)
        self.silent = [torch.zeros(training.latents, device=device) for _ in range(layers)]
        self.least = torch.zeros(layers, device=device)

    @property
    def thresholds(self) -> "list[torch.Tensor]":
        """By layer (F,) the number below which a latent is silent, for BatchTopK and Matryoshka."""
        if self.training.variant not in ("batch_topk", "matryoshka"):
            return []
        return [least.expand(self.training.latents).clone() for least in self.least]

    def step(self, number: int, xs: "list[torch.Tensor]", ys: "list[torch.Tensor]") -> float:
        """Take one step; return the loss."""
        import torch

        settings, weights = self.training, self.weights
        remaining = (settings.steps - number) / max(1.0, settings.steps * DECAY_SHARE)
        for group in self.optimizer.param_groups:
            group["lr"] = settings.rate * min(1.0, remaining)
        raw = [
            (x - weights.b_dec[layer] if settings.kind == "sae" else x) @ weights.w_enc[layer] + weights.b_enc[layer]
            for layer, x in enumerate(xs)
        ]
        latents = [self._active(layer, pre) for layer, pre in enumerate(raw)]
        loss = torch.zeros((), device=xs[0].device)
        for m, y in enumerate(ys):
            made = self._decode(latents, m)
            more = self._prefixes(latents, m, y), self._revive(raw, m, (y - made).detach())
            loss = loss + (y - made).square().mean() + more[0] + more[1]
        if settings.variant == "relu":
            loss = loss + settings.l1 * sum(z.sum(1).mean() / z.shape[1] ** 0.5 for z in latents)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        weights.normalise()
        with torch.no_grad():
            for layer, z in enumerate(latents):
                active = (z > 0).any(0)
                self.silent[layer] = torch.where(
                    active, torch.zeros_like(self.silent[layer]), self.silent[layer] + len(z)
                )
        return loss.item()

    def _active(self, layer: int, pre: "torch.Tensor") -> "torch.Tensor":
        import torch

        settings = self.training
        if settings.variant == "topk":
            return keep_largest(pre, settings.k)
        positive = pre.clamp(min=0)
        if settings.variant == "relu":
            return positive
        least = positive.flatten().topk(settings.k * len(pre)).values[-1].detach()
        with torch.no_grad():
            before = self.least[layer]
            self.least[layer] = least if before == 0 else THRESHOLD_MEMORY * before + (1 - THRESHOLD_MEMORY) * least
        return positive * (positive >= least) * (positive > 0)

    def _decode(self, latents: "list[torch.Tensor]", layer: int) -> "torch.Tensor":
        made = self.weights.b_dec[layer]
        for source, reach in enumerate(self.weights.reach):
            if layer in reach:
                made = made + latents[source] @ self.weights.w_dec[source][layer - source]
        return made

    def _prefixes(self, latents: "list[torch.Tensor]", layer: int, y: "torch.Tensor") -> "torch.Tensor | float":
        """What each nested prefix but the whole misses, on average."""
        if self.training.variant != "matryoshka":
            return 0.0
        sizes = sorted({max(1, int(share * self.training.latents)) for share in MATRYOSHKA_PREFIXES[:-1]})
        w = self.weights.w_dec[layer][0]
        errors = [
            (y - self.weights.b_dec[layer] - latents[layer][:, :size] @ w[:size]).square().mean() for size in sizes
        ]
        return sum(errors[1:], errors[0]) / len(errors)

    def _revive(self, raw: "list[torch.Tensor]", layer: int, residual: "torch.Tensor") -> "torch.Tensor | float":
        """What dead latents, as many as half the width, could explain of the residual."""
        dead = self.silent[layer] > self.training.dead_after
        if not (count := int(dead.sum())):
            return 0.0
        pre = raw[layer].masked_fill(~dead, -math.inf)
        z = keep_largest(pre, min(count, max(1, residual.shape[1] // 2)))
        made = z @ self.weights.w_dec[layer][0]
        share = (residual - made).square().mean() / residual.square().mean().clamp(min=1e-12)
        return AUXILIARY_WEIGHT * share

    def keep(self, path: str | Path, step: int) -> None:
        """Write the state."""
        from safetensors.torch import save

        tensors = {f"weight.{name}": t for name, t in self.weights.tensors().items()}
        for name, t in self.weights.tensors().items():
            moments = self.optimizer.state[t]
            tensors |= {f"first.{name}": moments["exp_avg"], f"second.{name}": moments["exp_avg_sq"]}
        tensors |= {f"silent.{layer}": t for layer, t in enumerate(self.silent)} | {"least": self.least}
        plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
        record = json.dumps({"step": step, **self.identity}, sort_keys=True)
        with atomic_path(path) as temporary:
            temporary.write_bytes(save(plain, {"shapsketch": record}))

    def resume(self, path: str | Path | None) -> int:
        """Take up a state of the same training, if there is one; return the first step to take."""
        import torch
        from safetensors import SafetensorError, safe_open

        if path is None or not Path(path).is_file():
            return 0
        try:
            with safe_open(path, framework="pt") as file:
                record = json.loads((file.metadata() or {})["shapsketch"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, KeyError, ValueError):
            return 0
        step = record.pop("step")
        if record != json.loads(json.dumps(self.identity)):
            return 0
        with torch.no_grad():
            for name, t in self.weights.tensors().items():
                t.copy_(tensors[f"weight.{name}"])
                first, second = (tensors[f"{kind}.{name}"].to(t.device) for kind in ("first", "second"))
                moments = {"exp_avg": first, "exp_avg_sq": second}
                self.optimizer.state[t] = {"step": torch.tensor(float(step)), **moments}
            self.silent = [tensors[f"silent.{layer}"].to(s.device) for layer, s in enumerate(self.silent)]
            self.least = tensors["least"].to(self.least.device)
        return int(step)


def _folded(
    weights: _Weights,
    training: Training,
    sites: tuple[tuple[Site, ...], tuple[Site, ...]],
    into: Sequence[Standard],
    out: Sequence[Standard],
    thresholds: "Sequence[torch.Tensor]",
    settings: Mapping[str, Any],
) -> Dictionary:
    """Weights in the units of the activations.

    Latents are multiplied by the scale c of what their own layer writes, so that autoencoders and transcoders keep
    directions of length one: W_enc c / s_in, W_dec s_out / c.
    """
    import torch

    w_enc, b_enc, b_dec = [], [], []
    with torch.no_grad():
        for layer, (given, made) in enumerate(zip(into, out, strict=True)):
            mean, encoder = torch.from_numpy(given.mean).float(), weights.w_enc[layer].detach().cpu()
            bias = weights.b_enc[layer].detach().cpu()
            if training.kind == "sae":
                bias = bias - weights.b_dec[layer].detach().cpu() @ encoder
            w_enc.append(encoder * (made.scale / given.scale))
            b_enc.append(made.scale * (bias - (mean / given.scale) @ encoder))
            b_dec.append(weights.b_dec[layer].detach().cpu() * made.scale + torch.from_numpy(made.mean).float())
        w_dec = [
            tuple(
                w.detach().cpu() * (out[m].scale / out[layer].scale)
                for m, w in zip(weights.reach[layer], weights.w_dec[layer], strict=True)
            )
            for layer in range(len(into))
        ]
        scaled = tuple(t.cpu() * s.scale for t, s in zip(thresholds, out, strict=True)) if thresholds else ()
    names: dict[str, Activation] = {"topk": "topk", "relu": "relu"}
    return Dictionary(
        training.kind, names.get(training.variant, "threshold"), training.k if training.variant != "relu" else 0,
        *sites, tuple(w_enc), tuple(b_enc), tuple(w_dec), tuple(b_dec), scaled,
        {**settings, "scales": [s.scale for s in out]},
    )  # fmt: skip
