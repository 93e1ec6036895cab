"""The arithmetic of the benchmark of interactions, beside brute force over all coalitions."""

from itertools import combinations

import numpy as np
import pytest

from benchmarks.interactions import (
    INDICES,
    PEERS,
    answer_values,
    answered,
    dense,
    measures,
    planted,
    recall,
    spectrum_values,
    supports_of,
    with_terms,
)
from benchmarks.methods import Answering
from benchmarks.reference_model import ReferenceModel
from shapsketch.comparison import Answer, Task
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.spectrum.indices import WEIGHTS

TEMPLATE = Template(Alphabet("ACGT"), "NNGNN")
FREE = [0, 1, 3, 4]


@pytest.fixture(scope="module")
def landscape():
    cube = np.random.default_rng(0).normal(size=(4, 4, 4, 4))
    rows = np.zeros((256, 5), np.uint8)
    rows[:, FREE] = np.stack(np.unravel_index(np.arange(256), (4,) * 4), 1)
    codes = TEMPLATE.to_alphabet(rows)
    values = {code.tobytes(): cube[tuple(row[FREE])] for code, row in zip(codes, rows, strict=True)}
    model = ReferenceModel(
        "toy", TEMPLATE, ("y",), lambda asked: np.array([[values[c.tobytes()]] for c in asked]), (), rows[[3, 77]],
        rows=rows,
    )  # fmt: skip
    return model, cube


@pytest.mark.parametrize("index", INDICES)
def test_the_truth_of_a_landscape_is_that_of_all_coalitions(landscape, index):
    """Dividends as the alternating sums of conditional means over every subset, weighted as the papers do."""
    model, cube = landscape
    values = spectrum_values(with_terms(model)[1], model.explained, index)
    for row, x in enumerate(model.explained):
        game = {}
        for size in range(5):
            for present in combinations(range(4), size):
                picked = cube[tuple(x[FREE[i]] if i in present else slice(None) for i in range(4))]
                game[present] = np.mean(picked)
        dividend = {s: sum((-1) ** (len(s) - len(t)) * v for t, v in game.items() if set(t) <= set(s)) for s in game}
        for order, got in enumerate(values, 1):
            for support, value in zip(supports_of(np.arange(4), order), got[row], strict=True):
                parts = [(t, d) for t, d in dividend.items() if set(support) <= set(t)]
                wanted = sum(float(WEIGHTS[index](order, len(t), 3)) * d for t, d in parts)
                assert value == pytest.approx(wanted, abs=1e-10)


def test_the_truth_measures_itself_as_perfect_and_its_opposite_or_nothing_as_worse():
    model, spectrum = with_terms(planted())
    truth = spectrum_values(spectrum, model.explained[:3], "FSII")
    assert measures(truth, truth) == {f"error_{k}": 0 for k in (1, 2, 3)} | {"recall_2": 1, "recall_3": 1}
    opposite = measures([-part for part in truth], truth)
    assert [opposite[f"error_{k}"] for k in (1, 2, 3)] == [4, 4, 4] and opposite["recall_2"] == 1
    assert set(measures([truth[0], 0 * truth[1], 0 * truth[2]], truth)) == {"error_1"}


def test_recall_counts_the_strongest_and_nothing_for_zeros():
    exact = np.array([[5.0, -4.0, 3.0, 0.1, 0.0, 0.0]])
    assert recall(np.array([[0.0, 9.0, -8.0, 7.0, 0.0, 0.0]]), exact).tolist() == [2 / 3]
    assert recall(np.array([[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]]), exact).tolist() == [1 / 3]
    ties = np.array([[5.0, 3.0, 3.0, -3.0 - 1e-13, 0.0, 0.0]])
    assert recall(np.array([[9.0, 0.0, 7.0, 8.0, 0.0, 0.1]]), ties).tolist() == [1]


def test_values_of_answers_stand_at_their_supports():
    answer = Answer(np.arange(5.0)[None], None, [{(0, 3): 2.0, (1, 3, 4): -1.0}], 0, np.zeros(1, np.int64))
    one, two, three = answer_values(answer, np.array(FREE))
    assert one.tolist() == [[0, 1, 3, 4]]
    assert two[0, supports_of(np.array(FREE), 2).index((0, 3))] == 2 and two.sum() == 2
    assert three[0, supports_of(np.array(FREE), 3).index((1, 3, 4))] == -1


def test_a_train_s_values_are_known_and_a_peer_comes_near_them():
    model, spectrum = dense()
    codes = model.explained[:1]
    np.testing.assert_allclose(spectrum.predict_codes(codes), model.evaluate(codes)[:, 0], rtol=1e-10)
    task = Task(Answering(model), model.background, 0, codes, 2000, 3, 0, 1)
    runs = answered("KernelSHAP-IQ", task)
    assert set(runs) == set(PEERS["KernelSHAP-IQ"].indices) and runs["SII"]["each"] <= 2000
    assert measures(runs["SII"]["values"], spectrum_values(spectrum, codes, "SII"))["error_1"] < 0.5
