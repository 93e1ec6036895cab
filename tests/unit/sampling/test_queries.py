"""The kinds of queries: the same index has the same sequence in every range, and is drawn from what it says."""

import itertools

import numpy as np
import pytest

from shapsketch.sampling.design import make_plan
from shapsketch.sampling.near import Mixed, Near
from shapsketch.sampling.queries import Distinct, Drawn, Every, OnLattice
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.sparse_fourier.subsampling import fit_lattice

TEMPLATE = Template(Alphabet("ACGT"), "NRNNGN")
FREE = Template(Alphabet("ACGT"), "NNNNNNNN")
SKEWED = Background.from_frequencies(TEMPLATE, {"A": 0.4, "C": 0.1, "G": 0.2, "T": 0.3})
LATTICE = fit_lattice(4, 8, 2000)
RULES = {
    "drawn": Drawn(SKEWED, 3),
    "distinct": Distinct(TEMPLATE, 3),
    "every": Every(TEMPLATE),
    "near": Mixed(SKEWED, 3, "set", np.zeros((2, 6), np.uint8)),
    "lattice": OnLattice(LATTICE, FREE, 3, 0),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_query_is_the_same_in_every_range(rule):
    whole = rule(0, 300)
    assert whole.dtype == np.uint8
    for start, stop in ((0, 1), (17, 210), (299, 300), (5, 5)):
        assert np.array_equal(rule(start, stop), whole[start:stop])


@pytest.mark.parametrize("name", ["drawn", "distinct", "every", "near"])
def test_sequences_fit_the_template(name):
    assert (RULES[name](0, 300) < TEMPLATE.sizes).all()


def test_every_sequence_comes_once_in_the_order_of_its_number():
    every = Every(TEMPLATE)(0, TEMPLATE.space)
    assert every.tolist() == [list(row) for row in itertools.product(*map(range, TEMPLATE.sizes))]


def test_distinct_queries_are_all_sequences_in_another_order():
    rows = Distinct(TEMPLATE, 3)(0, TEMPLATE.space).tolist()
    assert rows != sorted(rows)
    assert sorted(rows) == Every(TEMPLATE)(0, TEMPLATE.space).tolist()


def test_letters_are_drawn_by_inversion():
    words = np.random.default_rng(0).integers(0, 2**32, (500, TEMPLATE.n), dtype=np.uint32)
    codes = SKEWED.draw(words)
    for i, probabilities in enumerate(SKEWED.local):
        inverse = np.searchsorted(np.cumsum(probabilities)[:-1], words[:, i] / 2**32, side="right")
        assert np.array_equal(codes[:, i], inverse)


def test_lattice_queries_count_from_their_first():
    shifted = OnLattice(LATTICE, FREE, 3, 1000)
    assert np.array_equal(shifted(1040, 1100), LATTICE.queries(3, 40, 100))


@pytest.mark.parametrize("until_r2", [None, 0.9])
@pytest.mark.parametrize("design", ["random", "fourier", "auto"])
@pytest.mark.parametrize("sets", [{}, {"a": ["A" * 12]}, {"a": ["A" * 12], "b": ["C" * 12, "G" * 12]}])
def test_segments_hold_each_index_once_and_give_the_queries_of_the_plan(design, until_r2, sets):
    background = Background.uniform(Template(Alphabet("ACGT"), "N" * 12))
    near = Near.of(0.3, sets) if sets else None
    plan = make_plan({}, ["y"], background, budget=6000, design=design, until_r2=until_r2, near=near)
    edges = [(segment.start, segment.stop) for segment in plan.segments]
    assert edges[0][0] == 0
    assert edges[-1][1] == plan.size
    assert all(before[1] == after[0] for before, after in itertools.pairwise(edges))
    together = np.concatenate([s.rule(s.start, s.stop) for s in plan.segments])
    assert np.array_equal(together[:, plan.template.free], plan.queries(0, plan.size)[:, plan.template.free])


def test_a_plan_gives_no_query_that_it_does_not_have():
    plan = make_plan({}, ["y"], SKEWED, budget=100, design="random")
    with pytest.raises(AssertionError, match="more queries than it has"):
        plan.queries(90, 101)
