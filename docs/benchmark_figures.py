"""The figures of the page of benchmarks, from the tables of results in README and tests/benchmarks/README.

`make docs` draws them anew, into docs/benchmarks/; so does `python docs/benchmark_figures.py`.
"""

import re
import sys
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shapsketch.comparison.registry import METHODS, OURS
from shapsketch.figures.style import BLUE, GREEN, ORANGE, PINK, method_colors
from shapsketch.storage.files import atomic_path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from benchmarks.result_files import FOLDER as RESULTS  # noqa: E402
from benchmarks.result_files import read_results  # noqa: E402
from benchmarks.tables import NAMES  # noqa: E402

README, RUNS = ROOT / "README.md", ROOT / "tests/benchmarks/README.md"
FOLDER = ROOT / "docs/benchmarks"
BLACK, GREY = "#000000", "#888888"
NUMBER = re.compile(r"[-\u2212]?\d[\d,]*\.?\d*(?:e-\d+)?")


def table(path: Path, *header: str) -> list[list[str]]:
    """Return the rows of the table whose header begins with these cells; an empty first cell is the one above.

    Raises:
        LookupError: there is no such table.
    """
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in path.read_text().splitlines()]
    for number, cells in enumerate(lines):
        if cells[: len(header)] == list(header):
            rows: list[list[str]] = []
            for row in lines[number + 2 :]:
                if not row:
                    return rows
                rows.append([row[0] or rows[-1][0], *row[1:]])
    raise LookupError(f"{path} has no table that begins with {', '.join(header)}")


def number(text: str, place: int = 0) -> float | None:
    """Return a number of a cell; None where it has fewer."""
    found = NUMBER.findall(text)
    return float(found[place].replace(",", "").replace("\u2212", "-")) if len(found) > place else None


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
    rows = table(README, "model", "evaluations per sequence")
    figure, (axes,) = framed(len(rows))
    points(axes, [number(row[2]) for row in rows], "the sketch", BLUE)
    points(axes, [None if "needs" in row[3] else number(row[3]) for row in rows], "KernelSHAP", BLACK, "s")
    points(axes, [number(row[4]) for row in rows], "the best of the others", ORANGE, "D")
    axes.set_xscale("log")
    axes.set_xlabel("mean squared error of the Shapley values over their variance")
    return finish(figure, [axes], [f"{row[0]}, {row[1]}" for row in rows], 3)


def accuracy() -> Figure:
    """R2 of the Shapley values against evaluations of each sequence, every method on every reference model."""
    rows = read_results(RESULTS / "methods.tsv").dropna(subset=["error"])
    models = [name for name in NAMES if name in set(rows.loc[rows["method"] == OURS, "model"])]
    wide = min(len(models), 2)
    figure = Figure(figsize=(8.5, 1.0 + 2.6 * -(-len(models) // wide)), layout="constrained")
    grid = figure.subplots(-(-len(models) // wide), wide, sharey=True, squeeze=False).ravel()
    peers = [name for name in METHODS if name in set(rows["method"]) - {OURS}]
    colours, markers = method_colors(peers), dict(zip(peers, cycle("osD^vP"), strict=False))
    for axes, model in zip(grid, models, strict=False):
        for name, points in rows[rows["model"] == model].groupby("method", sort=False):
            ours = name == OURS
            points = points.sort_values("amortised")
            axes.plot(
                points["amortised"], points["error"].clip(1e-6, 100), marker=markers.get(str(name), "*"), linewidth=1,
                markersize=11 if ours else 5, color=colours.get(name, BLUE), zorder=3 if ours else 2,
                label=METHODS[str(name)],
            )  # fmt: skip
        axes.set(xscale="log", yscale="log", xlim=(30, 600), title=NAMES[model].split(" (")[0])
        axes.title.set_fontsize(9)
        axes.minorticks_off()
        axes.set_xticks([32, 64, 128, 256, 512], ["32", "64", "128", "256", "512"])
        axes.grid(color="#e5e5e5")
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[len(models) :]:
        axes.remove()
    figure.supxlabel("evaluations of each sequence, one-off costs shared", fontsize=9)
    figure.supylabel("error over variance (above 100: drawn there)", fontsize=9)
    handles = {
        label: line for axes in figure.axes for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles, loc="outside right upper", fontsize=7)
    return figure


def recovery() -> Figure:
    """R2 of the model, on the explained sequences and of their Shapley values; of several outputs the lowest."""
    rows = table(README, "model", "evaluations", "near")
    figure, panels = framed(len(rows), 3)
    titles = ("R² of the model", "on the sequences", "of Shapley values")
    for column, (axes, title) in enumerate(zip(panels, titles, strict=True), 3):
        for near, colour in ((False, BLUE), (True, GREEN)):
            values = [_lowest(row[column]) if (row[2] != "0") == near else None for row in rows]
            points(axes, values, "with near queries" if near else "without", colour)
        axes.set_xlabel(title)
    lowest = min(x for axes in panels for line in axes.get_lines() for x in line.get_xdata())
    panels[0].set_xlim(min(0.9, lowest) - 0.01, 1.005)
    return finish(figure, panels, [f"{row[0].split(' (')[0]}, {row[1]}" for row in rows], 2)


def _lowest(text: str) -> float | None:
    """The lowest of the scores of a cell; 1 where it is exact or differs from that by rounding."""
    if text == "exact" or text.startswith("1 - "):
        return 1.0
    return min((float(found) for found in NUMBER.findall(text)), default=None)


def refinement() -> Figure:
    """Errors of refined values, and of KernelSHAP with as many evaluations."""
    rows = table(README, "sketch of 10,000 evaluations", "K")
    figure, (axes,) = framed(len(rows))
    for column, (label, colour, marker) in enumerate(
        (("refined", GREEN, "o"), ("the sketch alone", BLUE, "o"), ("KernelSHAP", BLACK, "s")), 3
    ):
        points(axes, [number(row[column]) for row in rows], label, colour, marker)
    axes.set_xscale("log")
    axes.set_xlabel("root mean square error over the spread of the true values")
    return finish(figure, [axes], [f"{row[0]}, {row[1]} per sequence" for row in rows], 3)


def masks() -> Figure:
    """R2 of games of many players, beside SPEX and ProxySPEX."""
    rows = table(RUNS, "game", "players", "budget")
    figure, (axes,) = framed(len(rows))
    for column, (label, colour, marker) in enumerate(
        (("auto", BLUE, "o"), ("regression", GREEN, "^"), ("SPEX", ORANGE, "s"), ("ProxySPEX", PINK, "D")), 3
    ):
        values = [number(row[column]) for row in rows]
        points(axes, [None if value is None else max(value, -0.15) for value in values], label, colour, marker)
    axes.set(xlim=(-0.2, 1.05), xlabel="R² of the game on fresh masks (what lies below -0.15 is drawn there)")
    return finish(figure, [axes], [f"{row[0]}, {row[1]} players, {row[2]}" for row in rows], 4)


FIGURES = {"methods": methods, "accuracy": accuracy, "recovery": recovery, "refinement": refinement, "masks": masks}


def draw_all(folder: Path = FOLDER) -> None:
    """Draw every figure as SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in FIGURES.items():
        with atomic_path(folder / f"{name}.svg") as temporary, mpl.rc_context({"svg.hashsalt": "shapsketch"}):
            draw().savefig(temporary, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    draw_all()
