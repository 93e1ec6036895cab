"""Other methods against exact enumeration: right within their error, within budget, reproducible; their scores."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from oracles import all_codes, coalition_values, dividends, shapley_values
from shapsketch.alphabet import Alphabet
from shapsketch.background import Background
from shapsketch.baselines import Sketched, Task, UnsuitedError, explain, method, pays_once
from shapsketch.baselines.analysis import choose_sequences
from shapsketch.baselines.game import MEAN_DRAWS, background_mean
from shapsketch.baselines.scoring import Scorer, agreement
from shapsketch.baselines.table import Comparison
from shapsketch.baselines.truth import enumerated_truth, exact_truth, simulated_truth
from shapsketch.charts import cost_chart, total_cost_chart
from shapsketch.comparators import METHODS, break_even, headline
from shapsketch.errors import InputError
from shapsketch.models import Model
from shapsketch.refine import Residual
from shapsketch.spectrum import Spectrum
from shapsketch.template import Template
from shapsketch.terms import Terms

TEMPLATE = Template(Alphabet("ACGT"), "NNGNRN")  # position 3 is fixed, position 5 has two letters
FREE = [0, 1, 3, 4, 5]


class Function:
    """Two outputs, the second of which has interactions of every order."""

    outputs, batch_size = ("none", "y"), 64

    def __init__(self):
        rng = np.random.default_rng(0)
        single, pairs = rng.normal(size=(6, 4)), 0.5 * rng.normal(size=(5, 4, 4))
        codes = all_codes([4] * 6)
        y = single[np.arange(6), codes].sum(1) + sum(pairs[i][codes[:, i], codes[:, i + 1]] for i in range(5))
        self.cube = np.tanh(y / 2).reshape((4,) * 6)
        self.evaluations = 0

    def __call__(self, codes):
        self.evaluations += len(codes)
        y = self.cube[tuple(codes.T)]
        return np.stack([0 * y, y], 1)


def task_of(evaluations, *, uniform=False, order=2, seed=0, rows=slice(None)):
    weights = np.random.default_rng(1).uniform(0.2, 1, (6, 4))
    background = Background.uniform(TEMPLATE) if uniform else Background.from_weights(TEMPLATE, weights)
    codes = np.array([[0, 1, 0, 2, 1, 3], [3, 3, 0, 0, 0, 0], [2, 0, 0, 1, 1, 2]], np.uint8)
    return Task(Function(), background, 1, codes[rows], evaluations, order, seed)


def brute_force(task):
    """(N, n) Shapley values and (N, n, n) pairwise interactions from the definitions."""
    space = all_codes(TEMPLATE.sizes)
    cube = task.model.cube[tuple(TEMPLATE.to_alphabet(space).T)].reshape(TEMPLATE.sizes[FREE])
    p = [task.background.local[i] for i in FREE]
    values, pairs = np.zeros(task.codes.shape), np.zeros((len(task.codes), 6, 6))
    for row, x in enumerate(task.codes):
        game = coalition_values(cube, p, x[FREE])
        values[row, FREE] = shapley_values(game, 5)
        a = dividends(game)
        for i, j in combinations(range(5), 2):
            pairs[row, FREE[i], FREE[j]] = sum(v / (len(t) - 1) for t, v in a.items() if {i, j} <= set(t))
    return values, pairs


@pytest.mark.parametrize("uniform", [True, False])
def test_enumeration_is_exact(uniform):
    task = task_of(10, uniform=uniform)
    answer, (values, pairs) = explain("exact", task), brute_force(task)
    np.testing.assert_allclose(answer.values, values, atol=1e-12)
    for row, found in enumerate(answer.interactions):
        assert len(found) == 10
        assert all(abs(pairs[row][s] - v) < 1e-12 for s, v in found.items())
    assert answer.once == task.model.evaluations == 4**4 * 2


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
        assert (answer.each <= task.evaluations).all()
        assert (answer.each > 0.8 * task.evaluations).all()
        assert task.model.evaluations == answer.once + answer.each.sum()
    assert not pays_once(name)


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
    assert answer.each[0] <= count
    assert task.model.evaluations == answer.once + answer.each[0] == MEAN_DRAWS + answer.each[0]
    exact = explain("exact", task)
    assert np.corrcoef(answer.values[0], exact.values[0])[0, 1] > 0.97
    assert max(answer.interactions[0], key=lambda s: abs(answer.interactions[0][s])) == (2, 6)


def test_enumeration_of_a_space_too_large_to_evaluate_has_errors(monkeypatch):
    monkeypatch.setattr("shapsketch.baselines.exact.MOST_SEQUENCES", 100)
    task = task_of(30 * 40 + 1)
    answer, exact = explain("exact", task), brute_force(task_of(10))[0]
    z = (answer.values - exact)[:, FREE] / answer.errors[:, FREE]
    assert 0.5 < np.sqrt((z**2).mean()) < 2
    assert task.model.evaluations == answer.once + answer.each.sum()
    with pytest.raises(UnsuitedError, match="needs at least 61 evaluations"):
        explain("exact", task_of(50))


def test_our_sketch_is_a_method_too():
    task = task_of(600, order=3)
    answer, (exact, pairs) = explain("shapsketch", task), brute_force(task_of(10))
    np.testing.assert_allclose(answer.values, exact, atol=1e-9)  # 600 cover all 512 sequences
    assert abs(answer.interactions[0][0, 4] - pairs[0, 0, 4]) < 1e-9
    assert answer.once == task.model.evaluations == 512
    assert max(map(len, answer.interactions[0])) == 3
    empty = Spectrum(task.background, "y", 0.0, Terms.build(TEMPLATE.sizes, {}))
    given = replace(task_of(101), sketch=Sketched(empty, 700, Residual(background_mean(task)[0])))
    refined = explain("shapsketch_refined", given)
    assert refined.once == 700
    assert (refined.each == 101).all()
    assert given.model.evaluations == refined.each.sum()
    assert np.sqrt(((refined.values - exact) ** 2).mean()) < 0.5 * exact.std()


@pytest.mark.peers
def test_shapzero_is_close_on_a_sparse_function():
    codes = np.random.default_rng(4).integers(0, 4, (4, 8)).astype(np.uint8)
    task = Task(Sparse(0.0), Background.uniform(Sparse.template), 1, codes, 4000, 2, 0)
    answer = explain("shapzero", task)
    assert answer.once == task.model.evaluations > 4000
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
    assert (answer.each <= count).all()
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


@pytest.fixture(scope="module")
def known():
    task = task_of(200)
    return task, Scorer(enumerated_truth([task_of(10), task_of(10)]), 1, 16, 0)


def test_scores_of_the_truth_and_of_its_opposite(known):
    task, scorer = known
    exact = explain("exact", task_of(10))
    best, worst = scorer(task, exact), scorer(task, replace(exact, values=-exact.values))
    assert best["r2"] == best["pearson"] == best["spearman"] == best["pair_recall"] == pytest.approx((1.0, 1.0, 1.0))
    assert worst["pearson"][0] == pytest.approx(-1)
    assert worst["r2"][0] < 0
    assert best["insertion"][0] > best["deletion"][0]
    assert best["insertion"][0] > worst["insertion"][0]
    assert best["deletion"][0] < worst["deletion"][0]


def test_agreement_is_the_textbooks():
    rng = np.random.default_rng(5)
    truth = rng.normal(size=(40, 6))
    values = 0.8 * truth + 0.3 * rng.normal(size=truth.shape)
    scores = agreement(values, truth, rng.multinomial(40, np.ones(40) / 40, 500).astype(float))
    frame = pd.DataFrame({"v": values.ravel(), "t": truth.ravel()})
    assert scores["pearson"][0] == pytest.approx(frame.corr().iloc[0, 1])
    assert scores["spearman"][0] == pytest.approx(frame.corr("spearman").iloc[0, 1])
    assert scores["r2"][0] == pytest.approx(1 - ((values - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())
    assert all(low < score < high for score, low, high in scores.values())


def test_the_table_goes_on_where_a_method_cannot(known):
    task = replace(task_of(600), sketch=None)
    tasks = [replace(task, output=0), task]
    comparison = Comparison(
        tasks, known[1].truth, ["shapsketch", "exact", "proxyspex", "monte_carlo"], [30, 100], 50, 2
    )
    done = []
    table = comparison(lambda: done.append(1))
    assert len(done) == len(table) == 2 * 6
    own = table[table["output"] == "y"].set_index(["method", "evaluations"])
    assert own.loc[("shapsketch", 600), "r2"] == pytest.approx(1)
    assert own.loc[("shapsketch", 600), "amortised"] == 512 / 50
    assert own.loc[("proxyspex", 30), "note"].startswith("ProxySPEX needs at least 32")
    assert np.isnan(own.loc[("proxyspex", 30), "r2"])
    cost = own.loc[("monte_carlo", 100), "each"]
    assert own.loc[("monte_carlo", 100), "break_even"] == np.ceil(512 / cost)
    assert own.loc[("monte_carlo", 100), "compared"] == 3


def test_break_even_and_its_sentence():
    columns = ["method", "once", "each", "amortised", "r2"]
    rows = [
        ("shapsketch", 10_000, 0, 100, 0.95),
        ("kernel_shap", 1000, 300, 310, 0.5),
        ("shap_iq", 1000, 3000, 3010, 0.99),
        ("spex", np.nan, np.nan, np.nan, np.nan),
    ]
    table = pd.DataFrame(rows, columns=columns)
    table["break_even"] = break_even(table)
    assert table["break_even"].fillna(-1).tolist() == [-1, 30, -1, -1]
    assert "SHAP-IQ comes closer, with R² 0.990 for 3,010 evaluations" in headline(table)
    fewer = table.drop(2)
    assert "KernelSHAP, has R² 0.500 for 310 evaluations" in headline(fewer)
    assert "From 30 sequences on" in headline(fewer)
    assert headline(table.iloc[:1]) == ""


def test_charts_name_methods_and_their_cost():
    columns = ["method", "evaluations", "once", "each", "amortised", "r2", "r2_low", "r2_high"]
    rows = [("shapsketch", 9000, 9000, 0, 9, 0.99, 0.98, 0.995), ("kernel_shap", 64, 1000, 64, 65, -3, -5, 0.1),
            ("spex", 64, *[np.nan] * 6)]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    names = [[text.get_text() for text in draw(table, "some").axes[0].get_legend().get_texts()]
             for draw in (cost_chart, total_cost_chart)]  # fmt: skip
    assert names[0] == ["shapsketch", "KernelSHAP"]
    assert names[1] == ["shapsketch, 9,000 once (R² 0.99)", "KernelSHAP, 64 each (R² -3.00)"]


def test_sequences_are_chosen_evenly_and_once():
    spectrum = Spectrum(Background.uniform(TEMPLATE), "y", 0.0, Terms.build(TEMPLATE.sizes, {}))
    sequences = ["AAGAAA", "AAGAAA", "ANGAAA", "CCGCGC", "TTGTAT", "GGGGGG"]
    codes = choose_sequences(spectrum, sequences, 3)
    assert TEMPLATE.to_alphabet(codes)[:, 0].tolist() == [0, 1, 2]
    assert len(choose_sequences(spectrum, sequences, 10)) == 4
    with pytest.raises(InputError, match="without ambiguous letters"):
        choose_sequences(spectrum, ["NAGAAA"], 3)


def test_every_method_is_a_module_with_its_constants():
    for name in METHODS:
        module = method(name)
        assert isinstance(module.PAYS_ONCE, bool)
        assert module.INDEX in ("SII", None)
