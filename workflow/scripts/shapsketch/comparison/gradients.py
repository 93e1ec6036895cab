"""Networks of PyTorch as functions of their one-hot input, for the methods that follow gradients (captum).

Imports PyTorch: only those methods import it, when they are asked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from ..models import torch_model
from ..models.onehot import Layout, arranged, by_position, input_shape, letters_first, onehot_encoder
from ..sequences.rng import COALITION_STREAM, content_keys
from ..settings.methods import METHODS
from . import Answer, Task, UnsuitedError
from .game import draw_background

BATCH = 256  # inputs that a gradient is taken of at once
ELEMENTWISE = {
    "elu",
    "gelu",
    "leaky_relu",
    "relu",
    "sigmoid",
    "silu",
    "softplus",
    "tanh",
}  # functions of single numbers
TOLERANCE = 1e-3  # of f(x) - f(z)


@dataclass(frozen=True)
class Network:
    """One output of a task's network.

    Attributes:
        module: (B, ...) one-hot inputs to (B,) values.
        device: where it is.
        task: what is asked.
        source: of the model in the config; `layout` is that of the inputs.
    """

    module: nn.Module
    device: torch.device
    task: Task
    source: Mapping[str, Any]

    def channels_first(self) -> "Network":
        """The same network with inputs of (B, letters, positions), and (B, 1) values."""
        template = self.task.background.template
        module = ChannelsFirst(self.module, self.source["layout"], template.alphabet.q, template.n)
        return Network(module, self.device, self.task, {**self.source, "layout": "channels_first"})

    def encode(self, codes: np.ndarray) -> torch.Tensor:
        """Return the one-hot inputs of (B, n) local codes."""
        template = self.task.background.template
        return torch.from_numpy(onehot_encoder(self.source, template)(template.to_alphabet(codes))).to(self.device)

    def mean_input(self) -> torch.Tensor:
        """Return the mean of the background's inputs, (1, ...)."""
        p = self.task.background.probabilities.astype(self.source.get("dtype", "float32"))
        return torch.from_numpy(arranged(p[None], self.source["layout"])).to(self.device)

    def by_position(self, attributions: torch.Tensor) -> np.ndarray:
        """Sum (B, ...) attributions of inputs over the letters: (B, n) float64."""
        plain = attributions.detach().double().cpu().numpy()
        return np.asarray(by_position(plain, self.source["layout"], self.task.background.template.n))


class OneOutput(nn.Module):
    """One output of a network: (B, ...) inputs to (B,) values."""

    def __init__(self, network: nn.Module, output: int) -> None:
        super().__init__()
        self.network, self.output = network, output

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Predict one output, (N,), of (N, ...) inputs."""
        answer = self.network(x)
        if isinstance(answer, (tuple, list)) and len(answer) == 1:
            answer = answer[0]
        if not isinstance(answer, torch.Tensor):
            raise UnsuitedError("Gradients are followed only of networks that return one tensor.")
        return answer.reshape(len(x), -1)[:, self.output]


class ChannelsFirst(nn.Module):
    """A network of one output in any layout as one of (B, letters, positions) inputs and (B, 1) values."""

    def __init__(self, network: nn.Module, layout: Layout, q: int, n: int) -> None:
        super().__init__()
        self.network, self.turned, self.shape = network, not letters_first(layout), input_shape(layout, q, n)

    def train(self, mode: bool = True) -> "ChannelsFirst":
        """Leave the network in the mode it is in: exported programs refuse to change theirs."""
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Predict (N, 1) of (N, letters, positions) inputs."""
        arranged = x.transpose(1, 2) if self.turned else x
        return self.network(arranged.reshape(len(x), *self.shape))[:, None]


