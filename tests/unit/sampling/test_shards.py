"""Damaged shards, manifests and half-written files, without running the workflow."""

import errno
import subprocess
import sys

import numpy as np
import pytest

from shapsketch.models import identity
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import is_sampled, measure_rate, merge_shards, sample_shard
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError, UnusableError
from shapsketch.storage.files import atomic_path, load_npz, save_npz, write_text
from shapsketch.storage.manifest import check_manifests, is_complete, write_manifest

MODEL = "import numpy as np\n\ndef f(codes):\n    return codes @ np.arange(1.0, 9.0)\n"


@pytest.fixture
def source(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    return {"kind": "python", "target": f"{tmp_path / 'model.py'}:f", "input": "codes"}


@pytest.fixture
def plan(source):
    background = Background.uniform(Template(Alphabet.from_config("DNA"), "N" * 8))
    return make_plan(identity(source), ["y"], background, budget=600, batch_size=50)


@pytest.fixture
def shards(plan, source, tmp_path):
    paths = [tmp_path / f"{k}-of-3.npz" for k in (1, 2, 3)]
    for k, path in enumerate(paths, 1):
        save_npz(path, sample_shard(plan, source, k, 3))
    return paths


def test_no_flipped_bit_of_a_shard_goes_unseen(plan, shards):
    """Every flip either is found or changes nothing that is read."""
    whole, path = merge_shards(plan, shards), shards[1]
    data = path.read_bytes()
    found = 0
    for place in np.random.default_rng(0).integers(0, 8 * len(data), 300).tolist():
        broken = bytearray(data)
        broken[place // 8] ^= 1 << place % 8
        path.write_bytes(broken)
        if is_sampled(path, plan, 2, 3):
            assert (merge_shards(plan, shards).values == whole.values).all()
        else:
            found += 1
    assert found > 200


@pytest.mark.parametrize("size", [0, 1, 100, -1])
def test_shards_that_were_cut_short_are_removed_and_named(plan, shards, size):
    shards[1].write_bytes(shards[1].read_bytes()[:size])
    assert not is_sampled(shards[1], plan, 2, 3)
    with pytest.raises(InputError, match=r"2-of-3.npz is damaged.* 1 of 3 shards cannot be used and were removed"):
        merge_shards(plan, shards)
    assert [path.exists() for path in shards] == [True, False, True]


def test_a_shard_of_another_plan_or_place_is_no_shard_of_this_one(plan, source, shards):
    other = make_plan(identity(source), ["y"], plan.background, budget=600, batch_size=50, seed=1)
    assert is_sampled(shards[0], plan, 1, 3)
    assert not is_sampled(shards[0], other, 1, 3)
    assert not is_sampled(shards[0], plan, 2, 3)
    assert not is_sampled(shards[0], plan, 1, 2)
    assert not is_sampled(shards[0], plan, 1, 3, skip=True)
    with pytest.raises(InputError, match="belongs to another plan"):
        merge_shards(other, shards)


def test_a_value_that_was_changed_by_hand_is_found(plan, shards):
    arrays = load_npz(shards[0])
    arrays["values"][0] += 1
    save_npz(shards[0], arrays)
    with pytest.raises(InputError, match="1-of-3.npz is damaged: its content does not match its checksum"):
        merge_shards(plan, shards)


def test_what_cannot_be_read_is_not_removed(plan, shards, monkeypatch):
    """A disk that fails for a moment must not cost a shard."""

    def fail(*_, **__):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(np, "load", fail)
    with pytest.raises(InputError, match="cannot be read"):
        merge_shards(plan, shards)
    assert all(path.exists() for path in shards)


def test_the_rate_is_measured_on_the_model_alone(plan, source):
    rate = measure_rate(plan, source, seconds=0)
    assert rate["evaluations"] == 100  # two batches
    assert 0 < rate["seconds_per_evaluation"] < 0.1


def test_seals_find_every_change(tmp_path):
    files = [tmp_path / f"1-of-2.{name}.parquet" for name in ("values", "interactions")]
    manifest, other = tmp_path / "1-of-2.json", tmp_path / "11-of-20.json"
    for file in files:
        file.write_bytes(b"some bytes")
    write_text(other, "not of this shard")
    write_manifest(manifest, "origin", files)
    check_manifests([manifest])
    assert is_complete(manifest, "origin")
    assert not is_complete(manifest, "another origin")
    files[1].write_bytes(b"some bytez")
    assert not is_complete(manifest, "origin")
    with pytest.raises(InputError, match=r"1-of-2.interactions.parquet is damaged.* 1 of 1 shards"):
        check_manifests([manifest])
    assert list(tmp_path.iterdir()) == [other]
    with pytest.raises(InputError, match="does not exist"):
        check_manifests([manifest])


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"files": 3}', '{"files": {"../../x": "y"}}'])
def test_a_damaged_seal_seals_nothing(tmp_path, text):
    manifest = tmp_path / "1-of-1.json"
    manifest.write_text(text)
    assert not is_complete(manifest, "origin")
    with pytest.raises(InputError, match="cannot be used and were removed"):
        check_manifests([manifest])


def test_half_written_files_of_dead_processes_are_cleared(tmp_path):
    (tmp_path / ".a[1].npz.0123abcd.tmp").write_text("half")
    (tmp_path / ".b.npz.0123abcd.tmp").write_text("of another file")
    write_text(tmp_path / "a[1].npz", "whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".b.npz.0123abcd.tmp", "a[1].npz"]


def test_a_writer_that_was_given_up_gives_way(tmp_path):
    path = tmp_path / "shard"
    with pytest.raises(InputError, match="Another process has begun to write"), atomic_path(path) as slow:
        slow.write_text("slow")
        write_text(path, "quick")
    assert path.read_text() == "quick"
    assert list(tmp_path.iterdir()) == [path]


def test_files_of_users_are_told_as_damaged(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(UnusableError, match="is damaged or not an .npz"):
        load_npz(tmp_path / "x.npz")


def test_a_full_disk_is_told_in_a_sentence(root):
    """Also where the log itself cannot be written."""
    code = """
import errno
from types import SimpleNamespace
from shapsketch.settings import script
script.start(SimpleNamespace(log="/dev/full", threads=1))
raise OSError(errno.ENOSPC, "No space left on device")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=root / "workflow/scripts"
    )
    assert done.returncode != 0
    assert "shapsketch: No space is left where the results go" in done.stderr
    assert "Traceback" not in done.stderr
