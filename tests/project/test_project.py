"""The project itself: environments, registered files, the embedded sequences."""

import ast
import os
import re
import subprocess
import sys
from importlib.metadata import version

import pytest
import yaml
from Bio.Seq import Seq
from packaging.requirements import Requirement

from shapsketch import __version__

CONDA_NAMES = {"pytorch-cpu": "torch", "pytorch-gpu": "torch", "matplotlib-base": "matplotlib"}

# pandas needs it for Parquet without importing it by name
IMPLIED = {"read_parquet": "pyarrow"}


def imported_modules(path, package, whole):
    """What a file imports: third-party names, library modules, and packages that are run on the way; from its text.

    Args:
        path: the file.
        package: the library's folder.
        whole: also what it imports in functions, which may be called; not of packages on the way.
    """
    names, local, parents = set(), set(), set()
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree) if whole else tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module.split(".")[0] == "shapsketch":
                base, module = package, (node.module or "").partition(".")[2]
                if node.level:
                    base, module = path.parents[node.level - 1], node.module or ""
                local |= set(module_files(base, module, [a.name for a in node.names]))
                parents |= set(package_files(base, module))
            else:
                names.add(node.module.split(".")[0])
        elif isinstance(node, ast.Attribute) and node.attr in IMPLIED:
            names.add(IMPLIED[node.attr])
    return names, local, parents


def module_files(base, module, names):
    target = base.joinpath(*module.split(".")) if module else base
    candidates = [target.with_suffix(".py"), target / "__init__.py", *(target / f"{n}.py" for n in names)]
    return [c for c in candidates if c.is_file()]


def package_files(base, module):
    """The files of the packages that importing a module runs first."""
    steps = module.split(".") if module else []
    return [f for k in range(1, len(steps)) if (f := base.joinpath(*steps[:k]) / "__init__.py").is_file()]


def reached_imports(script, package):
    """All third-party modules that a script can import, through the library."""
    seen, todo, names = set(), [(script, True)], set()
    while todo:
        path, whole = todo.pop()
        if (path, whole) in seen:
            continue
        seen.add((path, whole))
        found, local, parents = imported_modules(path, package, whole)
        names |= found
        todo += [(other, whole) for other in local] + [(other, False) for other in parents]
        if whole and path.parent.name == "models" and path.name == "__init__.py":
            todo += [(other, True) for other in path.parent.glob("*_model.py")]  # loaded by name
        if whole and path.parent.name in ("comparison", "recovery") and path.name == "__init__.py":
            todo += [(other, True) for other in path.parent.glob("*.py")]  # likewise
    return {n for n in names if n not in sys.stdlib_module_names and n not in ("shapsketch", "__future__")}


def read_rules(root):
    """(script, env) of every rule."""
    text = "".join(p.read_text() for p in sorted((root / "workflow/rules").glob("*.smk")))
    pattern = r'conda:\s+f?"\.\./\.\./envs/(\w+)(?:{VARIANT})?\.yaml".*?script:\s+"\.\./scripts/(\w+)\.py"'
    return [(script, env) for env, script in re.findall(pattern, text, re.S)]


def read_env(path):
    content = yaml.safe_load(path.read_text())
    from_pypi = [line for part in content["dependencies"] if isinstance(part, dict) for line in part["pip"]]
    pins = dict(line.split(" =") for line in content["dependencies"] if isinstance(line, str) and line != "pip")
    pins |= dict(line.split("==") for line in from_pypi)
    return content["channels"], {CONDA_NAMES.get(name, name): pin for name, pin in pins.items()}


def test_every_script_has_a_rule_and_an_environment(root):
    scripts = {p.stem for p in (root / "workflow/scripts").glob("*.py")}
    rules = read_rules(root)
    assert {script for script, _ in rules} == scripts
    assert {env for _, env in rules} == {p.stem.removesuffix(".cuda") for p in (root / "envs").glob("*.yaml")}


def test_environments_differ_in_pytorch_alone_where_cuda_is_wanted(root):
    plain = {p.stem for p in (root / "envs").glob("*.yaml") if "pytorch-cpu" in p.read_text()}
    assert plain == {p.name.removesuffix(".cuda.yaml") for p in (root / "envs").glob("*.cuda.yaml")}
    for name in plain:
        wanted = (root / f"envs/{name}.yaml").read_text().split("\n")[1:]
        found = (root / f"envs/{name}.cuda.yaml").read_text().split("\n")[1:]
        assert [line.replace("pytorch-cpu", "pytorch-gpu") for line in wanted] == found


@pytest.mark.parametrize("script", [p.stem for p in __import__("pathlib").Path("workflow/scripts").glob("*.py")])
def test_environments_cover_what_scripts_import(root, script):
    env = dict(read_rules(root))[script]
    _, pins = read_env(root / f"envs/{env}.yaml")
    missing = reached_imports(root / f"workflow/scripts/{script}.py", root / "workflow/scripts/shapsketch") - set(pins)
    assert not missing, f"envs/{env}.yaml lacks {missing}"


