"""Circuits: which latents make an output of one sequence, and through which others.

In the network with modules replaced by a dictionary, and with attention patterns and normalisation frozen as they are
at the input, every path that is left is linear (Ameisen et al. 2025). The direct effect of a latent s on a latent t is
z_s f_s . J . e_t: what s writes, times the frozen Jacobian, times what t reads. Error nodes hold what the dictionary
misses of each module at each position, token nodes the letters, and what comes from none of these (biases, the
embedding of positions) is counted as `rest`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..models.dictionary import Dictionary, as_numpy
from ..models.hooked_network import HookedNetwork
from ..models.onehot import by_position
from ..settings.errors import InputError

if TYPE_CHECKING:
    import torch

TARGETS_AT_ONCE = 64  # latents whose inputs are followed in one pass
MIN_INPUT = 1e-30  # sums of effects below which nothing is divided
MAX_STEPS = 1000  # of a path through a graph; layers end it long before


@contextmanager
def frozen() -> Iterator[None]:
    """Let no gradient pass through attention patterns, and normalise by constants, while the block runs.

    Softmax gives its values without a gradient; layer normalisation divides by a standard deviation without one, and
    RMS normalisation by a root mean square.

    Raises:
        InputError: an operation of the network cannot be frozen; the sentence names it.
    """
    import torch
    from torch.nn import functional as F
    from torch.overrides import TorchFunctionMode

    softmaxes = {torch.softmax, F.softmax, torch.Tensor.softmax, torch._softmax}
    statistics = {F.group_norm, torch.group_norm, F.instance_norm, torch.instance_norm}

    class Frozen(TorchFunctionMode):
        def __torch_function__(
            self, function: Any, types: Any, arguments: Any = (), named: dict[str, Any] | None = None
        ) -> Any:
            named = named or {}
            if function in softmaxes:
                return function(*arguments, **named).detach()
            if function in (F.layer_norm, torch.layer_norm):
                return _layer_norm(*arguments, **named)
            if function in (F.rms_norm, torch.rms_norm):
                return _rms_norm(*arguments, **named)
            if function in statistics:
                raise InputError(
                    f"Circuits need normalisation that can be held, and {function.__name__} is not; use LayerNorm, "
                    "RMSNorm or BatchNorm in the factory, or leave out circuit."
                )
            if function in (F.multi_head_attention_forward, F.scaled_dot_product_attention):
                raise InputError(
                    f"Circuits need attention whose pattern can be held, and {function.__name__} hides it; write the "
                    "attention of the factory with softmax."
                )
            return function(*arguments, **named)

    with Frozen():
        yield


def _layer_norm(
    input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5, *_: Any, **__: Any
) -> Any:
    """Layer normalisation whose divisor has no gradient; squares are of single precision at least, as PyTorch's are."""
    import torch

    axes = tuple(range(-len(normalized_shape), 0))
    wide = input.to(torch.promote_types(input.dtype, torch.float32))
    return _scaled(input, wide - wide.mean(axes, keepdim=True), axes, weight, bias, eps)


def _rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """RMS normalisation whose divisor has no gradient."""
    import torch

    axes = tuple(range(-len(normalized_shape), 0))
    wide = input.to(torch.promote_types(input.dtype, torch.float32))
    return _scaled(input, wide, axes, weight, None, torch.finfo(input.dtype).eps if eps is None else eps)


def _scaled(x: Any, wide: Any, axes: tuple[int, ...], weight: Any, bias: Any, eps: float) -> Any:
    """What is normalised, `wide`, over its root mean square, which is held, in the precision of x."""
    made = (wide / (wide.square().mean(axes, keepdim=True) + eps).sqrt().detach()).to(x.dtype)
    made = made * weight if weight is not None else made
    return made + bias if bias is not None else made


