"""Every estimator through one suite: sparse functions, noise, constants, odd backgrounds; and the scores."""

import numpy as np
import pytest
from shapsketch.alphabet import Alphabet
from shapsketch.background import Background
from shapsketch.basis import ProductBasis, contrasts
from shapsketch.design import make_plan
from shapsketch.errors import InputError
from shapsketch.faithfulness import r2_interval, r_squared, report
from shapsketch.recovery import recover
from shapsketch.sketch import Sketch
from shapsketch.template import Template

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


ESTIMATORS = {
    "regression": {"order": 2, "budget": 12_000},
    "fourier": {"order": 4, "budget": 40_000},
}


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(("q", "n"), [(2, 20), (3, 12), (4, 12), (5, 9), (6, 8)])
def test_sparse_functions_are_recovered_exactly(estimator, q, n):
    settings = ESTIMATORS[estimator]
    template = free_template(q, n)
    function, _ = sparse_function(template, settings["order"], 12, seed=q)
    design = "fourier" if estimator == "fourier" else "random"
    sketch = sketch_of(function, template, budget=settings["budget"], design=design)
    spectrum, _ = recover(sketch, 0, estimator=estimator)
    scores = report(spectrum, sketch, 0)
    assert 1 - scores["r2"] < 1e-9
    assert abs(spectrum.intercept - 3) < 1e-4


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_noise_costs_no_more_than_noise(estimator):
    template = free_template(4, 12)
    function, _ = sparse_function(template, 2, 12, seed=1, noise=1.0)
    sketch = sketch_of(function, template, budget=30_000, design="fourier")
    spectrum, _ = recover(sketch, 0, estimator=estimator)
    scores = report(spectrum, sketch, 0)
    assert scores["r2"] > 1 - 1.1 / scores["variance"]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_constants(estimator):
    sketch = sketch_of(lambda codes: np.full(len(codes), 7.5), free_template(4, 12), budget=30_000, design="fourier")
    spectrum, _ = recover(sketch, 0, estimator=estimator)
    assert spectrum.intercept == pytest.approx(7.5)
    assert report(spectrum, sketch, 0)["r2"] == 1.0
    assert np.abs(spectrum.terms.shapley_values(sketch.codes[:10])).max() < 1e-9


def test_auto_takes_the_estimator_that_validates_better():
    template = free_template(4, 12)
    high, _ = sparse_function(template, 4, 10, seed=3)
    sketch = sketch_of(high, template, budget=40_000, design="fourier")
    assert recover(sketch, 0)[1]["estimator"] == "fourier"
    rng = np.random.default_rng(0)
    w = rng.normal(size=(12, 4, 12, 4))
    index = np.arange(12)

    def dense(codes):
        return np.array([w[index[:, None], x[:, None], index[None], x[None]].sum() for x in codes])

    sketch = sketch_of(dense, template, budget=6_000, design="fourier")
    _, tried = recover(sketch, 0)
    assert tried["estimator"] == "regression"
    assert set(tried["tried"]) == {"regression", "fourier"}


def test_skewed_backgrounds_and_mixed_templates():
    template = Template(Alphabet("ACGT"), "NRNYNNWN")
    rng = np.random.default_rng(0)
    background = Background.from_weights(template, rng.uniform(0.2, 1, (8, 4)))
    basis = ProductBasis.build(background, [(0,), (1, 3), (2, 6), (0, 7)])
    truth = basis.to_terms(rng.normal(size=len(basis)))
    sketch = sketch_of(lambda c: 2 + truth.predict(c), template, background, budget=3_000, design="random")
    spectrum, _ = recover(sketch, 0)
    assert 1 - report(spectrum, sketch, 0)["r2"] < 1e-9
    probe = sketch.codes[:50]
    assert np.abs(spectrum.terms.shapley_values(probe) - truth.shapley_values(probe)).max() < 1e-4


def test_the_basis_is_orthonormal_and_its_adjoint_is_one():
    p = np.array([0.1, 0.2, 0.3, 0.4])
    b = contrasts(p)
    assert np.allclose(b.T @ (p[:, None] * b), np.eye(3))
    assert np.allclose(p @ b, 0)
    template = Template(Alphabet("ACGT"), "NRNN")
    basis = ProductBasis.build(Background.uniform(template), [(0,), (1, 2), (0, 1, 3)])
    rng = np.random.default_rng(0)
    codes = (rng.random((100, 4)) * template.sizes).astype(np.uint8)
    w, r = rng.normal(size=len(basis)), rng.normal(size=100)
    assert basis.to_terms(w).predict(codes) @ r == pytest.approx(basis.adjoint(codes, r) @ w)


def test_max_order_is_respected():
    template = free_template(4, 12)
    function, _ = sparse_function(template, 4, 10, seed=3)
    sketch = sketch_of(function, template, budget=40_000, design="fourier")
    for estimator in ESTIMATORS:
        assert recover(sketch, 0, estimator=estimator, max_order=1)[0].terms.orders.max() == 1


def test_estimators_that_a_design_does_not_serve():
    sketch = sketch_of(lambda c: c.sum(1), free_template(4, 12), budget=1_000, design="random")
    with pytest.raises(InputError, match="fourier, which the design random does not serve; it serves regression"):
        recover(sketch, 0, estimator="fourier")


def test_the_holdout_does_not_touch_the_spectrum():
    template = free_template(4, 12)
    function, _ = sparse_function(template, 3, 10, seed=3, noise=0.3)
    sketch = sketch_of(function, template, budget=20_000, design="fourier")
    values = sketch.values.copy()
    values[sketch.plan.block("holdout")] = 1e6
    one, other = (recover(s, 0)[0] for s in (sketch, Sketch(sketch.plan, sketch.codes, values)))
    assert (one.terms.tables == other.terms.tables).all()
    assert one.intercept == other.intercept


def test_several_outputs_share_one_sketch():
    template = free_template(4, 8)
    plan = make_plan({}, ["g", "t"], Background.uniform(template), budget=2_000, design="random")
    codes = plan.queries(0, plan.size)
    sketch = Sketch(plan, codes, np.stack([(codes == 2).sum(1), (codes == 3).sum(1)], 1).astype(float))
    g, t = (recover(sketch, k)[0] for k in (0, 1))
    assert (g.output, t.output) == ("g", "t")
    assert g.predict(["GGGGACTA", "AAAAAAAA"]) == pytest.approx([4, 0], abs=1e-6)
    assert t.predict(["GGGGACTA", "TTAAAAAA"]) == pytest.approx([1, 2], abs=1e-6)


def test_r2_and_its_interval():
    rng = np.random.default_rng(0)
    y = rng.normal(size=4000)
    predicted = y + 0.5 * rng.normal(size=4000)
    low, high = r2_interval(y, predicted, seed=0)
    assert low < r_squared(y, predicted) < high
    assert low < 0.75 < high
    assert (low, high) == r2_interval(y, predicted, seed=0)
    assert r_squared(np.ones(5), np.ones(5)) == 1.0
    assert r_squared(np.ones(5), np.zeros(5)) == 0.0
