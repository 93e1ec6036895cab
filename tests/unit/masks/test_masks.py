"""Masked explanations: exact dividends and indices, planted games, the lattice, noise, budgets, sentences."""

from dataclasses import replace
from itertools import pairwise

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import shapiq

from oracles import dividends
from shapsketch.masks import explain_game, fit_values, parities
from shapsketch.masks.boosting import SETTINGS, tree_parities
from shapsketch.masks.checks import pair_masks, pair_units, walk_masks, walk_orders, walk_units
from shapsketch.masks.equations import Data, Equations, fit
from shapsketch.masks.explain import MaskExplainer, MaskSettings, warnings_of
from shapsketch.masks.game import Players, SequenceGame
from shapsketch.masks.parities import Parities, normalise, signs, singles
from shapsketch.masks.plan import make_mask_plan
from shapsketch.masks.regression import closure, polish, pursue
from shapsketch.masks.sparse_transform import exact
from shapsketch.masks.student import Students, save_no_students
from shapsketch.masks.summary import report_on_masks
from shapsketch.models import Model
from shapsketch.report.mask_page import summary_lines
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.indices import WEIGHTS, interaction_map
from shapsketch.spectrum.interaction_tables import Listing
from shapsketch.spectrum.metrics import r_squared


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
    plan = make_mask_plan(6, 64, noisy=False)
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


def test_dense_games_take_the_short_way_to_the_same(monkeypatch):
    rng = np.random.default_rng(3)
    found = exact(rng.normal(size=1 << 7))
    supports, dividends = found.dividends
    values = found.predict(all_masks(7))
    monkeypatch.setattr(parities, "MAX_DENSE_PLAYERS", 0)
    again = replace(found)
    assert np.array_equal(again.dividends[0], supports)
    assert np.allclose(again.dividends[1], dividends, atol=1e-11)
    assert np.allclose(again.predict(all_masks(7)), values, atol=1e-12)


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
    window = Players.build(TEMPLATE, window=[29, 34])
    assert window.names == ["29", "30", "33", "34"]
    assert (window.owners >= 0).nonzero()[0].tolist() == [28, 29, 32, 33]


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
    ("window", "sentence"),
    [
        ([31, 32], r"the window \[31, 32\], which has no free position"),
        ([0, 5], "a window is .first, last., 1-based, within the template's 40 positions"),
        ([9, 5], "1-based, within"),
        ([5, 41], "the template's 40 positions"),
    ],
)
def test_wrong_windows_are_named(window, sentence):
    with pytest.raises(InputError, match=sentence):
        Players.build(TEMPLATE, window=window)


def test_a_window_keeps_the_rest():
    """The values of the players in a window, the rest being as in the sequence: a product is then a sum."""
    codes = np.random.default_rng(8).integers(0, 4, 60)
    settings = MaskSettings(window=[11, 15], budget=4000)
    explainer = MaskExplainer(["y"], Background.uniform(LONG), settings, Listing(["SV"]))
    sequence = "".join("ACGT"[c] for c in codes)
    (tables,) = explainer.explain("one", sequence, *explainer.ask(Counts(), "one", sequence))
    values = by_segment(tables["values"].to_pandas(), 1)
    truth = np.zeros(60)
    truth[10:15] = ((codes[10:15] == 2) - 0.25) * (codes[20:25] == 3).sum()
    assert np.abs(values - truth).max() < 0.1
    assert not values[np.r_[0:10, 15:60]].any()


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
    plan = make_mask_plan(players.count, 128 * 400, draws=400)
    codes = TEMPLATE.to_local(TEMPLATE.alphabet.encode([SEQUENCE]))[0]
    game = SequenceGame(background, players, plan, codes)
    values = game.means(game.ask(model))[:, 0]
    assert model.evaluations == plan.evaluations <= 128 * 400
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
    explainer = MaskExplainer(["y"], Background.uniform(TEMPLATE), settings, Listing(["SV", "FSII", "BV"], top_k=3))
    asked = explainer.ask(model, "one", SEQUENCE)
    (tables,) = explainer.explain("one", SEQUENCE, *asked)
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
    (again,) = explainer.explain("one", SEQUENCE, *explainer.ask(model, "one", SEQUENCE))
    assert again["values"].equals(tables["values"])
    assert again["interactions"].equals(tables["interactions"])


