"""Dictionaries: files are read back and speak SAELens; mistakes are told."""

import json

import pytest
import torch
from dictionary_cases import SETTINGS, SITES, WIDTH, fitted
from safetensors.torch import load_file

from shapsketch.mechanism.training import Training, train
from shapsketch.models.dictionary import Dictionary, keep_largest
from shapsketch.settings.errors import InputError


def test_files_come_back_and_speak_saelens(tmp_path):
    dictionary, vectors, _ = fitted()
    dictionary.save(tmp_path / "d.safetensors")
    again = Dictionary.load(tmp_path / "d.safetensors")
    again.save(tmp_path / "again.safetensors")
    assert (tmp_path / "d.safetensors").read_bytes() == (tmp_path / "again.safetensors").read_bytes()
    x = torch.from_numpy(vectors[:50])
    wanted = dictionary.encode(0, x)
    assert torch.equal(again.encode(0, x), wanted)
    dictionary.export(tmp_path / "out")
    config = json.loads((tmp_path / "out/body/cfg.json").read_text())
    assert (config["architecture"], config["k"], config["d_in"], config["d_sae"]) == ("topk", 2, WIDTH, 48)
    weights = load_file(tmp_path / "out/body/sae_weights.safetensors")
    assert {name: tuple(t.shape) for name, t in weights.items()} == {
        "W_enc": (WIDTH, 48), "W_dec": (48, WIDTH), "b_enc": (48,), "b_dec": (WIDTH,),
    }  # fmt: skip
    # as SAELens computes it: (x - b_dec) W_enc + b_enc, TopK, ReLU; z W_dec + b_dec
    latents = keep_largest((x - weights["b_dec"]) @ weights["W_enc"] + weights["b_enc"], 2)
    assert torch.allclose(latents, wanted, atol=1e-4)
    made = latents @ weights["W_dec"] + weights["b_dec"]
    assert torch.allclose(made, dictionary.decode([wanted], 0), atol=1e-4)


def test_mistakes_are_told(tmp_path):
    dictionary, vectors, _ = fitted()
    for changes, sentence in [
        ({"k": 60}, "dictionary.k is 60, more than the 48 latents"),
        ({"kind": "transcoder", "variant": "matryoshka"}, "matryoshka is for the kind sae"),
    ]:
        with pytest.raises(InputError, match=sentence):
            train([vectors], [vectors], SITES, Training(**SETTINGS | changes))
    with pytest.raises(InputError, match="and there are none"):
        train([vectors[:0]], [vectors[:0]], SITES, Training(**SETTINGS))
    with pytest.raises(InputError, match=r"has no latent '99'; they are 0 to 47"):
        dictionary.locate("99")
    assert dictionary.locate("47") == (0, 47)
    (tmp_path / "bad").write_bytes(b"bad")
    with pytest.raises(InputError, match="is damaged or no safetensors file"):
        Dictionary.load(tmp_path / "bad")
    with pytest.raises(InputError, match="does not exist"):
        Dictionary.load(tmp_path / "none")
