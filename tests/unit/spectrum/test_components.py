"""Spectra of tables and trains, added: against brute force, with fixed positions and ambiguous letters, in files.

Covers also: train_supports.
"""

from itertools import combinations

import numpy as np
import pytest
from train_cases import random_train

from oracles import all_codes, coalition_values, dividends, shapley_values
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.basis import ProductBasis
from shapsketch.spectrum.components import dense_table
from shapsketch.spectrum.indices import VALUES, WEIGHTS
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.spectrum_file import load_spectra, save_spectra
from shapsketch.spectrum.tables import hypothetical_contributions
from shapsketch.spectrum.terms import Terms
from shapsketch.spectrum.train_interactions import complete_map, interaction_values
from shapsketch.spectrum.trains import Train

PATTERN = "NRGNN"  # two letters at the second position, one at the third


@pytest.fixture(scope="module")
def spectrum():
    rng = np.random.default_rng(5)
    template = Template(Alphabet("ACGT"), PATTERN)
    background = Background.from_weights(template, rng.uniform(0.2, 1, (5, 4)))
    basis = ProductBasis.build(background, [(0,), (4,), (0, 3), (0, 1, 3, 4)])
    terms = basis.to_terms(rng.normal(size=len(basis)))
    sizes, ranks = template.sizes[template.free], [1, 3, 2, 3, 1]
    local = [background.local[i] for i in template.free]
    trains = tuple(
        Train.build([rng.normal(size=(a, m, b)) for a, m, b in zip(ranks, sizes, ranks[1:], strict=False)], local)
        for _ in range(2)
    )
    return Spectrum(background, "y", 0.7, terms, {"seed": 1}, trains)


@pytest.fixture(scope="module")
def truth(spectrum):
    """All sequences, the function there, and the dividends of some."""
    codes = all_codes(spectrum.template.sizes)
    values = spectrum.predict_codes(codes)
    cube = values.reshape(spectrum.template.sizes)
    rows = [0, 17, 101]
    games = [coalition_values(cube, spectrum.background.local, codes[r]) for r in rows]
    return codes, values, rows, games, [dividends(game) for game in games]


def test_the_mean_is_the_intercept_and_shapley_values_are_the_definition(spectrum, truth):
    codes, _, rows, games, _ = truth
    found = spectrum.components.shapley_values(codes[rows])
    for row, game in zip(found, games, strict=True):
        assert game[()] == pytest.approx(spectrum.intercept, abs=1e-10)
        assert np.allclose(row, shapley_values(game, 5), atol=1e-10)


@pytest.mark.parametrize("index", WEIGHTS)
@pytest.mark.parametrize("top", [1, 2, 3, 4])
def test_every_index_is_its_definition(spectrum, truth, index, top):
    codes, _, rows, _, known = truth
    top = 1 if index in VALUES else top
    mapping = complete_map(spectrum.components, index, top)
    found = interaction_values(spectrum.components, mapping, codes[rows])
    for row, a in zip(found, known, strict=True):
        listed = dict(zip(mapping.supports, row.tolist(), strict=True))
        for size in range(1, min(top, 3) + 1):
            for s in combinations(range(5), size):
                value = sum(float(WEIGHTS[index](size, len(t), top)) * a[t] for t in a if set(s) <= set(t))
                assert listed.get(s, 0.0) == pytest.approx(value, abs=1e-9)


def test_the_strongest_interactions_are_those_of_the_whole_list(spectrum):
    sequences = ["AAGCT", "TGGAA", "CAGGG"]
    every = spectrum.interactions(sequences, "FSII", 3, top_k=None)
    strongest = spectrum.interactions(sequences, "FSII", 3, top_k=4)
    for sequence, rows in every.groupby("sequence"):
        kept = strongest[strongest["sequence"] == sequence]
        assert kept["positions"].tolist() == rows["positions"].tolist()[:4]
        assert np.array_equal(kept["value"], rows["value"][:4])


def test_variances_by_order_are_those_of_all_sequences(spectrum):
    tables = {s: dense_table(spectrum.terms, t) for t, s in enumerate(spectrum.terms.supports)}
    expected: dict[int, float] = {}
    for size in range(1, 6):
        for s in combinations(range(5), size):
            if 2 in s:
                continue
            table = tables.get(s, 0.0) + sum(spectrum.components.train_table(t, s) for t in spectrum.trains)
            table = np.square(table)
            for i in reversed(s):
                table = table @ spectrum.background.local[i]
            expected[size] = expected.get(size, 0.0) + float(table)
    found = spectrum.variance_by_order()
    assert list(found) == [1, 2, 3, 4]
    assert list(found.values()) == pytest.approx(list(expected.values()))
    codes = all_codes(spectrum.template.sizes)
    weights = np.prod([p[codes[:, i]] for i, p in enumerate(spectrum.background.local)], 0)
    centred = spectrum.predict_codes(codes) - spectrum.intercept
    assert sum(found.values()) == pytest.approx(float(weights @ centred**2))


