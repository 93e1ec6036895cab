"""Masked explanations: exact dividends and indices, planted games, the lattice, noise, budgets, sentences."""

from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pytest
import shapiq

from oracles import dividends
from shapsketch.alphabet import Alphabet
from shapsketch.background import Background
from shapsketch.errors import InputError
from shapsketch.faithfulness import r_squared
from shapsketch.listing import Listing
from shapsketch.masks import explain_game
from shapsketch.masks.boosting import SETTINGS, tree_parities
from shapsketch.masks.explain import MaskExplainer, MaskSettings, _warning
from shapsketch.masks.game import Players, ask
from shapsketch.masks.parities import Parities, normalise, signs, singles
from shapsketch.masks.plan import make_mask_plan
from shapsketch.masks.regression import Data, Equations, closure, fit, polish, pursue
from shapsketch.models import Model
from shapsketch.shapley import WEIGHTS, interaction_map
from shapsketch.template import Template


def all_masks(m):
    return (np.arange(2**m)[:, None] >> np.arange(m)[::-1] & 1).astype(np.uint8)


def planted(m, count, orders, kind, seed=0):
    """A game of `count` random interactions, and their supports: products of players, or parities."""
    rng = np.random.default_rng(seed)
    supports = [tuple(sorted(rng.choice(m, rng.integers(*orders), replace=False).tolist())) for _ in range(count)]
    weights = rng.normal(size=count) + np.sign(rng.normal(size=count))

    def game(masks):
        parts = [masks[:, s].all(1) if kind == "product" else 1 - 2.0 * (masks[:, s].sum(1) % 2) for s in supports]
        return weights @ np.array(parts, float)

    return game, {tuple(s): w for s, w in zip(supports, weights, strict=True)}


def fresh_r2(game, found, m):
    masks = np.random.default_rng(99).integers(0, 2, (2000, m)).astype(np.uint8)
    return r_squared(game(masks), found.parities.predict(masks))


@pytest.fixture(scope="module")
def small():
    """A random game of 6 players, transformed exactly, and its values by coalition."""
    values = np.random.default_rng(3).normal(size=64)
    masks = all_masks(6)
    plan = make_mask_plan(6, 64)
    found = explain_game(lambda asked: values[asked @ (1 << np.arange(6)[::-1])], plan)
    return found.parities, {tuple(np.flatnonzero(row).tolist()): v for row, v in zip(masks, values, strict=True)}


def test_exact_dividends_equal_the_definition(small):
    parities, values = small
    wanted = dividends(values)
    supports, found = parities.dividends
    assert len(found) == 64
    rows = [tuple(s[s < 6].tolist()) for s in supports]
    assert np.abs(found - [wanted[s] for s in rows]).max() < 1e-12
    assert parities.empty == pytest.approx(values[()])
    asked = [values[tuple(np.flatnonzero(row).tolist())] for row in all_masks(6)]
    assert np.abs(parities.predict(all_masks(6)) - asked).max() < 1e-12


@pytest.mark.parametrize("index", WEIGHTS)
def test_indices_equal_exact_enumeration(small, index):
    parities, values = small
    game = lambda masks: np.array([values[tuple(np.flatnonzero(row).tolist())] for row in np.atleast_2d(masks)])  # noqa: E731
    exact = shapiq.ExactComputer(game, n_players=6)(index, order=1 if index in ("SV", "BV") else 3)
    mapping = interaction_map(parities.terms, index, 3)
    found = mapping.apply(parities.terms.dividends(np.ones((1, 6), np.uint8)))[0]
    wanted = [exact.dict_values[support] for support in mapping.supports]
    # shapiq solves FSII by least squares with a very large weight, which costs it digits
    assert np.abs(found - wanted).max() < (1e-8 if index == "FSII" else 1e-10)


@pytest.mark.parametrize(("m", "budget"), [(200, 4000), (1000, 8000)])
def test_parities_of_any_order_are_found_exactly(m, budget):
    """High orders without their parts, which no search from below can find: the coded lattice does."""
    game, _ = planted(m, 12, (3, 6), "parity")
    plan = make_mask_plan(m, budget, noisy=False)
    found = explain_game(game, plan)
    assert plan.plan.lattice.correct == 5
    assert fresh_r2(game, found, m) > 1 - 1e-10
    assert len(found.parities.supports) <= 13


