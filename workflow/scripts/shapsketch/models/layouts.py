"""Whether the layout, the letters and the template of the config are those that a model wants.

A file may declare the shape of a sequence; where it does not, or where several layouts have that shape, some of the
model's own predictions (`source.reference`) tell.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import permutations
from typing import Any

import numpy as np

from ..sequences.template import Template
from ..settings.errors import InputError
from ..settings.sources import fold_sources
from . import KINDS, Model
from .onehot import LAYOUTS, NAMED_LAYOUTS, Layout, input_shape, layout_words
from .table_model import read_table

Shape = tuple[int | None, ...]
REFERENCE_PREDICTIONS = 8  # predictions of a reference
MAX_DIFFERENCE, MAX_ROUNDING = 1e-2, 1e-5  # what they may differ by: of their spread, and of their size
MAX_LETTERS = 5  # of an alphabet whose every order is tried
PROTEIN_ORDERS = ("ACDEFGHIKLMNPQRSTVWY", "ARNDCQEGHILKMFPSTWYV")  # by one letter, and by three
NETWORKS = ("torch", "onnx", "keras_h5")
TREE_LAYOUTS = ("flat", "channels_first", "codes")


def check_shape(source: Mapping[str, Any], template: Template) -> bool:
    """Compare the shape that a model's file declares with what it would get.

    Returns:
        Whether the layout is known to be right: it has the declared shape, and no other has.

    Raises:
        InputError: the model declares another shape; the sentence says what would be right, where something would.
    """
    if "folds" in source:
        known = [check_shape(fold, template) for fold in fold_sources(source)]
        return all(known)
    if source.get("input") == "tokens":
        return True  # there is no layout
    declared = _declared(source)
    if declared is None:
        return source["kind"] not in (*NETWORKS, "trees")
    given = source["layout"] if isinstance(source["layout"], str) else tuple(source["layout"])
    layouts = dict.fromkeys([given, *LAYOUTS])
    shapes = {layout: input_shape(layout, template.alphabet.q, template.n) for layout in layouts}
    fitting = [layout for layout, shape in shapes.items() if _fits(shape, declared)]
    if given in fitting:
        return len(fitting) == 1
    letters = template.alphabet.letters
    raise InputError(
        f"{source['path']} takes sequences of the shape {_text(declared)}; with layout {layout_words(given)}, "
        f"a template of {template.n} letters and the {template.alphabet.q} letters {letters} it would get "
        f"{_text(shapes[given])}: {_remedy(declared, given, fitting, template)}."
    )


def _declared(source: Mapping[str, Any]) -> Shape | None:
    """The shape of a sequence in the file; None where it is not known, or where the network is code."""
    if source["kind"] not in NETWORKS or {"factory", "architecture", "constants"} & source.keys():
        return None
    module = import_module(f".{KINDS[source['kind']]}", __package__)
    find = getattr(module, "declared_input_shape", None)
    more = (source["config"],) if "config" in source else ()
    return find(source["path"], *more) if find else None


def _fits(shape: Shape, declared: Shape) -> bool:
    return len(shape) == len(declared) and all(d in (None, s) for s, d in zip(shape, declared, strict=True))


def _remedy(declared: Shape, given: Layout, fitting: Sequence[Layout], template: Template) -> str:
    """What would be right."""
    q = template.alphabet.q
    if fitting:
        return f"set layout: {' or '.join(map(layout_words, fitting))}"
    for layout in (given, *LAYOUTS):
        for n in {size // (q if "flat" in layout else 1) for size in declared if size}:
            if n and _fits(input_shape(layout, q, n), declared):
                also = "" if layout == given else f" and layout: {layout_words(layout)}"
                return f"give a template of {n} letters{also}"
        for letters in {size for size in declared if size} | {s // template.n for s in declared if s}:
            if letters > 1 and _fits(input_shape(layout, letters, template.n), declared):
                also = "" if layout == given else f" and layout: {layout_words(layout)}"
                return f"give an alphabet of {letters} letters{also}"
    return "no layout gives that; reshape the input within the model"


def _text(shape: Shape) -> str:
    sizes = ["any" if size is None else str(size) for size in shape]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def check_reference(model: Model, most: int) -> int:
    """Compare some of a model's own predictions with what it answers here.

    Args:
        model: the model; its source's `reference` names a table with the column `sequence` and one per output.
        most: evaluations that may be made.

    Returns:
        The evaluations that were made.

    Raises:
        InputError: the table is not as it should be, or the predictions differ; the sentence says by how much, and
            which layout or order of the letters gives them, where one does.
    """
    file = model.source["reference"]
    table = read_table({"kind": "table", "path": file}, model.template, model.outputs)
    count = len(table.codes)
    rows = np.unique(np.linspace(0, count - 1, min(REFERENCE_PREDICTIONS, count, max(most, 1))).astype(int))
    codes, wanted = table.codes[rows], table.values[rows]
    given = model(codes)
    if _agree(given, wanted):
        return model.evaluations
    worst = np.abs(given - wanted).max(1).argmax()
    output = np.abs(given - wanted)[worst].argmax()
    raise InputError(
        f"The model {model.name} does not give the values of {file}: {model.outputs[output]} of "
        f"{model.text(codes[worst])} (row {table.numbers[rows[worst]]}) is {given[worst, output]:.6g} and not "
        f"{wanted[worst, output]:.6g}, and the largest difference in {len(rows)} rows is "
        f"{np.abs(given - wanted).max():.3g}{_matching(model, codes, wanted, most)}."
    )


def _agree(given: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether predictions are those of the reference, by output; a constant one is compared by its size."""
    spread, size = np.ptp(wanted, axis=0), np.abs(wanted).max(0)
    allowed = np.where(spread > 0, MAX_DIFFERENCE * spread + MAX_ROUNDING * size, 1e-3 * size + 1e-12)
    return bool((np.abs(given - wanted) <= allowed).all())


def _matching(model: Model, codes: np.ndarray, wanted: np.ndarray, most: int) -> str:
    """The layout and order of letters that give the reference, as far as they can be tried with so many evaluations."""
    source, letters = model.source, model.template.alphabet.letters
    if source["kind"] not in (*NETWORKS, "trees") or source.get("input") == "tokens":
        return ""
    layouts = TREE_LAYOUTS if source["kind"] == "trees" else NAMED_LAYOUTS
    orders = [letters, *_orders(letters)]
    left = most - model.evaluations
    for layout in (source["layout"], *(name for name in layouts if name != source["layout"])):
        try:
            other = Model({**source, "layout": layout}, model.template, model.outputs, model.batch_size)
            for order in orders:
                if left < len(codes):
                    return ""
                left -= len(codes)
                places = np.array([order.index(letter) for letter in letters], np.uint8)
                if _agree(other(places[codes]), wanted):
                    changes = [f"layout: {layout}"] if layout != source["layout"] else []
                    changes += [f"alphabet: {order}"] if order != letters else []
                    return f"; with {' and '.join(changes)} it gives them"
        except InputError:
            continue  # this layout does not fit the network
    return "; no other layout or order of the letters gives them either"


def _orders(letters: str) -> list[str]:
    if len(letters) <= MAX_LETTERS:
        return ["".join(order) for order in permutations(letters)][1:]
    return [order for order in PROTEIN_ORDERS if sorted(order) == sorted(letters) and order != letters]
