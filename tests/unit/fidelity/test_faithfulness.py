"""Faithfulness of a spectrum: what is told of its values.

Covers also: records.
"""

from itertools import product

import numpy as np
import pytest
from train_cases import random_train

import shapsketch
from shapsketch.fidelity.faithfulness import MAX_TRUNCATION, at_bounds, report
from shapsketch.recovery import recover
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.metrics import r_squared
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.terms import Terms
from shapsketch.spectrum.trains import Train
from shapsketch.storage import parquet as tables
from shapsketch.storage.files import write_json


@pytest.fixture(autouse=True)
def small_row_groups(monkeypatch):
    monkeypatch.setattr(tables, "ROW_GROUP", 100)


def test_the_share_of_values_at_bounds_is_of_probabilities_alone():
    values = np.array([0.0, 0.01, 0.5, 0.999])
    assert at_bounds(values) == 0.75
    assert at_bounds(values + 0.1) is at_bounds(values / 10) is at_bounds(values - 0.1) is None


def first_two(sequences):
    """1 where both of the first two letters are A."""
    return [float(s.startswith("AA")) for s in sequences]


SKEWED = {"A": 0.7, "C": 0.1, "G": 0.1, "T": 0.1}


@pytest.mark.parametrize("frequencies", [SKEWED, dict.fromkeys("ACGT", 0.25)])
def test_every_sequence_of_the_template_is_scored_as_likely_as_the_background_makes_it(frequencies):
    """Against sums over all sequences, of a spectrum that leaves out the one pair there is."""
    settings = {"background": {"frequencies": frequencies}, "max_order": 1}
    spectrum = shapsketch.sketch(first_two, "NNRN", 1000, **settings)
    score = spectrum.provenance["faithfulness"]
    texts = ["".join(letters) for letters in product("ACGT", "ACGT", "AG", "ACGT")]
    p = np.array([np.prod([frequencies[a] for a in text]) for text in texts])
    p /= p.sum()
    values, missed = np.array(first_two(texts)), np.array(first_two(texts)) - spectrum.predict(texts)
    mean = p @ values
    assert spectrum.intercept == pytest.approx(mean) == pytest.approx(frequencies["A"] ** 2)
    assert score["scored_on"] == "every sequence of the template"
    assert score["variance"] == pytest.approx(p @ (values - mean) ** 2)
    assert score["r2"] == pytest.approx(1 - (p @ missed**2) / (p @ (values - mean) ** 2))
    assert score["r2_interval"] == [score["r2"]] * 2
    assert score["r2_by_order"] == pytest.approx({"0": 0.0, "1": score["r2"]})
    assert score["r2"] == pytest.approx(sum(score["variance_by_order"].values()) / score["variance"])
    residual = score["residual"]
    assert residual["mean"] == pytest.approx(0.0, abs=1e-12) and residual["mean_error"] == 0.0
    assert residual["standard_deviation"] == pytest.approx(np.sqrt(p @ missed**2))
    assert residual["largest"] == pytest.approx(np.abs(missed).max())
    assert score["found"] == "found"


def test_a_gap_is_large_by_how_likely_it_is():
    """Of a sequence that is drawn once in 10,000 it says nothing that it is missed."""

    def rare(sequences):
        return [s.count("C") + float(s == "TTTT") for s in sequences]

    settings = {"background": {"frequencies": SKEWED}, "max_order": 1}
    residual = shapsketch.sketch(rare, "NNNN", 1000, **settings).provenance["faithfulness"]["residual"]
    assert residual["large"] < 0.01 < 0.9 < residual["largest"]


def test_r2_is_undefined_where_the_hold_out_alone_is_one_value(tmp_path):
    """A model that is constant as far as was seen has R2 1; one of which the hold-out saw nothing has none."""
    background = Background.uniform(Template(Alphabet("ACGT"), "N" * 8))
    plan = make_plan({}, ["y"], background, budget=1_000, design="random")
    values = np.zeros((plan.size, 1))
    constant = Sketch(plan, plan.queries(0, plan.size), values)
    assert report(recover(constant, 0).spectrum, constant, 0)["r2"] == 1.0
    seen = values.copy()
    seen[plan.blocks("train")[0].start] = 1.0
    rare = Sketch(plan, constant.codes, seen)
    score = report(recover(constant, 0).spectrum, rare, 0)
    assert score["r2"] is score["r2_interval"] is None
    assert (score["found"], score["r2_by_order"], score["variance"]) == ("nothing", {}, 0.0)
    assert "R2 on the hold-out is undefined" in score["audit"]
    write_json(tmp_path / "faithfulness.json", score)  # which takes no NaN


def test_trains_are_scored_by_order_without_truncating_them(monkeypatch):
    """Truncated cores would take ten gigabytes of a protein under a Markov background."""
    train, background = random_train(8, 4, 5)
    spectrum = Spectrum(background, "y", 0.5, Terms.build(background.template.sizes, {}), {}, (train,))
    plan = make_plan({}, ["y"], background, budget=2_000, design="random")
    codes = plan.queries(0, plan.size)
    sketch = Sketch(plan, codes, spectrum.predict_codes(codes)[:, None])
    held, values = sketch.samples("holdout")
    expected = {"0": r_squared(values[:, 0], np.full(len(held), 0.5))}
    for order in spectrum.variance_by_order():
        part = spectrum.truncate(order) if order <= MAX_TRUNCATION else spectrum
        expected[str(order)] = r_squared(values[:, 0], part.predict_codes(held))
    monkeypatch.setattr(Train, "truncate", lambda *_: pytest.fail("a train was truncated"))
    score = report(spectrum, sketch, 0)
    assert score["r2_by_order"] == pytest.approx({k: expected[k] for k in score["r2_by_order"]}, abs=1e-12)
    assert {"0", "1", "2", "3"} <= set(score["r2_by_order"])
    assert set(score["accuracy_gap"]) == {"1", "2"}
