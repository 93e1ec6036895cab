"""How few latents keep an output's variation, when all others give their means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..models.dictionary import Dictionary
from ..models.hooked_network import HookedNetwork
from ..sequences.rng import BOOTSTRAP_STREAM, generator
from .circuits import find_output
from .clusters import resampled_weights
from .replacement import predict_replaced

if TYPE_CHECKING:
    import torch

ENOUGH = 0.8  # of an output's variation, that a circuit keeps
LEVELS = (0.8, 0.9, 0.95)  # that are told
BASELINE = "gradient"  # the ranking that others are compared with
RESAMPLES = 200  # of clusters of sequences
MIN_SPREAD = 1e-6  # of an output's largest size: less is the rounding of float32
MIN_ADDED = 1e-9  # share of the variation below which latents add nothing


def ablated(
    network: HookedNetwork,
    dictionary: Dictionary,
    codes: np.ndarray,
    means: "Sequence[torch.Tensor]",
    order: np.ndarray,
    sizes: Sequence[int],
    output: int,
) -> np.ndarray:
    """Return (sizes, N) values of an output when all but some latents give their means.

    Args:
        network: the network.
        dictionary: of it; the network is the replaced one.
        codes: (N, n) uint8 codes.
        means: by layer (positions, F) the latents' means at each position.
        order: (F,) latents, as numbers over all layers, the most important first.
        sizes: how many of them are kept.
        output: its number.
    """
    import torch

    values, means = [], [mean.to(network.device) for mean in means]
    for size in sizes:
        kept = torch.zeros(dictionary.layers * dictionary.latents, dtype=torch.bool)
        kept[torch.from_numpy(order[:size].copy())] = True
        masks = kept.reshape(dictionary.layers, -1).to(network.device)
        edit = lambda layer, z, masks=masks: torch.where(masks[layer], z, means[layer])  # noqa: E731
        values.append(predict_replaced(network, dictionary, codes, edit)[:, output])
    return np.array(values)


def kept_shares(clean: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return (..., sizes) shares of the variation of (..., N) outputs that (..., sizes, N) ablated ones keep.

    One less the variance of the error over that of the model's own output, which must vary (`varies`): a constant shift
    is no loss of variation.
    """
    errors = (values - clean[..., None, :]).var(-1)
    return 1 - errors / clean.var(-1)[..., None]


def varies(clean: np.ndarray) -> np.ndarray:
    """Whether (..., N) outputs differ by more than rounding: (...,) bool."""
    spread: np.ndarray = np.ptp(clean, -1) > MIN_SPREAD * np.abs(clean).max(-1)
    return spread


def varying(network: HookedNetwork, outputs: Sequence[str], parts: Sequence[np.ndarray]) -> list[str]:
    """Return those of some outputs that vary over each of some parts of the sequences, (N, n) uint8 codes.

    Raises:
        InputError: the network has no output of such a name.
    """
    places = [find_output(network, output) for output in outputs]
    vary = np.ones(len(network.outputs), bool)
    for codes in parts:
        vary &= varies(network.predict(codes).T) if len(codes) > 1 else False
    return [output for output, place in zip(outputs, places, strict=True) if vary[place]]


