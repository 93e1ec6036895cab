"""Networks that can be watched and changed while they run, by forward hooks on the names of their modules.

The names are those of `torch.nn.Module.named_modules`, as captum and nnsight use them. A module's input or output is
handled as vectors, (N, positions, width), wherever the network keeps its channels, and without special tokens.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from ..sequences.background import Background
from ..sequences.rng import CHECK_STREAM, random_words
from ..sequences.template import Template
from ..settings.errors import InputError
from ..settings.mechanism import has_modules, passes_of
from .answers import Outputs, differentiable
from .network_input import NetworkInput
from .onehot import by_position, onehot_encoder
from .selection import Axes
from .sites import Site, axis_of_positions, is_aligned, with_other_letters
from .torch_model import load_network, plain
from .transforms import transform_of, transformed
from .user_code import within

if TYPE_CHECKING:
    import torch

MAX_NAMED = 8  # modules that a sentence lists
SEEN_SEQUENCES, SEEN_LETTERS = 8, 20_000  # at most, that tell which letters a position sees
CHANNELS_FIRST = ("Conv1d", "BatchNorm1d", "InstanceNorm1d", "MaxPool1d", "AvgPool1d", "AdaptiveAvgPool1d")
CHANNELS_LAST = ("Linear", "LayerNorm", "RMSNorm", "Embedding")


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
        """Find out how a module keeps positions and width, by running a sequence, and some with another letter.

        Args:
            name: of the module.
            end: `in` or `out`.
            special: tokens before and after the letters, which are left out.

        Raises:
            InputError: the module is missing, does not run, runs more than once, or its tensors have no positions, or
                none that can be told from channels.
        """
        import torch

        kind, seen = type(self.find(name)).__name__, list[tuple[int, ...]]()
        with (
            self._hooked({name: lambda given, made: seen.append(_shape(given if end == "in" else made))}),
            torch.no_grad(),
        ):
            self.run(self.onehot(self._any_sequence()))
        if len(seen) != 1:
            often = "does not run" if not seen else f"runs {len(seen)} times"
            raise InputError(f"The module {name!r} of {self.name} {often} when a sequence is asked; it must run once.")
        return self._site(name, end, kind, seen[0][1:], tuple(special))

    def _site(self, name: str, end: str, kind: str, shape: tuple[int, ...], special: tuple[int, ...]) -> Site:
        n, tokens = self.template.n, self.template.n + sum(special)
        what = "takes" if end == "in" else "gives"
        if len(shape) == 1:
            return Site(name, end, 1, shape[0], 0, flat=True)
        if len(shape) != 2:
            raise InputError(
                f"The module {name!r} of {self.name} {what} a tensor of shape {shape} for a sequence; one vector, or "
                "one for each position, is needed."
            )
        turned = kind in CHANNELS_FIRST or (tokens in shape and self._is_turned(name, end, kind, shape, tokens))
        width, places = shape if turned else shape[::-1]
        if places == tokens:
            return Site(name, end, n, width, 1, turned, special[0], special[1])
        if kind not in CHANNELS_FIRST:
            channels = f" (that of {tokens} holds channels)" if tokens in shape else ""
            raise InputError(
                f"The module {name!r} of {self.name} {what} a tensor of shape {shape} for a sequence of {n} letters "
                f"and {sum(special)} special tokens, and no axis of it has {tokens} positions{channels}; set "
                "special_tokens, or name another module."
            )
        stride = n // places if n % places == 0 and not sum(special) else 0
        if stride > 1:
            seen = self._seen(Site(name, end, places, width, stride, turned))
            stride = stride if seen is None or is_aligned(seen, places, stride) else 0
        return Site(name, end, places, width, stride, turned)

    def _is_turned(self, name: str, end: str, kind: str, shape: tuple[int, ...], tokens: int) -> bool:
        """Whether the channels of a module come before the positions, of which an axis has the number.

        Where letters that change do not tell, that axis is taken, and of two the first where the class of the module
        has its channels last.
        """
        axis = axis_of_positions(*self._changes(name, end))
        if axis is not None:
            return axis == 1
        if shape[0] == shape[1] > 1 and kind not in CHANNELS_LAST:
            raise InputError(
                f"The module {name!r} of {self.name} has as many channels as positions, {tokens}, and letters that "
                "change do not tell which are which; name a module before or after it."
            )
        return shape[0] != tokens

    def _changes(self, name: str, end: str) -> tuple[np.ndarray, np.ndarray]:
        """How much what a module takes or gives changes with a letter, (K, A, B), and the (K,) places of letters."""
        import torch

        codes, places = with_other_letters(self._any_sequence()[0], self.template.alphabet.q)
        kept = list[torch.Tensor]()
        with (
            self._hooked({name: lambda given, made: kept.append(given if end == "in" else _copy(made))}),
            torch.no_grad(),
        ):
            self.run(self.onehot(codes))
        if len(kept[0]) != len(codes):
            raise InputError(
                f"The module {name!r} of {self.name} has another axis than that of the sequences first; name another "
                "module."
            )
        values = kept[0].double().cpu().numpy()
        changes = np.abs(values[1:] - values[0])
        return changes.reshape(len(places), -1, *changes.shape[1:]).sum(1), places

    def _seen(self, site: Site) -> np.ndarray | None:
        """(3, n) bool, the letters that move the first vector of a site, one in the middle, and the last.

        By gradients of a random projection of each, on some random sequences; None where letters have none.
        """
        import torch

        n, count = self.template.n, max(1, min(SEEN_SEQUENCES, SEEN_LETTERS // self.template.n))
        local = Background.uniform(self.template).draw(random_words(0, CHECK_STREAM, 0, count, n))
        x = self.onehot(self.template.to_alphabet(local))
        if not x.is_floating_point():
            return None
        x.requires_grad_()
        with self.watched([site]) as kept:
            self.run(x.clone())
        vectors = kept[site.key]
        direction = torch.from_numpy(np.random.default_rng(0).standard_normal(site.width)).to(vectors)
        moved = []
        for place in (0, site.positions // 2, -1):
            (gradient,) = torch.autograd.grad(
                (vectors[:, place] @ direction).sum(), x, retain_graph=True, allow_unused=True
            )
            if gradient is None:
                return None
            sizes = by_position(gradient.abs(), self.source["layout"], n)
            moved.append((sizes > 0).any(0).cpu().numpy())
        return np.stack(moved)

    def _any_sequence(self) -> np.ndarray:
        """The first sequence of the template."""
        return self.template.to_alphabet(np.zeros((1, self.template.n), np.uint8))

    @contextmanager
    def _hooked(self, watchers: Mapping[str, Callable[[Any, Any], Any]]) -> Iterator[None]:
        """Call a function with what each module takes and gives; what it returns, if anything, is what is given.

        What a module takes is its first tensor, by place or by name (None where there is none), copied before it runs:
        it may be changed in place.
        """
        handles, taken = [], dict[str, list[Any]]()
        try:
            for name, watch in watchers.items():

                def take(_module: Any, given: Any, named: Any, name: str = name) -> None:
                    tensors = (value for value in (*given, *named.values()) if hasattr(_tensor(value), "clone"))
                    taken.setdefault(name, []).append(_copy(next(tensors, None)))  # a module may call itself

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
                    kept[site.key] = site.vectors(given if site.end == "in" else _copy(made))

            return keep

        names = dict.fromkeys(site.module for site in sites)
        with self._hooked({name: watch([s for s in sites if s.module == name]) for name in names}):
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
                tensor = _tensor(made)
                other = site.put_back(tensor, function(given, site.vectors(tensor)))
                return other if tensor is made else (other, *made[1:])

            return put

        with self._hooked({site.module: change(site, function) for site, function in changes.items()}):
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

        with self._hooked({name: note(name) for name in names}), torch.no_grad():
            self.run(self.onehot(self._any_sequence()))
        return rows


def _tensor(value: Any) -> Any:
    """The tensor of what a module takes or gives; of several the first, and None of none."""
    if isinstance(value, (tuple, list)):
        return value[0] if value else None
    return value


def _copy(value: Any) -> Any:
    """A copy of `_tensor`, which keeps its gradient."""
    tensor = _tensor(value)
    return tensor.clone() if hasattr(tensor, "clone") else tensor


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(getattr(_tensor(value), "shape", ()))


def _text(value: Any) -> str:
    return " x ".join(map(str, _shape(value)[1:])) or "-"
