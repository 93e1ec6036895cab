"""Runs of one input again and again, of which nothing is computed anew that comes before the first change.

A push in the fifth of eight layers leaves four as they were: their modules are remembered, and give what they gave.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from .hooked_network import HookedNetwork
from .sites import Site

if TYPE_CHECKING:
    import torch

Memory = Mapping[str, Any]  # by the names of modules what they gave


def remember(network: HookedNetwork, x: "torch.Tensor", sites: Sequence[Site]) -> Memory:
    """Run a network on an input and keep what it need not compute again until the first of some sites.

    Args:
        network: which gives the same for the same input, in evaluation mode.
        x: its input.
        sites: where alone later runs of this input change anything.

    Returns:
        What the outermost modules gave that end before the module of the first site, and that module; those that run
        more than once, or give something else than tensors, are left out, and computed again.
    """
    import torch

    ended, plain, kept = list[str](), set[str](), dict[str, Any]()

    def note(name: str, made: Any) -> None:
        ended.append(name)
        if _copied(made) is not None:
            plain.add(name)

    def keep(name: str, made: Any) -> None:
        kept[name] = _copied(made)

    with _ending(network, [name for name, _ in network.module.named_modules() if name], note), torch.no_grad():
        network.run(x[:1])
    first = min(ended.index(site.module) for site in sites)
    before = {name for name in ended[: first + 1] if name in plain and ended.count(name) == 1}
    outermost = [name for name in before if not any(name.startswith(f"{other}.") for other in before)]
    with _ending(network, outermost, keep), torch.no_grad():
        network.run(x)
    return kept


@contextmanager
def replayed(network: HookedNetwork, memory: Memory) -> Iterator[None]:
    """Let modules give what `remember` has kept, without computing it, while the block runs that very input."""
    modules = {name: network.find(name) for name in memory}
    forwards = {name: vars(module).get("forward") for name, module in modules.items()}
    try:
        for name, module in modules.items():
            # copies, since networks may add to what a module gave in its place
            vars(module)["forward"] = lambda *_given, _made=memory[name], **_named: _copied(_made)
        yield
    finally:
        for name, module in modules.items():
            vars(module).pop("forward")
            if forwards[name] is not None:
                vars(module)["forward"] = forwards[name]


@contextmanager
def _ending(network: HookedNetwork, names: Sequence[str], told: Callable[[str, Any], None]) -> Iterator[None]:
    """Tell of every module that ends in the block its name, and what it gave."""
    with ExitStack() as handles:
        for name in names:
            hook = lambda _module, _given, made, name=name: told(name, made)  # noqa: E731
            handles.enter_context(network.find(name).register_forward_hook(hook))
        yield


def _copied(made: Any) -> Any:
    """A copy of what a module gave: a tensor, or a tuple of such; None of anything else."""
    if hasattr(made, "clone"):
        return made.clone()
    if type(made) is tuple and all(hasattr(part, "clone") for part in made):
        return tuple(part.clone() for part in made)
    return None