def resampled_shares(clean: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return (R, sizes) `kept_shares` of R resamples of (N,) outputs, by the (R, N) weights of sequences."""

    def variances(x: np.ndarray) -> np.ndarray:
        return np.maximum(weights @ np.square(x).T - np.square(weights @ x.T), 0)

    centred = clean - clean.mean()
    errors = values - clean
    return 1 - variances(errors - errors.mean(-1, keepdims=True)) / variances(centred[None])


@dataclass(frozen=True)
class Curves:
    """Ablation curves of one output, of the same sequences by several rankings.

    Attributes:
        sizes: how many latents are kept, from none to all.
        clean: (N,) the output of the model as it is; it varies.
        values: by ranking (sizes, N) the ablated output.
        clusters: (N,) of the sequences, of those that are alike.
    """

    sizes: Sequence[int]
    clean: np.ndarray
    values: Mapping[str, np.ndarray]
    clusters: np.ndarray

    def record(self, seed: int) -> dict[str, Any]:
        """Return what `circuits.json` has of them.

        Args:
            seed: of the bootstrap over clusters, the same for all rankings.

        Returns:
            By ranking `kept` (the share at each size); `needed` (the smallest size that keeps 80 % from there on) and
            `levels`: for 80, 90 and 95 % that size and its 95 % interval over clusters of sequences, None where it is
            never reached; `added`: the same of 80 % of what latents can add to what is kept without any; `area`, with
            its interval: the mean over sizes, on the scale of their logarithm, of the share of that; `area_gain`: what
            a ranking has more of it than that by gradients, in the same resamples.
        """
        weights = resampled_weights(self.clusters, generator(seed, BOOTSTRAP_STREAM), RESAMPLES)
        drawn = np.where(weights > 0, self.clean, self.clean[weights.argmax(1), None])
        weights = weights[varies(drawn)]  # of few clusters, some resamples are of one alone
        kept = {kind: kept_shares(self.clean, values) for kind, values in self.values.items()}
        again = {kind: resampled_shares(self.clean, values, weights) for kind, values in self.values.items()}
        areas = {kind: (area(kept[kind], self.sizes), area(again[kind], self.sizes)) for kind in kept}
        compared: dict[str, Any] = {"area": {}, "area_gain": {}}
        for kind, (kind_area, drawn) in areas.items():
            compared["area"][kind] = [float(kind_area), *_interval(drawn)]
            if BASELINE in areas and kind != BASELINE:
                gain = drawn - areas[BASELINE][1]
                compared["area_gain"][kind] = [float(kind_area - areas[BASELINE][0]), *_interval(gain)]
        return {
            "kept": {kind: shares.tolist() for kind, shares in kept.items()},
            "needed": {kind: needed(shares, self.sizes) for kind, shares in kept.items()},
            "levels": {
                kind: {f"{level:.0%}": self._level(shares, again[kind], level) for level in LEVELS}
                for kind, shares in kept.items()
            },
            "added": {
                kind: self._level(added_shares(shares), added_shares(again[kind]), ENOUGH)
                for kind, shares in kept.items()
            },
            **compared,
        }

    def _level(self, shares: np.ndarray, again: np.ndarray, level: float) -> list[int | None]:
        """The size that keeps a level, and the ends of its interval: of those that never do, the largest."""
        needs = [needed(row, self.sizes, level) for row in again]
        sizes = np.sort([np.inf if size is None else size for size in needs])
        ends = [sizes[int(share * (len(sizes) - 1))] for share in (0.025, 0.975)]
        return [needed(shares, self.sizes, level), *(None if np.isinf(end) else int(end) for end in ends)]


def added_shares(kept: np.ndarray) -> np.ndarray:
    """Return (..., sizes) of what all latents add to (..., sizes) shares kept, from 0 (no latents) to 1 (all)."""
    none, every = kept[..., :1], kept[..., -1:]
    return (kept - none) / np.where(np.abs(every - none) > MIN_ADDED, every - none, np.inf)


def area(kept: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Return the (...,) mean over log2(1 + size) of what latents add to (..., sizes) shares kept, from 0 to 1."""
    x = np.log2(1 + np.array(sizes, float))
    return np.trapezoid(added_shares(kept), x, axis=-1) / (x[-1] - x[0])


def _interval(values: np.ndarray) -> list[float]:
    return np.quantile(values, [0.025, 0.975]).tolist()


def curve_sizes(count: int) -> list[int]:
    """Return how many latents an ablation curve keeps: 0, 1, 2, 4, ... and all."""
    return sorted({0, count, *(round(2 ** (k / 2)) for k in range(2 * count.bit_length()) if 2 ** (k / 2) < count)})


def needed(kept: Sequence[float] | np.ndarray, sizes: Sequence[int], level: float = ENOUGH) -> int | None:
    """Return the smallest size from which on at least a level of the variation is kept; None where it never is."""
    enough = [share >= level for share in kept]
    first = len(enough) - next((k for k, one in enumerate(reversed(enough)) if not one), len(enough))
    return sizes[first] if first < len(sizes) else None
