"""Networks of PyTorch: several tensors, none, declared shapes."""

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch
from answer_cases import CODES, TEMPLATE, G

from shapsketch.models import Model, torch_model
from shapsketch.models.torch_model import refuse_pickles
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

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


def test_programs(tmp_path):
    class Sum(torch.nn.Module):
        def forward(self, x):
            return x.flatten(1).sum(1)

    batch, length = torch.export.Dim("batch", min=1), torch.export.Dim("length", min=2)
    path = str(tmp_path / "m.pt2")
    for shapes, expected in (({0: batch}, (5, 4)), ({0: batch, 1: length}, (None, 4)), (None, (5, 4))):
        dynamic = None if shapes is None else (shapes,)
        torch.export.save(torch.export.export(Sum(), (torch.zeros(2, 5, 4),), dynamic_shapes=dynamic), path)
        assert torch_model.declared_input_shape(path) == expected
    torch.jit.trace(Sum(), torch.zeros(2, 5, 4)).save(path)
    assert torch_model.declared_input_shape(path) is None
    with pytest.raises(InputError, match="does not exist"):
        torch_model.declared_input_shape(str(tmp_path / "no.pt2"))


FIVE = Template(Alphabet("ACGT"), "NNNNN")


@pytest.mark.parametrize("layout", ["channels_first", "channels_last", "flat"])
def test_torch_layouts(tmp_path, layout):
    class Probe(torch.nn.Module):
        def forward(self, x):
            flat = x.transpose(1, 2).flatten(1) if layout == "channels_first" else x.flatten(1)
            return flat @ torch.arange(20.0)[:, None]

    shape = {"channels_first": (2, 4, 5), "channels_last": (2, 5, 4), "flat": (2, 20)}[layout]
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(Probe(), (torch.zeros(shape),), dynamic_shapes=({0: batch},))
    path = tmp_path / "m.pt2"
    torch.export.save(program, path)
    model = Model({"kind": "torch", "path": str(path), "layout": layout, "dtype": "float32"}, FIVE, ["y"])
    codes = FIVE.alphabet.encode(["ACGTA", "TTTTT", "CCCCC"])
    assert model(codes)[:, 0].tolist() == [float(sum(4 * i + a for i, a in enumerate(row))) for row in codes]


class Hostile:
    def __reduce__(self):
        return (print, ("this pickle ran",))


def test_hostile_torch_files_are_refused(tmp_path, capsys, root):
    path = tmp_path / "m.pt2"
    path.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(InputError, match="not an exported PyTorch program"):
        refuse_pickles(str(path))
    original = root / "resources/models/guide_cnn/model.pt2"
    refuse_pickles(str(original))
    evil = io.BytesIO()
    torch.save(Hostile(), evil)
    for change in ("sample_inputs/model.pt", "custom_obj_0"):
        with zipfile.ZipFile(original) as source, zipfile.ZipFile(path, "w") as target:
            for name in source.namelist():
                target.writestr(name, evil.getvalue() if name.endswith(change) else source.read(name))
            if change.startswith("custom"):
                target.writestr(f"model/data/constants/{change}", evil.getvalue())
        with pytest.raises(InputError, match="could run code|more than plain tensors"):
            Model({"kind": "torch", "path": str(path), "layout": "flat", "dtype": "float32"}, FIVE, ["y"])
    assert "this pickle ran" not in capsys.readouterr().out
