"""Refinement against brute force: unbiased whatever the sketch, honest errors, exact sums, reproducible.

Covers also: pairs.
"""

import numpy as np
import pytest

import shapsketch
from oracles import all_codes, coalition_values, shapley_values
from shapsketch.explanation.pairs import draw_pairs
from shapsketch.explanation.refine import Effort, Refiner, Residual
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.rng import content_keys
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.basis import ProductBasis
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.terms import Terms

TEMPLATE = Template(Alphabet("ACGT"), "NNGNN")  # position 3 is fixed
FREE = [0, 1, 3, 4]


class Function:
    """A random function of two outputs, and its exact Shapley values."""

    batch_size = 64

    def __init__(self):
        rng = np.random.default_rng(0)
        self.cube = rng.normal(size=(4, 4, 4, 4, 2))
        weights = rng.uniform(0.2, 1, (5, 4))
        self.background = Background.from_weights(TEMPLATE, weights)
        self.asked = 0

    def __call__(self, codes):
        self.asked += len(codes)
        return self.cube[tuple(codes[:, FREE].T)]

    def at(self, local):
        return self(TEMPLATE.to_alphabet(local))

    def mean(self):
        values = self.cube
        for i in FREE:
            values = np.tensordot(self.background.local[i], values, (0, 0))
        return values

    def truth(self, local):
        """(outputs, N, n)"""
        p = [self.background.local[i] for i in FREE]
        result = np.zeros((2, *local.shape))
        for k in range(2):
            for r, x in enumerate(local):
                result[k, r, FREE] = shapley_values(coalition_values(self.cube[..., k], p, x[FREE]), 4)
        return result


@pytest.fixture(scope="module")
def case():
    function = Function()
    rng = np.random.default_rng(1)
    sizes = TEMPLATE.sizes
    basis = ProductBasis.build(function.background, [(0,), (1, 4), (0, 1, 3)])
    terms = [basis.to_terms(rng.normal(size=len(basis))) for _ in range(2)]  # of quite another function
    wrong = [Spectrum(function.background, name, 5.0, t) for name, t in zip("ab", terms, strict=True)]
    codes = all_codes(sizes)[::37]
    space = all_codes(sizes)
    weights = np.prod([function.background.local[i][space[:, i]] for i in range(5)], axis=0)
    means = [weights @ (function.at(space)[:, k] - s.intercept - s.terms.predict(space)) for k, s in enumerate(wrong)]
    return function, wrong, codes, [Residual(mean) for mean in means]


def refined(case, effort, seed=0, codes=None, students=(None, None), residuals=None):
    function, wrong, own, known = case
    codes = own if codes is None else codes
    return Refiner(function, wrong, residuals or known, students, effort, seed)(codes, function.at(codes))


def test_values_converge_to_the_truth_from_a_wrong_sketch(case):
    function, _, codes, _ = case
    few, many = (refined(case, Effort(k)) for k in (200, 20_000))
    truth = function.truth(codes)
    missed = [np.sqrt(((r.values - truth) ** 2).mean()) for r in (few, many)]
    assert missed[1] < 0.15 * missed[0]  # a tenth is expected
    sketched = np.stack([s.terms.shapley_values(codes) for s in case[1]])
    assert missed[1] < 0.1 * np.sqrt(((sketched - truth) ** 2).mean())
    assert (few.evaluations == 200).all()


def test_intervals_cover_and_means_are_unbiased(case):
    function, _, codes, _ = case
    runs = [refined(case, Effort(80), seed) for seed in range(80)]
    values, errors = (np.stack([getattr(r, name)[..., FREE] for r in runs]) for name in ("values", "errors"))
    truth = function.truth(codes)[..., FREE]
    covered = np.abs(values - truth) <= 1.96 * errors
    assert covered.size > 2000
    assert 0.93 < covered.mean() < 0.97
    scores = (values.mean(0) - truth) / np.sqrt((errors**2).mean(0) / len(runs))
    assert 0.7 < np.sqrt((scores**2).mean()) < 1.3


def test_values_sum_to_the_prediction_less_the_mean(case):
    function, _, codes, _ = case
    result = refined(case, Effort(50))
    expected = function.at(codes).T - function.mean()[:, None]
    assert np.abs(result.values.sum(2) - expected).max() < 1e-10
    assert not result.values[:, :, 2].any()
    assert not result.errors[:, :, 2].any()


def test_evaluations_are_counted_and_fewer_for_a_looser_error(case):
    function = case[0]
    before = function.asked
    result = refined(case, Effort(8000, 0.2))
    assert function.asked - before == result.evaluations.sum() + len(case[2])
    free = result.errors[..., FREE]
    assert (np.sqrt((free**2).mean(2)) <= 0.2).all()
    assert 64 <= result.evaluations.min() < result.evaluations.max() <= 8000
    looser = refined(case, Effort(8000, 0.4))
    assert looser.evaluations.sum() < result.evaluations.sum()
    assert (refined(case, Effort(100, 1e-6)).evaluations == 100).all()  # never more


