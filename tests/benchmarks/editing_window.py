"""The editing window in BE-DICT: what tells that a letter lies in it, and what of it passes by the latents.

Two questions, since a dictionary may lack a latent *of* the window and the window may still need latents. Which
numbers mark the letters in the window, alone or together, is asked with F1 beside controls of the same layer. What
latents do for the window is asked by taking away what they know; its profile is the mean logit of an A at each place.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from benchmarks.result_files import FOLDER, merge_results
from shapsketch.mechanism import ablation, activations, concepts, probes
from shapsketch.mechanism.replacement import encode_all, holding, predict_replaced
from shapsketch.models.dictionary import Dictionary
from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.models.sites import Site

SPANS = {"4_8": (4, 8), "3_9": (3, 9)}  # of positions that are edited most, and that are edited
TOGETHER = 3  # features that may mark the window, each a part of it
STRONGEST = 4  # latents whose removal is looked at one by one
DRAWS = 5  # of random directions for each of these
SIZES = (1, 2, 4, 8)  # latents of which it is told what they keep
CONCEPT_COLUMNS = ("seed", "layer", "concept", "finder", "together", "f1")
EFFECT_COLUMNS = (
    "seed", "latents",
    *(f"kept_{what}" for what in ("nothing", "place", "letter", "letter_place")),
    *(f"kept_{size}" for size in SIZES), "kept_4_random", "kept_4_letter", "needed", "needed_random",
    "alike", "alike_random", "size", "size_random",
)  # fmt: skip


def label(codes: np.ndarray) -> dict[str, np.ndarray]:
    """(N, n) bool of letters in the window, of every letter and of those that can be edited."""
    places = np.arange(codes.shape[1]) + 1
    inside = {
        name: np.broadcast_to((places >= low) & (places <= high), codes.shape) for name, (low, high) in SPANS.items()
    }
    is_a = codes == 0  # the alphabet is ACTG
    return {f"a_{name}": is_a & marks for name, marks in inside.items()} | {
        f"any_{name}": marks.copy() for name, marks in inside.items()
    }


def layers_of(network: HookedNetwork, sites: Sequence[Site], codes: np.ndarray) -> list[np.ndarray]:
    """(N, n, width) by layer: the embedding, and what each perceptron reads."""
    embedder = network.find("nucleopos_embedder")
    with torch.no_grad():
        embedded = network.onehot(codes) @ embedder.nucleo_emb.weight + embedder.pos_emb.weight
    kept = activations.collect(network, codes, sites)
    return [embedded.numpy(), *(kept[site.key] for site in sites)]


def score_together(
    features: np.ndarray, marks: np.ndarray, held: np.ndarray, most: int, signed: bool = False
) -> list[float]:
    """F1 on held sequences of the best feature, of the best two, ...: letters that any of them marks.

    Each further one is chosen, with its threshold, on the letters that those before it have not marked.

    Args:
        features: (N, n, F), which mark where they are large.
        marks: (N, n) bool.
        held: (N,) bool.
        most: how many are joined; a further one that does not help is left out.
        signed: whether numbers below 0 may mark, too.
    """
    flat, wanted = features.reshape(-1, features.shape[-1]), marks.reshape(1, -1)
    scored = np.repeat(held, marks.shape[1])
    marked, scores = np.zeros((len(flat), 1), bool), []
    for _ in range(most):
        left = ~scored & ~marked[:, 0]
        _, feature, limit = concepts.best_cuts(flat[left].T, wanted[:, left], signed)[0]
        joined = marked | (flat[:, [feature]] > limit)
        before, after = (concepts.f1(part[~scored], wanted[:, ~scored])[0, 0] for part in (marked, joined))
        marked = joined if after > before else marked
        scores.append(float(concepts.f1(marked[scored], wanted[:, scored])[0, 0]))
    return scores


def score_probe(x: np.ndarray, marks: np.ndarray, held: np.ndarray) -> float:
    """F1 on held sequences of a logistic regression of (N, n, width) vectors, cut where it is best on others."""
    fitted = x[~held].reshape(-1, x.shape[-1]).astype(float)
    weights, _ = probes.fit_logistic(fitted, marks[~held].ravel().astype(float))
    return score_best((x @ weights)[..., None], marks, held, signed=True)


def score_best(features: np.ndarray, marks: np.ndarray, held: np.ndarray, signed: bool = False) -> float:
    """F1 on held sequences of the best of (N, n, F) features."""
    letters = np.repeat(held, marks.shape[1])
    return concepts.best_features(features.reshape(-1, features.shape[-1]), marks.reshape(1, -1), letters, signed)[0][2]


def find_without(network: HookedNetwork, sites: Sequence[Site], codes: np.ndarray) -> list[dict[str, Any]]:
    """What tells the window without a dictionary: in the embedding, and in what each perceptron reads."""
    held, rows = np.arange(len(codes)) % 2 == 0, []
    for layer, x in enumerate(layers_of(network, sites, codes)):
        for concept, marks in label(codes).items():
            scores = {"neurons": score_best(x, marks, held, signed=True), "probe": score_probe(x, marks, held)}
            if layer == 0:
                scores["positions"] = concepts.position_f1(marks, held)
            else:
                first = network.find(f"{sites[layer - 1].module}.0")
                with torch.no_grad():
                    hidden = torch.relu(first(torch.from_numpy(x))).numpy()
                scores["units"] = score_best(hidden, marks, held)
            rows += [
                {"layer": layer, "concept": concept, "finder": finder, "together": 1, "f1": score}
                for finder, score in scores.items()
            ]
    return rows


def find_latents(network: HookedNetwork, dictionary: Dictionary, codes: np.ndarray, seed: int) -> list[dict[str, Any]]:
    """What latents of each layer tell of the window, one or several together, beside random ones of the seed."""
    held, rows = np.arange(len(codes)) % 2 == 0, []
    encoded = encode_all(network, dictionary, codes)
    for layer, x in enumerate(layers_of(network, dictionary.reads, codes)[1:], 1):
        random = concepts.random_latents(x, dictionary.latents, dictionary.k, seed)
        directions = np.random.default_rng([seed, layer]).standard_normal((x.shape[-1], dictionary.latents))
        pushed = x @ directions.astype(np.float32)
        for concept, marks in label(codes).items():
            scores = {
                "latents": score_together(encoded[layer - 1].numpy(), marks, held, TOGETHER),
                "random": score_together(random, marks, held, TOGETHER),
                "directions": score_together(pushed, marks, held, TOGETHER, signed=True),
            }
            rows += [
                {"seed": seed, "layer": layer, "concept": concept, "finder": finder, "together": count, "f1": score}
                for finder, values in scores.items()
                for count, score in enumerate(values, 1)
            ]
    return rows


def profile(logits: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(n,) the mean logit of an A at each position."""
    is_a = codes == 0
    return (logits * is_a).sum(0) / is_a.sum(0)


