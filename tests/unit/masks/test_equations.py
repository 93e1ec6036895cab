"""Normal equations of parities are those that were collected anew."""

import numpy as np

from shapsketch.masks.equations import Data, Equations, fit
from shapsketch.masks.parities import signs, singles


def test_equations_are_used_again():
    rng = np.random.default_rng(0)
    masks, values = rng.integers(0, 2, (500, 30)).astype(np.uint8), rng.normal(size=500)
    data = Data(signs(masks[100:]), values[100:], signs(masks[:100]), values[:100], 2)
    every = singles(30, 2)
    before = fit(data, every[[0, 7, 3, 9]], (0.1, 1e-3))
    one, other = (fit(data, every[:12], (0.1, 1e-3), known=known) for known in (None, before))
    assert np.array_equal(one.equations.gram, other.equations.gram)
    assert np.array_equal(one.equations.values, other.equations.values)
    assert np.allclose(one.coefficients, other.coefficients, rtol=1e-12, atol=1e-14)
    table = signs(masks)
    merged, anew = (
        one.equations.of_everything,
        Equations.collect(Data(table, values, table[:, :0], values[:0], 2), every[:12]),
    )
    assert np.array_equal(merged.gram, anew.gram)
    assert np.array_equal(merged.values, anew.values)
    assert np.allclose(merged.moments, anew.moments)
