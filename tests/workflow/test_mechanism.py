"""Inside planted networks, through the workflow: from activations to the page, a latent that is sketched, and designs.

One seed: intervals over seeds are tested with `mechanism/measures.py`.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shapsketch.spectrum.spectrum import Spectrum
from workflow.helpers import ROOT, Workspace

SETTINGS = {
    "model": "toy",
    "sequences": {"background": 1500},
    "modules": ["first", "second"],
    "shards": 2,
    "dictionary": {"kind": "cross_layer", "latents": 8, "k": 2, "steps": 150, "batch": 256, "seeds": 1, "rate": 0.04},
    "latents": {"sequences": 200, "effects": 8},
    "concepts": {"g": "G", "g_after_t": "T(G)"},
    "steer": {"sequences": 100, "latents": 2},
    "circuit": {"outputs": ["y"], "sequences": 60, "graphs": 1, "players": 3, "explained": 6},
    "probe": {"strength": {"path": "letters.csv", "label": "y", "labels": [24, 96], "draws": 5}},
}
# A masked language model that guesses from the composition, and designs with more G.
DESIGN = {
    "model": "masked",
    "sequences": {"background": 800},
    "modules": ["features"],
    "dictionary": {"latents": 8, "k": 2, "steps": 100, "batch": 256, "seeds": 1, "rate": 0.1},
    "design": {
        "path": "variants.csv", "label": "g", "wild_type": "AAAAATTTTT", "scorer": "count", "draws": 4, "designs": 40,
        "mutations": 3, "strengths": [0.5, 2],
    },
}  # fmt: skip
SCORER = "def predict(sequences):\n    return [float(s.count('G')) for s in sequences]\n"


def letters_of(count: int, n: int) -> list[str]:
    """Different sequences."""
    return ["".join(row) for row in np.unique(np.random.default_rng(0).choice(list("ACGT"), (count, n)), axis=0)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("mechanism") / "run")
    workspace.write("planted.py", (ROOT / "tests/planted.py").read_text())
    source = {"kind": "torch", "layout": "channels_first", "factory": "planted.py:network"}
    toy = {"source": source, "alphabet": "DNA", "template": "NNNNNN", "outputs": ["y"]}
    features = {
        "source": {"latents": {"mechanism": "inside", "pool": "sum"}},
        "outputs": {"z0": {"of": "0.0"}},
        "sketch": {"budget": 4096, "shards": 1},
    }
    tokens = {"vocabulary": [*"ACGT", "mask"], "mask": "mask"}
    workspace.write("planted_masked.py", (ROOT / "tests/planted_masked.py").read_text())
    workspace.write("count.py", SCORER)
    of_lm = {"kind": "torch", "factory": "planted_masked.py:network", "input": "tokens", "tokens": tokens}
    ten = {"alphabet": "DNA", "template": "N{10}"}
    masked, count = ten | {"source": of_lm, "outputs": ["x"]}, ten | {"outputs": ["g"]}
    count["source"] = {"kind": "python", "target": "count.py:predict"}
    for name, label, n in (("letters", "y", 6), ("variants", "g", 10)):
        rows = [f"{text},{text.count('G')}" for text in letters_of(300, n)]
        workspace.write(f"{name}.csv", "\n".join([f"sequence,{label}", *rows]) + "\n")
    workspace.configure(
        models={"toy": toy, "features": features, "masked": masked, "count": count},
        analyses="none",
        mechanism={"inside": SETTINGS, "designs": DESIGN},
    )
    workspace.run(
        "results/mechanism/inside/report.html",
        "results/features/spectrum/spectrum.npz",
        "results/mechanism/designs/designs.tsv",
    )
    return workspace


@pytest.fixture
def results(finished) -> Path:
    return finished.folder / "results/mechanism/inside"


def test_every_measure_has_its_control(results):
    kinds = json.loads((results / "dictionary.json").read_text())["kinds"]
    assert set(kinds) == {"cross_layer", "transcoder"}
    for scores in kinds.values():
        assert {"pca", "random", "linear"} <= set(scores["controls"]["fvu"])
        assert scores["r2"]["mean"] > 0.9


def test_planted_features_are_found_as_concepts(results):
    table = pd.read_csv(results / "concepts.tsv", sep="\t")
    best = table.groupby("concept")["f1"].max()
    assert best["g"] > 0.9
    assert (table["f1"] >= table["random_f1"]).mean() > 0.5


def test_the_circuit_has_scores_curves_and_players(results):
    circuit = json.loads((results / "circuits.json").read_text())["y"]
    assert circuit["needed"]["ablation"] < circuit["needed"]["random"]
    assert all(0 <= graph["replacement"] <= 1 and 0 <= graph["completeness"] <= 1 for graph in circuit["graphs"])
    assert len(circuit["players"]) == 3
    drawn = json.loads((results / "circuits" / circuit["graphs"][0]["file"]).read_text())
    assert {"metadata", "nodes", "links"} <= set(drawn)


def test_the_page_says_on_how_many_sequences_latents_were_read(results):
    page = (results / "report.html").read_text()
    assert "Read on 200 of the sequences" in page
    assert len(pd.read_parquet(results / "latents.parquet")) == 16


def test_probes_of_few_labels_stand_beside_their_controls(results):
    scores = pd.read_csv(results / "probes.tsv", sep="\t").set_index(["labels", "features"])
    assert set(scores.index.levels[1]) == {"latents", "layer", "onehot", "composition"}
    assert scores.loc[(96, "composition"), "score"] > 0.95  # the label is a count
    assert scores.loc[(96, "latents"), "score"] > scores.loc[(24, "onehot"), "score"]
    assert (scores["draws"] == 5).all()
    assert "Probe of" in (results / "report.html").read_text()


def test_designs_of_every_arm_are_scored_by_another_model(finished):
    folder = finished.folder / "results/mechanism/designs"
    arms = pd.read_csv(folder / "designs.tsv", sep="\t").set_index("arm")
    assert set(arms.index) == {"latents", "layer", "logits", "random", "means"}
    assert arms.loc["latents", "top"] > max(arms.loc["random", "top"], arms.loc["logits", "top"])
    proposals = pd.read_csv(folder / "proposals.tsv", sep="\t")
    changed = proposals["mutations"].str.split()
    assert changed.str.len().between(1, 3).all()
    assert (proposals["scorer"] == proposals["sequence"].str.count("G")).all()
    first = proposals.iloc[0]
    letters = list("AAAAATTTTT")
    for mutation in changed[0]:
        assert letters[int(mutation[1:-1]) - 1] == mutation[0]
        letters[int(mutation[1:-1]) - 1] = mutation[-1]
    assert "".join(letters) == first["sequence"]


def test_a_latent_is_sketched_like_an_output(finished):
    spectrum = Spectrum.load(finished.folder / "results/features/spectrum/spectrum.npz", "z0")
    assert spectrum.provenance["evaluations"] == 4096
    values = spectrum.shapley_values(["GATTGC"])
    assert values.sum() == pytest.approx(spectrum.predict(["GATTGC"])[0] - spectrum.intercept, abs=1e-9)
