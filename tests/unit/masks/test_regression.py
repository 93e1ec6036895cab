"""Regression on parities: what a search finds, with noise and without."""

from dataclasses import replace

import numpy as np
from mask_cases import planted

from shapsketch.masks import explain_game
from shapsketch.masks.equations import Data, fit
from shapsketch.masks.parities import Parities, signs, singles
from shapsketch.masks.plan import make_mask_plan
from shapsketch.masks.regression import closure, polish, pursue
from shapsketch.spectrum.metrics import r_squared


def test_a_search_needs_no_lattice():
    game, _ = planted(100, 10, (1, 5), "product")
    masks = np.random.default_rng(0).integers(0, 2, (3000, 100)).astype(np.uint8)
    values = game(masks)
    data = Data(signs(masks[300:]), values[300:], signs(masks[:300]), values[:300], 5)
    fitted = polish(data, pursue(data, singles(100, 5)[:1]))
    assert fitted.score > 1 - 1e-8
    assert Parities(100, fitted.supports, fitted.coefficients).energy_by_order()[1] > 0


def test_a_closure_is_what_products_leave_traces_of():
    masks = np.random.default_rng(1).integers(0, 2, (500, 9)).astype(np.uint8)
    table, values = signs(masks), np.zeros(500)
    known = np.array([[9] * 4, [0, 1, 9, 9], [1, 2, 3, 9], [7, 8, 9, 9], [5, 9, 9, 9]])
    data = Data(table, values, table, values, 4)
    found = closure(data, replace(fit(data, known, (0.1,)), coefficients=np.array([0, 3.0, 2, 1, 9])))
    expected = {(0,), (1,), (2,), (3,), (7,), (8,), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)}
    expected |= {(0, 1, 2), (0, 1, 3), (0, 2, 3), (0, 1, 2, 3)}
    assert sorted(tuple(i for i in row if i < 9) for row in found.tolist()) == sorted(expected)
    assert found[:2, 0].tolist() == [0, 1]  # of the strongest


def test_pairs_are_found_among_many_players_without_effects_of_their_own():
    rng = np.random.default_rng(0)
    pairs = np.sort(rng.permutation(600)[:30].reshape(15, 2), axis=1)

    def game(masks):
        return (1 - 2.0 * (masks[:, pairs].sum(2) % 2)).sum(1) + 3 * rng.normal(size=len(masks))

    found = explain_game(game, make_mask_plan(600, 4000, estimator="regression"), estimator="regression").parities
    strongest = found.supports[np.argsort(-np.abs(found.coefficients))[:15], :2]
    assert sorted(strongest.tolist()) == sorted(pairs.tolist())


def test_a_closure_finds_what_noise_hides():
    gains = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        supports = [rng.choice(100, 4, replace=False) for _ in range(20)]
        masks, fresh = (rng.integers(0, 2, (count, 100)).astype(np.uint8) for count in (3400, 4000))
        clean, truth = (sum(some[:, s].all(1) for s in supports).astype(float) for some in (masks, fresh))
        values = clean + rng.normal(size=3400) * clean.std() / 2
        data = Data(signs(masks[200:]), values[200:], signs(masks[:200]), values[:200], 5)
        rough = pursue(data, singles(100, 5)[:1])
        before, after = (
            r_squared(truth, Parities(100, fitted.supports, fitted.coefficients).predict(fresh))
            for fitted in (rough, polish(data, rough))
        )
        gains.append(after - before)
    assert min(gains) > -0.002
    assert np.mean(gains) > 0.01
