"""Regression on dividends: sets that act where all of them are present are found in noise, and are exact parities."""

import numpy as np
import pytest
from mask_cases import all_masks, planted

from shapsketch.masks import explain_game
from shapsketch.masks.dividends import _exchange, indicators, pursue, to_parities
from shapsketch.masks.equations import Data, fit
from shapsketch.masks.fits import fit_game
from shapsketch.masks.parities import features, signs, singles
from shapsketch.masks.plan import make_mask_plan
from shapsketch.spectrum.metrics import r_squared


def _masks(count, players, seed=0):
    return np.random.default_rng(seed).integers(0, 2, (count, players)).astype(np.uint8)


def _data(masks, values, width=5, checking=300):
    table = signs(masks)
    return Data(table[:, checking:], values[checking:], table[:, :checking], values[:checking], width)


def _guess(fitted, masks):
    return fitted.coefficients @ features(indicators(signs(masks)), fitted.supports)


def _members(supports, players):
    return {tuple(i for i in row if i < players) for row in supports.tolist()}


def test_dividends_are_parities():
    rng = np.random.default_rng(0)
    supports = np.array([[8] * 4, [3, 8, 8, 8], [1, 3, 8, 8], [0, 3, 5, 8], [1, 2, 3, 7]])
    dividends = rng.normal(size=5)
    parities, matrix = to_parities(8, supports, dividends)
    masks = all_masks(8)
    expected = dividends @ features(indicators(signs(masks)), supports)
    assert np.allclose(parities.predict(masks), expected, rtol=0, atol=1e-12)
    assert np.allclose(matrix @ dividends, parities.coefficients, rtol=0, atol=1e-15)
    back, values = parities.dividends
    found = {tuple(row): value for row, value in zip(back.tolist(), values.tolist(), strict=True) if abs(value) > 1e-12}
    assert found == pytest.approx({tuple(s): a for s, a in zip(supports.tolist(), dividends, strict=True)})


def test_without_noise_the_search_is_exact():
    game, _ = planted(100, 10, (1, 5), "product")
    masks = _masks(3000, 100)
    fitted = pursue(_data(masks, game(masks)))
    fresh = _masks(2000, 100, seed=1)
    assert r_squared(game(fresh), _guess(fitted, fresh)) > 1 - 1e-10


def test_sets_are_found_that_noise_hides_from_parities():
    rng = np.random.default_rng(3)
    sets = [rng.choice(120, size, replace=False) for size in rng.integers(3, 6, 20)]
    weights = rng.choice([-1, 1], 20) * rng.uniform(1, 2, 20)
    scale = 0.5 * (weights @ np.array([_masks(4000, 120)[:, s].all(1) for s in sets])).std()

    def clean(masks):
        return weights @ np.array([masks[:, s].all(1) for s in sets], float)

    def game(masks):
        return clean(masks) + scale * np.random.default_rng(7).normal(size=len(masks))

    fresh, plan = _masks(4000, 120, seed=9), make_mask_plan(120, 4000)
    scores = {}
    for estimator in ("regression", "auto"):
        found = explain_game(game, plan, estimator=estimator)
        scores[estimator] = r_squared(clean(fresh), found.parities.predict(fresh))
    assert found.record["estimator"] == "dividends"
    assert 1 - scores["auto"] < 0.25 * (1 - scores["regression"]), scores


def test_parities_stay_where_players_act_by_their_signs():
    game, _ = planted(60, 6, (3, 4), "parity")
    plan = make_mask_plan(60, 4000, noisy=False)
    assert explain_game(game, plan).record["estimator"] == "fourier + regression"


def test_sets_are_exchanged_for_their_neighbours():
    masks = _masks(4000, 30)
    values = 2.0 * masks[:, [1, 4, 9]].all(1) - masks[:, [2, 3]].all(1) + masks[:, 7]
    table = indicators(signs(masks))
    data = Data(table[:, 300:], values[300:].astype(float), table[:, :300], values[:300].astype(float), 3)
    near = np.array([[30, 30, 30], [1, 4, 30], [2, 3, 11], [7, 30, 30]])  # one is too small, and one too large
    fitted = fit(data, near, (1e-9,), reweightings=0)
    exchanged = _exchange(data, fitted)
    assert _members(exchanged, 30) == {(), (1, 4, 9), (2, 3), (7,)}
    right = fit(data, exchanged, (1e-9,), reweightings=0)
    assert np.array_equal(_exchange(data, right), exchanged)


def test_of_noise_little_is_let_in():
    masks, fresh = _masks(3000, 50), _masks(3000, 50, seed=1)
    for seed in range(4):
        found = pursue(_data(masks, np.random.default_rng(seed).normal(size=3000)))
        assert _guess(found, fresh).std() < 0.1
    silent = pursue(_data(masks, np.full(3000, 2.5)))
    assert np.array_equal(silent.supports, singles(50, 5)[:1])


def test_variances_of_dividends_are_those_of_their_parities():
    plan, fresh = make_mask_plan(20, 1500, estimator="dividends"), _masks(500, 20, seed=1)
    squares, variances = [], []
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(size=len(plan.masks))
        found = fit_game(plan, 3.0 * plan.masks[:, [2, 5]].all(1) + noise, 3.0, "dividends", 5)
        missed = found.parities.predict(fresh) - 3.0 * fresh[:, [2, 5]].all(1)
        squares.append(np.square(missed).mean())
        variances.append(found.variances(features(signs(fresh), found.parities.supports).astype(np.float64)).mean())
    assert 0.5 < np.median(squares) / np.median(variances) < 2
