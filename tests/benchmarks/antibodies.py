"""What a layer of AntiBERTy knows of antibodies: autoencoders of minutes, each number beside its control.

Needs the wheel of antiberty 0.1.3, which holds the weights (MIT); the antibodies lie beside the checkout. Rows of
`results/antibodies.tsv`, `antibody_concepts.tsv` and `antibody_designs.tsv`. The first 128 residues of each chain are
read; shorter chains are counted and left out. Activations and dictionaries are kept in results/benchmarks/antibodies,
so that parts can be run one by one: `--parts dictionaries --variants topk`, the same with `matryoshka`, and `--parts
designs`.
"""

import argparse
import re
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import antiberty
import numpy as np
import torch
from torch.nn.functional import cross_entropy

from benchmarks.result_files import FOLDER, merge_results
from shapsketch.mechanism import activations, concepts, design, measures
from shapsketch.mechanism.clusters import find_clusters, held_out
from shapsketch.mechanism.training import Training, train
from shapsketch.models.dictionary import Dictionary
from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.models.sites import Site
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.rng import ACTIVATION_STREAM, DESIGN_STREAM, generator
from shapsketch.sequences.template import Template

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "results/benchmarks/antibodies"  # what is not computed twice
FASTA = ROOT.parent / "shared/data/antibodies/antibodies.fasta"
LETTERS, RESIDUES = "ACDEFGHIKLMNPQRSTVWY", 128
MODULE = "bert.encoder.layer.4"  # the fifth of eight
IDENTITY, MASKED, BATCH, VARIANTS = 0.8, 0.15, 64, 300
FRAMEWORK = re.compile("^.{15,30}?(C).{10,18}?(W).{30,75}?(C)(.{3,32}?)([FW])G.G")  # C23, W41, C104, CDR3, J118
LATENTS, K = 2048, 32


def read_chains(path: Path) -> list[str]:
    """The first residues of all chains that have so many, of the twenty letters."""
    records = [record.partition("\n")[2].replace("\n", "") for record in path.read_text().split(">")[1:]]
    kept = [text[:RESIDUES] for text in records if len(text) >= RESIDUES and set(text[:RESIDUES]) <= set(LETTERS)]
    print(f"{len(kept)} of {len(records)} chains have {RESIDUES} residues of the twenty letters", flush=True)
    return kept


def label(chains: list[str]) -> dict[str, np.ndarray]:
    """(N, n) bool by concept, from the framework that the chains themselves show."""
    names = ("C23", "W41", "C104", "CDR3", "J118", "CDR1", "D in CDR3", "heavy")
    labels = {name: np.zeros((len(chains), RESIDUES), bool) for name in names}
    for row, text in enumerate(chains):
        if (frame := FRAMEWORK.match(text)) is None:
            continue
        for group, name in enumerate(names[:5], 1):
            labels[name][row, slice(*frame.span(group))] = True
        labels["CDR1"][row, frame.start(1) + 4 : frame.start(2) - 2] = True
        for place in range(*frame.span(4)):
            labels["D in CDR3"][row, place] = text[place] == "D"
        labels["heavy"][row, : frame.end()] = frame[5] == "W"
    print(f"{int(labels['C23'].any(1).sum())} of these show the framework", flush=True)
    return labels


def open_network(wheel: Path, folder: Path) -> HookedNetwork:
    """AntiBERTy on one-hot letters."""
    source = {
        "kind": "torch", "layout": "channels_last", "factory": f"{ROOT}/tests/antiberty.py:network",
        "path": str(antiberty.unpack(wheel, folder)),
    }  # fmt: skip
    return HookedNetwork(source, Template(Alphabet(LETTERS), "." * RESIDUES), ["logits"])


def open_masked(weights: str) -> HookedNetwork:
    """The same network on tokens, of which one hides a letter."""
    source = {
        "kind": "torch", "factory": f"{ROOT}/tests/antiberty.py:masked_network", "path": weights, "input": "tokens",
        "tokens": {"vocabulary": [*LETTERS, "mask"], "mask": "mask"},
    }  # fmt: skip
    return HookedNetwork(source, Template(Alphabet(LETTERS), "." * RESIDUES), ["logits"])


def charge(codes: np.ndarray) -> np.ndarray:
    """The net charge of (N, n) chains: K and R less D and E. It judges designs, and labels the variants."""
    values = np.array([{"K": 1, "R": 1, "D": -1, "E": -1}.get(letter, 0) for letter in LETTERS])
    return values[codes].sum(1).astype(float)


def design_variants(network: HookedNetwork, dictionary: Dictionary, wild: np.ndarray, draws: int) -> list[dict]:
    """Designs of at most five mutations that should raise the charge, from 24 labelled variants, by arm."""
    numbers = generator(0, DESIGN_STREAM)
    variants = np.repeat(wild[None], VARIANTS, 0)
    for row in variants:  # one to five letters anew
        places = numbers.choice(RESIDUES, numbers.integers(1, 6), replace=False)
        row[places] = numbers.integers(0, len(LETTERS), len(places))
    plan = design.Plan(mutations=5, designs=100, latents=8, strengths=[0.25, 1])
    labelled = (variants, charge(variants))
    return design.compare_designs(network, dictionary, labelled, wild, charge, plan, 24, draws, 0)[0]


def masked_loss(network: HookedNetwork, codes: np.ndarray, change: dict) -> float:
    """The cross entropy of masked letters, with what a module gives changed."""
    hidden = torch.rand(codes.shape, generator=torch.Generator().manual_seed(0)) < MASKED
    truth, total = torch.from_numpy(codes.astype(np.int64)), 0.0
    with network.replaced(change), torch.no_grad():
        for start in range(0, len(codes), BATCH):
            part = slice(start, start + BATCH)
            x = network.onehot(codes[part]) * ~hidden[part][..., None]
            total += float(cross_entropy(network.run(x)[hidden[part]], truth[part][hidden[part]], reduction="sum"))
    return total / int(hidden.sum())


