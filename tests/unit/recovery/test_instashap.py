"""InstaSHAP, FastSHAP and the accuracy gap: dividends, shares of variance, efficiency, budgets, the same bytes."""

from dataclasses import replace

import numpy as np
import pytest

from oracles import all_codes, coalition_values, shapley_values
from shapsketch.comparison import Task, UnsuitedError, explain, fastshap
from shapsketch.fidelity.accuracy_gap import accuracy_gap, in_words
from shapsketch.fidelity.faithfulness import report
from shapsketch.recovery import _samples, instashap, recover
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.basis import ProductBasis
from shapsketch.spectrum.coalitions import shapley_coalitions

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


@pytest.mark.parametrize("uniform", [True, False])
@pytest.mark.parametrize("supports", [SINGLES, [*SINGLES, *PAIRS]])
def test_terms_are_the_dividends(uniform, supports):
    background = background_of(uniform)
    truth = terms_of(background, supports)
    sketch = sketch_of(lambda codes: 2 + truth.predict(codes), background)
    spectrum = recover(sketch, 0, estimator="instashap").spectrum
    codes = sketch.codes[:200]
    assert spectrum.intercept == pytest.approx(2, abs=1e-3)
    for support, dividends in zip(truth.supports, truth.dividends(codes).T, strict=True):
        mine = spectrum.terms.dividends(codes)[:, spectrum.terms.supports.index(support)]
        assert np.abs(mine - dividends).max() < 1e-3
    assert np.abs(spectrum.terms.shapley_values(codes) - truth.shapley_values(codes)).max() < 1e-3
    for t, support in enumerate(spectrum.terms.supports):  # purified: no axis has a mean
        for axis, i in enumerate(support):
            assert np.abs(np.tensordot(spectrum.terms.table(t), background.local[i], (axis, 0))).max() < 1e-9


