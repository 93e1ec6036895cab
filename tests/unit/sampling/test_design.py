"""Plans: every query follows from its index, every block has its size."""

import json
from itertools import pairwise

import numpy as np
import pytest

from shapsketch.sampling.design import make_plan
from shapsketch.sampling.plan import Plan
from shapsketch.sampling.sketch import query_range, shard_range
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.rng import permuted, random_words
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.settings.rounds import round_ends, sampling_rounds

ROLES = ("holdout", "validation", "train", "lattice")
GUIDE = Template(Alphabet("ACGT"), "N" * 25 + "GG" + "NNN")


def test_random_words_do_not_depend_on_how_they_are_asked_for():
    whole = random_words(7, 0, 0, 100, 13)
    assert (np.vstack([random_words(7, 0, a, a + 20, 13) for a in range(0, 100, 20)]) == whole).all()
    assert not (random_words(8, 0, 0, 100, 13) == whole).any(axis=1).any()
    assert abs(whole.mean() / 2**32 - 0.5) < 0.05


def test_random_words_are_the_same_for_ever():
    assert random_words(0, 0, 5, 6, 3).tolist() == [[1258980976, 708114474, 3069277358]]


@pytest.mark.parametrize("budget", [100, 999, 20_000, 77_777])
@pytest.mark.parametrize("design", ["auto", "random", "fourier"])
def test_a_plan_spends_exactly_its_budget(budget, design):
    if design == "fourier" and budget < 1000:
        pytest.skip("too small for a lattice on 28 positions")
    plan = make_plan({}, ["y"], Background.uniform(GUIDE), budget=budget, design=design)
    assert plan.size == budget
    assert plan.count("holdout") == budget // 10
    assert plan.count("validation") == budget // 20
    indices = [np.arange(b.start, b.stop) for role in ROLES for b in plan.blocks(role)]
    assert (np.sort(np.concatenate(indices)) == np.arange(budget)).all()
    assert plan.ends[-1] == budget
    if plan.lattice:
        assert plan.blocks("lattice") == [slice(budget - plan.lattice.size, budget)]


@pytest.mark.parametrize("until_r2", [None, 0.9])
@pytest.mark.parametrize(("template", "budget"), [("N" * 30, 100_000), ("N" * 7, 9_000), ("N" * 6, 9_000)])
def test_the_first_rounds_are_the_sketch_of_a_smaller_budget(template, budget, until_r2):
    background = Background.uniform(Template(Alphabet("ACGT"), template))
    plan = make_plan({}, ["y"], background, budget=budget, design="auto", until_r2=until_r2)
    ends = round_ends(budget, until_r2 is not None)
    assert len(plan.rounds) == len(ends) if plan.design != "exhaustive" or until_r2 else 1
    whole = plan.queries(0, plan.size)
    for k, end in enumerate(plan.ends[:-1], 1):
        part = plan.first(k)
        assert part.size == end == (ends[k - 1] if plan.design != "exhaustive" else 4**6)
        assert part.lattice is None
        assert (part.queries(0, end) == whole[:end]).all()
        if plan.design != "exhaustive":
            assert part.count("holdout") == end // 10
    assert plan.first(len(plan.rounds)).hash == plan.hash


@pytest.mark.parametrize(("budget", "shards"), [(5_000, 3), (100_000, 1), (64_000, 7)])
def test_with_a_stop_rule_every_round_has_its_own_shards(budget, shards):
    plan = make_plan({}, ["y"], Background.uniform(GUIDE), budget=budget, until_r2=0.9, batch_size=64)
    rounds = sampling_rounds({"max": budget, "until_r2": 0.9})
    assert rounds == len(plan.rounds) > 1
    ranges = [query_range(plan, k, shards * rounds) for k in range(1, shards * rounds + 1)]
    assert all(a[1] == b[0] for a, b in pairwise(ranges))
    assert [ranges[k * shards - 1][1] for k in range(1, rounds + 1)] == plan.ends


def test_queries_follow_from_their_index():
    plan = make_plan({}, ["y"], Background.uniform(GUIDE), budget=30_000)
    whole = plan.queries(0, plan.size)
    assert whole.shape == (30_000, 30)
    assert (whole < GUIDE.sizes).all()
    for start, stop in [(0, 1), (4_499, 4_501), (24_400, 24_500), (29_990, 30_000), (10, 10)]:
        assert (plan.queries(start, stop) == whole[start:stop]).all()
    decoded = GUIDE.alphabet.decode(GUIDE.to_alphabet(whole))
    assert all(s[25:27] == "GG" for s in decoded)


def test_queries_follow_the_background():
    template = Template(Alphabet("ACGT"), "NRN")
    background = Background.from_frequencies(template, {"A": 0.7, "C": 0.1, "G": 0.15, "T": 0.05})
    plan = make_plan({}, ["y"], background, budget=40_000, design="random")
    codes = template.to_alphabet(plan.queries(0, 40_000))
    seen = (codes[:, :, None] == np.arange(4)).mean(0)
    assert np.abs(seen - background.probabilities).max() < 0.01


