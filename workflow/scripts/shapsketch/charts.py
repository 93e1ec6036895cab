"""Pictures of faithfulness: the learning curve, and the model against the spectrum on the hold-out."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .figures import BLUE, RED


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
