"""Training finds planted features, and goes on from checkpoints to the same bytes.

Covers also: optimisation, vectors, weights.
"""

import numpy as np
import pytest
import torch
from dictionary_cases import FEATURES, SETTINGS, SITES, WIDTH, fitted, planted

from shapsketch.mechanism import measures
from shapsketch.mechanism.activations import Activations, describe, write_shard
from shapsketch.mechanism.training import Training, train
from shapsketch.mechanism.vectors import Split, spread
from shapsketch.models.sites import Site


def cosines(dictionary, directions, layer=0):
    written = dictionary.w_dec[layer][0].numpy()
    return (directions @ (written / np.linalg.norm(written, axis=1, keepdims=True)).T).max(1)


def test_every_planted_feature_in_superposition_is_found():
    dictionary, _, directions = fitted()
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


@pytest.mark.parametrize(
    ("variant", "least", "changes"),
    [("relu", 0.85, {"l1": 0.2, "batch": 512, "rate": 0.05}), ("batch_topk", 0.9, {}), ("matryoshka", 0.9, {})],
)
def test_every_variant_finds_them(variant, least, changes):
    vectors, _, directions = planted(10_000)
    dictionary = train([vectors], [vectors], SITES, Training(**SETTINGS | {"variant": variant} | changes))
    best = np.sort(cosines(dictionary, directions))
    assert best[0] > least, best
    scores = measures.score_vectors(dictionary, [(vectors, vectors)], [(vectors, vectors)], 0)[0]
    assert scores["fvu"] < scores["controls"]["pca"]
    assert scores["l0"] < 8


def test_a_cross_layer_transcoder_finds_what_is_written_later():
    """Features of the first layer that write to both, and others of the second."""
    x, codes, _ = planted(10_000)
    draws = np.random.default_rng(5)
    early, late = draws.standard_normal((2, FEATURES, 8))
    y0, x1 = codes @ early, draws.standard_normal((10_000, 8)).astype(np.float32)
    y1 = codes @ late + np.maximum(x1[:, :1], 0) * np.ones(8)
    sites = (
        (Site("a", "in", 1, WIDTH, 0), Site("b", "in", 1, 8, 0)),
        (Site("a", "out", 1, 8, 0), Site("b", "out", 1, 8, 0)),
    )
    inputs, targets = [x, x1], [y0.astype(np.float32), y1.astype(np.float32)]
    fvu = {}
    for kind in ("cross_layer", "transcoder"):
        dictionary = train(inputs, targets, sites, Training(**SETTINGS | {"kind": kind, "k": 4, "steps": 150}))
        scores = measures.score_vectors(dictionary, list(zip(inputs, targets, strict=True)),
                                        list(zip(inputs, targets, strict=True)), 0)  # fmt: skip
        fvu[kind] = [row["fvu"] for row in scores]
        assert "linear" in scores[0]["controls"]
    assert max(fvu["cross_layer"]) < 0.1
    assert fvu["transcoder"][1] > 0.5  # the second layer's own input does not hold it


def test_a_broken_run_goes_on_and_gives_the_same_bytes(tmp_path):
    vectors, _, _ = planted(2000)
    training = Training(**SETTINGS | {"steps": 60, "variant": "batch_topk"})
    train([vectors], [vectors], SITES, training).save(tmp_path / "whole")
    steps = []

    def stop(count):
        steps.append(count)
        if sum(steps) == 45:
            raise KeyboardInterrupt

    kept = tmp_path / "state.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train([vectors], [vectors], SITES, training, checkpoint=kept, every=20, progress=stop)
    copy = tmp_path / "copy.safetensors"
    for part, first in ((vectors, 40), (vectors[:-1], 0)):  # of other vectors, such as a smaller share of the sequences
        copy.write_bytes(kept.read_bytes())
        seen = []
        train([part], [part], SITES, training, checkpoint=copy, every=20, progress=seen.append)
        assert seen[0] == first
    seen = []
    train([vectors], [vectors], SITES, training, checkpoint=kept, every=20, progress=seen.append).save(
        tmp_path / "resumed"
    )
    assert seen[0] == 40
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "resumed").read_bytes()
    assert not kept.exists()


def test_layers_of_other_numbers_of_positions_are_trained_together():
    vectors = planted(300, seed=2)[0]
    layers = [vectors, vectors[:120]]
    sites = tuple(Site(f"body{k}", "out", 1, WIDTH, 0) for k in range(2))
    training = Training(kind="sae", latents=16, k=2, steps=30, batch=32)
    made = train(layers, layers, (sites, sites), training)
    again = train([layers[0], layers[0]], [layers[0], layers[0]], (sites, sites), training)
    assert made.layers == 2
    assert torch.equal(made.w_enc[0], again.w_enc[0])  # what the other layer holds is not this one's matter


def test_rows_of_sorted_files_are_spread_and_halves_share_no_cluster(tmp_path):
    site, count = SITES[0][0], 400
    letters = np.repeat(np.arange(4), count // 4)[:, None].repeat(6, 1).astype(np.uint8)  # sorted by the first letter
    letters[:, 1:] = np.random.default_rng(0).integers(0, 4, (count, 5))
    letters[1::2] = letters[::2]  # every other one is the same again
    kept = {site.key: np.zeros((count, 1, WIDTH), np.float32)}
    write_shard(str(tmp_path / "a.safetensors"), kept, letters, describe([site], {}, "none"))
    split = Split(Activations((str(tmp_path / "a.safetensors"),)), 1.0, 0)
    halves = split.halves(60)
    for rows in (spread(split.held_rows, 40), *halves):
        shares, of_all = (np.bincount(letters[k, 0], minlength=4) / len(k) for k in (rows, split.held_rows))
        assert np.abs(shares - of_all).max() < 0.12
    assert abs(len(halves[0]) - len(halves[1])) <= 2
    assert not set(split.clusters[halves[0]]) & set(split.clusters[halves[1]])
    assert split.is_held[np.concatenate(halves)].all()
    vars(split)["clusters"] = np.where(split.held_rows[:, None] == np.arange(count), 1, 0).max(0)  # one and another
    vars(split)["clusters"][split.held_rows[:2]] = 2
    assert [len(rows) for rows in split.halves(60)] == [30, 30]
