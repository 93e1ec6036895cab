"""Pictures: contribution logos, motif logos, variance by order, interaction maps.

Figures are written as SVG (and PNG) without dates or random ids: the same values give the same bytes.
"""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import logomaker
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .alphabet import Alphabet
from .files import atomic_path
from .template import Template

mpl.rcParams.update(
    {
        "svg.hashsalt": "shapsketch",
        "svg.fonttype": "path",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8,
    }
)

# Okabe & Ito (2008): told apart with any colour vision
_GREEN, _BLUE, _ORANGE, _RED = "#009E73", "#0072B2", "#E69F00", "#D55E00"
_PINK, _SKY, _GREY = "#CC79A7", "#56B4E9", "#4D4D4D"
_NUCLEOTIDES = {"A": _GREEN, "C": _BLUE, "G": _ORANGE, "T": _RED, "U": _RED}
_PROTEIN_CLASSES = {
    "DE": _RED,  # acidic
    "KRH": _BLUE,  # basic
    "STNQ": _GREEN,  # polar
    "AVLIM": _GREY,  # aliphatic
    "FWY": _PINK,  # aromatic
    "GPC": _ORANGE,  # special
}
_CYCLE = [_GREEN, _BLUE, _ORANGE, _RED, _PINK, _SKY, _GREY]
SHADE = "#EDEDED"


def letter_colors(alphabet: Alphabet) -> dict[str, str]:
    """Return a colour for each letter: by base, by amino-acid class, or in turn."""
    if alphabet.kind in ("DNA", "RNA"):
        return {a: _NUCLEOTIDES[a] for a in alphabet.letters}
    if alphabet.kind == "protein":
        return {a: color for letters, color in _PROTEIN_CLASSES.items() for a in letters}
    return {a: _CYCLE[k % len(_CYCLE)] for k, a in enumerate(alphabet.letters)}


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as PATH.svg and PATH.png, and close it."""
    for suffix, metadata in (("svg", {"Date": None, "Creator": None}), ("png", {"Software": None})):
        with atomic_path(f"{path}.{suffix}") as temporary:
            figure.savefig(temporary, format=suffix, metadata=metadata, dpi=150, bbox_inches="tight")
    plt.close(figure)


def contribution_logo(template: Template, contributions: pd.DataFrame, title: str, unit: str) -> Figure:
    """Draw the mean contribution of each letter at each position as a signed logo.

    Args:
        template: fixed positions are shaded and show their letter.
        contributions: from `letter_contributions`.
        title: what was explained.
        unit: the label of the vertical axis.
    """
    heights = contributions.pivot(index="position", columns="letter", values="mean")
    heights = heights[list(template.alphabet.letters)]
    figure, axes = plt.subplots(figsize=(max(4.5, 0.3 * template.n + 1), 2.8))
    _draw_letters(heights, template.alphabet, axes)
    _mark_fixed(template, axes)
    axes.set_xlim(0.4, template.n + 0.6)
    axes.set_xticks([1, *range(5, template.n + 1, 5)])
    axes.set_xlabel("position")
    axes.set_ylabel(unit)
    axes.set_title(title, loc="left", fontsize=10)
    return figure


def motif_logo(template: Template, motif: pd.Series, matrix: pd.DataFrame) -> Figure:
    """Draw a motif's mean contributions over its instances; interacting positions are shaded.

    Args:
        template: gives the letters.
        motif: a row of the table of motifs.
        matrix: the motif's rows of the table of motif matrices.
    """
    heights = matrix.pivot(index="position", columns="letter", values="contribution")
    heights = heights[list(template.alphabet.letters)]
    figure, axes = plt.subplots(figsize=(max(2.6, 0.3 * len(heights) + 1.4), 2.0))
    interacting = [int(i) for i in motif["positions"].split(",")]
    for position in interacting:
        axes.axvspan(position - 0.5, position + 0.5, color=SHADE, zorder=-2, linewidth=0)
    _draw_letters(heights, template.alphabet, axes)
    axes.set_xlim(heights.index[0] - 0.6, heights.index[-1] + 0.6)
    axes.set_xticks(interacting)
    axes.set_xlabel("position")
    axes.set_ylabel("Shapley value")
    axes.set_title(f"{motif['motif']}  {motif['consensus']}", loc="left", fontsize=9)
    return figure


def order_bars(variance_by_order: dict[str, float], r2: float, title: str) -> Figure:
    """Draw the model's variance by order: the part R2 that was found as the terms carry it, and the rest."""
    found, explained = sum(variance_by_order.values()), max(r2, 0.0)
    orders = list(variance_by_order)
    shares = [100 * explained * variance_by_order[k] / found if found > 0 else 0.0 for k in orders]
    figure, axes = plt.subplots(figsize=(3.6, 2.6))
    bars = axes.bar([*orders, "not found"], [*shares, 100 * (1 - explained)], color=[_BLUE] * len(orders) + ["#BBBBBB"])
    axes.bar_label(bars, fmt="%.0f %%", fontsize=8, padding=2)
    axes.set_ylim(0, 112)
    axes.set_xlabel("order of the interaction")
    axes.set_ylabel("% of the variance")
    axes.set_title(title, loc="left", fontsize=10)
    return figure


def interaction_heatmap(n: int, pairs: pd.DataFrame, title: str, unit: str) -> Figure:
    """Draw how strongly positions interact, pair by pair.

    Args:
        n: the number of positions.
        pairs: `position_1` < `position_2` (1-based) and `strength`.
        title: what was explained.
        unit: the label of the colours.
    """
    shown = np.full((n, n), np.nan)
    shown[pairs["position_2"] - 1, pairs["position_1"] - 1] = pairs["strength"]
    figure, axes = plt.subplots(figsize=(4.4, 3.8))
    image = axes.imshow(shown, cmap="viridis", vmin=0, origin="upper", extent=(0.5, n + 0.5, n + 0.5, 0.5))
    figure.colorbar(image, ax=axes, label=unit, shrink=0.8)
    axes.set_xlabel("position")
    axes.set_ylabel("position")
    axes.set_title(title, loc="left", fontsize=10)
    return figure


def _draw_letters(heights: pd.DataFrame, alphabet: Alphabet, axes: plt.Axes) -> None:
    logomaker.Logo(
        heights, ax=axes, color_scheme=letter_colors(alphabet), flip_below=False, vpad=0.02, font_name="DejaVu Sans"
    )
    axes.axhline(0, color="black", linewidth=0.6)
    if not heights.to_numpy().any():
        axes.set_ylim(-1, 1)


def _mark_fixed(template: Template, axes: plt.Axes) -> None:
    low = axes.get_ylim()[0]
    for i in np.flatnonzero(template.sizes == 1).tolist():
        axes.axvspan(i + 0.5, i + 1.5, color=SHADE, zorder=-2, linewidth=0)
        axes.text(i + 1, low, template.pattern[i], ha="center", va="bottom", color="#777777", fontsize=9)
