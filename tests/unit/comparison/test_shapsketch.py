"""Our own sketch is a method too, refined or not.

Covers also: shapsketch_refined.
"""

from dataclasses import replace

import numpy as np

from baseline_cases import TEMPLATE, brute_force, task_of
from shapsketch.comparison import Sketched, explain
from shapsketch.comparison.game import background_mean
from shapsketch.explanation.refine import Residual
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.terms import Terms


def test_our_sketch_is_a_method_too():
    task = task_of(600, order=3)
    answer, (exact, pairs) = explain("shapsketch", task), brute_force(task_of(10))
    np.testing.assert_allclose(answer.values, exact, atol=1e-9)  # 600 cover all 512 sequences
    assert abs(answer.interactions[0][0, 4] - pairs[0, 0, 4]) < 1e-9
    assert answer.fixed == task.model.evaluations == 512
    assert max(map(len, answer.interactions[0])) == 3
    empty = Spectrum(task.background, "y", 0.0, Terms.build(TEMPLATE.sizes, {}))
    given = replace(task_of(101), sketch=Sketched(empty, 700, Residual(background_mean(task)[0])))
    refined = explain("shapsketch_refined", given)
    assert refined.fixed == 700
    assert (refined.per_sequence == 101).all()
    assert given.model.evaluations == refined.per_sequence.sum()
    assert np.sqrt(((refined.values - exact) ** 2).mean()) < 0.5 * exact.std()
