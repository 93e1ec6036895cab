"""Every estimator through one suite: sparse functions, noise, constants, odd backgrounds; and what `auto` takes.

Covers also: base, scored, work.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from recovery_cases import SUITE, free_template, sketch_of, sparse_function
from shapsketch.fidelity.faithfulness import report
from shapsketch.recovery import _samples, _Work, recover, standardised
from shapsketch.recovery.fourier import least_left
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.near import Near
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.basis import ProductBasis

SHAPES = [(2, 20), (3, 12), (4, 12), (5, 9), (6, 8)]

SMALL = [(3, 7), (4, 10)]  # students of spaces that can be evaluated in full: a perceptron, and convolutions


@pytest.mark.parametrize(
    ("estimator", "q", "n"),
    [(e, q, n) for e in SUITE if e != "student" for q, n in SHAPES] + [("student", q, n) for q, n in SMALL],
)
def test_sparse_functions_are_recovered(estimator, q, n):
    order, budget, missed = SUITE[estimator]
    template = free_template(q, n)
    function, _ = sparse_function(template, order, 12, seed=q)
    design = "fourier" if estimator == "fourier" else "random"
    sketch = sketch_of(function, template, budget=min(budget, q**n - 1), design=design)
    spectrum = recover(sketch, 0, estimator=estimator, minutes=0.06).spectrum  # which cuts students alone
    scores = report(spectrum, sketch, 0)
    assert 1 - scores["r2"] < missed
    assert abs(spectrum.intercept - 3) < 0.1
    tables = [spectrum.terms.table(t) for t in np.flatnonzero(spectrum.terms.has_table)]
    assert max(abs(t.sum(axis)).max() for t in tables for axis in range(t.ndim)) < 1e-4  # dividends


@pytest.mark.parametrize("estimator", ["regression", "fourier"])
def test_noise_costs_no_more_than_noise(estimator):
    template = free_template(4, 12)
    function, _ = sparse_function(template, 2, 12, seed=1, noise=1.0)
    sketch = sketch_of(function, template, budget=30_000, design="fourier")
    spectrum = recover(sketch, 0, estimator=estimator).spectrum
    scores = report(spectrum, sketch, 0)
    assert scores["r2"] > 1 - 1.1 / scores["variance"]


@pytest.mark.parametrize("estimator", ["regression", "fourier", "trees", "instashap"])
def test_constants(estimator):
    sketch = sketch_of(lambda codes: np.full(len(codes), 7.5), free_template(4, 12), budget=30_000, design="fourier")
    spectrum = recover(sketch, 0, estimator=estimator).spectrum
    assert spectrum.intercept == pytest.approx(7.5)
    assert report(spectrum, sketch, 0)["r2"] == 1.0
    assert np.abs(spectrum.terms.shapley_values(sketch.codes[:10])).max() < 1e-9


def test_auto_takes_what_validates_better():
    template = free_template(4, 12)
    high, _ = sparse_function(template, 4, 10, seed=3)
    sketch = sketch_of(high, template, budget=40_000, design="fourier")
    sparse = recover(sketch, 0)
    assert sparse.details["estimator"] == "fourier"
    assert 1 - report(sparse.spectrum, sketch, 0)["r2"] < 1e-9
    rng = np.random.default_rng(0)
    w = rng.normal(size=(12, 4, 12, 4))
    index = np.arange(12)

    def dense(codes):
        return np.array([w[index[:, None], x[:, None], index[None], x[None]].sum() for x in codes])

    sketch = sketch_of(dense, template, budget=6_000, design="auto")
    details = recover(sketch, 0).details
    assert details["estimator"] == "regression"
    assert set(details["tried"]) == {"fourier", "regression"}  # costlier ones are not worth their time
    assert "leaves" in details["tried"]["fourier"]["left_out"]  # every bin is full, and regression leaves nothing


def test_waves_are_asked_where_they_may_win():
    template = free_template(4, 12)
    function, _ = sparse_function(template, 6, 10, seed=3, noise=1.0)
    sketch = sketch_of(function, template, budget=9_000, design="fourier")
    details = recover(sketch, 0, good=0.9).details
    assert list(details["tried"]) == ["fourier", "regression"]
    assert details["tried"]["fourier"]["validation_r2"] > details["tried"]["regression"]["validation_r2"]


def test_skewed_backgrounds_and_mixed_templates():
    template = Template(Alphabet("ACGT"), "NRNYNNWN")
    rng = np.random.default_rng(0)
    background = Background.from_weights(template, rng.uniform(0.2, 1, (8, 4)))
    basis = ProductBasis.build(background, [(0,), (1, 3), (2, 6), (0, 7)])
    truth = basis.to_terms(rng.normal(size=len(basis)))
    sketch = sketch_of(lambda c: 2 + truth.predict(c), template, background, budget=3_000, design="random")
    spectrum = recover(sketch, 0).spectrum
    assert 1 - report(spectrum, sketch, 0)["r2"] < 1e-9
    probe = sketch.codes[:50]
    assert np.abs(spectrum.terms.shapley_values(probe) - truth.shapley_values(probe)).max() < 1e-4


def test_max_order_is_respected():
    template = free_template(4, 12)
    function, _ = sparse_function(template, 4, 10, seed=3)
    sketch = sketch_of(function, template, budget=40_000, design="fourier")
    for estimator in ("regression", "fourier", "trees", "instashap"):
        assert recover(sketch, 0, estimator=estimator, max_order=1).spectrum.terms.orders.max() == 1


def test_estimators_that_a_design_does_not_serve():
    sketch = sketch_of(lambda c: c.sum(1), free_template(4, 12), budget=1_000, design="random")
    with pytest.raises(InputError, match="fourier, which the design random does not serve; it serves regression"):
        recover(sketch, 0, estimator="fourier")


def test_the_holdout_does_not_touch_the_spectrum(brief):
    template = free_template(4, 12)
    function, _ = sparse_function(template, 3, 10, seed=3, noise=0.3)
    sketch = sketch_of(function, template, budget=6_000, design="fourier")
    values = sketch.values.copy()
    for block in sketch.plan.blocks("holdout"):
        values[block] = 1e6
    one, other = (recover(s, 0).spectrum for s in (sketch, Sketch(sketch.plan, sketch.codes, values)))
    assert (one.terms.tables == other.terms.tables).all()
    assert one.intercept == other.intercept


def test_several_outputs_share_one_sketch():
    template = free_template(4, 8)
    plan = make_plan({}, ["g", "t"], Background.uniform(template), budget=2_000, design="random")
    codes = plan.queries(0, plan.size)
    sketch = Sketch(plan, codes, np.stack([(codes == 2).sum(1), (codes == 3).sum(1)], 1).astype(float))
    g, t = (recover(sketch, k).spectrum for k in (0, 1))
    assert (g.output, t.output) == ("g", "t")
    assert g.predict(["GGGGACTA", "AAAAAAAA"]) == pytest.approx([4, 0], abs=1e-6)
    assert t.predict(["GGGGACTA", "TTAAAAAA"]) == pytest.approx([1, 2], abs=1e-6)


def test_a_large_sketch_is_cut_for_those_who_learn_from_it():
    template = free_template(4, 12)
    function, _ = sparse_function(template, 2, 10, seed=3)
    sketch = sketch_of(function, template, budget=20_000, design="fourier")
    samples = _samples(sketch, 0, 1)
    drawn = len(samples.values) - len(samples.lattice_values)
    assert samples.first(10**9) is samples
    part = samples.first(drawn + 10)
    assert (len(part.values), len(part.lattice_values)) == (drawn + 10, 10)
    assert len(samples.first(drawn - 10).lattice_values) == 0


@pytest.mark.parametrize(
    ("scores", "alone", "behind_students"),
    [
        ({"regression": 0.9}, True, True),
        ({"regression": 0.9, "train": 0.93}, False, False),
        ({"regression": 0.996}, True, False),
        ({"regression": 0.99995}, False, False),
    ],
)
def test_a_train_alone_is_tried_where_tables_leave_little_and_never_after_one_behind_students(
    scores, alone, behind_students
):
    samples = SimpleNamespace(all_values=np.ones(9))
    work = _Work(0, samples, None, fits=dict.fromkeys(scores), scores=scores)
    assert work.lacks("train_alone", 1.0, True) == alone
    assert work.lacks("train", 1.0, True) == behind_students


def near_sketch(unit=1.0, design="random"):
    """A model that is 0 at every draw of the background: what goes beyond nine matches with a word."""
    template, word = free_template(4, 16), np.arange(16) % 4
    centre = "".join(template.alphabet.letters[k] for k in word)
    return sketch_of(
        lambda codes: unit * np.maximum(0.0, (codes == word).sum(1) - 12.0),
        template,
        budget=4_000,
        near=Near.of(0.3, {"sites": [centre]}),
        design=design,
    ), centre


def test_what_near_queries_alone_show_is_fitted():
    sketch, centre = near_sketch()
    assert not sketch.samples("train")[1].any() and sketch.samples("near")[1].max() == 4.0
    found = recover(sketch, 0, estimator="regression", max_order=2)
    scores = report(found.spectrum, sketch, 0)
    assert found.details["estimator"] == "regression"
    assert scores["r2_near"] > 0.7
    assert found.spectrum.shapley_values([centre]).sum() > 2.0
    assert scores["found"] == "found" and "constant" not in scores["audit"]
    assert scores["r2"] is scores["r2_interval"] is None and scores["r2_undefined"] and scores["r2_by_order"] == {}
    small, _ = near_sketch(unit=2.0**-40)
    tiny = recover(small, 0, estimator="regression", max_order=2).spectrum
    assert (tiny.shapley_values([centre]) == 2.0**-40 * found.spectrum.shapley_values([centre])).all()


def test_what_takes_draws_of_the_background_alone_finds_nothing_where_these_are_one_value():
    assert recover(near_sketch(design="fourier")[0], 0, estimator="fourier").details["estimator"] == "constant"
    assert recover(near_sketch()[0], 0, estimator="instashap").details["estimator"] == "constant"


def test_waves_of_a_rare_value_are_measured_by_the_values_that_are_fitted():
    function, _ = sparse_function(free_template(4, 12), 2, 3, seed=1, noise=0.1)
    sketch = sketch_of(function, free_template(4, 12), budget=9_000, design="fourier")
    values = sketch.values.copy()
    for block in sketch.plan.blocks("validation"):
        values[block] = 0.0
    samples, _ = standardised(Sketch(sketch.plan, sketch.codes, values), 0, 1)
    assert 0 < least_left(samples) < 0.1
