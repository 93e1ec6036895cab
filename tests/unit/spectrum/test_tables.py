"""Tables of values: columns, warnings, sums, hypothetical contributions."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.interaction_tables import Listing
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.tables import (
    Explainer,
    finish_aggregates,
    hypothetical_contributions,
    onehot,
)
from shapsketch.spectrum.terms import Terms
from shapsketch.storage.parquet import write_parquet

SCORE = {"range": [-1.0, 1.0], "residual": {"mean": 0.25, "largest": 0.5, "large": 0.5}, "found": "found"}


def test_a_table_of_values(spectrum, sequences):
    explainer = Explainer(spectrum, Listing(), SCORE, ["a", "b"])
    text = sequences["sequence"].to_pylist()
    predictions = spectrum.predict(text)
    predictions[:3] = [np.nan, 7.0, predictions[2] + 0.6]
    refined = np.full((60, 5), np.nan)
    refined[5] = 1.0
    table = explainer.values(sequences, predictions, refined).to_pandas()
    positions = table[[f"pos_{i}" for i in range(1, 6)]].to_numpy()
    expected = spectrum.shapley_values(text)
    expected[5] = 1.0
    assert np.abs(positions - expected).max() < 1e-6
    assert np.abs(table["reconstruction"] - spectrum.predict(text)).max() < 1e-12
    assert table["base_value"][4] == spectrum.intercept
    assert table["base_value"][5] == spectrum.intercept + 0.25
    assert table["gap"].isna().tolist() == [True] + 59 * [False]
    assert table["warning"][1].split(",") == ["range", "gap"]
    assert "gap" in table["warning"][2]
    outside = np.abs(np.where(np.isnan(predictions), spectrum.predict(text), predictions)) > 1
    assert (table["warning"].str.contains("range") == outside).all()


def test_letters_that_a_table_never_has_are_told(spectrum, sequences):
    score = SCORE | {"table": {"unseen": {"1": "T", "4": "CG"}}}
    table = Explainer(spectrum, Listing(), score, ["a", "b"]).values(sequences, np.full(60, np.nan)).to_pandas()
    expected = [text[0] == "T" or text[3] in "CG" for text in sequences["sequence"].to_pylist()]
    assert table["warning"].str.contains("unseen").tolist() == expected


def test_aggregates_of_shards_are_those_of_the_whole(spectrum, sequences):
    def explained(*pieces):
        explainer = Explainer(spectrum, Listing(["FSII"]), SCORE, ["a", "b"])
        for piece in pieces:
            explainer.values(piece, np.full(piece.num_rows, np.nan))
            list(explainer.interactions(piece))
        return explainer.aggregates()

    whole = finish_aggregates([explained(sequences)])
    assert whole.equals(finish_aggregates([explained(sequences.slice(40)), explained(sequences.slice(0, 40))]))
    table = whole.to_pandas()
    rows = table[(table["index"] == "SV") & (table["group"] == "a")]
    text = np.array(sequences["sequence"].to_pylist())[np.array(sequences["group"].to_pylist()) == "a"]
    values = spectrum.shapley_values(text.tolist())
    assert rows["mean"].to_numpy() == pytest.approx(values.mean(0), abs=1e-8)
    assert rows["mean_absolute"].to_numpy() == pytest.approx(np.abs(values).mean(0), abs=1e-8)
    assert table["sequences"].max() == 60
    assert table["group"].isna().sum() == (table["group"] == "b").sum()


@pytest.mark.parametrize(("unit", "ends"), [(1e-25, (-3, 5)), (1.0, (-3, 5)), (1e25, (-3, 5)), (1.0, (2, 2))])
def test_aggregates_of_refined_values_are_of_all_free_positions(sequences, unit, ends):
    """Of a spectrum with no term on most of them, whatever the model's unit and however much smaller its terms."""
    template = Template(Alphabet("ACGT"), "NNNNA")
    table = np.array([1.0, -1.0, 0.5, -0.5]) * 1e-6 * unit
    text = [text[:4] + "A" for text in sequences["sequence"].to_pylist()]
    rows = sequences.set_column(1, "sequence", pa.array(text))
    refined = np.random.default_rng(0).normal(size=(60, 5)) * unit * [1, 40, 1e-3, 1, 0]
    refined[::7] = np.nan
    score = SCORE | {"range": [end * unit for end in ends], "residual": {"mean": 0.0, "large": unit}}
    for terms in ({}, {(1,): table}):
        spectrum = Spectrum(Background.uniform(template), "y", 2 * unit, Terms.build(template.sizes, terms))

        def explained(*pieces, spectrum=spectrum):
            explainer = Explainer(spectrum, Listing(["FSII"]), score, ["a", "b"], refines=True)
            for start, stop in pieces:
                piece, asked = rows.slice(start, stop - start), np.full(stop - start, np.nan)
                explainer.values(piece, asked, refined[start:stop])
            return explainer.aggregates()

        whole = finish_aggregates([explained((0, 60))])
        assert whole.equals(finish_aggregates([explained((40, 60)), explained((0, 17), (17, 40)), explained()]))
        means = whole.to_pandas()
        means = means[means["index"] == "SV"]
        expected = np.where(np.isnan(refined), spectrum.shapley_values(text), refined)
        for group in (None, "a", "b"):
            kept = np.array([group in (None, g) for g in sequences["group"].to_pylist()])
            own = means[means["group"].isna() if group is None else means["group"] == group]
            assert own["positions"].tolist() == ["1", "2", "3", "4"]
            assert own["mean"].to_numpy() == pytest.approx(expected[kept, :4].mean(0), abs=1e-6 * unit)
            assert own["mean_absolute"].to_numpy() == pytest.approx(np.abs(expected)[kept, :4].mean(0), abs=1e-6 * unit)
            assert (own["sequences"] == kept.sum()).all()


