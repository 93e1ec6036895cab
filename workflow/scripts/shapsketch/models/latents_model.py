"""Latents of a dictionary as the outputs of a model: what a feature computes, in the words for what a model computes.

Source keys: those of the network; `dictionary`, a file of `mechanism`; `pool`, what becomes of the positions: `mean`,
`max`, `sum`, or a number, the latent at that position, from 1. The outputs' own names are the latents', such as `17`,
or `1.17` of the second layer.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..sequences.template import Template
from ..settings.errors import InputError
from . import Predictor
from .answers import select_names
from .dictionary import Dictionary
from .hooked_network import HookedNetwork


def load(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Predictor:
    """Return a predictor of latents.

    Raises:
        InputError: the dictionary cannot be read, is of another model, or has no such latent or position.
    """
    import torch

    of_network = {key: value for key, value in source.items() if key not in ("select", "dictionary", "pool", "axes")}
    network = HookedNetwork({**of_network, "kind": "torch"}, template, ["latents"])
    dictionary = Dictionary.of_network(source["dictionary"], network)
    wanted = select_names(outputs, source.get("select", {}))
    places = {name: dictionary.locate(str(name)) for name in wanted}
    pool, positions = source.get("pool", "mean"), min(site.positions for site in dictionary.reads)
    if isinstance(pool, int) and not 1 <= pool <= positions:
        raise InputError(f"The latents of {source['dictionary']} have positions 1 to {positions}; pool is {pool}.")
    sites = [dictionary.reads[layer] for layer in sorted({layer for layer, _ in places.values()})]

    def predict(codes: np.ndarray) -> dict[Any, np.ndarray]:
        with network.watched(sites) as seen, torch.no_grad():
            network.run(network.onehot(codes))
            latents = {
                layer: dictionary.encode(layer, seen[dictionary.reads[layer].key])
                for layer, _ in dict.fromkeys(places.values())
            }
        return {name: _pooled(latents[layer][:, :, latent], pool) for name, (layer, latent) in places.items()}

    return predict


def _pooled(values: Any, pool: str | int) -> np.ndarray:
    """(N, positions) numbers as (N,) float64."""
    if isinstance(pool, int):
        return values[:, pool - 1].double().cpu().numpy()
    pooled = {"mean": values.mean(1), "max": values.amax(1), "sum": values.sum(1)}[pool]
    return pooled.double().cpu().numpy()
