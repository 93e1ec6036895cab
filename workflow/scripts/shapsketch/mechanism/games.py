"""The game of latents: players are latents, present or at their means, in the network with modules replaced.

Every coalition is asked, so that the Shapley values and the interactions of one sequence are exact for that game (the
engine is that of `masks`); means over sequences have standard errors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from ..masks import MaskFit, explain_game
from ..masks.plan import make_mask_plan
from ..models.dictionary import Dictionary
from ..models.hooked_network import HookedNetwork
from ..spectrum.indices import Index, interaction_map
from .replacement import predict_replaced

if TYPE_CHECKING:
    import torch

MAX_PLAYERS = 12  # whose every coalition is asked
INDEX: Index = "FSII"  # of pairs: with the single ones the best such fit of the game (Tsai et al. 2023)


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
    means = [mean.to(network.device) for mean in means]

    def game(masks: np.ndarray) -> np.ndarray:
        def switch(layer: int, z: Any) -> Any:
            other = z.clone()
            for player, (of_layer, latent) in enumerate(places):
                if of_layer == layer:
                    present = torch.from_numpy(masks[:, player].astype(bool))[:, None].to(network.device)
                    other[..., latent] = torch.where(present, z[..., latent], means[layer][:, latent])
            return other

        copies = np.repeat(codes[None], len(masks), 0)
        return predict_replaced(network, dictionary, copies, switch, batch=len(copies))[:, output]

    plan = make_mask_plan(
        len(players), 2 ** len(players), noisy=False, seed=0, draws=1, estimator="exact", batch_size=1024
    )
    return explain_game(game, plan, estimator="exact")


@dataclass(frozen=True)
class Explained:
    """An output of several sequences, explained by the same latents.

    Attributes:
        values: (N, m) Shapley values.
        pairs: (N, m (m - 1) / 2) interactions of pairs, in the order of `itertools.combinations`.
        bases: (N,) the output with all players at their means.
    """

    values: np.ndarray
    pairs: np.ndarray
    bases: np.ndarray

    def record(self, names: Sequence[str]) -> dict[str, Any]:
        """Return what `circuits.json` has.

        Args:
            names: of the players.

        Returns:
            `players`; `explained`, how many sequences; `shapley_values`, of each of them, with their `mean` and
            `mean_error`; `prediction` of each, what base and values add up to; `index` and `interactions`: for each
            pair its `latents`, the `values` of each sequence, their `mean`, `mean_error` and `mean_absolute`. Errors
            are standard errors over the sequences, None of one sequence.
        """
        mean, error = mean_and_error(self.values)
        pair_mean, pair_error = mean_and_error(self.pairs)
        return {
            "players": list(names),
            "explained": len(self.values),
            "shapley_values": self.values.tolist(),
            "mean": mean,
            "mean_error": error,
            "prediction": (self.bases + self.values.sum(1)).tolist(),
            "index": INDEX,
            "interactions": [
                {
                    "latents": [names[a], names[b]], "values": self.pairs[:, k].tolist(), "mean": pair_mean[k],
                    "mean_error": pair_error[k] if pair_error else None,
                    "mean_absolute": float(np.abs(self.pairs[:, k]).mean()),
                }
                for k, (a, b) in enumerate(combinations(range(len(names)), 2))
            ],
        }  # fmt: skip


def explain_sequences(
    network: HookedNetwork,
    dictionary: Dictionary,
    codes: np.ndarray,
    means: "Sequence[torch.Tensor]",
    players: Sequence[int],
    output: int,
) -> Explained:
    """Explain an output of (N, n) codes, one sequence after another; see `explain_latents`."""
    fits = [explain_latents(network, dictionary, one, means, players, output) for one in codes]
    return Explained(
        np.array([fit.values for fit in fits]),
        np.array([pairs_of(fit) for fit in fits]),
        np.array([fit.base for fit in fits]),
    )


def pairs_of(fit: MaskFit) -> np.ndarray:
    """Return the (m (m - 1) / 2,) interactions of pairs of m players, in the order of `itertools.combinations`."""
    terms, players = fit.parities.terms, fit.parities.players
    mapping = interaction_map(terms, INDEX, 2)
    present = np.ones((1, players), np.uint8)
    values = mapping.apply(terms.dividends(present))[0]
    by_pair = dict(zip(mapping.supports, values.tolist(), strict=True))
    return np.array([by_pair.get(pair, 0.0) for pair in combinations(range(players), 2)])


def mean_and_error(values: np.ndarray) -> tuple[list[float], list[float] | None]:
    """Return the means over the rows of (N, K) numbers, and their standard errors; None of one row."""
    error = values.std(0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else None
    return values.mean(0).tolist(), None if error is None else error.tolist()
