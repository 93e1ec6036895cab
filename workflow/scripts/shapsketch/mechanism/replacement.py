"""The network with modules replaced by what a dictionary makes of them, and changes of single latents."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..models.dictionary import Dictionary
from ..models.hooked_network import HookedNetwork
from ..models.sites import Site
from ..settings.errors import InputError
from .activations import Pool, pooled

if TYPE_CHECKING:
    import torch

# From a layer's number and its (N, positions, F) latents to others.
Edit = Callable[[int, Any], Any]


def holding(layer: int, latent: int, value: Any, position: int | None = None) -> Edit:
    """Return an edit that gives one latent a value, and leaves all others as they are.

    Args:
        layer, latent: its place in the dictionary.
        value: a number, or a (positions,) tensor.
        position: where alone it is held, 0-based; everywhere by default.
    """

    def edit(number: int, latents: Any) -> Any:
        if number != layer:
            return latents
        other = latents.clone()
        other[:, slice(None) if position is None else position, latent] = value
        return other

    return edit


@contextmanager
def replaced(
    network: HookedNetwork,
    dictionary: Dictionary,
    edit: Edit = lambda layer, latents: latents,
    *,
    layers: Sequence[int] | None = None,
    errors: bool = False,
) -> "Iterator[dict[int, torch.Tensor]]":
    """Replace what modules give by what the dictionary makes of it, while the block runs the network.

    A later layer reads what the earlier replaced ones have made of its input.

    Args:
        network: the network.
        dictionary: of it.
        edit: changes the latents of each layer before they are decoded.
        layers: which are replaced, all by default.
        errors: whether what the dictionary misses, of the very input of each layer, is added again: then nothing
            changes but by the edit.

    Yields:
        By layer its latents after the edit, of the last run.

    Raises:
        InputError: a module runs before one of an earlier layer, of which a cross-layer dictionary needs the latents.
    """
    latents: dict[int, torch.Tensor] = {}
    before: dict[int, torch.Tensor] = {}

    def change(layer: int, read: Site) -> Callable[[Any, Any], Any]:
        def put(given: Any, made: Any) -> Any:
            vectors = made if read.end == "out" else read.vectors(given)
            before[layer] = dictionary.encode(layer, vectors)
            latents[layer] = edit(layer, before[layer])
            if dictionary.kind == "cross_layer" and any(k not in latents for k in range(layer)):
                raise InputError(
                    f"The module {read.module!r} runs before those listed before it; order modules as they run."
                )
            stacked = [latents.get(k) for k in range(layer + 1)]
            other = dictionary.decode(stacked, layer)  # type: ignore[arg-type]
            if errors:
                unchanged = [before.get(k) for k in range(layer + 1)]
                other = other + made - dictionary.decode(unchanged, layer)  # type: ignore[arg-type]
            return other

        return put

    pairs = zip(dictionary.reads, dictionary.writes, strict=True)
    with network.replaced({w: change(k, r) for k, (r, w) in enumerate(pairs) if layers is None or k in layers}):
        yield latents


def predict_replaced(
    network: HookedNetwork,
    dictionary: Dictionary,
    codes: np.ndarray,
    edit: Edit = lambda layer, latents: latents,
    *,
    batch: int = 512,
    layers: Sequence[int] | None = None,
    errors: bool = False,
) -> np.ndarray:
    """Return the (N, outputs) float64 values of the network with modules replaced; see `replaced`."""
    with replaced(network, dictionary, edit, layers=layers, errors=errors):
        return network.predict(codes, batch)


def predict_constant(network: HookedNetwork, means: "dict[Site, torch.Tensor]", codes: np.ndarray) -> np.ndarray:
    """Return the (N, outputs) float64 values of the network where modules give one vector, whatever they take."""
    changes = {site: lambda given, made, mean=mean: mean.expand_as(made) for site, mean in means.items()}
    with network.replaced(changes):
        return network.predict(codes)


def encode_all(
    network: HookedNetwork, dictionary: Dictionary, codes: np.ndarray, batch: int = 512, pool: Pool = "none"
) -> "list[torch.Tensor]":
    """Return by layer the (N, positions, F) latents of sequences, of the network as it is, in main memory.

    Of a dictionary that was trained on vectors pooled over the positions, those of such vectors: (N, 1, F).
    """
    import torch

    parts: list[list[torch.Tensor]] = [[] for _ in range(dictionary.layers)]
    with network.watched(dictionary.reads) as seen, torch.no_grad():
        for start in range(0, len(codes), batch):
            network.run(network.onehot(codes[start : start + batch]))
            for layer, site in enumerate(dictionary.reads):
                parts[layer].append(dictionary.encode(layer, pooled(seen[site.key], pool)).cpu())
    return [torch.cat(part) for part in parts]
