"""InstaSHAP: terms are dividends, masks help where samples are few, the same bytes."""

import numpy as np
import pytest
from instashap_cases import PAIRS, SINGLES, background_of, sketch_of, terms_of

from shapsketch.recovery import _samples, instashap, recover
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template


@pytest.mark.parametrize("uniform", [True, False])
@pytest.mark.parametrize("supports", [SINGLES, [*SINGLES, *PAIRS]])
def test_terms_are_the_dividends(uniform, supports):
    background = background_of(uniform)
    truth = terms_of(background, supports)
    sketch = sketch_of(lambda codes: 2 + truth.predict(codes), background)
    spectrum = recover(sketch, 0, estimator="instashap").spectrum
    codes = sketch.codes[:200]
    assert spectrum.intercept == pytest.approx(2, abs=1e-3)
    for support, dividends in zip(truth.supports, truth.dividends(codes).T, strict=True):
        mine = spectrum.terms.dividends(codes)[:, spectrum.terms.supports.index(support)]
        assert np.abs(mine - dividends).max() < 1e-3
    assert np.abs(spectrum.terms.shapley_values(codes) - truth.shapley_values(codes)).max() < 1e-3
    for t, support in enumerate(spectrum.terms.supports):  # purified: no axis has a mean
        for axis, i in enumerate(support):
            assert np.abs(np.tensordot(spectrum.terms.table(t), background.local[i], (axis, 0))).max() < 1e-9


def test_a_term_is_on_only_if_all_of_it_is_present():
    model = instashap.AdditiveModel(background_of(True), {(0,): 1.0, (0, 4): 1.0, (2, 4, 8): 1.0})
    with instashap.torch.no_grad():
        model.base.fill_(0.5)
        model.weights.copy_(instashap.torch.arange(1.0, 1 + len(model.weights)))
    masks = np.ones((4, 9), bool)
    masks[1, 4] = masks[2, 0] = masks[3, :] = False
    codes = np.zeros((3, 9), np.uint8)
    codes[1, [0, 2]], codes[2] = 2, [3, 1, 2, 0, 1, 0, 0, 3, 3]
    found = model(model.tables(), model.cells(codes), model.switches(masks)).detach().numpy()
    terms = model.basis.to_terms((model.spread * model.weights).detach().numpy().astype(float))
    single, pair, triple = terms.dividends(codes).T
    expected = 0.5 + np.stack([single + pair + triple, single, triple, 0 * single], 1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_masks_help_where_samples_are_few():
    """More unknowns than samples, and noise: the weight of the masks is chosen, and the hold-out agrees."""
    template = Template(Alphabet("ACGT"), "N" * 16)
    background = Background.uniform(template)
    truth = terms_of(background, [(i, j) for i in range(8) for j in range(i + 1, 8)])
    noise = np.random.default_rng(0).normal(size=1_500) * 8
    plan = make_plan({}, ["y"], background, budget=1_500, design="random")
    codes = plan.queries(0, plan.size)
    samples = _samples(Sketch(plan, codes, (truth.predict(codes) + noise)[:, None]), 0, 1)
    energies = dict.fromkeys([(i, j) for i in range(16) for j in range(i + 1, 16)], 1.0)
    without, with_masks = (instashap._train(samples, energies, 1e-9 + w * 100, w) for w in (0.0, 4.0))
    assert with_masks.score > without.score


def test_the_same_bytes_whatever_the_threads():
    background = background_of(False)
    truth = terms_of(background, [*SINGLES, *PAIRS, (0, 2, 4)])
    sketch = sketch_of(lambda codes: np.tanh(truth.predict(codes)), background, 1_000)
    one, other = (recover(sketch, 0, estimator="instashap", threads=k).spectrum for k in (1, 3))
    assert one.terms.tables.tobytes() == other.terms.tables.tobytes()
    assert one.intercept == other.intercept