def test_the_strongest_supports_as_tables_are_the_function_where_all_are_kept(spectrum):
    codes = all_codes(spectrum.template.sizes)
    assert np.allclose(spectrum.intercept + spectrum.tables.predict(codes), spectrum.predict_codes(codes), atol=1e-9)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_truncated_spectrum_has_the_orders_it_should(spectrum, order):
    known = spectrum.variance_by_order()
    found = {k: v for k, v in spectrum.truncate(order).variance_by_order().items() if v > 1e-12}
    assert found == pytest.approx({k: v for k, v in known.items() if k <= order})


def test_ambiguous_letters_are_means_over_what_they_allow(spectrum):
    p = spectrum.background.probabilities[3]
    weight = p[0] / (p[0] + p[2])
    explained = spectrum.explain(["AAGRT", "AAGAT", "AAGGT"], max_order=2, top_k=None).values
    values = explained.filter(like="pos_").to_numpy()
    assert np.allclose(values[0], weight * values[1] + (1 - weight) * values[2], atol=1e-5)
    alone = spectrum.explain(["AAGAT"], max_order=2).values
    assert np.array_equal(alone.filter(like="pos_").to_numpy()[0], values[1])  # whoever else is in the chunk


def test_hypothetical_contributions_are_values_of_changed_sequences(spectrum):
    found = hypothetical_contributions(spectrum, ["AAGCT"])[0]
    for i, letters in enumerate(["ACGT", "AG", "G", "ACGT", "ACGT"]):
        for letter in letters:
            changed = "AAGCT"[:i] + letter + "AAGCT"[i + 1 :]
            assert found["ACGT".index(letter), i] == pytest.approx(spectrum.shapley_values([changed])[0, i], abs=1e-9)


def test_files_hold_trains(spectrum, tmp_path):
    other = Spectrum(spectrum.background, "z", 0.0, spectrum.terms)
    save_spectra(tmp_path / "both.npz", [spectrum, other])
    again = load_spectra(tmp_path / "both.npz")
    codes = all_codes(spectrum.template.sizes)
    assert np.array_equal(again["y"].predict_codes(codes), spectrum.predict_codes(codes))
    assert np.array_equal(again["y"].components.shapley_values(codes), spectrum.components.shapley_values(codes))
    assert again["z"].trains == ()
    first = (tmp_path / "both.npz").read_bytes()
    save_spectra(tmp_path / "both.npz", list(again.values()))
    assert (tmp_path / "both.npz").read_bytes() == first


def test_mutations_are_what_predictions_change_by(spectrum):
    template = spectrum.template
    codes = all_codes(template.sizes.tolist())[::17]
    changes = spectrum.components.mutations(codes, 4)
    for i in range(template.n):
        for letter in range(template.sizes[i]):
            other = codes.copy()
            other[:, i] = letter
            expected = spectrum.predict_codes(other) - spectrum.predict_codes(codes)
            np.testing.assert_allclose(changes[:, i, letter], expected, atol=1e-11)


def test_sobol_indices_equal_brute_force():
    train, background = random_train(5, 3, 4)
    template, p = background.template, background.local
    table = np.random.default_rng(5).normal(size=(3, 3))
    for axis, i in enumerate((1, 3)):
        table = table - np.expand_dims(np.tensordot(table, p[i], (axis, 0)), axis)
    terms = Terms.build(template.sizes, {(1, 3): table})
    spectrum = Spectrum(background, "y", 2.0, terms, trains=(train, train.scaled(0.5)))
    codes = all_codes([3] * 5)
    values = spectrum.predict_codes(codes).reshape((3,) * 5)
    weights = np.ones(())
    for own in p:
        weights = np.multiply.outer(weights, own)
    mean, found = (weights * values).sum(), spectrum.sobol_indices()
    variance = (weights * (values - mean) ** 2).sum()
    for i in range(5):
        others = tuple(k for k in range(5) if k != i)
        given = (weights * values).sum(others) / p[i]
        assert found["first"][i] == pytest.approx(p[i] @ (given - mean) ** 2 / variance, abs=1e-10)
        without = np.expand_dims(np.tensordot(values, p[i], (i, 0)), i)
        assert found["total"][i] == pytest.approx((weights * (values - without) ** 2).sum() / variance, abs=1e-10)
