"""The simulated truth is the exact one."""

import numpy as np

from baseline_cases import FREE, TEMPLATE, brute_force, task_of
from shapsketch.comparison.truth import enumerated_truth, exact_truth, simulated_truth
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.methods import truth_evaluations
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.terms import Terms

MANY = Template(Alphabet("ARNDCQEGHILKMFPSTWYV"), "X" * 5)  # more sequences than can all be evaluated


def test_simulated_truth_is_the_exact_one_whatever_it_starts_from():
    task = task_of(10)
    table = np.array([1.0, 2, -1, 0])
    table -= task.background.local[1] @ table
    wrong = Spectrum(task.background, "y", 3.0, Terms.build(TEMPLATE.sizes, {(1,): table}))

    def ask(codes):
        return task.predict(codes)[:, None]

    truth = simulated_truth([wrong], [ask], task.codes, error=0.15, pair_error=0.7, seed=0)
    exact, pairs = brute_force(task_of(10))
    exact, pairs = exact[:, FREE], (pairs + pairs.swapaxes(1, 2))[:, FREE][..., FREE]
    assert truth.errors[0] < 0.15
    assert np.sqrt(((truth.values[0] - exact) ** 2).mean()) < 2 * 0.15 * exact.std()
    upper = np.triu_indices(5, 1)
    missed = (truth.pairs[0] - pairs)[:, *upper]
    assert truth.pair_errors[0] < 0.7
    assert np.sqrt((missed**2).mean()) < 2 * 0.7 * truth.pairs[0][:, *upper].std()
    assert truth.evaluations % 9 == 1
    stopped = simulated_truth([wrong], [ask], task.codes, error=1e-6, seed=0, most=1500)
    assert stopped.evaluations <= 1500 < stopped.evaluations + 16 * 9
    few = simulated_truth([wrong], [ask], task.codes, error=1e-6, seed=0, most=100)
    assert few.evaluations == truth_evaluations({"truth_evaluations": 100}, MANY, 1) == 64 * 9 + 1
    known = enumerated_truth([task])
    np.testing.assert_allclose(known.values[0], exact, atol=1e-12)
    np.testing.assert_allclose(known.pairs[0], pairs, atol=1e-12)
    assert not exact_truth([wrong], task.codes).errors.any()
