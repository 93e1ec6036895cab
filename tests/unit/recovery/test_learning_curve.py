"""Rounds: the learning curve, and stopping when the spectrum is good enough."""

import json

import numpy as np
import pytest

from recovery_cases import free_template, sketch_of, sparse_function
from shapsketch.fidelity.faithfulness import report
from shapsketch.recovery import recover, regression
from shapsketch.recovery.learning_curve import learning_curve, score_round
from shapsketch.recovery.ridge import preconditioned_ridge
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.near import Near
from shapsketch.sampling.sketch import Sketch, merge_shards, sample_shard
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.storage.files import save_npz

BACKGROUND = Background.uniform(Template(Alphabet("ACGT"), "N" * 9))


def sketched(budget, noise, until_r2=None, design="random"):
    """An additive function beside one that is mostly noise."""
    plan = make_plan({}, ["smooth", "noisy"], BACKGROUND, budget=budget, design=design, until_r2=until_r2)
    codes = plan.queries(0, plan.size)
    additive = (codes * np.arange(1, 10)).sum(1).astype(float)
    scatter = np.random.default_rng(0).normal(size=len(codes)) * additive.std() * noise
    return Sketch(plan, codes, np.column_stack([additive, additive + scatter]))


def curve_of(sketch, rounds=()):
    records = {}
    for number, output in enumerate(sketch.plan.outputs):
        found = recover(sketch, number, estimator="regression")
        records[output] = {**found.details, **report(found.spectrum, sketch, number)}
    return learning_curve(sketch, records, rounds, max_order=None, threads=1)


def test_the_curve_leads_to_the_score_of_the_spectrum():
    sketch = sketched(16_000, 0.5)
    curve = curve_of(sketch)
    noisy = curve[curve["output"] == "noisy"]
    assert noisy["evaluations"].tolist() == [2_000, 4_000, 8_000, 16_000]
    assert noisy["r2"].iloc[-1] > noisy["r2"].iloc[0]
    assert noisy["r2"].iloc[-1] == pytest.approx(0.8, abs=0.02)
    assert ((noisy["r2_low"] < noisy["r2"]) & (noisy["r2"] < noisy["r2_high"])).all()
    assert curve[curve["output"] == "smooth"]["r2"].min() > 0.999


def test_the_curve_of_a_constant_under_a_markov_background_is_of_the_mean():
    """Which no regression is served under."""
    background = Background.chain_of(BACKGROUND.template, np.tile(np.arange(9, dtype=np.uint8) % 4, (9, 1)), 1.0)
    plan = make_plan({}, ["constant"], background, budget=4_000)
    sketch = Sketch(plan, plan.queries(0, plan.size), np.full((plan.size, 1), 7.5))
    nothing = recover(sketch, 0)
    record = {**nothing.details, **report(nothing.spectrum, sketch, 0)}
    curve = learning_curve(sketch, {"constant": record}, [], max_order=None, threads=1)
    assert curve["evaluations"].tolist() == [1_000, 2_000, 4_000]
    assert set(curve["estimator"]) == {"constant"}
    assert set(curve["r2"]) == {1.0}


def test_the_curve_searches_for_less_long_and_finds_as_much(monkeypatch):
    template = free_template(4, 8)
    function, _ = sparse_function(template, 3, 12, seed=1, noise=0.3)
    sketch = sketch_of(function, template, budget=4_000, design="random")
    paths = []

    def path(forward, adjoint, target, scale, ridges):
        for w in preconditioned_ridge(forward, adjoint, target, scale, ridges):
            paths.append((len(target), ridges[0]))
            yield w

    monkeypatch.setattr(regression, "preconditioned_ridge", path)
    whole = recover(sketch, 0, estimator="regression")
    paths.clear()
    record = {**whole.details, **report(whole.spectrum, sketch, 0)}
    curve = learning_curve(sketch, {sketch.plan.outputs[0]: record}, [], max_order=None, threads=1)
    quick = list(paths)
    paths.clear()
    for part, point in zip((sketch.first(k) for k in (1, 2, 3)), curve["r2"], strict=False):
        slow = recover(part, 0, estimator="regression", max_order=whole.details["tried"]["regression"]["max_order"])
        assert point > report(slow.spectrum, part, 0)["r2"] - 0.005
    assert len(quick) < 0.6 * len(paths)
    assert max(ridge for count, ridge in quick if count == quick[0][0]) == regression.RIDGES[0]
    assert min(ridge for count, ridge in quick if count == quick[-1][0]) < 0.01  # not from the strongest on


def test_a_point_of_the_curve_is_the_sketch_of_a_smaller_budget():
    large, small = sketched(16_000, 0.5), sketched(2_000, 0.5)
    assert (large.first(1).codes == small.codes).all()
    for role in ("holdout", "validation", "train"):
        assert large.first(1).plan.count(role) == small.plan.count(role)


