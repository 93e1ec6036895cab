"""Networks that can be watched and changed while they run, by forward hooks on the names of their modules.

The names are those of `torch.nn.Module.named_modules`, as captum and nnsight use them. A module's input or output is
handled as vectors, (N, positions, width), wherever the network keeps its channels, and without special tokens.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from ..sequences.template import Template
from ..settings.errors import InputError
from ..settings.mechanism import has_modules, passes_of
from .answers import Outputs, differentiable
from .network_input import NetworkInput
from .onehot import onehot_encoder
from .selection import Axes
from .site_search import find_site
from .sites import Site, copied, first_tensor, shape_of
from .torch_model import load_network, plain
from .transforms import transform_of, transformed
from .user_code import within

if TYPE_CHECKING:
    import torch

MAX_NAMED = 8  # modules that a sentence lists


class HookedNetwork:
    """A network of PyTorch whose modules can be watched and changed.

    Args:
        source: the model's `source`, of the kind torch, with a `factory` or an `architecture`.
        template: of its sequences.
        outputs: their names.

    Attributes:
        name: of the model, for sentences.
        module: the network, in evaluation mode.
        outputs: the names of the outputs.
        tokens: what becomes of letters; None of one-hot letters.

    Raises:
        InputError: the model is not such a network, or averages both strands.
    """

    def __init__(self, source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> None:
        import torch

        self.name = source.get("factory") or source.get("architecture") or source.get("path", source["kind"])
        if not has_modules(source):
            raise InputError(
                f"mechanism looks into modules, and the model {self.name} has none to name: give a source of the kind "
                'torch with factory: "file.py:function" (a saved program keeps its operators and not its modules).'
            )
        if passes := passes_of(source):
            raise InputError(
                f"mechanism looks into one pass of one network, and {self.name} has {passes[0]}; leave it out."
            )
        self.source, self.template, self.outputs = dict(source), template, tuple(outputs)
        self.module, self.device = load_network(source)
        given = NetworkInput.read(source, template)
        self.tokens = given.tokens
        self._encode = self.tokens.encode if self.tokens else onehot_encoder(source, template)
        self._choose = Outputs(str(self.name), self.outputs, source.get("select", {}), Axes.read(source.get("axes")))
        attention = {name: torch.from_numpy(values).to(self.device) for name, values in given.constants.items()}
        run: Callable[[Any], Any] = lambda x: self.module(  # noqa: E731
            x, **{name: values.expand(len(x), *values.shape) for name, values in attention.items()}
        )
        self._forward = within(source["factory"], run) if "factory" in source else run
        for parameter in self.module.parameters():
            parameter.requires_grad_(False)

    def onehot(self, codes: np.ndarray) -> "torch.Tensor":
        """Return the network's input for (N, n) uint8 alphabet codes."""
        import torch

        x = torch.from_numpy(self._encode(codes)).to(self.device)
        return x.to(getattr(torch, self.source.get("dtype", "float32"))) if x.is_floating_point() else x

    def run(self, x: "torch.Tensor") -> Any:
        """Run the network and return what it answers, as it does."""
        return self._forward(x)

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        """Run the network; (N, outputs), differentiable, on the scales of the config.

        Args:
            x: its input.

        Raises:
            InputError: an output is made of several numbers by `select` or `reduce`, or is not finite.
        """
        import torch

        answer, select = self.run(x), self.source.get("select", {})
        for name in self.outputs:
            if {"select", "reduce"} & select.get(name, {}).keys():
                raise InputError(
                    f"The output {name} of {self.name} is made by select and reduce; what follows gradients to an "
                    "output needs {of: ..., column: ...}."
                )
        columns = [differentiable(answer, name, k, select.get(name, {})) for k, name in enumerate(self.outputs)]
        values = self._choose(plain(answer), len(columns[0]))
        answers = torch.stack(columns, 1).detach().double().cpu().numpy()
        assert np.array_equal(values, answers), "outputs are read in two ways"
        transforms = [select.get(name, {}).get("transform") for name in self.outputs]
        return torch.stack([transformed(*pair) for pair in zip(columns, transforms, strict=True)], 1)

    def predict(self, codes: np.ndarray, batch: int = 1024) -> np.ndarray:
        """Return the (N, outputs) float64 values of (N, n) alphabet codes, as a model of the config answers.

        Raises:
            InputError: a value is not finite.
        """
        import torch

        parts, select = [np.empty((0, len(self.outputs)))], self.source.get("select", {})
        for start in range(0, len(codes), batch):
            part = codes[start : start + batch]
            with torch.no_grad():
                parts.append(self._choose(plain(self.run(self.onehot(part))), len(part)))
        values = np.concatenate(parts)
        for output, name in enumerate(self.outputs):
            if spec := select.get(name, {}).get("transform"):
                values[:, output] = transform_of(spec)(values[:, output])
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            row, output = bad[0]
            text = self.template.alphabet.decode(codes[row : row + 1])[0]
            raise InputError(
                f"The model {self.name} returned {values[row, output]} in output {self.outputs[output]!r} for {text}."
            )
        return values

    def find(self, name: str) -> "torch.nn.Module":
        """Return a module by its name.

        Raises:
            InputError: there is none.
        """
        modules = dict(self.module.named_modules())
        if name in modules:
            return modules[name]
        known = [other for other in modules if other]
        close = get_close_matches(name, known, 1)
        more = ", ..." if len(known) > MAX_NAMED else ""
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known[:MAX_NAMED])}{more}."
        raise InputError(f"The model {self.name} has no module {name!r}; {hint}")

    def site(self, name: str, end: str = "out", special: Sequence[int] = (0, 0)) -> Site:
        """Return how a module keeps positions and width; see `find_site`."""
        return find_site(self, name, end, (special[0], special[1]))

    def any_sequence(self) -> np.ndarray:
        """Return the first sequence of the template, (1, n) uint8 alphabet codes."""
        return self.template.to_alphabet(np.zeros((1, self.template.n), np.uint8))

    @contextmanager
    def hooked(self, watchers: Mapping[str, Callable[[Any, Any], Any]]) -> Iterator[None]:
        """Call functions while the block runs the network.

        Args:
            watchers: by the name of a module a function of what it takes and gives, whose result, if any, is given in
                its place. What it takes is its first tensor, (N, ...), by place or by name (None where there is none),
                copied before it runs: it may be changed in place.

        Raises:
            InputError: there is no such module.
        """
        handles, taken = [], dict[str, list[Any]]()
        try:
            for name, watch in watchers.items():

                def take(_module: Any, given: Any, named: Any, name: str = name) -> None:
                    tensors = (value for value in (*given, *named.values()) if hasattr(first_tensor(value), "clone"))
                    taken.setdefault(name, []).append(copied(next(tensors, None)))  # a module may call itself

                def tell(_module: Any, _given: Any, made: Any, name: str = name, watch: Any = watch) -> Any:
                    return watch(taken[name].pop(), made)

                handles.append(self.find(name).register_forward_pre_hook(take, with_kwargs=True))
                handles.append(self.find(name).register_forward_hook(tell))
            yield
        finally:
            for handle in handles:
                handle.remove()

    @contextmanager
    def watched(self, sites: Sequence[Site]) -> "Iterator[dict[str, torch.Tensor]]":
        """Keep what modules take and give while the block runs the network.

        Yields:
            By the sites' keys their (N, positions, width) vectors, of the last run; copies, which stay as they are
            where the network goes on in place (`nn.ReLU(inplace=True)`, `y += x`).
        """
        kept: dict[str, torch.Tensor] = {}

        def watch(sites: Sequence[Site]) -> Callable[[Any, Any], None]:
            def keep(given: Any, made: Any) -> None:
                for site in sites:
                    kept[site.key] = site.vectors(given if site.end == "in" else copied(made))

            return keep

        names = dict.fromkeys(site.module for site in sites)
        with self.hooked({name: watch([s for s in sites if s.module == name]) for name in names}):
            yield kept

    @contextmanager
    def replaced(
        self, changes: Mapping[Site, Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]]
    ) -> Iterator[None]:
        """Change what modules give while the block runs the network.

        Args:
            changes: for each site (whose `end` is `out`) a function of what the module took, as it took it, and the
                (N, positions, width) vectors of what it gave, which returns other such vectors.
        """

        def change(site: Site, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
            def put(given: Any, made: Any) -> Any:
                tensor = first_tensor(made)
                other = site.put_back(tensor, function(given, site.vectors(tensor)))
                return other if tensor is made else (other, *made[1:])

            return put

        with self.hooked({site.module: change(site, function) for site, function in changes.items()}):
            yield

    def modules(self) -> list[dict[str, Any]]:
        """Return every module that runs, in the order in which they do.

        Returns:
            For each `module`, `type`, `input` and `output` (shapes of a sequence, as text), `parameters`.
        """
        import torch

        rows = list[dict[str, Any]]()
        names = {name: module for name, module in self.module.named_modules() if name}

        def note(name: str) -> Callable[[Any, Any], None]:
            def keep(given: Any, made: Any) -> None:
                module = names[name]
                rows.append({
                    "module": name, "type": type(module).__name__, "input": _text(given), "output": _text(made),
                    "parameters": sum(p.numel() for p in module.parameters()),
                })  # fmt: skip

            return keep

        with self.hooked({name: note(name) for name in names}), torch.no_grad():
            self.run(self.onehot(self.any_sequence()))
        return rows


def _text(value: Any) -> str:
    return " x ".join(map(str, shape_of(value)[1:])) or "-"
