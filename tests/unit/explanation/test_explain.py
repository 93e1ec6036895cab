"""Explanations as tables and files: columns, warnings, sums, hypothetical contributions, pieces, the notebook's API."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from oracles import random_function
from shapsketch.explanation.refine import Effort, Refiner, Residual
from shapsketch.explanation.tables import refine_plain
from shapsketch.fidelity.on_sequences import report_on_queries
from shapsketch.fidelity.verdict import order_audit
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.indices import interaction_map
from shapsketch.spectrum.interaction_tables import Listing
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.tables import (
    Explainer,
    finish_aggregates,
    hypothetical_contributions,
    onehot,
)
from shapsketch.spectrum.terms import Terms
from shapsketch.storage.files import npy_writer
from shapsketch.storage.parquet import ROW_GROUP, group_names, merge_tables, parquet_writer, read_rows, write_parquet

SCORE = {"range": [-1.0, 1.0], "residual": {"mean": 0.25, "largest": 0.5, "large": 0.5}, "found": "found"}


@pytest.fixture(scope="module")
def spectrum():
    dense = random_function(5, 4, False, 3)[0]
    background = Background(Template(Alphabet("ACGT"), "NNNNN"), dense.background.probabilities)
    return Spectrum(background, "y", dense.intercept, dense.terms)


@pytest.fixture(scope="module")
def sequences():
    rng = np.random.default_rng(0)
    text = ["".join(row) for row in np.array(list("ACGT"))[rng.integers(0, 4, (60, 5))]]
    groups = [["", "b", "a"][k % 3] for k in range(60)]
    return pa.table({"sequence_id": [f"s{k}" for k in range(60)], "sequence": text, "group": groups})


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


def test_interactions_are_those_of_the_map(spectrum, sequences):
    listing = Listing(["SV", "STII", "BV"], 2, 2, top_k=3, threshold=0.1)
    explainer = Explainer(spectrum, listing)
    found = pa.concat_tables(explainer.interactions(sequences)).to_pandas()
    assert set(found["index"]) == {"STII", "BV"}
    assert set(found.loc[found["index"] == "BV", "order"]) == {1}
    assert set(found.loc[found["index"] == "STII", "order"]) == {2}
    mapping = interaction_map(spectrum.terms, "STII", 2)
    text = sequences["sequence"].to_pylist()
    dense = mapping.apply(spectrum.terms.dividends(spectrum.encode(text)))
    names = [",".join(str(i + 1) for i in s) for s in mapping.supports]
    for row in (0, 17):
        mine = found[(found["sequence_id"] == f"s{row}") & (found["index"] == "STII")]
        for _, entry in mine.iterrows():
            support = [int(i) - 1 for i in entry["positions"].split(",")]
            assert entry["value"] == pytest.approx(dense[row, names.index(entry["positions"])], rel=1e-6)
            assert entry["letters"] == "".join(text[row][i] for i in support)
        assert mine["value"].abs().is_monotonic_decreasing
    assert found["value"].abs().min() >= 0.1 - 1e-6
    pieces = [pa.concat_tables(explainer.interactions(sequences.slice(k, 7))) for k in range(0, 60, 7)]
    assert pa.concat_tables(pieces).to_pandas().equals(found)
    assert found.groupby(["sequence_id", "index"]).size().max() == 3


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


def test_the_notebook_lists_what_the_workflow_lists(spectrum, sequences):
    text = sequences["sequence"].to_pylist()
    frame = spectrum.interactions(text, "k-SII", 3, top_k=4)
    assert list(frame.columns) == ["sequence", "index", "order", "positions", "letters", "value"]
    assert frame["sequence"].tolist() == sorted(list(range(60)) * 4)
    assert np.abs(spectrum.shapley_values(text).sum(1) - spectrum.predict(text) + spectrum.intercept).max() < 1e-12
    with pytest.raises(InputError, match="'XII' is not one of"):
        spectrum.interactions(text, "XII")
    assert spectrum.interactions([], "FSII").empty


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


def test_arrays_are_written_piece_by_piece(tmp_path):
    whole = np.arange(24, dtype="<f4").reshape(4, 2, 3)
    for name, cuts in (("a", (0, 4)), ("b", (0, 1, 3, 4))):
        with npy_writer(tmp_path / f"{name}.npz", whole.shape, "<f4") as write:
            for start, stop in pairwise(cuts):
                write(whole[start:stop])
    assert (np.load(tmp_path / "a.npz", allow_pickle=False)["arr_0"] == whole).all()
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_tables_do_not_depend_on_the_pieces_they_come_in(tmp_path):
    count = ROW_GROUP + 1000
    whole = pa.table({"output": ["y"] * count, "group": ["b", "a", ""] * (count // 3) + [""] * (count % 3)})
    whole = whole.append_column("value", pa.array(np.arange(count)))
    write_parquet(tmp_path / "whole.parquet", whole)
    with parquet_writer(tmp_path / "pieces.parquet", whole.schema) as writer:
        for start in range(0, count, 7000):
            writer.write(whole.slice(start, 7000))
    assert (tmp_path / "whole.parquet").read_bytes() == (tmp_path / "pieces.parquet").read_bytes()
    rows = list(read_rows(tmp_path / "whole.parquet", 5, count - 1, 30_000))
    assert [r.num_rows for r in rows] == [30_000, 30_000, count - 60_006]
    assert pa.concat_tables(rows)["value"].to_pylist() == list(range(5, count - 1))
    assert group_names(tmp_path / "whole.parquet") == ["a", "b"]


def test_shards_are_merged_by_output(tmp_path):
    schema = pa.schema([("output", pa.string()), ("value", pa.int64())])

    def write(name, *groups):
        with parquet_writer(tmp_path / name, schema) as writer:
            for output, values in groups:
                writer.write(pa.table({"output": [output] * len(values), "value": values}, schema=schema))
                writer.flush()
        return tmp_path / name

    shards = [write("1", ("b", [3]), ("a", [1, 2]), ("b", [4])), write("2", ("b", [5])), write("3")]
    assert merge_tables(tmp_path / "merged", shards, ["a", "b", "c"]) == 5
    assert pq.read_table(tmp_path / "merged")["value"].to_pylist() == [1, 2, 3, 4, 5]


def test_refinement_leaves_ambiguous_sequences_alone(spectrum, tmp_path):
    class Model:
        batch_size = 2

        def __call__(self, codes):
            return codes.sum(1, keepdims=True).astype(float)

    refiner = Refiner(Model(), [spectrum], [Residual()], [None], Effort(8))
    text = ["ACGTA", "NCGTA", "TTTTT"]
    refined = refine_plain(refiner, text, np.array([[7.0], [np.nan], [15.0]]))
    assert np.isnan(refined.values[0]).all(1).tolist() == [False, True, False]
    assert refined.evaluations.tolist() == [8, 0, 8]
    assert np.isnan(refined.corrections[0]).tolist() == [False, True, False]


def test_scores_on_queries(tmp_path):
    values = {"output": ["y"] * 4, "prediction": [1.0, 2.0, 3.0, None], "reconstruction": [1.0, 2.0, 3.5, 9.0]}
    write_parquet(tmp_path / "v", pa.table(values | {"warning": ["", "gap,rare", "gap", ""]}))
    errors = {"output": ["y"] * 4, "evaluations": [8, 8, 8, 0], "correction": [0.5, 0.5, 0.5, None]}
    errors |= {"pos_1": [0.3, 0.3, 0.3, None], "pos_2": [0.0, 0.0, 0.0, None]}
    write_parquet(tmp_path / "e", pa.table(errors))
    found = report_on_queries(tmp_path / "v", tmp_path / "e")["y"]
    assert found["r2_on_queries"] == pytest.approx(1 - 0.25 / 2)
    assert (found["sequences"], found["predicted"], found["largest_gap"]) == (4, 3, 0.5)
    assert found["warnings"] == {"rare": 1, "range": 0, "gap": 2, "r2": 0, "unseen": 0}
    assert (found["refined"], found["evaluations_per_sequence"]) == (3, 8)
    assert found["standard_error"] == pytest.approx(0.3)
    assert found["sketch_error"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("by_order", "r2", "words"),
    [
        ({"1": 0.95, "2": 0.05}, 1.0, "An additive explanation can be trusted: single letters carry 95 %"),
        ({"1": 0.8, "2": 0.2}, 0.97, "tells most, read interactions beside it: single letters carry 80 %"),
        (
            {"1": 0.5, "2": 0.3, "3": 0.2},
            1.0,
            "because letters act together: single letters carry 50 % of the variance",
        ),
        ({"1": 0.95, "2": 0.05}, 0.5, "because too much of the model was not found: single letters carry 95 %"),
        ({}, 1.0, "The model is constant here"),
    ],
)
def test_the_audit_in_words(by_order, r2, words):
    found = order_audit(by_order, 1.0 if by_order else 0.0, r2)
    assert words in found["audit"]
    assert list(found["share_by_order"]) == list(by_order)
    if by_order:
        assert found["share_by_order"][max(by_order)] == pytest.approx(1)
    assert ("not found" in found["audit"]) == (r2 < 0.99)


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
