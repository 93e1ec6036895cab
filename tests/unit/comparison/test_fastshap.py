"""FastSHAP: near the exact values, efficient, the same bytes again."""

from dataclasses import replace

import numpy as np
import pytest
from instashap_cases import TEMPLATE, task_of

from oracles import all_codes, coalition_values, shapley_values
from shapsketch.comparison import UnsuitedError, explain, fastshap


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
