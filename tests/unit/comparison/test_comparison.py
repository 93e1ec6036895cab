"""Every method through one suite: right within its error, within budget, reproducible.

Covers also: game, kernel_shap, permutation_sampling, proxyspex, shap_iq, spex, svarm_iq.
"""

import numpy as np
import pytest
from gradient_cases import Sparse

from baseline_cases import FREE, brute_force, task_of
from shapsketch.comparison import Task, UnsuitedError, explain, method
from shapsketch.comparison.game import background_mean
from shapsketch.comparison.shapiq_methods import newer_shapiq
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.methods import MEAN_DRAWS, METHODS, PAID_ONCE

SAMPLING = {"kernel_shap": 200, "permutation_sampling": 201, "shap_iq": 200, "svarm_iq": 200, "monte_carlo": 181}


@pytest.fixture(scope="module")
def runs():
    """The sampling methods with eight seeds each."""
    return {
        name: [(task := task_of(count, seed=seed), explain(name, task)) for seed in range(8)]
        for name, count in SAMPLING.items()
    }


@pytest.mark.parametrize("name", SAMPLING)
def test_sampling_methods_agree_with_enumeration_within_their_error(runs, name):
    exact, pairs = brute_force(task_of(10))
    found = np.stack([answer.values for _, answer in runs[name]])
    scores = (found.mean(0) - exact)[:, FREE] / (found.std(0, ddof=1)[:, FREE] / np.sqrt(len(found)))
    assert np.sqrt((scores**2).mean()) < 2  # about 1.2 is expected with seven degrees of freedom
    assert np.sqrt(((found - exact) ** 2).mean()) < 0.35 * exact[:, FREE].std()
    assert not found[:, :, 2].any()
    index = method(name).INDEX
    assert (runs[name][0][1].interactions is None) == (index is None)
    if index:
        rows = [[[a.interactions[r][s] for s in a.interactions[0]] for r in range(3)] for _, a in runs[name]]
        true = np.array([[pairs[r][s] for s in runs[name][0][1].interactions[0]] for r in range(3)])
        rows = np.array(rows)
        scores = (rows.mean(0) - true) / (rows.std(0, ddof=1) / np.sqrt(len(rows)))
        assert np.sqrt((scores**2).mean()) < 2


@pytest.mark.parametrize("name", SAMPLING)
def test_budgets_are_respected_and_told(runs, name):
    for task, answer in runs[name]:
        assert (answer.per_sequence <= task.evaluations).all()
        assert (answer.per_sequence > 0.8 * task.evaluations).all()
        assert task.model.evaluations == answer.fixed + answer.per_sequence.sum()
    assert name not in PAID_ONCE


@pytest.mark.parametrize("name", ["kernel_shap", "permutation_sampling"])
def test_values_sum_to_the_prediction_less_the_mean(runs, name):
    for task, answer in runs[name]:
        expected = task.predict(task.codes) - background_mean(task)[0]
        np.testing.assert_allclose(answer.values.sum(1), expected, atol=1e-9)


@pytest.mark.parametrize("name", SAMPLING)
def test_a_seed_gives_the_same_bytes_and_leaves_global_states_alone(runs, name):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    again = explain(name, task_of(SAMPLING[name], rows=slice(1, 2)))
    assert (again.values == runs[name][0][1].values[1:2]).all()  # whatever else is explained beside it
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert (again.values != runs[name][1][1].values[1:2]).any()


@pytest.mark.parametrize(("name", "count"), [pytest.param("spex", 500, marks=pytest.mark.peers), ("proxyspex", 200)])
def test_sparse_methods_come_close(name, count):
    background = Background.mutated(Sparse.template, "TTTTTTTT", 1e-9)  # so that no noise is in the way
    task = Task(Sparse(5.0), background, 1, np.array([[1, 2, 0, 1, 2, 1, 0, 2]], np.uint8), count, 2, 0)
    answer = explain(name, task)
    assert answer.per_sequence[0] <= count
    assert task.model.evaluations == answer.fixed + answer.per_sequence[0] == MEAN_DRAWS + answer.per_sequence[0]
    exact = explain("exact", task)
    assert np.corrcoef(answer.values[0], exact.values[0])[0, 1] > 0.97
    assert max(answer.interactions[0], key=lambda s: abs(answer.interactions[0][s])) == (2, 6)


@pytest.mark.parametrize(
    ("name", "count", "sentence"),
    [
        ("permutation_sampling", 4, "needs at least 5 evaluations"),
        ("kernel_shap", 9, "needs at least 10 evaluations"),
        ("monte_carlo", 18, "need at least 19 evaluations"),
        ("proxyspex", 20, "needs at least 32 evaluations"),
        pytest.param("spex", 30, "SPEX of shapiq failed", marks=pytest.mark.peers),
        ("deep_shap", 100, "A model of kind function has no gradients that DeepSHAP could follow"),
        ("shapzero", 4000, "needs a uniform background and equally many letters"),
        ("shapsketch", 5, "too small"),
    ],
)
def test_what_cannot_be_done_is_said(name, count, sentence):
    with pytest.raises(UnsuitedError, match=sentence):
        explain(name, task_of(count))


class OnePosition:
    """The square of the letter at the only free position."""

    outputs, batch_size, kind, evaluations = ("y",), 64, "function", 0
    template = Template(Alphabet("ACGT"), "GGNGA")

    def __call__(self, codes):
        self.evaluations += len(codes)
        return codes[:, 2:3].astype(float) ** 2


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.peers if name in ("shapzero", "tn_shap") else ()) for name in METHODS]
)
def test_the_value_of_one_free_position_is_what_the_prediction_differs_by(name):
    background, codes = Background.uniform(OnePosition.template), np.array([[0, 0, 1, 0, 0], [0, 0, 3, 0, 0]], np.uint8)
    task = Task(OnePosition(), background, 0, codes, 256, 2, 0)
    newer = name in ("leverage_shap", "poly_shap", "odd_shap", "regression_msr", "proxy_shap") and not newer_shapiq()
    gradients = name in ("deep_shap", "deep_lift_shap", "integrated_gradients")
    if newer or gradients or name == "instashap":
        with pytest.raises(UnsuitedError):
            explain(name, task)
        return
    answer = explain(name, task)
    assert answer.values[:, 2] == pytest.approx([1 - 3.5, 9 - 3.5], abs=1.0)  # the mean of 14 / 4 is drawn, 256 times
    assert np.ptp(answer.values[:, 2]) == pytest.approx(8, abs=1e-3 if name != "monte_carlo" else 1.5)
    assert not answer.values[:, [0, 1, 3, 4]].any()
    assert answer.interactions is None or not any(answer.interactions)


def test_every_method_is_a_module_with_its_index():
    for name in METHODS:
        module = method(name)
        assert module.INDEX in ("SII", None)
