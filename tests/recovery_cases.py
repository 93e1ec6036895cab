"""Functions whose spectra are known, sketches of them, and what each estimator must make of them."""

import numpy as np

from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template

LETTERS = "ACGTDEFHIKLMNPQRSVWY"


def sketch_of(function, template, background=None, **settings):
    background = background or Background.uniform(template)
    plan = make_plan({}, ["y"], background, **settings)
    codes = plan.queries(0, plan.size)
    return Sketch(plan, codes, np.asarray(function(codes), float).reshape(len(codes), -1))


def sparse_function(template, order, count, seed, noise=0.0):
    """A sum of random q-ary waves of up to `order` positions."""
    rng = np.random.default_rng(seed)
    m, n = template.radix, len(template.free)
    k = np.zeros((count, n), int)
    for row in k:
        size = rng.integers(1, order + 1)
        row[rng.choice(n, size, replace=False)] = rng.integers(1, m, size)
    f = rng.normal(size=count) + 1j * rng.normal(size=count)
    wave = np.exp(2j * np.pi / m * np.arange(m))

    def function(codes):
        clean = 3 + np.real(wave[codes[:, template.free].astype(int) @ k.T % m] @ f)
        return clean + noise * rng.normal(size=len(codes))

    return function, k


def free_template(q, n):
    alphabet = Alphabet(LETTERS[:q])
    return Template(alphabet, alphabet.wildcard * n)


# the order of the function each is tested on, the budget, and the R2 that is left at most
SUITE = {
    "regression": (2, 12_000, 1e-9),
    "fourier": (4, 40_000, 1e-9),
    "trees": (2, 10_000, 0.15),
    "student": (2, 3_000, 0.1),
    "instashap": (2, 4_000, 1e-5),
}
