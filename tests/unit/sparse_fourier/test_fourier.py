"""The sparse Fourier transform: codes, lattices, bins and peeling, against the formulas and exact functions."""

import numpy as np
import pytest

from shapsketch.fidelity.faithfulness import report
from shapsketch.recovery import recover
from shapsketch.recovery.coefficients import terms_from_coefficients
from shapsketch.recovery.fourier import fit_path
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.sparse_fourier.bins import transform
from shapsketch.sparse_fourier.decoding import decode
from shapsketch.sparse_fourier.galois import make_field
from shapsketch.sparse_fourier.parity_checks import bch_code, identity_code
from shapsketch.sparse_fourier.peeling import peel
from shapsketch.sparse_fourier.subsampling import Lattice, fit_lattice, least_queries

LETTERS = "ACGTDEFHIKLMNPQRSVWY"


def random_words(q, n, order, count, seed):
    """(count, n) distinct frequencies of 1..order letters, one of each conjugate pair; and coefficients."""
    rng = np.random.default_rng(seed)
    chosen = {}
    while len(chosen) < count:
        size = rng.integers(1, order + 1)
        k = np.zeros(n, int)
        k[rng.choice(n, size, replace=False)] = rng.integers(1, q, size)
        chosen[min(tuple(k.tolist()), tuple((-k % q).tolist()))] = rng.normal() + 1j * rng.normal()
    k = np.array(sorted(chosen))
    f = np.array([chosen[tuple(row)] for row in k.tolist()])
    return k, np.where((2 * k % q == 0).all(1), f.real, f)


def evaluate(codes, k, f, q):
    """3 + sum over k of F[k] w^<k,x> and its conjugate."""
    weight = np.where((2 * k % q == 0).all(1), 1, 2)
    wave = np.exp(2j * np.pi / q * np.arange(q))
    return 3 + (wave[codes.astype(int) @ k.T % q] @ (weight * f)).real


def peeled(lattice, seed, function):
    return peel(transform(lattice, seed, function(lattice.queries(seed, 0, lattice.size))))


def sketch_of(function, q, n, **settings):
    alphabet = Alphabet(LETTERS[:q])
    template = Template(alphabet, alphabet.wildcard * n)
    plan = make_plan({}, ["y"], Background.uniform(template), design="fourier", **settings)
    codes = plan.queries(0, plan.size)
    return Sketch(plan, codes, function(codes).reshape(-1, 1))


@pytest.mark.parametrize(("p", "m"), [(2, 1), (2, 6), (3, 3), (5, 2), (19, 2)])
def test_fields(p, m):
    field = make_field(p, m)
    assert sorted(field.exp.tolist()) == list(range(1, p**m))
    assert (field.exp[field.log[1:]] == np.arange(1, p**m)).all()
    one_plus = field.exp - field.exp % p + (field.exp + 1) % p
    assert (one_plus[field.zech < 0] == 0).all()
    assert (field.exp[field.zech[field.zech >= 0]] == one_plus[field.zech >= 0]).all()


@pytest.mark.parametrize(
    ("q", "n", "t", "rows"),
    [(2, 63, 5, 27), (2, 100, 5, 35), (3, 60, 4, 24), (4, 40, 5, 27), (5, 50, 5, 24), (6, 50, 5, 32), (7, 40, 3, 12),
     (8, 60, 3, 18), (9, 26, 2, 9), (20, 60, 5, 27), (23, 22, 5, 10)],
)  # fmt: skip
def test_codes_decode_all_words_of_up_to_t_letters(q, n, t, rows):
    code = bch_code(q, n, t)
    assert len(code.rows) <= rows
    k, _ = random_words(q, n, t, 300, seed=q)
    words, valid = decode(code, k @ code.rows.T % q)
    assert valid.all()
    assert (words == k).all()


