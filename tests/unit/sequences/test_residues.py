"""Amino acids by their properties."""

import numpy as np

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.residues import residue_properties
from shapsketch.sequences.template import Template


def test_residues_are_told_by_their_properties_whatever_their_order():
    template = Template(Alphabet("YWVTSRQPNMLKIHGFEDCA"), "XBK")
    table = residue_properties(template)
    assert table.shape == (3, 20, 7)
    assert table.dtype == np.float32
    assert np.allclose(table[0].mean(0), 0, atol=1e-6)
    assert np.allclose((table[0] ** 2).sum(1).mean(), 1, atol=1e-6)  # of the size of a letter
    assert np.allclose(np.ptp(table[0].std(0)), 0, atol=1e-6)
    rows = {letter: table[0, k] for k, letter in enumerate("YWVTSRQPNMLKIHGFEDCA")}
    assert max(rows, key=lambda a: rows[a][0]) == "I"  # the most hydrophobic
    assert max(rows, key=lambda a: rows[a][1]) == "W"  # the largest
    assert {a for a in rows if rows[a][2] > 0.5} == set("KR")
    assert {a for a in rows if rows[a][2] < -0.5} == set("DE")
    assert {a for a in rows if rows[a][3] > 0} == set("FHWY")
    assert np.array_equal(table[1, :2], np.array([rows["N"], rows["D"]]))  # B, in the order of the alphabet
    assert np.array_equal(table[2, 0], rows["K"])
    assert not table[1, 2:].any()
    assert residue_properties(Template(Alphabet("ACGT"), "NNR")).shape == (3, 4, 0)
