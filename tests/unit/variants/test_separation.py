"""Which positions and pairs separate classes: beside scipy, beside shuffled labels, and of a planted interaction."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from analysis import spectra
from shapsketch.sequences.genome import GivenSequences
from shapsketch.variants import separation
from shapsketch.variants.classes import Truth
from shapsketch.variants.reading import Placing, _table
from shapsketch.variants.separation import COLUMNS, compare_classes, separation_table
from shapsketch.variants.variant import Change, Variant
from variant_cases import random_letters

N = 12
SPECTRA = spectra(N, pattern="N" * N)
CONTIG = random_letters(N, 8)


def test_tests_and_intervals_are_those_of_scipy():
    rng = np.random.default_rng(0)
    positive = np.arange(40) < 15
    values = rng.normal(size=(40, 6)) * np.arange(1, 7) + np.outer(positive, [3, 0, 0, 0, 0, 0])
    found = compare_classes(values, positive, 1)
    test = ttest_ind(values[positive], values[~positive], equal_var=False)
    difference, error, freedom = separation._welch(values, positive[None])
    np.testing.assert_allclose((difference / error)[0], test.statistic)
    np.testing.assert_allclose(freedom[0], test.df)
    np.testing.assert_allclose(found.p_values, test.pvalue)
    np.testing.assert_allclose([found.low, found.high], test.confidence_interval(0.95))
    assert found.adjusted[0] < 0.01 and (found.adjusted[1:] > 0.05).all()
    assert (found.adjusted >= 0.8 * found.p_values).all(), "adjusting makes no difference surer"


def test_labels_that_mean_nothing_are_seldom_called_different(monkeypatch):
    monkeypatch.setattr(separation, "PERMUTATIONS", 99)
    least = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        values = np.where(rng.random((40, 30)) < 0.7, 0, rng.normal(size=(40, 30)))  # most variants change little
        least.append(compare_classes(values, rng.permutation(40) < 18, seed).adjusted.min())
    assert 0.1 < np.mean(np.array(least) <= 0.2) < 0.3  # of 30 features together


def test_what_is_the_same_in_both_classes_does_not_differ():
    values = np.column_stack([np.ones(20), np.where(np.arange(20) < 10, 1.0, 0.0)])
    found = compare_classes(values, np.arange(20) < 10, 0)
    assert found.adjusted[0] == 1 == found.p_values[0] and found.adjusted[1] < 0.01


def variants_with(rule, count=120):
    rng = np.random.default_rng(3)
    variants = []
    for k in range(count):
        places = np.sort(rng.choice(N, 2, replace=False))
        changes = tuple(Change(int(p), CONTIG[p], "ACGT"[("ACGT".index(CONTIG[p]) + 1 + rng.integers(3)) % 4])
                        for p in places)  # fmt: skip
        variants.append(Variant(k + 1, 1, f"v{k}", "c", changes, label=str(int(bool(rule(changes))))))
    placing = Placing(whole=True)
    return _table([(one, placing.window(one, N)) for one in variants]).to_pandas(), placing


def test_values_are_those_of_the_windows_of_either_class():
    table, placing = variants_with(lambda changes: changes[0].start % 2)
    reference, truth = GivenSequences({"c": CONTIG}), Truth.read(table)
    made = separation_table(table, truth, SPECTRA, reference, placing, 5)
    assert list(made.columns) == COLUMNS and set(made["output"]) == {"up", "down"}
    spectrum = SPECTRA[0]
    letters = [placing.letters(reference, *separation.placed(row)) for row in table.to_dict("records")]
    without, variant = (list(side) for side in zip(*letters, strict=True))
    changes = spectrum.shapley_values(variant) - spectrum.shapley_values(without)
    own = made[(made["output"] == spectrum.output) & (made["kind"] == "position")].set_index("positions")
    for k in range(N):
        expected = changes[truth.positive, k].mean() - changes[~truth.positive, k].mean()
        assert own["difference"].get(str(k + 1), 0) == pytest.approx(expected, abs=1e-9)
    listed = [
        spectrum.interactions(side, "SII", 2, top_k=None).pivot(index="sequence", columns="positions", values="value")
        for side in (variant, without)
    ]
    both = listed[0].columns.union(listed[1].columns)
    first, second = (side.reindex(index=range(len(table)), columns=both).fillna(0) for side in listed)
    pairs = made[(made["output"] == spectrum.output) & (made["kind"] == "interaction")].set_index("positions")
    assert len(pairs) > 3
    for name, row in pairs.iterrows():
        difference = (first - second)[name].to_numpy()
        expected = difference[truth.positive].mean() - difference[~truth.positive].mean()
        assert row["difference"] == pytest.approx(expected, abs=1e-5)  # listed in single precision
    assert (pairs["variants"] == 120).all() and (pairs["positives"] == truth.positive.sum()).all()


def test_the_pair_that_makes_the_classes_is_found():
    interactions = SPECTRA[0].interactions([CONTIG], "SII", 2)
    a, b = (int(k) - 1 for k in interactions["positions"].iloc[0].split(","))
    table, placing = variants_with(lambda changes: {change.start for change in changes} & {a, b})
    made = separation_table(table, Truth.read(table), SPECTRA[:1], GivenSequences({"c": CONTIG}), placing, 5)
    pairs = made[made["kind"] == "interaction"].set_index("positions")["p_adjusted"]
    assert pairs.idxmin() == f"{a + 1},{b + 1}" and pairs.min() < 0.01 and (pairs > 0.2).any()


def test_too_few_variants_have_no_rows():
    table, placing = variants_with(lambda changes: False, 15)
    table["label"] = ["1"] * 5 + ["0"] * 10
    made = separation_table(table, Truth.read(table), SPECTRA, GivenSequences({"c": CONTIG}), placing, 0)
    assert made.empty and list(made.columns) == COLUMNS
    table["label"] = ""
    assert separation_table(table, Truth.read(table), SPECTRA, GivenSequences({"c": CONTIG}), placing, 0).empty


def test_more_variants_than_are_compared_are_drawn_evenly(monkeypatch):
    monkeypatch.setattr(separation, "MAX_VARIANTS", 30)
    truth = Truth(np.full(100, np.nan), np.arange(100) % 10 > 0, np.arange(100) < 50, "1")
    chosen = separation._chosen(truth, 0)
    assert len(chosen) == 30 and truth.labelled[chosen].all() and (np.diff(chosen) > 0).all()
    assert 0.2 < truth.positive[chosen].mean() < 0.8
