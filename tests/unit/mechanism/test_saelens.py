"""SAELens reads the dictionaries that are exported for it, and computes the same; `pip install sae-lens` first."""

import json

import pytest
import torch

from shapsketch.models.dictionary import Dictionary
from shapsketch.models.sites import Site

LATENTS, K = 40, 4


def dictionary_of(kind, activation, written):
    draws = torch.Generator().manual_seed(0)
    read = written if kind == "sae" else 12
    sites = (Site("body", "out" if kind == "sae" else "in", 1, read, 0),), (Site("body", "out", 1, written, 0),)
    shapes = [(read, LATENTS), (LATENTS,), (LATENTS, written), (written,)]
    w_enc, b_enc, w_dec, b_dec = (torch.randn(shape, generator=draws) for shape in shapes)
    thresholds = (torch.full((LATENTS,), 1.5),) if activation == "threshold" else ()
    k = 0 if activation == "relu" else K
    return Dictionary(kind, activation, k, *sites, (w_enc,), (b_enc,), ((w_dec,),), (b_dec,), thresholds, {})


@pytest.mark.peers
@pytest.mark.parametrize(
    ("kind", "activation", "written"),
    [*[("sae", a, 12) for a in ("topk", "relu", "threshold")],
     ("transcoder", "topk", 12), ("transcoder", "relu", 7), ("transcoder", "threshold", 7)],
)  # fmt: skip
def test_saelens_computes_the_same(tmp_path, kind, activation, written):
    sae_lens = pytest.importorskip("sae_lens", reason="sae-lens is not installed")
    dictionary = dictionary_of(kind, activation, written)
    dictionary.export(tmp_path)
    theirs = sae_lens.SAE.load_from_disk(tmp_path / "body", device="cpu")
    x = torch.randn(500, 12, generator=torch.Generator().manual_seed(1))
    latents = dictionary.encode(0, x)
    with torch.no_grad():
        wanted, made = theirs.encode(x), theirs.decode(theirs.encode(x))
    assert 0 < (latents > 0).float().mean() < 1
    assert torch.allclose(latents, wanted, atol=1e-5)
    assert torch.allclose(dictionary.decode([latents], 0), made, atol=1e-5)


@pytest.mark.peers
def test_saelens_refuses_what_it_would_misread(tmp_path):
    sae_lens = pytest.importorskip("sae_lens", reason="sae-lens is not installed")
    dictionary_of("transcoder", "topk", 7).export(tmp_path)
    with pytest.raises(KeyError, match="topk_transcoder"):
        sae_lens.SAE.load_from_disk(tmp_path / "body", device="cpu")


def test_a_transcoder_with_topk_is_never_called_one_with_relu(tmp_path):
    for written, name in [(12, "topk"), (7, "topk_transcoder")]:
        dictionary_of("transcoder", "topk", written).export(tmp_path)
        config = json.loads((tmp_path / "body/cfg.json").read_text())
        assert (config["architecture"], config["apply_b_dec_to_input"], config["k"]) == (name, False, K)
