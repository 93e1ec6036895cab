"""Dictionaries: planted features are found, files are read back, runs go on from checkpoints."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from shapsketch.mechanism import measures
from shapsketch.mechanism.clusters import find_clusters, held_out
from shapsketch.mechanism.training import Training, train
from shapsketch.models.dictionary import Dictionary, keep_largest
from shapsketch.models.sites import Site
from shapsketch.settings.errors import InputError

WIDTH, FEATURES = 16, 24  # more features than numbers: superposition
SITES = ((Site("body", "out", 1, WIDTH, 0),), (Site("body", "out", 1, WIDTH, 0),))
SETTINGS = {"latents": 48, "k": 2, "steps": 1500, "batch": 512, "rate": 5e-3, "dead_after": 5000}


def planted(count, seed=0, width=WIDTH, features=FEATURES):
    """Sparse sums of known directions: (N, width) vectors, (N, features) codes, (features, width) directions."""
    draws = np.random.default_rng(seed)
    directions = np.random.default_rng(99).standard_normal((features, width))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    active = np.argsort(draws.random((count, features)), 1)[:, :2]
    codes = np.zeros((count, features))
    np.put_along_axis(codes, active, draws.uniform(0.5, 1.5, active.shape), 1)
    return (codes @ directions + 0.3).astype(np.float32), codes, directions


def cosines(dictionary, directions, layer=0):
    own = dictionary.w_dec[layer][0].numpy()
    return (directions @ (own / np.linalg.norm(own, axis=1, keepdims=True)).T).max(1)


@pytest.fixture(scope="module")
def fitted():
    vectors, _, directions = planted(20_000)
    return train([vectors], [vectors], SITES, Training(**SETTINGS)), vectors, directions


def test_every_planted_feature_in_superposition_is_found(fitted):
    dictionary, _, directions = fitted
    assert cosines(dictionary, directions).min() > 0.9
    held, codes, _ = planted(3000, seed=1)
    scores = measures.score_vectors(dictionary, [(held, held)], [(held, held)], 0)[0]
    assert scores["fvu"] < 0.03
    assert scores["l0"] <= 2
    assert scores["controls"]["pca"] > 10 * scores["fvu"]
    assert scores["controls"]["random"] > 5 * scores["fvu"]
    assert np.allclose(np.linalg.norm(dictionary.w_dec[0][0], axis=1), 1, atol=1e-5)
    active = dictionary.encode(0, torch.from_numpy(held)).numpy() > 0
    hits = (codes > 0).astype(float).T @ active / np.maximum(active.sum(0), 1)  # how often a latent's feature is there
    assert np.median(hits.max(0)[active.any(0)]) > 0.95


@pytest.mark.parametrize(("variant", "least"), [("relu", 0.9), ("batch_topk", 0.9), ("matryoshka", 0.5)])
def test_every_variant_finds_them(variant, least):
    vectors, _, directions = planted(20_000)
    dictionary = train([vectors], [vectors], SITES, Training(**SETTINGS | {"variant": variant, "l1": 0.2}))
    found = np.sort(cosines(dictionary, directions))
    assert found[2] > least, found
    scores = measures.score_vectors(dictionary, [(vectors, vectors)], [(vectors, vectors)], 0)[0]
    assert scores["fvu"] < scores["controls"]["pca"]
    assert scores["l0"] < 8


def test_a_cross_layer_transcoder_finds_what_is_written_later():
    """Features of the first layer that write to both, and others of the second."""
    x, codes, _ = planted(20_000)
    draws = np.random.default_rng(5)
    early, late = draws.standard_normal((2, FEATURES, 8))
    y0, x1 = codes @ early, draws.standard_normal((20_000, 8)).astype(np.float32)
    y1 = codes @ late + np.maximum(x1[:, :1], 0) * np.ones(8)
    sites = (
        (Site("a", "in", 1, WIDTH, 0), Site("b", "in", 1, 8, 0)),
        (Site("a", "out", 1, 8, 0), Site("b", "out", 1, 8, 0)),
    )
    inputs, targets = [x, x1], [y0.astype(np.float32), y1.astype(np.float32)]
    fvu = {}
    for kind in ("cross_layer", "transcoder"):
        dictionary = train(inputs, targets, sites, Training(**SETTINGS | {"kind": kind, "k": 4}))
        scores = measures.score_vectors(dictionary, list(zip(inputs, targets, strict=True)),
                                        list(zip(inputs, targets, strict=True)), 0)  # fmt: skip
        fvu[kind] = [row["fvu"] for row in scores]
        assert "linear" in scores[0]["controls"]
    assert max(fvu["cross_layer"]) < 0.1
    assert fvu["transcoder"][1] > 0.5  # the second layer's own input does not hold it


def test_files_come_back_and_speak_saelens(fitted, tmp_path):
    dictionary, vectors, _ = fitted
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


def test_a_broken_run_goes_on_and_gives_the_same_bytes(tmp_path):
    vectors, _, _ = planted(2000)
    own = Training(**SETTINGS | {"steps": 60, "variant": "batch_topk"})
    train([vectors], [vectors], SITES, own).save(tmp_path / "whole")
    steps = []

    def stop(count):
        steps.append(count)
        if sum(steps) == 45:
            raise KeyboardInterrupt

    kept = tmp_path / "state.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train([vectors], [vectors], SITES, own, checkpoint=kept, every=20, progress=stop)
    seen = []
    train([vectors], [vectors], SITES, own, checkpoint=kept, every=20, progress=seen.append).save(tmp_path / "resumed")
    assert seen[0] == 40
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "resumed").read_bytes()
    assert not kept.exists()


def test_stability_is_high_between_seeds_and_low_between_random_directions(fitted):
    dictionary, vectors, _ = fitted
    other = train([vectors], [vectors], SITES, Training(**SETTINGS | {"seed": 1}))
    assert measures.stability(dictionary, other) > 0.6
    assert measures.random_stability(dictionary, 0) < 0.4
    assert measures.stability(dictionary, dictionary) == 1.0
    summary = measures.over_seeds([1.0, 2.0, 3.0])
    assert summary["mean"] == 2.0
    assert np.allclose(summary["interval"], [2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5])
    assert measures.over_seeds([1.0, None]) is None


def test_measures_know_their_limits():
    draws = np.random.default_rng(0)
    y = draws.standard_normal((500, 6))
    assert measures.fvu(y, y) == 0
    assert np.isclose(measures.fvu(y, np.tile(y.mean(0), (500, 1))), 1)
    assert np.isclose(measures.pca_fvu(y, y, 6), 0, atol=1e-12)
    values = np.linalg.svd(y - y.mean(0), compute_uv=False) ** 2
    assert np.isclose(measures.pca_fvu(y, y, 2), values[2:].sum() / values.sum())
    assert measures.linear_fvu(y, y @ draws.standard_normal((6, 3)) + 1, y, y @ draws.standard_normal((6, 3))) > 0.1


def test_clusters_are_held_out_whole():
    draws = np.random.default_rng(0)
    leaders = draws.integers(0, 4, (30, 20)).astype(np.uint8)
    codes = np.repeat(leaders, 5, 0)
    codes[np.arange(150), draws.integers(0, 20, 150)] = 3  # one letter each
    clusters = find_clusters(codes, 0.8)
    assert (clusters.reshape(30, 5) == clusters.reshape(30, 5)[:, :1]).all()
    held = held_out(clusters, 0, 0)
    assert 0 < held.sum() <= 30
    assert all(len(set(held[clusters == c])) == 1 for c in set(clusters))
    assert np.array_equal(find_clusters(codes, 2.0), np.arange(150))


def test_mistakes_are_told(fitted, tmp_path):
    dictionary, vectors, _ = fitted
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
