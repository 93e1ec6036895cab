"""Markov backgrounds against brute force: their draws, and trains explained under them."""

from itertools import pairwise

import numpy as np
import pytest

import shapsketch
from oracles import all_codes, dividends, shapley_values, subsets
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.plan import Plan
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background, background_from_config
from shapsketch.sequences.rng import random_words
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.indices import VALUES, WEIGHTS
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.trains import Train, listed_supports

CPG = {
    "initial": {"A": 3, "C": 2, "G": 2, "T": 3},
    "transitions": {
        "A": {"A": 0.4, "C": 0.2, "G": 0.3, "T": 0.1},
        "C": {"A": 0.45, "C": 0.25, "G": 0.02, "T": 0.28},
        "G": {"A": 0.1, "C": 0.4, "G": 0.3, "T": 0.2},
        "T": {"A": 0.05, "C": 0.25, "G": 0.3, "T": 0.4},
    },
}

STEPS = np.array([[row[b] for b in "ACGT"] for row in CPG["transitions"].values()])

INITIAL = np.array([0.3, 0.2, 0.2, 0.3])


def chain(pattern):
    return background_from_config(Template(Alphabet("ACGT"), pattern), {"markov": CPG})


def odds(template, codes):
    """The probability of each of all sequences, normalised over those that the template allows."""
    letters = template.to_alphabet(codes)
    p = INITIAL[letters[:, 0]] * np.prod(STEPS[letters[:, :-1], letters[:, 1:]], 1)
    return p / p.sum()


@pytest.mark.parametrize("pattern", ["NNNN", "NGNN", "RNNCGN", "NNNNG"])
def test_a_chain_is_conditioned_on_its_template(pattern):
    background = chain(pattern)
    template = background.template
    codes = all_codes(template.sizes.tolist())
    p = odds(template, codes)
    np.testing.assert_allclose(np.exp(background.log_probabilities(template.to_alphabet(codes))), p, atol=1e-14)
    for i, local in enumerate(background.local):
        np.testing.assert_allclose(local, np.bincount(codes[:, i], p, minlength=len(local)), atol=1e-14)
    draws = background.draw(random_words(1, 2, 0, 200_000, template.n))
    assert (draws < template.sizes).all()
    places = np.ravel_multi_index(draws.T.astype(int), template.sizes)
    counted = np.bincount(places, minlength=len(codes)) / len(draws)
    assert np.abs(counted - p).max() < 5 * np.sqrt(p.max() / len(draws))


def test_a_chain_counts_pairs_of_letters():
    template = Template(Alphabet("ACGT"), "NNNN")
    background = background_from_config(template, {"markov": {"from_sequences": "s"}}, ["ACAC", "CACA"])
    a_to_c, c_to_g = background.transitions[0, 0, 1], background.transitions[0, 1, 2]
    assert a_to_c == pytest.approx((3 + 1) / (3 + 4))
    assert c_to_g == pytest.approx(1 / 7)


@pytest.mark.parametrize(("pattern", "rank"), [("N", 1), ("NN", 2), ("NNNNN", 3), ("NGNRCN", 4), ("CNNTTNNG", 2)])
def test_trains_under_a_chain_equal_brute_force(pattern, rank):
    background = chain(pattern)
    template, rng = background.template, np.random.default_rng(rank)
    free, sizes = template.free, template.sizes.tolist()
    ranks = [1, *([rank] * (len(free) - 1)), 1]
    cores = [
        np.eye(a, b)[:, None] + 0.5 * rng.normal(size=(a, sizes[i], b)) / np.sqrt(rank)
        for (a, b), i in zip(pairwise(ranks), free.tolist(), strict=True)
    ]
    steps = [np.linalg.multi_dot([np.eye(sizes[i]), *background.steps[i:j]]) for i, j in pairwise(free.tolist())]
    train = Train.of_chain(cores, background.local[free[0]], steps)
    codes = all_codes(sizes)
    p, f = odds(template, codes), Train.build(cores, [background.local[i] for i in free]).predict(codes[:, free].copy())
    np.testing.assert_allclose(train.predict(codes[:, free].copy()), f, atol=1e-12)
    n, top = len(free), min(len(free), 3)
    rows = codes[rng.choice(len(codes), 3)][:, free].copy()
    found = train.interactions(rows, list(WEIGHTS), top)
    supports = [tuple(s[s >= 0].tolist()) for s in listed_supports(n, top)]
    for k, x in enumerate(rows):
        v = {}
        for s in subsets(range(n)):
            asked = codes[:, free].copy()
            asked[:, list(s)] = x[list(s)]
            v[s] = float(p @ train.predict(asked))
        a = dividends(v)
        assert v[()] == pytest.approx(train.mean, abs=1e-12)
        np.testing.assert_allclose(train.shapley_values(rows[k : k + 1])[0], shapley_values(v, n), atol=1e-10)
        for number, index in enumerate(WEIGHTS):
            own_top = 1 if index in VALUES else top
            for column, s in enumerate(supports):
                above = [t for t in a if set(s) <= set(t)] if len(s) <= own_top else []
                truth = sum(float(WEIGHTS[index](len(s), len(t), own_top)) * a[t] for t in above)
                assert found[number, k, column] == pytest.approx(truth, abs=1e-10)


