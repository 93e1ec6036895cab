"""Finite fields."""

import numpy as np
import pytest

from shapsketch.sparse_fourier.galois import make_field


@pytest.mark.parametrize(("p", "m"), [(2, 1), (2, 6), (3, 3), (5, 2), (19, 2)])
def test_fields(p, m):
    field = make_field(p, m)
    assert sorted(field.exp.tolist()) == list(range(1, p**m))
    assert (field.exp[field.log[1:]] == np.arange(1, p**m)).all()
    one_plus = field.exp - field.exp % p + (field.exp + 1) % p
    assert (one_plus[field.zech < 0] == 0).all()
    assert (field.exp[field.zech[field.zech >= 0]] == one_plus[field.zech >= 0]).all()
