"""Attribution graphs in the format of circuit-tracer's viewer."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .circuits import Graph


def viewer_json(graph: Graph, slug: str, names: Sequence[str], share: float = 0.8) -> dict[str, Any]:
    """Return a graph in the format of circuit-tracer's viewer, pruned to a share of the influence.

    Args:
        graph: the graph.
        slug: its name there.
        names: of the dictionary's latents.
        share: of the influence that is kept.
    """
    kept, kinds, influence = graph.pruned(share), graph.kinds, graph.influence
    layers, ids, nodes = int(graph.layer.max()), {}, []
    for k in kept.tolist():
        layer, at, latent = int(graph.layer[k]), int(graph.position[k]), int(graph.latent[k])
        kind = kinds[k]
        ids[k] = f"E_{latent}_{at}" if kind == "token" else f"{layers + 1 if kind == 'output' else layer}_{latent}_{at}"
        feature = {"token": at, "error": -1, "output": latent}.get(
            kind, (layer + latent) * (layer + latent + 1) // 2 + latent
        )
        words = {
            "token": graph.sequence[at] if kind == "token" else "", "error": f"error of layer {layer}",
            "output": graph.output,
        }  # fmt: skip
        nodes.append({
            "node_id": ids[k], "jsNodeId": f"{ids[k].rpartition('_')[0]}-{at}", "feature": feature,
            "layer": "E" if kind == "token" else ids[k].split("_")[0], "ctx_idx": at,
            "feature_type": {"token": "embedding", "error": "mlp reconstruction error", "output": "logit"}.get(
                kind, "cross layer transcoder"
            ),
            "token_prob": 0.0, "is_target_logit": kind == "output", "run_idx": 0, "reverse_ctx_idx": 0,
            "clerp": words.get(kind, f"latent {latent} of layer {layer}"),
            "influence": float(influence[k]) if kind != "output" else None,
            "activation": float(graph.activation[k]) if kind == "latent" else None,
        })  # fmt: skip
    part = graph.effects[np.ix_(kept, kept)]
    links = [
        {"source": ids[int(kept[j])], "target": ids[int(kept[i])], "weight": float(part[i, j])}
        for i, j in np.argwhere(part != 0).tolist()
    ]
    return {
        "metadata": {
            "slug": slug, "scan": "shapsketch", "transcoder_list": [], "prompt_tokens": list(graph.sequence),
            "prompt": graph.sequence, "node_threshold": share, "schema_version": 1,
        },
        "qParams": {"pinnedIds": [], "supernodes": [], "linkType": "both", "clickedId": "", "sg_pos": ""},
        "nodes": nodes, "links": links,
    }  # fmt: skip
