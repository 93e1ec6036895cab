"""Published checkpoints become plain arrays: the original files where they are here, and small ones of our own.

Covers also: models/convert/tensorflow_checkpoint, models/convert/xgboost_pickle.
"""

import base64
import io
import os
import pickle
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from shapsketch.models import Model
from shapsketch.models.convert import convert
from shapsketch.models.convert.tensorflow_checkpoint import read_checkpoint
from shapsketch.models.convert.xgboost_pickle import _byte_strings, _InertUnpickler, read_pickled_booster
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

# XGBRegressor(n_estimators=3, max_depth=3) of XGBoost 0.82 on 4-mers, pickled with protocol 2
PICKLED = (
    "c-q}oNpBQK6z-Yv+A-Mdge@@;unBRzg0V59jHOsG5(l3;hp4FTDP|ganb*~WF~SNQKp>DnfLJ92$q6B$TnGu+MymcJ{0xqHRn;C3"
    "R(uXgwMO&Rd-az3Ua4MP$~x!Eb{O)wkDv7zjRMn}DonF-#5fNl6O7)=keP#QkJWA%hELCv6061)$Q5(e8k8s-Hz<>c#tfRK@_#*&"
    "<FVC&%78E)yFQJ>h(j}4w4ji?9t&b<xu!gZ_8I2H?l}gnmWlI-mB&0cK(EkdwW2^J$0BG~#$`K>7z5L4mJ{mx6uu}LR+r4p4Tw{5"
    "y%L#WZn+XeM=@iqttaipl%S(3tikm%GOyX3`c;p?T3jeSIH9K{#GX}QI#IE1g~DU!m<L^`Y1ioz>QyTg)}h;U1H_}gU81l)^~)WK"
    "rqz%yWwrqoa;;4{Bisoi1{<gH9}G3ru6>ttWED0|{qivt%k7_?p;4K`<~i76wc(r;Qg*i1%P75>sn~=sv3%R+V0(`$)@erLTEs{|"
    "ea2zO&#<${%1U`Z?9yNWzS3Y2zSdv}x-}Sv-5QL*9t{q`UJVYzHyVt>J`Ik*ek-RO_CrsK2B0@ZgK!{4L-1{ihT&j}M&LX4NxJcD"
    "71QlIsVJz>poBI1-XX-Uxn7J_CnnYlPfSE-P3U)s6PB36O%_OC!hlt4RutyDjDLTa>HqRUZ%HNkY)cL@_*<E4#`rvj%p=z@{~S0?"
    "-s?~1CXXL7DlW-_8xkyOmp*0jM!eZ978;Ek)d#!9)rqk&r-1hNCp(h2S+SU{hdVu)yk=rvEG}mtZWd<5i~afk4?{nSKU!BONc@`I"
    "f(h~N;;5!*o4B346bqkl^g#S3UaTM~xzfF*PEzZCiX>UmCY^O%`j6byl0Sc%$gIZe22?D_2+cZzB1ZXZTFqp4@;v!n%r~tPuQOS="
    "Am&db*Ei`}h&#!><gN~4oXU)=VmuM=#Y3@}X)MO^@wWW(?mH*98seF*SMn^mlRt)wUKMit#Er(oFK!paYjIQDZ>((fhu-Arjz)<d"
    "FsSZqkK#2w07F+{cp65oz@ce4TxqYEsy*BIMj$SBD_j%?Fj~y2rm4h%yb+1#`fdzIin*F?NfJ0?B^W!Yo){6fgV4v$E}tLcMcqAv"
    "xDqj1f}^@+1msL;bC|%c+lf=xuZB@f14nljIHsJIsT)APX7~LK#aHf2"
)
# what it predicts for every 17th 4-mer
PREDICTED = [0.39882057905197144, 0.39882057905197144, 0.6777443289756775, 0.4147515296936035, 0.39882057905197144,
    0.39882057905197144, 0.6777443289756775, 0.40066641569137573, 0.39882057905197144, 0.39882057905197144,
    0.6777443289756775, 0.40066641569137573, 0.39882057905197144, 0.39882057905197144, 0.6777443289756775,
    0.40066641569137573]  # fmt: skip