def test_a_term_is_on_only_if_all_of_it_is_present():
    model = instashap.AdditiveModel(background_of(True), {(0,): 1.0, (0, 4): 1.0, (2, 4, 8): 1.0})
    with instashap.torch.no_grad():
        model.base.fill_(0.5)
        model.weights.copy_(instashap.torch.arange(1.0, 1 + len(model.weights)))
    masks = np.ones((4, 9), bool)
    masks[1, 4] = masks[2, 0] = masks[3, :] = False
    codes = np.zeros((3, 9), np.uint8)
    codes[1, [0, 2]], codes[2] = 2, [3, 1, 2, 0, 1, 0, 0, 3, 3]
    found = model(model.tables(), model.cells(codes), model.switches(masks)).detach().numpy()
    terms = model.basis.to_terms((model.spread * model.weights).detach().numpy().astype(float))
    single, pair, triple = terms.dividends(codes).T
    expected = 0.5 + np.stack([single + pair + triple, single, triple, 0 * single], 1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_masks_help_where_samples_are_few():
    """More unknowns than samples, and noise: the weight of the masks is chosen, and the hold-out agrees."""
    template = Template(Alphabet("ACGT"), "N" * 16)
    background = Background.uniform(template)
    truth = terms_of(background, [(i, j) for i in range(8) for j in range(i + 1, 8)])
    noise = np.random.default_rng(0).normal(size=1_500) * 8
    plan = make_plan({}, ["y"], background, budget=1_500, design="random")
    codes = plan.queries(0, plan.size)
    samples = _samples(Sketch(plan, codes, (truth.predict(codes) + noise)[:, None]), 0, 1)
    energies = dict.fromkeys([(i, j) for i in range(16) for j in range(i + 1, 16)], 1.0)
    without, with_masks = (instashap._train(samples, energies, 1e-9 + w * 100, w) for w in (0.0, 4.0))
    assert with_masks.score > without.score


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("uniform", [True, False])
def test_the_accuracy_gap_of_a_function_of_order_three(uniform, order):
    background = background_of(uniform)
    truth = terms_of(background, [*SINGLES, *PAIRS, (0, 2, 4), (5, 7, 8)])
    known = truth.variances(background.local)
    total = known.sum()
    plan = make_plan({}, ["y"], background, budget=4_000, design="random", seed=3)
    codes = plan.queries(0, plan.size)
    kept = truth.select((truth.orders <= order) & (np.arange(len(truth)) != 2))  # the fit has lost one single
    gap = accuracy_gap(background, codes, 1 + truth.predict(codes), 1 + kept.predict(codes), order)
    beyond = known[truth.orders > order].sum() / total
    assert gap["error"] < 0.05
    assert gap["estimation"] == pytest.approx(known[2] / total, abs=3 * gap["error"] + 0.01)
    assert gap["truncation"] == pytest.approx(beyond, abs=3 * gap["error"] + 0.03)
    assert gap["total"] == pytest.approx(gap["truncation"] + gap["estimation"])
    assert ("More evaluations would help" in in_words(gap, order)) == (gap["estimation"] > max(0.02, 2 * gap["error"]))


def test_the_gap_is_reported_with_the_spectrum():
    background = background_of(True)
    truth = terms_of(background, [*SINGLES, *PAIRS, (0, 2, 4)])
    sketch = sketch_of(truth.predict, background)
    recovered = recover(sketch, 0, estimator="instashap", max_order=1)
    scores = report(recovered.spectrum, sketch, 0)
    variances = truth.variances(background.local)
    assert set(scores["accuracy_gap"]) == {"1"}
    expected = variances[truth.orders > 1].sum() / variances.sum()
    gap = scores["accuracy_gap"]["1"]
    assert gap["truncation"] == pytest.approx(expected, abs=4 * gap["error"])
    assert gap["total"] == pytest.approx(1 - scores["r2"], abs=0.02)


def test_the_same_bytes_whatever_the_threads():
    background = background_of(False)
    truth = terms_of(background, [*SINGLES, *PAIRS, (0, 2, 4)])
    sketch = sketch_of(lambda codes: np.tanh(truth.predict(codes)), background, 1_000)
    one, other = (recover(sketch, 0, estimator="instashap", threads=k).spectrum for k in (1, 3))
    assert one.terms.tables.tobytes() == other.terms.tables.tobytes()
    assert one.intercept == other.intercept


def test_coalitions_follow_the_shapley_kernel():
    drawn = shapley_coalitions(np.random.default_rng(0), 40_000, 5)
    sizes = np.bincount(drawn.sum(1), minlength=6) / len(drawn)
    assert sizes[[0, 5]].sum() == 0
    np.testing.assert_allclose(sizes[1:5], np.array([1 / 4, 1 / 6, 1 / 6, 1 / 4]) * 6 / 5, atol=0.01)
    np.testing.assert_allclose(drawn.mean(0), 0.5, atol=0.01)


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


def test_fastshap_correlates_with_the_exact_values(monkeypatch):
    monkeypatch.setattr(fastshap, "STEPS", 1_000)
    task = task_of(10_000)
    answer = explain("fastshap", task)
    assert answer.fixed + answer.per_sequence.sum() == task.model.evaluations <= 10_000
    free, sizes = TEMPLATE.free, TEMPLATE.sizes
    cube = task.model.function(TEMPLATE.to_alphabet(all_codes(sizes))).reshape(sizes[free])
    p = [task.background.local[i] for i in free]
    exact = np.array([shapley_values(coalition_values(cube, p, x[free]), len(free)) for x in task.codes])
    assert np.corrcoef(answer.values[:, free].ravel(), exact.ravel())[0, 1] > 0.95
    assert not answer.values[:, 3].any()


def test_fastshap_is_efficient_and_makes_the_same_bytes_again(monkeypatch):
    monkeypatch.setattr(fastshap, "STEPS", 200)
    task = task_of(1_000)
    one, other = (explain("fastshap", replace(task, threads=k)) for k in (1, 2))
    assert one.values.tobytes() == other.values.tobytes()
    gaps = task.model.function(TEMPLATE.to_alphabet(task.codes)) - one.values.sum(1)
    assert np.ptp(gaps) < 1e-12  # f(x) - sum phi is E f, the same for all
    with pytest.raises(UnsuitedError, match="at least 200 evaluations"):
        explain("fastshap", task_of(150))


def test_instashap_as_a_method():
    task = task_of(2_000)
    answer = explain("instashap", task)
    assert answer.fixed == task.model.evaluations <= 2_000
    assert not answer.per_sequence.any()
    assert answer.values.shape == task.codes.shape
