"""Which sequences are unlike all that a sketch has drawn."""

import numpy as np

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.typical import Typical

TEMPLATE = Template(Alphabet("ACGT"), "N" * 30)
AROUND_A = Background.mutated(TEMPLATE, "A" * 30, 0.1)


def codes(*sequences):
    return TEMPLATE.alphabet.encode(list(sequences))


def test_sequences_that_the_background_hardly_draws_are_rare():
    asked = codes("A" * 30, "C" * 3 + "A" * 27, "C" * 15 + "A" * 15, "N" * 15 + "A" * 15)
    assert Typical(AROUND_A).is_rare(asked).tolist() == [False, False, True, False]
    assert not Typical(Background.uniform(TEMPLATE)).is_rare(asked).any()


def test_sequences_near_those_that_were_asked_near_are_not_rare():
    site = "GTAAGTGTAAGTCCCCGTAAGTGTAAGTCC"
    near = TEMPLATE.to_local(codes(site, "T" * 30))
    asked = codes(site, "ACG" + site[3:], site[:15] + "A" * 15, "C" * 30, "GCGC" * 7 + "GC")
    assert Typical(AROUND_A).is_rare(asked).all()
    assert Typical(AROUND_A, near).is_rare(asked).tolist() == [False, False, False, True, True]


def test_a_thousandth_of_the_draws_is_rare_and_of_near_queries_fewer():
    near = TEMPLATE.to_local(codes("C" * 30))
    rng = np.random.default_rng(5)
    drawn = AROUND_A.draw(rng.integers(0, 2**32, (20_000, 30), np.uint64))
    mixed = np.where(rng.random(drawn.shape) < rng.random((20_000, 1)), drawn, near)
    typical = Typical(AROUND_A, near)
    assert typical.is_rare(TEMPLATE.to_alphabet(drawn)).mean() < 0.002
    assert typical.is_rare(TEMPLATE.to_alphabet(mixed)).mean() < 0.002
    assert Typical(AROUND_A).is_rare(TEMPLATE.to_alphabet(mixed)).mean() > 0.5
