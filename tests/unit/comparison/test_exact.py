"""Enumeration is exact, has errors where it samples, and refuses what is too large."""

import numpy as np
import pytest

from baseline_cases import FREE, Function, brute_force, task_of
from shapsketch.comparison import Task, UnsuitedError, explain
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError


@pytest.mark.parametrize("uniform", [True, False])
def test_enumeration_is_exact(uniform):
    task = task_of(10, uniform=uniform)
    answer, (values, pairs) = explain("exact", task), brute_force(task)
    np.testing.assert_allclose(answer.values, values, atol=1e-12)
    for row, found in enumerate(answer.interactions):
        assert len(found) == 10
        assert all(abs(pairs[row][s] - v) < 1e-12 for s, v in found.items())
    assert answer.fixed == task.model.evaluations == 4**4 * 2


def test_enumeration_of_a_space_too_large_to_evaluate_has_errors(monkeypatch):
    monkeypatch.setattr("shapsketch.settings.methods.MAX_SEQUENCES", 100)
    task = task_of(30 * 40 + 1)
    answer, exact = explain("exact", task), brute_force(task_of(10))[0]
    z = (answer.values - exact)[:, FREE] / answer.errors[:, FREE]
    assert 0.5 < np.sqrt((z**2).mean()) < 2
    assert task.model.evaluations == answer.fixed + answer.per_sequence.sum()
    with pytest.raises(UnsuitedError, match="needs at least 61 evaluations"):
        explain("exact", task_of(50))


def test_large_templates_are_not_enumerated():
    template = Template(Alphabet("ACGT"), "N" * 28)
    task = Task(Function(), Background.uniform(template), 0, np.zeros((1, 28), np.uint8), 1000)
    with pytest.raises(UnsuitedError, match="14 positions are its limit"):
        explain("exact", task)
    with pytest.raises(InputError, match="'lime' is not one of shapsketch"):
        explain("lime", task)
