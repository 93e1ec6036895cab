"""JSON and UBJSON models of XGBoost (`save_model`), read without it.

The format is that of XGBoost's `doc/model.schema`.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..settings.errors import InputError
from . import ubjson
from .ensemble import Tree
from .tree_features import Decision, Features, StoredTrees, below, or_default

LOGISTIC = ("reg:logistic", "binary:logistic")  # objectives whose base value is a probability
EXPONENTIAL = ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft")  # or a positive number


def read(path: str, features: Features) -> StoredTrees:
    """Read a JSON or UBJSON model.

    Raises:
        InputError: it is a dump of another library, has no trees, or does not fit the features.
        KeyError, ValueError, TypeError, AttributeError, RecursionError: it is damaged.
    """
    content = Path(path).read_bytes()
    model = json.loads(content) if content[1:2] in b'"\n\r\t }' else ubjson.loads(content)
    if "oblivious_trees" in model or "tree_info" in model:
        name = "CatBoost's JSON" if "oblivious_trees" in model else "LightGBM's dump_model"
        raise InputError(f"it is {name}, which is not read; save LightGBM's with save_model, export CatBoost's to ONNX")
    learner = model["learner"]
    booster, parameters = learner["gradient_booster"], learner["learner_model_param"]
    weights = booster.get("weight_drop")
    booster = booster.get("gbtree", booster)  # of dart
    if "trees" not in booster.get("model", {}):
        raise InputError(f"it is a booster of the kind {booster.get('name')}, which has no trees")
    features.check_count(int(parameters["num_feature"]))
    outputs = max(1, int(parameters["num_class"]), int(parameters.get("num_target", 1)))
    model = booster["model"]
    features.check_categories([_category_names(encoded) for encoded in model.get("cats", {}).get("enc", [])])
    owners, trees = [int(k) for k in model["tree_info"]], model["trees"]
    best = learner.get("attributes", {}).get("best_iteration")
    if best is not None:  # what early stopping chose, as in scikit-learn's interface
        parallel = int(model["gbtree_model_param"].get("num_parallel_tree", 1))
        trees = trees[: (int(best) + 1) * outputs * parallel]
    weights = weights or [1.0] * len(owners)
    if len(weights) != len(owners) or len(trees) > len(owners):
        raise InputError(f"it has {len(trees)} trees, {len(owners)} outputs of trees and {len(weights)} weights")
    built = [_tree(tree, features, weight) for tree, weight in zip(trees, weights, strict=False)]
    base = _margins(parameters["base_score"], learner["objective"]["name"], outputs)
    return StoredTrees(built, owners[: len(built)], base)


def _margins(base_score: str, objective: str, outputs: int) -> np.ndarray:
    """The (outputs,) base values before the link function."""
    scores = np.array(base_score.strip("[]").split(","), np.float64)
    if objective in LOGISTIC:
        scores = np.log(scores / (1 - scores))
    elif objective in EXPONENTIAL:
        scores = np.log(scores)
    return np.broadcast_to(scores, outputs).copy()


def _tree(tree: Mapping[str, Any], features: Features, weight: float) -> Tree:
    if int(tree["tree_param"].get("size_leaf_vector", 1)) > 1:
        raise InputError("its leaves hold vectors (multi_strategy multi_output_tree); train one tree per output")
    left, right = (np.array(tree[key], np.int64) for key in ("left_children", "right_children"))
    conditions = np.array(tree["split_conditions"], np.float32)
    leaf = left < 0
    split = np.where(leaf, -1, tree["split_indices"]).tolist()
    categories = _categories(tree)
    decisions = [
        _in_other_categories(categories[node]) if node in categories else below(condition)
        for node, condition in enumerate(conditions)
    ]
    if features.zeros == "missing":
        decisions = [or_default(one, bool(side)) for one, side in zip(decisions, tree["default_left"], strict=True)]
    return features.build(split, decisions, left, right, np.where(leaf, weight * conditions.astype(np.float64), 0.0))


def _in_other_categories(categories: Sequence[int]) -> Decision:
    return lambda values: ~np.isin(values, categories)


def _category_names(encoded: Mapping[str, Any]) -> list[Any]:
    """The categories of a column of a data frame, in the order of their numbers: texts or numbers."""
    values = encoded["values"]
    if "offsets" not in encoded:
        return list(values)
    text, ends = bytes(v & 255 for v in values), encoded["offsets"]
    return [text[start:end].decode() for start, end in pairwise(ends)]


def _categories(tree: Mapping[str, Any]) -> dict[int, list[int]]:
    """The categories that go right, of each node that splits on them."""
    categories = {}
    keys = ("categories_nodes", "categories_segments", "categories_sizes")
    for node, start, size in zip(*(tree.get(key, []) for key in keys), strict=True):
        categories[node] = tree["categories"][start : start + size]
    return categories
