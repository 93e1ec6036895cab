"""Ambiguous letters are exact averages."""

from itertools import product

import numpy as np
import pytest
from wave_cases import wave_spectrum

from oracles import random_function
from shapsketch.recovery.coefficients import terms_from_coefficients
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.ambiguity import resolve
from shapsketch.spectrum.spectrum import Spectrum


@pytest.mark.parametrize("waves", [True, False])
def test_ambiguous_letters_are_exact_averages(waves):
    spectrum = wave_spectrum()[0] if waves else random_function(4, 4, False, 2)[0]
    if waves:
        sequences, members = ["NCRACGT", "ACGACGT", "ACGABNT"], [["ACGT", "C", "AG", "A", "C", "G", "T"], None, None]
    else:
        spectrum = Spectrum(
            Background(Template(Alphabet("ACGT"), "NNNN"), spectrum.background.probabilities),
            "y",
            spectrum.intercept,
            spectrum.terms,
        )
        sequences, members = ["NCRA", "ACGT"], [["ACGT", "C", "AG", "A"], None]
    codes, terms = resolve(spectrum, sequences)
    p = spectrum.background.probabilities
    letters = spectrum.template.alphabet.letters
    expected = np.zeros(spectrum.template.n)
    total = 0.0
    for choice in product(*members[0]):
        weight = np.prod([p[i, letters.index(c)] for i, c in enumerate(choice)])
        total += weight
        expected += weight * spectrum.terms.shapley_values(spectrum.encode(["".join(choice)]))[0]
    found = terms.shapley_values(codes)
    assert np.abs(found[0] - expected / total).max() < 1e-12
    assert found[0, 0] == pytest.approx(0, abs=1e-12)  # fully ambiguous: contributes nothing
    assert (found[1] == spectrum.terms.shapley_values(spectrum.encode([sequences[1]]))[0]).all()


def test_an_ambiguous_neighbour_changes_no_bit_of_a_wave():
    template = Template(Alphabet.from_config("protein"), "XXAX")
    rng = np.random.default_rng(0)
    k = rng.integers(1, 20, (6, 3))
    f = rng.normal(size=6) + 1j * rng.normal(size=6)
    terms = terms_from_coefficients(template, np.concatenate([k, -k % 20]), np.concatenate([f, f.conj()]))
    assert not terms.has_table.any()
    spectrum = Spectrum(Background.uniform(template), "y", 0.0, terms)
    alone = spectrum.shapley_values(["ACAD"])
    codes, resolved = resolve(spectrum, ["ACAD", "XCAD"])
    found = resolved.shapley_values(codes)
    assert (found[0] == alone[0]).all()
    averaged = np.mean([spectrum.shapley_values([a + "CAD"])[0] for a in template.alphabet.letters], axis=0)
    assert np.abs(found[1] - averaged).max() < 1e-12
