"""A spectrum with an odd background, and sequences in groups."""

import numpy as np
import pyarrow as pa
import pytest

from oracles import random_function
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.spectrum import Spectrum


@pytest.fixture(scope="session")
def spectrum():
    dense = random_function(5, 4, False, 3)[0]
    background = Background(Template(Alphabet("ACGT"), "NNNNN"), dense.background.probabilities)
    return Spectrum(background, "y", dense.intercept, dense.terms)


@pytest.fixture(scope="session")
def sequences():
    rng = np.random.default_rng(0)
    text = ["".join(row) for row in np.array(list("ACGT"))[rng.integers(0, 4, (60, 5))]]
    groups = [["", "b", "a"][k % 3] for k in range(60)]
    return pa.table({"sequence_id": [f"s{k}" for k in range(60)], "sequence": text, "group": groups})
