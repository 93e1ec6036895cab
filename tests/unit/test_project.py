"""The project itself: environments, registered files, the embedded sequences, the config's sentences."""

import ast
import re
import subprocess
import sys
from importlib.metadata import version

import pytest
import yaml
from Bio.Seq import Seq

from shapsketch.config import check_config, check_names
from shapsketch.errors import InputError

CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib"}
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
    return {n for n in names if n not in sys.stdlib_module_names and n not in ("shapsketch", "__future__")}


def read_rules(root):
    """(script, env) of every rule."""
    text = "".join(p.read_text() for p in sorted((root / "workflow/rules").glob("*.smk")))
    pattern = r'conda:\s+"\.\./\.\./envs/(\w+)\.yaml".*?script:\s+"\.\./scripts/(\w+)\.py"'
    return [(script, env) for env, script in re.findall(pattern, text, re.S)]


def read_env(path):
    content = yaml.safe_load(path.read_text())
    pins = dict(line.split(" =") for line in content["dependencies"])
    return content["channels"], {CONDA_NAMES.get(name, name): pin for name, pin in pins.items()}


def test_every_script_has_a_rule_and_an_environment(root):
    scripts = {p.stem for p in (root / "workflow/scripts").glob("*.py")}
    rules = read_rules(root)
    assert {script for script, _ in rules} == scripts
    assert {env for _, env in rules} == {p.stem for p in (root / "envs").glob("*.yaml")}


@pytest.mark.parametrize("script", [p.stem for p in __import__("pathlib").Path("workflow/scripts").glob("*.py")])
def test_environments_cover_what_scripts_import(root, script):
    env = dict(read_rules(root))[script]
    _, pins = read_env(root / f"envs/{env}.yaml")
    missing = reached_imports(root / f"workflow/scripts/{script}.py", root / "workflow/scripts/shapsketch") - set(pins)
    assert not missing, f"envs/{env}.yaml lacks {missing}"


def test_pins_are_those_the_tests_run_with(root):
    run = dict(line.split("==") for line in (root / "envs/run.txt").read_text().splitlines() if "==" in line)
    for name, pin in run.items():
        assert version(name).split("+")[0] == pin, name
    for path in (root / "envs").glob("*.yaml"):
        channels, pins = read_env(path)
        assert channels == ["conda-forge", "nodefaults"]
        for name, pin in pins.items():
            if name == "python":
                assert pin in ("3.11", "3.12", "3.13")
            else:
                assert run[name] == pin, f"{path.name}: {name}"


def test_the_registered_library_is_the_whole_library(root):
    text = (root / "workflow/rules/common.smk").read_text()
    listed = ast.literal_eval(re.search(r"LIBRARY = (\[.*?\])", text, re.S)[1])
    package = root / "workflow/scripts/shapsketch"
    assert sorted(listed) == sorted(str(p.relative_to(package)) for p in package.rglob("*.py"))


def test_the_light_modules_import_nothing_heavy():
    code = (
        "import sys; sys.path.insert(0, 'workflow/scripts');"
        "import shapsketch.config, shapsketch.sources, shapsketch.versions, shapsketch.stage;"
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
        "budget": 20000, "design": "auto", "seed": 0, "batch_size": 1024, "shards": 4,
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
        ({"models__m__source__kind": "pytorch"}, "has 'pytorch' at models.m.source.kind; use one of torch, python"),
        ({"models__m__source": {"kind": "torch", "path": "x"}}, "lacks the key 'layout' under models.m.source"),
        ({"models__m__source": {"kind": "table"}}, "lacks the key 'path' under models.m.source"),
        ({"models__m__source": {"kind": "python"}}, "lacks the key 'target' under models.m.source"),
        ({"models__m__source": {"kind": "table", "url": "https://x/t.csv"}}, "lacks the key 'sha256'"),
        ({"models__m__sketch__budget": 0}, "has 0 at models.m.sketch.budget; it must be at least 1."),
        ({"models__m__sketch__budget": "many"}, "'many' at models.m.sketch.budget, which is not of the type integer"),
        ({"models__m__background": "flat"}, "at models.m.background"),
        ({"models__m__background": {"mutate": {"around": "ACGT", "rate": 1}}}, "it must be less than 1"),
        ({"explain__indices": ["SV", "XII"]}, "has 'XII' at explain.indices.1; use one of SV, SII, STII, FSII."),
        ({"sequences__sketch": {"path": "x"}}, "has the name 'sketch' under sequences, which cannot name a folder"),
        ({"models__a/b": {}}, "has the name 'a/b' under models, which cannot name a folder"),
    ],
)
def test_config_mistakes_are_one_sentence(schema, changes, sentence):
    with pytest.raises(InputError) as caught:
        check_config(config(**changes), schema)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


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


def test_the_embedded_config_is_valid(schema, root, monkeypatch):
    monkeypatch.chdir(root)
    check_names(check_config(yaml.safe_load((root / "config/config.yaml").read_text()), schema))
