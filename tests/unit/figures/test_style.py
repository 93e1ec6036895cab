"""The style of the figures, and that it leaves a notebook's own style alone."""

import matplotlib as mpl
import pandas as pd
import pytest

from shapsketch.figures.charts import holdout_chart
from shapsketch.figures.style import STYLE, save_figure, style


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
