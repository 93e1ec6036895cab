"""Bars, maps and letter tables are where the numbers are."""

import numpy as np
import pandas as pd
import pytest

from shapsketch.figures.heat_maps import interaction_map, order_bars, support_maps


@pytest.mark.parametrize(
    ("by_order", "r2", "heights"),
    [({"1": 3.0, "2": 1.0}, 0.8, [60, 20, 20]), ({"1": 3.0}, -0.1, [0, 100]), ({}, 1.0, [0])],
)
def test_the_bars_of_the_orders_add_up_to_the_models_variance(by_order, r2, heights):
    bars = order_bars(by_order, r2, "t").axes[0].patches
    assert [bar.get_height() for bar in bars] == pytest.approx(heights)


def test_maps_show_the_pairs_where_they_are():
    pairs = pd.DataFrame({"position_1": [1, 1, 2], "position_2": [2, 3, 3], "mean": [0.0, -2.0, 1.0]})
    image = interaction_map(3, pairs, "mean", "t", "u").axes[0].images[0]
    shown = np.asarray(image.get_array())
    assert (shown[2, 0], shown[2, 1]) == (-2.0, 1.0)
    assert (image.norm.vmin, image.norm.vmax) == (-2.0, 2.0)
    assert interaction_map(3, pairs.assign(mean=0.0), "mean", "t", "u").axes[0].images[0].norm.vmax == 1.0


def test_letter_tables_are_drawn_with_their_letters(drawn):
    spectrum, tables = drawn["DNA"]
    alphabet = spectrum.template.alphabet
    figure = support_maps(alphabet, tables["supports"], tables["support_tables"], "t", "u")
    first = figure.axes[0]
    assert [label.get_text() for label in first.get_yticklabels()] == list("ACGT")
    assert first.get_ylabel().startswith("position ")
    assert support_maps(alphabet, tables["supports"].iloc[:0], tables["support_tables"].iloc[:0], "t", "u") is None
