"""The figure of the recovery benchmark: one line per run, R2 of the model on the left, of Shapley values right."""

from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from shapsketch.figures.style import BLUE, GREEN, ORANGE, PINK, RED
from shapsketch.storage.files import atomic_path

COLOURS = {
    "regression": BLUE,
    "fourier": GREEN,
    "trees": ORANGE,
    "student": PINK,
    "auto": RED,
    "shapzero": "#000000",
}
OTHER = "#999999"
PANELS = {"r2": "R² of the model on the hold-out", "r2_shapley": "R² of Shapley values"}
INCHES_PER_ROW, LEAST = 0.17, -0.05


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw the table as `path`.svg and `path`.png.

    Args:
        table: the columns of `recovery.tsv`; a run that did not finish is marked at the left edge.
        path: without a suffix.
    """
    present = set(table.estimator)
    colours = {
        name: COLOURS.get(name, OTHER) for name in [*COLOURS, *sorted(present - set(COLOURS))] if name in present
    }
    groups = list(table.groupby(["model", "output", "budget"], sort=False))
    height = len(table) + 0.6 * len(groups)
    figure = Figure(figsize=(10, 1.1 + INCHES_PER_ROW * height), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    y, ticks, labels = 0.0, [], []
    for (model, output, budget), rows in groups:
        ticks.append(y + (len(rows) - 1) / 2)
        labels.append(f"{model}, {output}\n{budget:,}" if len(rows) > 1 else f"{model}, {output}, {budget:,}")
        for _, row in rows.iterrows():
            for panel, column in zip(panels, PANELS, strict=True):
                _mark(panel, y, row, column, colours[row.estimator])
            y += 1
        for panel in panels:
            panel.axhline(y - 0.2, color="#dddddd", linewidth=0.6)
        y += 0.6
    for panel, title in zip(panels, PANELS.values(), strict=True):
        panel.set(xlim=(LEAST - 0.02, 1.08), ylim=(y, -1), title=title)
        panel.grid(axis="x", color="#eeeeee")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(ticks, labels, fontsize=7)
    for name, colour in colours.items():
        panels[0].plot([], [], "o", color=colour, markersize=4, label=name)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(colours), fontsize=8)
    _save(figure, path)


def _mark(panel: mpl.axes.Axes, y: float, row: pd.Series, column: str, colour: str) -> None:
    """A dot at the score with a bar from zero; below the axis a triangle, and a word where there is no score."""
    score = row[column]
    if pd.isna(score):
        panel.text(0, y, row.note if pd.isna(row.r2) else "no truth", fontsize=5.5, color=colour, va="center")
        return
    shown = max(score, LEAST)
    panel.hlines(y, 0, shown, color=colour, linewidth=1)
    panel.plot(shown, y, "o" if score > LEAST else "<", color=colour, markersize=4)
    panel.annotate(f"{score:.3f}", (max(shown, 0), y), (5, 0), textcoords="offset points", fontsize=5.5, va="center")


def _save(figure: Figure, path: Path) -> None:
    settings = {"svg.hashsalt": "shapsketch", "svg.fonttype": "none"}
    for suffix, metadata in ((".svg", {"Date": None}), (".png", {"Software": None})):
        with atomic_path(path.with_suffix(suffix)) as temporary, mpl.rc_context(settings):
            figure.savefig(temporary, format=suffix[1:], dpi=150, metadata=metadata)