def test_planted_interactions_are_found_exactly():
    game, truth = planted(200, 12, (1, 6), "product")
    found = explain_game(game, make_mask_plan(200, 5000, noisy=False))
    assert fresh_r2(game, found, 200) > 1 - 1e-10
    supports, values = found.parities.dividends
    rows = [tuple(s[s < 200].tolist()) for s in supports]
    strong = {s: v for s, v in zip(rows, values, strict=True) if s and abs(v) > 1e-4}
    assert strong.keys() == truth.keys()
    assert max(abs(strong[s] - truth[s]) for s in truth) < 1e-5


def test_noise_is_told_apart_from_what_is_missed():
    """R2 is that of the game, not of its noisy answers; the noise's share of the variance is told."""
    game, _ = planted(60, 8, (1, 3), "product")
    rng = np.random.default_rng(5)
    scale = game(rng.integers(0, 2, (4000, 60))).std()
    found = explain_game(lambda masks: game(masks) + scale * rng.normal(size=len(masks)), make_mask_plan(60, 6000))
    assert found.record["noise_share"] == pytest.approx(0.5, abs=0.12)
    low, high = found.record["r2_interval"]
    assert low < fresh_r2(game, found, 60) < high
    assert found.record["r2_of_draws"] == pytest.approx(0.5, abs=0.12)


def test_a_constant_game_has_no_parities():
    found = explain_game(lambda masks: np.full(len(masks), 2.5), make_mask_plan(50, 500))
    assert found.parities.empty == pytest.approx(2.5)
    assert len(found.parities.supports) == 1


def test_trees_become_parities_exactly():
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 2, (800, 7)).astype(np.uint8)
    values = masks[:, 0] * masks[:, 1] + masks[:, 2] - masks[:, 3] * (1 - masks[:, 4]) * 1.0
    booster = lgb.train(SETTINGS | {"max_depth": 4}, lgb.Dataset(masks, values, params=SETTINGS), 20)
    parities = tree_parities(booster.model_to_string(), 7, 4)
    assert np.abs(parities.predict(all_masks(7)) - booster.predict(all_masks(7))).max() < 1e-12
    alone = lgb.train(SETTINGS, lgb.Dataset(masks, np.ones(800), params=SETTINGS), 1)
    assert tree_parities(alone.model_to_string(), 7, 4).predict(all_masks(7)) == pytest.approx(1.0)


@pytest.mark.parametrize("estimator", ["fourier", "regression", "trees"])
def test_every_estimator_fits_and_repeats(estimator):
    game, _ = planted(40, 6, (1, 3), "product")
    plan = make_mask_plan(40, 3000, noisy=False, estimator=estimator)
    one, other = (explain_game(game, plan, estimator=estimator) for _ in range(2))
    assert one.record["estimator"] == estimator
    assert one.record["r2"] > 0.95
    assert np.array_equal(one.parities.coefficients, other.parities.coefficients)


def test_order_is_bounded():
    game, _ = planted(30, 6, (1, 6), "product")
    found = explain_game(game, make_mask_plan(30, 2000, noisy=False), max_order=2)
    assert found.parities.orders.max() <= 2


def test_products_of_parities_lose_what_is_there_twice():
    rows = np.array([[0, 3, 9, 3], [5, 9, 9, 5], [1, 2, 3, 4], [9, 9, 9, 9]])
    assert normalise(rows, 9).tolist() == [[0, 9, 9, 9], [9, 9, 9, 9], [1, 2, 3, 4], [9, 9, 9, 9]]


def test_a_search_needs_no_lattice():
    game, _ = planted(100, 10, (1, 5), "product")
    masks = np.random.default_rng(0).integers(0, 2, (3000, 100)).astype(np.uint8)
    values = game(masks)
    data = Data(signs(masks[300:]), values[300:], signs(masks[:300]), values[:300], 5)
    fitted = polish(data, pursue(data, singles(100, 5)[:1]))
    assert fitted.score > 1 - 1e-8
    assert Parities(100, fitted.supports, fitted.coefficients).energy_by_order()[1] > 0


