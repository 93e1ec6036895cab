"""Sums over sequences: extremes, shares and their intervals, letters."""

import numpy as np
import pytest
from motif_cases import Planted, additive, aggregated, exact_spectrum, random_texts, template_of

from shapsketch.motifs.sums import LetterSums, VarianceShares, extremes


def test_letter_contributions_by_set(tmp_path):
    template = template_of("DNA", 6)
    spectrum = additive(template)
    texts = random_texts(template, 60)
    groups = [("x", "y", "")[k % 3] for k in range(60)]
    table = aggregated(tmp_path, spectrum, texts, groups).summary.tables["contributions"]
    values = spectrum.shapley_values(texts)
    order = np.argsort(-spectrum.predict(texts), kind="stable")
    sets = {
        "all": range(60),
        "top": order[:6],
        "bottom": order[-6:],
        "group:x": range(0, 60, 3),
        "group:y": range(1, 60, 3),
    }
    assert list(table["set"].unique()) == list(sets)
    for name, rows in sets.items():
        for position in (1, 4):
            for letter in "ACGT":
                own = [values[r, position - 1] for r in rows if texts[r][position - 1] == letter]
                cell = table[table["set"] == name].query("position == @position and letter == @letter").iloc[0]
                assert cell["count"] == len(own)
                if own:
                    assert cell["mean"] == pytest.approx(np.mean(own), abs=1e-6)
                    assert cell["standard_deviation"] == pytest.approx(np.std(own), abs=1e-6)


def test_extremes_are_at_least_one_and_ties_go_by_order():
    top, bottom = extremes(np.array([1.0, np.nan, 3.0, 3.0, 0.0]), 0.1)
    assert np.flatnonzero(top).tolist() == [2] and np.flatnonzero(bottom).tolist() == [4]
    assert not any(mask.any() for mask in extremes(np.array([np.nan]), 0.1))


def test_bootstrap_intervals_hold_the_true_share(tmp_path):
    """Of sets of sequences from one background, about 95 % of the intervals hold the share under the background."""
    template = template_of("DNA", 6)
    spectrum = exact_spectrum(template, [Planted("GA", (0, 1), (1,), 2.0), Planted("CT", (0, 1), (3,), 2.0)])
    terms = spectrum.terms
    pair = terms.select(np.array([s == (1, 2) for s in terms.supports]))
    variances = terms.variances(spectrum.background.local)
    true = variances[terms.supports.index((1, 2))] / variances.sum()
    held = 0
    for seed in range(100):
        codes = spectrum.encode(random_texts(template, 200, seed))
        shares = VarianceShares(seed, 200, 1)

        class Piece:
            rows, reconstruction = np.arange(200), terms.predict(codes)

        shares.add(Piece, 0.0, pair.predict(codes)[:, None])
        _, low, high = shares.result().of(0)
        held += low <= true <= high
    assert 0.88 <= held / 100 <= 0.99


def test_letter_sums_leave_no_letter_out():
    alphabet = template_of("DNA", 1).alphabet
    sums = LetterSums(alphabet, 2, ["all"])
    sums.add(0, alphabet.encode(["AC", "TC"]), np.array([[1.0, 2.0], [5.0, 4.0]]))
    cell = sums.table("y").set_index(["position", "letter"])
    assert cell.loc[(1, "A"), "mean"] == 1.0
    assert cell.loc[(2, "C"), ["count", "mean", "standard_deviation"]].tolist() == [2, 3.0, 1.0]
    assert cell.loc[(2, "G"), "mean"] == 0.0
