"""The page of a mechanism: latents to search and sort, with the sequences where they are active, and all measures."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ..figures.style import letter_colors
from ..sequences.alphabet import Alphabet
from .html import glyphs

KEPT = (
    "latent", "module", "density", "mean", "max", "usual_position", "position_share", "top_ids", "top_positions",
    "top_activations", "top_profiles", "consensus", "bits", "windows", "influence", "influenced",
)  # fmt: skip
MAX_EFFECTS = 3  # outputs whose effect is listed
MAX_LINKS = 1500  # of a graph, that are drawn
KINDS = {
    "embedding": "letter", "mlp reconstruction error": "error", "logit": "output", "cross layer transcoder": "latent",
}  # fmt: skip
CIRCUIT_KEYS = (
    "needed", "nodes", "sizes", "kept", "levels", "added", "area", "area_gain",
    "latents", "players", "explained", "shapley_values", "mean", "mean_error", "index",
    "interactions",
)  # fmt: skip


def page_content(
    latents: pd.DataFrame,
    sequences: Sequence[str],
    matrices: pd.DataFrame,
    dictionary: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    circuits: Mapping[str, Any],
    graphs: Mapping[str, Any],
    sketches: Mapping[str, str],
    alphabet: Alphabet,
) -> dict[str, Any]:
    """Return what the page's script reads.

    Args:
        latents: `latents.parquet`.
        sequences: those that its rows name.
        matrices: `latent_matrices.tsv`.
        dictionary: `dictionary.json`.
        tables: `concepts`, `steering`, `doses`, `probes`, `probe_latents`, `designs`, `proposals`, those there are.
        circuits: `circuits.json`, empty where there are none.
        graphs: by file, those of the folder `circuits`.
        sketches: by latent the address of the report of its sketch.
        alphabet: of the model.
    """
    letters = alphabet.letters
    return {
        "alphabet": {"letters": letters, "colors": letter_colors(alphabet), "glyphs": glyphs(letters)},
        "latents": _latent_rows(latents, sequences, matrices, sketches),
        "dictionary": {
            kind: {key: scores[key] for key in ("r2", "recovered", "fvu", "l0", "dead_share", "stability", "controls")}
            for kind, scores in dictionary["kinds"].items()
        },
        "tables": {
            name: {"columns": list(table), "rows": [[plain(v) for v in row] for row in table.itertuples(index=False)]}
            for name, table in tables.items()
            if len(table)
        },
        "circuits": {
            output: {key: circuit[key] for key in CIRCUIT_KEYS}
            | {"graphs": [one | drawn_graph(graphs[one["file"]], output) for one in circuit["graphs"]]}
            for output, circuit in circuits.items()
        },
    }


def _latent_rows(
    latents: pd.DataFrame, sequences: Sequence[str], matrices: pd.DataFrame, sketches: Mapping[str, str]
) -> list[dict[str, Any]]:
    """What the page shows of each latent, the most influential first; see `page_content`."""
    effects = [name for name in latents if name.startswith("effect_")]
    logos = {
        str(name): {
            "letters": sorted(set(rows["letter"]), key=list(rows["letter"]).index),
            "columns": rows.pivot(index="column", columns="letter", values="frequency")[
                list(dict.fromkeys(rows["letter"]))
            ].values.tolist(),
        }
        for name, rows in matrices.groupby("motif", sort=False)
    }
    rows = []
    for row in latents.to_dict("records"):
        shown = {key: plain(row[key]) for key in KEPT}
        ranked = sorted(effects, key=lambda name: -abs(row[name]) if pd.notna(row[name]) else 0.0)[:MAX_EFFECTS]
        shown["effects"] = [[name.removeprefix("effect_"), plain(row[name])] for name in ranked if pd.notna(row[name])]
        shown["top_sequences"] = [sequences[k] for k in row["top_rows"]]
        shown["logo"], shown["sketch"] = logos.get(row["latent"]), sketches.get(row["latent"])
        rows.append(shown)
    return sorted(rows, key=lambda row: -(row["influence"] or 0.0))


def drawn_graph(graph: Mapping[str, Any], output: str) -> dict[str, Any]:
    """Return what the page draws of a graph in the format of circuit-tracer's viewer.

    Args:
        graph: as `viewer.viewer_json` makes it.
        output: the name of the output.

    Returns:
        `nodes`: of each its kind (`letter`, `latent`, `error`, `output`), layer (-1 of letters), 0-based position,
        name, cumulative influence, activation and what it says (None of others than latents); `links`: of each its
        source and target (numbers of nodes), weight and cumulative influence, the strongest `MAX_LINKS`; `left_out`,
        how many others there are; `share`, of the influence that the file keeps.
    """
    number = {node["node_id"]: k for k, node in enumerate(graph["nodes"])}
    links = [[number[x["source"]], number[x["target"]], x["weight"], x["influence"]] for x in graph["links"]]
    nodes = [
        [
            KINDS[node["feature_type"]], -1 if node["layer"] == "E" else int(node["layer"]), node["ctx_idx"],
            output if node["is_target_logit"] else node["clerp"].removeprefix("latent ").split(": ")[0],
            node["influence"], node["activation"], node["clerp"].partition(": ")[2] or None,
        ]
        for node in graph["nodes"]
    ]  # fmt: skip
    kept = graph["metadata"]["node_threshold"]
    return {"nodes": nodes, "links": links[:MAX_LINKS], "left_out": max(len(links) - MAX_LINKS, 0), "share": kept}


def plain(value: Any) -> Any:
    """Return a cell as JSON has it: None for what is missing."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and value != value else value