def test_a_spectrum_without_refined_values_sums_what_its_terms_hold():
    template = Template(Alphabet("ACGT"), "NNNNA")
    spectrum = Spectrum(Background.uniform(template), "y", 0.0, Terms.build(template.sizes, {(1,): np.arange(4) - 1.5}))
    assert Explainer(spectrum, Listing(), SCORE).aggregates()["positions"].to_pylist() == ["2"]


def test_hypothetical_contributions_are_values_of_other_sequences(spectrum):
    text = ["ACGTA", "TTTTT", "GNCAA"]
    hypothetical, letters = hypothetical_contributions(spectrum, text), onehot(spectrum, text)
    assert hypothetical.shape == letters.shape == (3, 4, 5)
    assert np.abs((hypothetical * letters).sum(1)[:2] - spectrum.shapley_values(text[:2])).max() < 1e-12
    for i in range(5):
        for b, letter in enumerate("ACGT"):
            other = text[0][:i] + letter + text[0][i + 1 :]
            assert hypothetical[0, b, i] == pytest.approx(spectrum.shapley_values([other])[0, i], abs=1e-12)
    assert not letters[2, :, 1].any()


def test_hypothetical_contributions_under_a_template():
    template = Template(Alphabet("ACGT"), "NGR")
    terms = Terms.build(template.sizes, {(0, 2): np.arange(8.0).reshape(4, 2)})
    found = hypothetical_contributions(Spectrum(Background.uniform(template), "y", 0, terms), ["CGA"])[0]
    assert found.tolist() == [[0, 0, 1], [1, 0, 0], [2, 0, 1.5], [3, 0, 0]]


def test_read_back_as_pandas(spectrum, sequences, tmp_path):
    explainer = Explainer(spectrum, Listing())
    write_parquet(tmp_path / "v.parquet", explainer.values(sequences, np.full(60, np.nan)))
    table = pd.read_parquet(tmp_path / "v.parquet")
    assert (table["warning"] == "").all()
    assert table["prediction"].isna().all()


def test_warnings_of_reconstructions_and_of_spectra_that_explain_nothing(spectrum, sequences):
    """Every reconstruction outside the model's values is warned of; without R2, every row that is not refined."""
    truth = spectrum.predict(sequences["sequence"].to_pylist())
    score = {"range": [float(np.sort(truth)[1]), float(np.sort(truth)[-2])], "found": "nothing",
             "residual": {"mean": 0.0, "largest": 9.0, "large": 0.5}}  # fmt: skip
    predictions = np.where(np.arange(len(truth)) < 5, truth + 0.6, truth)
    refined = np.full((len(truth), 5), np.nan)
    refined[:10] = 0.0
    table = Explainer(spectrum, Listing(), score).values(sequences, predictions, refined).to_pandas()
    words = table["warning"].str.split(",")
    assert words.map(lambda w: "r2" in w).tolist() == [False] * 10 + [True] * (len(truth) - 10)
    outside = (truth < score["range"][0]) | (truth > score["range"][1])
    assert outside.sum() == 2
    assert words.map(lambda w: "range" in w)[outside].all()
    assert words.map(lambda w: "gap" in w).tolist() == [True] * 5 + [False] * (len(truth) - 5)