class Elementwise(nn.Module):
    """A function of single numbers as a module, whose gradient DeepLIFT can replace."""

    def __init__(
        self, function: Callable[..., torch.Tensor], rest: tuple[Any, ...], options: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.function, self.rest, self.options = function, rest, options

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply it: (N, ...) in and out."""
        return self.function(x, *self.rest, **self.options)


def load_network(task: Task, name: str, *, modules: bool = False) -> Network:
    """Load a task's model again, as a network whose gradients can be followed.

    Args:
        task: what is asked.
        name: of the method.
        modules: whether functions of single numbers become modules of their own.

    Raises:
        UnsuitedError: the model is no network of PyTorch that can be looked into.
    """
    source: Mapping[str, Any] = getattr(task.model, "source", {"kind": "function"})
    if source["kind"] != "torch":
        raise UnsuitedError(f"A model of kind {source['kind']} has no gradients that {METHODS[name]} could follow.")
    if source.get("reverse_complement"):
        raise UnsuitedError(f"A model that averages both strands has no one input that {METHODS[name]} could follow.")
    if "folds" in source:
        raise UnsuitedError(f"The mean of several folds has no one network that {METHODS[name]} could follow.")
    if source.get("input") == "tokens" or "constants" in source or "16" in source.get("dtype", ""):
        raise UnsuitedError(
            f"{METHODS[name]} follows networks whose one input is of one-hot letters in full precision."
        )
    module, device = torch_model.load_network(source)
    if isinstance(module, torch.jit.ScriptModule):
        raise UnsuitedError(
            f"TorchScript cannot be looked into by {METHODS[name]}; export the network with torch.export.save."
        )
    chosen = source.get("select")
    spec = chosen[task.model.outputs[task.output]] if chosen else {"column": task.output}
    if "of" in spec:
        raise UnsuitedError(f"{METHODS[name]} follows networks that return one tensor; this one names its outputs.")
    if made := [key for key in ("select", "reduce", "transform") if key in spec]:
        raise UnsuitedError(f"{METHODS[name]} follows a network's own output; this one is made of it ({made[0]}).")
    module = _with_modules(module) if modules else module
    return Network(OneOutput(module, spec.get("column", 0)), device, task, source)


def explain_by_differences(
    task: Task, name: str, network: Network, attribute: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
) -> Answer:
    """Explain by the mean of DeepLIFT's attributions from as many background draws as half the evaluations.

    Args:
        task: what is asked.
        name: of the method.
        network: in the layout that `attribute` takes.
        attribute: from inputs and references, (B, ...) each, to attributions of that shape, whose sums over a sequence
            are f(x) - f(z) if every layer was followed.

    Raises:
        UnsuitedError: `attribute` fails, its sums are not right, or there are too few evaluations.
    """
    draws = task.evaluations // 2
    if draws < 1:
        raise UnsuitedError(f"{METHODS[name]} needs at least 2 evaluations of a sequence.")
    keys = content_keys(task.seed, COALITION_STREAM, task.codes)
    values = np.zeros(task.codes.shape)
    for row, key in enumerate(keys):
        for start in range(0, draws, BATCH):
            z = draw_background(task.background, key, start, min(start + BATCH, draws))
            inputs, references = (network.encode(c) for c in (np.repeat(task.codes[row : row + 1], len(z), 0), z))
            try:
                contributions = network.by_position(attribute(inputs, references))
                with torch.no_grad():
                    wholes = [network.module(x).reshape(-1).double().cpu().numpy() for x in (inputs[:1], references)]
            except (RuntimeError, AssertionError, TypeError, ValueError) as error:
                reason = " ".join(str(error).split())[:200].rstrip(".")
                raise UnsuitedError(f"{METHODS[name]} fails on this network: {reason}.") from error
            _check_sums(name, contributions.sum(1), wholes[0] - wholes[1])
            values[row] += contributions.sum(0) / draws
    values[:, task.background.template.sizes == 1] = 0.0
    note = "its own definition: differences layer by layer; two evaluations include a gradient"
    return Answer(values, None, None, 0, np.full(len(values), 2 * draws), note)


def _check_sums(name: str, sums: np.ndarray, wholes: np.ndarray) -> None:
    """Refuse attributions whose (B,) sums are not f(x) - f(z): some layers were passed over."""
    most, whole = float(np.abs(sums - wholes).max()), float(np.abs(wholes).max())
    if not most <= TOLERANCE * whole + 1e-5:
        raise UnsuitedError(
            f"{METHODS[name]} does not add up on this network (it misses {most:.3g} of {whole:.3g}): it has layers "
            "that it does not follow."
        )


def _with_modules(module: nn.Module) -> nn.Module:
    try:
        graph = module if isinstance(module, fx.GraphModule) else fx.symbolic_trace(module)
    except Exception as error:  # whatever the network's own code raises
        raise UnsuitedError(f"DeepLIFT cannot read the network's graph ({type(error).__name__}).") from error
    for number, node in enumerate(list(graph.graph.nodes)):
        if node.op == "call_method" and node.target.rstrip("_") in ELEMENTWISE:
            function = getattr(torch, node.target.rstrip("_"))
        elif node.op == "call_function" and _name(node.target) in ELEMENTWISE:
            function = node.target
        else:
            continue
        options = {key: value for key, value in node.kwargs.items() if key != "inplace"}
        graph.add_submodule(f"elementwise_{number}", Elementwise(function, node.args[1:], options))
        axis, tensor = _batch_axis(node), node.args[0]
        with graph.graph.inserting_before(node):  # captum looks for the sequences of a batch along the first axis
            tensor = graph.graph.call_function(torch.movedim, (tensor, axis, 0)) if axis else tensor
            tensor = graph.graph.call_module(f"elementwise_{number}", (tensor,))
            tensor = graph.graph.call_function(torch.movedim, (tensor, 0, axis)) if axis else tensor
        node.replace_all_uses_with(tensor)
        graph.graph.erase_node(node)
    graph.recompile()
    return graph


def _batch_axis(node: fx.Node) -> int:
    """The axis along which a value of an exported program holds the sequences of a batch, whose number is free."""
    shape = getattr(node.meta.get("val"), "shape", ())
    return next((axis for axis, size in enumerate(shape) if not isinstance(size, int)), 0)


def _name(function: Any) -> str:
    """The plain name of a function of torch, or of one of its operators as exported programs hold them."""
    schema = getattr(function, "_schema", None)
    name = schema.name.split("::")[-1] if schema is not None else getattr(function, "__name__", "")
    return name.rstrip("_")
