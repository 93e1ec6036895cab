"""The estimator of the sparse Fourier transform: any budget, a thousand terms, least squares.

Covers also: coefficients.
"""

import numpy as np
import pytest
from fourier_cases import evaluate, random_words

from shapsketch.fidelity.faithfulness import report
from shapsketch.recovery import recover, standardised
from shapsketch.recovery.coefficients import terms_from_coefficients
from shapsketch.recovery.fourier import fit_path, least_left
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.sparse_fourier.bins import transform
from shapsketch.sparse_fourier.subsampling import fit_lattice

LETTERS = "ACGTDEFHIKLMNPQRSVWY"


def sketch_of(function, q, n, **settings):
    alphabet = Alphabet(LETTERS[:q])
    template = Template(alphabet, alphabet.wildcard * n)
    plan = make_plan({}, ["y"], Background.uniform(template), design="fourier", **settings)
    codes = plan.queries(0, plan.size)
    return Sketch(plan, codes, function(codes).reshape(-1, 1))


def test_the_refit_is_least_squares():
    k, f = random_words(4, 12, 3, 20, seed=3)
    lattice = fit_lattice(4, 12, 8_000)
    rng = np.random.default_rng(0)
    random = rng.integers(0, 4, (500, 12)).astype(np.uint8)
    codes = np.vstack([random, lattice.queries(0, 0, lattice.size)])
    values = evaluate(codes, k, f, 4) + rng.normal(size=len(codes))
    k = np.vstack([np.zeros((1, 12), int), k])
    got = fit_path(transform(lattice, 0, values[500:]), random, values[:500], k)[0]
    own = (2 * k % 4 == 0).all(1)
    wave = np.exp(2j * np.pi / 4 * (codes.astype(int) @ k.T))
    design = np.hstack([wave.real * np.where(own, 1, 2), -2 * wave.imag[:, ~own]])
    w = np.linalg.lstsq(design, values, rcond=None)[0]
    want = w[: len(k)].astype(complex)
    want[~own] += 1j * w[len(k) :]
    assert np.abs(got - want).max() < 1e-9


@pytest.mark.parametrize("noise", [0.0, 0.5, 2.0])
def test_the_emptiest_bin_bounds_what_waves_leave(noise):
    k, f = random_words(4, 12, 4, 15, seed=4)
    f /= np.sqrt(2 * np.sum(np.abs(f) ** 2))
    rng = np.random.default_rng(1)
    sketch = sketch_of(lambda x: evaluate(x, k, f, 4) + noise * rng.normal(size=len(x)), 4, 12, budget=9_000)
    left, share = least_left(standardised(sketch, 0, 1)[0]), noise**2 / (1 + noise**2)
    assert left < 1e-20 if noise == 0 else 0.1 * share < left < share


@pytest.mark.parametrize("budget", [9_000, 12_345, 30_001])
def test_any_budget_recovers_exactly(budget):
    k, f = random_words(4, 12, 4, 15, seed=4)
    sketch = sketch_of(lambda x: evaluate(x, k, f, 4), 4, 12, budget=budget)
    assert sketch.plan.size == budget
    assert 1 - report(recover(sketch, 0, estimator="fourier")[0], sketch, 0)["r2"] < 1e-10


@pytest.mark.parametrize(("q", "n", "count", "budget"), [(4, 40, 1000, 100_000), (2, 100, 200, 15_000)])
def test_a_thousand_terms_of_order_5(q, n, count, budget):
    k, f = random_words(q, n, 5, count, seed=0)
    sketch = sketch_of(lambda x: evaluate(x, k, f, q), q, n, budget=budget)
    spectrum, _, _ = recover(sketch, 0, estimator="fourier")
    assert 1 - report(spectrum, sketch, 0)["r2"] < 1e-10
    paired = (2 * k % q > 0).any(1)
    both = np.vstack([k, -k[paired] % q]), np.append(f, f[paired].conj())
    truth = terms_from_coefficients(sketch.plan.template, *both)
    probe = sketch.codes[:20]
    assert np.abs(spectrum.terms.shapley_values(probe) - truth.shapley_values(probe)).max() < 1e-6
