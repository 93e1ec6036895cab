"""Scores of effects, beside scikit-learn and scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from shapsketch.settings.errors import InputError
from shapsketch.variants.classes import Truth
from shapsketch.variants.scoring import (
    Predictors,
    auroc,
    best_threshold,
    confusion_table,
    cross_validated_calls,
    mcc,
    median_mcc,
    position_table,
    prediction_table,
    resamples,
    score_table,
    spearman,
    top_recall,
)

RNG = np.random.default_rng(0)

MEASURED = np.round(RNG.normal(size=300), 1)  # with ties

PREDICTED = np.round(MEASURED + RNG.normal(size=300), 1)

POSITIVE = MEASURED > 0.4


def test_measures_are_those_of_scipy_and_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    assert spearman(PREDICTED, MEASURED) == pytest.approx(spearmanr(PREDICTED, MEASURED)[0], abs=1e-12)
    assert auroc(PREDICTED, POSITIVE) == pytest.approx(metrics.roc_auc_score(POSITIVE, PREDICTED), abs=1e-12)
    called = np.median(PREDICTED) <= PREDICTED
    assert median_mcc(PREDICTED, POSITIVE) == pytest.approx(metrics.matthews_corrcoef(POSITIVE, called), abs=1e-12)
    assert mcc(np.ones(300, bool), POSITIVE) == 0
    assert np.isnan(auroc(PREDICTED, np.ones(300, bool))) and np.isnan(spearman(PREDICTED, np.ones(300)))


def test_the_highest_tenth_is_counted_as_proteingym_does():
    measured, predicted = np.arange(100.0), np.arange(100.0)
    predicted[[95, 0]] = predicted[[0, 95]]
    assert top_recall(predicted, measured) == 0.9  # 90 to 99 are the highest ten
    assert top_recall(measured, measured) == 1
    assert top_recall(np.zeros(100), measured) == pytest.approx(0.1)  # a constant knows nothing
    for size in (95, 100, 101, 237):
        measured, predicted = RNG.normal(size=(2, size))
        predicted += measured
        tops = [values >= np.percentile(values, 90) for values in (measured, predicted)]  # ProteinGym's definition
        assert top_recall(predicted, measured) == pytest.approx((tops[0] & tops[1]).sum() / tops[0].sum())


def test_intervals_hold_their_value_and_say_what_they_are_of():
    truth = Truth(np.where(np.arange(300) < 20, np.nan, MEASURED), np.ones(300, bool), POSITIVE)
    table = score_table(Predictors({"model": PREDICTED, "noise": RNG.normal(size=300)}), truth, 3)
    assert table["measure"].tolist() == ["spearman", "top_recall"] * 2 + ["auroc", "mcc"] * 2
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    assert table["variants"].tolist() == [280] * 4 + [300] * 4
    assert table.iloc[4]["positives"] == POSITIVE.sum()
    row = table.set_index(["predictor", "measure"]).loc[("noise", "auroc")]
    assert row["low"] < 0.5 < row["high"]
    few = Truth(np.full(300, np.nan), np.arange(300) < 15, POSITIVE)
    assert score_table(Predictors({"model": PREDICTED}), few, 3).empty


def test_many_variants_are_resampled_less_often():
    assert [resamples(count) for count in (10, 20_000, 50_000, 10**6)] == [1000, 1000, 400, 200]


def test_thresholds_are_chosen_elsewhere():
    predicted = np.array([0.0, 1, 1, 2, 3, 3])
    assert best_threshold(predicted, np.array([False, False, True, True, True, True])) in (1.0, 2.0)
    truth = Truth(MEASURED, np.ones(300, bool), POSITIVE)
    both = {"model": PREDICTED, "same": np.where(POSITIVE, 1.0, 0.0)}
    table = confusion_table(cross_validated_calls(Predictors(both), truth, 1))
    counts = table[["true_positives", "false_positives", "false_negatives", "true_negatives"]]
    assert (counts.sum(axis=1) == 300).all()
    assert table.iloc[1]["mcc"] == 1 and table.iloc[1]["threshold"] == 1
    assert table.iloc[0]["sensitivity"] == table.iloc[0]["true_positives"] / POSITIVE.sum()
    noise = Predictors({"noise": np.random.default_rng(9).normal(size=300)})
    noise = confusion_table(cross_validated_calls(noise, truth, 1))
    assert abs(noise.iloc[0]["mcc"]) < 0.2  # would be higher where the threshold has seen the variants


def test_others_are_compared_on_the_variants_that_both_have():
    truth = Truth(np.full(300, np.nan), np.ones(300, bool), POSITIVE)
    half = np.where(np.arange(300) < 150, PREDICTED, np.nan)
    found = score_table(Predictors({"model": PREDICTED, "copy": PREDICTED.copy(), "half": half}), truth, 3)
    found = found[found["measure"] == "auroc"].set_index("predictor")
    assert np.isnan(found.loc["model", "behind"])
    for name in ("copy", "half"):  # the same numbers: behind by nothing, in every resample
        assert found.loc[name, ["behind", "behind_low", "behind_high"]].tolist() == [0, 0, 0]
    assert found["variants"].tolist() == [300, 300, 150]
    noisy = Predictors({"model": PREDICTED, "noise": np.random.default_rng(4).normal(size=300)})
    found = score_table(noisy, truth, 3).set_index(["predictor", "measure"]).loc[("noise", "auroc")]
    assert found["behind"] == pytest.approx(auroc(PREDICTED, POSITIVE) - found["value"])
    assert 0 < found["behind_low"] < found["behind"] < found["behind_high"]


def test_lower_may_be_positive():
    truth = Truth(MEASURED, np.ones(300, bool), POSITIVE)
    plain = Predictors({"model": PREDICTED})
    other = Predictors({"model": -PREDICTED}, ["model"])
    first, second = (score_table(one, truth, 1).set_index("measure") for one in (plain, other))
    names = ["value", "low", "high"]
    pd.testing.assert_frame_equal(first.loc[["auroc", "mcc"], names], second.loc[["auroc", "mcc"], names])
    assert second.loc["spearman", "value"] == -first.loc["spearman", "value"]  # of a score, lower is lower
    assert second["lower_is_positive"].tolist() == [None, None, True, True]
    calls = [cross_validated_calls(one, truth, 1) for one in (plain, other)]
    np.testing.assert_array_equal(calls[0]["model"].called, calls[1]["model"].called)
    cuts = [
        confusion_table(own, one.lower).iloc[0]["threshold"] for own, one in zip(calls, (plain, other), strict=True)
    ]
    assert cuts[0] == -cuts[1]
    with pytest.raises(InputError, match="names 'mode' under lower, but the predictors are model"):
        Predictors({"model": PREDICTED}, ["mode"])


def test_predictors_stand_side_by_side():
    count, places = 300, np.arange(300)
    table = pd.DataFrame(
        {"record": places, "allele": 1, "variant_id": "v", "contig": "c", "positions": "1", "ref": "A"}
    )
    labels = np.where(places < 290, np.where(POSITIVE, "1", "0"), "")
    table = table.assign(alt="C", label=labels, score=MEASURED)
    predictors, truth = Predictors({"model": PREDICTED, "score": np.zeros(count)}), Truth.read(table)
    calls = cross_validated_calls(predictors, truth, 1)
    made = prediction_table(table, predictors, calls)
    assert list(made.columns[9:]) == ["model", "score.value", "model.called", "score.called"]
    assert made["model.called"].notna().sum() == 290 and made["score"].tolist() == MEASURED.tolist()
    confusion = confusion_table(calls).set_index("predictor").loc["model"]
    called = made["model.called"].fillna(0).to_numpy(bool)
    assert (called & truth.positive).sum() == confusion["true_positives"]


def test_positions_are_tabulated():
    table = pd.DataFrame({
        "output": "y", "positions": ["3", "3,3,7", "7", "3"], "delta": [1.0, -2.0, -4.0, 8.0], "contig": list("cccb"),
        "score": [0.5, np.nan, 1.5, 2.5], "label": ["1", "0", "", "1"],
    })  # fmt: skip
    made = position_table(table, Truth.read(table))
    assert list(made.columns[:3]) == ["output", "position", "variants"] and made.columns[-1] == "contig"
    other, made = made[made["contig"] == "b"], made[made["contig"] == "c"].set_index("position")
    assert other[["position", "variants", "mean_delta"]].values.tolist() == [[3, 1, 8]]  # of another chromosome
    assert made.loc[3, "variants"] == 2 and made.loc[3, "positives"] == 1
    assert made.loc[3, "mean_delta"] == -0.5 and made.loc[3, "mean_delta_negative"] == -2
    assert made.loc[7, "mean_delta"] == -3 and made.loc[7, "mean_score"] == 1.5
