"""Near queries: what they are drawn from, how a budget is divided, and what is kept when sets change."""

import math
from dataclasses import replace

import numpy as np
import pytest

import shapsketch
from shapsketch.recovery import standardised
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.near import MAX_CENTRES, Near
from shapsketch.sampling.plan import NEAR, Plan
from shapsketch.sampling.shard_files import EARLIER, earlier_shards, forget_earlier, keep_earlier
from shapsketch.sampling.sketch import Sketch, is_sampled, merge_shards, sample, sample_shard
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.storage.files import save_npz

TEMPLATE = Template(Alphabet("ACGT"), "NNNNNNNNNNRG")
CENTRES = ("AAAAAAAAAAAG", "CCCCCCCCCCGG")


def plan(near=None, budget=8000, **settings):
    background = Background.from_frequencies(TEMPLATE, {"A": 0.4, "C": 0.1, "G": 0.2, "T": 0.3})
    return make_plan({"m": 1}, ["y"], background, budget=budget, near=near, **{"batch_size": 16, **settings})


def test_near_queries_are_sequences_mixed_with_the_background():
    made = plan(Near.of(0.5, {"one": [CENTRES[1]]}), budget=40_000)
    codes = TEMPLATE.to_alphabet(made.queries(0, made.size))
    near = np.concatenate([codes[block] for block in made.blocks("near")])
    same = near[:, :10] == 1  # C, which the background gives one time in ten
    assert same.mean() == pytest.approx(0.5 * 0.1 + 0.5, abs=0.01)
    kept = same.sum(1)
    share = np.bincount(kept, minlength=11) / len(kept)
    # u is uniform, so all numbers of kept letters are as likely: C(10, k) integral of (1-.9u)^k (.9u)^(10-k)
    u = (np.arange(100_000) + 0.5) / 100_000
    from scipy.stats import binom

    expected = [binom.pmf(k, 10, 1 - 0.9 * u).mean() for k in range(11)]
    assert share == pytest.approx(expected, abs=0.01)
    drawn = np.concatenate([codes[block] for block in made.blocks("train")])
    assert (drawn[:, :10] == 1).mean() == pytest.approx(0.1, abs=0.01)
    assert set(codes[:, 11]) == {2}
    assert set(codes[:, 10]) == {0, 2}


def test_the_budget_is_divided_in_each_role():
    made = plan(Near.of(0.3, {"both": list(CENTRES)}), design="random")
    sizes = {role: made.count(role) for role in ("holdout", "validation", "train", *NEAR)}
    assert sizes == {
        "holdout": 560,
        "validation": 280,
        "train": 4760,
        "near_holdout": 240,
        "near_validation": 120,
        "near": 2040,
    }
    assert made.evaluations == 8000
    stopping = plan(Near.of(0.3, {"both": list(CENTRES)}), until_r2=0.9)
    for number in range(1, len(stopping.rounds) + 1):
        part = stopping.first(number)
        assert part.count("near") / (part.count("near") + part.count("train")) == pytest.approx(0.3, abs=0.02)


def test_a_plan_without_near_queries_is_the_one_it_was():
    assert "near" not in plan()._content()
    assert plan().count("near") == 0


def test_plans_are_read_back(tmp_path):
    made = plan(Near.of(0.3, {"b": list(CENTRES), "a": [CENTRES[0]]}))
    made.save(tmp_path / "plan.json")
    again = Plan.load(tmp_path / "plan.json")
    assert again.hash == made.hash
    assert np.array_equal(again.queries(0, again.size), made.queries(0, made.size))


def test_the_order_of_sets_is_part_of_a_plan():
    sets = {"one": [CENTRES[0]], "two": [CENTRES[1]]}
    made, other = (
        plan(Near.of(0.3, {name: sets[name] for name in names})) for names in (("one", "two"), ("two", "one"))
    )
    assert not np.array_equal(made.queries(0, made.size), other.queries(0, other.size))
    assert made.hash != other.hash
    assert "order" not in made._content()["near"]  # the hash of sets in this order stays what it was