@pytest.mark.parametrize("size", [2, 3, 100, 4096, 5000])
def test_permutations_are_permutations(size):
    places = permuted(3, 0, np.arange(size), size)
    assert sorted(places.tolist()) == list(range(size))
    assert permuted(3, 0, np.array([size - 1]), size)[0] == places[-1]
    if size >= 100:
        other = permuted(4, 0, np.arange(size), size)
        assert (other == places).mean() < 0.1
        assert abs(np.corrcoef(places.astype(float), np.arange(size))[0, 1]) < 0.2


def test_queries_do_not_repeat_in_small_spaces():
    template = Template(Alphabet("ACGT"), "NRNNNNAN")
    plan = make_plan({}, ["y"], Background.uniform(template), budget=6_000, design="random")
    codes = plan.queries(0, plan.size)
    assert len(np.unique(codes, axis=0)) == 6_000
    assert (plan.queries(100, 200) == codes[100:200]).all()
    seen = (template.to_alphabet(codes)[:, :, None] == np.arange(4)).mean(0)
    assert np.abs(seen - plan.background.probabilities).max() < 0.02


def test_more_fresh_draws_than_sequences_repeat():
    plan = make_plan({}, ["y"], Background.uniform(Template(Alphabet("ACGT"), "NNNN")), budget=200, design="random")
    assert plan.distinct
    fresh = plan.fresh(1_000, seed=1)
    assert not fresh.distinct
    assert len(np.unique(fresh.queries(0, 1_000), axis=0)) > 240


def test_small_spaces_are_enumerated():
    template = Template(Alphabet("ACGT"), "NARN")
    plan = make_plan({}, ["y"], Background.uniform(template), budget=100)
    assert (plan.design, plan.size) == ("exhaustive", 32)
    assert len(np.unique(plan.queries(0, 32), axis=0)) == 32
    assert (np.vstack([plan.queries(k, k + 1) for k in range(32)]) == plan.queries(0, 32)).all()


@pytest.mark.parametrize(
    ("template", "settings", "message"),
    [
        ("N" * 30, {"budget": 50}, "budget of 50"),
        ("N" * 30, {"budget": 200, "design": "fourier"}, "needs at least"),
        ("NR" * 15, {"budget": 20_000, "design": "fourier"}, "equally many letters"),
        ("N" * 30, {"budget": 20_000, "design": "exhaustive"}, "exhaustive"),
        (
            "N" * 6,
            {"budget": 4_097, "design": "random"},
            "draw 4097 different sequences, but the template has 4096",
        ),
    ],
)
def test_impossible_designs(template, settings, message):
    with pytest.raises(InputError, match=message):
        make_plan({}, ["y"], Background.uniform(Template(Alphabet("ACGT"), template)), **settings)


def test_plan_file_round_trip_and_tampering(tmp_path):
    plan = make_plan({"files": {"m": "0" * 64}}, ["a", "b"], Background.uniform(GUIDE), budget=30_000, seed=3)
    path = tmp_path / "plan.json"
    plan.save(path)
    again = Plan.load(path)
    assert again.hash == plan.hash
    assert again.lattice == plan.lattice
    assert (again.queries(29_000, 30_000) == plan.queries(29_000, 30_000)).all()
    content = json.loads(path.read_text())
    content["seed"] = 4
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="changed by hand"):
        Plan.load(path)
    path.write_text("{}")
    with pytest.raises(InputError, match="not a sketch plan"):
        Plan.load(path)


def test_all_that_matters_changes_the_hash():
    base = {"model": {"files": {"m": "0"}}, "outputs": ["y"], "background": Background.uniform(GUIDE)}
    variants = [
        {},
        {"model": {"files": {"m": "1"}}},
        {"outputs": ["z"]},
        {"background": Background.uniform(Template(Alphabet("ACTG"), GUIDE.pattern))},
        {"background": Background.uniform(Template(Alphabet("ACGT"), "N" * 30))},
        {"background": Background.from_frequencies(GUIDE, {"A": 2, "C": 1, "G": 1, "T": 1})},
    ]
    hashes = [make_plan(*{**base, **v}.values(), budget=20_000).hash for v in variants]
    hashes.append(make_plan(*base.values(), budget=20_000, seed=1).hash)
    hashes.append(make_plan(*base.values(), budget=20_001).hash)
    assert len(set(hashes)) == len(hashes)


@pytest.mark.parametrize("size", [0, 1, 99, 1000, 1024])
@pytest.mark.parametrize("shards", [1, 3, 16, 50])
def test_shards_are_whole_batches_and_cover_all(size, shards):
    ranges = [shard_range(size, 64, k, shards) for k in range(1, shards + 1)]
    assert ranges[0][0] == 0
    assert ranges[-1][1] == size
    assert all(a[1] == b[0] for a, b in pairwise(ranges))
    assert all(start % 64 == 0 or start == size for start, _ in ranges)


def test_a_design_that_nobody_knows_is_named():
    background = Background.uniform(Template(Alphabet("ACGT"), "NNNN"))
    with pytest.raises(InputError, match="The design .lattice. is not one of auto, random, fourier, exhaustive"):
        make_plan({"kind": "toy"}, ["y"], background, budget=200, design="lattice")
