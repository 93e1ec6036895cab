"""Answers of a masked run are read back as they were given, and know what they are of."""

import numpy as np

from shapsketch.masks.files import load_answers, save_answers
from shapsketch.masks.plan import make_mask_plan


def test_answers_come_back_with_what_they_are_of(tmp_path):
    plan = make_mask_plan(8, 300)
    draws = np.random.default_rng(0)
    asked = [(draws.normal(size=(plan.evaluations, 2)), draws.normal(size=2)) for _ in range(3)]
    save_answers(tmp_path / "a.npz", asked, plan, {"kind": "python"}, 2)
    read = load_answers(tmp_path / "a.npz")
    assert np.array_equal(read["answers"], [answers for answers, _ in asked])
    assert np.array_equal(read["predictions"], [predictions for _, predictions in asked])
    assert read["about"] == {"model": {"kind": "python"}, "plan": plan.plan.hash}


def test_no_sequence_has_no_answers(tmp_path):
    plan = make_mask_plan(8, 300)
    save_answers(tmp_path / "a.npz", [], plan, {}, 2)
    assert load_answers(tmp_path / "a.npz")["answers"].shape == (0, plan.evaluations, 2)
