"""The accuracy gap of a function of order three."""

import numpy as np
import pytest
from instashap_cases import PAIRS, SINGLES, background_of, sketch_of, terms_of

from shapsketch.fidelity.accuracy_gap import accuracy_gap, in_words
from shapsketch.fidelity.faithfulness import report
from shapsketch.recovery import recover
from shapsketch.sampling.design import make_plan


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
