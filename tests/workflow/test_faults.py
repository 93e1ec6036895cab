"""What clusters do: processes that are killed, disks that fill up, files that are damaged, clocks that jump.

Every test breaks something on purpose, runs the same command again, and compares the bytes with those of an
undisturbed run; the model counts what it is asked, so that nothing finished is asked again.
"""

import csv
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from pages import Parser, errors_of, open_page
from workflow.helpers import SEQUENCES, Workspace, environment

pytestmark = pytest.mark.faults

BUDGET, EXPLAINED = 3000, 5
SHARDS = "results/tiny/sketch/shards"
SKETCH = "results/tiny/sketch/sketch.npz"
VALUES = "results/tiny/some/shapley_values.parquet"


class Broken(Workspace):
    """A workspace whose model counts what it is asked."""

    def __init__(self, folder):
        super().__init__(folder)
        self.configure(models__tiny__sketch__shards=3)

    @property
    def calls(self):
        return self.folder / "calls.txt"

    def asked(self):
        return sum(map(int, self.calls.read_text().split())) if self.calls.exists() else 0

    def env(self, seconds=0.0):
        return environment(TINY_MODEL_SECONDS=str(seconds), TINY_MODEL_CALLS=str(self.calls))

    def start(self, *arguments, seconds=0.0):
        """Start a run in a process group of its own."""
        return subprocess.Popen(
            self.command(*arguments), env=self.env(seconds), start_new_session=True, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def again(self, *arguments, **settings):
        return self.run(*arguments, env=self.env(), **settings)

    def shards(self):
        """The finished shards, by name, and when they were written."""
        return {p.name: p.stat().st_mtime_ns for p in (self.folder / SHARDS).glob("[0-9]*.npz")}

    def damage(self, name, how):
        path = self.folder / name
        data = bytearray(path.read_bytes())
        if how == "flipped":
            data[len(data) // 2] ^= 16
        path.write_bytes({"empty": b"", "truncated": data[: len(data) // 2], "flipped": data}[how])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    workspace = Broken(tmp_path_factory.mktemp("runs") / "undisturbed")
    workspace.again()
    assert workspace.asked() == BUDGET + EXPLAINED
    return workspace


@pytest.fixture(scope="module")
def hashes(undisturbed):
    return undisturbed.hashes()


@pytest.fixture
def broken(tmp_path):
    return Broken(tmp_path / "a broken rün's folder")


@pytest.fixture
def copy(undisturbed, tmp_path):
    """A finished run to be damaged."""
    return undisturbed.copy(tmp_path / "a copied rün's folder")


def wait_for(condition, what):
    deadline = time.monotonic() + 120
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


def workers(folder, script):
    """The process ids of jobs, by their script."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
            if (process / "cwd").readlink() == folder and words[-2].endswith(f"{script}.py"):
                found.append(int(process.name))
        except (OSError, IndexError):
            continue
    return found


def same(workspace, hashes, count=10):
    found = workspace.hashes()
    return found.items() <= hashes.items() and len(found) == count and not workspace.leftovers()


def test_a_worker_that_is_killed_is_tried_again(broken, hashes):
    process = broken.start("--rerun-incomplete", seconds=0.3)
    wait_for(broken.shards, "no shard was finished")
    for script in ("sample_sketch", "explain_sequences"):
        time.sleep(0.2)
        os.kill(wait_for(lambda script=script: workers(broken.folder, script), script)[0], signal.SIGKILL)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert same(broken, hashes)
    assert broken.asked() <= BUDGET + BUDGET // 3 + 2 * EXPLAINED  # one shard, at most, was begun twice


def test_what_workers_finish_without_snakemake_is_kept(broken, hashes):
    """Snakemake alone is killed; its jobs live on, as they do on a cluster."""
    process = broken.start(seconds=0.2)
    wait_for(lambda: len(workers(broken.folder, "sample_sketch")) == 2, "sampling did not begin")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=120)
    wait_for(lambda: not workers(broken.folder, "sample_sketch"), "the workers did not end")
    done, asked = broken.shards(), broken.asked()
    assert len(done) == 2
    broken.again("--unlock")
    output = broken.again("--rerun-incomplete").stderr
    assert output.count("it stays, and the model is not asked again") == 2
    assert asked < BUDGET
    assert broken.asked() == BUDGET + EXPLAINED
    assert same(broken, hashes)


def test_a_full_disk(tmp_path, hashes):
    folder = tmp_path / "mount"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        broken = Broken(folder / "rün")
        for kilobytes in (128, 256, 384, 512, 768, 100_000):
            subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", folder], check=True)
            done = broken.again("--rerun-incomplete", check=False)
            if done.returncode:
                broken.again("--unlock", check=False)
                assert kilobytes < 100_000, done.stdout + done.stderr
        assert same(broken, hashes)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("how", ["truncated", "empty", "flipped"])
def test_damaged_shards_and_only_they_are_made_anew(copy, hashes, how):
    copy.calls.unlink()
    (copy.folder / SKETCH).unlink()
    shutil.rmtree(copy.folder / "results/tiny/spectrum")
    before = copy.shards()
    copy.damage(f"{SHARDS}/2-of-3.npz", how)
    done = copy.again(VALUES, check=False)
    assert done.returncode != 0
    assert f"{SHARDS}/2-of-3.npz is damaged" in done.stderr
    assert "1 of 3 shards cannot be used and were removed; run the same command again" in done.stderr
    copy.again()
    assert copy.asked() == BUDGET // 3
    assert {n for n, written in copy.shards().items() if before[n] == written} == {"1-of-3.npz", "3-of-3.npz"}
    (copy.folder / VALUES).unlink()
    copy.damage("results/tiny/some/shards/1-of-1.interactions.parquet", how)
    done = copy.again(VALUES, check=False)
    assert "1-of-1.interactions.parquet is damaged" in done.stderr
    copy.again()
    assert copy.asked() == BUDGET // 3 + EXPLAINED
    assert same(copy, hashes)


def test_two_runs_at_once(broken, hashes):
    first = broken.start(seconds=0.05)
    wait_for(lambda: (broken.folder / "results/tiny/sketch/plan.json").exists(), "no plan")
    second = broken.again(check=False)
    assert second.returncode != 0
    said = second.stdout + second.stderr  # whichever it looks at first
    assert "locked" in said or "Incomplete files" in said
    output, _ = first.communicate(timeout=300)
    assert first.returncode == 0, output
    assert broken.asked() == BUDGET + EXPLAINED
    assert same(broken, hashes)


def test_two_runs_at_once_that_were_told_not_to_lock(broken, hashes):
    """Results may be made twice and a run may fail, but nothing comes out wrong."""
    runs = [broken.start("--nolock", "--rerun-incomplete", seconds=0.02) for _ in range(2)]
    for run in runs:
        run.communicate(timeout=300)
    broken.again("--rerun-incomplete")
    assert same(broken, hashes)


def test_a_config_that_changes_half_way_and_back(broken, hashes):
    process = broken.start(seconds=0.2)
    wait_for(broken.shards, "no shard was finished")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=120)
    broken.again("--unlock")
    broken.configure(models__tiny__sketch__seed=7)
    broken.again(SKETCH, "--rerun-incomplete")
    assert broken.hashes()["tiny/sketch/sketch.npz"] != hashes["tiny/sketch/sketch.npz"]
    broken.configure(models__tiny__sketch__seed=0)
    broken.again()
    assert same(broken, hashes)


@pytest.mark.parametrize("days", [-4000, 4000])
def test_a_clock_that_jumps(copy, hashes, days):
    """Inputs and a few results are older or newer than they can be, model files too large to be hashed among them."""
    copy.calls.unlink()
    moment = time.time() + days * 86400
    for name in ("model.py", "some.fa", "results/tiny/sketch/plan.json", f"{SHARDS}/1-of-3.npz"):
        os.utime(copy.folder / name, (moment, moment))
    if days > 0:  # Snakemake says so, until the inputs are touched
        assert "clock skew" in copy.again("--max-checksum-file-size", "10", check=False).stderr
        for name in ("model.py", "some.fa"):
            (copy.folder / name).touch()
    copy.again("--max-checksum-file-size", "10")
    assert copy.asked() == 0
    assert same(copy, hashes)


def test_inputs_that_cannot_be_written(broken, hashes):
    """As an unprivileged user, in a folder where only results may be made."""
    inputs = broken.folder.parent / "inputs"
    inputs.mkdir()
    for name in ("model.py", "some.fa"):
        (broken.folder / name).rename(inputs / name)
        (broken.folder / name).symlink_to(inputs / name)
        (inputs / name).chmod(0o444)
    if subprocess.run(["mount", "--bind", inputs, inputs], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", inputs], check=True)
        with pytest.raises(OSError, match="Read-only"):
            (inputs / "other").touch()
        broken.again()
    finally:
        subprocess.run(["umount", inputs], check=True)
    assert same(broken, hashes)


def test_two_thousand_shards(broken, undisturbed, hashes):
    from shapsketch.sampling.plan import Plan
    from shapsketch.sampling.sketch import sample_shard
    from shapsketch.storage.files import save_npz

    broken.configure(models__tiny__sketch__shards=2000, models__tiny__sketch__batch_size=1)
    broken.configure(models__tiny__sketch__budget=2000)
    broken.again("results/tiny/sketch/plan.json")
    looked = broken.asked()  # the first look at the model
    plan = Plan.load(broken.folder / "results/tiny/sketch/plan.json")
    source = {"kind": "python", "target": str(broken.folder / "model.py:predict")}
    for k in range(1, 2001):
        save_npz(broken.folder / SHARDS / f"{k}-of-2000.npz", sample_shard(plan, source, k, 2000))
    broken.again(SKETCH, "--touch")
    for k in random.Random(0).sample(range(1, 2001), 3):
        broken.damage(f"{SHARDS}/{k}-of-2000.npz", "flipped")
    (broken.folder / SKETCH).unlink(missing_ok=True)
    assert "3 of 2000 shards cannot be used" in broken.again(SKETCH, check=False).stderr
    broken.again(SKETCH)
    assert broken.asked() - looked == 3
    other = Broken(broken.folder.parent / "one shard")
    other.configure(models__tiny__sketch={"budget": 2000, "batch_size": 1, "shards": 1})
    other.again(SKETCH)
    assert other.hashes() == broken.hashes()


def test_ids_and_letters_are_text_and_stay_in_the_folder(broken, undisturbed, browser):
    """Ids that are HTML or paths, and an alphabet of the letters that HTML is made of."""
    letters = "<&'G"
    ids = ["../../x", "<script>alert(1)</script>", '"onload=alert(1) x="', "=cmd|'/C calc'!A0", "{{ 7 * 7 }}"]
    rows = [["id", "sequence"], *([name, letters * 2] for name in ids)]
    with open(broken.folder / "some.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    broken.configure(
        models__tiny__alphabet=letters, models__tiny__template="*" * 8, sequences__some={"path": "some.csv"}
    )
    broken.again()
    page, plain = (w.folder / "results/tiny/some/report.html" for w in (broken, undisturbed))
    found, expected = (Parser(path.read_text()) for path in (page, plain))
    assert {key: len(parts) for key, parts in found.scripts.items()} == {
        key: len(parts) for key, parts in expected.scripts.items()
    }
    assert set(found.handlers) <= set(expected.handlers)
    find = open_page(browser, page)
    assert not errors_of(browser)
    assert {e.get_attribute("title") for e in find("tbody .name")} == set(ids)
    assert {p.name for p in broken.folder.parent.iterdir()} == {broken.folder.name}
    made = {p.name for p in broken.folder.iterdir()} - {"model.py", "some.fa", "some.csv", "config", "calls.txt"}
    assert made <= {"results", "logs", "benchmarks", ".snakemake", "__pycache__"}


def test_a_config_runs_no_code_that_it_does_not_ask_for(broken):
    text = (broken.folder / "config/config.yaml").read_text()
    for line in (
        "x: !!python/object/apply:os.system ['touch ran']",
        "offline: $(touch ran)",
        "sequences: {some: {path: 'some.fa; touch ran'}}",
    ):
        broken.write("config/config.yaml", f"{text}\n{line}\n")
        assert broken.again("--dry-run", check=False).returncode != 0
    broken.write("config/config.yaml", text)
    broken.write("some {model}.fa", SEQUENCES)
    broken.configure(sequences__some={"path": "some {model}.fa"})
    assert "which Snakemake takes for a wildcard." in broken.again(check=False).stderr
    name = "so $(touch ran); `touch ran`.fa"
    broken.write(name, SEQUENCES)
    broken.configure(sequences__some={"path": name})
    broken.again("results/tiny/some/sequences.parquet")
    assert not (broken.folder / "ran").exists()
