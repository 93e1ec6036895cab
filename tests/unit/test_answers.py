"""Outputs as models really give them: names of converters, several columns, dictionaries by class, axes of one."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from shapsketch.models import Model
from shapsketch.models.answers import Outputs, WrongRowsError
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

TEMPLATE = Template(Alphabet("ACGT"), "NNN")
CODES = np.random.default_rng(0).integers(0, 4, (7, 3)).astype(np.uint8)
A, G, T = (np.equal(CODES, k).sum(1) for k in (0, 2, 3))


@pytest.mark.parametrize(
    ("answer", "names", "chosen", "columns"),
    [
        (np.c_[A, G], ["a", "g"], {}, [A, G]),
        (A, ["a"], {}, [A]),
        (A[:, None, None], ["a"], {}, [A]),
        (np.c_[A, G][:, :, None], ["a", "g"], {}, [A, G]),
        ([int(x) for x in A], ["a"], {}, [A]),
        (torch.tensor(np.c_[A, G].astype(np.float32), requires_grad=True), ["a", "g"], {}, [A, G]),
        (torch.tensor(A, dtype=torch.bfloat16), ["a"], {}, [A]),
        ({"g": G[:, None], "a": A, "other": np.c_[A, G]}, ["a", "g"], {}, [A, G]),
        ({"out:0": np.c_[A, G]}, ["g"], {"g": {"column": 1}}, [G]),
        ({"d/S:0": np.c_[A, G], "l": T}, ["g", "t"], {"g": {"of": "d/S:0", "column": 1}, "t": {"of": "l"}}, [G, T]),
        (np.c_[A, G, T], ["t", "a"], {"t": {"column": 2}, "a": {"column": 0}}, [T, A]),
        ({0: A, 1: np.c_[G, T]}, ["t"], {"t": {"of": 1, "column": 1}}, [T]),
        ({"p": [{"no": a, "yes": g} for a, g in zip(A, G, strict=True)]}, ["y"], {"y": {"column": "yes"}}, [G]),
        ({"p": [{0: a, 1: g} for a, g in zip(A, G, strict=True)]}, ["y"], {"y": {"of": "p", "column": 0}}, [A]),
        (["1.5"] * 7, ["a"], {}, [np.full(7, 1.5)]),
    ],
)
def test_outputs_are_found(answer, names, chosen, columns):
    np.testing.assert_array_equal(Outputs("m", tuple(names), chosen)(answer, 7), np.column_stack(columns))


def test_a_model_that_drops_axes_of_one():
    """One sequence may come back without its axis."""
    np.testing.assert_array_equal(Outputs("m", ("a",))(np.float64(3), 1), [[3]])
    np.testing.assert_array_equal(Outputs("m", ("a", "b"))(np.array([3.0, 4]), 1), [[3, 4]])
    chosen = {"b": {"column": 1}}
    np.testing.assert_array_equal(Outputs("m", ("b",), chosen)(np.array([3.0, 4]), 1), [[4]])
    with pytest.raises(WrongRowsError):
        Outputs("m", ("a",))(np.array([3.0, 4]), 1)


@pytest.mark.parametrize(
    ("answer", "names", "chosen", "sentence"),
    [
        (np.zeros((7, 2)), ["p"], {}, r"shape \(7, 2\) for 7 .* such as outputs: {p: {column: 1}}\."),
        (np.zeros((7, 3)), ["p", "q"], {}, r"such as outputs: {p: {column: 1}, q: {column: 2}}\."),
        (np.zeros((7, 2)), ["a", "b", "c"], {}, r"\(7, 3\) is needed for the outputs a, b, c\.$"),
        ({"p": np.zeros((7, 2))}, ["p"], {}, r'its output \'p\'; \(7,\) is needed; .* {p: {of: "p", column: 1}}\.'),
        ({"d/S:0": np.zeros(7), "b": np.zeros(7)}, ["p"], {}, r"no output 'p'; it returned d/S:0 \(7,\), b \(7,\); "),
        (
            {"label": np.zeros(7), "prob": np.zeros((7, 2))},
            ["p0", "p1"],
            {},
            r'outputs: {p0: {of: "prob", column: 0}, p1: {of: "prob", column: 1}}\.',
        ),
        ({"p": np.array(["yes"] * 7)}, ["p"], {}, r"returned text \(yes\) as its output 'p'; numbers are needed"),
        (np.zeros(7, complex), ["p"], {}, r"returned complex128 \(0j\); numbers are needed"),
        (np.zeros((7, 2)), ["p"], {"p": {"column": 2}}, r"the column 2, counted from 0, .* whose shape is \(7, 2\)"),
        (np.zeros((7, 2)), ["p"], {"p": {"column": "yes"}}, "its columns have numbers, from 0, and no names"),
        ({"p": [{"a": 1.0}] * 7}, ["p"], {"p": {"column": "b"}}, "its columns are a"),
        (np.zeros(7), ["p"], {"p": {"of": "out"}}, "returned one array without names; leave out `of`"),
        ({"x": A, "y": G}, ["p"], {"p": {"of": "z"}}, r"no output 'z'; it returned x \(7,\), y \(7,\)"),
    ],
)
def test_what_cannot_be_an_output_is_one_sentence(answer, names, chosen, sentence):
    with pytest.raises(InputError, match=sentence) as told:
        Outputs("m", tuple(names), chosen)(answer, 7)
    assert "\n" not in str(told.value)


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


FACTORY = """
import torch
from dataclasses import dataclass
@dataclass
class Found:
    logits: torch.Tensor
    hidden: tuple = ()
class Net(torch.nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind
    def forward(self, x):
        a, g = x[:, 0].sum(1), x[:, 2].sum(1)
        both = torch.stack([a, g], 1)
        return {"tuple": (a, both), "one": (both,), "dataclass": Found(both, (a, g)),
                "mapping": {"x": both, "none": None},
                "text": "high", "empty": ()}[self.kind]
def make(): return Net(KIND)
"""


@pytest.mark.parametrize(
    ("kind", "of"), [("tuple", {"of": 1}), ("one", {}), ("dataclass", {"of": "logits"}), ("mapping", {"of": "x"})]
)
def test_networks_that_return_several_tensors(tmp_path, kind, of):
    (tmp_path / "net.py").write_text(f"KIND = {kind!r}\n{FACTORY}")
    source = {"kind": "torch", "factory": f"{tmp_path}/net.py:make", "layout": "channels_first"}
    chosen = {"g": {**of, "column": 1}}
    np.testing.assert_array_equal(Model({**source, "select": chosen}, TEMPLATE, ["g"])(CODES)[:, 0], G)


def test_networks_that_return_no_tensor(tmp_path):
    for kind in ("text", "empty"):
        (tmp_path / "net.py").write_text(f"KIND = {kind!r}\n{FACTORY}")
        source = {"kind": "torch", "factory": f"{tmp_path}/net.py:make", "layout": "channels_first"}
        with pytest.raises(InputError, match="a tensor, or tensors by name, is needed"):
            Model(source, TEMPLATE, ["g"])(CODES)


def test_columns_of_a_command(tmp_path):
    (tmp_path / "p.py").write_text("import sys\nfor s in sys.stdin: print(s.count('A'), s.count('G'), sep=',')")
    import sys

    source = {"kind": "command", "command": f"{sys.executable} '{tmp_path}/p.py'", "select": {"g": {"column": 1}}}
    np.testing.assert_array_equal(Model(source, TEMPLATE, ["g"])(CODES)[:, 0], G)
