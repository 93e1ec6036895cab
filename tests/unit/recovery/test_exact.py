"""The transform of a space that was evaluated in full: exact, in any order of its sequences, cut at an order."""

import numpy as np
import pytest

from oracles import all_codes
from shapsketch.recovery.exact import transform
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template


@pytest.mark.parametrize(("pattern", "uniform"), [("NNNN", True), ("NNNN", False), ("NARWN", True), ("NARWN", False)])
def test_all_values_come_back_and_dividends_average_to_zero(pattern, uniform):
    template = Template(Alphabet("ACGT"), pattern)
    draws = np.random.default_rng(0)
    background = Background.uniform(template)
    if not uniform:
        background = Background.from_weights(template, draws.uniform(0.2, 1, (template.n, 4)))
    codes = draws.permutation(all_codes(template.sizes))
    values = draws.normal(size=len(codes))
    intercept, terms = transform(background, codes, values, None)
    assert np.abs(intercept + terms.predict(codes) - values).max() < 1e-6
    weights = np.prod([background.local[i][codes[:, i]] for i in range(template.n)], 0)
    assert intercept == pytest.approx((weights * values).sum())
    for t in range(len(terms.supports)):
        table = terms.table(t)
        for axis, position in enumerate(terms.supports[t]):
            assert np.abs(np.tensordot(table, background.local[position][: table.shape[axis]], (axis, 0))).max() < 1e-9


def test_an_order_cuts_what_is_above():
    template = Template(Alphabet("ACGT"), "NNNN")
    codes = all_codes(template.sizes)
    values = np.random.default_rng(0).normal(size=len(codes))
    whole, cut = (transform(Background.uniform(template), codes, values, order)[1] for order in (None, 2))
    assert set(cut.supports) == {support for support in whole.supports if len(support) <= 2}
    kept = [t for t, support in enumerate(whole.supports) if len(support) <= 2]
    assert np.abs(whole.dividends(codes)[:, kept] - cut.dividends(codes)).max() < 1e-9
