"""One sequence as a picture: an arc for every pair of neighbours in an interaction, as wide as its value."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch

from shapsketch.figures.sequence import MAX_ARCS, SIGNS, sequence_figure
from shapsketch.figures.style import BLUE, ORANGE
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template

TEMPLATE = Template(Alphabet("ACGT"), "N" * 8)


def drawn(positions, values):
    interactions = pd.DataFrame({"positions": positions, "value": values})
    return sequence_figure(TEMPLATE, "ACGTACGT", np.arange(8) / 8, interactions, title="one")


def test_arcs_are_between_the_positions_of_interactions():
    above, below = drawn(["2,5,8", "1,3"], [1.0, -0.5]).axes
    arcs = [patch for patch in above.patches if isinstance(patch, PathPatch)]
    ends = [(arc.get_path().vertices[0, 0], arc.get_path().vertices[-1, 0]) for arc in arcs]
    assert ends == [(2, 5), (5, 8), (1, 3)]
    assert [arc.get_linewidth() for arc in arcs] == pytest.approx([3.5, 3.5, 2.0])
    assert [to_hex(arc.get_edgecolor()).upper() for arc in arcs] == [ORANGE, ORANGE, BLUE]  # as on the page
    (legend,) = above.figure.legends
    told = {
        text.get_text(): line.get_color() for text, line in zip(legend.get_texts(), legend.get_lines(), strict=True)
    }
    assert told == dict(SIGNS) == {"interaction that raises": ORANGE, "interaction that lowers": BLUE}
    assert above.get_title(loc="left") == "one"
    assert below.get_xlim() == pytest.approx((0.4, 8.6))


def test_only_the_strongest_are_drawn_and_none_is_fine():
    above, _ = drawn(["1,2"] * (MAX_ARCS + 5), [1.0] * (MAX_ARCS + 5)).axes
    assert len(above.patches) == MAX_ARCS
    nothing = drawn([], [])
    assert not nothing.axes[0].patches
    assert not nothing.legends
