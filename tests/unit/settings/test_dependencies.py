"""The files that a model's values depend on: each is in its identity and in what Snakemake watches."""

import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from python_files import write
from shapsketch.models import Model, identity
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.dependencies import command_files, imported_files, onnx_data_files
from shapsketch.settings.errors import InputError
from shapsketch.settings.sources import complete, locate, named_files, source_files

TEMPLATE = Template(Alphabet("ACGT"), "NNN")
CODES = np.array([[0, 1, 2], [3, 3, 3]], np.uint8)


def external(folder, kernel, location="weights/m.data", inside_if=False):
    """An ONNX model x @ kernel whose kernel lies in another file; if wanted, in a branch of an If."""
    tensor = numpy_helper.from_array(kernel, "kernel")
    flat = helper.make_node("Flatten", ["x"], ["flat"])
    nodes, initializers = [flat, helper.make_node("MatMul", ["flat", "kernel"], ["y"])], [tensor]
    if inside_if:
        value = helper.make_tensor_value_info("k", TensorProto.FLOAT, [12, 1])
        constant = helper.make_node("Constant", [], ["k"], value=tensor)
        branches = {name: helper.make_graph([constant], name, [], [value]) for name in ("then_branch", "else_branch")}
        yes = numpy_helper.from_array(np.array(True), "yes")
        nodes = [
            flat, helper.make_node("If", ["yes"], ["kernel"], **branches),
            helper.make_node("MatMul", ["flat", "kernel"], ["y"]),
        ]  # fmt: skip
        initializers = [yes]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", 4, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", 1])], initializers,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    (folder / "weights").mkdir(exist_ok=True)
    onnx.save(
        model,
        folder / "m.onnx",
        save_as_external_data=True,
        location="m.data",
        size_threshold=0,
        convert_attribute=True,
    )
    saved = onnx.load(folder / "m.onnx", load_external_data=False)
    (folder / "m.data").rename(folder / "weights/m.data")
    for found in [*saved.graph.initializer, *(a.t for n in _nodes(saved.graph) for a in n.attribute)]:
        for entry in found.external_data:
            entry.value = location if entry.key == "location" else entry.value
    (folder / "m.onnx").write_bytes(saved.SerializeToString())
    return {"kind": "onnx", "path": str(folder / "m.onnx"), "layout": "channels_first"}


def _nodes(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            yield from _nodes(attribute.g)


@pytest.mark.parametrize("inside_if", [False, True])
def test_the_data_of_an_onnx_file_are_part_of_the_model(tmp_path, inside_if):
    source = external(tmp_path, np.arange(12, dtype=np.float32)[:, None], inside_if=inside_if)
    data = str(tmp_path / "weights/m.data")
    assert source_files(source) == [source["path"], data]
    assert complete(source)["files"] == [data]
    assert complete(complete(source)) == complete(source)
    before = identity(source)
    values = None if inside_if else Model(source, TEMPLATE, ["y"])(CODES)  # the runtime itself reads no such branch
    content = (tmp_path / "m.onnx").read_bytes()
    external(tmp_path, np.arange(12, dtype=np.float32)[:, None] * 2, inside_if=inside_if)
    assert (tmp_path / "m.onnx").read_bytes() == content
    if values is not None:
        np.testing.assert_allclose(Model(source, TEMPLATE, ["y"])(CODES), 2 * values)
    assert identity(source) != before


def test_a_data_file_that_is_missing_or_elsewhere_is_one_sentence(tmp_path):
    source = external(tmp_path, np.ones((12, 1), np.float32))
    (tmp_path / "weights/m.data").unlink()
    with pytest.raises(InputError, match=r"weights/m.data, in which .*m.onnx keeps its weights, does not exist"):
        Model(source, TEMPLATE, ["y"])
    for place in ("../m.data", "/etc/passwd", "weights/../../m.data", "..\\m.data", "C:\\m.data"):
        source = external(tmp_path, np.ones((12, 1), np.float32), location=place)
        with pytest.raises(InputError, match="outside of its own folder"):
            source_files(source)


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"\x3a\x7f", b"no protobuf at all, just text", b"\x00"])
def test_files_that_are_no_onnx_have_no_data_files(tmp_path, content):
    (tmp_path / "m.onnx").write_bytes(content)
    assert onnx_data_files(str(tmp_path / "m.onnx")) == []


