"""Random trains."""

from itertools import pairwise

import numpy as np

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.trains import Train

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


def random_train(n, q, rank, seed=0, spread=0.5):
    """A train of random cores near the identity, ranks differing by bond, and a random background."""
    rng = np.random.default_rng(seed)
    background = Background.from_weights(
        Template(Alphabet(LETTERS[:q]), "X" * n if q == 20 else "*" * n), rng.uniform(0.2, 1, (n, q))
    )
    ranks = [1, *(rng.integers(max(1, rank - 2), rank + 1, n - 1)), 1]
    cores = [
        np.eye(a, b)[:, None] + spread * rng.normal(size=(a, q, b)) / np.sqrt(max(a, b)) for a, b in pairwise(ranks)
    ]
    return Train.build(cores, background.local), background


CASES = [(1, 4, 1), (2, 20, 3), (3, 20, 4), (5, 3, 6), (6, 4, 3), (8, 2, 6), (7, 3, 1), (8, 2, 2)]
