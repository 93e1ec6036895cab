"""What all pictures share: fonts, colours of letters, and files that are the same to the byte.

Figures are written as SVG and PNG without dates or random ids: the same values give the same bytes.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from ..sequences.alphabet import Alphabet
from ..storage.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

STYLE: "dict[RcKeyType, Any]" = {
    "svg.hashsalt": "shapsketch",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that it is there everywhere
    "font.size": 9,
    "text.parse_math": False,  # a $ in a name is a $
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.max_open_warning": 0,
}

# Okabe & Ito (2008): told apart with any colour vision
GREEN, BLUE, ORANGE, RED = "#009E73", "#0072B2", "#E69F00", "#D55E00"
PINK, SKY, GREY = "#CC79A7", "#56B4E9", "#4D4D4D"
SHADE = "#E8E8E8"
# Of methods beside the sketch, which is blue: told apart on white and on black.
METHOD_COLORS = (ORANGE, GREEN, RED, PINK, SKY, "#8A8A00", "#8080B0", "#B07040", "#7F7F7F")
_CYCLE = [GREEN, BLUE, ORANGE, RED, PINK, SKY, GREY]

# By palette: of nucleotides, and of classes of amino acids (name, letters, colour). The classic ones follow
# WebLogo (Crooks et al. 2004).
_NUCLEOTIDES = {
    "colorblind": {"A": GREEN, "C": BLUE, "G": ORANGE, "T": RED, "U": RED},
    "classic": {"A": "#109648", "C": "#255C99", "G": "#F7B32B", "T": "#D62839", "U": "#D62839"},
}
_AMINO_ACIDS = {
    "colorblind": [
        ("acidic", "DE", RED),
        ("basic", "KRH", BLUE),
        ("polar", "STNQ", GREEN),
        ("aliphatic", "AVLIM", GREY),
        ("aromatic", "FWY", PINK),
        ("G, P, C", "GPC", ORANGE),
    ],
    "classic": [
        ("acidic", "DE", "#CC0000"),
        ("basic", "KRH", "#0000CC"),
        ("polar", "GSTYC", "#00A000"),
        ("amide", "NQ", "#A000A0"),
        ("hydrophobic", "AVLIPWFM", "#000000"),
    ],
}
PALETTES = tuple(_NUCLEOTIDES)


@contextmanager
def style() -> Iterator[None]:
    """Give the figures of a `with` block, or of a decorated function, the project's style; a notebook's own returns."""
    with mpl.rc_context(STYLE):
        yield


def letter_colors(alphabet: Alphabet, palette: str = "colorblind") -> dict[str, str]:
    """Return a colour for each letter: by base, by amino-acid class, or in turn.

    Args:
        alphabet: the letters.
        palette: `colorblind` or `classic`.
    """
    if alphabet.kind in ("DNA", "RNA"):
        return {a: _NUCLEOTIDES[palette][a] for a in alphabet.letters}
    if alphabet.kind == "protein":
        return {a: color for _, letters, color in _AMINO_ACIDS[palette] for a in letters}
    return {a: _CYCLE[k % len(_CYCLE)] for k, a in enumerate(alphabet.letters)}


def letter_classes(alphabet: Alphabet, palette: str = "colorblind") -> list[tuple[str, str]]:
    """Return (label, colour) for a legend of amino-acid classes; nothing where letters speak for themselves."""
    if alphabet.kind != "protein":
        return []
    return [(name if name == "G, P, C" else f"{name} ({letters})", c) for name, letters, c in _AMINO_ACIDS[palette]]


def method_colors(methods: Iterable[str]) -> dict[str, str]:
    """Return a colour for each of some methods beside the sketch, in their order."""
    return dict(zip(dict.fromkeys(methods), cycle(METHOD_COLORS), strict=False))


@style()
def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as PATH.svg and PATH.png, and close it."""
    for suffix, metadata in (("svg", {"Date": None, "Creator": None}), ("png", {"Software": None})):
        with atomic_path(f"{path}.{suffix}") as temporary:
            figure.savefig(temporary, format=suffix, metadata=metadata, dpi=150, bbox_inches="tight", pad_inches=0.05)
        figure.set_layout_engine("none")  # laid out once
    plt.close(figure)
