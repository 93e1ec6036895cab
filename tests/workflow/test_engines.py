"""Other ways to run the workflow: cluster and cloud profiles, storage in the place of a disk, conda, deployment."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from workflow.helpers import ROOT, Workspace, environment

VALUES = "results/tiny/some/shapley_values.parquet"
SKETCH = "results/tiny/sketch/sketch.npz"


@pytest.mark.parametrize("name", ["slurm", "lsf", "kubernetes", "aws-batch"])
def test_profiles_plan_the_whole_workflow(tmp_path, name):
    """Through the executor's own plugin; a folder takes the place of the bucket."""
    workspace = Workspace(tmp_path / "run")
    settings = yaml.safe_load((ROOT / f"workflow/profiles/{name}/config.yaml").read_text())
    if settings.get("default-storage-provider") == "s3":
        store = tmp_path / "store"
        store.mkdir()
        for file in ("model.py", "some.fa"):
            (workspace.folder / file).rename(store / file)
        settings |= {"default-storage-provider": "fs", "default-storage-prefix": str(store)}
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile/config.yaml").write_text(yaml.safe_dump(settings))
    command = [word for word in workspace.command() if word not in ("--cores", "2")]
    keys = {"SNAKEMAKE_STORAGE_S3_ACCESS_KEY": "key", "SNAKEMAKE_STORAGE_S3_SECRET_KEY": "secret"}
    done = subprocess.run(
        [*command, "--profile", str(tmp_path / "profile"), "--dry-run"], capture_output=True, text=True, check=False,
        env=environment(**keys),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sample_sketch             2" in done.stdout
    assert "build_report              1" in done.stdout
    assert "gpu=" not in done.stdout  # of a model on the processor: Kubernetes takes gpu=0 for a wish


@pytest.mark.engines
@pytest.mark.skipif(shutil.which("rsync") is None, reason="the storage plugin for folders needs rsync")
def test_a_storage_in_the_place_of_a_shared_disk(tmp_path):
    """As on Kubernetes and AWS Batch: every job brings its inputs and takes its outputs away."""
    here, away = Workspace(tmp_path / "here"), Workspace(tmp_path / "away")
    store = tmp_path / "störe"
    store.mkdir()
    for file in ("model.py", "some.fa"):
        (away.folder / file).rename(store / file)
    here.run()
    away.run(
        "--default-storage-provider", "fs", "--default-storage-prefix", str(store),
        "--shared-fs-usage", "persistence", "software-deployment", "sources", "source-cache",
    )  # fmt: skip
    away.folder = tmp_path / "stored"
    away.folder.mkdir()
    (away.folder / "results").symlink_to(store / "results")
    hashes = here.hashes()
    del hashes["tiny/some/shapley_values.tsv.gz"]  # written beside the Parquet file on disks only
    assert away.hashes() == hashes


def scripts_of(env):
    """The scripts that an env file's first line names."""
    words = env.read_text().split("\n")[0].replace(",", " ").replace(".", " ").split()
    return [script for script in (ROOT / "workflow/scripts").glob("*.py") if script.stem in words]


def imports(script):
    """Python code of all imports of a script, of the library too."""
    nodes = [n for n in ast.walk(ast.parse(script.read_text())) if isinstance(n, ast.Import | ast.ImportFrom)]
    folder = str(ROOT / "workflow/scripts")
    return "\n".join(["import sys", f"sys.path.insert(0, {folder!r})", *map(ast.unparse, nodes)])


@pytest.mark.engines
def test_conda_environments_hold_all_that_their_scripts_import(tmp_path):
    workspace, base = Workspace(tmp_path / "run"), tmp_path / "conda"
    (base / "bin").mkdir(parents=True)
    stand_in = Path(__file__).with_name("conda_stand_in.py")
    for name, text in (
        ("conda", f'#!/bin/sh\nexec {sys.executable} "{stand_in}" "$@"\n'),
        ("activate", 'export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"\n'),
    ):
        (base / "bin" / name).write_text(text)
        (base / "bin" / name).chmod(0o755)
    variables = environment(STAND_IN=str(base), PATH=f"{base / 'bin'}:{os.environ['PATH']}")
    workspace.write("known.meme", "MEME version 4\n")
    config = (workspace.folder / "config/config.yaml").read_text()
    workspace.configure(motifs__database="known.meme", compare={"enabled": True})
    workspace.run("--sdm", "conda", "--conda-create-envs-only", env=variables)
    workspace.write("config/config.yaml", config)
    workspace.run("--sdm", "conda", env=variables)
    found = {}
    for file in (workspace.folder / ".snakemake/conda").glob("*.yaml"):
        found[file.read_text().split("\n")[0]] = file.with_suffix("")
    used = [p for p in (ROOT / "envs").glob("*.yaml") if p.read_text().split("\n")[0] in found]
    assert {p.stem for p in used} == {"sketch", "recover", "explain", "motifs", "report", "tomtom", "compare"}
    for env in used:
        python = found[env.read_text().split("\n")[0]] / "bin/python"
        for script in scripts_of(env):
            done = subprocess.run([python, "-I", "-c", imports(script)], capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{env.name}, {script.name}: {done.stderr}"
    plain = Workspace(tmp_path / "plain")
    plain.run()
    ours, theirs = workspace.hashes(), plain.hashes()
    for name in ("tiny/sketch/sketch.npz", "tiny/some/motifs/motifs.meme", "tiny/some/shapley_values.tsv.gz"):
        assert ours[name] == theirs[name]  # what does not name the packages of its environment


@pytest.mark.engines
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no clone")
def test_deployment_from_github(tmp_path):
    """snakedeploy, and the module that it writes, against a clone that git puts in GitHub's place."""
    origin, address = tmp_path / "origin", "https://github.com/someone/shapsketch"
    subprocess.run(["git", "clone", "--quiet", ROOT, origin], check=True)
    subprocess.run(["git", "-C", origin, "tag", "v0"], check=True)
    variables = environment(
        GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0=f"url.{origin.as_uri()}.insteadOf", GIT_CONFIG_VALUE_0=address,
        XDG_CACHE_HOME=str(tmp_path / "cache"),
    )  # fmt: skip
    snakedeploy = Path(sys.executable).with_name("snakedeploy")
    workspace = Workspace(tmp_path / "run")
    for command in (
        [snakedeploy, "deploy-workflow", address, tmp_path / "deployed", "--tag", "v0"],
        [*workspace.command(SKETCH, snakefile=tmp_path / "deployed/workflow/Snakefile")],
    ):
        done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (
        'github("someone/shapsketch", path="workflow/Snakefile", tag="v0")'
        in (tmp_path / "deployed/workflow/Snakefile").read_text()
    )
    assert (tmp_path / "deployed/config/config.yaml").exists()
    assert (workspace.folder / SKETCH).exists()
