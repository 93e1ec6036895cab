"""Other methods against exact enumeration: right within their error, within budget, reproducible; their scores."""

from dataclasses import replace

import numpy as np
import pytest

from baseline_cases import FREE, TEMPLATE, Function, brute_force, task_of
from shapsketch.comparison import Sketched, Task, UnsuitedError, explain, method
from shapsketch.comparison.game import MEAN_DRAWS, background_mean
from shapsketch.comparison.registry import METHODS, PAID_ONCE
from shapsketch.comparison.truth import enumerated_truth, exact_truth, simulated_truth
from shapsketch.explanation.refine import Residual
from shapsketch.models import Model
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.terms import Terms


@pytest.mark.parametrize("uniform", [True, False])
def test_enumeration_is_exact(uniform):
    task = task_of(10, uniform=uniform)
    answer, (values, pairs) = explain("exact", task), brute_force(task)
    np.testing.assert_allclose(answer.values, values, atol=1e-12)
    for row, found in enumerate(answer.interactions):
        assert len(found) == 10
        assert all(abs(pairs[row][s] - v) < 1e-12 for s, v in found.items())
    assert answer.fixed == task.model.evaluations == 4**4 * 2


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


def test_standard_errors_cover(runs):
    exact = brute_force(task_of(10))[0][:, FREE]
    z = [(a.values[:, FREE] - exact) / a.errors[:, FREE] for _, a in runs["monte_carlo"]]
    assert 0.7 < np.sqrt(np.mean(np.square(z))) < 1.4


class Sparse(Function):
    """A sparse function of eight letters: single positions, and maybe a pair."""

    template = Template(Alphabet("ACGT"), "N" * 8)

    def __init__(self, pair):
        rng = np.random.default_rng(3)
        self.single, self.pair, self.evaluations = rng.normal(size=(8, 4)), pair, 0

    def __call__(self, codes):
        self.evaluations += len(codes)
        y = self.single[np.arange(8), codes].sum(1) + self.pair * (codes[:, 2] == 0) * (codes[:, 6] == 0)
        return np.stack([np.zeros(len(codes)), y], 1)


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


def test_enumeration_of_a_space_too_large_to_evaluate_has_errors(monkeypatch):
    monkeypatch.setattr("shapsketch.comparison.exact.MAX_SEQUENCES", 100)
    task = task_of(30 * 40 + 1)
    answer, exact = explain("exact", task), brute_force(task_of(10))[0]
    z = (answer.values - exact)[:, FREE] / answer.errors[:, FREE]
    assert 0.5 < np.sqrt((z**2).mean()) < 2
    assert task.model.evaluations == answer.fixed + answer.per_sequence.sum()
    with pytest.raises(UnsuitedError, match="needs at least 61 evaluations"):
        explain("exact", task_of(50))


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


@pytest.mark.peers
def test_shapzero_is_close_on_a_sparse_function():
    codes = np.random.default_rng(4).integers(0, 4, (4, 8)).astype(np.uint8)
    task = Task(Sparse(0.0), Background.uniform(Sparse.template), 1, codes, 4000, 2, 0)
    answer = explain("shapzero", task)
    assert answer.fixed == task.model.evaluations > 4000
    assert np.corrcoef(answer.values.ravel(), explain("exact", task).values.ravel())[0, 1] > 0.99
    assert "more than its budget" in answer.note


NETWORKS = """
import torch
from torch import nn
class Network(nn.Module):
    def __init__(self, kind):
        super().__init__()
        torch.manual_seed(0)
        self.kind, self.first, self.last = kind, nn.Conv1d(4, 5, 3), nn.Linear(20, 2)
    def forward(self, x):
        x = self.first(x)
        if self.kind == "relu":
            x = torch.relu(x)
        if self.kind == "squared":
            x = x * x
        return self.last(x.flatten(1))
def linear(): return Network("linear")
def relu(): return Network("relu")
def squared(): return Network("squared")
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "networks.py"
    path.write_text(NETWORKS)

    def build(kind, evaluations):
        source = {"kind": "torch", "factory": f"{path}:{kind}", "layout": "channels_first", "dtype": "float32"}
        return replace(task_of(evaluations), model=Model(source, TEMPLATE, ["a", "b"]))

    return build


@pytest.mark.parametrize(("name", "count"), [("deep_shap", 8000), ("integrated_gradients", 16)])
def test_gradients_are_exact_where_the_network_is_linear(network, name, count):
    task = network("linear", count)
    answer, exact = explain(name, task), explain("exact", network("linear", count))
    error = 0.02 if name == "deep_shap" else 1e-5  # the one draws backgrounds, the other has their mean
    assert np.abs(answer.values - exact.values).max() < error * np.ptp(exact.values)
    assert (answer.per_sequence <= count).all()
    assert "its own definition" in answer.note


def test_deep_shap_follows_functions_and_refuses_what_it_cannot_follow(network):
    answer, exact = (explain(name, network("relu", 2000)) for name in ("deep_shap", "exact"))
    assert np.corrcoef(answer.values[:, FREE].ravel(), exact.values[:, FREE].ravel())[0, 1] > 0.8
    with pytest.raises(UnsuitedError, match="does not add up"):
        explain("deep_shap", network("squared", 200))


def test_deep_shap_follows_the_embedded_network(root):
    """An exported ensemble, in which a batch does not always lie along the first axis."""
    template = Template(Alphabet("ACGT"), "N" * 25 + "GGNNN")
    source = {"kind": "torch", "path": str(root / "resources/models/guide_cnn/model.pt2"), "layout": "channels_first"}
    codes = np.random.default_rng(0).integers(0, 4, (3, 30)).astype(np.uint8)
    codes[:, 25:27] = 0
    task = Task(Model(source, template, ["activity"]), Background.uniform(template), 0, codes, 400)
    answer, truth = explain("deep_shap", task), explain("monte_carlo", replace(task, evaluations=3000))
    assert np.corrcoef(answer.values.ravel(), truth.values.ravel())[0, 1] > 0.9
    assert not answer.values[:, 25:27].any()


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


def test_large_templates_are_not_enumerated():
    template = Template(Alphabet("ACGT"), "N" * 28)
    task = Task(Function(), Background.uniform(template), 0, np.zeros((1, 28), np.uint8), 1000)
    with pytest.raises(UnsuitedError, match="14 positions are its limit"):
        explain("exact", task)
    with pytest.raises(InputError, match="'lime' is not one of shapsketch"):
        explain("lime", task)


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
    known = enumerated_truth([task])
    np.testing.assert_allclose(known.values[0], exact, atol=1e-12)
    np.testing.assert_allclose(known.pairs[0], pairs, atol=1e-12)
    assert not exact_truth([wrong], task.codes).errors.any()


def test_every_method_is_a_module_with_its_index():
    for name in METHODS:
        module = method(name)
        assert module.INDEX in ("SII", None)
