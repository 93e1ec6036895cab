"""Outputs as models really give them: names of converters, several columns, dictionaries by class, axes of one."""

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from shapsketch.models import Model
from shapsketch.models.answers import Outputs, WrongRowsError
from shapsketch.models.selection import Axes
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.settings.outputs import output_words

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


DEEP = np.random.default_rng(1).normal(size=(7, 3, 4))
NAMED = [{"strand": ["plus", "minus", "none"]}, "position"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"select": [2, -1]}, DEEP[:, 2, 3]),
        ({"select": {"2": "1:3"}, "reduce": "sum"}, DEEP[:, :, 1:3].sum((1, 2))),
        ({"select": {"strand": "minus", "position": [3, 0]}, "reduce": "mean"}, DEEP[:, 1, [3, 0]].mean(1)),
        ({"select": [["plus", 2], ":"], "reduce": "max"}, DEEP[:, [0, 2]].max((1, 2))),
        ({"reduce": "logsumexp"}, np.log(np.exp(DEEP).sum((1, 2)))),
        (
            {"select": {"strand": 0}, "reduce": "softmax_share"},
            np.exp(DEEP[:, 0]).sum(1) / np.exp(DEEP).sum((1, 2)),
        ),
        (
            {"select": [0, "1:3"], "against": [0, "all"], "reduce": "softmax_share"},
            np.exp(DEEP[:, 0, 1:3]).sum(1) / np.exp(DEEP[:, 0]).sum(1),
        ),
    ],
)
def test_outputs_are_made_of_selections(spec, expected):
    values = Outputs("m", ("p",), {"p": spec}, Axes.read(NAMED))(DEEP, 7)
    np.testing.assert_allclose(values[:, 0], expected, rtol=1e-12)


def test_log_ratios_and_parts_of_several_outputs():
    answer = {"a": np.exp(DEEP), "b": DEEP[:, 0]}
    spec = {"of": "a", "select": {"1": 0}, "against": {"1": 1}, "reduce": "log_ratio"}
    values = Outputs("m", ("p",), {"p": spec})(answer, 7)[:, 0]
    np.testing.assert_allclose(values, np.log(np.exp(DEEP[:, 0]).sum(1) / np.exp(DEEP[:, 1]).sum(1)))
    spec = {"of": "a", "select": [0, 1], "against": {"of": "b", "1": 2}, "reduce": "difference"}
    np.testing.assert_allclose(
        Outputs("m", ("p",), {"p": spec})(answer, 7)[:, 0], np.exp(DEEP[:, 0, 1]) - DEEP[:, 0, 2]
    )
    axes = Axes.read({"a": NAMED})
    spec = {"of": "a", "select": {"strand": "none"}, "reduce": "mean"}
    np.testing.assert_allclose(Outputs("m", ("p",), {"p": spec}, axes)(answer, 7)[:, 0], np.exp(DEEP[:, 2]).mean(1))


def test_names_of_indices_from_a_file_and_of_a_data_frame(tmp_path):
    (tmp_path / "tracks.txt").write_text("K562\nHepG2\n\nWTC11\nH1\n")
    axes = Axes.read(["bins", {"tracks": str(tmp_path / "tracks.txt")}])
    chosen = {"p": {"select": {"tracks": "WTC11", "bins": 1}}}
    np.testing.assert_array_equal(Outputs("m", ("p",), chosen, axes)(DEEP, 7)[:, 0], DEEP[:, 1, 2])
    frame = pd.DataFrame({"x": A, "y": G})
    chosen = {"p": {"select": [["x", "y"]], "reduce": "sum"}, "q": {"column": "y"}}
    np.testing.assert_array_equal(Outputs("m", ("p", "q"), chosen)(frame, 7), np.c_[A + G, G])
    with pytest.raises(InputError, match="names of the axis tracks cannot be read from .*none.txt"):
        Axes.read([{"tracks": str(tmp_path / "none.txt")}])


LINE = "whose shape is \\(7, 3, 4\\), the sequences first: "


