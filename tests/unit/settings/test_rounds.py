"""Rounds of a budget."""

from itertools import pairwise

import pytest
from design_cases import GUIDE

from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import query_range
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.rounds import round_ends, sampling_rounds


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
