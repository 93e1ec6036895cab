"""Bars of orders, maps of interactions between positions, and letter tables as heat maps."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..sequences.alphabet import Alphabet
from .style import BLUE, style

MAX_TABLES = 12  # letter tables in one figure
MAX_COLUMNS = 64  # of a heat map


@style()
def order_bars(variance_by_order: dict[str, float], r2: float, title: str) -> Figure:
    """Draw the model's variance by order: the part R2 that was found as the terms carry it, and the rest."""
    variance_found, explained = sum(variance_by_order.values()), min(max(r2, 0.0), 1.0)
    orders = list(variance_by_order)
    shares = [100 * explained * variance_by_order[k] / variance_found if variance_found > 0 else 0.0 for k in orders]
    figure, axes = plt.subplots(figsize=(3.6, 2.6))
    bars = axes.bar([*orders, "not found"], [*shares, 100 * (1 - explained)], color=[BLUE] * len(orders) + ["#BBBBBB"])
    axes.bar_label(bars, fmt="%.0f %%", fontsize=8, padding=2)
    axes.set_ylim(0, 112)
    axes.set_xlabel("order of the interaction")
    axes.set_ylabel("% of the variance")
    axes.set_title(title)
    return figure


@style()
def interaction_map(n: int, pairs: pd.DataFrame, column: str, title: str, unit: str) -> Figure:
    """Draw how positions interact, pair by pair.

    Args:
        n: the number of positions.
        pairs: `position_1` < `position_2` (1-based) and the column.
        column: what is drawn; colours diverge from zero where it has both signs.
        title: what was explained.
        unit: the label of the colours.
    """
    shown = np.full((n, n), np.nan)
    shown[pairs["position_2"] - 1, pairs["position_1"] - 1] = pairs[column]
    most = float(np.nanmax(np.abs(shown), initial=0.0)) or 1.0
    signed = bool((pairs[column] < 0).any())
    figure, axes = plt.subplots(figsize=(4.4, 3.8))
    image = axes.imshow(
        shown, cmap="PuOr_r" if signed else "viridis", vmin=-most if signed else 0, vmax=most,
        origin="upper", extent=(0.5, n + 0.5, n + 0.5, 0.5),
    )  # fmt: skip
    figure.colorbar(image, ax=axes, label=unit, shrink=0.8)
    axes.locator_params(integer=True)  # a position has no halves
    axes.set_xlabel("position")
    axes.set_ylabel("position")
    axes.set_title(title)
    return figure


@style()
def mutation_map(changes: pd.DataFrame, letter: str, column: str, alphabet: Alphabet, title: str) -> Figure:
    """Draw what every single change does, letters against positions; the letters that are there stay blank.

    Args:
        changes: `position` (1-based), the letter that comes, and the effect.
        letter, column: the names of the latter two.
        alphabet: the letters, from top to bottom.
        title: what is shown.
    """
    table = changes.pivot(index=letter, columns="position", values=column).reindex(list(alphabet.letters))
    positions = range(1, int(changes["position"].max()) + 1)
    shown = table.reindex(columns=positions).to_numpy(np.float64)
    most = float(np.nanmax(np.abs(shown), initial=0.0)) or 1.0
    width = max(4.5, 0.14 * len(positions) + 1.6)
    figure, axes = plt.subplots(figsize=(min(width, 40), 0.17 * alphabet.q + 1.3))
    extent = (0.5, len(positions) + 0.5, alphabet.q - 0.5, -0.5)
    image = axes.imshow(shown, cmap="PuOr_r", vmin=-most, vmax=most, aspect="auto", extent=extent)
    figure.colorbar(image, ax=axes, label="change of the output", pad=0.01)
    axes.set_yticks(range(alphabet.q), list(alphabet.letters))
    axes.set_xlabel("position")
    axes.set_ylabel("letter that comes")
    axes.set_title(title)
    return figure


@style()
def support_maps(
    alphabet: Alphabet, supports: pd.DataFrame, tables: pd.DataFrame, title: str, unit: str
) -> Figure | None:
    """Draw the letter tables of the strongest supports of two and three positions.

    Args:
        alphabet: the letters.
        supports: rows of `supports.tsv`.
        tables: rows of `support_tables.tsv`.
        title: what was explained.
        unit: the label of the colours.

    Returns:
        The figure; None where there is no table to draw.
    """
    panels = []
    by_support = dict(tuple(tables.groupby("support", sort=False)))
    for _, support in supports.iterrows():
        table = by_support.get(support["support"])
        if table is not None and 2 <= support["order"] <= 3:
            rows, columns, values = _shaped(table)
            if len(columns) <= MAX_COLUMNS:
                panels.append((support, rows, columns, values))
    panels = panels[:MAX_TABLES]
    if not panels:
        return None
    across = min(4, len(panels))
    down = -(-len(panels) // across)
    size = 1.9 if alphabet.q <= 6 else 3.0
    figure, grid = plt.subplots(
        down, across, figsize=(size * across + 0.9, size * down + 0.5), squeeze=False, layout="constrained"
    )
    most = max(float(np.abs(values).max()) for *_, values in panels) or 1.0
    for axes in grid.ravel()[len(panels) :]:
        axes.set_axis_off()
    for axes, (support, rows, columns, values) in zip(grid.ravel(), panels, strict=False):
        image = axes.imshow(values, cmap="PuOr_r", vmin=-most, vmax=most, aspect="auto")
        positions = support["positions"].split(",")
        small = 8 if max(len(rows), len(columns)) <= 8 else 5.5
        axes.set_yticks(range(len(rows)), rows, fontsize=small)
        step = 1 if len(columns) <= 20 else 4
        axes.set_xticks(range(0, len(columns), step), columns[::step], fontsize=small, rotation=90 * (step > 1))
        axes.set_ylabel(f"position {positions[0]}", fontsize=8)
        axes.set_xlabel(f"position{'s' * (len(positions) > 2)} {', '.join(positions[1:])}", fontsize=8)
        axes.set_title(f"{100 * support['share']:.1f} % of the variance", fontsize=8)
        axes.spines[["top", "right"]].set_visible(True)
    figure.colorbar(image, ax=grid, label=unit, shrink=0.7)
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    return figure


def _shaped(table: pd.DataFrame) -> tuple[Sequence[str], Sequence[str], np.ndarray]:
    """A letter table with the first position's letters as rows and those of the others as columns."""
    first, rest = table["letters"].str[0], table["letters"].str[1:]
    rows, columns = list(dict.fromkeys(first)), list(dict.fromkeys(rest))
    return rows, columns, table["value"].to_numpy().reshape(len(rows), len(columns))