def test_codes_never_return_a_word_with_other_checks():
    code = bch_code(4, 40, 2)
    syndromes = np.random.default_rng(0).integers(0, 4, (20_000, len(code.rows)))
    words, valid = decode(code, syndromes)
    assert (words[valid] @ code.rows.T % 4 == syndromes[valid]).all()
    assert ((words[valid] > 0).sum(1) <= 4).all()  # two for each binary digit


def test_the_identity_reads_any_word_and_checks_its_bin():
    code = identity_code(6, 9, 2)
    k = np.random.default_rng(0).integers(0, 6, (50, 9))
    words, valid = decode(code, k @ code.rows.T % 6)
    assert valid.all()
    assert (words == k).all()
    assert not decode(code, np.ones((1, 11), int))[1].any()


@pytest.mark.parametrize("correct", [0, 3])
@pytest.mark.parametrize(("radix", "free", "dimension"), [(2, 40, 5), (4, 30, 3), (6, 30, 2), (20, 35, 1)])
def test_lattice_is_what_formula_3_says(radix, free, dimension, correct):
    lattice = Lattice(radix, free, dimension, 3, 2, correct)
    rows = lattice.code.rows
    queries = lattice.queries(11, 0, lattice.size)
    assert queries.shape == (3 * 2 * (len(rows) - dimension + 1) * radix**dimension, free)
    assert (queries[100:150] == lattice.queries(11, 100, 150)).all()
    matrices, shifts = lattice.subsampling(11), lattice.shifts(11)
    base = shifts[:: lattice.steps]
    steps = np.vstack([np.zeros(free, int), rows[dimension:]])
    assert (shifts == ((base[:, None] - steps) % radix).reshape(-1, free)).all()
    digits = np.stack(np.unravel_index(np.arange(lattice.bins), (radix,) * dimension), 1)
    grid = queries.reshape(3, lattice.delays, lattice.bins, free)
    for c in range(3):
        points = digits @ matrices[c].T % radix
        assert len(np.unique(points, axis=0)) == lattice.bins  # full rank: no query repeats
        assert (grid[c] == (points[None] + shifts[:, None]) % radix).all()
    k, _ = random_words(radix, free, 3, 20, seed=0)
    for matrix, mixing in zip(matrices, lattice.mixing(11), strict=True):  # the bin gives the first checks
        checks = k @ rows.T % radix
        assert ((k @ matrix - checks[:, dimension:] @ mixing - checks[:, :dimension]) % radix == 0).all()


