"""The project itself: environments, registered files, the embedded sequences, the config's sentences."""

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

from shapsketch.settings.catalogue import expand
from shapsketch.settings.config import check_config, check_names
from shapsketch.settings.errors import InputError
from shapsketch.settings.sources import downloads, local_source, source_files

CONDA_NAMES = {"pytorch-cpu": "torch", "pytorch-gpu": "torch", "matplotlib-base": "matplotlib"}
IMPORT_NAMES = {"jinja2": "jinja2", "pyyaml": "yaml"}
# pandas needs it for Parquet without importing it by name
IMPLIED = {"read_parquet": "pyarrow"}


def imported_modules(path, package):
    """Top-level names that a file imports, and the library modules it reaches, read from its text."""
    names, local = set(), set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = path.parent
                for _ in range(node.level - 1):
                    base = base.parent
                local |= set(module_files(base, node.module, [a.name for a in node.names]))
            elif node.module.split(".")[0] == "shapsketch":
                local |= set(module_files(package, node.module.partition(".")[2], [a.name for a in node.names]))
            else:
                names.add(node.module.split(".")[0])
        elif isinstance(node, ast.Attribute) and node.attr in IMPLIED:
            names.add(IMPLIED[node.attr])
    return names, local


def module_files(base, module, names):
    target = base.joinpath(*module.split(".")) if module else base
    candidates = [target.with_suffix(".py"), target / "__init__.py", *(target / f"{n}.py" for n in names)]
    return [c for c in candidates if c.is_file()]


def reached_imports(script, package):
    """All third-party modules that a script can import, through the library."""
    seen, todo, names = set(), [script], set()
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        found, local = imported_modules(path, package)
        names |= found
        todo += local
        if path.parent.name == "models" and path.name == "__init__.py":
            todo += path.parent.glob("*_model.py")  # loaded by name
        if path.parent.name in ("comparison", "recovery") and path.name == "__init__.py":
            todo += path.parent.glob("*.py")  # likewise
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


@pytest.fixture
def schema(root):
    return yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())


def config(**changes):
    model = {"source": {"kind": "table", "path": "t.csv"}, "alphabet": "DNA", "template": "NNNN"}
    base = {"models": {"m": model}, "sequences": {"s": {"path": "s.fa"}}}
    for path, value in changes.items():
        *parents, key = path.split("__")
        place = base
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is None:
            del place[key]
        else:
            place[key] = value
    return base


