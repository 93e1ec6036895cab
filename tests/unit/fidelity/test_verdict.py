"""The verdict: no sentence, on any page, says what the scores do not; a grid of all combinations."""

from itertools import product

import pytest

from shapsketch.fidelity.verdict import instead, no_arcs, no_motif, no_pair, order_audit, undefined_audit

SCORES = [(1.0, 0.99), (1.0, 0.31), (0.95, 0.92), (0.95, 0.6), (0.5, 0.4), (0.1, -0.3), (0.0, -0.1), (-4.0, -9.0)]
ADDITIVE = [1.0, 0.99, 0.8, 0.3, 0.0]


def score_of(r2, low, by_order, variance=1.0):
    judged = order_audit(by_order, variance, r2, low)
    return {"r2": r2, "r2_interval": [low, max(r2, low)], "scored_on": "hold-out", **judged}


@pytest.mark.parametrize(("scores", "additive"), list(product(SCORES, ADDITIVE)))
def test_sentences_follow_from_scores(scores, additive):
    (r2, low), by_order = scores, {"1": additive, "2": 1 - additive}
    score = score_of(r2, low, {k: v for k, v in by_order.items() if v})
    told = [score["audit"], no_motif(score), no_pair(score), no_arcs(score)]
    trusted = "An additive explanation can be trusted" in score["audit"]
    assert trusted == (additive * low >= 0.9)
    adds_up = any("letters add up" in text or "No interaction stands out" in text for text in told)
    assert not adds_up or (additive >= 0.98 and low >= 0.9)
    assert ("no better than its mean" in score["audit"]) == (r2 <= 0)
    assert ("Nothing is shown here" in (instead(score) or "")) == (r2 <= 0)
    assert ("not sure" in score["audit"]) == (low <= 0 < r2)
    assert not any("constant" in text for text in told)
    if additive < 0.98 and low > 0:
        assert "do not just add up" in no_motif(score)
    if 0 < low < 0.9 <= additive:
        assert "missing" in no_motif(score) or "do not just add up" in no_motif(score)
    for text in told:
        numbers = [int(word) for word, mark in zip(text.split(), text.split()[1:], strict=False) if mark[0] == "%"]
        assert all(0 <= number <= 100 for number in numbers)
        assert "nan" not in text and "-0 %" not in text


def test_a_constant_model():
    score = score_of(1.0, 1.0, {}, variance=0.0)
    assert score["audit"] == instead(score) == "The model is constant here: there is nothing to explain."
    assert "no letter changes its answer" in no_motif(score)
    missed = score_of(0.0, 0.0, {}, variance=0.0)
    assert missed["found"] == "nothing"


def test_shares_never_exceed_all():
    shares = order_audit({"1": 0.1 + 0.2, "2": 1e-17}, 1e-3, 1.0)["share_by_order"]
    assert all(0 <= share <= 1 for share in shares.values())


@pytest.mark.parametrize(
    ("by_order", "r2", "words"),
    [
        ({"1": 0.95, "2": 0.05}, 1.0, "An additive explanation can be trusted: single letters carry 95 %"),
        ({"1": 0.8, "2": 0.2}, 0.97, "tells most, read interactions beside it: single letters carry 80 %"),
        (
            {"1": 0.5, "2": 0.3, "3": 0.2},
            1.0,
            "because letters act together: single letters carry 50 % of the variance",
        ),
        ({"1": 0.95, "2": 0.05}, 0.5, "because too much of the model was not found: single letters carry 95 %"),
        ({}, 1.0, "The model is constant here"),
    ],
)
def test_the_audit_in_words(by_order, r2, words):
    found = order_audit(by_order, 1.0 if by_order else 0.0, r2)
    assert words in found["audit"]
    assert list(found["share_by_order"]) == list(by_order)
    if by_order:
        assert found["share_by_order"][max(by_order)] == pytest.approx(1)
    assert ("not found" in found["audit"]) == (r2 < 0.99)


NEAR = {"near": ["sites"], "near_holdout": 90}


@pytest.mark.parametrize(
    ("by_order", "near", "level", "words"),
    [
        ({"1": 0.1, "2": 0.3}, {"r2_near": 0.95, "r2_near_interval": [0.94, 0.96]}, "found", "Near sites it is 0.950 "),
        ({"1": 0.1}, {"r2_near": 0.2, "r2_near_interval": [-0.1, 0.4]}, "unsure", "the interval of R2 includes 0"),
        ({}, {"r2_near": -0.1, "r2_near_interval": [-0.2, 0.0]}, "nothing", "Nothing was found"),
        ({"1": 0.1}, {}, "unsure", "It is not sure that anything was found."),
        ({}, {}, "nothing", "Nothing was found"),
    ],
)
def test_where_r2_on_the_hold_out_is_undefined_the_near_queries_judge(by_order, near, level, words):
    judged = undefined_audit(by_order, NEAR | near)
    score = {"r2": None, "r2_interval": None, "scored_on": "hold-out", **judged}
    assert judged["found"] == level
    assert judged["audit"].startswith("R2 on the hold-out is undefined: the model's values there are all the same")
    assert words in judged["audit"]
    assert list(judged["share_by_order"]) == list(by_order)
    told = [judged["audit"], no_motif(score), no_pair(score), no_arcs(score), instead(score) or ""]
    assert not any("constant" in text or "letters add up" in text or "is None" in text for text in told)
    assert bool(instead(score)) == (level == "nothing")
    if level == "found":
        additive = score | {"share_by_order": {"1": 1.0}}
        assert "R2 on the hold-out is undefined" in no_motif(additive) and "undefined" in no_pair(additive)
