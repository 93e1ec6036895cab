"""The comparison page: several models, sets of sequences or groups side by side.

A *member* is what is compared: one output of one analysis, over all its sequences or over one group of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ..fidelity.r2_words import headline_r2, interval_r2, percent, r2_of
from ..fidelity.records import Score, SequencesScore
from ..fidelity.verdict import instead, no_motif
from ..figures.style import letter_colors
from .analysis import Analysis, lower_within, strongest_motifs, undefined
from .html import glyphs, render
from .page_outputs import contribution_views

MAX_MEMBERS = 40  # in maps; more would be too small to read


def build_comparison(
    analyses: Sequence[Analysis],
    sources: Mapping[str, Any],
    palette: str = "colorblind",
    variants: Sequence[Sequence[str]] = (),
    conditions: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Return the page as HTML.

    Args:
        analyses: at least one; their files hold also `aggregates`.
        sources: paths of the page's own parts: `template`, `style`, and `scripts`.
        palette: of the letters.
        variants: the model and the name of each set of variants, which have pages of their own.
        conditions: outputs on the same sequences, see `condition_contents`.
    """
    members = [member for a in analyses for output in a.spectra for member in members_of(a, output)]
    letters = "".join(dict.fromkeys("".join(a.spectrum.template.alphabet.letters for a in analyses)))
    colors: dict[str, str] = {}
    for analysis in analyses:
        colors = letter_colors(analysis.spectrum.template.alphabet, palette) | colors
    families = comparable(members)
    content = {
        "alphabet": {"letters": letters, "colors": colors, "glyphs": glyphs(letters)},
        "families": [family_content(family[:MAX_MEMBERS]) for family in families],
        "conditions": conditions,
    }
    left_out = sum(max(len(family) - MAX_MEMBERS, 0) for family in families)
    return render(sources, content, rows=summary_rows(analyses), left_out=left_out, variants=variants)


def summary_rows(analyses: Sequence[Analysis]) -> list[dict[str, Any]]:
    """Return one row per analysis and output: scores, counts, the strongest motifs, and where its page lies."""
    rows = []
    for analysis in analyses:
        for output, score in analysis.scores.items():
            on_queries = analysis.on_queries[output]
            rows.append(
                {
                    "model": analysis.model,
                    "sequence_set": analysis.sequence_set,
                    "output": output,
                    "page": f"{analysis.model}/{analysis.sequence_set}/report.html",
                    "score": score,
                    "on_queries": on_queries,
                    **_shown(score, on_queries),
                    "motifs": [] if instead(score) else strongest_motifs(analysis, output),
                }
            )
    return rows


def _shown(score: Score, on_queries: SequencesScore) -> dict[str, Any]:
    """What the table shows of the scores of one output: numbers with what stands beside them, and what to beware of."""
    r2, asked = r2_of(score), ("not asked", "")
    if on_queries["predicted"]:
        queries_r2 = (on_queries["r2_on_queries"], *(on_queries.get("r2_interval") or ()))
        asked = (headline_r2(*queries_r2), interval_r2(*queries_r2))
    notes = [instead(score) or "", *undefined(on_queries, score), *lower_within(on_queries)]
    additive = score["share_by_order"].get("1")
    return {
        "r2": (headline_r2(*r2), interval_r2(*r2)),
        "asked": asked,
        "additive": "-" if additive is None or instead(score) else percent(additive),
        "nothing": "none" if instead(score) else no_motif(score),
        "notes": [note[0].upper() + note[1:].removesuffix(".") + "." for note in notes if note],
    }


def members_of(analysis: Analysis, output: str) -> list[dict[str, Any]]:
    """Return the members of one output: all sequences, and each group.

    Each has its `name` parts, the (n, q) mean `heights` of letters, and (n,) `importance`: the mean magnitude of the
    Shapley value at each position.
    """
    template = analysis.spectrum.template
    aggregates = pq.read_table(
        analysis.files["aggregates"], filters=[("output", "==", output), ("index", "==", "SV")]
    ).to_pandas()
    members = []
    for view in contribution_views(analysis, output):
        group = view["set"].removeprefix("group:")
        if view["set"] not in ("all", f"group:{group}"):
            continue
        means = aggregates[aggregates["group"].isna() if view["set"] == "all" else aggregates["group"] == group]
        importance = np.zeros(template.n)
        importance[means["positions"].astype(int) - 1] = means["mean_absolute"]
        members.append(
            {
                "model": analysis.model,
                "sequence_set": analysis.sequence_set,
                "output": output,
                "group": "" if view["set"] == "all" else group,
                "count": view["count"],
                "letters": template.alphabet.letters,
                "kind": template.alphabet.letters if template.alphabet.kind == "custom" else template.alphabet.kind,
                "fixed": (np.flatnonzero(template.sizes == 1) + 1).tolist(),
                "heights": view["heights"],
                "importance": importance,
            }
        )
    return members


def comparable(members: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Sort members into families of one alphabet and one length: only these can be compared position by position."""
    families: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for member in members:
        families.setdefault((member["letters"], len(member["heights"])), []).append(member)
    return list(families.values())


def family_content(family: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the page draws of a family: names without what all share, logos, importance, and similarity."""
    varied = [part for part in ("model", "sequence_set", "output", "group") if len({m[part] for m in family}) > 1]
    names = []
    for member in family:
        parts = [member[part] for part in varied if member[part]] or [member["output"]]
        names.append(" · ".join(parts) + (" · all" if "group" in varied and not member["group"] else ""))
    shares = [m["importance"] / (m["importance"].sum() or 1.0) for m in family]
    return {
        "names": names,
        "counts": [m["count"] for m in family],
        "letters": family[0]["letters"],
        "kind": family[0]["kind"],
        "fixed": family[0]["fixed"],
        "heights": [m["heights"] for m in family],
        "importance": [[round(float(v), 5) for v in row] for row in shares],
        "similarity": similarity([np.array(m["heights"]) for m in family]),
    }


def similarity(heights: Sequence[np.ndarray]) -> list[list[float | None]]:
    """Return the Pearson correlations of mean contributions, letter by letter; None where one is constant."""
    frame = pd.DataFrame({k: h.ravel() for k, h in enumerate(heights)})
    matrix = frame.corr().to_numpy()
    return [[None if np.isnan(v) else round(float(v), 3) for v in row] for row in matrix]