def test_defaults_are_filled_in_everywhere(schema):
    filled = check_config(config(), schema)
    assert filled["models"]["m"]["sketch"] == {
        "budget": 20000, "design": "auto", "seed": 0, "batch_size": 1024, "shards": "auto",
    }  # fmt: skip
    assert filled["models"]["m"]["outputs"] == ["value"]
    assert filled["explain"]["indices"] == ["SV", "FSII"]
    assert filled["analyses"] == "all"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": {}}, "has an unknown key 'model'; did you mean 'models'?"),
        ({"models__m__sketch__buget": 5}, "unknown key 'buget' under models.m.sketch; did you mean 'budget'?"),
        ({"models__m__zzz": 5}, "unknown key 'zzz' under models.m; known are source,"),
        ({"models__m__template": None}, "lacks the key 'template' under models.m."),
        ({"sequences": None}, "lacks the key 'sequences'."),
        (
            {"models__m__source__kind": "pytorch"},
            "has 'pytorch' at models.m.source.kind; use one of torch, onnx, keras_h5, trees, python",
        ),
        ({"models__m__source": {"kind": "torch", "path": "x"}}, "lacks the key 'layout' under models.m.source"),
        ({"models__m__source": {"kind": "table"}}, "lacks the key 'path' under models.m.source"),
        ({"models__m__source": {"kind": "python"}}, "lacks the key 'target' under models.m.source"),
        ({"models__m__source": {"kind": "table", "url": "https://x/t.csv"}}, "lacks the key 'sha256'"),
        ({"models__m__source": {"kind": "command"}}, "lacks the key 'command' under models.m.source"),
        ({"models__m__source": {"kind": "builtin"}}, "lacks the key 'function' under models.m.source"),
        ({"models__m__source": {"kind": "onnx", "layout": "flat"}}, "lacks the key 'path' under models.m.source"),
        ({"models__m__source": {"kind": "trees", "path": "m.txt"}}, "lacks the key 'layout' under models.m.source"),
        (
            {"models__m__source": {"kind": "trees", "path": "m.txt", "layout": "channels_last"}},
            "has 'channels_last' at models.m.source.layout; use one of flat, channels_first, codes.",
        ),
        ({"models__m__source__unknown_letters": "mean"}, "unknown_letters is for the kinds torch, onnx and keras_h5"),
        ({"models__m__source__reverse_complement": True}, "trees and tables have no reverse_complement"),
        ({"models__m__source__device": "gpu"}, "has 'gpu' at models.m.source.device; it must be cpu, cuda,"),
        ({"models__m__sketch__budget": 0}, "has 0 at models.m.sketch.budget; it must be at least 1."),
        ({"models__m__sketch__budget": "many"}, "has 'many' at models.m.sketch.budget; it must be a whole number"),
        ({"models__m__background": "flat"}, "at models.m.background"),
        ({"models__m__background": {"mutate": {"around": "ACGT", "rate": 1}}}, "it must be less than 1"),
        ({"explain__indices": ["SV", "XII"]}, "has 'XII' at explain.indices.1; use one of SV, BV, SII, k-SII,"),
        ({"motifs": {"colors": "red"}}, "has 'red' at motifs.colors; use one of colorblind, classic."),
        ({"motifs": {"seqlets": "maybe"}}, "has 'maybe' at motifs.seqlets; use one of auto, true, false."),
        ({"motifs": {"extremes": 0}}, "has 0 at motifs.extremes; it must be more than 0."),
        ({"compare": {"methods": ["lime"]}}, "has 'lime' at compare.methods.0; use one of shapsketch, "),
        ({"compare": {"evaluations": [4]}}, "has 4 at compare.evaluations.0; it must be at least 8."),
        ({"sequences__sketch": {"path": "x"}}, "has the name 'sketch' under sequences, which cannot name a folder"),
        ({"models__a/b": {}}, "has the name 'a/b' under models, which cannot name a folder"),
        ({"models__..": {}}, "has the name '..' under models, which cannot name a folder"),
        ({"models__a\n": {}}, "has the name 'a\\n' under models, which cannot name a folder"),
        ({"sequences__../../s": {}}, "has the name '../../s' under sequences, which cannot name a folder"),
        ({"sequences__-rf": {}}, "has the name '-rf' under sequences, which cannot name a folder"),
        ({"models__m__outputs": ["../y"]}, "names an output of models.m "),
        ({"models__m__outputs": ["y<b>"]}, "names an output of models.m "),
        (
            {"models__m__source": {"kind": "table", "downloads": [{"url": "https://x/t", "file": ".."}]}},
            "at models.m.source.downloads.0.file; it must be a file name without folders.",
        ),
        (
            {"models__m__source": {"kind": "table", "downloads": [{"url": "https://x/t", "file": "a/../../b"}]}},
            "at models.m.source.downloads.0.file; it must be a file name without folders.",
        ),
    ],
)
def test_config_mistakes_are_one_sentence(schema, changes, sentence):
    with pytest.raises(InputError) as caught:
        check_config(config(**changes), schema)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://host/..", "https://host/..?x=t.csv", ".."])
def test_downloads_cannot_leave_their_folder(url):
    with pytest.raises(InputError, match="names no file"):
        downloads({"kind": "table", "url": url, "sha256": "0" * 64})


def test_names_that_lead_nowhere(schema, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"The file t.csv of models.m.source does not exist"):
        check_names(check_config(config(), schema))
    (tmp_path / "t.csv").touch()
    with pytest.raises(InputError, match=r"The file s.fa of sequences.s does not exist"):
        check_names(check_config(config(), schema))
    with pytest.raises(InputError, match="'other' in analyses, which is not under sequences: s"):
        check_names(check_config(config(analyses=[["m", "other"]]), schema))
    background = {"from_sequences": {"queries": "other"}}
    with pytest.raises(InputError, match="names the sequences 'other'"):
        check_names(check_config(config(models__m__background=background), schema))
    (tmp_path / "s.fa").touch()
    with pytest.raises(InputError, match=r"The file db.meme of motifs.database does not exist"):
        check_names(check_config(config(motifs={"database": "db.meme"}), schema))
    with pytest.raises(InputError, match=r"enables compare, which asks the model, but models.m is a table"):
        check_names(check_config(config(compare={"enabled": True}), schema))
    protein = config(models__m__alphabet="protein", models__m__template="XXXX", motifs={"reverse_complement": True})
    with pytest.raises(InputError, match=r"the alphabet of models.m is protein; only DNA has a second strand"):
        check_names(check_config(protein, schema))


