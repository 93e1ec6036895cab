"""One sequence: its letters with their Shapley values, and its interactions as arcs."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from ..sequences.template import Template
from .logos import draw_letters, limits
from .style import BLUE, ORANGE, style

MAX_ARCS = 20
SIGNS = (("interaction that raises", ORANGE), ("interaction that lowers", BLUE))  # as on the page and in heat maps


@style()
def sequence_figure(
    template: Template,
    sequence: str,
    values: np.ndarray,
    interactions: pd.DataFrame,
    title: str = "",
    unit: str = "Shapley value",
    palette: str = "colorblind",
) -> Figure:
    """Draw one sequence.

    Args:
        template: of the model.
        sequence: n letters.
        values: (n,) its Shapley values, in the model's units.
        interactions: `positions` (1-based, `"3,17"`) and `value` of the strongest, strongest first; at most `MAX_ARCS`
            are drawn, orange where they raise the prediction and blue where they lower it. An interaction of more than
            two positions has an arc between each position and the next.
        title: what was explained.
        unit: the label of the vertical axis.
        palette: of the letters.
    """
    alphabet, n = template.alphabet, template.n
    there = np.array(list(sequence))[:, None] == np.array(list(alphabet.letters))
    heights = pd.DataFrame(
        np.where(there, np.asarray(values)[:, None], 0.0),
        index=pd.RangeIndex(1, n + 1, name="position"),
        columns=list(alphabet.letters),
    )
    figure, (above, axes) = plt.subplots(
        2, 1, figsize=(max(4.5, 0.24 * n + 1), 3.6), sharex=True, height_ratios=(1, 1.6), layout="constrained"
    )
    low, high = limits(heights)
    draw_letters(axes, heights, alphabet, palette, low, high)
    axes.set_xlim(0.4, n + 0.6)
    axes.set_xticks([p for p in range(1, n + 1) if p % 5 == 0 or p == 1])
    axes.set_xlabel("position")
    axes.set_ylabel(unit)
    drawn = interactions.head(MAX_ARCS)
    _draw_arcs(above, drawn, n)
    if len(drawn):
        signs = [Line2D([], [], color=color, linewidth=2, label=label) for label, color in SIGNS]
        figure.legend(handles=signs, loc="outside lower center", ncols=2)
    above.set_title(title)
    return figure


def _draw_arcs(axes: Axes, interactions: pd.DataFrame, n: int) -> None:
    """Half ellipses between the positions of each interaction, as wide as its value is large."""
    largest = interactions["value"].abs().max() or 1.0
    for positions, value in zip(interactions["positions"], interactions["value"], strict=True):
        places = sorted(map(int, positions.split(",")))
        for a, b in pairwise(places):
            middle, height = (a + b) / 2, (b - a) / n + 0.1
            arc = Path([(a, 0), (a, height), (middle, height), (b, height), (b, 0)], [1, 3, 3, 3, 3])
            color = ORANGE if value > 0 else BLUE
            axes.add_patch(
                PathPatch(arc, fill=False, edgecolor=color, linewidth=0.5 + 3 * abs(value) / largest, alpha=0.8)
            )
    axes.set_ylim(0, 1.15)
    axes.set_axis_off()