def before_order_was_told(names):
    """A plan of two sets as it was made when their order was no part of its hash."""
    made = plan(Near.of(0.3, {name: [CENTRES[name == "two"]] for name in names}), budget=4000)
    return replace(made, near=replace(made.near, order=()))


def test_plans_from_before_the_order_was_told_are_read_as_they_are(tmp_path):
    made = before_order_was_told(("two", "one"))
    made.save(tmp_path / "plan.json")
    again = Plan.load(tmp_path / "plan.json")
    assert again.hash == made.hash == before_order_was_told(("one", "two")).hash
    assert np.array_equal(again.queries(0, again.size), made.queries(0, made.size))


def test_a_shard_of_the_same_sets_in_another_order_is_no_shard_of_this_plan(tmp_path):
    source = {"kind": "callable", "function": Counting()}
    earlier, made = before_order_was_told(("two", "one")), before_order_was_told(("one", "two"))
    assert earlier.hash == made.hash
    path = tmp_path / "1-of-1.npz"
    save_npz(path, sample_shard(earlier, source, 1, 1))
    assert is_sampled(path, earlier, 1, 1)
    assert not is_sampled(path, made, 1, 1)
    with pytest.raises(InputError, match="belongs to another plan"):
        merge_shards(made, [path])


@pytest.mark.parametrize("cut", [1, 63, 5000, 6800, 7999])
def test_queries_follow_from_their_index_alone(cut):
    made = plan(Near.of(0.3, {"one": [CENTRES[0]], "two": [CENTRES[1]]}))
    whole = made.queries(0, made.size)
    assert np.array_equal(np.concatenate([made.queries(0, cut), made.queries(cut, made.size)]), whole)


class Counting:
    """A model that counts what it is asked."""

    def __init__(self):
        self.asked = 0

    def __call__(self, sequences):
        self.asked += len(sequences)
        return [float(s.count("A")) + 2 * s.startswith("AC") for s in sequences]


def test_a_set_that_is_added_asks_only_what_is_new(tmp_path):
    model = Counting()
    source = {"kind": "callable", "function": model}
    one = plan(Near.of(0.3, {"one": [CENTRES[0]]}))
    both = plan(Near.of(0.3, {"one": [CENTRES[0]], "two": [CENTRES[1]]}))
    save_npz(tmp_path / "shard.npz", sample_shard(one, source, 1, 1))
    before = model.asked
    again = sample_shard(both, source, 1, 1, earlier=[tmp_path / "shard.npz"])
    new = model.asked - before
    changed = (one.queries(0, one.size) != both.queries(0, both.size)).any(1)
    assert changed.sum() <= new <= changed.sum() + 2 * 16 * 3 * len(one.rounds)  # whole batches at the ends of blocks
    assert 0.14 < new / 8000 < 0.2
    assert np.array_equal(again["values"], sample(both, source).values)
    other = plan(Near.of(0.3, {"one": [CENTRES[0]]}), seed=1)
    before = model.asked
    sample_shard(other, source, 1, 1, earlier=[tmp_path / "shard.npz"])
    assert model.asked - before == other.size


@pytest.mark.parametrize("order", [(1, 2, 3, 4), (4, 3, 2, 1), (3, 1, 4, 2)])
def test_a_larger_budget_asks_nothing_again_whatever_shard_held_it(tmp_path, order):
    model, small, large = Counting(), plan(budget=4000), plan(budget=8000)
    source = {"kind": "callable", "function": model}
    paths = {k: tmp_path / f"{k}-of-4.npz" for k in order}

    def carry_out(own):
        before = model.asked
        for k, path in paths.items():
            arrays = sample_shard(own, source, k, 4, earlier=earlier_shards(path))
            keep_earlier(path, own)
            save_npz(path, arrays)
        return model.asked - before

    assert carry_out(small) == small.size
    assert carry_out(large) <= large.size - small.size + 16  # but for a batch that was cut off
    assert len(list((tmp_path / EARLIER).iterdir())) == 4
    forget_earlier(tmp_path, large)
    assert not (tmp_path / EARLIER).exists()
    assert np.array_equal(merge_shards(large, list(paths.values())).values, sample(large, source).values)


