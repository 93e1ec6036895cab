"""Saturation mutagenesis of tangermeme: every single mutation, weighed by the background."""

import numpy as np
import pytest
import torch
from tangermeme.saturation_mutagenesis import saturation_mutagenesis

from baseline_cases import FREE, TEMPLATE, task_of
from shapsketch.comparison import UnsuitedError, explain
from shapsketch.comparison.table import Comparison


def test_it_is_the_mean_over_the_background_of_every_single_mutation():
    task = task_of(100)
    answer = explain("saturation_mutagenesis", task)
    for x, values in zip(task.codes, answer.values, strict=True):
        for i in range(TEMPLATE.n):
            mutants = np.repeat(x[None], TEMPLATE.sizes[i], 0)
            mutants[:, i] = np.arange(TEMPLATE.sizes[i])
            expected = task.predict(x[None])[0] - task.background.local[i] @ task.predict(mutants)
            assert values[i] == pytest.approx(expected, abs=1e-12)
    assert not answer.values[:, 2].any()


def test_it_asks_what_the_template_decides():
    task = task_of(100)
    answer = explain("saturation_mutagenesis", task)
    assert (answer.per_sequence == 1 + 4 * 3 + 1).all()  # four positions of four letters, one of two
    assert task.model.evaluations == 3 * 14
    with pytest.raises(UnsuitedError, match="takes 14 evaluations of a sequence; it was given 13"):
        explain("saturation_mutagenesis", task_of(13))


def test_a_comparison_runs_it_once(known):
    comparison = Comparison([task_of(600)], known[1].truth, ["saturation_mutagenesis", "monte_carlo"], [30, 100], 50, 2)
    assert comparison.runs() == [(0, "saturation_mutagenesis", 14), (0, "monte_carlo", 30), (0, "monte_carlo", 100)]


def test_under_a_uniform_background_it_is_tangermemes_score(network):
    task = network("relu", 100)
    task = type(task)(task.model, task_of(10, uniform=True).background, task.output, task.codes, 100)
    plain = network_of(task)
    x = torch.eye(4)[torch.from_numpy(TEMPLATE.to_alphabet(task.codes).astype(np.int64))].transpose(1, 2)
    score = saturation_mutagenesis(plain, x, target=1, device="cpu").sum(1).numpy()
    full = [i for i in FREE if TEMPLATE.sizes[i] == 4]  # tangermeme has four letters everywhere
    np.testing.assert_allclose(explain("saturation_mutagenesis", task).values[:, full], score[:, full], atol=1e-6)


def network_of(task):
    from shapsketch.models import torch_model

    return torch_model.load_network(task.model.source)[0]