def regressor():
    return zlib.decompress(base64.b85decode(PICKLED))


def test_pickled_boosters(tmp_path):
    (tmp_path / "a.p").write_bytes(regressor())
    (tmp_path / "b.p").write_bytes(regressor())
    convert("sprout", [str(tmp_path / "a.p"), str(tmp_path / "b.p")], tmp_path / "both.npz")
    template = Template(Alphabet("ACGT"), "NNNN")
    codes = np.stack(np.unravel_index(np.arange(0, 256, 17), (4,) * 4), 1).astype(np.uint8)
    source = {"kind": "trees", "path": str(tmp_path / "both.npz"), "layout": "flat"}
    values = Model(source, template, ["a", "b"])(codes)
    np.testing.assert_allclose(values, np.transpose([PREDICTED] * 2), atol=1e-6)


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("raw", [bytes, bytearray])
def test_the_bytes_are_found_however_they_were_pickled(tmp_path, protocol, raw):
    """The booster may be the bytes themselves, deep in other containers."""
    (tmp_path / "a.p").write_bytes(regressor())
    expected = read_pickled_booster(tmp_path / "a.p")
    content = _InertUnpickler(io.BytesIO(regressor()), encoding="latin1").load()
    booster = next(b for b in _byte_strings(content, set()) if b"gbtree" in b)
    (tmp_path / "b.p").write_bytes(pickle.dumps({"deep": [1, ("x", raw(booster))]}, protocol=protocol))
    found = read_pickled_booster(tmp_path / "b.p")
    assert all((found[name] == expected[name]).all() for name in expected)


class Hostile:
    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return (os.mkdir, (self.folder,))


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_hostile_pickle_does_nothing(tmp_path, protocol):
    (tmp_path / "a.p").write_bytes(pickle.dumps([Hostile(tmp_path / "ran")], protocol=protocol))
    with pytest.raises(InputError, match="is not a pickled booster of XGBoost before 1.0"):
        read_pickled_booster(tmp_path / "a.p")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"not a pickle", b"\x80\x02", zlib.compress(b"x")])
def test_files_that_are_no_pickle(tmp_path, content):
    (tmp_path / "a.p").write_bytes(content)
    with pytest.raises(InputError, match="is not a pickled booster that can be read"):
        read_pickled_booster(tmp_path / "a.p")
    with pytest.raises(InputError, match="does not exist"):
        read_pickled_booster(tmp_path / "b.p")


def original(shared):
    return str(next((shared / "deepspcas9/original").glob("*.index")))


def test_the_original_checkpoint_of_deepspcas9(shared, tmp_path):
    convert("deepspcas9", [original(shared)], tmp_path / "m.safetensors")
    arrays = load_file(tmp_path / "m.safetensors")
    with np.load(shared / "deepspcas9/deepspcas9_weights.npz", allow_pickle=False) as expected:
        assert set(arrays) == set(expected.files)
        assert all((arrays[name] == expected[name]).all() for name in arrays)
    table = pd.read_csv(shared / "deepspcas9/reference_predictions.csv")
    source = {"kind": "torch", "architecture": "deepspcas9", "path": str(tmp_path / "m.safetensors")}
    model = Model({**source, "layout": "channels_first"}, Template(Alphabet("ACGT"), "N" * 30), ["efficacy"])
    values = model(model.template.alphabet.encode(table.sequence.tolist()))
    np.testing.assert_allclose(values[:, 0], table.score_tf, atol=1e-4)


