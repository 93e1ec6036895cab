"""Design by steering: a masked language model proposes mutations while it is pushed towards higher labels.

A few labelled variants say where to push: along the latents of a probe, along the probe of the layer itself, along the
difference of means of high and low labels, along random latents, or not at all. All pushes of a layer have equal
length, a multiple of that of its vectors which the same labels choose. The model hides one position of the wild type at
a time; what it then says of each letter, less what it says of the wild type's, is a mutation's score ("masked
marginal", Meier et al. 2021, section 3). Designs are drawn by these scores (Gumbel, so without replacement: Kool et al.
2019), and scored by another model, which has seen no label that chose the push.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import log_softmax

from ..models.dictionary import Dictionary, as_numpy
from ..models.hooked_network import HookedNetwork
from ..models.language import letter_logits
from ..models.replay import Memory, remember, replayed
from ..models.sites import Site
from ..models.torch_model import plain
from ..sequences.rng import DESIGN_LABEL_STREAM, DESIGN_NOISE_STREAM, DESIGN_STREAM, generator
from ..sequences.template import Template
from ..settings.errors import InputError
from .activations import collect
from .latents import Coded
from .measures import interval, named_interval
from .probes import fit_ridge, score

if TYPE_CHECKING:
    import torch

Push = dict[Site, np.ndarray]  # what is added to what modules give, at all positions
ARMS = ("latents", "layer", "logits", "random", "means")
TOP_SHARE = 0.1  # of the designs, whose mean is told


@dataclass(frozen=True)
class Plan:
    """What a design may do.

    Attributes:
        mutations: at most, of a design.
        designs: that are drawn for each arm.
        latents: that the probe's arm pushes along.
        strengths: of pushes, in lengths of the layer's vectors; the labels choose one.
    """

    mutations: int
    designs: int
    latents: int
    strengths: Sequence[float]


def read_wild_type(text: str, template: Template) -> np.ndarray:
    """Return the (n,) codes of a wild type.

    Raises:
        InputError: it is of another length, has other letters, or does not fit the template.
    """
    alphabet = template.alphabet
    sequence = alphabet.normalise([text])[0]
    odd = next((k for k, letter in enumerate(sequence) if letter not in alphabet.letters), None)
    if len(sequence) != template.n or odd is not None:
        what = f"has {len(sequence)} letters" if odd is None else f"has {sequence[odd]!r} at position {odd + 1}"
        raise InputError(f"design.wild_type {what}; give {template.n} letters of {alphabet.letters}.")
    codes = alphabet.encode([sequence])[0]
    odd = next((k for k, code in enumerate(codes) if not template.allowed[k][code]), None)
    if odd is not None:
        raise InputError(
            f"design.wild_type has {sequence[odd]!r} at position {odd + 1}, which the template does not allow; give a "
            f"sequence that fits {template.pattern}."
        )
    return codes


def hidden_copies(network: HookedNetwork, wild: np.ndarray) -> "torch.Tensor":
    """Return the (n, tokens) input of a wild type, (n,) codes, with each of its positions hidden in turn.

    Raises:
        InputError: the network reads no tokens, or hides none.
    """
    import torch

    tokens = network.tokens
    if tokens is None or tokens.mask is None:
        raise InputError(
            f"design needs a masked language model, and {network.name} hides no letter: give its source input: tokens "
            "with tokens: {mask: ...}."
        )
    n, start = len(wild), len(tokens.before)
    masked = np.repeat(tokens.encode(wild[None]), n, 0)
    masked[np.arange(n), start + np.arange(n)] = tokens.mask
    return torch.from_numpy(masked).to(network.device)


def letter_scores(
    network: HookedNetwork, wild: np.ndarray, push: Mapping[Site, np.ndarray], memory: Memory | None = None
) -> np.ndarray:
    """Return the (n, q) log probability of each letter at each hidden position, less that of the letter there.

    Args:
        network: of tokens, with one that hides a letter; it answers with logits of every token.
        wild: (n,) uint8 alphabet codes.
        push: vectors that are added to what modules give, at all positions.
        memory: of `remember`, of the `hidden_copies` of this wild type, up to the modules that are pushed.

    Raises:
        InputError: the network reads no tokens, hides none, or answers something else.
    """
    import torch

    masked, tokens, n = hidden_copies(network, wild), network.tokens, len(wild)
    assert tokens is not None, "hidden_copies refuses networks without tokens"
    vectors = {site: torch.as_tensor(vector, dtype=torch.float32) for site, vector in push.items()}
    changes = {site: lambda _given, made, v=v: made + v.to(made) for site, v in vectors.items()}
    with replayed(network, memory or {}), network.replaced(changes), torch.no_grad():
        answer = network.run(masked)
    places = len(tokens.before) + np.arange(n)
    logits = letter_logits(plain(answer), tuple(masked.shape))[np.arange(n), places]
    logs = log_softmax(logits.astype(np.float64), 1)[:, tokens.letters[: network.template.alphabet.q]]
    return logs - logs[np.arange(n), wild][:, None]


def variant_scores(scores: np.ndarray, wild: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return (N,) sums of the scores of the mutations of (N, n) codes."""
    return np.where(codes != wild, scores[np.arange(len(wild)), codes], 0.0).sum(1)


