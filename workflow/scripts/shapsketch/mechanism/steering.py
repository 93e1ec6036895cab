"""Steering: latents are held while the model runs, and the outputs are watched, beside other pushes of equal length.

h <- h + (c - z_i) f_i holds latent i at c. For each output the latent that moves it most is chosen on some sequences,
and on others it is compared with pushes along a random latent and along the difference of the mean vectors of sequences
with high and low outputs, each of the same length in the same layer's output, at all positions.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..models.dictionary import Dictionary
from ..models.hooked_network import HookedNetwork
from ..sequences.rng import STEERING_STREAM, generator
from .measures import interval, named_interval
from .replacement import encode_all, holding, predict_replaced

if TYPE_CHECKING:
    import torch

CANDIDATES = 8  # latents that are tried for each output
EXTREME_SHARE = 0.25  # of the sequences, that count as high and as low


def clamped(network: HookedNetwork, dictionary: Dictionary, codes: np.ndarray, name: str, value: float) -> np.ndarray:
    """Return the (N, outputs) values of the model with one latent held at a value, at all positions.

    What the dictionary misses stays as it is.
    """
    return predict_replaced(network, dictionary, codes, holding(*dictionary.locate(name), value), errors=True)


def dose_response(
    network: HookedNetwork, dictionary: Dictionary, codes: np.ndarray, names: Sequence[str], doses: Sequence[float]
) -> list[dict[str, Any]]:
    """Hold each latent at multiples of its largest activation, on (N, n) uint8 codes.

    Returns:
        For each latent, dose and output `latent`, `dose`, `value`, `output`, `change` (mean over the sequences of the
        output less that of the model as it is), `change_low`, `change_high` (95 %).
    """
    clean, rows = network.predict(codes), []
    latents = encode_all(network, dictionary, codes)
    for name in names:
        layer, latent = dictionary.locate(name)
        largest = float(latents[layer][:, :, latent].max())
        for dose in doses:
            change = clamped(network, dictionary, codes, name, dose * largest) - clean
            for k, output in enumerate(network.outputs):
                rows.append({
                    "latent": name, "dose": dose, "value": dose * largest, "output": output,
                    **named_interval("change", interval(change[:, k])),
                })  # fmt: skip
    return rows


def pushed(network: HookedNetwork, dictionary: Dictionary, codes: np.ndarray, layer: int, push: Any) -> np.ndarray:
    """Return the (N, outputs) values with a vector added to what a layer gives, at all positions."""
    import torch

    vector = torch.as_tensor(push, dtype=torch.float32)
    with network.replaced({dictionary.writes[layer]: lambda given, made: made + vector.to(made)}):
        return network.predict(codes)


def compare(
    network: HookedNetwork,
    dictionary: Dictionary,
    chosen: np.ndarray,
    tested: np.ndarray,
    effects: np.ndarray,
    seed: int,
) -> list[dict[str, Any]]:
    """Compare pushes of equal length that should raise each output.

    Args:
        network: the network.
        dictionary: of it.
        chosen, tested: (A, n) and (B, n) uint8 codes: on the first latents and their signs are chosen, on the others
            they are measured.
        effects: (layers F, outputs) what each latent adds, of `latents.effects`; NaN where unknown.
        seed: of the random latents.

    Returns:
        For each output `output`, `latent`, `length` of the push (as that of the latent's mean activation), and the mean
        change of the output on what is tested: `change`, `random_change` (of `CANDIDATES` other latents at random, each
        its better sign chosen as for the latent), `means_change`, each with its 95 % interval over the sequences
        (`_low`, `_high`); `gain`, what the latent's change is above the larger of the controls', sequence by sequence,
        with `gain_low` and `gain_high`; and `wins`, whether `gain` is above 0.
    """
    import torch

    before, clean = network.predict(chosen), network.predict(tested)
    latents = encode_all(network, dictionary, chosen)
    with network.watched(dictionary.writes) as seen, torch.no_grad():
        network.run(network.onehot(chosen))
        vectors = {layer: seen[site.key].mean(1).cpu() for layer, site in enumerate(dictionary.writes)}
    rows, random = [], generator(seed, STEERING_STREAM)
    for k, output in enumerate(network.outputs):
        order = np.argsort(-np.abs(np.nan_to_num(effects[:, k])), kind="stable")[:CANDIDATES]
        options = [_push(dictionary, int(number), latents) for number in order]
        layer, push, name = _best(network, dictionary, chosen, before[:, k], k, options)
        length = float(push.norm())
        means = _means_push(vectors[layer], before[:, k], length)
        rest = np.delete(np.arange(dictionary.latents), dictionary.locate(name.lstrip("-"))[1])
        others = []
        for latent in random.choice(rest, min(CANDIDATES, len(rest)), replace=False).tolist():
            one = _of_length(dictionary.w_dec[layer][0][latent], length)
            signed = _best(network, dictionary, chosen, before[:, k], k, [(layer, one, ""), (layer, -one, "")])
            others.append(signed[1])
        change, means_change, *chance = [
            pushed(network, dictionary, tested, layer, vector)[:, k] - clean[:, k] for vector in (push, means, *others)
        ]
        random_change = np.mean(chance, 0)
        gain = change - max(random_change, means_change, key=np.mean)
        measured = {
            "change": change, "random_change": random_change, "means_change": means_change, "gain": gain,
        }  # fmt: skip
        row: dict[str, Any] = {"output": output, "latent": name, "length": length}
        for column, values in measured.items():
            row |= named_interval(column, interval(values))
        rows.append({**row, "wins": int(row["gain"] > 0)})
    return rows


def _of_length(direction: "torch.Tensor", length: float) -> "torch.Tensor":
    """A vector of a length, along another."""
    return direction / direction.norm().clamp(min=1e-12) * length


def _means_push(vectors: "torch.Tensor", values: np.ndarray, length: float) -> "torch.Tensor":
    """What (N, width) vectors of sequences with high (N,) values have more than those with low ones, of a length."""
    low, high = np.quantile(values, (EXTREME_SHARE, 1 - EXTREME_SHARE))
    return _of_length(vectors[values >= high].mean(0) - vectors[values <= low].mean(0), length)


def _push(dictionary: Dictionary, number: int, latents: "list[torch.Tensor]") -> tuple[int, Any, str]:
    """The layer, the vector that a latent writes there at its mean activation, and its name."""
    layer, latent = divmod(number, dictionary.latents)
    z = latents[layer][:, :, latent]
    mean = float(z[z > 0].mean()) if (z > 0).any() else 1.0
    return layer, mean * dictionary.w_dec[layer][0][latent], dictionary.names()[number]


def _best(
    network: HookedNetwork,
    dictionary: Dictionary,
    codes: np.ndarray,
    clean: np.ndarray,
    output: int,
    options: list[tuple[int, Any, str]],
) -> tuple[int, Any, str]:
    """The option (layer, push, name) that raises an output most; one with a name may have either sign."""
    tried = []
    for layer, push, name in options:
        for sign in (1, -1) if name else (1,):
            raised = float((pushed(network, dictionary, codes, layer, sign * push)[:, output] - clean).mean())
            tried.append((raised, (layer, sign * push, name if sign > 0 else f"-{name}")))
    return max(tried, key=lambda pair: pair[0])[1]
