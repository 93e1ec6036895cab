"""The accuracy gap of a function of order three."""

from itertools import combinations

import numpy as np
import pytest
from instashap_cases import PAIRS, SINGLES, TEMPLATE, background_of, sketch_of, terms_of

from oracles import all_codes
from shapsketch.fidelity.accuracy_gap import Seen, accuracy_gap, in_words, seen_rows
from shapsketch.fidelity.faithfulness import report
from shapsketch.recovery import recover
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template


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


def test_independent_draws_are_compared_in_all_pairs():
    """Against the sum over supports, pair by pair."""
    background = background_of(False)
    rng = np.random.default_rng(4)
    codes = np.stack([rng.choice(len(p), 50, p=p) for p in background.local], 1).astype(np.uint8)
    values, predicted = rng.normal(size=(2, 50))
    gap = accuracy_gap(background, codes, values, predicted, 2)
    missed = values - predicted - (values - predicted).mean()
    factors = [(codes[:, None, i] == codes[:, i]) / background.local[i][codes[:, i]] - 1 for i in TEMPLATE.free]
    kernel = sum(factors) + sum(first * second for first, second in combinations(factors, 2))
    np.fill_diagonal(kernel, 0)
    expected = missed @ kernel @ missed / (50 * 49) / values.var()
    assert gap["estimation"] == pytest.approx(expected, rel=1e-4)
    assert gap["total"] == pytest.approx(np.mean((values - predicted) ** 2) / values.var())


def cube_parts(shape, seed):
    """A random function of every sequence: what orders up to 2 carry, 70 % of its variance, and the rest."""
    full = np.fft.fftn(np.random.default_rng(seed).normal(size=shape))
    orders = sum(np.meshgrid(*(np.arange(size) > 0 for size in shape), indexing="ij"), np.zeros(shape, int))
    low, high = (np.fft.ifftn(np.where(kept, full, 0)).real for kept in (orders <= 2, orders > 2))
    return low * np.sqrt(0.7) / low.std(), high * np.sqrt(0.3) / high.std()


def gap_of_draws(template, budget, seed, fitted):
    """The gap of order 2 on the hold-out of a plan that draws without replacement, and what is estimated.

    Args:
        template: with as few sequences as can be listed.
        budget: of the plan, most of them.
        seed: of the function and of the plan.
        fitted: from the (A, n) codes and (A,) values of what is fitted and the parts of the function to the fit of
            every sequence, in the shape of the function.
    """
    background, shape = Background.uniform(template), tuple(template.sizes)
    plan = make_plan({}, ["y"], background, budget=budget, design="random", seed=seed)
    assert plan.distinct
    low, high = cube_parts(shape, seed)
    sketch = Sketch(plan, codes := plan.queries(0, plan.size), (low + high)[tuple(codes.T)][:, None])
    codes, values = sketch.samples("train", "validation")
    fit = fitted(codes, values[:, 0], low)
    rows = seen_rows(len(codes))
    seen = Seen(codes[rows], values[rows, 0] - fit[tuple(codes[rows].T)], len(codes))
    codes, values = sketch.samples("holdout")
    gap = accuracy_gap(background, codes, values[:, 0], fit[tuple(codes.T)], 2, seen)
    return gap["estimation"], gap["error"], np.var(low - fit) / values.var()


def test_draws_without_replacement_of_a_fit_that_lacks_higher_orders_alone():
    """6,000 of 8,000 sequences: the hold-out's pairs, all of different sequences, told -4 % of the variance."""
    template = Template(Alphabet.from_config("protein"), "XXX")
    draws = np.array([gap_of_draws(template, 6_000, seed, lambda codes, values, low: low) for seed in range(4)])
    assert abs(draws[:, 0].mean()) < 2 * np.sqrt((draws[:, 1] ** 2).sum()) / len(draws)
    assert draws[:, 1].max() < 0.02


def test_draws_without_replacement_of_a_fit_to_most_sequences():
    """Least squares, whose residual is uncorrelated to all that was fitted on what was seen, and so not on the rest."""
    template = Template(Alphabet("ACGT"), "NNNNN")
    every = all_codes(template.sizes)
    pairs = np.stack([4 * every[:, i] + every[:, j] for i, j in combinations(range(5), 2)], 1)
    letters = (pairs[:, :, None] == np.arange(16)).reshape(len(every), -1).astype(float)

    def least_squares(codes, values, low):
        seen = np.ravel_multi_index(tuple(codes.T), low.shape)
        return (letters @ np.linalg.lstsq(letters[seen], values, rcond=None)[0]).reshape(low.shape)

    draws = np.array([gap_of_draws(template, 700, seed, least_squares) for seed in range(40)])
    apart = draws[:, 0] - draws[:, 2]
    assert abs(apart.mean()) < 2 * apart.std() / np.sqrt(len(draws))
    assert 0.7 < np.sqrt(np.mean((apart / draws[:, 1]) ** 2)) < 1.4
    assert draws[:, 2].mean() > 0.02


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
    assert sketch.plan.distinct  # so that what was fitted counts, and not as draws of what was not
    codes, values = sketch.samples("train", "validation")
    seen = Seen(codes, values[:, 0] - recovered.spectrum.predict_codes(codes), len(codes))
    codes, values = sketch.samples("holdout")
    predicted = recovered.spectrum.predict_codes(codes)
    assert gap == pytest.approx(accuracy_gap(background, codes, values[:, 0], predicted, 1, seen), rel=1e-9)
