"""What the page draws of each output: curves, logos, motifs, letter tables, hold-out and interaction maps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ..fidelity.r2_words import headline_r2, r2_of, scored_on
from ..fidelity.verdict import instead, no_arcs, no_motif, no_pair
from .analysis import Analysis
from .packing import Pack
from .page_methods import cost_points

MAX_HELD_OUT = 2000  # points of a scatter
MIN_OUTPUTS = 3  # that are set side by side
MAX_CELLS = 400  # of a letter table that is shown whole; of larger ones the strongest are


def pack_outputs(analysis: Analysis) -> Pack:
    """Pack what the page draws of the outputs whatever its sequences: hold-out and interaction maps."""
    pack = Pack()
    for k, output in enumerate(analysis.spectra):
        points = analysis.rows("holdout", output)
        apart = float(np.sqrt(analysis.scores[output]["variance"]))
        for name in ("model", "spectrum") if len(points) else ():
            pack.add_real(f"{k}/holdout_{name}", points[name].to_numpy(np.float64)[:MAX_HELD_OUT], apart)
        pairs = analysis.rows("position_interactions", output)
        for name in ("strength", "mean", "mean_absolute"):
            if name in pairs and len(pairs):
                pack.add_rounded(f"{k}/map_{name}", _triangle(pairs, name, analysis.spectrum.template.n))
    return pack


def _triangle(pairs: pd.DataFrame, name: str, n: int) -> np.ndarray:
    """The values of pairs of positions in the order (2, 1), (3, 1), (3, 2), ..."""
    matrix = np.zeros((n, n))
    matrix[pairs["position_2"] - 1, pairs["position_1"] - 1] = pairs[name]
    return matrix[np.tril_indices(n, -1)]


def output_content(analysis: Analysis, output: str) -> dict[str, Any]:
    """Return what the page's scripts draw of an output, as plain values."""
    score = analysis.scores[output]
    curve = analysis.rows("curve", output)
    return {
        "name": output,
        "r2": score["r2"],
        "variance_by_order": score["variance_by_order"],
        "unit": float(np.sqrt(score["variance"])),
        "words": {
            "scored": scored_on(score),
            "instead": instead(score, bool(analysis.on_queries[output].get("refined"))),
            "spectral": instead(score),
            "motifs": no_motif(score),
            "clusters": cluster_words(analysis.rows("clusters", output)),
            "pairs": no_pair(score),
            "arcs": no_arcs(score),
        },
        "curve": records(curve, ["evaluations", "r2", "r2_low", "r2_high", "estimator"]),
        "comparison": cost_points(records(analysis.rows("comparison", output))),
        "views": contribution_views(analysis, output),
        "motifs": motif_contents(analysis, output),
        "supports": support_contents(analysis, output),
    }


def outputs_map(analysis: Analysis) -> dict[str, Any] | None:
    """Return how much each position moves each output; None of fewer than `MIN_OUTPUTS`.

    Returns:
        `names`; `r2` of each on the hold-out, in words; `values`, for each the (n,) mean magnitudes of the Shapley
        values over all explained sequences.
    """
    if len(analysis.spectra) < MIN_OUTPUTS:
        return None
    table = pq.read_table(analysis.files["aggregates"], filters=[("index", "==", "SV")]).to_pandas()
    table = table[table["group"].isna()].assign(position=lambda rows: rows["positions"].astype(int) - 1)
    grid = table.pivot(index="output", columns="position", values="mean_absolute")
    n = analysis.spectrum.template.n
    grid = grid.reindex(index=list(analysis.spectra), columns=range(n)).fillna(0.0)
    scores = [analysis.scores[name] for name in analysis.spectra]
    return {
        "names": list(analysis.spectra),
        "r2": [headline_r2(*r2_of(score)) for score in scores],
        "values": [_short(row) for row in grid.to_numpy()],
    }