def test_a_sequence_has_the_same_samples_whatever_else_is_refined(case, monkeypatch):
    codes = case[2]
    monkeypatch.setattr(case[0], "batch_size", 4)
    whole = refined(case, Effort(64))
    alone = refined(case, Effort(64), codes=codes[3:4])
    assert (whole.values[:, 3] == alone.values[:, 0]).all()
    parts = [refined(case, Effort(64), codes=codes[k : k + 4]) for k in range(0, len(codes), 4)]
    assert (np.concatenate([p.values for p in parts], 1) == whole.values).all()
    assert (np.concatenate([p.errors for p in parts], 1) == whole.errors).all()
    assert (refined(case, Effort(64), seed=1).values != whole.values).any()


def test_a_student_lowers_the_error_without_bias(case):
    function, _, codes, residuals = case
    students = noisy_students(function, 0.1)
    known = [Residual(r.mean, 0.0, 1.0, 5.0) for r in residuals]
    plain, better = refined(case, Effort(64)), refined(case, Effort(64), students=students, residuals=known)
    assert better.errors.mean() < 0.4 * plain.errors.mean()
    truth = function.truth(codes)
    assert (np.abs(better.values - truth) <= 1.96 * better.errors + 1e-12).mean() > 0.9
    assert (better.evaluations == 64).all()


def noisy_students(function, noise):
    """Networks that have learnt the function up to noise, and what is known of them beside these residuals."""
    wrong = noise * np.random.default_rng(2).normal(size=function.cube.shape)
    return [lambda x, k=k: function.at(x)[:, k] + wrong[tuple(x[:, FREE].T)][:, k] for k in range(2)]


def root_mean_square(errors):
    """(outputs, N): over the free positions."""
    return np.sqrt((errors[..., FREE] ** 2).mean(2))


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5])
def test_an_aim_is_met_by_all_parts_of_an_error_together(case, noise):
    function, _, codes, residuals = case
    students = noisy_students(function, noise)
    known = [Residual(r.mean, 0.1, 1.0, 5.0) for r in residuals]
    result = refined(case, Effort(8000, 0.04), students=students, residuals=known)
    assert (root_mean_square(result.errors) <= 0.04).all()
    assert (result.errors[..., FREE] > 0.1 / len(FREE)).all()
    assert result.evaluations.min() >= 64 and result.evaluations.max() < 8000
    alone = refined(case, Effort(8000, 0.04))
    assert result.evaluations.sum() < 0.5 * alone.evaluations.sum()
    truth = function.truth(codes)
    assert (np.abs(result.values - truth) <= 1.96 * result.errors + 1e-12).mean() > 0.9


def test_the_error_of_the_mean_is_made_up_for_down_to_half_of_an_aim(case):
    """What no sample of a sequence lowers: below the aim, near it, and above it."""
    evaluations = []
    for mean_error in (0.0, 0.8, 1.6, 4.0):
        known = [Residual(r.mean, mean_error) for r in case[3]]
        result = refined(case, Effort(40_000, 0.4), residuals=known)
        floor, error = mean_error / len(FREE), root_mean_square(result.errors)
        assert (error <= 0.4).all() == (floor < 0.4)
        sampled = np.sqrt(error**2 - floor**2).max(0)
        left = np.sqrt(max(0.4**2 - floor**2, 0.2**2))
        assert (sampled <= left + 1e-12).all() and (sampled > 0.5 * left).any()
        evaluations.append(result.evaluations.sum())
    assert evaluations[0] < evaluations[1] < evaluations[2] == evaluations[3] < 5 * evaluations[0]


def test_a_student_is_not_asked_for_what_would_not_show(case):
    """Where evaluations end before the aim: as many as the model's part calls for, and no more than the bound."""
    known = [Residual(r.mean, 0.0, 1.0, 5.0) for r in case[3]]
    asked = []

    def counting(student):
        return lambda codes: asked.append(len(codes)) or student(codes)

    students = [counting(student) for student in noisy_students(case[0], 5.0)]
    whole = refined(case, Effort(100), students=students, residuals=known)
    asked.clear()
    ended = refined(case, Effort(100, 1e-6), students=students, residuals=known)
    assert (ended.evaluations == 100).all()
    assert (root_mean_square(ended.errors) ** 2 <= 4 / 3 * root_mean_square(whole.errors) ** 2).all()
    assert sum(asked) < 0.5 * (64 + 1) * 100 * len(case[2]) * len(students)
    exact = refined(case, Effort(100, 1e-6), students=noisy_students(case[0], 0.0), residuals=known)
    assert (exact.evaluations == 100).all()  # nothing is missed, and the student's own error ends at the bound