def train_kept(variant: str, fitted: np.ndarray, site: Site, chosen: argparse.Namespace) -> Dictionary:
    """A dictionary of (N, width) vectors, trained unless it is kept; its settings have the CPU seconds that it took."""
    path = KEPT / f"{variant}-{LATENTS}-{K}-{chosen.steps}-{len(fitted)}.safetensors"
    if not path.exists():
        begun = time.process_time()
        training = Training(variant=variant, latents=LATENTS, k=K, steps=chosen.steps, batch=1024)
        made = train([fitted], [fitted], ((site,), (site,)), training, device=chosen.device)
        settings = {**made.settings, "seconds": time.process_time() - begun, "device": chosen.device}
        replace(made, settings=settings).save(path)
    return Dictionary.load(path)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", default=["dictionaries", "designs"], choices=["dictionaries", "designs"])
    parser.add_argument("--variants", nargs="+", default=["topk", "matryoshka"], help="the first designs")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--chains", type=int, default=100_000)
    parser.add_argument("--draws", type=int, default=4, help="of labels that designs learn from")
    chosen = parser.parse_args()
    chains = read_chains(FASTA)[: chosen.chains]
    with tempfile.TemporaryDirectory() as folder:
        network = open_network(chosen.wheel, Path(folder))
        masked = open_masked(network.source["path"])
    codes = network.template.alphabet.encode(chains)
    clusters = find_clusters(codes, IDENTITY)
    held = held_out(clusters, 0, ACTIVATION_STREAM)
    print(f"{clusters.max() + 1} clusters at {IDENTITY:.0%}; {int(held.sum())} chains are held out", flush=True)
    site, path = network.site(MODULE, "out", (1, 1)), KEPT / f"activations-{len(codes)}.npy"
    if not path.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        np.save(path, activations.collect(network, codes, [site], batch=BATCH)[site.key])
    kept = np.load(path, allow_pickle=False)
    fitted, labels = kept[~held].reshape(-1, site.width), label(chains)
    if "dictionaries" in chosen.parts:
        dictionaries = {variant: train_kept(variant, fitted, site, chosen) for variant in chosen.variants}
        measure(network, dictionaries, kept, codes, held, labels)
    if "designs" in chosen.parts:
        wild = codes[np.flatnonzero(held & labels["heavy"].any(1))[0]]
        rows = design_variants(masked, train_kept(chosen.variants[0], fitted, site, chosen), wild, chosen.draws)
        write("antibody_designs", rows, ["arm"])


def measure(
    network: HookedNetwork,
    dictionaries: dict[str, Dictionary],
    kept: np.ndarray,
    codes: np.ndarray,
    held: np.ndarray,
    labels: dict[str, np.ndarray],
) -> None:
    """Measure dictionaries on held-out chains, and what their latents say.

    Args:
        network: of one-hot letters.
        dictionaries: by variant.
        kept: (N, n, width) what the layer gives.
        codes: (N, n) uint8 codes.
        held: (N,) bool.
        labels: by concept (N, n) bool.
    """
    site = next(iter(dictionaries.values())).writes[0]
    fitted, tested = (kept[part].reshape(-1, site.width) for part in (~held, held))
    mean = torch.from_numpy(fitted.mean(0))
    clean = masked_loss(network, codes[held], {})
    without = masked_loss(network, codes[held], {site: lambda _, made: mean.expand_as(made)})
    pca = measures.pca_fvu(fitted, tested, K)
    for variant, dictionary in dictionaries.items():
        z = dictionary.encode(0, torch.from_numpy(tested))
        loss = masked_loss(network, codes[held], {site: lambda _, made, d=dictionary: d.decode([d.encode(0, made)], 0)})
        row = {
            "variant": variant, "latents": LATENTS, "k": K,
            **{key: dictionary.settings[key] for key in ("steps", "device", "seconds")},
            "fvu": measures.fvu(tested, dictionary.decode([z], 0).numpy()), "pca": pca,
            "l0": float((z > 0).sum(1).float().mean()), "dead": dead_share(z),
            "recovered": (without - loss) / (without - clean), "loss": loss, "loss_clean": clean, "loss_mean": without,
        }  # fmt: skip
        write("antibodies", [row], ["variant"])
        write("antibody_concepts", match(variant, dictionary, kept, labels, held), ["variant", "concept"])


def write(name: str, rows: list[dict[str, Any]], key: list[str]) -> None:
    """Put rows into a file of results, and print them."""
    merge_results(FOLDER / f"{name}.tsv", rows, key, list(rows[0]), "make benchmark-antibodies ARGS='--wheel FILE'")
    for row in rows:
        print("\t".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()), flush=True)


def dead_share(z: torch.Tensor) -> float:
    """The share of latents that are never active."""
    return float((z > 0).any(0).logical_not().float().mean())


def match(
    variant: str, dictionary: Dictionary, kept: np.ndarray, labels: dict[str, np.ndarray], held: np.ndarray
) -> list[dict[str, Any]]:
    """A row for each concept."""
    shown = np.any(list(labels.values()), (0, 2))  # chains with the framework: elsewhere nothing is known
    x, labels = kept[shown], {name: marks[shown] for name, marks in labels.items()}
    z = dictionary.encode(0, torch.from_numpy(x)).numpy()
    matched = concepts.match(labels, z, x, concepts.random_latents(x, LATENTS, K, 0), held[shown])
    return [{"variant": variant, **row} for row in matched]


if __name__ == "__main__":
    main()
