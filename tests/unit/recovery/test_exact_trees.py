"""Dividends of trees are exact."""

import numpy as np
import pytest
import tree_cases
from tree_cases import CODES, TEMPLATE

from oracles import all_codes, coalition_values, shapley_values
from shapsketch.models.ensemble import Ensemble, Tree
from shapsketch.models.trees_model import read_ensemble
from shapsketch.recovery.exact_trees import exact_spectra
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    return tree_cases.deep(tmp_path_factory.mktemp("deep"))


@pytest.mark.parametrize("pattern", ["NNNNNN", "NCNRNN"])
@pytest.mark.parametrize("background", ["uniform", "skewed"])
def test_dividends_are_exact(deep, pattern, background):
    template = Template(Alphabet("ACGT"), pattern)
    weights = {"A": 1, "C": 2, "G": 3, "T": 4}
    background = (
        Background.uniform(template) if background == "uniform" else Background.from_frequencies(template, weights)
    )
    ensemble = read_ensemble(deep, template, ["y"])
    ((intercept, terms),) = exact_spectra(ensemble, background)
    local = all_codes(tuple(template.sizes))
    truth = ensemble.predict(template.to_alphabet(local))[:, 0]
    np.testing.assert_allclose(intercept + terms.predict(local), truth, atol=1e-9)
    cube = truth.reshape(template.sizes)
    for x in local[:: len(local) // 5]:
        game = coalition_values(cube, background.local, x)
        np.testing.assert_allclose(terms.shapley_values(x[None])[0], shapley_values(game, template.n), atol=1e-9)


def test_orders_can_be_limited(deep):
    ensemble, background = read_ensemble(deep, TEMPLATE, ["y"]), Background.uniform(TEMPLATE)
    ((intercept, terms),) = exact_spectra(ensemble, background)
    ((same, limited),) = exact_spectra(ensemble, background, max_order=2)
    assert terms.orders.max() > 3
    assert limited.orders.max() == 2
    assert same == intercept
    kept = terms.select(terms.orders <= 2)
    np.testing.assert_allclose(limited.predict(CODES), kept.predict(CODES), atol=1e-12)
    ((_, few),) = exact_spectra(ensemble, background, most_cells=3000)
    assert 1 <= few.orders.max() < terms.orders.max()


def test_long_paths_end_in_time():
    """One tree that asks for all of 30 positions in turn: 2^30 dividends, of which the lower orders are kept."""
    template = Template(Alphabet("ACGT"), "N" * 30)
    inner = np.arange(30)
    tree = Tree(
        np.append(inner, np.full(31, -1)),
        np.tile(np.arange(4) < 2, (61, 1)),
        np.append(np.append(inner[1:], 60), np.zeros(31, int)),
        np.append(30 + inner, np.zeros(31, int)),
        np.append(np.zeros(30), np.arange(31.0)),
    )
    ensemble = Ensemble.collect([tree], [0], np.zeros(1))
    assert ensemble.depth == 30
    ((intercept, terms),) = exact_spectra(ensemble, Background.uniform(template))
    assert terms.orders.max() == 3
    assert intercept == pytest.approx(sum(leaf * 0.5 ** (leaf + 1) for leaf in range(30)) + 30 * 0.5**30)
