"""One suite for every model kind: the same additive function of 5-mers, made of each kind's own material."""

import sys
import textwrap

import numpy as np
import onnx
import pytest
import torch
import yaml
from kind_cases import CODES, MAKERS, ONEHOT, OUTPUTS, SHARED, TEMPLATE, WEIGHTS, by_position, factory, truth
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

from shapsketch.explanation.tables import predict_plain
from shapsketch.models import KINDS, Model, identity
from shapsketch.sequences.alphabet import UNKNOWN_CODE, Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

WITH_ONEHOT = [name for name in MAKERS if name not in ("trees", "python", "command", "table")]


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The source of each maker, made once."""
    return {name: make(tmp_path_factory.mktemp("kind")) for name, make in MAKERS.items()}


def test_the_suite_knows_every_kind(sources):
    assert {source["kind"] for source in sources.values()} | {"builtin", "latents"} == set(
        KINDS
    )  # latents: see test_latents


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("batch_size", [1024, 50])
def test_values_batches_and_the_counter(sources, name, batch_size):
    model = Model(sources[name], TEMPLATE, OUTPUTS, batch_size)
    values = model(CODES)
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, truth(CODES), atol=2e-6, rtol=0)
    assert model.evaluations == len(CODES)
    assert (model(CODES) == values).all()
    assert model(CODES[:0]).shape == (0, 2)
    assert model.evaluations == 2 * len(CODES)


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "table"])
def test_the_average_of_both_strands(sources, name):
    model = Model({**sources[name], "reverse_complement": True}, TEMPLATE, OUTPUTS)
    expected = (truth(CODES) + truth(3 - CODES[:, ::-1])) / 2  # in ACGT the complement of code c is 3 - c
    np.testing.assert_allclose(model(CODES), expected, atol=2e-6, rtol=0)
    assert model.evaluations == len(CODES)


@pytest.mark.parametrize("name", MAKERS)
def test_letters_that_no_model_knows(sources, name):
    codes = TEMPLATE.alphabet.encode(["ACNGT"])
    assert codes[0, 2] == UNKNOWN_CODE
    with pytest.raises(InputError, match="unknown letter at position 3; declare unknown_letters"):
        Model(sources[name], TEMPLATE, OUTPUTS)(codes)


@pytest.mark.parametrize("name", WITH_ONEHOT)
def test_letters_that_a_model_knows_as_unknown(sources, name):
    codes = TEMPLATE.alphabet.encode(["ACNGT"])
    plain = truth(TEMPLATE.alphabet.encode([f"AC{a}GT" for a in "ACGT"]))
    zeros, mean = (
        Model({**sources[name], "unknown_letters": how}, TEMPLATE, OUTPUTS)(codes)[0] for how in ("zeros", "mean")
    )
    np.testing.assert_allclose(mean, plain.mean(0), atol=2e-6)
    np.testing.assert_allclose(zeros, plain[0] - WEIGHTS[2, 0], atol=2e-6)


def test_sequences_with_n_are_predicted_if_the_model_knows_n(sources):
    sequences = ["ACGTA", "ACNTA", "ACRTA"]
    knows, does_not = (
        predict_plain(Model({**sources["exported"], **extra}, TEMPLATE, OUTPUTS), sequences)
        for extra in ({"unknown_letters": "mean"}, {})
    )
    assert np.isfinite(knows).all(1).tolist() == [True, True, False]
    assert np.isfinite(does_not).all(1).tolist() == [True, False, False]


@pytest.mark.parametrize("name", MAKERS)
def test_the_wrong_number_of_outputs(sources, name):
    named = name in ("factory", "onnx, named outputs", "keras_h5")
    message = (
        "returned no output 'third'" if named else r"no column 'third'|is needed for|predicts 2 outputs|3 are needed"
    )
    with pytest.raises(InputError, match=message) as caught:
        Model(sources[name], TEMPLATE, (*OUTPUTS, "third"))(CODES)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["factory", "onnx, named outputs", "keras_h5", "table"])
def test_outputs_are_chosen_by_name(sources, name):
    values = Model(sources[name], TEMPLATE, ("second",))(CODES)
    np.testing.assert_allclose(values, truth(CODES)[:, 1:], atol=2e-6)


@pytest.mark.parametrize(
    "name", [n for n in MAKERS if n not in ("trees", "table", "onnx, named outputs", "keras_h5", "factory")]
)
def test_outputs_are_made_of_columns(sources, name):
    chosen = {
        "second": {"select": -1},
        "gap": {"select": 0, "against": [1], "reduce": "difference"},
        "share": {"select": "1:2", "reduce": "softmax_share", "transform": "logit"},
    }
    values = Model(sources[name] | {"select": chosen}, TEMPLATE, tuple(chosen))(CODES)
    first, second = truth(CODES).T
    expected = np.column_stack([second, first - second, second - first])
    np.testing.assert_allclose(values, expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["torch", "onnx", "keras_h5", "python", "command"])
def test_outputs_are_made_of_any_axes(tmp_path, kind):
    source, by_letter = by_position(tmp_path, kind), SHARED.astype(np.float64)[CODES]
    of = {"of": {"torch": 2, "python": 1}[kind]} if kind in ("torch", "python") else {}
    if kind == "command":  # answers in lines of columns, position-major
        chosen = {"a": {"select": 7}, "b": {"select": [["2:9", 0]], "reduce": "sum"}}
        flat = by_letter.reshape(len(CODES), -1)
        expected = np.column_stack([flat[:, 7], flat[:, [2, 3, 4, 5, 6, 7, 8, 0]].sum(1)])
    else:
        source["axes"] = ["position", {"track": ["x", "y"]}]
        chosen = {
            "a": {**of, "select": [3, 1]},
            "b": {**of, "select": {"track": "x", "position": ["1:3", -1]}, "reduce": "max"},
            "c": {**of, "select": {"track": "x"}, "against": {"track": "y"}, "reduce": "difference"},
            "d": {**of, "select": ["all", "y"], "reduce": "logsumexp"},
            "e": {**of, "reduce": "mean"},
        }
        x, y = by_letter[..., 0], by_letter[..., 1]
        expected = np.column_stack(
            [y[:, 3], x[:, [1, 2, 4]].max(1), (x - y).mean(1), np.log(np.exp(y).sum(1)), (x + y).mean(1) / 2]
        )
    model = Model(source | {"select": chosen}, TEMPLATE, tuple(chosen))
    np.testing.assert_allclose(model(CODES), expected, atol=1e-5)
    np.testing.assert_allclose(model(CODES[:1]), expected[:1], atol=1e-5)


@pytest.mark.parametrize("kind", ["torch", "onnx", "keras_h5", "python", "command"])
def test_a_selection_that_does_not_fit_is_one_sentence_with_the_line_to_write(tmp_path, kind):
    source = by_position(tmp_path, kind)
    of = {"of": {"torch": 2, "python": 1}[kind]} if kind in ("torch", "python") else {}
    shape, wrong = (r"\(3, 10\)", "2:12") if kind == "command" else (r"\(3, 5, 2\)", [0, "2:12"])
    with pytest.raises(
        InputError, match=f"whose shape is {shape}, the sequences first: axis .* write, for example, outputs: "
    ) as told:
        Model(source | {"select": {"p": {**of, "select": wrong}}}, TEMPLATE, ["p"])(CODES[:3])
    line = str(told.value).rpartition("outputs: ")[2].rstrip(".")
    spec = yaml.safe_load(line)
    assert Model(source | {"select": spec}, TEMPLATE, ["p"])(CODES).shape == (len(CODES), 1)


@pytest.mark.parametrize("name", MAKERS)
def test_the_identity_follows_the_files_and_not_where_they_came_from(sources, name):
    source = sources[name]
    assert identity({**source, "url": "https://example.org/m", "license": "MIT"}) == identity(source)
    assert identity(source)["source"]["kind"] == source["kind"]
    assert identity(source)["files"]


@pytest.mark.parametrize("suffix", [".npz", ".pt"])
def test_weights_of_a_factory(tmp_path, suffix):
    source = factory(tmp_path, suffix)
    np.testing.assert_allclose(Model(source, TEMPLATE, OUTPUTS)(CODES), truth(CODES), atol=2e-6)


def test_weights_that_do_not_fit(tmp_path):
    source = factory(tmp_path)
    save_file({"dense.bias": np.zeros(2, np.float32)}, source["path"])
    with pytest.raises(InputError, match="does not fit the network .*Missing key"):
        Model(source, TEMPLATE, OUTPUTS)
    with pytest.raises(InputError, match="returned a int, not a torch.nn.Module"):
        Model({**source, "factory": source["factory"].replace("make", "not_a_network")}, TEMPLATE, OUTPUTS)
    with pytest.raises(InputError, match="'resnet' is not one of bpnet, deepspcas9"):
        Model({"kind": "torch", "architecture": "resnet", "path": source["path"], **ONEHOT}, TEMPLATE, OUTPUTS)
    with pytest.raises(InputError, match="no array 'conv3_kernel', which the architecture deepspcas9 needs"):
        Model({"kind": "torch", "architecture": "deepspcas9", "path": source["path"], **ONEHOT}, TEMPLATE, OUTPUTS)


@pytest.mark.parametrize("layout", ["channels_first", "channels_last", "flat"])
@pytest.mark.parametrize("kind", ["torch", "onnx"])
def test_layouts(tmp_path, kind, layout):
    """The model adds 0, 1, 2, ... over its input in the order it lies in memory."""
    shape = {"channels_first": (4, 5), "channels_last": (5, 4), "flat": (20,)}[layout]
    path = str(tmp_path / "m")
    if kind == "onnx":
        weights = numpy_helper.from_array(np.arange(20.0, dtype=np.float64)[:, None], "w")
        nodes = [helper.make_node("Flatten", ["x"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["y"])]
        graph = helper.make_graph(
            nodes, "order", [helper.make_tensor_value_info("x", TensorProto.DOUBLE, [None, *shape])],
            [helper.make_tensor_value_info("y", TensorProto.DOUBLE, [None, 1])], [weights],
        )  # fmt: skip
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    else:

        class Order(torch.nn.Module):
            def forward(self, x):
                return x.flatten(1) @ torch.arange(20.0)[:, None]

        batch = torch.export.Dim("batch", min=1)
        torch.export.save(torch.export.export(Order(), (torch.zeros(2, *shape),), dynamic_shapes=({0: batch},)), path)
    values = Model({"kind": kind, "path": path, "layout": layout}, TEMPLATE, ["y"])(CODES)[:, 0]
    if layout == "channels_first":
        expected = (5 * CODES.astype(int) + np.arange(5)).sum(1)
    else:
        expected = (4 * np.arange(5) + CODES).sum(1)
    assert values.tolist() == expected.tolist()


def test_onnx_models_with_several_inputs_or_missing_devices(tmp_path):
    graph = helper.make_graph(
        [helper.make_node("Add", ["a", "b"], ["y"])],
        "two",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, 20]) for n in "ab"],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 20])],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), tmp_path / "two.onnx"
    )
    source = {"kind": "onnx", "path": str(tmp_path / "two.onnx"), "layout": "flat"}
    with pytest.raises(InputError, match=r"takes the inputs a tensor\(float\), b tensor\(float\)"):
        Model(source, TEMPLATE, ["y"])
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="The device cuda is not here"):
            Model({**source, "device": "cuda"}, TEMPLATE, ["y"])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("name", ["exported", "scripted", "factory", "keras_h5"])
def test_a_cuda_device_agrees_with_the_processor(sources, name):
    values = Model({**sources[name], "device": "cuda"}, TEMPLATE, OUTPUTS)(CODES)
    np.testing.assert_allclose(values, Model(sources[name], TEMPLATE, OUTPUTS)(CODES), atol=1e-5)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize("name", ["exported", "keras_h5"])
def test_a_device_that_is_not_here(sources, name):
    with pytest.raises(InputError, match="The device cuda:1 is not here: PyTorch sees 0 CUDA devices"):
        Model({**sources[name], "device": "cuda:1"}, TEMPLATE, OUTPUTS)
    assert Model({**sources[name], "device": "auto"}, TEMPLATE, OUTPUTS)(CODES).shape == (len(CODES), 2)


def run_program(tmp_path, text):
    (tmp_path / "p.py").write_text(textwrap.dedent(text))
    return {"kind": "command", "command": f"{sys.executable} {tmp_path / 'p.py'}"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import sys; sys.exit('no weights here')", "exit status 1: no weights here.* on the sequence AAAAA"),
        ("for s in open(0): print('x')", "could not convert string to float: 'x'"),
        ("for s in open(0): print(1, 2)", "line 1 of its output has 2 values where 1 are needed"),
        ("print(1.5)\nprint(2)", "returned 2 rows for 4 sequences, of which the first is AAAAA"),
        ("for s in open(0): print('nan' if s[0] == 'C' else 1)", "returned nan in output 'y' for the sequence CAAAA"),
    ],
)
def test_programs_that_misbehave(tmp_path, text, message):
    codes = TEMPLATE.alphabet.encode(["AAAAA", "ACAAA", "CAAAA", "TAAAA"])
    with pytest.raises(InputError, match=message):
        Model(run_program(tmp_path, text), TEMPLATE, ["y"])(codes)


def test_programs_get_the_letters_of_the_alphabet(tmp_path):
    rna = Template(Alphabet.from_config("RNA"), "NNN")
    source = run_program(tmp_path, "for s in open(0): print(s.count('U'), ',', s.count('T'))")
    assert Model(source, rna, ["u", "t"])(rna.alphabet.encode(["TAU", "GGG"])).tolist() == [[2, 0], [0, 0]]
    with pytest.raises(InputError, match="names no program that can be run"):
        Model({"kind": "command", "command": "no-such-program --fast"}, rna, ["u"])
