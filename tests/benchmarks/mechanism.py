"""What happens inside BE-DICT: dictionaries, steering and the circuit of editing at A6, each number beside its control.

Writes a table to stdout. `--seeds 5 --steps 8000` is the run in full; the data lie beside the checkout.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from shapsketch.mechanism import ablation, activations, circuits, concepts, latents, measures, rankings, steering
from shapsketch.mechanism.replacement import encode_all
from shapsketch.mechanism.training import Training, train
from shapsketch.models.dictionary import Dictionary
from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = ROOT.parent / "shared/data/bedict_abemax/bedict_abemax_weights.npz"
TEMPLATE = Template(Alphabet("ACTG"), "N" * 20)
MODULES = [f"trfunit_pipeline.{layer}.MLP" for layer in (0, 1)]
A6 = 5  # the output of position 6
WINDOW = range(3, 10)  # positions that are edited


def open_bedict() -> HookedNetwork:
    """BE-DICT on one-hot letters."""
    source = {
        "kind": "torch", "layout": "channels_last", "factory": f"{ROOT}/tests/onehot_bedict.py:network",
        "path": str(WEIGHTS),
    }  # fmt: skip
    return HookedNetwork(source, TEMPLATE, [f"p{k}" for k in range(1, 21)])


def tell(what: str, value: object, control: object) -> None:
    """One row of the table."""
    print(f"| {what} | {value} | {control} |", flush=True)


def train_kinds(
    network: HookedNetwork, kept: dict[str, np.ndarray], codes: np.ndarray, seeds: int, steps: int
) -> Dictionary:
    """Dictionaries of every seed within and across layers; return the first across layers."""
    reads, writes = (tuple(network.site(name, end) for name in MODULES) for end in ("in", "out"))
    flat = [[kept[s.key].reshape(-1, s.width) for s in sites] for sites in (reads, writes)]
    means = {s: torch.from_numpy(y.mean(0)) for s, y in zip(writes, flat[1], strict=True)}
    first, texts = None, []
    for kind in ("cross_layer", "transcoder"):
        scores, begun = [], time.time()
        for seed in range(seeds):
            own = Training(kind=kind, latents=256, k=8, steps=steps, batch=1024, seed=seed)
            dictionary = train(*flat, (reads, writes), own)
            first = first or dictionary
            scores.append(measures.score_outputs(network, dictionary, codes, means, seed))
        r2 = measures.over_seeds([score["r2"] for score in scores])
        low, high = r2["interval"] or scores[0]["r2_interval"]  # of one seed, over the sequences
        texts.append(f"{r2['mean']:.4f} ({low:.4f} to {high:.4f})")
        seconds = (time.time() - begun) / seeds
        tell(f"seconds a seed, {kind}", f"{seconds:.0f}", "")
        tell(f"recovered, {kind}", f"{np.mean([score['recovered'] for score in scores]):.4f}", "0: layer means")
    tell(f"R2 of all logits, k = 8, {seeds} seeds", f"across layers {texts[0]}", f"within layers {texts[1]}")
    assert first is not None
    return first


def tell_curves(
    network: HookedNetwork,
    dictionary: Dictionary,
    codes: np.ndarray,
    means: list[torch.Tensor],
    found: dict[str, np.ndarray],
) -> None:
    """How few latents keep A6's variation, by ranking, and what the strongest are."""
    count = dictionary.layers * dictionary.latents
    sizes = ablation.curve_sizes(count)
    orders = {kind: np.argsort(-values, kind="stable") for kind, values in found.items()}
    values = {
        kind: ablation.ablated(network, dictionary, codes, means, order, sizes, A6) for kind, order in orders.items()
    }
    record = ablation.Curves(sizes, network.predict(codes)[:, A6], values).record(0)
    tell("A6's variation that passes by all latents", f"{record['kept']['gradient'][0]:.3f}", "")
    for level in ("80%", "90%", "95%"):
        sizes_of = {kind: record["levels"][kind][level] for kind in found}
        words = {kind: f"{kind} {size} ({low} to {high})" for kind, (size, low, high) in sizes_of.items()}
        own = ", ".join(words[kind] for kind in ("selection", "ablation", "influence"))
        tell(f"latents of {count} that keep {level}", own, f"{words['gradient']}, {words['random']}")
    gains = [f"{kind} {a:+.3f} ({b:+.3f} to {c:+.3f})" for kind, (a, b, c) in record["area_gain"].items()]
    tell(
        "area under the curve beyond that by gradients",
        ", ".join(gains),
        f"gradient {record['area']['gradient'][0]:.3f}",
    )
    tell_latents(network, dictionary, codes, orders["selection"][:8].tolist())