def test_pins_are_those_the_tests_run_with(root):
    pinned = [Requirement(line) for line in (root / "envs/run.txt").read_text().splitlines() if "==" in line]
    run = {pin.name: str(pin.specifier)[2:] for pin in pinned if not pin.marker or pin.marker.evaluate()}
    newest = {pin.name: str(pin.specifier)[2:] for pin in pinned}  # conda's Python is as new as a package needs
    plugins = dict(line.split("==") for line in (root / "envs/cluster.txt").read_text().splitlines() if "==" in line)
    for name, pin in (run | plugins).items():
        assert version(name).split("+")[0] == pin, name
    for path in (root / "envs").glob("*.yaml"):
        channels, pins = read_env(path)
        assert channels == ["conda-forge", "nodefaults"]
        for name, pin in pins.items():
            if name == "python":
                assert pin in ("3.11", "3.12", "3.13")
            else:
                assert newest[name] == pin, f"{path.name}: {name}"


def test_the_version_is_the_same_everywhere(root):
    """The tags of images and releases, the citation, and the newest numbered section of the changelog."""
    cited = yaml.safe_load((root / "CITATION.cff").read_text())
    assert cited["version"] == __version__
    newest = re.search(r"^## (\d\S*) \((\S+)\)", (root / "CHANGELOG.md").read_text(), re.M)
    assert newest.groups() == (__version__, str(cited["date-released"]))
    pages = [root / "Dockerfile", root / "apptainer.def", *root.glob("*.md"), *root.glob("docs/how-to/*.md")]
    tags = [tag for page in pages for tag in re.findall(r"(?:shapsketch:|[ \"]v)(\d+\.\d+\.\d+)", page.read_text())]
    assert len(tags) >= 5 and set(tags) == {__version__}


def test_the_registered_library_is_the_whole_library(root):
    listed = (root / "workflow/scripts/library.txt").read_text().split()
    package = root / "workflow/scripts/shapsketch"
    assert listed == sorted(str(p.relative_to(package)) for p in package.rglob("*.py")), "run `make library`"


def test_the_light_modules_import_nothing_heavy():
    code = (
        "import sys; sys.path.insert(0, 'workflow/scripts');"
        "from shapsketch.settings import catalogue, config, cost, errors, rounds, script, sources, versions;"
        "print([m for m in ('numpy', 'pandas', 'torch', 'numba') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.mark.parametrize("recipe", ["Dockerfile", "apptainer.def"])
def test_images_have_what_wheels_link_to(root, recipe):
    """LightGBM's wheel brings no OpenMP, and images named slim have none: every recovery would fail."""
    text = (root / recipe).read_text()
    assert "slim" in text and "libgomp1" in text.partition("pip install")[0]


PROTEINS = {
    "egfp": "MVSKGEELFTGVVPILVELDGDVNGHKFSVSGEGEGDATYGKLTLKFICTTGKLPVPWPTLVTTLTYGVQCFSRYPDHMKQHDFFKSAMPEGYVQERTIFF"
    "KDDGNYKTRAEVKFEGDTLVNRIELKGIDFKEDGNILGHKLEYNYNSHNVYIMADKQKNGIKVNFKIRHNIEDGSVQLADHYQQNTPIGDGPVLLPDNHYLSTQSALSKDPNEKRDHMVLLEFV"
    "TAAGITLGMDELYK*",
    "hbb": "MVHLTPEEKSAVTALWGKVNVDEVGGEALGRLLVVYPWTQRFFESFGDLSTPDAVMGNPKVKAHGKKVLGAFSDGLAHLDNLKGTFATLSELH"
    "CDKLHVDPENFRLLGNVLVCVLAHHFGKEFTPPVQAAYQKVVAGVANALAHKYH*",
}


@pytest.mark.parametrize("gene", PROTEINS)
def test_embedded_targets_are_cut_from_the_right_gene(root, gene):
    folder = root / "resources/sequences"
    coding = "".join((folder / f"{gene}_cds.fa").read_text().split("\n")[1:])
    assert str(Seq(coding).translate()) == PROTEINS[gene]
    command = [sys.executable, folder / "cut_targets.py", folder / f"{gene}_cds.fa"]
    text = subprocess.check_output(command, text=True)
    assert text == (folder / f"{gene}.fa").read_text()
    reverse = str(Seq(coding).reverse_complement())
    targets = 0
    for strand in (coding, reverse):
        targets += sum(strand[i + 25 : i + 27] == "GG" for i in range(len(strand) - 29))
    records = text.split(">")[1:]
    assert len(records) == targets
    for record in records:
        name, target = record.split()
        _, start, strand = name.split("_")
        window = coding[int(start) - 1 : int(start) + 29]
        assert target == (window if strand == "plus" else str(Seq(window).reverse_complement()))
        assert target[25:27] == "GG"


def test_benchmarks_import_what_is_there(root):
    """Nothing else runs them in CI, so a name that is moved away from under one would go unseen."""
    names = sorted(p.stem for p in (root / "tests/benchmarks").glob("*.py") if not p.stem.startswith("shapzero"))
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module('benchmarks.' + name)"
    path = f"{root / 'workflow/scripts'}:{root / 'tests'}"
    run = subprocess.run(
        [sys.executable, "-c", code, *names], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path}
    )
    assert not run.returncode, run.stderr
