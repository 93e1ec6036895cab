"""Pictures of faithfulness: the learning curve, the hold-out, and what other methods reach at what cost."""

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..settings.methods import METHODS, OURS
from .style import BLUE, RED, method_colors, style

MIN_ERROR = 1e-4  # of 1 - R2; what is below is drawn here
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


@style()
def learning_curve_chart(curve: pd.DataFrame, title: str) -> Figure:
    """Draw R2 on the hold-out against evaluations, with its 95 % interval.

    Args:
        curve: the rows of `learning_curve.tsv` of one output.
        title: what was sketched.
    """
    figure, axes = plt.subplots(figsize=(3.8, 2.8))
    evaluations = curve["evaluations"].to_numpy()
    axes.fill_between(evaluations, curve["r2_low"], curve["r2_high"], color=BLUE, alpha=0.18, linewidth=0)
    axes.plot(evaluations, curve["r2"], color=BLUE, marker="o")
    axes.set_xscale("log")
    axes.set_xticks(evaluations, [f"{e:,}" for e in evaluations], rotation=30, ha="right")
    axes.minorticks_off()
    axes.set_xlabel("evaluations of the model")
    axes.set_ylabel("R² on the hold-out")
    axes.set_title(title)
    return figure


@style()
def holdout_chart(points: pd.DataFrame, title: str) -> Figure:
    """Draw the model against the spectrum on the hold-out.

    Args:
        points: the rows of `holdout.tsv` of one output.
        title: what was sketched.
    """
    figure, axes = plt.subplots(figsize=(3.2, 3.2))
    ends = np.array([points[["model", "spectrum"]].min().min(), points[["model", "spectrum"]].max().max()])
    axes.plot(ends, ends, color=RED, linestyle="--", linewidth=1, zorder=0)
    axes.scatter(points["spectrum"], points["model"], s=6, color=BLUE, alpha=0.35, linewidths=0, rasterized=True)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel("spectrum")
    axes.set_ylabel("model")
    axes.set_title(title)
    return figure


@style()
def cost_chart(rows: pd.DataFrame, title: str) -> Figure:
    """Draw 1 - R2 of the Shapley values against evaluations per sequence, both logarithmic.

    Args:
        rows: the rows of `comparison.tsv` of one output.
        title: what was explained.
    """
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    shown = rows[rows["r2"].notna()]
    colors = method_colors(name for name in shown["method"] if not name.startswith(OURS))
    markers = cycle(MARKERS)
    for name, points in shown.groupby("method", sort=False):
        color = colors.get(str(name), BLUE)
        marker = next(markers) if name in colors else "*" if name == OURS else "o"
        points = points.sort_values("amortised")
        error = np.maximum(1 - points["r2"], MIN_ERROR)
        spread = np.maximum(np.stack([error - (1 - points["r2_high"]), (1 - points["r2_low"]) - error]), 0)
        axes.errorbar(
            np.maximum(points["amortised"], 1), error, yerr=spread, color=color, marker=marker, capsize=2,
            markersize=11 if name == OURS else 5, linewidth=1, label=METHODS.get(str(name), str(name)),
        )  # fmt: skip
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="evaluations of the model per sequence, one-off costs shared",
        ylabel="1 - R² of the Shapley values",
        title=title,
    )
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8)
    return figure


@style()
def total_cost_chart(rows: pd.DataFrame, title: str, most: int = 100_000) -> Figure:
    """Draw all evaluations against the number of sequences explained, both logarithmic (Tsui et al. 2024, Fig. 1).

    Args:
        rows: the rows of `comparison.tsv` of one output; of each method, the one of the most evaluations is drawn.
        title: what was explained.
        most: sequences at the right end.
    """
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    shown = rows[rows["r2"].notna()]
    shown = shown.loc[shown.groupby("method", sort=False)["evaluations"].idxmax()]
    colors = method_colors(name for name in shown["method"] if not name.startswith(OURS))
    sequences = np.geomspace(1, most, 200)
    for row in shown.to_dict("records"):
        name = str(row["method"])
        axes.plot(
            sequences,
            np.maximum(row["once"] + row["each"] * sequences, 1),
            color=colors.get(name, BLUE),
            linewidth=2.5 if name == OURS else 1,
            linestyle="--" if name.startswith(OURS) and name != OURS else "-",
            label=f"{METHODS.get(name, name)} (R² {row['r2']:.2f})",
        )
    axes.set(
        xscale="log", yscale="log", xlabel="sequences explained", ylabel="evaluations of the model in all", title=title
    )
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8)
    return figure
