"""What a run costs before it is paid: shards, evaluations, seconds."""

import pytest

from shapsketch.masks import student_fit
from shapsketch.recovery import PROBED
from shapsketch.settings import cost
from shapsketch.settings.cost import (
    MAX_SHARDS,
    auto_shards,
    estimate,
    mask_student_seconds,
    mask_walk_seconds,
    recovery_seconds,
    wall_seconds,
)


@pytest.mark.parametrize(
    ("evaluations", "batch", "rate", "shards"),
    [
        (20_000, 1024, None, 4),
        (20_000, 1024, 1e-5, 1),  # a second in all
        (20_000, 1024, 0.02, 4),  # 400 s: four of about a minute
        (200_000, 1024, 0.1, 34),  # 20,000 s: ten minutes each
        (100, 50, 100.0, 2),  # never less than a batch
        (10**7, 10, 10.0, MAX_SHARDS),
    ],
)
def test_shards_take_ten_minutes(evaluations, batch, rate, shards):
    assert auto_shards(evaluations, batch, rate) == shards


def test_cost_is_evaluations_times_time_plus_overheads():
    work = {
        "evaluations": 100_000, "batch_size": 100, "shards": "auto", "rounds": 1, "outputs": 1, "estimator": "auto",
        "minutes": None, "explanation_shards": 2, "asked": 1, "masked": False,
        "alphabet": "DNA", "template": "N" * 28, "students": True,
    }  # fmt: skip
    rows = estimate(work, {"seconds_per_evaluation": 0.05, "load_seconds": 5.0}, [1000, 3000])
    by_stage = {row["stage"]: row for row in rows}
    sample = by_stage["sample"]
    assert sample["jobs"] == 9
    assert sample["job_seconds"] == pytest.approx(100_000 * 0.05 / 9 + 5 + 10)
    assert by_stage["explain"]["evaluations"] == 4000
    assert by_stage["explain"]["jobs"] == 4
    rows = [{"model": "m", **row} for row in rows]
    work_seconds = sum(row["jobs"] * row["job_seconds"] for row in rows)
    assert wall_seconds(rows, 1) == pytest.approx(work_seconds)
    assert work_seconds / 9 < wall_seconds(rows, 9) < wall_seconds(rows, 3) < work_seconds
    trees = estimate({**work, "evaluations": 0}, {"seconds_per_evaluation": 0.0, "load_seconds": 0.0}, [10])
    assert "sample" not in {row["stage"] for row in trees}


def test_cost_lists_the_stages_of_masks_and_of_comparisons():
    work = {
        "evaluations": 0, "batch_size": 100, "shards": "auto", "rounds": 1, "outputs": 1, "estimator": "auto",
        "minutes": None, "explanation_shards": 1, "asked": 5001, "masked": True,
        "alphabet": "DNA", "template": "N" * 500, "students": True,
    }  # fmt: skip
    rate = {"seconds_per_evaluation": 0.01, "load_seconds": 0.0}
    masked = estimate(work, rate, [10])
    stages = ["ask masks", "train students", "explain", "merge explanations", "report"]
    assert [row["stage"] for row in masked] == stages
    assert masked[0]["job_seconds"] == pytest.approx(50_010 * 0.01 + 10, rel=1e-3)
    assert sum(row["evaluations"] for row in masked) == 50_010
    passes = 25 * (4000 / 25_005) ** 0.5
    assert masked[1]["job_seconds"] == pytest.approx(50_010 * passes * (3e-5 + 4e-7 * 500) + 10)
    alone = estimate({**work, "students": False}, rate, [10])
    assert alone[1]["job_seconds"] == 10
    walked = masked[2]["job_seconds"] - alone[2]["job_seconds"]  # 10 sequences, all outputs
    assert walked == pytest.approx(10 * work["outputs"] * 27.6)  # the most letters that students read for a sequence
    assert mask_walk_seconds(100, 50) == pytest.approx(48 * 100 * 50 * 2.3e-7)
    assert (cost.WALK_LETTERS, cost.MAX_WALK_LETTERS) == (student_fit.WALK_SHARE, student_fit.MAX_WALK_LETTERS)
    few, many = mask_student_seconds(10, 5000), mask_student_seconds(10**7, 5000)
    assert few == pytest.approx(10 * 50 * 4.3e-4) and many == pytest.approx(2 * 200_000 * 25 * 0.02**0.5 * 4.3e-4)
    compared = estimate({**work, "masked": False}, rate, [5], 1234)
    assert {row["stage"]: row["evaluations"] for row in compared}["compare"] == 1234


