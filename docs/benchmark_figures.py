"""The figures of the page of benchmarks, from `tests/benchmarks/results`.

`make docs` draws them anew, into docs/benchmarks/; so does `python docs/benchmark_figures.py`.
"""

import re
import sys
from collections.abc import Sequence
from itertools import accumulate, cycle
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from shapsketch.figures.style import BLUE, GREEN, ORANGE, PINK, RED, method_colors
from shapsketch.settings.methods import METHODS, OURS
from shapsketch.storage.files import atomic_path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from benchmarks import tables  # noqa: E402
from benchmarks.long_tables import MASK_METHODS  # noqa: E402
from benchmarks.result_files import FOLDER as RESULTS  # noqa: E402
from benchmarks.result_files import read_results  # noqa: E402
from benchmarks.tables import NAMES, in_order  # noqa: E402

FOLDER = ROOT / "docs/benchmarks"
BLACK, GREY = "#000000", "#888888"
SHARED = 200  # sequences that pay together
BOUNDS = (-0.1, 0.99999)  # R2 beyond them is drawn at them
LOWEST = -0.15  # R2 of games below it is drawn at it
SHARE = 0.3  # of near queries, where a line has some
NEAR = f"{METHODS[OURS]}, {SHARE} near"
NUMBER = re.compile(r"[-\u2212]?\d[\d,]*\.?\d*(?:e-\d+)?")


def points(axes: Axes, values: Sequence[float | None], label: str, colour: str, marker: str = "o") -> None:
    """Draw a mark for each row that has a value, the first row on top; ours, which are dots, above others."""
    there = [(value, row) for row, value in enumerate(values) if value is not None]
    size, above = (5, 3) if marker == "o" else (8, 2)
    axes.plot(
        [v for v, _ in there], [r for _, r in there], marker, color=colour, label=label, markersize=size, zorder=above
    )