def found(folder, name="model"):
    return [str(path).removeprefix(f"{folder}/") for path in imported_files(str(folder / f"{name}.py"))]


def test_modules_beside_a_python_file_are_found_by_reading(tmp_path):
    write(
        tmp_path,
        model="import numpy, a\nfrom pkg.deep import thing\nimport absent\nif 0:\n    import b as c\n"
        "def f(s):\n    import late",
        a="from pkg import other, VALUE", b="", late="import model, a", unused="",
        pkg__INIT="", pkg__other="from . import sister\nfrom .deep.thing import x", pkg__sister="",
        pkg__deep__INIT="",
        pkg__deep__thing="from ..cousin import y", pkg__cousin="", pkg__unused="",
    )  # fmt: skip
    assert found(tmp_path) == [
        "a.py", "b.py", "late.py", "pkg/__init__.py", "pkg/cousin.py", "pkg/deep/__init__.py", "pkg/deep/thing.py",
        "pkg/other.py", "pkg/sister.py",
    ]  # fmt: skip


def test_code_that_cannot_be_read_imports_nothing(tmp_path):
    (tmp_path / "model.py").write_bytes(b"import \xff\x00")
    assert found(tmp_path) == []


@pytest.mark.parametrize("key", ["target", "factory"])
def test_a_changed_module_makes_another_model(tmp_path, key):
    write(tmp_path, model="from helper import f", helper="def f(s): return [1.0] * len(s)", pkg__helper="")
    source = {"kind": "python", key: f"{tmp_path}/model.py:f"}
    before = identity(source)
    assert set(before["files"]) == {f"{tmp_path}/model.py", f"{tmp_path}/helper.py"}
    write(tmp_path, helper="def f(s): return [2.0] * len(s)")
    assert identity(source) != before


def test_files_of_one_name_are_told_apart(tmp_path):
    write(tmp_path, model="import a.x, b.x\ndef f(s): return [1.0] * len(s)", a__x="A = 1", b__x="B = 1")
    source = {"kind": "python", "target": f"{tmp_path}/model.py:f"}
    for name in ("a__x", "b__x"):
        before = identity(source)
        write(tmp_path, **{name: "C = 2"})
        assert identity(source) != before


def test_files_of_a_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, predict="import helper", helper="", pkg__run="from . import sister", pkg__sister="")
    for name in ("weights.pt", "my weights.pt", "run.sh"):
        (tmp_path / name).write_text("")
    assert command_files("python predict.py --weights weights.pt --fast") == ["predict.py", "helper.py", "weights.pt"]
    assert command_files("./run.sh 'my weights.pt'") == ["./run.sh", "my weights.pt"]
    assert command_files("Rscript --file=run.sh") == ["run.sh"]
    assert command_files("python -m pkg.run") == ["pkg/run.py", "pkg/sister.py"]
    assert command_files("python 'no end") == []
    source = {"kind": "command", "command": "python predict.py"}
    before = identity(source)
    write(tmp_path, helper="x = 1")
    assert identity(source) != before


def test_a_complete_source_is_located_elsewhere(tmp_path):
    write(tmp_path, model="import helper", helper="")
    source = complete({"kind": "python", "target": f"{tmp_path}/model.py:f", "files": ["extra.txt"]})
    assert source["files"] == ["extra.txt", f"{tmp_path}/helper.py"]
    elsewhere = [f"/storage{file}" for file in named_files(source)]
    assert named_files(locate(source, elsewhere)) == elsewhere


def test_no_heavy_import_is_needed(root):
    """Snakemake's own process reads these for every job."""
    import subprocess

    heavy = "print([m for m in ('numpy', 'pandas', 'onnx') if m in sys.modules])"
    code = f"import sys; import shapsketch.settings.sources; {heavy}"
    env = {"PYTHONPATH": str(root / "workflow/scripts"), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout == "[]\n"