def test_a_closure_is_what_products_leave_traces_of():
    masks = np.random.default_rng(1).integers(0, 2, (500, 9)).astype(np.uint8)
    table, values = signs(masks), np.zeros(500)
    known = np.array([[9] * 4, [0, 1, 9, 9], [1, 2, 3, 9], [7, 8, 9, 9], [5, 9, 9, 9]])
    data = Data(table, values, table, values, 4)
    found = closure(data, replace(fit(data, known, (0.1,)), coefficients=np.array([0, 3.0, 2, 1, 9])))
    expected = {(0,), (1,), (2,), (3,), (7,), (8,), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)}
    expected |= {(0, 1, 2), (0, 1, 3), (0, 2, 3), (0, 1, 2, 3)}
    assert sorted(tuple(i for i in row if i < 9) for row in found.tolist()) == sorted(expected)
    assert found[:2, 0].tolist() == [0, 1]  # of the strongest


def test_pairs_are_found_among_many_players_without_effects_of_their_own():
    rng = np.random.default_rng(0)
    pairs = np.sort(rng.permutation(600)[:30].reshape(15, 2), axis=1)

    def game(masks):
        return (1 - 2.0 * (masks[:, pairs].sum(2) % 2)).sum(1) + 3 * rng.normal(size=len(masks))

    found = explain_game(game, make_mask_plan(600, 4000, estimator="regression"), estimator="regression").parities
    strongest = found.supports[np.argsort(-np.abs(found.coefficients))[:15], :2]
    assert sorted(strongest.tolist()) == sorted(pairs.tolist())


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
        one.equations.merge(Data(table, values, table[:, :0], values[:0], 2)),
        Equations.collect(Data(table, values, table[:, :0], values[:0], 2), every[:12]),
    )
    assert np.array_equal(merged.gram, anew.gram)
    assert np.array_equal(merged.values, anew.values)
    assert np.allclose(merged.moments, anew.moments)


def test_a_closure_finds_what_noise_hides():
    gains = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        supports = [rng.choice(100, 4, replace=False) for _ in range(20)]
        masks, fresh = (rng.integers(0, 2, (count, 100)).astype(np.uint8) for count in (3400, 4000))
        clean, truth = (sum(some[:, s].all(1) for s in supports).astype(float) for some in (masks, fresh))
        values = clean + rng.normal(size=3400) * clean.std() / 2
        data = Data(signs(masks[200:]), values[200:], signs(masks[:200]), values[:200], 5)
        rough = pursue(data, singles(100, 5)[:1])
        before, after = (
            r_squared(truth, Parities(100, fitted.supports, fitted.coefficients).predict(fresh))
            for fitted in (rough, polish(data, rough))
        )
        gains.append(after - before)
    assert min(gains) > -0.002
    assert np.mean(gains) > 0.01


# Sequences

TEMPLATE = Template(Alphabet("ACGT"), "N" * 30 + "GG" + "N" * 8)
SEQUENCE = "ACGTGATTACAGTCCATGCAAGTCCGTTAAGGACGTACGT"


def test_players_are_positions_or_segments():
    positions = Players.build(TEMPLATE)
    assert positions.count == 38
    assert (positions.owners < 0).nonzero()[0].tolist() == [30, 31]
    wide = Players.build(TEMPLATE, 8)
    assert wide.names == ["1-8", "9-16", "17-24", "25-32", "33-40"]
    assert wide.sizes.tolist() == [8, 8, 8, 6, 8]
    values = np.arange(1.0, 6)
    assert wide.spread(values).sum() == pytest.approx(values.sum())
    assert wide.spread(values)[30] == 0
    listed = Players.build(TEMPLATE, [[3, 4], [10, 12]])
    assert (listed.owners >= 0).nonzero()[0].tolist() == [2, 3, 9, 10, 11]


