"""How a module of a network keeps positions and width, found by running sequences and changing their letters."""

from typing import TYPE_CHECKING

import numpy as np

from ..sequences.background import Background
from ..sequences.rng import CHECK_STREAM, random_words
from ..settings.errors import InputError
from .onehot import by_position
from .sites import Site, axis_of_positions, copied, is_aligned, shape_of, with_other_letters

if TYPE_CHECKING:
    from .hooked_network import HookedNetwork

CHANNELS_FIRST = ("Conv1d", "BatchNorm1d", "InstanceNorm1d", "MaxPool1d", "AvgPool1d", "AdaptiveAvgPool1d")
CHANNELS_LAST = ("Linear", "LayerNorm", "RMSNorm", "Embedding")
SEEN_SEQUENCES, SEEN_LETTERS = 8, 20_000  # at most, that tell which letters a position sees


def find_site(network: "HookedNetwork", name: str, end: str, special: tuple[int, int]) -> Site:
    """Find out how a module keeps positions and width, by running a sequence, and some with another letter.

    Args:
        network: the network.
        name: of the module.
        end: `in` or `out`.
        special: tokens before and after the letters, which are left out.

    Raises:
        InputError: the module is missing, does not run, runs more than once, or its tensors have no positions, or
            none that can be told from channels.
    """
    import torch

    kind, seen = type(network.find(name)).__name__, list[tuple[int, ...]]()
    with (
        network.hooked({name: lambda given, made: seen.append(shape_of(given if end == "in" else made))}),
        torch.no_grad(),
    ):
        network.run(network.onehot(network.any_sequence()))
    if len(seen) != 1:
        often = "does not run" if not seen else f"runs {len(seen)} times"
        raise InputError(f"The module {name!r} of {network.name} {often} when a sequence is asked; it must run once.")
    shape, n = seen[0][1:], network.template.n
    tokens, what = n + sum(special), "takes" if end == "in" else "gives"
    if len(shape) == 1:
        return Site(name, end, 1, shape[0], 0, flat=True)
    if len(shape) != 2:
        raise InputError(
            f"The module {name!r} of {network.name} {what} a tensor of shape {shape} for a sequence; one vector, or "
            "one for each position, is needed."
        )
    turned = kind in CHANNELS_FIRST or (tokens in shape and _is_turned(network, name, end, kind, shape, tokens))
    width, places = shape if turned else shape[::-1]
    if places == tokens:
        return Site(name, end, n, width, 1, turned, special[0], special[1])
    if kind not in CHANNELS_FIRST:
        channels = f" (that of {tokens} holds channels)" if tokens in shape else ""
        raise InputError(
            f"The module {name!r} of {network.name} {what} a tensor of shape {shape} for a sequence of {n} letters "
            f"and {sum(special)} special tokens, and no axis of it has {tokens} positions{channels}; set "
            "special_tokens, or name another module."
        )
    stride = n // places if n % places == 0 and not sum(special) else 0
    if stride > 1:
        letters = _seen(network, Site(name, end, places, width, stride, turned))
        stride = stride if letters is None or is_aligned(letters, places, stride) else 0
    return Site(name, end, places, width, stride, turned)


def _is_turned(network: "HookedNetwork", name: str, end: str, kind: str, shape: tuple[int, ...], tokens: int) -> bool:
    """Whether the channels of a module come before the positions, of which an axis has the number.

    Where letters that change do not tell, that axis is taken, and of two the first where the class of the module has
    its channels last.
    """
    axis = axis_of_positions(*_changes(network, name, end))
    if axis is not None:
        return axis == 1
    if shape[0] == shape[1] > 1 and kind not in CHANNELS_LAST:
        raise InputError(
            f"The module {name!r} of {network.name} has as many channels as positions, {tokens}, and letters that "
            "change do not tell which are which; name a module before or after it."
        )
    return shape[0] != tokens


def _changes(network: "HookedNetwork", name: str, end: str) -> tuple[np.ndarray, np.ndarray]:
    """How much what a module takes or gives changes with a letter, (K, A, B), and the (K,) places of letters."""
    import torch

    codes, places = with_other_letters(network.any_sequence()[0], network.template.alphabet.q)
    kept = list[torch.Tensor]()
    with (
        network.hooked({name: lambda given, made: kept.append(given if end == "in" else copied(made))}),
        torch.no_grad(),
    ):
        network.run(network.onehot(codes))
    if len(kept[0]) != len(codes):
        raise InputError(
            f"The module {name!r} of {network.name} has another axis than that of the sequences first; name another "
            "module."
        )
    values = kept[0].double().cpu().numpy()
    changes = np.abs(values[1:] - values[0])
    return changes.reshape(len(places), -1, *changes.shape[1:]).sum(1), places


def _seen(network: "HookedNetwork", site: Site) -> np.ndarray | None:
    """(3, n) bool, the letters that move the first vector of a site, one in the middle, and the last.

    By gradients of a random projection of each, on some random sequences; None where letters have none.
    """
    import torch

    template = network.template
    count = max(1, min(SEEN_SEQUENCES, SEEN_LETTERS // template.n))
    local = Background.uniform(template).draw(random_words(0, CHECK_STREAM, 0, count, template.n))
    x = network.onehot(template.to_alphabet(local))
    if not x.is_floating_point():
        return None
    x.requires_grad_()
    with network.watched([site]) as kept:
        network.run(x.clone())
    vectors = kept[site.key]
    if not vectors.requires_grad:  # of a network that keeps none
        return None
    direction = torch.from_numpy(np.random.default_rng(0).standard_normal(site.width)).to(vectors)
    moved = []
    for place in (0, site.positions // 2, -1):
        (gradient,) = torch.autograd.grad(
            (vectors[:, place] @ direction).sum(), x, retain_graph=True, allow_unused=True
        )
        if gradient is None:
            return None
        sizes = by_position(gradient.abs(), network.source["layout"], template.n)
        moved.append((sizes > 0).any(0).cpu().numpy())
    return np.stack(moved)
