"""What happens inside BE-DICT: dictionaries, steering and the circuit of editing at A6, each number beside its control.

Every seed has dictionaries of its own, across and within layers, and a row in `results/mechanism.tsv`; the table of the
page has means and intervals over seeds. What latents say of single letters is in `bystanders.tsv`, and of the editing
window in `window_concepts.tsv` and `window_effects.tsv` (`benchmarks.editing_window`); `--parts features` measures
these alone, which need no dictionaries within layers. Dictionaries are kept in results/benchmarks/mechanism: a run that
breaks off goes on from there. `--seeds 0 1 2 3 4` is the run in full; the data lie beside the checkout.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import editing_window
from benchmarks.result_files import FOLDER, merge_results
from shapsketch.mechanism import ablation, activations, circuits, concepts, latents, measures, rankings, steering
from shapsketch.mechanism.replacement import encode_all, holding, predict_replaced
from shapsketch.mechanism.training import Training, train
from shapsketch.models.dictionary import Dictionary
from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "results/benchmarks/mechanism"  # dictionaries, which are not trained twice
WEIGHTS = ROOT.parent / "shared/data/bedict_abemax/bedict_abemax_weights.npz"
TEMPLATE = Template(Alphabet("ACTG"), "N" * 20)
MODULES = [f"trfunit_pipeline.{layer}.MLP" for layer in (0, 1)]
A6 = 5  # the output of position 6
BYSTANDERS = (5, 7, 8)  # positions whose A is edited beside it
WINDOW = range(3, 10)  # positions that are edited
RANKINGS = ("selection", "ablation", "influence", "gradient", "random")
COLUMNS = (
    "seed", "steps", "latents", "k",
    *(f"{what}_{kind}" for kind in ("across", "within") for what in ("r2", "recovered", "dead")),
    "kept_none", *(f"{what}_{kind}" for what in ("needed", "added") for kind in RANKINGS),
    *(f"area_gain_{kind}" for kind in RANKINGS[:3]),
    "replacement", "completeness", "wins", "sure_wins", "outputs",
)  # fmt: skip
BYSTANDER_COLUMNS = (
    "seed", "position", "letters", "f1", "neuron_f1", "random_f1", "position_f1", "effect", "effect_outside",
)  # fmt: skip
KINDS = {"across": "cross_layer", "within": "transcoder"}
COMMAND = "make benchmark-mechanism"


def open_bedict() -> HookedNetwork:
    """BE-DICT on one-hot letters."""
    source = {
        "kind": "torch", "layout": "channels_last", "factory": f"{ROOT}/tests/onehot_bedict.py:network",
        "path": str(WEIGHTS),
    }  # fmt: skip
    return HookedNetwork(source, TEMPLATE, [f"p{k}" for k in range(1, 21)])


def train_kept(name: str, network: HookedNetwork, kept: dict[str, np.ndarray], settings: dict[str, Any]) -> Dictionary:
    """The dictionary `across` layers or `within` them, trained unless it is kept."""
    path = KEPT / f"{'-'.join(str(value) for value in (name, *settings.values()))}.safetensors"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        reads, writes = (tuple(network.site(module, end) for module in MODULES) for end in ("in", "out"))
        flat = [[kept[site.key].reshape(-1, site.width) for site in sites] for sites in (reads, writes)]
        training = Training(kind=KINDS[name], batch=1024, **settings)
        train(*flat, (reads, writes), training, checkpoint=path.with_suffix(".part")).save(path)
    return Dictionary.load(path)


def measure_kinds(
    network: HookedNetwork, dictionaries: dict[str, Dictionary], kept: dict[str, np.ndarray], codes: np.ndarray
) -> dict[str, Any]:
    """How well the network answers with its perceptrons replaced by each dictionary."""
    row, writes = dict[str, Any](), dictionaries["across"].writes
    means = {site: torch.from_numpy(kept[site.key].reshape(-1, site.width).mean(0)) for site in writes}
    for name, dictionary in dictionaries.items():
        scores = measures.score_outputs(network, dictionary, codes, np.arange(len(codes)), means, 0)
        dead = [(z > 0).any((0, 1)).logical_not().float().mean() for z in encode_all(network, dictionary, codes)]
        values = {"r2": scores["r2"], "recovered": scores["recovered"], "dead": np.mean(dead)}
        row |= {f"{what}_{name}": value for what, value in values.items()}
    return row


def measure_circuit(
    network: HookedNetwork, dictionary: Dictionary, fitted: np.ndarray, held: np.ndarray
) -> dict[str, Any]:
    """How few latents keep A6's variation, by ranking, on sequences that ranked none."""
    some, others = held[:200], held[200:400]
    means = [z.mean(0) for z in encode_all(network, dictionary, fitted[:2000])]
    graphs = [circuits.trace(network, dictionary, one, f"p{A6 + 1}") for one in some[:8]]
    ranked = {
        "ablation": rankings.by_ablation(network, dictionary, some, means, A6),
        "influence": rankings.by_influence(graphs, dictionary),
        "gradient": rankings.by_gradient(network, dictionary, some, means, A6),
        "random": rankings.at_random(dictionary, 0),
    }
    ranked["selection"] = rankings.by_selection(network, dictionary, some, means, A6, ranked["ablation"])
    sizes = ablation.curve_sizes(dictionary.layers * dictionary.latents)
    values = {
        kind: ablation.ablated(network, dictionary, others, means, np.argsort(-numbers, kind="stable"), sizes, A6)
        for kind, numbers in ranked.items()
    }
    record = ablation.Curves(sizes, network.predict(others)[:, A6], values, np.arange(len(others))).record(0)
    scores = [graph.scores() for graph in graphs]
    return {
        "kept_none": record["kept"]["gradient"][0],
        **{f"needed_{kind}": record["needed"][kind] for kind in RANKINGS},
        **{f"added_{kind}": record["added"][kind][0] for kind in RANKINGS},
        **{f"area_gain_{kind}": record["area_gain"][kind][0] for kind in RANKINGS[:3]},
        **{key: np.mean([score[key] for score in scores]) for key in ("replacement", "completeness")},
    }


