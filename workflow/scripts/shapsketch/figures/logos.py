"""Sequence logos: contributions of letters at positions, and motifs by contribution and by information."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import logomaker
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from ..sequences.alphabet import Alphabet
from ..sequences.template import Template
from .style import BLUE, SHADE, letter_classes, letter_colors, style

POSITIONS_PER_ROW = 60  # positions in a row of a logo
MIN_LETTER_HEIGHT = 0.004  # of the tallest stack: letters lower than that are not drawn
MAX_BARS = 60
FONT = "DejaVu Sans"


@style()
def contribution_logo(
    template: Template, contributions: pd.DataFrame, title: str, unit: str, palette: str = "colorblind"
) -> Figure:
    """Draw the mean contribution of each letter at each position as a signed logo, in rows of 60 positions.

    Args:
        template: fixed positions are shaded and show their letter.
        contributions: of one set of sequences, from `contributions.tsv`.
        title: what was explained.
        unit: the label of the vertical axis.
        palette: of the letters.
    """
    letters = list(template.alphabet.letters)
    heights = contributions.pivot(index="position", columns="letter", values="mean")[letters]
    rows = -(-template.n // POSITIONS_PER_ROW)
    width = min(template.n, POSITIONS_PER_ROW)
    figure, grid = plt.subplots(
        rows, 1, figsize=(max(4.5, 0.24 * width + 1), 2.3 * rows + 0.4), squeeze=False, layout="constrained"
    )
    low, high = limits(heights)
    for k, axes in enumerate(grid[:, 0]):
        part = heights.iloc[k * POSITIONS_PER_ROW : (k + 1) * POSITIONS_PER_ROW]
        draw_letters(axes, part, template.alphabet, palette, low, high)
        first, last = int(part.index[0]), int(part.index[-1])
        axes.set_xlim(first - 0.6, first + width - 0.4)
        axes.set_xticks([p for p in range(first, last + 1) if p % 5 == 0 or p == 1])
        _mark_fixed(axes, template, first, last)
    grid[-1, 0].set_xlabel("position")
    figure.supylabel(unit, fontsize=9)
    grid[0, 0].set_title(title)
    _legend(figure, template.alphabet, palette)
    return figure


def limits(heights: pd.DataFrame) -> tuple[float, float]:
    """The lowest and the highest end of the stacks of letters, with some room; -1 and 1 where all are zero."""
    values = heights.to_numpy()
    low, high = np.minimum(values, 0).sum(1).min(), np.maximum(values, 0).sum(1).max()
    room = 0.06 * (high - low)
    return (low - room, high + room) if high > low else (-1.0, 1.0)


def draw_letters(axes: Axes, heights: pd.DataFrame, alphabet: Alphabet, palette: str, low: float, high: float) -> None:
    """Stack letters of some heights, the positive ones above the line and the others below.

    Args:
        axes: where.
        heights: of each letter (columns) at each position (rows).
        alphabet: of the letters.
        palette: of the config's `motifs.colors`.
        low, high: ends of the axis, in the unit of the heights.
    """
    shown = heights.where(heights.abs() >= MIN_LETTER_HEIGHT * (high - low), 0.0)
    colors = letter_colors(alphabet, palette)
    if shown.to_numpy().any():
        logomaker.Logo(shown, ax=axes, color_scheme=colors, flip_below=False, vpad=0.03, font_name=FONT, zorder=2)
    axes.axhline(0, color="black", linewidth=0.6, zorder=3)
    axes.set_ylim(low, high)


def _mark_fixed(axes: Axes, template: Template, first: int, last: int) -> None:
    low = axes.get_ylim()[0]
    for i in np.flatnonzero(template.sizes == 1).tolist():
        if first <= i + 1 <= last:
            axes.axvspan(i + 0.5, i + 1.5, color=SHADE, zorder=-2, linewidth=0)
            axes.text(i + 1, low, template.pattern[i], ha="center", va="bottom", color="#666666", fontsize=9)


def _legend(figure: Figure, alphabet: Alphabet, palette: str) -> None:
    """Name the colours of amino acids below a figure."""
    classes = letter_classes(alphabet, palette)
    if classes:
        handles = [Patch(color=color, label=label) for label, color in classes]
        figure.legend(handles=handles, loc="outside lower center", ncols=3, columnspacing=1.2, handlelength=1.0)


@dataclass(frozen=True)
class DrawnMotif:
    """What a picture of a motif shows.

    Attributes:
        row: its row of `motifs.tsv`.
        matrix: its rows of `motif_matrices.tsv`.
        placements: its rows of `placements.tsv`; none for seqlets.
    """

    row: pd.Series
    matrix: pd.DataFrame
    placements: pd.DataFrame

    @property
    def relation(self) -> str:
        """How the halves are related, or nothing."""
        return "" if pd.isna(self.row["relation"]) else str(self.row["relation"])

    @property
    def core(self) -> np.ndarray:
        """(L,) bool, the columns that act together."""
        return self.matrix.groupby("column")["core"].max().to_numpy() > 0

    @property
    def split(self) -> int:
        """Columns before the gap that varies; 0 where none does."""
        if "{" not in str(self.row["consensus"]):
            return 0
        return len(re.findall(r"\[.*?\]|.", self.row["consensus"].split("{")[0]))

    @property
    def places(self) -> np.ndarray:
        """(L,) int64, where the columns are drawn: 1.. with room for a gap that varies."""
        places = np.arange(1, len(self.core) + 1)
        places[self.split or len(places) :] += 1
        return places

    @property
    def labels(self) -> list[str]:
        """(L,) the columns' names: positions of the sequence where the motif has one place only."""
        first = self.matrix.drop_duplicates("column")
        if first["position"].notna().all():
            return [str(int(p)) for p in first["position"]]
        return [str(int(c)) for c in first["column"]]

    def heights(self, alphabet: Alphabet, value: str) -> pd.DataFrame:
        """(L, q) a value of the matrix, by place and letter."""
        table = self.matrix.pivot(index="column", columns="letter", values=value)[list(alphabet.letters)]
        return table.set_axis(self.places, axis=0)


