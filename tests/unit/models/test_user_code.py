"""The user's own Python finds what lies beside it, as with python model.py, and disturbs nothing else."""

import sys

import numpy as np
import pytest
import torch

from python_files import write
from shapsketch.models import Model
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.dependencies import imported_files
from shapsketch.settings.errors import InputError, ModelError

TEMPLATE = Template(Alphabet("ACGT"), "NNN")
CODES = np.array([[0, 1, 2], [2, 2, 3]], np.uint8)


def model(folder, file="model.py"):
    return Model({"kind": "python", "target": f"{folder / file}:f"}, TEMPLATE, ["y"])


def counts(letter):
    return f"def score(x): return float(x.count('{letter}'))"


USES = "from helper import score\ndef f(s): return [score(x) for x in s]"


def test_two_models_with_modules_of_one_name(tmp_path):
    for name, letter in (("one", "A"), ("two", "G")):
        write(tmp_path / name, model=USES, helper=counts(letter))
    before, path = set(sys.modules), list(sys.path)
    one, two = model(tmp_path / "one"), model(tmp_path / "two")
    for _ in range(2):
        np.testing.assert_array_equal(one(CODES)[:, 0], [1, 0])
        np.testing.assert_array_equal(two(CODES)[:, 0], [1, 2])
    assert sys.path == path
    assert "helper" not in sys.modules
    assert not [name for name in set(sys.modules) - before if "helper" in name]
    assert not list(tmp_path.rglob("__pycache__"))


def test_imports_when_it_is_called_and_by_name(tmp_path):
    write(
        tmp_path,
        model="import importlib, pickle\ndef f(s):\n    import late\n    other = importlib.import_module('other')\n"
        "    made = pickle.loads(pickle.dumps(other.Scorer()))\n    return [late.ONE + made(x) for x in s]",
        late="ONE = 1.0",
        other="class Scorer:\n    def __call__(self, x): return x.count('G')",
    )
    for _ in range(2):
        np.testing.assert_array_equal(model(tmp_path)(CODES)[:, 0], [2, 3])


def test_what_others_import_is_not_shadowed(tmp_path):
    """Files named like loaded modules are not taken for them; files named like others are the user's."""
    write(
        tmp_path,
        model="import numpy as np, errors, test\n"
        "def f(s): return np.array([errors.E + test.T + x.count('G') for x in s])",
        numpy="raise RuntimeError", errors="E = 10", test="T = 20", pandas="raise RuntimeError",
        json="raise RuntimeError",
    )  # fmt: skip
    import pandas

    np.testing.assert_array_equal(model(tmp_path)(CODES)[:, 0], [31, 32])
    import test as plain  # the standard library's

    assert not hasattr(plain, "T")
    assert pandas.Series([1]).sum() == 1


def test_a_file_within_a_package(tmp_path):
    write(
        tmp_path,
        pkg__INIT="BASE = 5", pkg__model="from . import BASE\nfrom .helper import score\nfrom top import ONE\n"
        "def f(s): return [BASE + ONE + score(x) for x in s]",
        pkg__helper=counts("G"), top="ONE = 1",
    )  # fmt: skip
    np.testing.assert_array_equal(model(tmp_path, "pkg/model.py")(CODES)[:, 0], [7, 8])
    write(
        tmp_path,
        bare__model="from .helper import score\ndef f(s): return [score(x) for x in s]",
        bare__helper=counts("T"),
    )
    np.testing.assert_array_equal(model(tmp_path, "bare/model.py")(CODES)[:, 0], [0, 1])


def test_a_module_that_has_changed_is_read_anew(tmp_path):
    """Within one second and with as many bytes, where old bytecode would still look valid."""
    import os
    import subprocess

    write(tmp_path, model=USES, helper=counts("A"))
    subprocess.run([sys.executable, tmp_path / "model.py"], check=True)
    kept = (tmp_path / "helper.py").stat()
    write(tmp_path, helper=counts("G"))
    os.utime(tmp_path / "helper.py", ns=(kept.st_atime_ns, kept.st_mtime_ns))
    np.testing.assert_array_equal(model(tmp_path)(CODES)[:, 0], [1, 2])


def test_the_factory_of_a_network(tmp_path):
    write(
        tmp_path,
        net="from layers import Count\ndef make(): return Count()",
        layers="import torch\nclass Count(torch.nn.Module):\n    def forward(self, x):\n"
        "        from late import SCALE\n        return SCALE * x[:, 2].sum(1)",
        late="SCALE = 2.0",
    )
    source = {"kind": "torch", "factory": f"{tmp_path}/net.py:make", "layout": "channels_first"}
    np.testing.assert_array_equal(Model(source, TEMPLATE, ["y"])(CODES)[:, 0], [2, 4])


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import sys; sys.exit(3)", r"cannot be imported: calls sys.exit\(3\)"),
        ("import sys; sys.exit('no GPU')", r"cannot be imported: calls sys.exit\(no GPU\)"),
        ("import helper_that_is_missing", "No module named 'helper_that_is_missing'"),
        ("class Panic(BaseException): pass\nraise Panic('lib\\nbroke')", "Panic: lib broke"),
        ("def f(s):\n    raise SystemExit", r"called sys.exit\(\) when it was asked"),
        ("def f(s): exit(2)", r"called sys.exit\(2\) when it was asked"),
        (
            "class Panic(BaseException): pass\ndef f(s): raise Panic('broke')",
            r"raised Panic \(broke\) when it was asked",
        ),
        ("def f(s): raise KeyError(s[0])", r"raised KeyError \('ACG'\) on the sequence ACG"),
    ],
)
def test_code_that_ends_the_run_is_one_sentence(tmp_path, code, sentence):
    write(tmp_path, model=code)
    with pytest.raises(ModelError, match=sentence) as caught:
        model(tmp_path)(CODES)
    assert "\n" not in str(caught.value)


def test_hooks_of_the_process_are_kept(tmp_path):
    before = sys.excepthook
    write(
        tmp_path,
        model="import sys\nsys.excepthook = print\ndef f(s):\n    sys.excepthook = print\n    return [1.0] * len(s)",
    )
    model(tmp_path)(CODES)
    assert sys.excepthook is before


def test_an_interruption_is_none_of_the_models(tmp_path):
    write(tmp_path, model="def f(s): raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        model(tmp_path)(CODES)


def test_a_missing_function(tmp_path):
    write(tmp_path, model="f = 1")
    with pytest.raises(InputError, match="has no function 'f'"):
        model(tmp_path)
    assert torch.is_grad_enabled()


def test_a_file_that_is_a_link(tmp_path):
    """Modules are looked for beside the link, then beside the file; both belong to the model."""
    write(tmp_path / "real", model=USES + "\nimport other", helper=counts("A"), other="")
    (tmp_path / "here").mkdir()
    (tmp_path / "here/model.py").symlink_to(tmp_path / "real/model.py")
    np.testing.assert_array_equal(model(tmp_path / "here")(CODES)[:, 0], [1, 0])
    write(tmp_path / "here", helper=counts("G"))
    assert imported_files(f"{tmp_path}/here/model.py") == [f"{tmp_path}/here/helper.py", f"{tmp_path}/real/other.py"]
    np.testing.assert_array_equal(model(tmp_path / "here")(CODES)[:, 0], [1, 2])
