"""Backgrounds: from frequencies, sequences, mutations; and those that cannot be."""

import numpy as np
import pytest

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background, background_from_config
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError


def test_backgrounds():
    template = Template(Alphabet("ACGT"), "NRA")
    uniform = Background.uniform(template)
    assert uniform.is_uniform
    assert uniform.probabilities[1].tolist() == [0.5, 0, 0.5, 0]
    frequencies = background_from_config(template, {"frequencies": {"A": 3, "C": 1, "G": 1, "T": 5}})
    assert frequencies.probabilities[:2].tolist() == [[0.3, 0.1, 0.1, 0.5], [0.75, 0, 0.25, 0]]
    assert not frequencies.is_uniform
    mutated = background_from_config(template, {"mutate": {"around": "CGA", "rate": 0.3}})
    assert np.allclose(mutated.probabilities[0], [0.1, 0.7, 0.1, 0.1])
    counted = background_from_config(template, {"from_sequences": {"queries": "q"}}, ["AAA", "AGA"])
    assert np.allclose(counted.probabilities[0], [3 / 6, 1 / 6, 1 / 6, 1 / 6])
    assert np.allclose(counted.probabilities[1], [0.5, 0, 0.5, 0])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"frequencies": {"A": 1, "C": 1, "G": 1}}, "gives T at position 1 no probability"),
        ({"frequencies": {"A": 1, "U": 1}}, "name 'U'"),
        ({"mutate": {"around": "CG", "rate": 0.3}}, "of 2 letters; the template has 3"),
        ({"mutate": {"around": "CCA", "rate": 0.3}}, "'C' at position 2"),
        ("flat", "'flat' is not one of"),
    ],
)
def test_impossible_backgrounds(spec, message):
    with pytest.raises(InputError, match=message):
        background_from_config(Template(Alphabet("ACGT"), "NRA"), spec)
