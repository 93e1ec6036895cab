"""The library as others install it: a wheel built of the source distribution, in an environment of its own.

`make test-wheel` runs this, for every Python from 3.11 to 3.13 that there is. Each takes six gigabytes, since the
PyTorch of PyPI brings CUDA.
"""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

from workflow.helpers import ROOT

pytestmark = pytest.mark.wheel
BUILD = "import sys; from setuptools import build_meta as b; print(getattr(b, sys.argv[1])(sys.argv[2]))"
NOTEBOOK = """
import sys
import shapsketch
source = {"kind": "torch", "path": sys.argv[1], "layout": "channels_first"}
sequences = [line for line in open(sys.argv[2]).read().split() if not line.startswith(">")]
spectrum = shapsketch.sketch(source, "N" * 25 + "GG" + "NNN", budget=3000, estimator="regression")
spectrum.save("spectrum.npz")
spectrum = shapsketch.Spectrum.load("spectrum.npz")
assert spectrum.provenance["faithfulness"]["r2"] > 0.9, spectrum.provenance["faithfulness"]["r2"]
values = spectrum.shapley_values(sequences)
assert values.shape == (len(sequences), 30)
assert abs(values.sum(1) + spectrum.intercept - spectrum.predict(sequences)).max() < 1e-6
assert set(spectrum.interactions(sequences, index="FSII", max_order=3)["order"]) <= {2, 3}
assert len(spectrum.sobol_indices()) and len(spectrum.explain(sequences).values) == len(sequences)
assert shapsketch.sequence_figure(spectrum, sequences[0]).axes
assert "site-packages" in shapsketch.__file__, shapsketch.__file__
print(shapsketch.__version__)
"""


def run(*command, cwd):
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built of the source distribution, not of the checkout."""
    checkout, made = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("made")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in tracked.strip("\0").split("\0"):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, checkout / name)
    source = made / run(sys.executable, "-c", BUILD, "build_sdist", made, cwd=checkout).split()[-1]
    with tarfile.open(source) as archive:
        archive.extractall(made, filter="data")
    folder = made / source.name.removesuffix(".tar.gz")
    return made / run(sys.executable, "-c", BUILD, "build_wheel", made, cwd=folder).split()[-1]


def test_the_wheel_holds_the_whole_library_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    library = {f"shapsketch/{line}" for line in (ROOT / "workflow/scripts/library.txt").read_text().split()}
    assert {name for name in names if ".dist-info/" not in name} == library | {"shapsketch/py.typed"}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    version = re.search(r'__version__ = "(.+)"', (ROOT / "workflow/scripts/shapsketch/__init__.py").read_text())
    assert version and wheel.name == f"shapsketch-{version[1]}-py3-none-any.whl"


@pytest.mark.parametrize("minor", [11, 12, 13])
def test_the_notebook_of_the_readme_runs_in_a_clean_environment(wheel, tmp_path, minor):
    python = shutil.which(f"python3.{minor}")
    if python is None or subprocess.run([python, "--version"], capture_output=True, check=False).returncode:
        pytest.skip(f"Python 3.{minor} is not installed, or does not run")
    run(python, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    inside = tmp_path / "venv/bin/python"
    run(inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=tmp_path)
    run(inside, "-m", "pip", "check", cwd=tmp_path)
    network, guides = ROOT / "resources/models/guide_cnn/model.pt2", ROOT / "resources/sequences/egfp.fa"
    assert wheel.name.split("-")[1] in run(inside, "-c", NOTEBOOK, network, guides, cwd=tmp_path)
