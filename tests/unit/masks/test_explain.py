"""Masked explanations as tables: sums, budgets, errors that hold the truth, warnings.

Covers also: settings, tables, warnings.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from mask_cases import LONG, SEQUENCE, TEMPLATE, all_masks, by_segment, planted

from shapsketch.masks import explain_game
from shapsketch.masks.checks import walk_orders
from shapsketch.masks.explain import MaskExplainer, MaskSettings, warnings_of
from shapsketch.masks.plan import make_mask_plan
from shapsketch.masks.sparse_transform import exact
from shapsketch.masks.tables import SEQUENCES_JOINED, Pieces, interaction_errors
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.indices import interaction_map
from shapsketch.spectrum.interaction_tables import Listing
from shapsketch.spectrum.interactions import strongest_interactions


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


def activity(sequences):
    """0.2 for each G, and 2 for GATT at 5 with CCG at 24."""
    return np.array([0.2 * s.count("G") + 2.0 * (s[4:8] == "GATT" and s[23:26] == "CCG") for s in sequences])


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
    return explainer, {name: table.to_pandas() for name, table in tables.items() if name not in ("hypothetical", "fit")}


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


@pytest.mark.parametrize("segments", [60, 30, 10])
@pytest.mark.parametrize("fixed", [False, True])
def test_where_no_interaction_is_listed_the_table_is_empty(segments, fixed):
    """One player has none; all of more may be below the threshold."""
    background = Background.mutated(LONG, "A" * 60, 1e-9) if fixed else Background.uniform(LONG)
    settings = MaskSettings(segments=segments, budget=1000)
    explainer = MaskExplainer(["y"], background, settings, Listing(["FSII", "STII"], threshold=1e6))
    sequence = "ACGTTGCATT" * 6
    (tables,) = explainer.explain("one", sequence, *explainer.ask(Counts(), "one", sequence))
    assert tables["interactions"].num_rows == 0
    assert tables["scores"].num_rows == 1


@pytest.mark.parametrize("segments", [60, 30])
def test_few_players_have_values_and_errors(segments):
    codes = np.random.default_rng(2).integers(0, 4, 60)
    truth, held = Counts.truth(codes).reshape(-1, segments // 5).sum(1), []
    for seed in range(12):
        _, tables = explained(Counts(), LONG, segments, "".join("ACGT"[c] for c in codes), 600, seed)
        error = by_segment(tables["values"], segments) - truth
        held.append(np.abs(error) <= 1.96 * by_segment(tables["errors"], segments) + 1e-5)
    assert np.mean(held) > 0.8


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


@pytest.mark.parametrize(("segments", "background"), [(30, "fixed"), (10, "drawn"), (3, "drawn"), (3, "taught")])
def test_values_that_are_all_zero_are_a_constant(segments, background):
    """As of a sequence that the model says nothing about, beside an output that says something."""

    class Nothing(Counts):
        outputs = ("y", "nothing")

        def __call__(self, codes):
            return np.pad(super().__call__(codes), ((0, 0), (0, 1)))

    drawn = Background.mutated(LONG, "A" * 60, 1e-9) if background == "fixed" else Background.uniform(LONG)
    estimator = "student" if background == "taught" else "auto"
    settings = MaskSettings(segments=segments, budget=600, estimator=estimator)
    explainer = MaskExplainer(["y", "nothing"], drawn, settings, Listing(["FSII"]))
    _, nothing = explainer(Nothing(), "one", "ACGTTGCATT" * 6)
    row = nothing["values"].to_pandas().iloc[0]
    assert row["base_value"] == row["gap"] == 0
    assert "nothing" in row["warning"]
    assert not by_segment(nothing["values"].to_pandas(), segments).any()
    assert nothing["interactions"].num_rows == 0


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


def test_tables_of_many_sequences_are_kept_together_in_order():
    count = 2 * SEQUENCES_JOINED + 3
    rows = [[{"values": pa.table({"name": [f"{k}{o}"], "n": [k]})} for o in "ab"] for k in range(count)]
    pieces = Pieces(["values"])
    assert pieces.of(0, "values") == []
    for tables in rows:
        pieces.add(tables)
    for k, output in enumerate("ab"):
        joined = pieces.of(k, "values")
        assert [len(table) for table in joined] == [SEQUENCES_JOINED, SEQUENCES_JOINED, 3]
        assert joined[0]["n"].num_chunks == 1
        assert pa.concat_tables(joined)["name"].to_pylist() == [f"{r}{output}" for r in range(len(rows))]


@pytest.mark.parametrize(("kind", "estimator", "players", "budget", "noise"), [
    ("net", "regression", 10, 2000, 0.3),
    ("net", "regression", 10, 800, 0.0),
    ("product", "auto", 12, 2500, 0.5),
    ("product", "auto", 8, 1200, 0.5),
])  # fmt: skip
def test_intervals_of_interactions_hold_the_truth(kind, estimator, players, budget, noise):
    """As often as they say, of small games that are known exactly; and errors are no larger than they need to be."""
    held, standardised = [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        hidden, out = rng.normal(size=(players, 12)) * (rng.random((players, 12)) < 0.4), rng.normal(size=12)
        game, _ = planted(players, 10, (1, 4), "product", seed)
        if kind == "net":
            game = lambda masks, hidden=hidden, out=out: np.maximum(masks @ hidden + 0.5, 0) @ out  # noqa: E731
        everything = game(all_masks(players))
        spread = noise * everything.std()

        def ask(masks, game=game, spread=spread, rng=rng):
            return game(masks) + spread * rng.normal(size=len(masks)) * ~masks.all(1)

        plan = make_mask_plan(players, budget, seed=seed, noisy=noise > 0, estimator=estimator)
        found, truth = explain_game(ask, plan, estimator=estimator), exact(everything)
        present = np.ones((1, players), np.uint8)
        mapping = interaction_map(found.parities.terms, "FSII", 3)
        mapping = mapping.select(mapping.orders > 1)
        strongest = strongest_interactions(found.parities.terms, mapping, present, top_k=20)
        wanted = interaction_map(truth.terms, "FSII", 3)
        wanted = dict(zip(wanted.supports, wanted.apply(truth.terms.dividends(present))[0], strict=True))
        wanted = np.array([wanted.get(mapping.supports[k], 0.0) for k in strongest.columns])
        errors = interaction_errors(found, mapping, strongest.columns)
        held.append(np.abs(strongest.values - wanted) <= 1.96 * errors + 1e-9)
        standardised.append((strongest.values - wanted) / errors)
    assert np.mean(np.concatenate(held)) > 0.87
    assert np.sqrt(np.mean(np.square(np.concatenate(standardised)))) > 0.3


def test_interactions_that_are_known_have_no_errors():
    values = np.random.default_rng(3).normal(size=64)
    fitted = explain_game(lambda masks: values[masks @ (1 << np.arange(6))], make_mask_plan(6, 64, noisy=False))
    mapping = interaction_map(fitted.parities.terms, "STII", 2)
    assert not interaction_errors(fitted, mapping, np.arange(len(mapping.supports))).any()
