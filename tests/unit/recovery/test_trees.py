"""Boosted trees become dividends exactly."""

import numpy as np

from recovery_cases import sketch_of
from shapsketch.recovery import recover, trees
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
