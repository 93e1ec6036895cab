"""Random words by index."""

import numpy as np
import pytest

from shapsketch.sequences.rng import permuted, random_words


def test_random_words_do_not_depend_on_how_they_are_asked_for():
    whole = random_words(7, 0, 0, 100, 13)
    assert (np.vstack([random_words(7, 0, a, a + 20, 13) for a in range(0, 100, 20)]) == whole).all()
    assert not (random_words(8, 0, 0, 100, 13) == whole).any(axis=1).any()
    assert abs(whole.mean() / 2**32 - 0.5) < 0.05


def test_random_words_are_the_same_for_ever():
    assert random_words(0, 0, 5, 6, 3).tolist() == [[1258980976, 708114474, 3069277358]]


@pytest.mark.parametrize("size", [2, 3, 100, 4096, 5000])
def test_permutations_are_permutations(size):
    places = permuted(3, 0, np.arange(size), size)
    assert sorted(places.tolist()) == list(range(size))
    assert permuted(3, 0, np.array([size - 1]), size)[0] == places[-1]
    if size >= 100:
        other = permuted(4, 0, np.arange(size), size)
        assert (other == places).mean() < 0.1
        assert abs(np.corrcoef(places.astype(float), np.arange(size))[0, 1]) < 0.2
