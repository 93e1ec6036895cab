"""Sums of parities: dividends and indices against exact enumeration, long and short ways."""

from dataclasses import replace

import numpy as np
import pytest
import shapiq
from mask_cases import all_masks

from oracles import dividends
from shapsketch.masks import explain_game, parities
from shapsketch.masks.parities import Parities, normalise
from shapsketch.masks.plan import make_mask_plan
from shapsketch.masks.sparse_transform import exact
from shapsketch.spectrum.indices import WEIGHTS, interaction_map


@pytest.fixture(scope="module")
def small():
    """A random game of 6 players, transformed exactly, and its values by coalition."""
    values = np.random.default_rng(3).normal(size=64)
    masks = all_masks(6)
    plan = make_mask_plan(6, 64, noisy=False)
    found = explain_game(lambda asked: values[asked @ (1 << np.arange(6)[::-1])], plan)
    return found.parities, {tuple(np.flatnonzero(row).tolist()): v for row, v in zip(masks, values, strict=True)}


def test_exact_dividends_equal_the_definition(small):
    parities, values = small
    wanted = dividends(values)
    supports, found = parities.dividends
    assert len(found) == 64
    rows = [tuple(s[s < 6].tolist()) for s in supports]
    assert np.abs(found - [wanted[s] for s in rows]).max() < 1e-12
    assert parities.empty == pytest.approx(values[()])
    asked = [values[tuple(np.flatnonzero(row).tolist())] for row in all_masks(6)]
    assert np.abs(parities.predict(all_masks(6)) - asked).max() < 1e-12


@pytest.mark.parametrize("index", WEIGHTS)
def test_indices_equal_exact_enumeration(small, index):
    parities, values = small
    game = lambda masks: np.array([values[tuple(np.flatnonzero(row).tolist())] for row in np.atleast_2d(masks)])  # noqa: E731
    exact = shapiq.ExactComputer(game, n_players=6)(index, order=1 if index in ("SV", "BV") else 3)
    mapping = interaction_map(parities.terms, index, 3)
    found = mapping.apply(parities.terms.dividends(np.ones((1, 6), np.uint8)))[0]
    wanted = [exact.dict_values[support] for support in mapping.supports]
    # shapiq solves FSII by least squares with a very large weight, which costs it digits
    assert np.abs(found - wanted).max() < (1e-8 if index == "FSII" else 1e-10)


def test_dense_games_take_the_short_way_to_the_same(monkeypatch):
    rng = np.random.default_rng(3)
    found = exact(rng.normal(size=1 << 7))
    supports, dividends = found.dividends
    values = found.predict(all_masks(7))
    monkeypatch.setattr(parities, "MAX_DENSE_PLAYERS", 0)
    again = replace(found)
    assert np.array_equal(again.dividends[0], supports)
    assert np.allclose(again.dividends[1], dividends, atol=1e-11)
    assert np.allclose(again.predict(all_masks(7)), values, atol=1e-12)


def test_products_of_parities_lose_what_is_there_twice():
    rows = np.array([[0, 3, 9, 3], [5, 9, 9, 5], [1, 2, 3, 4], [9, 9, 9, 9]])
    assert normalise(rows, 9).tolist() == [[0, 9, 9, 9], [9, 9, 9, 9], [1, 2, 3, 4], [9, 9, 9, 9]]


@pytest.mark.parametrize("players", [6, 40])
def test_weights_on_dividends_are_weights_on_coefficients(players):
    """Both ways, dense and sparse, the sum is the same."""
    rng = np.random.default_rng(0)
    drawn = [rng.choice(players, 3, replace=False) for _ in range(30)]
    supports = parities.union(players, np.sort(np.vstack([np.full(3, players), *drawn]), axis=1))
    found = Parities(players, supports, rng.normal(size=len(supports)))
    dividends = found.dividends[1]
    weights = rng.normal(size=(4, len(dividends)))
    assert found.pull_back(weights).T @ found.coefficients == pytest.approx(weights @ dividends)


@pytest.mark.parametrize("players", [1, 6, 40])
def test_no_weights_on_dividends_are_none_on_coefficients(players):
    supports = parities.singles(players, 1)
    found = Parities(players, supports, np.ones(len(supports)))
    assert found.pull_back(np.zeros((0, len(supports)))).shape == (len(supports), 0)
