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
from ..models.onehot import arranged, letters_first, onehot_encoder
from . import Task, UnsuitedError
from .registry import METHODS

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


@dataclass(frozen=True)
class Network:
    """One output of a task's network.

    Attributes:
        module: (B, ...) one-hot inputs to (B,) values.
        device: where it is.
        task: what is asked.
    """

    module: nn.Module
    device: torch.device
    task: Task

    @property
    def source(self) -> Mapping[str, Any]:
        """The model's source in the config."""
        return self.task.model.source

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
        n = self.task.background.template.n
        if letters_first(self.source["layout"]):
            return plain.reshape(len(plain), -1, n).sum(1)
        return plain.reshape(len(plain), n, -1).sum(2)


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
    return Network(OneOutput(module, spec.get("column", 0)), device, task)


def _with_modules(module: nn.Module) -> nn.Module:
    try:
        graph = module if isinstance(module, fx.GraphModule) else fx.symbolic_trace(module)
    except Exception as error:  # whatever the network's own code raises
        raise UnsuitedError(f"DeepSHAP cannot read the network's graph ({type(error).__name__}).") from error
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