@dataclass(frozen=True)
class Graph:
    """The attribution graph of one output of one sequence.

    Attributes:
        sequence: its letters.
        output: its name.
        value: of the output, of the model as it is.
        layer, position, latent: (nodes,) of each node, 0-based; latents come first, then errors (`latent` -1), tokens
            (`layer` -1), and the output (`layer` the number of layers).
        activation: (nodes,) of latents; 0 of others.
        effects: (nodes, nodes) direct effects, of the column's node on the row's.
        rest: (nodes,) what a node gets from no other.
    """

    sequence: str
    output: str
    value: float
    layer: np.ndarray
    position: np.ndarray
    latent: np.ndarray
    activation: np.ndarray
    effects: np.ndarray
    rest: np.ndarray

    @property
    def kinds(self) -> list[str]:
        """Of each node: `latent`, `error`, `token` or `output`."""
        last = len(self.layer) - 1
        words = []
        for k, (layer, latent) in enumerate(zip(self.layer.tolist(), self.latent.tolist(), strict=True)):
            words.append("output" if k == last else "token" if layer < 0 else "error" if latent < 0 else "latent")
        return words

    @cached_property
    def _normalised(self) -> np.ndarray:
        """(nodes, nodes) absolute effects, each row divided by its sum."""
        weights = np.abs(self.effects)
        return weights / np.maximum(weights.sum(1, keepdims=True), MIN_INPUT)

    @cached_property
    def influence(self) -> np.ndarray:
        """(nodes,) the share of all paths to the output that pass each node, by absolute effects.

        Each row of the effects is divided by its sum, and paths of every length are added: B = A + A^2 + ... .
        """
        row = self._normalised[-1]
        total = row.copy()
        for _ in range(MAX_STEPS):
            row = row @ self._normalised
            if not row.any():
                break
            total += row
        return total

    @cached_property
    def edge_influence(self) -> np.ndarray:
        """(nodes, nodes) the share of all paths to the output that pass from the column's node to the row's."""
        influence = self.influence.copy()
        influence[-1] = 1.0
        return influence[:, None] * self._normalised

    def scores(self) -> dict[str, float]:
        """Return how much of the graph the dictionary explains.

        Returns:
            `replacement`, of what flows into the graph at the ends of all paths the share that letters and not errors
            bring; `completeness`, of the inputs of latents and output, weighted by influence, the share that are no
            errors.
        """
        kinds, influence = np.array(self.kinds), self.influence
        tokens, errors = influence[kinds == "token"].sum(), influence[kinds == "error"].sum()
        weights = np.abs(self.effects)
        shares = weights[:, kinds == "error"].sum(1) / np.maximum(weights.sum(1), MIN_INPUT)
        counted = influence.copy()
        counted[-1] = 1.0
        counted[~np.isin(kinds, ["latent", "output"])] = 0
        return {
            "replacement": float(tokens / max(tokens + errors, MIN_INPUT)),
            "completeness": float(1 - (counted * shares).sum() / counted.sum()),
        }

    @property
    def cumulative(self) -> np.ndarray:
        """(nodes,) the share of all influence that a node has together with those of more; 0 of the output."""
        return np.append(cumulative_shares(self.influence[:-1]), 0.0)

    def pruned(self, share: float) -> np.ndarray:
        """Return the (K,) nodes, ascending, that have a share of all influence; letters and the output always stay."""
        kept = (self.cumulative <= share) | np.isin(self.kinds, ["token", "output"])
        kept[np.argmax(self.influence[:-1])] = True  # which may have more than the share by itself
        return np.flatnonzero(kept)


def cumulative_shares(values: np.ndarray) -> np.ndarray:
    """Return for each of (M,) numbers of at least 0 the share of the sum that it has together with all larger ones."""
    order = np.argsort(-values, kind="stable")
    shares = np.empty(len(values))
    shares[order] = np.cumsum(values[order]) / max(values.sum(), MIN_INPUT)
    return shares


def trace(network: HookedNetwork, dictionary: Dictionary, codes: np.ndarray, output: str) -> Graph:
    """Trace the attribution graph of an output of one sequence.

    Args:
        network: the network, of one-hot letters, with attention and normalisation that `frozen` holds.
        dictionary: transcoders of it, within or across layers.
        codes: (n,) uint8 alphabet codes.
        output: its name.

    Raises:
        InputError: the dictionary is a sparse autoencoder, the network reads tokens, or modules differ in positions.
    """
    import torch

    if dictionary.kind == "sae":
        raise InputError(
            "Circuits need dictionary.kind transcoder or cross_layer; sparse autoencoders replace no module."
        )
    onehot = network.onehot(codes[None])
    if not onehot.is_floating_point():
        raise InputError(f"Circuits need one-hot letters, and {network.name} reads tokens.")
    place = network.outputs.index(output)
    with network.watched((*dictionary.reads, *dictionary.writes)) as seen, torch.no_grad():
        value = float(network.forward(onehot)[0, place])
        inputs = [seen[site.key][0] for site in dictionary.reads]
        given = [seen[site.key][0] for site in dictionary.writes]
    if len({len(x) for x in inputs}) > 1:
        raise InputError("Circuits need modules with the same number of positions; trace them in entries of their own.")
    latents = [dictionary.encode(k, x) for k, x in enumerate(inputs)]
    errors = [y - dictionary.decode(latents, k) for k, y in enumerate(given)]
    active = [torch.nonzero(z > 0) for z in latents]
    positions, n = inputs[0].shape[0], len(codes)
    layer, position, latent = _places(active, codes, positions, place)
    total, first = len(layer), np.cumsum([0, *map(len, active)])
    effects, targets = np.zeros((total, total)), np.zeros(total)
    for row, target, flows in _followed(network, dictionary, onehot, given, active, place, first):
        gradient, letters = flows
        targets[row] = target
        for source in range(dictionary.layers):
            z, writes = latents[source], dictionary.w_dec[source]
            written = sum(
                (gradient[source + j][active[source][:, 0]] * writes[j][active[source][:, 1]]).sum(1)
                for j in range(len(writes))
            )
            direct = z[active[source][:, 0], active[source][:, 1]] * written
            effects[row, first[source] : first[source + 1]] = as_numpy(direct)
            start = first[-1] + source * positions
            effects[row, start : start + positions] = as_numpy((gradient[source] * errors[source]).sum(1))
        start = first[-1] + dictionary.layers * positions
        effects[row, start : start + n] = as_numpy(letters)
    activations = np.zeros(total)
    for k, z in enumerate(latents):
        activations[first[k] : first[k + 1]] = as_numpy(z[active[k][:, 0], active[k][:, 1]])
    text = network.template.alphabet.decode(codes[None])[0]
    return Graph(
        text, output, value, layer, position, latent, activations, effects,
        np.where(targets != 0, targets - effects.sum(1), 0.0),
    )  # fmt: skip


