"""Text is text, glyphs fill their square."""

import re

import numpy as np

from shapsketch.report.html import glyphs


def test_glyphs_fill_the_unit_square():
    for letter, d in glyphs("ACGTWI10*").items():
        numbers = np.array(re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", d), float).reshape(-1, 2)
        assert (numbers.min(0) > -0.2).all() and (numbers.max(0) < 1.2).all(), letter
        assert d[0] == "M" and d[-1] == "Z"