def directions(
    network: HookedNetwork, dictionary: Dictionary, codes: np.ndarray, labels: np.ndarray, plan: Plan, seed: int
) -> dict[str, Push]:
    """Return by arm the unit vectors to push along, times the mean length of the layer's vectors.

    Args:
        network: the network.
        dictionary: of it.
        codes: (N, n) labelled variants.
        labels: (N,) numbers.
        plan: what a design may do.
        seed: of the random latents.
    """
    coded = Coded.of(network, dictionary, [], codes)
    pooled = np.concatenate([z.mean(1) for z in coded.latents], 1)
    weights = fit_ridge(pooled, labels)[0] * pooled.std(0) ** 2  # the change that goes with one of the label
    chosen = np.zeros_like(weights)
    order = np.argsort(-np.abs(weights), kind="stable")[: plan.latents]
    chosen[order] = weights[order]
    draws, random = generator(seed, DESIGN_STREAM), np.zeros_like(weights)
    others = draws.choice(len(weights), min(plan.latents, len(weights)), replace=False)
    random[others] = draws.standard_normal(len(others)) * pooled.std(0).mean()
    given = collect(network, codes, dictionary.writes)
    high = labels >= np.median(labels)
    pushes: dict[str, Push] = {arm: {} for arm in ARMS}
    for layer, site in enumerate(dictionary.writes):
        means = given[site.key].mean(1)
        length = float(np.linalg.norm(given[site.key], axis=2).mean())
        made = {
            "latents": _written(dictionary, chosen, layer),
            "layer": fit_ridge(means, labels)[0],
            "random": _written(dictionary, random, layer),
            "means": means[high].mean(0) - means[~high].mean(0) if 0 < high.sum() < len(high) else np.zeros(site.width),
        }
        for arm, vector in made.items():
            size = float(np.linalg.norm(vector))
            if size > 0:
                pushes[arm][site] = vector / size * length
    return pushes


def _written(dictionary: Dictionary, weights: np.ndarray, layer: int) -> np.ndarray:
    """What latents with (layers F,) weights write to a layer, whichever layer they read."""
    f, total = dictionary.latents, np.zeros(dictionary.writes[layer].width)
    sources = range(layer + 1) if dictionary.kind == "cross_layer" else (layer,)
    for source in sources:
        total += weights[source * f : (source + 1) * f] @ as_numpy(dictionary.w_dec[source][layer - source])
    return total


def choose_push(
    network: HookedNetwork,
    wild: np.ndarray,
    codes: np.ndarray,
    labels: np.ndarray,
    direction: Push,
    strengths: Sequence[float],
    memory: Memory | None = None,
) -> tuple[np.ndarray, float]:
    """Return the scores of mutations under the push whose strength lets them order the labels best, and the strength.

    Args:
        network: a masked language model.
        wild: (n,) codes of the wild type.
        codes: (N, n) labelled variants.
        labels: (N,) numbers.
        direction: vectors of strength 1.
        strengths: to choose from, by Spearman's correlation with the labels.
        memory: see `letter_scores`.
    """
    candidates = []
    for strength in strengths:
        push = {site: strength * vector for site, vector in direction.items()}
        scores = letter_scores(network, wild, push, memory)
        candidates.append((score(variant_scores(scores, wild, codes), labels, False), scores, strength))
    _, scores, strength = max(candidates, key=lambda one: one[0])
    return scores, float(strength)


def draw_designs(
    scores: np.ndarray, wild: np.ndarray, allowed: np.ndarray, plan: Plan, draws: np.random.Generator
) -> np.ndarray:
    """Return (designs, n) codes, each with 1 to `mutations` mutations at different positions, drawn by their scores.

    Args:
        scores: (n, q) of mutations; the wild type's letters are never drawn.
        wild: (n,) codes.
        allowed: (n, q) bool, the letters of the template; a position that has only the wild type's stays as it is.
        plan: what a design may do.
        draws: random numbers.
    """
    n, q = scores.shape
    noisy = scores + draws.gumbel(size=(plan.designs, n, q))
    noisy[:, ~allowed] = -np.inf
    noisy[:, np.arange(n), wild] = -np.inf
    letters, best = noisy.argmax(2), noisy.max(2)
    free = int(np.isfinite(best[0]).sum())
    counts = draws.integers(1, min(plan.mutations, free) + 1, plan.designs)
    ranks = np.argsort(np.argsort(-best, axis=1, kind="stable"), axis=1, kind="stable")
    return np.where(ranks < counts[:, None], letters, wild).astype(np.uint8)