@pytest.mark.parametrize(
    ("segments", "sentence"),
    [
        ([[5, 9], [9, 12]], r"lists the segment \[9, 12\], after position 9"),
        ([[35, 41]], "within the template's 40 positions"),
        ([[31, 32]], "which has no free position"),
    ],
)
def test_wrong_segments_are_named(segments, sentence):
    with pytest.raises(InputError, match=sentence):
        Players.build(TEMPLATE, segments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"players": 50, "budget": 90}, "at least 100 are needed"),
        ({"players": 50, "budget": 900, "draws": 10}, "90 values of 10 draws each"),
        ({"players": 50, "budget": 5000, "estimator": "exact"}, "asks all 2\\^50 masks"),
        ({"players": 500, "budget": 500, "estimator": "fourier"}, "needs a larger lattice for 500 players"),
        ({"players": 5000, "budget": 5000}, "set explain.masks.players to segments"),
    ],
)
def test_impossible_plans_are_refused(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        make_mask_plan(arguments.pop("players"), arguments.pop("budget"), **arguments)


def activity(sequences):
    """0.2 for each G, and 2 for GATT at 5 with CCG at 24."""
    return np.array([0.2 * s.count("G") + 2.0 * (s[4:8] == "GATT" and s[23:26] == "CCG") for s in sequences])


@pytest.fixture
def model(tmp_path):
    code = (
        'def predict(s):\n    return [0.2 * t.count("G") + 2.0 * (t[4:8] == "GATT" and t[23:26] == "CCG") for t in s]\n'
    )
    (tmp_path / "model.py").write_text(code)
    return Model({"kind": "python", "target": f"{tmp_path}/model.py:predict"}, TEMPLATE, ["y"], 500)


def test_a_game_keeps_what_is_present_and_draws_the_rest(model):
    background, players = Background.uniform(TEMPLATE), Players.build(TEMPLATE, 8)
    plan = make_mask_plan(players.count, 32 * 400, draws=400)
    codes = TEMPLATE.to_local(TEMPLATE.alphabet.encode([SEQUENCE]))[0]
    values = ask(model, background, players, plan, codes)[:, 0]
    assert model.evaluations == plan.evaluations == 32 * 400
    masks = plan.masks.astype(bool)
    kept = masks[:, np.maximum(players.owners, 0)] | (players.owners < 0)
    letters = np.array(list(SEQUENCE)) == "G"
    first, second = (kept[:, a:b].all(1) + (~kept[:, a:b]).all(1) / 4 ** (b - a) for a, b in ((4, 8), (23, 26)))
    simple = masks[:, [0, 2, 3]].all(1) & masks.any(1)
    wanted = 0.2 * np.where(kept, letters, 0.25).sum(1)
    assert np.abs(values - wanted)[~masks[:, 0]].max() < 0.15
    assert np.abs(values - wanted - 2 * first * second)[simple].max() < 0.15


def test_explanations_add_up_within_the_budget(model):
    settings = MaskSettings(segments=4, budget=1500, seed=2)
    explainer = MaskExplainer(model, Background.uniform(TEMPLATE), settings, Listing(["SV", "FSII", "BV"], top_k=3))
    (tables,) = explainer("one", SEQUENCE)
    assert model.evaluations == explainer.plan.evaluations + 1 <= 1501
    values = tables["values"].to_pandas().iloc[0]
    shares = values[[f"pos_{i}" for i in range(1, 41)]].astype(float)
    assert shares.sum() == pytest.approx(values["reconstruction"] - values["base_value"], abs=1e-5)
    assert shares["pos_31"] == shares["pos_32"] == 0
    assert values["prediction"] == pytest.approx(activity([SEQUENCE])[0])
    best = tables["interactions"].to_pandas()
    assert set(best["index"]) == {"FSII", "BV"}
    first = best[best["index"] == "FSII"].iloc[0]
    assert first["positions"].startswith("5-8,2")
    assert first["letters"].split(",")[0] == "GATT"
    (again,) = explainer("one", SEQUENCE)
    assert again["values"].equals(tables["values"])
    assert again["interactions"].equals(tables["interactions"])


def test_ambiguous_letters_are_refused(model):
    explainer = MaskExplainer(model, Background.uniform(TEMPLATE), MaskSettings(budget=500), Listing())
    with pytest.raises(InputError, match="'bad' has 'N' at position 2; explain.mode masks needs plain letters"):
        explainer("bad", "AN" + SEQUENCE[2:])


def test_warnings_follow_the_interval_of_r2():
    assert [_warning(*i) for i in ((0.8, 0.9), (0.6, 0.9), (0.1, 0.6), (np.nan, np.nan))] == ["", "unsure", "r2", ""]