def contribution_views(analysis: Analysis, output: str) -> list[dict[str, Any]]:
    """Return the mean contributions of each set of sequences: `set`, `count` of sequences, `heights` (n, q)."""
    rows = analysis.rows("contributions", output)
    letters = list(analysis.spectrum.template.alphabet.letters)
    views = []
    for name, set_rows in rows.groupby("set", sort=False):
        heights = set_rows.pivot(index="position", columns="letter", values="mean")[letters].fillna(0)
        count = set_rows.groupby("position")["count"].sum().max()
        views.append({"set": name, "count": int(count), "heights": [_short(row) for row in heights.to_numpy()]})
    return views


def cluster_words(rows: pd.DataFrame) -> str:
    """Say how many clusters of sequences there are, and how stable they are; nothing of too few sequences."""
    if rows.empty:
        return ""
    chosen = rows[rows["chosen"] == 1]
    if chosen.empty:
        best = rows.loc[rows["stability"].idxmax()]
        return (
            "The sequences do not fall into clusters by their Shapley values: no number of groups is both stable and "
            f"tells more than positions do one by one (the most stable, {best['clusters']}: {_agreement(best)})."
        )
    row = chosen.iloc[0]
    return (
        f"The sequences fall into {row['clusters']} clusters by their Shapley values: {_agreement(row)}. Each cluster "
        "is a set of its own above."
    )


def _agreement(row: pd.Series) -> str:
    return (
        f"two halves of them agree by an adjusted Rand index of {row['stability']:.2f} and explain "
        f"{row['explained']:.0%} of each other's values, {row['by_position']:.0%} where the values of each position "
        "are dealt out anew"
    )


def motif_contents(analysis: Analysis, output: str) -> list[dict[str, Any]]:
    """Return each motif with its matrices, its placements and its best matches in a database."""
    letters = list(analysis.spectrum.template.alphabet.letters)
    matrices, placements, matches = (analysis.rows(name, output) for name in ("motif_matrices", "placements", "tomtom"))
    motifs = []
    for motif in records(analysis.rows("motifs", output)):
        matrix = matrices[matrices["motif"] == motif["motif"]]
        columns = matrix.drop_duplicates("column").sort_values("column")
        motif["columns"] = [None if pd.isna(p) else int(p) for p in columns["position"]]
        motif["core"] = [bool(c) for c in columns["core"]]
        for name in ("frequency", "contribution"):
            table = matrix.pivot(index="column", columns="letter", values=name).reindex(columns=letters).fillna(0)
            motif[name] = [_short(row) for row in table.to_numpy()]
        motif["gaps"] = _gaps(placements[placements["motif"] == motif["motif"]])
        best = matches[matches["motif"] == motif["motif"]].head(3) if len(matches) else matches
        motif["matches"] = records(best, ["target", "q_value"])
        motifs.append(motif)
    return motifs


def _gaps(placements: pd.DataFrame) -> list[list[float]]:
    """Instances by gap."""
    totals = placements.dropna(subset="gap").groupby("gap")["instances"].sum()
    return [[int(gap), int(count)] for gap, count in totals.items()]


def support_contents(analysis: Analysis, output: str) -> list[dict[str, Any]]:
    """Return the strongest sets of positions with their letters: small tables whole, of others the strongest cells.

    `cell_count` is of the whole table, `cells` are those on the page.
    """
    tables, supports = analysis.rows("support_tables", output), []
    for support in records(analysis.rows("supports", output)):
        cells = tables[tables["support"] == support["support"]]
        support["cell_count"] = len(cells)
        whole = len(cells) <= MAX_CELLS and support["order"] == 2
        if not whole:
            cells = cells.reindex(cells["value"].abs().sort_values(ascending=False, kind="stable").index).head(12)
        support["cells"] = [
            [r.letters, float(f"{r.value:.4g}"), int(r.count)]
            for r in cells[["letters", "value", "count"]].itertuples(index=False, name="Cell")
        ]
        if len(cells):
            supports.append(support)
    return supports


def records(table: pd.DataFrame, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return rows as plain values; a missing one is None."""
    kept = [c for c in (columns or table.columns) if c in table and c != "output"]
    rows = table[kept].astype(object).where(table[kept].notna(), None).to_dict("records")
    return [{str(k): v.item() if isinstance(v, np.generic) else v for k, v in row.items()} for row in rows]


def _short(row: np.ndarray) -> list[float]:
    return [float(f"{v:.4g}") for v in row]
