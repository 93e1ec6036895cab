"""Inside a planted network, through the workflow: from activations to the page, and a latent that is sketched."""

import json
from pathlib import Path

import pandas as pd
import pytest

from shapsketch.spectrum.spectrum import Spectrum
from workflow.helpers import ROOT, Workspace

SETTINGS = {
    "model": "toy",
    "sequences": {"background": 1500},
    "modules": ["first", "second"],
    "shards": 2,
    "dictionary": {"kind": "cross_layer", "latents": 8, "k": 2, "steps": 800, "batch": 256, "seeds": 2, "rate": 0.01},
    "latents": {"sequences": 200, "effects": 8},
    "concepts": {"g": "G", "g_after_t": "T(G)"},
    "steer": {"sequences": 100, "latents": 2},
    "circuit": {"outputs": ["y"], "sequences": 60, "graphs": 1, "players": 3},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("mechanism") / "run")
    workspace.write("planted.py", (ROOT / "tests/planted.py").read_text())
    source = {"kind": "torch", "layout": "channels_first", "factory": "planted.py:network"}
    toy = {"source": source, "alphabet": "DNA", "template": "NNNNNN", "outputs": ["y"]}
    features = {
        "source": {"latents": {"mechanism": "inside", "pool": "sum"}},
        "outputs": {"z0": {"of": "0.0"}},
        "sketch": {"budget": 4096},
    }
    workspace.configure(models={"toy": toy, "features": features}, analyses="none", mechanism={"inside": SETTINGS})
    workspace.run("results/mechanism/inside/report.html", "results/features/spectrum/spectrum.npz")
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


def test_a_latent_is_sketched_like_an_output(finished):
    spectrum = Spectrum.load(finished.folder / "results/features/spectrum/spectrum.npz", "z0")
    assert spectrum.provenance["evaluations"] == 4096
    values = spectrum.shapley_values(["GATTGC"])
    assert values.sum() == pytest.approx(spectrum.predict(["GATTGC"])[0] - spectrum.intercept, abs=1e-9)
