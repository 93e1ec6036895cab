"""Monte Carlo permutations: standard errors cover the exact values."""

import numpy as np

from baseline_cases import FREE, brute_force, task_of
from shapsketch.comparison import explain


def test_standard_errors_cover():
    exact = brute_force(task_of(10))[0][:, FREE]
    answers = [explain("monte_carlo", task_of(181, seed=seed)) for seed in range(8)]
    z = [(answer.values[:, FREE] - exact) / answer.errors[:, FREE] for answer in answers]
    assert 0.7 < np.sqrt(np.mean(np.square(z))) < 1.4
