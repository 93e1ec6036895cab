"""Codes decode all words of low order, and never another.

Covers also: decoding.
"""

import numpy as np
import pytest
from fourier_cases import random_words

from shapsketch.sparse_fourier.decoding import decode
from shapsketch.sparse_fourier.parity_checks import bch_code, identity_code


@pytest.mark.parametrize(
    ("q", "n", "t", "rows"),
    [(2, 63, 5, 27), (2, 100, 5, 35), (3, 60, 4, 24), (4, 40, 5, 27), (5, 50, 5, 24), (6, 50, 5, 32), (7, 40, 3, 12),
     (8, 60, 3, 18), (9, 26, 2, 9), (20, 60, 5, 27), (23, 22, 5, 10)],
)  # fmt: skip
def test_codes_decode_all_words_of_up_to_t_letters(q, n, t, rows):
    code = bch_code(q, n, t)
    assert len(code.rows) <= rows
    k, _ = random_words(q, n, t, 300, seed=q)
    words, valid = decode(code, k @ code.rows.T % q)
    assert valid.all()
    assert (words == k).all()


def test_codes_never_return_a_word_with_other_checks():
    code = bch_code(4, 40, 2)
    syndromes = np.random.default_rng(0).integers(0, 4, (20_000, len(code.rows)))
    words, valid = decode(code, syndromes)
    assert (words[valid] @ code.rows.T % 4 == syndromes[valid]).all()
    assert ((words[valid] > 0).sum(1) <= 4).all()  # two for each binary digit


def test_the_identity_reads_any_word_and_checks_its_bin():
    code = identity_code(6, 9, 2)
    k = np.random.default_rng(0).integers(0, 6, (50, 9))
    words, valid = decode(code, k @ code.rows.T % 6)
    assert valid.all()
    assert (words == k).all()
    assert not decode(code, np.ones((1, 11), int))[1].any()
