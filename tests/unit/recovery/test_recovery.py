"""Every estimator through one suite: sparse functions, noise, constants, odd backgrounds; and the scores."""

import numpy as np
import pytest

from recovery_cases import SUITE, free_template, sketch_of, sparse_function
from shapsketch.fidelity.faithfulness import report
from shapsketch.recovery import _samples, networks, recover, regression, student, train, trees
from shapsketch.recovery.projection import project
from shapsketch.recovery.screening import candidates
from shapsketch.recovery.student import load_students, save_students
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.basis import ProductBasis, contrasts
from shapsketch.spectrum.metrics import r2_interval, r_squared
from shapsketch.spectrum.terms import Terms
from shapsketch.storage.files import save_npz


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Fewer free queries and trees: these functions are small."""
    monkeypatch.setattr(student, "FREE_POINTS", 100_000)
    monkeypatch.setattr(trees, "MAX_TREES", 1_000)
    monkeypatch.setattr(train, "FREE_ANSWERS", 60_000)
    monkeypatch.setattr(train, "STEPS", 3_000)


@pytest.fixture
def brief(monkeypatch):
    """Hardly any training, for tests of what holds however good a fit is."""
    monkeypatch.setattr(networks, "MIN_EPOCHS", 3)
    monkeypatch.setattr(networks, "MAX_EPOCHS", 3)
    monkeypatch.setattr(student, "MAX_COPIES", 1)
    monkeypatch.setattr(train, "FREE_ANSWERS", 10_000)
    monkeypatch.setattr(train, "STEPS", 300)
    monkeypatch.setattr(trees, "MAX_TREES", 200)


SHAPES = [(2, 20), (3, 12), (4, 12), (5, 9), (6, 8)]
SMALL = [(3, 7), (4, 10)]  # students of spaces that can be evaluated in full: a perceptron, and convolutions


@pytest.mark.parametrize(
    ("estimator", "q", "n"),
    [(e, q, n) for e in SUITE if e != "student" for q, n in SHAPES] + [("student", q, n) for q, n in SMALL],
)
def test_sparse_functions_are_recovered(estimator, q, n):
    order, budget, missed = SUITE[estimator]
    template = free_template(q, n)
    function, _ = sparse_function(template, order, 12, seed=q)
    design = "fourier" if estimator == "fourier" else "random"
    sketch = sketch_of(function, template, budget=min(budget, q**n - 1), design=design)
    spectrum = recover(sketch, 0, estimator=estimator).spectrum
    scores = report(spectrum, sketch, 0)
    assert 1 - scores["r2"] < missed
    assert abs(spectrum.intercept - 3) < 0.1
    tables = [spectrum.terms.table(t) for t in np.flatnonzero(spectrum.terms.has_table)]
    assert max(abs(t.sum(axis)).max() for t in tables for axis in range(t.ndim)) < 1e-4  # dividends


@pytest.mark.parametrize("estimator", ["regression", "fourier"])
def test_noise_costs_no_more_than_noise(estimator):
    template = free_template(4, 12)
    function, _ = sparse_function(template, 2, 12, seed=1, noise=1.0)
    sketch = sketch_of(function, template, budget=30_000, design="fourier")
    spectrum = recover(sketch, 0, estimator=estimator).spectrum
    scores = report(spectrum, sketch, 0)
    assert scores["r2"] > 1 - 1.1 / scores["variance"]


@pytest.mark.parametrize("estimator", ["regression", "fourier", "trees", "instashap"])
def test_constants(estimator):
    sketch = sketch_of(lambda codes: np.full(len(codes), 7.5), free_template(4, 12), budget=30_000, design="fourier")
    spectrum = recover(sketch, 0, estimator=estimator).spectrum
    assert spectrum.intercept == pytest.approx(7.5)
    assert report(spectrum, sketch, 0)["r2"] == 1.0
    assert np.abs(spectrum.terms.shapley_values(sketch.codes[:10])).max() < 1e-9


def test_auto_takes_what_validates_better():
    template = free_template(4, 12)
    high, _ = sparse_function(template, 4, 10, seed=3)
    sketch = sketch_of(high, template, budget=40_000, design="fourier")
    sparse = recover(sketch, 0)
    assert sparse.details["estimator"] == "fourier"
    assert 1 - report(sparse.spectrum, sketch, 0)["r2"] < 1e-9
    rng = np.random.default_rng(0)
    w = rng.normal(size=(12, 4, 12, 4))
    index = np.arange(12)

    def dense(codes):
        return np.array([w[index[:, None], x[:, None], index[None], x[None]].sum() for x in codes])

    sketch = sketch_of(dense, template, budget=6_000, design="fourier")
    details = recover(sketch, 0).details
    assert details["estimator"] == "regression"
    assert set(details["tried"]) == {"fourier", "regression"}  # costlier ones are not worth their time


def test_skewed_backgrounds_and_mixed_templates():
    template = Template(Alphabet("ACGT"), "NRNYNNWN")
    rng = np.random.default_rng(0)
    background = Background.from_weights(template, rng.uniform(0.2, 1, (8, 4)))
    basis = ProductBasis.build(background, [(0,), (1, 3), (2, 6), (0, 7)])
    truth = basis.to_terms(rng.normal(size=len(basis)))
    sketch = sketch_of(lambda c: 2 + truth.predict(c), template, background, budget=3_000, design="random")
    spectrum = recover(sketch, 0).spectrum
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
    for estimator in ("regression", "fourier", "trees", "instashap"):
        assert recover(sketch, 0, estimator=estimator, max_order=1).spectrum.terms.orders.max() == 1


def test_estimators_that_a_design_does_not_serve():
    sketch = sketch_of(lambda c: c.sum(1), free_template(4, 12), budget=1_000, design="random")
    with pytest.raises(InputError, match="fourier, which the design random does not serve; it serves regression"):
        recover(sketch, 0, estimator="fourier")


def test_the_holdout_does_not_touch_the_spectrum(brief):
    template = free_template(4, 12)
    function, _ = sparse_function(template, 3, 10, seed=3, noise=0.3)
    sketch = sketch_of(function, template, budget=6_000, design="fourier")
    values = sketch.values.copy()
    for block in sketch.plan.blocks("holdout"):
        values[block] = 1e6
    one, other = (recover(s, 0).spectrum for s in (sketch, Sketch(sketch.plan, sketch.codes, values)))
    assert (one.terms.tables == other.terms.tables).all()
    assert one.intercept == other.intercept


def test_several_outputs_share_one_sketch():
    template = free_template(4, 8)
    plan = make_plan({}, ["g", "t"], Background.uniform(template), budget=2_000, design="random")
    codes = plan.queries(0, plan.size)
    sketch = Sketch(plan, codes, np.stack([(codes == 2).sum(1), (codes == 3).sum(1)], 1).astype(float))
    g, t = (recover(sketch, k).spectrum for k in (0, 1))
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


def test_trees_become_dividends_exactly(monkeypatch):
    template = Template(Alphabet("ACGT"), "NRNNNAN")
    background = Background.from_weights(template, np.random.default_rng(0).uniform(0.2, 1, (7, 4)))
    noise = np.random.default_rng(1)
    sketch = sketch_of(
        lambda c: c[:, 0] * c[:, 2] + noise.normal(size=len(c)), template, background, budget=900, design="random"
    )
    boosters = []
    train = trees.lgb.train
    monkeypatch.setattr(trees.lgb, "train", lambda *a, **k: boosters.append(train(*a, **k)) or boosters[-1])
    spectrum = recover(sketch, 0, estimator="trees").spectrum
    codes, values = sketch.samples("train")
    onehot = codes[:, np.repeat(np.arange(7), template.sizes)] == np.concatenate([*map(np.arange, template.sizes)])
    expected = values.mean() + values.std() * boosters[0].predict(onehot.astype(float))
    assert np.abs(spectrum.intercept + spectrum.terms.predict(codes) - expected).max() < 1e-9
    for t, support in enumerate(spectrum.terms.supports):
        for axis, i in enumerate(support):
            mean = np.tensordot(spectrum.terms.table(t), background.local[i], (axis, 0))
            assert np.abs(mean).max() < 1e-9


def test_projection_finds_planted_supports_of_every_order():
    template = free_template(4, 14)
    background = Background.uniform(template)
    supports = [(2,), (0, 5), (1, 2, 9), (3, 6, 7, 12), (0, 4, 8, 10, 13)]
    basis = ProductBasis.build(background, supports)
    weights = np.random.default_rng(0).normal(size=len(basis)) / np.sqrt(np.bincount(basis.orders)[basis.orders])
    truth = basis.to_terms(weights)
    plan = make_plan({}, ["y"], background, budget=200_000, design="random")
    codes = np.asfortranarray(plan.queries(0, plan.size))
    intercept, terms = project(background, codes, 5 + truth.predict(codes))
    assert intercept == pytest.approx(5, abs=0.05)
    assert set(supports) <= set(terms.supports)
    fresh = make_plan({}, ["y"], background, budget=5_000, design="random", seed=1).queries(0, 5_000)
    assert r_squared(truth.predict(fresh), terms.predict(fresh)) > 0.99


def test_stacks_are_better_than_their_parts_whatever_the_threads(brief):
    template = free_template(4, 7)
    function, _ = sparse_function(template, 3, 40, seed=5)
    sketch = sketch_of(lambda codes: np.sign(function(codes) - 3), template, budget=2_000, design="random")
    recovered = recover(sketch, 0, threads=2)
    tried = recovered.details["tried"]
    assert "train" in tried
    assert recovered.details["validation_r2"] >= max(t["validation_r2"] for t in tried.values()) - 1e-12
    again = recover(sketch, 0, threads=1)  # the number of threads changes nothing
    assert (again.spectrum.terms.tables == recovered.spectrum.terms.tables).all()
    assert again.spectrum.intercept == recovered.spectrum.intercept


@pytest.mark.parametrize("letters", [2, 4, 5])
def test_regression_finds_interactions_of_high_order(letters):
    """More unknowns than samples: supports are screened, and priors sharpened until the function stands out."""
    template = free_template(letters, 16)
    function, _ = sparse_function(template, 4, 12, seed=2)
    sketch = sketch_of(function, template, budget=6_000, design="random")
    recovered = recover(sketch, 0, estimator="regression")
    assert report(recovered.spectrum, sketch, 0)["r2"] > 0.99
    assert recovered.details["tried"]["regression"]["max_order"] >= 3


def test_regression_of_more_pairs_than_memory_allows(monkeypatch):
    monkeypatch.setattr(regression, "MAX_UNKNOWNS", 300)
    template = free_template(4, 30)
    basis = ProductBasis.build(Background.uniform(template), [(3,), (2, 9), (7, 29), (1, 4)])
    truth = basis.to_terms(np.random.default_rng(0).normal(size=len(basis)))
    sketch = sketch_of(truth.predict, template, budget=3_000, design="random")
    recovered = recover(sketch, 0, estimator="regression")
    assert 1 - report(recovered.spectrum, sketch, 0)["r2"] < 1e-6
    assert len(recovered.spectrum.terms) < 100


def test_candidates_are_all_or_grown_or_proposed():
    background = Background.uniform(free_template(4, 10))
    assert len(candidates(background, 3, {}, 120)) == 120
    grown = candidates(background, 3, {(0, 1): 4.0, (2, 3): 1.0}, 9, proposed=[(7, 8, 9), (1, 2)])
    assert len(grown) == 10
    assert {(0, 1, i) for i in range(2, 10)} | {(7, 8, 9)} <= set(grown)
    assert candidates(Background.uniform(free_template(20, 5)), 3, {}, 100) == []  # 8,000 cells


def test_a_large_sketch_is_cut_for_those_who_learn_from_it():
    template = free_template(4, 12)
    function, _ = sparse_function(template, 2, 10, seed=3)
    sketch = sketch_of(function, template, budget=20_000, design="fourier")
    samples = _samples(sketch, 0, 1)
    drawn = len(samples.values) - len(samples.lattice_values)
    assert samples.first(10**9) is samples
    part = samples.first(drawn + 10)
    assert (len(part.values), len(part.lattice_values)) == (drawn + 10, 10)
    assert len(samples.first(drawn - 10).lattice_values) == 0


def test_students_are_saved_without_pickles(tmp_path, brief):
    template = Template(Alphabet("ACGT"), "ANNTNNNNC")
    function, _ = sparse_function(template, 2, 6, seed=5)
    sketch = sketch_of(function, template, budget=1_000, design="random")
    stack = recover(sketch, 0, estimator="student").student
    save_students(tmp_path / "s.npz", {"y": stack, "none": None})
    loaded = load_students(tmp_path / "s.npz")
    assert list(loaded) == ["y"]
    assert (loaded["y"].positions == template.free).all()  # fixed letters teach a perceptron nothing
    assert (loaded["y"].predict(sketch.codes[:300]) == stack.predict(sketch.codes[:300])).all()
    with pytest.raises(InputError, match="not a file of students"):
        save_npz(tmp_path / "x.npz", {"a": np.zeros(1)})
        load_students(tmp_path / "x.npz")


def test_weighted_sums_of_terms_mix_tables_and_fourier_terms():
    from test_spectrum import wave_spectrum

    terms = wave_spectrum()[0].terms
    wave = terms.supports[2]
    table = np.random.default_rng(0).normal(size=(4,) * 6)
    other = Terms.build(terms.sizes, {wave: table, (0,): np.arange(4.0)})
    codes = np.random.default_rng(1).integers(0, 4, (200, 7)).astype(np.uint8)
    codes[:, 3] = 0
    summed = Terms.weighted_sum([(2.0, terms), (0.5, other)])
    assert np.allclose(summed.predict(codes), 2 * terms.predict(codes) + 0.5 * other.predict(codes))