def test_ambiguous_letters_are_refused(model):
    explainer = MaskExplainer(["y"], Background.uniform(TEMPLATE), MaskSettings(budget=500), Listing())
    with pytest.raises(InputError, match="'bad' has 'N' at position 2; explain.mode masks needs plain letters"):
        explainer.ask(model, "bad", "AN" + SEQUENCE[2:])


# Noise, standard errors, scores that do not flatter

LONG = Template(Alphabet("ACGT"), "N" * 60)


class Counts:
    """Twice the A's of the first segment, and the G's of the third times the T's of the fifth; segments of 5."""

    batch_size, outputs, evaluations = 1024, ("y",), 0

    def __init__(self, offset=0.0):
        self.offset = offset

    def __call__(self, codes):
        self.evaluations += len(codes)
        product = (codes[:, 10:15] == 2).sum(1) * (codes[:, 20:25] == 3).sum(1)
        return (self.offset + 2.0 * (codes[:, :5] == 0).sum(1) + product)[:, None]

    @staticmethod
    def truth(codes):
        mean = 1.25
        g, t = (codes[10:15] == 2).sum() - mean, (codes[20:25] == 3).sum() - mean
        values = np.zeros(12)
        values[0] = 2 * ((codes[:5] == 0).sum() - mean)
        values[2], values[4] = g * mean + g * t / 2, t * mean + g * t / 2
        return values


def explained(model, template, segments, sequence, budget, seed=0, background=None, indices=("SV",)):
    settings = MaskSettings(segments=segments, budget=budget, seed=seed)
    explainer = MaskExplainer(["y"], background or Background.uniform(template), settings, Listing(list(indices)))
    (tables,) = explainer.explain("one", sequence, *explainer.ask(model, "one", sequence))
    return explainer, {name: table.to_pandas() for name, table in tables.items()}


def by_segment(table, width):
    places = [c for c in table if c.startswith("pos_")]
    return table.iloc[0][places].to_numpy(float).reshape(-1, width).sum(1)


@pytest.fixture(scope="module")
def budgets():
    """Errors, standard errors, and R2 of the counting model at several budgets, of which the larger cover all masks."""
    codes = np.random.default_rng(8).integers(0, 4, 60)
    sequence, truth = "".join("ACGT"[c] for c in codes), Counts.truth(codes)
    found = {}
    for budget in (1000, 4000, 8000, 40000):
        for seed in range(8):
            explainer, tables = explained(Counts(), LONG, 5, sequence, budget, seed)
            assert explainer.plan.evaluations <= budget
            error = by_segment(tables["values"], 5) - truth
            score = tables["scores"].iloc[0].to_dict() | {"base": tables["values"]["base_value"][0]}
            record = (error, by_segment(tables["errors"], 5), score)
            found.setdefault(budget, []).append(record)
    return found


def test_more_evaluations_never_give_worse_values(budgets):
    errors = [np.sqrt(np.mean([error**2 for error, _, _ in runs])) for runs in budgets.values()]
    assert all(after < before for before, after in pairwise(errors))
    assert errors[-1] < 0.05


def test_standard_errors_hold_the_truth(budgets):
    held = [np.abs(e) <= 1.96 * s + 1e-6 for runs in budgets.values() for e, s, _ in runs]
    assert 0.93 < np.mean(held) <= 0.995
    strong = np.array(held)[:, [0, 2, 4]]  # players that do nothing must not make up for those that act
    assert 0.9 <= strong.mean() <= 0.99


def test_the_base_is_within_its_error(budgets):
    far = [
        abs(score["base"] - (2.5 + 1.25**2)) / score["base_error"] for runs in budgets.values() for *_, score in runs
    ]
    assert np.mean(np.array(far) < 1.96) > 0.85


def test_scores_of_all_masks_are_of_fresh_ones(budgets):
    for budget, runs in budgets.items():
        for _, _, score in runs:
            assert score["noise_share"] > 0.1
            assert not score["r2_low"] >= 1  # undefined at times, where few masks score
            assert score["estimator"].startswith("exact") == (budget >= 8000)