def test_answers_of_a_round_that_is_not_needed_any_more_stay(tmp_path):
    model, own = Counting(), plan(budget=4000)
    source, paths = {"kind": "callable", "function": model}, [tmp_path / f"{k}-of-2.npz" for k in (1, 2)]

    def carry_out(enough):
        before = model.asked
        for k, path in enumerate(paths, 1):
            skip = enough and k == 2
            if not is_sampled(path, own, k, 2, skip=skip):
                arrays = sample_shard(own, source, k, 2, skip=skip, earlier=earlier_shards(path))
                keep_earlier(path, own, skip=skip)
                save_npz(path, arrays)
        forget_earlier(tmp_path, own)
        return model.asked - before

    assert [carry_out(enough) for enough in (False, True, True, False)] == [own.size, 0, 0, 0]
    assert not (tmp_path / EARLIER).exists()
    assert np.array_equal(merge_shards(own, paths).values, sample(own, source).values)


def test_earlier_shards_of_another_model_or_damaged_are_no_help(tmp_path):
    one, path = plan(budget=4000), tmp_path / "1-of-1.npz"
    model = Counting()
    source = {"kind": "callable", "function": model}
    save_npz(path, sample_shard(one, source, 1, 1))
    save_npz(tmp_path / "2-of-2.npz", {"asked": np.array("?")})
    other = replace(one, model={"m": 2})
    before = model.asked
    sample_shard(other, source, 1, 1, earlier=earlier_shards(path))
    assert model.asked - before == other.size
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    before = model.asked
    sample_shard(one, source, 1, 1, earlier=earlier_shards(path))
    assert model.asked - before == one.size


SITES = [f"{left}GTAAGT{right}" for left in ("CAG", "AAG", "TTC", "GAT") for right in ("ATG", "CCT", "GGA")]


def donor(sequences):
    """Flat but near GTAAGT, where six letters act together."""
    x = [4 * max(sum(map(str.__eq__, s[3:9], "GTAAGT")) - 3, 0) + 2 * (s[2] == "G") - 6 for s in sequences]
    return [1 / (1 + math.exp(-v)) for v in x]


@pytest.mark.parametrize("estimator", ["regression", "trees"])
def test_tables_fit_near_queries_too(estimator):
    errors = []
    for near in (None, SITES):
        spectrum = shapsketch.sketch(donor, "N" * 12, budget=3000, near=near, estimator=estimator, max_order=3)
        errors.append(np.sqrt(np.mean(np.square(spectrum.predict(SITES) - np.array(donor(SITES))))))
    assert errors[1] < errors[0] / 2


def test_a_part_of_the_samples_keeps_the_share_of_each_set():
    made = plan(Near.of(0.3, {"one": [CENTRES[0]], "two": [CENTRES[1]]}))
    codes = made.queries(0, made.size)
    samples, _ = standardised(Sketch(made, codes, (codes == 1).sum(1)[:, None].astype(float)), 0, 1)
    part = samples.first(2000)
    assert len(part.all_values) == 2000
    assert len(part.near_values) == 600
    shares = [(own.near_codes[:, :10] == 0).mean() for own in (samples, part)]
    assert shares[1] == pytest.approx(shares[0], abs=0.03)


def test_large_sets_are_thinned_at_equal_steps():
    sequences = [f"{k:06d}" for k in range(3 * MAX_CENTRES)]
    chosen = Near.of(0.3, {"many": sequences}).sets["many"]
    assert len(chosen) == MAX_CENTRES
    assert chosen[:3] == ("000000", "000003", "000006")