def framed(rows: int, panels: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many rows in each panel."""
    figure = Figure(figsize=(8, 1.3 + 0.34 * rows), layout="constrained")
    axes = figure.subplots(1, panels, sharey=True, sharex=True, squeeze=False)[0].tolist()
    for panel in axes:
        panel.grid(color="#e5e5e5")
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_ylim(rows - 0.5, -0.5)
    return figure, axes


def finish(figure: Figure, axes: Sequence[Axes], names: Sequence[str], columns: int) -> Figure:
    """Name the rows, and add a legend."""
    axes[0].set_yticks(range(len(names)), names, fontsize=8)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=columns, fontsize=8)
    return figure


def methods() -> Figure:
    """Error of the Shapley values at equal evaluations, beside other methods."""
    runs = read_results(RESULTS / "methods.tsv").dropna(subset=["error"])
    rows = []
    for model in in_order(runs.loc[runs["method"] == OURS, "model"]):
        for count, ones in runs[runs["model"] == model].groupby("evaluations"):
            errors = ones.set_index("method")["error"]
            best = errors.drop([OURS, "kernel_shap"], errors="ignore").min()
            if OURS in errors:
                title = NAMES[model].split(" (")[0].split(", ")[0]
                rows.append((f"{title}, {count} of each", errors[OURS], errors.get("kernel_shap"), best))
    figure, (axes,) = framed(len(rows))
    points(axes, [row[1] for row in rows], "the sketch", BLUE)
    points(axes, [row[2] for row in rows], "KernelSHAP", BLACK, "s")
    points(axes, [row[3] for row in rows], "the best of the others", ORANGE, "D")
    axes.set_xscale("log")
    axes.set_xlabel("mean squared error of the Shapley values over their variance")
    return finish(figure, [axes], [row[0] for row in rows], 3)


def _curves(model: str) -> dict[str, pd.DataFrame]:
    """R2 of a model by series: evaluations in all, `x`, and `r2` of the Shapley values, or of a table's own values.

    Of several outputs the lowest counts. The sketch without near queries has what the comparison of methods has
    measured, and where there is none of the model, what the recovery benchmark has.
    """
    runs = read_results(RESULTS / "methods.tsv").dropna(subset=["r2"])
    runs = runs[(runs["model"] == model) & (runs["spread"] == SHARED)]
    runs = runs.assign(x=runs["amortised"] * runs["spread"], series=runs["method"].map(METHODS))
    sketched = read_results(RESULTS / "recovery.tsv")
    sketched = sketched[(sketched["model"] == model) & sketched["estimator"].isin(["auto", "shapzero"])]
    sketched = sketched[sketched["near"].isin([SHARE] if OURS in set(runs["method"]) else [0, SHARE])]
    score = "r2" if sketched["r2_shapley"].isna().all() else "r2_shapley"
    runs_of = ["estimator", "near", "evaluations"]
    lowest = sketched.dropna(subset=[score]).groupby(runs_of)[score].min().rename("r2").reset_index()
    near = (lowest["near"] > 0) & (lowest["estimator"] == "auto")
    names = lowest["estimator"].replace({"auto": OURS}).map(METHODS).mask(near, NEAR)
    both = pd.concat([runs[["series", "x", "r2"]], lowest.assign(x=lowest["evaluations"], series=names)])
    return {str(name): rows.sort_values("x") for name, rows in both.groupby("series")}


def _stretched(scores: pd.Series) -> pd.Series:
    """Give 0.9, 0.99, 0.999, ... equal distances."""
    return -np.log10(1 - scores.clip(*BOUNDS))


def r2_against_evaluations() -> Figure:
    """R2 of the Shapley values against evaluations in all, every method on every reference model."""
    curves = {model: _curves(model) for model in NAMES}
    curves = {model: lines for model, lines in curves.items() if METHODS[OURS] in lines or NEAR in lines}
    high = -(-len(curves) // 3)
    figure = Figure(figsize=(9, 1.0 + 2.2 * high), layout="constrained")
    grid = figure.subplots(high, 3, sharex=True, sharey=True, squeeze=False).ravel()
    drawn = [name for name in (*METHODS.values(), NEAR) if any(name in lines for lines in curves.values())]
    peers = method_colors([name for name in drawn if name not in (METHODS[OURS], NEAR)])
    looks = {name: {"color": c, "marker": m} for (name, c), m in zip(peers.items(), cycle("osD^vPX"), strict=False)}
    ours = {"color": BLUE, "marker": "*", "markersize": 10, "zorder": 3}
    looks |= {METHODS[OURS]: ours, NEAR: ours | {"markerfacecolor": "white", "linestyle": ":"}}
    for axes, (model, lines) in zip(grid, curves.items(), strict=False):
        for name, rows in lines.items():
            axes.plot(
                rows["x"], _stretched(rows["r2"]), **{"linewidth": 1, "markersize": 4.5, **looks[name]}, label=name
            )
        axes.set_title(NAMES[model].split(" (")[0].split(",")[0].removeprefix("network of a "), fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(color="#e5e5e5")
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[len(curves) :]:
        axes.remove()
    marks = pd.Series([0, 0.9, 0.99, 0.999, 0.9999])
    grid[0].set_yticks(_stretched(marks), [f"{mark:g}" for mark in marks])
    grid[0].set(xscale="log")
    grid[0].xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    grid[0].xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    grid[0].xaxis.set_minor_formatter(NullFormatter())
    figure.supxlabel(f"evaluations in all, for {SHARED} sequences", fontsize=9)
    figure.supylabel("R² of the Shapley values (below 0: drawn at the bottom)", fontsize=9)
    shown = {label: line for axes in figure.axes for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend([shown[name] for name in drawn], drawn, loc="outside right upper", fontsize=7)
    return figure


def recovery() -> Figure:
    """R2 of the model, on the explained sequences and of their Shapley values; of several outputs the lowest."""
    rows = tables.recovery(read_results(RESULTS / "recovery.tsv"))[1:]
    names = list(accumulate((row[0] for row in rows), lambda above, name: name or above))
    figure, panels = framed(len(rows), 3)
    titles = ("R² of the model", "on the sequences", "of Shapley values")
    for column, (axes, title) in enumerate(zip(panels, titles, strict=True), 3):
        for near, colour in ((False, BLUE), (True, GREEN)):
            values = [_lowest(row[column]) if (row[2] != "0") == near else None for row in rows]
            points(axes, values, "with near queries" if near else "without", colour)
        axes.set_xlabel(title)
    lowest = min(x for axes in panels for line in axes.get_lines() for x in line.get_xdata())
    panels[0].set_xlim(min(0.9, lowest) - 0.01, 1.012)
    return finish(
        figure,
        panels,
        [
            f"{name.split(' (')[0]}, {row[1]}{'' if row[2] in ('0', str(SHARE)) else f', {row[2]} near'}"
            for name, row in zip(names, rows, strict=True)
        ],
        2,
    )


def _lowest(text: str) -> float | None:
    """The lowest of the scores of a cell; 1 where it is exact or differs from that by rounding."""
    if text == "exact" or text.startswith("1 - "):
        return 1.0
    return min((float(found) for found in NUMBER.findall(text)), default=None)


def refinement() -> Figure:
    """Errors of refined values, and of KernelSHAP with as many evaluations."""
    runs = read_results(RESULTS / "refinement.tsv").sort_values(["model", "evaluations"])
    figure, (axes,) = framed(len(runs))
    points(axes, runs["error_refined"].tolist(), "refined", GREEN)
    points(axes, runs["error_sketch"].tolist(), "the sketch alone", BLUE)
    points(axes, runs["error_kernelshap"].tolist(), "KernelSHAP", BLACK, "s")
    axes.set_xscale("log")
    axes.set_xlabel("root mean square error over the spread of the true values")
    rows = zip(runs["model"], runs["evaluations"], strict=True)
    return finish(figure, [axes], [f"{NAMES[name].split(' (')[0]}, {count:,} of each" for name, count in rows], 3)


def masks() -> Figure:
    """R2 of games of many players, beside SPEX and ProxySPEX."""
    runs = read_results(RESULTS / "masks.tsv").pivot(index=["case", "players"], columns="method", values="r2")
    figure, (axes,) = framed(len(runs))
    looks = ((BLUE, "o"), (RED, "v"), (GREEN, "^"), (ORANGE, "s"), (PINK, "D"))
    for (method, label), (colour, marker) in zip(MASK_METHODS.items(), looks, strict=True):
        points(axes, runs[method].clip(lower=LOWEST).tolist(), label.strip("`"), colour, marker)
    axes.set(xlim=(LOWEST - 0.05, 1.05), xlabel=f"R² of the game on fresh masks (what is lower is drawn at {LOWEST})")
    return finish(figure, [axes], [f"{case}, {players:,} players" for case, players in runs.index], len(MASK_METHODS))


FIGURES = {
    "r2": r2_against_evaluations, "methods": methods, "recovery": recovery, "refinement": refinement, "masks": masks
}  # fmt: skip


def draw_all(folder: Path = FOLDER) -> None:
    """Draw every figure as SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in FIGURES.items():
        with atomic_path(folder / f"{name}.svg") as temporary, mpl.rc_context({"svg.hashsalt": "shapsketch"}):
            draw().savefig(temporary, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    draw_all()
