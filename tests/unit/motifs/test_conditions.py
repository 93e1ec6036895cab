"""Differences of contributions, beside pandas on whole tables."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from analysis import random_sequences, spectra
from shapsketch.motifs import conditions
from shapsketch.motifs.conditions import COLUMNS, contribution_differences
from shapsketch.motifs.reading import Explained
from shapsketch.settings.errors import InputError
from shapsketch.storage.parquet import write_parquet

N = 6


def written(folder, sequences, seed):
    """Explained sequences of a made-up output, with values that differ by sequence."""
    rng = np.random.default_rng(seed)
    count = len(sequences)
    columns = {
        "sequence_id": sequences["sequence_id"],
        "output": pa.repeat("y", count),
        "reconstruction": np.zeros(count),
    }
    values = pa.table(columns | {f"pos_{i + 1}": rng.normal(size=count) for i in range(N)})
    folder.mkdir()
    write_parquet(folder / "sequences.parquet", sequences)
    write_parquet(folder / "values.parquet", values)
    return Explained(spectra(N)[0].template, folder / "sequences.parquet", folder / "values.parquet", 0, [])


@pytest.fixture
def members(tmp_path):
    """Three models; the second has dropped five sequences, the third others; two have an ambiguous letter."""
    sequences = random_sequences(60, N)
    texts = sequences["sequence"].to_pylist()
    texts[11], texts[30] = "N" + texts[11][1:], texts[30][:2] + "N" + texts[30][3:]
    sequences = sequences.set_column(1, "sequence", pa.array(texts))
    kept = {"a/y": np.arange(60), "b/y": np.delete(np.arange(60), [0, 7, 8, 9, 59]), "c/y": np.arange(3, 58)}
    return {name: written(tmp_path / name[0], sequences.take(rows), k) for k, (name, rows) in enumerate(kept.items())}


def long(explained):
    """Position, letter and value of every explained letter."""
    sequences, values = (pd.read_parquet(path) for path in (explained.sequences, explained.values))
    plain = ~sequences["sequence"].str.contains("N")
    parts = [
        pd.DataFrame({"id": sequences["sequence_id"], "position": i + 1, "letter": sequences["sequence"].str[i],
                      "value": values[f"pos_{i + 1}"]})[plain]
        for i in range(N)
    ]  # fmt: skip
    return pd.concat(parts)


@pytest.mark.parametrize("chunk", [conditions.CHUNK, 7])
def test_differences_are_those_of_whole_tables(members, monkeypatch, chunk):
    monkeypatch.setattr(conditions, "CHUNK", chunk)
    table = contribution_differences("all", members)
    assert list(table.columns) == COLUMNS
    assert table[["output_a", "output_b"]].drop_duplicates().to_numpy().tolist() == [
        ["a/y", "b/y"], ["a/y", "c/y"], ["b/y", "c/y"],
    ]  # fmt: skip
    shared = set.intersection(*(set(long(explained)["id"]) for explained in members.values()))
    assert len(shared) == 60 - 8 - 2  # that a model has dropped, and two with ambiguous letters
    for (a, b), rows in table.groupby(["output_a", "output_b"]):
        both = long(members[a]).merge(long(members[b]), on=["id", "position", "letter"])
        both = both[both["id"].isin(shared)].assign(difference=lambda t: t["value_x"] - t["value_y"])
        wanted = both.groupby(["position", "letter"]).agg(
            sequences=("id", "size"), mean_a=("value_x", "mean"), mean_b=("value_y", "mean"),
            mean_difference=("difference", "mean"), standard_error=("difference", "sem"),
        )  # fmt: skip
        got = rows.set_index(["position", "letter"])[wanted.columns]
        pd.testing.assert_frame_equal(got, wanted, check_dtype=False, atol=1e-12)
        assert (rows.groupby("position")["sequences"].sum() == len(shared)).all()


def test_the_same_output_differs_by_nothing(members):
    table = contribution_differences("same", {"x/y": members["a/y"], "z/y": members["a/y"]})
    assert (table["mean_difference"] == 0).all()
    assert table["standard_error"].max() < 1e-7


def test_a_letter_of_one_sequence_has_no_standard_error(tmp_path):
    explained = written(tmp_path / "one", random_sequences(1, N), 0)
    assert contribution_differences("c", {"x/y": explained, "z/y": explained})["standard_error"].isna().all()


def test_outputs_without_a_common_sequence_are_told(tmp_path):
    sequences = random_sequences(40, N)
    ends = {
        name: written(tmp_path / name[0], sequences.slice(start, 20), 0) for name, start in (("a/y", 0), ("b/y", 20))
    }
    with pytest.raises(InputError, match=r"outputs of conditions.c have no sequence in common; see their dropped.tsv"):
        contribution_differences("c", ends)


def test_other_letters_under_the_same_names_are_told(tmp_path):
    first, second = (written(tmp_path / str(seed), random_sequences(30, N, seed=seed), 0) for seed in (0, 1))
    with pytest.raises(InputError, match="b/y was explained on other sequences than a/y: run both again"):
        contribution_differences("c", {"a/y": first, "b/y": second})