def test_the_embedded_config_is_valid(schema, root, monkeypatch):
    monkeypatch.chdir(root)
    check_names(check_config(yaml.safe_load((root / "config/config.yaml").read_text()), schema))


@pytest.fixture
def catalogue(root):
    return yaml.safe_load((root / "resources/models.yaml").read_text())


def catalogued(name, **source):
    return {"models": {"m": {"source": {"catalogue": name, **source}}}, "sequences": {"s": {"path": "s.fa"}}}


@pytest.mark.parametrize("name", ["optimus_5prime", "deepspcas9", "sprout", "gb1_nn4dms", "microhomology"])
def test_catalogue_entries_are_whole_models(schema, catalogue, name):
    model = check_config(expand(catalogued(name), catalogue), schema)["models"]["m"]
    local = local_source(model["source"], "resources/models/m")
    assert local.keys() <= {"kind", "layout", "architecture", "path", "function", "cut"}
    assert {"citation", "homepage", "license", "title"} <= catalogue[name].keys()
    assert (not source_files(local)) == (name == "microhomology")
    own = check_config(expand(catalogued(name, path="mine.h5"), catalogue), schema)["models"]["m"]
    assert downloads(own["source"]) == []
    assert local_source(own["source"], "x")["path"] == "mine.h5"


def test_what_the_config_says_wins_over_the_catalogue(schema, catalogue):
    given = catalogued("optimus_5prime", dtype="float64", mirror="/mnt/models/")
    given["models"]["m"]["outputs"] = ["a", "b", "c"]
    model = check_config(expand(given, catalogue), schema)["models"]["m"]
    assert (model["outputs"], model["alphabet"], len(model["template"])) == (["a", "b", "c"], "DNA", 50)
    assert model["source"]["dtype"] == "float64"
    (one,) = downloads(model["source"])
    assert one.urls[0] == "/mnt/models/model_optimus5p_multioutput.h5"
    assert one.urls[1].startswith("https://raw.githubusercontent.com/castillohair/")
    assert (one.size, one.sha256[:8]) == (1933712, "9168b05a")


def test_sums_that_the_catalogue_lacks_can_be_given(schema, catalogue):
    given = catalogued("gb1_nn4dms", sha256={"pca-19.npy": "a" * 64})
    found = {
        d.file: d.sha256 for d in downloads(check_config(expand(given, catalogue), schema)["models"]["m"]["source"])
    }
    assert found == {"gb1_cnn.index": "", "gb1_cnn.data-00000-of-00001": "", "pca-19.npy": "a" * 64}


@pytest.mark.parametrize(
    ("name", "source", "sentence"),
    [
        ("deepspcas", {}, "no entry 'deepspcas' (models.m.source); did you mean 'deepspcas9'?"),
        ("tiger", {}, "The model tiger is one that you bring (models.m.source): clone https://github.com/daklab/tiger"),
        ("tranception", {}, "give `template` the wild type with X at the few sites under study"),
        ("indelphi", {"command": "score"}, "The licence of indelphi asks for acceptance (Copyright 2018 MIT, for non-"),
        ("indelphi", {"accept_license": True}, "if its licence lets you, clone"),
    ],
)
def test_catalogue_mistakes_are_one_sentence(catalogue, name, source, sentence):
    with pytest.raises(InputError) as caught:
        expand(catalogued(name, **source), catalogue)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_models_that_users_bring(schema, catalogue):
    for name, kind in (
        ("tiger", {"kind": "command", "command": "score"}),
        ("indelphi", {"kind": "python", "target": "a.py:f"}),
    ):
        model = check_config(expand(catalogued(name, **kind, accept_license=True), catalogue), schema)["models"]["m"]
        assert local_source(model["source"], "x") == kind
        assert model["template"] == "N" * {"tiger": 26, "indelphi": 40}[name]


def test_benchmarks_import_what_is_there(root):
    """Nothing else runs them in CI, so a name that is moved away from under one would go unseen."""
    names = sorted(p.stem for p in (root / "tests/benchmarks").glob("*.py") if not p.stem.startswith("shapzero"))
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module('benchmarks.' + name)"
    path = f"{root / 'workflow/scripts'}:{root / 'tests'}"
    run = subprocess.run(
        [sys.executable, "-c", code, *names], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path}
    )
    assert not run.returncode, run.stderr
