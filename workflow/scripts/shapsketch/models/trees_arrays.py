"""Tree ensembles as arrays of nodes in an .npz file, as conversions of published models write them."""

import numpy as np

from ..settings.errors import InputError
from ..storage.files import load_npz
from .tree_features import Features, StoredTrees, below, or_default

NODES = {"tree", "node", "feature", "threshold", "yes", "no", "leaf", "base_score", "output", "default_left"}


def read(path: str, features: Features) -> StoredTrees:
    """Read one ensemble; see `trees_model` for the arrays.

    Raises:
        InputError: an array is missing or unknown, or a node asks for a column that there is not.
        KeyError, IndexError, ValueError: it is damaged.
    """
    stored = load_npz(path)
    if unknown := set(stored) - NODES:
        raise InputError(f"its array {min(unknown)!r} is not one of {', '.join(sorted(NODES))}")
    if features.zeros == "missing" and "default_left" not in stored:
        raise InputError("it has no array default_left, which zeros: missing needs")
    trees, owners = [], []
    for tree in range(int(stored["tree"].max()) + 1):
        mine = np.flatnonzero(stored["tree"] == tree)
        mine = mine[np.argsort(stored["node"][mine])]
        of_tree = {name: array[mine] for name, array in stored.items() if name != "base_score"}
        rows = np.full(int(of_tree["node"].max()) + 1, -1, np.int64)
        rows[of_tree["node"]] = np.arange(len(of_tree["node"]))
        leaf = of_tree["feature"] < 0
        left, right = (np.where(leaf, 0, rows[np.where(leaf, 0, of_tree[side])]) for side in ("yes", "no"))
        decisions = [below(np.float32(threshold)) for threshold in of_tree["threshold"]]
        if features.zeros == "missing":
            decisions = [or_default(one, bool(to)) for one, to in zip(decisions, of_tree["default_left"], strict=True)]
        values = np.where(leaf, of_tree["leaf"], 0.0).astype(np.float64)
        trees.append(features.build(of_tree["feature"].tolist(), decisions, left, right, values))
        owners.append(int(of_tree["output"][0]) if "output" in of_tree else 0)
    return StoredTrees(trees, owners, np.atleast_1d(stored["base_score"]).astype(np.float64))