def match_bystanders(
    network: HookedNetwork, dictionary: Dictionary, codes: np.ndarray, seed: int
) -> list[dict[str, Any]]:
    """What latents of the first layer say of an A at each position, and what A6's output is without them there.

    Returns:
        For an A at 5, 7 and 8, the F1 of the best latent at that position and its controls; `effect`, what that latent
        there adds to the output where it is active, and the mean of that over positions outside of the window.
    """
    site, letter = dictionary.reads[0], TEMPLATE.alphabet.letters.index("A")
    x = activations.collect(network, codes, [site])[site.key]
    random = concepts.random_latents(x, dictionary.latents, dictionary.k, seed)
    z, held = encode_all(network, dictionary, codes)[0].numpy(), np.arange(len(codes)) % 2 == 0
    labels = {f"a{at + 1}": (codes == letter) & (np.arange(TEMPLATE.n) == at) for at in range(TEMPLATE.n)}
    clean, rows = network.predict(codes)[:, A6], []
    for one in concepts.match(labels, z, x, random, held):
        place, latent = one["place"] - 1, one["latent"]
        without = holding(0, latent, 0, place)
        added = clean - predict_replaced(network, dictionary, codes, without, errors=True)[:, A6]
        effect = added[z[:, place, latent] > 0].mean()
        rows.append({**one, "seed": seed, "position": one["place"], "effect": effect})
    outside = np.mean([row["effect"] for row in rows if row["position"] not in WINDOW])
    return [{**row, "effect_outside": outside} for row in rows if row["position"] in BYSTANDERS]


def measure_steering(network: HookedNetwork, dictionary: Dictionary, codes: np.ndarray) -> dict[str, Any]:
    """Outputs that a latent raises more than both controls, and those of which the interval says so."""
    chosen, tested = codes[:200], codes[200:400]
    effects, _ = latents.effects(network, dictionary, latents.Coded.of(network, dictionary, [""] * 200, chosen), 4)
    rows = steering.compare(network, dictionary, tested[::2], tested[1::2], effects, 0)
    sure = sum(row["gain_low"] > 0 for row in rows)
    return {"wins": sum(row["wins"] for row in rows), "sure_wins": sure, "outputs": len(rows)}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--parts", nargs="+", default=["circuit", "features"], choices=["circuit", "features"])
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--sequences", type=int, default=20_000)
    parser.add_argument("--latents", type=int, default=256)
    chosen = parser.parse_args()
    network = open_bedict()
    codes = activations.draw(Background.uniform(TEMPLATE), 0, 0, chosen.sequences + 2000)
    fitted, held = codes[: chosen.sequences], codes[chosen.sequences :]
    sites = [network.site(name, end) for name in MODULES for end in ("in", "out")]
    kept = activations.collect(network, fitted, sites)
    if "features" in chosen.parts:
        editing_window.write_concepts(editing_window.find_without(network, sites[::2], held), COMMAND)
    for seed in chosen.seeds:
        settings = {"seed": seed, "steps": chosen.steps, "latents": chosen.latents, "k": 8}
        across = train_kept("across", network, kept, settings)
        if "features" in chosen.parts:
            rows = match_bystanders(network, across, held, seed)
            merge_results(FOLDER / "bystanders.tsv", rows, ["seed"], BYSTANDER_COLUMNS, COMMAND)
            editing_window.write_concepts(editing_window.find_latents(network, across, held, seed), COMMAND)
            carried = editing_window.carry(network, across, fitted, held, seed)
            editing_window.write_effects(settings | carried, COMMAND)
        if "circuit" in chosen.parts:
            kinds = {"across": across, "within": train_kept("within", network, kept, settings)}
            row = settings | measure_kinds(network, kinds, kept, held)
            row |= measure_circuit(network, across, fitted, held) | measure_steering(network, across, held)
            merge_results(FOLDER / "mechanism.tsv", [row], ["latents", "seed"], COLUMNS, COMMAND)
            print("\t".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