@pytest.mark.parametrize(("radix", "free"), [(2, 100), (4, 40), (4, 12), (20, 30), (3, 2)])
def test_any_number_of_queries_gives_a_lattice(radix, free):
    least = least_queries(radix, free)
    assert fit_lattice(radix, free, least - 1) is None
    sizes = [fit_lattice(radix, free, budget).size for budget in range(least, 100 * least, least // 2 + 1)]
    assert all(s <= b for s, b in zip(sizes, range(least, 100 * least, least // 2 + 1), strict=True))
    assert bool(fit_lattice(radix, free, least).correct) == (free > 20)


@pytest.mark.parametrize("correct", [0, 4])
@pytest.mark.parametrize(
    ("q", "n", "dimension", "count"),
    [(2, 40, 7, 60), (3, 30, 5, 60), (4, 30, 4, 60), (5, 25, 3, 40), (6, 30, 3, 40), (7, 25, 3, 60), (20, 22, 2, 60)],
)
def test_sparse_functions_are_peeled_exactly(q, n, dimension, count, correct):
    k, f = random_words(q, n, 4, count, seed=n)
    found, g, _ = peeled(Lattice(q, n, dimension, 3, 1, correct), 5, lambda x: evaluate(x, k, f, q))
    assert (found == np.vstack([np.zeros((1, n), int), k])).all()
    assert np.abs(g - np.append(3, f)).max() < 1e-10


def test_low_orders_are_found_where_no_bin_shows_them_alone():
    n = 8  # all of order 1 and 2 of four letters: far more than bins
    k, f = random_words(4, n, 2, 120, seed=0)
    lattice = Lattice(4, n, 2, 4, 3, 0)
    found, g, _ = peeled(lattice, 0, lambda x: evaluate(x, k, f, 4))
    assert (found == np.vstack([np.zeros((1, n), int), k])).all()
    assert np.abs(g - np.append(3, f)).max() < 1e-6


@pytest.mark.parametrize(("q", "n"), [(2, 60), (4, 18), (4, 40), (5, 30)])
def test_noise_hides_little_and_makes_up_nothing(q, n):
    k, f = random_words(q, n, 3, 60, seed=1)
    f /= np.abs(f)
    rng = np.random.default_rng(0)

    def noisy(codes):
        clean = evaluate(codes, k, f, q)
        return clean + rng.normal(size=len(codes)) * clean.std() / np.sqrt(10)  # 10 dB

    found, _, _ = peeled(fit_lattice(q, n, 60_000), 0, noisy)
    found, truth = ({tuple(row) for row in words.tolist()} for words in (found[1:], k))
    assert len(found & truth) >= 0.95 * len(truth)
    assert len(found - truth) <= 1


@pytest.mark.parametrize(("q", "n", "queries"), [(2, 120, 5000), (4, 30, 30_000)])
def test_bins_that_agree_show_what_noise_hides_in_each(q, n, queries):
    rng = np.random.default_rng(q + n)
    k = np.zeros((30 * (q - 1), n), int)
    for row in k:
        row[rng.choice(n, rng.integers(3, 6), replace=False)] = rng.integers(1, q)
    k = np.unique(np.minimum(k, -k % q), axis=0)
    f = rng.uniform(0.5, 2, len(k)) * rng.choice([-1, 1], len(k))

    def noisy(codes):
        clean = evaluate(codes, k, f, q)
        return clean + rng.normal(size=len(codes)) * clean.std() / 2

    found, _, _ = peeled(fit_lattice(q, n, queries), 0, noisy)
    found = {tuple(row) for row in np.vstack([found, -found % q])[1:].tolist()}
    assert np.mean([tuple(row) in found for row in k.tolist()]) >= 0.9
    assert len(found) <= len(np.unique(np.vstack([k, -k % q]), axis=0)) + 4


def test_noise_alone_and_constants_hold_nothing():
    lattice = fit_lattice(4, 30, 40_000)
    rng = np.random.default_rng(0)
    found, g, details = peeled(lattice, 0, lambda x: 2 + rng.normal(size=len(x)))
    assert (found == 0).all()
    assert abs(g[0] - 2) < 0.05
    assert abs(details["noise"] - 1) < 0.2
    assert len(peeled(lattice, 0, lambda x: np.full(len(x), 2.0))[0]) == 1
    assert len(peeled(lattice, 0, lambda x: np.zeros(len(x)))[0]) == 0


def test_a_conjugate_pair_stands_for_a_real_function():
    k, f = random_words(5, 12, 3, 30, seed=2)
    found, g, _ = peeled(Lattice(5, 12, 3, 3, 2, 0), 1, lambda x: evaluate(x, k, f, 5))
    mirrored = {tuple(row) for row in (-found % 5).tolist()}
    assert mirrored & {tuple(row) for row in found.tolist()} == {(0,) * 12}
    assert g[0].imag == 0


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


@pytest.mark.parametrize("scale", [1e-40, 1.0, 1e40])
def test_functions_of_any_scale_are_peeled(scale):
    k, f = random_words(4, 8, 2, 120, seed=0)  # far more than bins
    rng = np.random.default_rng(0)

    def noisy(codes):
        return scale * (evaluate(codes, k, f, 4) + 0.01 * rng.normal(size=len(codes)))

    found, _, _ = peeled(Lattice(4, 8, 2, 4, 3, 0), 0, noisy)
    assert len({tuple(row) for row in found.tolist()} & {tuple(row) for row in k.tolist()}) >= 0.95 * len(k)
