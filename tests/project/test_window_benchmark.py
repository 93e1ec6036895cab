"""What the benchmark of the editing window counts."""

import numpy as np

from benchmarks import editing_window as window


def test_features_that_each_mark_a_part_of_a_concept_mark_it_together():
    draws, marks = np.random.default_rng(0), np.zeros((40, 20), bool)
    marks[:, 3:8] = draws.random((40, 5)) < 0.5
    places = np.arange(20)
    parts = [marks & (places < 5), marks & (places == 5), marks & (places > 5), draws.random((40, 20)) < 0.1]
    features = np.stack(parts, -1) * draws.uniform(1, 2, (40, 20, 4))
    held = np.arange(40) % 2 == 0
    one, two, three, four = window.score_together(features, marks, held, 4)
    assert one < two < three == four == 1.0
    assert np.isclose(one, window.score_best(features, marks, held))
    assert window.score_together(np.zeros((40, 20, 3)), marks, held, 2) == [0.0, 0.0]


def test_the_window_is_where_it_is_said_to_be():
    codes = np.array([[0] * 20, [1, 0] * 10])  # A only, and C and A in turn
    labels = window.label(codes)
    assert labels["a_4_8"].sum(1).tolist() == [5, 3]
    assert (np.flatnonzero(labels["any_3_9"][1]) + 1).tolist() == [3, 4, 5, 6, 7, 8, 9]
    logits = np.stack([np.arange(20.0), np.full(20, 100.0)])
    assert window.profile(logits, codes)[:3].tolist() == [0.0, 50.5, 2.0]
