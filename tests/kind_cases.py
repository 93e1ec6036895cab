"""The same additive function of 5-mers, as a model of each kind; `MAKERS` names them."""

import os
import sys

import numpy as np
import onnx
import pandas as pd
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

from oracles import all_codes
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template

os.environ.setdefault("KERAS_BACKEND", "torch")
TEMPLATE = Template(Alphabet("ACGT"), "NNNNN")
OUTPUTS = ("first", "second")
WEIGHTS = np.random.default_rng(1).normal(size=(5, 4, 2)).astype(np.float32)  # position, letter, output
CODES = all_codes((4,) * 5)[::7]
ONEHOT = {"layout": "channels_last", "dtype": "float32"}


def truth(codes):
    """The function that every model of this file is made to compute."""
    return sum(WEIGHTS[i].astype(np.float64)[codes[:, i]] for i in range(5))


class Additive(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = torch.nn.Linear(20, 2, bias=False)
        self.dense.weight = torch.nn.Parameter(torch.from_numpy(WEIGHTS.reshape(20, 2).T.copy()), requires_grad=False)

    def forward(self, x):
        return self.dense(x.flatten(1))


def exported(folder):
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(Additive(), (torch.zeros(2, 5, 4),), dynamic_shapes=({0: batch},))
    torch.export.save(program, folder / "m.pt2")
    return {"kind": "torch", "path": str(folder / "m.pt2"), **ONEHOT}


def scripted(folder):
    torch.jit.trace(Additive(), torch.zeros(2, 5, 4)).save(folder / "m.pt")
    return {"kind": "torch", "path": str(folder / "m.pt"), **ONEHOT}


FACTORY = """
import torch
class Named(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = torch.nn.Linear(20, 2, bias=False)
    def forward(self, x):
        y = self.dense(x.flatten(1))
        return {"second": y[:, 1:], "unused": y[:, 0], "first": y[:, 0]}
def make():
    return Named()
def not_a_network():
    return 5
"""


def factory(folder, suffix=".safetensors"):
    path = folder / f"weights{suffix}"
    weights = {"dense.weight": WEIGHTS.reshape(20, 2).T.copy()}
    if suffix == ".safetensors":
        save_file(weights, path)
    elif suffix == ".npz":
        np.savez(path, **weights)
    else:
        torch.save({"state_dict": {k: torch.from_numpy(v) for k, v in weights.items()}, "epoch": 3}, path)
    (folder / "net.py").write_text(FACTORY)
    return {"kind": "torch", "factory": f"{folder / 'net.py'}:make", "path": str(path), **ONEHOT}


def onnx_file(folder, split=False):
    kernel = numpy_helper.from_array(WEIGHTS.reshape(20, 2), "kernel")
    nodes = [helper.make_node("Flatten", ["x"], ["flat"]), helper.make_node("MatMul", ["flat", "kernel"], ["y"])]
    outputs = ["y"]
    if split:
        nodes.append(helper.make_node("Split", ["y"], list(OUTPUTS), axis=1, num_outputs=2))
        outputs = OUTPUTS[::-1]
    graph = helper.make_graph(
        nodes,
        "additive",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 5, 4])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [kernel],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, folder / "m.onnx")
    return {"kind": "onnx", "path": str(folder / "m.onnx"), "layout": "channels_last"}


def keras_h5(folder):
    import keras

    inputs = keras.Input((5, 4))
    flat = keras.layers.Flatten()(inputs)
    layers = [keras.layers.Dense(1, use_bias=False, name=name) for name in OUTPUTS]
    model = keras.Model(inputs, [layer(flat) for layer in layers])
    for k, layer in enumerate(layers):
        layer.set_weights([WEIGHTS.reshape(20, 2)[:, k : k + 1]])
    model.save(folder / "m.h5")
    return {"kind": "keras_h5", "path": str(folder / "m.h5"), **ONEHOT}