def test_the_original_checkpoint_holds_its_optimizer_too(shared):
    arrays = read_checkpoint(original(shared))
    assert len(arrays) == 38
    assert arrays["beta1_power"].shape == ()
    assert {array.dtype.str for array in arrays.values()} == {"<f4"}
    assert arrays["Fully_Connected_Layer1/W_fcl1"].shape == (2790, 80)


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def write_checkpoint(path, arrays):
    """A checkpoint as TensorFlow writes it, in one block without shared prefixes."""
    data, entries = b"", {b"": b"\x08\x01"}
    for name, array in sorted((name, array.astype("<f4")) for name, array in arrays.items()):
        shape = b"".join(b"\x12" + varint(len(d)) + d for d in (b"\x08" + varint(n) for n in array.shape))
        place = b"\x20" + varint(len(data)) + b"\x28" + varint(array.nbytes)
        entries[name.encode()] = b"\x08\x01\x12" + varint(len(shape)) + shape + place
        data += array.tobytes()

    def block(pairs):
        body = b"".join(b"\x00" + varint(len(k)) + varint(len(v)) + k + v for k, v in pairs)
        return body + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")

    content = block(entries.items())
    index = block([(b"~", varint(0) + varint(len(content)))])
    body = content + bytes(5) + index + bytes(5)
    handles = varint(0) + varint(0) + varint(len(content) + 5) + varint(len(index))
    footer = handles + bytes(40 - len(handles)) + (0xDB4775248B80FB57).to_bytes(8, "little")
    path.with_suffix(".index").write_bytes(body + footer)
    path.with_suffix(".data-00000-of-00001").write_bytes(data)


def test_nn4dms_networks(shared, tmp_path):
    """The published weights, put back into a checkpoint as its training code wrote it."""
    with np.load(shared / "nn4dms_gb1/gb1_cnn_weights.npz", allow_pickle=False) as archive:
        expected = {name: archive[name] for name in archive.files}
    names = {"conv1": "conv2d", "conv2": "conv2d_1", "conv3": "conv2d_2", "dense1": "dense", "output": "output"}
    stored = {f"{new}/{part}": expected[f"{old}_{part}"] for old, new in names.items() for part in ("kernel", "bias")}
    stored |= {f"{name}/Adam": array for name, array in stored.items()}
    write_checkpoint(tmp_path / "gb1_cnn.x", stored)
    np.save(tmp_path / "pca-19.npy", expected["aa_index_features"].astype(float))
    paths = [str(tmp_path / name) for name in ("gb1_cnn.index", "gb1_cnn.data-00000-of-00001", "pca-19.npy")]
    convert("nn4dms_cnn", paths, tmp_path / "m.safetensors")
    arrays = load_file(tmp_path / "m.safetensors")
    assert set(arrays) == set(expected)
    assert all((arrays[name] == expected[name]).all() for name in arrays)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda index, data: index.write_bytes(b"short"), "its footer is missing"),
        (lambda index, data: index.write_bytes(index.read_bytes()[:-1] + b"x"), "its footer is missing"),
        (lambda index, data: data.write_bytes(b"1234"), "ends before the variable a"),
        (lambda index, data: data.unlink(), "data-00000-of-00001 does not exist"),
    ],
)
def test_damaged_checkpoints(tmp_path, damage, message):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b/c": np.array(2.5)}
    write_checkpoint(tmp_path / "m.x", arrays)
    read = read_checkpoint(tmp_path / "m.index")
    assert {name: array.tolist() for name, array in read.items()} == {n: a.tolist() for n, a in arrays.items()}
    damage(tmp_path / "m.index", tmp_path / "m.data-00000-of-00001")
    with pytest.raises(InputError, match=message):
        read_checkpoint(tmp_path / "m.index")


def test_a_checkpoint_of_another_model(tmp_path):
    write_checkpoint(tmp_path / "m.x", {"a": np.arange(6.0)})
    Path(tmp_path / "pca.npy").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be converted by the recipe nn4dms_cnn"):
        convert("nn4dms_cnn", [str(tmp_path / "m.index")], tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
