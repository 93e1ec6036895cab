"""Which latents an output needs: ranked by their influence in circuits, by single ablations, by gradients, at random.

Also the game of latents: players are latents, present or at their means, in the network with modules replaced; its
Shapley values and interactions come from the engine of `masks`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..masks import MaskFit, explain_game
from ..masks.plan import make_mask_plan
from ..models.dictionary import Dictionary
from ..models.hooked_network import HookedNetwork
from ..sequences.rng import CIRCUIT_STREAM, generator
from .circuits import Graph
from .replacement import predict_replaced, replaced

if TYPE_CHECKING:
    import torch

MAX_PLAYERS = 12  # whose every coalition is asked


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
    clean, found = predict_replaced(network, dictionary, codes)[:, output], []
    for number in range(dictionary.layers * dictionary.latents):
        layer, latent = divmod(number, dictionary.latents)

        def silence(own: int, z: Any, layer: int = layer, latent: int = latent) -> Any:
            if own != layer:
                return z
            other = z.clone()
            other[..., latent] = means[layer][:, latent]
            return other

        changed = predict_replaced(network, dictionary, codes, silence)[:, output]
        found.append(float(np.sqrt(np.mean(np.square(changed - clean)))))
        progress(1)
    return np.array(found)


def by_gradient(
    network: HookedNetwork, dictionary: Dictionary, codes: np.ndarray, means: "Sequence[torch.Tensor]", output: int
) -> np.ndarray:
    """Return (layers F,) the root mean square of gradient times what a latent is above its mean, over positions."""
    kept: dict[int, torch.Tensor] = {}

    def watch(layer: int, z: Any) -> Any:
        kept[layer] = z if z.requires_grad else z.clone().requires_grad_(True)
        kept[layer].retain_grad()
        return kept[layer]

    with replaced(network, dictionary, watch):
        network.forward(network.onehot(codes))[:, output].sum().backward()  # type: ignore[no-untyped-call]
    found = []
    for layer in range(dictionary.layers):
        gradient = kept[layer].grad
        products = ((kept[layer] - means[layer]) * gradient).sum(1) if gradient is not None else 0 * kept[layer].sum(1)
        found.append(products.square().mean(0).sqrt().detach().numpy())
    return np.concatenate(found)


def at_random(dictionary: Dictionary, seed: int) -> np.ndarray:
    """Return (layers F,) random numbers."""
    return generator(seed, CIRCUIT_STREAM).random(dictionary.layers * dictionary.latents)


def explain_latents(
    network: HookedNetwork,
    dictionary: Dictionary,
    codes: np.ndarray,
    means: "Sequence[torch.Tensor]",
    players: Sequence[int],
    output: int,
) -> MaskFit:
    """Explain an output of one sequence by latents: every coalition of them is asked.

    Args:
        network: the network.
        dictionary: of it; modules are replaced.
        codes: (n,) uint8 codes.
        means: by layer (positions, F); an absent latent gives its means.
        players: latents as numbers over all layers, at most `MAX_PLAYERS`; all others stay as they are.
        output: its number.
    """
    import torch

    places = [divmod(int(number), dictionary.latents) for number in players]

    def game(masks: np.ndarray) -> np.ndarray:
        def switch(layer: int, z: Any) -> Any:
            other = z.clone()
            for player, (own, latent) in enumerate(places):
                if own == layer:
                    present = torch.from_numpy(masks[:, player].astype(bool))[:, None]
                    other[..., latent] = torch.where(present, z[..., latent], means[layer][:, latent])
            return other

        copies = np.repeat(codes[None], len(masks), 0)
        return predict_replaced(network, dictionary, copies, switch, batch=len(copies))[:, output]

    plan = make_mask_plan(
        len(players), 2 ** len(players), noisy=False, seed=0, draws=1, estimator="exact", batch_size=1024
    )
    return explain_game(game, plan, estimator="exact")