def test_training_counts_where_it_may_be_needed_up_to_its_limit():
    work = {"outputs": 3, "estimator": "regression", "minutes": None, "template": "N" * 28}
    tables = recovery_seconds(work, 10_000)
    assert tables == pytest.approx(3 * (10 + 3 + 1.5e-6 * 10_000 * 378))
    # Of 145 letters it took 189 seconds of one core, the 12,000 evaluations that tables are tried on.
    long = recovery_seconds({**work, "outputs": 1, "template": "N" * 145}, 50_000)
    assert 189 / 1.5 < long < 189 * 1.5
    assert cost.PROBED == PROBED
    training = recovery_seconds({**work, "estimator": "auto"}, 10_000) - tables
    assert training == recovery_seconds({**work, "estimator": "train", "outputs": 1}, 10_000) - tables / 3
    assert recovery_seconds({**work, "estimator": "train", "minutes": 1}, 10_000) == tables + 120
    assert recovery_seconds({**work, "estimator": "auto"}, 0) == 30  # trees: nothing is trained
    # What `make benchmark-recovery` measured of trains on one busy core, within a factor of three.
    for evaluations, seconds in ((10_000, 223), (10_000, 328), (20_000, 156), (70_000, 1563), (70_000, 930)):
        assert seconds / 3 < recovery_seconds({**work, "outputs": 1, "estimator": "auto"}, evaluations) < 3.5 * seconds


def test_folds_curves_and_single_changes_are_counted():
    work = {
        "evaluations": 20_000, "batch_size": 100, "shards": 1, "rounds": 1, "outputs": 2, "estimator": "auto",
        "minutes": None, "explanation_shards": 1, "asked": 1, "masked": False,
        "alphabet": "DNA", "template": "N" * 20, "students": True,
    }  # fmt: skip
    rate = {"seconds_per_evaluation": 0.01, "load_seconds": 5.0}
    plain = {row["stage"]: row for row in estimate(work, rate, [100, 50])}
    more = {
        row["stage"]: row for row in estimate({**work, "folds": 5, "curve": True, "changes": True}, rate, [100, 50])
    }
    assert more.keys() - plain.keys() == {"recover folds", "learning curve", "single changes"}
    assert more["recover folds"]["job_seconds"] == pytest.approx(recovery_seconds({**work, "outputs": 10}, 20_000) + 10)
    assert more["learning curve"]["job_seconds"] < plain["recover"]["job_seconds"]
    assert more["single changes"]["evaluations"] == 2 * 200 * 2 * 2
    assert more["single changes"]["jobs"] == 2
    assert wall_seconds([], 10) == 0


@pytest.mark.parametrize(
    ("explain", "kind", "asked"),
    [
        ({}, "torch", 1),
        ({"predict": False}, "torch", 0),
        ({"refine": {"evaluations_per_sequence": 500}}, "torch", 501),
        ({"predict": False, "refine": {"evaluations_per_sequence": 500}}, "torch", 501),  # which asks each itself, too
        ({"refine": {"standard_error": 0.01}}, "torch", 10_001),
        ({}, "table", 0),
        ({"mode": "masks", "masks": {"budget": 2000}}, "torch", 2001),
    ],
)
def test_explaining_a_sequence_asks_what_the_rules_ask(explain, kind, asked):
    assert cost.asked_of_each({"mode": "sketch", "predict": True, "refine": None, **explain}, kind) == asked


def test_a_sketch_of_few_sequences_costs_these():
    work = {
        "evaluations": 20_000, "batch_size": 100, "shards": 1, "rounds": 1, "outputs": 1, "estimator": "auto",
        "minutes": None, "explanation_shards": 1, "asked": 1, "masked": False, "checked": 98,
        "alphabet": "DNA", "template": "N" * 6, "students": True,
    }  # fmt: skip
    rate = {"seconds_per_evaluation": 0.01, "load_seconds": 5.0, "evaluations": 10, "planned": 98 + 4096}
    rows = {row["stage"]: row for row in estimate(work, rate, [100])}
    assert rows["sample"]["evaluations"] == 4096
