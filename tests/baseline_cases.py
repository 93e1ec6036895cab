"""A small function, its tasks, and its values by brute force."""

from itertools import combinations

import numpy as np

from oracles import all_codes, coalition_values, dividends, shapley_values
from shapsketch.comparison import Task
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template

TEMPLATE = Template(Alphabet("ACGT"), "NNGNRN")  # position 3 is fixed, position 5 has two letters
FREE = [0, 1, 3, 4, 5]


class Function:
    """Two outputs, the second of which has interactions of every order."""

    outputs, batch_size = ("none", "y"), 64

    def __init__(self):
        rng = np.random.default_rng(0)
        single, pairs = rng.normal(size=(6, 4)), 0.5 * rng.normal(size=(5, 4, 4))
        codes = all_codes([4] * 6)
        y = single[np.arange(6), codes].sum(1) + sum(pairs[i][codes[:, i], codes[:, i + 1]] for i in range(5))
        self.cube = np.tanh(y / 2).reshape((4,) * 6)
        self.evaluations = 0

    def __call__(self, codes):
        self.evaluations += len(codes)
        y = self.cube[tuple(codes.T)]
        return np.stack([0 * y, y], 1)


def task_of(evaluations, *, uniform=False, order=2, seed=0, rows=slice(None)):
    weights = np.random.default_rng(1).uniform(0.2, 1, (6, 4))
    background = Background.uniform(TEMPLATE) if uniform else Background.from_weights(TEMPLATE, weights)
    codes = np.array([[0, 1, 0, 2, 1, 3], [3, 3, 0, 0, 0, 0], [2, 0, 0, 1, 1, 2]], np.uint8)
    return Task(Function(), background, 1, codes[rows], evaluations, order, seed)


def brute_force(task):
    """(N, n) Shapley values and (N, n, n) pairwise interactions from the definitions."""
    space = all_codes(TEMPLATE.sizes)
    cube = task.model.cube[tuple(TEMPLATE.to_alphabet(space).T)].reshape(TEMPLATE.sizes[FREE])
    p = [task.background.local[i] for i in FREE]
    values, pairs = np.zeros(task.codes.shape), np.zeros((len(task.codes), 6, 6))
    for row, x in enumerate(task.codes):
        game = coalition_values(cube, p, x[FREE])
        values[row, FREE] = shapley_values(game, 5)
        a = dividends(game)
        for i, j in combinations(range(5), 2):
            pairs[row, FREE[i], FREE[j]] = sum(v / (len(t) - 1) for t, v in a.items() if {i, j} <= set(t))
    return values, pairs
