"""A spectrum that holds Fourier terms."""

import numpy as np

from shapsketch.recovery.coefficients import terms_from_coefficients
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.spectrum import Spectrum


def wave_spectrum():
    """Order 6 with q = 4: held as waves, since a table would have 4,096 cells."""
    template = Template(Alphabet("ACGT"), "NNNANNN")
    rng = np.random.default_rng(0)
    k = np.array([[1, 2, 3, 1, 2, 1], [3, 2, 1, 3, 2, 3], [1, 0, 0, 0, 0, 0], [3, 0, 0, 0, 0, 0], [2, 2, 0, 0, 0, 0]])
    f = rng.normal(size=5) + 1j * rng.normal(size=5)
    f[1], f[3], f[4] = f[0].conj(), f[2].conj(), 0.5
    terms = terms_from_coefficients(template, k, f)
    return Spectrum(Background.uniform(template), "y", 0.25, terms, {"seed": 1}), k, f