def tell_latents(network: HookedNetwork, dictionary: Dictionary, codes: np.ndarray, chosen: list[int]) -> None:
    """The letters of the strongest latents, and how well each finds an A of the window."""
    coded = latents.Coded.of(network, dictionary, [""] * len(codes), codes)
    for number in chosen:
        layer, latent = divmod(number, dictionary.latents)
        z = coded.latents[layer][:, :, latent]
        matrix = latents.matrix_of(coded, z, 1, 5, TEMPLATE.alphabet, str(number))
        at = int(z.sum(0).argmax())
        scores = {}
        for position in WINDOW:
            is_a = np.zeros(z.shape, bool)
            is_a[:, position - 1] = codes[:, position - 1] == TEMPLATE.alphabet.letters.index("A")
            scores[position] = float(concepts.f1((z > 0).reshape(-1, 1), is_a.ravel())[0])
        best = max(scores, key=lambda position: scores[position])
        letters, share = matrix.consensus if matrix else "-", z[:, at].sum() / max(z.sum(), 1e-9)
        tell(
            f"latent {dictionary.names()[number]}", f"{letters}, most at position {at + 1} ({share:.0%})",
            f"F1 of the A at {best}: {scores[best]:.2f}",
        )  # fmt: skip


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--sequences", type=int, default=20_000)
    own = parser.parse_args()
    network = open_bedict()
    codes = activations.draw(Background.uniform(TEMPLATE), 0, 0, own.sequences + 2000)
    fitted, held = codes[: own.sequences], codes[own.sequences :]
    sites = [network.site(name, end) for name in MODULES for end in ("in", "out")]
    print("| what | value | control |\n|---|---|---|")
    kept = activations.collect(network, fitted, sites)
    dictionary = train_kinds(network, kept, held, own.seeds, own.steps)
    some, others = held[:200], held[200:400]
    means = [z.mean(0) for z in encode_all(network, dictionary, fitted[:2000])]
    found = {
        "ablation": rankings.by_ablation(network, dictionary, some, means, A6),
        "influence": rankings.by_influence(
            [circuits.trace(network, dictionary, one, "p6") for one in some[:8]], dictionary
        ),
        "gradient": rankings.by_gradient(network, dictionary, some, means, A6),
        "random": rankings.at_random(dictionary, 0),
    }
    found["selection"] = rankings.by_selection(network, dictionary, some, means, A6, found["ablation"])
    tell_curves(network, dictionary, others, means, found)
    graphs = [circuits.trace(network, dictionary, one, "p6").scores() for one in some[:8]]
    both = [f"{np.mean([g[key] for g in graphs]):.3f}" for key in ("replacement", "completeness")]
    tell("replacement, completeness of A6's graphs", ", ".join(both), "")
    coded = latents.Coded.of(network, dictionary, [""] * len(some), some)
    effects, _ = latents.effects(network, dictionary, coded, 4)
    rows = steering.compare(network, dictionary, others, effects, 0)
    tell("outputs that a latent raises more than both controls", f"{sum(r['wins'] for r in rows)} of {len(rows)}",
         "random latents, difference of means")  # fmt: skip


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
