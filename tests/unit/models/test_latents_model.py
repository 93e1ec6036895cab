"""Latents as the outputs of a model: sketched, explained, refused."""

import dictionary_cases
import numpy as np
import planted
import pytest
import token_cases
import torch
import yaml

from shapsketch import sketch
from shapsketch.mechanism.activations import collect
from shapsketch.models import Model
from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.config import check_config, check_names
from shapsketch.settings.errors import InputError
from shapsketch.settings.mechanism import expand_latents

TEMPLATE = Template(Alphabet("ACGT"), "N" * planted.N)


@pytest.fixture
def source(root, tmp_path):
    own = {"layout": "channels_first", "factory": f"{root}/tests/planted.py:network"}
    network = HookedNetwork({"kind": "torch", **own}, TEMPLATE, ["y"])
    planted.exact_dictionary(network).save(tmp_path / "d.safetensors")
    return {"kind": "latents", **own, "dictionary": str(tmp_path / "d.safetensors")}


def test_latents_answer_as_models_do(source):
    codes = TEMPLATE.alphabet.encode(["TGAATG", "GGGGGG", "ATTTTT"])
    select = {"pair": {"of": "1.0"}, "g": {"of": "0.0"}}
    assert np.allclose(
        Model({**source, "select": select}, TEMPLATE, list(select))(codes), [[2 / 6, 2 / 6], [0, 1], [0, 0]]
    )
    for pool, wanted in [("sum", [2, 0, 0]), ("max", [1, 0, 0]), (2, [1, 0, 0]), (3, [0, 0, 0])]:
        model = Model({**source, "pool": pool, "select": {"pair": {"of": "1.0"}}}, TEMPLATE, ["pair"])
        assert np.allclose(model(codes)[:, 0], wanted)


def test_a_sketch_of_a_latent_says_what_was_planted(source):
    own = {**source, "pool": 2, "select": {"pair": {"of": "1.0"}}}
    spectrum = sketch(own, TEMPLATE.pattern, 5000, output="pair")
    values = spectrum.shapley_values(["TGAAAA"])[0]
    assert np.allclose(values[:2], (1 - 1 / 16) / 2, atol=0.02)
    assert np.abs(values[2:]).max() < 0.02


@pytest.mark.parametrize("keys", [{}, {"precision": "half"}, {"dtype": "bfloat16"}])
def test_latents_of_a_network_of_tokens_are_those_of_its_dictionary(root, tmp_path, monkeypatch, keys):
    """Through the config: what is said of the network is taken over, and the schema takes that."""
    monkeypatch.chdir(tmp_path)
    tokens = {"vocabulary": token_cases.VOCABULARY, "before": [0], "after": [2]}
    net = token_cases.network(tmp_path, "Language", input="tokens", tokens=tokens, **keys)
    looked = {"model": "net", "sequences": {"background": 10}, "modules": ["embed"], "special_tokens": [1, 1]}
    features = {"source": {"latents": {"mechanism": "look", "pool": "max"}}, "outputs": ["0", "3"]}
    models = {"net": {"source": net, "alphabet": "DNA", "template": "NNNNN"}, "features": features}
    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())
    config = check_config(expand_latents({"models": models, "mechanism": {"look": looked}}), schema)
    check_names(config, files=False)
    source = config["models"]["features"]["source"]

    network = HookedNetwork(net, token_cases.TEMPLATE, ["y"])
    site = network.site("embed", special=(1, 1))
    dictionary = dictionary_cases.at_random(site)
    dictionary.save(source["dictionary"])
    vectors = torch.from_numpy(collect(network, token_cases.CODES, [site])[site.key])
    wanted = dictionary.encode(0, vectors).amax(1)[:, [0, 3]].numpy()
    assert (wanted > 0).any(0).all()
    assert np.allclose(Model(source, token_cases.TEMPLATE, ["0", "3"])(token_cases.CODES), wanted, atol=1e-6)


def test_mistakes_are_told(source):
    for changes, sentence in [
        ({"select": {"x": {"of": "7.1"}}}, r"has no latent '7.1'; they are 0.0 to 1.1"),
        ({"pool": 9, "select": {"x": {"of": "0.1"}}}, r"have positions 1 to 6; pool is 9"),
        ({"dictionary": "none.safetensors"}, r"none.safetensors does not exist"),
    ]:
        with pytest.raises(InputError, match=sentence):
            Model({**source, **changes}, TEMPLATE, ["x"])


def test_the_config_names_latents_by_their_mechanism(root):
    text = """
models:
  net: {source: {kind: torch, layout: flat, factory: "net.py:make", path: w.pt}, alphabet: DNA, template: NNNN}
  features: {source: {latents: {mechanism: look, pool: max}}, outputs: {a: {of: "3"}}}
sequences: {some: {path: some.fa}}
mechanism: {look: {model: net, sequences: some, modules: [body]}}
"""
    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())
    config = check_config(expand_latents(yaml.safe_load(text)), schema)
    check_names(config, files=False)
    own = config["models"]["features"]
    assert own["source"]["kind"] == "latents"
    assert own["source"]["dictionary"] == "results/mechanism/look/dictionaries/sae/0.safetensors"
    assert (own["source"]["factory"], own["template"], own["source"]["pool"]) == ("net.py:make", "NNNN", "max")
    with pytest.raises(InputError, match=r"source.latents.mechanism is 'lok', which is not under mechanism: look"):
        expand_latents(yaml.safe_load(text.replace("mechanism: look,", "mechanism: lok,")))
    with pytest.raises(InputError, match=r"source.latents reads every position, and mechanism.look has pool: mean"):
        expand_latents(yaml.safe_load(text.replace("look: {model", "look: {pool: mean, model")))
    third = expand_latents(yaml.safe_load(text.replace("pool: max", "seed: 2")))["models"]["features"]
    assert third["source"]["dictionary"] == "results/mechanism/look/dictionaries/sae/2.safetensors"
    for seed in ("-1", "1.5", "true", "null", "one", "../0"):
        with pytest.raises(InputError, match=r"source.latents.seed is .*; it must be a whole number from 0, that of a"):
            expand_latents(yaml.safe_load(text.replace("pool: max", f"seed: {seed}")))
    with pytest.raises(InputError, match=r"unknown key 'pols' at models.features.source.latents"):
        expand_latents(yaml.safe_load(text.replace("pool:", "pols:")))
