"""Consensus letters."""

import numpy as np

from shapsketch.motifs.pwm import consensus_letter
from shapsketch.sequences.alphabet import Alphabet


def test_consensus_letters():
    dna, protein = Alphabet("ACGT"), Alphabet.from_config("protein")
    cases = {"A": [0.6, 0.4, 0, 0], "R": [0.5, 0.05, 0.45, 0], "N": [0.25] * 4, "H": [0.34, 0.33, 0, 0.33]}
    for expected, frequencies in cases.items():
        assert consensus_letter(dna, np.array(frequencies)) == expected
    frequencies = np.zeros(20)
    frequencies[[0, 1]] = 0.5
    assert consensus_letter(protein, frequencies) == "[AC]"
    assert consensus_letter(protein, np.full(20, 0.05)) == "X"
