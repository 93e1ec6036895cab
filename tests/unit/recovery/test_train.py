"""Fitted trains: gradients, recovery from both kinds of queries, several outputs, the same bytes on any threads.

Covers also: train_steps.
"""

import numpy as np
import pytest

from recovery_cases import free_template
from shapsketch.fidelity.faithfulness import report
from shapsketch.recovery import (
    networks,
    projection,
    recover,
    recover_outputs,
    standardised,
    student_fit,
    train,
    train_steps,
    work,
)
from shapsketch.recovery.learning_curve import CURVE_EFFORT, learning_curve
from shapsketch.recovery.student import predict_all
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.near import Near
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.background import Background
from shapsketch.settings.errors import InputError

TEMPLATE = free_template(4, 12)
CENTRE = "ACGTACGTACGT"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Fewer free answers, steps and epochs: these functions are simple."""
    monkeypatch.setattr(student_fit, "FREE_POINTS", 10_000)
    monkeypatch.setattr(train, "FREE_ANSWERS", 20_000)
    monkeypatch.setattr(train, "MAX_FREE_ANSWERS", 20_000)
    monkeypatch.setattr(train, "STEPS", 1_000)
    monkeypatch.setattr(networks, "EPOCHS", 6)
    monkeypatch.setattr(networks, "PERCEPTRON_EPOCHS", 8)


def motif(codes):
    """A word anywhere, signed by its frame, beside single letters, and in a saturating sum."""
    hits = np.stack([(codes[:, i] == 0) & (codes[:, i + 1] == 3) & (codes[:, i + 2] == 2) for i in range(10)], 1)
    total = hits @ np.where(np.arange(10) % 3 == 0, 2.0, -1.0) + 0.3 * (codes == 1).sum(1)
    return np.tanh(total)


def sketch_of(functions, near=None, budget=6_000):
    names = [f"y{k}" for k in range(len(functions))]
    plan = make_plan({}, names, Background.uniform(TEMPLATE), budget=budget, near=near, design="random")
    codes = plan.queries(0, plan.size)
    return Sketch(plan, codes, np.stack([function(codes) for function in functions], 1).astype(float))


def test_gradients_are_those_of_the_squared_error():
    rng = np.random.default_rng(0)
    n, letters, rank, outputs, count = 4, 3, 3, 2, 7
    shapes = [(n, letters, rank, rank), (rank,), (rank + 1, outputs)]
    parameters = [rng.normal(size=s).astype(np.float32) for s in shapes]
    codes = rng.integers(0, letters, (n, count)).astype(np.uint8)
    codes[1] = 2  # two of the letters are in no sequence there
    targets = rng.normal(size=(count, outputs)).astype(np.float32)

    def loss(cores, start, heads):
        total = 0.0
        for r in range(count):
            left = start
            for i in range(n):
                left = left @ cores[i, codes[i, r]]
            total += 0.5 * ((left @ heads[:-1] + heads[-1] - targets[r]) ** 2).sum()
        return total

    found = [np.full(shape, np.nan, np.float32) for shape in shapes]
    train_steps.gradient(codes, targets, *parameters, np.float32(1.0), *found)
    exact = [p.astype(float) for p in parameters]
    for number, gradient in enumerate(found):
        for place in np.ndindex(gradient.shape):
            moved = [[p.copy() for p in exact] for _ in range(2)]
            for side, step in enumerate((1e-5, -1e-5)):
                moved[side][number][place] += step
            slope = (loss(*moved[0]) - loss(*moved[1])) / 2e-5
            assert gradient[place] == pytest.approx(slope, rel=1e-3, abs=1e-3)


def test_a_step_adds_up_parts_and_shrinks_what_letters_differ_by():
    rng = np.random.default_rng(0)
    parts = rng.normal(size=(3, 11)).astype(np.float32)
    total = parts.sum(0)
    assert train_steps.add_up(parts) == pytest.approx((total.astype(float) ** 2).sum(), rel=1e-5)
    np.testing.assert_allclose(parts[0], total, rtol=1e-6)
    cores = rng.normal(size=(2, 4, 3, 3)).astype(np.float32)
    mean = cores.mean(1, keepdims=True)
    expected = mean + 0.75 * (cores - mean)
    train_steps.shrink(cores, np.float32(0.25))
    np.testing.assert_allclose(cores, expected, rtol=1e-5, atol=1e-6)


def test_a_train_recovers_what_tables_do_not_and_serves_the_sequences():
    near = Near.of(0.3, {"one": [CENTRE]})
    sketch = sketch_of([motif], near)
    found = recover(sketch, 0, estimator="train", threads=2)
    assert not len(found.spectrum.terms)
    assert len(found.spectrum.trains) == 1
    about = found.details["tried"]["train"]
    assert about["fitted_rank"] == train.RANK >= about["rank"] == found.spectrum.trains[0].ranks.max()
    assert 0 <= about["cut"] <= train.MAX_CUT
    scores = report(found.spectrum, sketch, 0, found.student)
    assert scores["r2"] > 0.7
    assert scores["r2_near"] > 0.75
    assert scores["near_holdout"] == sketch.plan.count("near_holdout") == 180
    codes = found.spectrum.encode([CENTRE])
    values = found.spectrum.shapley_values([CENTRE])
    assert values.sum() == pytest.approx(found.spectrum.predict([CENTRE])[0] - found.spectrum.intercept, abs=1e-9)
    assert found.spectrum.predict([CENTRE])[0] == pytest.approx(motif(codes)[0], abs=0.3)
    again = recover(sketch, 0, estimator="train", threads=1)
    assert np.array_equal(again.spectrum.trains[0].cores, found.spectrum.trains[0].cores)
    assert again.spectrum.intercept == found.spectrum.intercept


def test_auto_keeps_tables_where_they_suffice_and_trains_where_they_do_not():
    additive = sketch_of([lambda codes: (codes == 1).sum(1) + (codes[:, 0] == 2) * (codes[:, 5] == 3)])
    assert recover(additive, 0).spectrum.trains == ()
    details = recover(sketch_of([motif], Near.of(0.3, {"one": [CENTRE]})), 0, threads=2).details
    assert "train" in details["weights"]


def test_outputs_share_one_trunk():
    functions = [motif, lambda codes: -2 * motif(codes) + (codes[:, 3] == 1), lambda codes: np.full(len(codes), 3.0)]
    sketch = sketch_of(functions)
    found = recover_outputs(sketch, estimator="train", threads=2)
    assert [r.spectrum.output for r in found] == ["y0", "y1", "y2"]
    scores = [report(r.spectrum, sketch, k)["r2"] for k, r in enumerate(found)]
    assert min(scores[:2]) > 0.6
    assert found[2].spectrum.intercept == 3.0
    assert found[2].details["estimator"] == "constant"
    first, second = found[0].student, found[1].student
    assert all(a is b for a, b in zip(first.networks, second.networks, strict=True))
    asked = sketch.codes[:50]
    both = predict_all([first, second], asked)
    assert np.array_equal(both[:, 1], second.predict(asked))


def test_many_outputs_share_a_larger_rank():
    samples, _ = standardised(sketch_of([motif], budget=1_000), 0, 1)
    ranks = [train._size([samples] * outputs)[0] for outputs in (1, 3, 10, 100)]
    assert ranks == [24, 24, 38, 48]


def test_a_large_train_is_for_those_who_have_the_time(monkeypatch):
    monkeypatch.setattr(train, "MANY_SAMPLES", 1_000)
    samples, _ = standardised(sketch_of([motif], budget=2_000), 0, 1)
    large = train._size([samples])
    assert large.rank == train.LARGE_RANK
    assert train._size([samples], 1e6) == large
    assert train._size([samples], 1e-3).rank == train.RANK


def test_a_highest_order_truncates_a_train():
    found = recover(sketch_of([motif], budget=2_000), 0, estimator="train_alone", max_order=2)
    by_order = found.spectrum.variance_by_order()
    assert max(k for k, v in by_order.items() if v > 1e-12) == 2


def test_a_train_alone_is_fitted_to_the_values_themselves():
    found = recover(sketch_of([motif], budget=15_000), 0, estimator="train_alone", threads=2)
    assert found.student is None
    assert found.details["tried"]["train_alone"]["train_r2"] > 0.5


def test_time_is_counted_and_capped_whatever_the_clock():
    shape = work.Shape(9_000, 50, 4, 3)
    # Three convolutions of width 7 and two dense layers, 5.9 million products, each twice, three times, a pass.
    products = 50 * (4 * 96 + 96 * 96 + 96 * 64) * 7 + 3200 * 128 + 128 * 64 + 64 * 3 + 200 * 3
    expected = (
        networks.epochs_of(networks.PLACED, 9_000)
        * 9_000
        * (6 * products / work.NETWORK_RATE + work.STEP_SECONDS / 128)
    )
    assert work.student_seconds(shape, [networks.PLACED]) == pytest.approx(expected)
    assert work.affordable(None, 1e9) == 1
    assert work.affordable(1.0, 60.0) == 1
    assert work.affordable(1.0, 240.0) == 0.5


def test_a_cap_on_minutes_cuts_passes_answers_and_steps_alike():
    said = {}
    capped = recover(
        sketch_of([motif]),
        0,
        estimator="train",
        minutes=0.01,
        threads=2,
        begin=lambda name, size: said.update({name: size}) or (lambda done: None),
    )
    effort = capped.details["tried"]["train"]["effort"]
    assert 0.01 < effort < 0.3
    assert said["free answers"] == round(effort * 20_000)
    assert said["train"] == round(effort * 1_000)
    assert said["kinds of students"] == 3 * 5_100  # each network passes over the samples once
    epochs = [max(1, round(effort * networks.epochs_of(kind, 5_100))) for kind in capped.student.architectures]
    assert said["students"] == sum(epochs) * 5_100


def test_the_cap_of_students_counts_their_projection(monkeypatch):
    projected = []

    def counted_project(background, codes, *rest):
        projected.append(len(codes))
        return projection.project(background, codes, *rest)

    monkeypatch.setattr(student_fit, "project", counted_project)
    # All 12 positions up to order 2, two sweeps of an estimate and a subtraction.
    counted = 4 * (12 + 66) * 10_000 / work.PROJECTION_RATE
    assert work.projection_seconds(12, 10_000, 2) == pytest.approx(counted)
    assert work.projection_seconds(12, 10_000, 3) == pytest.approx(counted + 5 * 220 * 10_000 / work.PROJECTION_RATE)
    monkeypatch.setattr(work, "PROJECTION_RATE", counted * work.PROJECTION_RATE / 6.0)  # now it takes six seconds
    capped = recover(sketch_of([motif]), 0, estimator="student", max_order=2, minutes=0.01, threads=2)
    effort = capped.details["tried"]["student"]["effort"]
    assert effort < 1.2 / 6.0  # and the minutes are 1.2 seconds of one core
    assert projected == [round(effort * 10_000)]


def test_the_curve_of_a_train_asks_students(monkeypatch):
    sketch = sketch_of([motif])
    found = recover(sketch, 0, estimator="train", threads=2)
    record = {**found.details, **report(found.spectrum, sketch, 0)}
    curve = learning_curve(sketch, {"y0": record}, [], max_order=None, threads=2)
    assert curve["estimator"].tolist() == ["student"] * (len(curve) - 1) + ["train"]
    assert curve["r2"].iloc[-1] > curve["r2"].iloc[0]


def test_the_curve_of_a_truncated_train_is_truncated_too():
    """Students would explain what the spectrum leaves out, and the curve would fall at its end."""
    sketch = sketch_of([motif], budget=4_000)
    found = recover(sketch, 0, estimator="train_alone", max_order=1)
    record = {**found.details, **report(found.spectrum, sketch, 0), "weights": {"train": 1.0}, "tried": {"train": {}}}
    curve = learning_curve(sketch, {"y0": record}, [], max_order=1, threads=1)
    assert curve["estimator"].tolist() == ["train_alone"] * 3
    assert curve["r2"].iloc[-1] > 0.3
    assert curve["r2"].iloc[:-1].max() < curve["r2"].iloc[-1] + 0.05


def test_the_curve_of_a_train_alone_keeps_to_its_decay(monkeypatch):
    sketch, trained = sketch_of([motif]), []
    found = recover(sketch, 0, estimator="train_alone")
    record = {**found.details, **report(found.spectrum, sketch, 0)}
    decay = record["tried"]["train_alone"]["decay"]

    def descend(codes, targets, letters, rank, steps, decay, *rest):
        trained.append((steps, decay))
        return _descend(codes, targets, letters, rank, steps, decay, *rest)

    _descend = train._descend
    monkeypatch.setattr(train, "_descend", descend)
    curve = learning_curve(sketch, {"y0": record}, [], max_order=None, threads=1)
    assert curve["estimator"].tolist() == ["train_alone"] * len(curve)
    assert trained == [(round(CURVE_EFFORT * train.STEPS), decay)] * (len(curve) - 1)
    assert curve["r2"].iloc[-1] > curve["r2"].iloc[0]


def test_a_complete_sketch_needs_no_train():
    template = free_template(2, 6)
    plan = make_plan({}, ["y"], Background.uniform(template), budget=100)
    sketch = Sketch(plan, plan.queries(0, plan.size), np.arange(64.0)[:, None])
    with pytest.raises(InputError, match="serves exact"):
        recover(sketch, 0, estimator="train")


def test_a_train_has_as_many_free_answers_as_numbers_within_bounds(monkeypatch):
    samples = standardised(sketch_of([motif], budget=500), 0, 1)[0]
    numbers = 12 * 4 * train.RANK**2
    for least, most, wanted in ((100, 10**7, numbers), (100, 5_000, 5_000), (10**6, 10**7, 10**6)):
        monkeypatch.setattr(train, "FREE_ANSWERS", least)
        monkeypatch.setattr(train, "MAX_FREE_ANSWERS", most)
        assert train._size([samples]).answers == wanted


def test_steps_see_every_answer_many_times(monkeypatch):
    for name, value in (("FREE_ANSWERS", 500_000), ("MAX_FREE_ANSWERS", 1_500_000), ("MANY_SAMPLES", 100)):
        monkeypatch.setattr(train, name, value)
    counts = []
    for template in (free_template(4, 50), free_template(20, 56)):
        plan = make_plan({}, ["y"], Background.uniform(template), budget=500)
        sketch = Sketch(plan, plan.queries(0, plan.size), np.arange(float(plan.size))[:, None])
        samples = standardised(sketch, 0, 1)[0]
        size = train._size([samples])
        counts.append(size.answers)
        assert size.steps * train._pace(size.answers)[0] > 9 * size.answers
    assert counts == [500_000, 1_500_000]