@style()
def motif_logo(
    alphabet: Alphabet, motif: DrawnMotif, background: np.ndarray, unit: str, palette: str = "colorblind"
) -> Figure:
    """Draw a motif: mean contributions, information, and where it lies.

    Args:
        alphabet: the letters.
        motif: the motif.
        background: (q,) letter frequencies that information is measured against; 0 of letters that no free position may
            have.
        unit: the label of the contributions' axis.
        palette: of the letters.
    """
    row, spread = motif.row, _spread(motif.placements)
    width = 0.26 * motif.places[-1] + 0.9
    widths = [max(width, 2.2)] * 2 + ([2.4] if spread is not None else [])
    figure, grid = plt.subplots(
        1, len(widths), figsize=(sum(widths) + 0.4, 2.2), width_ratios=widths, squeeze=False, layout="constrained"
    )
    left, right = grid[0, :2]
    contributions = motif.heights(alphabet, "contribution")
    draw_letters(left, contributions, alphabet, palette, *limits(contributions))
    left.set_ylabel(unit)
    information = information_heights(motif.heights(alphabet, "frequency"), background)
    uniform = np.ptp(background) <= 1e-9
    most = float(np.log2(alphabet.q)) if uniform else float(-np.log2(background[background > 0].min()))
    draw_letters(right, information, alphabet, palette, 0, max(most, 1e-9))
    if motif.relation:
        note = f"no letter alone:\nboth halves must be\n{motif.relation}"
        right.text(0.5, 0.5, note, transform=right.transAxes, ha="center", va="center", fontsize=8)
    stated = (
        "uniform" if uniform else " ".join(f"{a} {p:.2f}" for a, p in zip(alphabet.letters, background, strict=True))
    )
    right.set_ylabel("information (bits)")
    right.set_title(f"background: {stated}", fontsize=7, loc="right", color="#555555")
    for axes in (left, right):
        _columns(axes, motif)
    if spread is not None:
        _bars(grid[0, 2], *spread)
    share = "" if pd.isna(row["share"]) else f", {100 * row['share']:.1f} % of the variance"
    text = f"{row['motif']}  {row['consensus']}{' ' * bool(motif.relation)}{motif.relation}   {row['value']:+.3g}"
    text += f" each, {row['instances']:,} in {row['sequences']:,} sequences{share}"
    figure.suptitle(text, x=0.01, ha="left", fontsize=9)
    if motif.places[-1] > 8:
        _legend(figure, alphabet, palette)
    return figure


def information_heights(frequencies: pd.DataFrame, background: np.ndarray) -> pd.DataFrame:
    """Return letter heights in bits: each letter's frequency times the column's relative entropy to the background.

    The entropy is that of Kullback & Leibler, as in Schneider & Stephens (1990) for a uniform background. A letter that
    the background lacks stands only where the template fixes it, which tells nothing: it adds no bits.
    """
    p = frequencies.to_numpy()
    ratios = np.divide(p, background, out=np.ones_like(p), where=(p > 0) & (background > 0))
    terms = p * np.log2(ratios)
    return frequencies * np.maximum(terms.sum(1), 0)[:, None]


def _columns(axes: Axes, motif: DrawnMotif) -> None:
    """Label columns, shade those of letters that act together, and name a gap that varies."""
    places, labels, core = motif.places, motif.labels, motif.core
    for place in places[core]:
        axes.axvspan(place - 0.5, place + 0.5, color=SHADE, zorder=-2, linewidth=0)
    axes.set_xlim(places[0] - 0.6, places[-1] + 0.6)
    shown = _ticks(core, labels)
    axes.set_xticks(places[shown], [labels[k] for k in shown], fontsize=8)
    one = motif.matrix["position"].notna().all()
    axes.set_xlabel("position" if one else "column of the motif")
    if motif.split and not axes.texts:
        middle = (places[motif.split - 1] + places[motif.split]) / 2
        height = sum(axes.get_ylim()) / 2
        text = str(motif.row["spacing"])
        axes.text(middle, height, text, rotation=90, ha="center", va="center", fontsize=7, color="#555555")


def _ticks(core: np.ndarray, labels: Sequence[str]) -> list[int]:
    """The columns that are labelled: those of the core, not too close; of long motifs every fifth."""
    if core.all() or not core.any():
        step = 1 if len(labels) <= 12 else 5
        return [k for k in range(len(labels)) if k == 0 or int(labels[k]) % step == 0]
    wide = max(map(len, labels)) > 1
    shown: list[int] = []
    for k in np.flatnonzero(core).tolist():
        if not shown or not wide or k - shown[-1] > 1:
            shown.append(k)
    return shown


def _spread(placements: pd.DataFrame) -> tuple[str, pd.Series] | None:
    """Mean values by the gap that varies, or by the position of the first letter; None for one place."""
    if len(placements) < 2:
        return None
    varies = placements["gap"].notna().any()
    label = "letters between the halves" if varies else "position of the first letter"
    return label, placements.groupby("gap" if varies else "start")["value"].mean()


def _bars(axes: Axes, label: str, values: pd.Series) -> None:
    axes.bar(values.index.to_numpy(float), values.to_numpy(), width=0.8, color=BLUE)
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set_xlabel(label)
    axes.set_ylabel("value together")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(values.index.min() - 0.7, values.index.max() + 0.7)