def trees(folder):
    """A stump for each position and letter, one file per output."""
    paths = []
    for k, name in enumerate(OUTPUTS):
        tree, node = np.divmod(np.arange(60), 3)
        feature = np.where(node == 0, tree, -1)
        leaf = np.where(node == 2, WEIGHTS.reshape(20, 2)[tree, k].astype(float), 0.0)
        children = {side: np.where(node == 0, child, -1) for side, child in (("yes", 1), ("no", 2))}
        paths.append(str(folder / f"{name}.npz"))
        np.savez(
            paths[-1], tree=tree, node=node, feature=feature, threshold=np.full(60, 0.5), leaf=leaf, base_score=0.0,
            **children,
        )  # fmt: skip
    return {"kind": "trees", "path": paths, "layout": "flat"}


PROGRAM = """
import sys
import numpy as np
weights = np.load(sys.argv[1])
def predict(sequences):
    codes = np.array([["ACGT".index(a) for a in s] for s in sequences])
    return sum(weights[i].astype(float)[codes[:, i]] for i in range(5))
if __name__ == "__main__":
    for row in predict(sys.stdin.read().split()):
        print(*map(repr, row.tolist()), sep="\\t")
"""


def python(folder):
    np.save(folder / "w.npy", WEIGHTS)
    (folder / "m.py").write_text(PROGRAM.replace("sys.argv[1]", repr(str(folder / "w.npy"))))
    return {"kind": "python", "target": f"{folder / 'm.py'}:predict", "input": "strings"}


def command(folder):
    python(folder)
    return {"kind": "command", "command": f"{sys.executable} '{folder / 'm.py'}'"}


def table(folder):
    codes = all_codes((4,) * 5)
    frame = pd.DataFrame(truth(codes), columns=list(OUTPUTS))
    frame.insert(0, "sequence", TEMPLATE.alphabet.decode(codes))
    frame.to_parquet(folder / "t.parquet")
    return {"kind": "table", "path": str(folder / "t.parquet")}


SHARED = WEIGHTS[0]  # (4, 2), of every position of the models that answer by position


def by_position(folder, kind):
    """A model that answers (N, 5, 2): by position, what its letter gives to both outputs."""
    path = str(folder / "m")
    if kind == "torch":

        class ByPosition(torch.nn.Module):
            def forward(self, x):
                return x.sum((1, 2)), {"ignored": x}, x @ torch.from_numpy(SHARED)

        torch.jit.trace(ByPosition(), torch.zeros(2, 5, 4), strict=False).save(path)
        return {"kind": kind, "path": path, **ONEHOT}
    if kind == "onnx":
        graph = helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 5, 4])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [numpy_helper.from_array(SHARED, "w")],
        )  # fmt: skip
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
        return {"kind": kind, "path": path, "layout": "channels_last"}
    if kind == "keras_h5":
        import keras

        model = keras.Sequential([keras.Input((5, 4)), keras.layers.Conv1D(2, 1, use_bias=False)])
        model.layers[-1].set_weights([SHARED[None]])
        model.save(f"{path}.h5")
        return {"kind": kind, "path": f"{path}.h5", **ONEHOT}
    np.save(folder / "w.npy", SHARED)
    (folder / "m.py").write_text(
        f"import sys, numpy as np\nw = np.load({str(folder / 'w.npy')!r})\n"
        "def predict(sequences):\n"
        "    return len(sequences) * [0.0], w[np.array([['ACGT'.index(a) for a in s] for s in sequences])]\n"
        "if __name__ == '__main__':\n"
        "    for row in predict(sys.stdin.read().split())[1]:\n"
        "        print(*map(repr, row.ravel().tolist()))\n"
    )
    if kind == "python":
        return {"kind": kind, "target": f"{folder / 'm.py'}:predict", "input": "strings"}
    return {"kind": "command", "command": f"{sys.executable} '{folder / 'm.py'}'"}


MAKERS = {
    "exported": exported,
    "scripted": scripted,
    "factory": factory,
    "onnx": onnx_file,
    "onnx, named outputs": lambda folder: onnx_file(folder, split=True),
    "keras_h5": keras_h5,
    "trees": trees,
    "python": python,
    "command": command,
    "table": table,
}
