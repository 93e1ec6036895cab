"""Latents at single positions: what they say there, and what an output is without them.

A latent is one direction at all positions. At one of them it may say more than its logo does: a latent that is active
at every A says at position 7 that there is an A at 7. Nodes of circuits are latents at positions, and are named so: by
the letter at a place that they are active with, which is chosen on half of the sequences and scored on the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..models.dictionary import Dictionary
from ..models.hooked_network import HookedNetwork
from ..sequences.rng import NODE_STREAM, generator
from .circuits import Graph
from .concepts import f1
from .rankings import gradient_products
from .replacement import encode_all, holding, predict_replaced

if TYPE_CHECKING:
    import torch

MAX_NODES = 16  # that are listed for an output
MAX_SEQUENCES = 2000  # that name them


@dataclass(frozen=True)
class Said:
    """What latents at positions say of the letters.

    Attributes:
        place: (K,) 0-based, of the letter that each is active with.
        letter: (K,) its alphabet code.
        f1: (K,) of "this letter is there", said by activity, on sequences that did not choose it.
        chance: (K,) the same, chosen and scored with the activity of other sequences.
    """

    place: np.ndarray
    letter: np.ndarray
    f1: np.ndarray
    chance: np.ndarray

    def record(self, k: int, letters: str) -> dict[str, Any]:
        """Return what `circuits.json` has of node k: `letter`, `place` (1-based), `f1` and `chance_f1`."""
        scores = [None if np.isnan(score) else float(score) for score in (self.f1[k], self.chance[k])]
        return {
            "letter": letters[self.letter[k]], "place": int(self.place[k]) + 1, "f1": scores[0], "chance_f1": scores[1],
        }  # fmt: skip


def name_nodes(active: np.ndarray, codes: np.ndarray, scored: np.ndarray, q: int, seed: int) -> Said:
    """Name each of K nodes by the letter at a place that it is active with.

    Args:
        active: (N, K) bool, in which sequences each node is active.
        codes: (N, n) uint8 alphabet codes.
        scored: (N,) bool: sequences that names are scored on; the others choose.
        q: letters of the alphabet.
        seed: of the sequences that stand for chance.
    """
    labels = (codes[:, :, None] == np.arange(q)).reshape(len(codes), -1).T
    mixed = active[generator(seed, NODE_STREAM).permutation(len(active))]
    best, scores = _chosen(active, labels, scored)
    return Said(best // q, best % q, scores, _chosen(mixed, labels, scored)[1])


def _chosen(active: np.ndarray, labels: np.ndarray, scored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(K,) which of (labels, N) each of (N, K) nodes says best, and its F1 where it is scored; NaN where nothing is."""
    best = f1(active[~scored], labels[:, ~scored]).argmax(0)
    if not scored.any():
        return best, np.full(len(best), np.nan)
    return best, f1(active[scored], labels[:, scored])[best, np.arange(len(best))]


@dataclass(frozen=True)
class Watched:
    """Sequences on which nodes are named and removed.

    Attributes:
        codes: (N, n) uint8 alphabet codes.
        latents: by layer (N, positions, F), of the network as it is.
        scored: (N,) bool: those that names are scored on.
        seed: of what stands for chance.
    """

    codes: np.ndarray
    latents: "Sequence[torch.Tensor]"
    scored: np.ndarray
    seed: int

    @classmethod
    def of(
        cls, network: HookedNetwork, dictionary: Dictionary, codes: np.ndarray, clusters: np.ndarray, seed: int
    ) -> "Watched":
        """Run the network on (N, n) codes; every other of their (N,) clusters is scored."""
        scored = np.unique(clusters, return_inverse=True)[1] % 2 == 1
        return cls(codes, encode_all(network, dictionary, codes), scored, seed)

    def active(self, layers: np.ndarray, positions: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Return (N, K) bool, in which sequences each of K latents at a position is active."""
        places = zip(layers.tolist(), positions.tolist(), numbers.tolist(), strict=True)
        return np.column_stack([(self.latents[a][:, b, c] > 0).numpy() for a, b, c in places])

    def name(self, active: np.ndarray, letters: str) -> list[dict[str, Any]]:
        """Return what nodes say that are active in (N, K) bool; see `Said.record`."""
        said = name_nodes(active, self.codes, self.scored, len(letters), self.seed)
        return [said.record(k, letters) for k in range(active.shape[1])]


def name_graph(graph: Graph, watched: Watched, letters: str) -> list[dict[str, Any] | None]:
    """Return what each node of a graph says; None for those that are no latents."""
    latents = np.flatnonzero(np.array(graph.kinds) == "latent")
    said: list[dict[str, Any] | None] = [None] * len(graph.kinds)
    if latents.size:
        active = watched.active(graph.layer[latents], graph.position[latents], graph.latent[latents])
        for node, record in zip(latents.tolist(), watched.name(active, letters), strict=True):
            said[node] = record
    return said


def strongest_nodes(
    network: HookedNetwork, dictionary: Dictionary, watched: Watched, means: "Sequence[torch.Tensor]", output: int
) -> list[dict[str, Any]]:
    """Return the latents at single positions that move an output most, with what they say.

    Args:
        network: whose output it is; modules are replaced.
        dictionary: of its latents.
        watched: the sequences.
        means: by layer (positions, F).
        output: its number.

    Returns:
        The `MAX_NODES` with the largest root mean square of gradient times what a latent is above its mean, sorted by
        what removing them alone does: `latent`, `position` (1-based), `active` (share of the sequences), `effect` (mean
        over those of the output less that without the latent there), `size` (root mean square over all sequences), and
        what it says (see `Said.record`).
    """
    products = gradient_products(network, dictionary, watched.codes, means, output)
    sizes = np.concatenate([product.square().mean(0).sqrt().numpy().ravel() for product in products])
    ends = np.cumsum([product[0].numel() for product in products])
    chosen = np.argsort(-sizes, kind="stable")[:MAX_NODES]
    layers = np.searchsorted(ends, chosen, "right")
    positions, numbers = np.divmod(chosen - np.append(0, ends)[layers], dictionary.latents)
    active, letters = watched.active(layers, positions, numbers), network.template.alphabet.letters
    clean, nodes = predict_replaced(network, dictionary, watched.codes)[:, output], []
    for k, said in enumerate(watched.name(active, letters)):
        layer, position, number = int(layers[k]), int(positions[k]), int(numbers[k])
        without = holding(layer, number, 0, position)
        added = clean - predict_replaced(network, dictionary, watched.codes, without)[:, output]
        nodes.append({
            "latent": dictionary.names()[layer * dictionary.latents + number], "position": position + 1,
            "active": float(active[:, k].mean()),
            "effect": float(added[active[:, k]].mean()) if active[:, k].any() else 0.0,
            "size": float(np.sqrt(np.square(added).mean())), **said,
        })  # fmt: skip
    return sorted(nodes, key=lambda node: -node["size"])
