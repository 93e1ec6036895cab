"""The methods that came with shapiq 1.8, where it is installed; elsewhere they say what they need.

Covers also: leverage_shap, odd_shap, poly_shap, proxy_shap, regression_msr.
"""

from dataclasses import replace

import numpy as np
import pytest

from baseline_cases import Function, task_of
from shapsketch.comparison import Task, UnsuitedError, explain, method
from shapsketch.comparison.shapiq_methods import approximate, newer_shapiq
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template

NEWER = ["leverage_shap", "poly_shap", "odd_shap", "regression_msr", "proxy_shap"]


class Game(Function):
    """Eight letters: single positions, and a pair of them at 2 and 6."""

    template = Template(Alphabet("ACGT"), "N" * 8)

    def __call__(self, codes):
        self.evaluations += len(codes)
        single = np.random.default_rng(3).normal(size=(8, 4))[np.arange(8), codes].sum(1)
        return np.stack([0 * single, single + 5 * (codes[:, 2] == 0) * (codes[:, 6] == 0)], 1)


@pytest.mark.skipif(not newer_shapiq(), reason="shapiq 1.8 needs Python 3.12")
@pytest.mark.parametrize("name", NEWER)
def test_newer_methods_come_close_within_their_budget(name):
    background = Background.mutated(Game.template, "TTTTTTTT", 1e-9)  # so that no noise is in the way
    task = Task(Game(), background, 1, np.array([[1, 2, 0, 1, 2, 1, 0, 2]], np.uint8), 200, 2, 0)
    answer, exact = explain(name, task), explain("exact", replace(task, model=Game()))
    assert answer.per_sequence[0] <= 200
    assert task.model.evaluations == answer.fixed + answer.per_sequence[0]
    assert 1 - ((answer.values - exact.values) ** 2).sum() / 8 / exact.values.var() > 0.95
    assert (answer.interactions is None) == (method(name).INDEX is None)
    if answer.interactions:
        assert max(answer.interactions[0], key=lambda s: abs(answer.interactions[0][s])) == (2, 6)
    assert (explain(name, replace(task, model=Game())).values == answer.values).all()


@pytest.mark.skipif(newer_shapiq(), reason="shapiq 1.8 is installed")
@pytest.mark.parametrize("name", NEWER)
def test_what_came_later_says_what_it_needs(name):
    with pytest.raises(UnsuitedError, match="came with shapiq 1.8, which needs Python 3.12; shapiq 1.4"):
        explain(name, task_of(200))


def test_too_few_evaluations_are_said_before_the_library_is_asked():
    with pytest.raises(UnsuitedError, match="KernelSHAP needs at least 50 evaluations of a sequence; it was given 20"):
        approximate(task_of(20), "KernelSHAP", distinct=True, least=50)
