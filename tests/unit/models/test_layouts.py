"""A wrong layout, length or alphabet is refused before anything is asked, with the right value in the sentence.

Covers also: onehot.
"""

import numpy as np
import onnx
import pytest
import torch
import tree_cases
from onnx import TensorProto, helper, numpy_helper

from shapsketch.models import Model
from shapsketch.models.layouts import check_reference, check_shape
from shapsketch.models.onehot import onehot_encoder
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError


def template(n=6, letters="ACGT"):
    return Template(Alphabet(letters), "*" * n if letters != "ACGT" else "N" * n)


def onnx_file(path, *shape, weights=None):
    """An ONNX model that flattens its input of this shape and adds weights."""
    size = 24 if weights is None else len(weights)
    kernel = np.arange(size, dtype=np.float32)[:, None] if weights is None else weights.astype(np.float32)[:, None]
    nodes = [helper.make_node("Flatten", ["x"], ["flat"]), helper.make_node("MatMul", ["flat", "k"], ["y"])]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", *shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", 1])], [numpy_helper.from_array(kernel, "k")],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return str(path)


@pytest.mark.parametrize(
    ("shape", "layout", "known"),
    [
        ((4, 6), "channels_first", True),
        ((6, 4), "channels_last", True),
        ((24,), "flat", False),
        ((24,), "flat_channels_first", False),
        (("c", "n"), "channels_first", False),
        ((4, "n"), "channels_first", True),
    ],
)
def test_declared_shapes_that_fit(tmp_path, shape, layout, known):
    source = {"kind": "onnx", "path": onnx_file(tmp_path / "m.onnx", *shape), "layout": layout}
    assert check_shape(source, template()) is known


def test_as_many_positions_as_letters_tell_nothing(tmp_path):
    path = onnx_file(tmp_path / "m.onnx", 4, 4, weights=np.arange(16))
    assert not check_shape({"kind": "onnx", "path": path, "layout": "channels_last"}, template(4))


@pytest.mark.parametrize(
    ("shape", "layout", "n", "sentence"),
    [
        (
            (4, 400),
            "channels_last",
            400,
            r"of the shape \(4, 400\); .* would get \(400, 4\): set layout: channels_first",
        ),
        ((400, 4), "channels_first", 400, r"would get \(4, 400\): set layout: channels_last"),
        ((24,), "channels_first", 6, r"of the shape \(24,\); .*: set layout: flat or flat_channels_first"),
        ((4, 400), "channels_first", 300, r"would get \(4, 300\): give a template of 400 letters\."),
        ((4, 400), "channels_last", 300, "give a template of 400 letters and layout: channels_first"),
        ((24,), "flat", 7, "give a template of 6 letters"),
        ((5, 6), "channels_first", 6, "give an alphabet of 5 letters"),
        ((1, 4, 6), "channels_first", 6, r"would get \(4, 6\): set layout: \[1, letter, position\]"),
        ((2, 4, 6), "channels_first", 6, "no layout gives that; reshape the input within the model"),
        (("c", 4), "channels_first", 6, r"of the shape \(any, 4\); .*: set layout: channels_last"),
    ],
)
def test_declared_shapes_that_do_not_fit(tmp_path, shape, layout, n, sentence):
    weights = np.zeros(int(np.prod([size for size in shape if isinstance(size, int)])))
    path = onnx_file(tmp_path / "m.onnx", *shape, weights=weights)
    with pytest.raises(InputError, match=sentence) as told:
        check_shape({"kind": "onnx", "path": path, "layout": layout}, template(n))
    assert "\n" not in str(told.value)


def test_exported_programs_declare_a_shape_and_factories_none(tmp_path):
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(24, 1))
    batch = {0: torch.export.Dim("b")}
    torch.export.save(
        torch.export.export(network, (torch.zeros(2, 4, 6),), dynamic_shapes=(batch,)), tmp_path / "m.pt2"
    )
    source = {"kind": "torch", "path": str(tmp_path / "m.pt2"), "layout": "channels_last"}
    with pytest.raises(InputError, match="set layout: channels_first"):
        check_shape(source, template())
    assert not check_shape({**source, "factory": "net.py:make"}, template())
    assert check_shape({"kind": "python", "target": "m.py:f"}, template())


def written(path, codes, values, alphabet):
    rows = [f"{alphabet.decode(code[None])[0]},{value:.5g}" for code, value in zip(codes, values, strict=True)]
    path.write_text("sequence,y\n" + "\n".join(rows) + "\n")
    return str(path)


