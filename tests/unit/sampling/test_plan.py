"""Plans: every query follows from its index; files come back, and what matters changes the hash."""

import json

import pytest
from design_cases import GUIDE

from shapsketch.sampling.design import make_plan
from shapsketch.sampling.plan import Plan
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError


def test_queries_follow_from_their_index():
    plan = make_plan({}, ["y"], Background.uniform(GUIDE), budget=30_000)
    whole = plan.queries(0, plan.size)
    assert whole.shape == (30_000, 30)
    assert (whole < GUIDE.sizes).all()
    for start, stop in [(0, 1), (4_499, 4_501), (24_400, 24_500), (29_990, 30_000), (10, 10)]:
        assert (plan.queries(start, stop) == whole[start:stop]).all()
    decoded = GUIDE.alphabet.decode(GUIDE.to_alphabet(whole))
    assert all(s[25:27] == "GG" for s in decoded)


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
