"""Sketches from shards: damaged, cut, foreign and missing ones, and the rate that is measured.

Covers also: shard_files.
"""

import errno
from itertools import pairwise

import numpy as np
import pytest
from function_cases import CODE, python

from shapsketch.models import identity
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import (
    Sketch,
    is_sampled,
    measure_rate,
    merge_shards,
    sample_shard,
    shard_range,
)
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.storage.files import load_npz, save_npz

MODEL = "import numpy as np\n\ndef f(codes):\n    return codes @ np.arange(1.0, 9.0)\n"


@pytest.fixture
def source(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    return {"kind": "python", "target": f"{tmp_path / 'model.py'}:f", "input": "codes"}


@pytest.fixture
def code(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(CODE)
    return path


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


@pytest.mark.parametrize("shards", [1, 3, 16])
def test_a_sketch_costs_its_budget_and_not_one_evaluation_more(code, tmp_path, shards):
    template = Template(Alphabet("ACGT"), "N" * 8)
    plan = make_plan({}, ["y"], Background.uniform(template), budget=1_000, batch_size=64)
    counted = []
    paths = []
    for shard in range(1, shards + 1):
        arrays = sample_shard(plan, python(code, "logs"), shard, shards, counted.append)
        paths.append(tmp_path / f"{shard}.npz")
        save_npz(paths[-1], arrays)
    asked = (code.parent / "model.py.log").read_text().split()
    assert len(asked) == sum(counted) == plan.size == 1_000
    assert asked == template.alphabet.decode(template.to_alphabet(plan.queries(0, 1_000)))
    sketch = merge_shards(plan, paths[::-1])
    assert sketch.values[:, 0].tolist() == [s.count("G") for s in asked]
    sketch.save(tmp_path / "sketch.npz")
    assert (Sketch.load(tmp_path / "sketch.npz", plan).values == sketch.values).all()


def test_shards_of_another_plan_or_missing_ones(code, tmp_path):
    background = Background.uniform(Template(Alphabet("ACGT"), "N" * 8))
    plan, other = (make_plan({}, ["y"], background, budget=500, batch_size=64, seed=s) for s in (0, 1))
    paths = [tmp_path / f"{k}.npz" for k in (1, 2, 3)]
    for k, path in enumerate(paths, 1):
        save_npz(path, sample_shard(plan, python(code, "codes", "codes"), k, 3))
    with pytest.raises(InputError, match="hold no evaluation number"):
        merge_shards(plan, paths[:1] + paths[2:])
    with pytest.raises(InputError, match="hold 320 of 500"):
        merge_shards(plan, paths[:2])
    paths[1].write_bytes(paths[1].read_bytes()[:-30])
    with pytest.raises(InputError, match="damaged"):
        merge_shards(plan, paths)
    with pytest.raises(InputError, match="belongs to another plan"):
        merge_shards(other, paths[::2])
    assert not any(path.exists() for path in paths)


@pytest.mark.parametrize("size", [0, 1, 99, 1000, 1024])
@pytest.mark.parametrize("shards", [1, 3, 16, 50])
def test_shards_are_whole_batches_and_cover_all(size, shards):
    ranges = [shard_range(size, 64, k, shards) for k in range(1, shards + 1)]
    assert ranges[0][0] == 0
    assert ranges[-1][1] == size
    assert all(a[1] == b[0] for a, b in pairwise(ranges))
    assert all(start % 64 == 0 or start == size for start, _ in ranges)