def test_aims_give_the_same_values_whatever_else_is_refined(case, monkeypatch):
    codes, function = case[2], case[0]
    students, known = noisy_students(function, 0.3), [Residual(r.mean, 0.1, 1.0, 5.0) for r in case[3]]
    monkeypatch.setattr(function, "batch_size", 4)
    settings = {"students": students, "residuals": known}
    whole = refined(case, Effort(3000, 0.1), **settings)
    parts = [refined(case, Effort(3000, 0.1), codes=codes[k : k + 4], **settings) for k in range(0, len(codes), 4)]
    assert (np.concatenate([p.values for p in parts], 1) == whole.values).all()
    assert (np.concatenate([p.errors for p in parts], 1) == whole.errors).all()
    assert (np.concatenate([p.evaluations for p in parts]) == whole.evaluations).all()


def test_pairs_are_complements_on_one_background(case):
    function, _, codes, _ = case
    keys = np.arange(len(codes), dtype=np.uint64)
    queries, weights, sizes = draw_pairs(function.background, codes, keys, 0, 3000)
    assert np.abs(weights.sum(2)).max() < 1e-12
    inside = weights > 0
    assert (inside.sum(2) == sizes).all()
    x = codes[:, None, FREE]
    assert (queries[:, :, 0][..., FREE][inside] == np.broadcast_to(x, inside.shape)[inside]).all()
    assert (queries[:, :, 1][..., FREE][~inside] == np.broadcast_to(x, inside.shape)[~inside]).all()
    assert (queries[..., 2] == 0).all()
    drawn = queries[:, :, 0, 0][~inside[:, :, 0]]
    assert np.abs(np.bincount(drawn, minlength=4) / drawn.size - function.background.local[0]).max() < 0.03
    expected = 1 / np.sqrt(np.array([1, 2, 3]) * np.array([3, 2, 1]))
    assert np.abs(np.bincount(sizes.ravel(), minlength=4)[1:] / sizes.size - expected / expected.sum()).max() < 0.02
    again = draw_pairs(function.background, codes, keys, 1000, 3000)
    assert (again[0] == queries[:, 1000:]).all()


def test_one_free_position_needs_no_samples():
    template = Template(Alphabet("ACGT"), "GN")
    background = Background.uniform(template)
    spectrum = Spectrum(background, "y", 0.0, Terms.build(template.sizes, {}))

    class Model:
        batch_size = 8

        def __call__(self, codes):
            return codes[:, 1:].astype(float)

    codes = np.array([[0, 3]], np.uint8)
    found = Refiner(Model(), [spectrum], [Residual(1.5)], [None], Effort(10))(codes, np.array([[3.0]]))
    assert found.values.tolist() == [[[0.0, 1.5]]]
    assert found.evaluations.tolist() == [0]


def test_what_a_spectrum_of_every_sequence_leaves_out_has_the_mean_of_the_background():
    """The order that `max_order` leaves out: values and base value add up to the prediction, around the true mean."""
    frequencies = {"A": 0.7, "C": 0.1, "G": 0.1, "T": 0.1}

    def pair(sequences):
        return [float(s.startswith("AA")) for s in sequences]

    spectrum = shapsketch.sketch(pair, "NNNN", 1000, background={"frequencies": frequencies}, max_order=1)
    score = spectrum.provenance["faithfulness"]

    class Model:
        batch_size = 64

        def __call__(self, codes):
            return np.array(pair(spectrum.template.alphabet.decode(codes)))[:, None]

    codes = all_codes(spectrum.template.sizes)[::5]
    cube = np.zeros((4, 4, 4, 4))
    cube[0, 0] = 1.0
    truth = [shapley_values(coalition_values(cube, spectrum.background.local, x), 4) for x in codes]
    predictions = Model()(codes)
    refiner = Refiner(Model(), [spectrum], [Residual.from_score(score)], [None], Effort(400))
    found = refiner(codes, predictions)
    means = predictions[:, 0] - found.values[0].sum(1)
    assert np.allclose(means, spectrum.intercept + score["residual"]["mean"], atol=1e-12)
    assert np.allclose(means, 0.7**2, atol=1e-12)
    assert abs((found.values[0] - truth).mean()) < 1e-3
    assert (np.abs(found.values[0] - truth) <= 1.96 * found.errors[0] + 1e-12).mean() > 0.9


def test_too_few_evaluations_are_refused(case):
    with pytest.raises(InputError, match="gives 2 evaluations per sequence; at least 4"):
        refined(case, Effort(2))


def test_keys_tell_sequences_seeds_and_streams_apart():
    codes = all_codes([4, 4, 4, 4])
    keys = np.concatenate([content_keys(seed, stream, codes) for seed in (0, 1) for stream in (5, 6)])
    assert len(np.unique(keys)) == 4 * 256
    assert (content_keys(0, 5, codes[7:9]) == keys[7:9]).all()
    bits = np.unpackbits(keys.view(np.uint8)).reshape(-1, 64).mean(0)
    assert np.abs(bits - 0.5).max() < 0.08  # five standard deviations