def test_a_round_is_enough_when_every_output_is():
    scored = {noise: score_round(sketched(4_000, noise, 0.9), estimator="regression", max_order=1, threads=1)
              for noise in (0.1, 0.5)}  # fmt: skip
    assert scored[0.1]["enough"] is True
    assert scored[0.5]["enough"] is False  # R2 cannot pass 0.8
    assert scored[0.5]["outputs"]["smooth"]["validation_r2_low"] > 0.9
    assert scored[0.1]["evaluations"] == 4_000


def test_the_holdout_does_not_decide(monkeypatch):
    sketch = sketched(2_000, 0.1, 0.9)
    values = sketch.values.copy()
    for block in sketch.plan.blocks("holdout"):
        values[block] = 1e6
    score = score_round(Sketch(sketch.plan, sketch.codes, values), estimator="regression", max_order=1, threads=1)
    assert score["enough"] is True


def test_scored_rounds_become_the_curve():
    sketch = sketched(4_000, 0.5, 0.9)
    rounds = [score_round(sketch.first(k), estimator="regression", max_order=None, threads=1) for k in (1, 2)]
    curve = curve_of(sketch, rounds)
    assert curve[curve["output"] == "noisy"]["evaluations"].tolist() == [1_000, 2_000, 4_000]
    assert curve["r2"].iloc[0] == rounds[0]["outputs"]["smooth"]["r2"]


def test_a_space_that_was_evaluated_in_full_is_enough():
    background = Background.uniform(Template(Alphabet("ACGT"), "NNN"))
    plan = make_plan({}, ["y"], background, budget=4_000, until_r2=0.9)
    codes = plan.queries(0, plan.size)
    sketch = Sketch(plan.first(1), codes, codes.sum(1)[:, None].astype(float))
    assert score_round(sketch, estimator="auto", max_order=None, threads=1)["enough"] is True


def test_shards_of_rounds_that_were_not_needed_are_empty(tmp_path):
    (tmp_path / "model.py").write_text("def predict(sequences):\n    return [float(len(s)) for s in sequences]\n")
    source = {"kind": "python", "target": f"{tmp_path}/model.py:predict", "input": "strings"}
    plan = make_plan({}, ["value"], BACKGROUND, budget=4_000, until_r2=0.9, batch_size=100)
    paths = [tmp_path / f"{k}-of-6.npz" for k in range(1, 7)]
    for k, path in enumerate(paths, 1):
        save_npz(path, sample_shard(plan, source, k, 6, skip=k > 4))
    sketch = merge_shards(plan, paths)
    assert sketch.plan.size == len(sketch.values) == 2_000
    sketch.save(tmp_path / "sketch.npz")
    again = Sketch.load(tmp_path / "sketch.npz", plan)
    assert again.plan.hash == plan.first(2).hash
    assert (again.values == sketch.values).all()
    with pytest.raises(InputError, match="hold 1500 of 4000"):
        merge_shards(plan, paths[:3])


def test_a_point_without_an_r2_is_left_out():
    """Of a hold-out that is one value, where the output is not."""
    sketch = sketched(4_000, 0.1, 0.9)
    values = sketch.values.copy()
    for block in sketch.first(2).plan.blocks("holdout"):
        values[block, 0] = 5.0
    rare = Sketch(sketch.plan, sketch.codes, values)
    rounds = [score_round(rare.first(k), estimator="regression", max_order=1, threads=1) for k in (1, 2)]
    assert [scored["outputs"]["smooth"]["r2"] for scored in rounds] == [None, None]
    json.dumps(rounds, allow_nan=False)
    curve = curve_of(rare, rounds)
    assert curve[curve["output"] == "smooth"]["evaluations"].tolist() == [4_000]
    assert curve[curve["output"] == "noisy"]["evaluations"].tolist() == [1_000, 2_000, 4_000]


def test_a_stop_rule_is_judged_by_the_points_that_vary():
    word = np.arange(9) % 4
    near = Near.of(0.3, {"sites": ["".join("ACGT"[k] for k in word)]})
    plan = make_plan({}, ["y"], BACKGROUND, budget=4_000, design="random", until_r2=0.5, near=near)
    codes = plan.queries(0, plan.size)
    values = (codes == word).sum(1)[:, None] + 0.0
    for role in ("train", "validation", "holdout"):
        for block in plan.blocks(role):
            values[block] = 2.25
    score = score_round(Sketch(plan, codes, values), estimator="regression", max_order=1, threads=1)
    assert score["outputs"]["y"]["validation_r2_low"] > 0.2