def carry(
    network: HookedNetwork, dictionary: Dictionary, fitted: np.ndarray, held: np.ndarray, seed: int
) -> dict[str, Any]:
    """How much of the window's profile is kept when latents know less, or few of them know anything.

    What knows nothing gives its mean over all letters and positions of `fitted`; what knows the place, its mean at each
    position; what knows the letter, its mean at each letter, wherever it is. Latents are ranked on 200 of `held` and
    measured on 400 others.
    """
    ranked, tested, count = held[:200], held[200:600], dictionary.layers * dictionary.latents
    nothing, place, letter, both = known(network, dictionary, fitted[:2000])
    at, clean = torch.from_numpy(tested.astype(np.int64)), profile(network.predict(tested), tested)

    def kept(edit: Callable[[int, torch.Tensor], torch.Tensor]) -> float:
        made = profile(predict_replaced(network, dictionary, tested, edit), tested)
        return float(ablation.kept_shares(clean, made[None])[0])

    def kept_few(order: np.ndarray, size: int, knowing: Sequence[torch.Tensor] | None = None) -> float:
        chosen = torch.zeros(count, dtype=torch.bool)
        chosen[torch.from_numpy(order[:size].copy())] = True
        masks = chosen.reshape(dictionary.layers, -1)
        return kept(lambda k, z: torch.where(masks[k], knowing[k] if knowing else z, nothing[k]))

    changes = remove_each(network, dictionary, ranked, nothing)
    order, sizes = np.argsort(-changes.std(1), kind="stable"), ablation.curve_sizes(count)
    orders = {"": order, "_random": np.random.default_rng([seed, 0]).permutation(count)}
    shares = {name: dict(zip(sizes, [kept_few(one, k) for k in sizes], strict=True)) for name, one in orders.items()}
    by_letter = [one[at] for one in letter]
    return {
        "kept_nothing": shares[""][0],
        "kept_place": kept(lambda k, z: place[k].expand_as(z)),
        "kept_letter": kept(lambda k, z: by_letter[k]),
        "kept_letter_place": kept(lambda k, z: both[k][at, torch.arange(at.shape[1])]),
        **{f"kept_{size}": shares[""][size] for size in SIZES},
        "kept_4_random": shares["_random"][4], "kept_4_letter": kept_few(order, 4, by_letter),
        **{f"needed{name}": ablation.needed(list(one.values()), sizes) for name, one in shares.items()},
        **compare_directions(network, dictionary, ranked, nothing, order[:STRONGEST], seed),
    }  # fmt: skip


