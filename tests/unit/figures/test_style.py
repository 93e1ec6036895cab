"""The style of the figures, and that it leaves a notebook's own style alone."""

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from shapsketch.figures.charts import holdout_chart
from shapsketch.figures.style import PALETTES, STYLE, letter_classes, letter_colors, save_figure, style
from shapsketch.sequences.alphabet import Alphabet


def test_the_style_ends_with_its_context():
    before = dict(mpl.rcParams)
    with style():
        assert mpl.rcParams["axes.spines.top"] is False
        assert mpl.rcParams["svg.hashsalt"] == "shapsketch"
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("size", [9, 23])
def test_a_notebook_keeps_its_style_and_its_style_does_not_change_a_figure(tmp_path, size):
    points = pd.DataFrame({"model": [1.0, 2.0, 3.0], "spectrum": [1.0, 2.1, 2.9]})
    with mpl.rc_context({"font.size": size, "axes.spines.top": True, "legend.frameon": True}):
        before = dict(mpl.rcParams)
        save_figure(holdout_chart(points, "a $ in a name"), tmp_path / "notebook")
        assert dict(mpl.rcParams) == before
    save_figure(holdout_chart(points, "a $ in a name"), tmp_path / "plain")
    assert (tmp_path / "notebook.svg").read_bytes() == (tmp_path / "plain.svg").read_bytes()
    assert set(STYLE) <= set(mpl.rcParams)


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("letters", ["DNA", "RNA", "protein", "XYZ"])
def test_every_letter_has_a_colour_and_amino_acids_a_legend(letters, palette):
    alphabet = Alphabet.from_config(letters)
    colors = letter_colors(alphabet, palette)
    assert set(colors) == set(alphabet.letters)
    if letters in ("DNA", "RNA"):
        assert len({to_hex(c) for c in colors.values()}) == 4
    classes = letter_classes(alphabet, palette)
    assert bool(classes) == (letters == "protein")
    assert {color for _, color in classes} == (set(colors.values()) if classes else set())
