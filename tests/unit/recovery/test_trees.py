"""Boosted trees become dividends exactly."""

from string import ascii_letters, digits

import numpy as np
import pytest

from recovery_cases import sketch_of
from shapsketch.recovery import recover, standardised, trees
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template


def test_trees_become_dividends_exactly(monkeypatch):
    template = Template(Alphabet("ACGT"), "NRNNNAN")
    background = Background.from_weights(template, np.random.default_rng(0).uniform(0.2, 1, (7, 4)))
    noise = np.random.default_rng(1)
    sketch = sketch_of(
        lambda c: c[:, 0] * c[:, 2] + noise.normal(size=len(c)), template, background, budget=900, design="random"
    )
    boosters = []
    train = trees.lgb.train
    monkeypatch.setattr(trees.lgb, "train", lambda *a, **k: boosters.append(train(*a, **k)) or boosters[-1])
    spectrum = recover(sketch, 0, estimator="trees").spectrum
    codes, values = sketch.samples("train")
    onehot = codes[:, np.repeat(np.arange(7), template.sizes)] == np.concatenate([*map(np.arange, template.sizes)])
    expected = values.mean() + values.std() * boosters[0].predict(onehot.astype(float))
    assert np.abs(spectrum.intercept + spectrum.terms.predict(codes) - expected).max() < 1e-9
    for t, support in enumerate(spectrum.terms.supports):
        for axis, i in enumerate(support):
            mean = np.tensordot(spectrum.terms.table(t), background.local[i], (axis, 0))
            assert np.abs(mean).max() < 1e-9


def test_candidates_are_the_supports_of_all_dividends():
    template = Template(Alphabet("ACGT"), "NRNNNAN")
    background = Background.uniform(template)
    sketch = sketch_of(lambda c: c[:, 0] * c[:, 2] + c[:, 6] * c[:, 1], template, budget=900, design="random")
    samples, _ = standardised(sketch, 0, 1)
    supports = trees.split_supports(samples)
    _, boosted = trees._boost(samples, trees.DEPTH, trees.FEW_TREES)
    assert supports == trees.Leaves.collect(boosted, background).dividends()[1].supports


def test_trees_take_an_alphabet_of_64_letters():
    template = Template(Alphabet(ascii_letters + digits + "+/"), "**")
    last, all_but_five = 1 << 63, (1 << 64) - 1 - (1 << 5)
    paths = [{0: last}, {0: all_but_five, 1: last | 1}]
    intercept, terms = trees.Leaves(Background.uniform(template), np.array([1.0, 2.0]), paths).dividends()
    codes = np.array([[63, 63], [63, 1], [5, 0], [6, 0]], np.uint8)
    np.testing.assert_allclose(intercept + terms.predict(codes), [3, 1, 0, 2], atol=1e-12)
    sketch = sketch_of(lambda c: (c[:, 0] == 63) + 0.0, template, budget=2_000, design="random")
    found = recover(sketch, 0, estimator="trees").spectrum
    np.testing.assert_allclose(found.predict_codes(codes), [1, 1, 0, 0], atol=0.1)


@pytest.mark.parametrize(
    ("letters", "positions", "depth"), [(4, 24, 5), (4, 200, 5), (20, 4, 5), (20, 10, 4), (20, 56, 2), (20, 1, 5)]
)
def test_trees_are_as_deep_as_tables_of_their_dividends_may_be_large(letters, positions, depth, monkeypatch):
    monkeypatch.setattr(trees, "MAX_TREES", 8_000)
    assert trees.affordable_depth(np.full(positions, letters)) == depth
