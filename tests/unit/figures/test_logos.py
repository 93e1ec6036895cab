"""Logos: as high as the numbers say, in rows, relative to the background, with gaps."""

import numpy as np
import pandas as pd
import pytest
from motif_cases import template_of

from shapsketch.figures.logos import DrawnMotif, contribution_logo, information_heights, motif_logo
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template


def test_stacks_of_a_contribution_logo_are_as_high_as_the_means():
    template = Template(Alphabet("ACGT"), "NGN")
    means = {(1, "A"): 0.5, (1, "C"): -0.25, (3, "T"): 1.0}
    table = pd.DataFrame(
        [(p, a, 1, means.get((p, a), 0.0)) for p in (1, 2, 3) for a in "ACGT"],
        columns=["position", "letter", "count", "mean"],
    )
    figure = contribution_logo(template, table, "t", "mean Shapley value")
    axes = figure.axes[0]
    boxes = [p.get_path().get_extents() for p in axes.patches if p.get_zorder() == 2]
    assert max(b.ymax for b in boxes) == pytest.approx(1.0, rel=0.05)
    assert min(b.ymin for b in boxes) == pytest.approx(-0.25, rel=0.05)
    assert len(boxes) == 3
    assert "G" in [text.get_text() for text in axes.texts]  # the fixed letter is named
    assert axes.get_xlabel() == "position"
    assert figure._supylabel.get_text() == "mean Shapley value"


def test_long_sequences_are_drawn_in_rows_and_all_zeros_too():
    template = template_of("DNA", 130)
    positions = np.repeat(np.arange(1, 131), 4)
    table = pd.DataFrame({"position": positions, "letter": list("ACGT") * 130, "mean": 0.0})
    figure = contribution_logo(template, table, "t", "u")
    assert len(figure.axes) == 3
    assert figure.axes[0].get_ylim() == (-1, 1)


def test_information_is_relative_to_the_background():
    heights = information_heights(pd.DataFrame([[1.0, 0.0], [0.5, 0.5]]), np.array([0.5, 0.5]))
    assert heights.to_numpy().tolist() == [[1.0, 0.0], [0.0, 0.0]]
    heights = information_heights(pd.DataFrame([[0.0, 1.0]]), np.array([0.75, 0.25]))
    assert heights.to_numpy()[0].tolist() == [0.0, 2.0]


def test_letters_that_no_free_position_may_have_tell_nothing():
    background = np.array([0.5, 0.0, 0.5, 0.0])
    heights = information_heights(pd.DataFrame([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]), background)
    assert heights.to_numpy().tolist() == [[1.0, 0.0, 0.0, 0.0], [0.0] * 4]
    _, right, _ = motif_logo(Alphabet("ACGT"), gapped_motif(), background, "u").axes
    assert right.get_ylim() == (0, 1)


def gapped_motif():
    """Two letters, a gap that varies, and a third."""
    row = pd.Series(
        {
            "motif": "M1", "consensus": "N[AG]{2-4}C", "relation": "equal", "value": 1.0, "share": 0.1,
            "instances": 6, "sequences": 5, "spacing": "2-4",
        }
    )  # fmt: skip
    cells = [(c, a) for c in (1, 2, 3) for a in "ACGT"]
    matrix = pd.DataFrame(
        [(c, np.nan, a, 0.25, 0.1, 1) for c, a in cells],
        columns=["column", "position", "letter", "frequency", "contribution", "core"],
    )
    places = pd.DataFrame({"start": [1, 2, 3], "gap": [2, 3, 4], "value": [3.0, 2.0, 1.0], "instances": 2})
    return DrawnMotif(row, matrix, places)


def test_a_motif_with_a_varying_gap_has_it_in_its_picture():
    motif = gapped_motif()
    assert motif.split == 2
    assert motif.places.tolist() == [1, 2, 4]
    left, right, spread = motif_logo(Alphabet("ACGT"), motif, np.full(4, 0.25), "u").axes
    assert "2-4" in [text.get_text() for text in left.texts]
    assert "equal" in right.texts[0].get_text()
    assert right.get_title(loc="right") == "background: uniform"
    assert [bar.get_height() for bar in spread.patches] == [3.0, 2.0, 1.0]
    assert spread.get_xlabel() == "letters between the halves"
