"""Sequences are chosen evenly and once."""

import pytest

from baseline_cases import TEMPLATE
from shapsketch.comparison.analysis import choose_sequences
from shapsketch.sequences.background import Background
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.terms import Terms


def test_sequences_are_chosen_evenly_and_once():
    spectrum = Spectrum(Background.uniform(TEMPLATE), "y", 0.0, Terms.build(TEMPLATE.sizes, {}))
    sequences = ["AAGAAA", "AAGAAA", "ANGAAA", "CCGCGC", "TTGTAT", "GGGGGG"]
    codes = choose_sequences(spectrum, sequences, 3)
    assert TEMPLATE.to_alphabet(codes)[:, 0].tolist() == [0, 1, 2]
    assert len(choose_sequences(spectrum, sequences, 10)) == 4
    with pytest.raises(InputError, match="without ambiguous letters"):
        choose_sequences(spectrum, ["NAGAAA"], 3)
