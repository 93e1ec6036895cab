"""The microhomology score agrees with the published procedure, pattern by pattern."""

from math import exp

import numpy as np
import pytest

from shapsketch.models import Model
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

OUTPUTS = ("microhomology", "out_of_frame")


def published_scores(sequence, cut):
    """Every pair of equal words on both sides of the cut, without those inside a longer pair (Bae et al. 2014)."""
    n, pairs = len(sequence), []
    for k in range(min(cut, n - cut), 1, -1):
        for j in range(cut, n - k + 1):
            for i in range(cut - k + 1):
                inside = any(a <= i and i + k <= a + m and j - i == d for a, m, d in pairs)
                if sequence[i : i + k] == sequence[j : j + k] and not inside:
                    pairs.append((i, k, j - i))
    scores = [
        (100 * round(1 / exp(d / 20), 3) * sum(1 + (c in "GC") for c in sequence[i : i + k]), d) for i, k, d in pairs
    ]
    total = sum(s for s, _ in scores)
    return total, 100 * sum(s for s, d in scores if d % 3) / total if total else 0.0


@pytest.mark.parametrize(("n", "cut"), [(40, 20), (40, None), (40, 11), (9, 7)])
@pytest.mark.parametrize("letters", ["ACGT", "ACTG"])
def test_the_published_procedure(n, cut, letters):
    alphabet = Alphabet(letters)
    template = Template(alphabet, "N" * n)
    codes = np.random.default_rng(n).integers(0, 4, (60, n)).astype(np.uint8)
    codes[:20] //= 2  # two letters: long microhomologies
    source = {"kind": "builtin", "function": "microhomology"} | ({} if cut is None else {"cut": cut})
    values = Model(source, template, OUTPUTS)(codes)
    expected = [published_scores(s, cut or n // 2) for s in alphabet.decode(codes)]
    np.testing.assert_allclose(values, expected, rtol=1e-12)
    assert (Model(source, template, OUTPUTS[1:])(codes)[:, 0] == values[:, 1]).all()


def test_a_microhomology_across_the_cut_scores_and_others_do_not():
    template = Template(Alphabet("ACGT"), "N" * 20)
    model = Model({"kind": "builtin", "function": "microhomology"}, template, ["microhomology"])
    across, same_side = "GCGTATATAT" + "CCCCCCCGCG", "GCGTATGCGT" + "CCCCCCCCCC"
    scores = model(template.alphabet.encode([across, same_side]))[:, 0]
    assert scores[0] > published_scores(across, 10)[0] - 1e-9 > scores[1]


def test_mistakes():
    dna, protein = Template(Alphabet("ACGT"), "N" * 10), Template(Alphabet.from_config("protein"), "X" * 10)
    with pytest.raises(InputError, match="'fold' is not one of microhomology"):
        Model({"kind": "builtin", "function": "fold"}, dna, OUTPUTS)
    with pytest.raises(InputError, match="The cut after position 10 leaves no microhomology in 10 letters"):
        Model({"kind": "builtin", "function": "microhomology", "cut": 10}, dna, OUTPUTS)
    with pytest.raises(InputError, match="is of DNA; the alphabet is ACDE"):
        Model({"kind": "builtin", "function": "microhomology"}, protein, OUTPUTS)
    with pytest.raises(InputError, match="no output 'score'; it returned microhomology .*, out_of_frame"):
        Model({"kind": "builtin", "function": "microhomology"}, dna, ["score"])(np.zeros((1, 10), np.uint8))
