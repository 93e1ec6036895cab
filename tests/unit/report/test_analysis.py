"""What an analysis says of itself."""

import pytest

from shapsketch.report.analysis import (
    cautions,
    far_below,
    folds,
    piled_up,
    read_analysis,
    summary_lines,
    two_answers,
)
from shapsketch.storage import parquet as tables


def test_the_summary_tells_the_strongest(page):
    files = {p.stem: str(p) for p in page.parent.iterdir() if p.suffix in (".tsv", ".npz")}
    files |= {
        "faithfulness": str(page.parent / "faithfulness.json"),
        "faithfulness_on_queries": str(page.parent / "queries.json"),
    }
    lines = summary_lines(read_analysis("m", "s", files), "report.html")
    assert any("strongest interactions: GnT at 3,5 (+1.12)" in line for line in lines)
    assert lines[-1] == "  open report.html"


@pytest.fixture(autouse=True)
def small_row_groups(monkeypatch):
    monkeypatch.setattr(tables, "ROW_GROUP", 100)


def test_a_sketch_of_every_sequence_tells_that_a_model_answers_twice():
    exact = {"scored_on": "every sequence of the template", "r2": 1.0}
    (sentence,) = two_answers(3, exact)
    assert sentence.startswith("the model does not answer twice the same") and "3 of these" in sentence
    assert two_answers(0, exact) == two_answers(3, exact | {"scored_on": "hold-out"}) == []
    assert two_answers(3, exact | {"r2": 0.9}) == []  # terms were left out


@pytest.mark.parametrize(
    ("interval", "near", "words"),
    [
        ([0.3, 0.5], {}, "Ask near them, with sketch: {near: {sequences: sites}}; or take another background"),
        ([0.3, 0.5], {"near": ["sites"]}, "although queries were near them: try another background"),
        ([0.3, 0.5], {"near": ["others"]}, "Ask near them, with sketch: {near: {sequences: sites}}"),
        ([0.6, 0.86], {}, None),
        (None, {}, None),
    ],
)
def test_the_line_to_write_is_told_where_sequences_fare_worse_than_the_hold_out(interval, near, words):
    asked = {"r2_interval": interval} if interval else {}
    told = far_below(asked, {"r2_interval": [0.9, 0.95], "scored_on": "hold-out", **near}, "sites")
    assert (words in told[0]) if words else not told


@pytest.mark.parametrize(
    ("sketch_error", "words"),
    [(0.4, "wrong by about 0.4"), (0.2, "wrong by about 0.2, so only above 19 evaluations are refined values closer")],
)
def test_how_many_evaluations_make_refined_values_closer_than_the_sketch(sketch_error, words):
    """Of 8 evaluations, an error of 0.5 is 1.6237 times what the values deviate by."""
    refined = {"refined": 100, "standard_error": 0.5, "sketch_error": sketch_error, "evaluations_per_sequence": 8.0}
    asked = {
        "sequences": 100,
        "predicted": 100,
        "r2_on_queries": 0.9,
        "r2_by_group": {},
        "r2_of_highest_tenth": None,
        "warnings": {},
    }
    (sentence,) = cautions(asked | refined, {"found": "found", "r2": 0.9, "r2_interval": None})
    assert sentence == f"refined by 8 evaluations per sequence: standard error 0.5; the sketch alone would be {words}"


@pytest.mark.parametrize(("share", "told"), [(0.5, True), (0.1, False), (None, False)])
def test_the_logit_is_proposed_where_values_pile_up_at_a_bound(share, told):
    sentences = piled_up({"at_bounds": share, "found": "found"})
    assert bool(sentences) == told
    assert all("50 % of the values" in s and "outputs: {NAME: {transform: logit}}" in s for s in sentences)
    assert not piled_up({"at_bounds": 0.9, "found": "nothing"})


@pytest.mark.parametrize(
    ("r2", "words"),
    [
        ([0.9, 0.8], "is 0.800 to 0.900"),
        ([0.9, None], "is 0.900 to 0.900, and undefined of 1"),
        ([None, None], "is undefined"),
    ],
)
def test_r2_of_folds_is_told_where_it_is_defined(r2, words):
    (sentence,) = folds({"folds": 2, "prediction_sd": None, "fold_r2": r2}, {})
    assert sentence.endswith(f"R2 of each fold's own spectrum {words}")
