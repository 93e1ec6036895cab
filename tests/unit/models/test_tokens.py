"""Tokens, vocabularies, and inputs that are held constant."""

import json
import re

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from token_cases import CODES, TABLE, TEMPLATE, TOKENS, VOCABULARY, places

from shapsketch.models import Model, identity
from shapsketch.models.layouts import check_shape
from shapsketch.models.tokens import Tokens
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.settings.sources import locate, named_files


def expected(attended=9):
    own = np.array([VOCABULARY.index(letter) for letter in "ACGT"])[CODES]
    rows = np.column_stack([np.zeros(len(CODES), int), own, np.full(len(CODES), 2), np.ones((len(CODES), 2), int)])
    return TABLE.astype(np.float64)[np.arange(9), rows][:, :attended].sum(1)


def onnx_tokens(folder, element=TensorProto.INT64, held=()):
    nodes = [
        helper.make_node("Cast", ["x"], ["whole"], to=TensorProto.INT64),
        helper.make_node("OneHot", ["whole", "depth", "values"], ["onehot"], axis=-1),
        helper.make_node("Mul", ["onehot", "table"], ["scaled"]),
        helper.make_node("ReduceSum", ["scaled", "axes"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", held[0]], ["y"]) if held else helper.make_node("Identity", ["sum"], ["y"]),
    ]
    constants = {"depth": np.array(9), "values": np.float32([0, 1]), "table": TABLE, "axes": np.array([1, 2])}
    inputs = [helper.make_tensor_value_info("x", element, ["n", 9])]
    inputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in held]
    graph = helper.make_graph(
        nodes, "g", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )  # fmt: skip
    path = folder / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return {"kind": "onnx", "path": str(path), "input": "tokens", "tokens": TOKENS}


@pytest.mark.parametrize("form", ["list", "mapping", "text", "json"])
def test_vocabularies(tmp_path, form):
    vocabulary = VOCABULARY if form in ("list", "text") else {token: k for k, token in enumerate(VOCABULARY)}
    if form in ("text", "json"):
        path = tmp_path / f"vocabulary.{form}"
        path.write_text("\n".join(VOCABULARY) if form == "text" else json.dumps(vocabulary))
        vocabulary = str(path)
    source = places(tmp_path, vocabulary=vocabulary)
    np.testing.assert_allclose(Model(source, TEMPLATE, ["y"])(CODES)[:, 0], expected(), atol=1e-5)
    assert check_shape(source, TEMPLATE)
    if form in ("text", "json"):
        assert named_files(source)[-1] == vocabulary
        assert locate(source, ["w", "net.py", "v"])["tokens"]["vocabulary"] == "v"


@pytest.mark.parametrize("element", [TensorProto.INT64, TensorProto.INT32])
def test_tokens_of_onnx_files(tmp_path, element):
    np.testing.assert_allclose(
        Model(onnx_tokens(tmp_path, element), TEMPLATE, ["y"])(CODES)[:, 0], expected(), atol=1e-5
    )


def test_padding_is_told_to_the_network(tmp_path):
    source = places(tmp_path, attention="attention_mask")
    np.testing.assert_allclose(Model(source, TEMPLATE, ["y"])(CODES)[:, 0], expected(7), atol=1e-5)


def test_letters_without_a_vocabulary_are_numbered_from_0_and_n_has_a_token(tmp_path):
    tokens = Tokens.read({"unknown": 7}, TEMPLATE)
    assert tokens.encode(TEMPLATE.alphabet.encode(["ACGTN"])).tolist() == [[0, 1, 2, 3, 7]]
    source = places(tmp_path, unknown="N")
    model = Model(source, TEMPLATE, ["y"])
    change = TABLE[3, VOCABULARY.index("N")] - TABLE[3, VOCABULARY.index("G")]
    known, unknown = model(TEMPLATE.alphabet.encode(["ACGTA", "ACNTA"]))[:, 0]
    assert unknown - known == pytest.approx(change, abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"vocabulary": ["A", "C"]}, "has no number for G, T of the alphabet ACGT; it has A, C."),
        ({"before": ["<bos>"]}, "The vocabulary of the model's tokens has no '<bos>'; it has <cls>, <pad>"),
        ({"length": 6}, "takes 6 tokens, and a sequence of 5 letters with 1 tokens before and 1 after it has 7"),
        ({"vocabulary": "none.txt"}, "The vocabulary none.txt cannot be read"),
        ({"vocabulary": {"A": "x", "C": 1, "G": 2, "T": 3}}, "gives 'A' no whole number"),
    ],
)
def test_tokens_that_do_not_fit(tmp_path, changes, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)) as told:
        Model(places(tmp_path, **changes), TEMPLATE, ["y"])
    assert "\n" not in str(told.value)
    with pytest.raises(InputError, match="are to be filled up to 9; say with which: padding"):
        Tokens.read({"length": 9}, TEMPLATE)


