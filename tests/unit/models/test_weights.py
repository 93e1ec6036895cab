"""Weights of PyTorch as users really have them: half precision, wrappers, prefixes; each mistake is one sentence.

Covers also: published.
"""

import argparse
import io
from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from oracles import all_codes
from shapsketch.models import Model
from shapsketch.models.weights import read_tensors
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

TEMPLATE = Template(Alphabet("ACGT"), "NNNNN")
CODES = all_codes((4,) * 5)[::7]
FACTORY = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv1d(4, 3, 2)
        self.norm = torch.nn.BatchNorm1d(3)
        self.dense = torch.nn.Linear(12, 1)
    def forward(self, x):
        return self.dense(torch.relu(self.norm(self.conv(x))).flatten(1))
def make():
    return Net()
def half():
    return Net().to(torch.bfloat16)
def tied():
    net = Net()
    net.again = net.dense
    return net
"""


@pytest.fixture
def net(tmp_path):
    """The network, its weights drawn anew."""
    (tmp_path / "net.py").write_text(FACTORY)
    names = {}
    exec(FACTORY, names)
    torch.manual_seed(1)
    network = names["make"]()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter)
    return network.eval()


def expected(net):
    onehot = torch.from_numpy(np.eye(4, dtype=np.float32)[CODES]).transpose(1, 2)
    with torch.inference_mode():
        return net(onehot).double().numpy()


def source(folder, name, function="make"):
    return {"kind": "torch", "factory": f"{folder / 'net.py'}:{function}", "path": str(folder / name),
            "layout": "channels_first"}  # fmt: skip


def values(folder, name, function="make"):
    return Model(source(folder, name, function), TEMPLATE, ["y"])(CODES)


def prefixed(state, prefix):
    return OrderedDict((prefix + name, tensor) for name, tensor in state.items())


WRAPPERS = {
    "plain": lambda s: s,
    "parameters that require grad": lambda s: {k: torch.nn.Parameter(v, v.is_floating_point()) for k, v in s.items()},
    "DataParallel": lambda s: prefixed(s, "module."),
    "compiled": lambda s: prefixed(s, "_orig_mod."),
    "both": lambda s: prefixed(s, "module._orig_mod."),
    "state_dict": lambda s: {"state_dict": s, "epoch": 3},
    "model": lambda s: {"model": s, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}},
    "model_state_dict": lambda s: {"epoch": 1, "model_state_dict": s, "loss": torch.tensor(0.5)},
    "another name": lambda s: {"network": s, "step": 5},
    "deep": lambda s: {"checkpoint": {"weights": s}, "step": 5},
    "Lightning": lambda s: {"state_dict": prefixed(s, "model."), "hyper_parameters": {"lr": 0.1}, "callbacks": {},
                            "pytorch-lightning_version": "2.0", "loops": {"fit": {"a": [1, 2]}}},
    "statistics beside": lambda s: {"state_dict": s, "scaler": {"mean": torch.ones(2)}},
}  # fmt: skip


@pytest.mark.parametrize("name", WRAPPERS)
@pytest.mark.parametrize("zipped", [True, False])
def test_wrappers(net, tmp_path, name, zipped):
    torch.save(WRAPPERS[name](net.state_dict()), tmp_path / "m.pth", _use_new_zipfile_serialization=zipped)
    np.testing.assert_allclose(values(tmp_path, "m.pth"), expected(net), atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("function", ["make", "half"])
def test_precisions(net, tmp_path, dtype, suffix, function):
    state = {k: v.to(dtype) if v.is_floating_point() else v for k, v in net.state_dict().items()}
    (save_file if suffix == "safetensors" else torch.save)(state, tmp_path / f"m.{suffix}")
    net.load_state_dict(
        {k: v.bfloat16() if function == "half" and v.is_floating_point() else v for k, v in state.items()}
    )
    np.testing.assert_allclose(values(tmp_path, f"m.{suffix}", function), expected(net), atol=1e-6)


def test_quantised_sparse_and_tied_tensors(net, tmp_path):
    state = net.state_dict()
    quantised = torch.quantize_per_tensor(state["dense.weight"], 0.1, 0, torch.qint8)
    state |= {"dense.weight": quantised, "conv.weight": state["conv.weight"].to_sparse()}
    torch.save(state, tmp_path / "m.pth")
    assert torch.equal(read_tensors(str(tmp_path / "m.pth"))["dense.weight"], quantised.dequantize())
    net.load_state_dict(
        {**state, "dense.weight": quantised.dequantize(), "conv.weight": state["conv.weight"].to_dense()}
    )
    np.testing.assert_allclose(values(tmp_path, "m.pth"), expected(net), atol=1e-6)
    np.testing.assert_allclose(values(tmp_path, "m.pth", "tied"), expected(net), atol=1e-6)


def refused(source, *messages):
    with pytest.raises(InputError) as caught:
        Model(source, TEMPLATE, ["y"])
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 600
    for message in messages:
        assert message in text


def without(state, *names):
    return {name: tensor for name, tensor in state.items() if name not in names}


MISFITS = {
    "missing": (lambda s: without(s, "dense.weight", "dense.bias", "conv.bias"), "Missing key 'conv.bias' and 2 more."),
    "unexpected": (lambda s: {**s, "head.bias": torch.ones(1), "head.weight": torch.ones(1)},
                   "Unexpected key 'head.bias' and 1 more."),
    "shape": (lambda s: {**s, "dense.bias": torch.ones(2)}, "'dense.bias' is (2,) in the file and (1,)"),
    "complex": (lambda s: {**s, "dense.bias": torch.ones(1) * 1j}, "'dense.bias' holds complex64 in the file"),
    "whole": (lambda s: {**s, "dense.bias": torch.ones(1).to(torch.int8)}, "'dense.bias' holds int8 in the file"),
    "two": (lambda s: {"model": s, "ema": s}, "holds several sets of weights (model, ema); save the one that you mean"),
    "values": (lambda s: {**s, "epoch": 3}, "it holds 'epoch', a int, and tensors by name are needed"),
    "a tensor": (lambda s: torch.ones(3), "it holds a Tensor, and tensors by name are needed"),
    "hyper-parameters": (lambda s: {"state_dict": s, "hyper_parameters": argparse.Namespace(lr=1)},
                         "holds an object of the class argparse.Namespace, which could run code"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISFITS)
@pytest.mark.parametrize("zipped", [True, False])
def test_weights_that_do_not_fit(net, tmp_path, name, zipped):
    change, message = MISFITS[name]
    torch.save(change(net.state_dict()), tmp_path / "m.pth", _use_new_zipfile_serialization=zipped)
    refused(source(tmp_path, "m.pth"), "m.pth", message)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("m.pth", "a state_dict"),
        ("m.safetensors", "a file of weights"),
        ("m.npz", "a file of weights"),
        ("m.ckpt", "a state_dict (under 'state_dict')"),
    ],
)
def test_weights_without_a_network(net, tmp_path, name, kind):
    state = net.state_dict()
    match name.rpartition(".")[2]:
        case "safetensors":
            save_file(state, tmp_path / name)
        case "npz":
            np.savez(tmp_path / name, **{k: v.numpy() for k, v in state.items()})
        case "ckpt":
            torch.save({"state_dict": state}, tmp_path / name)
        case _:
            torch.save(state, tmp_path / name)
    plain = {"kind": "torch", "path": str(tmp_path / name), "layout": "channels_first"}
    refused(plain, f"{name} is {kind} (9 tensors, the first ", 'add factory: "file.py:function"')


@pytest.mark.parametrize("zipped", [True, False])
def test_whole_networks_that_were_pickled(tmp_path, zipped):
    torch.save(torch.nn.Sequential(torch.nn.Linear(4, 1)), tmp_path / "m.pth", _use_new_zipfile_serialization=zipped)
    plain = {"kind": "torch", "path": str(tmp_path / "m.pth"), "layout": "channels_first"}
    message = "holds an object of the class torch.nn.modules.container.Sequential, which could run code when opened"
    refused(plain, message, "torch.save(network.state_dict(), 'm.pth')")
    (tmp_path / "net.py").write_text(FACTORY)
    refused(source(tmp_path, "m.pth"), message)


def exported(folder, net, size=2, dynamic=None, dtype=torch.float32):
    program = torch.export.export(net.to(dtype), (torch.zeros(size, 4, 5, dtype=dtype),), dynamic_shapes=dynamic)
    torch.export.save(program, folder / "m.pt2")
    return {"kind": "torch", "path": str(folder / "m.pt2"), "layout": "channels_first"}


@pytest.mark.parametrize("size", [1, 3, 200])
def test_programs_of_a_fixed_batch(net, tmp_path, size):
    truth = expected(net)
    model = Model(exported(tmp_path, net, size), TEMPLATE, ["y"])
    np.testing.assert_allclose(model(CODES), truth, atol=1e-6)
    np.testing.assert_allclose(model(CODES[:1]), truth[:1], atol=1e-6)
    assert model(CODES[:0]).shape == (0, 1)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_programs_get_the_numbers_that_they_declare(net, tmp_path, dtype):
    truth = expected(net)
    batch = torch.export.Dim("batch", min=1)
    found = Model(exported(tmp_path, net, 2, ({0: batch},), dtype), TEMPLATE, ["y"])(CODES)
    np.testing.assert_allclose(found, truth, atol=0.2 if dtype == torch.bfloat16 else 1e-5)


def test_programs_where_weights_are_meant(net, tmp_path):
    exported(tmp_path, net)
    (tmp_path / "net.py").write_text(FACTORY)
    refused(source(tmp_path, "m.pt2"), "is an exported program, which needs no factory")
    torch.jit.trace(net, torch.zeros(1, 4, 5)).save(tmp_path / "m.pt")
    refused(source(tmp_path, "m.pt"), "is a TorchScript program, which needs no factory")


def test_files_that_are_neither(net, tmp_path):
    plain = {"kind": "torch", "path": str(tmp_path / "m.pth"), "layout": "channels_first"}
    refused(plain, "m.pth does not exist")
    (tmp_path / "m.pth").mkdir()
    refused(plain, "m.pth is a folder")
    refused(source(tmp_path, "m.pth"), "m.pth is a folder")
    (tmp_path / "m.pth").rmdir()
    whole = io.BytesIO()
    torch.save(net.state_dict(), whole)
    for content in (b"", b"text", whole.getvalue()[:700], b"\x80\x02 broken", b"\x00" * 64):
        (tmp_path / "m.pth").write_bytes(content)
        refused(plain, "m.pth is no file of torch.save, or is damaged")
        refused(source(tmp_path, "m.pth"), "m.pth", "is no file of torch.save, or is damaged")
    np.savez(tmp_path / "m.npz", words=np.array(["a"]))
    refused(source(tmp_path, "m.npz"), "The array 'words' of", "numbers are needed")


def test_complex_predictions(tmp_path):
    (tmp_path / "net.py").write_text("import torch\nclass Net(torch.nn.Module):\n    def forward(self, x):\n"
                                     "        return x.sum((1, 2)) * 1j\n")  # fmt: skip
    complex_source = {"kind": "torch", "factory": f"{tmp_path / 'net.py'}:Net", "layout": "channels_first"}
    with pytest.raises(InputError, match="returned complex numbers"):
        Model(complex_source, TEMPLATE, ["y"])(CODES)


def test_arrays_that_a_published_architecture_lacks(tmp_path):
    """A deeper network of the same family would lose a layer."""
    sizes = {"conv1": (3, 40, 8), "conv2": (3, 8, 8), "conv3": (3, 8, 8), "dense1": (8, 4), "output": (4, 1)}
    arrays = {f"{k}_kernel": np.ones(v, np.float32) for k, v in sizes.items()}
    arrays |= {f"{k}_bias": np.ones(v[-1], np.float32) for k, v in sizes.items()}
    arrays |= {"aa_index_features": np.ones((21, 19), np.float32)}
    plain = {"kind": "torch", "architecture": "nn4dms_cnn", "path": str(tmp_path / "m.npz"), "layout": "channels_first"}
    np.savez(plain["path"], **arrays, conv4_kernel=np.ones((3, 8, 8)))
    refused(plain, "has the array 'conv4_kernel', which the architecture nn4dms_cnn does not have")
    np.savez(plain["path"], **{**arrays, "dense1_bias": np.ones(1, np.float32)})
    refused(plain, "does not fit the architecture nn4dms_cnn: a bias of shape (1,) stands beside 4 units")
