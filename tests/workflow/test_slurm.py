"""The workflow on a real SLURM of two nodes, through the profile that users copy."""

import json
import subprocess
import sys
import time
from datetime import datetime

import pandas as pd
import pytest
import yaml

from workflow.helpers import MODEL, ROOT, Workspace, environment
from workflow.slurm import Slurm, obstacle

pytestmark = [pytest.mark.slurm, pytest.mark.skipif(bool(obstacle()), reason=obstacle())]

VALUES = "results/tiny/some/shapley_values.parquet"
SKETCH = "results/tiny/sketch/sketch.npz"


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    with Slurm(tmp_path_factory.mktemp("slurm") / "cluster") as cluster:
        yield cluster


@pytest.fixture
def profile(tmp_path):
    """A copy of the template, as a user would make it, with what makes tests quick."""
    settings = yaml.safe_load((ROOT / "workflow/profiles/slurm/config.yaml").read_text())
    settings["default-resources"] |= {"slurm_partition": "main"}
    settings |= {"slurm-init-seconds-before-status-checks": 1, "slurm-no-account": True, "max-threads": 1}
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile/config.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path / "profile"


def command(workspace, profile, *arguments):
    return [
        sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--directory", str(workspace.folder),
        "--profile", str(profile), *arguments,
    ]  # fmt: skip


def run(workspace, profile, *arguments, **variables):
    done = subprocess.run(
        command(workspace, profile, *arguments), capture_output=True, text=True, timeout=900, check=False,
        env=environment(**variables),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done.stderr


def embedded(folder):
    """The default config, on a device that is a GPU if there is one."""
    folder.mkdir()
    (folder / "config").mkdir()
    (folder / "resources").symlink_to(ROOT / "resources")
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    config["models"]["guide_cnn"]["source"]["device"] = "auto"
    config["models"]["guide_cnn"]["recovery"] = {"learning_curve": False}
    config["explain"] = {"shards": 2}
    del config["sequences"]["hbb"]
    (folder / "config/config.yaml").write_text(yaml.safe_dump(config))
    workspace = object.__new__(Workspace)
    workspace.folder = folder
    return workspace


def test_the_embedded_analysis_on_two_nodes(slurm, profile, tmp_path):
    there, here = embedded(tmp_path / "on slürm"), embedded(tmp_path / "here")
    run(there, profile)
    sampling = slurm.jobs("sample_sketch")
    assert {job["NodeList"] for job in sampling} == {"n1", "n2"}
    assert len(sampling) == 4
    assert all("gpu" in job["TresPerJob"] for job in [*sampling, *slurm.jobs("explain_sequences")])
    assert "TresPerJob" not in slurm.jobs("recover_spectrum")[0]
    here.run()
    path = "results/guide_cnn/egfp/provenance.json"
    records = [json.loads((workspace.folder / path).read_text()) for workspace in (there, here)]
    assert records[0] == records[1]
    assert len(records[0]["results"]) > 20
    assert not there.leftovers()


def test_a_small_sketch_on_two_nodes_is_the_one_made_here(slurm, profile, tmp_path):
    """What CI has the time for."""
    there, here = Workspace(tmp_path / "on slürm"), Workspace(tmp_path / "here")
    for workspace in (there, here):
        workspace.configure(models__tiny__sketch__shards=4)
    before = {job["JobId"] for job in slurm.jobs("sample_sketch")}
    run(there, profile, SKETCH)
    jobs = [job for job in slurm.jobs("sample_sketch") if job["JobId"] not in before]
    assert {job["NodeList"] for job in jobs} == {"n1", "n2"}
    here.run(SKETCH)
    assert there.hashes() == here.hashes()
    assert not there.leftovers()


# The first job of each kind comes to grief, and says so by a folder; what comes after it does not.
TROUBLE = (
    MODEL
    + """
def trouble(kind):
    try:
        os.mkdir(kind)
        return True
    except FileExistsError:
        return False

if trouble("memory"):
    filled = bytearray(os.urandom(1000)) * 2_600_000
    time.sleep(60)
elif trouble("time"):
    time.sleep(600)
elif trouble("node"):
    time.sleep(600)
"""
)


def test_jobs_that_are_killed_for_memory_and_time_and_a_node_that_goes_down(slurm, profile, tmp_path):
    workspace, here = Workspace(tmp_path / "trouble"), Workspace(tmp_path / "here")
    for w in (workspace, here):
        w.configure(models__tiny__sketch__shards=4)
        w.write("model.py", TROUBLE)
    for kind in ("memory", "time", "node"):
        (here.folder / kind).mkdir()
    process = subprocess.Popen(
        command(workspace, profile, VALUES, "--set-resources", "sample_sketch:runtime=2"), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    slurm.wait(lambda: (workspace.folder / "node").exists(), "no third job began", 300)
    running = [job for job in slurm.jobs("sample_sketch") if job["JobState"] == "RUNNING"]
    node = max(running, key=lambda job: job["StartTime"])["NodeList"]
    slurm.control("update", f"nodename={node}", "state=down", "reason=test")
    time.sleep(5)
    slurm.control("update", f"nodename={node}", "state=resume", check=False)  # unless it is back by itself
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    logs = "".join((slurm.folder / f"{name}.log").read_text() for name in ("n1", "n2"))
    assert "exceeded memory limit" in logs
    assert "DUE TO TIME LIMIT" in logs
    assert "DUE TO NODE FAILURE" in logs or any(job["Restarts"] != "0" for job in slurm.jobs("sample_sketch"))
    here.run(VALUES)
    assert workspace.hashes() == here.hashes()
    assert not workspace.leftovers()


def test_two_nodes_sample_faster_than_one(slurm, profile, tmp_path):
    """With 5 ms an evaluation, from the start of the first job to the end of the last; a shard costs what was told."""
    seconds = {}
    for nodes in (1, 2):
        workspace = Workspace(tmp_path / str(nodes))
        workspace.configure(models__tiny__sketch={"budget": 12_000, "batch_size": 100, "shards": 4})
        if nodes == 1:
            run(workspace, profile, "results/estimate.tsv", TINY_MODEL_SECONDS="0.5")
            table = pd.read_csv(workspace.folder / "results/estimate.tsv", sep="\t", index_col="stage")
            slurm.control("update", "nodename=n2", "state=drain", "reason=test")
        before = {job["JobId"] for job in slurm.jobs("sample_sketch")}
        run(workspace, profile, SKETCH, TINY_MODEL_SECONDS="0.5")
        if nodes == 1:
            slurm.control("update", "nodename=n2", "state=resume")
        jobs = [job for job in slurm.jobs("sample_sketch") if job["JobId"] not in before]
        assert len(jobs) == 4
        times = [[datetime.fromisoformat(job[key]) for key in ("StartTime", "EndTime")] for job in jobs]
        seconds[nodes] = (max(end for _, end in times) - min(start for start, _ in times)).total_seconds()
    each = sum((end - start).total_seconds() for start, end in times) / 4
    print(f"sampling took {seconds[1]:.0f} s on one node and {seconds[2]:.0f} s on two")
    print(f"a shard took {each:.0f} s; {table.loc['sample', 'job_seconds']:.0f} s had been estimated")
    assert table.loc["sample", "jobs"] == 4
    assert 0.5 < each / table.loc["sample", "job_seconds"] < 2
    assert seconds[2] <= 0.6 * seconds[1]
