"""Tree ensembles saved by LightGBM (text) or XGBoost (JSON or UBJSON), read without either library.

Source keys: `path`, one file, or a list of one file per output; `layout` of the features: `flat` (one per position
and letter, position-major), `channels_first` (letter-major) or `codes` (one per position, the letter's number);
`zeros`: `value`, or `missing` where the model was trained on sparse matrices, whose absent entries are missing values.
Values are sums of leaves: margins, before any link function. Models that are trees need no sketch: the rule
`expand_trees` turns them into exact dividends. `.npz` holds the nodes of one ensemble as arrays: `tree`, `node`,
`feature` (-1 for a leaf), `threshold`, `yes` (the child below the threshold), `no`, `leaf`, `base_score`, and, for
several outputs, `output`; `default_left`, where missing values go.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..sequences.template import Template
from ..settings.errors import InputError
from ..storage.files import load_npz
from . import Predictor, ubjson
from .ensemble import Ensemble, Tree

LIGHTGBM_ZERO = 1e-35  # LightGBM's largest number that counts as zero
LOGISTIC = ("reg:logistic", "binary:logistic")
EXPONENTIAL = ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft")
Decision = Callable[[np.ndarray], np.ndarray]  # (q,) values of a feature -> (q,) whether to go left


class Features(NamedTuple):
    """What the columns of a tree model are: one for each position, or for each position and letter."""

    layout: str
    n: int
    letters: str
    zeros: str | None  # value, missing, or not declared

    @property
    def q(self) -> int:
        """The number of letters."""
        return len(self.letters)

    @property
    def columns(self) -> int:
        """The number of columns."""
        return self.n if self.layout == "codes" else self.n * self.q

    def column(self, feature: int) -> tuple[int, np.ndarray]:
        """Return the position that a column asks for, and its (q,) float64 value for each letter there."""
        if not 0 <= feature < self.columns:
            raise InputError(f"a split asks for the feature {feature} of {self.columns}")
        if self.layout == "codes":
            return feature, np.arange(self.q, dtype=np.float64)
        position, letter = divmod(feature, self.q) if self.layout == "flat" else divmod(feature, self.n)[::-1]
        return position, (np.arange(self.q) == letter).astype(np.float64)


def load(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Predictor:
    """Return the sum of leaves."""
    return read_ensemble(source, template, outputs).predict


def read_ensemble(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Ensemble:
    """Read the trees of all outputs.

    Raises:
        InputError: a file is missing, damaged or of another kind, or does not fit the template or the outputs.
    """
    paths = [source["path"]] if isinstance(source["path"], str) else source["path"]
    features = Features(source["layout"], template.n, template.alphabet.letters, source.get("zeros"))
    trees: list[Tree] = []
    owners: list[int] = []
    bases: list[np.ndarray] = []
    for path in paths:
        part, own, base = _read_file(path, features)
        owners += [sum(map(len, bases)) + output for output in own]
        trees += part
        bases.append(base)
    base = np.concatenate(bases)
    if len(base) != len(outputs):
        raise InputError(
            f"{', '.join(paths)} predicts {len(base)} outputs, and the config names {len(outputs)}: "
            f"{', '.join(outputs)}."
        )
    try:
        return Ensemble.collect(trees, owners, base)
    except ValueError as error:
        raise InputError(f"{', '.join(paths)} is damaged: {error}.") from error


def _read_file(path: str, features: Features) -> tuple[list[Tree], list[int], np.ndarray]:
    """The trees of a file, the output of each, and the outputs' base values."""
    if Path(path).is_dir():
        raise InputError(f"{path} is a folder, and a file is needed.")
    try:
        head = Path(path).read_bytes()[:64]
    except FileNotFoundError:
        raise InputError(f"The model file {path} does not exist.") from None
    other = next((say for start, say in OTHERS.items() if head.startswith(start)), None)
    if other:
        raise InputError(f"{path} is {other}.")
    readers = {b"{": _read_xgboost, b"PK": _read_nodes, b"tree": _read_lightgbm}
    reader = next((r for start, r in readers.items() if head.startswith(start)), None)
    if reader is None:
        raise InputError(
            f"{path} is neither a LightGBM text model nor an XGBoost JSON model; save it with booster.save_model, "
            "to a name that ends in .txt or .json."
        )
    try:
        trees, owners, base = reader(path, features)
        _check_splits(trees, features.zeros)
        return trees, owners, base
    except InputError as error:
        raise InputError(f"{path} cannot be read as trees: {str(error).rstrip('.')}.") from None
    except (KeyError, IndexError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is damaged ({type(error).__name__}: {error}).") from error


PICKLE = "a pickle, which could run code when opened, and is not opened; save it with save_model to .json or .txt"
OTHERS = {
    b"\x80": f"{PICKLE}, or export scikit-learn's to ONNX",
    b"x\x9c": f"a compressed pickle: {PICKLE}, or export scikit-learn's to ONNX",
    b"\x1f\x8b": "compressed; unpack it first",
    b"CBM1": "a CatBoost model, which is not read; export it to ONNX",
    b"binf": "an XGBoost model in the binary format of old versions; load it in XGBoost and save it to .json",
    b"[": "a dump of trees, which lacks their base value; save the model with save_model",
}  # other files that users have, by how they begin


def _check_splits(trees: Sequence[Tree], zeros: str | None) -> None:
    """Refuse splits that send all letters the same way: training makes none, unless absent letters were missing."""
    inner = [tree.goes_left[tree.positions >= 0] for tree in trees]
    idle = sum(int((sides.all(1) | ~sides.any(1)).sum()) for sides in inner)
    count = sum(map(len, inner))
    if not idle or (zeros is not None and idle < count):
        return
    if zeros is None:
        raise InputError(
            f"{idle:,} of its {count:,} splits send all letters the same way, as where a model was trained on a sparse "
            "matrix, whose absent entries were missing values: write zeros: missing into its source if this one was, "
            "or zeros: value if its zeros are numbers"
        )
    rather = "value" if zeros == "missing" else "missing"
    raise InputError(
        f"with zeros: {zeros} all of its {count:,} splits send all letters the same way; try zeros: {rather}"
    )


def _check_count(count: int, features: Features) -> None:
    if count != features.columns:
        raise InputError(
            f"it has {count} features, and {features.n} positions of {features.q} letters in the layout "
            f"{features.layout} are {features.columns}"
        )


def _build(features: Features, split: Sequence[int], decisions: Sequence[Decision], *arrays: np.ndarray) -> Tree:
    """A tree from the split feature of each node (-1 for leaves), its decision, and left, right, values."""
    positions, goes_left = np.full(len(split), -1, np.int64), np.zeros((len(split), features.q), bool)
    for node, feature in enumerate(split):
        if feature >= 0:
            positions[node], values = features.column(feature)
            goes_left[node] = decisions[node](values)
    return Tree(positions, goes_left, *arrays)


# LightGBM


def _read_lightgbm(path: str, features: Features) -> tuple[list[Tree], list[int], np.ndarray]:
    content, end, rest = Path(path).read_text(encoding="utf-8").partition("\nend of trees")
    if not end:
        raise InputError("it ends before its last tree")
    header, *blocks = content.split("\nTree=")
    model = _fields(header)
    for line in rest.splitlines():
        if line.startswith("pandas_categorical:"):
            _check_categories(json.loads(line.partition(":")[2]), features)
    _check_count(int(model["max_feature_idx"]) + 1, features)
    outputs = int(model["num_tree_per_iteration"])
    trees = [_lightgbm_tree(_fields(block), features) for block in blocks]
    if "average_output" in model:  # a random forest
        rounds = len(trees) // outputs
        trees = [Tree(t.positions, t.goes_left, t.left, t.right, t.values / rounds) for t in trees]
    return trees, [k % outputs for k in range(len(trees))], np.zeros(outputs)


def _fields(block: str) -> dict[str, str]:
    return {key: value for key, _, value in (line.partition("=") for line in block.splitlines())}


def _lightgbm_tree(fields: Mapping[str, str], features: Features) -> Tree:
    if fields.get("is_linear", "0") != "0":
        raise InputError("its leaves hold linear models, which are no sum of leaf values")
    zeros_missing = features.zeros == "missing"

    def numbers(key: str, dtype: Any) -> np.ndarray:
        return np.array(fields.get(key, "").split(), dtype)

    leaves = numbers("leaf_value", np.float64)
    inner = len(leaves) - 1  # nodes 0..inner-1 are splits; a negative child -k-1 is leaf k
    split = [*numbers("split_feature", np.int64).tolist(), *[-1] * len(leaves)]
    sides = [np.concatenate([numbers(key, np.int64), np.zeros(len(leaves), np.int64)]) for key in CHILDREN]
    left, right = (np.where(side < 0, inner - side - 1, side) for side in sides)
    decisions = [
        _lightgbm_decision(fields, threshold, kind, zeros_missing)
        for threshold, kind in zip(numbers("threshold", float), numbers("decision_type", int), strict=True)
    ]
    return _build(features, split, decisions, left, right, np.concatenate([np.zeros(inner), leaves]))


CHILDREN = ("left_child", "right_child")


def _lightgbm_decision(fields: Mapping[str, str], threshold: float, kind: int, zeros_missing: bool) -> Decision:
    """Of a node: bit 0 says categorical, bit 1 that missing values go left, bits 2 and 3 what is missing."""
    missing_type = kind >> 2 & 3  # 0 nothing, 1 zeros, 2 NaN
    zero_is_missing = missing_type == 1 or (zeros_missing and missing_type == 2)
    if kind & 1:
        bounds, words = fields["cat_boundaries"].split(), fields["cat_threshold"].split()
        own = words[int(bounds[int(threshold)]) : int(bounds[int(threshold) + 1])]
        categories = sum(int(word) << 32 * k for k, word in enumerate(own))
        if zeros_missing and missing_type == 2:
            categories &= ~1
        return lambda values: np.array([categories >> int(v) & 1 for v in values], bool)
    default_left = bool(kind & 2)

    def decide(values: np.ndarray) -> np.ndarray:
        missing = zero_is_missing & (np.abs(values) <= LIGHTGBM_ZERO)
        return np.where(missing, default_left, values <= threshold)

    return decide


# XGBoost


def _read_xgboost(path: str, features: Features) -> tuple[list[Tree], list[int], np.ndarray]:
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
    _check_count(int(parameters["num_feature"]), features)
    outputs = max(1, int(parameters["num_class"]), int(parameters.get("num_target", 1)))
    model = booster["model"]
    _check_categories([_category_names(own) for own in model.get("cats", {}).get("enc", [])], features)
    owners, trees = [int(k) for k in model["tree_info"]], model["trees"]
    best = learner.get("attributes", {}).get("best_iteration")
    if best is not None:  # what early stopping chose, as in scikit-learn's interface
        parallel = int(model["gbtree_model_param"].get("num_parallel_tree", 1))
        trees = trees[: (int(best) + 1) * outputs * parallel]
    weights = weights or [1.0] * len(owners)
    if len(weights) != len(owners) or len(trees) > len(owners):
        raise InputError(f"it has {len(trees)} trees, {len(owners)} outputs of trees and {len(weights)} weights")
    built = [_xgboost_tree(tree, features, weight) for tree, weight in zip(trees, weights, strict=False)]
    return built, owners[: len(built)], _margins(parameters["base_score"], learner["objective"]["name"], outputs)


def _margins(base_score: str, objective: str, outputs: int) -> np.ndarray:
    """The (outputs,) base values before the link function."""
    scores = np.array(base_score.strip("[]").split(","), np.float64)
    if objective in LOGISTIC:
        scores = np.log(scores / (1 - scores))
    elif objective in EXPONENTIAL:
        scores = np.log(scores)
    return np.broadcast_to(scores, outputs).copy()


def _xgboost_tree(tree: Mapping[str, Any], features: Features, weight: float) -> Tree:
    if int(tree["tree_param"].get("size_leaf_vector", 1)) > 1:
        raise InputError("its leaves hold vectors (multi_strategy multi_output_tree); train one tree per output")
    left, right = (np.array(tree[key], np.int64) for key in ("left_children", "right_children"))
    conditions = np.array(tree["split_conditions"], np.float32)
    leaf = left < 0
    split = np.where(leaf, -1, tree["split_indices"]).tolist()
    categories = _xgboost_categories(tree)
    decisions = [
        _in_other_categories(categories[node]) if node in categories else _below(condition)
        for node, condition in enumerate(conditions)
    ]
    if features.zeros == "missing":
        decisions = [_or_default(one, bool(side)) for one, side in zip(decisions, tree["default_left"], strict=True)]
    return _build(features, split, decisions, left, right, np.where(leaf, weight * conditions.astype(np.float64), 0.0))


def _below(condition: np.float32) -> Decision:
    return lambda values: values.astype(np.float32) < condition


def _in_other_categories(categories: Sequence[int]) -> Decision:
    return lambda values: ~np.isin(values, categories)


def _or_default(decide: Decision, default_left: bool) -> Decision:
    return lambda values: np.where(values == 0, default_left, decide(values))


def _category_names(encoded: Mapping[str, Any]) -> list[Any]:
    """The categories of a column of a data frame, in the order of their numbers: texts or numbers."""
    values = encoded["values"]
    if "offsets" not in encoded:
        return list(values)
    text, ends = bytes(v & 255 for v in values), encoded["offsets"]
    return [text[start:end].decode() for start, end in pairwise(ends)]


def _check_categories(columns: Sequence[Sequence[Any] | None] | None, features: Features) -> None:
    """Categories that a data frame had must be numbered as the letters of the alphabet are."""
    for number, names in enumerate(columns or [], 1):
        if names and list(names) not in (list(features.letters), list(range(features.q))):
            raise InputError(
                f"the categories of its column {number} are {', '.join(map(str, names))}, in this order, and the "
                f"alphabet is {features.letters}; give the alphabet as the model knows it"
            )


def _xgboost_categories(tree: Mapping[str, Any]) -> dict[int, list[int]]:
    """The categories that go right, of each node that splits on them."""
    found = {}
    keys = ("categories_nodes", "categories_segments", "categories_sizes")
    for node, start, size in zip(*(tree.get(key, []) for key in keys), strict=True):
        found[node] = tree["categories"][start : start + size]
    return found


# arrays of nodes


NODES = {"tree", "node", "feature", "threshold", "yes", "no", "leaf", "base_score", "output", "default_left"}


def _read_nodes(path: str, features: Features) -> tuple[list[Tree], list[int], np.ndarray]:
    stored = load_npz(path)
    if unknown := set(stored) - NODES:
        raise InputError(f"its array {min(unknown)!r} is not one of {', '.join(sorted(NODES))}")
    if features.zeros == "missing" and "default_left" not in stored:
        raise InputError("it has no array default_left, which zeros: missing needs")
    trees, owners = [], []
    for tree in range(int(stored["tree"].max()) + 1):
        mine = np.flatnonzero(stored["tree"] == tree)
        mine = mine[np.argsort(stored["node"][mine])]
        own = {name: array[mine] for name, array in stored.items() if name != "base_score"}
        rows = np.full(int(own["node"].max()) + 1, -1, np.int64)
        rows[own["node"]] = np.arange(len(own["node"]))
        leaf = own["feature"] < 0
        left, right = (np.where(leaf, 0, rows[np.where(leaf, 0, own[side])]) for side in ("yes", "no"))
        decisions = [_below(np.float32(threshold)) for threshold in own["threshold"]]
        if features.zeros == "missing":
            decisions = [_or_default(one, bool(to)) for one, to in zip(decisions, own["default_left"], strict=True)]
        values = np.where(leaf, own["leaf"], 0.0).astype(np.float64)
        trees.append(_build(features, own["feature"].tolist(), decisions, left, right, values))
        owners.append(int(own["output"][0]) if "output" in own else 0)
    return trees, owners, np.atleast_1d(stored["base_score"]).astype(np.float64)
