"""Transforms of outputs: their values, what they refuse, and that a logit makes a sum of a saturating model."""

import numpy as np
import pytest
import torch

import shapsketch
from shapsketch.models import Model
from shapsketch.models.transforms import LARGEST_LOGIT, NEAREST, count_cut, transform_of, transformed
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

TEMPLATE = Template(Alphabet("ACGT"), "NNNNNN")
CODES = np.array([[0] * 6, [1, 2, 3, 0, 1, 2]], np.uint8)


def model(function, transform):
    source = {"kind": "callable", "function": function, "select": {"p": {"transform": transform}}}
    return Model(source, TEMPLATE, ["p"])


@pytest.mark.parametrize(
    ("transform", "values", "expected"),
    [
        ("logit", [0.25, 0.75], [-np.log(3), np.log(3)]),
        ("log", [1.0, np.e], [0.0, 1.0]),
        ({"power": 0.5}, [4.0, 0.0], [2.0, 0.0]),
        ("logit", [0.0, 1.0], [np.log(NEAREST), -np.log(NEAREST)]),
    ],
)
@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_values_are_transformed(transform, values, expected, shape):
    asked = model(lambda sequences: np.reshape(values, shape), transform)
    assert asked(CODES)[:, 0] == pytest.approx(expected, rel=1e-6)
    assert transformed(torch.tensor(values).double(), transform).numpy() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("transform", "value", "words"),
    [
        (
            "logit",
            1.25,
            "returned 1.25 in output 'p' for the sequence CGTACG; the transform logit takes values from 0 to 1",
        ),
        ("log", 0.0, "the transform log takes positive values"),
        ({"power": 0.5}, -1.0, "the transform power 0.5 takes values that are not negative"),
    ],
)
def test_values_without_a_transform_are_refused(transform, value, words):
    with pytest.raises(InputError, match=words):
        model(lambda sequences: np.array([0.5, value]), transform)(CODES)


def test_a_transform_keeps_its_input():
    values = np.array([0.25, 0.5])
    transform_of("logit")(values)
    assert values.tolist() == [0.25, 0.5]


def test_the_logit_of_a_saturating_sum_is_the_sum():
    weights = np.random.default_rng(0).normal(size=(6, 4))

    def probability(sequences):
        codes = np.array([["ACGT".index(c) for c in s] for s in sequences])
        return 1 / (1 + np.exp(-weights[np.arange(6), codes].sum(1)))

    source = {"kind": "callable", "function": probability}
    logit = shapsketch.sketch(source | {"select": {"p": {"transform": "logit"}}}, "NNNNNN", 5000, output="p")
    plain = shapsketch.sketch(source, "NNNNNN", 5000, output="p")
    assert sum(v for k, v in logit.variance_by_order().items() if k > 1) < 1e-6 * logit.variance_by_order()[1]
    assert sum(v for k, v in plain.variance_by_order().items() if k > 1) > 0.005 * plain.variance_by_order()[1]
    values = logit.shapley_values(["ACGTAC"])[0]
    centred = weights - weights.mean(1, keepdims=True)
    assert values == pytest.approx(centred[np.arange(6), [0, 1, 2, 3, 0, 1]], abs=1e-6)


def test_logits_that_are_cut_are_counted():
    logits = transform_of("logit")(np.array([0.0, 1.0, 1e-9, 0.5, 1 - 1e-6, 1e-7]))
    assert count_cut(logits) == 3
    assert np.abs(logits).max() == LARGEST_LOGIT
