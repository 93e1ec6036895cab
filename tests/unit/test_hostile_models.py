"""A file that would run a command when it is unpickled is refused by every kind that runs no code on purpose."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch

from shapsketch.models import KINDS, Model
from shapsketch.models.dictionary import Dictionary
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

TEMPLATE = Template(Alphabet("ACGT"), "N" * 30)
RUNS_CODE = {"python", "command"}  # on purpose
NO_FILE = {"builtin"}


class Hostile:
    """Makes the folder that it is given when it is unpickled."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return (os.mkdir, (self.folder,))


def pickled(folder):
    return pickle.dumps(Hostile(folder))


def saved_by_torch(folder):
    file = io.BytesIO()
    torch.save({"dense.weight": Hostile(folder)}, file)
    return file.getvalue()


def saved_by_numpy(folder):
    file = io.BytesIO()
    np.savez(file, w=np.array([Hostile(folder)], dtype=object))
    return file.getvalue()


def scripted(folder):
    """A TorchScript archive whose data were replaced."""
    file, changed = io.BytesIO(), io.BytesIO()
    torch.jit.save(torch.jit.trace(torch.nn.Linear(4, 1), torch.zeros(1, 4)), file)
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            target.writestr(name, pickled(folder) if name.endswith("data.pkl") else source.read(name))
    return changed.getvalue()


CONTENTS = (pickled, saved_by_torch, saved_by_numpy, scripted)
NAMES = {
    "torch": ["m.pt2", "m.pt"],
    "onnx": ["m.onnx"],
    "keras_h5": ["m.h5"],
    "trees": ["m.txt", "m.json", "m.npz"],
    "table": ["m.csv", "m.tsv", "m.parquet"],
}


def test_every_kind_is_here():
    assert set(NAMES) | RUNS_CODE | NO_FILE | {"latents"} == set(KINDS)


@pytest.mark.parametrize("content", CONTENTS)
def test_hostile_dictionaries_of_latents_are_refused(tmp_path, content):
    (tmp_path / "dictionary.safetensors").write_bytes(content(tmp_path / "ran"))
    with pytest.raises(InputError, match=r"dictionary\.safetensors"):
        Dictionary.load(tmp_path / "dictionary.safetensors")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in NAMES.items() for name in names])
def test_hostile_files_are_refused(tmp_path, kind, name, content):
    (tmp_path / name).write_bytes(content(tmp_path / "ran"))
    refused({"kind": kind, "path": str(tmp_path / name), "layout": "flat"}, tmp_path)


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("suffix", ["safetensors", "npz", "pt", "pth", "ckpt", "bin"])
@pytest.mark.parametrize("architecture", ["deepspcas9", "nn4dms_cnn"])
def test_hostile_weights_are_refused(tmp_path, suffix, content, architecture):
    path = tmp_path / f"w.{suffix}"
    path.write_bytes(content(tmp_path / "ran"))
    refused({"kind": "torch", "architecture": architecture, "path": str(path), "layout": "channels_first"}, tmp_path)


def refused(source, folder):
    with pytest.raises(InputError, match="(?i)is|holds|has|cannot") as caught:
        Model(source, TEMPLATE, ["y"])
    assert "\n" not in str(caught.value)
    assert not (folder / "ran").exists()


def test_the_file_is_hostile_indeed(tmp_path):
    pickle.loads(pickled(tmp_path / "ran"))
    assert (tmp_path / "ran").exists()
