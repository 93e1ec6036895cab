"""The weights of a dictionary while it is trained, in standardised units, and their way back to the model's units."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..models.dictionary import Activation, Dictionary
from ..models.sites import Site
from .vectors import Standard

if TYPE_CHECKING:
    import torch

    from .training import Training

MAX_MAPPED = 20_000  # vectors that linear maps are fitted to
MEDIAN_STEPS, MIN_DISTANCE = 50, 1e-3  # of standardised vectors
RIDGE = 1e-3  # of the variance, for these


class Weights:
    """The parameters, in standardised units.

    What latents write begins as random directions of length one. What they read begins as those directions where
    vectors are read and written alike (Gao et al. 2024), and for transcoders as the same of the best linear map: what
    of the input tells most of the direction. What is written without latents begins as the geometric median (Bricken
    et al. 2023), near where most vectors lie.

    Args:
        training: how the dictionary is trained.
        xs, ys: by layer (N, width) standardised vectors that are read and written.
    """

    def __init__(self, training: "Training", xs: "Sequence[torch.Tensor]", ys: "Sequence[torch.Tensor]") -> None:
        import torch

        draws = torch.Generator().manual_seed(training.seed % 2**63)
        layers, widths = range(len(ys)), [y.shape[1] for y in ys]
        self.reads_centred = training.kind == "sae"
        self.reach = [range(layer, len(ys) if training.kind == "cross_layer" else layer + 1) for layer in layers]
        self.w_enc, self.w_dec = [], list[list[torch.Tensor]]()
        for layer in layers:
            reached = [widths[m] for m in self.reach[layer]]
            written = torch.randn(training.latents, sum(reached), generator=draws)
            written = written / written.norm(dim=1, keepdim=True)
            encoder = written.T
            if training.kind != "sae":
                rows = slice(None, None, max(1, len(xs[layer]) // MAX_MAPPED))
                encoder = _linear_map(xs[layer][rows], torch.cat([ys[m][rows] for m in self.reach[layer]], 1)) @ encoder
            self.w_enc.append(encoder.contiguous())
            self.w_dec.append([w.contiguous() for w in written.split(reached, 1)])
        self.b_enc = [torch.zeros(training.latents) for _ in layers]
        self.b_dec = [_geometric_median(y[:: max(1, len(y) // MAX_MAPPED)]) for y in ys]

    def tensors(self) -> "dict[str, torch.Tensor]":
        """All parameters by name."""
        import torch

        named = dict[str, torch.Tensor]()
        for layer in range(len(self.w_enc)):
            named |= {f"{layer}.W_enc": self.w_enc[layer], f"{layer}.b_enc": self.b_enc[layer]}
            named |= {f"{layer}.W_dec.{j}": w for j, w in enumerate(self.w_dec[layer])}
            named[f"{layer}.b_dec"] = self.b_dec[layer]
        return named

    def bias(self, layer: int) -> "torch.Tensor":
        """Return (F,) what is added to x W_enc: of autoencoders, which read x - b_dec, less b_dec W_enc."""
        if not self.reads_centred:
            return self.b_enc[layer]
        return self.b_enc[layer] - self.b_dec[layer] @ self.w_enc[layer]

    def project(self) -> None:
        """Take from the gradients of what latents write the part along it, which `normalise` would undo."""
        for decoders in self.w_dec:
            pairs = [(w.detach(), w.grad) for w in decoders if w.grad is not None]
            along = sum((w * gradient).sum(1, keepdim=True) for w, gradient in pairs)
            for w, gradient in pairs:
                gradient -= along * w

    def normalise(self) -> None:
        """Give what each latent writes the length one."""
        import torch

        with torch.no_grad():
            for decoders in self.w_dec:
                norm = torch.cat(decoders, 1).norm(dim=1, keepdim=True).clamp(min=1e-8)
                for w in decoders:
                    w /= norm


def _linear_map(x: "torch.Tensor", y: "torch.Tensor") -> "torch.Tensor":
    """Return (width read, width written) the least-squares map of standardised vectors, with a faint ridge."""
    import torch

    x, y = x.cpu().double(), y.cpu().double()
    return torch.linalg.solve(x.T @ x + RIDGE * len(x) * torch.eye(x.shape[1], dtype=x.dtype), x.T @ y).float()


def _geometric_median(y: "torch.Tensor") -> "torch.Tensor":
    """Return (width,) the point whose distances to (N, width) vectors have the least sum (Weiszfeld 1937)."""
    y = y.cpu().double()
    point = y.mean(0)
    for _ in range(MEDIAN_STEPS):
        nearness = 1 / (y - point).norm(dim=1).clamp(min=MIN_DISTANCE)
        point = (nearness[:, None] * y).sum(0) / nearness.sum()
    return point.float()


def folded(
    weights: Weights,
    training: "Training",
    sites: tuple[tuple[Site, ...], tuple[Site, ...]],
    into: Sequence[Standard],
    out: Sequence[Standard],
    thresholds: "Sequence[torch.Tensor]",
    settings: Mapping[str, Any],
) -> Dictionary:
    """Weights in the units of the activations.

    Latents are multiplied by the scale c of what their own layer writes, so that autoencoders and transcoders keep
    directions of length one: W_enc c / s_in, W_dec s_out / c.

    Args:
        weights: of all layers, standardised.
        training: how they were trained.
        sites: what is read, and what is written.
        into, out: by layer the mean and scale of what is read, and of what is written.
        thresholds: by layer (F,) the number below which a latent is silent, for BatchTopK and Matryoshka.
        settings: that the dictionary keeps.
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
