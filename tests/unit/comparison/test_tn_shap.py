"""TN-SHAP: what a tree says of its game is exact; with evaluations enough, its game is the model's."""

from itertools import combinations

import numpy as np
import pytest
import torch

from baseline_cases import FREE, brute_force, task_of
from oracles import dividends, shapley_values, subsets
from shapsketch.comparison import UnsuitedError, explain
from shapsketch.comparison.tn_shap import Tree, derivatives, pairs_of_masks
from shapsketch.spectrum.indices import WEIGHTS


@pytest.mark.parametrize("players", [3, 6])
def test_indices_of_a_tree_are_those_of_its_game(players):
    draws = torch.Generator().manual_seed(1)
    tree = Tree(players, 3, draws).double()
    with torch.no_grad():
        for parameter in tree.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=draws))
    present = {s: [float(i in s) for i in range(players)] for s in subsets(range(players))}
    answers = tree(torch.tensor(list(present.values()), dtype=torch.float64)).tolist()
    game = dict(zip(present, answers, strict=True))
    np.testing.assert_allclose(derivatives(tree, "SV", 1, 1), shapley_values(game, players), atol=1e-12)
    for index in ("SII", "FSII"):
        for order in (1, 2, 3):
            found = derivatives(tree, index, order, 3)
            for value, support in zip(found, combinations(range(players), order), strict=True):
                parts = [(t, d) for t, d in dividends(game).items() if set(support) <= set(t)]
                exact = sum(float(WEIGHTS[index](order, len(t), 3)) * d for t, d in parts)
                assert value == pytest.approx(exact, abs=1e-10)


def test_with_evaluations_enough_it_is_close():
    exact, pairs = brute_force(task_of(10))
    task = task_of(2000)
    answer = explain("tn_shap", task)
    assert task.model.evaluations == answer.fixed + answer.per_sequence.sum()
    assert (answer.per_sequence <= 2000).all() and (answer.per_sequence > 1990).all()
    assert ((answer.values - exact) ** 2).sum() < 0.03 * (exact[:, FREE] ** 2).sum()
    found = np.array([[terms[s] for s in answer.interactions[0]] for terms in answer.interactions])
    true = np.array([[row[s] for s in answer.interactions[0]] for row in pairs])
    assert np.corrcoef(found.ravel(), true.ravel())[0, 1] > 0.8
    assert not answer.values[:, 2].any()


def test_a_seed_gives_the_same_bytes_and_few_evaluations_are_refused():
    before = torch.get_rng_state()
    first, again = (explain("tn_shap", task_of(60, rows=rows)) for rows in (slice(None), slice(1, 2)))
    assert first.values[1].tobytes() == again.values[0].tobytes()
    assert torch.equal(before, torch.get_rng_state())
    with pytest.raises(UnsuitedError, match="TN-SHAP needs at least 24 evaluations of a sequence; it was given 20"):
        explain("tn_shap", task_of(20))


def test_pairs_differ_in_one_player_each_in_turn_and_cost_no_more_than_they_may():
    masks = pairs_of_masks(7, 100, 3)
    differ = masks[:, 0] != masks[:, 1]
    assert (differ.sum(1) == 1).all() and np.ptp(differ.sum(0)) <= 1
    sizes = masks.sum(2)
    assert ((sizes > 0) & (sizes < 7)).sum() in (99, 100)
