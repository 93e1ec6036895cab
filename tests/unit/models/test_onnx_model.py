"""ONNX models: classifiers, sizes of batches, precision, newer files."""

import numpy as np
import onnx
import pytest
from answer_cases import CODES, TEMPLATE, A, G
from onnx import TensorProto, helper, numpy_helper

from shapsketch.models import Model
from shapsketch.settings.errors import InputError


def classifier(path, zipmap=None, names=("label", "probabilities"), batch=None, element=TensorProto.FLOAT):
    """As skl2onnx writes them: a label, and two columns of probabilities, or dictionaries by class."""
    label, probabilities = names
    one_hot = helper.make_node("Flatten", [f"{label}:x"], ["flat"])
    weights = np.zeros((12, 2), onnx.helper.tensor_dtype_to_np_dtype(element))
    weights[[0, 4, 8], 0] = weights[[2, 6, 10], 1] = 1  # counts of A and G, position-major
    nodes = [
        one_hot, helper.make_node("MatMul", ["flat", "w"], ["scores" if zipmap else probabilities]),
        helper.make_node("ArgMax", ["flat"], [label], axis=1, keepdims=0),
    ]  # fmt: skip
    table = helper.make_tensor_value_info(probabilities, element, [batch, 2])
    if zipmap:
        nodes.append(helper.make_node("ZipMap", ["scores"], [probabilities], domain="ai.onnx.ml", **zipmap))
        key = TensorProto.STRING if "classlabels_strings" in zipmap else TensorProto.INT64
        kind = helper.make_map_type_proto(key, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
        table = helper.make_value_info(probabilities, helper.make_sequence_type_proto(kind))
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(f"{label}:x", element, [batch, 12])],
        [helper.make_tensor_value_info(label, TensorProto.INT64, [batch]), table],
        [numpy_helper.from_array(weights, "w")],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return {"kind": "onnx", "path": str(path), "layout": "flat"}


@pytest.mark.parametrize("zipmap", [None, {"classlabels_int64s": [0, 1]}, {"classlabels_strings": ["no", "yes"]}])
@pytest.mark.parametrize("names", [("label", "probabilities"), ("dense/l:0", "dense_1/Sigmoid:0")])
def test_onnx_classifiers(tmp_path, zipmap, names):
    source = classifier(tmp_path / "m.onnx", zipmap, names)
    column = "yes" if zipmap and "classlabels_strings" in zipmap else 1
    chosen = {"p": {"of": names[1], "column": column}, "first": {"of": names[1], "column": 0}}
    np.testing.assert_array_equal(Model({**source, "select": chosen}, TEMPLATE, ["p", "first"])(CODES), np.c_[G, A])
    with pytest.raises(InputError, match=r"\(7,\) is needed; choose columns, .*, column: 1}"):
        Model(source, TEMPLATE, [names[1]])(CODES)


@pytest.mark.parametrize("batch", [1, 3])
def test_files_that_fix_the_size_of_a_batch(tmp_path, batch):
    for zipmap in (None, {"classlabels_int64s": [0, 1]}):
        source = classifier(tmp_path / "m.onnx", zipmap, batch=batch)
        model = Model({**source, "select": {"g": {"of": "probabilities", "column": 1}}}, TEMPLATE, ["g"])
        np.testing.assert_array_equal(model(CODES)[:, 0], G)
        assert model.evaluations == 7


@pytest.mark.parametrize("element", [TensorProto.DOUBLE, TensorProto.FLOAT16])
def test_inputs_of_other_precision(tmp_path, element):
    source = classifier(tmp_path / "m.onnx", element=element) | {"select": {"g": {"of": "probabilities", "column": 1}}}
    np.testing.assert_array_equal(Model(source, TEMPLATE, ["g"])(CODES)[:, 0], G)


def test_files_that_are_newer_than_the_runtime(tmp_path):
    source = classifier(tmp_path / "m.onnx")
    model = onnx.load(source["path"])
    model.opset_import[0].version = 99
    onnx.save(model, source["path"])
    with pytest.raises(InputError, match="is older than it; export it with a lower opset_version") as told:
        Model(source, TEMPLATE, ["label"])
    assert "\n" not in str(told.value)
