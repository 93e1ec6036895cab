"""How few latents keep an output's variation, when all others give their means."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..models.dictionary import Dictionary
from ..models.hooked_network import HookedNetwork
from .replacement import predict_replaced

if TYPE_CHECKING:
    import torch

ENOUGH = 0.8  # of an output's variation, that a circuit keeps


def ablation_curve(
    network: HookedNetwork,
    dictionary: Dictionary,
    codes: np.ndarray,
    means: "Sequence[torch.Tensor]",
    order: np.ndarray,
    sizes: Sequence[int],
    output: int,
) -> list[float]:
    """Return the share of an output's variation that is kept when all but some latents give their means.

    Args:
        network: the network.
        dictionary: of it; the network is the replaced one.
        codes: (N, n) uint8 codes.
        means: by layer (positions, F) the latents' means at each position.
        order: (F,) latents, as numbers over all layers, the most important first.
        sizes: how many of them are kept.
        output: its number.

    Returns:
        For each size one less the variance of the error over that of the model's own output: a constant shift of the
        output is no loss of variation.
    """
    import torch

    clean, shares = network.predict(codes)[:, output], []
    for size in sizes:
        kept = torch.zeros(dictionary.layers * dictionary.latents, dtype=torch.bool)
        kept[torch.from_numpy(order[:size].copy())] = True
        masks = kept.reshape(dictionary.layers, -1)
        edit = lambda layer, z, masks=masks: torch.where(masks[layer], z, means[layer])  # noqa: E731
        made = predict_replaced(network, dictionary, codes, edit)[:, output]
        shares.append(float(1 - (made - clean).var() / clean.var()))
    return shares


def curve_sizes(count: int) -> list[int]:
    """Return how many latents an ablation curve keeps: 0, 1, 2, 4, ... and all."""
    return sorted({0, count, *(round(2 ** (k / 2)) for k in range(2 * count.bit_length()) if 2 ** (k / 2) < count)})


def needed(kept: Sequence[float], sizes: Sequence[int]) -> int | None:
    """Return the smallest size from which on at least `ENOUGH` of the variation is kept; None where it never is."""
    enough = [share >= ENOUGH for share in kept]
    first = len(enough) - next((k for k, one in enumerate(reversed(enough)) if not one), len(enough))
    return sizes[first] if first < len(sizes) else None