@pytest.mark.parametrize(
    ("spec", "axes", "sentence"),
    [
        (
            {"select": [0]},
            [],
            LINE + '1 axis is selected, and it has 2 .* outputs: {p: {select: \\[0, "0:4"\\], reduce: "mean"}}',
        ),
        ({"select": [3, 0]}, [], LINE + r"axis 1 has the indices 0 to 2, and not 3; .* {select: \[0, 0\]}}\.$"),
        ({"select": [0, "2:5"]}, [], LINE + r"axis 2 is given the range 2:5, which reaches beyond its 4 indices"),
        ({"select": [0, "2:2"]}, [], LINE + r"axis 2 is given the range 2:2, which holds none of them"),
        ({"select": [0, [1, 1]]}, [], LINE + r"axis 2 is given \[1, 1\], which names an index twice"),
        (
            {"select": {"tracks": 0}},
            [],
            LINE + r"it has no axis tracks: its axes have the numbers 1 to 2; name them by axes",
        ),
        ({"select": {"3": 0}}, [], LINE + r"it has no axis 3: its axes have the numbers 1 to 2; write"),
        ({"select": {"strands": 0}}, NAMED, LINE + "it has no axis strands: its axes are strand, position"),
        (
            {"select": ["plsu", 0]},
            NAMED,
            LINE + r"axis 1 \(strand\) has no 'plsu': did you mean 'plus'\?; .*\[\"plus\", 0\]",
        ),
        ({"select": ["K562", 0]}, [], LINE + "axis 1 has no 'K562': its indices have no names; give them by axes"),
        ({"select": ["a", 0]}, [{"s": ["a", "b"]}, "x"], r"axis 1 \(s\) has 3 indices, and the config gives 2 names"),
        (
            {"select": [0, "all"]},
            [],
            r"selects 4 numbers for each sequence .* {select: \[0, \"all\"\], reduce: \"mean\"}}",
        ),
        (
            {"select": [0, 1], "against": [1, 1], "reduce": "softmax_share"},
            [],
            "a share of numbers in a softmax over others",
        ),
        ({"of": "x", "reduce": "sum"}, [], "returned one array without names; leave out `of`"),
        ({"column": 1, "select": 0}, [], "has both column and select"),
        ({"select": [0, 1], "against": 3}, [], "has a second selection, against, which needs reduce: log_ratio"),
        ({"select": [0, 1], "reduce": "difference"}, [], "is a difference, which needs a second selection"),
        ({"select": {"1": 0, "2": 1}, "against": {"1": 1}, "reduce": "log_ratio"}, [], "along 2 in only one of select"),
    ],
)
def test_selections_that_do_not_fit_are_one_sentence(spec, axes, sentence):
    with pytest.raises(InputError, match=sentence) as told:
        Outputs("m", ("p",), {"p": spec}, Axes.read(axes))(DEEP, 7)
    assert "\n" not in str(told.value)


def test_too_few_names_print_the_shape_and_the_line():
    with pytest.raises(
        InputError, match=r"of shape \(7, 3, 4\) for 7 .* {p: {select: \[0, \"0:4\"\], reduce: \"mean\"}}"
    ):
        Outputs("m", ("p",))(DEEP, 7)
    with pytest.raises(InputError, match=r"0 \(7, 2\), 1 \(7, 3, 4\)"):
        Outputs("m", ("p",))((DEEP[:, 0, :2], DEEP), 7)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"of": 1}, "the model's own output 1"),
        ({"transform": "logit"}, "the model's answer, on the scale logit"),
        ({"of": "p", "column": 3}, "column 3 of the model's own output 'p' (counted from 0)"),
        (
            {"of": "profile", "select": {"strand": "plus", "2": "450:550"}, "reduce": "logsumexp"},
            "the logarithm of the summed exponentials of strand plus and axis 2 450 to 549 of the model's own output "
            "'profile' (counted from 0)",
        ),
        (
            {"select": {"tracks": "K562"}, "against": {"tracks": "HepG2"}, "reduce": "difference"}
            | {"transform": {"power": 0.5}},
            "the mean over tracks K562 of the model's answer minus the mean over tracks HepG2 of the model's answer, "
            "on the scale power 0.5",
        ),
        ({"select": [0, "all"], "reduce": "softmax_share"},
         "the share of axis 1 0 of the model's answer in the softmax over the model's answer (counted from 0)"),
    ],
)  # fmt: skip
def test_outputs_in_words(spec, words):
    assert output_words(spec) == words


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
