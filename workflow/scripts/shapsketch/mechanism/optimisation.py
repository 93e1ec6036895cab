"""Steps of training: the loss of a batch, Adam, dead latents, and the state that a broken run goes on from."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models.adam import Adam
from ..models.dictionary import keep_largest
from ..storage.files import atomic_path
from . import sparse
from .weights import Weights

if TYPE_CHECKING:
    import torch

    from .training import Training

AUXILIARY_WEIGHT = 1 / 4  # of what dead latents leave of the residual; Gao's (2024) 1 / 32 wakes few in short runs
WARM_SHARE = 0.05  # of the steps, at the beginning, in which the rate rises
DECAY_SHARE = 0.5  # of the steps, at the end, in which the rate falls to zero
THRESHOLD_MEMORY = 0.99  # of the running mean of the least active number, for BatchTopK
MATRYOSHKA_PREFIXES = (1 / 16, 1 / 8, 1 / 4, 1 / 2)  # of the latents
PREFIX_WEIGHT = 0.5  # times a prefix's share of the latents: with equal weights the first are mixtures of features


@dataclass(frozen=True)
class Latents:
    """The latents of a batch, all of them or only those that may be active.

    Attributes:
        values: (N, F), or (N, k).
        places: (N, k) int64 which of the F these are; None for all.
    """

    values: "torch.Tensor"
    places: "torch.Tensor | None" = None

    def decode(self, w_dec: "torch.Tensor") -> "torch.Tensor":
        """Return (N, width) what they write through (F, width) weights."""
        return self.values @ w_dec if self.places is None else sparse.decode(self.values, self.places, w_dec)

    def active(self, latents: int) -> "torch.Tensor":
        """Return (F,) bool: which are active in any vector."""
        if self.places is None:
            return (self.values > 0).any(0)
        import torch

        active = torch.zeros(latents, dtype=torch.bool)
        active[self.places[self.values > 0]] = True
        return active


class State:
    """Weights, optimiser and counts of silence, from step to step."""

    def __init__(
        self, weights: Weights, training: "Training", rate: float, device: str, identity: Mapping[str, Any]
    ) -> None:
        import torch

        self.weights, self.training, self.rate, self.identity = weights, training, rate, identity
        for group in (weights.w_enc, weights.b_enc, weights.b_dec, *weights.w_dec):
            for k, tensor in enumerate(group):
                group[k] = tensor.to(device).requires_grad_(True)
        self.adam = Adam(weights.tensors().values())
        layers = len(weights.w_enc)
        self.silent = [torch.zeros(training.latents, device=device) for _ in range(layers)]
        self.least = torch.zeros(layers, device=device)

    @property
    def thresholds(self) -> "list[torch.Tensor]":
        """By layer (F,) the number below which a latent is silent, for BatchTopK and Matryoshka."""
        if self.training.variant not in ("batch_topk", "matryoshka"):
            return []
        return [least.expand(self.training.latents).clone() for least in self.least]

    def loss(self, xs: "list[torch.Tensor]", ys: "list[torch.Tensor]") -> "tuple[torch.Tensor, list[Latents]]":
        """Measure a batch.

        Args:
            xs, ys: by layer (N, width) standardised vectors that are read and written.

        Returns:
            The mean squared error summed over layers, a () tensor, with what the variant adds, dead latents apart; and
            by layer the (N, F) or (N, k) latents.
        """
        latents = [self._encode(layer, x) for layer, x in enumerate(xs)]
        errors = [self._error(latents, m, y) for m, y in enumerate(ys)]
        if self.training.variant == "relu":
            errors += [self.training.l1 * z.values.sum(1).mean() / self.training.latents**0.5 for z in latents]
        return sum(errors[1:], errors[0]), latents

    def step(self, number: int, xs: "list[torch.Tensor]", ys: "list[torch.Tensor]") -> float:
        """Take one step; return the loss.

        Args:
            number: of the step, from 0.
            xs, ys: by layer (N, width) standardised vectors that are read and written.
        """
        settings, weights = self.training, self.weights
        loss, latents = self.loss(xs, ys)
        for layer in range(len(ys)):
            loss = loss + self._revive(layer, xs[layer], ys[layer], latents)
        loss.backward()  # type: ignore[no-untyped-call]
        weights.project()
        self.adam.step(self.rate * self.share_of_rate(number))
        weights.normalise()
        for layer, z in enumerate(latents):
            self.silent[layer] = (self.silent[layer] + len(z.values)).masked_fill(z.active(settings.latents), 0)
        return loss.item()

    def share_of_rate(self, number: int) -> float:
        """The share of the full rate that a step takes: a short rise, then a cosine to zero."""
        steps = self.training.steps
        warm, left = steps * WARM_SHARE, (steps - number) / max(1.0, steps * DECAY_SHARE)
        return min(1.0, (number + 1) / max(1.0, warm)) * 0.5 * (1 - math.cos(math.pi * min(1.0, left)))

    def _encode(self, layer: int, x: "torch.Tensor") -> "Latents":
        settings, w_enc, bias = self.training, self.weights.w_enc[layer], self.weights.bias(layer)
        if settings.variant == "topk" and x.device.type == "cpu":
            values, places = sparse.encode(x, w_enc, bias, settings.k)
            return Latents(values, places)
        pre = x @ w_enc + bias
        return Latents(keep_largest(pre, settings.k) if settings.variant == "topk" else self._active(layer, pre))

    def _active(self, layer: int, pre: "torch.Tensor") -> "torch.Tensor":
        import torch

        settings, positive = self.training, pre.clamp(min=0)
        if settings.variant == "relu":
            return positive
        least = positive.flatten().topk(settings.k * len(pre)).values[-1].detach()
        with torch.no_grad():
            before = self.least[layer]
            self.least[layer] = least if before == 0 else THRESHOLD_MEMORY * before + (1 - THRESHOLD_MEMORY) * least
        return positive * (positive >= least) * (positive > 0)

    def _decode(self, latents: "list[Latents]", layer: int) -> "torch.Tensor":
        made = self.weights.b_dec[layer]
        for source, reach in enumerate(self.weights.reach):
            if layer in reach:
                made = made + latents[source].decode(self.weights.w_dec[source][layer - source])
        return made

    def _error(self, latents: "list[Latents]", layer: int, y: "torch.Tensor") -> "torch.Tensor":
        """The mean squared error of a layer; of Matryoshka with that of each prefix, by its share of the latents.

        A prefix adds to what the one before it makes, so that all of them together cost one product with `w_dec`.
        """
        if self.training.variant != "matryoshka":
            return (y - self._decode(latents, layer)).square().mean()
        w, z = self.weights.w_dec[layer][0], latents[layer].values
        made, start, missed = self.weights.b_dec[layer], 0, []
        for share in (*MATRYOSHKA_PREFIXES, 1.0):
            size = max(1, int(share * self.training.latents))
            made = made + z[:, start:size] @ w[start:size]
            missed.append((PREFIX_WEIGHT * share if share < 1 else 1.0) * (y - made).square().mean())
            start = size
        return sum(missed[1:], missed[0])

    def _revive(
        self, layer: int, x: "torch.Tensor", y: "torch.Tensor", latents: "list[Latents]"
    ) -> "torch.Tensor | float":
        """What dead latents, as many as half the width, leave of what the others miss of their own layer."""
        import torch

        dead = (self.silent[layer] > self.training.dead_after).nonzero()[:, 0]
        if not len(dead):
            return 0.0
        with torch.no_grad():
            residual = y - self._decode(latents, layer)
        pre = x @ self.weights.w_enc[layer][:, dead] + self.weights.bias(layer)[dead]
        z = keep_largest(pre, min(len(dead), max(1, residual.shape[1] // 2)))
        made = z @ self.weights.w_dec[layer][0][dead]
        share = (residual - made).square().mean() / residual.square().mean().clamp(min=1e-12)
        return AUXILIARY_WEIGHT * share

    def keep(self, path: str | Path, step: int) -> None:
        """Write the state."""
        from safetensors.torch import save

        weights = self.weights.tensors()
        tensors = {f"weight.{name}": t for name, t in weights.items()}
        for name, first, second in zip(weights, self.adam.first, self.adam.second, strict=True):
            tensors |= {f"first.{name}": first, f"second.{name}": second}
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
            for k, (name, t) in enumerate(self.weights.tensors().items()):
                t.copy_(tensors[f"weight.{name}"])
                self.adam.first[k].copy_(tensors[f"first.{name}"])
                self.adam.second[k].copy_(tensors[f"second.{name}"])
                self.adam.steps[k].fill_(step)
            self.silent = [tensors[f"silent.{layer}"].to(s.device) for layer, s in enumerate(self.silent)]
            self.least = tensors["least"].to(self.least.device)
        return int(step)
