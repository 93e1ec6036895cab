"""Units and offsets change nothing but units and offsets: every estimator, the fall-back to a constant, odd spaces."""

import numpy as np
import pytest

from recovery_cases import SUITE, free_template, sketch_of, sparse_function
from shapsketch.fidelity.faithfulness import report, scored_points
from shapsketch.recovery import networks, recover, student_fit, train, trees
from shapsketch.sampling.sketch import Sketch
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.metrics import r_squared


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Fewer free queries, trees and epochs: only sameness counts here."""
    monkeypatch.setattr(student_fit, "FREE_POINTS", 20_000)
    monkeypatch.setattr(networks, "PERCEPTRON_EPOCHS", 5)
    monkeypatch.setattr(train, "STEPS", 200)
    monkeypatch.setattr(train, "FREE_ANSWERS", 5_000)
    monkeypatch.setattr(train, "MAX_FREE_ANSWERS", 5_000)
    monkeypatch.setattr(student_fit, "PERCEPTRONS", 1)
    monkeypatch.setattr(trees, "MAX_TREES", 60)


def coarse(template, budget, design):
    """A sketch whose values keep all their digits beside an offset of 1e9."""
    function, _ = sparse_function(template, 2, 8, seed=1)
    return sketch_of(lambda codes: np.round(function(codes) * 1024) / 1024, template, budget=budget, design=design)


def moved(sketch, unit, offset):
    return Sketch(sketch.plan, sketch.codes, unit * sketch.values + offset)


CASES = [(name, "fourier" if name == "fourier" else "random") for name in SUITE] + [("exact", "exhaustive")]


@pytest.mark.parametrize(("estimator", "design"), [*CASES, ("auto", "fourier")])
def test_units_and_offsets_change_nothing_else(estimator, design):
    template = free_template(4, 5 if design == "exhaustive" else 7)
    sketch = coarse(template, 1100 if design == "exhaustive" else 3000, design)
    here = recover(sketch, 0, estimator=estimator)
    for unit, offset in ((2.0**80, 0.0), (2.0**-80, 0.0), (1.0, 1e9), (-1.0 * 4, 2.0**20)):
        if unit < 0 and estimator != "exact":
            continue  # a median of an even number of values is another one upside down
        other = moved(sketch, unit, offset)
        there = recover(other, 0, estimator=estimator)
        assert there.details["estimator"] == here.details["estimator"]
        assert there.spectrum.terms.supports == here.spectrum.terms.supports
        largest = max(np.abs(here.spectrum.terms.tables).max(), 1e-300)
        assert np.abs(there.spectrum.terms.tables / unit - here.spectrum.terms.tables).max() < 1e-12 * largest
        step = abs(offset) * 1e-15 + 1e-12 * abs(unit)
        assert abs(there.spectrum.intercept - unit * here.spectrum.intercept - offset) < 4 * step
        scores, own = report(here.spectrum, sketch, 0, here.student), report(there.spectrum, other, 0, there.student)
        assert own["r2"] == pytest.approx(scores["r2"], abs=1e-8)
        assert own["r2_interval"] == pytest.approx(scores["r2_interval"], abs=1e-8)
        assert own["audit"] == scores["audit"]
        assert own["variance"] == pytest.approx(unit**2 * scores["variance"], rel=1e-9)
        assert own["residual"]["large"] <= own["residual"]["largest"]


def test_the_signal_of_the_offset_case():
    """1e13 plus a signal of spread 0.66: exact Shapley values."""

    def signal(c):
        return 1.0 * (c[:, 0] == 0) + 2.0 * (c[:, 3] == 2) * (c[:, 5] == 3) - 0.5 * (c[:, 7] == 1)

    template = free_template(4, 8)
    plain = sketch_of(signal, template, budget=2000, design="random")
    for estimator in ("regression", "auto"):
        found = recover(moved(plain, 1.0, 1e13), 0, estimator=estimator).spectrum
        first = found.terms.shapley_values(plain.codes[:200])[:, 0]
        assert np.abs(first - ((plain.codes[:200, 0] == 0) - 0.25)).max() < 1e-6
        scores = report(found, moved(plain, 1.0, 1e13), 0)
        assert scores["r2"] > 0.999
        assert max(scores["share_by_order"].values()) <= 1
        assert scored_points(found, moved(plain, 1.0, 1e13), 0)["model"].nunique() > 4


REFUSED = [(1, 4e15, "subtract the offset"), (1e200, 0, "multiply"), (1e-200, 0, "multiply")]


@pytest.mark.parametrize(("unit", "offset", "words"), REFUSED)
def test_what_cannot_be_told_apart_is_refused(unit, offset, words):
    sketch = coarse(free_template(4, 7), 1000, "random")
    with pytest.raises(InputError, match=words):
        recover(moved(sketch, unit, offset), 0)


def hashed(codes):
    """Values that nothing of low order explains."""
    keys = (codes.astype(np.uint64) @ (np.uint64(4) ** np.arange(codes.shape[1], dtype=np.uint64))) + np.uint64(1)
    keys = (keys ^ (keys >> np.uint64(9))) * np.uint64(0xBF58476D1CE4E5B9)
    return (keys >> np.uint64(40)) / 2.0**24


@pytest.mark.parametrize("budget", [100, 250, 500])
@pytest.mark.parametrize("estimator", ["auto", "regression", "trees", "instashap"])
def test_what_nothing_explains_is_a_constant(estimator, budget):
    sketch = sketch_of(hashed, free_template(4, 10), budget=budget, design="random")
    found = recover(sketch, 0, estimator=estimator)
    scores = report(found.spectrum, sketch, 0, found.student)
    assert scores["r2"] < 0.2
    assert scores["found"] in ("nothing", "unsure")
    if found.details["estimator"] == "constant":
        assert len(found.spectrum.terms) == 0
        held = sketch.samples("holdout")[1][:, 0]
        assert found.spectrum.intercept == pytest.approx(sketch.samples("train")[1].mean())
        assert scores["r2"] == pytest.approx(r_squared(held, np.full(len(held), found.spectrum.intercept)))
        assert "Nothing was found" in scores["audit"]
    assert scores["accuracy_gap"] == {}


@pytest.mark.parametrize(("q", "n"), [(2, 1), (2, 2), (20, 1), (2, 7), (20, 2), (2, 12)])
def test_small_spaces(q, n):
    sketch = sketch_of(lambda c: np.stack([hashed(c), np.full(len(c), 3.0)], 1), free_template(q, n), budget=100)
    for output in range(2):
        found = recover(Sketch(sketch.plan, sketch.codes, sketch.values[:, [output, 1 - output]]), 0)
        scores = report(found.spectrum, sketch, output)
        assert np.isfinite(scores["r2"])
        if output:
            assert (found.details["estimator"], scores["found"]) == ("constant", "constant")
            assert found.spectrum.intercept == 3.0
