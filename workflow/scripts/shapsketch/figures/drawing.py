"""All pictures of one output, one after another."""

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.figure import Figure

from ..fidelity.records import Score
from ..spectrum.spectrum import Spectrum
from .heat_maps import interaction_map, order_bars, support_maps
from .logos import DrawnMotif, contribution_logo, motif_logo

MAX_GROUPS = 12  # groups that have a logo of their own
MAPS = {
    "interactions": ("strength", "interactions under the background", "standard deviation"),
    "interactions_signed": ("mean", "pairwise interactions", "mean interaction (Shapley index)"),
    "interactions_absolute": ("mean_absolute", "pairwise interactions", "mean |interaction| (Shapley index)"),
}
SETS = {"all": "all", "top": "the highest", "bottom": "the lowest"}


def draw_all(
    spectrum: Spectrum, tables: Mapping[str, pd.DataFrame], score: Score, sequence_set: str, palette: str
) -> Iterator[tuple[str, Figure]]:
    """Draw every picture of an output, by name.

    Args:
        spectrum: of the output.
        tables: the output's rows of the tables of motifs.
        score: the output's record in `faithfulness.json`.
        sequence_set: the name of the sequences.
        palette: of the letters.
    """
    template, output = spectrum.template, spectrum.output
    yield from _contributions(spectrum, tables["contributions"], sequence_set, palette)
    if score["r2"] is not None:
        yield "orders", order_bars(score["variance_by_order"], score["r2"], output)
    for name, (column, words, unit) in MAPS.items():
        title = f"{output}: {words}"
        yield name, interaction_map(template.n, tables["position_interactions"], column, title, unit)
    title = f"{output}, {sequence_set}: what letters add together"
    figure = support_maps(template.alphabet, tables["supports"], tables["support_tables"], title, "dividend")
    if figure is not None:
        yield "supports", figure
    frequencies = spectrum.background.probabilities[template.free].mean(0)
    for _, row in tables["motifs"].iterrows():
        if row["kind"] != "position":
            parts = [
                table[table["motif"] == row["motif"]] for table in (tables["motif_matrices"], tables["placements"])
            ]
            motif = DrawnMotif(row, *parts)
            yield row["motif"], motif_logo(template.alphabet, motif, frequencies, "mean Shapley value", palette)


def _contributions(
    spectrum: Spectrum, table: pd.DataFrame, sequence_set: str, palette: str
) -> Iterator[tuple[str, Figure]]:
    groups = 0
    for name, rows in table.groupby("set", sort=False):
        count = int(rows.groupby("position")["count"].sum().max())
        words, file = SETS.get(str(name)), f"contributions_{name}"
        if words is None:
            kind, label = str(name).split(":", 1)
            groups += kind == "group"
            if groups > MAX_GROUPS:
                return
            words = label if kind == "group" else f"cluster {label}"
            file = f"contributions_{kind}_{groups if kind == 'group' else label}"
        title = f"{spectrum.output}, {sequence_set}: {words} ({count:,} sequence{'s' * (count != 1)})"
        file = "contributions" if name == "all" else file
        yield file, contribution_logo(spectrum.template, rows, title, "mean Shapley value", palette)
