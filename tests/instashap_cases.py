"""A template of mixed sizes, its backgrounds, and functions of chosen supports."""

import numpy as np

from shapsketch.comparison import Task
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.basis import ProductBasis

TEMPLATE = Template(Alphabet("ACGT"), "NRNGNNWNN")  # position 4 is fixed, positions 2 and 7 have two letters


def background_of(uniform):
    weights = np.random.default_rng(1).uniform(0.3, 1, (9, 4))
    return Background.uniform(TEMPLATE) if uniform else Background.from_weights(TEMPLATE, weights)


def terms_of(background, supports, seed=0):
    basis = ProductBasis.build(background, supports)
    return basis.to_terms(np.random.default_rng(seed).normal(size=len(basis)))


def sketch_of(function, background, budget=3_000):
    plan = make_plan({}, ["y"], background, budget=budget, design="random")
    codes = plan.queries(0, plan.size)
    return Sketch(plan, codes, function(codes)[:, None])


SINGLES, PAIRS = [(0,), (1,), (2,), (6,)], [(0, 1), (2, 8), (4, 6), (5, 7)]


class Smooth:
    """A saturating sum of letters and of neighbouring pairs; its free cube is the truth."""

    outputs, batch_size = ("y",), 4096

    def __init__(self):
        rng = np.random.default_rng(0)
        single, pairs = rng.normal(size=(9, 4)), 0.3 * rng.normal(size=(8, 4, 4))
        self.function = lambda c: np.tanh(
            (single[np.arange(9), c].sum(1) + sum(pairs[i][c[:, i], c[:, i + 1]] for i in range(8))) / 4
        )
        self.evaluations = 0

    def __call__(self, codes):
        self.evaluations += len(codes)
        return self.function(codes)[:, None]


def task_of(evaluations, count=6):
    background = background_of(False)
    codes = make_plan({}, ["y"], background, budget=100, design="random", seed=9).queries(0, count)
    return Task(Smooth(), background, 0, codes, evaluations)
