"""Attribution graphs in the format of circuit-tracer's viewer (`circuit-tracer start-server --graph_file_dir FOLDER`).

The words are those of `circuit_tracer/frontend/graph_models.py`, version 0.5; `influence` of a node is there the share
of all influence that it has together with those of more, which the viewer's slider prunes by.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .circuits import Graph, cumulative_shares

NODE_SHARE, EDGE_SHARE = 0.8, 0.98  # of the influence, that is kept; circuit-tracer's own
FEATURE_TYPES = {
    "latent": "cross layer transcoder", "error": "mlp reconstruction error", "token": "embedding", "output": "logit",
}  # fmt: skip


def viewer_json(
    graph: Graph,
    slug: str,
    names: Sequence[str],
    said: Sequence[Mapping[str, Any] | None],
    share: float = NODE_SHARE,
    edge_share: float = EDGE_SHARE,
) -> dict[str, Any]:
    """Return a graph in the format of circuit-tracer's viewer, pruned.

    Args:
        graph: the graph.
        slug: its name there.
        names: of the dictionary's latents, over all layers.
        said: what each node says (`nodes.name_graph`), None for those that are no latents.
        share: of the influence of nodes that is kept; letters and the output always stay.
        edge_share: of the influence of the edges between these that is kept.

    Returns:
        `metadata`, `qParams`, `nodes`, and `links`, the most influential first, each with its `influence`, the share of
        that of all kept nodes' edges that it has together with those of more.
    """
    kept, ids = graph.pruned(share), _ids(graph)
    pairs = np.ix_(kept, kept)
    effects, shares = graph.effects[pairs], graph.edge_influence[pairs]
    cumulative = cumulative_shares(shares.ravel()).reshape(shares.shape)
    order = np.argsort(-shares.ravel(), kind="stable")
    targets, sources = np.unravel_index(order, shares.shape)
    chosen = (effects[targets, sources] != 0) & (cumulative[targets, sources] <= edge_share)
    links = [
        {
            "source": ids[kept[j]], "target": ids[kept[i]], "weight": float(effects[i, j]),
            "influence": float(cumulative[i, j]),
        }
        for i, j in zip(targets[chosen].tolist(), sources[chosen].tolist(), strict=True)
    ]  # fmt: skip
    metadata = {
        "slug": slug, "scan": "shapsketch", "transcoder_list": [], "prompt_tokens": list(graph.sequence),
        "prompt": graph.sequence, "node_threshold": share, "schema_version": 1,
    }  # fmt: skip
    query = {"pinnedIds": [], "supernodes": [], "linkType": "both", "clickedId": "", "sg_pos": ""}
    return {"metadata": metadata, "qParams": query, "nodes": _nodes(graph, ids, kept, names, said), "links": links}


def viewer_list(graphs: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return `graph-metadata.json`, by which the viewer finds the graphs of a folder."""
    return {"graphs": [graph["metadata"] for graph in graphs]}


def _ids(graph: Graph) -> list[str]:
    """The names of all nodes: layer, latent (of errors -1, of tokens the letter), position."""
    layers = {"token": "E", "output": str(int(graph.layer.max()) + 1)}
    rows = zip(graph.kinds, graph.layer.tolist(), graph.latent.tolist(), graph.position.tolist(), strict=True)
    return [f"{layers.get(kind, layer)}_{latent}_{at}" for kind, layer, latent, at in rows]


def _nodes(
    graph: Graph, ids: Sequence[str], kept: np.ndarray, names: Sequence[str], said: Sequence[Mapping[str, Any] | None]
) -> list[dict[str, Any]]:
    """The nodes that are kept."""
    kinds, shares, per_layer = graph.kinds, graph.cumulative, len(names) // int(graph.layer.max())
    output = f'Output "{graph.output} = {graph.value:.4g}" (p=1.000)'  # which the viewer takes to pieces by its (p=...)
    nodes = []
    for k in kept.tolist():
        kind, layer, latent, at = kinds[k], int(graph.layer[k]), int(graph.latent[k]), int(graph.position[k])
        word, number = ids[k].split("_")[:2]
        pairing = (layer + latent) * (layer + latent + 1) // 2 + latent  # Cantor's, by which features are numbered
        js_id = {"latent": f"{word}_{number}-0", "output": f"L_{number}-{at}"}.get(kind, f"{word}_{number}-{at}")
        clerps = {"token": graph.sequence[at], "error": f"error of layer {layer}", "output": output}
        if kind == "latent":
            clerps["latent"] = f"latent {names[layer * per_layer + latent]}{_words(said[k])}"
        nodes.append({
            "node_id": ids[k], "feature": {"token": at, "error": -1, "output": latent}.get(kind, pairing),
            "layer": word, "ctx_idx": at, "feature_type": FEATURE_TYPES[kind], "token_prob": float(kind == "output"),
            "is_target_logit": kind == "output", "run_idx": 0, "reverse_ctx_idx": 0, "jsNodeId": js_id,
            "clerp": clerps[kind],
            "influence": None if kind == "output" else float(shares[k]),
            "activation": float(graph.activation[k]) if kind == "latent" else None,
        })  # fmt: skip
    return nodes


def _words(said: Mapping[str, Any] | None) -> str:
    """What a node says, behind its name."""
    if said is None or said["f1"] is None:
        return ""
    return f": {said['letter']} at {said['place']} (F1 {said['f1']:.2f}, by chance {said['chance_f1']:.2f})"
