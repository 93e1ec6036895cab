"""Designs: how a budget is divided, and which designs there are."""

import numpy as np
import pytest
from design_cases import GUIDE

from shapsketch.sampling.design import make_plan
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

ROLES = ("holdout", "validation", "train", "lattice")


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


def test_queries_follow_the_background():
    template = Template(Alphabet("ACGT"), "NRN")
    background = Background.from_frequencies(template, {"A": 0.7, "C": 0.1, "G": 0.15, "T": 0.05})
    plan = make_plan({}, ["y"], background, budget=40_000, design="random")
    codes = template.to_alphabet(plan.queries(0, 40_000))
    seen = (codes[:, :, None] == np.arange(4)).mean(0)
    assert np.abs(seen - background.probabilities).max() < 0.01


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


def test_a_design_that_nobody_knows_is_named():
    background = Background.uniform(Template(Alphabet("ACGT"), "NNNN"))
    with pytest.raises(InputError, match="The design .lattice. is not one of auto, random, fourier, exhaustive"):
        make_plan({"kind": "toy"}, ["y"], background, budget=200, design="lattice")