def known(network: HookedNetwork, dictionary: Dictionary, codes: np.ndarray) -> list[list[torch.Tensor]]:
    """By layer the latents' means: (F,) of all, (n, F) by place, (letters, F) by letter, (letters, n, F) by both."""
    means: list[list[torch.Tensor]] = [[], [], [], []]
    is_letter = torch.from_numpy(codes[None] == np.arange(len(network.template.alphabet.letters))[:, None, None])
    for z in encode_all(network, dictionary, codes):
        sums = torch.stack([(z * marks[..., None]).sum(0) for marks in is_letter])
        counts = is_letter.sum(1)
        rows = (z.mean((0, 1)), z.mean(0), sums.sum(1) / counts.sum(1)[:, None], sums / counts[..., None])
        for kind, mean in zip(means, rows, strict=True):
            kind.append(mean)
    return means


def remove_each(
    network: HookedNetwork, dictionary: Dictionary, codes: np.ndarray, means: list[torch.Tensor]
) -> np.ndarray:
    """(layers F, n) what the profile is above that without each latent, which gives its mean everywhere."""
    clean = profile(predict_replaced(network, dictionary, codes), codes)
    changes = np.zeros((dictionary.layers * dictionary.latents, codes.shape[1]))
    for number in range(len(changes)):
        layer, latent = divmod(number, dictionary.latents)
        if means[layer][latent] > 0:  # others are never active
            silent = holding(layer, latent, means[layer][latent])
            changes[number] = clean - profile(predict_replaced(network, dictionary, codes, silent), codes)
    return changes


def compare_directions(
    network: HookedNetwork,
    dictionary: Dictionary,
    codes: np.ndarray,
    means: list[torch.Tensor],
    chosen: np.ndarray,
    seed: int,
) -> dict[str, float]:
    """How like the window the changes of single latents are, and how large, beside random directions of equal length.

    `alike` is the mean absolute correlation with the window's profile, `size` the mean standard deviation over
    positions, of what is lost when a latent gives its mean and all else stays; a random direction is written with the
    latent's own activity.
    """
    clean = profile(network.predict(codes), codes)
    draws = torch.Generator().manual_seed(seed)

    def measure(one: Dictionary, layer: int, latent: int) -> tuple[float, float]:
        silent = holding(layer, latent, means[layer][latent])
        change = clean - profile(predict_replaced(network, one, codes, silent, errors=True), codes)
        return abs(float(np.corrcoef(change, clean)[0, 1])), float(change.std())

    def turned(layer: int, latent: int) -> Dictionary:
        rows = [w.clone() for w in dictionary.w_dec[layer]]
        for w in rows:
            direction = torch.randn(w.shape[1], generator=draws)
            w[latent] = direction / direction.norm() * w[latent].norm()
        w_dec = tuple(tuple(rows) if k == layer else w for k, w in enumerate(dictionary.w_dec))
        return replace(dictionary, w_dec=w_dec)

    places = [divmod(int(number), dictionary.latents) for number in chosen]
    alike, size = np.mean([measure(dictionary, *place) for place in places], 0)
    alike_random, size_random = np.mean([measure(turned(*at), *at) for at in places for _ in range(DRAWS)], 0)
    return {"alike": alike, "alike_random": alike_random, "size": size, "size_random": size_random}


def write_concepts(rows: list[dict[str, Any]], command: str) -> None:
    """Put rows into `results/window_concepts.tsv`; those of no seed need no dictionary."""
    merge_results(FOLDER / "window_concepts.tsv", rows, ["seed"], CONCEPT_COLUMNS, command)


def write_effects(row: dict[str, Any], command: str) -> None:
    """Put a row into `results/window_effects.tsv`, and print it."""
    merge_results(FOLDER / "window_effects.tsv", [row], ["seed"], EFFECT_COLUMNS, command)
    print("\t".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()), flush=True)
