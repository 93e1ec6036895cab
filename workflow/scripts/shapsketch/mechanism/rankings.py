"""Which latents an output needs: ranked by influence in circuits, by single ablations, by gradients, at random."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..models.dictionary import Dictionary
from ..models.hooked_network import HookedNetwork
from ..sequences.rng import CIRCUIT_STREAM, generator
from .ablation import ablated, kept_shares
from .circuits import Graph
from .replacement import holding, predict_replaced, replaced

if TYPE_CHECKING:
    import torch

CANDIDATES, STEPS = 24, 12  # latents that are tried for a circuit, and that are chosen


def by_influence(graphs: Sequence[Graph], dictionary: Dictionary) -> np.ndarray:
    """Return (layers F,) the influence of each latent, over positions and graphs."""
    total = np.zeros((dictionary.layers, dictionary.latents))
    for graph in graphs:
        kept = np.array(graph.kinds) == "latent"
        np.add.at(total, (graph.layer[kept], graph.latent[kept]), graph.influence[kept])
    return total.ravel()


def by_ablation(
    network: HookedNetwork,
    dictionary: Dictionary,
    codes: np.ndarray,
    means: "Sequence[torch.Tensor]",
    output: int,
    progress: Callable[[int], object] = lambda count: None,
) -> np.ndarray:
    """Return (layers F,) the root mean square change of an output where one latent alone gives its means.

    Args:
        network: whose output changes.
        dictionary: of its latents.
        codes: (N, n) uint8 alphabet codes of the sequences.
        means: of the latents, by layer.
        output: its column.
        progress: called with 1 after every latent.
    """
    clean, changes = predict_replaced(network, dictionary, codes)[:, output], []
    means = [mean.to(network.device) for mean in means]
    for number in range(dictionary.layers * dictionary.latents):
        layer, latent = divmod(number, dictionary.latents)
        silent = holding(layer, latent, means[layer][:, latent])
        changed = predict_replaced(network, dictionary, codes, silent)[:, output]
        changes.append(float(np.sqrt(np.mean(np.square(changed - clean)))))
        progress(1)
    return np.array(changes)


def by_gradient(
    network: HookedNetwork, dictionary: Dictionary, codes: np.ndarray, means: "Sequence[torch.Tensor]", output: int
) -> np.ndarray:
    """Return (layers F,) the root mean square of gradient times what a latent is above its mean, over positions."""
    products = gradient_products(network, dictionary, codes, means, output)
    return np.concatenate([product.sum(1).square().mean(0).sqrt().numpy() for product in products])


def gradient_products(
    network: HookedNetwork, dictionary: Dictionary, codes: np.ndarray, means: "Sequence[torch.Tensor]", output: int
) -> "list[torch.Tensor]":
    """Return by layer (N, positions, F) gradient of an output times what a latent is above its mean, in main memory."""
    kept: dict[int, torch.Tensor] = {}

    def watch(layer: int, z: Any) -> Any:
        kept[layer] = z if z.requires_grad else z.clone().requires_grad_(True)
        kept[layer].retain_grad()
        return kept[layer]

    with replaced(network, dictionary, watch):
        network.forward(network.onehot(codes))[:, output].sum().backward()  # type: ignore[no-untyped-call]
    products = []
    for layer in range(dictionary.layers):
        z, gradient = kept[layer].detach(), kept[layer].grad
        product = (z - means[layer].to(network.device)) * gradient if gradient is not None else 0 * z
        products.append(product.cpu())
    return products


def by_selection(
    network: HookedNetwork,
    dictionary: Dictionary,
    codes: np.ndarray,
    means: "Sequence[torch.Tensor]",
    output: int,
    first: np.ndarray,
) -> np.ndarray:
    """Return (layers F,) numbers that put latents in the order in which they are best added to a circuit.

    Greedy: of the `CANDIDATES` best of another ranking, each step keeps the one with which most of the output's
    variation is kept when all others give their means. What is not chosen within `STEPS` follows in the other order.

    Args:
        network: whose output it is.
        dictionary: of its latents.
        codes: (N, n) uint8 codes of the sequences that choose.
        means: of the latents, by layer.
        output: its number.
        first: (layers F,) the other ranking.
    """
    clean = network.predict(codes)[:, output]
    order = np.argsort(-first, kind="stable")
    left, chosen = order[:CANDIDATES].tolist(), list[int]()
    for _ in range(min(STEPS, len(left))):
        tried = [
            ablated(network, dictionary, codes, means, np.array([*chosen, one]), [len(chosen) + 1], output)
            for one in left
        ]
        best = int(np.argmax(kept_shares(clean, np.concatenate(tried))))
        chosen.append(left.pop(best))
    rest = [number for number in order.tolist() if number not in set(chosen)]
    places = np.empty(len(order))
    places[np.array([*chosen, *rest])] = -np.arange(len(order), dtype=float)
    return places


def at_random(dictionary: Dictionary, seed: int) -> np.ndarray:
    """Return (layers F,) random numbers."""
    return generator(seed, CIRCUIT_STREAM).random(dictionary.layers * dictionary.latents)