def test_a_planted_game_is_covered():
    """Walks beside a regression, where not every mask can be asked: noise of the background, 30 players."""
    template, held = Template(Alphabet("ACGT"), "N" * 30), []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        weights, pair = rng.normal(size=(30, 4)), rng.normal(size=(4, 4))
        weights, pair = weights - weights.mean(1, keepdims=True), pair - pair.mean()
        x = rng.integers(0, 4, 30).astype(np.uint8)

        class Game:
            batch_size, outputs, evaluations = 1024, ("y",), 0

            def __call__(self, codes, weights=weights, pair=pair):
                return (weights[np.arange(30), codes].sum(1) + pair[codes[:, 3], codes[:, 9]])[:, None]

        truth = weights[np.arange(30), x]
        one, other = pair[x[3]].mean(), pair[:, x[9]].mean()
        both = pair[x[3], x[9]] - one - other
        truth[3] += one + both / 2
        truth[9] += other + both / 2
        _, tables = explained(Game(), template, None, "".join("ACGT"[c] for c in x), 3000, seed)
        held.append(np.abs(by_segment(tables["values"], 1) - truth) <= 1.96 * by_segment(tables["errors"], 1) + 1e-6)
    assert 0.9 <= np.mean(held) <= 0.99


@pytest.mark.parametrize("segments", [60, 30, 10, 5])
@pytest.mark.parametrize("budget", [5000, 4096])
def test_fixed_backgrounds_are_exact(segments, budget):
    """One, two, six and twelve players, replaced by one sequence: every mask once, nothing uncertain."""
    around, codes = np.random.default_rng(1).integers(0, 4, (2, 60))
    background = Background.mutated(LONG, "".join("ACGT"[c] for c in around), 1e-9)
    model, m = Counts(), 60 // segments
    explainer, tables = explained(
        model, LONG, segments, "".join("ACGT"[c] for c in codes), budget, background=background
    )
    assert explainer.plan.evaluations == 2**m == model.evaluations - 1
    score = tables["scores"].iloc[0]
    assert (score["r2"], score["noise_share"], score["gap_error"]) == (1, 0, 0)
    assert not by_segment(tables["errors"], segments).any()
    mixed = np.where(np.repeat(all_masks(m), segments, axis=1), codes, around).astype(np.uint8)
    values = dict(zip(map(tuple, all_masks(m).tolist()), Counts()(mixed)[:, 0], strict=True))
    wanted = np.zeros(m)
    for order in walk_orders(0, m, 300 if m > 2 else 2):  # means over orders, exact for two players
        mask, before = [0] * m, values[(0,) * m]
        for player in order.tolist():
            mask[player] = 1
            wanted[player] += values[tuple(mask)] - before
            before = values[tuple(mask)]
    if m <= 2:
        total = by_segment(tables["values"], segments).sum()
        assert total == pytest.approx(values[(1,) * m] - values[(0,) * m], abs=1e-5)
    else:
        assert by_segment(tables["values"], segments) == pytest.approx(wanted / 300, abs=0.8)
    assert tables["values"].iloc[0]["warning"] == ""