def compare_designs(
    network: HookedNetwork,
    dictionary: Dictionary,
    variants: tuple[np.ndarray, np.ndarray],
    wild: np.ndarray,
    scorer: Callable[[np.ndarray], np.ndarray],
    plan: Plan,
    labels: int,
    draws: int,
    seed: int,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Compare arms by what a held-out scorer says of their designs.

    Args:
        network: a masked language model.
        dictionary: of it.
        variants: (N, n) codes, and their (N,) labels.
        wild: (n,) codes of the wild type.
        scorer: from (M, n) codes to (M,) numbers.
        plan: what a design may do.
        labels: that are drawn.
        draws: of labels.
        seed: of all draws.

    Returns:
        For each arm `arm`, `strength` (mean over draws), and over designs `mean`, `max`, `top` (the mean of the best
        tenth), less the score of the wild type, each as the mean over draws with its 95 % interval (Student's t:
        `_low`, `_high`), and `top_gain`, what latents have more in `top`, draw by draw. And the designs of the first
        draw, those that the steered model prefers first: `arm`, `sequence`, `mutations` (as in `A5G`), `steered` (the
        sum of its scores), `scorer` (less that of the wild type).

    Raises:
        InputError: there are fewer variants than labels.
    """
    codes, values = variants
    if len(codes) < labels:
        raise InputError(f"design draws {labels} labels, and its table has {len(codes)} variants; set labels lower.")
    base, random = float(scorer(wild[None])[0]), generator(seed, DESIGN_LABEL_STREAM)
    kept: dict[str, list[tuple[float, ...]]] = {arm: [] for arm in ARMS}
    proposals: list[dict[str, Any]] = []
    memory = remember(network, hidden_copies(network, wild), dictionary.writes)
    unpushed = letter_scores(network, wild, {}, memory)
    for draw in range(draws):
        chosen = random.choice(len(codes), labels, replace=False)
        draw_seed = (seed + draw) % 2**64
        pushes = directions(network, dictionary, codes[chosen], values[chosen], plan, draw_seed)
        for arm in ARMS:
            scores, strength = unpushed, 0.0
            if pushes[arm]:
                scores, strength = choose_push(
                    network, wild, codes[chosen], values[chosen], pushes[arm], plan.strengths, memory
                )
            noise = generator(draw_seed, DESIGN_NOISE_STREAM)  # the same for all arms
            designs = draw_designs(scores, wild, network.template.allowed, plan, noise)
            above = scorer(designs) - base
            best = np.sort(above)[::-1][: max(1, round(TOP_SHARE * len(above)))]
            kept[arm].append((strength, float(above.mean()), float(above.max()), float(best.mean())))
            if draw == 0:
                proposals += _proposals(network, arm, designs, wild, scores, above)
    return _summaries({arm: np.array(rows) for arm, rows in kept.items()}, draws), proposals


def _proposals(
    network: HookedNetwork, arm: str, designs: np.ndarray, wild: np.ndarray, scores: np.ndarray, above: np.ndarray
) -> list[dict[str, Any]]:
    """The different designs of an arm, with their mutations and scores."""
    unique, rows = np.unique(designs, axis=0, return_index=True)
    steered, letters = variant_scores(scores, wild, unique), network.template.alphabet.letters
    texts = network.template.alphabet.decode(unique)
    return [
        {
            "arm": arm, "sequence": texts[k],
            "mutations": " ".join(
                f"{letters[wild[i]]}{i + 1}{letters[unique[k, i]]}" for i in np.flatnonzero(unique[k] != wild).tolist()
            ),
            "steered": float(steered[k]), "scorer": float(above[rows[k]]),
        }
        for k in np.argsort(-steered, kind="stable").tolist()
    ]  # fmt: skip


def _summaries(kept: Mapping[str, np.ndarray], draws: int) -> list[dict[str, Any]]:
    """The rows of `compare_designs`, of (draws, 4) numbers of each arm: strength, mean, max, top."""
    rows = []
    for arm, numbers in kept.items():
        row: dict[str, Any] = {"arm": arm, "draws": draws, "strength": float(numbers[:, 0].mean())}
        for column, key in enumerate(("mean", "max", "top"), 1):
            row |= named_interval(key, interval(numbers[:, column]))
        gain = kept["latents"][:, 3] - numbers[:, 3]
        rows.append(row | named_interval("top_gain", interval(gain) if arm != "latents" else (None, None, None)))
    return rows