def _places(
    active: "Sequence[torch.Tensor]", codes: np.ndarray, positions: int, output: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Layer, position and latent of each node: active latents, errors, letters, the output; see `Graph`."""
    layers, n = len(active), len(codes)
    layer = [np.full(len(nodes), k) for k, nodes in enumerate(active)]
    layer += [np.repeat(np.arange(layers), positions), np.full(n, -1), np.array([layers])]
    position = [nodes[:, 0].cpu().numpy() for nodes in active]
    position += [np.tile(np.arange(positions), layers), np.arange(n), np.array([positions - 1])]
    latent = [nodes[:, 1].cpu().numpy() for nodes in active]
    latent += [np.full(layers * positions, -1), codes.astype(int), np.array([output])]
    return np.concatenate(layer), np.concatenate(position), np.concatenate(latent)


def _followed(
    network: HookedNetwork,
    dictionary: Dictionary,
    onehot: Any,
    given: "Sequence[torch.Tensor]",
    active: "Sequence[torch.Tensor]",
    place: int,
    first: np.ndarray,
) -> Iterator[tuple[int, float, Any]]:
    """For each latent and the output: its row, its value, and its gradients by module and by letter.

    Copies of the sequence run side by side, one for each latent, with modules that give constants.
    """
    import torch

    def run(count: int, read: Callable[[Any, Any], Any]) -> Any:
        x = onehot.expand(count, *onehot.shape[1:]).clone().requires_grad_(True)
        leaves = [y.expand(count, *y.shape).clone().requires_grad_(True) for y in given]
        changes = {site: lambda _x, _y, leaf=leaf: leaf for site, leaf in zip(dictionary.writes, leaves, strict=True)}
        with frozen(), network.replaced(changes), network.watched(dictionary.reads) as seen:
            values = read(network.forward(x), seen)
            derivatives = torch.autograd.grad(values.sum(), [*leaves, x], allow_unused=True)
        parts = [torch.zeros_like(leaf) if g is None else g for g, leaf in zip(derivatives, [*leaves, x], strict=True)]
        letters = (parts[-1] * x.detach()) if derivatives[-1] is not None else torch.zeros_like(x)
        return values.detach(), parts[:-1], by_position(letters.float(), network.source["layout"], network.template.n)

    for layer, nodes in enumerate(active):
        for start in range(0, len(nodes), TARGETS_AT_ONCE):
            part = nodes[start : start + TARGETS_AT_ONCE]
            key, rows = dictionary.reads[layer].key, torch.arange(len(part), device=part.device)

            def read(
                _answer: Any, seen: Any, key: str = key, rows: Any = rows, part: Any = part, of_layer: int = layer
            ) -> Any:
                return dictionary.pre(of_layer, seen[key][rows, part[:, 0]])[rows, part[:, 1]]

            values, gradients, letters = run(len(part), read)
            for k in range(len(part)):
                flows = ([g[k] for g in gradients], letters[k])
                yield int(first[layer]) + start + k, float(values[k]), flows
    values, gradients, letters = run(1, lambda answer, seen: answer[:, place])
    total = int(first[-1]) + sum(y.shape[0] for y in given) + network.template.n
    yield total, float(values[0]), ([g[0] for g in gradients], letters[0])


def find_output(network: HookedNetwork, output: str) -> int:
    """Return the number of an output.

    Raises:
        InputError: the model has none of that name.
    """
    if output not in network.outputs:
        raise InputError(
            f"circuit.outputs names {output!r}, and the outputs of {network.name} are {', '.join(network.outputs)}."
        )
    return network.outputs.index(output)