def test_inputs_that_are_held_constant(tmp_path):
    plain = Model(places(tmp_path), TEMPLATE, ["y"])(CODES)
    np.save(tmp_path / "held.npy", np.array([0.0, 3.0]))
    for scale in ([0, 3], str(tmp_path / "held.npy")):
        source = places(tmp_path) | {"constants": {"scale": scale}}
        np.testing.assert_allclose(Model(source, TEMPLATE, ["y"])(CODES), 3 * plain, rtol=1e-5)
    assert str(tmp_path / "held.npy") in identity(source)["files"]
    source = onnx_tokens(tmp_path, held=["scale"]) | {"constants": {"scale": 3}}
    np.testing.assert_allclose(Model(source, TEMPLATE, ["y"])(CODES), 3 * plain, rtol=1e-5)
    with pytest.raises(
        InputError, match="takes the inputs x .*, scale .*; one of whole numbers is needed; hold the oth"
    ):
        Model({key: value for key, value in source.items() if key != "constants"}, TEMPLATE, ["y"])
    with pytest.raises(InputError, match="The constant input scale cannot be read from none.npy"):
        Model(source | {"constants": {"scale": "none.npy"}}, TEMPLATE, ["y"])


def test_programs_with_a_constant_input(tmp_path):
    class Scaled(torch.nn.Module):
        def forward(self, cell, x):
            return (x.flatten(1) @ torch.arange(20.0)) * cell[:, 1]

    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(
        Scaled(), (torch.ones(2, 3), torch.ones(2, 4, 5)), dynamic_shapes=({0: batch}, {0: batch})
    )
    path = str(tmp_path / "m.pt2")
    torch.export.save(program, path)
    source = {"kind": "torch", "path": path, "layout": "channels_first"}
    values = Model(source | {"constants": {"cell": [0, 2.0, 0]}}, TEMPLATE, ["y"])(CODES)
    assert values[:, 0].tolist() == (2 * (5 * CODES.astype(int) + np.arange(5)).sum(1)).tolist()
    for constants in ({}, {"constants": {"celt": 1}}):
        with pytest.raises(
            InputError, match="takes the inputs cell, x; hold all but one of them constant, by its name"
        ):
            Model(source | constants, TEMPLATE, ["y"])


def test_bedict_reads_letter_numbers(shared, root):
    """Twenty outputs of a published transformer, to its reference predictions."""
    folder = shared / "bedict_abemax"
    table = pd.read_csv(folder / "reference_predictions.csv")
    source = {
        "kind": "torch", "factory": f"{root}/tests/bedict.py:BeDict", "path": str(folder / "bedict_abemax_weights.npz"),
        "input": "tokens", "tokens": {"vocabulary": ["A", "C", "T", "G"]},
    }  # fmt: skip
    outputs = [f"p{k}" for k in range(1, 21)]
    model = Model(source, Template(Alphabet("ACGT"), "N{20}"), outputs)
    logits = model(model.template.alphabet.encode(table.sequence.tolist()))
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), table.iloc[:, 1:21], atol=1e-5)
