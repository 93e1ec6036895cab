"""What the model tells of sequences: refinement leaves ambiguous ones alone."""

import numpy as np

from oracles import random_function
from shapsketch.explanation.refine import Effort, Refiner, Residual
from shapsketch.explanation.tables import refine_plain
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.spectrum import Spectrum


def test_refinement_leaves_ambiguous_sequences_alone():
    dense = random_function(5, 4, False, 3)[0]
    background = Background(Template(Alphabet("ACGT"), "NNNNN"), dense.background.probabilities)
    spectrum = Spectrum(background, "y", dense.intercept, dense.terms)

    class Model:
        batch_size = 2

        def __call__(self, codes):
            return codes.sum(1, keepdims=True).astype(float)

    refiner = Refiner(Model(), [spectrum], [Residual()], [None], Effort(8))
    text = ["ACGTA", "NCGTA", "TTTTT"]
    refined = refine_plain(refiner, text, np.array([[7.0], [np.nan], [15.0]]))
    assert np.isnan(refined.values[0]).all(1).tolist() == [False, True, False]
    assert refined.evaluations.tolist() == [8, 0, 8]
    assert np.isnan(refined.corrections[0]).tolist() == [False, True, False]