@pytest.mark.parametrize("layout", ["channels_first", "channels_last", "flat", "flat_channels_first"])
@pytest.mark.parametrize("letters", ["ACGT", "TGCA", "ATGC"])
def test_a_reference_tells_the_layout_and_the_order_of_the_letters(tmp_path, layout, letters):
    """A flat network takes any layout: only its own predictions tell."""
    draws = np.random.default_rng(0)
    weights, right = draws.normal(size=24), Template(Alphabet(letters), "N" * 6)
    codes = draws.integers(0, 4, (20, 6)).astype(np.uint8)
    values = onehot_encoder({"layout": layout}, right)(codes).reshape(20, -1) @ weights
    reference = written(tmp_path / "r.csv", codes, values, right.alphabet)
    path = onnx_file(tmp_path / "m.onnx", "i", weights=weights) if layout.startswith("flat") else None
    path = path or onnx_file(tmp_path / "m.onnx", "i", "j", weights=weights)
    source = {"kind": "onnx", "path": path, "layout": layout, "reference": reference}
    assert check_reference(Model(source, right, ["y"]), 1000) == 8
    wrong = {"flat": "flat_channels_first", "flat_channels_first": "flat", "channels_first": "channels_last"}
    for other, order, change in [
        (wrong.get(layout, "channels_first"), letters, f"; with layout: {layout} it gives them."),
        (layout, "CATG", f"; with alphabet: {letters} it gives them."),
    ]:
        model = Model({**source, "layout": other}, Template(Alphabet(order), "N" * 6), ["y"])
        with pytest.raises(
            InputError, match=r"does not give the values of .*r.csv: y of [ACGT]{6} \(row \d+\) is"
        ) as told:
            check_reference(model, 1000)
        assert change in str(told.value)
        assert "the largest difference in 8 rows is" in str(told.value)


def test_a_reference_that_nothing_gives_and_one_of_a_function(tmp_path):
    codes = np.random.default_rng(0).integers(0, 4, (5, 6)).astype(np.uint8)
    reference = written(tmp_path / "r.csv", codes, np.arange(5.0), Alphabet("ACGT"))
    source = {"kind": "onnx", "path": onnx_file(tmp_path / "m.onnx", 4, 6), "layout": "channels_first"}
    with pytest.raises(InputError, match="no other layout or order of the letters gives them either"):
        check_reference(Model({**source, "reference": reference}, template(), ["y"]), 10_000)
    (tmp_path / "m.py").write_text("def f(s): return [0.0] * len(s)")
    model = Model({"kind": "python", "target": f"{tmp_path}/m.py:f", "reference": reference}, template(), ["y"])
    with pytest.raises(InputError, match=r"the largest difference in 5 rows is 4\.$"):
        check_reference(model, 10_000)


def test_a_reference_tells_the_layout_of_trees(tmp_path):
    """Features of trees have no shape: with another layout they are read without an error."""
    source = tree_cases.deep(tmp_path)
    trained, codes = tree_cases.TEMPLATE, np.unique(tree_cases.CODES, axis=0)[::30]
    values = Model(source, trained, ["y"])(codes)[:, 0]
    source["reference"] = written(tmp_path / "r.csv", codes, values, trained.alphabet)
    assert check_reference(Model(source, trained, ["y"]), 1000) == 8
    assert not check_shape(source, trained)
    with pytest.raises(InputError, match=r"does not give the values of .*; with layout: flat it gives them\.$"):
        check_reference(Model({**source, "layout": "channels_first"}, trained, ["y"]), 1000)
    with pytest.raises(InputError, match="; with alphabet: ACGT it gives them"):
        check_reference(Model(source, Template(Alphabet("TGCA"), "N" * 6), ["y"]), 1000)


def test_no_more_is_asked_than_may_be(tmp_path):
    codes = np.random.default_rng(0).integers(0, 4, (50, 6)).astype(np.uint8)
    reference = written(tmp_path / "r.csv", codes, np.arange(50.0), Alphabet("ACGT"))
    source = {"kind": "onnx", "path": onnx_file(tmp_path / "m.onnx", 4, 6), "layout": "channels_first"}
    model = Model({**source, "reference": reference}, template(), ["y"])
    with pytest.raises(InputError, match=r"the largest difference in 3 rows is"):
        check_reference(model, 3)
    assert model.evaluations == 3