@pytest.mark.parametrize("segments", [60, 30])
def test_few_players_have_values_and_errors(segments):
    codes = np.random.default_rng(2).integers(0, 4, 60)
    truth, held = Counts.truth(codes).reshape(-1, segments // 5).sum(1), []
    for seed in range(12):
        _, tables = explained(Counts(), LONG, segments, "".join("ACGT"[c] for c in codes), 600, seed)
        error = by_segment(tables["values"], segments) - truth
        held.append(np.abs(error) <= 1.96 * by_segment(tables["errors"], segments) + 1e-5)
    assert np.mean(held) > 0.8


def test_units_are_unbiased():
    """The mean over all orders of walks, and over many pairs, is the Shapley value of the residual."""
    rng = np.random.default_rng(0)
    cells = rng.normal(size=32)
    value = lambda masks: cells[masks @ (1 << np.arange(5)[::-1])]  # noqa: E731
    exact_fit = explain_game(value, make_mask_plan(5, 32, noisy=False))
    whole = float(cells[-1])
    walks = walk_units(walk_orders(1, 5, 4000), value(walk_masks(1, 5, 4000)), whole)
    masks = pair_masks(1, 5, 4000)
    pairs = pair_units(masks, value(masks), whole)
    for units in (walks, pairs):
        error = units.std(0) / np.sqrt(4000)
        assert (np.abs(units.mean(0) - exact_fit.values) < 4 * error).all()
        assert units.sum(1) == pytest.approx(whole - cells[0])


def test_masks_of_every_size_are_asked_and_none():
    plan = make_mask_plan(40, 4000)
    sizes = plan.masks[plan.parts["sized_train"]].sum(1)
    assert np.bincount(np.minimum(sizes // 10, 3)) / len(sizes) == pytest.approx([0.25] * 4, abs=0.05)
    assert plan.nobody == 40
    assert not plan.masks[plan.parts["nobody"]].any()
    for kind in ("sized", "half"):
        first, second = plan.holdout(kind)
        assert np.array_equal(plan.masks[first], plan.masks[second])
        assert not set(range(*first.indices(len(plan.masks)))) & {*plan.fitted, *plan.validation}
    assert plan.evaluations == 4000


@pytest.mark.parametrize("budget", [600, 2000])
def test_values_are_those_of_the_whole_sequence(budget):
    """A motif of 30 letters, which half masks never show: values add up to the prediction, and their errors hold."""

    class Motif:
        batch_size, outputs, evaluations = 1024, ("y",), 0

        def __call__(self, codes):
            self.evaluations += len(codes)
            present = (codes[:, 10:40] == 0).mean(1)
            return (20 * present**8 + 0.1 * (codes[:, 50:] == 1).sum(1))[:, None]

    _, tables = explained(Motif(), LONG, None, "A" * 60, budget)
    row = tables["values"].iloc[0]
    values, errors = by_segment(tables["values"], 1), by_segment(tables["errors"], 1)
    assert row["prediction"] == pytest.approx(20)
    assert values.sum() + row["base_value"] == pytest.approx(20, abs=1e-4)
    base = Motif()(np.random.default_rng(0).integers(0, 4, (200_000, 60))).mean()
    score = tables["scores"].iloc[0]
    assert abs(row["base_value"] - base) < 4 * score["base_error"] + 0.01
    truth = np.where(np.isin(np.arange(60), np.arange(10, 40)), (20 - base - 0.25) / 30, -0.025)
    truth[np.r_[0:10, 40:50]] = 0
    assert np.mean(np.abs(values - truth) <= 1.96 * errors + 0.01) > 0.9


class Pairs:
    """Products of letters far apart: what is absent is most of the noise of masks, and letters tell it."""

    batch_size, outputs, evaluations = 1024, ("y",), 0

    def __call__(self, codes):
        self.evaluations += len(codes)
        present = codes == np.arange(60) % 4
        return (present[:, :20].sum(1) * present[:, 40:].sum(1) / 10.0)[:, None]


@pytest.fixture(scope="module")
def taught():
    """Two sequences, asked, and the students of both."""
    settings = MaskSettings(segments=3, budget=500, seed=4, estimator="student")
    explainer = MaskExplainer(["y"], Background.uniform(LONG), settings, Listing(["SV", "FSII"]))
    sequences = ["".join("ACGT"[c] for c in np.random.default_rng(seed).integers(0, 4, 60)) for seed in (0, 1)]
    asked = [explainer.ask(Pairs(), "one", sequence) for sequence in sequences]
    games = [explainer.game("one", sequence) for sequence in sequences]
    answers, predictions = (np.array(part) for part in zip(*asked, strict=True))
    return explainer, sequences, games, answers, predictions, explainer.train(games, answers, predictions)


def test_students_are_the_same_again_and_from_their_file(taught, tmp_path):
    explainer, _, games, answers, predictions, students = taught
    codes = games[0].queries(np.arange(50))
    students.save(tmp_path / "students.npz")
    for other in (Students.load(tmp_path / "students.npz"), explainer.train(games, answers, predictions)):
        assert np.array_equal(other.predict(1, codes), students.predict(1, codes))
    save_no_students(tmp_path / "none.npz")
    assert Students.load(tmp_path / "none.npz") is None
    (tmp_path / "old.npz").write_bytes(b"no")
    with pytest.raises(InputError):
        Students.load(tmp_path / "old.npz")


def test_no_student_has_seen_the_units_that_it_is_corrected_by(taught):
    """Answers of the units of a fold change nothing about its student, and everything else does."""
    explainer, _, games, answers, predictions, students = taught
    start, (units, size) = explainer.plan.parts["checks"].start, explainer.plan.units
    changed = answers.copy()
    checks = np.arange(units * size).reshape(units, size)
    changed[:, start + checks[::2].ravel()] += np.random.default_rng(0).normal(size=(2, checks[::2].size, 1))
    again, codes = explainer.train(games, changed, predictions), games[0].queries(np.arange(20))
    scaled = [(s.predict(0, codes) - s.means) / s.scales for s in (students, again)]
    assert np.corrcoef(scaled[0][:, 0], scaled[1][:, 0])[0, 1] > 0.99
    assert not np.array_equal(students.predict(1, codes), again.predict(1, codes))


def test_values_of_students_hold_the_truth(taught):
    explainer, sequences, games, answers, predictions, students = taught
    held = []
    for sequence, game, answer, prediction in zip(sequences, games, answers, predictions, strict=True):
        (tables,) = explainer.explain("one", sequence, answer, prediction, students)
        tables = {name: table.to_pandas() for name, table in tables.items()}
        assert tables["scores"]["estimator"][0] == "student"
        ends = (game.codes == np.arange(60) % 4) - 0.25
        first, last = ends[:20], ends[40:]
        truth = np.zeros(60)
        truth[:20] = first * (5 + last.sum() / 2) / 10
        truth[40:] = last * (5 + first.sum() / 2) / 10
        values, errors = by_segment(tables["values"], 3), by_segment(tables["errors"], 3)
        held.append(np.abs(values - truth.reshape(20, 3).sum(1)) <= 1.96 * errors + 1e-6)
        assert values.sum() + tables["values"]["base_value"][0] == pytest.approx(prediction[0], abs=1e-4)
    assert np.mean(held) > 0.85


def test_noise_alone_is_no_explanation():
    rng = np.random.default_rng(0)
    plan = make_mask_plan(8, 2000)
    found = fit_values(plan, rng.normal(size=len(plan.masks)), 0.0)
    assert len(found.parities.supports) == 1 or found.record["r2"] > 0
    flat = make_mask_plan(8, 2000)
    silent = fit_values(flat, np.full(len(flat.masks), 3.0), 3.0)
    assert silent.record["estimator"] == "constant"
    assert np.isnan(silent.record["r2"])
    assert not silent.values.any()
    assert "nothing" in warnings_of(silent, 3.0, (3.0, 3.0))


def test_gaps_and_ranges_are_warned_of():
    game, _ = planted(30, 6, (1, 3), "product")
    found = explain_game(game, make_mask_plan(30, 2000, noisy=False))
    record = {**found.record, "r2": 0.9, "r2_interval": [0.8, 0.95]}
    sure, at = replace(found, gap=0.0, gap_error=0.1, record=record), found.reconstruction
    assert warnings_of(sure, at, (at - 1, at + 1)) == []
    assert warnings_of(replace(sure, gap=0.3), at, (at - 1, at + 1)) == ["gap"]
    assert warnings_of(sure, at, (at - 2, at - 1)) == ["range"]
    for interval, wanted in (([0.6, 0.9], ["unsure"]), ([0.1, 0.6], ["r2"]), ([np.nan, np.nan], ["r2"])):
        r2 = np.mean(interval)
        poor = replace(sure, record={**sure.record, "r2": r2, "r2_interval": interval})
        assert warnings_of(poor, at, (at - 1, at + 1)) == wanted


def test_an_undefined_score_counts_as_failed(tmp_path):
    rows = {
        "output": "y",
        "sequence_id": list("abcd"),
        "evaluations": 100,
        "signal": 1.0,
        "missed": [0.0, 0.0, 1.0, 1.0],
    }
    rows |= {"missed_error": 0.1, "noise_share": 0.5, "r2": [1.0, 1.0, np.nan, np.nan]}
    rows |= {"r2_low": [0.31, 0.31, np.nan, np.nan], "r2_high": [1.0, 1.0, np.nan, np.nan], "gap": 0.1}
    names = ("r2", "r2_low", "r2_high", "signal", "missed", "missed_error")
    rows |= {f"half_{name}": rows[name] for name in names}
    pd.DataFrame(rows).to_parquet(tmp_path / "scores.parquet")
    warnings = ["unsure", "unsure", "nothing,r2", "r2,gap"]
    values = {"output": "y", "sequence_id": list("abcd"), "warning": warnings}
    pd.DataFrame(values).to_parquet(tmp_path / "values.parquet")
    report = report_on_masks(tmp_path / "values.parquet", tmp_path / "scores.parquet")
    assert report["y"]["r2"] == 0.5
    assert report["y"]["r2_quartiles"] == [0.0, 1.0]
    assert report["y"]["undefined"] == report["y"]["half"]["undefined"] == 2
    assert report["y"]["warnings"] == {"nothing": 1, "r2": 2, "unsure": 2, "gap": 1, "range": 0}
    assert report["y"]["r2_pooled"] == 0.5
    text = "\n".join(summary_lines("m", "s", report, "report.html"))
    assert "2 of 4 sequences have an undefined R2" in text
    assert "R2 0.15 to 0.50" in text or "R2 0.16 to 0.50" in text
    assert "1.000" not in text