def function(sequences):
    return [1.0 * ("CG" in s) + 0.5 * (s[1] == "A") * (s[4] == "T") + 0.2 * s.count("G") for s in sequences]


@pytest.fixture(scope="module")
def spectrum():
    near = ["ACGATG", "CGATTA", "GATTTC"]  # rare ones: CG hardly comes in the chain
    return shapsketch.sketch(function, "NNNNNN", 4000, background={"markov": CPG}, estimator="train_alone", near=near)


def test_a_function_is_sketched_under_a_chain(spectrum, tmp_path):
    template = spectrum.template
    codes = all_codes(template.sizes.tolist())
    f, p = np.array(function(template.alphabet.decode(codes))), odds(template, codes)
    assert spectrum.provenance["faithfulness"]["r2"] > 0.95
    assert spectrum.intercept == pytest.approx(p @ f, abs=0.04)
    x = np.array([[0, 1, 2, 0, 3, 2]], np.uint8)
    values_at, radix, v = f.reshape((4,) * 6), 4 ** np.arange(5, -1, -1), {}
    for s in subsets(range(6)):
        asked = codes.copy()
        asked[:, list(s)] = x[0, list(s)]
        v[s] = float(p @ values_at.ravel()[asked @ radix])
    values = spectrum.components.shapley_values(x)[0]
    np.testing.assert_allclose(values, shapley_values(v, 6), atol=0.05)
    assert values.sum() == pytest.approx(spectrum.predict(["ACGATG"])[0] - spectrum.intercept, abs=1e-9)
    spectrum.save(tmp_path / "s.npz")
    again = Spectrum.load(tmp_path / "s.npz")
    assert (again.components.shapley_values(x) == spectrum.components.shapley_values(x)).all()
    assert (again.background.transitions == spectrum.background.transitions).all()
    assert again.intercept == spectrum.intercept
    assert len(spectrum.interactions(["ACGATG"])) > 0


def test_what_needs_independent_letters_is_refused(spectrum):
    with pytest.raises(InputError, match="ambiguous letter; under a Markov background"):
        spectrum.explain(["ACGNTG"])
    with pytest.raises(InputError, match="regression, which a Markov background does not serve"):
        shapsketch.sketch(function, "NNNNNN", 2000, background={"markov": CPG}, estimator="regression")
    with pytest.raises(InputError, match="design exhaustive asks each sequence once"):
        shapsketch.sketch(function, "NNNNNN", 5000, background={"markov": CPG}, design="exhaustive")
    with pytest.raises(InputError, match="order 2; order 1 can be had"):
        background_from_config(Template(Alphabet("ACGT"), "NN"), {"markov": {"order": 2, **CPG}})
    with pytest.raises(InputError, match=r"transitions\.A names AC; the alphabet has ACGT"):
        given = {**CPG, "transitions": {**CPG["transitions"], "A": {"A": 1, "C": 1}}}
        background_from_config(Template(Alphabet("ACGT"), "NN"), {"markov": given})
    with pytest.raises(InputError, match="gives G at position 2 no probability"):
        steps = np.where(np.arange(4) == 2, 0.0, STEPS)
        Background.markov(Template(Alphabet("ACGT"), "NN"), INITIAL, steps)


def test_plans_keep_the_chain(tmp_path):
    plan = make_plan({"kind": "toy"}, ["y"], chain("NNGNNN"), budget=1000)
    plan.save(tmp_path / "plan.json")
    again = Plan.load(tmp_path / "plan.json")
    assert (
        again.hash
        == plan.hash
        != make_plan({"kind": "toy"}, ["y"], Background.uniform(plan.template), budget=1000).hash
    )
    assert (again.queries(0, 1000) == plan.queries(0, 1000)).all()
    assert (plan.queries(300, 400) == plan.queries(0, 1000)[300:400]).all()
