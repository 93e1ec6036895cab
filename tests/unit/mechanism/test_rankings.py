"""Rankings put what matters first."""

import numpy as np
from planted import TEMPLATE

from shapsketch.mechanism import activations, circuits, rankings
from shapsketch.mechanism.replacement import encode_all
from shapsketch.sequences.background import Background


def test_rankings_put_what_matters_first(traced):
    network, dictionary = traced
    codes = activations.draw(Background.uniform(TEMPLATE), 0, 0, 100)
    means = [z.mean(0) for z in encode_all(network, dictionary, codes)]
    graphs = [circuits.trace(network, dictionary, one, "y") for one in codes[:10]]
    for ranking in (
        rankings.by_influence(graphs, dictionary),
        rankings.by_ablation(network, dictionary, codes, means, 0),
        rankings.by_gradient(network, dictionary, codes, means, 0),
    ):
        assert ranking.argmax() == 0
        assert ranking[3] == 0
    chosen = rankings.by_selection(network, dictionary, codes, means, 0, np.arange(4.0))  # from the worst ranking
    assert chosen.argmax() == 0
    assert sorted(-chosen) == [0, 1, 2, 3]
    assert sorted(np.argsort(rankings.at_random(dictionary, 0))) == [0, 1, 2, 3]
