"""Scores of methods: the textbooks', and those of the truth and its opposite."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from baseline_cases import task_of
from shapsketch.comparison import explain
from shapsketch.comparison.scoring import agreement


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
