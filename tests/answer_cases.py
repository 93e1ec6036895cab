"""Answers of models."""

import numpy as np

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template

TEMPLATE = Template(Alphabet("ACGT"), "NNN")

CODES = np.random.default_rng(0).integers(0, 4, (7, 3)).astype(np.uint8)

A, G, T = (np.equal(CODES, k).sum(1) for k in (0, 2, 3))
